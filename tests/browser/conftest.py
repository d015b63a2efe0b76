"""One server and one Chromium for all browser tests; the page may ask nobody but this server."""

import contextlib
import shutil
import socket
import threading
import time

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from dashboards.app import to_app
from tests.dashboards.fake_city import FakeCity

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Without a graphics card WebGL is drawn in software, which newer Chromium only does when asked.
ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]

# The longest that a condition is waited for: a busy machine draws ten times slower than an idle one.
WAIT_MS = 90_000
expect.set_options(timeout=WAIT_MS)


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def free_port():
    return unused_port()


@contextlib.contextmanager
def serving(app, port):
    """Serve an application on a port of this machine; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    assert server.started
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def newtown():
    """Serve one city to all modules that only look at it."""
    port = unused_port()
    with serving(to_app(FakeCity(blocks=8), origins=(f"127.0.0.1:{port}",)), port) as url:
        yield url


@pytest.fixture(scope="module")
def address(newtown):
    return newtown


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.fail("Chromium is missing: `make test` gets it, or install your system's package `chromium`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def visit(browser, request):
    """Open the page; returns it once its map is drawn, with the hosts that it asked and the faults that it met.

    Those of a module are closed after it: a map that nobody looks at is drawn all the same.
    """
    contexts = []

    def opened(query="", *, root=None, width=1400, height=900):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}))
        page = contexts[-1].new_page()
        page.set_default_timeout(WAIT_MS)
        page.asked, page.faults = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("websocket", lambda socket: page.asked.append(socket.url))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda line: page.faults.append(line.text) if line.type == "error" else None)
        page.goto((root or request.getfixturevalue("address")) + query)
        page.wait_for_selector("html[data-ready=yes]", timeout=WAIT_MS)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def without_faults(page):
    """Let a test fail whose page, the module's own, met a fault."""
    yield
    assert not page.faults
