"""A planner measures, compares, cuts, shades, notes and takes along: on pixels, counts and downloaded files."""

import io
import json
import re

import geopandas as gpd
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.pictures import changed, flight, picture, picture_when
from tests.dashboards.fake_city import FakeCity

pytestmark = pytest.mark.browser

BAR = "#tools [data-tool={}]"
WERE, ARE = (213, 94, 0), (0, 114, 178)  # Orange before harmonisation, blue after it.


@pytest.fixture(scope="module")
def page(visit):
    return visit()


@pytest.fixture(autouse=True)
def _starts_clear(page):
    page.click(BAR.format("clear"))
    yield
    assert not page.faults


def count_of(seen, colour):
    return int((np.abs(seen - np.array(colour)).max(axis=2) < 30).sum())


def test_distance_and_area_are_measured_by_pointer_and_by_keyboard(page):
    page.click(BAR.format("measure"))
    before = picture(page)
    page.click("#tools .do.distance")
    for x in (780, 900):
        page.mouse.click(x, 420)
    page.locator("#tools .tile b").first.wait_for()
    page.keyboard.press("Escape")
    assert re.fullmatch(r"[\d.]+ m", page.locator("#tools .tile b").first.inner_text())
    assert changed(before, picture(page)) > 0.0005
    page.click("#tools .do.area")
    page.click("#tools details summary")
    page.fill("#tools .typed", "7.42 43.73; 7.43 43.73; 7.43 43.74; 7.42 43.74")
    page.click("#tools .typed-apply")
    expect(page.locator("#tools .tile b").first).to_have_text(re.compile(r"895,\d{3} m²"))


def test_the_same_records_are_drawn_before_and_after_harmonisation(page):
    before = picture(page)
    with flight(page):
        page.click(BAR.format("before"))
    expect(page.locator("#tools .shown")).to_have_text("12 of 12 places drawn, 120 records")
    page.wait_for_function("document.getElementById('drawing').dataset.displaced === '12'")
    after = picture_when(
        page, lambda seen: all(count_of(seen, each) > count_of(before, each) + 60 for each in (WERE, ARE))
    )
    assert "80.1" in page.locator("#tools table").inner_text()
    page.locator("#tools .share").evaluate("(s) => { s.value = 0; s.dispatchEvent(new Event('input')); }")
    picture_when(page, lambda seen: count_of(seen, WERE) < count_of(after, WERE))  # Each is where it was before.


def test_the_same_records_stand_before_left_and_after_right_of_an_edge(page):
    with flight(page):
        page.click(BAR.format("before"))
    expect(page.locator("#tools .shown")).to_have_text("12 of 12 places drawn, 120 records")
    page.wait_for_function("document.getElementById('drawing').dataset.displaced === '12'")
    page.click("#tools .do.split")
    expect(page.locator("#tools .do.split")).to_have_attribute("aria-pressed", "true")

    def colours_at(percent):
        """Pixels in the colours of before and after where the edge stands at a share of the width."""
        page.locator("#tools .share").evaluate(
            "(s, percent) => { s.value = percent; s.dispatchEvent(new Event('input')); }", percent
        )
        seen = picture(page)
        return count_of(seen, WERE), count_of(seen, ARE)

    (all_before, none_after), (none_before, all_after) = colours_at(100), colours_at(0)
    assert all_before > none_before + 20
    assert all_after > none_after + 20
    some_before, some_after = colours_at(50)
    assert none_before <= some_before <= all_before
    assert none_after <= some_after <= all_after
    page.click("#tools .do.split")
    expect(page.locator("#tools .do.split")).to_have_attribute("aria-pressed", "false")


def test_a_section_is_drawn_and_listed(page):
    page.click(BAR.format("section"))
    page.click("#tools details summary")
    west, south, east, north = FakeCity(blocks=8).area
    page.fill("#tools .typed", f"{west} {south}; {east} {north}")
    page.click("#tools .typed-apply")
    page.locator("#tools .cuts").wait_for()
    cuts = int(page.locator("#tools .cuts").inner_text().split()[0])
    assert cuts == page.locator("#tools svg rect.bar").count() == page.locator("#tools .profile tr").count() > 5


def test_shadows_fall_at_a_date_and_time(page):
    before = picture(page)
    page.click(BAR.format("sun"))
    page.fill("#tools .date", "2026-12-21")
    page.fill("#tools .time", "10:00")
    page.click("#tools .shade")
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'shadows')?.props.data.features?.length")
    assert "Elevation" in page.locator("#tools .tiles").inner_text()
    shaded = picture(page)
    assert changed(before, shaded) > 0.05
    assert shaded.mean() < before.mean()


def test_a_note_stays_on_the_map_and_goes_to_a_file_and_back(page):
    before = picture(page)
    page.click(BAR.format("notes"))
    page.fill("#tools .note", "New school")
    page.click("#tools .do.middle")
    page.locator("#tools .kept.notes").get_by_text("New school").wait_for()
    page.click("#tools .do.bookmark")
    page.locator("#tools .kept.bookmarks li").wait_for()
    picture_when(page, lambda seen: changed(before, seen) > 0.0005)
    with page.expect_download() as loading:
        page.click("#tools .do.save")
    kept = json.loads(loading.value.path().read_text(encoding="utf-8"))
    assert kept["notes"][0]["text"] == "New school"
    for part in ("notes", "bookmarks"):
        page.click(f"#tools .kept.{part} .drop")
        page.locator(f"#tools .kept.{part} li").wait_for(state="detached")
    page.set_input_files(
        "#tools .file", {"name": "n.json", "mimeType": "application/json", "buffer": json.dumps(kept).encode()}
    )
    page.locator("#tools .kept.notes").get_by_text("New school").wait_for()
    page.click("#tools .do.tour")
    page.locator("#tools [role=alert]").wait_for()
    page.click("#tools .do.tour")
    for part in ("notes", "bookmarks"):
        page.click(f"#tools .kept.{part} .drop")


def test_the_tour_of_the_city_goes_on_and_back_by_keyboard(page):
    zoom = "Math.abs(cityTwin.deck().getViewports()[0].zoom - {}) < 0.01"
    page.click(BAR.format("notes"))
    page.click("#tools .do.citytour")
    heading = page.locator("#tools section.tour h2")
    expect(heading).to_have_text("The middle", timeout=30_000)
    page.wait_for_function(zoom.format(16.5))
    page.keyboard.press("ArrowRight")
    expect(heading).to_have_text("People", timeout=30_000)
    page.wait_for_function(zoom.format(15))
    page.wait_for_function("!cityTwin.layers().find((l) => l.id === 'buildings').props.visible")
    page.wait_for_function("location.search.includes('tour=2')")
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text("The middle", timeout=30_000)
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'buildings').props.visible")
    page.keyboard.press("Escape")
    page.locator("#tools section.tour").wait_for(state="hidden")


def test_notes_travel_in_the_link(page, visit):
    page.click(BAR.format("notes"))
    page.fill("#tools .note", "Look <here>")
    page.click("#tools .do.middle")
    expect(page.locator("#tools .carried")).to_have_text("Notes in the link to this view: all 1.")
    page.wait_for_function("location.search.includes('notes=')")
    other = visit("explore" + page.evaluate("location.search"))
    other.click(BAR.format("notes"))
    other.locator("#tools .kept.notes").get_by_text("Look <here>").wait_for()
    other.context.close()
    page.click("#tools .kept.notes .drop")
    page.wait_for_function("!location.search.includes('notes=')")


def test_the_picture_holds_map_legend_title_and_credits(page):
    page.click(BAR.format("export"))
    with page.expect_download() as loading:
        page.click("#tools .do.png")
    image = Image.open(io.BytesIO(loading.value.path().read_bytes()))
    seen = np.asarray(image.convert("RGB"), dtype=int)
    assert image.size == (1650, 1012)
    assert len(np.unique(seen[54:900, 250:].reshape(-1, 3), axis=0)) > 500, "the map is drawn"
    for part in (seen[:54, :250], seen[60:400, :250], seen[-56:, :900]):
        assert (part.max(axis=2) < 140).sum() > 100, "title, legend and credits are written"


def test_a_selection_is_downloaded(page, tmp_path):
    page.click(BAR.format("query"))
    page.locator("#tools .tile").first.wait_for()
    page.click("#tools [data-bar='0']")
    page.locator("#tools .chip").wait_for()
    count = int(page.locator("#tools .tile b").first.inner_text())
    page.click(BAR.format("export"))
    with page.expect_download() as loading:
        page.click("#tools .do.parquet")
    loading.value.save_as(tmp_path / "selected.parquet")
    assert len(gpd.read_parquet(tmp_path / "selected.parquet")) == count


def test_two_variables_are_swiped_and_two_maps_move_together(page):
    page.click(BAR.format("compare"))
    before = picture(page)
    page.select_option("#tools .othervariable", "population")
    page.click("#tools .do.swipe")
    page.wait_for_selector("html[data-compared=swipe]", timeout=60_000)
    edge = 896 - 340  # Of the swipe in the picture.
    picture_when(
        page,
        lambda swiped: (
            changed(before[:, edge + 10 :], swiped[:, edge + 10 :]) > 0.05
            and changed(before[:, 400 : edge - 10], swiped[:, 400 : edge - 10]) < 0.01
        ),
    )
    page.focus("#divider")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#divider", "aria-valuenow") == "62"
    page.mouse.move(850, 600)
    page.mouse.wheel(0, -200)
    page.wait_for_function(
        """() => { const [here, there] = [window, document.getElementById('other').contentWindow]
            .map((each) => each.cityTwin.deck().getViewports()[0]);
        const moved = here.zoom !== window.zoomOnce; window.zoomOnce = here.zoom;
        const near = (name) => Math.abs(here[name] - there[name]) < 1e-6;
        return !moved && near('zoom') && near('longitude') && near('latitude'); }""",
        polling=200,
    )
    page.click("#tools .do.closing")
    page.locator("#other").wait_for(state="detached")


def test_the_height_of_what_is_selected_is_measured(page):
    page.fill("#tools #search", "House 100")
    page.locator("#tools #hits li").first.wait_for()
    page.keyboard.press("Enter")
    page.focus("#tools #search")
    page.keyboard.press("Enter")
    page.locator("#inspector h2").get_by_text("House 100", exact=True).wait_for()
    page.click(BAR.format("measure"))
    page.click("#tools .do.height")
    height = FakeCity(blocks=8).features("buildings")["height_m"].iloc[100]
    expect(page.locator("#tools .measure .tile b").first).to_have_text(re.compile(rf"{height:.3g} m"))
    page.locator("#inspector .close").click()


def test_two_maps_stand_side_by_side(page):
    page.click(BAR.format("compare"))
    page.click("#tools .do.beside")
    page.wait_for_selector("html[data-compared=beside]", timeout=60_000)
    assert page.locator("#other").bounding_box()["x"] == 700
    assert page.locator("#map").bounding_box()["width"] == 700
    page.click("#tools .do.closing")
    page.locator("#other").wait_for(state="detached")
    assert page.locator("#map").bounding_box()["width"] == 1400
