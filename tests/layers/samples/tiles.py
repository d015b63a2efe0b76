"""glTF, GLB, b3dm and a tileset: the five blocks in triangles, y up, in their own axes or earth-centred."""

from __future__ import annotations

import base64
import json
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Transformer

from tests.layers.samples.city_blocks import BLOCKS, Block

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["PLACE", "pack_glb", "write_b3dm", "write_glb", "write_gltf", "write_tileset"]

#: Where the corner of the first block stands: longitude, latitude, height above the ellipsoid.
PLACE = (11.42, 48.76, 450.0)


def _triangles(block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Points along x east, y up, z south from the corner of the first block, and faces."""
    points, faces = [], []
    for _, rings in block.faces():
        flat = np.array(rings[0])
        upright = len(rings) == 1 and np.ptp(flat[:, 2]) > 0
        start = len(points)
        if upright:
            points += rings[0]
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
            continue
        down = flat[:, 2].min() == block.low
        for piece in shapely.constrained_delaunay_triangles(block.base).geoms:
            corners = np.array(shapely.orient_polygons(piece).exterior.coords)[:3]
            corners = corners[::-1] if down else corners
            faces.append(tuple(range(len(points), len(points) + 3)))
            points += [(x, y, flat[0, 2]) for x, y in corners]
    local = np.array(points) - (678_000, 5_403_000, 400)
    return np.column_stack([local[:, 0], local[:, 2], -local[:, 1]]), np.array(faces)


def _document(blocks: Sequence[Block], *, batched: bool) -> tuple[dict[str, Any], bytes]:
    """One node a block, or one node with a number of its feature on every point."""
    binary, views, accessors = b"", [], []

    def put(array: np.ndarray, component: int, kind: str, **more: object) -> int:
        nonlocal binary
        binary += bytes(-len(binary) % 4)
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": array.nbytes})
        accessors.append(
            {"bufferView": len(views) - 1, "componentType": component, "count": len(array), "type": kind, **more}
        )
        binary += array.tobytes()
        return len(accessors) - 1

    bodies = [_triangles(block) for block in blocks]
    if batched:
        starts = np.cumsum([0, *(len(points) for points, _ in bodies[:-1])])
        ids = np.concatenate([np.full(len(points), i) for i, (points, _) in enumerate(bodies)])
        points = np.concatenate([points for points, _ in bodies])
        faces = np.concatenate([triangles + start for (_, triangles), start in zip(bodies, starts, strict=True)])
        groups = [(points, faces, ids, "all")]
    else:
        groups = [(*body, None, block.name) for body, block in zip(bodies, blocks, strict=True)]
    meshes, nodes = [], []
    for points, faces, ids, name in groups:
        low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        attributes = {"POSITION": put(points.astype("<f4"), 5126, "VEC3", min=low, max=high)}
        if ids is not None:
            attributes["_BATCHID"] = put(ids.astype("<f4"), 5126, "SCALAR")
        indices = put(faces.astype("<u2").ravel(), 5123, "SCALAR")
        meshes.append({"primitives": [{"attributes": attributes, "indices": indices, "mode": 4}]})
        nodes.append({"mesh": len(meshes) - 1, "name": name})
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(nodes)))}],
        "nodes": nodes,
        "meshes": meshes,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    return document, binary


def pack_glb(document: dict[str, Any], binary: bytes) -> bytes:
    """Put a document and its numbers into one file."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    parts = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(parts)) + parts


def write_glb(path: Path) -> None:
    path.write_bytes(pack_glb(*_document(BLOCKS, batched=False)))


def write_gltf(path: Path) -> None:
    document, binary = _document(BLOCKS, batched=False)
    document["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    path.write_text(json.dumps(document), encoding="utf-8")


def _b3dm(blocks: Sequence[Block], centre: Sequence[float]) -> bytes:
    glb = pack_glb(*_document(blocks, batched=True))
    features = json.dumps({"BATCH_LENGTH": len(blocks), "RTC_CENTER": list(centre)}).encode()
    batches = json.dumps({"name": [block.name for block in blocks], "flats": [7] * len(blocks)}).encode()
    features += b" " * (-(28 + len(features)) % 8)
    batches += b" " * (-len(batches) % 8)
    length = 28 + len(features) + len(batches) + len(glb)
    head = struct.pack("<4s6I", b"b3dm", 1, length, len(features), 0, len(batches), 0)
    return head + features + batches + glb


def _transform() -> np.ndarray:
    """East, north and up at the place, by PROJ."""
    to_earth = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform
    origin = np.array(to_earth(*PLACE))
    up = np.array(to_earth(PLACE[0], PLACE[1], PLACE[2] + 1000)) - origin
    up /= np.linalg.norm(up)
    east = np.cross([0, 0, 1], up)
    east /= np.linalg.norm(east)
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([east, np.cross(up, east), up, origin])
    return matrix


def write_b3dm(path: Path) -> None:
    """A tile on its own: its centre is given, its axes are those of the earth, so the blocks lie on their sides."""
    path.write_bytes(_b3dm(BLOCKS, _transform()[:3, 3].tolist()))


def write_tileset(extra: dict[str, bytes] | None = None, **root: object) -> Callable[[Path], None]:
    """A coarse tile of one block, refined by two tiles of all."""

    def write(path: Path) -> None:
        children = [{"content": {"uri": f"tiles/{i}.b3dm"}, "geometricError": 0} for i in range(2)]
        tileset = {
            "asset": {"version": "1.0"},
            "geometricError": 50,
            "root": {
                "transform": _transform().T.ravel().tolist(),
                "refine": "REPLACE",
                "geometricError": 10,
                "content": {"uri": "tiles/coarse.b3dm"},
                "children": children,
                **root,
            },
        }
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tileset.json", json.dumps(tileset))
            archive.writestr("tiles/coarse.b3dm", _b3dm(BLOCKS[:1], (0, 0, 0)))
            archive.writestr("tiles/0.b3dm", _b3dm(BLOCKS[:2], (0, 0, 0)))
            archive.writestr("tiles/1.b3dm", _b3dm(BLOCKS[2:], (0, 0, 0)))
            for name, content in (extra or {}).items():
                archive.writestr(name, content)

    return write
