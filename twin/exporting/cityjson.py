"""CityJSON: footprints and heights as blocks (LOD 1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

import crs
from twin.errors import ExportError
from twin.fusion.naive import city_plane
from twin.store import canonical_json

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from twin.exporting.provenance import Provenance
    from twin.model import Twin

__all__ = ["write_cityjson"]

_SCALE = 0.001
#: CityJSON wants a counterclockwise outer ring seen from outside: the floor is seen from below.
_FLOOR, _ROOF, _WALL = 0, 1, 2


def write_cityjson(city: Twin, frame: gpd.GeoDataFrame, path: Path, provenance: Provenance) -> None:
    """Write a layer of footprints with heights.

    Parameters
    ----------
    city : Twin
        Whose layer it is.
    frame : geopandas.GeoDataFrame
        The features of one layer, polygons in longitude and latitude; the layer's ``show`` names the column of heights
        above ground, metres.
    path : Path
        The file.
    provenance : Provenance
        What travels with it, the name of the layer first.

    Raises
    ------
    ExportError
        If the layer has no heights, or features that are no polygons.
    """
    layer = provenance.names[0]
    column = city.layers[layer].show.get("height")
    if not column or column not in frame:
        raise ExportError(f"{layer}: has no column of heights; give it one (show: {{as: buildings, height: COLUMN}})")
    geometry = np.asarray(frame.geometry.array)
    if (shapely.get_dimensions(geometry) != 2).any():
        raise ExportError(f"{layer}: CityJSON blocks are made of polygons; write it as GeoPackage or GeoParquet")
    plane = city_plane(city.area)
    lon_lat = shapely.get_coordinates(geometry)
    moved = shapely.set_coordinates(
        geometry.copy(), np.column_stack(crs.transform(*lon_lat.T, source="OGC:CRS84", target=plane))
    )
    # A place of the city's own as origin keeps the integers short.
    west, south = np.floor(shapely.total_bounds(moved)[:2])
    block = _Blocks(origin=(float(west), float(south), 0.0))
    height = frame[column].to_numpy(float)
    ground = frame["ground_z"].to_numpy(float) if "ground_z" in frame else np.zeros(len(frame))
    ground = np.where(np.isfinite(ground), ground, 0.0)
    attributes = frame.drop(columns=frame.geometry.name).to_dict("records")
    objects: dict[str, Any] = {}
    for place, (shape, record) in enumerate(zip(moved, attributes, strict=True)):
        told = {key: _plain(value) for key, value in record.items()}
        solids = (
            [block.solid(part, ground[place], ground[place] + height[place]) for part in shapely.get_parts(shape)]
            if np.isfinite(height[place]) and height[place] > 0
            else []
        )
        objects[f"{layer}-{record['row']}"] = {
            "type": "Building",
            "attributes": {key: value for key, value in told.items() if value is not None},
            "geometry": solids,
        }
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [_SCALE] * 3, "translate": list(block.origin)},
        "metadata": {
            "referenceSystem": f"https://www.opengis.net/def/crs/EPSG/0/{plane.removeprefix('EPSG:')}",
            "title": city.title.get("en", city.name),
        },
        "+city-twin": provenance.to_json(),
        "CityObjects": objects,
        "vertices": block.vertices,
    }
    path.write_bytes(canonical_json(document))


def _plain(value: object) -> object:
    """Return a value that JSON holds, None for what is missing."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if isinstance(value, str | int | bool) or value is None else str(value)


class _Blocks:
    """Blocks that share vertices."""

    def __init__(self, origin: tuple[float, float, float]) -> None:
        self.origin = origin
        self.vertices: list[tuple[int, int, int]] = []
        self._numbers: dict[tuple[int, int, int], int] = {}

    def _vertex(self, x: float, y: float, z: float) -> int:
        east, north, up = (round((value - base) / _SCALE) for value, base in zip((x, y, z), self.origin, strict=True))
        key = (east, north, up)
        if key not in self._numbers:
            self._numbers[key] = len(self.vertices)
            self.vertices.append(key)
        return self._numbers[key]

    def solid(self, polygon: shapely.Polygon, low_m: float, high_m: float) -> dict[str, Any]:
        """Return the block over one polygon."""
        polygon = shapely.orient_polygons(polygon, exterior_cw=False)
        rings = [shapely.get_coordinates(ring)[:-1] for ring in (polygon.exterior, *polygon.interiors)]
        roof = [[self._vertex(x, y, high_m) for x, y in ring] for ring in rings]
        floor = [[self._vertex(x, y, low_m) for x, y in ring] for ring in rings]
        faces = [[ring[::-1] for ring in floor], roof]
        for below, above in zip(floor, roof, strict=True):
            for one in range(len(below)):
                after = (one + 1) % len(below)
                if below[one] != below[after]:
                    faces.append([[below[one], below[after], above[after], above[one]]])
        return {
            "type": "Solid",
            "lod": "1.2",
            "boundaries": [faces],
            "semantics": {
                "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
                "values": [[_FLOOR, _ROOF, *[_WALL] * (len(faces) - 2)]],
            },
        }
