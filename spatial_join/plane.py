"""The one equal-area plane in which shares are measured.

Lambert's cylindrical equal-area projection of the WGS84 ellipsoid with the equator as standard parallel. It has no
anchor, so a share does not depend on which other rows are in the same partition, and areas in it are areas on the
ellipsoid in square metres. Its shapes are squeezed away from the equator, which areas and straight cuts do not mind.

References
----------
.. [1] J. P. Snyder, Map Projections: A Working Manual, USGS Professional Paper 1395, 1987, equations (10-4), (3-12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SEMI_MAJOR_M", "degree_lengths_m", "equal_area", "from_equal_area", "segment_lengths_m"]

SEMI_MAJOR_M = 6378137.0
FLATTENING = 1.0 / 298.257223563
_E2 = FLATTENING * (2.0 - FLATTENING)
_E = np.sqrt(_E2)


def equal_area(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project onto the cylindrical equal-area plane.

    Parameters
    ----------
    lon, lat : ndarray of float64
        Longitude and latitude in degrees on WGS84.

    Returns
    -------
    x, y : ndarray of float64
        Metres; ``x`` is true along the equator, and areas are true everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = equal_area(np.array([-180.0, 180.0]), np.array([-90.0, 90.0]))
    >>> float((x[1] - x[0]) * (y[1] - y[0]) / 1e12)  # the whole earth, in millions of square kilometres
    510.0656...
    """
    s = np.sin(np.radians(lat))
    q = (1.0 - _E2) * (s / (1.0 - _E2 * s * s) + np.arctanh(_E * s) / _E)
    return SEMI_MAJOR_M * np.radians(lon), 0.5 * SEMI_MAJOR_M * q


def from_equal_area(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return from the cylindrical equal-area plane to the ellipsoid.

    Parameters
    ----------
    x, y : ndarray of float64
        Metres in the plane.

    Returns
    -------
    lon, lat : ndarray of float64
        Degrees on WGS84, by the series [1]_ (3-18) and one step of Newton's method.

    Examples
    --------
    >>> import numpy as np
    >>> lon, lat = from_equal_area(*equal_area(np.array([116.4]), np.array([39.9])))
    >>> bool(abs(lat[0] - 39.9) < 1e-13)
    True
    """
    q_pole = 1.0 + (1.0 - _E2) * np.arctanh(_E) / _E
    beta = np.arcsin(np.clip(2.0 * y / (SEMI_MAJOR_M * q_pole), -1.0, 1.0))
    e4, e6 = _E2**2, _E2**3
    lat = beta + (_E2 / 3.0 + 31.0 * e4 / 180.0 + 517.0 * e6 / 5040.0) * np.sin(2.0 * beta)
    lat += (23.0 * e4 / 360.0 + 251.0 * e6 / 3780.0) * np.sin(4.0 * beta) + 761.0 * e6 / 45360.0 * np.sin(6.0 * beta)
    # The series is good to a centimetre; one step of Newton's method leaves rounding only.
    s = np.sin(lat)
    slope = SEMI_MAJOR_M * (1.0 - _E2) * np.cos(lat) / (1.0 - _E2 * s * s) ** 2
    off = y - equal_area(np.zeros_like(lat), np.degrees(lat))[1]
    lat += np.divide(off, slope, out=np.zeros_like(lat), where=slope > 1.0)
    return np.degrees(x / SEMI_MAJOR_M), np.degrees(lat)


def segment_lengths_m(
    lon: NDArray[np.float64], lat: NDArray[np.float64], to_lon: NDArray[np.float64], to_lat: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Measure short straight pieces by the radii of curvature at their middle.

    Parameters
    ----------
    lon, lat, to_lon, to_lat : ndarray of float64
        Ends of the pieces in degrees on WGS84.

    Returns
    -------
    ndarray of float64
        Lengths in metres; for pieces up to 10 km within 1e-6 of the geodesic outside of the polar regions.
    """
    east_m, north_m = degree_lengths_m(0.5 * (lat + to_lat))
    return np.asarray(np.hypot(north_m * (to_lat - lat), east_m * (to_lon - lon)))


def degree_lengths_m(lat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure a degree of longitude and one of latitude by the radii of curvature.

    Parameters
    ----------
    lat : ndarray of float64
        Latitudes in degrees on WGS84.

    Returns
    -------
    east_m, north_m : ndarray of float64
        Metres in a degree of longitude and in a degree of latitude.

    Examples
    --------
    >>> import numpy as np
    >>> east_m, north_m = degree_lengths_m(np.array([0.0, 60.0]))
    >>> east_m.round().tolist(), north_m.round().tolist()
    ([111319.0, 55800.0], [110574.0, 111412.0])
    """
    s = np.sin(np.radians(lat))
    w = 1.0 - _E2 * s * s
    meridian = SEMI_MAJOR_M * (1.0 - _E2) / (w * np.sqrt(w))
    normal = SEMI_MAJOR_M / np.sqrt(w)
    return np.radians(normal * np.sqrt(1.0 - s * s)), np.radians(meridian)
