"""Places that departments list: shops, stops, parking, buildings, sensors, control points; and districts to lie in."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data_samples.shenzhen.make.along import Chainage
from data_samples.shenzhen.make.frames import PLANE, from_plane, to_frame
from data_samples.shenzhen.make.sample import Sample, chosen, offset, written

SHOPS_A, SHOPS_B, STOPS, PARKING, REGISTERED = 1800, 1200, 420, 320, 900
MAP_SIGMA_M, STOP_SIGMA_M, PARKING_SIGMA_M, REGISTER_SIGMA_M, SENSOR_SIGMA_M = 8.0, 4.0, 5.0, 1.0, 3.0
TUNNEL_SENSORS, CONTROL_POINTS = 16, 5
TUNNEL_M, TUNNEL_STEP_M, TUNNEL_ALONE_M = 520.0, 30.0, 60.0
KINDS = {"餐饮": 0.32, "购物": 0.26, "生活服务": 0.18, "教育": 0.09, "医疗": 0.08, "酒店": 0.07}
KERB_M = 5.0
DISTRICTS = ("东岭区", "中心区", "西湾区", "南港区", "北山区")
BUS_STREETS = ("primary", "secondary", "tertiary")
KERB_STREETS = ("residential", "tertiary", "secondary")


def shops(buildings: gpd.GeoDataFrame, size: int, draw: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Shops in buildings: a table with kind and building, and their places in metres of `PLANE`."""
    rows = draw.choice(len(buildings), size)
    points = shapely.get_coordinates(shapely.point_on_surface(buildings.geometry.to_numpy()[rows]))
    kinds = chosen(list(KINDS), size, draw, list(KINDS.values()))
    names = [f"{kind}点{number:04d}·虚构" for number, kind in enumerate(kinds, start=1)]
    table = pd.DataFrame({"名称": names, "类别": kinds, "楼栋编号": buildings["building_id"].to_numpy()[rows]})
    return table, points


def maps(buildings: gpd.GeoDataFrame, draw: np.random.Generator) -> tuple[Sample, Sample]:
    """List shops as two map companies do, GCJ-02 and BD-09; half of the second are shops of the first too."""
    table, places = shops(buildings, SHOPS_A + SHOPS_B // 2, draw)
    lists = []
    for frame, rows in (("GCJ-02", np.arange(SHOPS_A)), ("BD-09", np.arange(len(table))[-SHOPS_B:])):
        lon, lat = from_plane(*places[rows].T)
        x, y = written(lon, lat, frame=frame, sigma_m=MAP_SIGMA_M, draw=draw)
        own = table.iloc[rows].reset_index(drop=True).assign(x=np.round(x, 6), y=np.round(y, 6))
        lists.append(Sample(table=own, lon=lon, lat=lat, definition=frame))
    return lists[0], lists[1]


def _beside(
    streets: gpd.GeoDataFrame, kinds: tuple[str, ...], size: int, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of places at the kerb."""
    fitting = streets[streets["highway"].isin(kinds) & (streets["length_m"] > 20.0)]
    picked = fitting.iloc[draw.choice(len(fitting), size, replace=False)]
    chainage = Chainage(picked["link_id"].to_numpy(), picked.geometry.to_numpy())
    at = picked["length_m"].to_numpy() * draw.uniform(0.15, 0.85, size)
    found = np.array([chainage.place(link, metre) for link, metre in zip(picked["link_id"], at, strict=True)])
    right = np.radians(found[:, 2] + 90.0)
    return offset(found[:, 0], found[:, 1], KERB_M * np.sin(right), KERB_M * np.cos(right))


def bus_stops(streets: gpd.GeoDataFrame, draw: np.random.Generator) -> Sample:
    """Bus stops in GCJ-02; the file does not say so."""
    lon, lat = _beside(streets, BUS_STREETS, STOPS, draw)
    x, y = written(lon, lat, frame="GCJ-02", sigma_m=STOP_SIGMA_M, draw=draw)
    table = pd.DataFrame({
        "站点": [f"公交站{number:03d}·虚构" for number in range(1, STOPS + 1)],
        "线路数": draw.integers(1, 9, STOPS),
        "X": np.round(x, 6),
        "Y": np.round(y, 6),
    })  # fmt: skip
    return Sample(table=table, lon=lon, lat=lat, definition="GCJ-02")


def parking(streets: gpd.GeoDataFrame, draw: np.random.Generator) -> Sample:
    """Kerbside parking in BD-09, the columns of longitude and latitude exchanged; the file says neither."""
    lon, lat = _beside(streets, KERB_STREETS, PARKING, draw)
    x, y = written(lon, lat, frame="BD-09", sigma_m=PARKING_SIGMA_M, draw=draw)
    table = pd.DataFrame({
        "路段": [f"泊位路段{number:03d}·虚构" for number in range(1, PARKING + 1)],
        "泊位数": draw.integers(4, 40, PARKING),
        "经度": np.round(y, 6),
        "纬度": np.round(x, 6),
    })  # fmt: skip
    return Sample(table=table, lon=lon, lat=lat, definition="BD-09")


def register(buildings: gpd.GeoDataFrame, draw: np.random.Generator) -> Sample:
    """Register of buildings in CGCS2000 about 114 degrees without zone number, X north, Y east; the file is silent."""
    rows = np.sort(draw.choice(len(buildings), REGISTERED, replace=False))
    points = shapely.get_coordinates(shapely.centroid(buildings.geometry.to_numpy()[rows]))
    lon, lat = from_plane(*points.T)
    east, north = written(lon, lat, frame=PLANE, sigma_m=REGISTER_SIGMA_M, draw=draw)
    table = pd.DataFrame({
        "楼栋编号": buildings["building_id"].to_numpy()[rows],
        "登记年份": draw.integers(1985, 2025, REGISTERED),
        "X坐标": np.round(north, 2),
        "Y坐标": np.round(east, 2),
    })  # fmt: skip
    return Sample(table=table, lon=lon, lat=lat, definition=PLANE)


def tunnel_sensors(streets: gpd.GeoDataFrame, draw: np.random.Generator) -> Sample:
    """Sensors on one straight street of a few hundred metres: whatever shift leads along it fits as well."""
    lines = shapely.transform(streets.geometry.to_numpy(), lambda c: np.column_stack(to_frame(*c.T, PLANE)))
    length, ends = shapely.length(lines), [np.asarray(line.coords)[[0, -1]] for line in lines]
    straight = np.array([np.hypot(*(end[1] - end[0])) for end in ends]) / length
    order = np.lexsort((np.arange(len(lines)), -straight))
    line = next(lines[row] for row in order if length[row] > TUNNEL_M)
    metre = (length_of := line.length) / 2.0 + (np.arange(TUNNEL_SENSORS) - TUNNEL_SENSORS / 2.0) * TUNNEL_STEP_M
    points = shapely.line_interpolate_point(line, np.clip(metre, 0.0, length_of))
    lon, lat = from_plane(shapely.get_x(points), shapely.get_y(points))
    x, y = written(lon, lat, frame="OGC:CRS84", sigma_m=SENSOR_SIGMA_M, draw=draw)
    table = pd.DataFrame({
        "传感器": [f"SD{number:02d}" for number in range(1, TUNNEL_SENSORS + 1)],
        "lon": np.round(x, 6),
        "lat": np.round(y, 6),
        "CO_ppm": np.round(draw.gamma(4.0, 2.0, TUNNEL_SENSORS), 1),
    })  # fmt: skip
    return Sample(table=table, lon=lon, lat=lat, definition="OGC:CRS84")


def control_points(streets: gpd.GeoDataFrame, draw: np.random.Generator) -> Sample:
    """Five points of a survey: too few for any claim."""
    lon, lat = _beside(streets, BUS_STREETS, CONTROL_POINTS, draw)
    x, y = written(lon, lat, frame="GCJ-02", sigma_m=1.0, draw=draw)
    names = [f"KZ{number}" for number in range(1, CONTROL_POINTS + 1)]
    table = pd.DataFrame({"点名": names, "x": np.round(x, 6), "y": np.round(y, 6)})
    return Sample(table=table, lon=lon, lat=lat, definition="GCJ-02")


def districts(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Five districts on the land around the streets: what lies nearest to each of five middles."""
    nodes = np.array([line.coords[0] for line in streets.geometry])
    xy = np.column_stack(to_frame(*nodes.T, PLANE))
    hull = shapely.concave_hull(shapely.multipoints(np.unique(np.round(xy, -1), axis=0)), ratio=0.08)
    land = shapely.simplify(shapely.buffer(shapely.buffer(hull, 700.0), -350.0), 40.0)
    middles = [int(np.argmin(np.hypot(*(xy - np.median(xy, axis=0)).T)))]
    away = np.full(len(xy), np.inf)
    while len(middles) < len(DISTRICTS):
        away = np.minimum(away, np.hypot(*(xy - xy[middles[-1]]).T))
        middles.append(int(np.argmax(away)))
    for _ in range(20):  # middles move to the mean of what is nearest to them (Lloyd)
        centres = xy[middles] if isinstance(middles, list) else middles
        owner = np.argmin(np.hypot(*(xy[:, None] - centres).transpose(2, 0, 1)), axis=1)
        middles = np.array([xy[owner == number].mean(axis=0) for number in range(len(DISTRICTS))])
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(middles), extend_to=land, ordered=True))
    order = np.argsort(-middles[:, 0])
    parts = [shapely.intersection(cells[number], land) for number in order]
    geometry = [shapely.transform(part, lambda c: np.column_stack(from_plane(*c.T))) for part in parts]
    codes = [f"44039{number}" for number in range(1, len(DISTRICTS) + 1)]
    names = [f"{name}·虚构" for name in DISTRICTS]
    return gpd.GeoDataFrame({"区划代码": codes, "名称": names}, geometry=geometry, crs="OGC:CRS84")
