"""Tables without a geometry of their own."""

from __future__ import annotations

from layers.formats.model import Format
from layers.readers.access import read_access
from layers.readers.excel import read_excel
from layers.readers.tabular import read_csv

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (
    Format(
        name="CSV",
        family="tables",
        suffixes=(".csv", ".tsv", ".txt"),
        starts=(),
        positions="nothing: two columns, a text or ids, and the manifest says what they mean",
        read=read_csv,
        packed=True,
    ),
    Format(
        name="Access",
        family="tables",
        suffixes=(".mdb", ".accdb"),
        starts=(b"\0\1\0\0Standard Jet DB\0", b"\0\1\0\0Standard ACE DB\0"),
        positions="nothing: two columns, a text or ids, and the manifest says what they mean",
        read=read_access,
    ),
    Format(
        name="Excel",
        family="tables",
        suffixes=(".xlsx", ".xlsm"),
        starts=(b"PK\x03\x04",),
        positions="nothing: two columns, a text or ids, and the manifest says what they mean",
        read=read_excel,
    ),
)
