"""The nearest record, in metres on the ellipsoid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from crs.geodesy import distances_m
from crs.local import local_projection
from spatial_join.errors import ExtentError, GeometryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["nearest_pairs"]

LARGEST_HALF_EXTENT_M = 300_000.0
"""A local plane of this half-width bends distances by at most 0.03 % (distance² / 8 R²), so the nearest stays so."""

SLACK = 1.001
"""Distances are searched in the plane this much farther, then measured on the ellipsoid and cut exactly."""


def nearest_pairs(
    left: NDArray[Any], right: NDArray[Any], *, distance_m: float | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest right geometry of every left one.

    Parameters
    ----------
    left, right : ndarray of shapely geometries
        In longitude and latitude; missing and empty ones match nothing.
    distance_m : float, optional
        How far a match may be, metres.

    Returns
    -------
    at, to : ndarray of int64
        Positions in left and right, sorted by left, then right; several lines where several are equally near.
    distance_m : ndarray of float64
        Distances in metres on the ellipsoid between the nearest points.

    Raises
    ------
    ExtentError
        If the data span too much ground for one local plane.
    GeometryError
        If the distance is not a positive number.
    """
    if distance_m is not None and not distance_m > 0.0:
        raise GeometryError(f"The distance of a match must be a positive number of metres, got {distance_m!r}.")
    bounds = np.concatenate([shapely.bounds(left).reshape(-1, 4), shapely.bounds(right).reshape(-1, 4)])
    bounds = bounds[~np.isnan(bounds).any(axis=1)]
    if not len(bounds):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    plane = local_projection([low[0], high[0]], [low[1], high[1]])
    reach = max(np.hypot(*plane.forward(x, y)) for x in (low[0], high[0]) for y in (low[1], high[1]))
    if reach > LARGEST_HALF_EXTENT_M:
        raise ExtentError(
            f"The two sides span {2 * reach / 1000:.0f} km, more than one local plane can hold "
            f"({2 * LARGEST_HALF_EXTENT_M / 1000:.0f} km). Join region by region."
        )
    here, there = plane.project(left), plane.project(right)
    limit = None if distance_m is None else distance_m * SLACK
    at, to = shapely.STRtree(there).query_nearest(here, max_distance=limit, all_matches=True)
    order = np.lexsort((to, at))
    at, to = at[order], to[order]
    ends = shapely.get_coordinates(shapely.shortest_line(here[at], there[to])).reshape(-1, 2, 2)
    start, end = plane.inverse(ends[:, 0, 0], ends[:, 0, 1]), plane.inverse(ends[:, 1, 0], ends[:, 1, 1])
    metres = np.where((ends[:, 0] == ends[:, 1]).all(axis=1), 0.0, distances_m(*start, *end))
    near = np.ones(at.size, dtype=bool) if distance_m is None else metres <= distance_m
    return at[near].astype(np.int64), to[near].astype(np.int64), metres[near]
