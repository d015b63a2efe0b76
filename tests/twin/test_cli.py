"""The command line as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spatial_join import registered as registration
from tests.reference.twin_cities import CITY, write_city
from twin import cli, doctor
from twin.commands import frame as cli_frame

HOUSE = Path(__file__).resolve().parents[2]
runner = CliRunner()


def run(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(HOUSE), "COLUMNS": "200"}
    command = [sys.executable, "-m", "twin.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_a_city_is_built_looked_at_and_verified_from_the_shell(tmp_path):
    path = write_city(tmp_path)
    built = run("build", path, "--out", tmp_path / "t.twin", "--workers", "0", "--json")
    assert built.returncode == 0, built.stderr
    answer = json.loads(built.stdout)
    assert {row["layer"] for row in answer["ledger"]} == {"detectors", "streets", "people", "air", "probes"}


def test_the_ledger_is_a_table_with_reasons(tiny):
    done = runner.invoke(cli.app, ["ledger", str(tiny.path)], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "probe" in done.stdout
    assert "in" in done.stdout


def test_a_faulty_manifest_ends_with_its_own_code_and_all_faults(tmp_path):
    path = write_city(tmp_path, manifest=CITY.replace("level: internal", "level: intern").replace("air.csv", "air.cvs"))
    done = runner.invoke(cli.app, ["build", str(path)])
    assert done.exit_code == cli_frame.FAULTY_MANIFEST
    text = " ".join(done.stderr.split())
    assert "city.yaml:13: datasets.detectors.level: found 'intern'" in text
    assert "air.cvs" in text


def test_verify_tells_damage_by_its_exit_code(tiny, tmp_path):
    assert runner.invoke(cli.app, ["verify", str(tiny.path)]).exit_code == 0
    copy = tmp_path / "copy.twin"
    subprocess.run(["cp", "-r", str(tiny.path), str(copy)], check=True)
    victim = copy / "snapshots" / tiny.snapshot / "cube.zarr" / "no2" / "value" / "c" / "0" / "0"
    victim.write_bytes(victim.read_bytes()[:-1])
    done = runner.invoke(cli.app, ["verify", str(copy), "--json"])
    assert done.exit_code == cli_frame.DAMAGED
    (fault,) = json.loads(done.stdout)["faults"]
    assert "cube.zarr/no2/value" in fault


def test_info_explain_and_ledger_speak_json(tiny):
    info = json.loads(runner.invoke(cli.app, ["info", str(tiny.path), "--json"]).stdout)
    assert info["snapshot"] == tiny.snapshot
    cell = f"{int(tiny.cube('no2')['cell'][0]):x}"
    done = runner.invoke(cli.app, ["explain", str(tiny.path), cell, "no2", "--time", "2026-06-16T03:10", "--json"])
    answer = json.loads(done.stdout)
    total = sum(source["share"] * source["value"] for source in answer["sources"])
    assert total == pytest.approx(answer["value"], rel=1e-9)
    assert len(json.loads(runner.invoke(cli.app, ["ledger", str(tiny.path), "--json"]).stdout)) == 5


def test_what_users_can_mend_is_a_message_and_not_a_traceback(tiny, tmp_path):
    for arguments in (
        ["info", str(tmp_path)],
        ["explain", str(tiny.path), "zz", "no2"],
        ["explain", str(tiny.path), "8a", "x"],
        ["explain", str(tiny.path), "8a", "no2"],
        ["build", str(write_city(tmp_path)), "--out", str(tmp_path / "air.csv"), "--workers", "0"],
    ):
        done = runner.invoke(cli.app, arguments)
        assert done.exit_code == cli_frame.FAILED
        assert done.stderr.lstrip().startswith("error:")


def test_a_build_that_places_nothing_or_makes_no_field_says_so(tmp_path):
    swapped = CITY.replace("[7.40, 43.72, 7.44, 43.75]", "[43.72, 7.40, 43.75, 7.44]")
    path = write_city(tmp_path, manifest=swapped)
    done = runner.invoke(cli.app, ["build", str(path), "--out", str(tmp_path / "t.twin"), "--workers", "0"])
    assert done.exit_code == 0
    assert "warning: streets: none of its 8 records was placed" in done.stderr
    assert "warning: no2: no field" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="a terminal interrupts its group of processes on POSIX")
def test_an_interrupt_ends_a_build_in_one_line_and_the_next_goes_on(tmp_path):
    path, out = write_city(tmp_path), tmp_path / "t.twin"
    command = [sys.executable, "-m", "twin.cli", "build", str(path), "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as build:
        until = time.monotonic() + 60
        while not any(out.glob("work/place-*")) and time.monotonic() < until:
            time.sleep(0.01)
        os.killpg(build.pid, signal.SIGINT)
        _, told = build.communicate(timeout=60)
    assert build.returncode == 130
    assert "Traceback" not in told
    assert "the same command goes on from there" in told
    assert run("build", path, "--out", out, "--workers", "0").returncode == 0


def test_the_schema_is_json():
    assert json.loads(runner.invoke(cli.app, ["schema"]).stdout)["title"] == "CitySpec"


def test_help_shows_examples():
    for command in ("build", "serve", "explain", "ledger", "fusion-error", "verify", "schema", "doctor", "info"):
        done = runner.invoke(cli.app, [command, "--help"])
        assert done.exit_code == 0
        assert f"twin {command}" in done.stdout


def test_serve_is_found_by_registration(tiny, monkeypatch):
    told = {}

    class Point:
        value = "somewhere:serve"

        @staticmethod
        def load():
            return lambda path, **options: told.update(path=path, **options)

    monkeypatch.setattr(
        registration.metadata,
        "entry_points",
        lambda group, name: [Point] if (group, name) == ("twin.plugins", "serve") else [],
    )
    assert runner.invoke(cli.app, ["serve", str(tiny.path), "--port", "5099"]).exit_code == 0
    assert told == {"path": tiny.path, "port": 5099, "address": "127.0.0.1", "open_browser": False}
    monkeypatch.setattr(registration.metadata, "entry_points", lambda **_: [])
    done = runner.invoke(cli.app, ["serve", str(tiny.path)])
    assert done.exit_code == cli_frame.FAILED
    assert "city-twin" in done.stderr


def test_doctor_sees_a_package_that_shadows_a_room(tmp_path, monkeypatch):
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "__init__.py").write_text("")
    assert {finding.level for finding in doctor.findings() if finding.subject == "layers"} == {"ok"}
    monkeypatch.delitem(sys.modules, "layers")
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = (finding for finding in doctor.findings() if finding.subject == "layers")
    assert found.level == "warning"
    assert str(tmp_path) in found.text
    assert "shadows" in found.text
