"""The tiles of one layer or of one variable on cells: what each holds, and the codes of its values."""

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from spatial_join import H3Grid
from twin.tiles.attributes import heights_m_of, importance_of, names_of, widths_of
from twin.tiles.budget import CHUNK, Budget, Places
from twin.tiles.mercator import box_of, to_world
from twin.tiles.mvt import to_tile
from twin.tiles.pyramid import Tiles
from twin.tiles.readings import CELLS, Kept, Readings
from twin.tiles.roofs import Roofs
from twin.tiles.simplify import simplified

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.tiles.breaks import Breaks

COARSEST_RESOLUTION = 5
_SIZES = {"buildings": (("h", heights_m_of),), "lines": (("w", widths_of),)}
_SELDOM = 64  # Encoded tiles kept for their codes, which are asked for right after.


class FeatureTiles(Tiles):
    """Tiles of a layer of buildings, lines or points.

    Each building or point is on the one tile that its middle lies in, whole; a line is cut at the sides of the tiles.

    Parameters
    ----------
    readings : Readings
        The twin.
    name : str
        Layer.
    kind : {"buildings", "lines", "points"}
        How it is drawn.
    budget : Budget
        What a view may hold.
    """

    def __init__(self, readings: Readings, name: str, *, kind: str, budget: Budget) -> None:
        self.readings, self.name, self.kind = readings, name, kind
        self.fields = {key: "Number" for key, _ in _SIZES.get(kind, ())} | {"t": "String"}
        self.variable = readings.colour_of(readings.city.layers[name])
        steps = readings.steps(self.variable) if self.variable else 1
        self.most = budget.most(kind, steps)
        self.drawn = cache(self._drawn)
        self._encoded, self._seen = Kept(_SELDOM), Kept(_SELDOM)
        self.rows = lambda z, x, y: self._made(z, x, y)[1]
        self._triangles = budget.triangles

    @cached_property
    def roofs(self) -> Roofs | None:  # type: ignore[override]
        """Buildings with the surfaces of their model; None if the layer has none."""
        held = self.readings.surfaces(self.name) if self.kind == "buildings" else None
        if held is None:
            return None
        return Roofs(held, self._middles, most=self._triangles, importance=lambda: self._importance)

    @cached_property
    def places(self) -> Places:  # type: ignore[override]
        """Middles of the features."""
        return Places(*self._middles)

    @cached_property
    def _middles(self) -> tuple["NDArray[np.float64]", "NDArray[np.float64]"]:
        bounds = shapely.bounds(self.readings.table(self.name).geometry.to_numpy())
        return (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        table, show = self.readings.table(self.name), self.readings.city.layers[self.name].show
        sizes = {key: of(table, show).astype(float).tolist() for key, of in _SIZES.get(self.kind, ())}
        return sizes | {"t": names_of(table)}

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
        shown, total = (_on_tiles(z, self.places.counts(z, chosen), box) for chosen in (self.drawn(z), None))
        return shown, total

    def seen(self, z: int, outline: tuple[tuple[float, float], ...]) -> tuple[int, int]:
        """Count what a window shows, and what stands in it.

        Parameters
        ----------
        z : int
            Zoom of the tiles.
        outline : tuple of pairs of float
            Corners of the ground that the window shows, longitude and latitude in degrees, around.

        Returns
        -------
        shown, total : int
            Lines that reach into it; of others those whose middle lies in it.
        """
        return self._seen.get((z, outline), lambda: self._count(z, shapely.Polygon(outline)))

    def _count(self, z: int, window: shapely.Polygon) -> tuple[int, int]:
        if self.kind == "lines":
            rows = self._tree.query(window, predicate="intersects")
        else:
            west, south, east, north = window.bounds
            lon, lat = self._middles
            rows = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
            shapely.prepare(window)
            rows = rows[shapely.contains_xy(window, lon[rows], lat[rows])]
        drawn = self.drawn(z)
        return len(rows) if drawn is None else int(drawn[rows].sum()), len(rows)

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

    def _drawn(self, z: int) -> "NDArray[np.bool_] | None":
        """Say which features stand for all at a zoom, None if all do.

        Roads go on beyond the side of a tile, so all tiles show the same classes of them; houses do not, and where
        a city has only small ones these are to be seen too.
        """
        rank = np.empty(len(self._importance), dtype=np.int64)
        rank[np.argsort(-self._importance, kind="stable")] = np.arange(len(rank))
        choose = self.places.foremost if self.kind == "lines" else self.places.foremost_by_tile
        return choose(z, rank, self.most)

    def _encode(self, z: int, x: int, y: int) -> tuple[bytes, "NDArray[np.int64]"]:
        there, drawn = self._on_tile(z, x, y), self.drawn(z)
        rows, total = there if drawn is None else there[drawn[there]], len(there)
        # Main roads are painted over side streets.
        rows = rows[np.argsort(self._importance[rows], kind="stable")] if self.kind == "lines" else np.sort(rows)
        shapes = self.readings.table(self.name).geometry.to_numpy()[rows]
        if self.kind == "lines":
            shapes = shapely.clip_by_rect(shapes, *box_of(z, x, y))
        if z < self.zooms[1] and self.kind != "points":
            shapes = simplified(shapes, (z, x, y))
        columns = {key: [column[row] for row in rows] for key, column in self._columns.items()}
        body, written = to_tile(
            shapes, tile=(z, x, y), name=self.name, ids=rows.tolist(), properties=columns, extent=self.extent(z)
        )
        return body + self.about((z, x, y), shown=len(written), total=total), rows[written]

    def _on_tile(self, z: int, x: int, y: int) -> "NDArray[np.int64]":
        if self.kind != "lines":
            return self.places.on_tile(z, x, y)
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


def _on_tiles(z: int, held: "tuple[NDArray[np.int64], ...]", box: tuple[float, float, float, float] | None) -> int:
    """Add up what stands on the tiles that touch a box, or on all."""
    x, y, counts = held
    if box is None:
        return int(counts.sum())
    west, south, east, north = box
    left, top = to_world(np.array([west, east]), np.array([north, south]))
    (x0, x1), (y0, y1) = (np.floor(side * 2**z) for side in (left, top))
    return int(counts[(x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)].sum())
