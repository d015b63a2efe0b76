"""Coordinates as people type them, in any registered definition, to a place in longitude and latitude."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

import crs
from crs.cells import CellSystem, decode_cells
from crs.errors import CrsError
from crs.sexagesimal import decode_dms

HUB = "OGC:CRS84"

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_PAIR = re.compile(
    rf"(?P<before>.*?)(?<![\d.])(?P<x>{_NUMBER})\s*[,;\s]\s*(?P<y>{_NUMBER})(?:[\s)]+(?P<after>[^\W\d].*)?)?"
)
_H3 = re.compile(r"(?:h3[\s:]*)?(?P<code>0?8[0-9a-f]{14})", re.IGNORECASE)
_CELLS: tuple[tuple[CellSystem, re.Pattern[str]], ...] = (
    ("h3", _H3),
    ("plus_code", re.compile(r"(?P<code>[23456789CFGHJMPQRVWX]{8}\+[23456789CFGHJMPQRVWX]{2,7})", re.IGNORECASE)),
    ("mgrs", re.compile(r"(?P<code>\d{1,2}[C-X][A-Z]{2}(?:\d\d){1,5})", re.IGNORECASE)),
    ("geohash", re.compile(r"geohash[\s:]+(?P<code>[0-9b-hjkmnp-z]{3,12})", re.IGNORECASE)),
)
_HEMISPHERE = re.compile(r"[NSEW\u00b0\u2032'\"\u2033北南东西東度]", re.IGNORECASE)
_LETTERS = "NSEWnsew北南东西東"
_AFTER_LETTER = re.compile(rf"\s*[,;]\s*|(?<=[{_LETTERS}])\s*(?=[\d+-])")
_BEFORE_LETTER = re.compile(rf"\s*[,;]\s*|\s*(?=[{_LETTERS}])")
_LARGEST_ANGLES_DEG = (90.0, 180.0)
_LONGEST = 200
_BESIDE = 0.5  # Of the city's size: what lies so far beside it is still meant to be in it.


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place that was typed as numbers or as the code of a cell.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Degrees.
    definition : str
        How the text was read.
    outline : shapely.Geometry or None
        Of a cell, in degrees.
    inside : bool
        Whether it lies in the city, or beside it.
    """

    lon_deg: float
    lat_deg: float
    definition: str
    outline: shapely.Geometry | None = None
    inside: bool = True


def read_places(text: str, *, area: tuple[float, float, float, float], hints: Sequence[str] = ()) -> list[Place]:
    """Read a typed text as a place.

    Parameters
    ----------
    text : str
        ``43.73, 7.42``, degrees minutes seconds, ``GCJ-02 116.4,39.9``, ``EPSG:4547 500000,4400000``, a cell of H3, a
        plus code, MGRS, or ``geohash u0v9``.
    area : tuple of float
        min_lon, min_lat, max_lon, max_lat of the city: it tells which of two bare numbers is the longitude.
    hints : sequence of str, optional
        Definitions that bare lengths are tried in: those of the city's datasets.

    Returns
    -------
    list of Place
        Empty where the text is no coordinate; those in the city first.

    References
    ----------
    A pair of bare degrees in neither order in the city is read latitude first, as ISO 6709 writes it.

    Examples
    --------
    >>> monaco = (7.40, 43.72, 7.45, 43.76)
    >>> [(p.lon_deg, p.lat_deg) for p in read_places("43.73, 7.42", area=monaco)]
    [(7.42, 43.73)]
    >>> [(p.lon_deg, p.lat_deg) for p in read_places("7.42 43.73", area=monaco)]
    [(7.42, 43.73)]
    """
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).replace("、", ",").strip()
    found: dict[tuple[float, float], Place] = {}
    for read in (_cells, _angles, _pairs):
        for place in read(plain, area, hints):
            known = (round(place.lon_deg, 7), round(place.lat_deg, 7))
            found.setdefault(known, place)
        if found:
            break
    return sorted(found.values(), key=lambda place: not place.inside)


def _cells(text: str, area: tuple[float, float, float, float], _hints: Sequence[str]) -> Iterator[Place]:
    for system, pattern in _CELLS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        code = match["code"].lower() if system in {"h3", "geohash"} else match["code"].upper()
        decoded = decode_cells([code], system=system)
        lon_deg, lat_deg = float(decoded.lon_deg[0]), float(decoded.lat_deg[0])
        if np.isfinite(lon_deg):
            inside = _is_inside(lon_deg, lat_deg, area)
            outline = decoded.geometry[0]
            name = {"h3": "H3", "plus_code": "Plus Code", "mgrs": "MGRS", "geohash": "Geohash"}[system]
            yield Place(lon_deg=lon_deg, lat_deg=lat_deg, definition=name, outline=outline, inside=inside)


def _angles(text: str, area: tuple[float, float, float, float], _hints: Sequence[str]) -> Iterator[Place]:
    """Read degrees with minutes, seconds or the letter of a hemisphere."""
    between = _BEFORE_LETTER if text[:1] and text[0] in _LETTERS else _AFTER_LETTER
    parts = [part for part in between.split(text) if part]
    if len(parts) != 2 or not all(_HEMISPHERE.search(part) for part in parts):
        return
    for lat_text, lon_text in (parts, parts[::-1]):
        lat, lon = (
            decode_dms(np.array([part], dtype=object), name=axis, axis=axis).values[0]
            for part, axis in ((lat_text, "lat"), (lon_text, "lon"))
        )
        if np.isfinite(lat) and np.isfinite(lon) and abs(lat) <= 90.0 and abs(lon) <= 180.0:
            inside = _is_inside(lon, lat, area)
            yield Place(lon_deg=float(lon), lat_deg=float(lat), definition="WGS 84", inside=inside)
            return


def _pairs(text: str, area: tuple[float, float, float, float], hints: Sequence[str]) -> Iterator[Place]:
    match = _PAIR.fullmatch(text)
    if match is None:
        return
    first, second = float(match["x"]), float(match["y"])
    named = " ".join(part.strip(" :,;=()") for part in (match["before"], match["after"] or "") if part.strip(" :,;=()"))
    if named:
        yield from _in_definition(first, second, named, area)
        return
    if abs(first) <= _LARGEST_ANGLES_DEG[1] and abs(second) <= _LARGEST_ANGLES_DEG[1]:
        orders = [(second, first), (first, second)]
        valid = [(lon, lat) for lon, lat in orders if abs(lat) <= _LARGEST_ANGLES_DEG[0]]
        inside = [pair for pair in valid if _is_inside(*pair, area)]
        for lon, lat in inside or valid[:1]:
            yield Place(lon_deg=lon, lat_deg=lat, definition="WGS 84", inside=bool(inside))
        return
    for hint in dict.fromkeys(hints):
        yield from (place for place in _in_definition(first, second, hint, area) if place.inside)


def _in_definition(first: float, second: float, named: str, area: tuple[float, float, float, float]) -> Iterator[Place]:
    """Read a pair in a named definition, in the order in which it falls into the city, else as x and y."""
    try:
        source = crs.definition(named)
    except CrsError:  # No definition is written so: the text is something else, such as a street and a number.
        return
    outside = None
    for x, y in ((first, second), (second, first)):
        try:
            lon, lat = crs.transform([x], [y], source=source, target=HUB, outside="nan")
        except CrsError:  # Refused for want of a published operation: it cannot be shown.
            return
        if not (np.isfinite(lon[0]) and np.isfinite(lat[0])):
            continue
        place = Place(lon_deg=float(lon[0]), lat_deg=float(lat[0]), definition=source.name or named, inside=False)
        if _is_inside(place.lon_deg, place.lat_deg, area):
            yield Place(lon_deg=place.lon_deg, lat_deg=place.lat_deg, definition=place.definition)
            return
        outside = outside or place
    if outside is not None:
        yield outside


def _is_inside(lon_deg: float, lat_deg: float, area: tuple[float, float, float, float]) -> bool:
    west, south, east, north = area
    x, y = (east - west) * _BESIDE, (north - south) * _BESIDE
    return west - x <= lon_deg <= east + x and south - y <= lat_deg <= north + y
