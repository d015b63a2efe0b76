"""GeoParquet files in parts: their row groups, the bounds of each, and what stands in them."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from spatial_join.errors import JoinError
from spatial_join.records import LON_LAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "Chunk",
    "chunks_of",
    "dimension_of",
    "files_of",
    "geo_of",
    "meta_of",
    "read_chunk",
    "read_table",
    "whole_file",
]

_DIMENSIONS = {"Point": 0, "LineString": 1, "LinearRing": 1, "Polygon": 2}
_UNKNOWN = (np.nan, np.nan, np.nan, np.nan)


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A row group of a GeoParquet file.

    Parameters
    ----------
    path : Path
        The file.
    row_group : int
        Number of the row group.
    rows : int
        Records in it.
    first : int
        Number of its first record in the file.
    box : tuple of 4 floats
        Bounds, NaN if the file does not say them.
    stamp : tuple of int
        Size of the file and when it was changed, in nanoseconds.
    """

    path: Path
    row_group: int
    rows: int
    first: int
    box: tuple[float, float, float, float]
    stamp: tuple[int, int]

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("Chunk", str(self.path), self.row_group, self.stamp)


def files_of(path: Path) -> list[Path]:
    """List the GeoParquet files that a path means.

    Parameters
    ----------
    path : Path
        A file, or a folder of files.

    Returns
    -------
    list of Path
        In the order of their names.

    Raises
    ------
    JoinError
        If there is none.
    """
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.parquet"))
    if not files:
        raise JoinError(f"{path}: no *.parquet files in this folder.")
    return files


def geo_of(file: pq.ParquetFile, path: Path) -> dict[str, Any]:
    """Read what a GeoParquet file says of its geometry.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
        Open file.
    path : Path
        Its path, for messages.

    Returns
    -------
    dict
        The "geo" entry of its metadata.

    Raises
    ------
    JoinError
        If it is no GeoParquet file, or one whose geometry is not encoded as WKB.
    """
    metadata: Mapping[bytes, bytes] = file.schema_arrow.metadata or {}
    if b"geo" not in metadata:
        raise JoinError(
            f"{path}: a Parquet file without geometry. Open it with dask.dataframe.read_parquet and give its x and y "
            "columns a position with lazy.points."
        )
    geo: dict[str, Any] = json.loads(metadata[b"geo"])
    encoding = geo["columns"][geo["primary_column"]]["encoding"]
    if encoding != "WKB":
        raise JoinError(f"{path}: geometry encoded as {encoding!r} is not read in parts; write it as WKB.")
    return geo


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise JoinError(
            f"{path}: no GeoParquet file that can be read ({error}). "
            "Read other files with layers.read and join the layer."
        ) from None


def chunks_of(files: Sequence[Path]) -> list[Chunk]:
    """List the row groups of files.

    Parameters
    ----------
    files : sequence of Path
        GeoParquet files.

    Returns
    -------
    list of Chunk
        File by file, in their order.
    """
    chunks = []
    for path in files:
        with _opened(path) as file:
            column = geo_of(file, path)["columns"][geo_of(file, path)["primary_column"]]
            status, first = path.stat(), 0
            for number in range(file.metadata.num_row_groups):
                group = file.metadata.row_group(number)
                chunks.append(
                    Chunk(
                        path=path,
                        row_group=number,
                        rows=group.num_rows,
                        first=first,
                        box=_covering(group, column.get("covering")) or _whole(column.get("bbox")),
                        stamp=(status.st_size, status.st_mtime_ns),
                    )
                )
                first += group.num_rows
    return chunks


def _whole(bbox: Sequence[float] | None) -> tuple[float, float, float, float]:
    """Return the bounds of a file, of x and y."""
    if not bbox:
        return _UNKNOWN
    middle = len(bbox) // 2
    box = (float(bbox[0]), float(bbox[1]), float(bbox[middle]), float(bbox[middle + 1]))
    return box if box[0] <= box[2] else _UNKNOWN  # the other way round means over the antimeridian


def _covering(
    group: pq.RowGroupMetaData, covering: Mapping[str, Any] | None
) -> tuple[float, float, float, float] | None:
    """Return the bounds of a row group from the statistics of its covering columns."""
    if not covering or "bbox" not in covering:
        return None
    names = {side: ".".join(path) for side, path in covering["bbox"].items()}
    found: dict[str, tuple[float, float]] = {}
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema in names.values() and column.statistics is not None and column.statistics.has_min_max:
            found[column.path_in_schema] = (column.statistics.min, column.statistics.max)
    try:
        low = [float(found[names[side]][0]) for side in ("xmin", "ymin")]
        high = [float(found[names[side]][1]) for side in ("xmax", "ymax")]
    except KeyError:
        return None
    return (*low, *high)  # type: ignore[return-value]


def dimension_of(files: Sequence[Path]) -> int | None:
    """Return the dimension of all geometries, from what the files say of them.

    Parameters
    ----------
    files : sequence of Path
        GeoParquet files.

    Returns
    -------
    int or None
        0, 1 or 2; None if there are several, or a file does not say.
    """
    kinds: set[str] = set()
    for path in files:
        with _opened(path) as file:
            geo = geo_of(file, path)
        kinds |= set(geo["columns"][geo["primary_column"]].get("geometry_types") or ["unknown"])
    found = {_DIMENSIONS.get(kind.removesuffix(" Z").removeprefix("Multi")) for kind in kinds}
    return found.pop() if len(found) == 1 else None


def meta_of(path: Path) -> gpd.GeoDataFrame:
    """Make an empty frame like that of a file.

    Parameters
    ----------
    path : Path
        GeoParquet file.

    Returns
    -------
    geopandas.GeoDataFrame
        Without records.
    """
    with _opened(path) as file:
        geo = geo_of(file, path)
        schema = file.schema_arrow
    return _frame(_without_covering(schema.empty_table(), geo), geo, 0)


def read_chunk(chunk: Chunk) -> gpd.GeoDataFrame:
    """Read a row group.

    Parameters
    ----------
    chunk : Chunk
        Which.

    Returns
    -------
    geopandas.GeoDataFrame
        Its records, as :func:`geopandas.read_parquet` has them.
    """
    return _frame(*_row_group(chunk), chunk.first)


def read_table(chunk: Chunk) -> tuple[pa.Table, dict[str, Any], list[pa.Array]]:
    """Read a row group without making objects of it.

    Parameters
    ----------
    chunk : Chunk
        Which.

    Returns
    -------
    table : pyarrow.Table
        Its columns, geometry as Well-Known Binary.
    geo : dict
        What the file says of its geometry.
    labels : list of pyarrow.Array
        The levels of its index.
    """
    table, geo = _row_group(chunk)
    stored = [level for level in _index_of(table) if isinstance(level, str)]
    labels = [table[name] for name in stored] or [pa.array(_numbers(table, chunk.first))]
    return table.drop_columns(stored), geo, labels


def _row_group(chunk: Chunk) -> tuple[pa.Table, dict[str, Any]]:
    with _opened(chunk.path) as file:
        geo = geo_of(file, chunk.path)
        table = file.read_row_group(chunk.row_group, use_threads=False)  # Dask has threads of its own
    return _without_covering(table, geo), geo


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all, also if a worker dies and another does it again.

    Parameters
    ----------
    path : Path
        Where it is to stand.

    Yields
    ------
    Path
        Where to write it.
    """
    begun = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        yield begun
        begun.replace(path)
    finally:
        begun.unlink(missing_ok=True)


def _without_covering(table: pa.Table, geo: Mapping[str, Any]) -> pa.Table:
    covering = geo["columns"][geo["primary_column"]].get("covering", {}).get("bbox", {})
    return table.drop_columns(sorted({path[0] for path in covering.values()} & set(table.column_names)))


def _index_of(table: pa.Table) -> list[Any]:
    """Return what pandas wrote of the index: names of columns, or a range."""
    described = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
    return list(described.get("index_columns", []))


def _numbers(table: pa.Table, first: int) -> pd.RangeIndex:
    """Return the index of a stretch of a file, of which ``first`` is the first row, where it only counts."""
    counted: dict[str, Any] = {"start": 0, "step": 1, "name": None}
    kept = next((level for level in _index_of(table) if isinstance(level, dict)), counted)
    start, step = kept["start"] + kept["step"] * first, kept["step"]
    return pd.RangeIndex(start, start + step * table.num_rows, step, name=kept["name"])


def _frame(table: pa.Table, geo: Mapping[str, Any], first: int) -> gpd.GeoDataFrame:
    frame = table.to_pandas()
    if not any(isinstance(level, str) for level in _index_of(table)):
        frame.index = _numbers(table, first)
    for column, notes in geo["columns"].items():
        if column in frame.columns:
            shapes = np.asarray(shapely.from_wkb(frame[column].to_numpy()), dtype=object)
            frame[column] = gpd.GeoSeries(shapes, index=frame.index, crs=notes.get("crs", LON_LAT))
    return gpd.GeoDataFrame(frame, geometry=geo["primary_column"])
