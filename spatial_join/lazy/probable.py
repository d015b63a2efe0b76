"""Joins by probability part by part: pairs are weighed where two parts meet, and settled where all of a point's are."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import dask
import dask.dataframe as dd
import geopandas as gpd
import numpy as np
import pandas as pd

from spatial_join.blocks import Block, gathered
from spatial_join.lazy.aside import set_aside_of
from spatial_join.lazy.frames import GeoFrame
from spatial_join.lazy.planned import Plan
from spatial_join.lazy.sources import side_of
from spatial_join.masses import REACH, Masses, Odds
from spatial_join.partition import meeting
from spatial_join.probable import Points, Probable, Setting, Survey, require_share, setting_of, sigma_of, survey_of
from spatial_join.records import require_degrees, require_one_crs
from spatial_join.side_by_side import side_by_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LazyProbable", "join_probable"]

_SLACK = 1.05
"""So much farther apart parts may be that meet: what is a metre in the plane is a little less on the ground."""


class LazyProbable(NamedTuple):
    """Matches of uncertain points that are not computed yet; ``dask.compute`` takes both at once, as `compute` does.

    Attributes
    ----------
    matches : GeoFrame
        As of :class:`spatial_join.Probable`, a partition for each part of the left; ``matches.set_aside`` lists invalid
        geometries of the right.
    none : dask.dataframe.Series
        As of :class:`spatial_join.Probable`, in the same partitions.
    """

    matches: GeoFrame
    none: dd.Series

    def compute(self, **options: Any) -> Probable:  # noqa: ANN401 -- Dask's own options
        """Compute both.

        Parameters
        ----------
        **options : Any
            Passed on to Dask, such as ``scheduler="threads"``.

        Returns
        -------
        Probable
            What :func:`spatial_join.join_probable` gives, to the bit.
        """
        return Probable(*dask.compute(self.matches, self.none, **options))


def join_probable(
    left: Any,  # noqa: ANN401 -- layers, frames, collections and paths share no base class
    right: Any,  # noqa: ANN401
    *,
    sigma_m: float | None = None,
    stray: float = 0.02,
) -> LazyProbable:
    """Plan to join uncertain points to polygons or lines, part by part.

    Parameters
    ----------
    left, right : layers.Layer, geopandas.GeoDataFrame, dask.dataframe.DataFrame of these, or path of GeoParquet
        As in :func:`spatial_join.join_probable`; paths as in :func:`spatial_join.lazy.join`.
    sigma_m, stray : float
        As in :func:`spatial_join.join_probable`. Where ``sigma_m`` is a column of a Dask DataFrame or a file, it is not
        known beforehand how far points reach, and every part of the left is held against every part of the right.

    Returns
    -------
    LazyProbable
        Two plans that share their work.

    Raises
    ------
    CrsMismatchError
        If the two sides are not in longitude and latitude.
    GeometryError, JoinError
        As in :func:`spatial_join.join_probable`; what is wrong with records shows when they are computed.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> halves = [shapely.box(7.40, 43.72, 7.42, 43.75), shapely.box(7.42, 43.72, 7.45, 43.75)]
    >>> wards = gpd.GeoDataFrame({"ward": ["west", "east"]}, geometry=halves, crs="OGC:CRS84")
    >>> probe = gpd.GeoDataFrame(geometry=shapely.points([[7.4201, 43.735]]), crs="OGC:CRS84")  # 8 m from the border
    >>> found = join_probable(probe, wards, sigma_m=8).compute(scheduler="synchronous")
    >>> found.matches["probability"].round(3).tolist()
    [0.157, 0.843]
    """
    require_share(stray)
    one, other = side_of(left, side="left", scattered=False), side_of(right, side="right", scattered=True)
    require_one_crs(one.like, other.like)
    require_degrees(one.like)
    sigma_of(one.like, sigma_m)  # of no record: only whether it is said once
    plan = Plan.of("probable", one, other, (sigma_m, stray))
    surveys = [
        [plan.task(work, block, number=f"{side}-{i}") for i, block in enumerate(blocks)]
        for side, work, blocks in (("left", _survey_points, one.blocks), ("right", _survey, other.blocks))
    ]
    setting = plan.task(setting_of, *surveys)
    laid = [plan.task(_laid, block, setting, number=str(j)) for j, block in enumerate(other.blocks)]
    parts = [plan.task(_odds_of_points, block, setting, sigma_m, number=str(i)) for i, block in enumerate(one.blocks)]
    parts += [plan.task(_odds_of_lines, shapes, setting, number=str(j)) for j, shapes in enumerate(laid)]
    lines = plan.task(_together, parts), stray
    empty = side_by_side(one.like, other.like, np.empty(0, np.int64), np.empty(0, np.int64), how="inner")
    empty["probability"] = np.empty(0)
    near = meeting(one.boxes, other.boxes, distance_m=_reach_m(left, sigma_m))
    found = [
        plan.task(
            _settled,
            block,
            [
                plan.task(_weighed, block, (other.blocks[j], laid[j]), setting, sigma_m, number=f"{i}-{j}")
                for j in near[i]
            ],
            (setting, lines, sigma_m),
            (other.like, empty),
            number=str(i),
        )
        for i, block in enumerate(one.blocks)
    ]
    matches, none = (
        [plan.task(operator.getitem, both, which, number=f"{name}-{i}") for i, both in enumerate(found)]
        for which, name in enumerate(LazyProbable._fields)
    )
    nowhere = pd.Series(np.empty(0), index=one.like.index, name="none")
    with dask.config.set({"dataframe.convert-string": False}):
        series = dd.from_delayed(none, meta=nowhere, verify_meta=False)
    return LazyProbable(GeoFrame.of(matches, like=empty, aside=set_aside_of(other)), series)


def _reach_m(left: Any, sigma_m: float | None) -> float | None:  # noqa: ANN401
    """Say how far apart parts may be that have to do with each other; None if it is not known."""
    if sigma_m is not None:
        return REACH * _SLACK * sigma_m
    if isinstance(left, gpd.GeoDataFrame) and len(left):
        return REACH * _SLACK * float(np.nan_to_num(left["sigma_m"].to_numpy(dtype=np.float64)).max())
    return None


class _Weighed(NamedTuple):
    """Pairs of a part of the left and one of the right by their positions, and the records of the right."""

    found: Masses
    other: Block


def _survey(block: Block) -> Survey:
    return survey_of(block.shapes)


def _survey_points(block: Block) -> Survey:
    return survey_of(np.asarray(block.frame.geometry, dtype=object))


def _laid(block: Block, setting: Setting) -> NDArray[Any]:
    """Lay a part of the right into the plane, once for all parts of the left."""
    return setting.plane.project(block.shapes)


def _odds_of_points(block: Block, setting: Setting, sigma_m: float | None) -> Odds:
    return setting.odds(setting.points(block.frame, sigma_m), np.empty(0, dtype=object))


def _odds_of_lines(shapes: NDArray[Any], setting: Setting) -> Odds:
    return setting.odds(Points(np.empty((0, 2)), np.empty(0)), shapes)


def _together(parts: list[Odds]) -> Odds:
    return Odds.together(parts)


def _weighed(left: Block, right: tuple[Block, NDArray[Any]], setting: Setting, sigma_m: float | None) -> _Weighed:
    """Weigh a part of the left against one of the right."""
    block, shapes = right
    points = setting.points(left.frame, sigma_m)
    boxes = [np.array([part.extent.bounds]) for part in (left, block)]
    reach_m = REACH * _SLACK * float(points.sigma_m.max(initial=0.0))
    if not meeting(*boxes, distance_m=reach_m)[0].size:
        nothing = np.empty(0, dtype=np.int64)
        return _Weighed(Masses(nothing, nothing, np.empty(0)), block.taken(nothing))
    at, to, mass = setting.weighed(points, shapes)
    to = block.position[to]
    return _Weighed(Masses(left.position[at], to, mass), block.taken(np.unique(to)))


def _settled(
    left: Block,
    weighed: list[_Weighed],
    asked: tuple[Setting, tuple[Odds, float], float | None],
    like: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
) -> tuple[gpd.GeoDataFrame, pd.Series[float]]:
    """Settle a part of the left with all that its points may match."""
    (setting, lines, sigma_m), (nothing, empty) = asked, like
    other = gathered([Block(nothing, np.empty(0, np.int64), "right"), *(one.other for one in weighed)])
    none_yet = Masses(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    at, to, mass = (np.concatenate(parts) for parts in zip(none_yet, *(one.found for one in weighed), strict=True))
    order = np.lexsort((to, at))  # stable: the pieces of a line stay in their order
    rows = np.searchsorted(left.position, at[order]), np.searchsorted(other.position, to[order])
    points, shapes = setting.points(left.frame, sigma_m), setting.plane.project(other.shapes)
    found, none = setting.settled(points, Masses(*rows, mass[order]), shapes, lines)
    matches = side_by_side(left.frame, other.frame, found.at, found.to, how="inner")
    matches["probability"] = found.mass
    for name, dtype in empty.dtypes.items():
        if matches[name].dtype != dtype:
            matches[name] = matches[name].astype(dtype)
    return matches, pd.Series(none, index=left.frame.index, name="none")
