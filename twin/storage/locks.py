"""Who writes to a twin, and who reads a snapshot of it: locks that the system gives back when a process ends."""

from __future__ import annotations

import fcntl
import os
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from twin.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["hold", "locked", "try_exclusive"]

_LOCK = ".lock"


@contextmanager
def locked(twin: Path) -> Iterator[None]:
    """Be the only one who writes to a twin.

    Parameters
    ----------
    twin : Path
        Its folder.

    Yields
    ------
    None
        While no other process writes.

    Raises
    ------
    BusyError
        If another one does.
    """
    with (twin / _LOCK).open("a+b", buffering=0) as stream:
        if not _taken(stream.fileno()):
            stream.seek(0)
            who = stream.read(32).decode("ascii", "replace").strip() or "unknown"
            raise BusyError(f"{twin} is being written by another process ({who}): wait until it has ended")
        with suppress(OSError):  # who holds it is only a courtesy, and a full disk is what twin gc is for
            stream.truncate(0)
            stream.write(f"{os.getpid()}\n".encode())
        yield


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold(folder: Path, owner: object) -> None:
    """Keep a folder from being removed as long as an object lives.

    Parameters
    ----------
    folder : Path
        A snapshot.
    owner : object
        Who reads it.
    """
    handle = os.open(folder, os.O_RDONLY)
    weakref.finalize(owner, os.close, handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # A clean-up holds it, or the disk knows no locks: then the files are checked when they are read, as ever.
        return


@contextmanager
def try_exclusive(folder: Path) -> Iterator[bool]:
    """Look whether nobody holds a folder, and keep it so.

    Parameters
    ----------
    folder : Path
        A snapshot.

    Yields
    ------
    bool
        False while somebody reads it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _taken(handle)
    finally:
        os.close(handle)
