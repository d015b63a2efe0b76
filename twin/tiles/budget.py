"""How much of a city one view may hold, the zooms at which all of it fits, and what stands for it at the others."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from twin.tiles.mercator import DEEPEST, columns_and_rows, key_of, to_keys, to_world

if TYPE_CHECKING:
    from collections.abc import Callable

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
    triangles : int
        Of buildings with their own surfaces in one view; the others are blocks.
    """

    features: int = 16_000
    lines: int = 16_000
    cells: int = 12_000
    codes: int = 1_000_000
    triangles: int = 400_000

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

    def counts(
        self, z: int, chosen: "NDArray[np.bool_] | None" = None
    ) -> tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]:
        """Count what stands on each tile of a zoom that has any.

        Parameters
        ----------
        z : int
            Zoom.
        chosen : ndarray of bool, optional
            Shape (n,): which things count; all if left out.

        Returns
        -------
        x, y, count : ndarray of int
            Column, row, and how many.
        """
        held = self._keys if chosen is None else self._keys[chosen[self._order]]
        keys, counts = np.unique(held >> np.uint64(2 * (DEEPEST - z)), return_counts=True)
        return (*columns_and_rows(keys), counts)

    def densest(self, z: int) -> int:
        """Count what the fullest view of a zoom holds.

        Parameters
        ----------
        z : int
            Zoom.

        Returns
        -------
        int
            The most in any four by four neighbouring tiles.
        """
        return self._fullest(z, self._blocks(z)[0])

    def foremost_by_tile(self, z: int, rank: "NDArray[np.int64]", most: int) -> "NDArray[np.bool_] | None":
        """Choose equally many of each tile, the foremost, so that no view holds more than a budget.

        Parameters
        ----------
        z : int
            Zoom.
        rank : ndarray of int
            Shape (n,), each of 0 to n - 1 once: what should be seen first has 0.
        most : int
            How many a view may hold.

        Returns
        -------
        ndarray of bool or None
            Shape (n,), at least one of each tile; None where all fit.
        """
        counts, _ = self._blocks(z)
        if self._fullest(z, counts) <= most:
            return None
        cap = _largest(most, lambda cap: self._fullest(z, np.minimum(counts, cap)) <= most)
        tiles = np.repeat(np.arange(len(counts)), counts)
        by_rank = np.lexsort((rank[self._order], tiles))
        chosen = np.zeros(len(rank), dtype=bool)
        chosen[self._order[by_rank]] = np.arange(len(rank)) - np.repeat(np.cumsum(counts) - counts, counts) < cap
        return chosen

    def foremost(self, z: int, rank: "NDArray[np.int64]", most: int) -> "NDArray[np.bool_] | None":
        """Choose the foremost of all, as many as no view holds more of than a budget.

        Parameters
        ----------
        z : int
            Zoom.
        rank : ndarray of int
            Shape (n,), each of 0 to n - 1 once: what should be seen first has 0.
        most : int
            How many a view may hold.

        Returns
        -------
        ndarray of bool or None
            Shape (n,): no tile shows what another one leaves out for its rank. None where all fit.
        """
        counts, _ = self._blocks(z)
        if self._fullest(z, counts) <= most:
            return None
        tiles = np.empty(len(rank), dtype=np.int64)
        tiles[rank[self._order]] = np.repeat(np.arange(len(counts)), counts)

        def fits(number: int) -> bool:
            return self._fullest(z, np.bincount(tiles[:number], minlength=len(counts))) <= most

        return rank < _largest(len(rank), fits)

    def _fullest(self, z: int, counts: "NDArray[np.int64]") -> int:
        """Count what the fullest view holds if each tile shows so many."""
        blocks = self._blocks(z)[1]
        return max((int(np.bincount(block, weights=counts).max(initial=0)) for block in blocks), default=0)

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


def _largest(high: int, fits: "Callable[[int], bool]") -> int:
    """Find the largest number from 1 to `high` that fits, where all below it do."""
    low = 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
