"""Exact areas of cells on a grid of rectangles, one row of the grid after another.

Every edge adds, with the sign of its direction, the area between it and the right side of the rectangles that it
crosses, and its height to all that follow in the row; what other edges take away leaves the area of the cell. Heights
are differences of the same few numbers, so that they cancel without rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

from spatial_join.kernels.cutting import _grown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Edge = tuple[float, float, float, float]
    Edges = tuple[Floats, Floats]
    Listed = tuple[Floats, Numbers, Numbers]

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


@nb.njit(nogil=True, cache=True, inline="always")
def _add_edge(edge: Edge, sides: tuple[Floats, float, float], areas: Floats, heights: Floats) -> None:
    """Add what lies to the right of an edge in a row: in its own columns, and as a height in all that follow."""
    (x0, y0, x1, y1), (xs, bottom, top) = edge, sides
    sign = -1.0
    if y1 < y0:  # counter-clockwise: the left side goes down
        x0, y0, x1, y1, sign = x1, y1, x0, y0, 1.0
    if y0 >= top or y1 <= bottom:
        return
    if y0 < bottom or y1 > top:
        slope = (x1 - x0) / (y1 - y0)
        from_x, from_y = x0, y0
        if y0 < bottom:
            x0, y0 = from_x + (bottom - from_y) * slope, bottom
        if y1 > top:
            x1, y1 = from_x + (top - from_y) * slope, top
    if x0 > x1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, -sign
    x, y, last = x0, y0, xs.shape[0] - 2
    column = np.searchsorted(xs, x0, side="right") - 1
    while column <= last:
        at_end = x1 <= xs[column + 1]
        reach = x1 if at_end else xs[column + 1]
        level = y1 if at_end else y0 + (reach - x0) / (x1 - x0) * (y1 - y0)
        height = sign * (level - y)
        if column < 0:
            heights[0] += height
        else:
            areas[column] += height * max(xs[column + 1] - 0.5 * (x + reach), 0.0)
            heights[column + 1] += height
        if at_end:
            return
        x, y, column = reach, level, column + 1


@nb.njit(nogil=True, cache=True)
def _events_of_row(row: int, edges: Edges, cells: Listed, scratch: tuple[Floats, Floats, Floats]) -> tuple[Floats, int]:
    """Return first column, number of columns, area and cell of all that the cells have in a row, and how many."""
    (xs, ys), (corners, begin, listed) = edges, cells
    events, areas, heights = scratch
    bottom, top = ys[row], ys[row + 1]
    k, happened = corners.shape[1], 0
    for number in listed[begin[row] : begin[row + 1]]:
        first, end = np.inf, -np.inf
        for i in range(k):
            j = i + 1 if i + 1 < k else 0
            edge = (corners[number, i, 0], corners[number, i, 1], corners[number, j, 0], corners[number, j, 1])
            _add_edge(edge, (xs, bottom, top), areas, heights)
            first, end = min(first, edge[0]), max(end, edge[0])
        column = max(int(np.searchsorted(xs, first, side="right")) - 1, 0)
        stop = min(int(np.searchsorted(xs, end, side="left")), xs.shape[0] - 1)
        events = _grown(events, happened + stop - column + 1)
        covered, follows = 0.0, False
        for at in range(column, stop):
            covered += heights[at]
            width = xs[at + 1] - xs[at]
            area = areas[at] + covered * width
            whole = areas[at] == 0.0 and covered == top - bottom
            areas[at] = heights[at] = 0.0
            if whole and follows:
                events[happened - 1, 1] += 1.0
            elif area > SLIVER * width * (top - bottom):
                events[happened, 0], events[happened, 1], events[happened, 3] = at, 1.0, number
                events[happened, 2] = WHOLE if whole else area
                happened += 1
            follows = whole
        heights[stop] = 0.0
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
        Corners of the cells, counter-clockwise; and what `cells_of_rows` gave.
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
    events, areas, heights = np.empty((64, 4)), np.zeros(columns + 1), np.zeros(columns + 1)
    place, total = np.empty(columns + 1, np.int64), np.empty(columns)
    used, gap = 0, 0.0
    for row in range(start, stop):
        events, happened = _events_of_row(row, edges, cells, (events, areas, heights))
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
