"""Slow and obvious projections from Snyder (1987) and the textbook three-parameter datum shift, point by point.

No PROJ: what the registry's pipelines give is held against these formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Ellipsoid:
    a: float
    f: float

    @property
    def e2(self) -> float:
        return self.f * (2 - self.f)


WGS84 = Ellipsoid(6378137.0, 1 / 298.257223563)
GRS80 = Ellipsoid(6378137.0, 1 / 298.257222101)
CLARKE_1880_IGN = Ellipsoid(6378249.2, (6378249.2 - 6356515.0) / 6378249.2)
# The meridian of Paris as IGN gives it, 2°20'14.025"; EPSG rounds it to 2.5969213 grad, 0.3 mm away.
PARIS_DEG = 2 + 20 / 60 + 14.025 / 3600
US_FOOT_M = 1200 / 3937


@dataclass(frozen=True)
class Lambert:
    """Lambert conic conformal with two standard parallels, or one and a scale factor. Degrees and metres."""

    ellipsoid: Ellipsoid
    lat_0: float
    lon_0: float
    lat_1: float
    lat_2: float
    x_0: float
    y_0: float
    k_0: float = 1.0

    def inverse(self, x: float, y: float) -> tuple[float, float]:
        e2 = self.ellipsoid.e2
        e = math.sqrt(e2)

        def m(lat: float) -> float:
            return math.cos(lat) / math.sqrt(1 - e2 * math.sin(lat) ** 2)

        def t(lat: float) -> float:
            s = e * math.sin(lat)
            return math.tan(math.pi / 4 - lat / 2) / ((1 - s) / (1 + s)) ** (e / 2)

        one, two, zero = (math.radians(v) for v in (self.lat_1, self.lat_2, self.lat_0))
        n = math.sin(one)
        if one != two:
            n = (math.log(m(one)) - math.log(m(two))) / (math.log(t(one)) - math.log(t(two)))
        big_f = m(one) / (n * t(one) ** n)
        rho_0 = self.ellipsoid.a * self.k_0 * big_f * t(zero) ** n
        east, south = x - self.x_0, rho_0 - (y - self.y_0)
        rho = math.copysign(math.hypot(east, south), n)
        little_t = (rho / (self.ellipsoid.a * self.k_0 * big_f)) ** (1 / n)
        lat = math.pi / 2 - 2 * math.atan(little_t)
        for _ in range(50):
            s = e * math.sin(lat)
            lat = math.pi / 2 - 2 * math.atan(little_t * ((1 - s) / (1 + s)) ** (e / 2))
        return math.degrees(math.atan2(east, south) / n) + self.lon_0, math.degrees(lat)


def to_geocentric(ellipsoid: Ellipsoid, lon: float, lat: float) -> tuple[float, float, float]:
    """Geocentric coordinates in metres of a point on the ellipsoid."""
    lon, lat = math.radians(lon), math.radians(lat)
    n = ellipsoid.a / math.sqrt(1 - ellipsoid.e2 * math.sin(lat) ** 2)
    return (
        n * math.cos(lat) * math.cos(lon),
        n * math.cos(lat) * math.sin(lon),
        n * (1 - ellipsoid.e2) * math.sin(lat),
    )


def from_geocentric(ellipsoid: Ellipsoid, x: float, y: float, z: float) -> tuple[float, float]:
    """Longitude and latitude in degrees; the height is dropped."""
    p = math.hypot(x, y)
    lat = math.atan2(z, p * (1 - ellipsoid.e2))
    for _ in range(50):
        n = ellipsoid.a / math.sqrt(1 - ellipsoid.e2 * math.sin(lat) ** 2)
        lat = math.atan2(z + ellipsoid.e2 * n * math.sin(lat), p)
    return math.degrees(math.atan2(y, x)), math.degrees(lat)


def ntf_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """EPSG:1193, published by IGN: translations of -168, -60 and +320 m."""
    x, y, z = to_geocentric(CLARKE_1880_IGN, lon, lat)
    return from_geocentric(WGS84, x - 168.0, y - 60.0, z + 320.0)


LAMBERT_III = Lambert(CLARKE_1880_IGN, 44.1, 0.0, 44.1, 44.1, 600000.0, 3200000.0, 0.999877499)
CC44 = Lambert(GRS80, 44.0, 3.0, 43.25, 44.75, 1700000.0, 3200000.0)
LONG_ISLAND = Lambert(GRS80, 40 + 10 / 60, -74.0, 41 + 2 / 60, 40 + 40 / 60, 300000.0, 0.0)


def paris_grads_to_wgs84(lon_grad: float, lat_grad: float) -> tuple[float, float]:
    """EPSG:4807 to WGS 84."""
    return ntf_to_wgs84(lon_grad * 0.9 + PARIS_DEG, lat_grad * 0.9)


def lambert_iii_to_wgs84(x: float, y: float) -> tuple[float, float]:
    """EPSG:27573 to WGS 84."""
    lon, lat = LAMBERT_III.inverse(x, y)
    return ntf_to_wgs84(lon + PARIS_DEG, lat)


def cc44_to_wgs84(x: float, y: float) -> tuple[float, float]:
    """EPSG:3944 to WGS 84, RGF93 taken as WGS 84."""
    return CC44.inverse(x, y)


def long_island_to_wgs84(x_ft: float, y_ft: float) -> tuple[float, float]:
    """EPSG:2263 to WGS 84, NAD83 taken as WGS 84."""
    return LONG_ISLAND.inverse(x_ft * US_FOOT_M, y_ft * US_FOOT_M)
