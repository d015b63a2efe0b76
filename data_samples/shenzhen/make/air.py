"""Modelled air: exhaust by flow and speed, Gaussian plumes of the streets, NO2 out of NOx; and who wrote down where.

References
----------
Ntziachristos and Samaras (2000), COPERT III, EEA Technical report 49: hot NOx of petrol cars (Euro I, 1.4 to 2.0 l),
0.526 - 0.0085 V + 8.54e-5 V² g/km; four times that stands in for a fleet with lorries and buses.
Briggs (1973), Diffusion estimation for small emissions, ATDL 79: urban widths of a plume.
Bächlin et al. (2006): NO2 = NOx (A / (NOx + B) + C) with A = 29, B = 35, C = 0.217 µg/m³.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from data_samples.shenzhen.make.frames import PLANE, from_plane, to_frame
from data_samples.shenzhen.make.sample import DAY, Sample, written

if TYPE_CHECKING:
    import geopandas as gpd

    from data_samples.shenzhen.make.traffic import Traffic

STATIONS = 24
STATION_SIGMA_M = 6.0
FRAME = "EPSG:2435"
FLEET = 4.0
PM25_G_KM = 0.12  # exhaust, tyres, brakes and road wear together, lorries and buses included
NOX_BACKGROUND, PM25_BACKGROUND = 16.0, 14.0  # µg/m³
INITIAL_Y_M, INITIAL_Z_M = 6.0, 2.5  # mixing by the traffic itself
SOURCE_M = 120.0  # an arc longer than this is several sources
# What has mixed over the roofs: emissions of the surroundings (e-folding 2 km), blown 6 km under a lid.
ROUND_M, FETCH_M = 2000.0, 6000.0


def stations(
    streets: gpd.GeoDataFrame, traffic: Traffic, land: shapely.Geometry, draw: np.random.Generator
) -> tuple[Sample, Sample]:
    """Register of the stations in Beijing 1954 (X north, Y east), and their hourly readings by number."""
    x, y = _sites(streets, land)
    lon, lat = from_plane(x, y)
    east, north = written(lon, lat, frame=FRAME, sigma_m=STATION_SIGMA_M, draw=draw)
    numbers = np.array([f"44030{900 + i}" for i in range(STATIONS)], dtype=object)
    register = pd.DataFrame({
        "站点编号": numbers,
        "站点名称": [f"监测点{i + 1:02d}·虚构" for i in range(STATIONS)],
        "X": np.round(north, 1),
        "Y": np.round(east, 1),
        "启用年份": draw.integers(1988, 2004, STATIONS),
    })  # fmt: skip
    readings = []
    source = _Sources(streets, traffic)
    for hour in range(24):
        nox, pm25 = source.concentration(x, y, hour)
        nox += NOX_BACKGROUND
        no2 = nox * (29.0 / (nox + 35.0) + 0.217)
        noise = 1.0 + 0.03 * draw.standard_normal((2, STATIONS))
        readings.append(pd.DataFrame({
            "站点编号": numbers,
            "监测时间": (DAY + pd.Timedelta(hours=hour)).strftime("%Y-%m-%d %H:%M"),
            "NO2": np.round(no2 * noise[0], 1),
            "PM2.5": np.round((pm25 + PM25_BACKGROUND) * noise[1], 1),
        }))  # fmt: skip
    return (
        Sample(table=register, lon=lon, lat=lat, definition=FRAME),
        Sample(
            table=pd.concat(readings, ignore_index=True),
            lon=np.tile(lon, 24),
            lat=np.tile(lat, 24),
            definition="air_stations",
        ),
    )


def _sites(streets: gpd.GeoDataFrame, land: shapely.Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Places near streets, as far from one another as can be."""
    middles = shapely.line_interpolate_point(streets.geometry.to_numpy(), 0.5, normalized=True)
    middles = middles[shapely.contains(land, middles)]
    x, y = to_frame(shapely.get_x(middles), shapely.get_y(middles), PLANE)
    chosen = [int(np.argmin(np.hypot(x - np.median(x), y - np.median(y))))]
    away = np.full(len(x), np.inf)
    while len(chosen) < STATIONS:
        away = np.minimum(away, np.hypot(x - x[chosen[-1]], y - y[chosen[-1]]))
        chosen.append(int(np.argmax(away)))
    return x[chosen] + 35.0, y[chosen] + 35.0  # beside the street, not on it


def _lid_m(hour: int) -> float:
    """Height up to which the air mixes: 150 m by night, 600 m in the afternoon."""
    return 150.0 + 450.0 * max(0.0, float(np.sin(np.pi * (hour - 8) / 12.0)))


def _weather(hour: int) -> tuple[float, float, tuple[float, float, float, float]]:
    """Wind from where (degree), m/s, and Briggs' widths: sea breeze by day, a weak land breeze by night."""
    if 9 <= hour < 19:
        return 150.0 + 6.0 * (hour - 14), 1.8, (0.16, 0.14, 0.0003, -0.5)
    return 20.0 + 5.0 * np.sin(hour), 0.9, (0.11, 0.08, 0.0015, -0.5)


class _Sources:
    """Point sources along the busy arcs with their emissions of each hour."""

    def __init__(self, streets: gpd.GeoDataFrame, traffic: Traffic) -> None:
        flow = traffic.flow(np.arange(24) + 0.5)
        speed = np.clip(traffic.speed(flow), 10.0, 130.0)
        nox = FLEET * (0.526 - 0.0085 * speed + 8.54e-5 * speed**2) * flow / 3600.0  # mg a metre and second
        busy = flow.mean(axis=1) > 40.0
        arcs = traffic.arcs[busy]
        pieces = np.maximum(1, np.round(arcs["length_m"] / SOURCE_M)).astype(int)
        rows = np.repeat(np.arange(len(arcs)), pieces)
        part = np.concatenate([(np.arange(n) + 0.5) / n for n in pieces])
        lines = streets.geometry.to_numpy()[arcs["street"].to_numpy()[rows]]
        points = shapely.line_interpolate_point(lines, part, normalized=True)
        self.x, self.y = to_frame(shapely.get_x(points), shapely.get_y(points), PLANE)
        metres = (arcs["length_m"] / pieces).to_numpy()[rows, None]
        self.nox = nox[busy][rows] * metres * 1000.0  # µg/s
        self.pm25 = PM25_G_KM * flow[busy][rows] / 3600.0 * metres * 1000.0

    def concentration(self, x: np.ndarray, y: np.ndarray, hour: int) -> tuple[np.ndarray, np.ndarray]:
        """NOx and PM2.5 of the streets in µg/m³ in an hour of the day."""
        direction, wind, (a, b, c, power) = _weather(hour)
        towards = np.radians(direction + 180.0)
        dx, dy = x[:, None] - self.x, y[:, None] - self.y
        down = dx * np.sin(towards) + dy * np.cos(towards)
        across = dx * np.cos(towards) - dy * np.sin(towards)
        far = np.maximum(down, 0.0)
        sigma_y = a * far / np.sqrt(1.0 + 0.0004 * far) + INITIAL_Y_M
        sigma_z = b * far * (1.0 + c * far) ** power + INITIAL_Z_M
        plume = np.exp(-0.5 * (across / sigma_y) ** 2) / (np.pi * wind * sigma_y * sigma_z)
        plume *= np.clip((down + INITIAL_Y_M) / (2 * INITIAL_Y_M), 0.0, 1.0)
        near = np.exp(-np.hypot(dx, dy) / ROUND_M) / (2.0 * np.pi * ROUND_M**2)
        plume += near * FETCH_M / (wind * _lid_m(hour))
        return plume @ self.nox[:, hour], plume @ self.pm25[:, hour]
