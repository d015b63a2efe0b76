"""Times as written to instants in UTC; what local clocks skip or repeat is decided by a stated rule, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from layers.errors import SchemaError

__all__ = ["TimeColumn", "resolve_time"]

#: An offset at the end of a date-time: Z, +01, +0100, +01:00. A date alone ("2019-05-07") must not match.
_OFFSET = r"\d{1,2}:\d{2}.*?(?:[zZ]|[+-]\d{2}(?::?\d{2})?)\s*$"

_UNIX = {"unix_s": "s", "unix_ms": "ms"}


@dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """How a table writes time.

    Parameters
    ----------
    column : str
        Name of the column; two names joined by "+" ("date+hour") are read as one text with a space between.
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
        but hold local time.
    """

    column: str
    zone: str
    format: str | None = None
    date: str | None = None
    ambiguous: Literal["quarantine", "first", "second"] = "quarantine"
    nonexistent: Literal["quarantine", "shift_forward"] = "quarantine"
    offset: Literal["use", "ignore"] = "use"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SchemaError(
                f"time zone {self.zone!r} is unknown: write an IANA name such as Europe/Monaco or UTC."
            ) from error


def _as_text(values: pd.Series) -> pd.Series:
    return values.astype("str").str.strip()


def _read(values: pd.Series, column: TimeColumn) -> tuple[pd.Series, pd.Series]:
    """Split into naive wall-clock times and instants (rows with a written offset)."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        instants = values.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
        if column.offset == "ignore":
            return values.dt.tz_localize(None).astype("datetime64[us]"), instants.mask(instants.notna())
        return pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]"), instants
    none = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us, UTC]")
    if pd.api.types.is_datetime64_dtype(values):
        return values.astype("datetime64[us]"), none
    if column.format in _UNIX:
        numbers = pd.to_numeric(values, errors="coerce")
        read = pd.to_datetime(numbers, unit=_UNIX[column.format], utc=True, errors="coerce").astype(
            "datetime64[us, UTC]"
        )
        return pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]"), read
    text = _as_text(values)
    if column.date is not None:
        text = column.date + " " + text
    form = column.format or "ISO8601"
    if column.date is not None and column.format is not None:
        form = f"%Y-%m-%d {column.format}"
    marked = text.str.contains(_OFFSET, regex=True, na=False) & (column.format is None or "%z" in column.format)
    if column.offset == "ignore" and column.format is None:
        text = text.str.replace(r"\s*(?:[zZ]|[+-]\d{2}(?::?\d{2})?)\s*$", "", regex=True).where(marked, text)
        marked = marked & False
    naive = (
        pd.to_datetime(text.mask(marked), format=form, errors="coerce").astype("datetime64[us]")
        if not marked.all()
        else none.dt.tz_localize(None)
    )
    instants = (
        pd.to_datetime(text.where(marked), format=form, errors="coerce", utc=True).astype("datetime64[us, UTC]")
        if marked.any()
        else none
    )
    return naive, instants


def resolve_time(values: pd.Series, column: TimeColumn) -> tuple[pd.Series, np.ndarray]:
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

    Examples
    --------
    >>> clock = TimeColumn(column="t", zone="America/New_York")
    >>> time, reasons = resolve_time(pd.Series(["2025-03-09 01:30", "2025-03-09 02:30"]), clock)
    >>> time[0].isoformat(), str(reasons[1]).split(":")[0]
    ('2025-03-09T06:30:00+00:00', 'nonexistent_time')
    """
    naive, instants = _read(values, column)
    # Wall-clock times are few (a file repeats them for every place), and localising is slow: do each once.
    codes, unique = pd.factorize(naive)
    wall = pd.DatetimeIndex(unique)
    early = wall.tz_localize(column.zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    late = wall.tz_localize(column.zone, ambiguous=np.zeros(len(wall), dtype=bool), nonexistent="shift_forward")
    skipped = early.tz_localize(None) != wall
    twice = early != late
    chosen = (late if column.ambiguous == "second" else early).tz_convert("UTC")
    refused = np.zeros(len(wall), dtype=np.int8)
    if column.ambiguous == "quarantine":
        refused[twice] = 2
    if column.nonexistent == "quarantine":
        refused[skipped] = 1
    local = pd.Series(chosen.append(pd.DatetimeIndex([pd.NaT], tz="UTC"))[codes], index=values.index).astype(
        "datetime64[us, UTC]"
    )
    fault = np.append(refused, np.int8(0))[codes]
    time = instants.fillna(local).mask(fault > 0)
    reasons = np.full(len(values), None, dtype=object)
    unread = time.isna().to_numpy() & (fault == 0)
    for i in np.flatnonzero(unread):
        reasons[i] = f"unreadable_time: {column.column} is {values.iloc[i]!r}, expected {column.format or 'ISO 8601'}"
    for code, text in (
        (1, "nonexistent_time: the clock of {} skips {}"),
        (2, "ambiguous_time: the clock of {} shows {} twice"),
    ):
        for i in np.flatnonzero(fault == code):
            reasons[i] = text.format(column.zone, values.iloc[i])
    return time, reasons
