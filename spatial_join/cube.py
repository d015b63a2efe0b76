"""Tables of cells as an xarray cube."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from spatial_join.errors import JoinError, ResolutionError
from spatial_join.table import CellTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

__all__ = ["to_cube"]


def to_cube(tables: CellTable | Sequence[CellTable], *, times: ArrayLike | None = None) -> xr.Dataset:
    """Lay tables out over cells and time.

    Parameters
    ----------
    tables : CellTable or sequence of CellTable
        Tables of one resolution with different variables, in time or not.
    times : array_like, shape (steps,), optional
        Label of every step; by default the numbers of the steps.

    Returns
    -------
    xarray.Dataset
        Dimensions ``cell`` (ascending uint64) and ``time``; variables that are not in time have ``cell`` only. Each has
        ``units`` and ``kind``, and beside it stands ``<variable>_sigma_m``, the positional uncertainty of its records,
        where it is known. NaN is "no value".

    Raises
    ------
    JoinError
        If there is no table, a name occurs twice, or a step has no label.
    ResolutionError
        If the tables are of different resolutions.
    """
    every = [tables] if isinstance(tables, CellTable) else list(tables)
    if not every:
        raise JoinError("A cube needs at least one table of cells.")
    if len({table.resolution for table in every}) > 1:
        found = ", ".join(str(table.resolution) for table in every)
        raise ResolutionError(f"Tables of one cube must be of one resolution, got {found}; coarsen the finer ones.")
    names = [name for table in every for name in table.quantities]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise JoinError(f"{', '.join(twice)} are in more than one table; rename one of them.")
    cells = np.unique(np.concatenate([table.frame["cell"].to_numpy(dtype=np.uint64) for table in every]))
    steps = [table.frame["step"] for table in every if "step" in table.frame.columns]
    last = max((int(step.max()) for step in steps if len(step)), default=-1)
    labels = np.arange(last + 1) if times is None else np.asarray(times)
    if len(labels) <= last:
        raise JoinError(f"There are steps up to {last}, but only {len(labels)} times; pass one label per step.")
    data = {name: array for table in every for name, array in _variables(table, cells, len(labels)).items()}
    coordinates: dict[str, Any] = {"cell": ("cell", cells, {"grid_name": "h3", "level": every[0].resolution})}
    if steps:
        coordinates["time"] = labels
    return xr.Dataset(data, coords=coordinates, attrs={"h3_resolution": every[0].resolution})


def _variables(table: CellTable, cells: NDArray[np.uint64], steps: int) -> dict[str, xr.Variable]:
    """Return the variables of one table on the cells of the cube."""
    frame = table.frame
    row = np.searchsorted(cells, frame["cell"].to_numpy(dtype=np.uint64))
    at: tuple[Any, ...] = (row,)
    if "step" in frame.columns:
        at = (row, frame["step"].to_numpy())
    dimensions = ("cell", "time")[: len(at)]
    shape = (cells.size, steps)[: len(at)]
    out: dict[str, xr.Variable] = {}
    for name, quantity in table.quantities.items():
        attributes = {"units": quantity.unit, "kind": quantity.kind}
        out[name] = xr.Variable(dimensions, _placed(frame[name], at, shape), attributes)
        if frame["sigma_m"].notna().any():
            sigma = frame["sigma_m"].where(frame[f"{name}__support"] > 0)
            meaning = {"units": "m", "long_name": f"positional standard deviation of the records behind {name}"}
            out[f"{name}_sigma_m"] = xr.Variable(dimensions, _placed(sigma, at, shape), meaning)
    return out


def _placed(column: pd.Series[Any], at: tuple[Any, ...], shape: tuple[int, ...]) -> NDArray[Any]:
    """Put a column where it belongs in an array of no value."""
    numeric = column.dtype.kind in "iufb"
    out: NDArray[Any] = np.full(shape, np.nan if numeric else None, dtype=np.float64 if numeric else object)
    out[at] = column.to_numpy()
    return out
