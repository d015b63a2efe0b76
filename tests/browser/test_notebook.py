"""The notebook of the docs is executed, and what stands below its cells is looked at while its kernel runs."""

import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from PIL import Image

from tests.browser.pictures import DRAWN, changed

pytestmark = pytest.mark.browser

HOUSE = Path(__file__).resolve().parents[2]
BOOK = HOUSE / "docs/how-to/explore-in-a-notebook.ipynb"
SHEET = "<!DOCTYPE html><html><head><meta charset='utf-8'><link rel='icon' href='data:,'></head><body>{}</body></html>"


@pytest.fixture(scope="module")
def executed(monaco_path, tmp_path_factory):
    """The executed notebook, its kernel still running; where that works is beside the sample twin, as for a reader."""
    place = tmp_path_factory.mktemp("reader")
    (place / "monaco.twin").symlink_to(monaco_path)
    book = nbformat.read(BOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "commit it without outputs"
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", connection_file=str(place / "kernel.json"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HOUSE))
        client = NotebookClient(
            book, km=manager, timeout=240, startup_timeout=240, resources={"metadata": {"path": str(place)}}
        )
        with client.setup_kernel():
            for index, cell in enumerate(book.cells):
                client.execute_cell(cell, index)
            yield book


@pytest.fixture(scope="module")
def frames(executed):
    """What stands below the cells, as an export to HTML holds it."""
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    return [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_nothing_but_pages_and_the_error_stands_below_the_cells(executed, frames):
    said = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [o.text for o in said if o.output_type == "stream" and o.name == "stderr"]
    assert [o.output_type for o in said].count("display_data") == 0, "Panel's own scripts stay out of the notebook"
    assert len(frames) == 3
    (told,) = [o.text for o in said if o.output_type == "stream"]
    assert 'frame.set_crs("EPSG:' in told


def seen(page, inside):
    inside.wait_for_function(DRAWN)
    image = Image.open(io.BytesIO(page.screenshot(clip={"x": 400, "y": 190, "width": 900, "height": 270})))
    return np.asarray(image.convert("RGB"), dtype=int)


@pytest.mark.parametrize(
    ("index", "expected"),
    [(0, ("buildings", 1_283)), (1, ("areas", 1_283)), (2, ("points", 4))],
    ids=["twin", "polygons", "points"],
)
def test_the_city_is_seen_below_the_cell(browser, frames, index, expected):
    layer, things = expected
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_content(SHEET.format(frames[index]))
    address = re.search(r'src="(http://127\.0\.0\.1:\d+/)"', frames[index]).group(1)
    inside = next(frame for frame in page.frames if frame.url == address)
    inside.wait_for_selector("html[data-ready=yes]", timeout=120_000)
    inside.wait_for_function("(id) => cityTwin.ready() && cityTwin.count(id) > 0", arg=layer, timeout=60_000)
    assert inside.evaluate("(id) => cityTwin.count(id)", layer) >= things
    with_it = seen(page, inside)
    inside.click(f'#layers [data-layer="{layer}"] .eye')
    inside.wait_for_function("(id) => !cityTwin.layers().find((l) => l.id === id).props.visible", arg=layer)
    assert changed(with_it, seen(page, inside)) > (0.0002 if layer == "points" else 0.03)
    page.close()
