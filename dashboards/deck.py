"""Frames to a deck.gl specification: pure functions, so that what the map draws is tested without a browser.

Geometry comes to the browser once, by address; a specification names it and is a few kilobytes. A step of time only
changes the index that the colour accessors read, so neither the camera nor a building moves when the clock does.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pydeck

from dashboards.errors import FrameNotFoundError
from dashboards.frame import Frame, MapLayer
from dashboards.windows import METRES_PER_DEGREE, METRES_PER_PIXEL_ZOOM_0
from twin import View
from twin.tiles.budget import CHUNK, TILE_PX
from twin.tiles.doubt import CLASSES, EDGES

FEED_ROOT = "feed"
PITCH_DEG, BEARING_DEG = 50.0, -18.0
NEAREST_FIRST_ZOOM = 13.4  # Farther away a building is a dot: a large city opens on its densest part.
SELECTION_ID = "selection"

_CELL_HEIGHT_EDGES = 2.5  # The highest column, in edges of its cell: visible between buildings, not above the city.
_ON_THE_GROUND = {"depthCompare": "always", "depthWriteEnabled": False}  # Painted in order: coplanar sheets flicker.
_LOWEST_ALPHA = 20  # Of 255: what is low lets the base map through.
_MARK_ABOVE_M = 0.8
_FREE_PX, _NARROW_PX = (980, 600), (720, 520)  # Width and height that no panel covers, in an ordinary window.
_ASIDE_PX = (140.0, 30.0)
_NARROW_LESS_ZOOM = 0.9
_LONGEST_CLICK_MS = 60_000
_HIGHEST_M = 150.0  # A tile below the screen whose buildings are as high may still be seen.
_MOST_REQUESTS, _MOST_TILES = 6, 80  # Asked for at once, and kept of each layer: the browser keeps the others itself.
_LEFT = (1.0, 0.6, 0.3, 0.1)  # Of the alpha, by class of uncertainty.
_RGBA = list[int]
_RING: _RGBA = [255, 255, 255, 255]


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours of what carries no data, per theme.

    Parameters
    ----------
    ground : tuple of RGBA
        Land, green, water.
    building, highlight, unknown, point, mark : RGBA
        Plain buildings, what is under the pointer, a street without data, a site, what was clicked.
    """

    ground: tuple[_RGBA, _RGBA, _RGBA]
    building: _RGBA
    highlight: _RGBA
    unknown: _RGBA
    point: _RGBA
    mark: _RGBA


PALETTES: Mapping[str, Palette] = {
    "light": Palette(
        ground=([246, 244, 239, 255], [214, 230, 205, 255], [190, 215, 230, 255]),
        building=[232, 229, 223, 255],
        highlight=[255, 176, 46, 160],
        unknown=[104, 114, 128, 190],
        point=[38, 70, 110, 230],
        mark=[31, 111, 235, 255],
    ),
    "dark": Palette(
        ground=([27, 34, 44, 255], [28, 47, 43, 255], [15, 27, 41, 255]),
        building=[92, 104, 122, 255],
        highlight=[255, 190, 80, 150],
        unknown=[146, 160, 178, 150],
        point=[150, 200, 255, 230],
        mark=[108, 176, 255, 255],
    ),
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one map layer is to look now.

    Parameters
    ----------
    theme : {"light", "dark"}
        Which palette.
    step : int
        Index of the time step.
    visible : bool
        Whether it is drawn.
    opacity : float
        0 to 1.
    column_edge_m : float
        Edge of a cell in metres if cells stand as columns, 0 if they lie flat.
    address : str
        Where the feed of this twin's frames is.
    palette : str
        Name of the colours; what is drawn already takes others only if this changes.
    """

    theme: str
    step: int
    visible: bool = True
    opacity: float = 1.0
    column_edge_m: float = 0.0
    address: str = FEED_ROOT
    palette: str = ""


def to_layer(layer: MapLayer, frame: Frame, look: Look) -> dict[str, Any]:
    """Describe one map layer.

    Parameters
    ----------
    layer : MapLayer
        What is drawn.
    frame : Frame
        Its rows; only their address goes into the description.
    look : Look
        How it is drawn.

    Returns
    -------
    dict
        A deck.gl layer in JSON.
    """
    make = {"areas": _areas, "lines": _lines, "points": _points, "buildings": _buildings}.get(layer.kind, _cells)
    common = {
        "id": layer.id,
        "data": frame.tiles.path if frame.tiles else f"{look.address}/{frame.key}.json",
        "visible": look.visible,
        "opacity": look.opacity,
    }
    description: dict[str, Any] = json.loads(pydeck.Layer(**common, **make(frame, look)).to_json())
    return description


def to_selection(selection: Mapping[str, Any] | None, theme: str) -> dict[str, Any]:
    """Mark what was clicked.

    Parameters
    ----------
    selection : Mapping or None
        ``shape``, a GeoJSON geometry in degrees, and its ``height_m``; None if nothing is selected.
    theme : str
        Which palette.

    Returns
    -------
    dict
        A deck.gl layer in JSON: a block around a building, an outline around what lies on the ground.
    """
    height_m = selection["height_m"] if selection else 0.0
    features = [{"type": "Feature", "properties": {}, "geometry": selection["shape"]}] if selection else []
    return {
        "@@type": "GeoJsonLayer",
        "id": SELECTION_ID,
        # A mapping: the pane would turn a list of records into a column source, and ragged ones into a blank page.
        "data": {"type": "FeatureCollection", "features": features},
        "stroked": True,
        "filled": True,
        "extruded": height_m > 0,
        "getElevation": height_m + _MARK_ABOVE_M,
        "getFillColor": [*PALETTES[theme].mark[:3], 255 if height_m > 0 else 60],
        "getLineColor": PALETTES[theme].mark,
        "getLineWidth": 3,
        "lineWidthUnits": "pixels",
        "getPointRadius": 8,
        "pointRadiusUnits": "pixels",
        "pickable": False,
        "updateTriggers": {"getLineColor": theme, "getFillColor": [theme, height_m], "getElevation": height_m},
        **({} if height_m > 0 else {"parameters": _ON_THE_GROUND}),
    }


def to_specification(layers: Sequence[Mapping[str, Any]], view: Mapping[str, Any]) -> dict[str, Any]:
    """Put layers and the first camera together.

    Parameters
    ----------
    layers : sequence of Mapping
        From the ground up.
    view : Mapping
        First camera. The browser moves its camera only when this changes, so it must stay what it was.

    Returns
    -------
    dict
        What the pane takes.
    """
    return {
        "initialViewState": dict(view),
        "views": [{"@@type": "MapView", "id": "map", "controller": {"inertia": 250, "touchRotate": True}}],
        # Where drawing is done in software, finding what is under the pointer takes longer than a tap may last.
        "eventRecognizerOptions": {"click": {"time": _LONGEST_CLICK_MS}},
        # Said, not left out: without the key the pane's default style asks an external host.
        "mapStyle": None,
        "layers": [dict(layer) for layer in layers],
    }


def to_view(
    area: tuple[float, float, float, float], *, stated: View | None = None, narrow: bool = False
) -> dict[str, Any]:
    """Give the first camera: the whole area, seen from the air at a slant, or what the city states.

    Parameters
    ----------
    area : tuple of float
        min_lon, min_lat, max_lon, max_lat in degrees.
    stated : View, optional
        What city.yaml says of the first view; the area does not matter if it names a centre.
    narrow : bool, optional
        Whether the window is too narrow for panels beside the map.

    Returns
    -------
    dict
        A deck.gl view state.
    """
    west, south, east, north = area
    lat_deg = (south + north) / 2
    size_px, aside_px = (_NARROW_PX, (0.0, 0.0)) if narrow else (_FREE_PX, _ASIDE_PX)
    width_m = max((east - west) * METRES_PER_DEGREE * math.cos(math.radians(lat_deg)), 200.0)
    depth_m = max((north - south) * METRES_PER_DEGREE, 200.0)
    # A slanted view shows more depth than width in the same number of pixels.
    metres_per_pixel = max(width_m / size_px[0], depth_m * math.cos(math.radians(PITCH_DEG)) / size_px[1])
    zoom = math.log2(METRES_PER_PIXEL_ZOOM_0 * math.cos(math.radians(lat_deg)) / metres_per_pixel)
    zoom = round(min(max(zoom, NEAREST_FIRST_ZOOM), 17.0), 2)
    lon_deg, pitch_deg, bearing_deg = (west + east) / 2, PITCH_DEG, BEARING_DEG
    if stated is not None and stated.centre is not None and stated.zoom is not None:
        lon_deg, lat_deg = stated.centre
        zoom = stated.zoom - (_NARROW_LESS_ZOOM if narrow else 0.0)
        pitch_deg = PITCH_DEG if stated.pitch is None else stated.pitch
        bearing_deg = BEARING_DEG if stated.bearing is None else stated.bearing
    # The middle of what is free of panels, not of the window: beside the layers and above the clock.
    step_m = METRES_PER_PIXEL_ZOOM_0 * math.cos(math.radians(lat_deg)) / 2**zoom
    bearing = math.radians(bearing_deg)
    right_m, up_m = -aside_px[0] * step_m, -aside_px[1] * step_m / math.cos(math.radians(pitch_deg))
    moved_east_m = right_m * math.cos(bearing) + up_m * math.sin(bearing)
    moved_north_m = -right_m * math.sin(bearing) + up_m * math.cos(bearing)
    return {
        "longitude": lon_deg + moved_east_m / METRES_PER_DEGREE / math.cos(math.radians(lat_deg)),
        "latitude": lat_deg + moved_north_m / METRES_PER_DEGREE,
        "zoom": zoom,
        "pitch": pitch_deg,
        "bearing": bearing_deg,
        "minZoom": min(9.0, zoom),
        "maxZoom": 20,
    }


def _areas(frame: Frame, look: Look) -> dict[str, Any]:
    palette = PALETTES[look.theme]
    plain = palette.unknown if frame.scale else palette.point
    colours = list(palette.ground) if frame.is_ground else _palette(frame, look, plain)
    drawn = {
        "type": "PolygonLayer",
        "get_polygon": "p",
        "get_fill_color": _function("classed", palette=colours, key="k") if len(colours) > 1 else palette.point,
        "stroked": False,
        "parameters": _ON_THE_GROUND,
        "update_triggers": {"getFillColor": [look.theme, look.palette]},
    }
    if frame.is_ground:
        return drawn
    edges = {"get_line_color": palette.ground[0], "get_line_width": 1, "line_width_units": "'pixels'"}
    return (
        drawn
        | edges
        | {"stroked": True, "pickable": True, "auto_highlight": True, "highlight_color": palette.highlight}
    )


def _lines(frame: Frame, look: Look) -> dict[str, Any]:
    return {
        **_tiled("lines", frame, look, plain=PALETTES[look.theme].unknown),
        "width_units": "'meters'",
        "width_scale": 5.0,
        "width_min_pixels": frame.least_px,
        "width_max_pixels": 14,
        "cap_rounded": True,
        "joint_rounded": True,
        "parameters": _ON_THE_GROUND,
    }


def _points(frame: Frame, look: Look) -> dict[str, Any]:
    palette = PALETTES[look.theme]
    drawn = _tiled("points", frame, look, plain=palette.unknown if frame.scale else palette.point)
    fades = frame.doubt in EDGES
    rings = [_RING, *faded(_RING) * (len(drawn["palette"]) // CLASSES)] if fades else [_RING] * len(drawn["palette"])
    return {
        **drawn,
        "rings": rings,
        "get_radius": 6,
        "radius_units": "'pixels'",
        "stroked": True,
        "get_line_width": 2,
        "line_width_units": "'pixels'",
        "billboard": True,
        "parameters": _ON_THE_GROUND,
    }


def _buildings(frame: Frame, look: Look) -> dict[str, Any]:
    return {
        **_tiled("buildings", frame, look, plain=PALETTES[look.theme].building),
        "extruded": True,
        "material": {"ambient": 0.42, "diffuse": 0.62, "shininess": 24, "specularColor": [40, 42, 46]},
        "z_range": [0, _HIGHEST_M],
        "roofs": frame.tiles.roofs if frame.tiles else -1,
    }


def _cells(frame: Frame, look: Look) -> dict[str, Any]:
    columns = look.column_edge_m > 0
    drawn = _tiled("cells", frame, look, plain=[0, 0, 0, 0]) | {"extruded": columns}
    if not columns:
        return drawn | {"parameters": _ON_THE_GROUND}
    levels = (len(frame.scale.palette) if frame.scale else 1) * (CLASSES if frame.doubt in EDGES else 1)
    unit_m = round(_CELL_HEIGHT_EDGES * look.column_edge_m / levels, 3)
    return drawn | {
        "unit": unit_m,
        "z_range": [0, unit_m * levels],
        "material": {"ambient": 0.6, "diffuse": 0.5, "shininess": 16, "specularColor": [30, 30, 30]},
    }


def _tiled(kind: str, frame: Frame, look: Look, *, plain: _RGBA) -> dict[str, Any]:
    """Describe what all that comes in tiles has in common; the browser's side of it is ``tiles.js``."""
    tiles = frame.tiles
    if tiles is None:
        raise FrameNotFoundError(f"{frame.key} has no tiles")
    step = min(look.step, max(frame.steps - 1, 0))
    return {
        "type": "CityTileLayer",
        "kind": f"'{kind}'",
        "name": f"'{tiles.name}'",
        "tile_size": TILE_PX,
        "min_zoom": tiles.zooms[0],
        "max_zoom": tiles.zooms[1],
        "extent": list(tiles.bounds),
        "max_requests": _MOST_REQUESTS,
        "max_cache_size": _MOST_TILES,
        # Flat and see-through tiles of two zooms on each other would show a colour that is in no legend.
        "refinement_strategy": "'best-available'" if kind == "buildings" else "'no-overlap'",
        "chunk": step // CHUNK if frame.scale or frame.doubt in EDGES else -1,
        "step": step % CHUNK,
        "palette": _palette(frame, look, plain),
        "look": f"'{look.theme} {look.palette}'",
        "pickable": True,
        "auto_highlight": True,
        "highlight_color": PALETTES[look.theme].highlight,
    }


def _palette(frame: Frame, look: Look, plain: _RGBA) -> list[_RGBA]:
    """Give the colours of the codes, no data first; where uncertainty shows, each colour once a class of it."""
    fades = frame.doubt in EDGES
    if frame.scale is None:
        return [plain, *faded(plain)] if fades else [plain]
    colours = frame.scale.colours(look.theme)
    lowest = _LOWEST_ALPHA if frame.scale.kind != "classes" and frame.resolution is not None else 255
    alphas = [round(lowest + (255 - lowest) * i / max(len(colours) - 1, 1)) for i in range(len(colours))]
    shown = [[*colour, alpha] for colour, alpha in zip(colours, alphas, strict=True)]
    return [plain, *(each for colour in shown for each in (faded(colour) if fades else [colour]))]


def faded(colour: _RGBA) -> list[_RGBA]:
    """Give a colour by class of uncertainty.

    Parameters
    ----------
    colour : RGBA
        As it is where all is sure.

    Returns
    -------
    list of RGBA
        The surest first, each with less of its alpha.
    """
    return [[*colour[:3], round(colour[3] * left)] for left in _LEFT]


def _function(name: str, **arguments: Any) -> pydeck.types.Function:  # noqa: ANN401 - JSON values
    return pydeck.types.Function(name, **arguments)
