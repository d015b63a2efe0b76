"""What was found out later about where some records of a dataset are: its words in ``city.yaml``, and their faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pydantic import Field

import crs
from twin.manifest.marks import shown
from twin.manifest.words import Day, Strict

if TYPE_CHECKING:
    from collections.abc import Sequence

Fault = tuple[tuple[str, ...], str, str]
"""Where inside the dataset, what stands there, and what to write."""

__all__ = ["CorrectionSpec", "correction_faults", "is_file"]


class CorrectionSpec(Strict):
    """A definition that holds for some records instead of the dataset's; of several that do, the first one."""

    position: Any = Field(
        description="what they mean by where: a definition in numbers; what it leaves open is as before"
    )
    file: str | None = Field(None, description="for the records of this file alone, as it stands under path")
    where: dict[str, str | int | float] = Field(
        default_factory=dict, description="for the records whose columns have these values alone"
    )
    why: str = ""
    by: str = ""
    date: Day | None = Field(None, description="when that was found out")

    def told(self) -> str:
        """Say which records are meant.

        Returns
        -------
        str
            For people.
        """
        parts = [*([self.file] if self.file else []), *(f"{name} is {value}" for name, value in self.where.items())]
        return ", ".join(parts) or "all records"


def is_file(label: str, path: str) -> bool:
    """Say whether a file is the one that is meant.

    Parameters
    ----------
    label : str
        What the ledger calls it.
    path : str
        As it is written.

    Returns
    -------
    bool
        True if both end alike.

    Examples
    --------
    >>> is_file("b.csv", "parcels/b.csv"), is_file("b.csv", "a.csv")
    (True, False)
    """
    return label == path or PurePosixPath(label).name == PurePosixPath(path).name


def correction_faults(corrections: Sequence[CorrectionSpec], paths: Sequence[str], *, detected: bool) -> list[Fault]:
    """Find what is wrong with corrections.

    Parameters
    ----------
    corrections : sequence of CorrectionSpec
        Of one dataset.
    paths : sequence of str
        Its files.
    detected : bool
        Whether its positions are to be found from evidence.

    Returns
    -------
    list of tuple
        Where inside the dataset, what stands there, and what to write.
    """
    found: list[Fault] = []
    for number, one in enumerate(corrections):
        place = ("corrections", str(number))
        if detected:
            remedy = "write the position that you know under position:, and remove the correction"
            found.append((place, "a correction of what is to be detected", remedy))
        if one.file is not None and not any(is_file(path, one.file) for path in paths):
            found.append(((*place, "file"), repr(one.file), f"write one of its files: {', '.join(paths)}"))
        try:
            meant = crs.definition(one.position)
        except crs.CrsError as error:
            found.append(((*place, "position"), shown(one.position), " ".join(str(error).split())))
            continue
        if meant.kind != "coordinates" or meant.references or _names_a_file(one.position):
            remedy = "write a definition in numbers that needs no file and no other dataset, or change position: itself"
            found.append(((*place, "position"), f"{meant.name}", remedy))
    return found


def _names_a_file(position: object) -> bool:
    """Say whether a definition comes from a file: grids of heights, control points."""
    if not isinstance(position, Mapping):
        return False
    return any(
        (key in {"grid", "control_points"} and isinstance(value, str)) or _names_a_file(value)
        for key, value in position.items()
    )
