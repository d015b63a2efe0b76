"""Local grids whose control points are a layer: worked out when that layer is at hand."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.control_points import ControlPoints, EstimatedPlane, estimate_plane
from crs.definition import PositionDefinition, definition
from crs.encodings import decode_decimal
from crs.engineering import ControlPointError
from crs.errors import OperationRefusedError, PositionContradictionError
from crs.given import GivenGrid, ReferredGrid, read_given
from crs.references import HUB, Reference, resolve_reference
from crs.transform import operation, transform
from crs.units import is_angle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from crs.coordinates import FloatArray, Positioned

__all__ = ["resolve_grid"]

_POINT = 0
#: So many residuals are written out, the largest first; nobody reads more.
_MOST_SHOWN = 100


def resolve_grid(
    layer: Positioned, goal: PositionDefinition, references: Mapping[str, Positioned]
) -> tuple[PositionDefinition, tuple[str, ...]]:
    """Work out the local grid of a layer from the layer of its control points.

    Parameters
    ----------
    layer : Positioned
        Any; most are not in a local grid, or in one with parameters.
    goal : PositionDefinition
        The frame in which the control points must be.
    references : Mapping of str to Positioned
        The layers by name.

    Returns
    -------
    position : PositionDefinition
        Of the layer, its grid with parameters; what needs no control points is returned as it is.
    steps : tuple of str
        What was estimated, with the residual of every point, for people.

    Raises
    ------
    ReferenceMissingError, ReferenceNotHarmonisedError
        If the control points were not handed over, or are in another frame.
    PositionContradictionError
        If they have no such columns.
    ControlPointError
        If they do not determine the grid, or one of them does not belong: it is named.
    DefinitionError
        If nothing tells how accurate they are.
    """
    position = layer.position
    grid = None if position.crs is None else read_given(position.crs)
    if not isinstance(grid, ReferredGrid):
        return position, ()
    reference = resolve_reference(grid.points, layer, goal, references)
    where = f"dataset {layer.name!r}, local_grid {grid.name!r}"
    if is_angle(definition(grid.base).unit):
        raise OperationRefusedError(
            f"{where}: stands on {definition(grid.base).name}, which is no plane grid; write one such as EPSG:4547"
        )
    points, used = _points_of(reference, grid, where=where)
    told_m = _accuracy(reference.sigma_m[used], grid, goal)
    try:
        found = estimate_plane(points, kind=grid.kind, base=grid.base, sigma_m=told_m, where=where)
    except ControlPointError as fault:
        raise ControlPointError(f"{where}, control points {reference.name}: {fault}") from fault
    given = GivenGrid(
        name=grid.name, base=grid.base, plane=found.plane, sigma_m=found.sigma_m, note=found.note, area=grid.area
    )
    return dataclasses.replace(position, crs=given.text), (_step(grid, found, left_out=int((~used).sum())),)


def _points_of(reference: Reference, grid: ReferredGrid, *, where: str) -> tuple[ControlPoints, NDArray[np.bool_]]:
    """Return the control points in both grids, and which rows of the layer they are."""
    local, missing = _local(reference, grid, where=where)
    # A point that may have two origins, has no place or no numbers in the grid says nothing of it.
    used = ~(missing | reference.unplaced)
    if reference.ambiguous is not None:
        used &= ~reference.ambiguous
    if not used.any():
        raise ControlPointError(
            f"{where}: none of the {len(used)} rows of {reference.name} has a place, {grid.x} and {grid.y}"
        )
    labels = [str(row) for row in np.flatnonzero(used) + 1]
    if grid.label is not None:
        labels = [str(label) for label in _column(reference, grid.label, where=where)[used].tolist()]
    places = reference.geometry[used]
    lines = np.flatnonzero(shapely.get_type_id(places) != _POINT)
    if len(lines):
        raise ControlPointError(
            f"{where}: {labels[lines[0]]} of {reference.name} is a {places[lines[0]].geom_type}; name a layer of points"
        )
    base = definition(grid.base)
    x, y = transform(shapely.get_x(places), shapely.get_y(places), source=HUB, target=base, outside="nan")
    outside = np.flatnonzero(np.isnan(x))
    if len(outside):
        named = ", ".join(labels[place] for place in outside[:5])
        raise ControlPointError(
            f"{where}: control points {named} of {reference.name} lie outside the area of use of {base.name}; "
            "name the grid beneath that holds there"
        )
    on_base = np.column_stack([x, y])
    return ControlPoints(names=tuple(labels), local=local[used].tolist(), on_base=on_base.tolist()), used


def _local(reference: Reference, grid: ReferredGrid, *, where: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return x and y in the local grid, shape (m, 2), and which rows have none."""
    axes, missing = [], np.zeros(len(reference.geometry), dtype=bool)
    for name in (grid.x, grid.y):
        decoded = decode_decimal(_column(reference, name, where=where), name=name)
        empty = np.array([str(reason).startswith("missing") for reason in decoded.reasons], dtype=bool)
        bad = np.flatnonzero(np.isnan(decoded.values) & ~empty)
        if len(bad):
            raise ControlPointError(f"{where}: row {bad[0] + 1} of {reference.name}: {decoded.reasons[bad[0]]}")
        missing |= empty
        axes.append(decoded.values)
    return np.column_stack(axes), missing


def _column(reference: Reference, name: str, *, where: str) -> NDArray[np.generic]:
    try:
        return reference.column(name)
    except Exception as fault:  # Anything may be positioned, and each says in its own way that it has no such column.
        raise PositionContradictionError(
            f"{where}: control_points names the column {name!r}, which {reference.name} does not give ({fault})"
        ) from fault


def _accuracy(sigma_m: FloatArray, grid: ReferredGrid, goal: PositionDefinition) -> float | None:
    """Return how accurate the control points are in the grid beneath, metres; None where nothing says it."""
    rms_m = float(np.sqrt(np.mean(np.square(sigma_m))))
    if 2 * len(sigma_m) > (6 if grid.kind == "affine" else 4):
        # The way from the grid beneath counts once more when records go it: its share is not counted twice.
        way_m = operation(grid.base, goal).accuracy_m
        rms_m = float(np.sqrt(max(rms_m**2 - way_m**2, 0.0)))
    return max(rms_m, grid.sigma_m or 0.0) or None


def _step(grid: ReferredGrid, found: EstimatedPlane, *, left_out: int) -> str:
    """Say what was estimated, and the residual of every point."""
    ordered = sorted(found.residuals_m, key=lambda one: -float(np.hypot(one[1], one[2])))
    name, east, north = ordered[0]
    shown = ", ".join(f"{label} {x:+.3f} {y:+.3f}" for label, x, y in ordered[:_MOST_SHOWN])
    more = f" and {len(ordered) - _MOST_SHOWN} smaller" if len(ordered) > _MOST_SHOWN else ""
    without = f", {left_out} left out without place or numbers" if left_out else ""
    return (
        f"local grid {grid.name}: {grid.kind} on {definition(grid.base).name} from {len(ordered)} control points of "
        f"{grid.points}{without}; residuals RMS {found.rms_m:.3f} m, largest {np.hypot(east, north):.3f} m at {name}; "
        f"east and north, m: {shown}{more}"
    )
