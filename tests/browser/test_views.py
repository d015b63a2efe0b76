"""The three views as visitors meet them: links, an operator's board, a steward's board, and their manners."""

import csv
import io
import re
import time
from pathlib import Path

import axe_playwright_python
import pandas as pd
import pytest
from playwright.sync_api import expect

import twin
from dashboards.app import to_app
from tests.browser.conftest import WAIT_MS, serving, unused_port
from tests.browser.pictures import CAMERA
from tests.dashboards.fake_city import FakeCity, troubled
from tests.reference.twin_cities import write_city
from twin.storage.snapshot import current_snapshot

pytestmark = pytest.mark.browser

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# Every text on the screen and for screen readers, through all shadow roots; what has no box of its own may have parts.
SPOKEN = """() => {
    const found = [], told = ["aria-label", "title", "placeholder", "alt"];
    const shown = (node) => getComputedStyle(node).display === "contents" || node.checkVisibility();
    const walk = (node) => {
        if (node.nodeType === 3) { if (node.textContent.trim()) found.push(node.textContent.trim()); return; }
        if (node.nodeType === 1) {
            if (["SCRIPT", "STYLE", "CODE"].includes(node.tagName) || !shown(node)) return;
            found.push(...told.map((name) => node.getAttribute(name)).filter(Boolean));
        }
        if (node.shadowRoot) walk(node.shadowRoot);
        node.childNodes.forEach(walk);
    };
    walk(document.body);
    return found;
}"""
# What is Latin in every language: units, formats, codes of definitions, cells in hexadecimal, the names of languages.
LATIN = re.compile(
    r"\b(EN|CSV|MB|GeoParquet|GeoPackage|PNG|r\d+|H3|hPa|(ug|mg)/m3|km/h|EPSG:\d+|OGC:CRS84|GCJ-02|BD-09|ODbL|CC-BY"
    r"|[0-9a-f]{15})\b|[\w/]*\.(csv|parquet)|`.*?`"
)
# The camera has arrived where the address says, and that is no more where it was.
ARRIVED = """(former) => {
    const said = new URLSearchParams(location.search).get("at");
    const {longitude, latitude, zoom} = cityTwin.deck().getViewports()[0];
    const seen = [longitude, latitude, zoom], near = [1e-4, 1e-4, 0.02];
    return said && said !== former && seen.every((value, i) => Math.abs(value - said.split(",")[i]) < near[i]);
}"""
STACKED = """() => {
    const boxes = ["topbar", "operate", "clock"].map((id) => {
        const parts = (node) => [node.shadowRoot, ...node.childNodes].filter(Boolean);
        const walk = (node) => node.matches?.(".card") ? node : parts(node).map(walk).find(Boolean);
        return walk(document.getElementById(id)).getBoundingClientRect();
    });
    return document.documentElement.scrollWidth <= innerWidth
        && boxes.every(({left, right}) => left >= 0 && right <= innerWidth)
        && boxes.slice(1).every(({top}, i) => boxes[i].bottom <= top);
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
    return [troubled(FakeCity(blocks=5))]


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
    shown.locator(".tile, .layer").first.wait_for()
    return shown


def names_of(city):
    """Whatever stands on the page as its publisher wrote it."""
    infos = [*city.layers.values(), *city.variables.values()]
    told = {text for info in infos for text in (info.name, info.owner, info.licence, info.attribution)}
    told |= {file for info in city.layers.values() for file in info.files}
    told |= {"Newtown", "Street", "House", "id", "lon", "lat"}
    told |= {column for name in city.layers if city.has_features(name) for column in city.features(name).columns}
    return sorted(filter(None, told), key=len, reverse=True)


def foreign(texts_shown, language, names):
    """Texts with words of the other language in them, names aside."""
    if language == "en":
        return [text for text in texts_shown if re.search("[\u4e00-\u9fff]", text) and text != "中文"]
    known = re.compile(f"(?<![A-Za-z])({'|'.join(map(re.escape, names))})(?![A-Za-z])")
    return [text for text in texts_shown if re.search("[A-Za-z]{2,}", LATIN.sub("", known.sub("", text)))]


def speaks(page, language, names):
    """Wait until the whole page speaks a language; gives its texts."""
    until = time.monotonic() + WAIT_MS / 1000
    while found := foreign(page.evaluate(SPOKEN), language, names):
        assert time.monotonic() < until, found
        page.wait_for_timeout(100)
    return page.evaluate(SPOKEN)


def dressed(page, language, theme, width):
    """Bring the page to a language, a theme and a width."""
    page.set_viewport_size({"width": width, "height": 844 if width < 700 else 900})
    page.click(f"#topbar [data-lang={language}]")
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        page.click("#topbar .theme")
    page.wait_for_function(
        "([language, theme]) => document.documentElement.lang === language"
        " && document.documentElement.dataset.theme === theme",
        arg=[language, theme],
    )


def waiting(page):
    """How many alerts are not acknowledged, as the board says."""
    return int(re.match(r"\d+", page.locator("#operate .warns [role=status]").inner_text())[0])


def test_the_address_follows_and_opens_the_same_view(page, address, visit):
    board(page, "operate")
    assert page.locator("#clock .time").inner_text() == "08:15"
    page.mouse.move(900, 400)
    page.mouse.wheel(0, -240)
    page.wait_for_function(ARRIVED, arg=None)
    former = page.evaluate("new URLSearchParams(location.search).get('at')")
    page.locator("#operate .ranks .place").first.click()
    page.wait_for_function("location.search.includes('pick=')")
    page.wait_for_function(ARRIVED, arg=former)
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
    expect(shown.locator(".warns [role=status]")).not_to_have_text(re.compile(f"^{before} of "))
    raised = waiting(page)
    assert raised > before
    shown.locator(".alerts li button", has_text="Acknowledge").first.click()
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
    expect(shown.locator(".report .outcome")).to_be_visible()
    expect(shown.locator(".report")).to_contain_text("table (.csv)")
    expect(shown.locator(".report")).to_contain_text("lon, lat")
    assert shown.locator(".layer").count() == 6


DRESSES = [("zh", "dark", 1400), ("zh", "light", 390), ("en", "dark", 390), ("en", "light", 1400)]


@pytest.mark.parametrize("view", ["explore", "operate", "trust"])
def test_each_language_is_whole_and_no_fault_of_accessibility_is_serious(page, shelf, view):
    page.set_viewport_size({"width": 1400, "height": 900})
    if view == "explore":
        page.click("#topbar [data-view=explore]")
    else:
        board(page, view)
    if view == "trust":
        page.click("#trust [data-layer=detectors]")
    if not page.evaluate("Boolean(window.axe)"):
        page.add_script_tag(path=str(AXE))
    names = names_of(shelf[0])
    for language, theme, width in DRESSES:
        dressed(page, language, theme, width)
        spoken = speaks(page, language, names)
        assert len(spoken) > 40, "the walk found the texts"
        assert any(re.search("[\u4e00-\u9fff]{3,}", text) for text in spoken) == (language == "zh")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        audit = page.evaluate(AUDIT)
        assert audit["grave"] == [], (language, theme, width)
        assert audit["passed"] > 20, "the audit looked at something"


def test_what_the_engine_says_of_a_bad_layer_is_said_in_chinese(page):
    board(page, "trust")
    page.click("#trust [data-layer=detectors]")
    page.click("#topbar [data-lang=zh]")
    detail = page.locator("#trust .detail")
    expect(detail.locator(".settle li")).to_have_text([re.compile("至少 20 个"), re.compile("平移.*GCJ-02.*-9 米")])
    expect(detail.locator(".ledger")).to_contain_text("特殊数值")
    expect(detail.locator(".bars")).to_contain_text("纬度在前")
    page.click("#topbar [data-lang=en]")
    expect(detail.locator(".settle li").first).to_have_text("at least 20 distinct positions, found 9")
    expect(detail.locator(".ledger")).to_contain_text("numbers that stand for a missing value")


def test_what_is_published_is_taken_up_where_the_visitor_is(page, shelf):
    board(page, "operate")
    page.wait_for_function("location.pathname === '/operate'")
    page.wait_for_function(ARRIVED, arg="")
    camera, said, name = page.evaluate(CAMERA), page.url, page.locator("#inspector h2").inner_text()
    shelf.append(Later(blocks=5))
    expect(page.locator("#topbar .note")).to_contain_text("New data was published")
    expect(page.locator("#clock input[type=range]")).to_have_attribute("max", "119")
    page.wait_for_function("cityTwin.ready()")
    assert page.evaluate(CAMERA) == pytest.approx(camera)
    assert page.url == said
    assert page.locator("#inspector h2").inner_text() == name


def test_a_wall_runs_by_itself_and_a_telephone_has_room(visit):
    wall = visit("operate?kiosk=1&speed=4")
    wall.locator("#operate .tile").first.wait_for()
    before = wall.locator("#clock .time").inner_text()
    expect(wall.locator("#clock .time")).not_to_have_text(before)
    for hidden in ("#topbar nav", "#topbar .tools", "#operate .limit", "#layers .card"):
        expect(wall.locator(hidden).first).to_be_hidden()
    wall.keyboard.press("Escape")
    expect(wall.locator("#topbar nav")).to_be_visible()
    wall.click("#clock .play")
    wall.set_viewport_size({"width": 390, "height": 844})
    wall.wait_for_function(STACKED)
    wall.context.close()


def test_a_second_build_is_taken_up_from_the_store(visit, tmp_path):
    port = unused_port()
    manifest, out = write_city(tmp_path), tmp_path / "tiny.twin"
    twin.build(manifest, out=out, workers=0)
    app = to_app(
        twin.open(out),
        origins=(f"127.0.0.1:{port}",),
        newest=lambda shown: None if current_snapshot(out) == shown else twin.open(out),
    )
    with serving(app, port) as root:
        seen = visit("operate?t=2026-06-16T03:00&at=7.421,43.729,14,30,10&pick=streets:2", root=root)
        seen.locator("#inspector h2").wait_for()
        speed = seen.locator("#operate [data-variable=speed_ratio] .reading b")
        expect(speed).to_be_visible()
        said, name, value, camera = (
            seen.url,
            seen.locator("#inspector h2").inner_text(),
            speed.inner_text(),
            seen.evaluate(CAMERA),
        )
        table = tmp_path / "detectors.csv"
        table.write_text(re.sub(r"03:(\d\d),\d+", r"03:\1,7", table.read_text(encoding="utf-8")), encoding="utf-8")
        twin.build(manifest, out=out, workers=0)
        expect(seen.locator("#topbar .note")).to_contain_text("New data was published")
        expect(speed).not_to_have_text(value)
        seen.wait_for_function("cityTwin.ready()")
        assert seen.url == said
        assert seen.evaluate(CAMERA) == pytest.approx(camera)
        assert seen.locator("#inspector h2").inner_text() == name
        assert seen.locator("#clock .time").inner_text() == "03:00"
        assert not seen.faults
        seen.context.close()
