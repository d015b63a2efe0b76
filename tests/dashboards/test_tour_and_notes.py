"""A link carries notes and the stop of a tour, whoever wrote it; the tour of city.yaml says what is seen at each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.links import MOST_CHARACTERS, Known, Link, from_link, to_link
from dashboards.notes import MOST_LETTERS, MOST_NOTES, Note, carried, read_notes, write_notes
from dashboards.tour import to_stops
from dashboards.views.page import ExplorerPage

NOBODY = Known(layers=(), variables=())


@given(st.text(max_size=3000))
def test_whatever_a_link_says_notes_stay_bounded(text):
    notes, _ = read_notes(text)
    assert len(notes) <= MOST_NOTES
    for note in notes:
        assert len(note.text) <= MOST_LETTERS
        assert -180 <= note.lon_deg <= 180
        assert -85 <= note.lat_deg <= 85
        assert not any(ord(letter) < 32 or letter in "\u202e\u2066" for letter in note.text)
    assert read_notes(write_notes(notes))[0] == notes


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-85, 85), st.text(max_size=200)), max_size=40))
def test_what_a_link_carries_comes_back_and_never_breaks_it(told):
    notes = carried([{"at": [lon, lat], "text": text or "x"} for lon, lat, text in told])
    path = to_link(Link(notes=notes))
    assert len(path) <= MOST_CHARACTERS
    link, _ = from_link(*(path.split("?") if "?" in path else (path, "")), NOBODY)
    assert link.notes == tuple(note for note in notes if note.text.strip())


def test_a_hostile_note_is_cut_and_told():
    link, notes = from_link("explore", "notes=999,43,%3Cb%3E%00%E2%80%AEx|1,2,|a,b,c", NOBODY)
    assert link.notes == (Note(lon_deg=180.0, lat_deg=43.0, text="<b>x"),)
    assert notes == ("notes",)
    assert from_link("explore", "tour=1e9", NOBODY)[1] == ("tour",)


def page_of(source, query=""):
    return ExplorerPage(source, address="feed", view="explore", query=query)


def test_notes_of_a_link_reach_the_page_and_go_on_in_its_link(source):
    page = page_of(source, "notes=7.41,43.73,New school")
    assert page.tools.view.notes == [{"at": [7.41, 43.73], "text": "New school"}]
    assert page.tools.view.carried == 1
    page.state.notes = [*page.state.notes, {"at": [7.42, 43.74], "text": "Park"}]
    assert "notes=7.41,43.73,New%20school%7C7.42,43.74,Park" in page.topbar.path


def test_the_tour_says_what_is_seen_and_leaving_it_leaves_all_as_it_is(source):
    page = page_of(source)
    first = page.state.step
    page.visit_stop(1)
    assert page.state.camera["zoom"] == 16.5
    assert page.clock.labels[page.state.step]["time"] == "17:30"
    page.visit_stop(2)
    shown = {name for name, setting in page.state.settings.items() if setting["visible"]}
    assert shown == {"cells", "ground"}
    assert page.state.cell_variable == "population"
    assert page.state.step == first
    assert "tour=2" in page.topbar.path
    page.visit_stop(0)
    assert page.state.stop == 0
    assert page.state.cell_variable == "population"


def test_a_link_to_a_stop_opens_it_and_one_beyond_the_last_is_told(source):
    page = page_of(source, "tour=2")
    assert page.state.cell_variable == "population"
    assert page.tools.view.stop == 2
    beyond = page_of(source, "tour=3")
    assert beyond.state.stop == 0
    assert "tour" in beyond.notes


@pytest.mark.parametrize(("language", "title"), [("en", "The middle"), ("zh", "中心")])
def test_stops_are_told_in_the_language_of_the_page(source, language, title):
    assert to_stops(source, language)[0]["title"] == title
