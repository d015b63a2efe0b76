"""Excel workbooks (.xlsx, .xlsm): cell by cell through openpyxl; errors and blanks are kept apart."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from openpyxl.utils import get_column_letter, range_boundaries

from layers.archives import open_archive
from layers.errors import FileRefusedError, FileUnreadableError, SchemaError, listed
from layers.readers.records import Records
from layers.readers.tabular import column_names
from layers.schema import infer_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from layers.archives import Archive
    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["read_excel"]

#: More than any office sends; a sheet that says one cell stands in its last corner must not fill memory.
_MAX_CELLS = 50_000_000
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*[\"']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})[\"']")
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}sheet"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ABSENT = "#N/A"
_BROKEN = (
    zipfile.BadZipFile, DefusedXmlException, SyntaxError, OSError, LookupError, ValueError, TypeError,
    AttributeError, EOFError, OverflowError, zlib.error,
)  # fmt: skip


@dataclass
class _Sheet:
    """The filled cells of one sheet by row, from 1, and what was found in them."""

    rows: dict[int, list[Any]] = field(default_factory=dict)
    formulas: dict[tuple[int, int], None] = field(default_factory=dict)
    absent: int = 0
    faults: dict[int, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fault(self, row: int, text: str) -> None:
        self.faults.setdefault(row, []).append(text)


def _at(row: int, column: int) -> str:
    return f"{get_column_letter(column + 1)}{row}"


def _cells(book: openpyxl.Workbook, title: str) -> Iterator[list[Any]]:
    """Yield the cells of a sheet row by row."""
    sheet = book[title]
    sheet.reset_dimensions()  # programs write a wrong one, and then rows are lost
    yield from sheet.iter_rows()


def _fill(sheet: _Sheet, book: openpyxl.Workbook, title: str, source: Source) -> None:
    total = 0
    for number, cells in enumerate(_cells(book, title), start=1):
        values = [_value(sheet, cell.value, cell.data_type, (number, i)) for i, cell in enumerate(cells)]
        while values and values[-1] is None:
            values.pop()
        total += len(values)
        if total > _MAX_CELLS:
            raise FileRefusedError(
                f"{source.label}: sheet {title!r} has more than {_MAX_CELLS:,} cells; export it as CSV."
            )
        if values:
            sheet.rows[number] = values


def _value(sheet: _Sheet, value: Any, kind: str, place: tuple[int, int]) -> Any:  # noqa: ANN401 - a cell holds anything
    if kind == "f":
        sheet.formulas[place] = None
        return value
    if kind == "e" and value == _ABSENT:
        sheet.absent += 1
        return None
    if kind == "e":
        sheet.fault(place[0], f"error_value: {_at(*place)} holds {value}")
        return None
    return None if isinstance(value, str) and not value.strip() else value


def _fill_results(sheet: _Sheet, book: openpyxl.Workbook, title: str) -> None:
    """Put the stored results in the place of formulas; one that was never calculated is a fault of its row."""
    wanted = sheet.formulas
    for number, cells in enumerate(_cells(book, title), start=1):
        for i, cell in enumerate(cells):
            if (number, i) not in wanted:
                continue
            # An empty text is a result of its own kind; a number without a value is none.
            if cell.value is None and cell.data_type == "n":
                sheet.fault(number, f"no_result: {_at(number, i)} is a formula that was never calculated")
            sheet.rows[number][i] = _value(sheet, cell.value, cell.data_type, (number, i))


def _part(archive: Archive, title: str) -> str | None:
    """Find the file of a sheet within the workbook."""
    links = {
        item.get("Id"): str(item.get("Target"))
        for item in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"), forbid_dtd=True)
    }
    for item in ElementTree.fromstring(archive.read("xl/workbook.xml"), forbid_dtd=True).iter(_SHEET):
        if item.get("name") == title:
            target = links.get(item.get(_LINK), "")
            name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return name if name in archive.names else None
    return None


def _spread_merged(sheet: _Sheet, archive: Archive, title: str, header: int) -> None:
    """Let merged cells say what they say in every cell of a header, and in every row of the table."""
    part = _part(archive, title)
    if part is None:
        return
    spread, budget = 0, _MAX_CELLS
    last = max(sheet.rows, default=0)
    for found in _MERGED.findall(archive.read(part)):
        left, top, right, bottom = range_boundaries(found.decode())
        value = next(iter(sheet.rows.get(top, [])[left - 1 : left]), None)
        bottom, right = min(bottom, last), right if top <= header else left
        budget -= (bottom - top + 1) * (right - left + 1)
        if value is None or budget < 0:
            continue
        for number in range(top, bottom + 1):
            row = sheet.rows.setdefault(number, [])
            row.extend([None] * (right - len(row)))
            row[left - 1 : right] = [value] * (right - left + 1)
        spread += int(top > header and bottom > top)
    if spread:
        sheet.notes.append(f"read: {spread:,} merged cells hold for every row that they span")


def _header(sheet: _Sheet, options: ReadOptions, label: str) -> tuple[int, ...]:
    if options.header:
        return options.header
    first = min(sheet.rows, default=0)
    if not first:
        raise FileUnreadableError(f"{label}: the sheet is empty; a table needs at least its header.")
    named = sum(value is not None for value in sheet.rows[first])
    width = max(sum(value is not None for value in row) for row in sheet.rows.values())
    if 2 * named < width:
        raise SchemaError(
            f"{label}: row {first} holds {named} of {width} names and looks like a title; "
            "write header: with the number of the row that names the columns, or a list of such rows."
        )
    return (first,)


def _names(sheet: _Sheet, header: Sequence[int], width: int) -> list[str]:
    """Join the rows of a header; what a merged cell says on both is said once."""
    levels = [sheet.rows.get(row, []) for row in header]
    texts = [[_text(row[i]) if i < len(row) and row[i] is not None else "" for row in levels] for i in range(width)]
    return column_names([" ".join(dict.fromkeys(" ".join(text.split()) for text in parts if text)) for parts in texts])


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, dt.datetime | dt.date | dt.time) else str(value)


def _column(values: list[Any], index: pd.Index[int], *, keep: bool) -> pd.Series:
    """Type a column if all of its cells are of one kind; texts that are all numbers become numbers, "007" does not."""
    kinds = {type(value) for value in values if value is not None}
    if keep or not kinds:
        return pd.Series([None if value is None else _text(value) for value in values], index=index, dtype="str")
    if kinds == {bool}:
        return pd.Series(values, index=index, dtype="boolean" if None in values else "bool")
    if kinds == {dt.datetime}:
        return pd.Series(values, index=index, dtype="datetime64[us]")
    if kinds <= {int, float}:
        numbers = pd.Series([np.nan if value is None else value for value in values], index=index, dtype="float64")
        whole = kinds == {int} and all(value is None or abs(value) < 2**53 for value in values)
        return numbers.astype("Int64" if None in values else "int64") if whole else numbers
    text = pd.Series(["" if value is None else _text(value) for value in values], index=index, dtype="str")
    return infer_types(pd.DataFrame({"values": text}))["values"]


def read_excel(source: Source, options: ReadOptions) -> Records:
    """Read one sheet of a workbook.

    Parameters
    ----------
    source : Source
        A .xlsx or .xlsm file. Macros are not looked at, links to other files are not followed.
    options : ReadOptions
        ``layer`` (the sheet; needed where there are several) and ``header`` (the rows with the names, where it is not
        the first that is filled) count.

    Returns
    -------
    Records
        Rows without any value are no records. Formulas give their stored results; one without a result, and an error
        such as #REF!, are faults of their row, named with their cell; #N/A is a missing value and counted in the notes.
        A merged cell holds for every row that it spans. Times of day without a date are text.

    Raises
    ------
    FileRefusedError
        If it unpacks to too much, or declares entities.
    FileUnreadableError
        If it is broken or empty.
    SchemaError
        If the sheet or its header is not clear.
    """
    archive = open_archive(source)
    try:
        # Warnings are of styles and rules that do not concern the values.
        with source.path.open("rb") as file, warnings.catch_warnings(action="ignore"):
            formulas = openpyxl.load_workbook(file, read_only=True, keep_links=False)
            title = _title(formulas, source, options.layer)
            sheet = _Sheet()
            _fill(sheet, formulas, title, source)
            if sheet.formulas:
                results = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
                _fill_results(sheet, results, title)
            header = _header(sheet, options, f"{source.label}, sheet {title!r}")
            _spread_merged(sheet, archive, title, header[-1])
    except _BROKEN as error:
        first = _first(error)
        raise FileUnreadableError(
            f"{source.label}: broken workbook ({type(first).__name__}: {str(first)[:200]}); fetch it again."
        ) from error
    return _records(sheet, header, options)


def _first(error: BaseException) -> BaseException:
    """Find what went wrong at first: openpyxl wraps it in words of its own."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _title(book: openpyxl.Workbook, source: Source, wanted: str | None) -> str:
    titles = [str(sheet.title) for sheet in book.worksheets]
    if wanted is None and len(titles) == 1:
        return titles[0]
    if wanted is None or wanted not in titles:
        raise SchemaError(f"{source.label}: write layer: with one of its sheets {listed(titles)}.")
    return wanted


def _records(sheet: _Sheet, header: tuple[int, ...], options: ReadOptions) -> Records:
    numbers = [row for row, values in sheet.rows.items() if row > header[-1] and any(v is not None for v in values)]
    # A row whose only cells are errors is a record too.
    numbers = sorted({*numbers, *(row for row in sheet.faults if row > header[-1])})
    width = max((len(sheet.rows[row]) for row in (*numbers, *header) if row in sheet.rows), default=0)
    names = _names(sheet, header, width)
    old = {new: name for name, new in options.rename.items()}
    keep = {old.get(name, name) for name, rule in options.fields.items() if rule.kind in {"text", "category"}}
    index = pd.RangeIndex(len(numbers))
    rows = [sheet.rows.get(row, []) for row in numbers]
    columns = {
        name: _column([row[i] if i < len(row) else None for row in rows], index, keep=name in keep)
        for i, name in enumerate(names)
    }
    faults = np.full(len(numbers), None, dtype=object)
    for i, row in enumerate(numbers):
        faults[i] = "; ".join(sheet.faults[row]) if row in sheet.faults else None
    if sheet.absent:
        sheet.notes.append(f"read: {sheet.absent:,} cells hold {_ABSENT} and count as missing")
    return Records(
        table=pd.DataFrame(columns, index=index), count=len(numbers), faults=faults, notes=tuple(sheet.notes)
    )
