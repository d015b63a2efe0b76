"""Which numbers can be true: by a stated range, beside another column, or among records of one group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from layers.fields import Field
    from layers.repair_rules import Repair

__all__ = ["Bounds", "bounds_of", "numbers_of"]

#: A group must hold this many numbers before most of them say anything.
_FEWEST = 5
#: Near: within four standard deviations (by the median deviation) or one per cent of the group's median; a number
#: cannot be true only beyond twice that, and what lies between is neither.
_NEAR_SIGMAS, _NEAR_SHARE, _FAR = 4.0, 0.01, 2.0
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounds:
    """What can be true, row by row; NaN where nothing is known.

    Parameters
    ----------
    low, high : numpy.ndarray of float64, shape (n,)
        A number in between can be true.
    far_low, far_high : numpy.ndarray of float64, shape (n,)
        A number beyond cannot; equal to ``low`` and ``high`` where these were stated.
    learned : bool
        Whether they come from the data itself.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    far_low: NDArray[np.float64]
    far_high: NDArray[np.float64]
    learned: bool

    def allows(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which numbers can be true.

        Parameters
        ----------
        numbers : numpy.ndarray of float64, shape (n,)
            One a row; NaN cannot.

        Returns
        -------
        numpy.ndarray of bool, shape (n,)
            False also where nothing is known.
        """
        inside: NDArray[np.bool_] = (numbers >= self.low) & (numbers <= self.high)
        return inside

    def rules_out(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which numbers cannot be true.

        Parameters
        ----------
        numbers : numpy.ndarray of float64, shape (n,)
            One a row; a missing one (NaN) is not wrong.

        Returns
        -------
        numpy.ndarray of bool, shape (n,)
            False also where nothing is known.
        """
        beyond: NDArray[np.bool_] = (numbers < self.far_low) | (numbers > self.far_high)
        return beyond


def numbers_of(column: pd.Series) -> NDArray[np.float64]:
    """Read a column as numbers.

    Parameters
    ----------
    column : pandas.Series
        Numbers, or text as it came.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        NaN for what is missing or no number.

    Examples
    --------
    >>> numbers_of(pd.Series(["12.5", "", "high"])).tolist()
    [12.5, nan, nan]
    """
    if not pd.api.types.is_numeric_dtype(column):
        column = pd.to_numeric(column.astype("str").str.strip(), errors="coerce")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def bounds_of(table: pd.DataFrame, repair: Repair, fields: Mapping[str, Field]) -> Bounds:
    """Say what the numbers of a column can be.

    Parameters
    ----------
    table : pandas.DataFrame
        As read.
    repair : Repair
        What it says of them; its columns are there.
    fields : Mapping of str to Field
        The column's range holds where the repair says nothing; a related value beyond its own range says nothing.

    Returns
    -------
    Bounds
        Row by row.

    Raises
    ------
    SchemaError
        If nobody says what can be true.
    """
    if repair.by:
        return _of_groups(table, repair)
    stated = repair.between or _range_of(fields.get(str(repair.column)))
    if stated is None:
        raise SchemaError(
            f"{repair.rule} of {repair.column!r} has nothing to tell a fault by: write between: [lowest, highest], "
            "related: <column>, by: [columns of a group], or a min and max under fields:."
        )
    scale = np.ones(len(table)) if repair.related is None else numbers_of(table[repair.related])
    lowest, highest = _range_of(fields.get(str(repair.related))) or (-np.inf, np.inf)
    scale = np.where((scale > 0) & (scale >= lowest) & (scale <= highest), scale, np.nan)
    low, high = stated[0] * scale, stated[1] * scale
    return Bounds(low=low, high=high, far_low=low, far_high=high, learned=False)


def _range_of(rule: Field | None) -> tuple[float, float] | None:
    """Return the stated range of a field, None if it states none."""
    if rule is None or (rule.min is None and rule.max is None):
        return None
    return (-np.inf if rule.min is None else rule.min, np.inf if rule.max is None else rule.max)


def _of_groups(table: pd.DataFrame, repair: Repair) -> Bounds:
    """Take what most records of a group say; small groups say nothing."""
    numbers = pd.Series(numbers_of(table[repair.column]))
    group = table.groupby(list(repair.by), sort=False, dropna=False).ngroup().to_numpy()
    middle = numbers.groupby(group).transform("median")
    spread = (numbers - middle).abs().groupby(group).transform("median") * _MAD_TO_SIGMA
    enough = (numbers.groupby(group).transform("count") >= _FEWEST).to_numpy()
    centre = middle.to_numpy(dtype=np.float64)
    near = np.maximum(_NEAR_SIGMAS * spread.to_numpy(dtype=np.float64), _NEAR_SHARE * np.abs(centre))
    near[~enough] = np.nan
    ends = [centre + factor * near for factor in (-1.0, 1.0, -_FAR, _FAR)]
    return Bounds(low=ends[0], high=ends[1], far_low=ends[2], far_high=ends[3], learned=True)
