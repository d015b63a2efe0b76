"""Modelled traffic: a gravity demand on the moved streets, assigned in increments, spread over one day.

References
----------
Bureau of Public Roads (1964), Traffic Assignment Manual: travel time = free time · (1 + a · (flow / capacity)⁴). The
manual's a is 0.15; 0.8 stands in for signals, so that the busy streets of the sample jam as a city's do.
Ortúzar and Willumsen (2011), Modelling Transport, section 10.4.3: incremental loading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from data_samples.monaco.make.day import profile
from data_samples.shenzhen.make.frames import PLANE, to_frame

if TYPE_CHECKING:
    import geopandas as gpd

BPR_ALPHA, BPR_BETA = 0.8, 4.0
# Vehicles an hour and lane, of the order of the Highway Capacity Manual.
CAPACITY = {"motorway": 1900, "trunk": 1500, "primary": 900, "secondary": 750, "tertiary": 600}
NARROW = 400
FREE_SHARE = {"motorway": 0.95, "trunk": 0.92, "primary": 0.85, "secondary": 0.8, "tertiary": 0.75}
SLOW_SHARE = 0.65
ZONES = 60
PEAK_TRIPS = 36000.0
DETERRENCE_PER_MIN = 0.09
JOBS_WITHIN_M = 3500.0  # jobs thin out by e over this distance from the middle of the quarter that draws most
INCREMENTS = (0.4, 0.3, 0.2, 0.1)
MOST_LOAD = 1.3  # of the capacity: what does not get through is not counted


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Directed arcs of the streets with their flow in both peaks, and the demand behind it."""

    arcs: pd.DataFrame  # a, b, street (row), forward, length_m, free_kmh, capacity
    size: int
    morning: np.ndarray
    evening: np.ndarray
    demand: np.ndarray  # vehicles of the morning peak, zone by zone
    zones: np.ndarray

    def flow(self, hour: np.ndarray) -> np.ndarray:
        """Vehicles an hour; one row an arc, one column an hour of the day."""
        morning, evening = profile(np.atleast_1d(hour))
        wanted = self.morning[:, None] * morning + self.evening[:, None] * evening
        return np.minimum(wanted, MOST_LOAD * self.arcs["capacity"].to_numpy()[:, None])

    def speed(self, flow: np.ndarray) -> np.ndarray:
        """Speed in km/h by the function of the Bureau of Public Roads."""
        load = np.minimum(flow / self.arcs["capacity"].to_numpy()[:, None], MOST_LOAD)
        return self.arcs["free_kmh"].to_numpy()[:, None] / (1.0 + BPR_ALPHA * load**BPR_BETA)

    def ways(self, cost: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least costs and the nodes before, one row a start."""
        return dijkstra(self.graph(cost), indices=starts, return_predecessors=True)

    def graph(self, cost: np.ndarray) -> csr_matrix:
        """Sparse matrix of costs."""
        return csr_matrix((cost, (self.arcs["a"], self.arcs["b"])), shape=(self.size, self.size))

    def arc_between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Rows of the arcs between neighbouring nodes."""
        keys = self.arcs["a"].to_numpy() * self.size + self.arcs["b"].to_numpy()
        return np.searchsorted(keys, a * self.size + b)


def model(streets: gpd.GeoDataFrame) -> Traffic:
    """Demand between zones, assigned for both peaks; the evening turns the morning round."""
    arcs, xy = _arcs(streets)
    zones, homes = _zones(arcs, xy)
    empty = np.zeros(len(arcs))
    net = Traffic(arcs=arcs, size=len(xy), morning=empty, evening=empty, demand=np.zeros((0, 0)), zones=zones)
    demand = _demand(net, xy, homes)
    return Traffic(
        arcs=arcs,
        size=len(xy),
        morning=_load(net, demand),
        evening=_load(net, demand.T),
        demand=demand,
        zones=zones,
    )


def _arcs(streets: gpd.GeoDataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Directed arcs of the largest part in which everything reaches everything, and places of the nodes in metres."""
    codes, names = pd.factorize(np.concatenate([streets["from_node"], streets["to_node"]]), sort=True)
    a, b = codes[: len(streets)], codes[len(streets) :]
    kind = streets["highway"]
    one = pd.DataFrame({
        "a": a, "b": b, "street": np.arange(len(streets)), "forward": True, "length_m": streets["length_m"],
        "free_kmh": streets["speed_limit_kmh"] * kind.map(FREE_SHARE).fillna(SLOW_SHARE),
        "capacity": kind.map(CAPACITY).fillna(NARROW) * streets["lanes"],
    })  # fmt: skip
    back = one[~streets["oneway"].to_numpy()].assign(forward=False).rename(columns={"a": "b", "b": "a"})
    both = pd.concat([one, back], ignore_index=True)
    both = both[both["a"] != both["b"]]
    both["free_h"] = both["length_m"] / 1000.0 / both["free_kmh"]
    both = both.sort_values(["a", "b", "free_h", "street"], kind="stable").drop_duplicates(["a", "b"])
    matrix = csr_matrix((np.ones(len(both)), (both["a"], both["b"])), shape=(len(names), len(names)))
    _, part = connected_components(matrix, directed=True, connection="strong")
    main = part == np.bincount(part).argmax()
    both = both[main[both["a"]] & main[both["b"]]].reset_index(drop=True)
    xy = np.zeros((len(names), 2))
    coords = [np.asarray(line.coords) for line in streets.geometry]
    xy[a] = np.column_stack(to_frame(*np.array([c[0] for c in coords]).T, PLANE))
    xy[b] = np.column_stack(to_frame(*np.array([c[-1] for c in coords]).T, PLANE))
    return both, xy


def _zones(arcs: pd.DataFrame, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes as far from one another as can be, and the share of the streets that is nearest to each."""
    nodes = np.unique(arcs.loc[arcs["capacity"] > NARROW, "a"])
    places = xy[nodes]
    chosen = [int(np.argmin(np.hypot(*(places - np.median(places, axis=0)).T)))]
    away = np.full(len(places), np.inf)
    nearest = np.zeros(len(places), dtype=int)
    for number in range(ZONES):
        distance = np.hypot(*(places - places[chosen[number]]).T)
        nearest[distance < away] = number
        away = np.minimum(away, distance)
        chosen.append(int(np.argmax(away)))
    everyone = np.unique(arcs["a"])
    metres = arcs.groupby("a")["length_m"].sum().reindex(everyone).to_numpy()
    owner = nearest[cKDTree(places).query(xy[everyone])[1]]
    homes = np.bincount(owner, weights=metres, minlength=ZONES)
    return nodes[chosen[:ZONES]], homes / homes.sum()


def _demand(net: Traffic, xy: np.ndarray, homes: np.ndarray) -> np.ndarray:
    """Trips of the morning peak by a gravity model: from homes to jobs."""
    places = xy[net.zones]
    middle = (homes[:, None] * places).sum(axis=0)
    jobs = homes * np.exp(-np.hypot(*(places - middle).T) / JOBS_WITHIN_M)
    hours, _ = net.ways(net.arcs["free_h"].to_numpy(), net.zones)
    weight = np.exp(-DETERRENCE_PER_MIN * 60.0 * hours[:, net.zones]) * homes[:, None] * jobs[None, :]
    np.fill_diagonal(weight, 0.0)
    return weight / weight.sum() * PEAK_TRIPS


def _load(net: Traffic, demand: np.ndarray) -> np.ndarray:
    """Flow of each arc: part after part of the demand on the ways that are fastest by then."""
    flow = np.zeros(len(net.arcs))
    for share in INCREMENTS:
        speed = net.speed(flow[:, None])[:, 0]
        _, before = net.ways(net.arcs["length_m"].to_numpy() / 1000.0 / speed, net.zones)
        origin = np.repeat(np.arange(len(net.zones)), len(net.zones))
        node, trips = np.tile(net.zones, len(net.zones)), share * demand.ravel()
        while len(node):
            previous = before[origin, node]
            on = previous >= 0
            origin, node, trips, previous = origin[on], node[on], trips[on], previous[on]
            np.add.at(flow, net.arc_between(previous, node), trips)
            node = previous
    return flow
