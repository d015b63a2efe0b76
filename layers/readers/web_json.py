"""Vector formats in JSON beside GeoJSON: its sequence of lines, TopoJSON, and what Esri's servers send."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.errors import FileRefusedError, FileUnreadableError, GeometryError, SchemaError, listed
from layers.readers.geojson import load_json, read_features

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = [
    "is_esri",
    "read_esri_file",
    "read_esri_json",
    "read_geojson_sequence",
    "read_topojson",
    "read_topojson_file",
]

_SEPARATOR = b"\x1e"


def read_geojson_sequence(source: Source, options: ReadOptions) -> Records:  # noqa: ARG001 - nothing to be told
    """Read one GeoJSON feature a line (RFC 8142, and the same without separators).

    Parameters
    ----------
    source : Source
        A .geojsonl, .geojsons or .ndjson file, perhaps gzipped.
    options : ReadOptions
        Nothing of it counts.

    Returns
    -------
    Records
        As of :func:`layers.readers.geojson.read_features`; a line that is no JSON is rejected alone.
    """
    content = source.read().removeprefix(b"\xef\xbb\xbf")
    lines = content.split(_SEPARATOR) if content.startswith(_SEPARATOR) else content.splitlines()
    features: list[Any] = []
    for line in lines:
        if not line.strip():
            continue
        try:
            features.append(json.loads(line))
        except (ValueError, RecursionError):
            features.append(line.decode("utf-8", errors="backslashreplace"))
    return read_features(features, declared=None)


class _Topology:
    """The arcs of a TopoJSON document, decoded once."""

    def __init__(self, document: Mapping[str, Any], label: str) -> None:
        transform = document.get("transform")
        self._scale = [1.0, 1.0] if transform is None else [float(value) for value in transform["scale"]]
        self._shift = [0.0, 0.0] if transform is None else [float(value) for value in transform["translate"]]
        if not len(self._scale) == len(self._shift) == 2:
            raise FileUnreadableError(f"{label}: its transform needs two numbers for scale and translate.")
        self._quantised = transform is not None
        self._arcs = document["arcs"]
        self._decoded: dict[int, list[list[float]]] = {}

    def _place(self, points: np.ndarray) -> list[list[float]]:
        placed: list[list[float]] = (points * self._scale + self._shift).tolist()
        return placed

    def _arc(self, number: int) -> list[list[float]]:
        if number < 0:
            return self._arc(~number)[::-1]
        if number not in self._decoded:
            points = np.array([point[:2] for point in self._arcs[number]], dtype=np.float64)
            self._decoded[number] = self._place(points.cumsum(axis=0) if self._quantised else points)
        return self._decoded[number]

    def _line(self, arcs: list[int]) -> list[list[float]]:
        points: list[list[float]] = []
        for arc in arcs:
            points.extend(self._arc(arc)[1 if points else 0 :])
        return points

    def geometry(self, thing: Mapping[str, Any]) -> dict[str, Any] | None:
        """Turn a TopoJSON geometry into a GeoJSON one."""
        kind = thing.get("type")
        if kind is None:
            return None
        if kind == "GeometryCollection":
            return {"type": kind, "geometries": [self.geometry(part) for part in thing["geometries"]]}
        if kind in {"Point", "MultiPoint"}:
            points = np.array([thing["coordinates"]] if kind == "Point" else thing["coordinates"], dtype=np.float64)
            placed = self._place(points[:, :2])
            return {"type": kind, "coordinates": placed[0] if kind == "Point" else placed}
        arcs = thing["arcs"]
        if kind == "LineString":
            return {"type": kind, "coordinates": self._line(arcs)}
        if kind in {"MultiLineString", "Polygon"}:
            return {"type": kind, "coordinates": [self._line(line) for line in arcs]}
        if kind == "MultiPolygon":
            return {"type": kind, "coordinates": [[self._line(ring) for ring in rings] for rings in arcs]}
        raise GeometryError(f"unknown type {kind!r}")


def read_topojson(document: Mapping[str, Any], options: ReadOptions, *, label: str) -> Records:
    """Read one object of a parsed TopoJSON topology.

    Parameters
    ----------
    document : Mapping
        With ``objects`` and ``arcs``.
    options : ReadOptions
        ``layer`` names the object if there are several.
    label : str
        For messages.

    Returns
    -------
    Records
        One a geometry of that object. The format says nothing of positions: many are in degrees, some in pixels.

    Raises
    ------
    FileUnreadableError
        If the document is broken as a whole.
    SchemaError
        If there are several objects and ``layer`` names none of them.
    """
    objects = document.get("objects")
    if not isinstance(objects, Mapping) or not isinstance(document.get("arcs"), list):
        raise FileUnreadableError(f"{label}: a TopoJSON topology without objects or arcs; export it anew.")
    name = options.layer if options.layer is not None or len(objects) != 1 else next(iter(objects))
    if name not in objects:
        asked = f"has no layer {name!r}" if name else "has several layers"
        raise SchemaError(f"{label}: {asked}; write layer: with one of {listed(objects)}.")
    try:
        topology = _Topology(document, label)
        whole = objects[name]
        things = whole["geometries"] if whole.get("type") == "GeometryCollection" else [whole]
        features = [_topology_feature(topology, thing) for thing in things]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileUnreadableError(f"{label}: object {name!r} is broken ({error!r}); export it anew.") from error
    return replace(read_features(features, declared=None), default=None)


def _topology_feature(topology: _Topology, thing: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Make a feature; what is broken keeps its properties and gets a geometry that cannot be built."""
    if not isinstance(thing, Mapping):
        return thing
    try:
        geometry: Any = topology.geometry(thing)
    except (GeometryError, KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        geometry = {"type": f"broken: {error!r}"}
    head = {"id": thing["id"]} if "id" in thing else {}
    return {"type": "Feature", "properties": thing.get("properties") or {}, "geometry": geometry, **head}


def read_topojson_file(source: Source, options: ReadOptions) -> Records:
    """Read a .topojson file; see :func:`read_topojson`.

    Parameters
    ----------
    source : Source
        Perhaps gzipped.
    options : ReadOptions
        ``layer`` counts.

    Returns
    -------
    Records
        Of one object.

    Raises
    ------
    FileRefusedError
        If it is JSON, but no topology.
    """
    document = load_json(source)
    if not isinstance(document, Mapping) or document.get("type") != "Topology":
        raise FileRefusedError(f"{source.label}: JSON, but no TopoJSON topology; name it as what it is.")
    return read_topojson(document, options, label=source.label)


def is_esri(document: Mapping[str, Any]) -> bool:
    """Say whether a JSON document is a feature set of an Esri server.

    Parameters
    ----------
    document : Mapping
        Parsed.

    Returns
    -------
    bool
        By its members.
    """
    return "features" in document and ("geometryType" in document or "spatialReference" in document)


def _esri_frame(reference: object) -> str | None:
    if not isinstance(reference, Mapping):
        return None
    if isinstance(reference.get("wkt"), str):
        return str(reference["wkt"])
    code = reference.get("latestWkid", reference.get("wkid"))
    if not isinstance(code, int):
        return None
    vertical = reference.get("latestVcsWkid", reference.get("vcsWkid"))
    # Esri's own codes begin at 37001 for spheres of theirs and at 53001; those of the EPSG end at 32767.
    authority = "EPSG" if code < 32768 else "ESRI"
    compound = f"+{vertical}" if authority == "EPSG" and isinstance(vertical, int) and vertical < 32768 else ""
    return f"{authority}:{code}{compound}"


def _esri_polygon(rings: list[Any]) -> dict[str, Any]:
    """Sort rings into shells (clockwise) and the holes in them."""
    built = [shapely.LinearRing(np.array([point[:2] for point in ring], dtype=np.float64)) for ring in rings]
    shells = [i for i, ring in enumerate(built) if not ring.is_ccw]
    if not shells:
        shells = list(range(len(built)))  # written against the rule: each ring for itself
    polygons: dict[int, list[Any]] = {i: [rings[i]] for i in shells}
    for i in set(range(len(built))) - set(shells):
        holders = [k for k in shells if shapely.Polygon(built[k]).covers(shapely.Point(built[i].coords[0]))]
        home = min(holders, key=lambda k: shapely.Polygon(built[k]).area, default=None)
        if home is None:
            raise GeometryError("a hole lies in no ring")
        polygons[home].append(rings[i])
    return (
        {"type": "MultiPolygon", "coordinates": list(polygons.values())}
        if len(polygons) != 1
        else {
            "type": "Polygon",
            "coordinates": next(iter(polygons.values())),
        }
    )


def _esri_geometry(geometry: Mapping[str, Any], depth: int) -> dict[str, Any] | None:
    def cut(points: list[Any]) -> list[Any]:
        return [point[:depth] for point in points]

    if "x" in geometry:
        point = [geometry["x"], geometry["y"], *([geometry["z"]] if depth > 2 and "z" in geometry else [])]
        return None if geometry["x"] in {None, "NaN"} else {"type": "Point", "coordinates": point}
    if "points" in geometry:
        return {"type": "MultiPoint", "coordinates": cut(geometry["points"])}
    if "paths" in geometry:
        paths = [cut(path) for path in geometry["paths"]]
        kind = "LineString" if len(paths) == 1 else "MultiLineString"
        return {"type": kind, "coordinates": paths[0] if len(paths) == 1 else paths}
    if "rings" in geometry:
        return _esri_polygon([cut(ring) for ring in geometry["rings"]]) if geometry["rings"] else None
    raise GeometryError(f"unknown members {', '.join(map(str, geometry))}")


def _esri_feature(feature: Any, depth: int, dates: frozenset[str]) -> Any:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(feature, Mapping) or not isinstance(feature.get("attributes", {}), Mapping):
        return feature
    given = feature.get("geometry")
    try:
        geometry: Any = _esri_geometry(given, depth) if given else None
    except (GeometryError, KeyError, TypeError, ValueError, AttributeError, shapely.errors.GEOSException) as error:
        geometry = {"type": f"broken: {error!r}"}
    attributes = {
        name: _utc(value) if name in dates else value for name, value in (feature.get("attributes") or {}).items()
    }
    return {"type": "Feature", "properties": attributes, "geometry": geometry}


def _utc(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Write milliseconds since 1970 as a time in UTC."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        return value
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    try:
        return (epoch + dt.timedelta(milliseconds=value)).isoformat()
    except OverflowError:
        return value


def read_esri_json(document: Mapping[str, Any], *, label: str) -> Records:
    """Read a parsed feature set of an Esri server.

    Parameters
    ----------
    document : Mapping
        With ``features``, ``geometryType``, ``spatialReference``.
    label : str
        For messages.

    Returns
    -------
    Records
        One a feature; fields of type date become times in UTC.

    Raises
    ------
    FileUnreadableError
        If the features are no list.
    """
    features = document.get("features")
    if not isinstance(features, list):
        raise FileUnreadableError(f"{label}: its features are no list; export it anew.")
    fields = document.get("fields") or ()
    dates = frozenset(
        str(field.get("name"))
        for field in (fields if isinstance(fields, list) else ())
        if isinstance(field, Mapping) and field.get("type") == "esriFieldTypeDate"
    )
    depth = 3 if document.get("hasZ") else 2
    records = read_features(
        [_esri_feature(feature, depth, dates) for feature in features],
        declared=_esri_frame(document.get("spatialReference")),
    )
    return replace(records, default=None)


def read_esri_file(source: Source, options: ReadOptions) -> Records:  # noqa: ARG001 - nothing to be told
    """Read a .esrijson file; see :func:`read_esri_json`.

    Parameters
    ----------
    source : Source
        Perhaps gzipped.
    options : ReadOptions
        Nothing of it counts.

    Returns
    -------
    Records
        One a feature.

    Raises
    ------
    FileRefusedError
        If it is JSON, but no feature set.
    """
    document = load_json(source)
    if not isinstance(document, Mapping) or not is_esri(document):
        raise FileRefusedError(f"{source.label}: JSON, but no feature set of an Esri server; name it as what it is.")
    return read_esri_json(document, label=source.label)
