"""Reading beside geopandas and pyogrio, the child process counted: `python -m benchmarks.reading`.

Each pair reads the same file in turn, five times; the answers are compared before anything is timed. Ratios are
theirs / ours: above 1 we are quicker. Processor time is that of all processes, and steadier than the clock on a
machine that does other things.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely

import crs
import layers

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = 5
AT = {"definition": "OGC:CRS84", "columns": ["lon", "lat"]}


class _Children(logging.Handler):
    """Adds up the processor time of the children, which they say when they end."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seconds = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == 4:
            self.seconds += float(record.args[3])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Pair:
    """One file, and two ways to read it."""

    name: str
    asked: float
    path: Path
    theirs: Callable[[Path], Any]
    position: Any = None
    options: layers.ReadOptions = field(default_factory=layers.ReadOptions)

    def ours(self) -> layers.Layer | layers.RasterLayer:
        """Read it as anybody would."""
        return layers.read(self.path, position=self.position, options=self.options)


def _read_csv(path: Path) -> gpd.GeoDataFrame:
    frame = pd.read_csv(path)
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs="OGC:CRS84")


def _read_raster(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return np.ma.filled(file.read(1, masked=True).astype(np.float64), np.nan)


def _points(n: int) -> gpd.GeoDataFrame:
    random = np.random.default_rng(6)
    lon, lat = (7.4 + random.random(n) / 10).round(6), (43.7 + random.random(n) / 10).round(6)
    table = {"id": np.arange(n), "speed_kmh": (random.random(n) * 100).round(1), "lon": lon, "lat": lat}
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(lon, lat), crs="OGC:CRS84")


def _areas(n: int) -> gpd.GeoDataFrame:
    random = np.random.default_rng(7)
    middles = shapely.points(680_000 + random.random(n) * 1e4, 5_403_000 + random.random(n) * 1e4)
    shapes = shapely.buffer(middles, 3 + random.random(n) * 9, quad_segs=6)
    return gpd.GeoDataFrame(
        {"id": np.arange(n), "name": [f"h{i}" for i in range(n)]}, geometry=shapes, crs="EPSG:25832"
    )


def _lay_out(folder: Path, points: int, areas: int) -> list[Pair]:
    dots, shapes = _points(points), _areas(areas)
    plain = dots.drop(columns=["lon", "lat"])
    pd.DataFrame(dots.drop(columns="geometry")).to_csv(folder / "points.csv", index=False)
    plain.to_parquet(folder / "points.parquet")
    plain.iloc[:areas].to_file(folder / "points.geojson", driver="GeoJSON")
    shapes.to_parquet(folder / "areas.parquet")
    for name in ("areas.gpkg", "areas.shp", "areas.fgb"):
        shapes.to_file(folder / name)
    values = np.random.default_rng(8).random((2000, 3000)).astype(np.float32)
    profile = {"width": 3000, "height": 2000, "count": 1, "dtype": "float32", "crs": "EPSG:25832", "nodata": -1}
    transform = rasterio.Affine(10, 0, 680_000, 0, -10, 5_403_000)
    with rasterio.open(folder / "field.tif", "w", driver="GTiff", transform=transform, **profile) as file:
        file.write(values, 1)
    vector = pyogrio.read_dataframe
    return [
        Pair("CSV, points", 4.0, folder / "points.csv", _read_csv, AT),
        Pair("GeoParquet, points", 4.0, folder / "points.parquet", gpd.read_parquet),
        Pair("GeoParquet, areas", 0.8, folder / "areas.parquet", gpd.read_parquet),
        Pair("GeoPackage, areas", 0.8, folder / "areas.gpkg", vector),
        Pair("Shapefile, areas", 0.8, folder / "areas.shp", vector),
        Pair("FlatGeobuf, areas", 0.8, folder / "areas.fgb", vector),
        Pair("GeoJSON, points", 0.8, folder / "points.geojson", vector),
        Pair("GeoTIFF, 6 M pixels", 0.8, folder / "field.tif", _read_raster),
    ]


def _compare(pair: Pair) -> int:
    """Hold the two answers against each other; returns the number of records."""
    ours, theirs = pair.ours(), pair.theirs(pair.path)
    if isinstance(ours, layers.RasterLayer):
        np.testing.assert_array_equal(ours.values, theirs)
        return int(theirs.size)
    if pair.position is None:
        np.testing.assert_array_equal(shapely.to_wkb(ours.geometry), shapely.to_wkb(theirs.geometry.array))
    else:
        for values, name in zip(ours.coordinates.columns, pair.position["columns"], strict=True):
            np.testing.assert_array_equal(np.asarray(values, dtype=np.float64), theirs[name].to_numpy())
    for name in theirs.columns.drop("geometry"):
        np.testing.assert_array_equal(ours.table[name].to_numpy(), theirs[name].to_numpy())
    return len(theirs)


def _made(layer: layers.Layer | layers.RasterLayer) -> object:
    """Ask for what is made when it is first asked for."""
    if isinstance(layer, layers.RasterLayer):
        return layer
    return layer.coordinates.columns if isinstance(layer.coordinates, crs.Fields) else layer.geometry


def _timed(action: Callable[[], object], children: _Children) -> tuple[float, float]:
    children.seconds = 0.0
    clock, processor = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - clock, time.process_time() - processor + children.seconds


def main() -> None:
    """Print a table."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--points", type=int, default=1_000_000)
    told.add_argument("--areas", type=int, default=100_000)
    told.add_argument("--made", action="store_true", help="ask for every geometry, and position as written, too")
    asked = told.parse_args()
    children = _Children()
    logger = logging.getLogger("layers.jail.client")
    logger.addHandler(children)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    print("| file | records | theirs, s | ours, s | ratio | theirs, processor s | ours | ratio | asked |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for pair in _lay_out(Path(scratch), asked.points, asked.areas):
            count = _compare(pair)
            runs = []
            for _ in range(TURNS):
                theirs = _timed(lambda pair=pair: pair.theirs(pair.path), children)
                ours = (lambda pair=pair: _made(pair.ours())) if asked.made else pair.ours
                runs.append((*theirs, *_timed(ours, children)))
            t_clock, t_processor, o_clock, o_processor = (statistics.median(each) for each in zip(*runs, strict=True))
            print(
                f"| {pair.name} | {count:,} | {t_clock:.2f} | {o_clock:.2f} | {t_clock / o_clock:.2f} | "
                f"{t_processor:.2f} | {o_processor:.2f} | {t_processor / o_processor:.2f} | {pair.asked} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
