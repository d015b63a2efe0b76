"""How a file is to be read, where the file itself does not say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from layers.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from layers.clock import TimeColumn
    from layers.fields import Field
    from layers.repair_rules import Repair
    from layers.validity import Valid

__all__ = ["ReadOptions", "Wide", "XmlTable"]


@dataclass(frozen=True, kw_only=True)
class Wide:
    r"""How a table with a column for each hour, lane or site becomes one with a record for each value.

    Parameters
    ----------
    variable : str
        What the values are; the name of their column.
    columns : str
        Regular expression that finds the columns with values. What its first group finds stands in ``into``,
        the whole name where it has no group.
    into : str
        Column that says which column a value comes from.
    stamp : str or None
        Text with columns in braces, such as "{date} {hour}:00", that becomes the column ``stamp``.

    Examples
    --------
    >>> Wide(variable="speed", columns=r"^h(\d\d)$", into="hour", stamp="{date} {hour}:00").into
    'hour'
    """

    variable: str
    columns: str
    into: str = "column"
    stamp: str | None = None


@dataclass(frozen=True, kw_only=True)
class XmlTable:
    """Which elements of an XML file are records, and which of their parts are columns.

    Parameters
    ----------
    records : str
        Names from one element to the next without namespaces, such as "siteMeasurements/measuredValue"; an element
        is a record whose path ends so.
    fields : Mapping of str to str
        Path by column, from the record: "speed", "location/latitude", "@id", "../measurementSiteReference/@id",
        "." for its own text.

    Examples
    --------
    >>> XmlTable(records="site", fields={"site": "@id", "lon": "location/longitude"}).records
    'site'
    """

    records: str
    fields: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Everything a reader may need to be told.

    Parameters
    ----------
    layer : str or None
        Table of a container with several (GeoPackage, Access), sheet of a workbook, or variable of a NetCDF file.
    time : TimeColumn or None
        Read this column into ``time`` (UTC).
    fields : Mapping of str to Field
        Units, ranges and kinds by column, after renaming.
    root : pathlib.Path or None
        No file outside this folder is read.
    rename : Mapping of str to str
        New names by old name.
    where : Mapping
        Keep only records whose column equals the value (or one of a tuple of values); the others are
        entered in the ledger as rejected with the reason "not_selected".
    encoding : str or None
        Python's name of the encoding ("utf-8", "gb18030", ...) of a text table (None: UTF-8) or of the attributes of
        a Shapefile (None: as its .cpg says).
    delimiter : str
        One character between the values of a text table.
    header : tuple of int
        Rows (from 1) of a sheet that name its columns; empty: the first that is filled.
    geometry : str or None
        Column of a text table that holds well-known text, or of a JSON table that holds a ring of [x, y].
    band : int or None
        Band (from 1) of a raster, or index (from 1) along the remaining dimension of a NetCDF variable.
    at : Mapping of str to str
        Place along a further dimension of a NetCDF or Zarr variable, by its coordinate: {"time": "2026-06-16T08:00"}.
    no_data : float or None
        Value of a raster that means "no value", where the file does not declare it.
    unit : str
        Unit of a raster's values, where the file does not declare it.
    height_unit : str or None
        Unit of z ("metre", "us_survey_foot", "foot"), where the position does not state it.
    vertical : str or None
        Vertical datum of z ("EPSG:5720", ...); None leaves heights tagged "unresolved" unless the file says it.
    tags : Mapping of str to tuple of str
        Of OpenStreetMap: a record is an entity with one of these tags, any value where none is listed. Empty: the
        usual ones of the layer.
    day : str or None
        Of a timetable: keep what runs on this service day ("2026-03-29").
    wide : Wide or None
        The table has a column for each hour, lane or site, to be made one record for each value.
    xml : XmlTable or None
        Which elements of an XML file that no reader knows are records.
    valid : Valid or None
        Keep the rows that hold on a day; the others are entered in the ledger as rejected with the reason "not_valid".
    lod : str or None
        Level of detail of a city model; None: the highest of each object.
    surfaces : bool
        Keep the surfaces of a city model (CityJSON, CityGML), so that its buildings can be drawn with their roofs.
    default_position : str, Mapping or None
        What positions mean where neither the caller nor the file says it (a format's own default does not count).
    unique : tuple of tuple of str
        Columns that together must be unique; a record whose key stands before it is quarantined.
    rules : tuple of str
        Comparisons that hold in every record, such as "min_kmh <= max_kmh"; see `layers.parse_rule`.
    repairs : tuple of Repair
        What may be mended, and from what it is known; every changed cell is recorded.
    known : Mapping of str to frozenset of str
        Ids by "dataset.column" that fields refer to.
    trust : {"declared"} or None
        "declared": the given position holds even where the file's own label contradicts it, and the layer's steps
        record it; None: such a contradiction is refused.
    limits : Limits or None
        Memory and time of the child process that reads a file; None: it is read in this process, without any.
    """

    layer: str | None = None
    time: TimeColumn | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    root: Path | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, object] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str = ","
    header: tuple[int, ...] = ()
    geometry: str | None = None
    band: int | None = None
    at: Mapping[str, str] = field(default_factory=dict)
    no_data: float | None = None
    unit: str = ""
    height_unit: str | None = None
    vertical: str | None = None
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    day: str | None = None
    wide: Wide | None = None
    xml: XmlTable | None = None
    valid: Valid | None = None
    lod: str | None = None
    surfaces: bool = False
    default_position: object = None
    unique: tuple[tuple[str, ...], ...] = ()
    rules: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)
    trust: Literal["declared"] | None = None
    limits: Limits | None = field(default_factory=Limits)
