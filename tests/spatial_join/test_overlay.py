"""Cutting records, against GeoPandas' overlay in an equal-area plane."""

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from crs.geodesy import areas_m2, lengths_m
from spatial_join import CrsMismatchError, GeometryError, overlay

PLANE = "+proj=cea +ellps=WGS84"


def frame(rng, kind, n):
    at = np.round(np.array([7.42, 43.73]) + rng.integers(0, 8, (n, 2)) * 1e-3, 6)
    if kind == "lines":
        shapes = shapely.linestrings(np.stack([at, at + rng.integers(1, 5, (n, 2)) * 1e-3], axis=1))
    elif kind == "points":
        shapes = shapely.points(at)
    else:
        shapes = shapely.buffer(shapely.points(at), rng.uniform(1e-3, 3e-3, n), quad_segs=2)
    return gpd.GeoDataFrame({"name": np.arange(n), kind: np.arange(n) * 2.0}, geometry=shapes, crs="OGC:CRS84")


@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["polygons", "lines", "points"]))
@settings(deadline=None, max_examples=60)
def test_as_geopandas(seed, kind):
    rng = np.random.default_rng(seed)
    left, right = frame(rng, kind, 9), frame(rng, "zones", 7)
    cut = overlay(left, right)
    expected = gpd.overlay(left.to_crs(PLANE), right.to_crs(PLANE), how="intersection", keep_geom_type=True)
    keys = ["name_left", "name_right"]
    cut = cut.sort_values(keys)
    expected = expected.rename(columns={"name_1": "name_left", "name_2": "name_right"}).sort_values(keys)
    if kind == "points":  # GeoPandas leaves the corners of its cuts to rounding, so do we
        inside = gpd.sjoin(left, right, predicate="within")
        assert len(inside) <= len(cut) <= len(gpd.sjoin(left, right, predicate="intersects"))
        assert (cut["share_left"] == 1.0).all()
        return
    size = expected.area if kind == "polygons" else expected.length
    real = size > 1e-3  # slivers of a thousandth are rounding
    assert cut[keys][cut["share_left"] > 1e-7].to_numpy().tolist() == expected[keys][real].to_numpy().tolist()
    whole = left.to_crs(PLANE).area if kind == "polygons" else left.to_crs(PLANE).length
    shares = (size / whole[expected["name_left"]].to_numpy())[real]
    np.testing.assert_allclose(cut["share_left"][cut["share_left"] > 1e-7], shares, atol=1e-7)


def test_a_cover_shares_everything_out(rng):
    left = frame(rng, "polygons", 30)
    west, south, east, north = left.total_bounds
    x, y = np.linspace(west, east, 7), np.linspace(south, north, 6)
    grid = [shapely.box(a, c, b, d) for a, b in pairwise(x) for c, d in pairwise(y)]
    cut = overlay(left, gpd.GeoDataFrame({"zone": range(len(grid))}, geometry=grid, crs="OGC:CRS84"))
    np.testing.assert_allclose(cut.groupby("name")["share_left"].sum(), 1.0, rtol=1e-12)
    np.testing.assert_allclose(cut["area_m2"].sum(), areas_m2(np.asarray(left.geometry)).sum(), rtol=1e-6)
    assert cut["area_m2"].sum() == pytest.approx(areas_m2(np.asarray(cut.geometry)).sum(), rel=1e-6)
    assert cut.crs == left.crs
    lines = overlay(frame(rng, "lines", 20), gpd.GeoDataFrame(geometry=[shapely.box(7, 43, 8, 44)], crs="OGC:CRS84"))
    np.testing.assert_allclose(lines["length_m"], lengths_m(np.asarray(lines.geometry)))
    np.testing.assert_allclose(lines["share_left"], 1.0)


def test_what_touches_shares_nothing():
    left = gpd.GeoDataFrame(geometry=[shapely.box(7.41, 43.73, 7.42, 43.74)], crs="OGC:CRS84")
    right = gpd.GeoDataFrame(
        geometry=[shapely.box(7.42, 43.73, 7.43, 43.74), shapely.box(7.42, 43.74, 7.43, 43.75)], crs="OGC:CRS84"
    )
    assert len(overlay(left, right)) == 0


def test_what_can_be_cut_is_checked(rng):
    polygons, lines = frame(rng, "polygons", 3), frame(rng, "lines", 3)
    mixed = pd.concat([polygons, lines])
    with pytest.raises(GeometryError, match="mixes geometries of 2 dimensions"):
        overlay(mixed, polygons)
    with pytest.raises(GeometryError, match=r"right side cuts.*LineString"):
        overlay(polygons, lines)
    with pytest.raises(CrsMismatchError, match="EPSG:32632"):
        overlay(polygons.to_crs(32632), polygons.to_crs(32632))
    bow_tie = shapely.Polygon([(7.41, 43.73), (7.42, 43.74), (7.42, 43.73), (7.41, 43.74)])
    broken = gpd.GeoDataFrame(geometry=[bow_tie], crs="OGC:CRS84")
    assert overlay(broken, polygons).attrs["set_aside"][0].side == "left"


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_records_that_cut_each_other_are_told_once(seed):
    polygons = frame(np.random.default_rng(seed), "polygons", 12)
    both = overlay(polygons, polygons)
    rank = pd.Series(np.arange(len(polygons)), index=polygons.index)
    first = rank[both.index].to_numpy() < rank[both["index_right"]].to_numpy()
    pd.testing.assert_frame_equal(overlay(polygons), both[first])
    alone = both[rank[both.index].to_numpy() == rank[both["index_right"]].to_numpy()]
    assert shapely.equals_exact(alone.geometry.to_numpy(), polygons.geometry[alone.index].to_numpy(), 1e-12).all()
    assert (alone["share_left"] == 1.0).all()
