"""Which reader a file gets: by its ending, and only if its first bytes agree. GDAL is never asked to guess."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layers.errors import FileRefusedError
from layers.readers.cityjson import read_cityjson, read_cityjson_sequence
from layers.readers.geojson import load_json, read_geojson, read_json_table
from layers.readers.geoparquet import read_parquet
from layers.readers.raster import Pixels, read_geotiff, read_netcdf
from layers.readers.tabular import read_csv
from layers.readers.vector import read_geopackage, read_shapefile

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = ["FORMATS", "Format", "resolve_format"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format family.

    Parameters
    ----------
    name : str
        For people.
    suffixes : tuple of str
        Endings, without ".gz".
    starts : tuple of bytes
        What the file must begin with; empty: text of any kind.
    read : callable
        Turns the file into records.
    packed : bool
        Whether it may be gzipped.
    """

    name: str
    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...]
    read: Callable[[Source, ReadOptions], Records | Pixels]
    packed: bool = False


def _read_json(source: Source, options: ReadOptions) -> Records:
    """Decide by what the JSON says it is, not by its name."""
    document = load_json(source)
    if isinstance(document, list):
        return read_json_table(document, options, label=source.label)
    if isinstance(document, Mapping) and document.get("type") == "CityJSON":
        return read_cityjson(document, options, label=source.label)
    if isinstance(document, Mapping):
        return read_geojson(document, label=source.label)
    raise FileRefusedError(f"{source.label}: JSON, but neither an object nor an array; nothing to read.")


#: Text never starts with these: XML (an OGR or GDAL VRT names other files to read), archives, binaries.
_NO_TEXT = (
    b"<",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x89",
    b"SQLite format 3",
    b"PAR1",
    b"%PDF",
    b"\xd0\xcf\x11\xe0",
    b"II*\0",
    b"MM\0*",
)

FORMATS: tuple[Format, ...] = (
    Format(name="CSV", suffixes=(".csv", ".tsv", ".txt"), starts=(), read=read_csv, packed=True),
    Format(name="GeoParquet", suffixes=(".parquet", ".geoparquet"), starts=(b"PAR1",), read=read_parquet),
    Format(
        name="JSON",
        suffixes=(".geojson", ".json", ".city.json", ".cityjson"),
        starts=(b"{", b"["),
        read=_read_json,
        packed=True,
    ),
    Format(
        name="CityJSONSeq",
        suffixes=(".city.jsonl", ".jsonl", ".cityjsonl"),
        starts=(b"{",),
        read=read_cityjson_sequence,
        packed=True,
    ),
    Format(name="GeoPackage", suffixes=(".gpkg",), starts=(b"SQLite format 3\0",), read=read_geopackage),
    Format(name="Shapefile", suffixes=(".shp",), starts=(b"\0\0\x27\x0a",), read=read_shapefile),
    Format(
        name="GeoTIFF", suffixes=(".tif", ".tiff"), starts=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), read=read_geotiff
    ),
    Format(
        name="NetCDF", suffixes=(".nc", ".nc4"), starts=(b"CDF\x01", b"CDF\x02", b"\x89HDF\r\n\x1a\n"), read=read_netcdf
    ),
)


def resolve_format(source: Source) -> Format:
    """Choose the reader of a file.

    Parameters
    ----------
    source : Source
        The file.

    Returns
    -------
    Format
        The one whose ending it has.

    Raises
    ------
    FileRefusedError
        If no format has this ending, or the content is not what the ending says.
    """
    found = [known for known in FORMATS if source.suffix in known.suffixes]
    if not found:
        endings = ", ".join(suffix for known in FORMATS for suffix in known.suffixes)
        raise FileRefusedError(
            f"{source.label}: no reader for {source.suffix or 'a name without ending'}; known endings are {endings}."
        )
    chosen = found[0]
    if source.packed and not chosen.packed:
        raise FileRefusedError(f"{source.label}: {chosen.name} is not read from .gz; unpack it.")
    head = source.head()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if chosen.starts and not (text if chosen.starts[0] == b"{" else head).startswith(chosen.starts):
        raise FileRefusedError(
            f"{source.label}: is not {chosen.name} (it begins with {head[:24]!r}); "
            "give the real file, or name it as what it is."
        )
    if not chosen.starts and text.startswith(_NO_TEXT):
        raise FileRefusedError(
            f"{source.label}: is no text table (it begins with {head[:24]!r}); "
            "give the real file, or name it as what it is."
        )
    return chosen
