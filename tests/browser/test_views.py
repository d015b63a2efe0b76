"""The three views as visitors meet them: links, an operator's board, a steward's board, and their manners."""

import csv
import io
import re
from pathlib import Path

import axe_playwright_python
import pandas as pd
import pytest
from playwright.sync_api import expect

from dashboards.app import to_app
from dashboards.i18n import texts
from tests.browser.conftest import serving
from tests.dashboards.fake_city import FakeCity

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
CAMERA = """(({longitude, latitude, zoom, pitch, bearing}) => [longitude, latitude, zoom, pitch, bearing])(
    cityTwin.deck().getViewports()[0])"""
# Every text on the screen, through all shadow roots; what is marked as another language is left out.
SPOKEN = """() => {
    const found = [];
    const walk = (node) => {
        if (node.nodeType === 3) { if (node.textContent.trim()) found.push(node.textContent.trim()); return; }
        if (node.nodeType === 1) {
            if (["SCRIPT", "STYLE", "CODE"].includes(node.tagName) || node.lang || !node.checkVisibility()) return;
            found.push(...["aria-label", "title"].map((name) => node.getAttribute(name)).filter(Boolean));
        }
        if (node.shadowRoot) walk(node.shadowRoot);
        node.childNodes.forEach(walk);
    };
    walk(document.body);
    return found;
}"""
AUDIT = """async () => {
    const {passes, violations} = await axe.run(document, {resultTypes: ["violations"]});
    const grave = violations.filter(({impact}) => ["serious", "critical"].includes(impact));
    const where = ({nodes}) => nodes.slice(0, 3).map((node) => node.target.flat().join(" ")).join(" | ");
    return {passed: passes.length, grave: grave.map((found) => `${found.id}: ${where(found)}`)};
}"""


class Later(FakeCity):
    """The city some hours later, published while pages stand open."""

    def __init__(self, blocks):
        super().__init__(blocks=blocks)
        self.time = pd.date_range(self.time[0], periods=120, freq="15min")
        self.snapshot = "5nap5h02"


@pytest.fixture(scope="module")
def shelf():
    return [FakeCity(blocks=5)]


@pytest.fixture(scope="module")
def address(free_port, shelf):
    app = to_app(
        shelf[0],
        origins=(f"127.0.0.1:{free_port}",),
        newest=lambda shown: shelf[-1] if shelf[-1].snapshot != shown else None,
    )
    with serving(app, free_port) as url:
        yield url


@pytest.fixture(scope="module")
def page(visit):
    return visit("operate?t=2026-06-16T08:15")


@pytest.fixture(autouse=True)
def _without_faults(page):
    yield
    assert not page.faults


def board(page, view):
    page.click(f"#topbar [data-view={view}]")
    shown = page.locator(f"#{view}")
    shown.locator(".tile, .layer").first.wait_for(timeout=30_000)
    return shown


def waiting(page):
    """How many alerts are not acknowledged, as the board says."""
    return int(re.match(r"\d+", page.locator("#operate .warns [role=status]").inner_text())[0])


def test_the_address_follows_and_opens_the_same_view(page, address, visit):
    board(page, "operate")
    assert page.locator("#clock .time").inner_text() == "08:15"
    page.mouse.move(900, 400)
    page.mouse.wheel(0, -240)
    page.wait_for_function("location.search.includes('at=')")
    page.locator("#operate .ranks .place").first.click()
    page.wait_for_function("location.search.includes('pick=')")
    page.wait_for_timeout(1500)
    said = page.url
    assert said.startswith(f"{address}operate?t=2026-06-16T08:15&at=")
    name = page.locator("#inspector h2").inner_text()
    other = visit(said.removeprefix(address))
    other.locator("#inspector h2").wait_for()
    assert other.locator("#inspector h2").inner_text() == name
    assert other.evaluate(CAMERA) == pytest.approx(page.evaluate(CAMERA), abs=0.02)
    assert other.url == said
    other.context.close()


def test_back_and_forward_go_between_views(page):
    board(page, "trust")
    assert "/trust?" in page.url
    expect(page.locator("#topbar [data-view=trust]")).to_have_attribute("aria-current", "page")
    page.go_back()
    page.wait_for_function("document.documentElement.dataset.view === 'operate'")
    assert page.locator("#clock .time").inner_text() == "08:15"
    page.go_forward()
    page.wait_for_function("document.documentElement.dataset.view === 'trust'")
    page.focus("#topbar [data-view=explore]")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.documentElement.dataset.view === 'operate'")


def test_a_hostile_link_opens_the_city_and_says_what_it_left_out(visit):
    other = visit("operate?lang=<script>&at=9,9&layers=%00,x:y&t=never&over=no2:1e999&pick=a:b&kiosk=maybe")
    note = other.locator("#topbar .note")
    expect(note).to_contain_text("Left out of the link")
    for part in ("time", "camera", "layers", "selection", "thresholds", "language"):
        expect(note).to_contain_text(part)
    assert not other.faults
    other.context.close()


def test_places_are_ranked_and_sorted(page):
    shown = board(page, "operate")
    rows = shown.locator(".ranks tbody tr")
    assert rows.count() > 20
    now = [float(text) for text in shown.locator(".ranks tbody tr td:nth-child(2)").all_inner_texts()]
    assert now == sorted(now), "the slowest first"
    assert rows.first.locator(".spark path").get_attribute("d").count("L") > 20
    head = shown.locator(".ranks thead th").nth(1)
    head.locator("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    now = [float(text) for text in shown.locator(".ranks tbody tr td:nth-child(2)").all_inner_texts()]
    assert now == sorted(now, reverse=True)
    head.locator("button").click()
    shown.locator(".ranked").select_option("no2")
    expect(shown.locator(".ranks thead th").nth(1)).to_contain_text("µg/m³")


def test_thresholds_raise_alerts_that_are_acknowledged_and_exported(page):
    shown = board(page, "operate")
    before = waiting(page)
    assert before > 0
    limit = shown.locator("[data-variable=speed_ratio] input")
    limit.fill("0.9")
    limit.press("Enter")
    page.wait_for_function("location.search.includes('over=speed_ratio:0.9')")
    expect(shown.locator("[data-variable=speed_ratio]")).to_have_class(re.compile("beyond"))
    page.wait_for_timeout(400)
    raised = waiting(page)
    assert raised > before
    shown.locator(".alerts li button", has_text="Acknowledge").first.click()
    page.wait_for_function(f"!document.body.innerText.startsWith('{raised} ')")
    expect(shown.locator(".warns [role=status]")).to_have_text(re.compile(f"^{raised - 1} of "))
    with page.expect_download() as download:
        shown.locator("button", has_text="Export CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert len(rows) == raised
    assert sum(bool(row["acknowledged_at"]) for row in rows) == 1
    assert {row["limit"] for row in rows if row["variable"] == "speed_ratio"} == {"0.9"}


def test_ages_are_told_and_silence_wears_a_badge(page):
    ages = board(page, "operate").locator(".ages")
    expect(ages).to_contain_text("5 min old")
    expect(ages).to_contain_text("1 of 3 sites stale")
    ages.locator("summary").first.click()
    expect(ages.locator(".badge.stale").first).to_be_visible()
    assert "Site 2" in ages.locator("li").first.inner_text()


def test_layers_are_judged_and_their_records_accounted_for(page):
    shown = board(page, "trust")
    assert shown.locator(".layer").count() == 6
    shown.locator("[data-layer=buildings]").click()
    expect(shown.locator(".detail h2")).to_have_text("Buildings")
    rows = shown.locator(".ledger tbody tr").all_inner_texts()
    assert any("placed" in row and "225" in row for row in rows)
    expect(shown.locator(".flow")).to_have_attribute("aria-label", re.compile("225 in = 225 placed"))
    band = shown.locator(".flow .band").first.bounding_box()
    assert band["height"] > 40
    expect(shown.locator(".fusion")).to_contain_text("does not say where any of its records truly is")


def test_a_dropped_file_is_diagnosed_and_not_taken_in(page, tmp_path):
    shown = board(page, "trust")
    rows = "\n".join(f"{i},{7.411 + i * 1e-4:.6f},43.731" for i in range(20))
    (tmp_path / "stops.csv").write_text(f"id,lon,lat\n{rows}\n")
    shown.locator("input.file").set_input_files(str(tmp_path / "stops.csv"))
    expect(shown.locator(".report .outcome")).to_be_visible(timeout=30_000)
    expect(shown.locator(".report")).to_contain_text("table (.csv)")
    expect(shown.locator(".report")).to_contain_text("lon, lat")
    assert shown.locator(".layer").count() == 6


@pytest.mark.parametrize("view", ["explore", "operate", "trust"])
def test_no_serious_fault_of_accessibility(page, view):
    if view != "explore":
        board(page, view)
    else:
        page.click("#topbar [data-view=explore]")
    if not page.evaluate("Boolean(window.axe)"):
        page.add_script_tag(path=str(AXE))
    audit = page.evaluate(AUDIT)
    assert audit["grave"] == []
    assert audit["passed"] > 20, "the audit looked at something"


@pytest.mark.parametrize("view", ["explore", "operate", "trust"])
def test_no_text_is_left_in_the_other_language(page, view):
    page.click(f"#topbar [data-view={view}]")
    page.click("#topbar [data-lang=zh]")
    page.wait_for_function("document.documentElement.lang === 'zh'")
    page.wait_for_timeout(1200)
    english = {text for text in texts("en").values() if re.fullmatch(r"[A-Z][a-z]{2}[A-Za-z ,.]*", text)}
    assert not english & set(page.evaluate(SPOKEN))
    page.click("#topbar [data-lang=en]")
    page.wait_for_function("document.documentElement.lang === 'en'")
    page.wait_for_timeout(1200)
    chinese = [text for text in page.evaluate(SPOKEN) if re.search("[\u4e00-\u9fff]", text)]
    assert not chinese


def test_what_is_published_is_taken_up_where_the_visitor_is(page, shelf):
    board(page, "operate")
    page.wait_for_timeout(600)
    camera, said, name = page.evaluate(CAMERA), page.url, page.locator("#inspector h2").inner_text()
    shelf.append(Later(blocks=5))
    expect(page.locator("#topbar .note")).to_contain_text("New data was published", timeout=20_000)
    expect(page.locator("#clock input[type=range]")).to_have_attribute("max", "119")
    page.wait_for_timeout(800)
    assert page.evaluate(CAMERA) == pytest.approx(camera)
    assert page.url == said
    assert page.locator("#inspector h2").inner_text() == name


def test_a_wall_runs_by_itself_and_a_telephone_has_room(visit):
    wall = visit("operate?kiosk=1&speed=4")
    wall.locator("#operate .tile").first.wait_for(timeout=30_000)
    before = wall.locator("#clock .time").inner_text()
    expect(wall.locator("#clock .time")).not_to_have_text(before, timeout=15_000)
    for hidden in ("#topbar nav", "#topbar .tools", "#operate .limit", "#layers .card"):
        expect(wall.locator(hidden).first).to_be_hidden()
    wall.keyboard.press("Escape")
    expect(wall.locator("#topbar nav")).to_be_visible()
    wall.click("#clock .play")
    wall.set_viewport_size({"width": 390, "height": 844})
    wall.wait_for_timeout(500)
    assert wall.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [wall.locator(f"#{name} .card").first.bounding_box() for name in ("topbar", "operate", "clock")]
    for box in boxes:
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    assert boxes[1]["y"] + boxes[1]["height"] <= boxes[2]["y"]
    wall.context.close()
