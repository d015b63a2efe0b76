"""The layers that indirect positions refer to: found by name, in one frame, read by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import FloatArray, ObjectArray, Positioned, Shapes
from crs.equivalence import equivalent
from crs.errors import ReferenceMissingError, ReferenceNotHarmonisedError
from crs.transform import project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from crs.definition import PositionDefinition

__all__ = ["HUB", "Reference", "resolve_reference"]

#: Everything indirect is worked out in WGS 84 longitude and latitude.
HUB = "OGC:CRS84"


@dataclass(frozen=True, eq=False)
class Reference:
    """A layer that others refer to.

    Parameters
    ----------
    layer : Positioned
        As it was handed over.
    geometry : numpy.ndarray
        Its geometries in WGS 84 longitude and latitude, None where a row has no position, shape (m,).
    sigma_m : numpy.ndarray
        Its accuracy, metres, shape (m,).
    ambiguous : numpy.ndarray of bool or None
        True for rows that may have two origins or none, shape (m,); None where nothing on their way knows of such.
    """

    layer: Positioned
    geometry: ObjectArray
    sigma_m: FloatArray
    ambiguous: NDArray[np.bool_] | None = None

    @property
    def name(self) -> str:
        """Name of the layer."""
        return self.layer.name

    @property
    def unplaced(self) -> NDArray[np.bool_]:
        """True for rows without a position, shape (m,)."""
        return np.asarray(shapely.is_missing(self.geometry) | shapely.is_empty(self.geometry))

    def doubtful(self, group: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
        """Say which groups of rows hold one that may have two origins or none.

        Parameters
        ----------
        group : numpy.ndarray of int
            Group of each row, shape (m,); -1 for none.
        count : int
            Number of groups.

        Returns
        -------
        numpy.ndarray of bool
            Shape (count,).
        """
        found = np.zeros(count, dtype=bool)
        if self.ambiguous is not None:
            found[group[self.ambiguous & (group >= 0)]] = True
        return found

    def column(self, name: str) -> NDArray[np.generic]:
        """Return one column of the layer.

        Parameters
        ----------
        name : str
            As in the layer.

        Returns
        -------
        numpy.ndarray
            Shape (m,).
        """
        return self.layer.column(name)


def resolve_reference(
    wanted: str, layer: Positioned, goal: PositionDefinition, references: Mapping[str, Positioned]
) -> Reference:
    """Return a layer that an indirect position refers to.

    Parameters
    ----------
    wanted : str
        Its name.
    layer : Positioned
        The layer with the indirect position, for messages.
    goal : PositionDefinition
        The frame in which the reference must be.
    references : Mapping of str to Positioned
        What was handed over.

    Returns
    -------
    Reference
        In longitude and latitude.

    Raises
    ------
    ReferenceMissingError
        If it was not handed over.
    ReferenceNotHarmonisedError
        If it is in another frame, or has no geometries.
    """
    if wanted not in references:
        raise ReferenceMissingError(
            f"dataset {layer.name!r}, field position: {layer.position.name} refers to {wanted!r}, found references "
            f"{sorted(references)}; pass references={{{wanted!r}: the harmonised layer}}, or in city.yaml name a "
            f"dataset {wanted!r}"
        )
    reference = references[wanted]
    if reference.position.kind != "coordinates" or not equivalent(reference.position, goal):
        raise ReferenceNotHarmonisedError(
            f"dataset {layer.name!r}: reference {wanted!r} is in {reference.position.name}, not in {goal.name}; "
            f"pass references={{{wanted!r}: crs.harmonise({wanted}, target={goal.name!r})}}"
        )
    shapes = reference.coordinates
    if not isinstance(shapes, Shapes):
        raise ReferenceNotHarmonisedError(
            f"dataset {layer.name!r}: reference {wanted!r} has no geometries in {goal.name} yet; "
            f"pass references={{{wanted!r}: crs.harmonise({wanted})}}"
        )
    sigma_m = np.zeros(len(shapes)) if shapes.sigma_m is None else shapes.sigma_m
    geometry = shapes.geometry if goal.crs == HUB else project(shapes.geometry, source=goal, target=HUB)
    return Reference(reference, geometry, sigma_m, shapes.ambiguous)
