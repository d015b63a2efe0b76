"""An OpenStreetMap PBF of made streets read part by part: what the index of nodes and the parts take.

    python -m benchmarks.osm_parts [--million-nodes 6] [--partition-mb 8] [--eager] [--threads 2] [--folder /scratch]

Osmium writes the streets of one square of a town, in blobs of 8,000 as always; the same file is written for many
squares, with ids and places of their own, and the blobs are put in a row: first those of all nodes, then of all ways.
Each thousandth way ends at a node that is not in the file. Memory is watched from outside.
"""

import argparse
import json
import operator
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dask
import numpy as np
import osmium
from osmium.osm.mutable import Node, Way

import layers
from benchmarks.watched import watched
from layers import lazy
from layers.readers.osm_blobs import scan_blobs

HOUSE = Path(__file__).resolve().parent.parent
SQUARE = 400_000
BENDS = 8


def _blobs(path: Path) -> list[bytes]:
    data = path.read_bytes()
    with path.open("rb") as file:
        ends = scan_blobs(file, len(data), label=path.name)
    return [data[start:stop] for start, stop in zip([0, *ends], ends, strict=False)]


def _square(folder: Path, number: int) -> tuple[bytes, bytes, bytes]:
    """Return the header, the nodes and the ways of one square."""
    random = np.random.default_rng(number)
    west, south, first = -180 + number % 300, -60 + number // 300, 1 + number * SQUARE
    places = np.round(random.random((SQUARE, 2)) + np.array([west, south]), 7).tolist()
    ways = random.integers(first, first + SQUARE, (SQUARE // BENDS, BENDS)).tolist()
    pieces = []
    for kind in ("nodes", "ways"):
        path = folder / f"{kind}.osm.pbf"
        with osmium.SimpleWriter(str(path), overwrite=True) as file:
            if kind == "nodes":
                for i, place in enumerate(places):
                    file.add_node(Node(id=first + i, version=1, location=place))
            else:
                for i in range(SQUARE // BENDS):
                    bends = [*ways[i], 10**12] if i % 1000 == 0 else ways[i]
                    tags = {"highway": "residential", "name": f"Street {number} {i}", "surface": "asphalt"}
                    file.add_way(Way(id=1 + number * SQUARE + i, version=1, nodes=bends, tags=tags))
        pieces.append(_blobs(path))
    nodes, ways = pieces
    return nodes[0], b"".join(nodes[1:]), b"".join(ways[1:])


def write(path: Path, million_nodes: float) -> dict[str, int]:
    """Write the file; return what an account of it must hold."""
    squares = max(1, round(million_nodes * 1e6 / SQUARE))
    late = path.with_name("ways")
    with path.open("wb") as file, late.open("wb") as ways:
        for number in range(squares):
            header, nodes, streets = _square(path.parent, number)
            file.write(nodes if number else header + nodes)
            ways.write(streets)
    with path.open("ab") as file, late.open("rb") as ways:
        shutil.copyfileobj(ways, file)
    late.unlink()
    torn = squares * -(-SQUARE // BENDS // 1000)
    return {"records_in": squares * SQUARE // BENDS, "quarantined": torn}


def read(path: Path, partition_mb: float, threads: int, *, eager: bool) -> dict[str, object]:
    """Read its roads, whole or in parts; return the account."""
    started, used = time.monotonic(), time.process_time()
    if eager:
        ledger = layers.read(path, options=layers.ReadOptions(limits=None)).ledger
        account = lazy.Account(records_in=ledger.records_in, placed=ledger.placed, quarantined=len(ledger.quarantined))
    else:
        stream = lazy.read_osm(path, partition_mb=partition_mb)
        with dask.config.set(scheduler="threads", num_workers=threads):
            _, account = stream.compute(len, combine=operator.add)
    return {
        "records_in": account.records_in, "placed": account.placed, "quarantined": account.quarantined,
        "parts": account.partitions, "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": round(time.process_time() - used, 1),
    }  # fmt: skip


def main() -> None:
    """Write, read in a process of its own, compare, say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--million-nodes", type=float, default=6)
    parser.add_argument("--partition-mb", type=float, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--eager", action="store_true", help="then read it whole")
    parser.add_argument("--read", type=Path, default=None, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.read is not None:
        print(json.dumps(read(told.read, told.partition_mb, told.threads, eager=told.eager)))
        return
    folder = Path(tempfile.mkdtemp(prefix="osm-parts-", dir=told.folder))
    try:
        path = folder / "streets.osm.pbf"
        expected = write(path, told.million_nodes)
        command = [sys.executable, "-m", "benchmarks.osm_parts", "--read", str(path)]
        command += ["--partition-mb", str(told.partition_mb), "--threads", str(told.threads)]
        for more in [[], ["--eager"]] if told.eager else [[]]:
            process = subprocess.Popen([*command, *more], cwd=HOUSE, stdout=subprocess.PIPE, text=True)
            printed, peak = watched(process)
            if process.returncode:
                sys.exit(f"reading failed with code {process.returncode}")
            found = json.loads(printed.splitlines()[-1])
            sizes = {"file_mb": round(path.stat().st_size / 1e6, 1), "peak_gb": round(peak / 1e9, 2)}
            print(json.dumps({**found, **sizes, "eager": bool(more)}), flush=True)
            if wrong := {name: (found[name], count) for name, count in expected.items() if found[name] != count}:
                sys.exit(f"the account does not hold what was written: {wrong}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
