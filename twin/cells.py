"""Take one placed dataset to the cells of the city: features, weights, readings and the arrays of the cube."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

import crs
import layers
from spatial_join import CellTable, H3Grid, Quantity, Weights, aggregate, weights
from twin.errors import BuildError
from twin.place import placed_record, quarantine_file, read_placed
from twin.series import Readings, inside_clock, readings_of
from twin.store import canonical_json, write_arrays, write_features, write_table
from twin.timeline import Clock, clock_from_spec, resample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twin.manifest import Manifest
    from twin.manifest_models import DatasetSpec, VariableSpec

_DIMENSIONS = ("point", "line", "polygon")


@dataclass(frozen=True, kw_only=True)
class _Room:
    """Where a dataset is taken to cells."""

    manifest: Manifest
    name: str
    dataset: DatasetSpec
    clock: Clock
    grid: H3Grid
    folder: Path


def make_cells(manifest: Manifest, name: str, placed: Path, references: Mapping[str, Path], folder: Path) -> None:
    """Take a placed dataset to the cells.

    Parameters
    ----------
    manifest : Manifest
        The city.
    name : str
        Which dataset.
    placed : Path
        Folder of its ``place`` step.
    references : mapping
        Folders of the ``place`` steps of the datasets that its positions refer to.
    folder : Path
        Where to write.
    """
    spec = manifest.spec
    room = _Room(
        manifest=manifest,
        name=name,
        dataset=spec.datasets[name],
        clock=clock_from_spec(spec.clock),
        grid=H3Grid(resolution=spec.resolution),
        folder=folder,
    )
    source, record = read_placed(placed), placed_record(placed)
    aside = pd.read_parquet(quarantine_file(placed))
    if isinstance(source, layers.Layer):
        source, aside = _on_the_clock(source, room, record, aside)
        info = _layer_cells(source, room, references)
    else:
        info = _raster_cells(source, room)
    write_table(folder / "quarantine.parquet", aside)
    (folder / "info.json").write_bytes(canonical_json({**record, **info}))


def _on_the_clock(
    layer: layers.Layer, room: _Room, record: dict[str, Any], aside: pd.DataFrame
) -> tuple[layers.Layer, pd.DataFrame]:
    """Set aside what lies outside the city's period, and keep the account."""
    if room.dataset.time is None:
        return layer, aside
    outside = ~inside_clock(layer, room.clock)
    if not outside.any():
        return layer, aside
    span = f"{room.clock.start} to {room.clock.end}"
    kept = layer.quarantine(outside, f"outside_clock: not in {span}")
    late = kept.ledger.quarantined.assign(fate="quarantined")
    number = int(outside.sum())
    record["placed"] -= number
    record["quarantined"] += number
    record["reasons"] = {**record["reasons"], "quarantined:outside_clock": number}
    return kept, pd.concat([aside, late], ignore_index=True)[[*aside.columns, *late.columns.difference(aside.columns)]]


def _layer_cells(layer: layers.Layer, room: _Room, references: Mapping[str, Path]) -> dict[str, Any]:
    readings = readings_of(layer, room.dataset, room.clock)
    row = _feature_rows(layer, room.dataset, readings)
    _write_features(layer, room, readings, row)
    shapes = _supports(layer, room, references)[readings.first]
    spreads = _spreads(shapes, room.grid)
    write_table(room.folder / "weights.parquet", _weight_rows(spreads, row))
    if room.dataset.variables:
        write_table(room.folder / "records.parquet", _record_rows(layer, readings, row))
        if len(spreads) > 1:
            found = ", ".join(_DIMENSIONS[number] + "s" for number in sorted(spreads))
            raise BuildError(f"{room.name}: variables need geometries of one kind, found {found}: split the dataset")
    sigma_m = layer.sigma_m[readings.first]
    variables = {}
    for name, variable in room.dataset.variables.items():
        notes = list(readings.notes[name])
        if room.dataset.support == "reference":
            notes.append(
                f"a reading holds for the whole of its record in {crs.definition(room.dataset.position).reference}"
            )
        if variable.field is None and spreads:
            spread = next(iter(spreads.values()))
            notes.append(_aggregate(room, name, readings, spread, sigma_m))
        elif variable.field is not None:
            series = _series(readings, name, variable, room.clock)
            np.save(room.folder / f"series_{name}.npy", series, allow_pickle=False)
        variables[name] = {
            "static": readings.shares is None,
            "categories": list(readings.categories.get(name, ())),
            "period": _period(layer, room.dataset),
            "notes": notes,
            "measure": spread.measure if variable.field is None and spreads else None,
        }
    sigma = layer.sigma_m
    return {
        "features": len(readings.first),
        "sigma_m": float(np.median(sigma)) if sigma.size else None,
        "period_s": readings.period_s,
        "series": bool(room.dataset.site),
        "variables": variables,
    }


def _period(layer: layers.Layer, dataset: DatasetSpec) -> list[str] | None:
    if dataset.time is not None and len(layer):
        times = layer.table["time"]
        return [times.min().isoformat(), times.max().isoformat()]
    return list(dataset.period) if dataset.period is not None else None


def _feature_rows(layer: layers.Layer, dataset: DatasetSpec, readings: Readings) -> npt.NDArray[np.int64]:
    """Return the number that each feature bears: its record's, or the site's."""
    if dataset.site:
        return np.arange(readings.first.size, dtype=np.int64)
    return layer.table.index.to_numpy(dtype=np.int64)


def _write_features(layer: layers.Layer, room: _Room, readings: Readings, row: npt.NDArray[np.int64]) -> None:
    table = layer.table.iloc[readings.first].reset_index(drop=True)
    if room.dataset.site:  # what changes from reading to reading says nothing of the site
        measured = {variable.column or name for name, variable in room.dataset.variables.items()}
        times = {"time", room.dataset.time.column} if room.dataset.time is not None else set()
        table = table.drop(columns=sorted(measured | times), errors="ignore")
    table = table.drop(columns=["row", "sigma_m", "geometry"], errors="ignore")
    head = pd.DataFrame({"row": row, "sigma_m": layer.sigma_m[readings.first]})
    frame = gpd.GeoDataFrame(pd.concat([head, table], axis=1), geometry=layer.geometry[readings.first], crs="OGC:CRS84")
    write_features(room.folder / "features.parquet", frame)


def _supports(layer: layers.Layer, room: _Room, references: Mapping[str, Path]) -> npt.NDArray[np.object_]:
    """Return what each record stands for: its own geometry, or the whole street that it refers to."""
    if room.dataset.support == "own":
        return layer.geometry
    position = crs.definition(room.dataset.position)
    reference = read_placed(references[str(position.reference)])
    if not isinstance(reference, layers.Layer) or position.key is None or not position.columns:
        raise BuildError(
            f"{room.name}: support: reference needs a layer with a key, such as {{along: streets, key: id}}"
        )
    shapes = pd.Series(reference.geometry, index=[str(key) for key in reference.column(position.key)])
    shapes = shapes[~shapes.index.duplicated()]
    wanted = [str(key) for key in layer.column(position.columns[0])]
    known = np.array([key in shapes.index for key in wanted], dtype=bool)
    found = layer.geometry.copy()
    found[known] = shapes[[key for key in wanted if key in shapes.index]].to_numpy(dtype=object)
    return found


def _spreads(shapes: npt.NDArray[np.object_], grid: H3Grid) -> dict[int, Weights]:
    """Return the weights of the points, the lines and the polygons of a layer."""
    flat = shapely.force_2d(shapes)
    dimension = shapely.get_dimensions(flat)
    broken = (dimension == 2) & ~shapely.is_valid(flat)
    flat[broken] = shapely.make_valid(flat[broken], method="structure", keep_collapsed=False)
    empty = shapely.is_missing(flat) | shapely.is_empty(flat)
    kinds = [int(number) for number in np.unique(dimension[~empty])]
    return {number: weights(flat, grid, valid=(dimension == number) & ~empty) for number in kinds}


def _weight_rows(spreads: Mapping[int, Weights], row: npt.NDArray[np.int64]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"row": row[w.row], "cell": w.cell, "share": w.share, "support": w.support})
        for w in spreads.values()
    ]
    if not parts:
        kinds = {"row": np.int64, "cell": np.uint64, "share": np.float64, "support": np.float64}
        return pd.DataFrame({name: np.empty(0, kind) for name, kind in kinds.items()})
    return pd.concat(parts, ignore_index=True)


def _record_rows(layer: layers.Layer, readings: Readings, row: npt.NDArray[np.int64]) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "row": layer.table.index.to_numpy(dtype=np.int64),
        "feature": row[readings.feature],
        "sigma_m": layer.sigma_m,
    }
    if "source_file" in layer.table.columns:
        columns["file"] = layer.table["source_file"].to_numpy(dtype=object)
    if readings.shares is not None:
        columns["time"] = layer.table["time"].to_numpy()
    frame = pd.DataFrame({**columns, **readings.values})
    if readings.shares is not None:
        frame["time"] = layer.table["time"].reset_index(drop=True)
    return frame


def _series(readings: Readings, name: str, variable: VariableSpec, clock: Clock) -> npt.NDArray[np.float64]:
    if readings.shares is None:
        return readings.values[name][:, None]
    extensive = variable.kind == "extensive"
    return resample(readings.values[name], readings.feature, readings.shares, clock=clock, extensive=extensive)


def _aggregate(room: _Room, name: str, readings: Readings, spread: Weights, sigma_m: npt.NDArray[np.float64]) -> str:
    """Write the arrays of one variable and say how they were made."""
    variable = room.dataset.variables[name]
    if variable.kind == "extensive" and variable.by not in {None, spread.measure}:
        raise BuildError(f"{room.name}: {name} is an amount of {spread.measure}: write by: {spread.measure}, or nothing")
    quantity = Quantity(kind=variable.kind, unit=variable.unit, by=None if variable.kind == "extensive" else variable.by)
    by = None
    values = readings.values[name]
    if readings.shares is not None and room.dataset.site:
        values = _series(readings, name, variable, room.clock)
    elif readings.shares is not None:
        by = np.full(len(values), -1, dtype=np.int64)
        by[readings.shares.record] = readings.shares.step
    table = aggregate(spread, {name: values}, {name: quantity}, by=by, sigma_m=sigma_m)
    steps = None if readings.shares is None else len(room.clock)
    arrays = cube_arrays(table, name, steps=steps)
    if variable.kind == "categorical":
        arrays["classes"] = _class_support(table, name, arrays["cell"], len(readings.categories[name]))
    write_arrays(room.folder / "cube" / name, arrays, attributes={"units": variable.unit, "kind": variable.kind})
    if variable.kind == "extensive":
        return f"spread over cells by exact shares of {spread.measure}, and added up"
    if variable.kind == "categorical":
        return f"class with the most {variable.by or spread.measure} in the cell"
    return f"mean over what lies in the cell, weighted by {variable.by or spread.measure}"


def cube_arrays(table: CellTable, name: str, *, steps: int | None) -> dict[str, np.ndarray[Any, Any]]:
    """Lay a table of cells out as arrays.

    Parameters
    ----------
    table : CellTable
        Lines per cell, and per step if in time.
    name : str
        Variable.
    steps : int or None
        Steps of the clock; None for what does not change.

    Returns
    -------
    dict
        ``cell`` (n,) ascending; ``value`` and ``support`` (n,) or (n, steps); ``sigma_m`` (n,), the largest over time.
    """
    frame = table.frame[table.frame[name].notna()]
    if "step" in frame:
        frame = frame[(frame["step"] >= 0) & (frame["step"] < (steps or 0))]
    cells, where = np.unique(frame["cell"].to_numpy(dtype=np.uint64), return_inverse=True)
    shape = (cells.size,) if steps is None else (cells.size, steps)
    place = (where,) if steps is None else (where, frame["step"].to_numpy())
    value, support = np.full(shape, np.nan), np.zeros(shape)
    value[place] = frame[name].to_numpy(dtype=np.float64)
    support[place] = frame[f"{name}__support"].to_numpy(dtype=np.float64)
    sigma_m = np.zeros(cells.size)
    np.maximum.at(sigma_m, where, frame["sigma_m"].to_numpy(dtype=np.float64))
    return {"cell": cells, "value": value, "support": support, "sigma_m": sigma_m}


def _class_support(table: CellTable, name: str, cells: npt.NDArray[np.uint64], count: int) -> npt.NDArray[np.float64]:
    """Return what every class has in every cell, so that coarser cells can still tell which has most."""
    part = table.categories[name]
    support = np.zeros((cells.size, count))
    place = (np.searchsorted(cells, part["cell"].to_numpy(dtype=np.uint64)), part["category"].to_numpy(dtype=np.int64))
    support[place] = part["support"].to_numpy(dtype=np.float64)
    return support


def _raster_cells(raster: layers.RasterLayer, room: _Room) -> dict[str, Any]:
    if len(room.dataset.variables) != 1:
        raise BuildError(f"{room.name}: a raster holds one variable: write exactly one under variables")
    name, variable = next(iter(room.dataset.variables.items()))
    values = np.asarray(raster.values, dtype=np.float64)
    spread = weights(raster.coordinates, room.grid, valid=np.isfinite(values))
    pixels = np.flatnonzero(np.isfinite(values.ravel())).astype(np.int64)
    write_table(room.folder / "weights.parquet", _weight_rows({2: spread}, np.arange(values.size, dtype=np.int64)))
    sigma_m = float(raster.coordinates.sigma_m)
    records = pd.DataFrame({"row": pixels, "feature": pixels, "sigma_m": sigma_m, name: values.ravel()[pixels]})
    write_table(room.folder / "records.parquet", records)
    everyone = np.arange(values.size, dtype=np.int64)
    readings = Readings(
        feature=everyone,
        first=everyone,
        values={name: values.ravel()},
        categories={},
        shares=None,
        period_s=0.0,
        notes={},
    )
    how = _aggregate(replace(room), name, readings, spread, np.full(values.size, sigma_m))
    period = list(room.dataset.period) if room.dataset.period is not None else None
    described = {"static": True, "categories": [], "period": period, "notes": [f"pixel [{variable.unit}]", how]}
    return {
        "features": 0,
        "sigma_m": sigma_m,
        "period_s": 0.0,
        "series": False,
        "variables": {name: {**described, "measure": "area"}},
    }
