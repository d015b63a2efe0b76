"""The clock, and readings laid on it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from tests.reference.twin_resample import mean_by_second
from twin.timeline import Clock, ratio_to_quantile, resample, spacing_s, step_shares

START = pd.Timestamp("2026-06-16T00:00", tz="Europe/Monaco").tz_convert("UTC")


def calendar(steps=6, step_s=60.0):
    return Clock(step_s=step_s, zone="Europe/Monaco", start=START, end=START + pd.Timedelta(seconds=steps * step_s))


def typical(step_s=3600.0, zone="Europe/Monaco"):
    return Clock(step_s=step_s, zone=zone)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-150, 400), st.one_of(st.none(), st.floats(-50, 50))),
        min_size=1,
        max_size=12,
        unique_by=lambda r: r[0],
    ),
    st.sampled_from([0, 7, 30, 60, 90, 200]),
)
def test_means_are_those_of_every_second(rows, period_s):
    begin = np.array([float(row[0]) for row in rows])
    values = np.array([np.nan if row[1] is None else row[1] for row in rows])
    clock = calendar()
    times = pd.Series(START + pd.to_timedelta(begin, unit="s"))
    sites = np.zeros(len(rows), dtype=np.int64)
    shares = step_shares(times, clock, period_s=period_s)
    one = step_shares(times, clock, period_s=period_s, only=2)
    at = shares.step == 2
    for part in ("record", "step", "overlap", "day"):
        np.testing.assert_array_equal(getattr(one, part), getattr(shares, part)[at])
    found = resample(values, sites, shares, clock=clock, extensive=False)
    expected = mean_by_second(begin, period_s, values, step_s=60, steps=6)
    np.testing.assert_allclose(found[0], expected, rtol=1e-9, atol=1e-9)


def test_amounts_are_divided_and_add_up_to_the_total_within_the_clock():
    clock = calendar(steps=4, step_s=900.0)
    times = pd.Series([START, START + pd.Timedelta("1800s")])
    shares = step_shares(times, clock, period_s=1800.0)
    found = resample(np.array([10.0, 6.0]), np.zeros(2, np.int64), shares, clock=clock, extensive=True)
    np.testing.assert_allclose(found[0], [5, 5, 3, 3])


def test_silence_is_nan_and_never_nought():
    clock = calendar()
    shares = step_shares(pd.Series([START, START]), clock)
    found = resample(np.array([np.nan, 4.0]), np.array([0, 1]), shares, clock=clock, extensive=False)
    assert np.isnan(found[0]).all()
    assert found[1, 0] == 4.0
    assert np.isnan(found[1, 1:]).all()


def test_a_typical_day_folds_days_by_the_local_clock():
    times = pd.Series(
        pd.to_datetime(["2026-01-10T07:30Z", "2026-07-10T06:30Z", "2026-07-11T23:30Z"])
    )  # 08:30, 08:30, 01:30
    clock = typical()
    found = resample(
        np.array([10.0, 20.0, 7.0]), np.zeros(3, np.int64), step_shares(times, clock), clock=clock, extensive=False
    )
    assert found.shape == (1, 24)
    assert found[0, 8] == 15.0
    assert found[0, 1] == 7.0
    assert np.isfinite(found).sum() == 2


def test_amounts_of_a_typical_day_are_per_day_with_readings():
    times = pd.Series(pd.to_datetime(["2026-07-10T06:00Z", "2026-07-10T06:30Z", "2026-07-11T06:00Z"]))
    clock = typical()
    found = resample(
        np.array([10.0, 20.0, 60.0]), np.zeros(3, np.int64), step_shares(times, clock), clock=clock, extensive=True
    )
    assert found[0, 8] == (10 + 20 + 60) / 2


def test_the_spacing_of_readings_is_the_commonest_gap_of_a_site():
    times = pd.Series(START + pd.to_timedelta([0, 300, 600, 1500, 17, 317], unit="s"))
    assert spacing_s(times, np.array([0, 0, 0, 0, 1, 1])) == 300.0
    assert spacing_s(times[:2], np.array([0, 1])) == 0.0


def test_a_ratio_is_over_the_sites_own_quantile():
    values = np.array([10.0, 20.0, np.nan, 5.0, 0.0])
    ratio, base = ratio_to_quantile(values, np.array([0, 0, 0, 1, 2]), 0.5)
    np.testing.assert_allclose(base, [15, 5, 0])
    np.testing.assert_allclose(ratio, [10 / 15, 20 / 15, np.nan, 1.0, np.nan])


@pytest.mark.parametrize(
    ("time", "step"),
    [
        ("2026-06-16T00:02:30", 2),
        ("0:04", 4),
        ("00:01:30", 1),
        (3, 3),
        (np.datetime64("2026-06-15T22:05:00"), 5),
        (START + pd.Timedelta("61s"), 1),
    ],
)
def test_a_time_finds_its_step(time, step):
    assert calendar().step_of(time) == step


@pytest.mark.parametrize(("time", "step"), [("08:30", 8), (pd.Timedelta("23h"), 23), (np.timedelta64(90, "m"), 1)])
def test_a_time_of_day_finds_its_step(time, step):
    assert typical().step_of(time) == step


@pytest.mark.parametrize("time", ["2026-06-17T00:00", "yesterday", 99, -1])
def test_a_time_outside_the_clock_is_refused_with_its_bounds(time):
    with pytest.raises(twin.SeriesError, match="step"):
        calendar().step_of(time)


def test_coordinates_are_utc_instants_or_times_of_day():
    assert calendar().coordinate()[0] == np.datetime64("2026-06-15T22:00:00")
    assert len(calendar()) == 6
    hours = typical().coordinate()
    assert hours.dtype.kind == "m"
    assert hours[-1] == np.timedelta64(23, "h")
