"""Areas as positions: the point that stands for one, and how far from it a record of the area may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.local import LocalProjection

if TYPE_CHECKING:
    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["point_of_area"]

_AREAL = (3, 6)


def point_of_area(geometry: ObjectArray) -> tuple[ObjectArray, FloatArray, FloatArray]:
    """Return a point inside each area, and the sigma of a record that may be anywhere in the area.

    Parameters
    ----------
    geometry : numpy.ndarray
        Polygons and multipolygons in longitude and latitude; other geometries are returned as they are. Shape (n,).

    Returns
    -------
    points : numpy.ndarray
        The centroid where it lies inside, else a point on the surface, shape (n,).
    sigma_m : numpy.ndarray
        Root mean square distance to the point of a uniform distribution over the area, per axis, metres; 0 for other
        geometries. Shape (n,).
    radius_m : numpy.ndarray
        Distance from the point to the farthest vertex of the area, metres; NaN for other geometries. Shape (n,).

    Examples
    --------
    >>> points, sigma_m, radius_m = point_of_area(np.array([shapely.box(0, 0, 0.01, 0.01)]))
    >>> sigma_m.round().tolist(), radius_m.round().tolist()
    ([320.0], [785.0])
    """
    points, sigma_m, radius_m = geometry.copy(), np.zeros(len(geometry)), np.full(len(geometry), np.nan)
    for place in np.flatnonzero(np.isin(shapely.get_type_id(geometry), _AREAL)):
        area = geometry[place]
        middle = shapely.centroid(area)
        point = middle if shapely.contains(area, middle) else shapely.point_on_surface(area)
        plane = LocalProjection(lon_deg=shapely.get_x(point), lat_deg=shapely.get_y(point))
        points[place] = point
        flat = plane.project(np.array([shapely.orient_polygons(area)]))[0]
        sigma_m[place] = np.sqrt(_mean_square(flat) / 2.0)
        radius_m[place] = np.hypot(*shapely.get_coordinates(flat).T).max()
    return points, sigma_m, radius_m


def _mean_square(area: shapely.Geometry) -> float:
    """Return the mean square distance of an area from the origin.

    Each edge and the origin span a triangle, whose area and second moment are closed forms; holes run the other way.
    """
    rings = shapely.get_rings(shapely.get_parts(area))
    numbers, ring = shapely.get_coordinates(rings, return_index=True)
    one = ring[1:] == ring[:-1]
    (x, y), (next_x, next_y) = numbers[:-1][one].T, numbers[1:][one].T
    twice = x * next_y - next_x * y
    moment = twice * (x * x + x * next_x + next_x * next_x + y * y + y * next_y + next_y * next_y)
    return float(moment.sum() / 12.0 / (twice.sum() / 2.0))
