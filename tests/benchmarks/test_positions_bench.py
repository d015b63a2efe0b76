"""The benchmark itself: its cases are what their keys say, seed by seed, and its scorer counts what it says."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import numpy as np
import pytest
import shapely

import crs
from benchmarks.positions_bench import tables
from benchmarks.positions_bench.__main__ import run
from benchmarks.positions_bench.answers import NONE, Answer
from benchmarks.positions_bench.cases import make
from benchmarks.positions_bench.frames import GIVEN_SHIFT_M, Name, from_frame, read, to_frame, written
from benchmarks.positions_bench.judges import JUDGES, judge_by_name, ours
from benchmarks.positions_bench.networks import CITIES, NETWORKS, moved_lines, network
from benchmarks.positions_bench.plan import CANNOT, WAYS, frames_of, planned
from benchmarks.positions_bench.scorer import knowable, same_place, scored
from tests.reference.crs_china import distance_m
from tests.reference.crs_layers import FakeLayer

SEEDS = range(1, 241, 2)
QUICK = 90


@pytest.fixture(scope="module")
def cases():
    return [make(seed) for seed in SEEDS]


def off_m(case, name):
    """Return how far the columns, read under a name, are from where the records are; a mixed file's by row."""
    return distance_m(*read(Name.parse(name), case.question.columns), case.key.lon, case.key.lat)


# --- frames: two ways to the same place


def engine_spec(frame):
    code, _, operation = frame.partition(" by ")
    if operation == "given":
        return {
            "definition": code,
            "shift": {"parameters": list(GIVEN_SHIFT_M), "accuracy_m": 1.0, "source": "stand-in"},
        }
    return {"definition": code, "shift": {"operation": operation}} if operation else code


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name)
def test_every_frame_of_a_city_is_written_as_the_engine_reads_it(city):
    lon, lat = np.concatenate([shapely.get_coordinates(moved_lines(name, city))[::211] for name in NETWORKS]).T
    for frame in frames_of(city).values():
        columns = to_frame(frame, lon, lat)
        assert distance_m(*from_frame(frame, *columns), lon, lat).max() < 0.01, frame
        engine = crs.transform(*columns, source=engine_spec(frame), target="OGC:CRS84")
        assert distance_m(*engine, lon, lat).max() < 0.05, frame


@pytest.mark.parametrize("axes", ["lon,lat", "lat,lon"])
@pytest.mark.parametrize(
    ("notation", "unit"),
    [("dms", ""), ("nmea", ""), ("packed_dms", ""), ("packed_ddmmss", ""), ("decimal", "1e-7 degree")],
)
def test_every_way_of_writing_is_read_back_by_its_name_here_and_in_the_engine(axes, notation, unit):
    name = Name("GCJ-02", axes, notation, unit)
    lon, lat = np.array([121.19999999, 116.5, 104.0166666]), np.array([31.0000001, 39.99999999, 30.9])
    columns = written(name, lon, lat)
    assert distance_m(*read(Name.parse(str(name)), columns), lon, lat).max() < 0.25
    spec = {"definition": "GCJ-02", "axes": axes, "notation": notation} | ({"unit": unit} if unit else {})
    assert distance_m(*engine_reading(columns, spec), lon, lat).max() < 0.25


def engine_reading(columns, spec):
    layer = FakeLayer("file", crs.definition(spec), crs.Fields(columns))
    placed = crs.harmonise(layer).coordinates.geometry
    return shapely.get_x(placed), shapely.get_y(placed)


# --- cases


def test_a_seed_is_one_case_whatever_was_made_before():
    first, again = make(77), (make(78), make(77))[1]
    assert first.factors == again.factors
    assert all((a == b).all() for a, b in zip(first.question.columns, again.question.columns, strict=True))
    assert shapely.equals_exact(first.question.reference, again.question.reference).all()
    assert (first.key.accepted, first.key.answer) == (again.key.accepted, again.key.answer)


def test_the_key_puts_the_records_within_their_noise(cases):
    judged = 0
    for case in cases:
        if case.key.role in {"unknown shift", "local grid"} or case.factors.mixed_share:
            continue
        off = off_m(case, case.key.truth)
        # Truncation to 1e-4 degree is 8 m on average, the offset of the reference at most 2 m.
        within = 4.0 * case.factors.sigma_m + 2.5 + (16.0 if case.factors.definition == "truncated" else 0.0)
        good = off < within
        dirt = {"zeros": 0.25, "empty": 0.25}.get(case.factors.dirt, 0.03)
        assert good.mean() >= 1.0 - dirt or (~good).sum() <= 1, (case.seed, case.factors)
        judged += 1
    assert judged > 80


def test_a_mixed_file_is_right_by_rows_and_most_of_them_are_in_its_key(cases):
    mixed = [case for case in cases if case.factors.mixed_share and case.factors.definition != "truncated"]
    assert mixed
    for case in mixed:
        good = (off_m(case, case.key.truth) < 4.0 * case.factors.sigma_m + 3.0).mean()
        assert good >= 1.0 - case.factors.mixed_share - 0.08, (case.seed, case.factors)
        assert len(case.key.accepted) == (2 if case.factors.mixed_share == 0.5 else 1)


def test_a_relative_answer_puts_the_records_on_the_reference_as_it_was_handed_over():
    seeds = [seed for seed in range(1, 400, 2) if planned(seed).role == "relative"]
    assert len(seeds) >= 4
    for case in map(make, seeds[:4]):
        lon, lat = read(Name.parse(case.key.accepted[0]), case.question.columns)
        points = shapely.points(lon[np.isfinite(lon)], lat[np.isfinite(lat)])
        _, degrees = shapely.STRtree(case.question.reference).query_nearest(
            points, return_distance=True, all_matches=False
        )
        near_m = degrees * 111_000.0
        # Nearest streets are at most as far as the street of the record itself; zeros and empty cells apart.
        assert np.median(near_m) < 1.5 * case.factors.sigma_m + 3.0


def test_unknown_shifts_are_as_long_as_they_say(cases):
    found = [case for case in cases if case.key.role == "unknown shift"]
    assert found
    for case in found:
        lon, lat = read(planned(case.seed).name, case.question.columns)
        assert 25.0 < np.nanmedian(distance_m(lon, lat, case.key.lon, case.key.lat)) < 700.0


def test_all_factors_come_up_and_a_tenth_cannot_be_known():
    plans = [planned(seed) for seed in range(1, 8001, 2)]
    roles = Counter(plan.role for plan in plans)
    assert sum(roles[role] for role in CANNOT) / len(plans) == pytest.approx(0.1, abs=0.015)
    assert all(roles[role] for role in CANNOT)
    for city in CITIES:
        kinds = {plan.kind for plan in plans if plan.city is city}
        assert kinds == {*frames_of(city), *WAYS}
    assert len({kind for city in CITIES for kind in frames_of(city)} | set(WAYS)) + 2 >= 16
    assert {plan.pattern for plan in plans} == set(NETWORKS)
    assert {plan.mixed_share for plan in plans} == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}
    assert min(plan.sigma_m for plan in plans) < 1.1
    assert max(plan.sigma_m for plan in plans) > 37.0
    assert max(plan.window_m for plan in plans) > 18_000.0
    assert {plan.reference for plan in plans} == {"complete", "70 %", "none", "wrong", "shifted", "in GCJ-02"}


def test_the_box_of_a_reference_does_not_tell_where_the_records_are(cases):
    # Margins of 2 to 6 km on each side, drawn apart: the middle of the box is 1.2 km off and more.
    off = []
    for case in cases:
        if case.factors.network == "coquimbo" and case.factors.reference == "complete" and case.factors.window_m < 5000:
            west, south, east, north = shapely.total_bounds(case.question.reference)
            middle = np.array([west + east]) / 2.0, np.array([south + north]) / 2.0
            off.append(float(distance_m(*middle, case.key.lon.mean(), case.key.lat.mean())[0]))
    assert len(off) >= 3
    assert np.median(off) > 600.0


def test_networks_are_streets_of_their_size():
    extents = {name: network(name).extent_m for name in NETWORKS}
    assert extents["coquimbo"] > 20_000.0
    assert extents["monaco"] > 2_000.0
    assert extents["helsinki"] > 1_500
    assert len(network("coquimbo").lines) == 19_846


# --- the scorer, on answers made by hand


def some(cases, **wanted):
    """Return the first case of a role, or of a factor."""
    for case in cases:
        about = {"role": case.key.role, "answer": case.key.answer} | dataclasses.asdict(case.factors)
        if all(about[key] == value for key, value in wanted.items()):
            return case
    raise AssertionError(wanted)


def test_a_claim_is_right_by_place_and_not_by_letters(cases):
    case = some(cases, role="standard", definition="WGS 84")
    for name in ("EPSG:4326", "OGC:CRS84", "EPSG:4490"):
        assert scored(case, {name: 0.995, NONE: 0.005})["outcome"] == "right"
    for name in ("GCJ-02", "EPSG:4326; axes=lat,lon", "EPSG:4547", "no such frame", "EPSG:4326; unit=ell"):
        record = scored(case, {name: 0.995})
        assert (record["outcome"], record["names_truth"]) == ("wrong", False), name


def test_what_is_below_99_percent_or_abstains_is_no_claim(cases):
    case = some(cases, role="standard")
    truth = case.key.truth
    assert scored(case, {truth: 0.98})["outcome"] == "abstained"
    assert scored(case, Answer({truth: 0.999}, abstains=True))["outcome"] == "abstained"
    assert scored(case, Answer({truth: 0.999}))["outcome"] == "right"
    assert scored(case, {})["outcome"] == "abstained"
    assert scored(case, {NONE: 0.999})["said_none"]


@pytest.mark.parametrize("role", CANNOT)
def test_who_claims_what_cannot_be_known_is_wrong_even_by_luck(role):
    case = make(next(seed for seed in range(1, 2001, 2) if planned(seed).role == role))
    record = scored(case, {case.key.truth: 1.0})
    assert (record["outcome"], record["names_truth"], record["knowable"]) == ("wrong", True, 0)


@pytest.mark.parametrize("role", ["unknown shift", "local grid"])
def test_any_claim_of_what_no_list_has_is_wrong(cases, role):
    case = some(cases, role=role)
    assert scored(case, {"EPSG:4326": 1.0})["outcome"] == "wrong"
    assert scored(case, {NONE: 1.0})["outcome"] == "abstained"


def test_a_half_mixed_file_is_either(cases):
    case = some(cases, role="mixed", mixed_share=0.5)
    assert {scored(case, {name: 1.0})["outcome"] for name in case.key.accepted} == {"right"}
    case = some(cases, role="mixed", mixed_share=0.3)
    assert scored(case, {case.key.accepted[0]: 1.0})["outcome"] == "right"


def test_what_is_knowable_is_the_prototypes_table():
    standard = (make(seed) for seed in range(1, 1001, 2) if planned(seed).role == "standard")
    case = some(standard, reference="complete", network="coquimbo")
    vehicles = dataclasses.replace(case.factors, sigma_m=4.0, definition="GCJ-02")

    def fewest(truth="GCJ-02", **changes):
        key = dataclasses.replace(case.key, truth=truth)
        return knowable(dataclasses.replace(case, key=key, factors=dataclasses.replace(vehicles, **changes)))

    assert fewest() == 4
    assert fewest(sigma_m=9.0) == 6
    assert fewest("EPSG:4547", sigma_m=9.0) == 15
    assert fewest(window_m=900.0, sigma_m=9.0) == 25
    assert fewest("EPSG:4326", network="monaco", window_m=900.0, sigma_m=9.0) is None
    for changes in (
        {"sigma_m": 11.0}, {"reference": "70 %"}, {"network": "helsinki"}, {"noise": "heavy tails"},
        {"spread": "in runs"}, {"entity": "buildings"}, {"definition": "truncated"},
    ):  # fmt: skip
        assert fewest(**changes) is None, changes
    assert scored(case, {})["knowable"] == min(2, 30 // knowable(case))


def record(seed, probability, *, right, **changes):
    outcome = ("right" if right else "wrong") if probability >= 0.99 else "abstained"
    made = dict.fromkeys(
        ("truth", "definition", "city", "network", "reference", "entity", "noise", "spread", "dirt"), ""
    )
    numbers = {"n": 30, "sigma_m": 5.0, "window_m": 900.0, "mixed_share": 0.0, "seconds": 0.1, "none": 0.0}
    flags = {"names_truth": right, "said_none": False, "knowable": 1, "standard": True}
    said = {"top": "EPSG:4326", "probability": probability, "outcome": outcome, "role": "general", "answer": "name"}
    return {"seed": seed, **made, **numbers, **flags, **said, **changes}


def test_sums_are_those_of_a_hand():
    rows = [record(i, 0.995, right=i > 0) for i in range(200)] + [
        record(200 + i, 0.5, right=i < 60) for i in range(100)
    ]
    found = tables.summary(reversed(rows), judge="hand")
    assert (found["claims"], found["right"], found["wrong"], found["abstained"]) == (200, 199, 1, 100)
    assert [row["seed"] for row in found["wrong_claims"]] == [0]
    assert found["standard"] == {"cases": 300, "right_first": 259 / 300, "claimed": 200 / 300}
    assert found["knowable"]["as many records as the figures ask for"] == {"cases": 300, "abstained": 1 / 3}
    assert found["knowable"]["twice as many"] == {"cases": 0, "abstained": None}
    assert found["by_factor"]["sigma"]["1: 3 to 5 m"]["cases"] == 300
    text = tables.markdown(found)
    assert "200 claims at 99 % and more, of which 1 wrong" in text
    assert "| 0 | general |" in text


def test_bins_hold_500_and_tell_stated_from_seen():
    draw = np.random.default_rng(0)
    stated = draw.random(6000)
    rows = [record(i, p, right=draw.random() < p) for i, p in enumerate(stated)]
    bins = tables.reliability(rows)
    assert sum(one["cases"] for one in bins) == 6000
    assert min(one["cases"] for one in bins) >= tables.BIN_CASES
    assert max(abs(one["points"]) for one in bins) < 6.0
    boastful = tables.reliability([one | {"probability": 0.97} for one in rows])
    assert boastful[0]["points"] == pytest.approx(100.0 * (stated.mean() - 0.97), abs=2.0)
    assert tables.reliability([]) == []


def test_same_place_is_within_the_tolerance():
    lon, lat = np.array([114.0, 114.1]), np.array([22.6, 22.7])
    assert same_place("EPSG:4547", "EPSG:4547", (lon, lat))
    columns = written(Name("EPSG:4547"), lon, lat)
    assert not same_place("EPSG:4547", "EPSG:2383 by given", columns)
    assert not same_place("EPSG:4547", "EPSG:4526", columns)


# --- judges


def test_a_run_goes_on_where_it_was_and_does_not_depend_on_workers(tmp_path):
    seeds = range(1, 13, 2)
    first = run("habit", seeds[:3], folder=tmp_path / "one", workers=1)
    path = tmp_path / "one" / "habit.jsonl"
    path.write_text(path.read_text()[:-20])  # stopped while it wrote
    whole = run("habit", seeds, folder=tmp_path / "one", workers=1)
    apart = run("habit", seeds, folder=tmp_path / "two", workers=2)

    def timeless(rows):
        return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]

    assert timeless(whole) == timeless(apart)
    assert timeless(first) == timeless(whole)[:3]
    assert [row["seed"] for row in whole] == list(seeds)
    json.dumps(whole)


def test_baselines_know_the_words(cases):
    case = some(cases, definition="3-degree strip, zone")
    for name in ("naive", "habit", "prototype"):
        answer = JUDGES[name](case.question)
        assert sum(answer.values()) == pytest.approx(1.0)
        assert any(same_place(one, case.key.truth, case.question.columns) for one in answer if one != NONE), name
    assert judge_by_name("benchmarks.positions_bench.judges:ours") is ours


def test_ours_claims_nothing_wrong_on_a_small_part_of_the_training_cases():
    """The whole of it is `make bench-positions`; training cases, so that no test is tuned on the held-out ones."""
    rows = [scored(case, ours(case.question)) for case in map(make, range(0, 2 * QUICK, 2))]
    found = Counter(row["outcome"] for row in rows)
    assert [row for row in rows if row["outcome"] == "wrong"] == []
    assert found["right"] > 0.3 * QUICK
    first = [row["names_truth"] for row in rows if row["standard"]]
    assert np.mean(first) > 0.9
