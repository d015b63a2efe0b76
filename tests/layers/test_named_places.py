"""Counts that name a street, a crossing or an address, from the file to the map."""

import json

import numpy as np
import pytest
import shapely

import crs
import layers

STREETS = {
    "Rue Grimaldi": [[7.41, 43.73], [7.43, 43.73]],
    "Boulevard Albert": [[7.42, 43.72], [7.42, 43.74]],
    "海滨路": [[7.41, 43.74], [7.43, 43.74]],
}
CROSSINGS = """street_a,street_b,vehicles
Rue Grimaldi,Boulevard Albert,1200
BOULEVARD ALBERT,海滨路,300
Rue Grimaldi,海滨路,7
Rue Grimaldi,Rue Inconnue,9
"""
HOUSES = """street,number,lon,lat
Rue Grimaldi,2,7.412,43.7301
Rue Grimaldi,10,7.42,43.7301
"""
COUNTS = """street,house,vehicles
Rue Grimaldi,10,5
Rue Grimaldi,6,8
Boulevard Albert,1,2
"""
BY_STREET = {"register": "streets", "key": "name", "columns": ["street"]}


@pytest.fixture
def streets(tmp_path):
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "LineString", "coordinates": line}}
        for name, line in STREETS.items()
    ]
    (tmp_path / "streets.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return crs.harmonise(layers.read(tmp_path / "streets.geojson"))


def _placed(path, text, position, **references):
    path.write_text(text, encoding="utf-8")
    return crs.harmonise(layers.read(path, position=position), references=references)


def test_counts_at_a_crossing(tmp_path, streets):
    position = {"intersection": "streets", "key": "name", "columns": ["street_a", "street_b"]}
    counts = _placed(tmp_path / "counts.csv", CROSSINGS, position, streets=streets)
    assert counts.ledger.records_in == 4
    assert counts.column("vehicles").tolist() == [1200, 300]
    assert shapely.get_coordinates(counts.geometry) == pytest.approx(np.array([[7.42, 43.73], [7.42, 43.74]]), abs=1e-9)
    assert counts.ledger.quarantined["reason"].str.split(":").str[0].tolist() == ["no_crossing", "unknown_key"]


def test_counts_at_an_address(tmp_path):
    at = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}
    (tmp_path / "houses.csv").write_text(HOUSES)
    houses = crs.harmonise(layers.read(tmp_path / "houses.csv", position=at))
    position = {
        "address": "houses",
        "key": ["street", "number"],
        "columns": ["street", "house"],
        "interpolate": True,
    }
    counts = _placed(tmp_path / "counts.csv", COUNTS, position, houses=houses)
    assert counts.column("vehicles").tolist() == [5, 8]
    assert shapely.get_coordinates(counts.geometry)[0] == pytest.approx([7.42, 43.7301])
    assert 7.412 < shapely.get_x(counts.geometry)[1] < 7.42
    assert counts.ledger.reasons()["reason"].tolist() == ["unknown_key"]


def test_counts_of_a_whole_street(tmp_path, streets):
    counts = _placed(tmp_path / "counts.csv", COUNTS, BY_STREET, streets=streets)
    assert [shape.geom_type for shape in counts.geometry] == ["LineString"] * 3
    assert counts.geometry[2].equals(shapely.LineString(STREETS["Boulevard Albert"]))
