"""Vector tiles are read back by a decoder of others, mapbox_vector_tile, and by GDAL."""

import json
import shutil
import subprocess

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.tiles.mercator import DEEPEST, box_of, columns_and_rows, key_of, to_degrees, to_keys, to_world
from twin.tiles.mvt import to_tile

Z, X, Y = 14, 8529, 5973
WEST, SOUTH, EAST, NORTH = box_of(Z, X, Y)
EXTENT = 4096
shares = st.floats(-0.2, 1.2)
numbers = st.integers(0, 2**64 - 1)


def at(x, y):
    """Place shares of the tile, from its upper left corner, in degrees."""
    return to_degrees((X + x) / 2**Z, (Y + y) / 2**Z)


def decoded(body, name="it"):
    return mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})[name]["features"]


def written(shapes, **columns):
    count = len(shapes)
    return to_tile(
        np.array(shapes, dtype=object), tile=(Z, X, Y), name="it", ids=range(count), properties=columns, extent=EXTENT
    )


def test_tiles_have_the_sides_of_the_web_maps():
    assert box_of(0, 0, 0) == pytest.approx((-180, -85.0511287798, 180, 85.0511287798))
    lon, lat = np.array([7.4246, 120.1]), np.array([43.7384, 30.25])
    x, y = to_world(lon, lat)
    # Slippy map tile names, as written in the OpenStreetMap wiki.
    n = 2**Z
    assert (x * n).astype(int).tolist() == ((lon + 180) / 360 * n).astype(int).tolist()
    phi = np.radians(lat)
    expected = (1 - np.log(np.tan(phi) + 1 / np.cos(phi)) / np.pi) / 2
    assert y == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True)), min_size=1))
def test_a_tile_is_one_run_of_keys(places):
    x, y = np.array(places).T
    keys = to_keys(x, y)
    for z in (0, 3, 11, DEEPEST):
        columns, rows = columns_and_rows(keys >> np.uint64(2 * (DEEPEST - z)))
        assert columns.tolist() == np.floor(x * 2**z).astype(int).tolist()
        assert rows.tolist() == np.floor(y * 2**z).astype(int).tolist()
        assert key_of(int(columns[0]), int(rows[0])) == int(keys[0]) >> 2 * (DEEPEST - z)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(shares, shares, st.floats(0.002, 0.3), st.floats(0, 0.8)), min_size=1, max_size=12))
def test_polygons_come_back_where_they_were_with_their_holes(boxes):
    shapes = []
    for x, y, size, hole in boxes:
        hull, inner = shapely.box(*at(x, y + size), *at(x + size, y)), size * hole / 2
        gap = shapely.box(*at(x + inner / 2, y + inner), *at(x + inner, y + inner / 2))
        shapes.append(shapely.difference(hull, gap) if inner * EXTENT > 8 else hull)
    body, kept = written(shapes, h=[float(i) for i in range(len(shapes))])
    found = decoded(body)
    assert [feature["id"] for feature in found] == kept.tolist() == list(range(len(shapes)))
    assert [feature["properties"]["h"] for feature in found] == list(range(len(shapes)))
    for feature, shape in zip(found, shapes, strict=True):
        drawn = shapely.geometry.shape(feature["geometry"])
        in_steps = shapely.transform(shape, steps)
        assert shapely.hausdorff_distance(drawn, in_steps) < 0.72, "half a step along each axis"
        assert len(shapely.get_rings(drawn)) == len(shapely.get_rings(in_steps))


def steps(lon_lat):
    x, y = to_world(lon_lat[:, 0], lon_lat[:, 1])
    return np.stack([(x * 2**Z - X) * EXTENT, (y * 2**Z - Y) * EXTENT], axis=1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.tuples(shares, shares), min_size=2, max_size=5), min_size=1, max_size=4),
    st.lists(st.text(max_size=9), min_size=4, max_size=4),
)
def test_lines_and_their_names_come_back(lines, names):
    shapes = [shapely.LineString([at(*place) for place in line]) for line in lines]
    body, kept = written(shapes, t=names[: len(shapes)])
    found = {feature["id"]: feature for feature in decoded(body)}
    assert sorted(found) == kept.tolist()
    for row, shape in enumerate(shapes):
        rounded = np.rint(steps(shapely.get_coordinates(shape)))
        rounded = rounded[np.r_[True, (np.diff(rounded, axis=0) != 0).any(axis=1)]]
        assert (row in found) == (len(rounded) > 1), "what a step does not separate is no line"
        if row in found:
            assert found[row]["geometry"]["coordinates"] == rounded.tolist()
            assert found[row]["properties"] == ({"t": names[row]} if names[row] else {})


def test_parts_stay_together_and_points_too():
    many = shapely.MultiPolygon([shapely.box(*at(x, 0.2), *at(x + 0.1, 0.1)) for x in (0.1, 0.4, 0.7)])
    (feature,) = decoded(written([many])[0])
    assert feature["geometry"]["type"] == "MultiPolygon"
    points = shapely.MultiPoint([at(0.5, 0.5), at(0.25, 0.75)])
    (feature,) = decoded(written([points], n=[7])[0])
    assert feature["geometry"]["coordinates"] == [[2048, 2048], [1024, 3072]]
    assert feature["properties"] == {"n": 7}


@given(st.lists(numbers, min_size=1, max_size=5, unique=True))
def test_ids_have_64_bits(ids):
    shapes = np.array([shapely.Point(at(0.5, 0.5))] * len(ids), dtype=object)
    body, _ = to_tile(shapes, tile=(Z, X, Y), name="it", ids=ids, properties={})
    assert [feature["id"] for feature in decoded(body)] == ids


def test_what_has_no_extent_at_a_step_is_left_out_and_said():
    speck = shapely.box(*at(0.5, 0.50001), *at(0.50001, 0.5))
    hull = shapely.box(*at(0.1, 0.3), *at(0.3, 0.1))
    body, kept = written([speck, hull, shapely.Polygon()])
    assert kept.tolist() == [1]
    assert [feature["id"] for feature in decoded(body)] == [1]
    empty, kept = written([])
    assert not kept.size
    assert "it" in mapbox_vector_tile.decode(empty)


@pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="GDAL's programs are not installed")
def test_gdal_reads_the_same(tmp_path):
    hull = shapely.box(*at(0.1, 0.3), *at(0.3, 0.1))
    hole = shapely.box(*at(0.15, 0.25), *at(0.2, 0.2))
    shapes = [shapely.difference(hull, hole), shapely.box(*at(0.5, 0.9), *at(0.9, 0.5))]
    body, _ = to_tile(
        np.array(shapes), tile=(Z, X, Y), name="houses", ids=[4, 9], properties={"h": [3.5, 12.0]}, extent=65_536
    )
    path = tmp_path / f"{Z}-{X}-{Y}.pbf"
    path.write_bytes(body)
    place = [f"MVT:{path}", "-oo", f"X={X}", "-oo", f"Y={Y}", "-oo", f"Z={Z}", "-oo", "CLIP=NO"]
    answer = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", *place, "-t_srs", "OGC:CRS84", "-lco", "COORDINATE_PRECISION=9"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    features = json.loads(answer.stdout)["features"]
    assert [feature["properties"]["h"] for feature in features] == [3.5, 12.0]
    for feature, shape in zip(features, shapes, strict=True):
        assert shapely.hausdorff_distance(shapely.geometry.shape(feature["geometry"]), shape) < 1e-6
