"""A file that is only looked at: what it says, what the evidence says, what would become of its records."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

import crs
import layers
from twin.detection.diagnosis import columns_of_positions, diagnose

AREA = (114.0, 22.5, 114.1, 22.6)


@pytest.fixture(scope="module")
def stations():
    draw = np.random.default_rng(1)
    lon, lat = draw.uniform(114.01, 114.09, 200), draw.uniform(22.51, 22.59, 200)
    frame = layers.Layer.from_geopandas(_frame(shapely.points(lon, lat)), name="stations")
    return frame, lon, lat


def _frame(shapes):
    return gpd.GeoDataFrame(geometry=shapes, crs="OGC:CRS84")


@pytest.mark.parametrize("definition", ["OGC:CRS84", "GCJ-02", "BD-09"])
def test_the_evidence_names_what_a_table_means(tmp_path, stations, definition):
    layer, lon, lat = stations
    x, y = crs.transform(lon[:60], lat[:60], source="OGC:CRS84", target=definition)
    rows = "".join(f"S{i},{a:.6f},{b:.6f}\n" for i, (a, b) in enumerate(zip(x, y, strict=True)))
    (tmp_path / "s.csv").write_text(f"name,经度,纬度\n{rows}", encoding="utf-8")
    found = diagnose(tmp_path / "s.csv", area=AREA, reference=layer)
    assert (found.outcome, found.position) == ("named", definition)
    assert found.position_columns == ("经度", "纬度")
    assert found.records == found.placed == 60
    assert sum(probability for _, probability in found.candidates) <= 1 + 1e-9
    assert found.picture.startswith("<svg")


def test_what_would_become_of_the_records_is_counted(tmp_path):
    shapes = [{"type": "Point", "coordinates": at} for at in ([114.05, 22.55], [113.0, 22.55])] + [None]
    features = [{"type": "Feature", "properties": {"n": i}, "geometry": shape} for i, shape in enumerate(shapes)]
    (tmp_path / "p.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found = diagnose(tmp_path / "p.geojson", area=AREA)
    assert (found.outcome, found.position, found.family) == ("declared", "OGC:CRS84", "zones")
    assert (found.records, found.placed, found.quarantined, found.rejected) == (3, 1, 2, 0)
    assert sum(found.reasons.values()) == 2
    assert found.reasons["outside_area"] == 1


def test_a_table_without_positions_and_an_unknown_format_say_so(tmp_path):
    (tmp_path / "t.csv").write_text("name,colour\na,red\n")
    assert diagnose(tmp_path / "t.csv", area=AREA).outcome == "missing"
    (tmp_path / "t.pdf").write_bytes(b"%PDF")
    found = diagnose(tmp_path / "t.pdf", area=AREA)
    assert found.outcome == "unreadable"
    assert "no reader for .pdf" in found.fault
    assert str(tmp_path) not in found.fault


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("id", "lat", "lng"), ("lat", "lng")),
        (("东坐标", "北坐标"), ("东坐标", "北坐标")),
        (("x_m", "y_m", "z"), ("x_m", "y_m")),
        (("maximum", "yearly"), None),
        ((), None),
    ],
)
def test_columns_are_guessed_by_what_their_names_say(names, expected):
    assert columns_of_positions(names) == expected
