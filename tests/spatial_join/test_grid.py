"""H3Grid against h3 itself and the ellipsoid."""

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from dask.base import tokenize
from hypothesis import given
from hypothesis import strategies as st

import crs.geodesy
from spatial_join import GeometryError, H3Grid, ResolutionError
from spatial_join.index import resolutions
from tests.reference.join_weights import cell_polygon

PLACES = {
    "Monaco": (7.42, 43.73),
    "New York": (-73.98, 40.75),
    "Shenzhen": (114.06, 22.54),
    "on an edge of the icosahedron": (-97.42465926, 43.42281494),
    "on a pentagon": (10.536199075467644, 64.70000012793487),
    "antimeridian": (179.9999, -16.8),
    "Ushuaia": (-68.3, -54.8),
}


def around(place, rng, n=2000, spread=0.05):
    lon, lat = PLACES[place]
    return np.clip(lon + rng.normal(0, spread, n), -180, 180), lat + rng.normal(0, spread, n)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("resolution", [0, 1, 5, 8, 9, 10, 11, 12, 15])
def test_index_is_that_of_h3(place, resolution, rng):
    lon, lat = around(place, rng)
    expected = [h3.latlng_to_cell(y, x, resolution) for x, y in zip(lon, lat, strict=True)]
    assert H3Grid(resolution).index(lon, lat).tolist() == expected


@given(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, 15))
def test_index_anywhere(lon, lat, resolution):
    assert H3Grid(resolution).index([lon], [lat])[0] == h3.latlng_to_cell(lat, lon, resolution)


@pytest.mark.parametrize("resolution", [8, 9, 12])
def test_index_on_corners_and_centres_of_cells(resolution):
    cell = h3.latlng_to_cell(43.73, 7.42, resolution)
    spots = [*h3.cell_to_boundary(cell), h3.cell_to_latlng(cell)]
    lat, lon = np.array(spots).T
    assert H3Grid(resolution).index(lon, lat).tolist() == [h3.latlng_to_cell(a, b, resolution) for a, b in spots]


def test_index_of_nothing():
    assert H3Grid(9).index([], []).shape == (0,)


@pytest.mark.parametrize(("lon", "lat"), [(np.nan, 0), (0, np.inf), (181, 0), (0, -91), (583000, 4841000)])
def test_index_refuses_what_is_no_position(lon, lat):
    with pytest.raises(GeometryError, match=r"1 of 2 .* first at row 1"):
        H3Grid(9).index([7.4, lon], [43.7, lat])


@given(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, 15), st.integers(0, 15))
def test_parents_are_those_of_h3(lon, lat, a, b):
    fine, coarse = max(a, b), min(a, b)
    cell = H3Grid(fine).index([lon], [lat])
    assert H3Grid(fine).parents(cell, coarse)[0] == h3.cell_to_parent(int(cell[0]), coarse)
    assert resolutions(cell)[0] == fine


def test_parents_never_finer():
    cells = H3Grid(9).index([7.42], [43.73])
    with pytest.raises(ResolutionError, match="coarsen by parent"):
        H3Grid(9).parents(cells, 10)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("resolution", [7, 8, 9, 10])
def test_boundaries_neighbours_and_centres_are_those_of_h3(place, resolution, rng):
    grid = H3Grid(resolution)
    cells = np.unique(grid.index(*around(place, rng, n=40, spread=0.02)))
    for cell, polygon, ring in zip(cells.tolist(), grid.boundaries(cells), grid.neighbours(cells), strict=True):
        expected = cell_polygon(cell)
        if place != "antimeridian":
            assert polygon.symmetric_difference(expected).area <= 1e-9 * expected.area
        assert shapely.is_ccw(polygon.exterior)
        assert set(ring.tolist()) - {0} == set(h3.grid_disk(cell, 1)) - {cell}
    lon, lat = grid.centres(cells)
    assert [(y, x) for x, y in zip(lon, lat, strict=True)] == [h3.cell_to_latlng(cell) for cell in cells.tolist()]


@pytest.mark.parametrize("place", ["Monaco", "New York", "Shenzhen", "on a pentagon"])
def test_areas_are_geodesic(place, rng):
    grid = H3Grid(9)
    cells = np.unique(grid.index(*around(place, rng, n=50)))
    expected = crs.geodesy.areas_m2(np.array([cell_polygon(cell) for cell in cells.tolist()]))
    # Straight in one plane and geodesic differ by half a millimetre in the middle of an edge.
    np.testing.assert_allclose(grid.areas_m2(cells), expected, rtol=1e-5)


def test_cover_is_every_cell_that_is_touched():
    square = shapely.box(7.41, 43.72, 7.43, 43.74)
    cells = H3Grid(9).cover(square)
    near = h3.grid_disk(h3.latlng_to_cell(43.73, 7.42, 9), 15)
    assert cells.tolist() == sorted(c for c in near if cell_polygon(c).intersects(square))
    assert H3Grid(9).cover([shapely.Polygon()]).size == 0


@pytest.mark.parametrize("resolution", [-1, 16, 9.5, "9", True])
def test_resolution_is_checked(resolution):
    with pytest.raises(ResolutionError):
        H3Grid(resolution)


def test_token_is_of_content():
    assert tokenize(H3Grid(9)) == tokenize(H3Grid(9)) != tokenize(H3Grid(10))
