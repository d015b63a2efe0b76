"""Quality as variables of the cube: counts, coverage, sigma and disagreement against plain loops and sampling."""

import numpy as np
import pandas as pd
import pytest

import twin
from spatial_join import H3Grid
from tests.reference.twin_backing import backing
from tests.reference.twin_cities import CITY, write_city

PARTS = ["n", "coverage"]


@pytest.mark.parametrize(
    ("variable", "layer", "period_s"), [("speed_kmh", "detectors", 600), ("probe_kmh", "probes", 0)]
)
def test_n_and_coverage_are_those_of_a_plain_loop(tiny, variable, layer, period_s):
    cube = tiny.cube([f"{variable}.{part}" for part in PARTS])
    rng = np.random.default_rng(3)
    shown = cube[f"{variable}.n"].to_numpy()
    known = np.argwhere(shown > 0)
    asked = [*known[rng.integers(len(known), size=8)], *np.argwhere(shown == 0)[:2]]
    for row, step in asked:
        cell = int(cube.cell[row])
        n, covered, base = backing(tiny, variable, layer, cell=cell, step=int(step), step_s=1800, period_s=period_s)
        assert shown[row, step] == pytest.approx(n, abs=1e-12)
        assert float(cube[f"{variable}.coverage"][row, step]) == pytest.approx(covered / base, abs=1e-12)
    assert cube[f"{variable}.n"].attrs["units"] == cube[f"{variable}.coverage"].attrs["units"] == "1"


def test_every_record_is_counted_once_at_any_resolution(tiny):
    """People without a number have no value; a point counts in one step, a reading in each that it holds in."""
    for resolution in (11, 9, 7):
        cube = tiny.cube(["population.n", "population.coverage", "probe_kmh.n"], resolution=resolution)
        assert float(cube["population.n"].sum()) == pytest.approx(11)
        records = tiny._snapshot.table("records/probes.parquet").to_pandas()
        inside = records["time"].between(tiny.clock.start, tiny.clock.end, inclusive="left")
        assert float(cube["probe_kmh.n"].sum()) == pytest.approx(inside.sum())
        assert float(cube["population.coverage"].max()) <= 1.0
    cube = tiny.cube("population.coverage")
    areas = H3Grid(11).areas_m2(cube.cell.to_numpy())
    squares = tiny.weights("people").query("row != 11")["support"].sum()  # the last square has no number
    assert float((cube["population.coverage"] * areas).sum()) == pytest.approx(squares, rel=1e-6)


def test_a_field_counts_its_stations_and_covers_what_they_reach(tiny):
    cube = tiny.cube(["no2", "no2.n", "no2.coverage", "no2.sigma"])
    known = np.isfinite(cube["no2"].to_numpy())
    n = cube["no2.n"].to_numpy()
    steps = np.arange(12)
    expected = np.where(np.isin(steps, [4, 5]), 9, 10)  # station 3 is silent from 2 to 3 o'clock
    np.testing.assert_array_equal(n[known], np.broadcast_to(expected, n.shape)[known])
    np.testing.assert_allclose(cube["no2.coverage"].to_numpy(), known)
    xr_sigma = tiny.cube("no2")["no2_sigma"]
    np.testing.assert_array_equal(cube["no2.sigma"], xr_sigma)


def test_what_is_behind_is_cut_and_coarsened_like_the_rest(tiny):
    names = ["speed_kmh.n", "speed_kmh.coverage", "no2.n"]
    for resolution in (11, 9):
        whole = tiny.cube(names, resolution=resolution)
        some = whole.cell.to_numpy()[::7]
        part = tiny.cube(names, resolution=resolution, cells=some, time=slice(2, 5))
        cut = whole.isel(time=slice(2, 6)).sel(cell=part.cell)
        for name in names:
            np.testing.assert_array_equal(part[name], cut[name])


def test_disagreement_is_the_deviation_among_files_and_sigma_that_of_places(tmp_path):
    one = CITY.replace("path: probes.csv", "path: [probes.csv, others.csv]")
    where = "{definition: EPSG:4326, columns: [lon, lat], sigma_m: 5}\n    time: {column: time, zone: UTC}\n    var"
    sure = where.replace("sigma_m: 5}", "sigma_m: 40}").replace("    time:", "    uncertain: true\n    time:")
    for name, manifest in (("files", one), ("places", CITY.replace(where, sure))):
        folder = tmp_path / name
        folder.mkdir()
        path = write_city(folder, manifest=_only_probes(manifest))
        table = pd.read_csv(folder / "probes.csv")
        table.assign(probe_kmh=table["probe_kmh"] + 6).iloc[:100].to_csv(folder / "others.csv", index=False)
        city = twin.build(path, out=folder / "c.twin", workers=0)
        if name == "files":
            _check_files(city)
        else:
            _check_places(city)


def _only_probes(manifest):
    head, datasets = manifest.split("datasets:\n")
    return f"{head}datasets:\n  probes:{datasets.split('  probes:')[1]}"


def _check_files(city):
    spread = city.cube("probe_kmh.disagreement")["probe_kmh.disagreement"].to_numpy()
    records = city._snapshot.table("records/probes.parquet").to_pandas()
    weights = city.weights("probes").set_index("row")
    records["cell"] = weights.loc[records["feature"], "cell"].to_numpy() if len(records) else []
    records["step"] = ((records["time"] - city.clock.start) / pd.Timedelta("30min")).astype(int)
    axis = city.cube("probe_kmh").cell.to_numpy()
    means = records.groupby(["cell", "step", "file"])["probe_kmh"].mean().unstack()  # noqa: PD010
    both = means.dropna()
    assert len(both) > 20
    for (cell, step), row in both.iterrows():
        assert spread[np.searchsorted(axis, cell), step] == pytest.approx(row.std(ddof=0))
    assert np.isfinite(spread).sum() == len(both)


def _check_places(city):
    """Throw each record into one of its cells by its probability: sums and means scatter by sigma."""
    cube = city.cube(["probe_kmh", "probe_kmh.sigma"])
    records = city._snapshot.table("records/probes.parquet").to_pandas().set_index("row")
    weights = city.weights("probes")
    sigma, mean = (cube[name].to_numpy() for name in ("probe_kmh.sigma", "probe_kmh"))
    row, step = np.argwhere(sigma > 0.5)[0]
    pieces = weights[weights["cell"] == int(cube.cell[row])]
    steps = ((records["time"] - city.clock.start) / pd.Timedelta("30min")).astype(int)
    pieces = pieces[pieces["row"].map(steps) == step]
    x, p = pieces["row"].map(records["probe_kmh"]).to_numpy(), pieces["share"].to_numpy()
    assert mean[row, step] == pytest.approx((p * x).sum() / p.sum())
    by_hand = np.sqrt((p * (1 - p) * (x - mean[row, step]) ** 2).sum()) / p.sum()
    assert sigma[row, step] == pytest.approx(by_hand, rel=1e-9)
