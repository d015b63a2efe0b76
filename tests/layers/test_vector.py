import gzip
import json
import sqlite3
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import layers

VRT = '<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'


def _sample(crs="EPSG:2154", n=6):
    shapes = [shapely.box(i, 0, i + 0.5, 1 + i / 7) for i in range(n - 1)] + [None]
    columns = {
        "name": ["é", "海", "", None, "e", "f"],
        "count": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
        "share": [0.1, np.nan, 1 / 3, 4.0, 5.0, 6.0],
        "flag": [True, False, True, True, False, True],
    }
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def _same(layer, frame):
    """The rows with a geometry are equal to what geopandas holds, the others are quarantined."""
    good = frame[frame.geometry.notna() & frame.geometry.is_valid]
    assert layer.column("row").tolist() == good.index.tolist()
    assert shapely.equals_exact(layer.geometry, np.asarray(good.geometry.array)).all()
    for name in good.columns.drop("geometry"):
        ours, theirs = layer.table[name], good[name]
        assert ours.isna().tolist() == theirs.isna().tolist(), name
        assert ours.dropna().tolist() == theirs.dropna().tolist(), name
    assert len(layer.ledger.quarantined) == len(frame) - len(good)


@pytest.mark.parametrize("suffix", ["gpkg", "parquet", "geojson", "geojson.gz"])
def test_formats_read_as_geopandas_reads_them(tmp_path, suffix):
    path = tmp_path / f"zones.{suffix}"
    frame = _sample(crs="OGC:CRS84" if "geojson" in suffix else "EPSG:2154")
    if suffix == "parquet":
        frame.to_parquet(path)
        again = gpd.read_parquet(path)
    else:
        plain = path.with_name("zones.geojson") if suffix.endswith("gz") else path
        frame.to_file(plain)
        again = gpd.read_file(plain)
        if suffix.endswith("gz"):
            path.write_bytes(gzip.compress(plain.read_bytes()))
    layer = layers.read(path)
    _same(layer, again)
    assert layer.position.name == ("OGC:CRS84" if "geojson" in suffix else "EPSG:2154")
    assert layer.ledger.reasons()["reason"].tolist() == ["no_geometry"]


def test_a_shapefile_reads_as_geopandas_reads_it(tmp_path):
    frame = _sample(crs="EPSG:2263").drop(columns="flag")
    frame.to_file(tmp_path / "zones.shp", encoding="utf-8")
    layer = layers.read(tmp_path / "zones.shp")
    _same(layer, gpd.read_file(tmp_path / "zones.shp"))
    assert layer.position.name == "EPSG:2263"


def test_a_shapefile_cut_to_60_percent_quarantines_what_is_gone(tmp_path):
    n = 1000
    frame = gpd.GeoDataFrame({"v": range(n)}, geometry=shapely.points(np.arange(n), 1.0), crs="EPSG:2263")
    frame.to_file(tmp_path / "p.shp")
    data = (tmp_path / "p.shp").read_bytes()
    (tmp_path / "p.shp").write_bytes(data[: int(len(data) * 0.6)])
    whole = (int(len(data) * 0.6) - 100) // 28
    layer = layers.read(tmp_path / "p.shp")
    assert layer.ledger.records_in == n
    assert layer.column("v").tolist() == list(range(whole))
    assert len(layer.ledger.quarantined) == n - whole


def test_the_encoding_of_a_shapefile_may_be_stated(tmp_path):
    frame = gpd.GeoDataFrame({"name": ["海淀区"]}, geometry=[shapely.Point(1, 2)], crs="EPSG:4547")
    frame.to_file(tmp_path / "z.shp", encoding="gb18030")
    (tmp_path / "z.cpg").unlink()
    layer = layers.read(tmp_path / "z.shp", options=layers.ReadOptions(encoding="gb18030"))
    assert layer.column("name").tolist() == ["海淀区"]
    with pytest.raises(layers.LayerError):
        layers.read(tmp_path / "z.shp", options=layers.ReadOptions(encoding="klingon"))


def test_what_gdal_mutters_is_logged(tmp_path, caplog):
    gpd.GeoDataFrame({"v": [123.45]}, geometry=[shapely.Point(1, 2)], crs="EPSG:2263").to_file(tmp_path / "z.shp")
    data = (tmp_path / "z.dbf").read_bytes()
    (tmp_path / "z.dbf").write_bytes(data.replace(b"123.45", b"123x45"))
    layers.read(tmp_path / "z.shp")
    assert "parsed incompletely" in caplog.text


def test_a_shapefile_without_its_companions_says_which(tmp_path):
    _sample().to_file(tmp_path / "z.shp")
    (tmp_path / "z.dbf").unlink()
    with pytest.raises(layers.FileUnreadableError, match=r"\.dbf is missing"):
        layers.read(tmp_path / "z.shp")
    _sample().to_file(tmp_path / "y.shp")
    (tmp_path / "y.prj").unlink()
    with pytest.raises(layers.PositionMissingError):
        layers.read(tmp_path / "y.shp")


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp", "parquet", "csv", "json", "city.jsonl", "tif", "nc"])
def test_a_virtual_file_under_any_name_reads_no_other_file(tmp_path, suffix):
    secret = tmp_path / "secret.geojson"
    gpd.GeoDataFrame(geometry=[shapely.Point(1, 2)], crs="OGC:CRS84").to_file(secret)
    path = tmp_path / f"data.{suffix}"
    for text in (VRT.format(secret), '<?xml version="1.0"?>' + VRT.format(secret), " \n" + VRT.format(secret)):
        path.write_text(text)
        with pytest.raises(layers.FileRefusedError, match=r"begins with|zero bytes"):
            layers.read(path)


def test_the_default_reader_does_read_the_other_file(tmp_path):
    """The trap is real: without this the test above could pass for nothing."""
    secret = tmp_path / "secret.geojson"
    gpd.GeoDataFrame(geometry=[shapely.Point(1, 2)], crs="OGC:CRS84").to_file(secret)
    (tmp_path / "data.geojson").write_text(VRT.format(secret))
    assert len(pyogrio.read_dataframe(tmp_path / "data.geojson")) == 1


def test_a_geopackage_with_a_virtual_table_is_refused(tmp_path):
    _sample().to_file(tmp_path / "z.gpkg")
    connection = sqlite3.connect(tmp_path / "z.gpkg")
    connection.execute("PRAGMA writable_schema=ON")
    sql = "CREATE VIRTUAL TABLE other USING VirtualOGR('/etc/hosts')"
    connection.execute("INSERT INTO sqlite_master VALUES ('table', 'other', 'other', 0, ?)", (sql,))
    connection.commit()
    connection.close()
    with pytest.raises(layers.FileRefusedError, match="virtual table"):
        layers.read(tmp_path / "z.gpkg")


def test_a_broken_geopackage_is_said_to_be_broken(tmp_path):
    _sample().to_file(tmp_path / "z.gpkg")
    data = (tmp_path / "z.gpkg").read_bytes()
    (tmp_path / "z.gpkg").write_bytes(data[:6000])
    with pytest.raises(layers.FileUnreadableError, match=r"z\.gpkg"):
        layers.read(tmp_path / "z.gpkg")


def test_a_geopackage_whose_schema_is_no_text_is_broken(tmp_path):
    _sample().to_file(tmp_path / "z.gpkg")
    data = (tmp_path / "z.gpkg").read_bytes()
    (tmp_path / "z.gpkg").write_bytes(data.replace(b"gpkg_geometry_columns", b"gpkg_\xff\xfe_metry_columns"))
    with pytest.raises(layers.LayerError):
        layers.read(tmp_path / "z.gpkg")


def test_several_layers_ask_for_a_name(tmp_path):
    _sample().to_file(tmp_path / "z.gpkg", layer="one")
    _sample().to_file(tmp_path / "z.gpkg", layer="two")
    with pytest.raises(layers.SchemaError, match="has several layers; write layer: with one of 'one', 'two'"):
        layers.read(tmp_path / "z.gpkg")
    assert len(layers.read(tmp_path / "z.gpkg", options=layers.ReadOptions(layer="two"))) == 5
    with pytest.raises(layers.SchemaError, match="no layer 'three'"):
        layers.read(tmp_path / "z.gpkg", options=layers.ReadOptions(layer="three"))


def test_invalid_polygons_are_quarantined_with_the_place(tmp_path):
    bow = shapely.from_wkt("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))")
    flat = shapely.from_wkt("LINESTRING (1 1, 1 1)")
    gpd.GeoDataFrame({"v": [1, 2, 3]}, geometry=[bow, flat, shapely.Point(0, 0)], crs="EPSG:2154").to_file(
        tmp_path / "z.gpkg"
    )
    layer = layers.read(tmp_path / "z.gpkg")
    assert layer.column("v").tolist() == [3]
    assert layer.ledger.quarantined["reason"].tolist() == [
        "invalid_geometry: Self-intersection[0.5 0.5]",
        "invalid_geometry: a line without length",
    ]
    assert shapely.from_wkt(layer.ledger.quarantined["geometry"][0]).equals_exact(bow, 0)


def _feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


POINT = {"type": "Point", "coordinates": [7, 43]}
FEATURES = [
    (_feature(POINT, v=1), "placed"),
    (_feature(None, v=1), "quarantined"),
    (_feature({"type": "Point", "coordinates": []}, v=1), "quarantined"),
    (_feature({"type": "Point", "coordinates": ["x", 1]}, v=1), "quarantined"),
    (_feature({"type": "Point", "coordinates": [7]}, v=1), "quarantined"),
    (_feature({"type": "Point", "coordinates": [float("nan"), 1]}, v=1), "quarantined"),
    (_feature({"type": "Circle", "coordinates": [7, 43]}, v=1), "quarantined"),
    (_feature({"type": "LineString", "coordinates": [[7, 43]]}, v=1), "quarantined"),
    (_feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 0]]]}, v=1), "quarantined"),
    (_feature({"type": "LineString", "coordinates": [[7, 43], [8, 44, 9, 1]]}, v=1), "placed"),
    (_feature({"type": "GeometryCollection", "geometries": [POINT]}, v=1), "placed"),
    (_feature("POINT (7 43)", v=1), "quarantined"),
    ({"type": "Feature", "geometry": POINT}, "placed"),
    (POINT, "rejected"),
    (None, "rejected"),
    ("text", "rejected"),
    ({"type": "Feature", "properties": "x", "geometry": POINT}, "rejected"),
]


@settings(max_examples=60, deadline=None)
@given(chosen=st.lists(st.sampled_from(FEATURES), max_size=15))
def test_every_feature_has_its_fate(tmp_path_factory, chosen):
    path = tmp_path_factory.mktemp("json") / "f.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature for feature, _ in chosen]}))
    layer = layers.read(path)
    fates = [fate for _, fate in chosen]
    assert layer.column("row").tolist() == [i for i, fate in enumerate(fates) if fate == "placed"]
    assert layer.ledger.quarantined["row"].tolist() == [i for i, fate in enumerate(fates) if fate == "quarantined"]
    assert layer.ledger.rejected["row"].tolist() == [i for i, fate in enumerate(fates) if fate == "rejected"]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_all_geometry_types_agree_with_gdal(tmp_path_factory, seed):
    random = np.random.default_rng(seed)
    points = random.uniform(-80, 80, (12, 2 if seed % 2 else 3)).round(6)
    ring = shapely.Point(points[0][:2]).buffer(1, quad_segs=2)
    hole = ring.difference(shapely.Point(points[0][:2]).buffer(0.3, quad_segs=1))
    shapes = [
        shapely.Point(points[0]),
        shapely.MultiPoint(points[:4]),
        shapely.LineString(points[:5]),
        shapely.MultiLineString([points[:3], points[3:7]]),
        hole,
        shapely.MultiPolygon([ring, shapely.box(170, 1, 171, 2)]),
    ]
    path = tmp_path_factory.mktemp("json") / "g.geojson"
    features = [_feature(shapely.geometry.mapping(shape), k=i) for i, shape in enumerate(shapes)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    theirs = pyogrio.read_dataframe(path)
    ours = layers.read(path)
    assert shapely.equals_identical(ours.geometry, np.asarray(theirs.geometry.array)).all()
    assert ours.column("k").tolist() == theirs["k"].tolist()


def test_the_old_crs_member_is_a_declaration_and_its_absence_is_none(tmp_path):
    collection = {"type": "FeatureCollection", "features": [_feature({"type": "Point", "coordinates": [1e6, 2e5]})]}
    path = tmp_path / "g.geojson"
    path.write_text(json.dumps(collection))
    assert layers.read(path).position.name == "OGC:CRS84"
    assert layers.read(path, position="EPSG:2263").position.name == "EPSG:2263"
    named = {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2263"}}}
    path.write_text(json.dumps({**collection, **named}))
    assert layers.read(path).position.name == "EPSG:2263"
    with pytest.raises(layers.PositionContradictionError):
        layers.read(path, position="OGC:CRS84")


@pytest.mark.parametrize("text", ["{", '{"type":"FeatureCollection"', "[1,", '{"type":"Topology"}', "[" * 100_000])
def test_json_that_is_cut_or_something_else_is_refused(tmp_path, text):
    (tmp_path / "g.geojson").write_text(text)
    with pytest.raises(layers.FileUnreadableError, match=r"g\.geojson"):
        layers.read(tmp_path / "g.geojson")


def test_nested_and_mixed_properties_become_text(tmp_path):
    features = [_feature(POINT, a={"b": 1}, c=1, d=1), _feature(POINT, a=[1], c="x", d=2.5), _feature(POINT)]
    (tmp_path / "g.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    layer = layers.read(tmp_path / "g.geojson")
    assert layer.column("a").tolist() == ['{"b": 1}', "[1]", None]
    assert layer.column("c").tolist() == ["1", "x", None]
    assert layer.column("d").tolist()[:2] == [1.0, 2.5]


def test_geoparquet_without_crs_key_is_crs84_and_with_null_unknown(tmp_path):
    frame = _sample(crs=None)[:3]
    path = tmp_path / "p.parquet"
    frame.to_parquet(path)
    table = pq.read_table(path)

    def _write(change):
        geo = json.loads(table.schema.metadata[b"geo"])
        change(geo["columns"]["geometry"])
        pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)

    _write(lambda column: column.pop("crs"))
    assert layers.read(path).position.name == "OGC:CRS84"
    _write(lambda column: column.update(crs=None))
    with pytest.raises(layers.PositionMissingError):
        layers.read(path)


def test_geoparquet_in_native_arrow_encoding(tmp_path):
    frame = gpd.GeoDataFrame({"v": [1, 2]}, geometry=shapely.points([[1, 2], [3, 4]]), crs="EPSG:2154")
    frame.to_parquet(tmp_path / "p.parquet", geometry_encoding="geoarrow", schema_version="1.1.0")
    assert shapely.equals(layers.read(tmp_path / "p.parquet").geometry, np.asarray(frame.geometry.array)).all()


def test_a_flipped_bit_in_a_checked_page_is_found(tmp_path):
    path = tmp_path / "p.parquet"
    frame = gpd.GeoDataFrame({"v": np.arange(5000.0)}, geometry=shapely.points(np.arange(5000.0), 1.0), crs="EPSG:2154")
    frame.to_parquet(path, write_page_checksum=True, compression=None)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(layers.FileUnreadableError, match="broken Parquet"):
        layers.read(path)


def test_broken_well_known_binary_is_quarantined(tmp_path):
    path = tmp_path / "p.parquet"
    frame = gpd.GeoDataFrame({"v": [1, 2, 3]}, geometry=shapely.points(np.arange(3.0), 1.0), crs="EPSG:2154")
    frame.to_parquet(path)
    table = pq.read_table(path)
    blobs = table["geometry"].to_pylist()
    blobs[1] = blobs[1][:9]
    pq.write_table(table.set_column(1, "geometry", pa.array(blobs)), path)
    layer = layers.read(path)
    assert layer.column("v").tolist() == [1, 3]
    assert layer.ledger.quarantined["reason"].tolist() == ["unreadable_geometry: no well-known binary"]


def test_coverings_are_no_attributes_and_structures_become_text(tmp_path):
    frame = gpd.GeoDataFrame({"v": [1, 2]}, geometry=shapely.points([[1, 2], [3, 4]]), crs="EPSG:2154")
    frame.to_parquet(tmp_path / "p.parquet", write_covering_bbox=True)
    assert layers.read(tmp_path / "p.parquet").table.columns.tolist() == ["v"]
    table = pq.read_table(tmp_path / "p.parquet")
    pq.write_table(table.append_column("tags", pa.array([{"a": 1}, None])), tmp_path / "q.parquet")
    layer = layers.read(tmp_path / "q.parquet")
    assert layer.column("tags").tolist() == ['{"a": 1}', None]
    assert layer.__dask_tokenize__() == layers.read(tmp_path / "q.parquet").__dask_tokenize__()


def test_plain_parquet_is_a_table(tmp_path):
    table = pa.table({"street": ["a", "b"], "chainage_m": [1.5, 2.5], "n": pa.array([1, None], pa.int32())})
    pq.write_table(table, tmp_path / "d.parquet")
    layer = layers.read(
        tmp_path / "d.parquet", position={"along": "streets", "key": "id", "columns": ["street", "chainage_m"]}
    )
    assert [column.tolist() for column in layer.coordinates.columns] == [["a", "b"], [1.5, 2.5]]
    assert str(layer.table["n"].dtype) == "Int64"


def _packed(folder, *names, leave_out=()):
    with zipfile.ZipFile(folder / "sent.shp.zip", "w") as archive:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            gpd.GeoDataFrame({"v": [len(name)]}, geometry=[shapely.Point(7, 43)], crs="OGC:CRS84").to_file(
                folder / name
            )
            for part in sorted((folder / name).parent.glob(f"{(folder / name).stem}.*")):
                if part.suffix not in leave_out:
                    archive.write(part, part.relative_to(folder))
    return folder / "sent.shp.zip"


def test_of_several_zipped_shapefiles_one_is_named(tmp_path):
    path = _packed(tmp_path, "a/stops.shp", "b/stops.shp", "b/posts12.shp")
    assert layers.read(path, options=layers.ReadOptions(layer="posts12")).column("v").tolist() == [13]
    assert layers.read(path, options=layers.ReadOptions(layer="a/stops")).column("v").tolist() == [11]
    for wanted in (None, "stops", "roads"):
        with pytest.raises(layers.SchemaError, match=r"sent\.shp\.zip: holds the Shapefiles 'a/stops', .*write layer:"):
            layers.read(path, options=layers.ReadOptions(layer=wanted))


def test_a_zipped_shapefile_without_its_parts_or_none_at_all_is_refused(tmp_path):
    path = _packed(tmp_path, "stops.shp", leave_out={".dbf"})
    with pytest.raises(layers.FileUnreadableError, match=r"sent\.shp\.zip: \.dbf is missing"):
        layers.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "gone")
    with pytest.raises(layers.FileUnreadableError, match=r"holds no \.shp"):
        layers.read(path)
