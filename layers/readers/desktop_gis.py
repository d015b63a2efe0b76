"""What desktop GIS and CAD hand over: FlatGeobuf, MapInfo, file geodatabases, DXF; each by the driver of its name."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from layers.archives import open_archive
from layers.errors import FileRefusedError, FileUnreadableError, SchemaError, listed
from layers.readers.vector import read_shapefile, read_with_driver
from layers.sources import Source

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.readers.records import Records

__all__ = [
    "read_dxf",
    "read_file_geodatabase",
    "read_flatgeobuf",
    "read_mapinfo_interchange",
    "read_mapinfo_table",
    "read_zipped_shapefile",
]

#: Lines of a .tab that name other tables: views, seamless sets of tables, linked and foreign data.
_ELSEWHERE = re.compile(
    rb"^\s*(?:open\s+table|create\s+view|file\s+\"|type\s+(?:linked|odbc|access|xls|wms|wfs))|isseamless",
    re.IGNORECASE | re.MULTILINE,
)
_TAIL = 4096


def read_flatgeobuf(source: Source, options: ReadOptions) -> Records:
    """Read a FlatGeobuf file.

    Parameters
    ----------
    source : Source
        A .fgb file.
    options : ReadOptions
        Nothing of it counts: the format has one layer, in UTF-8.

    Returns
    -------
    Records
        In the file's order, which follows its index in space.

    Raises
    ------
    FileUnreadableError
        If it is broken, or holds fewer features than it states.
    """
    return read_with_driver(source, str(source.path), replace(options, layer=None, encoding=None), driver="FlatGeobuf")


def read_mapinfo_table(source: Source, options: ReadOptions) -> Records:
    """Read a native MapInfo table with its .dat, .map and .id.

    Parameters
    ----------
    source : Source
        The .tab file; the others lie beside it.
    options : ReadOptions
        ``encoding`` counts, where the table states none.

    Returns
    -------
    Records
        Rows in the file's order.

    Raises
    ------
    FileRefusedError
        If it is a view, a seamless set or a link, which name other files.
    FileUnreadableError
        If .dat, .map or .id is missing or broken.
    """
    if _ELSEWHERE.search(source.path.read_bytes()[: 1 << 20]):
        raise FileRefusedError(
            f"{source.label}: a view, a seamless set or a link that names other tables; give each table as a dataset."
        )
    _need(source, ".dat", ".map", ".id")
    return read_with_driver(source, str(source.path), replace(options, layer=None), driver="MapInfo File")


def read_mapinfo_interchange(source: Source, options: ReadOptions) -> Records:
    """Read a MapInfo interchange file with its .mid.

    Parameters
    ----------
    source : Source
        The .mif file; the .mid lies beside it.
    options : ReadOptions
        ``encoding`` counts, where the file states none.

    Returns
    -------
    Records
        Rows in the file's order.

    Raises
    ------
    FileUnreadableError
        If the .mid is missing, or has another number of rows than the .mif has objects.
    """
    _need(source, ".mid")
    records = read_with_driver(source, str(source.path), replace(options, layer=None), driver="MapInfo File")
    companion = next(path for path in _variants(source, ".mid") if path.is_file())
    rows = sum(1 for line in companion.read_bytes().splitlines() if line.strip())
    if rows != records.count:
        raise FileUnreadableError(
            f"{source.label}: {records.count:,} objects, but {rows:,} rows in {companion.name}; one of them is cut: "
            "fetch both again."
        )
    return records


def read_dxf(source: Source, options: ReadOptions) -> Records:
    """Read the entities of an AutoCAD DXF drawing.

    Parameters
    ----------
    source : Source
        A .dxf file in text form.
    options : ReadOptions
        Nothing of it counts: a drawing is one layer; its own layers are the column ``Layer``.

    Returns
    -------
    Records
        One an entity; blocks are drawn out, arcs become lines. A drawing does not say where on the earth it is.

    Raises
    ------
    FileUnreadableError
        If it does not end as a drawing does, or is broken.
    """
    with source.path.open("rb") as file:
        file.seek(max(0, source.path.stat().st_size - _TAIL))
        if file.read().split()[-1:] != [b"EOF"]:
            raise FileUnreadableError(f"{source.label}: does not end with EOF; it is cut off: fetch it again.")
    return read_with_driver(source, str(source.path), replace(options, layer=None, encoding=None), driver="DXF")


def read_file_geodatabase(source: Source, options: ReadOptions) -> Records:
    """Read one layer of an Esri file geodatabase in a zip archive.

    Parameters
    ----------
    source : Source
        A .gdb.zip file with one folder .gdb in it.
    options : ReadOptions
        ``layer`` names the feature class if there are several.

    Returns
    -------
    Records
        Rows in the file's order.

    Raises
    ------
    FileRefusedError
        If the archive looks like a bomb.
    FileUnreadableError
        If it holds no geodatabase, or a broken one.
    """
    archive = open_archive(source)
    tables = [name for name in archive.names if name.lower().endswith(".gdbtable")]
    folders = {name.rpartition("/")[0] for name in tables}
    if len(folders) != 1:
        raise FileUnreadableError(
            f"{source.label}: holds {len(folders)} file geodatabases (folders with .gdbtable files); pack one."
        )
    (inside,) = folders
    with tempfile.TemporaryDirectory(prefix="twin-gdb-") as place:
        folder = Path(place) / "one.gdb"
        folder.mkdir()
        for name in archive.names:
            if name.rpartition("/")[0] == inside:
                archive.extract(name, folder)
        return read_with_driver(source, str(folder), replace(options, encoding=None), driver="OpenFileGDB")


def read_zipped_shapefile(source: Source, options: ReadOptions) -> Records:
    """Read a Shapefile in a zip archive.

    Parameters
    ----------
    source : Source
        A .shp.zip file.
    options : ReadOptions
        ``layer`` names the Shapefile, without its ending, if there are several; ``encoding`` as of `read_shapefile`.

    Returns
    -------
    Records
        Rows in the file's order.

    Raises
    ------
    FileRefusedError
        If the archive looks like a bomb.
    FileUnreadableError
        If it holds no Shapefile, a broken one or one without all of its parts.
    SchemaError
        If it holds several and none is named.
    """
    archive = open_archive(source)
    found = [name[: -len(".shp")] for name in archive.names if name.lower().endswith(".shp")]
    meant = [name for name in found if options.layer in {None, name, name.rpartition("/")[2]}]
    if not found:
        raise FileUnreadableError(f"{source.label}: holds no .shp; give the archive of a Shapefile.")
    if len(meant) != 1:
        raise SchemaError(f"{source.label}: holds the Shapefiles {listed(found)}; write layer: with one of them.")
    (whole,) = meant
    with tempfile.TemporaryDirectory(prefix="twin-shp-") as place:
        for name in archive.names:
            ending = name[len(whole) :].lower()
            if name.startswith(whole) and ending in {".shp", ".shx", ".dbf", ".prj", ".cpg"}:
                archive.extract(name, Path(place)).rename(Path(place) / f"one{ending}")
        return read_shapefile(Source(Path(place) / "one.shp", source.label), options)


def _variants(source: Source, suffix: str) -> tuple[Path, Path]:
    return source.path.with_suffix(suffix), source.path.with_suffix(suffix.upper())


def _need(source: Source, *suffixes: str) -> None:
    absent = [suffix for suffix in suffixes if not any(path.is_file() for path in _variants(source, suffix))]
    if absent:
        raise FileUnreadableError(
            f"{source.label}: {' and '.join(absent)} is missing beside it; a MapInfo table is several files: copy them "
            "all."
        )
