import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.links import LANGUAGES, MOST_CHARACTERS, SPEEDS, THEMES, VIEWS, Known, Link, from_link, to_link

NAMES = ("streets", "cells", "空气 站", "a,b:c!d", "x&y=z%41", "+1", "100%")
KNOWN = Known(layers=NAMES, variables=NAMES)


def split(text):
    view, _, query = text.partition("?")
    return view, query


def rounded(low, high, decimals):
    return st.integers(round(low * 10**decimals), round(high * 10**decimals)).map(lambda n: n / 10**decimals)


cameras = st.tuples(
    rounded(-180, 180, 5), rounded(-85, 85, 5), rounded(0, 20, 2), rounded(0, 60, 1), rounded(-180, 180, 1)
)
links = st.builds(
    Link,
    view=st.sampled_from(VIEWS),
    time=st.sampled_from(["", "08:15", "2026-06-16T08:00", "2026-10-25T02:30+01:00", "2026-06-16T08:00:30"]),
    camera=st.none() | cameras,
    layers=st.dictionaries(st.sampled_from(NAMES), st.integers(0, 100)),
    cells=st.sampled_from(("", *NAMES)),
    columns=st.booleans(),
    pick=st.none() | st.tuples(st.sampled_from(NAMES), st.text(string.digits + "abcdef", min_size=1, max_size=16)),
    limits=st.dictionaries(st.sampled_from(NAMES), rounded(-(10**6), 10**6, 4)),
    speed=st.sampled_from(SPEEDS),
    playing=st.booleans(),
    kiosk=st.booleans(),
    language=st.sampled_from(LANGUAGES),
    theme=st.sampled_from(THEMES),
)


@given(links)
def test_a_link_says_what_was_seen(link):
    text = to_link(link)
    assert from_link(*split(text), KNOWN) == (link, ())
    assert text.isascii()
    assert not set(text) & set(" <>\"'\\\n#")


@given(st.sampled_from(("", "x", *VIEWS)), st.text(max_size=300))
def test_nothing_that_anybody_writes_is_an_error(view, query):
    link, notes = from_link(view, query, KNOWN)
    assert link.view in VIEWS
    assert from_link(*split(to_link(link)), KNOWN)[0] == link
    assert all(note == "?" or note.isalpha() for note in notes), "a note never repeats what was written"


@given(st.sampled_from(["t", "at", "layers", "pick", "over", "speed", "cells", "lang"]), st.text(max_size=60))
def test_no_value_is_an_error(key, value):
    link, _ = from_link("operate", f"{key}={value}", KNOWN)
    assert link.view == "operate"


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        ("at=1e9,0,0,0,0", ("at",)),
        ("at=nan,0,0,0,0", ("at",)),
        ("at=7.4,43.7", ("at",)),
        ("at=500,0,99,90,0", ("at",)),
        ("lang=<script>&theme=pink", ("lang", "theme")),
        ("layers=nothing:50", ("layers",)),
        ("layers=streets:\N{FULLWIDTH DIGIT FIVE}", ("layers",)),
        ("pick=streets:../../etc", ("pick",)),
        ("over=streets:inf", ("over",)),
        ("speed=1000", ("speed",)),
        ("t=yesterday", ("t",)),
        ("kiosk=yes", ("kiosk",)),
        ("%ff%fe=%00&lang=%ff", ("lang",)),
        ("&".join(f"a{i}=1" for i in range(500)), ("?",)),
        ("x=" + "9" * MOST_CHARACTERS, ("?",)),
        ("unknown=1&utm_source=mail", ()),
    ],
)
def test_what_cannot_be_meant_is_left_out_and_named(query, notes):
    assert from_link("trust", query, KNOWN)[1] == notes


def test_numbers_beyond_their_limits_are_brought_to_them():
    assert from_link("", "at=500,-90,99,90,0", KNOWN)[0].camera == (180.0, -85.0, 20.0, 60.0, 0.0)
    assert from_link("", "layers=streets:999", KNOWN)[0].layers == {"streets": 100}


def test_one_wrong_part_costs_that_part_only():
    link, notes = from_link("", "layers=streets:40,gone:10,!cells&over=streets:x,cells:2.5", KNOWN)
    assert link.layers == {"streets": 40, "cells": 0}
    assert link.limits == {"cells": 2.5}
    assert notes == ("layers", "over")


def test_the_root_takes_the_view_from_the_query_and_a_path_wins():
    assert from_link("", "view=operate", KNOWN)[0].view == "operate"
    assert from_link("trust", "view=operate", KNOWN)[0].view == "trust"
    assert from_link("", "view=admin", KNOWN) == (Link(), ("view",))
