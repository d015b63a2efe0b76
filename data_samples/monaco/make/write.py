"""Writes the raw files and the truth, byte for byte the same when run again."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

NO_DATA = -9999.0
FIXED_TIME = "2026-01-01T00:00:00.000Z"  # GeoPackage notes when it was written


def csv(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV, gzipped without a time stamp if the name ends so."""
    text = table.to_csv(index=False, lineterminator="\n").encode("utf-8")
    if path.suffix == ".gz":
        stream = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as archive:
            archive.write(text)
        text = stream.getvalue()
    path.write_bytes(text)


def geojson(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write GeoJSON (RFC 7946: longitude, latitude, seven decimals)."""
    rounded = frame.set_geometry(shapely.set_precision(frame.geometry.to_numpy(), 1e-7))
    features(json.loads(rounded.to_json(drop_id=True, na="null"))["features"], path)


def features(items: list[dict[str, object]], path: Path) -> None:
    """Write GeoJSON features, one a line."""
    lines = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items)
    path.write_text('{"type":"FeatureCollection","features":[\n' + lines + "\n]}\n", encoding="utf-8")


def geoparquet(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write GeoParquet 1.1 in longitude and latitude."""
    frame.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0")


def geopackage(frame: gpd.GeoDataFrame, path: Path, layer: str) -> None:
    """Write a GeoPackage with one layer."""
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_TIME})
    frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")


def geotiff(values: np.ndarray, transform: tuple[float, ...], path: Path, frame: str) -> None:
    """Write one band of float32 with a no-data value, pixel is area."""
    data = np.where(np.isnan(values), NO_DATA, np.round(values, 2)).astype("float32")
    profile = {
        "driver": "GTiff", "height": data.shape[0], "width": data.shape[1], "count": 1, "dtype": "float32",
        "crs": CRS.from_string(frame), "transform": Affine(*transform), "nodata": NO_DATA, "compress": "deflate",
        "predictor": 3,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        target.write(data, 1)
        target.set_band_description(1, "NO2, mean of the day")
        target.update_tags(1, unit="ug/m3")


def truth(lon: np.ndarray, lat: np.ndarray, path: Path) -> None:
    """Write where each record truly is: its number in the raw file, longitude, latitude (1e-7 degree)."""
    columns = {"row": np.arange(len(lon), dtype="int32"), "lon": np.round(lon, 7), "lat": np.round(lat, 7)}
    pd.DataFrame(columns).to_parquet(path, index=False, compression="zstd")


def centres(frame: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of the middle of lines and of the centroid of everything else."""
    lonlat = frame.to_crs("OGC:CRS84").geometry.to_numpy()
    lines = np.isin(shapely.get_type_id(lonlat), [1, 5])
    points = np.where(lines, shapely.line_interpolate_point(np.where(lines, lonlat, None), 0.5, normalized=True), None)
    points = np.where(lines, points, shapely.centroid(lonlat))
    return shapely.get_x(points), shapely.get_y(points)
