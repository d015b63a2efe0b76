"""What a build will cost, before anything is read: which steps are done, and how long the others took before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.cell_parts import cells_parts
from twin.place_parts import place_parts, reading_of
from twin.placed import is_parted
from twin.store import RUNS, WORK
from twin.work import is_finished, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twin.parts import Part
    from twin.plan import Plan, Step

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
        Partitions of a large dataset, and those that are done; 0 for a dataset that is taken as a whole, and where no
        build has read it yet. Of ``cells``, as many are expected to be done as of ``place``.
    """

    step: Step
    reused: bool
    seconds: float
    parts: int = 0
    parts_reused: int = 0


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
    counts: dict[str, tuple[int, int]] = {}
    rates: dict[str, list[float]] = {}
    for step in plan.steps:
        if step.name in took:
            rates.setdefault(step.kind, []).append(took[step.name] / max(1, step.cost))
    found = []
    for step in plan.steps:
        reused = is_finished(place_of(twin / WORK, step))
        rate = float(np.median(rates[step.kind])) if step.kind in rates else float("nan")
        parts, done = counts[step.name] = _parts(plan, step, twin / WORK, counts)
        seconds = 0.0 if reused else took.get(step.name, rate * step.cost)
        seconds += 0.0 if reused or not parts else took_parts.get(step.name, 0.0) * (parts - done) / parts
        found.append(Expected(step=step, reused=reused, seconds=seconds, parts=parts, parts_reused=done))
    return tuple(found)


def _parts(plan: Plan, step: Step, work: Path, before: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Count the partitions of a step, and those that are done, as far as this is known before anything is read."""
    placed = place_of(work, plan[f"place {step.dataset}"])
    found: tuple[Part, ...] = ()
    if step.kind == "place" and is_finished(place_of(work, reading_of(step))):
        found = place_parts(step, work, plan.manifest, [plan[need].key for need in step.needs])
    elif step.kind == "cells" and is_finished(placed):
        found = cells_parts(step, placed) if is_parted(placed) else ()
    elif step.kind == "cells":
        return before.get(f"place {step.dataset}", (0, 0))
    return len(found), sum(is_finished(place_of(work, part)) for part in found)


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
