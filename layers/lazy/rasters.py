"""Rasters by windows: each is read when Dask asks for it, and no other byte of the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from dask.base import tokenize
from numpy.typing import NDArray

from layers.errors import SchemaError
from layers.options import ReadOptions
from layers.readers.cf import find_variable, instants, open_dataset
from layers.readers.cf_grid import find_grid, on_grid
from layers.readers.raster import open_raster_file
from layers.registry import resolve_format
from layers.sources import Source, resolve_source

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["open_raster"]

_Reader = Callable[[Source, str, tuple[slice, ...]], NDArray[np.float64]]


def open_raster(source: str | Path, *, options: ReadOptions | None = None, chunk: int = 1024) -> xr.DataArray:
    """Plan to read a GeoTIFF, a NetCDF file or a Zarr store window by window.

    Parameters
    ----------
    source : str or pathlib.Path
        The file or store.
    options : ReadOptions or None
        ``root``, ``layer`` and, of a GeoTIFF, ``band`` count.
    chunk : int
        Rows and columns of a window.

    Returns
    -------
    xarray.DataArray
        Dimensions (..., y, x) of Dask windows, float64, NaN where there is no value; coordinates are the centres of the
        pixels, times are in UTC; attribute ``declared`` says what the file says of its positions.

    Raises
    ------
    SchemaError
        If the variable is not clear, or the raster is turned against its axes.
    """
    options = options or ReadOptions()
    found = resolve_source(source, root=options.root)
    if resolve_format(found).name == "GeoTIFF":
        return _open_geotiff(found, options, chunk)
    with open_dataset(found) as dataset:
        data = find_variable(dataset, found, options.layer)
        grid = find_grid(dataset, data, found)
        placed = on_grid(data, grid)
        shape, dims = placed.shape, tuple(map(str, placed.dims))
        coordinates: dict[str, Any] = {name: _coordinate(dataset, name) for name in dims[:-2]}
        name, unit = str(data.name), str(data.attrs.get("units", ""))
    coordinates |= {dims[-2]: (grid.edges_y[:-1] + grid.edges_y[1:]) / 2}
    coordinates |= {dims[-1]: (grid.edges_x[:-1] + grid.edges_x[1:]) / 2}
    window = (*(1 for _ in shape[:-2]), min(chunk, shape[-2]), min(chunk, shape[-1]))
    lazy = _windows(_read_cf, found, name, shape=shape, window=window)
    return xr.DataArray(
        lazy, dims=dims, coords=coordinates, name=name, attrs={"units": unit, "declared": grid.declared or ""}
    )


def _coordinate(dataset: xr.Dataset, name: str) -> NDArray[np.generic]:
    places = instants(dataset, name)
    if "T" in places[0]:
        times = pd.to_datetime(pd.Series(places), format="ISO8601", errors="coerce")
        return np.array(places, dtype=object) if times.isna().any() else times.to_numpy()
    return np.array([float(place) for place in places])


def _open_geotiff(source: Source, options: ReadOptions, chunk: int) -> xr.DataArray:
    with open_raster_file(source, "GTiff") as file:
        shape = (file.count, file.height, file.width)
        affine = file.transform
        declared = "" if file.crs is None else ":".join(file.crs.to_authority() or ()) or file.crs.to_wkt()
        name, unit = file.descriptions[0] or source.path.stem, file.units[0] or ""
    if affine.b or affine.d:
        raise SchemaError(f"{source.label}: is turned against its axes; warp it first (gdalwarp).")
    lazy = _windows(_read_geotiff, source, name, shape=shape, window=(1, min(chunk, shape[1]), min(chunk, shape[2])))
    data = xr.DataArray(
        lazy,
        dims=("band", "y", "x"),
        coords={
            "band": np.arange(1, shape[0] + 1),
            "y": affine.f + affine.e * (np.arange(shape[1]) + 0.5),
            "x": affine.c + affine.a * (np.arange(shape[2]) + 0.5),
        },
        name=name,
        attrs={"units": unit, "declared": declared},
    )
    return data.squeeze("band") if shape[0] == 1 else data if options.band is None else data.sel(band=options.band)


def _windows(read: _Reader, source: Source, name: str, *, shape: tuple[int, ...], window: tuple[int, ...]) -> da.Array:
    chunks = da.core.normalize_chunks(window, shape)
    stamp = (str(source.path), source.path.stat().st_mtime_ns, source.path.stat().st_size, name, chunks)

    def block(block_info: Any = None) -> NDArray[np.float64]:  # noqa: ANN401 - Dask's own dictionary
        slices = tuple(slice(start, stop) for start, stop in block_info[None]["array-location"])
        return read(source, name, slices)

    return da.map_blocks(
        block, chunks=chunks, dtype=np.float64, meta=np.empty((0,) * len(shape)), name=f"layers-{tokenize(stamp)}"
    )


def _read_geotiff(source: Source, name: str, place: tuple[slice, ...]) -> NDArray[np.float64]:
    del name
    band = place[0].start + 1
    with open_raster_file(source, "GTiff") as file:
        raw = file.read(band, window=((place[1].start, place[1].stop), (place[2].start, place[2].stop)), masked=True)
        scale, offset = file.scales[band - 1], file.offsets[band - 1]
    values: NDArray[np.float64] = np.ma.filled(raw.astype(np.float64), np.nan) * scale + offset
    return values[None]


def _read_cf(source: Source, name: str, place: tuple[slice, ...]) -> NDArray[np.float64]:
    with open_dataset(source) as dataset:
        data = dataset[name]
        placed = on_grid(data, find_grid(dataset, data, source))
        return np.asarray(placed.isel(dict(zip(placed.dims, place, strict=True))).values, dtype=np.float64)
