"""Progress in a notebook: one line that is drawn again in its place, with the time left."""

from __future__ import annotations

import html
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from twin.progress.pace import Pace, Standing, to_text
from twin.progress.protocol import Silent, Watcher

if TYPE_CHECKING:
    from twin.plan import Plan, Step
    from twin.steps.parts import Found, Part
    from twin.steps.work import Outcome

__all__ = ["NotebookLine", "watcher_here"]

_EVERY_S = 0.2


def watcher_here() -> Watcher:
    """Return what watches a build for whoever named nothing.

    Returns
    -------
    Watcher
        A line in a notebook; elsewhere silence.
    """
    shell = _kernel()
    return Silent() if shell is None else NotebookLine(shell)


def _kernel() -> Any:  # noqa: ANN401 - IPython is there if this is a notebook, and no dependency
    """Return the shell of the notebook that this runs in; None elsewhere. Whoever runs in one has imported IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell if hasattr(shell, "kernel") else None


class NotebookLine:
    """Draws a bar with the time left in the output of a cell.

    Parameters
    ----------
    shell : InteractiveShell
        IPython's, of a kernel.
    """

    def __init__(self, shell: Any) -> None:  # noqa: ANN401 - see `_kernel`
        self._shell = shell
        self._pace = Pace()
        self._id = f"twin-{id(self):x}"
        self._drawn = float("-inf")

    def planned(self, plan: Plan) -> None:
        """Draw an empty bar.

        Parameters
        ----------
        plan : Plan
            All steps.
        """
        self._pace.planned(plan)
        self._draw(self._pace.standing(), update=False)

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Move the bar on.

        Parameters
        ----------
        step : Step
            The step.
        outcome : Outcome
            How it went.
        """
        self._pace.ended(step, outcome)
        self._draw(self._pace.standing())

    def parted(self, step: Step, found: Found) -> None:
        """Move the bar on by what was done before.

        Parameters
        ----------
        step : Step
            The step.
        found : Found
            Its partitions: those to be done, and those that are.
        """
        self._pace.parted(step, found)
        self._draw(self._pace.standing())

    def part_ended(self, part: Part, outcome: Outcome) -> None:
        """Move the bar on by a partition.

        Parameters
        ----------
        part : Part
            The partition.
        outcome : Outcome
            How it went.
        """
        self._pace.part_ended(part, outcome)
        self._draw(self._pace.standing())

    def finished(self, snapshot: str) -> None:
        """Fill the bar.

        Parameters
        ----------
        snapshot : str
            Its id.
        """
        seconds = self._pace.standing().seconds
        self._drawn = float("-inf")
        self._draw(Standing(told=f"built {snapshot[:8]}", done=1.0, seconds=seconds, left_s=0.0))

    def _draw(self, standing: Standing, *, update: bool = True) -> None:
        now = monotonic()
        if update and now - self._drawn < _EVERY_S:
            return
        self._drawn = now
        spent, left = to_text(standing.seconds), to_text(standing.left_s)
        line = f"{standing.told} · {standing.done:.0%} · {spent}, {left} left"
        bar = f'<progress value="{standing.done:.4f}" max="1" aria-label="build"></progress>'
        data = {"text/plain": line, "text/html": f"{bar} {html.escape(line)}"}
        self._shell.display_pub.publish(data=data, metadata={}, transient={"display_id": self._id}, update=update)
