"""What sources say of their own errors, and of each other: sigma from readings, disagreement between datasets."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import twin
from tests.reference.twin_cities import CITY
from tests.reference.twin_sigma import deviation, sigma_of_mean, sigma_of_sum


def test_the_sigma_of_a_mean_is_that_of_a_plain_loop_over_readings(tiny):
    table = pd.read_csv(tiny.path.parent / "detectors.csv")
    table = table[(table["speed_kmh"] <= 130) & (table["street_id"] != "s99")]
    table["s"] = pd.to_timedelta(table["time"].str[11:] + ":00").dt.total_seconds()
    sites = {}
    for (street, chainage), rows in table.groupby(["street_id", "chainage_m"], sort=False):
        sites[street, chainage] = list(zip(rows["s"], rows["speed_kmh"], rows["sigma_kmh"], strict=True))
    features = tiny.features("detectors").set_index("row")
    readings = {row: sites[told.street_id, told.chainage_m] for row, told in features.iterrows()}
    cube, weights = tiny.cube(["speed_kmh", "speed_kmh.sigma"]), tiny.weights("detectors")
    shown = cube["speed_kmh.sigma"].to_numpy()
    np.testing.assert_array_equal(np.isfinite(shown), np.isfinite(cube["speed_kmh"].to_numpy()))
    rng = np.random.default_rng(5)
    for row, step in rng.integers((shown.shape[0], 12), size=(20, 2)):
        here = weights[weights["cell"] == int(cube.cell[row])]
        pieces = list(zip(here["row"], here["support"], strict=True))
        span = {"start_s": 1800 * step, "end_s": 1800 * (step + 1), "period_s": 600}
        value, sigma = sigma_of_mean(pieces, readings, **span)
        assert float(cube["speed_kmh"][row, step]) == pytest.approx(value)
        assert shown[row, step] == pytest.approx(sigma, rel=1e-9)
    assert cube["speed_kmh.sigma"].attrs["units"] == "km/h"


def test_the_sigma_of_an_amount_is_that_of_its_shares_and_adds_up_in_coarser_cells(tiny):
    squares = json.loads((tiny.path.parent / "people.geojson").read_text())["features"]
    records = [(told["properties"]["population"], told["properties"]["doubt"]) for told in squares]
    cube, weights = tiny.cube(["population", "population.sigma"]), tiny.weights("people")
    shown = cube["population.sigma"].to_numpy()
    for row in range(0, shown.size, shown.size // 20):
        here = weights[weights["cell"] == int(cube.cell[row])]
        value, sigma = sigma_of_sum(list(zip(here["row"], here["share"], strict=True)), records)
        assert float(cube["population"][row]) == pytest.approx(value, abs=1e-12)
        assert shown[row] == pytest.approx(sigma, rel=1e-9)
    coarse = tiny.cube("population.sigma", resolution=8)["population.sigma"]
    assert float(coarse.sum()) == pytest.approx(float(shown.sum()))


def test_an_explanation_tells_the_sigma_of_each_reading(tiny):
    cube = tiny.cube(["speed_kmh", "speed_kmh.sigma"])
    row, step = np.argwhere(np.isfinite(cube["speed_kmh"].to_numpy()))[7]
    sources = tiny.explain(int(cube.cell[row]), "speed_kmh", int(step)).sources
    told = np.sqrt(((sources["share"] * sources["sigma"]) ** 2).sum())
    assert told == pytest.approx(float(cube["speed_kmh.sigma"][row, step]), rel=1e-9)


@pytest.fixture(scope="module")
def compared(tiny, tmp_path_factory):
    """The same city, whose probes are said to measure what detectors do: no step is taken again."""
    folder = shutil.copytree(tiny.path.parent, tmp_path_factory.mktemp("same") / "city")
    said = CITY.replace("unit: km/h, by: count}", "unit: km/h, by: count, same_as: speed_kmh}")
    (folder / "city.yaml").write_text(said, encoding="utf-8")
    city = twin.build(folder / "city.yaml", out=folder / "tiny.twin", workers=0)
    assert all(step["reused"] for step in json.loads(max((city.path / "runs").glob("*Z.json")).read_bytes())["steps"])
    return city


@pytest.mark.parametrize("resolution", [11, 9])
def test_datasets_that_measure_the_same_disagree_by_the_deviation_among_them(compared, resolution):
    names = ["speed_kmh", "probe_kmh"]
    cube = compared.cube([*names, *(f"{name}.disagreement" for name in names)], resolution=resolution)
    values = np.stack([cube[name].to_numpy() for name in names], axis=-1)
    expected = np.apply_along_axis(deviation, -1, values)
    assert np.isfinite(expected).sum() >= 3
    for place, name in enumerate(names):
        shown = np.where(np.isfinite(values[..., place]), expected, np.nan)
        np.testing.assert_allclose(cube[f"{name}.disagreement"], shown, rtol=1e-12, atol=1e-12)
    cut = compared.cube("probe_kmh.disagreement", resolution=resolution, time=3)["probe_kmh.disagreement"]
    whole = compared.cube("probe_kmh.disagreement", resolution=resolution)["probe_kmh.disagreement"]
    np.testing.assert_array_equal(cut[:, 0], whole.sel(cell=cut.cell)[:, 3])


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("by: count, same_as: probes}", "same_as"),
        ("by: count, same_as: no2}", "convert one"),
        ("by: count, same_as: speed_ratio}", "in one unit"),
        ("field: kriging, sigma: s}", "left-out stations"),
        ("quantile: 0.85}, sigma: s}", "only numbers from a column"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_its_line(tiny, tmp_path, added, told):
    word = added.rpartition(", ")[0] + "}"
    folder = shutil.copytree(tiny.path.parent, tmp_path / "city", ignore=shutil.ignore_patterns("*.twin"))
    (folder / "city.yaml").write_text(CITY.replace(word, added), encoding="utf-8")
    with pytest.raises(twin.ManifestError, match=told):
        twin.read_manifest(folder / "city.yaml")


def test_a_negative_sigma_is_refused_with_its_row(tmp_path, tiny):
    folder = shutil.copytree(tiny.path.parent, tmp_path / "city", ignore=shutil.ignore_patterns("*.twin"))
    text = CITY.split("datasets:\n")
    (folder / "city.yaml").write_text(
        f"{text[0]}datasets:\n  people:{text[1].split('  people:')[1].split('  air:')[0]}"
    )
    squares = json.loads((folder / "people.geojson").read_text())
    squares["features"][3]["properties"]["doubt"] = -2
    (folder / "people.geojson").write_text(json.dumps(squares))
    with pytest.raises(twin.BuildError, match=r"sigma of population is -2 in row 3, column 'doubt'"):
        twin.build(folder / "city.yaml", out=tmp_path / "t.twin", workers=0)
