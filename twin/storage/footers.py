"""Parquet files of a snapshot: compared with their hash once, and from then on page by page as they are read.

A file of weights has tens of megabytes, and one value asks for a page of it. Once the whole file was compared with its
hash, its footer is kept in memory, and every page bears a checksum of its own. Whoever writes to the file changes its
times, and it is compared with its hash again.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeAlias

import pyarrow.parquet as pq

from twin.errors import StoreDamagedError

if TYPE_CHECKING:
    from pathlib import Path

    from twin.storage.snapshot import Snapshot

__all__ = ["open_checked"]

Signature: TypeAlias = tuple[int, int, int, int]

_KEPT = 256  # footers of the partitions of a large dataset, some 10 kB each
_FOOTERS: dict[Path, tuple[Signature, pq.FileMetaData]] = {}


def open_checked(snapshot: Snapshot, name: str) -> pq.ParquetFile:
    """Open a Parquet file of which every byte that will be read is compared with what was written.

    Parameters
    ----------
    snapshot : Snapshot
        Where it is.
    name : str
        Path inside the snapshot.

    Returns
    -------
    pyarrow.parquet.ParquetFile
        Its pages are compared with their checksums when they are read.

    Raises
    ------
    StoreDamagedError
        If the file is missing or one bit of it differs.
    """
    path = snapshot.folder / name
    try:
        seen = _signature(path)
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}): run `twin verify`, then `twin build`"
        raise StoreDamagedError(message) from None
    known = _FOOTERS.get(path)
    if known is not None and known[0] == seen:
        return pq.ParquetFile(path, metadata=known[1], page_checksum_verification=True)
    content = snapshot.checked(name)
    file = pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
    while len(_FOOTERS) >= _KEPT:
        _FOOTERS.pop(next(iter(_FOOTERS)), None)
    _FOOTERS[path] = seen, file.metadata
    return file


def _signature(path: Path) -> Signature:
    """Say which file stands there, and when it was last written to."""
    at = path.stat()
    return at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns
