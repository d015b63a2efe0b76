"""Rigid moves on the ellipsoid: shapes of one place laid out at another, their size, angles and handedness kept.

Both places get an azimuthal equidistant plane around a centre; the shapes are turned in the plane and read off the
other one. Distances from the centre are exact, all others are true to 1e-6 within 15 km.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj

DECIMALS = 7


@dataclass(frozen=True, kw_only=True)
class Move:
    """A move of shapes from around one centre to around another.

    Parameters
    ----------
    source, target : tuple of float
        Longitude and latitude of the centres, degrees.
    turn_deg : float
        Rotation, anticlockwise.
    """

    source: tuple[float, float]
    target: tuple[float, float]
    turn_deg: float

    def __call__(self, lonlat: np.ndarray) -> np.ndarray:
        """Move coordinates, shape (n, 2), rounded to 1e-7 degree."""
        x, y = _plane(*self.source).transform(lonlat[:, 0], lonlat[:, 1])
        turn = np.radians(self.turn_deg)
        east, north = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
        moved = _plane(*self.target).transform(east, north, direction="INVERSE")
        return np.round(np.column_stack(moved), DECIMALS)


def _plane(lon: float, lat: float) -> pyproj.Transformer:
    return pyproj.Transformer.from_pipeline(
        f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=aeqd +lon_0={lon} +lat_0={lat} "
        "+ellps=WGS84"
    )


# The coast of Coquimbo Bay lies to the west; a quarter turn makes it lie to the south, as Shenzhen's does.
STREETS = Move(source=(-71.2596, -29.9496), target=(114.03, 22.60), turn_deg=90.0)
