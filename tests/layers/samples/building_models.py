"""Building models in IFC, written with ifcopenshell: the five blocks as products of one building, in millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ifcopenshell
import ifcopenshell.guid
import numpy as np

from tests.layers.samples.city_blocks import BLOCKS, Block

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import shapely

__all__ = ["ORIGIN", "write_ifc"]

#: Where the origin of the project lies on the map, and how it is turned there, degrees anti-clockwise.
ORIGIN = (678_000.0, 5_403_000.0, 400.0)
_TURN_DEG = 30.0
_MILLIMETRES = 1000.0


def _local(points: np.ndarray) -> np.ndarray:
    """Take points of the map to the axes of the project, millimetres."""
    turn = np.radians(_TURN_DEG)
    east, north = (points[:, :2] - ORIGIN[:2]).T
    return (
        np.column_stack([np.cos(turn) * east + np.sin(turn) * north, np.cos(turn) * north - np.sin(turn) * east]) * 1e3
    )


def _curve(model: Any, ring: shapely.LinearRing) -> Any:
    points = [model.create_entity("IfcCartesianPoint", point) for point in _local(np.array(ring.coords)[:-1]).tolist()]
    return model.create_entity("IfcPolyline", [*points, points[0]])


def _axes(model: Any, height: float = 0.0) -> Any:
    return model.create_entity("IfcAxis2Placement3D", model.create_entity("IfcCartesianPoint", (0.0, 0.0, height)))


def _solid(model: Any, block: Block) -> Any:
    outer = _curve(model, block.base.exterior)
    holes = [_curve(model, ring) for ring in block.base.interiors]
    kind = "IfcArbitraryProfileDefWithVoids" if holes else "IfcArbitraryClosedProfileDef"
    profile = model.create_entity(kind, "AREA", None, outer, *([holes] if holes else []))
    up = model.create_entity("IfcDirection", (0.0, 0.0, 1.0))
    high = (block.high - block.low) * _MILLIMETRES
    return model.create_entity("IfcExtrudedAreaSolid", profile, _axes(model), up, high)


def _placed(model: Any, kind: str, **values: Any) -> Any:
    return model.create_entity(kind, GlobalId=ifcopenshell.guid.new(), **values)


def write_ifc(schema: str, *, place: str = "conversion") -> Callable[[Path], None]:
    """Write the blocks in a schema; ``place`` is "conversion", "site" or "nowhere"."""

    def write(path: Path) -> None:
        model = ifcopenshell.file(schema=schema)
        length = model.create_entity("IfcSIUnit", None, "LENGTHUNIT", "MILLI", "METRE")
        angle = model.create_entity("IfcSIUnit", None, "PLANEANGLEUNIT", None, "RADIAN")
        context = model.create_entity("IfcGeometricRepresentationContext", None, "Model", 3, 1e-5, _axes(model))
        units = model.create_entity("IfcUnitAssignment", [length, angle])
        project = _placed(model, "IfcProject", Name="p", RepresentationContexts=[context], UnitsInContext=units)
        site = _placed(model, "IfcSite", Name="s", CompositionType="ELEMENT")
        building = _placed(model, "IfcBuilding", Name="town hall", CompositionType="ELEMENT")
        storey = _placed(model, "IfcBuildingStorey", Name="ground floor", Elevation=0.0, CompositionType="ELEMENT")
        for whole, part in ((project, site), (site, building), (building, storey)):
            _placed(model, "IfcRelAggregates", RelatingObject=whole, RelatedObjects=[part])
        products = [_product(model, context, block) for block in BLOCKS]
        _placed(model, "IfcRelContainedInSpatialStructure", RelatedElements=products, RelatingStructure=storey)
        _set(model, products[0], "Pset_WallCommon", FireRating="F90")
        if place == "site":
            site.RefLatitude, site.RefLongitude = (48, 45, 36), (11, 25, 12)
        elif place == "conversion":
            _convert(model, context, site, schema)
        model.write(str(path))

    return write


def _set(model: Any, product: Any, group: str, **values: str | float) -> None:
    kinds = {str: "IfcLabel", float: "IfcReal"}
    held = [
        model.create_entity("IfcPropertySingleValue", name, None, model.create_entity(kinds[type(value)], value))
        for name, value in values.items()
    ]
    group_of = _placed(model, "IfcPropertySet", Name=group, HasProperties=held)
    _placed(model, "IfcRelDefinesByProperties", RelatedObjects=[product], RelatingPropertyDefinition=group_of)


def _product(model: Any, context: Any, block: Block) -> Any:
    shape = model.create_entity("IfcShapeRepresentation", context, "Body", "SweptSolid", [_solid(model, block)])
    low = _axes(model, (block.low - ORIGIN[2]) * _MILLIMETRES)
    placement = model.create_entity("IfcLocalPlacement", None, low)
    whole = model.create_entity("IfcProductDefinitionShape", None, None, [shape])
    kind = "IfcBuildingElementProxy" if block.name == "b4" else "IfcWall"
    return _placed(model, kind, Name=block.name, ObjectPlacement=placement, Representation=whole)


def _convert(model: Any, context: Any, site: Any, schema: str) -> None:
    east, north, height = ORIGIN
    turned = (float(np.cos(np.radians(_TURN_DEG))), float(np.sin(np.radians(_TURN_DEG))))
    if schema == "IFC2X3":
        numbers = {"Eastings": east, "Northings": north, "OrthogonalHeight": height, "Scale": 0.001}
        _set(model, site, "ePSet_MapConversion", **numbers, XAxisAbscissa=turned[0], XAxisOrdinate=turned[1])
        _set(model, site, "ePSet_ProjectedCRS", Name="EPSG:25832", VerticalDatum="EPSG:7837", MapUnit="metre")
        return
    metre = model.create_entity("IfcSIUnit", None, "LENGTHUNIT", None, "METRE")
    frame = model.create_entity("IfcProjectedCRS", Name="EPSG:25832", VerticalDatum="EPSG:7837", MapUnit=metre)
    model.create_entity("IfcMapConversion", context, frame, east, north, height, *turned, 0.001)
