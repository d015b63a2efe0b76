"""OpenStreetMap in partitions, each with its ledger."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from dask.base import tokenize

from layers.errors import FileUnreadableError, SchemaError
from layers.lazy.streams import Part, Stream, locate, open_file, plan_stream
from layers.options import ReadOptions
from layers.readers.osm import read_osm_blobs
from layers.readers.osm_blobs import NodeIndex, build_node_index, scan_blobs

if TYPE_CHECKING:
    from layers.readers.records import Records

__all__ = ["read_osm"]

_LAYERS = ("roads", "lines", "points")
#: The header of a whole planet has some hundred bytes, and every part carries it.
_MAX_HEADER = 1 << 20


def _bytes(part: Part) -> bytes:
    """Return the header blob and the part's own blobs."""
    with open_file(part.where) as file:
        file.seek(part.start)
        data = file.read(part.stop - part.start)
    if len(data) != part.stop - part.start:
        raise FileUnreadableError(f"{part.label}: has become shorter since it was opened; read it again.")
    return part.header + data


def _build(parts: tuple[Part, ...], folder: Path) -> NodeIndex:
    return build_node_index(map(_bytes, parts), folder, label=parts[0].label)


def _read_blobs(part: Part, options: ReadOptions, nodes: NodeIndex | None) -> Records:
    return read_osm_blobs(_bytes(part), options, label=part.label, nodes=nodes)


def read_osm(
    source: str | Path,
    *,
    position: object = None,
    options: ReadOptions | None = None,
    partition_mb: float = 8.0,
    aside: Path | None = None,
    index: Path | None = None,
) -> Stream:
    """Plan to read roads, lines or points of an OpenStreetMap PBF file part by part.

    Ways name their nodes, which stand anywhere before them. A first task writes down on disk where all nodes are, 12
    bytes each; a part looks up those of its own ways.

    Parameters
    ----------
    source : str or pathlib.Path
        A .osm.pbf file whose nodes are sorted, as those of all usual publishers are.
    position : object
        What the positions mean, if not WGS 84.
    options : ReadOptions or None
        ``layer`` ("roads", "lines" or "points") and ``tags``, as of `layers.read`.
    partition_mb : float
        Packed size of a part, megabytes; a blob is never cut. Records take several times that.
    aside : pathlib.Path or None
        Folder for records that are set aside.
    index : pathlib.Path or None
        Folder for the places of nodes, seen by all workers; they stay there and serve again while the file is
        unchanged. None: a temporary one of this machine, which goes with the stream.

    Returns
    -------
    Stream
        The headers of its blobs were read, and nothing else. Nodes out of order are refused by the first task.

    Raises
    ------
    SchemaError
        If the layer has no parts: areas take their ways from anywhere in the file.
    FileUnreadableError
        If the file is cut, or something in it is no blob.
    """
    options = options or ReadOptions()
    layer = options.layer or "roads"
    if layer not in _LAYERS:
        raise SchemaError(
            f"{source}: layer {layer!r} has no parts, only {', '.join(_LAYERS)} have; an area takes ways from "
            "anywhere in the file. Read areas with layers.read, of an extract of the district (`osmium extract`)."
        )
    where, label, size, stamp = locate(source, options, remote=False)
    with open_file(where) as file:
        ends = scan_blobs(file, size, label=label)
        file.seek(0)
        header = file.read(ends[0]) if ends[0] <= _MAX_HEADER else b""
    if not header:
        raise FileUnreadableError(f"{label}: its header takes {ends[0]:,} bytes; fetch the file again.")
    cuts = ends[:1]
    for end, following in pairwise([*ends[1:], size + int(partition_mb * 1e6) + 1]):
        if following - cuts[-1] > partition_mb * 1e6:
            cuts.append(end)
    parts = [Part(where=where, label=label, start=start, stop=stop, header=header) for start, stop in pairwise(cuts)]
    told = {"options": options, "aside": aside, "stamp": stamp, "read": _read_blobs}
    if layer == "points" or not parts:
        return plan_stream(parts, source, position, told)
    folder = Path(tempfile.mkdtemp(prefix="osm-nodes-")) if index is None else index
    told["first"] = partial(_build, tuple(parts), folder / tokenize(where, size, stamp))
    stream = plan_stream(parts, source, position, told)
    if index is None:
        weakref.finalize(stream, shutil.rmtree, folder, ignore_errors=True)
    return stream
