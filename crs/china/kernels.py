"""Compiled loops of GCJ-02 and BD-09, in one file, because numba's cache watches only a function's own file.

A loop body has no branches and calls no library function, so that the compiler turns it into vector instructions:
every sine of the GCJ-02 formula follows from one sine and cosine per axis by doubling, tripling and adding angles.
No fast-math: a result depends on the numbers alone, not on the machine, the length of the array or the thread.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Pair: TypeAlias = tuple[Floats, Floats]
    Newton: TypeAlias = tuple[float, float, float, float, float, float]

__all__ = [
    "bd09_forward",
    "bd09_inverse",
    "contains",
    "gcj02_forward",
    "gcj02_inverse",
]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")
# The compiler turns a loop into vector instructions only when nothing in it is called.
_part = numba.njit(nogil=True, cache=True, error_model="numpy", forceinline=True)

# Krasovsky 1940 as the published formula writes it.
_A_M = 6378245.0
_EE = 0.00669342162296594323
_DEG_PER_M = 180.0 / (_A_M * math.pi)
_RAD = math.pi / 180.0
_SIN_35 = math.sin(35.0 * _RAD)
_COS_35 = math.cos(35.0 * _RAD)

# The square root of |lon - 105| has no derivative at 105: within this many degrees Newton's steps are not trusted.
_KINK_DEG = 0.03
_KINK_STEPS = 16

# BD-09: a small wave on radius and bearing, and a constant offset; 3000/180 pi per degree is 25/3 turns.
_BD_TURNS = 25.0 / 3.0
_BD_WAVE = 2.0 * math.pi * _BD_TURNS
_BD_RADIUS = 0.00002
_BD_BEARING = 0.000003
_BD_LON = 0.0065
_BD_LAT = 0.006


@_part
def _sincos(u: float) -> tuple[float, float]:
    """Taylor series; 1e-17 for |u| < 0.9 and 4e-14 for |u| < 1.6."""
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
def _double(s: float, c: float) -> tuple[float, float]:
    return 2.0 * s * c, (c - s) * (c + s)


@_part
def _triple(s: float, c: float) -> tuple[float, float]:
    return s * (3.0 - 4.0 * s * s), c * (4.0 * c * c - 3.0)


@_part
def _five_times(s: float, c: float) -> tuple[float, float]:
    s2, c2 = _double(s, c)
    s4, c4 = _double(s2, c2)
    return s4 * c + c4 * s, c4 * c - s4 * s


@_part
def _gcj02(lon: float, lat: float) -> Newton:
    """GCJ-02 of a WGS 84 position and its Jacobian: lon, lat, dlon/dlon, dlon/dlat, dlat/dlon, dlat/dlat."""
    x = lon - 105.0
    y = lat - 35.0
    # Angles are named by their divisor: sx30 is sin(pi x / 30); sx2p is sin(2 pi x).
    sx60, cx60 = _double(*_sincos(x * (math.pi / 120.0)))
    sx30, cx30 = _double(sx60, cx60)
    sx12, cx12 = _five_times(sx60, cx60)
    sx6, cx6 = _double(sx12, cx12)
    sx3, cx3 = _double(sx6, cx6)
    sx1, cx1 = _triple(sx3, cx3)
    sx2p, cx2p = _double(sx1, cx1)
    sx6p, cx6p = _triple(sx2p, cx2p)
    sy180, cy180 = _sincos(y * _RAD)
    sy60, cy60 = _triple(sy180, cy180)
    sy30, cy30 = _double(sy60, cy60)
    sy12, cy12 = _five_times(sy60, cy60)
    sy6, cy6 = _double(sy12, cy12)
    sy3, cy3 = _double(sy6, cy6)
    sy1, cy1 = _triple(sy3, cy3)
    # The shift in metres and its derivatives per degree.
    root = math.sqrt(abs(x))
    slope = math.copysign(1.0, x) / (root + 1e-30)
    wave = 20.0 * sx6p + 20.0 * sx2p
    wave_x = math.pi * (120.0 * cx6p + 40.0 * cx2p)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (wave + 20.0 * sy1 + 40.0 * sy3 + 160.0 * sy12 + 320.0 * sy30) * (2.0 / 3.0)
    north_x = 2.0 + 0.1 * y + 0.1 * slope + wave_x * (2.0 / 3.0)
    north_y = 3.0 + 0.4 * y + 0.1 * x
    north_y += (20.0 * cy1 + 40.0 / 3.0 * cy3 + 40.0 / 3.0 * cy12 + 32.0 / 3.0 * cy30) * (math.pi * 2.0 / 3.0)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (wave + 20.0 * sx1 + 40.0 * sx3 + 150.0 * sx12 + 300.0 * sx30) * (2.0 / 3.0)
    east_x = 1.0 + 0.2 * x + 0.1 * y + 0.05 * slope
    east_x += (wave_x + math.pi * (20.0 * cx1 + 40.0 / 3.0 * cx3 + 12.5 * cx12 + 10.0 * cx30)) * (2.0 / 3.0)
    east_y = 2.0 + 0.1 * x
    # Degrees per metre on the ellipsoid, and how they change with latitude.
    sin_lat = sy180 * _COS_35 + cy180 * _SIN_35
    cos_lat = cy180 * _COS_35 - sy180 * _SIN_35
    magic = 1.0 - _EE * sin_lat * sin_lat
    per_north = _DEG_PER_M / (1.0 - _EE) * magic * math.sqrt(magic)
    per_east = _DEG_PER_M * math.sqrt(magic) / cos_lat
    magic_y = -2.0 * _EE * _RAD * sin_lat * cos_lat / magic
    per_north_y = 1.5 * per_north * magic_y
    per_east_y = per_east * (0.5 * magic_y + _RAD * sin_lat / cos_lat)
    return (
        lon + per_east * east,
        lat + per_north * north,
        1.0 + per_east * east_x,
        per_east * east_y + per_east_y * east,
        per_north * north_x,
        1.0 + per_north * north_y + per_north_y * north,
    )


@_part
def _gcj02_step(lon: float, lat: float, glon: float, glat: float) -> tuple[float, float]:
    """One step of Newton's method towards the origin of a GCJ-02 position."""
    x, y, x_lon, x_lat, y_lon, y_lat = _gcj02(lon, lat)
    dx = glon - x
    dy = glat - y
    scale = 1.0 / (x_lon * y_lat - x_lat * y_lon)
    return lon + (y_lat * dx - x_lat * dy) * scale, lat + (x_lon * dy - y_lon * dx) * scale


@_jit
def _gcj02_at_kink(glon: float, glat: float) -> tuple[float, float]:
    """Iterate to the fixed point, which needs no derivative: within 0.4 micrometres on the kink itself."""
    lon = glon
    lat = glat
    for _ in range(_KINK_STEPS):
        image = _gcj02(lon, lat)
        lon += glon - image[0]
        lat += glat - image[1]
    return lon, lat


@_jit
def _inside(lon: float, lat: float, mask: Any) -> bool:  # noqa: ANN401 - a tuple of arrays that numba types
    """Answer from the grid; only in cells that the edge crosses, count the edges east of the point."""
    west, south, cells_per_deg, states, starts, edges = mask
    column = (lon - west) * cells_per_deg
    row = (lat - south) * cells_per_deg
    # Written so that NaN is outside.
    if not (0.0 <= column < states.shape[1] and 0.0 <= row < states.shape[0]):
        return False
    j = int(row)
    state = states[j, int(column)]
    if state < 2:
        return bool(state == 1)
    inside = False
    for k in range(starts[j], starts[j + 1]):
        x0, y0, x1, y1 = edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]
        if (y0 <= lat) != (y1 <= lat) and lon < x0 + (lat - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside


@_jit
def contains(lon: Floats, lat: Floats, mask: Any, out: NDArray[np.bool_]) -> None:  # noqa: ANN401
    """Write whether each position is inside the mask; False for NaN.

    Parameters
    ----------
    lon, lat : numpy.ndarray
        Positions, degrees, one dimension.
    mask : tuple
        Fields of a `crs.china.mask.Mask`.
    out : numpy.ndarray
        Booleans to write.
    """
    for i in range(lon.size):
        out[i] = _inside(lon[i], lat[i], mask)


@_jit
def gcj02_forward(lon: Floats, lat: Floats, mask: Any, out: Pair) -> None:  # noqa: ANN401
    """Write GCJ-02 of WGS 84 inside the mask, the position itself outside, NaN where not finite.

    Parameters
    ----------
    lon, lat : numpy.ndarray
        WGS 84, degrees, one dimension.
    mask : tuple
        Fields of a `crs.china.mask.Mask`.
    out : pair of numpy.ndarray
        Longitude and latitude to write, degrees, as long as the input.
    """
    x, y = out
    for i in range(lon.size):
        image = _gcj02(lon[i], lat[i])
        x[i] = image[0]
        y[i] = image[1]
    for i in range(lon.size):
        if not _inside(lon[i], lat[i], mask):
            finite = math.isfinite(lon[i] + lat[i])
            x[i] = lon[i] if finite else math.nan
            y[i] = lat[i] if finite else math.nan


@_jit
def gcj02_inverse(glon: Floats, glat: Floats, mask: Any, out: Pair) -> None:  # noqa: ANN401
    """Write the WGS 84 origin of GCJ-02 where it lies inside the mask, the position itself elsewhere.

    Parameters
    ----------
    glon, glat : numpy.ndarray
        GCJ-02, degrees, one dimension.
    mask : tuple
        Fields of a `crs.china.mask.Mask`.
    out : pair of numpy.ndarray
        Longitude and latitude to write, degrees, as long as the input.
    """
    lon, lat = out
    for i in range(glon.size):
        # Errors after each step, everywhere in the mask: 0.2 m, 30 nm.
        x, y = _gcj02_step(glon[i], glat[i], glon[i], glat[i])
        lon[i], lat[i] = _gcj02_step(x, y, glon[i], glat[i])
    for i in range(glon.size):
        if abs(lon[i] - 105.0) < _KINK_DEG:
            lon[i], lat[i] = _gcj02_at_kink(glon[i], glat[i])
        # Far from China the steps lead anywhere, perhaps back into it.
        near = abs(lon[i] - glon[i]) < 0.02 and abs(lat[i] - glat[i]) < 0.02
        if not (near and _inside(lon[i], lat[i], mask)):
            finite = math.isfinite(glon[i] + glat[i])
            lon[i] = glon[i] if finite else math.nan
            lat[i] = glat[i] if finite else math.nan


@_part
def _wave(degrees: float) -> tuple[float, float]:
    """Sine and cosine of 3000/180 pi times degrees."""
    turns = degrees * _BD_TURNS
    turns -= np.floor(turns + 0.5)
    sine, cosine = _double(*_sincos(turns * math.pi))
    return sine, cosine


@_part
def _bd09(x: float, y: float) -> Newton:
    """BD-09 without its offset and its Jacobian, as for `_gcj02`.

    The published form goes through radius and bearing; stretching and turning the vector says the same
    without an arctangent. The bearing's wave is below 3e-6, so two terms of its sine and cosine are exact.
    """
    sin_y, cos_y = _wave(y)
    sin_x, cos_x = _wave(x)
    radius = math.sqrt(x * x + y * y) + 1e-300
    stretch = 1.0 + _BD_RADIUS * sin_y / radius
    turn = _BD_BEARING * cos_x
    turn_x = -_BD_BEARING * _BD_WAVE * sin_x
    stretch_y = _BD_RADIUS * _BD_WAVE * cos_y / radius
    c = 1.0 - 0.5 * turn * turn
    return (
        stretch * (x * c - y * turn),
        stretch * (y * c + x * turn),
        stretch - y * turn_x,
        x * stretch_y - turn,
        turn + x * turn_x,
        stretch + y * stretch_y,
    )


@_jit
def bd09_forward(lon: Floats, lat: Floats, out: Pair) -> None:
    """Write BD-09 of GCJ-02.

    Parameters
    ----------
    lon, lat : numpy.ndarray
        GCJ-02, degrees, one dimension.
    out : pair of numpy.ndarray
        Longitude and latitude to write, degrees, as long as the input.
    """
    x, y = out
    for i in range(lon.size):
        image = _bd09(lon[i], lat[i])
        x[i] = image[0] + _BD_LON
        y[i] = image[1] + _BD_LAT


@_part
def _bd09_step(lon: float, lat: float, blon: float, blat: float) -> tuple[float, float]:
    x, y, x_lon, x_lat, y_lon, y_lat = _bd09(lon, lat)
    dx = blon - x
    dy = blat - y
    scale = 1.0 / (x_lon * y_lat - x_lat * y_lon)
    return lon + (y_lat * dx - x_lat * dy) * scale, lat + (x_lon * dy - y_lon * dx) * scale


@_jit
def bd09_inverse(blon: Floats, blat: Floats, out: Pair) -> None:
    """Write GCJ-02 of BD-09.

    Parameters
    ----------
    blon, blat : numpy.ndarray
        BD-09, degrees, one dimension.
    out : pair of numpy.ndarray
        Longitude and latitude to write, degrees, as long as the input.
    """
    lon, lat = out
    for i in range(blon.size):
        x = blon[i] - _BD_LON
        y = blat[i] - _BD_LAT
        # Errors after each step: 1 cm, below the spacing of doubles.
        x1, y1 = _bd09_step(x, y, x, y)
        lon[i], lat[i] = _bd09_step(x1, y1, x, y)
