"""Detectors, incidents, vehicles and taxis on the streets, read off the modelled traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data_samples.monaco.make.day import profile
from data_samples.monaco.make.sample import planted_noise
from data_samples.shenzhen.make.along import Chainage
from data_samples.shenzhen.make.sample import DAY, Sample, chosen, offset, written

if TYPE_CHECKING:
    import geopandas as gpd

    from data_samples.shenzhen.make.traffic import Traffic

DETECTORS, DETECTOR_STEPS, DETECTOR_SIGMA_M = 900, 48, 4.0
LANE_M = 12.0  # no detector nearer to the end of its street
INCIDENTS, POST_M = 260, 100.0
VEHICLE_RECORDS, VEHICLE_STEP_S, GPS_SIGMA_M = 9000, 20.0, 5.0
TAXI_RECORDS, TAXI_SIGMA_M = 3600, 5.0
TAXI_SOURCES = {  # of the mixed feed: what its positions are, and the share of its records
    "北斗终端A": ("OGC:CRS84", 0.30),
    "北斗终端B": ("OGC:CRS84", 0.22),
    "手机导航": ("GCJ-02", 0.33),
    "地图平台": ("GCJ-02", 0.15),
}
INCIDENT_KINDS = ["追尾", "抛锚", "施工占道", "路面积水", "货物散落"]


def post(metre: float) -> str:
    """Write a chainage as a kilometre post: K12+300."""
    kilometre, rest = divmod(round(metre), 1000)
    return f"K{kilometre}+{rest:03d}"


def detectors(streets: gpd.GeoDataFrame, traffic: Traffic, draw: np.random.Generator) -> Sample:
    """Half-hourly flow and speed at detectors on the busiest streets, placed by street and post in whole metres."""
    arcs = traffic.arcs
    busiest = np.minimum(traffic.morning, traffic.evening)
    order = arcs.assign(busy=busiest).groupby("street")["busy"].max().sort_values(ascending=False, kind="stable")
    long_enough = streets["length_m"].to_numpy()[order.index] > 2 * LANE_M + 6.0
    sites = np.sort(order.index.to_numpy()[long_enough][:DETECTORS])
    hours = (np.arange(DETECTOR_STEPS) + 0.5) * 24.0 / DETECTOR_STEPS
    flow = traffic.flow(hours)
    speed = traffic.speed(flow)
    chainage = Chainage(streets["link_id"].to_numpy()[sites], streets.geometry.to_numpy()[sites])
    along, across = planted_noise(len(sites), DETECTOR_SIGMA_M, draw)
    times = pd.date_range(DAY, periods=DETECTOR_STEPS, freq="30min").strftime("%Y-%m-%d %H:%M")
    own = arcs.groupby("street").indices
    tables, places = [], []
    for number, street in enumerate(sites):
        link, length = streets["link_id"].iloc[street], streets["length_m"].iloc[street]
        metre = float(draw.uniform(LANE_M, length - LANE_M))
        lon, lat, heading = chainage.place(link, metre)
        right = np.radians(heading + 90.0)
        places.append((lon, lat, across[number] * np.sin(right), across[number] * np.cos(right)))
        flows, speeds = flow[own[street]], speed[own[street]]
        total = flows.sum(axis=0)
        mean = (speeds * flows).sum(axis=0) / total
        tables.append(pd.DataFrame({
            "检测器编号": f"JCQ{number + 1:04d}",
            "路段编号": link,
            "桩号": post(np.clip(metre + along[number], 0.0, length)),
            "时间": times,
            "流量": draw.poisson(total / 2.0) * 2,
            "车速": np.round(np.maximum(mean * (1.0 + 0.02 * draw.standard_normal(len(times))), 2.0), 1),
        }))  # fmt: skip
    lon, lat = (np.repeat(values, DETECTOR_STEPS) for values in offset(*np.array(places).T))
    return Sample(table=pd.concat(tables, ignore_index=True), lon=lon, lat=lat, definition="streets")


def incidents(roads: gpd.GeoDataFrame, draw: np.random.Generator) -> Sample:
    """Incidents on numbered roads at the nearest hundred metres, as patrols report them."""
    chainage = Chainage(roads["route"].to_numpy(), roads.geometry.to_numpy())
    lengths = np.array([chainage.length(route) for route in roads["route"]])
    rows, places = [], []
    picked = draw.choice(len(roads), INCIDENTS, p=lengths / lengths.sum())
    for number, row in enumerate(picked):
        road, metre = roads.iloc[row], float(draw.uniform(0.0, lengths[row]))
        places.append(chainage.place(road["route"], metre)[:2])
        said = np.clip(np.round((road["from_m"] + metre) / POST_M) * POST_M, road["from_m"], road["to_m"])
        minute = int(draw.integers(0, 1440))
        rows.append({
            "事件编号": f"SJ{number + 1:04d}",
            "时间": (DAY + pd.Timedelta(minutes=minute)).strftime("%Y/%m/%d %H:%M"),
            "路线编号": road["route"],
            "桩号": post(float(said)),
            "类型": str(chosen(INCIDENT_KINDS, 1, draw)[0]),
            "占用车道": int(draw.integers(1, 3)),
        })  # fmt: skip
    lonlat = np.array(places)
    return Sample(table=pd.DataFrame(rows), lon=lonlat[:, 0], lat=lonlat[:, 1], definition="routes")


def vehicles(streets: gpd.GeoDataFrame, traffic: Traffic, draw: np.random.Generator) -> Sample:
    """Buses and lorries with satellite receivers, degrees times a million as terminals of the fleet send them."""
    trips = _trips(streets, traffic, VEHICLE_RECORDS, draw)
    x, y = written(*trips[["lon", "lat"]].to_numpy().T, frame="OGC:CRS84", sigma_m=GPS_SIGMA_M, draw=draw)
    table = pd.DataFrame({
        "vehicle_id": trips["vehicle"].map("粤B·V{:03d}".format),
        "gps_time": _moments(trips["second"]),
        "lon_1e6": np.round(x * 1e6).astype("int64"),
        "lat_1e6": np.round(y * 1e6).astype("int64"),
        "speed_kmh": trips["speed_kmh"].round(1),
    })  # fmt: skip
    return Sample(table=table, lon=trips["lon"].to_numpy(), lat=trips["lat"].to_numpy(), definition="OGC:CRS84")


def taxis(streets: gpd.GeoDataFrame, traffic: Traffic, draw: np.random.Generator) -> Sample:
    """Taxis whose feed mixes two definitions: receivers on board in WGS 84, telephones and map platforms in GCJ-02."""
    trips = _trips(streets, traffic, TAXI_RECORDS, draw)
    names = list(TAXI_SOURCES)
    of_vehicle = chosen(names, int(trips["vehicle"].max()) + 1, draw, [share for _, share in TAXI_SOURCES.values()])
    source = of_vehicle[trips["vehicle"].to_numpy()]
    definition = np.array([TAXI_SOURCES[name][0] for name in source], dtype=object)
    east, north = planted_noise(len(trips), TAXI_SIGMA_M, draw)
    lon, lat = offset(trips["lon"].to_numpy(), trips["lat"].to_numpy(), east, north)
    x, y = np.empty(len(trips)), np.empty(len(trips))
    zero = np.random.default_rng(0)
    for frame in np.unique(definition):
        own = definition == frame
        x[own], y[own] = written(lon[own], lat[own], frame=str(frame), sigma_m=0.0, draw=zero)
    table = pd.DataFrame({
        "车牌": trips["vehicle"].map("粤B·T{:03d}".format),
        "时间": _moments(trips["second"]),
        "经度": np.round(x, 6),
        "纬度": np.round(y, 6),
        "速度": trips["speed_kmh"].round(1),
        "来源": source,
    })  # fmt: skip
    return Sample(table=table, lon=trips["lon"].to_numpy(), lat=trips["lat"].to_numpy(), definition=definition)


def _moments(second: pd.Series) -> pd.Series:
    return (DAY + pd.to_timedelta(second.round(), unit="s")).dt.strftime("%Y-%m-%d %H:%M:%S")


def _trips(streets: gpd.GeoDataFrame, traffic: Traffic, records: int, draw: np.random.Generator) -> pd.DataFrame:
    """Drive along the fastest ways of the hour, a record every few seconds, a vehicle a trip."""
    chainage = Chainage(streets["link_id"].to_numpy(), streets.geometry.to_numpy())
    lengths, links = streets["length_m"].to_numpy(), streets["link_id"].to_numpy()
    quarters = np.arange(0.0, 24.0, 0.25) + 0.125
    share = np.sum(profile(quarters), axis=0)
    weight = traffic.demand / traffic.demand.sum()
    trees: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    tables, count = [], 0
    while count < records:
        start = float(draw.choice(quarters, p=share / share.sum()))
        hour = int(start)
        if hour not in trees:
            speed = traffic.speed(traffic.flow(np.array([hour + 0.5])))[:, 0]
            trees[hour] = speed, traffic.ways(traffic.arcs["length_m"].to_numpy() / 1000.0 / speed, traffic.zones)[1]
        speed, before = trees[hour]
        origin, end = np.unravel_index(int(draw.choice(weight.size, p=weight.ravel())), weight.shape)
        if start > 13.2:
            origin, end = end, origin
        arcs = _way(traffic, before[origin], int(traffic.zones[origin]), int(traffic.zones[end]))
        own = traffic.arcs.iloc[arcs]
        seconds = np.concatenate([[0.0], np.cumsum(own["length_m"].to_numpy() / speed[arcs] * 3.6)])
        moments = np.arange(draw.uniform(0.0, VEHICLE_STEP_S), seconds[-1], VEHICLE_STEP_S)
        if start * 3600.0 + seconds[-1] >= 86400.0 or len(moments) < 5:
            continue
        part = np.clip(np.searchsorted(seconds, moments, side="right") - 1, 0, len(arcs) - 1)
        done = (moments - seconds[part]) / (seconds[part + 1] - seconds[part])
        street = own["street"].to_numpy()[part]
        metre = np.where(own["forward"].to_numpy()[part], done, 1.0 - done) * lengths[street]
        lonlat = np.array([chainage.place(links[s], m)[:2] for s, m in zip(street, metre, strict=True)])
        measured = speed[arcs][part] * np.maximum(1.0 + 0.08 * draw.standard_normal(len(part)), 0.1)
        tables.append(pd.DataFrame({
            "vehicle": len(tables), "second": start * 3600.0 + moments, "lon": lonlat[:, 0], "lat": lonlat[:, 1],
            "speed_kmh": measured,
        }))  # fmt: skip
        count += len(moments)
    return pd.concat(tables).sort_values(["second", "vehicle"], kind="stable").reset_index(drop=True)


def _way(traffic: Traffic, before: np.ndarray, start: int, end: int) -> np.ndarray:
    """Arcs from start to end."""
    nodes = [end]
    while nodes[-1] != start:
        nodes.append(int(before[nodes[-1]]))
    path = np.array(nodes[::-1])
    return traffic.arc_between(path[:-1], path[1:])
