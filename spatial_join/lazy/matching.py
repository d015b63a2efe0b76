"""Map matching part by part: records go to where the whole of their trajectory is, and what was found comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import shapely

from spatial_join.errors import JoinError
from spatial_join.lazy.exchange import exchanged
from spatial_join.lazy.planned import Plan
from spatial_join.lazy.sources import side_of
from spatial_join.matching import NUMBERS, Found, Streets, found_streets, streets_of, table_of
from spatial_join.records import require_degrees, require_one_crs
from spatial_join.trajectories import Said, fixes_of, sigma_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatial_join.blocks import Block

__all__ = ["match"]

MOST_STREET_VERTICES = 20_000_000
"""Of all streets together, which every worker holds: about 4 GB with what is made of them."""


def match(
    points: Any,  # noqa: ANN401 -- layers, frames, collections and paths share no base class
    streets: Any,  # noqa: ANN401
    *,
    track: str | None = None,
    time: str | None = None,
    sigma_m: float | None = None,
) -> dd.DataFrame:
    """Plan to find the street of every record of trajectories, a part of the trajectories at a time.

    Parameters
    ----------
    points, streets : layers.Layer, geopandas.GeoDataFrame, dask.dataframe.DataFrame of these, or path of GeoParquet
        As in :func:`spatial_join.match`; paths as in :func:`spatial_join.lazy.join`.
    track, time, sigma_m
        As in :func:`spatial_join.match`. No trajectory is ever cut: without ``track`` all records are one, and one
        task holds them (as numbers, 40 bytes each).

    Returns
    -------
    dask.dataframe.DataFrame
        The table of :func:`spatial_join.match`, to the bit, one partition for each part of the points, in their order.
        All of the streets are one network, which every worker holds; at most 20 million vertices.

    Raises
    ------
    CrsMismatchError
        If the two sides are not in longitude and latitude.
    GeometryError, JoinError
        As in :func:`spatial_join.match`, for columns at once, for records when they are computed.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> lines = [shapely.LineString([(7.42, lat), (7.43, lat)]) for lat in (43.730, 43.731)]
    >>> roads = gpd.GeoDataFrame({"name": ["low", "high"]}, geometry=lines, crs="OGC:CRS84")
    >>> trip = gpd.GeoDataFrame(geometry=shapely.points([[7.422, 43.7303], [7.424, 43.7301]]), crs="OGC:CRS84")
    >>> match(trip, roads, sigma_m=15).compute(scheduler="synchronous")["street"].astype(int).tolist()
    [0, 0]
    """
    one, other = side_of(points, side="left", scattered=False), side_of(streets, side="right", scattered=False)
    require_one_crs(one.like, other.like)
    require_degrees(one.like)
    said = Said(track, time, sigma_m)
    fixes_of(one.like, said)  # of no record: only whether the columns are there
    plan, blocks = Plan.of("match", one, other, said), list(one.blocks)
    count = 1 if track is None else len(blocks)
    fixes = [plan.task(_fixes, block, said, i, count, number=str(i)) for i, block in enumerate(blocks)]
    counted = [plan.task(sigma_counts, part, number=str(i)) for i, part in enumerate(fixes)]
    network, labels = plan.task(_streets, list(other.blocks), counted), plan.task(_labels, list(other.blocks))
    found = [
        plan.task(_found, network, some, timed=time is not None, number=str(i))
        for i, some in enumerate(exchanged(plan, fixes, by="bucket", count=count))
    ]
    back = exchanged(plan, found, by="part", count=len(blocks))
    nothing = Found(np.empty(0, np.int64), np.empty((0, len(NUMBERS))))
    like = table_of(nothing, one.like.index, other.like.index)
    like["street"] = like["street"].astype(pd.Series(other.like.index[:0]).reindex([0]).dtype)
    parts = [
        plan.task(_table, block, some, labels, like, number=str(i))
        for i, (block, some) in enumerate(zip(blocks, back, strict=True))
    ]
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_delayed(parts, meta=like, verify_meta=False)


def _fixes(block: Block, said: Said, part: int, count: int) -> pd.DataFrame:
    """Take what matching needs from a part, and say where each trajectory is matched."""
    fixes = fixes_of(block.frame, said)
    return fixes.assign(part=part, position=block.position, bucket=_buckets(fixes["track"], count))


def _buckets(track: pd.Series[Any], count: int) -> NDArray[np.int64]:
    """Choose a bucket for each trajectory by its name alone: equal names must meet, whatever types their parts have."""
    names = track.astype(object)
    number = np.asarray(pd.to_numeric(names, errors="coerce"), dtype=np.float64) + 0.0  # no -0
    text = np.where(np.isnan(number), names.astype(str).to_numpy(dtype=object), "")
    mixed = pd.util.hash_array(number) ^ pd.util.hash_array(text)
    mixed[track.isna().to_numpy()] = 0
    return (mixed % np.uint64(count)).astype(np.int64)


def _streets(blocks: list[Block], counts: list[NDArray[np.int64]]) -> Streets:
    """Make one network of all streets."""
    vertices = sum(int(shapely.get_num_coordinates(np.asarray(block.frame.geometry)).sum()) for block in blocks)
    if vertices > MOST_STREET_VERTICES:
        raise JoinError(
            f"The streets have {vertices} vertices, and every worker must hold all of them: at most "
            f"{MOST_STREET_VERTICES}. Match region by region, with the streets of each."
        )
    return streets_of(pd.concat([block.frame[[block.frame.geometry.name]] for block in blocks]), np.sum(counts, axis=0))


def _labels(blocks: list[Block]) -> pd.Index[Any]:
    labels: pd.Index[Any] = pd.concat([block.frame[[]] for block in blocks]).index
    return labels


def _found(network: Streets, some: list[pd.DataFrame], *, timed: bool) -> pd.DataFrame:
    """Match the trajectories of a bucket."""
    fixes = pd.concat(some, ignore_index=True)
    found = found_streets(network, fixes, timed=timed)
    return fixes[["part", "position"]].assign(street=found.street, **dict(zip(NUMBERS, found.numbers.T, strict=True)))


def _table(block: Block, some: list[pd.DataFrame], labels: pd.Index[Any], like: pd.DataFrame) -> pd.DataFrame:
    """Lay what was found of a part's records out in their order."""
    lines = pd.concat(some).sort_values("position")
    found = Found(lines["street"].to_numpy(), lines[list(NUMBERS)].to_numpy())
    table = table_of(found, block.frame.index, labels)
    return table.astype({"street": like["street"].dtype})
