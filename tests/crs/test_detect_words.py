"""Names, digits and smooth tracks order what the reference leaves open; alone they decide nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely

import crs
from crs.detection.candidates import readings
from crs.detection.subject import region_of, subject_of
from crs.detection.trajectories import smooth_hint
from crs.detection.words import digit_hint, frames_in, name_hint, order_in
from tests.reference.crs_layers import FakeLayer, shapes, table
from tests.reference.crs_streets import METRES_PER_DEGREE, City, encode

HUB = "OGC:CRS84"
SHENZHEN = (113.5, 22.1, 114.7, 22.9)


def layer(x, y, *, names=("x", "y"), name="table", **columns) -> FakeLayer:
    """Make a table whose columns have names and nothing else."""
    made = table({"definition": HUB, "columns": list(names)}, list(x), list(y), name=name)
    undeclared = dataclasses.replace(made.position, crs=None)
    return dataclasses.replace(made, position=undeclared, columns={k: np.asarray(v) for k, v in columns.items()})


def hint_of(source, frame):
    """Return what a source says of each reading, by its label."""
    subject = subject_of(frame, region_of(SHENZHEN, None))
    found = readings(subject.sample, subject.region.box)
    hint = source(subject, found)
    return None if hint is None else dict(zip((one.members[0].label for one in found), hint.scores, strict=True))


# --- words


@pytest.mark.parametrize(
    ("texts", "frames"),
    [
        (["gcj_lng", "gcj_lat"], {"GCJ-02"}),
        (["高德经度", "高德纬度"], {"GCJ-02"}),
        (["火星坐标X"], {"GCJ-02"}),
        (["bd09_x", "bd09_y"], {"BD-09"}),
        (["百度坐标"], {"BD-09"}),
        (["wgs84_lon"], {"WGS84"}),
        (["GPS经度"], {"WGS84"}),
        (["2000坐标X", "2000坐标Y"], {"CGCS2000"}),
        (["54坐标X"], {"Beijing 1954"}),
        (["北京54"], {"Beijing 1954"}),
        (["西安80坐标"], {"Xian 1980"}),
        (["\uff27\uff23\uff2a\uff10\uff12"], {"GCJ-02"}),  # full width
        (["wgs84_to_gcj02"], {"GCJ-02"}),
        (["lon", "lat"], set()),
        (["id12000", "item 1845"], set()),
        (["abd_id"], set()),
    ],
)
def test_words_of_both_languages_stand_for_frames(texts, frames):
    assert frames_in(texts) == frames


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("lng", "lat"), (True, True)),
        (("Latitude", "Longitude"), (False, True)),
        (("纬度", "经度"), (False, True)),
        (("东坐标", "北坐标"), (True, False)),
        (("northing", "easting"), (False, False)),
        (("wd", "jd"), (False, True)),
        (("x", "y"), None),
        (("a",), None),
    ],
)
def test_names_of_axes_tell_their_order(names, order):
    assert order_in(names) == order


def test_a_name_speaks_for_its_frame_by_nine_to_one_and_no_more():
    lon, lat = City(1).on_streets(40, sigma_m=5.0)
    said = hint_of(name_hint, layer(lat, lon, names=("gcj_lat", "gcj_lng"), name="gaode_poi"))
    best = max(said, key=said.get)
    assert best == "GCJ-02, latitude first"
    assert max(said.values()) - min(said.values()) <= np.log(9) + 1e-9
    assert hint_of(name_hint, layer(lon, lat)) is None


def test_a_column_of_frames_and_a_declaration_are_words_too():
    lon, lat = City(1).on_streets(40, sigma_m=5.0)
    said = hint_of(name_hint, layer(lon, lat, coord_type=["bd09ll"] * 40))
    assert said["BD-09"] == max(said.values()) > said["OGC:CRS84"]
    mixed = layer(lon, lat, coord_type=[f"bd09-{k}" for k in range(40)])
    assert hint_of(name_hint, mixed) is None, "a column of forty values tells of no frame"
    declared = table({"definition": "GCJ-02", "columns": ["x", "y"]}, list(lon), list(lat))
    said = hint_of(name_hint, declared)
    assert said["GCJ-02"] == max(said.values()) > said["OGC:CRS84"]


def test_names_alone_name_nothing_and_wrong_names_change_nothing():
    city = City(2)
    geometry = shapes(HUB, *city.geometry(), name="streets")
    x, y = encode(*city.on_streets(60, sigma_m=5.0), "BD-09")
    wrong = layer(x, y, names=("wgs84_lng", "wgs84_lat"), name="gps")
    alone = crs.detect(wrong, area=SHENZHEN)
    assert alone.status == "ambiguous"
    assert alone.candidates[0].label == HUB
    assert alone.candidates[0].probability <= 0.9
    judged = crs.detect(wrong, reference=geometry)
    assert judged.position.name == "BD-09"
    assert "names speak of WGS84" in judged.candidates[0].evidence


# --- digits


def packed(values) -> np.ndarray:
    seconds = np.rint(np.asarray(values) * 3600)
    return seconds // 3600 + seconds // 60 % 60 / 100 + seconds % 60 / 10_000


def test_minutes_and_seconds_that_never_reach_sixty_are_no_decimals():
    lon, lat = City(3).on_streets(40, sigma_m=5.0)
    said = hint_of(digit_hint, layer(packed(lon), packed(lat)))
    assert said["OGC:CRS84, packed_dms"] - said[HUB] > 5
    assert hint_of(digit_hint, layer(lon, lat)) is None
    # Few digits say little.
    few = hint_of(digit_hint, layer(packed(lon[:2]), packed(lat[:2])))
    assert few is None or max(few.values()) < 8 * -np.log(0.6) + 1e-9


# --- tracks


def ride(seed: int = 0, n: int = 60, step_m: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw a vehicle that goes north-east over many full minutes."""
    draw = np.random.default_rng(seed)
    heading = 0.8 + np.cumsum(draw.normal(0, 0.05, n))
    along = draw.uniform(0.7, 1.3, n) * step_m
    x, y = np.cumsum(along * np.cos(heading)), np.cumsum(along * np.sin(heading))
    lat = 22.5 + y / METRES_PER_DEGREE
    return 114.0 + x / (METRES_PER_DEGREE * np.cos(np.radians(22.5))), lat


def test_minutes_read_as_decimals_jump_whenever_one_is_full():
    lon, lat = ride()
    subject = shapes(HUB, shapely.linestrings(packed(lon), packed(lat)))
    said = hint_of(smooth_hint, subject)
    assert said["OGC:CRS84, packed_dms"] == 0
    assert said[HUB] < -2
    assert hint_of(smooth_hint, shapes(HUB, shapely.linestrings(lon, lat))) is None, "shifted maps are all smooth"


def test_records_of_vehicles_are_tracks_in_the_order_of_their_times():
    lon, lat = ride()
    other = ride(seed=5)
    x, y = packed(np.append(lon, other[0])), packed(np.append(lat, other[1]))
    order = np.random.default_rng(1).permutation(120)
    times = np.tile(np.datetime64("2026-05-31T08:00:00") + np.arange(60) * np.timedelta64(5, "s"), 2)
    vehicle = np.repeat(["a", "b"], 60)
    frame = layer(x[order], y[order], vehicle_id=vehicle[order], time=times[order])
    said = hint_of(smooth_hint, frame)
    assert said["OGC:CRS84, packed_dms"] == 0
    assert said[HUB] < -4
    assert hint_of(smooth_hint, layer(x[order], y[order])) is None, "without times there is no order"


def test_a_track_that_changes_its_map_is_cut_there_and_named_piece_by_piece():
    city = City(6)
    draw = np.random.default_rng(7)
    chosen = city.plane[np.argsort(-shapely.length(city.plane))[:6]]
    x, y, track = [], [], []
    for number, line in enumerate(chosen):
        # A vehicle follows its street 25 m at a time; from the middle on its provider hands out GCJ-02.
        points = shapely.line_interpolate_point(line, np.arange(0, shapely.length(line), 25.0))
        noise = draw.normal(0, 2.0, (2, len(points)))
        lon, lat = city.degrees(shapely.get_x(points) + noise[0], shapely.get_y(points) + noise[1])
        half = len(lon) // 2
        lon[half:], lat[half:] = encode(lon[half:], lat[half:], "GCJ-02")
        x, y, track = np.append(x, lon), np.append(y, lat), np.append(track, np.full(len(lon), number))
    pieces = crs.stretches(x, y, track)
    assert len(np.unique(pieces)) == 12
    found = crs.detect_groups((x, y), pieces, reference=shapes(HUB, *city.geometry(), name="streets"))
    best = [found.components[k].label for k in found.group_probabilities[:, :-1].argmax(axis=1)]
    assert best == [HUB, "GCJ-02"] * 6


def test_stretches_ask_for_one_label_a_record():
    with pytest.raises(crs.LengthMismatchError, match="3 records but 2 tracks"):
        crs.stretches([1, 2, 3], [1, 2, 3], ["a", "b"])
    assert crs.stretches([], [], []).tolist() == []
    # Speeds, not steps: the record after a pause of an hour is as far as an hour goes.
    x = np.append(np.arange(10.0), 700 + np.arange(10.0))
    times = np.append(np.arange(10), 3600 * 0 + 710 + np.arange(10)).astype("datetime64[s]")
    assert np.unique(crs.stretches(x, x, np.zeros(20), times=times)).tolist() == [0]
    assert np.unique(crs.stretches(x, x, np.zeros(20))).tolist() == [0, 1]
