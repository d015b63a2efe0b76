"""Tables in partitions, each with its ledger."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from dask.base import tokenize

from layers.errors import FileRefusedError, FileUnreadableError, LedgerError, SchemaError
from layers.lazy.accounts import Account
from layers.options import ReadOptions
from layers.readers.geoparquet import records_of
from layers.readers.tabular import parse_table
from layers.reading import to_layer
from layers.registry import resolve_format
from layers.sources import resolve_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from layers.model import Layer
    from layers.readers.records import Records

__all__ = ["Part", "Stream", "read_csv", "read_parquet"]

_URL = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SCAN = 1 << 24
_FAN_IN = 16
#: A stray quote may hide line ends; a part that would grow by more than this is refused.
_MAX_OPEN = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a file that is read by itself.

    Parameters
    ----------
    where, label : str
        Path or address, and how the caller named it.
    start, stop : int
        Bytes of a text table, or row groups of a Parquet file.
    header : bytes
        First line of a text table; empty for Parquet.
    records : int or None
        Records in it, where the file says it.
    """

    where: str
    label: str
    start: int
    stop: int
    header: bytes = b""
    records: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """A table in parts, none of which is read yet.

    Parameters
    ----------
    dataset : str
        Its name.
    parts : tuple of Part
        In the order of the file; together they are the whole of it.
    position : object
        What its positions mean.
    options : ReadOptions
        How to read it. Columns that ``fields`` gives no kind stay as a text table writes them: what they look like in
        one part says nothing of the others.
    aside : pathlib.Path or None
        Folder for the records that are set aside, a Parquet file a part; None: they are counted only.
    token : str
        The same for the same file, size, time of change and options.
    """

    dataset: str
    parts: tuple[Part, ...]
    position: object
    options: ReadOptions
    aside: Path | None
    token: str

    def delayed(self, function: Callable[[Layer], Any]) -> list[Any]:
        """Plan to make something of each part.

        Parameters
        ----------
        function : callable
            Takes the layer of a part and returns what shall be kept of it.

        Returns
        -------
        list of dask.delayed.Delayed
            One a part: what the function returned, and the part's `Account`.
        """
        token = tokenize(self.token, function)
        return [
            dask.delayed(_take)(part, self, function, k, dask_key_name=f"layers-{self.dataset}-{token}-{k}")
            for k, part in enumerate(self.parts)
        ]

    def compute(self, function: Callable[[Layer], Any], *, combine: Callable[[Any, Any], Any]) -> tuple[Any, Account]:
        """Read everything, part by part, within the memory of as many parts as there are workers.

        Parameters
        ----------
        function : callable
            Takes the layer of a part and returns what shall be kept of it.
        combine : callable
            Takes what two neighbouring parts gave and returns one of it; associative.

        Returns
        -------
        value : object
            Of all parts; None of a table without a part.
        account : Account
            Of all records of the file.

        Raises
        ------
        LedgerError
            If a part is not in the account, or holds another number of records than the file says.
        """
        level = self.delayed(function)
        while len(level) > 1:
            groups = [level[i : i + _FAN_IN] for i in range(0, len(level), _FAN_IN)]
            level = [dask.delayed(_fold)(group, combine) for group in groups]
        value, account = dask.compute(level[0])[0] if level else (None, Account())
        if account.partitions != len(self.parts):
            raise LedgerError(f"{self.dataset}: {account.partitions} of {len(self.parts)} parts are in the account.")
        stated = [part.records for part in self.parts]
        known = sum(count for count in stated if count is not None)
        if None not in stated and account.records_in != known:
            raise LedgerError(f"{self.dataset}: {account.records_in:,} of {known:,} records are in the account.")
        return value, account

    def __repr__(self) -> str:
        return f"<Stream {self.dataset!r}: {len(self.parts):,} parts, nothing read>"

    def __dask_tokenize__(self) -> tuple[str, str]:
        return ("layers.Stream", self.token)


def _fold(parts: list[tuple[Any, Account]], combine: Callable[[Any, Any], Any]) -> tuple[Any, Account]:
    return reduce(lambda a, b: (combine(a[0], b[0]), a[1] + b[1]), parts)


def _take(part: Part, stream: Stream, function: Callable[[Layer], Any], number: int) -> tuple[Any, Account]:
    """Read one part, account for it, and make of it what is wanted."""
    records = _records(part, stream.options)
    label = f"{part.label}#{number}"
    layer = to_layer(
        records,
        position=stream.position,
        dataset=stream.dataset,
        options=stream.options,
        sources={label: records.count},
    )
    ledger = layer.ledger
    if stream.aside is not None and len(ledger.quarantined) + len(ledger.rejected):
        kept = pd.concat([ledger.quarantined.assign(fate="quarantined"), ledger.rejected.assign(fate="rejected")])
        kept.astype("str").to_parquet(stream.aside / f"{stream.dataset}-{number:06d}.parquet", index=False)
    counts = ledger.reasons()
    reasons = {f"{fate}: {code}": int(count) for fate, code, count in counts.itertuples(index=False)}
    account = Account(
        records_in=ledger.records_in,
        placed=ledger.placed,
        quarantined=len(ledger.quarantined),
        rejected=len(ledger.rejected),
        reasons=reasons,
        partitions=1,
    )
    return function(layer), account


def _records(part: Part, options: ReadOptions) -> Records:
    with _open(part.where) as file:
        if part.header:
            file.seek(part.start)
            data = file.read(part.stop - part.start)
            return replace(parse_table(part.header + data, options, label=part.label), text=False)
        try:
            table = pq.ParquetFile(file, page_checksum_verification=True).read_row_groups(
                list(range(part.start, part.stop)), use_threads=False
            )
        except (pa.ArrowException, OSError) as error:
            raise FileUnreadableError(f"{part.label}: broken Parquet ({error}); fetch the file again.") from error
    return records_of(table, part.label).with_geometry()


@contextmanager
def _open(where: str) -> Iterator[BinaryIO]:
    with fsspec.open(where, "rb") if _URL.match(where) else Path(where).open("rb") as file:
        yield file


def _locate(source: str | Path, options: ReadOptions, *, remote: bool) -> tuple[str, str, int, object]:
    """Find a file: here within the root, or where the caller names a storage and says that it is one."""
    if remote and _URL.match(str(source)):
        system, path = fsspec.core.url_to_fs(str(source))
        try:
            told = system.info(path)
        except (OSError, ValueError) as error:
            raise FileRefusedError(f"{source}: cannot be found ({error}); check the address.") from error
        return str(source), str(source), int(told["size"]), told.get("ETag") or told.get("mtime") or told.get("created")
    found = resolve_source(source, root=options.root)
    resolve_format(found)
    if found.packed:
        raise FileRefusedError(f"{found.label}: a packed file has no parts; unpack it, or store it as Parquet.")
    told = found.path.stat()
    return str(found.path), found.label, told.st_size, told.st_mtime_ns


def _stream(parts: list[Part], source: str | Path, position: object, told: dict[str, Any]) -> Stream:
    options: ReadOptions = told["options"]
    whole = [name for name in ("unique", "wide") if getattr(options, name)]
    whole += ["repairs"] if any(repair.rule == "deduplicate" for repair in options.repairs) else []
    whole += [f"fields.{name}.unique" for name, rule in options.fields.items() if rule.unique]
    if whole:
        raise SchemaError(
            f"{source}: {whole[0]} compares all records of a file, and a stream holds one part at a time."
        )
    aside = told["aside"]
    if aside is not None:
        aside.mkdir(parents=True, exist_ok=True)
    name = re.split(r"[/\\]", str(source))[-1].split(".")[0]
    token = tokenize(parts, position, options, told["stamp"])
    return Stream(dataset=name, parts=tuple(parts), position=position, options=options, aside=aside, token=token)


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
    where, label, size, stamp = _locate(source, options, remote=remote)
    with _open(where) as file:
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
    return _stream(parts, source, position, {"options": options, "aside": aside, "stamp": stamp})


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
    where, label, _, stamp = _locate(source, options, remote=remote)
    try:
        with _open(where) as file:
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
    return _stream(parts, source, position, {"options": options, "aside": aside, "stamp": stamp})
