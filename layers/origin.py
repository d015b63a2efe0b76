"""Whose data it is: this travels with every layer and every export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from layers.errors import LayerError

__all__ = ["DOMAINS", "LEVELS", "Level", "Origin"]

Level = Literal["public", "internal", "sensitive", "core"]
DOMAINS = ("transport", "environment", "cim", "society", "zones", "unspecified")
LEVELS: tuple[Level, ...] = ("public", "internal", "sensitive", "core")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Whose data it is, and what may be done with it.

    Parameters
    ----------
    owner, licence : str
        As the publisher states them; "" when not stated.
    level : {"public", "internal", "sensitive", "core"}
        How far it may travel; goes with every export.
    attribution, source : str
        As the publisher states them; "" when not stated.
    modelled : bool
        Whether the values come from a model instead of a measurement.
    """

    owner: str = ""
    licence: str = ""
    level: Level = "public"
    attribution: str = ""
    source: str = ""
    modelled: bool = False

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise LayerError(f"level is {self.level!r}: write one of {', '.join(LEVELS)}.")
