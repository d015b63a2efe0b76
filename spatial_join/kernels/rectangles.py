"""Exact areas of convex cells on a grid of rectangles, one row of the grid after another.

A row's strip of a cell is cut off by two horizontal lines. Where both of its long sides cover a rectangle, so does the
cell, by convexity, and nothing is computed; only the rectangles at the strip's ends are cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

from spatial_join.kernels.cutting import _grown, _signed_area

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Edges = tuple[Floats, Floats]
    Listed = tuple[Floats, Numbers, Numbers]
    Buffers = tuple[Floats, Floats, Floats, Floats]

__all__ = ["cells_of_rows", "cut_rows"]

WHOLE = -1.0
"""Stands for the area of rectangles that lie in a cell whole."""

SLIVER = 1e-12
"""What a rectangle has less of than this part in a cell is rounding."""


@nb.njit(nogil=True, cache=True)
def cells_of_rows(low: Numbers, high: Numbers, rows: int) -> tuple[Numbers, Numbers]:
    """List the cells that reach into each row, in ascending order.

    Parameters
    ----------
    low, high : ndarray of int64, shape (cells,)
        First row of every cell and the one after its last.
    rows : int
        Number of rows.

    Returns
    -------
    begin : ndarray of int64, shape (rows + 1,)
        Where the list of each row begins.
    cell : ndarray of int64
        Numbers of the cells.
    """
    begin = np.zeros(rows + 1, np.int64)
    for cell in range(low.shape[0]):
        for row in range(low[cell], high[cell]):
            begin[row + 1] += 1
    begin = np.cumsum(begin)
    at, cells = begin[:-1].copy(), np.empty(begin[-1], np.int64)
    for cell in range(low.shape[0]):
        for row in range(low[cell], high[cell]):
            cells[at[row]] = cell
            at[row] += 1
    return begin, cells


@nb.njit(nogil=True, cache=True)
def _keep(source: Floats, n: int, target: Floats, cut: tuple[int, float, float]) -> int:
    """Clip ``source[:n]`` at a value of one axis, to the side of the sign; what is cut lies exactly at the value."""
    axis, value, sign = cut
    other, m = 1 - axis, 0
    px, py = source[n - 1, axis], source[n - 1, other]
    for i in range(n):
        cx, cy = source[i, axis], source[i, other]
        if (sign * (cx - value) >= 0.0) != (sign * (px - value) >= 0.0):
            target[m, axis] = value
            target[m, other] = py + (value - px) / (cx - px) * (cy - py)
            m += 1
        if sign * (cx - value) >= 0.0:
            target[m, axis] = cx
            target[m, other] = cy
            m += 1
        px, py = cx, cy
    return m


@nb.njit(nogil=True, cache=True)
def _covered(strip: Floats, n: int, bottom: float, top: float) -> tuple[float, float]:
    """Return from where to where a strip is as high as its row."""
    low_bottom = low_top = np.inf
    high_bottom = high_top = -np.inf
    for i in range(n):
        x, y = strip[i, 0], strip[i, 1]
        if y == bottom:
            low_bottom, high_bottom = min(low_bottom, x), max(high_bottom, x)
        elif y == top:
            low_top, high_top = min(low_top, x), max(high_top, x)
    return max(low_bottom, low_top), min(high_bottom, high_top)


@nb.njit(nogil=True, cache=True)
def _strip_pieces(strip: Floats, n: int, sides: tuple[Floats, float, float], out: tuple[Floats, Floats, Floats]) -> int:
    """Write first column, number of columns and area of the pieces of a strip; WHOLE for whole rectangles."""
    (xs, bottom, top), (pieces, spare, piece) = sides, out
    low = high = strip[0, 0]
    for i in range(1, n):
        low, high = min(low, strip[i, 0]), max(high, strip[i, 0])
    column = max(np.searchsorted(xs, low, side="right") - 1, 0)
    end = min(np.searchsorted(xs, high, side="left"), xs.shape[0] - 1)
    left, right = _covered(strip, n, bottom, top)
    first, last = end, end
    if left < right:
        first = max(np.searchsorted(xs, left, side="left"), column)
        last = min(np.searchsorted(xs, right, side="right") - 1, end)
        if last <= first:
            first = last = end
    found = 0
    if low < xs[0]:
        n = _keep(strip, n, spare, (0, xs[0], 1.0))
        strip, spare = spare, strip
    while column < end and n > 2:
        if column == first:
            pieces[found, 0], pieces[found, 1], pieces[found, 2] = column, last - first, WHOLE
            column = last
        else:
            m = _keep(strip, n, piece, (0, xs[column + 1], -1.0))
            pieces[found, 0], pieces[found, 1], pieces[found, 2] = column, 1, _signed_area(piece, m) if m > 2 else 0.0
            column += 1
        found += 1
        if column < end:
            n = _keep(strip, n, spare, (0, xs[column], 1.0))
            strip, spare = spare, strip
    return found


@nb.njit(nogil=True, cache=True)
def _events_of_row(
    row: int, edges: Edges, cells: Listed, scratch: tuple[Floats, Floats, Buffers]
) -> tuple[Floats, int]:
    """Return first column, number of columns, area and cell of all that the cells have in a row, and how many."""
    (xs, ys), (corners, begin, listed) = edges, cells
    events, pieces, (strip, half, spare, piece) = scratch
    happened = 0
    for number in listed[begin[row] : begin[row + 1]]:
        n = _keep(corners[number], corners.shape[1], half, (1, ys[row], 1.0))
        n = _keep(half, n, strip, (1, ys[row + 1], -1.0)) if n > 2 else 0
        if n < 3:
            continue
        found = _strip_pieces(strip, n, (xs, ys[row], ys[row + 1]), (pieces, spare, piece))
        events = _grown(events, happened + found)
        for i in range(found):
            column = int(pieces[i, 0])
            whole = (xs[column + 1] - xs[column]) * (ys[row + 1] - ys[row])
            if pieces[i, 2] == WHOLE or pieces[i, 2] > SLIVER * whole:
                events[happened, :3] = pieces[i]
                events[happened, 3] = number
                happened += 1
    return events, happened


@nb.njit(nogil=True, cache=True)
def _count(events: Floats, take: Flags, place: Numbers, used: int) -> None:
    """Find where the pieces of each rectangle of a row are to stand."""
    place[:] = 0
    for i in range(events.shape[0]):
        for column in range(int(events[i, 0]), int(events[i, 0] + events[i, 1])):
            place[column + 1] += take[column]
    place[0] = used
    for column in range(take.shape[0]):
        place[column + 1] += place[column]


@nb.njit(nogil=True, cache=True)
def _write(events: Floats, take: Flags, sizes: Floats, out: tuple[Numbers, Floats, Numbers, Floats]) -> None:
    """Write column, cell and area of the pieces to their places, and add them up."""
    place, total, who, what = out
    for i in range(events.shape[0]):
        for column in range(int(events[i, 0]), int(events[i, 0] + events[i, 1])):
            if take[column]:
                at = place[column]
                who[at, 0], who[at, 1] = column, int(events[i, 3])
                what[at, 0] = sizes[column] if events[i, 2] == WHOLE else events[i, 2]
                total[column] += what[at, 0]
                place[column] += 1


@nb.njit(nogil=True, cache=True)
def cut_rows(rows: tuple[int, int], edges: Edges, cells: Listed, take: Flags) -> tuple[Numbers, Floats, float]:
    """Measure what every rectangle of some rows has in every cell.

    Parameters
    ----------
    rows : tuple of int
        First row and the one after the last.
    edges : (ndarray of float64, shape (nx + 1,), ndarray of float64, shape (ny + 1,))
        Sides of the rectangles, ascending.
    cells : (ndarray of float64, shape (cells, k, 2), ndarray of int64, ndarray of int64)
        Corners of the convex cells, counter-clockwise; and what `cells_of_rows` gave.
    take : ndarray of bool, shape (ny, nx)
        The rectangles to measure.

    Returns
    -------
    who : ndarray of int64, shape (pieces, 2)
        Flat number of the rectangle and number of the cell, ascending.
    what : ndarray of float64, shape (pieces, 2)
        Fraction of the rectangle, summing to 1 for each, and its size in the units of the sides.
    gap : float
        Greatest relative difference between a rectangle and the sum of its pieces before they were made to sum to it.
    """
    (start, stop), (xs, ys) = rows, edges
    columns = xs.shape[0] - 1
    who = np.empty((2 * (stop - start) * columns + 16, 2), np.int64)
    what = np.empty((who.shape[0], 2))
    scratch = [np.empty((cells[0].shape[1] + 16, 2)) for _ in range(4)]
    buffers = (scratch[0], scratch[1], scratch[2], scratch[3])
    pieces, events = np.empty((columns + 2, 3)), np.empty((64, 4))
    place, total = np.empty(columns + 1, np.int64), np.empty(columns)
    used, gap = 0, 0.0
    for row in range(start, stop):
        events, happened = _events_of_row(row, edges, cells, (events, pieces, buffers))
        _count(events[:happened], take[row], place, used)
        first, used = used, place[columns]
        who, what = _grown(who, used), _grown(what, used)
        sizes = np.diff(xs) * (ys[row + 1] - ys[row])
        total[:] = 0.0
        _write(events[:happened], take[row], sizes, (place, total, who, what))
        for column in range(columns):
            if take[row, column]:
                gap = max(gap, abs(total[column] - sizes[column]) / max(sizes[column], 1.0))
        for i in range(first, used):
            column = who[i, 0]
            share = what[i, 0] / total[column]
            what[i, 0], what[i, 1] = share, share * sizes[column]
            who[i, 0] = row * columns + column
    return who[:used], what[:used], gap
