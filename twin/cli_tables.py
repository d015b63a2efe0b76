"""What the command line shows: tables and sentences, without printing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from twin.catalogue import told_position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.fusion import FusionReport
    from twin.model import Twin


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
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=0, collapse_padding=True)
    table.add_column("layer", no_wrap=True)
    for head in ("", "D", "→", "F", "→", "floor", "mass", "link", "placed"):
        table.add_column(head, justify="right", no_wrap=True)
    naive, ours = report.table.loc["naive"], report.table.loc["ours"]
    levels = sorted({level for _, level in ours.index})
    for layer, level in ((layer, level) for layer in layers for level in levels):
        before, after = naive.loc[(layer, level)], ours.loc[(layer, level)]
        values = [before["d"], after["d"], before["f"], after["f"]]
        values += [after[column] for column in ("floor", "moved_mass", "wrong_link", "coverage")]
        shown = ("" if pd.isna(value) else f"{100 * value:.1f}" for value in values)
        table.add_row(layer if level == levels[0] else "", f"r{level}", *shown)
    return table


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
