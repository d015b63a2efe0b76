"""Fields and measurements."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.cf import read_netcdf, read_zarr
from layers.readers.raster import read_ascii_grid, read_geotiff, read_grib

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
    Format(
        name="Zarr",
        family="environment",
        suffixes=(".zarr", ".zarr.zip"),
        starts=(b"{", b"PK\x03\x04"),
        positions="CF grid mapping; degrees without a datum where it is silent",
        read=read_zarr,
    ),
    Format(
        name="ASCII grid",
        family="environment",
        suffixes=(".asc",),
        starts=(b"ncols", b"NCOLS", b"nrows", b"NROWS", b"nCols", b"Ncols"),
        positions="the lattice; WKT in the .prj beside it, if that was sent along",
        read=read_ascii_grid,
    ),
    Format(
        name="GRIB",
        family="environment",
        suffixes=(".grib", ".grib2", ".grb", ".grb2"),
        starts=(b"GRIB",),
        positions="a sphere or an ellipsoid by its radii, and the lattice",
        read=read_grib,
    ),
)
