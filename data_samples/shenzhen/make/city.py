"""Makes the whole city: every raw file, where each of its records truly is, and the list of digests."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from data_samples.monaco.make import write
from data_samples.shenzhen.make import air, along, buildings, places, sensors, streets, traffic
from data_samples.shenzhen.make.frames import to_frame
from data_samples.shenzhen.make.sample import Sample, rng

if TYPE_CHECKING:
    from pathlib import Path

#: Shapefiles note the day on which they were written, in three bytes after the first.
DBF_DAY = bytes([126, 6, 16])


def make_city(wheel: Path | None, out: Path) -> None:
    """Make every raw file, the true positions and the list of digests.

    Parameters
    ----------
    wheel : Path or None
        The wheel of aequilibrae that carries the streets; the installed package if None.
    out : Path
        Folder that gets ``raw/``, ``truth/`` and ``SHA256SUMS``.
    """
    for folder in (out / "raw", out / "truth"):
        folder.mkdir(parents=True, exist_ok=True)
    links = streets.read(wheel)
    _write_mapped(links, out)
    houses = buildings.place(links, rng(1))
    _write_buildings(houses, out)
    _write_tables(links, houses, out)
    write_digests(out)


def _write_mapped(links: gpd.GeoDataFrame, out: Path) -> None:
    write.geoparquet(links, out / "raw" / "streets.parquet")
    roads, areas = along.routes(links), places.districts(links)
    write.geojson(roads, out / "raw" / "routes.geojson")
    write.geojson(areas, out / "raw" / "districts.geojson")
    for name, frame in (("streets", links), ("routes", roads), ("districts", areas)):
        _truth(*write.centres(frame), "OGC:CRS84", out / "truth" / f"{name}.parquet")


def _write_tables(links: gpd.GeoDataFrame, houses: gpd.GeoDataFrame, out: Path) -> None:
    """Write everything that is a table of points."""
    raw = out / "raw"
    flows = traffic.model(links)
    roads = gpd.read_file(raw / "routes.geojson")  # as published, so that a user can redo what follows
    land = gpd.read_file(raw / "districts.geojson").union_all()
    stations, readings = air.stations(links, flows, land, rng(2))
    shops_a, shops_b = places.maps(houses, rng(3))
    samples = {
        "air_stations.csv": stations,
        "air_readings.csv": readings,
        "detectors.csv.gz": sensors.detectors(links, flows, rng(4)),
        "incidents.csv": sensors.incidents(roads, rng(5)),
        "vehicles.csv.gz": sensors.vehicles(links, flows, rng(6)),
        "taxis.csv.gz": sensors.taxis(links, flows, rng(7)),
        "bus_stops.csv": places.bus_stops(links, rng(8)),
        "parking.csv": places.parking(links, rng(9)),
        "building_register.csv": places.register(houses, rng(10)),
        "tunnel_sensors.csv": places.tunnel_sensors(links, rng(11)),
        "control_points.csv": places.control_points(links, rng(12)),
    }
    for name, sample in samples.items():
        write.csv(sample.table, raw / name)
    _points(shops_a).to_parquet(raw / "shops_a.parquet", index=False, compression="zstd", schema_version="1.1.0")
    items = json.loads(_points(shops_b).to_json(drop_id=True))["features"]
    write.features(items, raw / "shops_b.geojson")
    for name, sample in {**samples, "shops_a.parquet": shops_a, "shops_b.geojson": shops_b}.items():
        _truth(sample.lon, sample.lat, sample.definition, out / "truth" / f"{name.split('.')[0]}.parquet")


def _points(sample: Sample) -> gpd.GeoDataFrame:
    """Return a list of places as its company publishes it: labelled longitude and latitude, whatever they are."""
    points = shapely.points(sample.table["x"], sample.table["y"])
    return gpd.GeoDataFrame(sample.table.drop(columns=["x", "y"]), geometry=points, crs="OGC:CRS84")


def _write_buildings(houses: gpd.GeoDataFrame, out: Path) -> None:
    """Write a Shapefile in CGCS2000, zone 38 in front of the easting, Chinese attributes in GBK, without a .prj."""
    lonlat = buildings.lonlat(houses)
    geometry = shapely.transform(
        lonlat.geometry.to_numpy(), lambda c: np.round(np.column_stack(to_frame(*c.T, buildings.FRAME)), 3)
    )
    table = pd.DataFrame({
        "楼栋编号": houses["building_id"],
        "建筑高度": houses["height_m"].round(2),
        "高度来源": houses["height_source"].map({"tag": "标注", "modelled": "模拟"}).fillna("层数推算"),
        "层数": houses["levels"].fillna(0).astype("int32"),
        "用途": houses["use"],
        "路段编号": houses["link_id"],
        "原形编号": houses["source_id"],
    })  # fmt: skip
    path = out / "raw" / "buildings.shp"
    frame = gpd.GeoDataFrame(table, geometry=geometry, crs=buildings.FRAME)
    pyogrio.write_dataframe(frame, path, driver="ESRI Shapefile", encoding="GBK", layer_options={"RESIZE": "YES"})
    path.with_suffix(".prj").unlink()
    with path.with_suffix(".dbf").open("r+b") as file:
        file.seek(1)
        file.write(DBF_DAY)
    _truth(*write.centres(lonlat), buildings.FRAME, out / "truth" / "buildings.parquet")


def _truth(lon: np.ndarray, lat: np.ndarray, definition: str | np.ndarray, path: Path) -> None:
    """Write where each record truly is, and what its position means: a definition, or the layer that it refers to."""
    table = pd.DataFrame({
        "row": np.arange(len(lon), dtype="int32"),
        "lon": np.round(lon, 7),
        "lat": np.round(lat, 7),
        "definition": definition,
    })  # fmt: skip
    table.to_parquet(path, index=False, compression="zstd")


def write_digests(out: Path) -> None:
    """Write ``SHA256SUMS`` over all raw files and truths, in the form that sha256sum reads."""
    files = sorted(path for folder in ("raw", "truth") for path in (out / folder).iterdir())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(out).as_posix()}\n" for path in files]
    (out / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
