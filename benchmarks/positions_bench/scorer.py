"""Scores one answer against one key: right, wrong or abstained, and whether it could be known."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.positions_bench.answers import CLAIM, Answer
from benchmarks.positions_bench.frames import Name, read
from benchmarks.positions_bench.networks import network
from tests.reference.crs_china import distance_m

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.positions_bench.cases import Case, Factors
    from benchmarks.positions_bench.frames import Columns

#: Two names are one definition if they put the records within so many metres of each other.
SAME_PLACE_M = 5.0
_SAME_SHARE = 0.95

# The prototype's table: fewest records by noise (up to 3, 5 and 10 m), whole city and window of 500 m. "map" is GCJ-02
# and BD-09, far from everything else; "old" the frames with others 33 m away; None: not with 300 records.
_STEPS_M = (3.0, 5.0, 10.0)
_FEWEST: dict[tuple[str, str, str], tuple[int | None, ...]] = {
    ("coquimbo", "city", "map"): (3, 4, 6),
    ("coquimbo", "city", "old"): (4, 6, 15),
    ("coquimbo", "window", "map"): (6, 8, 25),
    ("coquimbo", "window", "old"): (6, 8, 25),
    ("monaco", "city", "map"): (4, 5, 12),
    ("monaco", "city", "old"): (4, 6, 15),
    ("monaco", "window", "map"): (6, 8, 25),
    ("monaco", "window", "old"): (12, 20, None),
}
_CITY_WIDE_M = {"coquimbo": 6000.0, "monaco": 2000.0}


def knowable(case: Case) -> int | None:
    """Say how many records the prototype's figures ask for to know the definition of such a case.

    Parameters
    ----------
    case : Case

    Returns
    -------
    int or None
        None where the figures say nothing of such a case: noise above 10 m or not normal, streets missing, mixed files,
        records in runs, buildings, digits cut off, Helsinki (whose footways are twice as close as the prototype's
        streets), and whatever cannot be known.
    """
    made = case.factors
    plain = (
        case.key.answer == "name"
        and case.key.role in {"general", "standard"}
        and (made.noise, made.spread, made.reference, made.entity) == ("normal", "apart", "complete", "vehicles")
        and made.definition != "truncated"
    )
    if not plain or made.network not in _CITY_WIDE_M or made.sigma_m > _STEPS_M[-1]:
        return None
    extent = "city" if made.window_m >= _CITY_WIDE_M[made.network] else "window"
    kind = "map" if Name.parse(case.key.truth).frame in {"GCJ-02", "BD-09", "BD-09MC", "GCJ-02 Web Mercator"} else "old"
    return _FEWEST[made.network, extent, kind][int(np.searchsorted(_STEPS_M, made.sigma_m))]


def is_standard(made: Factors) -> bool:
    """Say whether a case is one of 30 records all over a city of 2 km and more with noise up to 10 m."""
    whole = made.network in _CITY_WIDE_M and made.window_m >= network(made.network).extent_m
    return made.n == 30 and whole and made.sigma_m <= 10.0 and made.noise == "normal" and not made.mixed_share


def same_place(first: str, second: str, columns: Columns) -> bool:
    """Say whether two names put the records in the same places; False for a name that cannot be read."""
    if first == second:
        return True
    try:
        one, other = read(Name.parse(first), columns), read(Name.parse(second), columns)
    except Exception:  # noqa: BLE001 - a peer may answer anything: what PROJ or the parser refuses names nothing
        return False
    read_by_both = np.isfinite(one[0]) & np.isfinite(other[0])
    if not read_by_both.any() or (np.isfinite(one[0]) != np.isfinite(other[0])).mean() > 1.0 - _SAME_SHARE:
        return False
    off = distance_m(*one, *other)[read_by_both]
    return bool((off <= SAME_PLACE_M).mean() >= _SAME_SHARE)


def scored(case: Case, answer: Answer | Mapping[str, float]) -> dict[str, Any]:
    """Score an answer.

    Parameters
    ----------
    case : Case
    answer : Answer or mapping of str to float
        Of any judge.

    Returns
    -------
    dict
        What JSON can hold: factors, role, what was answered, `outcome` ("right", "wrong", "abstained"), `names_truth`
        (the first is the truth or what is as good), `said_none`, `knowable` (1 if the case has as many records as the
        prototype's figures ask for, 2 if twice as many, else 0).
    """
    given = answer if isinstance(answer, Answer) else Answer(answer)
    name, share = given.top
    accepted = case.key.accepted or tuple(filter(None, (case.key.truth,)))
    names_truth = any(same_place(name, right, case.question.columns) for right in accepted) if name else False
    outcome = "abstained"
    if given.claim:
        outcome = "right" if names_truth and case.key.answer == "name" else "wrong"
    fewest = knowable(case)
    return {
        "seed": case.seed,
        "role": case.key.role,
        "answer": case.key.answer,
        "truth": case.key.truth,
        **asdict(case.factors),
        "top": name,
        "probability": share,
        "none": given.none,
        "outcome": outcome,
        "names_truth": names_truth,
        "said_none": bool(given.none >= CLAIM and not given.claim),
        "knowable": 0 if fewest is None else min(2, case.factors.n // fewest),
        "standard": bool(is_standard(case.factors) and case.key.role in {"general", "standard"}),
    }
