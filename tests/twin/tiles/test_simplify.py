import numpy as np
import pytest
import shapely

from twin.tiles.budget import TILE_PX
from twin.tiles.mercator import box_of, to_world
from twin.tiles.simplify import STRAY_PX, simplified

TILE = (11, 603, 770)
WEST, SOUTH, EAST, NORTH = box_of(*TILE)
SEED = 20261123


def on_screen(shape):
    """Give a shape in pixels of the tile."""

    def placed(lon_lat):
        x, y = to_world(lon_lat[:, 0], lon_lat[:, 1])
        return np.stack([x, y], axis=1) * 2 ** TILE[0] * TILE_PX - np.array(TILE[1:]) * TILE_PX

    return shapely.transform(shape, placed)


def winding(rng):
    """Draw a street of many short stretches."""
    steps = rng.normal(0, (EAST - WEST) / 10_000, (200, 2)).cumsum(axis=0)
    return shapely.LineString(steps + np.array([(WEST + EAST) / 2, (SOUTH + NORTH) / 2]))


def house(rng, size_deg):
    """Draw a house with bays and a yard, turned anyhow."""
    outline = [(0, 0), (4, 0), (4, 1), (4.4, 1), (4.4, 2), (4, 2), (4, 3), (2, 3), (2, 3.2), (0, 3.2)]
    body = shapely.Polygon(outline, [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    at = rng.uniform([WEST, SOUTH], [EAST, NORTH])
    turned = shapely.affinity.rotate(body, rng.uniform(0, 180), origin=(0, 0))
    return shapely.affinity.translate(shapely.affinity.scale(turned, size_deg, size_deg, origin=(0, 0)), *at)


@pytest.mark.parametrize("pixels", [1, 3, 8, 40])
def test_no_outline_strays_farther_than_is_said_and_areas_stay_areas(pixels):
    rng = np.random.default_rng(SEED)
    given = np.array([house(rng, pixels * (EAST - WEST) / TILE_PX / 5) for _ in range(200)])
    out = simplified(given, TILE)
    assert shapely.is_valid(out).all()
    assert (shapely.area(out) > 0).all()
    before, after = on_screen(given), on_screen(out)
    hulls = shapely.polygons(shapely.get_exterior_ring(before))
    # Of an outline of few pixels a box is left, from whose corners it is never farther than a bay is deep.
    stray_px = STRAY_PX * 1.05 if pixels > 5 else 1.0
    assert shapely.hausdorff_distance(hulls, shapely.polygons(shapely.get_exterior_ring(after))).max() <= stray_px
    left = shapely.get_num_coordinates(out).sum() / shapely.get_num_coordinates(given).sum()
    assert left <= 1 if pixels > 8 else left < 0.9


def test_streets_keep_their_ends_and_most_of_their_corners_are_not_missed():
    rng = np.random.default_rng(SEED)
    given = np.array([winding(rng) for _ in range(50)])
    out = simplified(given, TILE)
    before, after = on_screen(given), on_screen(out)
    assert shapely.hausdorff_distance(before, after).max() <= STRAY_PX * 1.05
    for end in (0, -1):
        assert shapely.equals(shapely.get_point(given, end), shapely.get_point(out, end)).all()
    assert shapely.get_num_coordinates(out).sum() < 0.7 * shapely.get_num_coordinates(given).sum()


def test_what_is_empty_or_in_parts_passes():
    square = shapely.box(WEST, SOUTH, WEST + 0.02, SOUTH + 0.02)
    parts = shapely.MultiPolygon([square, shapely.box(EAST - 0.02, SOUTH, EAST, SOUTH + 0.02)])
    out = simplified(np.array([shapely.LineString(), parts]), TILE)
    assert out[0].is_empty
    assert out[1].equals(parts)
