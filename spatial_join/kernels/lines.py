"""Straight pieces no longer than a cell, cut by the cells near them."""

from __future__ import annotations

import numba as nb
import numpy as np

__all__ = ["clip_segments"]


@nb.njit(nogil=True, cache=True)
def _inside(corner, ax, ay, bx, by):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Return the fraction of the segment from a to b inside of the convex, counter-clockwise polygon."""
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
def clip_segments(ends, own, candidates, corners):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """Find the fraction of every segment in each cell near it.

    Parameters
    ----------
    ends : ndarray of float64, shape (n, 4)
        x, y of the one end and x, y of the other.
    own : ndarray of int64, shape (n,)
        Number of the cell that holds the segment's middle.
    candidates : ndarray of int64, shape (cells, c)
        Per cell the numbers of itself and its neighbours, -1 for none.
    corners : ndarray of float64, shape (all cells, k, 2)
        Corners of the cells, counter-clockwise and convex.

    Returns
    -------
    segment : ndarray of int64, shape (hits,)
        The segment, in ascending order.
    cell : ndarray of int64, shape (hits,)
        The number of the cell.
    fraction : ndarray of float64, shape (hits,)
        Fractions, which sum to 1 per segment.
    """
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
            part = _inside(corners[c], ends[s, 0], ends[s, 1], ends[s, 2], ends[s, 3])
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
