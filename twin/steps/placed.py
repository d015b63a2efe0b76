"""A placed dataset on disk: its records in the one frame, what was set aside, and the account of both."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

import crs
import layers
from twin.store import canonical_json, write_features, write_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import numpy.typing as npt

FRAME = "OGC:CRS84"
"""The one frame."""

_LAYER = "layer.parquet"
_PARTS = "layer"
_RASTER = "raster.npy"
_QUARANTINE = "quarantine.parquet"
_PLACED = "placed.json"
_REPAIRS = "repairs.parquet"


def repairs_file(folder: Path) -> Path:
    """Return the file of cells that were repaired.

    Parameters
    ----------
    folder : Path
        Folder of a placed dataset.

    Returns
    -------
    Path
        A Parquet file; it is not there if nothing was repaired.
    """
    return folder / _REPAIRS


def set_aside(ledger: layers.Ledger) -> pd.DataFrame:
    """Return quarantined and rejected records, their values as the text that came.

    Parameters
    ----------
    ledger : layers.Ledger
        Of a dataset.

    Returns
    -------
    pandas.DataFrame
        ``row``, ``fate``, ``source``, ``reason``, and the values.
    """
    parts = [("quarantined", ledger.quarantined), ("rejected", ledger.rejected)]
    frames = [frame.assign(fate=fate) for fate, frame in parts]
    joined = pd.concat(frames, ignore_index=True)
    first = ["row", "fate", "source", "reason"]
    joined = joined[[*first, *(column for column in joined.columns if column not in first)]]
    texts = {name: joined[name].astype("str").where(joined[name].notna(), None) for name in joined.columns[1:]}
    return joined.assign(**texts)


def write_records(layer: layers.Layer, path: Path) -> None:
    """Write placed records down.

    Parameters
    ----------
    layer : layers.Layer
        In longitude and latitude.
    path : Path
        A Parquet file that is not there yet.
    """
    columns = of_position(layer)
    table = layer.table.drop(columns=["row", *columns, "geometry"], errors="ignore")
    head = {"row": layer.table.index.to_numpy(dtype=np.int64), **columns}
    frame = gpd.GeoDataFrame(head, geometry=layer.geometry, crs=FRAME)
    frame = gpd.GeoDataFrame(pd.concat([frame, table.reset_index(drop=True)], axis=1), crs=FRAME)
    write_features(path, frame)


def of_position(layer: layers.Layer) -> dict[str, npt.NDArray[np.generic]]:
    """Return the columns that say how far each position is to be trusted.

    Parameters
    ----------
    layer : layers.Layer
        Harmonised.

    Returns
    -------
    dict
        ``sigma_m``; ``ambiguous`` where a way was taken on which a position may have two origins;
        ``unresolved_height`` where heights were moved, True for a record that kept its own; and ``radius_m`` where
        records stand for areas.
    """
    columns: dict[str, npt.NDArray[np.generic]] = {"sigma_m": layer.sigma_m.astype(np.float64)}
    for name in ("ambiguous", "unresolved_height", "radius_m"):
        marked = getattr(layer.coordinates, name, None)
        if marked is not None:
            columns[name] = marked
    return columns


def write_placed(layer: layers.Layer | layers.RasterLayer, folder: Path) -> None:
    """Write the records or pixels of a dataset that was placed as a whole.

    Parameters
    ----------
    layer : layers.Layer or layers.RasterLayer
        In longitude and latitude.
    folder : Path
        Folder of the step.
    """
    if isinstance(layer, layers.Layer):
        write_records(layer, folder / _LAYER)
    else:
        _write_raster(layer, folder)


def part_file(folder: Path, number: int) -> Path:
    """Return where the records of a partition stand.

    Parameters
    ----------
    folder : Path
        Folder of the step.
    number : int
        Which partition, from 0.

    Returns
    -------
    Path
        A Parquet file.
    """
    return folder / _PARTS / f"{number:05d}.parquet"


def _write_raster(raster: layers.RasterLayer, folder: Path) -> None:
    np.save(folder / _RASTER, np.asarray(raster.values, dtype=np.float64), allow_pickle=False)
    np.save(folder / "corner_x.npy", raster.coordinates.corner_x, allow_pickle=False)
    np.save(folder / "corner_y.npy", raster.coordinates.corner_y, allow_pickle=False)


def placed_record(folder: Path) -> dict[str, Any]:
    """Return what was written down about a placed dataset.

    Parameters
    ----------
    folder : Path
        Folder of its step.

    Returns
    -------
    dict
        Counts, reasons, position and what moved it.
    """
    found: dict[str, Any] = json.loads((folder / _PLACED).read_bytes())
    return found


def quarantine_file(folder: Path) -> Path:
    """Return the file of records that were set aside.

    Parameters
    ----------
    folder : Path
        Folder of a placed dataset.

    Returns
    -------
    Path
        A Parquet file.
    """
    return folder / _QUARANTINE


def read_placed(folder: Path) -> layers.Layer | layers.RasterLayer:
    """Take up a placed dataset.

    Parameters
    ----------
    folder : Path
        Folder of its step.

    Returns
    -------
    layers.Layer or layers.RasterLayer
        In longitude and latitude, without what was set aside.
    """
    record = placed_record(folder)
    if record["raster"]:
        position = dataclasses.replace(crs.definition(FRAME), vertical=record["vertical"], epoch=record["epoch"])
        values = np.load(folder / _RASTER, allow_pickle=False)
        corners = [np.load(folder / f"corner_{axis}.npy", allow_pickle=False) for axis in "xy"]
        return layers.RasterLayer(
            name=record["name"],
            domain=record["domain"],
            values=values,
            coordinates=crs.Lattice(corners[0], corners[1], record["sigma_m"]),
            position=position,
            ledger=layers.Ledger(dataset=record["name"], sources={"placed": record["placed"]}, placed=record["placed"]),
            variable=record["variable"],
            unit=record["unit"],
        )
    return _records(record, files_of(folder))


def read_stretch(folder: Path, number: int) -> layers.Layer:
    """Take up one partition of a placed dataset.

    Parameters
    ----------
    folder : Path
        Folder of its step.
    number : int
        Which partition, from 0.

    Returns
    -------
    layers.Layer
        In longitude and latitude.
    """
    file = files_of(folder)[number]
    record = placed_record(folder)
    # What is known of records elsewhere is no business of these: so a partition depends on its own file alone.
    known = [name for name in record["known"] if name in pq.read_schema(file).names]
    return _records({**record, "known": known}, [file])


def read_columns(folder: Path, names: Collection[str]) -> layers.Layer:
    """Take up some columns of a placed dataset, and no place of its records.

    Parameters
    ----------
    folder : Path
        Folder of its step.
    names : collection of str
        Which; those that are not there are left out.

    Returns
    -------
    layers.Layer
        All records, with their sigma; geometries are None.
    """
    record = placed_record(folder)
    frames = []
    for file in files_of(folder):
        there = [name for name in pq.read_schema(file).names if name in {"row", "sigma_m", *names}]
        frames.append(pd.read_parquet(file, columns=there))
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    sigma_m = frame["sigma_m"].to_numpy(dtype=np.float64)
    table = frame.drop(columns="sigma_m").set_index("row")
    return layers.Layer(
        name=record["name"],
        domain=record["domain"],
        table=table,
        position=crs.definition(FRAME),
        coordinates=crs.Shapes(np.full(len(table), None, dtype=object), sigma_m),
        ledger=layers.Ledger(dataset=record["name"], sources={"placed": len(table)}, placed=len(table)),
    )


def files_of(folder: Path) -> list[Path]:
    """Return the files with the records of a placed dataset.

    Parameters
    ----------
    folder : Path
        Folder of its step.

    Returns
    -------
    list of Path
        One for each partition; one for a dataset that was placed as a whole.
    """
    parts = folder / _PARTS
    return sorted(parts.glob("*.parquet")) if parts.is_dir() else [folder / _LAYER]


def is_parted(folder: Path) -> bool:
    """Say whether a dataset was placed in partitions.

    Parameters
    ----------
    folder : Path
        Folder of its step.

    Returns
    -------
    bool
        False for one that was placed as a whole.
    """
    return (folder / _PARTS).is_dir()


def _records(record: Mapping[str, Any], files: list[Path]) -> layers.Layer:
    position = dataclasses.replace(crs.definition(FRAME), vertical=record["vertical"], epoch=record["epoch"])
    frames = [gpd.read_parquet(file) for file in files]
    known = record["known"]
    frame = frames[0] if len(frames) == 1 else gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=FRAME)
    geometry = np.asarray(frame.geometry.array, dtype=object)
    sigma_m = frame["sigma_m"].to_numpy(dtype=np.float64)
    marks = {name: _mark(frame, name) for name in known if name != "sigma_m"}
    table = pd.DataFrame(frame.drop(columns=["geometry", *known], errors="ignore")).set_index("row")
    return layers.Layer(
        name=record["name"],
        domain=record["domain"],
        table=table,
        position=position,
        coordinates=crs.Shapes(geometry, sigma_m, **marks),
        ledger=layers.Ledger(dataset=record["name"], sources={"placed": len(table)}, placed=len(table)),
        units=record["units"],
        steps=tuple(record["steps"]),
    )


def _mark(frame: gpd.GeoDataFrame, name: str) -> npt.NDArray[Any]:
    """Return what is known of each record; a partition in which nobody had to say it says no."""
    if name == "radius_m":
        absent: Any = np.nan
        return np.asarray(frame.get(name, pd.Series(absent, index=frame.index)), dtype=np.float64)
    return np.asarray(frame.get(name, pd.Series(data=False, index=frame.index)).fillna(value=False), dtype=bool)


def write_account(record: Mapping[str, Any], aside: pd.DataFrame, repairs: layers.RepairLog, folder: Path) -> None:
    """Write down what became of the records of a dataset.

    Parameters
    ----------
    record : mapping
        JSON types.
    aside : pandas.DataFrame
        What is not placed.
    repairs : layers.RepairLog
        What was mended.
    folder : Path
        Folder of the step.
    """
    write_table(folder / _QUARANTINE, aside)
    if len(repairs):
        write_table(folder / _REPAIRS, repairs.cells)
    (folder / _PLACED).write_bytes(canonical_json(dict(record)))
