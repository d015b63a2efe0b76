"""The transverse Mercator on the ellipsoid, Gauss-Krueger and UTM, by Krueger's series in compiled loops.

One loop body without branches or library functions, so that the compiler turns it into vector instructions; what is
farther than six degrees from the central meridian is done again, one position at a time, with the functions of the
library. No fast-math: a result depends on its own position alone, not on the length of the array or the partition.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numba
import numpy as np

from crs.krueger import krueger_series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Pair: TypeAlias = tuple[Floats, Floats]

__all__ = ["TransverseMercator", "kernel_of"]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")
_part = numba.njit(nogil=True, cache=True, error_model="numpy", forceinline=True)

_RAD = math.pi / 180.0
#: Fast within this many degrees of the central meridian; the short series below are good to the last digit there.
_FAST_DEG = 6.0
_FAST_RAD = _FAST_DEG * _RAD
#: No answer beyond: Krueger's series, and with it PROJ's, is exact to a nanometre up to here.
_LIMIT_DEG = 45.0
_LIMIT_ETA = math.atanh(math.sin(_LIMIT_DEG * _RAD))

_ELLIPSOIDS = {
    "GRS80": (6378137.0, 298.257222101),
    "WGS84": (6378137.0, 298.257223563),
    "krass": (6378245.0, 298.3),
    "IAU76": (6378140.0, 298.257),
    "intl": (6378388.0, 297.0),
    "airy": (6377563.396, 299.3249646),
    "bessel": (6377397.155, 299.1528128),
}
_STEPS = re.compile(
    r"\+step \+inv \+proj=(?:tmerc|utm) (?P<parameters>[^\0]*?) \+step \+proj=unitconvert \+xy_in=rad \+xy_out=deg"
)


# Stands in crs/china/kernels.py too, on purpose: numba's cache watches only the file of the caller, so that a change
# of a shared one would go unnoticed.
@_part
def _sincos(u: float) -> tuple[float, float]:
    """Taylor series, below the last digit for |u| <= pi / 4."""
    v = u * u
    s = -v / 272.0 + 1.0
    s = -v / 210.0 * s + 1.0
    s = -v / 156.0 * s + 1.0
    s = -v / 110.0 * s + 1.0
    s = -v / 72.0 * s + 1.0
    s = -v / 42.0 * s + 1.0
    s = -v / 20.0 * s + 1.0
    s = u * (-v / 6.0 * s + 1.0)
    c = -v / 240.0 + 1.0
    c = -v / 182.0 * c + 1.0
    c = -v / 132.0 * c + 1.0
    c = -v / 90.0 * c + 1.0
    c = -v / 56.0 * c + 1.0
    c = -v / 30.0 * c + 1.0
    c = -v / 12.0 * c + 1.0
    c = -v / 2.0 * c + 1.0
    return s, c


@_part
def _turned(s: float, c: float, angle: float) -> tuple[float, float]:
    """Sine and cosine after a turn by less than 0.005."""
    v = angle * angle
    sine = angle * (1.0 - v / 6.0 * (1.0 - v / 20.0))
    cosine = 1.0 - v / 2.0 * (1.0 - v / 12.0 * (1.0 - v / 30.0))
    return s * cosine + c * sine, c * cosine - s * sine


@_part
def _sine_sum(s2: float, c2: float, terms: Any) -> float:  # noqa: ANN401 - six numbers that numba types
    """Sum of terms[k - 1] sin(2 k angle), by Clenshaw."""
    t = 2.0 * c2
    y5 = terms[4] + t * terms[5]
    y4 = terms[3] + t * y5 - terms[5]
    y3 = terms[2] + t * y4 - y5
    y2 = terms[1] + t * y3 - y4
    total: float = s2 * (terms[0] + t * y2 - y3)
    return total


@_part
def _complex_sum(sine: complex, cosine: complex, terms: Any) -> complex:  # noqa: ANN401
    """As `_sine_sum`, of a complex angle."""
    a, b = 2.0 * cosine.real, 2.0 * cosine.imag
    u5, v5 = terms[4] + a * terms[5], b * terms[5]
    u4, v4 = terms[3] + a * u5 - b * v5 - terms[5], a * v5 + b * u5
    u3, v3 = terms[2] + a * u4 - b * v4 - u5, a * v4 + b * u4 - v5
    u2, v2 = terms[1] + a * u3 - b * v3 - u4, a * v3 + b * u3 - v4
    u1, v1 = terms[0] + a * u2 - b * v2 - u3, a * v2 + b * u2 - v3
    return complex(sine.real * u1 - sine.imag * v1, sine.real * v1 + sine.imag * u1)


@_part
def _near(lon: float, lat: float, parameters: Any) -> tuple[float, float]:  # noqa: ANN401
    """East and north of a position within six degrees of the central meridian."""
    lon_0, scale, x_0, y_0, alpha, conformal = parameters
    s, c = _sincos(0.5 * _RAD * lat)
    sine, cosine = 2.0 * s * c, (c - s) * (c + s)
    phi = _RAD * lat
    turn = _sine_sum(2.0 * sine * cosine, (cosine - sine) * (cosine + sine), conformal)
    chi = phi + turn
    sine, cosine = _turned(sine, cosine, turn)
    s, c = _sincos(0.5 * _RAD * (lon - lon_0))
    versed = 2.0 * s * s
    beside = 1.0 - versed
    # tanh of the transverse angle, and what its doubled functions have in common.
    t = cosine * (2.0 * s * c)
    tt = t * t
    w = 1.0 / (1.0 - tt)
    eta = 1.0 / 15.0 + tt * (1.0 / 17.0 + tt / 19.0)
    eta = 1.0 / 9.0 + tt * (1.0 / 11.0 + tt * (1.0 / 13.0 + tt * eta))
    eta = t * (1.0 + tt * (1.0 / 3.0 + tt * (1.0 / 5.0 + tt * (1.0 / 7.0 + tt * eta))))
    # The angle along the meridian is the conformal latitude and a little, whose tangent is r.
    r = sine * cosine * versed / (1.0 - cosine * cosine * versed)
    rr = r * r
    xi = chi + r * (1.0 - rr * (1.0 / 3.0 - rr * (1.0 / 5.0 - rr * (1.0 / 7.0 - rr / 9.0))))
    s2 = 2.0 * sine * cosine * beside * w
    c2 = (cosine * cosine * beside * beside - sine * sine) * w
    sh2 = 2.0 * t * w
    ch2 = (1.0 + tt) * w
    more = _complex_sum(complex(s2 * ch2, c2 * sh2), complex(c2 * ch2, -s2 * sh2), alpha)
    return x_0 + scale * (eta + more.imag), y_0 + scale * (xi + more.real)


@_jit
def _far(lon: float, lat: float, parameters: Any) -> tuple[float, float]:  # noqa: ANN401
    """East and north of any position, NaN beyond 45 degrees from the central meridian."""
    lon_0, scale, x_0, y_0, alpha, conformal = parameters
    away = lon - lon_0
    away -= 360.0 * np.rint(away / 360.0)
    if not (abs(away) <= _LIMIT_DEG and abs(lat) <= 90.0):
        return math.nan, math.nan
    phi = _RAD * lat
    chi = phi + _sine_sum(math.sin(2.0 * phi), math.cos(2.0 * phi), conformal)
    eta = math.atanh(math.cos(chi) * math.sin(away * _RAD))
    xi = math.atan2(math.sin(chi), math.cos(chi) * math.cos(away * _RAD))
    s2, c2, sh2, ch2 = math.sin(2.0 * xi), math.cos(2.0 * xi), math.sinh(2.0 * eta), math.cosh(2.0 * eta)
    more = _complex_sum(complex(s2 * ch2, c2 * sh2), complex(c2 * ch2, -s2 * sh2), alpha)
    return x_0 + scale * (eta + more.imag), y_0 + scale * (xi + more.real)


@_jit
def _forward(lon: Floats, lat: Floats, parameters: Any, out: Pair) -> None:  # noqa: ANN401
    """Write east and north of longitudes and latitudes in degrees; NaN where there is no answer."""
    x, y = out
    for i in range(lon.size):
        x[i], y[i] = _near(lon[i], lat[i], parameters)
    for i in range(lon.size):
        # Written so that NaN is done again.
        if not (abs(lon[i] - parameters[0]) <= _FAST_DEG and abs(lat[i]) <= 90.0):
            x[i], y[i] = _far(lon[i], lat[i], parameters)


@_part
def _near_inverse(x: float, y: float, parameters: Any) -> tuple[float, float, float]:  # noqa: ANN401
    """Longitude and latitude of east and north, and the tangent of what the longitude is off the central meridian."""
    lon_0, scale, x_0, y_0, beta, geodetic = parameters
    xi = (y - y_0) / scale
    eta = (x - x_0) / scale
    s, c = _sincos(0.5 * xi)
    sine, cosine = 2.0 * s * c, (c - s) * (c + s)
    s2, c2 = 2.0 * sine * cosine, (cosine - sine) * (cosine + sine)
    h = 2.0 * eta
    hh = h * h
    sh2 = h * (1.0 + hh / 6.0 * (1.0 + hh / 20.0 * (1.0 + hh / 42.0 * (1.0 + hh / 72.0 * (1.0 + hh / 110.0)))))
    ch2 = 1.0 + hh / 2.0 * (1.0 + hh / 12.0 * (1.0 + hh / 30.0 * (1.0 + hh / 56.0 * (1.0 + hh / 90.0))))
    less = _complex_sum(complex(s2 * ch2, c2 * sh2), complex(c2 * ch2, -s2 * sh2), beta)
    sine, cosine = _turned(sine, cosine, -less.real)
    h = eta - less.imag
    hh = h * h
    sh = h * (1.0 + hh / 6.0 * (1.0 + hh / 20.0 * (1.0 + hh / 42.0 * (1.0 + hh / 72.0))))
    ch = 1.0 + hh / 2.0 * (1.0 + hh / 12.0 * (1.0 + hh / 30.0 * (1.0 + hh / 56.0 * (1.0 + hh / 90.0))))
    q = math.sqrt(sh * sh + cosine * cosine)
    z = sine * sh * sh / ((q + cosine) * ch)
    zz = z * z
    chi = xi - less.real - z * (1.0 + zz / 6.0 * (1.0 + zz * 9.0 / 20.0 * (1.0 + zz * 25.0 / 42.0)))
    phi = chi + _sine_sum(2.0 * sine * q / (ch * ch), (q - sine) * (q + sine) / (ch * ch), geodetic)
    r = sh / cosine
    rr = r * r
    away = 1.0 / 13.0 - rr * (1.0 / 15.0 - rr * (1.0 / 17.0 - rr / 19.0))
    away = 1.0 / 7.0 - rr * (1.0 / 9.0 - rr * (1.0 / 11.0 - rr * away))
    away = r * (1.0 - rr * (1.0 / 3.0 - rr * (1.0 / 5.0 - rr * away)))
    return lon_0 + away / _RAD, phi / _RAD, r


@_jit
def _far_inverse(x: float, y: float, parameters: Any) -> tuple[float, float]:  # noqa: ANN401
    """Longitude and latitude of any east and north, NaN where they lie beyond the pole or 45 degrees."""
    lon_0, scale, x_0, y_0, beta, geodetic = parameters
    xi = (y - y_0) / scale
    eta = (x - x_0) / scale
    if not (abs(xi) <= 0.5 * math.pi and abs(eta) <= _LIMIT_ETA):
        return math.nan, math.nan
    s2, c2, sh2, ch2 = math.sin(2.0 * xi), math.cos(2.0 * xi), math.sinh(2.0 * eta), math.cosh(2.0 * eta)
    less = _complex_sum(complex(s2 * ch2, c2 * sh2), complex(c2 * ch2, -s2 * sh2), beta)
    xi -= less.real
    sh = math.sinh(eta - less.imag)
    away = math.atan2(sh, math.cos(xi))
    if not abs(away) <= _LIMIT_DEG * _RAD:
        return math.nan, math.nan
    chi = math.atan2(math.sin(xi), math.hypot(sh, math.cos(xi)))
    phi = chi + _sine_sum(math.sin(2.0 * chi), math.cos(2.0 * chi), geodetic)
    lon = lon_0 + away / _RAD
    return lon - 360.0 * np.rint(lon / 360.0), phi / _RAD


@_jit
def _inverse(x: Floats, y: Floats, parameters: Any, out: Pair) -> None:  # noqa: ANN401
    """Write longitudes and latitudes in degrees of east and north; NaN where there is no answer."""
    lon, lat = out
    lon_0, scale, x_0, y_0, _beta, _geodetic = parameters
    for i in range(x.size):
        lon[i], lat[i], _r = _near_inverse(x[i], y[i], parameters)
    for i in range(x.size):
        # Six degrees at the equator are 0.105 in eta, and fewer the nearer the pole; written so that NaN is done again.
        slow = not (abs(x[i] - x_0) <= _FAST_RAD * scale and abs(y[i] - y_0) <= 0.5 * math.pi * scale)
        if slow or not abs(lon[i] - lon_0) <= _FAST_DEG or not abs(lon[i]) <= 180.0:
            lon[i], lat[i] = _far_inverse(x[i], y[i], parameters)


@dataclass(frozen=True, kw_only=True)
class TransverseMercator:
    """A transverse Mercator projection of an ellipsoid.

    Parameters
    ----------
    lon_0, lat_0 : float
        Central meridian and latitude of origin, degrees.
    scale : float
        Scale on the central meridian.
    x_0, y_0 : float
        False easting and northing, metres.
    semi_major_m, inverse_flattening : float
        The ellipsoid.

    References
    ----------
    Krueger (1912); Karney (2011), Transverse Mercator with an accuracy of a few nanometers, J. Geodesy 85; the
    series of the conformal latitude as in Poder and Engsager, which PROJ has too. Order 6 in the third flattening.

    Examples
    --------
    >>> gk = TransverseMercator(lon_0=114.0, x_0=500_000.0)
    >>> east, north = gk.forward(np.array([114.06]), np.array([22.54]))
    >>> round(float(east[0]), 3), round(float(north[0]), 3)
    (506171.999, 2493598.044)
    """

    lon_0: float
    lat_0: float = 0.0
    scale: float = 1.0
    x_0: float = 0.0
    y_0: float = 0.0
    semi_major_m: float = 6378137.0
    inverse_flattening: float = 298.257222101

    def _parameters(self, *, inverse: bool) -> tuple[Any, ...]:
        n = 1.0 / (2.0 * self.inverse_flattening - 1.0)
        alpha, beta, conformal, geodetic = krueger_series(n)
        rectified = self.semi_major_m / (1.0 + n) * (1.0 + n**2 / 4.0 + n**4 / 64.0 + n**6 / 256.0)
        metres = self.scale * rectified
        _, origin = _far(self.lon_0, self.lat_0, (self.lon_0, metres, 0.0, 0.0, alpha, conformal))
        series = (beta, geodetic) if inverse else (alpha, conformal)
        return (float(self.lon_0), metres, float(self.x_0), float(self.y_0) - origin, *series)

    def forward(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Project longitudes and latitudes.

        Parameters
        ----------
        lon, lat : numpy.ndarray
            Degrees on the ellipsoid, one dimension.

        Returns
        -------
        tuple of numpy.ndarray
            East and north, metres; NaN for NaN and for what is farther than 45 degrees from the central meridian.
        """
        lon, lat = np.ascontiguousarray(lon, dtype=np.float64), np.ascontiguousarray(lat, dtype=np.float64)
        x, y = np.empty_like(lon), np.empty_like(lat)
        _forward(lon, lat, self._parameters(inverse=False), (x, y))
        return x, y

    def inverse(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Find longitudes and latitudes.

        Parameters
        ----------
        x, y : numpy.ndarray
            East and north, metres, one dimension.

        Returns
        -------
        tuple of numpy.ndarray
            Degrees on the ellipsoid; NaN for NaN, beyond the pole, and farther than 45 degrees from the meridian.
        """
        x, y = np.ascontiguousarray(x, dtype=np.float64), np.ascontiguousarray(y, dtype=np.float64)
        lon, lat = np.empty_like(x), np.empty_like(y)
        _inverse(x, y, self._parameters(inverse=True), (lon, lat))
        return lon, lat


@lru_cache(maxsize=512)
def kernel_of(steps: str) -> TransverseMercator | None:
    """Recognise the steps of a definition that are one transverse Mercator and nothing else.

    Parameters
    ----------
    steps : str
        PROJ steps from x, y in metres to longitude, latitude in degrees.

    Returns
    -------
    TransverseMercator or None
        None for anything else, an unknown parameter or ellipsoid included: that is PROJ's.

    Examples
    --------
    >>> kernel_of("+step +inv +proj=utm +zone=32 +ellps=WGS84 +step +proj=unitconvert +xy_in=rad +xy_out=deg").lon_0
    9.0
    """
    match = _STEPS.fullmatch(steps)
    if match is None:
        return None
    said = dict(word.removeprefix("+").split("=") for word in match["parameters"].split() if "=" in word)
    south = "+south" in match["parameters"].split()
    ellipsoid = _ELLIPSOIDS.get(said.pop("ellps", ""))
    if ellipsoid is None:
        return None
    if "zone" in said:
        if set(said) != {"zone"}:
            return None
        said = {"lon_0": str(6 * int(said["zone"]) - 183), "k": "0.9996", "x_0": "500000"}
        said["y_0"] = "10000000" if south else "0"
    elif south or not {"lon_0"} <= set(said) <= {"lon_0", "lat_0", "k", "k_0", "x_0", "y_0"}:
        return None
    return TransverseMercator(
        lon_0=float(said["lon_0"]),
        lat_0=float(said.get("lat_0", 0.0)),
        scale=float(said.get("k", said.get("k_0", 1.0))),
        x_0=float(said.get("x_0", 0.0)),
        y_0=float(said.get("y_0", 0.0)),
        semi_major_m=ellipsoid[0],
        inverse_flattening=ellipsoid[1],
    )
