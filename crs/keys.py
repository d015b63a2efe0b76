"""Ids that point into another layer: written in two files, meant as one."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from crs.coordinates import ObjectArray

__all__ = ["Groups", "Matches", "group_keys", "match_keys"]


@dataclass(frozen=True, eq=False)
class Matches:
    """Which row of a reference each record points to.

    Parameters
    ----------
    rows : numpy.ndarray of int
        Row of the reference, shape (n,); -1 where `reasons` says why.
    reasons : numpy.ndarray
        None or text "code: detail", shape (n,).
    """

    rows: NDArray[np.int64]
    reasons: ObjectArray


@dataclass(frozen=True, eq=False)
class Groups:
    """Which rows of a reference and which records bear one id.

    Parameters
    ----------
    of_record : numpy.ndarray of int
        Number of the group of each record, shape (n,); -1 where `reasons` says why.
    of_row : numpy.ndarray of int
        Number of the group of each row of the reference, shape (m,); -1 where no record asks for it.
    reasons : numpy.ndarray
        None or text "code: detail", shape (n,).
    numbers : Mapping of str to int
        The group of each id.
    """

    of_record: NDArray[np.int64]
    of_row: NDArray[np.int64]
    reasons: ObjectArray
    numbers: Mapping[str, int]

    @property
    def count(self) -> int:
        """Number of groups."""
        return len(self.numbers)

    def number(self, keys: NDArray[np.generic]) -> NDArray[np.int64]:
        """Return the groups of further ids.

        Parameters
        ----------
        keys : numpy.ndarray
            Shape (k,).

        Returns
        -------
        numpy.ndarray of int
            Number of the group, -1 for an id that no record has, shape (k,).
        """
        return np.array([-1 if text is None else self.numbers.get(text, -1) for text in _texts(keys)], dtype=np.int64)


def _texts(values: NDArray[np.generic]) -> list[str | None]:
    """Write ids as text: 12, 12.0 and " 12" are one id; what is missing is None."""
    texts: list[str | None] = []
    for value in values.tolist():
        if value is None or (isinstance(value, float) and isnan(value)):
            texts.append(None)
        elif isinstance(value, float) and value.is_integer():
            texts.append(str(int(value)))
        else:
            text = str(value).strip()
            texts.append(text if text and text != "<NA>" else None)
    return texts


def _distinct(values: NDArray[np.generic]) -> tuple[list[str | None], NDArray[np.int64]]:
    """Return the distinct ids as text, and which of them each record has: a feed names few stations many times."""
    if values.dtype.kind in "iu":
        found, place = np.unique(values, return_inverse=True)
        return _texts(found), place.astype(np.int64)
    first: dict[object, int] = {}
    place = np.fromiter((first.setdefault(value, len(first)) for value in values.tolist()), np.int64, len(values))
    written = np.empty(len(first), dtype=object)
    written[:] = list(first)
    return _texts(written), place


def match_keys(
    keys: NDArray[np.generic], reference: NDArray[np.generic], *, column: str, name: str, unplaced: NDArray[np.bool_]
) -> Matches:
    """Find the row of a reference that each id names.

    Parameters
    ----------
    keys : numpy.ndarray
        Ids of the records, shape (n,), text or numbers.
    reference : numpy.ndarray
        Ids of the reference, shape (m,); rows without one are never met.
    column : str
        Name of the records' column, for reasons.
    name : str
        Name of the reference, for reasons.
    unplaced : numpy.ndarray of bool
        Rows of the reference that have no position themselves, shape (m,).

    Returns
    -------
    Matches
        Rows and reasons. An id that stands on several rows is refused, never resolved to the first.
    """
    first: dict[str, int] = {}
    repeated: set[str] = set()
    for row, text in enumerate(_texts(reference)):
        if text is None:
            continue
        if text in first:
            repeated.add(text)
        first.setdefault(text, row)
    texts, place = _distinct(keys)
    rows = np.full(len(texts), -1, dtype=np.int64)
    reasons = np.full(len(texts), None, dtype=object)
    for number, text in enumerate(texts):
        if text is None:
            reasons[number] = f"missing: {column} is empty"
        elif text not in first:
            reasons[number] = f"unknown_key: {column} {text[:40]!r} is not in {name}"
        elif text in repeated:
            reasons[number] = f"ambiguous_reference: {column} {text[:40]!r} stands on several rows of {name}"
        elif unplaced[first[text]]:
            reasons[number] = f"reference_unplaced: {text[:40]!r} of {name} has no position itself"
        else:
            rows[number] = first[text]
    return Matches(rows[place], reasons[place])


def group_keys(keys: NDArray[np.generic], reference: NDArray[np.generic], *, column: str, name: str) -> Groups:
    """Find the rows of a reference that each id names, however many they are.

    Parameters
    ----------
    keys : numpy.ndarray
        Ids of the records, shape (n,), text or numbers.
    reference : numpy.ndarray
        Ids of the reference, shape (m,).
    column : str
        Name of the records' column, for reasons.
    name : str
        Name of the reference, for reasons.

    Returns
    -------
    Groups
        Of records and rows; an id without a row is refused.
    """
    theirs, of_theirs = _distinct(reference)
    known = {text for text in theirs if text is not None}
    texts, place = _distinct(keys)
    number: dict[str, int] = {}
    group = np.full(len(texts), -1, dtype=np.int64)
    reasons = np.full(len(texts), None, dtype=object)
    for row, text in enumerate(texts):
        if text is None:
            reasons[row] = f"missing: {column} is empty"
        elif text not in known:
            reasons[row] = f"unknown_key: {column} {text[:40]!r} is not in {name}"
        else:
            group[row] = number.setdefault(text, len(number))
    of_distinct = np.array([-1 if text is None else number.get(text, -1) for text in theirs], dtype=np.int64)
    return Groups(group[place], of_distinct[of_theirs], reasons[place], number)
