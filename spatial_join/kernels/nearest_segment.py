"""The nearest line of every point, with its distance and where along it, in a plane.

Lines are cut into their straight segments, and each segment is listed in the cells of a grid that it passes. A point
looks at the segments of its own cell, then at the rings of cells around it, until no ring can hold a nearer one.
"""

# ruff: noqa: ANN001, ANN202, PLR0917, PLW3301
# Compiled functions know neither keyword-only parameters nor a vectorised max() of three; numba infers their types.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numba as nb
import numpy as np
import shapely

from spatial_join.errors import GeometryError, JoinError
from spatial_join.kernels.point_tiles import second_level_cache, sort_by_tile
from spatial_join.kernels.polygon_cells import Strips, sort_into_rows
from spatial_join.kernels.threads import in_stretches

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int32]
    Offsets: TypeAlias = NDArray[np.int64]

__all__ = ["Nearest", "SegmentGrid", "build_segment_grid", "nearest", "segment_grid_of"]

NOWHERE = -1
"""Line of a point that has none within the radius."""

_CELLS_PER_SEGMENT = 0.5  # measured: fewer cells to look at outweigh the longer lists
_MOST_CELLS = 1 << 24
_STRETCH, _SORTED_STRETCH = 1 << 15, 1 << 18  # points that a thread takes at a time, the latter if they are sorted
_SLACK = 2e-6  # of a cell: segments may be listed this far from where they are


class SegmentGrid(NamedTuple):
    """Lines on a uniform grid, ready for points. Made by `build_segment_grid`; its arrays are read-only.

    Attributes
    ----------
    starts : ndarray of int64, shape (ny * nx + 1,)
        Where the segments of each cell begin, row by row from the lower left.
    spans : ndarray of float64, shape (n, 8)
        Segments by cell, one cache line each: start x and y, step to the end in x and y, the squared length (1 for
        none), fraction of the line before the segment and on it, number of the line.
    left, bottom, cell : float
        Lower left corner of the grid and side of a cell.
    nx, ny : int
        Cells across and up.
    """

    starts: Offsets
    spans: Floats
    left: float
    bottom: float
    cell: float
    nx: int
    ny: int

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.starts.nbytes + self.spans.nbytes


class Nearest(NamedTuple):
    """What lies nearest to each point.

    Attributes
    ----------
    line : ndarray of int32, shape (n,)
        Number of the line, the lowest of equally near ones; -1 if none is within the radius.
    distance : ndarray of float64, shape (n,)
        Distance in the unit of the coordinates; NaN if there is no line.
    fraction : ndarray of float64, shape (n,)
        Where along the line the nearest place is: 0 at its start, 1 at its end; NaN if there is no line.
    x, y : ndarray of float64, shape (n,)
        That place; NaN if there is no line.
    second : ndarray of float64, shape (n,)
        Distance to the nearest of the other lines among those that were looked at, infinite if there was none: never
        more than the true one where that is as small as ``distance``, so that ties show; NaN if there is no line.
    """

    line: Ints
    distance: Floats
    fraction: Floats
    x: Floats
    y: Floats
    second: Floats


class _Frame(NamedTuple):
    """What `sort_into_rows` needs to know of a grid."""

    vertices: Floats
    left: float
    bottom: float
    cell: float
    ny: int


def segment_grid_of(geometry: ArrayLike) -> SegmentGrid:
    """Index lines and multilines.

    Parameters
    ----------
    geometry : array_like of shapely.LineString or shapely.MultiLineString
        Lines in a plane. Missing and empty ones are near nothing.

    Returns
    -------
    SegmentGrid
        The grid; lines are numbered as given, and a multiline's length runs through its parts.

    Raises
    ------
    GeometryError
        If something is not a line, or has a coordinate that is not finite.
    """
    shapes = np.atleast_1d(np.asarray(geometry, dtype=object))
    kind = shapely.get_type_id(shapes)
    wrong = np.flatnonzero(~np.isin(kind, (-1, 1, 2, 5)))
    if wrong.size:
        raise GeometryError(
            f"{wrong.size} of {shapes.size} geometries are not lines, first at row {wrong[0]}: "
            f"{shapes[wrong[0]].geom_type}. Pass lines and multilines only."
        )
    parts, owners = shapes, np.arange(shapes.size)
    if (kind == shapely.GeometryType.MULTILINESTRING).any():  # only then, for taking lines apart copies them all
        parts, owners = shapely.get_parts(shapes, return_index=True)
    offsets = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(parts), dtype=np.int64)])
    return build_segment_grid(shapely.get_coordinates(parts), offsets, owners=owners)


def build_segment_grid(coordinates: Floats, offsets: ArrayLike, *, owners: ArrayLike | None = None) -> SegmentGrid:
    """Index lines given by their coordinates.

    Parameters
    ----------
    coordinates : ndarray of float64, shape (m, 2)
        Vertices of all lines, in a plane.
    offsets : array_like of int, shape (parts + 1,)
        Where each part begins in ``coordinates``.
    owners : array_like of int, shape (parts,), optional
        Line that each part belongs to, ascending; each part is a line of its own by default.

    Returns
    -------
    SegmentGrid
        The grid, with about two segments a cell.

    Raises
    ------
    GeometryError
        If a coordinate is not finite.
    """
    vertices = np.ascontiguousarray(coordinates, dtype=np.float64).reshape(-1, 2)
    starts = np.ascontiguousarray(offsets, dtype=np.int64)
    owner = np.arange(starts.size - 1) if owners is None else np.asarray(owners, dtype=np.int64)
    if not np.isfinite(vertices).all():
        row = int(np.flatnonzero(~np.isfinite(vertices).all(axis=1))[0])
        raise GeometryError(f"Vertex {row} is {vertices[row].tolist()}; every coordinate of a line must be finite.")
    is_segment = np.ones(max(len(vertices) - 1, 0), dtype=bool)
    is_segment[starts[1:-1][(starts[1:-1] > 0) & (starts[1:-1] < len(vertices))] - 1] = False
    first = np.flatnonzero(is_segment).astype(np.int32)
    line = np.repeat(owner, np.maximum(np.diff(starts) - 1, 0)).astype(np.int32)
    frame, nx = _frame(vertices, first.size)
    strips = sort_into_rows(first, np.arange(first.size, dtype=np.int32), frame)
    cells, ids = _by_cell(strips, frame.ny, nx)
    spans = _spans(ids, _segments(vertices, first, line))
    cells.flags.writeable = spans.flags.writeable = False
    return SegmentGrid(cells, spans, frame.left, frame.bottom, frame.cell, nx, frame.ny)


def _segments(vertices: Floats, first: Ints, line: Ints) -> Floats:
    """Return what is to be known of each segment, as in ``SegmentGrid.spans``."""
    step = vertices[first + 1] - vertices[first]
    length = np.hypot(step[:, 0], step[:, 1])
    total = np.bincount(line, weights=length)[line] if line.size else length
    before = np.concatenate([[0.0], np.cumsum(length)])[:-1]
    opening = np.concatenate([[True], line[1:] != line[:-1]])[: line.size]
    before -= before[np.maximum.accumulate(np.where(opening, np.arange(line.size), 0))]
    square = step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1]
    square[square == 0.0] = 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        fractions = np.where(total > 0.0, [before / total, length / total], 0.0)
    return np.column_stack([vertices[first], step, square, *fractions, line])


def _frame(vertices: Floats, segments: int) -> tuple[_Frame, int]:
    """Lay a grid over the vertices with about one cell for two segments; return it and its number of columns."""
    low, high = (vertices.min(axis=0), vertices.max(axis=0)) if len(vertices) else (np.zeros(2), np.zeros(2))
    width, height = (high - low).tolist()
    cells = min(max(int(_CELLS_PER_SEGMENT * segments), 16), _MOST_CELLS)
    side = max(math.sqrt(width * height / cells), max(width, height) / cells)
    # Cells must be large against the spacing of the numbers at these coordinates, or the slack would be lost in it.
    side = max(side, 1e8 * float(np.spacing(np.abs([low, high]).max())), np.finfo(np.float64).tiny * 1e16)
    left, bottom = (low - 0.5 * side).tolist()
    nx, ny = int((high[0] - left) / side) + 2, int((high[1] - bottom) / side) + 2
    return _Frame(vertices, left, bottom, side, ny), nx


def nearest(
    grid: SegmentGrid, x: ArrayLike, y: ArrayLike, *, radius: float = math.inf, threads: int | None = None
) -> Nearest:
    """Find the nearest line of every point.

    Parameters
    ----------
    grid : SegmentGrid
        The lines.
    x, y : array_like of float, shape (n,)
        Points, in the coordinates of the lines. A point that is not finite is near nothing.
    radius : float, default infinity
        Lines farther away than this do not count; in the unit of the coordinates.
    threads : int, optional
        Threads to use; all usable cores by default. The answer does not depend on it.

    Returns
    -------
    Nearest
        Line, distance, fraction, place and the next distance.

    Raises
    ------
    JoinError
        If the radius is negative or NaN, or the arrays are of different lengths.
    """
    points_x = np.ascontiguousarray(x, dtype=np.float64).ravel()
    points_y = np.ascontiguousarray(y, dtype=np.float64).ravel()
    if points_x.size != points_y.size:
        raise JoinError(f"{points_x.size} x but {points_y.size} y were given; pass one of each per point.")
    if not radius >= 0.0:
        raise JoinError(f"The radius is {radius!r}; give a distance of at least 0, or infinity.")
    size = points_x.size
    out = Nearest(np.empty(size, dtype=np.int32), *(np.empty(size) for _ in range(5)))
    large = grid.nbytes > second_level_cache() and size > _STRETCH
    box = (grid.left, grid.bottom, grid.nx * grid.cell, grid.ny * grid.cell)

    def _find_part(start: int, stop: int) -> None:
        """Search for one stretch of points."""
        part_x, part_y = points_x[start:stop], points_y[start:stop]
        order = np.arange(stop - start, dtype=np.int32)
        if large:
            part_x, part_y, order = sort_by_tile(part_x, part_y, box)
        part = Nearest(out.line[start:stop], *(column[start:stop] for column in out[1:]))
        _find((part_x, part_y), order, grid, part, radius)

    in_stretches(_find_part, size, stretch=_SORTED_STRETCH if large else _STRETCH, threads=threads)
    return out


@nb.njit(nogil=True, cache=True)
def _by_cell(strips: Strips, ny: int, nx: int) -> tuple[Offsets, Ints]:
    """List the segments of each cell, ascending."""
    starts = np.zeros(ny * nx + 1, np.int64)
    for row in range(ny):
        for k in range(strips.offsets[row], strips.offsets[row + 1]):
            for column in range(strips.entries[k, 2], strips.entries[k, 3] + 1):
                starts[row * nx + column + 1] += 1
    for cell in range(ny * nx):
        starts[cell + 1] += starts[cell]
    ids, place = np.empty(starts[ny * nx], np.int32), starts[:-1].copy()
    for row in range(ny):
        for k in range(strips.offsets[row], strips.offsets[row + 1]):
            for column in range(strips.entries[k, 2], strips.entries[k, 3] + 1):
                cell = row * nx + column
                ids[place[cell]] = strips.entries[k, 1]
                place[cell] += 1
    return starts, ids


@nb.njit(nogil=True, cache=True)
def _spans(ids: Ints, segments: Floats) -> Floats:
    """Copy each listed segment to where its cell is read."""
    spans = np.empty((ids.size, 8))
    for k in range(ids.size):
        for j in range(8):
            spans[k, j] = segments[ids[k], j]
    return spans


@nb.njit(nogil=True, cache=True, inline="always")
def _scan(x, y, stretch, spans, best):  # type: ignore[no-untyped-def]
    """Return the best of what is known and of a stretch of listed segments.

    That is the squared distance, the segment's place, the share of it, and the squared distance of another line.
    """
    square, nearest_so_far, share, second = best
    for k in range(stretch[0], stretch[1]):
        px, py, ux, uy = x - spans[k, 0], y - spans[k, 1], spans[k, 2], spans[k, 3]
        t = min(1.0, max(0.0, (px * ux + py * uy) / spans[k, 4]))  # by division, so that ends come out exactly
        ex, ey = px - t * ux, py - t * uy
        here = ex * ex + ey * ey
        other = nearest_so_far >= 0 and spans[k, 7] != spans[nearest_so_far, 7]
        tie = here == square and (nearest_so_far < 0 or spans[k, 7] < spans[nearest_so_far, 7])
        if here < square or tie:
            if other:
                second = square
            square, nearest_so_far, share = here, k, t
        elif other and here < second:
            second = here
    return square, nearest_so_far, share, second


@nb.njit(nogil=True, cache=True, inline="always")
def _gap(offset: float, cells: int, cell: float) -> float:
    """Return how far a point, ``offset`` into its cell, is at least from the column or row so many cells away."""
    if cells == 0:
        return 0.0
    return max(0.0, (cells * cell - offset if cells > 0 else offset - (cells + 1) * cell) - _SLACK * cell)


@nb.njit(nogil=True, cache=True, inline="always")
def _search(x, y, frame, grid, best):  # type: ignore[no-untyped-def]
    """Look at ring after ring of cells around a point."""
    starts, spans = grid
    left, bottom, cell, nx, ny = frame
    column, row = int(np.floor((x - left) / cell)), int(np.floor((y - bottom) / cell))
    in_x, in_y = x - left - column * cell, y - bottom - row * cell
    ring = max(0, max(max(-column, column - nx + 1), max(-row, row - ny + 1)))
    farthest = max(max(column, nx - 1 - column), max(row, ny - 1 - row))
    while ring <= farthest:
        reach = (ring - 1) * cell + min(min(in_x, cell - in_x), min(in_y, cell - in_y)) - _SLACK * cell
        if ring > 0 and reach > 0.0 and reach * reach > best[0]:
            break
        for j in range(max(row - ring, 0), min(row + ring, ny - 1) + 1):
            gap_y = _gap(in_y, j - row, cell)
            if gap_y * gap_y > best[0]:
                continue
            first, last, step = column - ring, column + ring, 2 * ring
            if abs(j - row) == ring:
                first, last, step = max(first, 0), min(last, nx - 1), 1
            for i in range(first, last + 1, step):
                gap_x = _gap(in_x, i - column, cell)
                if 0 <= i < nx and gap_x * gap_x + gap_y * gap_y <= best[0]:
                    k = j * nx + i
                    best = _scan(x, y, (starts[k], starts[k + 1]), spans, best)
        ring += 1
    return best


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _find(points, order, grid, out, radius):  # type: ignore[no-untyped-def]
    """Write the nearest line of points to where they came from."""
    frame, lists = (grid.left, grid.bottom, grid.cell, grid.nx, grid.ny), (grid.starts, grid.spans)
    spans = grid.spans
    for k in range(order.size):
        x, y, at = points[0][k], points[1][k], order[k]
        best = (np.inf, np.int64(-1), 0.0, np.inf)
        if np.isfinite(x) and np.isfinite(y):
            best = _search(x, y, frame, lists, (radius * radius, np.int64(-1), 0.0, np.inf))
        found = best[1]
        if found < 0:
            out.line[at] = NOWHERE
            out.distance[at] = np.nan
            out.fraction[at] = np.nan
            out.x[at] = np.nan
            out.y[at] = np.nan
            out.second[at] = np.nan
        else:
            out.line[at] = int(spans[found, 7])
            out.distance[at] = math.sqrt(best[0])
            out.fraction[at] = min(1.0, spans[found, 5] + best[2] * spans[found, 6])
            out.x[at] = spans[found, 0] + best[2] * spans[found, 2]
            out.y[at] = spans[found, 1] + best[2] * spans[found, 3]
            out.second[at] = math.sqrt(best[3])
