"""Vector formats: zones, registers, whatever has a geometry and attributes."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.desktop_gis import (
    read_dxf,
    read_file_geodatabase,
    read_flatgeobuf,
    read_mapinfo_interchange,
    read_mapinfo_table,
    read_zipped_shapefile,
)
from layers.readers.geoparquet import read_parquet
from layers.readers.gml import read_gml
from layers.readers.kml import read_kml, read_kmz
from layers.readers.spatialite import read_sqlite
from layers.readers.vector import read_geopackage, read_shapefile
from layers.readers.web_json import read_esri_file, read_geojson_sequence, read_topojson_file
from layers.readers.xml_stream import has_root

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (
    Format(
        name="GeoParquet",
        family="zones",
        suffixes=(".parquet", ".geoparquet"),
        starts=(b"PAR1",),
        positions="PROJJSON of the frame; OGC:CRS84 where it is silent; plain Parquet states nothing",
        read=read_parquet,
    ),
    Format(
        name="GeoPackage",
        family="zones",
        suffixes=(".gpkg",),
        starts=(b"SQLite format 3\0",),
        positions="a frame by authority and code, or WKT",
        read=read_geopackage,
    ),
    Format(
        name="Shapefile",
        family="zones",
        suffixes=(".shp",),
        starts=(b"\0\0\x27\x0a",),
        positions="WKT in the .prj beside it, if that was sent along",
        read=read_shapefile,
    ),
    Format(
        name="Shapefile, zipped",
        family="zones",
        suffixes=(".shp.zip",),
        starts=(b"PK\x03\x04",),
        positions="WKT in its .prj, if that is packed too",
        read=read_zipped_shapefile,
    ),
    Format(
        name="FlatGeobuf",
        family="zones",
        suffixes=(".fgb",),
        starts=(b"fgb\x03fgb",),
        positions="a frame by authority and code, or WKT",
        read=read_flatgeobuf,
    ),
    Format(
        name="MapInfo TAB",
        family="zones",
        suffixes=(".tab",),
        starts=(b"!table", b"!Table", b"!TABLE"),
        positions="projection and datum by MapInfo's numbers",
        read=read_mapinfo_table,
    ),
    Format(
        name="MapInfo MIF",
        family="zones",
        suffixes=(".mif",),
        starts=(b"Version", b"VERSION", b"version"),
        positions="CoordSys by MapInfo's numbers; degrees where it is silent",
        read=read_mapinfo_interchange,
    ),
    Format(
        name="DXF",
        family="zones",
        suffixes=(".dxf",),
        starts=(b"  0", b"0\n", b"0\r\n", b" 0\n", b"999"),
        positions="nothing: a drawing's numbers, and the manifest says what they mean",
        read=read_dxf,
    ),
    Format(
        name="File geodatabase",
        family="zones",
        suffixes=(".gdb.zip",),
        starts=(b"PK\x03\x04",),
        positions="a frame by authority and code, or WKT",
        read=read_file_geodatabase,
    ),
    Format(
        name="SpatiaLite",
        family="zones",
        suffixes=(".sqlite", ".sqlite3", ".spatialite", ".db"),
        starts=(b"SQLite format 3\0",),
        positions="a frame by authority and code, or WKT; a plain table states nothing",
        read=read_sqlite,
    ),
    Format(
        name="GeoJSONSeq",
        family="zones",
        suffixes=(".geojsonl", ".geojsons", ".geojsonseq", ".ndjson"),
        starts=(b"{", b"\x1e"),
        positions="WGS 84, as GeoJSON",
        read=read_geojson_sequence,
        packed=True,
    ),
    Format(
        name="TopoJSON",
        family="zones",
        suffixes=(".topojson",),
        starts=(b"{",),
        positions="nothing: often degrees, sometimes pixels",
        read=read_topojson_file,
        packed=True,
    ),
    Format(
        name="Esri JSON",
        family="zones",
        suffixes=(".esrijson",),
        starts=(b"{",),
        positions="a frame by Esri's or EPSG's number, with heights, or WKT",
        read=read_esri_file,
        packed=True,
    ),
    Format(
        name="KML",
        family="zones",
        suffixes=(".kml",),
        starts=(b"<",),
        positions="WGS 84 longitude and latitude, always",
        read=read_kml,
        packed=True,
        recognise=has_root("kml"),
    ),
    Format(
        name="KMZ",
        family="zones",
        suffixes=(".kmz",),
        starts=(b"PK\x03\x04",),
        positions="WGS 84 longitude and latitude, always",
        read=read_kmz,
    ),
    Format(
        name="GML",
        family="zones",
        suffixes=(".gml", ".xml"),
        starts=(b"<",),
        positions="srsName by code, URN or URL, and with it the order of axes",
        read=read_gml,
        packed=True,
        recognise=has_root("FeatureCollection"),
    ),
)
