"""Exact shares of every record in every H3 cell.

A record's shares sum to 1, so whatever is spread by them is neither lost nor invented. A polygon's share is the area it
has in a cell over its own area, both in one equal-area plane; a line's is a length over a length; a point is in one
cell whole. A raster pixel is the quadrilateral of its four corners, that is a polygon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import shapely
from scipy import sparse

from spatial_join.errors import GeometryError, JoinError
from spatial_join.grid import H3Grid
from spatial_join.kernels.cutting import clip_pieces, ring_areas, split_rings
from spatial_join.kernels.lines import clip_segments
from spatial_join.plane import equal_area, from_equal_area, segment_lengths_m

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["LatticeLike", "Measure", "Weights", "weights"]

Measure = Literal["count", "length", "area"]

MEASURES: tuple[Measure, ...] = ("count", "length", "area")
"""Natural measure of a record by the dimension of its geometry: a count, metres, square metres."""

REACH = 0.65
"""Radius of a piece, in average cell edges: below the shortest edge of any cell (0.70), so that a piece whose middle
is in a cell lies wholly in that cell and its neighbours."""

LONGEST_STRAIGHT_M = 200.0
"""A line is cut into pieces no longer than this, in which lengths in the plane and on the ground are in one ratio, to
some 1e-7 of the line."""

SLIVER = 1e-12
"""A share smaller than this is rounding (a cell inside a hole, a shared edge), not land."""

CLOSURE = 1e-6
"""Largest relative difference between a record and the sum of its pieces before it is taken for a defect."""

BATCH_RINGS = 200_000
"""Rings cut at a time, which bounds memory whatever the size of a layer."""


@runtime_checkable
class LatticeLike(Protocol):
    """A raster's pixel corners in longitude and latitude, as :class:`crs.Lattice`."""

    @property
    def corner_x(self) -> NDArray[np.float64]:
        """Longitudes of the corners in degrees, shape (ny + 1, nx + 1)."""

    @property
    def corner_y(self) -> NDArray[np.float64]:
        """Latitudes of the corners in degrees, shape (ny + 1, nx + 1)."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What every record has in every cell: one line per record and cell, in the order of row, then cell.

    Parameters
    ----------
    row : ndarray of int64, shape (m,)
        Position of the record in the array that the weights were made from; a pixel's is its flat index.
    cell : ndarray of uint64, shape (m,)
        H3 cell.
    share : ndarray of float64, shape (m,)
        Fraction of the record in the cell, in (0, 1]; sums to 1 per row.
    support : ndarray of float64, shape (m,)
        Size of that piece: a count, metres or square metres, see ``measure``.
    rows : int
        Number of records, those without geometry included.
    resolution : int
        H3 resolution of the cells.
    measure : {"count", "length", "area"}
        What ``support`` counts.
    """

    row: NDArray[np.int64]
    cell: NDArray[np.uint64]
    share: NDArray[np.float64]
    support: NDArray[np.float64]
    rows: int
    resolution: int
    measure: Measure

    def __len__(self) -> int:
        return int(self.row.size)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return ("Weights", self.row, self.cell, self.share, self.support, self.rows, self.resolution, self.measure)

    @property
    def cells(self) -> NDArray[np.uint64]:
        """Distinct cells in ascending order."""
        return np.unique(self.cell)

    @property
    def unplaced(self) -> NDArray[np.int64]:
        """Rows that are in no cell because they have no geometry."""
        return np.setdiff1d(np.arange(self.rows, dtype=np.int64), self.row)

    def matrix(self, *, of: Literal["share", "support"] = "share") -> sparse.csr_array:
        """Lay the weights out as a sparse matrix.

        Parameters
        ----------
        of : {"share", "support"}
            Which of the two to lay out.

        Returns
        -------
        scipy.sparse.csr_array, shape (cells, rows)
            Multiplying it with one value per record spreads the values over ``cells``.
        """
        cells, where = np.unique(self.cell, return_inverse=True)
        data = self.share if of == "share" else self.support
        return sparse.csr_array((data, (where, self.row)), shape=(cells.size, self.rows))

    def coarsen(self, resolution: int) -> Weights:
        """Move the weights to the ancestors of their cells.

        Parameters
        ----------
        resolution : int
            Coarser H3 resolution.

        Returns
        -------
        Weights
            Weights of the same records.

        Raises
        ------
        ResolutionError
            If the resolution is finer than that of the weights.
        """
        cell = H3Grid(self.resolution).parents(self.cell, resolution)
        order = np.lexsort((cell, self.row))
        first = _group_starts(self.row[order], cell[order])
        return Weights(
            row=self.row[order][first],
            cell=cell[order][first],
            share=np.add.reduceat(self.share[order], first) if first.size else self.share,
            support=np.add.reduceat(self.support[order], first) if first.size else self.support,
            rows=self.rows,
            resolution=resolution,
            measure=self.measure,
        )


def weights(geometry: ArrayLike | LatticeLike, grid: H3Grid, *, valid: NDArray[np.bool_] | None = None) -> Weights:
    """Find the share of every record in every cell.

    Parameters
    ----------
    geometry : array_like of shapely geometries, or a lattice of pixel corners
        Points, lines or polygons in longitude and latitude, multi-part and with holes, but of one dimension; missing
        and empty ones get no weights. Edges are straight in the plane of the areas.
    grid : H3Grid
        The cells.
    valid : ndarray of bool, optional
        Records to take; the others get no weights. For a lattice of shape (ny, nx).

    Returns
    -------
    Weights
        Shares that sum to 1 for every record with a geometry.

    Raises
    ------
    GeometryError
        If geometries are invalid, of mixed dimension or not in degrees; the message names the rows.

    Examples
    --------
    >>> import shapely
    >>> w = weights([shapely.box(7.42, 43.73, 7.43, 43.74)], H3Grid(resolution=8))
    >>> len(w), float(round(w.share.sum(), 12))
    (5, 1.0)
    """
    if isinstance(geometry, LatticeLike):
        return _lattice_weights(geometry, grid, valid)
    shapes = np.atleast_1d(np.asarray(geometry, dtype=object))
    take = np.ones(shapes.size, dtype=bool) if valid is None else np.asarray(valid, dtype=bool).ravel()
    rows = np.flatnonzero(take & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)).astype(np.int64)
    kept = shapes[rows]
    dimension = _one_dimension(kept, rows)
    maker = (_point_amounts, _line_amounts, _polygon_amounts)[dimension]
    return _assemble(maker(kept, rows, grid), rows=shapes.size, grid=grid, measure=MEASURES[dimension])


@dataclass(frozen=True, kw_only=True)
class _Amounts:
    """Unmerged pieces: how much of which row is in which cell, and how large each row is."""

    row: NDArray[np.int64]
    cell: NDArray[np.uint64]
    amount: NDArray[np.float64]
    size_of: tuple[NDArray[np.int64], NDArray[np.float64]]  # rows in ascending order, and their sizes


def _named(rows: NDArray[np.int64], most: int = 10) -> str:
    """Name rows in a message."""
    shown = ", ".join(str(row) for row in rows[:most].tolist())
    return f"row {shown}" if rows.size == 1 else f"rows {shown}{', ...' if rows.size > most else ''} ({rows.size})"


def _one_dimension(shapes: NDArray[Any], rows: NDArray[np.int64]) -> int:
    """Return 0, 1 or 2, or refuse what is mixed, invalid or not in degrees."""
    if not shapes.size:
        return 0
    mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    if mixed.any():
        raise GeometryError(
            f"A geometry collection has no one measure: {_named(rows[mixed])}. "
            "Take its points, lines or polygons apart first."
        )
    dimension = shapely.get_dimensions(shapes)
    other = dimension != dimension[0]
    if other.any():
        raise GeometryError(
            f"Points, lines and polygons cannot share one table of weights: row {int(rows[0])} is of dimension "
            f"{int(dimension[0])}, but {_named(rows[other])} not. Split the layer by kind of geometry."
        )
    low_x, low_y, high_x, high_y = shapely.bounds(shapes).T
    inside = (low_x >= -180.0) & (high_x <= 180.0) & (low_y >= -90.0) & (high_y <= 90.0)
    if not inside.all():
        raise GeometryError(
            f"Not longitude/latitude in degrees: {_named(rows[~inside])}, first {shapes[~inside][0].wkt[:80]!r}. "
            "Harmonise the layer to OGC:CRS84 first."
        )
    bad = ~shapely.is_valid(shapes) if dimension[0] == 2 else np.zeros(shapes.size, dtype=bool)
    if bad.any():
        why = shapely.is_valid_reason(shapes[bad][0])
        raise GeometryError(
            f"Invalid polygons have no certain area: {_named(rows[bad])}, first: {why}. "
            "Quarantine them, or repair them with shapely.make_valid if the repair is what the owner means."
        )
    return int(dimension[0])


def _point_amounts(shapes: NDArray[Any], rows: NDArray[np.int64], grid: H3Grid) -> _Amounts:
    xy, which = shapely.get_coordinates(shapes, return_index=True)
    size = np.bincount(which, minlength=rows.size).astype(np.float64)
    one = np.ones(len(xy)) / size[which] if len(xy) else np.empty(0)
    return _Amounts(
        row=rows[which], cell=grid.index(xy[:, 0], xy[:, 1]), amount=one, size_of=(rows, np.ones(rows.size))
    )


def _line_amounts(shapes: NDArray[Any], rows: NDArray[np.int64], grid: H3Grid) -> _Amounts:
    parts, part_row = shapely.get_parts(shapes, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    head = np.flatnonzero(part[1:] == part[:-1])
    which = part_row[part[head]]
    lon, lat, to_lon, to_lat = xy[head, 0], xy[head, 1], xy[head + 1, 0], xy[head + 1, 1]
    length = segment_lengths_m(lon, lat, to_lon, to_lat)
    count = np.maximum(1, np.ceil(length / min(2.0 * REACH * grid.edge_m, LONGEST_STRAIGHT_M))).astype(np.int64)
    segment = np.repeat(np.arange(head.size), count)
    step = np.arange(segment.size) - np.repeat(np.cumsum(count) - count, count)
    low, high = step / count[segment], (step + 1) / count[segment]
    x, y = equal_area(np.stack([lon, to_lon]), np.stack([lat, to_lat]))
    ends = np.stack([_between(line, segment, t) for t in (low, high) for line in (x, y)], axis=1)
    from_lon, from_lat = from_equal_area(ends[:, 0], ends[:, 1])
    until_lon, until_lat = from_equal_area(ends[:, 2], ends[:, 3])
    piece_m = segment_lengths_m(from_lon, from_lat, until_lon, until_lat)
    near = _Neighbourhood.around(0.5 * (from_lon + until_lon), 0.5 * (from_lat + until_lat), grid)
    hit, cell, fraction = clip_segments(ends, near.own, near.candidates, near.parts)
    total = np.bincount(which[segment], weights=piece_m, minlength=rows.size).astype(np.float64)
    still = np.flatnonzero(total == 0.0)  # a line of no length is in one cell whole, with no metres
    amount = np.where(np.isin(which[segment[hit]], still), fraction, fraction * piece_m[hit])
    return _Amounts(row=rows[which[segment[hit]]], cell=near.cells[cell], amount=amount, size_of=(rows, total))


def _between(line: NDArray[np.float64], which: NDArray[np.int64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate between the two rows; at t = 1 exactly the far end, so that pieces meet."""
    low, high = line[:, which]
    return np.asarray(np.where(t == 1.0, high, low + t * (high - low)))


def _polygon_amounts(shapes: NDArray[Any], rows: NDArray[np.int64], grid: H3Grid) -> _Amounts:
    parts, part_row = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    hole = np.r_[False, ring_part[1:] == ring_part[:-1]]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    opened = np.r_[ring[1:] == ring[:-1], False]  # a ring's last vertex repeats its first
    start = np.r_[0, np.cumsum(np.bincount(ring[opened], minlength=len(rings)))].astype(np.int64)
    plane = np.stack(equal_area(xy[opened, 0], xy[opened, 1]), axis=1)
    return _ring_amounts(plane, start, rows[part_row[ring_part]], hole, grid=grid)


def _lattice_weights(lattice: LatticeLike, grid: H3Grid, valid: NDArray[np.bool_] | None) -> Weights:
    lon, lat = np.asarray(lattice.corner_x, dtype=np.float64), np.asarray(lattice.corner_y, dtype=np.float64)
    shape = (lon.shape[0] - 1, lon.shape[1] - 1)
    take = np.ones(shape, dtype=bool) if valid is None else np.asarray(valid, dtype=bool).reshape(shape)
    j, i = np.nonzero(take)
    corner = [(j, i), (j, i + 1), (j + 1, i + 1), (j + 1, i)]
    row = (j * shape[1] + i).astype(np.int64)
    degrees = np.stack([np.stack([lon[c], lat[c]], axis=1) for c in corner], axis=1)
    inside = ((np.abs(degrees[..., 0]) <= 180.0) & (np.abs(degrees[..., 1]) <= 90.0)).all(axis=1)
    if not inside.all():
        raise GeometryError(
            f"Pixels without corners in longitude/latitude: {_named(row[~inside])}. Harmonise the raster to "
            "OGC:CRS84 first, and mask the pixels that the transformation cannot place."
        )
    plane = np.stack(equal_area(degrees[..., 0], degrees[..., 1]), axis=2).reshape(-1, 2)
    start = np.arange(0, 4 * row.size + 1, 4, dtype=np.int64)
    amounts = _ring_amounts(plane, start, row, np.zeros(row.size, dtype=bool), grid=grid)
    return _assemble(amounts, rows=shape[0] * shape[1], grid=grid, measure="area")


def _ring_amounts(
    plane: NDArray[np.float64],
    start: NDArray[np.int64],
    row: NDArray[np.int64],
    hole: NDArray[np.bool_],
    *,
    grid: H3Grid,
) -> _Amounts:
    """Cut rings in the equal-area plane; a hole counts against its row."""
    area = ring_areas(plane, start)
    sign = np.where(hole, -1.0, 1.0) * np.sign(area)
    rows, which = np.unique(row, return_inverse=True)
    size: NDArray[np.float64] = np.bincount(which, weights=sign * area, minlength=rows.size).astype(np.float64)
    found: list[tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.float64]]] = []
    for begin in range(0, row.size, BATCH_RINGS):
        end = min(begin + BATCH_RINGS, row.size)
        offsets = start[begin : end + 1]
        ring, cell, amount = _cut_rings(plane[offsets[0] : offsets[-1]], offsets - offsets[0], grid)
        found.append((row[begin + ring], cell, amount * sign[begin + ring]))
    columns = [np.concatenate(column) for column in zip(*found, strict=True)] if found else []
    if not columns:
        return _Amounts(row=row, cell=np.empty(0, np.uint64), amount=np.empty(0), size_of=(rows, size))
    lost = np.setdiff1d(rows, columns[0])
    if lost.size:  # smaller than rounding: whole in the cell of its first vertex
        at = plane[start[:-1][np.searchsorted(row, lost)]]
        columns[0] = np.r_[columns[0], lost]
        columns[1] = np.r_[columns[1], grid.index(*from_equal_area(at[:, 0], at[:, 1]))]
        columns[2] = np.r_[columns[2], size[np.searchsorted(rows, lost)]]
    return _Amounts(row=columns[0], cell=columns[1], amount=columns[2], size_of=(rows, size))


def _cut_rings(
    plane: NDArray[np.float64], start: NDArray[np.int64], grid: H3Grid
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.float64]]:
    """Return ring, cell and signed area of every piece in every cell."""
    piece_xy, piece_start, piece_ring = split_rings(plane, start, REACH * grid.edge_m)
    low = np.minimum.reduceat(piece_xy, piece_start[:-1], axis=0)
    high = np.maximum.reduceat(piece_xy, piece_start[:-1], axis=0)
    near = _Neighbourhood.around(*from_equal_area(*(0.5 * (low + high)).T), grid)
    piece, cell, area = clip_pieces((piece_xy, piece_start), near.own, near.candidates, near.parts)
    return piece_ring[piece], near.cells[cell], area


@dataclass(frozen=True, kw_only=True)
class _Neighbourhood:
    """The cells that hold given positions, and their neighbours, in the equal-area plane."""

    own: NDArray[np.int64]
    cells: NDArray[np.uint64]
    candidates: NDArray[np.int64]
    parts: tuple[NDArray[np.float64], NDArray[np.int64]]

    @classmethod
    def around(cls, lon: NDArray[np.float64], lat: NDArray[np.float64], grid: H3Grid) -> _Neighbourhood:
        holding, own = np.unique(grid.index(lon, lat), return_inverse=True)
        ring = grid.neighbours(holding)
        rest = np.setdiff1d(ring, holding)
        cells = np.concatenate([holding, rest[rest != 0]])
        order = np.argsort(cells)
        place = order[np.minimum(np.searchsorted(cells, ring, sorter=order), cells.size - 1)]
        place[ring == 0] = -1
        candidates = np.concatenate([np.arange(holding.size)[:, None], place], axis=1)
        corner = grid.vertices(cells)
        plane = np.stack(equal_area(corner[..., 0], corner[..., 1]), axis=2)
        return cls(own=own, cells=cells, candidates=candidates, parts=_convex_parts(plane))


def _convex_parts(corner: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return convex parts of cells, and where those of each cell begin.

    Nearly every cell is one part. A cell that bends over an edge of the icosahedron is not convex; it is the fan of
    triangles about its middle.
    """
    k = corner.shape[1]
    bent = np.zeros(len(corner), dtype=bool)
    for j in range(k):  # convex is: every corner is to the left of every edge
        x, y = np.moveaxis(corner - corner[:, j : j + 1], 2, 0)
        edge = corner[:, (j + 1) % k] - corner[:, j]
        bent |= (edge[:, :1] * y - edge[:, 1:] * x < 0.0).any(axis=1)
    begin = np.concatenate([[0], np.cumsum(np.where(bent, k, 1))]).astype(np.int64)
    parts = np.empty((int(begin[-1]), k, 2))
    parts[begin[:-1][~bent]] = corner[~bent]
    for j in range(k):
        fan = parts[begin[:-1][bent] + j]
        fan[:, 0] = corner[bent].mean(axis=1)
        fan[:, 1] = corner[bent, j]
        fan[:, 2:] = corner[bent, (j + 1) % k][:, None]
        parts[begin[:-1][bent] + j] = fan
    return parts, begin


def _group_starts(*keys: NDArray[Any]) -> NDArray[np.int64]:
    """Return where a new combination of keys begins in sorted arrays."""
    if not keys[0].size:
        return np.empty(0, dtype=np.int64)
    changed = np.zeros(keys[0].size, dtype=bool)
    changed[0] = True
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed).astype(np.int64)


def _assemble(amounts: _Amounts, *, rows: int, grid: H3Grid, measure: Measure) -> Weights:
    """Merge pieces by row and cell, drop rounding, and normalise."""
    order = np.lexsort((amounts.cell, amounts.row))
    row, cell, amount = amounts.row[order], amounts.cell[order], amounts.amount[order]
    first = _group_starts(row, cell)
    row, cell = row[first], cell[first]
    amount = np.add.reduceat(amount, first) if first.size else amount
    sized, size = amounts.size_of
    whole = size[np.searchsorted(sized, row)]
    kept = (amount > SLIVER * whole) | (whole <= 0.0)
    row, cell, amount, whole = row[kept], cell[kept], amount[kept], whole[kept]
    begin = _group_starts(row)
    total = np.add.reduceat(amount, begin) if begin.size else amount
    if measure == "area" and begin.size:
        _check_closure(row[begin], total, whole[begin])
    count = np.diff(np.r_[begin, row.size])
    with np.errstate(invalid="ignore"):
        share = np.where(np.repeat(total, count) > 0.0, amount / np.repeat(total, count), 1.0 / np.repeat(count, count))
    return Weights(
        row=row, cell=cell, share=share, support=share * whole, rows=rows, resolution=grid.resolution, measure=measure
    )


def _check_closure(row: NDArray[np.int64], total: NDArray[np.float64], whole: NDArray[np.float64]) -> None:
    """Stop if pieces do not add up to their record, which only a defect in the cutting can cause."""
    open_by = np.abs(total - whole)
    gap = open_by > CLOSURE * np.maximum(whole, 1.0)
    if gap.any():
        worst = int(np.argmax(open_by))
        raise JoinError(
            f"The pieces of {_named(row[gap])} do not add up to the record: row {int(row[worst])} has "
            f"{whole[worst]:.6g} m² but its pieces {total[worst]:.6g} m². "
            "This is a defect of spatial_join; please report the geometry."
        )
