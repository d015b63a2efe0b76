"""Buildings of Monaco, each moved as it is to a lot beside a street of the new place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from data_samples.shenzhen.make.frames import PLANE, from_plane, to_frame

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MONACO = Path(__file__).parents[2] / "monaco" / "raw" / "buildings.city.json"
MONACO_FRAME = "EPSG:3944"
FRAME = "EPSG:4526"
BUILDINGS = 4200
# Three quarters fill up with buildings from their middles outwards: longitude, latitude, share.
QUARTERS = ((114.0115, 22.6075, 0.5), (113.9565, 22.6185, 0.3), (114.0480, 22.5330, 0.2))
HALF_STREET_M = {"motorway": 22.0, "trunk": 18.0, "primary": 13.0, "secondary": 10.0, "tertiary": 8.0}
NARROW_M = 5.0
SETBACK_M, GAP_M = 2.5, 4.0
SHORTEST_LINK_M = 24.0
TRIES = 6  # shapes that are tried on a lot before the next metres of the street are
USES = {
    "residential": "住宅", "commercial": "商业", "office": "办公", "hotel": "酒店", "health": "医疗",
    "education": "教育", "worship": "宗教", "industrial": "工业", "public": "公共", "sport": "体育",
    "transport": "交通", "under construction": "在建", "unknown": "其他",
}  # fmt: skip


def shapes() -> gpd.GeoDataFrame:
    """Footprints of Monaco in metres about their own middle, the long side along x, with what is known of them."""
    city = json.loads(MONACO.read_text(encoding="utf-8"))
    corners = np.array(city["vertices"]) * city["transform"]["scale"] + city["transform"]["translate"]
    lon, lat = pyproj.Transformer.from_crs(MONACO_FRAME, "EPSG:4326", always_xy=True).transform(*corners.T[:2])
    # A plane that keeps lengths: three kilometres from its centre it is true to a hundredth of a millimetre a metre.
    plane = pyproj.Proj(proj="aeqd", lon_0=7.4246, lat_0=43.7384, ellps="WGS84")
    metres = np.column_stack(plane(lon, lat))
    rows = []
    for name, item in city["CityObjects"].items():
        floor = item["geometry"][0]["boundaries"][0][0]
        polygon = shapely.Polygon(metres[floor[0]], [metres[hole] for hole in floor[1:]])
        if not polygon.is_valid or polygon.area < 30.0:
            continue
        told = item["attributes"]
        rows.append({
            "source_id": name,
            "height_m": told["height_m"],
            "height_source": told["height_source"],
            "levels": told.get("levels"),
            "use": USES[told["function"]],
            "geometry": _laid_flat(polygon),
        })  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry")


def _laid_flat(polygon: BaseGeometry) -> BaseGeometry:
    """Turn a footprint so that the long side of its box lies along x, its middle in the origin."""
    box = np.asarray(shapely.oriented_envelope(polygon).exterior.coords)
    sides = np.diff(box[:3], axis=0)
    longer = sides[int(np.argmax(np.hypot(*sides.T)))]
    angle = np.arctan2(longer[1], longer[0])
    turned = shapely.transform(polygon, lambda xy: (xy - box[:4].mean(axis=0)) @ _rotation(-angle).T)
    west, south, east, north = turned.bounds
    middle = [(west + east) / 2.0, (south + north) / 2.0]
    return shapely.transform(turned, lambda xy: xy - middle)


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


class Ground:
    """What stands where, in metres of `PLANE`: a lot is free if it keeps off all streets and all buildings."""

    def __init__(self, streets: gpd.GeoDataFrame) -> None:
        self.half_m = streets["highway"].map(HALF_STREET_M).fillna(NARROW_M).to_numpy()
        lines = shapely.transform(streets.geometry.to_numpy(), lambda c: np.column_stack(to_frame(*c.T, PLANE)))
        self.lines = lines
        self._streets = shapely.STRtree(shapely.buffer(lines, self.half_m, quad_segs=3))
        self._built: dict[tuple[int, int], list[BaseGeometry]] = {}

    def is_free(self, lot: BaseGeometry) -> bool:
        """Say whether a building may stand here."""
        if len(self._streets.query(lot, predicate="intersects")):
            return False
        near = {id(other): other for tile in _tiles(lot) for other in self._built.get(tile, ())}
        return not any(lot.distance(other) < GAP_M / 2.0 for other in near.values())

    def lot(self, link: int, shape: BaseGeometry, *, metre: float, side: float) -> BaseGeometry | None:
        """Lay a footprint beside a street from a metre on, None if that place is taken."""
        line = self.lines[link]
        west, south, east, north = shape.bounds
        if metre + east - west > line.length + 6.0:
            return None
        start, end = (line.interpolate(at) for at in (metre, min(metre + east - west, line.length)))
        along = np.array([end.x - start.x, end.y - start.y])
        length = float(np.hypot(*along))
        if length < 1.0:
            return None
        along /= length
        left = np.array([-along[1], along[0]]) * side
        away = self.half_m[link] + SETBACK_M + (north - south) / 2.0
        middle = np.array([(start.x + end.x) / 2.0, (start.y + end.y) / 2.0]) + left * away
        turn = _rotation(float(np.arctan2(along[1], along[0])))
        lot = shapely.transform(shape, lambda xy: xy @ turn.T + middle)
        return lot if self.is_free(lot) else None

    def build(self, lot: BaseGeometry) -> None:
        """Put a building down."""
        for tile in _tiles(lot):
            self._built.setdefault(tile, []).append(lot)


def _tiles(lot: BaseGeometry) -> list[tuple[int, int]]:
    west, south, east, north = (np.asarray(lot.bounds) + np.array([-GAP_M, -GAP_M, GAP_M, GAP_M])) // 100.0
    return [(int(i), int(j)) for i in np.arange(west, east + 1) for j in np.arange(south, north + 1)]


def place(streets: gpd.GeoDataFrame, draw: np.random.Generator) -> gpd.GeoDataFrame:
    """Set buildings along the streets of three quarters, both sides, fronts towards the street.

    Parameters
    ----------
    streets : geopandas.GeoDataFrame
        Longitude and latitude.
    draw : numpy.random.Generator
        For the order in which the shapes are used.

    Returns
    -------
    geopandas.GeoDataFrame
        In `PLANE`; ``link_id`` is the street in front.
    """
    stock, ground = shapes(), Ground(streets)
    middles = shapely.line_interpolate_point(ground.lines, 0.5, normalized=True)
    rows: list[dict[str, Any]] = []
    for lon, lat, share in QUARTERS:
        centre = shapely.Point(*(float(value) for value in to_frame(np.array(lon), np.array(lat), PLANE)))
        wanted, queue = len(rows) + round(BUILDINGS * share), _Queue(stock, draw)
        for link in np.argsort(shapely.distance(middles, centre), kind="stable"):
            if len(rows) >= wanted:
                break
            if ground.lines[link].length >= SHORTEST_LINK_M:
                rows += _along(ground, int(link), queue)
    made = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=PLANE)
    made["link_id"] = streets["link_id"].to_numpy()[made["link"]]
    made.insert(0, "building_id", [f"SZ-B{number:05d}" for number in range(1, len(made) + 1)])
    return made.drop(columns="link")


class _Queue:
    """Shapes in a drawn order, over and over, the tall ones first; what does not fit waits for the next lot."""

    def __init__(self, stock: gpd.GeoDataFrame, draw: np.random.Generator) -> None:
        self.records = stock.to_dict("records")
        self.draw = draw
        self.waiting: list[int] = np.argsort(-stock["height_m"].to_numpy(), kind="stable").tolist()

    def refill(self) -> None:
        """Keep enough shapes in waiting."""
        if len(self.waiting) < 2 * TRIES:
            self.waiting += self.draw.permutation(len(self.records)).tolist()


def _along(ground: Ground, link: int, queue: _Queue) -> list[dict[str, Any]]:
    """Set buildings on both sides of one street."""
    line, rows = ground.lines[link], []
    for side in (1.0, -1.0):
        metre = GAP_M
        while metre < line.length - 8.0:
            queue.refill()
            found = next(
                (
                    (place, lot)
                    for place, number in enumerate(queue.waiting[:TRIES])
                    if (lot := ground.lot(link, queue.records[number]["geometry"], metre=metre, side=side)) is not None
                ),
                None,
            )
            if found is None:
                metre += 6.0
                continue
            place, lot = found
            record = queue.records[queue.waiting.pop(place)]
            ground.build(lot)
            rows.append({**record, "link": link, "geometry": lot})
            west, _, east, _ = record["geometry"].bounds
            metre += east - west + GAP_M
    return rows


def lonlat(made: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return buildings in longitude and latitude."""
    geometry = shapely.transform(made.geometry.to_numpy(), lambda c: np.column_stack(from_plane(*c.T)))
    return gpd.GeoDataFrame(made.drop(columns="geometry"), geometry=geometry, crs="OGC:CRS84")
