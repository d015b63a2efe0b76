"""Walking along a line, piece by piece, until the chainage is used up."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pyproj import Geod

if TYPE_CHECKING:
    from collections.abc import Sequence

_GEOD = Geod(ellps="WGS84")


def walk(points: Sequence[tuple[float, float]], chainage_m: float) -> tuple[float, float] | None:
    """Return the position after so many metres, None if the line is shorter."""
    left = chainage_m
    if left < 0:
        return None
    for (lon_a, lat_a), (lon_b, lat_b) in itertools.pairwise(points):
        azimuth, _, length = _GEOD.inv(lon_a, lat_a, lon_b, lat_b)
        if left <= length:
            lon, lat, _ = _GEOD.fwd(lon_a, lat_a, azimuth, left)
            return lon, lat
        left -= length
    return None
