"""Points in the order of the ground, so that points looked at together need the same part of an index."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Box: TypeAlias = tuple[float, float, float, float]

__all__ = ["TILES", "second_level_cache", "sort_by_tile"]

TILES = 64
"""Tiles across and up."""


@cache
def second_level_cache() -> int:
    """Measure the second-level cache of a core.

    Returns
    -------
    int
        Bytes; 1 MiB where the system does not tell.
    """
    try:
        size = os.sysconf("SC_LEVEL2_CACHE_SIZE")
    except (AttributeError, OSError, ValueError):  # not a POSIX system, or one that does not know the name
        size = 0
    return size if size > 0 else 1 << 20


@nb.njit(nogil=True, cache=True)
def sort_by_tile(x: Floats, y: Floats, box: Box) -> tuple[Floats, Floats, NDArray[np.int32]]:
    """Sort points by 64 x 64 tiles, keeping their order within a tile.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Points; NaN is allowed.
    box : tuple of 4 floats
        Left, bottom, width and height of what is tiled; points outside of it come last.

    Returns
    -------
    x, y : ndarray of float64, shape (n,)
        The points, sorted.
    order : ndarray of int32, shape (n,)
        Where each came from.
    """
    left, bottom, width, height = box
    across, up = TILES / width, TILES / height
    outside = TILES * TILES
    tile = np.empty(x.size, np.uint16)
    place = np.zeros(outside + 2, np.int64)
    for i in range(x.size):
        column, row = (x[i] - left) * across, (y[i] - bottom) * up
        within = column >= 0.0 and row >= 0.0 and column < TILES and row < TILES
        tile[i] = int(row) * TILES + int(column) if within else outside
        place[tile[i] + 1] += 1
    for k in range(outside):
        place[k + 1] += place[k]
    sorted_x, sorted_y, order = np.empty(x.size), np.empty(x.size), np.empty(x.size, np.int32)
    for i in range(x.size):
        at = place[tile[i]]
        place[tile[i]] = at + 1
        sorted_x[at] = x[i]
        sorted_y[at] = y[i]
        order[at] = i
    return sorted_x, sorted_y, order
