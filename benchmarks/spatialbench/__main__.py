"""SpatialBench's joins beside SedonaDB, DuckDB and GeoPandas, on one seeded city.

    python -m benchmarks.spatialbench [--trips N] [--zones N] [--buildings N] [--rounds N] [queries ...]

The queries are those of Apache Sedona's SpatialBench (https://sedona.apache.org/spatialbench/queries and the file
print_queries.py of apache/sedona-spatialbench) that join or search: all but Q5 (hulls) and Q7 (lengths). The tables are
in the shape of SpatialBench, by our own generator: its own spreads trips and 20,000 buildings over continents
and takes its zones from the network. Here all is in one city of 30 x 30 km, so every distance is a tenth of the
published one (50 km become 5 km, 500 m become 50 m), and nothing is cut by LIMIT, so that whole answers are compared.

SpatialBench measures in degrees of the plane. Here ours measures metres on the ellipsoid, and the peers, who are asked
the same, get positions in metres of an azimuthal equidistant plane (off by less than 2e-6 in this city). Every engine
holds its tables in memory, with geometry ready. Keys and counts must be equal, measures within 1e-3 (relative).
Peers: ``pip install sedonadb==0.5.0 duckdb==1.5.5 duckdb-extension-spatial``; who is not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.spatialbench.frames import GeoPandas, Ours
from benchmarks.spatialbench.sql import QUERIES, duckdb, sedonadb
from benchmarks.spatialbench.tables import PLANE, draw

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.spatialbench.sql import Run

TOLERANCE = 1e-3


def differing(ours: pd.DataFrame, theirs: pd.DataFrame) -> int:
    """Count rows that are not the same: keys and counts to the unit, measures within the tolerance."""
    ours, theirs = (each.set_axis([str(c).lower() for c in each.columns], axis=1) for each in (ours, theirs))
    whole = [c for c in ours.columns if ours[c].dtype.kind in "iu"]
    keys = [c for c in whole if c.endswith("key") or c in {"one", "two", "month"}]
    if not keys:
        return int((ours.to_numpy() != theirs.to_numpy()).sum())
    both = ours.merge(theirs, on=keys, how="outer", suffixes=("", "_theirs"))
    wrong = np.zeros(len(both), dtype=bool)
    for column in ours.columns.difference(keys):
        a, b = (both[c].to_numpy(dtype=np.float64, na_value=np.nan) for c in (column, f"{column}_theirs"))
        near = (a == b) if column in whole else np.isclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        wrong |= ~near
    return int(wrong.sum())


def compete(query: str, contestants: dict[str, Run], rounds: int) -> None:
    """Run in turn, compare, print a row an engine. The first contestant is the measure."""
    answers = {name: run() for name, run in contestants.items()}  # also compiles and warms up
    first = next(iter(answers.values()))
    wall: dict[str, list[float]] = {name: [] for name in contestants}
    cpu: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            start_wall, start_cpu = time.perf_counter(), time.process_time()
            run()
            wall[name].append(time.perf_counter() - start_wall)
            cpu[name].append(time.process_time() - start_cpu)
    base_wall, base_cpu = (statistics.median(next(iter(s.values()))) for s in (wall, cpu))
    for name, answer in answers.items():
        w, c = statistics.median(wall[name]), statistics.median(cpu[name])
        off = differing(first, answer)
        same = f"{len(answer):,} rows" if off == 0 else f"{off:,} of {len(answer):,} rows differ"
        row = f"| {query} | {name} | {w:.3f} | {c:.3f} | {w / base_wall:.1f} | {c / base_cpu:.1f} | {same} |"
        print(row, flush=True)


def main() -> None:
    """Draw the tables, run every query in turn by everyone who can, compare, print."""
    every = [*QUERIES, "q12", "q12few"]
    parser = argparse.ArgumentParser()
    parser.add_argument("queries", nargs="*", default=[], help=f"of {', '.join(every)}; all by default")
    parser.add_argument("--trips", type=int, default=1_000_000)
    parser.add_argument("--zones", type=int, default=263)
    parser.add_argument("--buildings", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    degrees = draw(given.trips, given.zones, given.buildings)
    metres = degrees.to_crs(PLANE)
    engines: dict[str, Any] = {"SedonaDB": sedonadb(degrees, metres), "DuckDB": duckdb(degrees, metres)}
    for name, frames in (("ours", Ours(degrees)), ("GeoPandas", GeoPandas(metres))):
        engines[name] = {query: getattr(frames, query) for query in every if hasattr(frames, query)}
    print(
        f"{given.trips:,} trips, {given.zones:,} zones, {given.buildings:,} buildings, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| query | engine | wall s | cpu s | wall ratio | cpu ratio | same answer |\n|---|---|---|---|---|---|---|")
    order = ("ours", "SedonaDB", "DuckDB", "GeoPandas")
    for query in given.queries or every:
        compete(query, {name: engines[name][query] for name in order if query in engines[name]}, given.rounds)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
