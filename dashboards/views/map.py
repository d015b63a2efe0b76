"""The map: draws the scene, and tells the state where the camera is and what was clicked."""

from typing import Any

import panel as pn

from dashboards.deck import Look, to_layer, to_selection, to_specification
from dashboards.frame import CELLS, MapLayer
from dashboards.legends import dressed, rank_of, setting_of
from dashboards.scene import Scene
from dashboards.selections import find
from dashboards.state import ExplorerState
from dashboards.views.components import read_asset

_TOOLTIP = {
    "text": "{t}",
    "style": {
        "background": "rgba(20, 26, 34, .92)",
        "color": "#fff",
        "borderRadius": "8px",
        "padding": "6px 10px",
        "font": "13px/1.4 sans-serif",
        "maxWidth": "280px",
        "zIndex": 3,
    },
}
_TILES = f"({read_asset('tiles.js').strip()})({read_asset('meshes.js').strip()})"
_STREET_ZOOM = 15.6
_DRAWN = ["step", "theme", "settings", "order", "palettes", "extruded", "selection", "overlays", "dimmed"]


class CityMap:
    """The map of one visitor.

    Parameters
    ----------
    state : ExplorerState
        What the visitor sees.
    scene : Scene
        Frames on the map.
    view : dict
        First camera; it is never sent again, so that the visitor's camera stays.
    address : str
        Where the feed of the frames is.
    """

    def __init__(self, state: ExplorerState, scene: Scene, *, view: dict[str, Any], address: str) -> None:
        self.state, self.scene, self.view, self.address = state, scene, view, address
        self.home = view
        self._opened: set[str] = set()
        self.pane = pn.pane.DeckGL(
            self.specification(),
            sizing_mode="stretch_both",
            margin=0,
            configuration=f"Object.assign({read_asset('accessors.js')}, {{classes: {{CityTileLayer: {_TILES}}}}})",
            tooltips={
                layer.id: _TOOLTIP for layer in scene.source.layers if layer.kind != CELLS and not layer.is_ground
            },
            throttle={"view": 250, "hover": 200},
            stylesheets=[".deck-tooltip:empty { display: none !important; }"],  # What has no name says nothing.
        )
        state.param.watch(self.redraw, _DRAWN)
        scene.param.watch(self.redraw, "frames")
        self.pane.param.watch(self._move, "view_state")
        self.pane.param.watch(self._select, "click_state")

    def specification(self) -> dict[str, Any]:
        """Describe the map as it is to be now.

        Returns
        -------
        dict
            What the pane takes.
        """
        drawn = [layer for layer in self.scene.source.layers if self._is_drawn(layer)]
        if self.state.order:  # What is on top of the panel is painted last.
            drawn.sort(key=lambda layer: -rank_of(setting_of(layer), self.state))
        layers = [*map(self._layer, drawn), *self.state.overlays]
        if not self.state.order:
            # What lies flat is painted in order and would cover what stands; columns, last, let buildings through.
            layers.sort(key=lambda layer: bool(layer.get("extruded")) + (layer["id"] == CELLS and self.state.extruded))
        return to_specification([*layers, to_selection(self.state.selection, self.state.theme)], self.view)

    def _is_drawn(self, layer: MapLayer) -> bool:
        """Say whether a layer is to be sent: one that was never visible would be fetched for nothing."""
        if self.state.settings.get(setting_of(layer), {}).get("visible", True):
            self._opened.add(layer.id)
        return layer.id in self._opened and layer.id in self.scene.frames

    def _layer(self, layer: MapLayer) -> dict[str, Any]:
        frame = dressed(layer, self.scene.frames[layer.id], self.state)
        setting = self.state.settings.get(setting_of(layer), {})
        columns = self.state.extruded and layer.kind == CELLS
        left = self.state.dimmed.get(layer.id, 1.0)
        look = Look(
            theme=self.state.theme,
            step=self.state.step,
            visible=setting.get("visible", True) and left > 0,
            opacity=setting.get("opacity", 1.0) * left,
            column_edge_m=self.scene.source.edge_m(frame) if columns else 0.0,
            address=self.address,
            palette=self.state.palettes.get(setting_of(layer), ""),
        )
        return to_layer(layer, frame, look)

    def redraw(self, *_events: Any) -> None:  # noqa: ANN401 - param's Event is untyped
        """Send the layers as they are to be now."""
        self.pane.object = self.specification()

    def fit(self, view: dict[str, Any]) -> None:
        """Take another first camera.

        Parameters
        ----------
        view : dict
            A deck.gl view state.
        """
        self.home = view
        self.fly(view)

    def fly(self, view: dict[str, Any]) -> None:
        """Bring the visitor's camera to a view; the first camera stays what it was.

        Parameters
        ----------
        view : dict
            A deck.gl view state.
        """
        # The pane only hears of a change, and the browser only moves on one: a turn of 1e-9 is a change.
        turned = view["bearing"] + (1e-9 if self.view["bearing"] == view["bearing"] else 0.0)
        self.view = {**view, "bearing": turned}
        self.redraw()

    def fly_home(self, *_events: Any) -> None:  # noqa: ANN401
        """Bring back the first camera, wherever the visitor's is."""
        self.fly({**self.home, "transitionDuration": 600})

    def fly_to(self, lon_deg: float, lat_deg: float) -> None:
        """Bring a place into the middle, not farther away than a street is seen from.

        Parameters
        ----------
        lon_deg, lat_deg : float
            Degrees.
        """
        camera = {key: value for key, value in self.state.camera.items() if key not in {"width", "height"}}
        nearer = {"longitude": lon_deg, "latitude": lat_deg, "zoom": max(camera["zoom"], _STREET_ZOOM)}
        self.fly({**self.view, **camera, **nearer, "transitionDuration": 800})

    def _move(self, event: Any) -> None:  # noqa: ANN401
        keys = ("longitude", "latitude", "zoom", "pitch", "bearing", "width", "height")
        if isinstance(event.new, dict) and "longitude" in event.new:
            self.state.camera = {key: float(event.new[key]) for key in keys if key in event.new}

    def _select(self, event: Any) -> None:  # noqa: ANN401
        self.state.selection = find(self.scene, event.new)
