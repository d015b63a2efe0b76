"""Which polygons hold which points, exactly.

Points in a cell that lies wholly inside one polygon are answered without geometry; for the others the few edges in
their cell are looked at (see `polygon_grid`). A point on a boundary is recognised without rounding, and counts or does
not as the predicate says.
"""

# ruff: noqa: ANN001, ANN202, PLR0917
# Compiled functions know neither keyword-only parameters nor a vectorised max() of three; numba infers their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numba as nb
import numpy as np

from spatial_join.errors import JoinError
from spatial_join.kernels.orientation import side_of_line
from spatial_join.kernels.point_tiles import second_level_cache, sort_by_tile
from spatial_join.kernels.polygon_cells import EMPTY, END_OF_CELL, END_OF_POLYGON, INSIDE, turns_at_corner
from spatial_join.kernels.threads import in_stretches

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from spatial_join.kernels.polygon_grid import PolygonGrid

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int32]

__all__ = ["PointPredicate", "locate", "locate_first"]

PointPredicate = Literal["within", "intersects", "covered_by", "touches"]
"""How a point relates to a polygon: inside, inside or on its boundary (twice), on its boundary."""

_WANTED = {"within": 1, "intersects": 3, "covered_by": 3, "covers": 3, "contains": 1, "touches": 2}
_INTERIOR, _BOUNDARY = 1, 2
_SEVERAL = -2
_STRETCH = 1 << 16
_SORTED_STRETCH = 1 << 19  # enough points that a tile of them pays for reading its part of the index
_FITS = 8  # second-level caches: with more records than this, sorting the points first saves more than it costs


def locate_first(
    grid: PolygonGrid, x: ArrayLike, y: ArrayLike, *, predicate: str = "within", threads: int | None = None
) -> Ints:
    """Give the polygon of every point, for polygons that do not overlap.

    Parameters
    ----------
    grid : PolygonGrid
        The polygons.
    x, y : array_like of float, shape (n,)
        Points, in the coordinates of the polygons. A point with NaN is nowhere.
    predicate : {"within", "intersects", "covered_by", "touches"}, default "within"
        ``within`` leaves points on a boundary out, ``intersects`` and ``covered_by`` take them in, ``touches`` takes
        nothing else. ``contains`` and ``covers`` mean the same, seen from the polygon.
    threads : int, optional
        Threads to use; all usable cores by default. The answer does not depend on it.

    Returns
    -------
    ndarray of int32, shape (n,)
        Number of the polygon, the lowest if there are several; -1 where there is none.

    Raises
    ------
    JoinError
        If the predicate is unknown or the arrays are of different lengths.
    """
    points_x, points_y, wanted = _checked(x, y, predicate)
    ids = np.empty(points_x.size, dtype=np.int32)
    _locate(grid, (points_x, points_y), ids, -wanted, threads)
    return ids


def locate(
    grid: PolygonGrid, x: ArrayLike, y: ArrayLike, *, predicate: str = "within", threads: int | None = None
) -> tuple[NDArray[np.integer], Ints]:
    """Give all pairs of a point and a polygon that holds it.

    Parameters
    ----------
    grid : PolygonGrid
        The polygons; they may overlap.
    x, y : array_like of float, shape (n,)
        Points, in the coordinates of the polygons. A point with NaN is nowhere.
    predicate : {"within", "intersects", "covered_by", "touches"}, default "within"
        As for `locate_first`.
    threads : int, optional
        Threads to use; all usable cores by default. The answer does not depend on it.

    Returns
    -------
    point : ndarray of int32 (int64 for more than 2,147,483,647 points), shape (pairs,)
        Rows of the points, ascending.
    polygon : ndarray of int32, shape (pairs,)
        Numbers of the polygons, ascending for each point.

    Raises
    ------
    JoinError
        If the predicate is unknown or the arrays are of different lengths.
    """
    points_x, points_y, wanted = _checked(x, y, predicate)
    ids = np.empty(points_x.size, dtype=np.int32)
    counts = _locate(grid, (points_x, points_y), ids, wanted, threads)
    offsets = np.cumsum([0, *counts])
    point = np.empty(offsets[-1], dtype=np.int32 if ids.size <= np.iinfo(np.int32).max else np.int64)
    polygon = np.empty(offsets[-1], dtype=np.int32)
    stretch = _stretch_for(grid, ids.size)

    def _write(start: int, stop: int) -> None:
        """Write the pairs of one stretch of points."""
        to = slice(offsets[start // stretch], offsets[start // stretch + 1])
        _write_pairs((points_x, points_y), (start, stop), ids, grid, (point[to], polygon[to], wanted))

    in_stretches(_write, ids.size, stretch=stretch, threads=threads)
    return point, polygon


def _checked(x: ArrayLike, y: ArrayLike, predicate: str) -> tuple[Floats, Floats, int]:
    points_x = np.ascontiguousarray(x, dtype=np.float64).ravel()
    points_y = np.ascontiguousarray(y, dtype=np.float64).ravel()
    if points_x.size != points_y.size:
        raise JoinError(f"{points_x.size} x but {points_y.size} y were given; pass one of each per point.")
    if predicate not in _WANTED:
        raise JoinError(f"{predicate!r} is not a predicate of points and polygons; use one of {', '.join(_WANTED)}.")
    return points_x, points_y, _WANTED[predicate]


def _stretch_for(grid: PolygonGrid, points: int) -> int:
    """Take many points at a time if sorting them pays, which it does once the records outgrow the cache.

    The codes of the cells do not count: they are read once a point, which costs less than sorting.
    """
    records = grid.runs.nbytes + grid.vertices.nbytes
    return _SORTED_STRETCH if records > _FITS * second_level_cache() and points > _STRETCH else _STRETCH


def _locate(grid: PolygonGrid, points: tuple[Floats, Floats], ids: Ints, wanted: int, threads: int | None) -> list[int]:
    """Write the polygon of every point and return how many pairs each stretch has; below 0, the first is enough."""
    stretch = _stretch_for(grid, ids.size)
    box = (grid.left, grid.bottom, grid.nx * grid.cell, grid.ny * grid.cell)

    def _find_part(start: int, stop: int) -> int:
        """Find the polygons of one stretch of points."""
        x, y = points[0][start:stop], points[1][start:stop]
        if stretch == _STRETCH:
            return int(_find(x, y, ids[start:stop], grid, wanted))
        sorted_x, sorted_y, order = sort_by_tile(x, y, box)
        found = np.empty(order.size, dtype=np.int32)
        pairs = int(_find(sorted_x, sorted_y, found, grid, wanted))
        _put_back(found, order, ids[start:stop])
        return pairs

    return in_stretches(_find_part, ids.size, stretch=stretch, threads=threads)


@nb.njit(nogil=True, cache=True)
def _put_back(found: Ints, order: Ints, ids: Ints) -> None:
    """Write what was found for sorted points to where they came from."""
    for k in range(order.size):
        ids[order[k]] = found[k]


@nb.njit(nogil=True, cache=True, inline="always")
def _parity(x, y, right, run, vertices):  # type: ignore[no-untyped-def]
    """Count, modulo 2, what a run of edges adds to the walk from a point; 2 if the point is on one of them."""
    ax, ay = vertices[run[1], 0], vertices[run[1], 1]
    parity = False
    for k in range(run[1] + 1, run[1] + run[2] + 1):
        bx, by = vertices[k, 0], vertices[k, 1]
        if ay == y and (ax == x or (by == y and (ax < x) != (bx < x))):
            return _BOUNDARY
        parity ^= turns_at_corner((ax, ay), (bx, by), right, y)
        if (ay > y) != (by > y):
            if ax > x and bx > x:
                parity = not parity
            elif ax >= x or bx >= x:
                side = side_of_line(ax, ay, bx, by, x, y)
                if side == 0:
                    return _BOUNDARY
                parity ^= (side > 0) == (by > ay)
        ax, ay = bx, by
    return 1 if parity else 0


@nb.njit(nogil=True, cache=True)
def _next_hit(point, at, runs, vertices, wanted):  # type: ignore[no-untyped-def]
    """Return the next polygon of a cell that holds the point, and the run after it; -1 at the end."""
    x, y, right = point
    while at >= 0:
        total, on_boundary = 0, False
        while True:
            parity = _parity(x, y, right, runs[at], vertices)
            on_boundary |= parity == _BOUNDARY
            total ^= parity & 1
            flags = runs[at, 3]
            at += 1
            if flags & END_OF_POLYGON:
                break
        relation = _BOUNDARY if on_boundary else total ^ (flags & INSIDE)
        polygon = runs[at - 1, 0]
        if flags & END_OF_CELL:
            at = -1
        if relation & wanted:
            return polygon, at
    return -1, -1


@nb.njit(nogil=True, cache=True)
def _find(x, y, ids, grid, wanted):  # type: ignore[no-untyped-def]
    """Write the polygon of every point, -1 for none and -2 for several, and return the number of pairs."""
    per_cell, codes, runs, vertices = 1.0 / grid.cell, grid.codes, grid.runs, grid.vertices
    only_first = wanted < 0
    wanted = abs(wanted)
    pairs = 0
    for i in range(x.size):
        across, up = (x[i] - grid.left) * per_cell, (y[i] - grid.bottom) * per_cell
        code = EMPTY
        if across >= 0.0 and up >= 0.0 and across < grid.nx and up < grid.ny:
            code = codes[np.uint64(up) * np.uint64(grid.nx) + np.uint64(across)]
        if code < EMPTY:
            right = grid.left + (np.floor(across) + 1.0) * grid.cell
            code, at = _next_hit((x[i], y[i], right), -2 - code, runs, vertices, wanted)
            while at >= 0 and not only_first:
                other, at = _next_hit((x[i], y[i], right), at, runs, vertices, wanted)
                if other >= 0:
                    code = _SEVERAL
                    pairs += 1
            pairs += code != EMPTY
        elif code >= 0:
            if wanted & _INTERIOR:
                pairs += 1
            else:
                code = EMPTY
        ids[i] = code
    return pairs


@nb.njit(nogil=True, cache=True)
def _write_pairs(points, span, ids, grid, out):  # type: ignore[no-untyped-def]
    """Write the pairs of a stretch of points whose polygons have been found."""
    x, y = points
    point, polygon, wanted = out
    runs, vertices = grid.runs, grid.vertices
    per_cell = 1.0 / grid.cell  # as in `_find`, so that both see a point in the same cell
    pairs = 0
    for i in range(span[0], span[1]):
        if ids[i] >= 0:
            point[pairs] = i
            polygon[pairs] = ids[i]
            pairs += 1
        elif ids[i] == _SEVERAL:
            across, up = (x[i] - grid.left) * per_cell, (y[i] - grid.bottom) * per_cell
            right = grid.left + (np.floor(across) + 1.0) * grid.cell
            at = np.int64(-2 - grid.codes[int(up) * grid.nx + int(across)])
            while at >= 0:
                found, at = _next_hit((x[i], y[i], right), at, runs, vertices, wanted)
                if found >= 0:
                    point[pairs] = i
                    polygon[pairs] = found
                    pairs += 1
