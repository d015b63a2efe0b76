import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import crs
import layers

TABLE = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}


def _csv(path, rows, header="lon,lat,v"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_several_files_of_one_schema_become_one_layer(tmp_path):
    a = _csv(tmp_path / "a.csv", ["1,2,5", "1,2", "1,2,7"])
    b = _csv(tmp_path / "b.csv", ["3,4,8", "3,4,900"])
    options = layers.ReadOptions(fields={"v": layers.Field(max=100)})
    layer = layers.read([a, b], position=TABLE, name="both", options=options)
    assert layer.column("row").tolist() == [0, 2, 3]
    assert layer.column("v").tolist() == [5, 7, 8]
    assert layer.column("source_file").tolist() == ["a.csv", "a.csv", "b.csv"]
    assert layer.ledger.rejected[["row", "source"]].to_numpy().tolist() == [[1, "a.csv"]]
    assert layer.ledger.quarantined[["row", "source", "v"]].to_numpy().tolist() == [[4, "b.csv", "900"]]
    assert layer.ledger.sources == {"a.csv": 3, "b.csv": 2}


def test_files_of_two_schemas_are_no_dataset(tmp_path):
    a, b = _csv(tmp_path / "a.csv", ["1,2,5"]), _csv(tmp_path / "b.csv", ["1,2,5"], header="lon,lat,w")
    with pytest.raises(layers.SchemaError, match="only in one: v, w"):
        layers.read([a, b], position=TABLE)
    with pytest.raises(layers.SchemaError, match="listed twice"):
        layers.read([a, a], position=TABLE)
    with pytest.raises(layers.SchemaError, match="empty"):
        layers.read([], position=TABLE)


def test_types_are_those_of_all_files_together(tmp_path):
    a, b = _csv(tmp_path / "a.csv", ["1,2,5"]), _csv(tmp_path / "b.csv", ["1,2,five"])
    assert layers.read([a, b], position=TABLE).column("v").tolist() == ["5", "five"]


def test_missing_and_contradicting_positions_name_what_to_write(tmp_path):
    path = _csv(tmp_path / "sites.csv", ["1,2,5"])
    with pytest.raises(layers.PositionMissingError) as missing:
        layers.read(path)
    assert all(word in str(missing.value) for word in ("sites", "'lon', 'lat', 'v'", "position:"))
    with pytest.raises(layers.SchemaError, match="which columns hold the position"):
        layers.read(path, position="EPSG:4326")
    with pytest.raises(layers.SchemaError, match="position names 'x'"):
        layers.read(path, position={"definition": "EPSG:4326", "columns": ["x", "lat"]})
    frame = gpd.GeoDataFrame({"v": [1]}, geometry=[shapely.Point(1e6, 2e5)], crs="EPSG:2263")
    frame.to_file(tmp_path / "zones.gpkg")
    with pytest.raises(layers.PositionContradictionError) as contradiction:
        layers.read(tmp_path / "zones.gpkg", position="EPSG:4326")
    assert all(word in str(contradiction.value) for word in ("zones", "EPSG:4326", "EPSG:2263", "Write position:"))


def test_nothing_is_read_outside_the_root_or_from_a_network(tmp_path):
    root = tmp_path / "city"
    root.mkdir()
    outside = _csv(tmp_path / "secret.csv", ["1,2,5"])
    (root / "link.csv").symlink_to(outside)
    options = layers.ReadOptions(root=root)
    for name in ("../secret.csv", str(outside), "link.csv"):
        with pytest.raises(layers.FileRefusedError, match="outside the root"):
            layers.read(name, position=TABLE, options=options)
    for name in (
        "https://example.org/a.csv",
        "/vsicurl/http://example.org/a.csv",
        "s3://b/a.csv",
        "simplecache::http://e/a",
    ):
        with pytest.raises(layers.FileRefusedError, match="network"):
            layers.read(name, position=TABLE)
    with pytest.raises(layers.FileRefusedError, match="no such file"):
        layers.read("absent.csv", position=TABLE, options=options)
    _csv(root / "in.csv", ["1,2,5"])
    assert len(layers.read("in.csv", position=TABLE, options=options)) == 1


def test_unknown_endings_are_refused_with_the_known_ones(tmp_path):
    (tmp_path / "a.xyz").write_text("1")
    with pytest.raises(layers.FileRefusedError, match=r"known endings are \.csv"):
        layers.read(tmp_path / "a.xyz")


def test_where_and_rename(tmp_path):
    path = _csv(tmp_path / "a.csv", ["1,2,5", "1,2,6", "1,2,7"])
    options = layers.ReadOptions(rename={"v": "speed"}, where={"speed": (5, 7)})
    layer = layers.read(path, position=TABLE, options=options)
    assert layer.column("speed").tolist() == [5, 7]
    assert layer.ledger.rejected["reason"].tolist() == ["not_selected: speed is not 5 or 7"]
    with pytest.raises(layers.SchemaError, match="rename names 'w'"):
        layers.read(path, position=TABLE, options=layers.ReadOptions(rename={"w": "x"}))
    with pytest.raises(layers.SchemaError, match="two columns are called 'lat'"):
        layers.read(path, position=TABLE, options=layers.ReadOptions(rename={"v": "lat"}))
    with pytest.raises(layers.SchemaError, match="where names"):
        layers.read(path, position=TABLE, options=layers.ReadOptions(where={"w": 1}))


def test_faults_of_values_time_and_geometry_meet_in_one_reason(tmp_path):
    rows = ['"POINT (1 2)",900,noon', '"POINT (1 2)",5,2025-01-01']
    path = _csv(tmp_path / "a.csv", rows, header="shape,v,t")
    options = layers.ReadOptions(
        geometry="shape", fields={"v": layers.Field(max=9)}, time=layers.TimeColumn(column="t", zone="UTC")
    )
    layer = layers.read(path, position="EPSG:4326", options=options)
    assert len(layer) == 1
    entry = layer.ledger.quarantined.iloc[0]
    assert [part.split(":")[0] for part in entry["reason"].split("; ")] == ["out_of_range", "unreadable_time"]
    assert (entry["v"], entry["t"], entry["geometry"]) == ("900", "noon", "POINT (1 2)")


def test_the_time_column_is_utc_and_its_fault_keeps_the_text(tmp_path):
    path = _csv(tmp_path / "a.csv", ["1,2,2025-03-09 02:30", "1,2,2025-03-09 01:30"])
    options = layers.ReadOptions(time=layers.TimeColumn(column="v", zone="America/New_York"))
    layer = layers.read(path, position=TABLE, options=options)
    assert layer.table["time"].dt.tz is not None
    assert layer.column("time")[0] == np.datetime64("2025-03-09T06:30")
    assert layer.ledger.quarantined["v"].tolist() == ["2025-03-09 02:30"]


def _squares(n=4):
    boxes = [shapely.box(i, 0, i + 1, 1) for i in range(n)]
    return layers.Layer.from_arrays("squares", np.array(boxes), position="OGC:CRS84", columns={"v": np.arange(n)})


def test_layers_go_to_geopandas_and_back():
    frame = _squares().to_geopandas()
    assert frame.crs == "OGC:CRS84"
    back = layers.Layer.from_geopandas(frame, name="squares")
    assert shapely.equals(back.geometry, _squares().geometry).all()
    assert back.column("v").tolist() == [0, 1, 2, 3]
    assert crs.equivalent(back.position, _squares().position)


def test_a_frame_without_crs_or_geometry_is_not_guessed():
    frame = gpd.GeoDataFrame({"v": [1, 2]}, geometry=[shapely.Point(1, 2), None])
    with pytest.raises(layers.PositionMissingError):
        layers.Layer.from_geopandas(frame, name="f")
    layer = layers.Layer.from_geopandas(frame, name="f", position="EPSG:4326")
    assert layer.ledger.summary() == "f: 2 in = 1 placed + 1 quarantined + 0 rejected (no_geometry 1)"


def test_selecting_and_setting_aside_keep_the_account():
    layer = _squares(5)
    kept = layer.select(layer.column("v") != 2).quarantine(np.array([True, False, False, False]), "odd: so")
    assert kept.column("row").tolist() == [1, 3, 4]
    assert kept.ledger.records_in == 5
    assert kept.ledger.quarantined["geometry"].tolist() == ["POLYGON ((1 0, 1 1, 0 1, 0 0, 1 0))"]
    assert layer.ledger.placed == 5
    with pytest.raises(layers.LayerError, match="mask of shape"):
        layer.quarantine(np.array([True]), "odd: so")


def test_within_quarantines_what_lies_outside_or_only_partly_inside():
    inside = _squares(5).within((0, 0, 2.5, 1))
    assert inside.column("row").tolist() == [0, 1]
    codes = inside.ledger.quarantined["reason"].str.split(":").str[0].tolist()
    assert codes == ["crosses_area", "outside_area", "outside_area"]


def test_new_positions_set_refused_records_aside():
    layer = _squares(3)
    moved = shapely.transform(layer.geometry, lambda xy: xy + 1)
    moved[1] = None
    reasons = np.array([None, "outside_use: too far", None], dtype=object)
    placed = crs.Placed(
        coordinates=crs.Shapes(moved, np.array([1.0, np.nan, 2.0])),
        reasons=reasons,
        position=crs.definition("EPSG:4326"),
        steps=("moved",),
    )
    after = layer.with_coordinates(placed)
    assert after.column("row").tolist() == [0, 2]
    assert after.sigma_m.tolist() == [1.0, 2.0]
    assert after.steps == ("moved",)
    assert after.ledger.quarantined["geometry"].tolist() == ["POLYGON ((2 0, 2 1, 1 1, 1 0, 2 0))"]


def test_columns_come_and_go_by_position_not_by_index():
    layer = _squares(3).select(np.array([False, True, True]))
    wider = layer.with_columns(w=pd.Series([10, 20]))
    assert wider.column("w").tolist() == [10, 20]
    assert "w" not in layer.table
    with pytest.raises(layers.LayerError, match="no column 'w'; it has 'v'"):
        layer.column("w")
    with pytest.raises(layers.LayerError, match="does not fit"):
        layer.with_columns(w=[1])


def test_tokens_are_of_content_only():
    assert _squares().__dask_tokenize__() == _squares().__dask_tokenize__()
    changed = _squares().with_columns(v=[0, 1, 2, 4])
    assert changed.__dask_tokenize__() != _squares().__dask_tokenize__()


def test_a_layer_whose_parts_do_not_fit_cannot_be_made():
    layer = _squares(2)
    with pytest.raises(layers.LayerError, match="must be equal"):
        layers.Layer(
            name="x", table=layer.table[:1], position=layer.position, coordinates=layer.coordinates, ledger=layer.ledger
        )
    with pytest.raises(layers.LayerError, match="domain"):
        layers.Layer.from_arrays("x", np.array([shapely.Point(1, 2)]), position="OGC:CRS84", domain="traffic")
    with pytest.raises(layers.LayerError, match="level"):
        layers.Origin(level="secret")


def test_a_published_layer_is_harmonised_by_crs(tmp_path):
    path = _csv(tmp_path / "a.csv", ["1000000,200000,1", "x,200000,2"])
    layer = layers.read(path, position={"definition": "EPSG:2263", "columns": ["lon", "lat"], "sigma_m": 3})
    moved = crs.harmonise(layer)
    assert shapely.get_coordinates(moved.geometry).round(1).tolist() == [[-74.0, 40.7]] or len(moved) == 1
    assert moved.sigma_m[0] >= 3
    assert moved.ledger.records_in == 2
    assert moved.ledger.quarantined["lon"].tolist() == ["x"]


def test_json_arrays_are_tables(tmp_path):
    rows = [{"height": 137, "ring": [[0, 0], [1, 0], [1, 1], [0, 0]]}, {"height": None, "ring": [[0, 0], [1, 1]]}, 5]
    (tmp_path / "b.json").write_text(json.dumps(rows))
    layer = layers.read(tmp_path / "b.json", position="OGC:CRS84", options=layers.ReadOptions(geometry="ring"))
    assert layer.column("height").tolist() == [137]
    assert (
        layer.ledger.summary()
        == "b: 3 in = 1 placed + 1 quarantined + 1 rejected (unreadable_geometry 1, unreadable_feature 1)"
    )
    with pytest.raises(layers.SchemaError, match="no object has the member 'shape'"):
        layers.read(tmp_path / "b.json", position="OGC:CRS84", options=layers.ReadOptions(geometry="shape"))


def test_a_line_that_lost_a_digit_is_set_aside_for_reaching_out_of_the_city(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text(
        'id,points\n1,"40.70,-74.00 40.71,-74.01"\n2,"40.70,-74.00 40.71,-74.891 40.72,-74.00"\n', encoding="utf-8"
    )
    links = crs.harmonise(
        layers.read(path, position={"definition": "EPSG:4326", "notation": "polyline", "columns": ["points"]})
    )
    inside = links.within((-74.3, 40.4, -73.6, 41.0))
    assert inside.column("id").tolist() == [1]
    assert inside.ledger.quarantined["reason"].str.split(":").str[0].tolist() == ["crosses_area"]
