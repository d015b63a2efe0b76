"""Which geometries fulfil a predicate: by the grid of polygons where points meet polygons, by a tree for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely

from spatial_join.ground import places_of
from spatial_join.kernels.point_in_polygon import locate
from spatial_join.kernels.polygon_grid import polygon_grid_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PREDICATES", "Predicate", "pairs"]

Predicate = Literal[
    "within", "contains", "intersects", "covers", "covered_by", "touches", "crosses", "overlaps", "contains_properly"
]
"""What the left geometry does to the right one; the words are those of GEOS."""

PREDICATES: tuple[Predicate, ...] = (
    "within",
    "contains",
    "intersects",
    "covers",
    "covered_by",
    "touches",
    "crosses",
    "overlaps",
    "contains_properly",
)

#: What is asked of a point if the polygons are on the left or on the right; the others go by the tree.
_OF_POINTS = {"within": "within", "intersects": "intersects", "covered_by": "covered_by", "touches": "touches"}
_OF_POLYGONS = {
    "contains": "within",
    "contains_properly": "within",
    "intersects": "intersects",
    "covers": "covered_by",
    "touches": "touches",
}
#: The prepared side of a tree's query is the query's, so the side that contains is the better one to ask with.
_TURNED: dict[str, Literal["contains", "covers"]] = {"within": "contains", "covered_by": "covers"}

FEWEST_POINTS, POINTS_A_POLYGON = 1000, 5
"""Below so many points, in all and for each polygon, a tree is ready sooner than a grid of the polygons (measured)."""


def pairs(
    left: NDArray[Any], right: NDArray[Any], *, predicate: Predicate
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find which geometries fulfil a predicate.

    Parameters
    ----------
    left, right : ndarray of shapely geometries
        Valid, in one coordinate reference system; missing and empty ones match nothing.
    predicate : str
        What the left geometry must do to the right one, one of `PREDICATES`.

    Returns
    -------
    at, to : ndarray of int64
        Positions in left and right, sorted by left, then right.
    """
    if predicate in _OF_POINTS and _are_points(left) and _are_polygons(right) and _pays(left, right):
        return _located(left, right, _OF_POINTS[predicate])
    if predicate in _OF_POLYGONS and _are_points(right) and _are_polygons(left) and _pays(right, left):
        to, at = _located(right, left, _OF_POLYGONS[predicate])
    elif predicate in _TURNED:
        to, at = shapely.STRtree(left).query(right, predicate=_TURNED[predicate])
    else:
        at, to = shapely.STRtree(right).query(left, predicate=predicate)
    order = np.lexsort((to, at))
    return at[order].astype(np.int64), to[order].astype(np.int64)


def _pays(points: NDArray[Any], polygons: NDArray[Any]) -> bool:
    return len(points) >= max(FEWEST_POINTS, POINTS_A_POLYGON * len(polygons))


def _are_points(shapes: NDArray[Any]) -> bool:
    return bool(np.isin(shapely.get_type_id(shapes), (-1, 0)).all())


def _are_polygons(shapes: NDArray[Any]) -> bool:
    return bool(np.isin(shapely.get_type_id(shapes), (-1, 3, 6)).all())


def _located(
    points: NDArray[Any], polygons: NDArray[Any], predicate: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the polygons of points, sorted by point, then polygon."""
    point, polygon = locate(polygon_grid_of(polygons), *places_of(points).T, predicate=predicate)
    return point.astype(np.int64), polygon.astype(np.int64)
