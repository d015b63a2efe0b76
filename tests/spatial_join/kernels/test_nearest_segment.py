"""Nearest lines against a loop over all of them, and against geopandas."""

import math

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_join.errors import GeometryError, JoinError
from spatial_join.kernels import nearest_segment
from spatial_join.kernels.nearest_segment import build_segment_grid, nearest, segment_grid_of
from tests.reference.kernels_exact import nearest_line

place = st.tuples(st.integers(-20, 20), st.integers(-20, 20)).map(lambda p: (p[0] / 2.0, p[1] / 2.0))
lines = st.lists(st.lists(place, min_size=2, max_size=5), min_size=1, max_size=8)
points = st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), min_size=1, max_size=20)


@given(lines, points, st.sampled_from([0.0, 1.0, 7.5, math.inf]))
@settings(max_examples=300, deadline=None)
def test_as_a_loop_over_all_lines(lines, points, radius):
    x, y = np.array(points).T
    found = nearest(segment_grid_of([shapely.LineString(line) for line in lines]), x, y, radius=radius)
    for i, point in enumerate(points):
        line, distance, _ = nearest_line(lines, point, radius * (1 - 1e-12))
        if line < 0:
            assert found.line[i] == -1 or found.distance[i] == pytest.approx(radius)
            continue
        assert found.distance[i] == pytest.approx(distance, abs=1e-9)
        # Where two lines are equally near but for rounding, either will do, but its fraction must lead to the place.
        chosen = shapely.LineString(lines[found.line[i]])
        assert 0.0 <= found.fraction[i] <= 1.0
        there = shapely.line_interpolate_point(chosen, found.fraction[i], normalized=True)
        assert there.distance(shapely.Point(point)) == pytest.approx(distance, abs=1e-6)
        assert there.distance(shapely.Point(found.x[i], found.y[i])) == pytest.approx(0.0, abs=1e-6)
        others = [shapely.LineString(other).distance(shapely.Point(point)) for other in lines]
        del others[found.line[i]]
        if others and min(others) <= min(distance + 1e-12, radius):
            assert found.second[i] == pytest.approx(distance, abs=1e-9)
        else:
            assert found.second[i] >= min([*others, math.inf]) - 1e-9


def test_the_lowest_of_equally_near_lines_wins():
    grid = segment_grid_of([shapely.LineString([(0, y), (10, y)]) for y in (4.0, 2.0, 2.0, 0.0)])
    assert nearest(grid, [5.0, 5.0, 5.0], [3.0, 2.0, 1.0]).line.tolist() == [0, 1, 1]


@pytest.fixture(params=["as they come", "sorted by tile"])
def order_of_work(request, monkeypatch):
    monkeypatch.setattr(nearest_segment, "_STRETCH", 500)
    monkeypatch.setattr(nearest_segment, "_SORTED_STRETCH", 700)
    cache = 1e12 if request.param == "as they come" else 0
    monkeypatch.setattr(nearest_segment, "second_level_cache", lambda: cache)


@pytest.mark.usefixtures("order_of_work")
@pytest.mark.parametrize("radius", [5.0, 40.0])
def test_as_geopandas(radius):
    rng = np.random.default_rng(12)
    walks = np.cumsum(rng.normal(0, 8, (300, 6, 2)), axis=1) + rng.uniform(0, 500, (300, 1, 2)) + 3_340_000
    streets = shapely.linestrings(walks)
    x, y = rng.uniform(-50, 550, (2, 3000)) + 3_340_000
    found = nearest(segment_grid_of(streets), x, y, radius=radius)
    left, right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y)), gpd.GeoDataFrame(geometry=streets)
    joined = gpd.sjoin_nearest(left, right, max_distance=radius, distance_col="distance")
    joined = joined[~joined.index.duplicated()]
    assert 100 < len(joined) < len(x) or radius == 40.0
    assert (np.flatnonzero(found.line >= 0) == joined.index.to_numpy()).all()
    hit = found.line >= 0
    assert np.allclose(found.distance[hit], joined["distance"], rtol=1e-9, atol=1e-9)
    assert (found.line[hit] == joined["index_right"].to_numpy()).mean() > 0.999  # all but ties
    assert np.isnan(found.distance[~hit]).all()
    assert np.isnan(found.fraction[~hit]).all()


def test_a_multiline_runs_through_its_parts():
    two_parts = shapely.MultiLineString([[(0, 0), (10, 0)], [(20, 0), (30, 0)]])
    grid = segment_grid_of([None, two_parts, shapely.LineString()])
    found = nearest(grid, [5.0, 25.0, 40.0], [1.0, 1.0, 0.0])
    assert found.line.tolist() == [1, 1, 1]
    assert found.distance.tolist() == [1.0, 1.0, 10.0]
    assert found.fraction.tolist() == [0.25, 0.75, 1.0]


def test_lines_without_length_and_points_that_are_none():
    grid = segment_grid_of([shapely.LineString([(1, 1), (1, 1)])])
    found = nearest(grid, [1.0, math.nan, 1.0, math.inf], [4.0, 1.0, math.nan, 1.0])
    assert found.line.tolist() == [0, -1, -1, -1]
    assert found.distance[0] == 3.0
    assert found.fraction[0] == 0.0


@pytest.mark.parametrize("none", [[], [None], [shapely.LineString()]])
def test_no_lines_are_near_nothing(none):
    assert nearest(segment_grid_of(none), [0.0], [0.0]).line.tolist() == [-1]


def test_points_far_outside_find_the_way():
    grid = segment_grid_of([shapely.LineString([(0, 0), (1, 0)]), shapely.LineString([(0, 9), (1, 9)])])
    found = nearest(grid, [1e9, -1e9, 0.5], [0.0, 9.0, 1e9])
    assert found.line.tolist() == [0, 1, 1]
    assert found.distance.tolist() == pytest.approx([1e9 - 1, 1e9, 1e9 - 9])


def test_the_answer_does_not_depend_on_threads():
    rng = np.random.default_rng(13)
    grid = segment_grid_of(shapely.linestrings(rng.uniform(0, 100, (400, 3, 2))))
    x, y = rng.uniform(0, 100, (2, 70_000))
    for a, b in zip(nearest(grid, x, y, threads=1), nearest(grid, x, y, threads=2), strict=True):
        assert (a == b).all()


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(GeometryError, match="first at row 0: Point"):
        segment_grid_of([shapely.Point(0, 0)])
    with pytest.raises(GeometryError, match="Vertex 1 is"):
        build_segment_grid(np.array([[0.0, 0], [np.inf, 0]]), [0, 2])
    grid = segment_grid_of([shapely.LineString([(0, 0), (1, 0)])])
    with pytest.raises(JoinError, match="radius is -1"):
        nearest(grid, [0.0], [0.0], radius=-1.0)
    with pytest.raises(JoinError, match="2 x but 1 y"):
        nearest(grid, [0.0, 1.0], [0.0])
