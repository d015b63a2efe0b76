"""Opening files: inside the declared root only, never over a network, and never unpacking more than is sane."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from layers.errors import FileRefusedError, FileUnreadableError, listed

__all__ = ["Source", "companions", "resolve_source"]

_REMOTE = re.compile(r"^(?:[a-z][a-z0-9+.-]+://|[a-z0-9+.-]+::|/vsi)", re.IGNORECASE)
_CHUNK = 1 << 22
#: Real tables and city models pack 5 to 60 times; deflate cannot exceed 1032, so beyond 250 something is wrong.
_MAX_RATIO = 250
_RATIO_FREE = 64 << 20
_MAX_UNPACKED = 16 << 30
_STORE = ("zarr.json", ".zmetadata", ".zgroup", ".zarray")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """One readable file.

    Parameters
    ----------
    path : pathlib.Path
        Absolute, symbolic links resolved.
    label : str
        How the caller named it; for messages and the ledger.
    """

    path: Path
    label: str

    @property
    def suffix(self) -> str:
        """Lower-case ending without ".gz", such as ".csv", ".city.jsonl" or ".gdb.zip"."""
        endings = Path(self.path.name.lower().removesuffix(".gz")).suffixes
        double = next((ending for ending in (".city", ".gdb", ".shp", ".zarr") if ending in endings[:-1]), "")
        return double + endings[-1] if endings else ""

    @property
    def packed(self) -> bool:
        """Whether the name says gzip."""
        return self.path.name.lower().endswith(".gz")

    def unpacked_size(self) -> int:
        """Return how long the content is.

        Returns
        -------
        int
            Bytes; of a gzip file as its end states it, at most as much as `read` would unpack.
        """
        size = self.path.stat().st_size
        if not self.packed or size < 18:
            return size
        with self.path.open("rb") as file:
            file.seek(-4, os.SEEK_END)
            stated = int.from_bytes(file.read(4), "little")
        return max(size, min(stated, _MAX_RATIO * size))

    def head(self, count: int = 512) -> bytes:
        """Read the first bytes, unpacked.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        bytes
            At most ``count``.
        """
        path = self.path
        if path.is_dir():  # a Zarr store: what it is stands in a file of its own
            path = next((path / name for name in _STORE if (path / name).is_file()), path)
        try:
            with gzip.open(path, "rb") if self.packed else path.open("rb") as file:
                return file.read(count)
        except (OSError, EOFError, zlib.error) as error:
            raise FileUnreadableError(f"{self.label}: cannot be opened ({error}).") from error

    def read(self) -> bytes:
        """Read the whole file, unpacked.

        Returns
        -------
        bytes
            The content.

        Raises
        ------
        FileRefusedError
            If it unpacks to more than 250 times its size (and more than 64 MiB), or to more than 16 GiB.
        FileUnreadableError
            If it is cut or not what its name says.
        """
        if not self.packed:
            return self.path.read_bytes()
        with self.path.open("rb") as raw:
            if raw.read(2) != _GZIP:
                raise FileRefusedError(f"{self.label}: ends in .gz but is not gzip; rename it to what it is.")
        size = self.path.stat().st_size
        parts: list[bytes] = []
        total = 0
        try:
            with gzip.open(self.path, "rb") as file:
                while part := file.read(_CHUNK):
                    parts.append(part)
                    total += len(part)
                    if total > _MAX_UNPACKED or (total > _RATIO_FREE and total > _MAX_RATIO * size):
                        raise FileRefusedError(
                            f"{self.label}: {size:,} bytes unpack to more than {total:,}; this looks like a bomb. "
                            "Unpack it yourself if it is meant."
                        )
        except (OSError, EOFError, zlib.error) as error:
            raise FileUnreadableError(
                f"{self.label}: the gzip stream is broken after {total:,} bytes ({error}); fetch the file again."
            ) from error
        return b"".join(parts)


def companions(path: Path, *, root: Path | None) -> tuple[Path, ...]:
    """Return the files that a reader may open beside a file: those of its name up to the first dot.

    Parameters
    ----------
    path : pathlib.Path
        The file; a folder has none.
    root : pathlib.Path or None
        Folder that must hold them, after symbolic links are followed; None: the one that holds the file.

    Returns
    -------
    tuple of pathlib.Path
        In order: the .dbf and .prj of a .shp, the .mid of a .mif; without the file itself.
    """
    if path.is_dir():
        return ()
    stem, inside = path.name.split(".")[0], path.parent if root is None else root.resolve()
    with os.scandir(path.parent) as entries:
        beside = {Path(entry.path).resolve() for entry in entries if entry.name.split(".")[0] == stem}
    return tuple(sorted(place for place in beside - {path} if place.is_relative_to(inside) and place.is_file()))


def resolve_source(source: str | Path, *, root: Path | None) -> Source:
    """Turn a name into a file that may be read.

    Parameters
    ----------
    source : str or pathlib.Path
        A file; a relative one is taken from ``root`` if that is given.
    root : pathlib.Path or None
        Folder that must hold it, after symbolic links are followed.

    Returns
    -------
    Source
        The file.

    Raises
    ------
    FileRefusedError
        If it is a web address, lies outside the root, or is no file.
    """
    label = str(source)
    if _REMOTE.match(label):
        raise FileRefusedError(f"{label}: nothing is read over a network; download it and give the file.")
    path = Path(source)
    if root is not None and not path.is_absolute():
        path = root / path
    resolved = path.resolve()
    if root is not None and not resolved.is_relative_to(root.resolve()):
        raise FileRefusedError(f"{label}: lies outside the root {root}; move the file there or set root: in city.yaml.")
    if resolved.is_dir() and resolved.suffix == ".zarr":
        return Source(resolved, label)
    if resolved.is_dir():
        held = sorted(place.name for place in resolved.iterdir() if place.is_file())
        shown = f"{listed(held[:5])}{', ...' if len(held) > 5 else ''}"
        raise FileRefusedError(f"{label}: is a folder; name its files, one or a list of one schema. It has {shown}.")
    if not resolved.is_file():
        raise FileRefusedError(f"{label}: no such file ({resolved}); check path: and root:.")
    return Source(resolved, label)
