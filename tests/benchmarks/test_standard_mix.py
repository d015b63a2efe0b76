"""The standard mix, small: what it costs to read it naively, and what the engine leaves."""

import numpy as np
import pytest

import twin
from benchmarks.standard_mix import RESOLUTIONS, SOURCES, STORAGE, fuse, publish, read_city


@pytest.fixture(scope="module")
def placements():
    city = read_city()
    return fuse(publish(city, 3000, seed=4), city)[0]


@pytest.fixture(scope="module")
def pooled(placements):
    report = twin.measure_fusion(placements, resolutions=RESOLUTIONS, storage=STORAGE)
    return report.table.xs("all", level="layer")


def test_half_of_the_records_are_in_a_wrong_cell_when_read_naively(placements, pooled):
    sampling = 3 * np.sqrt(0.25 / 3000)
    assert pooled.loc[("naive", 9), "d"] == pytest.approx(0.48, abs=sampling)
    direct = twin.measure_fusion(placements, resolutions=[9]).table  # the figure was made without parents
    assert direct.loc[("naive", "all", 9), "f"] == pytest.approx(0.49, abs=sampling)


@pytest.mark.parametrize(("way", "most"), [("declared", 0.01), ("undeclared", 0.05), ("one file", 0.05)])
def test_the_engine_leaves_the_noise(pooled, way, most):
    ours = pooled.loc[way]
    assert list(ours.index) == list(RESOLUTIONS)
    assert (ours["d"] <= most).all()
    assert (ours["coverage"] >= 0.98).all()


def test_shares_and_shifts_are_those_of_the_mix(placements):
    counts = np.array([len(layer) for layer in placements])
    assert counts / counts.sum() == pytest.approx([share for _, share, _ in SOURCES], abs=1e-3)
    report = twin.measure_fusion(placements, resolutions=[9]).table
    metres = report.loc[("naive", slice(None), 9), "mean_m"].droplevel(["way", "resolution"])
    expected = {"amap": 606, "baidu": 1245, "survey_1954": 79, "survey_1980": 50, "posts": 25, "gps": 6}
    assert metres[list(expected)].to_dict() == pytest.approx(expected, rel=0.06, abs=0.6)
