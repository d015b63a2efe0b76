"""What lies near, in metres on the ellipsoid: the nearest, the k nearest, all within a distance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from crs.geodesy import distances_m
from spatial_join.errors import GeometryError, JoinError
from spatial_join.ground import SIMPLE, Ground, extent_of, ground_of, places_of
from spatial_join.kernels.near_segments import lines_within, reach_of_nearest
from spatial_join.kernels.nearest_segment import build_segment_grid, nearest
from spatial_join.kernels.point_in_polygon import locate
from spatial_join.kernels.polygon_grid import polygon_grid_of
from spatial_join.partition import degrees_around
from spatial_join.plane import segment_lengths_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.local import LocalProjection
    from spatial_join.kernels.nearest_segment import SegmentGrid

__all__ = ["NearPairs", "nearest_pairs", "pairs_within"]

SLACK = 1.001
"""Distances are searched in the plane this much farther, then measured on the ellipsoid and cut exactly."""

TIE_M = 1e-8
"""Rounding of plane coordinates: what is nearer by less than this is equally near."""

_WORTH_SPARING = 0.8
"""Share of the points; if more of them are in reach, none are sorted out beforehand."""

CLOSE_M = 500.0
"""So far the radii of curvature measure like the geodesic (0.5 µm at 60° of latitude); beyond, it is computed."""


class NearPairs(NamedTuple):
    """Pairs of geometries that are near each other, in the order of left, then right.

    Attributes
    ----------
    at, to : ndarray of int64, shape (pairs,)
        Positions in left and right.
    distance_m : ndarray of float64, shape (pairs,)
        Metres on the ellipsoid between the nearest places.
    """

    at: NDArray[np.int64]
    to: NDArray[np.int64]
    distance_m: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Sides:
    """Both sides, in degrees and in plane metres."""

    left: NDArray[Any]
    right: NDArray[Any]
    ground: Ground

    @property
    def plane(self) -> LocalProjection:
        return self.ground.plane

    @cached_property
    def here(self) -> NDArray[Any]:
        return np.asarray(self.plane.project(self.left))

    @cached_property
    def there(self) -> NDArray[Any]:
        return np.asarray(self.plane.project(self.right))

    @cached_property
    def degrees(self) -> NDArray[np.float64]:
        """Positions of the left, where it is of points, shape (n, 2); NaN for none."""
        return places_of(self.left)

    @cached_property
    def points_right(self) -> NDArray[np.float64]:
        """Positions of the single points on the right, shape (m, 2); NaN for all else."""
        found = np.full((len(self.right), 2), np.nan)
        single = shapely.get_type_id(self.right) == shapely.GeometryType.POINT
        found[single] = places_of(self.right[single])
        return found

    @cached_property
    def metres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same in the plane."""
        return self.plane.forward(self.degrees[:, 0], self.degrees[:, 1])

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Rows of polygons on the right."""
        return np.flatnonzero(shapely.get_dimensions(self.right) == 2)

    @cached_property
    def grid(self) -> SegmentGrid:
        """Outlines, lines and points of the right, the latter as lines without length."""
        shapes = self.there
        if self.areas.size:
            shapes = shapes.copy()
            shapes[self.areas] = shapely.boundary(shapes[self.areas])
        parts, owners = shapely.get_parts(shapes, return_index=True)
        coordinates, part = shapely.get_coordinates(parts, return_index=True)
        sizes = np.bincount(part, minlength=len(parts))
        twice = np.repeat(np.where(sizes == 1, 2, 1), sizes)
        offsets = np.concatenate([[0], np.cumsum(np.where(sizes == 1, 2, sizes), dtype=np.int64)])
        return build_segment_grid(np.repeat(coordinates, twice, axis=0), offsets, owners=owners)

    @property
    def misfit(self) -> tuple[str, Any] | None:
        """The side, and the geometry on it, for which there is no grid: it is of points against anything simple."""
        for side, shapes, kinds in (("left", self.left, (-1, 0)), ("right", self.right, (-1, *SIMPLE))):
            fits = np.isin(shapely.get_type_id(shapes), kinds)
            if not fits.all():
                return side, shapes[~fits][0]
        return None


def nearest_pairs(
    left: NDArray[Any],
    right: NDArray[Any],
    *,
    distance_m: float | None = None,
    k: int = 1,
    ground: Ground | None = None,
) -> NearPairs:
    """Find the nearest right geometries of every left one.

    Parameters
    ----------
    left, right : ndarray of shapely geometries
        In longitude and latitude; missing and empty ones match nothing.
    distance_m : float, optional
        How far a match may be, metres.
    k : int, default 1
        How many; more where several are as near as the k-th. More than one needs single points on the left.
    ground : Ground, optional
        Of the whole, if these are parts of it.

    Returns
    -------
    NearPairs
        Sorted by left, then right.

    Raises
    ------
    ExtentError
        If the data span too much ground for one local plane.
    GeometryError
        If the distance is not a positive number.
    JoinError
        If several are asked for of what are not points.
    """
    if distance_m is not None:
        _require_positive(distance_m)
    if k < 1:
        raise JoinError(f"k={k}: ask for at least one nearest record.")
    sides = _sides(left, right, ground)
    if sides is None:
        return _nothing()
    limit = np.inf if distance_m is None else distance_m * SLACK
    if k > 1:
        found = _several_of_points(sides, limit, k)
    elif sides.ground.takes_grid and not sides.ground.has_areas:
        found = _one_of_points(sides, limit)
    else:
        reach = None if distance_m is None else limit
        at, to = shapely.STRtree(sides.there).query_nearest(sides.here, max_distance=reach, all_matches=True)
        found = _measured(sides, at, to)
    return found if distance_m is None else _cut(found, distance_m)


def pairs_within(
    left: NDArray[Any], right: NDArray[Any], *, distance_m: float, ground: Ground | None = None
) -> NearPairs:
    """Find all pairs that are at most so far apart.

    Parameters
    ----------
    left, right : ndarray of shapely geometries
        In longitude and latitude; missing and empty ones match nothing.
    distance_m : float
        Metres on the ellipsoid.
    ground : Ground, optional
        Of the whole, if these are parts of it.

    Returns
    -------
    NearPairs
        Sorted by left, then right.

    Raises
    ------
    ExtentError
        If the data span too much ground for one local plane.
    GeometryError
        If the distance is not a positive number.
    """
    _require_positive(distance_m)
    sides = _sides(left, right, ground)
    if sides is None:
        return _nothing()
    if sides.ground.takes_grid:
        rows = _in_reach(sides, distance_m * SLACK)
        if rows is not None:
            sides = _Sides(left[rows], right, sides.ground)
        found = _cut(_around_points(sides, np.full(len(sides.left), distance_m * SLACK)), distance_m)
        return found if rows is None else found._replace(at=rows[found.at])
    tree = shapely.STRtree(sides.there)
    at, to = tree.query(sides.here, predicate="dwithin", distance=distance_m * SLACK)
    return _cut(_measured(sides, at, to), distance_m)


def _in_reach(sides: _Sides, reach_m: float) -> NDArray[np.int64] | None:
    """Find the points of the left that the box of the right is in reach of; None if that would spare little work."""
    bounds = np.array(extent_of(sides.right).bounds)
    if not np.isfinite(bounds).all():
        return None
    over, up = degrees_around(bounds, reach_m)
    lon, lat = sides.degrees.T
    near = (lon >= bounds[0] - over) & (lon <= bounds[2] + over) & (lat >= bounds[1] - up) & (lat <= bounds[3] + up)
    return np.flatnonzero(near) if near.sum() < _WORTH_SPARING * near.size else None


def _require_positive(distance_m: float) -> None:
    if not distance_m > 0.0:
        raise GeometryError(f"The distance of a match must be a positive number of metres, got {distance_m!r}.")


def _nothing() -> NearPairs:
    return NearPairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def _cut(found: NearPairs, distance_m: float) -> NearPairs:
    near = found.distance_m <= distance_m
    return NearPairs(found.at[near], found.to[near], found.distance_m[near])


def _sides(left: NDArray[Any], right: NDArray[Any], ground: Ground | None) -> _Sides | None:
    """Lay both sides into one plane, None if there is nothing to lay."""
    ground = ground or ground_of([extent_of(left)], [extent_of(right)])
    return None if ground is None else _Sides(left, right, ground)


def _measured(sides: _Sides, at: NDArray[np.integer], to: NDArray[np.integer]) -> NearPairs:
    """Measure pairs of any geometries, shape by shape."""
    order = np.lexsort((to, at))
    rows, others = at[order].astype(np.int64), to[order].astype(np.int64)
    ends = shapely.get_coordinates(shapely.shortest_line(sides.here[rows], sides.there[others])).reshape(-1, 2, 2)
    start = np.column_stack(sides.plane.inverse(ends[:, 0, 0], ends[:, 0, 1]))
    metres = _metres(start, np.column_stack(sides.plane.inverse(ends[:, 1, 0], ends[:, 1, 1])))
    return NearPairs(rows, others, np.where((ends[:, 0] == ends[:, 1]).all(axis=1), 0.0, metres))


def _metres(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure between positions in degrees."""
    (lon, lat), (lon_to, lat_to) = here.T, there.T
    metres = segment_lengths_m(lon, lat, lon_to, lat_to)
    far = metres > CLOSE_M
    metres[far] = distances_m(lon[far], lat[far], lon_to[far], lat_to[far])
    return metres


def _reached(sides: _Sides, to: NDArray[np.integer], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest places of the right in degrees; a point is where it is, and need not come from the plane."""
    known: NDArray[np.float64] = sides.points_right[to]
    bent = np.isnan(known[:, 0])
    if bent.any():
        known[bent] = np.column_stack(sides.plane.inverse(*place[bent].T))
    return known


def _one_of_points(sides: _Sides, limit: float) -> NearPairs:
    """Find the nearest of every point, and those that are as near."""
    x, y = sides.metres
    best = nearest(sides.grid, x, y, radius=limit)
    tied = best.second <= best.distance + TIE_M
    alone = np.flatnonzero((best.line >= 0) & ~tied)
    metres = _metres(sides.degrees[alone], _reached(sides, best.line[alone], np.column_stack([best.x, best.y])[alone]))
    several = _around_points(sides, np.where(tied, best.distance + TIE_M, np.nan))
    at = np.concatenate([alone, several.at])
    order = np.argsort(at, kind="stable")
    to = np.concatenate([best.line[alone], several.to])
    return NearPairs(at[order], to[order], np.concatenate([metres, several.distance_m])[order])


def _several_of_points(sides: _Sides, limit: float, k: int) -> NearPairs:
    """Find the k nearest of every point, and those that are as near as the last of them."""
    if sides.misfit is not None:
        side, shape = sides.misfit
        raise JoinError(
            f"The k nearest are found for points, of anything but collections; the {side} side holds a "
            f"{shape.geom_type}. Take its centroid, or ask for k=1."
        )
    found = _around_points(sides, np.minimum(reach_of_nearest(sides.grid, *sides.metres, k=k), limit) + TIE_M)
    # Polygons around a point are nearer than their outlines: only now is the k-th distance known.
    order = np.lexsort((found.distance_m, found.at))
    starts = np.flatnonzero(np.r_[True, np.diff(found.at) != 0])[: found.at.size]
    rank = np.arange(found.at.size) - np.repeat(starts, np.diff(np.r_[starts, found.at.size]))
    last = np.full(len(sides.left), np.inf)
    chosen = order[rank == k - 1]
    last[found.at[chosen]] = found.distance_m[chosen]
    near = found.distance_m <= last[found.at] + 2.0 * TIE_M
    return NearPairs(found.at[near], found.to[near], found.distance_m[near])


def _around_points(sides: _Sides, radius: NDArray[np.float64]) -> NearPairs:
    """Find all within a distance of each point (NaN: none), those inside polygons at no distance."""
    near = lines_within(sides.grid, *sides.metres, radius=radius)
    at, to = near.point, near.line
    metres = _metres(sides.degrees[at], _reached(sides, to, np.column_stack([near.x, near.y])))
    if sides.areas.size:
        polygons = polygon_grid_of(sides.there[sides.areas])
        point, polygon = locate(polygons, *sides.metres, predicate="intersects")
        # Those inside come first, so that of two equal pairs the one at no distance is kept.
        at, to = np.concatenate([point, at]), np.concatenate([sides.areas[polygon], to])
        metres = np.concatenate([np.zeros(point.size), metres])
    # Both runs are sorted already, or nearly: a stable sort by one number only merges them.
    order = np.argsort(at * len(sides.right) + to, kind="stable")
    at, to, metres = at[order], to[order], metres[order]
    first = np.ones(at.size, dtype=bool)
    first[1:] = (np.diff(at) != 0) | (np.diff(to) != 0)
    return NearPairs(at[first], to[first], metres[first])
