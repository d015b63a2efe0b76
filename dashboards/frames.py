"""Twin and window to bounded frames: what is drawn never exceeds a stated budget, and says what it leaves out."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from dashboards.encode import to_body, to_letters, to_shapes
from dashboards.errors import FrameNotFoundError, NothingToShowError
from dashboards.features import foremost_within
from dashboards.frame import CELLS, KINDS, Frame, MapLayer
from dashboards.scales import Scale, coloured
from dashboards.windows import EVERYWHERE, Window, window_from_key
from spatial_join import H3Grid
from twin.tiles import Budget, TileSource
from twin.tiles.attributes import ground_classes, heights_m_of, importance_of, names_of, widths_of
from twin.tiles.readings import Kept

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin import Twin
    from twin.catalogue import Variable

COARSEST_RESOLUTION = 5
_ATTRIBUTES: dict[str, tuple[str, Callable[..., "NDArray[Any]"]]] = {
    "buildings": ("h", heights_m_of),
    "lines": ("w", widths_of),
    "areas": ("k", ground_classes),
}
_NEAR_DEG = 0.25  # Seen from farther a house is a dot: the large ones stand for all; nearer one expects every house.
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
            MapLayer(id=name, kind=kind, variable=self.readings.colour_of(info))
            for name, info in self.city.layers.items()
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
        array = self.readings.values(variable, self._resolution_within_budget(variable, EVERYWHERE))
        means = array.mean("cell").values
        low, high = np.nanmin(means), np.nanmax(means)
        return np.nan_to_num((means - low) / ((high - low) or 1.0)).round(3).tolist(), known

    def frame(self, path: str) -> Frame:
        """Give the frame of an address.

        Parameters
        ----------
        path : str
            ``features/LAYER/WINDOW`` or ``cells/VARIABLE/WINDOW``, as in `Frame.key`.

        Returns
        -------
        Frame
            The frame.

        Raises
        ------
        FrameNotFoundError
            If the address names nothing in this twin.
        """
        match path.split("/"):
            case ["features", name, window]:
                return self.features(name, window_from_key(window))
            case ["cells", name, window]:
                return self.cells(name, window_from_key(window))
        raise FrameNotFoundError(f"no frame {path[:80]!r}: write features/LAYER/WINDOW or cells/VARIABLE/WINDOW")

    def features(self, layer_id: str, window: Window = EVERYWHERE) -> Frame:
        """Give the frame of a layer of features.

        Parameters
        ----------
        layer_id : str
            Layer of buildings, lines, points or areas.
        window : Window, optional
            What is looked at; it matters only where the layer exceeds the budget.

        Returns
        -------
        Frame
            At most ``budget.features`` features: of those in the window the largest.

        Raises
        ------
        FrameNotFoundError
            If the map has no such layer of features.
        """
        layer = self.layer(layer_id)
        if layer.kind == CELLS:
            raise FrameNotFoundError("cells are asked for by variable: write cells/VARIABLE/WINDOW")
        if len(self.readings.table(layer_id)) <= self._most_features(layer):
            window = EVERYWHERE
        return self._frames.get((layer_id, window), lambda: self._make_features(layer, window))

    def cells(self, variable: str, window: Window = EVERYWHERE) -> Frame:
        """Give the frame of a variable on cells.

        Parameters
        ----------
        variable : str
            Name in the cube.
        window : Window, optional
            What is looked at; it matters only where the city exceeds the budget.

        Returns
        -------
        Frame
            The finest resolution that stays within ``budget.cells`` and ``budget.codes``.

        Raises
        ------
        FrameNotFoundError
            If cells cannot show that variable.
        """
        known = self.readings.cell_variables
        if variable not in known:
            raise FrameNotFoundError(f"no variable {variable[:60]!r} on cells; there are {', '.join(known)}")
        if self._resolution_within_budget(variable, EVERYWHERE) == self.city.resolution:
            window = EVERYWHERE
        return self._frames.get((CELLS, variable, window), lambda: self._make_cells(variable, window))

    def scale(self, variable: str, resolution: int | None = None) -> Scale:
        """Give the colours of a variable, the same at all hours, so that hours can be compared.

        Parameters
        ----------
        variable : str
            Name in the cube.
        resolution : int, optional
            Resolution shown. Only an extensive quantity (people a cell) has other colours on other cells.

        Returns
        -------
        Scale
            Congestion classes for a ratio of speeds, else a ramp over the values of the whole city.
        """
        info = self.city.layers.get(self.city.variables[variable].layer)
        ramp = _RAMPS.get(info.domain if info else "", "batlow")
        return coloured(self.tiles.breaks(variable, resolution), ramp=ramp)

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

    def _height(self, layer: MapLayer) -> tuple[int, int]:
        """Order map layers from the ground up; of areas, bare land comes below green and water."""
        bare = layer.kind == "areas" and not ground_classes(self.readings.table(layer.id)).any()
        return KINDS.index(layer.kind), int(layer.kind == "areas" and not bare)

    def _most_features(self, layer: MapLayer) -> int:
        most = self.budget.lines if layer.kind == "lines" else self.budget.features
        return min(most, self.budget.codes // self.readings.steps(layer.variable)) if layer.variable else most

    def _make_features(self, layer: MapLayer, window: Window) -> Frame:
        table = self.readings.table(layer.id)
        near = layer.kind == "buildings" and window.width_deg < _NEAR_DEG
        weights = None if near else importance_of(table, layer.kind, self.city.layers[layer.id].show)
        chosen = foremost_within(table, window, most=self._most_features(layer), importance=weights)
        if layer.kind == "lines" and weights is not None:
            chosen = chosen[np.argsort(weights[chosen], kind="stable")]  # Main roads are painted over side streets.
        if layer.kind == "areas":
            chosen = chosen[
                np.argsort(ground_classes(table.iloc[chosen]), kind="stable")
            ]  # Land below green and water.
        part = table.iloc[chosen]
        drawn = part.geometry.to_numpy()
        if layer.kind == "areas":
            drawn = shapely.simplify(drawn, _GROUND_DETAIL_DEG)
        shapes, owners = to_shapes(drawn, layer.kind)
        names = names_of(part)
        columns: dict[str, Any] = {"p": shapes, "t": [names[i] for i in owners]}
        if layer.kind in _ATTRIBUTES:
            key, read_column = _ATTRIBUTES[layer.kind]
            columns[key] = read_column(part, self.city.layers[layer.id].show)[owners].tolist()
        steps, scale = 0, None
        if layer.variable:
            scale = self.scale(layer.variable)
            codes = scale.encode(self.readings.on_features(layer.id, layer.variable)[chosen])
            steps = codes.shape[1]
            columns["c"] = to_letters(codes[owners])
        return Frame(
            key=f"features/{layer.id}/{window.key}",
            body=to_body(**columns),
            owners=chosen[owners],
            shown=len(chosen),
            total=len(table),
            steps=steps,
            scale=scale,
            least_px=_MEASURED_LINE_PX if layer.variable and self._is_own(layer) else _STREET_PX,
        )

    def _is_own(self, layer: MapLayer) -> bool:
        """Say whether a layer carries the readings that colour it: a few measured roads among all streets."""
        return layer.variable is not None and self.city.variables[layer.variable].layer == layer.id

    def _make_cells(self, variable: str, window: Window) -> Frame:
        resolution = self._resolution_within_budget(variable, window)
        array = self.readings.values(variable, resolution)
        kept = window.holds(*self.centres(variable, resolution))
        dry = self._cells_on_land(variable)
        if dry is not None:
            kept &= np.isin(array["cell"].values, self.readings.grid.parents(dry, resolution))
        chosen = np.flatnonzero(kept)
        cells = array["cell"].values[chosen].astype(np.uint64)
        scale = self.scale(variable, resolution)
        codes = scale.encode(array.values[chosen].reshape(len(chosen), -1))
        return Frame(
            key=f"cells/{variable}/{window.key}",
            body=to_body(x=[format(cell, "x") for cell in cells.tolist()], c=to_letters(codes)),
            owners=cells,
            shown=len(cells),
            total=self.readings.values(variable, self.city.resolution).sizes["cell"],
            steps=codes.shape[1] if codes.size else 1,
            scale=scale,
            resolution=resolution,
            on_land=dry is not None,
        )

    def _cells_on_land(self, variable: str) -> "NDArray[np.uint64] | None":
        return self._scales.get(("dry", variable), lambda: self.readings.cells_on_land(variable))

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

    def _resolution_within_budget(self, variable: str, window: Window) -> int:
        """Find the finest resolution whose cells in the window stay within the budget."""
        finest = self.city.resolution
        most = min(self.budget.cells, self.budget.codes // self.readings.steps(variable))
        cells = self.readings.values(variable, finest)["cell"].values.astype(np.uint64)
        dry = self._cells_on_land(variable)
        if dry is not None:
            cells = dry if len(dry) else cells[:1]
        if window != EVERYWHERE:
            cells = cells[window.holds(*self.readings.grid.centres(cells))]
        for resolution in range(finest, COARSEST_RESOLUTION, -1):
            if len(cells) <= most:
                return resolution
            cells = np.unique(self.readings.grid.parents(cells, resolution - 1))
        return COARSEST_RESOLUTION
