"""The shifted definitions of Chinese maps: GCJ-02, BD-09, Baidu Mercator and Web Mercator with GCJ-02 inside.

Each is taken as published and inverted exactly. Longitude comes before latitude; scalars and arrays of any shape.
GCJ-02 shifts inside a polygon of China, not a rectangle: Seoul, Hanoi and Ulaanbaatar stay where they are.
Where the polygon's edge is near, `near_mask_edge` flags a record as ambiguous; `accuracy_m` says how far the
published formula may be from what a map provider really does. Nothing here is ever exact to a provider.
"""

from crs.china.bd09 import bd09_from_gcj02, gcj02_from_bd09
from crs.china.gcj02 import gcj02_from_wgs84, wgs84_from_gcj02
from crs.china.mask import accuracy_m, in_china, near_mask_edge
from crs.china.mercator import bd09_from_bd09mc, bd09mc_from_bd09, gcj02_from_webmercator, webmercator_from_gcj02

__all__ = [
    "accuracy_m",
    "bd09_from_bd09mc",
    "bd09_from_gcj02",
    "bd09mc_from_bd09",
    "gcj02_from_bd09",
    "gcj02_from_webmercator",
    "gcj02_from_wgs84",
    "in_china",
    "near_mask_edge",
    "webmercator_from_gcj02",
    "wgs84_from_gcj02",
]
