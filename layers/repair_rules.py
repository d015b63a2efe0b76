"""What may be mended, as a value: the rule, where, and from what a fault is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from layers.errors import SchemaError

__all__ = ["FOOT_M", "RULES", "Repair"]

RuleName = Literal["deduplicate", "feet_to_metres", "flip_sign", "respell", "swap_axes", "withhold"]
RULES: tuple[RuleName, ...] = ("deduplicate", "feet_to_metres", "flip_sign", "respell", "swap_axes", "withhold")

#: References: NIST SP 811 (2008), appendix B.6: 0.3048 m exactly; 1200/3937 m is the US survey foot.
FOOT_M = {"international": 0.3048, "us_survey": 1200.0 / 3937.0}


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What may be mended in one column or in the positions, and from what the fault is known.

    Parameters
    ----------
    rule : str
        ``deduplicate`` (records that say the same), ``feet_to_metres``, ``flip_sign``, ``respell`` (a word that is
        nearly one of the allowed), ``swap_axes`` (x and y exchanged) or ``withhold`` (an impossible value is emptied
        and the record stays).
    column : str or None
        Which column; None for the positions, and for ``deduplicate``.
    between : (float, float) or None
        Lowest and highest value that can be true; of the ratio to ``related`` where that is given. None: the range of
        the column's field, or, with ``by``, what most records of a group say.
    related : str or None
        Column that the value goes with, such as levels for a height.
    by : tuple of str
        Columns that make up groups of records with nearly one value, such as a station.
    key : tuple of str
        Of ``deduplicate``: columns that name one thing at one time; () for all columns.
    tolerance : float
        Of ``deduplicate`` with a key: by how much numbers may differ and still say the same.
    foot : {"international", "us_survey"}
        Which foot.
    """

    rule: RuleName
    column: str | None = None
    between: tuple[float, float] | None = None
    related: str | None = None
    by: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    tolerance: float = 0.0
    foot: Literal["international", "us_survey"] = "international"

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise SchemaError(f"no repair is called {self.rule!r}: write one of {', '.join(RULES)}.")
        if self.rule in {"respell", "withhold"} and self.column is None:
            raise SchemaError(f"{self.rule} needs to know where: write {self.rule}: {{column: …}}.")
        if self.rule in {"swap_axes", "deduplicate"} and self.column is not None:
            raise SchemaError(f"{self.rule} is not for one column: leave column out.")
        if self.related is not None and self.between is None:
            raise SchemaError(f"{self.rule} beside {self.related!r} needs the ratios that can be true: write between.")

    @property
    def of_positions(self) -> bool:
        """Whether the positions are meant, which can only be judged once they are in longitude and latitude."""
        return self.column is None and self.rule != "deduplicate"
