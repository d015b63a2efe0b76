"""The same promises on a real city: streets, districts, taxi zones and a raster as published."""

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

import crs
import layers
from crs.geodesy import lengths_m
from spatial_join import H3Grid, Quantity, aggregate, join, to_h3, weights

pytestmark = pytest.mark.nyc

CPU_SECONDS = 20.0
"""What a layer of a city may take on one core."""


def test_streets_keep_their_length(nyc):
    streets = gpd.read_file(f"/vsigzip/{nyc / 'transport' / 'osm_streets_manhattan.geojson.gz'}")
    shapes = np.asarray(streets.geometry)
    spread = weights(shapes, H3Grid(11))
    np.testing.assert_allclose(np.bincount(spread.row, spread.share), 1.0, rtol=1e-12)
    assert spread.support.sum() == pytest.approx(lengths_m(shapes).sum(), rel=1e-6)
    table = to_h3(
        streets.assign(lanes_km=np.arange(len(streets)) % 7 + 0.5), resolution=11, values={"lanes_km": "extensive"}
    )
    assert table.coarsen(7).totals()["lanes_km"] == pytest.approx((np.arange(len(streets)) % 7 + 0.5).sum(), rel=1e-9)


def test_districts_close(nyc):
    districts = gpd.read_file(next((nyc / "zones").rglob("nycd.shp"))).to_crs("OGC:CRS84")
    data = districts[districts.geometry.is_valid].assign(people=lambda frame: 1e5 + np.arange(len(frame)))
    table = to_h3(data, resolution=10, values={"people": "extensive"})
    assert table.totals()["people"] == pytest.approx(data["people"].sum(), rel=1e-9)
    assert set(table.frame["cell"]) == set(H3Grid(10).cover(data.geometry).tolist())


def test_a_raster_keeps_its_mass_in_good_time(nyc):
    with rasterio.open(nyc / "environment" / "nyccas_noAA12final.tif") as file:
        values = file.read(1, masked=True).filled(np.nan).astype(np.float64)
        lattice = crs.Lattice.from_affine(tuple(file.transform)[:6], values.shape)
    lon, lat = crs.transform(lattice.corner_x, lattice.corner_y, source="EPSG:2263", target="OGC:CRS84")
    known = ~np.isnan(values)
    began = time.process_time()
    spread = weights(crs.Lattice(lon, lat), H3Grid(10), valid=known)
    table = aggregate(spread, {"no": values.ravel()}, {"no": Quantity(kind="extensive")})
    assert time.process_time() - began < CPU_SECONDS
    assert known.sum() > 800_000
    assert table.totals()["no"] == pytest.approx(values[known].sum(), rel=1e-9)


def test_taxi_zones_match_as_in_geopandas(nyc, rng):
    zones = gpd.read_file(next((nyc / "zones").rglob("taxi_zones.shp"))).to_crs("OGC:CRS84")
    zones = zones[zones.geometry.is_valid]
    low_x, low_y, high_x, high_y = zones.total_bounds
    points = gpd.GeoDataFrame(
        {"trip": np.arange(20_000)},
        geometry=shapely.points(rng.uniform([low_x, low_y], [high_x, high_y], (20_000, 2))),
        crs="OGC:CRS84",
    )
    found, expected = join(points, zones, how="left"), gpd.sjoin(points, zones, predicate="within", how="left")
    order = expected.reset_index().sort_values(["index", "index_right"]).index
    pd.testing.assert_frame_equal(found, expected.iloc[order])


@pytest.fixture(scope="module")
def footprints(nyc):
    """The 114,421 buildings as published, each as the hull of its vertices, which is valid for both sides."""
    tiles = [nyc / "cim" / f"buildings_DA{tile}.city.jsonl.gz" for tile in range(1, 6)]
    found = layers.read(tiles, position="EPSG:2263", options=layers.ReadOptions(height_unit="us_survey_foot"))
    placed = crs.harmonise(found)
    shapes = shapely.convex_hull(np.asarray(placed.geometry))
    assert found.ledger.records_in == 114_421
    return gpd.GeoDataFrame({"building": np.arange(len(shapes))}, geometry=shapes, crs="OGC:CRS84")


@pytest.fixture(scope="module")
def tracts(nyc):
    frame = gpd.read_file(next((nyc / "zones").rglob("nyct2010.shp"))).to_crs("OGC:CRS84")
    return frame[frame.geometry.is_valid][["BoroCT2010", "geometry"]]


@pytest.fixture(scope="module")
def streets(nyc):
    frame = gpd.read_file(f"/vsigzip/{nyc / 'transport' / 'osm_streets_manhattan.geojson.gz'}")
    return frame[["geometry"]].set_crs("OGC:CRS84", allow_override=True)


def same_rows(found, expected):
    """Compare with GeoPandas, whose order within one record is that of its tree."""
    pairs = [frame.reset_index()[["index", "index_right"]].to_numpy() for frame in (found, expected)]
    ours, theirs = (rows[np.lexsort(rows.T[::-1])] for rows in pairs)
    np.testing.assert_array_equal(ours, theirs)
    return len(ours)


@pytest.mark.parametrize("predicate", ["within", "intersects"])
def test_buildings_and_tracts_match_as_in_geopandas(footprints, tracts, predicate):
    found, expected = join(footprints, tracts, predicate=predicate), gpd.sjoin(footprints, tracts, predicate=predicate)
    assert same_rows(found, expected) > 100_000
    corners = footprints.set_geometry(
        shapely.points(
            shapely.get_coordinates(shapely.get_point(shapely.get_exterior_ring(np.asarray(footprints.geometry)), 0))
        ),
        crs="OGC:CRS84",
    )
    found, expected = join(corners, tracts, predicate=predicate), gpd.sjoin(corners, tracts, predicate=predicate)
    assert same_rows(found, expected) > 100_000


def test_streets_and_tracts_match_as_in_geopandas(streets, tracts):
    for predicate in ("intersects", "crosses", "within"):
        same_rows(join(streets, tracts, predicate=predicate), gpd.sjoin(streets, tracts, predicate=predicate))


def test_the_nearest_streets_are_geopandas(streets, rng):
    """GeoPandas measures in a plane of metres, we on the ellipsoid: what differs is equally near to a thousandth."""
    west, south, east, north = streets.total_bounds
    points = gpd.GeoDataFrame(geometry=shapely.points(rng.uniform([west, south], [east, north], (20_000, 2))), crs=4326)
    found = join(points, streets, predicate="nearest", distance_m=200.0)
    expected = gpd.sjoin_nearest(points.to_crs(32618), streets.to_crs(32618), max_distance=200.0, distance_col="metres")
    ours, theirs = found.groupby(level=0)["distance_m"].min(), expected.groupby(level=0)["metres"].min()
    both = ours.index.intersection(theirs.index)
    assert len(both) > 5_000
    assert len(both) >= 0.999 * max(len(ours), len(theirs))
    np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-3, atol=1e-3)
    pairs = [set(zip(frame.index, frame["index_right"], strict=True)) for frame in (found, expected)]
    assert len(pairs[0] ^ pairs[1]) <= 0.001 * len(found)
