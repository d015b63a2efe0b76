"""Where a building model says that it is: IfcMapConversion, IfcProjectedCRS, IfcSite, of any version of IFC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crs.engineering import Georeference, GeoreferenceError, MapConversion, ProjectedCrs, SiteReference
from crs.units import resolve_unit
from layers.errors import FileUnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["project_unit", "read_georeference"]

_PREFIXES = {"MILLI": "millimetre", "CENTI": "centimetre", None: "metre", "KILO": "kilometre"}
#: Property sets by which models of IFC 2x3 say the same.
_CONVERSION, _FRAME = "epset_mapconversion", "epset_projectedcrs"


def _unit_name(unit: Any) -> str | None:  # noqa: ANN401 - entities of a library without types
    """Name a unit of length."""
    if unit is None:
        return None
    if unit.is_a("IfcSIUnit"):
        return _PREFIXES.get(unit.Prefix)
    if unit.is_a("IfcConversionBasedUnit"):
        name = str(unit.Name).strip().lower().replace("_", " ").strip("'")
        plain = {"foot": "foot", "feet": "foot", "inch": "inch", "us survey foot": "us_survey_foot", "metre": "metre"}
        return plain.get(name, name)
    return None


def project_unit(model: Any, *, label: str) -> str:  # noqa: ANN401 - a library without types
    """Name the unit of length of a model.

    Parameters
    ----------
    model : ifcopenshell.file
        The model.
    label : str
        For messages.

    Returns
    -------
    str
        As `crs.units` knows it.

    Raises
    ------
    FileUnreadableError
        If the model states none, or one that is not known.
    """
    for assignment in model.by_type("IfcUnitAssignment"):
        for unit in assignment.Units:
            if getattr(unit, "UnitType", None) == "LENGTHUNIT":
                name = _unit_name(unit)
                if name is not None:
                    return resolve_unit(name)[0]
    raise FileUnreadableError(f"{label}: states no unit of length; export it with IfcUnitAssignment.")


def _property_sets(model: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - a library without types
    """Collect the property sets that stand for what IFC 2x3 has no entities for."""
    found: dict[str, dict[str, Any]] = {}
    for held in model.by_type("IfcPropertySet"):
        name = str(held.Name).lower()
        if name in {_CONVERSION, _FRAME}:
            values = {p.Name: p.NominalValue for p in held.HasProperties if p.is_a("IfcPropertySingleValue")}
            found[name] = {key: getattr(value, "wrappedValue", None) for key, value in values.items()}
    return found


def _conversion(told: Mapping[str, Any]) -> MapConversion:
    def number(name: str, otherwise: float) -> float:
        value = told.get(name)
        try:
            return otherwise if value is None else float(getattr(value, "wrappedValue", value))
        except (TypeError, ValueError):
            raise GeoreferenceError(
                f"{name} of the map conversion is {value}, no number: export the model anew"
            ) from None

    east = number("XAxisAbscissa", 1.0)
    north = number("XAxisOrdinate", 0.0)
    return MapConversion(
        eastings=number("Eastings", number("FirstCoordinate", 0.0)),
        northings=number("Northings", number("SecondCoordinate", 0.0)),
        orthogonal_height=number("OrthogonalHeight", number("Height", 0.0)),
        x_axis_abscissa=east,
        x_axis_ordinate=north,
        scale=number("Scale", 1.0),
        factor_x=number("FactorX", 1.0),
        factor_y=number("FactorY", 1.0),
        factor_z=number("FactorZ", 1.0),
    )


def _site(model: Any) -> SiteReference | None:  # noqa: ANN401 - a library without types
    for site in model.by_type("IfcSite"):
        if site.RefLatitude and site.RefLongitude:
            return SiteReference(
                ref_latitude=tuple(site.RefLatitude),
                ref_longitude=tuple(site.RefLongitude),
                ref_elevation=site.RefElevation,
            )
    return None


def read_georeference(
    model: Any,  # noqa: ANN401 - a library without types
    *,
    unit: str,
    extent: tuple[float, float, float, float] | None,
) -> Georeference:
    """Read everything that a model says about its place.

    Parameters
    ----------
    model : ifcopenshell.file
        The model.
    unit : str
        Its unit of length.
    extent : tuple of float or None
        Least x, least y, greatest x, greatest y of its coordinates, in that unit.

    Returns
    -------
    Georeference
        As written; nothing is judged yet.
    """
    conversion, projected = None, None
    held = [] if model.schema == "IFC2X3" else [*model.by_type("IfcCoordinateOperation")]
    for operation in held:
        conversion = _conversion(operation.get_info())
        frame = operation.TargetCRS
        if frame is not None and frame.is_a("IfcProjectedCRS"):
            names = (frame.Name, frame.VerticalDatum, _unit_name(frame.MapUnit))
            projected = ProjectedCrs(name=str(names[0] or ""), vertical_datum=names[1], map_unit=names[2])
    sets = _property_sets(model)
    if conversion is None and _CONVERSION in sets:
        conversion = _conversion(sets[_CONVERSION])
    if projected is None and sets.get(_FRAME, {}).get("Name"):
        told = sets[_FRAME]
        unit_name = str(told["MapUnit"]).lower() if told.get("MapUnit") else None
        projected = ProjectedCrs(name=str(told["Name"]), vertical_datum=told.get("VerticalDatum"), map_unit=unit_name)
    contexts = [context for context in model.by_type("IfcGeometricRepresentationContext") if context.TrueNorth]
    north = tuple(contexts[0].TrueNorth.DirectionRatios[:2]) if contexts else None
    return Georeference(
        project_unit=unit,
        conversion=conversion,
        projected=projected,
        site=_site(model),
        true_north=None if north is None or not any(north) else (float(north[0]), float(north[1])),
        extent=extent,
    )
