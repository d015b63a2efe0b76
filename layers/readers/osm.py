"""OpenStreetMap, as PBF or XML, through osmium: entity by entity, with geometries put together from their nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import osmium
import pandas as pd
import shapely
from osmium.osm import Area, Node, Relation, Way

from layers.errors import FileUnreadableError, SchemaError, listed
from layers.readers.records import Records, geometry_faults

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from layers.options import ReadOptions
    from layers.readers.osm_blobs import NodeIndex
    from layers.sources import Source

__all__ = ["read_osm_blobs", "read_osm_pbf", "read_osm_xml"]

_BROKEN = (RuntimeError, ValueError, OSError, osmium.InvalidLocationError)


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Which entities are records, and which of their tags are columns of their own."""

    tags: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...]


_LINES = ("highway", "railway", "waterway", "aerialway", "power", "barrier", "man_made", "public_transport")
_LAND = ("landuse", "natural", "leisure", "amenity", "boundary", "place")
_BUILT = (
    "building",
    "building:part",
    "shop",
    "tourism",
    "historic",
    "military",
    "aeroway",
    "office",
    "public_transport",
)
_ROADS = ("highway", "name", "ref", "oneway", "lanes", "maxspeed", "surface", "access", "service", "junction", "bridge")
_STOPS = ("highway", "railway", "public_transport", "amenity", "shop", "place")
_LAYERS = {
    "roads": _Layer(tags={"highway": ()}, columns=(*_ROADS, "tunnel", "layer")),
    "lines": _Layer(tags=dict.fromkeys(_LINES, ()), columns=("name", *_LINES)),
    "points": _Layer(tags={}, columns=("name", *_STOPS)),
    "areas": _Layer(
        tags=dict.fromkeys((*_LAND, *_BUILT, "area"), ()),
        columns=("name", *_LAND, *_BUILT, "area", "building:levels", "height"),
    ),
}
#: Tags of nodes that say nothing of what stands there.
_INSIGNIFICANT = frozenset({"created_by", "converted_by", "source", "time", "ele", "attribution"})


class _Collector:
    """Records as they come; plain lists, as a city has millions of them."""

    def __init__(self, layer: _Layer, wanted: Mapping[str, tuple[str, ...]]) -> None:
        self.wanted = wanted
        self.columns = layer.columns
        self.types: list[str] = []
        self.ids: list[int] = []
        self.values: list[list[str | None]] = [[] for _ in layer.columns]
        self.others: list[str | None] = []
        self.edited: list[datetime | None] = []
        self.shapes: list[str | None] = []
        self.why: list[str | None] = []

    def bears(self, tags: Mapping[str, str]) -> bool:
        """Say whether one of the wanted tags is there; without any wanted, whether a tag says anything at all."""
        if not self.wanted:
            return not _INSIGNIFICANT.issuperset(tags)
        return any(key in tags and (not values or tags[key] in values) for key, values in self.wanted.items())

    def add(self, entity: Node | Way | Relation, tags: dict[str, str], shape: str | None, why: str | None) -> None:
        """Enter a record; its tags are used up."""
        self.types.append(_kind(entity))
        self.ids.append(entity.id)
        for name, column in zip(self.columns, self.values, strict=True):
            column.append(tags.pop(name, None))
        self.others.append(json.dumps(tags, ensure_ascii=False, sort_keys=True) if tags else None)
        edited = entity.timestamp
        self.edited.append(edited if edited.year > 1970 else None)
        self.shapes.append(shape)
        self.why.append(why)

    def finish(self) -> Records:
        columns = {
            "osm_type": pd.Series(self.types, dtype="str"),
            "osm_id": pd.Series(self.ids, dtype="int64"),
            **{name: pd.Series(values, dtype="str") for name, values in zip(self.columns, self.values, strict=True)},
            "tags": pd.Series(self.others, dtype="str"),
            "edited": pd.Series(self.edited, dtype="datetime64[us, UTC]"),
        }
        present = np.array([shape is not None for shape in self.shapes], dtype=bool)
        geometry = shapely.from_wkb(np.array([*self.shapes, None], dtype=object), on_invalid="ignore")[:-1]
        faults = geometry_faults(geometry, present)
        for i, why in enumerate(self.why):
            faults[i] = why or faults[i]
        return Records(
            table=pd.DataFrame(columns),
            count=len(self.shapes),
            geometry=geometry,
            faults=faults,
            default="OGC:CRS84",
        )


def _kind(entity: Node | Way | Relation) -> str:
    return type(entity).__name__.lower()


def _filtered(processor: osmium.FileProcessor, wanted: Mapping[str, tuple[str, ...]]) -> osmium.FileProcessor:
    """Leave out in C++ what bears none of the keys; that is most of every file."""
    keys = osmium.filter.KeyFilter(*wanted) if wanted else osmium.filter.EmptyTagFilter()
    return processor.with_filter(keys)


def _read_points(file: osmium.FileProcessor, into: _Collector) -> None:
    factory = osmium.geom.WKBFactory()
    for node in _filtered(file, into.wanted):
        if not isinstance(node, Node):
            continue
        tags = dict(node.tags)
        if into.bears(tags):
            sound = node.location.valid()
            why = None if sound else f"out_of_range: the location of node {node.id} is {node.location}"
            into.add(node, tags, factory.create_point(node) if sound else None, why)


def _line(factory: osmium.geom.WKBFactory, way: Way) -> tuple[str | None, str | None]:
    try:
        return factory.create_linestring(way, use_nodes=osmium.geom.ALL), None
    except (RuntimeError, osmium.InvalidLocationError):
        gone = sum(not node.location.valid() for node in way.nodes)
        count = len(way.nodes)
    if gone:
        return None, f"missing_nodes: {gone} of the {count} nodes of way {way.id} are not in the file"
    return None, f"invalid_geometry: way {way.id} has {count} nodes"


def _read_lines(file: osmium.FileProcessor, into: _Collector) -> None:
    factory = osmium.geom.WKBFactory()
    for way in _filtered(file, into.wanted):
        if isinstance(way, Way):
            tags = dict(way.tags)
            if tags.get("area") != "yes" and into.bears(tags):
                into.add(way, tags, *_line(factory, way))


def _read_located_lines(file: osmium.FileProcessor, into: _Collector) -> None:
    _read_lines(file.with_locations(), into)


def _expects_area(entity: Way | Relation, tags: Mapping[str, str]) -> bool:
    if isinstance(entity, Way):
        return bool(entity.is_closed()) and tags.get("area") != "no"
    return tags.get("type") in {"multipolygon", "boundary"}


def _read_areas(file: osmium.FileProcessor, into: _Collector) -> None:
    """Take what osmium puts together; what should have been an area and became none is set aside by name."""
    factory = osmium.geom.WKBFactory()
    places: dict[tuple[str, int], int] = {}
    for entity in _filtered(file.with_areas(), into.wanted):
        if isinstance(entity, Area):
            place = places.get(("way" if entity.from_way() else "relation", entity.orig_id()))
            # osmium hands over an area without rings where it could not put one together
            if place is not None and entity.num_rings()[0]:
                into.shapes[place] = factory.create_multipolygon(entity)
                into.why[place] = None
        elif isinstance(entity, Way | Relation):
            tags = dict(entity.tags)
            if into.bears(tags) and _expects_area(entity, tags):
                kind = _kind(entity)
                places[kind, entity.id] = len(into.shapes)
                why = f"unassembled_area: a ring of {kind} {entity.id} is open, crosses or is missing"
                into.add(entity, tags, None, why)


_READERS = {"roads": _read_located_lines, "lines": _read_located_lines, "points": _read_points, "areas": _read_areas}


def _collector(options: ReadOptions, label: str) -> tuple[str, _Collector]:
    name = options.layer or "roads"
    if name not in _LAYERS:
        raise SchemaError(f"{label}: OpenStreetMap has no layer {name!r}; write layer: with {listed(_LAYERS)}.")
    return name, _Collector(_LAYERS[name], options.tags or _LAYERS[name].tags)


def _broken(label: str, error: Exception) -> FileUnreadableError:
    return FileUnreadableError(f"{label}: broken OpenStreetMap file ({error}); it may be cut off: fetch it again.")


def _read(source: Source, options: ReadOptions, form: str) -> Records:
    name, into = _collector(options, source.label)
    data = osmium.io.FileBuffer(source.read(), form) if source.packed else osmium.io.File(str(source.path), form)
    try:
        _READERS[name](osmium.FileProcessor(data), into)
    except _BROKEN as error:
        raise _broken(source.label, error) from error
    return into.finish()


def read_osm_blobs(data: bytes, options: ReadOptions, *, label: str, nodes: NodeIndex | None) -> Records:
    """Read one layer of a run of blobs of a PBF file.

    Parameters
    ----------
    data : bytes
        The run behind the file's first blob.
    options : ReadOptions
        As for :func:`read_osm_pbf`, but no areas: their ways may be anywhere in the file.
    label : str
        Of the file, for messages.
    nodes : NodeIndex or None
        Where all nodes of the file are; None for points.

    Returns
    -------
    Records
        As of :func:`read_osm_pbf`, of this run; the same errors.
    """
    _, into = _collector(options, label)
    pool = osmium.io.ThreadPool(1)
    try:
        if nodes is None:
            _read_points(osmium.FileProcessor(osmium.io.FileBuffer(data, "pbf"), osmium.osm.NODE, pool), into)
            return into.finish()
        ways = _filtered(osmium.FileProcessor(osmium.io.FileBuffer(data, "pbf"), osmium.osm.WAY, pool), into.wanted)
        bends = (node.ref for way in ways if isinstance(way, Way) for node in way.nodes)
        places = osmium.NodeLocationsForWays(nodes.locate(np.fromiter(bends, dtype=np.int64)))
        places.ignore_errors()
        again = osmium.FileProcessor(osmium.io.FileBuffer(data, "pbf"), osmium.osm.WAY, pool)
        _read_lines(again.with_filter(places), into)
    except _BROKEN as error:
        raise _broken(label, error) from error
    return into.finish()


def read_osm_pbf(source: Source, options: ReadOptions) -> Records:
    """Read one layer of an OpenStreetMap extract (.osm.pbf).

    Nodes, ways and relations are building blocks, most of them without a meaning of their own: a *record* is an entity
    that bears one of the layer's tags. What bears none is no record, as the rows of another table are none; what is
    left out by ``where`` is, and stands in the ledger.

    Parameters
    ----------
    source : Source
        The file; it is streamed, only the places of nodes are kept.
    options : ReadOptions
        ``layer``: "roads" (the default: ways with a ``highway``), "lines" (ways), "points" (nodes with any tag) or
        "areas" (closed ways, multipolygons and boundaries). ``tags`` replaces the tags of the layer. Ways with
        ``area=yes`` are areas, not lines.

    Returns
    -------
    Records
        In WGS 84 unless the user says otherwise. Columns ``osm_type``, ``osm_id``, the layer's usual tags,
        ``tags`` (all others, as JSON) and ``edited``. Ways whose nodes are not in the file are quarantined as
        "missing_nodes", areas that do not close as "unassembled_area".

    Raises
    ------
    SchemaError
        If there is no such layer.
    FileUnreadableError
        If the file is cut or broken.
    """
    return _read(source, options, "pbf")


def read_osm_xml(source: Source, options: ReadOptions) -> Records:
    """Read one layer of an OpenStreetMap XML file; entities (of XML) are refused.

    Parameters
    ----------
    source : Source
        A .osm file, perhaps gzipped.
    options : ReadOptions
        As for :func:`read_osm_pbf`.

    Returns
    -------
    Records
        As of :func:`read_osm_pbf`; the same errors.
    """
    return _read(source, options, "osm")
