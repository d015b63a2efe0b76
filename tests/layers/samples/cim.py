"""Samples of city models: four blocks in a row, each a closed solid."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.layers.samples.model import Sample

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BOUNDS", "SAMPLES"]

_SIDE_M = 10.0
_ORIGIN = (85_000.0, 446_000.0, 0.0)
_SCALE = 0.001
BOUNDS = (85_000.0, 446_000.0, 85_070.0, 446_010.0)
#: The corners of a box (0-3 below, 4-7 above) by face, seen from outside.
_FACES = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
_KINDS = ("GroundSurface", "RoofSurface", *["WallSurface"] * 4)
_METADATA = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"}
_TRANSFORM = {"scale": [_SCALE] * 3, "translate": list(_ORIGIN)}


def _block(i: int, *, start: int) -> tuple[dict[str, Any], list[list[int]]]:
    west, height = 2 * _SIDE_M * i, 5.0 + i
    corners = [(west, 0), (west + _SIDE_M, 0), (west + _SIDE_M, _SIDE_M), (west, _SIDE_M)]
    vertices = [[round(x / _SCALE), round(y / _SCALE), round(z / _SCALE)] for z in (0, height) for x, y in corners]
    solid = {
        "type": "Solid",
        "lod": "1.2",
        "boundaries": [[[[start + k for k in face]] for face in _FACES]],
        "semantics": {"surfaces": [{"type": kind} for kind in _KINDS], "values": [list(range(6))]},
    }
    return {"type": "Building", "attributes": {"storeys": i + 1, "name": f"块{i}"}, "geometry": [solid]}, vertices


def _write_cityjson(path: Path) -> None:
    objects: dict[str, Any] = {}
    vertices: list[list[int]] = []
    for i in range(4):
        objects[f"b{i}"], added = _block(i, start=len(vertices))
        vertices += added
    head = {"type": "CityJSON", "version": "2.0", "transform": _TRANSFORM, "metadata": _METADATA}
    path.write_text(json.dumps({**head, "CityObjects": objects, "vertices": vertices}), encoding="utf-8")


def _write_sequence(path: Path) -> None:
    head = {"type": "CityJSON", "version": "2.0", "transform": _TRANSFORM, "metadata": _METADATA}
    lines = [json.dumps({**head, "CityObjects": {}, "vertices": []})]
    for i in range(4):
        block, vertices = _block(i, start=0)
        feature = {"type": "CityJSONFeature", "id": f"b{i}", "CityObjects": {f"b{i}": block}, "vertices": vertices}
        lines.append(json.dumps(feature))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


SAMPLES: tuple[Sample, ...] = (
    Sample(format="JSON", file="blocks.city.json", write=_write_cityjson, records=4, bounds=BOUNDS),
    Sample(format="CityJSONSeq", file="blocks.city.jsonl", write=_write_sequence, records=4, bounds=BOUNDS),
)
