"""Take the picture of docs/how-to/judge-the-data.md in Chromium; the others are those of `make screenshots`.

python -m docs.make_view_pictures monaco.twin
"""

from __future__ import annotations

import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, sync_playwright

import twin
from dashboards.app import to_app

IMAGES = Path(__file__).resolve().parent / "images"
SOFTWARE = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
LOOPBACK = "127.0.0.1"
# The camera is where it was at the last look, and all of the map is there.
STILL = """() => {
    const {longitude, latitude, zoom} = cityTwin.deck().getViewports()[0], seen = [longitude, latitude, zoom].join();
    const same = window.lastSeen === seen && cityTwin.ready();
    window.lastSeen = seen;
    return same;
}"""


def main() -> None:
    """Serve the city, and look."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=SOFTWARE)
        page = chromium.new_context(viewport={"width": 1400, "height": 860}).new_page()
        trust(page, serve(sys.argv[1]))
        chromium.close()


def serve(path: str) -> str:
    """Serve a twin from this process."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    app = to_app(twin.open(path), origins=(f"{LOOPBACK}:{port}",))
    server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.1)
    return f"http://{LOOPBACK}:{port}/"


def opened(page: Page, address: str) -> None:
    """Open a page and wait for its map."""
    page.goto(address)
    page.wait_for_selector("html[data-ready=yes]", timeout=90_000)


def trust(page: Page, root: str) -> None:
    """Take the steward's picture: a layer of known error, its ledger and its fusion error."""
    opened(page, f"{root}trust?theme=dark")
    page.locator("#trust [data-layer=detectors]").click(timeout=90_000)
    page.locator("#trust .detail h2", has_text="detectors").wait_for(timeout=90_000)
    page.locator("#trust .fusion").get_by_text("Measure it").click(timeout=90_000)
    page.locator("#trust .fusion table").wait_for(timeout=90_000)
    page.locator("#trust .detail").evaluate("(detail) => detail.scrollIntoView()")
    page.wait_for_function(STILL, polling=1500, timeout=90_000)
    page.screenshot(path=IMAGES / "trust.png")


if __name__ == "__main__":
    main()
