"""Modelled traffic: a gravity demand, assigned to the real streets by AequilibraE, spread over one day.

References
----------
Bureau of Public Roads (1964), Traffic Assignment Manual: travel time = free time · (1 + 0.15 · (flow / capacity)⁴).
AequilibraE (aequilibrae.com): biconjugate Frank-Wolfe user equilibrium.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from aequilibrae.matrix import AequilibraeMatrix
from aequilibrae.paths import Graph, TrafficAssignment, TrafficClass
from scipy.spatial import cKDTree

from data_samples.monaco.make.day import profile
from data_samples.monaco.make.network import MAIN, Network

if TYPE_CHECKING:
    import geopandas as gpd

BPR_ALPHA, BPR_BETA = 0.15, 4.0
PEAK_TRIPS = 15000.0  # vehicles in the peak hour
ZONES = 36
DETERRENCE_PER_MIN = 0.12
INBOUND, OUTBOUND, THROUGH, INNER = 0.50, 0.18, 0.14, 0.18  # shares of the morning peak; the evening is its mirror
GATE_WEIGHT = {"primary": 4.0, "secondary": 2.0, "tertiary": 1.0}
STEPS = 288  # of five minutes


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Flow of each directed link in the morning and the evening peak, and the demand behind it."""

    network: Network
    morning: np.ndarray
    evening: np.ndarray
    demand: pd.DataFrame  # origin, destination, morning, evening

    def flow(self, hour: float | np.ndarray) -> np.ndarray:
        """Vehicles an hour of every link; one row a link, one column an hour of the day."""
        morning, evening = profile(np.atleast_1d(hour))
        return self.morning[:, None] * morning + self.evening[:, None] * evening

    def speed(self, flow: np.ndarray) -> np.ndarray:
        """Speed in km/h by the function of the Bureau of Public Roads."""
        links = self.network.links
        load = flow / links["capacity"].to_numpy()[:, None]
        return links["free_kmh"].to_numpy()[:, None] / (1.0 + BPR_ALPHA * np.minimum(load, 2.0) ** BPR_BETA)


def model(network: Network, buildings: gpd.GeoDataFrame) -> Traffic:
    """Demand between gates and zones, assigned for both peaks."""
    demand = _demand(network, buildings)
    return Traffic(
        network=network,
        morning=_assign(network, demand, "morning"),
        evening=_assign(network, demand, "evening"),
        demand=demand,
    )


def _gates(network: Network) -> tuple[pd.Series, pd.Series]:
    """Find the ends of main roads at the edge of the extract, with a weight: where one drives in, where out."""
    links = network.links
    pairs = pd.concat([links[["a", "b"]], links[["a", "b"]].rename(columns={"a": "b", "b": "a"})])
    ends = pairs.drop_duplicates().groupby("a").size().loc[lambda count: count == 1].index
    main = links[links["highway"].isin(MAIN)]
    weight = main["highway"].map(GATE_WEIGHT)
    entries = weight[main["a"].isin(ends)].groupby(main["a"]).max()
    exits = weight[main["b"].isin(ends)].groupby(main["b"]).max()
    return entries, exits


def _zones(network: Network, buildings: gpd.GeoDataFrame, taken: set[int]) -> pd.Series:
    """Zone nodes spread as far apart as can be, each with the share of building volume nearest to it."""
    links = network.links
    inner = links[~links["highway"].isin(["service"])]
    both = np.intersect1d(inner["a"], inner["b"])
    candidates = np.array([node for node in both if node not in taken])
    scale = np.array([np.cos(np.radians(43.73)), 1.0])
    places = network.nodes[["lon", "lat"]].to_numpy()[candidates] * scale
    homes = buildings.representative_point()
    homes_xy = np.column_stack([homes.x, homes.y]) * scale
    chosen = [int(np.argmin(np.hypot(*(places - homes_xy.mean(axis=0)).T)))]
    away = np.full(len(places), np.inf)
    for _ in range(ZONES - 1):
        away = np.minimum(away, np.hypot(*(places - places[chosen[-1]]).T))
        chosen.append(int(np.argmax(away)))
    _, nearest = cKDTree(places[chosen]).query(homes_xy)
    volume = np.bincount(nearest, weights=buildings["building_volume_m3"], minlength=ZONES)
    return pd.Series(volume / volume.sum(), index=candidates[chosen])


def _demand(network: Network, buildings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Trips of the morning peak by a gravity model, and their mirror in the evening."""
    entries, exits = _gates(network)
    zones = _zones(network, buildings, set(entries.index) | set(exits.index))
    kinds = (
        (entries, zones, INBOUND), (zones, exits, OUTBOUND), (entries, exits, THROUGH), (zones, zones, INNER),
    )  # fmt: skip
    shares = [_gravity(network, pair, share * PEAK_TRIPS) for pair in (kinds,) for *pair, share in pair]
    morning = pd.concat(shares).groupby(level=[0, 1]).sum().rename("morning")
    mirror = (
        (zones, exits, INBOUND), (entries, zones, OUTBOUND), (entries, exits, THROUGH), (zones, zones, INNER),
    )  # fmt: skip
    shares = [_gravity(network, pair, share * PEAK_TRIPS) for pair in (mirror,) for *pair, share in pair]
    evening = pd.concat(shares).groupby(level=[0, 1]).sum().rename("evening")
    return pd.concat([morning, evening], axis=1).fillna(0.0).rename_axis(["origin", "destination"]).reset_index()


def _gravity(network: Network, ends: list[pd.Series], trips: float) -> pd.Series:
    origins, destinations = ends
    cost = network.costs(network.links["free_h"].to_numpy(), origins.index.to_numpy())
    minutes = 60.0 * cost[:, destinations.index.to_numpy()]
    reachable = np.isfinite(minutes) & (minutes > 0.0)
    weight = np.where(reachable, np.exp(-DETERRENCE_PER_MIN * np.where(reachable, minutes, 0.0)), 0.0)
    table = weight * origins.to_numpy()[:, None] * destinations.to_numpy()[None, :]
    index = pd.MultiIndex.from_product([origins.index, destinations.index])
    flat = pd.Series((table / table.sum() * trips).ravel(), index=index)
    return flat[flat > 0.0]


def _assign(network: Network, demand: pd.DataFrame, peak: str) -> np.ndarray:
    """Flow of each link at user equilibrium."""
    links = network.links
    ends = np.unique(demand[["origin", "destination"]])
    table = pd.DataFrame({
        "link_id": np.arange(1, len(links) + 1),
        "a_node": links["a"] + 1,
        "b_node": links["b"] + 1,
        "direction": 1,
        "free_flow_time": links["free_h"] * 60.0,
        "capacity": links["capacity"].astype(float),
    })  # fmt: skip
    graph = Graph()
    graph.network = table
    graph.mode = "c"
    graph.prepare_graph(ends + 1)
    graph.set_graph("free_flow_time")
    graph.set_blocked_centroid_flows(False)
    matrix = AequilibraeMatrix()
    matrix.create_empty(zones=len(ends), matrix_names=[peak], memory_only=True)
    matrix.index[:] = ends + 1
    place = pd.Series(np.arange(len(ends)), index=ends)
    matrix.matrices[:, :, 0] = 0.0
    matrix.matrices[place[demand["origin"]], place[demand["destination"]], 0] = demand[peak].to_numpy()
    matrix.computational_view([peak])
    assignment = TrafficAssignment()
    assignment.set_classes([TrafficClass("car", graph, matrix)])
    assignment.set_vdf("BPR")
    assignment.set_vdf_parameters({"alpha": BPR_ALPHA, "beta": BPR_BETA})
    assignment.set_capacity_field("capacity")
    assignment.set_time_field("free_flow_time")
    assignment.set_algorithm("bfw")
    assignment.set_cores(1)  # one thread: the sums have one order, so a rerun gives the same bytes
    assignment.max_iter = 200
    assignment.rgap_target = 1e-4
    with Path(os.devnull).open("w", encoding="utf-8") as silence, contextlib.redirect_stderr(silence):
        assignment.execute()  # its progress bars are for notebooks
    return assignment.results()["PCE_AB"].reindex(table["link_id"]).fillna(0.0).to_numpy()
