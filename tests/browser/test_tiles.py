"""A city beyond a view's budget: what is left out is said, comes when one goes nearer, and values follow the clock."""

import re

import pytest

from dashboards.app import to_app
from tests.browser.conftest import serving
from tests.browser.pictures import changed, flight, picture, zoomed
from tests.dashboards.fake_city import FakeCity, with_sites
from twin.tiles import Budget

pytestmark = pytest.mark.browser


class TwoDays(FakeCity):
    """The second day in a run of steps of its own; at its noon the air is as at no other hour. Its houses are low."""

    def __init__(self):
        super().__init__(blocks=12)
        self._features["buildings"]["height_m"] /= 8
        with_sites(self)
        day = self.time[-1] - self.time[0] + (self.time[1] - self.time[0])
        self.time = self.time.union(self.time + day)

    def _at_storage(self, name):
        values = super()._at_storage(name)
        if name == "no2":
            values[:, 144] = 60.0
        return values


@pytest.fixture(scope="module")
def address(free_port):
    app = to_app(TwoDays(), budget=Budget(features=600, cells=150), origins=(f"127.0.0.1:{free_port}",))
    with serving(app, free_port) as place:
        yield place


@pytest.fixture(scope="module")
def page(visit):
    return visit()


FOUND = """(name) => {
    const layer = cityTwin.layers().find((l) => l.id === name), {deck, viewport} = layer.context;
    const rows = layer.contents().flatMap((content) => content.drawn);
    const out = [];
    for (const row of rows) {
        const ring = row.p.positions ?? row.p, n = name === "streets" ? 4 : ring.length - 2;
        let lon = 0, lat = 0;
        for (let k = 0; k < n; k += 2) [lon, lat] = [lon + 2 * ring[k] / n, lat + 2 * ring[k + 1] / n];
        const [x, y] = viewport.project([lon, lat, row.h ?? 0]);
        if (x < 330 || x > 1390 || y < 180 || y > 730) continue;
        out.push([row.id, deck.pickObject({x, y, layerIds: [name], radius: 1})?.object?.id ?? null]);
        if (out.length === 12) break;
    }
    return out;
}"""
FAR = """() => cityTwin.layers()[0].context.layerManager.getLayers()
    .filter((l) => /^streets-.*-far$|^buildings-.*-low$/.test(l.id)).map((l) => l.id.split("-")[0])"""


def test_far_away_what_is_drawn_more_simply_is_found_under_the_pointer_as_itself(visit):
    page = visit("explore?at=7.4151,43.7340,13.2,50,-18")
    assert {"streets", "buildings"} <= set(page.evaluate(FAR)), "streets without joints, low houses without walls"
    for name, least in (("streets", 0.9), ("buildings", 0.7)):  # A house may stand before another one.
        found = page.evaluate(FOUND, name)
        assert len(found) >= 5
        assert sum(drawn == picked for drawn, picked in found) >= least * len(found), f"{name}: {found}"


def test_what_a_view_leaves_out_is_said_and_comes_when_one_goes_nearer(page):
    text = "\n".join(page.locator("#layers .card").all_inner_texts())
    assert "showing r9 of r11" in text or "showing r10 of r11" in text
    shown, total = (int(word.replace(",", "")) for word in re.search(r"showing ([\d,]+) of ([\d,]+)", text).groups())
    assert shown < 600 < total <= 1296, "of what stands in the window"
    few = page.evaluate("cityTwin.count('buildings')")
    assert 0 < few <= 600, "the budget holds in the browser too"
    assert page.evaluate("cityTwin.count('cells')") <= 150
    far = page.evaluate("cityTwin.layers().find((l) => l.id === 'cells').contents()[0].resolution")
    page.mouse.move(700, 400)
    for _ in range(4):
        zoomed(page, -300)
    page.wait_for_function(
        f"cityTwin.ready() && cityTwin.layers().find((l) => l.id === 'cells').contents()[0]?.resolution > {far}"
    )
    for content in ("shown", "total"):
        assert page.evaluate(
            f"cityTwin.layers().find((l) => l.id === 'buildings').contents().every((c) => c.{content} === c.ids.length)"
        )
    with flight(page):
        page.click("#topbar .home")


def test_another_run_of_steps_is_fetched_when_the_clock_reaches_it(page):
    def asked(ending):
        return [url for url in page.asked if f"/{ending}.bin" in url]

    assert asked(0)
    assert not asked(1)
    before, shapes = picture(page), len([url for url in page.asked if ".mvt" in url])
    slider = page.locator("#clock input[type=range]")
    slider.evaluate("(s) => { s.value = 144; s.dispatchEvent(new Event('input')); }")
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'cells').props.chunk === 1 && cityTwin.ready()")
    assert changed(before, picture(page)) > 0.05
    assert asked(1)
    assert len([url for url in page.asked if ".mvt" in url]) == shapes, "no shape is sent twice"
    assert not page.faults


def test_points_take_the_colours_of_the_hour(visit):
    page = visit("explore?layers=!cells,!streets,!buildings&time=2026-06-16T02:00")
    page.click('#layers [data-layer="detectors"] .eye')
    page.wait_for_function("cityTwin.ready() && cityTwin.count('detectors') > 100")
    night = picture(page)
    assert (night.max(axis=2) - night.min(axis=2) > 60).mean() > 0.005, "free flow is blue"
    slider = page.locator("#clock input[type=range]")
    slider.evaluate("(s) => { s.value = 70; s.dispatchEvent(new Event('input')); }")
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'detectors').props.step === 70")
    assert changed(night, picture(page)) > 0.002
    assert "Free flow" in page.locator('#layers [data-layer="detectors"]').inner_text()
    assert not page.faults


def test_a_click_counts_however_long_it_takes_to_find_what_is_under_it(page):
    """Drawn in software, New York takes seconds for that, and the finger is lifted long before."""
    page.evaluate("""() => {
        const picker = cityTwin.deck().deckPicker, pick = picker.pickObject.bind(picker);
        picker.pickObject = (asked) => {
            picker.pickObject = pick;
            for (const until = performance.now() + 3500; performance.now() < until;);
            return pick(asked);
        };
    }""")
    page.mouse.click(700, 400)
    page.locator("#inspector h2").wait_for(timeout=60_000)
