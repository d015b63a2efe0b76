"""Values from the unit that is published to the one that is wanted, by pint; what a unit leaves open is refused."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pint

from layers.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layers.fields import Field, Gas

__all__ = ["conversion", "convert_fields"]

#: J/(mol K), exact since 2019 (CODATA 2018).
_GAS_CONSTANT = 8.31446261815324
_ZERO_CELSIUS_K = 273.15
#: "m3", "s-1" and "m^-2" as offices and CF write powers.
_POWER = re.compile(r"(?<=[A-Za-z\u00b5\u03bc])\s*\^?(-?\d+)")


@cache
def _registry() -> pint.UnitRegistry[float]:
    registry: pint.UnitRegistry[float] = pint.UnitRegistry(cache_folder=None)
    for line in ("ppb = 1e-9", "ppt = 1e-12", "vehicle = [vehicle] = veh", "US_survey_foot = 1200/3937 meter"):
        registry.define(line)
    return registry


def _unit(text: str) -> pint.Unit:
    plain = _POWER.sub(r"**\1", text.strip().replace("\u03bc", "\u00b5"))
    plain = re.sub(r"(?<=[\w)])[\s.\u00b7]+(?=[A-Za-z(\u00b5])", "*", plain)
    try:
        return _registry().parse_units(plain)
    except (pint.errors.PintError, TypeError, ValueError, AttributeError, SyntaxError, KeyError) as error:
        raise SchemaError(f"the unit {text!r} is unknown ({error}); write such as km/h, ug/m3, ppb, degC.") from error


def conversion(unit: str, to: str, *, gas: Gas | None = None) -> tuple[float, float]:
    """Say how numbers of one unit become numbers of another.

    Parameters
    ----------
    unit, to : str
        As published and as wanted.
    gas : Gas or None
        What is measured, between parts of air and mass in a volume.

    Returns
    -------
    factor, offset : float
        wanted = factor x published + offset.

    Raises
    ------
    SchemaError
        If a unit is unknown, or the two measure different things.

    References
    ----------
    Ideal gas: mass in a volume is parts x pressure x molar mass / (R x temperature), R of CODATA 2018.

    Examples
    --------
    >>> conversion("mph", "km/h")
    (1.609344, 0.0)
    >>> from layers.fields import Gas
    >>> round(conversion("ppb", "ug/m3", gas=Gas(molar_mass=46.0055, temperature_c=20, pressure_hpa=1013.25))[0], 4)
    1.9125
    """
    start, end = _unit(unit), _unit(to)
    quantity = _registry().Quantity
    density = _unit("kg/m3")
    if start.is_compatible_with(end):
        zero, one = (float(quantity(value, start).to(end).magnitude) for value in (0.0, 1.0))
        return one - zero, zero
    parts = [side.is_compatible_with("dimensionless") for side in (start, end)]
    mass = [side.is_compatible_with(density) for side in (start, end)]
    if not (any(parts) and any(mass)):
        raise SchemaError(
            f"{unit!r} is {start.dimensionality} and {to!r} is {end.dimensionality}: correct one of them."
        )
    if gas is None:
        raise SchemaError(
            f"{unit!r} becomes {to!r} only for a stated gas, temperature and pressure: "
            "write gas: {molar_mass: 46.0055, temperature_c: 20, pressure_hpa: 1013.25} (nitrogen dioxide, EU)."
        )
    kg_m3 = gas.pressure_hpa * 100 * gas.molar_mass / 1000 / (_GAS_CONSTANT * (gas.temperature_c + _ZERO_CELSIUS_K))
    if parts[0]:
        share = float(quantity(1.0, start).to("dimensionless").magnitude)
        return float(quantity(share * kg_m3, density).to(end).magnitude), 0.0
    weight = float(quantity(1.0, start).to(density).magnitude)
    return float(quantity(weight / kg_m3, "dimensionless").to(end).magnitude), 0.0


def convert_fields(
    table: pd.DataFrame, fields: Mapping[str, Field], *, dataset: str
) -> tuple[pd.DataFrame, dict[str, str], tuple[str, ...]]:
    """Convert the columns that shall be in another unit.

    Parameters
    ----------
    table : pandas.DataFrame
        Typed and checked, in published units.
    fields : Mapping of str to Field
        Rules by column.
    dataset : str
        For messages.

    Returns
    -------
    table : pandas.DataFrame
        Converted columns are fractions.
    units : dict of str to str
        Unit that each stated column is in now.
    notes : tuple of str
        For the layer's steps.

    Raises
    ------
    SchemaError
        If a conversion is not possible, or a column holds no numbers.
    """
    units = {name: rule.unit for name, rule in fields.items() if rule.unit}
    changed: dict[str, pd.Series] = {}
    notes = []
    for name, rule in fields.items():
        if not rule.to:
            continue
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise SchemaError(f"{dataset}: {name!r} shall be in {rule.to}, but holds no numbers: add kind: number.")
        try:
            factor, offset = conversion(rule.unit, rule.to, gas=rule.gas)
        except SchemaError as error:
            raise SchemaError(f"{dataset}: column {name!r}: {error}") from error
        numbers = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
        changed[name] = pd.Series(numbers * factor + offset, index=table.index)
        units[name] = rule.to
        of = f" at {rule.gas.temperature_c:g} degC and {rule.gas.pressure_hpa:g} hPa" if rule.gas is not None else ""
        notes.append(f"read: {name} from {rule.unit} to {rule.to} (x {factor:.9g} + {offset:.9g}){of}")
    return table.assign(**changed), units, tuple(notes)
