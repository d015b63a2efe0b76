"""PositionDefinition: what the positions of one dataset mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pyproj import CRS

from crs.errors import DefinitionError
from crs.identify import is_projjson, resolve_frame
from crs.registry import aliases
from crs.units import is_angle

__all__ = ["Axes", "Kind", "Notation", "PositionDefinition", "Status", "definition"]

Kind = Literal["coordinates", "linear", "register"]
Axes = Literal["lon,lat", "lat,lon"]
Notation = Literal["decimal", "dms", "nmea", "packed_dms", "packed_ddmmss", "polyline"]
Status = Literal["declared", "detected", "estimated", "ambiguous", "unresolvable"]

_AXES: dict[str, Axes] = {
    "lon,lat": "lon,lat",
    "x,y": "lon,lat",
    "east,north": "lon,lat",
    "easting,northing": "lon,lat",
    "e,n": "lon,lat",
    "lat,lon": "lat,lon",
    "y,x": "lat,lon",
    "north,east": "lat,lon",
    "northing,easting": "lat,lon",
    "n,e": "lat,lon",
}
_SHARED = {"columns", "sigma_m", "unit", "status", "vertical"}
_KEYS: dict[Kind, set[str]] = {
    "coordinates": {"definition", "axes", "notation", "cut_at", *_SHARED},
    "linear": {"along", "key", *_SHARED},
    "register": {"register", "key", *_SHARED},
}


@dataclass(frozen=True, kw_only=True)
class PositionDefinition:
    """What the positions of a dataset mean: a frame, how it is written, and how good it is.

    Parameters
    ----------
    name : str
        Canonical name: "OGC:CRS84", "EPSG:2263", "streets+chainage", "monitor_sites[nyc_id]".
    kind : str
        "coordinates", "linear" (street and chainage) or "register" (an id that a register resolves).
    crs : str or None
        Authority code or WKT of the horizontal numbers once decoded; None for indirect positions.
    axes : str
        Order in which `columns` are written, "lon,lat" (that is, x before y) or "lat,lon". Geometry files are
        always x before y.
    notation : str
        "decimal", "dms", "nmea" (degrees and minutes run together), "packed_dms" (dd.mmss), "packed_ddmmss"
        (ddmmss.s), or "polyline" (text of pairs in one column, a line a record).
    unit : str
        Unit of the numbers; the frame's own unless stated. "1e-7 degree" says scaled integers.
    columns : tuple of str
        The columns of a table that hold the position, in the order of `axes`; empty for geometry files.
    reference : str or None
        Name of the street layer or register that an indirect position refers to.
    key : str or None
        Column of that layer that holds the ids.
    sigma_m : float
        Stated accuracy of the source: standard deviation per horizontal axis of a circular normal, metres (of a
        chainage: along the street and off its line alike). 0 means not stated.
    status : str
        How the definition is known; "declared" unless a detector says otherwise.
    vertical : str or None
        What the heights refer to, as a tag: heights stay as published.
    cut_at : int or None
        Length at which the publisher cut the text of a polyline: the last pair of a text that long is dropped.
    """

    name: str
    kind: Kind
    crs: str | None = None
    axes: Axes = "lon,lat"
    notation: Notation = "decimal"
    unit: str = "degree"
    columns: tuple[str, ...] = ()
    reference: str | None = None
    key: str | None = None
    sigma_m: float = 0.0
    status: Status = "declared"
    vertical: str | None = None
    cut_at: int | None = None

    def __str__(self) -> str:
        return self.name

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("crs.PositionDefinition", *dataclasses.astuple(self))


def definition(spec: object) -> PositionDefinition:
    """Say what a position means, from whatever form it is written in.

    Parameters
    ----------
    spec : str, Mapping, pyproj.CRS or PositionDefinition
        A name or authority code ("OGC:CRS84", "EPSG:2263", "EPSG:3944+5720"), WKT of any dialect, PROJJSON; the
        mapping of a `position:` in city.yaml; or a definition, which is returned as it is.

    Returns
    -------
    PositionDefinition
        Canonical and frozen.

    Raises
    ------
    DefinitionError
        If it is not understood: what was found, and what to write.

    Examples
    --------
    >>> definition({"definition": "EPSG:4326", "notation": "dms", "axes": "lat,lon", "columns": ["lat", "lon"]}).axes
    'lat,lon'
    >>> definition({"along": "streets", "key": "street_id", "columns": ["street_id", "chainage_m"]}).name
    'streets+chainage'
    """
    if isinstance(spec, PositionDefinition):
        return spec
    if isinstance(spec, CRS):
        return _named(spec.to_wkt())
    if isinstance(spec, str):
        return _named(spec)
    if isinstance(spec, Mapping):
        if is_projjson(spec):
            return _named(CRS.from_json_dict(dict(spec)).to_wkt())
        return _from_mapping(spec)
    raise DefinitionError(
        f"a position definition is text or a mapping, found {type(spec).__name__}; "
        "write for instance 'OGC:CRS84' or {definition: 'EPSG:2263', columns: [x, y]}"
    )


def _named(text: str) -> PositionDefinition:
    """Make a definition from one text."""
    if not text.strip():
        raise DefinitionError("the position definition is empty; write for instance 'OGC:CRS84'")
    frame = resolve_frame(aliases().get(text.strip().lower(), text))
    return PositionDefinition(
        name=frame.name, kind="coordinates", crs=frame.crs, unit=frame.unit, vertical=frame.vertical
    )


def _from_mapping(spec: Mapping[str, Any]) -> PositionDefinition:
    """Make a definition from the mapping form of city.yaml."""
    kinds: list[tuple[str, Kind]] = [("definition", "coordinates"), ("along", "linear"), ("register", "register")]
    said = [(word, kind) for word, kind in kinds if word in spec]
    if len(said) != 1:
        found = ", ".join(map(str, spec)) or "nothing"
        raise DefinitionError(
            f"a position says exactly one of `definition:`, `along:` or `register:`; found {found}. "
            "Write for instance {definition: 'EPSG:2263', columns: [x, y]}"
        )
    word, kind = said[0]
    unknown = sorted(set(spec) - _KEYS[kind])
    if unknown:
        raise DefinitionError(
            f"position with `{word}:` has unknown {', '.join(map(repr, unknown))}; "
            f"known are {', '.join(sorted(_KEYS[kind]))}"
        )
    shared: dict[str, Any] = {"columns": _columns(spec), "sigma_m": _sigma(spec), "status": _status(spec)}
    if kind == "coordinates":
        return _coordinates(spec, shared)
    return _indirect(spec, word, kind, shared)


def _coordinates(spec: Mapping[str, Any], shared: dict[str, Any]) -> PositionDefinition:
    """Read the mapping of a position that is written in numbers."""
    base = definition(spec["definition"])
    notation = str(spec.get("notation", "decimal"))
    if notation not in get_args(Notation):
        raise DefinitionError(f"notation {notation!r} is not known; write one of {', '.join(get_args(Notation))}")
    # The text of a polyline is by custom "lat,lon lat,lon"; everything else defaults to x before y.
    said = str(spec.get("axes", "lat,lon" if notation == "polyline" else "lon,lat"))
    axes = _AXES.get(said.replace(" ", "").lower())
    if axes is None:
        raise DefinitionError(f"axes {said!r} is not known; write 'lon,lat' (x first) or 'lat,lon' (y first)")
    unit = str(spec.get("unit", base.unit))
    if is_angle(unit) != is_angle(base.unit):
        raise DefinitionError(f"unit {unit!r} does not fit {base.name}, whose numbers are in {base.unit}")
    if notation in {"dms", "nmea", "packed_dms", "packed_ddmmss"} and (unit, base.unit) != ("degree", "degree"):
        raise DefinitionError(
            f"notation {notation!r} writes degrees, but {base.name} is in {unit}; write notation: decimal"
        )
    allowed = {"polyline": (0, 1), "nmea": (0, 2, 4)}.get(notation, (0, 2))
    if len(shared["columns"]) not in allowed:
        raise DefinitionError(
            f"notation {notation!r} takes {' or '.join(map(str, allowed[1:]))} columns, found {list(shared['columns'])}"
        )
    cut_at = spec.get("cut_at")
    if cut_at is not None and (notation != "polyline" or not isinstance(cut_at, int) or cut_at < 1):
        raise DefinitionError(f"cut_at {cut_at!r} must be the length of the cut text and goes with notation: polyline")
    vertical = spec.get("vertical", base.vertical)
    said_notation: Notation = next(known for known in get_args(Notation) if known == notation)
    return dataclasses.replace(
        base,
        axes=axes,
        notation=said_notation,
        unit=unit,
        vertical=None if vertical is None else str(vertical),
        cut_at=cut_at,
        **shared,
    )


def _indirect(spec: Mapping[str, Any], word: str, kind: Kind, shared: dict[str, Any]) -> PositionDefinition:
    """Read the mapping of a position that needs another layer."""
    reference, key, columns = str(spec[word]), spec.get("key"), shared["columns"]
    if not key:
        raise DefinitionError(f"position with `{word}: {reference}` lacks `key:`, the id column of {reference}")
    wanted = 2 if kind == "linear" else 1
    if len(columns) != wanted:
        what = "the id and the chainage" if kind == "linear" else "the id"
        raise DefinitionError(
            f"position with `{word}: {reference}` takes {wanted} columns ({what}), found {list(columns)}"
        )
    unit = str(spec.get("unit", "metre"))
    if is_angle(unit):
        raise DefinitionError(f"unit {unit!r} of a chainage must be a length; write metre or kilometre")
    vertical = spec.get("vertical")
    return PositionDefinition(
        name=f"{reference}+chainage" if kind == "linear" else f"{reference}[{key}]",
        kind=kind,
        unit=unit,
        reference=reference,
        key=str(key),
        vertical=None if vertical is None else str(vertical),
        **shared,
    )


def _columns(spec: Mapping[str, Any]) -> tuple[str, ...]:
    columns = spec.get("columns", ())
    if isinstance(columns, str):
        return (columns,)
    return tuple(str(column) for column in columns)


def _sigma(spec: Mapping[str, Any]) -> float:
    sigma = spec.get("sigma_m", 0.0)
    if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 <= sigma < 1e7:
        raise DefinitionError(f"sigma_m {sigma!r} must be a number of metres, 0 (not stated) or more")
    return float(sigma)


def _status(spec: Mapping[str, Any]) -> Status:
    for known in get_args(Status):
        if spec.get("status", "declared") == known:
            status: Status = known
            return status
    raise DefinitionError(f"status {spec['status']!r} is not known; write one of {', '.join(get_args(Status))}")
