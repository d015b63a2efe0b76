"""What operators watch, against slow loops over the same numbers."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crs.geodesy import lengths_m
from dashboards.alerts import COLUMNS, Alert, alerts_of, to_csv
from dashboards.desk import Desk, to_spark
from dashboards.frames import FrameSource
from dashboards.freshness import end_of_step_s, freshness_of, series_of
from dashboards.operations import Places, Watched, last_day, means_of, places_of, rank, watched
from dashboards.state import ExplorerState
from tests.dashboards.fake_city import FakeCity
from twin.errors import TwinError

CONGESTION = Watched(name="speed_ratio", kind="congestion", limit=0.5)
POLLUTION = Watched(name="no2", kind="pollution", limit=0.5)
courses = hnp.arrays(
    float,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
    elements=st.sampled_from([0, 0.3, 0.5, 0.7, 1, np.nan]),
)


def places(values):
    names = tuple(f"P{i}" for i in range(len(values)))
    return Places(level="corridors", layer="streets", names=names, rows=names, courses=values)


@given(courses, st.sampled_from([CONGESTION, POLLUTION]))
def test_a_ranking_says_what_a_loop_over_the_places_says(values, wanted):
    found = rank(places(values), wanted, np.arange(values.shape[1]))
    bad = (lambda v: v < 0.5) if wanted.kind == "congestion" else (lambda v: v > 0.5)
    worst_of = min if wanted.kind == "congestion" else max
    expected = {}
    for i, course in enumerate(values.tolist()):
        known = [v for v in course if np.isfinite(v)]
        if known:
            expected[i] = (course[-1], sum(known) / len(known), worst_of(known), sum(map(bad, known)) / len(known))
    assert set(found.places.tolist()) == set(expected)
    for at, place in enumerate(found.places.tolist()):
        said = (found.now[at], found.mean[at], found.worst[at], found.share[at])
        np.testing.assert_allclose(said, expected[place])
    now = [v for v in (wanted.sign * found.now).tolist() if np.isfinite(v)]
    assert now == sorted(now, reverse=True)
    assert not np.isnan(found.now[: len(now)]).any(), "places without a value now come last"


@given(courses, st.sampled_from([CONGESTION, POLLUTION]))
def test_alerts_are_the_unbroken_stretches_beyond_the_threshold(values, wanted):
    expected = set()
    for i, course in enumerate(values.tolist()):
        begin = None
        for step, value in enumerate([*course, np.nan]):
            beyond = bool(wanted.beyond(np.array([value]))[0])
            if beyond and begin is None:
                begin = step
            elif not beyond and begin is not None:
                expected.add((f"P{i}", begin, step - 1, step == len(course)))
                begin = None
    found = alerts_of(places(values), wanted, np.arange(values.shape[1]))
    assert {(a.place, a.since, a.until, a.ongoing) for a in found} == expected
    for alert in found:
        stretch = values[int(alert.place[1:]), alert.since : alert.until + 1]
        assert alert.worst == (stretch.min() if wanted.kind == "congestion" else stretch.max())
    assert [a.ongoing for a in found] == sorted([a.ongoing for a in found], reverse=True)


@given(courses, st.data())
def test_means_of_groups_leave_out_what_is_not_known(values, data):
    n = len(values)
    group = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    group = np.unique(group, return_inverse=True)[1]
    weights = np.array(data.draw(st.lists(st.floats(0.1, 9), min_size=n, max_size=n)))
    found = means_of(values, group, weights)
    for g in range(group.max() + 1):
        for step in range(values.shape[1]):
            pairs = [
                (w, v) for w, v, own in zip(weights, values[:, step], group, strict=True) if own == g and np.isfinite(v)
            ]
            mean = sum(w * v for w, v in pairs) / sum(w for w, _ in pairs) if pairs else np.nan
            np.testing.assert_allclose(found[g, step], mean)


def test_a_day_ends_with_the_step_and_a_typical_day_follows_itself():
    times = pd.date_range("2026-06-15", periods=200, freq="15min")
    assert last_day(times, 150).tolist() == list(range(55, 151))
    assert last_day(times, 3).tolist() == [0, 1, 2, 3]
    assert last_day(pd.timedelta_range("0h", "23h", freq="1h"), 0)[-1] == 0
    assert sorted(last_day(pd.timedelta_range("0h", "23h", freq="1h"), 5)) == list(range(24))


def test_what_is_watched_has_thresholds_of_the_scale_until_somebody_sets_them(source):
    first = {each.name: each for each in watched(source, {})}
    assert list(first) == ["speed_ratio", "no2"], "what does not change with time is not watched"
    assert first["speed_ratio"].limit == 0.5
    assert source.scale("no2").low < first["no2"].limit < source.scale("no2").high
    assert watched(source, {"no2": 25.0})[1].limit == 25.0


def test_thresholds_of_the_city_come_before_ours_and_those_of_a_visitor_before_both():
    city = FakeCity(blocks=3)
    city.alerts = {"no2": 40.0, "speed_ratio": 0.45}
    source = FrameSource(city)
    assert {each.name: each.limit for each in watched(source, {})} == {"no2": 40.0, "speed_ratio": 0.45}
    assert {each.name: each.limit for each in watched(source, {"no2": 25.0})} == {"no2": 25.0, "speed_ratio": 0.45}
    alerts, ours = Desk(source).alerts(ExplorerState(step=33)), Desk(FrameSource(FakeCity(blocks=3)))
    assert {alert.limit for alert in alerts} == {0.45}
    assert min(alert.since for alert in alerts) > min(alert.since for alert in ours.alerts(ExplorerState(step=33)))


def test_a_corridor_is_all_streets_of_one_name_by_length():
    city = FakeCity(blocks=3)
    streets = city.features("streets")
    streets["name"] = ["Ring" if i % 5 == 0 else "" if i % 7 == 0 else f"Way {i}" for i in range(len(streets))]
    found = places_of(FrameSource(city), "speed_ratio", "corridors")
    assert "" not in found.names
    assert found.names.count("Ring") == 1
    ring = np.flatnonzero(streets["name"] == "Ring")
    values, weights = (
        city.on_features("streets", "speed_ratio").to_numpy()[ring],
        lengths_m(streets.geometry.to_numpy()[ring]),
    )
    known = ~np.isnan(values[:, 30])
    expected = np.average(values[known, 30], weights=weights[known])
    assert found.courses[found.names.index("Ring"), 30] == pytest.approx(expected)
    assert int(found.rows[found.names.index("Ring")]) in ring


def test_a_city_without_named_zones_has_no_districts_and_says_so(source):
    assert places_of(source, "no2", "districts") is None
    content = Desk(source).content(ExplorerState(step=33))
    assert [level["value"] for level in content["ranking"]["levels"]] == ["corridors"]


def test_ages_count_from_the_end_of_the_step_and_silence_is_stale(source):
    detectors, air = series_of(source.city)
    now_s = end_of_step_s(source.readings, 4 * 8)  # 08:00 to 08:15 local
    assert pd.Timestamp(now_s, unit="s", tz="UTC") == pd.Timestamp("2026-06-16T06:15Z")
    found = freshness_of(detectors, now_s)
    assert (found.age_s, found.interval_s) == (300.0, 300.0)
    assert found.sites.tolist() == [2, 0, 1]
    assert found.ages_s.tolist() == [8100.0, 300.0, 300.0]
    assert found.stale.tolist() == [True, False, False]
    assert not found.is_stale
    assert freshness_of(air, now_s).age_s == 900.0
    before = freshness_of(air, now_s - 10 * 86_400)
    assert before.is_stale
    assert np.isnan(before.age_s)
    assert series_of(FakeCity(blocks=2, typical_day=True)) == ()


def test_the_desk_follows_time_thresholds_and_acknowledgement(source):
    desk, rush = Desk(source), ExplorerState(step=33)
    content = desk.content(rush)
    assert [tile["name"] for tile in content["now"]] == ["speed_ratio", "no2"]
    assert content["alerts"]["rows"][0]["ongoing"]
    waiting = content["alerts"]["waiting"]
    assert len(waiting) == len(desk.alerts(rush)) > 3
    rush.acknowledged = {waiting[0]: "2026-06-16T06:20:00+00:00"}
    after = desk.content(rush)["alerts"]
    assert waiting[0] not in after["waiting"]
    assert after["rows"][-1]["key"] == waiting[0] or len(waiting) > len(after["rows"])
    later = ExplorerState(step=34, acknowledged=rush.acknowledged)
    assert waiting[0] not in desk.content(later)["alerts"]["waiting"], "an alert that goes on is the same alert"
    assert not desk.content(ExplorerState(step=33, limits={"speed_ratio": 0.0, "no2": 1e6}))["alerts"]["rows"]
    assert desk.content(ExplorerState(step=8))["now"][0]["value"] != content["now"][0]["value"]
    chinese = desk.content(ExplorerState(step=33, language="zh"), variable="no2")
    assert chinese["ranking"]["variable"] == "no2"
    assert "条告警" in chinese["alerts"]["heading"]


def test_a_desk_that_was_warmed_reads_nothing_for_its_first_visitor(source, monkeypatch):
    warmed = Desk(source)
    warmed.warm()
    monkeypatch.setattr("dashboards.desk.places_of", None)
    monkeypatch.setattr("dashboards.desk.series_of", None)
    content = warmed.content(ExplorerState(step=33), variable="no2")
    assert content["now"]
    assert content["ranking"]["rows"]


def test_a_desk_that_cannot_be_warmed_does_not_end_the_server(source, monkeypatch, caplog):
    def broken(*_arguments):
        raise TwinError("a page of the cube is damaged")

    monkeypatch.setattr("dashboards.desk.places_of", broken)
    Desk(source).warm()
    assert "damaged" in caplog.text


def test_alerts_leave_as_a_table_that_no_spreadsheet_runs(source):
    state = ExplorerState(step=33)
    desk = Desk(source)
    rows = list(csv.reader(io.StringIO(desk.csv(state))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 1 + len(desk.alerts(state))
    assert rows[1][4].startswith("2026-06-16T0")
    evil = Alert(
        variable="no2", level="corridors", place='=HYPERLINK("http://x")', layer="streets", row="1", since=0, until=1,
        worst_at=0, worst=9.0, limit=1.0, ongoing=False,
    )  # fmt: skip
    times, zone = source.readings.times, source.city.clock.zone
    said = list(
        csv.reader(io.StringIO(to_csv([evil], {evil.key(times, zone): "noon"}, times=times, zone=zone, units={})))
    )
    assert said[1][3] == '\'=HYPERLINK("http://x")'
    assert said[1][-1] == "noon"


def test_a_sparkline_keeps_its_ends_and_its_gaps():
    assert to_spark(np.linspace(0, 1, 500))[-1] == 100
    assert len(to_spark(np.linspace(0, 1, 500))) <= 40
    assert to_spark(np.array([np.nan, np.nan])) == [None, None]
    assert to_spark(np.array([2.0, 2.0])) == [0, 0]
