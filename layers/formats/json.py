"""JSON documents: what one holds is decided by what it says it is, not by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from layers.errors import FileRefusedError
from layers.formats.model import Format
from layers.readers.cityjson import read_cityjson
from layers.readers.geojson import load_json, read_geojson, read_json_table
from layers.readers.web_json import is_esri, read_esri_json, read_topojson

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = ["FORMATS"]


def _read_json(source: Source, options: ReadOptions) -> Records:
    """Choose the reader by content."""
    document = load_json(source)
    if isinstance(document, list):
        return read_json_table(document, options, label=source.label)
    if isinstance(document, Mapping) and document.get("type") == "CityJSON":
        return read_cityjson(document, options, label=source.label)
    if isinstance(document, Mapping) and document.get("type") == "Topology":
        return read_topojson(document, options, label=source.label)
    if isinstance(document, Mapping) and is_esri(document):
        return read_esri_json(document, label=source.label)
    if isinstance(document, Mapping) and "root" in document and "asset" in document:
        raise FileRefusedError(
            f"{source.label}: a 3D Tiles tileset names its tiles in other files; pack its folder into one archive "
            "(zip -0 -r city.3tz .) and give that."
        )
    if isinstance(document, Mapping):
        return read_geojson(document, label=source.label)
    raise FileRefusedError(f"{source.label}: JSON, but neither an object nor an array; nothing to read.")


FORMATS: tuple[Format, ...] = (
    Format(
        name="JSON",
        family="zones",
        suffixes=(".geojson", ".json", ".city.json", ".cityjson"),
        starts=(b"{", b"["),
        positions="GeoJSON: WGS 84 where silent, or an old crs member; CityJSON: a compound frame; tables: nothing",
        read=_read_json,
        packed=True,
    ),
)
