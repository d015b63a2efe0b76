"""A CityGML building the plain way: the whole document in memory, every polygon of a level, every number."""

from lxml import etree

GML = "{http://www.opengis.net/gml}"


def polygons(path, level):
    """Return (exterior, interiors) of each polygon under a property of that level, points as tuples."""
    found = []
    for polygon in etree.parse(path).iter(f"{GML}Polygon"):
        if not any(f"lod{level}" in str(outer.tag) for outer in polygon.iterancestors()):
            continue
        rings = {"exterior": [], "interior": []}
        for kind, lists in rings.items():
            for text in polygon.xpath(f"*[local-name()='{kind}']//*[local-name()='posList']/text()"):
                numbers = [float(number) for number in text.split()]
                lists.append([tuple(numbers[i : i + 3]) for i in range(0, len(numbers), 3)])
        found.append((rings["exterior"][0], rings["interior"]))
    return found
