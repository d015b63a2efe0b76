"""Shares the slow way: every cell near a record, cut with GEOS in the equal-area plane."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import shapely

from crs.geodesy import lengths_m
from spatial_join.plane import equal_area, from_equal_area

MARGIN_DEG = {7: 0.05, 8: 0.02, 9: 0.008, 10: 0.003, 11: 0.0012, 12: 0.0005}


def in_plane(geometry):
    """Project a geometry, straight edges staying straight."""
    return shapely.transform(geometry, lambda xy: np.stack(equal_area(xy[:, 0], xy[:, 1]), axis=1))


def cells_near(geometry, resolution):
    """All cells that overlap the geometry's bounding box, with a margin."""
    x0, y0, x1, y1 = shapely.bounds(geometry)
    m = MARGIN_DEG[resolution]
    box = h3.geo_to_h3shape(shapely.box(x0 - m, y0 - m, x1 + m, y1 + m))
    return h3.polygon_to_cells_experimental(box, resolution, contain="overlap")


def cell_polygon(cell):
    """The cell as h3 draws it."""
    return shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])


def shares(geometry, resolution):
    """Share of every cell in a line or polygon, as a dict."""
    plane = in_plane(geometry)
    area = plane.area
    out = {}
    for cell in cells_near(geometry, resolution):
        piece = shapely.intersection(plane, in_plane(cell_polygon(cell)))
        amount = piece.area if area > 0 else _length_m(piece)
        if amount > 0:
            out[cell] = amount
    total = sum(out.values())
    return {cell: amount / total for cell, amount in out.items()}


def _length_m(piece):
    """Length of straight pieces in the plane, on the ellipsoid."""
    lines = [line for line in shapely.get_parts(piece) if shapely.get_type_id(line) == shapely.GeometryType.LINESTRING]
    back = shapely.transform(np.array(lines, dtype=object), lambda xy: np.stack(from_equal_area(*xy.T), axis=1))
    return float(lengths_m(np.asarray(back)).sum()) if lines else 0.0
