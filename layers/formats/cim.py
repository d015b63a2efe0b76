"""City models."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.citygml import read_citygml
from layers.readers.cityjson import read_cityjson_archive, read_cityjson_sequence
from layers.readers.ifc import read_ifc
from layers.readers.tiles3d import read_b3dm, read_glb, read_gltf, read_tileset
from layers.readers.xml_stream import has_root

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (
    Format(
        name="CityJSONSeq",
        family="cim",
        suffixes=(".city.jsonl", ".jsonl", ".cityjsonl"),
        starts=(b"{",),
        positions="a compound frame by EPSG code, for the whole file",
        read=read_cityjson_sequence,
        packed=True,
    ),
    Format(
        name="CityJSON, zipped",
        family="cim",
        suffixes=(".city.zip",),
        starts=(b"PK\x03\x04",),
        positions="a compound frame by EPSG code, for the whole file",
        read=read_cityjson_archive,
    ),
    Format(
        name="CityGML",
        family="cim",
        suffixes=(".gml", ".xml", ".citygml"),
        starts=(b"<",),
        positions="srsName by code, URN or URL, heights too, and with it the order of axes",
        read=read_citygml,
        packed=True,
        recognise=has_root("CityModel"),
    ),
    Format(
        name="IFC",
        family="cim",
        suffixes=(".ifc",),
        starts=(b"ISO-10303-21;",),
        positions="IfcMapConversion and IfcProjectedCRS, or property sets of that name; otherwise the site's own axes",
        read=read_ifc,
    ),
    Format(
        name="GLB",
        family="cim",
        suffixes=(".glb",),
        starts=(b"glTF",),
        positions="nothing: metres along the model's own axes",
        read=read_glb,
    ),
    Format(
        name="glTF",
        family="cim",
        suffixes=(".gltf",),
        starts=(b"{",),
        positions="nothing: metres along the model's own axes",
        read=read_gltf,
    ),
    Format(
        name="b3dm",
        family="cim",
        suffixes=(".b3dm",),
        starts=(b"b3dm",),
        positions="earth-centred, always: becomes WGS 84 with heights above the ellipsoid",
        read=read_b3dm,
    ),
    Format(
        name="3D Tiles",
        family="cim",
        suffixes=(".3tz",),
        starts=(b"PK\x03\x04",),
        positions="earth-centred through the transforms of its tiles: WGS 84 with heights above the ellipsoid",
        read=read_tileset,
    ),
)
