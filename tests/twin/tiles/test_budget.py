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


def tiles_of(groups):
    """Say on which tile each thing stands."""
    return [(x, y) for x, y, count in groups for _ in range(count)]


def fullest(tiles):
    """Go through all views of four by four tiles."""
    return max(
        sum(0 <= x - west < 4 and 0 <= y - north < 4 for x, y in tiles)
        for west in range(247, 263)
        for north in range(247, 263)
    )


def foremost_of_each(tiles, rank, cap):
    """Take the first of each tile, one after the other."""
    taken = {}
    for thing in np.argsort(rank).tolist():
        taken.setdefault(tiles[thing], []).append(thing)
    return sorted(thing for things in taken.values() for thing in things[:cap])


@settings(max_examples=25, deadline=None)
@given(spots, st.integers(1, 60), st.randoms(use_true_random=False))
def test_equally_many_of_each_tile_and_no_view_holds_more_than_the_budget_or_less_than_it_could(groups, most, random):
    tiles, places = tiles_of(groups), placed(groups)
    rank = np.array(random.sample(range(len(tiles)), len(tiles)))
    assert places.densest(Z) == fullest(tiles)
    chosen = places.foremost_by_tile(Z, rank, most)
    if chosen is None:
        assert fullest(tiles) <= most
        return
    shown = [tiles[thing] for thing in np.flatnonzero(chosen)]
    cap = max(map(shown.count, shown))
    assert np.flatnonzero(chosen).tolist() == foremost_of_each(tiles, rank, cap)
    assert cap == 1 or fullest(shown) <= most
    assert fullest([tiles[thing] for thing in foremost_of_each(tiles, rank, cap + 1)]) > most


@settings(max_examples=25, deadline=None)
@given(spots, st.integers(1, 60), st.randoms(use_true_random=False))
def test_the_foremost_of_all_are_as_many_as_fit_into_every_view(groups, most, random):
    tiles, places = tiles_of(groups), placed(groups)
    rank = np.array(random.sample(range(len(tiles)), len(tiles)))
    chosen = places.foremost(Z, rank, most)
    if chosen is None:
        assert fullest(tiles) <= most
        return
    order = np.argsort(rank).tolist()
    number = int(chosen.sum())
    assert sorted(order[:number]) == np.flatnonzero(chosen).tolist()
    assert fullest([tiles[thing] for thing in order[:number]]) <= most
    assert fullest([tiles[thing] for thing in order[: number + 1]]) > most


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
