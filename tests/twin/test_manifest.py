"""city.yaml: every fault at once, each with its line, what was found and what to write."""

import json

import pytest

import layers
import twin
from tests.reference.twin_cities import CITY, write_city
from twin.steps.place import read_options


def faults_of(path):
    with pytest.raises(twin.ManifestError) as caught:
        twin.read_manifest(path)
    return caught.value.faults


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def written(tmp_path, *changes):
    text = CITY
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return write_city(tmp_path, manifest=text), text


def test_a_sound_manifest_is_read_and_ordered(tmp_path):
    manifest = twin.read_manifest(write_city(tmp_path))
    order = manifest.order()
    assert sorted(order) == sorted(manifest.spec.datasets)
    assert order.index("streets") < order.index("detectors")  # though the file names detectors first
    assert manifest.files("air") == ((tmp_path / "air.csv").resolve(),)


def test_all_faults_come_at_once_with_their_lines(tmp_path):
    path, text = written(
        tmp_path,
        ("level: internal", "level: internl"),
        ("    licence: ODbL-1.0\n    level: public\n    show", "    level: public\n    show"),
        ("domain: society", "domian: society"),
        ("resolution: 11", "resolution: 19"),
        ("zone: Europe/Monaco}\nroot", "zone: Europe/Monako}\nroot"),
    )
    faults = {fault.where: fault for fault in faults_of(path)}
    assert faults["datasets.detectors.level"].line == line_of(text, "internl")
    assert "'internl'" in faults["datasets.detectors.level"].found
    assert "'internal'" in faults["datasets.detectors.level"].remedy
    assert faults["datasets.streets.licence"].line == line_of(text, "  streets:")
    assert "licence" in faults["datasets.streets.licence"].remedy
    assert faults["datasets.people.domian"].line == line_of(text, "domian")
    assert "`domain:`" in faults["datasets.people.domian"].remedy
    assert faults["resolution"].line == 3
    assert "IANA" in faults["clock.zone"].remedy
    assert len(faults) == 6  # `domain` of people is missing too


def test_words_that_refer_to_others_are_checked_together(tmp_path):
    path, text = written(
        tmp_path,
        ("along: streets", "along: roads"),
        ("path: air.csv", "path: air.cvs"),
        ("path: people.geojson", "path: ../people.geojson"),
        ("ratio: speed_kmh", "ratio: sped_kmh"),
        ("probe_kmh: {kind", "no2: {kind"),
        (
            'population: {kind: extensive, unit: "1", by: area, sigma: doubt}',
            'population: {kind: extensive, unit: "1", field: kriging}',
        ),
        (
            "definition: EPSG:4326, columns: [lon, lat], sigma_m: 5}\n    time: {column: time, zone: UTC}",
            "definition: EPSG:432666}\n    time: {column: time, zone: UTC}",
        ),
    )
    faults = {fault.where: fault for fault in faults_of(path)}
    assert faults["datasets.detectors.position"].line == line_of(text, "along: roads")
    assert "streets" in faults["datasets.detectors.position"].remedy
    assert "does not exist" in faults["datasets.air.path"].found
    assert "leaves root" in faults["datasets.people.path"].found
    assert "speed_kmh" in faults["datasets.detectors.variables.speed_ratio.derive"].remedy
    assert faults["datasets.probes.variables.no2"].line == line_of(text, "no2: {kind: intensive, unit: km/h")
    assert "kriging" in faults["datasets.people.variables.population.field"].found
    assert faults["datasets.probes.position"].line == line_of(text, "EPSG:432666")
    assert len(faults) == 7


def test_positions_that_refer_in_a_circle_are_refused(tmp_path):
    path, text = written(
        tmp_path,
        (
            "    path: streets.geojson\n",
            "    path: streets.geojson\n    position: {register: detectors, key: street_id, columns: [street_id]}\n",
        ),
    )
    (fault,) = faults_of(path)
    assert "circle" in fault.found
    assert "streets" in fault.found
    assert "detectors" in fault.found
    assert fault.line in {line_of(text, "along: streets"), line_of(text, "register: detectors")}


def test_a_missing_variable_of_the_environment_says_what_to_export(tmp_path, monkeypatch):
    monkeypatch.delenv("TINY_DATA", raising=False)
    path, text = written(tmp_path, ('root: "."', 'root: "${TINY_DATA}"'))
    (fault,) = faults_of(path)
    assert fault.line == line_of(text, "TINY_DATA")
    assert "export TINY_DATA=" in fault.remedy
    monkeypatch.setenv("TINY_DATA", str(tmp_path))
    assert twin.read_manifest(path).root == tmp_path.resolve()


def test_the_environment_counts_in_root_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("AIR", "air")
    path, _ = written(tmp_path, ("path: air.csv", 'path: "${AIR}.csv"'))
    (fault,) = faults_of(path)
    assert "${AIR}.csv" in fault.found


@pytest.mark.parametrize(
    ("clock", "remedy"),
    [
        ('{start: "2026-06-16T00:00", end: "2026-06-15T00:00", step: 30min, zone: UTC}', "later end"),
        ("{typical_day: true, step: 7min, zone: UTC}", "divide a day"),
        ('{typical_day: true, start: "2026-06-16T00:00", step: 1h, zone: UTC}', "remove"),
        ('{start: "2026-06-16T00:00", step: 1h, zone: UTC}', "both start and end"),
        ('{start: "2026-06-16T00:00Z", end: "2026-06-17T00:00", step: soon, zone: UTC}', "duration"),
    ],
)
def test_a_clock_that_cannot_run_is_refused(tmp_path, clock, remedy):
    old = '{start: "2026-06-16T00:00", end: "2026-06-16T06:00", step: 30min, zone: Europe/Monaco}'
    path, _ = written(tmp_path, (old, clock))
    faults = faults_of(path)
    assert any(remedy in fault.remedy for fault in faults)
    assert {fault.line for fault in faults} == {5}


def test_swapped_corners_of_the_area_are_refused(tmp_path):
    path, _ = written(tmp_path, ("[7.40, 43.72, 7.44, 43.75]", "[43.72, 7.44, 43.75, 7.40]"))
    (fault,) = faults_of(path)
    assert (fault.line, fault.where) == (4, "area")
    assert "longitude first" in fault.remedy


@pytest.mark.parametrize("extra", ["roofs: true", "height: width_m"])
def test_what_only_buildings_have_is_refused_of_others(tmp_path, extra):
    path, text = written(tmp_path, ("show: {as: lines, colour: speed_ratio}", f"show: {{as: lines, {extra}}}"))
    (fault,) = faults_of(path)
    assert fault.line == line_of(text, extra)
    assert "as: buildings" in fault.remedy


def test_colours_come_from_a_variable_of_the_city(tmp_path):
    path, text = written(tmp_path, ("colour: speed_ratio", "colour: speed"))
    (fault,) = faults_of(path)
    assert (fault.line, fault.found) == (line_of(text, "colour: speed"), "'speed'")
    assert "speed_ratio" in fault.remedy


@pytest.mark.parametrize("text", ["city: [", "- a\n- b\n", "city: x\ncity: y\n", ""])
def test_broken_yaml_is_a_fault_with_a_line(tmp_path, text):
    path = tmp_path / "city.yaml"
    path.write_text(text)
    assert all(fault.line >= 1 for fault in faults_of(path))


def test_a_missing_file_is_a_fault(tmp_path):
    (fault,) = faults_of(tmp_path / "none.yaml")
    assert "No such file" in fault.found


def test_a_folder_or_a_file_that_may_not_be_read_is_a_fault(tmp_path, monkeypatch):
    path, _ = written(tmp_path, ("path: air.csv", "path: folder"))
    (tmp_path / "folder").mkdir()
    (fault,) = faults_of(path)
    assert fault.found == "'folder', which is a folder"
    monkeypatch.setattr("twin.manifest.checks.os.access", lambda file, _mode: file.name != "air.csv")
    (fault,) = faults_of(write_city(tmp_path))
    assert fault.found == "'air.csv', which may not be read"


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "nothing"), ("- a\n", "no `key: value` lines"), ("a: {b: 1}\na: {b: 1}\n", 'duplicate key "a"')],
)
def test_a_file_that_is_no_mapping_is_told_in_plain_words(tmp_path, text, found):
    (fault,) = faults_of(write_city(tmp_path, manifest=text))
    assert fault.found == found


def test_merged_entries_know_their_line(tmp_path):
    extra = "  air_again:\n    <<: *air\n    variables: {}\n    level: secret\n"
    path, text = written(tmp_path, ("  air:\n", "  air: &air\n"))
    path.write_text(text + extra)
    (fault,) = faults_of(path)
    assert fault.line == line_of(text + extra, "level: secret")


def test_the_schema_for_editors_names_every_word():
    schema = twin.json_schema()
    assert json.loads(json.dumps(schema)) == schema
    dataset = schema["$defs"]["DatasetSpec"]
    assert {"path", "owner", "licence", "level", "position", "show"} <= set(dataset["properties"])
    assert {"owner", "licence", "level", "domain", "path"} <= set(dataset["required"])


def test_a_first_view_is_checked_against_the_city_and_kept(tmp_path):
    area = "view: {centre: [7.42, 43.735], zoom: 14.5, pitch: 45, bearing: 10, cells: no2}\nroot:"
    path, _ = written(tmp_path, ("root:", area))
    view = twin.read_manifest(path).spec.view
    assert view.model_dump() == {"centre": (7.42, 43.735), "zoom": 14.5, "pitch": 45, "bearing": 10, "cells": "no2"}
    assert "view" in twin.json_schema()["properties"]


@pytest.mark.parametrize(
    ("view", "where", "remedy"),
    [
        ("{centre: [43.735, 7.42], zoom: 14}", "view.centre", "longitude first"),
        ("{cells: no_two}", "view.cells", "name a variable"),
        ("{zoom: 14}", "view", "both centre and zoom"),
        ("{pitch: 40}", "view", "write centre and zoom too"),
        ("{centre: [7.42, 43.735], zoom: 14, pitch: 80}", "view.pitch", "60"),
        ("{center: [7.42, 43.735], zoom: 14}", "view.center", "`centre:`"),
    ],
)
def test_a_first_view_that_looks_at_nothing_is_refused_with_its_line(tmp_path, view, where, remedy):
    path, text = written(tmp_path, ("root:", f"view: {view}\nroot:"))
    fault = next(fault for fault in faults_of(path) if fault.where == where)
    assert remedy in fault.remedy
    assert fault.line == line_of(text, "view:")


def test_thresholds_of_alerts_are_kept_and_those_of_nothing_refused_with_their_line(tmp_path):
    path, _ = written(tmp_path, ("root:", "alerts: {no2: 40}\nroot:"))
    assert twin.read_manifest(path).spec.alerts == {"no2": 40.0}
    assert "alerts" in twin.json_schema()["properties"]
    path, text = written(tmp_path, ("root:", "alerts:\n  no2: 40\n  no_two: 30\n  people: 3\nroot:"))
    faults = {fault.where: fault for fault in faults_of(path)}
    assert set(faults) == {"alerts.no_two", "alerts.people"}, "what does not change with time is not watched"
    assert faults["alerts.no_two"].line == line_of(text, "no_two: 30")
    assert "no2" in faults["alerts.no_two"].remedy
    path, text = written(tmp_path, ("root:", "alerts: {no2: high}\nroot:"))
    (fault,) = faults_of(path)
    assert (fault.where, fault.line) == ("alerts.no2", line_of(text, "alerts:"))


def test_limits_of_a_dataset_reach_its_reader(tmp_path):
    path, _ = written(
        tmp_path, ("    path: people.geojson\n", "    path: people.geojson\n    read: {limits: {memory_mb: 5}}\n")
    )
    manifest = twin.read_manifest(path)
    limits = {name: read_options(spec, manifest).limits for name, spec in manifest.spec.datasets.items()}
    assert limits["people"] == layers.Limits(memory_mb=5)
    assert limits["air"] == layers.Limits()


def test_a_tour_is_kept_and_stops_with_nothing_to_see_are_refused_with_their_line(tmp_path):
    good = '  - {title: Port, centre: [7.42, 43.735], time: "08:00", layers: [cells, ground], cells: no2}\n'
    path, _ = written(tmp_path, ("root:", f"tour:\n{good}root:"))
    (stop,) = twin.read_manifest(path).spec.tour
    assert (stop.title["zh"], stop.zoom, stop.layers, stop.time) == ("Port", 15.0, ("cells", "ground"), "08:00")
    bad = "  - {title: Sea, centre: [43.735, 7.42], time: noon, layers: [sea], cells: no_two}\n"
    path, text = written(tmp_path, ("root:", f"tour:\n{good}{bad}root:"))
    faults = {fault.where: fault for fault in faults_of(path)}
    assert set(faults) == {f"tour.1.{key}" for key in ("centre", "time", "layers", "cells")}
    assert {fault.line for fault in faults.values()} == {line_of(text, "title: Sea")}
    assert "longitude first" in faults["tour.1.centre"].remedy
    assert "ground" in faults["tour.1.layers"].remedy
