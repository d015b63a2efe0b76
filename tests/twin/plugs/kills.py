"""Builds killed at random moments: `python -m tests.twin.plugs.kills --kills 200`.

A build in a process group of its own is killed with SIGKILL, workers and all, at a drawn moment, while another process
reads. Counted is whether the twin then opens whole, whether the next build ends with the content hash of an undisturbed
one, what it does again that had been finished, and whether the reader ever saw anything but the two whole states.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import twin
from tests.twin.plugs.stage import Reader, Stage, finished, fork, leftovers, prepare, wait_unlocked

__all__ = ["Tally", "kill_builds"]


@dataclass
class Tally:
    """What came of the kills.

    Parameters
    ----------
    kills : int
        Builds that were killed; those that ended before their moment are drawn again.
    faults : list of str
        Whatever is not as promised.
    reached : Counter
        How many kills at how many finished steps.
    in_flight : int
        Most steps of one killed build that had begun and have to be done again.
    redone : int
        Steps that stood whole after a kill and were done again.
    looks : int
        How often a reader opened, read and verified a twin meanwhile.
    """

    kills: int = 0
    early: int = 0
    faults: list[str] = field(default_factory=list)
    reached: Counter[int] = field(default_factory=Counter)
    in_flight: Counter[int] = field(default_factory=Counter)
    redone: int = 0
    looks: int = 0
    states: Counter[str] = field(default_factory=Counter)


def kill_builds(stage: Stage, folder: Path, *, kills: int, workers: tuple[int, ...], seed: int) -> Tally:
    """Kill so many builds, workers by turns, and resume each."""
    rng, tally = np.random.default_rng(seed), Tally()
    digests: dict[str, str] = {}
    while tally.kills < kills:
        number = workers[tally.kills % len(workers)]
        _kill_one(stage, folder / "t.twin", number, rng.random(), tally=tally, digests=digests)
        print(json.dumps(vars(tally)), file=sys.stderr, flush=True)
    return tally


def _kill_one(stage: Stage, path: Path, workers: int, moment: float, *, tally: Tally, digests: dict[str, str]) -> None:
    stage.copy(path)
    reader = Reader(path)
    begin = time.perf_counter()
    child = fork(lambda: twin.build(stage.manifest, out=path, workers=workers))
    early = child.ended(1.25 * moment * stage.seconds[workers])  # with a reader beside it, it takes longer
    if not early:
        child.kill()
    code, said = child.wait()
    if early:
        tally.early += 1
        stage.seconds[workers] = time.perf_counter() - begin  # the machine has more to give than it had
        if code != 0:
            tally.faults.append(f"a build that was not killed failed: {said}")
        reader.stop()
        return
    where = f"kill {tally.kills} at {moment:.3f} of {workers} workers"
    tally.kills += 1
    stage.seconds[workers] *= 1.02
    wait_unlocked(path)
    stood, half = finished(path), len([one for one in leftovers(path) if one.parent.name != "runs"])
    new = {name: inode for name, inode in stood.items() if name not in finished(stage.template)}
    tally.reached[len(new)] += 1
    tally.in_flight[half] += 1
    if half > max(1, workers):
        tally.faults.append(f"{where}: {half} steps were half done")
    shown = twin.open(path)
    tally.states["after" if shown.snapshot == stage.after else "before"] += 1
    _check(shown, {stage.before, stage.after}, tally, where)
    # The result does not depend on who ends it; forks without a cluster take a third of the time.
    again = fork(lambda: twin.build(stage.manifest, out=path, workers=workers if tally.kills % 4 == 0 else 0))
    code, said = again.wait()
    if code != 0:
        tally.faults.append(f"{where}: the next build failed: {said}")
        reader.stop()
        return
    _check(twin.open(path), {stage.after}, tally, where)
    now = finished(path)
    tally.redone += sum(now.get(name) != inode for name, inode in new.items())
    run = json.loads(max((path / "runs").glob("*.json")).read_bytes())
    tally.redone += sum(not step["reused"] and f"work/{step['folder']}" in new for step in run["steps"])
    tally.faults += [f"{where}: {one} was left" for one in leftovers(path)]
    looks, seen, faults = reader.stop()
    tally.looks += looks
    tally.faults += [f"{where}: a reader saw {fault}" for fault in faults]
    for snapshot, digest in seen.items():
        if snapshot not in {stage.before, stage.after} or digests.setdefault(snapshot, digest) != digest:
            tally.faults.append(f"{where}: a reader saw {snapshot} with {digest}")


def _check(city: twin.Twin, known: set[str], tally: Tally, where: str) -> None:
    if city.snapshot not in known:
        tally.faults.append(f"{where}: {city.snapshot} is none of {known}")
    tally.faults += [f"{where}: {fault}" for fault in city.verify()]


def main() -> int:
    """Run and print what came of it; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 0, 2])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--stretch", type=int, help="records of a partition; default: no dataset is that large")
    asked = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        workers = tuple(asked.workers)
        stage = prepare(Path(folder), workers, stretch=asked.stretch)
        tally = kill_builds(stage, Path(folder), kills=asked.kills, workers=workers, seed=asked.seed)
    told = {**vars(tally), "seconds": round(time.perf_counter() - begin, 1)}
    print(json.dumps(told))
    return 1 if tally.faults or tally.redone else 0


if __name__ == "__main__":
    sys.exit(main())
