"""Make `crs/china/mask.json`, the area in which GCJ-02 shifts a position, and check it against a provider's answers.

    npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz
    pip download --no-deps pygcj==0.0.2 && tar xf pygcj-0.0.2.tar.gz
    python benchmarks/make_china_mask.py package/countries-10m.json pygcj-0.0.2/pygcj/gcps_gd

On land the edge is Natural Earth's border (1:10m, public domain) of China, Taiwan, Hong Kong and Macao. At sea
no such border exists: there the edge lies half-way between AMap answers that were shifted and those that were not,
on a grid of 1 degree (3,510 answers, read from `pygcj`, Apache-2.0; the answers themselves are not kept).
AMap also shifts a strip of its neighbours' land; the published definition does not, so that strip is left
unshifted and belongs to the flag band.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely

HOME = ("China", "Taiwan", "Hong Kong", "Macao")
# Disputed reefs count as sea here: what a provider does with the water around them is all that is known.
REEFS = ("Spratly Is.", "Scarborough Reef")
VIEW = shapely.box(65, -2, 145, 60)

# 1 km, 2 km that 0.2 mm on a 1:10m map are worth, 0.2 km of the atlas's quantisation, 0.8 km of GCJ-02's own shift.
LAND_BAND_M = 4_000.0
# Half the spacing of the answers, 1 degree of latitude.
SEA_BAND_M = 55_600.0
SIMPLIFY_DEG = 0.001
PLACES = 4  # 11 m

# Equidistant enough for a band whose width is itself a guess: scale 0.95 to 1.1 between 3 and 55 degrees.
CHINA = "+proj=lcc +lat_1=20 +lat_2=50 +lat_0=36 +lon_0=105 +ellps=GRS80"


def read_atlas(path: Path) -> dict[str, Any]:
    """Return the valid geometry of every country of a TopoJSON file, by name."""
    atlas = json.loads(path.read_text(encoding="utf-8"))
    scale, shift = (np.array(atlas["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in atlas["arcs"]]

    def ring(numbers: list[int]) -> np.ndarray:
        parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in numbers]
        return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])

    countries: dict[str, Any] = {}
    for country in atlas["objects"]["countries"]["geometries"]:
        if not country.get("arcs"):
            continue
        polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
        rings = [[ring(numbers) for numbers in polygon] for polygon in polygons]
        shapes = [shapely.Polygon(shell, holes) for shell, *holes in rings if len(shell) > 3]
        countries[country["properties"]["name"]] = shapely.make_valid(shapely.MultiPolygon(shapes))
    return countries


def read_answers(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the asked WGS 84 positions and the answers, (n, 2) each, longitude first."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    return rows[:, :2], rows[:, 2:4]


def buffer_m(geometry: Any, radius_m: float) -> Any:  # noqa: ANN401 - shapely publishes no types
    """Grow a lon/lat geometry by metres."""
    ahead = pyproj.Transformer.from_crs("OGC:CRS84", CHINA, always_xy=True)
    flat = shapely.transform(shapely.segmentize(geometry, 0.25), lambda p: np.column_stack(ahead.transform(*p.T)))
    grown = shapely.buffer(flat, radius_m, quad_segs=4)
    return shapely.transform(
        grown, lambda p: np.column_stack(ahead.transform(*p.T, direction=pyproj.enums.TransformDirection.INVERSE))
    )


def make_areas(countries: dict[str, Any], asked: np.ndarray, answers: np.ndarray) -> tuple[Any, Any]:
    """Return the shifted area and the flag band."""
    land = shapely.union_all([countries[name] for name in HOME])
    others = [shape for name, shape in countries.items() if name not in (*HOME, *REEFS) and shape.intersects(VIEW)]
    foreign = shapely.intersection(shapely.union_all(others), VIEW)
    shifted = (asked != answers).any(axis=1)
    squares = [shapely.box(x - 0.5, y - 0.5, x + 0.5, y + 0.5) for x, y in asked[shifted]]
    # Rounding of the grid's longitudes must not leave slits between neighbouring squares.
    observed = shapely.union_all(squares).buffer(1e-3, join_style="mitre")
    # A patch of sea smaller than one answer's square (off the Tumen river) is that square's rounding, not an area.
    sea = [part for part in shapely.get_parts(shapely.difference(observed, foreign)) if part.area > 1.0]
    area = shapely.union(land, shapely.union_all(sea))
    # Rivers and lakes that the atlas leaves between two borders are no holes in the definition.
    area = shapely.simplify(_without_slivers(area, 0.01), SIMPLIFY_DEG)
    edge = shapely.boundary(area)
    open_sea = shapely.difference(edge, buffer_m(shapely.union(land, foreign), 2_000.0))
    strip = shapely.difference(observed, area)
    band = shapely.union_all([strip, buffer_m(edge, LAND_BAND_M), buffer_m(open_sea, SEA_BAND_M)])
    return area, shapely.simplify(_without_slivers(band, 0.001), SIMPLIFY_DEG)


def _without_slivers(area: Any, smallest_deg2: float) -> Any:  # noqa: ANN401 - shapely publishes no types
    """Drop specks of area and holes that are smaller than the mask is accurate."""
    kept = []
    for polygon in shapely.get_parts(area):
        if polygon.geom_type != "Polygon" or polygon.area < smallest_deg2 / 100:
            continue
        holes = [hole for hole in polygon.interiors if shapely.Polygon(hole).area >= smallest_deg2]
        kept.append(shapely.Polygon(polygon.exterior, holes))
    return shapely.union_all(kept)


def to_rings(area: Any) -> list[list[int]]:  # noqa: ANN401 - shapely publishes no types
    """Return every ring as x0, y0, dx1, dy1, ... in units of the last place."""
    rings = []
    for polygon in shapely.get_parts(area):
        for ring in (polygon.exterior, *polygon.interiors):
            points = np.rint(shapely.get_coordinates(ring)[:-1] * 10**PLACES).astype(np.int64)
            steps = np.diff(points, axis=0, prepend=0)
            keep = (steps != 0).any(axis=1)
            if keep.sum() >= 3:
                rings.append(steps[keep].ravel().tolist())
    return rings


def check(area: Any, band: Any, asked: np.ndarray, answers: np.ndarray) -> None:  # noqa: ANN401
    """Print how far the mask and the provider agree."""
    shifted = (asked != answers).any(axis=1)
    inside, flagged = (shapely.contains_xy(shape, *asked.T) for shape in (area, band))
    print(f"{len(asked)} answers, {shifted.sum()} shifted; mask agrees with {(inside == shifted).sum()}")
    print(f"  disagree and not flagged: {((inside != shifted) & ~flagged).sum()}; flagged: {flagged.sum()}")
    print(f"  inside by the map and not shifted: {(inside & ~shifted).sum()}")


def main() -> None:
    atlas, provider = (Path(name) for name in sys.argv[1:3])
    asked, answers = read_answers(provider)
    area, band = make_areas(read_atlas(atlas), asked, answers)
    check(area, band, asked, answers)
    content = {
        "about": "Where GCJ-02 shifts (area), where that is not certain (band); see README.md",
        "source": "Natural Earth 1:10m admin 0 countries (public domain), through world-atlas 2.0.2 (ISC)",
        "unit_deg": 10.0**-PLACES,
        "area": to_rings(area),
        "band": to_rings(band),
    }
    target = Path(__file__).parents[1] / "crs" / "china" / "mask.json"
    target.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
    vertices = {key: sum(map(len, content[key])) // 2 for key in ("area", "band")}
    print(f"{target.name}: {target.stat().st_size:,} bytes, vertices {vertices}")


if __name__ == "__main__":
    main()
