"""Grid codes the slow and obvious way."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import shapely
from pyproj import Geod

GEOD = Geod(ellps="WGS84")


def geohash_box(code: str) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Halve the globe, bit by bit."""
    sides = [[Fraction(-180), Fraction(180)], [Fraction(-90), Fraction(90)]]
    bits = "".join(f"{'0123456789bcdefghjkmnpqrstuvwxyz'.index(letter):05b}" for letter in code)
    for place, bit in enumerate(bits):
        side = sides[place % 2]
        side[bit == "0"] = (side[0] + side[1]) / 2
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


#: Width and height of the cells of each level in arc seconds, as the tables of public implementations print them.
BEIDOU_SECONDS = [
    (21600, 14400), (1800, 1800), (900, 600), (60, 60), (4, 4), (2, 2),
    (Fraction(1, 4),) * 2, (Fraction(1, 32),) * 2, (Fraction(1, 256),) * 2, (Fraction(1, 2048),) * 2,
]  # fmt: skip


def beidou_code(lon: Fraction, lat: Fraction, level: int) -> str:
    """Encode a place north of the equator and east of Greenwich by repeated division of what is left over."""
    east, north = lon * 3600, lat * 3600
    code = "N"
    for number, (width, height) in enumerate(BEIDOU_SECONDS[:level], start=1):
        column, row = int(east // width), int(north // height)
        east, north = east % width, north % height
        if number == 1:
            code += f"{column + 31:02d}{chr(ord('A') + row)}"
        elif number in {3, 6}:
            code += str(2 * row + column)
        else:
            code += f"{column:X}{row:X}"
    return code


def sampled_extent(cell: shapely.Geometry, lon: float, lat: float, *, count: int = 40_000) -> tuple[float, float]:
    """Throw points into a cell: root mean square distance per axis from a place, and the greatest distance."""
    west, south, east, north = cell.bounds
    random = np.random.default_rng(7)
    # Areas shrink with the cosine of the latitude, so latitudes are drawn from its integral.
    low, high = np.sin(np.radians([south, north]))
    lons = random.uniform(west, east, count)
    lats = np.degrees(np.arcsin(random.uniform(low, high, count)))
    inside = shapely.contains_xy(cell, lons, lats)
    lons, lats = lons[inside], lats[inside]
    _, _, distance = GEOD.inv(np.full(len(lons), lon), np.full(len(lons), lat), lons, lats)
    return float(np.sqrt(np.mean(distance**2) / 2)), float(distance.max())
