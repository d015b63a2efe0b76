"""One visitor's page: state, scene and views put together."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import panel as pn

from dashboards.bookmarks import known_to, link_of, take
from dashboards.building import to_building
from dashboards.clock import first_step, to_labels, to_local
from dashboards.desk import Desk
from dashboards.exploring.flights import FLIGHT_MS
from dashboards.frame import CELLS, Frame
from dashboards.frames import FrameSource
from dashboards.i18n import plain_title, texts, title_of, unit_of
from dashboards.legends import to_choices, to_credits, to_rows
from dashboards.links import from_link, to_link
from dashboards.live import INTERVAL_S, Edition, Live
from dashboards.opening import first_view
from dashboards.scene import Scene
from dashboards.selections import Course, find_row, to_content, to_courses
from dashboards.state import ExplorerState
from dashboards.trust import Steward
from dashboards.views.chart import CourseChart
from dashboards.views.components import ClockBar, Credits, Inspector, LayerPanel, TopBar, read_asset, tie
from dashboards.views.map import CityMap
from dashboards.views.operate import OperateView
from dashboards.views.tools import ToolBox
from dashboards.views.trust import TrustView

LINKED = [
    "view",
    "step",
    "camera",
    "settings",
    "cell_variable",
    "order",
    "palettes",
    "extruded",
    "doubtful",
    "named",
    "selection",
    "notes",
    "stop",
    "limits",
    "speed",
    "playing",
    "kiosk",
    "language",
    "theme",
]
_PARTS = {"?": "rest"}


class ExplorerPage:
    """What one visitor sees and handles: three views of one map.

    Parameters
    ----------
    source : FrameSource
        Frames of the city, shared by all visitors.
    address : str
        Where the feed of the frames is.
    view : str, optional
        Last part of the path of the link that was opened; empty at the root.
    query : str, optional
        Its query. What it says wrongly is left out and told.
    live : Live, optional
        Where newer snapshots come from; without it the page stays at the one that it opened.
    """

    def __init__(
        self, source: FrameSource, *, address: str, view: str = "", query: str = "", live: Live | None = None
    ) -> None:
        self.source, city = source, source.city
        self.live = live
        self.times = source.readings.times
        self.state = state = ExplorerState()
        self.first_camera, self.first_step = first_view(source), first_step(self.times, city.clock.zone)
        self.known = known_to(source)
        self.notes = self.open(view, query)
        self.scene = Scene(state, source)
        self.map = CityMap(state, self.scene, view={**self.first_camera, **state.camera}, address=address)
        self.tools = ToolBox(state, self.map, visit_stop=self.visit_stop)
        self.topbar, self.clock = (
            TopBar(sizing_mode="stretch_width", margin=0),
            ClockBar(sizing_mode="stretch_width", margin=0),
        )
        self.layers = LayerPanel(sizing_mode="stretch_both", margin=0)
        self.chart = CourseChart(to_local(self.times, city.clock.zone))
        self.inspector = Inspector(
            chart=pn.pane.Bokeh(self.chart.figure, sizing_mode="stretch_width", margin=0),
            sizing_mode="stretch_both",
            margin=0,
        )
        self.credits = Credits(credits=to_credits(source), sizing_mode="stretch_width", margin=0)
        self.operate = OperateView(state, live.edition.desk if live else Desk(source), select=self.go_to)
        self.trust = TrustView(state, live.edition.steward if live else Steward(source))
        self._courses: list[Course] = []
        tie(self.topbar, state, "language", "theme", "view", "kiosk")
        tie(self.layers, state, "settings", "order", "palettes", "cell_variable", "extruded", "doubtful", "named")
        tie(self.clock, state, "step", "speed", "playing")
        self._watch()
        self.speak()
        self.list_layers()
        self.write_link()
        if state.selection:
            self.present(state.selection, to_courses(state.selection, source))

    def _watch(self) -> None:
        state = self.state
        state.param.watch(self.speak, "language")
        state.param.watch(self.list_layers, ["language", "theme", "cell_variable", "order", "palettes"])
        self.scene.param.watch(self.list_layers, ["frames", "seen"])
        state.param.watch(self.confirm_step, "step")
        state.param.watch(self.inspect, "selection")
        state.param.watch(self.describe, ["step", "language", "theme", "chart_variable", "view"])
        state.param.watch(self.write_link, LINKED)
        self.topbar.param.watch(self.visit, "visited")
        self.topbar.param.watch(self.map.fly_home, "home")
        self.topbar.param.watch(self.narrow, "narrow")
        self.inspector.param.watch(lambda _event: state.param.update(selection=None), "closed")
        self.inspector.param.watch(lambda event: state.param.update(chart_variable=event.new), "chosen")

    def open(self, view: str, query: str) -> tuple[str, ...]:
        """Bring the state to what a link says.

        Parameters
        ----------
        view : str
            Last part of its path.
        query : str
            Its query, as anybody may have written it.

        Returns
        -------
        tuple of str
            Keys of the query that were left out or changed.
        """
        link, notes = from_link(view, query, self.known)
        camera, step = self.first_camera, self.first_step
        return notes + take(link, self.state, self.source, first_camera=camera, first_step=step)

    def visit(self, *_events: Any) -> None:  # noqa: ANN401 - param's Event is untyped
        """Go where the visitor's browser went back or forward to."""
        where = self.topbar.visited
        self.notes = self.open(str(where.get("view", "")), str(where.get("query", "")).lstrip("?"))
        self.map.fit({**self.first_camera, **self.state.camera})
        self.tell_notes()

    def visit_stop(self, number: int) -> None:
        """Go to a stop of the guided tour, or leave the tour.

        Parameters
        ----------
        number : int
            Of the stop, counted from 1; 0 leaves everything where it is.
        """
        state = self.state
        if not number:
            state.stop = 0
            return
        kept = replace(link_of(state, self.source, first_camera=self.first_camera, first_step=self.first_step))
        asked = replace(kept, stop=number, camera=None, time="", layers={}, cells="", pick=None)
        take(asked, state, self.source, first_camera=self.first_camera, first_step=self.first_step)
        seen = {key: value for key, value in state.camera.items() if key not in {"width", "height"}}
        self.map.fly({**self.first_camera, **seen, "transitionDuration": FLIGHT_MS})

    def narrow(self, *_events: Any) -> None:  # noqa: ANN401
        """Take the first camera of a narrow window, unless a link said which."""
        first = {key: self.first_camera[key] for key in self.state.camera if key in self.first_camera}
        moved = any(abs(first[key] - self.state.camera[key]) > 1e-9 for key in first)
        self.first_camera = first_view(self.source, narrow=True)
        if not moved:
            self.map.fit(self.first_camera)

    def go_to(self, layer_id: str, row: str) -> None:
        """Select a place that a table names, and fly there.

        Parameters
        ----------
        layer_id : str
            Map layer that it is on.
        row : str
            Source record.
        """
        frame = self.scene.frames.get(CELLS)
        selection = find_row(self.source, layer_id, row, resolution=frame.resolution if frame else None)
        if selection is None:
            return
        self.state.selection = selection
        self.map.fly_to(selection["lon_deg"], selection["lat_deg"])

    async def refresh(self) -> None:
        """Take up a newer snapshot, beside the event loop; camera, time and selection stay."""
        if self.live is None:
            return
        with self.live.open() as may_look:
            if may_look:
                await self._look(self.live)

    async def _look(self, live: Live) -> None:
        line = await asyncio.to_thread(to_building, self.source.city.path, self.state.language)
        if line != self.operate.board.building:
            pn.state.execute(partial(self.tell_build, line), schedule=True)
        edition = await asyncio.to_thread(live.look)
        if edition.source is self.source:
            return
        frames = await asyncio.to_thread(Scene(self.state, edition.source).make, self.scene.wanted())
        pn.state.execute(partial(self.take_up, edition, frames), schedule=True)

    def tell_build(self, line: str) -> None:
        """Show how far a build is that goes on beside the page.

        Parameters
        ----------
        line : str
            What to say; empty while nobody builds.
        """
        self.operate.board.building = self.trust.board.building = line

    def take_up(self, edition: Edition, frames: dict[str, Frame]) -> None:
        """Show another snapshot where the visitor is.

        Parameters
        ----------
        edition : Edition
            The snapshot.
        frames : dict of Frame
            What the map draws of it now.
        """
        link = link_of(self.state, self.source, first_camera=self.first_camera, first_step=-1)
        was_last = self.state.step == len(self.times) - 1
        self.source, self.times, self._courses = edition.source, edition.source.readings.times, []
        self.known = known_to(self.source)
        zone = self.source.city.clock.zone
        self.first_step = first_step(self.times, zone)
        self.chart.times = to_local(self.times, zone)
        self.operate.desk, self.trust.steward = edition.desk, edition.steward
        self.map.address, self.scene.source = edition.address, self.source
        last = len(self.times) - 1 if was_last else self.first_step
        # Who watched the newest step watches the newest step again.
        link = replace(link, time="" if was_last else link.time)
        self.notes = take(link, self.state, self.source, first_camera=self.state.camera, first_step=last)
        self.scene.param.update(frames=frames, seen={})  # Counted when the camera moves.
        self.credits.credits = to_credits(self.source)
        self.speak()
        self.tools.speak()
        self.topbar.note = texts(self.state.language)["new_data"]
        self.state.param.trigger("selection", "acknowledged", "view")

    def write_link(self, *_events: Any) -> None:  # noqa: ANN401
        """Bring the address of the page up to what is seen."""
        camera, step = self.first_camera, self.first_step
        self.topbar.path = to_link(link_of(self.state, self.source, first_camera=camera, first_step=step))

    def tell_notes(self) -> None:
        """Say what of the link was left out."""
        words = texts(self.state.language)
        parts = list(dict.fromkeys(words[f"part_{_PARTS.get(note, note)}"] for note in self.notes))
        self.topbar.note = words["link_note"].format(parts=words["comma"].join(parts)) if parts else ""

    def speak(self, *_events: Any) -> None:  # noqa: ANN401 - param's Event is untyped
        """Write every text in the visitor's language."""
        language, city = self.state.language, self.source.city
        words = dict(texts(language))
        self.topbar.param.update(texts=words, heading=title_of(city.title, language, city.name))
        self.inspector.texts = self.credits.texts = words
        self.tell_notes()
        self.layers.param.update(texts=words, choices=to_choices(self.source, language))
        labels = to_labels(self.times, city.clock.zone, language=language, texts=words)
        self.clock.param.update(texts=words, labels=labels if len(self.times) > 1 else labels[:1])
        self.tell_time()

    def list_layers(self, *_events: Any) -> None:  # noqa: ANN401
        """Bring legends and notes up to what is drawn."""
        self.layers.rows = to_rows(self.state, self.source, self.scene.counted)
        profile, variable = self.source.profile(self.state.cell_variable)
        title = plain_title(title_of(variable.title, self.state.language, variable.name)) if variable else ""
        caption = texts(self.state.language)["city_mean"].format(title=title) if profile else ""
        self.clock.param.update(profile=profile, caption=caption)

    def confirm_step(self, *_events: Any) -> None:  # noqa: ANN401
        """Tell the player that the map has been told; it goes on only then."""
        self.clock.shown = self.state.step
        self.tell_time()

    def tell_time(self) -> None:
        """Write the time shown into the legends of what moves."""
        label = self.clock.labels[min(self.state.step, len(self.clock.labels) - 1)]
        self.layers.time = f"{label['time']} · {label['date']}"

    async def inspect(self, *_events: Any) -> None:  # noqa: ANN401
        """Read what was clicked, beside the event loop, and show it."""
        selection = self.state.selection
        courses = await asyncio.to_thread(to_courses, selection, self.source) if selection else []
        # Models of the chart may only change while the session is locked, which it is not after waiting.
        pn.state.execute(partial(self.present, selection, courses), schedule=True)

    def present(self, selection: dict[str, Any] | None, courses: list[Course]) -> None:
        """Show a selection, unless another has taken its place meanwhile.

        Parameters
        ----------
        selection : dict or None
            What was clicked.
        courses : list of Course
            Values there over time.
        """
        if selection != self.state.selection:
            return
        self._courses = courses
        names = [course.variable for course in courses]
        wanted = self.state.chart_variable
        own = self.source.layer(selection["layer"]).variable if selection else None
        shown = own or (self.state.cell_variable if self.state.cell_variable in names else next(iter(names), ""))
        if selection and (wanted not in names or own or selection["feature"] is None):
            self.state.chart_variable = shown
        self.describe()

    def describe(self, *_events: Any) -> None:  # noqa: ANN401
        """Show values, chart and sources of the selection at the time shown."""
        state, language = self.state, self.state.language
        label = self.clock.labels[min(state.step, len(self.clock.labels) - 1)]["time"]
        self.inspector.content = to_content(state, self.source, self._courses, time=label)
        course = next((course for course in self._courses if course.variable == state.chart_variable), None)
        if course is None or len(course.values) < 2:
            return
        variable = self.source.city.variables[course.variable]
        unit = unit_of(variable.unit)
        title = plain_title(title_of(variable.title, language, course.variable))
        self.chart.show(course.values, title=f"{title} ({unit})" if unit else title, step=state.step, theme=state.theme)

    def template(self) -> pn.Template:
        """Put the views into the page, and begin to look for newer snapshots.

        Returns
        -------
        panel.Template
            The page, ready to be served.
        """
        page = pn.Template(read_asset("page.html"))
        for name in ("topbar", "layers", "clock", "inspector", "credits"):
            page.add_panel(name, getattr(self, name))
        page.add_panel("map", self.map.pane)
        for view in (self.operate, self.trust):
            page.add_panel(view.name, view.board)
            pn.state.onload(view.follow)
        if self.live is not None:
            pn.state.add_periodic_callback(self.refresh, period=int(1000 * INTERVAL_S))
        page.add_panel("tools", self.tools.view)
        title = title_of(self.source.city.title, self.state.language, self.source.city.name)
        has_land = any(layer.is_ground for layer in self.source.layers)
        variables = {
            "lang": self.state.language,
            "theme": self.state.theme,
            "view": self.state.view,
            "kiosk": "yes" if self.state.kiosk else "no",
            "ground": "sea" if has_land else "plain",
            "city": title,
            "loading": texts(self.state.language)["loading"],
            "failed": texts(self.state.language)["failed"],
            "page_css": read_asset("page.css"),
            "page_js": "\n".join(map(read_asset, ("page.js", "names.js"))),
        }
        for name, value in variables.items():
            page.add_variable(name, value)
        return page
