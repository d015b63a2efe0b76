"""Named references: registers in time, areas, crossings, addresses and cells; each refusal has a code."""

from __future__ import annotations

import dataclasses

import h3
import mgrs
import numpy as np
import pygeohash
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
import layers
from tests.reference.crs_layers import shapes, table

HUB = "OGC:CRS84"


def reference(*geometry, name, sigma_m=0.0, **columns):
    return crs.harmonise(shapes({"definition": HUB, "sigma_m": sigma_m}, *geometry, name=name, **columns))


def place(spec, *written, references=None, target=HUB, **columns):
    layer = table(spec, *written)
    layer = dataclasses.replace(layer, columns={key: np.asarray(values) for key, values in columns.items()})
    known = {other.name: other for other in references or ()}
    return crs.harmonise(layer, references=known, target=target)


def codes(done):
    return [crs.reason_code(reason) for reason in done.reasons]


def moved(lon, lat, east_m, north_m):
    return shapely.Point(*crs.geodesy.move_m(lon, lat, east_m=east_m, north_m=north_m))


# --- registers -----------------------------------------------------------------------------------------------------

TIMED = {
    "register": "sites", "key": "id", "columns": ["site"], "valid": ["valid_from", "valid_to"], "time": "time",
}  # fmt: skip


def sites():
    """A station that moved on 2020-06-01, one without ends, one whose times overlap, one that went without a place."""
    return reference(
        shapely.Point(7.1, 43.1), shapely.Point(7.2, 43.1), shapely.Point(7.3, 43.1), shapely.Point(7.4, 43.1),
        shapely.Point(7.5, 43.1), None,
        name="sites", sigma_m=3.0, id=["A", "A", "B", "C", "C", "D"],
        valid_from=["2019-01-01", "2020-06-01", None, "2020-01-01", "2020-03-01", None],
        valid_to=["2020-05-31", None, None, "2020-12-31T00:00Z", "2020-04-01", None],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("site", "time", "expected"),
    [
        ("A", "2019-01-01T00:00", 7.1),
        ("A", "2020-05-31T23:59:59", 7.1),
        ("A", "2020-06-01T00:00", 7.2),
        ("A", "2031-01-01", 7.2),
        ("A", "2018-12-31T23:59:59", "not_valid"),
        ("A", "2020-06-01T01:30+02:00", 7.1),
        ("B", "1970-01-01", 7.3),
        ("C", "2020-02-01", 7.4),
        ("C", "2020-03-15", "ambiguous_reference"),
        ("C", "2020-04-02", 7.4),
        ("C", "2020-12-31T00:00Z", "not_valid"),
        ("D", "2020-01-01", "reference_unplaced"),
        ("E", "2020-01-01", "unknown_key"),
        ("A", None, "missing"),
        ("A", "yesterday", "unreadable"),
        (None, "2020-01-01", "missing"),
    ],
)
def test_a_row_of_a_register_holds_from_its_first_day_through_its_last(site, time, expected):
    done = place(TIMED, [site], references=[sites()], time=np.array([time], dtype=object))
    if isinstance(expected, str):
        assert codes(done) == [expected]
        assert done.coordinates.geometry[0] is None
    else:
        assert done.reasons[0] is None
        assert done.coordinates.geometry[0].x == expected
        assert done.coordinates.sigma_m[0] == 3.0


def test_times_of_layers_are_utc():
    times = np.array(["2020-05-31T23:59:59", "2020-06-01T00:00:00", "NaT"], dtype="datetime64[ns]")
    done = place(TIMED, ["A"] * 3, references=[sites()], time=times)
    assert [g if g is None else g.x for g in done.coordinates.geometry] == [7.1, 7.2, None]
    assert codes(done)[2] == "missing"


@settings(deadline=None, max_examples=100)
@given(
    rows=st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=6),
    asked=st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 20)), min_size=1, max_size=6),
)
def test_validity_against_a_slow_look_through_all_rows(rows, asked):
    day = np.datetime64("2020-01-01")
    register = reference(
        *(shapely.Point(1 + i, 43) for i in range(len(rows))), name="sites", id=[r[0] for r in rows],
        valid_from=[str(day + r[1]) for r in rows], valid_to=[str(day + r[2]) for r in rows],
    )  # fmt: skip
    times = np.array([day + a[1] for a in asked]) + np.timedelta64(7, "h")
    done = place(TIMED, [a[0] for a in asked], references=[register], time=times)
    for (site, when), point, code in zip(asked, done.coordinates.geometry, codes(done), strict=True):
        found = [i for i, (other, first, last) in enumerate(rows) if other == site and first <= when <= last]
        if len(found) == 1:
            assert code is None
            assert point.x == 1 + found[0]
        elif found:
            assert code == "ambiguous_reference"
        else:
            assert code == ("not_valid" if any(row[0] == site for row in rows) else "unknown_key")


def test_validity_goes_with_a_time():
    with pytest.raises(crs.DefinitionError, match="go together"):
        crs.definition({"register": "s", "key": "id", "columns": ["a"], "valid": ["from", "to"]})


def test_a_district_is_an_area_or_a_point_with_the_spread_of_the_area():
    square = shapely.box(7.40, 43.70, 7.41, 43.71)
    ring = shapely.Polygon(
        [(7.5, 43.7), (7.53, 43.7), (7.53, 43.73), (7.5, 43.73)],
        [[(7.505, 43.705), (7.525, 43.705), (7.525, 43.725), (7.505, 43.725)]],
    )
    districts = reference(square, ring, name="districts", sigma_m=4.0, code=["110101", "110102"])
    spec = {"register": "districts", "key": "code", "columns": ["adcode"], "sigma_m": 3}
    areas = place(spec, ["110101", 110102, "110103"], references=[districts])
    assert shapely.equals_exact(areas.coordinates.geometry[0], square)
    assert areas.coordinates.support.tolist() == ["area", "area", None]
    assert areas.coordinates.sigma_m[:2].tolist() == [5.0, 5.0]
    assert codes(areas) == [None, None, "unknown_key"]
    points = place(spec | {"as": "point"}, ["110101", "110102"], references=[districts])
    assert points.coordinates.support.tolist() == ["point", "point"]
    assert shapely.contains(np.array([square, ring]), points.coordinates.geometry).all()
    width_m, height_m = 805.5, 1111.0
    by_hand = ((width_m**2 + height_m**2) / 24 + 25) ** 0.5
    assert points.coordinates.sigma_m[0] == pytest.approx(by_hand, rel=2e-3)
    assert points.coordinates.sigma_m[1] > 1000


@pytest.mark.parametrize("seed", range(4))
def test_the_spread_of_an_area_is_that_of_points_thrown_into_it(seed):
    rng = np.random.default_rng(seed)
    around = np.sort(rng.uniform(0, 2 * np.pi, 9))
    radius = rng.uniform(0.002, 0.02, 9)
    area = shapely.Polygon(np.column_stack([7.4 + radius * np.cos(around), 43.7 + radius * np.sin(around)]))
    districts = reference(area, name="d", code=["x"])
    done = place({"register": "d", "key": "code", "columns": ["c"], "as": "point"}, ["x"], references=[districts])
    thrown = rng.uniform((7.38, 43.68), (7.42, 43.72), (200_000, 2))
    thrown = thrown[shapely.contains_xy(area, *thrown.T)]
    point = done.coordinates.geometry[0]
    away_m = crs.geodesy.distances_m(point.x, point.y, *thrown.T)
    assert done.coordinates.sigma_m[0] == pytest.approx(np.sqrt(np.mean(away_m**2) / 2), rel=0.01)


# --- crossings -----------------------------------------------------------------------------------------------------

CROSSING = {"intersection": "streets", "key": "name", "columns": ["a", "b"]}


def streets():
    """A grid of three, one in two pieces, a dual carriageway, one that ends 10 m short, and one that crosses twice."""
    return crs.harmonise(shapes(
        {"definition": HUB, "sigma_m": 3.0},
        shapely.LineString([(7.40, 43.70), (7.42, 43.70)]),
        shapely.LineString([(7.41, 43.69), (7.41, 43.70)]), shapely.LineString([(7.41, 43.70), (7.41, 43.71)]),
        shapely.LineString([(7.415, 43.69), (7.415, 43.71)]), shapely.LineString([(7.4152, 43.69), (7.4152, 43.71)]),
        shapely.LineString([(7.418, 43.71), (7.418, 43.70009)]),
        shapely.LineString([(7.402, 43.695), (7.402, 43.705), (7.406, 43.705), (7.406, 43.695)]),
        None,
        name="streets",
    ))  # fmt: skip


def named_streets():
    layer = streets()
    names = ["Bd. Albert I", "Rue Grimaldi", "RUE  GRIMALDI", "Avenue", "Avenue", "Short", "Crescent", "Ghost"]
    return dataclasses.replace(layer, columns={"name": np.array(names, dtype=object)})


def test_two_streets_meet_in_one_place():
    done = place(
        CROSSING, ["bd albert i", "Rue Grimaldi"], ["rue grimaldi", "BD. ALBERT I"], references=[named_streets()]
    )
    for point in done.coordinates.geometry:
        assert (point.x, point.y) == pytest.approx((7.41, 43.70), abs=1e-9)
    assert done.coordinates.sigma_m.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("first", "second", "code", "said"),
    [
        ("Bd. Albert I", "Nowhere", "unknown_key", "b 'Nowhere' is not in streets"),
        ("Bd. Albert I", None, "missing", "b is empty"),
        ("Bd. Albert I", "Ghost", "unknown_key", "Ghost"),
        ("Bd. Albert I", "BD ALBERT I", "no_crossing", "one street"),
        ("Rue Grimaldi", "Crescent", "no_crossing", "do not meet"),
        ("Bd. Albert I", "Short", "no_crossing", "10 m lie between"),
        ("Bd. Albert I", "Crescent", "ambiguous_crossing", "meet in 2 places up to 322 m apart"),
        ("Bd. Albert I", "Avenue", "ambiguous_crossing", "meet in 2 places up to 16 m apart"),
    ],
)
def test_what_is_no_one_crossing_is_refused(first, second, code, said):
    done = place(CROSSING, [first], [second], references=[named_streets()])
    assert codes(done) == [code]
    assert said in done.reasons[0]


def test_crossings_of_a_dual_carriageway_are_one_where_that_is_said():
    done = place(
        CROSSING | {"within_m": 30}, ["Bd. Albert I"] * 3, ["Avenue", "Short", "Crescent"], references=[named_streets()]
    )
    assert done.coordinates.geometry[0].x == pytest.approx(7.4151, abs=1e-7)
    # Two places 16 m apart lie 8 m from their middle along one axis.
    assert done.coordinates.sigma_m[0] == pytest.approx((9 + 8.06**2 / 2) ** 0.5, rel=1e-2)
    assert done.coordinates.geometry[1].x == pytest.approx(7.418, abs=1e-7)
    assert codes(done) == [None, None, "ambiguous_crossing"]


# --- addresses -----------------------------------------------------------------------------------------------------

ADDRESS = {"address": "gazetteer", "key": ["street", "number"], "columns": ["rue", "no"], "sigma_m": 4}


def gazetteer():
    return reference(
        *(moved(7.42, 43.73, x, y) for x, y in [(0, 0), (40, 0), (100, 0), (0, 20), (50, 20), (70, 0), (0, 500)]), None,
        moved(7.42, 43.73, 0, 0), moved(7.42, 43.73, 0.5, 0),
        name="gazetteer", sigma_m=3.0,
        street=["Rue Basse", "Rue Basse", "Rue Basse", "Rue Basse", "RUE  BASSE", "Rue Basse", "Rue Basse", "Rue Basse",
                "人民路", "人民路"],
        number=["2", "6", "12", "1", 5.0, "8 bis", "1", "20", "１２号", "12号"],
    )  # fmt: skip


def test_an_address_is_found_however_it_is_written():
    done = place(
        ADDRESS, ["rue basse", "Rue Basse", "RUE BASSE", "rue basse.", "人民路"], ["No. 2", 6, "8BIS", "5", "12"],
        references=[gazetteer()],
    )  # fmt: skip
    assert codes(done) == [None] * 5
    east = [crs.geodesy.distances_m(7.42, 43.73, p.x, 43.73) for p in done.coordinates.geometry]
    assert east == pytest.approx([0, 40, 70, 50, 0], abs=0.01)
    assert done.coordinates.sigma_m == pytest.approx([5.0] * 5)


@pytest.mark.parametrize(
    ("street", "number", "code", "said"),
    [
        ("Rue Basse", "4", "unknown_key", "'Rue Basse 4' is not in gazetteer"),
        ("Rue Haute", "4", "unknown_key", "nor is the street"),
        ("Rue Basse", "1", "ambiguous_reference", "stands 2 times in gazetteer, 480 m apart"),
        ("Rue Basse", "20", "reference_unplaced", "has no position itself"),
        ("Rue Basse", None, "missing", "no is empty"),
        (None, "4", "missing", "rue is empty"),
    ],
)
def test_an_address_that_is_not_there_is_refused(street, number, code, said):
    done = place(ADDRESS, [street], [number], references=[gazetteer()])
    assert codes(done) == [code]
    assert said in done.reasons[0]


def test_numbers_between_their_neighbours_only_where_that_is_said():
    """8 lies a third of the way from 6 to 12, which are 60 m apart; 14 lies beyond all."""
    done = place(ADDRESS | {"interpolate": True}, ["Rue Basse"] * 4, ["8", "14", "3", "4a"], references=[gazetteer()])
    assert codes(done) == [None] + ["unknown_key"] * 3
    point = done.coordinates.geometry[0]
    assert crs.geodesy.distances_m(7.42, 43.73, point.x, point.y) == pytest.approx(60, abs=0.01)
    assert done.coordinates.sigma_m[0] == pytest.approx((25 + 60**2 / 12) ** 0.5, rel=1e-3)


def test_a_whole_address_in_one_column():
    places = reference(shapely.Point(7.42, 43.73), name="gazetteer", address=["2, Rue Basse, Monaco"])
    spec = {"address": "gazetteer", "key": "address", "columns": ["where"]}
    done = place(spec, ["2 rue basse  monaco", "3 rue basse monaco"], references=[places])
    assert codes(done) == [None, "unknown_key"]


# --- cells ---------------------------------------------------------------------------------------------------------


def test_a_cell_is_an_area_that_holds_its_truth():
    """Independent programs write the codes; the area that comes back holds the place that was written."""
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform((100, 20), (120, 45), (50, 2)).T
    written = {
        "geohash": [pygeohash.encode(y, x, precision=7) for x, y in zip(lon, lat, strict=True)],
        "h3": [h3.latlng_to_cell(y, x, 9) for x, y in zip(lon, lat, strict=True)],
        "mgrs": [mgrs.MGRS().toMGRS(y, x, MGRSPrecision=3) for x, y in zip(lon, lat, strict=True)],
    }
    for system, texts in written.items():
        done = place({"cells": system, "columns": ["code"]}, texts)
        assert codes(done) == [None] * 50
        assert (done.coordinates.support == "area").all()
        assert shapely.contains_xy(done.coordinates.geometry, lon, lat).all()
        centres = place({"cells": system, "columns": ["code"], "as": "point", "sigma_m": 1}, texts)
        x, y = shapely.get_coordinates(centres.coordinates.geometry).T
        # Uniform in a cell about its centre: nothing of it is farther than the circle of 95 % by much.
        off_m = crs.geodesy.distances_m(x, y, lon, lat)
        assert np.mean(off_m <= crs.radius_95(centres.coordinates.sigma_m)) > 0.9
        assert "code of " + system in done.steps[0]


def test_bad_codes_are_refused_and_unknown_grids_too():
    done = place({"cells": "geohash", "columns": ["code"]}, ["wx4g0", "aaa", None])
    assert codes(done) == [None, "unreadable", "missing"]
    assert np.isnan(done.coordinates.sigma_m).tolist() == [False, True, True]
    with pytest.raises(crs.DefinitionError, match="the grid is not known"):
        place({"cells": "s2", "columns": ["code"]}, ["89c25"])


def test_cells_go_to_any_frame():
    done = place({"cells": "geohash", "columns": ["code"]}, ["wx4g0ec"], target="EPSG:32650")
    assert done.position.name == "EPSG:32650"
    assert 100 < done.coordinates.geometry[0].area ** 0.5 < 160


# --- what all have in common ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"intersection": "s", "columns": ["a", "b"]}, "lacks `key:`"),
        ({"intersection": "s", "key": "n", "columns": ["a"]}, "2 columns"),
        ({"intersection": "s", "key": "n", "columns": ["a", "b"], "within_m": -1}, "within_m -1"),
        ({"address": "g", "key": ["s", "n"], "columns": ["a"]}, "takes 2 columns"),
        ({"address": "g", "key": "s", "columns": ["a"], "interpolate": "yes"}, "true or false"),
        ({"cells": "h3", "columns": ["a"], "as": "line"}, "as 'line'"),
        ({"cells": "h3", "columns": ["a"], "key": "b"}, "unknown 'key'"),
        ({"along": "s", "key": "k", "columns": ["a", "b"], "side": "left"}, "needs `offset:`"),
        ({"along": "s", "key": "k", "columns": ["a", "b"], "pieces": ["x", "y", "z"]}, "pieces"),
        ({"along": "s", "key": "k", "columns": ["a", "b"], "calibration": "posts"}, "calibration 'posts'"),
        ({"definition": HUB, "columns": ["a", "b"], "decimal": ";"}, "decimal ';'"),
        ({"definition": HUB, "columns": ["a", "b"], "truncated": 1}, "truncated 1"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_any_record(spec, said):
    with pytest.raises(crs.DefinitionError) as caught:
        crs.definition(spec)
    assert said in str(caught.value)


def test_indirect_positions_are_frozen_and_equal_by_content():
    one, same = crs.definition(TIMED), crs.definition(dict(TIMED))
    assert one == same
    assert hash(one) == hash(same)
    assert one.__dask_tokenize__() == same.__dask_tokenize__()
    other = crs.definition(TIMED | {"time": "when"})
    assert one.__dask_tokenize__() != other.__dask_tokenize__()


def test_files_end_to_end(tmp_path):
    """Streets, posts and events as files: what cannot be placed is in the ledger with its code."""
    equator_m = 6378137.0 * np.pi / 180
    (tmp_path / "streets.csv").write_text('id,line\nG15,"0.001,0 0.011,0"\n', encoding="utf-8")
    (tmp_path / "events.csv").write_text(
        "road,post,way,off,side\n"
        "G15,K0+300,up,10,left\nG15,K0+300,down,10,left\nG15,K9+300,up,0,\nG16,K0+300,up,0,\nG15,300m,up,0,\nG15,300,,0,\n",
        encoding="utf-8",
    )
    line = {"definition": HUB, "notation": "polyline", "axes": "lon,lat", "columns": ["line"]}
    streets = crs.harmonise(layers.read(tmp_path / "streets.csv", position=line, name="streets"))
    position = {
        "along": "streets", "key": "id", "columns": ["road", "post"], "direction": "way", "down": "same_posts",
        "offset": "off", "side": "side",
    }  # fmt: skip
    events = layers.read(tmp_path / "events.csv", position=position, name="events")
    done = crs.harmonise(events, references={"streets": streets})
    assert done.ledger.records_in == 6
    reasons = done.ledger.quarantined["reason"].map(crs.reason_code).tolist()
    assert reasons == ["beyond_end", "unknown_key", "unreadable", "missing"]
    east_m = [(point.x - 0.001) * equator_m for point in done.geometry]
    assert east_m == pytest.approx([300, 300], abs=1e-3)
    assert [point.y > 0 for point in done.geometry] == [True, False]


# --- what may have two origins -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [HUB, "EPSG:3857"])
def test_a_place_by_a_doubtful_reference_is_doubtful_itself(target):
    """A street at the rim of the shifted area: everything on it may have two origins, and says so."""
    inland = (116.0, 40.0)
    lon = np.linspace(110.0, 120.0, 2001)
    edge = crs.china.near_mask_edge(lon, np.full(2001, 50.0))
    rim = (float(lon[edge][0]), 50.0)
    spots = [shapely.Point(rim), shapely.Point(inland)]

    def lines(east, north):
        return [shapely.LineString([(x - east, y - north), (x + east, y + north)]) for x, y in (rim, inland)]

    at = {"target": target}
    register = crs.harmonise(shapes("GCJ-02", *spots, name="r", id=["rim", "inland"]), **at)
    by_id = {"register": "r", "key": "id", "columns": ["c"]}
    marked = place(
        {"register": "r", "key": "id", "columns": ["c"]}, ["rim", "inland", "x"], references=[register], **at
    )
    assert marked.coordinates.ambiguous.tolist() == [True, False, False]
    assert marked.coordinates.sigma_m[0] > 100
    streets = crs.harmonise(shapes("GCJ-02", *lines(1e-4, 0), name="s", id=["rim", "inland"]), **at)
    along = {"along": "s", "key": "id", "columns": ["c", "m"]}
    marked = place(along, ["rim", "inland", "x"], ["3", "3", "3"], references=[streets], **at)
    assert marked.coordinates.ambiguous.tolist() == [True, False, False]
    book = crs.harmonise(shapes("GCJ-02", *spots, name="a", street=["Rim", "In"], no=["1", "1"]), **at)
    marked = place({"address": "a", "key": ["street", "no"], "columns": ["s", "n"]}, ["Rim", "In"], ["1", "1"],
                   references=[book], **at)  # fmt: skip
    assert marked.coordinates.ambiguous.tolist() == [True, False]
    crossed = shapes("GCJ-02", *lines(1e-4, 0), *lines(0, 1e-4), name="x", id=["a", "b", "c", "d"])
    both = {"intersection": "x", "key": "id", "columns": ["p", "q"]}
    marked = place(both, ["a", "b", "a"], ["c", "d", "d"], references=[crs.harmonise(crossed, **at)], **at)
    assert marked.coordinates.ambiguous.tolist() == [True, False, False]
    plain = place(by_id, ["rim"], references=[reference(*spots, name="r", id=["rim", "inland"])])
    assert plain.coordinates.ambiguous is None, "on no way of this register is there such a thing"
