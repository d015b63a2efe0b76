"""The tables of a GTFS archive as they are written, and the geometries that their coordinates make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.archives import open_archive
from layers.errors import FileUnreadableError, SchemaError, listed
from layers.readers.tabular import parse_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from layers.archives import Archive
    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["Feed", "Table", "first_fault", "holds_timetable", "lines_of_points", "open_feed", "points", "say"]

_NEEDED = frozenset({"trips.txt", "stop_times.txt"})
_JUNK = ("__MACOSX/", "._", ".")


@dataclass(frozen=True, eq=False)
class Table:
    """One table of a feed.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text without spaces around it; the index is the number of the row in its file, from 0.
    count : int
        Rows of the file.
    rejected : pandas.DataFrame
        ``row``, ``reason`` and ``text`` of those that are none.
    """

    frame: pd.DataFrame
    count: int
    rejected: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Feed:
    """One timetable.

    Parameters
    ----------
    archive : Archive
        The zip file.
    folder : str
        Where in it the tables lie, "" or "name/".
    options : ReadOptions
        ``encoding`` counts.
    tables : dict of str to Table
        Those that were read already.
    """

    archive: Archive
    folder: str
    options: ReadOptions
    tables: dict[str, Table] = field(default_factory=dict, repr=False)

    def has(self, name: str) -> bool:
        """Say whether the feed has a table.

        Parameters
        ----------
        name : str
            Such as "shapes.txt".

        Returns
        -------
        bool
            True if the file is there.
        """
        return self.folder + name in self.archive.names

    def table(self, name: str, columns: tuple[str, ...], *, optional: bool = False) -> Table:
        """Read a table.

        Parameters
        ----------
        name : str
            Such as "stops.txt".
        columns : tuple of str
            Those that it must have.
        optional : bool
            Whether the feed may be without it; it is then empty.

        Returns
        -------
        Table
            All its columns.

        Raises
        ------
        FileUnreadableError
            If it is missing or broken.
        SchemaError
            If columns are missing.
        """
        if name in self.tables:
            return self.tables[name]
        label = f"{self.archive.label}/{self.folder}{name}"
        if not self.has(name):
            if optional:
                return Table(pd.DataFrame(columns=list(columns), dtype="str"), 0, _no_rejections())
            raise FileUnreadableError(f"{label}: is not in the archive, which holds {listed(self.archive.names[:20])}.")
        read = parse_table(self.archive.read(self.folder + name), self.options, label=label)
        absent = [column for column in columns if column not in read.table.columns]
        if absent:
            raise SchemaError(f"{label}: has no column {listed(absent)}; it has {listed(read.table.columns)}.")
        stripped = pd.DataFrame({column: values.str.strip() for column, values in read.table.items()})
        self.tables[name] = Table(stripped, read.count, read.rejected)
        return self.tables[name]


def _no_rejections() -> pd.DataFrame:
    return pd.DataFrame({"row": np.array([], dtype=np.int64), "reason": [], "text": []})


def _folders(archive: Archive) -> list[str]:
    """Find the folders of an archive that hold a timetable."""
    held: dict[str, set[str]] = {}
    for name in archive.names:
        folder, _, last = name.rpartition("/")
        if not name.startswith(_JUNK):
            held.setdefault(f"{folder}/" if folder else "", set()).add(last)
    return [folder for folder, names in held.items() if names >= _NEEDED]


def holds_timetable(source: Source) -> bool:
    """Tell a GTFS archive from other zip files.

    Parameters
    ----------
    source : Source
        A zip file.

    Returns
    -------
    bool
        True if one of its folders holds trips.txt and stop_times.txt.
    """
    return bool(_folders(open_archive(source)))


def open_feed(source: Source, options: ReadOptions) -> Feed:
    """Find the timetable in an archive.

    Parameters
    ----------
    source : Source
        A zip file.
    options : ReadOptions
        ``encoding`` counts.

    Returns
    -------
    Feed
        Of the folder that holds one.

    Raises
    ------
    FileUnreadableError
        If there is none, or several.
    """
    archive = open_archive(source)
    folders = _folders(archive)
    if len(folders) == 1:
        return Feed(archive, folders[0], options)
    found = f"holds several timetables ({listed(folders)}); pack each alone" if folders else "holds no timetable"
    raise FileUnreadableError(f"{source.label}: {found}.")


def say(mask: NDArray[np.bool_] | pd.Series, text: Callable[[int], str]) -> NDArray[np.object_]:
    """Write a reason for each masked row.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (n,)
        Rows with a fault.
    text : callable
        Makes "code: detail" from the place of the row.

    Returns
    -------
    numpy.ndarray of object, shape (n,)
        None elsewhere.
    """
    reasons = np.full(len(mask), None, dtype=object)
    for i in np.flatnonzero(mask):
        reasons[i] = text(int(i))
    return reasons


def first_fault(*faults: NDArray[np.object_]) -> NDArray[np.object_]:
    """Keep the first reason of each row.

    Parameters
    ----------
    *faults : numpy.ndarray of object, shape (n,)
        None where a row is sound.

    Returns
    -------
    numpy.ndarray of object, shape (n,)
        None where all are sound.
    """
    merged = faults[0].copy()
    for part in faults[1:]:
        empty = np.array([reason is None for reason in merged], dtype=bool)
        merged[empty] = part[empty]
    return merged


def _numbers(text: pd.Series) -> NDArray[np.float64]:
    return pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)


def points(frame: pd.DataFrame, lon: str, lat: str) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Make points of two columns in degrees.

    Parameters
    ----------
    frame : pandas.DataFrame of str
        With the columns.
    lon, lat : str
        Their names.

    Returns
    -------
    geometry : numpy.ndarray of shapely points, shape (n,)
        None where there is a reason, or nothing is written.
    reasons : numpy.ndarray of object, shape (n,)
        "unreadable_number", "out_of_range", "null_island" or None.
    """
    x, y = _numbers(frame[lon]), _numbers(frame[lat])
    blank = ((frame[lon] == "") & (frame[lat] == "")).to_numpy()
    unread = ~blank & ~(np.isfinite(x) & np.isfinite(y))
    off = ~blank & ~unread & ((np.abs(x) > 180) | (np.abs(y) > 90))
    null = ~blank & (x == 0) & (y == 0)

    def _detail(code: str) -> Callable[[int], str]:
        return lambda i: f"{code}: {lon} is {frame[lon].iloc[i]!r}, {lat} is {frame[lat].iloc[i]!r}"

    reasons = first_fault(
        say(unread, _detail("unreadable_number")), say(off, _detail("out_of_range")), say(null, _detail("null_island"))
    )
    geometry = np.full(len(frame), None, dtype=object)
    good = ~(blank | unread | off | null)
    geometry[good] = shapely.points(x[good], y[good])
    return geometry, reasons


def lines_of_points(frame: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.object_], NDArray[np.object_]]:
    """Make the lines of shapes.txt.

    Parameters
    ----------
    frame : pandas.DataFrame of str
        ``shape_id``, ``shape_pt_lon``, ``shape_pt_lat`` and ``shape_pt_sequence``, in any order.

    Returns
    -------
    shapes : pandas.DataFrame
        ``shape_id`` and ``points`` (how many), in the order in which they first come.
    geometry : numpy.ndarray of shapely lines, shape (n,)
        None where there is a reason.
    reasons : numpy.ndarray of object, shape (n,)
        Why a shape is no line: one bad point spoils it.
    """
    codes, names = pd.factorize(frame["shape_id"])
    place, wrong = points(frame, "shape_pt_lon", "shape_pt_lat")
    order = _numbers(frame["shape_pt_sequence"])
    wrong = first_fault(
        wrong,
        say(
            np.isnan(order), lambda i: f"unreadable_number: shape_pt_sequence is {frame['shape_pt_sequence'].iloc[i]!r}"
        ),
        say(shapely.is_missing(place), lambda _: "no_geometry: a point has no coordinates"),
    )
    reasons = np.full(len(names), None, dtype=object)
    for i in np.flatnonzero(wrong != None)[::-1]:  # noqa: E711 - element by element
        reasons[codes[i]] = f"{wrong[i]} (row {frame.index[i]} of shapes.txt)"
    size = np.bincount(codes, minlength=len(names))
    reasons = first_fault(reasons, say(size < 2, lambda _: "invalid_geometry: the shape has a single point"))
    sound = np.array([reason is None for reason in reasons], dtype=bool)
    sorted_ = np.lexsort((order, codes))
    sorted_ = sorted_[sound[codes[sorted_]]]
    geometry = np.full(len(names), None, dtype=object)
    xy = shapely.get_coordinates(place[sorted_])
    number = np.cumsum(sound) - 1
    geometry[sound] = shapely.linestrings(xy, indices=number[codes[sorted_]])
    return pd.DataFrame({"shape_id": names.astype("str"), "points": size}), geometry, reasons
