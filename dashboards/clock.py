"""Times of the clock as people read them, in the city's zone and the visitor's language."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

_WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}
_TIME_OF_DAY = len("08:00:00")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def to_local(times: pd.Index, zone: str) -> pd.DatetimeIndex:
    """Give wall-clock times for a chart's axis.

    Parameters
    ----------
    times : pandas.Index
        Instants in UTC, or time since local midnight.
    zone : str
        IANA zone of the city.

    Returns
    -------
    pandas.DatetimeIndex
        Without a zone; a typical day is put on the first of January 1970.

    Examples
    --------
    >>> to_local(pd.DatetimeIndex(["2026-06-15T22:00"]), "Europe/Monaco")[0].isoformat()
    '2026-06-16T00:00:00'
    """
    if isinstance(times, pd.TimedeltaIndex):
        return pd.DatetimeIndex(pd.Timestamp(0) + times)
    instants = pd.DatetimeIndex(times)
    instants = instants.tz_localize("UTC") if instants.tz is None else instants
    return instants.tz_convert(zone).tz_localize(None)


def to_labels(times: pd.Index, zone: str, *, language: str, texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Give the time and the date of every step as text.

    Parameters
    ----------
    times : pandas.Index
        Instants in UTC, or time since local midnight.
    zone : str
        IANA zone of the city.
    language : {"en", "zh"}
        Language of the date.
    texts : Mapping
        Catalogue, for the words "typical day".

    Returns
    -------
    list of dict
        ``time`` and ``date`` of each step.

    Examples
    --------
    >>> to_labels(pd.DatetimeIndex(["2026-06-16T06:15"]), "Europe/Monaco", language="en", texts={})
    [{'time': '08:15', 'date': 'Tue 16 Jun 2026'}]
    """
    typical = isinstance(times, pd.TimedeltaIndex)
    return [
        {"time": f"{stamp:%H:%M}", "date": texts["typical_day"] if typical else _date(stamp, language)}
        for stamp in to_local(times, zone)
    ]


def first_step(times: pd.Index, zone: str) -> int:
    """Choose the step that the view opens on: the morning's rush, when a city shows itself.

    Parameters
    ----------
    times : pandas.Index
        Instants in UTC, or time since local midnight.
    zone : str
        IANA zone of the city.

    Returns
    -------
    int
        Index of the first step from 08:00 on, else 0.
    """
    return int((to_local(times, zone).hour >= 8).argmax())


def to_text(times: pd.Index, zone: str, step: int) -> str:
    """Write the time of a step for a link.

    Parameters
    ----------
    times : pandas.Index
        Instants in UTC, or time since local midnight.
    zone : str
        IANA zone of the city.
    step : int
        Index of the step.

    Returns
    -------
    str
        Local time to the minute, with its offset in the hour that a change of the clock repeats; of a typical day the
        time of day.

    Examples
    --------
    >>> to_text(pd.DatetimeIndex(["2026-06-16T06:00"]), "Europe/Monaco", 0)
    '2026-06-16T08:00'
    """
    local = to_local(times, zone)
    stamp = local[step]
    seconds = ":%S" if stamp.second else ""
    if isinstance(times, pd.TimedeltaIndex):
        return stamp.strftime(f"%H:%M{seconds}")
    text: str = stamp.strftime(f"%Y-%m-%dT%H:%M{seconds}")
    if (local == stamp).sum() == 1:
        return text
    offset: str = pd.Timestamp(times[step]).tz_localize("UTC").tz_convert(zone).isoformat()[-6:]
    return text + offset


def to_step(times: pd.Index, zone: str, text: str) -> int | None:
    """Find the step that a time of a link lies in.

    Parameters
    ----------
    times : pandas.Index
        Instants in UTC, or time since local midnight.
    zone : str
        IANA zone of the city.
    text : str
        What `to_text` gave, or a person wrote like it.

    Returns
    -------
    int or None
        Index of the step; None if the text is no time, or before the first or a whole step after the last.

    Examples
    --------
    >>> to_step(pd.DatetimeIndex(["2026-06-16T06:00", "2026-06-16T06:15"]), "Europe/Monaco", "2026-06-16T08:20")
    1
    """
    try:
        if isinstance(times, pd.TimedeltaIndex):
            wanted: Any = pd.Timedelta(f"{text[-5:]}:00" if len(text) != _TIME_OF_DAY else text)
        else:
            stamp = pd.Timestamp(text if "T" in text else f"{to_local(times[:1], zone)[0]:%Y-%m-%d}T{text}")
            local = stamp.tz_localize(zone, ambiguous=True, nonexistent="shift_forward") if stamp.tz is None else stamp
            wanted = local.tz_convert("UTC").tz_localize(None)
    except (ValueError, OverflowError):
        return None
    step = int(times.searchsorted(wanted, side="right")) - 1
    spacing = times[-1] - times[-2] if len(times) > 1 else pd.Timedelta(0)
    return step if step >= 0 and wanted - times[step] < max(spacing, pd.Timedelta("1ns")) else None


def to_period(period: tuple[str, str] | None, zone: str, *, until: str = "to") -> str:
    """Write the period of a source.

    Parameters
    ----------
    period : tuple of str or None
        First and last instant in ISO 8601.
    zone : str
        IANA zone of the city.
    until : str, optional
        Word between the two dates.

    Returns
    -------
    str
        First and last local date, once if they are the same; empty without a period.

    Examples
    --------
    >>> to_period(("2009-01-01T05:00:00+00:00", "2010-01-01T04:59:00+00:00"), "America/New_York")
    '2009-01-01 to 2009-12-31'
    """
    if not period:
        return ""
    first, last = (_local_date(instant, zone) for instant in period)
    return first if first == last else f"{first} {until} {last}"


def _local_date(instant: str, zone: str) -> str:
    stamp: Any = pd.Timestamp(instant)
    return f"{stamp.tz_convert(zone) if stamp.tzinfo else stamp:%Y-%m-%d}"


def _date(stamp: pd.Timestamp, language: str) -> str:
    weekday = _WEEKDAYS[language][stamp.weekday()]
    if language == "zh":
        return f"{stamp.year}年{stamp.month}月{stamp.day}日 {weekday}"
    return f"{weekday} {stamp.day} {_MONTHS[stamp.month - 1]} {stamp.year}"
