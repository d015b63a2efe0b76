"""Blocks over polygons, to be written in any format of city models: five buildings whose volumes are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

__all__ = ["BLOCKS", "BOUNDS", "Block"]

Face = list[list[tuple[float, float, float]]]


@dataclass(frozen=True)
class Block:
    """One building.

    Parameters
    ----------
    name : str
        Its id.
    base : shapely.Polygon
        What it covers.
    low, high : float
        Metres.
    """

    name: str
    base: shapely.Polygon
    low: float
    high: float

    @property
    def volume(self) -> float:
        """Cubic metres."""
        return float(self.base.area * (self.high - self.low))

    def faces(self) -> list[tuple[str, Face]]:
        """List surfaces by kind, looking outside; rings are not closed."""
        rings = [np.array(ring.coords)[:-1] for ring in shapely.orient_polygons(self.base).interiors]
        rings = [np.array(shapely.orient_polygons(self.base).exterior.coords)[:-1], *rings]
        ground = [[(float(x), float(y), self.low) for x, y in ring[::-1]] for ring in rings]
        roof = [[(float(x), float(y), self.high) for x, y in ring] for ring in rings]
        walls: list[tuple[str, Face]] = []
        for ring in rings:
            for (x, y), (u, v) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                corners = [(x, y, self.low), (u, v, self.low), (u, v, self.high), (x, y, self.high)]
                walls.append(("WallSurface", [[tuple(map(float, corner)) for corner in corners]]))
        return [("GroundSurface", ground), ("RoofSurface", roof), *walls]


def _blocks() -> tuple[Block, ...]:
    west, south = 678_000.0, 5_403_000.0
    found = []
    for i in range(5):
        base = shapely.box(west + 20 * i, south, west + 20 * i + 10, south + 8 + i)
        if i == 3:
            base = base.difference(shapely.box(west + 63, south + 3, west + 66, south + 6))
        found.append(Block(f"b{i}", base, 400.0 + i, 410.0 + 3 * i))
    return tuple(found)


BLOCKS = _blocks()
BOUNDS = (678_000.0, 5_403_000.0, 678_090.0, 5_403_012.0)
