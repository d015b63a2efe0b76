"""Krueger's series in compiled loops, with PROJ as referee."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

import crs
from crs.gauss_kruger import TransverseMercator, kernel_of

ELLIPSOIDS = {"GRS80": (6378137.0, 298.257222101), "krass": (6378245.0, 298.3), "IAU76": (6378140.0, 298.257)}
TAIL = "+step +proj=unitconvert +xy_in=rad +xy_out=deg"


def pair(name="GRS80", lon_0=114.0, **more):
    major, flattening = ELLIPSOIDS[name]
    ours = TransverseMercator(lon_0=lon_0, semi_major_m=major, inverse_flattening=flattening, **more)
    words = {"lat_0": more.get("lat_0", 0), "k": more.get("scale", 1), "x_0": more.get("x_0", 0)}
    words["y_0"] = more.get("y_0", 0)
    said = " ".join(f"+{key}={value!r}" for key, value in words.items())
    theirs = Transformer.from_pipeline(
        f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=tmerc +lon_0={lon_0} {said} "
        f"+ellps={name}"
    )
    return ours, theirs


@pytest.mark.parametrize("name", ELLIPSOIDS)
@pytest.mark.parametrize("reach_deg", [1.5, 5.99, 12.0, 40.0])
def test_it_agrees_with_proj_to_ten_nanometres(name, reach_deg):
    ours, theirs = pair(name, x_0=500_000.0)
    rng = np.random.default_rng(1)
    lon, lat = 114.0 + rng.uniform(-reach_deg, reach_deg, 50_000), rng.uniform(-84.0, 84.0, 50_000)
    x, y = ours.forward(lon, lat)
    expected_x, expected_y = theirs.transform(lon, lat)
    assert max(np.abs(x - expected_x).max(), np.abs(y - expected_y).max()) < 1e-8
    back_lon, back_lat = ours.inverse(x, y)
    assert crs.geodesy.distances_m(back_lon, back_lat, lon, lat).max() < 2e-8
    proj_lon, proj_lat = theirs.transform(x, y, direction="INVERSE")
    assert crs.geodesy.distances_m(back_lon, back_lat, proj_lon, proj_lat).max() < 2e-8


def test_latitude_of_origin_scale_and_false_origin():
    ours, theirs = pair(lon_0=-2.0, lat_0=49.0, scale=0.9996012717, x_0=400_000.0, y_0=-100_000.0)
    lon, lat = np.random.default_rng(2).uniform((-8.0, 50.0), (2.0, 60.0), (1000, 2)).T
    for ours_is, theirs_is in zip(ours.forward(lon, lat), theirs.transform(lon, lat), strict=True):
        assert np.abs(ours_is - theirs_is).max() < 1e-8


@pytest.mark.parametrize("edge", [-6.0, 6.0])
def test_the_two_loops_meet_without_a_step(edge):
    ours, _ = pair()
    lat = np.linspace(-80.0, 80.0, 2001)
    near, far = (ours.forward(np.full_like(lat, 114.0 + edge * factor), lat) for factor in (1 - 1e-15, 1 + 1e-15))
    assert np.abs(near[0] - far[0]).max() < 1e-8
    assert np.abs(near[1] - far[1]).max() < 1e-8


def test_a_result_depends_on_its_own_position_alone():
    ours, _ = pair()
    lon, lat = np.random.default_rng(3).uniform((105.0, 18.0), (123.0, 54.0), (1003, 2)).T
    together = ours.forward(lon, lat)
    alone = [ours.forward(lon[i : i + 1], lat[i : i + 1]) for i in range(len(lon))]
    assert together[0].tolist() == [float(one[0][0]) for one in alone]
    together = ours.inverse(*together)
    pieces = [ours.inverse(*(part[i : i + 7] for part in ours.forward(lon, lat))) for i in range(0, len(lon), 7)]
    assert together[1].tolist() == np.concatenate([piece[1] for piece in pieces]).tolist()


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_what_has_no_answer_is_nan_and_never_infinite(x, y):
    ours, _ = pair()
    for move in (ours.forward, ours.inverse):
        first, second = move(np.array([x]), np.array([y]))
        assert not np.isinf(first[0])
        assert not np.isinf(second[0])
        assert math.isnan(first[0]) == math.isnan(second[0])


def test_far_away_and_beyond_the_pole_there_is_no_answer():
    ours, _ = pair()
    assert np.isnan(ours.forward(np.array([160.0, 114.0]), np.array([30.0, 90.5]))).all()
    assert np.isnan(ours.inverse(np.array([9e6, 0.0, 1e300]), np.array([3e6, 1.1e7, 0.0]))).all()


def test_east_grows_eastwards_and_north_northwards():
    ours, _ = pair()
    grid = np.linspace(-5.9, 5.9, 400)
    east, _ = ours.forward(114.0 + grid, np.full(400, 39.9))
    _, north = ours.forward(np.full(400, 115.3), 30.0 + grid)
    assert (np.diff(east) > 0).all()
    assert (np.diff(north) > 0).all()


@pytest.mark.parametrize(
    "steps",
    [
        f"+step +inv +proj=lcc +lat_1=44 +lon_0=3 +ellps=GRS80 {TAIL}",
        f"+step +inv +proj=tmerc +lon_0=9 +ellps=unheardof {TAIL}",
        f"+step +inv +proj=tmerc +lon_0=9 +approx +gamma=3 +ellps=GRS80 {TAIL}",
        f"+step +proj=unitconvert +xy_in=us-ft +xy_out=m +step +inv +proj=tmerc +lon_0=9 +ellps=GRS80 {TAIL}",
        f"+step +inv +proj=tmerc +lon_0=9 +ellps=GRS80 {TAIL} +step +proj=push +v_3",
        f"+step +inv +proj=tmerc +lon_0=9 +ellps=GRS80 +pm=paris {TAIL}",
        "",
    ],
)
def test_anything_else_than_one_transverse_mercator_is_left_to_proj(steps):
    assert kernel_of(steps) is None


def test_utm_of_the_south_has_its_false_northing():
    kernel = kernel_of(f"+step +inv +proj=utm +zone=23 +south +ellps=WGS84 {TAIL}")
    assert (kernel.lon_0, kernel.y_0, kernel.scale) == (-45.0, 10_000_000.0, 0.9996)
    x, y = crs.transform([-43.2], [-22.9], source="OGC:CRS84", target="EPSG:32723")
    expected = Transformer.from_crs("OGC:CRS84", "EPSG:32723", always_xy=True).transform(-43.2, -22.9)
    assert (x[0], y[0]) == pytest.approx(expected, abs=1e-6)
