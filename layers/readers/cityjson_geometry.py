"""Geometries of CityJSON: surfaces by numbers of vertices, gathered object by object; templates set in their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.errors import GeometryError
from layers.readers.city_objects import number_through
from layers.readers.mesh import Mesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BROKEN", "Collector", "Shape", "Templates"]

#: How deep the lists of surfaces lie in ``boundaries``: 0 is a list of surfaces.
_DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}

#: What walking through a broken document may meet.
BROKEN = (GeometryError, KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


def _flat_values(values: list[Any] | None, boundaries: list[Any], depth: int) -> list[Any]:
    """List the semantics of each surface; a shell without any has None."""
    if depth == 0:
        return [None] * len(boundaries) if values is None else list(values)
    inner = [None] * len(boundaries) if values is None else values
    return [one for value, part in zip(inner, boundaries, strict=True) for one in _flat_values(value, part, depth - 1)]


@dataclass(frozen=True)
class Shape:
    """One geometry of a city object.

    Parameters
    ----------
    geometry : Mapping
        As CityJSON has it.
    """

    geometry: Mapping[str, Any]

    @property
    def lod(self) -> str:
        """Level of detail; "" where it is not stated."""
        return str(self.geometry.get("lod", ""))

    @property
    def is_solid(self) -> bool:
        """Whether it encloses a space by what it says of itself."""
        return _DEPTHS.get(self.geometry["type"], 0) > 0

    def solids(self) -> list[list[list[list[int]]]]:
        """List the surfaces of each body; hollows are among them."""
        kind, boundaries = self.geometry["type"], self.geometry["boundaries"]
        if kind not in _DEPTHS:
            raise GeometryError(f"a {kind} has no surfaces of its own")
        if _DEPTHS[kind] == 0:
            return [list(boundaries)]
        solids = [boundaries] if _DEPTHS[kind] == 1 else boundaries
        return [[surface for shell in solid for surface in shell] for solid in solids]

    def ground(self, count: int) -> list[bool]:
        """Say of each surface whether the file calls it ground.

        Parameters
        ----------
        count : int
            Surfaces there are; where the semantics are of another number, they are not believed.

        Returns
        -------
        list of bool
            One a surface.
        """
        semantics = self.geometry.get("semantics")
        if not semantics:
            return [False] * count
        values = _flat_values(semantics["values"], self.geometry["boundaries"], _DEPTHS[self.geometry["type"]])
        named = {i for i, surface in enumerate(semantics["surfaces"]) if surface.get("type") == "GroundSurface"}
        return [value in named for value in values] if len(values) == count else [False] * count


@dataclass(frozen=True, eq=False)
class Templates:
    """Shapes that are drawn once and set in many places: trees, lamps.

    Parameters
    ----------
    shapes : list
        Geometries as CityJSON has them.
    vertices : numpy.ndarray of float64, shape (n, 3)
        Of all of them, in the unit of the frame.
    """

    shapes: list[Any] = field(default_factory=list)
    vertices: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 3)))

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Templates:
        """Take them from a document or header; none where they are broken, so that objects that need them are.

        Parameters
        ----------
        document : Mapping
            Perhaps with ``geometry-templates``.

        Returns
        -------
        Templates
            As the file has them.
        """
        held = document.get("geometry-templates")
        if not isinstance(held, Mapping):
            return cls()
        try:
            vertices = np.array(held["vertices-templates"], dtype=np.float64).reshape(-1, 3)
            return cls(list(held["templates"]), vertices)
        except BROKEN:
            return cls()

    def lod(self, geometry: Mapping[str, Any]) -> str:
        """Return the level of detail of a geometry, of its template where it is an instance.

        Parameters
        ----------
        geometry : Mapping
            As CityJSON has it.

        Returns
        -------
        str
            "" where it is not stated.
        """
        number = geometry.get("template")
        if (
            geometry.get("type") != "GeometryInstance"
            or not isinstance(number, int)
            or number not in range(len(self.shapes))
        ):
            return Shape(geometry).lod
        return str(self.shapes[number].get("lod", ""))


@dataclass(eq=False)
class Collector:
    """Grows object by object; turned into arrays once.

    Parameters
    ----------
    scale, translate : list of float
        From whole numbers to the unit of the frame.
    templates : Templates
        What instances are made of.
    """

    scale: list[float]
    translate: list[float]
    templates: Templates

    def __post_init__(self) -> None:
        self.vertices: list[Any] = []
        self.points: list[int] = []
        self.ring_size: list[int] = []
        self.surface_rings: list[int] = []
        self.surfaces: list[int] = []
        self.ground: list[bool] = []
        self.shell: list[int] = []
        self.properties: list[dict[str, Any]] = []
        self.faults: list[str | None] = []
        self.rows: list[int] = []
        self.rejected: list[tuple[int, str, str]] = []

    def add_vertices(self, vertices: list[list[float]]) -> int:
        """Append the vertices of a document or feature.

        Parameters
        ----------
        vertices : list
            Three whole numbers each.

        Returns
        -------
        int
            Number of the first.
        """
        sum(map(sum, vertices))  # raises unless all are numbers
        if any(len(vertex) != 3 for vertex in vertices):
            raise GeometryError("a vertex has not three numbers")
        start = len(self.vertices) // 3
        self.vertices.extend(chain.from_iterable(vertices))
        return start

    def add_object(self, row: int, properties: dict[str, Any], shapes: list[Shape], start: int) -> None:
        """Append one object; one that is broken keeps its attributes and gets a fault instead of surfaces.

        Parameters
        ----------
        row : int
            Its number in the file.
        properties : dict
            Its attributes.
        shapes : list of Shape
            What it is made of.
        start : int
            Number of the first vertex of its document or feature.
        """
        fault = None
        found = _Surfaces()
        try:
            placed = [self._placed(shape, start) for shape in shapes]
            # Where there are solids, surfaces beside them bound nothing.
            solid = any(shape.is_solid for shape in placed)
            for shape in placed:
                found.add(shape, bounds=shape.is_solid or not solid)
            found.check(len(self.vertices) // 3 - start)
        except BROKEN as error:
            fault, found = f"unreadable_geometry: {error}", _Surfaces()
        self.points.extend(found.points if start == 0 else [start + point for point in found.points])
        self.ring_size.extend(found.sizes)
        self.surface_rings.extend(found.counts)
        self.ground.extend(found.ground)
        self.shell.extend(found.shell)
        self.surfaces.append(len(found.counts))
        self.properties.append(properties)
        self.faults.append(fault)
        self.rows.append(row)

    def _placed(self, shape: Shape, start: int) -> Shape:
        """Set an instance of a template in its place; every other geometry is returned as it is."""
        geometry = shape.geometry
        if geometry["type"] != "GeometryInstance":
            return shape
        template = self.templates.shapes[geometry["template"]]
        matrix = np.array(geometry["transformationMatrix"], dtype=np.float64).reshape(4, 4)
        at = start + geometry["boundaries"][0]
        origin = np.array(self.vertices[3 * at : 3 * at + 3], dtype=np.float64) * self.scale
        moved = self.templates.vertices @ matrix[:3, :3].T + matrix[:3, 3] + origin
        offset = len(self.vertices) // 3 - start
        with np.errstate(all="ignore"):  # a scale of zero gives places that are not finite, which are found later
            self.vertices.extend((moved / self.scale).ravel().tolist())
        return Shape({**template, "boundaries": _shifted(template["boundaries"], offset)})

    def mesh(self) -> Mesh:
        """Turn into arrays, vertices decoded."""
        xyz = np.fromiter(self.vertices, dtype=np.float64, count=len(self.vertices)).reshape(-1, 3)
        xyz = xyz * np.asarray(self.scale, dtype=np.float64) + np.asarray(self.translate, dtype=np.float64)
        owner = np.repeat(np.arange(len(self.surfaces)), self.surfaces)
        return Mesh(
            xyz=xyz[np.array(self.points, dtype=np.int64)],
            ring_size=np.array(self.ring_size, dtype=np.int64),
            surface_rings=np.array(self.surface_rings, dtype=np.int64),
            owner=owner,
            ground=np.array(self.ground, dtype=bool),
            shell=number_through(owner, np.array(self.shell, dtype=np.int64)),
            objects=len(self.surfaces),
        )


def _shifted(boundaries: Any, offset: int) -> Any:  # noqa: ANN401 - lists of lists of any depth
    return [_shifted(part, offset) for part in boundaries] if isinstance(boundaries, list) else boundaries + offset


@dataclass(eq=False)
class _Surfaces:
    """What one object is made of, by numbers within its document or feature."""

    points: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    ground: list[bool] = field(default_factory=list)
    shell: list[int] = field(default_factory=list)
    bodies: int = 0

    def add(self, shape: Shape, *, bounds: bool) -> None:
        before = len(self.counts)
        for body in shape.solids():
            rings = list(chain.from_iterable(body))
            self.counts.extend(map(len, body))
            self.sizes.extend(map(len, rings))
            self.points.extend(chain.from_iterable(rings))
            self.shell.extend([self.bodies if bounds else -1] * len(body))
            self.bodies += bounds
        self.ground.extend(shape.ground(len(self.counts) - before))

    def check(self, vertices: int) -> None:
        if self.sizes and (
            min(self.sizes) < 3 or min(self.counts) < 1 or min(self.points) < 0 or max(self.points) >= vertices
        ):
            raise GeometryError("a ring has fewer than three points, or names a vertex that is not there")
        if not isinstance(sum(self.points), int):
            raise GeometryError("a ring names a vertex by a fraction")
