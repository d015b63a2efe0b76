"""GML simple features, streamed: one record a feature, attributes as text to be typed later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.errors import GeometryError, SchemaError, listed
from layers.position import shorten
from layers.readers.gml_geometry import GmlFrame, frame_name, is_geometry, to_geometry
from layers.readers.records import Records, geometry_faults
from layers.readers.xml_stream import local_name, stream_elements, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml import etree

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["FeatureTable", "choose_kind", "read_gml"]

_IDS = frozenset({"id", "fid"})
_MEMBERS = frozenset({"featureMember", "featureMembers", "member"})
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_HREF = "{http://www.w3.org/1999/xlink}href"


@dataclass(eq=False)
class FeatureTable:
    """Grows feature by feature; turned into records once.

    Parameters
    ----------
    values : list of dict
        Attributes of each feature as text.
    geometry : list of shapely geometries or None
        Place of each feature.
    broken : dict of int to str
        What is wrong with geometries, by number of the feature.
    frame : str or None
        Name of the frame of the first geometry.
    """

    values: list[dict[str, str | None]] = field(default_factory=list)
    geometry: list[shapely.Geometry | None] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    frame: str | None = None

    def add(self, values: dict[str, str | None], geometry: shapely.Geometry | None, *, broken: str | None) -> None:
        """Append one feature.

        Parameters
        ----------
        values : dict
            Its attributes as text.
        geometry : shapely geometry or None
            Its place.
        broken : str or None
            What was wrong with its geometry.
        """
        if broken is not None:
            self.broken[len(self.values)] = f"unreadable_geometry: {broken}"
        self.values.append(values)
        self.geometry.append(geometry)

    def to_records(self, declared: str | None) -> Records:
        """Make columns of the attributes.

        Parameters
        ----------
        declared : str or None
            What the file says of its positions.

        Returns
        -------
        Records
            All text; what a feature lacks is missing.
        """
        index = np.arange(len(self.values), dtype=np.int64)
        names = dict.fromkeys(name for row in self.values for name in row)
        table = pd.DataFrame(
            {name: np.array([row.get(name) for row in self.values], dtype=object) for name in names}, index=index
        ).astype("str")
        shapes = np.array([*self.geometry, None], dtype=object)[:-1]
        faults = geometry_faults(shapes, np.zeros(len(shapes), dtype=bool))
        for row, why in self.broken.items():
            faults[row] = why
        return Records(table=table, count=len(index), geometry=shapes, faults=faults, declared=declared, text=True)


def _attributes(
    element: etree._Element, prefix: str, into: dict[str, str | None], shapes: list[etree._Element]
) -> None:
    """Flatten a feature: leaves become columns named by their path, geometries are put aside."""
    for child in element:
        name = local_name(child)
        if name == "boundedBy":
            continue
        path = f"{prefix}.{name}" if prefix else name
        if is_geometry(child):
            shapes.append(child)
        elif len(child):
            _attributes(child, path, into, shapes)
        else:
            told = text_of(child) or child.get(_HREF)
            value = None if child.get(_NIL) in {"true", "1"} else told or None
            into[path] = f"{into[path]}; {value}" if into.get(path) and value else value
        for key, value in child.attrib.items():
            if "}" not in str(key) and key not in {"srsName", "srsDimension"}:
                into[f"{path}.{key}"] = str(value)


def _identity(feature: etree._Element) -> str | None:
    """Find gml:id or the fid of GML 2."""
    return next((str(value) for key, value in feature.attrib.items() if str(key).rpartition("}")[2] in _IDS), None)


def _build(shape: etree._Element, frame: GmlFrame, into: FeatureTable) -> shapely.Geometry:
    name = frame_name(shape, frame)
    into.frame = into.frame or name
    if name != into.frame:
        raise GeometryError(f"it is in {name}, features before it are in {into.frame}")
    return to_geometry(shape, frame)


def _read_feature(feature: etree._Element, frame: GmlFrame, into: FeatureTable) -> None:
    identity = _identity(feature)
    values: dict[str, str | None] = {} if identity is None else {"gml_id": identity}
    shapes: list[etree._Element] = []
    _attributes(feature, "", values, shapes)
    try:
        built, broken = [_build(shape, frame.inside(feature), into) for shape in shapes], None
    except GeometryError as error:
        built, broken = [], str(error)
    for number, more in enumerate(built[1:], start=2):
        values[f"geometry_{number}"] = shapely.to_wkt(more, rounding_precision=-1)
    into.add(values, built[0] if built else None, broken=broken)


def choose_kind(kinds: Mapping[str, FeatureTable], wanted: str | None, label: str) -> FeatureTable:
    """Choose the features of one kind.

    Parameters
    ----------
    kinds : Mapping of str to FeatureTable
        Features by the name of their kind.
    wanted : str or None
        The one that is asked for.
    label : str
        For messages.

    Returns
    -------
    FeatureTable
        That kind; the only one where none is asked for; an empty one of an empty file.

    Raises
    ------
    SchemaError
        If it is not there, or there are several and none is asked for.
    """
    if wanted is None and len(kinds) <= 1:
        return next(iter(kinds.values()), FeatureTable())
    if wanted is None or wanted not in kinds:
        asked = f"has no layer {wanted!r}" if wanted else "has several layers"
        raise SchemaError(f"{label}: {asked}; write layer: with one of {listed(kinds)}.")
    return kinds[wanted]


def read_gml(source: Source, options: ReadOptions) -> Records:
    """Read a GML feature collection.

    Parameters
    ----------
    source : Source
        A .gml or .xml file.
    options : ReadOptions
        ``layer`` names the element of the features, where there are several kinds.

    Returns
    -------
    Records
        One a feature member. Nested elements become columns "outer.inner", repeated ones are joined by "; ", XML
        attributes become columns "element.attribute"; a second geometry is kept as well-known text. Coordinates are x
        first: a name of a frame that stands for the authority's order (urn:ogc:def:crs:EPSG::4326) has been heeded.

    Raises
    ------
    FileRefusedError
        If it declares a document type.
    FileUnreadableError
        If it is not well-formed.
    SchemaError
        If it has several kinds of features and ``layer`` names none of them.
    """
    kinds: dict[str, FeatureTable] = {}
    frame = GmlFrame()
    for element in stream_elements(source, wanted=_is_wanted):
        name = local_name(element)
        if name == "Envelope":
            frame = _of_envelope(element, frame)
        else:
            _read_feature(element, frame, kinds.setdefault(name, FeatureTable()))
    chosen = choose_kind(kinds, options.layer, source.label)
    declared = chosen.frame or frame.name
    return chosen.to_records(shorten(declared) if declared else None)


def _is_wanted(path: tuple[str, ...]) -> bool:
    return len(path) == 3 and (path[1] in _MEMBERS or path[1:] == ("boundedBy", "Envelope"))


def _of_envelope(element: etree._Element, frame: GmlFrame) -> GmlFrame:
    """Take the frame of a whole collection from its envelope; a broken one says nothing."""
    try:
        return frame.inside(element)
    except GeometryError:
        return frame
