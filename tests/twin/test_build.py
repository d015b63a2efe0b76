"""From a city.yaml to a twin: accounts, numbers by hand, reuse, and the same bytes on any number of workers."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster

import twin
from tests.reference.twin_cities import CITY, STATIONS, copy_city, write_city
from twin.plan import make_plan

HOUSE = Path(__file__).resolve().parents[2]


def runs(path):
    return [json.loads(run.read_bytes()) for run in sorted((path / "runs").glob("*.json"))]


def test_every_record_is_accounted_for(tiny):
    ledger = tiny.ledger()
    assert (ledger["records_in"] == ledger["placed"] + ledger["quarantined"] + ledger["rejected"]).all()
    assert ledger.loc["detectors", "records_in"] == 6 * 42 + 2
    assert ledger.loc["air", "records_in"] == STATIONS * 6
    for name in tiny.layers:
        aside = tiny.quarantine(name)
        assert len(aside) == ledger.loc[name, "quarantined"] + ledger.loc[name, "rejected"]
        assert aside["reason"].notna().all()
        assert not aside["row"].duplicated().any()


def test_what_lies_off_the_clock_or_the_area_is_set_aside_with_a_reason(tiny):
    reasons = tiny.layers["detectors"].reasons
    assert reasons["quarantined:outside_clock"] == 6 * 6  # the last hour, six readings a detector
    assert sum(reasons.values()) == 6 * 6 + 2  # an unknown street, an impossible speed
    probes = pd.read_csv(tiny.path.parent / "probes.csv", parse_dates=["time"])
    east = probes["lon"] > 7.44
    late = probes["time"] >= pd.Timestamp("2026-06-16T04:00Z")
    reasons = tiny.layers["probes"].reasons
    assert reasons == {"quarantined:outside_area": east.sum(), "quarantined:outside_clock": (late & ~east).sum()}
    kept = tiny.quarantine("probes")
    late_rows = kept[kept["reason"].str.startswith("outside_clock")]
    assert set(late_rows["row"]) == set(np.flatnonzero(late & ~east))
    assert late_rows["probe_kmh"].astype(float).tolist() == probes.loc[late_rows["row"], "probe_kmh"].tolist()


def test_amounts_keep_their_total_at_every_resolution(tiny):
    for resolution in (11, 10, 8):
        total = float(tiny.cube("population", resolution=resolution)["population"].sum())
        assert total == pytest.approx(sum(10 * i + j for i in range(4) for j in range(3)) - 32, rel=1e-9)


def test_a_cell_of_one_street_has_the_mean_of_its_detectors_readings(tiny):
    with (tiny.path.parent / "detectors.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["street_id"] == "s3"]
    by_hand = np.array([float(row["speed_kmh"]) for row in rows[:36]]).reshape(12, 3).mean(axis=1)
    streets = tiny.features("streets").set_index("street_id")
    weights = tiny.weights("streets")
    own = weights[weights["row"] == streets.loc["s3", "row"]]["cell"]
    shared = weights[weights["row"] != streets.loc["s3", "row"]]["cell"]
    cells = np.setdiff1d(own, shared)
    assert cells.size
    found = tiny.cube("speed_kmh")["speed_kmh"].sel(cell=cells).to_numpy()
    np.testing.assert_allclose(found, np.broadcast_to(by_hand, found.shape), rtol=1e-12)
    free_flow = np.quantile([float(row["speed_kmh"]) for row in rows[:36]], 0.85)
    ratio = tiny.on_features("streets", "speed_ratio").sel(row=streets.loc["s3", "row"])
    np.testing.assert_allclose(ratio, by_hand / free_flow, rtol=1e-12)
    assert np.isnan(tiny.on_features("streets", "speed_ratio").sel(row=streets.loc["s7", "row"])).all()


def test_two_detectors_of_one_street_weigh_alike(tiny):
    table = pd.read_csv(tiny.path.parent / "detectors.csv")
    first = table[(table["street_id"] == "s0") & (table["time"] < "2026-06-16 00:30")]
    row = tiny.features("streets").set_index("street_id").loc["s0", "row"]
    found = float(tiny.on_features("streets", "speed_kmh").sel(row=row)[0])
    assert found == pytest.approx(first["speed_kmh"].mean(), rel=1e-12)


def test_classes_roll_up_by_their_support(tiny):
    assert tiny.variables["quarter"].categories == ("new", "old")
    fine = tiny.cube("quarter")["quarter"]
    assert set(np.unique(fine)) == {0.0, 1.0}
    coarse = tiny.cube("quarter", resolution=9)["quarter"]
    people = tiny.features("people")
    weights = tiny.weights("people").merge(people[["row", "quarter"]], on="row")
    cell = int(coarse["cell"][len(coarse) // 2])
    # Cells of resolution 11 in one of 9 agree in all digits down to 9; the resolution field (bits 52-55) is masked.
    digits = np.uint64(~(15 << 52) & (1 << 64) - 1)
    inside = ((weights["cell"].to_numpy() & digits) >> np.uint64(18)) == np.uint64((cell & int(digits)) >> 18)
    most = weights[inside].groupby("quarter")["support"].sum().idxmax()
    assert tiny.variables["quarter"].categories[int(coarse.sel(cell=cell))] == most


def test_the_field_has_a_deviation_and_stays_inside_the_stations_reach(tiny):
    cube = tiny.cube("no2")
    assert cube["no2"].dims == ("cell", "time")
    assert (np.isfinite(cube["no2"]) == np.isfinite(cube["no2_sigma"])).all()
    assert (cube["no2_sigma"].to_numpy() > 0).all()
    assert cube["no2"].attrs["units"] == "ug/m3"
    assert cube["no2"].attrs["modelled"] == 1
    first, second = cube["no2"][:, 0], cube["no2"][:, 1]
    np.testing.assert_array_equal(first, second)  # an hourly reading holds for both halves of its hour
    readings = pd.read_csv(tiny.path.parent / "air.csv")["no2"]
    assert readings.min() - 10 < float(cube["no2"].min()) < float(cube["no2"].max()) < readings.max() + 10


def test_fewer_than_eight_stations_give_no_field(tmp_path):
    text = CITY.split("  people:")[0] + "  air:" + CITY.split("  air:")[1].split("  probes:")[0]
    path = write_city(tmp_path, manifest=text)
    lines = (tmp_path / "air.csv").read_text().splitlines()
    (tmp_path / "air.csv").write_text("\n".join(line for line in lines if line[:2] not in {"a7", "a8", "a9"}) + "\n")
    city = twin.build(path, out=tmp_path / "t.twin", workers=0)
    assert city.variables["no2"].method.startswith("no field")
    assert city.cube("no2").sizes["cell"] == 0
    assert city.ledger().loc["air", "placed"] == 7 * 6


def test_static_variables_have_no_time_and_titles_units_origin_travel(tiny):
    cube = tiny.cube(["population", "speed_kmh"], resolution=10)
    assert cube["population"].dims == ("cell",)
    assert cube["speed_kmh"].dims == ("cell", "time")
    assert cube["speed_kmh"].attrs["level"] == "internal"
    assert cube["time"].attrs["timezone"] == "Europe/Monaco"
    assert str(cube["time"].to_numpy()[0]).startswith("2026-06-15T22:00")
    assert (np.diff(cube["cell"].to_numpy().astype(np.int64)) > 0).all()
    assert float(tiny.features("detectors")["sigma_m"].min()) >= 8


@pytest.mark.parametrize(
    "ask", [lambda c: c.cube("nope"), lambda c: c.features("nope"), lambda c: c.cube("no2", resolution=12)]
)
def test_names_that_are_not_there_are_refused_with_those_that_are(tiny, ask):
    with pytest.raises(twin.UnknownNameError, match=r"no2|streets|stored at 11"):
        ask(tiny)


def test_quality_counts_what_is_known(tiny):
    quality = tiny.quality()
    values = tiny.cube("probe_kmh")["probe_kmh"].to_numpy()
    values = values[np.isfinite(values).any(axis=1)]
    assert quality.loc["probe_kmh", "cells"] == len(values)
    assert quality.loc["probe_kmh", "coverage"] == pytest.approx(np.isfinite(values).mean())
    assert quality.loc["no2", "sigma"] == pytest.approx(float(tiny.cube("no2")["no2_sigma"].median()))
    assert quality.loc["population", "coverage"] == 1.0


def test_a_second_build_reuses_everything_and_a_change_only_what_it_touches(tiny, tmp_path):
    path = copy_city(tiny.path, tmp_path, "t.twin")
    first = twin.open(tmp_path / "t.twin")
    second = twin.build(path, out=tmp_path / "t.twin", workers=0)
    assert second.snapshot == first.snapshot
    assert all(step["reused"] for step in runs(tmp_path / "t.twin")[1]["steps"])
    with (tmp_path / "detectors.csv").open("a") as file:
        file.write("s2,250,2026-06-16 00:07,55\n")
    third = twin.build(path, out=tmp_path / "t.twin", workers=0)
    assert third.snapshot != first.snapshot
    redone = {step["name"] for step in runs(tmp_path / "t.twin")[2]["steps"] if not step["reused"]}
    assert redone == {"place detectors", "cells detectors"}
    path.write_text(path.read_text().replace("owner: Fleet", "owner: The Fleet"))
    fourth = twin.build(path, out=tmp_path / "t.twin", workers=0)
    assert all(step["reused"] for step in runs(tmp_path / "t.twin")[3]["steps"])
    assert fourth.layers["probes"].owner == "The Fleet"
    assert twin.open(tmp_path / "t.twin", snapshot=first.snapshot).layers["probes"].owner == "Fleet"


def test_what_lies_beside_a_file_and_is_read_with_it_counts_as_its_content(tmp_path):
    path = write_city(tmp_path)
    people = gpd.read_file(tmp_path / "people.geojson")
    people.to_file(tmp_path / "people.shp")
    path.write_text(path.read_text().replace("people.geojson", "people.shp"))
    (tmp_path / "people.geojson").unlink()
    first = twin.build(path, out=tmp_path / "t.twin", workers=0)
    people.assign(population=people["population"] * 2).to_file(tmp_path / "other.shp")
    (tmp_path / "other.dbf").rename(tmp_path / "people.dbf")
    second = twin.build(path, out=tmp_path / "t.twin", workers=0)
    redone = {step["name"] for step in runs(tmp_path / "t.twin")[1]["steps"] if not step["reused"]}
    assert redone == {"place people", "cells people"}
    before, after = (float(city.cube("population")["population"].sum()) for city in (first, second))
    assert after == pytest.approx(2 * before)


def test_a_damaged_step_is_done_again(tiny, tmp_path):
    path = copy_city(tiny.path, tmp_path, "t.twin")
    first = twin.open(tmp_path / "t.twin")
    (victim,) = (tmp_path / "t.twin" / "work").glob("cells-people-*/weights.parquet")
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    assert twin.build(path, out=tmp_path / "t.twin", workers=0).snapshot == first.snapshot
    assert [s["name"] for s in runs(tmp_path / "t.twin")[1]["steps"] if not s["reused"]] == ["cells people"]


def test_all_failing_steps_are_named_and_the_rest_is_kept(tmp_path):
    path = write_city(tmp_path, manifest=CITY.replace("site: station", "site: statoin"))
    (tmp_path / "people.geojson").write_text("{")
    with pytest.raises(twin.BuildError) as caught:
        twin.build(path, out=tmp_path / "t.twin", workers=0)
    assert "2 steps" in str(caught.value)
    assert "place people" in str(caught.value)
    assert "cells air: air: " not in str(caught.value)  # once is enough
    assert "statoin" in str(caught.value)
    assert not (tmp_path / "t.twin" / "CURRENT").exists()
    write_city(tmp_path)
    twin.build(path, out=tmp_path / "t.twin", workers=0)
    done = {step["name"]: step["reused"] for step in runs(tmp_path / "t.twin")[0]["steps"]}
    assert done["cells detectors"]
    assert done["place air"]
    assert not done["place people"]


def test_a_plan_is_a_value_that_can_be_read_and_does_not_change(tmp_path):
    manifest = twin.read_manifest(write_city(tmp_path))
    plan = make_plan(manifest)
    assert plan.__dask_tokenize__() == make_plan(manifest).__dask_tokenize__()
    names = [step.name for step in plan.steps]
    for step in plan.steps:
        assert all(names.index(need) < names.index(step.name) for need in step.needs)
    assert "field no2" in repr(plan)
    assert plan["cells detectors"].needs == ("place detectors", "place streets")


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and a worker as processes of their own, on the loopback address."""
    card = tmp_path / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    worker = ["distributed.cli.dask_worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard"]
    made = [subprocess.Popen([sys.executable, "-m", *scheduler, "--scheduler-file", str(card)], **quiet)]
    try:
        deadline = time.monotonic() + 60
        while not card.exists() or not card.read_text().strip():
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.1)
        made.append(subprocess.Popen([sys.executable, "-m", *worker, "--scheduler-file", str(card)], **quiet))
        yield json.loads(card.read_text())["address"]
    finally:
        for process in reversed(made):
            process.terminate()
            process.wait(20)


def test_any_number_of_workers_and_a_cluster_by_address_give_the_same_bytes(tiny, tmp_path, cluster):
    assert cluster.startswith("tcp://127.0.0.1:")
    path = tiny.path.parent / "city.yaml"
    # One worker and the sample city are the matter of tests/integration; here two against none and one by address.
    ways = {"two": {"workers": 2}, "address": {"scheduler": cluster}}
    for name, way in ways.items():
        city = twin.build(path, out=tmp_path / f"{name}.twin", **way)
        assert city.snapshot == tiny.snapshot, name  # the id is the hash of every file
        for variable in tiny.variables:
            mine, other = tiny.cube(variable)[variable], city.cube(variable)[variable]
            assert mine.to_numpy().tobytes() == other.to_numpy().tobytes()
    assert not any(step["reused"] for step in runs(tmp_path / "two.twin")[0]["steps"])


def test_no_scheduler_at_the_address_is_said(tmp_path):
    with pytest.raises(twin.BuildError, match=r"tcp://127\.0\.0\.1:9"):
        twin.build(write_city(tmp_path), out=tmp_path / "t.twin", scheduler="tcp://127.0.0.1:9")


def test_the_first_view_is_kept_and_left_open_where_none_is_stated(tmp_path, tiny):
    assert tiny.view == twin.View()
    text = CITY.replace("root:", "view: {centre: [7.42, 43.735], zoom: 14, cells: no2}\nroot:", 1)
    twin.build(write_city(tmp_path, manifest=text), out=tmp_path / "t.twin", workers=0)
    assert twin.open(tmp_path / "t.twin").view == twin.View(centre=(7.42, 43.735), zoom=14.0, cells="no2")


def test_a_build_whose_workers_are_all_gone_starts_others(tiny, tmp_path, monkeypatch):
    """A nanny whose worker ended while it came up starts none again: nobody was left, and the build waited for ever."""

    class Deserted(LocalCluster):
        def __init__(self, **options):
            super().__init__(**options | {"processes": False, "protocol": "tcp://"})
            self.scale(0)
            self.sync(self._correct_state)

    monkeypatch.setattr(sys.modules["twin.build"], "LocalCluster", Deserted)  # twin.build is the function
    monkeypatch.setattr(sys.modules["twin.build"], "_LOOK_S", 0.1)
    path = copy_city(tiny.path, tmp_path, "t.twin")
    assert twin.build(path, out=tmp_path / "t.twin", workers=1).snapshot == tiny.snapshot
