"""All lines near a point, and how far off the k-th of them is, in a plane.

The companion of `nearest_segment`, on the same grid of segments: where several lines count, because they are equally
near, because the k nearest are asked for, or because all within a distance are.
"""

# ruff: noqa: ANN001, ANN202, PLR0917, PLW3301
# Compiled functions know neither keyword-only parameters nor a vectorised max() of three; numba infers their types.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numba as nb
import numpy as np

from spatial_join.kernels.threads import in_stretches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatial_join.kernels.nearest_segment import SegmentGrid

    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["Near", "lines_within", "reach_of_nearest"]

_STRETCH = 1 << 14  # points that a thread takes at a time
_SLACK = 2e-6  # of a cell: segments may be listed this far from where they are


class Near(NamedTuple):
    """Pairs of a point and a line near it, in the order of point, then line.

    Attributes
    ----------
    point, line : ndarray of int64, shape (pairs,)
        Row of the point, number of the line.
    distance : ndarray of float64, shape (pairs,)
        Distance in the unit of the coordinates.
    x, y : ndarray of float64, shape (pairs,)
        The place on the line that is nearest to the point.
    """

    point: NDArray[np.int64]
    line: NDArray[np.int64]
    distance: Floats
    x: Floats
    y: Floats


def lines_within(grid: SegmentGrid, x: Floats, y: Floats, *, radius: Floats, threads: int | None = None) -> Near:
    """Find all lines within a distance of every point.

    Parameters
    ----------
    grid : SegmentGrid
        The lines.
    x, y : ndarray of float64, shape (n,)
        Points, in the coordinates of the lines. A point that is not finite is near nothing.
    radius : ndarray of float64, shape (n,)
        How far a line may be from each point, in the unit of the coordinates; NaN for a point that is to find none.
    threads : int, optional
        Threads to use; all usable cores by default. The answer does not depend on it.

    Returns
    -------
    Near
        Every pair once, with its smallest distance.
    """

    def _search(start: int, stop: int) -> tuple[NDArray[np.int64], Floats]:
        """Find the segments near one stretch of points."""
        part = (x[start:stop], y[start:stop], radius[start:stop])
        counts = np.zeros(stop - start + 1, dtype=np.int64)
        _segments_near(part, grid, counts, (np.empty((0, 2), np.int64), np.empty((0, 3))))
        offsets = np.cumsum(counts)
        keys, found = np.empty((offsets[-1], 2), dtype=np.int64), np.empty((offsets[-1], 3))
        _segments_near(part, grid, offsets, (keys, found))
        kept = _one_of_each_line(offsets, keys, found)
        keys[:kept, 0] += start
        return keys[:kept], found[:kept]

    parts = in_stretches(_search, x.size, stretch=_STRETCH, threads=threads)
    keys = np.concatenate([np.empty((0, 2), dtype=np.int64), *(part[0] for part in parts)])
    found = np.concatenate([np.empty((0, 3)), *(part[1] for part in parts)])
    return Near(keys[:, 0], keys[:, 1], np.sqrt(found[:, 0]), found[:, 1], found[:, 2])


def reach_of_nearest(grid: SegmentGrid, x: Floats, y: Floats, *, k: int, threads: int | None = None) -> Floats:
    """Measure how far from every point its k-th nearest line is.

    Parameters
    ----------
    grid : SegmentGrid
        The lines.
    x, y : ndarray of float64, shape (n,)
        Points, in the coordinates of the lines.
    k : int
        How many lines; at least 1.
    threads : int, optional
        Threads to use; all usable cores by default. The answer does not depend on it.

    Returns
    -------
    ndarray of float64, shape (n,)
        Distances; infinite where there are fewer than k lines, NaN for a point that is not finite.
    """
    reach = np.empty(x.size)

    def _search(start: int, stop: int) -> None:
        """Measure for one stretch of points."""
        _reach(x[start:stop], y[start:stop], k, grid, reach[start:stop])

    in_stretches(_search, x.size, stretch=_STRETCH, threads=threads)
    return reach


@nb.njit(nogil=True, cache=True, inline="always")
def _place(x, y, span):  # type: ignore[no-untyped-def]
    """Return the squared distance to a segment and the place on it that is nearest."""
    px, py, ux, uy = x - span[0], y - span[1], span[2], span[3]
    t = min(1.0, max(0.0, (px * ux + py * uy) / span[4]))
    ex, ey = px - t * ux, py - t * uy
    return ex * ex + ey * ey, x - ex, y - ey


@nb.njit(nogil=True, cache=True, inline="always")
def _bounded(value: float, most: int) -> int:
    """Return the cell of a place, the nearest one of the grid for those beside it."""
    return int(min(max(math.floor(value), 0.0), most - 1.0))


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _segments_near(points, grid, counts, out):  # type: ignore[no-untyped-def]
    """Count the segments near each point; once ``counts`` are where each point's begin, write them."""
    keys, found = out
    for i in range(points[0].size):
        x, y, radius = points[0][i], points[1][i], points[2][i]
        if not (np.isfinite(x) and np.isfinite(y) and radius >= 0.0):
            continue
        square, wide = radius * radius, radius + _SLACK * grid.cell
        at = counts[i]
        for row in range(
            _bounded((y - wide - grid.bottom) / grid.cell, grid.ny),
            _bounded((y + wide - grid.bottom) / grid.cell, grid.ny) + 1,
        ):
            for column in range(
                _bounded((x - wide - grid.left) / grid.cell, grid.nx),
                _bounded((x + wide - grid.left) / grid.cell, grid.nx) + 1,
            ):
                cell = row * grid.nx + column
                for k in range(grid.starts[cell], grid.starts[cell + 1]):
                    here, near_x, near_y = _place(x, y, grid.spans[k])
                    if here > square:
                        continue
                    if keys.size == 0:
                        counts[i + 1] += 1
                    else:
                        keys[at, 0], keys[at, 1] = i, int(grid.spans[k, 7])
                        found[at, 0], found[at, 1], found[at, 2] = here, near_x, near_y
                    at += 1


@nb.njit(nogil=True, cache=True, inline="always")
def _keep(line, here, lines, squares):  # type: ignore[no-untyped-def]
    """Keep a line in the sorted list of the nearest ones, each line once."""
    last = squares.size - 1
    for j in range(squares.size):
        if lines[j] == line:
            if here >= squares[j]:
                return
            last = j
            break
    while last > 0 and squares[last - 1] > here:
        squares[last], lines[last] = squares[last - 1], lines[last - 1]
        last -= 1
    squares[last], lines[last] = here, line


@nb.njit(nogil=True, cache=True)
def _one_of_each_line(offsets, keys, found):  # type: ignore[no-untyped-def]
    """Keep the nearest place on each line of each point, in the order of lines, at the front; return how many."""
    # A line shows once for each of its segments and of the cells that list them.
    kept = 0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        if stop == start:
            continue
        order = start + np.argsort(keys[start:stop, 1], kind="mergesort")
        lines, places = keys[order, 1], found[order]
        for k in range(order.size):
            if k == 0 or lines[k] != lines[k - 1]:
                keys[kept, 0], keys[kept, 1] = i, lines[k]
                found[kept] = places[k]
                kept += 1
            elif places[k, 0] < found[kept - 1, 0]:
                found[kept - 1] = places[k]
    return kept


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _reach(x, y, k, grid, reach):  # type: ignore[no-untyped-def]
    """Look at ring after ring of cells until none can hold a line nearer than the k-th."""
    lines, squares = np.empty(k, np.int64), np.empty(k)
    for i in range(x.size):
        if not (np.isfinite(x[i]) and np.isfinite(y[i])):
            reach[i] = np.nan
            continue
        lines[:], squares[:] = -1, np.inf
        column = math.floor((x[i] - grid.left) / grid.cell)
        row = math.floor((y[i] - grid.bottom) / grid.cell)
        ring = max(0, max(max(-column, column - grid.nx + 1), max(-row, row - grid.ny + 1)))
        farthest = max(max(column, grid.nx - 1 - column), max(row, grid.ny - 1 - row))
        while ring <= farthest:
            # All that is in rings from this one on is at least this far away.
            clear = max(0.0, (ring - 1.0 - _SLACK) * grid.cell)
            if clear * clear > squares[k - 1]:
                break
            for j in range(max(row - ring, 0), min(row + ring, grid.ny - 1) + 1):
                step = 1 if abs(j - row) == ring or ring == 0 else 2 * ring
                for c in range(column - ring, column + ring + 1, step):
                    if not 0 <= c < grid.nx:
                        continue
                    cell = j * grid.nx + c
                    for s in range(grid.starts[cell], grid.starts[cell + 1]):
                        here = _place(x[i], y[i], grid.spans[s])[0]
                        if here < squares[k - 1]:
                            _keep(int(grid.spans[s, 7]), here, lines, squares)
            ring += 1
        reach[i] = math.sqrt(squares[k - 1])
