"""Chainage with direction, side, pieces and posts: places worked out by hand on the equator, and a slow walker."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

import crs
from crs.routes import Spans, find_spans
from tests.reference.crs_chainage import walk
from tests.reference.crs_layers import shapes, table
from tests.reference.crs_routes import between_posts, length_m, on_pieces

GEOD = Geod(ellps="WGS84")
#: A degree of the equator, metres.
E = 6378137.0 * np.pi / 180
SPEC = {"along": "streets", "key": "id", "columns": ["street", "post"]}


def lines(*geometry, **columns):
    return crs.harmonise(shapes("OGC:CRS84", *geometry, name="streets", **columns))


def place(streets, ids, chainages, *, columns=None, posts=None, **spec):
    layer = table(SPEC | spec, ids, chainages)
    layer = dataclasses.replace(layer, columns={k: np.array(v, dtype=object) for k, v in (columns or {}).items()})
    references = {"streets": streets} | ({"posts": posts} if posts is not None else {})
    return crs.harmonise(layer, references=references)


def codes(done):
    return [None if reason is None else reason.partition(":")[0] for reason in done.reasons]


def metres_east(done):
    return [np.nan if p is None else p.x * E for p in done.coordinates.geometry]


def on_equator(start_m, end_m):
    return shapely.LineString([(start_m / E, 0), (end_m / E, 0)])


def test_down_counts_from_the_far_end_only_if_that_is_said():
    streets = lines(on_equator(0, 1000), id=[1])
    columns = {"way": ["up", "down", "下行", None, "sideways"]}
    done = place(streets, [1] * 5, ["300"] * 5, columns=columns, direction="way", down="from_end")
    assert metres_east(done)[:3] == pytest.approx([300, 700, 700], abs=1e-6)
    assert codes(done) == [None, None, None, "missing", "unreadable"]
    done = place(streets, [1] * 2, ["300"] * 2, columns={"way": ["up", "down"]}, direction="way", down="same_posts")
    assert metres_east(done) == pytest.approx([300, 300], abs=1e-6)
    with pytest.raises(crs.DefinitionError, match=r"direction: way needs `down:`.*from_end.*same_posts"):
        place(streets, [1], ["300"], columns=columns, direction="way")


def test_sides_are_seen_in_the_direction_of_the_record():
    """Along the equator to the east, right is south."""
    streets = lines(on_equator(0, 1000), on_equator(1000, 0), id=["east", "west"])
    columns = {
        "offset": [10, 10, 10, 10, 0, 10, -10, None],
        "side": ["right", "left", "R", "右", None, None, "left", "left"],
        "way": ["up", "up", "down", "up", "up", "up", "up", "up"],
    }
    done = place(
        streets, ["east", "east", "east", "west", "east", "east", "east", "east"], ["400"] * 8, columns=columns,
        offset="offset", side="side", direction="way", down="same_posts",
    )  # fmt: skip
    north = [p.y for p in done.coordinates.geometry[:5]]
    north_m = [np.copysign(GEOD.inv(0, 0, 0, y)[2], y) if y else 0.0 for y in north]
    assert north_m == pytest.approx([-10, 10, 10, 10, 0], abs=1e-6)
    assert metres_east(done)[:4] == pytest.approx([400, 400, 400, 600], abs=1e-6)
    assert codes(done)[5:] == ["missing", "unreadable", "missing"]


def test_signed_offsets_need_a_side_for_plus():
    streets = lines(on_equator(0, 1000), id=[1])
    for positive, sign in (("right", -1), ("left", 1)):
        done = place(streets, [1, 1], ["400", "400"], columns={"o": ["5", "-5"]}, offset="o", positive=positive)
        assert [np.sign(p.y) for p in done.coordinates.geometry] == [sign, -sign]
    with pytest.raises(crs.DefinitionError, match="positive: right"):
        place(streets, [1], ["400"], offset="o")


def test_pieces_bear_their_own_chainages():
    """A route in three rows: one drawn backwards, one stretched by a tenth, a gap between the last two."""
    streets = lines(
        on_equator(0, 1000), on_equator(2000, 1000), on_equator(3000, 4000), on_equator(0, 500),
        id=["A", "A", "A", "B"], start=[5000, 7000, 8000, 0], end=["K6+000", 6000, 9100, 500],
    )  # fmt: skip
    texts = ["5000", "5250.0", "K6+250", "7000", "8000", "8550", "7500", "9200", "4000"]
    done = place(streets, ["A"] * 9, texts, pieces=["start", "end"])
    assert metres_east(done)[:6] == pytest.approx([0, 250, 1250, 2000, 3000, 3500], abs=1e-6)
    assert codes(done) == [*[None] * 6, "between_pieces", "beyond_end", "beyond_end"]
    assert "in a gap between the pieces of a line from 5000.0 m to 9100.0 m" in done.reasons[6]
    down = place(
        streets, ["A"], ["0"], pieces=["start", "end"], direction="way", down="from_end", columns={"way": ["down"]}
    )
    assert codes(down) == ["beyond_end"]
    down = place(
        streets, ["A"], ["5100"], pieces=["start", "end"], direction="way", down="from_end", columns={"way": ["down"]}
    )
    assert metres_east(down) == pytest.approx([3000 + 1000 * 1000 / 1100], abs=1e-6)


def test_pieces_that_overlap_are_refused_where_they_do():
    streets = lines(
        on_equator(0, 1000),
        on_equator(5000, 6000),
        on_equator(0, 10),
        id=["A"] * 3,
        a=[0, 900, 200],
        b=[1000, 1900, 210],
    )
    texts = ["100.0", "205.0", "950.0", "500.0", "1000.0", "1500.0"]
    done = place(streets, ["A"] * 6, texts, pieces=["a", "b"])
    twice = "ambiguous_chainage"
    assert codes(done) == [None, twice, twice, None, None, None]
    assert [metres_east(done)[i] for i in (0, 3, 4, 5)] == pytest.approx([100, 500, 5100, 5600], abs=1e-6)


def test_pieces_that_follow_one_another_may_overlap_by_a_rounding():
    """Sums of lengths differ in their last digits: at the joint the later piece holds, and nothing is refused."""
    route = np.zeros(2, dtype=np.int64)
    ends = np.array([[0.0, 100.0 + 1e-9], [100.0, 200.0]])
    spans = Spans.of(route, np.arange(2), ends, ends)
    found = find_spans(spans, np.zeros(3, dtype=np.int64), np.array([100.0, 100.0 + 5e-10, 99.0]), slack_m=np.zeros(3))
    assert found.code.tolist() == [None] * 3
    assert found.span.tolist() == [1, 1, 0]


def test_pieces_in_order_run_on_from_one_another():
    streets = lines(
        on_equator(1000, 1500), on_equator(0, 1000), on_equator(0, 10), on_equator(0, 10),
        id=["A", "A", "B", "B"], part=[2, 1, 1, 1],
    )  # fmt: skip
    done = place(streets, ["A", "A", "A", "B"], ["900", "1100", "1600", "5"], pieces="part")
    assert metres_east(done)[:2] == pytest.approx([900, 1100], abs=1e-6)
    assert codes(done) == [None, None, "beyond_end", "ambiguous_reference"]
    assert "part of its pieces in streets is missing or repeated" in done.reasons[3]


def test_rows_of_one_id_are_no_route_unless_that_is_said():
    streets = lines(on_equator(0, 10), on_equator(10, 20), id=["A", "A"])
    assert (
        "ambiguous_reference: street 'A': it stands on several rows of streets"
        in place(streets, ["A"], ["5"]).reasons[0]
    )


def test_posts_stretch_what_lies_between_and_true_metres_go_on():
    """Posts 1 km apart by name stand 900 m apart on the ground; before and after, metres are metres."""
    streets = lines(on_equator(0, 3000), id=["A"])
    posts = crs.harmonise(shapes(
        "OGC:CRS84", shapely.Point(1000 / E, 0.0001), shapely.Point(1900 / E, 0), shapely.Point(0, 0), name="posts",
        street=["A", "A", "other"], km=["K12+000", "K13+000", "K1+000"],
    ))  # fmt: skip
    calibration = {"points": "posts", "key": "street", "chainage": "km"}
    texts = ["K12+500", "K12+000", "K11+500", "K14+100", "K10+998", "K14+102"]
    done = place(streets, ["A"] * 6, texts, posts=posts, calibration=calibration)
    assert metres_east(done)[:4] == pytest.approx([1450, 1000, 500, 3000], abs=1e-3)
    assert codes(done) == [*[None] * 4, "beyond_end", "beyond_end"]


def test_posts_may_fall_along_the_line():
    streets = lines(on_equator(0, 1000), id=["A"])
    posts = crs.harmonise(
        shapes(
            "OGC:CRS84", *(shapely.Point(x / E, 0) for x in (100, 900)), name="posts", street=["A"] * 2, m=[5000, 4200]
        )
    )
    calibration = {"points": "posts", "key": "street", "chainage": "m"}
    done = place(
        streets, ["A", "A"], ["4500", "5050"], posts=posts, calibration=calibration, offset="o", positive="right",
        columns={"o": [0, 10]},
    )  # fmt: skip
    assert metres_east(done) == pytest.approx([600, 50], abs=1e-3)
    # Rising chainage runs west here, and right of west is north.
    assert done.coordinates.geometry[1].y > 0


@pytest.mark.parametrize(
    ("at", "chainages", "said"),
    [
        ([100, 500, 900], [0, 800, 400], "neither rise nor fall"),
        ([100, 100], [0, 100], "neither rise nor fall"),
        ([100], [None], "has no point of it"),
        ([], [], "has no point of it"),
    ],
)
def test_posts_that_contradict_each_other_place_nothing(at, chainages, said):
    streets = lines(on_equator(0, 1000), on_equator(0, 1000), id=["A", "B"])
    known = [shapely.Point(x / E, 0) for x in at] + [shapely.Point(0, 1e-6)]
    posts = crs.harmonise(shapes("OGC:CRS84", *known, name="posts", street=["A"] * len(at) + ["B"], m=[*chainages, 7]))
    done = place(
        streets,
        ["A", "B"],
        ["300", "300"],
        posts=posts,
        calibration={"points": "posts", "key": "street", "chainage": "m"},
    )
    assert codes(done) == ["bad_calibration", None]
    assert said in done.reasons[0]
    assert metres_east(done)[1] == pytest.approx(293, abs=1e-6)


def test_a_post_that_is_listed_twice_is_one():
    streets = lines(on_equator(0, 1000), id=["A"])
    spots = [shapely.Point(x / E, 0) for x in (100, 100, 500)]
    posts = crs.harmonise(shapes("OGC:CRS84", *spots, name="posts", street=["A"] * 3, m=[0, 0, 800]))
    done = place(
        streets, ["A"], ["400"], posts=posts, calibration={"points": "posts", "key": "street", "chainage": "m"}
    )
    assert metres_east(done) == pytest.approx([300], abs=1e-6)


def test_a_post_far_from_its_line_belongs_to_another():
    streets = lines(on_equator(0, 1000), id=["A"])
    posts = crs.harmonise(shapes("OGC:CRS84", shapely.Point(0.001, 0.002), name="posts", street=["A"], m=[0]))
    done = place(
        streets, ["A"], ["300"], posts=posts, calibration={"points": "posts", "key": "street", "chainage": "m"}
    )
    assert "stands 221 m from the line" in done.reasons[0]


def test_a_calibration_needs_its_layer():
    streets = lines(on_equator(0, 1000), id=["A"])
    spec = {"calibration": {"points": "posts", "key": "street", "chainage": "m"}}
    assert crs.definition(SPEC | spec).references == ("streets", "posts")
    with pytest.raises(crs.ReferenceMissingError, match="'posts'"):
        place(streets, ["A"], ["300"], **spec)


corners = st.tuples(st.floats(7.0, 7.2), st.floats(43.0, 43.2))
polyline = st.lists(corners, min_size=2, max_size=5, unique=True)


@settings(deadline=None, max_examples=100)
@given(
    parts=st.lists(st.tuples(polyline, st.booleans()), min_size=1, max_size=4),
    stretch=st.floats(0.5, 2.0),
    gap=st.sampled_from([0.0, 250.0]),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_pieces_against_a_slow_walker(parts, stretch, gap, shares):
    pieces, at = [], 1000.0
    for line, back in parts:
        if length_m(line) < 1:
            return
        end = at + stretch * length_m(line)
        pieces.append((end, at, line) if back else (at, end, line))
        at = end + gap
    streets = lines(
        *(shapely.LineString(line) for _, _, line in pieces), id=["A"] * len(pieces),
        a=[p[0] for p in pieces], b=[p[1] for p in pieces],
    )  # fmt: skip
    wanted = [1000.0 + share * (at - gap - 1000.0) for share in shares]
    done = place(streets, ["A"] * len(wanted), [repr(c) for c in wanted], pieces=["a", "b"], sigma_m=0)
    for point, reason, chainage in zip(done.coordinates.geometry, done.reasons, wanted, strict=True):
        expected = on_pieces(pieces, chainage)
        if not expected:
            assert reason.startswith("between_pieces") or point is not None
            continue
        assert reason is None
        assert min(GEOD.inv(point.x, point.y, *spot)[2] for spot in expected) < 1e-3


@settings(deadline=None, max_examples=100)
@given(line=polyline, cuts=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4, unique=True), data=st.data())
def test_posts_against_a_slow_walker(line, cuts, data):
    total_m = length_m(line)
    cuts = sorted(cuts)
    if total_m < 10 or (np.diff(cuts) * total_m < 1).any():
        return
    spots = [walk(line, cut * total_m * (1 - 1e-12)) for cut in cuts]
    path = shapely.LineString(line)
    # A line that meets itself has places with two distances: which a post means, nobody can say.
    if not path.is_simple or any(
        abs(_along(line, spot) - cut * total_m) > 0.5 for spot, cut in zip(spots, cuts, strict=True)
    ):
        return
    chainages = np.cumsum([data.draw(st.floats(100, 3000)) for _ in cuts]).tolist()
    known = list(zip((cut * total_m for cut in cuts), chainages, strict=True))
    streets = lines(path, id=["A"])
    posts = crs.harmonise(
        shapes("OGC:CRS84", *map(shapely.Point, spots), name="posts", street=["A"] * len(cuts), m=chainages)
    )
    wanted = [data.draw(st.floats(chainages[0] - 500, chainages[-1] + 500)) for _ in range(4)]
    done = place(
        streets, ["A"] * 4, [repr(c) for c in wanted], posts=posts,
        calibration={"points": "posts", "key": "street", "chainage": "m"},
    )  # fmt: skip
    for point, reason, chainage in zip(done.coordinates.geometry, done.reasons, wanted, strict=True):
        at_m = between_posts(known, total_m, chainage)
        if at_m is None:
            assert (reason or "").startswith("beyond_end") or point.distance(
                shapely.MultiPoint([line[0], line[-1]])
            ) < 1e-4
        elif reason is None:
            assert GEOD.inv(point.x, point.y, *walk(line, at_m * (1 - 1e-12)))[2] < 0.05
        else:
            assert min(at_m, total_m - at_m) < 0.05


def _along(line, spot):
    """Distance along a line of the place nearest to a spot, by the plane of degrees."""
    path = shapely.LineString(line)
    return path.project(shapely.Point(spot)) / path.length * length_m(line) if len(line) == 2 else _by_edges(line, spot)


def _by_edges(line, spot):
    best, gone, at = np.inf, 0.0, 0.0
    for a, b in itertools.pairwise(line):
        edge = shapely.LineString([a, b])
        away = edge.distance(shapely.Point(spot))
        step = length_m([a, b])
        if away < best - 1e-9:
            best, at = away, gone + edge.project(shapely.Point(spot)) / edge.length * step
        gone += step
    return at


def test_a_hundred_thousand_records_on_ten_thousand_routes_keep_their_own():
    """Routes do not mix: each has its own chainages in the same numbers."""
    rng = np.random.default_rng(7)
    count = 2000
    starts = rng.uniform(0, 1000, count)
    streets = lines(
        *(on_equator(i * 50, i * 50 + 40) for i in range(count)), id=list(range(count)), a=starts, b=starts + 40
    )
    ids = rng.integers(0, count, 50_000)
    at = rng.uniform(0.0, 40.0, 50_000)
    done = place(streets, ids, starts[ids] + at, pieces=["a", "b"])
    assert np.abs(np.array(metres_east(done)) - (ids * 50 + at)).max() < 1e-6
