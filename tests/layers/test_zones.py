"""Every sample of the vector formats against ogr2ogr, a program with another GDAL; and what each reader refuses."""

import csv
import io
import json
import shutil
import sqlite3
import subprocess
import zipfile

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
import layers
from layers.readers.spatialite import _to_wkb
from tests.layers.samples.zones import DEGREES, SAMPLES, to_blob

BY_NAME = {sample.format: sample for sample in SAMPLES}
#: Debian's GDAL is built without Parquet; tests/layers/test_vector.py compares that with geopandas.
REFEREED = sorted(set(BY_NAME) - {"GeoParquet"})


@pytest.fixture(scope="session")
def ogr2ogr():
    if shutil.which("ogr2ogr") is None:
        pytest.skip("vector formats not compared with another program: ogr2ogr is absent (Debian: gdal-bin)")

    def convert(path):
        command = ["ogr2ogr", "-f", "CSV", "/vsistdout/", str(path), "-lco", "GEOMETRY=AS_WKT"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
        csv.field_size_limit(1 << 27)
        return list(csv.DictReader(io.StringIO(done.stdout)))

    return convert


def _read(sample, folder):
    path = folder / sample.file
    sample.write(path)
    return path, layers.read(path, position=sample.position, options=sample.options)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_sample_reads_as_it_was_written(tmp_path, name):
    sample = BY_NAME[name]
    _, layer = _read(sample, tmp_path)
    assert layer.ledger.records_in == sample.records
    assert len(layer) == (sample.records if sample.placed is None else sample.placed)
    assert shapely.total_bounds(layer.geometry) == pytest.approx(sample.bounds, abs=1e-9)


@pytest.mark.parametrize("name", REFEREED)
def test_a_sample_reads_as_another_program_reads_it(tmp_path, ogr2ogr, name):
    path, layer = _read(BY_NAME[name], tmp_path)
    theirs = [row for row in ogr2ogr(path) if row["WKT"]]
    assert len(theirs) == len(layer)
    shapes = shapely.from_wkt([row["WKT"] for row in theirs])
    assert shapely.equals_exact(
        shapely.normalize(_multi(layer.geometry)), shapely.normalize(_multi(shapes)), tolerance=1e-9
    ).all()
    for column in ("name", "people", "share", "Layer"):
        if column in layer.table and column in theirs[0]:
            for ours, said in zip(layer.column(column), [row[column] for row in theirs], strict=True):
                assert (ours or "") == said if ours is None or isinstance(ours, str) else ours == float(said)


def _multi(shapes):
    """GDAL makes one kind of a mixed layer."""
    return [shapely.multipolygons([s]) if shapely.get_type_id(s) == 3 else s for s in shapes]


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("FlatGeobuf", "EPSG:25832"),
        ("MapInfo TAB", "EPSG:25832"),
        ("MapInfo MIF", "EPSG:25832"),
        ("File geodatabase", "EPSG:25832"),
        ("SpatiaLite", "EPSG:25832"),
        ("Esri JSON", "EPSG:25832"),
        ("GML", "EPSG:31468"),
        ("KML", "OGC:CRS84"),
        ("KMZ", "OGC:CRS84"),
    ],
)
def test_what_a_format_states_of_its_positions_is_heard(tmp_path, name, frame):
    path, layer = _read(BY_NAME[name], tmp_path)
    assert layer.position.name == frame
    with pytest.raises(layers.PositionContradictionError):
        layers.read(path, position="EPSG:2263")


@pytest.mark.parametrize("name", ["DXF", "TopoJSON"])
def test_a_format_that_states_nothing_asks(tmp_path, name):
    path, _ = _read(BY_NAME[name], tmp_path)
    with pytest.raises(layers.PositionMissingError, match="Write position:"):
        layers.read(path)


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"GeoParquet", "Shapefile", "GeoPackage"}))
def test_a_cut_file_loses_no_record_in_silence(tmp_path, name):
    """Cut at twenty places, a file is refused or every record of it is accounted for."""
    sample = BY_NAME[name]
    sample.write(tmp_path / sample.file)
    whole = (tmp_path / sample.file).read_bytes()
    for share in np.linspace(0.02, 0.99, 20):
        (tmp_path / sample.file).write_bytes(whole[: int(len(whole) * share)])
        try:
            layer = layers.read(tmp_path / sample.file, position=sample.position)
        except (layers.LayerError, crs.CrsError):
            continue
        # A sequence of lines that ends between two lines is a shorter sequence.
        assert layer.ledger.records_in == sample.records or name == "GeoJSONSeq"
        assert layer.ledger.placed == len(layer)


POINTER = '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_virtual_file_is_read_under_no_name(tmp_path, name):
    BY_NAME["JSON"].write(tmp_path / "secret.geojson")
    sample = BY_NAME[name]
    sample.write(tmp_path / sample.file)
    (tmp_path / sample.file).write_text(POINTER.format(tmp_path / "secret.geojson"))
    with pytest.raises(layers.FileRefusedError):
        layers.read(tmp_path / sample.file, position=sample.position)


@pytest.mark.parametrize("name", ["MapInfo MIF", "DXF", "MapInfo TAB"])
def test_a_pointer_behind_the_right_beginning_is_refused(tmp_path, name):
    sample = BY_NAME[name]
    sample.write(tmp_path / sample.file)
    path = tmp_path / sample.file
    path.write_bytes(path.read_bytes()[:12] + POINTER.format("/etc/hostname").encode() + b"\n  0\nEOF\n")
    with pytest.raises(layers.FileRefusedError, match="names other files"):
        layers.read(path, position="EPSG:25832")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("name", ["GML", "KML", "KMZ"])
@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE])
def test_entities_are_refused(tmp_path, name, doctype):
    sample = BY_NAME["KML" if name == "KMZ" else name]
    path = tmp_path / sample.file
    sample.write(path)
    text = path.read_text(encoding="utf-8").replace("?>", f"?>{doctype}", 1).replace("Altstadt", "&b;")
    path.write_text(text, encoding="utf-8")
    if name == "KMZ":
        path = tmp_path / "zones.kmz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("doc.kml", text)
    with pytest.raises(layers.FileRefusedError, match="entit"):
        layers.read(path)


GML = (
    '<f:FeatureCollection xmlns:f="urn:f" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{}</f:FeatureCollection>'
)
AXES = [
    ("EPSG:4326", "7.5 43.7"),
    ("urn:ogc:def:crs:EPSG::4326", "43.7 7.5"),
    ("urn:ogc:def:crs:OGC:1.3:CRS84", "7.5 43.7"),
]


@pytest.mark.parametrize(("name", "written"), [*AXES, ("http://www.opengis.net/def/crs/EPSG/0/4326", "43.7 7.5")])
def test_the_name_of_the_frame_says_which_axis_comes_first(tmp_path, ogr2ogr, name, written):
    point = f'<gml:Point srsName="{name}"><gml:pos>{written}</gml:pos></gml:Point>'
    path = tmp_path / "a.gml"
    path.write_text(GML.format(f"<gml:featureMember><f:Stop><f:at>{point}</f:at></f:Stop></gml:featureMember>"))
    layer = layers.read(path)
    assert shapely.get_coordinates(layer.geometry).tolist() == [[7.5, 43.7]]
    assert crs.equivalent(layer.position, crs.definition("EPSG:4326"))
    assert ogr2ogr(path)[0]["WKT"] == "POINT (7.5 43.7)"


def _feature(inside, kind="Stop"):
    return f'<gml:featureMember><f:{kind} fid="1">{inside}</f:{kind}></gml:featureMember>'


def _line(points, srs="EPSG:25832"):
    return f'<f:at><gml:LineString srsName="{srs}"><gml:posList>{points}</gml:posList></gml:LineString></f:at>'


_ARC = (
    "<f:at><gml:Curve><gml:segments><gml:Arc><gml:posList>0 0 1 1 2 0</gml:posList></gml:Arc></gml:segments>"
    "</gml:Curve></f:at>"
)
BROKEN = {
    "no geometry": ("<f:n>1</f:n>", "no_geometry"),
    "one number": (_line("1"), "unreadable_geometry"),
    "text": (_line("1 2 x 4"), "unreadable_geometry"),
    "one point": (_line("1 2"), "unreadable_geometry"),
    "no points": (_line(""), "unreadable_geometry"),
    "another frame": (_line("1 2 3 4", srs="EPSG:2154"), "unreadable_geometry"),
    "an arc": (
        _ARC,
        "unreadable_geometry",
    ),
    "not finite": (_line("1 2 nan 4"), "not_finite"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_feature_of_gml_is_set_aside_alone(tmp_path, name):
    inside, reason = BROKEN[name]
    path = tmp_path / "a.gml"
    path.write_text(GML.format(_feature(_line("1 2 3 4")) + _feature(inside) + _feature(_line("5 6 7 8"))))
    layer = layers.read(path)
    assert layer.column("row").tolist() == [0, 2]
    assert layer.ledger.reasons()["reason"].tolist() == [reason]


def test_attributes_of_gml_are_flattened_and_nothing_of_them_is_lost(tmp_path):
    inside = (
        '<f:name lang="de">A</f:name><f:owner><f:who>B</f:who></f:owner><f:tag>x</f:tag><f:tag>y</f:tag>'
        '<f:gone xsi:nil="true"/>' + _line("1 2 3 4") + '<f:also><gml:Point srsName="EPSG:25832"><gml:pos>9 8</gml:pos>'
        "</gml:Point></f:also>"
    )
    path = tmp_path / "a.gml"
    path.write_text(GML.format(_feature(inside)))
    (row,) = layers.read(path).table.to_dict("records")
    assert isinstance(row.pop("gone"), float)
    assert row == {
        "gml_id": 1,
        "name": "A",
        "name.lang": "de",
        "owner.who": "B",
        "tag": "x; y",
        "geometry_2": "POINT (9 8)",
    }


def test_several_kinds_of_features_ask_for_one(tmp_path):
    path = tmp_path / "a.gml"
    path.write_text(GML.format(_feature(_line("1 2 3 4")) + _feature(_line("1 2 3 4"), kind="Road")))
    with pytest.raises(layers.SchemaError, match="has several layers; write layer: with one of 'Stop', 'Road'"):
        layers.read(path)
    assert len(layers.read(path, options=layers.ReadOptions(layer="Road"))) == 1


KML = '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document>{}</Document></kml>'


def test_kml_with_folders_tracks_models_and_links(tmp_path, caplog):
    path = tmp_path / "a.kml"
    path.write_text(
        KML.format(
            "<Folder><name>lines</name><Folder><name>red</name><Placemark><name>1</name><LineString><altitudeMode>"
            "absolute</altitudeMode><coordinates>7,43,10 8,44,11</coordinates></LineString></Placemark></Folder>"
            "<Placemark><name>2</name><gx:Track><gx:coord>7 43 0</gx:coord><gx:coord>7 44 0</gx:coord></gx:Track>"
            "<TimeSpan><begin>2020</begin></TimeSpan></Placemark></Folder>"
            "<Placemark><name>3</name><Model/></Placemark><Placemark><name>4</name></Placemark>"
            "<Placemark><Point><coordinates>7</coordinates></Point></Placemark>"
            "<NetworkLink><Link><href>http://example.org/x.kml</href></Link></NetworkLink>"
        )
    )
    layer = layers.read(path)
    assert layer.column("folder").tolist() == ["lines/red", "lines"]
    assert layer.column("altitude_mode").tolist() == ["absolute", None]
    assert shapely.get_coordinates(layer.geometry[0], include_z=True).tolist() == [[7, 43, 10], [8, 44, 11]]
    assert layer.ledger.quarantined["reason"].str.split(":").str[0].tolist() == [
        "unreadable_geometry",
        "no_geometry",
        "unreadable_geometry",
    ]
    assert "1 network links are not followed" in caplog.text


def test_an_archive_without_a_document_is_no_kmz(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.kmz", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(layers.FileUnreadableError, match=r"an archive without a \.kml"):
        layers.read(tmp_path / "a.kmz")


_COORDINATE = st.floats(-1e6, 1e6)
_POINTS = st.lists(st.tuples(_COORDINATE, _COORDINATE), min_size=3, max_size=6, unique=True)


@given(st.lists(_POINTS, min_size=1, max_size=4), st.integers(0, 5))
def test_blobs_of_spatialite_are_decoded(rows, kind):
    lines = [shapely.LineString(row) for row in rows]
    polygons = [shapely.Polygon(row) for row in rows]
    shape = [
        shapely.Point(rows[0][0]),
        lines[0],
        polygons[0],
        shapely.MultiPoint(rows[0]),
        shapely.MultiLineString(lines),
        shapely.MultiPolygon(polygons),
    ][kind]
    assert shapely.equals_identical(shapely.from_wkb(_to_wkb(to_blob(shape))), shape)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 119))
def test_blobs_that_are_none_break_nothing_else(tmp_path_factory, junk, cut):
    path = tmp_path_factory.mktemp("db") / "zones.sqlite"
    BY_NAME["SpatiaLite"].write(path)
    connection = sqlite3.connect(path)
    good = to_blob(shapely.MultiPoint([[1, 2], [3, 4]]))
    connection.execute("UPDATE zones SET geometry = ? WHERE people = 10", (junk,))
    connection.execute("UPDATE zones SET geometry = ? WHERE people = 20", (good[: min(cut, len(good) - 1)],))
    connection.commit()
    connection.close()
    layer = layers.read(path)
    assert layer.ledger.records_in == 5
    assert layer.column("people")[-3:].tolist() == [30, 40, 50]


def test_views_and_virtual_tables_of_sqlite_are_not_read(tmp_path):
    path, _ = _read(BY_NAME["SpatiaLite"], tmp_path)
    with pytest.raises(layers.SchemaError, match="has no layer 'danger'"):
        layers.read(path, options=layers.ReadOptions(layer="danger"))


def test_a_plain_table_of_sqlite_is_a_table(tmp_path):
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("CREATE TABLE sites (id TEXT, x REAL, y REAL)")
    connection.execute("INSERT INTO sites VALUES ('a', 7.5, 43.7)")
    connection.commit()
    connection.close()
    layer = layers.read(tmp_path / "a.db", position={"definition": "EPSG:4326", "columns": ["x", "y"]})
    assert [column.tolist() for column in layer.coordinates.columns] == [[7.5], [43.7]]


def test_a_table_of_mapinfo_that_names_others_is_refused(tmp_path):
    path, _ = _read(BY_NAME["MapInfo TAB"], tmp_path)
    path.write_text('!table\n!version 300\n\nOpen Table "/etc/secret" Hide\nCreate View x As Select a From secret\n')
    with pytest.raises(layers.FileRefusedError, match="names other tables"):
        layers.read(path)


def test_a_mif_whose_mid_is_shorter_is_refused(tmp_path):
    path, _ = _read(BY_NAME["MapInfo MIF"], tmp_path)
    mid = path.with_suffix(".mid")
    mid.write_bytes(b"\n".join(mid.read_bytes().splitlines()[:3]))
    with pytest.raises(layers.LayerError, match=r"zones\.mif"):
        layers.read(path)
    mid.unlink()
    with pytest.raises(layers.FileUnreadableError, match=r"\.mid is missing"):
        layers.read(path)


def test_lines_of_a_sequence_that_are_no_features_are_rejected_alone(tmp_path):
    good = json.dumps(
        {"type": "Feature", "properties": {"n": 1}, "geometry": {"type": "Point", "coordinates": [7, 43]}}
    )
    (tmp_path / "a.ndjson").write_text(f"{good}\n{{cut\n\n5\n{good}")
    layer = layers.read(tmp_path / "a.ndjson")
    assert layer.column("row").tolist() == [0, 3]
    assert layer.ledger.rejected["row"].tolist() == [1, 2]


def test_topologies_and_feature_sets_are_known_by_what_they_say(tmp_path):
    for name in ("TopoJSON", "Esri JSON"):
        BY_NAME[name].write(tmp_path / "a.json")
        assert len(layers.read(tmp_path / "a.json", position=BY_NAME[name].position)) >= 3
        BY_NAME["JSON"].write(tmp_path / BY_NAME[name].file)
        with pytest.raises(layers.FileRefusedError, match="JSON, but no"):
            layers.read(tmp_path / BY_NAME[name].file)


def test_a_topology_without_its_arcs_sets_one_aside(tmp_path):
    BY_NAME["TopoJSON"].write(tmp_path / "a.topojson")
    document = json.loads((tmp_path / "a.topojson").read_text())
    document["objects"]["zones"]["geometries"][1]["arcs"] = [[99]]
    (tmp_path / "a.topojson").write_text(json.dumps(document))
    layer = layers.read(tmp_path / "a.topojson", position="OGC:CRS84")
    assert layer.column("name").tolist() == ["left", "well"]
    document["objects"]["more"] = document["objects"]["zones"]
    (tmp_path / "a.topojson").write_text(json.dumps(document))
    with pytest.raises(layers.SchemaError, match="write layer: with one of 'zones', 'more'"):
        layers.read(tmp_path / "a.topojson", position="OGC:CRS84")


def test_esri_numbers_and_heights(tmp_path):
    document = {
        "geometryType": "esriGeometryPoint",
        "hasZ": True,
        "spatialReference": {"wkid": 102100, "latestWkid": 3857},
        "features": [
            {"attributes": {"n": 1}, "geometry": {"x": 1, "y": 2, "z": 3}},
            {"geometry": {"curveRings": []}},
            5,
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    layer = layers.read(tmp_path / "a.json")
    assert layer.position.name == "EPSG:3857"
    assert shapely.get_z(layer.geometry).tolist() == [3]
    assert layer.ledger.reasons()["reason"].tolist() == ["unreadable_geometry", "unreadable_feature"]
    document["spatialReference"] = {"wkid": 102003}
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert layers.read(tmp_path / "a.json").label == "ESRI:102003"


def test_zones_in_degrees_lie_where_they_should():
    assert DEGREES[0] < DEGREES[2]


@pytest.mark.nyc
@pytest.mark.parametrize(
    "path",
    [
        *(f"zones/{name}.shp" for name in ("UHF_42_DOHMH", "nybb", "nycd", "nyct2010", "nynta2020", "taxi_zones")),
        "transport/highways.gpkg",
        *(f"transport/osm_streets_{name}.geojson.gz" for name in ("bronx", "brooklyn", "manhattan", "staten_island")),
        "transport/deckgl_roads.json.gz",
    ],
)
def test_new_york_reads_as_another_program_reads_it(nyc, ogr2ogr, path):
    layer = layers.read(nyc / path)
    name = f"/vsigzip/{nyc / path}" if path.endswith(".gz") else nyc / path
    rows = ogr2ogr(name)
    assert len(rows) == layer.ledger.records_in
    kept = layer.column("row")
    # The other program writes 15 digits.
    theirs = shapely.from_wkt([rows[row]["WKT"] for row in kept])
    assert shapely.total_bounds(layer.geometry) == pytest.approx(shapely.total_bounds(theirs), rel=1e-14)
    same = shapely.equals_exact(shapely.normalize(_multi(layer.geometry)), shapely.normalize(_multi(theirs)), 1e-6)
    assert same.all()
    compared = 0
    for column in set(layer.table.columns) & set(rows[0]):
        ours, said = layer.table[column], [rows[row][column] for row in kept]
        if ours.dtype.kind in "if":
            numbers = np.array([float(text) if text else np.nan for text in said])
            assert np.allclose(ours.to_numpy(dtype=float, na_value=np.nan), numbers, rtol=1e-12, equal_nan=True)
            compared += 1
        elif ours.dtype == "str" and not any(text.startswith(("[", "{")) for text in said):
            assert ours.fillna("").tolist() == said
            compared += 1
    assert compared
