"""What a twin exports, opened by QGIS itself: `make check-qgis`, where Debian's python3-qgis is installed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import twin

__all__: list[str] = []

#: Runs in the interpreter that QGIS is installed for, which is not ours.
_IN_QGIS = """
import json, sys
from qgis.core import QgsApplication, QgsRasterLayer, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
told = {}
for path in sys.argv[1:]:
    if path.endswith(".tif"):
        layer = QgsRasterLayer(path, "raster")
        told[path] = [layer.isValid(), layer.crs().authid(), layer.bandCount(), ""]
        continue
    layer = QgsVectorLayer(path, "vector", "ogr")
    styled = layer.loadDefaultStyle()[1]
    style = "styled" if styled and layer.renderer().type() in ("singleSymbol", "graduatedSymbol") else ""
    told[path] = [layer.isValid(), layer.crs().authid(), layer.featureCount(), style]
print(json.dumps(told))
"""


def main() -> int:
    """Export every layer and one variable, and hold QGIS's word against ours; 1 if they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("twin", type=Path, help="Monaco, say")
    parser.add_argument("--variable", default="no2")
    parser.add_argument("--time", default="2026-06-16T08:00")
    parser.add_argument("--python", default="/usr/bin/python3", help="the interpreter that has qgis.core")
    asked = parser.parse_args()
    city, faults = twin.open(asked.twin), 0
    with tempfile.TemporaryDirectory() as folder:
        wanted = {}
        for name, info in city.layers.items():
            if info.features:
                path = Path(folder, f"{name}.gpkg")
                twin.export(city, f"layer:{name}", path)
                wanted[str(path)] = [True, "EPSG:4326", len(city.features(name)), "styled"]
        path = Path(folder, "cells.gpkg")
        twin.export(city, asked.variable, path, time=asked.time)
        cells = city.cube([asked.variable])[asked.variable].sel(time=asked.time)
        wanted[str(path)] = [True, "EPSG:4326", int(cells.notnull().sum()), "styled"]
        found = json.loads(
            subprocess.run(
                [asked.python, "-c", _IN_QGIS, *wanted],
                env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": ""},
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        )
        for path_, ours in wanted.items():
            theirs = found[path_]
            faults += theirs != ours
            sys.stdout.write(
                f"{'as it is' if theirs == ours else 'DIFFERS'}  {Path(path_).name}: {theirs}, ours {ours}\n"
            )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
