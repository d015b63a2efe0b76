"""The only writer: files are written once, hashed, synced, and shown to readers by one atomic pointer.

A snapshot is made in a folder beside its place, every file and folder is synced, the folder is renamed to the hash of
its content, and last the pointer ``CURRENT`` is replaced. Whatever moment the power fails, a reader finds the former
snapshot or the new one, never half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from twin.storage.known import Known
from twin.storage.links import link_or_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import geopandas as gpd

FORMAT = "city-twin/1"
MANIFEST = "manifest.json"
CURRENT = "CURRENT"
SNAPSHOTS = "snapshots"
RUNS = "runs"
WORK = "work"
SEAL = "sha256"

_ROW_GROUP = 65_536
_ID_DIGITS = 16
_READ_BYTES = 1 << 20

KNOWN = Known()
"""Hashes of the files of finished steps, as this process took them or compared them."""


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_tree(folder: Path, *, known: Known | None = None) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of every file below a folder.

    Parameters
    ----------
    folder : Path
        The folder.
    known : Known, optional
        Hashes that need not be taken again; every file is read if left out.

    Returns
    -------
    dict
        ``{relative path: {"bytes": …, "sha256": …}}`` in order of path.
    """
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        told = None if known is None else known.of(path)
        told = told or {"bytes": path.stat().st_size, "sha256": hash_file(path)}
        if known is not None:
            known.vouch(path, told)
        found[path.relative_to(folder).as_posix()] = told
    return found


def hash_input(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files of a folder (a Zarr store) with their names.

    Parameters
    ----------
    path : Path
        The file or folder.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    if path.is_dir():
        return hashlib.sha256(canonical_json(hash_tree(path))).hexdigest()
    return hash_file(path)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder.

    Parameters
    ----------
    path : Path
        The file or folder.

    Returns
    -------
    int
        Bytes.
    """
    return sum(file.stat().st_size for file in path.rglob("*")) if path.is_dir() else path.stat().st_size


def canonical_json(tree: object) -> bytes:
    """Return JSON that is equal for equal content.

    Parameters
    ----------
    tree : object
        Plain JSON types; NaN is refused.

    Returns
    -------
    bytes
        UTF-8, keys in order, one trailing newline.
    """
    text = json.dumps(tree, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False)
    return (text + "\n").encode()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Bring every file and folder below a folder to the disk.

    Parameters
    ----------
    folder : Path
        The folder, itself included.
    """
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)


def write_bytes(path: Path, content: bytes) -> None:
    """Put a small file in place at once: readers see the former one or this one.

    Parameters
    ----------
    path : Path
        Where to.
    content : bytes
        The whole content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_bytes(content)
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def write_table(path: Path, table: pa.Table | pd.DataFrame) -> None:
    """Write a Parquet file with page checksums.

    Parameters
    ----------
    path : Path
        Where to; folders above it are made.
    table : pyarrow.Table or pandas.DataFrame
        The rows; a frame's index is not kept.
    """
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        compression="zstd",
        write_page_checksum=True,
        row_group_size=_ROW_GROUP,
        write_statistics=True,
    )


def write_features(path: Path, frame: gpd.GeoDataFrame) -> None:
    """Write a GeoParquet 1.1 file with page checksums.

    Parameters
    ----------
    path : Path
        Where to; folders above it are made.
    frame : geopandas.GeoDataFrame
        The features; the index is not kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(
        path,
        index=False,
        compression="zstd",
        schema_version="1.1.0",
        write_page_checksum=True,
        row_group_size=_ROW_GROUP,
    )


@contextmanager
def new_folder(place: Path, *, unless: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """Make a folder that appears at its place only when it is whole and on the disk.

    Parameters
    ----------
    place : Path
        Where it shall stand; what stands there is replaced.
    unless : callable, optional
        Asked of the place at the end: if it says True, somebody was faster, and what stands there stays.

    Yields
    ------
    Path
        A folder beside it to write into.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        yield beside
        sync_tree(beside)
        if unless(place):
            return
        if place.exists():
            former = place.with_name(f".{place.name}.{os.getpid()}.old")
            place.replace(former)
            beside.replace(place)
            shutil.rmtree(former)
        else:
            beside.replace(place)
        _sync(place.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


class SnapshotWriter:
    """Gathers the files of one snapshot and publishes them.

    Parameters
    ----------
    twin : Path
        Folder of the twin, such as ``monaco.twin``.
    """

    def __init__(self, twin: Path) -> None:
        self._twin = twin
        self.folder = twin / SNAPSHOTS / f".new.{os.getpid()}.tmp"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def take(self, source: Path, place: str) -> None:
        """Take a finished file or folder into the snapshot, without a copy where the disk can do so.

        Parameters
        ----------
        source : Path
            File or folder.
        place : str
            Path inside the snapshot.
        """
        target = self.folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=link_or_copy)
        else:
            link_or_copy(source, target)

    def publish(self, description: Mapping[str, Any]) -> str:
        """Give the snapshot its name, put it in place and point readers to it.

        Parameters
        ----------
        description : mapping
            What ``manifest.json`` says besides the files; content only, no recorded time.

        Returns
        -------
        str
            Id of the snapshot: the start of the hash of its manifest, hence of all of its content.
        """
        manifest = canonical_json({"format": FORMAT, **description, "files": hash_tree(self.folder, known=KNOWN)})
        snapshot = hashlib.sha256(manifest).hexdigest()[:_ID_DIGITS]
        (self.folder / MANIFEST).write_bytes(manifest)
        sync_tree(self.folder)
        place = self._twin / SNAPSHOTS / snapshot
        if place.exists() and not faults_of(place):
            shutil.rmtree(self.folder)
        else:
            if place.exists():  # damaged: keep its bytes out of the way, the new ones are whole
                shutil.rmtree(place)
            self.folder.replace(place)
            _sync(place.parent)
        write_bytes(self._twin / CURRENT, f"{snapshot}\n".encode())
        return snapshot

    def discard(self) -> None:
        """Remove what was gathered, if it has not been published."""
        shutil.rmtree(self.folder, ignore_errors=True)


def faults_of(snapshot: Path) -> list[str]:
    """Compare every file of a snapshot with its manifest.

    Parameters
    ----------
    snapshot : Path
        Folder of the snapshot.

    Returns
    -------
    list of str
        One line for each file that is missing, damaged or not listed, and for a damaged manifest; empty if whole.
    """
    try:
        content = (snapshot / MANIFEST).read_bytes()
        listed = json.loads(content)["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{MANIFEST}: cannot be read ({type(error).__name__})"]
    faults = []
    if hashlib.sha256(content).hexdigest()[:_ID_DIGITS] != snapshot.name:
        faults.append(f"{MANIFEST}: its bytes do not give the id of the snapshot")
    present = hash_tree(snapshot)
    present.pop(MANIFEST)
    for name in sorted(listed.keys() | present.keys()):
        if name not in present:
            faults.append(f"{name}: missing")
        elif name not in listed:
            faults.append(f"{name}: not listed in the manifest")
        elif present[name] != listed[name]:
            faults.append(f"{name}: its bytes changed after it was written")
    return faults


def write_run(twin: Path, record: Mapping[str, Any]) -> Path:
    """Keep what a build recorded about itself, outside the content hash.

    Parameters
    ----------
    twin : Path
        Folder of the twin.
    record : mapping
        JSON types.

    Returns
    -------
    Path
        The file ``runs/<time>.json``.
    """
    now = datetime.now(UTC)
    path = twin / RUNS / f"{now:%Y%m%dT%H%M%S.%fZ}.json"
    told = {"recorded": now.isoformat(), **record}
    write_bytes(path, canonical_json({**told, SEAL: hashlib.sha256(canonical_json(told)).hexdigest()}))
    return path
