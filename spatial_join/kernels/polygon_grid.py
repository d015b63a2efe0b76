"""A uniform grid that knows most answers to "which polygon is this point in" before any geometry is looked at.

A cell that lies wholly inside one polygon stores its number, a cell outside of all stores that. Any other cell has a
record: for each polygon that covers or crosses it, the runs of consecutive edges that pass through it, and one bit
from which the answer for a point follows by looking at those edges alone.

That bit. Walk from the point to the right side of its cell, then along that side to its middle. Whether the end is
inside the polygon differs from whether the point is by the number of edges crossed, and all of them are local. An edge
that spans both the height of the point and the right side adds one crossing at the bend or none, depending only on the
sign of its slope, so that no intersection need ever be computed. The bit collects what does not depend on the point.

References
----------
.. [1] A. Kipf et al. (2018), "Approximate Geospatial Joins with Precision Guarantees" and "Adaptive Main-Memory
   Indexing for High-Performance Point-Polygon Joins" (true-hit filtering), arXiv:1802.09488.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import shapely

from spatial_join.errors import GeometryError
from spatial_join.kernels.polygon_cells import PolygonGrid, Strips, count_rows, list_edges, sort_into_rows, write_rows
from spatial_join.kernels.threads import in_stretches

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int32]
    Offsets: TypeAlias = NDArray[np.int64]

__all__ = ["PolygonGrid", "build_polygon_grid", "polygon_grid_of"]

_CELLS_PER_EDGE = 12  # measured: more cells save edge tests but cost cache misses, and time to build
_FEWEST_CELLS, _MOST_CELLS = 1 << 10, 1 << 24
_RUNS_PER_EDGE = 24  # above this polygons overlap so deeply that a coarser grid is faster, and fits
_FEWEST_RUNS = 1 << 20
_ROWS_AT_ONCE = 32
_MOST_VERTICES = 2**31 - 2


def polygon_grid_of(geometry: ArrayLike, *, threads: int | None = None) -> PolygonGrid:
    """Index polygons and multipolygons.

    Parameters
    ----------
    geometry : array_like of shapely.Polygon or shapely.MultiPolygon
        Valid polygons in a plane, or in degrees that do not cross the antimeridian. Missing and empty ones hold no
        point.
    threads : int, optional
        Threads to use; all usable cores by default.

    Returns
    -------
    PolygonGrid
        The grid; polygons are numbered as given.

    Raises
    ------
    GeometryError
        If something is neither a polygon nor a multipolygon, or has a coordinate that is not finite.
    """
    shapes = np.atleast_1d(np.asarray(geometry, dtype=object))
    kind = shapely.get_type_id(shapes)
    wrong = np.flatnonzero(~np.isin(kind, (-1, 3, 6)))
    if wrong.size:
        raise GeometryError(
            f"{wrong.size} of {shapes.size} geometries are not polygons, first at row {wrong[0]}: "
            f"{shapes[wrong[0]].geom_type}. Pass polygons and multipolygons only."
        )
    if (kind == -1).any():
        shapes = shapes.copy()
        shapes[kind == -1] = shapely.Polygon()
    return build_polygon_grid(*_rings_of(shapes), threads=threads)


def _rings_of(shapes: NDArray[np.object_]) -> tuple[Floats, Offsets, Offsets]:
    """Return the vertices of all rings, where each ring begins, and with which ring each polygon begins."""
    if (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all() and not (
        shapely.get_num_interior_rings(shapes).any()
    ):  # one ring each, which is read an order of magnitude faster
        rings = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(shapes), dtype=np.int64)])
        return shapely.get_coordinates(shapes), rings, np.arange(len(shapes) + 1)
    kind, coordinates, offsets = shapely.to_ragged_array(shapes, include_z=False)
    many = kind == shapely.GeometryType.MULTIPOLYGON
    of_polygon = offsets[1][offsets[2]] if many else offsets[1]
    return coordinates, offsets[0].astype(np.int64), of_polygon.astype(np.int64)


def build_polygon_grid(
    coordinates: Floats, ring_offsets: ArrayLike, polygon_offsets: ArrayLike, *, threads: int | None = None
) -> PolygonGrid:
    """Index polygons given by the coordinates of their rings.

    A point is inside a polygon if a ray from it crosses its rings an odd number of times, so that the order and the
    direction of rings do not matter, and the parts of a multipolygon are just more rings.

    Parameters
    ----------
    coordinates : ndarray of float64, shape (m, 2)
        Vertices of all rings; the last vertex of each ring repeats its first.
    ring_offsets : array_like of int, shape (rings + 1,)
        Where each ring begins in ``coordinates``.
    polygon_offsets : array_like of int, shape (polygons + 1,)
        Where each polygon begins in the list of rings.
    threads : int, optional
        Threads to use; all usable cores by default. The result does not depend on it.

    Returns
    -------
    PolygonGrid
        The grid.

    Raises
    ------
    GeometryError
        If a coordinate is not finite, a ring is not closed, or there are more than 2,147,483,646 vertices.
    """
    vertices = np.ascontiguousarray(coordinates, dtype=np.float64).reshape(-1, 2)
    rings = np.ascontiguousarray(ring_offsets, dtype=np.int64)
    owners = np.ascontiguousarray(polygon_offsets, dtype=np.int64)
    _check_rings(vertices, rings)
    edges, owner = list_edges(rings, owners)
    cells = min(_MOST_CELLS, max(_FEWEST_CELLS, _CELLS_PER_EDGE * edges.size))
    while True:
        grid = _empty_grid(vertices, cells, owners.size - 1)
        strips = sort_into_rows(edges, owner, grid)
        run_offsets = _count_runs(strips, grid, threads)
        if run_offsets[-1] <= max(_FEWEST_RUNS, _RUNS_PER_EDGE * edges.size) or cells <= _FEWEST_CELLS:
            break
        cells = max(_FEWEST_CELLS, cells // 4)
    if run_offsets[-1] > _MOST_VERTICES:
        raise GeometryError(f"{edges.size} edges overlap so deeply that they do not fit an index; split the polygons.")
    grid = grid._replace(runs=np.empty((int(run_offsets[-1]), 4), dtype=np.int32))
    in_stretches(
        lambda start, stop: write_rows(start, stop, strips, run_offsets, grid),
        grid.ny,
        stretch=_ROWS_AT_ONCE,
        threads=threads,
    )
    for array in (grid.codes, grid.runs, grid.vertices):
        array.flags.writeable = False
    return grid


def _check_rings(vertices: Floats, rings: Offsets) -> None:
    if len(vertices) > _MOST_VERTICES:
        raise GeometryError(f"{len(vertices)} vertices do not fit one index; split the polygons.")
    if not np.isfinite(vertices).all():
        row = int(np.flatnonzero(~np.isfinite(vertices).all(axis=1))[0])
        raise GeometryError(f"Vertex {row} is {vertices[row].tolist()}; every coordinate of a polygon must be finite.")
    first, last = rings[:-1], rings[1:] - 1
    used = last >= first
    if not used.any():
        return
    is_open = used & (vertices[first * used] != vertices[last * used]).any(axis=1)
    if is_open.any():
        ring = int(np.flatnonzero(is_open)[0])
        raise GeometryError(f"Ring {ring} is not closed; repeat its first vertex at its end.")


def _empty_grid(vertices: Floats, cells: int, polygons: int) -> PolygonGrid:
    """Lay a grid of about so many cells over the vertices."""
    low, high = (vertices.min(axis=0), vertices.max(axis=0)) if len(vertices) else (np.zeros(2), np.zeros(2))
    width, height = (high - low).tolist()
    side = max(math.sqrt(width * height / cells), max(width, height) / cells)
    # Cells must be large against the spacing of the numbers at these coordinates, or the slack would be lost in it.
    side = max(side, 1e8 * float(np.spacing(np.abs([low, high]).max())), np.finfo(np.float64).tiny * 1e16)
    left, bottom = (low - 0.5 * side).tolist()
    nx, ny = int((high[0] - left) / side) + 2, int((high[1] - bottom) / side) + 2
    codes = np.empty(nx * ny, dtype=np.int32)
    return PolygonGrid(codes, np.empty((0, 4), dtype=np.int32), vertices, left, bottom, side, nx, ny, polygons)


def _count_runs(strips: Strips, grid: PolygonGrid, threads: int | None) -> Offsets:
    """Fill the codes, of cells with a record by how many runs it has, and return where each row's runs begin."""
    offsets = np.zeros(grid.ny + 1, dtype=np.int64)
    in_stretches(
        lambda start, stop: count_rows(start, stop, strips, offsets, grid),
        grid.ny,
        stretch=_ROWS_AT_ONCE,
        threads=threads,
    )
    return np.cumsum(offsets)
