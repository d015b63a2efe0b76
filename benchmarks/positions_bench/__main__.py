"""Measure a judge.

    python -m benchmarks.positions_bench [--judge ours|naive|habit|prototype|MODULE:FUNCTION] [--cases N] [--seed S]
    python -m benchmarks.positions_bench --show SEED [--judge ...]

Scored cases are appended to FOLDER/JUDGE.jsonl as they come: what is stopped goes on where it was, and more cases are
added to those that are there. The tables (JUDGE.json, JUDGE.md) are of all cases asked for. Seeds go up in steps of two
from the first, so that an odd first seed measures on held-out cases and an even one on those for training.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.positions_bench import tables
from benchmarks.positions_bench.answers import Answer
from benchmarks.positions_bench.cases import make
from benchmarks.positions_bench.judges import judge_by_name
from benchmarks.positions_bench.plan import VERSION
from benchmarks.positions_bench.scorer import scored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 20


def measured(judge: str, seed: int) -> dict[str, Any]:
    """Make a case, ask a judge, and score the answer; only the asking is timed."""
    case = make(seed)
    asked = judge_by_name(judge)
    start = time.perf_counter()
    answer = asked(case.question)
    seconds = time.perf_counter() - start
    return {"version": VERSION, **scored(case, answer), "seconds": round(seconds, 4)}


def _path(folder: Path, judge: str) -> Path:
    return folder / f"{judge.replace(':', '.')}.jsonl"


def kept(path: Path) -> dict[int, dict[str, Any]]:
    """Return what was scored before, by seed; a last line that was cut off, and other versions, do not count."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if record["version"] == VERSION:
            found[int(record["seed"])] = record
    return found


def _all(judge: str, seeds: Iterable[int], workers: int) -> Iterator[dict[str, Any]]:
    one = partial(measured, judge)
    if workers == 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(one, seeds, chunksize=_CHUNK)


def run(judge: str, seeds: Iterable[int], *, folder: Path, workers: int) -> list[dict[str, Any]]:
    """Score what is not scored yet.

    Parameters
    ----------
    judge : str
    seeds : iterable of int
    folder : Path
        Where results are kept.
    workers : int
        Processes; the results are the same for any number.

    Returns
    -------
    list of dict
        Of all seeds, in their order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, judge)
    done, asked = kept(path), list(seeds)
    left = [seed for seed in asked if seed not in done]
    start = time.perf_counter()
    with path.open("a", encoding="utf-8") as out:
        for count, record in enumerate(_all(judge, left, workers), 1):
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
            out.flush()
            done[record["seed"]] = record
            if sys.stderr.isatty() or not count % 500:
                rest_s = (time.perf_counter() - start) / count * (len(left) - count)
                print(f"\r{count:,} of {len(left):,}, {rest_s / 60:.0f} min left", end="", file=sys.stderr, flush=True)
    return [done[seed] for seed in asked]


def shown(judge: str, seed: int) -> str:
    """Tell one case and its answer, for looking into it."""
    case = make(seed)
    answer = judge_by_name(judge)(case.question)
    shares = answer.probabilities if isinstance(answer, Answer) else answer
    first = dict(sorted(shares.items(), key=lambda one: -one[1])[:6])
    columns = [column[:3].tolist() for column in case.question.columns]
    return json.dumps(
        {**scored(case, answer), "columns": columns, "accepted": case.key.accepted, "answers": first},
        indent=2,
        ensure_ascii=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.positions_bench", description=__doc__.splitlines()[0])
    parser.add_argument("--judge", default="ours", help="ours, naive, habit, prototype, or MODULE:FUNCTION")
    parser.add_argument("--cases", type=int, default=2000, help="how many; 0 sums up those that are there")
    parser.add_argument("--seed", type=int, default=1, help="first seed: odd for held-out cases, even for training")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--out", type=Path, default=Path("build") / "positions_bench", help="folder of results")
    parser.add_argument("--show", type=int, metavar="SEED", help="only tell one case, its key and the answer")
    chosen = parser.parse_args()
    if chosen.show is not None:
        print(shown(chosen.judge, chosen.show))
        return
    seeds = range(chosen.seed, chosen.seed + 2 * chosen.cases, 2)
    rows = run(chosen.judge, seeds, folder=chosen.out, workers=chosen.workers)
    if not seeds:
        done = kept(_path(chosen.out, chosen.judge))
        rows = [done[seed] for seed in sorted(done) if seed % 2 == chosen.seed % 2]
    ends = [rows[0]["seed"], rows[-1]["seed"]] if rows else []
    found = {"version": VERSION, "seeds": ends, **tables.summary(rows, judge=chosen.judge)}
    name = chosen.out / chosen.judge.replace(":", ".")
    name.with_suffix(".json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    text = tables.markdown(found)
    name.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
