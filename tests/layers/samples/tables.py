"""Samples of tables without a geometry of their own."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from typing import TYPE_CHECKING

import xlsxwriter

from layers.options import ReadOptions
from tests.layers.samples.model import Sample
from tests.reference.access_writer import Table, write_access

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SAMPLES"]

AT = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}
HEADER = ("station", "lon", "lat", "time", "no2")
ROWS = (
    ("007", 7.41, 43.73, dt.datetime(2026, 6, 16, 8), 21.5),  # noqa: DTZ001 - as offices write it
    ('with "quotes", 海', 7.42, 43.74, dt.datetime(2026, 6, 16, 9), 35.0),  # noqa: DTZ001
    ("two\nlines", 7.415, 43.735, dt.datetime(2026, 6, 16, 10), None),  # noqa: DTZ001
)
_PLACES = {"records": 3, "bounds": (7.41, 43.73, 7.42, 43.74), "position": AT}


def _write_csv(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerows([HEADER, *ROWS])


def _write_excel(path: Path) -> None:
    book = xlsxwriter.Workbook(str(path))
    day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    book.add_worksheet("说明").write(0, 0, "provisional")
    sheet = book.add_worksheet("监测")
    sheet.merge_range(0, 0, 0, 4, "Air, June 2026")
    for k, row in enumerate([HEADER, *ROWS], start=1):
        for i, value in enumerate(row):
            if isinstance(value, dt.datetime):
                sheet.write_datetime(k, i, value, day)
            elif value is not None:
                sheet.write(k, i, value)
    book.close()


def _write_access(path: Path) -> None:
    kinds = ("text", "double", "double", "date", "double")
    stations = Table("监测 站", list(zip(HEADER, kinds, strict=True)), ROWS)
    write_access(path, [Table("notes", [("note", "memo")], [["provisional"]]), stations])


#: Without mdbtools no Access database can be read.
_ACCESS = tuple(
    Sample(format="Access", file=file, write=_write_access, options=ReadOptions(layer="监测 站"), **_PLACES)
    for file in ("air.mdb", "air.accdb")
    if shutil.which("mdb-export")
)

SAMPLES: tuple[Sample, ...] = (
    *_ACCESS,
    Sample(format="CSV", file="air.csv", write=_write_csv, **_PLACES),
    Sample(format="CSV", file="air.tsv", write=_write_csv, **_PLACES),
    Sample(
        format="Excel",
        file="air.xlsx",
        write=_write_excel,
        options=ReadOptions(layer="监测", header=(2,)),
        **_PLACES,
    ),
)
