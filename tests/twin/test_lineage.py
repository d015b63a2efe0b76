"""Where a number comes from: the shares of the sources give it again."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import crs
import twin
from tests.reference.twin_cities import CITY, write_city
from twin.cli import app


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


def test_an_explanation_says_what_moved_its_sources_and_how_far_they_may_be_off(tiny):
    cell, step, value = next(some_cells(tiny, "speed_kmh", 11))
    found = tiny.explain(cell, "speed_kmh", step)
    assert (found.definition, found.status, found.code) == ("streets+chainage", "declared", tiny.code)
    assert found.operation in found.steps
    assert found.quality["validity"] in {"green", "yellow", "red"}
    assert found.sources["offset_m"].isna().all()  # a chainage had no place of its own
    assert (found.sources["flags"] == "").all()
    assert (tiny.explain(cell, "no2", 0).sources["offset_m"] == 0).all()
    told = found.to_json()
    assert json.loads(json.dumps(told))["value"] == value
    assert len(told["sources"]) == len(found.sources)


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """The tiny city in China, its stations in GCJ-02, one of them with its axes swapped."""
    folder = tmp_path_factory.mktemp("shifted")
    text = CITY[: CITY.index("datasets:")] + "datasets:\n  air:" + CITY.split("  air:")[1].split("  probes:")[0]
    text = text.replace("[7.40, 43.72, 7.44, 43.75]", "[116.40, 39.72, 116.44, 39.75]").replace("EPSG:4326", "GCJ-02")
    path = write_city(
        folder, manifest=text.replace("    site: station\n", "    site: station\n    repairs: [swap_axes]\n")
    )
    head, *lines = (folder / "air.csv").read_text(encoding="utf-8").splitlines()
    table = [line.split(",") for line in lines]
    for line in table:
        line[1:3] = [str(float(line[1]) + 109.0), str(float(line[2]) - 4.0)]
        if line[0] == "a5":
            line[1], line[2] = line[2], line[1]
    (folder / "air.csv").write_text("\n".join([head, *map(",".join, table), ""]), encoding="utf-8")
    return twin.build(path, out=folder / "t.twin", workers=0)


def test_an_offset_is_the_way_from_the_published_place_to_the_true_one(shifted):
    raw = pd.read_csv(shifted.path.parent / "air.csv")
    sites = shifted.features("air")
    assert len(sites) > 5
    for row, site in sites.iterrows():
        found = shifted.explain_feature("air", row)
        first = raw[raw["station"] == site["station"]].iloc[0]
        lon, lat = sorted([first["lon"], first["lat"]], reverse=True)
        way = crs.geodesy.distances_m(lon, lat, site.geometry.x, site.geometry.y)
        assert found.offset_m == pytest.approx(float(way), abs=1e-3)
        assert 400 < found.offset_m < 900
        assert found.definition == "GCJ-02"
        assert found.published["station"] == site["station"]
        assert found.sigma_m == site["sigma_m"]
        assert found.cells["share"].sum() == pytest.approx(1.0, rel=1e-9)
    cell = int(shifted.cube("no2")["cell"][50])
    explained = shifted.explain(cell, "no2", 0).sources
    assert explained["offset_m"].between(400, 900).all()
    mended = explained["row"].isin(raw.index[raw["station"] == "a5"])
    assert mended.sum() == 1
    assert explained.loc[mended, "flags"].tolist() == ["repaired by swap_axes"]
    assert (explained.loc[~mended, "flags"] == "").all()


def test_why_a_feature_is_here_can_be_asked_on_the_command_line(tiny):
    run = CliRunner()
    told = run.invoke(app, ["explain", str(tiny.path), "--layer", "people", "--row", "3", "--json"])
    found = json.loads(told.stdout)
    assert (found["layer"], found["row"], found["file"], found["offset_m"]) == ("people", 3, "people.geojson", 0.0)
    assert found["published"]["population"] == 10.0 * (3 // 3) + 3 % 3
    assert sum(cell["share"] for cell in found["cells"]) == pytest.approx(1.0)
    shown = run.invoke(app, ["explain", str(tiny.path), "--layer", "people", "--row", "3"]).stdout
    assert "people 3 of people.geojson is at 7.41" in shown
    assert run.invoke(app, ["explain", str(tiny.path)]).exit_code != 0
    missing = run.invoke(app, ["explain", str(tiny.path), "--layer", "people", "--row", "99"])
    assert missing.exit_code == 1
    assert "twin ledger" in missing.stderr


def test_a_value_comes_out_of_the_raw_files_again_to_the_last_bit(tiny):
    manifest = tiny.path.parent / "city.yaml"
    cell, step, value = next(some_cells(tiny, "speed_ratio", 9))
    again = twin.replay_value(tiny, cell, "speed_ratio", manifest=twin.read_manifest(manifest), time=step)
    assert again.value == value
    pd.testing.assert_frame_equal(again.sources, tiny.explain(cell, "speed_ratio", step).sources)
    with pytest.raises(twin.UnknownNameError, match="nothing"):
        twin.replay_value(tiny, cell, "nothing", manifest=twin.read_manifest(manifest))
    told = CliRunner().invoke(
        app, ["explain", str(tiny.path), f"{cell:x}", "population", "--replay", str(manifest), "--json"]
    )
    assert told.exit_code == 0, told.stderr
    assert "computed again" in told.stderr


def test_all_shares_of_all_variables_add_up_to_the_values(tiny):
    """A few of each; `python -m benchmarks.explaining` takes ten thousand of a sample city."""
    for variable in tiny.variables:
        for resolution in (11, 10, 8):
            if tiny.variables[variable].kind == "categorical":
                continue
            for cell, step, value in some_cells(tiny, variable, resolution, count=8):
                sources = tiny.explain(cell, variable, step).sources
                assert float((sources["share"] * sources["value"]).sum()) == pytest.approx(value, rel=1e-9, abs=1e-12)
