"""Shells of solids: are they closed, how much do they hold, and what had to be mended to say it.

A shell is closed where every edge is passed as often one way as the other. Only then does the divergence theorem give
a volume; an open shell has none, never a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from layers.readers.shell_checks import (
    Rings,
    edges_of,
    faces_to_turn,
    find_faults,
    flag_shells,
    parts_of,
    rings_of,
    tetrahedra,
    vector_areas,
)
from layers.readers.shell_repair import Mended, mend_shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from layers.readers.mesh import Mesh

__all__ = ["SHELL_FAULTS", "ShellMeasures", "measure_shells"]

#: What may be wrong with a shell. It is mended where that is possible without a guess, and then measured.
SHELL_FAULTS = {
    "degenerate_face": "a face without area",
    "duplicate_face": "a face that is there twice",
    "wrong_orientation": "faces that look inside where others look outside, or all of them",
    "not_closed": "an edge with one face only: there is no volume",
    "non_manifold_edge": "an edge with more than two faces; without a volume where they do not cancel out",
    "self_touch": "parts that touch at a single point",
    "not_planar": "a face that is not flat",
}
_UPRIGHT = np.cos(np.radians(85.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class ShellMeasures:
    """What the shells of each object hold and cover.

    Parameters
    ----------
    volume_m3 : numpy.ndarray of float64, shape (objects,)
        Of all shells; NaN where one of them is open, or there is none.
    roof_m2 : numpy.ndarray of float64, shape (objects,)
        Area of the faces above the lowest that are not upright, as they lie; NaN without a shell that is closed.
    wall_m2 : numpy.ndarray of float64, shape (objects,)
        Area of upright faces; NaN without a shell that is closed.
    faults : numpy.ndarray of object, shape (objects,)
        Codes of :data:`SHELL_FAULTS` with counts, "; " between them; None where there are none.
    repairs : numpy.ndarray of object, shape (objects,)
        What was mended before measuring; the geometry itself is kept as published.
    """

    volume_m3: NDArray[np.float64]
    roof_m2: NDArray[np.float64]
    wall_m2: NDArray[np.float64]
    faults: NDArray[np.object_]
    repairs: NDArray[np.object_]


def _faces_of(
    rings: Rings, here: NDArray[np.int64]
) -> tuple[list[tuple[tuple[int, ...], ...]], dict[int, NDArray[np.float64]]]:
    """Take the points of one shell out of the arrays."""
    faces: dict[int, dict[int, list[int]]] = {}
    for i in here.tolist():
        faces.setdefault(int(rings.face[i]), {}).setdefault(int(rings.ring[i]), []).append(int(rings.vertex[i]))
    points = {int(rings.vertex[i]): rings.points[i] for i in here}
    return [tuple(tuple(ring) for ring in parts.values()) for parts in faces.values()], points


def _add_areas(
    vectors: NDArray[np.float64], owner: NDArray[np.int64], roof: NDArray[np.float64], wall: NDArray[np.float64]
) -> None:
    area = np.linalg.norm(vectors, axis=1)
    upright = np.abs(vectors[:, 2]) <= area * _UPRIGHT
    np.add.at(wall, owner[upright], area[upright])
    above = ~upright & (vectors[:, 2] > 0)
    np.add.at(roof, owner[above], area[above])


def measure_shells(mesh: Mesh, *, metres_per_unit: NDArray[np.float64] | float) -> ShellMeasures:
    """Check and measure the shells of all objects.

    Parameters
    ----------
    mesh : Mesh
        All surfaces; those with shell -1 bound nothing.
    metres_per_unit : float or numpy.ndarray of float64, shape (3,)
        Metres of the units of x, y and z; NaN where x and y are no lengths: nothing is measured then.

    Returns
    -------
    ShellMeasures
        Of each object.

    References
    ----------
    Ledoux (2018), val3dity: validation of 3D GIS primitives according to the international standards.

    Examples
    --------
    >>> from layers.readers.mesh import Mesh
    >>> corner = np.array([[0, 0, 0], [0, 3, 0], [3, 0, 0], [0, 0, 0], [3, 0, 0], [0, 0, 3.0]])
    >>> rest = np.array([[0, 0, 0], [0, 0, 3], [0, 3, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3.0]])
    >>> one, none = np.ones(4, dtype=int), np.zeros(4, dtype=int)
    >>> shape = Mesh(xyz=np.vstack([corner, rest]), ring_size=one * 3, surface_rings=one, owner=none,
    ...              ground=none > 0, shell=none, objects=1)
    >>> measure_shells(shape, metres_per_unit=1.0).volume_m3.tolist()
    [4.5]
    """
    metres = np.broadcast_to(np.asarray(metres_per_unit, dtype=np.float64), 3)
    nothing = np.full(mesh.objects, np.nan)
    texts = np.full(mesh.objects, None, dtype=object)
    shells = int(mesh.shell.max(initial=-1)) + 1
    if shells == 0 or not np.isfinite(metres).all() or not np.isfinite(mesh.xyz).all():
        return ShellMeasures(volume_m3=nothing, roof_m2=nothing, wall_m2=nothing, faults=texts, repairs=texts)
    rings = rings_of(mesh, metres)
    shape = _oriented(rings, vector_areas(rings, len(mesh.owner)), shells)
    owner = np.zeros(shells, dtype=np.int64)
    owner[mesh.shell[mesh.shell >= 0]] = mesh.owner[mesh.shell >= 0]
    roof, wall = np.zeros(mesh.objects), np.zeros(mesh.objects)
    measured = (mesh.shell >= 0) & ~shape.by_hand[mesh.shell]
    _add_areas(shape.vectors[measured], mesh.owner[measured], roof, wall)
    for shell, mended in _mended(rings, shape):
        _add_areas(mended.vectors, np.full(len(mended.vectors), owner[shell]), roof, wall)
    total: NDArray[np.float64] = np.bincount(owner, shape.volume, minlength=mesh.objects).astype(np.float64)
    total[np.bincount(owner, minlength=mesh.objects) == 0] = np.nan
    roof[np.isnan(total)] = wall[np.isnan(total)] = np.nan
    return ShellMeasures(
        volume_m3=total,
        roof_m2=roof,
        wall_m2=wall,
        faults=_told(shape.faults, owner, mesh.objects),
        repairs=_told_repairs(shape, owner, mesh.objects),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Oriented:
    """Shells whose faces look outside, as far as arrays could do it; filled up by hand."""

    vectors: NDArray[np.float64]
    volume: NDArray[np.float64]
    faults: dict[str, NDArray[np.bool_]]
    turned: NDArray[np.int64]
    dropped: NDArray[np.int64]
    by_hand: NDArray[np.bool_]


def _oriented(rings: Rings, vectors: NDArray[np.float64], shells: int) -> _Oriented:
    """Check all shells and turn faces in those whose edges have two faces each; the others are left to be mended."""
    faces, edges = len(vectors), edges_of(rings)
    faults = find_faults(rings, edges, vectors, shells)
    unbalanced = faults.pop("unbalanced")
    simple = ~(faults["not_closed"] | faults["non_manifold_edge"] | faults["duplicate_face"])
    turn, hopeless = faces_to_turn(rings, edges, faces)
    shell_of_face = np.zeros(faces, dtype=np.int64)
    shell_of_face[rings.face] = rings.shell
    turn &= simple[shell_of_face] & unbalanced[shell_of_face]
    lost = flag_shells(shell_of_face[hopeless], shells) & simple & unbalanced
    part = parts_of(rings)
    parts_of_shell = np.bincount(rings.shell[np.unique(part, return_index=True)[1]], minlength=shells)
    pieces = tetrahedra(rings)
    of_part = np.bincount(part, np.where(turn[rings.face], -pieces, pieces))
    negative = flag_shells(rings.shell[of_part[part] < 0], shells)
    inside_out = negative & simple & (parts_of_shell == 1)
    turn ^= inside_out[shell_of_face]
    by_hand = (negative | unbalanced | faults["duplicate_face"]) & ~faults["not_closed"] & ~lost
    by_hand &= ~(simple & (parts_of_shell == 1))
    turn &= ~by_hand[shell_of_face]
    present = np.bincount(rings.face, minlength=faces) > 0
    turned = np.bincount(shell_of_face[turn & present], minlength=shells)
    volume: NDArray[np.float64] = np.bincount(
        rings.shell, np.where(turn[rings.face], -pieces, pieces), minlength=shells
    ).astype(float)
    volume[faults["not_closed"] | lost] = np.nan
    faults["wrong_orientation"] |= (turned > 0) | lost
    return _Oriented(
        vectors=np.where(turn[:, np.newaxis], -vectors, vectors),
        volume=volume,
        faults=faults,
        turned=turned,
        dropped=np.zeros(shells, dtype=np.int64),
        by_hand=by_hand,
    )


def _mended(rings: Rings, shape: _Oriented) -> Iterator[tuple[int, Mended]]:
    """Mend shells one by one, and enter what comes out."""
    order = np.argsort(rings.shell, kind="stable")
    bounds = np.searchsorted(rings.shell[order], np.arange(len(shape.volume) + 1))
    for shell in np.flatnonzero(shape.by_hand):
        mended = mend_shell(*_faces_of(rings, order[bounds[shell] : bounds[shell + 1]]))
        shape.volume[shell] = mended.volume
        shape.turned[shell], shape.dropped[shell] = mended.turned, mended.dropped
        unexplained = np.isnan(mended.volume) and not shape.faults["non_manifold_edge"][shell]
        shape.faults["wrong_orientation"][shell] = mended.turned > 0 or unexplained
        yield int(shell), mended


def _told(found: dict[str, NDArray[np.bool_]], owner: NDArray[np.int64], objects: int) -> NDArray[np.object_]:
    texts: NDArray[np.object_] = np.full(objects, None, dtype=object)
    for code, flags in found.items():
        for i in np.unique(owner[flags]):
            texts[i] = code if texts[i] is None else f"{texts[i]}; {code}"
    return texts


def _told_repairs(shape: _Oriented, owner: NDArray[np.int64], objects: int) -> NDArray[np.object_]:
    texts: NDArray[np.object_] = np.full(objects, None, dtype=object)
    for told, counts in (("turned", shape.turned), ("dropped", shape.dropped)):
        total = np.bincount(owner, counts, minlength=objects).astype(np.int64)
        for i in np.flatnonzero(total):
            text = f"{total[i]} faces {told}"
            texts[i] = text if texts[i] is None else f"{texts[i]}; {text}"
    return texts
