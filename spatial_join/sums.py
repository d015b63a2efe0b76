"""Sums that are exact, so that they do not depend on the order, nor on how what is added was parted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Sums"]

_BITS, _HALF = 53, 26
"""Of a float; and of the lower half of it, so that 2³⁶ of either half can be added in 64 bits."""


class Sums(NamedTuple):
    """Sums of groups as whole numbers of powers of two: at least one line for each group and power that occurs.

    Attributes
    ----------
    group : ndarray of int64, shape (m,)
        What is added up together.
    power : ndarray of int64, shape (m,)
        Of two.
    high, low : ndarray of int64, shape (m,)
        How many; ``high`` in steps of 2²⁶.

    Examples
    --------
    >>> import numpy as np
    >>> parts = [Sums.of(np.array([0, 0]), np.array([1e16, 1.0])), Sums.of(np.array([0]), np.array([1.0]))]
    >>> Sums.together(parts).totals(np.array([0, 1])).tolist()  # 1e16 + 1 alone is 1e16
    [1.0000000000000002e+16, 0.0]
    """

    group: NDArray[np.int64]
    power: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]

    @classmethod
    def of(cls, group: NDArray[np.int64], values: NDArray[np.float64]) -> Self:
        """Add values up by group.

        Parameters
        ----------
        group : ndarray of int64, shape (n,)
            Of each value.
        values : ndarray of float64, shape (n,)
            Finite.

        Returns
        -------
        Sums
            Of the groups that occur.
        """
        group, values = group[values != 0.0], values[values != 0.0]  # of nothing the power means nothing
        fraction, power = np.frexp(values)
        whole = np.ldexp(fraction, _BITS).astype(np.int64)
        return cls.together([cls(group, power.astype(np.int64) - _BITS, whole >> _HALF, whole & ((1 << _HALF) - 1))])

    @classmethod
    def together(cls, parts: Sequence[Sums]) -> Self:
        """Put the sums of parts together.

        Parameters
        ----------
        parts : sequence of Sums
            At least one.

        Returns
        -------
        Sums
            Of all of them.
        """
        none = np.empty(0, dtype=np.int64)
        group, power, high, low = (np.concatenate([none, *columns]) for columns in zip(*parts, strict=True))
        order = np.lexsort((power, group))
        group, power = group[order], power[order]
        first = np.flatnonzero(np.r_[True, (np.diff(group) != 0) | (np.diff(power) != 0)][: group.size])
        if not first.size:
            return cls(none, none, none, none)
        return cls(group[first], power[first], *(np.add.reduceat(part[order], first) for part in (high, low)))

    def totals(self, group: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the sums of groups.

        Parameters
        ----------
        group : ndarray of int64, shape (k,)
            Those asked for.

        Returns
        -------
        ndarray of float64, shape (k,)
            Each rounded once; 0 for a group of which nothing was added.
        """
        sums: dict[int, tuple[int, int]] = {}
        for key, power, high, low in zip(*(column.tolist() for column in self), strict=True):
            units = (high << _HALF) + low
            least, total = sums.get(key, (power, 0))  # powers ascend
            sums[key] = least, total + (units << (power - least))
        return np.array([_rounded(*sums.get(key, (0, 0))) for key in group.tolist()], dtype=np.float64)


def _rounded(power: int, units: int) -> float:
    return float(units << power) if power >= 0 else units / (1 << -power)  # of whole numbers rounded rightly, once
