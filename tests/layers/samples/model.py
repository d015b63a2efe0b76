"""One small file of a format, written by our own code, and what a reader must find in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layers.options import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Sample"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One file.

    Parameters
    ----------
    format : str
        Name in the registry.
    file : str
        Its name, ending included.
    write : callable
        Writes it at a path; what lies beside it (.dbf, ...) too.
    records : int
        Records in it.
    placed : int or None
        Those that are placed; None: all.
    bounds : tuple of float or None
        West, south, east, north of what is placed, in the file's own frame; None for a table without geometry.
    position : object
        As `layers.read` takes it; None where the file states it.
    options : ReadOptions
        What the file does not say.
    """

    format: str
    file: str
    write: Callable[[Path], None]
    records: int
    placed: int | None = None
    bounds: tuple[float, float, float, float] | None = None
    position: object = None
    options: ReadOptions = field(default_factory=ReadOptions)
