"""Samples of fields: the same lattice of six by four pixels in each, two of them without a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import rasterio
import scipy.io

from layers.options import ReadOptions
from tests.layers.samples.model import Sample

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FIELD", "SAMPLES"]

#: West, south, east, north in UTM 32 north, and in degrees.
_PLANE = (678_000.0, 5_403_000.0, 678_600.0, 5_403_400.0)
_DEGREES = (11.0, 48.0, 11.6, 48.4)
_NO_DATA = -9999.0
FIELD = np.arange(24, dtype=np.float32).reshape(4, 6) / 2
FIELD[0, 0] = FIELD[3, 5] = _NO_DATA


def _write_geotiff(path: Path) -> None:
    west, _, _, north = _PLANE
    profile = {"width": 6, "height": 4, "count": 1, "dtype": "float32", "nodata": _NO_DATA, "compress": "deflate"}
    transform = rasterio.Affine(100, 0, west, 0, -100, north)
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:25832", transform=transform, **profile) as file:
        file.write(FIELD, 1)
        file.set_band_description(1, "no2")
        file.set_band_unit(1, "ug/m3")


_LON = np.arange(6) / 10 + 11.05
_LAT = 48.35 - np.arange(4) / 10


def _write_netcdf3(path: Path) -> None:
    with scipy.io.netcdf_file(path, "w", version=2) as file:
        for name, values, units in (("lat", _LAT, "degrees_north"), ("lon", _LON, "degrees_east")):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "d", (name,))
            axis[:] = values
            axis.units = units
        field = file.createVariable("no2", "f", ("lat", "lon"))
        field[:] = FIELD
        field.units = "ug m-3"
        field._FillValue = np.float32(_NO_DATA)


def _write_netcdf4(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, values, units in (("lat", _LAT, "degrees_north"), ("lon", _LON, "degrees_east")):
            axis = file.create_dataset(name, data=values)
            axis.make_scale(name)
            axis.attrs["units"] = np.bytes_(units)
        field = file.create_dataset("no2", data=FIELD, chunks=(2, 3), compression="gzip", fletcher32=True)
        field.attrs["units"] = np.bytes_("ug m-3")
        field.attrs["_FillValue"] = np.array([_NO_DATA], dtype=np.float32)
        for k, name in enumerate(("lat", "lon")):
            field.dims[k].attach_scale(file[name])


SAMPLES: tuple[Sample, ...] = (
    Sample(format="GeoTIFF", file="no2.tif", write=_write_geotiff, records=22, bounds=_PLANE),
    Sample(
        format="NetCDF",
        file="no2_3.nc",
        write=_write_netcdf3,
        records=22,
        bounds=_DEGREES,
        position="OGC:CRS84",
        options=ReadOptions(layer="no2"),
    ),
    Sample(format="NetCDF", file="no2_4.nc", write=_write_netcdf4, records=22, bounds=_DEGREES, position="OGC:CRS84"),
)
