"""What the layer panel does to the map, on pixels: what is uncertain fades, order and colours are chosen."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pictures import changed, picture

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_faults")]

PATH = "cityTwin.layers().find((l) => l.id === '{}').props.data"


@pytest.fixture(scope="module")
def page(visit):
    return visit()


def test_what_is_uncertain_fades_and_comes_back(page):
    page.click('#layers [data-layer="streets"] .eye')
    page.wait_for_function("!cityTwin.layers().find((l) => l.id === 'streets').props.visible")
    sure = picture(page)
    page.check("#layers .doubtful")
    page.wait_for_function(PATH.format("cells") + ".includes('cells~sigma')")
    page.wait_for_function("cityTwin.ready()")
    doubtful = picture(page)
    assert changed(sure, doubtful) > 0.05
    # Every second house may be 80 m off, and cells at the edge of the city double: both let the pale ground through.
    assert (doubtful.max(axis=2) < 175).mean() < 0.95 * (sure.max(axis=2) < 175).mean()
    assert doubtful.mean() > sure.mean() + 1
    said = page.locator('#layers [data-layer="cells"]').inner_text()
    assert "Faded by standard deviation, as part of the value" in said
    page.wait_for_function("location.search.includes('sigma=1')")
    page.uncheck("#layers .doubtful")
    page.wait_for_function("!" + PATH.format("cells") + ".includes('~sigma')")
    assert changed(sure, picture(page)) < 0.01
    page.click('#layers [data-layer="streets"] .eye')
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'streets').props.visible")


ORDER = "cityTwin.layers().map((l) => l.id)"


def test_a_layer_is_moved_by_keyboard_and_painted_over_the_others(page):
    before = picture(page)
    rows = page.locator("#layers [data-layer]")
    assert [row.get_attribute("data-layer") for row in rows.all()] == ["buildings", "streets", "cells", "ground"]
    page.focus('#layers [data-layer="cells"] .up')
    for at in (1, 0):
        page.keyboard.press("Enter")
        expect(rows.nth(at)).to_have_attribute("data-layer", "cells", timeout=30_000)
    page.wait_for_function(ORDER + ".indexOf('cells') > " + ORDER + ".indexOf('buildings')")
    over = picture(page)
    assert changed(before, over) > 0.05, "cells tint the roofs"
    page.wait_for_function("location.search.includes('order=cells,buildings,streets,ground')")


def test_other_colours_are_chosen_and_the_legend_shows_them(page):
    before = picture(page)
    bar = page.locator('#layers [data-layer="cells"] .ramp')
    was = bar.evaluate("(bar) => bar.style.background")
    page.select_option('#layers [data-layer="cells"] .palette', "lajolla")
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'cells').props.look.includes('lajolla')")
    assert changed(before, picture(page)) > 0.05
    assert bar.evaluate("(bar) => bar.style.background") != was
    page.wait_for_function("location.search.includes('palette=cells:lajolla')")
    assert re.search(r"\d\d:\d\d · \w+ \d+ Jun 2026", page.locator('#layers [data-layer="cells"]').inner_text())


def test_a_group_is_switched_as_one_and_a_link_opens_it_all_again(page, visit):
    page.click('#layers [data-domain="transport"] .all')
    page.wait_for_function("!cityTwin.layers().find((l) => l.id === 'streets').props.visible")
    page.wait_for_function("location.search.includes('!streets')")
    shown = picture(page)
    other = visit("explore" + page.evaluate("location.search"))
    assert changed(shown, picture(other)) < 0.02
    assert other.evaluate(ORDER).index("cells") > other.evaluate(ORDER).index("buildings")
    other.context.close()
    page.click('#layers [data-domain="transport"] .all')
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'streets').props.visible")
    page.click('#layers [data-domain="cim"] .group-name')
    page.locator('#layers [data-layer="buildings"]').wait_for(state="detached")
