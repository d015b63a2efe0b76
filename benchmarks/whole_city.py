"""A million buildings and a million cells in the browser, beside the same page with 10,000 of each and plain deck.gl.

    python -m benchmarks.whole_city
    python -m benchmarks.whole_city --counts 10000 --city new-york.twin
    python -m benchmarks.whole_city --counts --peer 10000 100000 1000000

Chromium runs without a window and draws in software, which the graphics card of a visitor does not: compare with the
page of 10,000. Data are all answers but scripts, styles and the page; the heap is that of JavaScript after collecting
garbage. ``--city`` visits a twin in the same run, ``--peer`` draws so many of each with plain deck.gl from JSON.
"""

import argparse
import io
import json
import logging
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import uvicorn
from fastapi.responses import FileResponse, HTMLResponse
from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

import twin
from benchmarks.first_view import ARGUMENTS, wait_for
from benchmarks.tiled_city import TiledCity
from dashboards.app import to_app

log = logging.getLogger(__name__)

SMALL, LARGE, VISITS = 10_000, 1_000_000, 3
PATIENCE_S = 180.0
MAP = {"x": 340, "y": 90, "width": 640, "height": 600}
SENT = """() => performance.getEntriesByType('resource')
    .filter((e) => /\\/(tiles|feed|peer)\\//.test(e.name)).reduce((sum, e) => sum + e.encodedBodySize, 0)"""
BLOCKED = """() => { window.blocked = []; new PerformanceObserver((list) =>
    window.blocked.push(...list.getEntries().map((e) => e.duration))).observe({type: 'longtask', buffered: false}); }"""
PEER = """<!DOCTYPE html><html><body style="margin:0;height:100vh"><script>
const tag = (src) => new Promise((onload) =>
  document.head.append(Object.assign(document.createElement('script'), {src, onload})));
(async () => {
  const root = '/static/extensions/panel/bundled/deckglplot/';
  await tag(root + 'h3-js@4.1.0/dist/h3-js.umd.js'); await tag(root + 'deck.gl@9.1.14/dist.min.js');
  const layers = [
    new deck.H3HexagonLayer({id: 'cells', data: '/peer/cells.json', getHexagon: (d) => d.x, extruded: false,
      opacity: 0.4, getFillColor: (d) => [d.c[8] * 8, 80, 120]}),
    new deck.PolygonLayer({id: 'buildings', data: '/peer/buildings.json', getPolygon: (d) => d.p,
      getElevation: (d) => d.h, extruded: true, getFillColor: [232, 229, 223]}),
  ];
  window.peer = new deck.DeckGL({layers, controller: true, initialViewState: VIEW});
  const timer = setInterval(() => {
    const drawn = window.peer.layerManager?.getLayers().filter((layer) => !layer.isComposite) ?? [];
    if (drawn.length < layers.length || !drawn.every((layer) => layer.isLoaded && layer.getNumInstances())) return;
    clearInterval(timer);
    requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = 'yes'; }));
  }, 40);
})();
</script></body></html>"""


def serve(what: str, port: int, peer: int) -> None:
    """Serve the page of a twin or of a synthetic city of so many, and where asked the peer's page and its JSON."""
    city: Any = TiledCity(int(what), int(what)) if what.isdigit() else twin.open(what)
    app = to_app(city, origins=(f"127.0.0.1:{port}",))
    if peer:
        place = Path(tempfile.mkdtemp())
        small = TiledCity(peer, peer)
        houses = small.features("buildings")
        rings = shapely.get_coordinates(houses.geometry.to_numpy()).round(6).reshape(len(houses), -1, 2).tolist()
        heights = houses["height_m"].tolist()
        (place / "buildings.json").write_text(
            json.dumps([{"p": p, "h": h} for p, h in zip(rings, heights, strict=True)])
        )
        cube = small.cube(["no2"])["no2"]
        codes = np.clip(cube.to_numpy() / 2, 0, 31).astype(int).tolist()
        rows = [
            {"x": f"{cell:x}", "c": code} for cell, code in zip(cube["cell"].to_numpy().tolist(), codes, strict=True)
        ]
        (place / "cells.json").write_text(json.dumps(rows))
        view = json.dumps({"longitude": 120.15, "latitude": 30.25, "zoom": 14.5, "pitch": 50, "bearing": -18})
        app.add_api_route("/peer/{name}.json", lambda name: FileResponse(place / f"{name}.json"))
        app.add_api_route("/peer", lambda: HTMLResponse(PEER.replace("VIEW", view)))
        app.router.routes[:] = [*app.router.routes[-2:], *app.router.routes[:-2]]
    uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error")).run()


@contextmanager
def served(what: str, peer: int = 0) -> Iterator[str]:
    """Run the server as a process of its own; gives its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "benchmarks.whole_city",
        "--serve",
        what,
        "--port",
        str(port),
        "--with-peer",
        str(peer),
    ]
    process = subprocess.Popen(command)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/health", longest_s=400)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(20)


def visit(chromium: Browser, url: str, *, longest_s: float = PATIENCE_S) -> tuple[Page, float]:
    """Open the page as somebody new; gives it and the seconds until its picture is whole."""
    page = chromium.new_context(viewport={"width": 1400, "height": 900}).new_page()
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("html[data-ready=yes]", timeout=longest_s * 1000)
    return page, time.perf_counter() - start


def heap_mb(page: Page) -> float:
    """Give what JavaScript holds after collecting garbage."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def moved(page: Page) -> float:
    """Drag and zoom, and give the longest that the main thread was blocked, in milliseconds."""
    page.evaluate(BLOCKED)
    page.mouse.move(700, 450)
    page.mouse.down()
    for i in range(12):
        page.mouse.move(700 - 30 * i, 450 - 12 * i)
        page.wait_for_timeout(60)
    page.mouse.up()
    page.wait_for_timeout(1500)
    for delta in (-300, -300, 500, 500, 500):
        page.mouse.wheel(0, delta)
        page.wait_for_timeout(1200)
    return float(page.evaluate("Math.max(0, ...window.blocked)"))


def drawn(page: Page) -> dict[str, float]:
    """Count what the map draws, and the share of pixels that each layer changes."""
    counts: dict[str, float] = page.evaluate(
        "Object.fromEntries(cityTwin.layers().filter((l) => l.countThings).map((l) => [l.id, l.countThings()]))"
    )
    whole = _picture(page)
    for layer in list(counts):
        switch = f'#layers [data-layer="{layer}"] .eye'
        page.click(switch)
        page.wait_for_function(f"!cityTwin.layers().find((l) => l.id === '{layer}').props.visible")
        page.wait_for_timeout(1500)
        counts[f"{layer} pixels"] = round(float((np.abs(whole - _picture(page)).max(axis=2) > 12).mean()), 3)
        page.click(switch)
        page.wait_for_function(f"cityTwin.layers().find((l) => l.id === '{layer}').props.visible")
    return counts


def _picture(page: Page) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=MAP))).convert("RGB"), dtype=int)


def worked_s(chromium: Browser) -> float:
    """Give the processor time of the pages and of drawing, which does not count what others on a shared core take."""
    found = chromium.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return float(sum(one["cpuTime"] for one in found if one["type"] in {"renderer", "GPU"}))


def measure(chromium: Browser, places: dict[str, str]) -> Iterator[str]:
    """Visit cities of so many buildings and cells in turn, and say what each took."""
    seconds: dict[str, list[float]] = {name: [] for name in places}
    worked: dict[str, list[float]] = {name: [] for name in places}
    pages: dict[str, Page] = {}
    for turn in range(VISITS + 1):  # The first, for which tiles are made, does not count.
        for name, url in places.items():
            before = worked_s(chromium)
            pages[name], took = visit(chromium, url)
            if turn:
                seconds[name].append(took)
                worked[name].append(worked_s(chromium) - before)
            if turn < VISITS:
                pages[name].context.close()
    for name, page in pages.items():
        sent, heap = page.evaluate(SENT) / 1e6, heap_mb(page)
        page.screenshot(path=str(Path(tempfile.gettempdir()) / f"whole_city_{Path(name).stem}.png"))
        counts = drawn(page)
        blocked = [moved(page), moved(page)]
        yield (
            f"| {label(name)} | {spread(seconds[name])} | {spread(worked[name])} | {sent:.2f} |"
            f" {spread(blocked)} | {heap:.0f}, {heap_mb(page):.0f} | {counts} |\n"
        )
        page.context.close()


def label(name: str) -> str:
    """Write what was visited."""
    return f"{int(name):,} of each" if name.isdigit() else Path(name).stem


def spread(values: list[float]) -> str:
    """Write the median and the ends."""
    return f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"


def peer(chromium: Browser, count: int) -> str:
    """Draw so many buildings and cells with plain deck.gl from JSON."""
    name = f"plain deck.gl, {count:,} of each"
    with served(str(SMALL), count) as url:
        before = worked_s(chromium)
        try:
            page, took = visit(chromium, f"{url}peer", longest_s=PATIENCE_S)
        except Error as error:
            reason = str(error).splitlines()[0]
            return f"| {name} | {reason} | {worked_s(chromium) - before:.1f} and more | | | | |\n"
        worked = worked_s(chromium) - before
        sent, heap, blocked = page.evaluate(SENT) / 1e6, heap_mb(page), moved(page)
        page.context.close()
    return f"| {name} | {took:.2f} | {worked:.2f} | {sent:.1f} | {blocked:.0f} | {heap:.0f} | |\n"


def main() -> None:
    """Measure both cities, and the peer where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=int, nargs="*", default=[], help="also plain deck.gl with so many of each")
    parser.add_argument("--counts", type=int, nargs="*", default=[SMALL, LARGE])
    parser.add_argument("--city", nargs="*", default=[], help="folders of twins to visit in the same run")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--with-peer", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.port, asked.with_peer)
        return
    write = sys.stdout.write
    write("| city | first view, s | processor time of the browser, s | data, MB | longest block, ms |")
    write(" heap, MB, first, then moved | drawn |\n|---|---|---|---|---|---|---|\n")
    with sync_playwright() as playwright, ExitStack() as servers:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        cities = [*map(str, asked.counts), *asked.city]
        places = {name: servers.enter_context(served(name)) for name in cities}
        for row in measure(chromium, places) if places else ():
            write(row)
            sys.stdout.flush()
        for count in asked.peer:
            write(peer(chromium, count))
            sys.stdout.flush()
        chromium.close()
    write(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")


if __name__ == "__main__":
    main()
