"""Tiles that are made with the twin: files named by their content, and a list of them for each snapshot.

``tiles/objects/`` holds each tile once, however many snapshots show it, under the hash of its packed bytes;
``tiles/SNAPSHOT/VERSION/baked.json`` says which file is at which address. Both can be made again, so they are beside
the snapshots and no part of their hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FOLDER = "tiles"
"""Where in the folder of a twin all tiles are kept."""

OBJECTS = "objects"
_HASH = re.compile("[0-9a-f]{64}")
LIST = "baked.json"


class BakedTiles:
    """The tiles of one snapshot that were made with it.

    Parameters
    ----------
    folder : Path
        That of all tiles of the twin.
    snapshot : str
        Id of the snapshot.
    version : str
        Of the way in which tiles are made.
    """

    def __init__(self, folder: Path, snapshot: str, version: str) -> None:
        self._folder = folder
        self._list = folder / snapshot / version / LIST
        self._digests = _listed(self._list) or {}

    def __len__(self) -> int:
        return len(self._digests)

    def get(self, address: str) -> bytes | None:
        """Give a tile.

        Parameters
        ----------
        address : str
            Its address.

        Returns
        -------
        bytes or None
            Packed; None if it was not baked, or if its bytes are no more those that were: it is made once more then.
        """
        digest = self._digests.get(address)
        return None if digest is None else _sound(_path(self._folder, digest), digest)

    def put(self, packed: bytes) -> str:
        """Keep a tile.

        Parameters
        ----------
        packed : bytes
            As it is sent.

        Returns
        -------
        str
            The hash that it is found by.
        """
        digest = hashlib.sha256(packed).hexdigest()
        path = _path(self._folder, digest)
        if _sound(path, digest) is None:
            _write(path, packed)
        return digest

    def list(self, digests: Mapping[str, str]) -> None:
        """Say which tiles there are now.

        Parameters
        ----------
        digests : Mapping
            What `put` gave, by address.
        """
        self._digests = dict(digests)
        told = {"sha256": _seal(self._digests), "tiles": self._digests}
        _write(self._list, json.dumps(told, indent=0, sort_keys=True).encode())


def faults_of_tiles(twin: Path, snapshot: str) -> list[str]:
    """Compare the baked tiles of a snapshot with their hashes.

    Parameters
    ----------
    twin : Path
        Folder of the twin.
    snapshot : str
        Id of the snapshot.

    Returns
    -------
    list of str
        One line a list or tile that is missing or damaged; empty if all are whole, or none was baked.
    """
    faults = []
    for path in sorted((twin / FOLDER / snapshot).glob(f"*/{LIST}")):
        digests = _listed(path)
        if digests is None:
            faults.append(f"{path.relative_to(twin).as_posix()}: damaged; `twin tiles` makes it again")
        for address, digest in sorted((digests or {}).items()):
            if _sound(_path(twin / FOLDER, digest), digest) is None:
                faults.append(f"{FOLDER}/{address}: its file is missing or damaged; `twin tiles` makes it again")
    return faults


def files_of_tiles(twin: Path, snapshots: Iterable[str]) -> list[Path]:
    """List the files that the baked tiles of some snapshots are in.

    Parameters
    ----------
    twin : Path
        Folder of the twin.
    snapshots : iterable of str
        Their ids.

    Returns
    -------
    list of Path
        Lists and tiles, each once.
    """
    lists = [path for name in sorted(snapshots) for path in sorted((twin / FOLDER / name).glob(f"*/{LIST}"))]
    digests = {digest for path in lists for digest in (_listed(path) or {}).values()}
    return [*lists, *(_path(twin / FOLDER, digest) for digest in sorted(digests))]


def remove_unlisted(twin: Path) -> int:
    """Remove tiles that no snapshot lists any more.

    Parameters
    ----------
    twin : Path
        Folder of the twin.

    Returns
    -------
    int
        How many files are gone.
    """
    folder = twin / FOLDER
    needed = set(files_of_tiles(twin, (path.name for path in folder.glob("*") if path.name != OBJECTS)))
    gone = [path for path in folder.glob(f"{OBJECTS}/*/*") if path not in needed]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def _path(folder: Path, digest: str) -> Path:
    return folder / OBJECTS / digest[:2] / f"{digest}.gz"


def _sound(path: Path, digest: str) -> bytes | None:
    """Read a tile if it is what its name says."""
    try:
        packed = path.read_bytes()
    except OSError:
        return None
    return packed if hashlib.sha256(packed).hexdigest() == digest else None


def _listed(path: Path) -> dict[str, str] | None:
    """Read a list; None if it is missing or damaged."""
    try:
        told = json.loads(path.read_bytes())
        digests: dict[str, str] = told["tiles"]
        # What is no hash could name a file elsewhere, and a backup would take it along.
        whole = told["sha256"] == _seal(digests) and all(map(_HASH.fullmatch, digests.values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return digests if whole else None


def _seal(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{address} {digest}\n" for address, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside.write_bytes(content)
    beside.replace(path)
