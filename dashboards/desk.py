"""The operator's desk: what is watched now, ranked, alerted and aged, as plain values in the visitor's language."""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dashboards.alerts import Alert, alerts_of, to_csv, urgency
from dashboards.clock import to_local
from dashboards.frames import FrameSource
from dashboards.freshness import Freshness, Series, end_of_step_s, freshness_of, series_of
from dashboards.i18n import number, plain_title, texts, title_of, unit_of
from dashboards.operations import LEVELS, Level, Places, Ranking, Watched, last_day, places_of, rank, watched
from dashboards.state import ExplorerState
from twin.errors import TwinError
from twin.tiles.readings import Kept

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

MOST_ROWS, MOST_ALERTS, MOST_SITES = 60, 60, 8
_SPARK = 32  # Points of a sparkline: one in three quarters of an hour.
_LEVELS_OF_ALERTS: Mapping[str, tuple[Level, ...]] = {
    "congestion": ("corridors", "districts", "city"),
    "pollution": ("districts", "corridors", "city"),
}


class Desk:
    """What operators of one city watch; shared by all visitors.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    """

    def __init__(self, source: FrameSource) -> None:
        self.source = source
        self._kept = Kept(32)

    def places(self, variable: str, level: Level) -> Places | None:
        """Give the places of a level with a variable, read once.

        Parameters
        ----------
        variable : str
            Name in the cube.
        level : {"city", "districts", "corridors"}
            What kind of places.

        Returns
        -------
        Places or None
            None if the city has no such places.
        """
        return self._kept.get((variable, level), lambda: places_of(self.source, variable, level))

    def warm(self) -> None:
        """Read what every operator will ask for first, before anybody does."""
        try:
            for wanted in watched(self.source, {}):
                for level in LEVELS:
                    if not threading.main_thread().is_alive():
                        return  # The server has ended.
                    self.places(wanted.name, level)
            self.content(ExplorerState(step=0))
        except TwinError as error:
            # Whoever opens the view meets the same error, and is told.
            log.warning("the operator's view is not prepared: %s", error)

    def alerts(self, state: ExplorerState) -> list[Alert]:
        """Find what was beyond a threshold in the 24 hours before the time shown.

        Parameters
        ----------
        state : ExplorerState
            Step and thresholds.

        Returns
        -------
        list of Alert
            What is so now first, then the most severe.
        """
        steps = last_day(self.source.readings.times, self._step(state))
        found: list[Alert] = []
        for wanted in watched(self.source, state.limits):
            levels = (self.places(wanted.name, level) for level in _LEVELS_OF_ALERTS[wanted.kind])
            places = next((found for found in levels if found is not None), None)
            found += alerts_of(places, wanted, steps) if places is not None else []
        return sorted(found, key=urgency)

    def csv(self, state: ExplorerState) -> str:
        """Write the alerts of the time shown as a table.

        Parameters
        ----------
        state : ExplorerState
            Step, thresholds and what was acknowledged.

        Returns
        -------
        str
            As `alerts.to_csv` gives it.
        """
        units = {name: variable.unit for name, variable in self.source.city.variables.items()}
        times, zone = self.source.readings.times, self.source.city.clock.zone
        return to_csv(self.alerts(state), state.acknowledged, times=times, zone=zone, units=units)

    def content(self, state: ExplorerState, *, variable: str = "", level: str = "") -> dict[str, Any]:
        """Describe the desk at the time shown.

        Parameters
        ----------
        state : ExplorerState
            Step, language, thresholds and what was acknowledged.
        variable : str, optional
            What is ranked; the first that is watched unless it is one of them.
        level : str, optional
            What kind of places is ranked; corridors, else districts, unless the city has it.

        Returns
        -------
        dict
            Plain JSON values.
        """
        everything = watched(self.source, state.limits)
        if not everything:
            return {"empty": texts(state.language)["nothing_watched"]}
        steps = last_day(self.source.readings.times, self._step(state))
        chosen = next((each for each in everything if each.name == variable), everything[0])
        return {
            "empty": "",
            "now": [self._tile(each, state, steps) for each in everything],
            "ranking": self._ranking(chosen, level, state, steps),
            "alerts": self._alerts(state),
            "readings": self._readings(state),
        }

    def _step(self, state: ExplorerState) -> int:
        return int(min(state.step, len(self.source.readings.times) - 1))

    def _title(self, name: str, language: str) -> str:
        return plain_title(title_of(self.source.city.variables[name].title, language, name))

    def _tile(self, wanted: Watched, state: ExplorerState, steps: "NDArray[np.intp]") -> dict[str, Any]:
        city = self.places(wanted.name, "city")
        variable, words = self.source.city.variables[wanted.name], texts(state.language)
        course = city.courses[0][steps] if city is not None else np.array([np.nan])
        scale = self.source.scale(wanted.name)
        now = float(course[-1])
        code = int(scale.encode(np.array([now]))[0])
        colour = scale.colours(state.theme)[code - 1] if code else None
        known = course[np.isfinite(course)]
        return {
            "name": wanted.name,
            "title": self._title(wanted.name, state.language),
            "unit": unit_of(variable.unit),
            "modelled": variable.modelled,
            "value": number(now),
            "label": words[scale.labels[code - 1]] if code and scale.labels else "",
            "colour": f"rgb({colour[0]} {colour[1]} {colour[2]})" if colour else "",
            "beyond": bool(wanted.beyond(np.array([now]))[0]),
            "day": words["day_mean"].format(value=number(float(known.mean()) if known.size else float("nan"))),
            "spark": to_spark(course),
            "limit": wanted.limit,
            "worse": words["worse_below" if wanted.kind == "congestion" else "worse_above"],
        }

    def _ranking(self, wanted: Watched, level: str, state: ExplorerState, steps: "NDArray[np.intp]") -> dict[str, Any]:
        words = texts(state.language)
        there = [each for each in LEVELS[:0:-1] if self.places(wanted.name, each) is not None]
        chosen = level if level in there else next(iter(there), "")
        found = next((self.places(wanted.name, each) for each in there if each == chosen), None)
        ranking = rank(found, wanted, steps) if found is not None else None
        rows = self._rows(found, ranking, wanted) if found is not None and ranking is not None else []
        total = len(ranking.places) if ranking is not None else 0
        counts = {"shown": number(len(rows)), "total": number(total)}
        return {
            "variable": wanted.name,
            "variables": [
                {"value": each.name, "label": self._title(each.name, state.language)}
                for each in watched(self.source, state.limits)
            ],
            "unit": unit_of(self.source.city.variables[wanted.name].unit),
            "level": chosen,
            "levels": [{"value": each, "label": words[f"level_of_{each}"]} for each in there],
            "rows": rows,
            "note": words["worst_of"].format(**counts) if total > len(rows) else "",
            "missing": "" if rows else words["no_places" if not there else "no_readings_today"],
        }

    def _rows(self, places: Places, ranking: Ranking, wanted: Watched) -> list[dict[str, Any]]:
        low, high = float(np.nanmin(ranking.course, initial=np.inf)), float(np.nanmax(ranking.course, initial=-np.inf))
        beyond = wanted.beyond(ranking.now)
        return [
            {
                "name": places.names[place],
                "layer": places.layer,
                "row": places.rows[place],
                "now": number(float(ranking.now[i])),
                "mean": number(float(ranking.mean[i])),
                "worst": number(float(ranking.worst[i])),
                "share": f"{100 * ranking.share[i]:.0f} %",
                "sort": [
                    _bare(ranking.now[i]),
                    _bare(ranking.mean[i]),
                    _bare(ranking.worst[i]),
                    _bare(ranking.share[i]),
                ],
                "beyond": bool(beyond[i]),
                "spark": to_spark(ranking.course[i], ends=(low, high)),
            }
            for i, place in enumerate(ranking.places[:MOST_ROWS].tolist())
        ]

    def _alerts(self, state: ExplorerState) -> dict[str, Any]:
        words, found = texts(state.language), self.alerts(state)
        times, zone = self.source.readings.times, self.source.city.clock.zone
        keyed = [(alert.key(times, zone), alert) for alert in found]
        waiting = [key for key, _ in keyed if key not in state.acknowledged]
        keyed.sort(key=lambda pair: (pair[0] in state.acknowledged, urgency(pair[1])))
        counts = {"open": number(len(waiting)), "total": number(len(found))}
        return {
            "heading": words["alerts_open"].format(**counts),
            "waiting": waiting,
            "rows": [self._alert(key, alert, state) for key, alert in keyed[:MOST_ALERTS]],
            "note": words["urgent_of"].format(shown=MOST_ALERTS, total=counts["total"])
            if len(keyed) > MOST_ALERTS
            else "",
        }

    def _alert(self, key: str, alert: Alert, state: ExplorerState) -> dict[str, Any]:
        words, readings = texts(state.language), self.source.readings
        local = to_local(readings.times, self.source.city.clock.zone)
        unit = unit_of(self.source.city.variables[alert.variable].unit)
        steps = (alert.until - alert.since) % len(local) + 1
        since = f"{local[alert.since]:%H:%M}"
        until = words["ongoing"] if alert.ongoing else f"{local[alert.until] + pd.Timedelta(self._spacing()):%H:%M}"
        return {
            "key": key,
            "place": alert.place or title_of(self.source.city.title, state.language, self.source.city.name),
            "layer": alert.layer,
            "row": alert.row,
            "what": self._title(alert.variable, state.language),
            "worst": words["worst_at"].format(
                value=f"{number(alert.worst)} {unit}".strip(), time=f"{local[alert.worst_at]:%H:%M}"
            ),
            "when": f"{since}\N{EN DASH}{until}",
            "lasted": to_duration(steps * self._spacing().total_seconds(), words),
            "ongoing": alert.ongoing,
            "acknowledged": state.acknowledged.get(key, ""),
        }

    def _spacing(self) -> timedelta:
        return pd.Timedelta(self.source.city.clock.step).to_pytimedelta()

    def _readings(self, state: ExplorerState) -> dict[str, Any]:
        words = texts(state.language)
        series: Sequence[Series] = self._kept.get("series", lambda: series_of(self.source.city))
        if not series:
            return {"rows": [], "missing": words["no_ages"]}
        now_s = end_of_step_s(self.source.readings, self._step(state))
        return {
            "rows": [self._aged(freshness_of(each, now_s), state.language) for each in series],
            "missing": "",
        }

    def _aged(self, found: Freshness, language: str) -> dict[str, Any]:
        words, info = texts(language), self.source.city.layers[found.layer]
        stale = found.stale
        counts = {"stale": number(int(stale.sum())), "sites": number(len(found.sites))}
        return {
            "title": plain_title(title_of(info.title, language, found.layer)),
            "age": to_age(found.age_s, words),
            "every": words["every"].format(interval=to_duration(found.interval_s, words)),
            "stale": found.is_stale,
            "sites": words["stale_sites"].format(**counts) if len(found.sites) else "",
            "some": bool(stale.any()),
            "oldest": [
                [words["site"].format(site=site), to_age(age, words), bool(old)]
                for site, age, old in zip(
                    found.sites[:MOST_SITES].tolist(),
                    found.ages_s[:MOST_SITES].tolist(),
                    stale[:MOST_SITES],
                    strict=True,
                )
            ],
        }


def to_spark(course: "NDArray[np.float64]", *, ends: tuple[float, float] | None = None) -> list[int | None]:
    """Bring a course to the few points of a sparkline.

    Parameters
    ----------
    course : ndarray of float
        Values over time; NaN without data.
    ends : tuple of float, optional
        Values of 0 and 100; its own lowest and highest if left out.

    Returns
    -------
    list of int or None
        0 to 100, at most a few dozen, the last value last; None without data.

    Examples
    --------
    >>> to_spark(np.array([1.0, np.nan, 3.0]))
    [0, None, 100]
    """
    chosen = course[np.unique(np.linspace(0, len(course) - 1, min(_SPARK, len(course))).round().astype(int))]
    known = course[np.isfinite(course)]
    low, high = ends or ((float(known.min()), float(known.max())) if known.size else (0.0, 1.0))
    parts = (chosen - low) / ((high - low) or 1.0)
    return [round(100 * part) if np.isfinite(part) else None for part in parts.tolist()]


def to_duration(seconds: float, words: Mapping[str, str]) -> str:
    """Write a span of time in the largest unit that needs no more than one decimal.

    Parameters
    ----------
    seconds : float
        The span.
    words : Mapping
        Catalogue of the language.

    Returns
    -------
    str
        Such as ``"45 min"``.

    Examples
    --------
    >>> to_duration(5400, texts("en"))
    '1.5 h'
    """
    for key, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= length * (2 if key == "days" else 1):
            return words[key].format(count=f"{seconds / length:.1f}".removesuffix(".0"))
    return words["seconds"].format(count=f"{seconds:.0f}")


def to_age(seconds: float, words: Mapping[str, str]) -> str:
    """Write how old something is.

    Parameters
    ----------
    seconds : float
        Its age; NaN if it never was.
    words : Mapping
        Catalogue of the language.

    Returns
    -------
    str
        Such as ``"15 min old"``.
    """
    if not np.isfinite(seconds):
        return words["never_read"]
    return words["age"].format(duration=to_duration(seconds, words)) if seconds >= 1 else words["just_read"]


def _bare(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
