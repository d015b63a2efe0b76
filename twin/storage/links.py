"""One file under two names: what is written once and never changed need not be copied."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["link_or_copy", "size_on_disk"]


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Give a finished file a second name, or copy it where the file system has no such thing.

    Parameters
    ----------
    source : str or Path
        A file that nobody will change: files of steps and snapshots are replaced as a whole, never written to.
    target : str or Path
        Its new name; folders above it are made.
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120 - also called by shutil, with text
    try:
        os.link(source, target)
    except OSError:  # another disk, too many names, or a file system without links
        shutil.copyfile(source, target)


def size_on_disk(paths: Iterable[Path]) -> int:
    """Add up what files take, each once however many names it has.

    Parameters
    ----------
    paths : iterable of Path
        Files.

    Returns
    -------
    int
        Bytes.
    """
    found = {(told.st_dev, told.st_ino): told.st_size for told in (path.stat() for path in paths)}
    return sum(found.values())
