"""What people breathe: concentrations weighted by those who are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.errors import MeasureError
from twin.measures.quantities import described, mean, total, variable_in

if TYPE_CHECKING:
    import xarray as xr

    from twin.measures.quantities import Over

CONCENTRATION = "ug/m3"


def exposure(
    cube: xr.Dataset, *, pollutant: str = "no2", weight: str = "population", over: Over = "city"
) -> xr.DataArray:
    """Average a concentration by who or what is in each cell: ``sum(c w) / sum(w)``.

    Parameters
    ----------
    cube : xarray.Dataset
        With both.
    pollutant : str, optional
        Variable of a mass in a volume, such as NO2 or PM2.5.
    weight : str, optional
        Variable of persons, or of cubic metres of building where nobody has counted them; an amount.
    over : int, "city" or None, optional
        An H3 resolution of parents, or all cells.

    Returns
    -------
    xarray.DataArray
        ug/m3; NaN where there is no weight with a known concentration. Weight in cells without a concentration does
        not count: `exposed` with a limit of 0 says how much is left.

    Raises
    ------
    MeasureError
        If the pollutant is no mass in a volume, or the weight no amount.

    References
    ----------
    European Environment Agency, population-weighted mean concentration (indicator AIR003, methodology).
    World Health Organization, metadata of indicator 11.6.2 of the Sustainable Development Goals: annual mean of PM2.5
    in cities, population-weighted, https://unstats.un.org/sdgs/metadata/files/Metadata-11-06-02.pdf.
    """
    level, load = variable_in(cube, pollutant, CONCENTRATION), _amount(cube, weight)
    found = mean(level, load, over)
    title = f"{pollutant} weighted by {weight}"
    return described(found, f"{pollutant}_exposure", unit=CONCENTRATION, long_name=title)


def exposed(
    cube: xr.Dataset, *, limit: float, pollutant: str = "no2", weight: str = "population", over: Over = "city"
) -> xr.DataArray:
    """Say how much of a weight lives with a concentration above a limit.

    Parameters
    ----------
    cube : xarray.Dataset
        With both.
    limit : float
        ug/m3, such as 25 for a day of NO2 or 15 for a day of PM2.5.
    pollutant : str, optional
        Variable of a mass in a volume.
    weight : str, optional
        Variable of persons or cubic metres of building; an amount.
    over : int, "city" or None, optional
        An H3 resolution of parents, or all cells.

    Returns
    -------
    xarray.DataArray
        Unit of the weight; NaN where no concentration is known.

    References
    ----------
    World Health Organization, WHO global air quality guidelines (2021), table 0.1: 24-hour levels.
    """
    level, load = variable_in(cube, pollutant, CONCENTRATION), _amount(cube, weight)
    above = ((level > limit) * load).where(level.notnull() & load.notnull())
    title = f"{weight} with {pollutant} above {limit:g} {CONCENTRATION}"
    return described(total(above, over), f"{pollutant}_exposed", unit=str(load.attrs["units"]), long_name=title)


def _amount(cube: xr.Dataset, name: str) -> xr.DataArray:
    load = variable_in(cube, name, None)
    if load.attrs.get("kind", "extensive") != "extensive":
        raise MeasureError(f"{name} is {load.attrs['kind']}, no amount: weigh by persons or cubic metres in each cell")
    return load
