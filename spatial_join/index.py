"""H3 on whole arrays: the only module that knows how a position becomes a cell number.

Cells are computed by a kernel that agrees with ``h3`` to the last bit; a point within rounding of an edge is always
given to ``h3`` itself. Corners and neighbours come from the hexagon lattice of the icosahedron face that a cell is on.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import h3.api.basic_int as h3
import numpy as np
import pandas as pd

from spatial_join.errors import GeometryError, ResolutionError
from spatial_join.kernels.h3_index import index_positions
from spatial_join.kernels.lattice import lattice_codes, lattice_positions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "FINEST",
    "boundary_vertices",
    "centres",
    "descendants",
    "disks",
    "index",
    "neighbours",
    "parents",
    "resolutions",
]

FINEST = 15
"""The finest resolution of H3."""

MOST_VERTICES = 10
"""A pentagon of an odd resolution has five corners and five more where it crosses the icosahedron's edges."""

_RESOLUTION_SHIFT = 52
_CELL_MODE = np.uint64(1)  # the highest five bits: no edge, no vertex
_DIGIT_BITS = 3
_NEIGHBOUR_OFFSETS = np.array([(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)], dtype=np.float64)
_VERTEX_OFFSETS = np.array([(1, 1), (-1, 2), (-2, 1), (-1, -1), (1, -2), (2, -1)], dtype=np.float64) / 3.0
_NO_CELL = np.uint64(0)
_ONE_Q, _ONE_R = np.int64(1 << 28), np.int64(1)  # a step along either axis, in a packed lattice code


@lru_cache(maxsize=1)
def _faces() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the face centres and one vertex of each face, from the icosahedron that H3's pentagons mark."""
    lat, lon = np.radians([h3.cell_to_latlng(cell) for cell in h3.get_pentagons(0)]).T
    vertices = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    adjacent = vertices @ vertices.T > 0.4  # the cosine between neighbouring vertices is 1/sqrt(5)
    faces = [t for t in combinations(range(12), 3) if all(adjacent[a, b] for a, b in combinations(t, 2))]
    centre = np.array([vertices[list(t)].sum(axis=0) for t in faces])
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    return centre, vertices[[t[0] for t in faces]]


@lru_cache(maxsize=FINEST + 1)
def _lattice(resolution: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return face centres, the two lattice axes of each face, and the inverse that leads back to a direction."""
    centre, vertex = _faces()
    x_axis = vertex - (vertex * centre).sum(axis=1, keepdims=True) * centre
    x_axis /= np.linalg.norm(x_axis, axis=1, keepdims=True)
    y_axis = np.cross(centre, x_axis)
    if resolution % 2:  # odd resolutions (class III) are turned against the even ones
        turn = np.arcsin(np.sqrt(3.0 / 28.0))
        x_axis, y_axis = np.cos(turn) * x_axis + np.sin(turn) * y_axis, np.cos(turn) * y_axis - np.sin(turn) * x_axis
    # At resolution 0 the vertex of a face lies two lattice steps from its centre; every finer step divides by sqrt(7).
    to_vertex = np.tan(np.arccos((vertex * centre).sum(axis=1))).mean()
    scale = 2.0 / to_vertex * np.sqrt(7.0) ** resolution
    axes = np.stack([scale * (x_axis - y_axis / np.sqrt(3.0)), scale * 2.0 / np.sqrt(3.0) * y_axis], axis=1)
    inverse = np.linalg.inv(np.concatenate([axes, centre[:, None, :]], axis=1))
    return centre, np.ascontiguousarray(axes), np.ascontiguousarray(inverse)


def _checked_positions(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return contiguous arrays, or refuse what cannot be a longitude and a latitude."""
    x = np.ascontiguousarray(lon, dtype=np.float64).ravel()
    y = np.ascontiguousarray(lat, dtype=np.float64).ravel()
    if x.shape != y.shape:
        raise GeometryError(f"{x.size} longitudes but {y.size} latitudes were given; pass one of each per position.")
    wrong = ~((np.abs(x) <= 180.0) & (np.abs(y) <= 90.0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise GeometryError(
            f"{int(wrong.sum())} of {x.size} positions are not longitude/latitude in degrees, first at row {row}: "
            f"({x[row]!r}, {y[row]!r}). Harmonise the layer to OGC:CRS84 first, longitude before latitude."
        )
    return x, y


def index(lon: ArrayLike, lat: ArrayLike, resolution: int) -> NDArray[np.uint64]:
    """Give the H3 cell of every position.

    Parameters
    ----------
    lon, lat : array_like of float
        Longitudes and latitudes in degrees, finite.
    resolution : int
        H3 resolution, 0 to 15.

    Returns
    -------
    ndarray of uint64
        One cell per position.

    Raises
    ------
    GeometryError
        If a position is not finite or outside of the range of degrees.
    """
    x, y = _checked_positions(lon, lat)
    return index_positions(x, y, resolution, cell_of=_ask)


def _ask(lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int) -> NDArray[np.uint64]:
    """Ask ``h3`` point by point."""
    cell = h3.latlng_to_cell
    pairs = zip(lat.tolist(), lon.tolist(), strict=True)
    return np.fromiter((cell(a, b, resolution) for a, b in pairs), dtype=np.uint64, count=lon.size)


def resolutions(cells: ArrayLike) -> NDArray[np.int64]:
    """Read the resolution out of every cell number.

    Parameters
    ----------
    cells : array_like of uint64
        H3 cells.

    Returns
    -------
    ndarray of int64
        Resolutions, 0 to 15.
    """
    number = np.asarray(cells, dtype=np.uint64)
    return ((number >> np.uint64(_RESOLUTION_SHIFT)) & np.uint64(0xF)).astype(np.int64)


def parents(cells: ArrayLike, resolution: int) -> NDArray[np.uint64]:
    """Give the ancestor of every cell at a coarser resolution, by its bits.

    Parameters
    ----------
    cells : array_like of uint64
        H3 cells.
    resolution : int
        Resolution of the ancestors.

    Returns
    -------
    ndarray of uint64
        One ancestor per cell.

    Raises
    ------
    ResolutionError
        If a cell is coarser than the resolution asked for.
    """
    number = np.asarray(cells, dtype=np.uint64)
    have = resolutions(number)
    if number.size and int(have.min()) < resolution:
        raise ResolutionError(
            f"Cells of resolution {int(have.min())} have no ancestor at the finer resolution {resolution}; "
            "index the source at the finer resolution and coarsen by parent."
        )
    # The digits below the ancestor's resolution are set to 7, which H3 uses for "no digit".
    unused = np.uint64((1 << (_DIGIT_BITS * (FINEST - resolution))) - 1)
    kept = number & ~np.uint64(0xF << _RESOLUTION_SHIFT)
    return kept | np.uint64(resolution << _RESOLUTION_SHIFT) | unused


def descendants(cells: ArrayLike, resolution: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Give the numbers between which all descendants of cells lie, by their bits.

    Parameters
    ----------
    cells : array_like of uint64
        H3 cells.
    resolution : int
        Resolution of the descendants.

    Returns
    -------
    first, last : ndarray of uint64
        The least and the greatest number of a descendant of each cell, or where a pentagon leaves a gap, beyond it.

    Raises
    ------
    ResolutionError
        If a cell is finer than the resolution asked for, or no cell.
    """
    number = np.atleast_1d(np.asarray(cells, dtype=np.uint64))
    have = resolutions(number)
    wrong = (have > resolution) | ((number >> np.uint64(59)) != _CELL_MODE)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ResolutionError(
            f"{int(number[row]):x} is no H3 cell of resolution {resolution} or coarser: write the cells as published "
            "by H3, and none finer than what is asked for."
        )
    kept = number & ~np.uint64(0xF << _RESOLUTION_SHIFT) | np.uint64(resolution << _RESOLUTION_SHIFT)
    # The digits between the two resolutions run from 0 to 6; those below are "no digit" already.
    below = _DIGIT_BITS * (FINEST - resolution)
    span = (np.uint64(1) << (_DIGIT_BITS * (FINEST - have)).astype(np.uint64)) - np.uint64(1 << below)
    sixes = np.uint64(sum(6 << (_DIGIT_BITS * digit) for digit in range(FINEST)))
    first = kept & ~span
    return first, first | (sixes & span)


def centres(cells: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the centre of every cell.

    Parameters
    ----------
    cells : array_like of uint64
        H3 cells.

    Returns
    -------
    lon, lat : ndarray of float64
        Longitudes and latitudes in degrees.
    """
    number = np.asarray(cells, dtype=np.uint64).ravel()
    pairs = np.array([h3.cell_to_latlng(cell) for cell in number.tolist()], dtype=np.float64).reshape(-1, 2)
    return pairs[:, 1].copy(), pairs[:, 0].copy()


def boundary_vertices(cells: ArrayLike, resolution: int) -> NDArray[np.float64]:
    """Give the vertices of every cell, counter-clockwise and open.

    Parameters
    ----------
    cells : array_like of uint64
        H3 cells of one resolution.
    resolution : int
        Their resolution.

    Returns
    -------
    ndarray of float64, shape (n, k, 2)
        Longitude and latitude in degrees; k is 6, or 10 if any cell is a pentagon or bends over an edge of the
        icosahedron. A cell of fewer vertices repeats its last one.
    """
    number = np.asarray(cells, dtype=np.uint64).ravel()
    lon, lat = centres(number)
    centre, axes, inverse = _lattice(resolution)
    code, _ = lattice_codes(lon, lat, centre, axes)
    vertex_lon, vertex_lat, on_face = lattice_positions(code, _VERTEX_OFFSETS, centre, inverse)
    bent = np.flatnonzero(~on_face)
    out = np.empty((number.size, MOST_VERTICES if bent.size else len(_VERTEX_OFFSETS), 2))
    out[:, :6, 0], out[:, :6, 1] = vertex_lon, vertex_lat
    out[:, 6:] = out[:, 5:6]
    for i, cell in zip(bent.tolist(), number[bent].tolist(), strict=True):
        ring = np.array(h3.cell_to_boundary(cell))[:, ::-1]
        out[i, : len(ring)] = ring
        out[i, len(ring) :] = ring[-1]
    # A cell over the antimeridian is drawn on the side of its centre.
    out[:, :, 0] -= 360.0 * np.round((out[:, :, 0] - lon[:, None]) / 360.0)
    return out


def neighbours(cells: ArrayLike, resolution: int) -> NDArray[np.uint64]:
    """Give the cells that share an edge with every cell.

    Parameters
    ----------
    cells : array_like of uint64
        H3 cells of one resolution.
    resolution : int
        Their resolution.

    Returns
    -------
    ndarray of uint64, shape (n, 6)
        The neighbours; a pentagon has five, and 0 in the last place.
    """
    number = np.asarray(cells, dtype=np.uint64).ravel()
    lon, lat = centres(number)
    centre, axes, inverse = _lattice(resolution)
    code, _ = lattice_codes(lon, lat, centre, axes)
    near_lon, near_lat, on_face = lattice_positions(code, _NEIGHBOUR_OFFSETS, centre, inverse)
    out = np.full((number.size, 6), _NO_CELL)
    plain = np.flatnonzero(on_face)
    out[plain] = index(near_lon[plain].ravel(), near_lat[plain].ravel(), resolution).reshape(-1, 6)
    for i, cell in zip(np.flatnonzero(~on_face).tolist(), number[~on_face].tolist(), strict=True):
        ring = sorted(set(h3.grid_disk(cell, 1)) - {cell})
        out[i, : len(ring)] = ring
    return out


def disks(
    lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int, *, rings: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]] | None:
    """Find the cells of positions and all cells within so many rings of them, without asking cell by cell.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (n,)
        Positions in degrees.
    resolution : int
        H3 resolution.
    rings : int
        Number of rings around each position's cell.

    Returns
    -------
    own : ndarray of int64, shape (n,)
        Number of the cell that holds each position.
    cells : ndarray of uint64, shape (m,)
        The cells by their numbers.
    around : ndarray of int64, shape (m, 6)
        Numbers of each cell's neighbours, -1 for those beyond the rings.
    corners : ndarray of float64, shape (m, 6, 2)
        Corners in degrees, counter-clockwise; of a cell over the antimeridian on both of its sides.
        Instead of the four None, if a disk reaches over an edge of the icosahedron or rounding decides about a cell.
    """
    centre, axes, inverse = _lattice(resolution)
    code, certain = lattice_codes(lon, lat, centre, axes)
    if not certain.all():
        return None
    steps = np.arange(-rings, rings + 1)
    q, r = (axis.ravel() for axis in np.meshgrid(steps, steps))
    disk = (q * _ONE_Q + r * _ONE_R)[np.abs(q + r) <= rings]
    codes = np.sort(pd.unique((pd.unique(code)[:, None] + disk).ravel()))
    offsets = np.concatenate([_VERTEX_OFFSETS, np.zeros((1, 2))])
    x, y, on_face = lattice_positions(codes, offsets, centre, inverse)
    if not on_face.all():
        return None
    near = codes[:, None] + (_NEIGHBOUR_OFFSETS @ np.array([_ONE_Q, _ONE_R], dtype=np.float64)).astype(np.int64)
    place = np.minimum(np.searchsorted(codes, near), codes.size - 1)
    around = np.where(codes[place] == near, place, -1)
    cells = index(x[:, 6], y[:, 6], resolution)
    return np.searchsorted(codes, code), cells, around, np.stack([x[:, :6], y[:, :6]], axis=2)
