"""The sample city, built from its files and served by the command that users type: what a fresh clone shows."""

import io
import os
import re
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import twin
from tests.browser.pictures import COUNTS, changed, picture

pytestmark = pytest.mark.browser

CONGESTION = ((152, 0, 40), (222, 66, 44), (246, 164, 60), (150, 196, 224), (66, 136, 190))


@pytest.fixture(scope="module")
def served(monaco_path, free_port):
    """The address that ``twin serve`` prints."""
    command = [sys.executable, "-m", "twin.cli", "serve", str(monaco_path), "--port", str(free_port)]
    ran = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    stop = threading.Timer(90, ran.kill)  # A server that never speaks must not hold the run.
    stop.start()
    said = []
    for line in ran.stdout:
        said.append(line)
        found = re.search(rf"http://127\.0\.0\.1:{free_port}/?", line)
        if found:
            break
    else:
        pytest.fail("twin serve printed no address:\n" + "".join(said))
    stop.cancel()
    yield found.group(0).rstrip("/") + "/"
    ran.terminate()
    ran.wait(20)


@pytest.fixture(scope="module")
def page(visit, served):
    return visit(root=served)


@pytest.fixture(scope="module")
def city(monaco_path):
    return twin.open(monaco_path)


def test_every_building_and_street_of_the_country_is_there(page, city):
    counts = page.evaluate(COUNTS)
    drawn = page.evaluate(
        "new Set(cityTwin.layers().find((l) => l.id === 'buildings').contents()"
        ".flatMap((content) => content.drawn.map((row) => row.t))).size"
    )
    assert len(city.features("buildings")) == 1_283
    assert counts["buildings"] >= 1_283, "a building of several parts is several shapes"
    assert counts["streets"] >= len(city.features("streets")) == 2_829
    assert counts["cells"] > 1_000
    assert drawn > 10, "buildings carry their names"


@pytest.mark.parametrize(("layer", "share"), [("buildings", 0.08), ("streets", 0.02), ("cells", 0.05)])
def test_each_is_seen_and_its_switch_takes_it_away(page, layer, share):
    with_it = picture(page)
    page.click(f'#layers [data-layer="{layer}"] .eye')
    page.wait_for_function(f"!cityTwin.layers().find((l) => l.id === '{layer}').props.visible")
    assert changed(with_it, picture(page)) > share
    page.click(f'#layers [data-layer="{layer}"] .eye')
    page.wait_for_function(f"cityTwin.layers().find((l) => l.id === '{layer}').props.visible")


def test_the_morning_rush_has_the_colours_of_congestion_and_the_night_has_not(page):
    def warm():
        seen = picture(page)
        return sum(int((np.abs(seen - np.array(colour)).max(axis=2) < 26).sum()) for colour in CONGESTION[:3])

    rush = warm()
    slider = page.locator("#clock input[type=range]")
    slider.evaluate("(s) => { s.value = 12; s.dispatchEvent(new Event('input')); }")
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'streets').props.step === 12")
    night = warm()
    assert rush > 300
    assert night < rush / 2


def test_what_is_modelled_says_so_and_pollution_has_a_unit_and_a_legend(page):
    text = "\n".join(page.locator("#layers .card").all_inner_texts())
    for word in ("modelled", "µg/m³", "NO₂", "Free flow", "Congested"):
        assert word in text
    strip = page.locator("#layers .ramp").first
    colours = np.asarray(Image.open(io.BytesIO(strip.screenshot())).convert("RGB"), dtype=int)
    assert len(np.unique(colours.reshape(-1, 3), axis=0)) > 20


def test_its_tour_leads_through_traffic_air_and_people_in_both_languages(page, city):
    assert len(city.tour) == 3
    page.click("#tools [data-tool=notes]")
    page.click("#tools .do.citytour")
    heading = page.locator("#tools section.tour h2")
    expect(heading).to_have_text("The morning rush")
    page.wait_for_function("!cityTwin.layers().find((l) => l.id === 'cells').props.visible")
    for title, variable in (("The air over Port Hercule", "no2"), ("Where people live", "population")):
        page.keyboard.press("ArrowRight")
        expect(heading).to_have_text(title)
        page.wait_for_function("cityTwin.layers().find((l) => l.id === 'cells').props.visible && cityTwin.ready()")
        expect(page.locator("#layers .variable")).to_have_value(variable)
    page.click("#topbar [data-lang=zh]")
    expect(heading).to_have_text("人口分布")
    expect(page.locator("#tools section.tour")).to_contain_text("38,400")
    page.click("#topbar [data-lang=en]")
    expect(heading).to_have_text("Where people live")
    page.locator("#tools section.tour button").first.press("Escape")
    heading.wait_for(state="hidden")


def test_nobody_else_is_asked_and_nothing_fails(page, served):
    hosts = {urlsplit(url).netloc for url in page.asked if urlsplit(url).scheme in {"http", "https", "ws", "wss"}}
    assert hosts == {urlsplit(served).netloc}
    assert not [url for url in page.asked if "maplibre-gl.js" in url or "mapbox-gl.js" in url]
    assert not page.faults
