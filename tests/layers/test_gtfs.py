"""Timetables against gtfs-kit, and what becomes of broken ones."""

import io
import zipfile
from itertools import pairwise

import gtfs_kit
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import layers
from layers.timetable import expand_frequencies, headways, interpolate_seconds, running_services, to_seconds
from tests.layers.samples.transport import FEED, write_feed


def _read(path, layer=None, **options):
    return layers.read(path, options=layers.ReadOptions(layer=layer, **options))


@pytest.fixture
def feed(tmp_path):
    write_feed(tmp_path / "feed.zip")
    return tmp_path / "feed.zip"


def _why(layer):
    return layer.ledger.quarantined["reason"].tolist()


def test_stops(feed):
    stops = _read(feed)
    assert stops.column("stop_id").tolist() == ["01", "02", "03"]
    assert stops.column("stop_name")[0] == "Gare 海"
    assert shapely.get_coordinates(stops.geometry).tolist() == [[7.419, 43.738], [7.425, 43.735], [7.433, 43.745]]
    assert sorted(reason.split(":")[0] for reason in _why(stops)) == ["no_geometry", "null_island"]


def test_shapes_are_in_their_own_order(feed):
    shapes = _read(feed, "shapes")
    assert shapes.column("shape_id").tolist() == ["S1"]
    assert shapely.get_coordinates(shapes.geometry).tolist() == [[7.419, 43.738], [7.425, 43.735], [7.433, 43.745]]
    assert _why(shapes) == [
        "unreadable_number: shape_pt_lon is '7.4', shape_pt_lat is 'x' (row 4 of shapes.txt)",
        "invalid_geometry: the shape has a single point",
    ]


def test_trips_have_their_way(feed):
    trips = _read(feed, "trips")
    drawn = dict(zip(trips.column("trip_id"), trips.column("drawn_from"), strict=True))
    assert drawn == {"T1": "shape", "T2": "shape", "T3": "shape", "T4": "stops"}
    assert shapely.get_coordinates(trips.geometry[3]).tolist() == [[7.433, 43.745], [7.419, 43.738]]
    assert trips.column("start_s")[:2].tolist() == [25200, 27000]
    assert [reason.split(",")[0] for reason in _why(trips)] == [
        "unknown_shape: shape_id is 'gone'",
        "unknown_route: route_id is 'R9'",
    ]


def test_stop_times_lie_at_their_stops(feed):
    times = _read(feed, "stop_times")
    assert times.ledger.records_in == 14
    assert times.column("departure_s")[:3].tolist() == [25200, 25800, 26460]
    assert times.column("interpolated")[:3].tolist() == [False, True, False]
    # After midnight a service day goes on.
    assert times.column("arrival_s").max() == 24.5 * 3600
    assert times.geometry[0].equals(shapely.Point(7.419, 43.738))
    assert [reason.split(",")[0] for reason in _why(times)] == [
        "unknown_stop: stop_id is '77'",
        "unknown_trip: trip_id is 'T8'",
        "unreadable_time: arrival_time is '25:61:00'",
    ]
    assert times.ledger.rejected["reason"].tolist() == ["ragged_row: 2 values where the header has 5"]


def test_a_day_decides_what_runs_and_when(feed):
    monday = _read(feed, "stop_times", day="2026-03-30")
    assert set(monday.column("trip_id")) == {"T1", "T2", "T4"}
    assert monday.ledger.reasons().iloc[0].tolist() == ["quarantined", "unknown_stop", 1] or len(
        monday.ledger.reasons()
    )
    assert (monday.ledger.rejected["reason"] == "not_selected: the trip does not run on 2026-03-30").sum() == 2
    assert monday.column("departure")[0] == np.datetime64("2026-03-30T05:00:00")
    # Clocks are put forward on this Sunday: 09:00 is summer time.
    assert _read(feed, "stop_times", day="2026-03-29").column("departure")[0] == np.datetime64("2026-03-29T07:00:00")
    # A holiday: weekday services are removed, those of Sunday added.
    assert set(_read(feed, "stop_times", day="2026-05-25").column("trip_id")) == {"T3"}
    with pytest.raises(layers.SchemaError, match="no trip runs on day: 2031-01-01; its calendar goes from 20260101"):
        _read(feed, "trips", day="2031-01-01")
    with pytest.raises(layers.SchemaError, match="write it as 2026-03-29"):
        _read(feed, "trips", day="Monday")


def test_routes_and_headways(feed):
    routes = _read(feed, "routes", day="2026-03-30")
    assert routes.column("trips").tolist() == [2, 2]  # one of them runs, but nobody knows along which way
    assert routes.column("headway_s")[0] == 1800
    assert shapely.get_type_id(routes.geometry).tolist() == [5, 5]
    assert _why(routes) == ["no_geometry: the record has none"]
    waits = _read(feed, "headways", day="2026-03-30")
    rows = waits.table[["stop_id", "route_id", "hour", "departures"]].to_numpy().tolist()
    assert rows == [["01", "R1", 7, 2], ["02", "R1", 7, 2], ["03", "R2", 23, 1]]
    assert waits.column("headway_s").tolist()[:2] == [1800, 1800]
    assert waits.ledger.records_in == 3 + 4
    with pytest.raises(layers.SchemaError, match="write day:"):
        _read(feed, "headways")


def test_a_feed_may_lie_in_a_folder(tmp_path):
    write_feed(tmp_path / "a.zip", folder="gtfs/today/")
    assert len(_read(tmp_path / "a.zip")) == 3
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("old/trips.txt", "x")
        archive.writestr("old/stop_times.txt", "x")
    with pytest.raises(layers.FileUnreadableError, match=r"several timetables \('gtfs/today/', 'old/'\)"):
        _read(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"stops.txt": None}, layers.FileUnreadableError, "stops.txt: is not in the archive"),
        ({"stops.txt": "id,lat\n1,2\n"}, layers.SchemaError, "has no column 'stop_id', 'stop_lat', 'stop_lon'"),
        ({"stop_times.txt": None}, layers.FileRefusedError, "none of the formats"),
        ({"stops.txt": ""}, layers.FileUnreadableError, "empty"),
    ],
)
def test_what_is_missing_is_named(tmp_path, changed, error, said):
    tables = {name: changed.get(name, text) for name, text in FEED.items()}
    write_feed(tmp_path / "a.zip", {name: text for name, text in tables.items() if text is not None})
    with pytest.raises(error, match=said):
        _read(tmp_path / "a.zip")


def test_no_shapes_at_all(tmp_path):
    write_feed(tmp_path / "a.zip", {name: text for name, text in FEED.items() if name != "shapes.txt"})
    trips = _read(tmp_path / "a.zip", "trips")
    assert trips.column("trip_id").tolist() == ["T4"]
    assert len(_why(trips)) == 5
    with pytest.raises(layers.SchemaError, match="'stops', 'shapes', 'routes'"):
        _read(tmp_path / "a.zip", "fares")


def test_rows_are_named_once(tmp_path):
    write_feed(tmp_path / "a.zip", FEED | {"stops.txt": FEED["stops.txt"] + "01,Twice,43.7,7.4\n06,Far,91,7\n"})
    assert [reason.split(":")[0] for reason in _why(_read(tmp_path / "a.zip"))][2:] == ["duplicate_id", "out_of_range"]


@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_a_cut_archive_says_so(feed, share):
    whole = feed.read_bytes()
    feed.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(layers.FileUnreadableError, match=r"feed\.zip"):
        _read(feed)


@pytest.mark.parametrize("name", ["poa_eptc", "poa_trensurb"])
def test_porto_alegre_equals_gtfs_kit(formats, name):
    path = formats / "transport" / f"{name}.zip"
    theirs = gtfs_kit.read_feed(path, dist_units="km")
    stops = _read(path)
    assert stops.column("stop_id").tolist() == theirs.stops["stop_id"].tolist()
    assert np.array_equal(shapely.get_coordinates(stops.geometry), theirs.stops[["stop_lon", "stop_lat"]].to_numpy())
    shapes = _read(path, "shapes")
    lines = gtfs_kit.geometrize_shapes(theirs.shapes).set_index("shape_id")["geometry"]
    assert shapely.equals_exact(shapes.geometry, lines.loc[shapes.column("shape_id")].to_numpy()).all()
    for day in ("2019-05-15",) if name == "poa_eptc" else ("2019-05-15", "2019-05-19"):  # no bus of theirs on Sundays
        for layer, table in (("trips", theirs.get_trips), ("stop_times", theirs.get_stop_times)):
            ours = _read(path, layer, day=day)
            assert len(ours) == len(table(day.replace("-", "")))
            assert ours.ledger.records_in == len(getattr(theirs, layer))
    times = _read(path, "stop_times")
    assert len(times) == times.ledger.records_in == {"poa_eptc": 130_019, "poa_trensurb": 14_855}[name]
    stated = times.table["departure_time"].notna().to_numpy()
    seconds = [gtfs_kit.timestr_to_seconds(text) for text in times.column("departure_time")[stated]]
    assert times.column("departure_s")[stated].tolist() == seconds
    assert len(_read(path, "routes")) == len(theirs.routes)


def test_headways_of_porto_alegre_equal_gtfs_kits(formats):
    path = formats / "transport" / "poa_trensurb.zip"
    feed = gtfs_kit.read_feed(path, dist_units="km")
    stats = gtfs_kit.compute_stop_stats(feed, ["20190515"], headway_start_time="07:00:00", headway_end_time="19:00:00")
    theirs = stats.set_index("stop_id")["mean_headway"] * 60
    times = _read(path, "stop_times", day="2019-05-15").table
    day = times[times["departure_s"].between(7 * 3600, 19 * 3600)].rename(columns={"departure_s": "seconds"})
    hours = headways(day[["stop_id", "seconds"]], by=["stop_id"])
    first = ~hours["stop_id"].duplicated()
    gaps = hours["departures"] - first
    ours = (hours["headway_s"].fillna(0) * gaps).groupby(hours["stop_id"]).sum() / gaps.groupby(hours["stop_id"]).sum()
    assert set(ours.index) == set(theirs.index)
    assert ours.to_numpy() == pytest.approx(theirs.loc[ours.index].to_numpy(), rel=1e-9)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 100_000)), min_size=1, max_size=30)
)
def test_headways_equal_those_counted_by_hand(rows):
    frame = pd.DataFrame(rows, columns=["stop_id", "route_id", "seconds"]).astype({"seconds": "float64"})
    found = headways(frame, by=["stop_id", "route_id"])
    assert found["departures"].sum() == len(rows)
    for row in found.itertuples():
        mine = sorted(s for stop, route, s in rows if (stop, route) == (row.stop_id, row.route_id))
        gaps = [b - a for a, b in pairwise(mine) if b // 3600 == row.hour]
        assert row.departures == sum(s // 3600 == row.hour for s in mine)
        assert np.isnan(row.headway_s) if not gaps else row.headway_s == pytest.approx(np.mean(gaps))
        assert np.isnan(row.longest_s) if not gaps else row.longest_s == max(gaps)


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 9999)), max_size=6), max_size=4))
def test_times_between_two_stated_ones_are_filled_in(trips):
    seconds = np.array([np.nan if s is None else s for trip in trips for s in trip], dtype=float)
    number = np.array([k for k, trip in enumerate(trips) for _ in trip], dtype=int)
    filled, left = interpolate_seconds(seconds, seconds, number)
    assert np.array_equal(filled, left, equal_nan=True)
    for k, trip in enumerate(trips):
        known = [i for i, s in enumerate(trip) if s is not None]
        expected = np.full(len(trip), np.nan)
        if known:
            inside = np.arange(known[0], known[-1] + 1)
            expected[inside] = np.interp(inside, known, [trip[i] for i in known])
        assert filled[number == k] == pytest.approx(expected, nan_ok=True)


def test_frequencies_are_written_out():
    times = pd.DataFrame({"trip_id": ["a", "a", "b"], "stop_id": ["1", "2", "1"], "seconds": [3600.0, 3900.0, 50.0]})
    every = pd.DataFrame(
        {"trip_id": ["a", "a", "a"], "start_s": [0, 7200, 0], "end_s": [1000, 7300, 5], "headway_s": [500, 600, np.nan]}
    )
    runs = expand_frequencies(times, every)
    assert sorted(runs["seconds"]) == [0, 50, 300, 500, 800, 7200, 7500]
    assert expand_frequencies(times, every[:0]) is times


def test_clock_and_calendar():
    assert to_seconds(pd.Series(["7:00:00", " 7:00:00", "07:00", "-1:00:00"])).tolist()[0] == 25200
    exceptions = pd.DataFrame({"service_id": ["x"], "date": ["20260329"], "exception_type": ["1"]})
    assert running_services(pd.DataFrame(), exceptions, "2026-03-29") == {"x"}
    assert running_services(pd.DataFrame(), exceptions, "2026-03-28") == frozenset()


def test_another_zip_is_no_timetable(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("readme.txt", "hello")
    (tmp_path / "a.zip").write_bytes(packed.getvalue())
    with pytest.raises(layers.FileRefusedError, match="GTFS"):
        _read(tmp_path / "a.zip")
