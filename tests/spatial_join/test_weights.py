"""Shares against GEOS, cell by cell, and their sums against 1."""

import exactextract
import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pyproj
import pytest
import shapely
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st

from crs import Lattice
from crs.geodesy import areas_m2, lengths_m
from spatial_join import GeometryError, H3Grid, JoinError, weights
from tests.reference.join_weights import cell_polygon, shares

LON, LAT = 7.42, 43.73
CENTRE = np.array([LON, LAT])


def as_dict(spread, row=0):
    mine = spread.row == row
    return dict(zip(spread.cell[mine].tolist(), spread.share[mine].tolist(), strict=True))


def assert_same_shares(found, expected, atol=2e-9):
    for cell in set(found) | set(expected):
        assert abs(found.get(cell, 0.0) - expected.get(cell, 0.0)) <= atol, cell


def star(rng, n, size, holes=0):
    """A polygon of n corners that is seldom convex, with holes."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    radius = size * rng.uniform(0.4, 1.0, n)
    ring = np.stack([LON + radius * np.cos(angle), LAT + radius * np.sin(angle)], axis=1)
    inner = [
        shapely.Point(LON + 0.15 * size * np.cos(a), LAT + 0.15 * size * np.sin(a)).buffer(0.08 * size).exterior
        for a in 2 * np.pi * np.arange(holes) / max(1, holes)
    ]
    return shapely.Polygon(ring, inner)


@pytest.mark.parametrize("size", [1e-5, 2e-4, 3e-3, 2e-2])
@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_polygons_against_geos(size, resolution, rng):
    shapes = [
        star(rng, int(n), size, holes) for n, holes in zip(rng.integers(4, 40, 6), [0, 0, 1, 2, 3, 3], strict=True)
    ]
    shapes = [s for s in shapes if s.is_valid]
    spread = weights(shapes, H3Grid(resolution))
    for i, shape in enumerate(shapes):
        assert_same_shares(as_dict(spread, i), shares(shape, resolution))


def test_multipolygon_against_geos():
    many = shapely.MultiPolygon([shapely.box(LON + d, LAT, LON + d + 0.004, LAT + 0.003) for d in (0, 0.005, 0.02)])
    assert_same_shares(as_dict(weights([many], H3Grid(10))), shares(many, 10))


@pytest.mark.parametrize("resolution", [8, 9, 10, 11])
def test_lines_against_geos(resolution, rng):
    scale = {8: 0.02, 9: 0.01, 10: 0.004, 11: 0.001}[resolution]
    walk = CENTRE + np.cumsum(rng.normal(0, scale, (6, 2)), axis=0)
    lines = [shapely.LineString(walk), shapely.MultiLineString([walk[:2], walk[3:5]])]
    spread = weights(lines, H3Grid(resolution))
    for i, line in enumerate(lines):
        assert_same_shares(as_dict(spread, i), shares(line, resolution), atol=5e-7)


@given(st.integers(0, 2**32 - 1), st.sampled_from([7, 8, 9, 10, 11]), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_shares_sum_to_one_and_supports_to_the_record(seed, resolution, holes):
    rng = np.random.default_rng(seed)
    size = 10.0 ** rng.uniform(-6, -2)
    polygon = star(rng, int(rng.integers(3, 30)), size, holes)
    line = shapely.LineString(CENTRE + np.cumsum(rng.normal(0, size, (5, 2)), axis=0))
    points = shapely.MultiPoint(CENTRE + rng.normal(0, size, (7, 2)))
    sizes = {"area": areas_m2, "length": lengths_m, "count": lambda g: np.ones(len(g))}
    for shape in (polygon, line, points):
        if not shape.is_valid:
            continue
        spread = weights([shape], H3Grid(resolution))
        assert abs(spread.share.sum() - 1.0) <= 1e-12
        assert (spread.share > 0).all()
        np.testing.assert_allclose(spread.support.sum(), sizes[spread.measure](np.array([shape]))[0], rtol=1e-4)
        np.testing.assert_allclose(spread.support, spread.share * spread.support.sum(), rtol=1e-12)


@pytest.mark.parametrize("place", [(-97.42465926, 43.42281494), (10.536199075467644, 64.70000012793487)])
@pytest.mark.parametrize("resolution", [7, 8, 9])
def test_cells_that_bend_over_the_icosahedron(place, resolution):
    size = {7: 0.05, 8: 0.02, 9: 0.008}[resolution]
    ring = np.array(place) + size * np.array([[-1, -0.9], [0.9, -1], [1.1, 0.95], [-0.7, 1]])
    shape = shapely.Polygon(ring)
    assert_same_shares(as_dict(weights([shape], H3Grid(resolution))), shares(shape, resolution))
    line = shapely.LineString(ring)
    assert_same_shares(as_dict(weights([line], H3Grid(resolution))), shares(line, resolution), atol=5e-7)


def test_a_large_polygon_is_its_cells():
    square = shapely.box(7.3, 43.6, 7.5, 43.8)
    spread = weights([square], H3Grid(9))
    inside = h3.h3shape_to_cells_experimental(h3.geo_to_h3shape(square), 9, contain="full")
    share = as_dict(spread)
    cells = np.array(inside, dtype=np.uint64)
    expected = H3Grid(9).areas_m2(cells) / spread.support.sum()
    np.testing.assert_allclose([share[cell] for cell in inside], expected, rtol=1e-8)
    assert np.array_equal(spread.cells, H3Grid(9).cover(square))


def test_a_hole_has_no_share():
    ring = shapely.Polygon(shapely.box(7.3, 43.6, 7.5, 43.8).exterior, [shapely.box(7.35, 43.65, 7.45, 43.75).exterior])
    spread = weights([ring], H3Grid(9))
    hidden = h3.h3shape_to_cells_experimental(
        h3.geo_to_h3shape(shapely.box(7.351, 43.651, 7.449, 43.749)), 9, contain="full"
    )
    assert not set(spread.cell.tolist()) & set(hidden)


def test_a_cell_is_in_itself_alone():
    cell = h3.latlng_to_cell(LAT, LON, 10)
    spread = weights([cell_polygon(cell)], H3Grid(10))
    assert as_dict(spread)[cell] == pytest.approx(1.0, abs=1e-9)


def test_a_line_along_an_edge_is_kept():
    edge = shapely.LineString([(x, y) for y, x in h3.cell_to_boundary(h3.latlng_to_cell(LAT, LON, 9))[:2]])
    spread = weights([edge], H3Grid(9))
    assert spread.share.sum() == pytest.approx(1.0, abs=1e-12)


def test_points_and_degenerate_lines():
    spread = weights(
        [shapely.Point(LON, LAT), shapely.MultiPoint([(LON, LAT), (LON, LAT), (LON + 0.1, LAT)])], H3Grid(9)
    )
    assert spread.measure == "count"
    assert as_dict(spread, 0) == {h3.latlng_to_cell(LAT, LON, 9): 1.0}
    assert sorted(as_dict(spread, 1).values()) == pytest.approx([1 / 3, 2 / 3])
    still = weights([shapely.LineString([(LON, LAT), (LON, LAT)])], H3Grid(9))
    assert still.share.tolist() == [1.0]
    assert still.support.tolist() == [0.0]


def test_empty_and_missing_have_no_weights():
    spread = weights([None, shapely.Point(), shapely.Point(LON, LAT)], H3Grid(9))
    assert (spread.rows, spread.row.tolist(), spread.unplaced.tolist()) == (3, [2], [0, 1])
    nothing = weights([], H3Grid(9))
    assert (len(nothing), nothing.rows) == (0, 0)
    assert len(weights([None, None], H3Grid(9)).coarsen(5)) == 0


def test_invalid_polygons_are_named():
    bow = shapely.Polygon([(7, 43), (7.1, 43.1), (7.1, 43), (7, 43.1)])
    with pytest.raises(GeometryError, match=r"rows 1, 3 \(2\).*Self-intersection"):
        weights([shapely.box(7, 43, 7.1, 43.1), bow, None, bow], H3Grid(8))


def test_mixed_and_foreign_geometry_is_named():
    with pytest.raises(GeometryError, match="row 1 not"):
        weights([shapely.Point(LON, LAT), shapely.LineString([(7, 43), (8, 44)])], H3Grid(8))
    with pytest.raises(GeometryError, match=r"collection.*row 0"):
        weights([shapely.GeometryCollection([shapely.Point(LON, LAT)])], H3Grid(8))
    with pytest.raises(GeometryError, match=r"row 1, first.*OGC:CRS84"):
        weights([shapely.Point(LON, LAT), shapely.Point(583000, 4841000)], H3Grid(8))


def tilted(ny, nx, step=3e-4):
    """A lattice whose pixels are no rectangles."""
    j, i = np.mgrid[: ny + 1, : nx + 1].astype(float)
    return Lattice(LON + step * (i + 0.2 * j), LAT - step * (j - 0.1 * i) + 1e-6 * i * j)


def test_pixels_are_quadrilaterals():
    lattice = tilted(9, 7)
    spread = weights(lattice, H3Grid(11))
    x, y = lattice.corner_x, lattice.corner_y
    for row in (0, 6, 31, 62):
        j, i = divmod(row, 7)
        quad = shapely.Polygon([(x[a, b], y[a, b]) for a, b in ((j, i), (j, i + 1), (j + 1, i + 1), (j + 1, i))])
        assert_same_shares(as_dict(spread, row), shares(quad, 11))
    assert spread.rows == 63


def test_masked_pixels_have_no_weights():
    lattice = tilted(5, 4)
    valid = np.zeros((5, 4), dtype=bool)
    valid[2, 1] = valid[4, 3] = True
    spread = weights(lattice, H3Grid(10), valid=valid)
    assert sorted(set(spread.row.tolist())) == [9, 19]
    unmoved = Lattice(np.where(np.arange(5) == 0, np.nan, lattice.corner_x), lattice.corner_y)
    assert len(weights(unmoved, H3Grid(10), valid=valid)) == len(spread)
    with pytest.raises(GeometryError, match=r"Pixels without corners.*rows 0, 4"):
        weights(unmoved, H3Grid(10))


@pytest.mark.parametrize("resolution", [9, 10, 11])
def test_rasters_against_exactextract(resolution, rng):
    """An independent program, on a raster that is a grid in PROJ's own cylindrical equal-area projection."""
    to_plane = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:6933", always_xy=True)
    x0, y0 = to_plane.transform(LON, LAT)
    ny, nx, size = 60, 70, 30.48
    values = rng.uniform(0, 50, (ny, nx))
    corner_x, corner_y = np.meshgrid(x0 + size * np.arange(nx + 1), y0 - size * np.arange(ny + 1))
    lon, lat = to_plane.transform(corner_x, corner_y, direction="INVERSE")
    spread = weights(Lattice(lon, lat), H3Grid(resolution))
    mine = spread.matrix() @ values.ravel()
    cells = [
        shapely.transform(cell_polygon(c), lambda xy: np.stack(to_plane.transform(*xy.T), axis=1))
        for c in spread.cells.tolist()
    ]
    raster = NumPyRasterSource(values, xmin=x0, ymin=y0 - ny * size, xmax=x0 + nx * size, ymax=y0)
    frame = gpd.GeoDataFrame(geometry=cells, crs="EPSG:6933")
    theirs = exactextract.exact_extract(raster, frame, ["sum"], output="pandas")["sum"].to_numpy()
    np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=1e-3)
    assert mine.sum() == pytest.approx(values.sum(), rel=1e-12)


def test_coarsening_keeps_the_shares(rng):
    spread = weights([star(rng, 12, 0.01), star(rng, 9, 0.004)], H3Grid(10))
    coarse = spread.coarsen(8)
    np.testing.assert_allclose(np.bincount(coarse.row, coarse.share), 1.0, rtol=1e-13)
    parents = H3Grid(10).parents(spread.cell, 8)
    for row, cell, share in zip(coarse.row, coarse.cell, coarse.share, strict=True):
        assert share == pytest.approx(spread.share[(spread.row == row) & (parents == cell)].sum(), rel=1e-13)


def test_weights_do_not_depend_on_the_other_rows(rng):
    shapes = [star(rng, 15, 10.0 ** rng.uniform(-4, -2)) for _ in range(20)]
    together = weights(shapes, H3Grid(10))
    for i in (0, 7, 19):
        alone = weights(shapes[i : i + 1], H3Grid(10))
        assert np.array_equal(alone.cell, together.cell[together.row == i])
        assert np.array_equal(alone.share, together.share[together.row == i])


def test_a_defect_is_not_normalised_away(monkeypatch):
    monkeypatch.setattr("spatial_join.pieces.REACH", 6.0)
    with pytest.raises(JoinError, match="do not add up"):
        weights([shapely.box(7.3, 43.6, 7.5, 43.8)], H3Grid(9))
