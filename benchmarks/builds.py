"""Time and peak memory of building the cities from raw files, each in a fresh folder, as the command line does it.

    python -m benchmarks.builds [--rounds 3]

New York is built where TWIN_NYC_DATA names its files.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.watched import watched

HOUSE = Path(__file__).resolve().parent.parent
CITIES = {"monaco": "data_samples/monaco/city.yaml", "new-york": "data_samples/nyc.yaml"}


def build(manifest: str) -> tuple[float, int]:
    """Build once; return seconds and peak bytes of all its processes together."""
    folder = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "twin.cli", "build", manifest, "--out", str(folder / "city.twin")]
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.DEVNULL, text=True)
    _, peak = watched(process)
    seconds = time.perf_counter() - begin
    shutil.rmtree(folder)
    if process.returncode:
        sys.exit(f"building {manifest} ended with {process.returncode}")
    return seconds, peak


def main() -> None:
    """Build each city a few times and print the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    for city, manifest in CITIES.items():
        if city == "new-york" and not os.environ.get("TWIN_NYC_DATA"):
            print("new-york: not built, TWIN_NYC_DATA is not set")
            continue
        runs = [build(manifest) for _ in range(rounds)]
        seconds = statistics.median(s for s, _ in runs)
        peak = max(p for _, p in runs)
        print(f"{city}: {seconds:.1f} s (median of {rounds}), peak memory {peak / 1e9:.2f} GB over all processes")


if __name__ == "__main__":
    main()
