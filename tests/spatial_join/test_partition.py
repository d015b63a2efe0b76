"""Parts: every record in one of them, none too large, and no pair of parts forgotten."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from spatial_join import partition


@pytest.fixture
def skewed(rng):
    n = 5000
    centre = np.where(rng.random((n, 1)) < 0.9, [[7.42, 43.73]], [[7.0, 43.5]])
    return centre + rng.normal(0, 0.01, (n, 2))


@pytest.mark.parametrize("way", ["parents", "curve"])
def test_every_record_is_in_one_part_that_is_not_too_large(skewed, monkeypatch, way):
    monkeypatch.setattr(partition, "LARGEST_PART", 300)
    x, y = skewed.T
    x[13] = np.nan
    parts = partition.by_parent(x, y, 5) if way == "parents" else partition.along_curve(x, y)
    assert sorted(np.concatenate(parts)) == [i for i in range(5000) if i != 13]
    assert max(map(len, parts)) <= 300


def test_a_curve_stays_close(skewed, monkeypatch):
    monkeypatch.setattr(partition, "LARGEST_PART", 300)
    areas = [np.prod(np.ptp(skewed[rows], axis=0)) for rows in partition.along_curve(*skewed.T)]
    assert np.median(areas) < 0.01 * np.prod(np.ptp(skewed, axis=0))


def test_small_parts_are_put_together_and_heavy_ones_split(monkeypatch):
    monkeypatch.setattr(partition, "LARGEST_PART", 10)
    monkeypatch.setattr(partition, "MOST_VERTICES", 100)
    parts = [np.array([9, 1]), np.array([2]), np.array([3, 4, 5]), np.array([0, 6, 7, 8])]
    vertices = np.array([40, 10, 10, 20, 20, 20, 40, 300, 10])
    vertices = np.append(vertices, 10)
    made = partition.packed(parts, vertices)
    assert sorted(np.concatenate(made)) == list(range(10))
    assert all((np.diff(rows) > 0).all() for rows in made)
    assert all(len(rows) == 1 or vertices[rows].sum() <= 100 for rows in made)
    assert len(made) < 10


def test_nothing_to_part():
    none = np.empty(0)
    assert [len(rows) for rows in partition.stretches(0)] == [0]
    assert [len(rows) for rows in partition.by_parent(none, none, 5)] == [0]
    assert [len(rows) for rows in partition.along_curve(none, none)] == [0]
    box = partition.boxes_of(np.array([None, shapely.Point()]), [np.array([0, 1])])
    assert [len(found) for found in partition.meeting(box, box)] == [0]


def test_what_is_not_known_meets_everything():
    unknown, known = np.full((1, 4), np.nan), np.array([[0.0, 0.0, 1.0, 1.0]])
    assert partition.meeting(unknown, known)[0].tolist() == [0]
    assert partition.meeting(known, unknown, distance_m=5.0)[0].tolist() == [0]
    assert partition.meeting(known, known + 90.0, distance_m=None)[0].tolist() == [0]


@settings(max_examples=200, deadline=None)
@given(lon=st.floats(-179, 179), lat=st.floats(-80, 80), bearing=st.floats(0, 360), distance_m=st.floats(0.01, 200_000))
def test_parts_within_a_distance_are_not_forgotten(lon, lat, bearing, distance_m):
    """The geodesic of PROJ is the referee: a place that far away is still met."""
    to_lon, to_lat, _ = Geod(ellps="WGS84").fwd(lon, lat, bearing, distance_m)
    if abs(to_lon - lon) > 180.0:
        return  # over the antimeridian, which joins refuse
    one, other = np.array([[lon, lat, lon, lat]]), np.array([[to_lon, to_lat, to_lon, to_lat]])
    assert partition.meeting(one, other, distance_m=distance_m)[0].tolist() == [0]
    assert partition.meeting(one, other, distance_m=0.3 * distance_m)[0].tolist() == []
