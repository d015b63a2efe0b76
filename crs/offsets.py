"""How far the change of frame moves a position: what a reader is off by who takes one datum for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crs.definition import definition
from crs.geodesy import distances_m
from crs.moves import on_datum
from crs.registry import entry

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from crs.coordinates import FloatArray

__all__ = ["offsets_m"]


def offsets_m(lon_deg: ArrayLike, lat_deg: ArrayLike, *, source: object) -> FloatArray:
    """Measure how far places lie from where their published numbers seem to put them.

    Numbers of a projected frame are taken back to longitude and latitude on their own datum first; what is measured is
    the change of datum alone (or the shift of GCJ-02 and BD-09), not that of the projection.

    Parameters
    ----------
    lon_deg, lat_deg : array_like of float, shape (n,)
        WGS 84.
    source : str, Mapping or PositionDefinition
        The definition in which the positions were published.

    Returns
    -------
    ndarray of float64, shape (n,)
        Metres on the ellipsoid; NaN for a definition without numbers, whose records had no place of their own.

    Examples
    --------
    >>> offsets_m([116.4], [39.9], source="GCJ-02").round()
    array([556.])
    >>> offsets_m([7.42], [43.73], source="EPSG:32632")
    array([0.])
    """
    lon, lat = (np.atleast_1d(np.asarray(numbers, dtype=np.float64)) for numbers in (lon_deg, lat_deg))
    position = definition(source)
    if position.crs is None:
        return np.full(lon.shape, np.nan)
    return distances_m(lon, lat, *on_datum(entry(position.crs), lon, lat))
