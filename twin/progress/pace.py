"""How far a build is and what is left of it: the tally that every sink of progress shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

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


class Pace:
    """Counts what was done by the bytes that it works on; what was reused says nothing of the pace."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._whole = self._done = self._reused = 0
        self._moved: dict[str, int] = {}
        self._told = ""

    def planned(self, plan: Plan) -> None:
        """Take note of what will be done.

        Parameters
        ----------
        plan : Plan
            All steps.
        """
        self._began, self._told = monotonic(), "starting"
        self._whole = sum(step.cost for step in plan.steps)

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Take note that a step ended.

        Parameters
        ----------
        step : Step
            The step.
        outcome : Outcome
            How it went.
        """
        self._move(step.name, step.cost - self._moved.pop(step.name, 0), reused=outcome.reused)

    def parted(self, step: Step, found: Found) -> None:
        """Take note that a step is done in partitions.

        Parameters
        ----------
        step : Step
            The step.
        found : Found
            Its partitions: those to be done, and those that are.
        """
        self._moved[step.name] = sum(part.cost for part in found.reused)
        self._move(step.name, self._moved[step.name], reused=True)

    def part_ended(self, part: Part, outcome: Outcome) -> None:
        """Take note that a partition ended.

        Parameters
        ----------
        part : Part
            The partition.
        outcome : Outcome
            How it went.
        """
        self._moved[part.step] = self._moved.get(part.step, 0) + part.cost
        self._move(part.name, part.cost, reused=outcome.reused)

    def _move(self, told: str, cost: int, *, reused: bool) -> None:
        self._told = told
        self._done += cost
        self._reused += cost if reused else 0

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
