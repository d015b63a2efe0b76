"""How old readings are at the time shown: per layer that measures, and per site of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from twin.tiles.readings import Readings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin import Twin

STALE_AFTER = 2.0  # Intervals: one reading may be on its way, two are missing.


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """When the sites of a layer were read.

    Parameters
    ----------
    layer : str
        Name of the layer.
    interval_s : float
        Seconds between two readings of a site, as the source states or its readings show.
    sites : ndarray of int
        Source record of each of n sites; empty where every record is a site of its own, as of vehicles.
    times_s : ndarray of float64
        Seconds since 1970 of all readings, ascending within a site.
    starts : ndarray of int
        Shape (n,): where the readings of each site begin.
    """

    layer: str
    interval_s: float
    sites: "NDArray[np.int64]"
    times_s: "NDArray[np.float64]"
    starts: "NDArray[np.int64]"


@dataclass(frozen=True, kw_only=True, eq=False)
class Freshness:
    """How old the readings of a layer are.

    Parameters
    ----------
    layer : str
        Name of the layer.
    interval_s : float
        Seconds between two readings of a site.
    newest_s : float
        Seconds since 1970 of the newest reading until now; NaN if there was none.
    age_s : float
        Its age in seconds.
    sites : ndarray of int
        Source record of each site, the oldest reading first.
    ages_s : ndarray of float
        Age of the newest reading of each site in seconds; NaN if there was none.
    """

    layer: str
    interval_s: float
    newest_s: float
    age_s: float
    sites: "NDArray[np.int64]"
    ages_s: "NDArray[np.float64]"

    @property
    def stale(self) -> "NDArray[np.bool_]":
        """Which sites have not been heard of for two intervals, or never."""
        return ~(self.ages_s <= STALE_AFTER * self.interval_s)

    @property
    def is_stale(self) -> bool:
        """Whether nothing of the layer has been heard of for two intervals."""
        return not self.age_s <= STALE_AFTER * self.interval_s


def series_of(city: "Twin") -> tuple[Series, ...]:
    """List the layers of a city whose readings have a time.

    Parameters
    ----------
    city : Twin
        The opened twin.

    Returns
    -------
    tuple of Series
        Empty for a city of one typical day, in which no reading has a date.
    """
    if city.clock.typical_day:
        return ()
    names = [variable.layer for variable in city.variables.values() if not variable.static]
    return tuple(_series(city, name) for name in dict.fromkeys(names))


def freshness_of(series: Series, now_s: float) -> Freshness:
    """Say how old readings are.

    Parameters
    ----------
    series : Series
        When the sites of a layer were read.
    now_s : float
        Seconds since 1970. What was read later is not known yet.

    Returns
    -------
    Freshness
        The oldest first.
    """
    known = np.where(series.times_s < now_s, series.times_s, -np.inf)
    newest = float(known.max(initial=-np.inf))
    each = np.maximum.reduceat(known, series.starts) if series.starts.size else np.empty(0)
    ages = np.where(np.isfinite(each), now_s - each, np.nan)
    order = np.argsort(-np.where(np.isfinite(ages), ages, np.inf), kind="stable")
    return Freshness(
        layer=series.layer,
        interval_s=series.interval_s,
        newest_s=newest if np.isfinite(newest) else float("nan"),
        age_s=now_s - newest if np.isfinite(newest) else float("nan"),
        sites=series.sites[order],
        ages_s=ages[order],
    )


def end_of_step_s(readings: Readings, step: int) -> float:
    """Give the moment at which a step is over: until then its readings come in.

    Parameters
    ----------
    readings : Readings
        Of a city whose clock has dates.
    step : int
        Index of the step.

    Returns
    -------
    float
        Seconds since 1970.
    """
    begin = pd.Timestamp(readings.times[step])
    spacing = pd.Timedelta(readings.city.clock.step)
    return float((begin + spacing - pd.Timestamp(0)).total_seconds())


def _series(city: "Twin", name: str) -> Series:
    found = city.reading_times(name)
    moments = found["time"].dt.tz_convert("UTC").dt.tz_localize(None)
    seconds = moments.to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6
    site = found["feature"].to_numpy()
    order = np.lexsort((seconds, site))
    seconds, site = seconds[order], site[order]
    sites, starts = np.unique(site, return_index=True)
    gaps = np.diff(seconds)[site[1:] == site[:-1]]
    stated = city.layers[name].quality.get("interval_s")
    shown = float(np.median(gaps)) if gaps.size else float(pd.Timedelta(city.clock.step).total_seconds())
    if not gaps.size:  # Each record stands for itself: a vehicle that was here once is not a site that fell silent.
        sites, starts = sites[:0], starts[:0]
    return Series(
        layer=name,
        interval_s=float(stated) if stated else shown,
        sites=sites.astype(np.int64),
        times_s=seconds,
        starts=starts.astype(np.int64),
    )
