"""Finished steps and partitions, kept by the hash of what went into them: the next build takes them as they are.

What was done without a poisoned partition says so by having no list of them. A result that lacks one, or was made of
one that does, is not taken again: the next build tries once more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from twin.store import KNOWN, canonical_json, hash_tree, new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_RECEIPT = "step.json"
_POISONED = "poisoned.json"
_MADE_OF = "made_of.json"
#: What this process compared with its hashes, and has not been written to since: a build asks more than once.
_COMPARED: dict[Path, tuple[tuple[object, ...], ...]] = {}


class Task(Protocol):
    """What is done once: a step of a plan, or a partition of one."""

    @property
    def name(self) -> str:
        """Such as ``place detectors``."""
        ...

    @property
    def kind(self) -> str:
        """What is done."""
        ...

    @property
    def dataset(self) -> str:
        """With which dataset."""
        ...

    @property
    def key(self) -> str:
        """Hash of all that goes in."""
        ...


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a step went.

    Parameters
    ----------
    name : str
        Name of the step.
    reused : bool
        True if a former build had done it.
    seconds : float
        How long it took.
    poisoned : tuple of mapping
        Partitions that were set aside, of this step and of those before it: ``part``, ``rows`` and ``reason``.
    """

    name: str
    reused: bool
    seconds: float
    poisoned: tuple[Mapping[str, Any], ...] = ()


def place_of(work: Path, task: Task) -> Path:
    """Return the folder in which the result of a step stands.

    Parameters
    ----------
    work : Path
        Folder of finished steps.
    task : Task
        The step, or the partition.

    Returns
    -------
    Path
        Its folder.
    """
    return work / f"{task.kind}-{task.dataset}-{task.key}"


def is_finished(folder: Path) -> bool:
    """Return whether a step stands whole: all of its bytes are those that were written.

    Parameters
    ----------
    folder : Path
        Folder of the step.

    Returns
    -------
    bool
        False if it is missing, unfinished, damaged, or lacks a poisoned partition; it is then done again.
    """
    kept = receipt(folder)
    if kept is None or _POISONED in kept:
        return False
    seen = _signature(folder)
    if _COMPARED.get(folder) == seen:
        return True
    found = hash_tree(folder)
    found.pop(_RECEIPT)
    whole = bool(found == kept)
    if whole:
        _COMPARED[folder] = seen
        vouch_for(folder)
    return whole


def vouch_for(folder: Path) -> None:
    """Remember the hashes that a finished step wrote down, so that what links its files need not read them again.

    Parameters
    ----------
    folder : Path
        Folder of a step that was done, or compared with its hashes, in this build.
    """
    for name, told in (receipt(folder) or {}).items():
        KNOWN.vouch(folder / name, told)


def _signature(folder: Path) -> tuple[tuple[object, ...], ...]:
    """Say which files stand there, and when each was last written to."""
    told = ((path.relative_to(folder).as_posix(), path.stat()) for path in sorted(folder.rglob("*")))
    return tuple((name, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns) for name, at in told)


def receipt(folder: Path) -> dict[str, Any] | None:
    """Return what files a finished step wrote.

    Parameters
    ----------
    folder : Path
        Folder of the step.

    Returns
    -------
    dict or None
        Size and SHA-256 by relative path; None if it is not finished.
    """
    try:
        kept: dict[str, Any] = json.loads((folder / _RECEIPT).read_bytes())
    except (OSError, ValueError):
        return None
    return kept


def poisoned_in(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """Return the partitions that a result lacks.

    Parameters
    ----------
    folder : Path
        Folder of the step.

    Returns
    -------
    tuple of mapping
        ``part``, ``rows`` and ``reason`` of each; empty if it lacks none.
    """
    try:
        return tuple(json.loads((folder / _POISONED).read_bytes()))
    except FileNotFoundError:
        return ()


def say_parts(folder: Path, names: Sequence[str]) -> None:
    """Write down of which other results a result was made, so that they are kept as long as it is.

    Parameters
    ----------
    folder : Path
        Folder of the step, while it is made.
    names : sequence of str
        Names of their folders.
    """
    (folder / _MADE_OF).write_bytes(canonical_json(list(names)))


def parts_of(folder: Path) -> tuple[str, ...]:
    """Return of which other results a result was made.

    Parameters
    ----------
    folder : Path
        Folder of a finished step.

    Returns
    -------
    tuple of str
        Names of folders; empty for a step that was taken as a whole.
    """
    try:
        return tuple(json.loads((folder / _MADE_OF).read_bytes()))
    except (OSError, ValueError):
        return ()


def carry_out(
    task: Task, work: Path, make: Callable[[Path], Sequence[Mapping[str, Any]] | None], *, since: float | None = None
) -> Outcome:
    """Do a step unless it has been done.

    Parameters
    ----------
    task : Task
        The step, or the partition.
    work : Path
        Folder of finished steps.
    make : callable
        Writes the result into the folder it is given; returns the poisoned partitions that it does without.
    since : float, optional
        When the step began, by `time.perf_counter`; now if left out.

    Returns
    -------
    Outcome
        Whether it was reused, and how long it took.
    """
    begin = perf_counter() if since is None else since
    place = place_of(work, task)
    reused = is_finished(place)
    poisoned: tuple[Mapping[str, Any], ...] = ()
    if not reused:
        # A worker that was thought dead may have been faster; others read what it left there.
        with new_folder(place, unless=is_finished) as folder:
            poisoned = tuple(make(folder) or ())
            if poisoned:
                (folder / _POISONED).write_bytes(canonical_json(list(poisoned)))
            (folder / _RECEIPT).write_bytes(canonical_json(hash_tree(folder, known=KNOWN)))
    return Outcome(name=task.name, reused=reused, seconds=perf_counter() - begin, poisoned=poisoned)
