"""How the polygon grid is filled: edges into rows of cells, then each row by itself."""

# ruff: noqa: ANN001, ANN202, PLR0917
# Compiled functions know neither keyword-only parameters nor a vectorised max() of three; numba infers their types.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int32]
    Offsets: TypeAlias = NDArray[np.int64]

__all__ = [
    "EMPTY",
    "END_OF_CELL",
    "END_OF_POLYGON",
    "INSIDE",
    "PolygonGrid",
    "Strips",
    "count_rows",
    "list_edges",
    "sort_into_rows",
    "turns_at_corner",
    "write_rows",
]

EMPTY = -1
"""Code of a cell that no polygon touches; at least 0 is the polygon all around it, below -1 is ``-2 - first run``."""

INSIDE, END_OF_POLYGON, END_OF_CELL = 1, 2, 4
"""Flags of a run: the bit of its polygon (only at its last run), last of its polygon, last of its cell."""

_SLACK = 1e-6  # of a cell: an edge this close to a cell counts as touching it


class PolygonGrid(NamedTuple):
    """Polygons on a uniform grid, ready for points; made by `polygon_grid.build_polygon_grid`, its arrays read-only.

    Attributes
    ----------
    codes : ndarray of int32, shape (ny * nx,)
        One code a cell, row by row from the lower left.
    runs : ndarray of int32, shape (n, 4)
        Polygon, first vertex, number of edges, flags.
    vertices : ndarray of float64, shape (m, 2)
        Vertices of all rings, each closed.
    left, bottom : float
        Lower left corner of the grid.
    cell : float
        Side of a cell, in the unit of the coordinates.
    nx, ny : int
        Cells across and up.
    polygons : int
        Number of polygons, empty ones included.
    """

    codes: Ints
    runs: Ints
    vertices: Floats
    left: float
    bottom: float
    cell: float
    nx: int
    ny: int
    polygons: int

    @property
    def nbytes(self) -> int:
        """Size in bytes, vertices included."""
        return self.codes.nbytes + self.runs.nbytes + self.vertices.nbytes


class Strips(NamedTuple):
    """Edges by the rows of cells that they pass, in the order of their polygons within each row.

    Parameters
    ----------
    offsets : ndarray of int64, shape (ny + 1,)
        Where the entries of each row begin.
    entries : ndarray of int32, shape (n, 4)
        First vertex of the edge, its polygon, and the first and last column that it touches in the row.
    """

    offsets: Offsets
    entries: Ints


@nb.njit(nogil=True, cache=True)
def list_edges(rings: Offsets, owners: Offsets) -> tuple[Ints, Ints]:
    """List the edges of all rings.

    Parameters
    ----------
    rings : ndarray of int64, shape (rings + 1,)
        Where each ring begins in the vertices.
    owners : ndarray of int64, shape (polygons + 1,)
        Where each polygon begins in the rings.

    Returns
    -------
    edges, owner : ndarray of int32, shape (edges,)
        First vertex and polygon of every edge.
    """
    count = 0
    for ring in range(rings.size - 1):
        count += max(0, rings[ring + 1] - rings[ring] - 1)
    edges, owner = np.empty(count, np.int32), np.empty(count, np.int32)
    k = 0
    for polygon in range(owners.size - 1):
        for ring in range(owners[polygon], owners[polygon + 1]):
            for vertex in range(rings[ring], rings[ring + 1] - 1):
                edges[k] = vertex
                owner[k] = polygon
                k += 1
    return edges[:k], owner[:k]


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _row_range(vertex: int, vertices: Floats, bottom: float, cell: float) -> tuple[int, int]:
    """Return the first and last row that an edge touches, slack included."""
    a, b = (vertices[vertex, 1] - bottom) / cell, (vertices[vertex + 1, 1] - bottom) / cell
    return int(min(a, b) - _SLACK), int(max(a, b) + _SLACK)


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _column_range(vertex: int, row: int, vertices: Floats, origin: tuple[float, float, float]) -> tuple[int, int]:
    """Return the first and last column that an edge touches within a row, slack included."""
    left, bottom, cell = origin
    ax, ay = (vertices[vertex, 0] - left) / cell, (vertices[vertex, 1] - bottom) / cell
    bx, by = (vertices[vertex + 1, 0] - left) / cell, (vertices[vertex + 1, 1] - bottom) / cell
    if ay > by:
        ax, ay, bx, by = bx, by, ax, ay
    start, stop = ax, bx
    if by > ay:
        slope = (bx - ax) / (by - ay)
        if ay < row - _SLACK:
            start = ax + (row - _SLACK - ay) * slope
        if by > row + 1 + _SLACK:
            stop = bx - (by - row - 1 - _SLACK) * slope
    # Rounding may carry a clipped end past the edge's own ends when the edge is almost level.
    low, high = min(ax, bx), max(ax, bx)
    start, stop = min(max(start, low), high), min(max(stop, low), high)
    return int(min(start, stop) - _SLACK), int(max(start, stop) + _SLACK)


@nb.njit(nogil=True, cache=True)
def sort_into_rows(edges: Ints, owner: Ints, grid: PolygonGrid) -> Strips:
    """Sort edges into the rows that they pass, keeping their order within each.

    Parameters
    ----------
    edges, owner : ndarray of int32, shape (edges,)
        First vertex of each edge, and a number to carry along.
    grid : PolygonGrid
        Vertices, lower left corner, cell and number of rows are read.

    Returns
    -------
    Strips
        The edges by rows.
    """
    vertices, bottom, cell = grid.vertices, grid.bottom, grid.cell
    offsets = np.zeros(grid.ny + 1, np.int64)
    for k in range(edges.size):
        first, last = _row_range(edges[k], vertices, bottom, cell)
        for row in range(first, last + 1):
            offsets[row + 1] += 1
    for row in range(grid.ny):
        offsets[row + 1] += offsets[row]
    entries = np.empty((offsets[grid.ny], 4), np.int32)
    place = offsets[:-1].copy()
    origin = (grid.left, bottom, cell)
    for k in range(edges.size):
        first, last = _row_range(edges[k], vertices, bottom, cell)
        for row in range(first, last + 1):
            at = place[row]
            place[row] = at + 1
            entries[at, 0] = edges[k]
            entries[at, 1] = owner[k]
            entries[at, 2], entries[at, 3] = _column_range(edges[k], row, vertices, origin)
    return Strips(offsets, entries)


@nb.njit(nogil=True, cache=True, inline="always")
def turns_at_corner(a: tuple[float, float], b: tuple[float, float], right: float, y: float) -> bool:
    """Say whether an edge changes the parity at the bend of the walk, first level at y, then upright at ``right``.

    The crossing of the level ray from the bend and the crossing of the upright ray from it, added. Where the edge
    spans both, exactly one of them is crossed if it rises to the right, and both or none if it falls.

    Parameters
    ----------
    a, b : tuple of 2 floats
        Ends of the edge.
    right, y : float
        Where the walk bends.

    Returns
    -------
    bool
        Whether the parity changes.
    """
    level = (a[1] > y) != (b[1] > y)
    upright = (a[0] > right) != (b[0] > right)
    if level and upright:
        return (b[0] > a[0]) == (b[1] > a[1])
    return (level and a[0] > right) or (upright and a[1] > y)


@nb.njit(nogil=True, cache=True)
def _end_of_polygon(start: int, end: int, entries: Ints) -> int:
    """Return where the entries of the polygon at ``start`` end."""
    stop = start + 1
    while stop < end and entries[stop, 1] == entries[start, 1]:
        stop += 1
    return stop


@nb.njit(nogil=True, cache=True)
def _columns(span: tuple[int, int], entries: Ints) -> tuple[int, int]:
    """Return the first and last column that a polygon's edges touch in a row."""
    first, last = entries[span[0], 2], entries[span[0], 3]
    for k in range(span[0] + 1, span[1]):
        first, last = min(first, entries[k, 2]), max(last, entries[k, 3])
    return first, last


@nb.njit(nogil=True, cache=True)
def _mark_crossings(span: tuple[int, int], y: float, entries: Ints, vertices: Floats, flip: NDArray[np.bool_]) -> None:
    """Flip, left of every edge that spans the height y, whether one is inside; columns that it touches excepted."""
    for k in range(span[0], span[1]):
        edge, column = entries[k, 0], entries[k, 2]
        if (vertices[edge, 1] > y) != (vertices[edge + 1, 1] > y) and column > 0:
            flip[column - 1] = not flip[column - 1]


@nb.njit(nogil=True, cache=True)
def count_rows(start: int, stop: int, strips: Strips, counts: Offsets, grid: PolygonGrid) -> None:
    """Fill the codes of rows; a cell that needs a record gets -1 minus the number of its runs.

    Parameters
    ----------
    start, stop : int
        The rows.
    strips : Strips
        Edges by rows.
    counts : ndarray of int64, shape (ny + 1,)
        Written: number of runs of each row, one place further on.
    grid : PolygonGrid
        Its codes are written.
    """
    entries, nx, codes = strips.entries, grid.nx, grid.codes
    runs, cover, flip = np.empty(nx, np.int32), np.empty(nx, np.int32), np.zeros(nx, np.bool_)
    stamp, latest = np.full(nx, -1, np.int64), np.empty(nx, np.int32)
    for row in range(start, stop):
        y = grid.bottom + (row + 0.5) * grid.cell
        runs[:] = 0
        cover[:] = EMPTY
        begin, end = strips.offsets[row], strips.offsets[row + 1]
        while begin < end:
            span = (begin, _end_of_polygon(begin, end, entries))
            first, last = _columns(span, entries)
            _mark_crossings(span, y, entries, grid.vertices, flip)
            for k in range(span[0], span[1]):
                for column in range(entries[k, 2], entries[k, 3] + 1):
                    if stamp[column] != begin or latest[column] != entries[k, 0] - 1:
                        runs[column] += 1
                    stamp[column] = begin
                    latest[column] = entries[k, 0]
            inside = False
            for column in range(last, first - 1, -1):
                inside ^= flip[column]
                flip[column] = False
                if inside and stamp[column] != begin:
                    runs[column] += 1
                    cover[column] = entries[begin, 1]
            if first > 0:
                flip[first - 1] = False
            begin = span[1]
        for column in range(nx):
            certain = runs[column] == 0 or (runs[column] == 1 and cover[column] != EMPTY)
            codes[row * nx + column] = cover[column] if certain else -1 - runs[column]
            counts[row + 1] += 0 if certain else runs[column]


@nb.njit(nogil=True, cache=True)
def write_rows(start: int, stop: int, strips: Strips, offsets: Offsets, grid: PolygonGrid) -> None:
    """Write the runs of rows and let the codes of their cells point to them.

    Parameters
    ----------
    start, stop : int
        The rows.
    strips : Strips
        Edges by rows.
    offsets : ndarray of int64, shape (ny + 1,)
        Where the runs of each row begin.
    grid : PolygonGrid
        Its runs and codes are written.
    """
    entries, runs, nx = strips.entries, grid.runs, grid.nx
    place, bits, flip = np.empty(nx, np.int64), np.empty(nx, np.bool_), np.zeros(nx, np.bool_)
    stamp = np.full(nx, -1, np.int64)
    for row in range(start, stop):
        y = grid.bottom + (row + 0.5) * grid.cell
        codes = grid.codes[row * nx : (row + 1) * nx]
        _give_places(codes, place, offsets[row])
        begin, end = strips.offsets[row], strips.offsets[row + 1]
        while begin < end:
            span = (begin, _end_of_polygon(begin, end, entries))
            first, last = _columns(span, entries)
            _mark_crossings(span, y, entries, grid.vertices, flip)
            for k in range(span[0], span[1]):
                _write_edge(entries[k], y, (stamp, place, bits, begin), grid)
            inside = False
            for column in range(last, first - 1, -1):
                inside ^= flip[column]
                flip[column] = False
                if stamp[column] == begin:
                    runs[place[column] - 1, 3] = END_OF_POLYGON | (INSIDE if inside != bits[column] else 0)
                elif inside and codes[column] < EMPTY:
                    _write_run(runs[place[column]], entries[begin, 1], 0, 0)
                    runs[place[column], 3] = END_OF_POLYGON | INSIDE
                    place[column] += 1
            if first > 0:
                flip[first - 1] = False
            begin = span[1]
        for column in range(nx):
            if codes[column] < EMPTY:
                runs[place[column] - 1, 3] |= END_OF_CELL


@nb.njit(nogil=True, cache=True)
def _give_places(codes: Ints, place: Offsets, first: int) -> None:
    """Turn numbers of runs into where they begin."""
    for column in range(codes.size):
        if codes[column] < EMPTY:
            place[column] = first
            first += -1 - codes[column]
            codes[column] = -2 - place[column]


@nb.njit(nogil=True, cache=True)
def _write_run(run: Ints, polygon: int, edge: int, edges: int) -> None:
    run[0] = polygon
    run[1] = edge
    run[2] = edges
    run[3] = 0


@nb.njit(nogil=True, cache=True)
def _write_edge(entry, y, state, grid):  # type: ignore[no-untyped-def]
    """Add an edge to the runs of the cells that it touches in one row, and to the bits of its polygon there."""
    stamp, place, bits, begin = state
    runs, edge = grid.runs, entry[0]
    a = (grid.vertices[edge, 0], grid.vertices[edge, 1])
    b = (grid.vertices[edge + 1, 0], grid.vertices[edge + 1, 1])
    for column in range(entry[2], entry[3] + 1):
        if stamp[column] != begin:
            stamp[column] = begin
            bits[column] = False
            _write_run(runs[place[column]], entry[1], edge, 1)
            place[column] += 1
        elif runs[place[column] - 1, 1] + runs[place[column] - 1, 2] == edge:
            runs[place[column] - 1, 2] += 1
        else:
            _write_run(runs[place[column]], entry[1], edge, 1)
            place[column] += 1
        bits[column] ^= turns_at_corner(a, b, grid.left + (column + 1) * grid.cell, y)
