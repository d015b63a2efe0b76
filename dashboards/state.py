"""What one visitor sees now: parameters and nothing else, so that a view can be tested without a browser."""

from typing import Any

import param

from dashboards.links import LANGUAGES, SPEEDS, THEMES, VIEWS

LayerId = str


class ExplorerState(param.Parameterized):
    """The state of one visitor's view of the city.

    Views read it and write it; nothing here computes. `dashboards.bookmarks` writes it to a link.
    """

    view = param.Selector(default=VIEWS[0], objects=list(VIEWS), doc="Which of the three views.")
    language = param.Selector(default=LANGUAGES[0], objects=list(LANGUAGES), doc="Language of every text.")
    theme = param.Selector(default=THEMES[0], objects=list(THEMES), doc="Light or dark.")
    step = param.Integer(default=0, bounds=(0, None), doc="Index of the clock's step shown.")
    speed = param.Selector(default=1.0, objects=list(SPEEDS), doc="Of the player.")
    playing = param.Boolean(default=False, doc="Whether the clock runs by itself.")
    kiosk = param.Boolean(default=False, doc="Whether the page hangs on a wall, with nothing to handle.")
    settings: dict[LayerId, dict[str, Any]] = param.Dict(
        default={}, doc="Per map layer: visible (bool) and opacity (0 to 1)."
    )
    order: list[LayerId] = param.List(default=[], doc="Rows of the layer panel from the top; empty: as they come.")
    palettes: dict[LayerId, str] = param.Dict(default={}, doc="Ramp by row, where the visitor chose one.")
    cell_variable = param.String(default="", doc="Variable that colours the cells.")
    extruded = param.Boolean(default=False, doc="Whether cells stand as columns, by value.")
    doubtful = param.Boolean(default=False, doc="Whether what is uncertain fades.")
    named = param.Boolean(default=True, doc="Whether streets and areas bear their names.")
    camera: dict[str, float] = param.Dict(
        default={}, doc="Longitude, latitude, zoom, pitch, bearing and size in pixels of the view."
    )
    selection: dict[str, Any] | None = param.Dict(
        default=None, allow_None=True, doc="What was clicked: map layer id, index in its frame, lon, lat."
    )
    chart_variable = param.String(default="", doc="Variable that the chart of the selection shows.")
    limits: dict[str, float] = param.Dict(default={}, doc="Threshold by variable, where the visitor set one.")
    acknowledged: dict[str, str] = param.Dict(default={}, doc="Time of acknowledgement by alert.")
    notes: list[dict[str, Any]] = param.List(default=[], doc="Words at places: `at`, longitude and latitude, `text`.")
    stop = param.Integer(default=0, bounds=(0, None), doc="Stop of the guided tour, counted from 1; 0 beside it.")
    overlays: list[dict[str, Any]] = param.List(default=[], doc="Map layers that the tools lay over the city.")
    dimmed: dict[LayerId, float] = param.Dict(
        default={}, doc="Per map layer: share of its opacity that is left to it while something else is looked at."
    )
