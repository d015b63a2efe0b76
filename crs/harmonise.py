"""Harmonising: every record of a layer into one frame, with its sigma, or refused with a reason."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import shapely

from crs.coordinates import Fields, Lattice, ObjectArray, Placed, Positioned, Shapes
from crs.definition import PositionDefinition, definition
from crs.elevations import place_heights
from crs.errors import OperationRefusedError, PositionContradictionError, PositionMissingError
from crs.fields import lines_of, points_of, unit_factor
from crs.local_grids import resolve_grid
from crs.references import HUB
from crs.resolve import resolve_indirect
from crs.sentinels import is_null_island, is_sentinel
from crs.transform import describe_areas, move_geometry, move_numbers, operation, project
from crs.uncertainty import combine_sigma
from crs.units import is_angle
from crs.vertices import map_vertices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["harmonise"]

L = TypeVar("L", bound=Positioned)

_POINT = 0


def harmonise(layer: L, *, target: object = HUB, references: Mapping[str, Positioned] | None = None) -> L:
    """Move every record of a layer into one frame, with how far it may be off.

    Parameters
    ----------
    layer : Positioned
        Anything with a name, a position definition and coordinates.
    target : str, Mapping or PositionDefinition
        The frame to move to, in numbers.
    references : Mapping of str to Positioned, optional
        The layers that positions refer to (streets, registers, control points of a local grid), already harmonised to
        the target.

    Returns
    -------
    Positioned
        Of the layer's own type: `layer.with_coordinates(placed)`. Each record has a geometry in the target frame and
        a sigma from source, rounding, operation and reference, or a reason why it has none.

    Raises
    ------
    PositionMissingError
        If the layer does not say what its positions mean.
    PositionContradictionError
        If what it says does not fit what it carries.
    OperationRefusedError
        If no published operation leads to the target.
    ReferenceMissingError, ReferenceNotHarmonisedError
        If a position lacks the layer that it refers to, or that is not in the target frame.
    ControlPointError
        If the control points of a local grid do not determine it, or one of them does not belong to the others.
    """
    position: PositionDefinition | None = getattr(layer, "position", None)
    if position is None:
        raise PositionMissingError(
            f"dataset {layer.name!r}, field position: nothing says what its positions mean; "
            "write for instance position: OGC:CRS84"
        )
    goal = definition(target)
    if goal.crs is None:
        raise OperationRefusedError(f"target {goal.name!r} is not a frame in numbers; write for instance 'OGC:CRS84'")
    coordinates = layer.coordinates
    position, estimated = resolve_grid(layer, goal, references or {})
    if position.kind != "coordinates":
        shapes, reasons, step = resolve_indirect(layer, position, goal, references or {})
        if goal.crs != HUB:
            moved = project(shapes.geometry, source=HUB, target=goal)
            shapes = dataclasses.replace(shapes, geometry=moved)
        placed = Placed(coordinates=shapes, reasons=reasons, position=_goal(goal, position), steps=(step,))
    elif isinstance(coordinates, Lattice):
        placed = _place_lattice(coordinates, position, goal)
    elif isinstance(coordinates, Shapes):
        placed = _place_shapes(_in_frame_units(coordinates, position, name=layer.name), position, goal)
    else:
        placed = _place_fields(coordinates, position, goal, name=layer.name)
    reference = (references or {}).get(str(position.reference))
    if reference is not None:
        # What a record gets from a register, it gets with the register's own idea of heights.
        position = dataclasses.replace(position, vertical=position.vertical or reference.position.vertical)
    placed = place_heights(layer, placed, position, goal)
    return layer.with_coordinates(dataclasses.replace(placed, steps=(*estimated, *placed.steps)))


def _goal(goal: PositionDefinition, source: PositionDefinition) -> PositionDefinition:
    """Return the definition after the move: the target's, with the heights' tag of the source."""
    return dataclasses.replace(
        goal, vertical=source.vertical, epoch=source.epoch, columns=(), axes="lon,lat", notation="decimal"
    )


def _step(position: PositionDefinition, goal: PositionDefinition) -> str:
    way = operation(position, goal)
    if not way.pipeline and not way.accuracy_m:
        return f"{position.name}: the numbers are those of {goal.name}"
    return f"{position.name} to {goal.name}: {way.name} (sigma {way.accuracy_m:g} m)"


def _outside(areas: str, *, shown: str) -> str:
    return f"outside_area: {shown} is outside the area of use of {areas}; check the definition and the order of axes"


def _place_lattice(lattice: Lattice, position: PositionDefinition, goal: PositionDefinition) -> Placed:
    """Move all corners of a raster; a pixel with a corner that cannot be moved is refused."""
    factor = unit_factor(position)
    moved = move_numbers(
        lattice.corner_x * factor, lattice.corner_y * factor, source=position, target=goal, detailed=True
    )
    lost = np.isnan(moved.x)
    bad = _any_corner(lost).ravel()
    reasons = np.full(len(lattice), None, dtype=object)
    reasons[bad] = _outside(describe_areas(position, goal), shown="a corner of the pixel")
    own_m = lattice.sigma_m or position.sigma_m
    # A raster has one sigma: that of its worst corner.
    worst_m = np.max(np.broadcast_to(moved.accuracy_m, lost.shape), where=~lost, initial=0.0)
    sigma_m = float(combine_sigma(own_m, worst_m))
    ambiguous = None if moved.ambiguous is None else _any_corner(moved.ambiguous)
    return Placed(
        coordinates=Lattice(moved.x, moved.y, sigma_m, ambiguous),
        reasons=reasons,
        position=_goal(goal, position),
        steps=(_step(position, goal),),
    )


def _any_corner(corners: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say of each pixel whether one of its corners is marked."""
    marked: NDArray[np.bool_] = corners[:-1, :-1] | corners[1:, :-1] | corners[:-1, 1:] | corners[1:, 1:]
    return marked


def _in_frame_units(shapes: Shapes, position: PositionDefinition, *, name: str) -> Shapes:
    """Bring the geometries of a file to the unit of their frame."""
    if (position.axes, position.notation, position.truncated) != ("lon,lat", "decimal", False):
        raise PositionContradictionError(
            f"dataset {name!r}, field position: says axes {position.axes!r}, notation {position.notation!r} and "
            f"truncated {position.truncated}, found geometries, which are whole numbers with x before y; leave all "
            "three out, or write the file x first"
        )
    factor = unit_factor(position)
    if factor == 1.0:
        return shapes
    moved = map_vertices(shapes.geometry, lambda x, y: (x * factor, y * factor))
    return dataclasses.replace(shapes, geometry=moved)


def _place_shapes(
    shapes: Shapes,
    position: PositionDefinition,
    goal: PositionDefinition,
    *,
    reasons: ObjectArray | None = None,
    steps: tuple[str, ...] = (),
) -> Placed:
    """Move geometries; `reasons` are those of records that were refused before."""
    moved = move_geometry(shapes.geometry, source=position, target=goal)
    geometry = moved.geometry
    reasons = np.full(len(shapes), None, dtype=object) if reasons is None else reasons.copy()
    empty = shapely.is_missing(shapes.geometry) | shapely.is_empty(shapes.geometry)
    for row in np.flatnonzero(empty & (reasons == None)):  # noqa: E711 (elementwise on an object array)
        reasons[row] = "missing: the geometry is empty"
    for row in np.flatnonzero(moved.broken & (reasons == None)):  # noqa: E711
        reasons[row] = "unreadable: a vertex of the geometry is not a number"
    _refuse_places(reasons, shapes.geometry, position, goal=goal, outside=moved.outside)
    refused = reasons != None  # noqa: E711
    geometry[refused] = None
    own_m = position.sigma_m if shapes.sigma_m is None else shapes.sigma_m
    sigma_m = np.broadcast_to(combine_sigma(own_m, moved.accuracy_m), len(shapes)).copy()
    sigma_m[refused] = np.nan
    ambiguous = _either(shapes.ambiguous, moved.ambiguous)
    return Placed(
        coordinates=Shapes(geometry, sigma_m, ambiguous),
        reasons=reasons,
        position=_goal(goal, position),
        steps=(*steps, _step(position, goal)),
    )


def _either(first: NDArray[np.bool_] | None, second: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Join two marks, each of which may not be known."""
    return second if first is None else first if second is None else first | second


def _refuse_places(
    reasons: ObjectArray,
    geometry: ObjectArray,
    position: PositionDefinition,
    *,
    goal: PositionDefinition,
    outside: NDArray[np.bool_],
) -> None:
    """Refuse what lies outside the area of use, and points at zero and zero where that is the default of degrees."""
    points = (shapely.get_type_id(geometry) == _POINT) & ~shapely.is_empty(geometry)
    x, y = np.full(len(geometry), np.nan), np.full(len(geometry), np.nan)
    x[points], y[points] = shapely.get_x(geometry[points]), shapely.get_y(geometry[points])
    null = is_null_island(x, y) & (outside | is_angle(definition(position.crs).unit))
    for row in np.flatnonzero(null & (reasons == None)):  # noqa: E711
        reasons[row] = "null_island: (0, 0) is the default of an empty position"
    rows = np.flatnonzero(outside & (reasons == None))  # noqa: E711
    if not len(rows):
        return
    turned = move_numbers(y[rows], x[rows], source=position, target=goal)
    stand_in = (is_sentinel(x[rows]) | is_sentinel(y[rows])) & points[rows]
    areas = describe_areas(position, goal)
    for place, row in enumerate(rows):
        corner = shapely.get_coordinates(geometry[row])[0]
        shown = f"({corner[0]:.10g}, {corner[1]:.10g})"
        if stand_in[place]:
            reasons[row] = f"sentinel: {shown} is outside the area of use and holds a number for a missing value"
        else:
            swapped = not np.isnan(turned.x[place])
            reasons[row] = _outside(areas, shown=shown) + ("; with both swapped it lies inside" if swapped else "")


def _place_fields(fields: Fields, position: PositionDefinition, goal: PositionDefinition, *, name: str) -> Placed:
    """Decode the columns of a table, then move what came out."""
    wanted = len(position.columns) or (1 if position.notation in {"pair", "polyline"} else 2)
    if len(fields.columns) != wanted:
        raise PositionContradictionError(
            f"dataset {name!r}, field position.columns: {position.name} in notation {position.notation!r} takes "
            f"{wanted} columns {list(position.columns)}, found {len(fields.columns)}; name the columns that hold it"
        )
    step = f"columns {', '.join(position.columns)}: {position.notation} in {position.unit}, {position.axes}"
    if position.notation == "polyline":
        shapes, reasons = lines_of(fields, position)
    else:
        shapes, reasons = points_of(fields, position)
    return _place_shapes(shapes, position, goal, reasons=reasons, steps=(step,))
