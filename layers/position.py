"""What is said about a dataset's positions, by its file and by its user: one of them, or both in agreement."""

from __future__ import annotations

import re

import crs
from layers.errors import PositionContradictionError, PositionMissingError

__all__ = ["resolve_position"]

#: OGC names: urn:ogc:def:crs:EPSG::2263, http(s)://www.opengis.net/def/crs/EPSG/0/2263
_OGC_NAME = re.compile(
    r"(?:urn:ogc:def:crs:|https?://www\.opengis\.net/def/crs/)(\w+)[:/][^:/]*[:/](\w+)$", re.IGNORECASE
)


def shorten(declared: str) -> str:
    """Turn an OGC name into "AUTHORITY:CODE"; leave every other text as it is.

    Parameters
    ----------
    declared : str
        As a file writes it.

    Returns
    -------
    str
        Such as "EPSG:2263".

    Examples
    --------
    >>> shorten("https://www.opengis.net/def/crs/EPSG/0/2263")
    'EPSG:2263'
    """
    found = _OGC_NAME.match(declared.strip())
    return f"{found[1].upper()}:{found[2]}" if found else declared.strip()


def _show(spec: object) -> str:
    text = str(spec)
    return text if len(text) <= 100 else text[:97] + "..."


def resolve_position(
    given: object, *, declared: str | None, dataset: str, default: str | None = None, column_hint: str = ""
) -> crs.PositionDefinition:
    """Decide what a dataset's positions mean.

    Parameters
    ----------
    given : PositionDefinition, str, Mapping or None
        What the user says.
    declared : str or None
        What the file says.
    dataset : str
        For messages.
    default : str or None
        What the format means where neither says anything (GeoJSON: "OGC:CRS84").
    column_hint : str
        What else to tell where both are silent, such as the columns of the table.

    Returns
    -------
    PositionDefinition
        The given one if it agrees with the declared one or the file is silent; the declared one if nothing is given.

    Raises
    ------
    PositionMissingError
        If both are silent.
    PositionContradictionError
        If they are not equivalent.
    """
    if given is None and declared is None:
        declared = default
    if given is None and declared is None:
        raise PositionMissingError(
            f"{dataset}: the file does not say what its positions mean, and position: is not given.{column_hint} "
            "Write position: with a definition, for instance position: EPSG:2263, or "
            "position: {definition: EPSG:4326, columns: [lon, lat]} for a table."
        )
    if declared is None:
        return crs.definition(given)
    declared = shorten(declared)
    if given is None:
        return crs.definition(declared)
    definition = crs.definition(given)
    if not crs.equivalent(definition, crs.definition(declared)):
        raise PositionContradictionError(
            f"{dataset}: position: says {_show(given)}, but the file itself declares {_show(declared)}. "
            f"Write position: {_show(declared)} (or leave it out) if the file is right; "
            "if the file is wrong, have it corrected at the source, or say so by exporting it anew."
        )
    return definition
