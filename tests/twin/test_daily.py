"""Red, yellow, green by day, against counts by hand."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import twin
from tests.reference.twin_cities import CITY, write_city
from twin.cli import app

DAYS = CITY.replace('start: "2026-06-16T00:00", end: "2026-06-16T06:00"', 'start: "2026-06-16", end: "2026-06-19"')


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Three days of one station each hour: the second day lacks six hours and three values, the third is empty."""
    folder = tmp_path_factory.mktemp("days")
    head, datasets = DAYS.split("datasets:\n")
    air = "  air:" + datasets.split("  air:")[1].split("  probes:")[0]
    path = write_city(folder, manifest=f"{head}datasets:\n{air}")
    rows = ["station,lon,lat,time,no2"]
    for station in range(8):
        lon, lat = 7.41 + 0.002 * station, 43.73 + 0.001 * (station % 3)
        for day in (16, 17):
            for hour in range(24):
                if day == 17 and station == 0 and hour < 6:
                    continue
                value = "" if day == 17 and station == 1 and hour < 3 else 20 + station
                rows.append(f"a{station},{lon},{lat},2026-06-{day} {hour:02d}:00,{value}")
    rows.append("a9,lost,43.73,2026-06-17 05:00,9")
    (folder / "air.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return twin.build(path, out=folder / "t.twin", workers=0)


def test_each_day_has_its_counts_and_colours(city):
    table = city.daily_quality().loc["air"]
    assert table.index.tolist() == ["2026-06-16", "2026-06-17", "2026-06-18"]
    first, second, third = (table.iloc[number] for number in range(3))
    assert (first["completeness"], first["validity"], first["timeliness"], first["colour"]) == (1, 1, 1, "green")
    assert (second["completeness_good"], second["completeness_of"]) == (183, 186)
    assert (second["validity_good"], second["validity_of"]) == (186, 187)
    assert (second["timeliness_good"], second["timeliness_of"]) == (186, 192)
    assert (third["timeliness"], third["colour"]) == (0.0, "red")
    assert pd.isna(third["completeness"])
    one = city.daily_quality(day="2026-06-17")
    assert one.index.tolist() == [("air", "2026-06-17")]
    with pytest.raises(twin.UnknownNameError, match="2026-06-16 to 2026-06-18"):
        city.daily_quality(day="2025-01-01")


def test_thresholds_of_the_manifest_colour_the_days(city):
    info = city.layers["air"]
    assert info.quality["limits"]["timeliness"] == [0.95, 0.80]
    assert city.daily_quality().loc[("air", "2026-06-17"), "timeliness_colour"] == "green"


def test_the_command_tells_the_same(city):
    told = CliRunner().invoke(app, ["quality", str(city.path), "--by-day", "--json"])
    assert told.exit_code == 0, told.output
    days = json.loads(told.stdout)
    assert [day["colour"] for day in days] == city.daily_quality()["colour"].tolist()
    shown = CliRunner().invoke(app, ["quality", str(city.path), "--by-day"])
    assert "2026-06-18" in shown.output
