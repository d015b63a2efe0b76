"""Readings with a beginning and an end of their own on the city's clock."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import twin
from tests.reference.twin_cities import CITY, write_city
from twin.manifest.models import ClockSpec
from twin.timeline import Clock, clock_from_spec, resample, step_shares


def _clock() -> Clock:
    told = {"start": "2026-06-16T00:00", "end": "2026-06-16T06:00", "step": "30min", "zone": "UTC"}
    return clock_from_spec(ClockSpec.model_validate(told))


@given(st.lists(st.tuples(st.integers(0, 350), st.integers(0, 200), st.floats(-5, 5)), min_size=1, max_size=6))
def test_amounts_go_to_steps_by_overlap_and_levels_by_weighted_mean(readings):
    clock = _clock()
    start = pd.Timestamp("2026-06-16", tz="UTC")
    times = pd.Series([start + pd.Timedelta(minutes=minute) for minute, _, _ in readings])
    lengths = np.array([60.0 * minutes for _, minutes, _ in readings])
    values = np.array([value for _, _, value in readings])
    shares = step_shares(times, clock, period_s=lengths)
    site = np.zeros(len(readings), dtype=np.int64)
    total = resample(values, site, shares, clock=clock, extensive=True)[0]
    level = resample(values, site, shares, clock=clock, extensive=False)[0]
    for step in range(len(clock)):
        low, high = 30 * step, 30 * (step + 1)
        parts = []
        for minute, minutes, value in readings:
            inside = max(0, min(minute + minutes, high) - max(minute, low))
            share = inside / minutes if minutes else float(low <= minute < high)
            if share > 0:
                parts.append((share, value))
        if not parts:
            assert np.isnan(total[step])
            continue
        assert np.isclose(total[step], sum(share * value for share, value in parts))
        weights = sum(share for share, _ in parts)
        assert np.isclose(level[step], sum(share * value for share, value in parts) / weights)


def test_a_manifest_names_the_end_of_an_interval(tmp_path):
    manifest = CITY.replace(
        "time: {column: time, zone: UTC}\n    variables:\n      probe_kmh",
        "time: {column: time, end: until, zone: UTC}\n    site: [lon, lat]\n    variables:\n      probe_kmh",
    )
    assert manifest != CITY
    path = write_city(tmp_path, manifest=manifest)
    probes = pd.read_csv(tmp_path / "probes.csv")
    starts = pd.to_datetime(probes["time"]) - pd.Timedelta(minutes=90)
    stamped = starts.dt.strftime("%Y-%m-%dT%H:%M:%S")
    probes.assign(until=probes["time"], time=stamped).to_csv(tmp_path / "probes.csv", index=False)
    found = twin.build(path, out=tmp_path / "tiny.twin", workers=0)
    cube = found.cube(["probe_kmh"], resolution=11)["probe_kmh"]
    (tmp_path / "plain").mkdir()
    plain = twin.build(write_city(tmp_path / "plain"), out=tmp_path / "plain.twin", workers=0)
    instants = plain.cube(["probe_kmh"], resolution=11)["probe_kmh"]
    assert np.isfinite(cube).sum() > 2 * np.isfinite(instants).sum()
    cell, time = next(
        (cell, time) for cell in cube.cell.to_numpy() for time in cube.time.to_numpy()
        if np.isfinite(cube.sel(cell=cell, time=time))
    )  # fmt: skip
    told = found.explain(cell, "probe_kmh", time)
    assert any("until its 'until'" in step for step in told.steps)
