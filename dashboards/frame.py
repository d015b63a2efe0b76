"""What the map draws, as values: one frame a map layer, within a stated budget."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twin.tiles.readings import CELLS, KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboards.scales import Scale

__all__ = ["CELLS", "KINDS", "Frame", "MapLayer"]


@dataclass(frozen=True, kw_only=True)
class TileAddress:
    """Where the tiles of a map layer are.

    Parameters
    ----------
    path : str
        Address below the root of the tiles, with ``{z}``, ``{x}`` and ``{y}``.
    name : str
        Of the layer in the tiles.
    zooms : tuple of int
        The coarsest and the finest.
    bounds : tuple of float
        min_lon, min_lat, max_lon, max_lat of the tiles that hold anything, in degrees.
    roofs : int
        The coarsest zoom at which buildings come with their own surfaces; -1 if they have none.
    """

    path: str
    name: str
    zooms: tuple[int, int]
    bounds: tuple[float, float, float, float]
    roofs: int = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """What one map layer draws.

    Parameters
    ----------
    key : str
        Path of the frame below the feed's root.
    shown, total : int
        Features or cells drawn, and how many there are: of what comes in tiles, in the part that is seen.
    body : bytes, optional
        JSON rows; empty for what comes in tiles.
    owners : ndarray of int, optional
        Per row of the body: position of its feature in the table.
    tiles : TileAddress or None
        Where the tiles are.
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
    is_ground : bool
        Whether it is part of the base map.
    doubt : {"", "value", "edge", "metres", "unstated"}
        What the uncertainty that fades it is held against, as in `twin.tiles.doubt`; ``unstated`` if it was asked for
        and nobody says it; empty if it was not asked for.
    """

    key: str
    shown: int
    total: int
    body: bytes = b""
    owners: "NDArray[Any] | None" = None
    tiles: TileAddress | None = None
    steps: int = 0
    scale: "Scale | None" = None
    resolution: int | None = None
    on_land: bool = False
    least_px: float = 1.2
    is_ground: bool = False
    doubt: Literal["", "value", "edge", "metres", "unstated"] = ""


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
    is_ground : bool
        Whether it is part of the base map: zones and land cover, which carry no values.
    """

    id: str
    kind: str
    variable: str | None = None
    is_ground: bool = False
