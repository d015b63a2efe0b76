"""MATSim networks: links of a transport model between nodes with coordinates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.errors import SchemaError, listed
from layers.readers.records import Records, from_texts, geometry_faults
from layers.readers.xml_stream import local_name, stream_elements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element
    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["read_matsim_network"]

_LAYERS = ("links", "nodes")
_IDS = frozenset({"id", "from", "to", "origid", "type", "modes"})
_UNITS = {"length": "m", "freespeed": "m/s", "capacity": "1/h"}
_CODE = re.compile(r"EPSG:\d+", re.IGNORECASE)


def _elements(source: Source, *path: str) -> Iterator[_Element]:
    return stream_elements(source, wanted=lambda names: names[1:] == path)


def _declared(source: Source) -> str | None:
    """Read the attribute in which the network names its frame; only codes are understood."""
    for element in _elements(source, "attributes", "attribute"):
        if element.get("name") == "coordinateReferenceSystem":
            text = (element.text or "").strip()
            return text if _CODE.fullmatch(text) else None
    return None


def _row(element: _Element) -> dict[str, str]:
    row = {str(name): str(value) for name, value in element.attrib.items()}
    inner = (one for part in element if local_name(part) == "attributes" for one in part)
    return row | {str(one.get("name")): (one.text or "").strip() for one in inner if one.get("name")}


def _place(element: _Element) -> tuple[float, float] | None:
    try:
        return float(element.get("x", "")), float(element.get("y", ""))
    except ValueError:
        return None


def _finish(
    rows: list[dict[str, str]], shapes: NDArray[np.object_], why: list[str | None], declared: str | None
) -> Records:
    faults = geometry_faults(shapes, np.zeros(len(shapes), dtype=bool))
    for i, reason in enumerate(why):
        faults[i] = reason or faults[i]
    table = from_texts(rows, np.arange(len(rows)), ids=_IDS)
    return Records(
        table=table,
        count=len(rows),
        geometry=shapes,
        faults=faults,
        declared=declared,
        units={name: unit for name, unit in _UNITS.items() if name in table},
    )


def _links(source: Source, places: dict[str, tuple[float, float] | None], declared: str | None) -> Records:
    rows, why, ends = [], [], []
    for element in _elements(source, "links", "link"):
        row = _row(element)
        named = [row.get("from", ""), row.get("to", "")]
        absent = next((name for name in named if places.get(name) is None), None)
        why.append(
            None if absent is None else f"unknown_node: {absent!r} has no place in the file (line {element.sourceline})"
        )
        rows.append(row)
        ends.append([(np.nan, np.nan) if absent is not None else places[name] for name in named])
    xy = np.array(ends, dtype=np.float64).reshape(-1, 2, 2)
    shapes: NDArray[np.object_] = np.full(len(rows), None, dtype=object)
    known = ~np.isnan(xy).any(axis=(1, 2))
    shapes[known] = shapely.linestrings(xy[known])
    return _finish(rows, shapes, why, declared)


def read_matsim_network(source: Source, options: ReadOptions) -> Records:
    """Read one layer of a MATSim network.

    Parameters
    ----------
    source : Source
        network.xml, often gzipped; it is streamed, only the places of nodes are kept.
    options : ReadOptions
        ``layer``: "links" (the default; straight lines from node to node) or "nodes".

    Returns
    -------
    Records
        In the frame that the attribute ``coordinateReferenceSystem`` names by its EPSG code; older files state none.
        A link between nodes that are not in the file is quarantined as "unknown_node".

    Raises
    ------
    SchemaError
        If there is no such layer.
    FileRefusedError
        If it defines entities.
    FileUnreadableError
        If it is cut or broken.
    """
    layer = options.layer or "links"
    if layer not in _LAYERS:
        raise SchemaError(f"{source.label}: a network has no layer {layer!r}; write layer: with {listed(_LAYERS)}.")
    declared = _declared(source)
    if layer == "links":
        places = {str(node.get("id")): _place(node) for node in _elements(source, "nodes", "node")}
        return _links(source, places, declared)
    rows, why, shapes = [], [], []
    for node in _elements(source, "nodes", "node"):
        place = _place(node)
        rows.append({name: value for name, value in _row(node).items() if name not in {"x", "y"}})
        shapes.append(None if place is None else shapely.Point(place))
        said = f"unreadable_number: x is {node.get('x')!r}, y is {node.get('y')!r} (line {node.sourceline})"
        why.append(said if place is None else None)
    return _finish(rows, np.array([*shapes, None], dtype=object)[:-1], why, declared)
