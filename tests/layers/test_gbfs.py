"""Feeds of shared bicycles."""

import json

import pytest
import shapely

import crs
import layers
from tests.layers.samples.transport import STATIONS

STATUS = {
    "last_updated": "2026-03-30T06:00:00Z",
    "ttl": 0,
    "version": "3.0",
    "data": {"stations": [{"station_id": "2", "num_vehicles_available": 3}, {"station_id": "9"}]},
}
VEHICLES = {
    "last_updated": 1,
    "ttl": 0,
    "data": {"bikes": [{"bike_id": "a", "lon": 7.4, "lat": 43.7}, {"bike_id": "b", "station_id": "1"}]},
}


@pytest.fixture
def stations(tmp_path):
    (tmp_path / "station_information.json").write_text(STATIONS, encoding="utf-8")
    return layers.read(tmp_path / "station_information.json")


def _json(path, document):
    path.write_text(json.dumps(document))
    return path


def test_stations(stations):
    assert stations.column("name").tolist() == ["Gare 海", "Port"]
    assert stations.column("capacity").tolist() == [12, 8]
    assert stations.column("last_updated").tolist() == ["1774850400"] * 2
    assert shapely.get_coordinates(stations.geometry).tolist() == [[7.419, 43.738], [7.425, 43.735]]
    reasons = [reason.split(":")[0] for reason in stations.ledger.quarantined["reason"]]
    assert reasons == ["null_island", "unreadable_number", "no_geometry"]
    assert stations.ledger.rejected["reason"].tolist() == ["unreadable_record: no JSON object"]


def test_their_state_goes_to_them_by_id(stations, tmp_path):
    at = {"register": "stations", "key": "station_id", "columns": ["station_id"]}
    state = layers.read(_json(tmp_path / "station_status.json", STATUS), position=at)
    placed = crs.harmonise(state, references={"stations": crs.harmonise(stations)})
    assert placed.column("num_vehicles_available").tolist() == [3]
    assert shapely.get_coordinates(placed.geometry).tolist() == [[7.425, 43.735]]
    assert placed.ledger.reasons()["reason"].tolist() == ["unknown_key"]


def test_free_vehicles(tmp_path):
    bikes = layers.read(_json(tmp_path / "free_bike_status.json", VEHICLES))
    assert bikes.column("bike_id").tolist() == ["a"]
    assert bikes.ledger.reasons()["reason"].tolist() == ["no_geometry"]


@pytest.mark.parametrize(
    "data", [{}, {"regions": []}, {"stations": {}}, {"stations": [], "bikes": []}, [], None, {"stations": None}]
)
def test_other_files_of_the_feed_are_refused_by_name(tmp_path, data):
    path = _json(tmp_path / "a.json", {"last_updated": 1, "ttl": 0, "data": data})
    with pytest.raises(layers.FileUnreadableError, match=r"a\.json: GBFS, but not one of its files with records"):
        layers.read(path)


def test_numbers_that_no_float_holds_are_set_aside(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"last_updated": [1], "ttl": 0, "data": {"stations": [{"lon": 1' + "0" * 400 + ', "lat": NaN}]}}')
    assert layers.read(path).ledger.reasons()["reason"].tolist() == ["unreadable_number"]


def test_geojson_is_no_gbfs(tmp_path):
    path = _json(tmp_path / "a.json", {"type": "FeatureCollection", "features": []})
    assert len(layers.read(path)) == 0
