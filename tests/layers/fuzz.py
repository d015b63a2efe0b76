"""Mutated files by the thousand: `python -m tests.layers.fuzz --files 10000`, or `make fuzz`.

Every file is a sample of one family, mutated by a seeded draw, and read as anybody would. Counted are: crashes of this
process (only a run that ends prints), readings over 10 s, children over 1 GiB, ledgers that do not
close, readers that failed on something that they do not know, refusals that do not name the file, and anything in
what was read that stands in a file outside the root.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import layers
from layers.jail import client
from tests.layers.samples.defects import CANARY, judge
from tests.layers.samples.every import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.layers.samples.model import Sample

__all__ = ["FAMILIES", "Tally", "fuzz", "mutate"]

FAMILIES = ("tables", "zones", "transport", "environment", "cim")
_HANG_S = 10.0
_MOST_MB = 1024.0
_FAMILY = {known.name: known.family for known in layers.FORMATS}
_HUGE = (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x10000000, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0)
_WORDS = (b"1e400", b"-1", b"99999999999999999999", b"nan", b"null", b'"', b"\\", b"\0", b"&x;", b"<!--", b"\xff\xfe")
_NESTS = ((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")"))


def _spot(data: bytes, random: np.random.Generator) -> int:
    """Choose a place, half of the time near an end, where formats keep their plans."""
    near = min(len(data), 512)
    at = int(random.integers(near if random.random() < 0.5 else len(data)))
    return at if random.random() < 0.7 else len(data) - 1 - at


def _flip(data: bytearray, random: np.random.Generator, _other: bytes) -> None:
    data[_spot(data, random)] ^= 1 << int(random.integers(8))


def _set(data: bytearray, random: np.random.Generator, _other: bytes) -> None:
    data[_spot(data, random)] = int(random.integers(256))


def _cut(data: bytearray, random: np.random.Generator, _other: bytes) -> None:
    del data[int(random.integers(len(data))) :]


def _drop(data: bytearray, random: np.random.Generator, _other: bytes) -> None:
    at = _spot(data, random)
    del data[at : at + int(random.integers(1, 64))]


def _repeat(data: bytearray, random: np.random.Generator, _other: bytes) -> None:
    at = _spot(data, random)
    data[at:at] = data[at : at + int(random.integers(1, 256))] * int(random.integers(1, 8))


def _splice(data: bytearray, random: np.random.Generator, other: bytes) -> None:
    """Put in a piece of another sample."""
    at, start = _spot(data, random), int(random.integers(len(other)))
    piece = other[start : start + int(random.integers(1, 400))]
    data[at : at + (len(piece) if random.random() < 0.5 else 0)] = piece


def _blow(data: bytearray, random: np.random.Generator, _other: bytes) -> None:
    """Write a huge number where a length may stand."""
    width = int(random.choice([2, 4, 8]))
    at = _spot(data, random) // width * width
    value = _HUGE[random.integers(len(_HUGE))] & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, "little" if random.random() < 0.5 else "big")


def _word(data: bytearray, random: np.random.Generator, _other: bytes) -> None:
    at = _spot(data, random)
    data[at : at + int(random.integers(4))] = _WORDS[random.integers(len(_WORDS))]


def _nest(data: bytearray, random: np.random.Generator, _other: bytes) -> None:
    """Put in structures within structures."""
    opened, closed = _NESTS[random.integers(len(_NESTS))]
    depth = int(random.choice([10, 1_000, 20_000]))
    at = _spot(data, random)
    data[at:at] = opened * depth + (closed * depth if random.random() < 0.5 else b"")


_WAYS: tuple[Callable[[bytearray, np.random.Generator, bytes], None], ...] = (
    *(_flip, _set, _cut, _drop, _repeat, _splice, _blow, _word, _nest),
)
_WEIGHTS = np.array([5, 5, 2, 3, 2, 3, 4, 3, 1]) / 28


def mutate(data: bytes, random: np.random.Generator, other: bytes) -> bytes:
    """Break a file in one to eight ways."""
    broken = bytearray(data or b"\0")
    for _ in range(int(random.choice([1, 1, 2, 3, 8]))):
        _WAYS[random.choice(len(_WAYS), p=_WEIGHTS)](broken, random, other)
        broken = broken or bytearray(b"\0")
    return bytes(broken)


@dataclass
class Tally:
    """What a run found."""

    files: int = 0
    refused: int = 0
    records: int = 0
    hangs: int = 0
    too_large: int = 0
    died: int = 0
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)

    def line(self, family: str, seconds: float) -> str:
        """Say it as a line of a table."""
        return (
            f"| {family} | {self.files:,} | {self.refused:,} | {self.records:,} | {self.died} | {self.hangs} | "
            f"{self.slowest_s:.1f} | {self.too_large} | {self.peak_mb:.0f} | {self.faults.total()} | {seconds:.0f} |"
        )


def fuzz(family: str, *, files: int, seed: int, seconds: float = np.inf, keep: Path | None = None) -> Tally:
    """Read mutated samples of one family until there are enough, or time is up."""
    samples = [sample for sample in EVERY if _FAMILY[sample.format] == family]
    tally = Tally()
    random = np.random.default_rng([seed, FAMILIES.index(family)])
    ends: list[dict[str, float]] = []
    ask = client._ask

    def _watched(*arguments: object) -> tuple[int | None, dict[str, float]]:
        answer, end = ask(*arguments)  # type: ignore[arg-type]
        ends.append({**end, "answered": answer is not None})
        return answer, end

    client._ask = _watched  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as scratch:
            sound = _write_all(samples, Path(scratch))
            until = time.monotonic() + seconds
            while tally.files < files and time.monotonic() < until:
                sample = samples[tally.files % len(samples)]
                root = Path(scratch) / "root"
                _lay_out(sample, sound, root, random)
                bad = _weigh(sample, root, ends, tally)
                if bad is not None and keep is not None:
                    _keep(root, keep / f"{tally.files}-{sample.file}", bad)
    finally:
        client._ask = ask
    return tally


def _write_all(samples: Sequence[Sample], scratch: Path) -> dict[str, dict[str, bytes]]:
    """Write each sample once; what lies outside the root has a mark in it."""
    sound = {}
    for sample in samples:
        folder = scratch / "sound"
        folder.mkdir()
        sample.write(folder / sample.file)
        sound[sample.file] = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    for name in ("secret.csv", "secret.dbf", "secret.json"):
        (scratch / name).write_text(f"{CANARY}\n" * 5)
    return sound


def _lay_out(sample: Sample, sound: dict[str, dict[str, bytes]], root: Path, random: np.random.Generator) -> None:
    """Write a sample with one of its files broken, mostly the one that is named."""
    root.mkdir(exist_ok=True)
    for path in root.iterdir():
        path.unlink()
    parts = sound[sample.file]
    other = sound[list(sound)[random.integers(len(sound))]]
    piece = next(iter(other.values()))
    chosen = sample.file if random.random() < 0.7 else list(parts)[random.integers(len(parts))]
    for name, data in parts.items():
        (root / name).write_bytes(mutate(data, random, piece) if name == chosen else data)


def _weigh(sample: Sample, root: Path, ends: list[dict[str, float]], tally: Tally) -> str | None:
    """Read it and count; returns what must not be."""
    ends.clear()
    start = time.monotonic()
    outcome = judge(root / sample.file, sample)
    took = time.monotonic() - start
    peak = max((end.get("peak_mb", 0.0) for end in ends), default=0.0)
    tally.files += 1
    tally.refused += outcome.refusal is not None
    tally.records += outcome.records
    tally.hangs += took > _HANG_S
    tally.slowest_s = max(tally.slowest_s, took)
    tally.too_large += peak > _MOST_MB
    tally.peak_mb = max(tally.peak_mb, peak)
    tally.died += any(not end["answered"] for end in ends)
    if outcome.fault is not None:
        tally.faults[f"{sample.file}: {outcome.fault[:300]}".replace(str(root), "")] += 1
    return outcome.fault or ("hang" if took > _HANG_S else "memory" if peak > _MOST_MB else None)


def _keep(root: Path, folder: Path, why: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in root.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "why.json").write_text(json.dumps({"why": why}))


def main() -> int:
    """Run it and print a table; the exit code is the number of kinds of faults."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--files", type=int, default=10_000, help="mutated files a family")
    told.add_argument("--seconds", type=float, default=np.inf, help="at most, a family")
    told.add_argument("--seed", type=int, default=20261122)
    told.add_argument("--family", choices=FAMILIES, action="append")
    told.add_argument("--keep", type=Path, help="folder for the files that were faults")
    asked = told.parse_args()
    logging.disable(logging.CRITICAL)
    print("| family | files | refused | records read | children that died | over 10 s | slowest, s | over 1 GiB "
          "| most, MB | faults | seconds |\n|---|---|---|---|---|---|---|---|---|---|---|", flush=True)  # fmt: skip
    kinds = 0
    for family in asked.family or FAMILIES:
        start = time.monotonic()
        tally = fuzz(family, files=asked.files, seed=asked.seed, seconds=asked.seconds, keep=asked.keep)
        print(tally.line(family, time.monotonic() - start), flush=True)
        for fault, count in tally.faults.most_common(20):
            print(f"  {count} x {fault}", file=sys.stderr, flush=True)
        kinds += len(tally.faults) + tally.hangs + tally.too_large
    return min(kinds, 99)


if __name__ == "__main__":
    sys.exit(main())
