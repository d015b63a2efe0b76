"""Points in polygons against exact fractions, and against GEOS through shapely."""

import math

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_join.errors import GeometryError, JoinError
from spatial_join.kernels import point_in_polygon, polygon_grid
from spatial_join.kernels.point_in_polygon import locate, locate_first
from spatial_join.kernels.polygon_grid import build_polygon_grid, polygon_grid_of
from tests.reference.kernels_exact import INSIDE, ON_BOUNDARY, pairs_of

WANTED = {"within": {INSIDE}, "intersects": {INSIDE, ON_BOUNDARY}, "touches": {ON_BOUNDARY}}


def star(centre, radii):
    """A polygon around a centre, which is valid whatever the radii are."""
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    return shapely.Polygon(np.array(centre) + np.array(radii)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))


small = st.integers(-6, 6).map(lambda n: n / 2)
box = st.tuples(small, small, st.integers(1, 6), st.integers(1, 6)).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2] / 2, b[1] + b[3] / 2)
)
stars = st.builds(star, st.tuples(small, small), st.lists(st.floats(0.05, 3), min_size=3, max_size=12))
sliver = st.tuples(small, small, small, small, st.floats(1e-15, 1e-3)).map(
    lambda s: shapely.Polygon([(s[0], s[1]), (s[2], s[3]), (s[2] + s[4], s[3] + 2 * s[4])])
)


@st.composite
def polygon_lists(draw):
    found = draw(st.lists(st.one_of(box, stars, sliver), min_size=1, max_size=6))
    found = [p for p in found if p.is_valid and p.area > 0]
    if len(found) > 1 and draw(st.booleans()):
        found.append(shapely.union_all(found[:3]))
        found.append(found[0].difference(found[1]))
    offset = draw(st.sampled_from([0.0, 7.25, 3_340_000.0]))
    found = [shapely.transform(p, lambda c: c + offset) for p in found]
    return [p for p in found if p.geom_type in ("Polygon", "MultiPolygon") and p.is_valid and not p.is_empty]


def telling_points(polygons, rng):
    """Vertices, places on edges and within rounding of them, levels and uprights of vertices, and elsewhere."""
    c = shapely.get_coordinates(polygons)
    a, b = c[:-1], c[1:]
    share = rng.uniform(0, 1, (len(a), 1))
    on_edge = a + share * (b - a)
    middle = (a + b) / 2
    mixed = np.stack([rng.choice(c[:, 0], 20), rng.choice(c[:, 1], 20)], axis=1)
    low, high = c.min(axis=0), c.max(axis=0)
    anywhere = rng.uniform(low - 0.1, high + 0.1, (20, 2))
    every = np.concatenate([c, on_edge, np.nextafter(on_edge, np.inf), middle, mixed, anywhere, [[math.nan, 0]]])
    return every[rng.permutation(len(every))[:120]]


@given(polygon_lists(), st.sampled_from(sorted(WANTED)), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_pairs_are_those_of_exact_arithmetic(polygons, predicate, seed):
    if not polygons:
        return
    points = telling_points(polygons, np.random.default_rng(seed))
    point, polygon = locate(polygon_grid_of(polygons), *points.T, predicate=predicate)
    expected = pairs_of(polygons, [tuple(p) for p in points.tolist()], WANTED[predicate])
    assert list(zip(point.tolist(), polygon.tolist(), strict=True)) == expected


@pytest.fixture(params=["as they come", "sorted by tile"])
def order_of_work(request, monkeypatch):
    """Both ways through the points, in stretches short enough to need several."""
    monkeypatch.setattr(point_in_polygon, "_STRETCH", 1000)
    monkeypatch.setattr(point_in_polygon, "_SORTED_STRETCH", 1500)
    monkeypatch.setattr(point_in_polygon, "_FITS", 1e9 if request.param == "as they come" else 0.0)


def ragged_districts(rng, count):
    """Zones that share ragged borders exactly, some with others inside, and a multipolygon."""
    x, y = np.meshgrid(np.arange(count + 1.0), np.arange(count + 1.0))
    x, y = x + rng.uniform(-0.3, 0.3, x.shape), y + rng.uniform(-0.3, 0.3, y.shape)
    corner = np.stack([x, y], axis=-1)
    rings = np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]], axis=2).reshape(-1, 4, 2)
    quads = list(shapely.polygons(rings))
    quads = [q for q in quads if q.is_valid]
    hole = quads[0].difference(shapely.buffer(shapely.centroid(quads[0]), 0.1))
    return np.array([*quads[1:], hole, shapely.union_all(quads[3:12:4]), shapely.buffer(shapely.Point(4, 4), 3)])


@pytest.mark.usefixtures("order_of_work")
@pytest.mark.parametrize("predicate", ["within", "intersects", "covered_by", "touches"])
@pytest.mark.parametrize("threads", [1, 2])
def test_pairs_are_those_of_geopandas(predicate, threads):
    rng = np.random.default_rng(8)
    zones = ragged_districts(rng, 12)
    c = shapely.get_coordinates(zones)
    x, y = np.concatenate([rng.uniform(-1, 13, (4000, 2)), c, (c[1:] + c[:-1]) / 2]).T
    point, polygon = locate(polygon_grid_of(zones), x, y, predicate=predicate, threads=threads)
    left, right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y)), gpd.GeoDataFrame(geometry=zones)
    joined = gpd.sjoin(left, right, predicate=predicate).reset_index().sort_values(["index", "index_right"])
    assert len(joined) > 100
    assert point.tolist() == joined["index"].tolist()
    assert polygon.tolist() == joined["index_right"].tolist()


@pytest.mark.usefixtures("order_of_work")
def test_first_is_the_lowest_polygon():
    rng = np.random.default_rng(9)
    zones = ragged_districts(rng, 8)
    x, y = rng.uniform(-1, 9, (2, 3000))
    grid = polygon_grid_of(zones)
    point, polygon = locate(grid, x, y)
    expected = np.full(x.size, -1)
    expected[point[::-1]] = polygon[::-1]
    assert (locate_first(grid, x, y) == expected).all()
    assert (np.bincount(point) > 1).any()


def test_boundary_points_count_as_the_predicate_says():
    grid = polygon_grid_of([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    x, y = [1.0, 0.5, 0.0, 1.0], [0.5, 0.0, 0.0, 0.0]
    assert locate_first(grid, x, y, predicate="within").tolist() == [-1, -1, -1, -1]
    assert locate_first(grid, x, y, predicate="intersects").tolist() == [0, 0, 0, 0]
    assert [v.tolist() for v in locate(grid, x, y, predicate="touches")] == [[0, 0, 1, 2, 3, 3], [0, 1, 0, 0, 0, 1]]


def test_missing_and_empty_polygons_keep_their_numbers():
    grid = polygon_grid_of([None, shapely.Polygon(), shapely.box(0, 0, 1, 1), shapely.MultiPolygon()])
    assert locate_first(grid, [0.5, 5.0], [0.5, 5.0]).tolist() == [2, -1]
    assert grid.polygons == 4


@pytest.mark.parametrize("polygons", [[], [None], [shapely.Polygon()], [shapely.MultiPolygon()]])
def test_no_polygons_hold_no_points(polygons):
    grid = polygon_grid_of(polygons)
    assert locate_first(grid, [0.0, 1.0], [0.0, 1.0]).tolist() == [-1, -1]
    assert locate(grid, [], [])[0].size == 0


def test_points_at_the_ends_of_the_number_line_are_nowhere():
    grid = polygon_grid_of([shapely.box(0, 0, 1, 1)])
    x = [math.nan, math.inf, -math.inf, 1e308, 0.5, 0.5]
    y = [0.5, 0.5, 0.5, 0.5, math.nan, -1e308]
    assert locate_first(grid, x, y, predicate="intersects").tolist() == [-1] * 6


def test_tiny_polygons_far_from_the_origin():
    corner = 3_340_000.125
    grid = polygon_grid_of([shapely.box(corner, corner, corner + 2**-20, corner + 2**-20)])
    inside = corner + 2**-21
    assert locate_first(grid, [inside, corner], [inside, corner]).tolist() == [0, -1]


def test_deep_overlaps_get_a_coarser_grid_and_the_same_answer(monkeypatch):
    rng = np.random.default_rng(10)
    discs = shapely.buffer(shapely.points(rng.uniform(0, 2, (60, 2))), 5.0)
    x, y = rng.uniform(-5, 7, (2, 500))
    plain = polygon_grid_of(discs)
    monkeypatch.setattr(polygon_grid, "_FEWEST_RUNS", 1000)
    monkeypatch.setattr(polygon_grid, "_RUNS_PER_EDGE", 1)
    coarse = polygon_grid_of(discs)
    assert coarse.nx < plain.nx
    for a, b in zip(locate(plain, x, y), locate(coarse, x, y), strict=True):
        assert (a == b).all()


def test_the_grid_does_not_depend_on_threads_and_is_frozen():
    zones = ragged_districts(np.random.default_rng(11), 10)
    one, two = polygon_grid_of(zones, threads=1), polygon_grid_of(zones, threads=2)
    assert (one.codes == two.codes).all()
    assert (one.runs == two.runs).all()
    with pytest.raises(ValueError, match="read-only"):
        one.codes[0] = 1


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(GeometryError, match="first at row 1: Point"):
        polygon_grid_of([shapely.box(0, 0, 1, 1), shapely.Point(0, 0)])
    with pytest.raises(GeometryError, match="Ring 0 is not closed"):
        build_polygon_grid(np.array([[0.0, 0], [1, 0], [1, 1]]), [0, 3], [0, 1])
    with pytest.raises(GeometryError, match="Vertex 1 is"):
        build_polygon_grid(np.array([[0.0, 0], [np.nan, 0], [1, 1], [0, 0]]), [0, 4], [0, 1])
    grid = polygon_grid_of([shapely.box(0, 0, 1, 1)])
    with pytest.raises(JoinError, match="'crosses' is not a predicate"):
        locate(grid, [0.0], [0.0], predicate="crosses")
    with pytest.raises(JoinError, match="2 x but 1 y"):
        locate_first(grid, [0.0, 1.0], [0.0])
