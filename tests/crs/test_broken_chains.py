"""Broken chains (断链) and measures in vertices: places by hand on the equator, where a metre is a known angle."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

import crs
import layers
from tests.reference.crs_layers import shapes, table

DEGREE_M = 6378137.0 * np.pi / 180
SPEC = {"along": "streets", "key": "id", "columns": ["road", "post"]}
#: 1,000 m of the equator.
ROAD = shapely.LineString([(0, 0), (400 / DEGREE_M, 0), (1000 / DEGREE_M, 0)])


def streets(*lines, ids=("G15",), **columns):
    return crs.harmonise(shapes("OGC:CRS84", *lines, name="streets", id=list(ids), **columns))


def metres(done):
    return [None if point is None else round(point.x * DEGREE_M, 6) for point in done.coordinates.geometry]


def codes(done):
    return [None if reason is None else reason.split(":")[0] for reason in done.reasons]


def place(posts, reference=None, ids=None, **more):
    ids = ["G15"] * len(posts) if ids is None else ids
    reference = {"streets": streets(ROAD)} if reference is None else reference
    return crs.harmonise(table(SPEC | more, ids, posts), references=reference)


def test_a_short_chain_jumps_ahead_and_the_numbers_between_are_nowhere():
    """K0+300 = K0+450: what stands at 700 on the road is 550 m from its start."""
    done = place(
        ["K0+299", "K0+300", "K0+375", "K0+450", "K0+700", "K1+150", "K1+160"],
        equations={"G15": ["K0+300 = K0+450"]},
    )
    assert metres(done) == [299, 300, None, 300, 550, 1000, None]
    assert codes(done) == [None, None, "between_pieces", None, None, None, "beyond_end"]


def test_a_long_chain_jumps_back_and_the_numbers_of_both_sides_are_refused():
    """K0+450 = K0+300: 300 to 450 is met twice, 600 is 750 m from the start."""
    done = place(["K0+299", "K0+350", "K0+451", "K0+600", "K0+850", "K0+860"], equations={"G15": ["K0+450 = K0+300"]})
    assert metres(done) == [299, None, 601, 750, 1000, None]
    assert codes(done) == [None, "ambiguous_chainage", None, None, None, "beyond_end"]


def test_equations_follow_one_another_and_leave_other_roads_alone():
    """300 = 450, then 600 = 580 in the new numbers: 600 is at 450 m, and 700 at 450 + 120."""
    reference = {"streets": streets(ROAD, ROAD, ids=["G15", "S1"])}
    done = place(
        ["500", "700", "700"],
        reference,
        ids=["G15", "G15", "S1"],
        equations={"G15": ["300=450", "K0+600 = K0+580"]},
    )
    assert metres(done) == [350, 570, 700]


@pytest.mark.parametrize(
    ("equations", "told"),
    [
        ({"G15": ["K5+000 = K6+000"]}, "is not on the line"),
        ({"G15": ["K0+600 = K0+700", "K0+300 = K0+450"]}, "not in its order"),
        ({"G15": ["K0+3oo = K0+450"]}, "cannot be read"),
    ],
)
def test_equations_that_contradict_their_line_set_its_records_aside(equations, told):
    done = place(["K0+100"], equations=equations)
    assert codes(done) == ["bad_calibration"]
    assert told in done.reasons[0]


def test_what_cannot_be_an_equation_is_told_when_it_is_written():
    with pytest.raises(crs.DefinitionError, match=r"texts such as 'K12\+300"):
        crs.definition(SPEC | {"equations": {"G15": ["K12+300"]}})
    with pytest.raises(crs.DefinitionError, match="by street"):
        crs.definition(SPEC | {"equations": ["K12+300 = K12+450"]})
    with pytest.raises(crs.DefinitionError, match="do not go with"):
        crs.definition(SPEC | {"equations": {"G15": ["1=2"]}, "pieces": ["from", "to"]})
    with pytest.raises(crs.PositionContradictionError, match="'G51' is no id of streets"):
        place(["K0+100"], equations={"G51": ["K0+300 = K0+450"]})


def test_a_post_may_say_that_the_chain_is_broken_there():
    """Posts at 100, 400 and 900 m; at 400 the numbers jump from 380 to 500, and 500 m later it is 980."""
    posts = crs.harmonise(
        shapes(
            "OGC:CRS84",
            *(shapely.Point(m / DEGREE_M, 0) for m in (100, 400, 900)),
            name="posts",
            id=["G15"] * 3,
            before=["100", "K0+380", "K0+980"],
            after=[None, "K0+500", ""],
        )
    )
    spec = {"calibration": {"points": "posts", "key": "id", "chainage": "before", "ahead": "after"}}
    known = {"streets": streets(ROAD), "posts": posts}
    done = place(["240", "380", "440", "500", "740", "1000"], known, **spec)
    assert metres(done) == [250, 400, None, 400, 650, 920]
    assert codes(done)[2] == "between_pieces"
    unread = crs.harmonise(
        shapes("OGC:CRS84", shapely.Point(1e-3, 0), name="posts", id=["G15"], before=["100"], after=["five"])
    )
    done = place(["190"], {"streets": streets(ROAD), "posts": unread}, **spec)
    assert codes(done) == ["bad_calibration"]


MEASURED = f"LINESTRING M (0 0 12.3, {400 / DEGREE_M!r} 0 12.7, {1000 / DEGREE_M!r} 0 13.2)"


def test_the_measures_of_vertices_are_chainages():
    """12.7 to 13.2 km on 600 m of ground: 12.95 is half way."""
    done = place(
        ["K12+300", "K12+500", "K12+950", "K13+200", "K13+300"],
        {"streets": streets(shapely.from_wkt(MEASURED))},
        calibration={"measures": "kilometre"},
    )
    assert metres(done) == [0, 200, 700, 1000, None]
    assert codes(done)[4] == "beyond_end"


def test_measures_may_fall_have_gaps_and_break_between_parts():
    falling = f"LINESTRING ZM (0 0 5 900, {400 / DEGREE_M!r} 0 6 NaN, {1000 / DEGREE_M!r} 0 7 100)"
    gap, end = 300 / DEGREE_M, 1000 / DEGREE_M
    parts = f"MULTILINESTRING M ((0 0 0, {gap!r} 0 300), ({gap!r} 0 450, {end!r} 0 1150))"
    flat = ROAD
    reference = {"streets": streets(*shapely.from_wkt([falling, parts]), flat, ids=["F", "P", "N"])}
    done = place(
        ["500", "300", "375", "550", "100"],
        reference,
        ids=["F", "P", "P", "P", "N"],
        calibration={"measures": True},
    )
    assert metres(done) == [500, 300, None, 400, None]
    assert codes(done) == [None, None, "between_pieces", None, "bad_calibration"]


@pytest.mark.parametrize("frame", ["EPSG:4547", "GCJ-02"])
@pytest.mark.parametrize("height", ["M", "ZM"])
def test_heights_and_measures_survive_a_move(frame, height):
    """GEOS forgets M, and with ZM the heights too, wherever it makes a geometry anew."""
    places = [(114.0, 22.5), (114.02, 22.5), (114.02, 22.53)]
    x, y = crs.transform(*np.transpose(places), source="OGC:CRS84", target=frame)
    z = [1, 2, 3] if height == "ZM" else [""] * 3
    text = ", ".join(f"{a!r} {b!r} {c} {m}" for a, b, c, m in zip(x.tolist(), y.tolist(), z, [0, 10, 40], strict=True))
    moved = crs.harmonise(shapes(frame, shapely.from_wkt(f"LINESTRING {height} ({text})"))).coordinates.geometry[0]
    numbers = shapely.get_coordinates(moved, include_z=True, include_m=True)
    there = [int(np.argmin(np.hypot(*(numbers[:, :2] - place).T))) for place in places]
    assert numbers[there][:, :2] == pytest.approx(np.array(places), abs=1e-7)
    assert numbers[there, 3] == pytest.approx([0, 10, 40], abs=1e-12)
    assert (np.diff(numbers[:, 3]) > 0).all()
    if height == "ZM":
        assert numbers[there, 2].tolist() == [1, 2, 3]
    else:
        assert not moved.has_z


def test_measures_come_through_a_file(tmp_path):
    (tmp_path / "roads.csv").write_text(f'id;wkt\nG15;"{MEASURED}"\n', encoding="utf-8")
    read = layers.read(
        tmp_path / "roads.csv", position="OGC:CRS84", options=layers.ReadOptions(delimiter=";", geometry="wkt")
    )
    done = place(["K12+500"], {"streets": crs.harmonise(read)}, calibration={"measures": "kilometre"})
    assert metres(done) == [200]


@pytest.mark.parametrize("post", ["ZK0+300", "YK0+300", "AK0+300"])
def test_a_post_of_another_line_is_not_taken_for_one_of_this(post):
    """Left line, right line and ramps have chainages of their own."""
    done = place([post, "K0+300", "PK 0+300", "CH 0+300"])
    assert metres(done) == [None, 300, 300, 300]
    assert f"a line of its own, {post[:2]}" in done.reasons[0]


def test_what_is_far_beside_a_street_was_not_meant_in_metres():
    layer = table(SPEC | {"offset": "off", "positive": "right"}, ["G15"] * 4, ["300"] * 4)
    layer.columns["off"] = np.array([3.5, 1000.0, 3500.0, -3500.0])
    done = crs.harmonise(layer, references={"streets": streets(ROAD)})
    assert codes(done) == [None, None, "unreadable", "unreadable"]
