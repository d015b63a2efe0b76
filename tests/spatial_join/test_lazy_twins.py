"""Lazy matching, probabilities, shares and volumes: the eager answer to the bit, however the records are cut."""

from fractions import Fraction

import dask
import dask.dataframe as dd
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_join import (
    CrsMismatchError,
    GeometryError,
    H3Grid,
    JoinError,
    QuantityError,
    join,
    join_probable,
    lazy,
    match,
    overlay,
    share_out,
    volume_weights,
)
from spatial_join.lazy import dasymetric, exchange, matching
from spatial_join.soundness import SetAside
from spatial_join.sums import Sums

BOW_TIE = shapely.Polygon([(7.40, 43.72), (7.41, 43.73), (7.41, 43.72), (7.40, 43.73)])
EDGES = [0.0, 5.0, 20.0, 100.0]


def geo(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="OGC:CRS84")


def boxes(rng, n, widest, **columns):
    at, width = rng.uniform([7.38, 43.70], [7.45, 43.75], (n, 2)), rng.uniform(1e-4, widest, (n, 2))
    return geo(shapely.box(*at.T, *(at + width).T), **columns)


@pytest.fixture(scope="module")
def zones():
    """Overlapping areas, one invalid, one where nothing is."""
    rng = np.random.default_rng(1)
    found = boxes(rng, 50, 0.012, people=rng.uniform(0, 100, 50)).set_index(np.arange(50) + 500)
    found.loc[503, "geometry"], found.loc[509, "geometry"] = BOW_TIE, shapely.box(8, 44, 9, 45)
    return found


@pytest.fixture(scope="module")
def houses():
    """Amounts of any size, so that the order of additions would show."""
    rng = np.random.default_rng(2)
    columns = {"bulk": rng.uniform(0, 300, 200) * 10.0 ** rng.integers(-5, 9, 200), "floor": np.zeros(200)}
    found = boxes(rng, 200, 0.002, **columns, roof=rng.uniform(1, 90, 200)).set_index(np.arange(200) + 70)
    found.loc[75, "geometry"] = None
    return found


@pytest.fixture(scope="module")
def probes():
    rng = np.random.default_rng(3)
    at = rng.uniform([7.38, 43.70], [7.46, 43.76], (150, 2))
    found = geo(shapely.points(at), sigma_m=rng.uniform(5, 300, 150)).set_index(np.arange(150) + 70)
    found.loc[75, "geometry"], found.loc[90, "geometry"] = None, shapely.Point()
    return found


@pytest.fixture(scope="module")
def streets():
    """A lattice of streets, each from crossing to crossing."""
    lon, lat = np.linspace(7.40, 7.44, 9), np.linspace(43.72, 43.75, 7)
    along = [[(lon[i], y), (lon[i + 1], y)] for i in range(8) for y in lat]
    up = [[(x, lat[j]), (x, lat[j + 1])] for j in range(6) for x in lon]
    return geo(shapely.linestrings(along + up)).set_index(np.arange(len(along + up)) + 500)


@pytest.fixture(scope="module")
def drives():
    """Twelve drives north, their records shuffled, some without a place, a time or a name."""
    rng = np.random.default_rng(4)
    steps, cars = np.arange(12), 12
    lon = rng.choice(np.linspace(7.40, 7.44, 9), cars)[:, None] + rng.normal(0, 1e-4, (cars, 12))
    lat = rng.uniform(43.72, 43.735, cars)[:, None] + steps * 4e-4 + rng.normal(0, 1e-4, (cars, 12))
    found = geo(
        shapely.points(lon.ravel(), lat.ravel()),
        car=np.repeat([f"c{i}" for i in range(cars)], 12).astype(object),
        second=np.tile(steps * 1.0, cars),
        sigma_m=rng.uniform(5, 15, lon.size),
    ).iloc[rng.permutation(lon.size)]
    found.iloc[5, found.columns.get_loc("car")] = None
    found.iloc[60, found.columns.get_loc("car")] = np.nan
    found.iloc[9, found.columns.get_loc("second")] = np.nan
    found.iloc[11, found.columns.get_loc("geometry")] = None
    found.iloc[12, found.columns.get_loc("geometry")] = shapely.Point()
    return found


@pytest.fixture(scope="module")
def matched(drives, streets):
    return match(drives, streets, track="car", time="second")


def in_partitions(frame, begins):
    ends = [*sorted(min(begin, len(frame)) for begin in begins), len(frame)]
    parts = [dask.delayed(frame.iloc[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_delayed(parts, meta=frame.iloc[:0])


def computed(plan):
    return plan.compute(scheduler="synchronous")


def assert_same(lazily, eagerly):
    pd.testing.assert_frame_equal(pd.DataFrame(lazily), pd.DataFrame(eagerly), check_dtype=False, rtol=0, atol=0)


def listed(plan):
    return tuple(SetAside(*row) for row in computed(plan.set_aside).itertuples(index=False))


cuts = st.lists(st.integers(0, 200), max_size=6)


@given(left=cuts, right=cuts)
@settings(deadline=None, max_examples=12)
def test_matching_however_the_records_are_cut(drives, streets, matched, *, left, right):
    plan = lazy.match(in_partitions(drives, left), in_partitions(streets, right), track="car", time="second")
    assert plan.npartitions == len(left) + 1
    assert_same(computed(plan), matched)


@pytest.mark.parametrize("right", ["zones", "streets"])
@given(data=st.data())
@settings(deadline=None, max_examples=8)
def test_probabilities_however_the_records_are_cut(right, data, probes, request):
    others = request.getfixturevalue(right)
    one, other = in_partitions(probes, data.draw(cuts)), in_partitions(others, data.draw(cuts))
    plan, eager = lazy.join_probable(one, other), join_probable(probes, others)
    found = plan.compute(scheduler="synchronous")
    assert_same(found.matches, eager.matches)
    pd.testing.assert_series_equal(found.none, eager.none, rtol=0, atol=0)
    assert listed(plan.matches) == eager.matches.attrs.get("set_aside", ())


@given(left=cuts, right=cuts)
@settings(deadline=None, max_examples=12)
def test_sharing_out_however_the_records_are_cut(zones, houses, left, right):
    plan = lazy.share_out(in_partitions(zones, left), in_partitions(houses, right), value="people", by="bulk")
    eager = share_out(zones, houses, value="people", by="bulk")
    assert_same(computed(plan), eager)
    assert computed(plan.left_over).to_dict() == eager.attrs["left_over"] != {}
    assert listed(plan) == eager.attrs["set_aside"] != ()


@given(begins=cuts)
@settings(deadline=None, max_examples=12)
def test_volumes_however_the_records_are_cut(houses, begins):
    heights = houses["floor"].to_numpy(), houses["roof"].to_numpy()
    eager = volume_weights(houses.geometry.to_numpy(), *heights, grid=H3Grid(9), edges_m=EDGES)
    source = in_partitions(houses, begins)
    found = computed(lazy.volume_weights(source, base_m="floor", top_m="roof", resolution=9, edges_m=EDGES))
    assert found.rows == eager.rows
    for name in ("row", "cell", "band", "share", "volume_m3", "edges_m"):
        assert getattr(found, name).tobytes() == getattr(eager, name).tobytes()


def plans(layers):
    zones, houses, probes, drives, streets = layers.values()
    yield lazy.join_probable(probes, zones).matches
    yield lazy.join_probable(probes, streets).none
    yield lazy.share_out(zones, houses, value="people", by="bulk")
    yield lazy.match(drives, streets, track="car", time="second")
    yield lazy.volume_weights(houses, base_m="floor", top_m="roof", resolution=9, edges_m=EDGES).delayed
    yield lazy.join(probes, zones).set_aside


@pytest.fixture
def layers(request):
    return {name: request.getfixturevalue(name) for name in ("zones", "houses", "probes", "drives", "streets")}


def test_from_memory_in_small_parts_on_threads_too(layers, matched, monkeypatch):
    zones, houses, probes, drives, streets = layers.values()
    monkeypatch.setattr("spatial_join.partition.LARGEST_PART", 40)
    monkeypatch.setattr("spatial_join.partition.MOST_VERTICES", 60)
    shared = lazy.share_out(zones, houses, value="people", by="bulk")
    assert shared.npartitions > 4
    assert_same(shared.compute(scheduler="threads"), share_out(zones, houses, value="people", by="bulk"))
    likely = lazy.join_probable(probes.drop(columns="sigma_m"), zones, sigma_m=30.0).compute(scheduler="threads")
    eager = join_probable(probes.drop(columns="sigma_m"), zones, sigma_m=30.0)
    assert_same(likely.matches, eager.matches)
    pd.testing.assert_series_equal(likely.none, eager.none, rtol=0, atol=0)
    found = lazy.match(drives, streets, track="car", time="second").compute(scheduler="threads")
    assert_same(found, matched)
    one = lazy.match(drives, streets)  # without names all are one drive, and go to one task
    assert_same(computed(one), match(drives, streets))


def test_row_groups_of_files(zones, houses, tmp_path):
    zones.to_parquet(tmp_path / "zones.parquet", row_group_size=20)
    houses.to_parquet(tmp_path / "houses.parquet", row_group_size=60)
    shared = lazy.share_out(tmp_path / "zones.parquet", tmp_path / "houses.parquet", value="people", by="bulk")
    eager = share_out(zones, houses, value="people", by="bulk")
    assert shared.npartitions == 4
    assert_same(computed(shared), eager)
    assert listed(shared) == eager.attrs["set_aside"]
    assert_same(gpd.read_parquet(shared.to_parquet(tmp_path / "shared", scheduler="synchronous")), eager)


def test_nothing_is_computed_before_it_is_asked_for_and_names_are_of_content(layers):
    def refuse(*_, **__):
        raise AssertionError("a plan must not compute")

    with dask.config.set(scheduler=refuse):
        first, again = (list(plans({name: layer.copy() for name, layer in layers.items()})) for _ in range(2))
        moved = list(plans({name: layer.set_geometry(layer.translate(1e-9)) for name, layer in layers.items()}))
    for one, same, other in zip(first, again, moved, strict=True):
        keys = set(map(str, one.__dask_graph__()))
        assert keys == set(map(str, same.__dask_graph__()))
        assert not {key for key in keys if "from-delayed" in key} & set(map(str, other.__dask_graph__()))
        assert keys != set(map(str, other.__dask_graph__()))


def test_no_task_holds_a_whole_layer_and_no_trajectory_is_cut(layers, monkeypatch):
    zones, houses, _, drives, streets = layers.values()
    monkeypatch.setattr("spatial_join.partition.LARGEST_PART", 30)
    monkeypatch.setattr("spatial_join.partition.MOST_VERTICES", 50)
    seen = []
    work = matching.found_streets
    monkeypatch.setattr(matching, "found_streets", lambda *a, **k: seen.append(a[1]["track"]) or work(*a, **k))
    computed(lazy.match(drives, streets, track="car", time="second"))
    assert len(seen) == 5
    assert max(map(len, seen)) < len(drives) / 2
    named = pd.concat([pd.Series(track.dropna().unique()) for track in seen])
    assert not named.duplicated().any()
    held = []
    monkeypatch.setattr(dasymetric, "cut_pieces", noting_sizes(dasymetric.cut_pieces, held))
    computed(lazy.share_out(zones, houses, value="people", by="bulk"))
    assert max(left for left, _ in held) <= 30
    assert max(right for _, right in held) <= 10


def noting_sizes(work, held):
    def noted(left, right, **options):
        held.append((len(left), len(right)))
        return work(left, right, **options)

    return noted


def test_many_parts_send_by_way_of_groups(drives, streets, matched, monkeypatch):
    monkeypatch.setattr(exchange, "MOST_BRANCHES", 4)
    plan = lazy.match(in_partitions(drives, range(10, 140, 10)), streets, track="car", time="second")
    assert len(plan.__dask_graph__()) < 700  # 14 parts twice to 14: 784 by themselves without groups
    assert_same(computed(plan), matched)


@given(names=st.lists(st.sampled_from([1, 1.0, True, "1", "a", None, np.nan, -0.0, 0, 2**60]), min_size=1, max_size=9))
def test_equal_names_meet_whatever_their_parts_are_of(names):
    whole = matching._buckets(pd.Series(names, dtype=object), 7)
    alone = [matching._buckets(pd.Series([name]), 7)[0] for name in names]
    assert whole.tolist() == alone
    codes = pd.factorize(pd.Series(names, dtype=object))[0]
    assert pd.Series(whole).groupby(codes).nunique().max() == 1


@given(
    values=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e300)), max_size=30),
    begins=st.lists(st.integers(0, 30), max_size=4),
)
def test_sums_are_exact_in_any_order(values, begins):
    group = np.array([key for key, _ in values], dtype=np.int64)
    numbers = np.array([value for _, value in values], dtype=np.float64)
    parts = [
        Sums.of(*both) for both in zip(np.split(group, sorted(begins)), np.split(numbers, sorted(begins)), strict=True)
    ]
    expected = [float(sum(map(Fraction, numbers[group == key].tolist()))) for key in range(5)]
    assert Sums.together(parts).totals(np.arange(5)).tolist() == expected
    assert Sums.together(parts[::-1]).totals(np.arange(5)).tolist() == expected


@pytest.mark.parametrize("left", ["probes", "zones"])
def test_what_joins_and_overlays_set_aside_is_listed_without_them(left, zones, request, monkeypatch):
    one = request.getfixturevalue(left)
    monkeypatch.setattr("spatial_join.partition.LARGEST_PART", 20)
    for plan, eager in (
        (lazy.join(one, zones, predicate="intersects"), join(one, zones, predicate="intersects")),
        (lazy.join(in_partitions(one, (3, 9)), in_partitions(zones, (2,)), how="right"), join(one, zones, how="right")),
        (lazy.overlay(one, zones), overlay(one, zones)),
    ):
        assert listed(plan) == eager.attrs["set_aside"] != ()
        assert not [key for key in plan.set_aside.__dask_graph__() if "match" in str(key) or "cut" in str(key)]
        both = dask.compute(plan, plan.set_aside, scheduler="synchronous")
        assert len(both[0]) == len(eager)
        assert len(both[1]) == len(eager.attrs["set_aside"])
    with pytest.raises(JoinError, match="before you go on"):
        _ = lazy.GeoFrame(plan.expr).set_aside


def test_what_is_wrong_is_said_at_once_where_it_can_be_known(layers):
    zones, houses, probes, drives, streets = layers.values()
    with pytest.raises(JoinError, match="no column 'trip'"):
        lazy.match(drives, streets, track="trip")
    with pytest.raises(CrsMismatchError, match="32632"):
        lazy.match(drives, streets.to_crs(32632), track="car")
    with pytest.raises(JoinError, match="both a column"):
        lazy.join_probable(probes, zones, sigma_m=3.0)
    with pytest.raises(JoinError, match="share between 0 and 1"):
        lazy.join_probable(probes, streets, stray=1.0)
    with pytest.raises(QuantityError, match="no column 'cats'"):
        lazy.share_out(zones, houses, value="cats")
    with pytest.raises(QuantityError, match="Both sides have"):
        lazy.share_out(zones, houses.assign(people=1), value="people")
    with pytest.raises(JoinError, match="no column 'top'"):
        lazy.volume_weights(houses, base_m="floor", top_m="top", resolution=9, edges_m=EDGES)
    with pytest.raises(GeometryError, match="ascending"):
        lazy.volume_weights(houses, base_m="floor", top_m="roof", resolution=9, edges_m=[1.0])


def test_what_only_the_records_know_is_said_when_they_are_there(layers, monkeypatch):
    zones, houses, probes, drives, streets = layers.values()
    with pytest.raises(GeometryError, match="right side mixes"):
        lazy.join_probable(probes, pd.concat([zones, streets])).compute(scheduler="synchronous")
    with pytest.raises(GeometryError, match="sigma_m is 0"):
        lazy.join_probable(probes.assign(sigma_m=0.0), streets).compute(scheduler="synchronous")
    mixed = in_partitions(pd.concat([houses, probes.drop(columns="sigma_m")]), (200,))
    with pytest.raises(GeometryError, match="one after another"):
        computed(lazy.share_out(zones, mixed, value="people"))
    monkeypatch.setattr(matching, "MOST_STREET_VERTICES", 10)
    with pytest.raises(JoinError, match="Match region by region"):
        computed(lazy.match(drives, streets, track="car"))
