"""Workers that end in the middle of a partition, each time: its records are set aside, and the build goes on.

python -m tests.twin.plugs.poison
"""

import json
import sys
import tempfile
from pathlib import Path

import dask

import twin
from tests.reference.twin_cities import CITY, write_city

PLANT = """
import os
import twin.steps.parts
import twin.steps.spreading

twin.steps.parts.STRETCH, twin.steps.parts.LEAST_RECORDS = 40, 10
spread = getattr(twin.steps.spreading.probable_weights, "whole", twin.steps.spreading.probable_weights)  # planted twice

def deadly(shapes, *rest, **more):
    if len(shapes) and shapes[0].geom_type == "Polygon":
        os._exit(3)
    return spread(shapes, *rest, **more)

deadly.whole = spread
twin.steps.spreading.probable_weights = deadly
"""


def main() -> None:
    """Build a city whose squares kill; say what became of its records."""
    folder = Path(tempfile.mkdtemp())
    plant = folder / "plant.py"
    plant.write_text(PLANT)
    text = CITY.split("  detectors:")[0] + "  people:" + CITY.split("  people:")[1].split("  air:")[0]
    city = write_city(folder, manifest=text + "  probes:" + CITY.split("  probes:")[1])
    with dask.config.set({"distributed.worker.preload": [str(plant)], "distributed.scheduler.allowed-failures": 1}):
        sick = twin.build(city, out=folder / "t.twin", workers=2)
    run = json.loads(max((folder / "t.twin" / "runs").glob("*Z.json")).read_bytes())
    ledger = sick.ledger()
    assert (ledger["records_in"] == ledger["placed"] + ledger["quarantined"] + ledger["rejected"]).all()
    assert sick.layers["people"].reasons["quarantined:poisoned_partition"] == 12
    assert sick.layers["probes"].placed > 90
    sys.stdout.write(f"set aside: {run['poisoned']}\n{ledger[['records_in', 'placed', 'quarantined']]}\n")


if __name__ == "__main__":
    main()
