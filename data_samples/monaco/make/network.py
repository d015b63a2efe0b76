"""The motor road network as links between junctions, from street pieces and their OpenStreetMap nodes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from data_samples.monaco.make.frames import GEOD

if TYPE_CHECKING:
    import geopandas as gpd

# Vehicles an hour and lane, of the order of the Highway Capacity Manual's urban streets.
CAPACITY = {
    "primary": 900, "secondary": 750, "tertiary": 600, "unclassified": 450, "residential": 400, "living_street": 200,
    "service": 200,
}  # fmt: skip
FREE_SHARE = {"primary": 0.9, "secondary": 0.85, "tertiary": 0.8}  # free flow over the limit, junctions included
SERVICE_KMH = 15.0
MAIN = ("primary", "secondary", "tertiary")


@dataclass(frozen=True, kw_only=True)
class Network:
    """Directed links with start and end node, the street piece and the metres along it."""

    links: pd.DataFrame
    nodes: pd.DataFrame
    _by_ends: dict[tuple[int, int], np.ndarray] = field(default_factory=dict, repr=False)

    def graph(self, cost: np.ndarray) -> csr_matrix:
        """Sparse matrix of the least cost between neighbouring nodes."""
        order = np.lexsort((cost, self.links["b"], self.links["a"]))
        best = self.links.iloc[order].assign(cost=cost[order]).drop_duplicates(["a", "b"])
        shape = (len(self.nodes), len(self.nodes))
        return csr_matrix((best["cost"].to_numpy(), (best["a"].to_numpy(), best["b"].to_numpy())), shape=shape)

    def costs(self, cost: np.ndarray, sources: np.ndarray) -> np.ndarray:
        """Least cost from each source to each node, infinite where there is no way."""
        return dijkstra(self.graph(cost), indices=sources)

    def path(self, predecessors: np.ndarray, start: int, end: int, cost: np.ndarray) -> list[int]:
        """Rows of the links from start to end, given one row of Dijkstra's predecessors and the same cost."""
        by_ends = self.links.groupby(["a", "b"]).indices if not self._by_ends else self._by_ends
        self._by_ends.update(by_ends)
        steps = []
        node = end
        while node != start:
            before = int(predecessors[node])
            choice = self._by_ends[before, node]
            steps.append(int(choice[np.argmin(cost[choice])]))
            node = before
        return steps[::-1]


def build(streets: gpd.GeoDataFrame) -> Network:
    """Cut the motor streets at junctions and keep what belongs to the largest connected part."""
    motor = streets[streets["motor"]]
    used = np.concatenate(motor["nodes"].to_list())
    ids, counts = np.unique(used, return_counts=True)
    junction = set(ids[counts > 1].tolist())
    rows = [row for street in motor.itertuples() for row in _links(street, junction)]
    links = pd.DataFrame(rows)
    codes, names = pd.factorize(np.concatenate([links["a"], links["b"]]))
    links["a"], links["b"] = codes[: len(links)], codes[len(links) :]
    matrix = csr_matrix((np.ones(len(links)), (links["a"], links["b"])), shape=(len(names), len(names)))
    _, part = connected_components(matrix, directed=True, connection="weak")
    keep = part == np.bincount(part).argmax()
    links = links[keep[links["a"]]].reset_index(drop=True)
    where = {}
    for street in motor.itertuples():
        where.update(zip(street.nodes.tolist(), street.geometry.coords, strict=True))
    nodes = pd.DataFrame([where[name] for name in names], columns=["lon", "lat"])
    nodes["kept"] = keep
    return Network(links=links, nodes=nodes)


def _links(street: object, junction: set[int]) -> list[dict[str, object]]:
    """Links of one street piece: forward, and backward too unless it is one-way."""
    nodes, coords = street.nodes, np.asarray(street.geometry.coords)
    steps = GEOD.inv(coords[:-1, 0], coords[:-1, 1], coords[1:, 0], coords[1:, 1])[2]
    chainage = np.concatenate([[0.0], np.cumsum(steps)])
    cuts = [0, *[i for i in range(1, len(nodes) - 1) if nodes[i] in junction], len(nodes) - 1]
    kind = street.highway.removesuffix("_link")
    free_kmh = SERVICE_KMH if kind == "service" else street.speed_limit_kmh * FREE_SHARE.get(kind, 0.7)
    directions = 1 if street.oneway else 2
    lanes = max(1, int(street.lanes // directions)) if np.isfinite(street.lanes) else 1
    rows = []
    for first, last in itertools.pairwise(cuts):
        length = float(chainage[last] - chainage[first])
        base = {
            "street_id": street.street_id,
            "highway": kind,
            "length_m": length,
            "free_kmh": free_kmh,
            "free_h": length / 1000.0 / free_kmh,
            "capacity": CAPACITY[kind] * lanes,
        }
        ends = {"a": nodes[first], "b": nodes[last], "from_m": float(chainage[first]), "to_m": float(chainage[last])}
        rows.append({**base, **ends})
        if directions == 2:
            back = {"a": nodes[last], "b": nodes[first], "from_m": ends["to_m"], "to_m": ends["from_m"]}
            rows.append({**base, **back})
    return rows
