"""How far a build is: in a notebook, and beside a twin that somebody looks at."""

import json
import math
import os
import shutil
import sys
import time
from types import SimpleNamespace

import pytest

import twin
from twin.plan import make_plan
from twin.progress.notebook import watcher_here
from twin.progress.pace import Pace
from twin.progress.protocol import Silent, Watcher
from twin.progress.under_way import standing_of
from twin.steps.work import Outcome


@pytest.fixture(scope="module")
def city(tiny, tmp_path_factory):
    """The tiny city, whose twin can be built again."""
    folder = shutil.copytree(tiny.path.parent, tmp_path_factory.mktemp("way") / "city")
    return folder / "city.yaml", folder / "tiny.twin"


class Looking(Silent):
    """Looks where the build stands whenever something ended, as a reader does."""

    def __init__(self, path):
        self.path, self.seen = path, []

    def planned(self, _plan):
        self.seen.append(standing_of(self.path))

    def ended(self, _step, _outcome):
        self.seen.append(standing_of(self.path))


def test_readers_see_where_a_build_stands_and_nothing_afterwards(city):
    manifest, path = city
    looking = Looking(path)
    assert standing_of(path) is None
    twin.build(manifest, out=path, workers=0, watcher=looking)
    assert all(seen is not None for seen in looking.seen)
    assert looking.seen[0].done == 0.0
    assert sorted(seen.done for seen in looking.seen) == [seen.done for seen in looking.seen]
    assert standing_of(path) is None
    assert not list(path.glob(".building*"))


def test_what_a_killed_build_left_says_nothing(tmp_path):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    told = {"told": "cells air", "done": 0.5, "seconds": 3.0, "left_s": None}
    (tmp_path / ".building.json").write_text(json.dumps(told | {"pid": child}))
    assert standing_of(tmp_path) is None
    (tmp_path / ".building.json").write_text(json.dumps(told | {"pid": os.getpid()}))
    assert standing_of(tmp_path).done == 0.5
    (tmp_path / ".building.json").write_text("{")
    assert standing_of(tmp_path) is None


def test_the_time_left_is_that_of_the_work_left_and_what_was_reused_says_nothing(city, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("twin.progress.pace.monotonic", lambda: now[0])
    plan = make_plan(twin.read_manifest(city[0]))
    pace, whole = Pace(), sum(step.cost for step in plan.steps)
    pace.planned(plan)
    first, second, *_ = plan.steps
    pace.ended(first, Outcome(name=first.name, reused=True, seconds=0.0))
    assert math.isnan(pace.standing().left_s)
    now[0] += 8.0
    pace.ended(second, Outcome(name=second.name, reused=False, seconds=8.0))
    standing = pace.standing()
    assert standing.told == second.name
    assert standing.done == pytest.approx((first.cost + second.cost) / whole)
    assert standing.left_s == pytest.approx(8.0 * (whole - first.cost - second.cost) / second.cost)


def test_a_notebook_draws_one_line_again_and_again(city, monkeypatch):
    drawn = []
    shell = SimpleNamespace(
        kernel=object(), display_pub=SimpleNamespace(publish=lambda **told: drawn.append((time.monotonic(), told)))
    )
    assert isinstance(watcher_here(), Silent)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert isinstance(watcher_here(), Watcher)
    manifest, path = city
    built = twin.build(manifest, out=path, workers=0)
    told = [each for _, each in drawn]
    assert [each["update"] for each in told] == [False] + [True] * (len(told) - 1)
    assert len({each["transient"]["display_id"] for each in told}) == 1
    assert f"built {built.snapshot[:8]} · 100%" in told[-1]["data"]["text/plain"]
    assert 'value="1.0000"' in told[-1]["data"]["text/html"]
