"""Straight pieces no longer than a cell, cut by the cells near them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64]
    Cells = tuple[Floats, Numbers]

__all__ = ["clip_segments"]


@nb.njit(nogil=True, cache=True)
def _inside(corner: Floats, ends: Floats) -> float:
    """Return the fraction of the segment inside of the convex, counter-clockwise polygon."""
    ax, ay, bx, by = ends[0], ends[1], ends[2], ends[3]
    lo, hi = 0.0, 1.0
    k = corner.shape[0]
    for j in range(k):
        i = (j + 1) % k
        dx, dy = corner[i, 0] - corner[j, 0], corner[i, 1] - corner[j, 1]
        sa = dx * (ay - corner[j, 1]) - dy * (ax - corner[j, 0])
        sb = dx * (by - corner[j, 1]) - dy * (bx - corner[j, 0])
        if sa < 0.0 and sb < 0.0:
            return 0.0
        if sa < 0.0:
            lo = max(lo, sa / (sa - sb))
        elif sb < 0.0:
            hi = min(hi, sa / (sa - sb))
    return max(0.0, hi - lo)


@nb.njit(nogil=True, cache=True)
def clip_segments(ends: Floats, own: Numbers, candidates: Numbers, cells: Cells) -> tuple[Numbers, Numbers, Floats]:
    """Find the fraction of every segment in each cell near it.

    Parameters
    ----------
    ends : ndarray of float64, shape (n, 4)
        x, y of the one end and x, y of the other.
    own : ndarray of int64, shape (n,)
        Number of the cell that holds the segment's middle.
    candidates : ndarray of int64, shape (cells, c)
        Per cell the numbers of itself and its neighbours, -1 for none.
    cells : (ndarray of float64, shape (parts, k, 2), ndarray of int64, shape (all cells + 1,))
        Corners of the convex parts of the cells, counter-clockwise, and where the parts of each cell begin.

    Returns
    -------
    segment : ndarray of int64, shape (hits,)
        The segment, in ascending order.
    cell : ndarray of int64, shape (hits,)
        The number of the cell.
    fraction : ndarray of float64, shape (hits,)
        Fractions, which sum to 1 per segment.
    """
    corners, begin = cells
    n, width = own.shape[0], candidates.shape[1]
    size = 2 * n + 2 * width
    segment, cell, fraction = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
    hits = 0
    for s in range(n):
        if hits + width > size:
            size *= 2
            segment = np.concatenate((segment, np.empty(size - segment.shape[0], np.int64)))
            cell = np.concatenate((cell, np.empty(size - cell.shape[0], np.int64)))
            fraction = np.concatenate((fraction, np.empty(size - fraction.shape[0])))
        first, total = hits, 0.0
        for c in candidates[own[s]]:
            if c < 0:
                continue
            part = 0.0
            for k in range(begin[c], begin[c + 1]):
                part += _inside(corners[k], ends[s])
            if part > 0.0:
                segment[hits], cell[hits], fraction[hits] = s, c, part
                total += part
                hits += 1
            if part == 1.0 and c == own[s]:
                break
        if total == 0.0:  # a segment of no length on an edge
            segment[hits], cell[hits], fraction[hits] = s, own[s], 1.0
            total = 1.0
            hits += 1
        for h in range(first, hits):
            fraction[h] /= total
    return segment[:hits].copy(), cell[:hits].copy(), fraction[:hits].copy()
