import json

import numpy as np
import pytest
import shapely

from dashboards.errors import FrameNotFoundError, NothingToShowError
from dashboards.frame import CELLS
from dashboards.frames import FrameSource
from dashboards.opening import first_cell_variable
from dashboards.scene import Scene
from dashboards.state import ExplorerState
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
        assert frame.shown == frame.total == len(city.features(name))
    assert len(rows(source.features("ground"))) == 2
    assert source.cells("no2").shown == source.cells("no2").total
    assert source.cells("no2").resolution == city.resolution


def test_areas_keep_their_shape_and_kind(source, city):
    table = city.features("ground")
    frame = source.features("ground")
    for row, owner in zip(rows(frame), frame.owners, strict=True):
        assert row["k"] == int(owner == 1), "the park is green"
        assert shapely.hausdorff_distance(shapely.Polygon(row["p"][0]), table.geometry.iloc[owner]) < 1e-5


def test_what_comes_in_tiles_says_where_and_has_no_rows(source):
    for frame in (source.features("streets"), source.features("buildings"), source.cells("no2")):
        assert frame.tiles.path.startswith(f"tiles/{source.city.snapshot}/")
        assert not frame.body
        assert frame.tiles.zooms[0] <= frame.tiles.zooms[1]
    assert source.features("streets").steps == source.cells("no2").steps == 96
    assert source.features("buildings").steps == 0


def test_what_does_not_change_has_one_step(source):
    assert source.cells("population").steps == 1


def test_a_frame_never_exceeds_the_budget_and_says_what_it_leaves_out(frugal):
    buildings, cells = frugal.features("buildings"), frugal.cells("no2")
    assert 0 < buildings.shown <= 50 < buildings.total
    assert frugal.features("streets").shown <= 40
    assert cells.shown <= 40
    assert cells.resolution < frugal.city.resolution


def test_the_finest_resolution_that_fits_is_shown(frugal):
    shown = frugal.cells("no2").resolution
    assert len(np.unique(frugal.city.cube(["no2"], resolution=shown + 1)["cell"])) > frugal.budget.cells


def test_coarser_cells_of_an_amount_add_up(frugal):
    shown = frugal.readings.values("population", frugal.cells("population").resolution)
    stored = frugal.readings.values("population", frugal.city.resolution)
    assert float(shown.sum()) == pytest.approx(float(stored.sum()), rel=1e-12)


def test_near_by_everything_is_there_at_storage_resolution(frugal):
    near = {"longitude": 7.4145, "latitude": 43.7332, "zoom": 21.4, "width": 800, "height": 500}
    buildings = frugal.features("buildings", window_of(near), zoom=21.4)
    assert buildings.shown == buildings.total
    assert frugal.cells("no2", zoom=21.4).resolution == frugal.city.resolution
    levels = [frugal.cells("no2", zoom=zoom).resolution for zoom in (11.0, 15.0, 17.0, 20.4)]
    assert levels == sorted(levels)


def test_what_is_counted_is_what_is_seen(frugal):
    west, south, _, _ = frugal.city.area
    corner = {"longitude": west, "latitude": south, "zoom": 16.0, "width": 300, "height": 300}
    whole, part = frugal.features("buildings", zoom=16.0), frugal.features("buildings", window_of(corner), zoom=16.0)
    assert 0 < part.total < whole.total


def test_a_window_without_need_changes_nothing(source):
    window = Window(west=0, south=0, east=1, north=1)
    for name in ("buildings", "ground"):
        assert source.features(name, window) is source.features(name, EVERYWHERE)


def test_a_frame_is_found_again_by_its_key(source):
    frame = source.features("ground")
    assert source.frame(frame.key) is frame


@pytest.mark.parametrize(
    "path",
    [
        "",
        "features/nothing/0,0,1,1",
        "cells/nothing/0,0,1,1",
        "features/ground/x",
        "features/streets/0,0,1,1",
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
    west, south, east, north = source.extent
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
    tiles = source.tiles.cells("no2")
    cells = source.readings.values("no2", city.resolution)["cell"].to_numpy()[tiles.chosen(city.resolution)]
    lon, _ = source.readings.grid.centres(cells)
    assert dry.on_land
    assert (lon <= (west + east) / 2).all()
    assert 0.4 < dry.shown / dry.total < 0.6
    assert not source.cells("population").on_land
    assert source.cells("population").shown == source.cells("population").total


def test_cells_open_on_the_variable_that_the_city_states(city):
    city.view = View(cells="population")
    assert first_cell_variable(FrameSource(city)) == "population"
    city.view = View()
    assert first_cell_variable(FrameSource(city)) == "no2"


def test_the_legend_counts_what_is_in_the_window(frugal):
    west, south, east, north = frugal.city.area
    near = {"longitude": (west + east) / 2, "latitude": (south + north) / 2, "zoom": 16.5, "width": 400, "height": 300}
    scene = Scene(ExplorerState(cell_variable="no2", camera=near), frugal)
    shown, total = scene.seen["buildings"]
    assert 0 < shown < total < len(frugal.readings.table("buildings"))
    assert (scene.counted["buildings"].shown, scene.counted["buildings"].total) == (shown, total)
    assert scene.counted["cells"] == scene.frames["cells"]
    assert scene.count({}) == {}
