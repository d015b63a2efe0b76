"""Streets with chainages, and ids of stations, are recognised though nobody said what they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely

import crs
from tests.reference.crs_layers import shapes, table
from tests.reference.crs_streets import City

HUB = "OGC:CRS84"


def roads(seed: int = 1, **columns):
    """Make 60 roads of 0.5 to 8 km with names like S203, and their lengths in metres."""
    draw = np.random.default_rng(seed)
    start, length = draw.uniform(-4000, 4000, (60, 2)), draw.uniform(500, 8000, 60)
    angle = draw.uniform(0, 6.28, 60)
    end = start + np.column_stack([np.cos(angle), np.sin(angle)]) * length[:, None]
    city = City(0)
    lines = [
        shapely.linestrings(np.column_stack(city.degrees(*np.array([a, b]).T))) for a, b in zip(start, end, strict=True)
    ]
    columns = columns or {"class": ["road"] * 60, "road": [f"S{200 + k}" for k in range(60)]}
    return shapes(HUB, *lines, name="roads", **columns), np.asarray(crs.geodesy.lengths_m(np.array(lines)))


def posts(chainage_m: np.ndarray, *, step_m: int = 1) -> list[str]:
    rounded = (chainage_m // step_m * step_m).astype(int)
    return [f"K{value // 1000}+{value % 1000:03d}" for value in rounded]


def records(n: int = 120, seed: int = 2):
    layer, lengths = roads()
    draw = np.random.default_rng(seed)
    chosen = draw.integers(0, 60, n)
    return layer, [f"S{200 + k}" for k in chosen], draw.uniform(0, 1, n) * lengths[chosen]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("step_m", [1, 100])
def test_kilometre_posts_name_the_street_layer_and_place_the_records(step_m, swapped):
    layer, ids, chainage_m = records()
    columns = [ids, posts(chainage_m, step_m=step_m)]
    names = ["road", "stake"]
    if swapped:
        columns, names = columns[::-1], names[::-1]
    undeclared = table({"definition": HUB, "columns": names}, *columns, name="works")
    verdict = crs.detect(undeclared, reference=layer)
    assert verdict.status == "named", verdict
    assert verdict.candidates[0].label == "along roads"
    position = verdict.position
    assert (position.kind, position.reference, position.key, position.unit) == ("linear", "roads", "road", "metre")
    assert (position.columns, position.status) == (("road", "stake"), "detected")
    assert "100.0% of the ids are in roads[road]" in verdict.candidates[0].evidence
    placed = crs.harmonise(table(position, ids, posts(chainage_m)), references={"roads": layer})
    assert (placed.reasons == None).all()  # noqa: E711
    content = json.loads(verdict.to_json())
    assert content["candidates"][0]["definitions"][0]["definition"] == "roads+chainage"
    assert "along roads" in repr(verdict)
    assert "along roads" in verdict._repr_html_()


@pytest.mark.parametrize(("unit", "factor"), [("metre", 1.0), ("kilometre", 1e-3)])
def test_plain_numbers_are_chainages_in_the_unit_in_which_they_fill_the_streets(unit, factor):
    layer, ids, chainage_m = records()
    verdict = crs.detect((np.array(ids, dtype=object), np.round(chainage_m * factor, 4)), reference=layer)
    assert verdict.status == "named", verdict
    assert verdict.position.unit == unit
    assert verdict.position.columns == ("id", "chainage")


def test_running_numbers_that_fit_any_list_name_nothing():
    layer, lengths = roads(number=list(range(1, 61)))
    draw = np.random.default_rng(3)
    verdict = crs.detect((draw.integers(1, 61, 80), draw.uniform(0, 400, 80)), reference=layer)
    assert verdict.status == "ambiguous", verdict
    assert "no running numbers" in verdict.settle[0]
    # With kilometre posts beside them they are streets.
    chosen = draw.integers(0, 60, 80)
    stakes = posts(draw.uniform(0, 1, 80) * lengths[chosen])
    assert crs.detect((chosen + 1, np.array(stakes, dtype=object)), reference=layer).status == "named"


def test_chainages_of_other_streets_are_told_and_not_claimed():
    layer, ids, chainage_m = records()
    verdict = crs.detect((np.array(ids, dtype=object), chainage_m + 5000.0), reference=layer)
    assert verdict.status == "ambiguous"
    assert verdict.position is None
    assert "beyond_end" in verdict.settle[0]


def test_ids_that_the_reference_lacks_are_told_and_not_claimed():
    layer, ids, chainage_m = records()
    ids[:12] = [f"X{k}" for k in range(12)]
    verdict = crs.detect((np.array(ids, dtype=object), np.array(posts(chainage_m), dtype=object)), reference=layer)
    assert verdict.status == "ambiguous"
    assert verdict.settle[0] == "the rows of roads that the other 10% of the ids name"
    few = crs.detect(
        (np.array(ids[20:25], dtype=object), np.array(posts(chainage_m[20:25]), dtype=object)), reference=layer
    )
    assert few.status == "ambiguous"
    assert "at least 8 distinct rows, found 5" in few.settle


def test_the_ids_of_stations_name_the_register():
    draw = np.random.default_rng(4)
    lon, lat = City(1).degrees(*draw.uniform(-5000, 5000, (2, 40)))
    codes = [f"{440300 + 7 * k}A" for k in range(40)]
    register = shapes(HUB, *shapely.points(lon, lat), name="stations", code=codes)
    asked = np.array([codes[k] for k in draw.integers(0, 40, 300)], dtype=object)
    verdict = crs.detect(crs.Fields((asked,)), reference=register)
    assert verdict.status == "named", verdict
    assert (verdict.position.kind, verdict.position.name) == ("register", "stations[code]")
    placed = crs.harmonise(table(verdict.position, list(asked)), references={"stations": register})
    assert (placed.reasons == None).all()  # noqa: E711


def test_coordinates_stay_coordinates_beside_a_reference_with_ids():
    city = City(5)
    geometry = city.geometry()
    layer = shapes(HUB, *geometry, name="streets", street_id=[f"w{k}" for k in range(len(geometry))])
    verdict = crs.detect(city.on_streets(40, sigma_m=4.0), reference=layer)
    assert verdict.position is not None
    assert verdict.position.kind == "coordinates"
    assert crs.detect(([], []), reference=layer).settle == ("the file holds no positions",)


def test_one_column_that_is_no_id_is_refused_as_before():
    layer, _, _ = records()
    with pytest.raises(crs.DefinitionError, match="two columns"):
        crs.detect(crs.Fields((np.array(["a", "b"], dtype=object),)), reference=layer)
