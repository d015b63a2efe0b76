"""Rasters through rasterio, the driver of each named: nodata becomes NaN, a pixel is an area."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from crs import Lattice
from layers.errors import FileRefusedError, FileUnreadableError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = [
    "Pixels",
    "band_of",
    "mask_value",
    "open_raster_file",
    "read_ascii_grid",
    "read_geotiff",
    "read_grib",
    "refuse_size",
]

#: A slice of this size takes a gigabyte; what is larger is opened window by window.
_MAX_PIXELS = 1 << 27
_NAMES = {"GTiff": "GeoTIFF", "AAIGrid": "ASCII grid", "GRIB": "GRIB"}
_GRIB_TOLD = ("GRIB_VALID_TIME", "GRIB_REF_TIME", "GRIB_SHORT_NAME")


@dataclass(frozen=True, kw_only=True, eq=False)
class Pixels:
    """One raster file, read.

    Parameters
    ----------
    values : numpy.ndarray of float64 or float32, shape (ny, nx)
        NaN where the file has no value.
    lattice : Lattice
        Corners of the pixels.
    declared : str or None
        What the file says about its positions.
    variable, unit : str
        Name and unit of the values; "" when not stated.
    notes : tuple of str
        What was done or chosen while it was read, for the layer's steps: "read: time 2026-06-16T08:00:00".
    """

    values: NDArray[np.floating]
    lattice: Lattice
    declared: str | None
    variable: str
    unit: str
    notes: tuple[str, ...] = ()


def band_of(source: Source, count: int, band: int | None) -> int:
    """Choose the band of a raster that has several.

    Parameters
    ----------
    source : Source
        For messages.
    count : int
        How many it has.
    band : int or None
        The one that is asked for, from 1.

    Returns
    -------
    int
        Its number, from 1.

    Raises
    ------
    SchemaError
        If it is not clear.
    """
    if band is None and count == 1:
        return 1
    if band is None or not 1 <= band <= count:
        raise SchemaError(f"{source.label}: has {count} bands; write band: with a number from 1 to {count}.")
    return band


def mask_value(values: NDArray[np.float64], no_data: float | None) -> NDArray[np.float64]:
    """Empty the pixels that hold a stated number.

    Parameters
    ----------
    values : numpy.ndarray of float64
        Changed in place.
    no_data : float or None
        What means "no value".

    Returns
    -------
    numpy.ndarray of float64
        The same array.
    """
    if no_data is not None:
        # The stated number may have more digits than the pixels' own type can hold.
        values[np.isclose(values, no_data, rtol=1e-6, atol=0)] = np.nan
    return values


def refuse_size(source: Source, ny: int, nx: int) -> None:
    """Refuse a raster that is too large to be held at once.

    Parameters
    ----------
    source : Source
        For messages.
    ny, nx : int
        Its rows and columns.

    Raises
    ------
    FileRefusedError
        If it has more than 134 million pixels.
    """
    if ny * nx > _MAX_PIXELS:
        raise FileRefusedError(
            f"{source.label}: {ny:,} x {nx:,} pixels are more than are read at once ({_MAX_PIXELS:,}); "
            "cut out the city, or open it with layers.lazy.open_raster."
        )


@contextmanager
def open_raster_file(source: Source, driver: str) -> Iterator[rasterio.DatasetReader]:
    """Open a raster by one driver; no file beside it is looked at.

    Parameters
    ----------
    source : Source
        The file.
    driver : str
        GDAL's name of the only driver that is let near it.

    Yields
    ------
    rasterio.DatasetReader
        Open, its place in the world known.

    Raises
    ------
    FileUnreadableError
        If it is broken.
    SchemaError
        If it has no place in the world, or one that needs more than an affine transform.
    """
    try:
        with (
            np.errstate(all="ignore"),
            warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GTIFF_POINT_GEO_IGNORE="NO"),
            rasterio.open(source.path, driver=driver) as file,
        ):
            if file.transform.is_identity:
                _refuse_place(file, source)
            yield file
    except (RasterioError, ValueError) as error:
        raise FileUnreadableError(f"{source.label}: broken {_NAMES[driver]} ({error}); fetch it again.") from error


def _refuse_place(file: rasterio.DatasetReader, source: Source) -> None:
    """Say what kind of place a raster has, if it is none that can be used."""
    if file.gcps[0]:
        raise SchemaError(
            f"{source.label}: lies by {len(file.gcps[0])} ground control points, which are no grid yet; "
            "warp it first (gdalwarp) and give the result."
        )
    if file.rpcs is not None:
        raise SchemaError(
            f"{source.label}: lies by rational polynomials (RPC) of a camera, which need heights of the ground; "
            "orthorectify it first (gdalwarp -rpc -to RPC_DEM=...) and give the result."
        )
    raise SchemaError(f"{source.label}: says nothing of where its pixels lie; georeference it first.")


def _values(file: rasterio.DatasetReader, band: int, kind: str) -> NDArray[np.floating]:
    """Read the pixels of a band; what is written in 32 bits stays so, it is widened by whom it is for."""
    scale, offset = file.scales[band - 1], file.offsets[band - 1]
    plain = (scale, offset) == (1.0, 0.0)
    values: NDArray[np.floating] = file.read(band, out_dtype="float32" if plain and kind == "float32" else "float64")
    if MaskFlags.all_valid not in file.mask_flag_enums[band - 1]:
        gone = file.read_masks(band) == 0
        if gone.any():
            values[gone] = np.nan
    return values if plain else values * scale + offset


def _read(source: Source, options: ReadOptions, driver: str) -> Pixels:
    with open_raster_file(source, driver) as file:
        band = band_of(source, file.count, options.band)
        refuse_size(source, file.height, file.width)
        values = _values(file, band, file.dtypes[band - 1])
        if options.no_data is not None:
            values = mask_value(values.astype(np.float64, copy=False), options.no_data)
        declared = None if file.crs is None else _declared(file.crs)
        transform, tags = tuple(file.transform)[:6], file.tags(band)
        unit = file.units[band - 1] or tags.get("GRIB_UNIT", "").strip("[]")
        variable = tags.get("GRIB_ELEMENT") or file.descriptions[band - 1] or ""
    told = [f"{key[5:].lower().replace('_', ' ')} {tags[key]}" for key in _GRIB_TOLD if tags.get(key)]
    return Pixels(
        values=values,
        lattice=Lattice.from_affine(transform, values.shape),
        declared=declared,
        variable=variable or source.path.stem,
        unit=options.unit or unit,
        notes=(f"read: {', '.join(told)}",) if told else (),
    )


def read_geotiff(source: Source, options: ReadOptions) -> Pixels:
    """Read one band of a GeoTIFF, cloud-optimized or not, at full resolution: its overviews do not count.

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
    FileRefusedError
        If it has more pixels than are read at once.
    FileUnreadableError
        If it is broken.
    SchemaError
        If it has several bands and none is named, or no place in the world.
    """
    return _read(source, options, "GTiff")


def read_ascii_grid(source: Source, options: ReadOptions) -> Pixels:
    """Read an ASCII grid (.asc), as models and ESRI's programs write it.

    Parameters
    ----------
    source : Source
        The text; a .prj beside it states the frame.
    options : ReadOptions
        ``no_data`` and ``unit`` count.

    Returns
    -------
    Pixels
        Errors as of `read_geotiff`.
    """
    return _read(source, options, "AAIGrid")


def read_grib(source: Source, options: ReadOptions) -> Pixels:
    """Read one message of a GRIB file.

    Parameters
    ----------
    source : Source
        A file of edition 1 or 2.
    options : ReadOptions
        ``band`` (the message, from 1), ``no_data`` and ``unit`` count.

    Returns
    -------
    Pixels
        In the message's frame, mostly a sphere; errors as of `read_geotiff`.
    """
    return _read(source, options, "GRIB")


def _declared(crs: rasterio.crs.CRS) -> str:
    authority = crs.to_authority(confidence_threshold=100)
    return ":".join(authority) if authority else str(crs.to_wkt())
