"""Sharing amounts out, by hand and by the sum of all pieces."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_join import QuantityError, share_out


def frame(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="OGC:CRS84")


def test_a_building_across_two_squares_gets_of_both():
    squares = frame(
        [
            shapely.box(7.40, 43.73, 7.41, 43.74),
            shapely.box(7.41, 43.73, 7.42, 43.74),
            shapely.box(7.5, 43.7, 7.6, 43.8),
        ],
        people=[100.0, 200.0, 7.0],
    )
    houses = frame(
        [
            shapely.box(7.408, 43.732, 7.412, 43.734),  # half in each
            shapely.box(7.402, 43.736, 7.404, 43.738),
            shapely.box(7.414, 43.736, 7.416, 43.738),
        ],
        volume=[600.0, 100.0, np.nan],
    )
    shared = share_out(squares, houses, value="people", by="volume")
    assert shared["people"].tolist() == pytest.approx([75.0 + 200.0, 25.0, 0.0])
    assert shared.attrs["left_over"] == {2: 7.0}


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_nothing_is_lost_or_invented(seed):
    rng = np.random.default_rng(seed)
    at = rng.uniform([7.40, 43.70], [7.44, 43.74], (25, 2))
    houses = frame(shapely.box(at[:, 0], at[:, 1], at[:, 0] + 3e-3, at[:, 1] + 3e-3), by=rng.uniform(0, 5, 25))
    x, y = np.meshgrid(np.arange(7.38, 7.46, 0.01), np.arange(43.68, 43.76, 0.01))
    squares = frame(shapely.box(x.ravel(), y.ravel(), x.ravel() + 0.01, y.ravel() + 0.01), v=rng.uniform(0, 9, x.size))
    shared = share_out(squares, houses, value="v", by="by")
    whole = shared["v"].sum() + sum(shared.attrs["left_over"].values())
    assert whole == pytest.approx(squares["v"].sum(), rel=1e-12)
    assert (shared["v"] >= 0.0).all()


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ({"v": [1.0]}, {"value": "people"}, "no column 'people'"),
        ({"v": ["one"]}, {"value": "v"}, "must be an amount"),
        ({"v": [-1.0]}, {"value": "v"}, "at least 0, found -1 in row 0"),
        ({"v": [1.0]}, {"value": "v", "by": "size"}, "no column 'size'"),
        ({"taken": [1.0]}, {"value": "taken"}, "Both sides have"),
    ],
)
def test_what_is_shared_is_checked(columns, options, words):
    box = [shapely.box(7.40, 43.73, 7.41, 43.74)]
    with pytest.raises(QuantityError, match=words):
        share_out(frame(box, **columns), frame(box, taken=[1.0]), **options)
