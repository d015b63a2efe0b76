"""Positions that were published in two ways, and the kept truth of the embedded city."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

import crs
from tests.reference.crs_layers import shapes, table

MONACO = Path(__file__).parents[2] / "data_samples" / "monaco"
NYC = os.environ.get("TWIN_NYC_DATA")


def read_columns(path, *names):
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    return [[row[name] for row in rows] for name in names]


NTF = {"definition": "EPSG:4807", "axes": "lat,lon", "columns": ["latitude_gr", "longitude_paris_gr"], "sigma_m": 10}
LAMBERT = {"definition": "EPSG:27573", "columns": ["x_m", "y_m"], "sigma_m": 10}
DMS = {"definition": "EPSG:4326", "notation": "dms", "axes": "lat,lon", "columns": ["latitude", "longitude"]}
NMEA = {"definition": "EPSG:4326", "notation": "nmea", "axes": "lat,lon"}


@pytest.mark.parametrize(
    ("file", "spec"),
    [
        ("old_sites_ntf.csv", NTF),
        ("old_sites_lambert.csv", LAMBERT),
        ("air_stations.csv", DMS | {"sigma_m": 5}),
        ("probes.csv.gz", NMEA | {"columns": ["latitude", "ns", "longitude", "ew"], "sigma_m": 5}),
    ],
)
def test_the_embedded_city_comes_out_where_it_truly_is(file, spec):
    done = crs.harmonise(table(spec, *read_columns(MONACO / "raw" / file, *spec["columns"])))
    truth = pd.read_parquet(MONACO / "truth" / f"{file.partition('.')[0]}.parquet")
    assert done.reasons.tolist() == [None] * len(truth)
    lon, lat = shapely.get_coordinates(done.coordinates.geometry).T
    off_m = crs.geodesy.distances_m(truth["lon"], truth["lat"], lon, lat)
    held = np.mean(off_m <= crs.radius_95(done.coordinates.sigma_m))
    assert held >= 0.93
    if len(truth) >= 1000:
        assert held <= 0.97


def test_the_embedded_citys_detectors_stand_on_their_streets():
    streets = pd.read_parquet(MONACO / "raw" / "streets.parquet")
    lines = shapely.from_wkb(streets["geometry"].to_numpy())
    reference = crs.harmonise(shapes("OGC:CRS84", *lines, name="streets", street_id=list(streets["street_id"])))
    spec = {"along": "streets", "key": "street_id", "columns": ["street_id", "chainage_m"], "sigma_m": 4}
    done = crs.harmonise(
        table(spec, *read_columns(MONACO / "raw" / "detectors.csv.gz", *spec["columns"])),
        references={"streets": reference},
    )
    truth = pd.read_parquet(MONACO / "truth" / "detectors.parquet")
    assert done.reasons.tolist() == [None] * len(truth)
    lon, lat = shapely.get_coordinates(done.coordinates.geometry).T
    off_m = crs.geodesy.distances_m(truth["lon"], truth["lat"], lon, lat)
    assert 0.93 <= np.mean(off_m <= crs.radius_95(done.coordinates.sigma_m)) <= 0.97


@pytest.mark.nyc
@pytest.mark.skipif(NYC is None, reason="TWIN_NYC_DATA is not set")
class TestNewYork:
    def test_sites_that_were_published_in_feet_and_in_degrees_agree(self):
        """Referee: the department's own longitudes and latitudes of its 175 sites."""
        path = Path(NYC) / "environment" / "Sites_in_history.csv"
        x, y, lon, lat = read_columns(path, "xcoordinat", "ycoordinat", "Long", "Lat")
        feet = crs.harmonise(table({"definition": "EPSG:2263", "columns": ["x", "y"]}, x, y))
        degrees = crs.harmonise(table({"definition": "EPSG:4326", "columns": ["lon", "lat"]}, lon, lat))
        both = (feet.reasons == None) & (degrees.reasons == None)  # noqa: E711
        assert both.sum() == 175
        first, second = (shapely.get_coordinates(done.coordinates.geometry[both]) for done in (feet, degrees))
        off_m = crs.geodesy.distances_m(*first.T, *second.T)
        assert np.median(off_m) < 0.5
        assert (off_m > 1.5).sum() == 1  # one site is published in two places, 38.6 m apart
        assert feet.reasons[~both][0].startswith("missing")

    @pytest.mark.parametrize("name", ["nybb", "nycd", "nynta2020", "UHF_42_DOHMH", "taxi_zones", "nyct2010"])
    def test_their_prj_files_are_the_long_island_grid(self, name):
        text = (Path(NYC) / "zones" / f"{name}.prj").read_text()
        assert crs.definition(text).name == "EPSG:2263"
        assert crs.equivalent(text, "EPSG:6539")

    def test_link_points_are_read_and_the_unreadable_have_reasons(self):
        path = Path(NYC) / "transport" / "dot_speeds_10000.csv.gz"
        (texts,) = read_columns(path, "link_points")
        spec = {"definition": "EPSG:4326", "notation": "polyline", "columns": ["link_points"]}
        distinct = sorted(set(texts))
        plain, cut = (crs.harmonise(table(spec | more, distinct)) for more in ({}, {"cut_at": 255}))
        for done in (plain, cut):
            assert [g is None for g in done.coordinates.geometry] == [r is not None for r in done.reasons]
        area = shapely.box(-74.3, 40.45, -73.6, 40.95)
        good = {
            key: sum(g is not None and area.contains(g) for g in done.coordinates.geometry)
            for key, done in (("plain", plain), ("cut", cut))
        }
        assert good["cut"] > good["plain"]
        assert good["cut"] >= 0.95 * len(distinct)
