"""City models."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.cityjson import read_cityjson_sequence

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (
    Format(
        name="CityJSONSeq",
        family="cim",
        suffixes=(".city.jsonl", ".jsonl", ".cityjsonl"),
        starts=(b"{",),
        positions="a compound frame by EPSG code, for the whole file",
        read=read_cityjson_sequence,
        packed=True,
    ),
)
