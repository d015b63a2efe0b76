import gzip
import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
from tests.reference.layers_footprint import height, outline

RD = "https://www.opengis.net/def/crs/EPSG/0/28992"
SCALE = 0.001


def _prism(base, z0, z1, *, named=False):
    """A closed block over a polygon, as CityJSON writes it."""
    vertices, surfaces, names = [], [], []

    def _ring(coordinates, z):
        start = len(vertices)
        vertices.extend([x, y, z] for x, y in coordinates[:-1])
        return list(range(start, start + len(coordinates) - 1))

    rings = [np.array(ring.coords) for ring in (base.exterior, *base.interiors)]
    low, high = ([_ring(ring, z) for ring in rings] for z in (z0, z1))
    surfaces += [[ring[::-1] for ring in low], high]
    names += ["GroundSurface", "RoofSurface"]
    for below, above in zip(low, high, strict=True):
        for k in range(len(below)):
            n = (k + 1) % len(below)
            surfaces.append([[below[k], below[n], above[n], above[k]]])
            names.append("WallSurface")
    semantics = {"surfaces": [{"type": name} for name in names], "values": [list(range(len(names)))]} if named else None
    return vertices, surfaces, semantics


def _encode(blocks, *, crs=RD, version="2.0", extra=None):
    """A CityJSON document of solids, one object a block."""
    objects, vertices = {}, []
    for i, (points, surfaces, semantics) in enumerate(blocks):
        shell = [[[k + len(vertices) for k in ring] for ring in surface] for surface in surfaces]
        solid = {"type": "Solid", "lod": "2.2", "boundaries": [shell]}
        if semantics:
            solid["semantics"] = semantics
        objects[f"b{i}"] = {"type": "Building", "attributes": {"n": i}, "geometry": [solid]}
        vertices.extend([round(v / SCALE) for v in point] for point in points)
    return {
        "type": "CityJSON",
        "version": version,
        "transform": {"scale": [SCALE] * 3, "translate": [0, 0, 0]},
        "metadata": {"referenceSystem": crs} if crs else {},
        "CityObjects": objects | (extra or {}),
        "vertices": vertices,
    }


def _read(path, document, **keywords):
    path.write_text(json.dumps(document))
    return layers.read(path, **keywords)


@st.composite
def _bases(draw):
    """Star-shaped polygons, some with a court inside, never self-crossing."""
    count = draw(st.integers(3, 9))
    radius = np.array(draw(st.lists(st.integers(3000, 20_000), min_size=count, max_size=count))) * SCALE
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    centre = np.array([draw(st.integers(0, 300_000)), draw(st.integers(300_000, 620_000))], dtype=float)
    ring = centre + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    base = shapely.Polygon(ring.round(3))
    court = base.buffer(-1.5)
    if draw(st.booleans()) and isinstance(court, shapely.Polygon) and not court.is_empty:
        base = shapely.Polygon(base.exterior, [np.array(court.exterior.coords).round(3)])
    return base if base.is_valid else shapely.Polygon(ring.round(3)).convex_hull


@settings(max_examples=50, deadline=None)
@given(
    bases=st.lists(_bases(), min_size=1, max_size=5),
    levels=st.tuples(st.integers(-5, 50), st.integers(2, 100)),
    named=st.booleans(),
)
def test_footprint_and_height_agree_with_the_slow_way(tmp_path_factory, bases, levels, named):
    blocks = [_prism(base, levels[0], levels[0] + levels[1], named=named) for base in bases]
    layer = _read(tmp_path_factory.mktemp("cj") / "a.city.json", _encode(blocks))
    assert len(layer) == len(bases)
    for shape, high, base, (vertices, surfaces, _) in zip(
        layer.geometry, layer.column("height_m"), bases, blocks, strict=True
    ):
        assert shapely.area(shapely.symmetric_difference(shape, outline(vertices, surfaces))) < 1e-3
        assert shapely.area(shapely.symmetric_difference(shape, base)) < 1e-1
        assert high == pytest.approx(height(vertices, surfaces), abs=2 * SCALE)
    assert set(layer.column("footprint_from")) == {"ground_surface" if named else "lowest_faces"}
    assert layer.column("ground_z") == pytest.approx(levels[0])


def test_a_house_on_a_slope_is_outlined_by_its_projection(tmp_path):
    """Two blocks on two levels, side by side: the lower foot alone is half the house."""
    low, high = _prism(shapely.box(0, 0, 5, 10), 0, 9), _prism(shapely.box(5, 0, 10, 10), 4, 9)
    vertices = low[0] + high[0]
    surfaces = low[1] + [[[k + len(low[0]) for k in ring] for ring in surface] for surface in high[1]]
    layer = _read(tmp_path / "a.city.json", _encode([(vertices, surfaces, None)]))
    assert layer.column("footprint_from").tolist() == ["projection"]
    assert layer.geometry[0].equals(shapely.box(0, 0, 10, 10))


def test_heights_in_feet_become_metres_and_silence_is_refused(tmp_path):
    document = _encode([_prism(shapely.box(0, 0, 50, 50), 10, 110)], crs="https://www.opengis.net/def/crs/EPSG/0/2263")
    with pytest.raises(layers.SchemaError, match="write height_unit: metre, us_survey_foot or foot"):
        _read(tmp_path / "a.city.json", document)
    options = layers.ReadOptions(height_unit="us_survey_foot")
    layer = _read(tmp_path / "a.city.json", document, options=options)
    assert layer.column("height_m")[0] == pytest.approx(100 * 1200 / 3937)
    assert layer.column("ground_z")[0] == pytest.approx(10 * 1200 / 3937)
    assert layer.units["height_m"] == "m"


def test_the_vertical_datum_is_declared_or_tagged_unresolved(tmp_path):
    blocks = [_prism(shapely.box(0, 0, 5, 5), 0, 3)]
    path = tmp_path / "a.city.json"
    assert _read(path, _encode(blocks)).position.vertical == "unresolved"
    stated = _read(path, _encode(blocks), position={"definition": "EPSG:28992", "vertical": "EPSG:5709"})
    assert stated.position.vertical == "EPSG:5709"
    compound = _encode(blocks, crs="https://www.opengis.net/def/crs/EPSG/0/7415")
    assert _read(path, compound).position.vertical == "EPSG:5709"


def test_parts_belong_to_their_whole_and_the_highest_detail_is_taken(tmp_path):
    document = _encode([_prism(shapely.box(0, 0, 5, 5), 0, 3), _prism(shapely.box(5, 0, 9, 5), 0, 8)])
    objects = document["CityObjects"]
    for name in ("b0", "b1"):
        objects[name] = {**objects[name], "type": "BuildingPart", "parents": ["whole"]}
    coarse = {"type": "MultiSurface", "lod": "1.2", "boundaries": [[[0, 1, 2]]]}
    objects["whole"] = {
        "type": "Building",
        "children": ["b0", "b1"],
        "geometry": [coarse],
        "attributes": {"height_m": 7.5},
    }
    layer = _read(tmp_path / "a.city.json", document)
    assert layer.column("id").tolist() == ["whole"]
    assert layer.column("parts").tolist() == [2]
    assert layer.column("lod").tolist() == ["2.2"]
    assert layer.geometry[0].equals(shapely.box(0, 0, 9, 5))
    assert layer.column("height_m").tolist() == [8.0]
    assert layer.column("height_m_published").tolist() == [7.5]
    rough = _read(tmp_path / "a.city.json", document, options=layers.ReadOptions(lod="1.2"))
    assert rough.geometry[0].area == pytest.approx(12.5)


def _surface(*ring, kind="MultiSurface"):
    return {"type": "Building", "geometry": [{"type": kind, "lod": "2", "boundaries": [[list(ring)]]}]}


BAD = {
    "no geometry": ({"type": "Building"}, "no_geometry"),
    "wall": (_surface(0, 1, 5, 4), "no_footprint"),
    "vertex 999": (_surface(0, 1, 999), "unreadable_geometry"),
    "vertex -1": (_surface(0, 1, -1), "unreadable_geometry"),
    "two points": (_surface(0, 1), "unreadable_geometry"),
    "text": (_surface("a", 1, 2), "unreadable_geometry"),
    "fraction": (_surface(0.5, 1, 2), "unreadable_geometry"),
    "template": (_surface(0, 1, 2, kind="GeometryInstance"), "unreadable_geometry"),
    "points": (_surface(0, 1, 2, kind="MultiPoint"), "unreadable_geometry"),
    "circle": ({"type": "Building", "children": ["bad"]}, "no_geometry"),
    "not an object": (5, "unreadable_object"),
    "geometry is text": ({"type": "Building", "geometry": "x"}, "unreadable_object"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_object_is_set_aside_alone(tmp_path, name):
    bad, reason = BAD[name]
    document = _encode([_prism(shapely.box(0, 0, 5, 5), 0, 3)] * 2, extra={"bad": bad})
    layer = _read(tmp_path / "a.city.json", document)
    assert layer.column("id").tolist() == ["b0", "b1"]
    assert layer.ledger.records_in == 3
    assert layer.ledger.reasons()["reason"].tolist() == [reason]


def test_an_object_that_crosses_itself_stops_no_other(tmp_path):
    """Overlapping surfaces that cross themselves make GEOS give up; found by a fuzzer."""
    blocks = [_prism(shapely.Point(20 * i, 0).buffer(7, quad_segs=4), 0, 3) for i in range(20)]
    random = np.random.default_rng(3)
    for k in range(0, 20, 2):
        vertices = blocks[k][0]
        for i in random.integers(0, len(vertices), 6):
            vertices[i] = [float(random.normal(20 * k, 5)), float(random.normal(0, 5)), vertices[i][2] + (i % 3)]
    layer = _read(tmp_path / "a.city.json", _encode(blocks))
    whole = {f"b{k}" for k in range(1, 20, 2)}
    assert whole <= set(layer.column("id"))
    assert layer.ledger.records_in == 20
    assert shapely.is_valid(layer.geometry).all()


@pytest.mark.parametrize(
    "change",
    [
        {"version": "3.0"},
        {"vertices": "x"},
        {"vertices": [[1, 2]]},
        {"CityObjects": None},
        {"transform": {"scale": [1]}},
    ],
)
def test_a_document_broken_as_a_whole_is_refused(tmp_path, change):
    with pytest.raises(layers.FileUnreadableError, match=r"a\.city\.json"):
        _read(tmp_path / "a.city.json", _encode([_prism(shapely.box(0, 0, 5, 5), 0, 3)]) | change)


def _sequence(blocks):
    document = _encode([])
    lines = [json.dumps(document)]
    for i, block in enumerate(blocks):
        one = _encode([block])
        feature = {
            "type": "CityJSONFeature",
            "id": f"b{i}",
            "CityObjects": {f"b{i}": one["CityObjects"]["b0"]},
            "vertices": one["vertices"],
        }
        lines.append(json.dumps(feature))
    return lines


def test_a_sequence_reads_as_the_whole_document_does(tmp_path):
    blocks = [_prism(shapely.box(7 * i, 0, 7 * i + 5, 5 + i), i, 4 + 2 * i) for i in range(9)]
    whole = _read(tmp_path / "a.city.json", _encode(blocks))
    (tmp_path / "a.city.jsonl.gz").write_bytes(gzip.compress("\n".join(_sequence(blocks)).encode()))
    layer = layers.read(tmp_path / "a.city.jsonl.gz")
    assert shapely.equals(layer.geometry, whole.geometry).all()
    assert layer.column("height_m").tolist() == whole.column("height_m").tolist()
    assert layer.column("id").tolist() == whole.column("id").tolist()


def test_lines_that_are_no_feature_are_rejected_alone(tmp_path):
    lines = _sequence([_prism(shapely.box(0, 0, 5, 5), 0, 3)] * 3)
    lines[2:2] = ['{"cut', '{"type":"Other"}', '{"type":"CityJSONFeature","CityObjects":{},"vertices":[]}', "[1]"]
    (tmp_path / "a.city.jsonl").write_text("\n".join(lines))
    layer = layers.read(tmp_path / "a.city.jsonl")
    assert layer.column("row").tolist() == [0, 5, 6]
    assert layer.ledger.rejected["row"].tolist() == [1, 2, 3, 4]
    assert set(layer.ledger.reasons()["reason"]) == {"unreadable_feature"}
    (tmp_path / "b.city.jsonl").write_text("\n".join(lines[1:]))
    with pytest.raises(layers.FileUnreadableError, match="no CityJSON header"):
        layers.read(tmp_path / "b.city.jsonl")


def test_an_instance_of_a_template_is_set_in_its_place(tmp_path):
    points, surfaces, _ = _prism(shapely.box(0, 0, 2, 2), 0, 3)
    tree = {
        "type": "+Tree",
        "attributes": {"+species": "oak"},
        "geometry": [
            {
                "type": "GeometryInstance",
                "template": 0,
                "boundaries": [0],
                "transformationMatrix": [2, 0, 0, 10, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
            }
        ],
    }
    document = _encode([_prism(shapely.box(100, 0, 105, 5), 1, 3)], extra={"tree": tree})
    solid = {"type": "Solid", "lod": "3", "boundaries": [surfaces]}
    document["geometry-templates"] = {"templates": [solid], "vertices-templates": points}
    layer = _read(tmp_path / "a.city.json", document)
    place = np.array(document["vertices"][0][:2]) * SCALE
    assert layer.column("object_type").tolist() == ["Building", "+Tree"]
    assert layer.column("+species").tolist() == [None, "oak"]
    assert layer.column("lod").tolist() == ["2.2", "3"]
    east, north = place
    assert layer.geometry[1].bounds == pytest.approx((east + 10, north, east + 14, north + 4))
    assert layer.column("volume_m3") == pytest.approx([50, 48])


def test_a_part_without_its_whole_stands_for_itself(tmp_path):
    document = _encode([_prism(shapely.box(0, 0, 5, 5), 0, 3)] * 3)
    objects = document["CityObjects"]
    objects["b0"]["parents"] = ["elsewhere"]
    objects["b1"] |= {"parents": ["b2"], "children": ["b2"]}
    objects["b2"] |= {"parents": ["b1"], "children": ["b1"]}
    layer = _read(tmp_path / "a.city.json", document)
    assert layer.column("id").tolist() == ["b0", "b1"]
    assert layer.column("parts").tolist() == [0, 1]


@pytest.mark.parametrize("version", ["1.0", "1.0.3", "1.1", "2.0"])
def test_all_versions_are_read_alike(tmp_path, version):
    document = _encode([_prism(shapely.box(0, 0, 5, 5), 0, 3)], version=version)
    document["CityObjects"]["b0"]["geometry"][0]["lod"] = 2.2 if version.startswith("1.0") else "2.2"
    layer = _read(tmp_path / "a.city.json", document)
    assert layer.column("lod").tolist() == ["2.2"]
