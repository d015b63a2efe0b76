"""Any GeoDataFrame is shown as a city: moved as it says, refused where it does not, with its values on cells."""

import asyncio

import geopandas as gpd
import numpy as np
import pytest
import shapely

import crs
import dashboards
import spatial_join
from dashboards.deck import Look, to_layer
from dashboards.errors import FrameRefusedError
from dashboards.frames import FrameSource
from dashboards.legends import first_settings, to_rows
from dashboards.live import Live
from dashboards.notebook.frame_city import FrameCity
from dashboards.state import ExplorerState
from dashboards.views.page import ExplorerPage
from spatial_join import registered as registration
from twin import UnknownNameError


@pytest.fixture(scope="module")
def blocks():
    squares = [shapely.box(7.40 + i, 43.70 + j, 7.41 + i, 43.71 + j) for i in (0, 0.01) for j in (0, 0.01)]
    table = {"people": [100.0, 300.0, np.nan, 60.0], "height_m": [10.0, 20.0, 30.0, 40.0], "name": list("abcd")}
    return gpd.GeoDataFrame(table, geometry=squares, crs="OGC:CRS84", index=[7, 5, 3, 1])


@pytest.fixture(scope="module")
def city(blocks):
    return FrameCity(blocks.to_crs("EPSG:3944"), column="people", kind="extensive", name="Blocks")


def test_records_come_back_to_where_they_were(city, blocks):
    found = city.features("areas")
    assert np.allclose(shapely.bounds(found.geometry), shapely.bounds(blocks.geometry), atol=1e-8)
    assert list(found["name"]) == list("abcd")
    assert city.layers["areas"].placed == 4


def test_amounts_on_cells_are_those_of_the_frame(city):
    for resolution in (city.resolution, city.resolution - 2):
        values = city.cube(["people"], resolution=resolution)["people"]
        assert float(values.sum()) == pytest.approx(460.0, rel=1e-9)


def test_a_value_on_cells_is_explained_by_its_records(city):
    values = city.cube(["people"])["people"]
    cell = int(values["cell"].to_numpy()[int(np.nanargmax(values.to_numpy()))])
    found = city.explain(cell, "people")
    assert found.value == pytest.approx(float((found.sources["share"] * found.sources["value"]).sum()), rel=1e-9)
    parent = int(
        spatial_join.H3Grid(city.resolution).parents(np.array([cell], dtype=np.uint64), city.resolution - 2)[0]
    )
    coarse = city.explain(parent, "people")
    assert coarse.value == pytest.approx(float((coarse.sources["share"] * coarse.sources["value"]).sum()), rel=1e-9)
    with pytest.raises(UnknownNameError, match="no record"):
        city.explain(cell + 1, "people")


def test_a_frame_that_does_not_say_where_it_is_is_refused_and_told_what_to_write():
    sites = gpd.GeoDataFrame({"pm": [1.0]}, geometry=shapely.points([[114.06, 22.54]]))
    with pytest.raises(FrameRefusedError, match=r'set_crs\("EPSG:…"\).*position="GCJ-02"'):
        FrameCity(sites)
    placed = FrameCity(sites, position="GCJ-02").features("points").geometry.iloc[0]
    lon, lat = crs.transform([114.06], [22.54], source="GCJ-02", target="OGC:CRS84")
    assert (placed.x, placed.y) == pytest.approx((lon[0], lat[0]), abs=1e-9)
    with pytest.raises(FrameRefusedError, match="GCJ-02"):
        FrameCity(sites.set_crs("EPSG:4326"), position="GCJ-02")


@pytest.mark.parametrize(
    ("column", "told"), [("peple", "no column 'peple': the frame has people"), ("name", "holds no number")]
)
def test_a_column_that_cannot_colour_is_refused(blocks, column, told):
    with pytest.raises(FrameRefusedError, match=told):
        FrameCity(blocks, column=column)


def test_points_lines_and_areas_of_one_frame_are_three_layers_and_none_is_lost(blocks):
    shapes = [shapely.Point(7.4, 43.7), shapely.LineString([(7.4, 43.7), (7.41, 43.7)]), blocks.geometry.iloc[0], None]
    frame = gpd.GeoDataFrame({"v": [1.0, 2.0, 3.0, 4.0]}, geometry=shapes, crs="OGC:CRS84")
    city = FrameCity(frame, column="v")
    assert {name: len(city.features(name)) for name in city.layers} == {"points": 1, "lines": 1, "areas": 1}
    infos = city.layers.values()
    assert sum(info.records_in for info in infos) == 4
    assert [dict(info.reasons) for info in infos if info.quarantined] == [{"no_geometry": 1}]
    with pytest.raises(FrameRefusedError, match="nothing of the frame can be shown: no_geometry"):
        FrameCity(frame.iloc[3:])


def test_areas_are_coloured_by_their_own_values_and_cells_wait(city):
    source = FrameSource(city)
    assert [layer.id for layer in source.layers] == ["areas", "cells"]
    frame = source.features("areas")
    assert (frame.scale.low, frame.scale.high) == (50.0, 300.0), "of the areas, not of their cells"
    drawn = to_layer(source.layer("areas"), frame, Look(theme="light", step=0))
    assert drawn["stroked"]
    assert drawn["pickable"]
    assert b'"k":0' in frame.body, "a block without a value has the colour of no data"
    settings = first_settings(source)
    assert settings["areas"]["visible"]
    assert not settings["cells"]["visible"]
    frames = {"areas": frame, "cells": source.cells("people")}
    rows = to_rows(ExplorerState(cell_variable="people"), source, frames)
    assert next(row for row in rows if row["id"] == "areas")["legend"]["kind"] == "ramp"


def test_heights_raise_areas_and_colours_of_amounts_are_those_of_houses(blocks):
    source = FrameSource(FrameCity(blocks, column="people", kind="extensive", height="height_m"))
    assert [layer.kind for layer in source.layers] == ["cells", "buildings"]
    assert source.features("areas").scale.high == 300.0
    assert source.tiles.breaks("people", layer="areas").high == 300.0


def test_other_content_has_another_address(blocks):
    first = FrameCity(blocks, column="people").snapshot
    assert first == FrameCity(blocks, column="people").snapshot
    assert first != FrameCity(blocks.assign(people=1.0), column="people").snapshot
    assert first != FrameCity(blocks, column="height_m").snapshot


@pytest.mark.parametrize("view", ["explore", "operate", "trust"])
def test_every_view_opens_on_a_frame(blocks, view):
    page = ExplorerPage(FrameSource(FrameCity(blocks, name="Blocks")), address="feed", view=view)
    assert page.topbar.heading == "Blocks"
    assert page.trust.steward.content("en", chosen="", measured=True)
    assert page.operate.desk.content(page.state) is not None


def test_a_page_of_a_frame_looks_for_news_and_finds_none(blocks, monkeypatch):
    monkeypatch.setattr(dashboards.live, "INTERVAL_S", 0.0)
    live = Live(FrameCity(blocks), lambda _shown: None, publish=lambda _edition: None)
    page = ExplorerPage(live.edition.source, address="feed", live=live)
    asyncio.run(page.refresh())
    assert page.source is live.edition.source
    assert not page.operate.board.building


def test_the_accessor_finds_the_dashboard_by_registration(blocks, monkeypatch):
    shown = blocks.twin.explore("people", kind="extensive", name="Blocks", height_px=300)
    assert "height:300px" in shown._repr_html_()
    assert repr(shown) == f"<Blocks at {shown.address}>"
    shown.stop()
    monkeypatch.setattr(registration.metadata, "entry_points", lambda **_: ())
    with pytest.raises(spatial_join.NotRegisteredError, match="pip install city-twin"):
        blocks.twin.explore()
    assert dashboards.FrameRefusedError is FrameRefusedError
