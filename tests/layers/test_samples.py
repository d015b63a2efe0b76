"""Every raw file of the embedded city, against another reader."""

import csv
import gzip
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

import layers

RAW = Path(__file__).parents[2] / "data_samples" / "monaco" / "raw"
AT = {"definition": "EPSG:4326", "columns": ["longitude", "latitude"]}
POSITIONS = {
    "air_stations.csv": {**AT, "notation": "dms"},
    "probes.csv.gz": {**AT, "notation": "nmea", "columns": ["latitude", "ns", "longitude", "ew"], "axes": "lat,lon"},
    "detectors.csv.gz": {"along": "streets", "key": "street_id", "columns": ["street_id", "chainage_m"]},
    "old_sites_ntf.csv": {"definition": "EPSG:4807", "columns": ["longitude_paris_gr", "latitude_gr"]},
    "old_sites_lambert.csv": {"definition": "EPSG:27573", "columns": ["x_m", "y_m"]},
}


@pytest.mark.parametrize("name", sorted(POSITIONS))
def test_tables(name):
    opener = gzip.open if name.endswith(".gz") else open
    with opener(RAW / name, "rt", newline="") as file:
        header, *rows = csv.reader(file)
    layer = layers.read(RAW / name, position=POSITIONS[name])
    assert (
        layer.ledger.summary()
        == f"{name.split('.')[0]}: {len(rows):,} in = {len(rows):,} placed + 0 quarantined + 0 rejected"
    )
    for k, column in enumerate(header):
        ours = layer.column(column)
        if ours.dtype == object:
            assert ours.tolist() == [row[k] or None for row in rows]
        else:
            assert ours.tolist() == [float(row[k]) for row in rows]


@pytest.mark.parametrize(
    "name", ["land.geojson", "quarters.geojson", "stops.geojson", "land_use.gpkg", "population.gpkg", "streets.parquet"]
)
def test_vectors(name):
    layer = layers.read(RAW / name)
    frame = gpd.read_parquet(RAW / name) if name.endswith("parquet") else gpd.read_file(RAW / name)
    assert len(layer) == layer.ledger.records_in == len(frame)
    assert shapely.equals_exact(layer.geometry, np.asarray(frame.geometry.array)).all()
    for column in frame.columns.drop(frame.geometry.name):
        assert layer.table[column].isna().tolist() == frame[column].isna().tolist()
        assert layer.table[column].dropna().tolist() == frame[column].dropna().tolist()


def test_raster():
    layer = layers.read(RAW / "no2_background.tif")
    with rasterio.open(RAW / "no2_background.tif") as file:
        theirs = np.ma.filled(file.read(1, masked=True).astype(float), np.nan)
        bounds = file.bounds
    assert np.array_equal(layer.values, theirs, equal_nan=True)
    corners = layer.coordinates
    assert (corners.corner_x.min(), corners.corner_y.min()) == pytest.approx((bounds.left, bounds.bottom))


def test_buildings():
    document = json.loads((RAW / "buildings.city.json").read_text())
    layer = layers.read(RAW / "buildings.city.json")
    assert len(layer) == layer.ledger.records_in == len(document["CityObjects"])
    # The publisher states height and footprint of each block: what is measured from its surfaces must be that.
    assert layer.column("height_m") == pytest.approx(layer.column("height_m_published"), abs=0.06)
    assert shapely.area(layer.geometry) == pytest.approx(layer.column("footprint_m2"), rel=2e-3, abs=0.2)
    assert layer.column("volume_m3") == pytest.approx(layer.column("building_volume_m3"), rel=3e-3)
