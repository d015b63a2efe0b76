"""A disk that fills up in the middle of builds: `python -m tests.twin.plugs.disk --offsets 50`.

The twin stands on a small disk of its own (tmpfs, in a mount namespace that ends with this process) on which a ballast
leaves so many bytes. A build there ends whole or says that the disk is full; the former snapshot is served, its account
is exact, and with the ballast gone the next build ends with the content hash of an undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import twin
from tests.twin.plugs.stage import Stage, finished, fork, leftovers, prepare, wait_unlocked

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NO_MOUNT", "Tally", "apart", "fill_disk", "small_disk"]

#: Exit code where a disk of one's own cannot be had.
NO_MOUNT = 77
_DISK_MB = 64
_APART = "--apart"


@dataclass
class Tally:
    """What came of it.

    Parameters
    ----------
    completed, refused : int
        Builds that ended whole, and that said that the disk is full.
    steps : list of int
        How many steps stood when a disk was full.
    needed : int
        Bytes that an undisturbed build takes.
    faults : list of str
        Whatever is not as promised.
    """

    completed: int = 0
    refused: int = 0
    steps: list[int] = field(default_factory=list)
    needed: int = 0
    faults: list[str] = field(default_factory=list)
    said: str = ""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a disk of our own below a folder; None where that is not allowed."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def apart(module: str) -> int | None:
    """Run a module once more with mounts of its own; None if this is it, or if it cannot be had."""
    if _APART in sys.argv or shutil.which("unshare") is None:
        return None
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        return None
    command = ["unshare", "-rm", sys.executable, "-m", module, _APART, *sys.argv[1:]]
    return subprocess.run(command, check=False).returncode


def fill_disk(stage: Stage, disk: Path, *, offsets: int, workers: tuple[int, ...], seed: int) -> Tally:
    """Build on a disk that has so many different numbers of bytes left."""
    tally, path = Tally(), disk / "t.twin"
    stage.copy(path)
    tally.needed = _needed(stage, path, disk)
    rng = np.random.default_rng(seed)
    # One in each stretch of what is needed, and one with enough: there the build has to end whole.
    places = np.append((np.arange(offsets - 1) + rng.random(offsets - 1)) / (offsets - 1), 1.2)
    for turn, share in enumerate(places.tolist()):
        _build_on_little(stage, path, int(share * tally.needed), workers=workers[turn % len(workers)], tally=tally)
    return tally


def _needed(stage: Stage, path: Path, disk: Path) -> int:
    free = shutil.disk_usage(disk).free
    code, said = fork(lambda: twin.build(stage.manifest, out=path, workers=0)).wait()
    if code:
        raise RuntimeError(said)
    return free - shutil.disk_usage(disk).free


def _build_on_little(stage: Stage, path: Path, left: int, *, workers: int, tally: Tally) -> None:
    stage.copy(path)
    ballast = path.parent / "ballast"
    ledger = twin.open(path).ledger()
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, shutil.disk_usage(path).free - left))
    where = f"with {left} bytes and {workers} workers"
    code, said = fork(lambda: twin.build(stage.manifest, out=path, workers=workers)).wait()
    wait_unlocked(path)
    city = twin.open(path)
    tally.faults += [f"{where}: {fault}" for fault in city.verify()]
    if code == 0:
        tally.completed += 1
    else:
        tally.refused += 1
        tally.steps.append(len(finished(path)) - len(finished(stage.template)))
        tally.said = said
        if code != 3 or "is full" not in said:
            tally.faults.append(f"{where}: {said}")
        if city.snapshot == stage.before and not city.ledger().equals(ledger):
            tally.faults.append(f"{where}: the account of the former snapshot differs")
    if (city.snapshot == stage.after) is not (code == 0) and city.snapshot != stage.before:
        tally.faults.append(f"{where}: {city.snapshot} is served")
    ballast.unlink()
    again, said = fork(lambda: twin.build(stage.manifest, out=path, workers=0)).wait()
    if again or twin.open(path).snapshot != stage.after:
        tally.faults.append(f"{where}: the next build did not end as it should: {said}")
    tally.faults += [f"{where}: {one} was left" for one in leftovers(path)]


def main() -> int:
    """Run and print what came of it; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offsets", type=int, default=50)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--stretch", type=int, help="records of a partition; default: no dataset is that large")
    parser.add_argument(_APART, action="store_true", help="this process has a mount namespace of its own")
    asked = parser.parse_args()
    done = apart("tests.twin.plugs.disk")
    if done is not None:
        return done
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder)) as disk:
        if disk is None:
            return NO_MOUNT
        workers = tuple(asked.workers)
        stage = prepare(Path(folder), workers, stretch=asked.stretch)
        tally = fill_disk(stage, disk, offsets=asked.offsets, workers=workers, seed=asked.seed)
    print(json.dumps(vars(tally)))
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
