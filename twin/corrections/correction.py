"""What was found out later of the positions of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Correction"]


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What was found out of the positions of a dataset.

    Parameters
    ----------
    dataset : str
        Which.
    position : str or Mapping
        What they mean: a definition in numbers, as a ``position:`` has it. What it leaves open (columns, axes,
        accuracy, notation) is as before.
    file : str or None
        For the records of this file alone.
    where : Mapping of str to object
        For the records whose columns have these values alone.
    why, by, date : str
        For those who read the file later: the reason, who says so, and the day (2026-11-22); left out if empty.
    """

    dataset: str
    position: Any
    file: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    by: str = ""
    date: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the file has it.

        Returns
        -------
        dict
            Without what is empty.
        """
        words = ("position", "file", "where", "why", "by", "date")
        return {word: told for word in words if (told := getattr(self, word))}
