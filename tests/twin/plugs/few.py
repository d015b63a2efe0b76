"""A few kills and full disks on one stage, for `make test`: `python -m tests.twin.plugs.few`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.twin.plugs.disk import apart, fill_disk, small_disk
from tests.twin.plugs.kills import kill_builds
from tests.twin.plugs.stage import prepare

_SEED = 11


def main() -> int:
    """Print both tallies; the second is null where no disk of one's own can be had."""
    done = apart("tests.twin.plugs.few")
    if done is not None:
        return done
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder)) as disk:
        stage = prepare(Path(folder), (0, 2), stretch=100)  # detectors and probes in partitions, the others whole
        kills = kill_builds(stage, Path(folder), kills=3, workers=(0, 0, 2), seed=_SEED)
        full = None if disk is None else fill_disk(stage, disk, offsets=3, workers=(0,), seed=_SEED)
    print(json.dumps([vars(kills), None if full is None else vars(full)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
