"""What is known about one column, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from layers.errors import SchemaError

__all__ = ["Field", "Kind"]

Kind = Literal["number", "integer", "text", "category", "boolean"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """What is known about one column.

    Parameters
    ----------
    unit : str
        Unit of the values as published; "" when not stated.
    min, max : float or None
        Lowest and highest value that is possible, in that unit; records beyond are quarantined.
    required : bool
        Whether a record without a value is quarantined.
    kind : {"number", "integer", "text", "category", "boolean"} or None
        What the values are; None: as the whole column reads.
    missing : tuple of str
        Texts or numbers that stand for "no value", such as "-999"; the empty text always does.
    unique : bool
        Whether a record whose value stands in a record before it is quarantined.
    pattern : str or None
        Regular expression that the whole text must match.
    allowed : tuple
        The values that are allowed; () for any.
    references : str or None
        "dataset.column" in which the value must stand.

    Examples
    --------
    >>> Field(unit="km/h", min=0, max=200).kind is None
    True
    """

    unit: str = ""
    min: float | None = None
    max: float | None = None
    required: bool = False
    kind: Kind | None = None
    missing: tuple[str, ...] = ()
    unique: bool = False
    pattern: str | None = None
    allowed: tuple[str | float, ...] = ()
    references: str | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise SchemaError(
                f"a field's pattern {self.pattern!r} is no regular expression ({error}): correct it."
            ) from None
        if self.min is not None and self.max is not None and self.min > self.max:
            raise SchemaError(f"a field's min {self.min} lies above its max {self.max}: exchange them.")
        if self.kind not in {None, "number", "integer", "text", "category", "boolean"}:
            raise SchemaError(f"a field's kind is {self.kind!r}: write number, integer, text, category or boolean.")
        if self.kind in {"text", "category", "boolean"} and (self.min is not None or self.max is not None):
            raise SchemaError(
                f"a field of kind {self.kind!r} has no min or max: leave them out, or write kind: number."
            )
