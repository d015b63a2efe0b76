"""All lines near a point against shapely's distances, pair by pair."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_join.kernels.near_segments import lines_within, reach_of_nearest
from spatial_join.kernels.nearest_segment import segment_grid_of

place = st.tuples(st.integers(-20, 20), st.integers(-20, 20)).map(lambda p: (p[0] / 2.0, p[1] / 2.0))
lines = st.lists(st.lists(place, min_size=2, max_size=5), min_size=1, max_size=8)
points = st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), min_size=1, max_size=20)


@given(lines, points, st.floats(0.1, 50.0))
@settings(max_examples=200, deadline=None)
def test_all_within_a_distance(lines, points, radius):
    x, y = np.array(points).T.copy()
    shapes = np.array([shapely.LineString(line) for line in lines])
    near = lines_within(segment_grid_of(shapes), x, y, radius=np.full(x.size, radius))
    distances = shapely.distance(shapely.points(x, y)[:, None], shapes[None, :])
    sure = np.abs(distances - radius) > 1e-9
    found = np.zeros(distances.shape, dtype=bool)
    found[near.point, near.line] = True
    assert (found == (distances <= radius))[sure].all()
    assert len(near.point) == found.sum()
    assert np.allclose(near.distance, distances[near.point, near.line], atol=1e-9)
    feet = shapely.points(near.x, near.y)
    assert np.allclose(shapely.distance(feet, shapes[near.line]), 0.0, atol=1e-9)
    assert np.allclose(shapely.distance(feet, shapely.points(x, y)[near.point]), near.distance, atol=1e-9)


@given(lines, points, st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_the_kth_distance(lines, points, k):
    x, y = np.array(points).T.copy()
    shapes = np.array([shapely.LineString(line) for line in lines])
    reach = reach_of_nearest(segment_grid_of(shapes), x, y, k=k)
    distances = np.sort(shapely.distance(shapely.points(x, y)[:, None], shapes[None, :]), axis=1)
    expected = distances[:, k - 1] if k <= len(lines) else np.full(x.size, np.inf)
    np.testing.assert_allclose(reach, expected, atol=1e-9)


@pytest.mark.parametrize("threads", [1, 2])
def test_many_points_of_all_kinds(threads, rng):
    walks = np.cumsum(rng.normal(0, 8, (300, 6, 2)), axis=1) + rng.uniform(0, 500, (300, 1, 2)) + 3_340_000
    shapes = shapely.linestrings(walks)
    x, y = rng.uniform(-50, 550, (2, 40_000)) + 3_340_000
    x[7] = np.nan
    radius = rng.uniform(0, 40, x.size)
    radius[8] = np.nan
    near = lines_within(segment_grid_of(shapes), x, y, radius=radius, threads=threads)
    tree = shapely.STRtree(shapes)
    keep = np.isfinite(x) & np.isfinite(radius)
    at, to = tree.query(shapely.points(x[keep], y[keep]), predicate="dwithin", distance=radius[keep])
    expected = set(zip(np.flatnonzero(keep)[at].tolist(), to.tolist(), strict=True))
    assert set(zip(near.point.tolist(), near.line.tolist(), strict=True)) == expected
    assert np.isnan(reach_of_nearest(segment_grid_of(shapes), x[:10], y[:10], k=2)[7])
