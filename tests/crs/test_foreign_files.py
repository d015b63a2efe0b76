"""Texts of frames that lead to files are refused, wherever they come from, and nothing is opened."""

import geopandas as gpd
import pyproj
import pytest
import shapely

import crs
import layers

GRID_SHIFT = pyproj.CRS("+proj=longlat +ellps=intl +nadgrids=secret.gsb +type=crs")
LEADING = {
    "nadgrids": "+proj=longlat +ellps=intl +nadgrids=@secret.gsb +no_defs",
    "second": "+proj=merc +nadgrids=@null,secret.gsb",
    "geoid": "+proj=utm +zone=32 +geoidgrids=/data/secret.gtx",
    "pipeline": "+proj=pipeline +step +proj=utm +zone=32 +step +proj=tinshift +file=secret.json",
    "init": "+init=/data/secret:1",
    "wkt 2": GRID_SHIFT.to_wkt(),
    "wkt 1": GRID_SHIFT.to_wkt("WKT1_GDAL"),
    "projjson": GRID_SHIFT.to_json(),
}


@pytest.mark.parametrize("text", LEADING.values(), ids=LEADING)
def test_a_text_that_leads_to_a_file_is_refused(text):
    with pytest.raises(crs.DefinitionError, match=r"names a file .*write an authority code") as caught:
        crs.definition(text)
    assert "secret" in str(caught.value) or "pipeline" in str(caught.value)
    with pytest.raises(crs.DefinitionError, match="names a file"):
        crs.definition({"definition": text, "columns": ["x", "y"]})


@pytest.mark.parametrize("form", [GRID_SHIFT, GRID_SHIFT.to_json_dict()])
def test_so_is_what_is_no_text(form):
    with pytest.raises(crs.DefinitionError, match="names a file"):
        crs.definition(form)


def test_so_is_a_vertical_datum():
    with pytest.raises(crs.DefinitionError, match="names a file"):
        crs.vertical_definition("+proj=longlat +geoidgrids=secret.gtx +vunits=m")


@pytest.mark.parametrize("code", ["EPSG:3857", "EPSG:2263", "EPSG:7415", "EPSG:5773", "EPSG:27700", "EPSG:31370"])
@pytest.mark.parametrize("dialect", ["WKT1_GDAL", "WKT1_ESRI", "WKT2_2019"])
def test_what_programs_write_for_frames_that_all_know_is_taken(code, dialect):
    try:
        text = pyproj.CRS(code).to_wkt(dialect)
    except pyproj.exceptions.CRSError:
        pytest.skip("has no such text")
    if code == "EPSG:5773":
        assert crs.vertical_definition(text).name == code
    else:
        crs.definition(text)


def test_a_file_whose_label_leads_to_a_file_says_what_to_write(tmp_path):
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(7, 43)], crs=GRID_SHIFT)
    frame.to_parquet(tmp_path / "stops.parquet")
    with pytest.raises(crs.DefinitionError, match=r"stops.*names a file"):
        layers.read(tmp_path / "stops.parquet")
    given = layers.read(tmp_path / "stops.parquet", position="OGC:CRS84", options=layers.ReadOptions(trust="declared"))
    assert given.position.name == "OGC:CRS84"
