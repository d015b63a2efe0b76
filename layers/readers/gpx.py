"""GPX: tracks, their points, waypoints and routes of receivers and apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.errors import SchemaError, listed
from layers.readers.records import Records, geometry_faults, to_table
from layers.readers.xml_stream import local_name, stream_elements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["read_gpx"]

#: Which elements below the root hold the records of a layer, and below them the points.
_LAYERS = {"points": "trk", "tracks": "trk", "waypoints": "wpt", "routes": "rte"}
_TEXTS = ("name", "desc", "type", "src", "sym")
_NUMBERS = ("ele", "speed", "course", "hdop", "vdop", "pdop", "sat")
_UNITS = {"ele": "m", "speed": "m/s", "course": "degree"}


def _child(element: _Element, name: str) -> str | None:
    """Return the text of a direct child."""
    found = next((child for child in element if local_name(child) == name), None)
    return None if found is None else (found.text or "").strip() or None


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else np.nan
    except ValueError:
        return np.nan


def _place(point: _Element) -> tuple[float, float, str | None]:
    """Read longitude and latitude, and say what is wrong with them."""
    lon, lat = point.get("lon"), point.get("lat")
    x, y = _number(lon), _number(lat)
    at = f"lon is {lon!r}, lat is {lat!r} (line {point.sourceline})"
    if not (np.isfinite(x) and np.isfinite(y)):
        return x, y, f"unreadable_number: {at}"
    if abs(x) > 180 or abs(y) > 90:
        return x, y, f"out_of_range: {at}"
    return x, y, f"null_island: {at}" if x == 0 and y == 0 else None


def _attributes(element: _Element) -> dict[str, object]:
    return {name: _child(element, name) for name in _TEXTS}


def _point_record(point: _Element) -> tuple[dict[str, object], shapely.Geometry | None, str | None]:
    x, y, wrong = _place(point)
    row: dict[str, object] = {"time": _child(point, "time")}
    row |= {name: None if np.isnan(value := _number(_child(point, name))) else value for name in _NUMBERS}
    return row, None if wrong else shapely.Point(x, y), wrong


def _line_record(
    element: _Element, parts: list[list[_Element]]
) -> tuple[dict[str, object], shapely.Geometry | None, str | None]:
    """One line a segment; a broken point spoils the track, as it would be cut short without a word."""
    lines, count = [], 0
    for part in parts:
        places = [_place(point) for point in part]
        count += len(places)
        wrong = next((why for _, _, why in places if why), None)
        if wrong:
            return {**_attributes(element), "points": count}, None, wrong
        if len(places) > 1:
            lines.append(shapely.LineString([(x, y) for x, y, _ in places]))
    row = {**_attributes(element), "points": count}
    times = [time for part in parts for point in part if (time := _child(point, "time"))]
    row |= {"start": times[0] if times else None, "end": times[-1] if times else None}
    if not lines:
        return row, None, f"no_geometry: the line has {count} points (line {element.sourceline})"
    return row, lines[0] if len(lines) == 1 else shapely.MultiLineString(lines), None


def _records(
    element: _Element, layer: str, track: int
) -> Iterator[tuple[dict[str, object], shapely.Geometry | None, str | None]]:
    if layer == "waypoints":
        row, shape, wrong = _point_record(element)
        yield {**_attributes(element), **row}, shape, wrong
    elif layer == "routes":
        yield _line_record(element, [[child for child in element if local_name(child) == "rtept"]])
    else:
        segments = [child for child in element if local_name(child) == "trkseg"]
        parts = [[child for child in segment if local_name(child) == "trkpt"] for segment in segments]
        if layer == "tracks":
            yield _line_record(element, parts)
            return
        for number, part in enumerate(parts):
            for point in part:
                row, shape, wrong = _point_record(point)
                yield {"track": track, "segment": number, "name": _child(element, "name"), **row}, shape, wrong


def _columns(layer: str) -> list[str]:
    if layer == "waypoints":
        return [*_TEXTS, "time", *_NUMBERS]
    if layer == "points":
        return ["track", "segment", "name", "time", *_NUMBERS]
    return [*_TEXTS, "points", "start", "end"]


def read_gpx(source: Source, options: ReadOptions) -> Records:
    """Read one layer of a GPX file, 1.0 or 1.1.

    Parameters
    ----------
    source : Source
        The file; it is streamed track by track.
    options : ReadOptions
        ``layer``: "points" (the default: each point of each track, with its time), "tracks" (one line each, a part a
        segment), "waypoints" or "routes".

    Returns
    -------
    Records
        In WGS 84 unless the user says otherwise. ``ele`` is a height on a datum that the format does not name; it is
        tagged unresolved until the user names it. Times are text as written; name them under ``time:``.

    Raises
    ------
    SchemaError
        If there is no such layer.
    FileRefusedError
        If it defines entities.
    FileUnreadableError
        If it is cut or broken.

    References
    ----------
    GPX 1.1 Schema Documentation, https://www.topografix.com/GPX/1/1/
    """
    layer = options.layer or "points"
    if layer not in _LAYERS:
        raise SchemaError(f"{source.label}: GPX has no layer {layer!r}; write layer: with {listed(_LAYERS)}.")
    rows: list[dict[str, object]] = []
    shapes: list[shapely.Geometry | None] = []
    why: list[str | None] = []
    wanted = _LAYERS[layer]
    for number, element in enumerate(stream_elements(source, wanted=lambda path: path[1:] == (wanted,))):
        for row, shape, wrong in _records(element, layer, number):
            rows.append(row)
            shapes.append(shape)
            why.append(wrong)
    table = to_table(rows, np.arange(len(rows))).reindex(columns=_columns(layer))
    floats = {name: pd.to_numeric(table[name]).astype("float64") for name in _NUMBERS if name in table}
    geometry = np.array([*shapes, None], dtype=object)[:-1]
    faults = geometry_faults(geometry, np.zeros(len(rows), dtype=bool))
    for i, wrong in enumerate(why):
        faults[i] = wrong or faults[i]
    return Records(
        table=table.assign(**floats),
        count=len(rows),
        geometry=geometry,
        faults=faults,
        default="OGC:CRS84",
        units={name: unit for name, unit in _UNITS.items() if name in table},
        heights=("ele",) if "ele" in table else (),
    )
