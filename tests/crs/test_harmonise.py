"""One frame for everything, nothing lost, nothing guessed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
from tests.reference.crs_layers import FakeLayer, shapes, table
from tests.reference.crs_projection import ntf_to_wgs84

HUB = "OGC:CRS84"


@pytest.mark.filterwarnings("ignore:invalid value encountered in from_wkt")
def test_every_record_is_placed_or_has_a_reason():
    layer = shapes(
        "EPSG:2263",
        shapely.Point(985000, 195000), None, shapely.Point(), shapely.Point(195000, 985000),
        shapely.from_wkt("LINESTRING (985000 195000, nan 195000)"), shapely.box(985000, 195000, 985100, 195100),
    )  # fmt: skip
    done = crs.harmonise(layer)
    assert [g is None for g in done.coordinates.geometry] == [False, True, True, True, True, False]
    codes = [None if r is None else r.partition(":")[0] for r in done.reasons]
    assert codes == [None, "missing", "missing", "outside_area", "unreadable", None]
    assert np.isfinite(done.coordinates.sigma_m).tolist() == [g is not None for g in done.coordinates.geometry]
    assert "EPSG:2263 (lon -74.36" in done.reasons[3]
    assert "order of axes" in done.reasons[3]


def test_the_result_is_in_the_target_with_its_own_definition():
    done = crs.harmonise(shapes({"definition": "EPSG:3944+5720", "sigma_m": 2}, shapely.Point(2055000, 3176000, 12)))
    assert done.position.name == HUB
    assert done.position.vertical == "EPSG:5720"
    assert done.position.sigma_m == 0
    assert done.coordinates.geometry[0].z == 12
    assert done.coordinates.sigma_m[0] == pytest.approx(5**0.5)
    assert "EPSG:1671" in done.steps[-2]
    assert done.steps[-1] == "heights: on NGF-IGN69 height (EPSG:5720)"


def test_the_argument_is_not_changed():
    layer = shapes("EPSG:2263", shapely.Point(985000, 195000))
    crs.harmonise(layer)
    assert layer.coordinates.geometry[0] == shapely.Point(985000, 195000)
    assert layer.position.name == "EPSG:2263"


def test_sigma_accumulates_over_two_moves_and_a_still_one_adds_nothing():
    layer = shapes({"definition": "EPSG:2263", "sigma_m": 3}, shapely.Point(985000, 195000))
    once = crs.harmonise(layer)
    assert once.coordinates.sigma_m[0] == 5.0
    again = crs.harmonise(once)
    assert again.coordinates.sigma_m[0] == 5.0
    assert shapely.equals_exact(again.coordinates.geometry[0], once.coordinates.geometry[0])
    utm = crs.harmonise(once, target="EPSG:32618")
    assert utm.coordinates.sigma_m[0] == 5.0
    assert utm.position.name == "EPSG:32618"


def test_a_projected_target_is_as_good_as_any():
    layer = table({"definition": "EPSG:4326", "columns": ["lon", "lat"]}, ["-74.0"], ["40.7"])
    done = crs.harmonise(layer, target="EPSG:2263")
    x, y = crs.transform([-74.0], [40.7], source=HUB, target="EPSG:2263")
    assert (done.coordinates.geometry[0].x, done.coordinates.geometry[0].y) == (x[0], y[0])


def test_a_files_geometry_in_another_unit():
    metres = crs.harmonise(shapes({"definition": "EPSG:2263", "unit": "metre"}, shapely.Point(300000, 60000, 7)))
    feet = crs.harmonise(shapes("EPSG:2263", shapely.Point(984250, 196850, 7)))
    assert shapely.equals_exact(metres.coordinates.geometry[0], feet.coordinates.geometry[0], tolerance=1e-12)
    assert metres.coordinates.geometry[0].z == 7


def test_a_raster_moves_by_its_corners():
    raster = crs.Lattice.from_affine((100, 0, 913257.3, 0, -100, 272520.06), (3, 4))
    assert raster.shape == (3, 4)
    layer = FakeLayer("no2", crs.definition({"definition": "EPSG:2263", "sigma_m": 3}), raster)
    done = crs.harmonise(layer)
    lon, lat = crs.transform([913257.3, 913657.3], [272520.06, 272220.06], source="EPSG:2263", target=HUB)
    assert (done.coordinates.corner_x[0, 0], done.coordinates.corner_y[0, 0]) == (lon[0], lat[0])
    assert (done.coordinates.corner_x[3, 4], done.coordinates.corner_y[3, 4]) == (lon[1], lat[1])
    assert done.coordinates.sigma_m == 5.0
    assert done.reasons.tolist() == [None] * 12


def test_a_turned_raster_has_turned_corners():
    turned = crs.Lattice.from_affine((3, -4, 100, 4, 3, 200), (2, 1))
    assert list(zip(turned.corner_x.ravel(), turned.corner_y.ravel(), strict=True)) == [
        (100, 200), (103, 204), (96, 203), (99, 207), (92, 206), (95, 210),
    ]  # fmt: skip


def test_pixels_at_the_rim_of_the_area_are_refused_one_by_one():
    raster = crs.Lattice.from_affine((1000, 0, 0, 0, -1000, 9_000_000), (2, 2))
    rim = crs.Lattice(np.array([[7.0, 8, 9]] * 3) + 0.0, np.array([[89.0] * 3, [90.0] * 3, [91.0] * 3]))
    done = crs.harmonise(FakeLayer("r", crs.definition("EPSG:4326"), rim))
    assert [r is None for r in done.reasons] == [True, True, False, False]
    assert np.isnan(done.coordinates.corner_x[2]).all()
    everywhere = crs.harmonise(FakeLayer("r", crs.definition("EPSG:2263"), raster))
    assert all(r.startswith("outside_area") for r in everywhere.reasons)


@pytest.mark.parametrize(
    ("layer", "error", "said"),
    [
        (FakeLayer("air", None, crs.Shapes(np.array([None]))), crs.PositionMissingError, "'air', field position"),
        (
            table({"definition": "EPSG:4326", "columns": ["lon", "lat"]}, ["1"], name="air"),
            crs.PositionContradictionError,
            "takes 2 columns ['lon', 'lat'], found 1",
        ),
        (
            shapes({"definition": "EPSG:4326", "axes": "lat,lon"}, shapely.Point(1, 2), name="air"),
            crs.PositionContradictionError,
            "x before y",
        ),
        (
            shapes({"along": "s", "key": "k", "columns": ["a", "b"]}, shapely.Point(1, 2), name="air"),
            crs.PositionContradictionError,
            "takes 2 columns of a table, found shapes",
        ),
        (shapes("EPSG:4610", shapely.Point(114, 22), name="air"), crs.OperationRefusedError, "Xian 1980"),
    ],
)
def test_what_is_missing_or_contradictory_is_named_with_what_to_write(layer, error, said):
    with pytest.raises(error) as caught:
        crs.harmonise(layer)
    assert said in str(caught.value)
    assert isinstance(caught.value, crs.CrsError)


def test_an_indirect_target_is_refused():
    with pytest.raises(crs.OperationRefusedError, match="not a frame in numbers"):
        crs.harmonise(shapes(HUB, shapely.Point(1, 2)), target={"register": "r", "key": "k", "columns": ["c"]})


def test_a_shifted_datum_is_shifted_and_its_name_is_on_the_step():
    done = crs.harmonise(
        table({"definition": "EPSG:4275", "columns": ["x", "y"], "sigma_m": 0}, ["7.4200000000"], ["43.7300000000"])
    )
    point = done.coordinates.geometry[0]
    assert (point.x, point.y) == pytest.approx(ntf_to_wgs84(7.42, 43.73), abs=1e-10)
    assert crs.geodesy.distances_m(7.42, 43.73, point.x, point.y) > 30
    assert "EPSG:1193" in done.steps[-1]


@pytest.mark.parametrize(
    ("sigma_m", "decimals", "least", "most"),
    # Where rounding rules, the error is a box, and the circle of its sigma holds it whole.
    [(5.0, 7, 0.945, 0.955), (50.0, 5, 0.945, 0.955), (1.0, 4, 0.95, 1.0), (0.0, 4, 0.95, 1.0), (2.0, 5, 0.945, 0.96)],
)
def test_stated_radii_hold_the_truth_as_often_as_they_say(sigma_m, decimals, least, most):
    """Noise from the stated sigma, written with so many decimals, read back."""
    rng = np.random.default_rng(4)
    count = 20_000
    true_lon, true_lat = rng.uniform((7.42, 43.73), (7.43, 43.74), (count, 2)).T
    east, north = rng.normal(0, sigma_m, (2, count))
    there = crs.geodesy.move_m(true_lon, true_lat, east_m=east, north_m=north)
    texts = [[f"{value:.{decimals}f}" for value in part] for part in there]
    spec = {"definition": "EPSG:4326", "columns": ["lon", "lat"], "sigma_m": sigma_m}
    done = crs.harmonise(table(spec, *texts))
    x, y = shapely.get_coordinates(done.coordinates.geometry).T
    off_m = crs.geodesy.distances_m(true_lon, true_lat, x, y)
    held = np.mean(off_m <= crs.radius_95(done.coordinates.sigma_m))
    assert least < held <= most


@settings(deadline=None, max_examples=100)
@given(parts=st.lists(st.floats(1e-6, 1e5), min_size=1, max_size=5))
def test_sigmas_combine_like_sides_of_a_box(parts):
    combined = float(crs.combine_sigma(*parts))
    assert combined == pytest.approx(sum(p**2 for p in parts) ** 0.5, rel=1e-12, abs=1e-12)
    assert combined >= max(parts) * (1 - 1e-12)


def test_parts_of_unlike_length_are_refused():
    with pytest.raises(crs.LengthMismatchError, match="same n"):
        crs.Fields((np.zeros(2), np.zeros(3)))
    with pytest.raises(crs.LengthMismatchError, match="one number a record"):
        crs.Shapes(np.array([None, None]), np.zeros(3))
    with pytest.raises(crs.LengthMismatchError, match="ny"):
        crs.Lattice(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(crs.LengthMismatchError, match="reasons"):
        crs.Placed(coordinates=crs.Shapes(np.array([None])), reasons=np.array([]), position=crs.definition(HUB))


def test_tokens_are_of_content_and_of_all_of_it():
    point = np.array([shapely.Point(1, 2), None])
    pairs = [
        (crs.Shapes(point), crs.Shapes(point.copy()), crs.Shapes(point, np.zeros(2))),
        (crs.Fields((np.array(["a", None], dtype=object),)),) * 2
        + (crs.Fields((np.array(["a", "None"], dtype=object),)),),
        (
            crs.Lattice.from_affine((1, 0, 0, 0, 1, 0), (2, 2)),
            crs.Lattice.from_affine((1, 0, 0, 0, 1, 0), (2, 2)),
            crs.Lattice.from_affine((1, 0, 0, 0, 1, 1), (2, 2)),
        ),
    ]
    for one, same, other in pairs:
        assert one.__dask_tokenize__() == same.__dask_tokenize__()
        assert one.__dask_tokenize__() != other.__dask_tokenize__()


def test_values_are_frozen():
    for value in (crs.definition(HUB), crs.Shapes(np.array([None])), crs.operation("EPSG:2263", HUB)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.name = "changed"


def test_a_fake_layer_is_positioned():
    assert isinstance(shapes(HUB, shapely.Point(1, 2)), crs.Positioned)
