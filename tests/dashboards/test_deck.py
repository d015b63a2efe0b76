import dataclasses
import json

import pytest

from dashboards.deck import PALETTES, Look, to_layer, to_selection, to_specification, to_view
from dashboards.frame import CELLS
from twin import View
from twin.tiles.breaks import LEVELS
from twin.tiles.budget import CHUNK


def layer_of(source, name, **look):
    frame = source.cells("no2") if name == CELLS else source.features(name)
    settings = {"theme": "light", "step": 30, "address": "feed/s"} | look
    return to_layer(source.layer(name), frame, Look(**settings))


NAMES = ["ground", CELLS, "streets", "buildings"]


@pytest.mark.parametrize("name", NAMES)
def test_a_description_names_its_data_and_holds_none(source, name):
    layer = layer_of(source, name)
    if name == "ground":
        assert layer["data"].startswith("feed/s/")
        assert layer["data"].endswith(".json")
    else:
        assert layer["@@type"] == "CityTileLayer"
        assert layer["data"].startswith(f"tiles/{source.city.snapshot}/")
        assert "/{z}/{x}/{y}.mvt?v=" in layer["data"]
    assert len(json.dumps(layer)) < 4_000, "what is large travels by address"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("theme", PALETTES)
def test_a_step_of_time_changes_colours_only(source, name, theme):
    now, later = layer_of(source, name, step=30, theme=theme), layer_of(source, name, step=31, theme=theme)
    changed = {key for key in now if now[key] != later[key]}
    assert changed == ({"step"} if name in {CELLS, "streets"} else set())


def test_a_static_variable_stays_when_time_moves(source):
    frame, cells = source.cells("population"), source.layer(CELLS)
    assert to_layer(cells, frame, Look(theme="dark", step=3)) == to_layer(cells, frame, Look(theme="dark", step=80))


def test_the_palette_holds_a_colour_for_every_code(source):
    assert len(layer_of(source, "streets")["palette"]) == 1 + 5
    assert layer_of(source, "streets")["palette"][0] == PALETTES["light"].unknown
    assert len(layer_of(source, CELLS)["palette"]) == 1 + LEVELS
    assert layer_of(source, "buildings")["palette"] == [PALETTES["light"].building]


def test_the_run_of_steps_that_a_step_lies_in_is_asked_for(source):
    frame = dataclasses.replace(source.cells("no2"), steps=3 * CHUNK)
    for step, place in ((0, (0, 0)), (CHUNK - 1, (0, CHUNK - 1)), (CHUNK, (1, 0)), (9 * CHUNK, (2, CHUNK - 1))):
        layer = to_layer(source.layer(CELLS), frame, Look(theme="dark", step=step))
        assert (layer["chunk"], layer["step"]) == place
    assert layer_of(source, "buildings")["chunk"] == -1, "what has no values asks for none"


def test_tiles_are_asked_for_only_where_there_are_any(source):
    layer = layer_of(source, "buildings")
    assert (layer["minZoom"], layer["maxZoom"]) == source.tiles.layer("buildings").zooms
    west, south, east, north = layer["extent"]
    bounds = source.readings.table("buildings").total_bounds
    assert west <= (bounds[0] + bounds[2]) / 2 <= east
    assert south <= (bounds[1] + bounds[3]) / 2 <= north


def test_cells_stand_up_when_they_are_columns(source):
    flat, raised = layer_of(source, CELLS), layer_of(source, CELLS, column_edge_m=29.0)
    assert not flat["extruded"]
    assert raised["extruded"]
    assert raised["unit"] > 0
    assert "parameters" not in raised, "what stands up hides what is behind it"


def test_opacity_and_switch_reach_the_layer(source):
    layer = layer_of(source, "buildings", visible=False, opacity=0.3)
    assert (layer["visible"], layer["opacity"]) == (False, 0.3)


def test_the_map_style_is_said_to_be_none_and_no_host_is_named(source):
    specification = to_specification([layer_of(source, name) for name in NAMES], to_view(source.extent))
    assert "mapStyle" in specification
    assert specification["mapStyle"] is None
    assert "http" not in json.dumps(specification)


def test_no_record_list_reaches_the_pane(source):
    shape = {"type": "Point", "coordinates": [7.4, 43.7]}
    layers = [to_selection({"shape": shape, "height_m": 0.0}, "light"), to_selection(None, "dark")]
    layers += [layer_of(source, name) for name in NAMES]
    assert not [layer for layer in layers if isinstance(layer["data"], list)]


def test_the_mark_of_a_building_is_higher_than_the_building():
    shape = {"type": "Polygon", "coordinates": [[[7, 43], [7, 43.1], [7.1, 43], [7, 43]]]}
    mark = to_selection({"shape": shape, "height_m": 30.0}, "light")
    assert mark["extruded"]
    assert mark["getElevation"] > 30


def test_a_larger_city_is_seen_from_farther_away_down_to_a_limit():
    small, large, huge = ((7.40, 43.70, 7.40 + d, 43.70 + d) for d in (0.01, 0.03, 2.0))
    assert to_view(small)["zoom"] > to_view(large)["zoom"] > to_view(huge)["zoom"] >= 13
    assert to_view(small)["pitch"] == 50


def test_the_first_camera_stands_where_the_city_states(city):
    stated = View(centre=(7.41, 43.74), zoom=12.5, pitch=58.0, bearing=-90.0)
    view = to_view(city.area, stated=stated)
    assert (view["zoom"], view["pitch"], view["bearing"]) == (12.5, 58.0, -90.0)
    assert view["longitude"] == pytest.approx(7.41, abs=0.02)
    assert view["latitude"] == pytest.approx(43.74, abs=0.02)
    narrow = to_view(city.area, stated=stated, narrow=True)
    assert narrow["zoom"] < 12.5
    assert (narrow["longitude"], narrow["latitude"]) == (7.41, 43.74)
