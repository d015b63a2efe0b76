"""Distance to the nearest of many short segments within 256 m, exact, by squares that know what crosses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray

__all__ = ["FAR_M", "Squares", "distances_m", "feet_m", "squares_of"]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")

#: Farther than this is nowhere near: 6 sigma of the worst noise that is judged.
FAR_M = 256.0
#: A square is so wide at least, and there are so many of them at most.
_SIDE_M, _MOST_SQUARES = 64.0, 4_000_000


@dataclass(frozen=True, eq=False)
class Squares:
    """Segments by the squares of a grid that their boxes touch.

    Parameters
    ----------
    segments : numpy.ndarray
        x, y of both ends, plane metres, square by square, shape (m, 4); a point is a segment of no length.
    origin : tuple of float
        Lower left corner of the grid, metres.
    side_m : float
        Of a square.
    starts : numpy.ndarray
        Where the segments of each square begin, row by row, and where the last ones end, shape (ny * nx + 1,).
    shape : tuple of int
        (ny, nx).
    """

    segments: FloatArray
    origin: tuple[float, float]
    side_m: float
    starts: NDArray[np.int64]
    shape: tuple[int, int]


def squares_of(segments: FloatArray) -> Squares:
    """Sort segments into squares.

    Parameters
    ----------
    segments : numpy.ndarray
        Shape (m, 4), plane metres, finite; m at least 1.

    Returns
    -------
    Squares
        Of 64 m, wider where there would be more than four million.
    """
    low = np.minimum(segments[:, :2], segments[:, 2:])
    high = np.maximum(segments[:, :2], segments[:, 2:])
    origin = low.min(axis=0)
    span = high.max(axis=0) - origin
    side_m = max(_SIDE_M, float(np.sqrt(max(1.0, span[0]) * max(1.0, span[1]) / _MOST_SQUARES)))
    nx, ny = (int(part // side_m) + 1 for part in span)
    first = np.floor((low - origin) / side_m).astype(np.int64)
    last = np.floor((high - origin) / side_m).astype(np.int64)
    starts, lists = _sorted(first, last, nx, ny)
    return Squares(
        segments=segments[lists],
        origin=(float(origin[0]), float(origin[1])),
        side_m=side_m,
        starts=starts,
        shape=(ny, nx),
    )


@_jit
def _sorted(
    first: NDArray[np.int64], last: NDArray[np.int64], nx: int, ny: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """List the segments of each square, counted first and filled in then."""
    starts = np.zeros(nx * ny + 1, dtype=np.int64)
    for row in range(len(first)):
        for y in range(first[row, 1], last[row, 1] + 1):
            for x in range(first[row, 0], last[row, 0] + 1):
                starts[y * nx + x + 1] += 1
    for square in range(nx * ny):
        starts[square + 1] += starts[square]
    place = starts[:-1].copy()
    lists = np.empty(starts[-1], dtype=np.int32)
    for row in range(len(first)):
        for y in range(first[row, 1], last[row, 1] + 1):
            for x in range(first[row, 0], last[row, 0] + 1):
                lists[place[y * nx + x]] = row
                place[y * nx + x] += 1
    return starts, lists


@_jit
def _nearest(
    at: tuple[float, float],
    segments: FloatArray,
    grid: tuple[float, float, float, int, int],
    starts: NDArray[np.int64],
) -> tuple[float, float, float]:
    """Return distance and foot on the nearest segment: rings of squares until none can be nearer."""
    px, py = at
    x0, y0, side, nx, ny = grid
    column, row = int(np.floor((px - x0) / side)), int(np.floor((py - y0) / side))
    best, foot_x, foot_y = FAR_M * FAR_M, np.nan, np.nan
    # What a ring of squares at least leaves between a position and what lies beyond it.
    left, low = px - x0 - column * side, py - y0 - row * side
    inner = min(left, side - left, low, side - low)
    for ring in range(int(FAR_M / side) + 2):
        if ring > 0:
            gap = inner + (ring - 1) * side
            if gap * gap >= best:
                break
        for y in range(max(0, row - ring), min(ny - 1, row + ring) + 1):
            step = 1 if abs(y - row) == ring or ring == 0 else 2 * ring
            for x in range(column - ring, column + ring + 1, step):
                if x < 0 or x >= nx:
                    continue
                for k in range(starts[y * nx + x], starts[y * nx + x + 1]):
                    ax, ay, bx, by = segments[k, 0], segments[k, 1], segments[k, 2], segments[k, 3]
                    ux, uy = bx - ax, by - ay
                    length = ux * ux + uy * uy
                    share = 0.0
                    if length > 0.0:
                        share = min(1.0, max(0.0, ((px - ax) * ux + (py - ay) * uy) / length))
                    qx, qy = ax + share * ux, ay + share * uy
                    squared = (px - qx) ** 2 + (py - qy) ** 2
                    if squared < best:
                        best, foot_x, foot_y = squared, qx, qy
    return np.sqrt(best), foot_x, foot_y


@_jit
def _all(
    at: tuple[FloatArray, FloatArray],
    segments: FloatArray,
    grid: tuple[float, float, float, int, int],
    starts: NDArray[np.int64],
) -> FloatArray:
    """Return distance and foot of every position, shape (n, 3)."""
    x, y = at
    out = np.empty((len(x), 3))
    for row in range(len(x)):
        if np.isfinite(x[row]) and np.isfinite(y[row]):
            out[row, 0], out[row, 1], out[row, 2] = _nearest((x[row], y[row]), segments, grid, starts)
        else:
            out[row, 0], out[row, 1], out[row, 2] = FAR_M, np.nan, np.nan
    return out


def _measured(squares: Squares, x_m: FloatArray, y_m: FloatArray) -> FloatArray:
    at = np.ascontiguousarray(x_m).ravel(), np.ascontiguousarray(y_m).ravel()
    ny, nx = squares.shape
    return np.asarray(_all(at, squares.segments, (*squares.origin, squares.side_m, nx, ny), squares.starts))


def distances_m(squares: Squares, x_m: FloatArray, y_m: FloatArray) -> FloatArray:
    """Measure to the nearest segment.

    Parameters
    ----------
    squares : Squares
        What is measured to.
    x_m, y_m : numpy.ndarray
        Positions, plane metres, one shape; NaN for none.

    Returns
    -------
    numpy.ndarray
        Metres, 256 at most and for NaN.

    Examples
    --------
    >>> line = squares_of(np.array([[0.0, 0.0, 100.0, 0.0]]))
    >>> distances_m(line, np.array([50.0, 130.0, 900.0]), np.array([7.0, 40.0, 0.0])).tolist()
    [7.0, 50.0, 256.0]
    """
    return _measured(squares, x_m, y_m)[:, 0].reshape(np.shape(x_m))


def feet_m(squares: Squares, x_m: FloatArray, y_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find the nearest places on the segments.

    Parameters
    ----------
    squares : Squares
        What is looked for.
    x_m, y_m : numpy.ndarray
        Positions, plane metres, shape (n,).

    Returns
    -------
    tuple of numpy.ndarray
        x and y, NaN where nothing lies within 256 m.
    """
    found = _measured(squares, x_m, y_m)
    return found[:, 1], found[:, 2]
