"""What is known of a format before a file of it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from layers.options import ReadOptions
    from layers.readers.raster import Pixels
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = ["Family", "Format"]

Family = Literal["tables", "zones", "transport", "environment", "cim"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format.

    Parameters
    ----------
    name : str
        For people, unique.
    family : {"tables", "zones", "transport", "environment", "cim"}
        Who sends it.
    suffixes : tuple of str
        Endings, lower case, without ".gz".
    starts : tuple of bytes
        What the file must begin with; empty: text of any kind.
    positions : str
        What a file of it can state about its positions, in one line for the table of formats.
    read : callable
        Turns the file into records.
    packed : bool
        Whether it may be gzipped.
    recognise : callable or None
        Tells a file of this format from those of other formats with the same ending, by its content.
    """

    name: str
    family: Family
    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...]
    positions: str
    read: Callable[[Source, ReadOptions], Records | Pixels]
    packed: bool = False
    recognise: Callable[[Source], bool] | None = None
