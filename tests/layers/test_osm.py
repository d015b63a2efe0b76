"""OpenStreetMap against ogrinfo (GDAL) and what pyrosm counts."""

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import osmium
import pytest
import shapely
from osmium.osm.mutable import Node, Way

import layers
from tests.layers.samples.transport import SAMPLES

OSM = {sample.file: sample for sample in SAMPLES if sample.format.startswith("OSM")}


def _read(path, **options):
    return layers.read(path, options=layers.ReadOptions(**options))


@pytest.fixture(params=["streets.osm.pbf", "streets.osm"])
def sample(request, tmp_path) -> Path:
    path = tmp_path / request.param
    OSM[request.param].write(path)
    return path


def test_roads_are_the_ways_with_a_highway(sample):
    roads = _read(sample)
    assert roads.column("osm_id").tolist() == [10, 11]
    assert roads.column("name").tolist() == ["Boulevard des Moulins 海", None]
    assert [None if text is None else json.loads(text) for text in roads.column("tags")] == [
        None,
        {"note": 'with "quotes"'},
    ]
    assert shapely.equals_exact(roads.geometry[0], shapely.LineString([(7.41, 43.73), (7.42, 43.73), (7.42, 43.74)]))
    assert roads.position.name == "OGC:CRS84"
    assert roads.ledger.quarantined["reason"].tolist() == [
        "missing_nodes: 1 of the 2 nodes of way 12 are not in the file"
    ]


def test_points_areas_and_lines(sample):
    points = _read(sample, layer="points")
    assert points.column("amenity").tolist() == ["cafe"]
    areas = _read(sample, layer="areas")
    kinds = list(zip(areas.column("osm_type"), areas.column("osm_id"), strict=True))
    assert sorted(kinds) == [("relation", 20), ("way", 13), ("way", 14)]
    # A way that crosses itself and a relation whose ring is elsewhere are set aside by name.
    assert set(areas.ledger.quarantined["osm_id"]) == {"16", "21"}
    assert areas.ledger.reasons()["reason"].unique().tolist() == ["unassembled_area"]
    assert _read(sample, layer="lines").column("osm_id").tolist() == [10, 11]


def test_tags_choose_and_where_leaves_out(sample):
    assert _read(sample, tags={"highway": ("primary", "service")}).ledger.records_in == 2
    roads = _read(sample, where={"highway": "primary"})
    assert (len(roads), roads.ledger.records_in) == (1, 3)
    # What the filter leaves out is rejected, whatever else is wrong with it.
    assert roads.ledger.reasons().to_numpy().tolist() == [["rejected", "not_selected", 2]]


def test_an_unknown_layer_names_the_known_ones(sample):
    with pytest.raises(layers.SchemaError, match="'roads', 'lines', 'points', 'areas'"):
        _read(sample, layer="ways")


def test_the_user_may_say_that_places_are_shifted(sample):
    assert layers.read(sample, position="GCJ-02").position.name == "GCJ-02"


def test_gzipped_xml_is_read(tmp_path):
    OSM["streets.osm"].write(tmp_path / "a.osm")
    (tmp_path / "a.osm.gz").write_bytes(gzip.compress((tmp_path / "a.osm").read_bytes()))
    assert _read(tmp_path / "a.osm.gz").column("osm_id").tolist() == [10, 11]
    shutil.move(tmp_path / "a.osm", tmp_path / "a.xml")
    assert _read(tmp_path / "a.xml").column("osm_id").tolist() == [10, 11]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_cut_file_says_so(sample, share):
    whole = sample.read_bytes()
    sample.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises((layers.FileUnreadableError, layers.FileRefusedError), match="streets"):
        _read(sample)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('<!DOCTYPE osm [<!ENTITY l "lol">]><osm version="0.6"/>', layers.FileRefusedError),
        ('<osm version="0.6"><node id="x" lat="1" lon="2"/></osm>', layers.FileUnreadableError),
        ('<osm version="0.6"><node id="1" lat="a" lon="2"/></osm>', layers.FileUnreadableError),
        ("<html/>", layers.FileRefusedError),
    ],
)
def test_wrong_xml_is_refused(tmp_path, text, error):
    (tmp_path / "a.osm").write_text(text)
    with pytest.raises(error, match=r"a\.osm"):
        _read(tmp_path / "a.osm")


def test_a_node_off_the_globe_is_set_aside(tmp_path):
    with osmium.SimpleWriter(str(tmp_path / "a.osm")) as writer:
        writer.add_node(Node(id=1, location=(7.0, 143.0), tags={"shop": "yes"}))
        writer.add_node(Node(id=2, location=(7.0, 43.0), tags={"shop": "yes"}))
        writer.add_way(Way(id=3, nodes=[2], tags={"highway": "path"}))
    assert _read(tmp_path / "a.osm", layer="points").ledger.reasons()["reason"].tolist() == ["out_of_range"]
    assert _read(tmp_path / "a.osm").ledger.reasons()["reason"].tolist() == ["invalid_geometry"]


def _ogr(path, table, fields):
    """Ask GDAL's own program; `-oo CONFIG_FILE` stays the default, so closed ways are areas as it sees fit."""
    if shutil.which("ogr2ogr") is None:
        pytest.skip("ogr2ogr is not installed (Debian: gdal-bin)")
    command = ["ogr2ogr", "-f", "CSV", "/vsistdout/", str(path), table, "-lco", "GEOMETRY=AS_WKT"]
    command += ["-lco", "SEPARATOR=TAB", "-select", fields]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    header, *rows = done.stdout.splitlines()
    return [dict(zip(header.split("\t"), row.split("\t"), strict=True)) for row in rows]


def test_the_roads_of_porto_alegre_equal_gdals(formats):
    path = formats / "transport" / "poa_osm.pbf"
    roads = _read(path)
    theirs = [row for row in _ogr(path, "lines", "osm_id,highway") if row["highway"]]
    assert len(roads) == roads.ledger.records_in == len(theirs)
    ours = dict(
        zip(roads.column("osm_id").tolist(), zip(roads.column("highway"), roads.geometry, strict=True), strict=True)
    )
    for row in theirs:
        highway, shape = ours[int(row["osm_id"].strip('"'))]
        assert highway == row["highway"].strip('"')
        assert shapely.equals_exact(shape, shapely.from_wkt(row["WKT"].strip('"')), tolerance=1e-9)


def test_the_points_of_porto_alegre_equal_gdals(formats):
    path = formats / "transport" / "poa_osm.pbf"
    points = _read(path, layer="points")
    theirs = _ogr(path, "points", "osm_id")
    assert set(points.column("osm_id").tolist()) == {int(row["osm_id"].strip('"')) for row in theirs}


#: The filter "driving" of pyrosm 0.25, written out; with it pyrosm itself counts 7,997 roads in this file.
NOT_DRIVEN = (
    "abandoned construction no planned platform proposed raceway razed rest_area services bridleway bus_guideway "
    "busway corridor cycleway elevator escalator footway ladder path pedestrian steps track trail service"
)
UNSERVED = ("emergency_access", "parking", "parking_aisle", "private", "alley", "driveway")


def _may_drive(tags):
    said = next((tags[key] for key in ("motorcar", "motor_vehicle", "vehicle", "access") if key in tags), "yes")
    closed = any(part.strip() in {"no", "private"} for part in said.split(";"))
    return not (closed or tags["highway"] in NOT_DRIVEN.split() or tags.get("service") in UNSERVED)


def test_porto_alegre_has_as_many_drivable_roads_as_pyrosm_counts(formats):
    roads = _read(formats / "transport" / "poa_osm.pbf")
    tags = roads.table[["highway", "service", "access"]].to_dict("records")
    known = [{key: value for key, value in row.items() if isinstance(value, str)} for row in tags]
    others = [json.loads(text) if text else {} for text in roads.column("tags")]
    assert sum(_may_drive(own | more) for own, more in zip(known, others, strict=True)) == 7_997
