"""Lazy joins against the eager ones: the same lines in the same order, however the records were parted."""

import functools

import dask
import dask.dataframe as dd
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial_join import CrsMismatchError, ExtentError, GeometryError, H3Grid, JoinError, join, lazy, overlay, weights
from spatial_join.blocks import Block
from spatial_join.lazy import joins
from spatial_join.probability import probable_weights

CENTRE = np.array([7.42, 43.73])
WAYS = [
    {"predicate": "within"},
    {"predicate": "intersects"},
    {"predicate": "dwithin", "distance_m": 400.0},
    {"predicate": "nearest"},
    {"predicate": "nearest", "distance_m": 250.0},
    {"predicate": "nearest", "k": 3},
]


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr("spatial_join.partition.LARGEST_PART", 130)
    monkeypatch.setattr("spatial_join.partition.MOST_VERTICES", 200)


@pytest.fixture
def stops(rng):
    n = 600  # enough for the eager join to take its grid, too few in each part
    at = CENTRE + rng.uniform(-0.15, 0.15, (n, 2))
    at[50:60] = at[40:50]  # in one place, so that the nearest are tied over parts
    columns = {"stop": [f"s{i}" for i in range(n)], "lit": rng.random(n) < 0.5, "level": rng.integers(0, 9, n)}
    shapes = shapely.points(at)
    shapes[7], shapes[300] = None, shapely.Point()
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="OGC:CRS84", index=np.arange(n) + 7000)


@pytest.fixture
def wards(rng):
    n = 150
    at = CENTRE + rng.uniform(-0.15, 0.13, (n, 2))
    shapes = shapely.box(at[:, 0], at[:, 1], at[:, 0] + 0.02, at[:, 1] + 0.02)
    shapes[20] = shapely.Polygon([(7.4, 43.7), (7.5, 43.8), (7.5, 43.7), (7.4, 43.8)])  # crosses itself
    return gpd.GeoDataFrame({"ward": np.arange(n), "level": rng.integers(0, 9, n)}, geometry=shapes, crs="OGC:CRS84")


@pytest.fixture
def streets(wards):
    return wards.drop(20).set_geometry(shapely.boundary(wards.geometry.drop(20).to_numpy()))


def computed(plan):
    return plan.compute(scheduler="synchronous")


def assert_same(lazily, eagerly):
    assert type(lazily) is type(eagerly)
    assert lazily.crs == eagerly.crs
    # Whether anything is missing cannot be known beforehand, so columns are ready for it; the values are the same.
    pd.testing.assert_frame_equal(pd.DataFrame(lazily), pd.DataFrame(eagerly), check_dtype=False, rtol=0, atol=0)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("how", ["inner", "left", "right", "anti"])
@pytest.mark.parametrize("words", WAYS, ids=lambda words: "-".join(map(str, words.values())))
@pytest.mark.parametrize("right", ["wards", "streets", "stops"])
def test_as_the_eager_join(right, words, how, request):
    stops, others = request.getfixturevalue("stops"), request.getfixturevalue(right)
    plan = lazy.join(stops, others, how=how, **words)
    assert plan.npartitions > 1
    assert_same(computed(plan), join(stops, others, how=how, **words))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("words", WAYS[1:5], ids=lambda words: "-".join(map(str, words.values())))
def test_areas_and_lines_on_the_left(wards, streets, words):
    assert_same(computed(lazy.join(wards, streets, **words)), join(wards, streets, **words))


def in_partitions(frame, sizes):
    begins = np.cumsum([0, *sizes])
    parts = [dask.delayed(frame.iloc[a:b]) for a, b in zip(begins, [*begins[1:], len(frame)], strict=True)]
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_delayed(parts, meta=frame.iloc[:0])


@pytest.mark.parametrize("sizes", [(), (0, 1, 70), (300, 200)])
@pytest.mark.parametrize("words", [WAYS[0], WAYS[2], WAYS[3]], ids=["within", "dwithin", "nearest"])
def test_partitions_of_a_collection_do_not_matter(stops, wards, sizes, words):
    plan = lazy.join(in_partitions(stops, sizes), in_partitions(wards, (40, 0, 50)), how="right", **words)
    assert_same(computed(plan), join(stops, wards, how="right", **words))


@pytest.mark.parametrize("how", ["inner", "right"])
def test_row_groups_of_files(tmp_path, stops, wards, how):
    stops = stops.drop([7007, 7300])
    stops.to_parquet(tmp_path / "stops.parquet", row_group_size=100, write_covering_bbox=how == "right")
    (tmp_path / "wards").mkdir()
    wards.iloc[:60].to_parquet(tmp_path / "wards" / "a.parquet")
    wards.iloc[60:].to_parquet(tmp_path / "wards" / "b.parquet")
    plan = lazy.join(tmp_path / "stops.parquet", str(tmp_path / "wards"), how=how)
    assert plan.npartitions == (6 if how == "inner" else 2)
    assert_same(computed(plan), join(stops, wards, how=how))


def test_parts_that_lie_apart_never_meet(tmp_path, stops, wards):
    stops = stops.drop([7007, 7300])
    order = np.argsort(stops.geometry.x.to_numpy())
    stops.iloc[order].to_parquet(tmp_path / "sorted.parquet", row_group_size=60, write_covering_bbox=True)
    west = wards.iloc[np.argsort(wards.bounds["minx"].to_numpy())[:10]]
    plan = lazy.join(tmp_path / "sorted.parquet", west)
    meetings = [key for key in plan.__dask_graph__() if str(key).startswith("match-")]
    assert plan.npartitions == 10
    assert 0 < len(meetings) < 5
    assert len(computed(plan)) == len(join(stops, west))


def test_columns_of_numbers_become_points_where_their_position_is_stated(stops, wards):
    stops = stops.drop([7007, 7300])
    table = pd.DataFrame({"lon": stops.geometry.x, "lat": stops.geometry.y, "level": stops["level"]})
    collection = dd.from_pandas(table, npartitions=3)
    expected = join(gpd.GeoDataFrame(table, geometry=stops.geometry), wards)
    assert_same(computed(lazy.join(lazy.points(collection, x="lon", y="lat"), wards)), expected)
    with pytest.raises(JoinError, match=r"lazy\.points"):
        lazy.join(collection, wards)
    with pytest.raises(JoinError, match="No column 'x'"):
        lazy.points(collection, x="x", y="lat")
    with pytest.raises(CrsMismatchError, match="harmonise"):
        lazy.points(collection, x="lon", y="lat", position="GCJ-02")


@pytest.mark.usefixtures("small_parts")
def test_the_result_is_a_dask_frame_that_writes_geoparquet(tmp_path, stops, wards):
    plan = lazy.join(stops, wards, how="left")
    assert isinstance(plan, dd.DataFrame)
    eager = join(stops, wards, how="left")
    assert int(plan["level_left"].sum().compute(scheduler="synchronous")) == eager["level_left"].sum()
    folder = plan.to_parquet(tmp_path / "joined", scheduler="synchronous")
    assert len(list(folder.glob("*.parquet"))) == plan.npartitions
    assert_same(gpd.read_parquet(folder), eager)
    assert_same(computed(lazy.join(folder, wards[["geometry"]], how="anti")), eager[eager["ward"].isna()])
    with pytest.raises(JoinError, match="Parquet files in it"):
        plan.to_parquet(folder)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("words", [WAYS[0], WAYS[3]], ids=["within", "nearest"])
def test_no_task_holds_a_whole_layer(stops, wards, words, monkeypatch):
    held = []
    for module in ("spatial_join.lazy.joins.match", "spatial_join.lazy.joins.settle", "spatial_join.lazy.joins.lay"):
        monkeypatch.setattr(module, watched(module, held))
    computed(lazy.join(stops, wards, **words))
    assert max(size for side, size in held if side == "left") <= 130
    assert max(size for side, size in held if side == "right") <= 40  # 200 vertices of squares


def watched(name, held):
    work = getattr(joins, name.rsplit(".", 1)[1])

    @functools.wraps(work)
    def noted(*inputs):
        held.extend((block.side, len(block.frame)) for block in inputs if isinstance(block, Block))
        return work(*inputs)

    return noted


def test_nothing_is_computed_before_it_is_asked_for(stops, wards):
    def refuse(*_, **__):
        raise AssertionError("a plan must not compute")

    with dask.config.set(scheduler=refuse):
        for words in WAYS:
            assert len(lazy.join(in_partitions(stops, (100,)), wards, **words).columns) > 3
        with pytest.raises(AssertionError, match="must not compute"):
            lazy.join(stops, wards).compute()


def test_tokens_are_of_content(stops, wards):
    first, again = (lazy.join(stops.copy(), wards.copy(), how="left") for _ in range(2))
    assert list(first.__dask_graph__()) == list(again.__dask_graph__())
    moved = wards.set_geometry(wards.translate(1e-9))
    for other in (lazy.join(stops, moved, how="left"), lazy.join(stops, wards, how="inner")):
        assert other._name != first._name
        assert not {k for k in first.__dask_graph__() if "lay-" in str(k)} & set(other.__dask_graph__())


def test_what_is_wrong_is_said(stops, wards):
    with pytest.raises(JoinError, match="Unknown predicate"):
        lazy.join(stops, wards, predicate="inside")
    with pytest.raises(CrsMismatchError, match=r"OGC:CRS84.*EPSG:32632"):
        lazy.join(stops, wards.to_crs(32632))
    with pytest.raises(CrsMismatchError, match="Metres are measured on the ellipsoid"):
        lazy.join(stops.to_crs(32632), wards.to_crs(32632), predicate="nearest")
    far = wards.set_geometry(wards.translate(30.0))
    with pytest.raises(ExtentError, match="Join region by region"):
        computed(lazy.join(stops, far, predicate="nearest"))
    around = wards.set_geometry([shapely.box(-179, 43, 179, 44)] * len(wards))
    with pytest.raises(GeometryError, match="cross the antimeridian"):
        computed(lazy.join(stops, around))


@pytest.mark.usefixtures("small_parts")
def test_planes_are_joined_too(stops, wards):
    one, other = stops.to_crs(32632), wards.to_crs(32632)
    assert_same(computed(lazy.join(one, other)), join(one, other))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(("left", "kind"), [("stops", "points"), ("streets", "lines"), ("wards", "polygons")])
def test_overlay_as_the_eager_one(left, kind, request, tmp_path):
    records, wards = request.getfixturevalue(left), request.getfixturevalue("wards")
    eager = overlay(records, wards)
    assert_same(computed(lazy.overlay(records, wards)), eager)
    collection = in_partitions(records, (40,))
    assert_same(
        computed(lazy.overlay(collection, wards, of=kind)),
        eager,
    )
    with pytest.raises(GeometryError, match="write of="):
        lazy.overlay(collection, wards)
    with pytest.raises(GeometryError, match="said to be of dimension"):
        computed(lazy.overlay(collection, wards, of="polygons" if left != "wards" else "lines"))
    if left != "wards":
        records.drop([7007, 7300], errors="ignore").to_parquet(tmp_path / "left.parquet", row_group_size=50)
        assert_same(computed(lazy.overlay(tmp_path / "left.parquet", wards)), eager)


def test_weights_are_those_of_the_eager_ones_to_the_byte(stops, wards, streets, monkeypatch):
    monkeypatch.setattr("spatial_join.partition.LARGEST_PART", 47)
    for frame in (stops, wards.drop(20), streets):
        eager = weights(frame.geometry.to_numpy(), H3Grid(9))
        plan = lazy.weights(frame, resolution=9)
        assert plan.partitions > 3
        for found in (plan.compute(scheduler="synchronous"), plan.compute(scheduler="threads", num_workers=3)):
            assert (found.rows, found.measure, found.resolution) == (eager.rows, eager.measure, 9)
            for name in ("row", "cell", "share", "support"):
                assert getattr(found, name).tobytes() == getattr(eager, name).tobytes()
    assert lazy.weights(stops, resolution=9).token != lazy.weights(stops, resolution=8).token
    with pytest.raises(GeometryError, match="Split the layer by kind"):
        lazy.weights(pd.concat([stops.iloc[:60], streets]), resolution=9).compute(scheduler="synchronous")


def test_uncertain_weights_too(stops, monkeypatch):
    monkeypatch.setattr("spatial_join.partition.LARGEST_PART", 100)
    stops = stops.drop([7007, 7300]).assign(sigma_m=40.0)
    plan = lazy.weights(stops, resolution=10, uncertain=True)
    eager = probable_weights(stops.geometry.to_numpy(), stops["sigma_m"].to_numpy(), H3Grid(10))
    found = plan.compute(scheduler="synchronous")
    np.testing.assert_array_equal(found.cell, eager.cell)
    np.testing.assert_allclose(found.share, eager.share, rtol=1e-12)
