"""The same bytes on any number of workers: `python -m tests.twin.plugs.workers --times 2`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.twin.plugs.stage import prepare

__all__: list[str] = []


def main() -> int:
    """Build both states of the small city with each number of workers, again and again; 1 if an id differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--stretch", type=int, help="records of a partition; default: no dataset is that large")
    asked = parser.parse_args()
    seen = set()
    for _ in range(asked.times):
        with tempfile.TemporaryDirectory() as folder:
            stage = prepare(Path(folder), tuple(asked.workers), stretch=asked.stretch)
        seen.add((stage.before, stage.after))
    print(json.dumps({"workers": asked.workers, "times": asked.times, "ids": sorted(seen)}))
    return 0 if len(seen) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
