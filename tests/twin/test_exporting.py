"""Every export, opened by another program."""

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from pystac import Catalog
from pystac.validation.local_validator import LocalValidator
from typer.testing import CliRunner

import crs
import twin
from spatial_join import H3Grid
from twin.cli import app
from twin.exporting.cityjson import write_cityjson
from twin.exporting.provenance import provenance_of
from twin.store import hash_file

needs_gdal = pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="no ogrinfo: apt-get install gdal-bin")


@pytest.mark.parametrize("layer", ["streets", "people", "air"])
@needs_gdal
def test_a_layer_as_geopackage_opens_in_gdal(tiny, tmp_path, layer):
    path = twin.export(tiny, layer, tmp_path / "l.gpkg")
    info = subprocess.run(["ogrinfo", "-so", path, layer], check=True, capture_output=True, text=True).stdout
    frame = tiny.features(layer)
    assert f"Feature Count: {len(frame)}\n" in info
    extent = [
        float(number) for number in re.findall(r"-?[\d.]+", re.search(r"Extent: (.*)", info)[1].replace(") - (", " "))
    ]
    assert extent == pytest.approx(frame.total_bounds.tolist(), abs=1e-6)
    assert 'ID["EPSG",4326]' in info
    columns = set(re.findall(r"^(\w+): (?:String|Integer|Integer64|Real|DateTime)", info, flags=re.MULTILINE))
    assert columns == set(frame.columns) - {"geometry"}
    with sqlite3.connect(path) as file:
        (meta,) = file.execute(
            "SELECT metadata FROM gpkg_metadata JOIN gpkg_metadata_reference ON id = md_file_id WHERE table_name = ?",
            (layer,),
        ).fetchone()
        style, qgis = file.execute(
            "SELECT styleSLD, styleQML FROM layer_styles WHERE f_table_name = ?", (layer,)
        ).fetchone()
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert json.loads(meta)["lineage"] == tiny.snapshot
    assert json.loads(meta)["licences"] == [tiny.layers[layer].licence]
    (colour,) = (one.text for one in ET.fromstring(style).iter("{http://www.opengis.net/sld}CssParameter"))  # noqa: S314
    drawn = ET.fromstring(qgis)  # noqa: S314
    assert drawn.find("renderer-v2").get("type") == "singleSymbol"
    (symbol,) = drawn.iter("symbol")
    kinds = {"marker": ("Point", "0"), "line": ("Line String", "1"), "fill": ("Polygon", "2")}
    assert f"Geometry: {kinds[symbol.get('type')][0]}" in info
    assert drawn.findtext("layerGeometryType") == kinds[symbol.get("type")][1]
    (value,) = (one.get("value") for one in symbol.iter("Option") if (one.get("name") or "").endswith("color"))
    assert value == ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5)) + ",255"


@needs_gdal
def test_cells_as_geopackage_are_those_of_the_cube_with_a_class_for_every_value(tiny, tmp_path):
    time = tiny.cube("speed_kmh").time.values[4]
    path = twin.export(tiny, "speed_kmh", tmp_path / "c.gpkg", resolution=10, time=str(time))
    cube = tiny.cube("speed_kmh", resolution=10).sel(time=time)["speed_kmh"].dropna("cell")
    frame = gpd.read_file(path, layer="speed_kmh")
    assert dict(zip(frame["cell"], frame["speed_kmh"], strict=True)) == {
        f"{cell:x}": value for cell, value in zip(cube.cell.values.tolist(), cube.values.tolist(), strict=True)
    }
    assert "time" not in frame
    middle = shapely.centroid(np.asarray(frame.geometry.array))
    here = H3Grid(resolution=10).index(shapely.get_x(middle), shapely.get_y(middle))
    assert [f"{cell:x}" for cell in here.tolist()] == frame["cell"].tolist()
    with sqlite3.connect(path) as file:
        style, qgis = file.execute("SELECT styleSLD, styleQML FROM layer_styles").fetchone()
    space = "{http://www.opengis.net/ogc}"
    ranges = [
        tuple(float(edge.findtext(f"{space}Literal")) for edge in between if edge.tag.endswith("Boundary"))
        for between in ET.fromstring(style).iter(f"{space}PropertyIsBetween")  # noqa: S314
    ]
    assert all(any(low <= value <= high for low, high in ranges) for value in frame["speed_kmh"])
    drawn = ET.fromstring(qgis).find("renderer-v2")  # noqa: S314
    assert (drawn.get("type"), drawn.get("attr")) == ("graduatedSymbol", '"speed_kmh"')
    assert [(float(one.get("lower")), float(one.get("upper"))) for one in drawn.iter("range")] == ranges
    assert [one.get("symbol") for one in drawn.iter("range")] == [one.get("name") for one in drawn.iter("symbol")]


def test_geoparquet_is_read_by_geopandas_with_all_steps(tiny, tmp_path):
    path = twin.export(tiny, ["no2", "speed_kmh"], tmp_path / "c.parquet")
    frame = gpd.read_parquet(path)
    assert frame.crs.to_authority() == ("OGC", "CRS84")
    known = tiny.cube(["no2", "speed_kmh"])
    assert frame["no2"].notna().sum() == int(known["no2"].notnull().sum())
    assert np.nansum(frame["speed_kmh"]) == pytest.approx(float(known["speed_kmh"].sum()), rel=1e-12)
    meta = json.loads(pq.read_schema(path).metadata[b"city-twin"])
    assert meta["units"]["no2"] == "ug/m3"
    assert meta["units"]["no2_sigma"] == "ug/m3"
    assert meta["modelled"] is True
    assert json.loads(pq.read_schema(path).metadata[b"geo"])["version"] == "1.1.0"


def test_a_table_for_spreadsheets_runs_nothing_and_says_its_units(tiny, tmp_path, monkeypatch):
    evil = tiny.features("air")
    evil["station"] = ['=HYPERLINK("http://x")', "@SUM(1)", *evil["station"].tolist()[2:]]
    monkeypatch.setattr(type(tiny), "features", lambda _self, _layer: evil)
    path = twin.export(tiny, "air", tmp_path / "a.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["station"] for row in rows[:2]] == ['\'=HYPERLINK("http://x")', "'@SUM(1)"]
    assert [float(row["lon"]) for row in rows] == evil.geometry.x.tolist()
    assert [float(row["lat"]) for row in rows] == evil.geometry.y.tolist()
    meta = json.loads((tmp_path / "a.csv-metadata.json").read_text())
    assert meta["url"] == "a.csv"
    assert [column["name"] for column in meta["tableSchema"]["columns"]] == list(rows[0])
    assert meta["city-twin"]["lineage"] == tiny.snapshot
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "a.csv-metadata.json"}


@pytest.mark.filterwarnings("ignore:Use `@` matmul")
@needs_gdal
def test_a_raster_is_a_cog_whose_pixels_are_the_cells(tiny, tmp_path):
    path = twin.export(tiny, "no2", tmp_path / "n.tif", resolution=9)
    said = subprocess.run(["gdalinfo", "-json", path], check=True, capture_output=True).stdout
    info = json.loads(said)
    assert info["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG"
    assert "4326" in info["coordinateSystem"]["wkt"]
    cube = tiny.cube("no2", resolution=9)["no2"]
    assert len(info["bands"]) == cube.sizes["time"]
    assert {band["unit"] for band in info["bands"]} == {"ug/m3"}
    with rasterio.open(path) as file:
        values = file.read()
        rows, columns = np.indices(file.shape)
        lon, lat = rasterio.transform.xy(file.transform, rows.ravel(), columns.ravel())
        assert json.loads(file.tags()["city-twin"])["lineage"] == tiny.snapshot
    cells = H3Grid(resolution=9).index(np.asarray(lon), np.asarray(lat))
    expected = cube.reindex(cell=cells).transpose("time", "cell").values.reshape(values.shape)
    np.testing.assert_array_equal(values, expected)
    assert set(cube.cell.values.tolist()) <= set(cells.tolist())


def test_buildings_become_closed_blocks_of_their_volume(tmp_path):
    squares = [
        shapely.box(7.41, 43.73, 7.4102, 43.7301),
        shapely.Polygon(
            shapely.box(7.42, 43.73, 7.4204, 43.7304).exterior, [shapely.box(7.4201, 43.7301, 7.4202, 43.7302).exterior]
        ),
        shapely.MultiPolygon([shapely.box(7.43, 43.73, 7.4301, 43.7301), shapely.box(7.44, 43.73, 7.4401, 43.7301)]),
        shapely.box(7.45, 43.73, 7.4502, 43.7301),
    ]
    frame = gpd.GeoDataFrame(
        {"row": range(4), "height_m": [10.0, 20.5, 3.0, np.nan], "name": ["a", None, "c", "d"]},
        geometry=squares,
        crs="OGC:CRS84",
    )
    city = SimpleNamespace(
        name="c", title={}, area=(7.4, 43.7, 7.5, 43.8), layers={"b": SimpleNamespace(show={"height": "height_m"})}
    )
    provenance = SimpleNamespace(names=("b",), to_json=lambda: {"lineage": "1"})
    path = tmp_path / "b.city.json"
    write_cityjson(city, frame, path, provenance)
    document = json.loads(path.read_text())
    assert document["metadata"]["referenceSystem"].endswith("/EPSG/0/32632")
    vertices = np.array(document["vertices"]) * 0.001 + document["transform"]["translate"]
    x, y = crs.transform(*shapely.get_coordinates(squares).T, source="OGC:CRS84", target="EPSG:32632")
    moved = shapely.set_coordinates(np.array(squares, dtype=object), np.column_stack([x, y]))
    for number, height in enumerate([10.0, 20.5, 3.0]):
        solids = document["CityObjects"][f"b-{number}"]["geometry"]
        volume, edges = 0.0, {}
        for solid in solids:
            for face in solid["boundaries"][0]:
                for ring in face:
                    points = vertices[ring]
                    # The divergence theorem, ring by ring: holes count against the face that they are in.
                    area = 0.5 * np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
                    volume += points[0] @ area / 3.0
                    for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
                        edges[one, other] = edges.get((one, other), 0) + 1
        assert volume == pytest.approx(shapely.area(moved[number]) * height, rel=1e-3)
        assert set(edges.values()) == {1}
        assert all((other, one) in edges for one, other in edges)
    assert document["CityObjects"]["b-3"]["geometry"] == []
    assert "name" not in document["CityObjects"]["b-1"]["attributes"]
    cjio = Path(sys.executable).with_name("cjio")
    said = subprocess.run([cjio, path, "info"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "Building" in said.stdout


@pytest.mark.filterwarnings("ignore:``LocalValidator`` is deprecated")
def test_the_catalogue_of_a_whole_twin_is_valid_and_its_hashes_are_true(tiny, tmp_path):
    path = twin.export_catalogue(tiny, tmp_path / "all", resolution=9)
    catalogue = Catalog.from_file(str(path))
    items = list(catalogue.get_items(recursive=True))
    assert {item.id for item in items} == {
        f"layer-{n}" for n in ("streets", "people", "air", "probes", "detectors")
    } | {*tiny.variables}
    for item in items:
        asset = item.assets["data"]
        file = path.parent / item.id / asset.href.removeprefix("./").split("/")[-1]
        assert asset.extra_fields["file:size"] == file.stat().st_size
        assert asset.extra_fields["file:checksum"] == "1220" + hash_file(file)
        assert gpd.read_parquet(file).crs.to_authority() == ("OGC", "CRS84")
        assert item.properties["city-twin"]["lineage"] == tiny.snapshot
    # The schemas of the core come with pystac: nothing is fetched.
    validator = LocalValidator()
    for file, kind in [(path, "catalog"), *((path.parent / item.id / f"{item.id}.json", "item") for item in items)]:
        schema = f"https://schemas.stacspec.org/v1.1.0/{kind}-spec/json-schema/{kind}.json"
        assert validator._validate_from_local(schema, json.loads(file.read_text())) == []


@pytest.mark.parametrize(
    ("what", "name", "options", "said"),
    [
        ("streets", "s.shp", {}, "no format has this ending"),
        ("streets", "s.tif", {}, "no raster"),
        ("no2", "n.city.json", {}, "holds buildings"),
        (["no2", "speed_kmh"], "n.tif", {}, "a GeoTIFF holds one"),
        (["streets", "people"], "n.gpkg", {}, "one layer a file"),
        ("streets", "s.city.json", {}, "has no column of heights"),
        ("nothing", "s.csv", {}, "no layer or variable 'nothing'"),
        ("layer:no2", "s.csv", {}, "no layer or variable 'layer:no2'"),
        ("no2", "n.csv", {"time": "1999-01-01"}, "its clock runs from"),
        ("no2", "n.csv", {"time": "noon"}, "its clock runs from"),
        ("no2", "n.csv", {"resolution": 13}, "ask for that or coarser"),
    ],
)
def test_what_cannot_be_exported_is_said_and_nothing_is_left(tiny, tmp_path, *, what, name, options, said):
    with pytest.raises(twin.TwinError, match=said):
        twin.export(tiny, what, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_exports(tiny, tmp_path):
    runner, path = CliRunner(), str(tiny.path)
    file = tmp_path / "p.parquet"
    assert runner.invoke(app, ["export", path, "layer:people", str(file)]).exit_code == 0
    assert len(gpd.read_parquet(file)) == len(tiny.features("people"))
    again = runner.invoke(app, ["export", path, "people", str(file)])
    assert again.exit_code == 1
    assert "nothing is overwritten" in again.stderr
    assert runner.invoke(app, ["export", path, str(tmp_path / "all")]).exit_code == 0
    assert (tmp_path / "all" / "catalog.json").exists()


def test_provenance_names_all_layers_behind_variables(tiny):
    found = provenance_of(tiny, layers=(), variables=["no2", "speed_kmh"])
    assert set(found.owners) == {"Air", "Roads"}
    assert set(found.levels) == {"public", "internal"}
