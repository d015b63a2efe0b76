"""How values of each kind become sums that can be combined, and sums become values again.

A sum of angles means nothing, but sums of their sines and cosines do; a mean is a sum over a support. What is summed
is here, so that aggregation, coarsening and combining of parts all do the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from spatial_join.quantity import Quantity

__all__ = ["components", "finished_columns", "state_columns"]

#: Directions that cancel out to less than this have no mean.
_NO_DIRECTION = 1e-9


def components(quantity: Quantity, values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Turn values into what can be added up.

    Parameters
    ----------
    quantity : Quantity
        The variable's kind; not categorical.
    values : ndarray of float64
        Values; NaN stays NaN.

    Returns
    -------
    dict of str to ndarray of float64
        One array of the same shape per sum, by the end of its column's name.
    """
    if quantity.kind != "circular":
        return {"__total": values}
    angle = np.radians(values)
    return {"__sin": np.sin(angle), "__cos": np.cos(angle)}


def finished_columns(quantity: Quantity, name: str, frame: pd.DataFrame) -> dict[str, Any]:
    """Turn the sums of a variable into its value.

    Parameters
    ----------
    quantity : Quantity
        The variable's kind; not categorical.
    name : str
        The variable.
    frame : pandas.DataFrame
        A state's sums.

    Returns
    -------
    dict of str to pandas.Series
        The value, NaN without support, its support and, of a direction, how much the directions agree
        (``__resultant``, 0 for none, 1 for one direction).
    """
    support = frame[f"{name}__support"]
    held = support.where(support > 0)
    if quantity.kind == "extensive":
        return {name: frame[f"{name}__total"].where(support > 0), f"{name}__support": support}
    if quantity.kind != "circular":
        return {name: frame[f"{name}__total"] / held, f"{name}__support": support}
    sine, cosine = frame[f"{name}__sin"], frame[f"{name}__cos"]
    resultant = (sine**2 + cosine**2) ** 0.5 / held
    angle = np.degrees(np.arctan2(sine.to_numpy(), cosine.to_numpy())) % 360.0
    return {
        name: np.where(resultant > _NO_DIRECTION, angle, np.nan),
        f"{name}__support": support,
        f"{name}__resultant": resultant,
    }


def state_columns(quantity: Quantity, name: str, frame: pd.DataFrame) -> dict[str, Any]:
    """Turn a finished value back into its sums.

    Parameters
    ----------
    quantity : Quantity
        The variable's kind; not categorical.
    name : str
        The variable.
    frame : pandas.DataFrame
        A table's values.

    Returns
    -------
    dict of str to pandas.Series
        The sums of :func:`components`, and the support.
    """
    support = frame[f"{name}__support"].fillna(0.0)
    value = frame[name].where(support > 0, 0.0)
    if quantity.kind == "extensive":
        return {f"{name}__total": value, f"{name}__support": support}
    if quantity.kind != "circular":
        return {f"{name}__total": value * support, f"{name}__support": support}
    angle = np.radians(value.fillna(0.0))
    length = frame[f"{name}__resultant"].fillna(0.0).where(value.notna(), 0.0) * support
    return {
        f"{name}__sin": length * np.sin(angle),
        f"{name}__cos": length * np.cos(angle),
        f"{name}__support": support,
    }
