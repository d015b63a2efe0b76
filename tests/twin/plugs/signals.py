"""Workers killed and stopped in the middle of builds: `python -m tests.twin.plugs.signals --times 20`.

One of two workers gets SIGKILL or SIGSTOP at a drawn moment after the first step has begun. A build ends with the
snapshot of an undisturbed one, or with an error that says what to do; it never stands still.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import dask
import numpy as np
import psutil

import twin
from tests.twin.plugs.stage import Reader, Stage, finished, fork, leftovers, prepare, wait_unlocked

__all__ = ["Tally", "disturb_builds"]

_STANDS_STILL_S = 180.0
# The least that Dask accepts is ten heartbeats, five seconds with few workers.
_SILENT = "3 s"


@dataclass
class Tally:
    """What came of it.

    Parameters
    ----------
    completed, refused : dict
        Builds that ended whole, and with an error for people, by signal.
    seconds : list of float
        How long each disturbed build took.
    faults : list of str
        Whatever is not as promised.
    """

    completed: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    looks: int = 0


def disturb_builds(folder: Path, *, times: int, seed: int, stretch: int | None = None) -> Tally:
    """Disturb so many builds, by SIGKILL and SIGSTOP in turn."""
    stage = prepare(folder, (2,), stretch=stretch)
    rng, tally = np.random.default_rng(seed), Tally()
    with dask.config.set({"distributed.scheduler.worker-ttl": _SILENT}):
        for turn in range(times):
            sent = (signal.SIGKILL, signal.SIGSTOP)[turn % 2]
            _disturb(stage, folder / "t.twin", sent, rng=rng, tally=tally)
    return tally


def _disturb(stage: Stage, path: Path, sent: signal.Signals, *, rng: np.random.Generator, tally: Tally) -> None:
    stage.copy(path)
    before, reader = len(finished(path)), Reader(path)
    begin = time.perf_counter()
    child = fork(lambda: twin.build(stage.manifest, out=path, workers=2))
    while not list((path / "work").glob(".*.tmp")) and len(finished(path)) == before and not child.ended(0.01):
        pass
    hit = None
    if not child.ended(rng.random() * stage.seconds[2] / 2):
        workers = [one for one in psutil.Process(child.pid).children() if "tracker" not in " ".join(one.cmdline())]
        if workers:
            hit = workers[int(rng.integers(len(workers)))]
            hit.send_signal(sent)
    ended = child.ended(_STANDS_STILL_S)
    if not ended:
        tally.faults.append(f"{sent.name}: the build stood still")
        child.kill()
    code, said = child.wait()
    tally.seconds.append(round(time.perf_counter() - begin, 1))
    told = tally.completed if code == 0 else tally.refused
    told[sent.name if hit else "none"] = told.get(sent.name if hit else "none", 0) + 1
    if code not in {0, 3}:
        tally.faults.append(f"{sent.name}: {said}")
    if hit is not None and hit.is_running() and hit.status() != psutil.STATUS_ZOMBIE:
        tally.faults.append(f"{sent.name}: the worker was left behind")
        hit.kill()
    wait_unlocked(path)
    if code != 0:
        again = fork(lambda: twin.build(stage.manifest, out=path, workers=0))
        tally.faults += [f"after {sent.name}: {text}" for number, text in [again.wait()] if number]
    city = twin.open(path)
    if city.snapshot != stage.after:
        tally.faults.append(f"{sent.name}: ended with {city.snapshot}")
    tally.faults += [f"{sent.name}: {fault}" for fault in city.verify()]
    tally.faults += [f"{sent.name}: {one} was left" for one in leftovers(path) if code == 0 and one.is_file()]
    looks, _, faults = reader.stop()
    tally.looks += looks
    tally.faults += faults


def main() -> int:
    """Run and print what came of it; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--stretch", type=int, help="records of a partition; default: no dataset is that large")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = disturb_builds(Path(folder), times=asked.times, seed=asked.seed, stretch=asked.stretch)
    print(json.dumps(vars(tally)))
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
