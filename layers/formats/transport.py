"""Streets, timetables and what moves on them."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.gtfs import read_gtfs
from layers.readers.gtfs_feed import holds_timetable
from layers.readers.osm import read_osm_pbf, read_osm_xml
from layers.readers.xml_stream import has_root

__all__ = ["FORMATS"]

#: A PBF file begins with the length of its first header and that header's type.
_PBF = (b"\0\0\0\x0d\x0a\x09OSMHeader", b"\0\0\0\x0e\x0a\x09OSMHeader")

FORMATS: tuple[Format, ...] = (
    Format(
        name="OSM PBF",
        family="transport",
        suffixes=(".pbf",),
        starts=_PBF,
        positions="WGS 84 by definition",
        read=read_osm_pbf,
    ),
    Format(
        name="OSM XML",
        family="transport",
        suffixes=(".osm", ".xml"),
        starts=(b"<",),
        positions="WGS 84 by definition",
        read=read_osm_xml,
        packed=True,
        recognise=has_root("osm"),
    ),
    Format(
        name="GTFS",
        family="transport",
        suffixes=(".zip",),
        starts=(b"PK\x03\x04", b"PK\x05\x06"),
        positions="WGS 84 by definition",
        read=read_gtfs,
        recognise=holds_timetable,
    ),
)
