"""Slow, obvious counterparts of the kernels: exact fractions, one pair at a time."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import h3.api.basic_int as h3
import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUTSIDE, INSIDE, ON_BOUNDARY = 0, 1, 2


def cells_of(lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int) -> NDArray[np.uint64]:
    """Ask h3 point by point."""
    pairs = zip(lat.tolist(), lon.tolist(), strict=True)
    return np.fromiter((h3.latlng_to_cell(a, b, resolution) for a, b in pairs), dtype=np.uint64, count=lon.size)


def side_of_line(a: tuple[float, float], b: tuple[float, float], p: tuple[float, float]) -> int:
    (ax, ay), (bx, by), (px, py) = (tuple(map(Fraction, point)) for point in (a, b, p))
    determinant = (ax - px) * (by - py) - (ay - py) * (bx - px)
    return (determinant > 0) - (determinant < 0)


def relation(rings: list[list[tuple[float, float]]], p: tuple[float, float]) -> int:
    """Say whether a point is outside of, inside of or on the boundary of closed rings, by crossings of a ray."""
    inside = False
    for ring in rings:
        for a, b in pairwise(ring):
            side = side_of_line(a, b, p)
            within_box = min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
            if side == 0 and within_box:
                return ON_BOUNDARY
            if (a[1] > p[1]) != (b[1] > p[1]) and (side > 0) == (b[1] > a[1]):
                inside = not inside
    return INSIDE if inside else OUTSIDE


def rings_of(polygon: shapely.Polygon | shapely.MultiPolygon) -> list[list[tuple[float, float]]]:
    rings = shapely.get_rings(shapely.get_parts(polygon))
    return [[tuple(vertex) for vertex in shapely.get_coordinates(ring).tolist()] for ring in rings]


def pairs_of(
    polygons: list[shapely.Polygon | shapely.MultiPolygon], points: list[tuple[float, float]], wanted: set[int]
) -> list[tuple[int, int]]:
    """List (point, polygon) for every pair whose relation is wanted."""
    rings = [rings_of(polygon) for polygon in polygons]
    return [
        (i, j)
        for i, point in enumerate(points)
        for j in range(len(polygons))
        if not any(map(np.isnan, point)) and relation(rings[j], point) in wanted
    ]


def nearest_line(
    lines: list[list[tuple[float, float]]], p: tuple[float, float], radius: float
) -> tuple[int, float, float]:
    """Return line, distance and fraction along it of the nearest place within the radius; -1 and NaN if none is."""
    best = (-1, np.nan, np.nan)
    for number, line in enumerate(lines):
        pieces = list(pairwise(line))
        lengths = [float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in pieces]
        before = 0.0
        for (a, b), length in zip(pieces, lengths, strict=True):
            t = 0.0
            if length > 0:
                t = ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length**2
                t = min(1.0, max(0.0, t))
            distance = float(np.hypot(a[0] + t * (b[0] - a[0]) - p[0], a[1] + t * (b[1] - a[1]) - p[1]))
            if distance <= radius and not distance >= best[1]:
                total = sum(lengths)
                best = (number, distance, (before + t * length) / total if total > 0 else 0.0)
            before += length
    return best
