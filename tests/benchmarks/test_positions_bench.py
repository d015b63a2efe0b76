"""The benchmark itself: its cases are what their keys say, seed by seed, and its scorer counts what it says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import shapely

import crs
from benchmarks.positions_bench.cases import make
from benchmarks.positions_bench.frames import GIVEN_SHIFT_M, Name, from_frame, read, to_frame, written
from benchmarks.positions_bench.networks import CITIES, NETWORKS, moved_lines, network
from benchmarks.positions_bench.plan import CANNOT, WAYS, frames_of, planned
from tests.reference.crs_china import distance_m
from tests.reference.crs_layers import FakeLayer

SEEDS = range(1, 241, 2)


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
    found = [case for case in map(make, range(1, 161, 2)) if case.key.role == "relative"]
    assert found
    for case in found:
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
