"""SQLite and SpatiaLite through Python's own SQLite, which runs no extension, no function and no virtual table."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.errors import FileUnreadableError, SchemaError, listed
from layers.readers.records import Records, geometry_faults, to_table

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["read_sqlite"]

#: SpatiaLite frames its blobs: mark, byte order, srid, box, mark, then a geometry, mark.
_HEAD, _BOX_END, _PART, _TAIL = 0x00, 0x7C, 0x69, 0xFE
_BODY = 39
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_OK}
#: Tables of SQLite's and SpatiaLite's own.
_INNER = (
    *("sqlite_", "idx_", "rtree_", "spatial_ref_sys", "geometry_columns", "spatialite_", "views_", "virts_"),
    *("sql_statements_log", "elementarygeometries", "knn", "data_licenses", "geom_cols_ref_sys", "vector_layers"),
)


class _BlobError(ValueError):
    """A blob is not as SpatiaLite has it."""


def _skip(body: bytes, at: int, order: str, kind: int) -> int:
    """Return where a simple geometry ends."""
    width = 8 * (2 + {0: 0, 1: 1, 2: 1, 3: 2}[kind // 1000])
    if kind % 1000 == 1:
        return at + width
    (count,) = struct.unpack_from(f"{order}I", body, at)
    at += 4
    if kind % 1000 == 2:
        return at + int(count) * width
    for _ in range(count):
        (points,) = struct.unpack_from(f"{order}I", body, at)
        at += 4 + int(points) * width
    return at


def _to_wkb(blob: bytes) -> bytes:
    """Turn a SpatiaLite blob into well-known binary: the parts of an aggregate get their byte order back."""
    if len(blob) < _BODY + 5 or blob[0] != _HEAD or blob[38] != _BOX_END or blob[-1] != _TAIL:
        return blob  # plain WKB, as OGR writes it where SpatiaLite is not wanted
    mark, order = blob[1:2], "<" if blob[1] == 1 else ">"
    body = bytearray(blob[_BODY:-1])
    (kind,) = struct.unpack_from(f"{order}I", body, 0)
    if kind % 1000 >= 4 and kind < 4000:
        (count,) = struct.unpack_from(f"{order}I", body, 4)
        at = 8
        for _ in range(count):
            if body[at] != _PART:
                raise _BlobError("a part without its mark")
            body[at : at + 1] = mark
            (inner,) = struct.unpack_from(f"{order}I", body, at + 1)
            if inner % 1000 > 3 or inner >= 4000:
                raise _BlobError(f"a part of type {inner}")
            at = _skip(bytes(body), at + 5, order, inner)
    return mark + bytes(body)


def _geometry(blobs: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Build the geometries; returns why each is broken, too."""
    binary: list[bytes | None] = []
    for blob in blobs:
        try:
            binary.append(_to_wkb(blob) if isinstance(blob, bytes) else None)
        except (_BlobError, struct.error, IndexError, KeyError):
            binary.append(b"")
    present = np.array([blob is not None for blob in blobs], dtype=bool)
    with np.errstate(all="ignore"):
        geometry = shapely.from_wkb(np.array([*binary, None], dtype=object)[:-1], on_invalid="ignore")
    return geometry, geometry_faults(geometry, present, unreadable="no SpatiaLite blob and no well-known binary")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _only_reading(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _rows(connection: sqlite3.Connection, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    cursor = connection.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608 - a name of the file's own, quoted
    return [column[0] for column in cursor.description], cursor.fetchall()


def _plain_tables(connection: sqlite3.Connection) -> list[str]:
    listing = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return [str(name) for name, sql in listing if not str(sql).upper().startswith("CREATE VIRTUAL")]


def _geometry_columns(connection: sqlite3.Connection, tables: list[str]) -> dict[str, tuple[str, int | None]]:
    """Return geometry column and srid by table."""
    if "geometry_columns" not in tables:
        return {}
    names, rows = _rows(connection, "geometry_columns")
    known = {name.lower(): name for name in tables}
    found = {}
    for row in rows:
        told = dict(zip(names, row, strict=True))
        table = known.get(str(told.get("f_table_name")).lower())
        srid = told.get("srid")
        if table is not None:
            found[table] = (str(told.get("f_geometry_column")), srid if isinstance(srid, int) else None)
    return found


def _frame(connection: sqlite3.Connection, tables: list[str], srid: int | None) -> str | None:
    if srid is None or srid <= 0 or "spatial_ref_sys" not in tables:
        return None
    names, rows = _rows(connection, "spatial_ref_sys")
    for row in rows:
        told = dict(zip(names, row, strict=True))
        if told.get("srid") == srid:
            if told.get("auth_name") and isinstance(told.get("auth_srid"), int):
                return f"{str(told['auth_name']).upper()}:{told['auth_srid']}"
            return str(told.get("srtext") or "") or None
    return None


def _choose(tables: list[str], spatial: dict[str, tuple[str, int | None]], wanted: str | None, label: str) -> str:
    plain = [name for name in tables if not name.lower().startswith(_INNER)]
    offered = list(spatial) or plain
    if wanted is None and len(offered) == 1:
        return offered[0]
    if wanted is None or wanted not in {*offered, *plain}:
        asked = f"has no layer {wanted!r}" if wanted else "has several layers" if offered else "has no table"
        raise SchemaError(f"{label}: {asked}; write layer: with one of {listed(dict.fromkeys([*offered, *plain]))}.")
    return wanted


def read_sqlite(source: Source, options: ReadOptions) -> Records:
    """Read one table of a SQLite or SpatiaLite database.

    Views and virtual tables are not read: they may run functions, reach other files or the network.

    Parameters
    ----------
    source : Source
        A .sqlite, .db or .spatialite file.
    options : ReadOptions
        ``layer`` names the table if there are several.

    Returns
    -------
    Records
        Rows in the table's order, numbered from 0; blobs other than the geometry as hexadecimal text.

    Raises
    ------
    FileUnreadableError
        If the database is broken.
    SchemaError
        If there are several tables and ``layer`` names none of them.
    """
    try:
        with closing(sqlite3.connect(f"{source.path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.text_factory = lambda text: text.decode("utf-8", errors="backslashreplace")
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.set_authorizer(_only_reading)
            tables = _plain_tables(connection)
            spatial = _geometry_columns(connection, tables)
            table = _choose(tables, spatial, options.layer, source.label)
            names, rows = _rows(connection, table)
            column, srid = spatial.get(table, (None, None))
            declared = _frame(connection, tables, srid)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise FileUnreadableError(f"{source.label}: broken SQLite database ({error}); fetch it again.") from error
    return _to_records(names, rows, column, declared)


def _to_records(names: list[str], rows: list[tuple[Any, ...]], column: str | None, declared: str | None) -> Records:
    index = np.arange(len(rows), dtype=np.int64)
    place = next((i for i, name in enumerate(names) if column is not None and name.lower() == column.lower()), None)
    keep = [i for i in range(len(names)) if i != place]
    values = [{names[i]: row[i].hex() if isinstance(row[i], bytes) else row[i] for i in keep} for row in rows]
    records = Records(table=to_table(values, index), count=len(rows))
    if place is None:
        return records
    geometry, faults = _geometry([row[place] for row in rows])
    return replace(records, geometry=geometry, faults=faults, declared=declared)
