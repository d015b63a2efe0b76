"""GBFS, the feeds of shared bicycles and scooters, kept as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from layers.errors import FileUnreadableError
from layers.readers.geojson import load_json
from layers.readers.records import Records, geometry_faults, to_table

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["is_gbfs", "read_gbfs"]

#: The list of records in each file, from version 1 to 3.
_LISTS = ("stations", "bikes", "vehicles")
_HEAD = 4096


def is_gbfs(source: Source) -> bool:
    """Tell a GBFS file from other JSON.

    Parameters
    ----------
    source : Source
        A .json file.

    Returns
    -------
    bool
        True if it begins with the members that every file of GBFS has around its data.
    """
    head = source.head(_HEAD)
    return b'"last_updated"' in head and b'"ttl"' in head


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _shape(row: Mapping[str, Any]) -> tuple[shapely.Geometry | None, str | None]:
    """Make a point of lon and lat; what has neither is no fault yet."""
    lon, lat = row.get("lon"), row.get("lat")
    if lon is None and lat is None:
        return None, None
    x, y = _number(lon), _number(lat)
    at = f"lon is {lon!r}, lat is {lat!r}"
    if not (np.isfinite(x) and np.isfinite(y)):
        return None, f"unreadable_number: {at}"
    if abs(x) > 180 or abs(y) > 90:
        return None, f"out_of_range: {at}"
    return (None, f"null_island: {at}") if x == 0 and y == 0 else (shapely.Point(x, y), None)


def _rows(document: object, label: str) -> list[Any]:
    data = document.get("data") if isinstance(document, Mapping) else None
    found = [data[name] for name in _LISTS if isinstance(data, Mapping) and isinstance(data.get(name), list)]
    if len(found) != 1:
        raise FileUnreadableError(
            f"{label}: GBFS, but not one of its files with records (station_information, station_status, "
            "free_bike_status, vehicle_status); name one of these."
        )
    return list(found[0])


def read_gbfs(source: Source, options: ReadOptions) -> Records:
    """Read the stations, bicycles or vehicles of a GBFS file.

    Parameters
    ----------
    source : Source
        station_information, station_status, free_bike_status or vehicle_status.
    options : ReadOptions
        Nothing in them counts.

    Returns
    -------
    Records
        Points in WGS 84 unless the user says otherwise. station_status has no places: its position is
        ``{register: stations, key: station_id, columns: [station_id]}``. Vehicles that stand at a station without
        coordinates of their own are quarantined. ``last_updated`` of the file stands on every record, as written.

    Raises
    ------
    FileUnreadableError
        If it is cut, or no file of GBFS with records.

    References
    ----------
    General Bikeshare Feed Specification, https://gbfs.org/documentation/reference/
    """
    del options
    document = load_json(source)
    rows = _rows(document, source.label)
    kept = [(i, row) for i, row in enumerate(rows) if isinstance(row, Mapping)]
    bad = [
        (i, "unreadable_record: no JSON object", json.dumps(row)[:2000])
        for i, row in enumerate(rows)
        if not isinstance(row, Mapping)
    ]
    index = np.array([i for i, _ in kept], dtype=np.int64)
    table = to_table([{k: v for k, v in row.items() if k not in {"lon", "lat"}} for _, row in kept], index)
    updated = document.get("last_updated")
    if "last_updated" not in table and isinstance(updated, str | int | float):
        table = table.assign(last_updated=str(updated))
    records = Records(
        table=table,
        count=len(rows),
        rejected=pd.DataFrame(bad, columns=["row", "reason", "text"]).astype({"row": np.int64}),
    )
    if rows and not any("lon" in row or "lat" in row for _, row in kept):
        return records
    made = [_shape(row) for _, row in kept]
    geometry = np.array([*(shape for shape, _ in made), None], dtype=object)[:-1]
    faults = geometry_faults(geometry, np.zeros(len(made), dtype=bool))
    for i, (_, why) in enumerate(made):
        faults[i] = why or faults[i]
    return Records(
        table=records.table,
        count=records.count,
        geometry=geometry,
        faults=faults,
        rejected=records.rejected,
        default="OGC:CRS84",
    )
