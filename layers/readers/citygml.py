"""CityGML 1.0, 2.0 and 3.0, streamed: one record a city object of the model, its parts and installations with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crs import DefinitionError
from crs.units import conversion_factor
from layers.errors import GeometryError, listed
from layers.position import shorten
from layers.readers.city_objects import CityObjects, Surface, free_name, highest_level, metres_per_unit
from layers.readers.gml_geometry import GmlFrame, iterate_surfaces, read_rings
from layers.readers.xml_stream import local_name, stream_elements, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree

    from layers.options import ReadOptions
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = ["read_citygml"]

_MEMBERS = frozenset({"cityObjectMember", "featureMember"})
_HREF = "{http://www.w3.org/1999/xlink}href"
#: Properties that hold surfaces: lod2Solid, lod0FootPrint, lod3MultiSurface, ...
_LEVEL = re.compile(r"lod(\d)(?!.*(?:Curve|Network|TerrainIntersection|ImplicitRepresentation|PointCloud|Point$))")
_PARTS = re.compile(r"(?:Part|Installation|ConstructiveElement|ConstructionElement)$")
#: What is inside: rooms and their furniture bound no building.
_INNER = frozenset(
    {"interiorRoom", "buildingRoom", "roomInstallation", "interiorBuildingInstallation", "interiorFurniture"}
)
#: Properties that are no attributes of their own.
_STRUCTURE = re.compile(
    r"lod\d|boundedBy$|boundary$|opening$|appearance|consistsOf|outer.*Installation|interior"
    r"|building(?:Part|Room|Installation)|groupMember|generalizesTo|traffic(?:Area|Space)|auxiliaryTraffic(?:Area|Space)|reliefComponent"
)
#: The survey offices of Germany name their frames in their own way.
_ADV = re.compile(r"urn:adv:crs:ETRS89_UTM(3[123])(?:\*DE_(DHHN92|DHHN2016)_NH)?$")
_ADV_HEIGHTS = {"DHHN92": "5783", "DHHN2016": "7837"}
_TERRAIN = ("terrain_low_z", "terrain_high_z")
#: Attributes of the standard that count something.
_WHOLE = frozenset({"storeysAboveGround", "storeysBelowGround", "yearOfConstruction", "yearOfDemolition"})
_UNITS = {"m": "metre", "9001": "metre", "ft": "foot", "[ft_us]": "us_survey_foot", "[ft_i]": "foot"}
_UOM = re.compile(r"^(?:#|urn:ogc:def:uom:(?:UCUM|EPSG|OGC)::|urn:adv:uom:)")


#: Surfaces by the id of what holds them.
_Library = dict[str, list[tuple[str | None, list[np.ndarray]]]]


class _Holder(NamedTuple):
    """A property with geometry."""

    element: etree._Element
    level: str
    role: str
    body: int


@dataclass(frozen=True)
class _Found:
    """A surface, or a reference to one, and what it is part of."""

    identity: str | None
    rings: list[np.ndarray] | None
    ground: bool
    body: int
    solid: bool

    def to_surface(self, *, bounds: bool) -> Surface:
        return Surface(self.rings or [], ground=self.ground, shell=self.body if bounds else -1)


@dataclass(eq=False)
class _Shape:
    """What was found of one object."""

    properties: dict[str, Any]
    levels: dict[str, list[_Found]] = field(default_factory=dict)
    terrain: list[float] = field(default_factory=list)
    fault: str | None = None


def _identity(element: etree._Element) -> str | None:
    return next((str(value) for key, value in element.attrib.items() if str(key).endswith("}id") or key == "id"), None)


def _frame_code(name: str | None) -> str | None:
    """Turn a name of a frame into what `crs` knows."""
    if name is None:
        return None
    match = _ADV.match(name.strip())
    if match is None:
        return shorten(name)
    return f"EPSG:258{match[1]}" + (f"+{_ADV_HEIGHTS[match[2]]}" if match[2] else "")


def _walk(element: etree._Element, role: str, body: int, bodies: list[int]) -> Iterator[_Holder]:
    """Yield the properties with geometry of an object and all in it.

    Each part and installation is a body of its own; the surfaces that bound one are taken together.
    """
    for child in element:
        name = local_name(child)
        if name in _INNER:
            continue
        if found := _LEVEL.match(name):
            yield _Holder(child, found[1], role, body)
        elif name == "tin":
            level = next((text_of(part) for part in element if local_name(part) == "lod"), "")
            yield _Holder(child, level, role, body)
        elif not name.startswith(("address", "appearance", "lod")):
            yield from _walk_inner(child, role, body, bodies)


def _walk_inner(holder: etree._Element, role: str, body: int, bodies: list[int]) -> Iterator[_Holder]:
    for inner in holder:
        kind = local_name(inner)
        if _PARTS.search(kind):
            bodies[0] += 1
            yield from _walk(inner, "", bodies[0], bodies)
        elif kind.endswith(("Surface", "Window", "Door")) and not kind.startswith(("Multi", "Composite")):
            yield from _walk(inner, kind, body, bodies)
        elif len(inner):
            yield from _walk(inner, role, body, bodies)


def _read_surfaces(holder: etree._Element, frame: GmlFrame) -> list[tuple[str | None, list[np.ndarray]]]:
    surfaces = []
    for polygon, inside in iterate_surfaces(holder, frame):
        rings = []
        for ring in read_rings(polygon, inside):
            if ring.shape[1] != 3:
                raise GeometryError("a point has not three numbers")
            rings.append(ring[:-1] if len(ring) > 1 and np.array_equal(ring[0], ring[-1]) else ring)
        if min(map(len, rings)) < 3:
            raise GeometryError("a ring has fewer than three points")
        surfaces.append((_identity(polygon), rings))
    return surfaces


def _read_geometry(element: etree._Element, frame: GmlFrame, into: _Shape, names: dict[str, None]) -> None:
    """Gather surfaces by level; references to surfaces elsewhere are noted, to be resolved."""
    for holder, level, role, body in _walk(element, "", 0, [0]):
        name = local_name(holder)
        ground, solid = role == "GroundSurface" or "FootPrint" in name, "Solid" in name
        names.update(dict.fromkeys(str(part.get("srsName")) for part in holder.iter() if part.get("srsName")))
        found = into.levels.setdefault(level, [])
        for identity, rings in _read_surfaces(holder, frame.inside(holder)):
            found.append(_Found(identity, rings, ground, body, solid))
        for part in holder.iter():
            target = str(part.get(_HREF) or "")
            if target.startswith("#"):
                found.append(_Found(target[1:], None, ground, body, solid))
    for part in element.iter():
        if "TerrainIntersection" in local_name(part):
            lists = [line for line in part.iter() if local_name(line) in {"posList", "pos"}]
            into.terrain.extend(float(text) for line in lists for text in text_of(line).split()[2::3])


def _value(element: etree._Element) -> float | str | None:
    """Read an attribute; one with a unit of length becomes metres."""
    text = text_of(element)
    unit = element.get("uom")
    if unit is None:
        return text or None
    try:
        return float(text) * conversion_factor(_UNITS.get(_UOM.sub("", unit), _UOM.sub("", unit)), "metre")
    except (ValueError, DefinitionError):
        return text or None


def _generic(element: etree._Element) -> tuple[str | None, object]:
    """Read a generic attribute of any version: its name, and its value by the kind of the attribute."""
    held = element[0] if local_name(element) == "genericAttribute" and len(element) else element
    parts = {local_name(part): part for part in held}
    name = held.get("name") or text_of(parts.get("name"))
    value: object = _value(parts["value"]) if "value" in parts else None
    kind = local_name(held).lower()
    if isinstance(value, str) and kind.startswith(("int", "double")):
        value = _number(value, whole=kind.startswith("int"))
    return name or None, value


def _number(text: str, *, whole: bool) -> object:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return text


def _attributes(element: etree._Element, into: dict[str, Any]) -> None:
    """Read attributes of the standard, generic ones, and what is nested as text."""
    for child in element:
        name = local_name(child)
        if _STRUCTURE.match(name):
            continue
        if name == "genericAttributeSet":
            _attributes(child, into)
        elif name == "genericAttribute" or (name.endswith("Attribute") and child.get("name")):
            known, value = _generic(child)
            _put(into, known or name, value)
        elif name == "height" and len(child):
            value = next((_value(part) for part in child.iter() if local_name(part) == "value"), None)
            _put(into, "measuredHeight", value)
        elif len(child):
            texts = [text_of(part) for part in child.iter() if text_of(part)]
            _put(into, name, ", ".join(texts) or None)
        else:
            told = _value(child) or child.get(_HREF)
            _put(into, name, _number(told, whole=True) if name in _WHOLE and isinstance(told, str) else told)


def _put(into: dict[str, Any], name: str, value: object) -> None:
    name = free_name(name)
    into[name] = f"{into[name]}; {value}" if into.get(name) is not None and value is not None else value


def _read_object(element: etree._Element, frame: GmlFrame, names: dict[str, None]) -> _Shape:
    shape = _Shape({"id": _identity(element), "object_type": local_name(element), "lod": "", "parts": 0})
    _attributes(element, shape.properties)
    kinds = (local_name(part) for part in element.iterdescendants())
    shape.properties["parts"] = sum(1 for kind in kinds if _PARTS.search(kind) and kind[0].isupper())
    try:
        _read_geometry(element, frame, shape, names)
    except (GeometryError, ValueError) as error:
        shape.fault = f"unreadable_geometry: {error}"
    return shape


def _resolve(source: Source, frame: GmlFrame, ids: set[str]) -> _Library:
    """Read the file once more for surfaces that are referred to by the id of what holds them."""
    found: _Library = {}
    for element in stream_elements(source, wanted=_is_object):
        for part in element.iter():
            identity = _identity(part) if local_name(part) else None
            if identity in ids:
                try:
                    around = frame
                    for outer in (*reversed(list(part.iterancestors())), part):
                        around = around.inside(outer)
                    found[str(identity)] = _read_surfaces(part, around)
                except GeometryError:
                    found[str(identity)] = []
    return found


def _is_object(path: tuple[str, ...]) -> bool:
    return len(path) == 3 and path[1] in _MEMBERS


def _is_wanted(path: tuple[str, ...]) -> bool:
    return _is_object(path) or path[1:] == ("boundedBy", "Envelope")


def _choose(shape: _Shape, lod: str | None, library: _Library) -> list[Surface]:
    """Take the surfaces of one level, each once, with those that are referred to."""
    level = lod if lod is not None else highest_level([level for level, held in shape.levels.items() if held])
    shape.properties["lod"] = level
    found = shape.levels.get(level, [])
    solids = {one.body for one in found if one.solid}
    # What a solid refers to bounds it, whoever owns it; other surfaces beside a solid bound nothing.
    bounding = {one.identity for one in found if one.solid and one.rings is None}
    bounding |= {identity for target in bounding for identity, _ in library.get(str(target), ())}
    chosen, met = [], set[str]()
    for one in found:
        if one.rings is not None:
            bounds = one.solid or one.body not in solids or one.identity in bounding
            chosen.append(one.to_surface(bounds=bounds))
            met.add(one.identity or "")
    for one in found:
        if one.rings is not None or one.identity in met:
            continue
        if not library.get(str(one.identity)):
            shape.fault = f"unreadable_geometry: it refers to {one.identity}, which is not in the file"
            return []
        bounds = one.solid or one.body not in solids
        for identity, rings in library[str(one.identity)]:
            if identity is None or identity not in met:
                chosen.append(Surface(rings, ground=one.ground, shell=one.body if bounds else -1))
                met.add(identity or "")
    return chosen


def _referred(shapes: list[_Shape]) -> set[str]:
    """List the ids that are referred to by objects that do not own a surface of that id."""
    asked = set()
    for shape in shapes:
        for found in shape.levels.values():
            own = {one.identity for one in found if one.rings is not None}
            asked |= {str(one.identity) for one in found if one.rings is None and one.identity not in own}
    return asked


def read_citygml(source: Source, options: ReadOptions) -> Records:
    """Read a CityGML document.

    Parameters
    ----------
    source : Source
        A .gml or .xml file, perhaps gzipped.
    options : ReadOptions
        ``lod`` ("0" to "4") and ``height_unit`` count.

    Returns
    -------
    Records
        One a city object of the model: the columns of :func:`layers.readers.city_objects.city_records`, class
        (``object_type``) and attributes, generic ones by their names; lengths with a unit become metres. Rooms and
        furniture are left out. Surfaces that other objects own are found by their ids.

    Raises
    ------
    FileRefusedError
        If it defines entities.
    FileUnreadableError
        If it is not well-formed.
    SchemaError
        If nothing says in which unit heights are.
    """
    frame, names = GmlFrame(dimension=3), dict[str, None]()
    shapes: list[_Shape] = []
    for element in stream_elements(source, wanted=_is_wanted):
        if local_name(element) == "Envelope":
            frame = _of_envelope(element, frame)
        else:
            shapes.append(_read_object(element, frame, names))
    codes = list(dict.fromkeys(_frame_code(name) for name in [*names, frame.name] if name is not None))
    declared = codes[0] if codes else None
    factor = metres_per_unit(options, declared, source.label)
    asked = _referred(shapes)
    library = _resolve(source, frame, asked) if asked else {}
    mixed = f"unreadable_geometry: the file is in several frames ({listed(codes)})" if len(codes) > 1 else None
    gathered = CityObjects()
    for shape in shapes:
        surfaces = [] if shape.fault or mixed else _choose(shape, options.lod, library)
        if shape.terrain:
            shape.properties |= {
                "terrain_low_z": min(shape.terrain) * factor,
                "terrain_high_z": max(shape.terrain) * factor,
            }
        gathered.add(shape.properties, surfaces, shape.fault or mixed)
    records = gathered.to_records(declared=declared, factor=factor, surfaces=options.surfaces)
    terrain = tuple(name for name in _TERRAIN if name in records.table)
    lengths = {name: "m" for name in ("measuredHeight", *terrain) if name in records.table}
    return replace(records, heights=(*records.heights, *terrain), units={**records.units, **lengths})


def _of_envelope(element: etree._Element, frame: GmlFrame) -> GmlFrame:
    """Take the frame of the whole model from its envelope; a broken one says nothing."""
    try:
        return frame.inside(element)
    except GeometryError:
        return frame
