"""The city's time axis, and how readings of any rhythm are laid on it.

A reading holds over an interval ``[time, time + period)``, or at an instant if its period is zero. It is shared among
the steps that it covers in proportion to the overlap, so that nothing is interpolated: a mean weighs each reading by
the time it held, a sum divides it by time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.errors import SeriesError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.manifest.models import ClockSpec

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

DAY_S = 86_400.0
_DAY_NS = 86_400_000_000_000
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d\d(:\d\d)?")


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Equal steps over a calendar period, or over one typical day.

    Parameters
    ----------
    step_s : float
        Length of a step in seconds.
    zone : str
        IANA time zone of the city.
    start, end : pandas.Timestamp or None
        Calendar period ``[start, end)`` in UTC; both None for a typical day.
    """

    step_s: float
    zone: str
    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None

    @property
    def typical_day(self) -> bool:
        """Whether all days are folded onto one."""
        return self.start is None

    @property
    def step(self) -> pd.Timedelta:
        """Length of a step."""
        return pd.Timedelta(seconds=self.step_s)

    def __len__(self) -> int:
        if self.start is None or self.end is None:
            return round(DAY_S / self.step_s)
        return int(np.ceil((self.end - self.start).total_seconds() / self.step_s))

    def coordinate(self) -> np.ndarray[Any, Any]:
        """Return the start of every step.

        Returns
        -------
        numpy.ndarray
            ``datetime64[ns]`` in UTC for a calendar; ``timedelta64[ns]`` since local midnight for a typical day.
        """
        seconds = np.arange(len(self)) * self.step_s
        offsets = np.round(seconds * 1e9).astype("timedelta64[ns]")
        if self.start is None:
            return offsets
        times: np.ndarray[Any, Any] = self.start.tz_convert(None).to_datetime64().astype("datetime64[ns]") + offsets
        return times

    def step_of(self, time: object) -> int:
        """Return the step that holds a time.

        Parameters
        ----------
        time : str, datetime, timedelta or int
            An instant (local time of the city if it has no zone), a time of day such as ``"08:30"`` of a typical
            day or of the first day of the calendar, or the number of the step.

        Returns
        -------
        int
            Number of the step, from 0.

        Raises
        ------
        SeriesError
            If the time lies outside the clock or cannot be read.
        """
        if isinstance(time, (int, np.integer)) and not isinstance(time, (bool, np.timedelta64)):
            step = int(time)
        else:
            step = int(np.floor(self._offset_s(time) / self.step_s))
        if not 0 <= step < len(self):
            first, last = (str(pd.Series(self.coordinate()).iloc[i]) for i in (0, -1))
            raise SeriesError(f"time {time!r} lies outside the clock: its steps begin from {first} to {last}")
        return step

    def _offset_s(self, time: object) -> float:
        try:
            if self.start is None and not isinstance(time, (pd.Timestamp, np.datetime64)):
                text = f"{time}:00" if isinstance(time, str) and time.count(":") == 1 else time
                return float(pd.Timedelta(text).total_seconds())  # type: ignore[arg-type]
            if self.start is not None and isinstance(time, str) and _TIME_OF_DAY.fullmatch(time):
                # pandas would take it for one of today; the city's first day is meant
                time = f"{self.start.tz_convert(self.zone):%Y-%m-%d} {time}"
            stamp = pd.Timestamp(time)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise SeriesError(f"time {time!r} cannot be read: write 2026-06-16T08:00, 08:00 or a step number") from None
        if stamp.tzinfo is None:
            # xarray's coordinate is naive UTC; a person's text is local.
            stamp = stamp.tz_localize("UTC" if isinstance(time, (pd.Timestamp, np.datetime64)) else self.zone)
        if self.start is None:
            local = stamp.tz_convert(self.zone)
            return float((local.tz_localize(None) - local.tz_localize(None).normalize()).total_seconds())
        return float((stamp - self.start).total_seconds())

    def to_json(self) -> dict[str, Any]:
        """Return the clock as JSON types.

        Returns
        -------
        dict
            Field by field, times in ISO 8601.
        """
        ends = {"start": self.start, "end": self.end}
        return {
            "step_s": self.step_s,
            "zone": self.zone,
            **{key: None if value is None else value.isoformat() for key, value in ends.items()},
        }


def clock_from_spec(spec: ClockSpec) -> Clock:
    """Return the clock that a manifest describes.

    Parameters
    ----------
    spec : ClockSpec
        The ``clock:`` entry.

    Returns
    -------
    Clock
        The same, in UTC.
    """
    step_s = pd.Timedelta(spec.step).total_seconds()
    if spec.typical_day:
        return Clock(step_s=step_s, zone=spec.zone)
    start, end = (pd.Timestamp(str(text)).tz_localize(spec.zone).tz_convert("UTC") for text in (spec.start, spec.end))
    return Clock(step_s=step_s, zone=spec.zone, start=start, end=end)


def clock_from_json(tree: Mapping[str, Any]) -> Clock:
    """Remake a clock.

    Parameters
    ----------
    tree : mapping
        What `Clock.to_json` gave.

    Returns
    -------
    Clock
        The value.
    """
    start, end = (None if tree[key] is None else pd.Timestamp(tree[key]) for key in ("start", "end"))
    return Clock(step_s=float(tree["step_s"]), zone=tree["zone"], start=start, end=end)


@dataclass(frozen=True, kw_only=True)
class StepShares:
    """Which steps each reading covers.

    Parameters
    ----------
    record : ndarray of int64, shape (n,)
        Number of the reading.
    step : ndarray of int64, shape (n,)
        Number of the step.
    overlap : ndarray of float64, shape (n,)
        Part of the reading's interval that lies in the step, 0 to 1; 1 for an instant.
    day : ndarray of int64, shape (n,)
        Local day of the reading, as days since 1970.
    """

    record: Integers
    step: Integers
    overlap: Floats
    day: Integers


def spacing_s(times: pd.Series[Any], sites: Integers) -> float:
    """Return how far apart the readings of one site usually are.

    Parameters
    ----------
    times : pandas.Series
        Times in UTC.
    sites : ndarray of int64
        Site of each.

    Returns
    -------
    float
        The commonest positive difference in seconds; 0 if no site has two readings.
    """
    order = np.lexsort((times.to_numpy(), sites))
    seconds = _seconds(times)[order]
    gaps = np.diff(seconds)[np.diff(sites[order]) == 0]
    gaps = gaps[np.isfinite(gaps) & (gaps > 0)]
    if gaps.size == 0:
        return 0.0
    found, counts = np.unique(np.round(gaps, 3), return_counts=True)
    return float(found[np.argmax(counts)])


def _seconds(times: pd.Series[Any]) -> Floats:
    naive = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    seconds: Floats = naive.astype(np.int64).astype(np.float64) / 1e9
    seconds[np.isnat(naive)] = np.nan
    return seconds


def step_shares(
    times: pd.Series[Any], clock: Clock, *, period_s: float | Floats = 0.0, only: int | None = None
) -> StepShares:
    """Lay readings on the clock.

    Parameters
    ----------
    times : pandas.Series
        Start of each reading, with a zone; a missing time covers no step.
    clock : Clock
        The city's clock.
    period_s : float or ndarray of float64, shape (records,), optional
        How long a reading holds, in seconds; 0 for an instant.
    only : int, optional
        The one step that is asked for; all if left out.

    Returns
    -------
    StepShares
        Pairs of reading and step in order of reading; what lies outside a calendar clock is left out.
    """
    local = times.dt.tz_convert(clock.zone).dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    day = local.astype("datetime64[D]").astype(np.int64)
    if clock.start is None:
        begin = (local.astype(np.int64) - day * _DAY_NS).astype(np.float64) / 1e9
        begin[np.isnat(local)] = np.nan
    else:
        begin = _seconds(times) - clock.start.timestamp()
    first = np.floor(begin / clock.step_s)
    period = np.broadcast_to(np.asarray(period_s, dtype=np.float64), begin.shape)
    reach = int(np.ceil(period.max(initial=0.0) / clock.step_s)) + 1
    records, steps, overlaps = [], [], []
    for ahead in range(reach):
        place = np.mod(first + ahead, len(clock)) if clock.typical_day else first + ahead
        # A comparison with NaN is False: what has no time covers no step.
        asked = (place >= 0) & (place < len(clock)) if only is None else place == only
        keep = np.flatnonzero(asked)
        step, start, length = first[keep] + ahead, begin[keep], period[keep]
        held = np.minimum(start + length, (step + 1) * clock.step_s) - np.maximum(start, step * clock.step_s)
        instant = 1.0 if ahead == 0 else 0.0
        overlap = np.where(length > 0, held / np.where(length > 0, length, 1.0), instant)
        there = overlap > 0
        records.append(keep[there])
        steps.append(place[keep[there]].astype(np.int64))
        overlaps.append(overlap[there])
    record = np.concatenate(records)
    order = np.argsort(record, kind="stable")
    record = record[order]
    step, overlap = np.concatenate(steps)[order], np.concatenate(overlaps)[order]
    return StepShares(record=record, step=step, overlap=overlap, day=day[record])


def resample_shares(
    values: Floats, sites: Integers, shares: StepShares, *, clock: Clock, extensive: bool
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return what each pair of reading and step contributes to its site's value at that step.

    Parameters
    ----------
    values : ndarray of float64, shape (records,)
        The readings; NaN counts as none.
    sites : ndarray of int64, shape (records,)
        Site of each reading.
    shares : StepShares
        What `step_shares` gave for them.
    clock : Clock
        The city's clock; on a typical day amounts are divided by the days that have readings.
    extensive : bool
        True for amounts, which add up over a step; False for levels, which are averaged.

    Returns
    -------
    weight : ndarray of float64
        One number a pair, such that the value of a site at a step is the sum of weight times reading.
    counted : ndarray of bool
        False where the reading is NaN, and so has no part.
    """
    counted = np.isfinite(values[shares.record])
    site, overlap = sites[shares.record], np.where(counted, shares.overlap, 0.0)
    steps = int(shares.step.max()) + 1 if shares.step.size else 1
    slot = site * steps + shares.step
    slots = int(slot.max()) + 1 if slot.size else 0
    if not extensive:
        total = np.bincount(slot, weights=overlap, minlength=slots)[slot]
    elif clock.typical_day:
        seen = np.unique(np.stack([slot[counted], shares.day[counted]]), axis=1)
        total = np.bincount(seen[0], minlength=slots).astype(np.float64)[slot]
    else:
        total = np.ones_like(overlap)
    weight = np.divide(overlap, total, out=np.zeros_like(overlap), where=total > 0)
    return weight, counted


def resample(values: Floats, sites: Integers, shares: StepShares, *, clock: Clock, extensive: bool) -> Floats:
    """Return the series of every site on the clock.

    Parameters
    ----------
    values : ndarray of float64, shape (records,)
        The readings; NaN counts as none.
    sites : ndarray of int64, shape (records,)
        Site of each reading, from 0 without gaps.
    shares : StepShares
        What `step_shares` gave for them.
    clock : Clock
        The city's clock.
    extensive : bool
        True for amounts, False for levels.

    Returns
    -------
    ndarray of float64, shape (sites, steps)
        NaN where a site has no reading.
    """
    count = int(sites.max()) + 1 if sites.size else 0
    shape = (count, len(clock))
    weight, counted = resample_shares(values, sites, shares, clock=clock, extensive=extensive)
    slot = (sites[shares.record] * len(clock) + shares.step)[counted]
    sums = np.bincount(slot, weights=(weight * values[shares.record])[counted], minlength=count * len(clock))
    seen = np.bincount(slot, minlength=count * len(clock)) > 0
    return np.where(seen, sums, np.nan).reshape(shape)


def ratio_to_quantile(values: Floats, sites: Integers, quantile: float) -> tuple[Floats, Floats]:
    """Return readings over a quantile of the same site's readings.

    Parameters
    ----------
    values : ndarray of float64, shape (records,)
        The readings, NaN where missing.
    sites : ndarray of int64, shape (records,)
        Site of each reading, from 0 without gaps.
    quantile : float
        Which quantile, 0 to 1; 0.85 of the speeds is commonly taken for free flow.

    Returns
    -------
    ratio : ndarray of float64, shape (records,)
        NaN where the reading or a positive quantile is missing.
    base : ndarray of float64, shape (sites,)
        The quantile of each site.
    """
    count = int(sites.max()) + 1 if sites.size else 0
    series = pd.Series(values).groupby(sites).quantile(quantile)
    base = series.reindex(range(count)).to_numpy(dtype=np.float64)
    divisor = base[sites] if count else np.empty(0)
    ratio: Floats = np.divide(values, divisor, out=np.full(values.shape, np.nan), where=divisor > 0)
    return ratio, base.astype(np.float64)
