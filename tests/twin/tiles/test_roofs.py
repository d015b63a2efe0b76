"""Buildings with the surfaces of their model as tiles: every one whole, once, and as the file has it."""

import gzip
import io
import json
import struct

import numpy as np
import pytest
import trimesh
from fastapi import FastAPI
from fastapi.testclient import TestClient

import twin
from crs.geodesy import from_geocentric
from layers.surfaces import COLUMN
from tests.reference import gabled_city as gabled
from twin.api import tile_router
from twin.errors import TileNotFoundError
from twin.tiles import Budget, TileSource
from twin.tiles.glb import Pieces, to_glb


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gabled")
    twin.build(gabled.write_city(folder), out=folder / "gabled.twin", workers=0)
    return folder


@pytest.fixture(scope="module")
def source(place):
    return TileSource(twin.open(place / "gabled.twin"))


def _glbs(source):
    return [address for address in source.addresses() if address.endswith(".glb")]


def _told(body):
    size = struct.unpack_from("<I", body, 12)[0]
    return json.loads(body[20 : 20 + size]), body[28 + size :]


def _parts(body):
    """Positions east, north, up in metres, triangles and features, by the words of the file alone."""
    told, binary = _told(body)
    kinds = {5122: "<i2", 5123: "<u2", 5125: "<u4"}

    def array(number):
        accessor = told["accessors"][number]
        view = told["bufferViews"][accessor["bufferView"]]
        values = np.frombuffer(binary, kinds[accessor["componentType"]], view["byteLength"] // 2, view["byteOffset"])
        width = view.get("byteStride", 2) // 2
        return values.reshape(-1, width)[:, : 3 if accessor["type"] == "VEC3" else 1]

    primitive = told["meshes"][0]["primitives"][0]
    xyz = array(primitive["attributes"]["POSITION"]) * told["nodes"][0]["scale"][0]
    indices = array(primitive["indices"]).reshape(-1, 3)
    return xyz[:, [0, 2, 1]] * [1, -1, 1], indices, array(primitive["attributes"]["_FEATURE_ID_0"]).ravel(), told


def _rows(told, binary):
    (table,) = told["extensions"]["EXT_structural_metadata"]["propertyTables"]
    view = told["bufferViews"][table["properties"]["row"]["values"]]
    return np.frombuffer(binary, "<u4", table["count"], view["byteOffset"])


def test_every_building_is_there_once_with_the_triangles_areas_and_heights_of_its_file(source, place):
    wanted = gabled.seen(json.loads((place / "houses.city.json").read_text()))
    names = source.city.features("houses")["id"].to_list()
    full = source.layer("houses").zooms[1]
    found = {}
    for address in _glbs(source):
        if not address.startswith(f"layers/houses/{full}/"):
            continue
        body = gzip.decompress(source.answer(address))
        xyz, triangles, features, told = _parts(body)
        rows = _rows(told, _told(body)[1])
        a, b, c = (xyz[triangles[:, i]] for i in range(3))
        areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
        for feature in np.unique(features).tolist():
            name, own = names[rows[feature]], features[triangles[:, 0]] == feature
            assert name not in found
            found[name] = (int(own.sum()), areas[own].sum(), xyz[triangles[own].ravel(), 2].max())
    assert set(found) == set(wanted)
    for name, (count, area, height) in wanted.items():
        assert found[name][0] == count
        assert found[name][1] == pytest.approx(area, rel=5e-3), "points are whole steps of 1/64 m"
        assert found[name][2] == pytest.approx(height, abs=1 / 64)


def test_another_program_reads_the_tiles(source):
    address = _glbs(source)[-1]
    body = gzip.decompress(source.answer(address))
    xyz, triangles, _, told = _parts(body)
    scene = trimesh.load(io.BytesIO(body), file_type="glb", process=False)
    mesh = scene.to_geometry()
    assert len(mesh.faces) == len(triangles)
    assert mesh.bounds[1, 1] == pytest.approx(xyz[:, 2].max()), "up is y"
    assert mesh.area == pytest.approx(
        np.linalg.norm(np.cross(*(xyz[triangles[:, i]] - xyz[triangles[:, 0]] for i in (1, 2))), axis=1).sum() / 2
    )
    assert set(told["extensionsRequired"]) <= set(told["extensionsUsed"])
    upward = mesh.face_normals[mesh.triangles[:, :, 1].min(axis=1) >= gabled.EAVES_M - 0.02]
    assert (upward[:, 1] > 0.2).all(), "roofs look up, so what shows one side only shows them"


def test_points_are_where_the_buildings_are(source):
    table = source.city.features("houses")
    address = _glbs(source)[-1]
    body = gzip.decompress(source.answer(address))
    xyz, _, features, told = _parts(body)
    rows = _rows(told, _told(body)[1])
    lon_lat = np.array(told["asset"]["extras"]["origin"]) + xyz[:, :2] / told["asset"]["extras"]["metres_per_degree"]
    for feature in np.unique(features)[:5].tolist():
        own = lon_lat[features == feature]
        box = np.hstack([own.min(axis=0), own.max(axis=0)])
        assert box == pytest.approx(table.geometry.iloc[rows[feature]].bounds, abs=3e-7)


def test_beyond_the_budget_the_largest_have_their_roofs_and_no_view_holds_more(source):
    few = TileSource(source.city, budget=Budget(triangles=100))
    tiles = few.layer("houses")
    assert tiles.roofs.zooms == (15, 17)
    names = few.city.features("houses")["id"].to_list()
    shown, total = [], 0
    for address in (one for one in _glbs(few) if one.startswith("layers/houses/15/")):
        body = gzip.decompress(few.answer(address))
        if "meshes" not in _told(body)[0]:
            continue
        _, triangles, features, told = _parts(body)
        rows = _rows(told, _told(body)[1])
        shown += [names[rows[feature]] for feature in np.unique(features)]
        total += len(triangles)
    assert 0 < total <= 100, "all stand in one view"
    assert 0 < len(shown) < len(names)
    assert "h0" in shown, "the largest"


def test_far_off_and_elsewhere_there_are_none(source, tiny):
    full = source.layer("houses").zooms[1]
    assert full >= 15
    with pytest.raises(TileNotFoundError, match="from zoom 15"):
        source.answer(next(one for one in source.addresses() if "/14/" in one).replace(".mvt", ".glb"))
    city = TileSource(tiny)
    lines = next(address for address in city.addresses() if address.startswith("layers/streets"))
    with pytest.raises(TileNotFoundError, match="roofs: true"):
        city.answer(lines.replace(".mvt", ".glb"))
    assert "roofs" not in json.loads(city.describe("layers/streets"))


def test_the_route_hands_them_out_and_describes_them_as_3d_tiles(source):
    app = FastAPI()
    app.include_router(tile_router(source))
    client, root = TestClient(app), f"/tiles/{source.city.snapshot}"
    assert client.get(f"{root}/layers/houses.json").json()["roofs"]["minzoom"] == 15
    answer = client.get(f"{root}/{_glbs(source)[-1]}")
    assert answer.headers["content-type"] == "model/gltf-binary"
    same = client.get(f"{root}/{_glbs(source)[-1]}", headers={"If-None-Match": answer.headers["etag"]})
    assert same.status_code == 304
    told = client.get(f"{root}/layers/houses/tileset.json").json()
    leaves = told["root"]["children"]
    assert told["asset"]["version"] == "1.1"
    bounds = np.radians(source.city.features("houses").total_bounds)
    assert told["root"]["boundingVolume"]["region"][:4] == pytest.approx(bounds, abs=1e-9)
    for leaf in leaves:
        body = client.get(f"{root}/layers/houses/{leaf['content']['uri']}").content
        xyz, _, _, found = _parts(body)
        matrix = np.array(leaf["transform"]).reshape(4, 4).T
        lon, lat, up = from_geocentric(*(matrix[:3, :3] @ xyz.T + matrix[:3, 3:]))
        extras = found["asset"]["extras"]
        flat = np.array(extras["origin"]) + xyz[:, :2] / extras["metres_per_degree"]
        assert np.column_stack([lon, lat]) == pytest.approx(flat, abs=2e-7), "two centimetres"
        assert up == pytest.approx(xyz[:, 2], abs=0.02)
    assert client.get(f"{root}/layers/houses/other.json").status_code == 404


def test_the_twin_keeps_them_apart_from_attributes(source, place):
    city = source.city
    assert COLUMN not in city.features("houses")
    assert city.features("houses", surfaces=True)[COLUMN].notna().all()
    assert not city.verify()
    plain = gabled.CITY.replace(", roofs: true", "")
    other = twin.build(gabled.write_city(place / "plain", manifest=plain), out=place / "plain.twin", workers=0)
    assert COLUMN not in other.features("houses", surfaces=True)
    assert other.features("houses").equals(city.features("houses"))


def test_workers_and_partitions_change_no_byte(source, place, monkeypatch):
    monkeypatch.setattr("twin.steps.parts.LEAST_RECORDS", 10)
    monkeypatch.setattr("twin.steps.parts.STRETCH", 16)
    parted = twin.build(place / "city.yaml", out=place / "parted.twin", workers=0)
    whole, cut = (city.features("houses", surfaces=True) for city in (source.city, parted))
    assert whole.equals(cut)
    address = _glbs(source)[-1]
    assert TileSource(parted).answer(address) == source.answer(address)


def test_nothing_is_a_file_without_meshes():
    nothing = Pieces(np.empty((0, 3)), np.empty((0, 3), dtype=np.int64), np.empty(0, dtype=np.int64))
    told, binary = _told(to_glb(nothing, rows=np.empty(0, dtype=np.int64), extras={}))
    assert "meshes" not in told
    assert not binary


def test_large_tiles_take_coarser_steps_and_longer_numbers():
    count = 70_000
    xyz = np.random.default_rng(2).uniform(-900, 900, (count, 3))
    pieces = Pieces(xyz, np.arange(count - 1).reshape(-1, 3), np.arange(count) // 30)
    told = _told(to_glb(pieces, rows=np.arange(count // 30 + 1), extras={}))[0]
    assert told["nodes"][0]["scale"][0] == 1 / 32
    assert told["accessors"][2]["componentType"] == 5125
