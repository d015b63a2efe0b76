"""Command line: make the city, or a copy of it with planted dirt."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np

from data_samples.monaco.make import air, buildings, dirt, network, sensors, society, traffic, write
from data_samples.monaco.make.extract import AREA, Extract
from data_samples.monaco.make.frames import from_frame

SEED = 20260616
HERE = Path(__file__).parent.parent


def make_city(source: Path, out: Path) -> None:
    """Make every raw file and its truth in ``out/raw`` and ``out/truth``."""
    raw, truth = out / "raw", out / "truth"
    for folder in (raw, truth):
        folder.mkdir(parents=True, exist_ok=True)
    extract = Extract(source)
    streets = extract.streets()
    houses = buildings.with_heights(extract.buildings(), extract.land)
    quarters = extract.quarters()
    _write_mapped(extract, streets, houses, quarters, out)
    roads = network.build(streets)
    flows = traffic.model(roads, houses)
    plumes = air.Streets(streets, flows)
    samples = {
        "detectors.csv.gz": sensors.detectors(streets, flows, _rng(1)),
        "probes.csv.gz": sensors.probes(streets, flows, _rng(2)),
        "air_stations.csv": air.stations(plumes, quarters, _rng(3)),
        "old_sites_ntf.csv": society.old_sites(quarters, "EPSG:4807", _rng(4)),
        "old_sites_lambert.csv": society.old_sites(quarters, "EPSG:27573", _rng(5)),
    }
    for name, sample in samples.items():
        write.csv(sample.table, raw / name)
        write.truth(sample.lon, sample.lat, truth / f"{name.split('.')[0]}.parquet")
    squares = society.population(houses, quarters)
    write.geopackage(squares, raw / "population.gpkg", "population")
    write.truth(*write.centres(squares), truth / "population.parquet")
    values, transform = air.raster(plumes, extract.land, AREA)
    write.geotiff(values, transform, raw / "no2_background.tif", air.FRAME)
    row, column = np.nonzero(~np.isnan(values))
    x, y = transform[2] + (column + 0.5) * transform[0], transform[5] + (row + 0.5) * transform[4]
    write.truth(*from_frame(x, y, air.FRAME), truth / "no2_background.parquet")


def _write_mapped(
    extract: Extract, streets: gpd.GeoDataFrame, houses: gpd.GeoDataFrame, quarters: gpd.GeoDataFrame, out: Path
) -> None:
    """Write what OpenStreetMap holds."""
    raw, truth = out / "raw", out / "truth"
    write.geoparquet(streets.drop(columns=["nodes", "osm_id"]), raw / "streets.parquet")
    buildings.write_cityjson(houses, raw / "buildings.city.json")
    write.geojson(extract.stops(), raw / "stops.geojson")
    land_use = extract.land_use()
    write.geopackage(land_use.to_crs("EPSG:2154"), raw / "land_use.gpkg", "land_use")
    write.geojson(quarters, raw / "quarters.geojson")
    land = gpd.GeoDataFrame({"name": ["Land"]}, geometry=[extract.land], crs="OGC:CRS84")
    write.geojson(land, raw / "land.geojson")
    frames = {"streets": streets, "buildings": houses, "stops": extract.stops(), "land_use": land_use}
    for name, frame in {**frames, "quarters": quarters, "land": land}.items():
        write.truth(*write.centres(frame), truth / f"{name}.parquet")


def _rng(part: int) -> np.random.Generator:
    """Return a generator of its own for each layer, so that a change in one leaves the others as they are."""
    return np.random.default_rng([SEED, part])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m data_samples.monaco.make", description=__doc__)
    parser.add_argument("--pbf", type=Path, help="monaco.osm.pbf, or quackosm-0.19.0.tar.gz that carries it")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write raw/ and truth/ into")
    parser.add_argument("--dirt", type=float, metavar="RATE", help="copy the city to --out, spoil this share of rows")
    parser.add_argument("--dirt-seed", type=int, default=1, metavar="N", help="seed of the dirt")
    options = parser.parse_args()
    if options.dirt is not None:
        if options.out.resolve() == HERE.resolve():
            parser.error("--dirt needs --out: a folder other than the clean city")
        for name in ("raw", "truth"):
            shutil.copytree(HERE / name, options.out / name, dirs_exist_ok=True)
        shutil.copy(HERE / "city.yaml", options.out / "city.yaml")
        spoiled = dirt.spoil(options.out, rate=options.dirt, seed=options.dirt_seed)
        print(f"{len(spoiled)} rows spoiled; which and how: {options.out / 'truth' / 'dirt.parquet'}")
    elif options.pbf is None:
        parser.error("--pbf: give the extract; README.md says how to get it")
    else:
        make_city(options.pbf, options.out)
        size = sum(path.stat().st_size for path in options.out.glob("*/*") if path.parent.name in {"raw", "truth"})
        print(f"{options.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
