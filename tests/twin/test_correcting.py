"""A corrected definition: written where people read it, only what it touches done again, equal to a new build."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import crs
import twin
from twin.cli import app
from twin.corrections.writing import with_correction

CITY = """\
city: fleet
resolution: 11
area: [116.30, 39.85, 116.50, 40.00]
clock: {start: "2026-06-16T00:00", end: "2026-06-16T06:00", step: 1h, zone: Asia/Shanghai}
datasets:
  # two companies, one table
  taxis:
    path: [a.csv, b.csv]
    domain: transport
    owner: Fleet  # as of June
    licence: CC0-1.0
    level: internal
    position: {definition: EPSG:4326, columns: [lon, lat], sigma_m: 5}

    variables:
      fares: {kind: extensive, unit: "1"}
  depots:
    path: depots.csv
    domain: transport
    owner: Fleet
    licence: CC0-1.0
    level: internal
    position: {definition: EPSG:4326, columns: [lon, lat]}
"""
TRUE = 40


@pytest.fixture
def city(tmp_path, monkeypatch):
    """Twenty records a partition; file a is right, file b and all of company x are GCJ-02."""
    monkeypatch.setattr("twin.steps.parts.STRETCH", 20)
    monkeypatch.setattr("twin.steps.parts.LEAST_RECORDS", 30)
    rng = np.random.default_rng(5)
    for file in ("a", "b", "depots"):
        lon, lat = rng.uniform(116.35, 116.45, TRUE), rng.uniform(39.88, 39.96, TRUE)
        if file == "b":
            lon, lat = crs.transform(lon, lat, source="OGC:CRS84", target="GCJ-02")
        company = np.where(np.arange(TRUE) < 15, "x", "y") if file == "a" else "z"
        pd.DataFrame({"lon": lon, "lat": lat, "fares": np.arange(TRUE), "company": company}).round(7).to_csv(
            tmp_path / f"{file}.csv", index=False
        )
    path = tmp_path / "city.yaml"
    path.write_text(CITY)
    return path


def done_anew(out):
    run = json.loads(max((out / "runs").glob("*.json")).read_bytes())
    return Counter(part["step"] for part in run["parts"] if not part["reused"])


@pytest.mark.parametrize(
    ("which", "touched"),
    [
        ({"file": "b.csv"}, {"place taxis": 2, "cells taxis": 2}),
        ({"where": {"company": "x"}}, {"place taxis": 1, "cells taxis": 1}),
        ({}, {"place taxis": 4, "cells taxis": 4}),
    ],
)
def test_a_correction_does_what_it_touches_and_equals_a_new_build(city, tmp_path, which, touched):
    out = tmp_path / "t.twin"
    before = twin.build(city, out=out, workers=0)
    correction = twin.Correction(dataset="taxis", position="GCJ-02", why="seen on the map", **which)
    after = twin.correct(city, correction, out=out, workers=0)
    assert done_anew(out) == touched
    assert twin.build(city, out=tmp_path / "new.twin", workers=0).snapshot == after.snapshot != before.snapshot
    rows = np.arange(TRUE, 2 * TRUE) if "file" in which else np.arange(15) if which else np.arange(2 * TRUE)
    moved = before.features("taxis").geometry.ne(after.features("taxis").geometry)
    assert set(moved.index[moved]) == set(rows)
    table = pd.concat([pd.read_csv(city.parent / f"{file}.csv") for file in "ab"], ignore_index=True).loc[rows]
    lon, lat = crs.transform(table["lon"], table["lat"], source="GCJ-02", target="OGC:CRS84")
    placed = after.features("taxis").loc[rows].geometry
    np.testing.assert_allclose(np.c_[placed.x, placed.y], np.c_[lon, lat], rtol=0, atol=1e-12)
    assert "GCJ-02" in after.layers["taxis"].position
    assert after.layers["depots"] == before.layers["depots"]
    assert "seen on the map" in city.read_text()


def test_a_small_dataset_is_corrected_too_and_the_newest_word_holds(city, tmp_path):
    out = tmp_path / "t.twin"
    twin.build(city, out=out, workers=0)
    for position in ("BD-09", "GCJ-02"):
        corrected = twin.open(out).correct(city, twin.Correction(dataset="depots", position=position), workers=0)
    table = pd.read_csv(city.parent / "depots.csv")
    lon, _ = crs.transform(table["lon"], table["lat"], source="GCJ-02", target="OGC:CRS84")
    np.testing.assert_allclose(corrected.features("depots").geometry.x, lon, rtol=0, atol=1e-12)
    assert corrected.layers["depots"].position == "GCJ-02"
    city.write_text(city.read_text().replace("city: fleet", "city: other"))
    with pytest.raises(twin.UnknownNameError, match="'other', this twin is of 'fleet'"):
        corrected.correct(city, twin.Correction(dataset="depots", position="BD-09"), workers=0)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"position": "EPSG:1"}, twin.ManifestError),
        ({"position": "GCJ-02", "file": "c.csv"}, twin.ManifestError),
        ({"position": "GCJ-02", "where": {"firm": "x"}}, twin.BuildError),
        ({"position": {"along": "taxis", "key": "fares", "columns": ["lon", "lat"]}}, twin.ManifestError),
    ],
)
def test_a_correction_that_cannot_be_leaves_the_file_as_it_was(city, tmp_path, wrong, error):
    with pytest.raises(error, match=r"corrections|firm"):
        twin.correct(city, twin.Correction(dataset="taxis", **wrong), out=tmp_path / "t.twin", workers=0)
    assert city.read_text() == CITY


def test_nothing_else_of_the_file_changes():
    once = with_correction(CITY, twin.Correction(dataset="taxis", position="GCJ-02", file="b.csv", by="A: B"))
    twice = with_correction(once, twin.Correction(dataset="taxis", position={"definition": "BD-09"}, date="2026-11-22"))
    assert [line for line in once.splitlines() if line in CITY.splitlines()] == CITY.splitlines()
    assert twice.index("BD-09") < twice.index("GCJ-02")
    assert len(twice.splitlines()) == len(CITY.splitlines()) + 6
    braces = "datasets: {taxis: {path: a.csv}}  # short\n"
    assert "# short" in with_correction(braces, twin.Correction(dataset="taxis", position="GCJ-02"))
    with pytest.raises(twin.UnknownNameError, match="taxis"):
        with_correction(CITY, twin.Correction(dataset="buses", position="GCJ-02"))


def test_the_command_corrects_and_says_what_it_did(city, tmp_path):
    out = tmp_path / "t.twin"
    twin.build(city, out=out, workers=0)
    words = ["correct", str(city), "taxis", "--position", "GCJ-02", "--file", "b.csv", "--out", str(out)]
    done = CliRunner().invoke(app, [*words, "--workers", "0", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["parts"] == {"done": 4, "reused": 4}
    refused = CliRunner().invoke(app, ["correct", str(city), "taxis", "--position", "x", "--where", "y"])
    assert refused.exit_code == 1
    assert "COLUMN=VALUE" in refused.output
