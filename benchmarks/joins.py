"""Joins beside their peers: ``python -m benchmarks.joins [--points N] [--rounds N] [--peers FOLDER] [cases ...]``.

Peers that the environment lacks are taken from FOLDER, made with ``pip install --target FOLDER sedonadb==0.5.0
duckdb==1.5.5 duckdb-extension-spatial polars-st==0.11.0 h3ronpy==0.22.0 exactextract==0.3.0 dask-geopandas==0.5.0``;
those found in neither place are left out with a line. Ends with the goals, met or SHORT by processor seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np

from benchmarks import join_peers as peers
from benchmarks import synthetic_city as city
from benchmarks.contest import Contestant, compete, goal, peak_above
from crs import Lattice
from spatial_join import H3Grid, join, read_points, weights, write_points
from spatial_join.kernels.h3_index import index_positions
from spatial_join.kernels.nearest_segment import nearest, segment_grid_of
from spatial_join.kernels.point_in_polygon import locate, locate_first
from spatial_join.kernels.polygon_grid import polygon_grid_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from spatial_join import PointTable

FEWER_POINTS = 1_000_000  # for the peers that take a minute for more, and for ours beside them
READY, BUILT, FRAMES = "ours, index ready, ids", "ours, build and pairs", "ours, join of frames"


def within(x: np.ndarray, y: np.ndarray, zones: np.ndarray) -> list[Contestant]:
    """Ours: the pairs with the index, which is the measure, and one polygon a point from an index that is ready."""
    grid = polygon_grid_of(zones)
    pairs = peers.sorted_pairs(*locate(grid, x, y)[:2])
    first = np.full(x.size, -1)
    first[pairs[0][::-1]] = pairs[1][::-1]  # of several polygons the lowest
    return [
        Contestant(BUILT, lambda: locate(polygon_grid_of(zones), x, y), lambda found: peers.sorted_pairs(*found[:2])),
        Contestant(
            READY,
            lambda: locate_first(grid, x, y),
            lambda ids: pairs if (ids == first).all() else (ids,),
        ),
    ]


def frames_within(x: np.ndarray, y: np.ndarray, zones: np.ndarray) -> Contestant:
    left = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs="EPSG:32651")
    right = gpd.GeoDataFrame(geometry=zones, crs="EPSG:32651")
    return Contestant(
        FRAMES,
        lambda: join(left, right, predicate="within"),
        lambda joined: peers.sorted_pairs(joined.index, joined["index_right"]),
    )


def point_in_polygon(what: tuple[str, np.ndarray, tuple[float, ...]], points: int, rounds: int) -> None:
    title, zones, (over_sedona, over_geopandas, built_over_sedona) = what
    x, y = city.points(points)
    many = compete(f"{title}, {points:,} points", [*within(x, y, zones), *peers.sedona_within(x, y, zones)], rounds)
    x, y = x[:FEWER_POINTS], y[:FEWER_POINTS]
    ours = [*within(x, y, zones), frames_within(x, y, zones)]
    few = compete(f"{title}, {x.size:,} points", [*ours, *peers.slow_within(x, y, zones)], rounds)
    print()
    goal(f"{title}, index ready, over SedonaDB", many, (READY, "SedonaDB"), over_sedona)
    goal(f"{title}, index ready, over geopandas", few, (READY, "geopandas.sjoin"), over_geopandas)
    goal(f"{title}, index and pairs counted, over SedonaDB", many, (BUILT, "SedonaDB"), built_over_sedona)


def beside_geopandas(points: int, rounds: int) -> None:
    """All points beside GeoPandas alone, index ready: the goals over it are of ten million."""
    x, y = city.points(points)
    for title, zones, least in (
        ("263 ragged districts", city.districts(263), 100),
        ("50,000 blocks", city.blocks(50_000), 25),
        ("200,000 buildings", city.buildings(200_000), 10),
    ):
        contestants = [*within(x, y, zones), next(peers.frames_within(x, y, zones))]
        times = compete(f"{title}, {points:,} points", contestants, rounds)
        goal(f"{title}, {points:,} points, index ready, over geopandas", times, (READY, "geopandas.sjoin"), least)


def memory_and_threads(points: int, rounds: int) -> None:
    """How far memory grows above the inputs, and what a second thread is worth by wall clock."""
    print("\nPoint in polygon: memory above the inputs, pairs included, and threads\n")
    x, y = city.points(points)
    for title, zones in (
        ("263 districts", city.districts(263)),
        ("50,000 blocks", city.blocks(50_000)),
        ("200,000 buildings", city.buildings(200_000)),
    ):
        grid = polygon_grid_of(zones)
        # The peak is meant of the work, not of what an earlier case has left to be reused.
        grown = peak_above(lambda zones=zones: locate(polygon_grid_of(zones), x, y))
        print(f"- {'met' if grown <= 500 else 'SHORT'}: {title}: {grown:.0f} MB above the inputs (asked 500)")
        names = ("two threads", "one thread")
        times = compete(
            f"{title}, {points:,} points, load {os.getloadavg()[0]:.1f}",
            [
                Contestant(name, partial(locate_first, grid, x, y, threads=n), lambda ids: (ids,))
                for name, n in zip(names, (2, 1), strict=True)
            ],
            rounds,
        )
        two, one = (times[name][0] for name in names)
        print(
            f"\n- {'met' if one >= 1.8 * two else 'SHORT'}: {title}, two threads: {one / two:.2f} by wall (asked 1.8)"
        )


def nearest_streets(points: int, rounds: int) -> None:
    x, y = (v[: min(points, FEWER_POINTS)] for v in city.points(points))
    streets = city.streets(200_000)
    ours = Contestant(
        "ours, build included",
        lambda: nearest(segment_grid_of(streets), x, y, radius=peers.NEAR_M),
        lambda n: (np.flatnonzero(n.line >= 0), n.distance[n.line >= 0]),
    )
    title = f"nearest of 200,000 streets within {peers.NEAR_M:.0f} m, {x.size:,} points"
    times = compete(title, [ours, *peers.nearest(x, y, streets)], rounds)
    print()
    goal("nearest, over DuckDB", times, (ours.name, "DuckDB"), 6)
    goal("nearest, over SedonaDB", times, (ours.name, "SedonaDB"), 6)
    goal("nearest, over sjoin_nearest", times, (ours.name, "geopandas.sjoin_nearest"), 40)


def ask_h3(lon: np.ndarray, lat: np.ndarray, resolution: int) -> np.ndarray:
    pairs = zip(lat.tolist(), lon.tolist(), strict=True)
    return np.fromiter((h3.latlng_to_cell(a, b, resolution) for a, b in pairs), dtype=np.uint64, count=lon.size)


def h3_cells(points: int, rounds: int) -> None:
    lon, lat = (np.ascontiguousarray(v) for v in city.lon_lat(*city.points(points)))
    for resolution in (9, 10):
        ours = Contestant(
            "ours", partial(index_positions, lon, lat, resolution, cell_of=ask_h3), lambda cells: (cells,)
        )
        title = f"H3 cells at resolution {resolution}, {points:,} points"
        times = compete(title, [ours, *peers.h3_cells(lon, lat, resolution)], rounds)
        print()
        goal(f"H3 index at resolution {resolution}", times, ("ours", "h3ronpy"), 25)


def raster_to_cells(pixels: int, rounds: int) -> None:
    """Sum a raster over the hexagons of resolution 9 with exact shares; some 800 pixels each."""
    side, step = int(np.sqrt(pixels)), 1.25e-4
    west, north = 120.0, 30.5
    values = np.random.default_rng(1).gamma(2.0, 10.0, (side, side))
    lattice, grid = Lattice.from_affine((step, 0.0, west, 0.0, -step, north), (side, side)), H3Grid(9)
    kept = weights(lattice, grid)
    cells, matrix = kept.cells, kept.matrix()
    box = (west, north - side * step, west + side * step, north)
    exact = list(peers.raster_sums(values, box, grid.boundaries(cells)))

    def of_the_fullest(sums: np.ndarray) -> tuple[np.ndarray, ...]:
        """Compare by the fullest hexagon: exactextract holds the shares of pixels in single precision."""
        return (sums / sums.max(),)

    def anew() -> np.ndarray:
        return np.asarray(weights(lattice, grid).matrix() @ values.ravel())

    ours = [
        Contestant("ours, shares and sums", anew, of_the_fullest),
        Contestant("ours, again on the same grid", lambda: matrix @ values.ravel(), of_the_fullest),
    ]
    title = f"raster of {side * side:,} pixels to {cells.size:,} hexagons ({len(kept):,} shares)"
    times = compete(title, [*ours, *exact], rounds)
    print()
    for strategy in ("raster-sequential", "feature-sequential"):
        name = f"exactextract, {strategy}"
        goal(f"raster to cells, over {name}", times, (ours[0].name, name), 3)
        goal(f"again on the same grid, over {name}", times, (ours[1].name, name), 10)


def points_to_disk(points: int, rounds: int) -> None:
    """Points with a number each, written, read, and read in a box of a hundredth of the city."""
    lon, lat = city.lon_lat(*city.points(points))
    number = np.arange(points)
    frame = gpd.GeoDataFrame({"number": number}, geometry=gpd.points_from_xy(lon, lat), crs="OGC:CRS84")
    box = (120.15, 30.25, 120.18, 30.28)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs, covered = (Path(folder) / f"{name}.parquet" for name in ("ours", "theirs", "covered"))
        frame.to_parquet(covered, write_covering_bbox=True)

        def by_number(table: PointTable) -> tuple[np.ndarray, ...]:
            order = np.argsort(table.columns["number"].to_numpy())
            return table.columns["number"].to_numpy()[order], table.lon[order], table.lat[order]

        def of_frame(read: gpd.GeoDataFrame) -> tuple[np.ndarray, ...]:
            return read["number"].to_numpy(), read.geometry.x.to_numpy(), read.geometry.y.to_numpy()

        def write() -> None:
            write_points(ours, lon, lat, columns={"number": number})

        questions = {
            "write": (write, lambda: frame.to_parquet(theirs), lambda _: (), lambda _: ()),
            "read": (lambda: read_points(ours), lambda: gpd.read_parquet(theirs), by_number, of_frame),
            "box": (
                lambda: read_points(ours, box=box),
                lambda: gpd.read_parquet(covered, bbox=box),
                by_number,
                of_frame,
            ),
        }
        for what, (mine, other, rows, their_rows) in questions.items():
            contestants = [Contestant("ours", mine, rows), Contestant("geopandas", other, their_rows)]
            times = compete(f"{points:,} points, GeoParquet, {what}", contestants, rounds)
            print()
            goal(f"{what} of {points:,} points", times, ("ours", "geopandas"), 4)
        sizes = [file.stat().st_size / 1e6 for file in (ours, theirs, covered)]
        print("- size of the files: ours {:.0f} MB, geopandas {:.0f} MB, with boxes {:.0f} MB".format(*sizes))


CASES: dict[str, Callable[[int, int], None]] = {
    "h3": h3_cells,
    "nearest": nearest_streets,
    "raster": lambda n, k: raster_to_cells(n * 8 // 5, k),
    "districts": lambda n, k: point_in_polygon(("263 ragged districts", city.districts(263), (20, 100, 10)), n, k),
    "blocks": lambda n, k: point_in_polygon(("50,000 blocks", city.blocks(50_000), (12, 25, 6)), n, k),
    "buildings": lambda n, k: point_in_polygon(("200,000 buildings", city.buildings(200_000), (7, 10, 4)), n, k),
    "geopandas": beside_geopandas,
    "disk": points_to_disk,
    "memory": memory_and_threads,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=[], help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", help="folder that the peers were installed into")
    arguments = parser.parse_args()
    if arguments.peers:
        sys.path.append(arguments.peers)  # last, so that what the product depends on is not replaced
    for name in arguments.cases or CASES:
        print(f"\n## {name}, load {os.getloadavg()[0]:.1f}")
        CASES[name](arguments.points, arguments.rounds)


if __name__ == "__main__":
    main()
