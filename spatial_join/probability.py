"""The probability of every cell to hold the true place of a point that is known with an error.

The error is circular normal: its parts east and north of the point are independent, of standard deviation ``sigma_m``
each, in metres by the ellipsoid's radii of curvature at the point. A cell's probability is the integral of that
distribution over the cell as H3 draws it. See docs/decisions/0007 for what is done with lines and polygons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from spatial_join import index as h3_index
from spatial_join.errors import GeometryError, JoinError, ResolutionError
from spatial_join.kernels.gaussian import Cells, spread_points
from spatial_join.kernels.threads import in_stretches
from spatial_join.pieces import named_rows
from spatial_join.plane import degree_lengths_m
from spatial_join.weights import Weights, weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from spatial_join.grid import H3Grid
    from spatial_join.pieces import LatticeLike

__all__ = [
    "LEFT_OUT",
    "CellProbabilities",
    "cell_probabilities",
    "credible_cells",
    "probable_weights",
    "require_normal",
]

LEFT_OUT = 1e-6
"""Most of a record's probability that may be left out with cells that are too unlikely to keep."""

REACH = float(np.sqrt(-2.0 * np.log(0.5 * LEFT_OUT)))
"""Radius of the disc whose cells are looked at, in standard deviations: half of ``LEFT_OUT`` is beyond it."""

SHORTEST_EDGE = 0.7
"""Shortest edge of any cell, in average cell edges."""

MOST_RINGS = 256
"""Rings of cells around the own one, some 200,000 cells; a record that needs more is refused."""

BATCH_CELLS = 1_000_000
"""Cells that one batch of records may need, roughly, which bounds memory."""

BATCH_RECORDS = 100_000
"""Records of one batch at most; fixed, so that batches do not depend on the machine."""

POLAR_LAT = 89.0
"""Beyond this latitude east and north turn within the reach of an error, and records are refused."""


@dataclass(frozen=True, kw_only=True)
class CellProbabilities(Weights):
    """Probability of every cell to hold a record: weights whose ``share`` is a probability.

    Parameters
    ----------
    row, cell, share, support, rows, resolution, measure
        As in :class:`Weights`; ``share`` sums to 1 per row, after what was left out was given to the cells that were
        kept, in proportion.
    remaining : ndarray of float64, shape (rows,)
        Probability that was left out with cells too unlikely to keep, at most 1e-6; 0 for a record that is in one cell
        for certain, NaN for one without a place.
    """

    remaining: NDArray[np.float64]

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return ("CellProbabilities", super().__dask_tokenize__(), self.remaining)


def cell_probabilities(lon: ArrayLike, lat: ArrayLike, sigma_m: ArrayLike, grid: H3Grid) -> CellProbabilities:
    """Find how probable it is for every cell to hold the true place of a point.

    Parameters
    ----------
    lon, lat : array_like of float, shape (n,)
        Positions as known, degrees.
    sigma_m : array_like of float, shape (n,) or scalar
        Standard deviation of each position per horizontal axis, metres. 0 and NaN mean that no error is stated: such a
        point is in the one cell that it is in.
    grid : H3Grid
        The cells. Probabilities of coarser cells are sums, see :meth:`Weights.coarsen`.

    Returns
    -------
    CellProbabilities
        The cells that hold all but 1e-6 of the probability, per record.

    Raises
    ------
    GeometryError
        If a position is not in degrees or near a pole, or a standard deviation is negative or infinite.
    ResolutionError
        If a point is so uncertain that it spreads over more than some 200,000 cells.

    Examples
    --------
    >>> from spatial_join import H3Grid
    >>> p = cell_probabilities([7.42], [43.73], 20.0, H3Grid(resolution=11))
    >>> [(f"{cell:x}", float(round(share, 3))) for cell, share in zip(p.cell, p.share) if share > 0.09]
    [('8b3969a40204fff', 0.167), ('8b3969a40222fff', 0.529), ('8b3969a40223fff', 0.093), ('8b3969a40231fff', 0.097)]
    >>> bool(p.remaining[0] < 1e-6)
    True
    """
    own = grid.index(lon, lat)
    place = np.stack([np.asarray(lon, np.float64).ravel(), np.asarray(lat, np.float64).ravel()], axis=1)
    sigma = _checked_sigma(sigma_m, place, np.arange(len(place)), grid)
    return _probabilities(place, sigma, own, grid)


def _probabilities(
    place: NDArray[np.float64], sigma: NDArray[np.float64], own: NDArray[np.uint64], grid: H3Grid
) -> CellProbabilities:
    """Spread positions of checked standard deviations, those that need equally many rings of cells at a time."""
    rings = _rings(sigma, grid)
    uncertain = np.flatnonzero(sigma > 0.0)
    found = [_certain(np.flatnonzero(sigma == 0.0), own)]
    for level in np.unique(rings[uncertain]).tolist():
        rows = uncertain[rings[uncertain] == level]
        rows = rows[np.argsort(own[rows], kind="stable")]  # neighbours share their cells
        found += _spread(rows, (place, sigma, own), grid, rings=level)
    row, cell, mass = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((cell, row))
    row, cell, mass = row[order], cell[order], mass[order]
    begin = np.searchsorted(row, np.arange(len(own)))
    kept = np.add.reduceat(mass, begin) if begin.size else mass
    share = mass / kept[row]
    return CellProbabilities(
        row=row,
        cell=cell,
        share=share,
        support=share,
        rows=len(own),
        resolution=grid.resolution,
        measure="count",
        remaining=np.maximum(0.0, 1.0 - kept),
    )


def _checked_sigma(
    sigma_m: ArrayLike, place: NDArray[np.float64], named: NDArray[np.int64], grid: H3Grid
) -> NDArray[np.float64]:
    """Return one standard deviation per position, 0 where none is stated, or refuse by name what cannot be spread."""
    given = np.asarray(sigma_m, dtype=np.float64)
    if given.ndim and given.size != len(place):
        raise GeometryError(f"{given.size} standard deviations were given for {len(place)} positions; pass one each.")
    sigma = np.nan_to_num(np.broadcast_to(given.ravel() if given.ndim else given, len(place)), posinf=np.inf)
    wrong = ~((sigma >= 0.0) & (sigma < np.inf))
    if wrong.any():
        raise GeometryError(
            f"A standard deviation is neither negative nor infinite: {named_rows(named[wrong])}, first "
            f"{sigma[wrong][0]!r} m. Write NaN where the accuracy is not stated."
        )
    polar = (sigma > 0.0) & (np.abs(place[:, 1]) > POLAR_LAT)
    if polar.any():
        raise GeometryError(
            f"Beyond {POLAR_LAT:g} degrees of latitude an error has no east and north: {named_rows(named[polar])}. "
            "Set their sigma_m to NaN to put each into its one cell."
        )
    wide = _rings(sigma, grid) > MOST_RINGS
    if wide.any():
        raise ResolutionError(
            f"{named_rows(named[wide])} of sigma_m up to {sigma[wide].max():.6g} m would each spread over more than "
            f"200,000 cells of resolution {grid.resolution} (edge {grid.edge_m:.3g} m). Choose a coarser resolution "
            "for this layer, or leave these records out."
        )
    return sigma


def _rings(sigma_m: NDArray[np.float64], grid: H3Grid) -> NDArray[np.int64]:
    """Return how many rings of cells hold a record's disc, rounded up so that there are few different numbers."""
    # From any place in a cell, what lies beyond k rings is at least 1.5 k - 0.5 edges away.
    need = np.ceil((REACH * sigma_m / (SHORTEST_EDGE * grid.edge_m) + 0.5) / 1.5)
    step = 2.0 ** np.maximum(0.0, np.floor(np.log2(np.maximum(need, 1.0))) - 1.0)
    return (np.ceil(need / step) * step).astype(np.int64)


Found = tuple["NDArray[np.int64]", "NDArray[np.uint64]", "NDArray[np.float64]"]


def _certain(rows: NDArray[np.int64], own: NDArray[np.uint64]) -> Found:
    """Put records without a stated error into their one cell."""
    return rows, own[rows], np.ones(rows.size)


def _spread(
    rows: NDArray[np.int64],
    records: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint64]],
    grid: H3Grid,
    *,
    rings: int,
) -> list[Found]:
    """Spread records that need so many rings of cells, batch by batch."""
    place, sigma, own = records

    def _batch(start: int, stop: int) -> Found:
        """Spread one batch."""
        mine = rows[start:stop]
        number, cells, patch = _patch(place[mine], own[mine], grid, rings=rings)
        east, north = degree_lengths_m(place[mine, 1])
        places = np.column_stack([place[mine], east / sigma[mine], north / sigma[mine]])
        begin, at, mass = spread_points(places, number, patch, (REACH, 0.5 * LEFT_OUT))
        kept = np.add.reduceat(mass, begin[:-1])
        if (1.0 - kept > LEFT_OUT).any():
            worst = int(np.argmin(kept))
            raise JoinError(
                f"The cells around row {int(mine[worst])} hold only {kept[worst]!r} of its probability. "
                "This is a defect of spatial_join; please report the position."
            )
        return np.repeat(mine, np.diff(begin)), cells[at], mass

    size = max(1, min(BATCH_RECORDS, BATCH_CELLS // (3 * rings * rings + 4)))
    return in_stretches(_batch, rows.size, stretch=size)


def _patch(
    place: NDArray[np.float64], own: NDArray[np.uint64], grid: H3Grid, *, rings: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64], Cells]:
    """Return the number of each record's cell, and the cells with rings of neighbours around them."""
    disks = h3_index.disks(place[:, 0].copy(), place[:, 1].copy(), grid.resolution, rings=rings)
    if disks is not None:
        return disks[0], disks[1], Cells(disks[2], disks[3])
    # At an edge of the icosahedron or a pentagon, ring by ring.
    last = np.unique(own)
    cells, before, around = [last], last[:0], [grid.neighbours(last)]
    for _ in range(rings):
        found = np.unique(around[-1])
        fresh = np.setdiff1d(found[found != 0], np.concatenate([before, last]), assume_unique=True)
        cells.append(fresh)
        around.append(grid.neighbours(fresh))
        before, last = last, fresh
    known = np.concatenate(cells)
    order = np.argsort(known)
    linked = np.concatenate(around)
    number = order[np.minimum(np.searchsorted(known, linked, sorter=order), known.size - 1)]
    table = np.where(known[number] == linked, number, -1)
    return np.searchsorted(cells[0], own), known, Cells(table, grid.vertices(known))


def require_normal(geometry: NDArray[Any] | LatticeLike, radius_m: NDArray[np.float64] | None) -> None:
    """Refuse points that stand for an area: they are anywhere in it alike, and no circle of an error says that.

    Parameters
    ----------
    geometry : ndarray of shapely geometries, or a lattice of pixel corners
        Records in longitude and latitude.
    radius_m : ndarray of float64, shape (rows,), or None
        Radius of the area that each record stands for, metres; None and NaN mean that it stands for none.

    Raises
    ------
    GeometryError
        If a point has a radius.
    """
    if radius_m is None:
        return
    standing = np.flatnonzero(np.isfinite(radius_m) & (shapely.get_dimensions(np.asarray(geometry)) == 0))
    if standing.size:
        raise GeometryError(
            f"{named_rows(standing)} are points that stand for an area (radius {radius_m[standing[0]]:.3g} m): each is "
            "anywhere in it with the same probability, which is no normal error around its middle. Read them with "
            "as: area, whose shares are those probabilities."
        )


def probable_weights(
    geometry: NDArray[Any] | LatticeLike,
    sigma_m: NDArray[np.float64] | None,
    grid: H3Grid,
    *,
    valid: NDArray[np.bool_] | None = None,
) -> Weights:
    """Find the weights of records whose positions are known with an error.

    Parameters
    ----------
    geometry : ndarray of shapely geometries, or a lattice of pixel corners
        Records in longitude and latitude.
    sigma_m : ndarray of float64, shape (rows,), or None
        Standard deviation of each record per horizontal axis, metres; None, 0 and NaN mean that none is stated.
    grid : H3Grid
        The cells.
    valid : ndarray of bool, optional
        Records to take.

    Returns
    -------
    Weights
        Probabilities for points, the mean over its points for a record that has several; exact shares if no record has
        an error stated.

    Raises
    ------
    GeometryError
        If lines, polygons or pixels have an error stated.
    """
    exact = weights(geometry, grid, valid=valid)
    stated = np.zeros(exact.rows) if sigma_m is None else np.nan_to_num(sigma_m, posinf=np.inf)
    uncertain = np.intersect1d(exact.row, np.flatnonzero(stated != 0.0))
    if not uncertain.size:
        return exact
    if exact.measure != "count":
        what = "a length" if exact.measure == "length" else "an area"
        raise GeometryError(
            f"Only points go to cells by probability, but {named_rows(uncertain)} with a stated sigma_m have {what}. "
            "Leave out uncertain=True to take the exact shares of what is drawn (sigma_m stays on the cells), or "
            "pass points that stand for the records."
        )
    placed = np.unique(exact.row)
    xy, which = shapely.get_coordinates(np.asarray(geometry, dtype=object)[placed], return_index=True)
    sigma = _checked_sigma(stated[placed][which], xy, placed[which], grid)
    parts = _probabilities(xy, sigma, grid.index(xy[:, 0], xy[:, 1]), grid)
    return _pooled(parts, placed[which], exact.rows)


def _pooled(parts: CellProbabilities, row_of: NDArray[np.int64], rows: int) -> CellProbabilities:
    """Take the mean over the points of every record, which for most records is one."""
    count = np.bincount(row_of, minlength=rows)
    remaining = np.full(rows, np.nan)
    remaining[count > 0] = np.bincount(row_of, weights=parts.remaining, minlength=rows)[count > 0] / count[count > 0]
    row = row_of[parts.row]
    share = parts.share / count[row]
    pooled = replace(parts, row=row, share=share, support=share, rows=rows, remaining=remaining)
    return pooled if count.max() == 1 else pooled.coarsen(parts.resolution)  # adds up what is in one cell


def credible_cells(probabilities: Weights, *, level: float = 0.95) -> pd.DataFrame:
    """Find the smallest set of cells that holds a record with a given probability.

    Parameters
    ----------
    probabilities : Weights
        Cells of every record, as :func:`cell_probabilities` gives them.
    level : float
        Probability that each set has to reach, above 0 and up to 1.

    Returns
    -------
    pandas.DataFrame
        ``row``, ``cell``, ``probability`` and ``coverage`` (the probability of the cells up to and with this one), most
        probable cell first; of equally probable cells the one with the smaller number. The last coverage of a row is
        what its set as a whole holds, at least ``level``.

    Raises
    ------
    JoinError
        If the level is not a probability.

    Examples
    --------
    >>> from spatial_join import H3Grid
    >>> p = cell_probabilities([7.42], [43.73], 20.0, H3Grid(resolution=11))
    >>> credible_cells(p, level=0.7)["coverage"].round(3).tolist()
    [0.529, 0.696, 0.792]
    """
    if not 0.0 < level <= 1.0:
        raise JoinError(f"A level is a probability above 0 and up to 1, got {level!r}; write 0.95 for 95 %.")
    order = np.lexsort((-probabilities.share, probabilities.row))  # stable: equal ones stay in the order of their cells
    frame = pd.DataFrame(
        {
            "row": probabilities.row[order],
            "cell": probabilities.cell[order],
            "probability": probabilities.share[order],
        }
    )
    frame["coverage"] = frame.groupby("row")["probability"].cumsum()
    before = frame["coverage"] - frame["probability"]
    return frame[before < level].reset_index(drop=True)
