"""City measures against what is computed by hand on a toy street."""

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
import twin
from spatial_join import H3Grid
from twin import measures

GRID = H3Grid(9)
NYC = Path(os.environ.get("TWIN_NYC_DATA", "nowhere"))


def cube(count=3, *, hours=24, start="2026-06-16", zone="UTC", **variables):
    """Return a cube of neighbouring cells; a variable is (units, values)."""
    cells = np.sort(GRID.cover([shapely.box(7.40, 43.70, 7.44, 43.74)]))[:count]
    times = pd.date_range(start, periods=hours, freq="h").to_numpy()
    arrays = {}
    for name, (units, given_values) in variables.items():
        values = np.asarray(given_values, dtype=np.float64)
        dims = ("cell", "time")[: values.ndim]
        arrays[name] = xr.DataArray(values, dims=dims, attrs={"units": units})
    axis = xr.DataArray(cells, dims="cell", attrs={"grid_name": "h3", "level": 9})
    return xr.Dataset(arrays, coords={"cell": axis, "time": xr.DataArray(times, dims="time", attrs={"timezone": zone})})


def test_a_toy_street_by_hand():
    """Three cells with 100, 200 and 50 m of street: 50 km/h free, the second at 25, the third unknown."""
    toy = cube(
        hours=2,
        v=("km/h", [[50, 50], [25, 50], [np.nan, 10]]),
        free=("km/h", [50, 50, 40]),
        street=("m", [100, 200, 50]),
        flow=("veh/h", [[600, 600], [900, 900], [100, 100]]),
    )
    index = measures.travel_time_index(toy, speed="v", free_flow="free")
    np.testing.assert_allclose(index, [[1, 1], [2, 1], [np.nan, 4]])
    np.testing.assert_allclose(measures.congestion_level(toy, speed="v", free_flow="free"), index - 1)
    # 100 m at 50 and 200 m at 25 km/h take 36 s, at 50 km/h 21.6 s; with 50 m at 10 for 40 km/h 39.6 s and 26.1 s.
    whole = measures.congestion_level(toy, speed="v", free_flow="free", weight="street", over="city")
    np.testing.assert_allclose(whole, [36 / 21.6 - 1, 39.6 / 26.1 - 1])
    assert whole.dims == ("time",)
    assert whole.attrs["units"] == "1"
    # 900 veh/h x 1 h x 0.2 km x (1/25 - 1/50) h/km x 1.5 persons
    lost = measures.delay(toy, speed="v", flow="flow", length="street", free_flow="free")
    np.testing.assert_allclose(lost, [[0, 0], [5.4, 0], [np.nan, 100 * 0.05 * (1 / 10 - 1 / 40) * 1.5]])
    np.testing.assert_allclose(measures.total(lost, "city"), [5.4, 0.5625])


def test_faster_than_free_flow_is_no_delay_but_below_zero_congestion():
    toy = cube(1, hours=2, v=("km/h", [[60, 0]]), free=("km/h", [50]), street=("km", [1]), flow=("veh/h", [[10, 10]]))
    np.testing.assert_allclose(measures.congestion_level(toy, speed="v", free_flow="free"), [[50 / 60 - 1, np.nan]])
    lost = measures.delay(toy, speed="v", flow="flow", length="street", free_flow="free")
    np.testing.assert_allclose(lost, [[0, np.nan]])


def test_free_flow_is_a_quantile_of_the_local_off_peak_hours():
    """Tuesday and Saturday in Monaco, two hours ahead of UTC: 9 to 16 and 19 to 22; Saturday 6 to 22."""
    local = np.arange(24)
    speeds = np.where(((local >= 9) & (local < 16)) | ((local >= 19) & (local < 22)), 40.0 + local, 99.0)
    tuesday = cube(1, start="2026-06-15T22:00", zone="Europe/Monaco", v=("km/h", [speeds]))
    expected = np.quantile(40.0 + np.array([9, 10, 11, 12, 13, 14, 15, 19, 20, 21]), 0.85)
    assert float(measures.free_flow_speed(tuesday, speed="v")[0]) == pytest.approx(expected)
    saturday = cube(
        1, start="2026-06-19T22:00", zone="Europe/Monaco", v=("km/h", [np.where((local >= 6) & (local < 22), 5.0, 99)])
    )
    assert float(measures.free_flow_speed(saturday, speed="v")[0]) == 5.0
    assert math.isnan(float(measures.free_flow_speed(cube(1, v=("m/s", [[np.nan] * 24])), speed="v")[0]))
    with pytest.raises(twin.MeasureError, match="off-peak"):
        measures.free_flow_speed(cube(1, hours=3, v=("km/h", [[1, 2, 3]])), speed="v")


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_coarser_cells_weigh_times_not_speeds(data):
    count = 12
    speeds = data.draw(st.lists(st.floats(1, 120) | st.just(np.nan), min_size=count, max_size=count))
    free = data.draw(st.lists(st.floats(1, 120) | st.just(np.nan), min_size=count, max_size=count))
    metres = data.draw(st.lists(st.floats(0, 1000) | st.just(np.nan), min_size=count, max_size=count))
    toy = cube(count, hours=1, v=("km/h", np.array(speeds)[:, None]), free=("km/h", free), street=("m", metres))
    found = measures.travel_time_index(toy, speed="v", free_flow="free", weight="street", over=8)
    parents = GRID.parents(toy.cell.to_numpy(), 8)
    for parent, value in zip(found.cell.to_numpy(), found.to_numpy()[:, 0], strict=True):
        rows = [i for i in np.flatnonzero(parents == parent) if not math.isnan(speeds[i] + free[i] + metres[i])]
        slow, fast = (sum(metres[i] / speed[i] for i in rows) for speed in (speeds, free))
        assert value == pytest.approx(slow / fast, rel=1e-9) if fast > 0 else math.isnan(value)


def test_units_are_converted_or_refused():
    fast = cube(1, hours=1, v=("mph", [[25]]), free=("km/h", [80.4672]))
    assert float(measures.travel_time_index(fast, speed="v", free_flow="free")[0, 0]) == pytest.approx(2)
    wrong = cube(hours=2, v=("ug/m3", np.ones((3, 2))), none=("1", [1, 1, 1]), ppb=("ppb", [1, 1, 1]))
    del wrong["none"].attrs["units"]
    for ask in (
        lambda: measures.free_flow_speed(wrong, speed="v"),
        lambda: measures.exposure(wrong, pollutant="ppb", weight="v"),
        lambda: measures.exposure(wrong, pollutant="v", weight="none"),
        lambda: measures.quiet_share(wrong, level="v"),
        lambda: measures.congestion_level(wrong, speed="absent"),
    ):
        with pytest.raises(twin.MeasureError):
            ask()


def test_exposure_weighs_by_people_who_have_a_concentration():
    toy = cube(hours=2, no2=("ug/m3", [[10, 10], [40, np.nan], [np.nan, np.nan]]), people=("1", [30, 10, 500]))
    np.testing.assert_allclose(measures.exposure(toy, weight="people"), [17.5, 10])
    np.testing.assert_allclose(measures.exposed(toy, weight="people", limit=25), [10, 0])
    np.testing.assert_allclose(measures.exposed(toy, weight="people", limit=0), [40, 30])
    milligrams = toy.assign(no2=(toy.no2 / 1000).assign_attrs(units="mg/m3"))
    np.testing.assert_allclose(measures.exposure(milligrams, weight="people"), [17.5, 10])
    with pytest.raises(twin.MeasureError, match="amount"):
        measures.exposure(toy.assign(people=toy.people.assign_attrs(kind="intensive")), weight="people")


def test_lden_of_the_directive_and_the_quiet_share():
    """60 dB all day is 66.4 dB, and 60, 55 and 50 by day, evening and night are 60 dB: Directive 2002/49/EC."""
    hour = np.arange(24)
    steps = np.where((hour >= 7) & (hour < 19), 60.0, np.where((hour >= 19) & (hour < 23), 55.0, 50.0))
    toy = cube(
        4, noise=("dB", [np.full(24, 60.0), steps, np.full(24, 40.0), np.full(24, np.nan)]), people=("1", [1, 2, 5, 9])
    )
    level = measures.lden(toy, level="noise")
    by_hand = 10 * math.log10((12 * 1e6 + 4 * 10**6.5 + 8 * 1e7) / 24)
    np.testing.assert_allclose(level[:3], [by_hand, 60, by_hand - 20], rtol=1e-12)
    assert round(by_hand, 1) == 66.4
    toy["lden"] = level
    area = GRID.areas_m2(toy.cell.to_numpy())
    assert float(measures.quiet_share(toy)) == pytest.approx(area[2] / area[:3].sum())
    assert float(measures.quiet_share(toy, weight="people")) == pytest.approx(5 / 8)
    assert float(measures.quiet_share(toy, limit_db=61, weight="people")) == pytest.approx(7 / 8)


def test_green_is_a_class_in_the_cell_or_near_it():
    toy = cube(30, use=("1", [0] + [1] * 28 + [np.nan]))
    toy["use"].attrs["categories"] = ["park", "road"]
    area = GRID.areas_m2(toy.cell.to_numpy())[:29]
    assert float(measures.green_share(toy, land_use="use", classes=["park"])) == pytest.approx(area[0] / area.sum())
    lon, lat = GRID.centres(toy.cell.to_numpy()[:29])
    near = crs.geodesy.distances_m(lon[0], lat[0], lon, lat) <= 500
    found = measures.green_share(toy, land_use="use", classes=["park"], within_m=500)
    assert 1 < near.sum() < 29
    assert float(found) == pytest.approx(area[near].sum() / area.sum())
    with pytest.raises(twin.MeasureError, match="park, road"):
        measures.green_share(toy, land_use="use", classes=["wood"])


def test_minutes_are_those_of_the_shortest_way_over_neighbours():
    toy = cube(25, pace=("km/h", [4.8] * 25))
    cells = toy.cell.to_numpy().tolist()
    lon, lat = GRID.centres(cells)
    toy["pace"][7] = np.nan
    toy["pace"][9] = 1.2
    found = measures.minutes_to(toy, lon[:1], lat[:1], speed="pace").to_numpy()
    expected = dict.fromkeys(cells, math.inf) | {cells[0]: 0.0}
    pace = dict(zip(cells, toy["pace"].to_numpy(), strict=True))
    for _ in cells:  # Bellman and Ford
        for here in cells:
            for there in GRID.neighbours([here])[0].tolist():
                if there in pace and not math.isnan(pace[here] + pace[there]):
                    i, j = cells.index(here), cells.index(there)
                    metres = float(crs.geodesy.distances_m(lon[i], lat[i], lon[j], lat[j]))
                    minutes = metres * 0.06 * (1 / pace[here] + 1 / pace[there]) / 2
                    expected[there] = min(expected[there], expected[here] + minutes)
    expected[cells[7]] = math.nan
    np.testing.assert_allclose(found, [expected[cell] for cell in cells], rtol=1e-9)
    assert found[0] == 0.0
    with pytest.raises(twin.MeasureError, match="inside"):
        measures.minutes_to(toy, [0.0], [0.0])


def test_a_city_is_asked_by_name(tiny):
    whole = tiny.measure("congestion_level", free_flow="speed_kmh")
    known = np.isfinite(tiny.cube("speed_kmh")["speed_kmh"].to_numpy())
    np.testing.assert_array_equal(whole.to_numpy()[known], 0.0)
    coarse = tiny.measure("exposure", pollutant="no2", weight="population", resolution=8, time=3)
    cells = tiny.cube(["no2", "population"])
    np.testing.assert_allclose(coarse, measures.exposure(cells, over=8).isel(time=[3]))
    length = tiny.cube("speed_kmh.support")["speed_kmh.support"]
    assert length.attrs["units"] == "m"
    minutes = tiny.measure("minutes_to", lon_deg=[7.42], lat_deg=[43.73], area=(7.41, 43.725, 7.43, 43.735))
    assert float(minutes.min()) == 0.0
    with pytest.raises(twin.UnknownNameError, match="congestion_level"):
        tiny.measure("happiness")
    with pytest.raises(twin.UnknownNameError, match="takes no 'colour'"):
        tiny.measure("exposure", colour="red")
    with pytest.raises(twin.UnknownNameError, match="no variable 'noise'"):
        tiny.measure("lden", level="noise")
    with pytest.raises(twin.UnknownNameError, match=r"no2\.classes"):
        tiny.cube("no2.classes")
    with pytest.raises(twin.MeasureError, match="mean"):
        tiny.measure("minutes_to", lon_deg=[7.42], lat_deg=[43.73], resolution=8)


@pytest.mark.skipif(not NYC.is_dir(), reason="TWIN_NYC_DATA is not set")
def test_congestion_on_new_yorks_link_speeds():
    """TomTom's formula on the City's link speeds: link by link by hand, and all links by their travel times."""
    table = pd.read_csv(NYC / "transport/dot_speeds_10000.csv.gz")
    table.columns = [name.strip().lower() for name in table.columns]
    table = table[table["speed"] > 0].drop_duplicates(["link_id", "data_as_of"])
    table["hour"] = (
        pd.to_datetime(table["data_as_of"]).dt.tz_localize("America/New_York").dt.tz_convert("UTC").dt.floor("h")
    )
    hourly = table.groupby(["link_id", "hour"])["speed"].mean().unstack()  # noqa: PD010
    times = hourly.columns.tz_convert(None).to_numpy()
    axis = np.sort(GRID.cover([shapely.box(-74.0, 40.7, -73.9, 40.8)]))[: len(hourly)]
    links = xr.Dataset(
        {"speed": (("cell", "time"), hourly.to_numpy(), {"units": "mph"})},
        coords={"cell": axis, "time": ("time", times, {"timezone": "America/New_York"})},
    )
    level = measures.congestion_level(links, speed="speed").to_numpy()
    local = hourly.columns.tz_convert("America/New_York").hour
    free = hourly.loc[:, (local >= 9) & (local < 16)].quantile(0.85, axis=1)
    by_hand = free.to_numpy()[:, None] / hourly.to_numpy() - 1
    np.testing.assert_allclose(level, by_hand, rtol=1e-12)
    assert len(hourly) > 100
    whole = measures.congestion_level(links, speed="speed", over="city").to_numpy()
    # From 5 to 11 o'clock: slowest at 8 or 9, by a fifth to a third of the free-flow time; the empty roads of 5 o'clock
    # are faster than "free flow", which the file lets one estimate only from 9 o'clock on.
    assert local[whole.argmax()] in {8, 9}
    assert 0.2 < whole.max() < 0.34
    assert whole[0] == whole.min() < -0.2
