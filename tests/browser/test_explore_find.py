"""A planner finds, selects and filters: by text, by pointer and by keyboard, on pixels and counts."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pictures import changed, picture
from tests.dashboards.fake_city import FakeCity

pytestmark = pytest.mark.browser

CAMERA = "(({longitude, latitude, zoom}) => [longitude, latitude, zoom])(cityTwin.deck().getViewports()[0])"
DRAWN_FOUND = "() => cityTwin.layers().find((l) => l.id === 'found')?.props.data.features?.length"


@pytest.fixture(scope="module")
def city():
    return FakeCity(blocks=8)


@pytest.fixture(scope="module")
def page(visit):
    page = visit()
    page.home = page.evaluate(CAMERA)[:2]
    return page


@pytest.fixture(autouse=True)
def _starts_clear(page):
    page.click("#tools [data-tool=clear]")
    yield
    assert not page.faults


def count(page):
    return int(page.locator("#tools .tile b").first.inner_text())


def arrived(page, lon, lat):
    """Wait until the camera stands still over a place."""
    page.wait_for_function(
        """([lon, lat]) => { const at = cityTwin.deck().getViewports()[0];
        const still = at.zoom === window.lastZoom; window.lastZoom = at.zoom;
        return still && Math.abs(at.longitude - lon) < .003 && Math.abs(at.latitude - lat) < .003; }""",
        arg=[lon, lat],
        polling=150,
    )


def open_query(page, layer="buildings"):
    page.click("#tools [data-tool=query]")
    page.select_option("#tools select.layer", layer)
    page.locator("#tools .tile").first.wait_for()


def test_a_name_is_searched_flown_to_and_selected_by_keyboard(page):
    before = page.evaluate(CAMERA)
    page.keyboard.press("/")
    page.keyboard.type("hosue 100")
    page.locator("#tools #hits li").first.wait_for()
    assert page.locator("#tools #hits li[aria-selected=true]").inner_text().startswith("House 100")
    page.keyboard.press("Enter")
    page.locator("#inspector h2").get_by_text("House 100", exact=True).wait_for()
    centre = FakeCity(blocks=8).features("buildings").geometry.iloc[100].centroid
    page.wait_for_function("(zoom) => cityTwin.deck().getViewports()[0].zoom > zoom", arg=before[2])
    arrived(page, centre.x, centre.y)
    page.locator("#inspector .close").click()


def test_a_coordinate_in_another_definition_is_shown_as_a_pin(page, city):
    west, south, east, north = city.area
    lon, lat = (west + east) / 2, (south + north) / 2
    page.fill("#tools #search", f"{lat:.5f}, {lon:.5f}")
    page.locator("#tools #hits").get_by_text(re.compile("WGS 84")).wait_for()
    page.keyboard.press("Enter")
    arrived(page, lon, lat)
    page.fill("#tools #search", "zzzzqqqq")
    page.locator("#tools .results").get_by_text(re.compile("Nothing found")).wait_for()
    page.keyboard.press("Escape")
    page.click("#topbar .home")
    arrived(page, *page.home)


@pytest.mark.parametrize("shape", ["rectangle", "lasso", "circle"])
def test_a_drawn_region_selects_and_the_map_marks_it(page, city, shape):
    open_query(page)
    before = picture(page)
    page.click(f"#tools [data-shape={shape}]")
    page.mouse.move(800, 380)
    page.mouse.down()
    for x, y in ((880, 380), (890, 450), (820, 470), (800, 400)) if shape == "lasso" else ((840, 420), (880, 450)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()
    page.locator("#tools .chip").wait_for()
    page.wait_for_function(DRAWN_FOUND)
    drawn = page.evaluate(DRAWN_FOUND)
    assert 0 < drawn < len(city.features("buildings"))
    assert count(page) == drawn
    assert changed(before, picture(page)) > 0.01
    page.click("#tools .chip")
    page.locator("#tools .chip").wait_for(state="hidden")


def test_typed_corners_select_without_a_pointer(page, city):
    open_query(page)
    west, south, east, north = city.area
    page.click("#tools details summary")
    page.fill(
        "#tools textarea.typed",
        f"{west} {south}; {east} {south}; {east} {(south + north) / 2}; {west} {(south + north) / 2}",
    )
    page.locator("#tools details .do").click()
    page.locator("#tools .chip").wait_for()
    page.wait_for_function(DRAWN_FOUND)
    assert page.evaluate(DRAWN_FOUND) == count(page) == len(city.features("buildings")) // 2


def test_an_attribute_filters_and_the_others_vanish(page, city):
    open_query(page)
    page.select_option("#tools select.attribute", "height_m")
    page.fill("#tools input.low", "30")
    page.click("#tools .fields .do")
    page.locator("#tools .chip").get_by_text(re.compile("height_m")).wait_for()
    page.wait_for_function(DRAWN_FOUND)
    high = int((city.features("buildings")["height_m"] >= 30).sum())
    assert count(page) == page.evaluate(DRAWN_FOUND) == high
    before = picture(page)
    page.select_option("#tools select.rest", "0")
    page.wait_for_function("!cityTwin.layers().find((l) => l.id === 'buildings').props.visible")
    assert changed(before, picture(page)) > 0.05
    page.click("#tools [data-tool=clear]")
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'buildings').props.visible")


def test_of_two_layers_chosen_quickly_the_later_stands_and_the_form_is_not_torn_from_the_hand(page):
    open_query(page)
    held = []
    page.route("**/columns?*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks the handler it is given, a method takes no mark
    page.select_option("#tools select.layer", "cells")
    expect(page.locator("#tools .tile")).to_have_count(0)
    page.select_option("#tools select.layer", "buildings")
    expect(page.locator("#tools select.attribute option")).to_have_count(1)
    while len(held) < 2:
        page.wait_for_timeout(20)
    for route in reversed(held):
        route.continue_()
    page.unroute("**/columns?*")
    page.locator("#tools .tile").first.wait_for()
    expect(page.locator("#tools select.attribute option[value=height_m]")).to_have_count(1)
    expect(page.locator("#tools select.layer")).to_have_value("buildings")


def test_table_chart_and_map_are_linked_both_ways(page, city):
    open_query(page)
    page.click("#tools [data-bar='0']")
    page.locator("#tools .chip").get_by_text(re.compile("height_m")).wait_for()
    assert 0 < count(page) < len(city.features("buildings"))
    line = page.locator("#tools tr[data-row]").nth(2)
    row = int(line.get_attribute("data-row"))
    line.click()
    page.locator("#inspector h2").get_by_text(f"House {row}", exact=True).wait_for()
    page.locator(f"#tools tr[data-row='{row}'][aria-selected=true]").wait_for()
    page.locator("#inspector .close").click()
    page.locator("#tools tr[aria-selected=true]").wait_for(state="detached")


def test_within_a_distance_of_the_selection_by_keyboard(page):
    open_query(page)
    page.locator("#tools tr[data-row]").nth(4).focus()
    page.keyboard.press("Enter")
    page.locator("#inspector h2").wait_for()
    page.fill("#tools .distance", "60")
    page.click("#tools .around")
    page.locator("#tools .chip").wait_for()
    page.wait_for_function(DRAWN_FOUND)
    assert 1 < page.evaluate(DRAWN_FOUND) == count(page) < 40
    page.locator("#inspector .close").click()


def test_two_selections_are_compared_by_volume(page):
    open_query(page)
    page.click("#tools .keep")
    page.click("#tools [data-bar='0']")
    page.locator("#tools .chip").wait_for()
    text = page.locator("#tools .compared").inner_text()
    assert "Volume" in text
    assert re.search(r"-\d+\.\d %", text)


def test_a_variable_is_joined_and_cells_are_asked_at_the_time_shown(page):
    open_query(page, "streets")
    page.select_option("#tools select.join", "speed_ratio")
    page.locator("#tools .figures").wait_for()
    assert "Mean" in page.locator("#tools .figures").inner_text()
    page.select_option("#tools select.layer", "cells")
    page.locator("#tools select.charted option", has_text="no2").wait_for(state="attached")
    before = page.locator("#tools .figures").inner_text()
    slider = page.locator("#clock input[type=range]")
    slider.evaluate("(s) => { s.value = 8; s.dispatchEvent(new Event('input')); }")
    expect(page.locator("#tools .figures")).not_to_have_text(before)


def test_the_tools_speak_chinese(page):
    page.click("#tools [data-tool=query]")
    page.locator("#tools .tile").first.wait_for()
    page.click("#topbar [data-lang=zh]")
    page.locator("#tools").get_by_text("矩形", exact=True).wait_for()
    text = page.locator("#tools .toolpanel").inner_text()
    for english in ("Rectangle", "Lasso", "Keep", "Others", "Apply"):
        assert english not in text
    page.click("#topbar [data-lang=en]")
    page.locator("#tools").get_by_text("Rectangle", exact=True).wait_for()


def test_keys_zoom_pan_and_turn_the_map(page):
    focus = "((map) => { map.focus(); return [map.tabIndex, map.matches(':focus')]; })"
    reached = page.evaluate(f"{focus}(cityTwin.deck().eventManager.element)")
    assert reached == [0, True], "the map is reached by the tabulator"
    view = "((v) => [v.longitude, v.latitude, v.zoom, v.bearing])(cityTwin.deck().getViewports()[0])"
    for keys, part in (("Equal", 2), ("ArrowRight", 0), ("Shift+ArrowRight", 3)):
        before = page.evaluate(view)[part]
        page.keyboard.press(keys)
        page.wait_for_function(
            "([part, before]) => { const v = cityTwin.deck().getViewports()[0];"
            " return Math.abs([v.longitude, v.latitude, v.zoom, v.bearing][part] - before) > 1e-6; }",
            arg=[part, before],
        )
