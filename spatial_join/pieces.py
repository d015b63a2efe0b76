"""Cutting records by cells: which piece of which record is in which cell, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import shapely

from spatial_join.errors import GeometryError
from spatial_join.kernels.cutting import clip_pieces, ring_areas, split_rings
from spatial_join.kernels.lines import clip_segments
from spatial_join.neighbourhood import Neighbourhood
from spatial_join.plane import equal_area, from_equal_area, segment_lengths_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatial_join.grid import H3Grid

__all__ = [
    "Amounts",
    "LatticeLike",
    "lattice_amounts",
    "line_amounts",
    "named_rows",
    "point_amounts",
    "polygon_amounts",
]

REACH = 0.65
"""Radius of a piece, in average cell edges: below the shortest edge of any cell (0.70), so that a piece whose middle
is in a cell lies wholly in that cell and its neighbours."""

LONGEST_STRAIGHT_M = 200.0
"""A line is cut into pieces no longer than this, in which lengths in the plane and on the ground are in one ratio, to
some 1e-7 of the line."""

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
class Amounts:
    """Pieces that are not merged yet.

    Parameters
    ----------
    row : ndarray of int64
        The record.
    cell : ndarray of uint64
        The cell.
    amount : ndarray of float64
        How much of the record is in the cell; several pieces may be in one, and a hole counts against its record.
    size_of : (ndarray of int64, ndarray of float64)
        The records in ascending order, and their whole sizes.
    """

    row: NDArray[np.int64]
    cell: NDArray[np.uint64]
    amount: NDArray[np.float64]
    size_of: tuple[NDArray[np.int64], NDArray[np.float64]]


def named_rows(rows: NDArray[np.int64], most: int = 10) -> str:
    """Name rows in a message.

    Parameters
    ----------
    rows : ndarray of int64
        Rows.
    most : int
        How many to name before the rest is only counted.

    Returns
    -------
    str
        Such as "rows 3, 7 (2)".
    """
    shown = ", ".join(str(row) for row in rows[:most].tolist())
    return f"row {shown}" if rows.size == 1 else f"rows {shown}{', ...' if rows.size > most else ''} ({rows.size})"


def point_amounts(shapes: NDArray[Any], rows: NDArray[np.int64], grid: H3Grid) -> Amounts:
    """Cut points.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        Points in longitude and latitude, none missing or empty.
    rows : ndarray of int64
        Their numbers, ascending.
    grid : H3Grid
        The cells.

    Returns
    -------
    Amounts
        Counts in each cell.
    """
    xy, which = shapely.get_coordinates(shapes, return_index=True)
    size = np.bincount(which, minlength=rows.size).astype(np.float64)
    one = np.ones(len(xy)) / size[which] if len(xy) else np.empty(0)
    return Amounts(row=rows[which], cell=grid.index(xy[:, 0], xy[:, 1]), amount=one, size_of=(rows, np.ones(rows.size)))


def line_amounts(shapes: NDArray[Any], rows: NDArray[np.int64], grid: H3Grid) -> Amounts:
    """Cut lines.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        Lines in longitude and latitude, none missing or empty.
    rows : ndarray of int64
        Their numbers, ascending.
    grid : H3Grid
        The cells.

    Returns
    -------
    Amounts
        Metres in each cell.
    """
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
    near = Neighbourhood.around(0.5 * (from_lon + until_lon), 0.5 * (from_lat + until_lat), grid)
    hit, cell, fraction = clip_segments(ends, near.own, near.candidates, near.parts)
    total = np.bincount(which[segment], weights=piece_m, minlength=rows.size).astype(np.float64)
    still = np.flatnonzero(total == 0.0)  # a line of no length is in one cell whole, with no metres
    amount = np.where(np.isin(which[segment[hit]], still), fraction, fraction * piece_m[hit])
    return Amounts(row=rows[which[segment[hit]]], cell=near.cells[cell], amount=amount, size_of=(rows, total))


def _between(line: NDArray[np.float64], which: NDArray[np.int64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate between the two rows; at t = 1 exactly the far end, so that pieces meet."""
    low, high = line[:, which]
    return np.asarray(np.where(t == 1.0, high, low + t * (high - low)))


def polygon_amounts(shapes: NDArray[Any], rows: NDArray[np.int64], grid: H3Grid) -> Amounts:
    """Cut polygons.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        Polygons in longitude and latitude, none missing or empty.
    rows : ndarray of int64
        Their numbers, ascending.
    grid : H3Grid
        The cells.

    Returns
    -------
    Amounts
        Square metres in each cell.
    """
    parts, part_row = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    hole = np.r_[False, ring_part[1:] == ring_part[:-1]]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    opened = np.r_[ring[1:] == ring[:-1], False]  # a ring's last vertex repeats its first
    start = np.r_[0, np.cumsum(np.bincount(ring[opened], minlength=len(rings)))].astype(np.int64)
    plane = np.stack(equal_area(xy[opened, 0], xy[opened, 1]), axis=1)
    return _ring_amounts(plane, start, rows[part_row[ring_part]], hole, grid=grid)


def lattice_amounts(lattice: LatticeLike, grid: H3Grid, *, valid: NDArray[np.bool_] | None) -> Amounts:
    """Cut pixels.

    Parameters
    ----------
    lattice : LatticeLike
        Corners of the pixels.
    grid : H3Grid
        The cells.
    valid : ndarray of bool, shape (ny, nx), optional
        Pixels to take.

    Returns
    -------
    Amounts
        Square metres, by the flat index of the pixel.

    Raises
    ------
    GeometryError
        If a pixel to take has no corners in degrees.
    """
    lon, lat = (np.ascontiguousarray(part, dtype=np.float64) for part in (lattice.corner_x, lattice.corner_y))
    shape = (lon.shape[0] - 1, lon.shape[1] - 1)
    take = np.ones(shape, dtype=bool) if valid is None else np.asarray(valid, dtype=bool).reshape(shape)
    j, i = np.nonzero(take)
    corner = [(j, i), (j, i + 1), (j + 1, i + 1), (j + 1, i)]
    row = (j * shape[1] + i).astype(np.int64)
    degrees = np.stack([np.stack([lon[c], lat[c]], axis=1) for c in corner], axis=1)
    inside = ((np.abs(degrees[..., 0]) <= 180.0) & (np.abs(degrees[..., 1]) <= 90.0)).all(axis=1)
    if not inside.all():
        raise GeometryError(
            f"Pixels without corners in longitude/latitude: {named_rows(row[~inside])}. Harmonise the raster to "
            "OGC:CRS84 first, and mask the pixels that the transformation cannot place."
        )
    plane = np.stack(equal_area(degrees[..., 0], degrees[..., 1]), axis=2).reshape(-1, 2)
    start = np.arange(0, 4 * row.size + 1, 4, dtype=np.int64)
    return _ring_amounts(plane, start, row, np.zeros(row.size, dtype=bool), grid=grid)


def _ring_amounts(
    plane: NDArray[np.float64],
    start: NDArray[np.int64],
    row: NDArray[np.int64],
    hole: NDArray[np.bool_],
    *,
    grid: H3Grid,
) -> Amounts:
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
        return Amounts(row=row, cell=np.empty(0, np.uint64), amount=np.empty(0), size_of=(rows, size))
    lost = np.setdiff1d(rows, columns[0])
    if lost.size:  # smaller than rounding: whole in the cell of its first vertex
        at = plane[start[:-1][np.searchsorted(row, lost)]]
        columns[0] = np.r_[columns[0], lost]
        columns[1] = np.r_[columns[1], grid.index(*from_equal_area(at[:, 0], at[:, 1]))]
        columns[2] = np.r_[columns[2], size[np.searchsorted(rows, lost)]]
    return Amounts(row=columns[0], cell=columns[1], amount=columns[2], size_of=(rows, size))


def _cut_rings(
    plane: NDArray[np.float64], start: NDArray[np.int64], grid: H3Grid
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.float64]]:
    """Return ring, cell and signed area of every piece in every cell."""
    piece_xy, piece_start, piece_ring = split_rings(plane, start, REACH * grid.edge_m)
    low = np.minimum.reduceat(piece_xy, piece_start[:-1], axis=0)
    high = np.maximum.reduceat(piece_xy, piece_start[:-1], axis=0)
    near = Neighbourhood.around(*from_equal_area(*(0.5 * (low + high)).T), grid)
    piece, cell, area = clip_pieces((piece_xy, piece_start), near.own, near.candidates, near.parts)
    return piece_ring[piece], near.cells[cell], area
