"""Partitions of large datasets: stretches of records that are done one by one, on any worker, in any order.

A partition is named by the hash of all that goes into it: its records, what their positions mean, the references, and
the code. So one that was done is found again after a build was stopped, after another file changed, and after the
definition of other records was corrected.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twin.store import canonical_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import layers

__all__ = [
    "LEAST_RECORDS",
    "POISON",
    "STRETCH",
    "Found",
    "Part",
    "Spoilt",
    "costs",
    "cuts",
    "hash_of",
    "lacking",
    "poison_reason",
]

STRETCH = 65_536
"""Records of a partition: work of some seconds, and one row group of a Parquet file."""

LEAST_RECORDS = 2 * STRETCH
"""A dataset with no more is done as a whole: partitions cost reading and writing that it would not get back."""

POISON = "poisoned_partition"
"""Code of the reason with which the records of a partition are set aside that cannot be done."""

_KEY_DIGITS = 32


@dataclass(frozen=True, kw_only=True)
class Part:
    """One partition of a step.

    Parameters
    ----------
    kind : str
        ``place-part`` moves records into the one frame; ``cells-part`` takes them to the cells.
    dataset : str
        Which dataset.
    number, count : int
        Which partition, from 0, and how many there are.
    key : str
        Hash of all that goes in.
    step : str
        Name of the step that it belongs to.
    source : Path
        Folder with the records.
    rows : int
        Their number.
    cost : int
        Its part of the step's bytes.
    """

    kind: Literal["place-part", "cells-part"]
    dataset: str
    number: int
    count: int
    key: str
    step: str
    source: Path
    rows: int
    cost: int

    @property
    def name(self) -> str:
        """Such as ``place parcels 3/30``."""
        return f"{self.step} {self.number + 1}/{self.count}"

    def __dask_tokenize__(self) -> tuple[str, str, str]:
        return ("twin.Part", self.kind, self.key)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a step found to do before it can be ended.

    Parameters
    ----------
    parts : tuple of Part
        Partitions that are not done yet.
    reused : tuple of Part
        Those that are.
    seconds : float
        What it took to find them.
    """

    parts: tuple[Part, ...]
    reused: tuple[Part, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Spoilt:
    """A partition that could not be done, for a cause that lies in its records.

    Parameters
    ----------
    reason : str
        "poisoned_partition: …".
    """

    reason: str


def hash_of(*parts: object) -> str:
    """Return a key made of plain JSON values.

    Parameters
    ----------
    *parts : object
        Values.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    return hashlib.sha256(canonical_json(list(parts))).hexdigest()[:_KEY_DIGITS]


def cuts(layer: layers.Layer, *, stretch: int = STRETCH) -> list[tuple[str, int, int]]:
    """Cut a layer at the ends of its files and after every so many records.

    Parameters
    ----------
    layer : layers.Layer
        As published; records in the order of their numbers.
    stretch : int
        Numbers of a partition: counted as the file has them, so that a record that is set aside moves no other one.

    Returns
    -------
    list of tuple
        File, place of the first record, and of the one after the last; none is empty.
    """
    numbers = layer.table.index.to_numpy()
    found, begin = [], 0
    for source, count in layer.ledger.sources.items():
        for first in range(begin, begin + count, stretch):
            last = min(first + stretch, begin + count)
            low, high = numbers.searchsorted([first, last])
            if high > low:
                found.append((source, int(low), int(high)))
        begin += count
    return found


def poison_reason(error: BaseException) -> str:
    """Say in one line why the records of a partition are set aside.

    Parameters
    ----------
    error : BaseException
        What came up.

    Returns
    -------
    str
        "poisoned_partition: …".
    """
    said = " ".join(str(error).split())[:300]
    return f"{POISON}: {type(error).__name__}" + (f": {said}" if said else "")


def lacking(name: str, rows: int, reason: str) -> dict[str, Any]:
    """Describe a partition that was set aside.

    Parameters
    ----------
    name : str
        Of the partition, or of a step that was done as a whole.
    rows : int
        Its records.
    reason : str
        Why.

    Returns
    -------
    dict
        JSON types.
    """
    return {"part": name, "rows": rows, "reason": reason}


def costs(rows: Sequence[int], whole: int) -> list[int]:
    """Share the cost of a step among its partitions; the last tenth is for putting them together.

    Parameters
    ----------
    rows : sequence of int
        Records of each.
    whole : int
        Cost of the step.

    Returns
    -------
    list of int
        One number each.
    """
    total = max(1, sum(rows))
    return [whole * 9 * count // (10 * total) for count in rows]
