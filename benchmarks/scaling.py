"""Points joined with 263 zones from GeoParquet to GeoParquet, at growing size and on more workers.

    python -m benchmarks.scaling [--millions 1 10 100] [--workers 1 2] [--rounds 1]

Workers are processes of one thread each. Time begins when each has joined a thousand points, and ends when the last
file stands; memory is the peak of all processes together. On a shared machine the processor seconds tell whether the
work grows with the points; the wall clock tells what a second worker gains only if the machine is free.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from distributed import Client, LocalCluster

from benchmarks import synthetic_city as city
from benchmarks.watched import watched
from spatial_join import lazy
from spatial_join.streams import POINT

HOUSE = Path(__file__).resolve().parent.parent
MILLION = 1_000_000
LOOPBACK = "127.0.0.1"


def cpu_of(family: list[int]) -> float:
    """Return the processor seconds of processes."""
    ticks = 0
    for process in family:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def write_points(path: Path, millions: int) -> None:
    """Write points as GeoPandas does, a million at a time."""
    x, y = city.points(MILLION)
    rng = np.random.default_rng(7)
    places = np.empty(MILLION, dtype=POINT)
    places["order"], places["kind"] = 1, 1
    offsets = pa.py_buffer(np.arange(0, (MILLION + 1) * POINT.itemsize, POINT.itemsize, dtype=np.int32))
    like = path.with_suffix(".like")
    gpd.GeoDataFrame({"trip": [0]}, geometry=gpd.points_from_xy([120.0], [30.0]), crs="OGC:CRS84").to_parquet(like)
    schema = pq.read_schema(like)
    geo = json.loads(schema.metadata[b"geo"])
    geo["columns"]["geometry"].pop("bbox")
    pandas = json.loads(schema.metadata[b"pandas"])
    pandas["index_columns"][0]["stop"] = millions * MILLION
    schema = schema.with_metadata({b"geo": json.dumps(geo).encode(), b"pandas": json.dumps(pandas).encode()})
    with pq.ParquetWriter(path, schema) as writer:
        for number in range(millions):
            moved = rng.normal(0.0, 30.0, (2, MILLION))
            places["x"], places["y"] = city.lon_lat(x + moved[0], y + moved[1])
            shapes = pa.Array.from_buffers(pa.binary(), MILLION, [None, offsets, pa.py_buffer(places.tobytes())])
            trips = pa.array(np.arange(number * MILLION, (number + 1) * MILLION))
            writer.write_table(pa.Table.from_arrays([trips, shapes], schema=schema), row_group_size=MILLION)
    like.unlink()


def write_zones(path: Path) -> None:
    """Write the zones."""
    drawn = shapely.transform(city.districts(263), lambda at: np.column_stack(city.lon_lat(at[:, 0], at[:, 1])))
    gpd.GeoDataFrame({"zone": np.arange(263)}, geometry=drawn, crs="OGC:CRS84").to_parquet(path)


def join_here(points: str, zones: str, out: str) -> None:
    """Join in this process alone, so that all is imported and compiled in it."""
    shutil.rmtree(lazy.join(points, zones).to_parquet(f"{out}-{os.getpid()}", scheduler="synchronous"))


def join_once(points: str, zones: str, out: str, workers: int) -> None:
    """Join on so many workers, in this process and theirs; print seconds by the clock and of the processors."""
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, host=LOOPBACK, dashboard_address=f"{LOOPBACK}:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        family = [os.getpid(), *client.run(os.getpid).values()]
        warm = gpd.GeoDataFrame(geometry=shapely.points(np.full((1000, 2), [120.15, 30.25])), crs="OGC:CRS84")
        few = Path(out).with_name("few.parquet")
        warm.to_parquet(few)
        client.run(join_here, str(few), zones, out)
        begin, used = time.perf_counter(), cpu_of(family)
        lazy.join(points, zones).to_parquet(out)
        print(json.dumps([time.perf_counter() - begin, cpu_of(family) - used]))


def run(points: Path, zones: Path, workers: int) -> tuple[float, float, float]:
    """Return the seconds by the clock and of the processors, and the peak gigabytes of all processes."""
    out = points.with_name("out")
    paths = ", ".join(repr(str(path)) for path in (points, zones, out))
    code = f"from benchmarks.scaling import join_once\nif __name__ == '__main__': join_once({paths}, {workers})"
    environment = {**os.environ, "PYTHONPATH": str(HOUSE), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    printed, peak = watched(process)
    if process.returncode:
        sys.exit(f"joining {points.name} ended with {process.returncode}")
    rows = sum(pq.read_metadata(file).num_rows for file in out.glob("*.parquet"))
    shutil.rmtree(out)
    wall, cpu = json.loads(printed.splitlines()[-1])
    load = os.getloadavg()[0]
    print(
        f"  {points.stem}, {workers} workers: {wall:.1f} s, cpu {cpu:.1f} s, {rows:,} lines, load {load:.1f}",
        flush=True,
    )
    return wall, cpu, peak / 1e9


def main() -> None:
    """Join at every size on every number of workers and print the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        zones = Path(folder) / "zones.parquet"
        write_zones(zones)
        print("| M points | workers | wall s | cpu s | cpu µs a point | peak GB | load |")
        print("|---|---|---|---|---|---|---|")
        for millions in given.millions:
            points = Path(folder) / f"{millions}M.parquet"
            write_points(points, millions)
            runs = {workers: [] for workers in given.workers}
            for _ in range(given.rounds):
                for workers in given.workers:
                    runs[workers].append(run(points, zones, workers))
            for workers, figures in runs.items():
                wall, cpu = (statistics.median(f[k] for f in figures) for k in (0, 1))
                peak, load = max(f[2] for f in figures), os.getloadavg()[0]
                each = cpu / millions
                print(f"| {millions} | {workers} | {wall:.1f} | {cpu:.1f} | {each:.3f} | {peak:.2f} | {load:.1f} |")
            points.unlink()


if __name__ == "__main__":
    main()
