"""Positions on the hexagon lattice of the icosahedron face that they fall on.

H3 projects a point gnomonically onto the nearest of 20 faces, where the cells of one resolution are the unit
lattice of regular hexagons. Which hexagon a point is in is therefore three dot products and a rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["lattice_codes", "lattice_positions", "pack_code"]

HALF_RANGE = 1 << 27
"""Lattice coordinates are stored with this offset in 28 bits; at resolution 15 they stay below 2^24."""

CELL_EDGE_MARGIN = 1e-7
"""In lattice units: nearer to a cell edge than this, rounding could differ from H3's own, so H3 is asked."""

FACE_EDGE_MARGIN = 1e-13
"""Difference of two cosines below which the nearer of two faces is not certain in doubles."""

INRADIUS_COSINE = 0.935
"""A point whose direction has a larger cosine with a face centre than the face's inradius (20.9 deg) is on it."""


@nb.njit(nogil=True, cache=True, inline="always")
def pack_code(face: int, q: int, r: int) -> np.int64:
    """Put face and axial lattice coordinates into one integer."""
    return (np.int64(face) << 56) | ((np.int64(q) + HALF_RANGE) << 28) | (np.int64(r) + HALF_RANGE)


@nb.njit(nogil=True, cache=True)
def lattice_codes(lon_deg: Floats, lat_deg: Floats, centres: Floats, axes: Floats) -> tuple[Numbers, Flags]:
    """Find face and lattice coordinates of every point.

    Parameters
    ----------
    lon_deg, lat_deg : ndarray of float64, shape (n,)
        Positions in degrees; latitude is taken as spherical, as H3 does.
    centres : ndarray of float64, shape (20, 3)
        Unit vectors of the face centres.
    axes : ndarray of float64, shape (20, 2, 3)
        Per face the two vectors whose dot products with a point, divided by that with the centre, are the axial
        lattice coordinates at one resolution.

    Returns
    -------
    code : ndarray of int64, shape (n,)
        Face, q and r of the nearest lattice point, packed.
    certain : ndarray of bool, shape (n,)
        False where the point is so near to a cell edge or a face edge that rounding decides.
    """
    n = lon_deg.shape[0]
    code = np.empty(n, np.int64)
    certain = np.empty(n, np.bool_)
    face = 0
    for i in range(n):
        lat = math.radians(lat_deg[i])
        lon = math.radians(lon_deg[i])
        c = math.cos(lat)
        x, y, z = c * math.cos(lon), c * math.sin(lon), math.sin(lat)
        best = centres[face, 0] * x + centres[face, 1] * y + centres[face, 2] * z
        sure = True
        if best < INRADIUS_COSINE:
            second = -2.0
            best = -2.0
            for f in range(20):
                d = centres[f, 0] * x + centres[f, 1] * y + centres[f, 2] * z
                if d > best:
                    second = best
                    best = d
                    face = f
                elif d > second:
                    second = d
            sure = best - second > FACE_EDGE_MARGIN
        q = (axes[face, 0, 0] * x + axes[face, 0, 1] * y + axes[face, 0, 2] * z) / best
        r = (axes[face, 1, 0] * x + axes[face, 1, 1] * y + axes[face, 1, 2] * z) / best
        rq, rr, rt = math.floor(q + 0.5), math.floor(r + 0.5), math.floor(0.5 - q - r)
        dq, dr, dt = abs(q - rq), abs(r - rr), abs(-q - r - rt)
        if dq > dr and dq > dt:
            rq = -rr - rt
        elif dr > dt:
            rr = -rq - rt
        fq, fr = q - rq, r - rr
        ft = -fq - fr
        # In the hexagon around 0 the largest of the three differences is 1 exactly on the edge.
        to_edge = 1.0 - max(abs(fq - fr), abs(fr - ft), abs(ft - fq))
        code[i] = pack_code(face, int(rq), int(rr))
        certain[i] = sure and to_edge > CELL_EDGE_MARGIN
    return code, certain


@nb.njit(nogil=True, cache=True)
def lattice_positions(code: Numbers, offsets: Floats, centres: Floats, inverse: Floats) -> tuple[Floats, Floats, Flags]:
    """Find the positions that lie at given lattice offsets from given lattice points.

    Parameters
    ----------
    code : ndarray of int64, shape (n,)
        Packed lattice points.
    offsets : ndarray of float64, shape (k, 2)
        Offsets in axial lattice units.
    centres : ndarray of float64, shape (20, 3)
        Unit vectors of the face centres.
    inverse : ndarray of float64, shape (20, 3, 3)
        Per face the matrix that takes (q, r, 1) to a direction.

    Returns
    -------
    lon_deg, lat_deg : ndarray of float64, shape (n, k)
        Positions in degrees.
    on_face : ndarray of bool, shape (n,)
        False where any of the positions is nearer to another face, whose lattice is a different one.
    """
    n, k = code.shape[0], offsets.shape[0]
    lon_deg = np.empty((n, k))
    lat_deg = np.empty((n, k))
    on_face = np.ones(n, np.bool_)
    mask = (1 << 28) - 1
    for i in range(n):
        face = code[i] >> 56
        q = ((code[i] >> 28) & mask) - HALF_RANGE
        r = (code[i] & mask) - HALF_RANGE
        m = inverse[face]
        for j in range(k):
            a, b = q + offsets[j, 0], r + offsets[j, 1]
            x = m[0, 0] * a + m[0, 1] * b + m[0, 2]
            y = m[1, 0] * a + m[1, 1] * b + m[1, 2]
            z = m[2, 0] * a + m[2, 1] * b + m[2, 2]
            s = 1.0 / math.sqrt(x * x + y * y + z * z)
            own = (centres[face, 0] * x + centres[face, 1] * y + centres[face, 2] * z) * s
            if own < INRADIUS_COSINE:
                for f in range(20):
                    if f != face and (centres[f, 0] * x + centres[f, 1] * y + centres[f, 2] * z) * s >= own:
                        on_face[i] = False
            lon_deg[i, j] = math.degrees(math.atan2(y, x))
            # atan2 keeps its digits near the poles, where an arcsine loses them.
            lat_deg[i, j] = math.degrees(math.atan2(z, math.sqrt(x * x + y * y)))
    return lon_deg, lat_deg, on_face
