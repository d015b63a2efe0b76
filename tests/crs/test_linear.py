"""Chainage along streets: hand-computed places, a slow walker as oracle, and every way to be refused."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

import crs
from tests.reference.crs_chainage import walk
from tests.reference.crs_layers import shapes, table

GEOD = Geod(ellps="WGS84")
EQUATOR_DEGREE_M = 6378137.0 * np.pi / 180

SPEC = {"along": "streets", "key": "street_id", "columns": ["street", "post"]}


def streets(*lines, ids=None, position="OGC:CRS84"):
    layer = shapes(position, *lines, name="streets", street_id=list(ids or range(1, len(lines) + 1)))
    return crs.harmonise(layer)


def place(reference, ids, chainages, *, target="OGC:CRS84", **more):
    return crs.harmonise(table(SPEC | more, ids, chainages), target=target, references={"streets": reference})


def test_along_the_equator_by_hand():
    """A degree of longitude on the equator is a pi/180 of 6,378,137 m."""
    equator = streets(shapely.LineString([(0, 0), (0.5, 0), (1, 0)]))
    done = place(equator, [1, 1, 1], ["0", str(EQUATOR_DEGREE_M / 4), "K55+659.745"])
    assert [p.x for p in done.coordinates.geometry] == pytest.approx([0, 0.25, 55_659.745 / EQUATOR_DEGREE_M], abs=1e-9)
    assert done.reasons.tolist() == [None] * 3


points = st.tuples(st.floats(7.0, 7.5), st.floats(43.0, 43.5))


@settings(deadline=None, max_examples=150)
@given(lines=st.lists(st.lists(points, min_size=2, max_size=6, unique=True), min_size=1, max_size=4), data=st.data())
def test_a_slow_walker_comes_to_the_same_place(lines, data):
    reference = streets(*(shapely.LineString(line) for line in lines))
    ids = data.draw(st.lists(st.integers(1, len(lines)), min_size=1, max_size=6))
    lengths = [GEOD.geometry_length(shapely.LineString(lines[i - 1])) for i in ids]
    chainages = [data.draw(st.floats(-0.2, 1.2)) * length for length in lengths]
    done = place(reference, ids, [repr(c) for c in chainages])
    for point, reason, i, chainage in zip(done.coordinates.geometry, done.reasons, ids, chainages, strict=True):
        expected = walk(lines[i - 1], chainage)
        if expected is None:
            beyond_m = max(-chainage, chainage - GEOD.geometry_length(shapely.LineString(lines[i - 1])))
            # The last printed digit of a short text may be worth a tenth of a metre.
            assert (reason or "on the end").startswith(
                "beyond_end: post" if beyond_m > 0.2 else ("beyond_end", "on the end")
            )
        else:
            assert reason is None
            assert crs.geodesy.distances_m(point.x, point.y, *expected) < 1e-6


def test_beyond_an_end_is_refused_by_more_than_it_is_stated_to_be_wrong():
    reference = streets(shapely.LineString([(7.42, 43.73), (7.43, 43.73)]))
    length = float(crs.geodesy.lengths_m(reference.coordinates.geometry)[0])
    texts = [f"{length + d:.1f}" for d in (-1, 1, 15, 17)] + ["-1.0", "-15.0", "-17.0"]
    exact = place(reference, [1] * 7, texts)
    assert [p is None for p in exact.coordinates.geometry] == [False, True, True, True, True, True, True]
    loose = place(reference, [1] * 7, texts, sigma_m=8)
    assert [p is None for p in loose.coordinates.geometry] == [False, False, False, True, False, False, True]
    assert loose.coordinates.geometry[2].x == pytest.approx(7.43, abs=1e-12)
    assert loose.coordinates.geometry[5].x == pytest.approx(7.42, abs=1e-12)
    assert "is not on a line of 805.7 m (street 1)" in loose.reasons[3]


def test_sigma_is_stated_and_rounded_and_the_streets_own():
    """Rounding errs along the street only: as a circle that is half the variance on either axis."""
    reference = crs.harmonise(
        shapes(
            {"definition": "OGC:CRS84", "sigma_m": 3}, shapely.LineString([(7.42, 43.73), (7.43, 43.73)]), street_id=[1]
        )
    )
    done = place(reference, [1, 1], ["100", "200"], sigma_m=4)
    assert done.coordinates.sigma_m == pytest.approx([(3**2 + 4**2 + 1 / 24) ** 0.5] * 2)
    rough = place(reference, [1], ["K0+1"], sigma_m=0, unit="kilometre")
    assert rough.coordinates.sigma_m == pytest.approx([(3**2 + 1 / 24) ** 0.5])


@pytest.mark.parametrize(
    ("text", "unit", "metres"),
    [("K0+300", "metre", 300), ("PK 0+300.5", "metre", 300.5), ("0+300", "kilometre", 300), ("k 0 + 300", "metre", 300),
     ("0.3", "kilometre", 300), (" 300 ", "metre", 300), (300, "metre", 300), ("984.25", "foot", 300)],
)  # fmt: skip
def test_spellings_of_a_chainage(text, unit, metres):
    reference = streets(shapely.LineString([(0, 0), (1, 0)]))
    done = place(reference, ["1"], [text], unit=unit)
    assert done.coordinates.geometry[0].x * EQUATOR_DEGREE_M == pytest.approx(metres, abs=2e-3)


@pytest.mark.parametrize(
    ("identity", "text", "unit", "said"),
    [
        ("9", "100", "metre", "unknown_key: street '9' is not in streets"),
        (None, "100", "metre", "missing: street is empty"),
        ("1", None, "metre", "missing: post is empty"),
        ("1", "K0+30x", "metre", "unreadable: post"),
        ("1", "K0+1000", "metre", "unreadable: post"),
        ("1", "0+30", "foot", "a post of 1,000 m, but the unit is foot"),
        ("2", "100", "metre", "in separate parts"),
        ("3", "100", "metre", "stands on several rows"),
        ("4", "100", "metre", "has no position itself"),
    ],
)
def test_each_refusal_says_why_and_spoils_no_other(identity, text, unit, said):
    line = shapely.LineString([(7.42, 43.73), (7.43, 43.73)])
    parts = shapely.MultiLineString([[(7.42, 43.73), (7.43, 43.73)], [(7.44, 43.73), (7.45, 43.73)]])
    reference = streets(line, parts, line, line, None, ids=[1, 2, 3, 3, 4])
    done = place(reference, ["1", identity, "1"], ["100", text, "200"], unit=unit)
    assert said in done.reasons[1]
    assert done.reasons[[0, 2]].tolist() == [None, None]
    assert np.isnan(done.coordinates.sigma_m).tolist() == [False, True, False]


def test_parts_that_follow_one_another_are_one_line():
    parts = shapely.MultiLineString([[(0.5, 0), (1, 0)], [(0, 0), (0.5, 0)]])
    done = place(streets(parts), [1], [str(0.75 * EQUATOR_DEGREE_M)])
    assert done.coordinates.geometry[0].x == pytest.approx(0.75, abs=1e-9)


def test_parts_that_run_against_one_another_are_no_line():
    """Joined they would have a length, but nobody could say from which end the chainage runs."""
    parts = shapely.MultiLineString([[(0, 0), (0.5, 0)], [(1, 0), (0.5, 0)]])
    done = place(streets(parts), [1], ["100"])
    assert "in separate parts" in done.reasons[0]


def test_the_direction_is_that_of_the_line():
    line = shapely.LineString([(0, 0), (1, 0)])
    done = place(streets(line, line.reverse()), [1, 2], ["1000", "1000"])
    first, second = (p.x * EQUATOR_DEGREE_M for p in done.coordinates.geometry)
    assert first == pytest.approx(1000, abs=1e-3)
    assert second == pytest.approx(EQUATOR_DEGREE_M - 1000, abs=1e-3)


def test_metres_are_of_the_ground_also_where_the_frame_is_projected():
    """UTM shortens by 0.9996, Web Mercator stretches by 1/cos(lat): a chainage knows of neither."""
    line = shapely.LineString([(7.42, 43.73), (7.44, 43.73)])
    plain = place(streets(line), [1], ["1000"])
    for target in ("EPSG:32632", "EPSG:3857"):
        reference = crs.harmonise(shapes("OGC:CRS84", line, street_id=[1]), target=target)
        done = place(reference, [1], ["1000"], target=target)
        back = crs.project(done.coordinates.geometry, source=target, target="OGC:CRS84")
        assert shapely.distance(back[0], plain.coordinates.geometry[0]) < 1e-9


def test_a_register_places_by_id():
    spec = {"register": "sites", "key": "nyc_id", "columns": ["SiteID"], "sigma_m": 4}
    sites = crs.harmonise(
        shapes(
            {"definition": "OGC:CRS84", "sigma_m": 3},
            shapely.Point(7.42, 43.73), shapely.Point(7.43, 43.73), shapely.Point(7, 43), shapely.Point(8, 43), None,
            name="sites", nyc_id=[11.0, "B 2", "C", "C", "D"],
        )
    )  # fmt: skip
    layer = table(spec, ["11", 11, " B 2 ", "C", "D", "E", None])
    done = crs.harmonise(layer, references={"sites": sites})
    assert [p if p is None else p.x for p in done.coordinates.geometry] == [7.42, 7.42, 7.43, None, None, None, None]
    assert done.coordinates.sigma_m[:3] == pytest.approx([5.0] * 3)
    codes = [reason.partition(":")[0] for reason in done.reasons[3:]]
    assert codes == ["ambiguous_reference", "reference_unplaced", "unknown_key", "missing"]
    assert "'E' is not in sites" in done.reasons[5]


@pytest.mark.parametrize("spec", [SPEC, {"register": "streets", "key": "street_id", "columns": ["street"]}])
def test_a_reference_that_is_not_there_or_not_moved_is_named_with_the_remedy(spec):
    columns = [["1"]] * len(spec["columns"])
    layer = table(spec, *columns, name="detectors")
    with pytest.raises(
        crs.ReferenceMissingError, match=r"'detectors'.*'streets'.*found references \['roads'\].*references="
    ):
        crs.harmonise(layer, references={"roads": layer})
    feet = shapes("EPSG:2263", shapely.LineString([(985000, 195000), (986000, 195000)]), street_id=[1])
    with pytest.raises(crs.ReferenceNotHarmonisedError, match=r"is in EPSG:2263, not in OGC:CRS84.*crs\.harmonise"):
        crs.harmonise(layer, references={"streets": feet})
    with pytest.raises(crs.ReferenceNotHarmonisedError, match="detectors"):
        crs.harmonise(layer, references={"streets": layer})
