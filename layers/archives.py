"""Zip archives: what is in one is checked before a byte of it is unpacked, and it is unpacked within limits."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from layers.errors import FileRefusedError, FileUnreadableError, SchemaError, listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layers.sources import Source

__all__ = ["Archive", "open_archive"]

_MAX_ENTRIES = 10_000
#: As for gzip: deflate cannot exceed 1032, real tables pack 5 to 60 times.
_MAX_RATIO = 250
_RATIO_FREE = 64 << 20
_MAX_UNPACKED = 16 << 30
_CHUNK = 1 << 22
_ENCRYPTED = 1
_KNOWN_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_NESTED = (".zip", ".kmz", ".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst")
_ZIP = b"PK\x03\x04"
_OUTSIDE = re.compile(r"^/|^[A-Za-z]:|\\|\0|(?:^|/)\.\.(?:/|$)")
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Archive:
    """The files of a checked zip archive.

    Parameters
    ----------
    path : pathlib.Path
        The archive.
    label : str
        How the caller named it; for messages.
    names : tuple of str
        Its files in the archive's order, with "/" between folders; folders themselves are left out.
    """

    path: Path
    label: str
    names: tuple[str, ...]

    def read(self, name: str) -> bytes:
        """Unpack one file.

        Parameters
        ----------
        name : str
            One of ``names``.

        Returns
        -------
        bytes
            Its content, with the checksum that the archive states.

        Raises
        ------
        SchemaError
            If there is no such file in it.
        FileRefusedError
            If it holds more than the archive states, or is an archive itself.
        FileUnreadableError
            If it is broken.
        """
        return b"".join(self._chunks(name))

    def extract(self, name: str, folder: Path) -> Path:
        """Unpack one file into a folder, under the last part of its name.

        Parameters
        ----------
        name : str
            One of ``names``.
        folder : pathlib.Path
            An existing folder.

        Returns
        -------
        pathlib.Path
            The file; errors as in :meth:`read`.
        """
        target = folder / name.rpartition("/")[2]
        with target.open("xb") as file:
            file.writelines(self._chunks(name))
        return target

    def _chunks(self, name: str) -> Iterator[bytes]:
        if name not in self.names:
            raise SchemaError(f"{self.label}: holds no {name!r}; it has {listed(self.names[:20])}.")
        try:
            with zipfile.ZipFile(self.path) as archive:
                stated, total = archive.getinfo(name).file_size, 0
                with archive.open(name) as file:
                    while part := file.read(_CHUNK):
                        if not total and part.startswith(_ZIP):
                            raise FileRefusedError(f"{self.label}: {name!r} is an archive itself; unpack it first.")
                        total += len(part)
                        if total > stated:
                            raise FileRefusedError(
                                f"{self.label}: {name!r} unpacks to more than the {stated:,} bytes that are stated; "
                                "this looks like a bomb. Pack it anew if it is meant."
                            )
                        yield part
        except _BROKEN as error:
            raise FileUnreadableError(
                f"{self.label}: {name!r} cannot be unpacked ({error}); fetch the file again."
            ) from error


def _refuse_entry(entry: zipfile.ZipInfo) -> str | None:
    """Say what is wrong with one entry, None if nothing."""
    name = entry.filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    blown = entry.file_size > _RATIO_FREE and entry.file_size > _MAX_RATIO * max(1, entry.compress_size)
    faults = {
        "has no name": not name,
        "points out of the archive": _OUTSIDE.search(name),
        "is a link or a device": kind not in {0, stat.S_IFREG, stat.S_IFDIR},
        "is encrypted": entry.flag_bits & _ENCRYPTED,
        "is packed by an unknown method": entry.compress_type not in _KNOWN_METHODS,
        "is an archive itself": name.lower().endswith(_NESTED),
        f"unpacks {entry.compress_size:,} bytes to {entry.file_size:,}; this looks like a bomb": blown,
    }
    return next((f"{name!r} {fault}" for fault, found in faults.items() if found), None)


def _refuse_together(entries: list[zipfile.ZipInfo], size: int) -> str | None:
    """Say what is wrong with all entries together, None if nothing."""
    if len(entries) > _MAX_ENTRIES:
        return f"holds {len(entries):,} entries, more than {_MAX_ENTRIES:,}"
    total = sum(entry.file_size for entry in entries)
    if total > _MAX_UNPACKED or (total > _RATIO_FREE and total > _MAX_RATIO * size):
        return f"{size:,} bytes unpack to {total:,}; this looks like a bomb"
    if len({entry.filename for entry in entries}) < len(entries):
        return "two of its entries have the same name"
    # A small archive becomes a large one where many entries share the same packed bytes.
    placed = sorted(entries, key=lambda entry: entry.header_offset)
    if any(one.header_offset + one.compress_size > other.header_offset for one, other in pairwise(placed)):
        return "its entries overlap"
    return None


def open_archive(source: Source) -> Archive:
    """Check a zip archive and list its files; nothing is unpacked yet.

    Parameters
    ----------
    source : Source
        A zip file.

    Returns
    -------
    Archive
        Its files.

    Raises
    ------
    FileRefusedError
        If it is no zip file, holds more than 10,000 entries, unpacks to more than 250 times its size (and more than
        64 MiB) or to more than 16 GiB, or has an entry that is a link, an archive, encrypted, named twice, or named
        so that it would land outside the folder it is unpacked into.
    FileUnreadableError
        If it is cut or its list of entries is broken.
    """
    if not source.head(4).startswith((_ZIP, b"PK\x05\x06")):
        raise FileRefusedError(f"{source.label}: is no zip archive; give the real file, or name it as what it is.")
    try:
        with zipfile.ZipFile(source.path) as archive:
            entries = archive.infolist()
    except _BROKEN as error:
        raise FileUnreadableError(f"{source.label}: broken zip archive ({error}); fetch it again.") from error
    faults = filter(None, [_refuse_together(entries, source.path.stat().st_size), *map(_refuse_entry, entries)])
    if fault := next(faults, None):
        raise FileRefusedError(f"{source.label}: {fault}. Unpack it yourself and name the file that is meant.")
    return Archive(
        source.path, source.label, tuple(entry.filename for entry in entries if not entry.filename.endswith("/"))
    )
