"""Rules between the columns of a record, and between a column and the geometry: "min_kmh <= max_kmh"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from crs import geodesy
from layers.arrays import given_reasons
from layers.errors import SchemaError, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from layers.model import Layer

__all__ = ["Rule", "check_rules", "parse_rule"]

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_OPERAND = r"[^\s<>=!~*]+"
_RULE = re.compile(
    rf"^\s*(?P<left>{_OPERAND})\s*(?P<sign><=|>=|==|!=|<|>|~)\s*(?:(?P<factor>{_NUMBER})\s*\*\s*)?(?P<right>{_OPERAND})"
    rf"(?:\s+within\s+(?P<within>{_NUMBER})\s*%)?\s*$"
)
_SIGNS: Mapping[str, Callable[..., object]] = {
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "<": np.less,
    ">": np.greater,
    "==": np.equal,
    "!=": np.not_equal,
}
LENGTH, AREA = "geometry.length_m", "geometry.area_m2"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A comparison that holds for every record in which both sides are known.

    Parameters
    ----------
    text : str
        As it was written.
    left : str
        Column, number, "geometry.length_m" or "geometry.area_m2" (on the ellipsoid).
    sign : str
        One of <=, >=, <, >, ==, != and ~ (about equal).
    right : str
        As left.
    factor : float
        Times the right side.
    within : float
        Of "~": how far the left side may be from the right one, as a share of it.
    """

    text: str
    left: str
    sign: str
    right: str
    factor: float = 1.0
    within: float = 0.0

    @property
    def of_geometry(self) -> bool:
        """Whether it asks for the geometry, which is measured once it is in longitude and latitude."""
        return self.left in {LENGTH, AREA} or self.right in {LENGTH, AREA}


def parse_rule(text: str) -> Rule:
    """Read a rule.

    Parameters
    ----------
    text : str
        Two sides with <=, >=, <, >, == or !=, or with ~ and "within 10%"; the right side may have a factor.

    Returns
    -------
    Rule
        The same as a value.

    Raises
    ------
    SchemaError
        If it is no rule.

    Examples
    --------
    >>> parse_rule("height_m <= 6 * levels").factor
    6.0
    >>> parse_rule("length_m ~ geometry.length_m within 10%").within
    0.1
    """
    found = _RULE.match(text)
    if found is None or (found["sign"] == "~") != (found["within"] is not None):
        raise SchemaError(
            f"the rule {text!r} cannot be read: write two columns or numbers with <=, >=, <, >, == or != between them, "
            "or `a ~ b within 10%`."
        )
    return Rule(
        text=text,
        left=found["left"],
        sign=found["sign"],
        right=found["right"],
        factor=float(found["factor"] or 1.0),
        within=float(found["within"] or 0.0) / 100.0,
    )


def _is_number(operand: str) -> bool:
    return re.fullmatch(_NUMBER, operand) is not None


def _measured(layer: Layer, operand: str) -> NDArray[np.float64]:
    geometry = shapely.force_2d(layer.geometry)
    return geodesy.lengths_m(geometry) if operand == LENGTH else geodesy.areas_m2(geometry)


def _side(layer: Layer, operand: str, rule: Rule) -> pd.Series:
    if _is_number(operand):
        return pd.Series(float(operand), index=layer.table.index)
    if operand in {LENGTH, AREA}:
        return pd.Series(_measured(layer, operand), index=layer.table.index)
    if operand not in layer.table.columns:
        raise SchemaError(
            f"{layer.name}: the rule {rule.text!r} names {operand!r}; the file has {listed(layer.table.columns)}."
        )
    column = layer.table[operand]
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("str")
    return column.astype("float64") if pd.api.types.is_numeric_dtype(column) else column


def _faults(layer: Layer, rule: Rule) -> NDArray[np.object_]:
    """Give a reason for each record that breaks a rule, None where it holds or a side is missing."""
    left, right = _side(layer, rule.left, rule), _side(layer, rule.right, rule)
    known = (left.notna() & right.notna()).to_numpy()
    reasons = np.full(len(layer), None, dtype=object)
    a, b = left[known], right[known]
    try:
        if rule.factor != 1.0 or rule.sign == "~":
            b = b * rule.factor
        holds = (a - b).abs() <= rule.within * b.abs() if rule.sign == "~" else _SIGNS[rule.sign](a, b)
    except TypeError:
        raise SchemaError(
            f"{layer.name}: the two sides of the rule {rule.text!r} cannot be compared ({left.dtype}, {right.dtype}): "
            "give both a kind under fields:."
        ) from None
    for i in np.flatnonzero(known)[~np.asarray(holds, dtype=bool)]:
        reasons[i] = f"inconsistent: {rule.text}, but {left.iloc[i]} and {right.iloc[i]}"
    return reasons


def check_rules(layer: Layer, rules: Sequence[str], *, of_geometry: bool) -> Layer:
    """Quarantine the records that break a rule.

    Parameters
    ----------
    layer : Layer
        Typed; harmonised where rules ask for the geometry.
    rules : sequence of str
        As `parse_rule` reads them.
    of_geometry : bool
        Whether those are meant that ask for the geometry, or the others.

    Returns
    -------
    Layer
        Of the records that break none; "inconsistent" is the reason of the others.

    Raises
    ------
    SchemaError
        If a rule cannot be read, a column is not there, or two sides cannot be compared.
    """
    wanted = [rule for rule in map(parse_rule, rules) if rule.of_geometry == of_geometry]
    for rule in wanted:
        reasons = _faults(layer, rule)
        layer = layer.quarantine(given_reasons(reasons), reasons)
    return layer
