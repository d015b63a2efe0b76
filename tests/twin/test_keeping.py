"""A twin in the long run: what it knew and when, what changed, what may go, and a copy in a safe place."""

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import numpy as np
import pytest
from typer.testing import CliRunner

import twin
from tests.reference.twin_cities import copy_city
from twin.cli import app
from twin.plan import make_plan
from twin.storage.locks import locked


@pytest.fixture(scope="module")
def twice(tiny, tmp_path_factory):
    """One city, built, its manifest corrected, and built again; only to be read."""
    tmp_path = tmp_path_factory.mktemp("twice")
    manifest = copy_city(tiny.path, tmp_path, "c.twin")
    first = twin.open(tmp_path / "c.twin")
    text = manifest.read_text()
    assert text.count("resolution: 11") == 1
    manifest.write_text(text.replace("resolution: 11", "resolution: 10"))
    return manifest, first, twin.build(manifest, out=tmp_path / "c.twin", workers=0)


def everything(city):
    """Every file of a snapshot, byte for byte."""
    folder = city.path / "snapshots" / city.snapshot
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_as_of_gives_what_was_known_then_to_the_byte(twice):
    _, first, second = twice
    runs = twin.history(second.path)
    assert [run.snapshot for run in runs] == [first.snapshot, second.snapshot]
    assert all(run.kept for run in runs)
    then = second.as_of(runs[0].recorded + timedelta(microseconds=1))
    assert then.snapshot == first.snapshot
    assert everything(then) == everything(first)
    assert then.cube().identical(first.cube())
    assert second.as_of(datetime.now(UTC).isoformat()).snapshot == second.snapshot
    # A day counts whole.
    assert second.as_of(runs[1].recorded.date()).snapshot == second.snapshot
    assert second.as_of(str(runs[1].recorded.date())).snapshot == second.snapshot


@pytest.mark.parametrize("moment", ["1999-12-31", date(1999, 12, 31), "yesterday"])
def test_a_time_before_the_first_build_or_none_at_all_is_refused(twice, moment):
    with pytest.raises(twin.TwinNotFoundError, match=r"knew nothing at 1999-12-31|'yesterday' is no time"):
        twice[2].as_of(moment)


def test_a_difference_counts_layers_variables_and_cells(tiny, tmp_path):
    manifest = copy_city(tiny.path, tmp_path, "c.twin")
    first = twin.open(tmp_path / "c.twin")
    assert not first.changes_since(first)
    source = tmp_path / "probes.csv"
    head, *lines = source.read_text().splitlines()
    # The last hundred are quarantined, the first placed.
    source.write_text("\n".join([head, *lines[3:], ""]))
    second = twin.build(manifest, out=tmp_path / "c.twin", workers=0)
    found = second.changes_since(first)
    layer = next(one for one in found.layers if one.change == "changed")
    counts = {name: (before, after) for name, before, after in layer.told}
    assert counts["records_in"][0] - counts["records_in"][1] == 3
    for variable in found.variables:
        before, after = (city.cube(variable.name)[variable.name].to_series() for city in (first, second))
        joined = before.to_frame("before").join(after.rename("after"), how="outer")
        differs = (joined.before != joined.after) & ~(joined.before.isna() & joined.after.isna())
        assert variable.cells == differs.groupby("cell").any().sum()
        assert variable.largest == pytest.approx((joined.after - joined.before).abs().max(), nan_ok=True)
    assert found.variables


def test_garbage_goes_and_what_is_read_stays(tiny, tmp_path):
    manifest = copy_city(tiny.path, tmp_path, "c.twin")
    first = twin.open(tmp_path / "c.twin")
    manifest.write_text(manifest.read_text().replace("resolution: 11", "resolution: 10"))
    second = twin.build(manifest, out=tmp_path / "c.twin", workers=0)
    leftover = second.path / "work" / ".cells-x.1.tmp"
    leftover.mkdir()
    (leftover / "half").write_bytes(b"x" * 1000)
    kept = twin.collect_garbage(second.path, keep=1)
    assert (kept.in_use, kept.snapshots, kept.leftovers) == ((first.snapshot,), (), 1)
    first.cube()
    folder = first.path / "snapshots" / first.snapshot
    del first
    gc.collect()
    gone = twin.collect_garbage(second.path, keep=1)
    assert gone.snapshots == (folder.name,)
    assert gone.steps > 0
    assert gone.size > 1000
    assert not folder.exists()
    assert second.verify() == []
    with pytest.raises(twin.TwinNotFoundError, match="removed since"):
        second.as_of(twin.history(second.path)[0].recorded)
    again = twin.build(manifest, out=second.path, workers=0)
    assert again.snapshot == second.snapshot
    assert twin.history(second.path)[-1].reused == twin.history(second.path)[-1].steps


def test_a_backup_comes_back_with_the_same_hashes(twice, tmp_path):
    _, first, second = twice
    archive = tmp_path / "kept.tar"
    assert set(twin.backup(second.path, archive)) == {first.snapshot, second.snapshot}
    with pytest.raises(twin.TwinError, match="nothing is overwritten"):
        twin.backup(second.path, archive)
    assert set(twin.restore(archive, tmp_path / "back.twin")) == {first.snapshot, second.snapshot}
    back = twin.open(tmp_path / "back.twin")
    assert everything(back) == everything(second)
    assert everything(back.as_of(twin.history(back.path)[0].recorded)) == everything(first)
    with pytest.raises(twin.TwinError, match="not empty"):
        twin.restore(archive, tmp_path / "back.twin")


def test_a_damaged_twin_is_not_backed_up_and_a_damaged_backup_not_restored(twice, tmp_path):
    _, _, second = twice
    archive = tmp_path / "kept.tar"
    twin.backup(second.path, archive)
    whole = archive.read_bytes()
    rng = np.random.default_rng(3)
    restored = 0
    for turn in range(24):
        broken = bytearray(whole)
        broken[int(rng.integers(len(whole)))] ^= 1 << int(rng.integers(8))
        archive.write_bytes(broken)
        place = tmp_path / f"b{turn}.twin"
        try:
            twin.restore(archive, place)
        except twin.TwinError:
            assert not place.exists()
            continue
        # What was hit says nothing: padding, or a field of the archive such as the time of a file.
        restored += 1
        assert everything(twin.open(place)) == everything(second)
    assert restored < 20
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(twin.StoreDamagedError):
        twin.restore(archive, tmp_path / "half.twin")
    shutil.copytree(second.path, tmp_path / "c.twin")
    second = twin.open(tmp_path / "c.twin")
    victim = max((second.path / "snapshots" / second.snapshot).rglob("*.parquet"), key=lambda path: path.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    with pytest.raises(twin.StoreDamagedError):
        twin.backup(second.path, tmp_path / "new.tar")


@pytest.mark.parametrize("name", ["../evil", "/evil", "snapshots/../../evil", "other/file"])
def test_a_backup_that_reaches_outside_is_not_unpacked(tmp_path, name):
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, BytesIO(b"evil"))
    with pytest.raises(twin.TwinError, match="evil"):
        twin.restore(archive, tmp_path / "in" / "c.twin")
    assert not list(tmp_path.rglob("evil"))
    assert not (tmp_path / "in" / "c.twin").exists()


def test_a_link_in_a_backup_is_not_unpacked(tmp_path):
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("snapshots/link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(twin.TwinError, match="snapshots/link"):
        twin.restore(archive, tmp_path / "c.twin")


def test_two_builds_do_not_write_into_one_twin(tiny, tmp_path):
    manifest = copy_city(tiny.path, tmp_path, "c.twin")
    out = tmp_path / "c.twin"
    code = "import sys, time; from pathlib import Path; from twin.storage.locks import locked\n"
    code += "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(twin.BusyError, match=str(other.pid)):
            twin.build(manifest, out=out, workers=0)
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    # A killed process leaves no lock behind.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with locked(out):
                break
        except twin.BusyError:
            time.sleep(0.05)
    assert twin.build(manifest, out=out, workers=0).verify() == []
    assert os.getpid() == int((out / ".lock").read_text())


def test_a_plan_is_told_before_anything_is_read(twice, tmp_path):
    manifest, _, second = twice
    plan = twin.forecast(make_plan(twin.read_manifest(manifest)), second.path)
    assert all(one.reused for one in plan)
    assert not (tmp_path / "new.twin").exists()
    runner = CliRunner()
    told = runner.invoke(app, ["plan", str(manifest), "--out", str(tmp_path / "new.twin"), "--json"])
    assert told.exit_code == 0, told.output
    assert not any(step["reused"] for step in json.loads(told.stdout))
    assert not (tmp_path / "new.twin").exists()
    manifest = shutil.copytree(manifest.parent, tmp_path / "other") / manifest.name
    manifest.write_text(manifest.read_text().replace("resolution: 10", "resolution: 9"))
    told = runner.invoke(app, ["plan", str(manifest), "--out", str(second.path), "--json"])
    steps = json.loads(told.stdout)
    # Where records are does not change with the grid: only what comes after is to do, and its cost is known.
    assert {step["reused"] for step in steps if step["kind"] == "place"} == {True}
    assert {step["reused"] for step in steps if step["kind"] == "cells"} == {False}
    assert all(step["seconds"] is not None for step in steps)


def test_the_command_line_tells_the_history(twice, tmp_path):
    _, first, second = twice
    runner, path = CliRunner(), str(second.path)
    told = json.loads(runner.invoke(app, ["log", path, "--json"]).stdout)
    assert [run["snapshot"] for run in told] == [second.snapshot, first.snapshot]
    assert "current" in runner.invoke(app, ["log", path]).stdout
    said = runner.invoke(app, ["diff", path, first.snapshot]).stdout
    assert f"{first.snapshot} -> {second.snapshot}" in said
    archive = str(tmp_path / "a.tar")
    assert runner.invoke(app, ["backup", path, archive]).exit_code == 0
    assert runner.invoke(app, ["restore", archive, str(tmp_path / "b.twin")]).exit_code == 0
    assert twin.open(tmp_path / "b.twin").snapshot == second.snapshot
    missing = runner.invoke(app, ["restore", str(tmp_path / "no.tar"), str(tmp_path / "n.twin")])
    assert missing.exit_code == 1
    assert "no such file" in missing.stderr
    assert runner.invoke(app, ["gc", path, "--keep", "0"]).exit_code == 1
