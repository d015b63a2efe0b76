"""Where a number comes from: the shares of the sources give it again."""

import numpy as np
import pandas as pd
import pytest

import twin


def some_cells(city, variable, resolution, count=12):
    values = city.cube(variable, resolution=resolution)[variable]
    known = np.argwhere(np.isfinite(values.to_numpy()))
    rng = np.random.default_rng(3)
    for place in known[rng.permutation(len(known))[:count]]:
        step = int(place[1]) if values.ndim == 2 else None
        yield int(values["cell"][place[0]]), step, float(values[tuple(place)])


@pytest.mark.parametrize("resolution", [11, 9])
@pytest.mark.parametrize("variable", ["speed_kmh", "speed_ratio", "population", "no2", "probe_kmh"])
def test_shares_times_values_give_the_value_again(tiny, variable, resolution):
    for cell, step, value in some_cells(tiny, variable, resolution):
        found = tiny.explain(cell, variable, step)
        assert found.value == value
        assert float((found.sources["share"] * found.sources["value"]).sum()) == pytest.approx(
            value, rel=1e-9, abs=1e-12
        )
        if variable != "population":
            assert found.sources["share"].sum() == pytest.approx(1.0, rel=1e-9)


def test_sources_are_rows_of_the_file(tiny):
    table = pd.read_csv(tiny.path.parent / "detectors.csv")
    cell, step, _ = next(some_cells(tiny, "speed_kmh", 11))
    found = tiny.explain(f"{cell:x}", "speed_kmh", step)
    assert set(found.sources["file"]) == {"detectors.csv"}
    assert found.sources["value"].tolist() == table.loc[found.sources["row"], "speed_kmh"].tolist()
    local = found.sources["time"].dt.tz_convert("Europe/Monaco").dt.strftime("%Y-%m-%d %H:%M")
    assert local.tolist() == table.loc[found.sources["row"], "time"].tolist()
    assert (found.sources["sigma_m"] >= 8).all()


def test_silent_stations_have_no_part_in_a_field(tiny):
    cell = int(tiny.cube("no2")["cell"][100])
    heard = tiny.explain(cell, "no2", "2026-06-16T01:00").sources
    fewer = tiny.explain(cell, "no2", "2026-06-16T02:30").sources
    assert len(heard) == 10
    assert len(fewer) == 9
    assert fewer["value"].notna().all()


def test_an_explanation_can_be_read(tiny):
    cell, step, value = next(some_cells(tiny, "speed_ratio", 11))
    text = repr(tiny.explain(cell, "speed_ratio", step))
    for part in (
        f"{value:.6g}",
        f"{cell:x}",
        "detectors.csv",
        "Roads",
        "streets+chainage",
        "0.85 quantile",
        "by length",
    ):
        assert part in text


def test_the_first_step_with_a_value_is_taken_if_none_is_named(tiny):
    values = tiny.cube("probe_kmh")["probe_kmh"]
    late = values["cell"][np.isnan(values[:, 0].to_numpy())][0]
    found = tiny.explain(int(late), "probe_kmh")
    first = int(np.flatnonzero(np.isfinite(values.sel(cell=late).to_numpy()))[0])
    assert found.value == float(values.sel(cell=late)[first])


@pytest.mark.parametrize("cell", ["", "zz", 0, "8f3969a4e1acdff", 0x8A2A1072B59FFFF])
def test_a_cell_without_a_value_is_refused(tiny, cell):
    with pytest.raises(twin.UnknownNameError, match="cell"):
        tiny.explain(cell, "population")
