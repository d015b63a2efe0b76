"""The page as a visitor meets it: pixels, counts and texts, not HTTP 200."""

import io
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.pictures import CAMERA, COUNTS, changed, flight, picture, picture_when, zoomed
from tests.dashboards.fake_city import FakeCity

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_faults")]


def text_of(page, root):
    """Text of a part of the page; a root's own text ends at its shadow, so its cards are asked."""
    return "\n".join(page.locator(f"{root} .card, {root} .line").all_inner_texts())


def mapped_step(page):
    """Wait until the map shows the step that the clock shows."""
    step = page.locator("#clock input[type=range]").input_value()
    page.wait_for_function(f"cityTwin.layers().find((l) => l.id === 'streets').props.step === {step}")


def shown_step(page, step):
    slider = page.locator("#clock input[type=range]")
    slider.evaluate(f"(s) => {{ s.value = {step}; s.dispatchEvent(new Event('input')); }}")
    mapped_step(page)


@pytest.fixture(scope="module")
def page(visit):
    return visit()


def test_every_feature_of_the_city_is_on_the_map(page):
    city = FakeCity(blocks=8)
    counts = page.evaluate(COUNTS)
    assert counts["buildings"] == len(city.features("buildings")) == 576
    assert counts["streets"] == len(city.features("streets"))
    assert counts["cells"] == city.cube(["no2"]).sizes["cell"]
    assert counts["ground"] == 2


@pytest.mark.parametrize(
    ("layer", "share"), [("buildings", 0.08), ("streets", 0.01), ("cells", 0.05), ("ground", 0.05)]
)
def test_a_layer_is_drawn_and_its_switch_takes_it_away_and_brings_it_back(page, layer, share):
    with_it = picture(page)
    switch = f'#layers [data-layer="{layer}"] .eye'
    page.click(switch)
    page.wait_for_function(f"!cityTwin.layers().find((l) => l.id === '{layer}').props.visible")
    without = picture(page)
    assert changed(with_it, without) > share
    page.click(switch)
    page.wait_for_function(f"cityTwin.layers().find((l) => l.id === '{layer}').props.visible")
    assert changed(with_it, picture(page)) < 0.005


def test_time_changes_colours_and_keeps_the_camera_and_the_data(page):
    first = page.evaluate(CAMERA)
    page.mouse.move(700, 400)
    zoomed(page, -240)
    camera, before = page.evaluate(CAMERA), picture(page)
    asked = len(page.asked)
    shown_step(page, 12)
    assert page.locator("#clock .time").inner_text() == "03:00"
    assert changed(before, picture(page)) > 0.03
    assert page.evaluate(CAMERA) == pytest.approx(camera)
    assert len(page.asked) == asked, "a step of time asks the server for no geometry"
    with flight(page):
        page.click("#topbar .home")
    assert page.evaluate(CAMERA) == pytest.approx(first, abs=1e-4), "the first view comes back when asked for"
    shown_step(page, 32)


def test_play_moves_time_and_pause_holds_it(page):
    before = page.locator("#clock .time").inner_text()
    page.click("#clock .play")
    expect(page.locator("#clock .time")).not_to_have_text(before)
    page.click("#clock .play")
    mapped_step(page)
    held = page.locator("#clock .time").inner_text()
    # A clock of the player's own pace: what it would still do is done before this one has ticked three times.
    page.evaluate("window.ticked = 0, setInterval(() => window.ticked++, 1000 / 3)")
    page.wait_for_function("window.ticked >= 3")
    assert page.locator("#clock .time").inner_text() == held
    shown_step(page, 32)


def test_a_click_opens_values_over_time_and_sources(page):
    spot = page.evaluate("""() => {
        const layer = cityTwin.layers().find((l) => l.id === 'buildings');
        const row = layer.contents()[0].drawn[300], [lon, lat] = row.p.positions;
        const [x, y] = layer.context.viewport.project([lon, lat, row.h]);
        return [x, y + 3];
    }""")
    page.mouse.click(*spot)
    panel = page.locator("#inspector")
    panel.locator("h2").wait_for(timeout=20_000)
    text = text_of(page, "#inspector")
    for word in ("Building", "House", "Nitrogen dioxide", "µg/m³", "modelled", "Where it comes from", "raw/air.csv"):
        assert word in text
    canvas = panel.locator(".bk-Figure").bounding_box()
    assert canvas["height"] > 120
    chart = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=canvas))).convert("RGB"), dtype=int)
    line = (np.abs(chart - np.array([31, 111, 235])).max(axis=2) < 60).sum()
    assert line > 150, "the chart draws its line"
    panel.locator(".close").click()
    panel.locator("h2").wait_for(state="hidden")


def test_columns_stand_up(page):
    flat = picture(page)
    page.check("#layers .extruded")
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'cells').props.extruded")
    assert changed(flat, picture(page)) > 0.1
    page.uncheck("#layers .extruded")
    page.wait_for_function("!cityTwin.layers().find((l) => l.id === 'cells').props.extruded")


def test_another_variable_has_other_colours_and_legend(page):
    before = picture(page)
    page.select_option("#layers .variable", "population")
    page.locator("#layers").get_by_text("Residents (people)").wait_for()
    picture_when(page, lambda seen: changed(before, seen) > 0.03)
    assert page.evaluate("cityTwin.count('cells')") > 0
    page.select_option("#layers .variable", "no2")
    page.locator("#layers").get_by_text("Nitrogen dioxide (µg/m³)").wait_for()


def test_language_changes_every_text_and_the_theme_every_colour(page):
    light = picture(page)
    assert "Opacity" in text_of(page, "#layers")
    page.click("#topbar [data-lang=zh]")
    page.locator("#topbar").get_by_text("新城").wait_for()
    page.locator("#layers").get_by_text("畅通", exact=True).wait_for()
    for root in ("#topbar", "#layers", "#clock", "#credits"):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text_of(page, root))
    assert page.evaluate("document.documentElement.lang") == "zh"
    for english in ("Opacity", "Layers", "Free flow", "No data", "Source"):
        assert english not in text_of(page, "#layers")
    page.click("#topbar .theme")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    picture_when(page, lambda dark: dark.mean() < light.mean() - 60)
    page.click("#topbar .theme")
    page.click("#topbar [data-lang=en]")
    page.locator("#layers").get_by_text("Free flow", exact=True).wait_for()


def test_nothing_covers_anything_on_a_narrow_screen(visit):
    narrow = visit(width=760, height=900)
    boxes = [narrow.locator(f"#{name} .card").first.bounding_box() for name in ("topbar", "layers", "clock")]
    boxes.append(narrow.locator("#credits .line").bounding_box())
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            apart = (
                a["x"] + a["width"] <= b["x"]
                or b["x"] + b["width"] <= a["x"]
                or a["y"] + a["height"] <= b["y"]
                or b["y"] + b["height"] <= a["y"]
            )
            assert apart, (a, b)
    assert not narrow.faults
    narrow.close()


def test_no_other_host_is_asked_for_anything(page, address):
    hosts = {urlsplit(url).netloc for url in page.asked if urlsplit(url).scheme in {"http", "https", "ws", "wss"}}
    assert hosts == {urlsplit(address).netloc}
    assert len(page.asked) > 15
