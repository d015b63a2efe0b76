"""A style as QGIS keeps it (QML): the same classes and colours as the SLD beside it."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

__all__ = ["qml_style"]

_VERSION = "3.28.0"
#: By dimension: QGIS's word for the geometry, its kind of symbol, its class of symbol layer, and what is coloured.
_SYMBOLS = {
    0: ("0", "marker", "SimpleMarker", "color"),
    1: ("1", "line", "SimpleLine", "line_color"),
    2: ("2", "fill", "SimpleFill", "color"),
}


def qml_style(dimension: int, colours: tuple[str, ...], *, column: str | None, edges: tuple[float, ...]) -> str:
    """Write a style for QGIS.

    Parameters
    ----------
    dimension : int
        0 for points, 1 for lines, 2 for polygons.
    colours : tuple of str
        ``#rrggbb``, one a class.
    column : str or None
        Column that colours; None for one colour.
    edges : tuple of float
        Ends of the classes, ascending, one more than colours; empty without a column.

    Returns
    -------
    str
        A document of type ``qgis``.

    Examples
    --------
    >>> 'type="singleSymbol"' in qml_style(1, ("#011959",), column=None, edges=())
    True
    """
    geometry, kind, simple, coloured = _SYMBOLS[dimension]
    root = ET.Element("qgis", version=_VERSION, styleCategories="Symbology")
    if column is None:
        renderer = ET.SubElement(root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0")
    else:
        renderer = ET.SubElement(
            root, "renderer-v2", type="graduatedSymbol", attr=f'"{column}"', graduatedMethod="GraduatedColor"
        )
        ranges = ET.SubElement(renderer, "ranges")
        for number, (low, high) in enumerate(pairwise(edges)):
            ET.SubElement(
                ranges,
                "range",
                lower=repr(low),
                upper=repr(high),
                label=f"{low:.4g} to {high:.4g}",
                symbol=str(number),
                render="true",
            )
    symbols = ET.SubElement(renderer, "symbols")
    for number, colour in enumerate(colours):
        symbol = ET.SubElement(symbols, "symbol", type=kind, name=str(number), alpha="1", clip_to_extent="1")
        layer = ET.SubElement(symbol, "layer", {"class": simple, "enabled": "1", "locked": "0", "pass": "0"})
        options = ET.SubElement(layer, "Option", type="Map")
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        ET.SubElement(options, "Option", type="QString", name=coloured, value=f"{red},{green},{blue},255")
        if dimension == 2:
            ET.SubElement(options, "Option", type="QString", name="outline_style", value="no")
    ET.SubElement(root, "layerGeometryType").text = geometry
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode")
