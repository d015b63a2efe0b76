"""Tables with a column for each hour, made long."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import layers
from layers.readers.records import Records
from layers.wide import to_long

LOOPS = """loop,date,h00,h01,h07
A,2026-03-30,12,,40
B,2026-03-30,x,3
C,2026-03-31,1,2,3
"""
WIDE = layers.Wide(variable="vehicles", columns=r"^h(\d\d)$", into="hour", stamp="{date} {hour}:00")
BY_LOOP = {"register": "loops", "key": "id", "columns": ["loop"]}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "loops.csv").write_text(LOOPS)
    return tmp_path / "loops.csv"


def _read(path, wide=WIDE, **options):
    return layers.read(path, position=BY_LOOP, options=layers.ReadOptions(wide=wide, **options))


def test_every_cell_is_a_record(path):
    layer = _read(path, time=layers.TimeColumn(column="stamp", zone="Europe/Monaco"))
    assert layer.ledger.records_in == 9
    # The row that is cut is rejected cell by cell; an empty cell is a record without a value.
    assert layer.ledger.rejected["row"].tolist() == [3, 4, 5]
    assert layer.column("row").tolist() == [0, 1, 2, 6, 7, 8]
    assert layer.column("hour").tolist() == ["00", "01", "07"] * 2
    assert np.array_equal(layer.column("vehicles"), [12, np.nan, 40, 1, 2, 3], equal_nan=True)
    assert layer.column("time")[2] == np.datetime64("2026-03-30T05:00")
    assert "h00" not in layer.table


def test_values_are_checked_after_they_were_laid_out(path):
    layer = _read(path, fields={"vehicles": layers.Field(max=30, required=True)})
    reasons = layer.ledger.quarantined[["row", "reason"]].to_numpy().tolist()
    assert [row for row, _ in reasons] == [1, 2]
    assert layer.column("vehicles").tolist() == [12, 1, 2, 3]


def test_names_without_a_group_stand_as_they_are(path):
    layer = _read(path, layers.Wide(variable="vehicles", columns="^h"))
    assert layer.column("column").tolist() == ["h00", "h01", "h07"] * 2


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"columns": "^v"}, r"no column matches '\^v'; the file has 'loop', 'date'"),
        ({"columns": "("}, "is no regular expression"),
        ({"variable": "date"}, "'date' that is there already"),
        ({"into": "vehicles"}, "there already"),
        ({"stamp": "{day} {hour}"}, "stamp names 'day'"),
        ({"stamp": "{day"}, "cannot be read"),
    ],
)
def test_what_does_not_fit_is_said(path, said, message):
    with pytest.raises(layers.SchemaError, match=message):
        _read(path, layers.Wide(**{"variable": "vehicles", "columns": r"^h(\d\d)$", "into": "hour"} | said))


@given(
    values=st.lists(st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=3, max_size=3), max_size=5),
    gaps=st.sets(st.integers(0, 4)),
)
def test_long_is_what_pandas_melts(values, gaps):
    rows = np.array([i for i in range(len(values)) if i not in gaps], dtype=np.int64)
    table = pd.DataFrame([values[i] for i in rows], columns=["a1", "b", "a2"], index=rows, dtype="float64")
    rejected = pd.DataFrame({"row": sorted(set(range(len(values))) - set(rows)), "reason": "x", "text": ""})
    points = shapely.points(rows.astype(float), 0.0)
    faults = np.array([None if i % 2 else "odd: x" for i in rows] + [None], dtype=object)[:-1]
    records = Records(table=table, count=len(values), geometry=points, faults=faults, rejected=rejected)
    long = to_long(records, layers.Wide(variable="v", columns=r"^a(\d)$", into="k"), label="t")
    melted = (
        table.reset_index().melt(id_vars=["index", "b"], value_vars=["a1", "a2"]).sort_values(["index", "variable"])
    )
    assert np.array_equal(long.table["v"], melted["value"], equal_nan=True)
    assert np.array_equal(long.table["b"], melted["b"], equal_nan=True)
    assert (long.table.index // 2).tolist() == melted["index"].tolist()
    assert shapely.get_x(long.geometry).tolist() == melted["index"].tolist()
    assert long.count == 2 * len(values) == len(long.table) + len(long.rejected)
    assert sorted([*long.table.index, *long.rejected["row"]]) == list(range(long.count))


@pytest.mark.nyc
def test_the_hours_of_new_yorks_counts(nyc):
    """A real table of 24 columns against what pandas melts of it."""
    path = nyc / "transport" / "Vehicle_Classification_Counts__2011-2024__20250606.csv.gz"
    wide = layers.Wide(variable="vehicles", columns=r"^\d+:00-(\d+:00 ?[AP]M)$", into="until")
    layer = layers.read(
        path,
        position={"register": "segments", "key": "id", "columns": ["SegmentID"]},
        options=layers.ReadOptions(wide=wide),
    )
    raw = pd.read_csv(path, low_memory=False)
    hours = [name for name in raw.columns if ":00" in name]
    assert len(hours) == 24
    assert layer.ledger.records_in == len(layer) == 24 * len(raw)
    theirs = raw[hours].to_numpy().reshape(-1)
    ours = pd.to_numeric(pd.Series(layer.column("vehicles")), errors="coerce").to_numpy()
    assert np.array_equal(ours, pd.to_numeric(pd.Series(theirs), errors="coerce").to_numpy(), equal_nan=True)
