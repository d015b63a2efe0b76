"""Access databases (.mdb, .accdb) through the programs of mdbtools."""

from __future__ import annotations

import io
import re
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from layers.errors import FileUnreadableError, SchemaError, listed
from layers.programs import Program
from layers.readers.records import Records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["access_tables", "read_access"]

_PACKAGE = "mdbtools"
_SEPARATOR = "\x1f"
#: A sound file takes a tenth of a second; on a cut one the programs may never end.
_SECONDS, _SECONDS_A_MB = 8.0, 1.0
#: A bit of a file may become two bytes of text ("0,"), a byte of a picture two digits.
_BYTES_FREE, _MAX_GROWTH = 64 << 20, 32
_MAX_ROWS_A_BYTE = 1
_DATE = "%Y-%m-%dT%H:%M:%S"
_COLUMN = re.compile(r"^\t\[(.*)\]\t+([^\t(,]+?)(?: \(\d+(?:, ?\d+)?\))?(?: NOT NULL)?,? *$", re.MULTILINE)
_INTEGERS = {"Byte", "Integer", "Long Integer", "BigInt"}
_NUMBERS = {"Single", "Double", "Currency", "Numeric"}
#: What Access counts days from; a value that is a time of day only stands on this date.
_NO_DATE = "1899-12-30T"


def _program(source: Source, options: ReadOptions) -> Program:
    size = source.path.stat().st_size
    return Program(
        package=_PACKAGE,
        label=source.label,
        deadline=time.monotonic() + _SECONDS + _SECONDS_A_MB * size / 1e6,
        max_bytes=_BYTES_FREE + _MAX_GROWTH * size,
        environment={"MDB_JET3_CHARSET": options.encoding} if options.encoding else {},
    )


def _names(program: Program, source: Source) -> list[str]:
    answer = program.ask("mdb-tables", "-d", _SEPARATOR, "--", str(source.path))
    try:
        return [name for name in answer.decode().rstrip("\n").split(_SEPARATOR) if name.strip()]
    except UnicodeDecodeError as error:
        raise FileUnreadableError(f"{source.label}: its list of tables is broken; fetch the file again.") from error


def access_tables(source: Source, options: ReadOptions) -> list[str]:
    """List the tables of an Access database.

    Parameters
    ----------
    source : Source
        A .mdb or .accdb file.
    options : ReadOptions
        ``encoding`` counts, for files of Access 97 and before.

    Returns
    -------
    list of str
        Names of its own tables; those linked from other files are left out.

    Raises
    ------
    ProgramMissingError
        If mdbtools is not installed.
    FileUnreadableError
        If the file is broken.
    """
    return _names(_program(source, options), source)


def _table(names: list[str], source: Source, wanted: str | None) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None or wanted not in names:
        raise SchemaError(f"{source.label}: write layer: with one of its tables {listed(names)}.")
    return wanted


def _kinds(program: Program, source: Source, table: str) -> dict[str, str]:
    text = program.ask("mdb-schema", "-T", table, "--", str(source.path)).decode(errors="replace")
    return {name: kind.strip() for name, kind in _COLUMN.findall(text)}


def _declared(program: Program, source: Source, table: str, exported: int) -> int:
    """Read how many records the table itself says it has; a cut file holds fewer."""
    answer = program.ask("mdb-count", str(source.path), table).strip()
    if not answer.isdigit() or int(answer) > exported + _MAX_ROWS_A_BYTE * source.path.stat().st_size:
        raise FileUnreadableError(f"{source.label}: the header of table {table!r} is broken; fetch the file again.")
    return max(int(answer), exported)


def read_access(source: Source, options: ReadOptions) -> Records:
    """Read one table of an Access database.

    Parameters
    ----------
    source : Source
        A .mdb or .accdb file of any version, without a password.
    options : ReadOptions
        ``layer`` (the table; needed where there are several) and ``encoding`` (of files of Access 97 and before) count.

    Returns
    -------
    Records
        Typed as the table is: dates as local date-times, a column of mere times of day as text, currency as fractions,
        binary columns as hexadecimal digits. NULL is missing, and so is an empty text: mdbtools writes them alike.
        For a character beyond the basic plane (rare Chinese ones) it writes "??".
        Records that the table counts but that cannot be found are rejected; dates that mdbtools cannot write are
        faults.

    Raises
    ------
    ProgramMissingError
        If mdbtools is not installed.
    FileUnreadableError
        If the file is broken, or has a password.
    SchemaError
        If the table is not clear.
    """
    program = _program(source, options)
    name = _table(_names(program, source), source, options.layer)
    kinds = _kinds(program, source, name)
    data = program.ask("mdb-export", "-b", "hex", "-D", _DATE, "-T", _DATE, "--", str(source.path), name)
    text = _parse(data, source, name)
    count = _declared(program, source, name, text.num_rows)
    faults = np.full(text.num_rows, None, dtype=object)
    columns = {
        column: _typed(text.column(column), kinds.get(column, "Text"), column, faults) for column in text.column_names
    }
    lost = np.arange(text.num_rows, count)
    return Records(
        table=pd.DataFrame(columns, index=pd.RangeIndex(text.num_rows)),
        count=count,
        faults=faults,
        rejected=pd.DataFrame(
            {
                "row": lost,
                "reason": np.full(len(lost), f"record_lost: the table counts {count:,}, {text.num_rows:,} can be read"),
                "text": np.full(len(lost), ""),
            }
        ).astype({"reason": object, "text": object}),
    )


def _parse(data: bytes, source: Source, table: str) -> pa.Table:
    """Split the export; what is empty and not quoted is NULL."""
    try:
        header = pacsv.read_csv(
            io.BytesIO(data.partition(b"\n")[0] + b"\n"),
            read_options=pacsv.ReadOptions(autogenerate_column_names=True),
            convert_options=pacsv.ConvertOptions(strings_can_be_null=False),
        )
        names = [str(column[0]) for column in header.columns]
        if len(set(names)) < len(names):
            raise FileUnreadableError(f"{source.label}: table {table!r} names a column twice; fetch the file again.")
        return pacsv.read_csv(
            io.BytesIO(data),
            read_options=pacsv.ReadOptions(
                column_names=names,
                skip_rows_after_names=1,
                use_threads=False,
                block_size=max(1 << 16, min(len(data) + 1, (1 << 31) - 2)),
            ),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise FileUnreadableError(f"{source.label}: table {table!r} is broken ({error}); fetch it again.") from error


def _typed(text: pa.ChunkedArray, kind: str, name: str, faults: NDArray[np.object_]) -> pd.Series:
    """Turn the text of a column into what its table says it is."""
    if kind == "DateTime":
        return _dates(text, name, faults)
    try:
        if kind == "Boolean":
            flags: pd.Series = pc.equal(text, "1").to_pandas()
            return flags.astype("boolean")
        if kind in _INTEGERS:
            whole = text.cast(pa.int64())
            if whole.null_count:
                return pd.Series(whole.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
            return pd.Series(whole.to_numpy())
        if kind in _NUMBERS:
            return pd.Series(text.cast(pa.float64()).to_numpy())
    except pa.ArrowInvalid:
        pass  # not what the table says: it is kept as it is written
    return pd.Series(text.to_pandas(), dtype="str")


def _dates(text: pa.ChunkedArray, name: str, faults: NDArray[np.object_]) -> pd.Series:
    written = pd.Series(text.to_pandas(), dtype="str")
    known = written.dropna()
    if len(known) and known.str.startswith(_NO_DATE).all():
        return written.str.removeprefix(_NO_DATE)
    read = pd.to_datetime(written, format=_DATE, errors="coerce").astype("datetime64[us]")
    for i in np.flatnonzero((read.isna() & written.notna()).to_numpy()):
        why = f"unreadable_value: {name} is a date before 1900 or far in the future, which mdbtools cannot write"
        faults[i] = why if faults[i] is None else f"{faults[i]}; {why}"
    return read
