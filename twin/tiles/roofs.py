"""Buildings near by with the surfaces of their model: as GLB beside the vector tiles, and as 3D Tiles for others."""

import math
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.surfaces import count_triangles, unpack_surfaces
from twin.tiles.budget import Places
from twin.tiles.glb import Pieces, to_glb
from twin.tiles.mercator import box_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NEAREST, DEEPEST = 15, 17
"""Zooms at which surfaces begin to show, and at which no budget holds them back: a roof of 10 m is 8 and 30 pixels."""

_SEMI_MAJOR_M, _SQUARED_ECCENTRICITY = 6_378_137.0, 6.694379990141316e-3  # WGS 84
_FLOOR_M = 0.05  # What lies as low as this, all of it, is a floor: nobody sees it.
_PIXELS_PER_ERROR = 16.0


class Roofs:
    """The surfaces of a layer of buildings, tile by tile.

    Parameters
    ----------
    values : ndarray of object
        Surfaces of each building, as `layers.surfaces` packs them; None without.
    middles : tuple of ndarray
        Longitudes and latitudes of the buildings, degrees.
    most : int
        Triangles that a view may hold.
    importance : callable
        Gives which building is to be seen first, as a number each.
    """

    def __init__(
        self,
        values: "NDArray[np.object_]",
        middles: tuple["NDArray[np.float64]", "NDArray[np.float64]"],
        *,
        most: int,
        importance: "Callable[[], NDArray[np.float64]]",
    ) -> None:
        self._values, self._middles, self._importance, self.most = values, middles, importance, most
        self.counts = count_triangles(values)
        self.held = cache(self._held)

    @cached_property
    def _places(self) -> Places:
        """Every triangle, at the middle of its building: so a view of buildings is a view of triangles."""
        lon, lat = self._middles
        return Places(np.repeat(lon, self.counts), np.repeat(lat, self.counts))

    @cached_property
    def zooms(self) -> tuple[int, int]:
        """The first zoom with surfaces, and the one from which on all of them are there, or the last that there is."""
        whole = (z for z in range(NEAREST, DEEPEST) if self._places.densest(z) <= self.most)
        return NEAREST, next(whole, DEEPEST)

    def chosen(self, z: int, rows: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Say which buildings of a tile have their surfaces there.

        Parameters
        ----------
        z : int
            Zoom.
        rows : ndarray of int
            Positions of the tile's buildings in the table.

        Returns
        -------
        ndarray of int
            Places in ``rows``, ascending: of all that have surfaces, or the most important where the triangles of all
            are more than a view may hold.
        """
        held = self.held(z)
        return np.flatnonzero((self.counts[rows] > 0) & (True if held is None else held[rows]))

    def _held(self, z: int) -> "NDArray[np.bool_] | None":
        """Say which buildings have all their triangles in a view; None if all have."""
        if self._places.densest(z) <= self.most:
            return None
        order = np.argsort(-self._importance(), kind="stable")
        before = np.empty_like(self.counts)
        before[order] = np.cumsum(self.counts[order]) - self.counts[order]
        within = np.arange(self.counts.sum()) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        shown = self._places.foremost_by_tile(z, np.repeat(before, self.counts) + within, self.most)
        owner = np.repeat(np.arange(len(self.counts)), self.counts)
        whole: NDArray[np.bool_] = np.bincount(owner, shown, minlength=len(self.counts)) == self.counts
        return whole

    def tile(self, tile: tuple[int, int, int], rows: "NDArray[np.int64]") -> bytes:
        """Write the surfaces of a tile.

        Parameters
        ----------
        tile : tuple of int
            z, x, y.
        rows : ndarray of int
            Positions of the tile's buildings in the table, in the order of the vector tile.

        Returns
        -------
        bytes
            GLB, in metres east, north and up of the tile's middle, every building on the ground: feature ids are
            places in the vector tile. ``asset.extras`` holds ``origin`` in degrees and ``metres_per_degree``.
        """
        chosen = self.chosen(tile[0], rows)
        origin, scale = _plane(tile)
        held = unpack_surfaces(self._values[rows[chosen]])
        xyz = held.xyz.copy()
        xyz[:, :2] = (xyz[:, :2] - origin) * scale
        triangles = held.triangles
        seen = (xyz[triangles, 2] > _FLOOR_M).any(axis=1)
        used, numbers = np.unique(triangles[seen], return_inverse=True)
        feature = np.repeat(chosen, held.points_of)[used]
        pieces = Pieces(xyz[used], numbers.reshape(-1, 3), feature)
        told = {"origin": list(origin), "metres_per_degree": list(scale)}
        return to_glb(pieces, rows=rows, extras=told)

    def tileset(
        self,
        occupied: tuple["NDArray[np.int64]", "NDArray[np.int64]"],
        rows_of: "Callable[[int, int, int], NDArray[np.int64]]",
    ) -> dict[str, Any]:
        """Describe all tiles as 3D Tiles 1.1.

        Parameters
        ----------
        occupied : tuple of ndarray
            Columns and rows of the tiles of the last zoom.
        rows_of : callable
            Gives the positions of the buildings on a tile.

        Returns
        -------
        dict
            ``tileset.json``, each tile a leaf that is set upon the ellipsoid where it is.

        References
        ----------
        OGC 22-025r4, 3D Tiles 1.1.
        """
        z = self.zooms[1]
        leaves, boxes = [], []
        for x, y in zip(*(part.tolist() for part in occupied), strict=True):
            rows = rows_of(z, x, y)
            if not self.counts[rows].any():
                continue
            box = self._region(rows)
            boxes.append(box)
            leaves.append(
                {
                    "boundingVolume": {"region": box},
                    "geometricError": 0.0,
                    "transform": _upon_the_ellipsoid((z, x, y)),
                    "content": {"uri": f"{z}/{x}/{y}.glb"},
                }
            )
        least, most = (extreme(boxes, axis=0) if boxes else np.zeros(6) for extreme in (np.min, np.max))
        region = [*least[:2].tolist(), *most[2:4].tolist(), 0.0, float(most[5])]
        error = (region[2] - region[0]) * _SEMI_MAJOR_M / _PIXELS_PER_ERROR
        root = {"boundingVolume": {"region": region}, "geometricError": error, "refine": "ADD", "children": leaves}
        return {"asset": {"version": "1.1"}, "geometricError": error, "root": root}

    def _region(self, rows: "NDArray[np.int64]") -> list[float]:
        xyz = unpack_surfaces(self._values[rows]).xyz
        (west, south, _), (east, north, top) = xyz.min(axis=0).tolist(), xyz.max(axis=0).tolist()
        return [*(math.radians(side) for side in (west, south, east, north)), 0.0, top]


def _plane(tile: tuple[int, int, int]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the middle of a tile, and metres along a degree of longitude and of latitude there."""
    west, south, east, north = box_of(*tile)
    lon_deg, lat_deg = (west + east) / 2, (south + north) / 2
    bent = 1 - _SQUARED_ECCENTRICITY * math.sin(math.radians(lat_deg)) ** 2
    across_m = _SEMI_MAJOR_M / math.sqrt(bent)
    along_m = across_m * (1 - _SQUARED_ECCENTRICITY) / bent
    degree = math.radians(1.0)
    return (lon_deg, lat_deg), (degree * across_m * math.cos(math.radians(lat_deg)), degree * along_m)


def _upon_the_ellipsoid(tile: tuple[int, int, int]) -> list[float]:
    """Return the matrix from metres east, north, up to the earth's centre, column after column."""
    (lon_deg, lat_deg), _ = _plane(tile)
    lon, lat = math.radians(lon_deg), math.radians(lat_deg)
    east = [-math.sin(lon), math.cos(lon), 0.0]
    north = [-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat)]
    up = [math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)]
    across_m = _SEMI_MAJOR_M / math.sqrt(1 - _SQUARED_ECCENTRICITY * math.sin(lat) ** 2)
    place = [across_m * up[0], across_m * up[1], across_m * (1 - _SQUARED_ECCENTRICITY) * up[2]]
    return [*east, 0.0, *north, 0.0, *up, 0.0, *place, 1.0]
