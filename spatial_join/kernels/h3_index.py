"""H3 cells of whole arrays of positions, anywhere on Earth, without a call per position.

A block of positions is turned into lattice points on the face that its first position is on: three products with a unit
vector, one division, one rounding, all without a branch so that the compiler vectorises them. Whatever is not plainly
inside a cell and a face is looked at again, one by one; what lies within rounding of an edge is left to ``h3`` itself.
The digits of a lattice point come four at a time from a table of its period.
"""

# ruff: noqa: ANN001, ANN202, PLR0917, PLW3301
# Compiled functions know neither keyword-only parameters nor a vectorised max() of three; numba infers their types.

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

from spatial_join.errors import JoinError
from spatial_join.kernels.h3_faces import DIGITS_AT_ONCE, PERIOD, FaceTables, face_tables, lattice_scale, plane_axes
from spatial_join.kernels.threads import in_stretches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatial_join.kernels.h3_faces import CellOf, Floats

__all__ = ["index_positions"]

FINEST = 15

_BLOCK = 512  # positions whose intermediate values stay in the first-level cache
_STRETCH = 1 << 16  # positions that a thread takes at a time
_EDGE = 1e-7  # lattice steps: within this of an edge between cells, h3 is asked
_ROUNDING = 32.0 * 2.0**-52  # generous bound on the error of a coordinate on the gnomonic plane, ours and h3's
_NEAR_CENTRE = 2e-3  # radians: h3 takes an arc cosine, which loses digits close to a face's centre
_FACE_MARGIN = 1e-12  # cosines: two faces closer than this are too close to call
_SINE = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(8))
_COSINE = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(9))
_UNDECIDED = np.uint64(0)
_LOW_BITS = np.uint64(0o111111111111111)  # of every digit


class _Lattice(NamedTuple):
    """Everything that the kernel reads, for one resolution."""

    centre: Floats
    axes: Floats
    apart: Floats
    digits: NDArray[np.int32]
    coarse: NDArray[np.int32]
    turns: NDArray[np.int8]
    resolution: int
    scale: float


@lru_cache(maxsize=4)
def _tables(cell_of: CellOf) -> FaceTables:
    return face_tables(cell_of)


@lru_cache(maxsize=4 * (FINEST + 1))
def _lattice(cell_of: CellOf, resolution: int) -> _Lattice:
    tables = _tables(cell_of)
    return _Lattice(
        tables.centre,
        plane_axes(tables.centre, tables.vertex, resolution),
        tables.apart,
        tables.digits[resolution % 2],
        tables.coarse[resolution % DIGITS_AT_ONCE],
        tables.turns,
        resolution,
        lattice_scale(resolution),
    )


def index_positions(
    lon: Floats, lat: Floats, resolution: int, *, cell_of: CellOf, threads: int | None = None
) -> NDArray[np.uint64]:
    """Give the H3 cell of every position, equal to the last bit to what ``h3`` gives.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (n,)
        Longitudes and latitudes in degrees. Longitudes may exceed 180 by whole turns.
    resolution : int
        H3 resolution, 0 to 15.
    cell_of : callable
        ``cell_of(lon, lat, resolution)`` gives the cells of arrays of positions, as ``h3`` computes them. It is asked
        for about 4,000 cells the first time, and for every position within 1e-7 of a cell's width from an edge.
    threads : int, optional
        Threads to use; all usable cores by default. The answer does not depend on it.

    Returns
    -------
    ndarray of uint64, shape (n,)
        Cells; 0 where a coordinate is not finite or the latitude is beyond a pole.

    Raises
    ------
    JoinError
        If the resolution does not exist or the arrays are of different lengths.
    """
    if not 0 <= resolution <= FINEST:
        raise JoinError(f"H3 has resolutions 0 to {FINEST}, got {resolution}.")
    x = np.ascontiguousarray(lon, dtype=np.float64).ravel()
    y = np.ascontiguousarray(lat, dtype=np.float64).ravel()
    if x.size != y.size:
        raise JoinError(f"{x.size} longitudes but {y.size} latitudes were given; pass one of each per position.")
    lattice = _lattice(cell_of, resolution)
    out = np.empty(x.size, dtype=np.uint64)

    def _fill(start: int, stop: int) -> None:
        """Write the cells of one stretch of positions."""
        cells = out[start:stop]
        if _fill_cells(x[start:stop], y[start:stop], cells, lattice):
            left = start + np.flatnonzero(cells == _UNDECIDED)
            left = left[np.isfinite(x[left]) & (np.abs(y[left]) <= 90.0)]
            out[left] = cell_of(x[left], y[left], resolution)

    in_stretches(_fill, x.size, stretch=_STRETCH, threads=threads)
    return out


@nb.njit(nogil=True, cache=True, inline="always")
def _sin_cos(x: float) -> tuple[float, float]:
    """Return sine and cosine of an angle within 45 degrees, by their series: the system's are not vectorised."""
    z = x * x
    s = z * (_SINE[5] + z * (_SINE[6] + z * _SINE[7]))
    s = z * (_SINE[2] + z * (_SINE[3] + z * (_SINE[4] + s)))
    c = z * (_COSINE[5] + z * (_COSINE[6] + z * (_COSINE[7] + z * _COSINE[8])))
    c = z * (_COSINE[2] + z * (_COSINE[3] + z * (_COSINE[4] + c)))
    return x + x * z * (_SINE[1] + s), 1.0 + z * (_COSINE[1] + c)


@nb.njit(nogil=True, cache=True, inline="always")
def _doubled(sine: float, cosine: float) -> tuple[float, float]:
    """Return sine and cosine of twice an angle."""
    return 2.0 * sine * cosine, (cosine - sine) * (cosine + sine)


@nb.njit(nogil=True, cache=True, inline="always")
def _direction(lon: float, lat: float) -> tuple[float, float, float]:
    """Return the unit vector of a position, from angles halved into the range of the series: that needs no branch."""
    s, c = _sin_cos(lat * (math.pi / 360.0))
    sin_lat, cos_lat = _doubled(s, c)
    s, c = _sin_cos((lon - 360.0 * np.rint(lon * (1.0 / 360.0))) * (math.pi / 720.0))
    s, c = _doubled(s, c)
    sin_lon, cos_lon = _doubled(s, c)
    return cos_lat * cos_lon, cos_lat * sin_lon, sin_lat


@nb.njit(nogil=True, cache=True, inline="always")
def _nearest_lattice_point(a: float, b: float) -> tuple[float, float, float]:
    """Round to the lattice; the third number is 0 at the centre of a cell and 1 on its edge."""
    u, v, w = a - b, b, -a
    ru, rv, rw = np.rint(u), np.rint(v), np.rint(w)
    du, dv, dw = abs(u - ru), abs(v - rv), abs(w - rw)
    fix_u = (du > dv) & (du > dw)
    fix_w = (not fix_u) & (dw > dv)
    # The three must add up to 0: the one that was rounded furthest gives way.
    rv = rv if (fix_u | fix_w) else -ru - rw
    ra = -rw
    ra = ru + rv if fix_w else ra
    ea, eb = a - ra, b - rv
    edge = max(abs(ea - 2.0 * eb), max(abs(ea + eb), abs(2.0 * ea - eb)))
    return ra, rv, edge


@nb.njit(nogil=True, cache=True)
def _best_face(x: float, y: float, z: float, centre: Floats) -> tuple[int, float]:
    """Return the face that a direction is on, and by how much its cosine exceeds the next one's."""
    best, second, face = -2.0, -2.0, 0
    for f in range(centre.shape[0]):
        cosine = centre[f, 0] * x + centre[f, 1] * y + centre[f, 2] * z
        if cosine > best:
            best, second, face = cosine, best, f
        elif cosine > second:
            second = cosine
    return face, best - second


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _project(lon, lat, block, face, lattice):  # type: ignore[no-untyped-def]
    """Put a block of positions on the lattice of one face, and say which are plainly in a cell of that face."""
    a_out, b_out, sure = block[0], block[1], block[2]
    ax, ay, az = lattice.axes[face, 0]
    bx, by, bz = lattice.axes[face, 1]
    cx, cy, cz = lattice.centre[face]
    px, py, pz = lattice.apart[face, 0]
    qx, qy, qz = lattice.apart[face, 1]
    rx, ry, rz = lattice.apart[face, 2]
    inner = 1.0 - (_EDGE + _ROUNDING * lattice.scale * (1.0 + 1.0 / _NEAR_CENTRE))
    most = math.cos(_NEAR_CENTRE)
    for i in range(lon.size):
        x, y, z = _direction(lon[i], lat[i])
        w = cx * x + cy * y + cz * z
        a, b, edge = _nearest_lattice_point((ax * x + ay * y + az * z) / w, (bx * x + by * y + bz * z) / w)
        on_face = (px * x + py * y + pz * z > _FACE_MARGIN) & (qx * x + qy * y + qz * z > _FACE_MARGIN)
        on_face &= (rx * x + ry * y + rz * z > _FACE_MARGIN) & (w < most) & (w > 0.0)
        a_out[i] = a
        b_out[i] = b
        sure[i] = 1.0 if on_face & (edge < inner) & (abs(lat[i]) <= 90.0) else 0.0


@nb.njit(nogil=True, cache=True, inline="always")
def _turned(digits: np.uint64, turns: int) -> np.uint64:
    """Turn all digits counter-clockwise by multiples of 60 degrees.

    One turn takes the bits (x, y, z) of a digit to (not y, not z, not x), and leaves 0 alone.
    """
    used = (digits | digits >> np.uint64(1) | digits >> np.uint64(2)) & _LOW_BITS
    once = (digits & (_LOW_BITS * np.uint64(3))) << np.uint64(1) | digits >> np.uint64(2) & _LOW_BITS
    twice = (digits & _LOW_BITS) << np.uint64(2) | digits >> np.uint64(1) & (_LOW_BITS * np.uint64(3))
    third = turns - 3 if turns >= 3 else turns
    bits = once if third == 1 else digits
    bits = twice if third == 2 else bits
    inverted = np.uint64(0) - np.uint64(turns & 1)
    return (bits ^ inverted) & (used * np.uint64(7))


@nb.njit(nogil=True, cache=True)
def _leading_digit(digits: np.uint64) -> int:
    while digits > np.uint64(7):
        digits >>= np.uint64(3)
    return int(digits)


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _settle(lon: float, lat: float, lattice: _Lattice) -> tuple[float, float, int]:
    """Return the lattice point and the face of one position, or face -1 where it is too close to an edge to call."""
    if not (np.isfinite(lon) and abs(lat) <= 90.0):
        return 0.0, 0.0, -1
    x, y, z = _direction(lon, lat)
    face, margin = _best_face(x, y, z, lattice.centre)
    axes, centre = lattice.axes[face], lattice.centre[face]
    w = centre[0] * x + centre[1] * y + centre[2] * z
    a = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) / w
    b = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) / w
    to_centre = math.sqrt(a * a + b * b - a * b) / lattice.scale
    lattice_a, lattice_b, edge = _nearest_lattice_point(a, b)
    doubt = _EDGE + _ROUNDING * lattice.scale * (1.0 + 1.0 / to_centre)
    if margin < _FACE_MARGIN or not edge < 1.0 - doubt:
        return 0.0, 0.0, -1
    return lattice_a, lattice_b, face


@nb.njit(nogil=True, cache=True)
def _take_digits(a, b, digits, place, table):  # type: ignore[no-untyped-def]
    """Move lattice points to their ancestors four resolutions up, and add the digits between to what is known."""
    for i in range(a.size):
        # Half a step off the whole numbers, so that rounding cannot carry a quotient over one.
        up_a, up_b = np.floor((a[i] + 0.5) * (1.0 / PERIOD)), np.floor((b[i] + 0.5) * (1.0 / PERIOD))
        entry = table[np.uint64((a[i] - PERIOD * up_a) * PERIOD + (b[i] - PERIOD * up_b))]
        digits[i] |= np.uint64(entry & 0xFFF) << place
        a[i] = up_a + (((entry >> 12) & 15) - 8)
        b[i] = up_b + ((entry >> 16) - 8)


@nb.njit(nogil=True, cache=True)
def _write_cells(block, faces, cells, lattice):  # type: ignore[no-untyped-def]
    """Write the cells of a block of lattice points, 0 where only H3 knows them, and return how many those are."""
    size, steps, reach = cells.size, lattice.resolution // DIGITS_AT_ONCE, lattice.coarse.shape[1] // 2
    coarse_table, a, b = lattice.coarse, block[0], block[1]
    turns = np.empty(size, np.int64)
    cells[:] = 0
    for step in range(steps):
        _take_digits(a[:size], b[:size], cells, np.uint64(3 * DIGITS_AT_ONCE * step), lattice.digits)
    place = np.uint64(3 * DIGITS_AT_ONCE * steps)
    unused = np.uint64(3 * (FINEST - lattice.resolution))
    undecided = 0
    for i in range(size):
        coarse = np.int32(-1)
        if faces[i] >= 0 and max(abs(a[i]), abs(b[i])) <= reach:
            coarse = coarse_table[faces[i], np.uint64(a[i] + reach), np.uint64(b[i] + reach)]
        cells[i] |= np.uint64(coarse >> 14) << place
        turns[i] = (coarse >> 7) & 127
        if turns[i] >= 6:  # a row of its own: within a pentagon the turn depends on the leading digit
            turns[i] = -1 if coarse < 0 else lattice.turns[turns[i], _leading_digit(cells[i])]
            undecided += turns[i] < 0
        a[i] = coarse & 127
    head = np.uint64(1) << np.uint64(59) | np.uint64(lattice.resolution) << np.uint64(52)
    head |= (np.uint64(1) << unused) - np.uint64(1)
    for i in range(size):
        cell = head | np.uint64(a[i]) << np.uint64(45) | _turned(cells[i], turns[i]) << unused
        cells[i] = cell if turns[i] >= 0 else _UNDECIDED
    return undecided


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _fill_cells(lon, lat, cells, lattice):  # type: ignore[no-untyped-def]
    """Write the cells of positions and return how many could not be decided here."""
    block = np.empty((3, _BLOCK))
    faces = np.empty(_BLOCK, np.int8)
    undecided = 0
    for start in range(0, lon.size, _BLOCK):
        stop = min(start + _BLOCK, lon.size)
        x, y, z = _direction(lon[start], lat[start])
        face, _ = _best_face(x, y, z, lattice.centre)
        _project(lon[start:stop], lat[start:stop], block, face, lattice)
        for i in range(stop - start):
            faces[i] = face
            if block[2, i] == 0.0:
                block[0, i], block[1, i], faces[i] = _settle(lon[start + i], lat[start + i], lattice)
        undecided += _write_cells(block, faces, cells[start:stop], lattice)
    return undecided
