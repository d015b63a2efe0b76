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
from twin.progress.protocol import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.plan import Plan, Step
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
    written = _Written(twin)
    try:
        yield _Both(written, watcher)
    finally:
        written.forget()


class _Written(Pace):
    """Writes down beside the twin where the build stands, twice a second at most.

    Parameters
    ----------
    twin : Path
        Folder of the twin.
    """

    def __init__(self, twin: Path) -> None:
        super().__init__()
        self._file = twin / _FILE
        self._written = float("-inf")

    def forget(self) -> None:
        """Remove what was written down: nothing is built any more."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _moved(self, told: str, *, whole: bool = False) -> None:  # noqa: ARG002 - readers are told the bare name
        now = monotonic()
        if whole or now - self._written < _EVERY_S:
            return
        self._written = now
        standing = asdict(self.standing()) | {"pid": os.getpid()}
        standing["left_s"] = None if math.isnan(standing["left_s"]) else standing["left_s"]
        beside = self._file.with_name(f".{_FILE}.{os.getpid()}.tmp")
        with suppress(OSError):  # what is only told must not end a build; a full disk says so elsewhere
            beside.write_text(json.dumps(standing), encoding="utf-8")
            beside.replace(self._file)


class _Both(Watcher):
    """Tells two watchers, one after the other.

    Parameters
    ----------
    first, second : Watcher
        Whom it tells.
    """

    def __init__(self, first: Watcher, second: Watcher) -> None:
        self._watchers = (first, second)

    def planned(self, plan: Plan) -> None:
        for watcher in self._watchers:
            watcher.planned(plan)

    def ended(self, step: Step, outcome: Outcome) -> None:
        for watcher in self._watchers:
            watcher.ended(step, outcome)

    def parted(self, step: Step, found: Found) -> None:
        for watcher in self._watchers:
            watcher.parted(step, found)

    def part_ended(self, part: Part, outcome: Outcome) -> None:
        for watcher in self._watchers:
            watcher.part_ended(part, outcome)

    def finished(self, snapshot: str) -> None:
        for watcher in self._watchers:
            watcher.finished(snapshot)


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
