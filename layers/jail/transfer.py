"""Values as bytes that cannot do anything: JSON for structure, raw arrays and Arrow for columns. No pickle."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
import json
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from crs import Fields, Lattice, PositionDefinition, Shapes
from crs.digits import DigitSteps
from crs.heights import HeightOperation
from crs.indirect import (
    AddressOptions,
    Calibration,
    CellOptions,
    CrossingOptions,
    LinearOptions,
    RegisterOptions,
)
from layers.clock import TimeColumn
from layers.errors import LayerError, TransferError
from layers.fields import Field, Flags, Gas
from layers.limits import Limits
from layers.options import ReadOptions, Wide, XmlTable
from layers.packed import Packed, pack_geometry
from layers.readers.raster import Pixels
from layers.readers.records import Records
from layers.sources import Source

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["dump", "load"]

_ALIGNED = 64
_READ = (
    *(Records, Packed, Pixels, Lattice, ReadOptions, TimeColumn),
    *(Field, Flags, Gas, Limits, Source, Wide, XmlTable),
)
#: What a layer as published says of its positions, for layers that are kept between two steps.
_PLACED = (
    *(PositionDefinition, HeightOperation, DigitSteps, Fields, Shapes, Calibration),
    *(AddressOptions, CellOptions, CrossingOptions, LinearOptions, RegisterOptions),
)
_DATACLASSES: Mapping[str, type] = {kind.__name__: kind for kind in (*_READ, *_PLACED)}
#: Columns of these types keep what is missing in a mask beside the values.
_MASKED = {"Int", "UInt", "Float", "boolean"}


_ASCII = 128
_TEXTS = {str(kind): kind for kind in (pa.large_string(), pa.large_binary())}


def _buffer_sizes(offsets: pa.Buffer, length: int) -> tuple[int, int, int]:
    """Return how long the three buffers of texts are: which are there, where they end, and the bytes."""
    last = int.from_bytes(memoryview(offsets)[8 * length : 8 * length + 8], "little", signed=True)
    return (length + 7) // 8, 8 * (length + 1), last


def _plain(offsets: pa.Buffer, data: pa.Buffer | None, length: int) -> bool:
    """Say whether texts are all ASCII, one behind the other: a look at the numbers, where Arrow reads each text."""
    ends = np.frombuffer(offsets, dtype=np.int64, count=length + 1)
    written = np.frombuffer(b"" if data is None else data, dtype=np.uint8)
    return bool(ends[0] == 0 and (ends[1:] >= ends[:-1]).all() and (not written.size or written.max() < _ASCII))


class _Writer:
    """Lays sections of bytes one behind the other in a file and describes values by their numbers."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self.file = file
        self.sections: list[tuple[int, int]] = []

    def section(self, data: object) -> int:
        """Append bytes; returns the number of the section."""
        held = memoryview(data)  # type: ignore[arg-type]
        view = held.cast("B") if held.nbytes else memoryview(b"")
        at = self.file.tell()
        self.file.write(view)
        self.file.write(bytes(-len(view) % _ALIGNED))
        self.sections.append((at, len(view)))
        return len(self.sections) - 1

    def array(self, values: NDArray[np.generic]) -> dict[str, Any]:
        """Append numbers, truth values or instants."""
        # What repeats along an axis crosses once.
        once = values[tuple(slice(0, 1) if step == 0 else slice(None) for step in values.strides)]
        plain = np.ascontiguousarray(once)
        raw = plain.view(np.int64) if plain.dtype.kind in "mM" else plain
        told = {"is": "array", "dtype": plain.dtype.str, "shape": list(once.shape), "at": self.section(raw.reshape(-1))}
        return told if once.shape == values.shape else {**told, "repeated": list(values.shape)}

    def arrow(self, values: pa.Array | pa.ChunkedArray) -> dict[str, Any]:
        """Append a column: text as its buffers, the rest as an Arrow stream."""
        one = values.chunk(0) if isinstance(values, pa.ChunkedArray) and values.num_chunks == 1 else values
        if isinstance(one, pa.Array) and str(one.type) in _TEXTS and not one.offset:
            needed = _buffer_sizes(one.buffers()[1], len(one))
            at = [
                None if buffer is None else self.section(memoryview(buffer)[:size])
                for buffer, size in zip(one.buffers(), needed, strict=True)
            ]
            return {"is": "buffers", "kind": str(one.type), "length": len(one), "at": at}
        table = pa.table({"values": values})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        return {"is": "arrow", "at": self.section(sink.getvalue())}

    def value(self, value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
        """Describe any value that may cross."""
        if value is None or type(value) in {bool, int, float, str}:
            return value
        for kind, write in _WRITERS.items():
            if isinstance(value, kind):
                described = write(self, value)
                return described if isinstance(described, dict) else {"is": kind.__name__, "value": described}
        if type(value).__name__ in _DATACLASSES:
            names = [item.name for item in dataclasses.fields(value)]  # type: ignore[arg-type]
            held = {name: self.value(getattr(value, name)) for name in names}
            return {"is": "dataclass", "type": type(value).__name__, "value": held}
        raise LayerError(f"a {type(value).__name__} cannot leave the reading process; this is a fault of the reader.")

    def objects(self, values: NDArray[np.object_]) -> dict[str, Any]:
        """Append objects: geometries, text, or a few kinds of single values."""
        kinds = set(map(type, values)) - {type(None)}
        if kinds and all(issubclass(kind, shapely.Geometry) for kind in kinds):
            parts = {name: self.value(part) for name, part in pack_geometry(values).items()}
            return {"is": "geometry", "length": len(values), "value": parts}
        if not kinds:
            return {"is": "nothing", "length": len(values)}
        if kinds in ({str}, {bytes}):
            large = pa.large_string() if kinds == {str} else pa.large_binary()
            try:
                return {"is": "text", "value": self.arrow(pa.array(values, type=large, from_pandas=False))}
            except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write and UTF-8 cannot
                pass
        return {"is": "objects", "value": [self.value(value) for value in values.tolist()]}

    def column(self, values: pd.Series | pd.Index) -> dict[str, Any]:
        """Append one column or index with its type."""
        kind, name = values.dtype, str(values.dtype)
        head: dict[str, Any] = {"dtype": name}
        if isinstance(values, pd.RangeIndex):
            return {**head, "is": "range", "value": [values.start, values.stop, values.step]}
        if isinstance(kind, pd.CategoricalDtype):
            ordered = bool(kind.ordered)
            held = {
                "codes": self.array(pd.Categorical(values).codes),
                "categories": self.column(pd.Index(kind.categories)),
            }
            return {**head, "is": "category", "ordered": ordered, **held}
        if isinstance(kind, pd.DatetimeTZDtype):
            return {
                **head,
                "is": "instants",
                "unit": kind.unit,
                "value": self.array(np.asarray(values.astype("int64"))),
            }
        if any(name.startswith(start) for start in _MASKED):
            missing = np.asarray(values.isna(), dtype=bool)
            filled = values.to_numpy(dtype=kind.numpy_dtype, na_value=kind.numpy_dtype.type(0))  # type: ignore[union-attr]
            return {**head, "is": "masked", "value": self.array(filled), "missing": self.array(missing)}
        if isinstance(kind, pd.StringDtype | pd.ArrowDtype):
            return {**head, "is": "string", "value": self.arrow(pa.array(values))}
        return {**head, "is": "plain", "value": self.value(values.to_numpy())}

    def frame(self, table: pd.DataFrame) -> dict[str, Any]:
        """Append a table: its columns in order, whatever their names."""
        return {
            "is": "frame",
            "index": self.column(table.index),
            "index_name": self.value(table.index.name),
            "names": self.column(table.columns),
            "names_name": self.value(table.columns.name),
            "columns": [self.column(table.iloc[:, i]) for i in range(table.shape[1])],
        }


_WRITERS: Mapping[type, Callable[[_Writer, Any], Any]] = {
    np.ndarray: lambda to, value: to.objects(value) if value.dtype == object else to.array(value),
    np.generic: lambda to, value: {"is": "scalar", "value": to.array(np.array([value]))},
    pd.DataFrame: lambda to, value: to.frame(value),
    list: lambda to, value: [to.value(item) for item in value],
    tuple: lambda to, value: [to.value(item) for item in value],
    frozenset: lambda to, value: [to.value(item) for item in sorted(value)],
    set: lambda to, value: [to.value(item) for item in sorted(value)],
    Mapping: lambda to, value: [[to.value(name), to.value(item)] for name, item in value.items()],
    Path: lambda _, value: {"is": "Path", "value": str(value)},
    bytes: lambda _, value: value.hex(),
    pd.Timestamp: lambda _, value: value.isoformat(),
    dt.datetime: lambda _, value: value.isoformat(),
    dt.date: lambda _, value: value.isoformat(),
    dt.time: lambda _, value: value.isoformat(),
}


class _Reader:
    """Makes values of what `_Writer` described; every length is checked against the bytes that are there."""

    def __init__(self, view: memoryview, sections: list[list[int]]) -> None:
        self.view = view
        self.sections = sections

    def section(self, number: int) -> memoryview:
        at, length = self.sections[number]
        if at < 0 or length < 0 or at + length > len(self.view):
            raise TransferError("a section lies outside of the message")
        return self.view[at : at + length]

    def array(self, told: Mapping[str, Any]) -> NDArray[Any]:
        kind = np.dtype(told["dtype"])
        if kind.hasobject:
            raise TransferError("an array of objects")
        values = np.frombuffer(self.section(told["at"]), dtype=kind).reshape(told["shape"])
        return np.broadcast_to(values, told["repeated"]) if "repeated" in told else values

    def arrow(self, told: Mapping[str, Any]) -> pa.ChunkedArray:
        if told["is"] == "buffers":
            return pa.chunked_array([self.buffers(told)])
        with pa.ipc.open_stream(pa.py_buffer(self.section(told["at"]))) as stream:
            column = stream.read_all().column(0)
        column.validate(full=True)
        return column

    def buffers(self, told: Mapping[str, Any]) -> pa.Array:
        length = told["length"]
        held = [None if number is None else pa.py_buffer(self.section(number)) for number in told["at"]]
        if length < 0 or held[1] is None or held[1].size != 8 * (length + 1):
            raise TransferError("texts without ends")
        sizes = _buffer_sizes(held[1], length)
        if any(buffer is not None and buffer.size != size for buffer, size in zip(held, sizes, strict=True)):
            raise TransferError("texts that lie outside of their bytes")
        values = pa.Array.from_buffers(_TEXTS[told["kind"]], length, held)
        if not _plain(held[1], held[2], length):
            values.validate(full=True)
        return values

    def value(self, told: Any) -> Any:  # noqa: ANN401 - whatever was written
        return _READERS[told["is"]](self, told) if isinstance(told, dict) else told

    def dataclass(self, told: Mapping[str, Any]) -> object:
        held = {name: self.value(item) for name, item in told["value"].items()}
        made: object = _DATACLASSES[told["type"]](**held)
        return made

    def objects(self, values: list[Any]) -> NDArray[np.object_]:
        filled = np.empty(len(values), dtype=object)
        filled[:] = [self.value(item) for item in values]
        return filled

    def column(self, told: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a pandas array, an index or a numpy array
        return _COLUMNS[told["is"]](self, told)

    def masked(self, told: Mapping[str, Any]) -> Any:  # noqa: ANN401 - one of pandas' own arrays
        build: Any = pd.api.types.pandas_dtype(told["dtype"]).construct_array_type()  # type: ignore[union-attr]
        return build(self.array(told["value"]), self.array(told["missing"]))

    def instants(self, told: Mapping[str, Any]) -> Any:  # noqa: ANN401 - one of pandas' own arrays
        unit = np.dtype(f"M8[{told['unit']}]")
        return pd.array(self.array(told["value"]).view(unit), dtype=unit).tz_localize("UTC").astype(told["dtype"])

    def string(self, told: Mapping[str, Any]) -> Any:  # noqa: ANN401 - one of pandas' own arrays
        values = self.arrow(told["value"])
        if told["dtype"].endswith("[pyarrow]"):
            return pd.arrays.ArrowExtensionArray(values)
        made = values.to_pandas().array
        return made if str(made.dtype) == told["dtype"] else made.astype(told["dtype"])

    def category(self, told: Mapping[str, Any]) -> pd.Categorical:
        categories = self.index(told["categories"], None)
        return pd.Categorical.from_codes(self.array(told["codes"]), categories, ordered=told["ordered"])

    def index(self, told: Mapping[str, Any], name: object) -> pd.Index:
        labels = self.column(told)
        return labels.rename(name) if isinstance(labels, pd.Index) else pd.Index(labels, dtype=labels.dtype, name=name)

    def frame(self, told: Mapping[str, Any]) -> pd.DataFrame:
        index = self.index(told["index"], self.value(told["index_name"]))
        columns: dict[int, pd.Series] = {}
        for i, each in enumerate(told["columns"]):
            values = self.column(each)
            columns[i] = pd.Series(values, index=index, dtype=values.dtype, copy=False)
        table = pd.DataFrame(columns, index=index, copy=False)
        return table.set_axis(self.index(told["names"], self.value(told["names_name"])), axis="columns")


def _geometry(by: _Reader, told: Mapping[str, Any]) -> NDArray[np.object_]:
    return Packed(parts={name: by.value(part) for name, part in told["value"].items()}, length=told["length"]).make()


def _text(by: _Reader, told: Mapping[str, Any]) -> NDArray[np.object_]:
    values: NDArray[np.object_] = by.arrow(told["value"]).to_numpy(zero_copy_only=False)
    return values


_READERS: Mapping[str, Callable[[_Reader, Any], Any]] = {
    "array": _Reader.array,
    "arrow": _Reader.arrow,
    "buffers": _Reader.arrow,
    "dataclass": _Reader.dataclass,
    "frame": _Reader.frame,
    "geometry": _geometry,
    "text": _text,
    "nothing": lambda _, told: np.full(told["length"], None, dtype=object),
    "objects": lambda by, told: by.objects(told["value"]),
    "scalar": lambda by, told: by.array(told["value"])[0],
    "list": lambda by, told: [by.value(item) for item in told["value"]],
    "tuple": lambda by, told: tuple(by.value(item) for item in told["value"]),
    "frozenset": lambda by, told: frozenset(by.value(item) for item in told["value"]),
    "set": lambda by, told: {by.value(item) for item in told["value"]},
    "Mapping": lambda by, told: {by.value(name): by.value(item) for name, item in told["value"]},
    "Path": lambda _, told: Path(told["value"]),
    "bytes": lambda _, told: bytes.fromhex(told["value"]),
    "Timestamp": lambda _, told: pd.Timestamp(told["value"]),
    "datetime": lambda _, told: dt.datetime.fromisoformat(told["value"]),
    "date": lambda _, told: dt.date.fromisoformat(told["value"]),
    "time": lambda _, told: dt.time.fromisoformat(told["value"]),
}


_COLUMNS: Mapping[str, Callable[[_Reader, Any], Any]] = {
    "range": lambda _, told: pd.RangeIndex(*told["value"]),
    "category": _Reader.category,
    "instants": _Reader.instants,
    "masked": _Reader.masked,
    "string": _Reader.string,
    "plain": lambda by, told: by.value(told["value"]),
}


def dump(value: object, descriptor: int) -> None:
    """Write a value to an open file.

    Parameters
    ----------
    value : object
        Records, Pixels, ReadOptions, or plain values in lists, tuples and dicts.
    descriptor : int
        Of an empty file; it stays open.

    Raises
    ------
    LayerError
        If the value holds something of a kind that does not cross.
    """
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        writer = _Writer(file)
        told = writer.value(value)
        head = json.dumps({"value": told, "sections": writer.sections}).encode("ascii")
        file.write(head)
        file.write(len(head).to_bytes(8, "little"))


def load(descriptor: int) -> object:
    """Read the value that `dump` wrote; whatever the bytes are, nothing is run.

    Parameters
    ----------
    descriptor : int
        Of the file; it stays open. Large arrays stay in it and are read when they are used.

    Returns
    -------
    object
        The value.

    Raises
    ------
    TransferError, KeyError, TypeError, IndexError or ValueError
        If the bytes are not what `dump` writes.
    """
    size = os.fstat(descriptor).st_size
    if size < 8:
        raise TransferError("an empty message")
    view = memoryview(mmap.mmap(descriptor, size, access=mmap.ACCESS_COPY))
    length = int.from_bytes(view[-8:], "little")
    if length > size - 8:
        raise TransferError("a head longer than the message")
    head = json.loads(bytes(view[size - 8 - length : size - 8]))
    collecting = gc.isenabled()
    gc.disable()  # geometries are many and form no circles
    try:
        return _Reader(view, head["sections"]).value(head["value"])
    finally:
        if collecting:
            gc.enable()
