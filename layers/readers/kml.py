"""KML and KMZ, streamed: one record a placemark. KML knows one frame only, longitude and latitude on WGS 84."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.archives import open_archive
from layers.errors import FileUnreadableError, GeometryError, listed
from layers.readers.gml import FeatureTable
from layers.readers.gml_geometry import collect_parts
from layers.readers.xml_stream import local_name, stream_elements, text_of
from layers.sources import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree
    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.readers.records import Records

__all__ = ["read_kml", "read_kmz"]

logger = logging.getLogger(__name__)

_GEOMETRIES = frozenset(
    {"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Track", "MultiTrack", "Model"}
)
_PLAIN = frozenset({"name", "description", "address", "phoneNumber", "styleUrl", "visibility"})


def _points(element: etree._Element, name: str = "coordinates") -> NDArray[np.float64]:
    """Read "lon,lat[,height] ..."."""
    holder = next((child for child in element if local_name(child) == name), None)
    rows = [part.split(",")[:3] for part in text_of(holder).split()]
    if not rows:
        raise GeometryError(f"a {local_name(element)} without coordinates")
    width = min(map(len, rows))
    if width < 2:
        raise GeometryError(f"coordinates of one number: {','.join(rows[0])}")
    return np.array([row[:width] for row in rows], dtype=np.float64)


def _rings(element: etree._Element, name: str) -> Iterator[NDArray[np.float64]]:
    for holder in element:
        if local_name(holder) == name:
            yield from (_points(ring) for ring in holder)


def _track(element: etree._Element) -> shapely.LineString:
    rows = [text_of(child).split() for child in element if local_name(child) == "coord"]
    return shapely.LineString(np.array(rows, dtype=np.float64))


def _build(element: etree._Element) -> shapely.Geometry:
    name = local_name(element)
    if name == "Point":
        return shapely.Point(_points(element)[0])
    if name in {"LineString", "LinearRing"}:
        return shapely.LineString(_points(element))
    if name == "Polygon":
        outer = list(_rings(element, "outerBoundaryIs"))
        if len(outer) != 1:
            raise GeometryError(f"a polygon has {len(outer)} outer rings")
        return shapely.Polygon(outer[0], list(_rings(element, "innerBoundaryIs")))
    if name == "Track":
        return _track(element)
    if name in {"MultiGeometry", "MultiTrack"}:
        return collect_parts([_build(part) for part in element if local_name(part) in _GEOMETRIES])
    raise GeometryError(f"a {name} has no coordinates of its own")


def _extended(element: etree._Element, into: dict[str, str | None]) -> None:
    """Read ExtendedData: Data with a value, and SchemaData."""
    for item in element.iter():
        kind, name = local_name(item), item.get("name")
        if kind == "Data" and name:
            value = next((child for child in item if local_name(child) == "value"), None)
            into[str(name)] = text_of(value) or None
        elif kind == "SimpleData" and name:
            into[str(name)] = text_of(item) or None


def _read_placemark(element: etree._Element, folder: str, into: FeatureTable) -> None:
    values: dict[str, str | None] = {}
    if element.get("id"):
        values["id"] = str(element.get("id"))
    values["folder"] = folder or None
    shape = None
    for child in element:
        name = local_name(child)
        if name in _PLAIN:
            values[name] = text_of(child) or None
        elif name == "ExtendedData":
            _extended(child, values)
        elif name in {"TimeStamp", "TimeSpan"}:
            values.update({local_name(part): text_of(part) or None for part in child})
        elif name in _GEOMETRIES:
            shape = child
    geometry, broken = None, None
    try:
        geometry = None if shape is None else _build(shape)
        mode = None if shape is None else next((m for m in shape.iter() if local_name(m) == "altitudeMode"), None)
        if mode is not None:
            values["altitude_mode"] = text_of(mode)
    except (GeometryError, ValueError, shapely.errors.GEOSException) as error:
        broken = str(error)
    into.add(values, geometry, broken=broken)


def read_kmz(source: Source, options: ReadOptions) -> Records:
    """Read the placemarks of a KMZ archive.

    Parameters
    ----------
    source : Source
        A .kmz file; its first .kml is read, as the format has it.
    options : ReadOptions
        Nothing of it counts.

    Returns
    -------
    Records
        As of :func:`read_kml`.

    Raises
    ------
    FileRefusedError
        If the archive looks like a bomb, or its document defines entities.
    FileUnreadableError
        If it holds no .kml, or that is not well-formed.
    """
    archive = open_archive(source)
    name = next((name for name in archive.names if name.lower().endswith(".kml")), None)
    if name is None:
        raise FileUnreadableError(f"{source.label}: an archive without a .kml; it has {listed(archive.names[:20])}.")
    with tempfile.TemporaryDirectory(prefix="twin-kmz-") as folder:
        return read_kml(Source(archive.extract(name, Path(folder)), f"{source.label}/{name}"), options)


def read_kml(source: Source, options: ReadOptions) -> Records:  # noqa: ARG001 - KML leaves nothing to be told
    """Read the placemarks of a KML document.

    Parameters
    ----------
    source : Source
        A .kml file, perhaps gzipped.
    options : ReadOptions
        Nothing of it counts.

    Returns
    -------
    Records
        One a placemark, with ``folder`` (names of the folders around it, joined by "/"), name, description, times and
        extended data. Network links name other places and are not followed; the log says so.

    Raises
    ------
    FileRefusedError
        If it defines entities.
    FileUnreadableError
        If it is not well-formed.
    """
    into = FeatureTable()
    folders: dict[etree._Element, str] = {}
    links = 0
    for element in stream_elements(source, wanted=_is_wanted):
        name, parent = local_name(element), element.getparent()
        if name == "name" and parent is not None:
            folders[parent] = text_of(element)
        elif name == "Placemark":
            around = [folders.get(holder, "") for holder in element.iterancestors() if local_name(holder) == "Folder"]
            _read_placemark(element, "/".join(filter(None, around[::-1])), into)
        links += name == "NetworkLink"
    if links:
        logger.warning("%s: %d network links are not followed; fetch what they name.", source.label, links)
    return into.to_records("OGC:CRS84")


def _is_wanted(path: tuple[str, ...]) -> bool:
    return path[-1] in {"Placemark", "NetworkLink"} or path[-2:] == ("Folder", "name")
