"""Access databases, row by row against mdb-export and a reader of another kind."""

import csv
import datetime as dt
import io
import logging
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from access_parser import AccessParser
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
import twin
from layers.readers import access
from layers.readers.access import access_tables, read_access
from layers.sources import Source
from tests.reference.access_writer import Table, write_access

needs_mdbtools = pytest.mark.skipif(shutil.which("mdb-export") is None, reason="mdbtools is not installed")
FILES = {"ASampleDatabase.accdb": 1, "DateTestDatabase.mdb": 1, "nwind.mdb": 9}
#: Neither occurs in the files; NULL and the empty text are told apart by it.
NULL = "<null>"


@pytest.fixture(scope="module")
def folder(formats):
    if shutil.which("mdb-export") is None:
        pytest.skip("Access databases not tested: mdbtools is not installed")
    return formats / "access"


def _source(path):
    return Source(path, path.name)


def _exported(path, table):
    """Ask mdb-export in another form than the reader does, and split it by Python's own csv."""
    command = ["mdb-export", "-0", NULL, "-b", "hex", "-T", "%d.%m.%Y %H:%M:%S", "-D", "%d.%m.%Y %H:%M:%S"]
    text = subprocess.run(
        [*command, str(path), table], capture_output=True, check=True, timeout=20, env={"LC_ALL": "C.UTF-8"}
    ).stdout.decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def _as_exported(value):
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return NULL
    if isinstance(value, pd.Timestamp):
        return f"{value:%d.%m.%Y %H:%M:%S}"
    return str(int(value)) if isinstance(value, bool | np.bool_) else str(value)


def _same(ours, theirs):
    theirs = NULL if theirs.startswith("00.01.1900") else theirs  # how mdbtools writes a date that it cannot
    return ours == theirs or (NULL not in (ours, theirs) and float(ours) == float(theirs))


def _all_tables(folder):
    return [(name, table) for name in FILES for table in access_tables(_source(folder / name), layers.ReadOptions())]


def test_every_table_holds_what_mdb_export_writes(folder):
    seen = 0
    tables = _all_tables(folder)
    assert len(tables) == sum(FILES.values())
    for name, table in tables:
        header, *rows = _exported(folder / name, table)
        records = read_access(_source(folder / name), layers.ReadOptions(layer=table))
        assert list(records.table.columns) == header
        assert records.count == len(records.table) == len(rows)
        for k, column in enumerate(header):
            ours = [_as_exported(value) for value in records.table[column]]
            assert all(_same(a, row[k]) for a, row in zip(ours, rows, strict=True)), (table, column)
        seen += len(rows)
    assert seen > 4000


def test_types_dates_line_breaks_pictures_and_null(folder):
    orders = read_access(_source(folder / "nwind.mdb"), layers.ReadOptions(layer="Umsätze")).table
    assert orders["OrderDate"].dtype == "datetime64[us]"
    assert orders["Freight"].dtype == "float64"
    assert orders["OrderID"].dtype == "int64"
    assert orders["ShipRegion"].isna().any()
    pictures = read_access(_source(folder / "nwind.mdb"), layers.ReadOptions(layer="Categories")).table["Picture"]
    theirs = AccessParser(folder / "nwind.mdb").parse_table("Categories")["Picture"]
    assert [bytes.fromhex(picture) for picture in pictures] == theirs
    dates = read_access(_source(folder / "DateTestDatabase.mdb"), layers.ReadOptions())
    assert dates.table["LongTextCol"].iloc[-1].split() == ["New", "line", "in", "field"]
    assert "\n" in dates.table["LongTextCol"].iloc[-1]
    # Years before 1900 and the year 9999: mdbtools writes "1900-01-00" for all of them.
    assert [reason is not None for reason in dates.faults] == [False, True, True, True, False, False]
    assert str(dates.faults[2]).startswith("unreadable_value: DateTimeCol is a date before 1900")


def test_a_reader_of_another_kind_finds_the_same(folder):
    """Numbers and texts of every table that it can read; in one of 830 rows it fails where mdb-export does not."""
    compared, failed = 0, []
    logging.disable(logging.CRITICAL)
    try:
        for name, table in _all_tables(folder):
            try:
                theirs = AccessParser(folder / name).parse_table(table)
            except ValueError:
                failed.append(table)
                continue
            ours = read_access(_source(folder / name), layers.ReadOptions(layer=table)).table
            for column, values in theirs.items():
                if ours[column].dtype == "int64":
                    assert ours[column].tolist() == values
                elif ours[column].dtype == "str" and not any(isinstance(value, bytes) for value in values):
                    mine = [None if pd.isna(value) else value.split() for value in ours[column]]
                    assert mine == [None if value is None else value.split() for value in values]
                else:
                    continue
                compared += len(values)
    finally:
        logging.disable(logging.NOTSET)
    assert failed == ["Umsätze"]
    assert compared > 10_000


#: Beyond the basic plane mdbtools writes "??" (seen with 1.0.0).
TEXTS = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0\r\ufeff\ufffe"),
    min_size=1,
    max_size=30,
)
SECOND_DAY = dt.datetime(1900, 1, 2)  # noqa: DTZ001 - Access knows no zones
ROWS = st.tuples(
    st.one_of(st.none(), TEXTS),
    st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
    st.one_of(st.none(), st.floats(-1e6, 1e6).map(lambda x: round(x, 6))),
    st.one_of(st.none(), st.integers(1, 4_000_000_000).map(lambda seconds: SECOND_DAY + dt.timedelta(seconds=seconds))),
    st.booleans(),
    st.one_of(st.none(), st.binary(min_size=1, max_size=40)),
)  # fmt: skip
KINDS = ("text", "integer", "double", "date", "boolean", "ole")


@needs_mdbtools
@settings(max_examples=12, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=120), name=st.sampled_from(["t", "监测 站", "Umsätze 2026"]))
def test_what_is_written_comes_back(tmp_path_factory, rows, name):
    path = tmp_path_factory.mktemp("w") / "a.mdb"
    columns = [f"{kind} 列" for kind in KINDS]
    write_access(
        path, [Table(name, list(zip(columns, KINDS, strict=True)), rows), Table("other", [("a", "integer")], [])]
    )
    records = read_access(_source(path), layers.ReadOptions(layer=name))
    assert records.count == len(records.table) == len(rows)
    assert list(records.table.columns) == columns
    for column, kind, written in zip(columns, KINDS, zip(*rows, strict=True), strict=True):
        found = [None if pd.isna(value) else value for value in records.table[column]]
        if kind == "ole":
            found = [None if value is None else bytes.fromhex(value) for value in found]
        if kind == "date":
            assert all((a is None) == (b is None) for a, b in zip(found, written, strict=True))
            assert all(abs(a - b) <= dt.timedelta(seconds=1) for a, b in zip(found, written, strict=True) if b)
        elif kind == "double":
            assert [value if value is None else pytest.approx(value) for value in written] == found
        else:
            assert found == list(written)


@needs_mdbtools
def test_times_of_day_without_a_date_are_text_and_need_one(tmp_path):
    clock = [dt.datetime(1899, 12, 30, hour, 15) for hour in (8, 9)]  # noqa: DTZ001
    rows = [[7.42, 43.73, when] for when in clock]
    write_access(tmp_path / "a.mdb", [Table("t", [("x", "double"), ("y", "double"), ("at", "date")], rows)])
    told = {"definition": "EPSG:4326", "columns": ["x", "y"]}
    assert layers.read(tmp_path / "a.mdb", position=told).column("at").tolist() == ["08:15:00", "09:15:00"]
    clock = layers.TimeColumn(column="at", zone="UTC")
    bare = layers.read(tmp_path / "a.mdb", position=told, options=layers.ReadOptions(time=clock))
    assert bare.ledger.reasons().to_numpy().tolist() == [["quarantined", "no_date", 2]]
    dated = layers.ReadOptions(time=replace(clock, date="2026-06-16"))
    layer = layers.read(tmp_path / "a.mdb", position=told, options=dated)
    assert layer.table["time"].iloc[1].isoformat()[:16] == "2026-06-16T09:15"


CITY = """\
city: shop
resolution: 9
area: [7.40, 43.72, 7.44, 43.75]
clock: {start: "2026-06-16T00:00", end: "2026-06-16T06:00", step: 30min, zone: Europe/Monaco}
datasets:
"""
ENTRY = """\
  {key}:
    path: {path}
    domain: society
    owner: Shop
    licence: CC0-1.0
    level: internal
    position: {position}
    read: {{layer: {table}}}
"""


def test_every_table_goes_through_a_manifest_into_a_ledger(folder, tmp_path):
    """Half of the ids of each table are in a register: those records are placed, the others quarantined."""
    entries, expected, known = [], {}, set()
    for k, (name, table) in enumerate(_all_tables(folder)):
        shutil.copy(folder / name, tmp_path / name)
        header, *rows = _exported(folder / name, table)
        known |= {row[0] for row in rows[::2]}
        # A table whose name is not ASCII, and one with a space in it, are named as they are.
        position = f'{{register: places, key: id, columns: ["{header[0]}"]}}'
        entries.append(ENTRY.format(key=f"table_{k}", path=name, position=position, table=f'"{table}"'))
        expected[f"table_{k}"] = rows
    places = "\n".join(f"{key},7.42,43.73" for key in sorted(known))
    (tmp_path / "places.csv").write_text(f"id,lon,lat\n{places}\n")
    register = ENTRY.format(
        key="places", path="places.csv", position="{definition: EPSG:4326, columns: [lon, lat]}", table="null"
    )
    (tmp_path / "city.yaml").write_text(CITY + "".join(entries) + register + "    fields: {id: {kind: text}}\n")
    city = twin.build(tmp_path / "city.yaml", out=tmp_path / "shop.twin", workers=0)
    ledger = city.ledger()
    for key, rows in expected.items():
        line = ledger.loc[key]
        assert line["records_in"] == len(rows) == line["placed"] + line["quarantined"] + line["rejected"]
        assert line["placed"] == sum(row[0] in known and "00.01.1900 00:00:00" not in row for row in rows)
        assert line["rejected"] == 0


def test_a_table_is_asked_for(folder):
    with pytest.raises(layers.SchemaError, match="write layer: with one of its tables 'Order Details', 'Orders'"):
        read_access(_source(folder / "nwind.mdb"), layers.ReadOptions())
    with pytest.raises(layers.SchemaError, match="Umsätze"):
        read_access(_source(folder / "nwind.mdb"), layers.ReadOptions(layer="--help"))


def test_without_mdbtools_the_package_is_named(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(layers.ProgramMissingError, match="apt-get install mdbtools"):
        layers.read(folder / "nwind.mdb", options=layers.ReadOptions(layer="Orders", limits=None))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5, 0.8, 0.95, 0.999])
def test_a_cut_file_ends_in_time_and_loses_nothing_silently(folder, tmp_path, monkeypatch, share):
    """On half of this file the programs of mdbtools never end, and write 23 GB of warnings in ten minutes."""
    monkeypatch.setattr(access, "_SECONDS", 1.0)
    monkeypatch.setattr(access, "_SECONDS_A_MB", 0.0)
    data = (folder / "nwind.mdb").read_bytes()
    path = tmp_path / "cut.mdb"
    path.write_bytes(data[: int(len(data) * share)])
    for table, full in (("Orders", 830), ("Order Details", 2155)):
        try:
            records = read_access(_source(path), layers.ReadOptions(layer=table))
        except layers.LayerError as error:
            assert "cut.mdb" in str(error)  # noqa: PT017 - either an error that names the file, or all records
        else:
            assert records.count == full == len(records.table) + len(records.rejected)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_ends_in_time_and_keeps_the_account(folder, tmp_path, monkeypatch, seed):
    monkeypatch.setattr(access, "_SECONDS", 0.5)
    monkeypatch.setattr(access, "_SECONDS_A_MB", 0.0)
    random = np.random.default_rng(seed)
    data = bytearray((folder / "DateTestDatabase.mdb").read_bytes())
    for place in random.integers(20, len(data), 400):
        data[place] = random.integers(0, 256)
    path = tmp_path / "bad.mdb"
    path.write_bytes(data)
    try:
        records = read_access(_source(path), layers.ReadOptions(layer="DateTest"))
    except layers.LayerError as error:
        assert "bad.mdb" in str(error)  # noqa: PT017 - either an error that names the file, or an account that closes
    else:
        assert records.count == len(records.table) + len(records.rejected)


@pytest.mark.parametrize("content", [b"", b"MZ", b"\0\1\0\0Standard Jet DB\0", b"<OGRVRTDataSource/>"])
def test_what_is_no_access_database_is_refused(folder, tmp_path, content):
    del folder
    (tmp_path / "a.mdb").write_bytes(content)
    with pytest.raises((layers.FileRefusedError, layers.FileUnreadableError)):
        layers.read(tmp_path / "a.mdb")
