"""The area in which GCJ-02 shifts a position, and the band in which that is not certain."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crs.china.arrays import as_pair
from crs.china.kernels import contains

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Mask", "accuracy_m", "in_china", "near_mask_edge", "read_mask"]

# 11 km: few cells are crossed by the edge, and the grid still fits a core's cache.
_CELLS_PER_DEG = 10.0
_CROSSED = 2

# The published formula against 1,329 answers of AMap: within this for 99.3 % of them.
_ACCURACY_LON = (98.0, 122.0)
_ACCURACY_M = (10.0, 1.0)


class Mask(NamedTuple):
    """Polygons behind a grid: most cells lie wholly inside or outside and answer at once.

    Attributes
    ----------
    west, south : float
        Corner of the grid, degrees.
    cells_per_deg : float
        Cells per degree, both ways.
    states : numpy.ndarray
        (rows, columns) uint8, south to north: 0 outside, 1 inside, 2 crossed by an edge.
    starts : numpy.ndarray
        (rows + 1,) int64: the edges that touch row j are `edges[starts[j]:starts[j + 1]]`.
    edges : numpy.ndarray
        (n, 4) float64: lon, lat, lon, lat, degrees; an edge stands once in every row that it touches.
    """

    west: float
    south: float
    cells_per_deg: float
    states: NDArray[np.uint8]
    starts: NDArray[np.int64]
    edges: NDArray[np.float64]


@functools.cache
def read_mask(name: str) -> Mask:
    """Read one of the two masks and index it.

    Parameters
    ----------
    name : {"area", "band"}
        The area that is shifted, or the band in which a record is ambiguous.

    Returns
    -------
    Mask
        The same object on every call.

    References
    ----------
    Natural Earth, Admin 0 countries, 1:10m (public domain); see crs/china/README.md for the sea and the band.
    """
    content = json.loads(resources.files("crs.china").joinpath("mask.json").read_text(encoding="utf-8"))
    return _index([_ring(steps, content["unit_deg"]) for steps in content[name]])


def _ring(steps: list[int], unit_deg: float) -> NDArray[np.float64]:
    """Return (n, 2) corners of a ring that is stored as steps."""
    units: NDArray[np.int64] = np.cumsum(np.asarray(steps, dtype=np.int64).reshape(-1, 2), axis=0)
    # Division, not multiplication: 1e-4 has no exact double, 1e4 has, and the corners come out as written.
    return units / round(1.0 / unit_deg)


def _index(rings: list[NDArray[np.float64]]) -> Mask:
    edges = np.concatenate([np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in rings])
    west, south = np.floor(edges[:, :2].min(axis=0)) - 1.0
    east, north = np.ceil(edges[:, :2].max(axis=0)) + 1.0
    columns, rows = (int(span * _CELLS_PER_DEG) for span in (east - west, north - south))
    states: NDArray[np.uint8] = np.zeros((rows, columns), dtype=np.uint8)
    of_row: list[list[int]] = [[] for _ in range(rows)]
    for number, edge in enumerate(edges.tolist()):
        x0, y0, x1, y1 = edge
        first, last = (int((y - float(south)) * _CELLS_PER_DEG) for y in (min(y0, y1), max(y0, y1)))
        for row in range(first, last + 1):
            of_row[row].append(number)
            low, high = _span(edge, float(south) + row / _CELLS_PER_DEG)
            # One cell more on either side costs little and makes rounding at a cell's border harmless.
            left, right = (int((x - west) * _CELLS_PER_DEG) for x in (max(low, min(x0, x1)), min(high, max(x0, x1))))
            states[max(row - 1, 0) : row + 2, left - 1 : right + 2] = _CROSSED
    starts: NDArray[np.int64] = np.cumsum([0, *map(len, of_row)], dtype=np.int64)
    by_row: NDArray[np.float64] = np.ascontiguousarray(edges[[number for row in of_row for number in row]])
    # A cell that no edge crosses is what its centre is; the centre is asked with every cell taken as crossed.
    asked = Mask(float(west), float(south), _CELLS_PER_DEG, np.full_like(states, _CROSSED), starts, by_row)
    free = np.argwhere(states != _CROSSED)
    lat, lon = ((free + 0.5) / _CELLS_PER_DEG + (south, west)).T
    inside = np.empty(len(free), dtype=np.bool_)
    contains(np.ascontiguousarray(lon), np.ascontiguousarray(lat), tuple(asked), inside)
    states[free[:, 0], free[:, 1]] = inside
    return asked._replace(states=states)


def _span(edge: list[float], bottom: float) -> tuple[float, float]:
    """Return the lowest and highest longitude of an edge's line between the bottom and the top of a row."""
    x0, y0, x1, y1 = edge
    if y0 == y1:
        return min(x0, x1), max(x0, x1)
    at = [x0 + (y - y0) * (x1 - x0) / (y1 - y0) for y in (bottom, bottom + 1.0 / _CELLS_PER_DEG)]
    return min(at), max(at)


def _ask(name: str, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    x, y, shape = as_pair(lon, lat)
    out = np.empty(x.size, dtype=np.bool_)
    contains(x, y, tuple(read_mask(name)), out)
    return out.reshape(shape)


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Tell where GCJ-02 shifts a position.

    On land this is the Natural Earth border of mainland China with Taiwan, Hong Kong and Macao; at sea it is
    where AMap shifts, known on a grid of one degree. All 953 positions on that land for which AMap was asked are
    shifted by it, and so is a strip of its neighbours' land up to 125 km wide, which `near_mask_edge` flags.

    Parameters
    ----------
    lon, lat : array_like
        WGS 84 degrees, any shape.

    Returns
    -------
    numpy.ndarray
        Boolean, of the common shape; False where a coordinate is NaN.

    Examples
    --------
    Beijing, Taipei, Seoul, Hanoi:

    >>> in_china([116.39, 121.56, 126.98, 105.85], [39.91, 25.04, 37.57, 21.03]).tolist()
    [True, True, False, False]
    """
    return _ask("area", lon, lat)


def near_mask_edge(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Tell where a position may have two origins or none, because the edge of the shifted area is near.

    The band reaches 4 km to either side of a border on land: 1 km, the 2 km and 0.2 km that the map is accurate to,
    and the 0.8 km by which GCJ-02 itself moves a position, so that either definition may be asked. At sea it reaches
    55.6 km, half the spacing of the answers that the edge was drawn from. The strip of foreign land that AMap shifts
    although the border says no belongs to it too. BD-09 is to be turned into GCJ-02 before asking.

    Parameters
    ----------
    lon, lat : array_like
        WGS 84 or GCJ-02 degrees, any shape.

    Returns
    -------
    numpy.ndarray
        Boolean, of the common shape; False where a coordinate is NaN.

    Examples
    --------
    Shenzhen lies at no edge, Dandong on the Yalu at the border:

    >>> near_mask_edge([114.06, 124.38], [22.54, 40.12]).tolist()
    [False, True]
    """
    return _ask("band", lon, lat)


def accuracy_m(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
    """State how far the published formula may be from what a provider really answers.

    10 m west of 98 degrees east, 1 m east of 122, linear between, and never less. The difference to AMap's answers
    is nearly the same in both axes, nil at sea and greatest in Tibet: it looks like the term of one millimetre per
    metre of height that older code for this definition carries, and that the public formula leaves out.

    Parameters
    ----------
    lon, lat : array_like
        WGS 84, GCJ-02 or BD-09 degrees, any shape; the latitude gives its shape and its NaN only.

    Returns
    -------
    numpy.ndarray
        Metres, of the common shape; NaN where a coordinate is not finite. It holds the horizontal difference of
        99.3 % of 1,329 shifted answers (median 0.85 m, greatest 10.02 m), and may stand for a sigma per axis.

    References
    ----------
    AMap's answers on a grid of one degree, as of 2020, are shipped with the package `pygcj` 0.0.2 (Apache-2.0);
    benchmarks/make_china_mask.py repeats the comparison.

    Examples
    --------
    >>> accuracy_m([91.1, 121.5], [29.7, 31.2]).round(2).tolist()
    [10.0, 1.19]
    """
    x, y, shape = as_pair(lon, lat)
    stated = np.interp(x, _ACCURACY_LON, _ACCURACY_M)
    stated[~np.isfinite(x + y)] = np.nan
    return stated.reshape(shape)
