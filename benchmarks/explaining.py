"""Where numbers come from: how long it takes to say, whether the shares add up, and what keeping it costs a build.

`python -m benchmarks.explaining monaco.twin --count 10000` explains values of random variables, cells of the storage
resolution and of coarser ones, and steps; `--manifest city.yaml` builds the city in this process and counts what of its
processor time goes into weights, records and events.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import twin
from twin.lineage.openlineage import EventLog
from twin.store import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COARSER = (0, 0, 1, 2, 3)
_KEPT = ("weights", "records")


def explained(city: twin.Twin, count: int, seed: int) -> dict[str, Any]:
    """Explain so many random values."""
    rng = np.random.default_rng(seed)
    names = [name for name, variable in city.variables.items() if variable.kind != "categorical"]
    known: dict[tuple[str, int], tuple[Any, Any]] = {}
    wall, busy, worst, per = [], [], 0.0, dict.fromkeys(names, 0)
    for _ in range(count):
        name = names[int(rng.integers(len(names)))]
        resolution = city.resolution - _COARSER[int(rng.integers(len(_COARSER)))]
        if (name, resolution) not in known:
            values = city.cube(name, resolution=resolution)[name]
            known[name, resolution] = values, np.flatnonzero(np.isfinite(values.to_numpy()).ravel())
        values, places = known[name, resolution]
        if not places.size:
            continue
        place = np.unravel_index(int(places[int(rng.integers(places.size))]), values.shape)
        value = float(values.to_numpy()[place])
        begin, began = time.perf_counter(), time.process_time()
        found = city.explain(int(values["cell"][place[0]]), name, int(place[1]) if len(place) > 1 else None)
        wall.append(time.perf_counter() - begin)
        busy.append(time.process_time() - began)
        total = float((found.sources["share"] * found.sources["value"]).sum())
        worst = max(worst, abs(total - value) / max(abs(value), 1e-300) if value else abs(total))
        if found.value != value:
            raise RuntimeError(f"{name}: explained {found.value!r}, the cube holds {value!r}")
        per[name] += 1
    quantiles = (0.5, 0.95, 0.99, 1.0)
    return {
        "explained": len(wall),
        "variables": per,
        "largest relative error": worst,
        "wall ms": {f"{q:g}": round(1e3 * float(np.quantile(wall, q)), 1) for q in quantiles},
        "processor ms": {f"{q:g}": round(1e3 * float(np.quantile(busy, q)), 1) for q in quantiles},
    }


@contextmanager
def _clocked(owners: list[tuple[Any, str]], counts: Callable[[tuple[Any, ...]], bool]) -> Iterator[list[float]]:
    """Count the processor seconds of calls."""
    spent, kept = [0.0], [(owner, name, getattr(owner, name)) for owner, name in owners]

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*words: object, **options: object) -> object:
            began = time.process_time()
            try:
                return call(*words, **options)
            finally:
                spent[0] += (time.process_time() - began) * counts(words)

        return timed

    for owner, name, call in kept:
        setattr(owner, name, wrapped(call))
    try:
        yield spent
    finally:
        for owner, name, call in kept:
            setattr(owner, name, call)


def _lineage(words: tuple[Any, ...]) -> bool:
    """Say whether a table is one of weights or records, whole or a partition of them."""
    path = Path(words[0])
    return path.stem in _KEPT or path.parent.name in _KEPT


def overhead(manifest: Path) -> dict[str, float]:
    """Build a city in this process and count what keeping its lineage takes."""
    writers = [(room, "write_table") for name, room in list(sys.modules.items()) if name.startswith("twin.")]
    writers = [(room, name) for room, name in writers if hasattr(room, name)]
    events = [(EventLog, name) for name in ("__init__", "ended", "__exit__")]
    with tempfile.TemporaryDirectory() as folder:
        twin.build(manifest, out=Path(folder) / "warm.twin", workers=0)
        with (
            _clocked(writers, _lineage) as tables,
            _clocked([(SnapshotWriter, "take")], lambda words: str(words[2]).startswith(_KEPT)) as copies,
            _clocked(events, lambda _: True) as told,
        ):
            began = time.process_time()
            twin.build(manifest, out=Path(folder) / "t.twin", workers=0)
            whole = time.process_time() - began
    parts = {"tables": tables[0], "copies": copies[0], "events": told[0]}
    return {"build s": whole, **{f"{k} s": v for k, v in parts.items()}, "share": sum(parts.values()) / whole}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("city", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--manifest", type=Path)
    asked = parser.parse_args()
    if asked.city is not None:
        print(json.dumps(explained(twin.open(asked.city), asked.count, asked.seed)))
    if asked.manifest is not None:
        print(json.dumps(overhead(asked.manifest)))


if __name__ == "__main__":
    main()
