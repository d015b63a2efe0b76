"""Tables in partitions, each with its ledger."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from layers.errors import FileRefusedError, FileUnreadableError
from layers.lazy.streams import Part, Stream, locate, open_file, plan_stream
from layers.options import ReadOptions
from layers.readers.geoparquet import records_of
from layers.readers.tabular import parse_table

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from layers.readers.records import Records

__all__ = ["read_csv", "read_parquet"]

_SCAN = 1 << 24
#: A stray quote may hide line ends; a part that would grow by more than this is refused.
_MAX_OPEN = 64 << 20


def _read_text(part: Part, options: ReadOptions, _: object) -> Records:
    with open_file(part.where) as file:
        file.seek(part.start)
        data = file.read(part.stop - part.start)
    return replace(parse_table(part.header + data, options, label=part.label), text=False)


def _read_groups(part: Part, _: ReadOptions, __: object) -> Records:
    with open_file(part.where) as file:
        try:
            table = pq.ParquetFile(file, page_checksum_verification=True).read_row_groups(
                list(range(part.start, part.stop)), use_threads=False
            )
        except (pa.ArrowException, OSError) as error:
            raise FileUnreadableError(f"{part.label}: broken Parquet ({error}); fetch the file again.") from error
    return records_of(table, part.label).with_geometry()


def read_csv(
    source: str | Path,
    *,
    position: object = None,
    options: ReadOptions | None = None,
    partition_mb: float = 32.0,
    aside: Path | None = None,
    remote: bool = False,
) -> Stream:
    """Plan to read a text table part by part.

    Parameters
    ----------
    source : str or pathlib.Path
        A .csv or .tsv file, or the address of one.
    position : object
        What the positions mean, as of `layers.read`.
    options : ReadOptions or None
        What the file does not say; state the ``kind`` of columns of numbers.
    partition_mb : float
        Size of a part, megabytes.
    aside : pathlib.Path or None
        Folder for records that are set aside.
    remote : bool
        Whether an address such as "s3://bucket/a.csv" may be read, by fsspec; else it is refused.

    Returns
    -------
    Stream
        Its line ends were looked at, once, and nothing else.

    Raises
    ------
    FileRefusedError
        If it is packed, remote without leave, or its quotes hide all line ends.
    """
    options = options or ReadOptions()
    if str(source).lower().endswith(".tsv") and options.delimiter == ",":
        options = replace(options, delimiter="\t")
    if (options.encoding or "").lower().startswith(("utf-16", "utf_16", "utf-32", "utf_32")):
        raise FileRefusedError(f"{source}: {options.encoding} cannot be cut at line ends; recode it to UTF-8.")
    where, label, size, stamp = locate(source, options, remote=remote)
    with open_file(where) as file:
        header = file.readline()
        cuts = _cuts(file, size, length=int(partition_mb * 1e6), label=label)
    parts = [
        Part(
            where=where,
            label=label,
            start=start,
            stop=stop,
            header=header if header.endswith(b"\n") else header + b"\n",
        )
        for start, stop in pairwise(cuts)
    ]
    return plan_stream(
        parts, source, position, {"options": options, "aside": aside, "stamp": stamp, "read": _read_text}
    )


def _cuts(file: BinaryIO, size: int, *, length: int, label: str) -> list[int]:
    """Find line ends from here on, about every `length` bytes, before which all quotes are closed."""
    at = file.tell()
    cuts, odd = [at], 0
    while block := file.read(_SCAN):
        place = 0
        while (target := max(place, cuts[-1] + length - at)) < len(block):
            end = block.find(b"\n", target)
            if end < 0:
                break
            odd ^= block.count(b'"', place, end) & 1
            place = end + 1
            if not odd:
                cuts.append(at + place)
            elif at + place - cuts[-1] > length + _MAX_OPEN:
                raise FileRefusedError(f"{label}: a quote is open from byte {cuts[-1]:,} on; read it with layers.read.")
        odd ^= block.count(b'"', place) & 1
        at += len(block)
    return cuts if cuts[-1] >= size else [*cuts, size]


def read_parquet(
    source: str | Path,
    *,
    position: object = None,
    options: ReadOptions | None = None,
    partition_mb: float = 64.0,
    aside: Path | None = None,
    remote: bool = False,
) -> Stream:
    """Plan to read a Parquet or GeoParquet file part by part.

    Parameters
    ----------
    source : str or pathlib.Path
        The file, or the address of one.
    position : object
        What the positions mean, where the file does not say it.
    options : ReadOptions or None
        What the file does not say.
    partition_mb : float
        Unpacked size of a part, megabytes; a row group is never cut.
    aside : pathlib.Path or None
        Folder for records that are set aside.
    remote : bool
        Whether an address such as "s3://bucket/a.parquet" may be read, by fsspec; else it is refused.

    Returns
    -------
    Stream
        Its footer was read, and nothing else.

    Raises
    ------
    FileUnreadableError
        If the footer is broken.
    """
    options = options or ReadOptions()
    where, label, _, stamp = locate(source, options, remote=remote)
    try:
        with open_file(where) as file:
            told = pq.ParquetFile(file).metadata
    except (pa.ArrowException, OSError) as error:
        raise FileUnreadableError(f"{label}: broken Parquet ({error}); fetch the file again.") from error
    parts: list[Part] = []
    start, held, count = 0, 0, 0
    for k in range(told.num_row_groups):
        group = told.row_group(k)
        if k > start and held + group.total_byte_size > partition_mb * 1e6:
            parts.append(Part(where=where, label=label, start=start, stop=k, records=count))
            start, held, count = k, 0, 0
        held, count = held + group.total_byte_size, count + group.num_rows
    parts.append(Part(where=where, label=label, start=start, stop=told.num_row_groups, records=count))
    return plan_stream(
        parts, source, position, {"options": options, "aside": aside, "stamp": stamp, "read": _read_groups}
    )
