"""What a lazy join can start from, as parts: frames and layers in memory, Dask collections, GeoParquet files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
import dask.dataframe as dd
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from dask.base import tokenize

import crs
from spatial_join import partition
from spatial_join.blocks import Block
from spatial_join.errors import CrsMismatchError, JoinError
from spatial_join.files import Chunk, chunks_of, dimension_of, files_of, meta_of, read_chunk
from spatial_join.records import crs_name, frame_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask.delayed import Delayed
    from numpy.typing import NDArray

__all__ = ["Side", "block_of", "points", "row_of", "side_of", "token_of"]

PARTITION_RESOLUTION = 5
"""Parents of about 250 km²: a city has some ten of them."""

_SHIFT = np.int64(1) << np.int64(40)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a join, in parts that are not there yet.

    Parameters
    ----------
    like : geopandas.GeoDataFrame
        Without records.
    blocks : sequence of Delayed
        Each becomes a `Block`.
    boxes : ndarray of float64, shape (blocks, 4)
        Bounds of each, NaN where they are not known before it is there.
    token : str
        Name of the side, the same for equal inputs.
    chunks : sequence of Chunk
        Where the blocks stand, if they stand in GeoParquet files.
    dimension : int or None
        Of the geometries, if there is only one and it is known beforehand.
    """

    like: gpd.GeoDataFrame
    blocks: Sequence[Delayed]
    boxes: NDArray[np.float64]
    token: str
    chunks: Sequence[Chunk] = ()
    dimension: int | None = None


def points(collection: Any, *, x: str, y: str, position: object = "OGC:CRS84") -> dd.DataFrame:  # noqa: ANN401 -- Dask publishes no types
    """Make points of two columns of a Dask DataFrame, without computing it.

    Parameters
    ----------
    collection : dask.dataframe.DataFrame
        Records with two columns of numbers.
    x, y : str
        Names of the columns; longitude and latitude where the position is of degrees.
    position : str, Mapping or crs.PositionDefinition, default "OGC:CRS84"
        What the two mean; one that has a coordinate reference system.

    Returns
    -------
    dask.dataframe.DataFrame
        Of GeoDataFrames, with the columns as they were.

    Raises
    ------
    JoinError
        If it has no such columns.
    CrsMismatchError
        If the position is none that a reference system describes.

    Examples
    --------
    >>> import dask.dataframe as dd, pandas as pd
    >>> probes = dd.from_pandas(pd.DataFrame({"lon": [7.42], "lat": [43.73]}), npartitions=1)
    >>> points(probes, x="lon", y="lat").compute().geometry.iloc[0].wkt
    'POINT (7.42 43.73)'
    """
    missing = [name for name in (x, y) if name not in collection.columns]
    if missing:
        raise JoinError(f"No column {missing[0]!r}; there are {', '.join(map(str, collection.columns))}.")
    definition = crs.definition(position)
    if definition.portable_crs is None:
        raise CrsMismatchError(
            f"{definition.name} is no frame that GeoPandas knows, and joins need one: harmonise the records first."
        )
    like = _with_points(collection._meta, x, y, definition.portable_crs)  # noqa: SLF001 -- Dask has no other name for it
    return collection.map_partitions(_with_points, x, y, definition.portable_crs, meta=like)


def _with_points(frame: pd.DataFrame, x: str, y: str, code: str) -> gpd.GeoDataFrame:
    places = shapely.points(frame[x].to_numpy(np.float64), frame[y].to_numpy(np.float64))
    return gpd.GeoDataFrame(frame, geometry=places, crs=code)


def token_of(frame: gpd.GeoDataFrame) -> str:
    """Name a frame by its content.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Any frame.

    Returns
    -------
    str
        The same for equal frames, in any process.
    """
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    shapes = shapely.to_wkb(np.asarray(frame.geometry), include_srid=False)
    return str(tokenize(table, shapes.tolist(), frame.geometry.name, list(frame.columns), crs_name(frame)))


def side_of(source: Any, *, side: str, scattered: bool) -> Side:  # noqa: ANN401 -- the sources share no base class
    """Part one side of a join.

    Parameters
    ----------
    source : layers.Layer, geopandas.GeoDataFrame, dask.dataframe.DataFrame, str or Path
        The records; a path of a GeoParquet file or of a folder of such.
    side : {"left", "right"}
        Which, for messages.
    scattered : bool
        Whether the order of the records may be given up for parts that lie close together, where that is free.

    Returns
    -------
    Side
        Its parts.

    Raises
    ------
    JoinError
        If the source is none of these.
    """
    if isinstance(source, dd.DataFrame):
        return _side_of_collection(source, side)
    if isinstance(source, str | Path):
        return _side_of_files(files_of(Path(source)), side)
    return _side_of_frame(frame_of(source), side, scattered=scattered)


def _side_of_collection(collection: Any, side: str) -> Side:  # noqa: ANN401
    like = collection._meta  # noqa: SLF001
    if not isinstance(like, gpd.GeoDataFrame) or like._geometry_column_name is None:  # noqa: SLF001
        raise JoinError(
            f"The {side} side is a Dask DataFrame without geometry; make it with lazy.points(frame, x=, y=, position=)."
        )
    name, parts = collection._name, collection.to_delayed()  # noqa: SLF001
    blocks = [
        dask.delayed(_block, pure=True)(part, i, side, dask_key_name=f"{side}-{name}-{i}")
        for i, part in enumerate(parts)
    ]
    return Side(like=like, blocks=blocks, boxes=np.full((len(blocks), 4), np.nan), token=name)


def _side_of_files(files: Sequence[Path], side: str) -> Side:
    chunks = chunks_of(files)
    token = str(tokenize([(str(c.path), c.row_group, c.stamp) for c in chunks]))
    blocks = [
        dask.delayed(block_of, pure=True)(chunk, i, side, dask_key_name=f"{side}-{token}-{i}")
        for i, chunk in enumerate(chunks)
    ]
    boxes = np.array([chunk.box for chunk in chunks])
    dimension = dimension_of(files)
    return Side(like=meta_of(files[0]), blocks=blocks, boxes=boxes, token=token, chunks=chunks, dimension=dimension)


def _side_of_frame(frame: gpd.GeoDataFrame, side: str, *, scattered: bool) -> Side:
    shapes, token = np.asarray(frame.geometry), token_of(frame)
    rows = _scattered(frame, shapes) if scattered else partition.stretches(len(frame))
    blocks = []
    for i, part in enumerate(rows):
        block = Block(frame.take(part), part, side)
        blocks.append(dask.delayed(block, name=f"{side}-{token}-{scattered:d}-{len(rows)}-{i}", traverse=False))
    found = np.unique(shapely.get_dimensions(shapes))
    found = found[found >= 0]
    return Side(
        like=frame.iloc[:0],
        blocks=blocks,
        boxes=partition.boxes_of(shapes, rows),
        token=token,
        dimension=int(found[0]) if len(found) == 1 else None,
    )


def _scattered(frame: gpd.GeoDataFrame, shapes: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Part records by H3 parent, or along a curve where they are not in degrees."""
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    x, y = 0.5 * (bounds[:, 0] + bounds[:, 2]), 0.5 * (bounds[:, 1] + bounds[:, 3])
    if frame.crs is not None and not frame.crs.is_geographic:
        parts = partition.along_curve(x, y)
    else:
        parts = partition.by_parent(np.clip(x, -180.0, 180.0), np.clip(y, -90.0, 90.0), PARTITION_RESOLUTION)
    return partition.packed(parts, shapely.get_num_coordinates(shapes).astype(np.int64)) or [np.empty(0, np.int64)]


def _block(frame: gpd.GeoDataFrame, number: int, side: str) -> Block:
    return Block(frame, number * _SHIFT + np.arange(len(frame), dtype=np.int64), side)


def row_of(position: int, sizes: Sequence[int]) -> int:
    """Say which record of a side stands at a position.

    Parameters
    ----------
    position : int
        Of a `Block`.
    sizes : sequence of int
        Records of every part of the side.

    Returns
    -------
    int
        Its number, counted over all parts.
    """
    number, row = divmod(position, int(_SHIFT))
    return sum(sizes[:number]) + row


def block_of(chunk: Chunk, number: int, side: str) -> Block:
    """Read a row group as a part of a side.

    Parameters
    ----------
    chunk : Chunk
        The row group.
    number : int
        Number of the part.
    side : {"left", "right"}
        Which side.

    Returns
    -------
    Block
        Its records; their positions order them over all parts, but leave gaps.
    """
    return _block(read_chunk(chunk), number, side)
