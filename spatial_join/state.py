"""Sums that can be combined in any grouping: what an aggregation is between its chunks and its end.

A reduction is data: per variable a total and a support. Amounts add their totals; means divide the total by the
support; a class keeps the support of each class. Combining is always addition, so partitions and coarser cells are one
operation. What is summed of each kind is in `reduction`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatial_join.reduction import finished_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spatial_join.quantity import Quantity

__all__ = ["State", "combine", "summed"]


@dataclass(frozen=True, kw_only=True)
class State:
    """Sums per cell (and step).

    Parameters
    ----------
    frame : pandas.DataFrame
        ``cell``, ``step`` if in time, ``<variable>__total`` (of a direction ``__sin`` and ``__cos``),
        ``<variable>__support``, ``support``, ``n`` and
        ``sigma_square`` (sum of support times squared standard deviation).
    categories : dict of str to pandas.DataFrame
        Per categorical variable ``cell``, ``step`` if in time, ``category`` and ``support``.
    """

    frame: pd.DataFrame
    categories: dict[str, pd.DataFrame] = field(default_factory=dict)

    def finished(self, quantities: Mapping[str, Quantity], *, by_number: bool = False) -> pd.DataFrame:
        """Turn sums into values.

        Parameters
        ----------
        quantities : mapping of str to Quantity
            The variables, in the order of the columns wanted.
        by_number : bool
            Whether positional uncertainty was weighted by number of records rather than by support.

        Returns
        -------
        pandas.DataFrame
            The columns of a :class:`CellTable`.
        """
        frame = self.frame
        keys = _keys(frame)
        out: dict[str, object] = {key: frame[key] for key in keys}
        for name, quantity in quantities.items():
            if quantity.kind == "categorical":
                best = self._leading(name, keys)
                out[name], out[f"{name}__support"] = best["category"].to_numpy(), best["support"].to_numpy()
                continue
            out |= finished_columns(quantity, name, frame)
        weight = frame["n"] if by_number else frame["support"]
        out |= {"support": frame["support"], "n": frame["n"]}
        out["sigma_m"] = np.sqrt(frame["sigma_square"] / weight.where(weight > 0))
        return pd.DataFrame(out)

    def _leading(self, name: str, keys: list[str]) -> pd.DataFrame:
        """Return the class with the most support per line of the frame; of equals the first in order."""
        part = self.categories[name].sort_values(
            [*keys, "support", "category"], ascending=[True] * len(keys) + [False, True]
        )
        best = part.drop_duplicates(keys)
        return self.frame[keys].merge(best, on=keys, how="left", validate="one_to_one")


def _keys(frame: pd.DataFrame) -> list[str]:
    return ["cell", "step"] if "step" in frame.columns else ["cell"]


def summed(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add up all other columns per combination of keys, in the order in which the lines stand.

    Parameters
    ----------
    frame : pandas.DataFrame
        Numeric columns and keys.
    keys : list of str
        Columns to group by.

    Returns
    -------
    pandas.DataFrame
        One line per combination, sorted by the keys. A sum with a NaN in it is NaN.
    """
    if frame.empty:
        return frame.reset_index(drop=True)
    # Text sorts by the rank of its distinct values, which is far cheaper than by the text of every line.
    ranks = [
        pd.factorize(frame[key], sort=True)[0] if frame[key].dtype.kind not in "iuf" else frame[key].to_numpy()
        for key in reversed(keys)
    ]
    order = np.lexsort(ranks)
    in_order = [rank[order] for rank in ranks]
    changed = np.ones(len(frame), dtype=bool)
    changed[1:] = np.logical_or.reduce([rank[1:] != rank[:-1] for rank in in_order])
    first = np.flatnonzero(changed)
    out = {key: frame[key].to_numpy()[order[first]] for key in keys}
    for name in frame.columns.difference(keys, sort=False):
        out[name] = np.add.reduceat(frame[name].to_numpy()[order], first)
    return pd.DataFrame(out)[list(frame.columns)]


def combine(states: Sequence[State]) -> State:
    """Add states up, in the order given.

    Parameters
    ----------
    states : sequence of State
        States of the same variables.

    Returns
    -------
    State
        One line per cell and step.
    """
    frame = pd.concat([state.frame for state in states], ignore_index=True)
    categories = {}
    for name in states[0].categories:
        part = pd.concat([state.categories[name] for state in states], ignore_index=True)
        categories[name] = summed(part, [*_keys(part), "category"])
    return State(frame=summed(frame, _keys(frame)), categories=categories)
