"""Local grids in city.yaml: control points as a dataset, or as a file that lies under root."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import shapely

import crs
import twin
from twin.plan import make_plan

BASE = "EPSG:32632"
CITY = """
city: grids
resolution: 9
area: [7.3, 43.6, 7.6, 43.9]
clock: {typical_day: true, step: 1h, zone: Europe/Monaco}
datasets:
  wells:
    path: wells.csv
    domain: cim
    owner: survey
    licence: none
    level: public
    position:
      local_grid: {name: city grid, base: "EPSG:32632", control_points: POINTS}
      columns: [x, y]
  monuments: {path: monuments.csv, domain: cim, owner: survey, licence: none, level: public,
              position: {definition: "EPSG:32632", columns: [e, n], sigma_m: 0.02}}
"""
LAYER = "{points: monuments, x: gx, y: gy, name: id}"
MATRIX = np.array([[0.9998, -0.02, 372_000.0], [0.02, 0.9998, 4_843_000.0]])


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(2)
    local = rng.uniform(0, 4_000, (8, 2)).round(3)
    base = (local @ MATRIX[:, :2].T + MATRIX[:, 2] + rng.normal(0, 0.02, (8, 2))).round(3)
    rows = [(f"M{n}", *there, *here) for n, (there, here) in enumerate(zip(local.tolist(), base.tolist(), strict=True))]
    here = tmp_path / "city"
    (here / "grids").mkdir(parents=True)
    for path, head in (("monuments.csv", "id,gx,gy,e,n"), ("grids/points.csv", "name,x,y,base_x,base_y")):
        (here / path).write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    (here / "wells.csv").write_text("well,x,y\na,1000.5,2000.25\nb,3000.125,500.75\n")
    return here


def write(folder, points, **changes):
    text = CITY.replace("POINTS", points)
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / "city.yaml").write_text(text, encoding="utf-8")
    return folder / "city.yaml"


def test_a_dataset_gives_a_grid_its_control_points(folder):
    city = twin.build(write(folder, LAYER), out=folder / "a.twin", workers=0)
    wells = city.features("wells").set_index("well")
    place = np.array([[1000.5, 2000.25], [3000.125, 500.75]]) @ MATRIX[:, :2].T + MATRIX[:, 2]
    lon, lat = crs.transform(*place.T, source=BASE, target="OGC:CRS84")
    found = np.column_stack([wells.geometry.x, wells.geometry.y])
    assert found == pytest.approx(np.column_stack([lon, lat]), abs=5e-7)
    steps = city.layers["wells"].notes["steps"]
    assert any("from 8 control points of monuments; residuals RMS 0.0" in step for step in steps)
    assert city.layers["wells"].operation.startswith("city grid to")
    manifest = twin.read_manifest(folder / "city.yaml")
    assert manifest.order() == ("monuments", "wells")
    assert make_plan(manifest)["place wells"].needs == ("place monuments",)


def line_of(text, word):
    return next(number for number, line in enumerate(text.splitlines(), start=1) if word in line)


@pytest.mark.parametrize(
    ("points", "where", "found"),
    [
        ("{points: stones, x: gx, y: gy}", "datasets.wells.position", "a reference to 'stones'"),
        ("{points: wells, x: x, y: y}", "datasets.wells.position", "in a circle: wells → wells"),
        ("{points: monuments, x: gx}", "datasets.wells.position", "y must be text"),
        ("grids/none.csv", "datasets.wells.position", "'grids/none.csv', which does not exist"),
        ("../points.csv", "datasets.wells.position", "'../points.csv', which leaves root"),
        ("grids", "datasets.wells.position", "'grids', which is a folder"),
        ("wells.csv", "datasets.wells.position", "wells.csv must have columns"),
    ],
)
def test_faults_of_control_points_come_with_their_line(folder, points, where, found):
    (folder.parent / "points.csv").write_text("x,y,base_x,base_y\n")
    path = write(folder, points)
    with pytest.raises(twin.ManifestError) as caught:
        twin.read_manifest(path)
    fault = next(fault for fault in caught.value.faults if found in f"{fault.found} {fault.remedy}")
    assert fault.where == where
    assert line_of(path.read_text(), "position:") <= fault.line <= line_of(path.read_text(), "local_grid:")
    assert len(caught.value.faults) == 1
    assert str(folder) not in fault.found + fault.remedy


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("columns: [x, y]\n", "columns: [x, y]\n    support: reference\n"),
        ("columns: [x, y]\n", "columns: [x, y]\n    evidence: monuments\n"),
    ],
)
def test_control_points_are_nothing_that_records_stand_on_or_are_judged_by(folder, old, new):
    with pytest.raises(twin.ManifestError):
        twin.read_manifest(write(folder, LAYER, **{old: new}))


def test_a_file_of_control_points_lies_under_root_wherever_a_build_is_started(folder, tmp_path, monkeypatch):
    path = write(folder, "grids/points.csv")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grids").mkdir()
    (tmp_path / "grids" / "points.csv").write_text("another file")
    by_file = twin.build(path, out=tmp_path / "a.twin", workers=0)
    by_layer = twin.build(write(folder, LAYER), out=tmp_path / "b.twin", workers=0)
    places = [shapely.get_coordinates(city.features("wells").geometry.array) for city in (by_file, by_layer)]
    assert places[0] == pytest.approx(places[1], abs=1e-10)


def test_the_plan_knows_the_content_of_the_file_and_not_where_it_is(folder, tmp_path):
    path = write(folder, "grids/points.csv")
    first = make_plan(twin.read_manifest(path))["place wells"].key
    shutil.copytree(folder, tmp_path / "elsewhere")
    moved = twin.read_manifest(tmp_path / "elsewhere" / "city.yaml")
    assert make_plan(moved)["place wells"].key == first
    assert str(tmp_path) not in json.dumps(moved.spec.model_dump(mode="json"))
    points = tmp_path / "elsewhere" / "grids" / "points.csv"
    points.write_text(points.read_text().replace("M7", "M8"))
    assert make_plan(moved)["place wells"].key != first


def test_candidates_of_a_detection_may_name_such_a_file_too(folder, tmp_path, monkeypatch):
    grid = '{local_grid: {name: city grid, base: "EPSG:32632", control_points: grids/points.csv}}'
    position = f"position: {{detect: {{reference: monuments, columns: [x, y], candidates: [{grid}]}}}}\n  monuments"
    start, _, rest = CITY.partition("position:\n")
    path = folder / "city.yaml"
    path.write_text(start + position + rest.partition("  monuments")[2], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    manifest = twin.read_manifest(path)
    assert manifest.position_files("wells") == (folder / "grids" / "points.csv",)
    candidate = manifest.position("wells").detect.candidates[0]
    assert crs.definition(candidate).name == "city grid"
    path.write_text(path.read_text().replace("grids/points.csv", LAYER), encoding="utf-8")
    with pytest.raises(twin.ManifestError, match="detect does not wait"):
        twin.read_manifest(path)
