"""A day of a district out of a year of hours for a million cells: opened and asked, cold and warm, beside peers.

    python -m benchmarks.cube_query [--cells 1000000] [--steps 8760] [--runs 7] [--out FOLDER]

The twin is written by our own writer, block by block, with made speeds (whole km/h, float32). Each cold run is a new
process that has imported `twin` and nothing more, after the pages of all files were dropped from the system's cache;
the warm runs follow in it. The answers are compared with the made values. Peers have the days around the one that is
asked for, as theirs do not grow with the year: Zarr by xarray with all cells in a chunk, hour by hour, and Parquet by
pyarrow, hour by hour and sorted by cell within.
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

import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import shapely
import xarray as xr

import twin
from spatial_join import H3Grid
from twin.catalogue import Variable, to_json
from twin.cube.chunks import CHUNK_CELLS, write_arrays, write_blocks
from twin.store import SnapshotWriter

RESOLUTION = 10
DAY = 200
PEER_DAYS = 2
START = pd.Timestamp("2026-01-01", tz="UTC")
UNIT = "km/h"


def made(cells: int, steps: np.ndarray) -> np.ndarray:
    """Return speeds of a stretch of street, rush hours and chance: the rows repeat but for what is added to each."""
    rng = np.random.default_rng(5)
    hour = steps % 24
    rush = 14 * np.exp(-(((hour - 8) / 2.0) ** 2)) + 18 * np.exp(-(((hour - 18) / 2.5) ** 2))
    chance = rng.integers(-2, 3, size=(64, 8_760))[:, steps]
    return np.rint(40 - rush + chance).astype(np.float32)[np.arange(cells) % 64]


def offsets(cells: int) -> np.ndarray:
    """Return what is added in each cell, whole km/h."""
    return np.random.default_rng(6).integers(-15, 40, size=cells).astype(np.float32)


def write_twin(out: Path, cells: np.ndarray, steps: int) -> None:
    """Write a twin by the writer that builds use."""
    writer = SnapshotWriter(out)
    folder = writer.folder / "cube.zarr" / "speed_kmh"
    write_arrays(folder, {"cell": cells}, attributes={"units": UNIT, "kind": "intensive"})
    template, added = made(CHUNK_CELLS, np.arange(steps)), offsets(cells.size)
    blocks = (
        template[: len(part)] + part[:, None]
        for part in (added[i : i + CHUNK_CELLS] for i in range(0, cells.size, CHUNK_CELLS))
    )
    write_blocks(folder, "value", blocks, shape=(cells.size, steps), dtype=np.float32)
    variable = Variable(
        name="speed_kmh", layer="made", kind="intensive", unit=UNIT, title={"en": "Speed"}, modelled=True, by="length",
        owner="benchmark", licence="CC0-1.0", level="public", attribution="made", period=None, method="made",
        static=False,
    )  # fmt: skip
    clock = twin.Clock(step_s=3600.0, zone="UTC", start=START, end=START + pd.Timedelta(hours=steps))
    lon, lat = H3Grid(RESOLUTION).centres(cells)
    writer.publish(
        {
            "city": "made", "title": {"en": "Made"}, "area": [lon.min(), lat.min(), lon.max(), lat.max()],
            "resolution": RESOLUTION, "clock": clock.to_json(), "code": "", "layers": [],
            "variables": [to_json(variable)],
        }
    )  # fmt: skip


def write_peers(out: Path, cells: np.ndarray) -> None:
    """Write the days around the one that is asked for, hour by hour."""
    steps = np.arange(DAY * 24, (DAY + PEER_DAYS) * 24)
    added, template = offsets(cells.size), made(CHUNK_CELLS, steps)
    values = template[np.arange(cells.size) % CHUNK_CELLS] + added[:, None]
    times = (START.tz_convert(None) + pd.to_timedelta(steps, unit="h")).to_numpy()
    cube = xr.Dataset({"speed_kmh": (("time", "cell"), values.T)}, coords={"time": times, "cell": cells})
    cube.to_zarr(out / "hours.zarr", encoding={"speed_kmh": {"chunks": (1, cells.size)}}, consolidated=False)
    schema = pa.schema({"time": pa.timestamp("ns"), "cell": pa.uint64(), "speed_kmh": pa.float32()})
    with pq.ParquetWriter(out / "hours.parquet", schema, compression="zstd") as file:
        for number, moment in enumerate(times):
            columns = [np.full(cells.size, moment), cells, np.ascontiguousarray(values[:, number])]
            file.write_table(pa.table(columns, schema=schema), row_group_size=65_536)


def forget(folder: Path) -> None:
    """Drop the pages of all files below a folder from the system's cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def ask_twin(out: Path, question: dict) -> np.ndarray:
    """Answer by our own cube."""
    where = {"area": shapely.from_wkt(question["area"])} if "area" in question else {"cells": question["cells"]}
    return twin.open(out).cube("speed_kmh", time=question["day"], **where)["speed_kmh"].to_numpy()


def ask_lazily(out: Path, question: dict) -> np.ndarray:
    """Answer by xarray's own selection on what is read when it is looked at."""
    cube = twin.open(out).lazy_cube("speed_kmh")
    inside = np.isin(cube.cell.to_numpy(), np.array(question["wanted"], dtype=np.uint64))
    return cube["speed_kmh"].isel(cell=np.flatnonzero(inside)).sel(time=question["day"]).to_numpy()


def ask_xarray(out: Path, question: dict) -> np.ndarray:
    """Answer by xarray on chunks of all cells, hour by hour."""
    cube = xr.open_zarr(out / "hours.zarr", consolidated=False, chunks=None)
    inside = np.isin(cube.cell.to_numpy(), np.array(question["wanted"], dtype=np.uint64))
    return cube["speed_kmh"].sel(time=question["day"]).isel(cell=np.flatnonzero(inside)).to_numpy().T


def ask_parquet(out: Path, question: dict) -> np.ndarray:
    """Answer by pyarrow, which leaves out row groups by their least and greatest values."""
    day = np.datetime64(question["day"], "ns")
    wanted = np.array(question["wanted"], dtype=np.uint64)
    near = (pc.field("time") >= day) & (pc.field("time") < day + np.timedelta64(1, "D"))
    near &= (pc.field("cell") >= int(wanted[0])) & (pc.field("cell") <= int(wanted[-1]))
    table = ds.dataset(out / "hours.parquet").to_table(filter=near & pc.field("cell").isin(wanted))
    return table.to_pandas().pivot_table(index="cell", columns="time", values="speed_kmh").to_numpy()


WAYS = {"twin": ask_twin, "twin, lazily": ask_lazily, "xarray, by hour": ask_xarray, "Parquet, by hour": ask_parquet}


def child(way: str, out: Path, question: dict) -> None:
    """Ask once cold and five times warm, and print the seconds and a sum of the answer."""
    xr.DataArray(np.zeros(1))  # xarray imports dask.array with its first array: no matter of any of these ways
    opened = time.perf_counter()
    if way.startswith("twin"):
        twin.open(out)
    seconds = {"open": time.perf_counter() - opened, "ask": []}
    for _ in range(6):
        begun = time.perf_counter()
        found = WAYS[way](out, question)
        seconds["ask"].append(time.perf_counter() - begun)
    print(json.dumps({**seconds, "shape": found.shape, "sum": float(found.sum(dtype=np.float64))}))


def questions(cells: np.ndarray) -> dict[str, dict]:
    """Return a district of two parents, one parent, and a lasso of about as many cells, each with its cells."""
    day = str((START + pd.Timedelta(days=DAY)).date())
    families = H3Grid(6).parents(cells, 6)
    first, second = np.unique(families)[[len(np.unique(families)) // 2, len(np.unique(families)) // 2 + 1]]
    lon, lat = H3Grid(6).centres([first])
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    reach = 0.047 * (1 + 0.35 * np.sin(3 * turn) + 0.1 * np.cos(7 * turn))
    lasso = shapely.Polygon(np.column_stack([lon[0] + reach * np.cos(turn) * 1.4, lat[0] + reach * np.sin(turn)]))
    touched = np.intersect1d(H3Grid(RESOLUTION).cover([lasso]), cells)
    both = cells[np.isin(families, [first, second])]
    return {
        "two r6 parents": {"day": day, "cells": [f"{first:x}", f"{second:x}"], "wanted": both.tolist()},
        "lasso": {"day": day, "area": lasso.wkt, "wanted": touched.tolist()},
    }


def measure(out: Path, cells: np.ndarray, *, runs: int) -> None:
    """Ask every question in every way and print a table."""
    print("| question | cells | way | open, ms | cold, ms: median (worst) | warm, ms: median (worst) |")
    print("|---|---|---|---|---|---|")
    added = offsets(cells.size)
    for name, question in questions(cells).items():
        rows = np.searchsorted(cells, np.array(question["wanted"], dtype=np.uint64))
        steps = np.arange(DAY * 24, DAY * 24 + 24)
        truth = made(CHUNK_CELLS, steps)[rows % CHUNK_CELLS] + added[rows, None]
        for way in WAYS:
            opened, cold, warm = [], [], []
            for _ in range(runs):
                forget(out)
                command = [sys.executable, "-m", "benchmarks.cube_query", "--child", way, "--out", str(out)]
                answer = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=True)
                told = json.loads(answer.stdout)
                if told["shape"] != list(truth.shape) or told["sum"] != float(truth.sum(dtype=np.float64)):
                    raise SystemExit(f"{way} answers {name} wrongly: {told} where {truth.shape} {truth.sum()} is right")
                opened.append(told["open"] * 1e3)
                cold.append(told["ask"][0] * 1e3)
                warm += [seconds * 1e3 for seconds in told["ask"][1:]]
            ours = f"{statistics.median(opened):.1f}" if way.startswith("twin") else "in cold"
            shown = [f"{statistics.median(times):,.0f} ({max(times):,.0f})" for times in (cold, warm)]
            print(f"| {name} | {rows.size:,} | {way} | {ours} | {shown[0]} | {shown[1]} |", flush=True)


def main() -> None:
    """Write what is not there, and ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=8_760)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--out", type=Path, help="keep the twin there; a folder for a while if left out")
    parser.add_argument("--child", choices=WAYS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.out, json.load(sys.stdin))
        return
    out = given.out or Path(tempfile.mkdtemp(prefix="cube-"))
    disk = h3.grid_disk(h3.latlng_to_cell(43.73, 7.42, 5), 4)
    numbers = [int(cell, 16) for parent in disk for cell in h3.cell_to_children(parent, RESOLUTION)]
    cells = np.sort(np.array(numbers, dtype=np.uint64))[: given.cells]
    if not (out / "CURRENT").exists():
        begun = time.perf_counter()
        write_twin(out, cells, given.steps)
        written = time.perf_counter() - begun
        sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
        print(f"{cells.size:,} cells x {given.steps:,} steps: {written:.0f} s, {len(sizes):,} files, "
              f"{sum(sizes) / 1e9:.2f} GB; load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
        write_peers(out, cells)
    try:
        measure(out, cells, runs=given.runs)
        print(f"load {os.getloadavg()[0]:.1f}")
    finally:
        if given.out is None:
            shutil.rmtree(out)


if __name__ == "__main__":
    main()
