"""Volumes by cell and band: nothing lost, and by hand."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from crs.geodesy import areas_m2
from spatial_join import GeometryError, H3Grid, volume_weights, weights

EDGES = [-10.0, 0.0, 3.0, 10.0, 30.0, 100.0, 400.0]


@given(seed=st.integers(0, 2**32 - 1), resolution=st.sampled_from([7, 9, 11, 12]))
@settings(deadline=None, max_examples=40)
def test_nothing_is_lost_or_invented(seed, resolution):
    rng = np.random.default_rng(seed)
    at = rng.uniform([7.40, 43.70], [7.42, 43.72], (20, 2))
    shapes = shapely.buffer(shapely.points(at), rng.uniform(1e-4, 1e-3, 20), quad_segs=2)
    base = rng.uniform(-10, 20, 20)
    top = base + rng.uniform(0.1, 300, 20)
    shapes[3], base[4] = None, np.nan
    found = volume_weights(shapes, base, top, grid=H3Grid(resolution), edges_m=EDGES)
    kept = np.setdiff1d(np.arange(20), [3, 4])
    np.testing.assert_allclose(np.bincount(found.row, weights=found.share, minlength=20)[kept], 1.0, rtol=1e-12)
    volume = np.bincount(found.row, weights=found.volume_m3, minlength=20)
    np.testing.assert_allclose(volume[kept], (areas_m2(shapes[kept]) * (top - base)[kept]), rtol=1e-6)
    assert not np.isin(found.row, [3, 4]).any()
    amount = rng.uniform(0, 9, 20)
    assert found.spread(amount)["amount"].sum() == pytest.approx(amount[kept].sum(), rel=1e-9)
    flat = weights(shapes[kept], H3Grid(resolution))
    assert set(found.cell.tolist()) == set(flat.cell.tolist())
    low = np.maximum(np.array(EDGES)[found.band], base[found.row])
    high = np.minimum(np.array(EDGES)[found.band + 1], top[found.row])
    assert (high > low).all()


def test_what_has_no_volume_is_refused():
    box = [shapely.box(7.42, 43.73, 7.43, 43.74)]
    grid = H3Grid(9)
    with pytest.raises(GeometryError, match=r"above its floor: row 0, first from 5 to 5 m"):
        volume_weights(box, [5.0], [5.0], grid=grid, edges_m=EDGES)
    with pytest.raises(GeometryError, match=r"beyond the bands.*Widen the bands to 0 and 500 m"):
        volume_weights(box, [0.0], [500.0], grid=grid, edges_m=EDGES)
    with pytest.raises(GeometryError, match="ascending"):
        volume_weights(box, [0.0], [5.0], grid=grid, edges_m=[0.0])
    with pytest.raises(GeometryError, match="pass one of each"):
        volume_weights(box, [0.0, 1.0], [5.0], grid=grid, edges_m=EDGES)
    with pytest.raises(GeometryError, match="One amount per record"):
        volume_weights(box, [0.0], [5.0], grid=grid, edges_m=EDGES).spread([1.0, 2.0])
