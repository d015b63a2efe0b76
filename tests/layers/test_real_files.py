"""The real files of New York and of further formats, where the folders are: counts as their publishers state them."""

import csv
import gzip
import json
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely

import layers

pytestmark = pytest.mark.timeout(300)

REGISTER = {"register": "sites", "key": "id"}
LINKS = {"definition": "EPSG:4326", "notation": "polyline", "columns": ["link_points"]}
FEET = {"definition": "EPSG:2263", "columns": ["xcoordinat", "ycoordinat"]}
TABLES = {
    "cim/bin-to-bbl.csv.gz": {**REGISTER, "columns": ["bin"]},
    "environment/NYC_Hourly_Monitoring_2019_2025.csv.gz": {**REGISTER, "columns": ["SiteID"]},
    "environment/Sites_in_history.csv": FEET,
    "environment/nyccas-sites.csv": FEET,
    "environment/sites.csv": {"definition": "EPSG:4326", "columns": ["lon", "lat"]},
    "transport/Vehicle_Classification_Counts__2011-2024__20250606.csv.gz": {**REGISTER, "columns": ["SegmentID"]},
    "transport/dot_speeds_10000.csv.gz": LINKS,
    "transport/dot_speeds_1000_08-38-f.csv.gz": LINKS,
    "transport/dot_speeds_1000_f1.csv.gz": LINKS,
    "transport/dot_speeds_2000_3-19-f.csv.gz": LINKS,
    "transport/zone_vehicle_entries.csv.gz": {**REGISTER, "columns": ["detection_group"]},
}
RASTERS = ("nyccas_no22009", "nyccas_no22013", "nyccas_noAA12final", "nyccas_pmaa11")
STREETS = [f"transport/osm_streets_{name}.geojson.gz" for name in ("bronx", "brooklyn", "manhattan", "staten_island")]
ZONES = [f"zones/{name}.shp" for name in ("UHF_42_DOHMH", "nybb", "nycd", "nyct2010", "nynta2020", "taxi_zones")]
VECTORS = [*STREETS, "transport/deckgl_roads.json.gz", "transport/highways.gpkg", *ZONES]


@pytest.fixture(scope="session")
def stated(nyc):
    """Records of each file as the folder's manifest states them."""
    with (nyc / "MANIFEST.csv").open(newline="") as file:
        return {row["path"]: int(row["records"]) for row in csv.DictReader(file) if row["records"]}


@pytest.mark.nyc
@pytest.mark.parametrize("path", TABLES)
def test_new_york_tables_lose_no_row(nyc, stated, path):
    layer = layers.read(nyc / path, position=TABLES[path])
    assert layer.ledger.records_in == layer.ledger.placed == stated[path]
    if stated[path] < 50_000:
        opener = gzip.open if path.endswith(".gz") else open
        with opener(nyc / path, "rt", newline="", encoding="utf-8-sig") as file:
            header, *rows = csv.reader(file)
        header = [name or f"column_{i}" for i, name in enumerate(header, start=1)]
        for name in layer.table.columns:
            ours = layer.column(name)
            texts = [row[header.index(name)] for row in rows]
            if ours.dtype == object:
                assert ours.tolist() == [text if text.strip() else None for text in texts]
            else:
                assert np.array_equal(
                    ours.astype(float), [float(t) if t.strip() else np.nan for t in texts], equal_nan=True
                )


@pytest.mark.nyc
@pytest.mark.parametrize("path", VECTORS)
def test_new_york_vectors_equal_another_reader(nyc, stated, path):
    layer = layers.read(nyc / path)
    source = f"/vsigzip/{nyc / path}" if path.endswith(".gz") else str(nyc / path)
    _, _, wkb, _ = pyogrio.raw.read(source)
    theirs = shapely.from_wkb(wkb)
    assert layer.ledger.records_in == stated.get(path.replace(".shp", ".dbf"), stated.get(path)) == len(theirs)
    assert shapely.equals_exact(layer.geometry, theirs[layer.column("row")]).all()
    # What is set aside is invalid to the other reader, too.
    aside = layer.ledger.quarantined["row"].to_numpy(dtype=int)
    assert not (shapely.is_valid(theirs[aside]) & (shapely.length(theirs[aside]) > 0)).any()
    assert layer.position.name == ("EPSG:2263" if "zones" in path else "EPSG:4326" if "gpkg" in path else "OGC:CRS84")


@pytest.mark.nyc
@pytest.mark.parametrize("name", RASTERS)
def test_new_york_rasters_equal_rasterio(nyc, stated, name):
    path = f"environment/{name}.tif"
    layer = layers.read(nyc / path)
    with rasterio.open(nyc / path) as file:
        theirs = np.ma.filled(file.read(1, masked=True).astype(float), np.nan)
        bounds = file.bounds
    assert len(layer) == layer.ledger.records_in == stated[path]
    assert np.array_equal(layer.values, theirs, equal_nan=True)
    corners = layer.coordinates
    assert (corners.corner_x[-1, -1], corners.corner_y[-1, -1]) == pytest.approx((bounds.right, bounds.bottom))


@pytest.mark.nyc
def test_new_york_buildings_all_of_them(nyc, stated):
    paths = [f"cim/buildings_DA{i}.city.jsonl.gz" for i in range(1, 6)]
    options = layers.ReadOptions(height_unit="us_survey_foot")
    layer = layers.read([nyc / path for path in paths], position="EPSG:2263", name="buildings", options=options)
    assert list(layer.ledger.sources.values()) == [stated[path] for path in paths]
    assert layer.ledger.records_in == 114_421
    # Two of them are a single wall each; everything else stands.
    assert layer.ledger.reasons().to_numpy().tolist() == [["quarantined", "no_footprint", 2]]
    assert len(np.unique(layer.column("BIN"))) in {108_207, 108_208}
    assert shapely.is_valid(layer.geometry).all()
    heights = layer.column("height_m")
    assert (heights.min() > 0, heights.max() < 150) == (True, True)
    assert layer.position.vertical == "unresolved"


@pytest.mark.nyc
def test_new_york_link_speeds_of_three_days_are_one_layer(nyc, stated):
    """One of the three files carries two more columns, without a name and with a single "#N/A" between them."""
    paths = [f"transport/dot_speeds_{name}.csv.gz" for name in ("10000", "2000_3-19-f", "1000_08-38-f")]
    fields = {"status": layers.Field(min=0, max=0)}
    layer = layers.read([nyc / path for path in paths], position=LINKS, options=layers.ReadOptions(fields=fields))
    assert layer.ledger.records_in == sum(stated[path] for path in paths)
    assert layer.ledger.reasons().to_numpy().tolist() == [["quarantined", "out_of_range", 140]]


@pytest.mark.nyc
def test_new_york_other_files(nyc):
    footprints = layers.read(
        nyc / "cim/footprints_sample_500.csv", position="EPSG:4326", options=layers.ReadOptions(geometry="the_geom")
    )
    assert footprints.ledger.records_in == len(footprints) == 499
    blocks = layers.read(
        nyc / "cim/lower_manhattan_buildings.json", position="OGC:CRS84", options=layers.ReadOptions(geometry="polygon")
    )
    assert blocks.ledger.records_in == 999
    assert set(blocks.ledger.reasons()["reason"]) == {"invalid_geometry"}


@pytest.mark.nyc
def test_new_york_hours_that_did_not_exist_are_quarantined(nyc):
    """The entries are tagged UTC but local, so the hour of 2025-03-09 that clocks skipped is filled with zeros."""
    path = nyc / "transport/zone_vehicle_entries.csv.gz"
    clock = layers.TimeColumn(column="toll_10min_block", zone="America/New_York")
    layer = layers.read(
        path, position=TABLES["transport/zone_vehicle_entries.csv.gz"], options=layers.ReadOptions(time=clock)
    )
    raw = pd.read_csv(path, usecols=["toll_10min_block", "crz_entries"])
    skipped = raw["toll_10min_block"].str.startswith("2025-03-09 02:")
    assert layer.ledger.quarantined["row"].tolist() == np.flatnonzero(skipped).tolist()
    assert set(layer.ledger.quarantined["crz_entries"]) == {"0"}
    assert layer.ledger.records_in == 1_451_520


@pytest.mark.nyc
def test_new_york_times_without_a_date_are_refused_or_dated(nyc):
    path = nyc / "transport/dot_speeds_1000_f1.csv.gz"
    bare = layers.TimeColumn(column="data_as_of", zone="America/New_York")
    assert len(layers.read(path, position=LINKS, options=layers.ReadOptions(time=bare))) == 0
    dated = layers.TimeColumn(column="data_as_of", zone="America/New_York", date="2019-02-16", format="%I:%M:%S %p")
    layer = layers.read(path, position=LINKS, options=layers.ReadOptions(time=dated))
    assert len(layer) == 860
    assert layer.column("time").max() == np.datetime64("2019-02-16T16:38:12")


# In a process of its own: importing cjio changes how json writes numbers, everywhere and for good.
ASK_CJIO = """
import json, sys
from cjio.cityjson import CityJSON
model = CityJSON(file=open(sys.argv[1], encoding="utf-8"))
boxes = {name: model.get_subset_ids([name]).calculate_bbox() for name in sys.argv[2:]}
json.dump({"count": model.number_city_objects_level1(), "boxes": boxes}, sys.stdout)
"""


def test_the_hague_measures_as_another_program_does(formats, tmp_path):
    with zipfile.ZipFile(formats / "cityjson" / "DenHaag_01.city.json.zip") as archive:
        archive.extractall(tmp_path)
    path = tmp_path / "DenHaag_01.city.json"
    layer = layers.read(path)
    packed = layers.read(formats / "cityjson" / "DenHaag_01.city.json.zip")
    assert shapely.equals_exact(packed.geometry, layer.geometry).all()
    assert layer.ledger.records_in == len(layer) == 845
    assert (layer.column("object_type") == "Building").sum() == 844
    assert layer.position.crs == "EPSG:28992"
    asked = list(zip(layer.column("id"), layer.column("height_m"), layer.geometry, strict=True))[:100]
    command = [sys.executable, "-c", ASK_CJIO, str(path), *(name for name, _, _ in asked)]
    theirs = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert theirs["count"] == 845
    for name, high, shape in asked:
        box = theirs["boxes"][name]
        assert high == pytest.approx(box[5] - box[2], abs=2e-3)
        assert shape.bounds == pytest.approx((box[0], box[1], box[3], box[4]), abs=0.3)


def test_porto_alegre_elevation_equals_rasterio(formats):
    path = formats / "raster" / "poa_elevation.tif"
    layer = layers.read(path)
    with rasterio.open(path) as file:
        assert np.array_equal(
            layer.values, np.ma.filled(file.read(1, masked=True).astype(float), np.nan), equal_nan=True
        )


@pytest.mark.parametrize("name", ["shenzhen_districts_a.json", "shenzhen_districts_b.geojson"])
def test_shenzhen_is_read_as_another_reader_reads_it(formats, name):
    layer = layers.read(formats / "zones" / name)
    theirs = pyogrio.read_dataframe(formats / "zones" / name)
    assert layer.ledger.records_in == len(theirs)
    rows = layer.column("row")
    assert shapely.equals_exact(layer.geometry, np.asarray(theirs.geometry.array)[rows]).all()


def test_porto_alegre_points(formats):
    path = formats / "transport" / "poa_points_of_interest.csv"
    layer = layers.read(path, position={"definition": "EPSG:4326", "columns": ["lon", "lat"]})
    assert len(layer) == layer.ledger.records_in == len(pd.read_csv(path))
