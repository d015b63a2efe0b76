"""Which frames a visitor's state asks for now; made beside the event loop, as a large city takes a moment."""

import asyncio
import math
from typing import Any, NamedTuple

import param

from dashboards.frame import CELLS, Frame
from dashboards.frames import FrameSource
from dashboards.state import ExplorerState
from dashboards.windows import Window, horizon_of


class Wanted(NamedTuple):
    """What decides which frames a map shows.

    Parameters
    ----------
    cell_variable : str
        Variable that colours the cells.
    horizon : Window
        All that is seen.
    zoom : int or None
        Of the camera.
    doubtful : bool
        Whether what is uncertain fades.
    """

    cell_variable: str
    horizon: Window
    zoom: int | None
    doubtful: bool


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
        self.frames = self.make(self._asked)
        state.param.watch(self.follow, ["camera", "cell_variable", "doubtful"])

    def make(self, wanted: Wanted) -> dict[str, Frame]:
        """Give the frames that a state asks for.

        Parameters
        ----------
        wanted : Wanted
            What it asks for.

        Returns
        -------
        dict of Frame
            By map layer id, from the ground up.
        """
        doubtful = wanted.doubtful
        return {
            layer.id: self.source.cells(wanted.cell_variable, zoom=wanted.zoom, doubtful=doubtful)
            if layer.kind == CELLS
            else self.source.features(layer.id, wanted.horizon, zoom=wanted.zoom, doubtful=doubtful)
            for layer in self.source.layers
        }

    async def follow(self, *_events: param.parameterized.Event) -> None:
        """Bring the frames up to the state, unless the state has moved on meanwhile."""
        wanted = self.wanted()
        if wanted == self._asked:
            return
        self._asked = wanted
        frames = await asyncio.to_thread(self.make, wanted)
        if wanted == self._asked and frames != self.frames:
            self.frames = frames

    def wanted(self) -> Wanted:
        """Say what the state asks for now.

        Returns
        -------
        Wanted
            As `make` takes it.
        """
        camera = self.state.camera
        zoom = math.floor(camera["zoom"] + 0.5) if "zoom" in camera else None  # As the browser chooses its tiles.
        return Wanted(self.state.cell_variable, horizon_of(camera), zoom, self.state.doubtful)
