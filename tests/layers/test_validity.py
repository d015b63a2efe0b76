"""Boundaries with dates: the rows of a day, and whether they cover the ground once."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
import layers

WARDS = gpd.GeoDataFrame(
    {
        "ward": ["old", "west", "east", "never"],
        "valid_from": [None, "2020-01-01", "2020-01-01", "1999-13-01"],
        "valid_to": ["2019-12-31", None, "2024-06-30T12:00Z", None],
    },
    geometry=[shapely.box(0, 0, 2, 1), shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(5, 5, 6, 6)],
    crs="EPSG:2154",
)
DAYS = [
    ("1950-01-01", ["old"]),
    ("2019-12-31", ["old"]),
    ("2019-12-31T23:59:59", ["old"]),
    ("2020-01-01", ["west", "east"]),
    ("2024-06-30T11:59Z", ["west", "east"]),
    ("2024-06-30T12:00Z", ["west"]),
    ("2030-01-01", ["west"]),
]


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "parquet"])
@pytest.mark.parametrize(("on", "held"), DAYS)
def test_the_rows_of_a_day(tmp_path, suffix, on, held):
    path = tmp_path / f"wards.{suffix}"
    WARDS.to_parquet(path) if suffix == "parquet" else WARDS.to_file(path)
    position = "EPSG:2154" if suffix == "geojson" else None
    layer = layers.read(path, position=position, options=layers.ReadOptions(valid=layers.Valid(on=on)))
    assert layer.column("ward").tolist() == held
    assert layer.ledger.records_in == 4
    assert set(layer.ledger.rejected["reason"].str.split(":").str[0]) == {"not_valid"}
    assert layer.ledger.quarantined["reason"].tolist() == [
        "unreadable: valid_from '1999-13-01' is no time; write it as 2024-05-31T08:30Z"
    ]


_DATES = st.none() | st.dates(dt.date(2000, 1, 1), dt.date(2003, 1, 1))


@settings(max_examples=60)
@given(st.lists(st.tuples(_DATES, _DATES), min_size=1, max_size=12), st.dates(dt.date(2000, 1, 1), dt.date(2003, 1, 1)))
def test_days_as_the_calendar_compares_them(spans, on):
    table = pd.DataFrame({"a": [s and s.isoformat() for s, _ in spans], "b": [e and e.isoformat() for _, e in spans]})
    left_out, wrong = layers.holds_on(table, layers.Valid(start="a", end="b", on=on.isoformat()), dataset="z")
    expected = [(start is None or start <= on) and (end is None or on <= end) for start, end in spans]
    assert [reason is None for reason in left_out] == expected
    assert (wrong == None).all()  # noqa: E711


def test_dates_of_a_database_are_dates(tmp_path):
    frame = WARDS.iloc[:3].assign(valid_from=pd.to_datetime(["2000-01-01", "2020-01-01", "2020-01-01"]))
    frame.to_parquet(tmp_path / "w.parquet")
    layer = layers.read(tmp_path / "w.parquet", options=layers.ReadOptions(valid=layers.Valid(on="2021-01-01")))
    assert layer.column("ward").tolist() == ["west", "east"]


def test_columns_and_days_that_are_none_are_named(tmp_path):
    WARDS.to_file(tmp_path / "w.gpkg")
    for valid, told in (
        (layers.Valid(start="since", on="2020-01-01"), "'since'"),
        (layers.Valid(on="soon"), "no time"),
    ):
        with pytest.raises(layers.SchemaError, match=told):
            layers.read(tmp_path / "w.gpkg", options=layers.ReadOptions(valid=valid))


def test_overlaps_and_gaps_are_reported():
    ring = shapely.box(0, 0, 9, 9).difference(shapely.box(3, 3, 6, 6))
    zones = np.array([ring, shapely.box(3, 3, 5, 6), shapely.box(20, 0, 22, 1), shapely.box(21, 0, 22, 4)])
    found = layers.check_coverage(layers.Layer.from_arrays("z", zones, position="EPSG:2154"))
    assert found.overlaps.to_numpy().tolist() == [[2, 3, 0.5]]
    assert [gap.equals(shapely.box(5, 3, 6, 6)) for gap in found.gaps] == [True]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(1, 6)] * 2), min_size=1, max_size=8))
def test_coverage_as_every_pair_tells_it(boxes):
    zones = np.array([shapely.box(x, y, x + w, y + h) for x, y, w, h in boxes], dtype=object)
    found = layers.check_coverage(layers.Layer.from_arrays("z", zones, position="EPSG:2154"))
    expected = {
        (i, j): zones[i].intersection(zones[j]).area / min(zones[i].area, zones[j].area)
        for i in range(len(zones))
        for j in range(i + 1, len(zones))
    }
    told = {(int(row), int(other)): share for row, other, share in found.overlaps.to_numpy()}
    assert told == pytest.approx({pair: share for pair, share in expected.items() if share > 1e-6})
    everywhere = shapely.union_all(zones)
    assert sum(gap.area for gap in found.gaps) == pytest.approx(
        sum(shapely.Polygon(part.exterior).area for part in shapely.get_parts(everywhere)) - everywhere.area
    )


def test_a_register_from_a_file_places_records_by_what_held_at_their_time(tmp_path):
    """The way from two files to positions: ids, the register with its dates, and the rows of each time."""
    wards = WARDS.iloc[:3].assign(ward=["w", "w", "e"], geometry=WARDS.iloc[:3].translate(700_000, 6_600_000))
    wards.to_file(tmp_path / "wards.gpkg")
    (tmp_path / "counts.csv").write_text("ward,at,n\nw,2010-05-05,1\nw,2021-05-05,2\ne,2010-05-05,3\nx,2021-05-05,4\n")
    said = {"register": "wards", "key": "ward", "columns": ["ward"], "valid": ["valid_from", "valid_to"], "time": "at"}
    counts = layers.read(tmp_path / "counts.csv", position=said)
    wards = crs.harmonise(layers.read(tmp_path / "wards.gpkg"))
    placed = crs.harmonise(counts, references={"wards": wards})
    assert placed.column("n").tolist() == [1, 2]
    assert placed.geometry[0].area == pytest.approx(2 * placed.geometry[1].area, rel=1e-3)
    assert placed.ledger.quarantined["reason"].str.split(":").str[0].tolist() == ["not_valid", "unknown_key"]
