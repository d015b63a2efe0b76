"""GCJ-02, BD-09 and their Mercators as definitions like any other: points, lines, areas, rasters, flags, the lot."""

from __future__ import annotations

import itertools
import tracemalloc

import geopandas as gpd
import numpy as np
import pytest
import shapely

import crs
import layers
from crs import china
from tests.reference import crs_china as published
from tests.reference import crs_layers as fake

HUB = "OGC:CRS84"
OWN = ["GCJ-02", "BD-09", "BD-09MC", "GCJ-02 Web Mercator"]
BEIJING = (116.391, 39.907)
DANDONG, SEOUL, HANOI, ULAANBAATAR = (124.38, 40.12), (126.98, 37.57), (105.85, 21.03), (106.9, 47.9)


@pytest.fixture(scope="module")
def million():
    rng = np.random.default_rng(11)
    lon, lat = rng.uniform(73.0, 136.0, 4_000_000), rng.uniform(3.0, 54.0, 4_000_000)
    kept = china.in_china(lon, lat) & ~china.near_mask_edge(lon, lat)
    assert kept.sum() > 1_000_000
    return lon[kept][:1_000_000], lat[kept][:1_000_000]


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("gcj02", "GCJ-02"),
        ("火星坐标系", "GCJ-02"),
        ("\uff27CJ-02", "GCJ-02"),
        ("bd09ll", "BD-09"),
        ("百度坐标", "BD-09"),
        ("BD-09 Mercator", "BD-09MC"),
        ("百度墨卡托", "BD-09MC"),
        ("gcj02mc", "GCJ-02 Web Mercator"),
    ],
)
def test_many_spellings_have_one_name(spelling, name):
    assert crs.definition(spelling).name == name
    assert name in crs.definitions()


@pytest.mark.parametrize("code", OWN)
def test_a_million_positions_come_back_within_a_micrometre(code, million):
    lon, lat = million
    x, y = crs.transform(lon, lat, source=HUB, target=code)
    back = crs.transform(x, y, source=code, target=HUB)
    off = published.distance_m(*back, lon, lat)
    # Baidu's polynomials do not meet at the joints of their bands (crs.china.mercator): 3 mm at 15 and 30 degrees.
    shifted_lat = crs.transform(lon, lat, source=HUB, target="BD-09")[1]
    joint = np.abs(shifted_lat[:, None] - [15.0, 30.0, 45.0]).min(axis=1) < 2e-7
    assert off[~joint if code == "BD-09MC" else slice(None)].max() < 1e-6
    assert joint.sum() < 10


def test_a_million_positions_of_all_strips_come_back_within_a_micrometre(million):
    lon, lat = million
    for width, first in ((3, 4513), (6, 4491)):
        number = np.floor(lon / width + (0.5 if width == 3 else 1.0)).astype(int)
        for strip in np.unique(number):
            here = number == strip
            code = f"EPSG:{first + strip - (25 if width == 3 else 13)}"
            x, y = crs.transform(lon[here], lat[here], source="EPSG:4490", target=code, outside="nan")
            assert (np.floor(x[np.isfinite(x)] / 1e6) == strip).all()
            back = crs.transform(x, y, source=code, target="EPSG:4490")
            given = np.isfinite(x)
            assert given.mean() > 0.99 or lat[here][~given].max() < 16.6, "only the far south lies outside"
            assert published.distance_m(back[0][given], back[1][given], lon[here][given], lat[here][given]).max() < 1e-6


@pytest.mark.parametrize("code", OWN)
def test_east_stays_east_and_nothing_jumps(code):
    """Steps of 1 m along lines through China: each coordinate grows, by a metre within 2 %, and never jumps."""
    for lon_0, lat_0, along_lon in ((100.0, 34.0, True), (113.0, 24.0, False), (104.99, 31.0, True)):
        step = np.arange(50_000) * 1e-5
        lon = lon_0 + step if along_lon else np.full(step.shape, lon_0)
        lat = np.full(step.shape, lat_0) if along_lon else lat_0 + step
        x, y = crs.transform(lon, lat, source=HUB, target=code)
        moved = np.diff(x if along_lon else y)
        assert (moved > 0).all()
        back_lon, back_lat = crs.transform(x, y, source=code, target=HUB)
        walked = crs.geodesy.distances_m(back_lon[:-1], back_lat[:-1], back_lon[1:], back_lat[1:])
        truth = crs.geodesy.distances_m(lon[:-1], lat[:-1], lon[1:], lat[1:])
        assert np.abs(walked - truth).max() < 1e-6
        # The second differences are the jumps: below a millimetre (of the map, in the Mercators).
        assert np.abs(np.diff(moved)).max() * (1.0 if abs(x[0]) > 1000 else 111_320) < 1e-3


@pytest.mark.parametrize("place", [SEOUL, HANOI, ULAANBAATAR, (131.9, 43.1)])
@pytest.mark.parametrize("code", ["GCJ-02", "GCJ-02 Web Mercator"])
def test_cities_abroad_stay_put(code, place):
    x, y = crs.transform([place[0]], [place[1]], source=HUB, target=code)
    plain = crs.transform([place[0]], [place[1]], source=HUB, target="EPSG:3857" if "Mercator" in code else HUB)
    assert np.allclose((x, y), plain, rtol=1e-14, atol=1e-9)


def test_swapped_axes_are_refused_and_never_infinite():
    for code in OWN[:2]:
        with pytest.raises(crs.AreaOfUseError, match="order of the axes"):
            crs.transform([39.9], [116.4], source=code, target=HUB)
    for code in ["EPSG:4547", "EPSG:4490", *OWN]:
        x, y = crs.transform([2.49e6, 39.9, 1e300], [5.0e5, 116.4, -1e300], source=code, target=HUB, outside="nan")
        assert not np.isinf(x).any()
        assert not np.isinf(y).any()


def test_baidu_mercator_picks_the_band_of_every_row():
    lat = np.array([50.0, 40.0, 20.0, 18.3])
    lon = np.array([125.0, 116.0, 110.0, 109.5])
    x, y = crs.transform(lon, lat, source=HUB, target="BD-09MC")
    for order in (slice(None), slice(None, None, -1)):
        back = crs.transform(x[order], y[order], source="BD-09MC", target=HUB)
        assert published.distance_m(*back, lon[order], lat[order]).max() < 1e-6


def test_what_source_and_target_share_is_left_out():
    assert crs.operation("GCJ-02", "GCJ-02 Web Mercator").accuracy_m == 0.0
    assert crs.operation("BD-09", "BD-09MC").accuracy_m == 0.0
    assert crs.operation("BD-09MC", "GCJ-02").accuracy_m == 1.0
    assert "gcj02" not in crs.operation("BD-09MC", "GCJ-02").pipeline
    # At the very edge of the mask the way over WGS 84 would not come back; the short one does.
    x, y = crs.transform([DANDONG[0]], [DANDONG[1]], source="GCJ-02", target="BD-09")
    back = crs.transform(x, y, source="BD-09", target="GCJ-02")
    assert (back[0][0], back[1][0]) == pytest.approx(DANDONG, abs=1e-12)


def test_the_projection_is_what_follows_the_formula():
    lon, lat = (np.array([part]) for part in BEIJING)
    gcj = china.gcj02_from_wgs84(lon, lat)
    for code, expected in (
        ("GCJ-02", gcj),
        ("BD-09", china.bd09_from_gcj02(*gcj)),
        ("BD-09MC", china.bd09mc_from_bd09(*china.bd09_from_gcj02(*gcj))),
        ("GCJ-02 Web Mercator", china.webmercator_from_gcj02(*gcj)),
    ):
        assert np.array_equal(np.array(crs.transform(lon, lat, source=HUB, target=code)), np.array(expected))


# --- records ---------------------------------------------------------------------------------------------------------


def points(*places, **more):
    lon, lat = zip(*places, strict=True)
    spec = {"definition": "GCJ-02", "columns": ["x", "y"], **more}
    return fake.table(spec, [f"{value:.8f}" for value in lon], [f"{value:.8f}" for value in lat])


def test_accuracy_is_that_of_the_place_of_each_record():
    placed = crs.harmonise(points((121.5, 31.2), (104.06, 30.67), (91.1, 29.7), sigma_m=3.0)).coordinates
    expected = np.hypot(3.0, china.accuracy_m([121.5, 104.06, 91.1], [31.2, 30.67, 29.7]))
    assert placed.sigma_m == pytest.approx(expected, rel=1e-3)
    assert placed.sigma_m[2] > 10.0
    in_baidu = crs.harmonise(
        fake.table({"definition": "BD-09", "columns": ["x", "y"]}, ["121.50000000"], ["31.20000000"])
    )
    assert in_baidu.coordinates.sigma_m[0] == pytest.approx(np.hypot(1.19, 1.0), rel=1e-2)


def test_a_record_in_the_band_keeps_its_place_and_is_flagged():
    layer = crs.harmonise(points(BEIJING, DANDONG, SEOUL))
    assert layer.reasons.tolist() == [None, None, None]
    assert layer.coordinates.ambiguous.tolist() == [False, True, False]
    assert layer.coordinates.geometry[1] is not None
    # Its region of 95 % reaches the other reading, shifted or not.
    shift = published.distance_m(*published.gcj02_everywhere(*(np.array([p]) for p in DANDONG)), *DANDONG)
    assert crs.radius_95(layer.coordinates.sigma_m[1]) > shift
    assert crs.radius_95(layer.coordinates.sigma_m[0]) < 20


def test_the_flag_travels_with_the_layer_and_its_selections():
    places = [BEIJING, DANDONG, (500.0, 40.0)]
    made = layers.Layer.from_arrays("p", shapely.points(places), position="GCJ-02", columns={"n": [1, 2, 3]})
    placed = crs.harmonise(made)
    assert placed.coordinates.ambiguous.tolist() == [False, True]
    assert placed.select(np.array([False, True])).coordinates.ambiguous.tolist() == [True]
    assert placed.to_geopandas()["ambiguous"].tolist() == [False, True]
    assert len(placed.ledger.quarantined) == 1
    elsewhere = crs.harmonise(layers.Layer.from_arrays("q", shapely.points([BEIJING]), position=HUB))
    assert elsewhere.coordinates.ambiguous is None
    assert "ambiguous" not in elsewhere.to_geopandas()


def test_a_long_line_bends_with_the_shift():
    """A segment of 30 km would cut the corner by metres; a vertex each 500 m keeps it within centimetres."""
    line = shapely.LineString([(116.0, 39.9), (116.35, 39.9)])
    moved = crs.project(np.array([line]), source="GCJ-02", target=HUB)[0]
    along = np.linspace(116.0, 116.35, 3001)
    lon, lat = china.wgs84_from_gcj02(along, np.full(along.shape, 39.9))
    scale = np.array([np.cos(np.radians(39.9)), 1.0]) * 111_320
    local = shapely.LineString(shapely.get_coordinates(moved) * scale)
    off = shapely.distance(local, shapely.points(np.column_stack([lon, lat]) * scale))
    assert off.max() < 0.02
    straight = shapely.LineString(np.column_stack([lon, lat])[[0, -1]] * scale)
    assert shapely.distance(straight, shapely.points(np.column_stack([lon, lat]) * scale)).max() > 1.0


def test_lines_and_areas_keep_their_heights_and_get_their_worst_vertex():
    area = shapely.Polygon([(116.39, 39.90, 5), (116.392, 39.90, 6), (116.392, 39.902, 7)])
    crossing = shapely.LineString([(124.0, 40.5), DANDONG])
    layer = crs.harmonise(fake.shapes("GCJ-02", area, crossing, None))
    assert shapely.get_coordinates(layer.coordinates.geometry[0], include_z=True)[:, 2].tolist() == [5, 6, 7, 5]
    assert layer.coordinates.ambiguous.tolist() == [False, True, False]
    vertex = shapely.get_coordinates(layer.coordinates.geometry[0])[0]
    assert np.array_equal(vertex, np.array(china.wgs84_from_gcj02(116.39, 39.90)))
    assert layer.reasons[2].startswith("missing")


def test_a_raster_moves_by_its_corners_and_flags_its_pixels():
    lattice = crs.Lattice.from_affine((0.02, 0, 124.36, 0, -0.02, 40.9), (30, 2))
    layer = fake.FakeLayer("r", crs.definition("GCJ-02"), lattice)
    placed = crs.harmonise(layer).coordinates
    lon, lat = china.wgs84_from_gcj02(lattice.corner_x, lattice.corner_y)
    assert np.array_equal(placed.corner_x, lon)
    assert np.array_equal(placed.corner_y, lat)
    assert placed.ambiguous.shape == (30, 2)
    assert placed.ambiguous.any()
    assert not placed.ambiguous.all()


# --- the same numbers in pieces --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target"), [("GCJ-02", HUB), (HUB, "BD-09MC"), ("BD-09", "EPSG:4549"), (HUB, "EPSG:4549")]
)
def test_partitions_give_the_same_numbers_bit_for_bit(source, target):
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(118.5, 121.5, 150_001), rng.uniform(25.0, 35.0, 150_001)
    whole = crs.transform(lon, lat, source=source, target=target)
    cuts = [0, 1, 7, 65_536, 65_537, 100_003, 150_001]
    for axis in range(2):
        parts = [
            crs.transform(lon[a:b], lat[a:b], source=source, target=target)[axis] for a, b in itertools.pairwise(cuts)
        ]
        assert np.array_equal(np.concatenate(parts), whole[axis])


@pytest.mark.parametrize(("source", "target"), [("EPSG:4490", "EPSG:4549"), ("GCJ-02", HUB), ("BD-09", "EPSG:4549")])
def test_memory_stays_below_twice_the_arrays(source, target):
    rng = np.random.default_rng(6)
    lon, lat = rng.uniform(118.6, 121.4, 1_000_000), rng.uniform(25.0, 35.0, 1_000_000)
    crs.transform(lon[:10], lat[:10], source=source, target=target)
    tracemalloc.start()
    try:
        crs.transform(lon, lat, source=source, target=target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 2.0 * (lon.nbytes + lat.nbytes)


def test_tokens_tell_flags_apart():
    geometry = shapely.points([BEIJING])
    plain, flagged = (crs.Shapes(geometry, np.ones(1), flag) for flag in (None, np.array([True])))
    assert plain.__dask_tokenize__() != flagged.__dask_tokenize__()
    with pytest.raises(crs.LengthMismatchError, match="ambiguous has shape"):
        crs.Shapes(geometry, None, np.zeros(2, dtype=bool))


def test_no_other_program_is_told_a_frame_that_it_cannot_know():
    assert crs.definition("GCJ-02").portable_crs is None
    assert crs.definition("EPSG:4547").portable_crs == "EPSG:4547"
    made = layers.Layer.from_arrays("p", shapely.points([BEIJING]), position="GCJ-02")
    assert made.to_geopandas().crs is None
    assert crs.harmonise(made).to_geopandas().crs == "OGC:CRS84"


def test_a_file_that_declares_an_old_datum_takes_the_users_parameters(tmp_path):
    shift = {"parameters": [15.8, -154.4, -82.3], "accuracy_m": 5.0, "source": "survey office"}
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=shapely.points([(506_000.0, 2_494_000.0)]), crs="EPSG:2435")
    frame.to_file(tmp_path / "old.shp")
    with pytest.raises(crs.OperationRefusedError, match="shift:"):
        crs.harmonise(layers.read(tmp_path / "old.shp"))
    layer = layers.read(tmp_path / "old.shp", position={"definition": "EPSG:2435", "shift": shift})
    assert crs.harmonise(layer).geometry[0].x == pytest.approx(114.06, abs=0.01)
