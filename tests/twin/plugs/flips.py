"""Single bits turned over in every kind of file of a twin: `python -m tests.twin.plugs.flips --flips 1000`.

Each turned bit has to be found twice: by `verify`, and by whoever reads the file through the public face, with an error
that says so. What is read all the same is compared with what stood there before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import twin
from tests.reference.twin_cities import write_city
from twin.cube.asking import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Tally", "flip_bits"]


@dataclass
class Tally:
    """What came of the flips.

    Parameters
    ----------
    flips, verified, refused : Counter
        By kind of file: bits turned, those that `verify` found, those on which reading was refused.
    faults : list of str
        Those that were not found, and errors that are none of ours.
    """

    flips: Counter[str] = field(default_factory=Counter)
    verified: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def flip_bits(path: Path, *, flips: int, seed: int) -> Tally:
    """Turn single bits of the files of a twin, kinds by turns, each turned back before the next."""
    current = twin.open(path).snapshot
    room = path / "snapshots" / current
    kinds: dict[str, list[Path]] = {"pointer": [path / "CURRENT"], "run": sorted((path / "runs").glob("*.json"))}
    for file in sorted(room.rglob("*")):
        if file.is_file() and file.stat().st_size:
            kinds.setdefault(_kind(file.relative_to(room)), []).append(file)
    rng, tally, names = np.random.default_rng(seed), Tally(), sorted(kinds)
    for turn in range(flips):
        kind = names[turn % len(names)]
        file = kinds[kind][int(rng.integers(len(kinds[kind])))]
        whole = file.read_bytes()
        broken = bytearray(whole)
        bit = int(rng.integers(8 * len(whole)))
        broken[bit // 8] ^= 1 << (bit % 8)
        file.write_bytes(broken)
        tally.flips[kind] += 1
        where = f"{file.relative_to(path)}, bit {bit}"
        _count(lambda: _verify(path), tally.verified, tally.faults, kind=kind, where=f"verify: {where}")
        look = _reading(path, file, kind)
        _count(look, tally.refused, tally.faults, kind=kind, where=f"read: {where}")
        file.write_bytes(whole)
    if twin.open(path).verify():
        tally.faults.append("the twin is not what it was")
    return tally


def _kind(name: Path) -> str:
    """Return what a file of a snapshot is: the room for tables, metadata or chunks of arrays, the manifest."""
    top = name.parts[0]
    if top != "cube.zarr" or len(name.parts) == 2:
        return top
    return "array metadata" if name.name == "zarr.json" else "array chunk"


def _verify(path: Path) -> None:
    faults = twin.open(path).verify()
    if faults:
        raise twin.StoreDamagedError(faults[0])


def _reading(path: Path, file: Path, kind: str) -> Callable[[], object]:
    """Return what a user does that needs a file."""
    stem = file.stem

    def cube() -> None:
        city = twin.open(path)
        name = file.relative_to(path).parts[3]  # snapshots/<id>/cube.zarr/<variable>/…
        city.cube(name, resolution=city.resolution - 1).load()  # values with supports and classes
        city.cube(name).load()
        for part in PARTS:  # what stands behind them
            with suppress(twin.UnknownNameError):
                city.cube(f"{name}.{part}").load()

    def records() -> None:
        city = twin.open(path)
        name = next(v.name for v in city.variables.values() if v.layer == stem)
        city.explain(int(city.cube(name)["cell"][0]), name)

    def stations() -> None:
        city = twin.open(path)
        city.explain(int(city.cube(stem)["cell"][0]), stem)

    ways: dict[str, Callable[[], object]] = {
        "array chunk": cube,
        "array metadata": cube,
        "layers": lambda: twin.open(path).features(stem),
        "weights": lambda: twin.open(path).weights(stem),
        "quarantine": lambda: twin.open(path).quarantine(stem),
        "repairs": lambda: twin.open(path).repairs(stem),
        "fusion": lambda: twin.open(path).fusion_error(),
        "records": records,
        "stations": stations,
        "cube.zarr": lambda: _verify(path),  # for other programs: ours does not read the root
        "run": lambda: twin.open(path).as_of("2100-01-01"),
    }
    return ways.get(kind, lambda: twin.open(path))


def _count(look: Callable[[], object], found: Counter[str], faults: list[str], *, kind: str, where: str) -> None:
    try:
        look()
    except twin.TwinError:
        found[kind] += 1
    except Exception as error:  # noqa: BLE001 - an error of a library is no answer to a user
        faults.append(f"{where}: {error!r}")
    else:
        faults.append(f"{where}: not found")


def main() -> int:
    """Run and print what came of it; 1 if a bit was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        city = twin.build(write_city(place), out=place / "t.twin", workers=0)
        tally = flip_bits(city.path, flips=asked.flips, seed=asked.seed)
    print(json.dumps(vars(tally)))
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
