"""The steward's view of one visitor: keeps the board up to the state."""

import asyncio
from functools import partial
from typing import Any

import panel as pn

from dashboards.i18n import texts
from dashboards.state import ExplorerState
from dashboards.trust import Steward
from dashboards.views.components import TrustBoard


class TrustView:
    """What a data steward sees and handles beside the map.

    Parameters
    ----------
    state : ExplorerState
        What the visitor sees.
    steward : Steward
        What is known of the layers, shared by all visitors.
    """

    name = "trust"

    def __init__(self, state: ExplorerState, steward: Steward) -> None:
        self.state, self.steward = state, steward
        self.board = TrustBoard(sizing_mode="stretch_both", margin=0, texts=dict(texts(state.language)))
        self._asked = 0
        state.param.watch(self.follow, ["view", "language"])
        self.board.param.watch(self.follow, ["chosen", "measured"])
        self.board.param.watch(self.draw, "pictured")
        state.param.watch(self.draw, "language")

    async def follow(self, *_events: Any) -> None:  # noqa: ANN401 - param's Event is untyped
        """Bring the board up to the state, beside the event loop."""
        if self.state.view != "trust":
            return
        self._asked += 1
        asked, language = self._asked, self.state.language
        chosen, measured = self.board.chosen, self.board.measured > 0
        content = await asyncio.to_thread(self.steward.content, language, chosen=chosen, measured=measured)
        if asked == self._asked:
            pn.state.execute(partial(self.show, language, content), schedule=True)

    def show(self, language: str, content: dict[str, Any]) -> None:
        """Show what was worked out.

        Parameters
        ----------
        language : str
            Of its texts.
        content : dict
            What `Steward.content` gave.
        """
        self.board.param.update(texts=dict(texts(language)), content=content)

    async def draw(self, *_events: Any) -> None:  # noqa: ANN401
        """Draw the evidence for the position of the layer that was asked for."""
        name = self.board.pictured.get("layer", "")
        if name in self.steward.city.layers:
            svg = await asyncio.to_thread(self.steward.picture, name, self.state.language)
            pn.state.execute(partial(self.board.param.update, picture={"layer": name, "svg": svg}), schedule=True)
