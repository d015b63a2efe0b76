"""Checks of shells on flat arrays, all shells of a file at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.readers.mesh import Mesh

__all__ = [
    "Edges",
    "Rings",
    "edges_of",
    "faces_to_turn",
    "find_faults",
    "flag_shells",
    "parts_of",
    "rings_of",
    "tetrahedra",
    "vector_areas",
]

_TOLERANCE_M = 1e-3
#: A face whose points lie farther than this from its plane is not flat; what val3dity takes by default.
_FLAT_M = 0.01


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rings:
    """Rings of all shells in flat arrays, one entry a point of a ring.

    Parameters
    ----------
    points : numpy.ndarray of float64, shape (n, 3)
        Metres from the first point of their shell, so that no digits are lost.
    following : numpy.ndarray of int64, shape (n,)
        Place of the next point of the ring.
    vertex, ring, face, shell : numpy.ndarray of int64, shape (n,)
        Number of the vertex (points of one shell that lie together have one), ring, face and shell.
    """

    points: NDArray[np.float64]
    following: NDArray[np.int64]
    vertex: NDArray[np.int64]
    ring: NDArray[np.int64]
    face: NDArray[np.int64]
    shell: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Edges:
    """Edges of all shells, sorted so that those between the same vertices lie together.

    Parameters
    ----------
    at : numpy.ndarray of int64, shape (m,)
        Place of the point where the edge begins.
    begins : numpy.ndarray of int64, shape (edges,)
        Where in ``at`` each edge begins.
    upward : numpy.ndarray of bool, shape (m,)
        Whether it is passed from the lower to the higher number of a vertex.
    """

    at: NDArray[np.int64]
    begins: NDArray[np.int64]
    upward: NDArray[np.bool_]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Faces of each edge."""
        return np.diff(np.append(self.begins, len(self.at)))


def _number_vertices(points: NDArray[np.float64], shell: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give points of one shell that lie together one number."""
    cells = np.column_stack([shell, np.round(points / _TOLERANCE_M).astype(np.int64)])
    order = np.lexsort(cells.T)
    new = np.any(cells[order[1:]] != cells[order[:-1]], axis=1)
    numbers = np.empty(len(points), dtype=np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(new)])
    return numbers


def rings_of(mesh: Mesh, metres: NDArray[np.float64]) -> Rings:
    """Take the rings of shells out of a mesh.

    Parameters
    ----------
    mesh : Mesh
        All surfaces.
    metres : numpy.ndarray of float64, shape (3,)
        Metres of the units of x, y and z.

    Returns
    -------
    Rings
        Without the surfaces that bound nothing.
    """
    face_of_ring = np.repeat(np.arange(len(mesh.owner)), mesh.surface_rings)
    ring = np.repeat(np.arange(len(mesh.ring_size)), mesh.ring_size)
    face = face_of_ring[ring]
    shell = mesh.shell[face]
    kept = shell >= 0
    starts = _starts(mesh.ring_size)
    following = np.arange(len(ring)) + 1
    following[starts[1:] - 1] = starts[:-1]
    place = np.cumsum(kept) - 1
    points, shell = (mesh.xyz * metres)[kept], shell[kept]
    first = np.full(int(shell.max(initial=-1)) + 1, -1)
    first[shell[::-1]] = np.arange(len(shell))[::-1]
    points = points - points[first[shell]]
    return Rings(
        points=points,
        following=place[following[kept]],
        vertex=_number_vertices(points, shell),
        ring=ring[kept],
        face=face[kept],
        shell=shell,
    )


def vector_areas(rings: Rings, faces: int) -> NDArray[np.float64]:
    """Sum up the cross products of each face: half the sum is its area, in the direction of its normal.

    Parameters
    ----------
    rings : Rings
        All shells.
    faces : int
        How many faces there are.

    Returns
    -------
    numpy.ndarray of float64, shape (faces, 3)
        Square metres.
    """
    cross = np.cross(rings.points, rings.points[rings.following])
    return np.column_stack([np.bincount(rings.face, cross[:, axis], minlength=faces) for axis in range(3)]) / 2


def tetrahedra(rings: Rings) -> NDArray[np.float64]:
    """Measure the tetrahedra between the first point of the shell and fans over rings.

    Parameters
    ----------
    rings : Rings
        All shells.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Cubic metres, signed; one a point of a ring.
    """
    begins = np.concatenate([[True], rings.ring[1:] != rings.ring[:-1]])
    anchor = rings.points[np.flatnonzero(begins)[np.cumsum(begins) - 1]]
    volumes: NDArray[np.float64] = (anchor * np.cross(rings.points, rings.points[rings.following])).sum(axis=1) / 6
    return volumes


def edges_of(rings: Rings) -> Edges:
    """Sort edges.

    Parameters
    ----------
    rings : Rings
        All shells.

    Returns
    -------
    Edges
        Those between two different vertices.
    """
    one, other = rings.vertex, rings.vertex[rings.following]
    real = np.flatnonzero(one != other)
    low, high = np.minimum(one, other)[real], np.maximum(one, other)[real]
    order = np.lexsort((high, low))
    low, high, at = low[order], high[order], real[order]
    begins = np.flatnonzero(np.concatenate([[True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])]))[: len(low)]
    return Edges(at=at, begins=begins, upward=one[at] < other[at])


def _edge_faults(rings: Rings, edges: Edges, shells: int) -> dict[str, NDArray[np.bool_]]:
    """Say of each shell whether edges have one face, more than two, or faces that look different ways."""
    balance = np.add.reduceat(np.where(edges.upward, 1, -1), edges.begins) if len(edges.at) else edges.begins
    where = rings.shell[edges.at[edges.begins]]
    return {
        "not_closed": flag_shells(where[edges.counts == 1], shells),
        "non_manifold_edge": flag_shells(where[edges.counts > 2], shells),
        "unbalanced": flag_shells(where[balance != 0], shells),
    }


def flag_shells(places: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Flag some of all.

    Parameters
    ----------
    places : numpy.ndarray of int64
        Numbers, perhaps repeated.
    size : int
        How many there are.

    Returns
    -------
    numpy.ndarray of bool, shape (size,)
        True at ``places``.
    """
    flags = np.zeros(size, dtype=bool)
    flags[places] = True
    return flags


def faces_to_turn(rings: Rings, edges: Edges, faces: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the fewest faces to turn so that neighbours agree; and the faces of parts where nothing helps.

    Every face stands twice in a graph, as it is and turned, and an edge joins what agrees. A part that falls into two
    can be oriented, and each of the two is a way to do it.

    Parameters
    ----------
    rings : Rings
        All shells.
    edges : Edges
        Of these rings.
    faces : int
        How many faces there are.

    Returns
    -------
    tuple of numpy.ndarray of bool, shape (faces,)
        Faces to turn, and faces of parts that cannot be oriented.
    """
    pairs = edges.begins[edges.counts == 2]
    one, other = rings.face[edges.at[pairs]], rings.face[edges.at[pairs + 1]]
    unlike = edges.upward[pairs] == edges.upward[pairs + 1]
    rows = np.concatenate([one, one + faces])
    columns = np.concatenate([np.where(unlike, other + faces, other), np.where(unlike, other, other + faces)])
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(2 * faces, 2 * faces))
    label = connected_components(graph, directed=False)[1]
    plain, turned = label[:faces], label[faces:]
    part = np.minimum(plain, turned)
    odd = plain > turned
    size, odds = np.bincount(part), np.bincount(part, odd)
    return np.where(2 * odds[part] <= size[part], odd, ~odd), plain == turned


def _touching(rings: Rings, edges: Edges, shells: int) -> NDArray[np.bool_]:
    """Say of each shell whether its faces around some vertex fall into separate fans."""
    one = rings.vertex
    same = np.ones(len(edges.at), dtype=bool)
    same[edges.begins] = False
    first, second = edges.at[:-1][same[1:]], edges.at[1:][same[1:]]
    # An edge joins the corners of its two faces at either end.
    at_one = (first, np.where(one[first] == one[second], second, rings.following[second]))
    at_other = (rings.following[first], np.where(one[first] == one[second], rings.following[second], second))
    rows, columns = np.concatenate([at_one[0], at_other[0]]), np.concatenate([at_one[1], at_other[1]])
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(len(one), len(one)))
    fan = connected_components(graph, directed=False)[1]
    wide = int(fan.max(initial=0)) + 1
    pairs = np.unique(one * wide + fan) // wide
    torn = pairs[1:][pairs[1:] == pairs[:-1]]
    shell_of_vertex = np.zeros(int(one.max(initial=-1)) + 1, dtype=np.int64)
    shell_of_vertex[one] = rings.shell
    return flag_shells(shell_of_vertex[torn], shells)


def _bent(rings: Rings, normals: NDArray[np.float64], shells: int) -> NDArray[np.bool_]:
    """Say of each shell whether points of a face lie off the plane through its middle."""
    faces = len(normals)
    count = np.maximum(np.bincount(rings.face, minlength=faces), 1)
    middle = np.column_stack([np.bincount(rings.face, rings.points[:, k], minlength=faces) for k in range(3)])
    off = np.abs(((rings.points - (middle / count[:, np.newaxis])[rings.face]) * normals[rings.face]).sum(axis=1))
    return flag_shells(rings.shell[off > _FLAT_M], shells)


def _without_area(rings: Rings, area: NDArray[np.float64], shells: int) -> NDArray[np.bool_]:
    edge = np.linalg.norm(rings.points[rings.following] - rings.points, axis=1)
    around = np.bincount(rings.face, edge, minlength=len(area))
    return flag_shells(rings.shell[(area <= around * _TOLERANCE_M / 4)[rings.face]], shells)


def _doubled(rings: Rings, shells: int) -> NDArray[np.bool_]:
    """Say of each shell whether two of its faces have the same vertices."""
    mixed = (rings.vertex.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    begins = np.flatnonzero(np.concatenate([[True], rings.face[1:] != rings.face[:-1]]))
    key = np.add.reduceat(mixed, begins)
    shell = rings.shell[begins]
    order = np.lexsort((key, shell))
    same = (key[order[1:]] == key[order[:-1]]) & (shell[order[1:]] == shell[order[:-1]])
    return flag_shells(shell[order[1:][same]], shells)


def parts_of(rings: Rings) -> NDArray[np.int64]:
    """Give the connected parts of all shells numbers.

    Parameters
    ----------
    rings : Rings
        All shells.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        One a point of a ring.
    """
    one, other = rings.vertex, rings.vertex[rings.following]
    size = int(one.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(size, size))
    return connected_components(graph, directed=False)[1][one].astype(np.int64)


def find_faults(rings: Rings, edges: Edges, vectors: NDArray[np.float64], shells: int) -> dict[str, NDArray[np.bool_]]:
    """Look for all that may be wrong with a shell.

    Parameters
    ----------
    rings : Rings
        All shells.
    edges : Edges
        Of these rings.
    vectors : numpy.ndarray of float64, shape (faces, 3)
        From :func:`vector_areas`.
    shells : int
        How many shells there are.

    Returns
    -------
    dict of str to numpy.ndarray of bool, shape (shells,)
        By code; "unbalanced" besides, where an edge is not passed as often one way as the other.
    """
    area = np.linalg.norm(vectors, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        normals = np.nan_to_num(vectors / area[:, np.newaxis])
    return {
        "degenerate_face": _without_area(rings, area, shells),
        "duplicate_face": _doubled(rings, shells),
        "wrong_orientation": np.zeros(shells, dtype=bool),
        **_edge_faults(rings, edges, shells),
        "self_touch": _touching(rings, edges, shells),
        "not_planar": _bent(rings, normals, shells),
    }
