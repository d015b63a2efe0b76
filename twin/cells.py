"""Take one placed dataset to the cells of the city: features, weights, readings and the arrays of the cube."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

import crs
import layers
from spatial_join import H3Grid, Weights, weights
from spatial_join.partition import stretches
from spatial_join.probability import probable_weights, require_normal
from spatial_join.weights import together
from twin.arrays import Pieces, write_cube
from twin.errors import BuildError
from twin.place import of_position, placed_record, quarantine_file, read_placed
from twin.quality import judged
from twin.series import Readings, inside_clock, readings_of
from twin.store import canonical_json, write_features, write_table
from twin.timeline import Clock, clock_from_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from twin.manifest import Manifest
    from twin.manifest_models import DatasetSpec

Over: TypeAlias = "Callable[[Callable[[Any], Any], Sequence[Any]], Sequence[Any]]"

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
    over: Over


def make_cells(
    manifest: Manifest, name: str, placed: Path, *, references: Mapping[str, Path], folder: Path, over: Over
) -> None:
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
    over : callable
        Does one work for each of many pieces, and returns what it made of them in their order.
    """
    spec = manifest.spec
    room = _Room(
        manifest=manifest,
        name=name,
        dataset=spec.datasets[name],
        clock=clock_from_spec(spec.clock),
        grid=H3Grid(resolution=spec.resolution),
        folder=folder,
        over=over,
    )
    source, record = read_placed(placed), placed_record(placed)
    aside = pd.read_parquet(quarantine_file(placed))
    if isinstance(source, layers.Layer):
        source, aside = _on_the_clock(source, room, record, aside)
        info = _layer_cells(source, room, references)
    else:
        info = _raster_cells(source, room)
    record["quality"] = judged(source, record, aside, manifest).to_json()
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
    if len(record["sources"]) == 1:
        late["source"] = next(iter(record["sources"]))
    for source, count in late["source"].value_counts().items():
        record["sources"][source]["placed"] -= int(count)
        record["sources"][source]["quarantined"] += int(count)
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
    sigma_m = layer.sigma_m[readings.first]
    if room.dataset.uncertain:
        radius_m = getattr(layer.coordinates, "radius_m", None)
        require_normal(shapes, None if radius_m is None else radius_m[readings.first])
    spreads = _spreads(shapes, room, sigma_m=sigma_m if room.dataset.uncertain else None)
    write_table(room.folder / "weights.parquet", _weight_rows(spreads, row))
    if room.dataset.variables:
        write_table(room.folder / "records.parquet", _record_rows(layer, readings, row))
        if len(spreads) > 1:
            found = ", ".join(_DIMENSIONS[number] + "s" for number in sorted(spreads))
            raise BuildError(f"{room.name}: variables need geometries of one kind, found {found}: split the dataset")
    pieces = Pieces(weights=next(iter(spreads.values()), None), sigma_m=sigma_m)
    made = write_cube(room.folder, room.dataset, readings, pieces, clock=room.clock)
    variables = {}
    for name in room.dataset.variables:
        notes = list(readings.notes[name])
        if room.dataset.support == "reference":
            whole = crs.definition(room.manifest.position(room.name)).reference
            notes.append(f"a reading holds for the whole of its record in {whole}")
        variables[name] = {
            "static": readings.shares is None,
            "categories": list(readings.categories.get(name, ())),
            "period": _period(layer, room.dataset),
            "notes": [*notes, *made.get(name, ())],
            "measure": None if pieces.weights is None else pieces.weights.measure,
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
        times = {"time", "time_end", room.dataset.time.column} if room.dataset.time is not None else set()
        table = table.drop(columns=sorted(measured | times), errors="ignore")
    trusted = {name: column[readings.first] for name, column in of_position(layer).items()}
    table = table.drop(columns=["row", *trusted, "geometry"], errors="ignore")
    head = pd.DataFrame({"row": row, **trusted})
    frame = gpd.GeoDataFrame(pd.concat([head, table], axis=1), geometry=layer.geometry[readings.first], crs="OGC:CRS84")
    write_features(room.folder / "features.parquet", frame)


def _supports(layer: layers.Layer, room: _Room, references: Mapping[str, Path]) -> npt.NDArray[np.object_]:
    """Return what each record stands for: its own geometry, or the whole street that it refers to."""
    if room.dataset.support == "own":
        return layer.geometry
    position = crs.definition(room.manifest.position(room.name))
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


def _spreads(
    shapes: npt.NDArray[np.object_], room: _Room, *, sigma_m: npt.NDArray[np.float64] | None
) -> dict[int, Weights]:
    """Return the weights of the points, the lines and the polygons of a layer, with sigmas by probability."""
    flat = shapely.force_2d(shapes)
    dimension = shapely.get_dimensions(flat)
    broken = (dimension == 2) & ~shapely.is_valid(flat)
    flat[broken] = shapely.make_valid(flat[broken], method="structure", keep_collapsed=False)
    dimension[shapely.is_missing(flat) | shapely.is_empty(flat)] = -1
    parts = stretches(len(flat))
    if len(parts) == 1:  # the pieces of a small layer are not worth their way
        kinds = np.unique(dimension[dimension >= 0]).tolist()
        return {kind: probable_weights(flat, sigma_m, room.grid, valid=dimension == kind) for kind in kinds}
    sigmas = [None if sigma_m is None else sigma_m[rows] for rows in parts]
    pieces = [
        (kind, room.grid, shapely.to_wkb(flat[rows]), dimension[rows] == kind, sigma)
        for kind in np.unique(dimension[dimension >= 0]).tolist()
        for rows, sigma in zip(parts, sigmas, strict=True)
    ]
    made: dict[int, list[Weights]] = {kind: [] for kind, *_ in pieces}
    for (kind, *_), spread in zip(pieces, room.over(_spread, pieces), strict=True):
        made[kind].append(spread)
    return {kind: together(spreads) for kind, spreads in made.items()}


def _spread(piece: tuple[Any, ...]) -> Weights:
    """Return the weights of a stretch of records."""
    _, grid, wkb, valid, sigma_m = piece
    return probable_weights(shapely.from_wkb(wkb), sigma_m, grid, valid=valid)


def _weight_rows(spreads: Mapping[int, Weights], row: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Lay weights out cell by cell, so that `explain` reads no more than the row groups of a district."""
    parts = [
        pd.DataFrame({"row": row[w.row], "cell": w.cell, "share": w.share, "support": w.support})
        for w in spreads.values()
    ]
    if not parts:
        kinds = {"row": np.int64, "cell": np.uint64, "share": np.float64, "support": np.float64}
        return pd.DataFrame({name: np.empty(0, kind) for name, kind in kinds.items()})
    frame = pd.concat(parts, ignore_index=True)
    return frame.iloc[np.lexsort((frame["row"], frame["cell"]))]


def _record_rows(layer: layers.Layer, readings: Readings, row: npt.NDArray[np.int64]) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "row": layer.table.index.to_numpy(dtype=np.int64),
        "feature": row[readings.feature],
        "sigma_m": layer.sigma_m,
    }
    if "source_file" in layer.table.columns:
        columns["file"] = layer.table["source_file"].to_numpy(dtype=object)
    columns |= {name: array for name, array in readings.values.items()}  # noqa: PD011, C416 - a mapping, no frame
    frame = pd.DataFrame(columns)
    if readings.shares is not None:
        times = [name for name in ("time", "time_end") if name in layer.table]
        frame[times] = layer.table[times].reset_index(drop=True)
    return frame


def _raster_cells(raster: layers.RasterLayer, room: _Room) -> dict[str, Any]:
    if len(room.dataset.variables) != 1:
        raise BuildError(f"{room.name}: a raster holds one variable: write exactly one under variables")
    if room.dataset.uncertain:
        raise BuildError(f"{room.name}: only points go to cells by probability: remove uncertain from the raster")
    name, variable = next(iter(room.dataset.variables.items()))
    flat = np.asarray(raster.column("value"), dtype=np.float64)
    known = np.isfinite(flat)
    spread = weights(raster.coordinates, room.grid, valid=known)
    pixels = np.flatnonzero(known).astype(np.int64)
    write_table(room.folder / "weights.parquet", _weight_rows({2: spread}, np.arange(flat.size, dtype=np.int64)))
    sigma_m = float(raster.coordinates.sigma_m)
    records = pd.DataFrame({"row": pixels, "feature": pixels, "sigma_m": sigma_m, name: flat[pixels]})
    write_table(room.folder / "records.parquet", records)
    everyone = np.arange(flat.size, dtype=np.int64)
    readings = Readings(
        feature=everyone, first=everyone, values={name: flat}, categories={}, shares=None, period_s=0.0, notes={}
    )
    pieces = Pieces(weights=spread, sigma_m=np.full(flat.size, sigma_m))
    made = write_cube(room.folder, room.dataset, readings, pieces, clock=room.clock)
    period = list(room.dataset.period) if room.dataset.period is not None else None
    notes = [f"value of a pixel [{variable.unit}]", *made[name]]
    described = {"static": True, "categories": [], "period": period, "notes": notes, "measure": spread.measure}
    return {
        "features": 0,
        "sigma_m": sigma_m,
        "period_s": 0.0,
        "series": False,
        "variables": {name: described},
    }
