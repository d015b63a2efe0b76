"""Cell values back to records, through the weights that were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from spatial_join.errors import QuantityError, ResolutionError, WrongRollUpError
from spatial_join.grid import H3Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatial_join.table import CellTable
    from spatial_join.weights import Weights

__all__ = ["mean_on_features", "to_features"]

WHOLE = 1.0 - 1e-9
"""A record whose covered shares sum to this is covered whole, up to rounding."""


def to_features(spread: Weights, table: CellTable, variable: str, *, coverage: float = 0.5) -> NDArray[Any]:
    """Bring a variable of the cells back to the records that lie in them.

    Parameters
    ----------
    spread : Weights
        Weights of the records, at the resolution of the table.
    table : CellTable
        Values per cell.
    variable : str
        Which of them.
    coverage : float
        Share of a record, 0 to 1, that must lie in cells with a value.

    Returns
    -------
    ndarray, shape (rows,) or (rows, steps)
        Intensive variables: the mean over the record, weighted by how much of it is in each cell. Extensive ones, for
        polygons only: what falls on the polygon if the amount is spread evenly in each cell. Categorical ones: the
        class that covers most. NaN (None for classes) where the coverage is too small.

    Raises
    ------
    ResolutionError
        If table and weights are of different resolutions.
    WrongRollUpError
        If the variable has no meaning on records of this kind.
    """
    quantity = table.quantity(variable)
    if spread.resolution != table.resolution:
        raise ResolutionError(
            f"The weights are of resolution {spread.resolution}, the table of {table.resolution}; "
            "coarsen the finer one by parent."
        )
    if quantity.kind == "categorical":
        return _leading_class(spread, table, variable, coverage)
    cells, values = _wide(table, variable)
    if quantity.kind == "circular":
        angle = np.radians(values)
        east, north = (
            mean_on_features(spread, cells, part, coverage=coverage) for part in (np.sin(angle), np.cos(angle))
        )
        return np.asarray(np.degrees(np.arctan2(east, north)) % 360.0)
    if quantity.kind in {"intensive", "rate"}:
        return mean_on_features(spread, cells, values, coverage=coverage)
    if spread.measure != "area":
        raise WrongRollUpError(
            f"{variable!r} is extensive ({quantity.unit}): how much of a cell's amount belongs to a "
            f"{'line' if spread.measure == 'length' else 'point'} is not known. Use an intensive variable, such as the "
            "amount per area of the cell."
        )
    density = values / H3Grid(table.resolution).areas_m2(cells).reshape((-1,) + (1,) * (values.ndim - 1))
    area = np.zeros(spread.rows)
    np.add.at(area, spread.row, spread.support)
    mean = mean_on_features(spread, cells, density, coverage=coverage)
    return np.asarray(mean * area.reshape((-1,) + (1,) * (values.ndim - 1)))


def mean_on_features(
    spread: Weights, cells: NDArray[np.uint64], values: NDArray[np.float64], *, coverage: float = 0.5
) -> NDArray[np.float64]:
    """Average cell values over records.

    Parameters
    ----------
    spread : Weights
        Weights of the records.
    cells : ndarray of uint64, shape (cells,)
        Distinct cells.
    values : ndarray of float64, shape (cells,) or (cells, steps)
        Their values; NaN is "no value".
    coverage : float
        Share of a record, 0 to 1, that must lie in cells with a value.

    Returns
    -------
    ndarray of float64, shape (rows,) or (rows, steps)
        Means weighted by share; NaN where the coverage is too small.

    Raises
    ------
    QuantityError
        If the coverage is not from 0 to 1.
    """
    if not 0.0 <= coverage <= 1.0:
        raise QuantityError(f"The coverage is a share from 0 to 1, got {coverage!r}.")
    order = np.argsort(cells)
    place = order[np.minimum(np.searchsorted(cells, spread.cell, sorter=order), len(cells) - 1)]
    known = cells[place] == spread.cell
    matrix = scipy.sparse.csr_array(
        (spread.share[known], (spread.row[known], place[known])), shape=(spread.rows, len(cells))
    )
    there = ~np.isnan(values)
    covered = matrix @ there.astype(np.float64)
    total = matrix @ np.where(there, values, 0.0)
    enough = (covered >= min(coverage, WHOLE)) & (covered > 0.0)
    return np.asarray(np.divide(total, covered, out=np.full(total.shape, np.nan), where=enough))


def _wide(table: CellTable, variable: str) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Return the distinct cells and their values, one column per step if there are any."""
    frame = table.frame
    cells, row = np.unique(frame["cell"].to_numpy(), return_inverse=True)
    if "step" not in frame.columns:
        return frame["cell"].to_numpy(), frame[variable].to_numpy(dtype=np.float64)
    step = frame["step"].to_numpy()
    values = np.full((cells.size, int(step.max(initial=-1)) + 1), np.nan)
    values[row, step] = frame[variable].to_numpy(dtype=np.float64)
    return cells, values


def _leading_class(spread: Weights, table: CellTable, variable: str, coverage: float) -> NDArray[Any]:
    """Return the class that covers most of every record; of equals the first in order."""
    if "step" in table.frame.columns:
        raise WrongRollUpError(f"{variable!r} is categorical in time; select one step of the table first.")
    pieces = pd.DataFrame({"row": spread.row, "cell": spread.cell, "share": spread.share})
    pieces = pieces.merge(table.frame[["cell", variable]].dropna(), on="cell")
    covered = pieces.groupby("row")["share"].sum()
    by_class = pieces.groupby(["row", variable])["share"].sum().reset_index()
    best = by_class.sort_values(["row", "share", variable], ascending=[True, False, True]).drop_duplicates("row")
    best = best[covered.loc[best["row"]].to_numpy() >= min(coverage, WHOLE)]
    out = np.full(spread.rows, None, dtype=object)
    out[best["row"].to_numpy()] = best[variable].to_numpy()
    return out
