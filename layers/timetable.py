"""Timetables as numbers: seconds of a service day, which services run on a day, and how long one waits."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from layers.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["expand_frequencies", "headways", "interpolate_seconds", "running_services", "service_start", "to_seconds"]

_CLOCK = r"^(\d{1,3}):([0-5]\d):([0-5]\d)$"
_HOUR_S = 3600


def to_seconds(clock: pd.Series) -> NDArray[np.float64]:
    """Read times of a service day; after midnight they go on as 24:00:00, 25:30:00, ...

    Parameters
    ----------
    clock : pandas.Series of str
        H:MM:SS.

    Returns
    -------
    numpy.ndarray of float64
        Seconds since noon minus twelve hours; NaN where nothing or no time is written.

    Examples
    --------
    >>> to_seconds(pd.Series(["07:30:00", "25:00:10", "", "7:61:00"])).tolist()
    [27000.0, 90010.0, nan, nan]
    """
    # The same few thousand times come again and again: each is read once.
    codes, unique = pd.factorize(clock.astype("str"), use_na_sentinel=False)
    parts = pd.Series(unique).str.extract(_CLOCK).astype("float64").to_numpy()
    seconds: NDArray[np.float64] = parts @ np.array([_HOUR_S, 60.0, 1.0])
    return seconds[codes]


def service_start(day: str, zone: str) -> pd.Timestamp:
    """Return the instant that the seconds of a service day count from.

    Parameters
    ----------
    day : str
        Such as "2026-03-29".
    zone : str
        IANA time zone of the agency.

    Returns
    -------
    pandas.Timestamp
        Noon minus twelve hours, in UTC: not midnight on days when the clocks change.

    Raises
    ------
    SchemaError
        If one of them is none.

    Examples
    --------
    >>> service_start("2026-03-29", "Europe/Monaco").isoformat()  # clocks are put forward that night
    '2026-03-28T22:00:00+00:00'
    """
    try:
        noon = pd.Timestamp(f"{day}T12:00").tz_localize(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise SchemaError(
            f"day {day!r} in zone {zone!r}: {error}; write day: as 2026-03-29, the zone stands in agency.txt."
        ) from error
    return noon.tz_convert("UTC") - pd.Timedelta(hours=12)


def interpolate_seconds(
    arrival: NDArray[np.float64], departure: NDArray[np.float64], trip: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fill in the times of stops between two timed ones, evenly from stop to stop.

    Parameters
    ----------
    arrival, departure : numpy.ndarray of float64, shape (n,)
        Seconds in the order of the stops, trip after trip; both NaN where no time is stated.
    trip : numpy.ndarray, shape (n,)
        Which trip each belongs to.

    Returns
    -------
    arrival, departure : numpy.ndarray of float64, shape (n,)
        The same time where it is filled in. NaN is left before the first and after the last stated time of a trip.

    Examples
    --------
    >>> trip = np.array([1, 1, 1, 1])
    >>> interpolate_seconds(np.array([0, np.nan, 60, np.nan]), np.array([20, np.nan, 70, np.nan]), trip)[0].tolist()
    [0.0, 40.0, 60.0, nan]
    """
    arrival, departure = arrival.copy(), departure.copy()
    known = np.flatnonzero(~np.isnan(arrival))
    open_ = np.flatnonzero(np.isnan(arrival))
    after = np.searchsorted(known, open_)
    between = (after > 0) & (after < len(known))
    open_, after = open_[between], after[between]
    left, right = known[after - 1], known[after]
    same = (trip[left] == trip[open_]) & (trip[right] == trip[open_])
    open_, left, right = open_[same], left[same], right[same]
    share = (open_ - left) / (right - left)
    arrival[open_] = departure[open_] = departure[left] + share * (arrival[right] - departure[left])
    return arrival, departure


def running_services(calendar: pd.DataFrame, exceptions: pd.DataFrame, day: str) -> frozenset[str]:
    """Find the services that run on a day.

    Parameters
    ----------
    calendar : pandas.DataFrame of str
        ``service_id``, monday ... sunday ("1" runs), ``start_date`` and ``end_date`` (YYYYMMDD, both included).
    exceptions : pandas.DataFrame of str
        ``service_id``, ``date``, ``exception_type`` ("1" added, "2" removed).
    day : str
        Such as "2026-03-29".

    Returns
    -------
    frozenset of str
        Their ids.

    Raises
    ------
    SchemaError
        If the day is none.
    """
    try:
        date = pd.Timestamp(day)
    except ValueError as error:
        raise SchemaError(f"day {day!r} is none ({error}); write it as 2026-03-29.") from error
    written = date.strftime("%Y%m%d")
    running: set[str] = set()
    if len(calendar):
        within = (calendar["start_date"] <= written) & (written <= calendar["end_date"])
        running |= set(calendar["service_id"][within & (calendar[date.day_name().lower()] == "1")])
    if len(exceptions):
        today = exceptions[exceptions["date"] == written]
        running |= set(today["service_id"][today["exception_type"] == "1"])
        running -= set(today["service_id"][today["exception_type"] == "2"])
    return frozenset(map(str, running))


def expand_frequencies(stop_times: pd.DataFrame, frequencies: pd.DataFrame) -> pd.DataFrame:
    """Write out the trips that are stated as "every n seconds from ... to ...".

    Parameters
    ----------
    stop_times : pandas.DataFrame
        ``trip_id``, ``seconds`` and any others.
    frequencies : pandas.DataFrame
        ``trip_id``, ``start_s``, ``end_s`` (not included), ``headway_s``; numbers.

    Returns
    -------
    pandas.DataFrame
        The other trips as they are, and each run of the trips with frequencies, moved to its start.

    Examples
    --------
    >>> times = pd.DataFrame({"trip_id": ["a", "a"], "seconds": [100.0, 160.0]})
    >>> every = pd.DataFrame({"trip_id": ["a"], "start_s": [0], "end_s": [1200], "headway_s": [600]})
    >>> expand_frequencies(times, every)["seconds"].tolist()
    [0.0, 600.0, 60.0, 660.0]
    """
    if not len(frequencies):
        return stop_times
    sound = frequencies[(frequencies["headway_s"] > 0) & (frequencies["end_s"] > frequencies["start_s"])]
    runs = np.ceil(((sound["end_s"] - sound["start_s"]) / sound["headway_s"]).to_numpy()).astype(np.int64)
    starts = sound.loc[sound.index.repeat(runs), ["trip_id", "start_s", "headway_s"]]
    number = np.arange(len(starts)) - np.repeat(np.cumsum(runs) - runs, runs)
    starts = pd.DataFrame({"trip_id": starts["trip_id"], "start_s": starts["start_s"] + number * starts["headway_s"]})
    repeated = stop_times["trip_id"].isin(sound["trip_id"])
    first = stop_times["seconds"] - stop_times.groupby("trip_id")["seconds"].transform("min")
    moved = stop_times[repeated].assign(seconds=first[repeated]).merge(starts, on="trip_id")
    moved = moved.assign(seconds=moved["seconds"] + moved["start_s"]).drop(columns="start_s")
    return pd.concat([stop_times[~repeated], moved], ignore_index=True)


def headways(departures: pd.DataFrame, *, by: Sequence[str]) -> pd.DataFrame:
    """Measure the time between departures, hour by hour.

    Parameters
    ----------
    departures : pandas.DataFrame
        Columns of ``by``, and ``seconds`` of the service day; NaN is left out.
    by : sequence of str
        What one waits for: ("stop_id", "route_id", "direction_id"), or only ("stop_id",) where any line will do.

    Returns
    -------
    pandas.DataFrame
        One line for each of ``by`` and each ``hour`` (24 and more after midnight) with a departure: ``departures``,
        ``headway_s`` (mean time since the departure before, also if that was in an earlier hour) and ``longest_s``;
        both NaN in an hour that holds nothing but the first departure of the day.

    Examples
    --------
    >>> times = pd.DataFrame({"stop_id": "a", "seconds": [25200.0, 25800.0, 27000.0, 29400.0]})
    >>> headways(times, by=["stop_id"])[["hour", "departures", "headway_s", "longest_s"]].to_numpy().tolist()
    [[7.0, 3.0, 900.0, 1200.0], [8.0, 1.0, 2400.0, 2400.0]]
    """
    by = list(by)
    timed = departures.dropna(subset=["seconds"]).sort_values([*by, "seconds"], kind="stable")
    gap = timed.groupby(by, dropna=False)["seconds"].diff()
    hour = (timed["seconds"] // _HOUR_S).astype("int64")
    grouped = timed.assign(gap_s=gap, hour=hour).groupby([*by, "hour"], dropna=False, sort=True)["gap_s"]
    return grouped.agg(departures="size", headway_s="mean", longest_s="max").reset_index()
