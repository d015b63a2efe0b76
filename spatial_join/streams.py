"""Points of GeoParquet files against polygons, from buffer to buffer: no geometry object is ever made of a point.

A point in Well-Known Binary is 21 bytes: the order of bytes, the type, x and y. A column of them is a table that numpy
reads in place; the kernel answers with pairs, and Arrow takes the columns by them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from spatial_join.files import read_table, whole_file
from spatial_join.kernels.point_in_polygon import locate
from spatial_join.kernels.polygon_grid import polygon_grid_of
from spatial_join.side_by_side import matched_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from spatial_join.blocks import Block
    from spatial_join.files import Chunk
    from spatial_join.kernels.polygon_grid import PolygonGrid
    from spatial_join.side_by_side import How

__all__ = ["OF_POINTS", "Polygons", "indexed", "places_in", "stream"]

COMPRESSION = "snappy"
"""As GeoPandas writes."""

OF_POINTS = ("within", "intersects", "covered_by", "touches")
"""Predicates of points and polygons that the kernel answers."""

POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
"""A point of two coordinates in little-endian Well-Known Binary."""


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons that points are to be found in.

    Parameters
    ----------
    grid : PolygonGrid
        Their index.
    columns : pyarrow.Table
        What comes of them into the result: their index, and their columns but the geometry.
    """

    grid: PolygonGrid
    columns: pa.Table


def indexed(block: Block) -> Polygons:
    """Index the polygons of a block.

    Parameters
    ----------
    block : Block
        All of the right side.

    Returns
    -------
    Polygons
        Ready to be asked.
    """
    frame = block.frame
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    index = frame.index.to_frame(index=False, name=[f"level_{i}" for i in range(frame.index.nlevels)])
    columns = pd.concat([index, table.reset_index(drop=True)], axis=1)
    columns.columns = pd.RangeIndex(len(columns.columns)).astype(str)
    return Polygons(polygon_grid_of(block.shapes), pa.Table.from_pandas(columns, preserve_index=False))


def places_in(column: pa.ChunkedArray) -> NDArray[Any] | None:
    """View a column of Well-Known Binary as points.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Of type binary or large_binary.

    Returns
    -------
    ndarray of POINT, shape (n,), or None
        None if there is anything but points of two coordinates.

    Examples
    --------
    >>> import shapely
    >>> column = pa.chunked_array([shapely.to_wkb(shapely.points([[7.4, 43.7], [7.5, 43.8]]))], pa.binary())
    >>> places_in(column)["x"].tolist()
    [7.4, 7.5]
    """
    parts = []
    for chunk in column.chunks:
        offset_type = np.int64 if pa.types.is_large_binary(chunk.type) else np.int32
        _, offsets, data = chunk.buffers()
        if chunk.null_count or data is None:
            return None
        at = np.frombuffer(offsets, dtype=offset_type)[chunk.offset : chunk.offset + len(chunk) + 1]
        if at[-1] - at[0] != len(chunk) * POINT.itemsize or (np.diff(at) != POINT.itemsize).any():
            return None
        parts.append(np.frombuffer(data, dtype=POINT, count=len(chunk), offset=int(at[0])))
    places = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, POINT), *parts])
    plain = (places["order"] == 1).all() and (places["kind"] == 1).all()
    return places if plain else None


def stream(chunk: Chunk, polygons: Polygons, path: Path, *, words: tuple[str, How], like: gpd.GeoDataFrame) -> bool:
    """Join the points of a row group with polygons and write the lines as a file.

    Parameters
    ----------
    chunk : Chunk
        The row group.
    polygons : Polygons
        All of the right side.
    path : Path
        Where to write.
    words : tuple of str
        Predicate, and "inner", "left" or "anti".
    like : geopandas.GeoDataFrame
        The result without lines.

    Returns
    -------
    bool
        False, and nothing is written, if the row group holds anything but plain points.
    """
    table, geo, labels = read_table(chunk)
    name = geo["primary_column"]
    places = places_in(table[name])
    if places is None:
        return False
    x, y = np.ascontiguousarray(places["x"]), np.ascontiguousarray(places["y"])
    point, polygon = locate(polygons.grid, x, y, predicate=words[0], threads=1)  # Dask has threads of its own
    rows, others, _ = matched_rows(point.astype(np.int64), polygon.astype(np.int64), (x.size, 0), words[1])
    every = rows.size == x.size and (words[1] == "left" or bool((np.diff(rows) == 1).all()))
    left, shown = [*table.columns, *labels], table.column_names.index(name)
    if not every:
        wanted = pa.array(rows)
        taken = [column.take(wanted) for column in left if column is not left[shown]]
        left = [*taken[:shown], _taken(places, rows), *taken[shown:]]
    schema = pa.Schema.from_pandas(pd.DataFrame(like.to_wkb()), preserve_index=True)
    arrays = left[: table.num_columns]
    if words[1] != "anti":
        arrays += polygons.columns.take(pa.array(others, mask=others < 0)).columns
    written = pa.Table.from_arrays([*arrays, *left[table.num_columns :]], names=schema.names)
    seen = (x, y) if every else (x[rows], y[rows])
    metadata = {**schema.metadata, b"geo": json.dumps(_geo_of_points(geo, seen)).encode()}
    _write(written.replace_schema_metadata(metadata), path, plain=[name, *schema.names[len(like.columns) :]])
    return True


def _taken(places: NDArray[Any], rows: NDArray[np.integer]) -> pa.Array:
    """Take points as Well-Known Binary."""
    data = np.take(places.view(f"V{POINT.itemsize}"), rows)
    offsets = np.arange(0, (rows.size + 1) * POINT.itemsize, POINT.itemsize, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), rows.size, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _geo_of_points(geo: Mapping[str, Any], seen: tuple[NDArray[np.float64], NDArray[np.float64]]) -> dict[str, Any]:
    """Describe the geometry of a file of points."""
    columns = {
        name: {key: value for key, value in notes.items() if key not in {"bbox", "covering"}}
        for name, notes in geo["columns"].items()
    }
    if seen[0].size:
        low, high = [float(np.nanmin(side)) for side in seen], [float(np.nanmax(side)) for side in seen]
        columns[geo["primary_column"]]["bbox"] = [*low, *high]
    return {**geo, "columns": columns}


def _write(table: pa.Table, path: Path, *, plain: Sequence[str]) -> None:
    """Write a table; coordinates and numbers that count up have nothing for a dictionary."""
    kinds = {field.name: field.type for field in table.schema}
    repeated = [name for name, kind in kinds.items() if name not in plain and not pa.types.is_floating(kind)]
    counting = {name: "DELTA_BINARY_PACKED" for name in plain if pa.types.is_integer(kinds[name])}
    with whole_file(path) as begun:
        pq.write_table(
            table,
            begun,
            compression=COMPRESSION,
            use_dictionary=repeated,
            column_encoding=counting or None,
            write_statistics=[name for name in kinds if name != plain[0]],
        )
