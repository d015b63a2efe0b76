"""Moving numbers and geometries from one definition to another, along pipelines that are fixed beforehand.

Each definition has one pipeline to WGS 84 longitude and latitude (`crs.registry`), and the way to another definition
is its pipeline and the other's inverse, without what both share (`crs.moves`). Nothing is chosen per point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely

from crs.definition import PositionDefinition, definition
from crs.errors import AreaOfUseError, OperationRefusedError
from crs.measured import segmentize, set_vertices
from crs.moves import Moved, move, path, path_sigma
from crs.registry import entry, identity_sigma

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import FloatArray, ObjectArray
    from crs.entries import Area, Entry

__all__ = [
    "Moved",
    "MovedGeometry",
    "Operation",
    "describe_areas",
    "move_geometry",
    "move_numbers",
    "operation",
    "project",
    "transform",
]

#: GCJ-02 bends a long line, one of 30 km by metres: what is longer than this, in degrees or metres, gets vertices
#: between, so that it cuts the corner by 2 cm at most.
_LONGEST = {True: 0.005, False: 500.0}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """How positions get from one definition to another.

    Parameters
    ----------
    name : str
        The operations, in order.
    source, target : str
        Authority codes or WKT.
    accuracy_m : float
        Published accuracy, taken as sigma per horizontal axis, the greatest where it varies by place; 0 if only numbers
        are projected.
    pipeline : str
        The whole way as one PROJ pipeline, x or longitude first, degrees for angles; "" if there is nothing to do.
        Steps written +method= are our own (`crs.china`), which PROJ does not know.
    area : Area
        Area of use of the source.
    references : tuple of str
        Where the operation is published.
    """

    name: str
    source: str
    target: str
    accuracy_m: float
    pipeline: str
    area: Area
    references: tuple[str, ...] = ()


def _numeric_entry(spec: object) -> tuple[PositionDefinition, Entry]:
    """Return a definition that is made of numbers, and how it moves."""
    position = definition(spec)
    if position.crs is None:
        raise OperationRefusedError(
            f"{position.name} is not a definition in numbers; its positions come out of crs.harmonise(layer, "
            f"references={{{position.reference!r}: ...}})"
        )
    return position, entry(position.crs)


def operation(source: object, target: object) -> Operation:
    """Tell how positions get from one definition to another.

    Parameters
    ----------
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers.

    Returns
    -------
    Operation
        Name, published accuracy, pipeline and area.

    Raises
    ------
    OperationRefusedError
        If there is none of known accuracy: never a ballpark.

    Examples
    --------
    >>> operation("EPSG:4807", "OGC:CRS84").accuracy_m
    2.0
    >>> operation("EPSG:32632", "OGC:CRS84").accuracy_m
    0.0
    """
    _, start = _numeric_entry(source)
    _, end = _numeric_entry(target)
    up, down = path(start, end)
    identity_m = identity_sigma(start.datum, end.datum)
    if identity_m is None:
        shifts = [datum.operation for datum in (*up, *down) if datum.accuracy_m > 0]
    else:
        shifts = [f"declared identity {start.datum.name} = {end.datum.name}"] if identity_m else []
    names = [f"{start.title} to longitude, latitude"] if start.own_steps else []
    names += shifts
    names += [f"longitude, latitude to {end.title}"] if end.own_steps else []
    there = [start.own_steps, *(datum.steps for datum in up)]
    back = _inverted([end.own_steps, *(datum.steps for datum in reversed(down))])
    steps = [part for part in (*there, back) if part] if start.pipeline != end.pipeline else []
    cited = [*start.references, *end.references, *(text for datum in (*up, *down) for text in datum.references)]
    return Operation(
        name="; ".join(names) or "none",
        source=start.code,
        target=end.code,
        accuracy_m=path_sigma(start, end),
        pipeline=" ".join(["+proj=pipeline", *steps]) if steps else "",
        area=start.area,
        references=tuple(dict.fromkeys(cited)),
    )


def _inverted(parts: list[str]) -> str:
    """Write the inverse of steps: backwards, each inverted."""
    steps = [step.strip() for step in " ".join(parts).split("+step") if step.strip()]
    turned = [step.removeprefix("+inv ") if step.startswith("+inv ") else f"+inv {step}" for step in reversed(steps)]
    return " ".join(f"+step {step}" for step in turned)


def move_numbers(x: ArrayLike, y: ArrayLike, *, source: object, target: object, detailed: bool = False) -> Moved:
    """Move numbers and mark those that cannot be moved.

    Parameters
    ----------
    x, y : array_like
        Numbers in the unit of the source's frame, x or longitude first, any one shape. NaN means missing.
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers; their axes and notation are not looked at.
    detailed : bool
        True to have accuracy and ambiguity of every position.

    Returns
    -------
    Moved
        Numbers in the unit of the target, and what was outside.
    """
    _, start = _numeric_entry(source)
    _, end = _numeric_entry(target)
    return move(start, end, x, y, detailed=detailed)


def _refuse_outside(count: int, total: int, *, first: str, source: object, target: object) -> None:
    """Raise if anything lay outside."""
    if not count:
        return
    raise AreaOfUseError(
        f"{count} of {total} positions lie outside the area of use, the first is {first}: "
        f"{describe_areas(source, target)}. Check the definition and the order of the axes, "
        "or pass outside='nan' to leave them empty"
    )


def describe_areas(source: object, target: object) -> str:
    """Write the areas of use that a move has to respect.

    Parameters
    ----------
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers.

    Returns
    -------
    str
        Text for a message.
    """
    parts = []
    for spec in (source, target):
        position, known = _numeric_entry(spec)
        parts.append(f"{position.name} ({known.area})")
    return parts[0] if parts[0] == parts[1] else " to ".join(parts)


def transform(
    x: ArrayLike, y: ArrayLike, *, source: object, target: object, outside: Literal["raise", "nan"] = "raise"
) -> tuple[FloatArray, FloatArray]:
    """Move arrays of numbers from one definition to another.

    Parameters
    ----------
    x, y : array_like
        Numbers in the source's unit, x or longitude first. NaN stays NaN.
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers.
    outside : str
        What to do with positions outside the area of use: "raise", or "nan" to return them as NaN. Never inf.

    Returns
    -------
    tuple of numpy.ndarray
        x and y in the target's unit.

    Raises
    ------
    AreaOfUseError
        If a position lies outside the area of use of source or target.
    OperationRefusedError
        If no published operation leads from source to target.

    Examples
    --------
    >>> x, y = transform([0.0], [48.0], source="EPSG:4807", target="OGC:CRS84")
    >>> round(float(x[0]), 4), round(float(y[0]), 4)
    (2.3366, 43.2)
    """
    moved = move_numbers(x, y, source=source, target=target)
    if outside == "raise" and moved.outside.any():
        first = np.flatnonzero(moved.outside)[0]
        shown = f"({np.ravel(x)[first]}, {np.ravel(y)[first]})"
        count = int(moved.outside.sum())
        _refuse_outside(count, moved.outside.size, first=shown, source=source, target=target)
    return moved.x, moved.y


@dataclass(frozen=True, eq=False)
class MovedGeometry:
    """Geometries after a move, and what is known of each.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shape (n,); None where nothing was given or a vertex could not be moved.
    outside : numpy.ndarray of bool
        True where a vertex lies outside the area of use.
    broken : numpy.ndarray of bool
        True where a vertex is NaN.
    accuracy_m : numpy.ndarray
        Sigma per axis of the way, shape (n,): of the worst vertex where it varies by place.
    ambiguous : numpy.ndarray of bool or None
        True where a vertex may have two origins or none; None where no step of the way knows of such.
    """

    geometry: ObjectArray
    outside: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    accuracy_m: FloatArray
    ambiguous: NDArray[np.bool_] | None


def move_geometry(geometry: ObjectArray, *, source: object, target: object) -> MovedGeometry:
    """Move geometries; heights in Z and measures in M stay as they are.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries or None, shape (n,), x or longitude first.
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers.

    Returns
    -------
    MovedGeometry
        New arrays. Segments longer than about 500 m get vertices between if the way bends them (GCJ-02, BD-09).
    """
    _, start = _numeric_entry(source)
    _, end = _numeric_entry(target)
    result = np.array(geometry, dtype=object, copy=True)
    if any(datum.method for side in path(start, end) for datum in side):
        result = segmentize(result, _LONGEST[start.is_geographic])
    outside, broken = np.zeros(len(result), dtype=bool), np.zeros(len(result), dtype=bool)
    accuracy_m, ambiguous = np.full(len(result), path_sigma(start, end)), np.zeros(len(result), dtype=bool)
    varies = False
    flat = ~shapely.has_z(result)
    for chosen, has_z in ((np.flatnonzero(flat), False), (np.flatnonzero(~flat), True)):
        part = result[chosen]
        numbers, owner = shapely.get_coordinates(part, include_z=has_z, return_index=True)
        if not len(numbers):
            continue
        moved = move(start, end, numbers[:, 0], numbers[:, 1], detailed=True)
        lost = np.isnan(moved.x)
        numbers[:, 0], numbers[:, 1] = np.where(lost, 0.0, moved.x), np.where(lost, 0.0, moved.y)
        if lost.any():
            outside[chosen[owner[moved.outside]]] = True
            broken[chosen[owner[lost & ~moved.outside]]] = True
        if moved.ambiguous is not None:
            varies = True
            rows, first = np.unique(owner, return_index=True)
            accuracy_m[chosen[rows]] = np.maximum.reduceat(moved.accuracy_m, first)
            ambiguous[chosen[owner[moved.ambiguous]]] = True
        result[chosen] = set_vertices(part, numbers)
    result[outside | broken] = None
    return MovedGeometry(result, outside, broken, accuracy_m, ambiguous if varies else None)


def project(
    geometry: ObjectArray, *, source: object, target: object, outside: Literal["raise", "nan"] = "raise"
) -> ObjectArray:
    """Move an array of geometries from one definition to another; heights in Z stay as they are.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries or None, shape (n,), x or longitude first.
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers.
    outside : str
        What to do with a geometry of which a vertex lies outside the area of use: "raise", or "nan" for None.

    Returns
    -------
    numpy.ndarray
        A new array of geometries; None stays None.

    Raises
    ------
    AreaOfUseError
        If a geometry lies outside the area of use of source or target.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> moved = project(np.array([shapely.Point(1_000_000, 200_000)]), source="EPSG:2263", target="OGC:CRS84")
    >>> round(moved[0].x, 4), round(moved[0].y, 4)
    (-73.9432, 40.7156)
    """
    geometry = np.asarray(geometry, dtype=object)
    moved = move_geometry(geometry, source=source, target=target)
    lost = moved.outside | moved.broken
    if outside == "raise" and lost.any():
        first = shapely.to_wkt(geometry[np.flatnonzero(lost)[0]], rounding_precision=6)[:80]
        _refuse_outside(int(lost.sum()), len(lost), first=first, source=source, target=target)
    return moved.geometry
