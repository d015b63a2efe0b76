"""Times as numbers, for what holds from one day to another."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import numpy as np

from crs.decode import Column, is_missing, shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["decode_times"]

_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def decode_times(column: Column, *, name: str) -> tuple[FloatArray, ObjectArray, NDArray[np.bool_]]:
    """Decode times to seconds since 1970 UTC.

    Parameters
    ----------
    column : numpy.ndarray
        `datetime64`, `datetime`, or text in ISO 8601, shape (n,). What names no zone is UTC, as the times of layers
        are.
    name : str
        Name of the column, for reasons.

    Returns
    -------
    seconds : numpy.ndarray
        NaN where missing or unreadable, shape (n,).
    reasons : numpy.ndarray
        None or text, shape (n,).
    is_date : numpy.ndarray of bool
        True for days without a time, which stand for their first moment here, shape (n,).

    Examples
    --------
    >>> decode_times(np.array(["1970-01-02", "1970-01-01T00:00:30Z"]), name="t")[0].tolist()
    [86400.0, 30.0]
    """
    reasons = np.full(len(column), None, dtype=object)
    if column.dtype.kind == "M":
        empty = np.isnat(column)
        reasons[empty] = f"missing: {name} is empty"
        seconds = column.astype("datetime64[us]").astype(np.int64) / 1e6
        is_date = np.full(len(column), column.dtype == np.dtype("datetime64[D]"))
        return np.where(empty, np.nan, seconds), reasons, is_date
    known: dict[str, tuple[float, str | None, bool]] = {}
    seconds, is_date = np.full(len(column), np.nan), np.zeros(len(column), dtype=bool)
    for row, value in enumerate(column.tolist()):
        text = "" if is_missing(value) else str(value).strip()
        if text not in known:
            known[text] = _read_time(text, name=name)
        seconds[row], reasons[row], is_date[row] = known[text]
    return seconds, reasons, is_date


def _read_time(text: str, *, name: str) -> tuple[float, str | None, bool]:
    """Read one time."""
    if not text:
        return np.nan, f"missing: {name} is empty", False
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return np.nan, f"unreadable: {name} {shorten(text)} is no time; write it as 2024-05-31T08:30Z", False
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return (zoned - _EPOCH).total_seconds(), None, _DATE.fullmatch(text) is not None
