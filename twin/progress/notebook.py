"""Progress in a notebook: one line that is drawn again in its place, with the time left."""

from __future__ import annotations

import html
import sys
from dataclasses import replace
from time import monotonic
from typing import Any

from twin.progress.pace import Pace, to_text

__all__ = ["NotebookLine", "watcher_here"]

_EVERY_S = 0.2


def watcher_here() -> Pace:
    """Return what watches a build for whoever named nothing.

    Returns
    -------
    Pace
        A line in a notebook; elsewhere what counts in silence.
    """
    shell = _kernel()
    return Pace() if shell is None else NotebookLine(shell)


def _kernel() -> Any:  # noqa: ANN401 - IPython is there if this is a notebook, and no dependency
    """Return the shell of the notebook that this runs in; None elsewhere. Whoever runs in one has imported IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell if hasattr(shell, "kernel") else None


class NotebookLine(Pace):
    """Draws a bar with the time left in the output of a cell.

    Parameters
    ----------
    shell : InteractiveShell
        IPython's, of a kernel.
    """

    def __init__(self, shell: Any) -> None:  # noqa: ANN401 - see `_kernel`
        super().__init__()
        self._shell = shell
        self._id = f"twin-{id(self):x}"
        self._drawn: float | None = None

    def _moved(self, told: str, *, whole: bool = False) -> None:
        now, standing = monotonic(), self.standing()
        if whole:
            standing = replace(standing, told=told, done=1.0, left_s=0.0)
        elif self._drawn is not None and now - self._drawn < _EVERY_S:
            return
        update, self._drawn = self._drawn is not None, now
        spent, left = to_text(standing.seconds), to_text(standing.left_s)
        line = f"{standing.told} · {standing.done:.0%} · {spent}, {left} left"
        bar = f'<progress value="{standing.done:.4f}" max="1" aria-label="build"></progress>'
        data = {"text/plain": line, "text/html": f"{bar} {html.escape(line)}"}
        self._shell.display_pub.publish(data=data, metadata={}, transient={"display_id": self._id}, update=update)
