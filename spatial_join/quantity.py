"""What kind of quantity a variable is, and which roll-ups it allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from spatial_join.errors import QuantityError, WrongRollUpError
from spatial_join.weights import MEASURES, Measure

__all__ = ["Kind", "Quantity", "columns_by"]

Kind = Literal["extensive", "intensive", "rate", "categorical", "circular"]

KINDS: tuple[Kind, ...] = ("extensive", "intensive", "rate", "categorical", "circular")

RIGHT_ROLL_UP = {
    "extensive": ("sum", "it is an amount that is spread over cells by shares and added up"),
    "intensive": ("mean", "it is a state, averaged by the area, length or number that it holds for"),
    "rate": ("mean", "it is an amount per another amount, averaged by that other one"),
    "circular": ("mean", "it is a direction, averaged by its sine and cosine"),
    "categorical": ("mode", "it is a class, of which the one with the largest support is kept"),
}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """The kind of a variable, its unit and what its mean is weighted by.

    Parameters
    ----------
    kind : {"extensive", "intensive", "rate", "categorical", "circular"}
        An amount that adds up (people, vehicles), a state that is averaged (concentration, speed), an amount per
        another amount (accidents per vehicle kilometre), a class, or a direction in degrees (wind: 350 and 10 make 0).
    unit : str
        Unit of the values; "1" for a pure number. Directions are in degrees.
    by : str, optional
        What a mean is weighted by: "area", "length", "count", or the name of a column with an amount, such as people or
        hours. By default the natural measure of the geometry: area for polygons and rasters, length for lines, count
        for points. A rate must name the column of the amount that it is per.

    Raises
    ------
    QuantityError
        If the kind or the weighting is not one of these.

    Examples
    --------
    >>> Quantity.of("extensive")
    Quantity(kind='extensive', unit='1', by=None)
    >>> Quantity(kind="intensive", unit="ug/m3").checked("sum", name="no2")
    Traceback (most recent call last):
    spatial_join.errors.WrongRollUpError: 'no2' is intensive (ug/m3), so its 'sum' has no meaning. Use 'mean': ...
    """

    kind: Kind
    unit: str = "1"
    by: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise QuantityError(f"Unknown kind of quantity {self.kind!r}; write one of {', '.join(KINDS)}.")
        if self.kind == "rate" and self.column is None:
            raise QuantityError(
                f"A rate is averaged by the amount that it is per, got by={self.by!r}; write the name of that column, "
                "such as by='vehicle_km'."
            )
        if self.by is not None and self.kind == "extensive":
            raise QuantityError(
                f"An extensive quantity is spread by the shares of its geometry, not by={self.by!r}; leave it out."
            )

    @classmethod
    def of(cls, specification: Quantity | str | Mapping[str, Any]) -> Quantity:
        """Read a quantity from its short forms.

        Parameters
        ----------
        specification : Quantity, str or mapping
            A quantity, the name of a kind, or a mapping with ``kind`` and optionally ``unit`` and ``by``.

        Returns
        -------
        Quantity
            The quantity.

        Raises
        ------
        QuantityError
            If the specification is none of these.
        """
        if isinstance(specification, Quantity):
            return specification
        if isinstance(specification, str):
            return cls(kind=cast("Kind", specification))
        if isinstance(specification, Mapping) and "kind" in specification:
            known = {field.name for field in fields(cls)}
            return cls(**{key: value for key, value in specification.items() if key in known})
        raise QuantityError(
            f"{specification!r} does not say what kind of quantity it is; write 'extensive', 'intensive' or "
            "'categorical', or a mapping such as {'kind': 'intensive', 'unit': 'ug/m3'}."
        )

    @property
    def column(self) -> str | None:
        """Name of the column that means are weighted by, None if it is a measure of the geometry."""
        return None if self.by in (None, *MEASURES) else self.by

    @property
    def roll_up(self) -> str:
        """The one roll-up that is right for this kind: "sum", "mean" or "mode"."""
        return RIGHT_ROLL_UP[self.kind][0]

    def checked(self, roll_up: str | None, *, name: str) -> str:
        """Return the roll-up if it is right for this kind.

        Parameters
        ----------
        roll_up : str or None
            "sum", "mean" or "mode"; None takes the right one.
        name : str
            Name of the variable, for the message.

        Returns
        -------
        str
            The roll-up.

        Raises
        ------
        WrongRollUpError
            If another roll-up was asked for.
        """
        right, why = RIGHT_ROLL_UP[self.kind]
        if roll_up in (None, right):
            return right
        raise WrongRollUpError(
            f"{name!r} is {self.kind} ({self.unit}), so its {roll_up!r} has no meaning. Use {right!r}: {why}."
        )

    def weighting(self, natural: Measure, *, name: str) -> str:
        """Decide what a mean over pieces of records is weighted by.

        Parameters
        ----------
        natural : {"count", "length", "area"}
            Natural measure of the geometry.
        name : str
            Name of the variable, for the message.

        Returns
        -------
        str
            The measure, or the name of a column.

        Raises
        ------
        WrongRollUpError
            If the geometry does not have the measure that the quantity names.
        """
        if self.by in (None, natural, "count") or self.column is not None:
            return self.by or natural
        raise WrongRollUpError(
            f"{name!r} is to be weighted by {self.by}, but its records are measured by {natural}. "
            f"Write by: {natural} or by: count, or give the records geometries that have {self.by}."
        )


def columns_by(quantities: Mapping[str, Quantity]) -> tuple[str, ...]:
    """Name the columns that means are weighted by.

    Parameters
    ----------
    quantities : mapping of str to Quantity
        The variables.

    Returns
    -------
    tuple of str
        Distinct names, sorted.

    Examples
    --------
    >>> columns_by({"pm25": Quantity(kind="intensive", by="people"), "speed": Quantity(kind="intensive")})
    ('people',)
    """
    return tuple(sorted({quantity.column for quantity in quantities.values() if quantity.column is not None}))
