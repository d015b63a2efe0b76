"""Use every compiled kernel once on toy data: a check of the installation, after which nothing is left to compile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from spatial_join.errors import JoinError
from spatial_join.grid import H3Grid
from spatial_join.weights import weights

if TYPE_CHECKING:
    from spatial_join.pieces import LatticeLike

__all__ = ["self_test"]

_LON, _LAT, _STEP = 7.42, 43.73, 0.001


class _Pixels:
    """Two by two pixels in longitude and latitude."""

    def __init__(self) -> None:
        edges = _STEP * np.arange(3.0)
        self.corner_x, self.corner_y = np.meshgrid(_LON + edges, _LAT - edges)


def self_test(*, resolution: int = 11) -> int:
    """Spread a point, a line, an area with a hole and a raster over cells, and check that nothing is lost.

    Parameters
    ----------
    resolution : int, optional
        H3 resolution.

    Returns
    -------
    int
        Number of pieces that were cut.

    Raises
    ------
    JoinError
        If the shares of one of them do not sum to one: the installation is not to be trusted.

    Examples
    --------
    >>> self_test() > 10
    True
    """
    grid = H3Grid(resolution=resolution)
    area = shapely.box(_LON, _LAT, _LON + 2 * _STEP, _LAT + 2 * _STEP)
    hole = shapely.box(_LON + 0.5 * _STEP, _LAT + 0.5 * _STEP, _LON + _STEP, _LAT + _STEP)
    line = shapely.LineString([(_LON, _LAT), (_LON + 3 * _STEP, _LAT + _STEP)])
    toys: dict[str, np.ndarray[tuple[int], np.dtype[np.object_]] | LatticeLike] = {
        "point": np.array([shapely.Point(_LON, _LAT)], dtype=object),
        "line": np.array([line], dtype=object),
        "area": np.array([area - hole], dtype=object),
        "raster": _Pixels(),
    }
    pieces = 0
    for name, toy in toys.items():
        spread = weights(toy, grid)
        shares = np.bincount(spread.row, weights=spread.share)
        if not np.allclose(shares, 1.0, rtol=1e-9):
            raise JoinError(f"the shares of a {name} sum to {shares.tolist()}, not to 1: install city-twin again")
        pieces += len(spread.row)
    return pieces
