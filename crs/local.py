"""Local projections: plane metres around a place, deterministic, in plain numpy.

Aggregation needs areas that add up, distances need metres. Both come from a projection that depends on nothing but
its centre, so that it gives the same bytes in every process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from pyproj import Geod

from crs.errors import DefinitionError
from crs.vertices import map_vertices

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["LocalProjection", "authalic_q", "local_projection"]

WGS84_A = 6378137.0
WGS84_F = 1 / 298.257223563
WGS84_E2 = WGS84_F * (2 - WGS84_F)
_E = np.sqrt(WGS84_E2)
_QP = 1 - (1 - WGS84_E2) / (2 * _E) * np.log((1 - _E) / (1 + _E))
#: Radius of the sphere of equal area, metres.
AUTHALIC_RADIUS_M = WGS84_A * np.sqrt(_QP / 2)
#: Newton's method on the authalic latitude doubles its digits each time; the series starts it at 1e-9.
_NEWTON_STEPS = 2

_GEOD = Geod(ellps="WGS84")


def authalic_q(lat_rad: FloatArray) -> FloatArray:
    """Return the function q of the geodetic latitude: half the share of the ellipsoid's area below it.

    Parameters
    ----------
    lat_rad : numpy.ndarray
        Geodetic latitude, radians.

    Returns
    -------
    numpy.ndarray
        q over its value at the pole: the sine of the authalic latitude.

    References
    ----------
    Snyder (1987), Map Projections: A Working Manual, USGS Professional Paper 1395, equations 3-11 and 3-12.
    """
    sine = np.sin(lat_rad)
    part = _E * sine
    q = (1 - WGS84_E2) * (sine / (1 - part * part) + np.arctanh(part) / _E)
    ratio: FloatArray = np.clip(q / _QP, -1.0, 1.0)
    return ratio


def _latitude_from_authalic(beta: FloatArray) -> FloatArray:
    """Invert `authalic_q` by series and Newton's method."""
    e2 = WGS84_E2
    lat = (
        beta
        + (e2 / 3 + 31 * e2**2 / 180 + 517 * e2**3 / 5040) * np.sin(2 * beta)
        + (23 * e2**2 / 360 + 251 * e2**3 / 3780) * np.sin(4 * beta)
        + (761 * e2**3 / 45360) * np.sin(6 * beta)
    )
    wanted = np.sin(beta)
    for _ in range(_NEWTON_STEPS):
        cosine = np.cos(lat)
        slope = 2 * (1 - e2) * cosine / (1 - e2 * np.sin(lat) ** 2) ** 2 / _QP
        # At the pole the slope vanishes and the series is exact.
        step = np.where(np.abs(cosine) > 1e-9, (wanted - authalic_q(lat)) / np.where(slope == 0, 1, slope), 0.0)
        lat = lat + step
    return lat


@dataclass(frozen=True, kw_only=True)
class LocalProjection:
    """Plane metres around a centre on the WGS 84 ellipsoid.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Centre, degrees.
    kind : str
        "equal_area" (Lambert azimuthal: areas are true everywhere) or "equidistant" (azimuthal equidistant: distances
        from the centre are geodesic).
    """

    lon_deg: float
    lat_deg: float
    kind: Literal["equal_area", "equidistant"] = "equal_area"

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("crs.LocalProjection", self.lon_deg, self.lat_deg, self.kind)

    @cached_property
    def _centre(self) -> tuple[float, float, float]:
        """Sine and cosine of the authalic latitude of the centre, and the factor that keeps scale there true."""
        lat = np.radians(self.lat_deg)
        sine = float(authalic_q(np.asarray(lat)))
        cosine = float(np.sqrt(1 - sine * sine))
        parallel = np.cos(lat) / np.sqrt(1 - WGS84_E2 * np.sin(lat) ** 2)
        return sine, cosine, float(WGS84_A * parallel / (AUTHALIC_RADIUS_M * cosine)) if cosine > 1e-9 else 1.0

    def forward(self, lon_deg: ArrayLike, lat_deg: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Project longitude and latitude to metres.

        Parameters
        ----------
        lon_deg, lat_deg : array_like
            WGS 84, degrees, one shape. NaN stays NaN.

        Returns
        -------
        tuple of numpy.ndarray
            x east and y north of the centre, metres.

        References
        ----------
        Snyder (1987), equations 24-17 to 24-20.

        Examples
        --------
        >>> x, y = LocalProjection(lon_deg=7.42, lat_deg=43.73).forward([7.42, 7.43], [43.73, 43.73])
        >>> x.round(1).tolist()
        [0.0, 805.7]
        """
        lon, lat = np.asarray(lon_deg, dtype=np.float64), np.asarray(lat_deg, dtype=np.float64)
        if self.kind == "equidistant":
            return self._polar(lon, lat)
        sine_0, cosine_0, scale = self._centre
        sine = authalic_q(np.radians(lat))
        cosine = np.sqrt(1 - sine * sine)
        turn = np.radians(lon - self.lon_deg)
        cosine_turn = np.cos(turn)
        spread = AUTHALIC_RADIUS_M * np.sqrt(2 / (1 + sine_0 * sine + cosine_0 * cosine * cosine_turn))
        x = spread * scale * cosine * np.sin(turn)
        y = spread / scale * (cosine_0 * sine - sine_0 * cosine * cosine_turn)
        return x, y

    def inverse(self, x_m: ArrayLike, y_m: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Take metres back to longitude and latitude.

        Parameters
        ----------
        x_m, y_m : array_like
            East and north of the centre, metres, one shape.

        Returns
        -------
        tuple of numpy.ndarray
            Longitude in -180..180 and latitude, degrees.

        Examples
        --------
        >>> lon, lat = LocalProjection(lon_deg=7.42, lat_deg=43.73).inverse([0.0], [0.0])
        >>> round(float(lon[0]), 9), round(float(lat[0]), 9)
        (7.42, 43.73)
        """
        x, y = np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)
        if self.kind == "equidistant":
            azimuth, distance = np.degrees(np.arctan2(x, y)), np.hypot(x, y)
            centre = np.broadcast_to(self.lon_deg, x.shape), np.broadcast_to(self.lat_deg, x.shape)
            lon, lat, _ = _GEOD.fwd(*centre, azimuth, distance)
            return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        sine_0, cosine_0, scale = self._centre
        east, north = x / scale, y * scale
        rho = np.hypot(east, north)
        angle = 2 * np.arcsin(np.clip(rho / (2 * AUTHALIC_RADIUS_M), -1, 1))
        sine_c, cosine_c = np.sin(angle), np.cos(angle)
        safe = np.where(rho == 0, 1.0, rho)
        beta = np.arcsin(np.clip(cosine_c * sine_0 + np.where(rho == 0, 0.0, north * sine_c * cosine_0 / safe), -1, 1))
        turn = np.arctan2(east * sine_c, rho * cosine_0 * cosine_c - north * sine_0 * sine_c)
        lon = self.lon_deg + np.degrees(np.where(rho == 0, 0.0, turn))
        return (lon + 180.0) % 360.0 - 180.0, np.degrees(_latitude_from_authalic(beta))

    def _polar(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Project by azimuth and distance from the centre."""
        centre = np.broadcast_to(self.lon_deg, lon.shape), np.broadcast_to(self.lat_deg, lat.shape)
        azimuth, _, distance = _GEOD.inv(*centre, lon, lat)
        turn = np.radians(azimuth)
        return np.asarray(distance * np.sin(turn)), np.asarray(distance * np.cos(turn))

    def project(self, geometry: ObjectArray) -> ObjectArray:
        """Project geometries in longitude and latitude to plane metres; heights in Z stay as they are.

        Parameters
        ----------
        geometry : numpy.ndarray
            Shapely geometries or None, any shape.

        Returns
        -------
        numpy.ndarray
            New geometries.
        """
        return map_vertices(geometry, self.forward)

    def unproject(self, geometry: ObjectArray) -> ObjectArray:
        """Take geometries in plane metres back to longitude and latitude.

        Parameters
        ----------
        geometry : numpy.ndarray
            Shapely geometries or None, any shape.

        Returns
        -------
        numpy.ndarray
            New geometries.
        """
        return map_vertices(geometry, self.inverse)


def local_projection(
    lon_deg: ArrayLike, lat_deg: ArrayLike, *, kind: Literal["equal_area", "equidistant"] = "equal_area"
) -> LocalProjection:
    """Make a projection to plane metres around a place.

    Parameters
    ----------
    lon_deg, lat_deg : array_like
        The centre in degrees; of arrays, the middle of their bounds is taken, rounded to 1e-6 degree.
    kind : str
        "equal_area" or "equidistant".

    Returns
    -------
    LocalProjection
        Frozen, the same in every process for the same centre.

    Raises
    ------
    DefinitionError
        If there is no finite position to take the centre from.

    Examples
    --------
    >>> local_projection([7.40, 7.44], [43.72, 43.76]).lat_deg
    43.74
    """
    centre = []
    for values in (np.asarray(lon_deg, dtype=np.float64), np.asarray(lat_deg, dtype=np.float64)):
        finite = values[np.isfinite(values)]
        if not finite.size:
            raise DefinitionError("a local projection needs a finite centre, found none; pass longitudes and latitudes")
        middle = float(finite[0]) if values.ndim == 0 else round(float((finite.min() + finite.max()) / 2), 6)
        centre.append(middle)
    return LocalProjection(lon_deg=centre[0], lat_deg=centre[1], kind=kind)
