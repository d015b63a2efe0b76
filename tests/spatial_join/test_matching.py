"""Map matching against walks whose streets are kept, and against ways found by hand."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from crs.local import local_projection
from spatial_join import GeometryError, JoinError, match
from spatial_join.line_pieces import pieces_of
from spatial_join.network import Courses, Network
from tests.reference.join_walks import Walks

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
SIGMA_M = 10.0


@pytest.fixture(scope="module")
def driven():
    """Eighty drives of five minutes, a record a second, through the streets of the second sample city."""
    streets = gpd.read_parquet(SAMPLES / "shenzhen/raw/streets.parquet").reset_index(drop=True)
    west, south, east, north = streets.total_bounds
    plane = local_projection([west, east], [south, north])
    walks = Walks(plane.project(np.asarray(streets.geometry)), seed=20)
    drives = [walks.drive(300) for _ in range(80)]
    place = np.concatenate([place for _, place in drives])
    x, y = (place + np.random.default_rng(21).normal(0.0, SIGMA_M, place.shape)).T
    points = gpd.GeoDataFrame(
        {"track": np.repeat(np.arange(80), 300), "second": np.tile(np.arange(300.0), 80)},
        geometry=shapely.points(*plane.inverse(x, y)),
        crs="OGC:CRS84",
    )
    order = np.random.default_rng(22).permutation(len(points))  # a feed is in no order
    return points.iloc[order], streets, pd.Series(np.concatenate([street for street, _ in drives]))


def test_most_records_find_their_street_and_say_how_surely(driven):
    points, streets, truth = driven
    found = match(points, streets, track="track", time="second", sigma_m=SIGMA_M)
    assert (found.index == points.index).all()
    right = found["street"] == truth.loc[found.index]
    assert right.mean() >= 0.95
    stated = found["probability"].fillna(0.0)
    edges = np.quantile(stated, np.linspace(0, 1, 11))
    bins = np.unique(edges)[1:-1]
    by_bin = pd.DataFrame({"stated": stated, "right": right, "bin": np.searchsorted(bins, stated)}).groupby("bin")
    sized = by_bin.size() >= 1000
    assert sized.sum() >= 4
    off = (by_bin["stated"].mean() - by_bin["right"].mean()).abs()[sized]
    assert (off <= 0.02).all(), off
    hard = points.twin.join(streets, predicate="nearest")["index_right"]
    hard = hard[~hard.index.duplicated()]
    assert ((stated - right) ** 2).mean() < ((hard != truth.loc[hard.index]) * 1.0).mean()


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="OGC:CRS84")


def test_a_side_street_is_passed_by():
    """At a crossing the nearest street is the side street; the way says otherwise."""
    main = [shapely.LineString([(7.42, 43.73), (7.422, 43.73)]), shapely.LineString([(7.422, 43.73), (7.424, 43.73)])]
    side = shapely.LineString([(7.422, 43.73), (7.422, 43.732)])
    lon = np.linspace(7.4203, 7.4237, 18)
    lat = np.full(18, 43.73)
    near = np.argmin(np.abs(lon - 7.422))
    lat[near] += 8e-5  # 9 m up the side street
    lon[near] = 7.42205
    found = match(frame(shapely.points(lon, lat)), frame([*main, side], name=["west", "east", "side"]), sigma_m=8.0)
    assert 2 not in found["street"].tolist()
    assert found["street"].tolist()[0] == 0
    assert found["street"].tolist()[-1] == 1
    assert found["along_m"].iloc[0] == pytest.approx(0.0003 * 80_574, abs=6.0)
    assert (found["none"] < 0.1).all()


def test_a_record_far_from_all_streets_is_on_none():
    streets = frame([shapely.LineString([(7.42, 43.73), (7.43, 43.73)])])
    at = [[7.421, 43.73], [7.422, 43.735], [7.423, 43.73], [np.nan, np.nan]]
    found = match(frame(shapely.points(at), sigma_m=[5.0] * 4), streets)
    assert found["street"].isna().tolist() == [False, True, False, True]
    assert found["none"].iloc[1] > 0.99
    assert np.isnan(found["none"].iloc[3])
    assert np.isnan(found["probability"].iloc[1])


def test_ways_by_hand():
    """A square of streets of 100 m and a way out: distances do not turn about on a street."""
    lines = np.array(
        [shapely.LineString(ends) for ends in ([(0, 0), (100, 0)], [(100, 0), (100, 100)], [(100, 100), (0, 100)])]
    )
    pieces = pieces_of(lines, longest_m=20.0)
    routes = Network.of(lines).among(np.arange(3), limit_m=1000.0)
    here = Courses(np.array([0, 4]), np.array([True, True]))
    there = Courses(np.array([4, 0, 5, 14]), np.array([True, True, True, True]))
    metres = routes.distances_m(pieces, here, there)
    assert metres[0].tolist() == [80.0, 0.0, 100.0, 280.0]
    assert metres[1, 0] == 0.0
    # From the far end of the first street back to its start: to its end, about there, back all along, and about again.
    assert metres[1, 1] == pytest.approx(10.0 + 100.0 + 10.0)
    back = routes.distances_m(pieces, here, Courses(np.array([0]), np.array([False])))
    assert back[:, 0].tolist() == [90.0 + 90.0, 10.0 + 90.0]
    near = Network.of(lines).among(np.arange(3), limit_m=50.0).distances_m(pieces, here, there)
    assert near[0, 3] == np.inf


def test_what_is_matched_is_checked():
    street = frame([shapely.LineString([(7.42, 43.73), (7.43, 43.73)])])
    point = frame(shapely.points([[7.421, 43.73]]))
    with pytest.raises(GeometryError, match="line's vertices"):
        match(street, street, sigma_m=5.0)
    with pytest.raises(GeometryError, match="Only lines have pieces; Point in row 0"):
        match(point, point, sigma_m=5.0)
    with pytest.raises(JoinError, match="sigma_m above 0"):
        match(point, street, sigma_m=0.0)
    with pytest.raises(JoinError, match="no column 'trip'"):
        match(point, street, sigma_m=5.0, track="trip")
