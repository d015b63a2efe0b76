"""Text tables (CSV): all text first, every input row accounted for."""

from __future__ import annotations

import csv
import io
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import shapely

from layers.arrays import given_reasons
from layers.errors import FileRefusedError, FileUnreadableError, SchemaError
from layers.readers.records import Records, geometry_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["column_names", "parse_table", "read_csv"]

logger = logging.getLogger(__name__)

#: A quoted value may hold line breaks, but one that runs on this long is a quote that was never closed.
_MAX_QUOTED_LINES = 200
#: Above this share of undecodable rows it is the stated encoding that is wrong, not the rows.
_MAX_BAD_ENCODING = 0.1
_MAX_FIELD = 1 << 27
_HEADER = 1 << 20


def _encoding(options: ReadOptions) -> str:
    return options.encoding or "utf-8"


def column_names(header: list[str]) -> list[str]:
    """Make names unique; nameless columns get their place.

    Parameters
    ----------
    header : list of str
        As the file writes them.

    Returns
    -------
    list of str
        As long.

    Examples
    --------
    >>> column_names(["no2", "", "no2 "])
    ['no2', 'column_2', 'no2_2']
    """
    names: list[str] = []
    for i, raw in enumerate(header):
        name = raw.strip() or f"column_{i + 1}"
        unique, k = name, 2
        while unique in names:
            unique, k = f"{name}_{k}", k + 1
        names.append(unique)
    return names


def _rejections(entries: list[tuple[int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": np.array([entry[0] for entry in entries], dtype=np.int64),
            "reason": np.array([entry[1] for entry in entries], dtype=object),
            "text": np.array([entry[2] for entry in entries], dtype=object),
        }
    )


def _ragged(found: int, expected: int) -> str:
    return f"ragged_row: {found} values where the header has {expected}"


def _runs_on(table: pa.Table) -> bool:
    """Say whether a quote is still open at the end of the file: Arrow then takes the last line break for text."""
    return bool(table.num_rows) and str(table.column(table.num_columns - 1)[-1]).endswith(("\n", "\r"))


def _read_fast(data: bytes, names: list[str], options: ReadOptions) -> Records | None:
    """Parse text whose every line is a record in one go; only rows of another length are left out.

    None where a line break stands within quotes: two quotes that were never closed would swallow all rows between
    them without a trace, and only the careful way tells that from a text of several lines.
    """
    entries: list[tuple[int, str, str]] = []

    def _keep(row: pacsv.InvalidRow) -> str:
        # Rows are counted from 1 and the header is one of them.
        entries.append((row.number - 2, _ragged(row.actual_columns, row.expected_columns), row.text))
        return "skip"

    # Arrow needs an ending line break when only the header stands.
    ended = data if data.endswith((b"\n", b"\r")) else data + b"\n"
    try:
        table = pacsv.read_csv(
            pa.BufferReader(ended),
            read_options=pacsv.ReadOptions(
                column_names=names,
                skip_rows_after_names=1,
                use_threads=False,
                block_size=max(1 << 16, min(len(data) + 1, (1 << 31) - 2)),
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=options.delimiter, newlines_in_values=True, invalid_row_handler=_keep
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    count = table.num_rows + len(entries)
    if b'"' in data and (sum(map(bool, data.splitlines())) != count + 1 or _runs_on(table)):
        return None
    frame = table.to_pandas()
    if entries:
        frame.index = pd.Index(np.delete(np.arange(count), [entry[0] for entry in entries]))
    return Records(table=frame, count=count, rejected=_rejections(entries), text=True)


def _without_nameless(records: Records, header: list[str]) -> Records:
    """Drop columns that have neither a name nor a single value: trailing delimiters of a spreadsheet's export."""
    nameless = [name for name, raw in zip(records.table.columns, header, strict=True) if not raw.strip()]
    empty = [name for name in nameless if (records.table[name].str.strip() == "").all()]
    return replace(
        records, table=records.table.drop(columns=empty), nameless=frozenset(map(str, nameless)) - frozenset(empty)
    )


def _split_records(data: bytes, delimiter: str) -> Iterator[tuple[bytes, bool]]:
    """Cut into records; a quote that is never closed ends with its own line, and says so (False)."""
    mark = re.escape(delimiter.encode())
    # A quote opens a value only at its start (5" pipe is text) and closes it only at its end.
    quoted = re.compile(rb"(?:^|(?<=" + mark + rb'))"[^"]*(?:""[^"]*)*"(?=' + mark + rb"|[\r\n]*\Z)")
    opened = re.compile(rb"(?:^|" + mark + rb')"')
    lines = data.splitlines(keepends=True)
    i = 0
    while i < len(lines):
        record, j = lines[i], i
        while (
            b'"' in record
            and opened.search(quoted.sub(b"", record))
            and j + 1 < len(lines)
            and j - i < _MAX_QUOTED_LINES
        ):
            j += 1
            record += lines[j]
        closed = b'"' not in record or not opened.search(quoted.sub(b"", record))
        if not closed:
            record, j = lines[i], i
        if record.strip(b"\r\n"):
            yield record, closed
        i = j + 1


def _parse_record(record: bytes, options: ReadOptions, expected: int) -> tuple[list[str] | None, str]:
    try:
        text = record.decode(_encoding(options))
    except UnicodeDecodeError as error:
        return (
            None,
            f"bad_encoding: byte {record[error.start]:#04x} at place {error.start + 1} is not {_encoding(options)}",
        )
    try:
        values = next(csv.reader(io.StringIO(text, newline=""), delimiter=options.delimiter))
    except csv.Error as error:
        return None, f"unreadable_row: {error}"
    return (values, "") if len(values) == expected else (None, _ragged(len(values), expected))


def _read_careful(data: bytes, names: list[str], options: ReadOptions, *, label: str) -> Records:
    """Parse record by record; what is broken is rejected alone."""
    rows: list[list[str]] = []
    numbers: list[int] = []
    entries: list[tuple[int, str, str]] = []
    count = -1
    for count, (record, closed) in enumerate(_split_records(data, options.delimiter), start=-1):
        if count < 0:
            continue  # the header
        values, why = _parse_record(record, options, len(names))
        if not closed:
            values, why = None, "unbalanced_quote: a quote is opened and never closed"
        if values is None:
            entries.append((count, why, record.decode(_encoding(options), errors="backslashreplace").rstrip("\r\n")))
        else:
            rows.append(values)
            numbers.append(count)
    total = count + 1
    undecodable = sum(why.startswith("bad_encoding") for _, why, _ in entries)
    if undecodable > max(1, _MAX_BAD_ENCODING * total):
        raise FileUnreadableError(
            f"{label}: {undecodable:,} of {total:,} rows are not {_encoding(options)}; "
            "write encoding: gb18030 (or what it is)."
        )
    table = pd.DataFrame(rows, columns=names, index=np.array(numbers, dtype=np.int64), dtype="str")
    return Records(table=table, count=total, rejected=_rejections(entries), text=True)


def _header(data: bytes, options: ReadOptions, label: str) -> list[str]:
    first = next(_split_records(data[:_HEADER], options.delimiter), None)
    if first is None:
        raise FileUnreadableError(f"{label}: the file is empty; a table needs at least its header.")
    try:
        text = first[0].decode(_encoding(options))
    except UnicodeDecodeError as error:
        raise FileUnreadableError(
            f"{label}: the header is not {_encoding(options)}; write encoding: gb18030 (or what it is)."
        ) from error
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=options.delimiter))


def _to_utf8(data: bytes, options: ReadOptions, label: str) -> bytes | None:
    """Recode the text; None if some of it is not in the stated encoding."""
    try:
        if _encoding(options).lower() in {"utf-8", "utf8"}:
            if not data.isascii():
                data.decode("utf-8")
            return data
        return data.decode(_encoding(options)).encode()
    except UnicodeDecodeError:
        return None
    except LookupError as error:
        raise SchemaError(
            f"{label}: no encoding is called {_encoding(options)!r}; write utf-8, gb18030, latin-1, ..."
        ) from error


def parse_table(data: bytes, options: ReadOptions, *, label: str) -> Records:
    """Read a text table that is already in memory.

    Parameters
    ----------
    data : bytes
        The whole table, its header first.
    options : ReadOptions
        ``encoding`` and ``delimiter`` count.
    label : str
        For messages.

    Returns
    -------
    Records
        As of :func:`read_csv`; the same errors.
    """
    # The fast way, and the careful one where bytes or quotes are broken.
    clean = _to_utf8(data, options, label)
    if clean is not None:
        data, options = clean, replace(options, encoding="utf-8")
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    header = _header(data, options, label)
    names = column_names(header)
    records = _read_fast(data, names, options) if clean is not None else None
    if records is None:
        logger.info("%s: has quoted line breaks or broken text, read record by record", label)
        records = _read_careful(data, names, options, label=label)
    return _without_nameless(records, header)


def read_csv(source: Source, options: ReadOptions) -> Records:
    """Read a text table.

    Parameters
    ----------
    source : Source
        A .csv, .tsv or .txt file, perhaps gzipped.
    options : ReadOptions
        ``encoding``, ``delimiter`` (a .tsv is split at tabs) and ``geometry`` (a column of well-known text) count.

    Returns
    -------
    Records
        All text. Lines that are wholly empty are no records; rows of another length than the header, undecodable
        ones and those with a quote that never closes are rejected one by one.

    Raises
    ------
    FileRefusedError
        If it is not text.
    FileUnreadableError
        If it is empty, or not in the stated encoding.
    """
    csv.field_size_limit(_MAX_FIELD)
    if source.suffix == ".tsv" and options.delimiter == ",":
        options = replace(options, delimiter="\t")
    data = source.read()
    if b"\0" in data[:_HEADER] and not _encoding(options).lower().startswith(("utf-16", "utf_16", "utf-32", "utf_32")):
        raise FileRefusedError(
            f"{source.label}: has zero bytes and is no text table; if it is UTF-16, write encoding: utf-16."
        )
    records = parse_table(data, options, label=source.label)
    return _with_geometry(records, options.geometry, source.label) if options.geometry else records


def _with_geometry(records: Records, column: str, label: str) -> Records:
    """Read well-known text, also with the "SRID=4326;" that PostGIS puts before it."""
    if column not in records.table.columns:
        raise SchemaError(
            f"{label}: no column {column!r} for geometry; the file has {', '.join(records.table.columns)}."
        )
    text = records.table[column].astype(object).to_numpy()
    present = np.array([bool(value.strip()) for value in text], dtype=bool)
    srids = {found[1] for value in text if (found := re.match(r"\s*SRID=(\d+);", value))}
    plain = np.array([re.sub(r"^\s*SRID=\d+;", "", value) for value in text], dtype=object)
    plain[~present] = None
    geometry: NDArray[np.object_] = shapely.from_wkt(plain, on_invalid="ignore")
    return replace(
        records,
        table=records.table.drop(columns=column),
        geometry=geometry,
        faults=_with_text(geometry_faults(geometry, present, unreadable="no well-known text"), text),
        declared=f"EPSG:{srids.pop()}" if len(srids) == 1 else None,
    )


def _with_text(faults: NDArray[np.object_], text: NDArray[np.object_]) -> NDArray[np.object_]:
    """Keep what stood in the column beside the reason: the column itself leaves the table."""
    for i in np.flatnonzero(given_reasons(faults)):
        faults[i] = f"{faults[i]} ({text[i][:200]!r})"
    return faults
