"""The errors of this room: what was found, in which dataset, and what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "FileRefusedError",
    "FileUnreadableError",
    "GeometryError",
    "LayerError",
    "LedgerError",
    "PositionContradictionError",
    "PositionMissingError",
    "ProgramMissingError",
    "ReaderFailedError",
    "SchemaError",
    "TransferError",
    "listed",
]


class LayerError(Exception):
    """Anything that ``layers`` refuses; every error of this package is one."""


class FileRefusedError(LayerError):
    """The file is not what its name says, lies outside the root, or unpacks to more than is allowed."""


class FileUnreadableError(LayerError):
    """The file is of the right kind but broken as a whole, so that its records cannot be counted."""


class ProgramMissingError(LayerError):
    """A program that reads this format is not installed."""


class GeometryError(LayerError):
    """One geometry is not as its format has it; readers catch it where its record is known, and set that aside."""


class ReaderFailedError(FileUnreadableError):
    """The reader met something in a file that it does not know of: a fault of this program as well as of the file."""


class PositionMissingError(LayerError):
    """Neither the file nor the caller says what the positions mean."""


class PositionContradictionError(LayerError):
    """The file and the caller say two different things about what the positions mean."""


class SchemaError(LayerError):
    """Columns or options that were asked for do not fit the file; all faults are listed at once."""


class LedgerError(LayerError):
    """Records in are not the sum of placed, quarantined and rejected: a fault of this program, never of the data."""


class TransferError(LayerError):
    """What a reading process sent is not what it may send."""


def listed(names: Iterable[object]) -> str:
    """Write names for a message.

    Parameters
    ----------
    names : iterable
        Columns, layers, variables.

    Returns
    -------
    str
        Quoted, with commas; "(none)" where there are none.

    Examples
    --------
    >>> listed(["lon", "lat"])
    "'lon', 'lat'"
    """
    return ", ".join(map(repr, names)) or "(none)"
