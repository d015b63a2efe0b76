"""Makes the whole city: everything that needs the extract, and the packages osmium and aequilibrae."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np

from data_samples.monaco.make import air, buildings, network, sensors, society, traffic, write
from data_samples.monaco.make.extract import AREA, Extract
from data_samples.monaco.make.frames import from_frame
from data_samples.monaco.make.sample import rng

if TYPE_CHECKING:
    from pathlib import Path


def make_city(source: Path, out: Path) -> None:
    """Make every raw file, the true positions and the list of digests.

    Parameters
    ----------
    source : Path
        The extract (``monaco.osm.pbf``) or the source distribution that carries it.
    out : Path
        Folder that gets ``raw/``, ``truth/`` and ``SHA256SUMS``.
    """
    raw, truth = out / "raw", out / "truth"
    for folder in (raw, truth):
        folder.mkdir(parents=True, exist_ok=True)
    extract = Extract(source)
    streets = extract.streets()
    houses = buildings.with_heights(extract.buildings(), extract.coast)
    _write_mapped(extract, streets, houses, out)
    quarters = gpd.read_file(raw / "quarters.geojson")  # as published, so that a user can redo what follows
    flows = traffic.model(network.build(streets), houses)
    plumes = air.Streets(streets, flows)
    samples = {
        "detectors.csv.gz": sensors.detectors(streets, flows, rng(1)),
        "probes.csv.gz": sensors.probes(streets, flows, rng(2)),
        "air_stations.csv": air.stations(plumes, quarters, rng(31)),
        "old_sites_ntf.csv": society.old_sites(quarters, "EPSG:4807", rng(4)),
        "old_sites_lambert.csv": society.old_sites(quarters, "EPSG:27573", rng(5)),
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
    write_digests(out)


def _write_mapped(extract: Extract, streets: gpd.GeoDataFrame, houses: gpd.GeoDataFrame, out: Path) -> None:
    """Write what OpenStreetMap holds."""
    raw = out / "raw"
    quarters, land_use, stops = extract.quarters(), extract.land_use(), extract.stops()
    land = gpd.GeoDataFrame({"name": ["Land"]}, geometry=[extract.land], crs="OGC:CRS84")
    write.geoparquet(streets.drop(columns=["nodes", "osm_id"]), raw / "streets.parquet")
    buildings.write_cityjson(houses, raw / "buildings.city.json")
    write.geojson(stops, raw / "stops.geojson")
    write.geopackage(land_use.to_crs("EPSG:2154"), raw / "land_use.gpkg", "land_use")
    write.geojson(quarters, raw / "quarters.geojson")
    write.geojson(land, raw / "land.geojson")
    mapped = {"streets": streets, "buildings": houses, "stops": stops, "land_use": land_use, "quarters": quarters}
    for name, frame in {**mapped, "land": land}.items():
        write.truth(*write.centres(frame), out / "truth" / f"{name}.parquet")


def write_digests(out: Path) -> None:
    """Write ``SHA256SUMS`` over all raw files and truths, in the form that sha256sum reads."""
    files = sorted(path for folder in ("raw", "truth") for path in (out / folder).iterdir())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(out).as_posix()}\n" for path in files]
    (out / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
