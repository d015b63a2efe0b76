"""glTF 2.0 and GLB: triangles of nodes, every number checked against the bytes that are there; nothing else is read."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.errors import FileUnreadableError, GeometryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Part", "iterate_parts", "parse_glb", "parse_gltf"]

_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_DATA_URI = "data:"
#: Extensions that keep numbers in a way of their own.
_PACKED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")
_DEEPEST = 64
#: What broken documents may hold where something else is due.
_BROKEN = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """The triangles of one node.

    Parameters
    ----------
    node : int
        Its number.
    name : str
        Its name, or that of its mesh; "" where neither has one.
    extras : Mapping
        What its author added.
    points : numpy.ndarray of float64, shape (n, 3)
        In the axes of the scene: y up.
    triangles : numpy.ndarray of int64, shape (m, 3)
        Numbers of points.
    feature : numpy.ndarray of int64, shape (n,), or None
        To which feature each point belongs, where the mesh holds several.
    fault : str or None
        Why there are no triangles.
    """

    node: int
    name: str
    extras: Mapping[str, Any]
    points: NDArray[np.float64]
    triangles: NDArray[np.int64]
    feature: NDArray[np.int64] | None = None
    fault: str | None = None


def parse_glb(content: bytes, *, label: str) -> tuple[Mapping[str, Any], bytes]:
    """Take a binary glTF apart.

    Parameters
    ----------
    content : bytes
        The file.
    label : str
        For messages.

    Returns
    -------
    tuple of Mapping and bytes
        The document and its binary part, b"" where there is none.

    Raises
    ------
    FileUnreadableError
        If it is cut, of version 1, or no JSON.
    """
    try:
        magic, version, length = struct.unpack_from("<4sII", content)
        if magic != b"glTF" or version != 2 or length > len(content):
            raise FileUnreadableError(
                f"{label}: version {version}, {len(content):,} of {length:,} bytes; a GLB of version 2 is read whole."
            )
        at, chunks = 12, dict[int, bytes]()
        while at + 8 <= length:
            size, kind = struct.unpack_from("<II", content, at)
            if at + 8 + size > length:
                raise FileUnreadableError(f"{label}: a chunk of it is cut off; fetch it again.")
            chunks.setdefault(kind, content[at + 8 : at + 8 + size])
            at += 8 + size
        document = json.loads(chunks[_JSON])
    except (struct.error, KeyError, ValueError, RecursionError) as error:
        raise FileUnreadableError(f"{label}: is no GLB that can be read ({error!r}); export it anew.") from error
    return _checked(document, label), chunks.get(_BINARY, b"")


def parse_gltf(document: object, *, label: str) -> tuple[Mapping[str, Any], bytes]:
    """Take a parsed glTF document whose bytes are written into it.

    Parameters
    ----------
    document : object
        Parsed JSON.
    label : str
        For messages.

    Returns
    -------
    tuple of Mapping and bytes
        The document and its only buffer.

    Raises
    ------
    FileUnreadableError
        If it has several buffers, or one in another file.
    """
    checked = _checked(document, label)
    buffers = checked.get("buffers") or []
    try:
        if len(buffers) > 1:
            raise FileUnreadableError(f"{label}: {len(buffers)} buffers; export it as one .glb.")
        uri = str(buffers[0]["uri"]) if buffers else _DATA_URI + ","
        if not uri.startswith(_DATA_URI):
            raise FileUnreadableError(f"{label}: names another file ({uri[:80]!r}); export it as one .glb.")
        return checked, base64.b64decode(uri.partition(",")[2], validate=True)
    except (*_BROKEN, binascii.Error) as error:
        raise FileUnreadableError(f"{label}: its buffer is broken ({error!r}); export it anew.") from error


def _checked(document: object, label: str) -> Mapping[str, Any]:
    asset = document.get("asset") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(asset, Mapping):
        raise FileUnreadableError(f"{label}: is no glTF (it says nothing of its asset); name it as what it is.")
    if not str(asset.get("version", "")).startswith("2."):
        raise FileUnreadableError(f"{label}: glTF version {asset.get('version')!r}; 2.0 is read.")
    return document


def _accessor(document: Mapping[str, Any], binary: bytes, number: int) -> NDArray[Any]:
    """Read one array, shape (count, width); every step is checked against the bytes that are there."""
    if number < 0:
        raise GeometryError(f"accessor {number}")
    accessor = document["accessors"][number]
    if "sparse" in accessor:
        raise GeometryError("sparse arrays are not read")
    view = document["bufferViews"][accessor["bufferView"]]
    if view.get("buffer", 0) != 0:
        raise GeometryError("its numbers are in another buffer")
    kind, width = np.dtype(_COMPONENTS[accessor["componentType"]]), _WIDTHS[accessor["type"]]
    count, row = int(accessor["count"]), kind.itemsize * width
    stride = int(view.get("byteStride", row))
    start, size = int(view.get("byteOffset", 0)), int(view["byteLength"])
    offset = int(accessor.get("byteOffset", 0))
    needed = offset + (count - 1) * stride + row if count else offset
    if min(count, start, offset, size) < 0 or stride < row or needed > size or start + size > len(binary):
        raise GeometryError(f"accessor {number} reaches beyond its bytes")
    if count == 0:
        return np.empty((0, width), dtype=kind)
    raw = np.frombuffer(binary, dtype=np.uint8, count=needed - offset, offset=start + offset)
    rows = np.lib.stride_tricks.as_strided(raw, shape=(count, row), strides=(stride, 1))
    return np.ascontiguousarray(rows).view(kind)


def _triangles(indices: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    """Turn a list, strip or fan into triangles."""
    if mode == 4:
        if len(indices) % 3:
            raise GeometryError(f"{len(indices)} corners are no triangles")
        return indices.reshape(-1, 3)
    if len(indices) < 3:
        return np.empty((0, 3), dtype=np.int64)
    if mode == 5:
        strip = np.column_stack([indices[:-2], indices[1:-1], indices[2:]])
        strip[1::2] = strip[1::2, ::-1]
        return strip
    first = np.full(len(indices) - 2, indices[0])
    return np.column_stack([first, indices[1:-1], indices[2:]])


def _primitive(
    document: Mapping[str, Any], binary: bytes, primitive: Mapping[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64] | None] | None:
    """Read points, triangles and features of one primitive; None of points and lines."""
    mode = primitive.get("mode", 4)
    if mode not in {4, 5, 6}:
        return None
    packed = [name for name in _PACKED if name in (primitive.get("extensions") or {})]
    if packed:
        raise GeometryError(f"its numbers are packed by {packed[0]}; export it without")
    attributes = primitive["attributes"]
    points = _accessor(document, binary, attributes["POSITION"]).astype(np.float64)
    if points.shape[1] != 3:
        raise GeometryError("a point has not three numbers")
    if "indices" in primitive:
        indices = _accessor(document, binary, primitive["indices"])[:, 0].astype(np.int64)
    else:
        indices = np.arange(len(points))
    if len(indices) and (indices.min() < 0 or indices.max() >= len(points)):
        raise GeometryError("a triangle names a point that is not there")
    ids = next((attributes[name] for name in ("_BATCHID", "_FEATURE_ID_0") if name in attributes), None)
    feature = None if ids is None else _accessor(document, binary, ids)[:, 0].astype(np.int64)
    if feature is not None and len(feature) != len(points):
        raise GeometryError("not every point has a feature")
    return points, _triangles(indices, mode), feature


def _matrix(node: Mapping[str, Any]) -> NDArray[np.float64]:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = (float(value) for value in node.get("rotation", (0, 0, 0, 1)))
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _nodes(document: Mapping[str, Any]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield the nodes of the scene with what takes them to it; each once."""
    nodes, scenes = document.get("nodes") or [], document.get("scenes") or []
    chosen = document.get("scene", 0)
    roots = scenes[chosen].get("nodes", ()) if scenes else range(len(nodes))
    waiting = [(int(number), np.eye(4), 0) for number in reversed(list(roots))]
    met = set()
    while waiting:
        number, around, depth = waiting.pop()
        if number in met or depth > _DEEPEST:
            continue
        met.add(number)
        matrix = around @ _matrix(nodes[number])
        yield number, matrix
        children = nodes[number].get("children") or ()
        waiting.extend((int(child), matrix, depth + 1) for child in reversed(children))


def iterate_parts(document: Mapping[str, Any], binary: bytes, *, label: str) -> list[Part]:
    """List the nodes that have a mesh.

    Parameters
    ----------
    document : Mapping
        Of :func:`parse_glb`.
    binary : bytes
        Its numbers.
    label : str
        For messages.

    Returns
    -------
    list of Part
        In the order of the scene; one whose numbers are broken says so.

    Raises
    ------
    FileUnreadableError
        If the scene itself is broken.
    """
    try:
        nodes = document.get("nodes") or []
        held = [one for one in _nodes(document) if isinstance(nodes[one[0]].get("mesh"), int)]
        return [_part(document, binary, number, matrix) for number, matrix in held]
    except _BROKEN as error:
        raise FileUnreadableError(f"{label}: its scene is broken ({error!r}); export it anew.") from error


def _part(document: Mapping[str, Any], binary: bytes, number: int, matrix: NDArray[np.float64]) -> Part:
    node = document["nodes"][number]
    extras = node.get("extras") if isinstance(node.get("extras"), Mapping) else {}
    name = str(node.get("name") or "")
    try:
        mesh = document["meshes"][node["mesh"]]
        name = name or str(mesh.get("name") or "")
        found = [_primitive(document, binary, primitive) for primitive in mesh["primitives"]]
        real = [one for one in found if one is not None]
        starts = np.cumsum([0, *(len(points) for points, _, _ in real)])
        points = np.concatenate([np.empty((0, 3)), *(points for points, _, _ in real)])
        triangles = [faces + start for (_, faces, _), start in zip(real, starts, strict=False)]
        ids = [np.full(len(points), -1, dtype=np.int64) if feature is None else feature for points, _, feature in real]
        with np.errstate(all="ignore"):  # what is not finite is found with the other faults of a record
            moved = points @ matrix[:3, :3].T + matrix[:3, 3]
        return Part(
            node=number,
            name=name,
            extras=extras or {},
            points=moved,
            triangles=np.concatenate([np.empty((0, 3), dtype=np.int64), *triangles]),
            feature=np.concatenate(ids) if any(feature is not None for _, _, feature in real) else None,
        )
    except (GeometryError, *_BROKEN) as error:
        nothing = np.empty((0, 3))
        return Part(
            node=number,
            name=name,
            extras=extras or {},
            points=nothing,
            triangles=nothing.astype(np.int64),
            fault=f"unreadable_geometry: {error}",
        )
