"""Lengths, areas and distances on the WGS 84 ellipsoid, for arrays of geometries in longitude and latitude."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import Geod, Transformer

from crs.local import AUTHALIC_RADIUS_M, LocalProjection, authalic_q, local_projection

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import FloatArray, ObjectArray

__all__ = [
    "LocalProjection",
    "areas_m2",
    "distances_m",
    "from_geocentric",
    "lengths_m",
    "local_projection",
    "move_m",
]

_GEOD = Geod(ellps="WGS84")
_FROM_GEOCENTRIC = "+proj=pipeline +step +inv +proj=cart +ellps=WGS84 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
_POLYGON = 3


def from_geocentric(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Turn earth-centred coordinates into degrees and ellipsoidal heights.

    Parameters
    ----------
    x, y, z : array_like
        Metres from the centre of the WGS 84 ellipsoid (EPSG:4978), shapes that broadcast together.

    Returns
    -------
    tuple of numpy.ndarray
        Longitude and latitude in degrees, height above the ellipsoid in metres; not finite where the input is not.

    Examples
    --------
    >>> lon, lat, height = from_geocentric(6378137.0 + 100.0, 0.0, 0.0)
    >>> float(lon), float(lat), round(float(height), 6)
    (0.0, 0.0, 100.0)
    """
    east, north, up = np.broadcast_arrays(*(np.asarray(axis, dtype=np.float64) for axis in (x, y, z)))
    lon, lat, height = Transformer.from_pipeline(_FROM_GEOCENTRIC).transform(east, north, up)
    return np.asarray(lon), np.asarray(lat), np.asarray(height)


def distances_m(
    from_lon_deg: ArrayLike, from_lat_deg: ArrayLike, to_lon_deg: ArrayLike, to_lat_deg: ArrayLike
) -> FloatArray:
    """Measure geodesic distances between pairs of points.

    Parameters
    ----------
    from_lon_deg, from_lat_deg, to_lon_deg, to_lat_deg : array_like
        Degrees; shapes that broadcast together.

    Returns
    -------
    numpy.ndarray
        Metres; NaN where any number is NaN.

    Examples
    --------
    >>> round(float(distances_m(7.42, 43.73, 7.43, 43.73)), 2)
    805.69
    """
    parts = np.broadcast_arrays(
        *(np.asarray(part, dtype=np.float64) for part in (from_lon_deg, from_lat_deg, to_lon_deg, to_lat_deg))
    )
    bad = np.isnan(parts[0] + parts[1] + parts[2] + parts[3])
    from_lon, from_lat, to_lon, to_lat = (np.where(bad, 0.0, part) for part in parts)
    _, _, distance = _GEOD.inv(from_lon, from_lat, to_lon, to_lat)
    return np.where(bad, np.nan, distance)


def move_m(
    lon_deg: ArrayLike, lat_deg: ArrayLike, *, east_m: ArrayLike, north_m: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Move points by metres east and north, along the geodesic.

    Parameters
    ----------
    lon_deg, lat_deg : array_like
        Degrees.
    east_m, north_m : array_like
        Metres; shapes broadcast.

    Returns
    -------
    tuple of numpy.ndarray
        Longitude and latitude, degrees.

    Examples
    --------
    >>> lon, lat = move_m(7.42, 43.73, east_m=0.0, north_m=1000.0)
    >>> round(float(lon), 6), round(float(lat), 6)
    (7.42, 43.739)
    """
    lon, lat, east, north = np.broadcast_arrays(
        *(np.asarray(part, dtype=np.float64) for part in (lon_deg, lat_deg, east_m, north_m))
    )
    new_lon, new_lat, _ = _GEOD.fwd(lon, lat, np.degrees(np.arctan2(east, north)), np.hypot(east, north))
    return np.asarray(new_lon, dtype=np.float64), np.asarray(new_lat, dtype=np.float64)


def _strands(geometry: ObjectArray) -> tuple[ObjectArray, NDArray[np.intp]]:
    """Take geometries apart into lines and rings, with the index of the geometry that each belongs to."""
    parts, owner = shapely.get_parts(np.asarray(geometry, dtype=object), return_index=True)
    while (nested := shapely.get_type_id(parts) >= 4).any():
        inner, place = shapely.get_parts(parts[nested], return_index=True)
        parts, owner = np.append(parts[~nested], inner), np.append(owner[~nested], owner[nested][place])
    polygons = shapely.get_type_id(parts) == _POLYGON
    rings, place = shapely.get_rings(parts[polygons], return_index=True)
    return np.append(parts[~polygons], rings), np.append(owner[~polygons], owner[polygons][place])


def lengths_m(geometry: ObjectArray) -> FloatArray:
    """Measure the geodesic length of lines, and the perimeter of polygons.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries in longitude and latitude, or None, shape (n,). Heights are not looked at.

    Returns
    -------
    numpy.ndarray
        Metres, shape (n,); 0 for points, NaN for None.

    Examples
    --------
    >>> import shapely
    >>> lengths_m(np.array([shapely.LineString([(7.42, 43.73), (7.43, 43.73)]), None])).round(2).tolist()
    [805.69, nan]
    """
    geometry = np.asarray(geometry, dtype=object)
    strands, owner = _strands(geometry)
    numbers, strand = shapely.get_coordinates(strands, return_index=True)
    one = strand[1:] == strand[:-1]
    start, end = numbers[:-1][one], numbers[1:][one]
    pieces = distances_m(start[:, 0], start[:, 1], end[:, 0], end[:, 1])
    total = np.bincount(owner[strand[1:][one]], weights=pieces, minlength=len(geometry))
    return np.where(shapely.is_missing(geometry), np.nan, total)


def areas_m2(geometry: ObjectArray) -> FloatArray:
    """Measure the area of polygons on the ellipsoid.

    Edges are great circles of the sphere of equal area. Between them and geodesics lies less than 1e-7 of the area of
    a shape of 500 m, 1e-6 of one of 5 km and 2e-5 of one of 100 km.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries in longitude and latitude, or None, shape (n,).

    Returns
    -------
    numpy.ndarray
        Square metres, shape (n,), not signed; 0 for points and lines, NaN for None.

    References
    ----------
    Karney (2013), Algorithms for geodesics, J. Geodesy 87, equation 63: the spherical excess between an edge and the
    equator.

    Examples
    --------
    >>> import shapely
    >>> areas_m2(np.array([shapely.box(7.42, 43.73, 7.43, 43.74)])).round().tolist()
    [895104.0]
    """
    geometry = np.asarray(geometry, dtype=object)
    parts, owner = shapely.get_parts(geometry, return_index=True)
    while (nested := shapely.get_type_id(parts) >= 4).any():
        inner, place = shapely.get_parts(parts[nested], return_index=True)
        parts, owner = np.append(parts[~nested], inner), np.append(owner[~nested], owner[nested][place])
    rings, polygon = shapely.get_rings(parts, return_index=True)
    numbers, ring = shapely.get_coordinates(rings, return_index=True)
    one = ring[1:] == ring[:-1]
    # The difference comes before the conversion: that of two near numbers is exact, and so survives the multiplication
    # by the whole strip down to the equator.
    turn = (numbers[1:, 0] - numbers[:-1, 0] + 180.0) % 360.0 - 180.0
    turn = np.where(np.abs(numbers[1:, 0] - numbers[:-1, 0]) <= 180.0, numbers[1:, 0] - numbers[:-1, 0], turn)
    half = np.tan(np.arcsin(authalic_q(np.radians(numbers[:, 1]))) / 2.0)
    low, high = half[:-1], half[1:]
    excess = 2.0 * np.arctan2(np.tan(np.radians(turn) / 2.0) * (low + high), 1.0 + low * high)
    signed = np.bincount(ring[1:][one], weights=excess[one], minlength=len(rings))
    # The first ring of a polygon is its shell, the others are holes.
    shell = np.append(True, polygon[1:] != polygon[:-1])[: len(rings)]
    pieces = np.where(shell, 1.0, -1.0) * np.abs(signed) * AUTHALIC_RADIUS_M**2
    total = np.bincount(owner[polygon], weights=pieces, minlength=len(geometry))
    return np.where(shapely.is_missing(geometry), np.nan, total)
