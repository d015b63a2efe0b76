import json

import numpy as np
import pytest
import shapely

from dashboards.errors import FrameNotFoundError, NothingToShowError
from dashboards.frame import CELLS
from dashboards.frames import FrameSource
from dashboards.opening import extent_of, first_cell_variable
from dashboards.windows import EVERYWHERE, Window, window_of
from tests.dashboards.fake_city import FakeCity
from twin import View
from twin.tiles import Budget


def rows(frame):
    return json.loads(frame.body)


def test_map_layers_stand_from_the_ground_up(source):
    assert [(layer.id, layer.kind) for layer in source.layers] == [
        ("ground", "areas"),
        (CELLS, CELLS),
        ("streets", "lines"),
        ("buildings", "buildings"),
    ]


def test_what_fits_the_budget_is_drawn_whole(source, city):
    for name in ("buildings", "streets", "ground"):
        frame = source.features(name)
        assert frame.shown == frame.total == len(city.features(name)) == len(rows(frame))


def test_a_building_keeps_its_height_shape_and_name(source, city):
    table = city.features("buildings")
    for row, owner in zip(rows(source.features("buildings")), source.features("buildings").owners, strict=True):
        assert row["h"] == table["height_m"].iloc[owner]
        assert row["t"] == table["name"].iloc[owner]
        drawn = shapely.Polygon(row["p"][0])
        assert shapely.hausdorff_distance(drawn, table.geometry.iloc[owner]) < 1e-6


def test_a_street_has_one_letter_a_step_and_zero_where_nothing_is_known(source, city):
    frame = source.features("streets")
    values = city.on_features("streets", "speed_ratio").to_numpy()
    assert frame.steps == 96
    for row, owner in zip(rows(frame), frame.owners, strict=True):
        letters = np.frombuffer(row["c"].encode(), dtype=np.uint8) - 48
        assert len(letters) == 96
        assert ((letters == 0) == np.isnan(values[owner])).all()
        jammed = values[owner] < 0.40
        assert (letters[jammed] == 1).all()


def test_cells_hold_the_value_of_their_own_cell(source, city):
    frame = source.cells("no2")
    cube = city.cube(["no2"])["no2"]
    assert frame.resolution == city.resolution
    assert [int(row["x"], 16) for row in rows(frame)] == frame.owners.tolist()
    for row, cell in list(zip(rows(frame), frame.owners, strict=True))[::37]:
        expected = frame.scale.encode(cube.sel(cell=cell).to_numpy())
        assert (np.frombuffer(row["c"].encode(), dtype=np.uint8) - 48 == expected).all()


def test_what_does_not_change_has_one_step(source):
    assert source.cells("population").steps == 1


def test_a_frame_never_exceeds_the_budget_and_says_what_it_leaves_out(frugal):
    buildings, streets, cells = frugal.features("buildings"), frugal.features("streets"), frugal.cells("no2")
    assert buildings.shown == len(set(buildings.owners.tolist())) == 50 < buildings.total
    assert streets.shown * streets.steps <= frugal.budget.codes
    assert cells.shown <= 40
    assert cells.resolution < frugal.city.resolution
    assert len(rows(cells)) == cells.shown


def test_the_finest_resolution_that_fits_is_shown(frugal):
    shown = frugal.cells("no2").resolution
    assert len(np.unique(frugal.city.cube(["no2"], resolution=shown + 1)["cell"])) > frugal.budget.cells


def test_coarser_cells_of_an_amount_add_up(frugal):
    shown = frugal.readings.values("population", frugal.cells("population").resolution)
    stored = frugal.readings.values("population", frugal.city.resolution)
    assert float(shown.sum()) == pytest.approx(float(stored.sum()), rel=1e-12)


def test_a_window_shows_only_what_lies_in_it_and_more_of_it(frugal):
    west, south, east, north = frugal.city.area
    near = {
        "longitude": 0.8 * west + 0.2 * east,
        "latitude": (south + north) / 2,
        "zoom": 19.0,
        "width": 800,
        "height": 500,
    }
    window = window_of(near)
    everywhere = set(frugal.features("buildings").owners.tolist())
    here = frugal.features("buildings", window)
    middles = shapely.get_coordinates(shapely.centroid(frugal.readings.table("buildings").geometry.to_numpy()))
    inside = window.holds(middles[:, 0], middles[:, 1])
    assert inside[here.owners].all()
    assert 0 < here.shown < len(inside)
    assert set(here.owners.tolist()) - everywhere, "nearby there are buildings that the whole city left out"


def test_cells_get_finer_as_one_comes_nearer(frugal):
    west, south, east, north = frugal.city.area
    near = {"longitude": (west + east) / 2, "latitude": (south + north) / 2, "zoom": 19.0, "width": 800, "height": 500}
    assert frugal.cells("no2", window_of(near)).resolution > frugal.cells("no2").resolution


def test_a_window_without_need_changes_nothing(source):
    window = Window(west=0, south=0, east=1, north=1)
    assert source.features("buildings", window) is source.features("buildings", EVERYWHERE)
    assert source.cells("no2", window).shown == source.cells("no2").shown


def test_a_frame_is_found_again_by_its_key(source):
    for frame in (source.features("streets"), source.cells("no2")):
        assert source.frame(frame.key) is frame


@pytest.mark.parametrize(
    "path",
    [
        "",
        "features/nothing/0,0,1,1",
        "cells/nothing/0,0,1,1",
        "features/streets/x",
        "features/cells/0,0,1,1",
        "a/b/c/d",
    ],
)
def test_an_address_that_names_nothing_is_refused(source, path):
    with pytest.raises(FrameNotFoundError):
        source.frame(path)


def test_a_typical_day_has_times_since_midnight():
    source = FrameSource(FakeCity(blocks=3, typical_day=True))
    assert str(source.readings.times.dtype).startswith("timedelta64")
    assert source.features("streets").steps == 24


def test_a_twin_with_nothing_to_show_says_what_to_write():
    empty = FakeCity(blocks=2)
    empty.layers, empty.variables = {}, {}
    with pytest.raises(NothingToShowError, match="show"):
        _ = FrameSource(empty).layers


def test_the_first_look_holds_the_city(source, city):
    west, south, east, north = extent_of(source)
    assert city.area[0] < west < east < city.area[2]
    assert city.area[1] < south < north < city.area[3]


def test_budget_is_stated():
    assert Budget().features <= 20_000
    assert Budget().codes <= 2_000_000


def test_a_field_is_not_painted_over_water_and_says_so(city):
    table = city.features("ground").copy()
    west, south, east, north = city.area
    table.geometry = [shapely.box(west, south, (west + east) / 2, north), shapely.Point(west, south).buffer(1e-6)]
    city.__dict__["_features"] = {**city._features, "ground": table}
    source = FrameSource(city)
    dry = source.cells("no2")
    lon, _ = source.readings.grid.centres(dry.owners)
    assert dry.on_land
    assert (lon <= (west + east) / 2).all()
    assert 0.4 < dry.shown / dry.total < 0.6
    assert not source.cells("population").on_land
    assert source.cells("population").shown == source.cells("population").total


def test_main_roads_and_large_buildings_stand_for_a_city_seen_from_afar(frugal):
    table = frugal.readings.table("buildings")
    chosen = frugal.features("buildings").owners
    assert table["height_m"].iloc[chosen].median() > table["height_m"].median()


def test_near_by_the_nearest_houses_are_all_there(frugal):
    west, south, east, north = frugal.city.area
    near = {"longitude": (west + east) / 2, "latitude": (south + north) / 2, "zoom": 16.0, "width": 800, "height": 500}
    window = window_of(near)
    frame = frugal.features("buildings", window)
    middles = shapely.get_coordinates(shapely.centroid(frugal.readings.table("buildings").geometry.to_numpy()))
    away = np.hypot((middles[:, 0] - window.middle[0]) * 0.7227, middles[:, 1] - window.middle[1])
    assert frame.shown == 50
    assert away[frame.owners].max() <= np.sort(away)[52]


def test_cells_open_on_the_variable_that_the_city_states(city):
    city.view = View(cells="population")
    assert first_cell_variable(FrameSource(city)) == "population"
    city.view = View()
    assert first_cell_variable(FrameSource(city)) == "no2"
