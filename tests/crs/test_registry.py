"""Every definition has one published pipeline, or none: PROJ is never left to choose."""

from __future__ import annotations

import warnings

import numpy as np
import pyproj
import pytest
from pyproj.transformer import TransformerGroup

import crs
from crs.gauss_kruger import kernel_of
from crs.registry import Area, aliases, entry
from tests.reference import crs_layers as fake
from tests.reference import crs_projection as oracle

HUB = "OGC:CRS84"
RNG = np.random.default_rng(20261122)


def is_strip(code: str) -> bool:
    return code.startswith("EPSG:") and 4491 <= int(code[5:]) <= 4554


def inside(code: str, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    area = entry(code).area
    east = area.east + (360 if area.west > area.east else 0)
    lon = (RNG.uniform(area.west, east, count) + 180) % 360 - 180
    return lon, RNG.uniform(area.south, area.north, count)


# The strips of China are compared with EPSG one by one below; PROJ's search for operations is slow.
SEARCHED = [code for code in crs.definitions() if ":" in code and (not is_strip(code) or int(code[5:]) % 9 == 0)]
FAMILIES = {
    "CGCS2000": {(6, True): 4491, (6, False): 4502, (3, True): 4513, (3, False): 4534},
    "Xian 1980": {(6, True): 2327, (6, False): 2338, (3, True): 2349, (3, False): 2370},
    "Beijing 1954": {(6, True): 21413, (6, False): 21453, (3, True): 2401, (3, False): 2422},
}
CHINESE = {"CGCS2000": "国家2000", "Xian 1980": "西安80", "Beijing 1954": "北京54"}


@pytest.mark.parametrize("code", SEARCHED)
def test_a_registered_pipeline_is_the_published_one(code):
    """PROJ as referee: of the operations it lists, the registry's must be one, to a tenth of a millimetre."""
    lon, lat = inside(code)
    x, y = crs.transform(lon, lat, source=HUB, target=code, outside="nan")
    lon, lat = crs.transform(x, y, source=code, target=HUB, outside="nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = TransformerGroup(code, HUB, always_xy=True)
    worst = []
    for candidate in group.transformers:
        there_lon, there_lat = candidate.transform(x, y)
        apart = np.hypot((there_lon - lon) * np.cos(np.radians(lat)), there_lat - lat) * 111_320
        worst.append((np.nanmax(apart), candidate.accuracy))
    close = [accuracy for apart, accuracy in worst if apart < 1e-4]
    assert close, f"{code}: nearest of PROJ's operations is {min(worst)[0]} m away"
    stated = crs.operation(code, HUB).accuracy_m
    # PROJ says -1 (unknown) of what we declare as an identity; wherever it states an accuracy we state the same.
    assert stated in close or (set(close) == {-1.0} and stated > 0)


@pytest.mark.parametrize("datum", FAMILIES)
@pytest.mark.parametrize(("width", "numbered"), [(6, True), (6, False), (3, True), (3, False)])
def test_every_strip_is_epsgs_and_has_names_in_two_languages(datum, width, numbered):
    numbers = range(13, 24) if width == 6 else range(25, 46)
    for place, number in enumerate(numbers):
        code = FAMILIES[datum][width, numbered] + place
        meridian = 6 * number - 3 if width == 6 else 3 * number
        theirs = pyproj.CRS.from_epsg(code)
        parameters = {p.name: p.value for p in theirs.coordinate_operation.params}
        assert parameters["Longitude of natural origin"] == meridian
        assert parameters["False easting"] == 500_000 + (1_000_000 * number if numbered else 0)
        assert parameters["Scale factor at natural origin"] == 1
        assert [axis.direction for axis in theirs.axis_info] == ["north", "east"], "x is north in China; ours is east"
        english = f"zone {number}" if numbered else f"CM {meridian}E"
        chinese = f"第{number}带" if numbered else f"中央经线{meridian}°"
        spellings = [f"{datum} {width}-degree GK {english}", f"{CHINESE[datum]} {width}度带 {chinese}"]
        spellings += [f"{datum} {'三' if width == 3 else '六'}度带 {number}带"] if numbered else []
        assert {crs.definition(spelling).name for spelling in spellings} == {f"EPSG:{code}"}
        if datum != "CGCS2000":
            continue
        kernel = kernel_of(entry(f"EPSG:{code}").steps)
        assert (kernel.lon_0, kernel.scale, kernel.lat_0, kernel.y_0) == (meridian, 1.0, 0.0, 0.0)
        assert kernel.x_0 == parameters["False easting"]
        ellipsoid = theirs.ellipsoid
        assert (kernel.semi_major_m, kernel.inverse_flattening) == pytest.approx(
            (ellipsoid.semi_major_metre, ellipsoid.inverse_flattening), abs=1e-9
        )


@pytest.mark.parametrize(
    "text", ["CGCS2000 3度带 38", "CGCS2000 3度带 第46带", "CGCS2000 3度带 中央经线115", "西安80 4度带 38带"]
)
def test_a_strip_that_does_not_say_which_is_no_definition(text):
    with pytest.raises(crs.DefinitionError, match="not a known position definition"):
        crs.definition(text)


def test_columns_with_x_to_the_north_are_normal_in_china():
    layer = {"definition": "EPSG:4547", "columns": ["X", "Y"], "axes": "north,east"}
    good = crs.harmonise(fake.table(layer, ["2494000.00"], ["506000.00"]))
    assert good.coordinates.geometry[0].x == pytest.approx(114.058, abs=0.001)
    swapped = crs.harmonise(fake.table({**layer, "axes": "east,north"}, ["2494000.00"], ["506000.00"]))
    assert swapped.reasons[0].startswith("outside_area")


@pytest.mark.parametrize(
    ("code", "formula", "x", "y"),
    [
        ("EPSG:4807", oracle.paris_grads_to_wgs84, (5.5, 5.7), (48.5, 48.7)),
        ("EPSG:27573", oracle.lambert_iii_to_wgs84, (990_000, 1_015_000), (3_160_000, 3_185_000)),
        ("EPSG:3944", oracle.cc44_to_wgs84, (2_040_000, 2_060_000), (3_170_000, 3_185_000)),
        ("EPSG:2263", oracle.long_island_to_wgs84, (950_000, 1_060_000), (130_000, 260_000)),
    ],
)
def test_pipelines_agree_with_textbook_formulas(code, formula, x, y):
    x, y = RNG.uniform(*x, 50), RNG.uniform(*y, 50)
    lon, lat = crs.transform(x, y, source=code, target=HUB)
    expected = np.array([formula(*pair) for pair in zip(x, y, strict=True)])
    assert np.abs(lon - expected[:, 0]).max() < 1e-10
    assert np.abs(lat - expected[:, 1]).max() < 1e-10


def test_lambert_sud_is_lambert_zone_three_without_the_leading_three():
    carto = crs.transform([1_000_000.0], [3_170_000.0], source="EPSG:27573", target=HUB)
    sud = crs.transform([1_000_000.0], [170_000.0], source="EPSG:27563", target=HUB)
    assert np.allclose(carto, sud, rtol=0, atol=1e-12)


@pytest.mark.parametrize("code", ["EPSG:4610", "EPSG:2365", "EPSG:4555", "EPSG:4214", "EPSG:2437", "EPSG:21417"])
@pytest.mark.parametrize("target", [HUB, "EPSG:4490", "EPSG:4547"])
def test_old_chinese_datums_are_refused_and_never_moved_by_nothing(code, target):
    """PROJ moves Xian 1980 by 0 m without a word, and Beijing 1954 by another operation at each point."""
    with pytest.raises(crs.OperationRefusedError, match="refused"):
        crs.operation(code, target)
    with pytest.raises(crs.OperationRefusedError):
        crs.transform([114.05, 113.26], [22.54, 23.13], source=code, target=target)
    layer_is_named = crs.definition(code).name
    assert layer_is_named == code


def test_what_has_only_regional_operations_is_refused():
    with pytest.raises(crs.OperationRefusedError, match="regional"):
        crs.operation("EPSG:4267", HUB)


def test_a_frame_without_a_datum_is_refused():
    with pytest.raises(crs.OperationRefusedError, match="no published operation"):
        crs.transform([500_000.0], [4_800_000.0], source="+proj=utm +zone=32 +ellps=bessel", target=HUB)


@pytest.mark.parametrize(
    ("code", "accuracy_m"),
    [
        ("EPSG:32631", 0.0),
        ("EPSG:25832", 1.0),
        ("EPSG:3879", 1.0),
        ("EPSG:28992", 1.0),
        ("EPSG:27700", 2.0),
        ("EPSG:4547", 1.0),
        ("EPSG:27572", 2.0),
    ],
)
def test_other_codes_are_resolved_by_the_same_rules(code, accuracy_m):
    operation = crs.operation(code, HUB)
    assert operation.accuracy_m == accuracy_m
    assert "ballpark" not in operation.name.lower()


def test_aliases_mean_one_thing_and_are_no_codes():
    needing_parameters = {"EPSG:4214", "EPSG:4610"}
    assert set(aliases().values()) <= set(crs.definitions()) | needing_parameters
    assert not {alias for alias in aliases() if ":" in alias}


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (Area(0, 0, 10, 10), Area(0, 0, 10, 10), 1.0),
        (Area(0, 0, 10, 10), Area(20, 0, 30, 10), 0.0),
        (Area(170, 0, -170, 10), Area(175, 0, 180, 10), 1.0),
        (Area(170, 0, -170, 10), Area(-180, 0, -160, 10), 0.5),
        (Area(-180, -90, 180, 90), Area(170, 0, -170, 10), 1.0),
    ],
)
def test_areas_share_across_the_antimeridian(one, other, share):
    assert one.shared(other)[1] == pytest.approx(share)


@pytest.mark.parametrize("code", ["EPSG:2299", "EPSG:3145"])
def test_what_proj_has_no_way_for_is_refused_by_name(code):
    """pyproj answers with an IndexError where only ballparks lead to WGS 84, with its own error where nothing does."""
    with pytest.raises(crs.OperationRefusedError, match="is refused"):
        crs.operation(code, "OGC:CRS84")
