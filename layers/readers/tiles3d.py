"""glTF models and 3D Tiles as city objects: one record a node or feature, from earth-centred metres to degrees."""

from __future__ import annotations

import json
import posixpath
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from crs.geodesy import from_geocentric
from layers.archives import open_archive
from layers.errors import FileUnreadableError
from layers.readers.city_objects import Gathered, city_records, free_name, triangle_mesh
from layers.readers.geojson import load_json
from layers.readers.gltf import Part, iterate_parts, parse_glb, parse_gltf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layers.archives import Archive
    from layers.options import ReadOptions
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = ["read_b3dm", "read_glb", "read_gltf", "read_tileset"]

#: From the axes of glTF (y up) to those of a map or the earth (z up).
_UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
_FRAME = "EPSG:4979"
_HEADER = 28
_DEEPEST = 64
_BROKEN = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


class _Tile(NamedTuple):
    """A tile, and what takes its points to the earth."""

    name: str
    matrix: np.ndarray
    label: str


@dataclass(eq=False)
class _Features:
    """Grows tile by tile."""

    properties: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    faults: list[str | None] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    tilesets: set[str] = field(default_factory=set)

    def add(self, part: Part, tile: _Tile, table: Mapping[str, Any]) -> None:
        """Append the features of one node; without features it is one itself."""
        upright = part.points @ _UPRIGHT.T
        with np.errstate(all="ignore"):  # what is not finite is found where the feature is entered
            points = upright @ tile.matrix[:3, :3].T + tile.matrix[:3, 3]
        head = {"tile": tile.name or None, "node": part.node, "name": part.name or None}
        if part.feature is None or part.fault is not None:
            self._append(head, dict(part.extras), (points, part.triangles), part.fault)
            return
        owner = part.feature[part.triangles[:, 0]] if len(part.triangles) else part.triangles[:, 0]
        for number in np.unique(owner).tolist():
            values = {name: column[number] for name, column in table.items() if 0 <= number < len(column)}
            body = _cut(points, part.triangles[owner == number])
            self._append({**head, "batch": number}, values, body, None)

    def _append(
        self, head: dict[str, Any], values: dict[str, Any], body: tuple[np.ndarray, np.ndarray], fault: str | None
    ) -> None:
        if fault is None and not np.isfinite(body[0]).all():
            body, fault = (body[0][:0], body[1][:0]), "not_finite: a coordinate is infinite or not a number"
        identity = "/".join(str(head[name]) for name in ("tile", "node", "batch") if head.get(name) is not None)
        known = {"id": identity, "object_type": "feature", "lod": "", "parts": 0, **head}
        self.properties.append(known | {free_name(str(name)): value for name, value in values.items()})
        self.bodies.append(body)
        self.faults.append(fault)

    def to_records(self, *, geocentric: bool) -> Records:
        """Measure all features; those that could not be read stand behind the others."""
        gathered = Gathered(
            mesh=triangle_mesh([_to_degrees(body) for body in self.bodies] if geocentric else self.bodies),
            properties=self.properties,
            faults=self.faults,
            rows=np.arange(len(self.bodies), dtype=np.int64),
            in_metres=triangle_mesh(_level(self.bodies)) if geocentric else triangle_mesh(self.bodies),
        )
        records = city_records(gathered, declared=_FRAME if geocentric else None, factor=1.0)
        lost = [(len(self.bodies) + i, *one) for i, one in enumerate(self.rejected)]
        table = pd.DataFrame(lost, columns=["row", "reason", "text"]).astype({"row": np.int64})
        return replace(records, count=len(self.bodies) + len(lost), rejected=table)


def _cut(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep the points that the triangles name."""
    used, numbers = np.unique(triangles, return_inverse=True)
    return points[used], numbers.reshape(triangles.shape).astype(np.int64)


def _to_degrees(body: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    points, triangles = body
    return np.column_stack(from_geocentric(*points.T)), triangles


def _level(bodies: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turn each body so that z is up where it stands, in metres."""
    turned = []
    for points, triangles in bodies:
        if not len(points):
            turned.append((points, triangles))
            continue
        lon, lat, _ = (np.radians(float(part)) for part in from_geocentric(*points[0]))
        east = [-np.sin(lon), np.cos(lon), 0.0]
        north = [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)]
        up = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        turned.append(((points - points[0]) @ np.array([east, north, up]).T, triangles))
    return turned


def read_glb(source: Source, options: ReadOptions) -> Records:  # noqa: ARG001 - nothing to be told
    """Read a binary glTF model.

    Parameters
    ----------
    source : Source
        A .glb file.
    options : ReadOptions
        Nothing of it counts.

    Returns
    -------
    Records
        One a node with a mesh: columns of :func:`layers.readers.city_objects.city_records`. A model says nothing of its
        place; x is x, y is -z and height is y of glTF, in metres.

    Raises
    ------
    FileUnreadableError
        If it is broken as a whole.
    """
    found = _Features()
    for part in iterate_parts(*parse_glb(source.read(), label=source.label), label=source.label):
        found.add(part, _Tile("", np.eye(4), source.label), {})
    return found.to_records(geocentric=False)


def read_gltf(source: Source, options: ReadOptions) -> Records:  # noqa: ARG001 - nothing to be told
    """Read a glTF model whose bytes are written into it.

    Parameters
    ----------
    source : Source
        A .gltf file.
    options : ReadOptions
        Nothing of it counts.

    Returns
    -------
    Records
        As of :func:`read_glb`.

    Raises
    ------
    FileUnreadableError
        If it is broken as a whole, or names other files.
    """
    found = _Features()
    for part in iterate_parts(*parse_gltf(load_json(source), label=source.label), label=source.label):
        found.add(part, _Tile("", np.eye(4), source.label), {})
    return found.to_records(geocentric=False)


def read_b3dm(source: Source, options: ReadOptions) -> Records:  # noqa: ARG001 - nothing to be told
    """Read one tile of 3D Tiles 1.0.

    Parameters
    ----------
    source : Source
        A .b3dm file whose points are earth-centred without the transform of a tileset.
    options : ReadOptions
        Nothing of it counts.

    Returns
    -------
    Records
        One a feature, with the attributes of its batch table, in longitude, latitude and height above the ellipsoid.

    Raises
    ------
    FileUnreadableError
        If it is broken as a whole.
    """
    found = _Features()
    _add_tile(found, source.read(), _Tile("", np.eye(4), source.label))
    return found.to_records(geocentric=True)


def _add_tile(into: _Features, content: bytes, tile: _Tile) -> None:
    """Append the content of one tile."""
    label = tile.label
    if content[:4] == b"glTF":
        document, binary = parse_glb(content, label=label)
        table: Mapping[str, Any] = {}
    elif content[:4] == b"b3dm":
        document, binary, table, centre = _parse_b3dm(content, label)
        tile = tile._replace(matrix=tile.matrix @ centre)
    else:
        raise FileUnreadableError(f"{label}: content {content[:4]!r}; b3dm and glTF are read")
    for part in iterate_parts(document, binary, label=label):
        into.add(part, tile, table)


def _parse_b3dm(content: bytes, label: str) -> tuple[Mapping[str, Any], bytes, dict[str, list[Any]], np.ndarray]:
    try:
        _, version, length, *sizes = struct.unpack_from("<4s6I", content)
        if version != 1 or length > len(content) or _HEADER + sum(sizes) > length:
            raise FileUnreadableError(
                f"{label}: version {version}, {len(content):,} of {length:,} bytes; it is cut off."
            )
        ends = np.cumsum([_HEADER, *sizes]).tolist()
        features = json.loads(content[ends[0] : ends[1]] or b"{}")
        batches = json.loads(content[ends[2] : ends[3]] or b"{}")
        matrix = np.eye(4)
        matrix[:3, 3] = features.get("RTC_CENTER", (0.0, 0.0, 0.0))
        table = {name: held for name, held in batches.items() if isinstance(held, list)}
    except (struct.error, *_BROKEN) as error:
        raise FileUnreadableError(f"{label}: is no b3dm that can be read ({error!r}); export it anew.") from error
    document, binary = parse_glb(content[ends[4] : length], label=label)
    return document, binary, table, matrix


def read_tileset(source: Source, options: ReadOptions) -> Records:  # noqa: ARG001 - nothing to be told
    """Read the finest tiles of a tileset in one archive.

    Parameters
    ----------
    source : Source
        A .3tz file: a zip archive with tileset.json and all that it names.
    options : ReadOptions
        Nothing of it counts.

    Returns
    -------
    Records
        One a feature of the tiles without finer ones, in longitude, latitude and height above the ellipsoid. A tile
        that cannot be read, or is not in the archive, is rejected as one record.

    Raises
    ------
    FileRefusedError
        If the archive looks like a bomb.
    FileUnreadableError
        If it has no tileset.json, or a broken one.
    """
    archive = open_archive(source)
    found = _Features()
    _add_tileset(found, archive, _Tile("tileset.json", np.eye(4), source.label))
    return found.to_records(geocentric=True)


def _add_tileset(into: _Features, archive: Archive, whole: _Tile) -> None:
    name, _, label = whole
    into.tilesets.add(name)
    if name not in archive.names:
        raise FileUnreadableError(f"{label}: holds no {name}; pack the folder of a tileset with zip -0 -r.")
    try:
        waiting = [(json.loads(archive.read(name))["root"], whole.matrix, "REPLACE", 0)]
        while waiting:
            tile, matrix, refine, depth = waiting.pop()
            if "transform" in tile:
                matrix = matrix @ np.array(tile["transform"], dtype=np.float64).reshape(4, 4).T
            refine = str(tile.get("refine", refine)).upper()
            children = tile.get("children") or []
            if depth < _DEEPEST:
                waiting.extend((child, matrix, refine, depth + 1) for child in reversed(children))
            if not children or refine == "ADD":
                for content in tile.get("contents") or filter(None, [tile.get("content")]):
                    uri = str(content.get("uri", content.get("url", "")))
                    inner = posixpath.normpath(posixpath.join(posixpath.dirname(name), uri))
                    _add_content(into, archive, _Tile(inner, matrix, label))
    except (*_BROKEN, RecursionError) as error:
        raise FileUnreadableError(f"{label}: {name} is broken ({error!r}); export it anew.") from error


def _add_content(into: _Features, archive: Archive, tile: _Tile) -> None:
    """Append what one tile names: a tile, or another tileset; what lies outside the archive is not looked for."""
    why = None
    if tile.name not in archive.names:
        why = "it is not in the archive"
    elif tile.name in into.tilesets:
        why = "a tileset that holds itself, or is named twice"
    try:
        if why is None and tile.name.lower().endswith(".json"):
            _add_tileset(into, archive, tile)
        elif why is None:
            _add_tile(into, archive.read(tile.name), tile)
    except FileUnreadableError as error:
        why = str(error)
    if why is not None:
        into.rejected.append((f"unreadable_tile: {why}", tile.name))
