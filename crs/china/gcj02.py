"""GCJ-02 from WGS 84 by the published formula, and its exact inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crs.china.arrays import map_pair
from crs.china.kernels import gcj02_forward, gcj02_inverse
from crs.china.mask import read_mask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["gcj02_from_wgs84", "wgs84_from_gcj02"]


def gcj02_from_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shift WGS 84 positions in China to GCJ-02; leave the others where they are.

    Parameters
    ----------
    lon, lat : array_like
        WGS 84 degrees, any shape.

    Returns
    -------
    lon, lat : numpy.ndarray
        GCJ-02 degrees, of the common shape; the position itself where `in_china` says no, NaN where either
        coordinate is not finite. `accuracy_m` says how far a provider's answer may be from this.

    References
    ----------
    The formula became public with the code of the "on4wp7" project; also in `eviltransform` (MIT), `PRCoords` (CC0).
    It is kept as published, with the Krasovsky ellipsoid: a = 6378245 m, e2 = 0.00669342162296594323.

    Examples
    --------
    >>> [round(float(value), 6) for value in gcj02_from_wgs84(116.391, 39.907)]
    [116.397241, 39.908401]
    """
    return map_pair(gcj02_forward, lon, lat, tuple(read_mask("area")))


def wgs84_from_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the WGS 84 positions that GCJ-02 shifts to the given ones.

    Newton's method with the formula's own Jacobian: within 1 micrometre of the exact origin wherever there is one.
    A position whose origin would lie outside the shifted area was never shifted, and comes back as it is.

    Parameters
    ----------
    lon, lat : array_like
        GCJ-02 degrees, any shape.

    Returns
    -------
    lon, lat : numpy.ndarray
        WGS 84 degrees, of the common shape; NaN where either coordinate is not finite. At the edge of the shifted
        area a position may have two origins or none: `near_mask_edge` tells where.

    Examples
    --------
    >>> [round(float(value), 9) for value in wgs84_from_gcj02(*gcj02_from_wgs84(116.391, 39.907))]
    [116.391, 39.907]
    """
    return map_pair(gcj02_inverse, lon, lat, tuple(read_mask("area")))
