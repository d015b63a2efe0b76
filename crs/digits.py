"""How precise printed numbers are: what the count of their digits tells, and what it does not.

A program that prints 7.4250 as 7.425 has dropped a zero, not a digit; that happens to one number in ten, and to one in
a hundred twice. Where many more numbers of a column are short than that, they were rounded or cut to that digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray

__all__ = ["printed_steps", "resolve_steps"]

#: Beyond twelve decimals a printed number says nothing more about a place on earth.
_MAX_DECIMALS = 12
#: So few short numbers are no evidence, whatever their share.
_MIN_EVIDENCE = 5
#: A short number is taken for a precise one with zeros at its end until it is more likely not to be.
_MORE_THAN_CHANCE = 2.0
#: One printed number in ten ends in a zero; where half of that are found, zeros are kept.
_KEPT_SHARE = 0.05


def resolve_steps(printed: FloatArray, *, kept_zeros: int = 0) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Decide what the last digit of each number is worth, from the digits of all.

    Parameters
    ----------
    printed : numpy.ndarray
        Worth of the last digit as printed, one per distinct number, shape (n,); 0 for digits that do not end.
    kept_zeros : int
        How many of the numbers show zeros at their end: where there are enough of them, nothing was dropped.

    Returns
    -------
    step : numpy.ndarray
        Worth of the last digit that was meant, shape (n,): the finest of the column, unless a number is coarse.
    coarse : numpy.ndarray of bool
        True where a number has fewer digits than others, and dropped zeros do not explain it.

    Notes
    -----
    Of numbers printed to a step f, a share f / s are multiples of s by chance. A level with more than twice that many
    numbers, and at least five, consists mostly of numbers that never had more digits.

    Examples
    --------
    >>> resolve_steps(np.array([1e-6] * 90 + [1e-5] * 9 + [1e-3] * 50))[1].sum()
    np.int64(50)
    """
    if not len(printed):
        return printed.copy(), np.zeros(0, dtype=bool)
    finest = float(printed.min())
    if kept_zeros >= _MIN_EVIDENCE and kept_zeros >= _KEPT_SHARE * len(printed):
        return printed.copy(), printed > finest
    step, coarse = np.full(len(printed), finest), np.zeros(len(printed), dtype=bool)
    levels, level, counts = np.unique(printed, return_inverse=True, return_counts=True)
    # Numbers of a coarse level have no finer digits that could end in zeros: chance is counted among the others.
    finer = np.cumsum(counts) - counts
    for place in range(1, len(levels)):
        chance = finer[place] * finest / levels[place]
        if counts[place] >= _MIN_EVIDENCE and counts[place] > _MORE_THAN_CHANCE * chance:
            member = level == place
            step[member], coarse[member] = levels[place], True
    return step, coarse


def printed_steps(values: FloatArray) -> FloatArray:
    """Return the worth of the last decimal of numbers that were printed once.

    Parameters
    ----------
    values : numpy.ndarray
        Finite numbers, shape (n,).

    Returns
    -------
    numpy.ndarray
        10 to the power of minus the decimals, shape (n,); 0 where the digits do not end.

    Examples
    --------
    >>> printed_steps(np.array([7.0, 7.42, 1 / 3])).tolist()
    [1.0, 0.01, 0.0]
    """
    steps = np.zeros(len(values))
    rest = np.arange(len(values))
    for decimals in range(_MAX_DECIMALS + 1):
        # Equality is meant: a number that was printed with so many decimals reads back to the same double.
        ended = np.round(values[rest], decimals) == values[rest]
        steps[rest[ended]] = 10.0**-decimals
        rest = rest[~ended]
        if not len(rest):
            break
    return steps
