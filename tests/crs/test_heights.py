"""Heights: tagged, moved by named operations, never copied."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest
import shapely
from pyproj import Transformer

import crs
from tests.reference import crs_layers as fake


def undulation(lon, lat):
    return 10.0 + 0.5 * (lon - 110.0) - 0.25 * (lat - 20.0)


@pytest.fixture
def grid(tmp_path):
    """A .gtx of 0.5 degree over 110..116 E, 20..24 N, linear so that bilinear interpolation is exact."""
    path = tmp_path / "quasigeoid.gtx"
    lon, lat = np.meshgrid(110.0 + 0.5 * np.arange(13), 20.0 + 0.5 * np.arange(9))
    values = undulation(lon, lat).astype(">f4")
    path.write_bytes(struct.pack(">4d2i", 20.0, 110.0, 0.5, 0.5, *values.shape) + values.tobytes())
    return path


def way(grid, **more):
    return {"grid": str(grid), "from": "EPSG:5737", "to": "ellipsoidal", "accuracy_m": 0.05, "source": "bureau", **more}


def test_a_grid_file_takes_heights_there_and_back(grid):
    lon, lat, height = np.array([114.1, 113.3, 112.2]), np.array([22.6, 23.1, 21.7]), np.array([10.0, 0.0, -3.0])
    moved = crs.move_heights(height, lon, lat, source="EPSG:5737", target="ellipsoidal", operation=way(grid))
    assert moved.height_m == pytest.approx(height + undulation(lon, lat), abs=1e-4)
    assert moved.resolved.all()
    assert (moved.sigma_m, "quasigeoid.gtx of bureau" in moved.name) == (0.05, True)
    back = crs.move_heights(moved.height_m, lon, lat, source="ellipsoidal", target="EPSG:5737", operation=way(grid))
    assert back.height_m == pytest.approx(height, abs=1e-9)


def test_outside_its_grid_a_height_is_unresolved_and_not_copied(grid):
    moved = crs.move_heights(
        [10.0, 10.0, np.nan], [114.0, 121.5, 114.0], [22.5, 31.2, 22.5],
        source="EPSG:5737", target="ellipsoidal", operation=way(grid),
    )  # fmt: skip
    assert np.isfinite(moved.height_m).tolist() == [True, False, False]
    assert moved.resolved.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("source", "target"),
    [("EPSG:5737", "ellipsoidal"), ("EPSG:5736", "EPSG:5737"), ("ellipsoidal", "EPSG:5773"), ("NAP", "ellipsoidal"),
     (None, "ellipsoidal"), ("above_ground", "EPSG:5737"), ("EPSG:5709", "unresolved"), (None, None)],
)  # fmt: skip
def test_without_a_named_operation_no_height_moves(source, target):
    with pytest.raises(crs.HeightRefusedError, match="not moved"):
        crs.move_heights([1.0], [5.0], [52.0], source=source, target=target)


def test_proj_copies_a_height_where_it_has_no_grid():
    """The trap: 7415 to 4979 with PROJ is a ballpark, and the height comes out as it went in."""
    moved = Transformer.from_crs("EPSG:7415", "EPSG:4979", always_xy=True).transform(121_000.0, 487_000.0, 12.0)
    assert moved[2] == 12.0, "PROJ no longer copies: this trap is gone"
    layer = crs.harmonise(fake.shapes("EPSG:7415", shapely.Point(121_000, 487_000, 12)))
    assert layer.reasons.tolist() == [None]
    assert layer.coordinates.geometry[0].z == 12.0
    assert layer.position.vertical == "EPSG:5709", "the height is still what it was, and says so"


def test_a_named_offset_is_the_published_one_and_holds_both_ways():
    moved = crs.move_heights(
        [72.289], [120.3], [36.1], source="1956黄海高程", target="1985国家高程基准", operation="CN:1956-1985"
    )
    assert moved.height_m[0] == pytest.approx(72.2604, abs=1e-9)
    back = crs.move_heights(
        moved.height_m, [120.3], [36.1], source="EPSG:5737", target="EPSG:5736", operation="CN:1956-1985"
    )
    assert back.height_m[0] == pytest.approx(72.289, abs=1e-12)


def test_feet_and_metres_of_one_datum_need_no_operation():
    feet = crs.move_heights([100.0], [0.0], [0.0], source="EPSG:5703 in foot", target="NAVD88")
    survey = crs.move_heights([100.0], [0.0], [0.0], source={"datum": "NAVD88", "unit": "ftUS"}, target="EPSG:5703")
    assert feet.height_m[0] == pytest.approx(30.48, abs=1e-12)
    assert survey.height_m[0] == pytest.approx(30.48006096, abs=1e-8)
    assert (feet.sigma_m, survey.sigma_m) == (0.0, 0.0)
    assert crs.vertical_definition("EPSG:6360").unit == "us_survey_foot"


@pytest.mark.parametrize(
    ("spec", "name", "kind"),
    [
        ("EPSG:5737", "EPSG:5737", "gravity"),
        ("85高程", "EPSG:5737", "gravity"),
        ("nap", "EPSG:5709", "gravity"),
        ("N2000", "EPSG:3900", "gravity"),
        ("大地高", "ellipsoidal", "ellipsoidal"),
        ("离地高度", "above_ground", "ground"),
        (None, "unresolved", "unresolved"),
        ("vertical_unresolved", "unresolved", "unresolved"),
        ({"datum": "EGM2008", "unit": "cm"}, "EPSG:3855", "gravity"),
    ],
)
def test_what_heights_refer_to_has_one_name(spec, name, kind):
    found = crs.vertical_definition(spec)
    assert (found.name, found.kind) == (name, kind)
    assert crs.vertical_definition(str(found)) == found


@pytest.mark.parametrize(
    "spec", ["EPSG:4326", "sea level or so", "EPSG:6357", {"unit": "foot"}, "NAP in degree", "EPSG:7415"]
)
def test_what_is_no_height_is_named(spec):
    with pytest.raises(crs.DefinitionError):
        crs.vertical_definition(spec)


def test_a_position_carries_its_vertical_definition():
    position = crs.definition({"definition": "EPSG:4547", "vertical": {"datum": "1985国家高程基准", "unit": "foot"}})
    assert position.vertical == "EPSG:5737 in foot"
    assert "EPSG:5737 in foot" in crs.describe_vertical(position)
    with pytest.raises(crs.DefinitionError, match="vertical 'somewhere'"):
        crs.definition({"definition": "EPSG:4547", "vertical": "somewhere"})
    layer = crs.harmonise(fake.shapes({"definition": "EPSG:4547"}, shapely.Point(506_000, 2_494_000, 30)))
    assert layer.reasons.tolist() == [None], "an unresolved height sets no record aside"
    assert layer.position.vertical == "unresolved"
    assert crs.describe_vertical(layer.position) == "unresolved"


def test_geometries_get_their_heights_and_the_unresolved_keep_theirs(grid):
    inside = shapely.LineString([(114.0, 22.5, 10), (114.1, 22.5, 20)])
    half = shapely.LineString([(114.0, 22.5, 10), (121.0, 31.0, 20)])
    flat = shapely.Point(114, 22.5)
    geometry = np.array([inside, half, flat, None], dtype=object)
    result, moved = crs.resolve_heights(geometry, source="EPSG:5737", target="ellipsoidal", operation=way(grid))
    assert moved.resolved.tolist() == [True, False, True, True]
    assert shapely.get_coordinates(result[0], include_z=True)[:, 2] == pytest.approx(
        [10 + undulation(114.0, 22.5), 20 + undulation(114.1, 22.5)], abs=1e-4
    )
    assert result[1] == half
    assert shapely.get_coordinates(result[1], include_z=True)[:, 2].tolist() == [10, 20]
    assert (result[2], result[3]) == (flat, None)
    assert shapely.get_coordinates(geometry[0], include_z=True)[:, 2].tolist() == [10, 20], (
        "the argument is not changed"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grid": "missing.gtx"}, "is no file"),
        ({"accuracy_m": 0}, "nothing is exact"),
        ({"offset_m": 1.0}, "one of `grid` and `offset_m`"),
        ({"from": "above_ground"}, "is no datum"),
        ({"colour": "red"}, "is not known"),
    ],
)
def test_an_operation_that_says_too_little_is_named(grid, change, said):
    with pytest.raises(crs.DefinitionError, match=said):
        crs.height_operation({**way(grid), **change})


def test_an_operation_of_other_datums_is_refused(grid):
    with pytest.raises(crs.HeightRefusedError, match="leads from EPSG:5737 to ellipsoidal"):
        crs.move_heights([1.0], [114.0], [22.0], source="EPSG:5736", target="ellipsoidal", operation=way(grid))


def test_a_file_that_is_no_grid_is_named(tmp_path):
    path = tmp_path / "broken.gtx"
    path.write_bytes(b"not a grid")
    with pytest.raises(crs.DefinitionError, match=r"broken\.gtx cannot be read"):
        crs.move_heights([1.0], [114.0], [22.0], source="EPSG:5737", target="ellipsoidal", operation=way(path))


def test_tokens_follow_the_content_of_the_grid(grid, tmp_path):
    copy = tmp_path / "elsewhere" / "quasigeoid.gtx"
    copy.parent.mkdir()
    copy.write_bytes(grid.read_bytes())
    one, other = crs.height_operation(way(grid)), crs.height_operation(way(copy))
    assert one.digest == hashlib.sha256(grid.read_bytes()).hexdigest()
    assert one.__dask_tokenize__() == other.__dask_tokenize__()
    copy.write_bytes(grid.read_bytes()[:-4] + struct.pack(">f", 99.0))
    assert crs.height_operation(way(copy)).__dask_tokenize__() != one.__dask_tokenize__()


def elevate(grid, geometry, *, target="OGC:CRS84", **vertical):
    position = {"definition": "EPSG:4547", "vertical": {"datum": "EPSG:5737", "by": way(grid), **vertical}}
    return crs.harmonise(fake.shapes(position, *geometry), target=target)


def gauss(lon, lat, height):
    x, y = crs.transform([lon], [lat], source="OGC:CRS84", target="EPSG:4547")
    return shapely.Point(x[0], y[0], height)


def test_harmonise_moves_heights_by_the_named_operation_as_proj_does(grid):
    done = elevate(grid, [gauss(114.1, 22.6, 10.0), gauss(113.4, 23.1, -2.5)])
    proj = Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
        f"+step +proj=vgridshift +grids={grid} +multiplier=1 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    expected = proj.transform([114.1, 113.4], [22.6, 23.1], [10.0, -2.5])[2]
    assert [point.z for point in done.coordinates.geometry] == pytest.approx(expected, abs=1e-6)
    assert expected == pytest.approx([10 + undulation(114.1, 22.6), -2.5 + undulation(113.4, 23.1)], abs=1e-4)
    assert done.position.vertical == "ellipsoidal"
    assert done.coordinates.unresolved_height.tolist() == [False, False]
    assert "quasigeoid.gtx of bureau (sigma 0.05 m)" in done.steps[-1]
    assert done.position.lift is None


def test_the_target_frame_may_be_a_grid_of_metres(grid):
    point = gauss(114.1, 22.6, 10.0)
    done = elevate(grid, [point], target="EPSG:4547")
    assert done.coordinates.geometry[0].z == pytest.approx(10 + undulation(114.1, 22.6), abs=1e-4)
    assert (done.coordinates.geometry[0].x, done.coordinates.geometry[0].y) == (point.x, point.y)


def test_a_record_outside_the_grid_keeps_its_place_and_its_height_and_is_marked(grid):
    done = elevate(grid, [gauss(114.1, 22.6, 10.0), gauss(113.0, 30.0, 10.0), None, shapely.Point(500_000, 2_500_000)])
    assert [reason is None for reason in done.reasons] == [True, True, False, True]
    assert done.coordinates.geometry[1].z == 10.0
    assert done.coordinates.unresolved_height.tolist() == [False, True, False, False]
    assert "1 records outside it are unresolved" in done.steps[-1]


@pytest.mark.parametrize(
    ("vertical", "tag", "height_m"),
    [
        (None, "unresolved", 100.0),
        ("unresolved in foot", "unresolved in foot", 100.0),
        ({"datum": "NAVD88", "unit": "foot"}, "EPSG:5703", 30.48),
        ("EPSG:6360", "EPSG:6360 in metre", 100 * 1200 / 3937),
        ({"datum": "above_ground", "unit": "foot"}, "above_ground", 30.48),
        ("NAP", "EPSG:5709", 100.0),
        ({"datum": "EPSG:5736", "by": "CN:1956-1985"}, "EPSG:5737", 100 - 0.0286),
        ({"datum": "EPSG:5736", "unit": "foot", "by": "CN:1956-1985"}, "EPSG:5737", 30.48 - 0.0286),
        ({"datum": "EPSG:5737", "by": "CN:1956-1985"}, "EPSG:5736", 100 + 0.0286),
    ],
)
def test_every_layer_with_heights_has_a_tag_that_is_true(vertical, tag, height_m):
    position = {"definition": "OGC:CRS84"} | ({} if vertical is None else {"vertical": vertical})
    done = crs.harmonise(fake.shapes(position, shapely.Point(114, 22.5, 100)))
    assert done.reasons.tolist() == [None]
    assert done.position.vertical == tag
    assert done.coordinates.geometry[0].z == pytest.approx(height_m, abs=1e-9)
    assert done.steps[-1].startswith("heights: ")
    assert ("unresolved" in done.steps[-1]) == ("unresolved" in tag)


def test_a_target_with_a_vertical_datum_needs_an_operation_there(grid):
    wanted = crs.definition({"definition": "OGC:CRS84", "vertical": "ellipsoidal"})
    point = shapely.Point(114.1, 22.6, 10)
    kept = crs.harmonise(fake.shapes({"definition": "OGC:CRS84", "vertical": "EPSG:5737"}, point), target=wanted)
    assert (kept.coordinates.geometry[0].z, kept.position.vertical) == (10, "EPSG:5737")
    assert "unresolved on height above the ellipsoid" in kept.steps[-1]
    told = {"definition": "OGC:CRS84", "vertical": {"datum": "EPSG:5737", "by": way(grid)}}
    moved = crs.harmonise(fake.shapes(told, point), target=wanted)
    assert moved.coordinates.geometry[0].z == pytest.approx(10 + undulation(114.1, 22.6), abs=1e-4)
    feet = crs.definition({"definition": "OGC:CRS84", "vertical": {"datum": "NAVD88", "unit": "foot"}})
    with pytest.raises(crs.OperationRefusedError, match="come out in metres"):
        crs.harmonise(fake.shapes("OGC:CRS84", point), target=feet)


def test_an_ellipsoidal_height_is_not_carried_to_another_ellipsoid():
    """ED50 to WGS 84 in Finland moves the ellipsoid by some tens of metres; the number alone says nothing there."""
    moved = crs.harmonise(
        fake.shapes({"definition": "EPSG:2393", "vertical": "ellipsoidal"}, shapely.Point(3_385_000, 6_672_000, 40))
    )
    assert (moved.coordinates.geometry[0].z, moved.position.vertical) == (40, "unresolved")
    stays = crs.harmonise(fake.shapes("EPSG:4979", shapely.Point(25, 60, 40)))
    assert (stays.coordinates.geometry[0].z, stays.position.vertical) == (40, "ellipsoidal")


def test_an_operation_that_does_not_start_from_the_datum_is_refused_when_it_is_written(grid):
    for by in ("CN:1956-1985", way(grid)):
        with pytest.raises(crs.DefinitionError, match="but the heights are on EPSG:5709"):
            crs.definition({"definition": "OGC:CRS84", "vertical": {"datum": "NAP", "by": by}})
    with pytest.raises(crs.DefinitionError, match=r"vertical\.columns 3"):
        crs.definition({"definition": "OGC:CRS84", "vertical": {"datum": "NAP", "columns": 3}})


def test_equal_operations_have_equal_tokens_wherever_the_grid_lies(grid, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / grid.name
    copy.write_bytes(grid.read_bytes())
    first, second = (
        crs.definition({"definition": "OGC:CRS84", "vertical": {"datum": "EPSG:5737", "by": way(path)}})
        for path in (grid, copy)
    )
    assert first.__dask_tokenize__() == second.__dask_tokenize__()
    assert repr(first) == repr(second)
