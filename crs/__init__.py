"""Where things are: what a position means, and how to move it with its uncertainty.

`definition` says what a position means, `harmonise` moves the records of anything that is `Positioned` into one
frame and says of each refused record why, `transform` and `project` move bare arrays, `operation` tells how,
`geodesy` measures on the ellipsoid, and `detect` names a missing definition from evidence, or abstains. Nothing is
guessed: what is not declared, or has no published operation, is refused with what to write instead.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crs import geodesy
from crs.control_points import register_estimators
from crs.coordinates import Coordinates, Fields, Lattice, Placed, Positioned, Shapes
from crs.definition import PositionDefinition, definition
from crs.elevations import describe_vertical
from crs.engineering import estimate_affine, estimate_similarity
from crs.equivalence import equivalent
from crs.errors import (
    AreaOfUseError,
    CrsError,
    DefinitionError,
    HeightRefusedError,
    LengthMismatchError,
    OperationRefusedError,
    PositionContradictionError,
    PositionMissingError,
    ReferenceMissingError,
    ReferenceNotHarmonisedError,
)
from crs.harmonise import harmonise
from crs.heights import (
    HeightOperation,
    MovedHeights,
    height_operation,
    move_heights,
    resolve_heights,
)
from crs.identify import written_axes
from crs.local import LocalProjection, local_projection
from crs.offsets import offsets_m
from crs.reasons import REASON_CODES, reason_code
from crs.registry import definitions
from crs.transform import Operation, operation, project, transform
from crs.uncertainty import combine_sigma, radius_95
from crs.vertical import VerticalDefinition, vertical_definition

if TYPE_CHECKING:
    from crs.detection import Mixture, Verdict, detect, detect_groups, stretches

__all__ = [
    "REASON_CODES",
    "AreaOfUseError",
    "Coordinates",
    "CrsError",
    "DefinitionError",
    "Fields",
    "HeightOperation",
    "HeightRefusedError",
    "Lattice",
    "LengthMismatchError",
    "LocalProjection",
    "Mixture",
    "MovedHeights",
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
    "Verdict",
    "VerticalDefinition",
    "combine_sigma",
    "definition",
    "definitions",
    "describe_vertical",
    "detect",
    "detect_groups",
    "equivalent",
    "geodesy",
    "harmonise",
    "height_operation",
    "local_projection",
    "move_heights",
    "offsets_m",
    "operation",
    "project",
    "radius_95",
    "reason_code",
    "resolve_heights",
    "stretches",
    "transform",
    "vertical_definition",
    "written_axes",
]

# Definitions stand below the estimators of local grids, which need them: the estimators put themselves in from above.
register_estimators(similarity=estimate_similarity, affine=estimate_affine)

_LATER = {"detection", "Mixture", "Verdict", "detect", "detect_groups", "stretches"}
"""What names definitions from evidence: few who move positions ask for it, so it is found when they do (PEP 562)."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- of whatever is asked for
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    detection = import_module("crs.detection")
    return detection if name == "detection" else getattr(detection, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
