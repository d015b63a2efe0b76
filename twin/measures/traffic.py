"""How slow traffic is, against how fast it could be.

Travel times add up along a way, speeds do not: wherever cells are put together, times are added, by length or by
vehicle kilometres, before two of them are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from twin.errors import MeasureError
from twin.measures.quantities import described, local_hours, mean, step_hours, variable_in

if TYPE_CHECKING:
    import numpy.typing as npt

    from twin.measures.quantities import Over

FREE_FLOW_QUANTILE = 0.85
"""Of the off-peak speeds: FHWA, Urban Congestion Reports."""

PERSONS_PER_VEHICLE = 1.5
"""Average occupancy of a car in the Urban Mobility Report 2021, table of constants."""


def off_peak(cube: xr.Dataset) -> npt.NDArray[np.bool_]:
    """Say which steps lie off the peaks.

    Parameters
    ----------
    cube : xarray.Dataset
        With the coordinate ``time``.

    Returns
    -------
    ndarray of bool, shape (steps,)
        Local time Monday to Friday 9 to 16 and 19 to 22 o'clock, Saturday and Sunday 6 to 22; a typical day counts as
        one of the former.

    References
    ----------
    Federal Highway Administration, Urban Congestion Reports, "Explanation of measures": off-peak hours.
    """
    hour, weekend = local_hours(cube)
    workday = ((hour >= 9) & (hour < 16)) | ((hour >= 19) & (hour < 22))
    return np.where(weekend, (hour >= 6) & (hour < 22), workday)


def free_flow_speed(
    cube: xr.Dataset, *, speed: str = "speed_kmh", quantile: float = FREE_FLOW_QUANTILE
) -> xr.DataArray:
    """Estimate how fast each cell is driven when nobody is in the way.

    Parameters
    ----------
    cube : xarray.Dataset
        With speeds over all of the clock.
    speed : str, optional
        Variable of the speeds; any unit of speed.
    quantile : float, optional
        Which quantile of the off-peak speeds, 0 to 1.

    Returns
    -------
    xarray.DataArray
        Dim cell, km/h; NaN where no off-peak speed is known.

    Raises
    ------
    MeasureError
        If the clock has no off-peak step, the quantile is none, or the variable is no speed.

    References
    ----------
    Federal Highway Administration, Urban Congestion Reports: free-flow speed is the 85th percentile of off-peak speeds.
    """
    if not 0 < quantile <= 1:
        raise MeasureError(f"quantile {quantile!r} is none: write a share such as 0.85")
    values = variable_in(cube, speed, "km/h")
    chosen = off_peak(cube)
    if not chosen.any():
        raise MeasureError(
            "the cube has no off-peak step (workdays 9 to 16 and 19 to 22 o'clock): give it the whole clock, or name "
            "a variable of free-flow speeds as free_flow"
        )
    calm = values.isel(time=np.flatnonzero(chosen)).transpose("cell", "time").to_numpy()
    known = np.isfinite(calm).any(axis=1)
    speeds = np.full(known.size, np.nan)
    speeds[known] = np.nanquantile(calm[known], quantile, axis=1)
    found = xr.DataArray(speeds, dims="cell", coords={"cell": cube["cell"]})
    return described(found, "free_flow_speed", unit="km/h", long_name=f"quantile {quantile:g} of off-peak speeds")


def travel_time_index(
    cube: xr.Dataset,
    *,
    speed: str = "speed_kmh",
    free_flow: str | None = None,
    weight: str | None = None,
    over: Over = None,
) -> xr.DataArray:
    """Compare the time that a way takes with the time that it takes in free flow.

    ``TTI = sum(w / v) / sum(w / v_free)`` over the cells that are put together; of one cell ``v_free / v``.

    Parameters
    ----------
    cube : xarray.Dataset
        With speeds; over all of the clock if `free_flow` is left out.
    speed : str, optional
        Variable of the speeds; any unit of speed.
    free_flow : str, optional
        Variable of free-flow speeds; `free_flow_speed` if left out.
    weight : str, optional
        Variable that says how much is driven in each cell: metres of street, or vehicle kilometres. Each cell counts
        alike if left out.
    over : int, "city" or None, optional
        An H3 resolution of parents, or all cells; cell by cell if left out.

    Returns
    -------
    xarray.DataArray
        Dims (cell, time) or (time,); ratio, 1 in free flow and below it where traffic is faster than that; NaN where
        either speed is unknown or not above 0.

    References
    ----------
    D. Schrank, L. Albert, B. Eisele, T. Lomax, Urban Mobility Report 2021, Texas A&M Transportation Institute,
    appendix A: travel time index = travel time in the peak / travel time in free flow, weighted by vehicle miles; so
    too its glossary, https://mobility.tamu.edu/umr/media-information/glossary/, and the Bureau of Transportation
    Statistics, https://www.bts.gov/content/travel-time-index (1.3: 26 minutes for what takes 20 in free flow).
    """
    slow, fast = _slowness(cube, speed, free_flow)
    load = xr.ones_like(slow) if weight is None else variable_in(cube, weight, None)
    known = (slow * fast * load).notnull()
    index = mean(slow.where(known), load, over) / mean((fast + 0 * slow).where(known), load, over)
    return described(index, "travel_time_index", unit="1", long_name="travel time over travel time in free flow")


def congestion_level(
    cube: xr.Dataset,
    *,
    speed: str = "speed_kmh",
    free_flow: str | None = None,
    weight: str | None = None,
    over: Over = None,
) -> xr.DataArray:
    """Say which part of the free-flow travel time is lost on top of it: ``TTI - 1``.

    Parameters
    ----------
    cube : xarray.Dataset
        With speeds; over all of the clock if `free_flow` is left out.
    speed : str, optional
        Variable of the speeds; any unit of speed.
    free_flow : str, optional
        Variable of free-flow speeds; `free_flow_speed` if left out.
    weight : str, optional
        As in `travel_time_index`.
    over : int, "city" or None, optional
        As in `travel_time_index`.

    Returns
    -------
    xarray.DataArray
        Dims (cell, time) or (time,); 0.5 means that a way takes half as long again as in free flow; below 0 where
        traffic is faster than free flow; NaN where `travel_time_index` has none.

    References
    ----------
    TomTom Traffic Index, methodology: congestion level = (travel time - free-flow travel time) / free-flow travel time.
    """
    index = travel_time_index(cube, speed=speed, free_flow=free_flow, weight=weight, over=over)
    return described(index - 1, "congestion_level", unit="1", long_name="travel time lost per travel time in free flow")


def delay(
    cube: xr.Dataset,
    *,
    speed: str = "speed_kmh",
    flow: str = "flow_veh_h",
    length: str = "speed_kmh.support",
    free_flow: str | None = None,
    occupancy: float = PERSONS_PER_VEHICLE,
) -> xr.DataArray:
    """Count the hours that people lose in traffic.

    ``flow x step x length x max(1 / v - 1 / v_free, 0) x occupancy``; add cells up by `total`.

    Parameters
    ----------
    cube : xarray.Dataset
        With speeds and flows on two steps or more; over all of the clock if `free_flow` is left out.
    speed : str, optional
        Variable of the speeds; any unit of speed.
    flow : str, optional
        Variable of vehicles in an hour.
    length : str, optional
        Variable of the length of street in each cell; any unit of length.
    free_flow : str, optional
        Variable of free-flow speeds; `free_flow_speed` if left out.
    occupancy : float, optional
        Persons in a vehicle.

    Returns
    -------
    xarray.DataArray
        Dims (cell, time); person-hours in each step; NaN where anything of it is unknown.

    References
    ----------
    D. Schrank and others, Urban Mobility Report 2021, appendix A: delay is counted where speed is below free flow, at
    1.5 persons a vehicle.
    """
    if not occupancy > 0:
        raise MeasureError(f"occupancy {occupancy!r} is none: write persons in a vehicle, such as 1.5")
    slow, fast = _slowness(cube, speed, free_flow)
    lost_h = (slow - fast).clip(min=0)
    vehicles = variable_in(cube, flow, "veh/h") * step_hours(cube)
    lost = vehicles * variable_in(cube, length, "km") * lost_h * occupancy
    found = described(lost, "delay", unit="h", long_name="hours that persons lose against free flow in a step")
    return found.assign_attrs(kind="extensive")


def _slowness(cube: xr.Dataset, speed: str, free_flow: str | None) -> tuple[xr.DataArray, xr.DataArray]:
    """Return hours a kilometre, as driven and in free flow."""
    driven = variable_in(cube, speed, "km/h")
    free = free_flow_speed(cube, speed=speed) if free_flow is None else variable_in(cube, free_flow, "km/h")
    return 1.0 / driven.where(driven > 0), 1.0 / free.where(free > 0)
