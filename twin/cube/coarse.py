"""Coarser cells by parent, and variables on one cell axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from spatial_join import H3Grid

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        ``extensive`` sums, ``intensive`` averages by support.
    resolution : int
        Resolution of the parents.

    Returns
    -------
    cells : ndarray of uint64, shape (m,)
        Parents, ascending.
    value, support : ndarray of float64, shape (m, ...)
        Rolled up; NaN where no child has a value.
    """
    parents, starts = parents_of(cells, resolution)
    if not starts.size:
        return cells, value, support
    known = np.isfinite(value)
    weight = np.where(known, support, 0.0)
    total = np.add.reduceat(weight, starts, axis=0)
    seen = np.add.reduceat(known.astype(np.int64), starts, axis=0) > 0
    if kind == "extensive":
        rolled = np.add.reduceat(np.where(known, value, 0.0), starts, axis=0)
    else:
        sums = np.add.reduceat(np.where(known, value, 0.0) * weight, starts, axis=0)
        rolled = np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0)
    return parents, np.where(seen, rolled, np.nan), total


def coarsen_classes(cells: Cells, classes: Floats, *, resolution: int) -> tuple[Cells, Floats, Floats]:
    """Find the class with the most support in the parents of cells; of equals the first.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        Cells of one resolution, ascending.
    classes : ndarray of float64, shape (n, classes)
        What every class has in every cell (count, m or m²).
    resolution : int
        Resolution of the parents.

    Returns
    -------
    cells : ndarray of uint64, shape (m,)
        Parents, ascending.
    value, support : ndarray of float64, shape (m,)
        Number of the class, and what it has.
    """
    parents, starts = parents_of(cells, resolution)
    total = np.add.reduceat(classes, starts, axis=0) if starts.size else classes
    return parents, total.argmax(axis=1).astype(np.float64), total.max(axis=1, initial=0.0)


def parents_of(cells: Cells, resolution: int) -> tuple[Cells, npt.NDArray[np.int64]]:
    """Return the parents of ascending cells, and where the children of each begin.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        Cells of one resolution, ascending.
    resolution : int
        Resolution of the parents.

    Returns
    -------
    parents : ndarray of uint64, shape (m,)
        Ascending, each once.
    starts : ndarray of int64, shape (m,)
        Number of the first child of each.
    """
    parents = H3Grid(resolution=resolution).parents(cells, resolution)
    first = np.ones(parents.size, dtype=bool)
    first[1:] = parents[1:] != parents[:-1]
    starts = np.flatnonzero(first).astype(np.int64)
    return parents[starts], starts


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


def most_of(arrays: Mapping[str, np.ndarray[Any, Any]]) -> Floats:
    """Return the most that each cell stands for at any step of the whole clock.

    Parameters
    ----------
    arrays : Mapping of str to numpy.ndarray
        As stored; ``support`` of all steps where ``most`` is not kept.

    Returns
    -------
    ndarray of float64, shape (n,)
        Count, m or m².
    """
    most: Floats = arrays["most"] if "most" in arrays else arrays["support"].max(axis=-1, initial=0.0)
    return most


def coarse_level(
    arrays: Mapping[str, np.ndarray[Any, Any]], *, kind: str, resolution: int
) -> dict[str, np.ndarray[Any, Any]]:
    """Bring all arrays of a variable to a coarser resolution.

    Parameters
    ----------
    arrays : Mapping of str to numpy.ndarray
        As stored: ``cell``, ``value``, ``support``; and where there are any ``sigma``, ``sigma_m``, ``most``,
        ``classes`` and what `twin.cube.backing` measures.
    kind : str
        Of the quantity.
    resolution : int
        Coarser than that of the cells.

    Returns
    -------
    dict
        Of the same names but ``classes``.
    """
    cells, value, support = arrays["cell"], arrays["value"], arrays["support"]
    if "classes" in arrays:
        rolled = coarsen_classes(cells, arrays["classes"], resolution=resolution)
    else:
        rolled = coarsen(cells, value, support, kind=kind, resolution=resolution)
    level = {"cell": rolled[0], "value": rolled[1], "support": rolled[2]}
    for part in {"n", "covered", "base"} & arrays.keys():
        level[part] = (
            np.add.reduceat(arrays[part], parents_of(cells, resolution)[1], axis=0) if cells.size else arrays[part]
        )
    for part in {"sigma", "sigma_m", "disagreement", "reporting"} & arrays.keys():
        # Errors of neighbours are nearly one error: a mean keeps their mean, a sum their sum, not the root of squares.
        how = kind if part == "sigma" else "intensive"
        flat = support if arrays[part].ndim == support.ndim else most_of(arrays)
        level[part] = coarsen(cells, arrays[part], flat, kind=how, resolution=resolution)[1]
    return level
