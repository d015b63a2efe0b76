"""Writes positions in the definitions of the raw files: published formulas, and pyproj with one pipeline a frame."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pyproj

if TYPE_CHECKING:
    from collections.abc import Callable

GEOD = pyproj.Geod(ellps="WGS84")
PLANE = "EPSG:4547"  # CGCS2000 3-degree strip about 114 degrees east: metres for whatever the script itself measures
# EPSG:15920, Beijing 1954 to WGS 84 (3), as its parameters stand in the register: offshore South China Sea, Pearl River
# basin, 15 m. Shenzhen lies in its box; that makes it usable, not right.
BEIJING_TO_WGS84 = "+proj=helmert +x=31.4 +y=-144.3 +z=-74.8 +rx=0 +ry=0 +rz=0.814 +s=-0.38 +convention=position_vector"
PIPELINES = {
    "EPSG:4526": "+step +proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=38500000 +y_0=0 +ellps=GRS80",
    "EPSG:4547": "+step +proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80",
    # Without push and pop of the height the shift would leak into it and come back wrong on the way home.
    "EPSG:2435": "+step +proj=push +v_3 +step +proj=cart +ellps=WGS84 +step +inv "
    f"{BEIJING_TO_WGS84} +step +inv +proj=cart +ellps=krass +step +proj=pop +v_3 "
    "+step +proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +ellps=krass",
}
# GCJ-02 and BD-09 as eviltransform and PRCoords publish them: Krasovsky's ellipsoid and a sum of sines.
AXIS_M, ECCENTRICITY_2 = 6378245.0, 0.00669342162296594323
BAIDU_TURN = np.pi * 3000.0 / 180.0

Columns = tuple[np.ndarray, np.ndarray]


def to_frame(lon: np.ndarray, lat: np.ndarray, frame: str) -> Columns:
    """Longitude and latitude (WGS 84, degree) in a definition, x or longitude first."""
    if frame in FORMULAS:
        return FORMULAS[frame](np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    x, y = _transformer(frame).transform(lon, lat)
    return np.asarray(x), np.asarray(y)


def from_plane(x: np.ndarray, y: np.ndarray) -> Columns:
    """Longitude and latitude (WGS 84, degree) of metres in `PLANE`."""
    lon, lat = _transformer(PLANE).transform(x, y, direction="INVERSE")
    return np.asarray(lon), np.asarray(lat)


@functools.cache
def _transformer(frame: str) -> pyproj.Transformer:
    unit = "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
    return pyproj.Transformer.from_pipeline(unit + PIPELINES[frame])


def _gcj02(lon: np.ndarray, lat: np.ndarray) -> Columns:
    x, y = lon - 105.0, lat - 35.0
    root, both = np.sqrt(np.abs(x)), 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)

    def waves(at: np.ndarray, *terms: tuple[float, float]) -> np.ndarray:
        return sum(size * np.sin(at / period * np.pi) for size, period in terms)

    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north = north + (both + waves(y, (20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0))) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east = east + (both + waves(x, (20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0))) * 2.0 / 3.0
    sine = np.sin(np.radians(lat))
    flat = 1.0 - ECCENTRICITY_2 * sine * sine
    meridian = AXIS_M * (1.0 - ECCENTRICITY_2) / (flat * np.sqrt(flat))
    parallel = AXIS_M / np.sqrt(flat) * np.cos(np.radians(lat))
    return lon + np.degrees(east / parallel), lat + np.degrees(north / meridian)


def _bd09(lon: np.ndarray, lat: np.ndarray) -> Columns:
    x, y = _gcj02(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * BAIDU_TURN)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * BAIDU_TURN)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _same(lon: np.ndarray, lat: np.ndarray) -> Columns:
    return lon, lat


FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], Columns]] = {
    "OGC:CRS84": _same,
    "GCJ-02": _gcj02,
    "BD-09": _bd09,
}
