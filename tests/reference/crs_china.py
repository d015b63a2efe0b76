"""The Chinese definitions as they are published, in plain numpy: slow, obvious, one line per line of the formula."""

import json
from importlib import resources

import numpy as np
import shapely

A_M = 6378245.0
EE = 0.00669342162296594323

LLBAND = np.array([75, 60, 45, 30, 15, 0])
LL2MC = np.array(
    [
        [
            -0.0015702102444,
            111320.7020616939,
            1704480524535203,
            -10338987376042340,
            26112667856603880,
            -35149669176653700,
            26595700718403920,
            -10725012454188240,
            1800819912950474,
            82.5,
        ],
        [
            0.0008277824516172526,
            111320.7020463578,
            647795574.6671607,
            -4082003173.641316,
            10774905663.51142,
            -15171875531.51559,
            12053065338.62167,
            -5124939663.577472,
            913311935.9512032,
            67.5,
        ],
        [
            0.00337398766765,
            111320.7020202162,
            4481351.045890365,
            -23393751.19931662,
            79682215.47186455,
            -115964993.2797253,
            97236711.15602145,
            -43661946.33752821,
            8477230.501135234,
            52.5,
        ],
        [
            0.00220636496208,
            111320.7020209128,
            51751.86112841131,
            3796837.749470245,
            992013.7397791013,
            -1221952.21711287,
            1340652.697009075,
            -620943.6990984312,
            144416.9293806241,
            37.5,
        ],
        [
            -0.0003441963504368392,
            111320.7020576856,
            278.2353980772752,
            2485758.690035394,
            6070.750963243378,
            54821.18345352118,
            9540.606633304236,
            -2710.55326746645,
            1405.483844121726,
            22.5,
        ],
        [
            -0.0003218135878613132,
            111320.7020701615,
            0.00369383431289,
            823725.6402795718,
            0.46104986909093,
            2351.343141331292,
            1.58060784298199,
            8.77738589078284,
            0.37238884252424,
            7.45,
        ],
    ]
)


def gcj02_everywhere(lon, lat):
    """Shift without a mask."""
    x, y, sin, pi = lon - 105.0, lat - 35.0, np.sin, np.pi
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north += (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east += (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    radians = lat / 180.0 * pi
    magic = 1.0 - EE * sin(radians) ** 2
    north_deg = (north * 180.0) / ((A_M * (1.0 - EE)) / (magic * np.sqrt(magic)) * pi)
    east_deg = (east * 180.0) / (A_M / np.sqrt(magic) * np.cos(radians) * pi)
    return lon + east_deg, lat + north_deg


def wgs84_everywhere(glon, glat, *, steps=12):
    """Invert by fixed point, without a mask; each step gains a factor of about 150."""
    lon, lat = glon, glat
    for _ in range(steps):
        x, y = gcj02_everywhere(lon, lat)
        lon, lat = lon + (glon - x), lat + (glat - y)
    return lon, lat


def bd09(lon, lat):
    """Shift GCJ-02 to BD-09 through polar coordinates."""
    wave = np.pi * 3000.0 / 180.0
    radius = np.sqrt(lon * lon + lat * lat) + 0.00002 * np.sin(lat * wave)
    bearing = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * wave)
    return radius * np.cos(bearing) + 0.0065, radius * np.sin(bearing) + 0.006


def bd09mc_published(lon, lat):
    """Return Baidu Mercator by the published polynomials of this direction, a row at a time."""
    x, y = np.empty_like(lon), np.empty_like(lat)
    for i, (one_lon, one_lat) in enumerate(zip(lon, lat, strict=True)):
        table = LL2MC[int(np.argmax(abs(one_lat) >= LLBAND))]
        t = abs(one_lat) / table[9]
        x[i] = np.copysign(table[0] + table[1] * abs(one_lon), one_lon)
        y[i] = np.copysign(sum(table[2 + k] * t**k for k in range(7)), one_lat)
    return x, y


def mask_polygon(name):
    """Return one of the two masks as a shapely geometry, straight from the file."""
    content = json.loads(resources.files("crs.china").joinpath("mask.json").read_text(encoding="utf-8"))
    rings = [shapely.Polygon(np.cumsum(np.reshape(steps, (-1, 2)), axis=0) / 10_000) for steps in content[name]]
    area = shapely.Polygon()
    for ring in rings:  # even-odd: a ring inside another is a hole
        area = shapely.symmetric_difference(area, shapely.make_valid(ring))
    return area


def distance_m(lon, lat, other_lon, other_lat):
    """Return small distances between positions, by the lengths of a degree."""
    return np.hypot((lon - other_lon) * 111_320.0 * np.cos(np.radians(lat)), (lat - other_lat) * 111_000.0)
