"""Networks of a transport model."""

import gzip

import pytest
import shapely

import layers
from tests.layers.samples.transport import MODEL


def _read(path, layer=None, **said):
    return layers.read(path, options=layers.ReadOptions(layer=layer), **said)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "network.xml.gz").write_bytes(gzip.compress(MODEL.encode()))
    return tmp_path / "network.xml.gz"


def test_links_run_from_node_to_node(path):
    links = _read(path)
    assert links.position.name == "EPSG:32632"
    assert links.column("id").tolist() == ["1", "2"]
    assert links.column("from").tolist() == ["01", "02"]  # ids stay text
    assert links.column("type").tolist() == ["primary 海", None]
    assert links.column("capacity").tolist() == [1800, 900]
    assert links.units["freespeed"] == "m/s"
    assert links.geometry[0].equals(shapely.LineString([(372000, 4843000), (372500, 4843100)]))
    assert [reason[:18] for reason in links.ledger.quarantined["reason"]] == [
        "unknown_node: '99'",
        "unknown_node: '03'",
    ]


def test_nodes(path):
    nodes = _read(path, "nodes")
    assert nodes.column("id").tolist() == ["01", "02"]
    assert nodes.ledger.reasons()["reason"].tolist() == ["unreadable_number"]
    with pytest.raises(layers.SchemaError, match="'links', 'nodes'"):
        _read(path, "edges")


@pytest.mark.parametrize("frame", ["Atlantis", "GK4", ""])
def test_a_frame_that_is_no_code_is_left_to_the_user(tmp_path, frame):
    (tmp_path / "a.xml").write_text(MODEL.replace("EPSG:32632", frame), encoding="utf-8")
    with pytest.raises(layers.PositionMissingError):
        _read(tmp_path / "a.xml")
    assert len(_read(tmp_path / "a.xml", position="EPSG:32632")) == 2


def test_a_cut_file_says_so(tmp_path):
    (tmp_path / "a.xml").write_text(MODEL[:900], encoding="utf-8")
    with pytest.raises(layers.FileUnreadableError, match=r"a\.xml"):
        _read(tmp_path / "a.xml")
