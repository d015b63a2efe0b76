"""How much longer a map is than the ground: grid scale times height factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crs.definition import definition
from crs.geodesy import move_m
from crs.local import WGS84_A, WGS84_E2
from crs.transform import transform
from crs.units import conversion_factor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from crs.coordinates import FloatArray

__all__ = ["combined_scale_factor"]

#: Long against rounding in the map's numbers (1e-9 m), short against the change of scale (1e-9 over this distance).
_ARM_M = 100.0


def combined_scale_factor(
    lon_deg: ArrayLike, lat_deg: ArrayLike, *, height_m: ArrayLike = 0.0, frame: object
) -> FloatArray:
    """Return what a length on the ground is multiplied by to be one on the map.

    Parameters
    ----------
    lon_deg, lat_deg : array_like
        WGS 84, degrees, one shape.
    height_m : array_like
        Height above the ellipsoid, metres; an error of 64 m makes 10 ppm.
    frame : str, Mapping or PositionDefinition
        A projected frame; of one that is not conformal the mean of the scales north and east is given.

    Returns
    -------
    numpy.ndarray
        Grid scale factor times R / (R + height), with R the Gaussian radius of curvature.

    Raises
    ------
    AreaOfUseError
        If a place lies outside the frame's area of use.

    Examples
    --------
    >>> round(float(combined_scale_factor(9.0, 45.0, frame="EPSG:32632")), 6)
    0.9996
    >>> round(float(combined_scale_factor(9.0, 45.0, height_m=1000.0, frame="EPSG:32632")), 6)
    0.999443
    """
    position = definition(frame)
    metre = conversion_factor(position.unit, "metre")
    lon, lat = np.asarray(lon_deg, dtype=np.float64), np.asarray(lat_deg, dtype=np.float64)
    scales = []
    for east_m, north_m in ((_ARM_M, 0.0), (0.0, _ARM_M)):
        ends = []
        for sign in (-0.5, 0.5):
            moved = move_m(lon, lat, east_m=sign * east_m, north_m=sign * north_m)
            ends.append(transform(*moved, source="OGC:CRS84", target=position))
        (from_x, from_y), (to_x, to_y) = ends
        scales.append(np.hypot(to_x - from_x, to_y - from_y) * metre / _ARM_M)
    sine = np.sin(np.radians(lat))
    radius_m = WGS84_A * np.sqrt(1.0 - WGS84_E2) / (1.0 - WGS84_E2 * sine * sine)
    height = np.asarray(height_m, dtype=np.float64)
    return np.asarray((scales[0] + scales[1]) / 2.0 * radius_m / (radius_m + height), dtype=np.float64)
