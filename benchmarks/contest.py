"""Contestants in turn, A B C A B C, in one process: medians of their wall and processor seconds, answers compared.

Only the ratios mean anything on a shared machine. The first contestant is the measure.
"""

from __future__ import annotations

import importlib
import os
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rows = tuple[np.ndarray, ...]
    Times = dict[str, tuple[float, float]]

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Contestant:
    """Someone who answers the question."""

    name: str
    run: Callable[[], Any]
    rows: Callable[[Any], Rows]
    """Turn an answer into arrays that can be compared."""


def peer(module: str) -> Any:  # noqa: ANN401
    """Import a peer, None if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as reason:
        print(f"  ({module} is left out: {reason})")
        return None


def agree(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whole numbers must be equal; fractions within a millionth, or a part of 100,000 of what is large."""
    if ours.shape != theirs.shape:
        return False
    return bool(np.allclose(ours, theirs, rtol=1e-5, atol=1e-6) if ours.dtype.kind == "f" else (ours == theirs).all())


def same_rows(ours: Rows, theirs: Rows) -> bool:
    return len(ours) == len(theirs) and all(map(agree, ours, theirs))


def compete(title: str, contestants: Sequence[Contestant], rounds: int) -> Times:
    """Run in turn, compare, print; return the medians of wall and processor seconds."""
    first = [c.rows(c.run()) for c in contestants]  # also compiles and warms up
    same = [same_rows(first[0], rows) for rows in first]
    spent: dict[str, list[tuple[float, float]]] = {c.name: [] for c in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            wall, cpu = time.perf_counter(), time.process_time()
            answer = contestant.run()
            spent[contestant.name].append((time.perf_counter() - wall, time.process_time() - cpu))
            del answer
    print(f"\n{title}\n\n| | wall s | cpu s | wall ratio | cpu ratio | same answer |\n|---|---|---|---|---|---|")
    times: Times = {}
    for contestant, equal in zip(contestants, same, strict=True):
        wall, cpu = (statistics.median(column) for column in zip(*spent[contestant.name], strict=True))
        times[contestant.name] = (wall, cpu)
        by_wall, by_cpu = (t / max(base, 1e-9) for t, base in zip((wall, cpu), times[contestants[0].name], strict=True))
        print(f"| {contestant.name} | {wall:.3f} | {cpu:.3f} | {by_wall:.1f} | {by_cpu:.1f} | {equal} |", flush=True)
    return times


def goal(what: str, times: Times, names: tuple[str, str], asked: float) -> None:
    """Say how many times faster one contestant is than another, by processor and by wall clock."""
    if not set(names) <= times.keys():
        print(f"- not measured: {what} (asked {asked:g})")
        return
    wall, cpu = (theirs / max(ours, 1e-9) for ours, theirs in zip(*(times[name] for name in names), strict=True))
    print(f"- {'met' if cpu >= asked else 'SHORT'}: {what}: {cpu:.1f} by cpu, {wall:.1f} by wall (asked {asked:g})")


def peak_above(run: Callable[[], Any]) -> float:
    """Return by how many megabytes the process grows at most while something runs, its answer included."""
    resident, ended = Path("/proc/self/statm"), threading.Event()
    before = _resident(resident)
    most = [before]

    def watch() -> None:
        while not ended.wait(0.002):
            most[0] = max(most[0], _resident(resident))

    watcher = threading.Thread(target=watch)
    watcher.start()
    answer = run()
    ended.set()
    watcher.join()
    most[0] = max(most[0], _resident(resident))
    del answer
    return (most[0] - before) / 1e6


def _resident(statm: Path) -> int:
    return int(statm.read_text().split()[1]) * PAGE
