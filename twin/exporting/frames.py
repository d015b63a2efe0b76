"""What is exported, as frames: features as published, and cells with their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial_join import H3Grid
from twin.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from twin.model import Twin

__all__ = ["at_time", "cells_frame", "features_frame"]

FRAME = "OGC:CRS84"


def features_frame(city: Twin, layer: str) -> gpd.GeoDataFrame:
    """Return the features of a layer for others to read.

    Parameters
    ----------
    city : Twin
        Whose layer it is.
    layer : str
        Its name.

    Returns
    -------
    geopandas.GeoDataFrame
        As `Twin.features`, numbered from 0.
    """
    return city.features(layer).reset_index(drop=True)


def at_time(cube: xr.Dataset, time: object) -> xr.Dataset:
    """Choose one step of a cube.

    Parameters
    ----------
    cube : xarray.Dataset
        With an axis of time, or without.
    time : str, numpy.datetime64, numpy.timedelta64 or None
        A time of the axis; None: all.

    Returns
    -------
    xarray.Dataset
        Without the axis where a time is given.

    Raises
    ------
    UnknownNameError
        If the time is none of the axis.
    """
    if time is None:
        return cube
    axis = cube.indexes["time"]
    try:
        wanted = pd.Timedelta(str(time)) if isinstance(axis, pd.TimedeltaIndex) else pd.Timestamp(str(time))
        if isinstance(wanted, pd.Timestamp) and wanted.tzinfo is not None:
            wanted = wanted.tz_convert("UTC").tz_localize(None)
        place = axis.to_list().index(wanted)
    except ValueError:
        raise UnknownNameError(
            f"{time} is no step of this twin: its clock runs from {axis[0]} to {axis[-1]} in {len(axis)} steps"
        ) from None
    return cube.isel(time=place).drop_vars("time")


def cells_frame(
    city: Twin, variables: Sequence[str], *, resolution: int | None = None, time: object = None
) -> gpd.GeoDataFrame:
    """Return cells with the values of variables.

    Parameters
    ----------
    city : Twin
        Whose variables they are.
    variables : sequence of str
        Their names.
    resolution : int, optional
        H3 resolution; that of storage if left out.
    time : str, numpy.datetime64, numpy.timedelta64 or None
        One step; all if left out.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns cell (hexadecimal), time (text, ISO 8601; only where values change with it and no step was chosen), one
        for each variable and its sigma, and the outline of the cell. Rows in which nothing is known are left out.
    """
    cube = at_time(city.cube(list(variables), resolution=resolution), time)
    moves = any("time" in array.dims for array in cube.data_vars.values())
    if not moves and "time" in cube.coords:
        cube = cube.drop_vars("time")
    names = [str(name) for name in cube.data_vars]
    table = cube.to_dataframe(dim_order=["cell", "time"] if moves else ["cell"])[names]
    table = table.dropna(how="all").reset_index()
    cells = table["cell"].to_numpy(np.uint64)
    found, place = np.unique(cells, return_inverse=True)
    table["cell"] = np.array([f"{cell:x}" for cell in found.tolist()], dtype=object)[place]
    if moves:
        table["time"] = [step.isoformat() for step in table["time"]]
    outlines = H3Grid(resolution=city.resolution if resolution is None else resolution).boundaries(found)
    return gpd.GeoDataFrame(table, geometry=np.asarray(outlines, dtype=object)[place], crs=FRAME)
