"""Joins part by part: which parts of both sides meet, and the tasks that come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import dask
import numpy as np

from spatial_join.blocks import Block, Match, Words, empty_join, lay, match, settle, turned
from spatial_join.cuts import cut, empty_overlay, lay_cuts
from spatial_join.errors import GeometryError
from spatial_join.join import BY_DISTANCE, require_known
from spatial_join.lazy.aside import set_aside_of
from spatial_join.lazy.frames import GeoFrame, place_of, write_frame
from spatial_join.lazy.planned import Plan
from spatial_join.lazy.sources import Side, block_of, side_of
from spatial_join.partition import meeting
from spatial_join.records import require_degrees, require_one_crs
from spatial_join.streams import OF_POINTS, indexed, stream
from spatial_join.surroundings import Surroundings, surroundings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd
    from dask.delayed import Delayed
    from numpy.typing import NDArray

    from spatial_join.ground import Extent
    from spatial_join.pairs import Predicate
    from spatial_join.side_by_side import How

__all__ = ["join", "overlay"]

_KINDS = ("points", "lines", "polygons")


def join(
    left: Any,  # noqa: ANN401 -- layers, frames, collections and paths share no base class
    right: Any,  # noqa: ANN401
    *,
    predicate: Predicate | Literal["dwithin", "nearest"] = "within",
    how: How = "inner",
    distance_m: float | None = None,
    k: int = 1,
) -> GeoFrame:
    """Plan to join two sets of records by their geometry, part by part.

    Parameters
    ----------
    left, right : layers.Layer, geopandas.GeoDataFrame, dask.dataframe.DataFrame of these, or path of GeoParquet
        Records in one coordinate reference system. A path may be of a file, whose row groups are the parts, or of a
        folder of such files. Make a Dask DataFrame of x and y columns one of points with :func:`points` first.
    predicate : str
        As in :func:`spatial_join.join`.
    how : {"inner", "left", "right", "anti"}
        As in :func:`spatial_join.join`.
    distance_m : float, optional
        As in :func:`spatial_join.join`.
    k : int, default 1
        As in :func:`spatial_join.join`.

    Returns
    -------
    GeoFrame
        A Dask DataFrame of GeoDataFrames, one partition for each part of the left (of the right in a right join). Its
        lines are those of :func:`spatial_join.join` in their order: by the left record, then by the right one; in a
        right join by the right one first. Where a side may be missing, its columns have a dtype that can say so. Its
        ``set_aside`` lists the invalid geometries, which match nothing.

    Raises
    ------
    CrsMismatchError
        If the two are in different reference systems, or one declares none; the message names both.
    JoinError
        If a word is unknown, or a distance or k is given where it has no meaning. What is wrong with geometries shows
        when they are computed.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> stops = gpd.GeoDataFrame({"stop": ["Gare"]}, geometry=shapely.points([[7.419, 43.738]]), crs="OGC:CRS84")
    >>> square = shapely.box(7.41, 43.73, 7.42, 43.74)
    >>> wards = gpd.GeoDataFrame({"ward": ["Moneghetti"]}, geometry=[square], crs="OGC:CRS84")
    >>> join(stops, wards).compute(scheduler="synchronous")["ward"].tolist()
    ['Moneghetti']
    """
    require_known(predicate, how, distance_m, k)
    words = Words(predicate, how, distance_m, k)
    one, other = side_of(left, side="left", scattered=False), side_of(right, side="right", scattered=how != "right")
    require_one_crs(one.like, other.like)
    if predicate in BY_DISTANCE:
        require_degrees(one.like)
    like = empty_join(one.like, other.like, words)
    aside = set_aside_of(one, other)
    return GeoFrame.of(
        _lines(one, other, words, like), like=like, aside=aside, written=_streams(one, other, words, like)
    )


def _streams(one: Side, other: Side, words: Words, like: gpd.GeoDataFrame) -> Callable[[Path], list[Delayed]] | None:
    """Plan to write points of files that meet one part of polygons without making frames; None for other joins."""
    fits = one.chunks and one.dimension == 0 and other.dimension == 2 and len(other.blocks) == 1
    if not fits or words.predicate not in OF_POINTS or words.how == "right":
        return None
    plan = Plan.of("stream", one, other, tuple(words))
    polygons = plan.task(indexed, other.blocks[0])

    def write(folder: Path) -> list[Delayed]:
        """Plan one file for every row group."""
        return [
            dask.delayed(_stream)(chunk, polygons, other.blocks[0], words, (like, other.like), place_of(folder, i))
            for i, chunk in enumerate(one.chunks)
        ]

    return write


def overlay(
    left: Any,  # noqa: ANN401
    right: Any,  # noqa: ANN401
    *,
    of: Literal["points", "lines", "polygons"] | None = None,
) -> GeoFrame:
    """Plan to cut the records of the left by the polygons of the right, part by part.

    Parameters
    ----------
    left, right : layers.Layer, geopandas.GeoDataFrame, dask.dataframe.DataFrame of these, or path of GeoParquet
        As in :func:`spatial_join.overlay`; paths as in :func:`join`.
    of : {"points", "lines", "polygons"}, optional
        What the left is of; needed where it cannot be known before it is there, as of a Dask DataFrame.

    Returns
    -------
    GeoFrame
        A Dask DataFrame of GeoDataFrames, one partition for each part of the left, with the lines of
        :func:`spatial_join.overlay` in their order, and ``set_aside`` as in :func:`join`.

    Raises
    ------
    CrsMismatchError
        If the two sides are not in longitude and latitude.
    GeometryError
        If what the left is of is not known.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> blocks = gpd.GeoDataFrame({"people": [900]}, geometry=[shapely.box(7.41, 43.73, 7.44, 43.74)], crs="OGC:CRS84")
    >>> west = gpd.GeoDataFrame(geometry=[shapely.box(7.40, 43.72, 7.42, 43.75)], crs="OGC:CRS84")
    >>> overlay(blocks, west).compute(scheduler="synchronous")["share_left"].round(6).tolist()
    [0.333333]
    """
    one, other = side_of(left, side="left", scattered=False), side_of(right, side="right", scattered=True)
    require_one_crs(one.like, other.like)
    require_degrees(one.like)
    dimension = one.dimension if of is None else _KINDS.index(of)
    if dimension is None:
        raise GeometryError(
            "What the left side is of is not known before it is there, or it is of several kinds: "
            "write of='polygons', and cut one kind after another."
        )
    plan = Plan.of("overlay", one, other, dimension)
    near = meeting(one.boxes, other.boxes)
    parts = [
        plan.task(
            lay_cuts,
            block,
            [plan.task(cut, block, other.blocks[j], dimension, number=f"{i}-{j}") for j in near[i]],
            other.like,
            dimension,
            number=str(i),
        )
        for i, block in enumerate(one.blocks)
    ]
    return GeoFrame.of(parts, like=empty_overlay(one.like, other.like, dimension), aside=set_aside_of(one, other))


def _lines(one: Side, other: Side, words: Words, empty: gpd.GeoDataFrame) -> list[Delayed]:
    """Plan the partitions of the result."""
    plan = Plan.of("join", one, other, tuple(words))
    reach = {"nearest": words.distance_m, "dwithin": words.distance_m}.get(words.predicate, 0.0)
    near = [found.tolist() for found in meeting(one.boxes, other.boxes, distance_m=reach)]
    if words.predicate in BY_DISTANCE:
        matches = _by_distance(plan, (one, other), words, near)
    else:
        matches = {
            (i, j): plan.task(match, one.blocks[i], other.blocks[j], words, number=f"{i}-{j}")
            for i, found in enumerate(near)
            for j in found
        }
    kept, across = (other, one) if words.how == "right" else (one, other)
    like = empty, across.like
    met: list[list[Delayed]] = [[] for _ in kept.blocks]
    for (i, j), found in matches.items():
        met[j if words.how == "right" else i].append(found)
    return [
        plan.task(lay, block, found, words, like, number=str(i))
        for i, (block, found) in enumerate(zip(kept.blocks, met, strict=True))
    ]


def _by_distance(
    plan: Plan, sides: tuple[Side, Side], words: Words, near: list[list[int]]
) -> dict[tuple[int, int], Delayed]:
    """Plan the pairs of a search for what is near; the nearest of a part of the left are settled over all parts."""
    one, other = sides
    extents = [
        [plan.task(_extent, block, number=f"{name}-{i}") for i, block in enumerate(side.blocks)]
        for name, side in (("left", one), ("right", other))
    ]
    whole = plan.task(surroundings, *extents)
    matches: dict[tuple[int, int], Delayed] = {}
    for i, found in enumerate(near):
        reach = plan.task(_reach, one.blocks[i], whole, words, number=str(i))
        row = {
            j: plan.task(_match_near, one.blocks[i], other.blocks[j], words, whole, j, reach, number=f"{i}-{j}")
            for j in found
        }
        if words.predicate == "nearest" and row:
            settled = plan.task(settle, one.blocks[i], list(row.values()), words, whole, number=str(i))
            if words.how == "right":
                row = {j: plan.task(turned, one.blocks[i], settled, other.blocks[j], number=f"{i}-{j}") for j in row}
            else:
                row = {-1: settled}
        matches |= {(i, j): one_match for j, one_match in row.items()}
    return matches


def _extent(block: Block) -> Extent:
    return block.extent


def _reach(left: Block, whole: Surroundings, words: Words) -> NDArray[np.float64]:
    """Say how far each record of a part may look."""
    limit = np.inf if words.distance_m is None else words.distance_m
    if words.predicate == "dwithin":
        return np.full(len(left.shapes), limit)
    return np.fmin(whole.reach(left.shapes, k=words.k), limit)


def _match_near(*inputs: Any) -> Match:  # noqa: ANN401
    left, right, words, whole, number, reach = inputs
    return match(left, right, words, (whole, number, reach))


def _stream(*inputs: Any) -> None:  # noqa: ANN401
    """Write the lines of a row group, by way of frames if it holds anything but plain points."""
    chunk, polygons, right, words, like, path = inputs
    if stream(chunk, polygons, path, words=(words.predicate, words.how), like=like[0]):
        return
    block = block_of(chunk, 0, "left")
    write_frame(lay(block, [match(block, right, words)], words, like), path)
