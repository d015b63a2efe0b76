"""Whether two definitions say the same thing: what a file declares against what its owner wrote."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from crs.definition import definition
from crs.errors import OperationRefusedError
from crs.given import GivenShift, read_given
from crs.moves import from_hub, to_hub
from crs.registry import entry

__all__ = ["equivalent"]

#: Two definitions are one if equal numbers land closer than this; roundings in published WKT stay below it.
_SAME_PLACE_M = 0.01
_METRES_PER_DEGREE = 111_319.5


def equivalent(first: object, second: object) -> bool:
    """Say whether two definitions give equal numbers the same place.

    What differs by a declared identity only (EPSG:4326, OGC:CRS84, EPSG:4490; NAD83 and NAD83(2011)) is equivalent:
    the numbers land in the same place and only the stated accuracy differs. So is an old frame (EPSG:2435 in a file)
    and the same frame with the parameters that somebody gave for it. Axis order and notation of columns
    are not compared, since geometry files have none.

    Parameters
    ----------
    first, second : str, Mapping, pyproj.CRS or PositionDefinition
        Definitions, or the WKT or PROJJSON of a file.

    Returns
    -------
    bool
        True if nothing contradicts.

    Examples
    --------
    >>> equivalent("EPSG:2263", "EPSG:6539"), equivalent("EPSG:2263", "EPSG:32118")
    (True, False)
    """
    one, other = definition(first), definition(second)
    if one.kind != other.kind:
        return False
    if one.crs is None or other.crs is None:
        return (one.reference, one.key) == (other.reference, other.key)
    if one.crs == other.crs or _only_one_says_the_way(one.crs, other.crs):
        return True
    try:
        return _same_place(one.crs, other.crs)
    except OperationRefusedError:
        return False


def _only_one_says_the_way(first: str, second: str) -> bool:
    """Say whether one is the other with parameters that tell how to move it: the numbers mean the same frame."""
    codes = (first, second)
    ways = [read_given(code) for code in codes]
    beneath = {way.definition if isinstance(way, GivenShift) else code for way, code in zip(ways, codes, strict=True)}
    return len(beneath) == 1 and sum(isinstance(way, GivenShift) for way in ways) == 1


@lru_cache(maxsize=512)
def _same_place(first: str, second: str) -> bool:
    """Compare two definitions on a grid of points in the area of the first."""
    one, other = entry(first), entry(second)
    if one.is_geographic != other.is_geographic:
        return False
    if one.pipeline == other.pipeline:
        return True
    area = one.area
    east = area.east + (360.0 if area.west > area.east else 0.0)
    lon, lat = np.meshgrid(np.linspace(area.west, east, 7)[1:-1], np.linspace(area.south, area.north, 7)[1:-1])
    x, y = from_hub(one, lon.ravel(), lat.ravel())
    lon_one, lat_one = to_hub(one, x, y)
    lon_other, lat_other = to_hub(other, x, y)
    east_m = (lon_other - lon_one) * np.cos(np.radians(lat_one)) * _METRES_PER_DEGREE
    north_m = (lat_other - lat_one) * _METRES_PER_DEGREE
    # A comparison with NaN is False: where one has no answer, they are not the same.
    return bool(np.all(np.hypot(east_m, north_m) < _SAME_PLACE_M))
