"""BD-09, Baidu's second shift on top of GCJ-02, and its exact inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crs.china.arrays import map_pair
from crs.china.kernels import bd09_forward, bd09_inverse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["bd09_from_gcj02", "gcj02_from_bd09"]


def bd09_from_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shift GCJ-02 positions to BD-09.

    Parameters
    ----------
    lon, lat : array_like
        GCJ-02 degrees, any shape. There is no mask: whoever writes BD-09 writes it everywhere.

    Returns
    -------
    lon, lat : numpy.ndarray
        BD-09 degrees, of the common shape; NaN where either coordinate is not finite.

    References
    ----------
    The formula as in `eviltransform` (MIT) and `PRCoords` (CC0): polar coordinates about (0, 0), a wave on each,
    and an offset of 0.0065 and 0.006 degrees.

    Examples
    --------
    >>> [round(float(value), 6) for value in bd09_from_gcj02(116.404, 39.915)]
    [116.410369, 39.921337]
    """
    return map_pair(bd09_forward, lon, lat)


def gcj02_from_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the GCJ-02 positions that BD-09 shifts to the given ones.

    The closed form in use elsewhere is wrong by up to 0.23 m; this is Newton's method on the published formula,
    exact to the last digits of a double.

    Parameters
    ----------
    lon, lat : array_like
        BD-09 degrees, any shape.

    Returns
    -------
    lon, lat : numpy.ndarray
        GCJ-02 degrees, of the common shape; NaN where either coordinate is not finite.

    Examples
    --------
    >>> [round(float(value), 9) for value in gcj02_from_bd09(*bd09_from_gcj02(116.404, 39.915))]
    [116.404, 39.915]
    """
    return map_pair(bd09_inverse, lon, lat)
