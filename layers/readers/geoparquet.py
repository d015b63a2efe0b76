"""GeoParquet and plain Parquet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from layers.errors import FileUnreadableError
from layers.readers.binary import decode_binary
from layers.readers.records import Records, geometry_faults

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["declared_position", "read_parquet", "records_of"]


def declared_position(column: dict[str, Any]) -> str | None:
    """Say what the ``crs`` of a GeoParquet column means.

    Parameters
    ----------
    column : dict
        The column's entry in the ``geo`` metadata.

    Returns
    -------
    str or None
        "AUTHORITY:CODE" or PROJJSON; "OGC:CRS84" where the key is absent, as the specification has it; None
        where it is null, which means "not known".
    """
    if "crs" not in column:
        return "OGC:CRS84"
    crs = column["crs"]
    if crs is None or isinstance(crs, str):
        return crs
    name = crs.get("id", {})
    return f"{name['authority']}:{name['code']}" if {"authority", "code"} <= name.keys() else json.dumps(crs)


def _geo(table: pa.Table, label: str) -> dict[str, Any] | None:
    raw = (table.schema.metadata or {}).get(b"geo")
    if raw is None:
        return None
    try:
        geo: dict[str, Any] = json.loads(raw)
        _ = geo["columns"][geo["primary_column"]]
    except (ValueError, KeyError, TypeError) as error:
        raise FileUnreadableError(f"{label}: its geo metadata is broken ({error!r}); export it anew.") from error
    return geo


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _geometry(values: pa.ChunkedArray, encoding: str, table: pa.Table) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Decode one geometry column; the second array says where the file has something."""
    present: NDArray[np.bool_] = values.is_valid().to_numpy()
    if encoding.upper() != "WKB":
        return np.asarray(gpd.GeoDataFrame.from_arrow(table).geometry.array, dtype=object), present
    with np.errstate(all="ignore"):
        geometry: NDArray[np.object_] = shapely.from_wkb(values.to_numpy(), on_invalid="ignore")
    return geometry, present


def read_parquet(source: Source, options: ReadOptions) -> Records:
    """Read a Parquet file, with or without a geometry column.

    Parameters
    ----------
    source : Source
        A .parquet or .geoparquet file.
    options : ReadOptions
        Nothing of it counts here.

    Returns
    -------
    Records
        Typed as the file is; further geometry columns become well-known text.

    Raises
    ------
    FileUnreadableError
        If the file is broken, or a page does not have its checksum.
    """
    del options
    try:
        with source.path.open("rb") as file:
            table = pq.ParquetFile(file, page_checksum_verification=True).read()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FileUnreadableError(f"{source.label}: broken Parquet ({error}); fetch the file again.") from error
    return records_of(table, source.label)


def records_of(table: pa.Table, label: str) -> Records:
    """Turn an Arrow table with GeoParquet's metadata into records.

    Parameters
    ----------
    table : pyarrow.Table
        All of a file, or some of its row groups.
    label : str
        For messages.

    Returns
    -------
    Records
        As of `read_parquet`.

    Raises
    ------
    FileUnreadableError
        If the metadata are broken.
    """
    geo = _geo(table, label)
    if geo is None:
        return Records(table=_frame(table), count=table.num_rows)
    primary = geo["primary_column"]
    encoding = geo["columns"][primary].get("encoding", "WKB")
    geometry, packed = None, None
    if encoding.upper() == "WKB" and _is_binary(table.column(primary).type):
        packed, faults = decode_binary(table.column(primary), unreadable="no well-known binary")
    else:
        geometry, present = _geometry(table.column(primary), encoding, table)
        faults = geometry_faults(geometry, present, unreadable="no well-known binary")
    # A covering repeats the bounds of the geometry for faster queries: it is no attribute.
    derived = {
        path[0] for column in geo["columns"].values() for path in column.get("covering", {}).get("bbox", {}).values()
    }
    frame = _frame(table.drop_columns([name for name in {*geo["columns"], *derived} if name in table.column_names]))
    for name in geo["columns"]:
        if name != primary and name in table.column_names:
            other, _ = _geometry(table.column(name), geo["columns"][name].get("encoding", "WKB"), table)
            frame[name] = pd.Series(shapely.to_wkt(other, rounding_precision=-1), index=frame.index)
    return Records(
        table=frame,
        count=table.num_rows,
        geometry=geometry,
        packed=packed,
        faults=faults,
        declared=declared_position(geo["columns"][primary]),
    )


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Make structures text and decimals fractions, so that every column can be compared and stored."""
    if pa.types.is_nested(values.type):
        return pa.array([None if value is None else json.dumps(value, default=str) for value in values.to_pylist()])
    return values.cast(pa.float64()) if pa.types.is_decimal(values.type) else values


def _frame(table: pa.Table) -> pd.DataFrame:
    """To pandas; integers with gaps stay integers."""
    table = table.replace_schema_metadata(None)  # what pandas once noted there is not trusted
    for i, field in enumerate(table.schema):
        if pa.types.is_nested(field.type) or pa.types.is_decimal(field.type):
            table = table.set_column(i, field.name, _plain(table.column(i)))
    nullable = {
        field.type: pd.Int64Dtype()
        for field in table.schema
        if pa.types.is_integer(field.type) and table.column(field.name).null_count
    }
    frame: pd.DataFrame = table.to_pandas(types_mapper=nullable.get if nullable else None, ignore_metadata=True)
    return frame
