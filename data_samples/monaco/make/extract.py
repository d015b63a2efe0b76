"""Reads the OpenStreetMap extract: streets, buildings, stops, land use, quarters and the coast."""

from __future__ import annotations

import re
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from data_samples.monaco.make.frames import GEOD

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

AREA = (7.4040, 43.7222, 7.4460, 43.7535)  # min_lon, min_lat, max_lon, max_lat
INSIDE_SDIST = "tests/test_files/monaco.osm.pbf"
URBAN_LIMIT_KMH = 50.0  # Monaco's limit where no sign says otherwise
MOTOR = ("primary", "secondary", "tertiary", "unclassified", "residential", "living_street", "service")
ONEWAY = ("yes", "1", "true", "-1")
LAND_USE_KEYS = ("landuse", "leisure", "natural")
LAND_USE = {
    "grass": "green", "garden": "green", "park": "green", "flowerbed": "green", "forest": "green", "wood": "green",
    "scrub": "green", "dog_park": "green", "pitch": "sport", "stadium": "sport", "playground": "sport",
    "sports_centre": "sport", "fitness_station": "sport", "miniature_golf": "sport", "swimming_pool": "sport",
    "residential": "residential", "commercial": "commercial", "retail": "commercial", "construction": "construction",
    "railway": "railway", "cemetery": "cemetery", "water": "water", "beach": "beach", "beach_resort": "beach",
    "marina": "harbour", "bare_rock": "rock", "cliff": "rock",
}  # fmt: skip


def unpacked(source: Path, folder: Path) -> Path:
    """Return the path of the extract, taken out of the source distribution if that is what was given."""
    if not source.name.endswith(".tar.gz"):
        return source
    with tarfile.open(source) as archive:
        member = next(name for name in archive.getnames() if name.endswith(INSIDE_SDIST))
        stream = archive.extractfile(member)
        if stream is None:
            raise FileNotFoundError(f"{source} lists {member} but holds no such file.")
        target = folder / "monaco.osm.pbf"
        target.write_bytes(stream.read())
    return target


class Extract:
    """Everything the city needs of the extract, in longitude and latitude (WGS 84)."""

    def __init__(self, source: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = str(unpacked(source, Path(folder)))
            self.nodes = _nodes(path)
            self._ways, self._border = _ways(path)
            self._areas = _areas(path)
        coast = [way["geometry"] for way in self._ways if way["tags"].get("natural") == "coastline"]
        self.coast = shapely.union_all(coast)
        self.land = _land(self.coast)

    def streets(self) -> gpd.GeoDataFrame:
        """Every way with a highway tag that is a line: areas (squares) and closed platforms are no street pieces."""
        rows = [_street(way) for way in self._ways if _is_street(way)]
        return _frame(rows).sort_values("osm_id").reset_index(drop=True)

    def buildings(self) -> gpd.GeoDataFrame:
        """Every building area, from closed ways and from multipolygons with holes."""
        rows = [
            {"osm_id": area["id"], "tags": area["tags"], "geometry": area["geometry"]}
            for area in self._areas
            if "building" in area["tags"]
        ]
        return _frame(rows).sort_values("osm_id").reset_index(drop=True)

    def land_use(self) -> gpd.GeoDataFrame:
        """Areas tagged landuse, leisure or natural in one list of classes."""
        rows = []
        for area in self._areas:
            tagged = next(((k, area["tags"][k]) for k in LAND_USE_KEYS if area["tags"].get(k) in LAND_USE), None)
            if tagged is None or "building" in area["tags"]:
                continue
            key, value = tagged
            names = {"land_use": LAND_USE[value], "osm_tag": f"{key}={value}", "name": area["tags"].get("name")}
            rows.append({"area_id": area["id"], **names, "geometry": area["geometry"]})
        return _frame(rows).sort_values("area_id").reset_index(drop=True)

    def stops(self) -> gpd.GeoDataFrame:
        """Nodes where a bus or train stops: platforms, bus stops and stopping positions."""
        kept = ("public_transport", "highway", "bus", "name", "shelter", "bench", "ref")
        rows = []
        for node in self.nodes:
            tags = node["tags"]
            kind = "bus_stop" if tags.get("highway") == "bus_stop" else tags.get("public_transport")
            if kind in {"bus_stop", "platform", "stop_position"}:
                rows.append({
                    "stop_id": node["id"],
                    "kind": kind,
                    **{key: tags.get(key) for key in kept if key not in {"public_transport", "highway"}},
                    "geometry": shapely.Point(node["lon"], node["lat"]),
                })  # fmt: skip
        return _frame(rows).sort_values("stop_id").reset_index(drop=True)

    def quarters(self) -> gpd.GeoDataFrame:
        """Return the nine quarters (admin_level 10).

        Three of them lack one border way in the extract; the straight line between the loose ends closes them.
        """
        rows = []
        for relation in self._border:
            parts = shapely.get_parts(shapely.line_merge(shapely.union_all(relation["lines"])))
            polygons = [shapely.Polygon(part.coords) for part in parts]
            outer = max(polygons, key=lambda polygon: polygon.area)
            on_land = shapely.get_parts(outer.intersection(self.land))
            areal = [part for part in on_land if part.geom_type == "Polygon"]  # a shared edge leaves lines too
            closed = all(part.is_closed for part in parts)
            rows.append({
                "quarter_id": f"r{relation['id']}",
                "name": relation["name"],
                "border": "as mapped" if closed else "one side closed by a straight line",
                "geometry": shapely.union_all(areal),
            })  # fmt: skip
        return _frame(rows).sort_values("quarter_id").reset_index(drop=True)


def _frame(rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs="OGC:CRS84")


def _nodes(path: str) -> list[dict[str, Any]]:
    return [
        {"id": f"n{n.id}", "lon": n.location.lon, "lat": n.location.lat, "tags": {t.k: t.v for t in n.tags}}
        for n in osmium.FileProcessor(path)
        if n.is_node() and len(n.tags)
    ]


def _ways(path: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Ways with their points and node ids, and the border lines of each quarter."""
    ways: dict[int, dict[str, Any]] = {}
    quarters = []
    for item in osmium.FileProcessor(path).with_locations():
        if item.is_way():
            points = [(n.ref, n.location.lon, n.location.lat) for n in item.nodes if n.location.valid()]
            if len(points) > 1:
                line = shapely.LineString([point[1:] for point in points])
                tags = {t.k: t.v for t in item.tags}
                nodes = np.array([point[0] for point in points])
                ways[item.id] = {"id": item.id, "tags": tags, "nodes": nodes, "geometry": line}
        elif item.is_relation() and item.tags.get("admin_level") == "10":
            lines = [ways[m.ref]["geometry"] for m in item.members if m.type == "w" and m.ref in ways]
            quarters.append({"id": item.id, "name": item.tags["name"], "lines": lines})
    return list(ways.values()), quarters


def _areas(path: str) -> list[dict[str, Any]]:
    factory = osmium.geom.WKBFactory()
    areas = []
    for item in osmium.FileProcessor(path).with_areas():
        if item.is_area() and len(item.tags):
            geometry = shapely.from_wkb(factory.create_multipolygon(item))
            single = geometry.geoms[0] if len(geometry.geoms) == 1 else geometry
            name = f"{'w' if item.from_way() else 'r'}{item.orig_id()}"
            areas.append({"id": name, "tags": {t.k: t.v for t in item.tags}, "geometry": single})
    return areas


def _is_street(way: dict[str, Any]) -> bool:
    tags, nodes = way["tags"], way["nodes"]
    if "highway" not in tags or tags.get("area") == "yes":
        return False
    return not (tags["highway"] == "platform" and nodes[0] == nodes[-1])


def _number(text: str | None) -> float:
    found = re.match(r"\s*(\d+(?:\.\d+)?)", text or "")
    return float(found.group(1)) if found else float("nan")


def _street(way: dict[str, Any]) -> dict[str, Any]:
    tags = way["tags"]
    kind = tags["highway"].removesuffix("_link")
    motor = kind in MOTOR and tags.get("access") not in {"no", "private"} and tags.get("motor_vehicle") != "no"
    tagged = _number(tags.get("maxspeed"))
    backward = tags.get("oneway") == "-1"
    geometry = way["geometry"].reverse() if backward else way["geometry"]
    limit = tagged if np.isfinite(tagged) else (URBAN_LIMIT_KMH if motor else float("nan"))
    return {
        "osm_id": way["id"],
        "street_id": f"w{way['id']}",
        "name": tags.get("name"),
        "highway": tags["highway"],
        "oneway": tags.get("oneway") in ONEWAY or tags.get("junction") == "roundabout",
        "motor": motor,
        "speed_limit_kmh": limit,
        "speed_limit_source": "tag" if np.isfinite(tagged) else ("urban default" if motor else None),
        "lanes": _number(tags.get("lanes")),
        "tunnel": tags.get("tunnel", "no") != "no",
        "bridge": tags.get("bridge", "no") != "no",
        "length_m": round(GEOD.geometry_length(geometry), 2),
        "nodes": way["nodes"][::-1] if backward else way["nodes"],
        "geometry": geometry,
    }


def _land(coast: BaseGeometry) -> BaseGeometry:
    """Land inside AREA: the coast of the extract, led on to the edge of the area at both of its ends."""
    west, south, east, north = AREA
    parts = shapely.get_parts(shapely.line_merge(coast))
    line = max(parts, key=lambda part: part.length)
    points = list(line.coords)
    if points[0][1] > points[-1][1]:
        points.reverse()
    southernmost = min(range(len(points)), key=lambda i: points[i][1])  # before it comes only the corner of a pier
    ring = [(west, south), *points[southernmost:], (east, north), (west, north)]
    islands = [shapely.Polygon(part.coords) for part in parts if part.is_closed]
    return shapely.union_all([shapely.Polygon(ring), *islands])
