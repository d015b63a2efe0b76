"""Joins against GeoPandas, row for row."""

import dask
import dask.dataframe as dd
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crs.geodesy
from layers import Layer
from spatial_join import CrsMismatchError, ExtentError, GeometryError, JoinError, join, lazy

LON, LAT = 7.42, 43.73
CENTRE = np.array([LON, LAT])


def side(rng, kind, n):
    """Records on a coarse lattice, so that they share edges and corners."""
    at = np.round(CENTRE + rng.integers(0, 8, (n, 2)) * 1e-3, 6)
    if kind == "points":
        shapes = shapely.points(at)
    elif kind == "lines":
        shapes = shapely.linestrings(np.stack([at, at + rng.integers(-2, 3, (n, 2)) * 1e-3], axis=1))
    elif kind == "zones":  # of one or two parts, some with a hole, whose edges and corners meet others'
        size = rng.integers(1, 3, n) * 2e-3
        outer = shapely.box(at[:, 0], at[:, 1], at[:, 0] + size, at[:, 1] + size)
        inner = shapely.box(at[:, 0] + 5e-4, at[:, 1] + 1e-3, at[:, 0] + 1e-3, at[:, 1] + 15e-4)
        holed = np.where(rng.random(n) < 0.5, shapely.difference(outer, inner), outer)
        far = shapely.box(at[:, 0] + 9e-3, at[:, 1], at[:, 0] + 1e-2, at[:, 1] + 1e-3)
        shapes = np.where(rng.random(n) < 0.3, shapely.union(holed, far), holed)
    else:
        width = rng.integers(1, 4, (n, 2)) * 1e-3
        shapes = shapely.box(at[:, 0], at[:, 1], at[:, 0] + width[:, 0], at[:, 1] + width[:, 1])
    shapes = np.array(shapes, dtype=object)
    if n > 3:
        shapes[1], shapes[2] = None, shapely.Point()
    return shapes


def by_position(joined, right, side="right"):
    """Order the lines of one record by the position of the other one; GeoPandas leaves the order to its tree."""
    column = f"index_{side}" if right.index.name is None else right.index.name
    column = column if column in joined.columns else f"{column}_{side}"
    rank = pd.Series(np.arange(len(right)), index=right.index)
    key = joined[column].map(rank).to_numpy()
    groups = (np.arange(len(joined)) != 0) & (joined.index != joined.index[np.maximum(np.arange(len(joined)) - 1, 0)])
    return joined.iloc[np.lexsort((key, np.cumsum(groups)))]


PREDICATES = ["within", "contains", "intersects", "covers", "covered_by", "touches", "crosses", "overlaps"]


@pytest.fixture(params=["by grid", "by tree"])
def way(request, monkeypatch):
    """Both ways of finding pairs, whatever the number of records."""
    fewest = 1 if request.param == "by grid" else 10**9
    monkeypatch.setattr("spatial_join.pairs.FEWEST_POINTS", fewest)
    monkeypatch.setattr("spatial_join.pairs.POINTS_A_POLYGON", 0)
    monkeypatch.setattr("spatial_join.ground.FEWEST_POINTS", fewest)


KINDS = st.sampled_from(["points", "lines", "boxes", "zones"])
HOW = st.sampled_from(["inner", "left", "right"])


def two_sides(seed, kind, other):
    rng = np.random.default_rng(seed)
    left = gpd.GeoDataFrame(
        {"a": np.arange(12), "name": list("abcdefghijkl")}, geometry=side(rng, kind, 12), crs="OGC:CRS84"
    )
    right = gpd.GeoDataFrame(
        {"b": np.arange(9.0), "name": list("mnopqrstu")}, geometry=side(rng, other, 9), crs="OGC:CRS84"
    )
    left.index, right.index = rng.permutation(12) * 3, rng.permutation(9) + 50
    return left, right


def of_geopandas(left, right, predicate, *, how):
    expected = gpd.sjoin(left, right, predicate=predicate, how=how)
    return by_position(expected, left, side="left") if how == "right" else by_position(expected, right)


@pytest.mark.usefixtures("way")
@given(seed=st.integers(0, 2**32 - 1), kind=KINDS, other=KINDS, predicate=st.sampled_from(PREDICATES), how=HOW)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_as_geopandas(seed, kind, other, *, predicate, how):
    left, right = two_sides(seed, kind, other)
    found = join(left, right, predicate=predicate, how=how)
    pd.testing.assert_frame_equal(found, of_geopandas(left, right, predicate, how=how), check_index_type=False)
    alone = join(left, right, predicate=predicate, how="anti")
    pd.testing.assert_frame_equal(alone, left[~left.index.isin(gpd.sjoin(left, right, predicate=predicate).index)])


@pytest.mark.usefixtures("way")
@given(seed=st.integers(0, 2**32 - 1), kind=KINDS, other=KINDS, predicate=st.sampled_from(PREDICATES), how=HOW)
# A tenth of the cases: a plan takes ten times as long as a join of so few records.
@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=max(15, settings.default.max_examples // 10),
)
def test_lazily_as_geopandas(seed, kind, other, *, predicate, how):
    left, right = two_sides(seed, kind, other)
    rng = np.random.default_rng(seed)
    parts = (in_partitions(each, np.sort(rng.integers(0, len(each) + 1, rng.integers(0, 4)))) for each in (left, right))
    found = lazy.join(*parts, predicate=predicate, how=how).compute(scheduler="synchronous")
    expected = of_geopandas(left, right, predicate, how=how)
    pd.testing.assert_frame_equal(
        pd.DataFrame(found), pd.DataFrame(expected), check_index_type=False, check_dtype=False
    )


def in_partitions(frame, begins):
    ends = [*begins, len(frame)]
    parts = [dask.delayed(frame.iloc[a:b]) for a, b in zip([0, *begins], ends, strict=True)]
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_delayed(parts, meta=frame.iloc[:0])


@pytest.mark.parametrize("names", [(None, None), ("row", None), (None, "row"), ("row", "row"), ("row", "name")])
@pytest.mark.parametrize("how", ["inner", "left", "right"])
def test_names_as_geopandas(names, how, rng):
    left = gpd.GeoDataFrame({"a": range(10), "name": range(10)}, geometry=side(rng, "points", 10), crs="OGC:CRS84")
    right = gpd.GeoDataFrame({"name": range(6)}, geometry=side(rng, "boxes", 6), crs="OGC:CRS84").rename_geometry(
        "outline"
    )
    left.index.name = names[0]
    right.index.name = names[1] if names[1] != "name" else "district"
    expected = gpd.sjoin(left, right, how=how)
    if how != "right":  # there GeoPandas' own order is that of both sides
        expected = by_position(expected, right)
    pd.testing.assert_frame_equal(join(left, right, how=how), expected, check_index_type=False)


def test_layers_join_too(rng):
    stops = Layer.from_arrays("stops", side(rng, "points", 3), position="OGC:CRS84", columns={"stop": np.arange(3)})
    wards = Layer.from_arrays(
        "wards", [shapely.box(7, 43, 8, 44)], position="OGC:CRS84", columns={"ward": np.array(["all"])}
    )
    assert join(stops, wards)["ward"].tolist() == ["all"] * 3


def test_a_column_that_the_index_needs(rng):
    left = gpd.GeoDataFrame({"index_right": [1]}, geometry=side(rng, "points", 1), crs="OGC:CRS84")
    right = gpd.GeoDataFrame({"b": [1]}, geometry=side(rng, "boxes", 1), crs="OGC:CRS84")
    with pytest.raises(JoinError, match="'index_right' cannot be a column"):
        join(left, right)


def test_two_reference_systems_are_an_error_that_names_both(rng):
    left = gpd.GeoDataFrame({"a": [1]}, geometry=side(rng, "points", 1), crs="OGC:CRS84")
    with pytest.raises(CrsMismatchError, match=r"OGC:CRS84.*EPSG:32632"):
        join(left, left.to_crs("EPSG:32632"))
    with pytest.raises(CrsMismatchError, match="right side does not say"):
        join(left, left.set_crs(None, allow_override=True))
    with pytest.raises(CrsMismatchError, match=r"this join needs OGC:CRS84.*EPSG:32632"):
        join(left.to_crs("EPSG:32632"), left.to_crs("EPSG:32632"), predicate="nearest")
    assert len(join(left, left.to_crs("EPSG:4326"), predicate="intersects")) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"predicate": "near"},
        {"how": "outer"},
        {"distance_m": 5.0},
        {"predicate": "dwithin"},
        {"k": 3},
    ],
    ids=["predicate", "how", "distance", "no distance", "k"],
)
def test_options_are_checked(options, rng):
    left = gpd.GeoDataFrame({"a": [1]}, geometry=side(rng, "points", 1), crs="OGC:CRS84")
    with pytest.raises(JoinError, match=r"write|meaning|needs a distance"):
        join(left, left, **options)


def scattered(rng, n, kind):
    at = CENTRE + rng.uniform(-0.05, 0.05, (n, 2))
    if kind == "points":
        return np.array(shapely.points(at), dtype=object)
    return np.array(shapely.linestrings(np.stack([at, at + rng.normal(0, 2e-3, (n, 2))], axis=1)), dtype=object)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", ["points", "lines"])
@pytest.mark.parametrize("distance_m", [None, 300.0])
@pytest.mark.parametrize("how", ["inner", "left"])
def test_nearest_against_every_pair(kind, distance_m, how, rng):
    left = gpd.GeoDataFrame({"a": range(60)}, geometry=scattered(rng, 60, "points"), crs="OGC:CRS84")
    right = gpd.GeoDataFrame({"b": range(40)}, geometry=scattered(rng, 40, kind), crs="OGC:CRS84")
    found = join(left, right, predicate="nearest", how=how, distance_m=distance_m)
    utm = left.to_crs("EPSG:32632"), right.to_crs("EPSG:32632")
    expected = gpd.sjoin_nearest(*utm, how=how, max_distance=distance_m, distance_col="d")
    assert found["a"].tolist() == expected["a"].tolist()
    np.testing.assert_array_equal(found["b"].to_numpy(), expected["b"].to_numpy())
    np.testing.assert_allclose(found["distance_m"], expected["d"], rtol=1e-3)
    if kind == "points":  # the ellipsoid itself is the referee
        hit = found["b"].notna()
        other = right.geometry.iloc[found.loc[hit, "b"].astype(int)]
        metres = crs.geodesy.distances_m(
            found.geometry[hit].x, found.geometry[hit].y, other.x.to_numpy(), other.y.to_numpy()
        )
        np.testing.assert_allclose(found.loc[hit, "distance_m"], metres, atol=1e-6)


def test_nearest_of_what_touches_is_at_no_distance():
    left = gpd.GeoDataFrame({"a": [1]}, geometry=shapely.points([[LON, LAT]]), crs="OGC:CRS84")
    right = gpd.GeoDataFrame({"b": [1, 2]}, geometry=[shapely.box(7.4, 43.7, 7.5, 43.8)] * 2, crs="OGC:CRS84")
    found = join(left, right, predicate="nearest")
    assert found[["b", "distance_m"]].to_numpy().tolist() == [[1, 0.0], [2, 0.0]]


def test_nearest_refuses_what_one_plane_cannot_hold():
    left = gpd.GeoDataFrame({"a": [1]}, geometry=shapely.points([[7.4, 43.7]]), crs="OGC:CRS84")
    right = gpd.GeoDataFrame({"b": [1]}, geometry=shapely.points([[27.4, 43.7]]), crs="OGC:CRS84")
    with pytest.raises(ExtentError, match="span 16"):
        join(left, right, predicate="nearest")
    with pytest.raises(GeometryError, match="positive"):
        join(left, left, predicate="nearest", distance_m=0.0)


def test_nearest_of_nothing():
    empty = gpd.GeoDataFrame({"a": np.empty(0)}, geometry=[], crs="OGC:CRS84")
    assert len(join(empty, empty, predicate="nearest")) == 0


def every_distance(left, right):
    """Measure all pairs in one plane, for the referee."""
    here, there = (np.asarray(side.to_crs("EPSG:32632").geometry) for side in (left, right))
    return shapely.distance(here[:, None], there[None, :])


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", ["points", "lines", "zones"])
def test_all_within_a_distance(kind, rng):
    left = gpd.GeoDataFrame({"a": range(80)}, geometry=scattered(rng, 80, "points"), crs="OGC:CRS84")
    shapes = side(rng, "zones", 40) if kind == "zones" else scattered(rng, 40, kind)
    right = gpd.GeoDataFrame({"b": range(40)}, geometry=shapes, crs="OGC:CRS84")
    found = join(left, right, predicate="dwithin", distance_m=800.0)
    distances = every_distance(left, right)
    sure = np.abs(distances - 800.0) > 1.0
    matched = np.zeros(distances.shape, dtype=bool)
    matched[found["a"], found["b"]] = True
    assert (matched == (distances < 800.0))[sure].all()
    np.testing.assert_allclose(found["distance_m"], distances[found["a"], found["b"]], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("lat", [0.0, 43.73, 80.0])
@pytest.mark.parametrize("metres", [40.0, 3_000.0])
def test_points_out_of_reach_are_left_out_beforehand_and_no_others(lat, metres, rng, monkeypatch):
    at = [7.42, lat] + rng.uniform(-4e-4, 4e-4, (4000, 2)) * metres / 10.0
    points = gpd.GeoDataFrame(geometry=shapely.points(at), crs="OGC:CRS84").set_index(np.arange(4000) + 5)
    points.iloc[3, 0] = None
    one = gpd.GeoDataFrame(
        geometry=[shapely.box(7.42, lat, 7.42 + metres * 1e-6, lat + metres * 1e-6)], crs="OGC:CRS84"
    )
    found = join(points, one, predicate="dwithin", distance_m=metres)
    assert 0 < len(found) < 2500
    monkeypatch.setattr("spatial_join.nearest._WORTH_SPARING", 0.0)
    pd.testing.assert_frame_equal(found, join(points, one, predicate="dwithin", distance_m=metres))


@pytest.mark.parametrize("kind", ["points", "lines", "zones"])
@pytest.mark.parametrize("k", [2, 5])
def test_the_k_nearest(kind, k, rng):
    left = gpd.GeoDataFrame({"a": range(60)}, geometry=scattered(rng, 60, "points"), crs="OGC:CRS84")
    shapes = side(rng, "zones", 30) if kind == "zones" else scattered(rng, 30, kind)
    right = gpd.GeoDataFrame({"b": range(30)}, geometry=shapes, crs="OGC:CRS84")
    found = join(left, right, predicate="nearest", k=k)
    distances = np.nan_to_num(every_distance(left, right), nan=np.inf)
    last = np.sort(distances, axis=1)[:, k - 1]
    matched = np.zeros(distances.shape, dtype=bool)
    matched[found["a"], found["b"]] = True
    assert matched[distances < last[:, None] * 0.998 - 1e-6].all()
    assert not matched[distances > last[:, None] * 1.002 + 1e-6].any()
    assert (found.groupby("a").size() >= k).all()
    cut = join(left, right, predicate="nearest", k=k, distance_m=500.0)
    pd.testing.assert_frame_equal(cut, found[found["distance_m"] <= 500.0])


def test_the_k_nearest_of_lines_are_refused(rng):
    lines = gpd.GeoDataFrame(geometry=scattered(rng, 3, "lines"), crs="OGC:CRS84")
    with pytest.raises(JoinError, match="left side holds a LineString"):
        join(lines, lines, predicate="nearest", k=2)
    with pytest.raises(JoinError, match="at least one"):
        join(lines, lines, predicate="nearest", k=0)


def test_a_junction_is_as_near_by_every_street_that_meets_there():
    centre = np.array([LON, LAT])
    ends = centre + 1e-3 * np.array([[1, 0], [1, 0.2], [1, -0.2]])
    streets = gpd.GeoDataFrame(
        {"b": range(3)}, geometry=[shapely.LineString([centre, end]) for end in ends], crs="OGC:CRS84"
    )
    west = gpd.GeoDataFrame(geometry=shapely.points(np.tile(centre - [1e-3, 0], (600, 1))), crs="OGC:CRS84")
    found = join(west, streets, predicate="nearest")
    assert found["b"].tolist() == [0, 1, 2] * 600


@pytest.mark.parametrize("label", [np.int64(7), pd.Timestamp("2026-06-16"), "a"])
def test_what_was_set_aside_goes_into_a_file_with_its_label(tmp_path, label):
    bow_tie = shapely.Polygon([(7.41, 43.73), (7.42, 43.74), (7.42, 43.73), (7.41, 43.74)])
    left = gpd.GeoDataFrame({"a": [1]}, geometry=shapely.points([[7.418, 43.735]]), crs="OGC:CRS84")
    right = gpd.GeoDataFrame({"b": ["tie"]}, geometry=[bow_tie], crs="OGC:CRS84", index=[label])
    found = join(left, right, how="left")
    found.to_parquet(tmp_path / "found.parquet")
    ((_, _, kept, _),) = gpd.read_parquet(tmp_path / "found.parquet").attrs["set_aside"]
    assert kept == (7 if isinstance(label, np.int64) else str(label))


def test_an_invalid_polygon_is_set_aside_and_matches_nothing(caplog):
    bow_tie = shapely.Polygon([(7.41, 43.73), (7.42, 43.74), (7.42, 43.73), (7.41, 43.74)])
    left = gpd.GeoDataFrame({"a": [1]}, geometry=shapely.points([[7.418, 43.735]]), crs="OGC:CRS84")
    right = gpd.GeoDataFrame(
        {"b": ["tie", "box"]}, geometry=[bow_tie, shapely.box(7.4, 43.7, 7.5, 43.8)], crs="OGC:CRS84", index=[10, 20]
    )
    found = join(left, right)
    assert found["b"].tolist() == ["box"]
    (aside,) = found.attrs["set_aside"]
    assert (aside.side, aside.row, aside.label) == ("right", 0, 10)
    assert "Self-intersection" in aside.reason
    assert "make_valid" in caplog.text


@pytest.mark.parametrize(
    "ring",
    [[(179, 10), (-179, 10), (-179, 11), (179, 11)], [(0, 80), (90, 80), (180, 80), (-90, 80)]],
    ids=["antimeridian", "pole"],
)
def test_what_wraps_around_the_globe_is_refused(ring):
    left = gpd.GeoDataFrame(geometry=shapely.points([[179.5, 10.5]]), crs="OGC:CRS84")
    right = gpd.GeoDataFrame(geometry=[shapely.Polygon(ring)], crs="OGC:CRS84")
    with pytest.raises(GeometryError, match=r"right side.*row 0.*longitude 180"):
        join(left, right)
    halves = shapely.MultiPolygon([shapely.box(179, 10, 180, 11), shapely.box(-180, 10, -179, 11)])
    world = gpd.GeoDataFrame(geometry=[halves, shapely.box(-180, -90, 180, 90)], crs="OGC:CRS84")
    assert join(left, world)["index_right"].tolist() == [0, 1]


def test_files_join_too(tmp_path, rng):
    left = gpd.GeoDataFrame({"a": range(9)}, geometry=side(rng, "points", 9), crs="OGC:CRS84")
    right = gpd.GeoDataFrame({"b": range(6)}, geometry=side(rng, "boxes", 6), crs="OGC:CRS84")
    left.to_parquet(tmp_path / "left.parquet")
    right.to_parquet(tmp_path / "right.parquet")
    found = join(tmp_path / "left.parquet", str(tmp_path / "right.parquet"), predicate="intersects")
    pd.testing.assert_frame_equal(found, join(left, right, predicate="intersects"))
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(JoinError, match=r"text\.parquet: no GeoParquet"):
        join(tmp_path / "text.parquet", right)
