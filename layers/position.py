"""What is said about a dataset's positions, by its file and by its user: one of them, or both in agreement."""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

import crs
from layers.errors import PositionContradictionError, PositionMissingError

__all__ = ["contradicts", "label_name", "resolve_heights", "resolve_position", "undeclared"]

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
    given: object,
    *,
    declared: str | None,
    dataset: str,
    default: object = None,
    column_hint: str = "",
    trust: Literal["declared"] | None = None,
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
    default : PositionDefinition, str, Mapping or None
        What holds where neither says anything (GeoJSON: "OGC:CRS84").
    column_hint : str
        What else to tell where both are silent, such as the columns of the table.
    trust : {"declared"} or None
        "declared": what is given holds, whatever the file says.

    Returns
    -------
    PositionDefinition
        The given one if it agrees with the declared one or the file is silent; the declared one if nothing is given.

    Raises
    ------
    PositionMissingError
        If both are silent.
    PositionContradictionError
        If they are not equivalent, and none is to be trusted.
    """
    if isinstance(given, crs.PositionDefinition) and given.status == "unresolvable" and given.crs is None:
        return _labelled(given, declared)
    if given is None and declared is None and default is not None:
        return crs.definition(default)
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
        return _understood(declared, dataset)
    definition = crs.definition(given)
    wrong = contradicts(definition, declared)
    if trust == "declared" and (wrong or definition.vertical is not None):
        return definition
    if wrong:
        raise PositionContradictionError(
            f"{dataset}: position: says {_show(given)}, but the file itself declares {_show(declared)}. "
            f"Write position: {_show(declared)} (or leave it out) if the file is right; "
            "if the file is wrong, have it corrected at the source, or write trust: declared, which is recorded."
        )
    return _with_declared_heights(definition, crs.definition(declared), dataset=dataset)


def _understood(declared: str, dataset: str) -> crs.PositionDefinition:
    """Read the file's own label; what `crs` refuses is refused in the name of the dataset."""
    try:
        return crs.definition(declared)
    except crs.CrsError as error:
        raise type(error)(f"{dataset}: the file's own label does not tell where its positions are: {error}") from error


def _with_declared_heights(
    given: crs.PositionDefinition, declared: crs.PositionDefinition, *, dataset: str
) -> crs.PositionDefinition:
    """Take over what the file says of its heights where the user is silent."""
    if given.vertical is None or declared.vertical is None:
        return dataclasses.replace(given, vertical=given.vertical or declared.vertical)
    if _datum(given.vertical) != _datum(declared.vertical):
        raise PositionContradictionError(
            f"{dataset}: position: says that heights are on {given.vertical}, but the file itself declares "
            f"{declared.vertical}. Leave vertical out if the file is right; if it is wrong, have it corrected at the "
            "source."
        )
    return given


def _datum(tag: str) -> str:
    try:
        return crs.vertical_definition(tag).name
    except crs.DefinitionError:
        return tag


def resolve_heights(
    position: crs.PositionDefinition,
    *,
    vertical: str | None,
    unit: str | None,
    columns: tuple[str, ...],
    dataset: str,
) -> crs.PositionDefinition:
    """Give a layer with heights its vertical definition, or the tag that nobody said it.

    Parameters
    ----------
    position : PositionDefinition
        Of the layer.
    vertical : str or None
        Datum that the options name.
    unit : str or None
        Unit of the numbers that the options name.
    columns : tuple of str
        Columns of heights that the reader made, in metres.
    dataset : str
        For messages.

    Returns
    -------
    PositionDefinition
        With ``vertical``, "unresolved" if nobody said it, and ``height_columns``.

    Raises
    ------
    PositionContradictionError
        If position and options name two datums or two units.
    """
    tag = position.vertical or vertical or "unresolved"
    if vertical is not None and _datum(vertical) != _datum(tag):
        raise PositionContradictionError(
            f"{dataset}: read.vertical says {vertical}, but the position says {tag}; write it once."
        )
    if unit is not None:
        found = crs.vertical_definition({"datum": _datum(tag), "unit": unit})
        if not columns and " in " in tag and crs.vertical_definition(tag) != found:
            raise PositionContradictionError(f"{dataset}: height_unit says {unit}, but the position {tag}; write one.")
        tag = str(found)
    return dataclasses.replace(position, vertical=tag, height_columns=(*position.height_columns, *columns))


def undeclared(columns: tuple[str, ...] = (), *, sigma_m: float = 0.0) -> crs.PositionDefinition:
    """Return a position whose definition is still to be found, to read a file with.

    Parameters
    ----------
    columns : tuple of str
        The two columns of a table, in either order; empty for geometries.
    sigma_m : float
        Stated accuracy, metres per axis.

    Returns
    -------
    PositionDefinition
        Without a frame. A layer that is read with it bears the frame of the file's own label, if it has one and that
        is understood: to be compared, not to be believed.

    Examples
    --------
    >>> undeclared(("x", "y")).status
    'unresolvable'
    """
    return crs.PositionDefinition(
        name="undeclared", kind="coordinates", columns=columns, sigma_m=sigma_m, status="unresolvable"
    )


def _labelled(position: crs.PositionDefinition, declared: str | None) -> crs.PositionDefinition:
    try:
        label = None if declared is None else crs.definition(shorten(declared)).crs
    except crs.CrsError:
        label = None
    return dataclasses.replace(position, crs=label)


def contradicts(definition: crs.PositionDefinition, declared: str | None) -> bool:
    """Say whether the label of a file means something else.

    Parameters
    ----------
    definition : PositionDefinition
        What is taken to be right.
    declared : str or None
        What the file says, None if nothing.

    Returns
    -------
    bool
        True for a label that is not equivalent, or not understood.

    Examples
    --------
    >>> contradicts(crs.definition("GCJ-02"), "EPSG:4326"), contradicts(crs.definition("GCJ-02"), None)
    (True, False)
    """
    if declared is None:
        return False
    try:
        return not crs.equivalent(definition, crs.definition(shorten(declared)))
    except crs.CrsError:
        return True


def label_name(declared: str) -> str:
    """Return what to call the label of a file in a sentence.

    Parameters
    ----------
    declared : str
        A code, a name, or a page of WKT.

    Returns
    -------
    str
        The canonical name where it is understood, at most 100 characters of the text where it is not.
    """
    try:
        return crs.definition(shorten(declared)).name
    except crs.CrsError:
        return _show(shorten(declared))
