"""Large datasets in partitions: the same twin, resumed where it stopped, and one bad partition is not the end of it."""

import json
import sys
from collections import Counter

import numpy as np
import pytest
from distributed import LocalCluster

import twin
from tests.reference.twin_cities import CITY, write_city
from twin.errors import WorkerDiedError
from twin.plan import Step, make_plan
from twin.steps.course import Course
from twin.steps.parts import Found, Part
from twin.steps.place import harmonised
from twin.steps.taking import take_part
from twin.steps.work import Outcome

#: Of the tiny city only what has no sites is taken in partitions: squares of people, and probes.
LARGE = ("people", "probes")


@pytest.fixture
def small_parts(monkeypatch):
    """Make forty records a partition, and ten a large dataset."""
    monkeypatch.setattr("twin.steps.parts.STRETCH", 40)
    monkeypatch.setattr("twin.steps.parts.LEAST_RECORDS", 10)


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
@pytest.mark.parametrize("at", ["twin.steps.place_parts.harmonised", "twin.steps.spreading.probable_weights"])
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

    monkeypatch.setattr("twin.steps.place.harmonised", poisoned)
    sick = twin.build(city, out=tmp_path / "t.twin", workers=0)
    assert_balanced(sick)
    assert sick.ledger().loc["probes", "placed"] == 0
    assert sick.cube("probe_kmh").sizes["cell"] == 0
    monkeypatch.setattr("twin.steps.place.harmonised", harmonised)
    assert twin.build(city, out=tmp_path / "t.twin", workers=0).snapshot == healthy.snapshot


class Hospital:
    """Takes tasks; workers die of what is called so, and of what runs beside it."""

    def __init__(self, parts, deadly):
        self.parts, self.deadly = parts, deadly
        self.running, self.deaths, self.alone = [], Counter(), Counter()

    def start(self, task, poisoned):
        self.running.append((task, poisoned))

    def ended(self):
        task, poisoned = self.running.pop(0)
        beside = [other.name for other, _ in self.running]
        if task.name in self.deadly or any(name in self.deadly for name in beside):
            self.deaths[task.name] += 1
            self.alone[task.name] += not beside
            return task, WorkerDiedError("it ended")
        found = [part for part in self.parts.get(task.name, ()) if part.key not in poisoned]
        if isinstance(task, Step) and found and task.name not in self.deaths:
            self.deaths[task.name] = 0  # seen: it finds its partitions once
            return task, Found(parts=tuple(found), reused=(), seconds=0.0)
        return task, Outcome(name=task.name, reused=False, seconds=0.0)


def test_who_dies_beside_a_deadly_partition_is_tried_again_by_itself(city, tmp_path):
    plan = make_plan(twin.read_manifest(city))
    parts = tuple(
        Part(
            kind="place-part",
            dataset="probes",
            number=number,
            count=4,
            key=f"k{number}",
            step="place probes",
            source=tmp_path,
            rows=40,
            cost=1,
        )
        for number in range(4)
    )
    hospital = Hospital({"place probes": parts}, {"place probes 3/4"})
    results = list(Course(plan, hospital).go())
    ended = [task.name for task, result in results if isinstance(result, Outcome)]
    assert sorted(ended) == sorted(
        [*(step.name for step in plan.steps), *(part.name for part in parts if part.number != 2)]
    )
    assert hospital.alone == {"place probes 3/4": 1} | {
        name: 0 for name in hospital.alone if name != "place probes 3/4"
    }
    assert hospital.deaths["place probes 3/4"] == 2
