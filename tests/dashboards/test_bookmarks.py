"""A page opened from the link of another shows the same."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.clock import to_step, to_text
from dashboards.frame import CELLS
from dashboards.frames import FrameSource
from dashboards.views.page import ExplorerPage
from tests.dashboards.fake_city import FakeCity

SEEN = ("view", "step", "settings", "cell_variable", "extruded", "selection", "limits", "speed", "playing", "language")


def opened(source, path=""):
    view, _, query = path.partition("?")
    return ExplorerPage(source, address="feed/s", view=view, query=query)


def test_the_first_view_needs_no_query(source):
    assert opened(source).topbar.path == "explore"
    assert opened(source, "trust").topbar.path == "trust"


def test_everything_that_is_seen_is_in_the_link(source):
    page = opened(source)
    page.topbar.view = "operate"
    page.clock.param.update(step=70, speed=4.0)
    page.layers.settings = page.layers.settings | {
        "streets": {"visible": False, "opacity": 0.95},
        "buildings": {"visible": True, "opacity": 0.3},
    }
    page.layers.param.update(cell_variable="population", extruded=True)
    page.state.camera = {"longitude": 7.4123456, "latitude": 43.73, "zoom": 15.2, "pitch": 40.0, "bearing": 200.0}
    page.state.param.update(limits={"no2": 33.5}, theme="dark", language="zh")
    page.map.pane.click_state = {"layer": "buildings", "index": 20, "coordinate": [7.41, 43.73]}
    other = opened(source, page.topbar.path)
    assert {name: getattr(other.state, name) for name in SEEN} == {name: getattr(page.state, name) for name in SEEN}
    assert other.state.camera["longitude"] == 7.41235
    assert other.map.pane.object["initialViewState"]["bearing"] == -160.0
    assert other.topbar.path == page.topbar.path
    assert other.inspector.content["title"] == page.inspector.content["title"]
    assert not other.topbar.note


def test_a_cell_is_found_again(source):
    page = opened(source)
    page.map.pane.click_state = {"layer": CELLS, "index": 7, "coordinate": [7.41, 43.73]}
    assert opened(source, page.topbar.path).state.selection == page.state.selection


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("pick=buildings:99999", "selection"),
        ("pick=cells:8c3969a4e1acdff", "selection"),
        ("pick=cells:fffffffffffffff", "selection"),
        ("t=1999-01-01T00:00", "time"),
        ("t=9999-99-99T99:99", "time"),
        ("cells=speed_limit", "cell variable"),
    ],
)
def test_what_this_city_has_not_is_told(source, query, part):
    page = opened(source, f"operate?{query}")
    assert page.state.view == "operate"
    assert page.topbar.note.endswith(f": {part}")


def test_back_brings_the_camera_and_the_time_of_the_former_view(source):
    page = opened(source, "operate?t=2026-06-16T12:00&at=7.42,43.74,16,30,10")
    page.topbar.view = "trust"
    page.clock.step = 3
    page.topbar.visited = {"view": "operate", "query": "?t=2026-06-16T12:00&at=7.42,43.74,16,30,10", "at": 1.0}
    assert (page.state.view, page.state.step) == ("operate", 48)
    assert page.map.pane.object["initialViewState"]["zoom"] == 16.0


def test_a_narrow_window_keeps_the_camera_of_a_link(source):
    page = opened(source, "explore?at=7.42,43.74,16,30,10")
    page.topbar.narrow = True
    assert page.map.pane.object["initialViewState"]["zoom"] == 16.0


CLOCKS = {
    "autumn": (pd.date_range("2026-10-24T22:00", periods=100, freq="15min"), "Europe/Monaco"),
    "spring": (pd.date_range("2026-03-28T23:00", periods=96, freq="15min"), "Europe/Monaco"),
    "typical": (pd.timedelta_range("0h", "23h", freq="1h"), "America/New_York"),
    "fine": (pd.date_range("2026-06-01", periods=500, freq="10s"), "Asia/Shanghai"),
}


@given(st.sampled_from(sorted(CLOCKS)), st.integers(0, 95))
def test_every_step_has_a_text_of_its_own(name, step):
    times, zone = CLOCKS[name]
    step = min(step, len(times) - 1)
    assert to_step(times, zone, to_text(times, zone, step)) == step


def test_a_time_within_a_step_is_that_step_and_beyond_the_clock_is_none():
    times, zone = CLOCKS["spring"]
    assert to_step(times, zone, "2026-03-29T00:14") == 0
    assert to_step(times, zone, "2026-03-28T23:59") is None
    assert to_step(times, zone, "2026-03-30T01:00") is None
    assert to_step(times, zone, "08:00") == to_step(times, zone, "2026-03-29T08:00")
    assert to_step(CLOCKS["typical"][0], "America/New_York", "2026-06-16T08:00") == 8


def test_a_city_of_one_typical_day_opens_from_links():
    source = FrameSource(FakeCity(blocks=2, typical_day=True))
    assert opened(source, "operate?t=17:00").state.step == 17
