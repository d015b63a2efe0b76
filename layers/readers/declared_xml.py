"""XML that no reader knows, such as DATEX II: the user says which elements are records and which parts columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import FileRefusedError, SchemaError, listed
from layers.readers.records import Records
from layers.readers.xml_stream import local_name, root_name, stream_elements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from layers.options import ReadOptions, XmlTable
    from layers.sources import Source

__all__ = ["read_declared_xml"]

_SHOWN_PATHS = 20


def _children(element: _Element, name: str) -> list[_Element]:
    return [child for child in element if local_name(child) == name]


def _attribute(element: _Element, name: str) -> list[str]:
    """Find an attribute whatever its namespace."""
    return [str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name]


def _found(element: _Element, path: str) -> list[str]:
    """Follow a path and give the texts at its end."""
    *steps, last = path.split("/")
    if last not in {".", ".."} and not last.startswith("@"):
        steps, last = [*steps, last], "."
    reached = [element]
    for step in steps:
        if step == "..":
            reached = [above for one in reached if (above := one.getparent()) is not None]
        elif step != ".":
            reached = [child for one in reached for child in _children(one, step)]
    if last.startswith("@"):
        return [value for one in reached for value in _attribute(one, last[1:])]
    return [text for one in reached if (text := (one.text or "").strip())]


def _levels_up(path: str) -> int:
    """Count how far above the record a path goes."""
    steps = path.split("/")
    return next((i for i, step in enumerate(steps) if step != ".."), len(steps))


def _below(element: _Element, names: tuple[str, ...]) -> Iterator[_Element]:
    if not names:
        yield element
        return
    for child in _children(element, names[0]):
        yield from _below(child, names[1:])


def _told(column: str, texts: list[str], element: _Element) -> str:
    return f"ambiguous_field: {column} is {listed(texts[:5])} in the element of line {element.sourceline}"


def _elements(source: Source, table: XmlTable, seen: dict[tuple[str, ...], None]) -> Iterator[_Element]:
    """Give the records; what is read at once reaches as far up as a field does."""
    names = tuple(table.records.split("/"))
    up = max(_levels_up(path) for path in table.fields.values())
    if up >= len(names):
        deep = next(column for column, path in table.fields.items() if _levels_up(path) == up)
        raise SchemaError(
            f"{source.label}: field {deep!r} goes {up} levels up, but records: {table.records} names {len(names)}; "
            "write more of the path to the records."
        )
    whole = names[: len(names) - up]

    def _wanted(path: tuple[str, ...]) -> bool:
        if len(seen) < _SHOWN_PATHS:
            seen[path] = None
        return path[-len(whole) :] == whole

    for element in stream_elements(source, wanted=_wanted):
        yield from _below(element, names[len(whole) :])


def read_declared_xml(source: Source, options: ReadOptions) -> Records:
    """Read a table out of XML as ``xml`` says.

    Parameters
    ----------
    source : Source
        The file; it is streamed, whatever its size.
    options : ReadOptions
        ``xml`` names the records and their fields.

    Returns
    -------
    Records
        All text, one column a field; empty where a record lacks it. A record in which a field stands several times is
        quarantined as "ambiguous_field".

    Raises
    ------
    SchemaError
        If nothing is a record, or a field goes above what ``records`` names.
    FileRefusedError
        If ``xml`` is not given, or entities are defined.
    FileUnreadableError
        If it is cut, broken or nested more than 256 deep.
    """
    table = options.xml
    if table is None:
        raise FileRefusedError(
            f"{source.label}: XML with the root <{root_name(source)}>, which no reader knows; "
            "write read: {xml: {records: path/of/elements, fields: {column: path}}}."
        )
    seen: dict[tuple[str, ...], None] = {}
    rows: list[list[str]] = []
    why: list[str | None] = []
    for element in _elements(source, table, seen):
        found = {column: _found(element, path) for column, path in table.fields.items()}
        several = next((column for column, texts in found.items() if len(texts) > 1), None)
        # A joined text would make the whole column one.
        rows.append([texts[0] if len(texts) == 1 else "" for texts in found.values()])
        why.append(None if several is None else _told(several, found[several], element))
    if not rows:
        paths = listed("/".join(path) for path in seen)
        raise SchemaError(f"{source.label}: no element has the path {table.records!r}; the file begins with {paths}.")
    return Records(
        table=pd.DataFrame(rows, columns=list(table.fields), dtype="str"),
        count=len(rows),
        faults=np.array([*why, None], dtype=object)[:-1],
        text=True,
    )
