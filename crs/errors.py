"""What `crs` refuses, and what to write instead."""

from __future__ import annotations

__all__ = [
    "AreaOfUseError",
    "CrsError",
    "DefinitionError",
    "HeightRefusedError",
    "LengthMismatchError",
    "OperationRefusedError",
    "PositionContradictionError",
    "PositionMissingError",
    "ReferenceMissingError",
    "ReferenceNotHarmonisedError",
]


class CrsError(Exception):
    """Everything that `crs` refuses, as one class to catch."""


class DefinitionError(CrsError):
    """A text or mapping that does not say what a position means."""


class HeightRefusedError(CrsError):
    """Heights on one datum are wanted on another, and no operation between the two was named."""


class LengthMismatchError(CrsError):
    """Arrays that must describe the same records but differ in length."""


class OperationRefusedError(CrsError):
    """No published operation of known accuracy leads from one frame to the other."""


class AreaOfUseError(CrsError):
    """Points lie outside the area in which their definition may be used."""


class PositionMissingError(CrsError):
    """A dataset does not say what its positions mean."""


class PositionContradictionError(CrsError):
    """What is said about a dataset's positions does not fit what it carries."""


class ReferenceMissingError(CrsError):
    """An indirect position needs a layer (streets, register) that was not handed over."""


class ReferenceNotHarmonisedError(CrsError):
    """A reference layer is itself not yet in the target frame."""
