"""Vector formats: zones, registers, whatever has a geometry and attributes."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.geoparquet import read_parquet
from layers.readers.vector import read_geopackage, read_shapefile

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
)
