"""How much of a city one view may hold, and the zooms at which all of it fits."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from twin.tiles.mercator import DEEPEST, columns_and_rows, key_of, to_keys, to_world

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 96
"""Steps of the clock whose values travel together: a day of quarters of an hour."""

TILE_PX = 1024
"""Side of a tile on the screen: a browser works longer on many small tiles than on what is in them."""

_VIEW_TILES = 4  # A window of 1400 by 900 pixels at a slant of 50 degrees touches 8 on average, 14 of 600 at most.


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one view may hold, so that a browser tab never freezes.

    Parameters
    ----------
    features : int
        Buildings, points or areas in one view: 16,000 extruded buildings draw in about 5 s in software.
    lines : int
        Streets in one view.
    cells : int
        Cells in one view; more are shown as their parents.
    codes : int
        Cells or streets times steps of the clock that travel together: one byte each on the way.
    """

    features: int = 16_000
    lines: int = 16_000
    cells: int = 12_000
    codes: int = 1_000_000

    def most(self, kind: str, steps: int = 1) -> int:
        """Give how many things of a kind a view may hold.

        Parameters
        ----------
        kind : str
            How they are drawn: ``cells``, ``lines`` or another.
        steps : int, optional
            Steps of the clock that their values have.

        Returns
        -------
        int
            At least 1.
        """
        most = {"cells": self.cells, "lines": self.lines}.get(kind, self.features)
        return max(min(most, self.codes // min(max(steps, 1), CHUNK)), 1)


class Places:
    """Where things stand, sorted so that a tile at any zoom is one run of them.

    Parameters
    ----------
    lon, lat : ndarray of float
        One position each, shape (n,), in degrees.
    """

    def __init__(self, lon: "NDArray[np.float64]", lat: "NDArray[np.float64]") -> None:
        keys = to_keys(*to_world(lon, lat))
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._blocks = cache(self._blocks_at)

    def on_tile(self, z: int, x: int, y: int) -> "NDArray[np.int64]":
        """Give what stands on a tile.

        Parameters
        ----------
        z, x, y : int
            Tile.

        Returns
        -------
        ndarray of int
            Positions in the arrays given, ascending.
        """
        shift, key = 2 * (DEEPEST - z), key_of(x, y)
        limits = np.array([key << shift, (key + 1) << shift], dtype=np.uint64)
        first, last = np.searchsorted(self._keys, limits)
        return np.sort(self._order[first:last])

    def counts(self, z: int) -> tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]:
        """Count what stands on each tile of a zoom that has any.

        Parameters
        ----------
        z : int
            Zoom.

        Returns
        -------
        x, y, count : ndarray of int
            Column, row, and how many.
        """
        keys, counts = np.unique(self._keys >> np.uint64(2 * (DEEPEST - z)), return_counts=True)
        return (*columns_and_rows(keys), counts)

    def densest(self, z: int, cap: int | None = None) -> int:
        """Count what the fullest view of a zoom holds.

        Parameters
        ----------
        z : int
            Zoom.
        cap : int, optional
            Most that a tile shows; all of it if left out.

        Returns
        -------
        int
            The most in any four by four neighbouring tiles.
        """
        counts, blocks = self._blocks(z)
        shown = counts if cap is None else np.minimum(counts, cap)
        return max((int(np.bincount(block, weights=shown).max(initial=0)) for block in blocks), default=0)

    def cap(self, z: int, most: int) -> int | None:
        """Find how many things a tile may show so that no view holds more than a budget.

        Parameters
        ----------
        z : int
            Zoom.
        most : int
            How many a view may hold.

        Returns
        -------
        int or None
            At least 1; None where all fit.
        """
        if self.densest(z) <= most:
            return None
        low, high = 1, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.densest(z, middle) <= most else (low, middle - 1)
        return low

    def _blocks_at(self, z: int) -> "tuple[NDArray[np.int64], list[NDArray[np.int64]]]":
        """Say which view each tile is in, for every way to lay views of four by four tiles."""
        x, y, counts = self.counts(z)
        wide = np.int64(2**DEEPEST)
        shifts = np.ndindex(_VIEW_TILES, _VIEW_TILES)
        blocks = [
            np.unique((x + i) // _VIEW_TILES * wide + (y + j) // _VIEW_TILES, return_inverse=True)[1].ravel()
            for i, j in shifts
        ]
        return counts, blocks
