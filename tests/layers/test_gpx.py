"""Tracks of receivers, against GDAL's reader."""

import numpy as np
import pyogrio
import pytest
import shapely

import crs
import layers
from tests.layers.samples.transport import GPX


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a.gpx").write_text(GPX, encoding="utf-8")
    return tmp_path / "a.gpx"


def _read(path, layer=None, **options):
    return layers.read(path, options=layers.ReadOptions(layer=layer, **options))


def test_points_keep_time_and_track(path):
    points = _read(path, time=layers.TimeColumn(column="time", zone="UTC"))
    assert len(points) == 2  # two have no time, one none and no longitude
    assert points.column("time")[1] == np.datetime64("2026-03-30T07:00:10")
    points = _read(path)
    assert points.column("track").tolist() == [0, 0, 0, 0, 1]
    assert points.column("segment").tolist() == [0, 0, 1, 1, 0]
    assert points.column("speed")[0] == 1.5
    assert np.isnan(points.column("ele")[2])
    assert points.position.vertical.startswith("unresolved")
    assert points.units["ele"] == "m"
    assert points.ledger.quarantined["reason"].tolist() == ["unreadable_number: lon is 'x', lat is '43.7' (line 13)"]


def test_a_named_datum_reaches_the_heights(path):
    points = crs.harmonise(_read(path, vertical="EPSG:5720"))
    assert points.position.vertical.startswith("EPSG:5720")


def test_tracks_routes_and_waypoints(path):
    tracks = _read(path, "tracks")
    assert [shape.geom_type for shape in tracks.geometry] == ["MultiLineString"]
    assert tracks.column("points").tolist() == [4]
    assert tracks.column("end").tolist() == ["2026-03-30T07:00:10Z"]
    assert tracks.ledger.reasons()["reason"].tolist() == ["unreadable_number"]
    assert _read(path, "routes").geometry[0].equals(shapely.LineString([(7.41, 43.73), (7.42, 43.74)]))
    waypoints = _read(path, "waypoints")
    assert waypoints.column("name").tolist() == ["Gare 海"]
    assert waypoints.ledger.reasons()["reason"].tolist() == ["out_of_range"]
    with pytest.raises(layers.SchemaError, match="no layer 'laps'"):
        _read(path, "laps")


def test_gdal_reads_the_same(tmp_path):
    """What GDAL takes for a broken file is left out: it stops at the first bad longitude."""
    path = tmp_path / "a.gpx"
    path.write_text(GPX.replace('lon="x"', 'lon="7.39"').replace('lat="91"', 'lat="43.7"'), encoding="utf-8")
    for ours, theirs in (
        ("points", "track_points"),
        ("tracks", "tracks"),
        ("waypoints", "waypoints"),
        ("routes", "routes"),
    ):
        layer = _read(path, ours)
        frame = pyogrio.read_dataframe(path, layer=theirs)
        assert len(layer) == len(frame)
        geometry = [shapely.force_2d(shape) for shape in frame.geometry]
        assert all(one.equals(other) for one, other in zip(layer.geometry, geometry, strict=True))


def test_an_empty_file_has_no_records(tmp_path):
    (tmp_path / "a.gpx").write_text('<gpx version="1.0"/>')
    assert len(_read(tmp_path / "a.gpx")) == 0


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (GPX[:500], layers.FileUnreadableError),
        (GPX.replace("<gpx", '<!DOCTYPE gpx [<!ENTITY x "y">]><gpx'), layers.FileRefusedError),
        ("<kml/>", layers.FileRefusedError),
        ("lat,lon\n1,2\n", layers.FileRefusedError),
        ("", layers.FileRefusedError),
    ],
)
def test_what_is_broken_says_so(tmp_path, text, error):
    (tmp_path / "a.gpx").write_text(text)
    with pytest.raises(error, match=r"a\.gpx"):
        _read(tmp_path / "a.gpx")
