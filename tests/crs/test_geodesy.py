"""Lengths and areas against PROJ's geodesics, and the local projections against PROJ's own."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

import crs
from crs import geodesy

GEOD = Geod(ellps="WGS84")
RNG = np.random.default_rng(20261122)


def star(lon, lat, *, size_m, corners):
    """A star-shaped polygon of about the size, as longitude and latitude."""
    rng = RNG
    turn = np.sort(rng.uniform(0, 360, corners))
    far = rng.uniform(0.3, 1.0, corners) * size_m
    x, y, _ = GEOD.fwd(np.full(corners, lon), np.full(corners, lat), turn, far)
    return shapely.Polygon(np.column_stack([x, y]))


@pytest.mark.parametrize(("size_m", "relative"), [(10, 0), (500, 1e-7), (5_000, 1e-6), (100_000, 2e-5)])
def test_areas_agree_with_geodesics(size_m, relative):
    places = RNG.uniform((-179, -80), (179, 80), (60, 2))
    polygons = np.array([star(*place, size_m=size_m, corners=12) for place in places])
    expected = np.array([abs(GEOD.geometry_area_perimeter(polygon)[0]) for polygon in polygons])
    # PROJ's own sums carry about 1e-4 square metres of rounding at this distance from the equator.
    assert np.abs(geodesy.areas_m2(polygons) - expected).max() < relative * size_m**2 * np.pi + 2e-4


def test_areas_of_holes_parts_collections_and_nothing():
    hole = shapely.box(7.42, 43.73, 7.43, 43.74).difference(shapely.box(7.424, 43.734, 7.426, 43.736))
    multi = shapely.MultiPolygon([hole, shapely.box(7.44, 43.73, 7.45, 43.74)])
    collection = shapely.GeometryCollection([multi, shapely.Point(7, 43), shapely.MultiPoint([(7, 43), (8, 43)])])
    nested = shapely.GeometryCollection([collection, shapely.LineString([(7, 43), (8, 43)])])
    found = geodesy.areas_m2(np.array([hole, multi, collection, nested, shapely.Point(7, 43), None]))
    expected_hole = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(hole))[0])
    expected_multi = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(multi))[0])
    assert found[:2] == pytest.approx([expected_hole, expected_multi], rel=1e-8)
    assert found[2] == found[1] == found[3]
    assert found[4] == 0
    assert np.isnan(found[5])


def test_an_area_across_the_antimeridian_and_around_the_globe_keep_their_sense():
    east = shapely.Polygon([(179.9, 10), (-179.9, 10), (-179.9, 10.2), (179.9, 10.2)])
    here = shapely.Polygon([(9.9, 10), (10.1, 10), (10.1, 10.2), (9.9, 10.2)])
    areas = geodesy.areas_m2(np.array([east, here]))
    assert areas[0] == pytest.approx(areas[1], rel=1e-10)


def test_the_winding_does_not_matter():
    polygon = star(7.4, 43.7, size_m=300, corners=9)
    areas = geodesy.areas_m2(np.array([polygon, polygon.reverse()]))
    assert areas[0] == pytest.approx(areas[1], rel=1e-10)


def test_lengths_agree_with_geodesics():
    lines = np.array(
        [shapely.LineString(RNG.uniform((7, 43), (8, 44), (k, 2))) for k in (2, 3, 50)]
        + [shapely.MultiLineString([[(7, 43), (7.1, 43)], [(8, 44), (8.1, 44)]]), shapely.box(7, 43, 7.1, 43.1)]
    )
    expected = [GEOD.geometry_length(line) for line in lines]
    assert geodesy.lengths_m(lines) == pytest.approx(expected, rel=1e-12)
    assert geodesy.lengths_m(np.array([shapely.Point(1, 2), None])).tolist()[0] == 0
    assert np.isnan(geodesy.lengths_m(np.array([None]))[0])


def test_heights_do_not_lengthen_a_street():
    flat = shapely.LineString([(7, 43), (7.01, 43)])
    steep = shapely.LineString([(7, 43, 0), (7.01, 43, 500)])
    assert geodesy.lengths_m(np.array([flat]))[0] == geodesy.lengths_m(np.array([steep]))[0]


def test_distances_and_moves_are_inverse():
    lon, lat = RNG.uniform((-179, -80), (179, 80), (100, 2)).T
    east, north = RNG.normal(0, 1000, (2, 100))
    new_lon, new_lat = geodesy.move_m(lon, lat, east_m=east, north_m=north)
    assert geodesy.distances_m(lon, lat, new_lon, new_lat) == pytest.approx(np.hypot(east, north), rel=1e-9)
    assert np.isnan(geodesy.distances_m(np.nan, 1.0, 2.0, 3.0))


centre_lon, centre_lat = st.floats(-180, 180), st.floats(-89.9, 89.9)


@settings(deadline=None, max_examples=200)
@given(
    lon=centre_lon, lat=centre_lat, east=st.floats(-3e5, 3e5), north=st.floats(-3e5, 3e5),
    kind=st.sampled_from(["equal_area", "equidistant"]),
)  # fmt: skip
def test_local_projections_lead_back(lon, lat, *, east, north, kind):
    local = crs.local_projection(lon, lat, kind=kind)
    there = local.inverse(np.array([east]), np.array([north]))
    x, y = local.forward(*there)
    assert x[0] == pytest.approx(east, abs=1e-6)
    assert y[0] == pytest.approx(north, abs=1e-6)


@pytest.mark.parametrize(("kind", "proj"), [("equal_area", "laea"), ("equidistant", "aeqd")])
def test_local_projections_are_projs(kind, proj):
    for lon_0, lat_0 in ((7.42, 43.73), (-74.0, 40.7), (116.4, 39.9), (24.9, 60.2), (151.2, -33.9), (0.0, 0.0)):
        theirs = Transformer.from_pipeline(
            "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
            f"+step +proj={proj} +lon_0={lon_0} +lat_0={lat_0} +ellps=WGS84"
        )
        lon, lat = RNG.uniform((lon_0 - 0.5, lat_0 - 0.5), (lon_0 + 0.5, lat_0 + 0.5), (50, 2)).T
        ours = crs.LocalProjection(lon_deg=lon_0, lat_deg=lat_0, kind=kind).forward(lon, lat)
        assert np.allclose(ours, theirs.transform(lon, lat), rtol=0, atol=2e-6)


def test_equal_area_is_equal_to_the_ellipsoid():
    local = crs.local_projection(7.42, 43.73)
    small = np.array([star(7.4 + k / 50, 43.7, size_m=20, corners=8) for k in range(5)])
    plane = shapely.area(local.project(small))
    assert plane == pytest.approx(geodesy.areas_m2(small), rel=1e-8)


def test_projected_geometries_lead_back_with_their_heights():
    local = crs.local_projection([7.40, 7.44], [43.72, 43.76])
    assert (local.lon_deg, local.lat_deg) == (7.42, 43.74)
    house = shapely.Polygon([(7.42, 43.73, 5), (7.421, 43.73, 6), (7.421, 43.731, 7)])
    back = local.unproject(local.project(np.array([house, None, shapely.Point(7.4, 43.7)])))
    assert back[1] is None
    assert shapely.get_coordinates(back[0], include_z=True) == pytest.approx(
        shapely.get_coordinates(house, include_z=True), abs=1e-11
    )
    assert not shapely.has_z(back[2])


def test_a_local_projection_is_its_centre():
    one, other = crs.local_projection(7.42, 43.73), crs.LocalProjection(lon_deg=7.42, lat_deg=43.73)
    assert one == other
    assert one.__dask_tokenize__() == other.__dask_tokenize__()
    with pytest.raises(crs.DefinitionError, match="finite centre"):
        crs.local_projection([np.nan], [np.nan])
