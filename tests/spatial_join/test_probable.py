"""The probability of a match against points thrown at random, and its calibration against kept truth."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from crs.local import local_projection
from spatial_join import GeometryError, JoinError, join, join_probable

LON, LAT = 7.42, 43.73
PLANE = local_projection([LON, LON], [LAT, LAT])


def laid(shapes):
    """Take metres around the sample city to degrees."""
    return shapely.transform(
        np.atleast_1d(np.asarray(shapes, dtype=object)), lambda at: np.column_stack(PLANE.inverse(at[:, 0], at[:, 1]))
    )


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=laid(shapes), crs="OGC:CRS84")


corner = st.tuples(st.integers(-60, 60), st.integers(-60, 60))


@given(ring=st.lists(corner, min_size=3, max_size=7, unique=True), at=corner, sigma_m=st.floats(3.0, 40.0))
@settings(deadline=None, max_examples=80)
def test_a_polygon_holds_the_share_of_thrown_points(ring, at, sigma_m):
    shape = shapely.make_valid(shapely.Polygon(ring))
    shape = shapely.MultiPolygon([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])
    if shape.area < 1.0:
        return
    holed = shapely.difference(shape, shapely.Point(0, 0).buffer(11.0, quad_segs=2))
    if holed.geom_type not in {"Polygon", "MultiPolygon"} or holed.is_empty:
        return
    found = join_probable(frame(shapely.points([at])), frame([holed]), sigma_m=sigma_m)
    thrown = np.array(at) + np.random.default_rng(0).normal(0.0, sigma_m, (40_000, 2))
    share = shapely.contains_xy(holed, thrown[:, 0], thrown[:, 1]).mean()
    assert found.matches["probability"].sum() == pytest.approx(share, abs=0.012)
    assert found.none.iloc[0] == pytest.approx(1.0 - found.matches["probability"].sum(), abs=1e-9)


def test_half_planes_by_hand():
    right = frame([shapely.box(0, -900, 900, 900)])
    found = join_probable(frame(shapely.points([[0, 0], [10, 0], [-20, 0], [0.0, 500.0]])), right, sigma_m=10.0)
    np.testing.assert_allclose(found.matches["probability"], [0.5, 0.841344746, 0.022750132, 0.5], atol=1e-5)


def test_what_overlaps_counts_once():
    boxes = [shapely.box(-100, -100, 100, 100), shapely.box(-50, -50, 50, 50), shapely.box(300, 300, 310, 310)]
    found = join_probable(frame(shapely.points([[100, 0]])), frame(boxes, name=["big", "small", "far"]), sigma_m=20.0)
    assert found.matches["name"].tolist() == ["big", "small"]
    assert found.matches["probability"].iloc[0] == pytest.approx(0.5, abs=1e-4)
    assert found.none.iloc[0] == pytest.approx(0.5, abs=1e-4)


def test_an_exact_point_is_in_what_holds_it():
    blocks = frame([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)])
    left = frame(shapely.points([[5, 5], [50, 50], [np.nan, np.nan]]), sigma_m=[0.0, np.nan, 3.0])
    found = join_probable(left, blocks)
    assert found.matches["probability"].tolist() == [1.0]
    assert found.none.tolist()[:2] == [0.0, 1.0]
    assert np.isnan(found.none.iloc[2])


def calibrated(stated, true, *, within):
    """Compare stated probabilities with how often they come true, in bins of at least 1,000."""
    bins = np.clip((stated * 10).astype(int), 0, 9)
    checked = 0
    for one in np.unique(bins):
        here = bins == one
        if here.sum() >= 1000:
            checked += 1
            assert true[here].mean() == pytest.approx(stated[here].mean(), abs=within)
    assert checked >= 5


def test_matches_with_polygons_come_true_as_often_as_stated(rng):
    x, y = np.meshgrid(np.arange(-600, 600, 60.0), np.arange(-600, 600, 60.0))
    kept = rng.random(x.size) < 0.7  # gaps, so that none happens
    blocks = frame(shapely.box(x.ravel(), y.ravel(), x.ravel() + 60, y.ravel() + 60)[kept])
    truth = rng.uniform(-500, 500, (20_000, 2))
    sigma_m = rng.uniform(1.0, 50.0, 20_000)
    left = frame(shapely.points(truth + rng.normal(0, 1, truth.shape) * sigma_m[:, None]), sigma_m=sigma_m)
    found = join_probable(left, blocks)
    really = join(frame(shapely.points(truth)), blocks)["index_right"]
    table = found.matches.assign(true=really.reindex(found.matches.index).to_numpy() == found.matches["index_right"])
    calibrated(table["probability"].to_numpy(), table["true"].to_numpy(), within=0.02)
    nowhere = ~np.isin(np.arange(20_000), really.index)
    calibrated(found.none.to_numpy(), nowhere, within=0.02)
    sums = table.groupby(level=0)["probability"].sum().reindex(left.index, fill_value=0.0) + found.none
    np.testing.assert_allclose(sums, 1.0, atol=1e-6)
    hard = join(left, blocks)["index_right"].reindex(left.index)
    assert brier(table, really, left.index) <= brier(
        pd.DataFrame({"index_right": hard, "probability": 1.0}).dropna(), really, left.index
    )


def brier(matches, really, index):
    """Mean squared error of all stated probabilities, those of matches that were not named included."""
    right = really.reindex(index)
    hit = matches["index_right"].to_numpy() == right.loc[matches.index].to_numpy()
    stated = matches["probability"].to_numpy()
    missed = right.notna().sum() - hit.sum()
    return (((stated - hit) ** 2).sum() + missed) / len(index)


def test_matches_with_lines_come_true_as_often_as_stated(rng):
    streets = [shapely.LineString([(at, -600), (at, 600)]) for at in range(-600, 601, 40)]
    streets += [shapely.LineString([(-600, at), (600, at)]) for at in range(-600, 601, 75)]
    lengths = np.full(len(streets), 1200.0)
    which = rng.choice(len(streets), 20_000, p=lengths / lengths.sum())
    along = rng.uniform(0, 1200, which.size)
    truth = shapely.get_coordinates(shapely.line_interpolate_point(np.array(streets)[which], along))
    astray = rng.random(which.size) < 0.1
    truth[astray] = rng.uniform(-600, 600, (astray.sum(), 2))
    sigma_m = rng.uniform(4.0, 25.0, which.size)
    left = frame(shapely.points(truth + rng.normal(0, 1, truth.shape) * sigma_m[:, None]), sigma_m=sigma_m)
    found = join_probable(left, frame(streets), stray=0.1)
    true = (found.matches["index_right"].to_numpy() == which[found.matches.index]) & ~astray[found.matches.index]
    calibrated(found.matches["probability"].to_numpy(), true, within=0.02)


@pytest.mark.parametrize(
    ("left", "options", "error", "words"),
    [
        ({}, {}, JoinError, "no column sigma_m and no"),
        ({"sigma_m": [3.0]}, {"sigma_m": 3.0}, JoinError, "both a column"),
        ({"sigma_m": [-3.0]}, {}, GeometryError, "row 0, first -3 m"),
    ],
)
def test_the_error_is_said_once(left, options, error, words):
    with pytest.raises(error, match=words):
        join_probable(frame(shapely.points([[0, 0]]), **left), frame([shapely.box(0, 0, 1, 1)]), **options)


def test_what_can_be_matched_is_checked():
    line, box = shapely.LineString([(0, 0), (9, 9)]), shapely.box(0, 0, 9, 9)
    with pytest.raises(GeometryError, match="LineString in row 0 of the left"):
        join_probable(frame([line]), frame([box]), sigma_m=3.0)
    with pytest.raises(GeometryError, match="right side mixes"):
        join_probable(frame(shapely.points([[0, 0]])), frame([line, box]), sigma_m=3.0)
    with pytest.raises(GeometryError, match=r"sigma_m is 0 in row 0.*nearest"):
        join_probable(frame(shapely.points([[0, 0]])), frame([line]), sigma_m=0.0)
    with pytest.raises(JoinError, match="share between 0 and 1"):
        join_probable(frame(shapely.points([[0, 0]])), frame([line]), sigma_m=5.0, stray=0.0)
