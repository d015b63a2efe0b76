"""Surfaces of city models as values of a column: what is kept of them, where they go, and what broken ones do."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
import layers
from layers.readers.mesh import Mesh
from layers.readers.triangles import MOST_TRIANGLES, keep_surfaces
from layers.surfaces import COLUMN, Surfaces, count_triangles, pack_surfaces, unpack_surfaces
from tests.layers.samples.cim import write_citygml
from tests.reference import gabled_city as gabled

KEPT = layers.ReadOptions(surfaces=True, height_unit="metre")


def _mesh(surfaces, objects=1):
    rings = [np.asarray(ring, dtype=float) for surface in surfaces for ring in surface]
    one = np.ones(len(surfaces), dtype=np.int64)
    return Mesh(
        xyz=np.concatenate(rings),
        ring_size=np.array([len(ring) for ring in rings]),
        surface_rings=np.array([len(surface) for surface in surfaces]),
        owner=np.zeros_like(one),
        ground=one < 0,
        shell=np.zeros_like(one),
        objects=objects,
    )


def _areas(held):
    a, b, c = (held.xyz[held.triangles[:, i]] for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    path = tmp_path_factory.mktemp("houses") / "houses.city.json"
    path.write_text(json.dumps(gabled.document(gabled.rows_of_houses(3, 2))))
    return path


def test_surfaces_are_kept_only_where_they_are_asked_for(houses):
    plain = layers.read(houses)
    assert COLUMN not in plain.table
    kept = layers.read(houses, options=KEPT)
    assert kept.table.drop(columns=COLUMN).equals(plain.table)
    assert set(map(type, kept.table[COLUMN])) == {bytes}


def test_triangles_areas_and_heights_are_those_of_the_file(houses):
    held = unpack_surfaces(layers.read(houses, options=KEPT).table[COLUMN].to_numpy(dtype=object))
    told = json.loads(houses.read_text())
    wanted = gabled.seen(told)
    floors = [2 + (6 if name == "h0" else 0) for name in wanted]
    assert (held.triangles_of - floors).tolist() == [count for count, _, _ in wanted.values()]
    owner = np.repeat(np.arange(len(wanted)), held.triangles_of)
    floor = (held.xyz[held.triangles, 2] < 0.01).all(axis=1)
    areas = np.bincount(owner, np.where(floor, 0, _areas(held)))
    assert areas == pytest.approx([area for _, area, _ in wanted.values()], abs=1e-3)
    first = np.cumsum(held.points_of) - held.points_of
    assert np.maximum.reduceat(held.xyz[:, 2], first) == pytest.approx([high for _, _, high in wanted.values()])
    assert np.minimum.reduceat(held.xyz[:, 2], first) == pytest.approx(0)
    assert held.points_of.tolist() == [16, *[10] * 6], "each point once"


def test_surfaces_look_outwards_however_they_were_cut(houses):
    held = unpack_surfaces(layers.read(houses, options=KEPT).table[COLUMN].to_numpy(dtype=object))
    a, b, c = (held.xyz[held.triangles[:, i]] - held.xyz[0] for i in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    whole = np.bincount(np.repeat(np.arange(7), held.triangles_of), volume)
    gable = gabled.HOUSE_M * gabled.DEPTH_M * (gabled.EAVES_M + gabled.RIDGE_M) / 2
    assert whole == pytest.approx([(400 - 64) * gabled.EAVES_M, *[gable] * 6], rel=1e-4)


def test_they_go_where_their_record_goes(houses):
    moved = crs.harmonise(layers.read(houses, options=KEPT))
    held = unpack_surfaces(moved.table[COLUMN].to_numpy(dtype=object))
    first = np.cumsum(held.points_of) - held.points_of
    corners = [extreme.reduceat(held.xyz[:, :2], first) for extreme in (np.minimum, np.maximum)]
    assert np.hstack(corners) == pytest.approx(shapely.bounds(moved.geometry), abs=2e-9), "a fifth of a millimetre"
    assert moved.column("height_m") == pytest.approx(np.maximum.reduceat(held.xyz[:, 2], first), abs=1e-3)


def test_surfaces_that_are_not_where_their_record_is_are_left_out(houses):
    layer = layers.read(houses, options=KEPT)
    elsewhere = layer.coordinates.geometry.copy()
    elsewhere[2] = shapely.transform(elsewhere[2], lambda xy: np.add(xy, (500.0, 0.0)))
    layer = layer.with_columns(note=np.arange(len(layer)))
    mended = crs.harmonise(type(layer)(**{**vars(layer), "coordinates": crs.Shapes(elsewhere)}))
    assert mended.table[COLUMN].isna().tolist() == [i == 2 for i in range(7)]


def test_a_frame_that_only_control_points_tell_leaves_blocks(tmp_path):
    told = gabled.document(gabled.rows_of_houses(2, 2))
    del told["metadata"]["referenceSystem"]
    (tmp_path / "houses.city.json").write_text(json.dumps(told))
    points = {"points": "monuments", "x": "x", "y": "y", "name": "id"}
    grid = {"name": "site", "base": "EPSG:32632", "control_points": points, "kind": "similarity"}
    layer = layers.read(tmp_path / "houses.city.json", position={"local_grid": grid}, options=KEPT)
    x, y = (np.array([gabled.EAST, gabled.NORTH])[:, np.newaxis] + [[0, 200, 0, 200], [0, 0, 200, 200]]).astype(float)
    monuments = layers.Layer.from_arrays(
        "monuments",
        shapely.points(*crs.transform(x, y, source="EPSG:32632", target="OGC:CRS84")),
        position="OGC:CRS84",
        columns={"x": x, "y": y, "id": np.arange(4)},
    )
    assert crs.harmonise(layer, references={"monuments": monuments}).table[COLUMN].isna().all()


def test_what_is_set_aside_is_entered_without_them(houses):
    layer = layers.read(houses, options=KEPT).quarantine(np.arange(7) == 1, "closed: by a test")
    assert COLUMN not in layer.ledger.quarantined
    assert len(layer.table[COLUMN]) == 6


def test_citygml_keeps_them_too(tmp_path):
    write_citygml("2.0")(tmp_path / "blocks.gml")
    layer = layers.read(tmp_path / "blocks.gml", options=KEPT)
    held = unpack_surfaces(layer.table[COLUMN].to_numpy(dtype=object))
    first = (np.cumsum(held.points_of) - held.points_of)[held.points_of > 0]
    assert held.triangles_of.min() >= 12
    assert np.maximum.reduceat(held.xyz[:, 2], first) == pytest.approx(layer.column("height_m"), abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(30, 100), min_size=3, max_size=12),
    st.booleans(),
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
)
def test_any_flat_surface_is_covered_once(radii, has_hole, slope):
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    outer = np.column_stack([radii * np.cos(angle), radii * np.sin(angle)])
    rings = [outer, outer[::-1] * 0.3] if has_hole else [outer]
    flat = shapely.Polygon(rings[0], rings[1:])
    if not flat.is_valid:
        return
    tilted = [np.column_stack([ring, ring @ np.array(slope)]) for ring in rings]
    held = unpack_surfaces(keep_surfaces(_mesh([tilted]), np.array([-200.0]), metres_per_unit=1.0).packed)
    steep = np.sqrt(1 + slope[0] ** 2 + slope[1] ** 2)
    assert _areas(held).sum() == pytest.approx(flat.area * steep, rel=1e-4)
    pieces = shapely.polygons(held.xyz[held.triangles][:, :, :2])
    assert shapely.union_all(pieces, grid_size=1e-4).area == pytest.approx(flat.area, rel=1e-3)


def test_surfaces_without_area_and_points_that_are_no_numbers_are_left_out_and_counted():
    good = [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]]
    point = [[[5, 5, 5]] * 3]
    line = [[[0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]]]
    wild = [[[0, 0, 0], [np.nan, 0, 0], [0, 1, 0]]]
    endless = [[[0, 0, 0], [np.inf, 0, 0], [0, 1, 0], [0, 2, 0]]]
    huge = [[[0, 0, 0], [1e200, 0, 0], [0, 1e200, 0], [1e200, 1e200, 0]]]
    found = keep_surfaces(_mesh([good, point, line, wild, endless, huge]), np.zeros(1), metres_per_unit=1.0)
    assert count_triangles(found.packed).tolist() == [1]
    assert found.notes == ("read: 5 surfaces without area or with points that are not finite are not drawn",)


def test_an_object_of_too_many_triangles_keeps_none():
    row = np.arange(MOST_TRIANGLES + 1)[:, np.newaxis, np.newaxis]
    surfaces = list((row + np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]]))[:, np.newaxis])
    found = keep_surfaces(_mesh(surfaces), np.zeros(1), metres_per_unit=1.0)
    assert found.packed.tolist() == [None]
    assert "1 objects of more than" in found.notes[0]


@pytest.mark.parametrize("wide", [False, True])
def test_values_come_back_as_they_went(wide):
    count = 70_000 if wide else 40
    xyz = np.random.default_rng(1).uniform(0, 100, (count, 3)) + np.array((6e5, 5e6, 0))
    held = Surfaces(xyz, np.arange(count - count % 3).reshape(-1, 3), np.array([0, count]), np.array([0, count // 3]))
    values = pack_surfaces(held)
    assert values[0] is None
    back = unpack_surfaces(values)
    assert np.abs(back.xyz - xyz).max() < 1e-5
    assert np.array_equal(back.triangles, held.triangles)
    assert count_triangles(values).tolist() == [0, count // 3]


@given(st.binary(max_size=80), st.integers(0, 65), st.integers(0, 255))
def test_bytes_that_are_no_surfaces_count_as_none(noise, place, byte):
    good = pack_surfaces(Surfaces(np.eye(3), np.array([[0, 1, 2]]), np.array([3]), np.array([1])))[0]
    spoilt = good[:place] + bytes([byte]) + good[place + 1 :]
    values = np.array([noise, spoilt, good, good[:-1], None, "text"], dtype=object)
    back = unpack_surfaces(values)
    assert back.triangles_of[2:].tolist() == [1, 0, 0, 0]
    assert not len(back.triangles) or back.triangles.max() < len(back.xyz)
    assert np.isfinite(back.xyz).all()
