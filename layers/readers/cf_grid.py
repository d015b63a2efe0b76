"""Where the pixels of a CF variable lie: its axes, their edges, longitudes from -180 to 180, and the frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crs.cf import cf_frame
from layers.errors import SchemaError, listed

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from layers.sources import Source

__all__ = ["Grid", "find_grid", "on_grid"]

_X_NAMES = ("x", "lon", "longitude", "easting", "rlon")
_Y_NAMES = ("y", "lat", "latitude", "northing", "rlat")
#: Steps of a regular axis may differ by this much of a step: coordinates are often stored as float32.
_EVEN = 0.01
_KILO = {"km", "kilometer", "kilometre", "kilometers", "kilometres"}
_WRONG_UNITS = {"rad", "radian", "radians", "1", "pixel", "pixels"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Where the pixels of a variable lie.

    Parameters
    ----------
    x, y : str
        Names of its horizontal dimensions.
    edges_x, edges_y : numpy.ndarray of float64, shape (nx + 1,), (ny + 1,)
        Edges of the pixels, in the order of `order`, in degrees or metres.
    order : numpy.ndarray of int64 or None
        Columns in the order in which longitudes run from -180 to 180; None: as in the file.
    declared : str or None
        What the file says about its positions.
    """

    x: str
    y: str
    edges_x: NDArray[np.float64]
    edges_y: NDArray[np.float64]
    order: NDArray[np.int64] | None
    declared: str | None


def _axis(dataset: xr.Dataset, data: xr.DataArray, source: Source, *, axis: str) -> str:
    names = _X_NAMES if axis == "X" else _Y_NAMES
    for dim in data.dims:
        coordinate = data.coords.get(dim)
        if coordinate is None:
            continue
        standard = str(coordinate.attrs.get("standard_name", ""))
        if coordinate.attrs.get("axis") == axis or standard.endswith(names[2]) or str(dim).lower() in names:
            return str(dim)
    flat = [str(name) for name, field in dataset.variables.items() if field.ndim == 2 and str(name).lower() in names]
    if flat:
        raise SchemaError(
            f"{source.label}: {flat[0]!r} has two dimensions, so the grid of {data.name!r} is curvilinear; "
            "regrid it first, with gdalwarp -geoloc or cdo remapbil, or take it as a table of points."
        )
    raise SchemaError(
        f"{source.label}: no dimension of {data.name!r} ({listed(data.dims)}) is the {axis.lower()} axis; "
        f"name it {names[0]} or {names[1]}."
    )


def _edges(dataset: xr.Dataset, name: str, source: Source) -> NDArray[np.float64]:
    """Find the edges of the pixels: as the file bounds them, else half-way between evenly spaced centres."""
    axis = dataset[name]
    centres = axis.to_numpy().astype(np.float64)
    if centres.ndim != 1 or len(centres) < 2:
        raise SchemaError(f"{source.label}: {name} is no axis of two or more places; only regular grids are read.")
    unit = str(axis.attrs.get("units", "")).lower()
    if unit in _WRONG_UNITS:
        raise SchemaError(f"{source.label}: {name} is in {unit!r}, neither degrees nor metres; georeference it first.")
    factor = 1000.0 if unit in _KILO else 1.0
    bounds = dataset.variables.get(axis.attrs.get("bounds"))
    if bounds is not None and bounds.shape == (len(centres), 2):
        sides = np.asarray(bounds.values, dtype=np.float64)
        sides = sides if (sides[-1, 0] - sides[0, 0]) * (sides[0, 1] - sides[0, 0]) > 0 else sides[:, ::-1]
        if np.isfinite(sides).all() and np.allclose(
            sides[1:, 0], sides[:-1, 1], rtol=0, atol=_EVEN * abs(np.ptp(sides[0]))
        ):
            return np.append(sides[:, 0], sides[-1, 1]) * factor
    steps = np.diff(centres)
    if not np.isfinite(centres).all() or steps[0] == 0 or np.ptp(steps) > _EVEN * abs(steps.mean()):
        raise SchemaError(
            f"{source.label}: {name} has uneven steps ({steps.min():g} to {steps.max():g}) and no bounds; "
            "resample it to a regular grid."
        )
    first, step = centres[0], (centres[-1] - centres[0]) / (len(centres) - 1)
    edges: NDArray[np.float64] = (first - step / 2 + step * np.arange(len(centres) + 1)) * factor
    return edges


def _is_longitude(dataset: xr.Dataset, name: str) -> bool:
    attrs = dataset[name].attrs
    unit = str(attrs.get("units", "")).lower()
    return attrs.get("standard_name") == "longitude" or unit.startswith(("degree_e", "degrees_e")) or name[:3] == "lon"


def _from_minus_180(edges: NDArray[np.float64], source: Source) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Bring longitudes from 0 to 360 into -180 to 180; columns are turned round where the grid goes round the earth."""
    if edges.max() <= 180.0 + 1e-9 * 360 or edges.min() < -180.0:
        return edges, None
    centres = (edges[:-1] + edges[1:]) / 2
    if centres.min() >= 180.0:
        return edges - 360.0, None
    east = centres >= 180.0
    if not east.any():
        return edges, None
    widths = np.diff(edges)
    if abs(abs(edges[-1] - edges[0]) - 360.0) > _EVEN * abs(widths.mean()):
        raise SchemaError(
            f"{source.label}: longitudes run from {edges.min():g} to {edges.max():g}, across the 180th meridian; "
            "cut the grid in two there."
        )
    order: NDArray[np.int64] = np.concatenate([np.flatnonzero(east), np.flatnonzero(~east)])
    if widths[0] < 0:
        order = np.concatenate([np.flatnonzero(~east), np.flatnonzero(east)])
    left = np.where(east, edges[:-1] - 360.0, edges[:-1])[order]
    return np.append(left, left[-1] + widths[order[-1]]), order


def find_grid(dataset: xr.Dataset, data: xr.DataArray, source: Source) -> Grid:
    """Find where the pixels of a variable lie.

    Parameters
    ----------
    dataset : xarray.Dataset
        The file.
    data : xarray.DataArray
        The variable.
    source : Source
        For messages.

    Returns
    -------
    Grid
        Edges in degrees or metres.

    Raises
    ------
    SchemaError
        If it has no two axes, or the grid is curvilinear, uneven without bounds, or lies across the 180th meridian.
    """
    x, y = _axis(dataset, data, source, axis="X"), _axis(dataset, data, source, axis="Y")
    edges, order = _edges(dataset, x, source), None
    if _is_longitude(dataset, x):
        edges, order = _from_minus_180(edges, source)
    return Grid(
        x=x, y=y, edges_x=edges, edges_y=_edges(dataset, y, source), order=order, declared=_declared(dataset, data)
    )


def _declared(dataset: xr.Dataset, data: xr.DataArray) -> str | None:
    """Read the frame; CF's bare degrees name no datum, and WGS 84 would be a guess, so that is left to the user."""
    name = str(data.encoding.get("grid_mapping", data.attrs.get("grid_mapping")) or "")
    # The extended form "crs: x y" names the axes that it is about.
    mapping = dataset.variables.get(re.split("[: ]", name, maxsplit=1)[0]) if name else None
    return None if mapping is None else cf_frame(mapping.attrs)


def on_grid(data: xr.DataArray, grid: Grid) -> xr.DataArray:
    """Turn a variable so that its last two dimensions are rows and columns of the grid; nothing is loaded.

    Parameters
    ----------
    data : xarray.DataArray
        As in the file.
    grid : Grid
        Where its pixels lie.

    Returns
    -------
    xarray.DataArray
        Dimensions (..., y, x).
    """
    turned = data.transpose(..., grid.y, grid.x)
    return turned if grid.order is None else turned.isel({grid.x: grid.order})
