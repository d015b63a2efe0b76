"""Whether datasets that measure the same agree: the standard deviation among their values, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from twin.catalogue import Variable

__all__ = ["deviation_among", "family_of"]

_FEWEST = 2


def family_of(name: str, variables: Mapping[str, Variable]) -> list[str]:
    """Return the variables that measure the same.

    Parameters
    ----------
    name : str
        One of them.
    variables : mapping of str to Variable
        All of the twin.

    Returns
    -------
    list of str
        That one among them; it alone if no other does.
    """
    first = variables[name].same_as or name
    return [other for other, told in variables.items() if first in {other, told.same_as}]


def deviation_among(
    levels: Sequence[Mapping[str, np.ndarray[Any, Any]]], cells: npt.NDArray[np.uint64]
) -> npt.NDArray[np.float64]:
    """Return the standard deviation among the values of several variables.

    Parameters
    ----------
    levels : sequence of mapping
        ``cell`` (ascending) and ``value`` of each, (cell,) or (cell, time), of the same steps.
    cells : ndarray of uint64, shape (n,)
        Where it is asked for, ascending.

    Returns
    -------
    ndarray of float64, shape (n,) or (n, steps)
        Divided by their number, each counting once; NaN where fewer than two have a value.

    Examples
    --------
    >>> axis = np.array([1, 2], np.uint64)
    >>> one, other = ({"cell": axis, "value": np.array(v)} for v in ([10.0, 7.0], [14.0, np.nan]))
    >>> deviation_among([one, other], axis).tolist()
    [2.0, nan]
    """
    shape = (cells.size, *levels[0]["value"].shape[1:])
    count, mean, square = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for level in levels:  # Welford's way: one after the other
        told = np.full(shape, np.nan)
        place = np.searchsorted(cells, level["cell"])
        there = place < cells.size
        there[there] = cells[place[there]] == level["cell"][there]
        told[place[there]] = level["value"][there]
        known = np.isfinite(told)
        count += known
        step = np.where(known, told - mean, 0.0)
        mean += np.divide(step, count, out=np.zeros(shape), where=known)
        square += np.where(known, step * (told - mean), 0.0)
    return np.sqrt(np.divide(square, count, out=np.full(shape, np.nan), where=count >= _FEWEST))
