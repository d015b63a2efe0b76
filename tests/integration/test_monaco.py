"""The sample city end to end, as the command line builds it: nothing lost or invented, the same on any cluster."""

import socket
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pytest
import shapely

import crs
import twin
from conftest import MONACO


@pytest.fixture(scope="module")
def city(monaco_path):
    return twin.open(monaco_path)


def test_every_record_is_accounted_for(city):
    ledger = city.ledger()
    assert len(ledger) == 13
    assert (ledger["records_in"] == ledger["placed"] + ledger["quarantined"] + ledger["rejected"]).all()
    assert ledger["placed"].sum() == ledger["records_in"].sum(), "the committed sample is clean: all of it is placed"


def test_population_of_the_file_is_the_population_of_the_cells(city):
    published = gpd.read_file(MONACO.parent / "raw" / "population.gpkg")["population"].sum()
    for resolution in (12, 11, 9, 7):
        total = float(city.cube("population", resolution=resolution)["population"].sum())
        assert total == pytest.approx(published, rel=1e-9)


def test_building_volume_is_conserved(city):
    buildings = city.features("buildings")
    total = float(city.cube("building_volume_m3")["building_volume_m3"].sum())
    assert total == pytest.approx(float(buildings["building_volume_m3"].sum()), rel=1e-9)


@pytest.mark.parametrize("layer", ["buildings", "land_use", "streets", "population", "stops"])
def test_shares_of_every_record_sum_to_one(city, layer):
    weights = city.weights(layer)
    shares = weights.groupby("row")["share"].sum()
    assert len(shares) == len(city.features(layer))
    np.testing.assert_allclose(shares, 1.0, rtol=1e-9)


def test_weights_measure_what_the_ellipsoid_measures(city):
    """Areas in cells against the geodesic area of the building as a whole, an independent path through PROJ."""
    buildings = city.features("buildings")
    spread = city.weights("buildings").groupby("row")["support"].sum().reindex(buildings.index)
    geodesic = crs.geodesy.areas_m2(buildings.geometry.to_numpy())
    np.testing.assert_allclose(spread, geodesic, rtol=2e-3)


def test_pollution_is_a_field_with_variance_that_stays_within_reach(city):
    cube = city.cube("no2")
    assert cube["no2"].attrs["units"] == "ug/m3"
    assert cube["no2_sigma"].attrs["units"] == "ug/m3"
    known = np.isfinite(cube["no2"])
    assert 0 < int(known.sum()) <= known.size
    assert bool((cube["no2_sigma"].where(known) > 0).where(known, other=True).all())


def test_a_congested_morning_is_slower_than_the_night(city):
    ratio = city.on_features("streets", "speed_ratio")
    hours = ratio["time"].dt.hour
    # the axis is UTC; Monaco's summer clock is two hours ahead
    night, morning = ratio.isel(time=(hours == 1)), ratio.isel(time=(hours == 6))
    assert float(morning.mean()) < float(night.mean())


def test_explain_gives_back_the_value_from_its_rows(city):
    cube = city.cube("population")
    cells = cube["cell"].values[np.argsort(cube["population"].fillna(0).values)[-20:]]
    population = city.features("population")["population"]
    for cell in cells:
        explained = city.explain(int(cell), "population")
        shares = explained.sources.set_index("row")["share"]
        assert float((shares * population.loc[shares.index]).sum()) == pytest.approx(explained.value, rel=1e-9)


def test_whose_data_it_is_goes_with_what_is_taken_out(city):
    for of in (city.features("probes").attrs, city.cube("probe_speed_kmh")["probe_speed_kmh"].attrs):
        assert of["owner"] == "Taxi and Bus Fleet Office (fictitious)"
        assert of["licence"] == "ODbL-1.0"
        assert of["level"] == "sensitive"
        assert of["modelled"]


def test_buildings_stand_inside_the_country(city):
    quarters = shapely.union_all(city.features("quarters").geometry.to_numpy())
    centroids = city.features("buildings").geometry.to_crs(32632).centroid.to_crs(4326)
    assert shapely.contains(quarters, centroids.to_numpy()).mean() > 0.5


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def cluster():
    """Scheduler and worker as processes of their own, as a city's cluster would be."""
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = [sys.executable, "-m", "dask"]
    loopback = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "scheduler", *loopback, "--port", address.rsplit(":", 1)[1]])
    worker = subprocess.Popen([*dask, "worker", address, "--nworkers", "2", "--nthreads", "1", *loopback])
    time.sleep(2)
    yield address
    for process in (worker, scheduler):
        process.terminate()
        process.wait(timeout=20)


def test_one_worker_two_workers_and_a_cluster_by_address_agree_to_the_byte(city, cluster, tmp_path):
    alone = twin.build(MONACO, out=tmp_path / "alone.twin", workers=1)
    remote = twin.build(MONACO, out=tmp_path / "remote.twin", scheduler=cluster)
    assert alone.snapshot == remote.snapshot == city.snapshot
    ours = city.cube()
    for other in (alone.cube(), remote.cube()):
        assert set(other.variables) == set(ours.variables)
        for name in ours.variables:
            assert other[name].values.tobytes() == ours[name].values.tobytes(), name
