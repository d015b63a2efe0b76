"""What a build will cost, before anything is read: which steps are done, and how long the others took before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.store import RUNS, WORK
from twin.work import is_finished, place_of

if TYPE_CHECKING:
    from pathlib import Path

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
        where no build has been recorded.
    """

    step: Step
    reused: bool
    seconds: float


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
    took = _seconds_before(twin)
    rates: dict[str, list[float]] = {}
    for step in plan.steps:
        if step.name in took:
            rates.setdefault(step.kind, []).append(took[step.name] / max(1, step.cost))
    found = []
    for step in plan.steps:
        reused = is_finished(place_of(twin / WORK, step))
        rate = float(np.median(rates[step.kind])) if step.kind in rates else float("nan")
        seconds = 0.0 if reused else took.get(step.name, rate * step.cost)
        found.append(Expected(step=step, reused=reused, seconds=seconds))
    return tuple(found)


def _seconds_before(twin: Path) -> dict[str, float]:
    """Return how long each step took when it was last done."""
    took: dict[str, float] = {}
    for path in sorted((twin / RUNS).glob("*.json")):
        try:
            steps = json.loads(path.read_bytes())["steps"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        took |= {step["name"]: float(step["seconds"]) for step in steps if not step["reused"]}
    return took
