"""Moving numbers: exact there and back, refused where a definition does not hold, never inf."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

import crs
from crs.registry import entry

HUB = "OGC:CRS84"
CODES = [*crs.definitions(), "EPSG:32631", "EPSG:28992", "EPSG:4547", "EPSG:27700"]
# PROJ's way back through a shift in space drops the height that it makes; ours comes back to where it started.
DROPPED_HEIGHT_M = 1e-3
SHIFT = {"parameters": [15.8, -154.4, -82.3], "accuracy_m": 5.0, "source": "survey office"}
unit = st.floats(0.0, 1.0)
anything = st.floats(allow_nan=True, allow_infinity=True)


def place_in(code, u, v):
    area = entry(code).area
    east = area.east + (360 if area.west > area.east else 0)
    lon = (area.west + u * (east - area.west) + 180) % 360 - 180
    return np.array([lon]), np.array([area.south + v * (area.north - area.south)])


@settings(deadline=None, max_examples=300)
@given(code=st.sampled_from(CODES), u=unit, v=unit)
def test_there_and_back_is_exact(code, u, v):
    lon, lat = place_in(code, 0.001 + 0.998 * u, 0.001 + 0.998 * v)
    x, y = crs.transform(lon, lat, source=HUB, target=code)
    back_lon, back_lat = crs.transform(x, y, source=code, target=HUB)
    # PROJ's inverse of the equal-area azimuthal is a series that is good to 2 mm at the rim of Europe.
    allowed_m = 3e-3 if code == "EPSG:3035" else 1e-6
    assert crs.geodesy.distances_m(lon, lat, back_lon, back_lat)[0] < allowed_m


@settings(deadline=None, max_examples=300)
@given(source=st.sampled_from(CODES), target=st.sampled_from(CODES), x=anything, y=anything)
def test_nothing_ever_comes_out_infinite(source, target, x, y):
    moved_x, moved_y = crs.transform(np.array([x]), np.array([y]), source=source, target=target, outside="nan")
    assert not np.isinf(moved_x).any()
    assert not np.isinf(moved_y).any()
    assert np.isnan(moved_x[0]) == np.isnan(moved_y[0])


@pytest.mark.parametrize(
    ("code", "x", "y"),
    [("EPSG:3944", 2055000.0, 3176000.0), ("EPSG:2263", 985000.0, 195000.0), ("EPSG:32632", 373000.0, 4844000.0),
     ("EPSG:28992", 121000.0, 487000.0), ("EPSG:27573", 1009000.0, 3172000.0), ("EPSG:4807", 5.64, 48.59)],
)  # fmt: skip
def test_swapped_axes_are_refused_with_the_area_of_use(code, x, y):
    crs.transform([x], [y], source=code, target=HUB)
    with pytest.raises(crs.AreaOfUseError, match=r"1 of 1 positions lie outside the area of use.*order of the axes"):
        crs.transform([y], [x], source=code, target=HUB)


def test_outside_as_nan_keeps_the_rest():
    lon, _ = crs.transform(
        [985000.0, 195000.0, np.nan], [195000.0, 985000.0, 1.0], source="EPSG:2263", target=HUB, outside="nan"
    )
    assert np.isfinite(lon).tolist() == [True, False, False]


def test_the_area_of_the_target_counts_as_well():
    with pytest.raises(crs.AreaOfUseError, match=r"OGC:CRS84 .* to EPSG:2263 \(lon -74\.36"):
        crs.transform([7.42], [43.73], source=HUB, target="EPSG:2263")


def test_missing_is_not_outside():
    lon, lat = crs.transform([np.nan, 7.4], [43.7, np.nan], source=HUB, target="EPSG:3944")
    assert np.isnan(lon).all()
    assert np.isnan(lat).all()


@pytest.mark.parametrize("code", ["EPSG:32632", "EPSG:3035", "EPSG:3944", "EPSG:2154", "EPSG:27573", "EPSG:4807"])
def test_geopandas_agrees_where_proj_is_right(code):
    lon, lat = np.random.default_rng(1).uniform((7.40, 43.72), (7.45, 43.76), (100, 2)).T
    theirs = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs="EPSG:4326").to_crs(code)
    x, y = crs.transform(lon, lat, source=HUB, target=code)
    allowed = DROPPED_HEIGHT_M if entry(code).datum.shift else 1e-4
    assert np.allclose(x, theirs.x, rtol=0, atol=allowed)
    assert np.allclose(y, theirs.y, rtol=0, atol=allowed)


@pytest.mark.parametrize(("source", "target"), [("EPSG:27573", HUB), (HUB, "EPSG:4807"), ("EPSG:3944", "EPSG:27573")])
def test_the_pipeline_that_is_told_is_the_one_that_is_run(source, target):
    lon, lat = np.random.default_rng(2).uniform((7.40, 43.72), (7.45, 43.76), (20, 2)).T
    x, y = crs.transform(lon, lat, source=HUB, target=source)
    ours = crs.transform(x, y, source=source, target=target)
    told = Transformer.from_pipeline(crs.operation(source, target).pipeline).transform(x, y)
    back = entry(target).datum.shift
    allowed = DROPPED_HEIGHT_M if back else 1e-8
    allowed /= 1e5 if entry(target).is_geographic else 1.0
    assert np.allclose(ours, told, rtol=1e-15, atol=allowed)


def test_accuracy_is_of_the_datums_and_not_of_the_projection():
    assert crs.operation("EPSG:32632", "EPSG:3857").accuracy_m == 0.0
    assert crs.operation("EPSG:27573", "EPSG:4807").accuracy_m == 0.0
    assert crs.operation("EPSG:3944", HUB).accuracy_m == 1.0
    assert crs.operation("EPSG:2263", "EPSG:6539").accuracy_m == 1.0
    assert crs.operation("EPSG:4490", HUB).accuracy_m == 1.0
    assert crs.operation("EPSG:27573", "EPSG:3944").accuracy_m == pytest.approx(5**0.5)


def test_nothing_to_do_is_told():
    operation = crs.operation("EPSG:4326", HUB)
    assert (operation.name, operation.pipeline, operation.accuracy_m) == ("none", "", 0.0)


def test_feet_of_the_survey_are_not_feet():
    x, y = crs.transform(
        [3_000_000.0 * 0.3048 / (1200 / 3937)], [200_000.0], source="EPSG:2263", target="EPSG:2263", outside="nan"
    )
    assert np.isnan(x[0])
    assert np.isnan(y[0])
    survey = crs.transform([1_000_000.0], [200_000.0], source="EPSG:2263", target=HUB)
    metres = crs.transform([1_000_000.0 * 0.3048], [200_000.0 * 0.3048], source="EPSG:32118", target=HUB)
    apart = crs.geodesy.distances_m(survey[0][0], survey[1][0], metres[0][0], metres[1][0])
    assert 0.6 < apart < 0.63


def test_geometries_move_with_their_heights_untouched():
    house = shapely.from_wkt("POLYGON Z ((985000 195000 10, 985100 195000 20, 985100 195100 30, 985000 195000 10))")
    flat = shapely.LineString([(985000, 195000), (986000, 196000)])
    moved = crs.project(np.array([house, None, flat]), source="EPSG:2263", target=HUB)
    assert moved[1] is None
    assert shapely.has_z(moved[0])
    assert not shapely.has_z(moved[2])
    assert shapely.get_coordinates(moved[0], include_z=True)[:, 2].tolist() == [10, 20, 30, 10]
    lon, lat = crs.transform([985100.0], [195100.0], source="EPSG:2263", target=HUB)
    assert shapely.get_coordinates(moved[0])[2].tolist() == [lon[0], lat[0]]


def test_the_argument_is_not_changed():
    given_geometry = np.array([shapely.Point(985000, 195000)])
    crs.project(given_geometry, source="EPSG:2263", target=HUB)
    assert given_geometry[0] == shapely.Point(985000, 195000)


def test_geometries_outside_are_refused_or_emptied():
    both = np.array([shapely.Point(985000, 195000), shapely.LineString([(985000, 195000), (195000, 985000)])])
    with pytest.raises(crs.AreaOfUseError, match="1 of 2 positions"):
        crs.project(both, source="EPSG:2263", target=HUB)
    moved = crs.project(both, source="EPSG:2263", target=HUB, outside="nan")
    assert [part is None for part in moved] == [False, True]


def test_lengths_must_agree():
    with pytest.raises(crs.LengthMismatchError, match="x has shape"):
        crs.transform([1.0, 2.0], [1.0], source=HUB, target="EPSG:3857")


def test_an_indirect_definition_is_no_target_of_numbers():
    linear = {"along": "streets", "key": "id", "columns": ["a", "b"]}
    with pytest.raises(crs.OperationRefusedError, match=r"crs\.harmonise"):
        crs.transform([1.0], [1.0], source=linear, target=HUB)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("EPSG:4326", "OGC:CRS84", True),
        ("EPSG:4490", "OGC:CRS84", True),
        ("EPSG:4326", "EPSG:4258", True),
        ("EPSG:2263", "EPSG:6539", True),
        ("EPSG:3944+5720", "EPSG:3944", True),
        ("EPSG:2263", "EPSG:32118", False),
        ("EPSG:27573", "EPSG:27563", False),
        ("EPSG:4807", "EPSG:4275", False),
        ("EPSG:4275", "EPSG:4326", False),
        ("EPSG:32632", "EPSG:32631", False),
        ("EPSG:3857", "EPSG:3395", False),
        ("EPSG:4610", "EPSG:4490", False),
        ("EPSG:2435", {"definition": "EPSG:2435", "shift": SHIFT}, True),
        ("EPSG:2436", {"definition": "EPSG:2435", "shift": SHIFT}, False),
        ("GCJ-02", "OGC:CRS84", False),
        ("GCJ-02", "BD-09", False),
        ("GCJ-02 Web Mercator", "EPSG:3857", False),
        ("CGCS2000 3-degree GK zone 38", "EPSG:4526", True),
        ("EPSG:4526", "EPSG:4547", False),
        ("EPSG:4610", "EPSG:4610", True),
        ({"along": "s", "key": "k", "columns": ["a", "b"]}, {"along": "s", "key": "k", "columns": ["c", "d"]}, True),
        ({"along": "s", "key": "k", "columns": ["a", "b"]}, "EPSG:4326", False),
    ],
)
def test_equivalent_means_equal_numbers_in_the_same_place(one, other, same):
    assert crs.equivalent(one, other) is same
    assert crs.equivalent(other, one) is same
