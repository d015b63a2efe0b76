from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
from dashboards.exploring.places import read_places
from dashboards.exploring.search import SearchIndex, fold

AREA = (7.40, 43.72, 7.45, 43.76)
SHENZHEN = (113.75, 22.40, 114.62, 22.86)


@pytest.fixture(scope="module")
def index(source):
    return SearchIndex(source.readings)


@pytest.mark.parametrize(
    "text",
    [
        "43.73, 7.42",
        "7.42 43.73",
        "43.73、7.42",
        "43°43'48\"N 7°25'12\"E",
        "N43°43'48\" E7°25'12\"",
        "N 43 43 48, E 7 25 12",
        "7°25'12\"E, 43°43'48\"N",
        "北纬43度43分48秒 东经7度25分12秒",
        "OGC:CRS84 7.42, 43.73",
        "EPSG:4326 43.73, 7.42",
        "43.73 7.42 WGS 84",
        "\uff14\uff13.73, 7.42",
    ],
)
def test_one_place_written_in_many_ways(text):
    (place, *_) = read_places(text, area=AREA)
    assert (place.lon_deg, place.lat_deg) == pytest.approx((7.42, 43.73), abs=1e-9)
    assert place.inside


@pytest.mark.parametrize("name", ["GCJ-02", "BD-09", "EPSG:4547", "EPSG:4490", "火星坐标", "EPSG:32650"])
def test_a_coordinate_in_a_registered_definition_is_where_crs_puts_it(name):
    x, y = crs.transform([114.05], [22.54], source="OGC:CRS84", target=name)
    for text in (f"{name} {x[0]:.7f},{y[0]:.7f}", f"{y[0]:.7f} {x[0]:.7f} {name}"):
        (place, *_) = read_places(text, area=SHENZHEN)
        assert (place.lon_deg, place.lat_deg) == pytest.approx((114.05, 22.54), abs=2e-6)
        assert place.inside


def test_bare_lengths_are_read_as_the_citys_datasets_are():
    x, y = crs.transform([7.42], [43.73], source="OGC:CRS84", target="EPSG:2154")
    (place,) = read_places(f"{x[0]:.2f} {y[0]:.2f}", area=AREA, hints=["OGC:CRS84", "EPSG:2154", "EPSG:2154"])
    assert (place.lon_deg, place.lat_deg) == pytest.approx((7.42, 43.73), abs=1e-6)
    assert place.definition == "EPSG:2154"
    assert read_places(f"{x[0]:.2f} {y[0]:.2f}", area=AREA) == []


@pytest.mark.parametrize(
    ("text", "name"), [("8FM9PCJC+2V", "Plus Code"), ("geohash spv2bc", "Geohash"), ("32TLP7243", "MGRS")]
)
def test_codes_of_grids_are_places_with_an_outline(text, name):
    (place,) = read_places(text, area=AREA)
    assert place.definition == name
    assert place.outline.covers(place.outline.centroid)


def test_a_cell_of_h3_is_found(source, index):
    cell = source.readings.values("no2", source.city.resolution)["cell"].values[3]
    (hit,) = index.find(format(int(cell), "x"))
    lon, lat = source.readings.grid.centres(np.array([cell], dtype=np.uint64))
    assert hit.detail == "H3"
    west, south, east, north = hit.bounds
    assert west < lon[0] < east
    assert south < lat[0] < north


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_no_text_is_an_error(text):
    assert isinstance(read_places(text, area=AREA, hints=["EPSG:2154"]), list)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "text", ["House 12", "house 12", "HOUSE  12", "\uff28\uff4f\uff55\uff53\uff45 \uff11\uff12", "hóuse 12"]
)
def test_a_name_is_found_however_it_is_written(index, text):
    hit = index.find(text)[0]
    assert (hit.title, hit.layer, hit.kind) == ("House 12", "buildings", "name")


def test_a_misspelt_street_is_found(index):
    assert index.find("Stret 17")[0].title == "Street 17"
    assert index.find("Streeet 17")[0].title == "Street 17"


def test_what_is_equal_is_one_hit_with_all_its_features(index):
    hit = index.find("park")[0]
    assert (hit.kind, hit.layer, hit.detail, hit.rows) == ("keyword", "ground", "kind", (1,))


def test_a_record_is_found_by_its_number(index):
    (hit,) = index.find("buildings #31")
    assert hit.rows == (31,)
    assert {each.layer for each in index.find("#1")} >= {"buildings", "streets", "ground"}
    assert index.find("buildings #99999999") == []


def test_nothing_is_found_for_nothing(index):
    assert index.find("") == index.find("   ") == index.find("-") == []
    assert index.find("zzzzqqqq") == []
    assert len(index.find("house", most=5)) == 5


def test_an_address_is_found_by_street_and_number(city):
    table = city.features("buildings").copy()
    table["addr:street"], table["addr:housenumber"] = "Rue de l'Église", [str(n) for n in range(len(table))]
    readings = SimpleNamespace(
        table=lambda _name: table,
        city=SimpleNamespace(
            layers={"buildings": city.layers["buildings"]}, has_features=lambda _name: True, area=city.area
        ),
    )
    hit = SearchIndex(readings).find("rue de l eglise 17")[0]
    assert (hit.kind, hit.rows) == ("address", (17,))
