"""Which frames a visitor's state asks for now; made beside the event loop, as a large city takes a moment."""

import asyncio
from typing import Any

import param

from dashboards.frame import CELLS, Frame
from dashboards.frames import FrameSource
from dashboards.state import ExplorerState
from dashboards.windows import Window, horizon_of, window_of


class Scene(param.Parameterized):
    """The frames on one visitor's map.

    Parameters
    ----------
    state : ExplorerState
        What the visitor sees.
    source : FrameSource
        Frames of the city.
    """

    frames: dict[str, Frame] = param.Dict(default={}, doc="Frame by map layer id.")

    def __init__(self, state: ExplorerState, source: FrameSource, **params: Any) -> None:  # noqa: ANN401 - param's
        super().__init__(**params)
        self.state, self.source = state, source
        self._asked = self.wanted()
        self.frames = self.make(*self._asked)
        state.param.watch(self.follow, ["camera", "cell_variable"])

    def make(self, cell_variable: str, window: Window, horizon: Window) -> dict[str, Frame]:
        """Give the frames of a variable in a window.

        Parameters
        ----------
        cell_variable : str
            Variable that colours the cells.
        window : Window
            What is looked at: buildings stand here.
        horizon : Window
            All that is seen: what lies flat reaches this far.

        Returns
        -------
        dict of Frame
            By map layer id, from the ground up.
        """
        return {
            layer.id: self.source.cells(cell_variable, horizon)
            if layer.kind == CELLS
            else self.source.features(layer.id, window if layer.kind == "buildings" else horizon)
            for layer in self.source.layers
        }

    async def follow(self, *_events: param.parameterized.Event) -> None:
        """Bring the frames up to the state, unless the state has moved on meanwhile."""
        wanted = self.wanted()
        if wanted == self._asked:
            return
        self._asked = wanted
        frames = await asyncio.to_thread(self.make, *wanted)
        if wanted == self._asked:
            self.frames = frames

    def wanted(self) -> tuple[str, Window, Window]:
        """Say what the state asks for now.

        Returns
        -------
        tuple
            Variable on the cells, window and horizon, as `make` takes them.
        """
        camera = self.state.camera
        return self.state.cell_variable, window_of(camera), horizon_of(camera)
