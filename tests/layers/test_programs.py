"""Programs of others are run within time, size and a fixed environment."""

import time

import pytest

import layers
from layers.programs import Program


@pytest.fixture
def program(tmp_path, monkeypatch):
    def make(script, *, seconds=5.0, max_bytes=1 << 16):
        path = tmp_path / "mdb-fake"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return Program(
            package="mdbtools", label="a.mdb", deadline=time.monotonic() + seconds, max_bytes=max_bytes,
            environment={"EXTRA": "1"},
        )  # fmt: skip

    return make


def test_it_takes_what_is_written_and_tells_nothing_of_the_caller(program, monkeypatch):
    monkeypatch.setenv("MDBOPTS", "use_index")
    answer = program('echo "$1|$EXTRA|$MDBOPTS|$LC_ALL"; echo noise >&2').ask("mdb-fake", "Umsätze")
    assert answer.decode() == "Umsätze|1||C.UTF-8\n"


def test_a_missing_program_names_its_package(program):
    with pytest.raises(layers.ProgramMissingError, match="apt-get install mdbtools"):
        program("").ask("mdb-other")


def test_one_that_never_ends_is_stopped(program):
    started = time.monotonic()
    with pytest.raises(layers.FileUnreadableError, match="does not end"):
        program("while :; do :; done", seconds=0.3).ask("mdb-fake")
    with pytest.raises(layers.FileUnreadableError, match="does not end"):
        program("exec 1>&-; while :; do :; done", seconds=0.3).ask("mdb-fake")
    assert time.monotonic() - started < 5


def test_endless_output_is_stopped_and_endless_noise_is_dropped(program):
    with pytest.raises(layers.FileRefusedError, match="more than 65,536 bytes"):
        program("while :; do echo row; done").ask("mdb-fake")
    with pytest.raises(layers.FileUnreadableError, match="does not end"):
        program("while :; do echo warning >&2; done", seconds=0.3).ask("mdb-fake")


@pytest.mark.parametrize(("end", "said"), [("exit 3", "failed with code 3"), ("kill -11 $$", "stopped by signal 11")])
def test_a_crash_is_the_file_s_fault(program, end, said):
    with pytest.raises(layers.FileUnreadableError, match=said):
        program(f"echo half; {end}").ask("mdb-fake")
