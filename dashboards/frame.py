"""What the map draws, as values: one frame a map layer, within a stated budget."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.tiles.readings import CELLS, KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboards.scales import Scale

__all__ = ["CELLS", "KINDS", "Frame", "MapLayer"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """What one map layer draws.

    Parameters
    ----------
    key : str
        Path of the frame below the feed's root.
    body : bytes
        JSON rows.
    owners : ndarray of int
        Per row of the body: position of its feature in the table, or its cell.
    shown, total : int
        Features or cells drawn, and how many the city has at storage resolution.
    steps : int
        Steps of time that the colours hold; 1 for what does not change, 0 without colours.
    scale : Scale or None
        How values became colours.
    resolution : int or None
        H3 resolution of cells.
    on_land : bool
        Whether cells over water were left out.
    least_px : float
        The thinnest that a line is drawn, in pixels.
    """

    key: str
    body: bytes
    owners: "NDArray[Any]"
    shown: int
    total: int
    steps: int = 0
    scale: "Scale | None" = None
    resolution: int | None = None
    on_land: bool = False
    least_px: float = 1.2


@dataclass(frozen=True, kw_only=True)
class MapLayer:
    """One layer of the map and the row of the layer panel that governs it.

    Parameters
    ----------
    id : str
        Name of the twin's layer, or ``"cells"``.
    kind : {"areas", "cells", "lines", "points", "buildings"}
        How it is drawn.
    variable : str or None
        Variable that colours it; cells take theirs from the state.
    """

    id: str
    kind: str
    variable: str | None = None
