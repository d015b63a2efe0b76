import asyncio
import json

import numpy as np
import pytest

from dashboards.frame import CELLS
from dashboards.i18n import texts
from dashboards.views.page import ExplorerPage


@pytest.fixture
def page(source):
    return ExplorerPage(source, address="feed/s")


def click(page, layer, index):
    page.map.pane.click_state = {"layer": layer, "index": index, "coordinate": [7.41, 43.73]}


def first_cell(page):
    return format(int(page.source.city.cube(["no2"])["cell"][20]), "x")


def layer_of(page, layer_id):
    return next(layer for layer in page.map.pane.object["layers"] if layer["id"] == layer_id)


def test_time_moves_colours_and_neither_camera_nor_data(page):
    before = page.map.pane.object
    page.clock.step = 70
    after = page.map.pane.object
    assert page.state.step == page.clock.shown == 70
    assert after["initialViewState"] == before["initialViewState"]
    assert [layer["data"] for layer in after["layers"]] == [layer["data"] for layer in before["layers"]]
    assert layer_of(page, "streets")["step"] == 70


def test_the_switch_and_the_slider_of_a_layer_reach_the_map(page):
    page.layers.settings = page.layers.settings | {"streets": {"visible": False, "opacity": 0.2}}
    assert layer_of(page, "streets")["visible"] is False
    assert layer_of(page, "streets")["opacity"] == 0.2


def test_what_was_never_visible_is_not_fetched(source):
    page = ExplorerPage(source, address="feed/s")
    page.map._opened.clear()
    page.state.settings = page.state.settings | {"buildings": {"visible": False, "opacity": 1.0}}
    assert "buildings" not in [layer["id"] for layer in page.map.pane.object["layers"]]


def test_language_changes_every_text(page):
    page.topbar.language = "zh"
    words = texts("zh")
    for part in (page.topbar, page.layers, page.clock, page.inspector, page.credits):
        assert part.texts == words
    assert page.topbar.heading == "新城"
    assert "年" in page.clock.labels[0]["date"]
    assert words["free"] in json.dumps(page.layers.rows, ensure_ascii=False)
    assert "Free flow" not in json.dumps(page.layers.rows)


def test_theme_changes_colours_of_map_and_legend(page):
    light, row = page.map.pane.object, page.layers.rows[0]
    page.topbar.theme = "dark"
    assert layer_of(page, "buildings")["palette"] != light["layers"][-2]["palette"]
    assert page.layers.rows[0] != row


def test_legends_say_unit_source_licence_and_that_it_is_modelled(page):
    cells = next(row for row in page.layers.rows if row["id"] == CELLS)
    assert cells["modelled"]
    assert cells["legend"]["unit"] == "µg/m³"
    assert cells["legend"]["ticks"] == [f"{v:g}" for v in (0, 30, 60)] or len(cells["legend"]["ticks"]) == 3
    origin = " ".join(cells["origin"])
    for word in ("© Newtown Survey", "CC-BY-4.0", "modelled", "2026-06-16"):
        assert word in origin


def test_another_variable_brings_other_cells(page):
    async def choose():
        page.layers.cell_variable = "population"
        await asyncio.sleep(0)
        await page.scene.follow()

    before = layer_of(page, CELLS)["data"]
    asyncio.run(choose())
    page.scene.frames = page.scene.make(page.scene._asked._replace(cell_variable="population"))
    assert layer_of(page, CELLS)["data"] != before
    cells = next(row for row in page.layers.rows if row["id"] == CELLS)
    assert cells["legend"]["title"] == "Residents"
    assert page.clock.profile == [], "what does not change has no course"


@pytest.mark.parametrize("layer", ["buildings", "streets", CELLS])
def test_a_click_shows_values_over_time_and_where_they_come_from(page, layer):
    click(page, layer, first_cell(page) if layer == CELLS else 20)
    content = page.inspector.content
    assert content["title"]
    assert len(content["values"]) == 3
    assert content["sources"]
    assert content["steps"]
    assert content["charted"]
    shown = page.chart.data.data["value"]
    assert np.isfinite(shown).sum() > 90
    chosen = next(value for value in content["values"] if value["name"] == content["chosen"])
    assert float(chosen["value"]) == pytest.approx(shown[page.state.step], rel=0.01)


def test_a_street_is_charted_with_its_own_series(page, city):
    click(page, "streets", 20)
    own = city.on_features("streets", "speed_ratio").to_numpy()[20]
    assert page.inspector.content["chosen"] == "speed_ratio"
    np.testing.assert_allclose(page.chart.data.data["value"], own)


def test_the_panel_follows_time_and_closes(page):
    click(page, CELLS, first_cell(page))
    before = page.inspector.content
    page.clock.step = 4
    assert page.inspector.content["values"] != before["values"]
    assert page.map.pane.object["layers"][-1]["data"]["features"]
    page.inspector.closed += 1
    assert page.inspector.content == {}
    assert not page.map.pane.object["layers"][-1]["data"]["features"]


def test_a_value_of_the_list_is_charted_when_it_is_clicked(page):
    click(page, "buildings", 20)
    page.inspector.chosen = "speed_ratio"
    assert page.inspector.content["chosen"] == "speed_ratio"
    assert "Speed" in page.chart.title.text


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"index": -1},
        {"layer": "buildings", "index": 10**6},
        {"layer": "x", "index": 0},
        {"layer": CELLS, "index": "8b0"},
    ],
)
def test_a_click_beside_everything_closes_the_panel(page, state):
    click(page, "buildings", 3)
    page.map.pane.click_state = {"coordinate": [7.0, 43.0], **state}
    assert page.inspector.content == {}


def test_the_first_camera_comes_back_when_asked_for(page):
    before = page.map.pane.object["initialViewState"]
    page.topbar.home += 1
    after = page.map.pane.object["initialViewState"]
    assert after != before, "the browser moves only on a change"
    assert after["longitude"] == before["longitude"]
    assert after["bearing"] == pytest.approx(before["bearing"])


def test_an_unknown_language_or_theme_in_the_link_falls_back(source):
    page = ExplorerPage(source, address="feed/s", query="lang=<script>&theme=pink")
    assert (page.state.language, page.state.theme) == ("en", "light")
    assert page.topbar.note == "Left out of the link, as it could not be read here: language, theme"


def test_notes_say_how_much_is_shown(frugal):
    rows = {row["id"]: row for row in ExplorerPage(frugal, address="feed/s").layers.rows}
    assert "of 32" in rows["buildings"]["note"], "what the first window holds of 324"
    assert "of r11" in rows[CELLS]["note"]
