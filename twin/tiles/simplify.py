"""Shapes with no more corners than a screen tells apart, for the zooms that show a city from afar."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.tiles.budget import TILE_PX
from twin.tiles.mercator import box_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRAY_PX = 0.5
"""How far an outline may lie from where it is, in pixels of the tile."""

_SMALL_PX = 4.0  # A house as small is its oriented box: a corner of it would be less than a pixel.


def simplified(shapes: "NDArray[Any]", tile: tuple[int, int, int]) -> "NDArray[Any]":
    """Leave out the corners of lines and areas that nobody sees at the zoom of a tile.

    Parameters
    ----------
    shapes : ndarray of shapely.Geometry
        Shape (n,), lines or areas in degrees, as they lie on the tile.
    tile : tuple of int
        z, x, y.

    Returns
    -------
    ndarray of shapely.Geometry
        Shape (n,): what is left strays at most `STRAY_PX` from what was given, and the ends of lines stay; an area of
        a few pixels is the smallest box around it.

    References
    ----------
    Douglas, D. and Peucker, T. (1973), Algorithms for the reduction of the number of points required to represent a
    digitized line or its caricature, Cartographica 10(2), as GEOS keeps areas valid with it.

    Examples
    --------
    >>> bent = np.array([shapely.LineString([(0.1, 0.1), (0.15, 0.1000001), (0.2, 0.1)])])
    >>> simplified(bent, (11, 1024, 1023))[0].wkt
    'LINESTRING (0.1 0.1, 0.2 0.1)'
    """
    _, south, _, north = box_of(*tile)
    # A pixel is as many degrees of latitude as it is of longitude times the cosine; the smaller one bounds both.
    pixel_deg = 360.0 / 2 ** tile[0] / TILE_PX * math.cos(math.radians(max(abs(south), abs(north))))
    out = shapely.simplify(shapes, STRAY_PX * pixel_deg, preserve_topology=True)
    west_deg, south_deg, east_deg, north_deg = shapely.bounds(shapes).T
    areal = shapely.get_dimensions(shapes) == 2
    small = areal & (np.hypot(east_deg - west_deg, north_deg - south_deg) < _SMALL_PX * pixel_deg)
    boxes = shapely.oriented_envelope(shapes[small])
    out[small] = np.where(shapely.area(boxes) > 0, boxes, shapes[small])
    return out
