"""What `crs.engineering` refuses."""

from __future__ import annotations

from crs.errors import CrsError

__all__ = ["ControlPointError", "GeoreferenceError"]


class GeoreferenceError(CrsError):
    """What a building model says about its place is impossible or contradicts itself."""


class ControlPointError(CrsError):
    """Control points from which no local grid can be estimated."""
