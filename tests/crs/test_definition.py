"""What a position may be written as, and what is said to who writes it wrong."""

from __future__ import annotations

import json

import pyproj
import pytest

import crs

ESRI_PRJ = (
    'PROJCS["NAD_1983_StatePlane_New_York_Long_Island_FIPS_3104_Feet",GEOGCS["GCS_North_American_1983",'
    'DATUM["D_North_American_1983",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",984250.0],'
    'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",-74.0],PARAMETER["Standard_Parallel_1",'
    '40.66666666666666],PARAMETER["Standard_Parallel_2",41.03333333333333],PARAMETER["Latitude_Of_Origin",'
    '40.16666666666666],UNIT["Foot_US",0.3048006096012192]]'
)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("OGC:CRS84", "OGC:CRS84"),
        ("wgs84", "OGC:CRS84"),
        ("epsg:2263", "EPSG:2263"),
        (" EPSG:3035 ", "EPSG:3035"),
        ("CGCS2000", "EPSG:4490"),
        ("Lambert zone III", "EPSG:27573"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84"),
        ("urn:ogc:def:crs:EPSG::3944", "EPSG:3944"),
        ("https://www.opengis.net/def/crs/EPSG/0/2263", "EPSG:2263"),
        (ESRI_PRJ, "EPSG:2263"),
        (pyproj.CRS("EPSG:32632"), "EPSG:32632"),
        (pyproj.CRS("EPSG:3035").to_wkt("WKT1_GDAL"), "EPSG:3035"),
        (pyproj.CRS("EPSG:3035").to_json_dict(), "EPSG:3035"),
        (pyproj.CRS("OGC:CRS84").to_json(), "OGC:CRS84"),
        ({"definition": "EPSG:4807"}, "EPSG:4807"),
    ],
)
def test_many_spellings_have_one_name(spec, name):
    assert crs.definition(spec).name == name


def test_content_decides_and_not_the_name_in_the_text():
    renamed = ESRI_PRJ.replace("NAD_1983_StatePlane_New_York_Long_Island_FIPS_3104_Feet", "my_grid")
    moved = ESRI_PRJ.replace("984250.0", "984251.0")
    assert crs.equivalent(renamed, "EPSG:2263")
    assert crs.definition(moved).name != "EPSG:2263"
    assert not crs.equivalent(moved, "EPSG:2263")


def test_a_code_that_the_content_does_not_bear_out_is_not_believed():
    honest = pyproj.CRS("EPSG:32632").to_wkt("WKT1_GDAL")
    lying = honest.replace('"central_meridian",9', '"central_meridian",10')
    assert lying != honest
    assert crs.definition(lying).name != "EPSG:32632"
    assert not crs.equivalent(lying, "EPSG:32632")


@pytest.mark.parametrize("dialect", ["WKT1_ESRI", "WKT1_GDAL", "WKT2_2019"])
@pytest.mark.parametrize("code", [code for code in crs.definitions() if ":" in code and code[:7] != "EPSG:45"])
def test_every_definition_is_known_again_from_its_text(code, dialect):
    text = pyproj.CRS(code).to_wkt(dialect)
    if text is None:
        pytest.skip(f"{dialect} cannot say {code}")
    assert crs.equivalent(text, code)
    if code != "OGC:CRS84":  # old WKT has no axes, so it cannot tell CRS84 from EPSG:4326
        assert crs.definition(text).name == code


def test_a_compound_is_its_horizontal_part_and_a_tag():
    rd = crs.definition("EPSG:7415")
    assert (rd.name, rd.crs, rd.vertical) == ("EPSG:7415", "EPSG:28992", "EPSG:5709")
    joined = crs.definition("EPSG:3944+5720")
    assert (joined.crs, joined.vertical) == ("EPSG:3944", "EPSG:5720")
    assert crs.describe_vertical(joined) == "NGF-IGN69 height (EPSG:5720)"
    assert crs.definition("EPSG:4979").crs == "EPSG:4326"
    assert crs.describe_vertical(crs.definition("EPSG:4979")).startswith("height above the ellipsoid")
    assert crs.describe_vertical(crs.definition("EPSG:2263")) == "unresolved"


def test_the_mapping_of_a_table():
    spec = {"definition": "EPSG:4326", "notation": "dms", "axes": "lat, lon", "columns": ["b", "l"], "sigma_m": 5}
    air = crs.definition(spec)
    assert (air.kind, air.crs, air.axes, air.notation) == ("coordinates", "EPSG:4326", "lat,lon", "dms")
    assert (air.columns, air.sigma_m, air.unit, air.status) == (("b", "l"), 5.0, "degree", "declared")
    assert crs.definition({"definition": "EPSG:2263"}).unit == "us_survey_foot"
    assert crs.definition({"definition": "EPSG:4807"}).unit == "grad"
    assert crs.definition({"definition": "EPSG:2263", "axes": "northing,easting"}).axes == "lat,lon"


def test_the_mappings_of_indirect_positions():
    linear = crs.definition({"along": "streets", "key": "sid", "columns": ["sid", "ch"], "unit": "km", "sigma_m": 8})
    assert (linear.kind, linear.name, linear.crs) == ("linear", "streets+chainage", None)
    assert (linear.reference, linear.key, linear.unit) == ("streets", "sid", "km")
    register = crs.definition({"register": "sites", "key": "id", "columns": "SiteID"})
    assert (register.kind, register.name, register.columns) == ("register", "sites[id]", ("SiteID",))


def test_a_polyline_is_by_custom_latitude_first():
    spec = {"definition": "EPSG:4326", "notation": "polyline", "columns": ["p"]}
    assert crs.definition(spec).axes == "lat,lon"
    assert crs.definition(spec | {"axes": "lon,lat"}).axes == "lon,lat"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "empty"),
        ("EPSG:999999", "not a known position definition"),
        ("somewhere", "crs.definitions()"),
        (2263, "found int"),
        ({"columns": ["x", "y"]}, "exactly one of"),
        ({"definition": "EPSG:4326", "along": "streets"}, "exactly one of"),
        ({"definition": "EPSG:4326", "colums": ["x", "y"]}, "unknown 'colums'"),
        ({"definition": "EPSG:4326", "axes": "up"}, "axes 'up'"),
        ({"definition": "EPSG:4326", "notation": "roman"}, "notation 'roman'"),
        ({"definition": "EPSG:4326", "columns": ["only"]}, "takes 2 columns"),
        ({"definition": "EPSG:4326", "unit": "metre"}, "does not fit EPSG:4326"),
        ({"definition": "EPSG:4326", "unit": "cubit"}, "'cubit' is not known"),
        ({"definition": "EPSG:2263", "notation": "dms"}, "notation: decimal"),
        ({"definition": "EPSG:4807", "notation": "dms"}, "notation: decimal"),
        ({"definition": "EPSG:4326", "sigma_m": -1}, "sigma_m -1"),
        ({"definition": "EPSG:4326", "sigma_m": "5 m"}, "sigma_m '5 m'"),
        ({"definition": "EPSG:4326", "cut_at": 255}, "notation: polyline"),
        ({"definition": "EPSG:4326", "status": "sure"}, "status 'sure'"),
        ({"along": "streets", "columns": ["a", "b"]}, "lacks `key:`"),
        ({"along": "streets", "key": "id", "columns": ["a"]}, "the id and the chainage"),
        ({"along": "streets", "key": "id", "columns": ["a", "b"], "unit": "degree"}, "must be a length"),
        ({"register": "sites", "key": "id", "columns": []}, "takes 1 columns"),
        ("EPSG:5709", "where on the earth"),
    ],
)
def test_what_is_not_understood_is_named_with_what_to_write(spec, said):
    with pytest.raises(crs.DefinitionError) as caught:
        crs.definition(spec)
    assert said in str(caught.value)


def test_a_definition_is_returned_as_it_is():
    position = crs.definition("EPSG:2263")
    assert crs.definition(position) is position


def test_tokens_are_of_content_only():
    one, other = crs.definition("EPSG:2263"), crs.definition({"definition": "epsg:2263"})
    assert one == other
    assert one.__dask_tokenize__() == other.__dask_tokenize__()
    assert one.__dask_tokenize__() != crs.definition("EPSG:6539").__dask_tokenize__()
    assert json.dumps(one.__dask_tokenize__())
