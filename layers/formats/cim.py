"""City models."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.citygml import read_citygml
from layers.readers.cityjson import read_cityjson_sequence
from layers.readers.ifc import read_ifc
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
)
