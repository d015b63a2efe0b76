"""Recognise a frame that somebody else wrote: codes, URNs, WKT of `.prj` and GeoTIFF, PROJJSON, pyproj objects."""

from __future__ import annotations

import json
import math
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pyproj import CRS
from pyproj.exceptions import CRSError

from crs.errors import DefinitionError
from crs.foreign_files import refuse_foreign_files
from crs.units import resolve_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Frame", "is_projjson", "resolve_frame", "written_axes"]

_CODE = re.compile(
    r"(?P<authority>EPSG|OGC|ESRI|IGNF|IAU_2015):(?P<code>[A-Za-z0-9_]+)(?:\+(?P<vertical>\d+))?", re.IGNORECASE
)
_URN = re.compile(r"urn:(?:ogc|x-ogc):def:crs:(?P<authority>\w+):[\w.]*:(?P<code>\w+)", re.IGNORECASE)
#: A compound frame by its parts; the first is the horizontal one.
_COMPOUND = re.compile(r"urn:ogc:def:crs,crs:(?P<authority>\w+):[\w.]*:(?P<code>\w+),", re.IGNORECASE)
_URL = re.compile(r"https?://www\.opengis\.net/def/crs/(?P<authority>\w+)/[\w.]+/(?P<code>\w+)/?", re.IGNORECASE)

# A code found by content must agree in every parameter that moves a point; PROJ calls that 70 and more.
_MIN_CONFIDENCE = 70


@dataclass(frozen=True)
class Frame:
    """A recognised frame: its canonical name, what the horizontal numbers are in, and the tag of the heights.

    Parameters
    ----------
    name : str
        Canonical name, an authority code where there is one.
    crs : str
        Authority code of the horizontal part, or its WKT where no authority has it.
    vertical : str or None
        Authority code or name of the vertical part of a compound or three-dimensional frame.
    unit : str
        Unit of the horizontal numbers.
    """

    name: str
    crs: str
    vertical: str | None = None
    unit: str = "degree"


def is_projjson(mapping: Mapping[str, Any]) -> bool:
    """Say whether a mapping is PROJJSON, as GeoParquet carries it.

    Parameters
    ----------
    mapping : Mapping
        Any mapping.

    Returns
    -------
    bool
        True if it calls itself a CRS.
    """
    return str(mapping.get("type", "")).endswith("CRS")


@lru_cache(maxsize=1024)
def resolve_frame(text: str) -> Frame:
    """Recognise a frame from text.

    Parameters
    ----------
    text : str
        An authority code ("EPSG:2263", "EPSG:3944+5720"), an OGC URN or URL, WKT 1 or 2 of any dialect, PROJJSON text.

    Returns
    -------
    Frame
        With the authority's code where the content is the authority's.

    Raises
    ------
    DefinitionError
        If it is none of these, names a file, or names something that has no horizontal part.

    Examples
    --------
    >>> resolve_frame("urn:ogc:def:crs:EPSG::3944").name
    'EPSG:3944'
    >>> resolve_frame("EPSG:7415").crs, resolve_frame("EPSG:7415").vertical
    ('EPSG:28992', 'EPSG:5709')
    """
    plain = text.strip()
    refuse_foreign_files(plain)
    for pattern in (_CODE, _URN, _URL):
        match = pattern.fullmatch(plain)
        if match:
            plain = f"{match['authority'].upper()}:{match['code'].upper()}"
            vertical = match.groupdict().get("vertical")
            plain = f"{plain}+{vertical}" if vertical else plain
    try:
        parsed = CRS.from_json(plain) if plain.startswith("{") else CRS.from_user_input(plain)
    except (CRSError, json.JSONDecodeError) as fault:
        shown = plain if len(plain) <= 80 else plain[:77] + "..."
        raise DefinitionError(
            f"{shown!r} is not a known position definition; write an authority code such as 'EPSG:2263' or "
            "'OGC:CRS84', a name from crs.definitions(), or WKT"
        ) from fault
    return _frame_of(parsed)


def written_axes(name: str) -> Literal["lon,lat", "lat,lon"]:
    """Say in which order XML writes coordinates under a name of a frame.

    A URN or URL of the OGC stands for the order of the authority, which for EPSG is often latitude or northing first; a
    plain "EPSG:4326", as older files have it, stands for x first, as do all other names.

    Parameters
    ----------
    name : str
        As `srsName` has it.

    Returns
    -------
    {"lon,lat", "lat,lon"}
        "lat,lon" where northing or latitude comes first.

    References
    ----------
    OGC 09-048r5, Name type specification for CRS; OGC Axis Order Policy (2017).

    Examples
    --------
    >>> written_axes("urn:ogc:def:crs:EPSG::4326"), written_axes("EPSG:4326")
    ('lat,lon', 'lon,lat')
    """
    plain = name.strip()
    match = _URN.fullmatch(plain) or _URL.fullmatch(plain) or _COMPOUND.match(plain)
    if match is None:
        return "lon,lat"
    try:
        parsed = CRS.from_user_input(f"{match['authority'].upper()}:{match['code'].upper()}")
    except CRSError:
        return "lon,lat"
    directions = [axis.direction for axis in parsed.axis_info[:2]]
    return "lat,lon" if directions == ["north", "east"] else "lon,lat"


def _parameters(parsed: CRS) -> dict[str, Any]:
    """Return the numbers and names that move a point, without the order of axes."""
    with warnings.catch_warnings():
        # pyproj warns that PROJ's own form says less than WKT; what it leaves out is names and axes.
        warnings.simplefilter("ignore", UserWarning)
        return {key: value for key, value in parsed.to_dict().items() if key not in {"axis", "type", "no_defs"}}


def _bears_out(parsed: CRS, code: str) -> bool:
    """Say whether the content of a text is that of the code it bears."""
    known = CRS.from_user_input(code)
    try:
        ours, theirs = _parameters(parsed), _parameters(known)
    except CRSError:
        # PROJ has no form of its own for a projection that it does not compute.
        return bool(parsed.equals(known, ignore_axis_order=True))
    return ours.keys() == theirs.keys() and all(
        math.isclose(value, theirs[key], rel_tol=1e-12) if isinstance(value, float) else value == theirs[key]
        for key, value in ours.items()
    )


def _authority_code(parsed: CRS) -> str | None:
    """Return "EPSG:2263" for a frame whose content is that code's, else None.

    A code that the text itself bears is believed if the content bears it out. Else it is looked up by content, where
    old WKT, which has no axes, may find another authority's code for the same frame.
    """
    borne = parsed.to_json_dict().get("id")
    if borne and _bears_out(parsed, f"{borne['authority']}:{borne['code']}"):
        return f"{borne['authority']}:{borne['code']}"
    found = parsed.to_authority(min_confidence=_MIN_CONFIDENCE)
    return f"{found[0]}:{found[1]}" if found else None


def _frame_of(parsed: CRS) -> Frame:
    """Take a parsed frame apart into horizontal and vertical."""
    code = _authority_code(parsed)
    if parsed.is_compound:
        horizontal, vertical = parsed.sub_crs_list[0], parsed.sub_crs_list[1]
        inner = _frame_of(horizontal)
        tag = _authority_code(vertical) or vertical.name
        return Frame(code or f"{inner.name}+{tag.removeprefix('EPSG:')}", inner.crs, tag, inner.unit)
    if parsed.is_bound and parsed.source_crs is not None:
        # TOWGS84 in old WKT is one program's idea of the shift; the frame itself is what is recognised.
        return _frame_of(parsed.source_crs)
    if not (parsed.is_geographic or parsed.is_projected):
        raise DefinitionError(
            f"{parsed.name!r} ({parsed.type_name}) does not say where on the earth a position is; "
            "write the frame of its horizontal coordinates"
        )
    if len(parsed.axis_info) == 3:
        flat = parsed.to_2d()
        inner = _frame_of(flat)
        return Frame(code or inner.name, inner.crs, "ellipsoidal", inner.unit)
    if code is None:
        return Frame(parsed.name, parsed.to_wkt(), unit=_unit_of(parsed))
    return Frame(code, code, unit=_unit_of(parsed))


def _unit_of(parsed: CRS) -> str:
    """Name the unit of a frame as `crs.units` does."""
    name = parsed.axis_info[0].unit_name
    try:
        return resolve_unit(name)[0]
    except DefinitionError as fault:
        raise DefinitionError(
            f"{parsed.name} counts in {name!r}, a unit that is not known; write the numbers in metres and name the "
            "definition in metres"
        ) from fault
