"""The least that is `Positioned`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

import crs


@dataclass(frozen=True)
class FakeLayer:
    name: str
    position: crs.PositionDefinition | None
    coordinates: crs.Coordinates
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    reasons: np.ndarray | None = None
    steps: tuple[str, ...] = ()

    def column(self, name: str, /) -> np.ndarray:
        return self.columns[name]

    def with_coordinates(self, placed: crs.Placed, /) -> Self:
        return replace(
            self,
            position=placed.position,
            coordinates=placed.coordinates,
            reasons=placed.reasons,
            steps=(*self.steps, *placed.steps),
        )


def table(position: Any, *columns: list[Any], name: str = "table") -> FakeLayer:
    """Make a layer of columns as a reader of CSV gives them."""
    return FakeLayer(name, crs.definition(position), crs.Fields(tuple(np.array(c, dtype=object) for c in columns)))


def shapes(position: Any, *geometry: Any, name: str = "shapes", **columns: list[Any]) -> FakeLayer:
    """Make a layer of geometries with attributes."""
    array = np.empty(len(geometry), dtype=object)
    array[:] = geometry
    attributes = {key: np.array(values, dtype=object) for key, values in columns.items()}
    return FakeLayer(name, crs.definition(position), crs.Shapes(array), attributes)
