"""Houses with gabled roofs: drawn as their model has them near by, as blocks where the surfaces do not come."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

import twin
from dashboards.app import to_app
from dashboards.deck import PALETTES
from tests.browser.conftest import serving
from tests.browser.pictures import changed, picture
from tests.reference import gabled_city

pytestmark = pytest.mark.browser

HOUSES = "cityTwin.layers().find((l) => l.id === 'houses')"
#: What the map's light makes of a slope of four to five that looks south, and of what is flat.
SLOPE, FLAT = 0.914, 0.77
COUNTS = f"""() => {HOUSES}.contents().reduce((sum, {{roofs, drawn, ids}}) => ({{
    roofs: sum.roofs + (roofs?.places.length ?? 0), triangles: sum.triangles + (roofs?.triangles ?? 0),
    blocks: sum.blocks + drawn.length, things: sum.things + ids.length,
}}), {{roofs: 0, triangles: 0, blocks: 0, things: 0}})"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("gabled")
    twin.build(gabled_city.write_city(place), out=place / "gabled.twin", workers=0)
    return place


@pytest.fixture(scope="module")
def page(folder, visit, free_port):
    city = twin.open(folder / "gabled.twin")
    west, south, east, north = city.features("houses").total_bounds
    with serving(to_app(city, origins=(f"127.0.0.1:{free_port}",)), free_port) as root:
        yield visit(f"explore?at={(west + east) / 2:.5f},{(south + north) / 2:.5f},18,40,0", root=root)


def toned(seen, part, within=6):
    """Say where the map has the colour of a plain building in a light."""
    colour = np.array(PALETTES["light"].building[:3]) * part
    return np.abs(seen - colour).max(axis=2) <= within


def test_roofs_slant_near_by_and_are_blocks_where_they_do_not_come(page, folder):
    wanted = gabled_city.seen(json.loads((folder / "houses.city.json").read_text()))
    page.wait_for_function(f"cityTwin.ready() && {HOUSES}?.contents().length > 0")
    counts = page.evaluate(COUNTS)
    assert counts["roofs"] == counts["things"] == len(wanted), "each building once"
    assert counts["blocks"] == 0
    assert counts["triangles"] == sum(count for count, _, _ in wanted.values())
    slanted = picture(page)
    assert toned(slanted, SLOPE).mean() > 0.03
    assert not page.faults

    spot = page.evaluate(f"""() => {{
        const layer = {HOUSES}, rows = layer.contents().flatMap(({{roofs}}) => roofs.rows);
        const row = rows.find(({{t}}) => t === 'House 20');
        const ring = row.p.positions, [lon, lat] = [(ring[0] + ring[4]) / 2, (ring[1] + ring[5]) / 2];
        return layer.context.viewport.project([lon, lat, 10]);
    }}""")
    page.mouse.click(spot[0], spot[1] + 2)
    expect(page.locator("#inspector h2")).to_contain_text("House 20")
    page.locator("#inspector .close").click()
    page.wait_for_function("!location.search.includes('pick')")

    page.route("**/*.glb*", lambda route: route.abort())
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    page.wait_for_function(f"cityTwin.ready() && {HOUSES}?.contents().length > 0")
    assert page.evaluate(COUNTS) == {"roofs": 0, "triangles": 0, "blocks": len(wanted), "things": len(wanted)}
    blocks = picture(page)
    assert toned(blocks, SLOPE).mean() < toned(slanted, SLOPE).mean() / 4
    flat = toned(blocks, FLAT, within=16)  # Blocks shine a little.
    assert flat.mean() > 0.03
    assert (toned(slanted, FLAT) & flat).mean() > 0.005, "what is flat in both has one light"
    assert changed(slanted, blocks) > 0.05
