"""The guided tour of a city: its stops in ``city.yaml``, checked against what the city has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from twin.errors import Fault
from twin.manifest.words import Strict, Texts, Title

if TYPE_CHECKING:
    from collections.abc import Collection

    from twin.manifest.marks import Lines

MOST_STOPS = 40
BESIDE_LAYERS = ("cells", "ground")
"""Rows of the layer panel that are no dataset: values on cells, and the base map."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT)?\d\d:\d\d", re.ASCII)


class StopSpec(Strict):
    """One stop of the tour; what it does not say is as the city is first looked at."""

    title: Title = Field(min_length=1, description="heading of the stop, once or by language")
    text: Title = Field(default_factory=dict, description="what is to be seen there, once or by language")
    centre: tuple[float, float] = Field(description="lon, lat in degrees of the middle of the map")
    zoom: float = Field(15.0, ge=5, le=20, description="web map zoom: 11 a large city, 14 a quarter")
    pitch: float = Field(50.0, ge=0, le=60, description="degrees from straight down")
    bearing: float = Field(-18.0, ge=-180, le=180, description="compass direction that is up")
    time: Annotated[str, BeforeValidator(str)] = Field(
        "", description='local time, such as "2026-06-16T08:00" or "08:00"; quoted'
    )
    layers: Texts = Field((), description="what is shown: datasets, cells, ground; the others are hidden")
    cells: str | None = Field(None, description="variable that colours the cells")


def tour_faults(
    tour: tuple[StopSpec, ...],
    area: tuple[float, float, float, float],
    lines: Lines,
    *,
    datasets: Collection[str],
    variables: Collection[str],
) -> list[Fault]:
    """Find stops at which there is nothing to see.

    Parameters
    ----------
    tour : tuple of StopSpec
        The ``tour:`` of the manifest.
    area : tuple of float
        min_lon, min_lat, max_lon, max_lat in degrees.
    lines : Lines
        Where they stand.
    datasets : collection of str
        Names of all datasets.
    variables : collection of str
        Names of all variables.

    Returns
    -------
    list of Fault
        A middle outside the area, a time that is none, a layer or a variable that the city does not have.
    """
    west, south, east, north = area
    layers = (*datasets, *BESIDE_LAYERS)
    found: list[tuple[int, str, str, str]] = []
    for number, stop in enumerate(tour):
        if not (west <= stop.centre[0] <= east and south <= stop.centre[1] <= north):
            remedy = "write [lon, lat] of a place in `area`, longitude first"
            found.append((number, "centre", f"{list(stop.centre)}, which is outside the area", remedy))
        if stop.time and not _TIME.fullmatch(stop.time):
            found.append((number, "time", repr(stop.time), 'write a local time such as "2026-06-16T08:00" or "08:00"'))
        unknown = [name for name in stop.layers if name not in layers]
        found.extend((number, "layers", repr(name), f"name one of: {', '.join(layers)}") for name in unknown)
        if stop.cells is not None and stop.cells not in variables:
            found.append((number, "cells", repr(stop.cells), f"name one of: {', '.join(variables)}"))
    return [
        Fault(line=lines.of(("tour", number, key)), where=f"tour.{number}.{key}", found=text, remedy=remedy)
        for number, key, text, remedy in found
    ]
