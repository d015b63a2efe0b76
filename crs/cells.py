"""Grid codes as positions: a code names an area, never a point.

A record that says only "cell 8a39664e5b97fff" lies somewhere in that cell. Its position here is the outline of the
cell, with a centre, the radius that holds all of it, and the sigma that a uniform distribution over it has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

import h3
import numpy as np
import shapely

from crs.coordinates import Shapes
from crs.errors import DefinitionError
from crs.grid_codes import Outlines, beidou, geohash, mgrs, plus_codes
from crs.grid_codes.outlines import IntArray, empty_outlines
from crs.local import WGS84_A, WGS84_E2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["CellPositions", "CellSystem", "decode_cells"]

T = TypeVar("T", bound=np.generic)

CellSystem = Literal["h3", "geohash", "mgrs", "plus_code", "beidou"]

_MEAN_RADIUS_M = 6_371_008.8
#: How None, NaN and the nothings of pandas are written once they are text.
_NOTHING = {"None", "nan", "NaN", "NaT", "<NA>"}
#: A cell of H3 has 15 hexadecimal digits and may have a leading 0; its integer has 18.
_H3_HEXADECIMAL = re.compile(r"0?[0-9a-f]{15}")
_H3_DECIMAL = re.compile(r"[0-9]{18}")


@dataclass(frozen=True, kw_only=True, eq=False)
class CellPositions:
    """Where records are that name a cell of a grid.

    Parameters
    ----------
    geometry : numpy.ndarray
        Outline of the cell in WGS 84 longitude and latitude, shape (n,): polygons, or multipolygons where a cell
        crosses the antimeridian; None where a reason stands.
    lon_deg, lat_deg : numpy.ndarray
        Centre, degrees, shape (n,); NaN where a reason stands.
    radius_m : numpy.ndarray
        Distance from the centre to the farthest vertex, metres: the record is nowhere farther. NaN where a reason
        stands.
    sigma_m : numpy.ndarray
        Standard deviation per horizontal axis, metres, of a record that may be anywhere in the cell with the same
        probability, about the centre; within 1 % for cells of up to 500 km. To be used with the centre: the outline
        says it already. NaN where a reason stands.
    reasons : numpy.ndarray
        None where decoded, else text "code: detail", shape (n,).
    """

    geometry: ObjectArray
    lon_deg: FloatArray
    lat_deg: FloatArray
    radius_m: FloatArray
    sigma_m: FloatArray
    reasons: ObjectArray

    def __len__(self) -> int:
        return len(self.geometry)

    @property
    def shapes(self) -> Shapes:
        """The outlines with their sigma, as harmonised coordinates."""
        return Shapes(self.geometry, self.sigma_m, radius_m=self.radius_m)


def decode_cells(codes: ArrayLike, *, system: CellSystem, column: str = "code") -> CellPositions:
    """Decode grid codes into the areas that they name.

    Parameters
    ----------
    codes : array_like
        Text, shape (n,); H3 also as integers. None, NaN and empty text are missing.
    system : str
        "h3", "geohash", "mgrs", "plus_code" (full ones) or "beidou" (two-dimensional, north of the equator and east
        of Greenwich).
    column : str
        Name of the column, for reasons.

    Returns
    -------
    CellPositions
        One area a record, or a reason; a bad code never stops the others.

    Raises
    ------
    DefinitionError
        If the system is not known.

    Examples
    --------
    >>> cells = decode_cells(["spv2bcc", "sail", None], system="geohash")
    >>> cells.radius_m.round().tolist()
    [94.0, nan, nan]
    >>> cells.reasons[2]
    'missing: code is empty'
    """
    if system not in get_args(CellSystem):
        raise DefinitionError(f"grid system {system!r} is not known; write one of {', '.join(get_args(CellSystem))}")
    values = np.asarray(codes, dtype=object).ravel().tolist()
    texts, place, reasons = _distinct(values, integers=system == "h3", column=column)
    outlines = _DECODERS[system](texts)
    radius_m, sigma_m = _extents(outlines)
    for row in np.flatnonzero(outlines.reasons != None):  # noqa: E711 (elementwise on an object array)
        shown = texts[row] if len(texts[row]) <= 40 else f"{texts[row][:40]}..."
        outlines.reasons[row] = f"unreadable: {column} {shown!r}: {outlines.reasons[row]}"
    known = place >= 0
    reasons[known] = outlines.reasons[place[known]]
    return CellPositions(
        geometry=_spread(_split(outlines.geometry), place, nothing=None),
        lon_deg=_spread(outlines.lon_deg, place, nothing=np.nan),
        lat_deg=_spread(outlines.lat_deg, place, nothing=np.nan),
        radius_m=_spread(radius_m, place, nothing=np.nan),
        sigma_m=_spread(sigma_m, place, nothing=np.nan),
        reasons=reasons,
    )


def _spread(of_distinct: NDArray[T], place: IntArray, *, nothing: float | None) -> NDArray[T]:
    """Give every record what belongs to its distinct code, and nothing to those that have none."""
    result: NDArray[T] = np.full(len(place), nothing, dtype=of_distinct.dtype)
    known = place >= 0
    result[known] = of_distinct[place[known]]
    return result


def _distinct(values: list[object], *, integers: bool, column: str) -> tuple[list[str], IntArray, ObjectArray]:
    """Find the distinct codes, which of them each record has, and the reasons of those that have none."""
    first: dict[str, int] = {}
    place = np.full(len(values), -1, dtype=np.int64)
    reasons = np.full(len(values), None, dtype=object)
    for row, value in enumerate(values):
        if isinstance(value, str):
            text = value.strip()
        elif integers and isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 0:
            text = f"{value:x}"
        elif value is None or str(value) in _NOTHING:
            text = ""
        else:
            reasons[row] = (
                f"unreadable: {column} {value!r} is not text; read the column as text, "
                "because a number has lost leading zeros and digits"
            )
            continue
        if not text or text in _NOTHING:
            reasons[row] = f"missing: {column} is empty"
            continue
        place[row] = first.setdefault(text, len(first))
    return list(first), place, reasons


def _extents(outlines: Outlines) -> tuple[FloatArray, FloatArray]:
    """Measure radius and sigma of each cell in the plane that touches the ellipsoid at its centre."""
    count = len(outlines.geometry)
    numbers, owner = shapely.get_coordinates(outlines.geometry, return_index=True)
    east, north = _around(outlines.lon_deg[owner], outlines.lat_deg[owner], numbers[:, 0], numbers[:, 1])
    radius_m = np.full(count, -1.0)
    np.maximum.at(radius_m, owner, np.hypot(east, north))
    one = owner[1:] == owner[:-1]
    x, y, next_x, next_y = east[:-1][one], north[:-1][one], east[1:][one], north[1:][one]
    # Second moments by Green's theorem: each edge and the centre span a triangle.
    twice = x * next_y - next_x * y
    moment = twice * (x * x + x * next_x + next_x * next_x + y * y + y * next_y + next_y * next_y) / 12.0
    of_edge = owner[1:][one]
    area = np.bincount(of_edge, weights=twice, minlength=count) / 2.0
    spread = np.bincount(of_edge, weights=moment, minlength=count)
    known = radius_m >= 0
    sigma_m = np.full(count, np.nan)
    sigma_m[known] = np.sqrt(spread[known] / area[known] / 2.0)
    return np.where(known, radius_m, np.nan), sigma_m


def _around(
    centre_lon: FloatArray, centre_lat: FloatArray, lon: FloatArray, lat: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return metres east and north of centres: the direction of the chord, the length of its arc.

    Against geodesics the length is within 1e-6 for cells of 100 km and 1e-3 for those of a quarter of the globe.
    """
    parts = []
    for degrees, height in ((lat, lon), (centre_lat, centre_lon)):
        sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        normal = WGS84_A / np.sqrt(1.0 - WGS84_E2 * sine * sine)
        turn = np.radians(height)
        parts.append((normal * cosine * np.cos(turn), normal * cosine * np.sin(turn), normal * (1 - WGS84_E2) * sine))
    x, y, z = (end - start for end, start in zip(*parts, strict=True))
    sine_lon, cosine_lon = np.sin(np.radians(centre_lon)), np.cos(np.radians(centre_lon))
    sine_lat, cosine_lat = np.sin(np.radians(centre_lat)), np.cos(np.radians(centre_lat))
    east = -sine_lon * x + cosine_lon * y
    north = -sine_lat * (cosine_lon * x + sine_lon * y) + cosine_lat * z
    chord = np.sqrt(x * x + y * y + z * z)
    flat = np.hypot(east, north)
    arc = 2.0 * _MEAN_RADIUS_M * np.arcsin(np.clip(chord / (2.0 * _MEAN_RADIUS_M), 0.0, 1.0))
    stretch = np.divide(arc, flat, out=np.ones_like(flat), where=flat > 0)
    return east * stretch, north * stretch


def _split(geometry: ObjectArray) -> ObjectArray:
    """Cut cells that reach beyond 180 degrees, as RFC 7946 asks, so that every longitude is one."""
    bounds = shapely.bounds(geometry)
    for row in np.flatnonzero((bounds[:, 0] < -180.0) | (bounds[:, 2] > 180.0)):
        pieces = []
        for turn in (-360.0, 0.0, 360.0):
            piece = shapely.intersection(geometry[row], shapely.box(turn - 180.0, -90.0, turn + 180.0, 90.0))
            if shapely.area(piece) > 0:
                pieces.append(shapely.set_coordinates(piece, shapely.get_coordinates(piece) - [turn, 0.0]))
        geometry[row] = shapely.multipolygons(pieces)
    return geometry


def _decode_h3(codes: Sequence[str]) -> Outlines:
    """Decode H3 cells: the outline that the library draws, its longitudes in one piece around the centre."""
    outlines = empty_outlines(len(codes))
    rows, counts, numbers = [], [], []
    for row, code in enumerate(codes):
        text = f"{int(code):x}" if _H3_DECIMAL.fullmatch(code) else code.lower()
        if not _H3_HEXADECIMAL.fullmatch(text) or not h3.is_valid_cell(text):
            outlines.reasons[row] = "this is no H3 cell; a cell is written as 15 hexadecimal digits or as its integer"
            continue
        outlines.lat_deg[row], outlines.lon_deg[row] = h3.cell_to_latlng(text)
        boundary = h3.cell_to_boundary(text)
        numbers.extend(boundary)
        rows.append(row)
        counts.append(len(boundary))
    if not rows:
        return outlines
    lat, lon = np.array(numbers, dtype=np.float64).T
    ring = np.repeat(np.arange(len(rows)), counts)
    found = np.array(rows, dtype=np.int64)
    middle = outlines.lon_deg[found][ring]
    step = np.roll(lon, -1) - lon
    last = np.cumsum(counts) - 1
    step[last] = lon[last - np.array(counts) + 1] - lon[last]
    around = np.bincount(ring, weights=(step + 180.0) % 360.0 - 180.0)
    lon = lon + 360.0 * np.round((middle - lon) / 360.0)
    rings = shapely.linearrings(np.column_stack([lon, lat]), indices=ring)
    outlines.geometry[found] = shapely.polygons(rings)
    for row in found[np.abs(around) > 180.0]:
        outlines.geometry[row] = None
        outlines.lon_deg[row] = outlines.lat_deg[row] = np.nan
        outlines.reasons[row] = "this cell holds a pole and has no outline in longitude and latitude"
    return outlines


_DECODERS: dict[str, Callable[[Sequence[str]], Outlines]] = {
    "h3": _decode_h3,
    "geohash": geohash.decode,
    "mgrs": mgrs.decode,
    "plus_code": plus_codes.decode,
    "beidou": beidou.decode,
}
