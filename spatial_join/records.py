"""One view of everything that records come in: layers, raster layers and GeoDataFrames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa

from spatial_join.errors import CrsMismatchError, JoinError, QuantityError
from spatial_join.pieces import LatticeLike

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LON_LAT", "Records", "crs_name", "frame_of", "records_of", "require_degrees", "require_one_crs"]

LON_LAT = "OGC:CRS84"
"""The one frame in which records meet: longitude, latitude on WGS84."""

_SAME_AS_LON_LAT = frozenset({LON_LAT, "EPSG:4326", "OGC:CRS84H", "EPSG:4979"})


@dataclass(frozen=True, kw_only=True)
class Records:
    """Geometry and attributes of a source, whatever its type.

    Parameters
    ----------
    name : str
        Name of the source, for messages.
    geometry : ndarray of shapely geometries or lattice
        Positions in longitude and latitude.
    table : pandas.DataFrame
        Attributes, one line per record; a raster's has one column.
    valid : ndarray of bool, optional
        Pixels that hold a value.
    sigma_m : ndarray of float64, optional
        Standard deviation of the position per horizontal axis, metres.
    radius_m : ndarray of float64, optional
        Radius of the area that a record stands for, metres; NaN where it stands for none.
    """

    name: str
    geometry: NDArray[Any] | LatticeLike
    table: pd.DataFrame
    valid: NDArray[np.bool_] | None = None
    sigma_m: NDArray[np.float64] | None = None
    radius_m: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> NDArray[Any]:
        """Return one attribute.

        Parameters
        ----------
        name : str
            Name of the column.

        Returns
        -------
        ndarray
            One entry per record.

        Raises
        ------
        QuantityError
            If there is no such column.
        """
        if name not in self.table.columns:
            raise QuantityError(
                f"{self.name!r} has no column {name!r}; it has {', '.join(map(str, self.table.columns)) or 'none'}."
            )
        return np.asarray(self.table[name])


def records_of(source: Any) -> Records:  # noqa: ANN401 -- layers, rasters and frames share no base class
    """View a layer, a raster layer or a GeoDataFrame as records.

    Parameters
    ----------
    source : layers.Layer, layers.RasterLayer or geopandas.GeoDataFrame
        Records in longitude and latitude.

    Returns
    -------
    Records
        The same data, not copied.

    Raises
    ------
    CrsMismatchError
        If the source is not in longitude and latitude, or does not say what it is in.
    JoinError
        If the source is none of these.
    """
    if isinstance(source, gpd.GeoDataFrame):
        _require_lon_lat("the GeoDataFrame", crs_name(source))
        table = pd.DataFrame(source.drop(columns=source.geometry.name))
        sigma = table["sigma_m"].to_numpy(dtype=np.float64) if "sigma_m" in table.columns else None
        radius = table["radius_m"].to_numpy(dtype=np.float64) if "radius_m" in table.columns else None
        geometry = np.asarray(source.geometry)
        return Records(name="the GeoDataFrame", geometry=geometry, table=table, sigma_m=sigma, radius_m=radius)
    name = str(getattr(source, "name", type(source).__name__))
    if hasattr(source, "position"):
        _require_lon_lat(repr(name), str(source.position.crs or source.position.name))
    coordinates = getattr(source, "coordinates", None)
    if isinstance(coordinates, LatticeLike):
        values = np.asarray(source.values, dtype=np.float64)
        variable = str(getattr(source, "variable", None) or name)
        return Records(
            name=name,
            geometry=coordinates,
            table=pd.DataFrame({variable: values.ravel()}),
            valid=np.isfinite(values),
            sigma_m=_stated(np.full(values.size, float(getattr(coordinates, "sigma_m", 0.0)))),
        )
    if hasattr(source, "geometry") and hasattr(source, "table"):
        sigma = getattr(source, "sigma_m", None)
        return Records(
            name=name,
            geometry=np.asarray(source.geometry, dtype=object),
            table=source.table,
            sigma_m=None if sigma is None else _stated(np.asarray(sigma, dtype=np.float64)),
            radius_m=getattr(coordinates, "radius_m", None),
        )
    raise JoinError(
        f"Cannot take records from a {type(source).__name__}; pass a Layer, a RasterLayer or a GeoDataFrame."
    )


def frame_of(source: Any) -> gpd.GeoDataFrame:  # noqa: ANN401 -- layers and frames share no base class
    """Turn a layer or a GeoParquet file into a GeoDataFrame; a GeoDataFrame is returned as it is.

    Parameters
    ----------
    source : layers.Layer, geopandas.GeoDataFrame, str or Path
        Records.

    Returns
    -------
    geopandas.GeoDataFrame
        The records with their declared coordinate reference system.

    Raises
    ------
    JoinError
        If the source is a raster, or a file that is not GeoParquet.
    """
    if isinstance(source, gpd.GeoDataFrame):
        return source
    if isinstance(source, str | Path):
        return _frame_of_file(Path(source))
    records = records_of(source)
    if isinstance(records.geometry, LatticeLike):
        raise JoinError(f"{records.name!r} is a raster; take it to cells with to_h3 and join the cells.")
    return gpd.GeoDataFrame(records.table.copy(deep=False), geometry=records.geometry, crs=LON_LAT)


def _frame_of_file(path: Path) -> gpd.GeoDataFrame:
    """Read a GeoParquet file, and nothing else."""
    try:
        return gpd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise JoinError(
            f"{path}: no GeoParquet file that can be read ({error}). "
            "Read other files with layers.read and join the layer."
        ) from None


def crs_name(frame: gpd.GeoDataFrame) -> str | None:
    """Name the coordinate reference system of a frame.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Any frame.

    Returns
    -------
    str or None
        Authority and code, or the name of a system without code; None if the frame declares none.
    """
    if frame.crs is None:
        return None
    authority = frame.crs.to_authority()
    return ":".join(authority) if authority else str(frame.crs.name)


def require_one_crs(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame) -> None:
    """Refuse two frames that are not in one coordinate reference system.

    Parameters
    ----------
    left, right : geopandas.GeoDataFrame
        Both sides of a join.

    Raises
    ------
    CrsMismatchError
        If they differ, or one declares none; the message names both.
    """
    names = crs_name(left), crs_name(right)
    if None in names:
        side = "left" if names[0] is None else "right"
        raise CrsMismatchError(
            f"The {side} side does not say which coordinate reference system it is in (left: {names[0]}, right: "
            f"{names[1]}). Read it with its position, or declare it with set_crs."
        )
    if left.crs != right.crs and not left.crs.equals(right.crs, ignore_axis_order=True):
        raise CrsMismatchError(
            f"The left side is in {names[0]}, the right side in {names[1]}. Harmonise both first (crs.harmonise), "
            f"or move one: right.to_crs({names[0]!r})."
        )


def require_degrees(frame: gpd.GeoDataFrame) -> None:
    """Refuse a frame in which metres on the ellipsoid cannot be measured.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        With a declared coordinate reference system.

    Raises
    ------
    CrsMismatchError
        If it is not in degrees.
    """
    if not frame.crs.is_geographic:
        raise CrsMismatchError(
            f"Metres are measured on the ellipsoid, so this join needs {LON_LAT}, but the data are in "
            f"{crs_name(frame)}. Harmonise both sides first."
        )


def _stated(sigma_m: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the standard deviations, or None if every one is 0, which means "not stated" and not "exact"."""
    return sigma_m if (sigma_m > 0.0).any() else None


def _require_lon_lat(what: str, crs: str | None) -> None:
    if crs is None:
        raise CrsMismatchError(
            f"{what} does not say which coordinate reference system it is in. Read it with its position, "
            f"or declare it: frame.set_crs({LON_LAT!r})."
        )
    if crs not in _SAME_AS_LON_LAT:
        raise CrsMismatchError(
            f"{what} is in {crs}, but cells are found in {LON_LAT}. Harmonise it first: crs.harmonise(layer), "
            f"or frame.to_crs({LON_LAT!r})."
        )
