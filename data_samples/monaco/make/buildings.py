"""Heights of the buildings (tag, levels or modelled), ground heights and the CityJSON file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from data_samples.monaco.make.frames import to_frame

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

FRAME = "EPSG:3944"
LEVEL_M = 3.2
SOURCE_LEVELS = "levels \u00d7 3.2 m"
NEIGHBOURS = 5  # buildings with known levels whose median stands in for unknown levels
SMALL_M2 = 40.0
ONE_LEVEL = {"roof", "kiosk", "garage", "shed", "greenhouse", "hangar", "service", "barn"}
HOMES = {"apartments", "residential", "house", "terrace", "yes"}
FUNCTIONS = {
    "apartments": "residential", "residential": "residential", "house": "residential", "terrace": "residential",
    "commercial": "commercial", "retail": "commercial", "restaurant": "commercial", "kiosk": "commercial",
    "office": "office", "hotel": "hotel", "hospital": "health", "school": "education", "college": "education",
    "church": "worship", "chapel": "worship", "cathedral": "worship", "industrial": "industrial",
    "public": "public", "stadium": "sport", "railway": "transport", "construction": "under construction",
}  # fmt: skip
SLOPE = 0.17  # rise of the ground per metre from the coast, towards the Tête de Chien
ROCK = (7.4246, 43.7311, 55.0, 190.0)  # the Rock of Monaco-Ville: lon, lat, height_m, radius_m


def with_heights(buildings: gpd.GeoDataFrame, coast: BaseGeometry) -> gpd.GeoDataFrame:
    """Add levels, height and its source, ground height, footprint area and volume to buildings."""
    metric = buildings.to_crs(FRAME)
    kinds = np.array([tags["building"] for tags in buildings["tags"]])
    tagged_height = np.array([_first_number(tags.get("height")) for tags in buildings["tags"]])
    tagged_levels = np.array([_first_number(tags.get("building:levels")) for tags in buildings["tags"]])
    area = metric.area.to_numpy()
    modelled = _modelled_levels(metric, kinds, tagged_levels)
    has_height, has_levels = np.isfinite(tagged_height), np.isfinite(tagged_levels)
    levels = np.where(has_levels, tagged_levels, modelled)
    height = np.where(has_height, tagged_height, levels * LEVEL_M)
    source = np.where(has_height, "tag", np.where(has_levels, SOURCE_LEVELS, "modelled"))
    ground = ground_heights(metric.representative_point(), gpd.GeoSeries([coast], crs="OGC:CRS84").to_crs(FRAME)[0])
    return gpd.GeoDataFrame(
        {
            "building_id": buildings["osm_id"],
            "name": [tags.get("name") for tags in buildings["tags"]],
            "function": [FUNCTIONS.get(kind, "unknown") for kind in kinds],
            "osm_building": kinds,
            "levels": pd.array(np.where(has_height & ~has_levels, np.nan, levels), dtype="Float64"),
            "height_m": np.round(height, 2),
            "height_source": source,
            "ground_m": np.round(ground, 1),
            "ground_source": "modelled",
            "footprint_m2": np.round(area, 1),
            "building_volume_m3": np.round(area * height, 1),
        },
        geometry=buildings.geometry.to_numpy(),
        crs=buildings.crs,
    )


def _first_number(text: str | None) -> float:
    found = re.search(r"\d+(?:\.\d+)?", text or "")
    value = float(found.group()) if found else float("nan")
    return value if value > 0 else float("nan")


def _modelled_levels(metric: gpd.GeoDataFrame, kinds: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Levels of every building from its surroundings: the median of the five nearest with known levels."""
    points = metric.representative_point()
    xy = np.column_stack([points.x, points.y])
    known = np.flatnonzero(np.isfinite(levels))
    _, nearest = cKDTree(xy[known]).query(xy, k=NEIGHBOURS)
    around = np.maximum(np.round(np.median(levels[known][nearest], axis=1)), 1.0)
    small = np.isin(kinds, list(ONE_LEVEL)) | (metric.area.to_numpy() < SMALL_M2)
    return np.where(small, 1.0, around)


def ground_heights(points: gpd.GeoSeries, coast: BaseGeometry) -> np.ndarray:
    """Modelled ground height (metre above NGF-IGN69): a slope from the sea, and the Rock."""
    inland = shapely.distance(points.to_numpy(), coast)
    rock_x, rock_y = to_frame(ROCK[0], ROCK[1], FRAME)
    to_rock = np.hypot(points.x.to_numpy() - rock_x, points.y.to_numpy() - rock_y)
    return np.maximum(2.0 + SLOPE * inland, ROCK[2] * np.exp(-((to_rock / ROCK[3]) ** 4)))


def write_cityjson(buildings: gpd.GeoDataFrame, path: Path) -> None:
    """Write CityJSON 2.0: one LoD 1.2 solid a building, millimetres, EPSG:3944 and NGF-IGN69 heights.

    ``referenceSystem`` allows one EPSG code, and no code joins CC44 and NGF-IGN69: it names the horizontal frame, the
    title and the attribute ``height_datum`` name the vertical one.
    """
    box = shapely.transform(buildings.geometry.to_numpy(), _to_metric)
    low = np.floor(shapely.bounds(box).min(axis=0)[:2])
    vertices: dict[tuple[int, int, int], int] = {}
    objects = {}
    records = buildings.drop(columns="geometry").to_dict("records")
    for record, polygon in zip(records, box, strict=True):
        ground, top = record["ground_m"], record["ground_m"] + record["height_m"]
        solid = _solid(polygon, (ground, top), low, vertices)
        attributes = {k: v for k, v in record.items() if k != "building_id" and v is not None and not pd.isna(v)}
        objects[record["building_id"]] = {
            "type": "Building",
            "attributes": {"building_id": record["building_id"], **attributes, "height_datum": "EPSG:5720"},
            "geometry": [{"type": "Solid", "lod": "1.2", "boundaries": [solid]}],
        }
    corners = np.array(list(vertices))
    real = corners * 0.001 + [low[0], low[1], 0.0]
    extent = [*real.min(axis=0), *real.max(axis=0)]
    city: dict[str, Any] = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [low[0], low[1], 0.0]},
        "metadata": {
            "title": "Buildings of Monaco, LoD 1.2; x, y RGF93 v1 / CC44 (EPSG:3944), heights NGF-IGN69 (EPSG:5720)",
            "referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/3944",
            "geographicalExtent": [round(float(value), 3) for value in extent],
        },
        "CityObjects": objects,
        "vertices": corners.tolist(),
    }
    path.write_text(json.dumps(city, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def _to_metric(lonlat: np.ndarray) -> np.ndarray:
    return np.column_stack(to_frame(lonlat[:, 0], lonlat[:, 1], FRAME))


def _solid(
    polygon: BaseGeometry, heights: tuple[float, float], low: np.ndarray, vertices: dict[tuple[int, int, int], int]
) -> list[list[list[int]]]:
    """Faces of an upright prism, seen from outside anticlockwise: floor, roof and one wall an edge."""
    oriented = shapely.orient_polygons(polygon)
    floors, roofs, walls = [], [], []
    for ring in [oriented.exterior, *oriented.interiors]:
        plan = np.round((np.asarray(ring.coords)[:-1, :2] - low) * 1000).astype(int)
        plan = plan[np.any(plan != np.roll(plan, 1, axis=0), axis=1)]
        if len(plan) < 3:
            continue
        floor, roof = (
            [vertices.setdefault((int(x), int(y), round(z * 1000)), len(vertices)) for x, y in plan] for z in heights
        )
        floors.append(floor[::-1])
        roofs.append(roof)
        following = [(i, (i + 1) % len(plan)) for i in range(len(plan))]
        walls += [[[floor[i], floor[j], roof[j], roof[i]]] for i, j in following]
    return [floors, roofs, *walls]
