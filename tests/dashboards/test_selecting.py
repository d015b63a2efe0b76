import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from crs import geodesy
from dashboards.errors import QuestionError
from dashboards.exploring.attributes import describe_columns
from dashboards.exploring.measuring import buffer_m, circle_around, measure
from dashboards.exploring.questions import Drawing, Question
from dashboards.exploring.selecting import Selector
from dashboards.exploring.summaries import summarise, to_geojson, to_records
from tests.dashboards.fake_city import SOUTH, WEST, at


@pytest.fixture(scope="module")
def selector(source):
    return Selector(source)


def place(x_m, y_m):
    lon, lat = at(x_m, y_m)
    return float(lon), float(lat)


def test_a_region_selects_what_touches_it(selector, city):
    ring = [place(5, 5), place(85, 5), place(85, 85), place(5, 85)]
    found = selector.select(Question(layer="buildings", region={"kind": "polygon", "ring": ring}))
    shape = shapely.Polygon(ring)
    wanted = [row for row, each in enumerate(city.features("buildings").geometry) if each.intersects(shape)]
    assert found.rows.tolist() == wanted
    assert len(wanted) == 9, "one block of the fake city"


@settings(max_examples=25, deadline=None)
@given(drawn=st.tuples(st.floats(50, 450), st.floats(50, 450), st.floats(10, 300)))
def test_a_circle_selects_by_distance_on_the_ellipsoid(selector, city, drawn):
    x_m, y_m, radius_m = drawn
    lon, lat = place(x_m, y_m)
    found = set(
        selector.select(
            Question(layer="buildings", region={"kind": "circle", "centre": (lon, lat), "radius_m": radius_m})
        ).rows.tolist()
    )
    centre = shapely.Point(lon, lat)
    for row, shape in enumerate(city.features("buildings").geometry):
        near = shapely.shortest_line(shape, centre)
        (from_lon, from_lat), (to_lon, to_lat) = shapely.get_coordinates(near)
        distance_m = float(geodesy.distances_m(from_lon, from_lat, to_lon, to_lat))
        if abs(distance_m - radius_m) > 0.01 * radius_m + 0.5:  # The nearest in degrees is not quite so in metres.
            assert (row in found) == (distance_m < radius_m), (row, distance_m)


def test_within_a_distance_of_features_and_by_attribute_at_once(selector, city):
    near = {"kind": "near", "layer": "streets", "rows": [40], "distance_m": 60.0}
    all_near = selector.select(Question(layer="buildings", region=near))
    high = selector.select(Question(layer="buildings", region=near, where=[{"column": "height_m", "at_least": 25}]))
    assert 0 < len(high) < len(all_near) < len(city.features("buildings"))
    assert (high.table["height_m"] >= 25).all()
    assert set(high.rows) <= set(all_near.rows)


def test_conditions_on_numbers_classes_and_text(selector, city):
    table = city.features("buildings")
    between = Question(layer="buildings", where=[{"column": "height_m", "at_least": 20, "at_most": 30}])
    assert len(selector.select(between)) == int(table["height_m"].between(20, 30).sum())
    parks = Question(layer="ground", where=[{"column": "kind", "one_of": ["park"]}])
    assert selector.select(parks).rows.tolist() == [1]
    text = Question(layer="buildings", where=[{"column": "name", "contains": "HOUSE 7"}])
    assert len(selector.select(text)) == int(table["name"].str.contains("House 7").sum())


def test_a_variable_is_joined_at_a_step(selector, city):
    asked = Question(
        layer="streets", variables=["speed_ratio"], step=33, where=[{"column": "speed_ratio", "at_most": 0.6}]
    )
    found = selector.select(asked)
    truth = city.on_features("streets", "speed_ratio").to_numpy()[:, 33]
    assert found.rows.tolist() == np.flatnonzero(truth <= 0.6).tolist()
    np.testing.assert_allclose(found.table["speed_ratio"], truth[truth <= 0.6])


def test_cells_are_selected_with_their_values(selector, city):
    found = selector.select(Question(layer="cells", variables=["no2"], step=40))
    cube = city.cube(["no2"])["no2"]
    np.testing.assert_allclose(found.table["no2"], cube.isel(time=40))
    few = selector.select(Question(layer="cells", variables=["no2"], step=40, resolution=9))
    assert len(few) < len(found)


def test_sums_are_those_of_the_table_and_volumes_are_area_times_height(selector, city):
    rows = (3, 4, 5)
    summary = summarise(selector.select(Question(layer="buildings", rows=rows)))
    part = city.features("buildings").iloc[list(rows)]
    heights = next(each for each in summary["numbers"] if each["column"] == "height_m")
    assert heights["sum"] == pytest.approx(part["height_m"].sum())
    assert heights["mean"] == pytest.approx(part["height_m"].mean())
    assert sum(heights["bins"]) == heights["count"] == summary["count"] == 3
    areas = geodesy.areas_m2(part.geometry.to_numpy())
    assert summary["area_m2"] == pytest.approx(areas.sum())
    assert summary["volume_m3"] == pytest.approx((areas * part["height_m"]).sum())
    streets = summarise(selector.select(Question(layer="streets", rows=(0,))))
    assert streets["length_m"] == pytest.approx(90.0, rel=0.005)
    ground = summarise(selector.select(Question(layer="ground")))
    assert ground["classes"] == [{"column": "kind", "counts": [["land", 1], ["park", 1]]}]


def test_an_empty_selection_is_an_answer(selector):
    nothing = selector.select(Question(layer="buildings", where=[{"column": "height_m", "at_least": 9999}]))
    summary = summarise(nothing)
    assert summary["count"] == summary["area_m2"] == summary["volume_m3"] == 0
    assert summary["numbers"] == []
    assert to_geojson(nothing, most=10)["features"] == []
    assert to_records(nothing, columns=[], first=0, most=10)["rows"] == []


def test_table_and_picture_speak_of_the_same_rows(selector):
    found = selector.select(Question(layer="buildings", rows=(7, 2)))
    records = to_records(found, columns=["height_m"], first=0, most=10)
    drawn = to_geojson(found, most=10)
    assert [row[0] for row in records["rows"]] == [each["properties"]["r"] for each in drawn["features"]] == [2, 7]
    assert [float(row[3]) for row in records["rows"]] == [each["properties"]["h"] for each in drawn["features"]]
    assert to_records(found, columns=[], first=1, most=10)["rows"][0][0] == 7


def test_attributes_are_described_for_a_form(city):
    described = {each["name"]: each for each in describe_columns(city.features("buildings"))}
    assert described["height_m"]["kind"] == "number"
    assert described["height_m"]["low"] == city.features("buildings")["height_m"].min()
    assert described["name"]["kind"] == "text"


@pytest.mark.parametrize(
    "asked",
    [
        {"layer": "nowhere"},
        {"layer": "buildings", "variables": ["nothing"]},
        {"layer": "buildings", "where": [{"column": "geometry", "contains": "x"}]},
        {"layer": "buildings", "region": {"kind": "near", "layer": "streets", "rows": [10**6], "distance_m": 5}},
    ],
)
def test_what_the_city_does_not_have_is_refused_by_name(selector, asked):
    with pytest.raises(QuestionError):
        selector.select(Question(**asked))


def test_measuring_agrees_with_karney():
    line = Drawing(positions=[(WEST, SOUTH), (WEST + 0.01, SOUTH), (WEST + 0.01, SOUTH + 0.01)])
    legs = geodesy.distances_m([WEST, WEST + 0.01], [SOUTH, SOUTH], [WEST + 0.01] * 2, [SOUTH, SOUTH + 0.01])
    assert measure(line).legs_m == pytest.approx(legs)
    assert measure(line).length_m == pytest.approx(legs.sum())
    ring = Drawing(positions=[place(0, 0), place(100, 0), place(100, 200), place(0, 200)], closed=True)
    assert measure(ring).area_m2 == pytest.approx(20_000, rel=0.005)
    assert measure(ring).length_m == pytest.approx(600, rel=0.005)
    assert measure(Drawing(positions=[(7, 43)])).length_m == 0


def test_a_circle_and_a_buffer_are_as_wide_as_they_say():
    lon, lat = shapely.get_coordinates(circle_around(7.42, 43.73, 250.0)).T
    np.testing.assert_allclose(geodesy.distances_m(7.42, 43.73, lon, lat), 250.0, rtol=1e-9)
    wide = buffer_m(np.array([shapely.Point(7.42, 43.73)]), 250.0)
    lon, lat = shapely.get_coordinates(wide).T
    np.testing.assert_allclose(geodesy.distances_m(7.42, 43.73, lon, lat), 250.0, rtol=2e-4)
