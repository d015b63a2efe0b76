"""Samples of the city models: the same five blocks in each format."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from layers.options import ReadOptions
from tests.layers.samples.building_models import write_ifc
from tests.layers.samples.city_blocks import BLOCKS, BOUNDS, Block
from tests.layers.samples.model import Sample
from tests.layers.samples.tiles import write_b3dm, write_glb, write_gltf, write_tileset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["SAMPLES", "write_citygml"]

_SCALE = 0.001
#: In axes of their own, from the corner of the first block.
_OWN = (0.0, 0.0, 90.0, 12.0)


def _cityjson(version: str, blocks: tuple[Block, ...] = BLOCKS) -> dict[str, object]:
    objects, vertices = {}, []
    for block in blocks:
        faces = block.faces()
        shell = []
        for _, rings in faces:
            shell.append([[len(vertices) + k for k in range(len(ring))] for ring in rings[:1]])
            vertices += rings[0]
            for ring in rings[1:]:
                shell[-1].append([len(vertices) + k for k in range(len(ring))])
                vertices += ring
        semantics = {"surfaces": [{"type": kind} for kind, _ in faces], "values": [list(range(len(faces)))]}
        solid = {"type": "Solid", "lod": "2", "boundaries": [shell], "semantics": semantics}
        objects[block.name] = {"type": "Building", "attributes": {"roofType": "flat"}, "geometry": [solid]}
    return {
        "type": "CityJSON",
        "version": version,
        "transform": {"scale": [_SCALE] * 3, "translate": [678_000, 5_403_000, 400]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "CityObjects": objects,
        "vertices": [
            [round((value - shift) / _SCALE) for value, shift in zip(point, (678_000, 5_403_000, 400), strict=True)]
            for point in vertices
        ],
    }


def _write_cityjson(version: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(json.dumps(_cityjson(version)), encoding="utf-8") and None


def _write_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("blocks.city.json", json.dumps(_cityjson("1.1")))


def _write_sequence(path: Path) -> None:
    header = _cityjson("2.0", ()) | {"CityObjects": {}, "vertices": []}
    lines = [header]
    for block in BLOCKS:
        one = _cityjson("2.0", (block,))
        lines.append({"type": "CityJSONFeature", "id": block.name, **{k: one[k] for k in ("CityObjects", "vertices")}})
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


def _polygon(rings: list[list[tuple[float, float, float]]], identity: str) -> str:
    parts = []
    for tag, ring in zip(["exterior", *["interior"] * (len(rings) - 1)], rings, strict=True):
        numbers = " ".join(repr(value) for point in (*ring, ring[0]) for value in point)
        parts.append(f"<gml:{tag}><gml:LinearRing><gml:posList>{numbers}</gml:posList></gml:LinearRing></gml:{tag}>")
    return f'<gml:Polygon gml:id="{identity}">{"".join(parts)}</gml:Polygon>'


def _building_2(block: Block) -> str:
    """Thematic surfaces, and a solid that refers to them, as CityGML 1.0 and 2.0 have it."""
    bounded, members = [], []
    for i, (kind, rings) in enumerate(block.faces()):
        identity = f"{block.name}_{i}"
        bounded.append(
            f"<bldg:boundedBy><bldg:{kind}><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember>"
            f"{_polygon(rings, identity)}</gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:{kind}>"
            "</bldg:boundedBy>"
        )
        members.append(f'<gml:surfaceMember xlink:href="#{identity}"/>')
    return (
        f'<bldg:Building gml:id="{block.name}"><gen:stringAttribute name="owner"><gen:value>city</gen:value>'
        '</gen:stringAttribute><gen:intAttribute name="flats"><gen:value>7</gen:value></gen:intAttribute>'
        "<bldg:function>1000</bldg:function>"
        f'<bldg:measuredHeight uom="m">{block.high - block.low}</bldg:measuredHeight>'
        "<bldg:storeysAboveGround>3</bldg:storeysAboveGround><bldg:lod2Solid><gml:Solid><gml:exterior>"
        f"<gml:CompositeSurface>{''.join(members)}</gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod2Solid>"
        f"{''.join(bounded)}</bldg:Building>"
    )


def _building_3(block: Block) -> str:
    """The same in CityGML 3.0: boundaries of the construction module, heights with a unit in feet."""
    bounded = [
        f"<core:boundary><con:{kind}><core:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember>"
        f"{_polygon(rings, f'{block.name}_{i}')}"
        f"</gml:surfaceMember></gml:MultiSurface></core:lod2MultiSurface></con:{kind}></core:boundary>"
        for i, (kind, rings) in enumerate(block.faces())
    ]
    return (
        f'<bldg:Building gml:id="{block.name}"><core:genericAttribute><gen:IntAttribute><gen:name>flats</gen:name>'
        f"<gen:value>7</gen:value></gen:IntAttribute></core:genericAttribute>{''.join(bounded)}<con:height><con:Height>"
        f'<con:value uom="[ft_i]">{(block.high - block.low) / 0.3048!r}</con:value></con:Height></con:height>'
        "<bldg:storeysAboveGround>3</bldg:storeysAboveGround></bldg:Building>"
    )


def write_citygml(version: str, *, frame: str = "EPSG:25832") -> Callable[[Path], None]:
    """Write the blocks in a version of CityGML."""

    def write(path: Path) -> None:
        gml = "http://www.opengis.net/gml" + ("/3.2" if version == "3.0" else "")
        spaces = [f'xmlns:core="http://www.opengis.net/citygml/{version}"', f'xmlns:gml="{gml}"']
        for prefix, name in (("bldg", "building"), ("gen", "generics"), ("con", "construction")):
            spaces.append(f'xmlns:{prefix}="http://www.opengis.net/citygml/{name}/{version}"')
        spaces.append('xmlns:xlink="http://www.w3.org/1999/xlink"')
        build = _building_3 if version == "3.0" else _building_2
        members = "".join(f"<core:cityObjectMember>{build(block)}</core:cityObjectMember>" for block in BLOCKS)
        envelope = f'<gml:boundedBy><gml:Envelope srsName="{frame}" srsDimension="3"/></gml:boundedBy>'
        path.write_text(f"<core:CityModel {' '.join(spaces)}>{envelope}{members}</core:CityModel>", encoding="utf-8")

    return write


def _sample(name: str, file: str, write: Callable[[Path], None], **options: str) -> Sample:
    return Sample(format=name, file=file, write=write, records=5, bounds=BOUNDS, options=ReadOptions(**options))


SAMPLES: tuple[Sample, ...] = (
    _sample("JSON", "blocks.city.json", _write_cityjson("2.0")),
    _sample("CityJSONSeq", "blocks.city.jsonl", _write_sequence),
    _sample("CityJSON, zipped", "blocks.city.json.zip", _write_archive),
    _sample("CityGML", "blocks.gml", write_citygml("2.0")),
    _sample("IFC", "blocks.ifc", write_ifc("IFC4")),
    Sample(format="GLB", file="blocks.glb", write=write_glb, records=5, bounds=_OWN, position="EPSG:25832"),
    Sample(format="glTF", file="blocks.gltf", write=write_gltf, records=5, bounds=_OWN, position="EPSG:25832"),
    Sample(format="b3dm", file="blocks.b3dm", write=write_b3dm, records=5),
    Sample(format="3D Tiles", file="blocks.3tz", write=write_tileset(), records=5),
)
