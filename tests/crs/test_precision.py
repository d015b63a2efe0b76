"""What digits tell: commas, dropped zeros, cut decimals, stand-ins for nothing; and sigmas that keep their promise."""

from __future__ import annotations

import functools
import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
from crs.digits import DigitCounts, printed_steps
from crs.sentinels import is_sentinel
from tests.reference.crs_layers import FakeLayer, shapes

DEGREE_M = 111_319.5
PLAIN = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}


def read(spec, *columns):
    """Harmonise a table of text or numbers."""
    arrays = tuple(
        np.asarray(column) if isinstance(column, np.ndarray) else np.array(column, dtype=object) for column in columns
    )
    done = crs.harmonise(FakeLayer("t", crs.definition(spec), crs.Fields(arrays)))
    points = [(np.nan, np.nan) if p is None else (p.x, p.y) for p in done.coordinates.geometry]
    return (
        np.array(points),
        done.coordinates.sigma_m,
        [crs.reason_code(reason) for reason in done.reasons],
        done.reasons,
    )


# --- commas and figures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("531234,5", None, 531234.5),
        ("531234,567", None, 531234.567),
        ("531234.5", ",", None),
        ("531234,5", ",", 531234.5),
        ("531.234,5", ",", 531234.5),
        ("531.234,5", None, 531234.5),
        ("531.234", ",", 531234.0),
        ("531,234", ",", 531.234),
        ("531,234", ".", 531234.0),
        ("531,234", None, "ambiguous_number"),
        ("1,531,234", None, 1531234.0),
        ("531,234.5", None, 531234.5),
        ("531 234,5", None, 531234.5),
        ("531 234.5", None, 531234.5),
        ("0,531", None, 0.531),
        ("531,23", ".", None),
        ("5,31,234", None, None),
        ("\uff15\uff13\uff11\uff12\uff13\uff14\uff0e\uff15", None, 531234.5),
        ("\u2212531234.5", None, -531234.5),
    ],
)
def test_a_comma_is_read_where_it_can_mean_one_thing(text, decimal, value):
    spec = {"definition": "EPSG:32632", "columns": ["x", "y"]} | ({"decimal": decimal} if decimal else {})
    _, _, codes, reasons = read(spec, [text], ["4844000.5" if decimal != "," else "4844000,5"])
    if value is None or isinstance(value, str):
        assert codes == [value or "unreadable"], reasons
    else:
        # UTM has a place for what lies within its zone; elsewhere the number is in the reason.
        shown = f"({value:.10g}, 4844000.5)"
        assert codes == [None] or shown in reasons[0]


def test_in_degrees_a_comma_has_one_meaning():
    points, sigma_m, codes, _ = read(PLAIN, ["7,425", "-7,4251"], ["43,7", "43,7002"])
    assert codes == [None, None]
    assert points.tolist() == [[7.425, 43.7], [-7.4251, 43.7002]]
    assert sigma_m[0] == pytest.approx(1e-4 * DEGREE_M * ((1 + np.cos(np.radians(43.7)) ** 2) / 24) ** 0.5, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("北纬\uff1a43度44分12,5秒", 43 + 44 / 60 + 12.5 / 3600),
        ("N: 43°44'12,5\"", 43 + 44 / 60 + 12.5 / 3600),
        ("43 44 12.5 North", 43 + 44 / 60 + 12.5 / 3600),
        ("North 43.5", 43.5),
        ("\uff14\uff13\u00b0\uff14\uff14\u2032\uff11\uff12\uff0e\uff15\u2033\uff2e", 43 + 44 / 60 + 12.5 / 3600),
        ("北纬43.7368°", 43.7368),
        ("43度44.2分", 43 + 44.2 / 60),
    ],
)
def test_more_spellings_of_degrees(text, value):
    spec = {"definition": "EPSG:4326", "notation": "dms", "axes": "lat,lon", "columns": ["lat", "lon"]}
    points, _, codes, _ = read(spec, [text], ["东经7度25分"])
    assert codes == [None]
    assert points[0] == pytest.approx([7 + 25 / 60, value], abs=1e-12)


@pytest.mark.parametrize(("text", "notation"), [("\uff14\uff13\uff14\uff14.\uff12", "nmea"), ("43,4412", "packed_dms")])
def test_receivers_and_packed_numbers_in_other_figures(text, notation):
    spec = {"definition": "EPSG:4326", "notation": notation, "axes": "lat,lon", "columns": ["lat", "lon"]}
    points, _, codes, _ = read(spec, [text], ["00725.0" if notation == "nmea" else "7.25"])
    assert codes == [None]
    assert points[0] == pytest.approx([7 + 25 / 60, 43 + 44.2 / 60], abs=1e-10)


@pytest.mark.parametrize(
    ("definition", "unit", "x", "y"),
    [
        ("EPSG:4326", "1e-5 degree", 742500, 4373700),
        ("EPSG:4326", "1e-6 degree", 7425000, 43737000),
        ("EPSG:4326", "1e-7 degree", 74250000, 437370000),
        ("EPSG:32632", "centimetre", 37312345, 484412345),
        ("EPSG:32632", "millimetre", 373123450, 4844123450),
        ("EPSG:32632", "foot", 373123.45 / 0.3048, 4844123.45 / 0.3048),
        ("EPSG:32632", "us_survey_foot", 373123.45 * 3937 / 1200, 4844123.45 * 3937 / 1200),
    ],
)
def test_scaled_numbers_are_the_plain_ones(definition, unit, x, y):
    plain = ([7.425], [43.737]) if definition == "EPSG:4326" else ([373123.45], [4844123.45])
    spec = {"definition": definition, "columns": ["x", "y"]}
    scaled, _, codes, _ = read(spec | {"unit": unit}, np.array([x]), np.array([y]))
    expected, _, _, _ = read(spec, np.array(plain[0]), np.array(plain[1]))
    assert codes == [None]
    assert np.allclose(scaled, expected, rtol=0, atol=1e-12)


def test_the_two_feet_differ_by_two_metres_at_three_million():
    spec = {"definition": "EPSG:2263", "columns": ["x", "y"]}
    survey, _, _, _ = read(spec, np.array([985000.0]), np.array([195000.0]))
    wrong, _, _, _ = read(spec | {"unit": "foot"}, np.array([985000.0]), np.array([195000.0]))
    assert crs.geodesy.distances_m(*survey[0], *wrong[0]) == pytest.approx(985000 * 0.3048 * 2e-6, rel=0.03)


# --- digits --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(count=st.integers(20, 3000), decimals=st.integers(3, 7), seed=st.integers(0, 99))
def test_dropped_zeros_are_no_lost_digits(count, decimals, seed):
    """Numbers of one precision, printed as programs do, without zeros at their end."""
    values = np.round(np.random.default_rng(seed).uniform(7, 8, count), decimals)
    printed = np.array([10.0 ** -len(repr(float(v)).partition(".")[2]) for v in values])
    step, coarse = DigitCounts.of(values, printed).judge().steps(printed)
    # One in a hundred such columns may look otherwise by chance; more than a few values never do.
    assert coarse.mean() < 0.05
    assert step.min() <= 10.0**-decimals * 1.0001 or count < 40


@pytest.mark.parametrize("as_text", [True, False])
def test_decimals_that_were_cut_are_found_by_their_count_and_become_sigma(as_text):
    """A third of the records lost all but four decimals: their sigma holds the cut, the others keep theirs."""
    rng = np.random.default_rng(6)
    lon, lat = rng.uniform((7.42, 0.0), (7.43, 0.01), (3000, 2)).T
    cut = np.arange(3000) % 3 == 0
    kept = [np.where(cut, np.floor(part * 1e4) / 1e4, np.round(part, 7)) for part in (lon, lat)]
    columns = [[repr(round(float(v), 7)) for v in part] if as_text else np.round(part, 7) for part in kept]
    points, sigma_m, _, _ = read(PLAIN, *columns)
    assert np.median(sigma_m[cut]) == pytest.approx(1e-4 * DEGREE_M / 3**0.5, rel=1e-2)
    assert np.median(sigma_m[~cut]) < 0.01
    off_m = crs.geodesy.distances_m(lon, lat, *points.T)
    assert np.mean(off_m[cut] <= crs.radius_95(sigma_m[cut])) > 0.95
    assert np.mean(off_m[~cut] <= crs.radius_95(sigma_m[~cut])) > 0.95


def test_kept_zeros_make_every_digit_count():
    texts = [f"7.4{i:03d}00" for i in range(60)] + ["7.41", "7.4234"]
    _, sigma_m, _, _ = read(PLAIN, texts, ["0.100000"] * 62)
    assert sigma_m[60] > 100 * sigma_m[0]
    assert sigma_m[61] == pytest.approx(1e-4 * DEGREE_M / 3**0.5 / 2**0.5, rel=1e-2)


@pytest.mark.parametrize("sign", [1, -1])
def test_declared_cuts_are_moved_back_by_half_a_step(sign):
    """Digits were cut: the truth lies farther from zero, on either side of it."""
    rng = np.random.default_rng(8)
    lon, lat = sign * rng.uniform((7.42, 43.0), (7.43, 43.01), (20_000, 2)).T
    texts = [[f"{'-' if sign < 0 else ''}{int(abs(v) * 1e4) / 1e4:.4f}" for v in part] for part in (lon, lat)]
    cut, sigma_m, _, _ = read(PLAIN | {"truncated": True}, *texts)
    plain, _, _, _ = read(PLAIN, *texts)
    assert np.abs((cut - np.column_stack([lon, lat])).mean(axis=0)).max() < 1e-6
    assert (plain - np.column_stack([lon, lat])).mean(axis=0) == pytest.approx([-sign * 5e-5] * 2, rel=0.02)
    off = (cut - np.column_stack([lon, lat])) * DEGREE_M * [np.cos(np.radians(43.0)), 1]
    assert sigma_m[0] == pytest.approx(np.sqrt(np.mean(off**2)), rel=0.01)


def test_geometries_cannot_be_uncut():
    with pytest.raises(crs.PositionContradictionError, match="truncated True, found geometries"):
        crs.harmonise(shapes({"definition": "EPSG:4326", "truncated": True}, shapely.Point(7.4, 43.7)))


# --- stand-ins for nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        ("0", "0", "null_island"),
        ("0.0", "-0.0", "null_island"),
        ("-999", "-999", "sentinel"),
        ("9999", "9999", "sentinel"),
        ("99.9999", "99.9999", "sentinel"),
        ("116.3", "99.9999", "sentinel"),
        ("99.9999", "31.2", None),
        ("181", "91", "sentinel"),
        ("116.3", "91", "outside_area"),
        ("-999.9", "31.2", "sentinel"),
        ("214.7483647", "31.2", "outside_area"),
        ("1e20", "1e20", "sentinel"),
        ("0", "51.5", None),
        ("9.9", "9.9", None),
        ("43.7", "107.4", "outside_area"),
        (None, "0", "missing"),
    ],
)
def test_what_stands_for_nothing_has_its_own_code(x, y, code):
    points, _, codes, _ = read(PLAIN, ["116.39", x], ["39.9", y])
    assert codes == [None, code]
    assert np.isnan(points[1]).all() == (code is not None)


def test_scaled_and_projected_stand_ins():
    spec = PLAIN | {"unit": "1e-7 degree"}
    _, _, codes, _ = read(spec, np.array([74250000, 0, 2147483647, -999]), np.array([437370000, 0, 2147483647, -999]))
    assert codes == [None, "null_island", "sentinel", "sentinel"]
    feet = {"definition": "EPSG:2263", "columns": ["x", "y"]}
    _, _, codes, _ = read(feet, np.array([999999.0, 999999, 0, 985000]), np.array([195000.0, 999999, 0, 195000]))
    assert codes == [None, "sentinel", "null_island", None]
    done = crs.harmonise(shapes("EPSG:4326", shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])))
    assert [crs.reason_code(reason) for reason in done.reasons] == ["null_island", None]


@pytest.mark.parametrize("unit", ["1e-7 degree", "1e-6 degree", "1e-5 degree"])
@pytest.mark.parametrize("kind", [float, object, "pair"])
def test_degrees_among_scaled_whole_numbers_do_not_land_at_null_island(unit, kind):
    factor = 10 ** int(unit[3])
    lon, lat = (np.round(np.array(part) * factor) for part in ([114.05, 114.06, 0.0003, 114.07], [22.54] * 4))
    lon, lat = (
        np.append(part, more) for part, more in ((lon, [114.05, 114.0, -1, lon[0]]), (lat, [22.54, 22, -1, 22.5]))
    )
    spec, columns = PLAIN | {"unit": unit}, (lon, lat)
    if kind is object:
        columns = tuple([str(value) for value in part.tolist()] for part in columns)
    if kind == "pair":
        spec = {"definition": "EPSG:4326", "notation": "pair", "columns": ["at"], "unit": unit}
        columns = ([f"{x!r},{y!r}" for x, y in zip(lon.tolist(), lat.tolist(), strict=True)],)
    points, sigma_m, codes, reasons = read(spec, *columns)
    assert codes == [None] * 4 + ["unreadable", "sentinel", "sentinel", "unreadable"]
    assert "fraction of plain degrees" in reasons[4]
    assert unit in reasons[5]
    assert points[2] == pytest.approx([0.0003, 22.54], abs=1e-12), "at the meridian of Greenwich there are places"
    alone = read(spec, *(column[:4] for column in columns))[1]
    assert (sigma_m[:4] == alone).all(), "what is refused tells nothing of the digits of the others"


def test_a_fraction_of_a_unit_that_was_counted_is_kept():
    points, _, codes, _ = read(PLAIN | {"unit": "1e-5 degree"}, ["11405000.5"], ["2254000.25"])
    assert (codes, points[0].tolist()) == ([None], pytest.approx([114.050005, 22.5400025]))
    cad = {"definition": "EPSG:4547", "columns": ["x", "y"], "unit": "millimetre"}
    assert read(cad, np.array([500_000_123.5]), np.array([2_490_000_000.25]))[2] == [None]


def test_minus_one_in_degrees_is_a_place():
    points, _, codes, _ = read(PLAIN, ["-1", "2.5"], ["-1", "3.5"])
    assert codes == [None, None]
    assert points[0].tolist() == [-1.0, -1.0]


def test_a_swap_of_axes_is_told():
    _, _, codes, reasons = read(PLAIN, ["39.9", "7.4"], ["116.39", "43.7"])
    assert codes == ["outside_area", None]
    assert reasons[0].endswith("with both swapped it lies inside")


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 9), st.integers(0, 6), st.booleans())
def test_nines_of_any_length(whole, decimals, negative):
    text = "9" * whole + ("." + "9" * decimals if decimals else "")
    value = float(text) * (-1 if negative else 1)
    assert is_sentinel(np.array([value]))[0] == (whole >= 2)
    assert not is_sentinel(np.array([value * 0.987]))[0]


WRITTEN = ["7,4", "7.4251", "7.42510", "0", "-999", "7.42", "x", "1,234", ""]


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(st.sampled_from(WRITTEN), min_size=2, max_size=30),
    share=st.floats(0, 1),
    notation=st.sampled_from(["decimal", "dms", "packed_dms", "nmea"]),
)
def test_no_place_depends_on_its_neighbours(texts, share, notation):
    """A dataset in two partitions gives the places and reasons that it has in one: only sigma is judged by columns."""
    at = int(share * len(texts))
    spec = PLAIN | {"notation": notation}
    whole, _, codes, _ = read(spec, texts, ["43.5"] * len(texts))
    parts = [read(spec, part, ["43.5"] * len(part)) for part in (texts[:at], texts[at:]) if part]
    assert np.array_equal(np.concatenate([part[0] for part in parts]), whole, equal_nan=True)
    assert [code for part in parts for code in part[2]] == codes


# --- the promise ---------------------------------------------------------------------------------------------------


def decimal(lon, lat, *, decimals):
    return {}, *(np.round(part, decimals) for part in (lon, lat))


def cut(lon, lat):
    return {"truncated": True}, *(np.round(np.floor(part * 1e5) / 1e5, 5) for part in (lon, lat))


def scaled(lon, lat):
    return {"unit": "1e-7 degree"}, *(np.round(part * 1e7).astype(np.int64) for part in (lon, lat))


def projected(lon, lat, *, unit, per_metre, decimals):
    x, y = crs.transform(lon, lat, source="OGC:CRS84", target="EPSG:32632")
    written = (np.round(part * per_metre, decimals) for part in (x, y))
    return {"definition": "EPSG:32632", "unit": unit}, *written


def texts(part, step, form):
    return np.array([form(t) for t in np.round(part * step).astype(np.int64).tolist()], dtype=object)


def dms(lon, lat):
    def form(t):
        return f"{t // 36000}°{t // 600 % 60}'{t % 600 / 10:.1f}\""

    return {"notation": "dms"}, *(texts(part, 36000, form) for part in (lon, lat))


def whole_seconds(lon, lat):
    def form(t):
        return f"{t // 3600}°{t // 60 % 60:02d}'{t % 60:02d}\""

    return {"notation": "dms"}, *(texts(part, 3600, form) for part in (lon, lat))


def packed(lon, lat):
    def form(t):
        return f"{t // 36000}.{t // 600 % 60:02d}{t % 600:03d}"

    return {"notation": "packed_dms"}, *(texts(part, 36000, form) for part in (lon, lat))


def nmea(lon, lat):
    def form(t):
        return f"{t // 60000:03d}{t % 60000 / 1000:06.3f}"

    return {"notation": "nmea"}, *(texts(part, 60000, form) for part in (lon, lat))


#: Ways of writing positions: each gives what to declare, and two columns.
NOTATIONS = {
    "decimal 5": functools.partial(decimal, decimals=5),
    "decimal 6": functools.partial(decimal, decimals=6),
    "cut 5": cut,
    "1e-7 degree": scaled,
    "utm dm": functools.partial(projected, unit="metre", per_metre=1.0, decimals=1),
    "utm cm": functools.partial(projected, unit="centimetre", per_metre=100.0, decimals=0),
    "us foot": functools.partial(projected, unit="us_survey_foot", per_metre=3937 / 1200, decimals=0),
    "dms": dms,
    "whole seconds": whole_seconds,
    "packed": packed,
    "nmea": nmea,
}


def test_regions_of_95_percent_hold_the_truth_on_a_million_records():
    """Sigma from 1 to 50 m in eleven notations: together and one by one, wherever noise outweighs the last digit.

    Where the last digit outweighs the noise, errors fill a box and not a circle: then the region holds more.
    """
    rng = np.random.default_rng(11)
    sigmas = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
    each = 1_000_000 // (len(NOTATIONS) * len(sigmas)) + 1
    held, total, spent = 0, 0, 0.0
    for notation, write in NOTATIONS.items():
        for sigma_m in sigmas:
            lon, lat = rng.uniform((7.40, 43.70), (7.50, 43.80), (each, 2)).T
            east_m, north_m = rng.normal(0, sigma_m, (2, each))
            spec, *columns = write(*crs.geodesy.move_m(lon, lat, east_m=east_m, north_m=north_m))
            layer = FakeLayer("t", crs.definition(PLAIN | {"sigma_m": sigma_m} | spec), crs.Fields(tuple(columns)))
            start = time.process_time()
            done = crs.harmonise(layer)
            spent += time.process_time() - start
            x, y = shapely.get_coordinates(done.coordinates.geometry).T
            assert len(x) == each
            inside = crs.geodesy.distances_m(lon, lat, x, y) <= crs.radius_95(done.coordinates.sigma_m)
            rounding_m = (np.median(done.coordinates.sigma_m) ** 2 - sigma_m**2) ** 0.5
            share = inside.mean()
            assert share > 0.93, (notation, sigma_m, share)
            assert share < 0.97 or rounding_m > sigma_m * 0.9, (notation, sigma_m, share)
            held, total = held + int(inside.sum()), total + each
    assert total >= 1_000_000
    assert 0.93 < held / total < 0.97
    assert spent < 60


# --- a column in parts ---------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(
    decimals=st.lists(st.integers(0, 6), min_size=1, max_size=60),
    repeats=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    seed=st.integers(0, 9),
)
def test_digits_counted_in_parts_are_those_of_the_whole(decimals, repeats, cuts, seed):
    rng = np.random.default_rng(seed)
    values = np.array([round(float(v), d) for v, d in zip(rng.uniform(7, 8, len(decimals)), decimals, strict=True)])
    values = rng.permutation(np.repeat(values, repeats))
    whole = DigitCounts.of(values, printed_steps(values))
    merged = DigitCounts()
    for part in rng.permuted(np.arange(len(cuts) + 1)):
        piece = np.split(values, sorted(min(c, len(values)) for c in cuts))[part]
        merged = merged.merge(DigitCounts.of(piece, printed_steps(piece)))
    distinct = {}
    for value in {float(v) for v in values}:
        level = 10.0 ** -len(repr(value).partition(".")[2].rstrip("0"))
        distinct[level] = distinct.get(level, 0) + 1
    assert whole.counts == distinct == merged.counts
    assert merged.judge() == whole.judge()


def test_many_distinct_numbers_are_counted_within_two_percent():
    values = np.random.default_rng(3).uniform(7, 8, 400_000).round(7)
    steps = np.full(len(values), 1e-7)
    halves = [DigitCounts.of(part, steps[: len(part)]) for part in (values[:250_000], values[150_000:])]
    whole = DigitCounts.of(values, steps)
    assert halves[0].merge(halves[1]).counts == whole.counts
    assert whole.counts[1e-7] == pytest.approx(len(np.unique(values)), rel=0.02)


SCALED = PLAIN | {"unit": "1e-6 degree"}


@pytest.mark.parametrize("as_text", [True, False])
def test_scaled_numbers_that_end_in_zeros_had_fewer_decimals(as_text):
    """A quarter of the records were known to four decimals before they were multiplied by a million."""
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform((114.0, 22.5), (114.1, 22.6), (4000, 2)).T
    short = np.arange(4000) % 4 == 0
    columns = [np.round(np.where(short, np.round(v, 4), v) * 1e6).astype(np.int64) for v in (lon, lat)]
    columns[0][7] = columns[1][7] = 0
    columns[0][9] = columns[1][9] = -999
    written = [column.astype(str).astype(object) for column in columns] if as_text else columns
    points, sigma_m, codes, _ = read(SCALED, *written)
    assert (codes[7], codes[9]) == ("null_island", "sentinel")
    good = ~np.isin(np.arange(4000), [7, 9])
    assert np.median(sigma_m[short & good]) == pytest.approx(1e-4 * DEGREE_M / 3**0.5 * 0.963, rel=0.01)
    assert np.median(sigma_m[~short & good]) < 0.1
    off_m = crs.geodesy.distances_m(lon[good], lat[good], *points[good].T)
    assert np.mean(off_m[short[good]] <= crs.radius_95(sigma_m[short & good])) > 0.95


def test_scaled_numbers_that_all_end_in_zeros_are_as_good_as_their_last_figure():
    numbers = np.arange(114_050_000, 114_150_000, 1000)
    _, sigma_m, _, _ = read(SCALED, numbers, numbers - 91_500_000)
    _, plain_m, _, _ = read(PLAIN, np.round(numbers / 1e6, 3), np.round(numbers / 1e6 - 91.5, 3))
    assert sigma_m == pytest.approx(plain_m, rel=1e-9)
    _, few_m, _, _ = read(SCALED, numbers[:3], numbers[:3] - 91_500_000)
    assert few_m.max() < 0.1, "three numbers that end in zeros are no evidence"


# --- both numbers in one column ------------------------------------------------------------------------------------

PAIR = {"definition": "EPSG:4326", "notation": "pair", "columns": ["place"]}


@pytest.mark.parametrize(
    "text",
    ["114.05,22.54", "POINT(114.05 22.54)", "point z (114.05 22.54 7)", "(114.05; 22.54)", "[114.05, 22.54]",
     "114.05 22.54", "\uff11\uff11\uff14.05\uff0c22.54"],
)  # fmt: skip
def test_a_pair_in_one_column_is_a_point(text):
    points, sigma_m, codes, reasons = read(PAIR, [text])
    assert codes == [None], reasons
    assert points.tolist() == [[114.05, 22.54]]
    assert sigma_m[0] > 100


def test_pairs_have_an_order_digits_and_reasons():
    texts = ["22.540000,114.050000", None, "x", "22.5", "22.5,", "0,0", "-999,-999", "114.05,22.54"]
    points, sigma_m, codes, reasons = read(PAIR | {"axes": "lat,lon"}, texts)
    nothing = ["missing", "unreadable", "unreadable", "unreadable", "null_island", "sentinel", "outside_area"]
    assert codes == [None, *nothing]
    assert points[0].tolist() == [114.05, 22.54]
    assert "'x' is not two numbers; write for instance 114.05,22.54" in reasons[2]
    columns = read(PLAIN, [None if i else "114.050000" for i in range(8)], ["22.540000"] * 8)
    assert sigma_m[0] == columns[1][0]


def test_a_pair_takes_one_column_and_points():
    for wrong in ({"columns": ["x", "y"]}, {"decimal": ","}):
        with pytest.raises(crs.DefinitionError):
            crs.definition(PAIR | wrong)
