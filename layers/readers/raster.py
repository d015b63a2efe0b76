"""GeoTIFF through rasterio with its driver named, NetCDF through xarray: nodata becomes NaN, a pixel is an area."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h5py  # type: ignore[import-untyped]
import numpy as np
import rasterio
import xarray as xr
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from crs import Lattice
from layers.errors import FileRefusedError, FileUnreadableError, SchemaError, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["Pixels", "read_geotiff", "read_netcdf"]

_X_NAMES = ("x", "lon", "longitude", "easting", "rlon")
_Y_NAMES = ("y", "lat", "latitude", "northing", "rlat")
#: Steps of a regular axis may differ by this much of a step: coordinates are often stored as float32.
_EVEN = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class Pixels:
    """One raster file, read.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (ny, nx)
        NaN where the file has no value.
    lattice : Lattice
        Corners of the pixels.
    declared : str or None
        What the file says about its positions.
    variable, unit : str
        Name and unit of the values; "" when not stated.
    """

    values: NDArray[np.float64]
    lattice: Lattice
    declared: str | None
    variable: str
    unit: str


def _band(source: Source, count: int, band: int | None) -> int:
    if band is None and count == 1:
        return 1
    if band is None or not 1 <= band <= count:
        raise SchemaError(f"{source.label}: has {count} bands; write band: with a number from 1 to {count}.")
    return band


def _masked(values: NDArray[np.float64], no_data: float | None) -> NDArray[np.float64]:
    if no_data is not None:
        # The stated number may have more digits than the pixels' own type can hold.
        values[np.isclose(values, no_data, rtol=1e-6, atol=0)] = np.nan
    return values


def read_geotiff(source: Source, options: ReadOptions) -> Pixels:
    """Read one band of a GeoTIFF.

    Parameters
    ----------
    source : Source
        A .tif file. Only the GTiff driver is let near it, and no file beside it is looked at.
    options : ReadOptions
        ``band``, ``no_data`` and ``unit`` count.

    Returns
    -------
    Pixels
        Values with the file's scale and offset applied; pixels that are points become the areas around them.

    Raises
    ------
    FileUnreadableError
        If it is broken.
    SchemaError
        If it has several bands and none is named, or no place in the world.
    """
    try:
        with (
            np.errstate(all="ignore"),
            warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GTIFF_POINT_GEO_IGNORE="NO"),
            rasterio.open(source.path, driver="GTiff") as file,
        ):
            band = _band(source, file.count, options.band)
            if file.transform.is_identity:
                raise SchemaError(f"{source.label}: says nothing of where its pixels lie; georeference it first.")
            raw = file.read(band, masked=True)
            values = np.ma.filled(raw.astype(np.float64), np.nan) * file.scales[band - 1] + file.offsets[band - 1]
            declared = None if file.crs is None else _declared(file.crs)
            transform, unit = tuple(file.transform)[:6], file.units[band - 1] or ""
            variable = file.descriptions[band - 1] or ""
    except RasterioError as error:
        raise FileUnreadableError(f"{source.label}: broken GeoTIFF ({error}); fetch it again.") from error
    return Pixels(
        values=_masked(values, options.no_data),
        lattice=Lattice.from_affine(transform, values.shape),
        declared=declared,
        variable=variable or source.path.stem,
        unit=options.unit or unit,
    )


def _declared(crs: rasterio.crs.CRS) -> str:
    authority = crs.to_authority(confidence_threshold=100)
    return ":".join(authority) if authority else str(crs.to_wkt())


def _check_hdf(source: Source) -> None:
    """Refuse HDF5 whose data lie in other files."""

    def _visit(name: str, item: h5py.Dataset | h5py.Group) -> str | None:
        return name if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual) else None

    try:
        with h5py.File(source.path, "r") as file:
            found = file.visititems(_visit) or _external_link(file)
    except (OSError, RuntimeError, KeyError) as error:
        raise FileUnreadableError(f"{source.label}: broken NetCDF-4 ({error}); fetch it again.") from error
    if found:
        raise FileRefusedError(f"{source.label}: {found!r} takes its data from another file; export it in one piece.")


def _external_link(group: h5py.Group) -> str | None:
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            return str(name)
        if isinstance(link, h5py.HardLink) and isinstance(group[name], h5py.Group):
            inner = _external_link(group[name])
            if inner:
                return f"{name}/{inner}"
    return None


def _edges(centres: NDArray[np.float64], source: Source, name: str) -> NDArray[np.float64]:
    """Turn pixel centres into edges; rising or falling, but evenly."""
    if centres.ndim != 1 or len(centres) < 2:
        raise SchemaError(f"{source.label}: {name} is no axis of two or more places; only regular grids are read.")
    steps = np.diff(centres)
    if not np.isfinite(centres).all() or steps[0] == 0 or np.ptp(steps) > _EVEN * abs(steps.mean()):
        raise SchemaError(
            f"{source.label}: {name} has uneven steps ({steps.min():g} to {steps.max():g}); "
            "resample it to a regular grid."
        )
    first, step = centres[0], (centres[-1] - centres[0]) / (len(centres) - 1)
    edges: NDArray[np.float64] = first - step / 2 + step * np.arange(len(centres) + 1)
    return edges


def _axis(data: xr.DataArray, names: tuple[str, ...], axis: str, source: Source) -> str:
    for dim in data.dims:
        coordinate = data.coords.get(dim)
        if coordinate is None:
            continue
        standard = str(coordinate.attrs.get("standard_name", ""))
        if coordinate.attrs.get("axis") == axis or standard.endswith(names[2]) or str(dim).lower() in names:
            return str(dim)
    raise SchemaError(
        f"{source.label}: no dimension of {data.name!r} ({listed(data.dims)}) is the {axis.lower()} axis; "
        f"name it {names[0]} or {names[1]}."
    )


def _variable(dataset: xr.Dataset, source: Source, wanted: str | None) -> xr.DataArray:
    names = [
        str(name) for name, data in dataset.data_vars.items() if data.ndim >= 2 and np.issubdtype(data.dtype, np.number)
    ]
    if wanted is None and len(names) == 1:
        return dataset[names[0]]
    if wanted is None or wanted not in names:
        raise SchemaError(f"{source.label}: write layer: with one of its gridded variables {listed(names)}.")
    return dataset[wanted]


def _grid_mapping(dataset: xr.Dataset, data: xr.DataArray) -> str | None:
    """Read the frame; CF's bare degrees name no datum, and WGS 84 would be a guess, so that is left to the user."""
    name = data.encoding.get("grid_mapping", data.attrs.get("grid_mapping"))
    mapping = dataset.get(name) if name else None
    if mapping is not None:
        for key in ("crs_wkt", "spatial_ref"):
            if mapping.attrs.get(key):
                return str(mapping.attrs[key])
    return None


def read_netcdf(source: Source, options: ReadOptions) -> Pixels:
    """Read one slice of a variable on a regular grid.

    Parameters
    ----------
    source : Source
        A .nc file, NetCDF-3 or NetCDF-4.
    options : ReadOptions
        ``layer`` (the variable), ``band`` (the place along further dimensions, from 1), ``no_data`` and ``unit`` count.

    Returns
    -------
    Pixels
        Fill values are NaN, scale and offset applied; latitudes may fall or rise.

    Raises
    ------
    FileRefusedError
        If data lie in other files.
    FileUnreadableError
        If it is broken.
    SchemaError
        If the variable or the slice is not clear, or the grid is not regular.
    """
    is_hdf = source.head(8).startswith(b"\x89HDF")
    if is_hdf:
        _check_hdf(source)
    try:
        with xr.open_dataset(source.path, engine="h5netcdf" if is_hdf else "scipy", decode_times=False) as dataset:
            data = _variable(dataset, source, options.layer)
            x, y = _axis(data, _X_NAMES, "X", source), _axis(data, _Y_NAMES, "Y", source)
            flat = data.transpose(..., y, x)
            values = np.array(flat.values, dtype=np.float64).reshape(-1, data.sizes[y], data.sizes[x])
            corners = np.meshgrid(
                _edges(data[x].to_numpy().astype(np.float64), source, x),
                _edges(data[y].to_numpy().astype(np.float64), source, y),
            )
            declared = _grid_mapping(dataset, data)
            unit = str(data.attrs.get("units", ""))
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise FileUnreadableError(f"{source.label}: broken NetCDF ({error}); fetch it again.") from error
    band = _band(source, len(values), options.band)
    return Pixels(
        values=_masked(values[band - 1].copy(), options.no_data),
        lattice=Lattice(corners[0], corners[1]),
        declared=declared,
        variable=str(data.name),
        unit=options.unit or unit,
    )
