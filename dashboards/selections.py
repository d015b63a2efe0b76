"""What was clicked: resolved to a feature or a cell, then described with its values and where they come from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from dashboards.frame import CELLS, MapLayer
from dashboards.frames import FrameSource
from dashboards.i18n import number, plain_title, texts, title_of, unit_of
from dashboards.i18n.engine import said_in
from dashboards.scene import Scene
from dashboards.state import ExplorerState
from twin.errors import TwinError
from twin.tiles.attributes import heights_m_of, names_of

_CELL = re.compile("[0-9a-f]{15}")
_SHOWN_SOURCES: Mapping[str, int] = {"explore": 8, "operate": 8, "trust": 200}  # Who judges wants every row.
_MARGIN_DEG = 4e-6
_KINDS = {"buildings": "building", "lines": "street", "points": "point", "areas": "area", CELLS: "cell"}


@dataclass(frozen=True, kw_only=True)
class Course:
    """A variable at the selected place over time.

    Parameters
    ----------
    variable : str
        Name in the cube.
    values : ndarray of float
        Shape (steps,), or (1,) for what does not change; NaN without data.
    """

    variable: str
    values: np.ndarray[Any, np.dtype[np.float64]]

    def at(self, step: int) -> float:
        """Give the value at a step.

        Parameters
        ----------
        step : int
            Index of the step.

        Returns
        -------
        float
            The value, NaN without data.
        """
        return float(self.values[min(step, len(self.values) - 1)])


def find(scene: Scene, click: Mapping[str, Any]) -> dict[str, Any] | None:
    """Resolve a click to what lies there.

    Parameters
    ----------
    scene : Scene
        Frames on the map.
    click : Mapping
        ``layer`` id, ``index`` and ``coordinate``, as the pane reports them: the cell, the position in the table,
        or, of what is drawn from rows, the row.

    Returns
    -------
    dict or None
        ``layer``, ``row`` (source record, or the cell), ``feature`` (position in the table, or None), ``cell``
        (hexadecimal), ``lon_deg``, ``lat_deg``, ``shape`` (GeoJSON geometry) and ``height_m`` (0 on the ground); None
        if nothing was hit.
    """
    frame = scene.frames.get(click.get("layer", ""))
    index = click.get("index", -1)
    if frame is None:
        return None
    layer = scene.source.layer(click["layer"])
    shown = scene.frames[CELLS].resolution if CELLS in scene.frames else None
    if layer.kind == CELLS:
        known = isinstance(index, str) and _CELL.fullmatch(index)
        return find_row(scene.source, layer.id, index, resolution=shown) if known else None
    count = len(scene.source.readings.table(layer.id)) if frame.owners is None else len(frame.owners)
    if not isinstance(index, int) or not 0 <= index < count:
        return None
    owner = index if frame.owners is None else int(frame.owners[index])
    return to_selection(scene.source, layer, owner, resolution=shown)


def to_selection(source: FrameSource, layer: MapLayer, owner: int, *, resolution: int | None) -> dict[str, Any]:
    """Describe a place.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    layer : MapLayer
        Map layer that it is on.
    owner : int
        The cell, or the position of the feature in its table.
    resolution : int or None
        H3 resolution of the cell whose values hold for a feature; None for that of storage.

    Returns
    -------
    dict
        As `find` gives it.
    """
    grid = source.readings.grid
    if layer.kind == CELLS:
        cells = np.array([owner], dtype=np.uint64)
        lon, lat = grid.centres(cells)
        shape, feature, row = grid.boundaries(cells)[0], None, format(owner, "x")
    else:
        feature = owner
        table = source.readings.table(layer.id)
        row = str(table.index[feature])
        shape = shapely.force_2d(table.geometry.iloc[feature])
        middle = shapely.line_interpolate_point(shape, 0.5, normalized=True) if layer.kind == "lines" else None
        middle = middle or shapely.point_on_surface(shape)
        lon, lat = np.array([middle.x]), np.array([middle.y])
        cells = grid.index(lon, lat)
        if resolution is not None:
            cells = grid.parents(cells, resolution)
    height_m = 0.0
    if layer.kind == "buildings":
        height_m = float(
            heights_m_of(source.readings.table(layer.id).iloc[[feature]], source.city.layers[layer.id].show)[0]
        )
        shape = shape.buffer(_MARGIN_DEG)  # The mark stands a little off the walls: coincident faces flicker.
    return {
        "layer": layer.id,
        "row": row,
        "height_m": height_m,
        "feature": feature,
        "cell": format(int(cells[0]), "x"),
        "lon_deg": float(lon[0]),
        "lat_deg": float(lat[0]),
        "shape": shapely.geometry.mapping(shape),
    }


def find_row(source: FrameSource, layer_id: str, row: str, *, resolution: int | None) -> dict[str, Any] | None:
    """Find what a link or a table names.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    layer_id : str
        Map layer.
    row : str
        Source record, or the cell in hexadecimal.
    resolution : int or None
        As for `to_selection`.

    Returns
    -------
    dict or None
        As `find` gives it; None if the city has no such record or cell.
    """
    layer = next((layer for layer in source.layers if layer.id == layer_id), None)
    if layer is None:
        return None
    if layer.kind == CELLS:
        cell = int(row, 16)
        return to_selection(source, layer, cell, resolution=None) if _has_cell(source, cell) else None
    found = np.flatnonzero(source.readings.table(layer_id).index.astype(str) == row)
    return to_selection(source, layer, int(found[0]), resolution=resolution) if found.size else None


def _has_cell(source: FrameSource, cell: int) -> bool:
    """Say whether the city knows anything of a cell; any number may stand in a link."""
    resolution = cell >> 52 & 15
    if resolution > source.city.resolution:
        return False
    readings = source.readings
    return any(np.uint64(cell) in readings.values(name, resolution)["cell"].values for name in readings.cell_variables)


def to_courses(selection: Mapping[str, Any], source: FrameSource) -> list[Course]:
    """Give every variable at the selected place over time.

    Parameters
    ----------
    selection : Mapping
        What `find` gave.
    source : FrameSource
        Frames of the city.

    Returns
    -------
    list of Course
        The clicked layer's own variable first, then those of the cell, in the order of the layer panel.
    """
    cell = int(selection["cell"], 16)
    resolution = cell >> 52 & 15
    layer = source.layer(selection["layer"])
    courses = {}
    if layer.variable and selection["feature"] is not None:
        own = source.readings.on_features(layer.id, layer.variable)[selection["feature"]]
        courses[layer.variable] = Course(variable=layer.variable, values=own)
    for name in source.readings.cell_variables:
        array = source.readings.values(name, resolution)
        place = int(np.searchsorted(array["cell"].values, np.uint64(cell)))
        if name not in courses and place < array.sizes["cell"] and array["cell"].values[place] == cell:
            courses[name] = Course(variable=name, values=np.atleast_1d(array.values[place]).astype(float))
    return list(courses.values())


def to_content(state: ExplorerState, source: FrameSource, courses: list[Course], *, time: str) -> dict[str, Any]:
    """Describe the selection for the inspector.

    Parameters
    ----------
    state : ExplorerState
        Selection, step, language and the variable of the chart.
    source : FrameSource
        Frames of the city.
    courses : list of Course
        What `to_courses` gave.
    time : str
        Label of the step.

    Returns
    -------
    dict
        Plain JSON values; empty without a selection.
    """
    selection = state.selection
    if not selection:
        return {}
    words, language, variables = texts(state.language), state.language, source.city.variables
    layer = source.layer(selection["layer"])
    chosen = state.chart_variable
    resolution = words["resolution"].format(resolution=int(selection["cell"], 16) >> 52 & 15)
    where = f"{selection['lat_deg']:.5f}, {selection['lon_deg']:.5f}"
    course = next((course for course in courses if course.variable == chosen), None)
    variable = variables.get(chosen)
    return {
        "kind": words[_KINDS[layer.kind]],
        "title": _title(selection, source) or words[_KINDS[layer.kind]],
        "place": " · ".join([where, *([] if selection["feature"] is None else [selection["cell"]]), resolution]),
        "facts": _facts(selection, source, words),
        "now": words["now"].format(time=time),
        "values": [
            {
                "name": each.variable,
                "title": plain_title(title_of(variables[each.variable].title, language, each.variable)),
                "value": number(each.at(state.step)),
                "unit": unit_of(variables[each.variable].unit),
                "modelled": variables[each.variable].modelled,
            }
            for each in courses
        ],
        "chosen": chosen,
        "charted": course is not None and len(course.values) > 1,
        "constant": words["constant"] if course is not None and len(course.values) == 1 else "",
        "about": plain_title(title_of(variable.title, language, chosen)) if variable else "",
        "origin": [f"{variable.attribution or variable.owner} · {variable.licence}"] if variable else [],
        **_explained(state, source, words),
    }


def _title(selection: Mapping[str, Any], source: FrameSource) -> str:
    if selection["feature"] is None:
        return str(selection["cell"])
    table = source.readings.table(selection["layer"])
    return names_of(table.iloc[[selection["feature"]]])[0]


def _facts(selection: Mapping[str, Any], source: FrameSource, words: Mapping[str, str]) -> list[list[str]]:
    info = source.city.layers.get(selection["layer"])
    if info is None or selection["feature"] is None:
        return []
    row = source.readings.table(selection["layer"]).iloc[selection["feature"]]
    facts = [[words["record"], f"{info.name} #{row.name}"]]
    height = row.get(info.show.get("height"))
    if height is not None and height == height:  # noqa: PLR0124 - NaN: no height is known
        facts.append([words["height"], f"{number(float(height))} m"])
    return facts


def _explained(state: ExplorerState, source: FrameSource, words: Mapping[str, str]) -> dict[str, Any]:
    """Ask the twin where the chosen value comes from."""
    judging = state.view == "trust"
    columns = [words["layer"], words["record"], words["share"], words["value"]]
    columns += [words["off"]] if judging else []
    empty = {"columns": columns, "sources": [], "steps": [], "counted": "", "missing": words["no_sources"]}
    known = source.city.variables.get(state.chart_variable)
    if known is None or not state.selection:
        return empty
    try:
        found = source.city.explain(int(state.selection["cell"], 16), known.name, None if known.static else state.step)
    except TwinError:  # The twin's way of saying that nothing is known there.
        return empty | {"missing": words["no_value"]}
    first = found.sources.sort_values("share", ascending=False, kind="stable").head(_SHOWN_SOURCES[state.view])
    rows = [
        [str(row["layer"]), f"{row['file']} #{row['row']}", f"{100 * row['share']:.3g} %", number(float(row["value"]))]
        + ([number(float(row.get("sigma_m", float("nan"))))] if judging else [])
        for row in first.to_dict("records")
    ]
    steps = [said_in(step, state.language).to_json() for step in found.steps]
    counted = words["records"].format(count=number(len(found.sources)))
    if len(found.sources) > len(rows):
        counted += f" · {words['first_records'].format(count=len(rows))}"
    return {"columns": columns, "sources": rows, "steps": steps, "counted": counted, "missing": ""}
