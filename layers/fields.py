"""What is known about one column, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from layers.errors import SchemaError

__all__ = ["Field", "Flags", "Gas", "Kind"]

Kind = Literal["number", "integer", "text", "category", "boolean"]


@dataclass(frozen=True, kw_only=True)
class Flags:
    """Which records of a measured column its publisher vouches for.

    Parameters
    ----------
    column : str
        Column with the flag of each value.
    good : tuple of str
        Flags that are good; a record with another one, or none, is quarantined as "flagged".
    """

    column: str
    good: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Gas:
    """What turns parts of air into mass in a volume of it; no two offices agree, so nothing of it is assumed.

    Parameters
    ----------
    molar_mass : float
        Of the gas, g/mol, such as 46.0055 for nitrogen dioxide.
    temperature_c : float
        That the concentration refers to, degrees Celsius: 20 in the European Union, 25 in China and the United States.
    pressure_hpa : float
        That it refers to, hPa, mostly 1013.25.
    """

    molar_mass: float
    temperature_c: float
    pressure_hpa: float

    def __post_init__(self) -> None:
        if not (self.molar_mass > 0 and self.temperature_c > -273.15 and self.pressure_hpa > 0):
            raise SchemaError(f"a gas is not of {self}: write molar_mass in g/mol, temperature_c, pressure_hpa.")


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

    to : str
        Unit that the values are converted to once they are checked; "" to keep them as published.
    gas : Gas or None
        What is measured, where one of the two units is of parts of air ("ppb") and the other of mass ("ug/m3").
    flags : Flags or None
        Which records the publisher vouches for.

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
    to: str = ""
    gas: Gas | None = None
    flags: Flags | None = None

    def __post_init__(self) -> None:
        if self.to and not self.unit:
            raise SchemaError(f"a field is converted to {self.to!r}, but from which unit: write unit: too.")
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
