"""One visitor's page: state, scene and views put together."""

import asyncio
from functools import partial
from typing import Any

import panel as pn

from dashboards.clock import first_step, to_labels, to_local
from dashboards.frames import FrameSource
from dashboards.i18n import plain_title, texts, title_of, unit_of
from dashboards.legends import first_settings, to_choices, to_credits, to_rows
from dashboards.opening import first_cell_variable, first_view
from dashboards.scene import Scene
from dashboards.selections import Course, to_content, to_courses
from dashboards.state import LANGUAGES, THEMES, ExplorerState
from dashboards.views.chart import CourseChart
from dashboards.views.components import ClockBar, Credits, Inspector, LayerPanel, TopBar, read_asset, tie
from dashboards.views.map import CityMap


class ExplorerPage:
    """What one visitor sees and handles.

    Parameters
    ----------
    source : FrameSource
        Frames of the city, shared by all visitors.
    address : str
        Where the feed of the frames is.
    language : str, optional
        First language; English if it is none that we speak.
    theme : str, optional
        First theme; light if it is none of ours.
    """

    def __init__(self, source: FrameSource, *, address: str, language: str = "en", theme: str = "light") -> None:
        self.source, city = source, source.city
        self.times = source.readings.times
        self.state = state = ExplorerState(
            language=language if language in LANGUAGES else LANGUAGES[0],
            theme=theme if theme in THEMES else THEMES[0],
            step=first_step(self.times, city.clock.zone),
            settings=first_settings(source),
            cell_variable=first_cell_variable(source),
        )
        view = first_view(source)
        state.camera = {key: float(view[key]) for key in ("longitude", "latitude", "zoom", "pitch", "bearing")}
        self.scene = Scene(state, source)
        self.map = CityMap(state, self.scene, view=view, address=address)
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
        self._courses: list[Course] = []
        tie(self.topbar, state, "language", "theme")
        tie(self.layers, state, "settings", "cell_variable", "extruded")
        tie(self.clock, state, "step")
        self._watch()
        self.speak()
        self.list_layers()

    def _watch(self) -> None:
        state = self.state
        state.param.watch(self.speak, "language")
        state.param.watch(self.list_layers, ["language", "theme", "cell_variable"])
        self.scene.param.watch(self.list_layers, "frames")
        state.param.watch(self.confirm_step, "step")
        state.param.watch(self.inspect, "selection")
        state.param.watch(self.describe, ["step", "language", "theme", "chart_variable"])
        self.topbar.param.watch(self.map.fly_home, "home")
        self.topbar.param.watch(lambda _event: self.map.fit(first_view(self.source, narrow=True)), "narrow")
        self.inspector.param.watch(lambda _event: state.param.update(selection=None), "closed")
        self.inspector.param.watch(lambda event: state.param.update(chart_variable=event.new), "chosen")

    def speak(self, *_events: Any) -> None:  # noqa: ANN401 - param's Event is untyped
        """Write every text in the visitor's language."""
        language, city = self.state.language, self.source.city
        words = dict(texts(language))
        self.topbar.param.update(texts=words, heading=title_of(city.title, language, city.name))
        self.inspector.texts = self.credits.texts = words
        self.layers.param.update(texts=words, choices=to_choices(self.source, language))
        labels = to_labels(self.times, city.clock.zone, language=language, texts=words)
        self.clock.param.update(texts=words, labels=labels if len(self.times) > 1 else labels[:1])

    def list_layers(self, *_events: Any) -> None:  # noqa: ANN401
        """Bring legends and notes up to what is drawn."""
        self.layers.rows = to_rows(self.state, self.source, self.scene.frames)
        profile, variable = self.source.profile(self.state.cell_variable)
        title = plain_title(title_of(variable.title, self.state.language, variable.name)) if variable else ""
        caption = texts(self.state.language)["city_mean"].format(title=title) if profile else ""
        self.clock.param.update(profile=profile, caption=caption)

    def confirm_step(self, *_events: Any) -> None:  # noqa: ANN401
        """Tell the player that the map has been told; it goes on only then."""
        self.clock.shown = self.state.step

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
        """Put the views into the page.

        Returns
        -------
        panel.Template
            The page, ready to be served.
        """
        page = pn.Template(read_asset("page.html"))
        for name in ("topbar", "layers", "clock", "inspector", "credits"):
            page.add_panel(name, getattr(self, name))
        page.add_panel("map", self.map.pane)
        title = title_of(self.source.city.title, self.state.language, self.source.city.name)
        has_land = any(layer.kind == "areas" for layer in self.source.layers)
        variables = {
            "lang": self.state.language,
            "theme": self.state.theme,
            "ground": "sea" if has_land else "plain",
            "title": title,
            "loading": texts(self.state.language)["loading"],
            "failed": texts(self.state.language)["failed"],
            "page_css": read_asset("page.css"),
            "page_js": read_asset("page.js"),
        }
        for name, value in variables.items():
            page.add_variable(name, value)
        return page
