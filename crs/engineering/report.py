"""What is wrong, missing or in conflict in a model's georeference: reported, never resolved here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from crs.engineering.errors import GeoreferenceError
from crs.engineering.scale import combined_scale_factor
from crs.errors import CrsError
from crs.geodesy import distances_m, move_m
from crs.transform import transform
from crs.units import conversion_factor, is_angle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crs.definition import PositionDefinition
    from crs.engineering.georeference import Georeference

__all__ = ["Finding", "georeference_report", "require_usable"]

_HUB = "OGC:CRS84"
#: A site is smaller than this; coordinates farther from the project's origin are map coordinates.
_FAR_M = 10_000.0
_SMALLEST_SITE_M = 0.5
#: What a wrong scale may cost over the whole site before it is worth a word.
_SCALE_LOSS_M = 0.1
_HEIGHT_CONFLICT_M = 0.01
_SITE_CONFLICT_M = 1_000.0
_NORTH_CONFLICT_DEG = 0.1
#: Ratios that a forgotten conversion of units leaves behind.
_UNIT_RATIOS = {
    "millimetre and metre": 1000.0,
    "centimetre and metre": 100.0,
    "foot and metre": 1 / 0.3048,
    "inch and metre": 1 / 0.0254,
    "millimetre and foot": 304.8,
    "inch and foot": 12.0,
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to know about a georeference.

    Parameters
    ----------
    code : str
        Short name that stays: "unit_scale", "double_georeference", "height_conflict", ...
    severity : str
        "error" (the model cannot be placed as it is), "warning" (it can, but two statements differ or look wrong) or
        "note".
    message : str
        What was found, and what to do.
    """

    code: str
    severity: Literal["error", "warning", "note"]
    message: str

    def __str__(self) -> str:
        return f"{self.severity} {self.code}: {self.message}"


@dataclass(frozen=True)
class _Facts:
    """What the checks share: the frame, and where the project's origin comes to lie."""

    reference: Georeference
    position: PositionDefinition | None
    origin: tuple[float, float] | None


def georeference_report(reference: Georeference) -> tuple[Finding, ...]:
    """Check what a building model says about its place.

    Parameters
    ----------
    reference : Georeference
        Everything that the model says; with `extent`, also double georeference and mixed-up units are seen.

    Returns
    -------
    tuple of Finding
        Errors first; empty if there is nothing to say.

    Examples
    --------
    >>> from crs.engineering import Georeference, MapConversion, ProjectedCrs
    >>> reference = Georeference(
    ...     project_unit="millimetre",
    ...     conversion=MapConversion(eastings=121000.0, northings=487000.0),
    ...     projected=ProjectedCrs(name="EPSG:28992", map_unit="metre"),
    ... )
    >>> [finding.code for finding in georeference_report(reference)]
    ['unit_scale', 'vertical_missing']
    """
    findings = list(_completeness(reference))
    position, frame_findings = _frame(reference)
    findings += frame_findings
    origin, origin_findings = _origin(reference, position)
    findings += origin_findings
    facts = _Facts(reference, position, origin)
    for check in (_units, _extent, _site, _heights, _north):
        findings += check(facts)
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.severity]))


def require_usable(findings: Iterable[Finding], *, name: str) -> None:
    """Refuse a model whose report holds errors.

    Parameters
    ----------
    findings : iterable of Finding
        From `georeference_report`.
    name : str
        Name of the dataset, for the message.

    Raises
    ------
    GeoreferenceError
        With all errors.
    """
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise GeoreferenceError(f"dataset {name!r} cannot be placed: {'; '.join(errors)}")


def _completeness(reference: Georeference) -> Iterator[Finding]:
    """Say what is missing."""
    conversion, projected = reference.conversion, reference.projected
    if conversion is None and projected is not None:
        yield Finding(
            code="conversion_missing",
            severity="error",
            message=f"the model names the frame {projected.name!r} but has no IfcMapConversion; give one, or state "
            "that model coordinates are map coordinates by a conversion of zero shift",
        )
    if conversion is not None and projected is None:
        yield Finding(
            code="crs_missing",
            severity="error",
            message=f"IfcMapConversion puts the origin at ({conversion.eastings:.10g}, {conversion.northings:.10g}), "
            "but no IfcProjectedCRS says on which map; give the frame's code",
        )
    if conversion is None and projected is None:
        placed = reference.site is not None and reference.site.ref_latitude and reference.site.ref_longitude
        if placed:
            message = "only IfcSite says where the model is, a point of WGS 84 without scale or map; give a conversion"
            yield Finding(code="site_only", severity="error", message=message)
        else:
            message = "nothing says where the model is; give an IfcMapConversion and an IfcProjectedCRS"
            yield Finding(code="georeference_missing", severity="error", message=message)


def _frame(reference: Georeference) -> tuple[PositionDefinition | None, list[Finding]]:
    """Resolve the frame of the map, and compare its unit."""
    if reference.projected is None:
        return None, []
    try:
        position = reference.projected.position
    except CrsError as error:
        return None, [Finding(code="crs_unknown", severity="error", message=f"IfcProjectedCRS: {error}")]
    if is_angle(position.unit):
        message = f"IfcProjectedCRS names {position.name}, which is in {position.unit}; give a projected frame"
        return None, [Finding(code="crs_geographic", severity="error", message=message)]
    findings = []
    if not math.isclose(conversion_factor(reference.map_unit, position.unit), 1.0, rel_tol=1e-12):
        said = reference.projected.map_unit
        origin = f"MapUnit {said!r}" if said else f"no MapUnit, so the project's unit {reference.project_unit!r}"
        message = f"{origin}, but {position.name} is in {position.unit}; numbers are taken as {reference.map_unit}"
        findings.append(Finding(code="map_unit_conflict", severity="warning", message=message))
    said_height = reference.projected.vertical_datum
    if said_height and position.vertical and _is_other_code(said_height, position.vertical):
        message = f"VerticalDatum is {said_height!r}, but {position.name} has heights in {position.vertical}; say which"
        findings.append(Finding(code="vertical_conflict", severity="warning", message=message))
    if position.vertical is None:
        message = f"nothing says what heights refer to on {position.name}; they stay unresolved"
        findings.append(Finding(code="vertical_missing", severity="note", message=message))
    return position, findings


def _is_other_code(first: str, second: str) -> bool:
    """Say whether both are codes, and not of one thing; names cannot be compared."""
    codes = [text.replace(" ", "").upper() for text in (first, second)]
    return all(code.startswith("EPSG:") for code in codes) and codes[0] != codes[1]


def _origin(
    reference: Georeference, position: PositionDefinition | None
) -> tuple[tuple[float, float] | None, list[Finding]]:
    """Say where on earth the project's origin comes to lie."""
    if reference.conversion is None or position is None:
        return None, []
    at = (0.0, 0.0)
    if reference.extent is not None and reference.conversion.eastings == reference.conversion.northings == 0:
        low_x, low_y, high_x, high_y = reference.extent
        at = ((low_x + high_x) / 2, (low_y + high_y) / 2)
        size = math.hypot(*at) * conversion_factor(reference.project_unit, "metre")
    else:
        size = 0.0
    if reference.conversion.eastings == reference.conversion.northings == 0 and size <= _FAR_M:
        message = f"IfcMapConversion puts the model at the origin of {position.name}; give its eastings and northings"
        # Without an extent the model may be in map coordinates, and the shift rightly zero.
        severity: Literal["error", "warning"] = "warning" if reference.extent is None else "error"
        return None, [Finding(code="zero_georeference", severity=severity, message=message)]
    try:
        lon, lat = reference.to_lon_lat(*at)
    except CrsError as error:
        message = f"the conversion does not lead into the frame: {error}"
        return None, [Finding(code="outside_area", severity="error", message=message)]
    return (float(lon), float(lat)), []


def _units(facts: _Facts) -> Iterator[Finding]:
    """Compare the scale with the units of project and map."""
    reference = facts.reference
    if reference.conversion is None:
        return
    factor = reference.combined_factor
    ratio = max(factor, 1 / factor)
    units = f"from project unit {reference.project_unit!r} to map unit {reference.map_unit!r}"
    for name, mixed in _UNIT_RATIOS.items():
        if abs(ratio / mixed - 1) < 0.01:
            wanted = conversion_factor(reference.project_unit, reference.map_unit)
            yield Finding(
                code="unit_scale",
                severity="error",
                message=f"scale {reference.conversion.scale:g} {units} makes lengths {factor:g} times what they are: "
                f"{name} are mixed up; the scale should be near {wanted:g}",
            )
            return
    expected = 1.0
    if facts.origin is not None and facts.position is not None:
        height_m = reference.conversion.orthogonal_height * conversion_factor(reference.map_unit, "metre")
        expected = float(combined_scale_factor(*facts.origin, height_m=height_m, frame=facts.position))
    off = abs(factor / expected - 1)
    lost_m = off * _size_m(reference) if reference.extent is not None else math.nan
    if off > 0.01 or lost_m > _SCALE_LOSS_M:
        over = f", {lost_m:.2g} m over the site" if lost_m > 0 else ""
        yield Finding(
            code="scale_factor",
            severity="warning",
            message=f"lengths become {factor:.8g} times themselves {units}, but ground to map is {expected:.8g} "
            f"there{over}; put the combined scale factor into IfcMapConversionScaled",
        )


def _size_m(reference: Georeference) -> float:
    """Return the diagonal of the model on the ground, as its conversion has it, metres."""
    if reference.extent is None:
        return math.nan
    low_x, low_y, high_x, high_y = reference.extent
    diagonal = math.hypot(high_x - low_x, high_y - low_y) * conversion_factor(reference.project_unit, "metre")
    return diagonal * reference.combined_factor


def _extent(facts: _Facts) -> Iterator[Finding]:
    """Look for map coordinates in the model, and for sites of impossible size."""
    reference = facts.reference
    if reference.extent is None:
        return
    metre = conversion_factor(reference.project_unit, "metre")
    low_x, low_y, high_x, high_y = reference.extent
    away_m = math.hypot((low_x + high_x) / 2, (low_y + high_y) / 2) * metre
    size_m = _size_m(reference)
    if size_m > _FAR_M or size_m < _SMALLEST_SITE_M:
        code = "site_too_large" if size_m > _FAR_M else "site_too_small"
        message = f"the model is {size_m:.3g} m across; check the project unit {reference.project_unit!r} and the scale"
        yield Finding(code=code, severity="error", message=message)
    if away_m <= _FAR_M:
        return
    found = f"model coordinates lie {away_m / 1000:.0f} km from the project's origin, so they are map coordinates"
    conversion = reference.conversion
    if conversion is None:
        message = f"{found} of a frame that nothing names; give it, with a conversion of zero shift"
        yield Finding(code="map_coordinates", severity="warning", message=message)
    elif (
        math.hypot(conversion.eastings, conversion.northings) * conversion_factor(reference.map_unit, "metre") > _FAR_M
    ):
        message = f"{found} already, and IfcMapConversion shifts them once more; drop one of the two"
        yield Finding(code="double_georeference", severity="error", message=message)


def _site(facts: _Facts) -> Iterator[Finding]:
    """Compare latitude and longitude of IfcSite with the map conversion."""
    site = facts.reference.site
    if site is None:
        return
    try:
        said = site.lon_lat
    except GeoreferenceError as error:
        yield Finding(code="site_unreadable", severity="warning", message=str(error))
        return
    if said is None:
        return
    if said == (0.0, 0.0):
        message = "IfcSite puts the model at latitude 0, longitude 0; leave both out where they are not known"
        yield Finding(code="zero_site", severity="warning", message=message)
    elif facts.origin is not None:
        apart_m = float(distances_m(*said, *facts.origin))
        if apart_m > _SITE_CONFLICT_M:
            yield Finding(
                code="site_conflict",
                severity="warning",
                message=f"IfcSite says ({said[0]:.6f}, {said[1]:.6f}), IfcMapConversion puts the origin at "
                f"({facts.origin[0]:.6f}, {facts.origin[1]:.6f}), {apart_m / 1000:.3g} km away; longitude first",
            )


def _heights(facts: _Facts) -> Iterator[Finding]:
    """Compare the elevation of IfcSite with the height of the map conversion."""
    site, conversion = facts.reference.site, facts.reference.conversion
    if site is None or site.ref_elevation is None or conversion is None:
        return
    site_m = site.ref_elevation * conversion_factor(facts.reference.project_unit, "metre")
    map_m = conversion.orthogonal_height * conversion_factor(facts.reference.map_unit, "metre")
    if abs(site_m - map_m) > _HEIGHT_CONFLICT_M:
        yield Finding(
            code="height_conflict",
            severity="warning",
            message=f"RefElevation of IfcSite is {site_m:.6g} m, OrthogonalHeight of IfcMapConversion {map_m:.6g} m; "
            "say which holds (only the conversion's refers to a named datum)",
        )


def _north(facts: _Facts) -> Iterator[Finding]:
    """Compare true north with the turn of the map conversion and the convergence of meridians there."""
    north, conversion = facts.reference.true_north, facts.reference.conversion
    if north is None or conversion is None or facts.origin is None or facts.position is None:
        return
    lon, lat = facts.origin
    ends = np.array([move_m(lon, lat, east_m=0.0, north_m=length) for length in (0.0, 100.0)])
    east, up = transform(ends[:, 0], ends[:, 1], source=_HUB, target=facts.position)
    on_map_deg = math.degrees(math.atan2(up[1] - up[0], east[1] - east[0]))
    wanted_deg = on_map_deg - conversion.rotation_deg
    said_deg = math.degrees(math.atan2(north[1], north[0]))
    off_deg = (said_deg - wanted_deg + 180.0) % 360.0 - 180.0
    if abs(off_deg) > _NORTH_CONFLICT_DEG:
        yield Finding(
            code="north_conflict",
            severity="warning",
            message=f"TrueNorth points {said_deg - 90.0:.3f} degrees anti-clockwise of the project's y axis, by XAxis "
            f"and the convergence of meridians ({on_map_deg - 90.0:.3f}) it is {wanted_deg - 90.0:.3f}; "
            f"they differ by {off_deg:.3f}; say which holds (IFC: the conversion)",
        )
