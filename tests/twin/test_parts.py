"""Large datasets in partitions: the same twin, resumed where it stopped, and one bad partition is not the end of it."""

import json
import sys
from collections import Counter

import numpy as np
import pytest
from distributed import LocalCluster

import twin
from tests.reference.twin_cities import CITY, write_city
from twin.place import harmonised
from twin.taking import take_part

#: Of the tiny city only what has no sites is taken in partitions: squares of people, and probes.
LARGE = ("people", "probes")


@pytest.fixture
def small_parts(monkeypatch):
    """Make forty records a partition, and ten a large dataset."""
    monkeypatch.setattr("twin.parts.STRETCH", 40)
    monkeypatch.setattr("twin.parts.LEAST_RECORDS", 10)


@pytest.fixture
def city(tmp_path):
    text = CITY.split("  detectors:")[0] + "  people:" + CITY.split("  people:")[1].split("  air:")[0]
    return write_city(tmp_path, manifest=text + "  probes:" + CITY.split("  probes:")[1])


def last_run(path):
    return json.loads(max((path / "runs").glob("*.json")).read_bytes())


def done_anew(path):
    return Counter(part["step"] for part in last_run(path)["parts"] if not part["reused"])


def assert_balanced(city):
    ledger = city.ledger()
    assert (ledger["records_in"] == ledger["placed"] + ledger["quarantined"] + ledger["rejected"]).all()
    for name in city.layers:
        aside = city.quarantine(name)
        assert len(aside) == ledger.loc[name, "quarantined"] + ledger.loc[name, "rejected"]
        assert not aside["row"].duplicated().any()


@pytest.mark.usefixtures("small_parts")
def test_in_partitions_a_twin_holds_what_it_holds_without(tiny, tmp_path):
    path = tiny.path.parent / "city.yaml"
    parted = twin.build(path, out=tmp_path / "alone.twin", workers=0)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as threads:
        shared = twin.build(path, out=tmp_path / "shared.twin", scheduler=threads.scheduler_address)
    assert parted.snapshot == shared.snapshot  # the id is the hash of every file
    assert done_anew(tmp_path / "alone.twin")["place probes"] > 3
    assert parted.ledger().equals(tiny.ledger())
    assert parted.record_quality().equals(tiny.record_quality())
    for name in tiny.layers:
        assert parted.layers[name] == tiny.layers[name] or repr(parted.layers[name]) == repr(tiny.layers[name])
        assert parted.features(name).equals(tiny.features(name))
        here, there = (one.weights(name).sort_values(["row", "cell"], ignore_index=True) for one in (parted, tiny))
        assert here.equals(there)
        assert (
            parted.quarantine(name)
            .sort_values("row", ignore_index=True)
            .equals(tiny.quarantine(name).sort_values("row", ignore_index=True))
        )
    for variable in tiny.variables:
        mine, whole = parted.cube(variable)[variable], tiny.cube(variable)[variable]
        assert (mine["cell"] == whole["cell"]).all()
        np.testing.assert_allclose(mine, whole, rtol=1e-12)
        behind = [f"{variable}.n", f"{variable}.coverage"]
        for ours, theirs in zip(*(one.cube(behind).values() for one in (parted, tiny)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
        cell = int(whole["cell"][0])
        assert parted.explain(cell, variable).value == pytest.approx(tiny.explain(cell, variable).value, rel=1e-12)
    assert not parted.verify()
    assert [change.name for change in parted.changes_since(tiny).layers] == list(LARGE)


@pytest.mark.usefixtures("small_parts")
def test_what_was_done_before_a_build_was_stopped_is_not_done_again(city, tmp_path, monkeypatch):
    undisturbed = twin.build(city, out=tmp_path / "whole.twin", workers=0)
    every = sum(done_anew(tmp_path / "whole.twin").values())
    taken = []

    def stopped(part, plan, work):
        if len(taken) == 4:
            raise KeyboardInterrupt
        taken.append(part.name)
        return take_part(part, plan, work)

    monkeypatch.setattr(sys.modules["twin.build"], "take_part", stopped)
    with pytest.raises(KeyboardInterrupt):
        twin.build(city, out=tmp_path / "t.twin", workers=0)
    monkeypatch.setattr(sys.modules["twin.build"], "take_part", take_part)
    resumed = twin.build(city, out=tmp_path / "t.twin", workers=0)
    assert resumed.snapshot == undisturbed.snapshot
    assert sum(done_anew(tmp_path / "t.twin").values()) == every - 4


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("at", ["twin.place_parts.harmonised", "twin.spreading.probable_weights"])
def test_a_poisoned_partition_is_set_aside_and_tried_again(city, tmp_path, monkeypatch, at):
    healthy = twin.build(city, out=tmp_path / "healthy.twin", workers=0)
    module, name = at.rsplit(".", 1)
    whole = getattr(__import__(module, fromlist=[name]), name)
    calls = []

    def poisoned(first, *rest, **more):
        calls.append(1)
        if len(calls) == 3:
            raise FloatingPointError("a number that no one foresaw")
        return whole(first, *rest, **more)

    monkeypatch.setattr(at, poisoned)
    sick = twin.build(city, out=tmp_path / "t.twin", workers=0)
    assert_balanced(sick)
    lost = last_run(tmp_path / "t.twin")["poisoned"]
    assert len(lost) == 1
    assert lost[0]["reason"] == "poisoned_partition: FloatingPointError: a number that no one foresaw"
    layer = lost[0]["part"].split()[1]
    assert sick.layers[layer].reasons["quarantined:poisoned_partition"] <= lost[0]["rows"]
    assert sick.layers[layer].placed < healthy.layers[layer].placed
    monkeypatch.setattr(at, whole)
    mended = twin.build(city, out=tmp_path / "t.twin", workers=0)
    assert mended.snapshot == healthy.snapshot
    assert not last_run(tmp_path / "t.twin")["poisoned"]
    assert sum(done_anew(tmp_path / "t.twin").values()) <= 2  # the partition, and its cells


def test_a_small_dataset_that_cannot_be_moved_is_set_aside_as_a_whole(city, tmp_path, monkeypatch):
    healthy = twin.build(city, out=tmp_path / "healthy.twin", workers=0)

    def poisoned(layer, *_):
        if layer.name == "probes":
            raise FloatingPointError
        return harmonised(layer, *_)

    monkeypatch.setattr("twin.place.harmonised", poisoned)
    sick = twin.build(city, out=tmp_path / "t.twin", workers=0)
    assert_balanced(sick)
    assert sick.ledger().loc["probes", "placed"] == 0
    assert sick.cube("probe_kmh").sizes["cell"] == 0
    monkeypatch.setattr("twin.place.harmonised", harmonised)
    assert twin.build(city, out=tmp_path / "t.twin", workers=0).snapshot == healthy.snapshot
