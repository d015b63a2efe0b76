"""What one visitor sees now: parameters and nothing else, so that a view can be tested without a browser."""

from typing import Any, Literal

import param

LayerId = str
Language = Literal["en", "zh"]
Theme = Literal["light", "dark"]

LANGUAGES: tuple[Language, ...] = ("en", "zh")
THEMES: tuple[Theme, ...] = ("light", "dark")


class ExplorerState(param.Parameterized):
    """The state of one visitor's view of the city.

    Views read it and write it; nothing here computes. Every part can be written to a link.
    """

    language = param.Selector(default="en", objects=list(LANGUAGES), doc="Language of every text.")
    theme = param.Selector(default="light", objects=list(THEMES), doc="Light or dark.")
    step = param.Integer(default=0, bounds=(0, None), doc="Index of the clock's step shown.")
    settings: dict[LayerId, dict[str, Any]] = param.Dict(
        default={}, doc="Per map layer: visible (bool) and opacity (0 to 1)."
    )
    cell_variable = param.String(default="", doc="Variable that colours the cells.")
    extruded = param.Boolean(default=False, doc="Whether cells stand as columns, by value.")
    camera: dict[str, float] = param.Dict(
        default={}, doc="Longitude, latitude, zoom, pitch, bearing and size in pixels of the view."
    )
    selection: dict[str, Any] | None = param.Dict(
        default=None, allow_None=True, doc="What was clicked: map layer id, index in its frame, lon, lat."
    )
    chart_variable = param.String(default="", doc="Variable that the chart of the selection shows.")
