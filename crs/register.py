"""Positions by id: a record says which station it is, a register says where that station stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Shapes
from crs.keys import match_keys
from crs.uncertainty import combine_sigma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import Fields, ObjectArray
    from crs.definition import PositionDefinition

__all__ = ["place_by_register"]


def place_by_register(
    fields: Fields, position: PositionDefinition, *, shapes: Shapes, keys: NDArray[np.generic]
) -> tuple[Shapes, ObjectArray]:
    """Give each record the geometry of the register's row that it names.

    Parameters
    ----------
    fields : Fields
        One column: the ids.
    position : PositionDefinition
        Of kind "register".
    shapes : Shapes
        The register's geometries, shape (m,), in the target frame.
    keys : numpy.ndarray
        The register's ids, shape (m,).

    Returns
    -------
    shapes : Shapes
        Geometry and sigma of each record: the register's and the stated sigma of the record combined.
    reasons : numpy.ndarray
        None or text, shape (n,).
    """
    column = position.columns[0] if position.columns else "id"
    matches = match_keys(
        fields.columns[0],
        keys,
        column=column,
        name=str(position.reference),
        unplaced=shapely.is_missing(shapes.geometry),
    )
    met = matches.rows >= 0
    geometry = np.full(len(fields), None, dtype=object)
    geometry[met] = shapes.geometry[matches.rows[met]]
    sigma_m = np.full(len(fields), np.nan)
    register_sigma = np.zeros(len(shapes)) if shapes.sigma_m is None else shapes.sigma_m
    sigma_m[met] = combine_sigma(register_sigma[matches.rows[met]], position.sigma_m)
    return Shapes(geometry, sigma_m), matches.reasons
