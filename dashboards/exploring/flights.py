"""Where the camera goes to show something, and what is laid over the map."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from dashboards.deck import PALETTES, to_view

FOUND_ID = "found"
SHADOW_ID = "shadows"
FLIGHT_MS = 900

_ON_THE_GROUND = {"depthCompare": "always", "depthWriteEnabled": False}
_WIDER = 0.15
_FOUND_ALPHA = 235
_SHADE = {"light": [20, 28, 44, 120], "dark": [0, 0, 0, 170]}


def flight_to(
    bounds: tuple[float, float, float, float], camera: Mapping[str, float], *, narrow: bool
) -> dict[str, Any]:
    """Give the camera that shows a box, seen from where the visitor looks.

    Parameters
    ----------
    bounds : tuple of float
        min_lon, min_lat, max_lon, max_lat in degrees.
    camera : Mapping
        The visitor's, whose pitch and bearing stay.
    narrow : bool
        Whether the window has no room for panels beside the map.

    Returns
    -------
    dict
        A deck.gl view state that is flown to.

    Examples
    --------
    >>> flown = flight_to((7.42, 43.73, 7.42, 43.73), {"pitch": 0.0, "bearing": 0.0}, narrow=True)
    >>> flown["longitude"], flown["latitude"], flown["zoom"] > 15
    (7.42, 43.73, True)
    """
    west, south, east, north = bounds
    x, y = (east - west) * _WIDER, (north - south) * _WIDER
    view = to_view((west - x, south - y, east + x, north + y), narrow=narrow)
    seen = {key: float(camera[key]) for key in ("pitch", "bearing") if key in camera}
    return {**view, **seen, "transitionDuration": FLIGHT_MS}


def found_layer(question: Mapping[str, Any], *, address: str, theme: str, stands: bool) -> dict[str, Any]:
    """Describe the map layer that shows what a question means.

    Parameters
    ----------
    question : Mapping
        As the browser asked it.
    address : str
        Root of the routes.
    theme : str
        Which palette.
    stands : bool
        Whether features stand up by their height.

    Returns
    -------
    dict
        A deck.gl layer in JSON.
    """
    mark = PALETTES[theme].mark
    text = quote(json.dumps(question, separators=(",", ":"), sort_keys=True), safe="")
    layer: dict[str, Any] = {
        "@@type": "GeoJsonLayer",
        "id": FOUND_ID,
        "data": f"{address}/found.geojson?q={text}",
        "stroked": not stands,
        "filled": True,
        "extruded": stands,
        "getFillColor": [*mark[:3], _FOUND_ALPHA if stands else 110],
        "getLineColor": mark,
        "getLineWidth": 3,
        "lineWidthUnits": "pixels",
        "getPointRadius": 7,
        "pointRadiusUnits": "pixels",
        "pickable": False,
        "updateTriggers": {"getFillColor": theme, "getLineColor": theme},
    }
    # A little above the roofs of the layer below, which else flicker through.
    return {**layer, "getElevation": "@@=properties.h + 0.6"} if stands else {**layer, "parameters": _ON_THE_GROUND}


def shadow_layer(asked: str, *, address: str, theme: str) -> dict[str, Any]:
    """Describe the map layer of shadows.

    Parameters
    ----------
    asked : str
        Query of the route of shadows: time and place.
    address : str
        Root of the routes.
    theme : str
        Which palette.

    Returns
    -------
    dict
        A deck.gl layer in JSON.
    """
    return {
        "@@type": "GeoJsonLayer",
        "id": SHADOW_ID,
        "data": f"{address}/shadows.geojson?{asked}",
        "stroked": False,
        "filled": True,
        "getFillColor": _SHADE[theme],
        "pickable": False,
        "parameters": _ON_THE_GROUND,
        "updateTriggers": {"getFillColor": theme},
    }
