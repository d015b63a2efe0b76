"""Cutting rings into pieces no larger than a cell, and pieces into the cells that they lie in.

All cuts are Sutherland-Hodgman clips by one straight line at a time. A ring that is not convex may come out with
edges that run back and forth along the cut; they enclose nothing, so the signed area stays exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64]
    Line = tuple[float, float, float, float]
    Rings = tuple[Floats, Numbers]
    Cells = tuple[Floats, Numbers]

__all__ = ["clip_pieces", "ring_areas", "split_rings"]

EARTH_RADIUS_M = 6371007.0


@nb.njit(nogil=True, cache=True)
def _grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return the array with room for at least ``size`` rows."""
    if array.shape[0] >= size:
        return array
    out = np.empty((max(size, 2 * array.shape[0]), array.shape[1]), array.dtype)
    out[: array.shape[0]] = array
    return out


@nb.njit(nogil=True, cache=True)
def _keep_left(source: Floats, n: int, target: Floats, line: Line) -> int:
    """Clip ``source[:n]`` to the left of a line (point, then direction); return the number of vertices kept."""
    ax, ay, dx, dy = line
    m = 0
    px, py = source[n - 1, 0], source[n - 1, 1]
    ps = dx * (py - ay) - dy * (px - ax)
    for i in range(n):
        cx, cy = source[i, 0], source[i, 1]
        cs = dx * (cy - ay) - dy * (cx - ax)
        if (cs >= 0.0) != (ps >= 0.0):
            t = ps / (ps - cs)
            target[m, 0] = px + t * (cx - px)
            target[m, 1] = py + t * (cy - py)
            m += 1
        if cs >= 0.0:
            target[m, 0] = cx
            target[m, 1] = cy
            m += 1
        px, py, ps = cx, cy, cs
    return m


@nb.njit(nogil=True, cache=True)
def _signed_area(ring: Floats, n: int) -> float:
    """Return the area of ``ring[:n]``, positive when counter-clockwise, measured from its first vertex."""
    total = 0.0
    for i in range(1, n - 1):
        total += (ring[i, 0] - ring[0, 0]) * (ring[i + 1, 1] - ring[0, 1])
        total -= (ring[i + 1, 0] - ring[0, 0]) * (ring[i, 1] - ring[0, 1])
    return 0.5 * total


@nb.njit(nogil=True, cache=True)
def ring_areas(xy: Floats, start: Numbers) -> Floats:
    """Measure every ring.

    Parameters
    ----------
    xy : ndarray of float64, shape (m, 2)
        Vertices of all rings, open.
    start : ndarray of int64, shape (k + 1,)
        Where each ring begins.

    Returns
    -------
    ndarray of float64, shape (k,)
        Signed areas, positive when counter-clockwise.
    """
    out = np.empty(start.shape[0] - 1)
    for k in range(out.shape[0]):
        out[k] = _signed_area(xy[start[k] : start[k + 1]], start[k + 1] - start[k])
    return out


@nb.njit(nogil=True, cache=True)
def split_rings(xy: Floats, start: Numbers, reach_m: float) -> tuple[Floats, Numbers, Numbers]:
    """Halve every ring until each piece fits in a circle.

    Parameters
    ----------
    xy : ndarray of float64, shape (m, 2)
        Vertices of all rings in the cylindrical equal-area plane in metres, open.
    start : ndarray of int64, shape (k + 1,)
        Where each ring begins.
    reach_m : float
        Largest radius of a piece about the middle of its bounding box, in metres on the ground.

    Returns
    -------
    piece_xy : ndarray of float64, shape (p, 2)
        Vertices of all pieces, open.
    piece_start : ndarray of int64, shape (pieces + 1,)
        Where each piece begins.
    piece_ring : ndarray of int64, shape (pieces,)
        The ring that a piece is of.
    """
    out = np.empty((max(16, 2 * xy.shape[0]), 2))
    meta = np.empty((max(16, 2 * start.shape[0]), 2), np.int64)
    stack = np.empty((256, 2))
    frames = np.empty((128, 2), np.int64)
    left, right = np.empty((64, 2)), np.empty((64, 2))
    used = pieces = 0
    for k in range(start.shape[0] - 1):
        n = start[k + 1] - start[k]
        stack = _grown(stack, n)
        stack[:n] = xy[start[k] : start[k + 1]]
        frames[0, 0], frames[0, 1] = 0, n
        depth = 1
        while depth > 0:
            depth -= 1
            s, n = frames[depth, 0], frames[depth, 1]
            x0 = x1 = stack[s, 0]
            y0 = y1 = stack[s, 1]
            for i in range(s + 1, s + n):
                x0, x1 = min(x0, stack[i, 0]), max(x1, stack[i, 0])
                y0, y1 = min(y0, stack[i, 1]), max(y1, stack[i, 1])
            squeeze = math.sqrt(max(1e-6, 1.0 - (0.5 * (y0 + y1) / EARTH_RADIUS_M) ** 2))
            width, height = (x1 - x0) * squeeze, (y1 - y0) / squeeze
            if width * width + height * height <= 4.0 * reach_m * reach_m:
                out, meta = _grown(out, used + n), _grown(meta, pieces + 2)
                out[used : used + n] = stack[s : s + n]
                meta[pieces, 0], meta[pieces, 1] = used, k
                used += n
                pieces += 1
                continue
            left, right = _grown(left, 2 * n + 2), _grown(right, 2 * n + 2)
            if width >= height:
                x = 0.5 * (x0 + x1)
                a = _keep_left(stack[s : s + n], n, left, (x, 0.0, 0.0, 1.0))
                b = _keep_left(stack[s : s + n], n, right, (x, 0.0, 0.0, -1.0))
            else:
                y = 0.5 * (y0 + y1)
                a = _keep_left(stack[s : s + n], n, left, (0.0, y, -1.0, 0.0))
                b = _keep_left(stack[s : s + n], n, right, (0.0, y, 1.0, 0.0))
            stack, frames = _grown(stack, s + a + b), _grown(frames, depth + 2)
            if b > 2:
                stack[s : s + b] = right[:b]
                frames[depth, 0], frames[depth, 1] = s, b
                s += b
                depth += 1
            if a > 2:
                stack[s : s + a] = left[:a]
                frames[depth, 0], frames[depth, 1] = s, a
                depth += 1
    piece_start = np.empty(pieces + 1, np.int64)
    piece_start[:pieces] = meta[:pieces, 0]
    piece_start[pieces] = used
    return out[:used].copy(), piece_start, meta[:pieces, 1].copy()


@nb.njit(nogil=True, cache=True)
def _covers(corner: Floats, piece: Floats) -> bool:
    """Whether all vertices of the piece lie in the convex, counter-clockwise polygon."""
    k = corner.shape[0]
    for j in range(k):
        ax, ay = corner[j, 0], corner[j, 1]
        bx, by = corner[(j + 1) % k, 0], corner[(j + 1) % k, 1]
        for i in range(piece.shape[0]):
            if (bx - ax) * (piece[i, 1] - ay) - (by - ay) * (piece[i, 0] - ax) < 0.0:
                return False
    return True


@nb.njit(nogil=True, cache=True)
def _overlap(corner: Floats, piece: Floats, scratch: tuple[Floats, Floats]) -> tuple[float, tuple[Floats, Floats]]:
    """Return the signed area that the piece has in the convex polygon, and the scratch arrays, perhaps grown."""
    n, k = piece.shape[0], corner.shape[0]
    one, two = _grown(scratch[0], n), scratch[1]
    one[:n] = piece
    for j in range(k):
        i = (j + 1) % k
        ax, ay = corner[j, 0], corner[j, 1]
        two = _grown(two, 2 * n + 2)
        n = _keep_left(one, n, two, (ax, ay, corner[i, 0] - ax, corner[i, 1] - ay))
        if n < 3:
            return 0.0, (one, two)
        one, two = two, one
    return _signed_area(one, n), (one, two)


@nb.njit(nogil=True, cache=True)
def clip_pieces(pieces: Rings, own: Numbers, candidates: Numbers, cells: Cells) -> tuple[Numbers, Numbers, Floats]:
    """Measure what every piece has in each cell near it.

    Parameters
    ----------
    pieces : (ndarray of float64, shape (p, 2), ndarray of int64, shape (pieces + 1,))
        Vertices of all pieces, and where each piece begins.
    own : ndarray of int64, shape (pieces,)
        Number of the cell that holds the piece's middle.
    candidates : ndarray of int64, shape (cells, c)
        Per cell the numbers of itself and its neighbours, -1 for none.
    cells : (ndarray of float64, shape (parts, k, 2), ndarray of int64, shape (all cells + 1,))
        Corners of the convex parts of the cells, counter-clockwise, and where the parts of each cell begin.

    Returns
    -------
    piece : ndarray of int64, shape (hits,)
        The piece, in ascending order.
    cell : ndarray of int64, shape (hits,)
        The number of the cell.
    area : ndarray of float64, shape (hits,)
        Signed area of the piece in the cell.
    """
    piece_xy, piece_start = pieces
    corners, begin = cells
    bounds = np.empty((corners.shape[0], 4))
    for part in range(corners.shape[0]):
        bounds[part, 0], bounds[part, 1] = corners[part, :, 0].min(), corners[part, :, 0].max()
        bounds[part, 2], bounds[part, 3] = corners[part, :, 1].min(), corners[part, :, 1].max()
    who = np.empty((2 * own.shape[0] + 16, 2), np.int64)
    what = np.empty((2 * own.shape[0] + 16, 1))
    scratch = (np.empty((64, 2)), np.empty((64, 2)))
    hits = 0
    for p in range(own.shape[0]):
        piece = piece_xy[piece_start[p] : piece_start[p + 1]]
        who, what = _grown(who, hits + candidates.shape[1]), _grown(what, hits + candidates.shape[1])
        home = begin[own[p]]
        if begin[own[p] + 1] == home + 1 and _covers(corners[home], piece):
            who[hits, 0], who[hits, 1], what[hits, 0] = p, own[p], _signed_area(piece, piece.shape[0])
            hits += 1
            continue
        x0, x1 = piece[:, 0].min(), piece[:, 0].max()
        y0, y1 = piece[:, 1].min(), piece[:, 1].max()
        for c in candidates[own[p]]:
            if c < 0:
                continue
            area = 0.0
            for part in range(begin[c], begin[c + 1]):
                if bounds[part, 1] <= x0 or bounds[part, 0] >= x1 or bounds[part, 3] <= y0 or bounds[part, 2] >= y1:
                    continue
                more, scratch = _overlap(corners[part], piece, scratch)
                area += more
            if area != 0.0:
                who[hits, 0], who[hits, 1], what[hits, 0] = p, c, area
                hits += 1
    return who[:hits, 0].copy(), who[:hits, 1].copy(), what[:hits, 0].copy()
