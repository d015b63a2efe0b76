"""Surfaces of many city objects in flat arrays: footprint and height of all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Footprints", "Mesh", "to_footprints"]

#: A surface counts as lying on the ground of its object if it is flat and within this of the lowest point.
_GROUND_M = 0.1
#: Flat lowest surfaces stand for the outline if they cover this much of it; the projection of a closed body
#: covers its outline twice, from above and from below.
_COVERED = 0.98
#: Projected area, relative to the object's, below which a surface is a wall.
_WALL = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Mesh:
    """Surfaces with rings of vertices, object after object.

    Parameters
    ----------
    xyz : numpy.ndarray of float64, shape (rings' points, 3)
        Points of all rings, ring after ring; rings are not closed.
    ring_size : numpy.ndarray of int64, shape (rings,)
        Points of each ring, at least 3.
    surface_rings : numpy.ndarray of int64, shape (surfaces,)
        Rings of each surface: one outer, then holes.
    owner : numpy.ndarray of int64, shape (surfaces,)
        Number of the object, rising.
    ground : numpy.ndarray of bool, shape (surfaces,)
        Whether the file says that it is a ground surface.
    shell : numpy.ndarray of int64, shape (surfaces,)
        Number of the shell that it is a face of, through all objects; -1 where it bounds nothing.
    objects : int
        How many objects there are; some may have no surface.
    """

    xyz: NDArray[np.float64]
    ring_size: NDArray[np.int64]
    surface_rings: NDArray[np.int64]
    owner: NDArray[np.int64]
    ground: NDArray[np.bool_]
    shell: NDArray[np.int64]
    objects: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Footprints:
    """What the objects cover and how high they are.

    Parameters
    ----------
    geometry : numpy.ndarray of shapely polygons or None, shape (objects,)
        Outline on the ground; None where an object has no surface that is not a wall, or they cannot be united.
    method : numpy.ndarray of object, shape (objects,)
        "ground_surface" (the file names them), "lowest_faces" (flat, at the foot, covering the outline) or
        "projection" (union of all surfaces, seen from above); None without geometry.
    z_min, z_max : numpy.ndarray of float64, shape (objects,)
        Lowest and highest vertex in the file's own unit; NaN without surfaces.
    """

    geometry: NDArray[np.object_]
    method: NDArray[np.object_]
    z_min: NDArray[np.float64]
    z_max: NDArray[np.float64]


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _ring_areas(xyz: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Measure rings seen from above (shoelace), from their first point so that large coordinates cost no digits."""
    sizes = np.diff(starts)
    first = np.repeat(starts[:-1], sizes)
    following = np.arange(len(xyz)) + 1
    following[starts[1:] - 1] = starts[:-1]
    x, y = (xyz[:, axis] - xyz[first, axis] for axis in (0, 1))
    areas: NDArray[np.float64] = np.abs(np.add.reduceat(x * y[following] - x[following] * y, starts[:-1])) / 2
    return areas


def _closed(mesh: Mesh, chosen: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Build the chosen surfaces as flat polygons."""
    surface_starts = _starts(mesh.surface_rings)
    rings = np.repeat(chosen, mesh.surface_rings)
    sizes = mesh.ring_size[rings]
    starts = _starts(mesh.ring_size)[:-1][rings]
    total = _starts(sizes + 1)
    place = np.arange(total[-1]) - np.repeat(total[:-1], sizes + 1)
    # The last point of each ring is its first again.
    index = np.repeat(starts, sizes + 1) + place % np.repeat(sizes, sizes + 1)
    offsets = (total, _starts(np.diff(surface_starts)[chosen]))
    polygons: NDArray[np.object_] = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, np.ascontiguousarray(mesh.xyz[index, :2]), offsets
    )
    return polygons


def _unite(polygons: NDArray[np.object_], owner: NDArray[np.int64], objects: int) -> NDArray[np.object_]:
    """Unite the polygons of each object."""
    geometry = np.full(objects, None, dtype=object)
    owners, starts = np.unique(owner, return_index=True)
    if len(owners):
        group = np.repeat(np.arange(len(owners)), np.diff([*starts, len(owner)]))
        collections = np.asarray(shapely.multipolygons(polygons, indices=group), dtype=object)
        try:
            geometry[owners] = shapely.union_all(collections[:, np.newaxis], axis=1)
        except shapely.errors.GEOSException:
            # One object that crosses itself stops them all: find it, the others stand.
            geometry[owners] = [_unite_one(collection) for collection in collections]
    return geometry


def _unite_one(collection: shapely.MultiPolygon) -> shapely.Geometry | None:
    try:
        united: shapely.Geometry = shapely.union_all([collection])
    except shapely.errors.GEOSException:
        return None
    return united


def to_footprints(mesh: Mesh, *, metres_per_unit: float) -> Footprints:
    """Find outline and height of every object.

    Parameters
    ----------
    mesh : Mesh
        All surfaces.
    metres_per_unit : float
        Length of the unit of z in metres.

    Returns
    -------
    Footprints
        In the mesh's own units and frame.

    Examples
    --------
    >>> roof = np.array([[0, 0, 3], [2, 0, 3], [2, 2, 5.0]])
    >>> one = np.array([1])
    >>> mesh = Mesh(xyz=roof, ring_size=one * 3, surface_rings=one, owner=one * 0, ground=one < 0,
    ...             shell=one * 0, objects=1)
    >>> flat = to_footprints(mesh, metres_per_unit=1.0)
    >>> flat.geometry[0].area, flat.method[0], flat.z_max[0] - flat.z_min[0]
    (2.0, 'projection', np.float64(2.0))
    """
    z_min, z_max = np.full(mesh.objects, np.inf), np.full(mesh.objects, -np.inf)
    method = np.full(mesh.objects, None, dtype=object)
    if not len(mesh.owner):
        nothing = np.full(mesh.objects, np.nan)
        return Footprints(geometry=method.copy(), method=method, z_min=nothing, z_max=nothing)
    ring_starts, surface_starts = _starts(mesh.ring_size), _starts(mesh.surface_rings)
    ring_area = _ring_areas(mesh.xyz, ring_starts)
    outer = surface_starts[:-1]
    area = np.maximum(2 * ring_area[outer] - np.add.reduceat(ring_area, outer), 0)
    point_starts = ring_starts[surface_starts]
    low = np.minimum.reduceat(mesh.xyz[:, 2], point_starts[:-1])
    high = np.maximum.reduceat(mesh.xyz[:, 2], point_starts[:-1])
    np.minimum.at(z_min, mesh.owner, low)
    np.maximum.at(z_max, mesh.owner, high)
    total = np.bincount(mesh.owner, area, minlength=mesh.objects)
    seen = area > _WALL * total[mesh.owner]
    at_foot = seen & (high - z_min[mesh.owner] <= _GROUND_M / metres_per_unit)
    named = seen & mesh.ground
    has_named = np.bincount(mesh.owner, named, minlength=mesh.objects) > 0
    has_foot = np.bincount(mesh.owner, area * at_foot, minlength=mesh.objects) >= _COVERED * total / 2
    has_foot &= np.bincount(mesh.owner, at_foot, minlength=mesh.objects) > 0
    chosen = np.where(has_named[mesh.owner], named, np.where(has_foot[mesh.owner], at_foot, seen))
    geometry = _unite(_closed(mesh, chosen), mesh.owner[chosen], mesh.objects)
    method[:] = np.where(has_named, "ground_surface", np.where(has_foot, "lowest_faces", "projection"))
    method[shapely.is_missing(geometry)] = None
    none = ~np.isfinite(z_min)
    z_min[none] = z_max[none] = np.nan
    return Footprints(geometry=geometry, method=method, z_min=z_min, z_max=z_max)
