"""How precise printed numbers are: what the count of their digits tells, and what it does not.

A program that prints 7.4250 as 7.425 has dropped a zero, not a digit; that happens to one number in ten, and to one in
a hundred twice. Where many more numbers of a column are short than that, they were rounded or cut to that digit.

The column is judged apart from its numbers: `DigitCounts` of its parts merge in any order to that of the whole, and
what `judge` makes of it says of every number, wherever it stands, what its last digit is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np

from crs.sentinels import is_sentinel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    # Coordinates carry what is judged here, and so stand above.
    FloatArray = NDArray[np.float64]

__all__ = ["DigitCounts", "DigitSteps", "printed_steps", "whole_steps"]

#: Beyond twelve decimals a printed number says nothing more about a place on earth.
_MAX_DECIMALS = 12
#: So few short numbers are no evidence, whatever their share.
_MIN_EVIDENCE = 5
#: A short number is taken for a precise one with zeros at its end until it is more likely not to be.
_MORE_THAN_CHANCE = 2.0
#: Where few numbers end in a zero by chance, twice as many do by chance too: what is counted varies by its root.
_DEVIATIONS = 5.0
#: One printed number in ten ends in a zero; where half of that are found, zeros are kept.
_KEPT_SHARE = 0.05
#: Distinct numbers that are remembered of each length; of more, their count is estimated within 1 %.
_REMEMBERED = 16_384


@dataclass(frozen=True, kw_only=True)
class DigitSteps:
    """What the last digits of a column are worth, judged from all of it.

    Parameters
    ----------
    finest : float
        Worth of the last digit that was meant wherever dropped zeros explain a shorter number.
    coarse : tuple of float
        Worths of the last digit that dropped zeros do not explain, ascending.
    zeros_kept : bool
        True where zeros at the end were printed, so that every number shows all its digits.
    least : float
        What the type of the numbers holds at its best; 0 for double precision and text.
    """

    finest: float = np.inf
    coarse: tuple[float, ...] = ()
    zeros_kept: bool = False
    least: float = 0.0

    def steps(self, printed: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Say of numbers of the column what their last digit is worth.

        Parameters
        ----------
        printed : numpy.ndarray
            Worth of the last digit as printed, shape (n,); 0 for digits that do not end.

        Returns
        -------
        step : numpy.ndarray
            Worth of the last digit that was meant, shape (n,): the finest of the column, unless a number is coarse.
        coarse : numpy.ndarray of bool
            True where a number has fewer digits than others, and dropped zeros do not explain it.
        """
        if self.zeros_kept:
            step, coarse = printed.copy(), printed > self.finest
        else:
            coarse = np.isin(printed, self.coarse)
            step = np.where(coarse, printed, np.minimum(printed, self.finest))
        return np.maximum(step, self.least), coarse & (step > self.least)

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("crs.DigitSteps", self.finest, self.coarse, self.zeros_kept, self.least)


@dataclass(frozen=True, kw_only=True, eq=False)
class DigitCounts:
    """How many distinct numbers of a column have how many digits.

    Parameters
    ----------
    levels : Mapping of float to numpy.ndarray
        Worth of the last digit as printed, to the least hashes of the distinct numbers printed so, ascending.
    kept_zeros : numpy.ndarray
        The least hashes of the distinct numbers that show zeros at their end.
    whole : bool
        True for whole numbers of a scaled unit, whose zeros at the end are always printed.
    least : float
        What the type of the numbers holds at its best; 0 for double precision and text.

    Notes
    -----
    A station repeats its position with every reading, so that distinct numbers are counted, and in parts of a column
    they overlap: the least hashes of a union are those of the two together, in whatever order parts are merged. Their
    number is exact up to 16,384 a level; of more it is estimated from how close together they lie [1]_.

    References
    ----------
    .. [1] Bar-Yossef et al. (2002), Counting distinct elements in a data stream.

    Examples
    --------
    >>> values = np.array([7.42, 7.431, 7.4332])
    >>> parts = [DigitCounts.of(part, printed_steps(part)) for part in (values[:2], values[1:])]
    >>> parts[0].merge(parts[1]).counts
    {0.0001: 1, 0.001: 1, 0.01: 1}
    """

    levels: Mapping[float, NDArray[np.uint64]] = field(default_factory=lambda: MappingProxyType({}))
    kept_zeros: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    whole: bool = False
    least: float = 0.0

    @classmethod
    def of(
        cls,
        values: FloatArray,
        printed: FloatArray,
        *,
        kept_zeros: NDArray[np.bool_] | None = None,
        whole: bool = False,
        least: float = 0.0,
    ) -> Self:
        """Count the digits of numbers.

        Parameters
        ----------
        values : numpy.ndarray
            Numbers as written, shape (n,); NaN and what stands for a missing value do not count.
        printed : numpy.ndarray
            Worth of the last digit as printed, shape (n,).
        kept_zeros : numpy.ndarray of bool, optional
            True where zeros at the end were printed, shape (n,).
        whole : bool
            True for whole numbers of a scaled unit.
        least : float
            What the type of the numbers holds at its best.

        Returns
        -------
        DigitCounts
            Of these numbers.
        """
        counted = ~(np.isnan(values) | is_sentinel(values) | (values == 0))
        hashes, steps = _hashes(values[counted]), printed[counted]
        levels = {float(level): _least_of(hashes[steps == level]) for level in np.unique(steps)}
        zeros = hashes[:0] if kept_zeros is None else hashes[kept_zeros[counted]]
        return cls(levels=MappingProxyType(levels), kept_zeros=_least_of(zeros), whole=whole, least=least)

    @property
    def counts(self) -> dict[float, int]:
        """Number of distinct numbers by the worth of their last digit, ascending."""
        return {level: _count(self.levels[level]) for level in sorted(self.levels)}

    def merge(self, other: Self) -> Self:
        """Count two parts of one column together.

        Parameters
        ----------
        other : DigitCounts
            Of another part; which comes first makes no difference.

        Returns
        -------
        DigitCounts
            What counting both at once gives.
        """
        nothing = self.kept_zeros[:0]
        levels = {
            level: _least_of(np.concatenate([part.levels.get(level, nothing) for part in (self, other)]))
            for level in {**self.levels, **other.levels}
        }
        return type(self)(
            levels=MappingProxyType(levels),
            kept_zeros=_least_of(np.concatenate([self.kept_zeros, other.kept_zeros])),
            whole=self.whole or other.whole,
            least=max(self.least, other.least),
        )

    def judge(self) -> DigitSteps:
        """Decide what the last digits of the column are worth.

        Returns
        -------
        DigitSteps
            For every number of the column.

        Notes
        -----
        Of numbers printed to a step f, a share f / s are multiples of s by chance. A level with more than twice that
        many numbers, beyond five of its standard deviations, and at least five, consists mostly of numbers that never
        had more digits.

        Examples
        --------
        >>> values = np.round(np.linspace(7, 8, 90) ** 2, 6)
        >>> DigitCounts.of(np.append(values, np.arange(50) + 0.5), np.repeat([1e-6, 0.1], [90, 50])).judge().coarse
        (0.1,)
        """
        counts = self.counts
        total = sum(counts.values())
        if not total:
            return DigitSteps(least=self.least)
        if self.whole and total < _MIN_EVIDENCE:
            return DigitSteps(finest=min(1.0, *counts), least=self.least)
        finest = min(counts)
        kept = _count(self.kept_zeros)
        if kept >= _MIN_EVIDENCE and kept >= _KEPT_SHARE * total:
            return DigitSteps(finest=finest, zeros_kept=True, least=self.least)
        coarse = []
        # Numbers of a coarse level have no finer digits that could end in zeros: chance is counted among the others.
        finer = 0
        for level, count in counts.items():
            chance = finer * finest / level if finer else count
            most = max(_MORE_THAN_CHANCE * chance, chance + _DEVIATIONS * chance**0.5)
            if count >= _MIN_EVIDENCE and count > most:
                coarse.append(level)
            finer += count
        return DigitSteps(finest=finest, coarse=tuple(coarse), least=self.least)


def _hashes(values: FloatArray) -> NDArray[np.uint64]:
    """Hash numbers by value alone, each bit of the hash as good as any: the finalizer of MurmurHash3."""
    # Adding zero turns -0.0 into 0.0, which is the same number.
    state = (values + 0.0).view(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        state = (state ^ (state >> np.uint64(33))) * np.uint64(factor)
    mixed: NDArray[np.uint64] = state ^ (state >> np.uint64(33))
    return mixed


def _least_of(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return np.unique(hashes)[:_REMEMBERED]


def _count(least: NDArray[np.uint64]) -> int:
    """Count distinct numbers from their least hashes: n of them divide the range into parts of 1 / (n + 1)."""
    if len(least) < _REMEMBERED:
        return len(least)
    return max(_REMEMBERED, round((_REMEMBERED - 1) * 2.0**64 / float(least[-1])))


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


def whole_steps(values: FloatArray, printed: FloatArray) -> FloatArray:
    """Return the worth of the last digit other than zero, for whole numbers of a scaled unit.

    Degrees times a million end in zeros where the degrees had fewer than six decimals.

    Parameters
    ----------
    values, printed : numpy.ndarray
        Numbers, and the worth of their last digit as printed, shape (n,).

    Returns
    -------
    numpy.ndarray
        A power of ten where the number is whole and not zero, else what was printed, shape (n,).

    Examples
    --------
    >>> whole_steps(np.array([114_050_000.0, 7.0, 0.0, 7.5]), np.array([1.0, 1.0, 1.0, 0.1])).tolist()
    [10000.0, 1.0, 1.0, 0.1]
    """
    steps = printed.copy()
    rest = np.flatnonzero((printed == 1.0) & (values != 0))
    for zeros in range(1, _MAX_DECIMALS + 1):
        rest = rest[values[rest] % 10.0**zeros == 0]
        if not len(rest):
            break
        steps[rest] = 10.0**zeros
    return steps
