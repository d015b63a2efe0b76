"""A missing definition is named from evidence, or the verdict says why the data cannot tell."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely

import crs
from crs.detection.candidates import candidates
from crs.detection.evidence import Reference, blocks, inflation
from crs.detection.nearest import feet_m
from crs.entries import Area
from tests.reference.crs_layers import shapes, table
from tests.reference.crs_streets import METRES_PER_DEGREE, City, encode

HUB = "OGC:CRS84"
SHENZHEN = (113.7, 22.4, 114.7, 22.9)


def streets(city: City):
    return shapes(HUB, *city.geometry(), name="streets")


def moved(lon, lat, east_m, north_m):
    return lon + east_m / (METRES_PER_DEGREE * np.cos(np.radians(22.55))), lat + north_m / METRES_PER_DEGREE


def is_named(verdict: crs.Verdict, target: str) -> bool:
    return verdict.position is not None and target in verdict.candidates[0].names


# --- what can be known is named


@pytest.mark.parametrize("target", [HUB, "GCJ-02", "BD-09", "EPSG:4547", "EPSG:4526"])
@pytest.mark.parametrize("sigma_m", [3.0, 6.0])
def test_thirty_records_of_a_city_name_their_definition(target, sigma_m):
    for seed in range(2):
        city = City(seed)
        pair = encode(*city.on_streets(30, sigma_m=sigma_m), target)
        verdict = crs.detect(pair, reference=streets(city))
        assert is_named(verdict, target), verdict
        assert verdict.position.status == "detected"


def test_with_noise_of_ten_metres_the_right_one_leads_and_no_wrong_one_is_ever_claimed():
    leads = 0
    for seed in range(16):
        city, target = City(100 + seed), [HUB, "GCJ-02", "BD-09", "EPSG:4547"][seed % 4]
        pair = encode(*city.on_streets(30, sigma_m=10.0), target)
        verdict = crs.detect(pair, reference=streets(city))
        leads += target in verdict.candidates[0].names
        assert verdict.status != "named" or is_named(verdict, target), verdict
    assert leads == 16


@pytest.mark.parametrize(
    ("notation", "write"),
    [
        ("decimal", lambda lon, lat: (np.rint(lon * 1e6).astype(int), np.rint(lat * 1e6).astype(int))),
        ("nmea", lambda lon, lat: ([nmea(v) for v in lon], [nmea(v) for v in lat])),
        ("dms", lambda lon, lat: ([dms(v) + "E" for v in lon], [dms(v) + "N" for v in lat])),
    ],
)
def test_the_way_of_writing_and_the_order_of_axes_are_found_too(notation, write):
    city = City(7)
    lon, lat = write(*encode(*city.on_streets(40, sigma_m=5.0), "GCJ-02"))
    verdict = crs.detect((lat, lon), reference=streets(city))
    assert is_named(verdict, "GCJ-02"), verdict
    assert (verdict.position.axes, verdict.position.notation) == ("lat,lon", notation)


def dms(value):
    return f"{int(value)}°{int(value * 60) % 60:02d}'{value * 3600 % 60:06.3f}\""


def nmea(value):
    return f"{int(value) * 100 + (value - int(value)) * 60:.6f}"


def test_a_named_definition_places_the_records():
    city = City(3)
    lon, lat = city.on_streets(40, sigma_m=4.0)
    verdict = crs.detect(encode(lon, lat, "BD-09"), reference=streets(city))
    back = crs.transform(*encode(lon, lat, "BD-09"), source=verdict.position, target=HUB)
    assert np.allclose(back, (lon, lat), atol=1e-7)


def test_stations_are_judged_by_their_register():
    draw = np.random.default_rng(5)
    lon, lat = City(1).degrees(*draw.uniform(-5000, 5000, (2, 120)))
    register = shapes(HUB, *shapely.points(lon, lat), name="stations")
    chosen = draw.choice(120, 25, replace=False)
    noisy = moved(lon[chosen], lat[chosen], *draw.normal(0, 5, (2, 25)))
    verdict = crs.detect(encode(*noisy, "GCJ-02"), reference=register)
    assert is_named(verdict, "GCJ-02"), verdict


def test_what_is_equal_is_one_class_and_says_so():
    city = City(2)
    verdict = crs.detect(city.on_streets(30, sigma_m=5.0), reference=streets(city))
    assert set(verdict.candidates[0].names) >= {"OGC:CRS84", "EPSG:4326", "EPSG:4490"}
    assert "cannot be told from" in repr(verdict)


def test_new_york_has_its_own_candidates():
    city = City(4, lon=-73.95, lat=40.72)
    pair = encode(*city.on_streets(30, sigma_m=5.0), "EPSG:2263")
    verdict = crs.detect(pair, reference=streets(city))
    assert is_named(verdict, "EPSG:2263"), verdict
    assert "GCJ-02" not in {ranked.label for ranked in verdict.candidates}


def test_a_layer_is_judged_whatever_it_declares_and_the_contradiction_is_told():
    city = City(6)
    lon, lat = encode(*city.on_streets(40, sigma_m=5.0), "GCJ-02")
    layer = table({"definition": "EPSG:4326", "columns": ["x", "y"]}, list(lon), list(lat), name="taxis")
    verdict = crs.detect(layer, reference=streets(city))
    assert verdict.name == "taxis"
    assert is_named(verdict, "GCJ-02"), verdict
    assert "contradicts the declared EPSG:4326" in verdict.candidates[0].evidence


# --- what cannot be known is not claimed


def parallel_streets() -> tuple[np.ndarray, np.ndarray]:
    """Draw one window of 500 m with streets that all run east, and its records' way of moving."""
    city = City(0)
    lines = [shapely.linestrings(np.column_stack(city.degrees([-900, 900], [y, y]))) for y in range(-250, 251, 90)]
    return np.array(lines), np.array([-250, 250])


@pytest.mark.parametrize("along_m", [0.0, 33.0, 48.0])
def test_parallel_streets_in_a_small_window_decide_nothing(along_m):
    lines, _ = parallel_streets()
    draw = np.random.default_rng(1)
    for n in (20, 100, 300):
        x = draw.uniform(-250, 250, n) + along_m
        y = draw.choice(np.arange(-250, 251, 90), n) + draw.normal(0, 5, n)
        verdict = crs.detect(City(0).degrees(x, y), reference=shapes(HUB, *lines, name="streets"))
        assert verdict.status != "named", verdict
        assert any("other directions" in text for text in verdict.settle)


@pytest.mark.parametrize("target", [HUB, "GCJ-02", "BD-09", "EPSG:4547"])
@pytest.mark.parametrize("n", [30, 300])
def test_buildings_are_no_evidence_against_streets(target, n):
    for seed in range(2):
        city = City(200 + seed)
        verdict = crs.detect(encode(*city.off_streets(n), target), reference=streets(city))
        assert verdict.status == "unknown", verdict
        assert verdict.position is None
        assert "same kind of entity" in verdict.settle[0]


@pytest.mark.parametrize(("east_m", "north_m"), [(45.0, 20.0), (-60.0, 90.0), (120.0, -110.0)])
def test_an_unknown_shift_is_none_of_these_and_is_measured(east_m, north_m):
    city = City(9)
    lon, lat = moved(*city.on_streets(100, sigma_m=5.0), east_m, north_m)
    verdict = crs.detect((lon, lat), reference=streets(city))
    assert verdict.status == "unknown", verdict
    # The rest is that the reference itself is shifted, which no data of both can tell.
    assert verdict.none_probability > 0.6
    assert verdict.position is None
    assert verdict.shift.east_m == pytest.approx(-east_m, abs=8)
    assert verdict.shift.north_m == pytest.approx(-north_m, abs=8)
    assert verdict.shift.sigma_m < 8


def test_a_shift_of_a_kilometre_is_measured_too_and_one_beyond_the_search_is_not():
    city = City(10)
    lon, lat = moved(*city.on_streets(60, sigma_m=5.0), 900.0, -700.0)
    verdict = crs.detect((lon, lat), reference=streets(city))
    assert verdict.status == "unknown", verdict
    assert verdict.shift.source == HUB
    assert (verdict.shift.east_m, verdict.shift.north_m) == pytest.approx((-900.0, 700.0), abs=10)
    city = City(10)
    lon, lat = moved(*city.on_streets(60, sigma_m=5.0), 1900.0, -1700.0)
    assert crs.detect((lon, lat), reference=streets(city)).status == "unknown"


def test_few_records_are_never_enough():
    city = City(11)
    verdict = crs.detect(city.on_streets(4, sigma_m=1.0), reference=streets(city))
    assert verdict.status != "named"
    assert "at least 5 distinct positions, found 4" in verdict.settle


def test_one_station_with_a_thousand_readings_is_one_position():
    city = City(12)
    lon, lat = city.on_streets(3, sigma_m=1.0)
    verdict = crs.detect((np.repeat(lon, 1000), np.repeat(lat, 1000)), reference=streets(city))
    assert verdict.records == 3
    assert verdict.status != "named"


def test_an_area_alone_names_nothing():
    city = City(13)
    verdict = crs.detect(city.on_streets(200, sigma_m=5.0), area=SHENZHEN)
    labels = [ranked.label for ranked in verdict.candidates]
    assert verdict.status == "ambiguous"
    assert {HUB, "GCJ-02", "BD-09"} <= set(labels)
    assert "reference layer" in verdict.settle[0]


def test_numbers_of_nowhere_are_unknown():
    verdict = crs.detect(([1.0, 2.0, 3.0], [5.0, 6.0, 7.0]), area=SHENZHEN)
    assert (verdict.status, verdict.none_probability, verdict.candidates) == ("unknown", 1.0, ())
    assert crs.detect(([], []), area=SHENZHEN).settle == ("the file holds no positions",)
    assert crs.detect(([np.nan, None], ["", 3.0]), area=SHENZHEN).status == "unknown"


# --- the parts


def test_a_chinese_city_has_at_least_48_candidates_and_all_are_definitions():
    found = candidates(Area(113.9, 22.5, 114.1, 22.6))
    assert len(found) >= 48
    assert len({candidate.label for candidate in found}) == len(found)
    names = {candidate.position.name for candidate in found}
    assert {HUB, "EPSG:4490", "GCJ-02", "BD-09", "BD-09MC", "EPSG:4547", "EPSG:4526", "EPSG:32650"} <= names
    assert {"EPSG:4214", "EPSG:2435"} <= names, "Beijing 1954 by its regional operation"


def test_probabilities_sum_to_one_and_json_says_it_all():
    city = City(14)
    verdict = crs.detect(encode(*city.on_streets(40, sigma_m=5.0), "EPSG:4547"), reference=streets(city))
    content = json.loads(verdict.to_json())
    assert sum(one["probability"] for one in content["candidates"]) + content["none_of_these"] == pytest.approx(1.0)
    assert content["status"] == verdict.status == "named"
    assert content["candidates"][0]["definitions"][0]["definition"] == "EPSG:4547"
    assert crs.definition(content["candidates"][0]["definitions"][0]["crs"]).name == "EPSG:4547"


def test_html_shows_the_verdict_and_escapes_names():
    verdict = crs.detect(
        table("EPSG:4326", [114.0], [22.5], name="<script>"), area=SHENZHEN
    )  # fmt: skip
    assert "<script>" not in verdict._repr_html_()
    assert "none of these" in verdict._repr_html_()


def test_a_verdict_is_the_same_each_time():
    city = City(15)
    pair = city.on_streets(60, sigma_m=8.0)
    assert repr(crs.detect(pair, reference=streets(city))) == repr(crs.detect(pair, reference=streets(city)))


def test_records_that_share_errors_count_for_less():
    draw = np.random.default_rng(0)
    x, y = draw.uniform(0, 9000, (2, 400))
    owner = blocks(x, y)
    assert len(np.unique(owner)) == 25, "squares of 2 km"
    alone = draw.normal(size=400)
    shared = draw.normal(size=25)[owner] + 0.3 * draw.normal(size=400)
    assert inflation(alone, owner) == pytest.approx(1.0, abs=0.5)
    assert inflation(shared, owner) > 3.0


def test_distances_to_a_reference_are_those_of_shapely():
    city = City(16)
    reference = Reference(city.geometry())
    x, y = np.random.default_rng(2).uniform(-6000, 6000, (2, 500))
    flat = shapely.union_all(reference.plane.project(city.geometry()))
    slow = np.minimum(shapely.distance(shapely.points(x, y), flat), 256.0)
    assert np.abs(reference.distances_m(x, y) - slow).max() < 1e-9
    foot_x, foot_y = feet_m(reference.squares, x, y)
    near = slow < 256.0
    assert np.array_equal(np.isfinite(foot_x), near)
    assert shapely.distance(shapely.points(foot_x[near], foot_y[near]), flat).max() < 1e-9
    assert np.abs(np.hypot(foot_x - x, foot_y - y) - slow)[near].max() < 1e-9


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (([1.0], [2.0], [3.0]), {"area": SHENZHEN}, "two columns"),
        (([1.0], [2.0]), {}, "reference= .* or area="),
        (crs.Lattice(np.zeros((2, 2)), np.zeros((2, 2))), {"area": SHENZHEN}, "two columns, or geometries"),
        (([1.0], [2.0]), {"reference": shapes("EPSG:2263", shapely.Point(1e6, 2e5))}, "harmonise"),
        (([1.0], [2.0]), {"reference": shapes(HUB, None)}, "nothing"),
        (([1.0], [2.0]), {"area": shapely.Point(1, 2)}, "without a polygon"),
        (([1.0], [2.0]), {"area": SHENZHEN, "confidence": 0.3}, "confidence 0.3"),
        (
            ([1.0], [2.0]),
            {"area": SHENZHEN, "candidates": [{"register": "stations", "key": "id", "columns": ["id"]}]},
            "no frame of numbers",
        ),
        (
            ([1.0], [2.0]),
            {"reference": shapes(HUB, shapely.Point(1, 2), shapely.LineString([(1, 2), (3, 4)]))},
            "lines and other",
        ),
    ],
)
def test_refusals_say_what_to_pass(frame, options, message):
    with pytest.raises(crs.CrsError, match=message):
        crs.detect(frame, **options)


# --- what else may be handed over


def test_an_area_of_polygons_is_soft_evidence_and_not_only_a_box():
    city = City(17)
    lon, lat = city.on_streets(60, sigma_m=5.0)
    tight = shapely.box(lon.min(), lat.min(), lon.max(), lat.max()).buffer(1e-5)
    verdict = crs.detect((lon, lat), area=shapes(HUB, tight, name="district"))
    assert (verdict.status, verdict.candidates[0].label) == ("ambiguous", HUB)
    assert "60 of 60 records lie in the given area" in verdict.candidates[0].evidence
    chances = {ranked.label: ranked.probability for ranked in verdict.candidates}
    assert chances[HUB] > 20 * chances["BD-09"]
    assert crs.detect((lon, lat), area=tight).candidates == verdict.candidates


def test_a_definition_that_the_city_has_enters_the_race():
    office = {"parameters": [24.0, -123.0, -94.0], "accuracy_m": 1.0, "source": "office", "to": "EPSG:4490"}
    xian = {"definition": "EPSG:4610", "shift": office}
    city = City(18)
    pair = encode(*city.on_streets(60, sigma_m=4.0), xian)
    assert crs.detect(pair, reference=streets(city)).position is None
    verdict = crs.detect(pair, reference=streets(city), candidates=[xian])
    assert verdict.status == "named", verdict
    assert verdict.candidates[0].label == "EPSG:4610 (office)"


def test_a_claim_takes_the_asked_for_confidence():
    city = City(19)
    pair = city.on_streets(16, sigma_m=5.0)
    low, high = (crs.detect(pair, reference=streets(city), confidence=asked) for asked in (0.9, 1 - 1e-15))
    assert (low.status, low.confidence) == ("named", 0.9)
    assert (high.status, high.candidates[0].probability) == ("ambiguous", low.candidates[0].probability)


class Slices:
    """A column of 100 million rows that are made when they are read."""

    shape = (100_000_000,)
    dtype = np.dtype(np.float64)

    def __init__(self, values):
        self.values, self.read = values, 0

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        self.read += len(rows)
        return self.values[rows % len(self.values)]


def test_a_sample_is_read_and_no_more():
    city = City(20)
    x, y = (Slices(column) for column in encode(*city.on_streets(5000, sigma_m=5.0), "BD-09"))
    verdict = crs.detect((x, y), reference=streets(city))
    assert is_named(verdict, "BD-09"), verdict
    assert x.read <= 20_000


def test_a_verdict_keeps_what_a_picture_needs():
    city = City(21)
    verdict = crs.detect(encode(*city.on_streets(30, sigma_m=5.0), "GCJ-02"), reference=streets(city))
    assert verdict.sketch.labels == tuple(ranked.label for ranked in verdict.candidates[:2])
    assert [one.shape for one in verdict.sketch.positions] == [(30, 2)] * 2
    assert 0 < len(verdict.sketch.reference) <= 2000
    assert "sketch" not in verdict.to_json()
