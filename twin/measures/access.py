"""How long it takes to get somewhere, from cell to cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy
import xarray as xr

from crs import geodesy
from spatial_join import H3Grid
from twin.errors import MeasureError
from twin.measures.quantities import described, resolution_of, variable_in

if TYPE_CHECKING:
    import numpy.typing as npt

WALKING_KMH = 4.8
"""1.33 m/s: Transit Capacity and Quality of Service Manual (TCRP Report 165), walking to a stop."""


def minutes_to(
    cube: xr.Dataset,
    lon_deg: npt.ArrayLike,
    lat_deg: npt.ArrayLike,
    *,
    speed: str | None = None,
    speed_kmh: float = WALKING_KMH,
) -> xr.DataArray:
    """Measure how long it takes from each cell to the nearest of some places, by way of neighbouring cells.

    A step leads from the middle of a cell to that of a neighbour, and takes the distance over the mean of both
    slownesses. As it can turn by 60 degrees only, a way over open ground comes out up to 15 % longer than the straight
    line.

    Parameters
    ----------
    cube : xarray.Dataset
        Its cells can be crossed, others cannot.
    lon_deg, lat_deg : array_like of float
        Places, such as stops or surgeries.
    speed : str, optional
        Variable of speeds without a time; where it is NaN or 0 nobody gets through. `speed_kmh` if left out.
    speed_kmh : float, optional
        The same everywhere; walking if left out.

    Returns
    -------
    xarray.DataArray
        Dim cell, minutes; 0 in cells with a place; infinite where no way leads; NaN where `speed` is NaN.

    Raises
    ------
    MeasureError
        If no place lies in a cell of the cube, or the speed changes with time or is none.

    References
    ----------
    E. W. Dijkstra, A note on two problems in connexion with graphs, Numerische Mathematik 1 (1959).
    """
    cells = cube["cell"].to_numpy()
    grid = H3Grid(resolution_of(cube))
    slowness = _slowness(cube, speed, speed_kmh)
    order = np.argsort(cells)
    wanted = np.unique(grid.index(np.atleast_1d(lon_deg), np.atleast_1d(lat_deg)))
    targets = _found(cells, order, wanted)
    targets = targets[(targets >= 0) & np.isfinite(slowness[targets])]
    if not targets.size:
        raise MeasureError(f"none of {wanted.size} cells with places is in the cube: give places inside of the city")
    here = np.repeat(np.arange(cells.size), 6)
    there = _found(cells, order, grid.neighbours(cells).ravel())
    open_ = (there >= 0) & np.isfinite(slowness[here]) & np.isfinite(slowness[there])
    here, there = here[open_], there[open_]
    lon, lat = grid.centres(cells)
    metres = geodesy.distances_m(lon[here], lat[here], lon[there], lat[there])
    minutes = metres * 0.5 * (slowness[here] + slowness[there])
    graph = scipy.sparse.csr_array((minutes, (here, there)), shape=(cells.size, cells.size))
    # Every step takes as long back as forth, so the ways from the places are the ways to them.
    found = scipy.sparse.csgraph.dijkstra(graph, directed=True, indices=targets, min_only=True)
    found = np.where(np.isfinite(slowness), found, np.nan)
    array = xr.DataArray(found, dims="cell", coords={"cell": cube["cell"]})
    return described(array, "minutes_to", unit="min", long_name="travel time to the nearest place")


def _found(
    cells: npt.NDArray[np.uint64], order: npt.NDArray[np.int64], wanted: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """Return where cells stand in others, or -1."""
    place = order[np.minimum(np.searchsorted(cells, wanted, sorter=order), cells.size - 1)]
    return np.where(cells[place] == wanted, place, -1)


def _slowness(cube: xr.Dataset, speed: str | None, speed_kmh: float) -> npt.NDArray[np.float64]:
    """Return minutes a metre in each cell; infinite becomes NaN."""
    if speed is None:
        if not speed_kmh > 0:
            raise MeasureError(f"speed_kmh {speed_kmh!r} is none: write a number above 0")
        return np.full(cube["cell"].size, 0.06 / speed_kmh)
    values = variable_in(cube, speed, "km/h")
    if values.dims != ("cell",):
        raise MeasureError(f"{speed} has dims {values.dims}: take one step of it, or a mean over time")
    known = values.to_numpy().astype(np.float64)
    slowness: npt.NDArray[np.float64] = np.divide(0.06, known, out=np.full(known.shape, np.nan), where=known > 0)
    return slowness
