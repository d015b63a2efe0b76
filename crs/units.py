"""Units of angle and length in which positions are written."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from crs.errors import DefinitionError

__all__ = ["CIRCLE_DEG", "conversion_factor", "is_angle", "is_fine_degree", "is_scaled", "resolve_unit"]

#: No angle of a place is larger.
CIRCLE_DEG = 360.0

# Exact ratios, so that a foot is a foot: the US survey foot and the foot differ by 2 ppm, 1.83 m at 3,000,000 ft.
_DEGREES = {
    "degree": Fraction(1),
    "grad": Fraction(9, 10),
    "arc_minute": Fraction(1, 60),
    "arc_second": Fraction(1, 3600),
}
_METRES = {
    "metre": Fraction(1),
    "kilometre": Fraction(1000),
    "centimetre": Fraction(1, 100),
    "millimetre": Fraction(1, 1000),
    "foot": Fraction(3048, 10000),
    "us_survey_foot": Fraction(1200, 3937),
    "mile": Fraction(1609344, 1000),
}
_SPELLINGS = {
    "deg": "degree", "degrees": "degree", "°": "degree",
    "gon": "grad", "grads": "grad", "gons": "grad", "grade": "grad",
    "m": "metre", "meter": "metre", "meters": "metre", "metres": "metre",
    "km": "kilometre", "kilometer": "kilometre", "kilometers": "kilometre", "kilometres": "kilometre",
    "cm": "centimetre", "mm": "millimetre", "ft": "foot", "feet": "foot",
    "us-ft": "us_survey_foot", "ftus": "us_survey_foot", "us survey foot": "us_survey_foot",
    "us_survey_feet": "us_survey_foot", "miles": "mile",
}  # fmt: skip
_SCALED = re.compile(r"1e(?P<power>[+-]?\d{1,2})\s+(?P<unit>.+)")


@lru_cache(maxsize=256)
def resolve_unit(text: str) -> tuple[str, Fraction]:
    """Split a unit into its base name and an integer scale, refusing what is not known.

    Parameters
    ----------
    text : str
        A unit ("degree", "us_survey_foot"), or a power of ten of one ("1e-7 degree" for scaled integers).

    Returns
    -------
    tuple of str and fractions.Fraction
        Name of the base unit and the factor in front of it.

    Raises
    ------
    DefinitionError
        If the unit is not known.

    Examples
    --------
    >>> resolve_unit("1e-7 degree")
    ('degree', Fraction(1, 10000000))
    """
    plain = text.strip().lower()
    scale = Fraction(1)
    scaled = _SCALED.fullmatch(plain)
    if scaled:
        scale = Fraction(10) ** int(scaled["power"])
        plain = scaled["unit"]
    name = _SPELLINGS.get(plain, plain)
    if name not in _DEGREES and name not in _METRES:
        known = ", ".join(sorted([*_DEGREES, *_METRES]))
        raise DefinitionError(
            f"unit {text!r} is not known; write one of {known}, or a power of ten as in '1e-7 degree'"
        )
    return name, scale


def is_angle(unit: str) -> bool:
    """Say whether a unit measures angles.

    Parameters
    ----------
    unit : str
        Any unit that `resolve_unit` knows.

    Returns
    -------
    bool
        True for degrees, grads and their parts.
    """
    return resolve_unit(unit)[0] in _DEGREES


def is_scaled(unit: str) -> bool:
    """Say whether whole numbers of a unit stand for numbers with decimals.

    Parameters
    ----------
    unit : str
        Any unit that `resolve_unit` knows.

    Returns
    -------
    bool
        True for powers of ten below one, centimetres and millimetres.
    """
    name, scale = resolve_unit(unit)
    return scale < 1 or name in {"centimetre", "millimetre"}


def is_fine_degree(unit: str) -> bool:
    """Say whether a unit is so small a part of a degree that plain degrees written in it all lie at zero.

    Parameters
    ----------
    unit : str
        Any unit that `resolve_unit` knows.

    Returns
    -------
    bool
        True for 1e-4 degree and less: 360 of them are 4 km.
    """
    name, scale = resolve_unit(unit)
    return name == "degree" and scale <= Fraction(1, 10_000)


@lru_cache(maxsize=256)
def conversion_factor(source: str, target: str) -> float:
    """Return what a number in one unit is multiplied by to be in another.

    Parameters
    ----------
    source, target : str
        Units of one kind, both angles or both lengths.

    Returns
    -------
    float
        The factor, rounded once from an exact ratio.

    Raises
    ------
    DefinitionError
        If one is an angle and the other a length.

    Examples
    --------
    >>> conversion_factor("us_survey_foot", "metre")
    0.3048006096012192
    """
    parts = []
    for text in (source, target):
        name, scale = resolve_unit(text)
        parts.append(scale * (_DEGREES[name] if name in _DEGREES else _METRES[name]))
    if is_angle(source) != is_angle(target):
        raise DefinitionError(f"unit {source!r} cannot be turned into {target!r}: one is an angle, the other a length")
    return float(parts[0] / parts[1])
