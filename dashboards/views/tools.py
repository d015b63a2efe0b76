"""The planner's tools: the browser asks our routes for answers, and the state is told here."""

from typing import TYPE_CHECKING, Any, ClassVar

import param
from panel.custom import JSComponent

from dashboards.clock import to_labels, to_text
from dashboards.exploring.flights import flight_to, found_layer, shadow_layer
from dashboards.frame import CELLS
from dashboards.i18n import plain_title, texts, title_of
from dashboards.legends import to_choices, to_credits, to_rows
from dashboards.notes import carried
from dashboards.selections import to_selection
from dashboards.tour import to_stops
from dashboards.views.components import read_asset, tie

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboards.frames import FrameSource
    from dashboards.state import ExplorerState
    from dashboards.views.map import CityMap

_NAMES = ("overlay", "search", "charts", "query", "draw", "compare", "keep", "tour", "tools")


class Tools(JSComponent):
    """Search box, tool buttons and their panels."""

    address = param.String(doc="Root of the routes that answer.")
    texts = param.Dict(default={}, doc="Catalogue of the language.")
    layers = param.List(default=[], doc="What can be asked: id, title and kind.")
    choices = param.List(default=[], doc="Variables that can be joined: value and label.")
    cell_choices = param.List(default=[], doc="Variables that cells can show: value and label.")
    labels = param.List(default=[], doc="Local time of every step, as links write it.")
    times = param.List(default=[], doc="The same as people write it.")
    heading = param.String(doc="Title of the city in the visitor's language.")
    legend = param.List(default=[], doc="Rows of the layer panel that are visible.")
    credits = param.List(default=[], doc="Whose data are shown.")
    provenance = param.String(doc="City and snapshot, for pictures.")
    shade = param.String(default="", doc="Time and place of the shadows that are shown.")
    step = param.Integer(default=0)
    cell_variable = param.String(default="")
    selected = param.Dict(default={}, doc="Layer and row of what was clicked on the map.")
    flight = param.Dict(default={}, doc="Bounds to fly to; a count beside them makes each flight another.")
    picked = param.Dict(default={}, doc="Layer and row to select.")
    tour = param.List(default=[], doc="Title and text of each stop of the guided tour.")
    stop = param.Integer(default=0, doc="The stop that is seen, counted from 1; 0 beside the tour.")
    asked_stop = param.Dict(default={}, doc="Stop to go to; a count beside it makes each going another.")
    notes = param.List(default=[], doc="Notes of the link, and those that the visitor put.")
    carried = param.Integer(default=0, doc="How many of the notes the link carries.")
    found = param.Dict(default={}, doc="Question whose answer the map shows, and whether it shows nothing else.")

    _esm = "\n".join(read_asset(f"explore/{name}.js") for name in _NAMES)
    _stylesheets: ClassVar[list[str]] = [read_asset("card.css"), read_asset("explore/tools.css")]


class ToolBox:
    """Ties the tools of one visitor to state and map.

    Parameters
    ----------
    state : ExplorerState
        What the visitor sees.
    city_map : CityMap
        The visitor's map.
    visit_stop : callable
        Goes to a stop of the guided tour.
    """

    def __init__(
        self, state: "ExplorerState", city_map: "CityMap", *, visit_stop: "Callable[[int], None]" = lambda _number: None
    ) -> None:
        self.state, self.map = state, city_map
        self.view = Tools(sizing_mode="stretch_width", margin=0)
        state.param.watch(self.speak, "language")
        state.param.watch(self.overlay, "theme")
        state.param.watch(self.follow, ["step", "cell_variable", "selection"])
        self.view.param.watch(self._go, ["flight", "picked"])
        self.view.param.watch(self.overlay, ["found", "shade"])
        state.param.watch(self.follow_legend, ["settings", "language", "theme", "cell_variable", "order", "palettes"])
        city_map.scene.param.watch(self.follow_legend, "frames")
        tie(self.view, state, "notes")
        state.param.watch(self.follow_notes, ["notes", "stop"])
        self.view.param.watch(lambda event: visit_stop(int(event.new["stop"])), "asked_stop")
        self.speak()
        self.follow()
        self.follow_notes()

    @property
    def source(self) -> "FrameSource":
        """Frames of the city, of the newest snapshot that the page has taken up."""
        return self.map.scene.source

    def speak(self, *_events: Any) -> None:  # noqa: ANN401 - param's Event is untyped
        """Write every text in the visitor's language."""
        language, city = self.state.language, self.source.city
        words = texts(language)
        drawn = {layer.id: layer.kind for layer in self.source.layers}
        rows = [
            {"id": name, "title": plain_title(title_of(info.title, language, name)), "kind": drawn.get(name, "")}
            for name, info in city.layers.items()
            if info.features
        ]
        if CELLS in drawn:
            rows.append({"id": CELLS, "title": words["cells"], "kind": CELLS})
        rows.sort(key=lambda row: ("buildings", "lines", CELLS, "points", "areas", "").index(row["kind"]))
        choices = [
            {"value": name, "label": plain_title(title_of(variable.title, language, name))}
            for name, variable in city.variables.items()
            if variable.kind != "categorical"
        ]
        address = f"explore/{city.snapshot}"
        times, zone = self.source.readings.times, city.clock.zone
        self.view.param.update(address=address, texts=dict(words), layers=rows, choices=choices)
        self.view.param.update(
            cell_choices=to_choices(self.source, language),
            labels=[to_text(times, zone, step) for step in range(len(times))],
            times=[f"{each['date']} {each['time']}" for each in to_labels(times, zone, language=language, texts=words)],
            heading=title_of(city.title, language, city.name),
            credits=to_credits(self.source),
            tour=to_stops(self.source, language),
            provenance=f"{city.name} · {city.snapshot}",
        )
        self.follow_legend()

    def follow_legend(self, *_events: Any) -> None:  # noqa: ANN401
        """Keep the legend that goes onto pictures."""
        rows = to_rows(self.state, self.source, self.map.scene.counted)
        self.view.legend = [row for row in rows if self.state.settings.get(row["id"], {}).get("visible", True)]

    def follow(self, *_events: Any) -> None:  # noqa: ANN401
        """Tell the tools the time, the variable and what is selected."""
        chosen = self.state.selection
        selected = {"layer": chosen["layer"], "row": chosen["feature"]} if chosen else {}
        self.view.param.update(step=self.state.step, cell_variable=self.state.cell_variable, selected=selected)

    def follow_notes(self, *_events: Any) -> None:  # noqa: ANN401
        """Tell the stop of the tour, and how many notes the link carries."""
        self.view.param.update(stop=self.state.stop, carried=len(carried(self.state.notes)))

    def _go(self, *events: Any) -> None:  # noqa: ANN401
        """Select, then fly: of two changes in one message the browser takes the camera of the last."""
        for name, act in (("picked", self._select), ("flight", self._fly)):
            for event in events:
                if event.name == name:
                    act(event)

    def _fly(self, event: Any) -> None:  # noqa: ANN401
        """Show a box."""
        west, south, east, north = (float(side) for side in event.new["bounds"])
        camera = self.state.camera
        self.map.fly(flight_to((west, south, east, north), camera, narrow=camera.get("width", 1400) < 900))

    def _select(self, event: Any) -> None:  # noqa: ANN401
        """Select a feature that was chosen in a list."""
        layer, row = event.new["layer"], int(event.new["row"])
        on_map = next((known for known in self.source.layers if known.id == layer and known.kind != CELLS), None)
        if on_map is not None:
            cells = self.map.scene.frames.get(CELLS)
            resolution = cells.resolution if cells else None
            self.state.selection = to_selection(self.source, on_map, row, resolution=resolution)

    def overlay(self, *_events: Any) -> None:  # noqa: ANN401
        """Lay the answer to a question over the map, and dim what is no part of it."""
        found, shown, dimmed = self.view.found, [], {}
        if self.view.shade:
            shown.append(shadow_layer(self.view.shade, address=self.view.address, theme=self.state.theme))
        if found:
            layer = found["question"]["layer"]
            stands = any(known.id == layer and known.kind == "buildings" for known in self.source.layers)
            mark = found_layer(found["question"], address=self.view.address, theme=self.state.theme, stands=stands)
            shown, dimmed = [*shown, mark], {layer: found.get("rest", 1.0)}
        self.state.param.update(overlays=shown, dimmed=dimmed)
