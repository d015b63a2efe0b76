"""Who is told how a build goes on: one protocol for the terminal, the notebook, the run's file and the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from twin.plan import Plan, Step
    from twin.steps.parts import Found, Part
    from twin.steps.work import Outcome

__all__ = ["Watcher"]


@runtime_checkable
class Watcher(Protocol):
    """What wants to know how a build goes on."""

    def planned(self, plan: Plan) -> None:
        """Take note of what will be done.

        Parameters
        ----------
        plan : Plan
            All steps.
        """
        ...

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Take note that a step ended.

        Parameters
        ----------
        step : Step
            The step.
        outcome : Outcome
            How it went.
        """
        ...

    def parted(self, step: Step, found: Found) -> None:
        """Take note that a step is done in partitions.

        Parameters
        ----------
        step : Step
            The step.
        found : Found
            Its partitions: those to be done, and those that are.
        """
        ...

    def part_ended(self, part: Part, outcome: Outcome) -> None:
        """Take note that a partition ended.

        Parameters
        ----------
        part : Part
            The partition.
        outcome : Outcome
            How it went.
        """
        ...

    def finished(self, snapshot: str) -> None:
        """Take note that the twin stands.

        Parameters
        ----------
        snapshot : str
            Its id.
        """
        ...
