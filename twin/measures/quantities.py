"""What all measures do: take a variable in the unit that a formula wants, know the hour, and add cells up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from layers.errors import SchemaError
from layers.units import conversion
from spatial_join import H3Grid
from twin.cube.coarse import parents_of
from twin.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

    Over: TypeAlias = "int | str | None"

CITY = "city"
"""What `over` is called where all cells are taken together."""


def variable_in(cube: xr.Dataset, name: str, unit: str | None) -> xr.DataArray:
    """Return a variable of a cube in the unit that a formula wants.

    Parameters
    ----------
    cube : xarray.Dataset
        As `Twin.cube` gives it.
    name : str
        Of the variable.
    unit : str or None
        The unit; None takes any, if one is stated.

    Returns
    -------
    xarray.DataArray
        Converted, with ``units``.

    Raises
    ------
    MeasureError
        If the cube has no such variable, or its unit is missing or measures something else.
    """
    if name not in cube:
        raise MeasureError(f"the cube has no {name!r}: name one of {', '.join(map(str, cube)) or 'a fuller cube'}")
    array = cube[name]
    stated = array.attrs.get("units")
    if stated is None:
        raise MeasureError(f"{name} states no unit: set cube[{name!r}].attrs['units'], to {unit or 'what it is in'}")
    if unit is None or stated == unit:
        return array
    try:
        factor, offset = conversion(str(stated), unit)
    except SchemaError as error:
        raise MeasureError(f"{name} is in {stated!r} where {unit} is wanted: {error}") from None
    return (array * factor + offset).assign_attrs({**array.attrs, "units": unit})


def described(array: xr.DataArray, name: str, *, unit: str, long_name: str) -> xr.DataArray:
    """Return an array with the name and the attributes of a measure.

    Parameters
    ----------
    array : xarray.DataArray
        The values.
    name : str
        Of the measure.
    unit, long_name : str
        What CF asks for.

    Returns
    -------
    xarray.DataArray
        The same values.
    """
    made = array.rename(name)
    made.attrs = {"units": unit, "long_name": long_name}  # what was said of one of the inputs does not hold for it
    return made


def total(array: xr.DataArray, over: Over = None) -> xr.DataArray:
    """Add cells up.

    Parameters
    ----------
    array : xarray.DataArray
        With a dim ``cell``; NaN counts as nothing.
    over : int, "city" or None
        An H3 resolution: the parents of that resolution; ``"city"``: all cells; None: nothing is added up.

    Returns
    -------
    xarray.DataArray
        Sums; NaN where no cell of a sum has a value.

    Raises
    ------
    MeasureError
        If `over` is something else, or finer than the cells.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> array = xr.DataArray([1.0, np.nan, 2.0], dims="cell")
    >>> float(total(array, "city"))
    3.0
    """
    if over is None:
        return array
    if over == CITY:
        return array.sum("cell", min_count=1, keep_attrs=True)
    if isinstance(over, bool) or not isinstance(over, int):
        raise MeasureError(f"over {over!r} is none: write an H3 resolution, 'city' or None")
    cells = array["cell"].to_numpy()
    stored = int(array["cell"].attrs.get("level", over))
    if not 0 <= over <= stored:
        raise MeasureError(f"cells of resolution {stored} cannot be added up to resolution {over}: write a coarser one")
    order = np.argsort(cells, kind="stable")
    values = array.transpose("cell", ...).to_numpy()[order]
    parents, starts = parents_of(cells[order], over)
    known = np.isfinite(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0) if starts.size else values
    seen = np.logical_or.reduceat(known, starts, axis=0) if starts.size else known
    dims = ("cell", *(dim for dim in array.dims if dim != "cell"))
    kept = {name: axis for name, axis in array.coords.items() if "cell" not in axis.dims}
    axis = xr.DataArray(parents, dims="cell", attrs={"grid_name": "h3", "level": over})
    return xr.DataArray(np.where(seen, sums, np.nan), dims=dims, coords={**kept, "cell": axis}, attrs=array.attrs)


def mean(array: xr.DataArray, weight: xr.DataArray, over: Over = None) -> xr.DataArray:
    """Average cells by a weight.

    Parameters
    ----------
    array, weight : xarray.DataArray
        With a dim ``cell``; where either is NaN neither counts.
    over : int, "city" or None
        As in `total`.

    Returns
    -------
    xarray.DataArray
        Means; NaN where there is no weight.
    """
    both = (array * weight).notnull()  # noqa: PD004 - xarray has only this name
    top = total((array * weight).where(both), over)
    base = total((weight + 0 * array).where(both), over)
    return top / base.where(base > 0)


def local_hours(cube: xr.Dataset | xr.DataArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the local hour at which each step begins, and whether it is on a weekend.

    Parameters
    ----------
    cube : xarray.Dataset or xarray.DataArray
        With a coordinate ``time`` in UTC, whose ``timezone`` stands in its attributes, or since local midnight.

    Returns
    -------
    hour : ndarray of float64, shape (steps,)
        0 to 24.
    weekend : ndarray of bool, shape (steps,)
        False for a typical day.
    """
    times = cube["time"].to_numpy()
    if times.dtype.kind == "m":
        return times / np.timedelta64(1, "h") % 24, np.zeros(times.size, dtype=bool)
    local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(cube["time"].attrs.get("timezone", "UTC"))
    hour = (local.hour + local.minute / 60 + local.second / 3600).to_numpy(dtype=np.float64)
    return hour, (local.day_of_week >= 5).astype(bool)


def step_hours(cube: xr.Dataset | xr.DataArray) -> float:
    """Return the length of a step.

    Parameters
    ----------
    cube : xarray.Dataset or xarray.DataArray
        With a coordinate ``time`` of equal steps.

    Returns
    -------
    float
        Hours.

    Raises
    ------
    MeasureError
        If there are fewer than two steps, so that nobody can know.
    """
    times = cube["time"].to_numpy()
    if times.size < 2:
        raise MeasureError("one step does not say how long it is: give the measure two steps or more, and cut after it")
    return float((times[1] - times[0]) / np.timedelta64(1, "h"))


def areas(cube: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """Return the areas of the cells.

    Parameters
    ----------
    cube : xarray.Dataset or xarray.DataArray
        With a coordinate ``cell``.

    Returns
    -------
    xarray.DataArray
        Dim cell, square metres on the ellipsoid.
    """
    cells = cube["cell"].to_numpy()
    grid = H3Grid(resolution_of(cube))
    return xr.DataArray(grid.areas_m2(cells), dims="cell", coords={"cell": cube["cell"]}, attrs={"units": "m2"})


def resolution_of(cube: xr.Dataset | xr.DataArray) -> int:
    """Return the H3 resolution of the cells.

    Parameters
    ----------
    cube : xarray.Dataset or xarray.DataArray
        With a coordinate ``cell``, of one cell or more.

    Returns
    -------
    int
        As the numbers of the cells say it.
    """
    cells: npt.NDArray[Any] = cube["cell"].to_numpy()
    if cells.size == 0:
        raise MeasureError("the cube has no cell: ask for more of the city")
    return int(cells[0]) >> 52 & 15
