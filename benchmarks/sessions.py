"""A hundred visitors who each step the clock once in ten seconds: how long a step takes, and what a visitor costs.

    python -m benchmarks.sessions

Each visitor is a websocket that speaks Bokeh's protocol as the page does; a step is over when the server has sent the
new layers of the map and said that it is done. Server and visitors are processes of their own.
"""

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from benchmarks.first_view import wait_for
from benchmarks.tile_route import worked_s

PORT, COUNT, VISITORS, EVERY_S, SECONDS = 5312, 10_000, 100, 10.0, 40.0
FIRST = 8  # The step that a page opens at; only a change reaches the map.
SERVER = ["-m", "benchmarks.whole_city", "--serve", str(COUNT), "--port", str(PORT)]


def parts_of(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Go through all objects of a JSON text."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from parts_of(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from parts_of(value)


class Visitor:
    """One page: its session, and the model of its clock."""

    def __init__(self, number: int) -> None:
        self.number, self.took = number, list[float]()
        self.socket: Any = None
        self.heard: asyncio.Queue[tuple[dict[str, Any], str]] = asyncio.Queue()

    async def open(self) -> None:
        """Load the page and connect as it would."""
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(f"http://127.0.0.1:{PORT}/").read().decode())
        token = re.search(r'"token":"([^"]+)"', page)[1]  # type: ignore[index]
        request = HTTPRequest(f"ws://127.0.0.1:{PORT}/ws", headers={"Origin": f"http://127.0.0.1:{PORT}"})
        self.socket = await websocket_connect(request, subprotocols=["bokeh", token], max_message_size=2**28)
        self.listening = asyncio.create_task(self.listen())
        await self.heard.get()
        content = await self.answer("PULL-DOC-REQ", {})
        wanted = {"labels", "profile", "step"}
        clocks = [one["id"] for one in parts_of(json.loads(content[-1])) if wanted <= set(one.get("attributes", {}))]
        self.clock = clocks[0]

    async def listen(self) -> None:
        """Read all that comes, so that the server's pings are answered: header, and content as text."""
        while (head := await self.socket.read_message()) is not None:
            header = json.loads(head)
            await self.socket.read_message()
            content = await self.socket.read_message()
            for _ in range(2 * header.get("num_buffers", 0)):
                await self.socket.read_message()
            await self.heard.put((header, str(content)))

    async def answer(self, kind: str, content: dict[str, Any]) -> list[str]:
        """Send a message; give all that comes until it is answered, the answer last."""
        name, read = f"{self.number}-{time.time_ns()}", []
        for part in ({"msgid": name, "msgtype": kind}, {}, content):
            await self.socket.write_message(json.dumps(part))
        while True:
            header, text = await asyncio.wait_for(self.heard.get(), 60)
            read.append(text)
            if header.get("reqid") == name:
                if header["msgtype"] == "ERROR":
                    raise RuntimeError(text[:1000])
                return read

    async def step(self, value: int) -> float:
        """Move the clock, and wait for the map and for the end."""
        while not self.heard.empty():
            self.heard.get_nowait()  # What came after the last step was over.
        start = time.perf_counter()
        event = {"kind": "ModelChanged", "model": {"id": self.clock}, "attr": "step", "new": value}
        read = await self.answer("PATCH-DOC", {"events": [event]})
        while not any('"layers"' in text for text in read):
            read = [(await asyncio.wait_for(self.heard.get(), 60))[1]]
        return time.perf_counter() - start

    async def live(self, until: float) -> None:
        """Step at random moments, once in ten seconds."""
        rng, value = random.Random(self.number), FIRST  # noqa: S311 - when somebody moves a slider
        await asyncio.sleep(rng.uniform(0, EVERY_S))
        while time.perf_counter() < until:
            begin = time.perf_counter()
            value = (value + 1 + rng.randrange(20)) % 24
            self.took.append(await self.step(value))
            await asyncio.sleep(max(begin + EVERY_S - time.perf_counter(), 0))


def memory_mb(process: int) -> float:
    """Give the resident memory of a process."""
    line = next(one for one in Path(f"/proc/{process}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1e3


async def run(process: int, count: int) -> str:
    """Open all visitors, let them live, and say what it took."""
    first = [Visitor(-n - 1) for n in range(5)]  # What every later visitor shares is made for these.
    for visitor in first:
        await visitor.open()
        await visitor.step(7)
    before = memory_mb(process)
    visitors = [Visitor(n) for n in range(count)]
    start = time.perf_counter()
    for visitor in visitors:
        await visitor.open()
    opened = (time.perf_counter() - start) / count
    before_s = worked_s(process)
    await asyncio.gather(*(visitor.live(time.perf_counter() + SECONDS) for visitor in visitors))
    worked = worked_s(process) - before_s
    each = (memory_mb(process) - before) / count
    took = sorted(second for visitor in visitors for second in visitor.took)
    return (
        f"{count} visitors, {len(took)} steps: median {1e3 * statistics.median(took):.0f} ms,"
        f" p95 {1e3 * took[int(0.95 * len(took))]:.0f} ms, longest {1e3 * took[-1]:.0f} ms; {each:.2f} MB a visitor;"
        f" {1e3 * worked / len(took):.0f} ms of the server's processor time a step;"
        f" a page opens in {opened:.2f} s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )


def main() -> None:
    """Serve, visit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=VISITORS)
    asked = parser.parse_args()
    server = subprocess.Popen([sys.executable, *SERVER])
    try:
        wait_for(f"http://127.0.0.1:{PORT}/api/health", longest_s=120)
        sys.stdout.write(asyncio.run(run(server.pid, asked.visitors)))
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
