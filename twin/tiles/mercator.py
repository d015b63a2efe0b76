"""The square world of web maps: longitude and latitude to tiles, and tiles in one order that keeps neighbours close."""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Keys = NDArray[np.uint64]

DEEPEST = 22
"""Zoom of the finest tiles that positions are kept by: about 10 m."""

EARTH_M = 2 * math.pi * 6_378_137.0
"""Length of the equator in metres: the side of the world at zoom 0."""

_MOST_LAT_DEG = 85.05112877980659  # Where the square ends.
_SPREADS = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def to_world(lon: "Floats", lat: "Floats") -> tuple["Floats", "Floats"]:
    """Place positions in the square world.

    Parameters
    ----------
    lon, lat : ndarray of float
        Degrees.

    Returns
    -------
    x, y : ndarray of float
        From 0 in the west to 1 in the east, and from 0 in the north to 1 in the south; latitudes beyond the square
        lie on its edge.

    References
    ----------
    EPSG:3857, Guidance Note 7-2, section 3.2.1.2 (Popular Visualisation Pseudo Mercator).

    Examples
    --------
    >>> [value.tolist() for value in to_world(np.array([0.0]), np.array([0.0]))]
    [[0.5], [0.5]]
    """
    phi = np.radians(np.clip(lat, -_MOST_LAT_DEG, _MOST_LAT_DEG))
    return (np.asarray(lon) + 180.0) / 360.0, 0.5 - np.arcsinh(np.tan(phi)) / (2 * math.pi)


def to_degrees(x: float, y: float) -> tuple[float, float]:
    """Give the position of a point of the square world.

    Parameters
    ----------
    x, y : float
        As `to_world` gives them.

    Returns
    -------
    lon_deg, lat_deg : float
        Degrees.

    Examples
    --------
    >>> to_degrees(0.5, 0.5)
    (0.0, 0.0)
    """
    return x * 360.0 - 180.0, math.degrees(math.atan(math.sinh((0.5 - y) * 2 * math.pi)))


def box_of(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """Give the box of a tile.

    Parameters
    ----------
    z, x, y : int
        Tile.

    Returns
    -------
    tuple of float
        min_lon, min_lat, max_lon, max_lat in degrees.

    Examples
    --------
    >>> [round(side, 3) for side in box_of(1, 0, 0)]
    [-180.0, 0.0, 0.0, 85.051]
    """
    west, north = to_degrees(x / 2**z, y / 2**z)
    east, south = to_degrees((x + 1) / 2**z, (y + 1) / 2**z)
    return west, south, east, north


def to_keys(x: "Floats", y: "Floats") -> "Keys":
    """Give the tile of the deepest zoom that positions lie in, as one number.

    Parameters
    ----------
    x, y : ndarray of float
        Positions in the square world.

    Returns
    -------
    ndarray of uint64
        Morton numbers: ``key >> 2 * (DEEPEST - z)`` is the tile at zoom z, so that a tile is one run of sorted keys.
    """
    most = 2**DEEPEST - 1
    column, row = (np.clip(np.floor(value * 2**DEEPEST), 0, most).astype(np.uint64) for value in (x, y))
    return _spread(column) | _spread(row) << np.uint64(1)


def key_of(x: int, y: int) -> int:
    """Give the number of one tile among those of its zoom.

    Parameters
    ----------
    x, y : int
        Column and row.

    Returns
    -------
    int
        Morton number.

    Examples
    --------
    >>> [key_of(0, 0), key_of(1, 0), key_of(0, 1), key_of(3, 3)]
    [0, 1, 2, 15]
    """
    return int(_spread(np.array([x], dtype=np.uint64))[0]) | int(_spread(np.array([y], dtype=np.uint64))[0]) << 1


def columns_and_rows(keys: "Keys") -> tuple["NDArray[np.int64]", "NDArray[np.int64]"]:
    """Give columns and rows of tiles from their numbers.

    Parameters
    ----------
    keys : ndarray of uint64
        Morton numbers.

    Returns
    -------
    x, y : ndarray of int64
        Columns and rows.
    """
    return _gathered(keys), _gathered(keys >> np.uint64(1))


def _spread(values: "Keys") -> "Keys":
    """Put a zero between every two bits."""
    for shift, mask in _SPREADS:
        values = (values | values << np.uint64(shift)) & np.uint64(mask)
    return values


def _gathered(values: "Keys") -> "NDArray[np.int64]":
    values = values & np.uint64(_SPREADS[-1][1])
    for (shift, _), mask in zip(_SPREADS[::-1], [m for _, m in _SPREADS[-2::-1]] + [0xFFFFFFFF], strict=True):
        values = (values | values >> np.uint64(shift)) & np.uint64(mask)
    return values.astype(np.int64)
