"""Order, colours and groups of layers: on the map, in the legend and in a link."""

from dashboards.deck import to_view
from dashboards.legends import dressed, to_rows
from dashboards.links import Known, from_link, to_link
from dashboards.scales import RAMPS, congestion, recoloured
from dashboards.scene import Scene
from dashboards.state import ExplorerState
from dashboards.views.map import CityMap

KNOWN = Known(layers={"cells", "streets", "buildings", "ground"}, variables={"no2"})


def test_order_and_colours_travel_in_a_link_and_what_is_unknown_is_told():
    query = "order=cells,streets&palette=cells:devon,streets:lapaz"
    link, notes = from_link("explore", query, KNOWN)
    assert (link.order, dict(link.palettes), notes) == (
        ("cells", "streets"),
        {"cells": "devon", "streets": "lapaz"},
        (),
    )
    assert to_link(link) == f"explore?{query}"
    hostile = "order=cells,cells,nowhere&palette=cells:%3Cscript%3E,streets:acton"
    link, notes = from_link("explore", hostile, KNOWN)
    assert (link.order, dict(link.palettes), notes) == (("cells",), {"streets": "acton"}, ("order", "palette"))


def test_what_is_on_top_of_the_panel_is_painted_last(source):
    state = ExplorerState(cell_variable="no2")
    drawn = CityMap(state, Scene(state, source), view=to_view(source.city.area), address="feed")
    first = [layer["id"] for layer in drawn.specification()["layers"]]
    assert first[:4] == ["ground", "cells", "streets", "buildings"]
    state.order = ["cells", "buildings", "streets", "ground"]
    assert [layer["id"] for layer in drawn.specification()["layers"]][:4] == ["ground", "streets", "buildings", "cells"]
    state.order = ["streets"]
    assert [layer["id"] for layer in drawn.specification()["layers"]][3] == "streets", "the others stay as they were"
    rows = to_rows(state, source, drawn.scene.frames)
    assert [row["id"] for row in rows] == ["streets", "buildings", "cells", "ground"]
    assert [row["domain"] for row in rows] == ["transport", "cim", "environment", "zones"]


def test_other_colours_keep_codes_classes_and_limits(source):
    frame, layer = source.cells("no2"), source.layer("cells")
    state = ExplorerState(palettes={"cells": "oslo"})
    other = dressed(layer, frame, state).scale
    assert other.palette != frame.scale.palette
    assert (other.edges, other.low, other.high) == (frame.scale.edges, frame.scale.low, frame.scale.high)
    assert dressed(layer, frame, ExplorerState()) is frame
    for ramp in RAMPS:
        classes = recoloured(congestion(), ramp)
        assert classes.labels == congestion().labels
        light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in classes.palette]
        assert light == sorted(light) or light == sorted(light, reverse=True), "told apart without any colour"
