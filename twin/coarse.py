"""Coarser cells by parent, and variables on one cell axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from spatial_join import H3Grid

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]


def coarsen(
    cells: Cells, value: Floats, support: Floats, *, kind: str, resolution: int
) -> tuple[Cells, Floats, Floats]:
    """Roll cells up to their parents.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        Cells of one resolution, ascending.
    value : ndarray of float64, shape (n, ...)
        Values; NaN where a cell has none.
    support : ndarray of float64, shape (n, ...)
        What the value stands for (count, m or m²), 0 where there is none.
    kind : str
        ``extensive`` sums, ``intensive`` averages by support, ``categorical`` takes the category of most support.
    resolution : int
        Resolution of the parents.

    Returns
    -------
    cells : ndarray of uint64, shape (m,)
        Parents, ascending.
    value, support : ndarray of float64, shape (m, ...)
        Rolled up; NaN where no child has a value.
    """
    parents = H3Grid(resolution=resolution).parents(cells, resolution)
    starts = np.flatnonzero(np.concatenate([[True], parents[1:] != parents[:-1]])) if parents.size else np.empty(0, int)
    if not starts.size:
        return cells, value, support
    known = np.isfinite(value)
    weight = np.where(known, support, 0.0)
    total = np.add.reduceat(weight, starts, axis=0)
    seen = np.add.reduceat(known.astype(np.int64), starts, axis=0) > 0
    if kind == "categorical":
        rolled = _most_supported(value, weight, starts)
    elif kind == "extensive":
        rolled = np.add.reduceat(np.where(known, value, 0.0), starts, axis=0)
    else:
        sums = np.add.reduceat(np.where(known, value, 0.0) * weight, starts, axis=0)
        rolled = np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0)
    return parents[starts], np.where(seen, rolled, np.nan), total


def _most_supported(value: Floats, weight: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    best = np.full((starts.size, *value.shape[1:]), -1.0)
    rolled = np.full(best.shape, np.nan)
    for category in np.unique(value[np.isfinite(value)]):
        amount = np.add.reduceat(np.where(value == category, weight, 0.0), starts, axis=0)
        better = amount > best
        better &= np.add.reduceat((value == category).astype(np.int64), starts, axis=0) > 0
        best, rolled = np.where(better, amount, best), np.where(better, category, rolled)
    return rolled


def on_axis(cells: Cells, value: Floats, axis: Cells) -> Floats:
    """Put values on a longer cell axis.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        Cells of the values, ascending, all of them in `axis`.
    value : ndarray of float64, shape (n, ...)
        The values.
    axis : ndarray of uint64, shape (m,)
        The axis, ascending.

    Returns
    -------
    ndarray of float64, shape (m, ...)
        NaN where the variable has no cell.
    """
    if cells.shape == axis.shape:
        return value
    placed: np.ndarray[Any, Any] = np.full((axis.size, *value.shape[1:]), np.nan)
    placed[np.searchsorted(axis, cells)] = value
    return placed


def on_rows(
    row: npt.NDArray[np.int64], cell: Cells, share: Floats, level: dict[str, np.ndarray[Any, Any]]
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Bring cell values back onto features.

    Parameters
    ----------
    row, cell, share : ndarray, shape (n,)
        Weights: which share of which feature lies in which cell.
    level : dict
        ``cell`` (ascending) and ``value`` of a variable.

    Returns
    -------
    rows : ndarray of int64, shape (m,)
        Features, ascending.
    values : ndarray of float64, shape (m, ...)
        Means over the cells that have a value; NaN where none has.
    """
    rows, number = np.unique(row, return_inverse=True)
    cells, value = level["cell"], level["value"]
    place = np.minimum(np.searchsorted(cells, cell), max(cells.size - 1, 0))
    hit = np.flatnonzero(cells[place] == cell) if cells.size else np.empty(0, np.int64)
    matrix = sparse.csr_array((share[hit], (number[hit], place[hit])), shape=(rows.size, max(cells.size, 1)))
    known = np.isfinite(value)
    if not cells.size:
        return rows, np.full((rows.size, *value.shape[1:]), np.nan)
    weight = np.asarray(matrix @ known.astype(np.float64))
    sums = np.asarray(matrix @ np.where(known, value, 0.0))
    return rows, np.divide(sums, weight, out=np.full(sums.shape, np.nan), where=weight > 0)
