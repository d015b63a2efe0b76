"""The rows of the layer panel: what is drawn, in which colours and units, how much of it, and whose it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dashboards.clock import to_period
from dashboards.deck import PALETTES, faded
from dashboards.frame import CELLS, Frame, MapLayer
from dashboards.frames import FrameSource
from dashboards.i18n import number, plain_title, texts, title_of, unit_of
from dashboards.scales import RAMPS, Scale, recoloured
from dashboards.state import ExplorerState
from twin.tiles.breaks import is_congestion
from twin.tiles.doubt import EDGES

if TYPE_CHECKING:
    from twin.catalogue import LayerInfo, Variable

_DASH = "\N{EN DASH}"
_PANEL_ORDER = ("buildings", "lines", CELLS, "points", "areas")
GROUND = "ground"  # All areas together are one row of the layer panel: the base map.


def to_rows(state: ExplorerState, source: FrameSource, frames: Mapping[str, Frame]) -> list[dict[str, Any]]:
    """Describe every map layer for the layer panel.

    Parameters
    ----------
    state : ExplorerState
        Language, theme and the variable that colours the cells.
    source : FrameSource
        Frames of the city.
    frames : Mapping of Frame
        What is drawn now, by map layer id.

    Returns
    -------
    list of dict
        What a visitor came for first, single sites and the base map last, unless he moved them; plain JSON values.
    """
    rows: list[dict[str, Any]] = []
    ground: list[dict[str, Any]] = []
    for layer in sorted(source.layers, key=lambda layer: _PANEL_ORDER.index(layer.kind)):
        if layer.id in frames:
            row = _row(layer, dressed(layer, frames[layer.id], state), state, source)
            (ground if layer.is_ground else rows).append(row)
    if ground:
        origin = list(dict.fromkeys(line for row in ground for line in row["origin"]))
        title = texts(state.language)["base_map"]
        rows.append({**ground[0], "id": GROUND, "title": title, "note": "", "origin": origin, "doubt": {}})
    return sorted(rows, key=lambda row: rank_of(row["id"], state))


def rank_of(row_id: str, state: ExplorerState) -> int:
    """Say how far from the top of the layer panel, and so of the map, a visitor put a row.

    Parameters
    ----------
    row_id : str
        Row of the layer panel.
    state : ExplorerState
        Its ``order``.

    Returns
    -------
    int
        Rows that nobody moved come behind those that somebody did.
    """
    return state.order.index(row_id) if row_id in state.order else len(state.order)


def setting_of(layer: MapLayer) -> str:
    """Give the row of the layer panel that governs a map layer.

    Parameters
    ----------
    layer : MapLayer
        A map layer.

    Returns
    -------
    str
        Its own id, or that of the base map.
    """
    return GROUND if layer.is_ground else layer.id


def first_settings(source: FrameSource) -> dict[str, dict[str, Any]]:
    """Choose what is visible at first: the city, its streets and its air; single sites wait to be asked for.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.

    Returns
    -------
    dict
        ``visible`` and ``opacity`` by row id.
    """
    opacity = {"buildings": 0.95, "lines": 0.95, CELLS: 0.36, "points": 1.0, "areas": 1.0}
    has_city = any(layer.kind in {"buildings", "lines"} for layer in source.layers)
    told = {layer.variable for layer in source.layers if layer.kind in {"points", "areas"}} - {None}
    # Without a city around them sites are what one came for; and what they tell need not be told twice.
    hidden = {"points": has_city, CELLS: bool(told) and not has_city}
    return {
        setting_of(layer): {"visible": not hidden.get(layer.kind, False), "opacity": opacity[layer.kind]}
        for layer in source.layers
    }


def to_choices(source: FrameSource, language: str) -> list[dict[str, str]]:
    """List the variables that cells can show.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    language : str
        Language of the titles.

    Returns
    -------
    list of dict
        ``value`` and ``label`` of each variable.
    """
    variables = source.city.variables
    return [
        {"value": name, "label": plain_title(title_of(variables[name].title, language, name))}
        for name in source.readings.cell_variables
    ]


def to_palettes(language: str) -> list[dict[str, str]]:
    """List the ramps that a visitor may choose.

    Parameters
    ----------
    language : str
        Language of the names.

    Returns
    -------
    list of dict
        ``value`` and ``label`` of each; the first leaves the colours as they are.
    """
    words = texts(language)
    named = [{"value": ramp, "label": words[f"palette_{ramp}"]} for ramp in RAMPS]
    return [{"value": "", "label": words["palette_own"]}, *named]


def dressed(layer: MapLayer, frame: Frame, state: ExplorerState) -> Frame:
    """Give a frame the colours that a visitor chose.

    Parameters
    ----------
    layer : MapLayer
        What is drawn.
    frame : Frame
        Its frame.
    state : ExplorerState
        Its ``palettes``.

    Returns
    -------
    Frame
        The same data.
    """
    ramp = state.palettes.get(setting_of(layer), "")
    return replace(frame, scale=recoloured(frame.scale, ramp)) if frame.scale and ramp else frame


def to_credits(source: FrameSource) -> list[str]:
    """List who the data are from, each once, with the licence.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.

    Returns
    -------
    list of str
        One line an attribution.
    """
    infos = [info for info in source.city.layers.values() if info.attribution or info.owner]
    lines = [f"{info.attribution or info.owner} ({info.licence})" for info in infos]
    return list(dict.fromkeys(lines))


def _row(layer: MapLayer, frame: Frame, state: ExplorerState, source: FrameSource) -> dict[str, Any]:
    words = texts(state.language)
    shown = state.cell_variable if layer.kind == CELLS else layer.variable
    variable = source.city.variables[shown] if shown else None
    info = source.city.layers.get(layer.id)
    named = plain_title(title_of(info.title, state.language, layer.id)) if info else words["cells"]
    origins = [entry for entry in (info, variable) if entry is not None]
    told_by = info or (source.city.layers.get(variable.layer) if variable else None)
    return {
        "id": layer.id,
        "kind": layer.kind,
        "domain": told_by.domain if told_by else "unspecified",
        "moves": bool(variable and not variable.static),
        "title": named,
        "modelled": any(entry.modelled for entry in origins),
        "note": _note(frame, source, words),
        "legend": _legend(layer, frame.scale, variable, state),
        "palettes": to_palettes(state.language) if frame.scale else [],
        "doubt": _doubt(layer, frame, state),
        "origin": _origin(origins, variable, source.city.clock.zone, words),
    }


def _note(frame: Frame, source: FrameSource, words: Mapping[str, str]) -> str:
    if frame.resolution is not None:
        finest = source.city.resolution
        level = words["showing_resolution"].format(shown=frame.resolution, total=finest)
        parts = [level] if frame.resolution < finest else []
        return " · ".join([*parts, words["on_land"]] if frame.on_land else parts)
    parts = []
    if frame.shown < frame.total:
        counts = words["showing_features"].format(shown=number(frame.shown), total=number(frame.total))
        parts = [counts, words["zoom_in"]]
    roofed = frame.tiles is not None and frame.tiles.roofs >= 0
    return " · ".join([*parts, words["roofs_near"]] if roofed else parts)


def _legend(layer: MapLayer, scale: Scale | None, variable: "Variable | None", state: ExplorerState) -> dict[str, Any]:
    words, palette = texts(state.language), PALETTES[state.theme]
    if layer.is_ground:
        named = zip((words["land"], words["green"], words["water"]), palette.ground, strict=True)
        return {"kind": "plain", "items": [{"label": label, "colour": _css(colour)} for label, colour in named]}
    if scale is None or variable is None:
        plain = {"points": palette.point, "areas": palette.point, "lines": palette.unknown}.get(
            layer.kind, palette.building
        )
        label = words["buildings_plain"] if layer.kind == "buildings" else ""
        return {"kind": "plain", "items": [{"label": label, "colour": _css(plain)}]}
    title = plain_title(title_of(variable.title, state.language, variable.name))
    if scale.kind == "classes":
        title = words["legend_speed"] if is_congestion(variable) else title
        items = _classes(scale, words)
        items.append({"label": words["no_data"], "colour": _css(palette.unknown), "range": ""})
        return {"kind": "classes", "title": title, "unit": unit_of(variable.unit), "items": items}
    return {
        "kind": "ramp",
        "title": title,
        "unit": unit_of(variable.unit),
        "colours": [_css(colour) for colour in scale.colours(state.theme)],
        "ticks": [number(scale.low), number((scale.low + scale.high) / 2), number(scale.high)],
    }


def _doubt(layer: MapLayer, frame: Frame, state: ExplorerState) -> dict[str, Any]:
    """Say what fades, and how much of it by how uncertain it is; empty where nothing fades."""
    words, palette = texts(state.language), PALETTES[state.theme]
    if frame.doubt not in EDGES:
        return {"title": words["doubt_unstated"], "items": []} if frame.doubt else {}
    limits = EDGES[frame.doubt]
    unit, factor = ("m", 1) if frame.doubt == "metres" else ("%", 100)
    told = [f"{limit * factor:g}" for limit in limits]
    between = [f"{low}{_DASH}{high} {unit}" for low, high in pairwise(told)]
    labels = [f"< {told[0]} {unit}", *between, f"≥ {told[-1]} {unit}{words['or_unstated']}"]
    plain = {"points": palette.point, "areas": palette.point}.get(layer.kind, palette.building)
    colour = [*frame.scale.colours(state.theme)[-1], 255] if frame.scale else plain
    items = [
        {"label": label, "colour": f"rgb({red} {green} {blue} / {alpha / 255:.2f})"}
        for label, (red, green, blue, alpha) in zip(labels, faded(colour), strict=True)
    ]
    return {"title": words[f"doubt_{frame.doubt}"], "items": items}


def _classes(scale: Scale, words: Mapping[str, str]) -> list[dict[str, str]]:
    between = [f"{low:g}{_DASH}{high:g}" for low, high in pairwise(scale.edges)]
    limits = [f"< {scale.edges[0]:g}", *between, f"≥ {scale.edges[-1]:g}"]
    items = [
        {"label": words[label], "colour": _css(colour), "range": limit}
        for label, colour, limit in zip(scale.labels, scale.palette, limits, strict=True)
    ]
    return items[::-1]


def _origin(
    origins: Sequence["LayerInfo | Variable"], variable: "Variable | None", zone: str, words: Mapping[str, str]
) -> list[str]:
    lines = []
    for entry in (entry for entry in origins if entry.attribution or entry.owner):
        kind = words["modelled"] if entry.modelled else words["measured"]
        level = "" if entry.level == "public" else f" · {words['level_' + entry.level]}"
        lines.append(f"{entry.attribution or entry.owner} · {entry.licence} · {kind}{level}")
    period = to_period(variable.period, zone, until=_DASH) if variable is not None else ""
    if period:
        lines.append(f"{words['period']}: {period}")
    return list(dict.fromkeys(lines))


def _css(colour: list[int] | tuple[int, int, int]) -> str:
    return f"rgb({colour[0]} {colour[1]} {colour[2]})"
