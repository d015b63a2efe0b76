"""What tiles of features and of cells have in common: zooms, step width, and what each says of itself."""

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from twin.errors import TileNotFoundError
from twin.tiles.budget import TILE_PX, Places
from twin.tiles.mercator import EARTH_M, box_of
from twin.tiles.mvt import to_tile
from twin.tiles.readings import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.tiles.roofs import Roofs

_NEAREST_FULL, _DEEPEST_FULL = 14, 20  # The zooms at which everything is there, of a small city and of the densest.
_STEP_M = 0.1  # Of positions at that zoom: below what any source states.
_EXTENT = 4096


class Tiles:
    """What the tiles of features and of cells have in common: zooms, step width and what each says of itself."""

    name: str
    variable: str | None
    places: Places
    most: int
    roofs: "Roofs | None" = None  # Of a layer of buildings that has them.
    rows: "Callable[[int, int, int], NDArray[np.int64]]"  # Of a tile, in its order: positions in table or cube.
    _encoded: Kept
    _encode: "Callable[[int, int, int], tuple[bytes, NDArray[np.int64]]]"

    @cached_property
    def zooms(self) -> tuple[int, int]:
        """The coarsest zoom, where few tiles hold the city, and the first where nothing is left out."""
        x, y, _ = self.places.counts(_NEAREST_FULL)
        span = max(int(np.ptp(x)), int(np.ptp(y))) + 1 if len(x) else 1
        least = max(_NEAREST_FULL - int(np.ceil(np.log2(span))), 0)
        full = next((z for z in range(_NEAREST_FULL, _DEEPEST_FULL) if self.is_whole(z)), _DEEPEST_FULL)
        return min(least, full), max(full, self.roofs.zooms[1] if self.roofs else 0)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Sides of the tiles that hold anything: min_lon, min_lat, max_lon, max_lat in degrees."""
        z = self.zooms[1]
        x, y = self.occupied(z)
        if not len(x):
            return (0.0, 0.0, 0.0, 0.0)
        west, _, _, north = box_of(z, int(x.min()), int(y.min()))
        _, south, east, _ = box_of(z, int(x.max()), int(y.max()))
        return west, south, east, north

    def zoom_shown(self, zoom: float | None) -> int:
        """Give the zoom of the tiles that a camera sees.

        Parameters
        ----------
        zoom : float or None
            Of the camera, for a world of 512 pixels at zoom 0; None for the farthest.

        Returns
        -------
        int
            One of `zooms` and those between.
        """
        least, full = self.zooms
        coarser = math.log2(TILE_PX / 512)
        return least if zoom is None else min(max(math.floor(zoom - coarser + 0.5), least), full)

    def _made(self, *tile: int) -> tuple[bytes, "NDArray[np.int64]"]:
        return self._encoded.get(tile, lambda: self._encode(*tile))

    def is_whole(self, z: int) -> bool:
        """Say whether tiles of a zoom leave nothing out.

        Parameters
        ----------
        z : int
            Zoom.

        Returns
        -------
        bool
            True if all is there, as it is stored.
        """
        return self.places.densest(z) <= self.most

    def roofs_at(self, z: int) -> "Roofs":
        """Give the surfaces of buildings.

        Parameters
        ----------
        z : int
            Zoom.

        Returns
        -------
        Roofs
            Of the layer.

        Raises
        ------
        TileNotFoundError
            If there are none, or none at that zoom.
        """
        if self.roofs is None:
            raise TileNotFoundError(f"{self.name} has no surfaces (show: {{roofs: true}} keeps them): write .mvt")
        if z < self.roofs.zooms[0]:
            raise TileNotFoundError(f"{self.name} has surfaces from zoom {self.roofs.zooms[0]}: write .mvt")
        return self.roofs

    def standing(self, z: int, x: int, y: int) -> "NDArray[np.int64]":
        """Give what stands on a tile, whether it is shown or not.

        Parameters
        ----------
        z, x, y : int
            Tile.

        Returns
        -------
        ndarray of int
            Positions in the table, ascending.
        """
        return self.places.on_tile(z, x, y)

    def occupied(self, z: int) -> tuple["NDArray[np.int64]", "NDArray[np.int64]"]:
        """Give the tiles of a zoom that hold anything.

        Parameters
        ----------
        z : int
            Zoom.

        Returns
        -------
        x, y : ndarray of int
            Columns and rows.
        """
        return self.places.counts(z)[:2]

    def extent(self, z: int) -> int:
        """Give the steps across a tile: fine enough at the last zoom, below a pixel's at the others.

        Parameters
        ----------
        z : int
            Zoom.

        Returns
        -------
        int
            A power of two.
        """
        if z < self.zooms[1]:
            return _EXTENT
        return max(_EXTENT, 1 << math.ceil(math.log2(EARTH_M / 2**z / _STEP_M)))

    def about(self, tile: tuple[int, int, int], **told: int) -> bytes:
        """Write what a tile says of itself, as a layer ``about`` of one point.

        Parameters
        ----------
        tile : tuple of int
            z, x, y.
        **told : int
            ``shown`` and ``total``, and for cells their ``resolution``.

        Returns
        -------
        bytes
            To be put behind the tile's own layer.
        """
        west, south, east, north = box_of(*tile)
        middle = np.array([shapely.Point((west + east) / 2, (south + north) / 2)])
        values = {key: [value] for key, value in told.items()}
        return to_tile(middle, tile=tile, name="about", ids=[0], properties=values)[0]
