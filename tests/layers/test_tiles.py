"""glTF, GLB, b3dm and tilesets: the blocks come back, and nothing is read that is not there."""

import json
import struct

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

import layers
from layers.readers.gltf import iterate_parts, parse_glb
from tests.layers.samples.city_blocks import BLOCKS
from tests.layers.samples.tiles import PLACE, pack_glb, write_b3dm, write_glb, write_gltf, write_tileset

VOLUMES = [block.volume for block in BLOCKS]


@pytest.mark.parametrize(("suffix", "write"), [("glb", write_glb), ("gltf", write_gltf)])
def test_a_model_gives_the_blocks_that_were_written(tmp_path, suffix, write):
    write(tmp_path / f"a.{suffix}")
    with pytest.raises(layers.PositionMissingError):
        layers.read(tmp_path / f"a.{suffix}")
    layer = layers.read(tmp_path / f"a.{suffix}", position="EPSG:25832")
    assert layer.column("name").tolist() == [block.name for block in BLOCKS]
    moved = shapely.transform(layer.geometry, lambda xy: np.add(xy, (678_000, 5_403_000)))
    for shape, block in zip(moved, BLOCKS, strict=True):
        assert shapely.area(shapely.symmetric_difference(shape, block.base)) < 1e-2
    assert layer.column("height_m") == pytest.approx([block.high - block.low for block in BLOCKS], abs=1e-5)
    assert layer.column("volume_m3") == pytest.approx(VOLUMES, rel=1e-5)
    assert layer.column("shell_faults").tolist() == [None] * 5


def test_a_tileset_gives_its_finest_tiles_where_they_stand(tmp_path):
    write_tileset()(tmp_path / "a.3tz")
    layer = layers.read(tmp_path / "a.3tz")
    assert layer.column("name").tolist() == [block.name for block in BLOCKS]
    assert layer.column("tile").tolist() == ["tiles/0.b3dm"] * 2 + ["tiles/1.b3dm"] * 3
    assert layer.column("flats").tolist() == [7] * 5
    assert (layer.position.crs, layer.position.vertical) == ("EPSG:4326", "ellipsoidal")
    assert layer.column("volume_m3") == pytest.approx(VOLUMES, rel=1e-5)
    assert layer.column("roof_m2") == pytest.approx([block.base.area for block in BLOCKS], rel=1e-5)
    assert layer.column("ground_z") == pytest.approx([PLACE[2] + block.low - 400 for block in BLOCKS], abs=2e-3)
    # Another program's geodesic from the place to a corner of each block.
    for shape, block in zip(layer.geometry, BLOCKS, strict=True):
        west, south, _, _ = block.base.bounds
        _, _, away = Geod(ellps="WGS84").inv(PLACE[0], PLACE[1], shape.bounds[0], shape.bounds[1])
        # Distances on the ellipsoid are shorter than those above it.
        assert away * (1 + PLACE[2] / 6.38e6) == pytest.approx(np.hypot(west - 678_000, south - 5_403_000), abs=1e-3)


def test_tiles_that_add_are_all_read_and_missing_ones_are_told(tmp_path):
    write_tileset(refine="ADD")(tmp_path / "a.3tz")
    assert len(layers.read(tmp_path / "a.3tz")) == 6
    gone = [
        {"content": {"uri": uri}}
        for uri in ("tiles/0.b3dm", "nowhere.b3dm", "../../etc/passwd", "points.pnts", "tileset.json")
    ]
    write_tileset({"points.pnts": b"pnts" + bytes(40)}, children=gone)(tmp_path / "a.3tz")
    layer = layers.read(tmp_path / "a.3tz")
    assert (len(layer), layer.ledger.records_in) == (2, 6)
    assert layer.ledger.rejected["reason"].str.split(":").str[0].unique().tolist() == ["unreadable_tile"]


def test_a_tileset_alone_asks_for_its_archive(tmp_path):
    (tmp_path / "tileset.json").write_text(json.dumps({"asset": {"version": "1.0"}, "root": {}}))
    with pytest.raises(layers.FileRefusedError, match="pack its folder"):
        layers.read(tmp_path / "tileset.json")


def test_a_model_that_names_another_file_is_refused(tmp_path):
    write_gltf(tmp_path / "a.gltf")
    document = json.loads((tmp_path / "a.gltf").read_text())
    document["buffers"][0]["uri"] = "../../etc/passwd"
    (tmp_path / "a.gltf").write_text(json.dumps(document))
    with pytest.raises(layers.FileUnreadableError, match="names another file"):
        layers.read(tmp_path / "a.gltf", position="EPSG:25832")


def _taken_apart(path):
    write_glb(path)
    return parse_glb(path.read_bytes(), label="a.glb")


BROKEN = {
    "beyond the buffer": lambda d: d["accessors"][0].update(count=10**9),
    "offset before it": lambda d: d["accessors"][0].update(byteOffset=-4),
    "a view beyond": lambda d: d["bufferViews"][0].update(byteOffset=10**9),
    "stride too small": lambda d: d["bufferViews"][0].update(byteStride=1),
    "another buffer": lambda d: d["bufferViews"][0].update(buffer=3),
    "sparse": lambda d: d["accessors"][0].update(sparse={}),
    "no such accessor": lambda d: d["meshes"][0]["primitives"][0].update(indices=99),
    "before the first": lambda d: d["meshes"][0]["primitives"][0].update(indices=-1),
    "packed": lambda d: d["meshes"][0]["primitives"][0].update(extensions={"KHR_draco_mesh_compression": {}}),
    "wrong kind": lambda d: d["accessors"][0].update(componentType=7),
    "not whole triangles": lambda d: d["accessors"][1].update(count=4),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_node_is_set_aside_alone(tmp_path, name):
    document, binary = _taken_apart(tmp_path / "a.glb")
    BROKEN[name](document)
    (tmp_path / "a.glb").write_bytes(pack_glb(document, binary))
    layer = layers.read(tmp_path / "a.glb", position="EPSG:25832")
    assert layer.column("name").tolist() == ["b1", "b2", "b3", "b4"]
    assert layer.ledger.reasons()["reason"].tolist() == ["unreadable_geometry"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_document_reads_beyond_its_bytes(tmp_path_factory, data):
    """Numbers of accessors, views and chunks are replaced by others; parts are whole or say what is wrong."""
    document, binary = _taken_apart(tmp_path_factory.mktemp("g") / "a.glb")
    for _ in range(data.draw(st.integers(1, 4))):
        thing = data.draw(st.sampled_from([*document["accessors"], *document["bufferViews"]]))
        key = data.draw(st.sampled_from(sorted(key for key, value in thing.items() if isinstance(value, int))))
        thing[key] = data.draw(st.integers(-10, 5000) | st.sampled_from([2**31, 2**63, 5121, 5125, 5126]))
    for part in iterate_parts(document, binary, label="a"):
        assert part.fault is not None or len(part.triangles) == 0 or part.triangles.max() < len(part.points)


def test_nodes_are_moved_by_those_above_them(tmp_path):
    document, binary = _taken_apart(tmp_path / "a.glb")
    half = np.sqrt(0.5)
    document["nodes"] += [
        {"children": [0], "translation": [100, 0, 0], "rotation": [0, half, 0, half], "scale": [2, 2, 2]},
        {"children": [5, 5], "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 7, 0, 1]},
    ]
    document["scenes"][0]["nodes"] = [6]
    (tmp_path / "a.glb").write_bytes(pack_glb(document, binary))
    layer = layers.read(tmp_path / "a.glb", position="EPSG:25832")
    west, south, east, north = BLOCKS[0].base.bounds
    # A quarter turn about the upright axis: east becomes north.
    assert layer.geometry[0].bounds == pytest.approx((100 - 2 * (north - south), 0, 100, 2 * (east - west)), abs=1e-4)
    assert layer.column("ground_z") == pytest.approx([7.0])
    assert layer.column("volume_m3") == pytest.approx([8 * VOLUMES[0]], rel=1e-5)


@pytest.mark.parametrize(
    "content", [b"glTF" + struct.pack("<II", 1, 12), b"glTF" + struct.pack("<II", 2, 9999), b"glTF"]
)
def test_what_is_no_model_says_so(tmp_path, content):
    (tmp_path / "a.glb").write_bytes(content)
    with pytest.raises(layers.FileUnreadableError, match=r"a\.glb"):
        layers.read(tmp_path / "a.glb", position="EPSG:25832")


def test_a_tile_on_its_own_lies_where_its_centre_is(tmp_path):
    write_b3dm(tmp_path / "a.b3dm")
    layer = layers.read(tmp_path / "a.b3dm")
    assert layer.column("volume_m3") == pytest.approx(VOLUMES, rel=1e-5)
    assert np.abs(shapely.get_coordinates(layer.geometry) - PLACE[:2]).max() < 2e-3
