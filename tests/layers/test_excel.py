"""Workbooks: what pandas reads, and what it loses without a word."""

import datetime as dt
import zipfile

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
from layers.readers import excel
from layers.readers.excel import read_excel
from layers.sources import Source

AT = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}


def _book(path, **sheets):
    """Write sheets: rows of plain values, or (writer, ...) calls of xlsxwriter."""
    book = xlsxwriter.Workbook(str(path))
    for title, fill in sheets.items():
        sheet = book.add_worksheet(title)
        if callable(fill):
            fill(sheet, book)
        else:
            for k, row in enumerate(fill):
                sheet.write_row(k, 0, row)
    book.close()
    return path


def _read(path, **options):
    return read_excel(Source(path, path.name), layers.ReadOptions(**options))


ROWS = [["station", "lon", "lat", "no2"], ["A", 7.42, 43.73, 21], ["B", 7.43, 43.74, 35.5], ["C", 7.41, 43.72, None]]


def test_a_sheet_becomes_a_layer(tmp_path):
    layer = layers.read(_book(tmp_path / "air.xlsx", 监测=ROWS), position=AT)
    assert layer.ledger.summary() == "air: 3 in = 3 placed + 0 quarantined + 0 rejected"
    assert layer.column("station").tolist() == ["A", "B", "C"]
    assert np.array_equal(layer.column("no2"), [21, 35.5, np.nan], equal_nan=True)
    assert layer.column("lon").tolist() == [7.42, 7.43, 7.41]


cells = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(-1e9, 1e9).map(lambda x: round(x, 6)),
    st.text("ab海é \n\"'=", min_size=1, max_size=8).filter(lambda text: text.strip() and text[0] != "="),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(table=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8))
def test_every_cell_is_what_pandas_finds(tmp_path_factory, table):
    path = _book(tmp_path_factory.mktemp("x") / "a.xlsx", s=[["a", "b", "c"], *table])
    theirs = pd.read_excel(path, dtype=object, na_filter=False, engine="openpyxl")
    filled = [row for row in table if any(value is not None for value in row)]
    records = _read(path, fields={name: layers.Field(kind="text") for name in "abc"})
    assert records.count == len(records.table) == len(filled)
    theirs = theirs[(theirs != "").any(axis=1).to_numpy()]
    for name in "abc":
        for ours, cell in zip(records.table[name], theirs[name], strict=True):
            assert (cell == "" and pd.isna(ours)) or ours == str(cell) or float(ours) == float(cell)


def test_dates_times_texts_of_numbers_and_codes(tmp_path):
    def fill(sheet, book):
        day, clock = (book.add_format({"num_format": form}) for form in ("yyyy-mm-dd hh:mm", "hh:mm"))
        sheet.write_row(0, 0, ["when", "hour", "text", "code", "mixed"])
        for k in range(3):
            sheet.write_datetime(k + 1, 0, dt.datetime(2026, 6, 16, k, 30), day)  # noqa: DTZ001 - as offices write it
            sheet.write_datetime(k + 1, 1, dt.time(k, 15), clock)
            sheet.write_string(k + 1, 2, str(k + 0.5))
            sheet.write_string(k + 1, 3, f"00{k}")
            sheet.write(k + 1, 4, k or "<0.1")

    table = _read(_book(tmp_path / "a.xlsx", s=fill)).table
    assert table["when"].tolist() == [pd.Timestamp(2026, 6, 16, k, 30) for k in range(3)]
    assert table["hour"].tolist() == ["00:15:00", "01:15:00", "02:15:00"]
    assert table["text"].tolist() == [0.5, 1.5, 2.5]
    assert table["code"].tolist() == ["000", "001", "002"]
    assert table["mixed"].tolist() == ["<0.1", "1", "2"]


def test_errors_are_told_apart_from_blanks(tmp_path):
    """Pandas reads all of these cells as missing, or as 0, without a word."""

    def fill(sheet, _book):
        sheet.write_row(0, 0, ["id", "no2"])
        for k, (formula, result) in enumerate(
            [("=1+1", 2), ("=NA()", "#N/A"), ("=1/0", "#DIV/0!"), ('=""', "no text"), ("=A1", None)], start=1
        ):
            sheet.write(k, 0, k)
            sheet.write_formula(k, 1, formula, None, result)
        sheet.write(6, 0, 6)

    path = _book(tmp_path / "a.xlsx", s=fill)
    # xlsxwriter stores 0 where no result is given; a program that never calculates stores none.
    _rewrite(path, "xl/worksheets/sheet1.xml", b"<f>A1</f><v>None</v>", b"<f>A1</f>", b"<f>A1</f><v>0</v>")
    _rewrite(path, "xl/worksheets/sheet1.xml", b"<v>no text</v>", b"<v></v>")
    records = _read(path)
    assert records.count == 6
    assert records.table["no2"].tolist()[0] == 2
    assert records.table["no2"].isna().tolist() == [False, True, True, True, True, True]
    assert records.faults.tolist() == [
        None, None, "error_value: B4 holds #DIV/0!", None, "no_result: B6 is a formula that was never calculated", None,
    ]  # fmt: skip
    assert records.notes == ("read: 1 cells hold #N/A and count as missing",)


def _rewrite(path, part, *swaps):
    """Replace the first of `swaps` that occurs (or the last) by the second, in one file of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    new, olds = swaps[1], (swaps[0], *swaps[2:])
    assert any(old in parts[part] for old in olds), parts[part][-800:]
    for old in olds:
        parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_a_title_is_no_header_and_merged_cells_hold_for_all_they_span(tmp_path):
    def fill(sheet, _book):
        sheet.merge_range("A1:D1", "2026年6月空气质量")
        sheet.merge_range("A2:A3", "站点")
        sheet.merge_range("B2:C2", "NO2")
        sheet.merge_range("D2:D3", "备注")
        sheet.write_row("B3", ["min", "max"])
        sheet.merge_range("A4:A5", "东")
        sheet.write_row("B4", [1, 2, "x"])
        sheet.write_row("B5", [3, 4])
        sheet.write_row("A6", ["西", 5, 6])

    path = _book(tmp_path / "a.xlsx", s=fill)
    with pytest.raises(layers.SchemaError, match=r"row 1 holds 1 of 4 names and looks like a title; write header:"):
        _read(path)
    records = _read(path, header=(2, 3))
    assert records.table.columns.tolist() == ["站点", "NO2 min", "NO2 max", "备注"]
    assert records.table["站点"].tolist() == ["东", "东", "西"]
    assert records.table["NO2 max"].tolist() == [2, 4, 6]
    assert records.notes == ("read: 1 merged cells hold for every row that they span",)


def test_sheets_are_asked_for(tmp_path):
    path = _book(tmp_path / "a.xlsx", one=ROWS, two=[["x"], [1]], empty=[])
    with pytest.raises(layers.SchemaError, match="write layer: with one of its sheets 'one', 'two', 'empty'"):
        _read(path)
    assert _read(path, layer="two").table["x"].tolist() == [1]
    with pytest.raises(layers.FileUnreadableError, match="sheet 'empty': the sheet is empty"):
        _read(path, layer="empty")


def test_a_wrong_dimension_loses_no_rows(tmp_path):
    path = _book(tmp_path / "a.xlsx", s=ROWS)
    _rewrite(path, "xl/worksheets/sheet1.xml", b'ref="A1:D4"', b'ref="A1:B2"')
    assert _read(path).count == 3


def test_blank_rows_are_no_records_and_nameless_columns_get_their_place(tmp_path):
    records = _read(_book(tmp_path / "a.xlsx", s=[["a", "", "a"], [1, 2, 3], [], [4, 5, 6]]))
    assert records.count == 2
    assert records.table.columns.tolist() == ["a", "column_2", "a_2"]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_cut_workbook_is_said_to_be_broken(tmp_path, share):
    path = _book(tmp_path / "a.xlsx", s=ROWS)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(layers.FileUnreadableError, match="broken"):
        _read(path)


def test_entities_bombs_and_far_corners_are_refused(tmp_path, monkeypatch):
    path = _book(tmp_path / "a.xlsx", s=ROWS)
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    _rewrite(path, "xl/worksheets/sheet1.xml", b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', bomb)
    with pytest.raises(layers.FileUnreadableError, match="Entities"):
        _read(path)
    monkeypatch.setattr(excel, "_MAX_CELLS", 1000)
    far = _book(tmp_path / "far.xlsx", s=lambda sheet, _: (sheet.write(0, 0, "a"), sheet.write(5, 2000, 1)))
    with pytest.raises(layers.FileRefusedError, match="more than 1,000 cells"):
        _read(far)


def test_damaged_parts_give_an_error_or_an_account(tmp_path):
    path = _book(tmp_path / "a.xlsx", s=ROWS)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    random = np.random.default_rng(1)
    for k in range(150):
        name = ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml"][k % 4]
        content = bytearray(parts[name])
        for place in random.integers(0, len(content), 3):
            content[place] = random.integers(0, 256)
        bad = tmp_path / f"bad{k}.xlsx"
        with zipfile.ZipFile(bad, "w") as archive:
            for other, text in parts.items():
                archive.writestr(other, bytes(content) if other == name else text)
        try:
            records = _read(bad)
        except layers.LayerError as error:
            assert bad.name in str(error)  # noqa: PT017 - either an error that names the file, or an account that closes
        else:
            assert records.count == len(records.table) + len(records.rejected)
