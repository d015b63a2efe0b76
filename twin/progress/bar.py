"""Progress on a terminal: one bar with the time left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from twin.progress.pace import Pace

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

__all__ = ["Bar"]


class Bar(Pace):
    """Draws a bar with the time left on a terminal; steps and partitions count by the bytes they work on.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
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

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def _moved(self, told: str, *, whole: bool = False) -> None:
        if whole and self._steps_reused:
            told = f"{told} ({self._steps_reused} steps reused)"
        if self._task is None:
            self._task = self._progress.add_task(told, total=self._whole)
        self._progress.update(self._task, description=told, total=self._whole, completed=self._done)
