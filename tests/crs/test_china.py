"""Chinese definitions against the published formulas, shapely, and their own inverses."""

import threading
import tracemalloc
from importlib import resources

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from crs import china
from crs.errors import LengthMismatchError
from tests.reference import crs_china as published

EVERYWHERE_IN_CHINA = [
    (china.gcj02_from_wgs84, china.wgs84_from_gcj02),
    (china.bd09_from_gcj02, china.gcj02_from_bd09),
    (china.bd09mc_from_bd09, china.bd09_from_bd09mc),
    (china.webmercator_from_gcj02, china.gcj02_from_webmercator),
]
FORWARD = [forward for forward, _ in EVERYWHERE_IN_CHINA]
ALL = [face for pair in EVERYWHERE_IN_CHINA for face in pair]


def positions_in_china(count, seed=0):
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(73.0, 136.0, 3 * count), rng.uniform(3.0, 54.0, 3 * count)
    kept = china.in_china(lon, lat)
    assert kept.sum() >= count
    return lon[kept][:count], lat[kept][:count]


@pytest.fixture(scope="module")
def million():
    return positions_in_china(1_000_000)


# --- GCJ-02 ---------------------------------------------------------------------------------------------------------


def test_forward_is_the_published_formula(million):
    lon, lat = (values[:200_000] for values in million)
    x, y = china.gcj02_from_wgs84(lon, lat)
    expected = published.gcj02_everywhere(lon, lat)
    assert published.distance_m(x, y, *expected).max() < 1e-8


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [  # the test cases that `eviltransform` ships for all its languages; it takes an equatorial axis 108 m shorter
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ],
)
def test_forward_agrees_with_published_pairs(wgs84, gcj02):
    x, y = china.gcj02_from_wgs84(*wgs84)
    assert published.distance_m(x, y, *gcj02) < 0.02


def test_inverse_is_exact_on_a_million_positions_in_all_china(million):
    lon, lat = million
    assert published.distance_m(*china.wgs84_from_gcj02(*china.gcj02_from_wgs84(lon, lat)), lon, lat).max() < 1e-6


def test_inverse_is_the_fixed_point_of_the_published_formula(million):
    glon, glat = (values[:100_000] for values in million)
    clear = ~china.near_mask_edge(glon, glat)
    lon, lat = china.wgs84_from_gcj02(glon[clear], glat[clear])
    expected = published.wgs84_everywhere(glon[clear], glat[clear])
    assert published.distance_m(lon, lat, *expected).max() < 1e-6


@pytest.mark.parametrize("offset", [0.0, 1e-14, 1e-12, 1e-10, 1e-7, 1e-4, 0.0299999, 0.03, 0.0300001])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_inverse_is_exact_beside_the_kink_of_the_formula(offset, side):
    lat = np.linspace(24.0, 41.0, 5001)
    lon = np.full_like(lat, 105.0 + side * offset)
    assert china.in_china(lon, lat).all()
    assert published.distance_m(*china.wgs84_from_gcj02(*china.gcj02_from_wgs84(lon, lat)), lon, lat).max() < 1e-6


@given(lon=st.floats(75.0, 134.0), lat=st.floats(4.0, 53.0))
def test_any_position_clear_of_the_edge_comes_back(lon, lat):
    if china.near_mask_edge(lon, lat):
        return
    back = china.wgs84_from_gcj02(*china.gcj02_from_wgs84(lon, lat))
    forth = china.gcj02_from_wgs84(*china.wgs84_from_gcj02(lon, lat))
    assert published.distance_m(*back, lon, lat) < 1e-6
    assert published.distance_m(*forth, lon, lat) < 1e-6


@pytest.mark.parametrize("face", [china.gcj02_from_wgs84, china.wgs84_from_gcj02])
def test_nothing_jumps_inside_the_area(face, million):
    lon, lat = (values[:200_000] for values in million)
    lon = np.concatenate([lon, np.full(20_000, 105.0), np.repeat(105.0 + 1e-10, 20_000)])
    lat = np.concatenate([lat, lat[:40_000]])
    clear = china.in_china(lon, lat) & ~china.near_mask_edge(lon, lat)
    lon, lat = lon[clear], lat[clear]
    step = 1e-10  # degrees, 11 micrometres
    x, y = face(lon, lat)
    for dx, dy in [(step, 0.0), (0.0, step), (-step, step)]:
        moved_x, moved_y = face(lon + dx, lat + dy)
        assert published.distance_m(moved_x, moved_y, x, y).max() < 1e-4


def test_longitude_and_latitude_keep_their_order():
    lon = np.linspace(100.0, 120.0, 400_001)
    x, _ = china.gcj02_from_wgs84(lon, 30.0)
    assert (np.diff(x) > 0).all()
    lat = np.linspace(24.0, 41.0, 400_001)
    _, y = china.gcj02_from_wgs84(105.0, lat)
    assert (np.diff(y) > 0).all()


# --- mask -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("city", "lon", "lat"),
    [
        ("Seoul", 126.98, 37.57),
        ("Hanoi", 105.85, 21.03),
        ("Ulaanbaatar", 106.92, 47.92),
        ("Vladivostok", 131.89, 43.12),
        ("Pyongyang", 125.75, 39.03),
        ("Manila", 120.98, 14.6),
        ("Almaty", 76.9, 43.25),
        ("Delhi", 77.2, 28.6),
        ("Naha", 127.68, 26.21),
        ("London", -0.1, 51.5),
    ],
)
def test_cities_abroad_stay_put_both_ways(city, lon, lat):
    for face in (china.gcj02_from_wgs84, china.wgs84_from_gcj02):
        x, y = face(lon, lat)
        assert (x, y) == (lon, lat), city


@pytest.mark.parametrize(
    ("city", "lon", "lat"),
    [
        ("Beijing", 116.39, 39.91),
        ("Shanghai", 121.47, 31.23),
        ("Shenzhen", 114.06, 22.54),
        ("Hong Kong", 114.17, 22.30),
        ("Macao", 113.54, 22.19),
        ("Taipei", 121.56, 25.04),
        ("Sanya", 109.5, 18.25),
        ("Kashgar", 75.99, 39.47),
        ("Lhasa", 91.11, 29.65),
        ("Zhoushan", 122.2, 30.0),
        ("bridge from Hong Kong to Macao", 113.75, 22.27),
    ],
)
def test_cities_of_china_are_shifted_and_not_ambiguous(city, lon, lat):
    moved = published.distance_m(*china.gcj02_from_wgs84(lon, lat), lon, lat)
    assert 15.0 < moved < 720.0, city
    assert not china.near_mask_edge(lon, lat), city


@pytest.mark.parametrize(("face", "name"), [(china.in_china, "area"), (china.near_mask_edge, "band")])
def test_mask_answers_as_shapely_does(face, name):
    polygon = published.mask_polygon(name)
    rng = np.random.default_rng(1)
    corners = shapely.get_coordinates(polygon)
    close = corners[rng.integers(len(corners), size=60_000)] + rng.normal(0.0, 1.0, (60_000, 2)) * 10.0 ** rng.uniform(
        -7, -1, (60_000, 1)
    )
    anywhere = np.column_stack([rng.uniform(60.0, 150.0, 60_000), rng.uniform(-10.0, 65.0, 60_000)])
    lon, lat = np.concatenate([close, anywhere]).T
    expected = shapely.contains_xy(polygon, lon, lat)
    assert 0.1 < expected.mean() < 0.9
    np.testing.assert_array_equal(face(lon, lat), expected)


def test_band_holds_everything_within_a_kilometre_and_three_of_the_edge():
    edge = shapely.get_coordinates(shapely.segmentize(shapely.boundary(published.mask_polygon("area")), 0.02))
    for bearing in np.radians(np.arange(0.0, 360.0, 45.0)):
        lat = edge[:, 1] + np.cos(bearing) * 3_500.0 / 110_600.0
        lon = edge[:, 0] + np.sin(bearing) * 3_500.0 / (111_320.0 * np.cos(np.radians(lat)))
        assert china.near_mask_edge(lon, lat).all()


def test_only_the_band_has_positions_with_two_origins_or_none():
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(70.0, 140.0, 500_000), rng.uniform(0.0, 56.0, 500_000)
    flagged = china.near_mask_edge(lon, lat)
    back = china.gcj02_from_wgs84(*china.wgs84_from_gcj02(lon, lat))
    astray = published.distance_m(*back, lon, lat) > 1e-6
    assert not astray[~flagged].any()
    edge = shapely.get_coordinates(shapely.boundary(published.mask_polygon("area")))
    lon, lat = edge.T
    back = china.gcj02_from_wgs84(*china.wgs84_from_gcj02(lon, lat))
    assert (published.distance_m(*back, lon, lat) > 1.0).any()  # the edge does have them


def test_mask_is_small():
    assert len(resources.files("crs.china").joinpath("mask.json").read_bytes()) < 300_000


# --- BD-09 and the Mercators -----------------------------------------------------------------------------------------


def test_bd09_is_the_published_formula(million):
    lon, lat = (values[:200_000] for values in million)
    assert published.distance_m(*china.bd09_from_gcj02(lon, lat), *published.bd09(lon, lat)).max() < 2e-8


def test_bd09_agrees_with_the_pair_in_baidu_s_documentation():
    x, y = china.bd09_from_gcj02(116.404, 39.915)
    assert published.distance_m(x, y, 116.41036949371029, 39.92133699351022) < 1e-6


def test_bd09_inverse_is_exact(million):
    lon, lat = million
    assert published.distance_m(*china.gcj02_from_bd09(*china.bd09_from_gcj02(lon, lat)), lon, lat).max() < 1e-7


def test_baidu_mercator_is_exact_both_ways_save_at_the_joints_of_its_bands(million):
    lon, lat = (values[:200_000] for values in million)
    joint = np.abs(lat[:, None] - [15.0, 30.0, 45.0]).min(axis=1) < 2e-7
    back = published.distance_m(*china.bd09_from_bd09mc(*china.bd09mc_from_bd09(lon, lat)), lon, lat)
    assert back[~joint].max() < 1e-7
    rng = np.random.default_rng(3)
    x, y = rng.uniform(8.2e6, 1.5e7, 100_000), rng.uniform(3.4e5, 7.0e6, 100_000)
    there = china.bd09mc_from_bd09(*china.bd09_from_bd09mc(x, y))
    assert np.hypot(there[0] - x, there[1] - y).max() < 1e-7


def test_baidu_mercator_leaves_at_most_the_published_jump_at_a_joint():
    lat = np.concatenate([joint + np.linspace(-2e-7, 2e-7, 2001) for joint in (15.0, 30.0, 45.0)])
    lon = np.full_like(lat, 110.0)
    assert published.distance_m(*china.bd09_from_bd09mc(*china.bd09mc_from_bd09(lon, lat)), lon, lat).max() < 0.01


def test_baidu_mercator_is_near_the_published_polynomials_of_the_other_direction():
    lon, lat = positions_in_china(20_000, seed=4)
    x, y = china.bd09mc_from_bd09(lon, lat)
    px, py = published.bd09mc_published(lon, lat)
    assert 0.001 < np.hypot(x - px, y - py).max() < 0.4


def test_baidu_mercator_picks_the_band_of_every_row():
    lat = np.array([54.0, 40.0, 20.0, 10.0, -10.0, -40.0])
    lon = np.array([110.0, 110.0, 110.0, 110.0, -70.0, -70.0])
    x, y = china.bd09mc_from_bd09(lon, lat)
    back_lon, back_lat = china.bd09_from_bd09mc(x[::-1], y[::-1])
    np.testing.assert_allclose(back_lon[::-1], lon, rtol=0, atol=1e-12)
    np.testing.assert_allclose(back_lat[::-1], lat, rtol=0, atol=1e-12)


def test_web_mercator_is_closed_form_and_exact():
    lon, lat = positions_in_china(100_000, seed=5)
    x, y = china.webmercator_from_gcj02(lon, lat)
    np.testing.assert_allclose(x, np.radians(lon) * 6378137.0, rtol=1e-15)
    np.testing.assert_allclose(y, 6378137.0 * np.log(np.tan(np.pi / 4 + np.radians(lat) / 2)), rtol=1e-14)
    assert published.distance_m(*china.gcj02_from_webmercator(x, y), lon, lat).max() < 1e-7


# --- accuracy -------------------------------------------------------------------------------------------------------


def test_accuracy_is_one_metre_in_the_east_ten_in_the_west_and_never_nil():
    lon = np.linspace(-180.0, 180.0, 3601)
    stated = china.accuracy_m(lon, 30.0)
    assert stated.min() == 1.0
    assert stated.max() == 10.0
    assert (np.diff(stated) <= 0).all()
    # Median and greatest difference to the provider in a region, as POSITIONS lists them: Shanghai to Lhasa.
    for at, difference_m in [(121.5, 0.013), (116.4, 0.18), (126.6, 0.18), (114.1, 0.34), (104.1, 0.63), (87.6, 2.8)]:
        assert china.accuracy_m(at, 35.0) > difference_m
    assert np.isnan(china.accuracy_m([np.nan, 110.0, np.inf], [30.0, np.nan, 30.0])).all()


# --- every face -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("face", ALL)
def test_a_position_that_is_not_finite_becomes_nan_as_a_whole(face):
    bad = np.array([np.nan, np.inf, -np.inf])
    good = np.full(3, 30.0)
    for x, y in [face(bad, good), face(good, bad), face(bad, bad)]:
        assert np.isnan(x).all()
        assert np.isnan(y).all()


@pytest.mark.parametrize("face", ALL)
def test_shapes_and_types_come_out_as_they_went_in(face):
    lon, lat = np.full((2, 3, 4), 110.0), np.full((2, 3, 4), 30.0)
    kept = lon.copy(), lat.copy()
    x, y = face(lon, lat)
    assert x.shape == y.shape == (2, 3, 4)
    np.testing.assert_array_equal((lon, lat), kept)
    assert face(110, 30)[0].shape == ()
    assert face([], [])[1].shape == (0,)
    assert face(110.0, np.array([[30.0], [31.0]]))[0].shape == (2, 1)
    np.testing.assert_array_equal(face(lon[:, ::2, ::-1], lat[:, ::2, ::-1]), (x[:, ::2], y[:, ::2]))
    assert face(np.float32(110), np.int64(30))[0] == x[0, 0, 0]


@pytest.mark.parametrize("face", [*ALL, china.in_china, china.near_mask_edge, china.accuracy_m])
def test_lengths_that_do_not_fit_are_refused_by_name(face):
    with pytest.raises(LengthMismatchError, match=r"\(3,\).*\(2,\)"):
        face(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize("face", [china.gcj02_from_wgs84, china.wgs84_from_gcj02, china.gcj02_from_bd09])
def test_a_result_depends_on_the_position_alone(face):
    lon, lat = positions_in_china(4_099, seed=6)
    whole = np.array(face(lon, lat))
    pieces = np.concatenate([np.array(face(lon[i : i + 7], lat[i : i + 7])) for i in range(0, lon.size, 7)], axis=1)
    np.testing.assert_array_equal(whole, pieces)
    found = [None] * 4

    def work(k):
        found[k] = np.array(face(lon, lat))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in found:
        np.testing.assert_array_equal(each, whole)


@pytest.mark.parametrize("face", ALL)
def test_memory_stays_below_twice_the_arrays(face):
    lon, lat = np.full(500_000, 110.0), np.full(500_000, 30.0)
    face(lon[:1], lat[:1])
    tracemalloc.start()
    try:
        face(lon, lat)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 1.1 * (lon.nbytes + lat.nbytes)  # the answer itself, and nothing of its size besides


@pytest.mark.parametrize("face", FORWARD)
def test_south_of_china_and_west_of_greenwich_nothing_breaks(face):
    x, y = face(np.array([-170.0, 0.0, 179.0]), np.array([-60.0, 0.0, 80.0]))
    assert np.isfinite(x).all()
    assert np.isfinite(y).all()
