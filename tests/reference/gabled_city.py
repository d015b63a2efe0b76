"""Houses with gabled roofs, one with a court, as CityJSON; and what plain arithmetic makes of such a file."""

import json
from itertools import chain

import numpy as np

SCALE = 0.001
#: UTM zone 32, at the corner of the first house, metres; heights of the ground.
EAST, NORTH, GROUND_M = 371_000.0, 4_843_000.0, 55.0
EAVES_M, RIDGE_M = 6.0, 10.0
HOUSE_M, DEPTH_M, GAP_M = 12.0, 10.0, 8.0
CITY = """\
city: gabled
title: {en: Gabled, zh: 坡顶}
resolution: 10
area: [7.30, 43.65, 7.50, 43.80]
clock: {start: "2026-06-16T00:00", end: "2026-06-16T02:00", step: 1h, zone: Europe/Monaco}
root: "."
datasets:
  houses:
    path: houses.city.json
    title: {en: Houses, zh: 房屋}
    domain: cim
    owner: Tests
    licence: CC0-1.0
    level: public
    position: {definition: EPSG:32632, sigma_m: 1}
    height_unit: metre
    variables:
      house_m3: {column: storeys, kind: extensive, unit: "1", by: area}
    show: {as: buildings, height: height_m, roofs: true}
"""


def gabled(x, y, ground=GROUND_M):
    """Points and surfaces of a house whose ridge runs east."""
    low = [(x, y), (x + HOUSE_M, y), (x + HOUSE_M, y + DEPTH_M), (x, y + DEPTH_M)]
    points = [(*corner, ground) for corner in low] + [(*corner, ground + EAVES_M) for corner in low]
    points += [(x, y + DEPTH_M / 2, ground + RIDGE_M), (x + HOUSE_M, y + DEPTH_M / 2, ground + RIDGE_M)]
    walls = [[[0, 1, 5, 4]], [[1, 2, 6, 9, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 8, 7]]]
    return points, [[[3, 2, 1, 0]], *walls, [[4, 5, 9, 8]], [[6, 7, 8, 9]]]


def court(x, y, ground=GROUND_M):
    """Points and surfaces of a flat house around a court."""
    outer = [(x, y), (x + 20, y), (x + 20, y + 20), (x, y + 20)]
    inner = [(x + 6, y + 6), (x + 6, y + 14), (x + 14, y + 14), (x + 14, y + 6)]
    points = [(*corner, ground + z) for z in (0.0, EAVES_M) for corner in (*outer, *inner)]
    surfaces = [[[3, 2, 1, 0], [7, 6, 5, 4]], [[8, 9, 10, 11], [12, 13, 14, 15]]]
    for ring in ((0, 1, 2, 3), (4, 5, 6, 7)):
        surfaces += [[[a, b, b + 8, a + 8]] for a, b in zip(ring, (*ring[1:], ring[0]), strict=True)]
    return points, surfaces


def document(houses):
    """Write houses as CityJSON."""
    objects, vertices = {}, []
    for number, (points, surfaces) in enumerate(houses):
        shell = [[[place + len(vertices) for place in ring] for ring in surface] for surface in surfaces]
        solid = {"type": "Solid", "lod": "2", "boundaries": [shell]}
        flat = {"type": "MultiSurface", "lod": "1", "boundaries": [shell[0]]}
        objects[f"h{number}"] = {
            "type": "Building",
            "attributes": {"storeys": 2, "name": f"House {number}"},
            "geometry": [flat, solid],
        }
        vertices.extend(
            [round((value - shift) / SCALE) for value, shift in zip(point, (EAST, NORTH, 0.0), strict=True)]
            for point in points
        )
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [SCALE] * 3, "translate": [EAST, NORTH, 0.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/32632"},
        "CityObjects": objects,
        "vertices": vertices,
    }


def rows_of_houses(across, along):
    """Lay houses on a grid, the first one around a court."""
    places = [
        (EAST + i * (HOUSE_M + GAP_M), NORTH + j * (DEPTH_M + GAP_M)) for j in range(along) for i in range(across)
    ]
    return [court(EAST - 40, NORTH), *(gabled(*place, ground=GROUND_M + n % 7) for n, place in enumerate(places))]


def write_city(folder, *, across=6, along=6, manifest=CITY):
    """Write the houses and their city."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "houses.city.json").write_text(json.dumps(document(rows_of_houses(across, along))))
    (folder / "city.yaml").write_text(manifest, encoding="utf-8")
    return folder / "city.yaml"


def seen(told):
    """Count the triangles of each object that anybody sees, and measure their area and the height, from plain JSON.

    A flat surface of r rings and n points is n + 2 (r - 1) - 2 triangles, however it is cut; floors are not seen.
    """
    scale = np.array(told["transform"]["scale"])
    points = np.array(told["vertices"]) * scale + told["transform"]["translate"]
    found = {}
    for name, thing in told["CityObjects"].items():
        (solid,) = (shape for shape in thing["geometry"] if shape["lod"] == "2")
        rings = [surface for shell in solid["boundaries"] for surface in shell]
        low = points[list(chain.from_iterable(chain.from_iterable(rings))), 2].min()
        high = points[list(chain.from_iterable(chain.from_iterable(rings))), 2].max()
        count, area = 0, 0.0
        for surface in rings:
            if all(points[place, 2] - low < 0.05 for ring in surface for place in ring):
                continue
            count += sum(map(len, surface)) + 2 * (len(surface) - 1) - 2
            outer, *holes = (_area(points[ring]) for ring in surface)
            area += outer - sum(holes)
        found[name] = (count, area, high - low)
    return found


def _area(ring):
    middle = ring - ring[0]
    return float(np.linalg.norm(np.cross(middle, np.roll(middle, -1, axis=0)).sum(axis=0)) / 2)
