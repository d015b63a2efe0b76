"""GeoParquet, GeoPackage and CSV."""

from __future__ import annotations

import json
import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely

from twin.exporting.qml import qml_style
from twin.store import canonical_json

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from twin.exporting.provenance import Provenance

__all__ = ["write_csv", "write_geopackage", "write_geoparquet"]

_Class: TypeAlias = "tuple[float | None, float | None, str]"

#: Spreadsheets run what begins with these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Seven steps of batlow (Crameri 2018, https://doi.org/10.5281/zenodo.1243862), dark to light, for colour-blind eyes.
_COLOURS = ("#011959", "#115f60", "#3c6d56", "#828231", "#d59448", "#fdac98", "#faccfa")


def write_geoparquet(frame: gpd.GeoDataFrame, path: Path, provenance: Provenance) -> None:
    """Write GeoParquet 1.1 with page checksums; what travels with it stands in the key ``city-twin``.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Longitude and latitude.
    path : Path
        The file.
    provenance : Provenance
        What travels with it.
    """
    frame.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0", write_page_checksum=True)
    table = pq.read_table(path)
    told = {**(table.schema.metadata or {}), b"city-twin": canonical_json(provenance.to_json())}
    pq.write_table(table.replace_schema_metadata(told), path, compression="zstd", write_page_checksum=True)


def write_csv(frame: gpd.GeoDataFrame, path: Path, provenance: Provenance) -> None:
    """Write a table, and beside it what its columns mean (W3C CSVW).

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Points become the columns lon and lat; other geometries well-known text. Text that a spreadsheet would run gets
        an apostrophe before it.
    path : Path
        The file; ``<file>-metadata.json`` stands beside it.
    provenance : Provenance
        What travels with it.
    """
    geometry = np.asarray(frame.geometry.array)
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    for name in table.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]]:
        table[name] = [f"'{v}" if isinstance(v, str) and v.startswith(_FORMULA) else v for v in table[name]]
    if (shapely.get_type_id(geometry) == shapely.GeometryType.POINT).all():
        table["lon"], table["lat"] = shapely.get_x(geometry), shapely.get_y(geometry)
    else:
        table["geometry"] = shapely.to_wkt(geometry, rounding_precision=-1)
    table.to_csv(path, index=False, encoding="utf-8")
    units = {**provenance.units, "lon": "degree", "lat": "degree"}
    columns = [{"name": str(name), **({"unit": units[name]} if name in units else {})} for name in table.columns]
    told = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": path.name,
        "tableSchema": {"columns": columns},
        "crs": "OGC:CRS84",
        "city-twin": provenance.to_json(),
    }
    path.with_name(f"{path.name}-metadata.json").write_bytes(canonical_json(told))


def write_geopackage(frame: gpd.GeoDataFrame, path: Path, provenance: Provenance) -> None:
    """Write a GeoPackage of one table with a style and metadata.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Longitude and latitude.
    path : Path
        The file.
    provenance : Provenance
        What travels with it.
    """
    name = "_".join(provenance.names)
    frame.to_crs("EPSG:4326").to_file(path, driver="GPKG", layer=name, engine="pyogrio")
    kinds = set(shapely.get_dimensions(np.asarray(frame.geometry.array)).tolist())
    coloured = next((str(column) for column in provenance.names if column in frame.columns), None)
    values = None if coloured is None else pd.to_numeric(frame[coloured], errors="coerce").to_numpy(float)
    connection = sqlite3.connect(path)
    try:
        with connection:
            _add_metadata(connection, name, provenance)
            dimension, classes = max(kinds, default=0), _classes(coloured, values)
            sld = _style(name, dimension, coloured, classes)
            ends = tuple(low for low, _, _ in classes if low is not None)
            last = tuple(high for _, high, _ in classes[-1:] if high is not None)
            qml = qml_style(
                dimension, tuple(colour for *_, colour in classes), column=coloured if ends else None, edges=ends + last
            )
            _add_style(connection, name, sld, qml)
    finally:
        connection.close()


def _add_metadata(connection: sqlite3.Connection, table: str, provenance: Provenance) -> None:
    """Add the tables of the metadata extension (OGC 12-128r18, annex F.8) with one entry for the table."""
    connection.executescript(
        """
        CREATE TABLE IF NOT EXISTS gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
            definition TEXT NOT NULL, scope TEXT NOT NULL, UNIQUE (table_name, column_name, extension_name));
        CREATE TABLE IF NOT EXISTS gpkg_metadata (id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL,
            md_scope TEXT NOT NULL DEFAULT 'dataset', md_standard_uri TEXT NOT NULL,
            mime_type TEXT NOT NULL DEFAULT 'text/xml', metadata TEXT NOT NULL DEFAULT '');
        CREATE TABLE IF NOT EXISTS gpkg_metadata_reference (reference_scope TEXT NOT NULL, table_name TEXT,
            column_name TEXT, row_id_value INTEGER,
            timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
            md_file_id INTEGER NOT NULL, md_parent_id INTEGER,
            CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
            CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id));
        """
    )
    extension = ("gpkg_metadata", "http://www.geopackage.org/spec121/#extension_metadata", "read-write")
    for part in ("gpkg_metadata", "gpkg_metadata_reference"):
        connection.execute("INSERT OR IGNORE INTO gpkg_extensions VALUES (?, NULL, ?, ?, ?)", (part, *extension))
    text = json.dumps(provenance.to_json(), ensure_ascii=False, sort_keys=True)
    added = connection.execute(
        "INSERT INTO gpkg_metadata (md_scope, md_standard_uri, mime_type, metadata) VALUES (?, ?, ?, ?)",
        ("dataset", "urn:city-twin:provenance", "application/json", text),
    )
    connection.execute(
        "INSERT INTO gpkg_metadata_reference (reference_scope, table_name, md_file_id) VALUES ('table', ?, ?)",
        (table, added.lastrowid),
    )


def _add_style(connection: sqlite3.Connection, table: str, sld: str, qml: str) -> None:
    """Add the table in which QGIS and GDAL look for styles."""
    connection.execute(
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT, f_table_schema TEXT, "
        "f_table_name TEXT, f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, "
        "useAsDefault BOOLEAN, description TEXT, owner TEXT, ui TEXT, update_time DATETIME)"
    )
    connection.execute(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
        "styleQML, styleSLD, useAsDefault, description) VALUES ('', '', ?, 'geom', ?, ?, ?, 1, 'City Twin')",
        (table, table, qml, sld),
    )
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('layer_styles', 'attributes', ?)",
        ("layer_styles",),
    )


def _classes(column: str | None, values: NDArray[np.float64] | None) -> list[_Class]:
    """Return seven classes of equal counts with a colour each for a variable, one colour for features."""
    if column is None or values is None or not np.isfinite(values).any():
        return [(None, None, _COLOURS[2])]
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, len(_COLOURS) + 1))).tolist()
    pairs = list(pairwise(edges)) or [(edges[0], edges[0])]
    return [(low, high, _COLOURS[place]) for place, (low, high) in enumerate(pairs)]


def _style(name: str, dimension: int, column: str | None, classes: list[_Class]) -> str:
    """Write an OGC SLD 1.0."""
    body = "".join(_rule(column, low, high, _symbol(dimension, colour)) for low, high, colour in classes)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><StyledLayerDescriptor version="1.0.0" '
        'xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc">'
        f"<NamedLayer><Name>{escape(name)}</Name><UserStyle><FeatureTypeStyle>{body}</FeatureTypeStyle></UserStyle>"
        "</NamedLayer></StyledLayerDescriptor>"
    )


def _rule(column: str | None, low: float | None, high: float | None, symbol: str) -> str:
    if column is None or low is None or high is None:
        return f"<Rule>{symbol}</Rule>"
    between = (
        f"<ogc:Filter><ogc:PropertyIsBetween><ogc:PropertyName>{escape(column)}</ogc:PropertyName>"
        f"<ogc:LowerBoundary><ogc:Literal>{low!r}</ogc:Literal></ogc:LowerBoundary>"
        f"<ogc:UpperBoundary><ogc:Literal>{high!r}</ogc:Literal></ogc:UpperBoundary></ogc:PropertyIsBetween></ogc:Filter>"
    )
    return f"<Rule><Name>{low:.4g} to {high:.4g}</Name>{between}{symbol}</Rule>"


def _symbol(dimension: int, colour: str) -> str:
    fill = f"<Fill><CssParameter name={quoteattr('fill')}>{colour}</CssParameter></Fill>"
    stroke = f"<Stroke><CssParameter name={quoteattr('stroke')}>{colour}</CssParameter></Stroke>"
    if dimension == 0:
        mark = f"<Mark><WellKnownName>circle</WellKnownName>{fill}</Mark>"
        return f"<PointSymbolizer><Graphic>{mark}<Size>6</Size></Graphic></PointSymbolizer>"
    return (
        f"<LineSymbolizer>{stroke}</LineSymbolizer>"
        if dimension == 1
        else f"<PolygonSymbolizer>{fill}</PolygonSymbolizer>"
    )
