"""What a table of cells says of itself at the prompt and in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from spatial_join.quantity import Quantity

__all__ = ["as_html", "as_text"]

MOST_CLASSES = 3
"""Classes of a categorical variable that are named."""

Line = tuple[str, str, str, str]


class Summarised(Protocol):
    """What a summary looks at: the face of a :class:`spatial_join.CellTable`."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per cell, or cell and step."""

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """What each variable is."""

    @property
    def resolution(self) -> int:
        """H3 resolution of the cells."""

    @property
    def missing(self) -> pd.DataFrame:
        """Records that had no value."""

    @property
    def keys(self) -> list[str]:
        """Columns that name a row."""


def as_text(table: Summarised) -> str:
    """Describe a table in a few lines.

    Parameters
    ----------
    table : Summarised
        The table.

    Returns
    -------
    str
        One line on the cells, and one on each variable.
    """
    lines = [_variable(table, name) for name in table.quantities]
    width = [max((len(line[i]) for line in lines), default=0) for i in range(3)]
    rows = ["  ".join([*(part.ljust(w) for part, w in zip(line, width, strict=False)), line[3]]) for line in lines]
    return "\n".join([f"<CellTable: {_headline(table)}>", *(f"  {row}".rstrip() for row in rows)])


def as_html(table: Summarised) -> str:
    """Describe a table for a notebook.

    Parameters
    ----------
    table : Summarised
        The table.

    Returns
    -------
    str
        An HTML table with a line for each variable.
    """
    head = "".join(f"<th>{title}</th>" for title in ("variable", "kind", "unit", "holds"))
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(part)}</td>" for part in _variable(table, name)) + "</tr>"
        for name in table.quantities
    )
    return (
        f"<table><caption>CellTable: {html.escape(_headline(table))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _headline(table: Summarised) -> str:
    """Say how many cells there are of which resolution, and what they rest on."""
    cells = table.frame["cell"].nunique() if "cell" in table.frame else 0
    parts = [f"{cells:,} {'cell' if cells == 1 else 'cells'} of resolution {table.resolution}"]
    if "step" in table.keys:
        steps = table.frame["step"].nunique()
        parts.append(f"{steps:,} {'step' if steps == 1 else 'steps'}")
    if cells:
        records = float(table.frame["n"].sum())
        parts.append(f"{records:,.0f} {'record' if round(records) == 1 else 'records'}")
        sigma = table.frame["sigma_m"].median()
        if np.isfinite(sigma):
            parts.append(f"sigma {sigma:.3g} m")
    if len(table.missing):
        parts.append(f"{len(table.missing):,} without a value (see .missing)")
    return ", ".join(parts)


def _variable(table: Summarised, name: str) -> Line:
    """Return name, kind, unit and what the variable amounts to."""
    quantity, column, support = table.quantities[name], table.frame[name], table.frame[f"{name}__support"]
    unit = "" if quantity.kind == "categorical" else quantity.unit
    there = column.notna()
    if not there.any():
        return name, quantity.kind, unit, "no values"
    if quantity.kind == "extensive":
        return name, quantity.kind, unit, f"total {column.sum():,.10g}"
    if quantity.kind == "circular":
        return name, quantity.kind, unit, f"directions, {len(column[there]):,} values"
    if quantity.kind in {"intensive", "rate"}:
        mean = float(np.average(column[there], weights=support[there]))
        return name, quantity.kind, unit, f"mean {mean:,.4g}, {column.min():,.4g} to {column.max():,.4g}"
    sizes = column[there].astype(str).value_counts()
    named = ", ".join(f"{value} ({count:,})" for value, count in sizes.head(MOST_CLASSES).items())
    return (
        name,
        quantity.kind,
        unit,
        named + (f" and {len(sizes) - MOST_CLASSES} more" if len(sizes) > MOST_CLASSES else ""),
    )
