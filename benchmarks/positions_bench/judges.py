"""Who is measured: a judge is a function from a question to probabilities by name.

    def judge(question: Question) -> Mapping[str, float] | Answer

Names are those of `frames.Name`; `NONE` is "none of these". What is given at least 99 % is a claim, unless the judge
returns an `Answer` that abstains whatever its probabilities.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import crs
from benchmarks.positions_bench import peers
from benchmarks.positions_bench.answers import NONE, Answer
from benchmarks.positions_bench.frames import Name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.positions_bench.cases import Question

__all__ = ["JUDGES", "Judge", "judge_by_name", "ours"]

Judge = Callable[["Question"], Mapping[str, float] | Answer]


@dataclass(frozen=True, eq=False)
class _Reference:
    """The least that the engine takes as a layer."""

    geometry: NDArray[Any]
    name: str = "reference"

    @property
    def position(self) -> crs.PositionDefinition:
        return crs.definition("OGC:CRS84")

    @property
    def coordinates(self) -> crs.Shapes:
        return crs.Shapes(self.geometry)


def ours(question: Question) -> Answer:
    """Ask `crs.detect`; what its verdict does not name is no claim, however probable."""
    given = [
        {
            "definition": frame,
            "shift": {"parameters": list(shift), "accuracy_m": 1.0, "source": "survey office"},
        }
        for frame, shift in question.given.items()
    ]
    reference: Any = None if question.reference is None else _Reference(question.reference)
    verdict = crs.detect(question.columns, reference=reference, area=question.area, candidates=given)
    shares: dict[str, float] = {}
    for ranked in verdict.candidates:
        name = str(named(ranked.position))
        shares[name] = shares.get(name, 0.0) + ranked.probability
    return Answer(shares | {NONE: verdict.none_probability}, abstains=verdict.status != "named")


def named(position: crs.PositionDefinition) -> Name:
    """Name a definition of the engine in the words of the benchmark."""
    frame = str(position.crs)
    if frame.startswith("{"):
        content = json.loads(frame)
        shift = content.get("shift", {})
        frame = f"{content.get('definition', 'local grid')} by {shift.get('operation') or 'given'}"
    unit = "" if position.unit in {"degree", "metre"} else position.unit
    return Name(frame, position.axes, position.notation, unit)


JUDGES: dict[str, Judge] = {
    "ours": ours,
    "naive": peers.extent_query,
    "habit": peers.habit,
    "prototype": peers.distances_to_roads,
}


def judge_by_name(name: str) -> Judge:
    """Return one of `JUDGES`, or the function that ``module:function`` names."""
    if name in JUDGES:
        return JUDGES[name]
    module, _, function = name.partition(":")
    found: Judge = getattr(importlib.import_module(module), function)
    return found
