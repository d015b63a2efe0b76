"""CityJSON 1.0 to 2.0, whole or as a sequence: one record a first-level city object, parts belong to their whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from layers.archives import open_archive
from layers.errors import FileUnreadableError, GeometryError
from layers.position import shorten
from layers.readers.city_objects import Gathered, city_records, free_name, highest_level, metres_per_unit
from layers.readers.cityjson_geometry import BROKEN, Collector, Shape, Templates

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = ["read_cityjson", "read_cityjson_archive", "read_cityjson_sequence"]


def _family(name: str, objects: Mapping[str, Any]) -> list[str]:
    """List an object and everything that is part of it; a circle of parts is walked once."""
    waiting, met = [name], dict[str, None]()
    while waiting:
        current = waiting.pop()
        if current in met or current not in objects:
            continue
        met[current] = None
        thing = objects[current]
        children = thing.get("children") if isinstance(thing, Mapping) else None
        waiting.extend(children if isinstance(children, list) else ())
    return list(met)


def _families(objects: Mapping[str, Any]) -> list[list[str]]:
    """Part all objects into families; a part whose whole is not there stands for itself."""
    families: list[list[str]] = []
    covered: set[str] = set()
    parts = [
        isinstance(thing, Mapping) and any(parent in objects for parent in thing.get("parents") or ())
        for thing in objects.values()
    ]
    wholes = [name for name, part in zip(objects, parts, strict=True) if not part]
    for name in [*wholes, *objects]:
        if name not in covered:
            families.append(_family(name, objects))
            covered.update(families[-1])
    return families


def _collect(into: Collector, objects: Mapping[str, Any], start: int, *, first_row: int, lod: str | None) -> int:
    """Add the first-level objects of a document or feature; returns how many there were."""
    families = _families(objects)
    for row, (name, *parts) in enumerate(families, start=first_row):
        try:
            whole = objects[name]
            shapes = [shape for member in (name, *parts) for shape in objects[member].get("geometry") or ()]
            levels = [into.templates.lod(geometry) for geometry in shapes]
            wanted = lod if lod is not None else highest_level(levels)
            chosen = [Shape(geometry) for geometry, level in zip(shapes, levels, strict=True) if level == wanted]
            head = {"id": name, "object_type": str(whole["type"]), "lod": wanted, "parts": len(parts)}
            properties = head | {free_name(key): value for key, value in (whole.get("attributes") or {}).items()}
        except BROKEN as error:
            text = json.dumps(objects[name], ensure_ascii=False)[:2000]
            into.rejected.append((row, f"unreadable_object: {name}: {error!r}", text))
            continue
        into.add_object(row, properties, chosen, start)
    return len(families)


def _collector(document: Mapping[str, Any], label: str) -> Collector:
    return Collector(*_transform(document, label), Templates.of(document))


def _transform(document: Mapping[str, Any], label: str) -> tuple[list[float], list[float]]:
    transform = document.get("transform", {"scale": [1, 1, 1], "translate": [0, 0, 0]})
    try:
        scale, translate = [float(v) for v in transform["scale"]], [float(v) for v in transform["translate"]]
    except BROKEN as error:
        raise FileUnreadableError(f"{label}: its transform is broken ({error!r}); export it anew.") from error
    if len(scale) != 3 or len(translate) != 3:
        raise FileUnreadableError(
            f"{label}: its transform needs three numbers for scale and translate; export it anew."
        )
    return scale, translate


def _finish(into: Collector, header: Mapping[str, Any], options: ReadOptions, *, count: int, label: str) -> Records:
    """Measure all objects and make the table."""
    named = (header.get("metadata") or {}).get("referenceSystem")
    declared = shorten(named) if isinstance(named, str) else None
    gathered = Gathered(
        mesh=into.mesh(),
        properties=into.properties,
        faults=into.faults,
        rows=np.array(into.rows, dtype=np.int64),
        surfaces=options.surfaces,
    )
    records = city_records(gathered, declared=declared, factor=metres_per_unit(options, declared, label))
    rejected = pd.DataFrame(into.rejected, columns=["row", "reason", "text"]).astype({"row": np.int64})
    return replace(records, count=count, rejected=rejected)


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
        One a first-level object: the columns of :func:`layers.readers.city_objects.city_records` and its attributes.
        An attribute called like one of these columns is kept as "..._published". Types and attributes of extensions
        ("+Shed") are kept as they are called; instances of templates are set in their places.

    Raises
    ------
    FileUnreadableError
        If the document is broken as a whole.
    SchemaError
        If nothing says in which unit heights are.
    """
    _check_version(document, label)
    into = _collector(document, label)
    try:
        objects = dict(document["CityObjects"])
        start = into.add_vertices(document["vertices"])
    except BROKEN as error:
        raise FileUnreadableError(
            f"{label}: CityObjects or vertices are broken ({error!r}); export it anew."
        ) from error
    count = _collect(into, objects, start, first_row=0, lod=options.lod)
    return _finish(into, document, options, count=count, label=label)


def read_cityjson_archive(source: Source, options: ReadOptions) -> Records:
    """Read the only CityJSON document in a zip archive.

    Parameters
    ----------
    source : Source
        A .city.json.zip file.
    options : ReadOptions
        ``lod`` and ``height_unit`` count.

    Returns
    -------
    Records
        As of :func:`read_cityjson`.

    Raises
    ------
    FileRefusedError
        If the archive looks like a bomb.
    FileUnreadableError
        If it holds no such document, several, or a broken one.
    """
    archive = open_archive(source)
    names = [name for name in archive.names if name.lower().endswith(".json")]
    if len(names) != 1:
        raise FileUnreadableError(f"{source.label}: holds {len(names)} documents .json; pack one.")
    try:
        document = json.loads(archive.read(names[0]))
    except (ValueError, RecursionError) as error:
        raise FileUnreadableError(f"{source.label}: {names[0]} is not JSON ({error}); pack it anew.") from error
    if not isinstance(document, Mapping) or document.get("type") != "CityJSON":
        raise FileUnreadableError(f"{source.label}: {names[0]} is JSON, but no CityJSON.")
    return read_cityjson(document, options, label=source.label)


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
            raise GeometryError(header["type"])
    except (*BROKEN, RecursionError) as error:
        raise FileUnreadableError(f"{source.label}: the first line is no CityJSON header ({error!r}).") from error
    _check_version(header, source.label)
    into = _collector(header, source.label)
    row = 0
    for line in lines[1:]:
        row += _read_line(into, line, row, options.lod)
    return _finish(into, header, options, count=row, label=source.label)


def _read_line(into: Collector, line: bytes, row: int, lod: str | None) -> int:
    """Add one feature; returns the number of records that it held, at least one."""
    try:
        feature = json.loads(line)
        if feature["type"] != "CityJSONFeature":
            raise GeometryError(feature["type"])
        objects = dict(feature["CityObjects"])
        start = into.add_vertices(feature["vertices"])
    except (*BROKEN, RecursionError) as error:
        into.rejected.append(
            (row, f"unreadable_feature: {error!r}", line[:2000].decode("utf-8", errors="backslashreplace"))
        )
        return 1
    found = _collect(into, objects, start, first_row=row, lod=lod)
    if not found:
        into.rejected.append(
            (row, "unreadable_feature: it holds no object", line[:2000].decode("utf-8", errors="backslashreplace"))
        )
    return max(found, 1)
