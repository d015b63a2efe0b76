"""SUMO's networks and outputs, against sumolib."""

import gzip

import numpy as np
import pytest
import shapely
import sumolib

import crs
import layers
from tests.layers.samples.transport import MEANS, NETWORK, VEHICLES

SOUTH = NETWORK.replace("-4843000.00", "3331356.27").replace("+zone=32", "+zone=22").replace("-372000.00", "-474308.30")


def _file(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def network(tmp_path):
    return _file(tmp_path / "a.net.xml", NETWORK)


def _read(path, layer=None, **said):
    return layers.read(path, options=layers.ReadOptions(layer=layer), **said)


def test_edges_lie_where_the_offset_came_from(network):
    edges = _read(network)
    assert edges.column("id").tolist() == ["007", "E2"]  # ids stay text
    assert edges.column("from").tolist() == ["1", "2"]
    assert edges.column("lanes").tolist() == [2, 1]
    assert edges.column("speed").tolist() == [13.89, 8.33]
    assert edges.position.name == "EPSG:32632"
    # Without a shape of its own an edge goes straight from junction to junction.
    assert edges.geometry[0].equals(shapely.LineString([(372000, 4843100), (372100, 4843100)]))
    assert edges.ledger.reasons().to_numpy().tolist() == [
        ["quarantined", "no_geometry", 1],
        ["rejected", "not_selected", 1],
    ]


@pytest.mark.parametrize("text", [NETWORK, SOUTH])
def test_longitudes_equal_those_of_sumolib(tmp_path, text):
    path = _file(
        tmp_path / "a.net.xml",
        text.replace('shape="300.00,x"', 'shape="300.00,1 310.00,2"').replace('to="4"', 'to="1"'),
    )
    net = sumolib.net.readNet(str(path))
    for layer, shapes in (
        ("edges", {edge.getID(): edge.getRawShape() for edge in net.getEdges()}),
        ("lanes", {lane.getID(): lane.getShape() for edge in net.getEdges() for lane in edge.getLanes()}),
        ("junctions", {node.getID(): [node.getCoord()] for node in net.getNodes()}),
    ):
        ours = crs.harmonise(_read(path, layer))
        assert set(ours.column("id")) == set(shapes)
        for name, shape in zip(ours.column("id"), ours.geometry, strict=True):
            theirs = [net.convertXY2LonLat(x, y) for x, y in (point[:2] for point in shapes[name])]
            assert shapely.get_coordinates(shape) == pytest.approx(np.array(theirs), abs=1e-9)


def test_south_of_the_equator_the_strip_is_the_southern_one(tmp_path):
    assert _read(_file(tmp_path / "a.net.xml", SOUTH)).position.name == "EPSG:32722"


def test_lanes_and_junctions(network):
    lanes = _read(network, "lanes")
    assert lanes.column("edge").tolist() == ["007", "007", "E2"]
    assert lanes.ledger.quarantined["reason"].tolist() == ["unreadable_geometry: the shape of line 14 is '300.00,x'"]
    assert (lanes.ledger.rejected["reason"].str.startswith("not_selected: function internal")).all()
    junctions = _read(network, "junctions")
    assert shapely.get_coordinates(junctions.geometry).tolist()[1] == [372100, 4843100]
    assert junctions.ledger.records_in == 4
    with pytest.raises(layers.SchemaError, match="'edges', 'lanes', 'junctions'"):
        _read(network, "streets")


def test_a_packed_network_is_read(network):
    network.with_suffix(".xml.gz").write_bytes(gzip.compress(network.read_bytes()))
    assert len(_read(network.with_suffix(".xml.gz"))) == 2


def test_a_network_without_projection_states_no_position(tmp_path):
    plain = NETWORK.replace("+proj=utm +zone=32 +ellps=WGS84 +datum=WGS84 +units=m +no_defs", "!")
    path = _file(tmp_path / "a.net.xml", plain)
    with pytest.raises(layers.PositionMissingError):
        _read(path)
    assert _read(path, position="EPSG:32632").position.name == "EPSG:32632"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("-372000.00,-4843000.00", "here", layers.FileUnreadableError),
        ("-372000.00,-4843000.00", "nan,1", layers.FileUnreadableError),
        ("<location", "<place", layers.FileUnreadableError),
        ("</net>", "", layers.FileUnreadableError),
        ("<net ", '<!DOCTYPE net [<!ENTITY x "y">]><net ', layers.FileRefusedError),
        ("net", "web", layers.FileRefusedError),
        ("+datum=WGS84", "+nadgrids=@/etc/hostname", layers.FileUnreadableError),
        ("+proj=utm", "+proj=pipeline +step +proj=utm", layers.FileUnreadableError),
        ("+proj=utm +zone=32", "+proj=utm +zone=99", layers.FileUnreadableError),
    ],
)
def test_what_is_broken_says_so(tmp_path, old, new, error):
    path = _file(tmp_path / "a.net.xml", NETWORK.replace(old, new))
    with pytest.raises(error, match=r"a\.net\.xml"):
        _read(path)


def test_a_projection_that_is_none_gives_way_to_the_users_word(tmp_path, network):
    path = _file(tmp_path / "b.net.xml", NETWORK.replace("+datum=WGS84", "+nadgrids=@/etc/hostname"))
    with pytest.raises(
        layers.FileUnreadableError, match=r"names a file \(nadgrids: '@/etc/hostname'\).*trust: declared"
    ):
        _read(path, position="EPSG:32632")
    options = layers.ReadOptions(layer="edges", trust="declared")
    layer = layers.read(path, position="EPSG:32632", options=options)
    assert layer.geometry.tolist() == _read(network).geometry.tolist()


def test_vehicles_in_degrees_say_so_in_their_configuration(tmp_path):
    layer = _read(_file(tmp_path / "fcd.xml", VEHICLES))
    assert layer.position.name == "OGC:CRS84"
    assert layer.column("kind").tolist() == ["vehicle", "person"]
    assert layer.column("time").tolist() == [0, 0]
    assert layer.ledger.quarantined["reason"].tolist() == ["unreadable_number: x is '', y is '43.73'"]


def test_vehicles_on_the_network_are_placed_by_its_offset(tmp_path):
    text = VEHICLES.replace('geo value="true"', 'geo value="false"').replace('x="7.41" y="43.73"', 'x="100" y="100"')
    path = _file(tmp_path / "fcd.xml", text)
    with pytest.raises(layers.PositionMissingError):
        _read(path)
    grid = {"name": "net", "base": "EPSG:32632", "similarity": [372000, 4843000, 0, 1], "sigma_m": 0.01}
    placed = crs.harmonise(_read(path, position={"local_grid": grid}))
    expected = crs.transform([372100.0], [4843100.0], source="EPSG:32632", target="OGC:CRS84")
    assert shapely.get_coordinates(placed.geometry)[0] == pytest.approx(np.ravel(expected), abs=1e-9)


def test_edge_data_go_to_the_edges_of_the_network(network, tmp_path):
    by_edge = {"register": "edges", "key": "id", "columns": ["id"]}
    means = _read(_file(tmp_path / "means.xml", MEANS), position=by_edge)
    assert means.table[["begin", "interval_id", "id"]].to_numpy().tolist() == [
        [0, "x", "007"],
        [0, "x", "gone"],
        [300, "x", "E2"],
    ]
    placed = crs.harmonise(means, references={"edges": crs.harmonise(_read(network))})
    assert placed.column("id").tolist() == ["007", "E2"]
    assert placed.ledger.reasons()["reason"].tolist() == ["unknown_key"]
    assert np.isnan(placed.column("speed")[1])


def test_lane_data_detectors_and_trips(tmp_path):
    by_id = {"register": "lanes", "key": "id", "columns": ["id"]}
    lanes = '<meandata><interval begin="0" end="9"><edge id="a"><lane id="a_0" speed="1"/></edge></interval></meandata>'
    layer = _read(_file(tmp_path / "lanes.xml", lanes), position=by_id)
    assert layer.table[["edge", "id", "speed"]].to_numpy().tolist() == [["a", "a_0", 1]]
    loops = '<detector><interval begin="0" end="60" id="loop_1" flow="120.0" speed="-1.00"/></detector>'
    assert _read(_file(tmp_path / "e1.xml", loops), position=by_id).column("id").tolist() == ["loop_1"]
    trips = '<tripinfos><tripinfo id="1" departLane="a_0"><emissions CO2_abs="3.5"/></tripinfo></tripinfos>'
    layer = _read(_file(tmp_path / "t.xml", trips), position={**by_id, "columns": ["departLane"]})
    assert layer.column("emissions_CO2_abs").tolist() == [3.5]
