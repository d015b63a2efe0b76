"""Read only those rows of a table that are asked for: its row groups say between which numbers theirs lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from twin.errors import StoreDamagedError
from twin.storage.footers import open_checked

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    import pyarrow.parquet as pq

    from twin.storage.snapshot import Snapshot

__all__ = ["all_rows", "columns_of", "rows_between", "rows_of"]


def columns_of(snapshot: Snapshot, name: str) -> list[str]:
    """Return the columns of a table.

    Parameters
    ----------
    snapshot : Snapshot
        Where it is.
    name : str
        Path inside the snapshot.

    Returns
    -------
    list of str
        Names.
    """
    return [str(column) for column in open_checked(snapshot, _files(snapshot, name)[0]).schema_arrow.names]


def all_rows(snapshot: Snapshot, name: str, *, columns: list[str]) -> pd.DataFrame:
    """Return all rows of a table.

    Parameters
    ----------
    snapshot : Snapshot
        Where it is.
    name : str
        Path inside the snapshot; the table may be one file, or a folder of them.
    columns : list of str
        Columns to read.

    Returns
    -------
    pandas.DataFrame
        In the order of the file.
    """
    files = (open_checked(snapshot, part) for part in _files(snapshot, name))
    return _together([_chosen(file, columns, [True] * file.num_row_groups) for file in files])


def rows_between(
    snapshot: Snapshot, name: str, column: str, *, first: int, last: int, columns: list[str] | None = None
) -> pd.DataFrame:
    """Return the rows of a table whose number in a column lies between two, both included.

    Parameters
    ----------
    snapshot : Snapshot
        Where it is.
    name : str
        Path inside the snapshot; the table may be one file, or a folder of them.
    column : str
        Of integers.
    first, last : int
        Least and greatest.
    columns : list of str, optional
        Columns to read, that one among them; all if left out.

    Returns
    -------
    pandas.DataFrame
        In the order of the file.
    """
    parts = [
        _chosen(file, columns, [low <= last and high >= first for low, high in _bounds(file, column)])
        for file in (open_checked(snapshot, part) for part in _files(snapshot, name))
    ]
    frame = _together(parts)
    numbers = frame[column].to_numpy()
    return frame[(numbers >= first) & (numbers <= last)].reset_index(drop=True)


def rows_of(
    snapshot: Snapshot, name: str, column: str, wanted: npt.NDArray[np.int64], *, columns: list[str] | None = None
) -> pd.DataFrame:
    """Return the rows of a table that have one of some numbers in a column.

    Parameters
    ----------
    snapshot : Snapshot
        Where it is.
    name : str
        Path inside the snapshot; the table may be one file, or a folder of them.
    column : str
        Of integers.
    wanted : ndarray of int64
        Ascending.
    columns : list of str, optional
        Columns to read, that one among them; all if left out.

    Returns
    -------
    pandas.DataFrame
        In the order of the file.
    """
    parts = []
    for file in (open_checked(snapshot, part) for part in _files(snapshot, name)):
        places = [np.searchsorted(wanted, (low, high + 1)) for low, high in _bounds(file, column)]
        parts.append(_chosen(file, columns, [bool(start < end) for start, end in places]))
    frame = _together(parts)
    return frame[np.isin(frame[column].to_numpy(), wanted)].reset_index(drop=True)


def _files(snapshot: Snapshot, name: str) -> list[str]:
    """Return the files of a table: itself, or those of a dataset that was taken in partitions."""
    listed = snapshot.manifest["files"]
    parts = [name] if name in listed else sorted(p for p in listed if p.startswith(f"{name.removesuffix('.parquet')}/"))
    if not parts:
        raise StoreDamagedError(
            f"{name} is not listed in the manifest of snapshot {snapshot.id}: run `twin build` again"
        )
    return parts


def _bounds(file: pq.ParquetFile, column: str) -> list[tuple[int, int]]:
    """Return least and greatest number of a column in each row group."""
    place = file.schema_arrow.get_field_index(column)
    found = []
    for number in range(file.num_row_groups):
        told = file.metadata.row_group(number).column(place).statistics
        known = told is not None and told.has_min_max
        found.append((int(told.min), int(told.max)) if known else (0, int(np.iinfo(np.uint64).max)))
    return found


def _chosen(file: pq.ParquetFile, columns: list[str] | None, wanted: list[bool]) -> pa.Table:
    return file.read_row_groups([number for number, asked in enumerate(wanted) if asked], columns=columns)


def _together(parts: list[pa.Table]) -> pd.DataFrame:
    table = parts[0] if len(parts) == 1 else pa.concat_tables(parts, promote_options="permissive")
    frame: pd.DataFrame = table.to_pandas()
    return frame
