"""A disk that refuses: every failure to write becomes one sentence that names the disk and what to do."""

from __future__ import annotations

import errno
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["disk_error", "disk_told"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DISK = (*_FULL, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM)
# Libraries that write themselves do not always pass on why; less than this is as good as full.
_SCARCE_BYTES = 1 << 20


def disk_error(error: OSError, place: Path) -> BuildError:
    """Say what a disk refused.

    Parameters
    ----------
    error : OSError
        As the system or a library raised it.
    place : Path
        A file or folder on that disk; it need not exist.

    Returns
    -------
    BuildError
        Which disk, how much is free, and what to do.
    """
    number = _number(error)
    standing = next((path for path in (place, *place.parents) if path.exists()), Path(place.anchor))
    free = shutil.disk_usage(standing).free
    if number in _FULL or (number is None and free < _SCARCE_BYTES):
        return BuildError(
            f"the disk that holds {standing} is full ({free / 1e6:,.1f} MB free): make room there, by twin gc for one, "
            "and build again; what is finished is kept, and the former snapshot is served as before"
        )
    said = error.strerror or " ".join(str(error).split())
    which = f" ({error.filename})" if error.filename else ""
    return BuildError(
        f"the disk that holds {standing} cannot be used: {said}{which}; mend that and build again, what is finished "
        "is kept"
    )


def _number(error: OSError) -> int | None:
    """Return the system's number of an error; of many that were gathered while a tree was copied, the first one's."""
    if isinstance(error, shutil.Error):
        return next((number for number in _DISK if f"[Errno {number}]" in str(error)), None)
    return error.errno


@contextmanager
def disk_told(place: Path) -> Iterator[None]:
    """Turn what a disk refuses into an error for people.

    Parameters
    ----------
    place : Path
        Where is written.

    Yields
    ------
    None
        While writing.

    Raises
    ------
    BuildError
        If the disk refuses.
    """
    try:
        yield
    except OSError as error:
        if _number(error) not in _DISK:  # sockets fail with this class too
            raise
        raise disk_error(error, place) from error
