"""CityJSON 1.1 and 2.0, whole or as a sequence: one record a first-level city object, parts belong to their whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crs import CrsError, definition
from crs.units import conversion_factor
from layers.errors import FileUnreadableError, LayerError, SchemaError
from layers.position import shorten
from layers.readers.mesh import Mesh, to_footprints
from layers.readers.records import Records, geometry_faults, to_table

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["read_cityjson", "read_cityjson_sequence"]

#: How deep the lists of surfaces lie in ``boundaries``: 0 is a list of surfaces.
_SHELLS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}


class _BrokenError(LayerError):
    """Something is not as CityJSON has it; caught where the record that it concerns is known."""


#: What walking through a broken document may meet.
_BROKEN = (_BrokenError, KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


@dataclass(eq=False)
class _Collector:
    """Grows object by object; turned into arrays once."""

    vertices: list[Any] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    ring_size: list[int] = field(default_factory=list)
    surface_rings: list[int] = field(default_factory=list)
    surfaces: list[int] = field(default_factory=list)
    ground: list[bool] = field(default_factory=list)
    properties: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str | None] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)

    def add_vertices(self, vertices: list[list[float]]) -> tuple[int, int]:
        """Append vertices; returns the number of the first, and how many there are."""
        sum(map(sum, vertices))  # raises unless all are numbers
        if any(len(vertex) != 3 for vertex in vertices):
            raise _BrokenError("a vertex has not three numbers")
        start = len(self.vertices) // 3
        self.vertices.extend(chain.from_iterable(vertices))
        return start, len(vertices)

    def add_object(self, row: int, properties: dict[str, Any], shapes: list[_Shape], span: tuple[int, int]) -> None:
        """Append one object; one that is broken keeps its attributes and gets a fault instead of surfaces."""
        fault = None
        rings: list[list[int]] = []
        counts: list[int] = []
        ground: list[bool] = []
        try:
            for shape in shapes:
                surfaces = shape.surfaces()
                rings.extend(chain.from_iterable(surfaces))
                counts.extend(map(len, surfaces))
                ground.extend(shape.ground(len(surfaces)))
            sizes = list(map(len, rings))
            points = list(chain.from_iterable(rings))
            if sizes and (min(sizes) < 3 or min(counts) < 1 or min(points) < 0 or max(points) >= span[1]):
                raise _BrokenError("a ring has fewer than three points, or names a vertex that is not there")
            if not isinstance(sum(points), int):
                raise _BrokenError("a ring names a vertex by a fraction")
        except _BROKEN as error:
            fault, points, sizes, counts, ground = f"unreadable_geometry: {error}", [], [], [], []
        self.points.extend(points if span[0] == 0 else [span[0] + point for point in points])
        self.ring_size.extend(sizes)
        self.surface_rings.extend(counts)
        self.ground.extend(ground)
        self.surfaces.append(len(counts))
        self.properties.append(properties)
        self.faults.append(fault)
        self.rows.append(row)

    def mesh(self, scale: list[float], translate: list[float]) -> Mesh:
        """Turn into arrays, vertices decoded."""
        xyz = np.fromiter(self.vertices, dtype=np.float64, count=len(self.vertices)).reshape(-1, 3)
        xyz = xyz * np.asarray(scale, dtype=np.float64) + np.asarray(translate, dtype=np.float64)
        return Mesh(
            xyz=xyz[np.array(self.points, dtype=np.int64)],
            ring_size=np.array(self.ring_size, dtype=np.int64),
            surface_rings=np.array(self.surface_rings, dtype=np.int64),
            owner=np.repeat(np.arange(len(self.surfaces)), self.surfaces),
            ground=np.array(self.ground, dtype=bool),
            objects=len(self.surfaces),
        )


@dataclass(frozen=True)
class _Shape:
    """One geometry of a city object."""

    geometry: Mapping[str, Any]

    @property
    def lod(self) -> str:
        return str(self.geometry.get("lod", ""))

    def surfaces(self) -> list[list[list[int]]]:
        """List the outer surfaces: of a solid its first shell; the others are hollows inside."""
        kind, boundaries = self.geometry["type"], self.geometry["boundaries"]
        if kind not in _SHELLS:
            raise _BrokenError(f"a {kind} has no surfaces of its own")
        if _SHELLS[kind] == 0:
            return list(boundaries)
        solids = [boundaries] if _SHELLS[kind] == 1 else boundaries
        return [surface for solid in solids for surface in solid[0]]

    def ground(self, count: int) -> list[bool]:
        """Say of each surface whether the file calls it ground."""
        semantics = self.geometry.get("semantics")
        if not semantics:
            return [False] * count
        values = semantics["values"]
        depth = _SHELLS[self.geometry["type"]]
        if depth:
            solids = [values] if depth == 1 else values
            values = [value for solid in solids for value in (solid or [None])[0] or ()]
        named = {i for i, surface in enumerate(semantics["surfaces"]) if surface.get("type") == "GroundSurface"}
        flags = [value in named for value in values or ()]
        return flags if len(flags) == count else [False] * count


def _level(lod: str) -> tuple[float, str]:
    """Order levels of detail: "2.2" is above "2"."""
    try:
        return float(lod), lod
    except ValueError:
        return -1.0, lod


def _family(name: str, objects: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield an object and everything that is part of it; a circle of parts is walked once."""
    waiting, met = [name], set()
    while waiting:
        current = waiting.pop()
        if current in met or current not in objects:
            continue
        met.add(current)
        yield objects[current]
        waiting.extend(objects[current].get("children") or ())


def _collect(
    into: _Collector, objects: Mapping[str, Any], span: tuple[int, int], *, first_row: int, lod: str | None
) -> int:
    """Add the first-level objects of a document or feature; returns how many there were."""
    wholes = [name for name, thing in objects.items() if not (isinstance(thing, Mapping) and thing.get("parents"))]
    for i, name in enumerate(wholes):
        row = first_row + i
        try:
            family = list(_family(name, objects))
            shapes = [_Shape(geometry) for thing in family for geometry in thing.get("geometry") or ()]
            wanted = lod if lod is not None else max((shape.lod for shape in shapes), key=_level, default="")
            chosen = [shape for shape in shapes if shape.lod == wanted]
            head = {"id": name, "object_type": str(family[0]["type"]), "lod": wanted, "parts": len(family) - 1}
            attributes = family[0].get("attributes") or {}
            properties = head | {_free(key): value for key, value in attributes.items()}
        except _BROKEN as error:
            text = json.dumps(objects[name], ensure_ascii=False)[:2000]
            into.rejected.append((row, f"unreadable_object: {name}: {error!r}", text))
            continue
        into.add_object(row, properties, chosen, span)
    return len(wholes)


#: Columns that this reader measures or needs; an attribute of that name is kept beside it.
_OWN = frozenset({"id", "object_type", "lod", "parts", "height_m", "ground_z", "footprint_from"})


def _free(name: str) -> str:
    return f"{name}_published" if name in _OWN else name


def _metres_per_unit(options: ReadOptions, declared: str | None, label: str) -> float:
    """Find the unit of z: stated, or the metre of a frame in metres; never a guess between feet and metres."""
    if options.height_unit is not None:
        return conversion_factor(options.height_unit, "metre")
    try:
        unit = "" if declared is None else definition(declared).unit
    except CrsError:
        unit = ""
    if unit == "metre":
        return 1.0
    raise SchemaError(
        f"{label}: {declared or 'the file'} does not say in which unit heights are "
        f"(its x and y are in {unit or 'an unknown unit'}); write height_unit: metre, us_survey_foot or foot."
    )


def _transform(document: Mapping[str, Any], label: str) -> tuple[list[float], list[float]]:
    transform = document.get("transform", {"scale": [1, 1, 1], "translate": [0, 0, 0]})
    try:
        scale, translate = [float(v) for v in transform["scale"]], [float(v) for v in transform["translate"]]
    except _BROKEN as error:
        raise FileUnreadableError(f"{label}: its transform is broken ({error!r}); export it anew.") from error
    if len(scale) != 3 or len(translate) != 3:
        raise FileUnreadableError(
            f"{label}: its transform needs three numbers for scale and translate; export it anew."
        )
    return scale, translate


def _finish(into: _Collector, header: Mapping[str, Any], options: ReadOptions, *, count: int, label: str) -> Records:
    """Measure all objects and make the table."""
    named = (header.get("metadata") or {}).get("referenceSystem")
    declared = shorten(named) if isinstance(named, str) else None
    factor = _metres_per_unit(options, declared, label)
    found = to_footprints(into.mesh(*_transform(header, label)), metres_per_unit=factor)
    faults = geometry_faults(found.geometry, np.zeros(len(into.rows), dtype=bool))
    for i, (fault, surfaces) in enumerate(zip(into.faults, into.surfaces, strict=True)):
        if fault is not None:
            faults[i] = fault
        elif surfaces and found.geometry[i] is None:
            faults[i] = "no_footprint: nothing but walls, or surfaces that cross themselves"
    index = np.array(into.rows, dtype=np.int64)
    table = to_table(into.properties, index)
    measured = pd.DataFrame(
        {
            "height_m": (found.z_max - found.z_min) * factor,
            "ground_z": found.z_min * factor,
            "footprint_from": pd.Categorical(found.method),
        },
        index=index,
    )
    front = [name for name in ("id", "object_type", "lod", "parts") if name in table]
    table = pd.concat([table[front], measured, table.drop(columns=front)], axis=1)
    rejected = pd.DataFrame(into.rejected, columns=["row", "reason", "text"]).astype({"row": np.int64})
    return Records(
        table=table,
        count=count,
        geometry=found.geometry,
        faults=faults,
        rejected=rejected,
        declared=declared,
        units={"height_m": "m", "ground_z": "m"},
        heights=("ground_z",),
    )


def _check_version(document: Mapping[str, Any], label: str) -> None:
    version = str(document.get("version", ""))
    if not version.startswith(("1.0", "1.1", "2.0")):
        raise FileUnreadableError(f"{label}: CityJSON version {version or 'not stated'}; 1.0, 1.1 and 2.0 are read.")


def read_cityjson(document: Mapping[str, Any], options: ReadOptions, *, label: str) -> Records:
    """Read a parsed CityJSON document.

    Parameters
    ----------
    document : Mapping
        With ``CityObjects`` and ``vertices``.
    options : ReadOptions
        ``lod`` and ``height_unit`` count.
    label : str
        For messages.

    Returns
    -------
    Records
        One a first-level object: its footprint, ``height_m`` (highest minus lowest vertex), ``ground_z`` (lowest
        vertex, in metres above what the layer's position names as ``vertical``), ``footprint_from`` and its attributes.
        An attribute called like one of these columns is kept as "..._published".

    Raises
    ------
    FileUnreadableError
        If the document is broken as a whole.
    SchemaError
        If nothing says in which unit heights are.
    """
    _check_version(document, label)
    into = _Collector()
    try:
        objects = dict(document["CityObjects"])
        span = into.add_vertices(document["vertices"])
    except _BROKEN as error:
        raise FileUnreadableError(
            f"{label}: CityObjects or vertices are broken ({error!r}); export it anew."
        ) from error
    count = _collect(into, objects, span, first_row=0, lod=options.lod)
    return _finish(into, document, options, count=count, label=label)


def read_cityjson_sequence(source: Source, options: ReadOptions) -> Records:
    """Read a CityJSONSeq file: a header line, then one CityJSONFeature a line.

    Parameters
    ----------
    source : Source
        A .city.jsonl or .jsonl file, perhaps gzipped.
    options : ReadOptions
        ``lod`` and ``height_unit`` count.

    Returns
    -------
    Records
        As of :func:`read_cityjson`; a line that is no feature is rejected.

    Raises
    ------
    FileUnreadableError
        If the first line is no CityJSON header.
    SchemaError
        If nothing says in which unit heights are.
    """
    lines = [line for line in source.read().splitlines() if line.strip()]
    try:
        header = json.loads(lines[0])
        if header["type"] != "CityJSON":
            raise _BrokenError(header["type"])
    except (*_BROKEN, RecursionError) as error:
        raise FileUnreadableError(f"{source.label}: the first line is no CityJSON header ({error!r}).") from error
    _check_version(header, source.label)
    into = _Collector()
    row = 0
    for line in lines[1:]:
        row += _read_line(into, line, row, options.lod)
    return _finish(into, header, options, count=row, label=source.label)


def _read_line(into: _Collector, line: bytes, row: int, lod: str | None) -> int:
    """Add one feature; returns the number of records that it held, at least one."""
    try:
        feature = json.loads(line)
        if feature["type"] != "CityJSONFeature":
            raise _BrokenError(feature["type"])
        objects = dict(feature["CityObjects"])
        span = into.add_vertices(feature["vertices"])
    except (*_BROKEN, RecursionError) as error:
        into.rejected.append(
            (row, f"unreadable_feature: {error!r}", line[:2000].decode("utf-8", errors="backslashreplace"))
        )
        return 1
    found = _collect(into, objects, span, first_row=row, lod=lod)
    if not found:
        into.rejected.append(
            (row, "unreadable_feature: it holds no object", line[:2000].decode("utf-8", errors="backslashreplace"))
        )
    return max(found, 1)
