"""Moving every vertex of geometries in the plane, heights untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.measured import set_vertices

if TYPE_CHECKING:
    from collections.abc import Callable

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["map_vertices"]


def map_vertices(
    geometry: ObjectArray, move: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
) -> ObjectArray:
    """Apply a plane move to every vertex; what has heights or measures keeps them, what has none gets none.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries or None, any shape.
    move : callable
        From x and y of all vertices to new x and y.

    Returns
    -------
    numpy.ndarray
        New geometries of the same shape.

    Examples
    --------
    >>> moved = map_vertices(np.array([shapely.Point(1, 2, 3), None]), lambda x, y: (x + 10, y))
    >>> shapely.to_wkt(moved[0])
    'POINT Z (11 2 3)'
    """
    result = np.array(geometry, dtype=object, copy=True)
    deep = shapely.has_z(result)
    for chosen, has_z in ((~deep, False), (deep, True)):
        part = result[chosen]
        numbers = shapely.get_coordinates(part, include_z=has_z)
        if len(numbers):
            numbers[:, 0], numbers[:, 1] = move(numbers[:, 0].copy(), numbers[:, 1].copy())
            result[chosen] = set_vertices(part, numbers)
    return result
