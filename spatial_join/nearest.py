"""What lies near, in metres on the ellipsoid: the nearest, the k nearest, all within a distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from crs.geodesy import distances_m
from crs.local import local_projection
from spatial_join.errors import ExtentError, GeometryError, JoinError
from spatial_join.kernels.near_segments import lines_within, reach_of_nearest
from spatial_join.kernels.nearest_segment import build_segment_grid, nearest
from spatial_join.kernels.point_in_polygon import locate
from spatial_join.kernels.polygon_grid import polygon_grid_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.local import LocalProjection

__all__ = ["NearPairs", "nearest_pairs", "pairs_within"]

LARGEST_HALF_EXTENT_M = 300_000.0
"""A local plane of this half-width bends distances by at most 0.03 % (distance² / 8 R²), so the nearest stays so."""

SLACK = 1.001
"""Distances are searched in the plane this much farther, then measured on the ellipsoid and cut exactly."""

TIE_M = 1e-8
"""Rounding of plane coordinates: what is nearer by less than this is equally near."""

FEWEST_POINTS = 500
"""Below so many points a tree of the other side is ready sooner than a grid."""

_SIMPLE = (0, 1, 2, 3, 4, 5, 6)  # shapely's numbers of all types but collections


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


class _Planar(NamedTuple):
    """Both sides in plane metres, and the way back to degrees."""

    plane: LocalProjection
    here: NDArray[Any]
    there: NDArray[Any]

    @property
    def takes_grid(self) -> bool:
        """True for many single points against anything but collections."""
        points = np.isin(shapely.get_type_id(self.here), (-1, 0)).all()
        simple = np.isin(shapely.get_type_id(self.there), (-1, *_SIMPLE)).all()
        return bool(points and simple and self.here.size >= FEWEST_POINTS)


def nearest_pairs(left: NDArray[Any], right: NDArray[Any], *, distance_m: float | None = None, k: int = 1) -> NearPairs:
    """Find the nearest right geometries of every left one.

    Parameters
    ----------
    left, right : ndarray of shapely geometries
        In longitude and latitude; missing and empty ones match nothing.
    distance_m : float, optional
        How far a match may be, metres.
    k : int, default 1
        How many; more where several are as near as the k-th. More than one needs single points on the left.

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
    planar = _planar(left, right)
    if planar is None:
        return _nothing()
    limit = np.inf if distance_m is None else distance_m * SLACK
    if planar.takes_grid or (k > 1 and len(planar.here)):
        found = _of_points(planar, limit, k)
    else:
        reach = None if distance_m is None else limit
        at, to = shapely.STRtree(planar.there).query_nearest(planar.here, max_distance=reach, all_matches=True)
        found = _measured(planar, at, to)
    return found if distance_m is None else _cut(found, distance_m)


def pairs_within(left: NDArray[Any], right: NDArray[Any], *, distance_m: float) -> NearPairs:
    """Find all pairs that are at most so far apart.

    Parameters
    ----------
    left, right : ndarray of shapely geometries
        In longitude and latitude; missing and empty ones match nothing.
    distance_m : float
        Metres on the ellipsoid.

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
    planar = _planar(left, right)
    if planar is None:
        return _nothing()
    if planar.takes_grid:
        radius = np.full(len(planar.here), distance_m * SLACK)
        return _cut(_around_points(planar, radius), distance_m)
    tree = shapely.STRtree(planar.there)
    at, to = tree.query(planar.here, predicate="dwithin", distance=distance_m * SLACK)
    return _cut(_measured(planar, at, to), distance_m)


def _require_positive(distance_m: float) -> None:
    if not distance_m > 0.0:
        raise GeometryError(f"The distance of a match must be a positive number of metres, got {distance_m!r}.")


def _nothing() -> NearPairs:
    return NearPairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def _cut(found: NearPairs, distance_m: float) -> NearPairs:
    near = found.distance_m <= distance_m
    return NearPairs(found.at[near], found.to[near], found.distance_m[near])


def _planar(left: NDArray[Any], right: NDArray[Any]) -> _Planar | None:
    """Lay both sides into one plane, None if there is nothing to lay."""
    bounds = np.concatenate([shapely.bounds(left).reshape(-1, 4), shapely.bounds(right).reshape(-1, 4)])
    bounds = bounds[~np.isnan(bounds).any(axis=1)]
    if not len(bounds):
        return None
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    plane = local_projection([low[0], high[0]], [low[1], high[1]])
    reach = max(np.hypot(*plane.forward(x, y)) for x in (low[0], high[0]) for y in (low[1], high[1]))
    if reach > LARGEST_HALF_EXTENT_M:
        raise ExtentError(
            f"The two sides span {2 * reach / 1000:.0f} km, more than one local plane can hold "
            f"({2 * LARGEST_HALF_EXTENT_M / 1000:.0f} km). Join region by region."
        )
    return _Planar(plane, plane.project(left), plane.project(right))


def _measured(planar: _Planar, at: NDArray[np.integer], to: NDArray[np.integer]) -> NearPairs:
    """Measure pairs of any geometries, shape by shape."""
    order = np.lexsort((to, at))
    rows, others = at[order].astype(np.int64), to[order].astype(np.int64)
    ends = shapely.get_coordinates(shapely.shortest_line(planar.here[rows], planar.there[others])).reshape(-1, 2, 2)
    return NearPairs(rows, others, _metres(planar.plane, ends[:, 0], ends[:, 1]))


def _metres(plane: LocalProjection, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure between places of the plane on the ellipsoid."""
    metres = distances_m(*plane.inverse(start[:, 0], start[:, 1]), *plane.inverse(end[:, 0], end[:, 1]))
    return np.where((start == end).all(axis=1), 0.0, metres)


def _of_points(planar: _Planar, limit: float, k: int) -> NearPairs:
    """Find the k nearest of every point, and those that are as near as the last of them."""
    kinds = (
        np.isin(shapely.get_type_id(planar.here), (-1, 0)),
        np.isin(shapely.get_type_id(planar.there), (-1, *_SIMPLE)),
    )
    for side, fits in zip(("left", "right"), kinds, strict=True):
        if not fits.all():
            shape = (planar.here if side == "left" else planar.there)[~fits][0]
            raise JoinError(
                f"The k nearest are found for points, of anything but collections; the {side} side holds a "
                f"{shape.geom_type}. Take its centroid, or ask for k=1."
            )
    x, y = shapely.get_x(planar.here), shapely.get_y(planar.here)
    grid = _grid_of(planar.there)
    if k == 1:
        reach = nearest(grid, x, y, radius=limit).distance
    else:
        reach = np.minimum(reach_of_nearest(grid, x, y, k=k), limit)
    found = _around_points(planar, reach + TIE_M)
    if k == 1 and not _polygons(planar.there).any():
        return found
    # Polygons around a point are nearer than their outlines: only now is the k-th distance known.
    order = np.lexsort((found.distance_m, found.at))
    starts = np.flatnonzero(np.r_[True, np.diff(found.at) != 0])[: found.at.size]
    rank = np.arange(found.at.size) - np.repeat(starts, np.diff(np.r_[starts, found.at.size]))
    last = np.full(len(planar.here), np.inf)
    chosen = order[rank == k - 1]
    last[found.at[chosen]] = found.distance_m[chosen]
    near = found.distance_m <= last[found.at] + 2.0 * TIE_M
    return NearPairs(found.at[near], found.to[near], found.distance_m[near])


def _polygons(shapes: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(shapely.get_dimensions(shapes) == 2)


def _grid_of(shapes: NDArray[Any]) -> Any:  # noqa: ANN401 -- a SegmentGrid, whose type numba hides
    """Index outlines, lines and points, the latter as lines without length."""
    area = _polygons(shapes)
    if area.any():
        shapes = shapes.copy()
        shapes[area] = shapely.boundary(shapes[area])
    parts, owners = shapely.get_parts(shapes, return_index=True)
    coordinates, part = shapely.get_coordinates(parts, return_index=True)
    sizes = np.bincount(part, minlength=len(parts))
    twice = np.repeat(np.where(sizes == 1, 2, 1), sizes)
    sizes = np.where(sizes == 1, 2, sizes)
    offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return build_segment_grid(np.repeat(coordinates, twice, axis=0), offsets, owners=owners)


def _around_points(planar: _Planar, radius: NDArray[np.float64]) -> NearPairs:
    """Find all within a distance of each point, those inside polygons at no distance."""
    x, y = shapely.get_x(planar.here), shapely.get_y(planar.here)
    near = lines_within(_grid_of(planar.there), x, y, radius=radius)
    start = np.column_stack([x[near.point], y[near.point]])
    metres = _metres(planar.plane, start, np.column_stack([near.x, near.y]))
    at, to = near.point, near.line
    area = np.flatnonzero(_polygons(planar.there))
    if area.size:
        point, polygon = locate(polygon_grid_of(planar.there[area]), x, y, predicate="intersects")
        at, to = np.concatenate([at, point]), np.concatenate([to, area[polygon]])
        metres = np.concatenate([metres, np.zeros(point.size)])
    order = np.lexsort((metres, to, at))
    at, to, metres = at[order], to[order], metres[order]
    first = np.ones(at.size, dtype=bool)
    first[1:] = (np.diff(at) != 0) | (np.diff(to) != 0)
    return NearPairs(at[first], to[first], metres[first])
