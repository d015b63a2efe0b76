"""What a build will cost, before anything is read: which steps are done, and how long the others took before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.progress.expectation import expected_parts
from twin.steps.cell_parts import cells_parts
from twin.steps.place_parts import place_parts, reading_of
from twin.steps.placed import is_parted
from twin.steps.work import is_finished, place_of
from twin.store import RUNS, WORK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twin.plan import Plan, Step
    from twin.steps.parts import Part

__all__ = ["Expected", "forecast"]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One step that a build would take.

    Parameters
    ----------
    step : Step
        Which.
    reused : bool
        True if its result is there, whole, from a former build.
    seconds : float
        How long it will take: what it took before, or what others of its kind took for their bytes; 0 if reused, NaN
        where no build has been recorded. What partitions take is counted in.
    parts, parts_reused : int
        Partitions of a large dataset, and those that are done; 0 for a dataset that is taken as a whole. Of ``cells``,
        as many are expected to be done as of ``place``.
    estimated : bool
        True if nobody has read the dataset yet: parts are estimated from its bytes.
    """

    step: Step
    reused: bool
    seconds: float
    parts: int = 0
    parts_reused: int = 0
    estimated: bool = False


def forecast(plan: Plan, twin: Path) -> tuple[Expected, ...]:
    """Look what of a plan is done, and what the rest will cost.

    Parameters
    ----------
    plan : Plan
        Of the build.
    twin : Path
        Folder of the twin; it need not exist.

    Returns
    -------
    tuple of Expected
        The steps in the order of the plan. Results of former builds are compared with their hashes, nothing is written.
    """
    took, took_parts = _seconds_before(twin), _seconds_of_parts(twin)
    counted = _records_before(twin)
    counts: dict[str, tuple[int, int, bool]] = {}
    rates: dict[str, list[float]] = {}
    for step in plan.steps:
        if step.name in took:
            whole = took[step.name] + took_parts.get(step.name, 0.0)
            rates.setdefault(step.kind, []).append(whole / max(1, step.cost))
    found = []
    for step in plan.steps:
        reused = is_finished(place_of(twin / WORK, step))
        rate = float(np.median(rates[step.kind])) if step.kind in rates else float("nan")
        parts, done, estimated = counts[step.name] = _parts(plan, step, twin / WORK, _Known(counts, counted))
        left = (parts - done) / parts if parts else 1.0
        known = took.get(step.name, float("nan")) + took_parts.get(step.name, 0.0) * left
        seconds = 0.0 if reused else known if step.name in took else rate * step.cost
        found.append(
            Expected(step=step, reused=reused, seconds=seconds, parts=parts, parts_reused=done, estimated=estimated)
        )
    return tuple(found)


class _Known(NamedTuple):
    """Partitions of the steps before, and records and bytes of former builds."""

    counts: Mapping[str, tuple[int, int, bool]]
    counted: Mapping[str, tuple[int, int]]


def _parts(plan: Plan, step: Step, work: Path, known: _Known) -> tuple[int, int, bool]:
    """Count the partitions of a step, and those that are done; or estimate them before anything is read."""
    placed = place_of(work, plan[f"place {step.dataset}"])
    found: tuple[Part, ...] = ()
    if step.kind == "place" and is_finished(place_of(work, reading_of(step))):
        found = place_parts(step, work, plan.manifest, [plan[need].key for need in step.needs])
    elif step.kind == "place" and not is_finished(placed):
        expected = expected_parts(plan.manifest, step.dataset, known.counted)
        return expected, 0, expected > 0
    elif step.kind == "cells" and is_finished(placed):
        found = cells_parts(step, placed) if is_parted(placed) else ()
    elif step.kind == "cells":
        return known.counts.get(f"place {step.dataset}", (0, 0, False))
    return len(found), sum(is_finished(place_of(work, part)) for part in found), False


def _seconds_before(twin: Path) -> dict[str, float]:
    """Return how long each step took when it was last done, without its partitions."""
    took: dict[str, float] = {}
    for told in _runs(twin):
        took |= {step["name"]: float(step["seconds"]) for step in told["steps"] if not step["reused"]}
    return took


def _seconds_of_parts(twin: Path) -> dict[str, float]:
    """Return how long all partitions of each step took, each when it was last done."""
    took: dict[str, dict[str, float]] = {}
    for told in _runs(twin):
        for part in told.get("parts", ()):
            if not part["reused"]:
                took.setdefault(part["step"], {})[part["name"]] = float(part["seconds"])
    return {step: sum(parts.values()) for step, parts in took.items()}


def _records_before(twin: Path) -> dict[str, tuple[int, int]]:
    """Return records and bytes of each dataset that was placed, as the latest build counted them."""
    found: dict[str, tuple[int, int]] = {}
    for told in _runs(twin):
        found |= {name: (int(each[0]), int(each[1])) for name, each in told.get("read", {}).items()}
    return found


def _runs(twin: Path) -> list[dict[str, Any]]:
    """Return what builds recorded, the oldest first; a record that was cut off says nothing."""
    found = []
    for path in sorted((twin / RUNS).glob("*.json")):
        try:
            told = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(told, dict) and isinstance(told.get("steps"), list):
            found.append(told)
    return found
