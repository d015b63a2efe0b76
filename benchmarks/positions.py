"""Speed and answers of the position engine beside its peers, in one run.

    python -m benchmarks.positions [--peers FOLDER] [--count N] [--json FILE]

The peers (pyproj, eviltransform, coord-convert, prcoords, transbigdata) are no dependencies of the product. Those
that the environment lacks are taken from FOLDER, made with `pip install --target FOLDER eviltransform==0.1.1
coord-convert==0.2.1 prcoords==1.0.2 transbigdata==0.5.3`; those found in neither place are named in the report.

All contenders of a task take turns, five rounds of them, and the median of a contender's rates counts, so that
another load on the machine meets them alike. One thread each. A peer that takes one position at a time gets fewer
of them. "off" is the greatest distance between a contender's answer and the true one over the same positions, m.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import statistics
import sys
import time
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

import crs
from crs import china
from tests.reference import crs_china as published

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Pair = tuple[Floats, Floats]

ROUNDS = 5
# A loop over single positions gets one in so many: 0.1 s are enough to time it.
LOOP_SHARE = 50
PEERS = {
    "eviltransform": "eviltransform",
    "coord-convert": "coord_convert.transform",
    "prcoords": "prcoords",
    "transbigdata": "transbigdata",
}
# An inverse that is further off than this is not called exact.
EXACT_M = 0.001


@dataclass(kw_only=True)
class Contender:
    """One way of doing a task."""

    name: str
    run: Callable[[Floats, Floats], Pair]
    loop: bool = False
    rates: list[float] = field(default_factory=list)
    off_m: float = float("nan")

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


@dataclass(kw_only=True)
class Task:
    """The same question to several contenders; the truth is in the units of the answer."""

    name: str
    given: Pair
    truth: Pair
    contenders: list[Contender]
    in_metres: bool = False


def each(one: Callable[[float, float], Any], *, swap: bool = False) -> Callable[[Floats, Floats], Pair]:
    """Loop over a peer that takes and gives one position, latitude first if `swap`."""

    def run(x: Floats, y: Floats) -> Pair:
        first, second = (y, x) if swap else (x, y)
        pairs = np.array([tuple(one(a, b)) for a, b in zip(first.tolist(), second.tolist(), strict=True)])
        return (pairs[:, 1], pairs[:, 0]) if swap else (pairs[:, 0], pairs[:, 1])

    return run


def prcoords_each(peer: Any, name: str) -> Callable[[Floats, Floats], Pair]:  # noqa: ANN401 - a module or None
    """Loop over a function of `prcoords`, which takes its own type, latitude first."""
    function, position = getattr(peer, name), peer.Coords
    return each(lambda lat, lon: function(position(lat, lon)), swap=True)


def find_peers(folder: Path | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the peers that can be imported, and for the others why they cannot."""
    if folder is not None:
        sys.path.append(str(folder))  # last: what the product itself uses stays the product's
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, module in PEERS.items():
        try:
            found[name] = importlib.import_module(module)
        except ImportError as error:
            missing[name] = str(error)
    return found, missing


def numpy_inverse(lon: Floats, lat: Floats) -> Pair:
    """Invert by five fixed-point steps, the fewest that come below a micrometre; without a mask."""
    return published.wgs84_everywhere(lon, lat, steps=5)


def gcj_tasks(found: dict[str, Any], wgs84: Pair) -> list[Task]:
    gcj02 = published.gcj02_everywhere(*wgs84)
    forward = [
        Contender(name="crs", run=china.gcj02_from_wgs84),
        Contender(name="numpy", run=published.gcj02_everywhere),
    ]
    exact = [Contender(name="crs", run=china.wgs84_from_gcj02), Contender(name="numpy", run=numpy_inverse)]
    if peer := found.get("eviltransform"):
        forward.append(Contender(name="eviltransform", run=each(peer.wgs2gcj, swap=True), loop=True))
        exact.append(Contender(name="eviltransform fast", run=each(peer.gcj2wgs, swap=True), loop=True))
        exact.append(Contender(name="eviltransform exact", run=each(peer.gcj2wgs_exact, swap=True), loop=True))
    if peer := found.get("coord-convert"):
        forward.append(Contender(name="coord-convert", run=each(peer.wgs2gcj), loop=True))
        exact.append(Contender(name="coord-convert", run=each(peer.gcj2wgs), loop=True))
    if peer := found.get("prcoords"):
        forward.append(Contender(name="prcoords", run=prcoords_each(peer, "wgs_gcj"), loop=True))
        exact.append(Contender(name="prcoords", run=prcoords_each(peer, "gcj_wgs"), loop=True))
        exact.append(Contender(name="prcoords bored", run=prcoords_each(peer, "gcj_wgs_bored"), loop=True))
    if peer := found.get("transbigdata"):
        forward.append(Contender(name="transbigdata", run=peer.wgs84togcj02))
        exact.append(Contender(name="transbigdata", run=peer.gcj02towgs84))
    return [
        Task(name="WGS 84 -> GCJ-02", given=wgs84, truth=gcj02, contenders=forward),
        Task(name="GCJ-02 -> WGS 84", given=gcj02, truth=wgs84, contenders=exact),
    ]


def bd_tasks(found: dict[str, Any], gcj02: Pair) -> list[Task]:
    bd09 = published.bd09(*gcj02)
    forward = [Contender(name="crs", run=china.bd09_from_gcj02), Contender(name="numpy", run=published.bd09)]
    inverse = [Contender(name="crs", run=china.gcj02_from_bd09)]
    metres = china.bd09mc_from_bd09(*bd09)
    mercator = [Contender(name="crs", run=china.bd09_from_bd09mc)]
    if peer := found.get("eviltransform"):
        forward.append(Contender(name="eviltransform", run=each(peer.gcj2bd, swap=True), loop=True))
        inverse.append(Contender(name="eviltransform", run=each(peer.bd2gcj, swap=True), loop=True))
    if peer := found.get("coord-convert"):
        inverse.append(Contender(name="coord-convert", run=each(peer.bd2gcj), loop=True))
    if peer := found.get("prcoords"):
        inverse.append(Contender(name="prcoords bored", run=prcoords_each(peer, "bd_gcj_bored"), loop=True))
    if peer := found.get("transbigdata"):
        inverse.append(Contender(name="transbigdata", run=peer.bd09togcj02))
        mercator.append(Contender(name="transbigdata", run=transbigdata_mercator(peer)))
    return [
        Task(name="GCJ-02 -> BD-09", given=gcj02, truth=bd09, contenders=forward),
        Task(name="BD-09 -> GCJ-02", given=bd09, truth=gcj02, contenders=inverse),
        Task(name="Baidu Mercator -> BD-09", given=metres, truth=bd09, contenders=mercator),
    ]


def transbigdata_mercator(peer: Any) -> Callable[[Floats, Floats], Pair]:  # noqa: ANN401 - a module
    """Read Baidu Mercator as `transbigdata` does: the first row's band for all, if it is handed a column."""
    frames = importlib.import_module("pandas")

    def run(x: Floats, y: Floats) -> Pair:
        lon, lat = peer.bd09mctobd09(frames.Series(x), frames.Series(y))
        return lon.to_numpy(), lat.to_numpy()

    return run


def projection_tasks(wgs84: Pair) -> list[Task]:
    """CGCS2000 degrees to Gauss-Krueger at 120 degrees east (EPSG:4549) and back, within its three degrees."""
    rng = np.random.default_rng(1)
    degrees = rng.uniform(118.6, 121.4, wgs84[0].size), rng.uniform(26.0, 40.0, wgs84[0].size)
    transformer = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True)
    metres = transformer.transform(*degrees)
    return [
        Task(
            name="CGCS2000 -> EPSG:4549",
            given=degrees,
            truth=metres,
            contenders=[
                Contender(name="crs", run=lambda x, y: crs.transform(x, y, source="EPSG:4490", target="EPSG:4549")),
                Contender(name="pyproj", run=transformer.transform),
            ],
            in_metres=True,
        ),
        Task(
            name="EPSG:4549 -> CGCS2000",
            given=metres,
            truth=degrees,
            contenders=[
                Contender(name="crs", run=lambda x, y: crs.transform(x, y, source="EPSG:4549", target="EPSG:4490")),
                Contender(name="pyproj", run=lambda x, y: transformer.transform(x, y, direction="INVERSE")),
            ],
        ),
    ]


def measure(task: Task) -> None:
    """Let the contenders take turns; the first turn warms up and is compared with the truth."""
    count = task.given[0].size
    for turn in range(ROUNDS + 1):
        for contender in task.contenders:
            used = count // LOOP_SHARE if contender.loop else count
            x, y = (values[:used] for values in task.given)
            start = time.perf_counter()
            answer = contender.run(x, y)
            spent = time.perf_counter() - start
            if turn:
                contender.rates.append(used / spent)
                continue
            true_x, true_y = (values[:used] for values in task.truth)
            if task.in_metres:
                off = np.hypot(answer[0] - true_x, answer[1] - true_y)
            else:
                off = published.distance_m(*answer, true_x, true_y)
            contender.off_m = float(np.max(off))


def memory_ratio(given: Pair, run: Callable[[Floats, Floats], Pair]) -> float:
    """Return the peak memory of a move, its answer included, in sizes of the two arrays that it is given."""
    run(given[0][:1], given[1][:1])
    tracemalloc.start()
    try:
        run(*given)
        return tracemalloc.get_traced_memory()[1] / (given[0].nbytes + given[1].nbytes)
    finally:
        tracemalloc.stop()


def show(tasks: list[Task], missing: dict[str, str]) -> None:
    for task in tasks:
        ours = task.contenders[0].rate
        print(f"\n{task.name} ({task.given[0].size:,} positions)")
        print(f"  {'':22}{'M/s':>9}{'crs is':>10}{'off, m':>12}")
        for contender in task.contenders:
            times = f"{ours / contender.rate:.1f} x"
            print(f"  {contender.name:22}{contender.rate / 1e6:9.3f}{times:>10}{contender.off_m:12.2g}")
    print()
    for name, reason in missing.items():
        print(f"not measured: {name} ({reason})")


def judge(inverse: Task, projections: list[Task]) -> list[tuple[str, float, float, bool]]:
    """Compare with the goals: what, measured, goal, met."""
    ours, by_numpy = inverse.contenders[:2]
    exact = [peer.rate for peer in inverse.contenders[2:] if peer.off_m <= EXACT_M]
    goals = [
        ("exact inverse over numpy, times", ours.rate / by_numpy.rate, 2.5, ours.rate >= 2.5 * by_numpy.rate),
        ("round trip, micrometres", ours.off_m * 1e6, 1.0, ours.off_m <= 1e-6),
    ]
    for task in (inverse, *projections):
        memory = memory_ratio(task.given, task.contenders[0].run)
        goals.append((f"memory of {task.name}, sizes of the arrays", memory, 2.0, memory <= 2.0))
    for task in projections:
        times = task.contenders[0].rate / task.contenders[1].rate
        goals.append((f"{task.name} over pyproj, times", times, 2.0, times >= 2.0))
    if exact:
        times = ours.rate / max(exact)
        goals.append(("exact inverse over the best exact peer, times", times, 10.0, times >= 10.0))
    return goals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="folder that the peers were installed into")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    found, missing = find_peers(chosen.peers)
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(73.5, 135.0, 4 * chosen.count), rng.uniform(18.2, 53.5, 4 * chosen.count)
    clear = china.in_china(lon, lat) & ~china.near_mask_edge(lon, lat)
    wgs84 = lon[clear][: chosen.count], lat[clear][: chosen.count]
    gcj02 = published.gcj02_everywhere(*wgs84)
    projections = projection_tasks(wgs84)
    tasks = [*gcj_tasks(found, wgs84), *bd_tasks(found, gcj02), *projections]
    for task in tasks:
        measure(task)
    show(tasks, missing)
    goals = judge(tasks[1], projections)
    for what, measured, goal, met in goals:
        print(f"{'met   ' if met else 'MISSED'} {what}: {measured:.3g} (goal {goal:g})")
    if chosen.json:
        rates = {
            task.name: {c.name: {"per_s": round(c.rate), "off_m": c.off_m} for c in task.contenders} for task in tasks
        }
        report = {"python": platform.python_version(), "tasks": rates, "missing": missing}
        chosen.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
