"""Well-known binary without making geometries: GEOS, by the way of shapely alone, is the referee."""

import copy
import dataclasses
import json

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
import layers
from crs.deferred import Points
from layers.errors import TransferError
from layers.packed import Packed, pack_geometry
from layers.readers.binary import decode_binary
from layers.readers.binary_kernels import copy_coordinates, find_doubtful, measure
from layers.readers.geojson_geometry import pack_features
from layers.readers.records import geometry_faults

CORNERS = st.tuples(st.integers(0, 4), st.integers(0, 4))
RINGS = st.lists(CORNERS, min_size=3, max_size=7).map(lambda ring: [*ring, ring[0]])
HOLES = st.lists(RINGS, max_size=1)
AREAS = st.tuples(RINGS, HOLES).map(lambda both: shapely.Polygon(*both))
LINES = st.lists(CORNERS, min_size=2, max_size=4).map(shapely.LineString)
ODD = st.sampled_from(
    [None, b"", b"?", b"\1\3\0\0\0\xff\xff\xff\xff", b"\1\6\0\0\0\1\0\0\0", shapely.Point(1, 2), shapely.Polygon()]
    + [shapely.from_wkt(text) for text in ("GEOMETRYCOLLECTION (POINT (1 1))", "POINT M (1 2 3)", "POINT EMPTY")]
    + [shapely.from_wkt("POLYGON ((0 0, 1 0, nan 1, 0 0))"), shapely.LineString([(0, 0), (np.inf, 1)])]
    + [shapely.from_wkt("MULTIPOINT (1 1, 2 2)"), shapely.MultiPolygon()]
)
ANY = st.one_of(
    ODD,
    AREAS,
    LINES,
    st.lists(AREAS, min_size=1, max_size=3).map(shapely.MultiPolygon),
    st.lists(LINES, min_size=1, max_size=3).map(shapely.MultiLineString),
)


@np.errstate(all="ignore")
def _written(shape, form):
    if shape is None or isinstance(shape, bytes):
        return shape
    if form == "deep" and not shapely.is_empty(shape):
        return shapely.to_wkb(shapely.force_3d(shape, 5.0))
    if form == "extended":
        return shapely.to_wkb(shapely.force_3d(shape, 5.0), flavor="extended")
    return shapely.to_wkb(shape, byte_order=0 if form == "turned" else 1)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ANY, st.sampled_from(["plain", "deep", "extended", "turned"])), max_size=6), st.booleans())
def test_what_is_read_and_what_is_found_wrong_is_what_geos_says(records, of_arrow):
    blobs = np.empty(len(records), dtype=object)
    blobs[:] = [_written(*record) for record in records]
    given_blobs = pa.chunked_array([pa.array(blobs[:2], pa.binary()), pa.array(blobs[2:], pa.binary())])
    packed, faults = decode_binary(given_blobs if of_arrow else blobs, unreadable="no")
    with np.errstate(all="ignore"):
        expected = shapely.from_wkb(blobs, on_invalid="ignore")
        why = geometry_faults(expected, np.array([blob is not None for blob in blobs], dtype=bool), unreadable="no")
        assert shapely.to_wkt(packed.make()).tolist() == shapely.to_wkt(expected).tolist()
        assert packed.has_z == bool(shapely.has_z(expected).any())
    assert (faults is None and not any(why)) or faults.tolist() == why.tolist()


@settings(max_examples=150, deadline=None)
@given(st.lists(CORNERS, min_size=3, max_size=12), st.sampled_from([(1.0, 0.0), (0.1, 680_000.3), (1e-9, 7.4)]))
def test_no_ring_that_geos_refuses_is_plainly_sound(ring, frame):
    corners = np.array([*ring, ring[0]]) * frame[0] + frame[1]
    shape = shapely.Polygon(corners)
    _, faults = decode_binary(np.array([shape.wkb], dtype=object), unreadable="no")
    assert (faults is None) == shapely.is_valid(shape)


def test_plainly_sound_areas_are_told_without_geos(monkeypatch):
    shapes = shapely.buffer(shapely.points(np.random.default_rng(1).random((50, 2)) * 1e5), 9, quad_segs=6)
    corner = shapely.Polygon([(0, 0), (9, 0), (9, 2), (4, 2), (4, 7), (0, 7)])
    monkeypatch.setattr(shapely, "from_wkb", None)
    _, faults = decode_binary(np.array([*shapely.to_wkb(shapes), corner.wkb], dtype=object), unreadable="no")
    assert faults is None


@pytest.mark.parametrize(
    "change",
    [
        {"offsets0": np.array([0, 5, 99])},
        {"offsets0": np.array([0, 7, 5, 10])},
        {"offsets1": np.array([1, 2])},
        {"offsets1": np.array([0.0, 2.0])},
        {"coordinates": np.zeros((10, 3))},
        {"coordinates": np.zeros((10, 2), dtype=np.float32)},
        {"rows": np.array([0, 2])},
        {"rows": np.array([-1, 0])},
        {"rows": np.array([0])},
    ],
)
def test_numbers_of_a_child_that_do_not_fit_are_refused(change):
    sound = pack_geometry(np.array([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]))
    assert len(Packed(parts=sound, length=2).make()) == 2
    with pytest.raises(TransferError):
        Packed(parts={"3": {**sound["3"], **change}}, length=2)


def test_binary_of_a_child_that_does_not_fit_is_refused():
    rest = {"offsets": np.array([0, 50]), "data": np.zeros(20, dtype=np.uint8)}
    with pytest.raises(TransferError):
        Packed(parts={"rest": {"rows": np.array([0]), "wkb": rest}}, length=1)


@pytest.fixture
def read(tmp_path):
    places = shapely.points(7 + np.random.default_rng(3).random((40, 2)))
    frame = gpd.GeoDataFrame({"v": range(40)}, geometry=places, crs="OGC:CRS84")
    frame.to_parquet(tmp_path / "stops.parquet")
    return layers.read(tmp_path / "stops.parquet"), places


def test_points_are_made_when_they_are_asked_for(read, monkeypatch):
    layer, places = read
    every, half = layer, layer.select(np.arange(40) % 2 == 0)
    monkeypatch.setattr(shapely, "points", None)
    assert (len(every), len(half), half.coordinates.numbers.shape) == (40, 20, (20, 2))
    monkeypatch.undo()
    assert half.geometry.tolist() == places[::2].tolist()
    assert every.geometry is every.geometry
    assert half.ledger.rejected["geometry"].tolist() == shapely.to_wkt(places[1::2], rounding_precision=-1).tolist()


def test_deferred_positions_are_as_any_others(read):
    layer, places = read
    deferred, made = layer.coordinates, crs.Shapes(places)
    assert deferred.__dask_tokenize__() == made.__dask_tokenize__()
    assert copy.deepcopy(deferred).geometry.tolist() == places.tolist()
    moved = dataclasses.replace(deferred, sigma_m=np.ones(40))
    assert (moved.geometry.tolist(), moved.sigma_m.sum()) == (places.tolist(), 40)
    assert deferred.take(np.array([3, 1])).geometry.tolist() == places[[3, 1]].tolist()
    with pytest.raises(crs.LengthMismatchError):
        crs.Shapes.deferred(Points(np.zeros((2, 2))), sigma_m=np.zeros(3))
    with pytest.raises(AttributeError, match="colour"):
        _ = deferred.colour


def test_loops_are_compiled_once_whatever_the_bytes_came_in():
    """A child that reads may not keep what it compiles: a second type would cost each of them seconds."""
    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (1, 1)])])
    blobs = shapely.to_wkb(shapes)
    several = pa.chunked_array([pa.array(blobs[:1], pa.binary()), pa.array(blobs[1:], pa.binary())])
    file = pa.BufferOutputStream()
    with pa.ipc.new_stream(file, pa.schema({"shape": pa.large_binary()})) as stream:
        stream.write_table(pa.table({"shape": pa.array(blobs, pa.large_binary())}))
    mapped = pa.ipc.open_stream(file.getvalue()).read_all().column("shape")
    for written in (blobs, several, mapped, several.slice(1), pa.chunked_array([], pa.binary())):
        decode_binary(written, unreadable="?")
    pack_features([json.loads(shapely.to_geojson(shape)) for shape in shapes])
    for loop in (measure, copy_coordinates, find_doubtful):
        assert len(loop.signatures) == 1, loop.__name__


def test_an_area_that_geos_cannot_judge_is_set_aside_alone():
    hole = np.array([(9, 10), (9, 11.5), (3, 11.5), (3, 10)])
    court = shapely.Polygon(np.array([(12, 8), (12, 13), (2, 13), (2, 8)]) * 1e-300, [hole * 1e-300])
    with pytest.raises(shapely.errors.GEOSException):
        shapely.is_valid(court)
    house, bow = shapely.box(0, 0, 1, 1), shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    shapes = np.array([house, court, bow, None])
    faults = geometry_faults(shapes, np.ones(4, dtype=bool))
    assert [why and why.split(":")[0] for why in faults] == [
        None,
        "invalid_geometry",
        "invalid_geometry",
        "unreadable_geometry",
    ]
    assert "GEOS cannot judge it" in faults[1]
