"""Green and quiet: which part of an area, or of those who live in it, has it near."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from spatial_join import H3Grid
from twin.errors import MeasureError
from twin.measures.quantities import areas, described, local_hours, mean, resolution_of, variable_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import xarray as xr

    from twin.measures.quantities import Over

QUIET_DB = 55.0
"""Lden from which the Environmental Noise Directive asks for maps and counts people."""

_DECIBELS = frozenset({"dB", "dB(A)", "dBA", "dB_A"})
_EARTH_M = 6_371_008.8  # mean radius, IUGG


def green_share(
    cube: xr.Dataset,
    *,
    land_use: str = "land_use",
    classes: Sequence[str],
    within_m: float = 0.0,
    weight: str | None = None,
    over: Over = "city",
) -> xr.DataArray:
    """Say which part of an area is green, or has green near.

    Parameters
    ----------
    cube : xarray.Dataset
        With a class in each cell.
    land_use : str, optional
        Variable of the classes.
    classes : sequence of str
        Which of them are green.
    within_m : float, optional
        Metres from the middle of a cell to that of a green one; 0 asks for the cell itself.
    weight : str, optional
        Variable of an amount, such as persons; the areas of the cells if left out.
    over : int, "city" or None, optional
        An H3 resolution of parents, or all cells.

    Returns
    -------
    xarray.DataArray
        Share, 0 to 1, of the cells whose class is known; NaN where none is.

    Raises
    ------
    MeasureError
        If the variable has no classes, or one of those named is not among them.

    References
    ----------
    World Health Organization, Urban green spaces: a brief for action (2017): green within 300 m.
    """
    values = variable_in(cube, land_use, None)
    known = list(values.attrs.get("categories", ()))
    wrong = sorted(set(classes) - set(known))
    if wrong or not classes:
        raise MeasureError(
            f"{land_use} has no class {', '.join(wrong) or 'of none'}; it has: {', '.join(known) or 'none'}"
        )
    green = values.isin([known.index(name) for name in classes])
    if within_m > 0:
        places = _places(cube["cell"].to_numpy(), resolution_of(cube))
        near: npt.NDArray[np.bool_] = np.zeros(green.size, dtype=bool)
        if bool(green.any()):
            near = np.asarray(KDTree(places[green.to_numpy()]).query(places)[0] <= within_m)
        green = green.copy(data=near)
    share = mean(green.where(values.notnull()).astype(np.float64), _weight(cube, weight), over)
    return described(share, "green_share", unit="1", long_name="share that is green or has green near")


def lden(cube: xr.Dataset, *, level: str) -> xr.DataArray:
    """Put the noise of day, evening and night into one number.

    ``10 lg((12 10^(Ld/10) + 4 10^((Le+5)/10) + 8 10^((Ln+10)/10)) / 24)``, each of the three the energetic mean of its
    steps.

    Parameters
    ----------
    cube : xarray.Dataset
        With levels over at least a day.
    level : str
        Variable of A-weighted levels in dB.

    Returns
    -------
    xarray.DataArray
        Dim cell, dB; NaN where day, evening or night has no level.

    Raises
    ------
    MeasureError
        If the variable is not in dB, or the clock has no day, evening or night.

    References
    ----------
    Directive 2002/49/EC, Annex I: day 7 to 19, evening 19 to 23, night 23 to 7 o'clock, local time.
    """
    energy = 10.0 ** (_decibels(cube, level) / 10.0)
    hour, _ = local_hours(cube)
    day, evening = (hour >= 7) & (hour < 19), (hour >= 19) & (hour < 23)
    parts = []
    for steps, hours, penalty_db in ((day, 12, 0.0), (evening, 4, 5.0), (~(day | evening), 8, 10.0)):
        if not steps.any():
            raise MeasureError("the cube has no step by day, in the evening or at night: give it a whole day")
        parts.append(hours * 10.0 ** (penalty_db / 10.0) * energy.isel(time=np.flatnonzero(steps)).mean("time"))
    found = 10.0 * np.log10((parts[0] + parts[1] + parts[2]) / 24.0)
    return described(found, "lden", unit="dB", long_name="day-evening-night level")


def quiet_share(
    cube: xr.Dataset,
    *,
    level: str = "lden",
    limit_db: float = QUIET_DB,
    weight: str | None = None,
    over: Over = "city",
) -> xr.DataArray:
    """Say which part of an area, or of those who live in it, is quiet.

    Parameters
    ----------
    cube : xarray.Dataset
        With levels.
    level : str, optional
        Variable of Lden in dB.
    limit_db : float, optional
        Quiet is below it.
    weight : str, optional
        Variable of an amount, such as persons; the areas of the cells if left out.
    over : int, "city" or None, optional
        An H3 resolution of parents, or all cells.

    Returns
    -------
    xarray.DataArray
        Share, 0 to 1, of what has a known level; NaN where nothing has.

    References
    ----------
    Directive 2002/49/EC, Annex VI: exposure is reported from Lden 55 dB.
    """
    values = _decibels(cube, level)
    quiet = (values < limit_db).where(values.notnull()).astype(np.float64)
    share = mean(quiet, _weight(cube, weight), over)
    return described(share, "quiet_share", unit="1", long_name=f"share with Lden below {limit_db:g} dB")


def _decibels(cube: xr.Dataset, name: str) -> xr.DataArray:
    values = variable_in(cube, name, None)
    if values.attrs["units"] not in _DECIBELS:
        raise MeasureError(f"{name} is in {values.attrs['units']!r} where dB is wanted: name a variable of levels")
    return values


def _weight(cube: xr.Dataset, name: str | None) -> xr.DataArray:
    return areas(cube) if name is None else variable_in(cube, name, None)


def _places(cells: npt.NDArray[np.uint64], resolution: int) -> npt.NDArray[np.float64]:
    """Return the middles of cells as metres in space: within a city a chord is as long as its arc."""
    lon, lat = (np.radians(degrees) for degrees in H3Grid(resolution).centres(cells))
    unit = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    return _EARTH_M * np.column_stack(unit)
