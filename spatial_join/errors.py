"""What can go wrong in a join or an aggregation, each named after its fact."""

from __future__ import annotations

__all__ = [
    "CrsMismatchError",
    "ExtentError",
    "GeometryError",
    "JoinError",
    "NotRegisteredError",
    "QuantityError",
    "ResolutionError",
    "TooFewStationsError",
    "WrongRollUpError",
]


class JoinError(Exception):
    """Base of every error that this package raises on purpose."""


class GeometryError(JoinError):
    """A geometry is invalid, of the wrong kind, or not in longitude/latitude; the message names the rows."""


class CrsMismatchError(JoinError):
    """Two inputs of one join are in different coordinate reference systems; the message names both."""


class ResolutionError(JoinError):
    """An H3 resolution is out of range, or a finer one was asked for than the table holds."""


class QuantityError(JoinError):
    """A variable is missing, not numeric, or is described in a way that has no meaning."""


class WrongRollUpError(QuantityError):
    """A roll-up that makes no sense for the kind of quantity; the message says which one would."""


class TooFewStationsError(JoinError):
    """Fewer stations than a variogram can be fitted to."""


class ExtentError(JoinError):
    """The data span more ground than one local projection can hold within its stated error."""


class NotRegisteredError(JoinError):
    """Something is done by a package that is not installed; the message says by which."""
