"""What the H3 index kernel knows about the icosahedron, as tables of numbers.

H3 lays a hexagonal lattice on the gnomonic plane of each face of an icosahedron. A lattice point is written here by two
whole numbers (a, b) along axes that are 120 degrees apart, the first of which points to a vertex of the face (turned
by 19.1 degrees at odd resolutions). The digits of a cell follow from (a, b) alone, up to a turn by multiples of 60
degrees and the number of the base cell. Those two are asked of H3 itself, once, so that nothing is copied from it.

References
----------
.. [1] H3 documentation, "Overview of the H3 Geospatial Indexing System" and "Coordinate Systems used by the H3 Core
   Library", https://h3geo.org/docs/core-library/overview
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]
    CellOf: TypeAlias = Callable[[Floats, Floats, int], NDArray[np.uint64]]

__all__ = ["DIGITS_AT_ONCE", "PERIOD", "CellOf", "FaceTables", "face_tables", "lattice_scale", "plane_axes"]

# Orientation of the icosahedron, from Buckminster Fuller's Dymaxion map: centre of one face and the azimuth of one of
# its vertices, radians.
_FACE_LAT, _FACE_LON, _VERTEX_AZIMUTH = 0.803582649718989942, 1.248397419617396099, 5.619958268523939882
_FACES = 20
_TURN_OF_ODD = math.asin(math.sqrt(3.0 / 28.0))
_UNITS = np.array([(0, 0), (-1, -1), (0, 1), (-1, 0), (1, 0), (0, -1), (1, 1)])  # lattice step of each digit
_COUNTER_CLOCKWISE = (0, 5, 3, 1, 6, 4, 2)  # digit that each digit becomes when turned by 60 degrees

DIGITS_AT_ONCE = 4
"""Digits that one look-up yields: two apertures of 7 turn one way and two the other, so that the turns cancel."""

PERIOD = 49
"""Lattice period of those digits: 7 to half of their number."""


class FaceTables(NamedTuple):
    """Numbers from which a lattice point on a face becomes an H3 cell.

    Attributes
    ----------
    centre : ndarray, shape (20, 3)
        Unit vectors to the centres of the faces.
    vertex : ndarray, shape (20, 3)
        Unit vectors to the vertex that the first lattice axis of the face points to.
    apart : ndarray, shape (20, 3, 3)
        Centre of a face minus the centre of each of its three neighbours; a point is on the face where its products
        with all three are positive.
    digits : ndarray of int32, shape (2, 2401)
        For even and odd resolutions, by ``a mod 49 * 49 + b mod 49``: four digits, and above them what is to be added
        to ``a // 49`` and ``b // 49``, plus 8.
    coarse : tuple of 4 ndarrays of int32, shape (20, n, n)
        For resolutions 0 to 3, by face, a and b (0 in the middle): base cell, row of ``turns`` and digits, or -1.
    turns : ndarray of int8, shape (rows, 7)
        By row and leading digit: by how many times 60 degrees all digits are turned, or -1 where only H3 knows. The
        first six rows belong to hexagons, the rest each to one pentagon as seen from one face.
    """

    centre: Floats
    vertex: Floats
    apart: Floats
    digits: NDArray[np.int32]
    coarse: tuple[NDArray[np.int32], ...]
    turns: NDArray[np.int8]


def lattice_scale(resolution: int) -> float:
    """Give the number of lattice steps in one unit of the gnomonic plane.

    Parameters
    ----------
    resolution : int
        H3 resolution, 0 to 15.

    Returns
    -------
    float
        Steps per radius of the sphere.
    """
    golden = (1.0 + math.sqrt(5.0)) / 2.0
    return golden**2 * math.sqrt(7.0) ** resolution


def plane_axes(centre: Floats, vertex: Floats, resolution: int) -> Floats:
    """Give the vectors whose products with a direction, over that with the centre, are its lattice coordinates.

    Parameters
    ----------
    centre, vertex : ndarray, shape (n, 3)
        Unit vectors to the centres of faces and to the vertices that their first axes point to.
    resolution : int
        H3 resolution, 0 to 15.

    Returns
    -------
    ndarray, shape (n, 2, 3)
        One vector for a and one for b.
    """
    x = vertex - (vertex * centre).sum(axis=1, keepdims=True) * centre
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.cross(centre, x)
    if resolution % 2:
        x, y = (
            math.cos(_TURN_OF_ODD) * x + math.sin(_TURN_OF_ODD) * y,
            math.cos(_TURN_OF_ODD) * y - math.sin(_TURN_OF_ODD) * x,
        )
    return lattice_scale(resolution) * np.stack([x + y / math.sqrt(3.0), 2.0 / math.sqrt(3.0) * y], axis=1)


def face_tables(cell_of: CellOf) -> FaceTables:
    """Make the tables, asking H3 for about 4,000 cells of resolutions 0 to 2.

    Parameters
    ----------
    cell_of : callable
        ``cell_of(lon, lat, resolution)`` gives the H3 cells of positions in degrees, as ``h3`` itself computes them.

    Returns
    -------
    FaceTables
        The tables.
    """
    corners = _icosahedron()
    centre = corners.sum(axis=1)
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    vertex = corners[:, 0]
    nearest = np.argsort(-(centre @ centre.T), axis=1)[:, 1:4]
    base, turns = _base_cells(centre, vertex, cell_of)
    return FaceTables(
        centre=centre,
        vertex=vertex,
        apart=centre[:, None] - centre[nearest],
        digits=np.stack([_digit_table(0), _digit_table(1)]),
        coarse=tuple(_coarse_table(resolution, base) for resolution in range(DIGITS_AT_ONCE)),
        turns=turns,
    )


def _icosahedron() -> Floats:
    """Return the three vertices of every face, from the position of one face."""
    centre = _direction(np.array([_FACE_LAT]), np.array([_FACE_LON]))[0]
    north = np.array([-centre[2] * math.cos(_FACE_LON), -centre[2] * math.sin(_FACE_LON), math.cos(_FACE_LAT)])
    east = np.cross(north, centre)
    out_cos = math.sqrt((5.0 + 2.0 * math.sqrt(5.0)) / 15.0)  # of the angle from a face's centre to its vertices
    azimuth = _VERTEX_AZIMUTH - np.arange(3)[:, None] * (2.0 * math.pi / 3.0)
    first = out_cos * centre + math.sqrt(1.0 - out_cos**2) * (np.cos(azimuth) * north + np.sin(azimuth) * east)
    half = list(first)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):  # the third vertex mirrored in the plane of the other two
        normal = np.cross(first[i], first[j])
        normal /= np.linalg.norm(normal)
        half.append(first[k] - 2.0 * (first[k] @ normal) * normal)
    vertices = np.concatenate([half, -np.array(half)])
    adjacent = vertices @ vertices.T > 0.4  # neighbours have 1 / sqrt(5), all others less than 0
    triples = [t for t in combinations(range(12), 3) if all(adjacent[p, q] for p, q in combinations(t, 2))]
    faces = vertices[np.array(triples)]
    faces /= np.linalg.norm(faces, axis=2, keepdims=True)
    return np.asarray(faces)


def _direction(lat: Floats, lon: Floats) -> Floats:
    """Return unit vectors of positions in radians."""
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _up(a: Ints, b: Ints, resolution: int) -> tuple[Ints, Ints, Ints]:
    """Return the parent's lattice point and the digit below it, of lattice points of a resolution."""
    if resolution % 2:
        up_a, up_b = np.rint((3 * a - b) / 7).astype(np.int64), np.rint((a + 2 * b) / 7).astype(np.int64)
    else:
        up_a, up_b = np.rint((2 * a + b) / 7).astype(np.int64), np.rint((3 * b - a) / 7).astype(np.int64)
    down_a, down_b = _down(up_a, up_b, resolution)
    by_step = np.zeros((3, 3), dtype=np.int64)
    by_step[_UNITS[:, 0] + 1, _UNITS[:, 1] + 1] = np.arange(7)
    return up_a, up_b, by_step[a - down_a + 1, b - down_b + 1]


def _down(a: Ints, b: Ints, resolution: int) -> tuple[Ints, Ints]:
    """Return where the central child of a lattice point lies on the lattice of its (finer) resolution."""
    return (2 * a + b, 3 * b - a) if resolution % 2 else (3 * a - b, a + 2 * b)


def _digit_table(odd: int) -> NDArray[np.int32]:
    """Return the last four digits and the remainder of the ancestor for every lattice point of one period."""
    a, b = (v.ravel() for v in np.meshgrid(np.arange(PERIOD), np.arange(PERIOD), indexing="ij"))
    digits = np.zeros_like(a)
    for place in range(DIGITS_AT_ONCE):
        a, b, digit = _up(a, b, odd + place)  # only whether the resolution is odd matters
        digits |= digit << (3 * place)
    return (digits | (a + 8) << 12 | (b + 8) << 16).astype(np.int32)


def _coarse_table(resolution: int, base: Ints) -> NDArray[np.int32]:
    """Return base cell, row of turns and digits for every lattice point on or near a face."""
    reach = math.ceil(2.0 * 2.0 / math.sqrt(3.0) * math.sqrt(7.0) ** resolution) + 2
    span = np.arange(-reach, reach + 1)
    a, b = (v.ravel() for v in np.meshgrid(span, span, indexing="ij"))
    digits = np.zeros_like(a)
    for place in range(resolution):
        a, b, digit = _up(a, b, resolution - place)
        digits |= digit << (3 * place)
    on_base = (np.abs(a) <= 2) & (np.abs(b) <= 2)
    found = base[:, np.clip(a, -2, 2) + 2, np.clip(b, -2, 2) + 2]
    entry = np.where(on_base & (found >= 0), found | digits << 14, -1)
    return entry.reshape(_FACES, span.size, span.size).astype(np.int32)


def _base_cells(centre: Floats, vertex: Floats, cell_of: CellOf) -> tuple[Ints, NDArray[np.int8]]:
    """Ask H3 for the base cells that each face touches and by how much their digits are turned."""
    base = np.full((_FACES, 5, 5), -1, dtype=np.int64)
    turns = [np.full(7, n, dtype=np.int8) for n in range(6)]
    at_vertices = [(2, 0), (0, 2), (-2, -2)]
    reaching_in = [(2, 1), (1, 2), (-1, 1), (-2, -1), (-1, -2), (1, -1)]  # with no more than a corner
    touching = [(int(a), int(b)) for a, b in _UNITS] + reaching_in + at_vertices
    for face in range(_FACES):
        ask = _Asker(centre[face], vertex[face], cell_of)
        for a, b in touching:
            number = ask.base_cell(a, b)
            turned = ask.turns(a, b, number)
            if (a, b) in at_vertices:
                row = len(turns)
                turns.append(turned)
            else:
                row = int(turned.max())
            base[face, a + 2, b + 2] = number | row << 7
    stacked = np.stack(turns)
    stacked[:, 0] = 0  # the central child of central children stays where it is
    return base, stacked


class _Asker:
    """One face's lattice, through which H3 is asked about cells."""

    def __init__(self, centre: Floats, vertex: Floats, cell_of: CellOf) -> None:
        self.centre, self.vertex, self.cell_of = centre[None], vertex[None], cell_of

    def cells(self, a: Ints, b: Ints, resolution: int) -> NDArray[np.uint64]:
        axes = plane_axes(self.centre, self.vertex, resolution)[0]
        toward = np.linalg.solve(np.vstack([axes, self.centre]), np.stack([a, b, np.ones_like(a)]).astype(np.float64))
        lat = np.arctan2(toward[2], np.hypot(toward[0], toward[1]))
        return self.cell_of(np.degrees(np.arctan2(toward[1], toward[0])), np.degrees(lat), resolution)

    def base_cell(self, a: int, b: int) -> int:
        cell = self.cells(np.array([a]), np.array([b]), 0)[0]
        return int(cell) >> 45 & 127

    def turns(self, a: int, b: int, number: int) -> NDArray[np.int8]:
        """By leading digit, how often 60 degrees turn it into H3's; -1 where the child is not near the face."""
        out = np.full(7, -1, dtype=np.int8)
        middle = (np.array([a]), np.array([b]))
        for resolution in (1, 2):  # the directions of odd and of even resolutions
            middle = _down(*middle, resolution)
            child_a, child_b = middle[0] + _UNITS[1:, 0], middle[1] + _UNITS[1:, 1]
            # The triangle is where these three are at most 1; beyond an edge the planes of two faces differ little.
            x, y = _plane_position(child_a, child_b, resolution)
            outward = [x * math.cos(t) + y * math.sin(t) for t in (math.pi / 3.0, math.pi, -math.pi / 3.0)]
            near = np.maximum.reduce(outward) < 1.0 + 0.6 / math.sqrt(7.0) ** resolution
            cells = self.cells(child_a, child_b, resolution).astype(np.int64)
            for digit in (np.flatnonzero(near) + 1).tolist():
                cell = int(cells[digit - 1])
                if cell >> 45 & 127 == number:
                    out[digit] = _turns_between(digit, cell >> (45 - 3 * resolution) & 7)
        return out


def _plane_position(a: Ints, b: Ints, resolution: int) -> tuple[Floats, Floats]:
    """Return where lattice points lie, in steps of resolution 0 along and across the direction of the vertex."""
    across = b * math.sqrt(3.0) / 2.0
    along = a - b / 2.0
    turn = _TURN_OF_ODD if resolution % 2 else 0.0
    scale = math.sqrt(7.0) ** -resolution
    return (
        scale * (along * math.cos(turn) - across * math.sin(turn)),
        scale * (along * math.sin(turn) + across * math.cos(turn)),
    )


def _turns_between(digit: int, turned: int) -> int:
    """Return how often a digit must be turned by 60 degrees to become another."""
    count = 0
    while digit != turned:
        digit, count = _COUNTER_CLOCKWISE[digit], count + 1
    return count
