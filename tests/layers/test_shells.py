"""Closed, oriented, measured: shells of city objects against known bodies and the slow way."""

import json
import zipfile

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

import layers
from tests.reference.layers_solid import is_closed, volume

RD = "https://www.opengis.net/def/crs/EPSG/0/28992"


def _prism(base, low, high):
    """A block over a polygon: vertices, and faces as lists of rings."""
    vertices, faces = [], []
    rings = [np.array(ring.coords)[:-1] for ring in (base.exterior, *base.interiors)]
    if not base.exterior.is_ccw:
        rings = [ring[::-1] for ring in rings]
    numbers = []
    for ring in rings:
        start = len(vertices)
        vertices += [[x, y, low] for x, y in ring] + [[x, y, high] for x, y in ring]
        numbers.append((start, len(ring)))
    faces.append([[start + k for k in range(n)][::-1] for start, n in numbers])
    faces.append([[start + n + k for k in range(n)] for start, n in numbers])
    for start, n in numbers:
        for k in range(n):
            after = (k + 1) % n
            faces.append([[start + k, start + after, start + n + after, start + n + k]])
    return vertices, faces


def _document(vertices, boundaries, *, kind="Solid", crs=RD):
    geometry = {"type": kind, "lod": "2", "boundaries": boundaries}
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [1, 1, 1], "translate": [0, 0, 0]},
        "metadata": {"referenceSystem": crs},
        "CityObjects": {"b": {"type": "Building", "geometry": [geometry]}},
        "vertices": vertices,
    }


def _read(folder, vertices, faces, *, kind="Solid", crs=RD, **keywords):
    path = folder / "a.city.json"
    path.write_text(json.dumps(_document(vertices, [faces] if kind == "Solid" else faces, kind=kind, crs=crs)))
    (row,) = layers.read(path, **keywords).table.to_dict("records")
    return row


def _faults(row):
    return set() if isinstance(row["shell_faults"], float) else set(row["shell_faults"].split("; "))


@st.composite
def _bases(draw):
    count = draw(st.integers(3, 8))
    radius = np.array(draw(st.lists(st.integers(4, 20), min_size=count, max_size=count)), dtype=float)
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    centre = np.array([draw(st.integers(0, 300_000)), 400_000], dtype=float)
    ring = centre + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    base = shapely.Polygon(ring.round(3))
    court = base.buffer(-1.5)
    if draw(st.booleans()) and isinstance(court, shapely.Polygon) and not court.is_empty:
        base = shapely.Polygon(base.exterior, [np.array(court.exterior.coords).round(3)])
    return base if base.is_valid else shapely.Polygon(ring.round(3)).convex_hull


@settings(max_examples=25, deadline=None)
@given(base=_bases(), high=st.integers(1, 60), data=st.data())
def test_faces_that_look_inside_are_turned_and_counted(tmp_path_factory, base, high, data):
    vertices, faces = _prism(base, 3, 3 + high)
    wrong = data.draw(st.sets(st.integers(0, len(faces) - 1)))
    mixed = [[ring[::-1] for ring in face] if i in wrong else face for i, face in enumerate(faces)]
    row = _read(
        tmp_path_factory.mktemp("s"), vertices, mixed, kind=data.draw(st.sampled_from(["Solid", "MultiSurface"]))
    )
    assert volume(vertices, faces) == pytest.approx(base.area * high, rel=1e-9)
    assert row["volume_m3"] == pytest.approx(base.area * high, rel=1e-9)
    assert row["wall_m2"] == pytest.approx(base.length * high, rel=1e-9)
    assert row["roof_m2"] == pytest.approx(base.area, rel=1e-9)
    assert _faults(row) == ({"wrong_orientation"} if wrong else set())
    assert row["shell_repairs"] == f"{len(wrong)} faces turned" if wrong else isinstance(row["shell_repairs"], float)


@settings(max_examples=15, deadline=None)
@given(base=_bases(), data=st.data())
def test_an_open_shell_has_no_volume(tmp_path_factory, base, data):
    vertices, faces = _prism(base, 0, 5)
    del faces[data.draw(st.integers(0, len(faces) - 1))]
    row = _read(tmp_path_factory.mktemp("s"), vertices, faces)
    assert not is_closed(faces)
    assert np.isnan([row["volume_m3"], row["roof_m2"], row["wall_m2"]]).all()
    assert "not_closed" in _faults(row)


@settings(max_examples=15, deadline=None)
@given(base=_bases(), data=st.data())
def test_a_face_that_is_there_twice_is_dropped(tmp_path_factory, base, data):
    vertices, faces = _prism(base, 0, 5)
    face = faces[data.draw(st.integers(0, len(faces) - 1))]
    again = [ring[1:] + ring[:1] for ring in face]
    if data.draw(st.booleans()):
        again = [ring[::-1] for ring in again]
    row = _read(tmp_path_factory.mktemp("s"), vertices, [*faces, again])
    assert row["volume_m3"] == pytest.approx(base.area * 5, rel=1e-9)
    assert "duplicate_face" in _faults(row)
    assert row["shell_repairs"] == "1 faces dropped"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 20)] * 3), min_size=5, max_size=25, unique=True), st.data())
def test_convex_bodies_as_another_library_measures_them(tmp_path_factory, points, data):
    points = np.array(points, dtype=float)
    if np.linalg.matrix_rank(points - points[0]) < 3:
        return
    hull = ConvexHull(points)
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    faces = [[ring.tolist() if random.random() < 0.5 else ring[::-1].tolist()] for ring in hull.simplices]
    row = _read(tmp_path_factory.mktemp("s"), points.tolist(), faces)
    assert row["volume_m3"] == pytest.approx(hull.volume, rel=1e-9)
    assert row["wall_m2"] + row["roof_m2"] <= hull.area * (1 + 1e-9)


CUBE = _prism(shapely.box(0, 0, 4, 4), 0, 4)


def _both(one, other):
    offset = len(one[0])
    return one[0] + other[0], one[1], [[[k + offset for k in ring] for ring in face] for face in other[1]]


def _turned(faces):
    return [[ring[::-1] for ring in face] for face in faces]


@pytest.mark.parametrize("inside_out", [False, True])
def test_a_hollow_is_taken_off(tmp_path, inside_out):
    vertices, outer, inner = _both(CUBE, _prism(shapely.box(1, 1, 2, 3), 1, 3))
    shells = [outer, _turned(inner)]
    shells = [_turned(shell) for shell in shells] if inside_out else shells
    path = tmp_path / "a.city.json"
    path.write_text(json.dumps(_document(vertices, shells)))
    layer = layers.read(path)
    assert layer.column("volume_m3").tolist() == [pytest.approx(64 - 4)]
    assert layer.column("shell_repairs").tolist() == ["12 faces turned" if inside_out else None]


def test_a_body_turned_inside_out_beside_another_is_no_hollow(tmp_path):
    vertices, one, other = _both(CUBE, _prism(shapely.box(10, 0, 11, 1), 0, 1))
    row = _read(tmp_path, vertices, one + _turned(other), kind="MultiSurface")
    assert row["volume_m3"] == pytest.approx(65)
    assert row["shell_repairs"] == "6 faces turned"


def test_bodies_that_touch_are_told(tmp_path):
    vertices, one, other = _both(CUBE, _prism(shapely.box(4, 4, 8, 8), 0, 4))
    row = _read(tmp_path, vertices, one + other, kind="MultiSurface")
    assert row["volume_m3"] == pytest.approx(128)
    assert "non_manifold_edge" in _faults(row)
    vertices, one, other = _both(CUBE, _prism(shapely.box(4, 4, 8, 8), 4, 8))
    row = _read(tmp_path, vertices, one + other, kind="MultiSurface")
    assert row["volume_m3"] == pytest.approx(128)
    assert _faults(row) == {"self_touch"}


def test_faces_that_are_not_flat_or_have_no_area_are_told(tmp_path):
    vertices, faces = CUBE
    bent = [[*vertex] for vertex in vertices]
    bent[4][2] += 0.5
    assert _faults(_read(tmp_path, bent, faces)) == {"not_planar"}
    row = _read(tmp_path, vertices, [*faces, [[0, 1, 0]]])
    assert "degenerate_face" in _faults(row)
    assert row["volume_m3"] == pytest.approx(64)


def test_where_x_and_y_are_no_lengths_nothing_is_measured(tmp_path):
    options = layers.ReadOptions(height_unit="metre")
    row = _read(tmp_path, *CUBE, crs="https://www.opengis.net/def/crs/EPSG/0/4979", options=options)
    assert np.isnan(row["volume_m3"])
    feet = layers.ReadOptions(height_unit="us_survey_foot")
    row = _read(tmp_path, *CUBE, crs="https://www.opengis.net/def/crs/EPSG/0/2263", options=feet)
    assert row["volume_m3"] == pytest.approx(64 * (1200 / 3937) ** 3)


def test_solids_count_and_surfaces_beside_them_do_not(tmp_path):
    document = _document(CUBE[0], [CUBE[1]])
    document["CityObjects"]["b"]["geometry"].append({"type": "MultiSurface", "lod": "2", "boundaries": CUBE[1]})
    (tmp_path / "a.city.json").write_text(json.dumps(document))
    assert layers.read(tmp_path / "a.city.json").column("volume_m3").tolist() == [pytest.approx(64)]


def test_the_hague_as_the_slow_way_measures_it(formats, tmp_path):
    with zipfile.ZipFile(formats / "cityjson" / "DenHaag_01.city.json.zip") as archive:
        archive.extractall(tmp_path)
    path = tmp_path / "DenHaag_01.city.json"
    document = json.loads(path.read_text())
    layer = layers.read(path)
    cubed = np.prod(document["transform"]["scale"])
    compared = 0
    for row in layer.table[layer.table["object_type"] == "Building"].head(200).to_dict("records"):
        thing = document["CityObjects"][row["id"]]
        family = [document["CityObjects"][name] for name in (row["id"], *thing.get("children", ()))]
        shapes = [shape for member in family for shape in member.get("geometry", ()) if str(shape["lod"]) == row["lod"]]
        solids = [shape["boundaries"][0] for shape in shapes if shape["type"] == "Solid"]
        if all(map(is_closed, solids)) and not _faults(row):
            whole = sum(volume(document["vertices"], faces) for faces in solids)
            assert row["volume_m3"] == pytest.approx(whole * cubed, rel=1e-7)
            compared += 1
        elif not all(map(is_closed, solids)):
            assert _faults(row)
    assert compared > 80
