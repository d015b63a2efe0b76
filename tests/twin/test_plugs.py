"""Pulled plugs, a few of each; the long runs are `make torture`."""

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def told():
    """Kills and full disks by one process, which makes its stage once."""
    command = [sys.executable, "-m", "tests.twin.plugs.few"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_killed_builds_are_resumed_and_readers_never_see_half_a_state(told):
    kills, _ = told
    assert kills["faults"] == []
    assert kills["kills"] == 3
    assert kills["looks"] >= 6
    assert kills["redone"] == 0


def test_a_full_disk_is_said_and_the_former_snapshot_is_served(told):
    _, full = told
    if full is None:
        pytest.skip("no disk of one's own: user namespaces are not allowed here")
    assert full["faults"] == []
    assert (full["completed"], full["refused"]) == (1, 2)
