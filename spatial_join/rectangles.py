"""Exact shares of the pixels of a raster whose rows are parallels and whose columns are meridians, as most are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spatial_join.kernels.rectangles import cells_of_rows, cut_rows
from spatial_join.kernels.threads import in_stretches
from spatial_join.neighbourhood import Neighbourhood
from spatial_join.plane import equal_area

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatial_join.grid import H3Grid
    from spatial_join.pieces import LatticeLike

__all__ = ["PixelShares", "pixel_shares"]

SPACING = 0.9
"""Distance of the positions whose cells and neighbours cover a raster, in average cell edges: no place is farther than
0.64 from one of them, less than the shortest edge of any cell (0.70)."""

MOST_POSITIONS = 5_000_000
"""A raster that needs more is cut pixel by pixel, in batches."""

STRETCH = 200_000
"""Pixels that are cut at a time."""

EDGE_LON_DEG, EDGE_LAT_DEG = 179.0, 85.0
"""Beyond, cells reach over the antimeridian or around a pole."""

GAP = 1e-9
"""Largest relative difference between a pixel and its pieces that is rounding."""


class PixelShares(NamedTuple):
    """What every pixel has in every cell, in the order of pixel, then cell.

    Attributes
    ----------
    row : ndarray of int64
        Flat index of the pixel.
    cell : ndarray of uint64
        The cell.
    share, support : ndarray of float64
        Fraction of the pixel, and square metres.
    """

    row: NDArray[np.int64]
    cell: NDArray[np.uint64]
    share: NDArray[np.float64]
    support: NDArray[np.float64]


def pixel_shares(lattice: LatticeLike, grid: H3Grid, *, valid: NDArray[np.bool_] | None) -> PixelShares | None:
    """Find the share of every pixel in every cell, row by row.

    Parameters
    ----------
    lattice : LatticeLike
        Corners of the pixels.
    grid : H3Grid
        The cells.
    valid : ndarray of bool, shape (ny, nx), optional
        Pixels to take.

    Returns
    -------
    PixelShares or None
        None for what is to be cut pixel by pixel: pixels that are no rectangles, and cells that bend over an edge of
        the icosahedron or lie on the antimeridian.
    """
    lon, lat = (np.ascontiguousarray(part, dtype=np.float64) for part in (lattice.corner_x, lattice.corner_y))
    shape = (lon.shape[0] - 1, lon.shape[1] - 1)
    take = np.ones(shape, dtype=bool) if valid is None else np.asarray(valid, dtype=bool).reshape(shape)
    if not take.any() or not (lon == lon[:1]).all() or not (lat == lat[:, :1]).all():
        return None
    (top, bottom), (left, right) = (np.flatnonzero(take.any(axis=axis))[[0, -1]] for axis in (1, 0))
    lon_deg, lat_deg = lon[0, left : right + 2], lat[top : bottom + 2, 0]
    south_up = lat_deg[-1] > lat_deg[0]
    near = _cells_around(lon_deg, lat_deg if south_up else lat_deg[::-1], grid)
    if near is None:
        return None
    cells, corners = near
    xs, ys = equal_area(lon_deg, np.zeros(lon_deg.size))[0], equal_area(np.zeros(lat_deg.size), lat_deg)[1]
    if not south_up:  # seen in a mirror, so that rows go up
        ys, corners = -ys, np.ascontiguousarray(corners[:, ::-1] * [1.0, -1.0])
    take = np.ascontiguousarray(take[top : bottom + 1, left : right + 1])
    low = np.maximum(np.searchsorted(ys, corners[..., 1].min(axis=1), side="right") - 1, 0)
    high = np.minimum(np.searchsorted(ys, corners[..., 1].max(axis=1), side="left"), take.shape[0])
    listed = (corners, *cells_of_rows(low, high, take.shape[0]))
    parts = in_stretches(
        lambda start, stop: cut_rows((start, stop), (xs, ys), listed, take),
        take.shape[0],
        stretch=max(1, STRETCH // take.shape[1]),
    )
    if max(gap for _, _, gap in parts) > GAP:
        return None
    row = np.concatenate([who[:, 0] for who, _, _ in parts])
    if take.shape != shape:
        j, i = np.divmod(row, take.shape[1])
        row = (j + top) * shape[1] + i + left
    return PixelShares(
        row,
        np.concatenate([cells[who[:, 1]] for who, _, _ in parts]),
        np.concatenate([what[:, 0] for _, what, _ in parts]),
        np.concatenate([what[:, 1] for _, what, _ in parts]),
    )


def _cells_around(
    lon: NDArray[np.float64], lat: NDArray[np.float64], grid: H3Grid
) -> tuple[NDArray[np.uint64], NDArray[np.float64]] | None:
    """Return cells that cover a grid, ascending, and their corners in the plane; None if any is not plain."""
    west, east, south, north = lon[0], lon[-1], lat[0], lat[-1]
    ascending = (np.diff(lon) > 0.0).all() and (np.diff(lat) > 0.0).all()
    if not (ascending and max(-west, east) < EDGE_LON_DEG and max(-south, north) < EDGE_LAT_DEG):
        return None
    step = SPACING * np.degrees(grid.edge_m / 6_371_000.0)
    nearest = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    ny = int(np.ceil((north - south) / step)) + 1
    nx = int(np.ceil((east - west) * np.cos(np.radians(nearest)) / step)) + 1
    if nx * ny > MOST_POSITIONS:
        return None
    x, y = np.meshgrid(np.linspace(west, east, nx), np.linspace(south, north, ny))
    near = Neighbourhood.around(x.ravel(), y.ravel(), grid)
    corners, _ = near.parts
    if len(corners) != near.cells.size:
        return None
    order = np.argsort(near.cells)
    return near.cells[order], corners[order]
