"""Twin and window to bounded frames: what is drawn never exceeds a stated budget, and says what it leaves out."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely

from dashboards.encode import to_body, to_shapes
from dashboards.errors import FrameNotFoundError, NothingToShowError
from dashboards.features import foremost_within, liveliest_part
from dashboards.frame import CELLS, KINDS, Frame, MapLayer, TileAddress
from dashboards.scales import Scale, coloured
from dashboards.windows import EVERYWHERE, Window, window_from_key
from spatial_join import H3Grid
from twin.errors import TileNotFoundError
from twin.tiles import Budget, TileSource
from twin.tiles.attributes import ground_classes, heights_m_of, importance_of, names_of
from twin.tiles.doubt import EDGES, beside, doubt_on_features
from twin.tiles.readings import Kept
from twin.tiles.sets import CellTiles, FeatureTiles
from twin.tiles.source import TILED

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin import Twin
    from twin.catalogue import LayerInfo, Variable

_STREET_PX, _MEASURED_LINE_PX = 0.7, 4.0
_GROUND_DETAIL_DEG = 1.5e-5  # A metre or two: the ground under a city needs no more.
_RAMPS = {"environment": "acton", "society": "devon"}


class FrameSource:
    """Frames of one twin, made once and kept for all visitors.

    Parameters
    ----------
    city : Twin
        The opened twin.
    budget : Budget, optional
        What one view may hold.
    folder : Path, optional
        Where tiles are kept between runs.
    """

    def __init__(self, city: "Twin", *, budget: Budget | None = None, folder: "Path | None" = None) -> None:
        self.city = city
        self.tiles = TileSource(city, budget=budget, folder=folder)
        self.budget, self.readings = self.tiles.budget, self.tiles.readings
        self._frames = Kept(96)
        self._scales = Kept(96)

    @cached_property
    def layers(self) -> tuple[MapLayer, ...]:
        """Map layers from the ground up."""
        found = [
            self._map_layer(info, kind)
            for info in self.city.layers.values()
            if (kind := self.readings.kind_of(info)) and info.features
        ]
        if self.readings.cell_variables:
            found.append(MapLayer(id=CELLS, kind=CELLS))
        if not found:
            raise NothingToShowError(
                f"{self.city.name}: no layer says `show: {{as: buildings}}` (or lines, points) and no variable is on"
                " cells; add one of them to city.yaml and build again"
            )
        return tuple(sorted(found, key=self._height))

    @cached_property
    def extent(self) -> tuple[float, float, float, float]:
        """Part of the city that a first look shows: the buildings, of a large city their densest part; else all.

        min_lon, min_lat, max_lon, max_lat in degrees. Found once: among a million buildings it takes seconds.
        """
        for layer in reversed(self.layers):
            if layer.kind in TILED:
                table = self.readings.table(layer.id)
                weights = heights_m_of(table, self.city.layers[layer.id].show)
                return liveliest_part(table, weights, told_of=self._places_with_values())
        return self.city.area

    def layer(self, layer_id: str) -> MapLayer:
        """Give a map layer by its id.

        Parameters
        ----------
        layer_id : str
            Name of a shown layer, or ``"cells"``.

        Returns
        -------
        MapLayer
            The layer.

        Raises
        ------
        FrameNotFoundError
            If the map has no such layer.
        """
        for layer in self.layers:
            if layer.id == layer_id:
                return layer
        raise FrameNotFoundError(f"no map layer {layer_id[:60]!r}; there are {', '.join(m.id for m in self.layers)}")

    def profile(self, variable: str) -> tuple[list[float], "Variable | None"]:
        """Give the mean of a variable over the city at every step, for the slider's background.

        Parameters
        ----------
        variable : str
            Name in the cube.

        Returns
        -------
        values : list of float
            From 0, the least of the day, to 1; empty for what does not change.
        variable : Variable or None
            What it is.
        """
        known = self.city.variables.get(variable)
        if known is None or known.static:
            return [], known
        tiles = self.tiles.cells(variable)
        array = self.readings.values(variable, tiles.resolution(tiles.zooms[0]))
        means = array.mean("cell").values
        low, high = np.nanmin(means), np.nanmax(means)
        return np.nan_to_num((means - low) / ((high - low) or 1.0)).round(3).tolist(), known

    def frame(self, path: str) -> Frame:
        """Give the frame of an address.

        Parameters
        ----------
        path : str
            ``features/LAYER/WINDOW``, as in `Frame.key`.

        Returns
        -------
        Frame
            The frame, with its rows.

        Raises
        ------
        FrameNotFoundError
            If the address names nothing in this twin that is drawn from rows.
        """
        match path.split("/"):
            case ["features" | "features~sigma" as how, name, window] if self.layer(name).kind not in {CELLS, *TILED}:
                return self.features(name, window_from_key(window), doubtful=how.endswith("sigma"))
        raise FrameNotFoundError(f"no frame {path[:80]!r}: write features/LAYER/WINDOW, of areas")

    def features(
        self, layer_id: str, window: Window = EVERYWHERE, *, zoom: float | None = None, doubtful: bool = False
    ) -> Frame:
        """Give the frame of a layer of features.

        Parameters
        ----------
        layer_id : str
            Layer of buildings, lines, points or areas.
        window : Window, optional
            What is looked at; it matters only where the layer exceeds the budget.
        zoom : float, optional
            Of the camera; the farthest if left out.
        doubtful : bool, optional
            Whether what is uncertain is to fade.

        Returns
        -------
        Frame
            Of areas the largest ``budget.features`` in the window; of buildings, lines and points the tiles.

        Raises
        ------
        FrameNotFoundError
            If the map has no such layer of features.
        """
        layer = self.layer(layer_id)
        if layer.kind == CELLS:
            raise FrameNotFoundError("cells are asked for by variable: write cells/VARIABLE")
        if layer.kind in TILED:
            z = self.tiles.layer(layer_id).zoom_shown(zoom)
            window = window if self.tiles.layer(layer_id).drawn(z) is not None else EVERYWHERE
            return self._frames.get(
                (layer_id, window, z, doubtful), lambda: self._tiled_features(layer, window, z, doubtful=doubtful)
            )
        if len(self.readings.table(layer_id)) <= self.budget.features:
            window = EVERYWHERE
        doubtful = doubtful and not layer.is_ground
        return self._frames.get(
            (layer_id, window, doubtful), lambda: self._make_features(layer, window, doubtful=doubtful)
        )

    def cells(self, variable: str, *, zoom: float | None = None, doubtful: bool = False) -> Frame:
        """Give the frame of a variable on cells.

        Parameters
        ----------
        variable : str
            Name in the cube.
        zoom : float, optional
            Of the camera; the farthest if left out.
        doubtful : bool, optional
            Whether what is uncertain is to fade.

        Returns
        -------
        Frame
            The tiles, and the finest resolution that a view of that zoom shows within the budget.

        Raises
        ------
        FrameNotFoundError
            If cells cannot show that variable.
        """
        try:
            z = self.tiles.cells(variable).zoom_shown(zoom)
        except TileNotFoundError as error:
            raise FrameNotFoundError(str(error)) from None
        return self._frames.get(
            (CELLS, variable, z, doubtful), lambda: self._tiled_cells(variable, z, doubtful=doubtful)
        )

    def scale(self, variable: str, resolution: int | None = None, *, layer: str | None = None) -> Scale:
        """Give the colours of a variable, the same at all hours, so that hours can be compared.

        Parameters
        ----------
        variable : str
            Name in the cube.
        resolution : int, optional
            Resolution shown. Only an extensive quantity (people a cell) has other colours on other cells.
        layer : str, optional
            Layer whose features show it, where they do.

        Returns
        -------
        Scale
            Congestion classes for a ratio of speeds, else a ramp over the values of the whole city.
        """
        info = self.city.layers.get(self.city.variables[variable].layer)
        ramp = _RAMPS.get(info.domain if info else "", "batlow")
        return coloured(self.tiles.breaks(variable, resolution, layer=layer), ramp=ramp)

    def edge_m(self, frame: Frame) -> float:
        """Give the length of a cell's edge.

        Parameters
        ----------
        frame : Frame
            A frame of cells.

        Returns
        -------
        float
            Metres, on average over the globe.
        """
        return H3Grid(resolution=self.city.resolution if frame.resolution is None else frame.resolution).edge_m

    def _places_with_values(self) -> "list[NDArray[np.float64]]":
        """Give where there are streets, streets with values, and values on cells, as positions in degrees."""
        found = []
        for layer in self.layers:
            if layer.kind == "lines":
                bounds = shapely.bounds(self.readings.table(layer.id).geometry.to_numpy())
                middle = (bounds[:, :2] + bounds[:, 2:]) / 2
                found.append(middle)
                if layer.variable:
                    values = self.readings.on_features(layer.id, layer.variable)
                    found.append(middle[np.isfinite(values).any(axis=1)])
        first = self.readings.cell_variables[:1]
        return [*found, *(np.column_stack(self.centres(name, self.city.resolution)) for name in first)]

    def _map_layer(self, info: "LayerInfo", kind: str) -> MapLayer:
        variable = self.readings.colour_of(info)
        # Who says nothing of what his areas are wants them seen, not built upon.
        is_ground = kind == "areas" and variable is None and info.domain != "unspecified"
        return MapLayer(id=info.name, kind=kind, variable=variable, is_ground=is_ground)

    def _height(self, layer: MapLayer) -> tuple[int, int]:
        """Order map layers from the ground up; of areas, bare land comes below green and water."""
        bare = layer.is_ground and not ground_classes(self.readings.table(layer.id)).any()
        return KINDS.index(layer.kind), int(layer.kind == "areas" and not bare)

    def _make_features(self, layer: MapLayer, window: Window, *, doubtful: bool) -> Frame:
        table = self.readings.table(layer.id)
        weights = importance_of(table, layer.kind, self.city.layers[layer.id].show)
        chosen = foremost_within(table, window, most=self.budget.features, importance=weights)
        columns: dict[str, Any] = {}
        if layer.is_ground:
            # Land below green and water.
            chosen = chosen[np.argsort(ground_classes(table.iloc[chosen]), kind="stable")]
        part = table.iloc[chosen]
        drawn = part.geometry.to_numpy()
        drawn = shapely.simplify(drawn, _GROUND_DETAIL_DEG)
        shapes, owners = to_shapes(drawn)
        if layer.is_ground:
            columns["k"] = ground_classes(part, self.city.layers[layer.id].show)[owners].tolist()
        scale = self._still_scale(layer)
        if scale:
            values = self.readings.on_features(layer.id, str(layer.variable))[chosen, 0]
            columns["k"] = scale.encode(values)[owners].tolist()
        classes = doubt_on_features(self.readings, layer.id) if doubtful else None
        if classes is not None:
            codes = scale.encode(values) if scale else np.ones(len(chosen), dtype=np.uint8)
            columns["k"] = beside(codes, classes[chosen])[owners].tolist()
        names = names_of(part)
        return Frame(
            key=f"features{'~sigma' if doubtful else ''}/{layer.id}/{window.key}",
            body=to_body(p=shapes, t=[names[i] for i in owners], **columns),
            owners=chosen[owners],
            shown=len(chosen),
            total=len(table),
            steps=int(scale is not None),
            is_ground=layer.is_ground,
            doubt="" if not doubtful else "metres" if classes is not None else "unstated",
            scale=scale,
        )

    def _still_scale(self, layer: MapLayer) -> Scale | None:
        """Give the colours of what is drawn from rows, which hold one value each: of what does not change."""
        if layer.variable is None or not self.city.variables[layer.variable].static:
            return None
        return self.scale(layer.variable, layer=layer.id)

    def _tiled_features(self, layer: MapLayer, window: Window, z: int, *, doubtful: bool) -> Frame:
        tiles = self.tiles.layer(layer.id)
        doubt = self._doubt(tiles, z) if doubtful else ""
        shown, total = tiles.shown_and_total(z, None if window == EVERYWHERE else window.box)
        return Frame(
            key=f"features/{layer.id}/{z}/{window.key}/{doubt}",
            shown=shown,
            total=total,
            tiles=self._address("layers", tiles, doubt),
            doubt=doubt,
            steps=self.readings.steps(layer.variable) if layer.variable else 0,
            scale=self.scale(layer.variable, layer=layer.id) if layer.variable else None,
            least_px=_MEASURED_LINE_PX if layer.variable and self._is_own(layer) else _STREET_PX,
        )

    def _tiled_cells(self, variable: str, z: int, *, doubtful: bool) -> Frame:
        tiles = self.tiles.cells(variable)
        doubt = self._doubt(tiles, z) if doubtful else ""
        resolution = tiles.resolution(z)
        return Frame(
            key=f"cells/{variable}/{z}/{doubt}",
            shown=len(tiles.chosen(resolution)),
            total=self.readings.values(variable, self.city.resolution).sizes["cell"],
            tiles=self._address("cells", tiles, doubt),
            doubt=doubt,
            steps=self.readings.steps(variable),
            scale=self.scale(variable, resolution),
            resolution=resolution,
            on_land=tiles.on_land is not None,
        )

    def _doubt(self, tiles: FeatureTiles | CellTiles, z: int) -> 'Literal["value", "edge", "metres", "unstated"]':
        found = self.tiles.doubt(tiles, z)
        return "unstated" if found is None else found[0]

    def _address(self, family: str, tiles: FeatureTiles | CellTiles, doubt: str) -> TileAddress:
        family += "~sigma" if doubt in EDGES else ""
        place = f"tiles/{self.city.snapshot}/{family}/{tiles.name}"
        path = f"{place}/{{z}}/{{x}}/{{y}}.mvt?v={self.tiles.version}"
        roofs = tiles.roofs.zooms[0] if tiles.roofs else -1
        return TileAddress(path=path, name=tiles.name, zooms=tiles.zooms, bounds=tiles.bounds, roofs=roofs)

    def _is_own(self, layer: MapLayer) -> bool:
        """Say whether a layer carries the readings that colour it: a few measured roads among all streets."""
        return layer.variable is not None and self.city.variables[layer.variable].layer == layer.id

    def centres(self, variable: str, resolution: int) -> tuple["NDArray[np.float64]", "NDArray[np.float64]"]:
        """Give the middles of the cells of a variable.

        Parameters
        ----------
        variable : str
            Name in the cube.
        resolution : int
            H3 resolution.

        Returns
        -------
        tuple of ndarray
            Longitudes and latitudes in degrees.
        """
        cells = self.readings.values(variable, resolution)["cell"].values.astype(np.uint64)
        return self._scales.get(("centres", variable, resolution), lambda: self.readings.grid.centres(cells))
