"""Fusion error: by hand on a dozen records, against loops and h3 on many, and what must hold of any engine."""

import json

import h3
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from crs.geodesy import move_m
from spatial_join import H3Grid
from tests.reference.twin_fusion import shares
from twin.errors import TruthError
from twin.fusion.report import Placements, measure_fusion
from twin.fusion.shares import block_interval, choose_blocks
from twin.fusion.targets import Targets

SHENZHEN = (114.06, 22.54)
NOWHERE = (float("nan"), float("nan"))


def pair(points):
    return tuple(np.array(points, dtype=float).reshape(-1, 2).T)


def centre(cell):
    lat, lon = h3.cell_to_latlng(cell)
    return lon, lat


def dozen():
    """Twelve records in two neighbouring cells, and what an engine made of them."""
    one = h3.latlng_to_cell(*SHENZHEN[::-1], 9)
    two = min(h3.grid_ring(one, 1))
    a, b = centre(one), centre(two)
    truth = [a] * 8 + [b] * 4
    oracle = [a] * 7 + [b] + [b] * 4  # noise moved the eighth into the other cell
    ours = [a] * 5 + [b, NOWHERE, b] + [b] * 3 + [a]
    return ours, oracle, truth


def test_a_dozen_records_counted_by_hand():
    ours, oracle, truth = dozen()
    layer = Placements(layer="dozen", ways={"ours": pair(ours)}, oracle=pair(oracle), truth=pair(truth))
    line = measure_fusion([layer], resolutions=[9]).table.loc[("ours", "dozen", 9)]
    assert line["records"] == 12
    assert line["coverage"] == pytest.approx(11 / 12)
    assert line["d"] == pytest.approx(3 / 12)  # the sixth, the one not placed, the last
    assert line["f"] == pytest.approx(4 / 12)  # these, and the one that noise moved
    assert line["definition"] == pytest.approx(3 / 12)
    assert line["noise"] == pytest.approx(1 / 12)
    # counts 6, 5 and one nowhere, where 8 and 4 are true
    assert line["moved_mass"] == pytest.approx(0.5 * (2 + 1 + 1) / 12)
    metres = h3.great_circle_distance(truth[0][::-1], truth[-1][::-1], unit="m")
    assert line["mean_m"] == pytest.approx(3 * metres / 11, rel=0.005)
    assert line["p95_m"] == pytest.approx(metres, rel=0.005)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([9, 11, 12]))
def test_agrees_with_loops_and_h3(seed, number, storage):
    rng = np.random.default_rng(seed)

    def somewhere(lost):
        points = np.array(SHENZHEN) + rng.normal(0, 0.003, (number, 2)).round(3)
        points[rng.random(number) < lost] = np.nan
        return points

    truth, oracle, ours = somewhere(0.1), somewhere(0.1), somewhere(0.2)
    truth[0], oracle[0] = SHENZHEN, SHENZHEN
    layer = Placements(layer="any", ways={"ours": pair(ours)}, oracle=pair(oracle), truth=pair(truth))
    table = measure_fusion([layer], resolutions=[8, 9], storage=storage).table
    for resolution in (8, 9):
        expected = shares(ours.tolist(), oracle.tolist(), truth.tolist(), resolution=resolution, storage=storage)
        found = table.loc[("ours", "any", resolution)]
        assert {name: found[name] for name in expected} == pytest.approx(expected)


def noisy(number=40_000, sigma_m=5.0, seed=3):
    """True places over 20 x 28 km, and the same with noise."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(113.96, 114.155, number), rng.uniform(22.5, 22.75, number)
    east_m, north_m = rng.normal(0, sigma_m, (2, number))
    return truth, move_m(*truth, east_m=east_m, north_m=north_m)


def test_an_engine_that_is_the_oracle_has_no_definitional_error():
    truth, seen = noisy(3000)
    layer = Placements(layer="same", ways={"ours": seen}, oracle=seen, truth=truth)
    table = measure_fusion([layer], storage=12).table
    assert (table["d"] == 0).all()
    assert (table["definition"] == 0).all()
    assert (table["d_low"] == 0).all()
    assert table["d_high"].between(0, 0.04).all()


def test_who_places_nothing_is_wrong_everywhere():
    truth, seen = noisy(3000)
    nothing = (np.full(3000, np.nan),) * 2
    layer = Placements(layer="silent", ways={"ours": nothing}, oracle=seen, truth=truth)
    table = measure_fusion([layer], storage=12).table
    for column in ("d", "f", "moved_mass"):
        assert (table[column] == 1).all()
    assert (table["coverage"] == 0).all()
    assert table["mean_m"].isna().all()


@pytest.mark.parametrize(("resolution", "published"), [(8, 0.008), (9, 0.023), (10, 0.061), (11, 0.157)])
def test_five_metres_of_noise_cost_what_was_measured_before(resolution, published):
    """With cells indexed at the resolution itself, which is how the figures were made."""
    truth, seen = noisy()
    layer = Placements(layer="exact", ways={"ours": seen}, oracle=seen, truth=truth, sigma_m=np.full(40_000, 5.0))
    line = measure_fusion([layer], resolutions=[resolution]).table.loc[("ours", "exact", resolution)]
    sampling = 4 * np.sqrt(published / 40_000)
    assert line["f"] == pytest.approx(published, abs=sampling + 0.0005)
    assert line["f"] == pytest.approx(line["floor"], rel=0.05, abs=sampling)
    assert line["f_low"] <= line["f"] <= line["f_high"]


@pytest.mark.parametrize("storage", [11, 12])
def test_the_floor_knows_the_ragged_outline_of_parents(storage):
    truth, seen = noisy()
    layer = Placements(layer="exact", ways={"ours": seen}, oracle=seen, truth=truth, sigma_m=np.full(40_000, 5.0))
    table = measure_fusion([layer], storage=storage).table.loc[("ours", "exact")]
    # First order: from 12 the fine edges are twice sigma, and the floor is an upper bound by then.
    assert (table["f"] <= table["floor"] + 4 * np.sqrt(table["floor"] / 40_000)).all()
    assert (table["f"] >= 0.85 * table["floor"]).all()


def test_intervals_hold_as_often_as_they_say():
    """Blocks that err as one: an interval over records would be far too narrow."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(100):
        bad_block = rng.random(150) < 0.2
        blocks = np.repeat(np.arange(150), 20)
        low, high = block_interval(bad_block[blocks], np.ones(3000, bool), blocks)
        held += low <= 0.2 <= high
    assert 0.90 <= held / 100 <= 0.99


def test_blocks_are_as_large_as_there_remain_a_hundred():
    truth, _ = noisy(20_000)
    cells = H3Grid(12).index(*truth)
    sizes = {resolution: np.unique(H3Grid(12).parents(cells, resolution)).size for resolution in range(6, 13)}
    chosen = min(resolution for resolution, size in sizes.items() if size >= 100)
    assert sizes[chosen - 1] < 100
    assert np.unique(choose_blocks(cells, 12)).size == sizes[chosen]


def test_the_lines_of_all_layers_pool_their_records():
    ours, oracle, truth = dozen()
    first = Placements(layer="first", ways={"ours": pair(ours)}, oracle=pair(oracle), truth=pair(truth))
    second = Placements(layer="second", ways={"ours": pair(truth)}, oracle=pair(truth), truth=pair(truth))
    table = measure_fusion([first, second], resolutions=[9]).table
    assert table.loc[("ours", "all", 9), "records"] == 24
    assert table.loc[("ours", "all", 9), "d"] == pytest.approx(3 / 24)


def test_a_wrong_link_is_one_that_is_not_as_near_to_the_truth():
    east, north = 0.001, 0.001
    lon, lat = SHENZHEN
    links = shapely.linestrings([[(lon, lat), (lon + east, lat)], [(lon, lat), (lon, lat + north)]])
    truth = [(lon + east / 2, lat), (lon, lat + north / 2), (lon, lat), (lon, lat + north / 2)]
    ours = [(lon + east / 2, lat + north / 9), (lon + east, lat), (lon + east / 9, lat), NOWHERE]
    found = Targets(links=links).wrong(pair(ours), pair(truth))
    # The third stands at the crossing of both: either is right.
    assert found["wrong_link"] == pytest.approx(2 / 4)
    assert np.isnan(found["wrong_building"])


def test_a_wrong_building_is_counted_where_a_record_is_in_one():
    lon, lat = SHENZHEN
    houses = np.array([shapely.box(lon + k, lat, lon + k + 0.0001, lat + 0.0001) for k in (0.0, 0.0002)])
    truth = [
        (lon + 0.00005, lat + 0.00005),
        (lon + 0.00025, lat + 0.00005),
        (lon + 0.00015, lat),
        (lon + 2e-5, lat + 2e-5),
    ]
    ours = [truth[0], truth[0], truth[0], NOWHERE]
    assert Targets(buildings=houses).wrong(pair(ours), pair(truth))["wrong_building"] == pytest.approx(2 / 3)


def test_the_report_goes_to_arrays_json_and_a_page():
    ours, oracle, truth = dozen()
    layer = Placements(layer="dozen", ways={"naive": pair(oracle), "ours": pair(ours)}, truth=pair(truth))
    report = measure_fusion([layer], resolutions=[8, 9], notes=["Twelve."])
    assert report.to_xarray()["f"].sel(way="ours", layer="dozen", resolution=9) == pytest.approx(4 / 12)
    tree = json.loads(json.dumps(report.to_json()))
    assert {row["way"] for row in tree["rows"]} == {"naive", "ours"}
    assert all(row["d"] is None for row in tree["rows"])  # no oracle was given
    assert "F r9" in repr(report)
    assert "D r9" not in repr(report)
    assert "33.3" in repr(report)
    assert "Twelve." in repr(report)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([], "truth"),
        ([{"truth": [(1, 1)]}, {"truth": [(1, 1)], "way": "other"}], "different ways"),
    ],
)
def test_what_does_not_fit_is_refused(layers, words):
    made = [
        Placements(layer="x", ways={layer.get("way", "ours"): pair([(1, 1)])}, truth=pair(layer["truth"]))
        for layer in layers
    ]
    with pytest.raises(TruthError, match=words):
        measure_fusion(made)


def test_positions_of_other_lengths_or_without_anything_to_compare_with_are_refused():
    with pytest.raises(TruthError, match="one of each a record"):
        Placements(layer="x", ways={"ours": pair([(1, 1)])}, truth=pair([(1, 1), (2, 2)]))
    with pytest.raises(TruthError, match="neither truth nor oracle"):
        Placements(layer="x", ways={"ours": pair([(1, 1)])})
    with pytest.raises(TruthError, match="finer than the storage"):
        measure_fusion([Placements(layer="x", ways={}, truth=pair([(1, 1)]))], storage=9)
