"""How far a build is: in a notebook, and beside a twin that somebody looks at."""

import io
import json
import math
import os
import shutil
import sys
import time
from types import SimpleNamespace

import pytest
from rich.console import Console

import twin
from twin.plan import make_plan
from twin.progress.bar import Bar
from twin.progress.notebook import NotebookLine, watcher_here
from twin.progress.pace import Pace
from twin.progress.under_way import standing_of
from twin.steps.work import Outcome


@pytest.fixture(scope="module")
def city(tiny, tmp_path_factory):
    """The tiny city, whose twin can be built again."""
    folder = shutil.copytree(tiny.path.parent, tmp_path_factory.mktemp("way") / "city")
    return folder / "city.yaml", folder / "tiny.twin"


class Looking(Pace):
    """Looks where the build stands whenever something ended, as a reader does."""

    def __init__(self, path):
        super().__init__()
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
    assert type(watcher_here()) is Pace, "elsewhere silence"
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert isinstance(watcher_here(), NotebookLine)
    manifest, path = city
    built = twin.build(manifest, out=path, workers=0)
    told = [each for _, each in drawn]
    assert [each["update"] for each in told] == [False] + [True] * (len(told) - 1)
    assert len({each["transient"]["display_id"] for each in told}) == 1
    assert f"built {built.snapshot[:8]} · 100%" in told[-1]["data"]["text/plain"]
    assert 'value="1.0000"' in told[-1]["data"]["text/html"]


@pytest.fixture
def shown(monkeypatch):
    """What a terminal shows of some events: the bar as it stands after each of them, at a clock that stands still."""
    monkeypatch.setattr("twin.progress.pace.monotonic", lambda: 100.0)

    def lines(*events):
        told = io.StringIO()
        bar = Bar(Console(file=told, width=100))
        bar._progress.get_time = lambda: 100.0
        bar._progress.live.auto_refresh = False
        seen = []
        for event, *what in events:
            getattr(bar, event)(*what)
            (task,) = bar._progress.tasks
            seen.append(f"{task.description} {task.completed:.0f}/{task.total:.0f}")
        with bar:
            pass
        return [*seen, told.getvalue().strip()]

    return lines


def test_the_bar_of_a_terminal_says_what_ended_and_counts_bytes(shown):
    steps = [SimpleNamespace(name=name, cost=cost) for name, cost in (("place a", 10), ("cells a", 30), ("join", 60))]
    parts = [SimpleNamespace(name=f"cells a {n}/3", step="cells a", cost=8) for n in (1, 2, 3)]
    done, there = (Outcome(name="", reused=reused, seconds=1.0) for reused in (False, True))
    assert shown(
        ("planned", SimpleNamespace(steps=steps)),
        ("ended", steps[0], there),
        ("parted", steps[1], SimpleNamespace(parts=parts, reused=parts[:1])),
        ("part_ended", parts[1], done),
        ("part_ended", parts[2], there),
        ("ended", steps[1], done),
        ("ended", steps[2], done),
        ("finished", "0123456789"),
    ) == [
        "starting workers 0/100",
        "done: place a 10/100",
        "cells a: 3 parts 18/100",
        "done: cells a 2/3 26/100",
        "there: cells a 3/3 34/100",
        "done: cells a 40/100",
        "done: join 100/100",
        "built 01234567 (1 steps reused) 100/100",
        "built 01234567 (1 steps reus ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 100 % 0:00:00 left 0:00:00",
    ]
