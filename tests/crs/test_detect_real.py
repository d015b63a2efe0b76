"""Files of Shenzhen and New York as they were published, which no benchmark has seen."""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import crs
from tests.reference.crs_layers import shapes

HUB = "OGC:CRS84"
NYC, FORMATS = (os.environ.get(name) for name in ("TWIN_NYC_DATA", "TWIN_FORMATS_DATA"))
pytestmark = pytest.mark.nyc
needs_nyc = pytest.mark.skipif(NYC is None, reason="TWIN_NYC_DATA is not set")
needs_formats = pytest.mark.skipif(FORMATS is None, reason="TWIN_FORMATS_DATA is not set")


def lines(*parts: str):
    """Read lines of New York; a file that ends in gz is one zipped GeoJSON."""
    found = []
    for part in parts:
        path = Path(NYC or "") / "transport" / part
        found.append(gpd.read_file(f"/vsigzip/{path}" if part.endswith("gz") else path).geometry.to_numpy())
    return np.concatenate(found)


@needs_formats
def test_of_two_publications_of_shenzhens_districts_the_one_in_gcj02_is_named():
    folder = Path(FORMATS or "") / "zones"
    precise, coarse = (
        shapes(HUB, *gpd.read_file(folder / name).geometry, name=name)
        for name in ("shenzhen_districts_a.json", "shenzhen_districts_b.geojson")
    )
    verdict = crs.detect(coarse, reference=precise)
    assert (verdict.status, verdict.candidates[0].names) == ("named", ("GCJ-02",)), verdict
    assert "contradicts the declared OGC:CRS84" in verdict.candidates[0].evidence
    assert any("half a step" in line for line in verdict.candidates[0].evidence), "its numbers are 1/1024 degree"
    # The other way round, the reference is the one that is shifted: nothing is claimed, and the shift is told.
    back = crs.detect(precise, reference=coarse)
    assert (back.status, back.shift.source) == ("unknown", HUB), back
    assert np.hypot(back.shift.east_m, back.shift.north_m) == pytest.approx(620, abs=60)


@needs_nyc
def test_sites_of_new_york_in_feet_without_a_declaration_are_named():
    sites = pd.read_csv(Path(NYC or "") / "environment" / "nyccas-sites.csv")
    boroughs = ("bronx", "brooklyn", "manhattan", "staten_island")
    streets = shapes(HUB, *lines(*(f"osm_streets_{name}.geojson.gz" for name in boroughs)), name="streets")
    verdict = crs.detect((sites["xcoordinat"], sites["ycoordinat"]), reference=streets)
    # There are no streets of Queens in the reference: what has no street about it tells nothing.
    assert verdict.status == "named", verdict
    assert {"EPSG:2263", "EPSG:6539"} <= set(verdict.candidates[0].names)


@needs_nyc
def test_points_of_traffic_links_cut_in_the_middle_are_named_by_the_highways():
    links = pd.read_csv(Path(NYC or "") / "transport" / "dot_speeds_10000.csv.gz")["link_points"].unique()
    pairs = [pair.split(",") for text in links for pair in text.split()]
    lat, lon = (np.array(part, dtype=object) for part in zip(*(one for one in pairs if len(one) == 2), strict=True))
    highways = shapes(HUB, *lines("highways.gpkg"), name="highways")
    verdict = crs.detect((lat, lon), reference=highways, area=(-74.3, 40.4, -73.6, 41.0))
    assert verdict.status == "named", verdict
    # WGS 84 and NAD83 are within 2 m here: TIGER's highways are in one and declared in the other, no conflict.
    assert {HUB, "EPSG:4326", "EPSG:4269"} <= set(verdict.candidates[0].names)
    assert verdict.position.axes == "lat,lon"


@needs_nyc
def test_highways_declared_in_wgs84_and_published_in_nad83_are_no_conflict():
    declared = shapes("EPSG:4326", *lines("highways.gpkg"), name="highways")
    verdict = crs.detect(declared, area=(-76.0, 39.0, -71.0, 43.0))
    assert {"EPSG:4326", "EPSG:4269", "EPSG:6318"} <= set(verdict.candidates[0].names)
    assert "declared so" in verdict.candidates[0].evidence
    assert not any("contradicts" in line for line in verdict.candidates[0].evidence)


@needs_nyc
def test_buildings_whose_declaration_is_struck_out_are_named_by_the_few_that_a_sample_shares():
    folder = Path(NYC or "") / "cim"
    few = shapely.from_wkt(pd.read_csv(folder / "footprints_sample_500.csv")["the_geom"].to_numpy())
    plane = crs.transform(*shapely.get_coordinates(shapely.centroid(few)).T, source=HUB, target="EPSG:2263")
    # A tile of buildings: those of the sample's southern Brooklyn, among many that it has not.
    tile = feet_of_buildings(folder / "buildings_DA1.city.jsonl.gz")
    assert len(tile) > 19_000
    verdict = crs.detect(tuple(tile.T), reference=shapes(HUB, *few, name="footprints"))
    assert verdict.status == "named", verdict
    assert "EPSG:2263" in verdict.candidates[0].names
    assert any("entities of the reference on the file" in line for line in verdict.candidates[0].evidence)
    assert np.isfinite(plane).all()


def feet_of_buildings(path: Path) -> np.ndarray:
    """Read the middle of the box about every building of CityJSONSeq, x and y as written."""
    frame = pd.read_json(path, lines=True, chunksize=2000)
    header, middles = None, []
    for chunk in frame:
        for one in chunk.to_dict("records"):
            if header is None:
                header = one["transform"]
            elif one["vertices"]:
                vertices = np.array(one["vertices"], dtype=float)[:, :2]
                middles.append((vertices.min(axis=0) + vertices.max(axis=0)) / 2.0)
    return np.array(middles) * header["scale"][:2] + header["translate"][:2]
