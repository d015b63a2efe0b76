"""The ground that two sides of a search share: one plane, and one way to search, for the whole and for parts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from crs.local import local_projection
from spatial_join.errors import ExtentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.local import LocalProjection

__all__ = ["SIMPLE", "Extent", "Ground", "extent_of", "ground_of", "places_of"]

LARGEST_HALF_EXTENT_M = 300_000.0
"""A local plane of this half-width bends distances by at most 0.03 % (distance² / 8 R²), so the nearest stays so."""

FEWEST_POINTS = 500
"""Below so many points a tree of the other side is ready sooner than a grid."""

SIMPLE = (0, 1, 2, 3, 4, 5, 6)
"""Shapely's numbers of all types but collections."""

_AREAS = frozenset({3, 6})


class Extent(NamedTuple):
    """What one must know of a side, or of a part of it, to search it as the whole is searched.

    Attributes
    ----------
    bounds : tuple of 4 floats
        Least longitude and latitude, greatest longitude and latitude; infinite and upside down if there is nothing.
    size : int
        Number of records.
    filled : int
        Number of those with a geometry.
    kinds : frozenset of int
        Shapely's numbers of the types of geometry, -1 for missing.
    """

    bounds: tuple[float, float, float, float]
    size: int
    filled: int
    kinds: frozenset[int]


class Ground(NamedTuple):
    """What the search of two sides shares with that of any parts of them, so that both measure alike.

    Attributes
    ----------
    plane : LocalProjection
        Laid in the middle of both sides.
    takes_grid : bool
        True where a grid pays: many points against anything simple.
    has_areas : bool
        True where polygons are among the right.
    """

    plane: LocalProjection
    takes_grid: bool
    has_areas: bool


def extent_of(shapes: NDArray[Any]) -> Extent:
    """Survey a side, or a part of it.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        In longitude and latitude.

    Returns
    -------
    Extent
        Its bounds, sizes and kinds of geometry.
    """
    bounds = np.ascontiguousarray(shapely.bounds(shapes).reshape(-1, 4).T)
    low = np.fmin.reduce(bounds[:2], axis=1, initial=np.inf)
    high = np.fmax.reduce(bounds[2:], axis=1, initial=-np.inf)
    kinds = frozenset((np.flatnonzero(np.bincount(shapely.get_type_id(shapes) + 1)) - 1).tolist())
    filled = len(shapes) - int(np.isnan(bounds[0]).sum())
    return Extent((*low.tolist(), *high.tolist()), len(shapes), filled, kinds)


def ground_of(left: list[Extent], right: list[Extent]) -> Ground | None:
    """Find one plane for two sides.

    Parameters
    ----------
    left, right : list of Extent
        Parts of both sides.

    Returns
    -------
    Ground or None
        None if there is nothing to lay into it.

    Raises
    ------
    ExtentError
        If the data span too much ground for one local plane.
    """
    bounds = np.array([part.bounds for part in (*left, *right)])
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    if not np.isfinite(low).all():
        return None
    plane = local_projection([low[0], high[0]], [low[1], high[1]])
    reach = max(np.hypot(*plane.forward(x, y)) for x in (low[0], high[0]) for y in (low[1], high[1]))
    if reach > LARGEST_HALF_EXTENT_M:
        raise ExtentError(
            f"The two sides span {2 * reach / 1000:.0f} km, more than one local plane can hold "
            f"({2 * LARGEST_HALF_EXTENT_M / 1000:.0f} km). Join region by region."
        )
    points = frozenset.union(*(part.kinds for part in left)) <= {-1, 0}
    kinds = frozenset.union(*(part.kinds for part in right))
    many = sum(part.size for part in left) >= FEWEST_POINTS
    return Ground(plane, many and points and kinds <= {-1, *SIMPLE}, bool(kinds & _AREAS))


def places_of(points: NDArray[Any]) -> NDArray[np.float64]:
    """Return the coordinates of points.

    Parameters
    ----------
    points : ndarray of shapely.Point, shape (n,)
        Missing and empty ones among them.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        x and y, NaN for missing and empty ones, of which GEOS gives none.
    """
    found = shapely.get_coordinates(points)
    if len(found) == len(points):
        return found
    places = np.full((len(points), 2), np.nan)
    filled = ~(shapely.is_missing(points) | shapely.is_empty(points))
    places[filled] = found
    return places
