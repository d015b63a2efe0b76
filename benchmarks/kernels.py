"""Kernels beside their peers: ``python -m benchmarks.kernels [--points N] [--rounds N] [cases ...]``.

Each case runs the contestants in turn, A B C A B C, in one process, compares their answers, and prints the median
of the wall and processor seconds of each with its ratio to ours. Only the ratios mean anything on a shared machine.
Peers that are not installed are left out: ``pip install sedonadb duckdb duckdb-extension-spatial h3ronpy``.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa
import shapely

from benchmarks import synthetic_city as city
from spatial_join.kernels.h3_index import index_positions
from spatial_join.kernels.nearest_segment import nearest, segment_grid_of
from spatial_join.kernels.point_in_polygon import locate, locate_first
from spatial_join.kernels.polygon_grid import polygon_grid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FEWER_POINTS = 1_000_000  # for the peers that take a minute for more, and for ours beside them


@dataclass(frozen=True)
class Contestant:
    name: str
    run: Callable[[], Any]
    rows: Callable[[Any], Any] = lambda answer: answer
    """Turn an answer into arrays that can be compared."""


def peer(module: str) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(module)
    except ImportError:
        print(f"  ({module} is not installed)")
        return None


def agree(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whole numbers must be equal, distances within a micrometre."""
    if ours.shape != theirs.shape:
        return False
    return bool(np.allclose(ours, theirs, rtol=0, atol=1e-6) if ours.dtype.kind == "f" else (ours == theirs).all())


def compete(title: str, contestants: list[Contestant], rounds: int) -> None:
    """Run in turn, compare, print. The first contestant is the measure."""
    first = [c.rows(c.run()) for c in contestants]  # also compiles and warms up
    same = [all(map(agree, first[0], f)) for f in first]
    wall: dict[str, list[float]] = {c.name: [] for c in contestants}
    cpu: dict[str, list[float]] = {c.name: [] for c in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            start_wall, start_cpu = time.perf_counter(), time.process_time()
            contestant.run()
            wall[contestant.name].append(time.perf_counter() - start_wall)
            cpu[contestant.name].append(time.process_time() - start_cpu)
    print(f"\n{title}\n\n| | wall s | cpu s | wall ratio | cpu ratio | same answer |\n|---|---|---|---|---|---|")
    base_wall, base_cpu = (statistics.median(s[contestants[0].name]) for s in (wall, cpu))
    for contestant, equal in zip(contestants, same, strict=True):
        w, c = statistics.median(wall[contestant.name]), statistics.median(cpu[contestant.name])
        print(
            f"| {contestant.name} | {w:.3f} | {c:.3f} | {w / base_wall:.1f} | {c / base_cpu:.1f} | {equal} |",
            flush=True,
        )


def sorted_pairs(left: Any, right: Any) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401
    a, b = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    order = np.lexsort((b, a))
    return a[order], b[order]


def sedona_within(x: np.ndarray, y: np.ndarray, zones: np.ndarray) -> Iterator[Contestant]:
    module = peer("sedonadb")
    if module is None:
        return
    session = module.connect()
    table = pa.table({"pid": pa.array(np.arange(x.size, dtype=np.int32)), "x": x, "y": y})
    session.create_data_frame(table).to_view("raw")
    session.sql("SELECT pid, ST_Point(x, y) AS geometry FROM raw").to_memtable().to_view("points")
    frame = gpd.GeoDataFrame({"id": np.arange(len(zones), dtype=np.int32)}, geometry=zones)
    session.create_data_frame(frame).to_memtable().to_view("zones")
    query = "SELECT p.pid, z.id FROM points p JOIN zones z ON ST_Within(p.geometry, z.geometry)"
    yield Contestant(
        "SedonaDB",
        lambda: pa.table(session.sql(query)),
        lambda t: sorted_pairs(t["pid"].to_numpy(), t["id"].to_numpy()),
    )


def geopandas_within(x: np.ndarray, y: np.ndarray, zones: np.ndarray) -> Contestant:
    left, right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y)), gpd.GeoDataFrame(geometry=zones)
    return Contestant(
        "geopandas.sjoin",
        lambda: gpd.sjoin(left, right, predicate="within"),
        lambda joined: sorted_pairs(joined.index, joined["index_right"]),
    )


def point_in_polygon(title: str, zones: np.ndarray, points: int, rounds: int) -> None:
    x, y = city.points(points)
    grid = polygon_grid_of(zones)
    print(f"\n## {title}: grid {grid.nx} x {grid.ny}, {grid.nbytes / 1e6:.0f} MB")

    def pairs(x: np.ndarray, y: np.ndarray) -> Contestant:
        return Contestant(
            "ours, build and pairs", lambda: locate(polygon_grid_of(zones), x, y), lambda found: sorted_pairs(*found)
        )

    def ready(x: np.ndarray, y: np.ndarray) -> Contestant:
        # One polygon a point, so that where zones overlap the answer has fewer rows than the others'.
        return Contestant(
            "ours, index ready, ids",
            lambda: locate_first(grid, x, y),
            lambda ids: sorted_pairs(np.flatnonzero(ids >= 0), ids[ids >= 0]),
        )

    peers = list(sedona_within(x, y, zones))
    compete(f"{title}, {points:,} points", [pairs(x, y), ready(x, y), *peers], rounds)
    x, y = x[:FEWER_POINTS], y[:FEWER_POINTS]
    compete(f"{title}, {x.size:,} points", [pairs(x, y), ready(x, y), geopandas_within(x, y, zones)], rounds)


def duckdb_nearest(x: np.ndarray, y: np.ndarray, streets: np.ndarray) -> Iterator[Contestant]:
    module, extension = peer("duckdb"), peer("duckdb_extension_spatial")
    if module is None or extension is None:
        return
    session = module.connect()
    path = next(importlib.resources.files(extension).rglob("spatial.duckdb_extension"))
    session.execute(f"LOAD '{path}'")
    points = pa.table({"pid": np.arange(x.size, dtype=np.int32), "x": x, "y": y})
    lines = pa.table({"id": np.arange(len(streets), dtype=np.int32), "wkb": shapely.to_wkb(streets)})
    session.register("raw_points", points)
    session.register("raw_lines", lines)
    session.execute("CREATE TABLE points AS SELECT pid, ST_Point(x, y) AS g FROM raw_points")
    session.execute("CREATE TABLE lines AS SELECT id, ST_GeomFromWKB(wkb) AS g FROM raw_lines")
    query = (
        "SELECT pid, arg_min(id, d) AS id, min(d) AS d FROM (SELECT p.pid, l.id, ST_Distance(p.g, l.g) AS d "
        "FROM points p JOIN lines l ON ST_DWithin(p.g, l.g, 50.0)) GROUP BY pid"
    )
    yield Contestant("DuckDB", lambda: session.execute(query).fetch_arrow_table(), arrow_nearest)


def arrow_nearest(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(table["pid"].to_numpy())
    return table["pid"].to_numpy()[order], table["d"].to_numpy()[order]


def nearest_streets(points: int, rounds: int) -> None:
    radius_m = 50.0  # also written in the query of DuckDB, which plans a join only for a number that it can see
    x, y = (v[: min(points, FEWER_POINTS)] for v in city.points(points))
    streets = city.streets(200_000)
    left, right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y)), gpd.GeoDataFrame(geometry=streets)

    def geopandas() -> gpd.GeoDataFrame:
        return gpd.sjoin_nearest(left, right, max_distance=radius_m, distance_col="d")

    def first_of_ties(joined: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
        joined = joined[~joined.index.duplicated()]
        return joined.index.to_numpy(), joined["d"].to_numpy()

    ours = Contestant(
        "ours, build included",
        lambda: nearest(segment_grid_of(streets), x, y, radius=radius_m),
        lambda n: (np.flatnonzero(n.line >= 0), n.distance[n.line >= 0]),
    )
    others = list(duckdb_nearest(x, y, streets))
    contestants = [ours, *others, Contestant("geopandas.sjoin_nearest", geopandas, first_of_ties)]
    compete(f"nearest of 200,000 streets within {radius_m:.0f} m, {x.size:,} points", contestants, rounds)


def ask_h3(lon: np.ndarray, lat: np.ndarray, resolution: int) -> np.ndarray:
    pairs = zip(lat.tolist(), lon.tolist(), strict=True)
    return np.fromiter((h3.latlng_to_cell(a, b, resolution) for a, b in pairs), dtype=np.uint64, count=lon.size)


def h3_cells(points: int, rounds: int) -> None:
    lon, lat = (np.ascontiguousarray(v) for v in city.lon_lat(*city.points(points)))
    vector = peer("h3ronpy.vector")
    for resolution in (7, 9, 10, 13):
        contestants = [
            Contestant("ours", partial(index_positions, lon, lat, resolution, cell_of=ask_h3), lambda cells: (cells,))
        ]
        if vector is not None:
            contestants.append(
                Contestant(
                    "h3ronpy",
                    partial(vector.coordinates_to_cells, lat, lon, resolution),
                    lambda cells: (np.asarray(pa.array(cells)).astype(np.uint64),),
                )
            )
        compete(f"H3 cells at resolution {resolution}, {points:,} points", contestants, rounds)


CASES: dict[str, Callable[[int, int], None]] = {
    "h3": h3_cells,
    "nearest": nearest_streets,
    "districts": lambda n, k: point_in_polygon("263 ragged districts", city.districts(263), n, k),
    "blocks": lambda n, k: point_in_polygon("50,000 blocks", city.blocks(50_000), n, k),
    "buildings": lambda n, k: point_in_polygon("200,000 buildings", city.buildings(200_000), n, k),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=[], help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.cases or CASES:
        CASES[name](arguments.points, arguments.rounds)


if __name__ == "__main__":
    main()
