"""NetCDF and Zarr by the CF conventions, through xarray: nothing is loaded but the slice that is asked for."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from xarray.backends import H5netcdfBackendEntrypoint, ScipyBackendEntrypoint, ZarrBackendEntrypoint

from crs import Lattice
from layers.errors import FileUnreadableError, SchemaError, listed
from layers.readers.cf_grid import find_grid, on_grid
from layers.readers.chunk_stores import check_hdf, open_store
from layers.readers.raster import Pixels, band_of, mask_value, refuse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["find_variable", "instants", "open_dataset", "read_netcdf", "read_zarr"]

_BROKEN = (
    OSError, ValueError, TypeError, LookupError, RuntimeError, AttributeError, ArithmeticError, MemoryError,
    SystemError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@contextmanager
def open_dataset(source: Source) -> Iterator[xr.Dataset]:
    """Open a NetCDF file or a Zarr store; values are neither loaded nor decoded but for fill, scale and offset.

    Parameters
    ----------
    source : Source
        A .nc file, or a .zarr folder or zip archive.

    Yields
    ------
    xarray.Dataset
        Its variables; times are numbers.

    Raises
    ------
    FileRefusedError
        If data lie in other files, or would run code.
    FileUnreadableError
        If it is broken.
    """
    zarr = source.suffix.startswith(".zarr")
    is_hdf = not zarr and source.head(8).startswith(b"\x89HDF")
    if is_hdf:
        check_hdf(source)
    try:
        with warnings.catch_warnings(action="ignore"):  # on metadata that do not concern the values
            if zarr:
                with open_store(source) as store, xr.open_dataset(
                    store,  # type: ignore[arg-type] # it takes any store of Zarr
                    engine=ZarrBackendEntrypoint,
                    consolidated=False,
                    decode_times=False,
                ) as dataset:  # fmt: skip
                    yield dataset
            else:
                # By class: looking an engine up by name searches all that is installed, anew in every process.
                engine = H5netcdfBackendEntrypoint if is_hdf else ScipyBackendEntrypoint
                with xr.open_dataset(source.path, engine=engine, decode_times=False) as dataset:
                    yield dataset
    except _BROKEN as error:
        what = "Zarr" if zarr else "NetCDF"
        raise FileUnreadableError(f"{source.label}: broken {what} ({error}); fetch it again.") from error


def find_variable(dataset: xr.Dataset, source: Source, wanted: str | None) -> xr.DataArray:
    """Choose the variable that is read.

    Parameters
    ----------
    dataset : xarray.Dataset
        The file.
    source : Source
        For messages.
    wanted : str or None
        Its name; None: the only one there is.

    Returns
    -------
    xarray.DataArray
        Numbers with two or more dimensions.

    Raises
    ------
    SchemaError
        If it is not clear which.
    """
    bounds = {str(data.attrs.get("bounds", "")) for data in dataset.variables.values()}
    names = [
        str(name)
        for name, data in dataset.data_vars.items()
        if data.ndim >= 2 and np.issubdtype(data.dtype, np.number) and name not in bounds
    ]
    if wanted is None and len(names) == 1:
        return dataset[names[0]]
    if wanted is None or wanted not in names:
        raise SchemaError(f"{source.label}: write layer: with one of its gridded variables {listed(names)}.")
    return dataset[wanted]


def instants(dataset: xr.Dataset, name: str) -> list[str]:
    """Write the places of an axis: times in ISO 8601, in the calendar of the file and in UTC; numbers as they are.

    Parameters
    ----------
    dataset : xarray.Dataset
        The file, times as numbers.
    name : str
        A dimension.

    Returns
    -------
    list of str
        One a place; "1", "2", ... where the axis has no coordinate.
    """
    if name not in dataset.variables:
        return [str(i + 1) for i in range(dataset.sizes[name])]
    axis = dataset[name]
    if " since " in str(axis.attrs.get("units", "")):
        axis = xr.decode_cf(xr.Dataset(coords={name: axis}))[name]
        if np.issubdtype(axis.dtype, np.datetime64):
            return [str(value)[:19] for value in axis.values.astype("datetime64[ns]")]
        return [value.isoformat()[:19] for value in axis.values]
    return [f"{value:g}" if isinstance(value, float | np.floating) else str(value) for value in axis.values]


def _select(
    dataset: xr.Dataset, data: xr.DataArray, at: Mapping[str, str], source: Source
) -> tuple[xr.DataArray, tuple[str, ...]]:
    notes = []
    for name, wanted in at.items():
        if name not in data.dims:
            raise SchemaError(
                f"{source.label}: at names {name!r}; {data.name!r} has the dimensions {listed(data.dims)}."
            )
        places = instants(dataset, name)
        found = [i for i, place in enumerate(places) if place == str(wanted)] or [
            i for i, place in enumerate(places) if "T" in place and place.startswith(str(wanted))
        ]
        if len(found) != 1:
            what = "no place" if not found else f"{len(found)} places"
            raise SchemaError(
                f"{source.label}: {what} along {name} begin with {wanted!r}; it runs from {places[0]} to {places[-1]} "
                f"in {len(places)} steps. Write at: {{{name}: {places[0]!r}}}."
            )
        data = data.isel({name: found[0]})
        notes.append(f"read: {name} {places[found[0]]}, step {found[0] + 1} of {len(places)}")
    return data, tuple(notes)


def _valid(values: NDArray[np.float64], data: xr.DataArray) -> tuple[NDArray[np.float64], int]:
    """Empty what lies outside the range that the file calls valid; that is written in the packed numbers."""
    low, high = data.attrs.get("valid_min"), data.attrs.get("valid_max")
    if np.size(data.attrs.get("valid_range", ())) == 2:
        low, high = data.attrs["valid_range"]
    scale, offset = data.encoding.get("scale_factor", 1.0), data.encoding.get("add_offset", 0.0)
    ends = sorted(
        float(end) * scale + offset if end is not None else wild for end, wild in ((low, -np.inf), (high, np.inf))
    )
    slack = 1e-6 * abs(scale)
    out = (values < ends[0] - slack) | (values > ends[1] + slack)
    return np.where(out, np.nan, values), int(out.sum())


def _read(source: Source, options: ReadOptions) -> Pixels:
    with open_dataset(source) as dataset:
        data = find_variable(dataset, source, options.layer)
        grid = find_grid(dataset, data, source)
        chosen, notes = _select(dataset, on_grid(data, grid), options.at, source)
        rest = chosen.shape[:-2]
        band = band_of(source, int(np.prod(rest)), options.band)
        place = dict(zip(chosen.dims[:-2], np.unravel_index(band - 1, rest), strict=True)) if rest else {}
        refuse_size(source, *chosen.shape[-2:])
        values = np.array(chosen.isel(place).values, dtype=np.float64)
        values, outside = _valid(values, data)
        notes += tuple(f"read: {name} {instants(dataset, str(name))[int(i)]}" for name, i in place.items())
        notes += (f"read: {outside:,} values outside the valid range of the file are missing",) if outside else ()
        unit = str(data.attrs.get("units", ""))
    corner_x, corner_y = np.meshgrid(grid.edges_x, grid.edges_y)
    return Pixels(
        values=mask_value(values, options.no_data),
        lattice=Lattice(corner_x, corner_y),
        declared=grid.declared,
        variable=str(data.name),
        unit=options.unit or unit,
        notes=notes,
    )


def read_netcdf(source: Source, options: ReadOptions) -> Pixels:
    """Read one slice of a variable of a NetCDF file on a regular grid.

    Parameters
    ----------
    source : Source
        A .nc file, NetCDF-3 or NetCDF-4.
    options : ReadOptions
        ``layer`` (the variable), ``at`` (places along further dimensions, such as a time), ``band`` (the place along
        all that are left, from 1), ``no_data`` and ``unit`` count.

    Returns
    -------
    Pixels
        Fill values and values outside the valid range are NaN, scale and offset applied; latitudes may fall or rise,
        longitudes from 0 to 360 become -180 to 180.

    Raises
    ------
    FileRefusedError
        If data lie in other files.
    FileUnreadableError
        If it is broken.
    SchemaError
        If the variable or the slice is not clear, or the grid is not regular.
    """
    return _read(source, options)


def read_zarr(source: Source, options: ReadOptions) -> Pixels:
    """Read one slice of a variable of a Zarr store, format 2 or 3, by the CF conventions.

    Parameters
    ----------
    source : Source
        A .zarr folder, or the same as .zarr.zip.
    options : ReadOptions
        As of `read_netcdf`.

    Returns
    -------
    Pixels
        As of `read_netcdf`.

    Raises
    ------
    FileRefusedError
        If a codec could run code, or a file of it lies elsewhere.
    FileUnreadableError
        If it is broken.
    SchemaError
        If the variable or the slice is not clear, or the grid is not regular.
    """
    return _read(source, options)
