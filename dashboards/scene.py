"""Which frames a visitor's state asks for now; made beside the event loop, as a large city takes a moment."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import param

from dashboards.frame import CELLS, Frame
from dashboards.frames import FrameSource
from dashboards.state import ExplorerState
from dashboards.windows import Window, horizon_of, outline_of
from twin.tiles.source import TILED


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
    seen: dict[str, tuple[int, int]] = param.Dict(
        default={}, doc="By map layer id, how many features the window shows and how many are in it."
    )

    def __init__(self, state: ExplorerState, source: FrameSource, **params: Any) -> None:  # noqa: ANN401 - param's
        super().__init__(**params)
        self.state, self.source = state, source
        self._asked = self.wanted()
        self.frames = self.make(self._asked)
        self.seen = self.count(state.camera)
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

    def count(self, camera: Mapping[str, float]) -> dict[str, tuple[int, int]]:
        """Count what is in the window, of the layers that have tiles.

        Parameters
        ----------
        camera : Mapping
            Where it is.

        Returns
        -------
        dict of tuple of int
            By map layer id, how many features are shown and how many there are.
        """
        outline = outline_of(camera)
        if not outline:
            return {}
        names = [layer.id for layer in self.source.layers if layer.kind in TILED]
        tiles = {name: self.source.tiles.layer(name) for name in names}
        return {name: one.seen(one.zoom_shown(camera["zoom"]), outline) for name, one in tiles.items()}

    @property
    def counted(self) -> dict[str, Frame]:
        """Frames that say how much of them the window holds, by map layer id."""
        counted = dict(self.frames)
        for name, (shown, total) in self.seen.items():
            if name in counted:
                counted[name] = replace(counted[name], shown=shown, total=total)
        return counted

    async def follow(self, *_events: param.parameterized.Event) -> None:
        """Bring the frames up to the state, unless the state has moved on meanwhile."""
        wanted, camera = self.wanted(), dict(self.state.camera)
        if wanted != self._asked:
            self._asked = wanted
            frames = await asyncio.to_thread(self.make, wanted)
            if wanted == self._asked and frames != self.frames:
                self.frames = frames
        seen = await asyncio.to_thread(self.count, camera)
        if camera == self.state.camera and seen != self.seen:
            self.seen = seen

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
