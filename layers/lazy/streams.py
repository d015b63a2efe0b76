"""A file in parts: what a part is, how it is read and accounted for, and how the accounts are added up."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
import fsspec
import pandas as pd
from dask.base import tokenize

from layers.errors import FileRefusedError, LedgerError, SchemaError
from layers.lazy.accounts import Account
from layers.reading import to_layer
from layers.registry import resolve_format
from layers.sources import resolve_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from layers.model import Layer
    from layers.options import ReadOptions
    from layers.readers.records import Records

__all__ = ["Part", "Stream", "locate", "open_file", "plan_stream"]

_URL = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_FAN_IN = 16


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a file that is read by itself.

    Parameters
    ----------
    where, label : str
        Path or address, and how the caller named it.
    start, stop : int
        Bytes of a text table or PBF file, or row groups of a Parquet file.
    header : bytes
        First line of a text table, first blob of a PBF file; empty for Parquet.
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
    """A file in parts, none of which is read yet.

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
    read : callable
        Makes records of a part, the options and what ``first`` returned.
    first : callable or None
        What is done once, in a worker, before any part is read.
    """

    dataset: str
    parts: tuple[Part, ...]
    position: object
    options: ReadOptions
    aside: Path | None
    token: str
    read: Callable[[Part, ReadOptions, Any], Records]
    first: Callable[[], Any] | None = None

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
        key = f"layers-{self.dataset}-{tokenize(self.token, function)}"
        ready = None if self.first is None else dask.delayed(self.first)(dask_key_name=f"{key}-first")
        return [
            dask.delayed(_take)(part, self, function, number=k, ready=ready, dask_key_name=f"{key}-{k}")
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


def _take(
    part: Part, stream: Stream, function: Callable[[Layer], Any], *, number: int, ready: object
) -> tuple[Any, Account]:
    """Read one part, account for it, and make of it what is wanted."""
    records = stream.read(part, stream.options, ready)
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


@contextmanager
def open_file(where: str) -> Iterator[BinaryIO]:
    """Open a path or an address.

    Parameters
    ----------
    where : str
        As a `Part` has it.

    Yields
    ------
    binary file
        Closed at the end.
    """
    with fsspec.open(where, "rb") if _URL.match(where) else Path(where).open("rb") as file:
        yield file


def locate(source: str | Path, options: ReadOptions, *, remote: bool) -> tuple[str, str, int, object]:
    """Find a file: here within the root, or where the caller names a storage and says that it is one.

    Parameters
    ----------
    source : str or pathlib.Path
        A file or an address.
    options : ReadOptions
        For its root.
    remote : bool
        Whether an address may be opened.

    Returns
    -------
    where, label : str
        Path or address, and how the caller named it.
    size : int
        Bytes.
    stamp : object
        Another after each change.

    Raises
    ------
    FileRefusedError
        If it cannot be found, may not be read, or is packed.
    """
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


def plan_stream(parts: list[Part], source: str | Path, position: object, told: dict[str, Any]) -> Stream:
    """Put parts together to a stream.

    Parameters
    ----------
    parts : list of Part
        In the order of the file.
    source : str or pathlib.Path
        How the caller named it.
    position : object
        What its positions mean.
    told : dict
        "options", "aside", "stamp", "read" and perhaps "first".

    Returns
    -------
    Stream
        Nothing is read.

    Raises
    ------
    SchemaError
        If an option compares all records with each other.
    """
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
    return Stream(
        dataset=name,
        parts=tuple(parts),
        position=position,
        options=options,
        aside=aside,
        token=token,
        read=told["read"],
        first=told.get("first"),
    )
