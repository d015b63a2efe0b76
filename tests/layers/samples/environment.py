"""Samples of fields: the same lattice of six by four pixels in each, two of them without a value."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import rasterio
import rasterio.shutil
import scipy.io
import xarray as xr

from layers.options import ReadOptions
from tests.layers.samples.model import Sample

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


def _write_raster(path: Path, *, driver: str, transform: rasterio.Affine, epsg: int) -> None:
    told = {"driver": driver, "dtype": "float32", "count": 1, "nodata": _NO_DATA, "transform": transform}
    with rasterio.open(path, "w", height=4, width=6, crs=rasterio.CRS.from_epsg(epsg), **told) as file:
        file.write(FIELD, 1)


def _write_cog(path: Path) -> None:
    west, _, _, north = _PLANE
    _write_raster(path, driver="COG", transform=rasterio.Affine(100, 0, west, 0, -100, north), epsg=25832)


def _write_ascii_grid(path: Path) -> None:
    lines = ["ncols 6", "nrows 4", f"xllcorner {_PLANE[0]}", f"yllcorner {_PLANE[1]}", "cellsize 100"]
    lines += [f"NODATA_value {_NO_DATA}", *(" ".join(f"{value:g}" for value in row) for row in FIELD)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _write_grib(path: Path) -> None:
    with TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.tif"
        _write_raster(plain, driver="GTiff", transform=rasterio.Affine(0.1, 0, 11.0, 0, -0.1, 48.4), epsg=4326)
        rasterio.shutil.copy(plain, path, driver="GRIB", DATA_ENCODING="IEEE_FLOATING_POINT")
    Path(f"{path}.aux.xml").unlink(missing_ok=True)


def _write_zarr(path: Path) -> None:
    """Write two hours; the frame is stated by WKT in a grid mapping."""
    values = np.where(FIELD == _NO_DATA, np.nan, FIELD).astype("float64")
    wkt = rasterio.CRS.from_epsg(4326).to_wkt()
    cube = xr.Dataset(
        {
            "no2": (("time", "lat", "lon"), np.stack([values, values + 1]), {"units": "ug m-3", "grid_mapping": "crs"}),
            "crs": ((), 0, {"grid_mapping_name": "latitude_longitude", "crs_wkt": wkt}),
        },
        coords={
            "time": ("time", [8, 9], {"units": "hours since 2026-06-16", "standard_name": "time"}),
            "lat": ("lat", _LAT, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", _LON, {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )
    with TemporaryDirectory() as folder:
        store = Path(folder) / "a.zarr"
        cube.to_zarr(store, zarr_format=3, consolidated=False)
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(part for part in store.rglob("*") if part.is_file()):
                archive.write(file, file.relative_to(store).as_posix())


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
    Sample(format="GeoTIFF", file="cog.tiff", write=_write_cog, records=22, bounds=_PLANE),
    Sample(
        format="Zarr",
        file="no2.zarr.zip",
        write=_write_zarr,
        records=22,
        bounds=_DEGREES,
        options=ReadOptions(at={"time": "2026-06-16T08:00:00"}),
    ),
    Sample(
        format="ASCII grid",
        file="no2.asc",
        write=_write_ascii_grid,
        records=22,
        bounds=_PLANE,
        position="EPSG:25832",
    ),
    Sample(
        format="GRIB",
        file="no2.grib2",
        write=_write_grib,
        records=22,
        bounds=_DEGREES,
        position="EPSG:4326",
        options=ReadOptions(trust="declared", no_data=-9999),
    ),
)
