"""Where things are: what a position means, and how to move it with its uncertainty.

`definition` says what a position means, `harmonise` moves the records of anything that is `Positioned` into one
frame and says of each refused record why, `transform` and `project` move bare arrays, `operation` tells how, and
`geodesy` measures on the ellipsoid. Nothing is guessed: what is not declared, or has no published operation, is
refused with what to write instead.
"""

from crs.coordinates import Coordinates, Fields, Lattice, Placed, Positioned, Shapes
from crs.definition import PositionDefinition, definition
from crs.errors import (
    AreaOfUseError,
    CrsError,
    DefinitionError,
    LengthMismatchError,
    OperationRefusedError,
    PositionContradictionError,
    PositionMissingError,
    ReferenceMissingError,
    ReferenceNotHarmonisedError,
)
from crs.registry import definitions
from crs.transform import Operation, equivalent, operation, project, transform
from crs.uncertainty import combine_sigma, radius_95

__all__ = [
    "AreaOfUseError",
    "Coordinates",
    "CrsError",
    "DefinitionError",
    "Fields",
    "Lattice",
    "LengthMismatchError",
    "Operation",
    "OperationRefusedError",
    "Placed",
    "PositionContradictionError",
    "PositionDefinition",
    "PositionMissingError",
    "Positioned",
    "ReferenceMissingError",
    "ReferenceNotHarmonisedError",
    "Shapes",
    "combine_sigma",
    "definition",
    "definitions",
    "equivalent",
    "operation",
    "project",
    "radius_95",
    "transform",
]
