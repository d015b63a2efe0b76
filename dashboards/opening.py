"""How a city is first looked at: as city.yaml states, else so that there is most to see."""

from typing import Any

from dashboards.deck import to_view
from dashboards.frames import FrameSource


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
    area = source.city.area if stated.centre is not None else source.extent
    return to_view(area, stated=stated, narrow=narrow)
