"""Baselines: an extent query, the habit of today, and the method of the first prototype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely

from benchmarks.positions_bench.answers import NONE
from benchmarks.positions_bench.frames import Name, numbers, placed
from tests.reference.crs_china import distance_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.positions_bench.cases import Question
    from benchmarks.positions_bench.frames import Floats, Pair

#: What fits must put so many of the records into the area.
_IN_AREA = 0.9
#: Nearer than this two readings are one.
_SAME_M = 5.0
_WAYS = (
    ("decimal", ""), ("decimal", "1e-5 degree"), ("decimal", "1e-6 degree"), ("decimal", "1e-7 degree"),
    ("dms", ""), ("nmea", ""), ("packed_dms", ""), ("packed_ddmmss", ""),
)  # fmt: skip
#: Boxes of the operations that EPSG publishes for Beijing 1954.
_BEIJING_1954 = {"EPSG:15920": (110.13, 18.31, 116.76, 22.89), "EPSG:15919": (119.23, 31.23, 125.06, 37.4)}

# The prototype's figures: noises, share of strays, and what a record beyond the reference says.
_SIGMAS_M, _STRAY, _OUTSIDE = (4.0, 8.0, 14.0), 0.08, float(np.log(0.02))


def vocabulary(question: Question) -> list[Name]:
    """List the definitions of an area: frames of China by the strips that cross it, in all ways of writing."""
    west, south, east, north = question.area
    middle = (west + east) / 2.0
    third, sixth = {round(edge / 3.0) for edge in (west, middle, east)}, {int(edge // 6) + 31 for edge in (west, east)}
    planes = ["EPSG:3857", "GCJ-02 Web Mercator", "BD-09MC"]
    planes += [f"EPSG:{code + zone}" for zone in sorted(third) for code in (4534 - 25, 4513 - 25)]
    planes += [f"EPSG:{code + zone}" for zone in sorted(sixth) for code in (4502 - 43, 4491 - 43, 32600)]
    degrees = ["EPSG:4326", "GCJ-02", "BD-09"]
    for operation, box in _BEIJING_1954.items():
        if box[0] <= middle <= box[2] and box[1] - 0.5 <= (south + north) / 2.0 <= box[3] + 0.5:
            degrees.append(f"EPSG:4214 by {operation}")
            planes += [f"EPSG:{2422 - 25 + zone} by {operation}" for zone in sorted(third)]
    for frame in question.given:
        (degrees if frame == "EPSG:4610" else planes).append(f"{frame} by given")
    axes = ("lon,lat", "lat,lon")
    names = [Name(frame, order, *way) for way in _WAYS for order in axes for frame in degrees]
    return names + [Name(frame, order, unit=unit) for unit in ("", "millimetre") for order in axes for frame in planes]


def fitting(question: Question) -> list[tuple[Name, Pair]]:
    """Return what puts most of the records into the area; of what puts all in the same places, the first."""
    west, south, east, north = question.area
    found: list[tuple[Name, Pair]] = []
    decoded: dict[str, Pair] = {}
    for name in vocabulary(question):
        if name.notation not in decoded:
            decoded[name.notation] = numbers(question.columns, name.notation)
        lon, lat = placed(name, decoded[name.notation])
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        if inside.mean() < _IN_AREA:
            continue
        if all(float(np.nanmax(distance_m(lon, lat, *other))) > _SAME_M for _, other in found):
            found.append((name, (lon, lat)))
    return found


def extent_query(question: Question) -> dict[str, float]:
    """Give equal probability to all that fits the area, as a search for a projection by its extent does."""
    found = fitting(question)
    return {str(name): 1.0 / len(found) for name, _ in found} or {NONE: 1.0}


def habit(question: Question) -> dict[str, float]:
    """Take the first that fits for certain: degrees are WGS 84, metres the strip of the city."""
    found = fitting(question)
    return {str(found[0][0]): 1.0} if found else {NONE: 1.0}


def distances_to_roads(question: Question) -> dict[str, float]:
    """Judge by the distances to the reference against a background of even chance, every record by itself."""
    found = fitting(question)
    if question.reference is None or not found:
        return extent_query(question)
    west, south, east, north = shapely.total_bounds(question.reference)
    plane = pyproj.Transformer.from_crs(
        "OGC:CRS84", f"+proj=aeqd +lon_0={(west + east) / 2} +lat_0={(south + north) / 2} +ellps=WGS84", always_xy=True
    )
    flat = shapely.transform(question.reference, lambda at: np.column_stack(plane.transform(*at.T)))
    tree, box = shapely.STRtree(flat), shapely.total_bounds(flat)
    edges = np.array([0, 2, 4, 7, 10, 14, 20, 28, 40, 60, 90, 140, 220, 400, 800, 1e9])
    chance = _distances(tree, np.random.default_rng(0).uniform(box[:2], box[2:], (2000, 2)))
    counts, _ = np.histogram(chance, edges)
    background = (counts + 1.0) / (counts.sum() + len(counts)) / np.minimum(np.diff(edges), 1000.0)
    scores = [0.0]
    for _, (lon, lat) in found:
        good = np.isfinite(lon)
        places = np.column_stack(plane.transform(lon[good], lat[good]))
        inside = ((places >= box[:2]) & (places <= box[2:])).all(axis=1)
        distance = _distances(tree, places[inside])
        here = background[np.searchsorted(edges, distance, side="right") - 1]
        bells = [np.exp(-0.5 * (distance / s) ** 2) * np.sqrt(2.0 / np.pi) / s for s in _SIGMAS_M]
        sums = [float(np.log((1.0 - _STRAY) * bell / here + _STRAY).sum()) for bell in bells]
        scores.append(max(sums) + _OUTSIDE * float((~inside).sum()))
    shares = np.exp(np.array(scores) - max(scores))
    shares /= shares.sum()
    return {NONE: float(shares[0])} | {str(name): float(s) for (name, _), s in zip(found, shares[1:], strict=True)}


def _distances(tree: Any, places: Floats) -> NDArray[np.float64]:  # noqa: ANN401 - shapely has no types
    _, distance = tree.query_nearest(shapely.points(places), return_distance=True, all_matches=False)
    return np.asarray(distance, dtype=np.float64)
