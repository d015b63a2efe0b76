"""How good the records of a layer are day by day: red, yellow or green for each local day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.quality import Measure
from twin.manifest.quality import GREEN, YELLOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.catalogue import LayerInfo
    from twin.timeline import Clock

DAILY = ("completeness", "validity", "timeliness")
"""Measures that a day has of its own."""

# What says where or when the city ends, or that a record came twice, is no fault of the day.
_NO_FAULT = ("not_selected", "duplicate", "conflicting_duplicate", "not_unique", "outside_clock", "crosses_area")


def daily_quality(
    info: LayerInfo, records: pd.DataFrame, aside: pd.DataFrame, *, names: Sequence[str], clock: Clock
) -> pd.DataFrame:
    """Measure the records of a layer day by day.

    Parameters
    ----------
    info : LayerInfo
        The layer, with its thresholds and the interval at which records are due.
    records : pandas.DataFrame
        What is placed: ``time`` in UTC, ``feature``, and a column a variable.
    aside : pandas.DataFrame
        What is not, with ``reason``; a column ``time`` in it says when, in the city's zone unless it names another.
    names : sequence of str
        Variables of the layer.
    clock : Clock
        The city's clock.

    Returns
    -------
    pandas.DataFrame
        Index layer and day (``"2026-06-16"``): every day of a calendar, of a typical day those that have records.
        Columns colour (of the worst measure), then score, ``_good``, ``_of`` and ``_colour`` of completeness (values
        present of those of all records), validity (records that are placed, of those asked for; NaN where some are set
        aside and do not say when) and timeliness (steps of the interval with a record, of those of all sites).
    """
    local = records["time"].dt.tz_convert(clock.zone)
    day = local.dt.strftime("%Y-%m-%d")
    wrong = aside[~aside["reason"].astype(str).str.startswith(_NO_FAULT)]
    lost = _days(wrong, clock.zone)
    sites = records["feature"].nunique() if info.notes.get("series") else 1
    rows = {}
    for name in _calendar(clock) or sorted(day.unique()):
        here = records[(day == name).to_numpy()]
        values = here[list(names)].notna().to_numpy()
        missed = 0 if lost is None else int((lost == name).sum())
        measures = {
            "completeness": Measure.share(int(values.sum()), values.size),
            "validity": Measure.share(len(here), 0 if lost is None else len(here) + missed),
            "timeliness": _timeliness(here, name, info, clock=clock, sites=sites),
        }
        rows[info.name, name] = _coloured(measures, info, empty=here.empty)
    index = pd.MultiIndex.from_tuples(rows, names=["layer", "day"])
    return pd.DataFrame(list(rows.values()), index=index)


def _calendar(clock: Clock) -> list[str]:
    if clock.start is None or clock.end is None:
        return []
    first, last = clock.start.tz_convert(clock.zone), (clock.end - pd.Timedelta(1, "ns")).tz_convert(clock.zone)
    return [f"{each:%Y-%m-%d}" for each in pd.date_range(first.normalize(), last.normalize(), freq="D")]


def _days(aside: pd.DataFrame, zone: str) -> pd.Series | None:
    """Return the days of records that are set aside; None if some do not say theirs."""
    if aside.empty:
        return pd.Series([], dtype=object)
    if "time" not in aside:
        return None
    found = []
    for text in aside["time"]:
        time = pd.to_datetime(str(text), errors="coerce")
        if not isinstance(time, pd.Timestamp):
            return None
        local = time if time.tzinfo is None else time.tz_convert(zone)
        found.append(f"{local:%Y-%m-%d}")
    return pd.Series(found, dtype=object)


def _timeliness(here: pd.DataFrame, day: str, info: LayerInfo, *, clock: Clock, sites: int) -> Measure:
    interval_s = info.quality.get("interval_s")
    if not interval_s:
        return Measure.share(0, 0)
    begin = pd.Timestamp(day).tz_localize(clock.zone)
    end = (pd.Timestamp(day) + pd.Timedelta(days=1)).tz_localize(clock.zone)
    if clock.start is not None and clock.end is not None:
        begin, end = max(begin, clock.start), min(end, clock.end)
    steps = max(1, int(np.ceil((end - begin).total_seconds() / interval_s)))
    number = ((here["time"] - begin).dt.total_seconds() // interval_s).astype(np.int64)
    site = here["feature"] if info.notes.get("series") else 0
    present = len(pd.DataFrame({"site": site, "step": number}, index=here.index).drop_duplicates())
    return Measure.share(min(present, steps * sites), steps * sites)


def _coloured(measures: dict[str, Measure], info: LayerInfo, *, empty: bool) -> dict[str, object]:
    row: dict[str, object] = {"colour": ""}
    colours = []
    for name, measure in measures.items():
        green, yellow = info.quality.get("limits", {}).get(name, (GREEN, YELLOW))
        score = measure.score
        colour = "" if np.isnan(score) else "green" if score >= green else "yellow" if score >= yellow else "red"
        colours.append(colour)
        row |= {name: score, f"{name}_good": measure.good, f"{name}_of": measure.of, f"{name}_colour": colour}
    worst = next((colour for colour in ("red", "yellow", "green") if colour in colours), "")
    return {**row, "colour": "red" if empty else worst}
