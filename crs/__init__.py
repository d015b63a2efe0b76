"""Where things are: what a position means, and how to move it with its uncertainty.

`definition` says what a position means, `harmonise` moves the records of anything that is `Positioned` into one
frame and says of each refused record why, `transform` and `project` move bare arrays, `operation` tells how, and
`geodesy` measures on the ellipsoid. Nothing is guessed: what is not declared, or has no published operation, is
refused with what to write instead.
"""

from crs import geodesy
from crs.coordinates import Coordinates, Fields, Lattice, Placed, Positioned, Shapes
from crs.definition import PositionDefinition, definition
from crs.equivalence import equivalent
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
from crs.harmonise import harmonise
from crs.local import LocalProjection, local_projection
from crs.registry import definitions
from crs.transform import Operation, operation, project, transform
from crs.uncertainty import combine_sigma, radius_95
from crs.vertical import describe_vertical

__all__ = [
    "AreaOfUseError",
    "Coordinates",
    "CrsError",
    "DefinitionError",
    "Fields",
    "Lattice",
    "LengthMismatchError",
    "LocalProjection",
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
    "describe_vertical",
    "equivalent",
    "geodesy",
    "harmonise",
    "local_projection",
    "operation",
    "project",
    "radius_95",
    "transform",
]
