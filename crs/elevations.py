"""Heights of the records of a layer: moved with its positions where an operation is named, else tagged.

The tag says what the heights refer to once the layer is harmonised. Heights that nobody explained, and those whose
operation is not named, stay as they came: that sets no record aside.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import FloatArray, ObjectArray, Placed, Positioned, Shapes
from crs.encodings import decode_decimal
from crs.errors import DefinitionError, OperationRefusedError
from crs.heights import HeightOperation, move_heights, resolve_heights
from crs.moves import path
from crs.references import HUB
from crs.registry import entry
from crs.transform import project
from crs.vertical import UNRESOLVED, VerticalDefinition, title_of, vertical_definition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.definition import PositionDefinition

__all__ = ["describe_vertical", "place_heights"]


def describe_vertical(position: PositionDefinition) -> str:
    """Say what the heights of a dataset refer to.

    Parameters
    ----------
    position : PositionDefinition
        Of any kind.

    Returns
    -------
    str
        The name of the vertical datum, or "unresolved".

    Examples
    --------
    >>> from crs.definition import definition
    >>> describe_vertical(definition("EPSG:3944+5720"))
    'NGF-IGN69 height (EPSG:5720)'
    >>> describe_vertical(definition("EPSG:2263"))
    'unresolved'
    """
    return title_of(position.vertical or UNRESOLVED)


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What becomes of the heights: their tag afterwards, the way there if there is one, and how that is told."""

    tag: str
    step: str
    source: VerticalDefinition | None = None
    target: str = ""
    operation: HeightOperation | None = None


def place_heights(layer: Positioned, placed: Placed, position: PositionDefinition, goal: PositionDefinition) -> Placed:
    """Move the heights of records that have their place, or tag them.

    Parameters
    ----------
    layer : Positioned
        For its columns.
    placed : Placed
        In the target frame, heights as they came.
    position : PositionDefinition
        What the heights mean, and what moves them.
    goal : PositionDefinition
        The frame; if it says what heights shall refer to, an operation has to lead there.

    Returns
    -------
    Placed
        With heights in metres where their datum is known, the tag of what they refer to, and one more step. What has
        no heights is returned as it is.

    Raises
    ------
    OperationRefusedError
        If the target wants heights in another unit than metres.
    """
    shapes, names = placed.coordinates, position.height_columns
    if not isinstance(shapes, Shapes) or not (names or _has_heights(shapes.geometry).any()):
        return placed
    plan = _plan(position, goal)
    told = dataclasses.replace(placed.position, vertical=plan.tag)
    if plan.source is None:
        return dataclasses.replace(placed, position=told, steps=(*placed.steps, plan.step))
    # A geometry that a move of numbers cannot take has no place, and thus no height to move.
    places = shapes.geometry if goal.crs == HUB else project(shapes.geometry, source=goal, target=HUB, outside="nan")
    geometry, moved = resolve_heights(
        shapes.geometry, source=plan.source, target=plan.target, operation=plan.operation, places=places
    )
    columns, unresolved = {}, ~moved.resolved
    lon, lat = _middles(places)
    for name in names:
        came = decode_decimal(layer.column(name), name=name).values
        level = move_heights(came, lon, lat, source=plan.source, target=plan.target, operation=plan.operation)
        columns[name] = np.where(level.resolved, level.height_m, came)
        unresolved |= ~level.resolved
    unresolved &= ~shapely.is_missing(geometry)
    count = int(unresolved.sum())
    step = plan.step + (f"; {count} records outside it are unresolved and keep theirs" if count else "")
    flag = None if plan.operation is None else unresolved
    return dataclasses.replace(
        placed,
        coordinates=dataclasses.replace(shapes, geometry=geometry, unresolved_height=flag),
        position=told,
        steps=(*placed.steps, step),
        columns=columns,
    )


def _has_heights(geometry: ObjectArray) -> NDArray[np.bool_]:
    return np.asarray(shapely.has_z(geometry), dtype=bool)


def _middles(places: ObjectArray) -> tuple[FloatArray, FloatArray]:
    """Return where the height of a column is looked up in a grid: the middle of the record."""
    middle = shapely.centroid(places)
    return np.asarray(shapely.get_x(middle)), np.asarray(shapely.get_y(middle))


def _plan(position: PositionDefinition, goal: PositionDefinition) -> _Plan:
    """Decide what becomes of heights, and say it."""
    tag, asked = position.vertical or UNRESOLVED, _wanted(goal)
    try:
        source = vertical_definition(tag)
    except DefinitionError:
        # The file's own text names a datum that no register has: nothing leads from there.
        return _Plan(tag=tag, step=f"heights: on {tag}, as they came")
    if source.kind == "unresolved":
        return _Plan(tag=tag, step="heights: unresolved, as they came: nobody said what they refer to")
    way = position.lift
    wanted = asked or (source.name if way is None else _other_end(way, source.name))
    metres = f", {source.unit} to metre" if source.unit != "metre" else ""
    if wanted != source.name:
        if way is not None and {way.source, way.target} == {source.name, wanted}:
            told = f"heights: {title_of(source.name)} to {title_of(wanted)} by {way.name} (sigma {way.accuracy_m:g} m)"
            return _Plan(tag=_in_metres(wanted), step=told + metres, source=source, target=wanted, operation=way)
        why = f"heights: unresolved on {title_of(wanted)}, for no operation there is named: "
    else:
        why = "heights: "
    if source.kind == "ellipsoidal" and _leaves_its_ellipsoid(position, goal):
        told = f"heights: unresolved, as they came: above the ellipsoid of {position.name}, which the positions left"
        return _Plan(tag=str(dataclasses.replace(source, name=UNRESOLVED)), step=told)
    step = f"{why}on {title_of(source.name)}{metres}"
    if not metres:
        return _Plan(tag=source.name, step=step)
    return _Plan(tag=_in_metres(source.name), step=step, source=source, target=source.name)


def _in_metres(name: str) -> str:
    """Return the tag of heights in metres on a datum, whatever unit its authority gives it."""
    return str(dataclasses.replace(vertical_definition(name), unit="metre"))


def _wanted(goal: PositionDefinition) -> str | None:
    """Return the datum that the target asks for."""
    if goal.vertical is None:
        return None
    wanted = vertical_definition(goal.vertical)
    if wanted.unit != "metre":
        raise OperationRefusedError(f"target {goal.name!r} wants heights in {wanted.unit}; they come out in metres")
    return wanted.name


def _other_end(way: HeightOperation, name: str) -> str:
    return way.target if way.source == name else way.source


def _leaves_its_ellipsoid(position: PositionDefinition, goal: PositionDefinition) -> bool:
    """Say whether the positions go to a datum whose ellipsoid lies elsewhere."""
    if position.crs is None or goal.crs is None:
        return False
    up, down = path(entry(position.crs), entry(goal.crs))
    return any(datum.shift for datum in (*up, *down))
