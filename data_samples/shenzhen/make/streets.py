"""Reads the streets of Coquimbo and La Serena out of the wheel of aequilibrae and moves them."""

from __future__ import annotations

import importlib.util
import sqlite3
import struct
import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data_samples.shenzhen.make.frames import GEOD
from data_samples.shenzhen.make.moved import STREETS

PROJECT = "aequilibrae/reference_files/coquimbo.zip"
DATABASE = "project_database.sqlite"
SPEED_KMH = {
    "motorway": 100.0, "trunk": 80.0, "primary": 60.0, "secondary": 50.0, "tertiary": 40.0, "unclassified": 40.0,
    "residential": 30.0, "living_street": 20.0,
}  # fmt: skip
LANES = {"motorway": 3, "trunk": 2, "primary": 2, "secondary": 2}
#: Of the blob of a line in SpatiaLite: where its class and its number of points stand, and where its points begin.
CLASS_AT, LINE, POINTS_AT = 39, 2, 47


def read(wheel: Path | None = None) -> gpd.GeoDataFrame:
    """Read and move the streets.

    Parameters
    ----------
    wheel : Path, optional
        The wheel of aequilibrae; the installed package if left out. Nothing of it is imported.

    Returns
    -------
    geopandas.GeoDataFrame
        One row a link, in longitude and latitude at the new place; connectors of the transport model are left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        with _project(wheel) as project:
            project.extract(DATABASE, folder)
        connection = sqlite3.connect(Path(folder) / DATABASE)
        try:
            links = pd.read_sql_query(
                "SELECT link_id, a_node, b_node, direction, link_type, name, lanes_ab, speed_ab, geometry FROM links "
                "WHERE link_type <> 'centroid_connector' ORDER BY link_id",
                connection,
            )
        finally:
            connection.close()
    lines = [_line(blob) for blob in links["geometry"]]
    sizes = [len(line) for line in lines]
    moved = np.split(STREETS(np.concatenate(lines)), np.cumsum(sizes)[:-1])
    geometry = np.array([shapely.LineString(line) for line in moved], dtype=object)
    kind = links["link_type"]
    lanes = links["lanes_ab"].fillna(kind.map(LANES)).fillna(1).clip(1, 5).round()
    table = {
        "link_id": [f"L{number:05d}" for number in links["link_id"]],
        "name": links["name"],
        "highway": kind,
        "oneway": links["direction"] == 1,
        "lanes": lanes.astype("int8"),
        "speed_limit_kmh": links["speed_ab"].fillna(kind.map(SPEED_KMH)),
        "speed_limit_source": np.where(links["speed_ab"].notna(), "tag", "by class"),
        "length_m": np.round(lengths_m(geometry), 2),
        "from_node": links["a_node"].astype("int32"),
        "to_node": links["b_node"].astype("int32"),
    }
    return gpd.GeoDataFrame(table, geometry=geometry, crs="OGC:CRS84")


def lengths_m(lines: np.ndarray) -> np.ndarray:
    """Lengths of lines on the ellipsoid, metres."""
    return np.array([GEOD.geometry_length(line) for line in lines])


def _project(wheel: Path | None) -> zipfile.ZipFile:
    if wheel is None:
        package = importlib.util.find_spec("aequilibrae")
        if package is None or package.origin is None:
            raise ModuleNotFoundError("No module named 'aequilibrae'", name="aequilibrae")
        return zipfile.ZipFile(Path(package.origin).parent.parent / PROJECT)
    with zipfile.ZipFile(wheel) as outer:
        return zipfile.ZipFile(outer.open(PROJECT))


def _line(blob: bytes) -> np.ndarray:
    """Coordinates of a line as SpatiaLite stores it: start, frame, box, then little-endian numbers."""
    kind, count = struct.unpack_from("<ii", blob, CLASS_AT)
    if blob[1] != 1 or kind != LINE:
        raise ValueError(f"class {kind} is no line in the order of bytes that is read here")
    return np.frombuffer(blob, "<f8", 2 * count, POINTS_AT).reshape(-1, 2)
