"""How many tiles a second one core serves, warm, and how long one takes: many connections, answers read whole.

    python -m benchmarks.tile_route

Server and client are processes of their own, each on one core.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.first_view import wait_for
from benchmarks.tiled_city import TiledCity
from twin.tiles import TileSource

PORT, CONNECTIONS, SECONDS, COUNT = 5311, 8, 10.0, 100_000
SERVER = f"""
import os, uvicorn
from fastapi import FastAPI
from benchmarks.tiled_city import TiledCity
from twin.api import tile_router
from twin.tiles import TileSource
os.sched_setaffinity(0, {{0}})
app = FastAPI()
app.include_router(tile_router(TileSource(TiledCity({COUNT}, {COUNT}))))
uvicorn.run(app, host="127.0.0.1", port={PORT}, log_level="error", access_log=False)
"""


async def ask(paths: list[str], until: float, took: list[float], sizes: list[int]) -> None:
    """Ask for one path after the other over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    turn = 0
    while time.perf_counter() < until:
        start = time.perf_counter()
        writer.write(f"GET {paths[turn % len(paths)]} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
        took.append(time.perf_counter() - start)
        sizes.append(size)
        turn += 1
    writer.close()


async def run(paths: list[str], seconds: float) -> tuple[list[float], list[int]]:
    """Ask over all connections at once."""
    took: list[float] = []
    sizes: list[int] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(ask(paths[i::CONNECTIONS] or paths, until, took, sizes) for i in range(CONNECTIONS)))
    return took, sizes


def worked_s(process: int) -> float:
    """Give the processor time of a process, which does not count what others on a shared core take."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Serve, warm up, ask, print."""
    city = TiledCity(COUNT, COUNT)
    source = TileSource(city)  # type: ignore[arg-type]
    paths = []
    for family, tiles in (("layers/buildings", source.layer("buildings")), ("cells/no2", source.cells("no2"))):
        z = tiles.zooms[1]
        columns, rows = tiles.occupied(z)
        places = [f"{family}/{z}/{x}/{y}" for x, y in zip(columns.tolist()[:60], rows.tolist()[:60], strict=True)]
        paths += [f"/tiles/{city.snapshot}/{place}.mvt" for place in places]
        if family.startswith("cells"):
            paths += [f"/tiles/{city.snapshot}/{place}/0.bin" for place in places]
    server = subprocess.Popen([sys.executable, "-c", SERVER])
    os.sched_setaffinity(0, {1})
    try:
        wait_for(f"http://127.0.0.1:{PORT}/tiles/{city.snapshot}/cells/no2.json", longest_s=120)
        asyncio.run(run(paths, SECONDS))  # once all around, so that every tile is in memory
        before = worked_s(server.pid)
        took, sizes = asyncio.run(run(paths, SECONDS))
        worked = worked_s(server.pid) - before
    finally:
        server.terminate()
        server.wait(20)
    took.sort()
    rate = f"{len(took) / SECONDS:,.0f} tiles/s of {statistics.mean(sizes) / 1e3:.1f} kB over {CONNECTIONS} connections"
    sys.stdout.write(
        f"{rate}, {len(took) / worked:,.0f} a second of the server's processor time; median"
        f" {1e3 * statistics.median(took):.1f} ms, p99 {1e3 * took[int(0.99 * len(took))]:.1f} ms;"
        f" load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )


if __name__ == "__main__":
    main()
