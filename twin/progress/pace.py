"""How far a build is and what is left of it: the tally that every sink of progress shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from twin.progress.protocol import Watcher

if TYPE_CHECKING:
    from twin.plan import Plan, Step
    from twin.steps.parts import Found, Part
    from twin.steps.work import Outcome

__all__ = ["Pace", "Standing", "to_text"]

_MINUTE_S, _HOUR_S = 60, 3600


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a build stands.

    Parameters
    ----------
    told : str
        What ended last, such as ``place parcels 3/30``.
    done : float
        Part of the work, 0 to 1; what former builds had done counts as done.
    seconds : float
        Since it began.
    left_s : float
        Seconds that it still takes at the pace so far; NaN until something was done.
    """

    told: str
    done: float
    seconds: float
    left_s: float


class _Tally(Watcher):
    """What the events of a build add up to; `Watcher` says what each of them is."""

    def __init__(self) -> None:
        self._begin(0)

    def _begin(self, whole: int) -> None:
        self._began, self._told = monotonic(), "starting"
        self._whole, self._done, self._reused, self._steps_reused = whole, 0, 0, 0
        self._by_parts: dict[str, int] = {}

    def planned(self, plan: Plan) -> None:
        self._begin(sum(step.cost for step in plan.steps))
        self._moved("starting workers")

    def ended(self, step: Step, outcome: Outcome) -> None:
        self._steps_reused += outcome.reused
        self._move(step.name, step.cost - self._by_parts.pop(step.name, 0), reused=outcome.reused)
        self._moved(f"done: {step.name}")

    def parted(self, step: Step, found: Found) -> None:
        self._by_parts[step.name] = cost = sum(part.cost for part in found.reused)
        self._move(step.name, cost, reused=True)
        self._moved(f"{step.name}: {len(found.parts)} parts")

    def part_ended(self, part: Part, outcome: Outcome) -> None:
        self._by_parts[part.step] = self._by_parts.get(part.step, 0) + part.cost
        self._move(part.name, part.cost, reused=outcome.reused)
        self._moved(f"{'there' if outcome.reused else 'done'}: {part.name}")

    def finished(self, snapshot: str) -> None:
        self._moved(f"built {snapshot[:8]}", whole=True)

    def _move(self, told: str, cost: int, *, reused: bool) -> None:
        self._told = told
        self._done += cost
        self._reused += cost if reused else 0

    def _moved(self, told: str, *, whole: bool = False) -> None:
        """Show that something happened: what a sink of progress overrides.

        Parameters
        ----------
        told : str
            What, for somebody who reads along.
        whole : bool, optional
            True if nothing is left.
        """


class Pace(_Tally):
    """Counts what was done by the bytes that it works on; what was reused says nothing of the pace.

    By itself it says nothing. A sink of progress overrides ``_moved``, which is called whenever the count has changed.
    """

    def standing(self) -> Standing:
        """Say where the build stands.

        Returns
        -------
        Standing
            At this moment.
        """
        seconds, worked = monotonic() - self._began, self._done - self._reused
        left_s = seconds * (self._whole - self._done) / worked if worked > 0 else float("nan")
        done = self._done / self._whole if self._whole else 1.0
        return Standing(told=self._told, done=min(1.0, done), seconds=seconds, left_s=left_s)


def to_text(seconds: float) -> str:
    """Write seconds so that nobody has to divide.

    Parameters
    ----------
    seconds : float
        A span; NaN for one that is not known.

    Returns
    -------
    str
        Such as ``2 min``.

    Examples
    --------
    >>> to_text(7.4), to_text(125), to_text(7300), to_text(float("nan"))
    ('7 s', '2 min', '2.0 h', '…')
    """
    if math.isnan(seconds):
        return "…"
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE_S:.0f} min" if seconds < 2 * _HOUR_S else f"{seconds / _HOUR_S:.1f} h"
