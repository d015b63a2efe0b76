import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.tiles.budget import CHUNK, Budget, Places
from twin.tiles.mercator import to_degrees, to_world

Z = 9
spots = st.lists(st.tuples(st.integers(250, 262), st.integers(250, 262), st.integers(1, 9)), min_size=1, max_size=30)


def placed(groups):
    """Stand so many things in the middle of each tile."""
    lon_lat = [to_degrees((x + 0.5) / 2**Z, (y + 0.5) / 2**Z) for x, y, count in groups for _ in range(count)]
    return Places(*np.array(lon_lat).T)


def fullest(groups, cap):
    """Go through all views of four by four tiles."""
    tiles = {}
    for x, y, count in groups:
        tiles[x, y] = tiles.get((x, y), 0) + count
    return max(
        sum(min(count, cap) for (x, y), count in tiles.items() if 0 <= x - west < 4 and 0 <= y - north < 4)
        for west in range(244, 263)
        for north in range(244, 263)
    )


@settings(max_examples=40, deadline=None)
@given(spots, st.integers(1, 60))
def test_no_view_of_any_place_holds_more_than_the_budget_and_none_holds_less_than_it_could(groups, most):
    places = placed(groups)
    assert places.densest(Z) == fullest(groups, 10**6)
    cap = places.cap(Z, most)
    if cap is None:
        assert fullest(groups, 10**6) <= most
    else:
        assert cap == 1 or fullest(groups, cap) <= most
        assert fullest(groups, cap + 1) > most


@given(spots)
def test_each_thing_is_on_one_tile_of_each_zoom(groups):
    places = placed(groups)
    total = sum(count for _, _, count in groups)
    for z in (3, Z, 12):
        x, y, counts = places.counts(z)
        rows = [places.on_tile(z, *tile) for tile in zip(x.tolist(), y.tolist(), strict=True)]
        assert [len(found) for found in rows] == counts.tolist()
        assert sorted(np.concatenate(rows).tolist()) == list(range(total))


def test_a_tile_holds_what_lies_between_its_sides():
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(-180, 180, 4000), rng.uniform(-84, 84, 4000)
    x, y = to_world(lon, lat)
    found = Places(lon, lat).on_tile(3, 5, 2)
    assert found.tolist() == np.flatnonzero((np.floor(x * 8) == 5) & (np.floor(y * 8) == 2)).tolist()
    assert found.size


def test_the_budget_counts_the_steps_that_travel_together():
    budget = Budget(cells=12_000, codes=960_000)
    assert budget.most("cells") == 12_000
    assert budget.most("cells", CHUNK) == budget.most("cells", 50 * CHUNK) == pytest.approx(960_000 / CHUNK)
    assert budget.most("lines") == budget.lines
    assert budget.most("buildings") == budget.features
