"""Files of points joined with polygons from buffer to buffer: what is written is what the eager join makes."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from spatial_join import join, lazy
from spatial_join.streams import places_in

CENTRE = np.array([7.42, 43.73])


@pytest.fixture
def stops(rng):
    n = 3000
    columns = {
        "stop": [f"s{i}" for i in range(n)],
        "level": rng.integers(0, 9, n),
        "lit": rng.random(n) < 0.5,
        "height": np.where(rng.random(n) < 0.1, np.nan, rng.random(n)),
        "seen": pd.Timestamp("2026-11-22") + pd.to_timedelta(rng.integers(0, 9999, n), "s"),
    }
    at = CENTRE + rng.uniform(-0.15, 0.15, (n, 2))
    return gpd.GeoDataFrame(columns, geometry=shapely.points(at), crs="OGC:CRS84")


@pytest.fixture
def wards(rng):
    corner = CENTRE + rng.uniform(-0.15, 0.1, (40, 2))
    columns = {"ward": [f"w{i}" for i in range(40)], "level": rng.integers(0, 9, 40), "old": rng.random(40) < 0.5}
    squares = shapely.box(*corner.T, *(corner + 0.05).T)
    squares[3] = shapely.Polygon([(7.4, 43.7), (7.5, 43.8), (7.5, 43.7), (7.4, 43.8)])  # crosses itself
    return gpd.GeoDataFrame(columns, geometry=squares, crs="OGC:CRS84", index=pd.Index(np.arange(40) * 3, name="code"))


def written(frame, tmp_path):
    """What GeoPandas itself would read again."""
    frame.to_parquet(tmp_path / "eager.parquet")
    return gpd.read_parquet(tmp_path / "eager.parquet")


def refuse(*_, **__):
    raise AssertionError("geometry objects were made of points")


@pytest.mark.parametrize("how", ["inner", "left", "anti"])
@pytest.mark.parametrize("index", ["range", "numbers", "names"])
def test_as_the_eager_join(tmp_path, how, index, request):
    stops, wards = request.getfixturevalue("stops"), request.getfixturevalue("wards")
    if index == "numbers":
        stops = stops.set_index(np.arange(3000)[::-1] * 7)
    if index == "names":
        stops = stops.set_index("stop")
    stops.to_parquet(tmp_path / "stops.parquet", row_group_size=700)
    eager = join(stops, wards, predicate="intersects", how=how)
    plan = lazy.join(tmp_path / "stops.parquet", wards, predicate="intersects", how=how)
    request.getfixturevalue("monkeypatch").setattr("spatial_join.lazy.joins.block_of", refuse)
    folder = plan.to_parquet(tmp_path / "out", scheduler="threads")
    assert len(list(folder.iterdir())) == 5
    found = gpd.read_parquet(folder)
    pd.testing.assert_frame_equal(found, written(eager, tmp_path), check_index_type=False)
    assert found.crs == eager.crs


def test_where_every_point_has_one_polygon(tmp_path, stops):
    stops.to_parquet(tmp_path / "stops.parquet")
    whole = gpd.GeoDataFrame({"all": [1]}, geometry=[shapely.box(7, 43, 8, 44)], crs="OGC:CRS84")
    whole.to_parquet(tmp_path / "whole.parquet")
    folder = lazy.join(tmp_path / "stops.parquet", tmp_path / "whole.parquet").to_parquet(tmp_path / "out")
    pd.testing.assert_frame_equal(gpd.read_parquet(folder), written(join(stops, whole), tmp_path))


def test_row_groups_with_anything_else_go_by_frames(tmp_path, stops, wards):
    stops.loc[5, "geometry"] = None
    stops.loc[800, "geometry"] = shapely.Point()
    stops.loc[1500, "geometry"] = shapely.Point(7.42, 43.73, 9.0)
    stops.to_parquet(tmp_path / "stops.parquet", row_group_size=700)
    eager = written(join(stops, wards, how="left"), tmp_path)
    folder = lazy.join(tmp_path / "stops.parquet", wards, how="left").to_parquet(tmp_path / "out")
    found = gpd.read_parquet(folder)
    pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(eager), check_dtype=False)


def test_bounds_and_types_are_said(tmp_path, stops, wards):
    stops.to_parquet(tmp_path / "stops.parquet")
    folder = lazy.join(tmp_path / "stops.parquet", wards).to_parquet(tmp_path / "out")
    file = next(folder.iterdir())
    geo = json.loads(pq.read_schema(file).metadata[b"geo"])["columns"]["geometry"]
    assert geo["geometry_types"] == ["Point"]
    np.testing.assert_array_equal(geo["bbox"], gpd.read_parquet(file).total_bounds)


def test_only_plain_points_are_viewed():
    shapes = shapely.points(np.random.default_rng(1).uniform(-9, 9, (50, 2)))
    for kind in (pa.binary(), pa.large_binary()):
        column = pa.chunked_array([pa.array(shapely.to_wkb(part), kind) for part in (shapes[:20], shapes[20:])])
        np.testing.assert_array_equal(places_in(column.slice(7, 30))["x"], shapely.get_x(shapes[7:37]))
    whole = shapely.to_wkb(shapes)
    big_endian = shapely.to_wkb(shapes, byte_order=0)
    raised = shapely.to_wkb(shapely.force_3d(shapes))
    line = shapely.to_wkb(shapely.linestrings([[0, 0], [1, 1]]))
    for wrong in ([None], [big_endian[0]], [raised[0]], [line]):
        assert places_in(pa.chunked_array([pa.array([*whole, *wrong], pa.binary())])) is None
    assert places_in(pa.chunked_array([], pa.binary())).size == 0
