"""Truth in the manifest: what is measured, from all records or from check points, and what is refused."""

import json

import numpy as np
import pandas as pd
import pyproj
import pytest
from typer.testing import CliRunner

import twin
from tests.reference.twin_fusion import shares
from twin.cli import app
from twin.errors import BuildError, ManifestError, TruthError

CITY = """\
city: told
resolution: 11
area: [7.40, 43.72, 7.44, 43.75]
clock: {{start: "2026-06-16T00:00", end: "2026-06-17T00:00", step: 1h, zone: Europe/Monaco}}
fusion: {{plane: EPSG:32632, links: streets}}
datasets:
  streets:
    path: streets.csv
    domain: transport
    owner: Maps
    licence: CC0-1.0
    level: public
    position: {{definition: OGC:CRS84, notation: polyline, axes: "lat,lon", columns: [line]}}
  sites:
    path: sites.csv
    domain: environment
    owner: Survey
    licence: CC0-1.0
    level: public
    position: {{definition: EPSG:32632, columns: [x, y], sigma_m: 5}}
    fields: {{value: {{min: 0, max: 100}}, site: {{kind: text}}}}
    read: {{where: {{kind: air}}}}
    truth: {truth}
"""
#: The numbers are those of the survey's own grid, 100 m east and 50 m north of the strip of UTM that is declared.
SHIFT = {"local_grid": {"name": "survey", "base": "EPSG:32632", "similarity": [-100, -50, 0, 1], "sigma_m": 0.1}}
DECLARED = {"path": "truth.csv"}
TRUE = {"path": "truth.csv", "position": {**SHIFT, "columns": ["x", "y"]}}
NUMBER = 60
UTM = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:32632", always_xy=True)
BACK = pyproj.Transformer.from_crs("EPSG:32632", "OGC:CRS84", always_xy=True)


def write_told(folder, truth):
    """Write sites whose eleventh has a value out of range and whose twelfth is of another kind."""
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(7.41, 7.43, NUMBER), rng.uniform(43.725, 43.745, NUMBER)
    x, y = np.array(UTM.transform(lon, lat)) + rng.normal(0, 5, (2, NUMBER))
    value, kind = np.full(NUMBER, 7.0), np.full(NUMBER, "air", dtype=object)
    value[10], kind[11] = 700.0, "water"
    names = [f"s{n}" for n in range(NUMBER)]
    frame = pd.DataFrame({"site": names, "x": (x + 100).round(2), "y": (y + 50).round(2), "value": value, "kind": kind})
    frame.to_csv(folder / "sites.csv", index=False)
    pd.DataFrame({"row": range(NUMBER), "lon": lon, "lat": lat}).to_csv(folder / "truth.csv", index=False)
    checks = pd.DataFrame({"site": names, "lon": lon, "lat": lat}).iloc[::6]
    checks.to_csv(folder / "checks.csv", index=False)
    line = '"43.725,7.41 43.745,7.43"'
    (folder / "streets.csv").write_text(f"id,line\ns0,{line}\n", encoding="utf-8")
    path = folder / "city.yaml"
    path.write_text(CITY.format(truth=json.dumps(truth)), encoding="utf-8")
    return path, frame, np.column_stack([lon, lat])


def build(folder, truth):
    path, frame, places = write_told(folder, truth)
    return twin.build(path, out=folder / "told.twin", workers=0), frame, places


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """A city that declares the strip of UTM, while its truth knows of the survey's grid."""
    return build(tmp_path_factory.mktemp("wrong"), TRUE)


def test_a_wrong_declaration_is_measured_against_the_oracle(wrong):
    city, frame, places = wrong
    kept = np.arange(NUMBER) != 11  # left out on purpose
    table = city.fusion_error(resolutions=[9, 10]).table
    declared = np.column_stack(BACK.transform(frame["x"], frame["y"]))
    meant = np.column_stack(BACK.transform(frame["x"] - 100, frame["y"] - 50))
    ours = declared.copy()
    ours[10] = np.nan  # set aside: counts as wrong
    for resolution in (9, 10):
        for way, placed in (("ours", ours), ("naive", declared)):
            line = table.loc[(way, "sites", resolution)]
            assert line["records"] == NUMBER - 1
            if way == "ours":
                oracle = meant.copy()
                oracle[10] = places[10]  # not read by the oracle either: its true place stands in
                expected = shares(
                    placed[kept].tolist(),
                    oracle[kept].tolist(),
                    places[kept].tolist(),
                    resolution=resolution,
                    storage=11,
                )
                assert {name: line[name] for name in expected} == pytest.approx(expected)
            assert 90 < line["mean_m"] < 130
    assert table.loc[("ours", "sites", 9), "coverage"] == pytest.approx(1 - 1 / (NUMBER - 1))
    assert table.loc[("ours", "sites", 10), "d"] > 0.5


def test_a_right_declaration_leaves_noise_and_what_was_set_aside(tmp_path):
    path, *_ = write_told(tmp_path, DECLARED)
    text = path.read_text(encoding="utf-8")
    position = json.dumps({**TRUE["position"], "sigma_m": 5})
    path.write_text(text.replace("{definition: EPSG:32632, columns: [x, y], sigma_m: 5}", position), encoding="utf-8")
    city = twin.build(path, out=tmp_path / "told.twin", workers=0)
    table = city.fusion_error().table
    assert table.loc[("ours", "sites"), "d"].to_numpy() == pytest.approx(1 / (NUMBER - 1))
    assert table.loc[("ours", "sites", 10), "f"] < 0.25
    assert table.loc[("naive", "sites", 10), "d"] > 0.5
    assert table["wrong_link"].notna().all()


def test_check_points_estimate_with_an_interval(tmp_path):
    city, _, _ = build(tmp_path, {**TRUE, "path": "checks.csv", "key": "site"})
    report = city.fusion_error(resolutions=[10])
    line = report.table.loc[("ours", "sites", 10)]
    assert line["records"] == NUMBER // 6
    assert line["f_low"] < line["f_high"]
    assert line["f_low"] <= line["f"] <= line["f_high"]
    assert "10 check points" in repr(report)


def test_truth_moves_nothing(wrong, tmp_path):
    told, _, _ = wrong
    path, _, _ = write_told(tmp_path, DECLARED)
    path.write_text(path.read_text(encoding="utf-8").rsplit("    truth:", 1)[0], encoding="utf-8")
    plain = twin.build(path, out=tmp_path / "told.twin", workers=0)
    assert plain.features("sites").equals(told.features("sites"))
    assert not plain.states_truth
    with pytest.raises(TruthError, match="states no truth"):
        plain.fusion_error()


def test_the_command_line_shows_and_writes_it(wrong):
    city, _, _ = wrong
    shown = CliRunner().invoke(app, ["fusion-error", str(city.path)], env={"COLUMNS": "100"})
    assert shown.exit_code == 0
    assert "Fusion error" in shown.output
    assert "the oracle reads survey on EPSG:32632" in shown.output or "as the truth says" in shown.output
    written = CliRunner().invoke(app, ["fusion-error", str(city.path), "--json"])
    tree = json.loads(written.output)
    rows = {(row["way"], row["layer"], row["resolution"]): row for row in tree["rows"]}
    assert rows["ours", "sites", 9]["d"] == city.fusion_error().table.loc[("ours", "sites", 9), "d"]


@pytest.mark.parametrize(
    ("change", "where", "remedy"),
    [
        ({"path": "nowhere.csv"}, "datasets.sites.truth", "relative to root"),
        ({"path": "../truth.csv"}, "datasets.sites.truth", "relative to root"),
        ({"position": "EPSG:999999"}, "datasets.sites.truth.position", "EPSG:999999"),
    ],
)
def test_a_truth_that_cannot_be_read_is_a_fault_of_the_manifest(tmp_path, change, where, remedy):
    path, _, _ = write_told(tmp_path, {**DECLARED, **change})
    with pytest.raises(ManifestError, match=remedy) as error:
        twin.read_manifest(path)
    assert [fault.where for fault in error.value.faults] == [where]


@pytest.mark.parametrize(
    ("fusion", "word"),
    [("plane: EPSG:4490", "plane"), ("links: roads", "links"), ("resolutions: [8, 12]", "resolutions")],
)
def test_a_measurement_that_cannot_be_made_is_a_fault_of_the_manifest(tmp_path, fusion, word):
    path, _, _ = write_told(tmp_path, DECLARED)
    text = path.read_text(encoding="utf-8").replace("plane: EPSG:32632, links: streets", fusion)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError) as error:
        twin.read_manifest(path)
    assert [fault.where for fault in error.value.faults] == [f"fusion.{word}"]


@pytest.mark.parametrize(
    ("content", "truth", "words"),
    [
        ("row,lon,lat\n0,7.41,43.73\n60,7.41,43.73\n", DECLARED, "speaks of row 60, but 60 records came in"),
        ("row,lon,lat\n0,7.41,43.73\n0,7.41,43.73\n", DECLARED, "stands there twice"),
        ("row,lon,lat\n0,741000,4373000\n", DECLARED, "not in degrees"),
        ("number,lon,lat\n0,7.41,43.73\n", DECLARED, "no column 'row'; it has number, lon, lat"),
        ("site,lon,lat\nmine,7.41,43.73\n", {**DECLARED, "key": "site"}, "names 'mine', but no record has it as site"),
        ("who,lon,lat\nmine,7.41,43.73\n", {**DECLARED, "key": "who"}, "no record has a column 'who'"),
    ],
)
def test_a_truth_that_does_not_fit_stops_the_build_and_says_why(tmp_path, content, truth, words):
    path, _, _ = write_told(tmp_path, truth)
    (tmp_path / "truth.csv").write_text(content, encoding="utf-8")
    with pytest.raises(BuildError, match="truth sites") as error:
        twin.build(path, out=tmp_path / "told.twin", workers=0)
    assert words in str(error.value)


def test_where_nobody_knows_the_definition_check_points_still_tell_the_error(tmp_path):
    path, *_ = write_told(tmp_path, {"path": "checks.csv", "key": "site"})
    text = path.read_text(encoding="utf-8")
    undeclared = "{detect: {reference: streets, columns: [x, y]}}"
    text = text.replace("{definition: EPSG:32632, columns: [x, y], sigma_m: 5}", undeclared)
    path.write_text(text, encoding="utf-8")
    report = twin.build(path, out=tmp_path / "told.twin", workers=0).fusion_error(resolutions=[9])
    ours, naive = (report.table.loc[(way, "sites", 9)] for way in ("ours", "naive"))
    assert ours["coverage"] == 0  # sites are not on streets: set aside whole
    assert ours["f"] == 1
    assert naive["f"] < 1
    assert np.isnan(ours["d"])
    assert "D is not known" in repr(report)


def test_of_a_file_that_mixes_definitions_each_record_is_held_against_its_own(tmp_path):
    path, frame, places = write_told(tmp_path, {**DECLARED, "definitions": "definition"})
    degrees = np.arange(NUMBER) % 3 == 0
    frame["x"], frame["y"] = frame["x"] - 100, frame["y"] - 50
    seen = np.column_stack(BACK.transform(frame["x"], frame["y"])).round(6)
    frame.loc[degrees, ["x", "y"]] = seen[degrees]
    frame.assign(value=7, kind="air").to_csv(tmp_path / "sites.csv", index=False)
    truth = pd.DataFrame({"row": range(NUMBER), "lon": places[:, 0], "lat": places[:, 1]})
    truth["definition"] = np.where(degrees, "OGC:CRS84", "EPSG:32632")
    truth.to_csv(tmp_path / "truth.csv", index=False)
    report = twin.build(path, out=tmp_path / "told.twin", workers=0).fusion_error()
    # Declared are the metres: a third, in degrees, is nowhere; the rest is where the oracle has it.
    assert report.table.loc[("ours", "sites"), "d"].to_numpy() == pytest.approx(1 / 3)
    assert report.table.loc[("ours", "sites"), "coverage"].to_numpy() == pytest.approx(2 / 3)
    assert "each by its own definition" in repr(report)
