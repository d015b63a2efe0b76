"""What a correction costs beside a build from scratch: processor time, and partitions done again.

A made city publishes parcels in ten files, one a district, each declared to be in WGS 84. Then it is found out that the
last one is in GCJ-02: `twin correct` is measured beside the build that made the twin, each as a process of its own with
all of its children, and what it makes is compared with a build from scratch in a new folder.

    python -m benchmarks.correcting --records 1000000 --folder /tmp/parcels
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

import crs

logger = logging.getLogger("benchmarks.correcting")

FILES = 10
CORNERS = 12
CITY = """\
city: parcels
resolution: {resolution}
area: [116.10, 39.70, 116.70, 40.20]
clock: {{typical_day: true, step: 1h, zone: Asia/Shanghai}}
datasets:
  parcels:
    path: [{files}]
    domain: zones
    owner: Survey office
    licence: made for this benchmark
    level: public
    position: {{definition: "OGC:CRS84", sigma_m: 2}}
    variables:
      people: {{kind: extensive, unit: "1"}}
      height_m: {{kind: intensive, unit: m, by: area}}
"""


def write_city(folder: Path, *, records: int, resolution: int) -> Path:
    """Write the files of the city; the last one is shifted as GCJ-02 is."""
    rng = np.random.default_rng(20261122)
    angle = np.linspace(0.0, 2 * np.pi, CORNERS, endpoint=False)
    names = [f"parcels_{number}.gpkg" for number in range(FILES)]
    for number, name in enumerate(names):
        count = records // FILES
        west = 116.15 + 0.5 * number / FILES  # a file a district
        lon, lat = rng.uniform(west, west + 0.5 / FILES, count), rng.uniform(39.75, 40.15, count)
        radius_m = rng.uniform(20.0, 60.0, (count, 1)) * rng.uniform(0.7, 1.0, (count, CORNERS))
        x = lon[:, None] + radius_m * np.cos(angle) / 85_200.0
        y = lat[:, None] + radius_m * np.sin(angle) / 111_000.0
        if number == FILES - 1:
            shape = x.shape
            x, y = (
                part.reshape(shape) for part in crs.transform(x.ravel(), y.ravel(), source="WGS 84", target="GCJ-02")
            )
        rings = np.stack([np.c_[x, x[:, :1]], np.c_[y, y[:, :1]]], axis=-1)
        table = {"people": rng.poisson(30, count), "height_m": rng.uniform(3, 90, count).round(1)}
        frame = gpd.GeoDataFrame(table, geometry=shapely.polygons(rings))
        frame.to_file(folder / name, driver="GPKG", engine="pyogrio")
    path = folder / "city.yaml"
    path.write_text(CITY.format(resolution=resolution, files=", ".join(names)), encoding="utf-8")
    return path


def run(*words: str) -> tuple[float, float]:
    """Run a command; returns its seconds and those of processors, children included."""
    begin, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-m", "twin.cli", *words, "--json"], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begin, spent


def parts_of(twin: Path) -> tuple[int, int]:
    """Return how many partitions the last build of a twin did, and how many it reused."""
    told = json.loads(max((twin / "runs").glob("*Z.json")).read_bytes())["parts"]
    reused = sum(part["reused"] for part in told)
    return len(told) - reused, reused


def main() -> None:
    """Measure, and print a line each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--resolution", type=int, default=11)
    options.add_argument("--workers", default="2")
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--fresh", action=argparse.BooleanOptionalAction, default=True)
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given.folder.mkdir(parents=True, exist_ok=True)
    city = write_city(given.folder, records=given.records, resolution=given.resolution)
    twin, fresh = given.folder / "a.twin", given.folder / "b.twin"
    workers = ("--workers", given.workers)
    seconds, whole = run("build", str(city), "--out", str(twin), *workers)
    done, _ = parts_of(twin)
    logger.info("build: %.1f s, %.1f s of processors, %d partitions", seconds, whole, done)
    words = ("--position", "GCJ-02", "--file", f"parcels_{FILES - 1}.gpkg", "--out", str(twin))
    seconds, part = run("correct", str(city), "parcels", *words, *workers)
    again, reused = parts_of(twin)
    logger.info(
        "correct 1 of %d files: %.1f s, %.1f s of processors, %d done, %d reused", FILES, seconds, part, again, reused
    )
    logger.info(
        "share of the work: %.1f %% of processor time, %.1f %% of partitions", 100 * part / whole, 100 * again / done
    )
    if given.fresh:
        seconds, spent = run("build", str(city), "--out", str(fresh), *workers)
        same = (twin / "CURRENT").read_bytes() == (fresh / "CURRENT").read_bytes()
        logger.info("build from scratch: %.1f s, %.1f s of processors; the same bytes: %s", seconds, spent, same)


if __name__ == "__main__":
    main()
