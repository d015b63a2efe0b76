"""What a twin knew and when: every build is recorded beside the snapshots, outside their content hashes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from twin.errors import StoreDamagedError, TwinNotFoundError
from twin.store import RUNS, SEAL, SNAPSHOTS, canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Run", "damaged_runs", "history", "snapshot_as_of"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One build that ended with a snapshot.

    Parameters
    ----------
    recorded : datetime
        When the snapshot became the current one, UTC.
    snapshot : str
        Its id.
    code : str
        Hash of the code that built it.
    seconds : float
        How long the build took.
    steps : int
        Steps of its plan.
    reused : int
        Those that a former build had done.
    kept : bool
        True while the snapshot is on disk.
    parts : tuple of int
        Partitions of large datasets that were done, and those of them that a former build had done.
    poisoned : int
        Records that were set aside because their partition could not be done.
    """

    recorded: datetime
    snapshot: str
    code: str
    seconds: float
    steps: int
    reused: int
    kept: bool
    parts: tuple[int, int] = (0, 0)
    poisoned: int = 0


def history(twin: Path) -> tuple[Run, ...]:
    """Return every build of a twin.

    Parameters
    ----------
    twin : Path
        Folder of the twin.

    Returns
    -------
    tuple of Run
        The oldest first. A damaged record is left out: it says nothing.

    Raises
    ------
    TwinNotFoundError
        If the folder is no twin.
    """
    if not (twin / SNAPSHOTS).is_dir():
        raise TwinNotFoundError(f"{twin} is no twin: run `twin build city.yaml --out {twin}` first")
    runs = []
    for path in sorted((twin / RUNS).glob("*.json")):
        told = _record(path)
        if told is not None:
            run = Run(
                recorded=datetime.fromisoformat(told["recorded"]),
                snapshot=told["snapshot"],
                code=told["code"],
                seconds=float(told["seconds"]),
                steps=len(told["steps"]),
                reused=sum(bool(step["reused"]) for step in told["steps"]),
                parts=_parts(told.get("parts", ())),
                poisoned=sum(int(one["rows"]) for one in told.get("poisoned", ())),
                kept=(twin / SNAPSHOTS / told["snapshot"]).is_dir(),
            )
            runs.append(run)
    return tuple(sorted(runs, key=lambda run: run.recorded))


def _record(path: Path) -> dict[str, Any] | None:
    """Return what a build recorded, or None if the bytes are not those that it wrote."""
    try:
        content = path.read_bytes()
        told: dict[str, Any] = json.loads(content)
        whole = canonical_json(told) == content
        seal = told.pop(SEAL)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return told if whole and seal == hashlib.sha256(canonical_json(told)).hexdigest() else None


def damaged_runs(twin: Path) -> list[str]:
    """Look for records of builds that are not what was written.

    Parameters
    ----------
    twin : Path
        Folder of the twin.

    Returns
    -------
    list of str
        One line each; empty if all are whole.
    """
    paths = sorted((twin / RUNS).glob("*.json"))
    return [f"{RUNS}/{path.name}: its bytes changed after it was written" for path in paths if _record(path) is None]


def _parts(told: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    reused = sum(bool(part["reused"]) for part in told)
    return len(told) - reused, reused


def snapshot_as_of(twin: Path, moment: str | datetime | date) -> str:
    """Return which snapshot was the current one at a recorded time.

    Parameters
    ----------
    twin : Path
        Folder of the twin.
    moment : str, datetime or date
        ISO 8601. A date alone means the end of that day; without a time zone UTC is meant.

    Returns
    -------
    str
        Id of the snapshot.

    Raises
    ------
    TwinNotFoundError
        If nothing had been built then, the snapshot was removed since, or the time cannot be read.
    StoreDamagedError
        If a record is damaged, so that nobody can tell which snapshot it was.
    """
    until = _moment(moment)
    damaged = damaged_runs(twin)
    if damaged:
        raise StoreDamagedError(
            f"{twin}: {damaged[0]}, and with it when its snapshot was the current one; restore the file from a backup, "
            "or remove it to go by the others"
        )
    runs = history(twin)
    before = [run for run in runs if run.recorded <= until]
    if not before:
        first = f"its first snapshot is of {runs[0].recorded:%Y-%m-%d %H:%M:%S} UTC" if runs else "it has no snapshot"
        raise TwinNotFoundError(f"{twin} knew nothing at {until:%Y-%m-%d %H:%M:%S} UTC: {first}; ask for a later time")
    last = before[-1]
    if not last.kept:
        raise TwinNotFoundError(
            f"{twin}: snapshot {last.snapshot}, current at {until:%Y-%m-%d %H:%M:%S} UTC, was removed since "
            "(by twin gc, or by hand); restore it from a backup"
        )
    return last.snapshot


def _moment(moment: str | datetime | date) -> datetime:
    """Read a recorded time; a day counts whole."""
    try:
        if isinstance(moment, str):
            moment = date.fromisoformat(moment) if len(moment) == len("2026-11-01") else datetime.fromisoformat(moment)
    except ValueError:
        raise TwinNotFoundError(f"{moment!r} is no time: write 2026-11-01 or 2026-11-01T08:00+08:00") from None
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), UTC) + timedelta(days=1) - timedelta(microseconds=1)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
