"""Harmonising: every record of a layer into one frame, with its sigma, or refused with a reason."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import shapely

from crs.coordinates import Fields, Lattice, ObjectArray, Placed, Positioned, Shapes
from crs.definition import PositionDefinition, definition
from crs.equivalence import equivalent
from crs.errors import (
    OperationRefusedError,
    PositionContradictionError,
    PositionMissingError,
    ReferenceMissingError,
    ReferenceNotHarmonisedError,
)
from crs.fields import lines_of, points_of, unit_factor
from crs.linear import place_along
from crs.register import place_by_register
from crs.transform import describe_areas, move_geometry, move_numbers, operation, project
from crs.uncertainty import combine_sigma
from crs.vertices import map_vertices

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["harmonise"]

L = TypeVar("L", bound=Positioned)

_HUB = "OGC:CRS84"


def harmonise(layer: L, *, target: object = _HUB, references: Mapping[str, Positioned] | None = None) -> L:
    """Move every record of a layer into one frame, with how far it may be off.

    Parameters
    ----------
    layer : Positioned
        Anything with a name, a position definition and coordinates.
    target : str, Mapping or PositionDefinition
        The frame to move to, in numbers.
    references : Mapping of str to Positioned, optional
        The layers that indirect positions refer to (streets, registers), already harmonised to the target.

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
        If an indirect position lacks its layer, or that is not in the target frame.
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
    if position.kind != "coordinates":
        placed = _place_indirect(layer, position, goal, references or {})
    elif isinstance(coordinates, Lattice):
        placed = _place_lattice(coordinates, position, goal)
    elif isinstance(coordinates, Shapes):
        placed = _place_shapes(_in_frame_units(coordinates, position, name=layer.name), position, goal)
    else:
        placed = _place_fields(coordinates, position, goal, name=layer.name)
    return layer.with_coordinates(placed)


def _goal(goal: PositionDefinition, source: PositionDefinition) -> PositionDefinition:
    """Return the definition after the move: the target's, with the heights' tag of the source."""
    return dataclasses.replace(goal, vertical=source.vertical, columns=(), axes="lon,lat", notation="decimal")


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
    moved = move_numbers(lattice.corner_x * factor, lattice.corner_y * factor, source=position, target=goal)
    lost = np.isnan(moved.x)
    bad = (lost[:-1, :-1] | lost[1:, :-1] | lost[:-1, 1:] | lost[1:, 1:]).ravel()
    reasons = np.full(len(lattice), None, dtype=object)
    reasons[bad] = _outside(describe_areas(position, goal), shown="a corner of the pixel")
    own_m = lattice.sigma_m or position.sigma_m
    sigma_m = float(combine_sigma(own_m, operation(position, goal).accuracy_m))
    return Placed(
        coordinates=Lattice(moved.x, moved.y, sigma_m),
        reasons=reasons,
        position=_goal(goal, position),
        steps=(_step(position, goal),),
    )


def _in_frame_units(shapes: Shapes, position: PositionDefinition, *, name: str) -> Shapes:
    """Bring the geometries of a file to the unit of their frame."""
    if (position.axes, position.notation) != ("lon,lat", "decimal"):
        raise PositionContradictionError(
            f"dataset {name!r}, field position: says axes {position.axes!r} and notation {position.notation!r}, found "
            "geometries, which are numbers with x before y; leave both out, or write the file x first"
        )
    factor = unit_factor(position)
    if factor == 1.0:
        return shapes
    return Shapes(map_vertices(shapes.geometry, lambda x, y: (x * factor, y * factor)), shapes.sigma_m)


def _place_shapes(
    shapes: Shapes,
    position: PositionDefinition,
    goal: PositionDefinition,
    *,
    reasons: ObjectArray | None = None,
    steps: tuple[str, ...] = (),
) -> Placed:
    """Move geometries; `reasons` are those of records that were refused before."""
    geometry, outside, broken = move_geometry(shapes.geometry, source=position, target=goal)
    reasons = np.full(len(shapes), None, dtype=object) if reasons is None else reasons.copy()
    empty = shapely.is_missing(shapes.geometry) | shapely.is_empty(shapes.geometry)
    areas = describe_areas(position, goal)
    for row in np.flatnonzero(outside | broken | empty):
        if reasons[row] is not None:
            continue
        if empty[row]:
            reasons[row] = "missing: the geometry is empty"
        elif broken[row]:
            reasons[row] = "unreadable: a vertex of the geometry is not a number"
        else:
            corner = shapely.get_coordinates(shapes.geometry[row])[0]
            reasons[row] = _outside(areas, shown=f"({corner[0]:.10g}, {corner[1]:.10g})")
    refused = reasons != None  # noqa: E711 (elementwise on an object array)
    geometry[refused] = None
    own_m = position.sigma_m if shapes.sigma_m is None else shapes.sigma_m
    sigma_m = np.broadcast_to(combine_sigma(own_m, operation(position, goal).accuracy_m), len(shapes)).copy()
    sigma_m[refused] = np.nan
    return Placed(
        coordinates=Shapes(geometry, sigma_m),
        reasons=reasons,
        position=_goal(goal, position),
        steps=(*steps, _step(position, goal)),
    )


def _place_fields(fields: Fields, position: PositionDefinition, goal: PositionDefinition, *, name: str) -> Placed:
    """Decode the columns of a table, then move what came out."""
    wanted = len(position.columns) or (1 if position.notation == "polyline" else 2)
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


def _place_indirect(
    layer: Positioned, position: PositionDefinition, goal: PositionDefinition, references: Mapping[str, Positioned]
) -> Placed:
    """Place records that refer to another layer."""
    fields = layer.coordinates
    wanted = 2 if position.kind == "linear" else 1
    if not isinstance(fields, Fields) or len(fields.columns) != wanted:
        found = f"{len(fields.columns)} columns" if isinstance(fields, Fields) else type(fields).__name__.lower()
        raise PositionContradictionError(
            f"dataset {layer.name!r}, field position: {position.name} takes {wanted} columns of a table, "
            f"found {found}; write the definition of what the file holds"
        )
    reference = _resolve_reference(layer, position, goal, references)
    shapes, keys = reference.coordinates, reference.column(str(position.key))
    if not isinstance(shapes, Shapes):
        raise ReferenceNotHarmonisedError(
            f"dataset {layer.name!r}: reference {position.reference!r} has no geometries in {goal.name} yet; "
            f"pass references={{{position.reference!r}: crs.harmonise({position.reference})}}"
        )
    if position.kind == "linear":
        on_earth = Shapes(project(shapes.geometry, source=goal, target=_HUB), shapes.sigma_m)
        placed, reasons = place_along(fields, position, shapes=on_earth, keys=keys)
        placed = Shapes(project(placed.geometry, source=_HUB, target=goal), placed.sigma_m)
        step = f"{', '.join(position.columns)}: chainage in {position.unit} along {position.reference}[{position.key}]"
    else:
        placed, reasons = place_by_register(fields, position, shapes=shapes, keys=keys)
        step = f"{', '.join(position.columns)}: id in register {position.reference}[{position.key}]"
    return Placed(coordinates=placed, reasons=reasons, position=_goal(goal, position), steps=(step,))


def _resolve_reference(
    layer: Positioned, position: PositionDefinition, goal: PositionDefinition, references: Mapping[str, Positioned]
) -> Positioned:
    """Return the layer that an indirect position refers to, in the target frame."""
    wanted = str(position.reference)
    if wanted not in references:
        raise ReferenceMissingError(
            f"dataset {layer.name!r}, field position: {position.name} refers to {wanted!r}, found references "
            f"{sorted(references)}; pass references={{{wanted!r}: the harmonised layer}}, or in city.yaml name a "
            f"dataset {wanted!r}"
        )
    reference = references[wanted]
    if reference.position.kind != "coordinates" or not equivalent(reference.position, goal):
        raise ReferenceNotHarmonisedError(
            f"dataset {layer.name!r}: reference {wanted!r} is in {reference.position.name}, not in {goal.name}; "
            f"pass references={{{wanted!r}: crs.harmonise({wanted}, target={goal.name!r})}}"
        )
    return reference
