"""From one GeoParquet file to another: points joined with zones by whole engines, each in a process of its own.

    python -m benchmarks.whole_process [--points 10000000] [--rounds 3] [--peers PYTHON] [--engines ours duckdb]

All read the same files, written by GeoPandas (WKB, as it writes them by itself), and write GeoParquet with the columns
of both sides. A round runs the engines in turn. Every process joins twice: the first time counts what an engine loads
or compiles when it is first asked, the second does not; starting Python and importing is counted beside. Answers are
compared row by row. PYTHON is an interpreter with ``sedonadb==0.5.0 duckdb==1.5.5 duckdb-extension-spatial pyarrow``.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import shapely

from benchmarks import synthetic_city as city
from benchmarks.watched import watched

HOUSE = Path(__file__).resolve().parent.parent

PREPARE = {
    "ours": "from spatial_join import lazy",
    "sedonadb": "import sedonadb; session = sedonadb.connect()",
    "duckdb": (
        "import duckdb, duckdb_extension_spatial, importlib.resources; session = duckdb.connect(); "
        "files = importlib.resources.files(duckdb_extension_spatial); "
        "session.execute(f\"LOAD '{next(files.rglob('spatial.duckdb_extension'))}'\")"
    ),
}
JOIN = {
    "ours": "lazy.join(points, zones, predicate='within').to_parquet(out)",
    "sedonadb": (
        "session.read_parquet(points).to_view('p', overwrite=True); "
        "session.read_parquet(zones).to_view('z', overwrite=True); "
        "session.sql('SELECT p.trip, p.geometry, z.zone FROM p JOIN z ON ST_Within(p.geometry, z.geometry)')"
        ".to_parquet(out, single_file_output=False)"
    ),
    "duckdb": (
        "os.mkdir(out); session.execute(f\"COPY (SELECT p.trip, p.geometry, z.zone FROM '{points}' p "
        "JOIN '{zones}' z ON ST_Within(p.geometry, z.geometry)) TO '{out}/all.parquet' (FORMAT parquet)\")"
    ),
}
CHILD = """
import json, os, shutil, sys, time
start = time.perf_counter()
points, zones, out = sys.argv[1:4]
{prepare}
times = [[time.perf_counter() - start, time.process_time()]]
for again in (False, True):
    shutil.rmtree(out, ignore_errors=True)
    wall, cpu = time.perf_counter(), time.process_time()
    {join}
    times.append([time.perf_counter() - wall, time.process_time() - cpu])
print(json.dumps(times))
"""


def run(engine: str, python: str, paths: list[str]) -> tuple[list[list[float]], int]:
    """Run one engine; return wall and processor seconds of each stage, and the peak memory."""
    code = CHILD.format(prepare=PREPARE[engine], join=JOIN[engine])
    # As in any installation, modules are compiled once and not each time.
    kept = {"PYTHONPYCACHEPREFIX": str(Path(paths[0]).with_name("compiled")), "PYTHONDONTWRITEBYTECODE": ""}
    environment = {**os.environ, "PYTHONPATH": str(HOUSE), **kept}
    process = subprocess.Popen([python, "-c", code, *paths], stdout=subprocess.PIPE, text=True, env=environment)
    printed, peak = watched(process, every_s=0.05)
    if process.returncode:
        sys.exit(f"{engine} ended with {process.returncode}")
    return json.loads(printed.splitlines()[-1]), peak


def answer(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs that an engine wrote, in one order."""
    parts = [pq.read_table(file, columns=["trip", "zone"]) for file in sorted(folder.rglob("*.parquet"))]
    trip = np.concatenate([part["trip"].to_numpy() for part in parts])
    zone = np.concatenate([part["zone"].to_numpy() for part in parts])
    order = np.lexsort((zone, trip))
    return trip[order], zone[order]


def main() -> None:
    """Make the files, run the engines in turn, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--engines", nargs="+", default=list(JOIN), choices=list(JOIN))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        points, zones = f"{folder}/points.parquet", f"{folder}/zones.parquet"
        lon, lat = city.lon_lat(*city.points(given.points))
        trips = gpd.GeoDataFrame({"trip": np.arange(lon.size)}, geometry=gpd.points_from_xy(lon, lat), crs="OGC:CRS84")
        trips.to_parquet(points)
        few = f"{folder}/few.parquet"
        trips.iloc[:1000].to_parquet(few)
        drawn = shapely.transform(city.districts(263), lambda at: np.column_stack(city.lon_lat(at[:, 0], at[:, 1])))
        gpd.GeoDataFrame({"zone": np.arange(263)}, geometry=drawn, crs="OGC:CRS84").to_parquet(zones)
        del trips, lon, lat
        figures = {engine: [] for engine in given.engines}
        first = None
        for engine in given.engines:
            run(engine, sys.executable if engine == "ours" else given.peers, [few, zones, f"{folder}/{engine}"])
        for _ in range(given.rounds):
            for engine in given.engines:
                out = Path(folder) / engine
                python = sys.executable if engine == "ours" else given.peers
                times, peak = run(engine, python, [points, zones, str(out)])
                pairs = answer(out)
                first = first or pairs
                same = all(np.array_equal(a, b) for a, b in zip(first, pairs, strict=True))
                size = sum(file.stat().st_size for file in out.rglob("*.parquet"))
                figures[engine].append((times, peak, same, size))
                shutil.rmtree(out)
                print(f"  {engine}: {times}, load {os.getloadavg()[0]:.1f}", flush=True)
    print("| engine | start, cpu s | first: wall s | cpu s | again: wall s | cpu s | peak GB | MB out | same |")
    print("|---|---|---|---|---|---|---|---|---|")
    for engine, runs in figures.items():
        middle = [
            statistics.median(times[stage][kind] for times, *_ in runs)
            for stage, kind in ((0, 1), (1, 0), (1, 1), (2, 0), (2, 1))
        ]
        peak, size = max(peak for _, peak, *_ in runs) / 1e9, runs[0][3] / 1e6
        same = all(same for *_, same, _ in runs)
        print(f"| {engine} | {' | '.join(f'{m:.2f}' for m in middle)} | {peak:.2f} | {size:.0f} | {same} |")


if __name__ == "__main__":
    main()
