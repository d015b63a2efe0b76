"""MGRS, the military grid reference system, on WGS 84 between 80 S and 84 N.

A code names a square of the UTM grid, from 100 km down to 1 m. At the edge of a zone or band only the part inside it
is meant, and only that is returned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import Proj

from crs.grid_codes.outlines import IntArray, Outlines, empty_outlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["decode"]

_CODE = re.compile(
    r"(?P<zone>\d{1,2})\s*(?P<band>[C-HJ-NP-X])\s*(?P<square>[A-HJ-NP-Z][A-HJ-NP-V])\s*(?P<rest>\d{0,5}\s*\d{0,5})"
)
#: What is no code, most telling first.
_NOT_READ = (
    (r"[ABYZ]\s*[A-Z]{2}[\d\s]*", "MGRS of the polar regions (UPS) is not read; give another definition"),
    (r"\d{1,2}\s*[C-HJ-NP-X]", "a zone and band alone are too large an area; add at least the square of 100 km"),
    (r"(?s).*", "an MGRS code is a zone, a band, two letters and an even number of digits, as in 32TLP8123"),
)
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")  # by zone modulo 3
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
_SQUARE_M = 100_000
_CYCLE_M = 2_000_000
#: Meridians and parallels are curves in the grid, so large squares need more than their corners: 1 m is kept.
_PARTS_OF_EDGE = {100_000: 16, 10_000: 4, 1_000: 2}
#: Zones of Norway and Svalbard that are not 6 degrees wide; None stands for those that do not exist.
_ODD_ZONES: dict[tuple[int, str], tuple[float, float] | None] = {
    (31, "V"): (0, 3), (32, "V"): (3, 12), (31, "X"): (0, 9), (33, "X"): (9, 21), (35, "X"): (21, 33),
    (37, "X"): (33, 42), (32, "X"): None, (34, "X"): None, (36, "X"): None,
}  # fmt: skip


@dataclass(frozen=True)
class _Zone:
    """Where one zone meets one band: its box in degrees and the northings that it spans."""

    west: float
    south: float
    east: float
    north: float
    lowest_m: float
    highest_m: float


@lru_cache(maxsize=128)
def _utm(zone: int, band: str) -> Proj:
    return Proj(proj="utm", zone=zone, ellps="WGS84", south=band < "N")


@lru_cache(maxsize=2048)
def _zone(zone: int, band: str) -> _Zone | None:
    """Return where a zone meets a band, or None where the grid has no such place."""
    usual = (zone - 1) * 6.0 - 180.0
    span = _ODD_ZONES.get((zone, band), (usual, usual + 6.0))
    if span is None or not 1 <= zone <= 60:
        return None
    west, east = span
    south = _BANDS.index(band) * 8.0 - 80.0
    north = 84.0 if band == "X" else south + 8.0
    # A parallel is lowest or highest on the central meridian or on the edges of its zone.
    lon = np.array([west, usual + 3.0, east] * 2)
    _, northing = _utm(zone, band)(lon, np.repeat([south, north], 3))
    return _Zone(west, south, east, north, float(np.min(northing)), float(np.max(northing)))


def _square(code: str) -> tuple[int, str, int, int, int] | str:
    """Read a code: zone, band, easting and northing of the south-west corner and size in metres, or why not."""
    match = _CODE.fullmatch(code)
    if match is None:
        return next(said for pattern, said in _NOT_READ if re.fullmatch(pattern, code))
    zone, band, square = int(match["zone"]), match["band"], match["square"]
    parts = match["rest"].split()
    digits = "".join(parts)
    if len(digits) % 2 or (len(parts) == 2 and len(parts[0]) != len(parts[1])):
        return "an MGRS code has as many digits of easting as of northing"
    place = _zone(zone, band)
    columns = _COLUMNS[zone % 3]
    if place is None or square[0] not in columns:
        return f"the MGRS grid has no square {square} in zone {zone}{band}"
    half = len(digits) // 2
    size = _SQUARE_M // 10**half
    easting = (columns.index(square[0]) + 1) * _SQUARE_M + int(digits[:half] or 0) * size
    row = (_ROWS.index(square[1]) - (0 if zone % 2 else 5)) % 20
    northing = row * _SQUARE_M + int(digits[half:] or 0) * size
    # The letters of rows repeat every 2,000 km, and a band is lower than that: at most one of them meets it.
    turns = int((place.lowest_m - size - northing) // _CYCLE_M) + 1
    northing += turns * _CYCLE_M
    if northing >= place.highest_m:
        return f"the MGRS grid has no square {square} in zone {zone}{band}"
    return zone, band, easting, northing, size


def decode(codes: Sequence[str]) -> Outlines:
    """Decode MGRS codes.

    Parameters
    ----------
    codes : sequence of str
        In either case, with or without spaces, from 100 km (no digits) down to 1 m (ten digits).

    Returns
    -------
    Outlines
        Squares of the UTM grid as polygons in longitude and latitude, cut at the edge of their zone and band.

    References
    ----------
    NGA.STND.0037_2.0.0 (2014), Universal Grids and Grid Reference Systems, chapter 3 and appendix B.

    Examples
    --------
    >>> outlines = decode(["31U DQ 48251 11932"])
    >>> round(float(outlines.lon_deg[0]), 5), round(float(outlines.lat_deg[0]), 5)
    (2.2945, 48.8582)
    """
    outlines = empty_outlines(len(codes))
    groups: dict[tuple[int, str, int], list[tuple[int, int, int]]] = {}
    for row, code in enumerate(codes):
        square = _square(code.upper())
        if isinstance(square, str):
            outlines.reasons[row] = square
        else:
            zone, band, easting, northing, size = square
            groups.setdefault((zone, band, size), []).append((row, easting, northing))
    for (zone, band, size), members in groups.items():
        rows, easting, northing = np.array(members, dtype=np.int64).T
        _enter(outlines, rows, (zone, band, size), corner=(easting, northing))
    return outlines


def _ring(size: int) -> tuple[FloatArray, FloatArray]:
    """Return the offsets in metres from the south-west corner around a square, closed, counter-clockwise."""
    parts = _PARTS_OF_EDGE.get(size, 1)
    step = np.arange(parts) / parts * size
    zero, full = np.zeros(parts), np.full(parts, float(size))
    east = np.concatenate([step, full, size - step, zero, [0.0]])
    north = np.concatenate([zero, step, full, size - step, [0.0]])
    return east, north


def _enter(
    outlines: Outlines, rows: IntArray, group: tuple[int, str, int], *, corner: tuple[IntArray, IntArray]
) -> None:
    """Enter the squares of one size in one zone and band."""
    zone, band, size = group
    place = _zone(zone, band)
    if place is None:
        return
    east, north = _ring(size)
    lon, lat = _utm(zone, band)(corner[0][:, None] + east, corner[1][:, None] + north, inverse=True)
    # Beyond 180 degrees the inverse turns round; a square must stay in one piece until it is cut.
    middle = (place.west + place.east) / 2
    lon = lon + 360.0 * np.round((middle - lon) / 360.0)
    squares: ObjectArray = np.asarray(shapely.polygons(np.stack([lon, lat], axis=-1)), dtype=object)
    beyond = (lon.min(axis=1) < place.west) | (lon.max(axis=1) > place.east)
    beyond |= (lat.min(axis=1) < place.south) | (lat.max(axis=1) > place.north)
    box = shapely.box(place.west, place.south, place.east, place.north)
    squares[beyond] = shapely.intersection(squares[beyond], box)
    none = shapely.area(squares) == 0
    outlines.reasons[rows[none]] = f"this square of {size} m lies outside zone {zone}{band}"
    # The middle of a whole square is that of the grid; a square that was cut has its centroid.
    middle_lon, middle_lat = _utm(zone, band)(corner[0] + size / 2, corner[1] + size / 2, inverse=True)
    centroids = shapely.get_coordinates(shapely.centroid(squares[beyond & ~none]))
    middle_lon[beyond & ~none], middle_lat[beyond & ~none] = centroids[:, 0], centroids[:, 1]
    kept = rows[~none]
    outlines.geometry[kept] = squares[~none]
    outlines.lon_deg[kept], outlines.lat_deg[kept] = middle_lon[~none], middle_lat[~none]
