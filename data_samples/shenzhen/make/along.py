"""Places along lines by metres from their start, and numbered roads made of streets."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from data_samples.shenzhen.make.frames import GEOD
from data_samples.shenzhen.make.streets import lengths_m

MAIN = ("motorway", "trunk", "primary", "secondary")
# Name of the road in its first place, number and name that a Chinese office would give it, kilometre of its start.
ROADS = (
    ("Ruta 5 Norte", "G001", "北环快速路·虚构", 12000),
    ("Ruta 43", "S043", "东部高速·虚构", 3000),
    ("Avenida José Manuel Balmaceda", "X101", "中心大道·虚构", 0),
    ("Avenida La Cantera", "X102", "西岭路·虚构", 0),
    ("Avenida Costanera", "X103", "滨海路·虚构", 5000),
    ("Avenida Juan Cisternas", "X104", "学府路·虚构", 0),
    ("Guillermo Ulriksen", "X105", "湖滨路·虚构", 0),
    ("Avenida Islón", "X106", "北岭路·虚构", 8000),
    ("Avenida Francisco de Aguirre", "X107", "工业大道·虚构", 0),
)


class Chainage:
    """Places and headings along lines by metres from their start."""

    def __init__(self, ids: np.ndarray, lines: np.ndarray) -> None:
        self._lines = dict(zip(ids, lines, strict=True))
        self._measured: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def _measure(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Metres from the start to each vertex, the vertices, and the heading after each."""
        if name not in self._measured:
            coords = np.asarray(self._lines[name].coords)
            azimuth, _, step = GEOD.inv(coords[:-1, 0], coords[:-1, 1], coords[1:, 0], coords[1:, 1])
            self._measured[name] = (np.concatenate([[0.0], np.cumsum(step)]), coords, np.asarray(azimuth))
        return self._measured[name]

    def length(self, name: str) -> float:
        """Metres from start to end."""
        return float(self._measure(name)[0][-1])

    def place(self, name: str, metre: float) -> tuple[float, float, float]:
        """Longitude, latitude and heading (degree from north) at a metre of a line."""
        along, coords, azimuth = self._measure(name)
        part = int(np.clip(np.searchsorted(along, metre, side="right") - 1, 0, len(azimuth) - 1))
        return (
            float(np.interp(metre, along, coords[:, 0])),
            float(np.interp(metre, along, coords[:, 1])),
            float(azimuth[part]),
        )


def routes(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Numbered roads: of each the longest way between two of its ends, with the kilometre at which it starts."""
    rows = [_route(streets, road) for road in ROADS]
    return gpd.GeoDataFrame(rows, geometry="geometry", crs="OGC:CRS84")


def _route(streets: gpd.GeoDataFrame, road: tuple[str, str, str, int]) -> dict[str, object]:
    name, number, title, start_m = road
    # The largest piece of the road that hangs together, on its own.
    own = streets[(streets["name"] == name) & streets["highway"].isin(MAIN)]
    codes, _ = pd.factorize(np.concatenate([own["from_node"], own["to_node"]]), sort=True)
    a, b, size = codes[: len(own)], codes[len(own) :], codes.max() + 1
    # Two streets between the same junctions: the first one counts.
    _, first = np.unique(np.column_stack([np.minimum(a, b), np.maximum(a, b)]), axis=0, return_index=True)
    keep = np.zeros(len(own), dtype=bool)
    keep[first] = True
    keep &= a != b
    a, b, pieces = a[keep], b[keep], own[keep]
    matrix = csr_matrix((pieces["length_m"], (a, b)), shape=(size, size))
    distance = dijkstra(matrix, directed=False)
    reached = np.where(np.isfinite(distance), distance, -1.0)
    begin, end = np.unravel_index(int(np.argmax(reached)), reached.shape)
    _, before = dijkstra(matrix, directed=False, indices=begin, return_predecessors=True)
    nodes = [int(end)]
    while nodes[-1] != begin:
        nodes.append(int(before[nodes[-1]]))
    nodes.reverse()
    ends = {frozenset(pair): row for row, pair in enumerate(zip(a.tolist(), b.tolist(), strict=True))}
    coords: list[tuple[float, float]] = []
    for one, other in itertools.pairwise(nodes):
        row = ends[frozenset((one, other))]
        part = list(pieces.geometry.iloc[row].coords)
        coords += (part if a[row] == one else part[::-1])[bool(coords) :]
    line = shapely.LineString(coords)
    length = float(lengths_m(np.array([line]))[0])
    return {
        "route": number, "title": title, "source_name": name, "from_m": start_m, "to_m": round(start_m + length, 2),
        "geometry": line,
    }  # fmt: skip
