"""Triangles as glTF 2.0 in one binary file (GLB), each point with the number of the feature that it is of."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Pieces", "to_glb"]

_JSON, _BIN = 0x4E4F534A, 0x004E4942
_INT16, _UINT16, _UINT32 = 5122, 5123, 5125
_POINTS, _INDICES = 34962, 34963  # Kinds of buffers: of points, of numbers of points.
_MOST_STEPS = 32_767
_LEAST_STEP_M = 1 / 64  # Finer than any city model is measured.
_EXTENSIONS = ("KHR_mesh_quantization", "EXT_mesh_features", "EXT_structural_metadata")


class Pieces(NamedTuple):
    """Triangles of some features.

    Parameters
    ----------
    xyz : numpy.ndarray of float64, shape (points, 3)
        East, north and up in metres.
    triangles : numpy.ndarray of int64, shape (triangles, 3)
        Numbers of points, counter-clockwise seen from outside.
    feature : numpy.ndarray of int64, shape (points,)
        Number of the feature that a point is of.
    """

    xyz: NDArray[np.float64]
    triangles: NDArray[np.int64]
    feature: NDArray[np.int64]


class _Body:
    """Lays arrays one behind the other and describes them in glTF's words."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []

    def view(self, values: NDArray[np.generic], **told: int) -> int:
        data = np.ascontiguousarray(values).tobytes()
        self.views.append({"buffer": 0, "byteOffset": len(self.bytes), "byteLength": len(data), **told})
        self.bytes += data + bytes(-len(data) % 4)
        return len(self.views) - 1

    def accessor(self, view: int, count: int, kind: tuple[int, str], **told: object) -> int:
        component, shape = kind
        self.accessors.append({"bufferView": view, "componentType": component, "count": count, "type": shape, **told})
        return len(self.accessors) - 1


def to_glb(pieces: Pieces, *, rows: NDArray[np.int64], extras: Mapping[str, object]) -> bytes:
    """Write triangles as GLB.

    Points are whole steps of at least 1/64 m, which the node scales; they bear no normals, so that by the
    specification each triangle is flat. Up is y and north is -z, as glTF has it.

    Parameters
    ----------
    pieces : Pieces
        At most 65,535 features.
    rows : numpy.ndarray of int64, shape (features,)
        What each feature is called elsewhere: the property ``row`` of its number.
    extras : Mapping
        What to say of the file, JSON types.

    Returns
    -------
    bytes
        The file; one without meshes where there are no triangles.

    References
    ----------
    Khronos, glTF 2.0, 2021-10-11; KHR_mesh_quantization; 3D Tiles Next: EXT_mesh_features, EXT_structural_metadata.
    """
    document: dict[str, Any] = {"asset": {"version": "2.0", "generator": "city-twin", "extras": dict(extras)}}
    body = _Body()
    if len(pieces.triangles):
        document |= _scene(pieces, rows, body)
        document |= {
            "bufferViews": body.views,
            "accessors": body.accessors,
            "buffers": [{"byteLength": len(body.bytes)}],
        }
    head = json.dumps(document, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 4)
    chunks = struct.pack("<II", len(head), _JSON) + head
    if body.bytes:
        chunks += struct.pack("<II", len(body.bytes), _BIN) + bytes(body.bytes)
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def _scene(pieces: Pieces, rows: NDArray[np.int64], body: _Body) -> dict[str, Any]:
    step_m = _LEAST_STEP_M
    while np.abs(pieces.xyz).max() > step_m * _MOST_STEPS:
        step_m *= 2
    steps = np.round(pieces.xyz[:, [0, 2, 1]] / step_m * [1, 1, -1]).astype("<i2")
    # Each row of both starts at a multiple of four bytes, as glTF asks.
    points = np.zeros((len(steps), 4), dtype="<i2")
    points[:, :3] = steps
    numbers = np.zeros((len(steps), 2), dtype="<u2")
    numbers[:, 0] = pieces.feature
    wide = len(steps) > np.iinfo(np.uint16).max
    indices = pieces.triangles.astype("<u4" if wide else "<u2").ravel()
    place = body.accessor(
        body.view(points, target=_POINTS, byteStride=8),
        len(steps),
        (_INT16, "VEC3"),
        min=steps.min(axis=0).tolist(),
        max=steps.max(axis=0).tolist(),
    )
    feature = body.accessor(body.view(numbers, target=_POINTS, byteStride=4), len(steps), (_UINT16, "SCALAR"))
    order = body.accessor(body.view(indices, target=_INDICES), len(indices), (_UINT32 if wide else _UINT16, "SCALAR"))
    table = body.view(rows.astype("<u4"))
    ids = {"featureIds": [{"featureCount": len(rows), "attribute": 0, "propertyTable": 0}]}
    primitive = {
        "attributes": {"POSITION": place, "_FEATURE_ID_0": feature},
        "indices": order,
        "material": 0,
        "extensions": {"EXT_mesh_features": ids},
    }
    row = {"type": "SCALAR", "componentType": "UINT32", "required": True}
    metadata = {
        "schema": {"id": "features", "classes": {"feature": {"properties": {"row": row}}}},
        "propertyTables": [{"class": "feature", "count": len(rows), "properties": {"row": {"values": table}}}],
    }
    return {
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "scale": [step_m] * 3}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0.0}, "doubleSided": True}],
        "extensionsUsed": list(_EXTENSIONS),
        "extensionsRequired": list(_EXTENSIONS[:1]),
        "extensions": {"EXT_structural_metadata": metadata},
    }
