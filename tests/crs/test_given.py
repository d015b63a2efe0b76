"""Old datums by given parameters, and local grids: moved as told, or refused with what to write."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pyproj import Transformer

import crs
from tests.reference import crs_layers as fake

HUB = "OGC:CRS84"
SHIFT = {"parameters": [15.8, -154.4, -82.3], "accuracy_m": 5.0, "source": "survey office"}
SEVEN = {
    "parameters": [15.8, -154.4, -82.3, 0.4, -0.3, 0.9, -1.2],
    "convention": "position_vector",
    "accuracy_m": 0.5,
    "source": "survey office",
}
KRASSOVSKY = (6378245.0, 1 / 298.3)
GRS80 = (6378137.0, 1 / 298.257222101)
SHENZHEN, GUANGZHOU, BEIJING = (114.06, 22.54), (113.26, 23.13), (116.39, 39.91)


def by_hand(lon, lat, parameters, convention="position_vector"):
    """Ellipsoid to space, three shifts, small turns, a scale, and back by iteration: the textbook, point by point."""
    a, f = KRASSOVSKY
    e2 = f * (2 - f)
    phi, lam = np.radians(lat), np.radians(lon)
    n = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
    place = np.array([n * np.cos(phi) * np.cos(lam), n * np.cos(phi) * np.sin(lam), n * (1 - e2) * np.sin(phi)])
    shift, turns, scale = np.array(parameters[:3]), np.zeros(3), 0.0
    if len(parameters) == 7:
        turns, scale = np.radians(np.array(parameters[3:6]) / 3600), parameters[6] * 1e-6
    if convention == "coordinate_frame":
        turns = -turns
    rx, ry, rz = turns
    turn = np.array([[1, -rz, ry], [rz, 1, -rx], [-ry, rx, 1]])
    x, y, z = shift + (1 + scale) * turn @ place
    a, f = GRS80
    e2 = f * (2 - f)
    p = np.hypot(x, y)
    phi = np.arctan2(z, p * (1 - e2))
    for _ in range(8):
        n = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
        phi = np.arctan2(z + e2 * n * np.sin(phi), p)
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(phi))


@pytest.mark.parametrize("shift", [SHIFT, SEVEN, SEVEN | {"convention": "coordinate_frame"}])
@pytest.mark.parametrize("place", [SHENZHEN, BEIJING, (87.6, 43.8)])
def test_given_parameters_are_the_textbook_shift(shift, place):
    lon, lat = crs.transform(
        [place[0]], [place[1]], source={"definition": "EPSG:4214", "shift": shift}, target="EPSG:4490"
    )
    expected = by_hand(*place, shift["parameters"], shift.get("convention", "position_vector"))
    assert crs.geodesy.distances_m(lon, lat, [expected[0]], [expected[1]])[0] < 1e-5
    assert 20 < crs.geodesy.distances_m(lon, lat, [place[0]], [place[1]])[0] < 150


def test_there_and_back_is_exact_where_proj_drops_a_height():
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(74, 134, 20_000), rng.uniform(18, 53, 20_000)
    spec = {"definition": "EPSG:4214", "shift": SEVEN}
    x, y = crs.transform(lon, lat, source=HUB, target=spec)
    back = crs.transform(x, y, source=spec, target=HUB)
    assert crs.geodesy.distances_m(*back, lon, lat).max() < 1e-7
    told = Transformer.from_pipeline(crs.operation(HUB, spec).pipeline).transform(lon, lat)
    assert crs.geodesy.distances_m(x, y, *told).max() < 2e-3


def test_projected_old_grids_use_their_own_ellipsoid():
    lon, lat = crs.transform([506_000.0], [2_494_000.0], source={"definition": "EPSG:2435", "shift": SHIFT}, target=HUB)
    plane = Transformer.from_pipeline("+proj=tmerc +lon_0=114 +x_0=500000 +ellps=krass")
    old = plane.transform(506_000.0, 2_494_000.0, direction="INVERSE")
    expected = by_hand(old[0], old[1], SHIFT["parameters"])
    assert crs.geodesy.distances_m(lon, lat, [expected[0]], [expected[1]])[0] < 1e-4


def test_one_call_over_two_cities_uses_the_given_parameters_throughout():
    """PROJ shifts Shenzhen by the Pearl River operation and Guangzhou, 100 km away, by nothing."""
    lon, lat = (np.array(part) for part in zip(SHENZHEN, GUANGZHOU, strict=True))
    spec = {"definition": "EPSG:4214", "shift": SHIFT}
    moved = crs.transform(lon, lat, source=spec, target="EPSG:4490")
    east, north = (moved[0] - lon) * np.cos(np.radians(lat)) * 111_320, (moved[1] - lat) * 110_700
    assert np.hypot(east, north).min() > 40
    assert abs(east[0] - east[1]) < 3
    assert abs(north[0] - north[1]) < 3
    proj = Transformer.from_crs("EPSG:4214", "EPSG:4326", always_xy=True)
    theirs = np.array([proj.transform(*place) for place in (SHENZHEN, GUANGZHOU)])
    jump = (theirs - [SHENZHEN, GUANGZHOU]) @ [[1], [0]] * 111_320
    assert abs(jump[0] - jump[1]) > 20, "PROJ no longer switches by place: this trap is gone"


def test_one_call_over_two_cities_by_a_published_operation_is_refused():
    spec = {"definition": "EPSG:4214", "shift": {"operation": "EPSG:15920"}}
    lon, lat = zip(SHENZHEN, GUANGZHOU, strict=True)
    with pytest.raises(crs.AreaOfUseError, match=r"1 of 2 positions lie outside the area of use.*\(113\.26, 23\.13\)"):
        crs.transform(lon, lat, source=spec, target="EPSG:4490")
    layer = crs.harmonise(fake.table(spec | {"columns": ["x", "y"]}, list(lon), list(lat)))
    assert layer.reasons[0] is None
    assert layer.reasons[1].startswith("outside_area:")


def test_a_published_operation_is_the_one_that_proj_has():
    spec = {"definition": "EPSG:4214", "shift": {"operation": "EPSG:15921"}}
    operation = crs.operation(spec, HUB)
    assert operation.accuracy_m == 1.0
    assert "Tarim" in operation.name
    lon, lat = crs.transform([80.0], [39.0], source=spec, target=HUB)
    expected = Transformer.from_crs("EPSG:4214", "EPSG:4326", always_xy=True).transform(80.0, 39.0)
    assert crs.geodesy.distances_m(lon, lat, [expected[0]], [expected[1]])[0] < 1e-6


def test_a_regional_operation_is_never_used_elsewhere():
    """PROJ without ballparks moves Beijing by 63 m with an operation of another region."""
    spec = {"definition": "EPSG:4214", "shift": {"operation": "EPSG:15921"}}
    x, _ = crs.transform([BEIJING[0]], [BEIJING[1]], source=spec, target=HUB, outside="nan")
    assert np.isnan(x[0])
    with pytest.raises(crs.OperationRefusedError, match="give the parameters of your city"):
        crs.transform([BEIJING[0]], [BEIJING[1]], source="EPSG:4214", target=HUB)


def test_text_that_only_looks_like_a_given_frame_is_refused_by_name():
    for text in ('{"local_grid": {"name": "g"}}', '{"definition": "EPSG:4214", "shift": 1}', '{"local_grid":'):
        with pytest.raises(crs.DefinitionError, match="as a mapping"):
            crs.definition(text)


def test_xian_1980_never_moves_by_nothing():
    proj = Transformer.from_crs("EPSG:4610", "EPSG:4326", always_xy=True, only_best=True)
    assert proj.transform(*BEIJING) == pytest.approx(BEIJING, abs=1e-12), (
        "PROJ no longer passes a no-op off as an answer"
    )
    with pytest.raises(crs.OperationRefusedError, match=r"Xian 1980.*shift: \{parameters"):
        crs.transform([116.39], [39.91], source="EPSG:4610", target=HUB)
    with pytest.raises(crs.DefinitionError, match="all 0 move nothing"):
        crs.definition({"definition": "EPSG:4610", "shift": SHIFT | {"parameters": [0, 0, 0]}})
    for code in ("EPSG:4610", "EPSG:2382"):
        given = {"definition": code, "shift": SHIFT | {"parameters": [24.0, -123.0, -94.0]}}
        assert crs.operation(given, HUB).accuracy_m == pytest.approx((25 + 1) ** 0.5)


def test_what_the_parameters_lead_to_counts_once():
    spec = {"definition": "EPSG:2435", "shift": SHIFT}
    assert crs.operation(spec, "EPSG:4547").accuracy_m == 5.0
    assert crs.operation(spec, HUB).accuracy_m == pytest.approx(26**0.5)
    assert crs.operation({"definition": "EPSG:2435", "shift": SHIFT | {"to": "EPSG:4326"}}, HUB).accuracy_m == 5.0
    same_datum = {"definition": "EPSG:2436", "shift": SHIFT}
    assert crs.operation(spec, same_datum).accuracy_m == 0.0


def test_parameters_hold_only_where_they_were_said_to():
    spec = {"definition": "EPSG:4214", "shift": SHIFT | {"area": [113.7, 22.4, 114.7, 22.9]}}
    crs.transform(*([part] for part in SHENZHEN), source=spec, target=HUB)
    with pytest.raises(crs.AreaOfUseError):
        crs.transform(*([part] for part in GUANGZHOU), source=spec, target=HUB)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"definition": "EPSG:4214", "shift": {**SHIFT, "source": ""}}, "who gave the parameters"),
        ({"definition": "EPSG:4214", "shift": {**SHIFT, "accuracy_m": 0}}, "nothing is exact"),
        ({"definition": "EPSG:4214", "shift": {**SHIFT, "parameters": [1, 2]}}, "3 or 7 numbers"),
        ({"definition": "EPSG:4214", "shift": {**SEVEN, "convention": ""}}, "the sign of the rotations"),
        ({"definition": "EPSG:4214", "shift": {**SEVEN, "parameters": [1, 2, 3, 100, 0, 0, 0]}}, "arc-seconds"),
        ({"definition": "EPSG:4214", "shift": {**SHIFT, "sigma": 3}}, "unknown 'sigma'"),
        ({"definition": "EPSG:4214", "shift": [1, 2, 3]}, "must be a mapping"),
        ({"definition": "EPSG:4214", "shift": {**SHIFT, "operation": "EPSG:15921"}}, "brings its own parameters"),
        ({"local_grid": {"base": "EPSG:4547", "affine": [1, 0, 0, 0, 1, 0], "sigma_m": 1}}, "no `name:`"),
        ({"local_grid": {"name": "g", "affine": [1, 0, 0, 0, 1, 0], "sigma_m": 1}}, "no `base:`"),
        ({"local_grid": {"name": "g", "base": "EPSG:4547", "sigma_m": 1}}, "exactly one of"),
        ({"local_grid": {"name": "g", "base": "EPSG:4547", "affine": [1, 0, 0, 0, 1, 0]}}, "sigma_m None"),
        ({"local_grid": {"name": "g", "base": "EPSG:4547", "affine": [0] * 6, "sigma_m": 1}}, "no way back"),
        ({"local_grid": {"name": "g", "base": "EPSG:4547", "similarity": [1, 2], "sigma_m": 1}}, "4 numbers"),
        ({"local_grid": {"name": "g", "base": "EPSG:4547", "control_points": "none.csv"}}, "is no file"),
        ({"local_grid": {"name": "g", "base": "EPSG:4547", "control_points": [[1, 2, 3]]}}, "control point 1"),
        ({"local_grid": {"name": "g", "base": "EPSG:4547", "control_points": [], "kind": "cubic"}}, "'cubic'"),
        ({"definition": "EPSG:4490", "epoch": "now"}, "epoch 'now'"),
    ],
)
def test_what_is_missing_is_named(spec, said):
    with pytest.raises(crs.DefinitionError) as caught:
        crs.definition(spec)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"definition": "EPSG:4547", "shift": SHIFT}, "needs no shift"),
        ({"definition": "GCJ-02", "shift": SHIFT}, "takes no shift"),
        ({"definition": "EPSG:4807", "shift": SHIFT}, "Greenwich"),
        ({"definition": "EPSG:4610", "shift": {"operation": "EPSG:15921"}}, "starts from EPSG:4214"),
        ({"definition": "EPSG:4214", "shift": {"operation": "EPSG:999999"}}, "not published"),
        (
            {"local_grid": {"name": "g", "base": "EPSG:4490", "affine": [1, 0, 0, 0, 1, 0], "sigma_m": 1}},
            "no published",
        ),
        ({"local_grid": {"name": "g", "base": "EPSG:2435", "affine": [1, 0, 0, 0, 1, 0], "sigma_m": 1}}, "refused"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_point_moves(spec, said):
    with pytest.raises(crs.CrsError, match=said):
        crs.operation(spec, HUB)


# --- local grids ----------------------------------------------------------------------------------------------------


def similarity(name="city grid", **more):
    return {"local_grid": {"name": name, "base": "EPSG:4547", "similarity": [450_000, 2_480_000, 30, 1.0001], **more}}


def test_a_local_grid_is_its_base_turned_and_shifted():
    spec = similarity(sigma_m=0.05)
    assert (crs.definition(spec).name, crs.definition(spec).unit) == ("city grid", "metre")
    x, y = crs.transform([1000.0], [2000.0], source=spec, target="EPSG:4547")
    cosine, sine = np.cos(np.radians(30)), np.sin(np.radians(30))
    assert x[0] == pytest.approx(450_000 + 1.0001 * (cosine * 1000 - sine * 2000), abs=1e-6)
    assert y[0] == pytest.approx(2_480_000 + 1.0001 * (sine * 1000 + cosine * 2000), abs=1e-6)
    back = crs.transform(x, y, source="EPSG:4547", target=spec)
    assert (back[0][0], back[1][0]) == pytest.approx((1000, 2000), abs=1e-6)
    assert crs.operation(spec, "EPSG:4547").accuracy_m == 0.05
    assert crs.operation(spec, HUB).accuracy_m == pytest.approx((0.05**2 + 1) ** 0.5)
    assert crs.operation(spec, spec).accuracy_m == 0.0


def test_a_local_grid_of_six_parameters_may_write_north_first():
    spec = {"local_grid": {"name": "n", "base": "EPSG:4547", "affine": [0, 1, 500_000, 1, 0, 2_490_000], "sigma_m": 1}}
    x, y = crs.transform([10.0], [20.0], source=spec, target="EPSG:4547")
    assert (x[0], y[0]) == pytest.approx((500_020, 2_490_010), abs=1e-6)


def test_a_local_grid_may_stand_on_an_old_datum_with_given_parameters():
    base = {"definition": "EPSG:2435", "shift": SHIFT}
    spec = {"local_grid": {"name": "old", "base": base, "similarity": [400_000, 2_400_000, 0, 1], "sigma_m": 0.1}}
    here = crs.transform([106_000.0], [94_000.0], source=spec, target=HUB)
    there = crs.transform([506_000.0], [2_494_000.0], source=base, target=HUB)
    assert np.allclose(here, there, rtol=0, atol=1e-12)
    assert crs.operation(spec, HUB).accuracy_m == pytest.approx((0.01 + 25 + 1) ** 0.5)


def control_points(count=9, noise_m=0.02):
    rng = np.random.default_rng(7)
    local = rng.uniform(0, 30_000, (count, 2))
    x, y = crs.transform(local[:, 0], local[:, 1], source=similarity(sigma_m=1), target="EPSG:4547")
    return np.column_stack([local, x + rng.normal(0, noise_m, count), y + rng.normal(0, noise_m, count)])


def test_control_points_give_the_grid_its_sigma_and_tell_the_residuals(tmp_path):
    rows = control_points()
    spec = {"local_grid": {"name": "est", "base": "EPSG:4547", "control_points": rows.tolist()}}
    told = crs.operation(spec, "EPSG:4547")
    assert 0.01 < told.accuracy_m < 0.04
    assert "9 control points" in told.name
    assert "greatest residual" in told.name
    x, y = crs.transform([15_000.0], [15_000.0], source=spec, target="EPSG:4547")
    true = crs.transform([15_000.0], [15_000.0], source=similarity(sigma_m=1), target="EPSG:4547")
    assert np.hypot(x - true[0], y - true[1])[0] < 0.05
    path = tmp_path / "points.csv"
    lines = [",".join(map(repr, map(float, row))) for row in rows]
    path.write_text("x,y,base_x,base_y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    from_file = crs.definition({"local_grid": {**spec["local_grid"], "control_points": str(path)}})
    assert from_file == crs.definition(spec), "a file and its rows are one definition"
    affine = crs.operation({"local_grid": {**spec["local_grid"], "kind": "affine"}}, "EPSG:4547")
    assert "affine from 9 control points" in affine.name


def test_a_grossly_wrong_control_point_is_named(tmp_path):
    rows = control_points()
    rows[3, 2] += 40.0
    path = tmp_path / "points.csv"
    lines = [f"P{n}," + ",".join(map(repr, map(float, row))) for n, row in enumerate(rows)]
    path.write_text("name,x,y,base_x,base_y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(crs.CrsError, match="P3"):
        crs.definition({"local_grid": {"name": "g", "base": "EPSG:4547", "control_points": str(path)}})


def test_two_control_points_tell_no_accuracy():
    with pytest.raises(crs.DefinitionError, match="nothing over"):
        crs.definition({"local_grid": {"name": "g", "base": "EPSG:4547", "control_points": control_points(2).tolist()}})


# --- one definition, however it is written ---------------------------------------------------------------------------


def test_equal_parameters_are_one_definition_with_one_token():
    one = crs.definition({"definition": "EPSG:2435", "shift": SHIFT})
    other = crs.definition({"shift": dict(reversed(SHIFT.items())), "definition": "epsg:2435"})
    assert one == other
    assert one.__dask_tokenize__() == other.__dask_tokenize__()
    changed = crs.definition({"definition": "EPSG:2435", "shift": SHIFT | {"accuracy_m": 6}})
    assert one.__dask_tokenize__() != changed.__dask_tokenize__()
    assert json.loads(one.crs)["shift"]["source"] == "survey office"
    assert crs.definition(one.crs).crs == one.crs, "the canonical text is read back as the same"
    assert not crs.equivalent(one, {"definition": "EPSG:2435", "shift": SHIFT | {"parameters": [16.8, -154.4, -82.3]}})
    assert crs.equivalent(one, changed)


def test_a_table_in_an_old_grid_comes_out_with_its_sigma():
    spec = {"definition": "西安80 3度带 中央经线114°", "shift": SHIFT, "columns": ["X", "Y"], "axes": "north,east"}
    layer = crs.harmonise(fake.table(spec, ["2494000.0"], ["506000.0"]))
    assert layer.reasons.tolist() == [None]
    assert layer.coordinates.geometry[0].x == pytest.approx(114.06, abs=0.01)
    assert layer.coordinates.sigma_m[0] == pytest.approx(26**0.5, rel=1e-3)
    assert "survey office" in " ".join(layer.steps)


def test_the_epoch_is_carried_and_moves_nothing():
    spec = {"definition": "EPSG:4490", "epoch": 2026.5, "columns": ["x", "y"]}
    layer = crs.harmonise(fake.table(spec, ["114.0"], ["22.5"]))
    assert layer.position.epoch == 2026.5
    assert (layer.coordinates.geometry[0].x, layer.coordinates.geometry[0].y) == (114.0, 22.5)
