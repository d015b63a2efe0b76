"""Cells by probability: right to nine digits, calibrated on a million records, and nothing lost."""

from dataclasses import replace

import dask
import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import owens_t

import crs
import layers
import spatial_join
from crs import Lattice
from crs.geodesy import move_m
from layers import Layer
from spatial_join import (
    CellProbabilities,
    GeometryError,
    H3Grid,
    JoinError,
    ResolutionError,
    cell_probabilities,
    credible_cells,
    lazy,
    to_h3,
    weights,
)
from spatial_join import index as h3_index
from spatial_join.kernels.gaussian import owen_t
from tests.reference.join_probability import by_chance, by_quadrature

SHENZHEN = (114.06, 22.54)
PENTAGON = h3.cell_to_latlng(h3.get_pentagons(10)[3])[::-1]
PLACES = {
    "Shenzhen": SHENZHEN,
    "Monaco": (7.42, 43.73),
    "Tromsø": (18.96, 69.65),
    "Fiji": (179.9997, -16.8),
    "a pentagon": (PENTAGON[0] + 1e-4, PENTAGON[1] - 2e-4),
}


def over_an_edge_of_the_icosahedron(resolution):
    """A position in a cell with more than six corners that is not a pentagon."""
    ends = np.array([h3.cell_to_latlng(cell) for cell in h3.get_pentagons(0)])
    for lat, lon in (ends[0] + t * (ends[1] - ends[0]) for t in np.linspace(0.1, 0.9, 2000)):
        cell = h3.latlng_to_cell(lat, lon, resolution)
        if len(h3.cell_to_boundary(cell)) > 6 and not h3.is_pentagon(cell):
            return h3.cell_to_latlng(cell)[::-1]
    raise AssertionError("no bent cell found")


def points(rng, n, *, around=SHENZHEN, spread=0.05):
    return np.asarray(around) + rng.uniform(-spread, spread, (n, 2))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("resolution", "sigma_m"), [(9, 30.0), (10, 5.0), (10, 60.0), (11, 12.0), (12, 20.0)])
def test_equal_to_quadrature(place, resolution, sigma_m, rng):
    for lon, lat in np.asarray(PLACES[place]) + rng.uniform(-2e-4, 2e-4, (3, 2)):
        p = cell_probabilities([lon], [lat], sigma_m, H3Grid(resolution))
        likely = np.argsort(-p.share)[:6]
        kept = 1.0 - p.remaining[0]
        expected = [by_quadrature(int(cell), lon, lat, sigma_m) for cell in p.cell[likely]]
        np.testing.assert_allclose(p.share[likely] * kept, expected, rtol=0, atol=1e-9)


def test_a_bent_cell_is_not_a_hexagon():
    lon, lat = over_an_edge_of_the_icosahedron(9)
    p = cell_probabilities([lon + 1e-3], [lat], 150.0, H3Grid(9))
    assert p.share.sum() == pytest.approx(1.0, abs=1e-12)
    expected = [by_quadrature(int(cell), lon + 1e-3, lat, 150.0) for cell in p.cell]
    np.testing.assert_allclose(p.share * (1.0 - p.remaining[0]), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("resolution", "sigma_m"), [(10, 40.0), (11, 5.0), (12, 50.0)])
def test_equal_to_chance(resolution, sigma_m, rng):
    throws = 200_000
    p = cell_probabilities(*np.reshape(SHENZHEN, (2, 1)), sigma_m, H3Grid(resolution))
    seen = by_chance(*SHENZHEN, sigma_m, resolution, throws=throws, rng=rng)
    share = dict(zip(p.cell.tolist(), p.share.tolist(), strict=True))
    assert sum(v for cell, v in seen.items() if cell not in share) < 1e-4
    error = np.array(
        [(seen.get(cell, 0.0) - v) / np.sqrt(v * (1 - v) / throws) for cell, v in share.items() if v > 1e-4]
    )
    assert np.abs(error).max() < 5.0
    assert len(error) < 20 or 0.7 < error.std() < 1.3


def test_on_an_edge_of_two_cells_each_holds_half():
    a, b = (np.array(v)[::-1] for v in h3.cell_to_boundary(h3.latlng_to_cell(*SHENZHEN[::-1], 9))[:2])
    lon, lat = 0.5 * (a + b)
    for shift in (0.0, 1e-14, -1e-14, 3e-13):
        p = cell_probabilities([lon], [lat + shift], 2.0, H3Grid(9))
        assert p.share.tolist() == pytest.approx([0.5, 0.5], abs=1e-6)
    at_a_corner = cell_probabilities([a[0]], [a[1]], 2.0, H3Grid(9))
    assert len(at_a_corner) == 3
    assert at_a_corner.share.sum() == pytest.approx(1.0, abs=1e-14)


def test_level_with_a_corner():
    grid = H3Grid(10)
    cell = grid.index([SHENZHEN[0]], [SHENZHEN[1]])
    (lon,), _ = grid.centres(cell)
    for lat in grid.vertices(cell)[0, :, 1].tolist():
        p = cell_probabilities([lon], [lat], 20.0, grid)
        expected = [by_quadrature(int(c), lon, lat, 20.0) for c in p.cell]
        np.testing.assert_allclose(p.share * (1.0 - p.remaining[0]), expected, rtol=0, atol=1e-9)


@given(
    st.lists(st.tuples(st.floats(-180, 180), st.floats(-88, 88), st.floats(1e-3, 60)), min_size=1, max_size=8),
    st.integers(8, 12),
)
@settings(deadline=None, max_examples=60)
def test_anywhere_on_earth_nothing_is_lost(records, resolution):
    lon, lat, sigma_m = np.array(records).T.copy()
    grid = H3Grid(resolution)
    p = cell_probabilities(lon, lat, sigma_m, grid)
    np.testing.assert_allclose(np.bincount(p.row, weights=p.share), 1.0, rtol=1e-12)
    assert (p.share > 0).all()
    assert ((p.remaining >= 0) & (p.remaining <= 1e-6)).all()
    assert np.isin(grid.index(lon, lat), p.cell).all()
    for i in range(len(lon)):  # a record's cells do not depend on its company
        alone = cell_probabilities(lon[i : i + 1], lat[i : i + 1], sigma_m[i : i + 1], grid)
        mine = p.row == i
        assert p.cell[mine].tobytes() == alone.cell.tobytes()
        assert p.share[mine].tobytes() == alone.share.tobytes()


def test_ring_by_ring_is_the_same_as_on_the_lattice(rng, monkeypatch):
    lon, lat = points(rng, 300).T
    sigma_m = rng.uniform(1, 50, 300)
    fast = cell_probabilities(lon, lat, sigma_m, H3Grid(11))
    monkeypatch.setattr(h3_index, "disks", lambda *_, **__: None)
    slow = cell_probabilities(lon, lat, sigma_m, H3Grid(11))
    assert (fast.cell == slow.cell).all()
    np.testing.assert_allclose(fast.share, slow.share, rtol=0, atol=1e-9)


@pytest.mark.parametrize("not_stated", [0.0, np.nan])
def test_without_a_stated_error_a_point_is_in_one_cell(not_stated, rng):
    lon, lat = points(rng, 50).T
    sigma_m = np.where(np.arange(50) % 2, 20.0, not_stated)
    p = cell_probabilities(lon, lat, sigma_m, H3Grid(10))
    certain = p.row % 2 == 0
    assert (p.cell[certain] == H3Grid(10).index(lon, lat)[::2]).all()
    assert (p.share[certain] == 1.0).all()
    assert (p.remaining[::2] == 0.0).all()
    assert certain.sum() == 25 < (~certain).sum()
    nothing = cell_probabilities([], [], [], H3Grid(10))
    assert (len(nothing), nothing.rows) == (0, 0)


def test_parents_hold_what_their_children_hold(rng):
    lon, lat = points(rng, 200).T
    fine = cell_probabilities(lon, lat, 15.0, H3Grid(12))
    coarse = fine.coarsen(10)
    assert isinstance(coarse, CellProbabilities)
    assert (coarse.remaining == fine.remaining).all()
    expected = pd.Series(fine.share).groupby([fine.row, H3Grid(12).parents(fine.cell, 10)]).sum()
    assert (coarse.cell == expected.index.get_level_values(1)).all()
    np.testing.assert_allclose(coarse.share, expected, rtol=1e-12)


@pytest.fixture(scope="module")
def million():
    """A million records: where they truly are, where they are said to be, and how well."""
    rng = np.random.default_rng(7)
    n, sigma_m = 1_000_000, rng.uniform(1.0, 50.0, 1_000_000)
    truth = points(rng, n, spread=0.15)
    said = move_m(*truth.T, east_m=rng.normal(0, 1, n) * sigma_m, north_m=rng.normal(0, 1, n) * sigma_m)
    return H3Grid(10).index(*truth.T), sigma_m, cell_probabilities(*said, sigma_m, H3Grid(10))


def test_probabilities_are_calibrated(million):
    true_cell, sigma_m, p = million
    hit = p.cell == true_cell[p.row]
    for low, high in [(1, 5), (5, 15), (15, 30), (30, 50), (1, 50)]:
        mine = (sigma_m[p.row] >= low) & (sigma_m[p.row] < high)
        bins = pd.DataFrame({"p": p.share[mine], "hit": hit[mine]}).groupby((p.share[mine] * 20).astype(int))
        table = bins.agg({"p": ["mean", "size"], "hit": "mean"})
        full = table[table["p", "size"] >= 1000]
        assert len(full) > 15
        assert (full["hit", "mean"] - full["p", "mean"]).abs().max() < 0.02
    assert hit.sum() / len(true_cell) > 1.0 - 1e-4  # the cells that are kept hold the truth


@pytest.mark.parametrize(("level", "records"), [(0.95, 1_000_000), (0.5, 100_000), (0.8, 100_000)])
def test_sets_of_cells_cover_what_they_state(million, level, records):
    true_cell, sigma_m, p = million
    few = p.row < records
    true_cell, sigma_m = true_cell[:records], sigma_m[:records]
    parts = {name: getattr(p, name)[few] for name in ("row", "cell", "share", "support")}
    p = replace(p, **parts, rows=records, remaining=p.remaining[:records])
    sets = credible_cells(p, level=level)
    stated = sets.groupby("row")["probability"].sum().to_numpy()
    assert (stated >= level - 1e-12).all()
    covered = np.zeros(p.rows, dtype=bool)
    covered[sets["row"][sets["cell"].to_numpy() == true_cell[sets["row"]]]] = True
    assert abs(covered.mean() - stated.mean()) < 0.01
    for low, high in [(1, 5), (5, 15), (15, 30), (30, 50)]:
        mine = (sigma_m >= low) & (sigma_m < high)
        assert abs(covered[mine].mean() - stated[mine].mean()) < 0.01


@pytest.mark.parametrize(("resolution", "floor"), [(8, 0.0089), (9, 0.0234), (10, 0.062), (11, 0.164)])
def test_the_least_share_of_misplaced_records(resolution, floor, rng):
    """No engine can do better than this; to first order it is 0.921 sigma over the cell's edge."""
    sigma_m, grid = 5.0, H3Grid(resolution)
    lon, lat = points(rng, 60_000, spread=0.1).T
    p = cell_probabilities(lon, lat, sigma_m, grid)
    best = np.maximum.reduceat(p.share, np.flatnonzero(np.r_[True, np.diff(p.row) > 0]))
    misplaced = 1.0 - best.mean()
    edge_m = np.sqrt(grid.areas_m2(grid.index(lon[:500], lat[:500])).mean() * 2.0 / (3.0 * np.sqrt(3.0)))
    first_order = 0.921 * sigma_m / edge_m
    assert first_order == pytest.approx(floor, rel=0.02)
    assert misplaced == pytest.approx(first_order, rel=0.05)
    assert misplaced < first_order * 1.02  # cells overlap at corners, which the first order counts twice


@pytest.fixture
def records(rng):
    columns = {"people": 10.0 ** rng.uniform(-3, 5, 800), "no2": rng.uniform(5, 60, 800)}
    columns |= {"use": rng.choice(["park", "road"], 800), "step": rng.integers(0, 3, 800)}
    columns |= {"sigma_m": np.where(rng.random(800) < 0.1, np.nan, rng.uniform(0, 40, 800))}
    return gpd.GeoDataFrame(columns, geometry=shapely.points(points(rng, 800, spread=0.4)), crs="OGC:CRS84")


VALUES = {"people": "extensive", "no2": "intensive", "use": "categorical"}


def test_totals_are_conserved(records):
    exact = to_h3(records, resolution=11, values=VALUES)
    table = to_h3(records, resolution=11, values=VALUES, uncertain=True)
    assert len(table) > 2 * len(exact)
    total = records["people"].sum()
    for one in (table, table.coarsen(9), table.coarsen(5)):
        assert abs(one.totals()["people"] - total) <= 1e-9 * total
        assert abs(one.frame["n"].sum() - 800) <= 1e-9 * 800


def test_a_cell_is_told_what_is_probably_in_it(records):
    table = to_h3(records, resolution=10, values=VALUES, uncertain=True).frame.set_index("cell")
    xy = shapely.get_coordinates(records.geometry)
    p = cell_probabilities(*xy.T, records["sigma_m"], H3Grid(10))
    cell = p.cell[np.argmax(p.share * (p.share < 0.9))]
    mine = p.cell == cell
    row, share = p.row[mine], p.share[mine]
    assert table.loc[cell, "people"] == pytest.approx((records["people"].to_numpy()[row] * share).sum())
    assert table.loc[cell, "no2"] == pytest.approx((records["no2"].to_numpy()[row] * share).sum() / share.sum())
    assert table.loc[cell, "n"] == pytest.approx(share.sum())


@pytest.mark.parametrize("by", [None, "step"])
def test_on_dask_the_same_numbers(records, by):
    eager = to_h3(records, resolution=11, values=VALUES, by=by, uncertain=True)
    plan = lazy.to_h3(records, resolution=11, values=VALUES, by=by, uncertain=True)
    assert plan.partitions > 3
    assert plan.token != lazy.to_h3(records, resolution=11, values=VALUES, by=by).token
    table = plan.compute(scheduler="synchronous")
    pd.testing.assert_frame_equal(table.frame, eager.frame, rtol=1e-12, atol=0)
    again = plan.compute(scheduler="threads", num_workers=3)
    pd.testing.assert_frame_equal(table.frame, again.frame, check_exact=True)
    with dask.config.set(scheduler=lambda *_, **__: pytest.fail("a plan must not compute")):
        lazy.to_h3(records, resolution=11, values=VALUES, uncertain=True)


def test_a_layer_that_states_no_error_is_as_it_was(rng):
    layer = Layer.from_arrays(
        "stops", shapely.points(points(rng, 60)), position="OGC:CRS84", columns={"people": np.ones(60)}
    )
    exact, probable = (
        to_h3(layer, resolution=10, values={"people": "extensive"}, uncertain=choice) for choice in (False, True)
    )
    pd.testing.assert_frame_equal(exact.frame, probable.frame)


def test_several_points_are_one_record(rng):
    xy = points(rng, 4, spread=5e-4)
    frame = gpd.GeoDataFrame(
        {"people": [6.0, 2.0], "sigma_m": [10.0, 30.0]},
        geometry=[shapely.MultiPoint(xy[:3]), shapely.Point(xy[3])],
        crs="OGC:CRS84",
    )
    table = to_h3(frame, resolution=10, values={"people": "extensive"}, uncertain=True).frame.set_index("cell")
    apart = cell_probabilities(*xy.T, [10.0, 10.0, 10.0, 30.0], H3Grid(10))
    expected = pd.Series(apart.share * 2.0).groupby(apart.cell).sum()
    np.testing.assert_allclose(table["people"], expected.loc[table.index], rtol=1e-9)
    assert table["n"].sum() == pytest.approx(2.0, rel=1e-12)


@pytest.mark.parametrize("kind", ["line", "polygon", "raster"])
def test_lines_and_areas_are_refused_with_what_to_do(kind, rng):
    what = {"line": "a length", "polygon": "an area", "raster": "an area"}[kind]
    xy = points(rng, 3)
    shapes = (
        shapely.linestrings(np.stack([xy, xy + 1e-3], axis=1)) if kind == "line" else shapely.box(*xy.T, *xy.T + 1e-3)
    )
    source = gpd.GeoDataFrame({"a": np.ones(3), "sigma_m": [0.0, 5.0, np.nan]}, geometry=shapes, crs="OGC:CRS84")
    if kind == "raster":
        j, i = np.mgrid[:3, :4]
        lattice = Lattice(SHENZHEN[0] + 1e-3 * i, SHENZHEN[1] - 1e-3 * j, sigma_m=4.0)
        source = Raster(np.ones((2, 3)), lattice)
    with pytest.raises(GeometryError, match=rf"row.* 1.* sigma_m have {what}.*Leave out uncertain=True"):
        to_h3(source, resolution=10, values={"a": "extensive"}, uncertain=True)
    if kind != "raster":
        to_h3(source.assign(sigma_m=np.nan), resolution=10, values={"a": "extensive"}, uncertain=True)


class Raster:
    name, variable = "background", "a"

    def __init__(self, values, coordinates):
        self.values, self.coordinates = values, coordinates


def test_wrong_errors_are_named():
    grid = H3Grid(10)
    for sigma_m in (-1.0, np.inf):
        with pytest.raises(GeometryError, match=r"neither negative nor infinite: row 1.*NaN where"):
            cell_probabilities([114.0, 114.0], [22.5, 22.5], [5.0, sigma_m], grid)
    with pytest.raises(GeometryError, match="2 longitudes but 1 latitudes"):
        cell_probabilities([114.0, 114.0], [22.5], 5.0, grid)
    with pytest.raises(GeometryError, match="3 standard deviations were given for 2 positions"):
        cell_probabilities([114.0, 114.0], [22.5, 22.5], [5.0, 5.0, 5.0], grid)
    with pytest.raises(GeometryError, match=r"Beyond 89 degrees.*row 1"):
        cell_probabilities([114.0, 114.0], [22.5, 89.5], 5.0, grid)
    with pytest.raises(ResolutionError, match=r"row 1 .*sigma_m up to 9000 m.*coarser resolution"):
        cell_probabilities([114.0, 114.0], [22.5, 22.5], [5.0, 9000.0], grid)
    frame = gpd.GeoDataFrame(
        {"a": [1.0, 1.0], "sigma_m": [5.0, -5.0]}, geometry=[None, shapely.Point(114, 22)], crs=4326
    )
    with pytest.raises(GeometryError, match=r"infinite: row 1, first"):
        to_h3(frame, values={"a": "extensive"}, uncertain=True)
    with pytest.raises(GeometryError, match="not longitude/latitude"):
        cell_probabilities([np.nan], [22.5], 5.0, grid)


def test_sets_of_cells_are_the_smallest(rng):
    p = cell_probabilities(*points(rng, 40).T, rng.uniform(0, 60, 40), H3Grid(11))
    sets = credible_cells(p, level=0.9)
    for row, group in sets.groupby("row"):
        share = np.sort(p.share[p.row == row])[::-1]
        least = 1 + int(np.argmax(np.cumsum(share) >= 0.9))
        assert len(group) == least
        np.testing.assert_array_equal(group["probability"], share[:least])
        assert group["coverage"].iloc[-1] == pytest.approx(share[:least].sum())
    assert len(credible_cells(p, level=1.0)) == len(p)
    exact = credible_cells(weights(shapely.points(points(rng, 5)), H3Grid(11)))
    assert exact["probability"].tolist() == [1.0] * 5
    for level in (0.0, 1.5, np.nan, 95):
        with pytest.raises(JoinError, match=r"0\.95 for 95 %"):
            credible_cells(p, level=level)


def test_owens_function_is_scipys(rng):
    h, t = np.abs(rng.normal(0, 3, 3000)), rng.normal(0, 4, 3000)
    h[:300] *= 1e-9
    t[300:400] = 0.0
    mine = [owen_t(a, b) for a, b in zip(h.tolist(), t.tolist(), strict=True)]
    np.testing.assert_allclose(mine, owens_t(h, t / h), rtol=0, atol=1e-13)
    assert owen_t(0.0, 1.0) == 0.25
    assert owen_t(0.0, 0.0) == 0.0


def test_a_point_that_stands_for_an_area_is_refused_eager_and_lazy():
    position = {"cells": "geohash", "columns": ["code"], "as": "point"}
    table = layers.Layer(
        name="codes",
        table=pd.DataFrame({"code": ["spv2bcc", "spv2bcd"], "n": [1, 2]}).rename_axis(index="row"),
        position=crs.definition(position),
        coordinates=crs.Fields((np.array(["spv2bcc", "spv2bcd"], dtype=object),)),
        ledger=layers.Ledger(dataset="codes", sources={"memory": 2}, placed=2),
    )
    middles = crs.harmonise(table)
    assert middles.coordinates.radius_m.round().tolist() == [94, 94]
    for taken in (spatial_join.to_h3, lazy.to_h3):
        with pytest.raises(spatial_join.GeometryError, match=r"radius 9\d.*as: area"):
            taken(middles, resolution=11, values={"n": "extensive"}, uncertain=True)
    assert len(spatial_join.to_h3(middles, resolution=11, values={"n": "extensive"})) == 2
