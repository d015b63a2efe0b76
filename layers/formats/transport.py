"""Streets, timetables and what moves on them."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.declared_xml import read_declared_xml
from layers.readers.gbfs import is_gbfs, read_gbfs
from layers.readers.gpx import read_gpx
from layers.readers.gtfs import read_gtfs
from layers.readers.gtfs_feed import holds_timetable
from layers.readers.gtfs_realtime import read_gtfs_realtime
from layers.readers.matsim import read_matsim_network
from layers.readers.osm import read_osm_pbf, read_osm_xml
from layers.readers.sumo import SUMO_OUTPUTS, read_sumo_network, read_sumo_output
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
    Format(
        name="GTFS-Realtime",
        family="transport",
        suffixes=(".pb",),
        starts=(b"\n",),
        positions="WGS 84 by definition (vehicles); stop ids (trip updates, alerts)",
        read=read_gtfs_realtime,
    ),
    Format(
        name="GPX",
        family="transport",
        suffixes=(".gpx", ".xml"),
        starts=(b"<",),
        positions="WGS 84 by definition; heights on a datum that it does not name",
        read=read_gpx,
        packed=True,
        recognise=has_root("gpx"),
    ),
    Format(
        name="SUMO network",
        family="transport",
        suffixes=(".xml",),
        starts=(b"<",),
        positions="PROJ parameters and an offset, which is taken back",
        read=read_sumo_network,
        packed=True,
        recognise=has_root("net"),
    ),
    Format(
        name="SUMO output",
        family="transport",
        suffixes=(".xml",),
        starts=(b"<",),
        positions="WGS 84 where its configuration says geo; else nothing, or ids of edges",
        read=read_sumo_output,
        packed=True,
        recognise=has_root(*SUMO_OUTPUTS),
    ),
    Format(
        name="MATSim network",
        family="transport",
        suffixes=(".xml",),
        starts=(b"<",),
        positions="a frame by EPSG code, if its attributes name one",
        read=read_matsim_network,
        packed=True,
        recognise=has_root("network"),
    ),
    Format(
        name="GBFS",
        family="transport",
        suffixes=(".json",),
        starts=(b"{",),
        positions="WGS 84 by definition (stations, free vehicles); ids of stations (their state)",
        read=read_gbfs,
        packed=True,
        recognise=is_gbfs,
    ),
    Format(
        name="XML by declaration",
        family="transport",
        suffixes=(".xml",),
        starts=(b"<",),
        positions="nothing: fields, and the manifest says what they mean",
        read=read_declared_xml,
        packed=True,
    ),
)
