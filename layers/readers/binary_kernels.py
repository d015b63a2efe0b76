"""Compiled loops over well-known binary: where each geometry ends, its coordinates, and whether it is plainly sound."""

# ruff: noqa: C901, FBT001, PLR0917, SIM110
from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LINE", "MULTILINE", "MULTIPOLYGON", "POLYGON", "copy_coordinates", "find_doubtful", "measure"]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")

LINE, POLYGON, MULTILINE, MULTIPOLYGON = 1, 3, 5, 6
#: Beyond so many vertices a ring that is not convex is left to GEOS, which has an index.
_MOST_VERTICES = 100
#: What a cross product of differences may be off, as a share of its two products (Shewchuk 1997, with room to spare).
_ROUNDING = 1e-15


@_jit
def _whole(data: NDArray[np.uint8], at: int) -> int:
    value: int = data[at] | data[at + 1] << 8 | data[at + 2] << 16 | np.int64(data[at + 3]) << 24
    return value


@_jit
def _kind(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Return a geometry's kind and dimensions; (-1, 0) unless it is little-endian, and flat or with z."""
    if at + 9 > end or data[at] != 1:
        return -1, 0
    code = _whole(data, at + 1)
    if 1000 < code < 1008:
        return code - 1000, 3
    if code & 0xFFFFFFF8 == 0x80000000:
        return code & 7, 3
    return (code, 2) if code < 8 else (-1, 0)


@_jit
def _same(data: NDArray[np.uint8], one: int, other: int) -> bool:
    """Say whether two vertices are written alike, and finite."""
    for k in range(16):
        if data[one + k] != data[other + k]:
            return False
    for k in (7, 15):
        if data[one + k] & 0x7F == 0x7F and data[one + k - 1] >= 0xF0:
            return False
    return True


@_jit
def _run(data: NDArray[np.uint8], at: int, end: int, size: int, closed: bool) -> int:
    """Return the number of vertices of a line or a ring; -1 if GEOS would refuse it, or it does not fit."""
    if at + 4 > end:
        return -1
    count: int = _whole(data, at)
    if count < (4 if closed else 2) or count > (end - at - 4) // size:
        return -1
    if closed and not _same(data, at + 4, at + 4 + (count - 1) * size):
        return -1
    return count


@_jit
def measure(data: NDArray[np.uint8], starts: NDArray[np.int64]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Walk through geometries.

    Parameters
    ----------
    data : numpy.ndarray of uint8
        Well-known binary, one geometry behind the other.
    starts : numpy.ndarray of int64, shape (n + 1,)
        Where each begins and the last ends; nothing beyond is looked at.

    Returns
    -------
    kinds : numpy.ndarray of int8, shape (n,)
        Kind, plus 10 with z; -1 for what is no line or polygon, empty, or not wholly right.
    sizes : numpy.ndarray of int64, shape (n, 3)
        Parts, runs of vertices (lines or rings) and vertices of each.
    """
    n = len(starts) - 1
    kinds, sizes = np.full(n, -1, dtype=np.int8), np.zeros((n, 3), dtype=np.int64)
    for i in range(n):
        at, end = starts[i], starts[i + 1]
        kind, dimensions = _kind(data, at, end)
        if kind not in (LINE, POLYGON, MULTILINE, MULTIPOLYGON):
            continue
        several, inner = kind >= MULTILINE, kind if kind < MULTILINE else kind - 4 if kind == MULTILINE else POLYGON
        parts, runs, vertices = 1, 0, 0
        if several:
            parts = _whole(data, at + 5)
            at += 9
        right = 0 < parts <= end - at
        for _ in range(parts if right else 0):
            own, own_dimensions = _kind(data, at, end)
            if own != inner or own_dimensions != dimensions:
                right = False
                break
            at += 5
            of_part = 1
            if inner == POLYGON:
                of_part = _whole(data, at)
                at += 4
                right = 0 < of_part <= end - at
            for _ in range(of_part if right else 0):
                count = _run(data, at, end, 8 * dimensions, inner == POLYGON)
                if count < 0:
                    right = False
                    break
                at += 4 + count * 8 * dimensions
                vertices += count
            runs += of_part
            if not right:
                break
        if right and at == end:
            kinds[i] = kind + (10 if dimensions == 3 else 0)
            sizes[i, 0], sizes[i, 1], sizes[i, 2] = parts, runs, vertices
    return kinds, sizes


@_jit
def copy_coordinates(
    data: NDArray[np.uint8], starts: NDArray[np.int64], rows: NDArray[np.int64], sizes: NDArray[np.int64], code: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Take geometries of one kind apart.

    Parameters
    ----------
    data, starts : numpy.ndarray
        As of `measure`.
    rows : numpy.ndarray of int64, shape (k,)
        Which.
    sizes : numpy.ndarray of int64, shape (k, 3)
        Theirs, as `measure` found them.
    code : int
        Their kind, plus 10 with z.

    Returns
    -------
    numbers : numpy.ndarray of uint8
        Coordinates as bytes.
    run_ends, part_ends, ends : numpy.ndarray of int64
        From 0: vertices at the end of each run, runs at the end of each part, parts at the end of each geometry.
    """
    size, kind = 24 if code > 10 else 16, code % 10
    parts, runs, vertices = sizes[:, 0].sum(), sizes[:, 1].sum(), sizes[:, 2].sum()
    numbers = np.empty(vertices * size, dtype=np.uint8)
    run_ends, part_ends = np.zeros(runs + 1, dtype=np.int64), np.zeros(parts + 1, dtype=np.int64)
    ends = np.zeros(len(rows) + 1, dtype=np.int64)
    part, run, out = 0, 0, 0
    for k in range(len(rows)):
        at = starts[rows[k]] + (9 if kind >= MULTILINE else 0)
        for _ in range(sizes[k, 0]):
            at += 5
            of_part = 1
            if kind in (POLYGON, MULTIPOLYGON):
                of_part = _whole(data, at)
                at += 4
            for _ in range(of_part):
                length = _whole(data, at) * size
                at += 4
                numbers[out : out + length] = data[at : at + length]
                at, out, run = at + length, out + length, run + 1
                run_ends[run] = out // size
            part += 1
            part_ends[part] = run
        ends[k + 1] = part
    return numbers, run_ends, part_ends, ends


@_jit
def _side(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """Say on which side of a-b lies c: 1 left, -1 right, 0 where rounding leaves it open."""
    left, right = (bx - ax) * (cy - ay), (by - ay) * (cx - ax)
    cross, bound = left - right, _ROUNDING * (abs(left) + abs(right))
    return 1 if cross > bound else -1 if cross < -bound else 0


@_jit
def _is_convex(xy: NDArray[np.float64]) -> bool:
    """Say whether a closed ring turns one way at every vertex, and once around in all."""
    n, turns, crossings = len(xy) - 1, 0, 0
    for i in range(n):
        j, k = (i + 1) % n, (i + 2) % n
        side = _side(xy[i, 0], xy[i, 1], xy[j, 0], xy[j, 1], xy[k, 0], xy[k, 1])
        if side == 0 or side * turns < 0:
            return False
        turns = side
        up = xy[j, 1] > xy[i, 1] or (xy[j, 1] == xy[i, 1] and xy[j, 0] > xy[i, 0])
        next_up = xy[k, 1] > xy[j, 1] or (xy[k, 1] == xy[j, 1] and xy[k, 0] > xy[j, 0])
        crossings += up != next_up
    return crossings == 2


@_jit
def _apart(xy: NDArray[np.float64], i: int, j: int) -> bool:
    """Say whether two edges of a ring surely have no point in common."""
    ax, ay, bx, by = xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1]
    cx, cy, dx, dy = xy[j, 0], xy[j, 1], xy[j + 1, 0], xy[j + 1, 1]
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx) or max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return True
    apart: bool = (
        _side(ax, ay, bx, by, cx, cy) * _side(ax, ay, bx, by, dx, dy) > 0
        or _side(cx, cy, dx, dy, ax, ay) * _side(cx, cy, dx, dy, bx, by) > 0
    )
    return apart


@_jit
def _is_simple(xy: NDArray[np.float64]) -> bool:
    """Say whether a closed ring surely does not touch or cross itself."""
    n = len(xy) - 1
    if n < 3:
        return False
    if _is_convex(xy):
        return True
    if n > _MOST_VERTICES:
        return False
    for i in range(n):
        k = (i + 2) % n
        ax, ay, bx, by, cx, cy = xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1], xy[k, 0], xy[k, 1]
        # On a straight line an edge may go on, and not come back.
        if _side(ax, ay, bx, by, cx, cy) == 0 and not (bx - ax) * (cx - bx) + (by - ay) * (cy - by) > 0:
            return False
        for j in range(i + 2, n - (i == 0)):
            if not _apart(xy, i, j):
                return False
    return True


@_jit
def find_doubtful(
    numbers: NDArray[np.float64],
    run_ends: NDArray[np.int64],
    part_ends: NDArray[np.int64],
    ends: NDArray[np.int64],
    areal: bool,
) -> NDArray[np.bool_]:
    """Find the geometries that need a closer look.

    Parameters
    ----------
    numbers : numpy.ndarray of float64, shape (v, 2) or (v, 3)
        Coordinates.
    run_ends, part_ends, ends : numpy.ndarray of int64
        As of `copy_coordinates`.
    areal : bool
        Whether they are polygons.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        False for lines that surely have a length, and polygons of a single ring that surely is simple; all finite.
    """
    n = len(ends) - 1
    doubtful = np.ones(n, dtype=np.bool_)
    for i in range(n):
        first, last = part_ends[ends[i]], part_ends[ends[i + 1]]
        xy = numbers[run_ends[first] : run_ends[last], :2]
        finite = True
        for k in range(len(xy)):
            finite &= np.isfinite(xy[k, 0]) and np.isfinite(xy[k, 1])
        if not finite:
            continue
        if areal:
            doubtful[i] = last - first != 1 or not _is_simple(xy)
            continue
        for run in range(first, last):
            line = numbers[run_ends[run] : run_ends[run + 1]]
            for k in range(1, len(line)):
                if line[k, 0] != line[0, 0] or line[k, 1] != line[0, 1]:
                    doubtful[i] = False
    return doubtful
