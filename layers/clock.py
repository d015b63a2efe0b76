"""Times as written to instants in UTC; what local clocks skip or repeat is decided by a stated rule, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from layers.errors import SchemaError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TimeColumn", "resolve_time"]

#: An offset at the end of a date-time: Z, +01, +0100, +01:00. A date alone ("2019-05-07") must not match.
_OFFSET_END = r"\s*(?:[zZ]|[+-]\d{2}(?::?\d{2})?)\s*$"
_OFFSET = r"\d{1,2}:\d{2}.*?" + _OFFSET_END

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
    return time.take(codes).set_axis(values.index), reasons[codes]
