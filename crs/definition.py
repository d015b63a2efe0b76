"""PositionDefinition: what the positions of one dataset mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pyproj import CRS

from crs.errors import DefinitionError
from crs.given import ReferredGrid, grid_of, read_given, shift_of
from crs.heights import HeightOperation, read_heights
from crs.identify import is_projjson
from crs.indirect import INDIRECT, AddressOptions, IndirectOptions, LinearOptions, read_options
from crs.registry import frame_of, is_portable
from crs.units import is_angle

__all__ = ["Axes", "Kind", "Notation", "PositionDefinition", "Status", "definition"]

Kind = Literal["coordinates", "linear", "register", "intersection", "address", "cells"]
Axes = Literal["lon,lat", "lat,lon"]
Notation = Literal["decimal", "dms", "nmea", "packed_dms", "packed_ddmmss", "pair", "polyline"]
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
_WRITTEN = {"axes", "notation", "cut_at", "decimal", "truncated", "epoch"}
_KEYS: dict[str, set[str]] = {
    "definition": {"definition", "shift", *_WRITTEN, *_SHARED},
    "local_grid": {"local_grid", *_WRITTEN, *_SHARED},
    **{word: {word, *keys, *_SHARED} for word, (_, keys) in INDIRECT.items()},
}


@dataclass(frozen=True, kw_only=True)
class PositionDefinition:
    """What the positions of a dataset mean: a frame, how it is written, and how good it is.

    Parameters
    ----------
    name : str
        Canonical name: "OGC:CRS84", "EPSG:2263", "streets+chainage", "monitor_sites[nyc_id]".
    kind : str
        "coordinates", "linear" (street and chainage), "register" (an id or code that a register resolves),
        "intersection" (two streets), "address" (street and number) or "cells" (the code of a grid's cell).
    crs : str or None
        Authority code, WKT or the text of a given frame of the horizontal numbers once decoded; None for indirect
        positions.
    axes : str
        Order in which `columns` are written, "lon,lat" (that is, x before y) or "lat,lon". Geometry files are
        always x before y.
    notation : str
        "decimal", "dms", "nmea" (degrees and minutes run together), "packed_dms" (dd.mmss), "packed_ddmmss"
        (ddmmss.s), "pair" (both numbers in the text of one column, also as a WKT point), or "polyline" (text of pairs
        in one column, a line a record).
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
        What the heights refer to, as a tag (`crs.vertical_definition` reads it); None where nobody said it.
    lift : HeightOperation or None
        What moves the heights to another datum; without it they stay on theirs.
    height_columns : tuple of str
        Columns of a table that hold heights on that datum, beside those in the geometries.
    cut_at : int or None
        Length at which the publisher cut the text of a polyline: the last pair of a text that long is dropped.
    decimal : str or None
        The sign before the decimals, "." or ","; None where it is to be seen from the numbers.
    truncated : bool
        True where digits were cut and not rounded: the place is half a step farther from zero.
    epoch : float or None
        Year with decimals at which the positions hold, as a tag: nothing is moved by plate motion.
    options : LinearOptions, RegisterOptions, CrossingOptions, AddressOptions, CellOptions or None
        What an indirect position says beyond its columns.
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
    lift: HeightOperation | None = None
    height_columns: tuple[str, ...] = ()
    cut_at: int | None = None
    decimal: Literal[".", ","] | None = None
    truncated: bool = False
    epoch: float | None = None
    options: IndirectOptions | None = None

    @property
    def references(self) -> tuple[str, ...]:
        """Names of all layers that the position refers to; of coordinates, the control points of their grid."""
        calibration = self.options.calibration if isinstance(self.options, LinearOptions) else None
        given = None if self.crs is None else read_given(self.crs)
        grid = given.points if isinstance(given, ReferredGrid) else None
        names = (self.reference, calibration.points if calibration is not None else None, grid)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def portable_crs(self) -> str | None:
        """What other programs may be told as the frame; None where none of them knows it (GCJ-02, a local grid)."""
        return self.crs if self.crs is not None and is_portable(self.crs) else None

    def __str__(self) -> str:
        return self.name

    def __dask_tokenize__(self) -> tuple[object, ...]:
        lift = None if self.lift is None else self.lift.__dask_tokenize__()
        return ("crs.PositionDefinition", *dataclasses.astuple(dataclasses.replace(self, lift=None)), lift)


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
    frame = frame_of(text)
    return PositionDefinition(
        name=frame.name, kind="coordinates", crs=frame.crs, unit=frame.unit, vertical=frame.vertical
    )


def _from_mapping(spec: Mapping[str, Any]) -> PositionDefinition:
    """Make a definition from the mapping form of city.yaml."""
    said = [word for word in ("definition", "local_grid", *INDIRECT) if word in spec]
    if len(said) != 1:
        found = ", ".join(map(str, spec)) or "nothing"
        raise DefinitionError(
            "a position says exactly one of `definition:`, `local_grid:`, `along:`, `register:`, `intersection:`, "
            f"`address:` or `cells:`; found {found}. Write for instance {{definition: 'EPSG:2263', columns: [x, y]}}"
        )
    word = said[0]
    unknown = sorted(set(spec) - _KEYS[word])
    if unknown:
        raise DefinitionError(
            f"position with `{word}:` has unknown {', '.join(map(repr, unknown))}; "
            f"known are {', '.join(sorted(_KEYS[word]))}"
        )
    shared: dict[str, Any] = {"columns": _columns(spec), "sigma_m": _sigma(spec), "status": _status(spec)}
    if word in {"definition", "local_grid"}:
        return _coordinates(spec, shared)
    return _indirect(spec, word, shared)


def _frame(spec: Mapping[str, Any]) -> PositionDefinition:
    """Read the frame of a mapping: one with a name, one moved by a given shift, or a local grid."""
    if "local_grid" in spec:
        grid = spec["local_grid"]
        base = definition(grid["base"]) if isinstance(grid, Mapping) and "base" in grid else None
        if base is None or base.crs is None:
            raise DefinitionError("local_grid: says no `base:` in numbers; write the grid beneath, such as EPSG:4547")
        return _named(grid_of(grid, base.crs).text)
    base = definition(spec["definition"])
    if "shift" not in spec:
        return base
    return dataclasses.replace(base, crs=shift_of(str(base.crs), spec["shift"]).text)


def _epoch(spec: Mapping[str, Any]) -> float | None:
    epoch = spec.get("epoch")
    if epoch is None:
        return None
    if isinstance(epoch, bool) or not isinstance(epoch, int | float) or not 1900 <= epoch <= 2200:
        raise DefinitionError(f"epoch {epoch!r} must be a year with decimals, such as 2026.5")
    return float(epoch)


def _coordinates(spec: Mapping[str, Any], shared: dict[str, Any]) -> PositionDefinition:
    """Read the mapping of a position that is written in numbers."""
    base = _frame(spec)
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
    allowed = {"polyline": (0, 1), "pair": (0, 1), "nmea": (0, 2, 4)}.get(notation, (0, 2))
    if len(shared["columns"]) not in allowed:
        raise DefinitionError(
            f"notation {notation!r} takes {' or '.join(map(str, allowed[1:]))} columns, found {list(shared['columns'])}"
        )
    cut_at = spec.get("cut_at")
    if cut_at is not None and (notation != "polyline" or not isinstance(cut_at, int) or cut_at < 1):
        raise DefinitionError(f"cut_at {cut_at!r} must be the length of the cut text and goes with notation: polyline")
    decimal, truncated = spec.get("decimal"), spec.get("truncated", False)
    if decimal not in {None, ".", ","} or (decimal == "," and notation in {"pair", "polyline"}):
        raise DefinitionError(f"decimal {decimal!r} must be '.' or ',', and numbers that stand together have points")
    if not isinstance(truncated, bool) or (truncated and notation == "polyline"):
        raise DefinitionError(f"truncated {truncated!r} must be true or false, and goes with columns of numbers")
    vertical, lift, height_columns = read_heights(spec.get("vertical"), base.vertical)
    said_notation: Notation = next(known for known in get_args(Notation) if known == notation)
    return dataclasses.replace(
        base,
        axes=axes,
        notation=said_notation,
        unit=unit,
        vertical=vertical,
        lift=lift,
        height_columns=height_columns,
        cut_at=cut_at,
        decimal=decimal,
        truncated=truncated,
        epoch=_epoch(spec),
        **shared,
    )


def _indirect(spec: Mapping[str, Any], word: str, shared: dict[str, Any]) -> PositionDefinition:
    """Read the mapping of a position that needs another layer, or the grid of a code."""
    reference, columns = str(spec[word]), shared["columns"]
    kind = next(known for known in get_args(Kind) if known == INDIRECT[word][0])
    if word != "cells" and not spec.get("key"):
        raise DefinitionError(f"position with `{word}: {reference}` lacks `key:`, the id column of {reference}")
    unit = str(spec.get("unit", "metre"))
    if is_angle(unit):
        raise DefinitionError(f"unit {unit!r} of a chainage must be a length; write metre or kilometre")
    options = read_options(spec, word, unit=unit)
    keys = options.keys if isinstance(options, AddressOptions) else (str(spec.get("key")),)
    wanted, what = {
        "along": (2, "the id and the chainage"),
        "intersection": (2, "the names of both streets"),
        "address": (len(keys), "one for each column of `key:`"),
    }.get(word, (1, "the id"))
    if len(columns) != wanted:
        raise DefinitionError(
            f"position with `{word}: {reference}` takes {wanted} columns ({what}), found {list(columns)}"
        )
    vertical, lift, height_columns = read_heights(spec.get("vertical"), None)
    names = {"along": f"{reference}+chainage", "intersection": f"{reference}+crossing", "cells": f"{reference} cells"}
    return PositionDefinition(
        name=names.get(word, f"{reference}[{', '.join(keys)}]"),
        kind=kind,
        unit=unit,
        reference=None if word == "cells" else reference,
        key=None if word == "cells" else keys[0],
        vertical=vertical,
        lift=lift,
        height_columns=height_columns,
        options=options,
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
