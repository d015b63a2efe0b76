"""Heights stay as published and carry a tag; they are never copied from one datum to another.

A height needs a datum only where it is compared with another: the 3D view draws height above ground. So an unknown
vertical datum does not set a record aside, it is carried as "unresolved".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crs.definition import PositionDefinition

__all__ = ["UNRESOLVED", "describe_vertical"]

#: Tag of heights whose datum nobody stated.
UNRESOLVED = "unresolved"

_TITLES = {
    "EPSG:5703": "NAVD88 height",
    "EPSG:5709": "NAP height",
    "EPSG:5720": "NGF-IGN69 height",
    "EPSG:5736": "Yellow Sea 1956 height",
    "EPSG:5737": "Yellow Sea 1985 height",
    "EPSG:5773": "EGM96 height",
    "EPSG:3855": "EGM2008 height",
    "EPSG:6360": "NAVD88 height in US survey feet",
    "ellipsoidal": "height above the ellipsoid",
}


def describe_vertical(position: PositionDefinition) -> str:
    """Say what the heights of a dataset refer to.

    Parameters
    ----------
    position : PositionDefinition
        Of any kind.

    Returns
    -------
    str
        The name of the vertical datum and that it is as published, or "unresolved".

    Examples
    --------
    >>> from crs.definition import definition
    >>> describe_vertical(definition("EPSG:3944+5720"))
    'NGF-IGN69 height (EPSG:5720), as published'
    >>> describe_vertical(definition("EPSG:2263"))
    'unresolved'
    """
    if position.vertical is None:
        return UNRESOLVED
    title = _TITLES.get(position.vertical)
    return f"{title} ({position.vertical}), as published" if title else f"{position.vertical}, as published"
