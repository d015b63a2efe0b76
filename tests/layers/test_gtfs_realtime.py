"""Messages of vehicles, delays and disturbances."""

import numpy as np
import pytest
import shapely
from google.transit.gtfs_realtime_pb2 import FeedMessage
from hypothesis import given
from hypothesis import strategies as st

import crs
import layers
from tests.layers.samples.transport import write_feed, write_message

AT_STOPS = {"register": "stops", "key": "stop_id", "columns": ["stop_id"]}


@pytest.fixture
def message(tmp_path):
    write_message(tmp_path / "feed.pb")
    return tmp_path / "feed.pb"


def _read(path, layer=None, position=None):
    return layers.read(path, position=position, options=layers.ReadOptions(layer=layer))


def test_vehicles(message):
    vehicles = _read(message, "vehicles")
    assert vehicles.column("vehicle_id").tolist() == ["bus 1 海"]
    assert vehicles.column("speed").tolist() == [8.5]
    assert vehicles.column("timestamp")[0] == np.datetime64("2026-05-28T20:26:40")
    assert vehicles.column("stop_id").tolist() == [None]  # never the default of the format for what nobody said
    # Places are floats of 24 bits in this format.
    assert shapely.get_coordinates(vehicles.geometry)[0] == pytest.approx([7.42, 43.73], abs=4e-6)
    assert vehicles.ledger.reasons().to_numpy().tolist() == [
        ["quarantined", "no_geometry", 1],
        ["rejected", "deleted", 1],
    ]


def test_trip_updates_go_to_their_stops(message, tmp_path):
    updates = _read(message, "trip_updates", AT_STOPS)
    assert updates.ledger.records_in == 4
    assert updates.column("arrival_delay_s").tolist()[:1] == [120]
    assert updates.column("departure_time")[1] == np.datetime64("2026-05-28T20:36:40")
    assert updates.column("trip_relationship").tolist() == [None, None, "CANCELED"]
    write_feed(tmp_path / "feed.zip")
    stops = crs.harmonise(layers.read(tmp_path / "feed.zip"))
    placed = crs.harmonise(updates, references={"stops": stops})
    assert shapely.get_coordinates(placed.geometry).tolist() == [[7.419, 43.738], [7.425, 43.735]]
    assert placed.ledger.quarantined["reason"].str.split(":").str[0].tolist() == ["missing"]


def test_alerts(message):
    alerts = _read(message, "alerts", {**AT_STOPS, "key": "route_id", "columns": ["route_id"]})
    assert alerts.column("route_id").tolist() == ["R1", "R2"]
    assert alerts.column("header").tolist() == ["Works / 施工"] * 2
    assert alerts.column("effect").tolist() == ["DETOUR"] * 2


def test_the_layer_is_named_where_there_are_several(message, tmp_path):
    with pytest.raises(layers.SchemaError, match="has 'vehicles', 'trip_updates', 'alerts'; write layer:"):
        _read(message)
    with pytest.raises(layers.SchemaError, match="no layer 'buses'"):
        _read(message, "buses")
    empty = FeedMessage()
    empty.header.gtfs_realtime_version = "2.0"
    (tmp_path / "empty.pb").write_bytes(empty.SerializeToString())
    assert len(_read(tmp_path / "empty.pb")) == 0


def test_texts_that_are_no_utf_8_are_shown(message):
    message.write_bytes(
        message.read_bytes().replace("海".encode(), b"\xff\xfeX").replace("施工".encode(), b"\xff12345")
    )
    assert _read(message, "vehicles").column("vehicle_id").tolist() == [r"bus 1 \xff\xfeX"]
    alerts = _read(message, "alerts", {**AT_STOPS, "columns": ["stop_id"]})
    assert alerts.column("header")[0] == r"Works / \xff12345"


@given(
    st.lists(st.tuples(st.floats(-200, 200, width=32), st.floats(-100, 100, width=32)), max_size=8),
    st.booleans(),
)
def test_every_vehicle_is_accounted_for(tmp_path_factory, places, zero):
    message = FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    for i, (lon, lat) in enumerate([*places, (0.0, 0.0)] if zero else places):
        position = message.entity.add(id=str(i)).vehicle.position
        position.longitude, position.latitude = lon, lat
    path = tmp_path_factory.mktemp("rt") / "a.pb"
    path.write_bytes(message.SerializeToString())
    layer = _read(path)
    sound = [abs(x) <= 180 and abs(y) <= 90 and (x, y) != (0, 0) for x, y in places]
    assert len(layer) == sum(sound)
    assert layer.ledger.records_in == len(places) + zero


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\x05hello", b"garbage", b"\n\x07\n\x032.0\x18\x01\x12\x20ab"])
def test_what_is_no_message_says_so(tmp_path, data):
    (tmp_path / "a.pb").write_bytes(data)
    with pytest.raises((layers.FileUnreadableError, layers.FileRefusedError), match=r"a\.pb"):
        _read(tmp_path / "a.pb")
