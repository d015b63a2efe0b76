"""Local grids whose control points are a layer: least squares against numpy's own, and every refusal."""

from __future__ import annotations

import re

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import shapely

import crs
import crs.lazy
from crs.engineering import ControlPointError
from tests.reference.crs_layers import FakeLayer

HUB = "OGC:CRS84"
BASE = "EPSG:4547"
TOLD = {"points": "monuments", "x": "gx", "y": "gy", "name": "id"}
#: Similarity (turn 1.5 degrees, scale 1.00002), and six parameters that also exchange the axes.
PLANES = {
    "similarity": np.array([[0.9996773, -0.0261774, 470_000.0], [0.0261774, 0.9996773, 2_480_000.0]]),
    "affine": np.array([[0.02, 1.0001, 470_000.0], [0.9998, -0.01, 2_480_000.0]]),
}


def spec(kind="similarity", **more):
    grid = {"name": "city grid", "base": BASE, "control_points": TOLD, "kind": kind}
    return {"local_grid": {**grid, **more}, "columns": ["x", "y"]}


def monuments(kind="similarity", count=12, *, noise_m=0.02, sigma_m=0.0, base=BASE, move=None, **columns):
    """Control points in longitude and latitude, as a layer, with the numbers from which it was made."""
    rng = np.random.default_rng(11)
    local = rng.uniform(0, 30_000, (count, 2))
    plane = PLANES[kind]
    on_base = local @ plane[:, :2].T + plane[:, 2] + rng.normal(0, noise_m, (count, 2))
    if move is not None:
        on_base[move] += (40.0, 9.0)
    layer = FakeLayer(
        "monuments",
        crs.definition({"definition": base, "sigma_m": sigma_m}),
        crs.Shapes(shapely.points(on_base)),
        {
            "gx": local[:, 0],
            "gy": local[:, 1],
            "id": np.array([f"M{n}" for n in range(count)], dtype=object),
            **columns,
        },
    )
    return crs.harmonise(layer, target=HUB), local, on_base


def records(position, x=(1_000.0, 15_000.0, 29_000.0), y=(2_000.0, 14_000.0, 28_500.0)):
    return FakeLayer("wells", crs.definition(position), crs.Fields((np.array(x), np.array(y))))


def with_the_rest(sigma_m):
    """Combine with the declared identity of the datums (1 m) and with records that are printed to whole metres."""
    return np.sqrt(sigma_m**2 + 1.0 + 1.0 / 12.0)


def least_squares(kind, local, on_base):
    """Solve for the plane with numpy's general solver; returns its matrix with the shift, and the residuals."""
    # Centred, since a general solver loses digits where columns differ by powers of ten.
    middle, base_middle = local.mean(axis=0), on_base.mean(axis=0)
    local, on_base = local - middle, on_base - base_middle
    x, y = local.T
    one, none = np.ones(len(local)), np.zeros(len(local))
    if kind == "similarity":
        rows = np.vstack([np.column_stack([x, -y, one, none]), np.column_stack([y, x, none, one])])
        a, b, c, f = np.linalg.lstsq(rows, on_base.T.ravel(), rcond=None)[0]
        plane = np.array([[a, -b, c], [b, a, f]])
    else:
        plane = np.linalg.lstsq(np.column_stack([x, y, one]), on_base, rcond=None)[0].T
    left = on_base - (local @ plane[:, :2].T + plane[:, 2])
    plane[:, 2] += base_middle - plane[:, :2] @ middle
    return plane, left


@pytest.mark.parametrize("kind", ["similarity", "affine"])
def test_control_points_of_a_layer_give_the_plane_of_least_squares_and_tell_every_residual(kind):
    layer, local, on_base = monuments(kind)
    done = crs.harmonise(records(spec(kind)), references={"monuments": layer})
    plane, left = least_squares(kind, local, on_base)
    wells = np.column_stack(records(spec(kind)).coordinates.columns)
    lon, lat = crs.transform(*(wells @ plane[:, :2].T + plane[:, 2]).T, source=BASE, target=HUB)
    assert shapely.get_coordinates(done.coordinates.geometry) == pytest.approx(np.column_stack([lon, lat]), abs=1e-11)
    step = done.steps[0]
    assert step.startswith(f"local grid city grid: {kind} on EPSG:4547 from 12 control points of monuments; residuals")
    lengths = np.hypot(*left.T)
    rms, largest, name = re.search(r"RMS ([\d.]+) m, largest ([\d.]+) m at (\w+);", step).groups()
    assert float(rms) == pytest.approx(np.sqrt((left**2).sum() / 12), abs=6e-4)
    assert (float(largest), name) == (pytest.approx(lengths.max(), abs=6e-4), f"M{lengths.argmax()}")
    told = {label: (float(east), float(north)) for label, east, north in re.findall(r"(M\d+) (\S+) ([^\s,]+)", step)}
    assert np.array([told[f"M{n}"] for n in range(12)]) == pytest.approx(left, abs=6e-4)
    spread = np.sqrt((left**2).sum() / (24 - {"similarity": 4, "affine": 6}[kind]))
    assert done.coordinates.sigma_m == pytest.approx(np.full(3, with_the_rest(spread)))
    assert done.reasons.tolist() == [None] * 3


def test_the_plane_is_near_the_true_one():
    layer, _, _ = monuments()
    there = {"monuments": crs.harmonise(layer, target=BASE)}
    placed = shapely.get_coordinates(crs.harmonise(records(spec()), target=BASE, references=there).coordinates.geometry)
    wells, plane = np.column_stack(records(spec()).coordinates.columns), PLANES["similarity"]
    assert placed == pytest.approx(wells @ plane[:, :2].T + plane[:, 2], abs=0.05)


def test_what_the_layer_says_of_its_accuracy_counts_and_counts_once():
    layer, _, _ = monuments(sigma_m=0.5)
    assert layer.coordinates.sigma_m == pytest.approx(np.full(12, np.hypot(0.5, 1.0)))
    done = crs.harmonise(records(spec()), references={"monuments": layer})
    assert done.coordinates.sigma_m == pytest.approx(np.full(3, with_the_rest(0.5)))
    stated = crs.harmonise(records(spec(sigma_m=2.0)), references={"monuments": layer})
    assert stated.coordinates.sigma_m == pytest.approx(np.full(3, with_the_rest(2.0)))


def test_residuals_of_a_grid_in_feet_are_metres():
    rng = np.random.default_rng(3)
    local = rng.uniform(0, 20_000, (9, 2))
    on_base = local + np.array([950_000.0, 190_000.0]) + rng.normal(0, 0.3, (9, 2))
    layer = FakeLayer(
        "monuments",
        crs.definition("EPSG:2263"),
        crs.Shapes(shapely.points(on_base)),
        {"gx": local[:, 0], "gy": local[:, 1], "id": np.arange(9)},
    )
    position = spec(base="EPSG:2263")
    done = crs.harmonise(records(position, (5_000.0,), (5_000.0,)), references={"monuments": crs.harmonise(layer)})
    left_m = least_squares("similarity", local, on_base)[1] * 1200 / 3937
    rms = float(re.search(r"RMS ([\d.]+) m", done.steps[0])[1])
    assert rms == pytest.approx(np.sqrt((left_m**2).sum() / 9), abs=6e-4)


def test_points_without_place_or_numbers_are_left_out_and_counted():
    layer, local, on_base = monuments()
    numbers = local[:, 0].copy()
    numbers[4] = np.nan
    geometry = layer.coordinates.geometry.copy()
    geometry[7] = None
    doubt = np.arange(12) == 9
    holed = FakeLayer(
        "monuments",
        layer.position,
        crs.Shapes(geometry, layer.coordinates.sigma_m, doubt),
        {**layer.columns, "gx": numbers},
    )
    done = crs.harmonise(records(spec()), references={"monuments": holed})
    assert "from 9 control points of monuments, 3 left out" in done.steps[0]
    kept = np.setdiff1d(np.arange(12), [4, 7, 9])
    plane, _ = least_squares("similarity", local[kept], on_base[kept])
    wells = np.column_stack(records(spec()).coordinates.columns)
    lon, lat = crs.transform(*(wells @ plane[:, :2].T + plane[:, 2]).T, source=BASE, target=HUB)
    assert shapely.get_coordinates(done.coordinates.geometry) == pytest.approx(np.column_stack([lon, lat]), abs=1e-11)


def test_a_layer_that_is_not_handed_over_is_asked_for():
    with pytest.raises(crs.ReferenceMissingError, match=r"'wells'.*'monuments'.*pass references="):
        crs.harmonise(records(spec()))


def test_a_layer_in_another_frame_is_refused():
    layer, _, _ = monuments()
    with pytest.raises(crs.ReferenceNotHarmonisedError, match="monuments"):
        crs.harmonise(records(spec()), references={"monuments": crs.harmonise(layer, target=BASE)})


@pytest.mark.parametrize("word", ["x", "y", "name"])
def test_a_column_that_the_layer_has_not_is_named(word):
    layer, _, _ = monuments()
    with pytest.raises(crs.PositionContradictionError, match=r"'wells'.*'city grid'.*'none', which monuments"):
        crs.harmonise(records(spec(control_points={**TOLD, word: "none"})), references={"monuments": layer})


@pytest.mark.parametrize("move", [0, 5])
def test_a_point_that_does_not_belong_is_named(move):
    layer, _, _ = monuments(move=move)
    with pytest.raises(ControlPointError, match=rf"'wells'.*monuments.*gross error.*M{move} \(4[01]"):
        crs.harmonise(records(spec()), references={"monuments": layer})


def test_a_number_that_cannot_be_read_is_named():
    layer, _, _ = monuments(gx=np.array(["12 km", *["3"] * 11], dtype=object))
    with pytest.raises(ControlPointError, match=r"row 1 of monuments: unreadable: gx '12 km'"):
        crs.harmonise(records(spec()), references={"monuments": layer})


@pytest.mark.parametrize(
    ("kind", "count", "found"),
    [
        ("similarity", 0, "none of the 0 rows"),
        ("similarity", 1, "1 control points"),
        ("affine", 2, "2 control"),
    ],
)
def test_too_few_points_are_refused(kind, count, found):
    layer, _, _ = monuments(kind, count)
    with pytest.raises(ControlPointError, match=found):
        crs.harmonise(records(spec(kind)), references={"monuments": layer})


def test_points_on_one_line_tell_no_affine_grid():
    layer, local, _ = monuments("affine")
    geometry = shapely.points(np.column_stack([np.linspace(113.8, 114.2, 12), np.full(12, 22.5)]))
    flat = FakeLayer("monuments", layer.position, crs.Shapes(geometry, layer.coordinates.sigma_m), layer.columns)
    with pytest.raises(ControlPointError, match="lie on one line"):
        crs.harmonise(records(spec("affine")), references={"monuments": flat})
    there = {"gx": np.linspace(0, 1e4, 12), "gy": np.linspace(0, 1e4, 12), "id": layer.columns["id"]}
    with pytest.raises(ControlPointError, match="lie on one line"):
        crs.harmonise(
            records(spec("affine")),
            references={"monuments": FakeLayer("monuments", layer.position, layer.coordinates, there)},
        )
    assert len(local) == 12


def test_two_points_are_as_accurate_as_their_layer_says_or_refused():
    layer, _, _ = monuments(count=2, sigma_m=0.5)
    done = crs.harmonise(records(spec()), references={"monuments": layer})
    assert (done.coordinates.sigma_m >= np.hypot(0.5, 1.0)).all()
    exact = FakeLayer("monuments", crs.definition(HUB), crs.Shapes(layer.coordinates.geometry), layer.columns)
    with pytest.raises(crs.DefinitionError, match="leave nothing over"):
        crs.harmonise(records(spec()), references={"monuments": exact})


def test_points_that_are_no_points_or_far_away_are_refused():
    layer, _, _ = monuments()
    lines = shapely.linestrings(np.random.default_rng(1).uniform(22, 23, (12, 2, 2)))
    other = FakeLayer("monuments", layer.position, crs.Shapes(lines), layer.columns)
    with pytest.raises(ControlPointError, match="M0 of monuments is a LineString"):
        crs.harmonise(records(spec()), references={"monuments": other})
    with pytest.raises(ControlPointError, match=r"M0, M1, M2, M3, M4 of monuments lie outside .*EPSG:32632"):
        crs.harmonise(records(spec(base="EPSG:32632")), references={"monuments": layer})
    with pytest.raises(crs.OperationRefusedError, match="no plane grid"):
        crs.harmonise(records(spec(base="EPSG:4490")), references={"monuments": layer})


def test_without_its_points_such_a_grid_moves_nothing():
    position = crs.definition(spec())
    assert (position.references, position.kind, position.unit) == (("monuments",), "coordinates", "metre")
    assert crs.definition(position.crs).references == ("monuments",), "the canonical text is read back as the same"
    assert position.portable_crs is None
    with pytest.raises(crs.OperationRefusedError, match=r"control points of dataset 'monuments'"):
        crs.transform([1.0], [1.0], source=position, target=HUB)
    assert crs.equivalent(position, spec())
    assert not crs.equivalent(position, BASE)
    other = crs.definition(spec(control_points={**TOLD, "x": "gy"}))
    assert position.__dask_tokenize__() != other.__dask_tokenize__()


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"points": "monuments", "x": "gx"}, "y must be text"),
        ({"points": 7, "x": "gx", "y": "gy"}, "points must be text"),
        ({**TOLD, "name": 3}, "name must be text"),
        ({**TOLD, "z": "h"}, "unknown 'z'"),
    ],
)
def test_words_about_the_layer_are_checked_at_once(told, found):
    with pytest.raises(crs.DefinitionError, match=found):
        crs.definition(spec(control_points=told))


def test_partitions_get_the_numbers_of_the_whole():
    layer, _, _ = monuments()
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.uniform(0, 3e4, 200).round(2), "y": rng.uniform(0, 3e4, 200).round(2)})
    lazy = crs.lazy.harmonise(dd.from_pandas(frame, npartitions=4), position=spec(), references={"monuments": layer})
    whole = crs.harmonise(
        records(spec(), frame["x"].to_numpy(), frame["y"].to_numpy()), references={"monuments": layer}
    ).coordinates
    done = lazy.compute(scheduler="synchronous")
    assert done["geometry"].to_numpy(dtype=object).tolist() == shapely.to_wkb(whole.geometry).tolist()
    assert (done["sigma_m"].to_numpy() == whole.sigma_m).all()
    with pytest.raises(crs.ReferenceMissingError, match="monuments"):
        crs.lazy.harmonise(dd.from_pandas(frame, npartitions=4), position=spec())


def test_geometries_in_a_local_grid_move_by_it_too():
    layer, local, on_base = monuments()
    plane, _ = least_squares("similarity", local, on_base)
    line = shapely.linestrings([[100.0, 100.0], [900.0, 400.0]])
    position = {"local_grid": spec()["local_grid"]}
    walls = FakeLayer("walls", crs.definition(position), crs.Shapes(np.array([line], dtype=object)))
    done = crs.harmonise(walls, references={"monuments": layer})
    ends = shapely.get_coordinates(line) @ plane[:, :2].T + plane[:, 2]
    expected = np.column_stack(crs.transform(*ends.T, source=BASE, target=HUB))
    assert shapely.get_coordinates(done.coordinates.geometry) == pytest.approx(expected, abs=1e-11)
