"""What `twin plan` foretells, beside what a build then took: bytes, partitions, seconds."""

import json
import math
import shutil
import time

import pytest

import twin
from tests.reference.twin_cities import CITY, write_city
from twin.plan import make_plan

#: Foretold and taken may differ by this factor.
PARTS_FACTOR, SECONDS_FACTOR = 2.0, 3.0


def foretold(manifest, path):
    return {one.step.name: one for one in twin.forecast(make_plan(twin.read_manifest(manifest)), path)}


def last_run(path):
    return json.loads(max((path / "runs").glob("*.json")).read_bytes())


def counted_parts(path):
    return {
        step: sum(part["step"] == step for part in last_run(path)["parts"])
        for step in {part["step"] for part in last_run(path)["parts"]}
    }


@pytest.fixture
def probes(tmp_path, monkeypatch):
    """A city of a CSV, large enough for partitions of forty records, and a few squares of people."""
    monkeypatch.setattr("twin.steps.parts.STRETCH", 40)
    monkeypatch.setattr("twin.steps.parts.LEAST_RECORDS", 20)
    people = "  people:" + CITY.split("  people:")[1].split("  air:")[0]
    probes = "  probes:" + CITY.split("  probes:")[1]
    return write_city(tmp_path, manifest=CITY.split("  detectors:")[0] + people + probes)


def test_the_bytes_of_a_step_are_those_of_its_files(tiny):
    manifest = twin.read_manifest(tiny.path.parent / "city.yaml")
    expected = foretold(manifest.path, tiny.path)
    for name in manifest.spec.datasets:
        size = sum(path.stat().st_size for path in manifest.files(name))
        assert expected[f"place {name}"].step.cost == expected[f"cells {name}"].step.cost == size > 0


def test_partitions_are_estimated_before_anything_is_read_and_known_after_a_build(probes, tmp_path):
    path = tmp_path / "t.twin"
    before = foretold(probes, path)
    assert {name for name, one in before.items() if one.estimated} == {"place probes", "cells probes"}
    twin.build(probes, out=path, workers=0)
    made = counted_parts(path)
    assert made["place probes"] > 3
    for name, count in made.items():
        assert count / PARTS_FACTOR <= before[name].parts <= count * PARTS_FACTOR, name
    assert {name: one.parts for name, one in foretold(probes, path).items() if one.parts} == made
    # Read anew, since what it is told to read is another: how many records there are is known from the build before.
    probes.write_text(probes.read_text().replace("sigma_m: 5", "sigma_m: 6"))
    again = foretold(probes, path)["place probes"]
    assert (again.parts, again.parts_reused, again.estimated) == (made["place probes"], 0, True)


def test_the_seconds_foretold_are_those_that_a_build_takes(tiny, tmp_path, monkeypatch):
    """Seconds of this process' work: what else the machine does is foretold by nobody."""
    for module in ("work", "taking"):
        monkeypatch.setattr(f"twin.steps.{module}.perf_counter", time.process_time)
    manifest = shutil.copytree(tiny.path.parent, tmp_path / "city", ignore=lambda *_: [tiny.path.name]) / "city.yaml"
    path, text = tmp_path / "t.twin", manifest.read_text()

    def build(area_east):
        manifest.write_text(text.replace("7.44, 43.75]", f"{area_east}, 43.75]"))  # the area is part of every step
        expected = foretold(manifest, path)
        assert not any(one.reused for one in expected.values())
        twin.build(manifest, out=path, workers=0)
        took = {step["name"]: step["seconds"] for step in last_run(path)["steps"]}
        assert took.keys() == expected.keys()
        return sum(one.seconds for one in expected.values()), sum(took.values())

    assert math.isnan(build(7.44)[0]), "nobody has built it"
    build(7.441)  # The first build of a process waits for what is compiled and loaded once.
    seconds, took = build(7.442)
    assert took / SECONDS_FACTOR < seconds < took * SECONDS_FACTOR
