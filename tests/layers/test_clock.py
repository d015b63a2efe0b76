from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layers
from layers.clock import resolve_time
from tests.reference.layers_time import instants

ZONES = ("UTC", "Europe/Monaco", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe")
#: Around the changes of clocks in 2025, where all that is hard lies.
HARD = [
    datetime.fromisoformat(text)
    for text in ("2025-03-09 01:00", "2025-11-02 00:00", "2025-03-30 01:00", "2025-10-26 01:00", "2025-04-06 00:00")
]
WALLS = st.builds(lambda start, minutes: start + timedelta(minutes=minutes), st.sampled_from(HARD), st.integers(0, 240))


@given(st.lists(WALLS, min_size=1, max_size=20), st.sampled_from(ZONES))
def test_local_times_agree_with_the_standard_library(walls, zone):
    text = pd.Series([f"{wall:%Y-%m-%d %H:%M}" for wall in walls])
    time, reasons = resolve_time(text, layers.TimeColumn(column="t", zone=zone))
    for value, reason, wall in zip(time, reasons, walls, strict=True):
        possible = instants(wall, zone)
        if len(possible) == 1:
            assert reason is None
            assert value == possible[0]
        else:
            assert pd.isna(value)
            assert reason.startswith("ambiguous_time" if possible else "nonexistent_time")


@given(WALLS)
def test_a_stated_rule_decides_the_double_hour(wall):
    text = pd.Series([f"{wall:%Y-%m-%dT%H:%M}"])
    for rule, pick in (("first", min), ("second", max)):
        clock = layers.TimeColumn(column="t", zone="America/New_York", ambiguous=rule)
        time, reasons = resolve_time(text, clock)
        possible = instants(wall, "America/New_York")
        if possible:
            assert reasons[0] is None
            assert time[0] == pick(possible)


def test_a_stated_rule_moves_the_missing_hour_to_its_end():
    clock = layers.TimeColumn(column="t", zone="America/New_York", nonexistent="shift_forward")
    time, reasons = resolve_time(pd.Series(["2025-03-09 02:30"]), clock)
    assert reasons[0] is None
    assert time[0].isoformat() == "2025-03-09T07:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("2025-06-01T12:00:00Z", {"zone": "America/New_York"}, "2025-06-01T12:00:00+00:00"),
        ("2025-06-01T12:00:00+02:00", {"zone": "UTC"}, "2025-06-01T10:00:00+00:00"),
        ("2025-06-01T12:00:00Z", {"zone": "America/New_York", "offset": "ignore"}, "2025-06-01T16:00:00+00:00"),
        ("11:38:12 AM", {"zone": "UTC", "date": "2019-02-16", "format": "%I:%M:%S %p"}, "2019-02-16T11:38:12+00:00"),
        ("11:38", {"zone": "UTC", "date": "2019-02-16"}, "2019-02-16T11:38:00+00:00"),
        ("03/21/2019 05:08", {"zone": "America/New_York", "format": "%m/%d/%Y %H:%M"}, "2019-03-21T09:08:00+00:00"),
        ("1700000000", {"zone": "UTC", "format": "unix_s"}, "2023-11-14T22:13:20+00:00"),
        ("2025-06-01", {"zone": "Asia/Shanghai"}, "2025-05-31T16:00:00+00:00"),
    ],
)
def test_notations(text, options, expected):
    time, reasons = resolve_time(pd.Series([text]), layers.TimeColumn(column="t", **options))
    assert reasons[0] is None
    assert time[0].isoformat() == expected


def test_what_cannot_be_read_is_said_with_its_value_and_the_rest_stands():
    values = pd.Series(["2025-06-01 00:00", "noon", "", None, "2025-13-01 00:00"])
    time, reasons = resolve_time(values, layers.TimeColumn(column="seen", zone="UTC"))
    assert time.notna().tolist() == [True, False, False, False, False]
    assert reasons[1] == "unreadable_time: seen is 'noon', expected ISO 8601"
    assert all(reason.startswith("unreadable_time") for reason in reasons[1:])


def test_date_times_of_typed_files_are_taken_as_they_are():
    naive = pd.Series(pd.to_datetime(["2025-06-01 12:00"]))
    aware = naive.dt.tz_localize("Europe/Monaco")
    clock = layers.TimeColumn(column="t", zone="America/New_York")
    assert resolve_time(naive, clock)[0][0].isoformat() == "2025-06-01T16:00:00+00:00"
    assert resolve_time(aware, clock)[0][0].isoformat() == "2025-06-01T10:00:00+00:00"


def test_an_unknown_zone_or_format_is_refused_at_once():
    with pytest.raises(layers.SchemaError, match="IANA name"):
        layers.TimeColumn(column="t", zone="Europe/Atlantis")
    with pytest.raises(layers.SchemaError, match="strptime"):
        resolve_time(pd.Series(["1"]), layers.TimeColumn(column="t", zone="UTC", format="%Y %Q"))


def test_a_long_column_of_few_times_keeps_its_order():
    text = np.tile(["2025-01-01 00:00", "2025-01-01 01:00"], 5000)
    time, _ = resolve_time(pd.Series(text, index=np.arange(10_000) + 3), layers.TimeColumn(column="t", zone="UTC"))
    assert time.index[0] == 3
    assert (time.dt.hour.to_numpy() == np.tile([0, 1], 5000)).all()


def _layer(tmp_path, rows, header="t,x,y", **clock):
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]) + "\n")
    return layers.read(
        tmp_path / "a.csv",
        position={"definition": "EPSG:4326", "columns": ["x", "y"]},
        options=layers.ReadOptions(time=layers.TimeColumn(column="t", **clock)),
    )


DOUBLE = ["2025-10-26 01:30,7,43", "2025-10-26 02:30,7,43", "2025-03-30 02:30,7,43"]


def test_gap_and_double_hour_are_refused_row_by_row_unless_the_manifest_decides(tmp_path):
    layer = _layer(tmp_path, DOUBLE, zone="Europe/Monaco")
    assert layer.ledger.summary() == (
        "a: 3 in = 1 placed + 2 quarantined + 0 rejected (ambiguous_time 1, nonexistent_time 1)"
    )
    layer = _layer(tmp_path, DOUBLE, zone="Europe/Monaco", ambiguous="second", nonexistent="shift_forward")
    assert [value.isoformat()[:16] for value in layer.table["time"]] == [
        "2025-10-25T23:30", "2025-10-26T01:30", "2025-03-30T01:00",
    ]  # fmt: skip
    assert layer.steps == (
        "read: 1 times that the clock shows twice in 't': second",
        "read: 1 times that the clock skips in 't': shift forward",
    )


def test_tagged_utc_but_local_is_overridden_and_recorded(tmp_path):
    rows = ["2025-06-01T12:00:00Z,7,43"] * 3
    assert _layer(tmp_path, rows, zone="America/New_York").table["time"].iloc[0].hour == 12
    layer = _layer(tmp_path, rows, zone="America/New_York", offset="ignore")
    assert layer.table["time"].iloc[0].hour == 16
    assert layer.steps == (
        "read: the offset of 3 times in 't' is ignored: they are local times of America/New_York (offset: ignore)",
    )


def test_a_file_without_a_date_is_refused_unless_it_is_given(tmp_path):
    rows = ["08:15,7,43", "09:15:30,7,43"]
    bare = _layer(tmp_path, rows, zone="UTC")
    assert bare.ledger.summary() == "a: 2 in = 0 placed + 2 quarantined + 0 rejected (no_date 2)"
    with pytest.raises(layers.SchemaError, match="has no year, so it says no instant; write date:"):
        _layer(tmp_path, rows, zone="UTC", format="%H:%M")
    assert _layer(tmp_path, rows, zone="UTC", date="2026-06-16").table["time"].iloc[1].isoformat()[:19] == (
        "2026-06-16T09:15:30"
    )
    mixed = _layer(tmp_path, [*rows, "2026-06-16 10:00,7,43"], zone="UTC")
    assert mixed.ledger.quarantined["reason"].tolist()[0] == (
        "no_date: t is '08:15', a time of day; write date: for the day of the file"
    )
    assert len(mixed) == 1


def test_intervals_have_an_end_after_their_beginning(tmp_path):
    rows = [
        "2026-06-16 08:00,7,43,2026-06-16 09:30",
        "2026-06-16 08:00,7,43,2026-06-16 08:00",
        "2026-06-16 08:00,7,43,x",
    ]
    layer = _layer(tmp_path, rows, header="t,x,y,until", zone="UTC", end="until")
    assert (layer.table["time_end"] - layer.table["time"]).dt.total_seconds().tolist() == [5400]
    assert [reason.split(":")[0] for reason in layer.ledger.quarantined["reason"]] == [
        "bad_interval",
        "unreadable_time",
    ]
    with pytest.raises(layers.SchemaError, match="time names 'to'"):
        _layer(tmp_path, rows, header="t,x,y,until", zone="UTC", end="to")
