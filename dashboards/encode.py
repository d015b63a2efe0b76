"""Areas to the JSON rows that deck.gl draws: short keys, rounded numbers."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = 6  # Of a degree: 0.1 m, below what any of the sources states.


def to_rings(geometry: shapely.Geometry) -> list[list[list[list[float]]]]:
    """Split an areal geometry into polygons of rings of positions.

    Parameters
    ----------
    geometry : shapely.Geometry
        Polygon or multipolygon in degrees; heights are left out.

    Returns
    -------
    list
        One list of rings a polygon, the outer ring first.
    """
    return [
        [shapely.get_coordinates(ring).round(DIGITS).tolist() for ring in (part.exterior, *part.interiors)]
        for part in shapely.get_parts(geometry)
        if part.geom_type == "Polygon" and not part.is_empty
    ]


def to_shapes(geometries: Sequence[shapely.Geometry]) -> tuple[list[Any], "NDArray[np.int64]"]:
    """Split areas into the polygons that a map layer draws.

    Parameters
    ----------
    geometries : sequence of shapely.Geometry
        Features, shape (n,).

    Returns
    -------
    shapes : list
        Positions of every part.
    owners : ndarray of int
        Which feature a part belongs to.
    """
    parts = [to_rings(geometry) for geometry in geometries]
    owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return [shape for part in parts for shape in part], owners


def to_body(**columns: Iterable[Any]) -> bytes:
    """Write columns as JSON rows.

    Parameters
    ----------
    **columns : iterable
        Values by key, all of one length, as plain Python types.

    Returns
    -------
    bytes
        A JSON array of objects.

    Examples
    --------
    >>> to_body(h=[3.2], t=["Casino"])
    b'[{"h":3.2,"t":"Casino"}]'
    """
    keys = tuple(columns)
    rows = [dict(zip(keys, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
