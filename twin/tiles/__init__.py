"""A whole city for a browser, a piece at a time: buildings, streets and cells as vector tiles within a stated budget.

`TileSource` gives the tiles of a twin, by the addresses that `twin.api` serves them under.
"""

from twin.tiles.budget import Budget
from twin.tiles.source import TileSource

__all__ = ["Budget", "TileSource"]
