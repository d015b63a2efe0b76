"""The probability that a point known to within a circular normal error lies in a cell, for whole arrays of points.

Per edge of a cell, what the normal distribution has beyond the edge, as seen from the point, is a difference of two of
Owen's T functions; the edges of a cell add up to its probability exactly, whatever its shape. Cells are visited
outwards from the point's own, as far as the disc that holds all but a stated rest.

References
----------
.. [1] D. B. Owen, "Tables for computing bivariate normal probabilities", Annals of Mathematical Statistics 27 (1956),
   1075-1090.
.. [2] A. R. DiDonato, R. K. Hageman, "A method for computing the integral of the bivariate normal distribution over an
   arbitrary polygon", SIAM Journal on Scientific and Statistical Computing 3 (1982), 434-446.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64]

__all__ = ["Cells", "normal_in_polygon", "owen_t", "spread_points"]

_T_NODES, _T_WEIGHTS = np.polynomial.legendre.leggauss(10)  # right to 1e-14 for every argument
_T_NODES, _T_WEIGHTS = 0.5 * (_T_NODES + 1.0), 0.25 / math.pi * _T_WEIGHTS
_NODES_8, _WEIGHTS_8 = np.polynomial.legendre.leggauss(8)
_NODES_4, _WEIGHTS_4 = np.polynomial.legendre.leggauss(4)
_ROOT_HALF = math.sqrt(0.5)

_FAR = 7.5
"""Standard deviations; what lies beyond an edge farther away than this has a probability below 1e-12."""

_SHORT_8, _SHORT_4 = 1.5, 8.0
"""Distance of an edge over its length from which 8, or 4, nodes integrate along it to 4e-14."""


class Cells(NamedTuple):
    """A patch of cells that touch each other.

    Parameters
    ----------
    neighbours : ndarray of int64, shape (cells, 6)
        Numbers of the cells that share an edge with each, -1 for none.
    corners : ndarray of float64, shape (cells, k, 2)
        Longitude and latitude of the corners in degrees, counter-clockwise; the last one may be repeated.
    """

    neighbours: Numbers
    corners: Floats


@nb.njit(nogil=True, cache=True)
def _owen_within(h: float, a: float) -> float:
    """Integrate T(h, a) for a slope a from 0 to 1."""
    total: float = 0.0
    for k in range(_T_NODES.size):
        x = a * _T_NODES[k]
        y = 1.0 + x * x
        total += _T_WEIGHTS[k] * math.exp(-0.5 * h * h * y) / y
    return total * a


@nb.njit(nogil=True, cache=True)
def owen_t(h: float, t: float) -> float:
    """Evaluate Owen's T function T(h, t / h), also where h is 0.

    Parameters
    ----------
    h : float
        Distance of a line from the centre, in standard deviations, not negative.
    t : float
        Position on the line, counted from the foot of the perpendicular, in standard deviations.

    Returns
    -------
    float
        Probability of what lies beyond the line in the wedge between the perpendicular and the position; odd in ``t``.
        Right to 1e-13.
    """
    u = abs(t)
    if u == 0.0 or h > _FAR:
        return 0.0
    if u <= h:
        value = _owen_within(h, u / h)
    else:
        value = 0.25 * (1.0 - math.erf(h * _ROOT_HALF) * math.erf(u * _ROOT_HALF))
        if u < _FAR:
            value -= _owen_within(u, h / u)
    return float(value if t > 0.0 else -value)


@nb.njit(nogil=True, cache=True)
def _beyond_edge(h: float, t1: float, t2: float, distance: float) -> float:
    """Return T(h, t2 / h) - T(h, t1 / h); where an edge is short for its distance, by the integral along it."""
    length = t2 - t1
    if distance < _SHORT_8 * length:
        return float(owen_t(h, t2) - owen_t(h, t1))
    middle, half, total = 0.5 * (t1 + t2), 0.5 * length, 0.0
    if distance < _SHORT_4 * length:
        for k in range(8):
            t = middle + half * _NODES_8[k]
            square = h * h + t * t
            total += _WEIGHTS_8[k] * math.exp(-0.5 * square) / square
    else:
        for k in range(4):
            t = middle + half * _NODES_4[k]
            square = h * h + t * t
            total += _WEIGHTS_4[k] * math.exp(-0.5 * square) / square
    return total * h * half / (2.0 * math.pi)


@nb.njit(nogil=True, cache=True)
def normal_in_polygon(corners: Floats, lon: float, lat: float, scale: tuple[float, float]) -> tuple[float, float]:
    """Integrate a circular normal distribution over a polygon.

    Parameters
    ----------
    corners : ndarray of float64, shape (k, 2)
        Longitude and latitude of the corners in degrees, counter-clockwise; corners may be repeated.
    lon, lat : float
        Centre of the distribution, degrees.
    scale : (float, float)
        Standard deviations in a degree of longitude and in one of latitude.

    Returns
    -------
    probability : float
        The integral, from 0 to 1 up to rounding.
    distance : float
        Standard deviations from the centre to the nearest edge; negative if the centre is inside.
    """
    k = corners.shape[0]
    turns, beyond, nearest = 0, 0.0, math.inf
    dx = corners[k - 1, 0] - lon
    x1, y1 = (dx - 360.0 * np.rint(dx / 360.0)) * scale[0], (corners[k - 1, 1] - lat) * scale[1]
    for j in range(k):
        dx = corners[j, 0] - lon
        x2, y2 = (dx - 360.0 * np.rint(dx / 360.0)) * scale[0], (corners[j, 1] - lat) * scale[1]
        along_x, along_y = x2 - x1, y2 - y1
        length = math.sqrt(along_x * along_x + along_y * along_y)
        if length > 0.0:
            cross = x1 * y2 - x2 * y1
            left = cross > 0.0
            if y1 <= 0.0 < y2:
                turns += 1 if left else 0
            elif y2 <= 0.0 < y1:
                turns -= 0 if left else 1
            h = abs(cross) / length
            t1, t2 = (x1 * along_x + y1 * along_y) / length, (x2 * along_x + y2 * along_y) / length
            off = max(0.0, max(t1, -t2))  # noqa: PLW3301 -- numba compiles a max() of three far worse
            distance = math.sqrt(h * h + off * off)
            nearest = min(nearest, distance)
            if distance < _FAR:
                part = _beyond_edge(h, t1, t2, distance)
                beyond += part if left else -part
        x1, y1 = x2, y2
    return turns - beyond, -nearest if turns > 0 else nearest


@nb.njit(nogil=True, cache=True)
def spread_points(
    places: Floats, own: Numbers, cells: Cells, limits: tuple[float, float]
) -> tuple[Numbers, Numbers, Floats]:
    """Spread points over the cells around them.

    Parameters
    ----------
    places : ndarray of float64, shape (n, 4)
        Longitude and latitude of each point in degrees, and its standard deviations in a degree of each.
    own : ndarray of int64, shape (n,)
        Number of the cell that holds each point.
    cells : Cells
        The cells, numbered.
    limits : (float, float)
        Standard deviations up to which cells are visited, and the probability that the visited cells of one point may
        lose together for being too small to keep.

    Returns
    -------
    start : ndarray of int64, shape (n + 1,)
        Where the cells of each point begin.
    number : ndarray of int64, shape (m,)
        Numbers of the cells.
    probability : ndarray of float64, shape (m,)
        Probability of each cell.
    """
    reach, least = limits
    n = own.shape[0]
    start = np.zeros(n + 1, np.int64)
    number, probability = np.empty(4 * n + 64, np.int64), np.empty(4 * n + 64)
    seen = np.full(cells.neighbours.shape[0], -1, np.int64)
    queue = np.empty(cells.neighbours.shape[0], np.int64)
    used = 0
    for i in range(n):
        lon, lat, scale = places[i, 0], places[i, 1], (places[i, 2], places[i, 3])
        queue[0], seen[own[i]] = own[i], i
        head, tail, begin = 0, 1, used
        while head < tail:
            c = queue[head]
            head += 1
            mass, distance = normal_in_polygon(cells.corners[c], lon, lat, scale)
            if distance > reach and c != own[i]:
                continue
            if used == number.shape[0]:
                number, probability = np.concatenate((number, number)), np.concatenate((probability, probability))
            number[used], probability[used] = c, mass
            used += 1
            if distance <= -reach:  # the disc is wholly in this cell
                break
            for k in range(6):
                other = cells.neighbours[c, k]
                if other >= 0 and seen[other] != i:
                    seen[other] = i
                    queue[tail] = other
                    tail += 1
        floor, kept = least / (used - begin), begin
        for j in range(begin, used):
            if probability[j] > floor:
                number[kept], probability[kept] = number[j], probability[j]
                kept += 1
        used = kept
        start[i + 1] = used
    return start, number[:used].copy(), probability[:used].copy()
