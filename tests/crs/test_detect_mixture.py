"""Files that mix definitions are taken apart by group and, where their rows can be told apart, by row."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely

import crs
from crs.detection.density import Blur
from crs.detection.evidence import Reference
from tests.reference.crs_layers import shapes, table
from tests.reference.crs_mixture import Mixed, MovedMonaco
from tests.reference.crs_streets import City, encode

HUB = "OGC:CRS84"


def bj54(code: str) -> dict[str, object]:
    return {"definition": code, "shift": {"operation": "EPSG:15920"}}


def streets(city: City):
    return shapes(HUB, *city.geometry(), name="streets")


def is_of(mixture: crs.Mixture, target: object) -> np.ndarray:
    """Say of each component, and of none, whether it is a definition."""
    wanted = crs.definition(target).crs
    return np.array([wanted in [m.position.crs for m in one.members] for one in mixture.components] + [False])


CASES = [
    (City, (HUB, "GCJ-02"), 10.0, 0.1),
    (City, ("GCJ-02", "BD-09"), 5.0, 0.5),
    (MovedMonaco, (HUB, "GCJ-02"), 8.0, 0.3),
    (MovedMonaco, ("EPSG:4547", bj54("EPSG:2435")), 10.0, 0.5),
    (MovedMonaco, (HUB, bj54("EPSG:4214")), 5.0, 0.2),
]


@pytest.mark.parametrize(("ground", "definitions", "sigma_m", "foreign"), CASES)
def test_groups_of_thirty_are_told_apart_and_rows_as_well_as_anybody_could(ground, definitions, sigma_m, foreign):
    city = ground(31)
    mixed = Mixed(city, definitions, sigma_m=sigma_m, foreign=foreign, groups=20, size=30)
    found = crs.detect_groups((mixed.x, mixed.y), mixed.group, reference=streets(city))
    chosen = found.group_probabilities.argmax(axis=1)
    told, home = is_of(found, definitions[1])[chosen], is_of(found, definitions[0])[chosen]
    right = (told & mixed.foreign_groups).sum()
    f1 = 2 * right / (told.sum() + mixed.foreign_groups.sum())
    assert f1 >= 0.98
    assert (home == ~mixed.foreign_groups).all()
    sure = found.group_status == "named"
    assert sure.mean() >= 0.9, "F1 of the named ones alone would be bought by abstaining"

    # Rows without their groups, against the true streets, noise and share.
    rows = crs.detect_groups((mixed.x, mixed.y), reference=streets(city))
    best = mixed.optimum()
    ours = rows.row_probabilities[:, is_of(rows, definitions[1])].sum(axis=1)
    reached = ((ours > 0.5) == mixed.is_foreign).mean()
    assert reached >= ((best > 0.5) == mixed.is_foreign).mean() - 0.02
    claimed = rows.row_probabilities[:, :-1].max(axis=1) >= 0.95
    assert ((ours > 0.5) == mixed.is_foreign)[claimed].mean() >= 0.95
    assert claimed.mean() >= (np.maximum(best, 1 - best) >= 0.95).mean() - 0.1
    assert rows.share_ambiguous >= 1 - claimed.mean() - 1e-12
    assert rows.labels == ()


def test_rows_of_another_unit_are_told_one_by_one_and_placed():
    city = City(40)
    mixed = Mixed(city, (HUB, "EPSG:4547"), sigma_m=5.0, foreign=0.4, groups=10, size=40)
    order = mixed.shuffled(1)
    layer = table({"definition": HUB, "columns": ["x", "y"]}, list(mixed.x[order]), list(mixed.y[order]), name="sites")
    found = crs.detect_groups(layer, reference=streets(city))
    assert [one.label for one in found.components] == [HUB, "EPSG:4547"]
    assert (found.row_component == mixed.is_foreign[order]).all()
    assert found.share_ambiguous == 0
    foreign = int(np.flatnonzero(found.rows_of(1))[0])
    position = found.position_of(foreign)
    assert (position.name, position.columns, position.status) == ("EPSG:4547", ("x", "y"), "detected")
    assert "2 definitions mix in 400 rows" in repr(found)


def test_a_group_that_mixes_in_itself_says_so_and_its_rows_decide():
    city = City(41)
    mixed = Mixed(city, (HUB, "GCJ-02"), sigma_m=4.0, foreign=0.5, groups=8, size=60)
    # Two groups stay whole, the others are thrown together.
    whole = {0: "gcj", 7: "wgs"}
    label = np.array([whole.get(int(g), "<both>") for g in mixed.group], dtype=object)
    label[label == "<both>"] = np.where(np.arange((label == "<both>").sum()) % 2, "<both>", None)
    found = crs.detect_groups((mixed.x, mixed.y), label, reference=streets(city))
    assert found.labels == ("gcj", None, "<both>", "wgs")
    assert [found.status_of(one) for one in found.labels] == ["named", "mixed", "mixed", "named"]
    chosen = found.row_component >= 0
    told = is_of(found, "GCJ-02")[found.row_component]
    assert (told[chosen] == mixed.is_foreign[chosen]).mean() >= 0.95
    assert 0.6 < chosen.mean() < 1
    assert found.position_of(int(np.flatnonzero(~chosen)[0])) is None

    content = json.loads(found.to_json())
    assert [one["status"] for one in content["groups"]] == ["named", "mixed", "mixed", "named"]
    assert content["share_ambiguous"] == pytest.approx(1 - chosen.mean())
    assert sum(one["rows"] for one in content["components"]) == chosen.sum()
    assert "&lt;both&gt;" in found._repr_html_()
    assert "<both>" not in found._repr_html_()


def test_a_group_of_two_rows_stays_open_beside_groups_that_are_named():
    city = MovedMonaco(42)
    mixed = Mixed(city, (HUB, bj54("EPSG:4214")), sigma_m=8.0, foreign=0.5, groups=8, size=50)
    label = np.where(np.arange(400) % 50 < 2, "few", mixed.group.astype(str))
    label[(label == "few") & (mixed.group > 0)] = "other"
    found = crs.detect_groups((mixed.x, mixed.y), label, reference=streets(city))
    assert found.status_of("few") == "ambiguous"
    assert (found.row_component[label == "few"] == -1).all()
    assert found.share_ambiguous >= 2 / 400
    assert any("more rows of the ambiguous groups" in text for text in found.settle)


@pytest.mark.parametrize("foreign", [0.2, 0.5])
def test_a_verdict_remarks_that_rows_mix_and_claims_nothing(foreign):
    city = City(43)
    mixed = Mixed(city, (HUB, "GCJ-02"), sigma_m=5.0, foreign=foreign, groups=10, size=30)
    verdict = crs.detect((mixed.x, mixed.y), reference=streets(city))
    assert verdict.status != "named"
    remark = next(text for text in verdict.settle if "seem to mix" in text)
    assert "OGC:CRS84 (" in remark
    assert "GCJ-02 (" in remark
    assert "crs.detect_groups" in remark


def test_degrees_and_metres_in_one_file_are_remarked_though_neither_reads_most_of_it():
    city = City(44)
    mixed = Mixed(city, (HUB, "EPSG:4547"), sigma_m=5.0, foreign=0.5, groups=10, size=20)
    verdict = crs.detect((mixed.x, mixed.y), reference=streets(city))
    assert verdict.status == "unknown"
    assert "the rows seem to mix OGC:CRS84 (50%) and EPSG:4547 (50%)" in verdict.settle[0]


def test_buildings_held_against_streets_are_no_mixture():
    city = City(45)
    lon, lat = city.off_streets(300)
    x, y = encode(lon, lat, "GCJ-02")
    found = crs.detect_groups(
        (np.append(lon, x), np.append(lat, y)), np.repeat(["a", "b"], 300), reference=streets(city)
    )
    assert found.components == ()
    assert found.group_status.tolist() == ["unknown", "unknown"]
    assert (found.row_component == -1).all()
    assert found.share_ambiguous == 1
    assert "nothing fits" in repr(found)


def test_missing_positions_are_of_no_component_and_repeats_decide_nothing():
    city = City(46)
    lon, lat = city.on_streets(40, sigma_m=4.0)
    one = np.repeat([[lon[0]], [lat[0]]], 500, axis=1)
    x = np.concatenate([lon, one[0], [np.nan]]).astype(object)
    y = np.concatenate([lat, one[1], [22.5]]).astype(object)
    label = ["feed"] * 40 + ["device"] * 500 + ["device"]
    found = crs.detect_groups((x, y), label, reference=streets(city))
    assert found.status_of("feed") == "named"
    assert np.isnan(found.row_probabilities[-1]).all()
    assert found.position_of(540) is None
    # One place, written 500 times, is the evidence of one row.
    assert found.status_of("device") == "ambiguous"
    empty = crs.detect_groups(([], []), [], reference=streets(city))
    assert (len(empty), empty.components, empty.share_ambiguous) == (0, (), 0.0)


def test_the_density_of_streets_is_that_of_a_point_every_metre():
    city = MovedMonaco(47)
    lon, lat = city.degrees(*np.random.default_rng(0).uniform(-1500, 1500, (2, 300)))
    blur = Blur(Reference(city.geometry()))
    mixed = Mixed(city, (HUB, HUB), sigma_m=8.0, foreign=0.5, groups=1, size=1)
    slow = mixed.density(lon, lat)
    fast = blur.ratios(lon, lat, (8.0,))[0]
    near = slow > 1e-3
    ratio = fast[near] / slow[near]
    assert near.sum() > 60
    assert ratio.std() / ratio.mean() < 0.03
    # Over the squares that the streets touch, chance is what is left of them on average.
    x, y = np.random.default_rng(1).uniform(-2500, 2500, (2, 100_000))
    assert blur.ratios(*city.degrees(x, y), (8.0,))[0].mean() == pytest.approx(blur.chance_area_m2 / 25e6, rel=0.05)


def test_the_density_about_a_register_is_a_bell_about_each_point():
    city = City(48)
    lon, lat = city.degrees(*np.random.default_rng(2).uniform(-4000, 4000, (2, 50)))
    blur = Blur(Reference(shapely.points(lon, lat)))
    at, near, far = blur.ratios(np.array([lon[0]] * 3), lat[0] + np.array([0, 10, 4000]) / 111_000, (10.0,))[0]
    assert near / at == pytest.approx(np.exp(-0.5), rel=0.02)
    assert far < 1e-6 * at


@pytest.mark.parametrize(
    ("groups", "options", "error", "message"),
    [
        (["a"], {}, crs.LengthMismatchError, "2 rows but groups"),
        (None, {"confidence": 1.0}, crs.DefinitionError, "confidence"),
    ],
)
def test_refusals_say_what_to_pass(groups, options, error, message):
    with pytest.raises(error, match=message):
        crs.detect_groups(([1.0, 2.0], [2.0, 3.0]), groups, reference=streets(City(0)), **options)
