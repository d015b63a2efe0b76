"""Names on the map: of the streets they lie on, upright, apart from each other, and gone when nobody wants them."""

import itertools
import math

import pytest
import shapely

from tests.browser.pictures import changed, picture, zoomed
from tests.dashboards.fake_city import FakeCity

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_faults")]

NAMES = "cityTwin.names()"
PROJECT = "(places) => places.map((place) => cityTwin.deck().getViewports()[0].project(place))"


@pytest.fixture(scope="module")
def page(visit):
    return visit()


@pytest.fixture(scope="module")
def streets():
    table = FakeCity(blocks=8).features("streets")
    return dict(zip(table["name"], table.geometry, strict=True))


def written(page):
    page.wait_for_function("cityTwin.ready() && cityTwin.namesRest()")
    return page.evaluate(NAMES)


def look_at(page, streets):
    """Say how many names there are, each on its street, upright and apart from the others."""
    names = written(page)
    lines = []
    for name in names:
        street = streets[name["text"]]
        on_screen = page.evaluate(PROJECT, [list(place) for place in street.coords])
        lines.append(shapely.LineString([place[:2] for place in on_screen]))
    for name, line in zip(names, lines, strict=True):
        assert line.distance(shapely.Point(name["x"], name["y"])) < 3, name
        assert abs(name["angle"]) <= math.pi / 2, name
        (x0, y0), (x1, y1) = line.coords[0], line.coords[-1]
        assert abs(math.sin(math.atan2(y1 - y0, x1 - x0) - name["angle"])) < 0.05, name
    for one, other in itertools.combinations(names, 2):
        assert shape(one).distance(shape(other)) > 2, (one, other)
    return len(names)


def shape(name):
    dx, dy = math.cos(name["angle"]) * name["width"] / 2, math.sin(name["angle"]) * name["width"] / 2
    x, y = name["x"], name["y"]
    return shapely.LineString([(x - dx, y - dy), (x + dx, y + dy)]).buffer(6, cap_style="flat")


def test_names_lie_along_their_streets_and_follow_the_camera(page, streets):
    assert look_at(page, streets) > 10
    before = {name["text"] for name in written(page)}
    page.mouse.move(700, 400)
    zoomed(page, -300)
    assert look_at(page, streets) > 5
    assert {name["text"] for name in written(page)} != before


def test_names_go_when_nobody_wants_them_and_a_link_says_so(page, visit):
    named = picture(page)
    page.uncheck("#layers .named")
    page.wait_for_function("cityTwin.namesRest() && !cityTwin.names().length")
    assert changed(named, picture(page)) > 0.002
    page.wait_for_function("location.search.includes('names=0')")
    other = visit("explore?names=0")
    assert not written(other)
    page.check("#layers .named")
    assert written(page)
    page.click('#layers [data-layer="streets"] .eye')
    page.wait_for_function("cityTwin.namesRest() && !cityTwin.names().length")
