"""How a city is first looked at: as city.yaml states, else so that there is most to see."""

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from dashboards.deck import to_view
from dashboards.features import liveliest_part
from dashboards.frames import FrameSource
from twin.tiles.attributes import heights_m_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def first_cell_variable(source: FrameSource) -> str:
    """Choose the variable that colours the cells at first.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.

    Returns
    -------
    str
        What ``view.cells`` names, else the first of the air; empty if no variable is on cells.
    """
    known = source.readings.cell_variables
    stated = source.city.view.cells
    return stated if stated in known else next(iter(known), "")


def first_view(source: FrameSource, *, narrow: bool = False) -> dict[str, Any]:
    """Give the first camera.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    narrow : bool, optional
        Whether the window is too narrow for panels beside the map.

    Returns
    -------
    dict
        A deck.gl view state: at ``view.centre``, else over the part of the city that holds most.
    """
    stated = source.city.view
    area = source.city.area if stated.centre is not None else extent_of(source)
    return to_view(area, stated=stated, narrow=narrow)


def extent_of(source: FrameSource) -> tuple[float, float, float, float]:
    """Choose the part of the city that a first look shows.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.

    Returns
    -------
    tuple of float
        min_lon, min_lat, max_lon, max_lat: the buildings, of a large city their densest part; else the whole area.
    """
    for layer in reversed(source.layers):
        if layer.kind in {"buildings", "lines"}:
            table = source.readings.table(layer.id)
            weights = heights_m_of(table, source.city.layers[layer.id].show)
            return liveliest_part(table, weights, told_of=_places_with_values(source))
    return source.city.area


def _places_with_values(source: FrameSource) -> "list[NDArray[np.float64]]":
    """Give where there are streets, streets with values, and values on cells, as positions in degrees."""
    found = []
    for layer in source.layers:
        if layer.kind == "lines":
            bounds = shapely.bounds(source.readings.table(layer.id).geometry.to_numpy())
            middle = (bounds[:, :2] + bounds[:, 2:]) / 2
            found.append(middle)
            if layer.variable:
                values = source.readings.on_features(layer.id, layer.variable)
                found.append(middle[np.isfinite(values).any(axis=1)])
    first = source.readings.cell_variables[:1]
    return [*found, *(np.column_stack(source.centres(name, source.city.resolution)) for name in first)]
