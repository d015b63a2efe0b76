import gzip
import json

import h3
import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from tests.dashboards.fake_city import FakeCity, with_sites
from twin.errors import TileNotFoundError
from twin.tiles import Budget, TileSource
from twin.tiles.budget import CHUNK
from twin.tiles.mercator import box_of


@pytest.fixture(scope="module")
def city():
    return with_sites(FakeCity(blocks=12))


@pytest.fixture(scope="module")
def source(city):
    return TileSource(city)


@pytest.fixture(scope="module")
def frugal(city):
    """A source whose budget is far below what the city holds."""
    return TileSource(city, budget=Budget(features=300, lines=120, cells=60))


def unpacked(source, address):
    return gzip.decompress(source.answer(address))


def tiles_of(source, family, name, z):
    """Each tile of a zoom that holds anything: where, its features and what it says of itself."""
    tiles = source.layer(name) if family == "layers" else source.cells(name)
    for x, y in zip(*(side.tolist() for side in tiles.occupied(z)), strict=True):
        found = mapbox_vector_tile.decode(
            unpacked(source, f"{family}/{name}/{z}/{x}/{y}.mvt"),
            default_options={"transformer": onto((z, x, y), tiles.extent(z)), "y_coord_down": True},
        )
        (about,) = found["about"]["features"]
        yield (z, x, y), found[name]["features"], about["properties"]


def onto(tile, extent):
    west, _, east, _ = box_of(*tile)
    z, _, row = tile

    def placed(x, y):
        up = np.pi * (1 - 2 * (row + y / extent) / 2**z)
        return west + (east - west) * x / extent, float(np.degrees(np.arctan(np.sinh(up))))

    return placed


def test_all_buildings_are_there_once_whole_with_height_and_name(source, city):
    table = city.features("buildings")
    seen = {}
    for _, features, about in tiles_of(source, "layers", "buildings", source.layer("buildings").zooms[1]):
        assert about == {"shown": len(features), "total": len(features)}
        for feature in features:
            assert feature["id"] not in seen
            seen[feature["id"]] = feature
    assert sorted(seen) == list(range(len(table)))
    for row, feature in seen.items():
        assert feature["properties"]["h"] == pytest.approx(table["height_m"].iloc[row], rel=1e-6)
        assert feature["properties"]["t"] == table["name"].iloc[row]
        away = shapely.hausdorff_distance(shapely.geometry.shape(feature["geometry"]), table.geometry.iloc[row])
        assert away < 1e-6, "a tenth of a metre"


def test_streets_are_cut_at_the_sides_of_tiles_and_nothing_of_them_is_lost(source, city):
    table = city.features("streets")
    z = source.layer("streets").zooms[1]
    length = np.zeros(len(table))
    for tile, features, _ in tiles_of(source, "layers", "streets", z):
        box = shapely.box(*box_of(*tile)).buffer(1e-6)
        for feature in features:
            drawn = shapely.geometry.shape(feature["geometry"])
            assert box.covers(drawn)
            length[feature["id"]] += drawn.length
    assert length == pytest.approx(shapely.length(table.geometry.to_numpy()), rel=1e-3, abs=2e-6)


def test_all_points_are_there_once_with_their_name(source, city):
    tiles, table = source.layer("detectors"), city.features("detectors")
    seen = {}
    for _, features, _ in tiles_of(source, "layers", "detectors", tiles.zooms[1]):
        for feature in features:
            assert feature["id"] not in seen
            seen[feature["id"]] = shapely.geometry.shape(feature["geometry"])
            assert feature["properties"] == {"t": table["name"].iloc[feature["id"]]}
    assert sorted(seen) == list(range(len(table)))
    moved = shapely.distance(np.array([seen[row] for row in range(len(table))]), table.geometry.to_numpy())
    assert moved.max() < 2e-6  # Degrees: a step of a tile is 0.1 m.


def test_cells_carry_their_index_and_outline(source, city):
    tiles = source.cells("no2")
    seen = []
    for _, features, about in tiles_of(source, "cells", "no2", tiles.zooms[1]):
        assert about["resolution"] == city.resolution
        for feature in features:
            seen.append(feature["id"])
            hexagon = shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(h3.int_to_str(feature["id"]))])
            assert shapely.hausdorff_distance(shapely.geometry.shape(feature["geometry"]), hexagon) < 1e-6
    assert sorted(seen) == city.cube(["no2"])["cell"].to_numpy().tolist()


@pytest.mark.parametrize(
    ("family", "name"),
    [("cells", "no2"), ("cells", "population"), ("layers", "streets"), ("layers", "detectors")],
)
def test_codes_stand_in_the_order_of_the_tile_step_after_step(source, city, family, name):
    tiles = source.layer(name) if family == "layers" else source.cells(name)
    values = city.on_features(name, "speed_ratio") if family == "layers" else city.cube([name])[name]
    axis = values[values.dims[0]].to_numpy()
    values = values.to_numpy().reshape(len(axis), -1)
    breaks = source.breaks(tiles.variable, city.resolution)
    for tile, features, _ in tiles_of(source, family, name, tiles.zooms[1]):
        codes = unpacked(source, f"{family}/{name}/{'/'.join(map(str, tile))}/0.bin")
        rows = np.searchsorted(axis, np.array([feature["id"] for feature in features], dtype=axis.dtype))
        found = np.frombuffer(codes, dtype=np.uint8).reshape(-1, len(features))
        assert (found == breaks.encode(values[rows]).T).all()
        assert found.max() > 1


def test_a_longer_clock_comes_in_runs():
    class Long(FakeCity):
        def __init__(self):
            super().__init__(blocks=3)
            self.time = self.time.union(self.time + (self.time[-1] - self.time[0]) + (self.time[1] - self.time[0]))

    source = TileSource(Long())
    tiles = source.cells("no2")
    assert source.chunks(tiles) == 2
    z = tiles.zooms[1]
    x, y = (int(side[0]) for side in tiles.occupied(z))
    runs = [unpacked(source, f"cells/no2/{z}/{x}/{y}/{chunk}.bin") for chunk in (0, 1)]
    assert [len(run) % CHUNK for run in runs] == [0, 0]
    assert len(runs[0]) == len(runs[1]) > 0
    with pytest.raises(TileNotFoundError, match="2 runs"):
        source.answer(f"cells/no2/{z}/{x}/{y}/2.bin")


def test_far_away_the_largest_stand_for_all_within_the_budget_and_the_tile_says_so(frugal, city):
    tiles = frugal.layer("buildings")
    least, full = tiles.zooms
    assert tiles.drawn(least) is not None
    assert tiles.drawn(full) is None
    found = list(tiles_of(frugal, "layers", "buildings", least))
    assert sum(about["total"] for _, _, about in found) == len(city.features("buildings"))
    assert sum(about["shown"] for _, _, about in found) == sum(len(features) for _, features, _ in found) <= 300
    heights = [feature["properties"]["h"] for _, features, _ in found for feature in features]
    assert np.median(heights) > city.features("buildings")["height_m"].median()
    assert tiles.shown_and_total(least) == (len(heights), len(city.features("buildings")))


@pytest.mark.parametrize("name", ["buildings", "streets"])
def test_what_a_window_shows_is_counted_in_the_window(frugal, city, name):
    tiles, table = frugal.layer(name), city.features(name)
    west, south, east, north = city.area
    # A trapezoid, as a slanted camera sees it.
    outline = ((west, south), (east, south), (0.6 * east + 0.4 * west, north), (0.8 * west + 0.2 * east, north))
    window = shapely.Polygon(outline)
    shapes = table.geometry.to_numpy()
    box = shapely.bounds(shapes)
    middles = shapely.points((box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2)
    inside = set(np.flatnonzero(shapely.intersects(window, shapes if name == "streets" else middles)).tolist())
    for z in range(tiles.zooms[0], tiles.zooms[1] + 1):
        near = [
            found for found in tiles_of(frugal, "layers", name, z) if window.intersects(shapely.box(*box_of(*found[0])))
        ]
        drawn = {one["id"] for _, features, _ in near for one in features}
        assert tiles.seen(z, outline) == (len(inside & drawn), len(inside))
    assert tiles.seen(z, ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1))) == (0, 0)


def test_cells_get_coarser_by_parent_as_one_goes_away_and_amounts_add_up(frugal, city):
    tiles = frugal.cells("population")
    least, full = tiles.zooms
    levels = [tiles.resolution(z) for z in range(least, full + 1)]
    assert levels == sorted(levels)
    assert levels[0] < levels[-1] == city.resolution
    for z in (least, full):
        cells = [feature["id"] for _, features, _ in tiles_of(frugal, "cells", "population", z) for feature in features]
        assert len(set(cells)) == len(cells)
        assert tiles.places_at(tiles.resolution(z)).densest(z) <= 60
        cube = city.cube(["population"], resolution=tiles.resolution(z))["population"]
        assert float(cube.sel(cell=np.array(cells, dtype=np.uint64)).sum()) == pytest.approx(
            float(city.cube(["population"])["population"].sum())
        )


def test_a_tile_is_kept_beside_the_snapshot_and_read_from_there(tmp_path, city, monkeypatch):
    first = TileSource(city, folder=tmp_path)
    addresses = [address for address in first.addresses() if address.startswith("cells/no2")]
    made = {address: first.answer(address) for address in addresses}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == len(addresses)
    assert {path.relative_to(tmp_path).parts[0] for path in files} == {city.snapshot}
    again = TileSource(city, folder=tmp_path)
    monkeypatch.setattr(again.cells("no2"), "tile", lambda *_tile: pytest.fail("made once more"))
    assert {address: again.answer(address) for address in addresses} == made
    damaged = files[0]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert {address: TileSource(city, folder=tmp_path).answer(address) for address in addresses} == made


def test_another_budget_has_tiles_of_its_own(city):
    assert TileSource(city).version != TileSource(city, budget=Budget(cells=60)).version


@pytest.mark.parametrize(
    "address",
    [
        "",
        "layers/nothing/14/0/0.mvt",
        "layers/ground/14/0/0.mvt",
        "cells/nothing/14/0/0.mvt",
        "layers/../14/0/0.mvt",
        "layers/buildings/14/0/99999.mvt",
        "layers/buildings/99/0/0.mvt",
        "layers/buildings/3/0/0.mvt",
        "layers/buildings/14/0/0/0.bin",
        "layers/buildings/14/0/0.mvt/../../x",
        "cells/no2/14/0/0/7.bin",
        "cells/no2/14/-1/0.mvt",
    ],
)
def test_an_address_that_names_nothing_is_refused(source, address):
    with pytest.raises(TileNotFoundError):
        source.answer(address)


def test_tiles_are_described_in_the_words_of_tilejson(source, city):
    told = json.loads(source.describe("cells/no2"))
    assert told["tilejson"] == "3.0.0"
    assert told["resolutions"][str(told["maxzoom"])] == city.resolution
    assert len(told["breaks"][str(told["minzoom"])]) == 31
    assert told["bounds"] == list(city.area)
    assert json.loads(source.describe("layers/buildings"))["vector_layers"][0]["fields"]["h"] == "Number"
    with pytest.raises(TileNotFoundError):
        source.describe("layers")
