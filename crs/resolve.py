"""Indirect positions: what a record refers to, by kind, worked out in longitude and latitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

import numpy as np
import shapely

from crs.address import place_by_address
from crs.cells import CellSystem, decode_cells
from crs.coordinates import Fields, ObjectArray, Positioned, Shapes
from crs.crossing import place_at_crossings
from crs.errors import DefinitionError, PositionContradictionError
from crs.indirect import CellOptions, LinearOptions
from crs.linear import place_along
from crs.references import resolve_reference
from crs.register import place_by_register
from crs.uncertainty import combine_sigma

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crs.definition import PositionDefinition

__all__ = ["resolve_indirect"]


def resolve_indirect(
    layer: Positioned, position: PositionDefinition, goal: PositionDefinition, references: Mapping[str, Positioned]
) -> tuple[Shapes, ObjectArray, str]:
    """Place records that refer to another layer, or to a cell of a grid.

    Parameters
    ----------
    layer : Positioned
        With columns as coordinates.
    position : PositionDefinition
        Of any kind but "coordinates".
    goal : PositionDefinition
        The frame in which references must be.
    references : Mapping of str to Positioned
        The layers by name.

    Returns
    -------
    shapes : Shapes
        In WGS 84 longitude and latitude, shape (n,).
    reasons : numpy.ndarray
        None or text, shape (n,).
    step : str
        What was done, for people.

    Raises
    ------
    PositionContradictionError
        If the layer has no such columns.
    ReferenceMissingError, ReferenceNotHarmonisedError
        If a layer that is referred to was not handed over, or is in another frame.
    """
    fields = layer.coordinates
    if not isinstance(fields, Fields) or len(fields.columns) != len(position.columns):
        found = f"{len(fields.columns)} columns" if isinstance(fields, Fields) else type(fields).__name__.lower()
        raise PositionContradictionError(
            f"dataset {layer.name!r}, field position: {position.name} takes {len(position.columns)} columns of a "
            f"table, found {found}; write the definition of what the file holds"
        )
    shown = ", ".join(position.columns)
    if position.kind == "cells":
        shapes, reasons = _place_in_cells(fields, position)
        return shapes, reasons, f"{shown}: code of {position.name}"
    known = {name: resolve_reference(name, layer, goal, references) for name in position.references}
    reference = known[str(position.reference)]
    table = f"{position.reference}[{position.key}]"
    if position.kind == "linear":
        options = cast("LinearOptions", position.options)
        posts = None if options.calibration is None else known[options.calibration.points]
        between = "" if posts is None else f" between the points of {posts.name}"
        shapes, reasons = place_along(layer, position, reference, posts=posts)
        return shapes, reasons, f"{shown}: chainage in {position.unit} along {table}{between}"
    if position.kind == "intersection":
        shapes, reasons = place_at_crossings(layer, position, reference)
        return shapes, reasons, f"{shown}: crossing of two streets of {table}"
    if position.kind == "address":
        shapes, reasons = place_by_address(layer, position, reference)
        return shapes, reasons, f"{shown}: address in {position.name}"
    shapes, reasons = place_by_register(layer, position, reference)
    return shapes, reasons, f"{shown}: id in register {table}"


def _place_in_cells(fields: Fields, position: PositionDefinition) -> tuple[Shapes, ObjectArray]:
    """Place records in the cells that they name, or at their centres."""
    options = position.options
    if not isinstance(options, CellOptions) or options.system not in get_args(CellSystem):
        raise DefinitionError(
            f"{position.name}: the grid is not known; write cells: with one of {', '.join(get_args(CellSystem))}"
        )
    system = next(known for known in get_args(CellSystem) if known == options.system)
    cells = decode_cells(fields.columns[0], system=system, column=position.columns[0])
    refused = cells.reasons != None  # noqa: E711 (elementwise on an object array)
    if options.support == "area":
        # The outline says already where in the cell a record may be.
        stated_m = np.where(refused, np.nan, position.sigma_m)
        return Shapes(cells.geometry, stated_m, radius_m=cells.radius_m), cells.reasons
    geometry = np.full(len(refused), None, dtype=object)
    geometry[~refused] = shapely.points(cells.lon_deg[~refused], cells.lat_deg[~refused])
    sigma_m = combine_sigma(cells.sigma_m, position.sigma_m)
    return Shapes(geometry, sigma_m, radius_m=cells.radius_m), cells.reasons
