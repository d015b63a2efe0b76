"""Rasters whose pixels are rectangles are cut row by row; the same pixels cut one by one are the oracle."""

import numpy as np
import pytest
import shapely

from crs import Lattice
from spatial_join import H3Grid, weights
from spatial_join.rectangles import pixel_shares
from tests.reference.join_weights import shares


def pixels_of(lattice):
    """Every pixel as a polygon, which takes the way of polygons."""
    x, y = lattice.corner_x, lattice.corner_y
    corners = [np.stack([x[j, i], y[j, i]], axis=-1) for j, i in _corners()]
    return shapely.polygons(np.stack(corners, axis=2).reshape(-1, 4, 2))


def _corners():
    low, high = slice(None, -1), slice(1, None)
    return (low, low), (low, high), (high, high), (high, low)


def uneven(rng, ny, nx, *, step, place=(7.42, 43.73), south_up=False):
    """A raster of rows and columns of different widths."""
    lon = place[0] + np.cumsum(rng.uniform(0.3, 1.7, nx + 1)) * step
    lat = place[1] + np.cumsum(rng.uniform(0.3, 1.7, ny + 1)) * step * (1 if south_up else -1)
    return Lattice(*np.meshgrid(lon, lat))


def assert_same(found, oracle):
    """The same pieces; one that is a rounding error wide may be in either alone."""
    keys = [np.rec.fromarrays([w.row[w.share > 1e-9], w.cell[w.share > 1e-9]]) for w in (found, oracle)]
    assert np.array_equal(*keys)
    for name in ("share", "support"):
        one, other = (getattr(w, name)[w.share > 1e-9] for w in (found, oracle))
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9 if name == "share" else 1e-4)
    assert np.array_equal(np.lexsort((found.cell, found.row)), np.arange(len(found)))
    np.testing.assert_allclose(np.bincount(found.row, found.share)[np.unique(found.row)], 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("south_up", [False, True])
@pytest.mark.parametrize(("step", "resolution"), [(2e-4, 9), (2e-3, 9), (2e-2, 8), (1e-3, 11), (3e-5, 7)])
def test_row_by_row_is_pixel_by_pixel(rng, step, resolution, south_up):
    lattice = uneven(rng, 23, 31, step=step, south_up=south_up)
    grid = H3Grid(resolution)
    assert pixel_shares(lattice, grid, valid=None) is not None
    assert_same(weights(lattice, grid), weights(pixels_of(lattice), grid))


@pytest.mark.parametrize("place", [(-70.3, -33.1), (114.0, 22.5), (10.7, 59.9), (0.002, 0.003), (-43.2, -0.001)])
def test_on_both_hemispheres(rng, place):
    lattice = uneven(rng, 12, 9, step=7e-4, place=place)
    assert_same(weights(lattice, H3Grid(10)), weights(pixels_of(lattice), H3Grid(10)))


def test_against_geos(rng):
    lattice = uneven(rng, 5, 6, step=6e-4)
    spread, shapes = weights(lattice, H3Grid(10)), pixels_of(lattice)
    for row in (0, 7, 22, 29):
        mine = spread.row == row
        found = dict(zip(spread.cell[mine].tolist(), spread.share[mine].tolist(), strict=True))
        expected = shares(shapes[row], 10)
        assert {c for c in expected if expected[c] > 1e-9} <= set(found)
        assert all(abs(found[c] - expected.get(c, 0.0)) < 2e-9 for c in found)


def test_only_the_valid_pixels(rng):
    lattice, valid = uneven(rng, 20, 25, step=3e-4), rng.random((20, 25)) < 0.3
    valid[:4] = valid[:, :3] = valid[-2:] = False
    spread = weights(lattice, H3Grid(10), valid=valid)
    assert set(spread.row.tolist()) == set(np.flatnonzero(valid).tolist())
    assert_same(spread, weights(pixels_of(lattice), H3Grid(10), valid=valid.ravel()))
    assert len(weights(lattice, H3Grid(10), valid=np.zeros((20, 25), bool))) == 0


@pytest.mark.parametrize("place", [(-97.42465926, 43.42281494), (10.536199075467644, 64.70000012793487), (179.99, 2.0)])
def test_cells_that_are_not_plain_are_cut_pixel_by_pixel(rng, place):
    lattice = uneven(rng, 6, 6, step=1e-3, place=(place[0] - 0.006, place[1] + 0.006))
    assert pixel_shares(lattice, H3Grid(7), valid=None) is None
    assert_same(weights(lattice, H3Grid(7)), weights(pixels_of(lattice), H3Grid(7)))


def test_the_matrix_spreads_as_the_shares_do(rng):
    lattice = uneven(rng, 9, 8, step=4e-4)
    spread, values = weights(lattice, H3Grid(9)), rng.gamma(2.0, 1.0, 72)
    expected = [np.sum((values[spread.row] * spread.share)[spread.cell == cell]) for cell in spread.cells]
    np.testing.assert_allclose(spread.matrix() @ values, expected, rtol=1e-12)
