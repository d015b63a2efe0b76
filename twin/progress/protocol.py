"""How long it still takes: one protocol for the terminal, the notebook and the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from twin.plan import Plan, Step
    from twin.steps.parts import Found, Part
    from twin.steps.work import Outcome


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


class Silent:
    """Watches without a word."""

    def planned(self, plan: Plan) -> None:
        """Ignore the plan.

        Parameters
        ----------
        plan : Plan
            All steps.
        """

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Ignore the outcome.

        Parameters
        ----------
        step : Step
            The step.
        outcome : Outcome
            How it went.
        """

    def parted(self, step: Step, found: Found) -> None:
        """Ignore the partitions.

        Parameters
        ----------
        step : Step
            The step.
        found : Found
            Its partitions: those to be done, and those that are.
        """

    def part_ended(self, part: Part, outcome: Outcome) -> None:
        """Ignore the partition.

        Parameters
        ----------
        part : Part
            The partition.
        outcome : Outcome
            How it went.
        """

    def finished(self, snapshot: str) -> None:
        """Ignore the end.

        Parameters
        ----------
        snapshot : str
            Its id.
        """


class Bar:
    """Draws a bar with the time left on a terminal; steps and partitions count by the bytes they work on.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw.
    """

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("[bold]{task.description:<28.28}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._task: TaskID | None = None
        self._reused = 0
        self._moved: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def planned(self, plan: Plan) -> None:
        """Draw an empty bar.

        Parameters
        ----------
        plan : Plan
            All steps.
        """
        self._task = self._progress.add_task("starting workers", total=sum(step.cost for step in plan.steps))

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Move the bar on.

        Parameters
        ----------
        step : Step
            The step.
        outcome : Outcome
            How it went.
        """
        self._reused += outcome.reused
        self._move(f"done: {step.name}", step.cost - self._moved.pop(step.name, 0))

    def parted(self, step: Step, found: Found) -> None:
        """Move the bar on by what was done before.

        Parameters
        ----------
        step : Step
            The step.
        found : Found
            Its partitions: those to be done, and those that are.
        """
        cost = sum(part.cost for part in found.reused)
        self._moved[step.name] = cost
        self._move(f"{step.name}: {len(found.parts)} parts", cost)

    def part_ended(self, part: Part, outcome: Outcome) -> None:
        """Move the bar on by a partition.

        Parameters
        ----------
        part : Part
            The partition.
        outcome : Outcome
            How it went.
        """
        self._moved[part.step] = self._moved.get(part.step, 0) + part.cost
        self._move(f"{'there' if outcome.reused else 'done'}: {part.name}", part.cost)

    def _move(self, told: str, cost: int) -> None:
        if self._task is not None:
            self._progress.update(self._task, description=told, advance=cost)

    def finished(self, snapshot: str) -> None:
        """Fill the bar.

        Parameters
        ----------
        snapshot : str
            Its id.
        """
        if self._task is not None:
            reused = f" ({self._reused} steps reused)" if self._reused else ""
            self._progress.update(self._task, description=f"built {snapshot[:8]}{reused}")
