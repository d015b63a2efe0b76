"""Triangles of the surfaces that city objects are made of, as the value that a layer keeps of each object."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import mapbox_earcut
import numpy as np

from layers.surfaces import Surfaces, pack_surfaces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.readers.mesh import Mesh

__all__ = ["MOST_TRIANGLES", "Kept", "keep_surfaces"]

MOST_TRIANGLES = 50_000
"""Of one object; one with more is no building that a map could draw, and keeps its outline and height only."""

_TRIANGLE = 3
#: Of the square of its longest edge: what has less area has no direction to be lit from.
_FLAT = 1e-12


class Kept(NamedTuple):
    """The surfaces of objects, and what was left out.

    Parameters
    ----------
    packed : numpy.ndarray of object, shape (objects,)
        As `layers.surfaces.pack_surfaces` writes them.
    notes : tuple of str
        What was left out, with counts; empty if nothing was.
    """

    packed: NDArray[np.object_]
    notes: tuple[str, ...]


def keep_surfaces(mesh: Mesh, foot: NDArray[np.float64], *, metres_per_unit: float) -> Kept:
    """Cut all surfaces into triangles and pack them object by object.

    Parameters
    ----------
    mesh : Mesh
        All surfaces.
    foot : numpy.ndarray of float64, shape (objects,)
        Lowest z of each object, in the mesh's unit.
    metres_per_unit : float
        Length of the unit of z in metres.

    Returns
    -------
    Kept
        Triangles of all objects; a surface with a point that is not finite, or without area, is left out.
    """
    corners, surface = _triangles(mesh)
    owner = mesh.owner[surface]
    count = np.bincount(owner, minlength=mesh.objects)
    many = count > MOST_TRIANGLES
    corners, owner, surface = (values[~many[owner]] for values in (corners, owner, surface))
    lost = len(mesh.owner) - int(many[mesh.owner].sum()) - len(np.unique(surface))
    notes = []
    if lost:
        notes.append(f"read: {lost} surfaces without area or with points that are not finite are not drawn")
    if many.any():
        notes.append(f"read: {int(many.sum())} objects of more than {MOST_TRIANGLES} triangles are drawn as blocks")
    number, first = _distinct(mesh.xyz[corners.ravel()], np.repeat(owner, _TRIANGLE))
    points, points_owner = mesh.xyz[corners.ravel()[first]], np.repeat(owner, _TRIANGLE)[first]
    with np.errstate(all="ignore"):  # the foot of a broken object may be endless
        xyz = np.column_stack([points[:, :2], (points[:, 2] - foot[points_owner]) * metres_per_unit])
    points_of = np.bincount(points_owner, minlength=mesh.objects)
    triangles_of = np.bincount(owner, minlength=mesh.objects)
    return Kept(pack_surfaces(Surfaces(xyz, number.reshape(-1, 3), points_of, triangles_of)), tuple(notes))


def _triangles(mesh: Mesh) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the corners of all triangles in the mesh, and the surface of each, rising."""
    starts = np.concatenate([[0], np.cumsum(mesh.ring_size)]).astype(np.int64)
    rings = np.concatenate([[0], np.cumsum(mesh.surface_rings)]).astype(np.int64)
    begin, end = starts[rings[:-1]], starts[rings[1:]]
    plain = end - begin == _TRIANGLE
    corners = [begin[plain, np.newaxis] + np.arange(_TRIANGLE)]
    surfaces = [np.flatnonzero(plain)]
    for one in np.flatnonzero(~plain).tolist():
        found = _cut(mesh.xyz[begin[one] : end[one]], mesh.ring_size[rings[one] : rings[one + 1]])
        corners.append(begin[one] + found)
        surfaces.append(np.full(len(found), one))
    place, surface = np.concatenate(corners), np.concatenate(surfaces)
    order = np.argsort(surface, kind="stable")
    place, surface = place[order], surface[order]
    sound = _has_area(mesh.xyz[place])
    return place[sound], surface[sound]


def _cut(points: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cut one flat surface, holes and all, in the plane of the axes that it is least inclined to."""
    outer = points[: sizes[0]]
    with np.errstate(all="ignore"):
        normal = np.cross(outer - outer[0], np.roll(outer, -1, axis=0) - outer[0]).sum(axis=0)
    if not np.isfinite(points).all() or not np.isfinite(normal).all():
        return np.empty((0, _TRIANGLE), dtype=np.int64)
    drop = int(np.argmax(np.abs(normal)))
    # In this order of axes a surface keeps its sense: what looked outwards does so still.
    kept = [(drop + 1) % 3, (drop + 2) % 3]
    flat = np.ascontiguousarray((points - points[0])[:, kept])
    found = mapbox_earcut.triangulate_float64(flat, np.cumsum(sizes).astype(np.uint32))
    triangles = found.reshape(-1, _TRIANGLE).astype(np.int64)
    a, b, c = (flat[triangles[:, i]] for i in range(_TRIANGLE))
    turned = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    wrong = turned * normal[drop] < 0
    triangles[wrong] = triangles[wrong][:, ::-1]
    return triangles


def _has_area(corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    with np.errstate(all="ignore"):
        edges = corners - np.roll(corners, 1, axis=1)
        longest = (edges**2).sum(axis=2).max(axis=1)
        across = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
        found: NDArray[np.bool_] = np.isfinite(across) & (across > _FLAT * longest) & (longest > 0)
    return found


def _distinct(xyz: NDArray[np.float64], owner: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the distinct points of each object numbers, object after object, and say where each stands first."""
    order = np.lexsort((xyz[:, 2], xyz[:, 1], xyz[:, 0], owner))
    ranked, whose = xyz[order], owner[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1) | (whose[1:] != whose[:-1])
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return number, order[new]
