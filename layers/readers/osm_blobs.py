"""What lies in an OpenStreetMap PBF file, blob by blob, and where its nodes are, kept on disk.

A PBF file is a row of blobs, each packed by itself behind a short header with its length. Any run of them behind the
file's first blob is a file of its own; only the places of nodes are needed across the runs.

References
----------
OpenStreetMap wiki, "PBF Format": length of a header below 64 KiB, of a blob below 32 MiB.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import osmium

from layers.errors import FileRefusedError, FileUnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from numpy.typing import NDArray

__all__ = ["NodeIndex", "build_node_index", "scan_blobs"]

_MAX_HEADER = 64 << 10
_MAX_BLOB = 32 << 20
#: Tag of the size in a header, and the kind of fields that are bytes (type and index data).
_SIZE, _BYTES = 3 << 3, 2
#: As osmium's sparse_file_array lays a node down.
_NODE = np.dtype([("id", "<i8"), ("place", "<i4", (2,))])
_NOWHERE = np.iinfo("<i4").max


def scan_blobs(file: BinaryIO, size: int, *, label: str) -> list[int]:
    """Find where blobs end, by their headers alone.

    Parameters
    ----------
    file : binary file
        At its beginning.
    size : int
        Length of the file, bytes.
    label : str
        Of the file, for messages.

    Returns
    -------
    list of int
        Byte after each blob, in order; the first is that of the file's own header.

    Raises
    ------
    FileUnreadableError
        If the file is cut, or something in it is no blob.
    """
    ends: list[int] = []
    at = 0
    while at < size:
        file.seek(at)
        length = int.from_bytes(file.read(4), "big")
        header = file.read(length) if 0 < length < _MAX_HEADER else b""
        kind, stated = _parse_header(header)
        if kind != (b"OSMData" if ends else b"OSMHeader") or not 0 < stated <= _MAX_BLOB:
            raise FileUnreadableError(
                f"{label}: no blob begins at byte {at:,} (found: {kind[:20]!r} with {stated:,} bytes); PBF has one "
                f"OSMHeader and then OSMData of at most {_MAX_BLOB:,} bytes. Fetch the file again."
            )
        at += 4 + length + stated
        if at > size:
            raise FileUnreadableError(f"{label}: {at - size:,} bytes of its last blob are missing; fetch it again.")
        ends.append(at)
    return ends


def _parse_header(header: bytes) -> tuple[bytes, int]:
    """Return type and size: fields 1 and 3 of a message of protocol buffers; nothing and 0 of what is no such."""
    kind, size, at = b"", 0, 0
    while at < len(header):
        tag, at = _varint(header, at)
        value, at = _varint(header, at)
        if tag == _SIZE:
            size = value
        elif tag & 7 == _BYTES and at + value <= len(header):
            kind = header[at : at + value] if tag >> 3 == 1 else kind
            at += value
        else:
            return b"", 0
    return (kind, size) if at == len(header) else (b"", 0)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number, and the byte after it; that is beyond the end where the number has none."""
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at + shift + 1
    return 0, len(data) + 1


@dataclass(frozen=True)
class NodeIndex:
    """Where the nodes of a file are: two sorted arrays on disk, of which only the pages in use are in memory.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``ids`` (int64) and ``places`` (int32 pairs: longitude and latitude in units of 1e-7 degrees).
    """

    folder: Path

    def locate(self, wanted: NDArray[np.int64]) -> osmium.index.LocationTable:
        """Take the places of some nodes into memory.

        Parameters
        ----------
        wanted : ndarray of int64, shape (n,)
            Ids, in any order, also several times.

        Returns
        -------
        osmium.index.LocationTable
            Without those that the file does not hold.
        """
        table = osmium.index.create_map("sparse_mem_array")
        if not (self.folder / "ids").stat().st_size:
            return table
        ids = np.memmap(self.folder / "ids", dtype="<i8", mode="r")
        places = np.memmap(self.folder / "places", dtype="<i4", mode="r").reshape(-1, 2)
        wanted = np.unique(wanted)
        at = np.searchsorted(ids, wanted)
        at[at == len(ids)] = 0
        held = ids[at] == wanted
        degrees = places[at[held]] / 1e7
        for node, (lon_deg, lat_deg) in zip(wanted[held].tolist(), degrees.tolist(), strict=True):
            table.set(node, osmium.osm.Location(lon_deg, lat_deg))
        return table


def build_node_index(runs: Iterable[bytes], folder: Path, *, label: str) -> NodeIndex:
    """Write down where all nodes are, within the memory of one run; what is there already is taken as it is.

    Parameters
    ----------
    runs : iterable of bytes
        Runs of blobs in the order of the file, each behind the file's header.
    folder : pathlib.Path
        Of this index and no other; comes into being when it is complete.
    label : str
        Of the file, for messages.

    Returns
    -------
    NodeIndex
        Sorted by id.

    Raises
    ------
    FileRefusedError
        If nodes are not sorted by id, or stand after ways.
    FileUnreadableError
        If a blob is broken.
    """
    if folder.is_dir():
        return NodeIndex(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="nodes-", dir=folder.parent))
    try:
        _write(runs, made, label)
        (made / "run").unlink(missing_ok=True)
        try:
            made.rename(folder)
        except OSError:
            # Another process was faster, and its index is the same.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return NodeIndex(folder)


def _write(runs: Iterable[bytes], folder: Path, label: str) -> None:
    store = osmium.index.create_map(f"sparse_file_array,{folder / 'run'}")
    last, ways = -1, False
    with (folder / "ids").open("wb") as ids, (folder / "places").open("wb") as places:
        for run in runs:
            store.clear()
            before = _store_nodes(run, store, label)
            count = store.used_memory() // _NODE.itemsize
            late = count if ways else 0 if before is None else count - before
            nodes = np.fromfile(folder / "run", dtype=_NODE, count=count)
            if late or (count and (nodes["id"][0] <= last or (np.diff(nodes["id"]) <= 0).any())):
                raise FileRefusedError(
                    f"{label}: its nodes are not in the order of their ids before all ways, so that it cannot be read "
                    "in parts; write it anew with `osmium sort`, or read it with layers.read."
                )
            last, ways = int(nodes["id"][-1]) if count else last, ways or before is not None
            nodes = nodes[nodes["place"][:, 0] != _NOWHERE]
            nodes["id"].tofile(ids)
            nodes["place"].tofile(places)


def _store_nodes(run: bytes, store: osmium.index.LocationTable, label: str) -> int | None:
    """Store the nodes of a run in C++; return how many of them stand before its first way, None without a way."""
    places = osmium.NodeLocationsForWays(store)
    places.apply_nodes_to_ways = False  # it would sort what is stored, and hide what is to be found
    kinds = osmium.osm.NODE | osmium.osm.WAY
    file = osmium.FileProcessor(osmium.io.FileBuffer(run, "pbf"), kinds, osmium.io.ThreadPool(1))
    before = None
    try:
        for _ in file.with_filter(places).with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)):
            before = store.used_memory() // _NODE.itemsize if before is None else before
    except (RuntimeError, ValueError, OSError) as error:
        raise FileUnreadableError(f"{label}: broken OpenStreetMap file ({error}); fetch it again.") from error
    return before
