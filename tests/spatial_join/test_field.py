"""Kriging against its textbook, and its intervals against stations that it has not seen."""

import gstools as gs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crs.local import local_projection
from spatial_join import GeometryError, TooFewStationsError, Variogram, krige, leave_one_out
from tests.reference.join_kriging import ordinary_kriging

LON, LAT = -73.95, 40.75


def stations(rng, n=14, *, length_m=6000.0, nugget=0.2, steps=1):
    """Positions, and values drawn from a Gaussian field of which the covariance is known."""
    lon, lat = LON + rng.uniform(-0.12, 0.12, n), LAT + rng.uniform(-0.09, 0.09, n)
    xy = np.stack(local_projection(lon, lat).forward(lon, lat), axis=1)
    distance = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    covariance = (1 - nugget) * np.exp(-distance / length_m) + nugget * np.eye(n)
    return lon, lat, 10.0 + 2.0 * (np.linalg.cholesky(covariance) @ rng.normal(size=(n, steps)))


def test_mean_and_variance_are_the_textbooks(rng):
    lon, lat, values = stations(rng)
    to_lon, to_lat = LON + rng.uniform(-0.1, 0.1, 9), LAT + rng.uniform(-0.08, 0.08, 9)
    shape = Variogram(length_m=5000.0, nugget=0.3, inflation=1.7)
    field = krige(lon, lat, values[:, 0], to_lon, to_lat, variogram=shape)
    plane = local_projection(lon, lat)
    xy, targets = (np.stack(plane.forward(*at), axis=1) for at in ((lon, lat), (to_lon, to_lat)))
    expected = [
        ordinary_kriging(xy, values[:, 0], target, covariance=lambda d: 0.7 * np.exp(-d / 5000.0), sill=1.0)
        for target in targets
    ]
    mean, unit = np.array(expected).T
    np.testing.assert_allclose(field.mean, mean, rtol=1e-8)
    # The textbook's variance is of a process of variance 1; ours is estimated, then inflated.
    np.testing.assert_allclose(field.variance / unit, field.variance[0] / unit[0], rtol=1e-8)
    plain = krige(lon, lat, values[:, 0], to_lon, to_lat, variogram=Variogram(length_m=5000.0, nugget=0.3))
    np.testing.assert_allclose(field.variance, 1.7 * plain.variance, rtol=1e-12)


def test_gstools_says_the_same_of_many_steps_at_once(rng):
    lon, lat, values = stations(rng, n=20, steps=4)
    values[3, 2], values[:, 3] = np.nan, 7.0  # one step with a silent station, one without any spread
    to_lon, to_lat = (
        np.append(LON + rng.uniform(-0.1, 0.1, 30), lon[0]),
        np.append(LAT + rng.uniform(-0.1, 0.1, 30), lat[0]),
    )
    field = krige(lon, lat, values, to_lon, to_lat, variogram=Variogram(length_m=9000.0, nugget=0.25))
    plane = local_projection(lon, lat)
    xy, to = plane.forward(lon, lat), plane.forward(to_lon, to_lat)
    ratios = []
    for step in range(4):
        known = ~np.isnan(values[:, step])
        model = gs.Exponential(dim=2, var=0.75, len_scale=9000.0, nugget=0.25)
        other = gs.krige.Ordinary(model, np.array(xy)[:, known], values[known, step], exact=False)
        mean, unit = other(to)
        np.testing.assert_allclose(field.mean[:, step], mean, rtol=1e-9)
        ratios.append(field.variance[:, step] / unit)
    np.testing.assert_allclose(ratios, np.array(ratios)[:, :1] * np.ones(31), rtol=1e-8, atol=1e-12)
    assert ratios[3].max() < 1e-12


def test_too_few_stations_give_no_field(rng):
    lon, lat, values = stations(rng, n=12)
    values[7:] = np.nan
    with pytest.raises(TooFewStationsError, match=r"7 of 12 stations.*needs 8"):
        krige(lon, lat, values[:, 0], [LON], [LAT])
    lon, lat, values = stations(rng, n=12, steps=3)
    values[6:, 1] = np.nan
    field = krige(lon, lat, values, [lon[0]], [lat[0]])
    assert np.isnan(field.mean[0]).tolist() == [False, True, False]


def test_beyond_the_range_is_empty(rng):
    lon, lat, values = stations(rng)
    shape = Variogram(length_m=1000.0, nugget=0.1)
    field = krige(lon, lat, values, [lon[3], LON + 2.0], [lat[3], LAT], variogram=shape)
    assert field.reach.tolist() == [True, False]
    assert np.isnan(field.mean[1]).all()
    assert np.isnan(field.variance[1]).all()


def test_stations_at_one_address_and_constant_values():
    lon, lat = np.r_[np.linspace(-74, -73.9, 9), -74.0], np.full(10, 40.7)
    constant = krige(lon, lat, np.full(10, 4.2), [-73.95], [40.7])
    assert constant.mean[0] == 4.2
    assert constant.variance[0] == 0.0
    values = np.r_[np.arange(9.0), 30.0]
    field = krige(lon, lat, values, lon, lat)
    assert np.isfinite(field.mean).all()
    low, high = field.interval()
    assert (low < field.mean).all()
    assert (high > field.mean).all()


def test_positions_and_values_must_fit(rng):
    lon, lat, values = stations(rng)
    with pytest.raises(GeometryError, match="one finite longitude"):
        krige(lon[:-1], lat, values, [LON], [LAT])
    with pytest.raises(GeometryError, match="one finite longitude"):
        krige(np.where(np.arange(14) == 2, np.nan, lon), lat, values, [LON], [LAT])


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=5)
def test_the_scale_of_values_does_not_matter(seed):
    lon, lat, values = stations(np.random.default_rng(seed), n=10)
    one = krige(lon, lat, values, [LON], [LAT])
    other = krige(lon, lat, 1000.0 * values + 7.0, [LON], [LAT])
    np.testing.assert_allclose(other.mean, 1000.0 * one.mean + 7.0, rtol=1e-6)
    np.testing.assert_allclose(other.variance, 1e6 * one.variance, rtol=1e-5)


def test_intervals_hold_where_the_truth_is_known(rng):
    """95 % intervals of 60 networks of 12 to 18 stations, each station held out in turn."""
    checks = [leave_one_out(*stations(rng, n=int(n))) for n in rng.integers(12, 19, 60)]
    inside = sum(check.coverage * check.checked for check in checks) / sum(check.checked for check in checks)
    assert sum(check.checked for check in checks) > 700
    assert 0.90 <= inside <= 0.98


@pytest.fixture(scope="module")
def monitors(nyc):
    hourly = pd.read_csv(
        nyc / "environment" / "NYC_Hourly_Monitoring_2019_2025.csv.gz",
        usecols=["SiteID", "ObservationTimeUTC", "Value"],
    )
    sites = pd.read_csv(nyc / "environment" / "sites.csv").dropna(subset="nyc_id").set_index("nyc_id")
    hourly["time"] = pd.to_datetime(hourly["ObservationTimeUTC"], utc=True).dt.tz_convert("America/New_York")
    return sites, hourly[hourly["Value"].between(0, 500)]


CLOCKS = {
    "typical hours of the day": lambda table: table["time"].dt.hour,
    "typical months": lambda table: table["time"].dt.month,
    "days of 2024-07 to 2025-06": lambda table: table["time"].dt.floor("D").where(table["time"] >= "2024-07-01"),
}


@pytest.mark.nyc
@pytest.mark.parametrize("clock", CLOCKS)
def test_new_york_intervals_hold_at_stations_not_seen(monitors, clock):
    sites, hourly = monitors
    values = hourly.pivot_table(index="SiteID", columns=CLOCKS[clock](hourly), values="Value").reindex(sites.index)
    values = values.iloc[:, :: max(1, values.shape[1] // 40)]
    check = leave_one_out(sites["lon"], sites["lat"], values.to_numpy())
    assert check.checked >= 150
    assert 0.90 <= check.coverage <= 0.98
