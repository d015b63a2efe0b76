"""Exact shares of every record in every H3 cell.

A record's shares sum to 1, so whatever is spread by them is neither lost nor invented. A polygon's share is the area it
has in a cell over its own area, both in one equal-area plane; a line's is a length over a length; a point is in one
cell whole. A raster pixel is the quadrilateral of its four corners, that is a polygon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
import scipy
import shapely

from spatial_join.errors import GeometryError, JoinError
from spatial_join.grid import H3Grid
from spatial_join.pieces import (
    Amounts,
    LatticeLike,
    lattice_amounts,
    line_amounts,
    named_rows,
    point_amounts,
    polygon_amounts,
)
from spatial_join.rectangles import pixel_shares

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["LatticeLike", "Measure", "Weights", "together", "weights"]

Measure = Literal["count", "length", "area"]

MEASURES: tuple[Measure, ...] = ("count", "length", "area")
"""Natural measure of a record by the dimension of its geometry: a count, metres, square metres."""

SLIVER = 1e-12
"""A share smaller than this is rounding (a cell inside a hole, a shared edge), not land."""

CLOSURE = 1e-6
"""Largest relative difference between a record and the sum of its pieces before it is taken for a defect."""


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
        return np.sort(pd.unique(self.cell))

    @property
    def unplaced(self) -> NDArray[np.int64]:
        """Rows that are in no cell because they have no geometry."""
        return np.setdiff1d(np.arange(self.rows, dtype=np.int64), self.row)

    def matrix(self, *, of: Literal["share", "support"] = "share") -> scipy.sparse.csr_array:
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
        where, cells = pd.factorize(self.cell, sort=True)
        data = self.share if of == "share" else self.support
        begin = np.concatenate([[0], np.cumsum(np.bincount(self.row, minlength=self.rows))])
        return scipy.sparse.csc_array((data, where, begin), shape=(cells.size, self.rows)).tocsr()

    def coarsen(self, resolution: int) -> Self:
        """Move the weights to the ancestors of their cells.

        Parameters
        ----------
        resolution : int
            Coarser H3 resolution.

        Returns
        -------
        Weights
            Weights of the same records, of the same type.

        Raises
        ------
        ResolutionError
            If the resolution is finer than that of the weights.
        """
        cell = H3Grid(self.resolution).parents(self.cell, resolution)
        order = np.lexsort((cell, self.row))
        first = _group_starts(self.row[order], cell[order])
        return replace(
            self,
            row=self.row[order][first],
            cell=cell[order][first],
            share=np.add.reduceat(self.share[order], first) if first.size else self.share,
            support=np.add.reduceat(self.support[order], first) if first.size else self.support,
            resolution=resolution,
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
        rectangles = pixel_shares(geometry, grid, valid=valid)
        pixels = (np.shape(geometry.corner_x)[0] - 1) * (np.shape(geometry.corner_x)[1] - 1)
        if rectangles is not None:
            return Weights(**rectangles._asdict(), rows=pixels, resolution=grid.resolution, measure="area")
        return _assemble(lattice_amounts(geometry, grid, valid=valid), rows=pixels, grid=grid, measure="area")
    shapes = np.atleast_1d(np.asarray(geometry, dtype=object))
    take = np.ones(shapes.size, dtype=bool) if valid is None else np.asarray(valid, dtype=bool).ravel()
    rows = np.flatnonzero(take & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)).astype(np.int64)
    kept = shapes[rows]
    dimension = _one_dimension(kept, rows)
    maker = (point_amounts, line_amounts, polygon_amounts)[dimension]
    return _assemble(maker(kept, rows, grid), rows=shapes.size, grid=grid, measure=MEASURES[dimension])


def together(parts: list[Weights]) -> Weights:
    """Put the weights of consecutive records together.

    Parameters
    ----------
    parts : list of Weights
        In the order of the records, at least one.

    Returns
    -------
    Weights
        Of all of them; rows count on from part to part.

    Raises
    ------
    GeometryError
        If the parts are of several kinds of geometry.
    """
    filled = [part for part in parts if len(part)] or parts[:1]
    measures = sorted({part.measure for part in filled})
    if len(measures) > 1:
        raise GeometryError(
            f"Points, lines and polygons cannot share one table of weights, but parts are measured by "
            f"{' and '.join(measures)}. Split the layer by kind of geometry."
        )
    first = np.cumsum([0, *(part.rows for part in parts)])
    return replace(
        filled[0],
        row=np.concatenate([part.row + begin for part, begin in zip(parts, first[:-1], strict=True)]),
        cell=np.concatenate([part.cell for part in parts]),
        share=np.concatenate([part.share for part in parts]),
        support=np.concatenate([part.support for part in parts]),
        rows=int(first[-1]),
    )


def _one_dimension(shapes: NDArray[Any], rows: NDArray[np.int64]) -> int:
    """Return 0, 1 or 2, or refuse what is mixed, invalid or not in degrees."""
    if not shapes.size:
        return 0
    mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    if mixed.any():
        raise GeometryError(
            f"A geometry collection has no one measure: {named_rows(rows[mixed])}. "
            "Take its points, lines or polygons apart first."
        )
    dimension = shapely.get_dimensions(shapes)
    other = dimension != dimension[0]
    if other.any():
        raise GeometryError(
            f"Points, lines and polygons cannot share one table of weights: row {int(rows[0])} is of dimension "
            f"{int(dimension[0])}, but {named_rows(rows[other])} not. Split the layer by kind of geometry."
        )
    low_x, low_y, high_x, high_y = shapely.bounds(shapes).T
    inside = (low_x >= -180.0) & (high_x <= 180.0) & (low_y >= -90.0) & (high_y <= 90.0)
    if not inside.all():
        raise GeometryError(
            f"Not longitude/latitude in degrees: {named_rows(rows[~inside])}, first {shapes[~inside][0].wkt[:80]!r}. "
            "Harmonise the layer to OGC:CRS84 first."
        )
    bad = ~shapely.is_valid(shapes) if dimension[0] == 2 else np.zeros(shapes.size, dtype=bool)
    if bad.any():
        why = shapely.is_valid_reason(shapes[bad][0])
        raise GeometryError(
            f"Invalid polygons have no certain area: {named_rows(rows[bad])}, first: {why}. "
            "Quarantine them, or repair them with shapely.make_valid if the repair is what the owner means."
        )
    return int(dimension[0])


def _group_starts(*keys: NDArray[Any]) -> NDArray[np.int64]:
    """Return where a new combination of keys begins in sorted arrays."""
    if not keys[0].size:
        return np.empty(0, dtype=np.int64)
    changed = np.zeros(keys[0].size, dtype=bool)
    changed[0] = True
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed).astype(np.int64)


def _assemble(amounts: Amounts, *, rows: int, grid: H3Grid, measure: Measure) -> Weights:
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
            f"The pieces of {named_rows(row[gap])} do not add up to the record: row {int(row[worst])} has "
            f"{whole[worst]:.6g} m² but its pieces {total[worst]:.6g} m². "
            "This is a defect of spatial_join; please report the geometry."
        )
