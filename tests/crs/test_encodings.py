"""Reading what people write: every promised spelling, and a reason for everything else."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
from tests.reference.crs_angles import angle, hundredths, spellings
from tests.reference.crs_layers import table

SECOND_M = 111_319.5 / 3600


def read(position, *columns):
    """Harmonise a table and return longitude, latitude, sigma and reasons."""
    done = crs.harmonise(table(position, *columns))
    points = [(np.nan, np.nan) if p is None else (p.x, p.y) for p in done.coordinates.geometry]
    return np.array(points), done.coordinates.sigma_m, done.reasons


def dms(*columns, **more):
    return read(
        {"definition": "EPSG:4326", "notation": "dms", "axes": "lat,lon", "columns": ["lat", "lon"]} | more, *columns
    )


latitudes = st.integers(1, 90 * 360000)
longitudes = st.integers(0, 180 * 360000)


@settings(deadline=None, max_examples=150)
@given(lat=latitudes, lon=longitudes, south=st.booleans(), west=st.booleans())
def test_every_promised_spelling_is_read_exactly(lat, lon, south, west):
    lats = spellings(lat, "S" if south else "N", "南纬" if south else "北纬")
    lons = spellings(lon, "W" if west else "E", "西经" if west else "东经")
    points, sigma_m, reasons = dms(lats, lons)
    assert reasons.tolist() == [None] * len(lats)
    assert np.allclose(points[:, 0], angle(lon, sign=-1 if west else 1), rtol=0, atol=1e-11)
    assert np.allclose(points[:, 1], angle(lat, sign=-1 if south else 1), rtol=0, atol=1e-11)
    # A hundredth of a second is the last digit: about 0.3 m north, rounded uniformly, less than that east.
    assert (sigma_m <= 0.01 * SECOND_M / 12**0.5 + 1e-9).all()
    assert (sigma_m >= 0.01 * SECOND_M / 12**0.5 / 2**0.5 - 1e-9).all()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("43.5", 43.5),
        ("43.5°N", 43.5),
        ("43°30'", 43.5),
        ("43 30.6 N", 43.51),
        ("-0°30'", -0.5),
        ("-43:30:36", -43.51),
        ("\u221243°30'36\"", -43.51),
        ("43 30 36S", -43.51),
        ("43d30m36s", 43.51),
        ("43D 30M 36S N", 43.51),
        ("43deg30min36sec S", -43.51),
        ("北緯43度30分36秒", 43.51),
        ("  n43°30'36''  ", 43.51),
        (43.5, 43.5),
        (43, 43.0),
    ],
)
def test_spellings_by_hand(text, value):
    points, _, reasons = dms([text], ["7°0'0\"E"])
    assert reasons[0] is None
    assert points[0, 1] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "missing: lat is empty"),
        ("", "missing: lat is empty"),
        (float("nan"), "missing: lat is empty"),
        ("NaN", "missing: lat is empty"),
        ("n/a", "missing: lat is empty"),
        ("43°60'00\"N", "60 minutes or more"),
        ("43°30'60\"N", "60 seconds or more"),
        ("43°30.5'20\"N", "decimals before its last part"),
        ("N43°30'N", "two hemispheres"),
        ("-43°30'S", "a minus and the hemisphere S"),
        ("43°30'E", "says E in a column of latitudes"),
        ("43°30'O", "west in French and east in German"),
        ("17925", "is not degrees, minutes, seconds"),
        ("434412", "is not degrees, minutes, seconds"),
        ("43°4412N", "is not degrees, minutes, seconds"),
        ("43°30''N", "is not degrees, minutes, seconds"),
        ("43d44", "is not degrees, minutes, seconds"),
        ("forty", "is not degrees, minutes, seconds"),
        ("43°30'20\"N junk", "is not degrees"),
        ("1e5", "is not degrees"),
        ("inf", "is not degrees"),
        ("91°N", "outside_area"),
    ],
)
def test_a_bad_value_gets_a_reason_and_spoils_no_other(text, said):
    points, sigma_m, reasons = dms(["43°30'36\"N", text, "43°30'36\"N"], ["7°0'0\"E"] * 3)
    assert said in reasons[1]
    assert reasons[[0, 2]].tolist() == [None, None]
    assert np.isnan(points).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(sigma_m).tolist() == [False, True, False]


@settings(deadline=None, max_examples=200)
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=8))
def test_no_text_whatever_raises_or_passes_in_silence(texts):
    for notation in ("decimal", "dms", "nmea", "packed_dms", "packed_ddmmss"):
        position = {"definition": "EPSG:4326", "notation": notation, "columns": ["lon", "lat"]}
        points, sigma_m, reasons = read(position, texts, ["1"] * len(texts))
        placed = ~np.isnan(points).any(axis=1)
        assert [reason is None for reason in reasons] == placed.tolist()
        assert np.isfinite(sigma_m[placed]).all()


@settings(deadline=None, max_examples=150)
@given(lat=st.integers(1, 90 * 600000), lon=st.integers(0, 180 * 600000), south=st.booleans(), west=st.booleans())
def test_nmea_in_two_columns_and_in_four(lat, lon, south, west):
    """Units are ten-thousandths of a minute, as receivers print them."""
    lat_d, lat_m = divmod(lat, 600000)
    lon_d, lon_m = divmod(lon, 600000)
    lat_text, lon_text = f"{lat_d:02d}{lat_m / 10000:07.4f}", f"{lon_d:03d}{lon_m / 10000:07.4f}"
    ns, ew = "NS"[south], "EW"[west]
    spec = {"definition": "EPSG:4326", "notation": "nmea", "axes": "lat,lon"}
    four, sigma_m, _ = read(spec | {"columns": ["a", "b", "c", "d"]}, [lat_text], [ns], [lon_text], [ew])
    two, _, _ = read(spec | {"columns": ["a", "c"]}, [f"{lat_text},{ns}"], [f"{lon_text}{ew}"])
    expected = [lon / 600000 * (-1 if west else 1), lat / 600000 * (-1 if south else 1)]
    assert np.allclose(four[0], expected, rtol=0, atol=1e-11)
    assert np.allclose(two[0], expected, rtol=0, atol=1e-11)
    assert sigma_m[0] <= 0.0001 / 60 * 111_319.5 / 12**0.5 + 1e-9


def test_nmea_numbers_have_lost_their_leading_zeros():
    spec = {"definition": "EPSG:4326", "notation": "nmea", "axes": "lat,lon", "columns": ["lat", "lon"]}
    layer = table(spec)
    layer = type(layer)("probes", layer.position, crs.Fields((np.array([4344.25, 4360.0]), np.array([725.5, 0.5]))))
    done = crs.harmonise(layer)
    assert done.coordinates.geometry[0].x == pytest.approx(7.425, abs=1e-12)
    assert done.coordinates.geometry[0].y == pytest.approx(43.7375, abs=1e-12)
    assert "60 minutes" in done.reasons[1]


def test_nmea_without_a_hemisphere_letter_is_missing_one():
    spec = {"definition": "EPSG:4326", "notation": "nmea", "axes": "lat,lon", "columns": ["a", "b", "c", "d"]}
    _, _, reasons = read(spec, ["4344.2", "4344.2", None], ["N", None, "N"], ["00725.5"] * 3, ["E"] * 3)
    assert reasons[0] is None
    assert "no hemisphere letter" in reasons[1]
    assert "missing: a is empty" in reasons[2]


@settings(deadline=None, max_examples=150)
@given(lat=latitudes, lon=longitudes, negative=st.booleans())
def test_packed_in_both_ways(lat, lon, negative):
    sign = "-" if negative else ""
    values = []
    for units in (lon, lat):
        d, m, s, c = hundredths(units)
        values.append((f"{sign}{d}.{m:02d}{s:02d}{c:02d}", f"{sign}{d:02d}{m:02d}{s:02d}.{c:02d}"))
    expected = [angle(lon, sign=-1 if negative else 1), angle(lat, sign=-1 if negative else 1)]
    for place, notation in enumerate(("packed_dms", "packed_ddmmss")):
        spec = {"definition": "EPSG:4326", "notation": notation, "columns": ["lon", "lat"]}
        points, _, reasons = read(spec, [values[0][place]], [values[1][place]])
        assert reasons[0] is None
        assert np.allclose(points[0], expected, rtol=0, atol=1e-11)


def test_packed_numbers_survive_their_binary_form():
    """43.4412 is stored as 43.441199999999995: read digit by digit it would be 11.99..., or 60 seconds elsewhere."""
    spec = {"definition": "EPSG:4326", "notation": "packed_dms", "columns": ["lon", "lat"]}
    layer = table(spec)
    numbers = np.array([43.4412, 43.3, 7.0])
    done = crs.harmonise(type(layer)("t", layer.position, crs.Fields((numbers, numbers))))
    found = [point.x for point in done.coordinates.geometry]
    assert found == pytest.approx([43 + 44 / 60 + 12 / 3600, 43.5, 7.0], abs=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [("43,74,1", "write digits and a decimal point"), ("1_000", "is not a number"), ("0x10", "is not a number"),
     ("nan", "missing"), ("inf", "is not a number"), ("1e400", "too large"), ("7.4.2", "is not a number")],
)  # fmt: skip
def test_decimals_are_read_strictly(text, said):
    _, _, reasons = read({"definition": "EPSG:4326", "columns": ["lon", "lat"]}, [text], ["43.7"])
    assert said in reasons[0]


@pytest.mark.parametrize(("text", "value"), [("7", 7.0), ("-7.5", -7.5), ("+.5", 0.5), ("7.", 7.0), ("75e-1", 7.5)])
def test_decimals_in_their_forms(text, value):
    points, _, _ = read({"definition": "EPSG:4326", "columns": ["lon", "lat"]}, [text], ["43.7"])
    assert points[0, 0] == value


def test_scaled_integers_and_grads_and_feet():
    scaled, sigma_m, _ = read(
        {"definition": "EPSG:4326", "unit": "1e-7 degree", "columns": ["x", "y"]}, [74250000], [437370000]
    )
    assert scaled[0] == pytest.approx([7.425, 43.737], abs=1e-13)
    assert sigma_m[0] < 0.01
    degrees, _, _ = read({"definition": "EPSG:4807", "unit": "degree", "columns": ["x", "y"]}, ["5.076"], ["43.74"])
    grads, _, _ = read({"definition": "EPSG:4807", "columns": ["x", "y"]}, ["5.64"], ["48.6"])
    assert np.allclose(degrees, grads, rtol=0, atol=1e-12)
    metres, _, _ = read({"definition": "EPSG:2263", "unit": "metre", "columns": ["x", "y"]}, ["300000"], ["60000"])
    feet, _, _ = read({"definition": "EPSG:2263", "columns": ["x", "y"]}, ["984250"], ["196850"])
    assert np.allclose(metres, feet, rtol=0, atol=1e-12)


def test_the_order_of_axes_is_that_of_the_columns():
    swapped, _, _ = read({"definition": "EPSG:2263", "axes": "y,x", "columns": ["n", "e"]}, ["195000"], ["985000"])
    straight, _, _ = read({"definition": "EPSG:2263", "columns": ["e", "n"]}, ["985000"], ["195000"])
    assert swapped.tolist() == straight.tolist()


def test_rounding_is_of_the_finest_digit_of_the_column():
    """A dropped trailing zero says nothing, so 7.4 beside 7.4251 was not rounded to a tenth."""
    spec = {"definition": "EPSG:4326", "columns": ["lon", "lat"], "sigma_m": 3}
    _, fine, _ = read(spec, ["7.4", "7.4251"], ["0.0", "0.1234"])
    step_m = 1e-4 * 111_319.5 / 12**0.5
    assert fine == pytest.approx((9 + step_m**2) ** 0.5, rel=1e-6)
    _, coarse, _ = read(spec | {"sigma_m": 0}, [7.4, 7.5], [0.0, 0.5])
    assert coarse == pytest.approx(0.1 * 111_319.5 / 12**0.5, rel=1e-4)
    _, exact, _ = read(spec, np.array([1 / 3, 2 / 3]), np.array([1 / 7, 2 / 7]))
    assert exact == pytest.approx(3.0)


def test_single_precision_is_a_rounding_too():
    layer = table({"definition": "EPSG:4326", "columns": ["lon", "lat"]})
    numbers = np.array([-73.95, -73.951234], dtype=np.float32)
    done = crs.harmonise(type(layer)("t", layer.position, crs.Fields((numbers, np.zeros(2)))))
    step_m = 2.0**-17 * 111_319.5
    # Latitude 0 was printed without decimals as far as anyone can tell: a degree, which outweighs all else.
    assert done.coordinates.sigma_m[0] > 1000
    done = crs.harmonise(type(layer)("t", layer.position, crs.Fields((numbers, np.array([1 / 7, 2 / 7])))))
    assert done.coordinates.sigma_m == pytest.approx([step_m / 12**0.5 / 2**0.5] * 2, rel=1e-3)


def test_a_power_of_ten_moves_the_last_digit():
    spec = {"definition": "EPSG:32632", "columns": ["x", "y"]}
    _, sigma_m, _ = read(spec, ["3730e2"], ["484400e1"])
    assert sigma_m[0] == pytest.approx(((100**2 + 10**2) / 2 / 12) ** 0.5)


def test_rounding_shrinks_east_with_the_cosine():
    spec = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}
    _, sigma_m, _ = read(spec, ["7.4251", "7.4251"], ["0.0001", "60.0001"])
    ratio = (sigma_m[1] / sigma_m[0]) ** 2
    assert ratio == pytest.approx((1 + 0.25) / 2, rel=1e-3)


def test_polylines():
    spec = {"definition": "EPSG:4326", "notation": "polyline", "columns": ["p"]}
    done = crs.harmonise(table(spec, [
        "40.7,-73.9 40.8,-73.8",
        "40.7,-73.9;40.8,-73.8; 40.9,-73.7",
        "40.7,-73.9",
        "40.7,-73.9 40.8",
        "40.7,-73.9 40.8,-73.8,1",
        "40.7 -73.9, 40.8",
        None,
        "40.7,-73.9 400.8,-73.8",
    ]))  # fmt: skip
    lines = [None if line is None else np.array(line.coords).tolist() for line in done.coordinates.geometry]
    assert lines[0] == [[-73.9, 40.7], [-73.8, 40.8]]
    assert len(lines[1]) == 3
    assert lines[2:] == [None] * 6
    said = ["readable pair", "pair 2 '40.8'", "pair 2", "pair 1 '40.7'", "missing: p is empty", "outside_area"]
    assert all(text in reason for text, reason in zip(said, done.reasons[2:], strict=True))


def test_a_polyline_that_the_publisher_cut_loses_its_last_pair_only_if_that_is_declared():
    text = "40.7,-73.9 40.8,-73.8 40.9,-7"
    spec = {"definition": "EPSG:4326", "notation": "polyline", "columns": ["p"]}
    plain = crs.harmonise(table(spec, [text]))
    assert len(plain.coordinates.geometry[0].coords) == 3
    cut = crs.harmonise(table(spec | {"cut_at": len(text)}, [text, text[:-8]]))
    assert [len(line.coords) for line in cut.coordinates.geometry] == [2, 2]


def test_a_hundred_thousand_rows_of_degrees_minutes_seconds_take_a_second():
    rng = np.random.default_rng(3)
    units = rng.integers(43 * 360000, 44 * 360000, 100_000)
    texts = np.array([f"43°{u // 6000 % 60:02d}'{u % 6000 / 100:05.2f}\"N" for u in units], dtype=object)
    start = time.process_time()
    points, _, reasons = dms(texts, np.full(100_000, "7°25'23.20\"E", dtype=object))
    spent = time.process_time() - start
    assert (reasons == None).all()  # noqa: E711
    assert points.shape == (100_000, 2)
    # It takes a quarter of it; the rest is room for a busy machine.
    assert spent < 2.0
