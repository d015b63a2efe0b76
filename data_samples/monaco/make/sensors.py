"""Detectors on the streets and probe vehicles driven along them, read off the modelled traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import dijkstra

from data_samples.monaco.make.day import profile
from data_samples.monaco.make.frames import GEOD, offset, to_nmea
from data_samples.monaco.make.sample import DAY, Sample, planted_noise
from data_samples.monaco.make.traffic import STEPS, Traffic

if TYPE_CHECKING:
    import geopandas as gpd

    from data_samples.monaco.make.network import Network

DETECTORS = 240
DETECTOR_MIN_VEH_H = 20.0  # in both peaks: nobody pays for a detector where nobody drives
DETECTOR_SIGMA_M = 4.0
MARGIN_M = 15.0  # no detector nearer to the end of its street piece, so that no error leads beyond it
PROBE_SIGMA_M = 5.0
PROBE_RECORDS = 12000
PROBE_STEP_S = 5.0
REST_S = 3600.0  # a vehicle stands this long between two trips


class Chainage:
    """Places and headings along street pieces by metres from their start."""

    def __init__(self, streets: gpd.GeoDataFrame) -> None:
        self._lines = {}
        for street_id, geometry in zip(streets["street_id"], streets.geometry, strict=True):
            coords = np.asarray(geometry.coords)
            azimuth, _, step = GEOD.inv(coords[:-1, 0], coords[:-1, 1], coords[1:, 0], coords[1:, 1])
            self._lines[street_id] = (np.concatenate([[0.0], np.cumsum(step)]), coords, np.asarray(azimuth))

    def place(self, street_id: str, metre: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Longitude, latitude and heading (degree from north) at metres along a street piece."""
        along, coords, azimuth = self._lines[street_id]
        part = np.clip(np.searchsorted(along, metre, side="right") - 1, 0, len(azimuth) - 1)
        return np.interp(metre, along, coords[:, 0]), np.interp(metre, along, coords[:, 1]), azimuth[part]


def detectors(streets: gpd.GeoDataFrame, traffic: Traffic, rng: np.random.Generator) -> Sample:
    """Five-minute flow and speed of one day at detectors on the busiest street pieces.

    A detector stands in a lane, off the centre line, and its chainage was measured from the start of its piece: both
    errors are normal with the stated sigma, so the position is off by a circular normal error.
    """
    sites = _detector_sites(streets, traffic, rng)
    along_m, across_m = planted_noise(len(sites), DETECTOR_SIGMA_M, rng)
    chainage = Chainage(streets)
    offsets = zip(sites["street_id"], sites["metre"], across_m, strict=True)
    true = np.array([_beside(chainage, *site) for site in offsets])
    hours = (np.arange(STEPS) + 0.5) * 24.0 / STEPS
    flow = traffic.flow(hours)
    speed = traffic.speed(flow)
    times = pd.date_range(DAY, periods=STEPS, freq="5min").strftime("%Y-%m-%d %H:%M")
    tables = []
    for number, site in enumerate(sites.itertuples()):
        flows, speeds = flow[site.links].sum(axis=0), speed[site.links]
        mean = (speeds * flow[site.links]).sum(axis=0) / flows
        counted = rng.poisson(flows / 12.0) * 12
        measured = np.maximum(mean * (1.0 + 0.02 * rng.standard_normal(STEPS)), 2.0)
        tables.append(pd.DataFrame({
            "detector_id": f"D{number + 1:03d}",
            "street_id": site.street_id,
            "chainage_m": round(site.metre + along_m[number], 1),
            "time": times,
            "flow_veh_h": counted,
            "speed_kmh": np.round(measured, 1),
        }))  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    repeated = np.repeat(np.arange(len(sites)), STEPS)
    return Sample(table=table, lon=true[repeated, 0], lat=true[repeated, 1])


def _detector_sites(streets: gpd.GeoDataFrame, traffic: Traffic, rng: np.random.Generator) -> pd.DataFrame:
    links = traffic.network.links.assign(quieter=np.minimum(traffic.morning, traffic.evening))
    busy = links[links["highway"] != "service"].groupby("street_id")["quieter"].max()
    lengths = streets.set_index("street_id")["length_m"]
    long_enough = busy[lengths.loc[busy.index] >= 2 * MARGIN_M + 5.0].sort_values(ascending=False, kind="stable")
    rows = []
    for street_id in long_enough.index:
        metre = float(rng.uniform(MARGIN_M, lengths[street_id] - MARGIN_M))
        own = links[links["street_id"] == street_id]
        low, high = own[["from_m", "to_m"]].min(axis=1), own[["from_m", "to_m"]].max(axis=1)
        passed = own[(low <= metre) & (metre < high)]
        if passed["quieter"].sum() >= DETECTOR_MIN_VEH_H:
            rows.append({"street_id": street_id, "metre": metre, "links": passed.index.to_numpy()})
    return pd.DataFrame(rows[:DETECTORS])


def _beside(chainage: Chainage, street_id: str, metre: float, across_m: float) -> tuple[float, float]:
    lon, lat, heading_deg = chainage.place(street_id, np.array([metre]))
    right = np.radians(heading_deg + 90.0)
    lon, lat = offset(lon, lat, across_m * np.sin(right), across_m * np.cos(right))
    return float(lon[0]), float(lat[0])


def probes(streets: gpd.GeoDataFrame, traffic: Traffic, rng: np.random.Generator) -> Sample:
    """Drive probe vehicles and note their position every five seconds, in NMEA degrees and minutes, UTC."""
    chainage = Chainage(streets)
    trips = []
    count = 0
    fastest = _FastestWays(traffic)
    while count < PROBE_RECORDS:
        trip = _trip(traffic, fastest, chainage, rng)
        if trip is not None:
            trips.append(trip)
            count += len(trip)
    table = _with_vehicles(trips)
    east, north = planted_noise(len(table), PROBE_SIGMA_M, rng)
    lon, lat = offset(table["lon"].to_numpy(), table["lat"].to_numpy(), east, north)
    moment = DAY + pd.to_timedelta(table["second"].round(), unit="s")
    raw = pd.DataFrame({
        "vehicle_id": table["vehicle_id"],
        "time": moment.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "latitude": [to_nmea(value, 2) for value in lat],
        "ns": "N",
        "longitude": [to_nmea(value, 3) for value in lon],
        "ew": "E",
        "probe_speed_kmh": table["speed_kmh"].round(1),
    })  # fmt: skip
    return Sample(table=raw, lon=table["lon"].to_numpy(), lat=table["lat"].to_numpy())


class _FastestWays:
    """Fastest ways of each hour of the day, kept once found."""

    def __init__(self, traffic: Traffic) -> None:
        self.network: Network = traffic.network
        hours = np.arange(24) + 0.5
        speed = traffic.speed(traffic.flow(hours))
        self.hours = self.network.links["length_m"].to_numpy()[:, None] / 1000.0 / speed
        self.speed = speed
        self._trees: dict[tuple[int, int], np.ndarray] = {}

    def find(self, hour: int, start: int, end: int) -> list[int]:
        """Links from start to end, by travel time in that hour."""
        if (hour, start) not in self._trees:
            graph = self.network.graph(self.hours[:, hour])
            self._trees[hour, start] = dijkstra(graph, indices=start, return_predecessors=True)[1]
        return self.network.path(self._trees[hour, start], start, end, self.hours[:, hour])


def _trip(traffic: Traffic, fastest: _FastestWays, chainage: Chainage, rng: np.random.Generator) -> pd.DataFrame | None:
    quarter_hours = np.arange(0.0, 24.0, 0.25) + 0.125
    morning, evening = profile(quarter_hours)
    share = (morning + evening) / (morning + evening).sum()
    start_h = float(rng.choice(quarter_hours, p=share) + rng.uniform(-0.125, 0.125))
    hour = min(int(start_h), 23)
    peak = "morning" if start_h < 13.2 else "evening"
    weight = traffic.demand[peak].to_numpy()
    row = traffic.demand.iloc[int(rng.choice(len(weight), p=weight / weight.sum()))]
    links = fastest.find(hour, int(row["origin"]), int(row["destination"]))
    seconds = np.concatenate([[0.0], np.cumsum(fastest.hours[links, hour] * 3600.0)])
    if start_h * 3600.0 + seconds[-1] >= 86400.0 or len(links) < 2:
        return None
    moments = np.arange(rng.uniform(0.0, PROBE_STEP_S), seconds[-1], PROBE_STEP_S)
    part = np.clip(np.searchsorted(seconds, moments, side="right") - 1, 0, len(links) - 1)
    used = traffic.network.links.iloc[np.array(links)[part]]
    share_done = (moments - seconds[part]) / (seconds[part + 1] - seconds[part])
    metre = used["from_m"].to_numpy() + share_done * (used["to_m"] - used["from_m"]).to_numpy()
    places = [chainage.place(s, np.array([m])) for s, m in zip(used["street_id"], metre, strict=True)]
    speed = fastest.speed[np.array(links)[part], hour] * np.maximum(1.0 + 0.08 * rng.standard_normal(len(part)), 0.1)
    lonlat = np.array([[lon[0], lat[0]] for lon, lat, _ in places]).reshape(-1, 2)
    second = start_h * 3600.0 + moments
    return pd.DataFrame({"second": second, "lon": lonlat[:, 0], "lat": lonlat[:, 1], "speed_kmh": speed})


def _with_vehicles(trips: list[pd.DataFrame]) -> pd.DataFrame:
    """Trips given to vehicles that are free, in order of time."""
    free_from: list[float] = []
    tables = []
    for trip in sorted((t for t in trips if len(t)), key=lambda t: t["second"].iloc[0]):
        begin, end = trip["second"].iloc[0], trip["second"].iloc[-1]
        vehicle = next((i for i, moment in enumerate(free_from) if moment < begin - REST_S), len(free_from))
        if vehicle == len(free_from):
            free_from.append(end)
        free_from[vehicle] = end
        tables.append(trip.assign(vehicle_id=f"V{vehicle + 1:02d}"))
    return pd.concat(tables).sort_values(["second", "vehicle_id"], kind="stable").reset_index(drop=True)
