"""Tables larger than memory, read part by part: every record in the account, within a limit of memory.

    python -m benchmarks.streams [--gigabytes 20] [--form csv] [--limit-gb 4] [--threads 2] [--folder /scratch]

The file is a real one: a part of 100 MB, of which each thousandth record is out of range and each ten-thousandth is no
record at all, is written again and again. Parquet is counted as what the same records take as CSV. The process may not
address more than the limit (RLIMIT_AS), and the peak of its resident memory is watched from outside.
"""

import argparse
import io
import json
import operator
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dask
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import layers
from benchmarks.watched import watched
from layers import lazy

HOUSE = Path(__file__).resolve().parent.parent
PART_BYTES = 100_000_000
POSITION = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}
FIELDS = {"speed": layers.Field(unit="km/h", kind="number", min=0, max=200)}


def probes(count: int) -> pd.DataFrame:
    """Return probes of which each thousandth is too fast."""
    random = np.random.default_rng(5)
    speed = random.integers(0, 120, count)
    speed[::1000] = 900
    return pd.DataFrame(
        {
            "vehicle": random.integers(100_000, 999_999, count),
            "time": pd.date_range("2026-06-16", periods=count, freq="ms").strftime("%Y-%m-%dT%H:%M:%S"),
            "lon": np.round(7.4 + random.random(count) / 20, 6),
            "lat": np.round(43.72 + random.random(count) / 20, 6),
            "speed": speed,
            "road": random.choice(["Boulevard des Moulins", '"Corniche", upper', "滨海大道"], count),
        }
    )


def write(path: Path, gigabytes: float) -> dict[str, int]:
    """Write the file; return what an account of it must hold."""
    rows = probes(1_600_000)
    text = io.StringIO()
    rows.to_csv(text, index=False)
    header, _, body = text.getvalue().encode().partition(b"\n")
    lines = body.splitlines(keepends=True)
    size, count = np.cumsum([len(line) for line in lines]), 0
    count = int(np.searchsorted(size, PART_BYTES))
    times = round(gigabytes * 1e9 / PART_BYTES)
    fast = int((rows["speed"][:count] > 200).sum())
    if path.suffix == ".csv":
        broken = list(range(5000, count, 10_000))
        for i in broken:
            lines[i] = b"cut,off\n"
        part = b"".join(lines[:count])
        with path.open("wb") as file:
            file.write(header + b"\n")
            for _ in range(times):
                file.write(part)
        fast -= int((rows["speed"][broken] > 200).sum())
    else:
        table, broken = pa.Table.from_pandas(rows[:count], preserve_index=False), []
        with pq.ParquetWriter(path, table.schema) as file:
            for _ in range(times):
                file.write_table(table, row_group_size=250_000)
    return {"records_in": times * count, "quarantined": times * fast, "rejected": times * len(broken)}


def read(path: Path, limit_gb: float, threads: int) -> dict[str, object]:
    """Read it within the limit; return the account, and a sum over all records that are placed."""
    limit = int(limit_gb * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    told = {"position": POSITION, "options": layers.ReadOptions(fields=FIELDS)}
    started, used = time.monotonic(), time.process_time()
    stream = lazy.read_csv(path, **told) if path.suffix == ".csv" else lazy.read_parquet(path, **told)
    planned = time.monotonic() - started
    with dask.config.set(scheduler="threads", num_workers=threads):
        total, account = stream.compute(lambda layer: float(layer.table["speed"].sum()), combine=operator.add)
    return {
        "records_in": account.records_in, "placed": account.placed, "quarantined": account.quarantined,
        "rejected": account.rejected, "parts": account.partitions, "speeds": total, "plan_s": round(planned, 1),
        "wall_s": round(time.monotonic() - started, 1), "cpu_s": round(time.process_time() - used, 1),
    }  # fmt: skip


def main() -> None:
    """Write, read in a process of its own, compare, say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--form", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--limit-gb", type=float, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--read", type=Path, default=None, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.read is not None:
        print(json.dumps(read(told.read, told.limit_gb, told.threads)))
        return
    folder = Path(tempfile.mkdtemp(prefix="streams-", dir=told.folder))
    try:
        free = shutil.disk_usage(folder).free
        if told.form == "csv" and free < 1.2e9 * told.gigabytes:
            sys.exit(f"{folder} has {free / 1e9:.0f} GB free; name a larger --folder, or fewer --gigabytes.")
        path = folder / f"probes.{told.form}"
        expected = write(path, told.gigabytes)
        command = [sys.executable, "-m", "benchmarks.streams", "--read", str(path), "--limit-gb", str(told.limit_gb)]
        environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
        process = subprocess.Popen(
            [*command, "--threads", str(told.threads)], cwd=HOUSE, env=environment, stdout=subprocess.PIPE, text=True
        )
        printed, peak = watched(process)
        if process.returncode:
            sys.exit(f"reading failed with code {process.returncode}")
        found = json.loads(printed.splitlines()[-1])
        wrong = {name: (found[name], count) for name, count in expected.items() if found[name] != count}
        print(json.dumps({**found, "file_gb": round(path.stat().st_size / 1e9, 2), "peak_gb": round(peak / 1e9, 2)}))
        if wrong or found["records_in"] != found["placed"] + found["quarantined"] + found["rejected"]:
            sys.exit(f"the account does not hold what was written: {wrong}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
