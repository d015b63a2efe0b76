"""The tiles of one layer or of one variable on cells: what each holds, and the codes of its values."""

import math
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from spatial_join import H3Grid
from twin.tiles.attributes import heights_m_of, importance_of, names_of, widths_of
from twin.tiles.budget import CHUNK, TILE_PX, Budget, Places
from twin.tiles.mercator import EARTH_M, box_of, to_world
from twin.tiles.mvt import to_tile
from twin.tiles.readings import CELLS, Kept, Readings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.tiles.breaks import Breaks

COARSEST_RESOLUTION = 5
_NEAREST_FULL, _DEEPEST_FULL = 14, 20  # The zooms at which everything is there, of a small city and of the densest.
_STEP_M = 0.1  # Of positions at that zoom: below what any source states.
_EXTENT = 4096
_SELDOM = 64  # Encoded tiles kept for their codes, which are asked for right after.


class Tiles:
    """What the tiles of features and of cells have in common: zooms, step width and what each says of itself."""

    name: str
    variable: str | None
    places: Places
    most: int
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
        return min(least, full), full

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


class FeatureTiles(Tiles):
    """Tiles of a layer of buildings or lines.

    Each building is on the one tile that its middle lies in, whole; a line is cut at the sides of the tiles.

    Parameters
    ----------
    readings : Readings
        The twin.
    name : str
        Layer.
    kind : {"buildings", "lines"}
        How it is drawn.
    budget : Budget
        What a view may hold.
    """

    def __init__(self, readings: Readings, name: str, *, kind: str, budget: Budget) -> None:
        self.readings, self.name, self.kind = readings, name, kind
        self.fields = {"h" if kind == "buildings" else "w": "Number", "t": "String"}
        self.variable = readings.colour_of(readings.city.layers[name])
        steps = readings.steps(self.variable) if self.variable else 1
        self.most = budget.most(kind, steps)
        self.cap = cache(lambda z: self.places.cap(z, self.most))
        self._encoded = Kept(_SELDOM)
        self.rows = lambda z, x, y: self._made(z, x, y)[1]

    @cached_property
    def places(self) -> Places:  # type: ignore[override]
        """Middles of the features."""
        bounds = shapely.bounds(self.readings.table(self.name).geometry.to_numpy())
        return Places((bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2)

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        table, show = self.readings.table(self.name), self.readings.city.layers[self.name].show
        read = {"buildings": ("h", heights_m_of), "lines": ("w", widths_of)}[self.kind]
        return {read[0]: read[1](table, show).astype(float).tolist(), "t": names_of(table)}

    @cached_property
    def _importance(self) -> "NDArray[np.float64]":
        return importance_of(self.readings.table(self.name), self.kind, self.readings.city.layers[self.name].show)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.readings.table(self.name).geometry.to_numpy())

    def shown_and_total(self, z: int, box: tuple[float, float, float, float] | None = None) -> tuple[int, int]:
        """Count what the tiles of a zoom show, and what stands there.

        Parameters
        ----------
        z : int
            Zoom.
        box : tuple of float, optional
            min_lon, min_lat, max_lon, max_lat in degrees: only tiles that touch it.

        Returns
        -------
        shown, total : int
            Features.
        """
        x, y, counts = self.places.counts(z)
        if box is not None:
            west, south, east, north = box
            left, top = to_world(np.array([west, east]), np.array([north, south]))
            (x0, x1), (y0, y1) = (np.floor(side * 2**z) for side in (left, top))
            counts = counts[(x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)]
        cap = self.cap(z)
        return int((counts if cap is None else np.minimum(counts, cap)).sum()), int(counts.sum())

    def tile(self, z: int, x: int, y: int) -> bytes:
        """Write a tile.

        Parameters
        ----------
        z, x, y : int
            Tile.

        Returns
        -------
        bytes
            A vector tile: the layer, each feature's id being its position in the table, with ``t``, its name, and
            ``h``, its height in metres, or ``w``, its width; and a layer ``about``.
        """
        return self._made(z, x, y)[0]

    def codes(self, breaks: "Breaks", chunk: int, *tile: int) -> bytes:
        """Write the codes of the layer's variable on a tile.

        Parameters
        ----------
        breaks : Breaks
            How values become codes.
        chunk : int
            Which of the runs of `CHUNK` steps.
        *tile : int
            z, x, y.

        Returns
        -------
        bytes
            One byte a feature in the order of the tile, step after step.
        """
        if self.variable is None:
            return b""
        values = self.readings.on_features(self.name, self.variable)
        return _codes(values, self._made(*tile)[1], breaks, chunk)

    def _encode(self, z: int, x: int, y: int) -> tuple[bytes, "NDArray[np.int64]"]:
        rows = self._reaching(z, x, y) if self.kind == "lines" else self.places.on_tile(z, x, y)
        total, cap = len(rows), self.cap(z)
        if cap is not None and total > cap:
            rows = rows[np.argpartition(-self._importance[rows], cap)[:cap]]
        # Main roads are painted over side streets.
        rows = rows[np.argsort(self._importance[rows], kind="stable")] if self.kind == "lines" else np.sort(rows)
        shapes = self.readings.table(self.name).geometry.to_numpy()[rows]
        if self.kind == "lines":
            shapes = shapely.clip_by_rect(shapes, *box_of(z, x, y))
        columns = {key: [column[row] for row in rows] for key, column in self._columns.items()}
        body, written = to_tile(
            shapes, tile=(z, x, y), name=self.name, ids=rows.tolist(), properties=columns, extent=self.extent(z)
        )
        return body + self.about((z, x, y), shown=len(written), total=total), rows[written]

    def _reaching(self, z: int, x: int, y: int) -> "NDArray[np.int64]":
        return np.sort(self._tree.query(shapely.box(*box_of(z, x, y)), predicate="intersects"))


class CellTiles(Tiles):
    """Tiles of a variable on cells: coarser by parent the farther one is, and never a cell without a value.

    Parameters
    ----------
    readings : Readings
        The twin.
    variable : str
        Name in the cube.
    budget : Budget
        What a view may hold.
    """

    kind = CELLS

    def __init__(self, readings: Readings, variable: str, *, budget: Budget) -> None:
        self.readings, self.name, self.variable = readings, variable, variable
        self.fields: dict[str, str] = {}
        self.finest = readings.city.resolution
        self.most = budget.most(CELLS, readings.steps(variable))
        self.chosen = cache(self._chosen)
        self.places_at = cache(self._places_at)
        self.resolution = cache(self._resolution)
        self._encoded = Kept(_SELDOM)
        self.rows = lambda z, x, y: self._made(z, x, y)[1]

    @cached_property
    def on_land(self) -> "NDArray[np.uint64] | None":
        """Cells on land at storage resolution, None if all are shown."""
        return self.readings.cells_on_land(self.name)

    @cached_property
    def places(self) -> Places:  # type: ignore[override]
        """Middles of the cells at storage resolution."""
        return self.places_at(self.finest)

    def is_whole(self, z: int) -> bool:
        """Say whether tiles of a zoom hold the cells as they are stored.

        Parameters
        ----------
        z : int
            Zoom.

        Returns
        -------
        bool
            True at storage resolution.
        """
        return self.resolution(z) == self.finest

    def codes(self, breaks: "Breaks", chunk: int, *tile: int) -> bytes:
        """Write the codes of a tile.

        Parameters
        ----------
        breaks : Breaks
            How values become codes.
        chunk : int
            Which of the runs of `CHUNK` steps.
        *tile : int
            z, x, y.

        Returns
        -------
        bytes
            One byte a cell in the order of the tile, step after step.
        """
        array = self.readings.values(self.name, self.resolution(tile[0]))
        return _codes(array.values.reshape(array.sizes["cell"], -1), self._made(*tile)[1], breaks, chunk)

    def tile(self, z: int, x: int, y: int) -> bytes:
        """Write a tile.

        Parameters
        ----------
        z, x, y : int
            Tile.

        Returns
        -------
        bytes
            A vector tile: hexagons whose ids are H3 cells, each on the tile that its middle lies in; and ``about``.
        """
        return self._made(z, x, y)[0]

    def _encode(self, z: int, x: int, y: int) -> tuple[bytes, "NDArray[np.int64]"]:
        resolution = self.resolution(z)
        chosen = self.chosen(resolution)
        rows = chosen[self.places_at(resolution).on_tile(z, x, y)]
        cells = self.readings.values(self.name, resolution)["cell"].values.astype(np.uint64)[rows]
        shapes = H3Grid(resolution=resolution).boundaries(cells) if len(cells) else np.empty(0, dtype=object)
        body, written = to_tile(
            shapes, tile=(z, x, y), name=self.name, ids=cells.tolist(), properties={}, extent=self.extent(z)
        )
        total = len(self.places.on_tile(z, x, y))
        return body + self.about((z, x, y), shown=len(written), total=total, resolution=resolution), rows[written]

    def _chosen(self, resolution: int) -> "NDArray[np.int64]":
        """Give which of the cells at a resolution are shown."""
        cells = self.readings.values(self.name, resolution)["cell"].values.astype(np.uint64)
        if self.on_land is None:
            return np.arange(len(cells))
        return np.flatnonzero(np.isin(cells, self.readings.grid.parents(self.on_land, resolution)))

    def _places_at(self, resolution: int) -> Places:
        cells = self.readings.values(self.name, resolution)["cell"].values.astype(np.uint64)
        return Places(*self.readings.grid.centres(cells[self.chosen(resolution)]))

    def _resolution(self, z: int) -> int:
        """Find the finest resolution at which no view of a zoom holds more cells than the budget."""
        for resolution in range(self.finest, min(COARSEST_RESOLUTION, self.finest), -1):
            if self.places_at(resolution).densest(z) <= self.most:
                return resolution
        return min(COARSEST_RESOLUTION, self.finest)


def _codes(values: "NDArray[np.float64]", rows: "NDArray[np.int64]", breaks: "Breaks", chunk: int) -> bytes:
    return np.ascontiguousarray(breaks.encode(values[rows, chunk * CHUNK : (chunk + 1) * CHUNK]).T).tobytes()
