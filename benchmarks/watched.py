"""A process watched while it runs: what it printed, and the most memory that it and its children held."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


def memory_of(pid: int) -> int:
    """Return the resident bytes of a process and all that descend from it."""
    total, family = 0, [pid]
    while family:
        process = family.pop()
        try:
            status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
            threads = list(Path(f"/proc/{process}/task").iterdir())
            family += [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        except OSError:
            continue  # it has ended meanwhile
        total += next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return total


def watched(process: subprocess.Popen[str], *, every_s: float = 0.2) -> tuple[str, int]:
    """Wait for a process; return what it printed and the peak bytes of it and all that descend from it."""
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(every_s):
            peak = max(peak, memory_of(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    printed, _ = process.communicate()
    done.set()
    watcher.join()
    return printed or "", peak
