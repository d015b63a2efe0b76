"""Means by people, rates and directions, against numbers made by hand and against the sums of all records."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spatial_join import H3Grid, Quantity, QuantityError, WrongRollUpError, aggregate, lazy, to_cube, to_h3, weights
from spatial_join.zonal import to_features

HERE = (7.4200, 43.7300)


def stations(**columns):
    n = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=shapely.points([HERE] * n), crs="OGC:CRS84")


def only(table, name):
    assert len(table) == 1
    return table.frame[name].iloc[0]


def test_north_is_the_mean_of_its_two_sides():
    table = to_h3(stations(wind=[350.0, 20.0]), values={"wind": {"kind": "circular", "unit": "degree"}})
    assert only(table, "wind") == pytest.approx(5.0)
    assert only(table, "wind__resultant") == pytest.approx(np.cos(np.radians(15.0)))
    assert only(table, "wind__support") == 2.0


def test_opposite_winds_have_no_direction():
    table = to_h3(stations(wind=[90.0, 270.0]), values={"wind": "circular"})
    assert np.isnan(only(table, "wind"))
    assert only(table, "wind__resultant") == pytest.approx(0.0, abs=1e-12)


def test_a_mean_by_people():
    table = to_h3(
        stations(pm25=[10.0, 30.0, 99.0], people=[300.0, 100.0, np.nan]),
        values={"pm25": Quantity(kind="intensive", unit="ug/m3", by="people")},
    )
    assert only(table, "pm25") == pytest.approx(15.0)
    assert only(table, "pm25__support") == 400.0


def test_a_rate_is_averaged_by_what_it_is_per():
    values = {"accidents": {"kind": "rate", "unit": "1/km", "by": "vehicle_km"}}
    table = to_h3(stations(accidents=[1e-3, 5e-3], vehicle_km=[3000.0, 1000.0]), values=values)
    assert only(table, "accidents") == pytest.approx(8 / 4000)
    with pytest.raises(WrongRollUpError, match="Use 'mean'"):
        table.coarsen(8, roll_ups={"accidents": "sum"})


@pytest.mark.parametrize("people", [["a", "b"], [-1.0, 2.0]])
def test_an_amount_is_a_number_of_at_least_nothing(people):
    with pytest.raises(QuantityError, match="at least 0 per record"):
        to_h3(stations(a=[1.0, 2.0], people=people), values={"a": Quantity(kind="intensive", by="people")})
    with pytest.raises(QuantityError, match="no column 'people'"):
        to_h3(stations(a=[1.0, 2.0]), values={"a": Quantity(kind="intensive", by="people")})
    spread = weights(shapely.points([HERE]), H3Grid(10))
    with pytest.raises(QuantityError, match="amounts="):
        aggregate(spread, {"a": [1.0]}, {"a": Quantity(kind="intensive", by="people")})


@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["circular", "rate"]))
@example(seed=395, kind="circular")  # A coarse cell that nothing with a value touches.
@example(seed=395, kind="rate")
@settings(deadline=None, max_examples=40)
def test_any_way_up_is_the_same(seed, kind):
    """Coarsening, parts and the matrix path all give the mean over the records of a coarse cell."""
    rng = np.random.default_rng(seed)
    at = np.array(HERE) + rng.uniform(-0.02, 0.02, (50, 2))
    shapes = shapely.box(at[:, 0], at[:, 1], at[:, 0] + 2e-3, at[:, 1] + 2e-3)
    data = gpd.GeoDataFrame(
        {"v": rng.uniform(0, 360, 50), "people": rng.uniform(0, 9, 50)}, geometry=shapes, crs="OGC:CRS84"
    )
    data.loc[3, "v"] = np.nan
    quantity = Quantity(kind=kind, by="people")
    table = to_h3(data, resolution=9, values={"v": quantity})
    spread = weights(shapes, H3Grid(9)).coarsen(7)
    keep = ~np.isnan(data["v"].to_numpy()[spread.row])
    load = spread.share * data["people"].to_numpy()[spread.row]
    for cell in np.unique(spread.cell):
        here = keep & (spread.cell == cell)
        line = table.coarsen(7).frame.set_index("cell").loc[cell]
        values, by = data["v"].to_numpy()[spread.row[here]], load[here]
        assert line["v__support"] == pytest.approx(by.sum(), rel=1e-9)
        if not here.any():  # Only the record without a value touches it.
            assert np.isnan(line["v"])
        elif kind == "rate":
            assert line["v"] == pytest.approx(np.average(values, weights=by), rel=1e-9)
        else:
            mean = (np.exp(1j * np.radians(values)) * by).sum() / by.sum()
            assert line["v__resultant"] == pytest.approx(abs(mean), rel=1e-9)
            assert np.exp(1j * np.radians(line["v"])) == pytest.approx(mean / abs(mean), rel=1e-6)
    in_parts = lazy.to_h3(data, resolution=9, values={"v": quantity}, partition_resolution=8).compute(scheduler="sync")
    np.testing.assert_allclose(in_parts.frame["v"], table.frame["v"], rtol=1e-9)
    matrix = aggregate(
        weights(shapes, H3Grid(9)),
        {"v": data[["v"]].to_numpy()},
        {"v": quantity},
        amounts={"people": data["people"]},
    )
    np.testing.assert_allclose(matrix.frame["v"], table.frame["v"].dropna(), rtol=1e-9)


def test_classes_have_shares():
    squares = [shapely.box(7.40, 43.70, 7.42, 43.76), shapely.box(7.42, 43.70, 7.44, 43.76)]
    land = gpd.GeoDataFrame({"use": ["park", "homes"]}, geometry=squares, crs="OGC:CRS84")
    table = to_h3(land, resolution=7, values={"use": "categorical"})
    shares = table.shares("use")
    assert list(shares.columns) == ["homes", "park"]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)
    assert ((shares > 0.0) & (shares < 1.0)).all(axis=1).any()
    with pytest.raises(QuantityError, match="only classes"):
        to_h3(stations(a=[1.0]), values={"a": "extensive"}).shares("a")


def test_directions_go_back_to_records_and_into_cubes():
    table = to_h3(stations(wind=[350.0, 20.0]), values={"wind": "circular"})
    spread = weights(shapely.points([HERE]), H3Grid(10))
    assert to_features(spread, table, "wind") == pytest.approx([5.0])
    assert to_cube(table)["wind"].attrs["kind"] == "circular"
    assert "wind" in repr(table)
