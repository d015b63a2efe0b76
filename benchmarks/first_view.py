"""How long a visitor waits for the city: from asking for the page to the first complete picture, median of five.

    python benchmarks/first_view.py monaco.twin

Chromium runs without a window and draws in software; every visit is a new one, with nothing in its cache. The server is
warm: one visit before the five is not counted. It needs the packages that the browser tests need.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
VISITS = 5
SENT = "performance.getEntriesByType('resource').reduce((sum, entry) => sum + entry.encodedBodySize, 0)"


def wait_for(url: str, *, longest_s: float) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + longest_s
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=longest_s):  # noqa: S310 - our own loopback address
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    sys.exit(f"{url} did not answer within {longest_s:g} s")


def visit(chromium: Browser, url: str) -> tuple[float, float]:
    """Open the page as somebody new; return seconds until the picture is whole, and megabytes sent."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("html[data-ready=yes]", timeout=120_000)
    seconds = time.perf_counter() - start
    megabytes = page.evaluate(SENT) / 1e6
    context.close()
    return seconds, megabytes


def main() -> None:
    """Serve a twin, visit it, print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("twin", help="folder of the twin")
    path = parser.parse_args().twin
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    server = subprocess.Popen([sys.executable, "-m", "twin.cli", "serve", path, "--port", str(port)])
    try:
        start = time.perf_counter()
        wait_for(url, longest_s=300)
        up_s = time.perf_counter() - start
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            visit(chromium, url)
            found = [visit(chromium, url) for _ in range(VISITS)]
            chromium.close()
    finally:
        server.terminate()
        server.wait(20)
    seconds = sorted(second for second, _ in found)
    sys.stdout.write(
        f"first view of {path}: median {statistics.median(seconds):.2f} s of {VISITS} visits"
        f" ({seconds[0]:.2f} to {seconds[-1]:.2f} s), {found[0][1]:.2f} MB; server up after {up_s:.1f} s;"
        f" load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )


if __name__ == "__main__":
    main()
