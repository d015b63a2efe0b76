"""Geometries of GML 2, 3.1 and 3.2: simple features, x before y whatever order the frame's name stands for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from crs import written_axes
from layers.errors import GeometryError
from layers.readers.xml_stream import local_name, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree
    from numpy.typing import NDArray

__all__ = [
    "GmlFrame",
    "collect_parts",
    "frame_name",
    "is_geometry",
    "iterate_surfaces",
    "read_points",
    "read_rings",
    "to_geometry",
]

_GEOMETRIES = frozenset(
    {
        *("Point", "LineString", "Curve", "CompositeCurve", "OrientableCurve", "LinearRing", "Ring", "Polygon"),
        *("Surface", "CompositeSurface", "OrientableSurface", "PolyhedralSurface", "TriangulatedSurface", "Tin"),
        *("MultiPoint", "MultiLineString", "MultiCurve", "MultiPolygon", "MultiSurface", "MultiGeometry"),
        *("Solid", "MultiSolid", "CompositeSolid", "GeometricComplex", "Circle", "Arc", "Box"),
    }
)
_LINES = frozenset({"LineString", "LineStringSegment", "Curve", "CompositeCurve", "OrientableCurve"})
_PATCHES = frozenset({"Polygon", "PolygonPatch", "Triangle", "Rectangle"})


#: By shapely's number of the kind of the parts.
_MULTI = {0: shapely.multipoints, 1: shapely.multilinestrings, 3: shapely.multipolygons}


@lru_cache(maxsize=64)
def _swapped(name: str) -> bool:
    return written_axes(name) == "lat,lon"


@dataclass(frozen=True)
class GmlFrame:
    """What holds for coordinates unless their own element says otherwise.

    Parameters
    ----------
    name : str or None
        ``srsName``.
    dimension : int
        Numbers a point.
    """

    name: str | None = None
    dimension: int = 2

    def inside(self, element: etree._Element) -> GmlFrame:
        """Take over what an element states for itself and all in it.

        Parameters
        ----------
        element : lxml element
            With ``srsName`` and ``srsDimension``, or not.

        Returns
        -------
        GmlFrame
            For its content.
        """
        name, dimension = element.get("srsName"), element.get("srsDimension") or element.get("dimension")
        if name is None and dimension is None:
            return self
        if dimension is not None and dimension not in {"2", "3"}:
            raise GeometryError(f"srsDimension is {dimension!r}")
        return GmlFrame(name or self.name, int(dimension) if dimension else self.dimension)


def is_geometry(element: etree._Element) -> bool:
    """Say whether an element is a geometry.

    Parameters
    ----------
    element : lxml element
        Any.

    Returns
    -------
    bool
        By its name.
    """
    return local_name(element) in _GEOMETRIES


def frame_name(element: etree._Element, frame: GmlFrame) -> str | None:
    """Return the name of the frame of a geometry, stated by itself, in it or around it.

    Parameters
    ----------
    element : lxml element
        A geometry.
    frame : GmlFrame
        What holds around it.

    Returns
    -------
    str or None
        ``srsName`` as written; None where nobody says it.
    """
    own = element.get("srsName")
    inner = own or next((str(name) for part in element.iter() if (name := part.get("srsName"))), None)
    return inner or frame.name


def _numbers(text: str, separator: str | None = None) -> NDArray[np.float64]:
    try:
        return np.array(text.split(separator), dtype=np.float64)
    except ValueError as error:
        raise GeometryError(str(error)) from error


def _tuples(element: etree._Element) -> NDArray[np.float64]:
    """Read the `coordinates` of GML 2."""
    between, decimal = element.get("cs", ","), element.get("decimal", ".")
    text = text_of(element)
    tuples = text.split(element.get("ts")) if (element.get("ts") or " ").strip() else text.split()
    rows = [_numbers(part.replace(decimal, ".") if decimal != "." else part, between) for part in tuples]
    if not rows or len({len(row) for row in rows}) != 1:
        raise GeometryError("coordinates of different length")
    return np.array(rows)


def _shaped(numbers: NDArray[np.float64], dimension: int) -> NDArray[np.float64]:
    if len(numbers) == 0 or len(numbers) % dimension:
        raise GeometryError(f"{len(numbers)} numbers are no points of {dimension}")
    return numbers.reshape(-1, dimension)


def read_points(element: etree._Element, frame: GmlFrame) -> NDArray[np.float64]:
    """Read the points that stand directly in an element, x first.

    Parameters
    ----------
    element : lxml element
        With posList, pos, pointProperty, coordinates or coord.
    frame : GmlFrame
        What holds for it.

    Returns
    -------
    numpy.ndarray of float64, shape (n, 2) or (n, 3)
        Points.

    Raises
    ------
    GeometryError
        If they are no numbers, of no use as points, or not there.
    """
    parts = []
    for child in element:
        name, inside = local_name(child), frame.inside(child)
        if name == "posList":
            parts.append(_shaped(_numbers(text_of(child)), inside.dimension))
        elif name == "pos":
            numbers = _numbers(text_of(child))
            parts.append(_shaped(numbers, len(numbers) if len(numbers) in {2, 3} else 2))
        elif name == "coordinates":
            parts.append(_tuples(child))
        elif name == "coord":
            parts.append(np.array([[_numbers(text_of(axis))[0] for axis in child]]))
        elif name in {"pointProperty", "pointRep"} and len(child):
            parts.append(read_points(child[0], inside.inside(child[0])))
    if not parts or len({part.shape[1] for part in parts}) != 1 or parts[0].shape[1] not in {2, 3}:
        raise GeometryError(f"a {local_name(element)} without points, or with points of different kinds")
    points = np.concatenate(parts)
    if frame.name is not None and _swapped(frame.name):
        points[:, :2] = points[:, 1::-1]
    return points


def _children(element: etree._Element, frame: GmlFrame) -> Iterator[tuple[etree._Element, GmlFrame]]:
    """Yield the members of an aggregate: what lies in its properties."""
    for holder in element:
        for member in holder:
            yield member, frame.inside(holder).inside(member)


def _line_points(element: etree._Element, frame: GmlFrame) -> NDArray[np.float64]:
    """Read a curve of straight segments as one row of points."""
    name = local_name(element)
    if name in {"LineString", "LineStringSegment", "LinearRing"}:
        return read_points(element, frame)
    if name not in _LINES and name != "Ring":
        raise GeometryError(f"a curve with {name} is not straight")
    rows = [_line_points(member, inside) for member, inside in _children(element, frame)]
    if not rows:
        raise GeometryError(f"a {name} without segments")
    joined = [rows[0]]
    for row in rows[1:]:
        joined.append(row[1:] if np.array_equal(row[0], joined[-1][-1]) else row)
    points = np.concatenate(joined)
    return points[::-1] if name == "OrientableCurve" and element.get("orientation") == "-" else points


def read_rings(element: etree._Element, frame: GmlFrame) -> list[NDArray[np.float64]]:
    """Read the rings of one flat surface: the outer one, then holes.

    Parameters
    ----------
    element : lxml element
        A Polygon, PolygonPatch, Triangle or Rectangle.
    frame : GmlFrame
        What holds for it.

    Returns
    -------
    list of numpy.ndarray
        Points of each ring, the last equal to the first.

    Raises
    ------
    GeometryError
        If a ring is broken or there is no outer one.
    """
    outer: list[NDArray[np.float64]] = []
    holes: list[NDArray[np.float64]] = []
    for holder in element:
        name = local_name(holder)
        if name in {"exterior", "outerBoundaryIs", "interior", "innerBoundaryIs"}:
            rings = [_line_points(ring, frame.inside(holder).inside(ring)) for ring in holder]
            (outer if name in {"exterior", "outerBoundaryIs"} else holes).extend(rings)
    if len(outer) != 1:
        raise GeometryError(f"a {local_name(element)} has {len(outer)} outer rings")
    return [*outer, *holes]


def iterate_surfaces(element: etree._Element, frame: GmlFrame) -> Iterator[tuple[etree._Element, GmlFrame]]:
    """Yield the flat surfaces in a geometry, however deep, with what holds for each.

    Parameters
    ----------
    element : lxml element
        Any geometry.
    frame : GmlFrame
        What holds for it.

    Yields
    ------
    tuple of lxml element and GmlFrame
        A Polygon, patch or triangle.
    """
    waiting = [(element, frame)]
    while waiting:
        current, inside = waiting.pop()
        if local_name(current) in _PATCHES:
            yield current, inside
        else:
            waiting.extend((child, inside.inside(child)) for child in reversed(current))


def _polygon(element: etree._Element, frame: GmlFrame) -> shapely.Polygon:
    shell, *holes = read_rings(element, frame)
    return shapely.Polygon(shell, holes)


def _surface(element: etree._Element, frame: GmlFrame) -> shapely.Geometry:
    polygons = [_polygon(patch, inside) for patch, inside in iterate_surfaces(element, frame)]
    if not polygons:
        raise GeometryError(f"a {local_name(element)} without surfaces")
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def to_geometry(element: etree._Element, frame: GmlFrame) -> shapely.Geometry:
    """Build one geometry.

    Parameters
    ----------
    element : lxml element
        A GML geometry.
    frame : GmlFrame
        What holds around it.

    Returns
    -------
    shapely geometry
        x first; surfaces of several patches and solids become the polygons that bound them.

    Raises
    ------
    GeometryError
        If it is broken, or curved.
    """
    frame = frame.inside(element)
    try:
        with np.errstate(invalid="ignore"):  # what is not a number is found with the other faults of a record
            return _built(element, local_name(element), frame)
    except (ValueError, shapely.errors.GEOSException) as error:
        raise GeometryError(f"{local_name(element)}: {error}") from error


def _built(element: etree._Element, name: str, frame: GmlFrame) -> shapely.Geometry:
    if name == "Point":
        return shapely.Point(read_points(element, frame)[0])
    if name in _LINES or name in {"LinearRing", "Ring"}:
        return shapely.LineString(_line_points(element, frame))
    if name in _PATCHES:
        return _polygon(element, frame)
    if name in {"MultiSurface", "MultiPolygon"}:
        return shapely.MultiPolygon([_polygon(patch, inside) for patch, inside in iterate_surfaces(element, frame)])
    if name.startswith("Multi") and name != "MultiSolid":
        return collect_parts([to_geometry(member, inside) for member, inside in _children(element, frame)])
    return _surface(element, frame)


def collect_parts(parts: list[shapely.Geometry]) -> shapely.Geometry:
    """Make an aggregate of its parts.

    Parameters
    ----------
    parts : list of shapely geometries
        Of one kind or several.

    Returns
    -------
    shapely geometry
        A multi-geometry if all are points, lines or polygons; otherwise a collection.

    Examples
    --------
    >>> collect_parts([shapely.Point(1, 2), shapely.Point(3, 4)])
    <MULTIPOINT ((1 2), (3 4))>
    """
    kinds = {int(kind) for kind in shapely.get_type_id(parts)}
    kind = kinds.pop() if len(kinds) == 1 else -1
    build: Any = _MULTI.get(kind, shapely.geometrycollections)
    found: shapely.Geometry = build(np.array(parts, dtype=object))
    return found
