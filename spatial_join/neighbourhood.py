"""The cells near given positions, laid out for the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatial_join.plane import equal_area

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatial_join.grid import H3Grid

__all__ = ["Neighbourhood", "convex_parts"]


@dataclass(frozen=True, kw_only=True)
class Neighbourhood:
    """The cells that hold given positions, and their neighbours, in the equal-area plane.

    Parameters
    ----------
    own : ndarray of int64, shape (positions,)
        Number of the cell that holds each position.
    cells : ndarray of uint64
        The cells by their numbers.
    candidates : ndarray of int64, shape (holding cells, 7)
        Per cell that holds a position the numbers of itself and its neighbours, -1 for none.
    parts : (ndarray of float64, shape (parts, k, 2), ndarray of int64)
        Corners of the convex parts of the cells, counter-clockwise, and where the parts of each cell begin.
    """

    own: NDArray[np.int64]
    cells: NDArray[np.uint64]
    candidates: NDArray[np.int64]
    parts: tuple[NDArray[np.float64], NDArray[np.int64]]

    @classmethod
    def around(cls, lon: NDArray[np.float64], lat: NDArray[np.float64], grid: H3Grid) -> Neighbourhood:
        """Find the cells of positions and those around them.

        Parameters
        ----------
        lon, lat : ndarray of float64
            Positions in degrees.
        grid : H3Grid
            The cells.

        Returns
        -------
        Neighbourhood
            Cells numbered so that those that hold a position come first.
        """
        # pandas finds distinct integers by hashing, several times faster than NumPy by sorting or hashing.
        own, holding = pd.factorize(grid.index(lon, lat), sort=True)
        ring = grid.neighbours(holding)
        number, cells = pd.factorize(np.concatenate([holding, ring.ravel()]))
        place: NDArray[np.int64] = number[holding.size :].reshape(ring.shape).astype(np.int64)
        if (ring == 0).any():  # a pentagon has no sixth neighbour
            none = int(np.flatnonzero(cells == 0)[0])
            place = np.where(place == none, -1, place - (place > none))
            cells = np.delete(cells, none)
        candidates = np.concatenate([np.arange(holding.size)[:, None], place], axis=1)
        corner = grid.vertices(cells)
        plane = np.stack(equal_area(corner[..., 0], corner[..., 1]), axis=2)
        return cls(own=own, cells=cells, candidates=candidates, parts=convex_parts(plane))


def convex_parts(corner: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return convex parts of cells, and where those of each cell begin.

    Nearly every cell is one part. A cell that bends over an edge of the icosahedron is not convex; it is the fan of
    triangles about its middle.

    Parameters
    ----------
    corner : ndarray of float64, shape (cells, k, 2)
        Corners, counter-clockwise.

    Returns
    -------
    parts : ndarray of float64, shape (parts, k, 2)
        Corners of the convex parts.
    begin : ndarray of int64, shape (cells + 1,)
        Where the parts of each cell begin.
    """
    k = corner.shape[1]
    bent = np.zeros(len(corner), dtype=bool)
    for j in range(k):  # convex is: every corner is to the left of every edge
        x, y = np.moveaxis(corner - corner[:, j : j + 1], 2, 0)
        edge = corner[:, (j + 1) % k] - corner[:, j]
        bent |= (edge[:, :1] * y - edge[:, 1:] * x < 0.0).any(axis=1)
    begin = np.concatenate([[0], np.cumsum(np.where(bent, k, 1))]).astype(np.int64)
    parts = np.empty((int(begin[-1]), k, 2))
    parts[begin[:-1][~bent]] = corner[~bent]
    for j in range(k):
        fan = parts[begin[:-1][bent] + j]
        fan[:, 0] = corner[bent].mean(axis=1)
        fan[:, 1] = corner[bent, j]
        fan[:, 2:] = corner[bent, (j + 1) % k][:, None]
        parts[begin[:-1][bent] + j] = fan
    return parts, begin
