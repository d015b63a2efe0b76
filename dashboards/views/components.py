"""Panel components of the page: each is one small script and style sheet, kept beside as files and served by us."""

from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import Child, JSComponent

ASSETS = Path(__file__).parent / "assets"
_CARD = (ASSETS / "card.css").read_text(encoding="utf-8")


def _style(name: str) -> list[str]:
    return [_CARD, (ASSETS / f"{name}.css").read_text(encoding="utf-8")]


class TopBar(JSComponent):
    """Name of the city, the three views, the link to what is seen, first view, theme and language."""

    heading = param.String(doc="Title of the city in the visitor's language.")
    texts = param.Dict(default={}, doc="Catalogue of the language.")
    language = param.String(default="en")
    theme = param.String(default="light")
    view = param.String(default="explore")
    kiosk = param.Boolean(default=False)
    path = param.String(doc="Link to what is seen, below the root of the page.")
    visited = param.Dict(default={}, doc="View and query that the browser went back or forward to.")
    note = param.String(doc="What of the link was left out.")
    home = param.Integer(default=0, doc="Counts how often the first view was asked for.")
    narrow = param.Boolean(default=False, doc="Whether the window has no room for panels beside the map.")

    _esm = ASSETS / "topbar.js"
    _stylesheets: ClassVar[list[str]] = _style("topbar")


class LayerPanel(JSComponent):
    """Layers with switch, opacity, legend and origin."""

    rows = param.List(default=[], doc="What `legends.to_rows` gives.")
    settings = param.Dict(default={}, doc="Visible and opacity by row id.")
    choices = param.List(default=[], doc="Variables that cells can show.")
    cell_variable = param.String(default="")
    extruded = param.Boolean(default=False)
    order = param.List(default=[], doc="Rows from the top, where the visitor moved one.")
    palettes = param.Dict(default={}, doc="Ramp by row, where the visitor chose one.")
    time = param.String(doc="Time and date of the step shown.")
    doubtful = param.Boolean(default=False, doc="Whether what is uncertain fades.")
    named = param.Boolean(default=True, doc="Whether streets and areas bear their names.")
    texts = param.Dict(default={}, doc="Catalogue of the language.")

    _esm = ASSETS / "layers.js"
    _stylesheets: ClassVar[list[str]] = _style("layers")


class ClockBar(JSComponent):
    """Time of the view, slider and player."""

    labels = param.List(default=[], doc="Time and date of every step.")
    profile = param.List(default=[], doc="Mean of the cells' variable over the city by step, 0 to 1.")
    caption = param.String(doc="What the profile shows.")
    step = param.Integer(default=0)
    speed = param.Number(default=1.0)
    playing = param.Boolean(default=False)
    shown = param.Integer(default=0, doc="Step that the map was last told to show.")
    texts = param.Dict(default={}, doc="Catalogue of the language.")

    _esm = ASSETS / "clock.js"
    _stylesheets: ClassVar[list[str]] = _style("clock")


class Inspector(JSComponent):
    """What was clicked: values, their course over time and where they come from."""

    content = param.Dict(default={}, doc="What `selections.to_content` gives; empty closes the panel.")
    chart = Child(doc="Chart of the chosen variable.")
    chosen = param.String(default="", doc="Variable asked for by a click.")
    closed = param.Integer(default=0, doc="Counts how often the panel was closed.")
    texts = param.Dict(default={}, doc="Catalogue of the language.")

    _esm = ASSETS / "inspector.js"
    _stylesheets: ClassVar[list[str]] = _style("inspector")


class OperateBoard(JSComponent):
    """What an operator watches: the city now, rankings, alerts, the age of readings."""

    content = param.Dict(default={}, doc="What `Desk.content` gives; empty until it is worked out.")
    building = param.String(default="", doc="How far a build is that goes on beside the page; else empty.")
    variable = param.String(default="", doc="Variable that is ranked.")
    level = param.String(default="", doc="Kind of places that is ranked.")
    limits = param.Dict(default={}, doc="Thresholds that the visitor set.")
    playing = param.Boolean(default=False)
    kiosk = param.Boolean(default=False)
    chosen = param.Dict(default={}, doc="Map layer and source record of a row that was clicked.")
    seen = param.List(default=[], doc="Keys of the alerts that were acknowledged last.")
    replayed = param.Integer(default=0, doc="Counts how often the day was to be replayed.")
    exported = param.Integer(default=0, doc="Counts how often the alerts were asked for as a file.")
    file = param.Dict(default={}, doc="Name and text of that file.")
    texts = param.Dict(default={}, doc="Catalogue of the language.")

    _esm = ASSETS / "operate.js"
    _stylesheets: ClassVar[list[str]] = _style("operate")


class TrustBoard(JSComponent):
    """How far to trust each layer, and a place to drop a file that is not taken in yet."""

    content = param.Dict(default={}, doc="What `Steward.content` gives; empty until it is worked out.")
    building = param.String(default="", doc="How far a build is that goes on beside the page; else empty.")
    chosen = param.String(default="", doc="Layer that is described in full.")
    measured = param.Integer(default=0, doc="Counts how often the fusion error was asked for.")
    pictured = param.Dict(default={}, doc="Layer whose evidence is to be drawn.")
    picture = param.Dict(default={}, doc="That layer, and its SVG; empty where nothing can be drawn.")
    texts = param.Dict(default={}, doc="Catalogue of the language.")

    _esm = ASSETS / "trust.js"
    _stylesheets: ClassVar[list[str]] = _style("trust")


class Credits(JSComponent):
    """Whose data are shown, under which licence."""

    credits = param.List(default=[])
    texts = param.Dict(default={}, doc="Catalogue of the language.")

    _esm = ASSETS / "credits.js"
    _stylesheets: ClassVar[list[str]] = _style("credits")


def read_asset(name: str) -> str:
    """Read a file of the page.

    Parameters
    ----------
    name : str
        File name in ``views/assets``.

    Returns
    -------
    str
        Its text.
    """
    return (ASSETS / name).read_text(encoding="utf-8")


def tie(component: JSComponent, state: param.Parameterized, *names: str) -> None:
    """Keep parameters of a component and of the state equal, in both directions.

    Parameters
    ----------
    component : JSComponent
        What the visitor handles.
    state : Parameterized
        State with parameters of the same names.
    *names : str
        Which parameters.
    """
    component.param.update(**{name: getattr(state, name) for name in names})

    # What a browser sends while the server is busy arrives as one change of several parameters.
    def to_state(*events: Any) -> None:  # noqa: ANN401 - param's Event is untyped
        state.param.update(**{event.name: event.new for event in events})

    def to_component(*events: Any) -> None:  # noqa: ANN401
        component.param.update(**{event.name: event.new for event in events})

    component.param.watch(to_state, list(names))
    state.param.watch(to_component, list(names))
