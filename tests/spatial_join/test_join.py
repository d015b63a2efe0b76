"""Joins against GeoPandas, row for row."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs.geodesy
from layers import Layer
from spatial_join import CrsMismatchError, ExtentError, GeometryError, JoinError, join

LON, LAT = 7.42, 43.73
CENTRE = np.array([LON, LAT])


def side(rng, kind, n):
    """Records on a coarse lattice, so that they share edges and corners."""
    at = np.round(CENTRE + rng.integers(0, 8, (n, 2)) * 1e-3, 6)
    if kind == "points":
        shapes = shapely.points(at)
    elif kind == "lines":
        shapes = shapely.linestrings(np.stack([at, at + rng.integers(-2, 3, (n, 2)) * 1e-3], axis=1))
    else:
        width = rng.integers(1, 4, (n, 2)) * 1e-3
        shapes = shapely.box(at[:, 0], at[:, 1], at[:, 0] + width[:, 0], at[:, 1] + width[:, 1])
    shapes = np.array(shapes, dtype=object)
    if n > 3:
        shapes[1], shapes[2] = None, shapely.Point()
    return shapes


def by_position(joined, right):
    """Order the lines of one left record by the position of the right one; GeoPandas leaves the order to its tree."""
    column = "index_right" if right.index.name is None else right.index.name
    column = column if column in joined.columns else f"{column}_right"
    rank = pd.Series(np.arange(len(right)), index=right.index)
    key = joined[column].map(rank).to_numpy()
    groups = (np.arange(len(joined)) != 0) & (joined.index != joined.index[np.maximum(np.arange(len(joined)) - 1, 0)])
    return joined.iloc[np.lexsort((key, np.cumsum(groups)))]


@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["points", "lines", "boxes"]),
    other=st.sampled_from(["points", "lines", "boxes"]),
    predicate=st.sampled_from(["within", "intersects", "contains"]),
    how=st.sampled_from(["inner", "left"]),
)
@settings(deadline=None, max_examples=150)
def test_as_geopandas(seed, kind, other, *, predicate, how):
    rng = np.random.default_rng(seed)
    left = gpd.GeoDataFrame(
        {"a": np.arange(12), "name": list("abcdefghijkl")}, geometry=side(rng, kind, 12), crs="OGC:CRS84"
    )
    right = gpd.GeoDataFrame(
        {"b": np.arange(9.0), "name": list("mnopqrstu")}, geometry=side(rng, other, 9), crs="OGC:CRS84"
    )
    left.index, right.index = rng.permutation(12) * 3, rng.permutation(9) + 50
    expected = gpd.sjoin(left, right, predicate=predicate, how=how)
    found = join(left, right, predicate=predicate, how=how)
    pd.testing.assert_frame_equal(found, by_position(expected, right), check_index_type=False)


@pytest.mark.parametrize("names", [(None, None), ("row", None), (None, "row"), ("row", "row"), ("row", "name")])
@pytest.mark.parametrize("how", ["inner", "left"])
def test_names_as_geopandas(names, how, rng):
    left = gpd.GeoDataFrame({"a": range(10), "name": range(10)}, geometry=side(rng, "points", 10), crs="OGC:CRS84")
    right = gpd.GeoDataFrame({"name": range(6)}, geometry=side(rng, "boxes", 6), crs="OGC:CRS84").rename_geometry(
        "outline"
    )
    left.index.name = names[0]
    right.index.name = names[1] if names[1] != "name" else "district"
    expected = gpd.sjoin(left, right, how=how)
    pd.testing.assert_frame_equal(join(left, right, how=how), by_position(expected, right), check_index_type=False)


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
    with pytest.raises(CrsMismatchError, match=r"'nearest' needs OGC:CRS84.*EPSG:32632"):
        join(left.to_crs("EPSG:32632"), left.to_crs("EPSG:32632"), predicate="nearest")
    assert len(join(left, left.to_crs("EPSG:4326"), predicate="intersects")) == 1


@pytest.mark.parametrize(
    "options", [{"predicate": "near"}, {"how": "outer"}, {"distance_m": 5.0}], ids=["predicate", "how", "distance"]
)
def test_options_are_checked(options, rng):
    left = gpd.GeoDataFrame({"a": [1]}, geometry=side(rng, "points", 1), crs="OGC:CRS84")
    with pytest.raises(JoinError, match=r"write|meaning"):
        join(left, left, **options)


def scattered(rng, n, kind):
    at = CENTRE + rng.uniform(-0.05, 0.05, (n, 2))
    if kind == "points":
        return np.array(shapely.points(at), dtype=object)
    return np.array(shapely.linestrings(np.stack([at, at + rng.normal(0, 2e-3, (n, 2))], axis=1)), dtype=object)


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
