"""GDAL through pyogrio: the first bytes fix the driver before it sees the file, and what opened it is checked."""

from __future__ import annotations

import logging
import sqlite3
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyogrio.core
import pyogrio.raw
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

from layers.errors import FileRefusedError, FileUnreadableError, SchemaError, listed
from layers.readers.binary import decode_binary
from layers.readers.records import Records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["read_geopackage", "read_shapefile", "read_with_driver"]

logger = logging.getLogger(__name__)

#: What GDAL looks for near the beginning of any file, whatever its name, to go on to the files that it names.
_POINTERS = (b"<OGRVRTDataSource", b"<VRTDataset", b"gdal_streamed_alg")
_LOOKED_AT = 1 << 14

#: A virtual table can reach other files; a GeoPackage needs these kinds only.
_HARMLESS = ("rtree", "fts3", "fts4", "fts5")


def _check_sqlite(source: Source) -> None:
    """Refuse a database with virtual tables that reach outside it."""
    try:
        connection = sqlite3.connect(f"{source.path.as_uri()}?mode=ro&immutable=1", uri=True)
        connection.text_factory = lambda text: text.decode("utf-8", errors="backslashreplace")
        try:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'").fetchall()
        finally:
            connection.close()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise FileUnreadableError(f"{source.label}: broken SQLite database ({error}); fetch it again.") from error
    for name, sql in rows:
        module = str(sql).upper().split(" USING ")[-1].split("(")[0].strip().lower()
        if module not in _HARMLESS:
            raise FileRefusedError(
                f"{source.label}: table {name!r} is a virtual table ({module}) that may reach other files; "
                "export plain tables."
            )


def _choose_layer(source: Source, path: str, wanted: str | None) -> str:
    names = [str(name) for name in pyogrio.core.list_layers(path)[:, 0]]
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted not in names:
        asked = f"has no layer {wanted!r}" if wanted else "has several layers"
        raise SchemaError(f"{source.label}: {asked}; write layer: with one of {listed(names)}.")
    return wanted


def _columns(meta: dict[str, Any], fields: list[np.ndarray], index: np.ndarray) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for name, values, kind in zip(meta["fields"], fields, meta["dtypes"], strict=True):
        series = pd.Series(values, index=index)
        if series.dtype.kind == "f" and np.dtype(kind).kind == "i":
            series = series.astype("Int64")  # GDAL's integers with gaps arrive as fractions
        if series.dtype == object and all(value is None or isinstance(value, str) for value in values):
            series = series.astype("str")
        columns[str(name)] = series
    return pd.DataFrame(columns, index=index)


def read_with_driver(source: Source, path: str, options: ReadOptions, *, driver: str) -> Records:
    """Read one layer with one driver of GDAL.

    Parameters
    ----------
    source : Source
        The file, whose first bytes have been checked.
    path : str
        What GDAL is told to open: the file, what was unpacked of it, or its name behind a prefix of the driver.
    options : ReadOptions
        ``layer`` and ``encoding`` count.
    driver : str
        GDAL's name of the driver.

    Returns
    -------
    Records
        Rows in the file's order, numbered from 0.

    Raises
    ------
    FileRefusedError
        If another driver would read it, or it names other files to be read.
    FileUnreadableError
        If it is broken, or holds fewer records than it states.
    SchemaError
        If it has several layers and none is named, or no such encoding is known.
    """
    pointer = next((mark for mark in _POINTERS if mark in source.head(_LOOKED_AT)), None)
    if pointer is not None:
        raise FileRefusedError(
            f"{source.label}: names other files to be read ({pointer.decode()!r}); give the files that are meant."
        )
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            layer = _choose_layer(source, path, options.layer)
            told = pyogrio.core.read_info(path, layer=layer)
            if told["driver"] != driver:
                raise FileRefusedError(
                    f"{source.label}: would be read as {told['driver']}, not as {driver}; name it as what it is."
                )
            meta, _, wkb, fields = pyogrio.raw.read(
                path, layer=layer, datetime_as_string=True, encoding=options.encoding
            )
    except LookupError as error:
        raise SchemaError(f"{source.label}: no encoding is called {options.encoding!r}; write gb18030, ...") from error
    except UnboundLocalError as error:
        # pyogrio 0.13 trips over its own error handling where GDAL's message about the frame is no UTF-8.
        raise FileUnreadableError(f"{source.label}: its frame (.prj) cannot be read; fetch it again.") from error
    except UnicodeDecodeError as error:
        raise FileUnreadableError(
            f"{source.label}: attributes are not {error.encoding}; write encoding: gb18030 (or what it is)."
        ) from error
    except (DataSourceError, DataLayerError, FeatureError, GeometryError) as error:
        raise FileUnreadableError(f"{source.label}: GDAL cannot read it ({error}).") from error
    for text in dict.fromkeys(str(warning.message) for warning in said):
        logger.warning("%s: GDAL says: %s", source.label, text)
    count = len(wkb) if wkb is not None else len(fields[0]) if fields else 0
    if count < told["features"]:
        raise FileUnreadableError(
            f"{source.label}: states {told['features']:,} records, {count:,} can be read; it is cut or broken: "
            "fetch it again."
        )
    table = _columns(meta, fields, np.arange(count))
    return Records(table=table, count=count) if wkb is None else _placed(table, wkb, meta["crs"])


def _placed(table: pd.DataFrame, wkb: NDArray[np.object_], declared: str | None) -> Records:
    """Decode the geometry of the records."""
    packed, faults = decode_binary(wkb, unreadable="a curve or a broken blob")
    return Records(table=table, count=len(wkb), packed=packed, faults=faults, declared=declared)


def read_geopackage(source: Source, options: ReadOptions) -> Records:
    """Read one layer of a GeoPackage.

    Parameters
    ----------
    source : Source
        A .gpkg file.
    options : ReadOptions
        ``layer`` names the table if there are several.

    Returns
    -------
    Records
        Rows in the file's order, numbered from 0.

    Raises
    ------
    FileRefusedError
        If it has virtual tables that reach other files.
    FileUnreadableError
        If the database is broken.
    """
    _check_sqlite(source)
    return read_with_driver(source, f"GPKG:{source.path}", replace(options, encoding=None), driver="GPKG")


def read_shapefile(source: Source, options: ReadOptions) -> Records:
    """Read a Shapefile with its .shx, .dbf, .prj and .cpg.

    Parameters
    ----------
    source : Source
        The .shp file; the others lie beside it.
    options : ReadOptions
        ``encoding`` counts, where the .cpg is missing or wrong; ``layer`` does not: a Shapefile has one.

    Returns
    -------
    Records
        Records whose geometry is cut off are quarantined.

    Raises
    ------
    FileUnreadableError
        If the index or the table is missing or broken.
    """
    parts = {suffix: _sibling(source, suffix) for suffix in (".shx", ".dbf", ".prj", ".cpg")}
    absent = [suffix for suffix in (".shx", ".dbf") if not parts[suffix]]
    if absent:
        raise FileUnreadableError(
            f"{source.label}: {' and '.join(absent)} is missing beside it; a Shapefile is several files: copy them all."
        )
    return read_with_driver(source, str(source.path), replace(options, layer=None), driver="ESRI Shapefile")


def _sibling(source: Source, suffix: str) -> bool:
    """Say whether a part is there; one that may not be read is refused, GDAL would do without it and not say so."""
    for variant in (suffix, suffix.upper()):
        path = source.path.with_suffix(variant)
        try:
            if path.is_file():
                with path.open("rb"):
                    return True
        except PermissionError as error:
            raise FileRefusedError(
                f"{source.label}: {path.name} beside it may not be read or is a link out of the root; copy it there."
            ) from error
    return False
