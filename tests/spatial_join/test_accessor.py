"""``frame.twin`` says what the functions say."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import spatial_join


@pytest.fixture
def blocks():
    squares = [shapely.box(7.41, 43.73, 7.42, 43.74), shapely.box(7.42, 43.73, 7.43, 43.74)]
    return gpd.GeoDataFrame({"people": [100.0, 300.0]}, geometry=squares, crs="OGC:CRS84")


def test_it_says_what_the_functions_say(blocks):
    stops = gpd.GeoDataFrame({"stop": [1]}, geometry=shapely.points([[7.415, 43.735]]), crs="OGC:CRS84")
    pd.testing.assert_frame_equal(stops.twin.join(blocks, how="left"), spatial_join.join(stops, blocks, how="left"))
    pd.testing.assert_frame_equal(blocks.twin.overlay(blocks), spatial_join.overlay(blocks, blocks))
    table = blocks.twin.to_h3(resolution=9, values={"people": "extensive"})
    assert table.totals()["people"] == pytest.approx(400.0, rel=1e-12)


def test_a_frame_without_geometry_has_none():
    with pytest.raises(AttributeError, match="needs a GeoDataFrame"):
        _ = pd.DataFrame({"a": [1]}).twin
