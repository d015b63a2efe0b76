"""The embedded city: what is published, that it says whose it is, and that its truth is true.

Positions are decoded here with plain Python and pyproj alone: these tests know nothing of the engine.
"""

import hashlib
import json
import os
import re
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely
import yaml

from data_samples.monaco.make import society, write
from data_samples.monaco.make.sample import planted_noise, rng

CITY = Path(__file__).resolve().parents[2] / "data_samples" / "monaco"
RAW, TRUTH = CITY / "raw", CITY / "truth"
MANIFEST = yaml.safe_load((CITY / "city.yaml").read_text(encoding="utf-8"))
DATASETS = MANIFEST["datasets"]
RECORDS = {
    "land": 1, "quarters": 9, "streets": 2829, "buildings": 1283, "stops": 208, "land_use": 281, "detectors": 240 * 288,
    "probes": 12065, "air_stations": 12 * 24, "no2_background": 17653, "population": 227, "old_sites_ntf": 64,
    "old_sites_lambert": 48,
}  # fmt: skip
GEOD = pyproj.Geod(ellps="WGS84")
# Towgs84 inside the definition takes another way through PROJ than the explicit pipelines of the script.
NTF = "+a=6378249.2 +b=6356515 +towgs84=-168,-60,320 +pm=2.33722917"
NTF_PARIS = f"+proj=longlat {NTF} +no_defs +type=crs"
LAMBERT_III = f"+proj=lcc +lat_1=44.1 +lat_0=44.1 +lon_0=0 +k_0=0.999877499 +x_0=600000 +y_0=3200000 {NTF} +type=crs"


def truth(name: str) -> pd.DataFrame:
    return pd.read_parquet(TRUTH / f"{name}.parquet")


def lonlat(x, y, frame: str):
    return pyproj.Transformer.from_crs(frame, "EPSG:4326", always_xy=True).transform(x, y)


def error_m(lon, lat, name: str) -> np.ndarray:
    true = truth(name)
    assert len(lon) == len(true)
    return GEOD.inv(lon, lat, true["lon"].to_numpy(), true["lat"].to_numpy())[2]


def table(name: str, **options) -> pd.DataFrame:
    return pd.read_csv(RAW / Path(DATASETS[name]["path"]).name, **options)


# -- what there is ---------------------------------------------------------------------------------------------------


def test_every_dataset_of_the_manifest_has_its_file_and_its_truth():
    assert set(DATASETS) == set(RECORDS)
    assert {Path(d["path"]).name for d in DATASETS.values()} == {path.name for path in RAW.iterdir()}
    for name, count in RECORDS.items():
        true = truth(name)
        assert list(true["row"]) == list(range(count)), name
        west, south, east, north = MANIFEST["area"]
        assert true["lon"].between(west, east).all(), name
        assert true["lat"].between(south, north).all(), name


def test_the_city_is_small():
    assert sum(path.stat().st_size for path in CITY.rglob("*") if path.is_file()) < 10_000_000


def test_files_are_those_of_the_list_of_digests():
    listed = dict(reversed(line.split("  ")) for line in (CITY / "SHA256SUMS").read_text("utf-8").splitlines())
    found = {
        f"{folder.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (RAW, TRUTH)
        for path in folder.iterdir()
    }
    assert found == listed


@pytest.mark.parametrize("name", DATASETS)
def test_dataset_says_whose_it_is(name):
    dataset = DATASETS[name]
    assert dataset["licence"] == "ODbL-1.0"
    assert dataset["level"] in {"public", "internal", "sensitive", "core"}
    assert set(dataset["title"]) == {"en", "zh"}
    mapped = dataset["owner"] == "OpenStreetMap contributors"
    assert mapped or dataset["owner"].endswith("(fictitious)")
    assert dataset.get("modelled", False) is not mapped
    assert ("OpenStreetMap contributors" in dataset["attribution"]) or name.startswith("old_sites")


def test_whatever_is_modelled_says_so_in_both_languages():
    modelled = {name: d for name, d in DATASETS.items() if d.get("modelled")}
    assert len(modelled) == 7
    for name, dataset in modelled.items():
        for title in [dataset["title"], *(v["title"] for v in dataset.get("variables", {}).values())]:
            assert "(modelled)" in title["en"], name
            assert "模拟" in title["zh"], name


# -- where the records truly are -------------------------------------------------------------------------------------


def middles(geometry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = [g.interpolate(0.5, normalized=True) if g.geom_type == "LineString" else g.centroid for g in geometry]
    return shapely.get_x(points), shapely.get_y(points)


@pytest.mark.parametrize("name", ["streets", "stops", "quarters", "land", "land_use", "population"])
def test_mapped_and_gridded_layers_lie_where_their_truth_says(name):
    path = RAW / Path(DATASETS[name]["path"]).name
    frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    assert frame.geometry.is_valid.all()
    declared = DATASETS[name]["position"]
    assert frame.crs.equals(pyproj.CRS(declared), ignore_axis_order=True)
    geometry = shapely.transform(
        frame.geometry.to_numpy(), lambda c: np.column_stack(lonlat(c[:, 0], c[:, 1], declared))
    )
    assert error_m(*middles(geometry), name).max() < 0.02


def test_streets_tell_what_traffic_needs():
    streets = gpd.read_parquet(RAW / "streets.parquet")
    assert streets["street_id"].is_unique
    assert streets.loc[streets["motor"], "speed_limit_kmh"].between(5, 130).all()
    assert streets.loc[~streets["motor"] & streets["speed_limit_source"].isna(), "speed_limit_kmh"].isna().all()
    lengths = np.array([GEOD.geometry_length(line) for line in streets.geometry])
    np.testing.assert_allclose(streets["length_m"], lengths, atol=0.006)


def test_quarters_make_up_the_country():
    quarters = gpd.read_file(RAW / "quarters.geojson").to_crs("EPSG:3944")
    assert quarters.union_all().area == pytest.approx(2.08e6, rel=0.01)  # the country's own figure is 2.08 km²
    assert quarters.area.sum() == pytest.approx(quarters.union_all().area, rel=1e-3)


@pytest.fixture(scope="module")
def cityjson() -> dict:
    return json.loads((RAW / "buildings.city.json").read_text(encoding="utf-8"))


def test_buildings_stand_where_their_truth_says(cityjson):
    assert cityjson["metadata"]["referenceSystem"].endswith("/EPSG/0/3944")
    step, origin = np.array(cityjson["transform"]["scale"]), np.array(cityjson["transform"]["translate"])
    corners = np.array(cityjson["vertices"]) * step + origin
    lon, lat = lonlat(corners[:, 0], corners[:, 1], "EPSG:3944")
    plan = np.column_stack([lon, lat])
    roofs = [b["geometry"][0]["boundaries"][0][1] for b in cityjson["CityObjects"].values()]
    polygons = np.array([shapely.Polygon(plan[ring[0]], [plan[hole] for hole in ring[1:]]) for ring in roofs])
    assert error_m(*middles(polygons), "buildings").max() < 0.02
    assert sum(len(ring) > 1 for ring in roofs) == 26  # courtyards


def test_heights_of_buildings_follow_their_source(cityjson):
    rows = pd.DataFrame([b["attributes"] for b in cityjson["CityObjects"].values()])
    assert rows["height_source"].value_counts().to_dict() == {"modelled": 812, "levels \u00d7 3.2 m": 432, "tag": 39}
    by_levels = rows[rows["height_source"] != "tag"]
    np.testing.assert_allclose(by_levels["height_m"], by_levels["levels"] * 3.2, atol=0.006)
    assert rows["height_m"].between(2, 250).all()
    np.testing.assert_allclose(rows["building_volume_m3"], rows["footprint_m2"] * rows["height_m"], rtol=0.02)


def test_every_building_is_a_closed_solid_seen_from_outside(cityjson):
    corners = np.array(cityjson["vertices"]) * 0.001
    for name, building in cityjson["CityObjects"].items():
        shell = building["geometry"][0]["boundaries"][0]
        edges = [(a, b) for face in shell for ring in face for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
        assert len(set(edges)) == len(edges), name
        assert {(b, a) for a, b in edges} == set(edges), name
        origin = corners[shell[0][0][0]]
        volume = sum(_fan(corners[ring] - origin) for face in shell for ring in face)
        assert volume == pytest.approx(building["attributes"]["building_volume_m3"], rel=5e-3), name


def _fan(points: np.ndarray) -> float:
    """Signed volume of the pyramid from the origin to a face."""
    return float((np.cross(points[1:-1], points[2:]) @ points[0]).sum() / 6.0)


def test_raster_pixels_lie_where_their_truth_says():
    with rasterio.open(RAW / "no2_background.tif") as source:
        assert source.crs.to_epsg() == 32632
        assert source.dtypes == ("float32",)
        values = source.read(1, masked=True)
        row, column = np.nonzero(~values.mask)
        x, y = rasterio.transform.xy(source.transform, row, column)
    assert error_m(*lonlat(np.array(x), np.array(y), "EPSG:32632"), "no2_background").max() < 0.02
    assert 5 < values.min() < values.mean() < values.max() < 80


def nmea(text: pd.Series, width: int) -> np.ndarray:
    assert text.str.fullmatch(rf"\d{{{width + 2}}}\.\d{{4}}").all()
    return text.str[:width].astype(float).to_numpy() + text.str[width:].astype(float).to_numpy() / 60.0


def dms(text: pd.Series) -> np.ndarray:
    parts = text.str.extract(r"^(\d+)°(\d{2})'(\d{2}\.\d)\"[NE]$").astype(float).to_numpy()
    return parts @ [1.0, 1 / 60, 1 / 3600]


def along(streets: dict, street_id: str, metre: float) -> tuple[float, float]:
    left = metre
    coords = streets[street_id]
    for (x0, y0), (x1, y1) in pairwise(coords):
        azimuth, _, length = GEOD.inv(x0, y0, x1, y1)
        if left <= length:
            return GEOD.fwd(x0, y0, azimuth, left)[:2]
        left -= length
    raise AssertionError(f"{street_id} ends {left} m before the detector")


def decoded(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "probes":
        rows = table(name, dtype=str)
        assert (rows["ns"] == "N").all()
        assert (rows["ew"] == "E").all()
        return nmea(rows["longitude"], 3), nmea(rows["latitude"], 2)
    if name == "air_stations":
        rows = table(name)
        return dms(rows["longitude"]), dms(rows["latitude"])
    if name == "old_sites_ntf":
        rows = table(name)
        return lonlat(rows["longitude_paris_gr"] * 0.9, rows["latitude_gr"] * 0.9, NTF_PARIS)
    if name == "old_sites_lambert":
        rows = table(name)
        return lonlat(rows["x_m"], rows["y_m"], LAMBERT_III)
    rows = table(name)
    streets = gpd.read_parquet(RAW / "streets.parquet").set_index("street_id").geometry
    lines = {key: list(line.coords) for key, line in streets.items()}
    sites = rows.drop_duplicates("detector_id")
    places = {site.detector_id: along(lines, site.street_id, site.chainage_m) for site in sites.itertuples()}
    both = np.array([places[detector] for detector in rows["detector_id"]])
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize("name", ["detectors", "probes", "air_stations", "old_sites_ntf", "old_sites_lambert"])
def test_noise_is_planted_as_stated(name):
    error = error_m(*decoded(name), name)
    sigma = DATASETS[name]["position"]["sigma_m"]
    assert error.max() < 5.0 * sigma
    assert error.max() > 1.5 * sigma  # there is noise at all
    inside = (error <= 2.447747 * sigma).mean()
    assert 0.93 <= inside <= (0.97 if len(error) >= 1000 else 1.0)


@pytest.mark.parametrize("count", [12, 240, 5000])
def test_planted_noise_has_the_stated_spread_on_each_axis(count):
    draws = [planted_noise(count, 4.0, np.random.default_rng(seed)) for seed in range(60_000 // count)]
    east, north = np.hstack(draws)
    assert np.std(east) == pytest.approx(4.0, rel=0.02)
    assert np.std(north) == pytest.approx(4.0, rel=0.02)
    assert abs(np.corrcoef(east, north)[0, 1]) < 0.02


# -- what is measured there ------------------------------------------------------------------------------------------


def test_detectors_report_every_five_minutes_of_the_day_and_see_the_peaks():
    rows = table("detectors")
    assert not rows.isna().any().any()
    assert rows["detector_id"].nunique() == 240
    assert (rows.groupby("detector_id")["time"].nunique() == 288).all()
    assert rows["chainage_m"].astype(str).str.fullmatch(r"\d+\.\d").all()
    hour = pd.to_datetime(rows["time"]).dt.hour
    ratio = rows["speed_kmh"] / rows.groupby("detector_id")["speed_kmh"].transform(lambda v: v.quantile(0.85))
    assert ratio[hour == 8].quantile(0.1) < 0.6
    assert ratio[hour == 3].quantile(0.1) > 0.9
    assert rows.loc[hour == 8, "flow_veh_h"].mean() > 5 * rows.loc[hour == 3, "flow_veh_h"].mean()


def test_speeds_follow_the_flow():
    rows = table("detectors")
    linked = rows.groupby("detector_id")[["flow_veh_h", "speed_kmh"]].corr(method="spearman").xs("flow_veh_h", level=1)
    assert linked["speed_kmh"].median() < -0.2


def test_probes_drive_on_streets_at_the_speed_they_report():
    rows, true = table("probes"), truth("probes")
    times = pd.to_datetime(rows["time"])
    assert str(times.dt.tz) == "UTC"
    local = times.dt.tz_convert("Europe/Monaco")
    assert (local.dt.date.astype(str) == "2026-06-16").all()
    frame = true.assign(vehicle=rows["vehicle_id"], time=times, speed=rows["probe_speed_kmh"])
    frame = frame.sort_values(["vehicle", "time"], kind="stable")
    gap = frame.groupby("vehicle")["time"].diff().dt.total_seconds().to_numpy()
    step = GEOD.inv(*frame[["lon", "lat"]].shift().bfill().to_numpy().T, *frame[["lon", "lat"]].to_numpy().T)[2]
    driving = (gap >= 4) & (gap <= 6)
    assert driving.mean() > 0.9
    ratio = step[driving] / 5.0 * 3.6 / frame["speed"].to_numpy()[driving]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)


def test_stations_measure_every_hour():
    rows = table("air_stations")
    assert (rows.groupby("station_id")["time"].nunique() == 24).all()
    assert rows.groupby("station_id")[["latitude", "longitude"]].nunique().eq(1).all().all()
    assert rows["no2"].between(3, 150).all()
    assert rows["pm25"].between(3, 60).all()


def test_population_is_whole_and_sums_to_what_is_stated():
    squares = gpd.read_file(RAW / "population.gpkg")
    assert squares["population"].sum() == society.POPULATION
    assert f"{society.POPULATION:,}" in (CITY / "README.md").read_text(encoding="utf-8")
    assert np.allclose(squares.area, 10_000.0)
    corner = squares["square_id"].str.extract(r"N(\d+)E(\d+)$").astype(float)
    np.testing.assert_array_equal(squares.bounds[["miny", "minx"]], corner)


# -- made again ------------------------------------------------------------------------------------------------------


OLD_SITES = [("old_sites_ntf", "EPSG:4807", 4), ("old_sites_lambert", "EPSG:27573", 5)]


@pytest.mark.parametrize(("name", "frame", "part"), OLD_SITES)
def test_old_sites_come_out_the_same_when_made_again(name, frame, part, tmp_path):
    quarters = gpd.read_file(RAW / "quarters.geojson")
    sample = society.old_sites(quarters, frame, rng(part))
    write.csv(sample.table, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text() == (RAW / f"{name}.csv").read_text()
    np.testing.assert_allclose(sample.lon, truth(name)["lon"], atol=6e-8)


def test_the_whole_city_comes_out_the_same_when_made_again(tmp_path):
    city = pytest.importorskip("data_samples.monaco.make.city", reason="the extra 'samples' is not installed")
    extract = os.environ.get("TWIN_MONACO_EXTRACT")
    if not extract:
        pytest.skip("TWIN_MONACO_EXTRACT does not name quackosm-0.19.0.tar.gz or its monaco.osm.pbf")
    city.make_city(Path(extract), tmp_path)
    assert (tmp_path / "SHA256SUMS").read_text() == (CITY / "SHA256SUMS").read_text()


def test_readme_gives_the_counts():
    text = (CITY / "README.md").read_text(encoding="utf-8")
    for name in set(RECORDS) - {"land"}:
        line = next(line for line in text.splitlines() if re.match(rf"\| `raw/{name}\.", line))
        assert f" {RECORDS[name]:,} " in line.split("|")[2], line
