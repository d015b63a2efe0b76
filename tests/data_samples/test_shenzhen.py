"""The second embedded city: what is published, that it says whose it is, and that its truth is true.

Positions are decoded here with pyproj and the reference formulas alone: these tests know nothing of the engine.
"""

import hashlib
import importlib
import importlib.util
import json
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
import yaml

from data_samples.shenzhen.make import frames, moved
from tests.reference import crs_china

CITY = Path(__file__).resolve().parents[2] / "data_samples" / "shenzhen"
RAW, TRUTH = CITY / "raw", CITY / "truth"
MANIFEST = yaml.safe_load((CITY / "city.yaml").read_text(encoding="utf-8"))
DATASETS = MANIFEST["datasets"]
GEOD = pyproj.Geod(ellps="WGS84")
# Towgs84 inside the definition takes another way through PROJ than the explicit pipeline of the script.
BEIJING_1954 = (
    "+proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +ellps=krass +towgs84=31.4,-144.3,-74.8,0,0,0.814,-0.38 +type=crs"
)
RECORDS = {
    "districts": 5, "streets": 19846, "routes": 9, "buildings": 4206, "building_register": 900,
    "detectors": 900 * 48, "incidents": 260, "vehicles": 9007, "taxis": 3608, "bus_stops": 420, "parking": 320,
    "shops_a": 1800, "shops_b": 1200, "air_stations": 24, "air_readings": 24 * 24, "tunnel_sensors": 16,
    "control_points": 5,
}  # fmt: skip


def truth(name: str) -> pd.DataFrame:
    return pd.read_parquet(TRUTH / f"{name}.parquet")


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(next(RAW.glob(f"{name}.csv*")))


def geometries(name: str) -> gpd.GeoDataFrame:
    path = next(path for path in RAW.glob(f"{name}.*") if path.suffix in {".parquet", ".geojson", ".shp"})
    return gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)


def middles(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = [g.interpolate(0.5, normalized=True) if g.geom_type == "LineString" else g.centroid for g in shapes]
    return shapely.get_x(points), shapely.get_y(points)


def from_bd09(lon, lat):
    """Invert the published formula by fixed point: it moves positions by what changes slowly."""
    glon, glat = lon, lat
    for _ in range(12):
        there = crs_china.bd09(glon, glat)
        glon, glat = glon + lon - there[0], glat + lat - there[1]
    return crs_china.wgs84_everywhere(glon, glat)


def lonlat(x, y, frame: str):
    return pyproj.Transformer.from_crs(frame, "EPSG:4326", always_xy=True).transform(x, y)


def error_m(lon, lat, name: str, rows=slice(None)) -> np.ndarray:
    true = truth(name).iloc[rows]
    assert len(lon) == len(true)
    return GEOD.inv(np.asarray(lon), np.asarray(lat), true["lon"].to_numpy(), true["lat"].to_numpy())[2]


# -- what there is ---------------------------------------------------------------------------------------------------


def test_every_file_has_its_truth_and_every_dataset_its_file():
    assert {path.stem for path in TRUTH.iterdir()} == set(RECORDS)
    assert {path.name.split(".")[0] for path in RAW.iterdir()} == set(RECORDS)
    assert {Path(d["path"]).name.split(".")[0] for d in DATASETS.values()} == set(RECORDS)
    west, south, east, north = MANIFEST["area"]
    for name, count in RECORDS.items():
        true = truth(name)
        assert list(true["row"]) == list(range(count)), name
        assert true["lon"].between(west, east).all(), name
        assert true["lat"].between(south, north).all(), name


def test_the_city_is_small():
    assert sum(path.stat().st_size for path in CITY.rglob("*") if path.is_file()) <= 8_000_000


def test_files_are_those_of_the_list_of_digests():
    listed = dict(reversed(line.split("  ")) for line in (CITY / "SHA256SUMS").read_text("utf-8").splitlines())
    found = {
        f"{folder.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (RAW, TRUTH)
        for path in folder.iterdir()
    }
    assert found == listed


@pytest.mark.parametrize("name", DATASETS)
def test_dataset_says_whose_it_is_and_that_it_is_not_shenzhen(name):
    dataset = DATASETS[name]
    assert dataset["licence"] == "ODbL-1.0"
    assert "© OpenStreetMap contributors" in dataset["attribution"]
    assert "moved" in dataset["attribution"]
    assert set(dataset["title"]) == {"en", "zh"}
    mapped = dataset["owner"] == "OpenStreetMap contributors"
    assert mapped or dataset["owner"].endswith("(fictitious)")
    assert dataset.get("modelled", False) is not mapped
    if mapped:
        assert "not Shenzhen" in dataset["title"]["en"]
        assert "非深圳" in dataset["title"]["zh"]
    else:
        for title in [dataset["title"], *(v["title"] for v in dataset.get("variables", {}).values())]:
            assert "(modelled)" in title["en"] or "drawn" in title["en"]
            assert "模拟" in title["zh"] or "示意" in title["zh"]


def test_readme_gives_the_counts():
    text = (CITY / "README.md").read_text(encoding="utf-8")
    for name, count in RECORDS.items():
        line = next(line for line in text.splitlines() if re.match(rf"\| `raw/{name}\.", line))
        assert f" {count:,} " in line.split("|")[2], line


# -- where the records truly are -------------------------------------------------------------------------------------


def test_a_move_keeps_lengths_angles_and_handedness():
    draw = np.random.default_rng(4)
    places = np.column_stack([draw.uniform(-71.35, -71.17, 400), draw.uniform(-30.07, -29.83, 400)])
    there = moved.STREETS(places)
    one, other = draw.integers(0, 400, (2, 2000))
    before = GEOD.inv(*places[one].T, *places[other].T)
    after = GEOD.inv(*there[one].T, *there[other].T)
    # 0.03 m: coordinates are written to 1e-7 degree, a centimetre at either end
    np.testing.assert_allclose(after[2], before[2], rtol=2e-6, atol=0.03)
    far = before[2] > 5000.0
    turned = (before[0] - after[0])[far] % 360.0  # azimuths run clockwise, the turn anticlockwise
    np.testing.assert_allclose(turned, 90.0, atol=0.2)  # meridians converge by 0.1 degree over 20 km


@pytest.mark.parametrize("name", ["streets", "routes", "districts"])
def test_shapes_in_degrees_lie_where_their_truth_says(name):
    frame = geometries(name)
    assert frame.crs.equals(pyproj.CRS("OGC:CRS84"), ignore_axis_order=True)
    assert frame.geometry.is_valid.all()
    assert error_m(*middles(frame.geometry), name).max() < 0.02


def test_buildings_have_the_zone_in_front_and_lie_where_their_truth_says():
    frame = geometries("buildings")
    assert frame.crs is None
    assert frame.geometry.is_valid.all()
    assert frame.total_bounds[[0, 2]] // 1e6 == pytest.approx([38, 38])
    placed = shapely.transform(
        frame.geometry.to_numpy(), lambda xy: np.column_stack(lonlat(xy[:, 0], xy[:, 1], "EPSG:4526"))
    )
    assert error_m(*middles(placed), "buildings").max() < 0.02
    assert frame["楼栋编号"].is_unique
    assert frame["建筑高度"].between(2, 200).all()


def test_no_two_buildings_overlap_and_none_stands_in_a_street():
    buildings = geometries("buildings").geometry.to_numpy()
    tree = shapely.STRtree(buildings)
    first, second = tree.query(buildings, predicate="overlaps")
    assert not len(first), (first[:5], second[:5])
    lines = geometries("streets").to_crs("EPSG:4547").translate(38_000_000.0, 0.0).to_numpy()
    assert not len(tree.query(lines, predicate="crosses")[0])


def test_every_building_is_one_of_monaco_unchanged():
    """Area and perimeter of every footprint are those of the building that it is a copy of."""
    city = json.loads((CITY.parent / "monaco" / "raw" / "buildings.city.json").read_text(encoding="utf-8"))
    corners = np.array(city["vertices"]) * city["transform"]["scale"]
    of = {name: item["geometry"][0]["boundaries"][0][0] for name, item in city["CityObjects"].items()}
    frame = geometries("buildings")
    for name, found in zip(frame["原形编号"], frame.geometry, strict=True):
        polygon = shapely.Polygon(corners[of[name][0], :2], [corners[ring, :2] for ring in of[name][1:]])
        # Both grids are true to scale within 1e-4 here; corners are in whole millimetres.
        assert found.area == pytest.approx(polygon.area, rel=4e-4)
        assert found.length == pytest.approx(polygon.length, rel=2e-4)


CASES = {  # columns x first, how they are decoded, planted sigma in metres
    "building_register": (["Y坐标", "X坐标"], lambda x, y: lonlat(x, y, "EPSG:4547"), 1.0),
    "vehicles": (["lon_1e6", "lat_1e6"], lambda x, y: (x / 1e6, y / 1e6), 5.0),
    "bus_stops": (["X", "Y"], crs_china.wgs84_everywhere, 4.0),
    "parking": (["纬度", "经度"], from_bd09, 5.0),
    "air_stations": (["Y", "X"], lambda x, y: lonlat(x, y, BEIJING_1954), 6.0),
    "tunnel_sensors": (["lon", "lat"], lambda x, y: (x, y), 3.0),
    "control_points": (["x", "y"], crs_china.wgs84_everywhere, 1.0),
}


@pytest.mark.parametrize("name", CASES)
def test_tables_lie_around_their_truth_as_their_sigma_says(name):
    columns, decode, sigma_m = CASES[name]
    x, y = table(name)[columns].to_numpy(dtype=float).T
    off = error_m(*decode(x, y), name)
    assert np.sqrt(np.mean(off**2) / 2.0) == pytest.approx(sigma_m, rel=0.25 if len(off) < 50 else 0.05)


@pytest.mark.parametrize(("name", "decode"), [("shops_a", crs_china.wgs84_everywhere), ("shops_b", from_bd09)])
def test_lists_of_shops_say_wgs84_and_are_not(name, decode):
    frame = geometries(name)
    assert frame.crs.equals(pyproj.CRS("OGC:CRS84"), ignore_axis_order=True)
    x, y = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    off = error_m(*decode(x, y), name)
    assert np.sqrt(np.mean(off**2) / 2.0) == pytest.approx(8.0, rel=0.05)
    assert error_m(x, y, name).min() > 300.0


def test_taxis_mix_two_definitions_by_their_source():
    taxis, true = table("taxis"), truth("taxis")
    shifted = taxis["来源"].isin(["手机导航", "地图平台"]).to_numpy()
    assert (true["definition"].to_numpy() == np.where(shifted, "GCJ-02", "OGC:CRS84")).all()
    assert 0.3 < shifted.mean() < 0.7
    x, y = taxis[["经度", "纬度"]].to_numpy().T
    glon, glat = crs_china.wgs84_everywhere(x, y)
    off = error_m(np.where(shifted, glon, x), np.where(shifted, glat, y), "taxis")
    assert np.sqrt(np.mean(off**2) / 2.0) == pytest.approx(5.0, rel=0.05)


def test_detectors_and_incidents_lie_on_their_streets():
    lines = {"detectors": ("路段编号", "streets", "link_id", 4.0), "incidents": ("路线编号", "routes", "route", 29.0)}
    for name, (column, reference, key, sigma_m) in lines.items():
        rows, shapes = table(name), geometries(reference).set_index(key)
        metre = rows["桩号"].str.extract(r"^K(\d+)\+(\d{3})$").astype(float) @ [1000.0, 1.0]
        start = rows[column].map(shapes["from_m"]) if "from_m" in shapes else 0.0
        metric = shapes.to_crs("EPSG:4547").geometry
        on = shapely.line_interpolate_point(metric.loc[rows[column]].to_numpy(), (metre - start).to_numpy())
        off = error_m(*lonlat(shapely.get_x(on), shapely.get_y(on), "EPSG:4547"), name)
        assert off.max() < (4.5 * sigma_m if name == "detectors" else 51.0)


def test_readings_are_of_registered_stations():
    assert set(table("air_readings")["站点编号"]) == set(table("air_stations")["站点编号"])


# -- made again ------------------------------------------------------------------------------------------------------


def test_formulas_of_the_script_are_those_of_the_reference():
    draw = np.random.default_rng(9)
    lon, lat = draw.uniform(113.8, 114.3, 300), draw.uniform(22.4, 22.8, 300)
    glon, glat = crs_china.gcj02_everywhere(lon, lat)
    np.testing.assert_allclose(frames.to_frame(lon, lat, "GCJ-02"), (glon, glat), rtol=0, atol=1e-11)
    np.testing.assert_allclose(frames.to_frame(lon, lat, "BD-09"), crs_china.bd09(glon, glat), rtol=0, atol=1e-11)


@pytest.mark.skipif(importlib.util.find_spec("aequilibrae") is None, reason="the extra 'samples' is not installed")
def test_the_whole_city_comes_out_the_same_when_made_again(tmp_path):
    city = importlib.import_module("data_samples.shenzhen.make.city")
    city.make_city(None, tmp_path)
    assert (tmp_path / "SHA256SUMS").read_text() == (CITY / "SHA256SUMS").read_text()
