"""What stopped processes left: files and folders that were being written and never got their place."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from twin.store import RUNS, SNAPSHOTS, WORK

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["clear_leftovers"]

_ROOMS = (".", RUNS, SNAPSHOTS, WORK, f"{WORK}/*")
_ENDS = (".*.tmp", ".*.old")


def clear_leftovers(twin: Path) -> int:
    """Remove what builds and clean-ups left half done; only who holds the lock of the twin may.

    Parameters
    ----------
    twin : Path
        Folder of the twin.

    Returns
    -------
    int
        How many files and folders are gone.
    """
    found = [path for room in _ROOMS for end in _ENDS for path in sorted(twin.glob(f"{room}/{end}"))]
    for path in found:
        if path.is_dir():
            # A worker that outlived its build for a moment may still write there.
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)
