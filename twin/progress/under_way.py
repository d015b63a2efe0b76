"""A build that goes on beside a twin that is looked at: it writes down where it stands, and readers ask."""

from __future__ import annotations

import json
import math
import os
from contextlib import contextmanager, suppress
from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING

from twin.progress.pace import Pace, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.plan import Plan, Step
    from twin.progress.protocol import Watcher
    from twin.steps.parts import Found, Part
    from twin.steps.work import Outcome

__all__ = ["standing_of", "told"]

_FILE = ".building.json"
_EVERY_S = 0.5


@contextmanager
def told(twin: Path, watcher: Watcher) -> Iterator[Watcher]:
    """Write down where a build stands as long as it goes on.

    Parameters
    ----------
    twin : Path
        Folder of the twin; nobody else writes to it.
    watcher : Watcher
        Who is told too.

    Yields
    ------
    Watcher
        Whom the build is to tell.
    """
    both = _Told(twin, watcher)
    try:
        yield both
    finally:
        both.forget()


class _Told:
    """Tells a watcher, and writes down beside the twin where the build stands, twice a second at most.

    Parameters
    ----------
    twin : Path
        Folder of the twin.
    watcher : Watcher
        Whom it tells.
    """

    def __init__(self, twin: Path, watcher: Watcher) -> None:
        self._file = twin / _FILE
        self._watcher = watcher
        self._pace = Pace()
        self._written = float("-inf")

    def planned(self, plan: Plan) -> None:
        """Pass on what will be done.

        Parameters
        ----------
        plan : Plan
            All steps.
        """
        self._pace.planned(plan)
        self._write()
        self._watcher.planned(plan)

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Pass on that a step ended.

        Parameters
        ----------
        step : Step
            The step.
        outcome : Outcome
            How it went.
        """
        self._pace.ended(step, outcome)
        self._write()
        self._watcher.ended(step, outcome)

    def parted(self, step: Step, found: Found) -> None:
        """Pass on that a step is done in partitions.

        Parameters
        ----------
        step : Step
            The step.
        found : Found
            Its partitions: those to be done, and those that are.
        """
        self._pace.parted(step, found)
        self._write()
        self._watcher.parted(step, found)

    def part_ended(self, part: Part, outcome: Outcome) -> None:
        """Pass on that a partition ended.

        Parameters
        ----------
        part : Part
            The partition.
        outcome : Outcome
            How it went.
        """
        self._pace.part_ended(part, outcome)
        self._write()
        self._watcher.part_ended(part, outcome)

    def finished(self, snapshot: str) -> None:
        """Pass on that the twin stands.

        Parameters
        ----------
        snapshot : str
            Its id.
        """
        self._watcher.finished(snapshot)

    def forget(self) -> None:
        """Remove what was written down: nothing is built any more."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        now = monotonic()
        if now - self._written < _EVERY_S:
            return
        self._written = now
        standing = asdict(self._pace.standing()) | {"pid": os.getpid()}
        standing["left_s"] = None if math.isnan(standing["left_s"]) else standing["left_s"]
        beside = self._file.with_name(f".{_FILE}.{os.getpid()}.tmp")
        with suppress(OSError):  # what is only told must not end a build; a full disk says so elsewhere
            beside.write_text(json.dumps(standing), encoding="utf-8")
            beside.replace(self._file)


def standing_of(twin: Path) -> Standing | None:
    """Say where a build stands that goes on in a twin's folder.

    Parameters
    ----------
    twin : Path
        Folder of the twin.

    Returns
    -------
    Standing or None
        None if nobody builds; what a killed build left says nothing.
    """
    try:
        kept = json.loads((twin / _FILE).read_bytes())
        left_s = float("nan") if kept["left_s"] is None else float(kept["left_s"])
        found = Standing(
            told=str(kept["told"]), done=float(kept["done"]), seconds=float(kept["seconds"]), left_s=left_s
        )
        return found if _lives(int(kept["pid"])) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lives(pid: int) -> bool:
    """Say whether a process is there; to look at the lock would be in the way of who wants it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
