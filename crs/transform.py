"""Moving numbers and geometries from one definition to another, along pipelines that are fixed beforehand.

Everything goes through WGS 84 longitude and latitude: each definition has one pipeline there (`crs.registry`), and
the way to another definition is its pipeline and the other's inverse. Nothing is chosen per point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely
from pyproj import Transformer
from pyproj.enums import TransformDirection

from crs.definition import PositionDefinition, definition
from crs.errors import AreaOfUseError, LengthMismatchError, OperationRefusedError
from crs.registry import Area, Entry, entry, identity_sigma
from crs.uncertainty import combine_sigma

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["Moved", "Operation", "move_geometry", "move_numbers", "operation", "project", "run_pipeline", "transform"]


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
        Published accuracy, taken as sigma per horizontal axis; 0 if only numbers are projected.
    pipeline : str
        The whole way as one PROJ pipeline, x or longitude first, degrees for angles; "" if there is nothing to do.
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


@dataclass(frozen=True, eq=False)
class Moved:
    """Numbers after a move.

    Parameters
    ----------
    x, y : numpy.ndarray
        In the target; NaN where the input is NaN or outside.
    outside : numpy.ndarray of bool
        True where a position was given but lies outside the area of use of source or target.
    """

    x: FloatArray
    y: FloatArray
    outside: NDArray[np.bool_]


@lru_cache(maxsize=256)
def _transformer(pipeline: str) -> Transformer:
    return Transformer.from_pipeline(pipeline)


def run_pipeline(
    pipeline: str, x: FloatArray, y: FloatArray, *, inverse: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Run one pipeline, NaN where PROJ has no answer: never inf.

    Parameters
    ----------
    pipeline : str
        A PROJ pipeline, "" for none.
    x, y : numpy.ndarray
        Numbers of one shape.
    inverse : bool
        True to run it backwards.

    Returns
    -------
    tuple of numpy.ndarray
        New numbers.
    """
    if not pipeline:
        return x, y
    direction = TransformDirection.INVERSE if inverse else TransformDirection.FORWARD
    east, north = _transformer(pipeline).transform(x, y, direction=direction)
    bad = ~(np.isfinite(east) & np.isfinite(north))
    return np.where(bad, np.nan, east), np.where(bad, np.nan, north)


def _to_hub(start: Entry, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Move numbers of a definition to WGS 84 longitude and latitude.

    With `_from_hub` the one place that knows how a definition is moved: what PROJ cannot say joins here.
    """
    return run_pipeline(start.pipeline, x, y)


def _from_hub(end: Entry, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Move WGS 84 longitude and latitude to numbers of a definition."""
    return run_pipeline(end.pipeline, lon, lat, inverse=True)


def _inside(area: Area, lon: FloatArray, lat: FloatArray) -> NDArray[np.bool_]:
    """Say which longitudes and latitudes lie in an area; NaN does not."""
    across = area.west > area.east
    band = (lon >= area.west) | (lon <= area.east) if across else (lon >= area.west) & (lon <= area.east)
    inside: NDArray[np.bool_] = band & (lat >= area.south) & (lat <= area.north)
    return inside


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
    same = identity_sigma(start.datum, end.datum)
    if same is None:
        accuracy_m = float(combine_sigma(start.datum.accuracy_m, end.datum.accuracy_m))
        shifts = [datum.operation for datum in (start.datum, end.datum) if datum.accuracy_m > 0]
    else:
        accuracy_m = same
        shifts = [f"declared identity {start.datum.name} = {end.datum.name}"] if same else []
    start_pipeline, end_pipeline = start.pipeline, end.pipeline
    names = [f"{start.title} to longitude, latitude"] if start.steps else []
    names += shifts
    names += [f"longitude, latitude to {end.title}"] if end.steps else []
    if start_pipeline == end_pipeline:
        pipeline = ""
    else:
        steps = [part for part in (_body(start_pipeline), _inverted(end_pipeline)) if part]
        pipeline = " ".join(["+proj=pipeline", *steps])
    return Operation(
        name="; ".join(names) or "none",
        source=start.code,
        target=end.code,
        accuracy_m=accuracy_m,
        pipeline=pipeline,
        area=start.area,
        references=(*start.references, *start.datum.references, *end.references, *end.datum.references),
    )


def _body(pipeline: str) -> str:
    return pipeline.removeprefix("+proj=pipeline").strip()


def _inverted(pipeline: str) -> str:
    """Write the inverse of a pipeline: the steps backwards, each inverted."""
    steps = [step.strip() for step in _body(pipeline).split("+step") if step.strip()]
    turned = [step.removeprefix("+inv ") if step.startswith("+inv ") else f"+inv {step}" for step in reversed(steps)]
    return " ".join(f"+step {step}" for step in turned)


def move_numbers(x: ArrayLike, y: ArrayLike, *, source: object, target: object) -> Moved:
    """Move numbers and mark those that cannot be moved.

    Parameters
    ----------
    x, y : array_like
        Numbers in the unit of the source's frame, x or longitude first, any one shape. NaN means missing.
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers; their axes and notation are not looked at.

    Returns
    -------
    Moved
        Numbers in the unit of the target, and what was outside.
    """
    _, start = _numeric_entry(source)
    _, end = _numeric_entry(target)
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape:
        raise LengthMismatchError(f"x has shape {x.shape} but y has {y.shape}; give one of each for every position")
    given = ~(np.isnan(x) | np.isnan(y))
    lon, lat = _to_hub(start, x, y)
    inside = _inside(start.area, lon, lat) & _inside(end.area, lon, lat)
    if start.pipeline == end.pipeline:
        moved_x, moved_y = x, y
    else:
        moved_x, moved_y = _from_hub(end, lon, lat)
    placed = given & inside & np.isfinite(moved_x)
    return Moved(np.where(placed, moved_x, np.nan), np.where(placed, moved_y, np.nan), given & ~placed)


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


def move_geometry(
    geometry: ObjectArray, *, source: object, target: object
) -> tuple[ObjectArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Move geometries; heights in Z stay as they are.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries or None, shape (n,), x or longitude first.
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers.

    Returns
    -------
    geometry : numpy.ndarray
        New array; None where nothing was given or a vertex could not be moved.
    outside : numpy.ndarray of bool
        True where a vertex lies outside the area of use.
    broken : numpy.ndarray of bool
        True where a vertex is NaN.
    """
    result = np.array(geometry, dtype=object, copy=True)
    outside, broken = np.zeros(len(result), dtype=bool), np.zeros(len(result), dtype=bool)
    flat = ~shapely.has_z(result)
    for chosen, has_z in ((np.flatnonzero(flat), False), (np.flatnonzero(~flat), True)):
        part = result[chosen]
        numbers, owner = shapely.get_coordinates(part, include_z=has_z, return_index=True)
        if not len(numbers):
            continue
        moved = move_numbers(numbers[:, 0], numbers[:, 1], source=source, target=target)
        lost = np.isnan(moved.x)
        numbers[:, 0], numbers[:, 1] = np.where(lost, 0.0, moved.x), np.where(lost, 0.0, moved.y)
        shapely.set_coordinates(part, numbers)
        if lost.any():
            outside[chosen[owner[moved.outside]]] = True
            broken[chosen[owner[lost & ~moved.outside]]] = True
        result[chosen] = part
    result[outside | broken] = None
    return result, outside, broken


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
    moved, lost, broken = move_geometry(geometry, source=source, target=target)
    if outside == "raise" and (lost | broken).any():
        first = shapely.to_wkt(geometry[np.flatnonzero(lost | broken)[0]], rounding_precision=6)[:80]
        count = int((lost | broken).sum())
        _refuse_outside(count, len(moved), first=first, source=source, target=target)
    return moved
