"""See the twin: a 3D city in the browser, from our own server and without any other.

State holds parameters only (`state`), frames turn a twin and a state into a bounded amount of data, as rows or as the
address of tiles (`frames`), `deck` turns frames into a deck.gl specification, `views` show it, `i18n` says it in
English and Chinese, `app` assembles.
``serve(path)`` opens a twin in the browser, ``explore(city)`` in a notebook, and
``explore(frame)`` any GeoDataFrame (`dashboards.notebook`).
"""

from dashboards.app import explore, serve
from dashboards.errors import (
    AddressError,
    DashboardError,
    FrameNotFoundError,
    FrameRefusedError,
    LanguageMissingError,
    NothingToShowError,
)
from twin.tiles import Budget

__all__ = [
    "AddressError",
    "Budget",
    "DashboardError",
    "FrameNotFoundError",
    "FrameRefusedError",
    "LanguageMissingError",
    "NothingToShowError",
    "explore",
    "serve",
]
