"""Street intersections: the place where two named streets meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Shapes
from crs.indirect import CrossingOptions
from crs.local import WGS84_A, WGS84_E2
from crs.names import plain_name
from crs.uncertainty import combine_sigma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import ObjectArray, Positioned
    from crs.definition import PositionDefinition
    from crs.references import Reference

__all__ = ["place_at_crossings"]


@dataclass(frozen=True, kw_only=True)
class _Crossing:
    """Where two streets meet, or why there is no such place."""

    point: shapely.Point | None = None
    spread_m: float = 0.0
    reason: str | None = None


def place_at_crossings(
    layer: Positioned, position: PositionDefinition, streets: Reference
) -> tuple[Shapes, ObjectArray]:
    """Place each record where its two streets meet.

    Parameters
    ----------
    layer : Positioned
        Its coordinates are two columns: the names of the streets.
    position : PositionDefinition
        Of kind "intersection".
    streets : Reference
        Lines with a name; a street may be many rows.

    Returns
    -------
    shapes : Shapes
        Points and sigma: what is stated, the streets' own, and how far apart the crossings lie that were taken for
        one.
    reasons : numpy.ndarray
        None or text, shape (n,). Streets that meet in several places are refused, never resolved to the first.
    """
    options = position.options if isinstance(position.options, CrossingOptions) else CrossingOptions()
    rows: dict[str, list[int]] = {}
    unplaced = streets.unplaced
    for row, name in enumerate(streets.column(str(position.key)).tolist()):
        if not unplaced[row] and (key := plain_name(name)):
            rows.setdefault(key, []).append(row)
    columns = [column.tolist() for column in layer.coordinates.columns]  # type: ignore[union-attr]
    count = len(columns[0])
    geometry, sigma_m = np.full(count, None, dtype=object), np.full(count, np.nan)
    reasons = np.full(count, None, dtype=object)
    doubted = None if streets.ambiguous is None else {key for key, own in rows.items() if streets.ambiguous[own].any()}
    ambiguous = None if doubted is None else np.zeros(count, dtype=bool)
    known: dict[tuple[str, str], _Crossing] = {}
    for record, names in enumerate(zip(*columns, strict=True)):
        plain = [plain_name(name) for name in names]
        for column, name, street in zip(position.columns, names, plain, strict=True):
            if reasons[record] is None and street not in rows:
                absent = f"unknown_key: {column} {str(name)[:40]!r} is not in {streets.name}"
                reasons[record] = absent if street else f"missing: {column} is empty"
        if reasons[record] is not None:
            continue
        pair = min(plain), max(plain)
        if pair not in known:
            known[pair] = _cross(*(streets.geometry[rows[key]] for key in pair), within_m=options.within_m)
        met = known[pair]
        if met.reason is not None:
            code, _, detail = met.reason.partition(": ")
            reasons[record] = f"{code}: {names[0]} and {names[1]} {detail} in {streets.name}"
            continue
        own_m = max(float(streets.sigma_m[rows[key]].max()) for key in pair)
        geometry[record], sigma_m[record] = met.point, combine_sigma(position.sigma_m, own_m, met.spread_m)
        if ambiguous is not None and doubted is not None:
            ambiguous[record] = not doubted.isdisjoint(pair)
    return Shapes(geometry, sigma_m, ambiguous), reasons


def _cross(first: ObjectArray, second: ObjectArray, *, within_m: float) -> _Crossing:
    """Find the one place where two streets meet."""
    if first is second or (len(first) == len(second) and all(a is b for a, b in zip(first, second, strict=True))):
        return _Crossing(reason="no_crossing: are one street")
    origin = shapely.get_coordinates(first)[0]
    scale = _metres_per_degree(float(origin[1]))
    one, other = (
        shapely.union_all(shapely.transform(lines, lambda numbers: (numbers - origin) * scale))
        for lines in (first, second)
    )
    common = shapely.intersection(one, other)
    if shapely.length(common) > within_m:
        return _Crossing(reason=f"ambiguous_crossing: share {shapely.length(common):.0f} m")
    if shapely.is_empty(common):
        gap = shapely.shortest_line(one, other)
        if shapely.length(gap) > within_m:
            return _Crossing(reason=f"no_crossing: do not meet; {shapely.length(gap):.0f} m lie between them")
        common = gap
    spots = shapely.get_coordinates(common)
    middle = spots.mean(axis=0)
    away_m = np.hypot(*(spots - middle).T)
    if away_m.max() > within_m:
        apart = float(shapely.minimum_bounding_radius(shapely.multipoints(spots))) * 2.0
        places = len(shapely.get_parts(common))
        return _Crossing(reason=f"ambiguous_crossing: meet in {places} places up to {apart:.0f} m apart")
    spread_m = float(np.sqrt(np.mean(away_m**2) / 2.0))
    return _Crossing(point=shapely.Point(middle / scale + origin), spread_m=spread_m)


def _metres_per_degree(lat_deg: float) -> NDArray[np.float64]:
    """Return metres a degree east and north: lines between longitudes and latitudes stay straight in such a plane."""
    sine, cosine = np.sin(np.radians(lat_deg)), np.cos(np.radians(lat_deg))
    normal = WGS84_A / np.sqrt(1.0 - WGS84_E2 * sine * sine)
    meridian = normal * (1.0 - WGS84_E2) / (1.0 - WGS84_E2 * sine * sine)
    return np.array([normal * cosine, meridian]) * (np.pi / 180.0)
