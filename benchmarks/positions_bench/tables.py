"""Sums up scored cases: JSON, and tables for people."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Record = dict[str, Any]

#: Cases in one bin of the reliability diagram, at least.
BIN_CASES = 500
_CUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


def _by_steps(key: str, steps: tuple[float, ...], unit: str) -> Callable[[Record], str]:
    """Group a quantity in ranges, numbered so that they sort."""

    def group(record: Record) -> str:
        place = int(np.searchsorted(steps, record[key], side="left"))
        low = steps[place - 1] if place else 0
        return f"{place}: {low:g} to {steps[place]:g}{unit}" if place < len(steps) else f"{place}: above {low:g}{unit}"

    return group


_FACTORS: dict[str, Callable[[Record], str]] = {
    "role": lambda one: str(one["role"]),
    "definition": lambda one: str(one["definition"]),
    "city": lambda one: str(one["city"]),
    "network": lambda one: str(one["network"]),
    "reference": lambda one: str(one["reference"]),
    "entity": lambda one: str(one["entity"]),
    "noise": lambda one: str(one["noise"]),
    "spread": lambda one: str(one["spread"]),
    "dirt": lambda one: str(one["dirt"]),
    "sigma": _by_steps("sigma_m", (3, 5, 10, 20, 40), " m"),
    "records": _by_steps("n", (2, 7, 15, 30, 100, 300), ""),
    "window": _by_steps("window_m", (1000, 2000, 4000, 8000), " m"),
    "foreign share": lambda one: f"{one['mixed_share']:.0%}",
}


def summary(records: Iterable[Record], *, judge: str) -> dict[str, Any]:
    """Sum up.

    Parameters
    ----------
    records : iterable of dict
        As `scorer.scored` makes them, in any order.
    judge : str
        Whose answers they are.

    Returns
    -------
    dict
        Counts, every wrong claim, abstention where it could be known, accuracy of the standard cases, reliability, and
        the same by factor.
    """
    rows = sorted(records, key=lambda one: one["seed"])
    standard = [row for row in rows if row["standard"]]
    return {
        "judge": judge,
        **_counts(rows),
        "claims": sum(row["outcome"] != "abstained" for row in rows),
        "wrong_claims": [row for row in rows if row["outcome"] == "wrong"],
        "none_said": sum(row["said_none"] for row in rows),
        "none_said_rightly": sum(row["said_none"] and row["answer"] != "name" for row in rows),
        "none_said_of_a_listed_definition": sum(row["said_none"] and row["answer"] == "name" for row in rows),
        "knowable": {
            text: _abstention([row for row in rows if row["knowable"] >= least])
            for text, least in (("as many records as the figures ask for", 1), ("twice as many", 2))
        },
        "standard": {
            "cases": len(standard),
            "right_first": _share(standard, lambda row: bool(row["names_truth"])),
            "claimed": _share(standard, lambda row: row["outcome"] != "abstained"),
        },
        "reliability": reliability(rows),
        "reliability_where_it_can_be_known": reliability([row for row in rows if row["answer"] == "name"]),
        "seconds": {
            "mean": float(np.mean([row["seconds"] for row in rows])) if rows else None,
            "p95": float(np.percentile([row["seconds"] for row in rows], 95)) if rows else None,
        },
        "by_factor": {name: _grouped(rows, group) for name, group in _FACTORS.items()},
    }


def _share(rows: list[Record], holds: Callable[[Record], bool]) -> float | None:
    return sum(map(holds, rows)) / len(rows) if rows else None


def _abstention(rows: list[Record]) -> dict[str, Any]:
    return {"cases": len(rows), "abstained": _share(rows, lambda row: row["outcome"] == "abstained")}


def _counts(rows: list[Record]) -> dict[str, int]:
    return {
        "cases": len(rows),
        **{outcome: sum(row["outcome"] == outcome for row in rows) for outcome in ("right", "wrong", "abstained")},
    }


def _grouped(rows: list[Record], group: Callable[[Record], str]) -> dict[str, Any]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        groups[group(row)].append(row)
    return {
        name: {**_counts(found), "right_first": _share(found, lambda row: bool(row["names_truth"]))}
        for name, found in sorted(groups.items())
    }


def reliability(rows: list[Record]) -> list[dict[str, float]]:
    """Compare stated probability with seen frequency of the first definition.

    Parameters
    ----------
    rows : list of dict
        Scored cases; those without any definition say nothing.

    Returns
    -------
    list of dict
        Bins of at least 500 cases, the last joined to the one before where it holds fewer: "cases", "stated", "seen"
        and their difference in points.
    """
    stated = np.array([row["probability"] for row in rows if row["top"]])
    seen = np.array([row["names_truth"] for row in rows if row["top"]], dtype=float)
    bins: list[list[int]] = [[]]
    for low, high in zip(_CUTS, (*_CUTS[1:], np.inf), strict=True):
        bins[-1] += np.flatnonzero((stated >= low) & (stated < high)).tolist()
        if len(bins[-1]) >= BIN_CASES:
            bins.append([])
    last = bins.pop()
    if last and bins:
        bins[-1] += last
    elif last:
        bins = [last]
    return [
        {
            "cases": len(members),
            "lowest": float(stated[members].min()),
            "stated": float(stated[members].mean()),
            "seen": float(seen[members].mean()),
            "points": float(100.0 * (seen[members].mean() - stated[members].mean())),
        }
        for members in bins
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def markdown(found: dict[str, Any]) -> str:
    """Write a summary as tables."""
    first = f"{_percent(found['standard']['right_first'])} | {found['standard']['cases']:,}"
    lines = [
        f"### {found['judge']}",
        "",
        (
            f"{found['cases']:,} cases: {found['claims']:,} claims at 99 % and more, of which {found['wrong']} wrong; "
            f"{found['abstained']:,} abstentions. {found['seconds']['mean']:.2f} s a case, "
            f"{found['seconds']['p95']:.2f} s at most for 95 % of them."
        ),
        "",
        "| what | measured | cases |",
        "|---|---|---|",
        f"| first is right, 30 records all over the city, noise <= 10 m | {first} |",
        f"| the same, claimed | {_percent(found['standard']['claimed'])} | {found['standard']['cases']:,} |",
    ]
    for text, row in found["knowable"].items():
        lines.append(f"| abstained, {text} | {_percent(row['abstained'])} | {row['cases']:,} |")
    said, rightly = found["none_said"], found["none_said_rightly"]
    lines.append(f"| said none of these, of which a listed definition was right | {said - rightly:,} | {said:,} |")
    for title, key in (
        ("Reliability, all cases", "reliability"),
        ("Reliability where it can be known", "reliability_where_it_can_be_known"),
    ):
        lines += ["", f"{title} (first definition)", "", "| cases | stated | seen | points |", "|---|---|---|---|"]
        lines += [
            f"| {row['cases']:,} | {row['stated']:.2%} | {row['seen']:.2%} | {row['points']:+.1f} |"
            for row in found[key]
        ]
    for name, groups in found["by_factor"].items():
        lines += [
            "",
            f"| {name} | cases | claimed right | wrong | abstained | first is right |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {group} | {row['cases']:,} | {row['right']:,} | {row['wrong']} | {row['abstained']:,} | "
            f"{_percent(row['right_first'])} |"
            for group, row in groups.items()
        ]
    lines += ["", *_wrong_lines(found["wrong_claims"])]
    return "\n".join(lines) + "\n"


def _wrong_lines(rows: list[Record]) -> list[str]:
    """List every wrong claim."""
    if not rows:
        return ["No wrong claim."]
    lines = [
        "| seed | role | truth | claimed | stated | n | sigma, m | window, m | network, reference | noise | spread |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    return lines + [
        f"| {row['seed']} | {row['role']}{' (named the truth)' if row['names_truth'] else ''} | {row['truth']} | "
        f"{row['top']} | {row['probability']:.4f} | {row['n']} | {row['sigma_m']:.1f} | {row['window_m']:.0f} | "
        f"{row['network']}, {row['reference']} | {row['noise']} | {row['spread']} |"
        for row in rows
    ]
