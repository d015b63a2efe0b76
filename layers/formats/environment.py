"""Fields and measurements."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.raster import read_geotiff, read_netcdf

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (
    Format(
        name="GeoTIFF",
        family="environment",
        suffixes=(".tif", ".tiff"),
        starts=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        positions="a frame by EPSG code or parameters, and the lattice",
        read=read_geotiff,
    ),
    Format(
        name="NetCDF",
        family="environment",
        suffixes=(".nc", ".nc4"),
        starts=(b"CDF\x01", b"CDF\x02", b"\x89HDF\r\n\x1a\n"),
        positions="CF grid mapping; degrees without a datum where it is silent",
        read=read_netcdf,
    ),
)
