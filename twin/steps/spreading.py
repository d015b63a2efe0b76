"""Where the records of a placed dataset lie: on the clock, in which cells, and the tables that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import crs
import layers
from spatial_join import H3Grid, JoinError, Weights
from spatial_join.probability import probable_weights, require_normal
from twin.errors import BuildError
from twin.steps.placed import of_position, read_placed
from twin.steps.series import Readings, inside_clock, readings_of
from twin.store import write_features, write_table
from twin.timeline import Clock, clock_from_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from twin.manifest.models import DatasetSpec
    from twin.manifest.reading import Manifest

_DIMENSIONS = ("point", "line", "polygon")
OUTSIDE_CLOCK = "outside_clock"
"""Code of the reason of a record that lies outside the city's period."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Where a dataset is taken to cells.

    Parameters
    ----------
    manifest : Manifest
        The city.
    name : str
        Which dataset.
    dataset : DatasetSpec
        Its entry.
    clock : Clock
        The city's clock.
    grid : H3Grid
        Its cells.
    folder : Path
        Where to write.
    """

    manifest: Manifest
    name: str
    dataset: DatasetSpec
    clock: Clock
    grid: H3Grid
    folder: Path

    @classmethod
    def of(cls, manifest: Manifest, name: str, folder: Path) -> Self:
        """Open the room of a dataset.

        Parameters
        ----------
        manifest : Manifest
            The city.
        name : str
            Which dataset.
        folder : Path
            Where to write.

        Returns
        -------
        Room
            With clock and cells of the city.
        """
        spec = manifest.spec
        clock, grid = clock_from_spec(spec.clock), H3Grid(resolution=spec.resolution)
        return cls(manifest=manifest, name=name, dataset=spec.datasets[name], clock=clock, grid=grid, folder=folder)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Records, what they measured, and where they lie.

    Parameters
    ----------
    readings : Readings
        Values by record.
    row : ndarray of int64, shape (features,)
        Number that each feature bears.
    weights : mapping of int to Weights
        By the dimension of the geometries.
    sigma_m : ndarray of float64, shape (features,)
        How far each may be off, metres per axis.
    """

    readings: Readings
    row: npt.NDArray[np.int64]
    weights: Mapping[int, Weights]
    sigma_m: npt.NDArray[np.float64]


def on_the_clock(layer: layers.Layer, room: Room) -> tuple[layers.Layer, pd.DataFrame]:
    """Set aside what lies outside the city's period.

    Parameters
    ----------
    layer : layers.Layer
        Placed.
    room : Room
        With the clock.

    Returns
    -------
    layer : layers.Layer
        What is left.
    late : pandas.DataFrame
        What is not; as in `out_of`.
    """
    outside = np.zeros(len(layer), dtype=bool) if room.dataset.time is None else ~inside_clock(layer, room.clock)
    span = f"{room.clock.start} to {room.clock.end}"
    return out_of(layer, outside, f"{OUTSIDE_CLOCK}: not in {span}")


def out_of(layer: layers.Layer, mask: npt.NDArray[np.bool_], reason: str) -> tuple[layers.Layer, pd.DataFrame]:
    """Set records of a placed layer aside.

    Parameters
    ----------
    layer : layers.Layer
        Placed.
    mask : ndarray of bool, shape (n,)
        Which records.
    reason : str
        "code: detail".

    Returns
    -------
    layer : layers.Layer
        What is left.
    late : pandas.DataFrame
        What is not, with its fate and reason; without a row if nothing was set aside.
    """
    kept = layer.quarantine(mask, reason)
    return kept, kept.ledger.quarantined.assign(fate="quarantined")


def entered(late: pd.DataFrame, record: dict[str, Any], aside: pd.DataFrame) -> pd.DataFrame:
    """Enter records that were set aside after they had been placed.

    Parameters
    ----------
    late : pandas.DataFrame
        They, with fate, source and reason.
    record : dict
        Account of the dataset; it is changed.
    aside : pandas.DataFrame
        What was set aside before.

    Returns
    -------
    pandas.DataFrame
        All that is set aside.
    """
    if not len(late):
        return aside
    if len(record["sources"]) == 1:
        late = late.assign(source=next(iter(record["sources"])))
    for source, count in late["source"].value_counts().items():
        record["sources"][source]["placed"] -= int(count)
        record["sources"][source]["quarantined"] += int(count)
    record["placed"] -= len(late)
    record["quarantined"] += len(late)
    codes = late["reason"].astype(str).str.split(":").str[0].value_counts()
    reasons = dict(record["reasons"])
    for code, count in codes.items():
        reasons[f"quarantined:{code}"] = reasons.get(f"quarantined:{code}", 0) + int(count)
    record["reasons"] = reasons
    return pd.concat([aside, late], ignore_index=True)[[*aside.columns, *late.columns.difference(aside.columns)]]


def spread_of(layer: layers.Layer, room: Room, references: Mapping[str, Path]) -> Spread:
    """Say what records measured, and where they lie.

    Parameters
    ----------
    layer : layers.Layer
        Placed, on the clock.
    room : Room
        Of its dataset.
    references : mapping
        Folders of the placed datasets that its positions refer to.

    Returns
    -------
    Spread
        By feature.
    """
    readings = readings_of(layer, room.dataset, room.clock)
    shapes = _supports(layer, room, references)[readings.first]
    sigma_m = layer.sigma_m[readings.first]
    if room.dataset.uncertain:
        radius_m = getattr(layer.coordinates, "radius_m", None)
        try:
            require_normal(shapes, None if radius_m is None else radius_m[readings.first])
        except JoinError as error:
            raise BuildError(str(error)) from error
    spreads = _spreads(shapes, room, sigma_m=sigma_m if room.dataset.uncertain else None)
    row = _feature_rows(layer, room.dataset, readings)
    return Spread(readings=readings, row=row, weights=spreads, sigma_m=sigma_m)


def write_tables(layer: layers.Layer, room: Room, spread: Spread) -> None:
    """Write features, weights and records.

    Parameters
    ----------
    layer : layers.Layer
        Placed, on the clock.
    room : Room
        Of its dataset.
    spread : Spread
        Where the records lie.
    """
    _write_features(layer, room, spread.readings, spread.row)
    write_table(room.folder / "weights.parquet", weight_rows(spread.weights, spread.row))
    if room.dataset.variables:
        write_table(room.folder / "records.parquet", _record_rows(layer, spread.readings, spread.row))


def require_one_kind(kinds: Iterable[int], room: Room) -> None:
    """Refuse variables on geometries of several kinds.

    Parameters
    ----------
    kinds : iterable of int
        Dimensions of the geometries.
    room : Room
        Of the dataset.

    Raises
    ------
    BuildError
        If there is more than one, and a variable.
    """
    found = sorted(set(kinds))
    if room.dataset.variables and len(found) > 1:
        told = ", ".join(_DIMENSIONS[number] + "s" for number in found)
        raise BuildError(f"{room.name}: variables need geometries of one kind, found {told}: split the dataset")


def period_of(layer: layers.Layer, dataset: DatasetSpec) -> list[str] | None:
    """Return from when to when records hold.

    Parameters
    ----------
    layer : layers.Layer
        Placed, on the clock.
    dataset : DatasetSpec
        Its entry.

    Returns
    -------
    list of str or None
        First and last, ISO 8601; None where nothing says it.
    """
    if dataset.time is not None and len(layer):
        times = layer.table["time"]
        return [times.min().isoformat(), times.max().isoformat()]
    return list(dataset.period) if dataset.period is not None else None


def _feature_rows(layer: layers.Layer, dataset: DatasetSpec, readings: Readings) -> npt.NDArray[np.int64]:
    """Return the number that each feature bears: its record's, or the site's."""
    if dataset.site:
        return np.arange(readings.first.size, dtype=np.int64)
    return layer.table.index.to_numpy(dtype=np.int64)


def _write_features(layer: layers.Layer, room: Room, readings: Readings, row: npt.NDArray[np.int64]) -> None:
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


def _supports(layer: layers.Layer, room: Room, references: Mapping[str, Path]) -> npt.NDArray[np.object_]:
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
    shapes: npt.NDArray[np.object_], room: Room, *, sigma_m: npt.NDArray[np.float64] | None
) -> dict[int, Weights]:
    """Return the weights of the points, the lines and the polygons of a layer, with sigmas by probability."""
    flat = shapely.force_2d(shapes)
    dimension = shapely.get_dimensions(flat)
    broken = (dimension == 2) & ~shapely.is_valid(flat)
    flat[broken] = shapely.make_valid(flat[broken], method="structure", keep_collapsed=False)
    dimension[shapely.is_missing(flat) | shapely.is_empty(flat)] = -1
    kinds = np.unique(dimension[dimension >= 0]).tolist()
    return {kind: probable_weights(flat, sigma_m, room.grid, valid=dimension == kind) for kind in kinds}


def weight_rows(spreads: Mapping[int, Weights], row: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Lay weights out cell by cell, so that `explain` reads no more than the row groups of a district.

    Parameters
    ----------
    spreads : mapping of int to Weights
        By the dimension of the geometries.
    row : ndarray of int64, shape (features,)
        Number that each feature bears.

    Returns
    -------
    pandas.DataFrame
        Columns row, cell, share, support.
    """
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
    columns |= {f"{name}.sigma": array for name, array in readings.sigmas.items()}
    frame = pd.DataFrame(columns)
    if readings.shares is not None:
        times = [name for name in ("time", "time_end") if name in layer.table]
        frame[times] = layer.table[times].reset_index(drop=True)
    return frame
