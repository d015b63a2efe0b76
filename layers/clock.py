"""Times as written to instants in UTC; what local clocks skip or repeat is decided by a stated rule, never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from layers.errors import SchemaError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TimeColumn", "resolve_end", "resolve_time", "time_notes"]

#: An offset at the end of a date-time: Z, +01, +0100, +01:00. A date alone ("2019-05-07") must not match.
_OFFSET_END = r"\s*(?:[zZ]|[+-]\d{2}(?::?\d{2})?)\s*$"
_OFFSET = r"\d{1,2}:\d{2}.*?" + _OFFSET_END

_TIME_OF_DAY = re.compile(r"\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s*[AaPp][Mm])?\s*$")
#: Words of a format of which one must stand in it, or a date be given: strptime would take 1900 for the year.
_YEARS = ("%Y", "%y", "%G", "%c", "%x", "%s")

_UNIX: dict[str, Literal["s", "ms"]] = {"unix_s": "s", "unix_ms": "ms"}


@dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """How a table writes time.

    Parameters
    ----------
    column : str
        Name of the column, after renaming.
    zone : str
        IANA zone of the clock that wrote it, such as "Europe/Monaco" or "UTC".
    format : str or None
        ``strptime`` format, "unix_s" or "unix_ms"; None: ISO 8601.
    date : str or None
        Date ("2019-02-16") of a file that holds only times of day.
    ambiguous : {"quarantine", "first", "second"}
        What an hour that the local clock shows twice means.
    nonexistent : {"quarantine", "shift_forward"}
        What becomes of an hour that the local clock skips.
    offset : {"use", "ignore"}
        Whether an offset written in the text ("Z", "+01:00") counts. "ignore" is for files that are tagged UTC
        but hold local time; the layer's steps record it.
    end : str or None
        Column with the end of the interval that begins at ``column``, written the same way; None: instants, or
        intervals whose length is stated elsewhere.
    """

    column: str
    zone: str
    format: str | None = None
    date: str | None = None
    ambiguous: Literal["quarantine", "first", "second"] = "quarantine"
    nonexistent: Literal["quarantine", "shift_forward"] = "quarantine"
    offset: Literal["use", "ignore"] = "use"
    end: str | None = None

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SchemaError(
                f"time zone {self.zone!r} is unknown: write an IANA name such as Europe/Monaco or UTC."
            ) from error
        dated = self.format is None or self.format in _UNIX or any(word in self.format for word in _YEARS)
        if not dated and self.date is None:
            raise SchemaError(
                f"time column {self.column!r}: the format {self.format!r} has no year, so it says no instant; "
                'write date: "2026-06-16" for the day of the file.'
            )


def _none(index: pd.Index[int]) -> pd.Series:
    return pd.Series(pd.NaT, index=index, dtype="datetime64[us, UTC]")


def _read(values: pd.Series, column: TimeColumn) -> tuple[pd.Series, pd.Series]:
    """Split into wall-clock times without zone, and instants (where an offset is written or meant)."""
    none = _none(values.index)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        if column.offset == "ignore":
            return values.dt.tz_localize(None).astype("datetime64[us]"), none
        return none.dt.tz_localize(None), values.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    if pd.api.types.is_datetime64_dtype(values):
        return values.astype("datetime64[us]"), none
    if (unit := _UNIX.get(column.format or "")) is not None:
        numbers = pd.to_numeric(values, errors="coerce")
        read = pd.to_datetime(numbers, unit=unit, utc=True, errors="coerce")
        return none.dt.tz_localize(None), read.astype("datetime64[us, UTC]")
    return _read_text(values.astype("str").str.strip(), column)


def _read_text(text: pd.Series, column: TimeColumn) -> tuple[pd.Series, pd.Series]:
    form = column.format or "ISO8601"
    if column.date is not None:
        text = column.date + " " + text
        form = f"%Y-%m-%d {column.format}" if column.format else form
    offset = text.str.contains(_OFFSET, regex=True, na=False).to_numpy(dtype=bool, copy=True)
    if column.format is not None and "%z" not in column.format:
        offset[:] = False
    if column.offset == "ignore":
        text = text.where(~offset, text.str.replace(_OFFSET_END, "", regex=True))
        form = form.replace("%z", "")
        offset[:] = False
    try:
        naive = pd.to_datetime(text.mask(offset), format=form.replace("%z", ""), errors="coerce", utc=True)
        instants = pd.to_datetime(text.where(offset), format=form, errors="coerce", utc=True)
    except ValueError as error:
        raise SchemaError(
            f"time column {column.column!r}: the format {column.format!r} is none ({error}); write it as for strptime."
        ) from error
    return naive.dt.tz_localize(None).astype("datetime64[us]"), instants.astype("datetime64[us, UTC]")


def _resolve(values: pd.Series, column: TimeColumn) -> tuple[pd.Series, NDArray[np.object_]]:
    naive, instants = _read(values, column)
    wall = pd.DatetimeIndex(naive)
    known = wall.notna()
    early = wall.tz_localize(column.zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    late = wall.tz_localize(column.zone, ambiguous=np.zeros(len(wall), dtype=bool), nonexistent="shift_forward")
    fault = np.zeros(len(wall), dtype=np.int8)
    if column.ambiguous == "quarantine":
        fault[known & (early != late)] = 2
    if column.nonexistent == "quarantine":
        fault[known & (early.tz_localize(None) != wall)] = 1
    chosen = (late if column.ambiguous == "second" else early).tz_convert("UTC")
    local = pd.Series(chosen, index=values.index).astype("datetime64[us, UTC]")
    time = instants.fillna(local).mask(fault > 0)
    reasons = np.full(len(values), None, dtype=object)
    for i in np.flatnonzero(time.isna().to_numpy()):
        value = values.iloc[i]
        reasons[i] = {
            0: f"unreadable_time: {column.column} is {value!r}, expected {column.format or 'ISO 8601'}",
            1: f"nonexistent_time: the clock of {column.zone} skips {value}",
            2: f"ambiguous_time: the clock of {column.zone} shows {value} twice",
        }[int(fault[i])]
    return time, reasons


def resolve_time(values: pd.Series, column: TimeColumn) -> tuple[pd.Series, NDArray[np.object_]]:
    """Read a time column.

    Parameters
    ----------
    values : pandas.Series
        Text, numbers or date-times, as published.
    column : TimeColumn
        How it is written.

    Returns
    -------
    time : pandas.Series of datetime64[us, UTC]
        The instants; NaT where there is a reason.
    reasons : numpy.ndarray of object, shape (n,)
        None where the time is known, else "unreadable_time", "nonexistent_time" or "ambiguous_time" with details.

    Raises
    ------
    SchemaError
        If the format is no ``strptime`` format.

    Examples
    --------
    >>> clock = TimeColumn(column="t", zone="America/New_York")
    >>> time, reasons = resolve_time(pd.Series(["2025-03-09 01:30", "2025-03-09 02:30"]), clock)
    >>> time[0].isoformat(), str(reasons[1]).split(":")[0]
    ('2025-03-09T06:30:00+00:00', 'nonexistent_time')
    """
    # A file repeats each time for every place: read each once.
    codes, unique = pd.factorize(values, use_na_sentinel=False)
    time, reasons = _resolve(pd.Series(unique), column)
    written = list(unique)
    undated = [i for i in np.flatnonzero(time.isna().to_numpy()) if _TIME_OF_DAY.match(str(written[i]))]
    if undated and column.date is None:
        for i in undated:
            reasons[i] = (
                f"no_date: {column.column} is {written[i]!r}, a time of day; write date: for the day of the file"
            )
    return time.take(codes).set_axis(values.index), reasons[codes]


def resolve_end(values: pd.Series, column: TimeColumn, *, start: pd.Series) -> tuple[pd.Series, NDArray[np.object_]]:
    """Read the column with the ends of intervals.

    Parameters
    ----------
    values : pandas.Series
        As published.
    column : TimeColumn
        How it is written; its ``end`` names it.
    start : pandas.Series of datetime64[us, UTC]
        The beginnings.

    Returns
    -------
    end : pandas.Series of datetime64[us, UTC]
        NaT where there is a reason.
    reasons : numpy.ndarray of object, shape (n,)
        As of `resolve_time`, and "bad_interval" where an end is not after its beginning.
    """
    end, reasons = resolve_time(values, replace(column, column=column.end or column.column))
    for i in np.flatnonzero((end <= start).to_numpy()):
        reasons[i] = f"bad_interval: {column.end} is {values.iloc[i]}, not after {column.column}"
    return end.mask(end <= start), reasons


def time_notes(values: pd.Series, column: TimeColumn) -> tuple[str, ...]:
    """Say what stated rules decided about the times of a column.

    Parameters
    ----------
    values : pandas.Series
        As published.
    column : TimeColumn
        How it is written.

    Returns
    -------
    tuple of str
        For the layer's steps; empty where nothing had to be decided.

    Examples
    --------
    >>> clock = TimeColumn(column="t", zone="America/New_York", offset="ignore")
    >>> time_notes(pd.Series(["2025-06-01T12:00:00Z", "2025-06-01T13:00:00Z"]), clock)
    ("read: the offset of 2 times in 't' is ignored: they are local times of America/New_York (offset: ignore)",)
    """
    codes, unique = pd.factorize(values, use_na_sentinel=False)
    counts = np.bincount(codes, minlength=len(unique))
    once = pd.Series(unique)
    notes = []
    if column.offset == "ignore":
        aware = isinstance(values.dtype, pd.DatetimeTZDtype)
        tagged = np.full(len(unique), fill_value=True) if aware else once.astype("str").str.contains(_OFFSET)
        if count := int(counts[np.asarray(tagged, dtype=bool)].sum()):
            told = f"they are local times of {column.zone} (offset: ignore)"
            notes.append(f"read: the offset of {count:,} times in {column.column!r} is ignored: {told}")
    _, reasons = _resolve(once, replace(column, ambiguous="quarantine", nonexistent="quarantine"))
    for code, rule, said in (
        ("ambiguous_time", column.ambiguous, "times that the clock shows twice"),
        ("nonexistent_time", column.nonexistent, "times that the clock skips"),
    ):
        hit = np.array([str(reason).startswith(code) for reason in reasons], dtype=bool)
        if rule != "quarantine" and hit.any():
            notes.append(f"read: {int(counts[hit].sum()):,} {said} in {column.column!r}: {rule.replace('_', ' ')}")
    return tuple(notes)
