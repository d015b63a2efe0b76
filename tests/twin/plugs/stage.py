"""A small city twice over, builds of it in processes that can be killed, and a reader that looks on all the while."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

import dask
import numpy as np

import twin
from tests.reference.twin_cities import CITY, write_city
from twin.steps import parts
from twin.storage.locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

__all__ = ["Reader", "Stage", "finished", "fork", "leftovers", "prepare", "wait_unlocked"]

_RECEIPT = "step.json"
# Workers forked of a process that has all modules start in no time, and files are read without a zygote of their own.
_QUICK = {"distributed.worker.multiprocessing-method": "fork", "distributed.admin.log-length": 0}
#: The frame moves by a tenth of a millimetre, so every step is another one and not one result can be taken over.
_AREAS = ("[7.40, 43.72, 7.44, 43.75]", "[7.40, 43.72, 7.440000001, 43.75]")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Two states of one city.

    Parameters
    ----------
    template : Path
        A twin built of the first.
    manifest : Path
        The second; no step of it has been taken in the template.
    before, after : str
        Ids of the two snapshots, as undisturbed builds gave them.
    seconds : dict
        How long an undisturbed build of the second takes, by workers, in a forked process.
    """

    template: Path
    manifest: Path
    before: str
    after: str
    seconds: dict[int, float]

    def copy(self, place: Path) -> Path:
        """Put a fresh copy of the template somewhere."""
        shutil.rmtree(place, ignore_errors=True)
        return shutil.copytree(self.template, place)


def prepare(folder: Path, workers: tuple[int, ...], *, stretch: int | None = None) -> Stage:
    """Build both states undisturbed, and time the second; with a stretch, in partitions of so many records."""
    dask.config.set(_QUICK)
    if stretch is not None:  # forked workers see it too
        parts.STRETCH, parts.LEAST_RECORDS = stretch, stretch
    os.environ["LAYERS_IN_PROCESS"] = "1"
    first, second = folder / "first", folder / "second"
    for place, area in zip((first, second), _AREAS, strict=True):
        place.mkdir(parents=True)
        write_city(place, manifest=CITY.replace(_AREAS[0], area))
    template = folder / "template.twin"
    before = twin.build(first / "city.yaml", out=template, workers=0).snapshot
    seconds, after = {}, set()
    for number in workers:
        place = shutil.copytree(template, folder / "timed.twin")
        begin = time.perf_counter()
        child = fork(lambda place=place, number=number: twin.build(second / "city.yaml", out=place, workers=number))
        code, said = child.wait()
        if code != 0:
            raise RuntimeError(f"the undisturbed build failed with {number} workers: {said}")
        seconds[number] = time.perf_counter() - begin
        after.add(twin.open(place).snapshot)
        shutil.rmtree(place)
    if len(after) != 1 or before in after:
        raise RuntimeError(f"{workers} workers gave {after}, the first state is {before}")
    return Stage(template=template, manifest=second / "city.yaml", before=before, after=after.pop(), seconds=seconds)


class Child:
    """A forked process in a group of its own."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self._pipe = pipe

    def kill(self) -> None:
        """Kill it with all that it started in its group."""
        os.killpg(self.pid, signal.SIGKILL)

    def ended(self, within_s: float) -> bool:
        """Wait for its end, without taking notice of it."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return True
            time.sleep(0.002)
        return False

    def wait(self) -> tuple[int, str]:
        """Return how it ended, and what it said."""
        _, status = os.waitpid(self.pid, 0)
        os.set_blocking(self._pipe, False)  # its workers may hold the other end
        try:
            said = os.read(self._pipe, 1 << 16)
        except BlockingIOError:
            said = b""
        os.close(self._pipe)
        return os.waitstatus_to_exitcode(status), said.decode(errors="replace")


def fork(work: Callable[[], object]) -> Child:
    """Do something in a child that has its own process group; what it raises is what it says."""
    sys.stdout.flush()
    receiver, sender = os.pipe()
    pid = os.fork()
    if pid:
        os.close(sender)
        return Child(pid, receiver)
    code = 1
    try:
        os.setsid()
        os.close(receiver)
        work()
        code = 0
    except BaseException as error:  # noqa: BLE001 - a forked child must never return into the harness
        told = error if isinstance(error, twin.TwinError) else "".join(traceback.format_exception(error))
        os.write(sender, f"{type(error).__name__}: {told}".encode()[: 1 << 15])
        code = 3 if isinstance(error, twin.TwinError) else 1
    finally:
        os._exit(code)


def finished(path: Path) -> dict[str, int]:
    """Return what stands whole in the folder of steps, and the inode that it has."""
    receipts = [receipt for receipt in (path / "work").rglob(_RECEIPT) if ".tmp" not in receipt.as_posix()]
    return {receipt.parent.relative_to(path).as_posix(): receipt.stat().st_ino for receipt in receipts}


def leftovers(path: Path) -> list[Path]:
    """Return what is half done."""
    return [found for end in ("*.tmp", "*.old") for found in path.rglob(end)]


def wait_unlocked(path: Path, within_s: float = 10.0) -> None:
    """Wait until the processes that were killed are gone."""
    until = time.monotonic() + within_s
    while True:
        try:
            with locked(path):
                return
        except twin.BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def digest(city: twin.Twin) -> str:
    """Return a hash of numbers, features and accounts as a reader gets them."""
    state = hashlib.sha256(city.ledger().to_csv().encode())
    cube = city.cube()
    for name in sorted(cube.variables):
        state.update(np.ascontiguousarray(cube[name].to_numpy()).tobytes())
    for layer in city.layers:
        state.update(city.features(layer).to_wkb().to_csv().encode())
    return state.hexdigest()


def _look(path: Path, pipe: Connection) -> None:
    """Open, read and verify until told to stop; say how often, what was seen, and every fault."""
    told: dict[str, str] = {}
    looks, faults = 0, []
    while looks == 0 or not pipe.poll(0.4):
        try:
            city = twin.open(path)
            seen = digest(city)
            if told.setdefault(city.snapshot, seen) != seen:
                faults.append(f"{city.snapshot} was read twice and differs")
            faults += city.verify()
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is a fault of the store
            faults.append(repr(error))
        looks += 1
        if looks % 10 == 0:
            gc.collect()
    pipe.send((looks, told, faults))


class Reader:
    """A process that reads a twin over and over.

    Parameters
    ----------
    path : Path
        Folder of the twin; a snapshot is there.
    """

    def __init__(self, path: Path) -> None:
        context = get_context("fork")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_look, args=(path, other), daemon=True)
        self._process.start()

    def stop(self) -> tuple[int, dict[str, str], list[str]]:
        """Return how often it looked, a digest by snapshot, and what was wrong."""
        self._pipe.send("stop")
        seen: tuple[int, dict[str, str], list[str]] = self._pipe.recv()
        self._process.join()
        return seen
