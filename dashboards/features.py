"""Which features a map shows where not all can be, and which part of a city a first look should show."""

from typing import TYPE_CHECKING

import numpy as np
import shapely

from dashboards.windows import EVERYWHERE, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

_WHOLE_CITY_DEG = 0.08  # A city of some six kilometres is seen as a whole.
_PART_DEG = 0.012
_TOLD_OF = 4.0  # A place with values to show is worth several without.


def foremost_within(
    table: "gpd.GeoDataFrame", window: Window, *, most: int, importance: "NDArray[np.float64] | None" = None
) -> "NDArray[np.int64]":
    """Choose the features in a window, the most important or the nearest first where there are too many.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n features in degrees.
    window : Window
        What is looked at.
    most : int
        How many may be chosen.
    importance : ndarray of float, optional
        Shape (n,); without it what is nearest to the middle of the window comes first.

    Returns
    -------
    ndarray of int
        At most ``most`` positions in the table, ascending.
    """
    bounds = shapely.bounds(table.geometry.to_numpy())
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    inside = np.arange(len(table))
    if window != EVERYWHERE:
        inside = np.flatnonzero(window.holds(middle[:, 0], middle[:, 1]))
    if len(inside) <= most:
        return inside
    if importance is None:
        lon_deg, lat_deg = window.middle
        aside = (middle[inside] - (lon_deg, lat_deg)) * (np.cos(np.radians(lat_deg)), 1.0)
        first = np.argsort(np.hypot(*aside.T), kind="stable")
    else:
        first = np.argsort(-importance[inside], kind="stable")
    return np.sort(inside[first[:most]])


def liveliest_part(
    table: "gpd.GeoDataFrame", weights: "NDArray[np.float64]", *, told_of: "Sequence[NDArray[np.float64]]" = ()
) -> tuple[float, float, float, float]:
    """Find the part of a city that a first look should show.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n features in degrees.
    weights : ndarray of float
        Shape (n,): how much each counts, such as the heights of buildings.
    told_of : sequence of ndarray of float
        Places, each of shape (m, 2) in degrees, where there are values to show.

    Returns
    -------
    tuple of float
        min_lon, min_lat, max_lon, max_lat: the middle nine tenths; of a large city a few kilometres, where buildings
        stand close and most kinds of values are known.
    """
    bounds = shapely.bounds(table.geometry.to_numpy())
    west, south = np.quantile(bounds[:, :2], 0.05, axis=0)
    east, north = np.quantile(bounds[:, 2:], 0.95, axis=0)
    if max(east - west, north - south) <= _WHOLE_CITY_DEG:
        return float(west), float(south), float(east), float(north)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    parts, owner = np.unique(np.floor(middle / _PART_DEG).astype(int), axis=0, return_inverse=True)
    sums = np.bincount(owner.ravel(), weights=weights)
    for places in told_of:
        known = np.unique(np.floor(places / _PART_DEG).astype(int), axis=0)
        sums = sums * np.where((parts[:, None] == known[None]).all(axis=2).any(axis=1), _TOLD_OF, 1.0)
    best = owner.ravel() == int(sums.argmax())
    lon, lat = np.average(middle[best], axis=0, weights=weights[best])
    return float(lon - _PART_DEG), float(lat - _PART_DEG), float(lon + _PART_DEG), float(lat + _PART_DEG)
