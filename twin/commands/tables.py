"""What the command line shows: tables and sentences, without printing them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from twin.catalogue import told_position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.fusion.report import FusionReport
    from twin.model import Twin
    from twin.progress.forecast import Expected
    from twin.storage.history import Run


def plain(text: str) -> str:
    """Keep brackets from being read as markup.

    Parameters
    ----------
    text : str
        Of any origin.

    Returns
    -------
    str
        For a rich console.
    """
    return text.replace("[", r"\[")


def ledger_table(city: Twin) -> Table:
    """Lay the ledger of a twin out.

    Parameters
    ----------
    city : Twin
        Whose records are counted.

    Returns
    -------
    rich.table.Table
        A line a layer.
    """
    title = f"Ledger of {city.title.get('en', city.name)}: in = placed + set aside + rejected"
    table = Table(title=title, show_footer=True, box=SIMPLE_HEAD, pad_edge=False, padding=0, collapse_padding=True)
    columns = ("records_in", "placed", "quarantined", "rejected")
    layers = list(city.layers.values())
    table.add_column("layer", "all", no_wrap=True)
    for column, head in zip(columns, ("in", "placed", "set aside", "rejected"), strict=True):
        table.add_column(head, f"{sum(getattr(layer, column) for layer in layers):,}", justify="right", no_wrap=True)
    table.add_column("sigma m", justify="right", no_wrap=True)
    table.add_column("why", min_width=18, overflow="fold")
    for layer in layers:
        counts = (f"{getattr(layer, column):,}" for column in columns)
        # the fate before the colon is told by the column that counts it
        reasons = "\n".join(f"{code.split(':', 1)[-1]} {count:,}" for code, count in layer.reasons.items())
        if (layer.vertical or "").startswith("unresolved"):
            reasons += "\nheights unresolved"
        table.add_row(layer.name, *counts, f"{layer.sigma_m:.1f}", plain(reasons.strip()))
    return table


def fusion_table(report: FusionReport, *, layers: Sequence[str]) -> Table:
    """Lay D and F out in percent, before and after.

    Parameters
    ----------
    report : FusionReport
        What was measured.
    layers : sequence of str
        Which layers are shown.

    Returns
    -------
    rich.table.Table
        A line a layer and resolution.
    """
    title = "Fusion error: % of records in another cell than the oracle's (D) or the true one (F), read naively → here"
    table = _small_table(title, ("", "D", "→", "95 %", "F", "→", "95 %", "floor", "mass"))
    naive, ours = report.table.loc["naive"], report.table.loc["ours"]
    levels = sorted({level for _, level in ours.index})
    for layer, level in ((layer, level) for layer in layers for level in levels):
        before, after = naive.loc[(layer, level)], ours.loc[(layer, level)]
        shown = []
        for share in ("d", "f"):
            spread = [after[f"{share}_low"], after[f"{share}_high"]]
            shown += [_percent(before[share]), _percent(after[share])]
            shown.append("" if pd.isna(spread).any() else "-".join(map(_percent, spread)))
        shown += [_percent(after["floor"]), _percent(after["moved_mass"])]
        table.add_row(layer if level == levels[0] else "", f"r{level}", *shown)
    return table


def fusion_places_table(report: FusionReport) -> Table:
    """Lay out what does not depend on cells: metres, links and buildings, before and after.

    Parameters
    ----------
    report : FusionReport
        What was measured.

    Returns
    -------
    rich.table.Table
        Two lines a layer.
    """
    title = "Metres from the true place, % placed, % matched to a wrong link or building"
    table = _small_table(title, ("read", "records", "placed", "mean m", "p95 m", "link", "building"))
    columns = ("coverage", "mean_m", "p95_m", "wrong_link", "wrong_building")
    first = report.table.groupby(["way", "layer"])[["records", *columns]].first().to_dict(orient="index")
    for layer in report.layers:
        for way, told in (("naive", "naive"), ("ours", "here")):
            line = first[way, layer]
            shown = [_metres(line[name]) if name.endswith("_m") else _percent(line[name]) for name in columns]
            table.add_row(layer if way == "naive" else "", told, f"{line['records']:,.0f}", *shown)
    return table


def plan_table(expected: Sequence[Expected]) -> Table:
    """Lay out what a build will do.

    Parameters
    ----------
    expected : sequence of Expected
        Its steps.

    Returns
    -------
    rich.table.Table
        A line a step, and what all of them cost.
    """
    table = _small_table("What a build would do", ("input MB", "parts", "", "seconds", "after"), first="step")
    for one in expected:
        done = "reused" if one.reused else "to do"
        table.add_row(
            plain(one.step.name),
            f"{one.step.cost / 1e6:,.1f}",
            _parts_told(one),
            done,
            _seconds(one.seconds),
            ", ".join(one.step.needs),
        )
    left = [one for one in expected if not one.reused]
    seconds = sum(one.seconds for one in left)
    table.add_section()
    table.add_row(f"{len(left)} of {len(expected)} to do", "", "", "", _seconds(seconds), "on one worker")
    return table


def _parts_told(one: Expected) -> str:
    if not one.parts:
        return ""
    return f"about {one.parts}" if one.estimated else f"{one.parts_reused}/{one.parts}"


def _seconds(seconds: float) -> str:
    return "?" if math.isnan(seconds) else f"{seconds:,.1f}"


def history_table(runs: Sequence[Run], *, current: str) -> Table:
    """Lay out the builds of a twin.

    Parameters
    ----------
    runs : sequence of Run
        The latest first.
    current : str
        Id of the snapshot that readers see.

    Returns
    -------
    rich.table.Table
        A line a build.
    """
    table = _small_table("Builds, UTC", ("snapshot", "seconds", "steps", "reused", ""), first="recorded")
    for run in runs:
        state = "current" if run.snapshot == current else "" if run.kept else "removed"
        state += f" [yellow]{run.poisoned:,} poisoned[/]" if run.poisoned else ""
        recorded = f"{run.recorded:%Y-%m-%d %H:%M:%S}"
        table.add_row(recorded, run.snapshot, f"{run.seconds:,.1f}", str(run.steps), str(run.reused), state)
    return table


def _small_table(title: str, heads: Sequence[str], *, first: str = "layer") -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=0, collapse_padding=True)
    table.add_column(first, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f"{100 * share:.1f}"


def _metres(metres: float) -> str:
    return "" if pd.isna(metres) else f"{metres:,.1f}" if metres < 1000 else f"{metres:,.0f}"


def positions_told(city: Twin) -> list[str]:
    """Say what was found of positions, where evidence was asked for or trust was given.

    Parameters
    ----------
    city : Twin
        Built.

    Returns
    -------
    list of str
        A line of markup a layer.
    """
    told = {layer.name: told_position(layer) for layer in city.layers.values()}
    return [f"[bold]{name}[/] {plain(text)}" for name, text in told.items() if text]


def doubts_told(city: Twin) -> list[str]:
    """Say what a build without an error may still not have been meant to give.

    Parameters
    ----------
    city : Twin
        Built.

    Returns
    -------
    list of str
        A sentence a doubt.
    """
    doubts = [
        f"{layer.name}: none of its {layer.records_in:,} records was placed; are `position:` with its order of axes "
        "and `area:` (min_lon, min_lat, max_lon, max_lat) right?"
        for layer in city.layers.values()
        if layer.records_in and not layer.placed and not layer.evidence  # a verdict says more
    ]
    doubts += [f"{v.name}: {v.method}" for v in city.variables.values() if v.method.startswith("no field")]
    return doubts
