"""Buildings near by with their roofs, beside the same view with blocks: bytes, seconds, memory and frames.

    python -m benchmarks.near_by new-york.twin --layer buildings --at=-73.936,40.613,16.5,55,-14

The blocks are the same page whose ``.glb`` do not come. Chromium runs without a window and draws in software.
"""

import argparse
import shutil
import sys
import time
from contextlib import closing

from playwright.sync_api import Browser, sync_playwright

from benchmarks.first_view import ARGUMENTS
from benchmarks.whole_city import PATIENCE_S, heap_mb, served, spread, worked_s

VISITS, FRAMES = 3, 20
SENT = """() => performance.getEntriesByType('resource')
    .filter((entry) => entry.name.includes('.glb')).reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
HELD = """(name) => cityTwin.layers().find((layer) => layer.id === name).contents().reduce((sum, {roofs, ids}) => ({
    things: sum.things + ids.length, roofs: sum.roofs + (roofs?.places.length ?? 0),
    triangles: sum.triangles + (roofs?.triangles ?? 0)}), {things: 0, roofs: 0, triangles: 0})"""
#: Milliseconds of one frame, drawn to the end: a pixel is read back after each.
FRAME = """(frames) => { const deck = cityTwin.deck(), gl = deck.device.gl, pixel = new Uint8Array(4);
    const drawn = () => { deck.redraw('near by'); gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel); };
    drawn(); const begin = performance.now(); for (let i = 0; i < frames; i++) drawn();
    return (performance.now() - begin) / frames; }"""


def look(chromium: Browser, url: str, layer: str, *, roofs: bool) -> tuple[list[float], dict[str, int]]:
    """Open the view as somebody new; gives seconds, processor seconds, megabytes of roofs, of heap, ms a frame."""
    with closing(chromium.new_context(viewport={"width": 1400, "height": 900})) as context:
        page = context.new_page()
        if not roofs:
            page.route("**/*.glb*", lambda route: route.abort())
        before, start = worked_s(chromium), time.perf_counter()
        page.goto(url, wait_until="commit")
        loaded = f"cityTwin.ready() && cityTwin.layers().find((l) => l.id === '{layer}')?.contents().length > 0"
        page.wait_for_selector("html[data-ready=yes]", timeout=PATIENCE_S * 1000)
        page.wait_for_function(loaded, timeout=PATIENCE_S * 1000)
        took, worked = time.perf_counter() - start, worked_s(chromium) - before
        numbers = [took, worked, page.evaluate(SENT) / 1e6, heap_mb(page), page.evaluate(FRAME, FRAMES)]
        held: dict[str, int] = page.evaluate(HELD, layer)
        return numbers, held


def main() -> None:
    """Visit the view with roofs and with blocks in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("city", help="folder of a twin whose layer asks for roofs")
    parser.add_argument("--layer", default="buildings")
    parser.add_argument("--at", required=True, help="longitude,latitude,zoom,pitch,bearing")
    asked = parser.parse_args()
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    held: dict[bool, dict[str, int]] = {}
    with sync_playwright() as playwright, served(asked.city) as root:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for turn in range(VISITS + 1):  # The first, for which tiles are made, does not count.
            for roofs in (True, False):
                numbers, held[roofs] = look(chromium, f"{root}explore?at={asked.at}", asked.layer, roofs=roofs)
                if turn:
                    found[roofs].append(numbers)
    write = sys.stdout.write
    write("| drawn | in view | whole, s | processor time of the browser, s | GLB, MB | heap, MB | a frame, ms |\n")
    write("|---|---|---|---|---|---|---|\n")
    for roofs, name in ((True, "roofs"), (False, "blocks")):
        cells = " | ".join(spread(list(column)) for column in zip(*found[roofs], strict=True))
        write(f"| {name} | {held[roofs]} | {cells} |\n")


if __name__ == "__main__":
    main()
