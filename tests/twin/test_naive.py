"""The naive reading: its rules one by one, with PROJ as referee where a projection is in it."""

from dataclasses import replace

import numpy as np
import pyproj
import pytest
import shapely

import crs
import layers
from twin.fusion.naive import city_plane, naive_geometry

PLANE = "EPSG:4547"
GK = pyproj.Transformer.from_crs("EPSG:4547", "OGC:CRS84", always_xy=True)


def layer_of(position, *columns, geometry=None):
    given = crs.definition(position)
    if geometry is not None:
        return layers.Layer.from_arrays("x", np.array(geometry, dtype=object), position=given)
    fields = crs.Fields(tuple(np.array(column, dtype=object) for column in columns))
    points = layers.Layer.from_arrays("x", np.full(len(fields), shapely.Point(), dtype=object), position="OGC:CRS84")
    return layers.Layer(name="x", table=points.table, position=given, coordinates=fields, ledger=points.ledger)


def naive(position, *columns, geometry=None, **rest):
    layer = layer_of(position, *columns, geometry=geometry)
    placed = naive_geometry(layer, layer.position, plane=PLANE, **rest)
    return [(round(g.x, 6), round(g.y, 6)) for g in placed]


@pytest.mark.parametrize("definition", ["GCJ-02", "BD-09", "OGC:CRS84", "EPSG:4490"])
def test_degrees_are_degrees_of_wgs_84_whatever_was_meant(definition):
    assert naive({"definition": definition, "columns": ["x", "y"]}, ["114.06"], ["22.54"]) == [(114.06, 22.54)]


def test_the_order_of_columns_and_notation_are_read():
    said = {"definition": "GCJ-02", "columns": ["lat", "lon"], "axes": "lat,lon"}
    assert naive(said, ["22.54"], ["114.06"]) == [(114.06, 22.54)]
    dms = {"definition": "EPSG:4326", "columns": ["lat", "lon"], "axes": "lat,lon", "notation": "dms"}
    assert naive(dms, ["22°30'00\"N"], ["114°06'00\"E"]) == [(114.1, 22.5)]
    scaled = {"definition": "GCJ-02", "columns": ["x", "y"], "unit": "1e-6 degree"}
    assert naive(scaled, ["114060000"], ["22540000"]) == [(114.06, 22.54)]


def test_grads_from_paris_are_taken_for_degrees():
    said = {"definition": "EPSG:4807", "columns": ["lat", "lon"], "axes": "lat,lon"}
    assert naive(said, ["48.6"], ["5.65"]) == [(5.65, 48.6)]


SHIFT = {"parameters": [15.8, -154.4, -82.3], "accuracy_m": 5, "source": "test"}


@pytest.mark.parametrize("definition", ["EPSG:4547", "EPSG:2415", "EPSG:32650"])
def test_metres_are_those_of_the_citys_own_plane(definition):
    said = {"definition": definition, "columns": ["x", "y"], **({"shift": SHIFT} if definition == "EPSG:2415" else {})}
    lon, lat = GK.transform(506_000.0, 2_493_000.0)
    assert naive(said, [506_000.0], [2_493_000.0]) == [(round(lon, 6), round(lat, 6))]


def test_the_number_of_a_strip_is_dropped_in_tables_and_geometries():
    lon, lat = GK.transform(506_000.0, 2_493_000.0)
    expected = [(round(lon, 6), round(lat, 6))]
    said = {"definition": "EPSG:4526", "columns": ["x", "y"]}
    assert naive(said, ["38506000"], ["2493000"]) == expected
    assert naive("EPSG:4526", geometry=[shapely.Point(38_506_000, 2_493_000)]) == expected


def test_where_no_frame_is_known_numbers_that_can_be_degrees_are():
    layer = layer_of({"definition": "OGC:CRS84", "columns": ["x", "y"]}, [506_000.0, 114.0], [2_493_000.0, 22.0])
    unknown = replace(layer.position, crs=None)
    for row, numbers in ((0, "metres"), (1, "degrees")):
        one = replace(
            layer,
            table=layer.table.iloc[[row]],
            coordinates=crs.Fields(tuple(c[[row]] for c in layer.coordinates.columns)),
            ledger=layers.Ledger(dataset="x", sources={"x": 1}, placed=1),
        )
        place = naive_geometry(one, unknown, plane=PLANE)[0]
        assert (place.x == 114.0) == (numbers == "degrees")
        assert place.y == pytest.approx(22.54, abs=0.6)


@pytest.fixture(scope="module")
def streets():
    lines = np.array(
        [shapely.LineString([(114.0, 22.5), (114.01, 22.5)]), shapely.LineString([(114.0, 22.6), (114.0, 22.6008)])]
    )
    layer = layers.Layer.from_arrays("streets", lines, position="OGC:CRS84", columns={"id": ["long", "short"]})
    return {"streets": crs.harmonise(layer)}


def test_a_chainage_is_its_nearest_post_or_the_last_before_the_end(streets):
    said = {"along": "streets", "key": "id", "columns": ["id", "m"]}
    layer = layer_of(said, ["long", "long", "short", "long"], ["349", "K0+351", "60", "x"])
    placed = naive_geometry(layer, layer.position, plane=PLANE, references=streets)
    start = [
        crs.geodesy.distances_m(*line, g.x, g.y)
        for line, g in zip([(114.0, 22.5)] * 2 + [(114.0, 22.6)], placed, strict=False)
    ]
    assert np.round(start, 3).tolist() == [300.0, 400.0, 0.0]  # 60 m of 89 m: the post at 100 m is beyond
    assert placed[3] is None


@pytest.mark.parametrize(
    ("area", "code"),
    [
        ((113.7, 22.4, 114.7, 22.9), "EPSG:32650"),
        ((-71.4, -30.1, -71.2, -29.8), "EPSG:32719"),
        ((179.0, 1.0, 180.0, 2.0), "EPSG:32660"),
    ],
)
def test_a_city_without_a_plane_has_its_strip_of_utm(area, code):
    assert city_plane(area) == code
    assert pyproj.CRS(code).area_of_use.west <= (area[0] + area[2]) / 2 <= pyproj.CRS(code).area_of_use.east
