"""Points to disk and back as two columns of numbers, near ones together, so that a box reads little.

The files are GeoParquet 1.1 with the encoding "point", which GeoPandas, GDAL and DuckDB read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spatial_join.errors import GeometryError, JoinError
from spatial_join.kernels.point_tiles import sort_by_tile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    Box = tuple[float, float, float, float]

__all__ = ["PointTable", "read_points", "write_points"]

GEOMETRY = "geometry"
ROWS_OF_GROUP = 1 << 17
"""Rows that are read together: of ten million, a box needs at least so many."""

_SIDES = ("x", "y")


class PointTable(NamedTuple):
    """Points and what is known of them.

    Attributes
    ----------
    lon, lat : ndarray of float64, shape (n,)
        Degrees.
    columns : pyarrow.Table
        The other columns.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    columns: pa.Table


def write_points(path: Path, lon: ArrayLike, lat: ArrayLike, *, columns: Mapping[str, ArrayLike] | None = None) -> None:
    """Write points to a GeoParquet file, sorted by 64 x 64 tiles of their bounds.

    Parameters
    ----------
    path : Path
        The file.
    lon, lat : array_like of float, shape (n,)
        Degrees (OGC:CRS84).
    columns : mapping of str to array_like, optional
        What else is known of each point. Give the points a number here if their order matters.

    Raises
    ------
    GeometryError
        If a position is not finite or not in the range of degrees.
    JoinError
        If a column is not as long as the points, or has the name of the geometry.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "stops.parquet"
    >>> write_points(file, [7.42, 7.48], [43.73, 43.76], columns={"stop": ["Gare", "Plage"]})
    >>> read_points(file, box=(7.47, 43.75, 7.49, 43.77)).columns["stop"].to_pylist()
    ['Plage']
    """
    x, y = (np.ascontiguousarray(side, dtype=np.float64).ravel() for side in (lon, lat))
    values = {name: pa.array(column) for name, column in (columns or {}).items()}
    sizes = {"lat": y.size, **{name: len(column) for name, column in values.items()}}
    odd = next((name for name, size in sizes.items() if size != x.size), None)
    if odd is not None or GEOMETRY in values:
        raise JoinError(
            f"{path}: no column may be called {GEOMETRY!r}; rename it."
            if odd is None
            else f"{path}: there are {x.size} longitudes, but {sizes[odd]} of {odd!r}; give one of each per point."
        )
    wrong = ~((np.abs(x) <= 180.0) & (np.abs(y) <= 90.0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise GeometryError(
            f"{path}: {int(wrong.sum())} of {x.size} positions are not longitude/latitude in degrees, first at row "
            f"{row}: ({x[row]!r}, {y[row]!r}). Harmonise the layer to OGC:CRS84 first, longitude before latitude."
        )
    bounds = [float(side) for side in (x.min(), y.min(), x.max(), y.max())] if x.size else [0.0, 0.0, 0.0, 0.0]
    span = [np.nextafter(max(high - low, 1e-12), np.inf) for low, high in zip(bounds[:2], bounds[2:], strict=True)]
    x, y, order = sort_by_tile(x, y, (bounds[0], bounds[1], span[0], span[1]))
    field = pa.field(GEOMETRY, pa.struct(dict.fromkeys(_SIDES, pa.float64())), nullable=False)
    field = field.with_metadata({"ARROW:extension:name": "geoarrow.point"})
    arrays = [pa.StructArray.from_arrays([pa.array(x), pa.array(y)], names=_SIDES)]
    arrays += [column.take(pa.array(order)) for column in values.values()]
    schema = pa.schema([field, *(pa.field(name, column.type) for name, column in values.items())])
    geo = {
        "version": "1.1.0",
        "primary_column": GEOMETRY,
        "columns": {GEOMETRY: {"encoding": "point", "geometry_types": ["Point"], "bbox": bounds}},
    }
    numbers = [f"{GEOMETRY}.{side}" for side in _SIDES]
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=schema.with_metadata({"geo": json.dumps(geo)})),
        path,
        row_group_size=ROWS_OF_GROUP,
        compression="zstd",
        use_dictionary=[name for name, column in values.items() if pa.types.is_string(column.type)],
        use_byte_stream_split=numbers,
    )


def read_points(path: Path, *, box: Box | None = None) -> PointTable:
    """Read points that `write_points` wrote, all or those in a box.

    Parameters
    ----------
    path : Path
        The file.
    box : tuple of 4 floats, optional
        West, south, east and north in degrees, the sides included; only the row groups that reach into it are read.

    Returns
    -------
    PointTable
        In the order of the file.

    Raises
    ------
    JoinError
        If it is no such file.
    """
    try:
        with pq.ParquetFile(path) as file:
            groups = list(range(file.metadata.num_row_groups))
            _require_points(file.schema_arrow, path)
            if box is not None:
                groups = [i for i in groups if _reaches(file.metadata.row_group(i), box)]
            table = file.read_row_groups(groups)
    except (OSError, pa.ArrowException) as error:
        raise JoinError(f"{path}: no Parquet file that can be read ({error}).") from None
    places = table[GEOMETRY].combine_chunks()
    lon, lat = (places.field(side).to_numpy() for side in _SIDES)
    columns = table.drop_columns([GEOMETRY]).replace_schema_metadata(None)
    if box is None:
        return PointTable(lon, lat, columns)
    inside = np.flatnonzero((lon >= box[0]) & (lat >= box[1]) & (lon <= box[2]) & (lat <= box[3]))
    return PointTable(lon[inside], lat[inside], columns.take(pa.array(inside)))


def _require_points(schema: pa.Schema, path: Path) -> None:
    geo: dict[str, Any] = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    column = geo.get("columns", {}).get(GEOMETRY, {})
    if column.get("encoding") != "point" or column.get("crs", "") != "":
        raise JoinError(f"{path}: not written by write_points; read it with layers.read or geopandas.read_parquet.")


def _reaches(group: pq.RowGroupMetaData, box: Box) -> bool:
    """Whether a row group may hold points in a box; yes where its bounds are not known."""
    axes = {f"{GEOMETRY}.{side}": axis for axis, side in enumerate(_SIDES)}
    for number in range(group.num_columns):
        column = group.column(number)
        axis = axes.get(column.path_in_schema)
        if axis is None or column.statistics is None or not column.statistics.has_min_max:
            continue
        if column.statistics.min > box[axis + 2] or column.statistics.max < box[axis]:
            return False
    return True
