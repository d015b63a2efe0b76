"""Ids that point into another layer: written in two files, meant as one."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import ObjectArray

__all__ = ["Matches", "match_keys"]


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
    rows = np.full(len(keys), -1, dtype=np.int64)
    reasons = np.full(len(keys), None, dtype=object)
    for record, text in enumerate(_texts(keys)):
        if text is None:
            reasons[record] = f"missing: {column} is empty"
        elif text not in first:
            reasons[record] = f"unknown_key: {column} {text[:40]!r} is not in {name}"
        elif text in repeated:
            reasons[record] = f"ambiguous_reference: {column} {text[:40]!r} stands on several rows of {name}"
        elif unplaced[first[text]]:
            reasons[record] = f"reference_unplaced: {text[:40]!r} of {name} has no position itself"
        else:
            rows[record] = first[text]
    return Matches(rows, reasons)
