"""The two Mercators of Chinese maps: Baidu's own over BD-09, and Web Mercator with GCJ-02 inside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numba
import numpy as np

from crs.china.arrays import map_pair

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Pair: TypeAlias = tuple[Floats, Floats]

__all__ = ["bd09_from_bd09mc", "bd09mc_from_bd09", "gcj02_from_webmercator", "webmercator_from_gcj02"]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")

_RAD = math.pi / 180.0
_SPHERE_M = 6378137.0
# First eccentricity of WGS 84: only for the first guess of Baidu's northing.
_E_84 = 0.0818191908426

# Baidu's published tables: lower limit of |northing| of each band, metres ...
_NORTHINGS = np.array([12890594.86, 8362377.87, 5591021.0, 3481989.83, 1678043.12, 0.0])
# ... and per band: offset and factor of the easting, coefficients 0 to 6 of the northing, divisor of the northing.
_BANDS = np.array(
    [
        [
            *(1.410526172116255e-8, 0.00000898305509648872, -1.9939833816331, 200.9824383106796, -187.2403703815547),
            *(91.6087516669843, -23.38765649603339, 2.57121317296198, -0.03801003308653, 17337981.2),
        ],
        [
            *(-7.435856389565537e-9, 0.000008983055097726239, -0.78625201886289, 96.32687599759846, -1.85204757529826),
            *(-59.36935905485877, 47.40033549296737, -16.50741931063887, 2.28786674699375, 10260144.86),
        ],
        [
            *(-3.030883460898826e-8, 0.00000898305509983578, 0.30071316287616, 59.74293618442277, 7.357984074871),
            *(-25.38371002664745, 13.45380521110908, -3.29883767235584, 0.32710905363475, 6856817.37),
        ],
        [
            *(-1.981981304930552e-8, 0.000008983055099779535, 0.03278182852591, 40.31678527705744, 0.65659298677277),
            *(-4.44255534477492, 0.85341911805263, 0.12923347998204, -0.04625736007561, 4482777.06),
        ],
        [
            *(3.09191371068437e-9, 0.000008983055096812155, 0.00006995724062, 23.10934304144901, -0.00023663490511),
            *(-0.6321817810242, -0.00663494467273, 0.03430082397953, -0.00466043876332, 2555164.4),
        ],
        [
            *(2.890871144776878e-9, 0.000008983055095805407, -3.068298e-8, 7.47137025468032, -0.00000353937994),
            *(-0.02145144861037, -0.00001234426596, 0.00010322952773, -0.00000323890364, 826088.5),
        ],
    ]
)


def _band_latitudes() -> NDArray[np.float64]:
    """Return the latitude at the lower limit of each band, by the band's own polynomial."""
    limits = [np.polynomial.Polynomial(band[2:9])(at / band[9]) for band, at in zip(_BANDS, _NORTHINGS, strict=True)]
    # The equator belongs to the last band whatever its constant term.
    return np.array([*limits[:-1], 0.0])


_TABLES = (_BANDS, _NORTHINGS, _band_latitudes())


@_jit
def _mc_latitude(northing: float, band: Floats) -> tuple[float, float]:
    """Latitude of a northing in one band and its derivative per metre."""
    t = northing / band[9]
    value = band[8]
    slope = 0.0
    for k in range(7, 1, -1):
        slope = slope * t + value
        value = value * t + band[k]
    return value, slope / band[9]


@_jit
def _band_of(value: float, limits: Floats) -> int:
    """Return the first band, from the pole down, whose lower limit is not above the value; a row at a time."""
    for k in range(limits.size - 1):
        if value >= limits[k]:
            return k
    return limits.size - 1


@_jit
def _bd09mc_inverse(x: Floats, y: Floats, tables: Any, out: Pair) -> None:  # noqa: ANN401
    """Write BD-09 degrees of Baidu Mercator metres by the published polynomials."""
    lon, lat = out
    bands, northings, _ = tables
    for i in range(x.size):
        if not math.isfinite(x[i] + y[i]):
            lon[i] = math.nan
            lat[i] = math.nan
            continue
        band = bands[_band_of(abs(y[i]), northings)]
        latitude, _slope = _mc_latitude(abs(y[i]), band)
        lon[i] = math.copysign(band[0] + band[1] * abs(x[i]), x[i])
        lat[i] = math.copysign(latitude, y[i])


@_jit
def _bd09mc_forward(lon: Floats, lat: Floats, tables: Any, out: Pair) -> None:  # noqa: ANN401
    """Write the Baidu Mercator metres that `_bd09mc_inverse` reads as these BD-09 degrees."""
    x, y = out
    bands, northings, latitudes = tables
    for i in range(lon.size):
        if not math.isfinite(lon[i] + lat[i]):
            x[i] = math.nan
            y[i] = math.nan
            continue
        phi = abs(lat[i])
        k = _band_of(phi, latitudes)
        band = bands[k]
        sine = math.sin(phi * _RAD)
        northing = _SPHERE_M * (math.atanh(sine) - _E_84 * math.atanh(_E_84 * sine))
        for _ in range(5):
            latitude, slope = _mc_latitude(northing, band)
            northing += (phi - latitude) / slope
        # Two bands meet with a jump of some millimetres: what falls into it stays in its own band.
        northing = max(northing, northings[k])
        if k > 0:
            northing = min(northing, np.nextafter(northings[k - 1], 0.0))
        x[i] = math.copysign((abs(lon[i]) - band[0]) / band[1], lon[i])
        y[i] = math.copysign(northing, lat[i])


@_jit
def _webmercator_forward(lon: Floats, lat: Floats, out: Pair) -> None:
    """Write spherical Mercator metres of degrees."""
    x, y = out
    for i in range(lon.size):
        if not math.isfinite(lon[i] + lat[i]):
            x[i] = math.nan
            y[i] = math.nan
            continue
        x[i] = _SPHERE_M * _RAD * lon[i]
        y[i] = _SPHERE_M * math.asinh(math.tan(lat[i] * _RAD))


@_jit
def _webmercator_inverse(x: Floats, y: Floats, out: Pair) -> None:
    """Write degrees of spherical Mercator metres."""
    lon, lat = out
    for i in range(x.size):
        if not math.isfinite(x[i] + y[i]):
            lon[i] = math.nan
            lat[i] = math.nan
            continue
        lon[i] = x[i] / (_SPHERE_M * _RAD)
        lat[i] = math.atan(math.sinh(y[i] / _SPHERE_M)) / _RAD


def bd09_from_bd09mc(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn Baidu Mercator metres into BD-09 degrees.

    Each row is read with the polynomial of its own band of latitude.

    Parameters
    ----------
    x, y : array_like
        Easting and northing as Baidu writes them, metres, any shape.

    Returns
    -------
    lon, lat : numpy.ndarray
        BD-09 degrees, of the common shape; NaN where either coordinate is not finite. The published polynomials
        do not quite meet where two bands touch: they jump by 3 mm at 15 and 30 degrees, 1 cm at 45, 0.1 m at 60
        and, outside China, by 1.5 km at 75.

    References
    ----------
    Tables MCBAND and MC2LL of Baidu's map script, as reprinted in `transbigdata` (BSD-3) and many others.

    Examples
    --------
    >>> [round(float(value), 6) for value in bd09_from_bd09mc(12958160.97, 4825907.72)]
    [116.403874, 39.914889]
    """
    return map_pair(_bd09mc_inverse, x, y, _TABLES)


def bd09mc_from_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn BD-09 degrees into the Baidu Mercator metres that are read as these degrees.

    Baidu publishes polynomials for both directions which are no inverses of each other (up to 0.4 m of the map).
    Those that read metres are kept, and solved by Newton's method here, so that both directions agree: to the
    last digits of a double, save within the jump between two bands (`bd09_from_bd09mc`), where they agree to it.

    Parameters
    ----------
    lon, lat : array_like
        BD-09 degrees, any shape.

    Returns
    -------
    x, y : numpy.ndarray
        Metres, of the common shape; NaN where either coordinate is not finite.

    Examples
    --------
    >>> [round(float(value), 2) for value in bd09mc_from_bd09(*bd09_from_bd09mc(12958160.97, 4825907.72))]
    [12958160.97, 4825907.72]
    """
    return map_pair(_bd09mc_forward, lon, lat, _TABLES)


def webmercator_from_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn GCJ-02 degrees into the metres of Chinese map tiles: Web Mercator that takes them for WGS 84.

    Parameters
    ----------
    lon, lat : array_like
        GCJ-02 degrees, any shape.

    Returns
    -------
    x, y : numpy.ndarray
        Metres on the sphere of 6378137 m, of the common shape; NaN where either coordinate is not finite.

    Examples
    --------
    >>> [round(float(value), 2) for value in webmercator_from_gcj02(116.397, 39.909)]
    [12957254.77, 4852727.21]
    """
    return map_pair(_webmercator_forward, lon, lat)


def gcj02_from_webmercator(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn the Web Mercator metres of Chinese map tiles into GCJ-02 degrees.

    Parameters
    ----------
    x, y : array_like
        Metres, any shape.

    Returns
    -------
    lon, lat : numpy.ndarray
        GCJ-02 degrees, of the common shape; NaN where either coordinate is not finite.

    Examples
    --------
    >>> [round(float(value), 6) for value in gcj02_from_webmercator(*webmercator_from_gcj02(116.397, 39.909))]
    [116.397, 39.909]
    """
    return map_pair(_webmercator_inverse, x, y)
