"""Decoding a column value by value: each distinct value once, each bad one with its reason, each with its precision.

A column is decoded as a whole, but never fails as a whole: what cannot be read leaves NaN and a reason for its row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crs.digits import DigitCounts, DigitSteps, whole_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["BadValueError", "Column", "Decoded", "counts_of", "decode_each", "is_missing", "shorten"]

Column = NDArray[np.generic]

_MISSING_WORDS = {"", "nan", "none", "null", "n/a", "na", "-", "--"}
#: A second decimal that is zero was printed on purpose; "7.0" may be how a program writes a whole number.
_KEPT_ZERO = re.compile(r"[.,]\d+0\D*$")
_SHOWN = 40


@dataclass(frozen=True, eq=False)
class Decoded:
    """One column after decoding.

    Parameters
    ----------
    values : numpy.ndarray
        Plain numbers, shape (n,); NaN where `reasons` says why.
    reasons : numpy.ndarray
        None or text "code: detail", shape (n,).
    step : numpy.ndarray
        What one last digit of each value is worth, in the unit of the values, shape (n,); 0 if the digits do not end.
    coarse : numpy.ndarray of bool
        True where a value has fewer digits than its column, and more often than zeros at the end explain: it was
        rounded or cut, nobody knows which. Shape (n,).
    counts : DigitCounts or None
        How many digits the numbers have, as written; None where it was known from the whole column what they tell.
    """

    values: FloatArray
    reasons: ObjectArray
    step: FloatArray
    coarse: NDArray[np.bool_]
    counts: DigitCounts | None = None

    @property
    def sigma(self) -> FloatArray:
        """Standard deviation about the value as printed, in its unit: a uniform error of half a step to both sides.

        Where a value may have been cut it may be wrong by a whole step to one side: the root mean square of that.
        """
        sigma: FloatArray = self.step / np.sqrt(np.where(self.coarse, 3.0, 12.0))
        return sigma

    def scaled(self, factor: float) -> Decoded:
        """Return the same column in another unit.

        Parameters
        ----------
        factor : float
            What a number is multiplied by.

        Returns
        -------
        Decoded
            Values and steps times the factor.
        """
        return replace(self, values=self.values * factor, step=self.step * factor)

    def uncut(self) -> Decoded:
        """Return the middle of what a cut number may have been: half a step farther from zero.

        Returns
        -------
        Decoded
            Its error is half a step to both sides, like that of a rounded number.
        """
        values = self.values + np.copysign(self.step / 2.0, self.values)
        return replace(self, values=values, coarse=np.zeros(len(values), dtype=bool))


def counts_of(columns: Iterable[Decoded]) -> tuple[DigitCounts, ...]:
    """Return the counts of digits of columns that were decoded by themselves.

    Parameters
    ----------
    columns : iterable of Decoded
        Any number.

    Returns
    -------
    tuple of DigitCounts
        One for each.
    """
    return tuple(column.counts for column in columns if column.counts is not None)


class BadValueError(Exception):
    """Why one value cannot be read; it never leaves the decoders.

    Parameters
    ----------
    detail : str
        What is wrong, to follow the value.
    code : str
        Reason code.
    """

    def __init__(self, detail: str, *, code: str = "unreadable") -> None:
        super().__init__(detail)
        self.code = code


def shorten(text: str) -> str:
    """Return a value as it is shown in a reason.

    Parameters
    ----------
    text : str
        As written.

    Returns
    -------
    str
        In quotes, at most 40 characters of it.
    """
    return repr(text[:_SHOWN])


def is_missing(value: object) -> bool:
    """Say whether a cell of a table holds nothing.

    Parameters
    ----------
    value : object
        As a reader gave it.

    Returns
    -------
    bool
        True for None, NaN, NA, NaT, empty text and the words that stand for it.
    """
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip().lower() in _MISSING_WORDS
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return str(value) in {"<NA>", "NaT"}


def decode_each(
    column: Column,
    parse: Callable[[str], tuple[float, float]],
    *,
    name: str,
    digits: DigitSteps | None = None,
    whole: bool = False,
) -> Decoded:
    """Decode value by value, each distinct one once: feeds repeat the position of a station with every reading.

    Parameters
    ----------
    column : numpy.ndarray
        Text or numbers, shape (n,).
    parse : callable
        From text to the number and the worth of its last digit; raises BadValueError.
    name : str
        Name of the column, for reasons.
    digits : DigitSteps, optional
        What the last digits are worth, where these values are only a part of their column.
    whole : bool
        True for whole numbers of a scaled unit, whose zeros at the end tell what was printed before.

    Returns
    -------
    Decoded
        The numbers and what could not be read.
    """
    first: dict[str, int] = {}
    place = np.empty(len(column), dtype=np.int64)
    for row, value in enumerate(column.tolist()):
        text = value if isinstance(value, str) else "" if is_missing(value) else str(value)
        place[row] = first.setdefault(text, len(first))
    read = [_decode_one(text, parse, name=name) for text in first]
    values = np.array([value for value, _, _ in read], dtype=np.float64)
    reasons = np.empty(len(read), dtype=object)
    reasons[:] = [reason for _, _, reason in read]
    printed = np.array([step for _, step, _ in read], dtype=np.float64)
    if whole:
        printed = whole_steps(values, printed)
    counts = None
    if digits is None:
        zeros = np.array([_KEPT_ZERO.search(text) is not None for text in first], dtype=bool)
        counts = DigitCounts.of(values, printed, kept_zeros=zeros, whole=whole)
        digits = counts.judge()
    step, coarse = digits.steps(printed)
    bad = np.isnan(values)
    step[bad], coarse[bad] = 0.0, False
    return Decoded(values[place], reasons[place], step[place], coarse[place], counts)


def _decode_one(
    text: str, parse: Callable[[str], tuple[float, float]], *, name: str
) -> tuple[float, float, str | None]:
    """Decode one text to a number, the worth of its last digit and the reason why there is none."""
    plain = text.strip()
    if plain.lower() in _MISSING_WORDS:
        return np.nan, 0.0, f"missing: {name} is empty"
    try:
        value, step = parse(plain)
    except BadValueError as fault:
        return np.nan, 0.0, f"{fault.code}: {name} {shorten(plain)} {fault}"
    return value, step, None
