"""Parameters that somebody wrote for a frame: mappings, numbers, metres, each checked where it stands."""

from __future__ import annotations

import math
from typing import Any

from crs.errors import DefinitionError

__all__ = ["check_mapping", "check_metres", "check_numbers"]


def check_mapping(spec: object, known: set[str], *, where: str) -> dict[str, Any]:
    """Return a mapping of known words.

    Parameters
    ----------
    spec : object
        What was written.
    known : set of str
        Words that it may have.
    where : str
        For messages.

    Returns
    -------
    dict
        The same.

    Raises
    ------
    DefinitionError
        If it is no mapping, or has another word.
    """
    if not isinstance(spec, dict):
        raise DefinitionError(f"{where}: must be a mapping with some of {', '.join(sorted(known))}")
    unknown = sorted(set(spec) - known)
    if unknown:
        raise DefinitionError(f"{where}: unknown {', '.join(map(repr, unknown))}; known are {', '.join(sorted(known))}")
    return spec


def check_numbers(values: object, counts: tuple[int, ...], *, where: str, what: str) -> tuple[float, ...]:
    """Return finite numbers.

    Parameters
    ----------
    values : object
        What was written.
    counts : tuple of int
        How many there may be.
    where, what : str
        For messages.

    Returns
    -------
    tuple of float
        The same.

    Raises
    ------
    DefinitionError
        If they are not that many, or not finite numbers.
    """
    if isinstance(values, list | tuple) and len(values) in counts:
        numbers = [value for value in values if isinstance(value, int | float) and math.isfinite(value)]
        if len(numbers) == len(values):
            return tuple(float(value) for value in numbers)
    wanted = " or ".join(map(str, counts))
    raise DefinitionError(f"{where}: {what} must be {wanted} numbers, found {values!r}")


def check_metres(value: object, *, where: str, what: str) -> float:
    """Return an accuracy in metres.

    Parameters
    ----------
    value : object
        What was written.
    where, what : str
        For messages.

    Returns
    -------
    float
        Metres, above 0.

    Raises
    ------
    DefinitionError
        If it is no such number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise DefinitionError(f"{where}: {what} {value!r} must be a number of metres above 0; nothing is exact")
    return float(value)
