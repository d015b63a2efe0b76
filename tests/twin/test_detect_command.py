"""``twin detect``: one file on its own, from the shell."""

import json
import xml.etree.ElementTree as ET

import pytest
from typer.testing import CliRunner

import twin
from tests.reference.undeclared_city import entry, write_undeclared
from twin import cli

runner = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("files")
    write_undeclared(place)
    return place


def detect(folder, name, *more):
    return runner.invoke(cli.app, ["detect", str(folder / name), *more], env={"COLUMNS": "200"})


def on_streets(folder):
    return "--reference", str(folder / "streets.geojson")


def test_a_named_file_ends_with_zero_and_draws_its_picture(folder, tmp_path):
    drawn = tmp_path / "gcj.svg"
    done = detect(folder, "gcj.csv", "--columns", "x,y", *on_streets(folder), "--picture", str(drawn))
    assert done.exit_code == 0, done.output
    assert "named GCJ-02" in done.stdout
    assert ET.parse(drawn).getroot().tag.endswith("svg")  # noqa: S314 - our own file


def test_an_undecided_file_ends_with_its_own_code_and_speaks_json(folder):
    done = detect(folder, "few.csv", "--columns", "x,y", *on_streets(folder), "--json")
    assert done.exit_code == cli.AMBIGUOUS
    answer = json.loads(done.stdout)
    assert answer["status"] == "ambiguous"
    assert "found 4" in " ".join(answer["settle"])


def test_a_file_that_lies_nowhere_is_unknown(folder):
    done = detect(folder, "gcj.csv", "--columns", "x,id", "--area", "114,22.5,114.06,22.56")
    assert done.exit_code == cli.UNKNOWN
    assert "none of these" in done.stdout


def test_the_confidence_that_is_asked_for_counts(folder):
    done = detect(folder, "gcj.csv", "--columns", "x,y", *on_streets(folder), "--confidence", "2")
    assert done.exit_code == cli.FAILED
    assert "confidence 2.0" in done.stderr


def test_a_reference_in_a_table_says_what_it_means(folder):
    table = ("--reference", str(folder / "wgs.csv"))
    done = detect(folder, "gcj.csv", "--columns", "x,y", *table)
    assert done.exit_code == cli.FAILED
    assert "--reference-position" in done.stderr
    said = ("--reference-position", "EPSG:4326", "--reference-columns", "x,y")
    done = detect(folder, "gcj.csv", "--columns", "x,y", *table, *said)
    assert done.exit_code == 0, done.output
    assert "named GCJ-02" in done.stdout


def test_groups_of_a_file_are_judged_one_by_one(folder):
    done = detect(folder, "mixed.csv", "--columns", "x,y", *on_streets(folder), "--groups", "source")
    assert done.exit_code == cli.AMBIGUOUS  # three records stay open
    assert "a: named, GCJ-02" in done.stdout
    assert "b: named, OGC:CRS84" in done.stdout
    done = detect(folder, "mixed.csv", "--columns", "x,y", "--area", "114,22.5,114.06,22.56", "--groups", "source")
    assert done.exit_code == cli.FAILED
    assert "--reference" in done.stderr


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("gcj.csv", [], "--reference"),
        ("gcj.csv", ["--area", "1,2"], "west,south,east,north"),
        ("gcj.csv", ["--area", "114,22.5,114.06,22.56"], "--columns x,y"),
        ("gcj.csv", ["--area", "114,22.5,114.06,22.56", "--columns", "x"], "two columns"),
        ("gcj.csv", ["--area", "114,22.5,114.06,22.56", "--columns", "x,z"], "'z'"),
        ("none.csv", ["--area", "114,22.5,114.06,22.56"], "no such file"),
        ("swapped.geojson", ["--area", "114,22.5,114.06,22.56", "--picture", "a.png"], ".svg"),
        ("swapped.geojson", ["--area", "114,22.5,114.06,22.56", "--candidate", "EPSG:1"], "EPSG:1"),
    ],
)
def test_errors_say_what_to_give(folder, name, more, told):
    done = detect(folder, name, *more)
    assert done.exit_code == cli.FAILED
    assert told in " ".join(done.stderr.split())


def test_a_file_that_is_not_there_is_said_before_anything_else(folder):
    done = detect(folder, "nowhere.csv")
    assert done.exit_code == 1
    assert "nowhere.csv: no such file" in done.stderr


def test_help_tells_the_exit_codes():
    told = " ".join(runner.invoke(cli.app, ["detect", "--help"], env={"COLUMNS": "200"}).stdout.split())
    assert f"{cli.AMBIGUOUS} ambiguous" in told
    assert f"{cli.UNKNOWN} unknown" in told


def test_the_ledger_tells_what_was_found_of_positions(tmp_path):
    path = write_undeclared(
        tmp_path,
        entry("cars", "{detect: {reference: streets, columns: [x, y]}}", path="gcj.csv"),
        entry("few", "{detect: {reference: streets, columns: [x, y]}}", path="few.csv"),
        entry("kept", "{definition: EPSG:4326, columns: [x, y]}", path="bd.csv", more="    trust: declared\n"),
        entry(
            "held",
            "{definition: EPSG:4326, columns: [x, y]}",
            path="gcj.csv",
            more="    evidence: streets\n    trust: declared\n",
        ),
    )
    out = tmp_path / "t.twin"
    done = runner.invoke(cli.app, ["build", str(path), "--out", str(out), "--workers", "0"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "cars position: detected GCJ-02 by streets, probability" in done.stdout
    assert "few position: ambiguous, set aside whole; would settle it: at least 5 distinct positions" in done.stdout
    assert "kept position: EPSG:4326, declared (trust: declared)" in done.stdout
    assert "held position: EPSG:4326, declared, contradicted by streets: GCJ-02 by streets" in done.stdout
    told = runner.invoke(cli.app, ["ledger", str(out)], env={"COLUMNS": "200"}).stdout
    assert "cars position: detected GCJ-02" in told
    rows = json.loads(runner.invoke(cli.app, ["ledger", str(out), "--json"]).stdout)
    assert {row["layer"]: row["status"] for row in rows}["few"] == "ambiguous"
    assert twin.open(out).layers["held"].evidence["outcome"] == "contradicts"
