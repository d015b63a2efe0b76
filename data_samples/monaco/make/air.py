"""Modelled air: exhaust by flow and speed, Gaussian plumes of the streets, and NO2 out of NOx.

References
----------
Ntziachristos, L. and Samaras, Z. (2000), COPERT III, EEA Technical report 49: hot NOx of petrol cars (Euro I,
1.4 to 2.0 l), 0.526 - 0.0085 V + 8.54e-5 V² g/km; it stands in for the whole fleet.
Briggs, G. A. (1973), Diffusion estimation for small emissions, ATDL 79: urban widths of a plume.
Bächlin, W. et al. (2006): NO2 = NOx (A / (NOx + B) + C) with A = 29, B = 35, C = 0.217 µg/m³, the form of
Romberg, E. et al. (1996), Gefahrstoffe 56.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from data_samples.monaco.make.frames import from_frame, offset, to_dms, to_frame
from data_samples.monaco.make.sample import DAY, Sample, planted_noise
from data_samples.monaco.make.sensors import Chainage

if TYPE_CHECKING:
    import geopandas as gpd

    from data_samples.monaco.make.traffic import Traffic

FRAME = "EPSG:32632"
STATIONS = 12
STATION_SIGMA_M = 5.0
PIXEL_M = 20.0
SOURCE_STEP_M = 20.0
PM25_G_KM = 0.030  # exhaust, tyres, brakes and road wear together, of the order of the EMEP/EEA guidebook
NOX_BACKGROUND, PM25_BACKGROUND = 14.0, 7.0  # µg/m³ over the sea
INITIAL_Y_M, INITIAL_Z_M = 6.0, 2.5  # mixing by the traffic itself
# Briggs' urban widths: sigma_y = a·x/√(1 + 0.0004 x), sigma_z = b·x·(1 + c·x)^p
STABILITY = {"D": (0.16, 0.14, 0.0003, -0.5), "E": (0.11, 0.08, 0.0015, -0.5)}


def weather(hour: int) -> tuple[float, float, str]:
    """Wind between the houses: from where (degree), m/s, stability class; a day of land and sea breeze."""
    if 10 <= hour < 19:
        return 135.0 + 8.0 * (hour - 14), 1.6, "D"
    if hour in {8, 9, 19, 20}:
        return (60.0, 1.0, "D") if hour < 12 else (230.0, 1.0, "D")
    return 320.0 + 5.0 * np.sin(hour), 0.9, "E"


class Streets:
    """Point sources along the motor streets with their emissions of each hour."""

    def __init__(self, streets: gpd.GeoDataFrame, traffic: Traffic) -> None:
        hours = np.arange(24) + 0.5
        flow = traffic.flow(hours)
        speed = np.clip(traffic.speed(flow), 10.0, 130.0)
        nox = (0.526 - 0.0085 * speed + 8.54e-5 * speed**2) * flow / 3600.0  # g/km/s, that is mg/m/s
        links = traffic.network.links
        chainage = Chainage(streets)
        xs, ys, owner, length = [], [], [], []
        for row, link in enumerate(links.itertuples()):
            pieces = max(1, round(link.length_m / SOURCE_STEP_M))
            metre = link.from_m + (np.arange(pieces) + 0.5) / pieces * (link.to_m - link.from_m)
            x, y = to_frame(*chainage.place(link.street_id, metre)[:2], FRAME)
            xs.append(x)
            ys.append(y)
            owner.append(np.full(pieces, row))
            length.append(np.full(pieces, link.length_m / pieces))
        rows, metres = np.concatenate(owner), np.concatenate(length)
        busy = flow.mean(axis=1)[rows] > 5.0
        self.x, self.y = np.concatenate(xs)[busy], np.concatenate(ys)[busy]
        self.nox = (nox[rows] * metres[:, None] * 1000.0)[busy]  # µg/s
        self.pm25 = (PM25_G_KM * flow[rows] / 3600.0 * metres[:, None] * 1000.0)[busy]

    def concentration(self, x: np.ndarray, y: np.ndarray, hour: int) -> tuple[np.ndarray, np.ndarray]:
        """NOx and PM2.5 of the streets in µg/m³ at places (EPSG:32632) in an hour of the day."""
        direction, wind, stability = weather(hour)
        a, b, c, power = STABILITY[stability]
        towards = np.radians(direction + 180.0)
        east, north = np.sin(towards), np.cos(towards)
        nox, pm25 = np.empty(len(x)), np.empty(len(x))
        for begin in range(0, len(x), 500):
            part = slice(begin, begin + 500)
            dx, dy = x[part, None] - self.x, y[part, None] - self.y
            down = dx * east + dy * north
            across = dx * north - dy * east
            far = np.maximum(down, 0.0)
            sigma_y = a * far / np.sqrt(1.0 + 0.0004 * far) + INITIAL_Y_M
            sigma_z = b * far * (1.0 + c * far) ** power + INITIAL_Z_M
            plume = np.exp(-0.5 * (across / sigma_y) ** 2) / (np.pi * wind * sigma_y * sigma_z)
            plume *= np.clip((down + INITIAL_Y_M) / (2 * INITIAL_Y_M), 0.0, 1.0)  # a little spreads upwind
            nox[part], pm25[part] = plume @ self.nox[:, hour], plume @ self.pm25[:, hour]
        return nox, pm25


def to_no2(nox: np.ndarray) -> np.ndarray:
    """NO2 in µg/m³ out of NOx in µg/m³."""
    return nox * (29.0 / (nox + 35.0) + 0.217)


def stations(streets: Streets, quarters: gpd.GeoDataFrame, rng: np.random.Generator) -> Sample:
    """Hourly NO2 and PM2.5 of twelve stations spread over the country."""
    lon, lat, names = _station_sites(quarters)
    x, y = to_frame(lon, lat, FRAME)
    east, north = planted_noise(STATIONS, STATION_SIGMA_M, rng)
    written_lon, written_lat = offset(lon, lat, east, north)
    tables = []
    for hour in range(24):
        nox, pm25 = streets.concentration(x, y, hour)
        noise = 1.0 + 0.03 * rng.standard_normal((2, STATIONS))
        tables.append(pd.DataFrame({
            "station_id": [f"A{i + 1:02d}" for i in range(STATIONS)],
            "name": names,
            "latitude": [to_dms(value, "NS") for value in written_lat],
            "longitude": [to_dms(value, "EW") for value in written_lon],
            "time": (DAY + pd.Timedelta(hours=hour)).strftime("%Y-%m-%d %H:%M"),
            "no2": np.round(to_no2(nox + NOX_BACKGROUND) * noise[0], 1),
            "pm25": np.round((pm25 + PM25_BACKGROUND) * noise[1], 1),
        }))  # fmt: skip
    return Sample(table=pd.concat(tables, ignore_index=True), lon=np.tile(lon, 24), lat=np.tile(lat, 24))


def _station_sites(quarters: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Twelve places as far from one another as can be, at least 40 m inside the country."""
    metric = quarters.to_crs(FRAME)
    inside = metric.union_all().buffer(-40.0)
    west, south, east, north = inside.bounds
    grid = np.meshgrid(np.arange(west, east, 25.0), np.arange(south, north, 25.0))
    x, y = (axis.ravel() for axis in grid)
    kept = shapely.contains_xy(inside, x, y)
    x, y = x[kept], y[kept]
    chosen = [int(np.argmin(np.hypot(x - x.mean(), y - y.mean())))]
    away = np.full(len(x), np.inf)
    while len(chosen) < STATIONS:
        away = np.minimum(away, np.hypot(x - x[chosen[-1]], y - y[chosen[-1]]))
        chosen.append(int(np.argmax(away)))
    lon, lat = from_frame(x[chosen], y[chosen], FRAME)
    points = shapely.points(x[chosen], y[chosen])
    nearest = [int(np.argmin(shapely.distance(metric.geometry.to_numpy(), point))) for point in points]
    return lon, lat, [f"{quarters['name'].iloc[row]} {number + 1}" for number, row in enumerate(nearest)]


def raster(streets: Streets, land: shapely.Geometry, area: tuple[float, ...]) -> tuple[np.ndarray, tuple[float, ...]]:
    """Daily mean NO2 on land, north up, NaN on the sea, with the affine transform of its pixels."""
    lon, lat = np.array([area[0], area[2], area[0], area[2]]), np.array([area[1], area[1], area[3], area[3]])
    corner_x, corner_y = to_frame(lon, lat, FRAME)
    west, east = np.floor(corner_x.min() / PIXEL_M) * PIXEL_M, np.ceil(corner_x.max() / PIXEL_M) * PIXEL_M
    south, north = np.floor(corner_y.min() / PIXEL_M) * PIXEL_M, np.ceil(corner_y.max() / PIXEL_M) * PIXEL_M
    x = np.arange(west + PIXEL_M / 2, east, PIXEL_M)
    y = np.arange(north - PIXEL_M / 2, south, -PIXEL_M)
    grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(x, y))
    pixel_lon, pixel_lat = from_frame(grid_x, grid_y, FRAME)
    on_land = shapely.contains_xy(land, pixel_lon, pixel_lat)
    values = np.full(len(grid_x), np.nan)
    hours = range(1, 24, 3)
    total = sum(
        to_no2(streets.concentration(grid_x[on_land], grid_y[on_land], hour)[0] + NOX_BACKGROUND) for hour in hours
    )
    values[on_land] = total / len(hours)
    return values.reshape(len(y), len(x)), (PIXEL_M, 0.0, float(west), 0.0, -PIXEL_M, float(north))
