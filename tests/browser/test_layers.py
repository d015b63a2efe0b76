"""What the layer panel does to the map, on pixels: what is uncertain fades."""

import pytest

from tests.browser.pictures import changed, picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PATH = "cityTwin.layers().find((l) => l.id === '{}').props.data"


@pytest.fixture(scope="module")
def page(visit):
    return visit()


@pytest.fixture(autouse=True)
def _without_faults(page):
    yield
    assert not page.faults


def test_what_is_uncertain_fades_and_comes_back(page):
    page.click('#layers [data-layer="streets"] .eye')
    page.wait_for_function("!cityTwin.layers().find((l) => l.id === 'streets').props.visible")
    sure = picture(page)
    page.check("#layers .doubtful")
    page.wait_for_function(PATH.format("cells") + ".includes('cells~sigma')")
    page.wait_for_function("cityTwin.ready()")
    doubtful = picture(page)
    assert changed(sure, doubtful) > 0.05
    # Every second house may be 80 m off: its dark walls let the pale ground through.
    assert (doubtful.max(axis=2) < 175).mean() < 0.75 * (sure.max(axis=2) < 175).mean()
    said = page.locator('#layers [data-layer="cells"]').inner_text()
    assert "Faded by standard deviation, as part of the value" in said
    assert "25–50 %" in said
    page.wait_for_function("location.search.includes('sigma=1')")
    page.uncheck("#layers .doubtful")
    page.wait_for_function("!" + PATH.format("cells") + ".includes('~sigma')")
    assert changed(sure, picture(page)) < 0.01
    page.click('#layers [data-layer="streets"] .eye')
    page.wait_for_function("cityTwin.layers().find((l) => l.id === 'streets').props.visible")
