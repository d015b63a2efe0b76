"""The same table from any number of workers, to the last byte."""

import dask
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from distributed import Client, LocalCluster

from crs import Lattice
from spatial_join import ResolutionError, lazy, to_h3

LON, LAT = 7.42, 43.73
CENTRE = np.array([LON, LAT])
VALUES = {"people": "extensive", "no2": "intensive", "use": "categorical"}


@pytest.fixture
def city(rng):
    n = 900
    at = CENTRE + rng.uniform(-0.4, 0.4, (n, 2))
    columns = {
        "people": 10.0 ** rng.uniform(-3, 5, n),
        "no2": np.where(rng.random(n) < 0.1, np.nan, rng.uniform(5, 60, n)),
        "use": rng.choice(["park", "road", "house"], n),
        "step": rng.integers(0, 3, n),
        "sigma_m": rng.uniform(0, 9, n),
    }
    return gpd.GeoDataFrame(
        columns, geometry=shapely.box(at[:, 0], at[:, 1], at[:, 0] + 0.01, at[:, 1] + 0.004), crs="OGC:CRS84"
    )


def same_bytes(a, b):
    return (
        all(a.frame[c].to_numpy().tobytes() == b.frame[c].to_numpy().tobytes() for c in a.frame.columns if c != "use")
        and a.frame["use"].tolist() == b.frame["use"].tolist()
    )


def test_nothing_is_computed_before_it_is_asked_for(city):
    def refuse(*_, **__):
        raise AssertionError("a plan must not compute")

    with dask.config.set(scheduler=refuse):
        plan = lazy.to_h3(city, resolution=9, values=VALUES)
    assert plan.partitions > 5


@pytest.mark.parametrize("by", [None, "step"])
def test_as_eager_to_rounding(city, by):
    eager = to_h3(city, resolution=9, values=VALUES, by=by)
    table = lazy.to_h3(city, resolution=9, values=VALUES, by=by).compute(scheduler="synchronous")
    pd.testing.assert_frame_equal(table.frame, eager.frame, rtol=1e-12, atol=0)
    assert table.totals()["people"] == pytest.approx(city["people"].sum(), rel=1e-12)


def test_workers_do_not_matter(city, monkeypatch):
    monkeypatch.setattr("spatial_join.partition.LARGEST_PART", 60)
    plan = lazy.to_h3(city, resolution=9, values=VALUES, by="step")
    one = plan.compute(scheduler="synchronous")
    assert same_bytes(one, plan.compute(scheduler="threads", num_workers=3))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        assert same_bytes(one, plan.compute())


def test_tokens_are_of_content(city):
    first, again = (lazy.to_h3(city.copy(), resolution=9, values=VALUES) for _ in range(2))
    other = lazy.to_h3(city.assign(people=1.0), resolution=9, values=VALUES)
    assert first.token == again.token != other.token


def test_rasters_are_parted_too(rng):
    j, i = np.mgrid[:41, :51]
    values = rng.uniform(0, 9, (40, 50))
    values[:3] = np.nan
    raster = Raster(values, Lattice(LON + 0.01 * i, LAT - 0.01 * j))
    plan = lazy.to_h3(raster, resolution=7, values={"no2": "intensive"})
    assert plan.partitions > 3
    table = plan.compute(scheduler="synchronous")
    pd.testing.assert_frame_equal(
        table.frame, to_h3(raster, resolution=7, values={"no2": "intensive"}).frame, rtol=1e-12
    )


class Raster:
    name, variable = "background", "no2"

    def __init__(self, values, coordinates):
        self.values, self.coordinates = values, coordinates


def test_missing_amounts_keep_their_labels(city):
    city = city.set_index(np.arange(900) + 5000)
    city.loc[[5007, 5800], "people"] = np.nan
    table = lazy.to_h3(city, resolution=8, values={"people": "extensive"}).compute(scheduler="synchronous")
    assert sorted(table.missing["row"]) == [5007, 5800]


def test_parts_are_not_finer_than_cells(city):
    with pytest.raises(ResolutionError, match="finer than cells"):
        lazy.to_h3(city, resolution=4, values=VALUES)


def test_an_empty_layer():
    empty = gpd.GeoDataFrame({"people": np.empty(0)}, geometry=[], crs="OGC:CRS84")
    assert len(lazy.to_h3(empty, resolution=8, values={"people": "extensive"}).compute(scheduler="synchronous")) == 0
