"""GeoJSON and JSON tables, read by our own hand: no driver is asked to guess, and every feature is accounted for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from layers.errors import FileUnreadableError, SchemaError
from layers.readers.geojson_geometry import pack_features
from layers.readers.records import Records, to_table

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["load_json", "read_features", "read_geojson", "read_json_table"]


def load_json(source: Source) -> Any:  # noqa: ANN401 - what JSON holds is known only once it is read
    """Parse a JSON file.

    Parameters
    ----------
    source : Source
        Perhaps gzipped.

    Returns
    -------
    object
        The parsed value.

    Raises
    ------
    FileUnreadableError
        If it is no JSON; names the place.
    """
    try:
        return json.loads(source.read().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FileUnreadableError(
            f"{source.label}: JSON must be UTF-8 (byte {error.start} is not); convert it."
        ) from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise FileUnreadableError(f"{source.label}: not JSON ({error}); it may be cut off: fetch it again.") from error


def _declared(document: Mapping[str, Any]) -> str | None:
    """Read the member ``crs`` of the older GeoJSON of 2008; RFC 7946 has none and means WGS 84."""
    crs = document.get("crs")
    if isinstance(crs, Mapping) and crs.get("type") == "name":
        return str(crs.get("properties", {}).get("name", "OGC:CRS84"))
    return None


def read_features(features: list[Any], *, declared: str | None) -> Records:
    """Turn GeoJSON features into records.

    Parameters
    ----------
    features : list
        Parsed features.
    declared : str or None
        What the file says of their positions.

    Returns
    -------
    Records
        A feature that is no object is rejected; one whose geometry cannot be built is quarantined. A feature's
        ``id`` becomes the column ``id`` unless its properties have one.
    """
    rejected: list[tuple[int, str, str]] = []
    properties: list[Mapping[str, Any]] = []
    geometry: list[Any] = []
    rows: list[int] = []
    for row, feature in enumerate(features):
        held = (
            feature.get("properties") or {}
            if isinstance(feature, Mapping) and feature.get("type") == "Feature"
            else None
        )
        if not isinstance(held, Mapping):
            rejected.append(
                (row, "unreadable_feature: not a GeoJSON feature", json.dumps(feature, ensure_ascii=False)[:2000])
            )
            continue
        properties.append({"id": feature["id"], **held} if "id" in feature and "id" not in held else held)
        geometry.append(feature.get("geometry"))
        rows.append(row)
    index = np.array(rows, dtype=np.int64)
    packed, faults = pack_features(geometry)
    return Records(
        table=to_table(properties, index),
        count=len(features),
        packed=packed,
        faults=faults,
        rejected=pd.DataFrame(rejected, columns=["row", "reason", "text"]).astype({"row": np.int64}),
        declared=declared,
        default="OGC:CRS84",
    )


def read_geojson(document: Mapping[str, Any], *, label: str) -> Records:
    """Read a parsed GeoJSON document.

    Parameters
    ----------
    document : Mapping
        A FeatureCollection, or a single Feature.
    label : str
        For messages.

    Returns
    -------
    Records
        One record a feature.

    Raises
    ------
    FileUnreadableError
        If it is neither.
    """
    features = [document] if document.get("type") == "Feature" else document.get("features")
    if not isinstance(features, list):
        raise FileUnreadableError(
            f"{label}: the JSON has type {document.get('type')!r} and no list of features; it is no GeoJSON."
        )
    return read_features(features, declared=_declared(document))


def read_json_table(rows: list[Any], options: ReadOptions, *, label: str) -> Records:
    """Read a plain array of objects, one record each.

    Parameters
    ----------
    rows : list
        Parsed objects.
    options : ReadOptions
        ``geometry`` names the member that holds a ring [[x, y], ...], if there is one.
    label : str
        For messages.

    Returns
    -------
    Records
        Without a declared position: a plain array cannot state one.
    """
    if options.geometry is not None and not any(isinstance(row, Mapping) and options.geometry in row for row in rows):
        raise SchemaError(f"{label}: no object has the member {options.geometry!r} that geometry: names.")
    features = []
    for row in rows:
        if not isinstance(row, Mapping):
            features.append(row)
            continue
        ring = row.get(options.geometry) if options.geometry is not None else None
        geometry = None if ring is None else {"type": "Polygon", "coordinates": [ring]}
        features.append(
            {
                "type": "Feature",
                "properties": {k: v for k, v in row.items() if k != options.geometry},
                "geometry": geometry,
            }
        )
    records = read_features(features, declared=None)
    return Records(
        table=records.table,
        count=records.count,
        packed=records.packed if options.geometry is not None else None,
        faults=records.faults if options.geometry is not None else None,
        rejected=records.rejected,
    )
