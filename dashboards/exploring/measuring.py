"""Distances, areas, heights and volumes, on the ellipsoid."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs import geodesy
from dashboards.exploring.questions import Drawing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDES = 96


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a drawing measures.

    Parameters
    ----------
    length_m : float
        Geodesic length along it, back to its beginning if it is closed.
    legs_m : tuple of float
        Of its parts.
    area_m2 : float
        Geodesic area inside, 0 if it is open.
    """

    length_m: float
    legs_m: tuple[float, ...]
    area_m2: float


def measure(drawing: Drawing) -> Measured:
    """Measure what was drawn.

    Parameters
    ----------
    drawing : Drawing
        Vertices.

    Returns
    -------
    Measured
        Metres and square metres on the WGS 84 ellipsoid.

    References
    ----------
    Karney, C. F. F. (2013), Algorithms for geodesics, J. Geodesy 87, 43-55, https://doi.org/10.1007/s00190-012-0578-z

    Examples
    --------
    >>> line = Drawing(positions=((7.42, 43.73), (7.43, 43.73)))
    >>> round(measure(line).length_m, 2)
    805.69
    """
    vertices = np.array(drawing.positions, dtype=float)
    if drawing.closed and len(vertices) > 1:
        vertices = np.vstack([vertices, vertices[:1]])
    legs = geodesy.distances_m(vertices[:-1, 0], vertices[:-1, 1], vertices[1:, 0], vertices[1:, 1])
    area_m2 = 0.0
    if drawing.closed and len(drawing.positions) >= 3:
        ring = np.array([shapely.Polygon(drawing.positions)], dtype=object)
        area_m2 = abs(float(geodesy.areas_m2(ring)[0]))
    return Measured(length_m=float(legs.sum()), legs_m=tuple(legs.tolist()), area_m2=area_m2)


def circle_around(lon_deg: float, lat_deg: float, radius_m: float) -> shapely.Polygon:
    """Draw a circle on the ellipsoid.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Middle, degrees.
    radius_m : float
        Geodesic radius, metres.

    Returns
    -------
    shapely.Polygon
        Of 96 sides, its vertices on the circle.
    """
    turns = np.linspace(0.0, 2 * np.pi, _SIDES, endpoint=False)
    east_m, north_m = radius_m * np.sin(turns), radius_m * np.cos(turns)
    lon, lat = geodesy.move_m(lon_deg, lat_deg, east_m=east_m, north_m=north_m)
    return shapely.Polygon(np.column_stack([lon, lat]))


def buffer_m(shapes: "NDArray[np.object_]", distance_m: float) -> shapely.Geometry:
    """Widen features by a distance on the ground.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        In degrees.
    distance_m : float
        Metres.

    Returns
    -------
    shapely.Geometry
        All that lies within the distance of any of them, in degrees.
    """
    flat = shapely.force_2d(np.asarray(shapes, dtype=object))
    west, south, east, north = shapely.total_bounds(flat)
    plane = geodesy.local_projection((west + east) / 2, (south + north) / 2)
    moved = shapely.transform(flat, lambda numbers: np.column_stack(plane.forward(numbers[:, 0], numbers[:, 1])))
    wide = shapely.union_all(shapely.buffer(moved, distance_m, quad_segs=16))
    return shapely.transform(wide, lambda numbers: np.column_stack(plane.inverse(numbers[:, 0], numbers[:, 1])))


def lengths_m(shapes: "NDArray[np.object_]") -> "NDArray[np.float64]":
    """Measure lines.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        In degrees, shape (n,).

    Returns
    -------
    ndarray of float
        Metres, shape (n,); 0 for points and areas.
    """
    flat = shapely.force_2d(np.asarray(shapes, dtype=object))
    found = np.zeros(len(flat))
    linear = shapely.get_dimensions(flat) == 1
    found[linear] = geodesy.lengths_m(flat[linear])
    return found
