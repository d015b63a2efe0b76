"""The operator's view of one visitor: keeps the board up to the state."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import panel as pn

from dashboards.desk import Desk
from dashboards.i18n import texts
from dashboards.state import ExplorerState
from dashboards.views.components import OperateBoard, tie

_SHOWN = ["view", "step", "language", "theme", "limits", "acknowledged"]


class OperateView:
    """What an operator sees and handles beside the map.

    Parameters
    ----------
    state : ExplorerState
        What the visitor sees.
    desk : Desk
        What is watched, shared by all visitors.
    select : callable
        Selects what a map layer's name and a source record name, and flies there.
    """

    name = "operate"

    def __init__(self, state: ExplorerState, desk: Desk, *, select: Callable[[str, str], None]) -> None:
        self.state, self.desk, self._select = state, desk, select
        self.board = OperateBoard(sizing_mode="stretch_both", margin=0)
        self._asked = 0
        tie(self.board, state, "limits", "kiosk", "playing")
        state.param.watch(self.follow, _SHOWN)
        self.board.param.watch(self.follow, ["variable", "level"])
        self.board.param.watch(self.spotlight, "variable")
        self.board.param.watch(self.choose, "chosen")
        self.board.param.watch(self.acknowledge, "seen")
        self.board.param.watch(self.export, "exported")
        self.board.param.watch(lambda _event: state.param.update(step=0, playing=True), "replayed")
        self.board.texts = dict(texts(state.language))

    async def follow(self, *_events: Any) -> None:  # noqa: ANN401 - param's Event is untyped
        """Bring the board up to the state, beside the event loop; what the state has left behind is not shown."""
        if self.state.view != "operate":
            return
        self._asked += 1
        asked = self._asked
        # A copy: the visitor goes on while it is worked out.
        seen = ExplorerState(**{name: getattr(self.state, name) for name in _SHOWN})
        variable, level = self.board.variable, self.board.level
        content = await asyncio.to_thread(self.desk.content, seen, variable=variable, level=level)
        if asked == self._asked:
            pn.state.execute(partial(self.show, seen.language, content), schedule=True)

    def show(self, language: str, content: dict[str, Any]) -> None:
        """Show what was worked out.

        Parameters
        ----------
        language : str
            Of its texts.
        content : dict
            What `Desk.content` gave.
        """
        self.board.param.update(texts=dict(texts(language)), content=content)

    def choose(self, *_events: Any) -> None:  # noqa: ANN401
        """Select the place of a row that was clicked."""
        self._select(str(self.board.chosen.get("layer", "")), str(self.board.chosen.get("row", "")))

    def spotlight(self, *_events: Any) -> None:  # noqa: ANN401
        """On a wall, show on the map what the board speaks of."""
        if self.state.kiosk and self.board.variable in self.desk.source.readings.cell_variables:
            self.state.cell_variable = self.board.variable

    def acknowledge(self, *_events: Any) -> None:  # noqa: ANN401
        """Keep when alerts were acknowledged, for this session."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        fresh = {str(key): now for key in self.board.seen}
        self.state.acknowledged = {**fresh, **self.state.acknowledged}

    def export(self, *_events: Any) -> None:  # noqa: ANN401
        """Hand the alerts out as a file."""
        name = f"{self.desk.source.city.name}-alerts-{self.desk.source.city.snapshot}.csv"
        self.board.file = {"name": name, "text": self.desk.csv(self.state), "count": self.board.exported}
