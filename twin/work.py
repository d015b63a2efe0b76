"""Finished steps, kept by the hash of what went into them, so that the next build takes them as they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from twin.store import canonical_json, hash_tree, new_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from twin.plan import Step

_RECEIPT = "step.json"


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
    """

    name: str
    reused: bool
    seconds: float


def place_of(work: Path, step: Step) -> Path:
    """Return the folder in which the result of a step stands.

    Parameters
    ----------
    work : Path
        Folder of finished steps.
    step : Step
        The step.

    Returns
    -------
    Path
        Its folder.
    """
    return work / f"{step.kind}-{step.dataset}-{step.key}"


def is_finished(folder: Path) -> bool:
    """Return whether a step stands whole: all of its bytes are those that were written.

    Parameters
    ----------
    folder : Path
        Folder of the step.

    Returns
    -------
    bool
        False if it is missing, unfinished or damaged; it is then done again.
    """
    try:
        kept = json.loads((folder / _RECEIPT).read_bytes())
    except (OSError, ValueError):
        return False
    found = hash_tree(folder)
    found.pop(_RECEIPT)
    return bool(found == kept)


def carry_out(step: Step, work: Path, make: Callable[[Path], None]) -> Outcome:
    """Do a step unless it has been done.

    Parameters
    ----------
    step : Step
        The step.
    work : Path
        Folder of finished steps.
    make : callable
        Writes the result into the folder it is given.

    Returns
    -------
    Outcome
        Whether it was reused, and how long it took.
    """
    begin = perf_counter()
    place = place_of(work, step)
    reused = is_finished(place)
    if not reused:
        # A worker that was thought dead may have been faster; others read what it left there.
        with new_folder(place, unless=is_finished) as folder:
            make(folder)
            (folder / _RECEIPT).write_bytes(canonical_json(hash_tree(folder)))
    return Outcome(name=step.name, reused=reused, seconds=perf_counter() - begin)
