"""What is uncertain fades: classes beside codes, palettes with less alpha, legends that say so, links that keep it."""

import gzip

import numpy as np
import pytest

from dashboards.deck import Look, to_layer
from dashboards.frames import FrameSource
from dashboards.legends import to_rows
from dashboards.links import Known, from_link, to_link
from dashboards.state import ExplorerState
from tests.dashboards.fake_city import FakeCity, with_sites
from twin.errors import TileNotFoundError
from twin.tiles.doubt import CLASSES, EDGES, doubt_on_cells, doubt_on_features


def test_classes_are_of_sigma_over_value_one_by_one(source):
    basis, classes = doubt_on_cells(source.readings, "no2", 11)
    cube = source.city.cube(["no2"], resolution=11)
    values, sigma = cube["no2"].to_numpy(), cube["no2_sigma"].to_numpy()
    assert basis == "value"
    for cell, step in ((0, 0), (5, 33), (len(values) // 2, 40), (len(values) - 1, 7)):
        share = sigma[cell, step] / values[cell, step]
        expected = CLASSES - 1 if np.isnan(share) else sum(share >= limit for limit in EDGES["value"])
        assert classes[cell, step] == expected
    assert len(np.unique(classes)) == CLASSES


def test_where_only_places_are_uncertain_the_edge_of_a_cell_is_the_measure(source):
    basis, classes = doubt_on_cells(source.readings, "population", 11)
    assert (basis, np.unique(classes).tolist()) == ("edge", [1]), "4 m of an edge of some 29 m"
    assert doubt_on_cells(source.readings, "speed_ratio", 11) is None


def test_tiles_hold_code_and_class_in_one_byte(source):
    z, tiles = source.tiles.cells("no2").zooms[1], source.tiles.cells("no2")
    (x, *_), (y, *_) = tiles.occupied(z)
    plain, both = (
        np.frombuffer(gzip.decompress(source.tiles.answer(f"cells{how}/no2/{z}/{x}/{y}/0.bin")), dtype=np.uint8)
        for how in ("", "~sigma")
    )
    rows = tiles.rows(z, int(x), int(y))
    classes = source.tiles.doubt(tiles, z)[1][rows].T.ravel()
    assert ((both - 1) // CLASSES + 1 == plain).all()
    assert ((both - 1) % CLASSES == classes).all()
    shapes = [source.tiles.answer(f"cells{how}/no2/{z}/{x}/{y}.mvt") for how in ("", "~sigma")]
    assert shapes[0] == shapes[1]
    with pytest.raises(TileNotFoundError, match="states no uncertainty"):
        source.tiles.answer(f"cells~sigma/speed_ratio/{z}/{x}/{y}/0.bin")


def test_buildings_fade_by_metres_and_keep_their_one_colour(source):
    classes = doubt_on_features(source.readings, "buildings")
    assert classes[:2].tolist() == [CLASSES - 1, 0]
    frame = source.features("buildings", doubtful=True)
    drawn = to_layer(source.layer("buildings"), frame, Look(theme="light", step=5))
    assert (drawn["chunk"], drawn["step"]) == (0, 0)
    plain, *fading = drawn["palette"]
    assert fading[0] == plain
    assert [colour[3] for colour in fading] == sorted((colour[3] for colour in fading), reverse=True)
    assert "layers~sigma" in frame.tiles.path


def test_columns_are_as_high_as_without(source):
    look = Look(theme="light", step=0, column_edge_m=25.0)
    units = [to_layer(source.layer("cells"), source.cells("no2", doubtful=how), look)["unit"] for how in (False, True)]
    assert units[1] * CLASSES == pytest.approx(units[0], abs=0.01)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_legends_say_what_fades_and_by_what(source, language):
    state = ExplorerState(cell_variable="no2", doubtful=True, language=language)
    frames = {
        "cells": source.cells("no2", doubtful=True),
        "streets": source.features("streets", doubtful=True),
        "ground": source.features("ground", doubtful=True),
    }
    rows = {row["id"]: row["doubt"] for row in to_rows(state, source, frames)}
    assert len(rows["cells"]["items"]) == CLASSES
    assert rows["cells"]["items"][0]["label"] == "< 10 %"
    assert rows["streets"]["title"], "nobody says how far streets may be off"
    assert not rows["streets"]["items"]
    assert rows["ground"] == {}
    frames = {"cells": source.cells("no2")}
    assert to_rows(state, source, frames)[0]["doubt"] == {}


def test_points_and_their_rings_fade():
    source = FrameSource(with_sites(FakeCity(blocks=2)))
    frame = source.features("detectors", doubtful=True)
    assert frame.doubt == "metres"
    assert "layers~sigma" in frame.tiles.path
    drawn = to_layer(source.layer("detectors"), frame, Look(theme="light", step=0))
    colours = len(frame.scale.palette)
    assert len(drawn["palette"]) == CLASSES * colours + 1 == len(drawn["rings"])


def test_a_link_says_that_uncertainty_is_shown():
    known = Known(layers=(), variables=())
    link, notes = from_link("explore", "sigma=1", known)
    assert link.doubtful
    assert not notes
    assert to_link(link) == "explore?sigma=1"
    assert from_link("explore", "sigma=maybe", known)[1] == ("sigma",)
