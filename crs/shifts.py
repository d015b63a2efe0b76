"""From given or published parameters to a frame of reference with its way to WGS 84."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

from pyproj import CRS
from pyproj._crs import CoordinateOperation
from pyproj.exceptions import CRSError

from crs.entries import Area, Datum
from crs.errors import DefinitionError
from crs.given import GivenShift
from crs.identify import resolve_frame

__all__ = ["leads_to", "shifted_datum"]

_UNITS = {"metre": 1.0, "arc-second": 1.0, "parts per million": 1.0}
_METHODS = {
    "Geocentric translations (geog2D domain)": "",
    "Position Vector transformation (geog2D domain)": "position_vector",
    "Coordinate Frame rotation (geog2D domain)": "coordinate_frame",
}


@lru_cache(maxsize=64)
def _published(code: str) -> tuple[GivenShift, Area, str]:
    """Return the parameters of a published operation, its box, and its name."""
    authority, _, number = code.partition(":")
    try:
        operation = CoordinateOperation.from_authority(authority, number)
    except CRSError as fault:
        raise DefinitionError(f"operation {code!r} is not published; write one such as 'EPSG:15921'") from fault
    convention = _METHODS.get(operation.method_name)
    if convention is None or any(parameter.unit_name not in _UNITS for parameter in operation.params):
        raise DefinitionError(
            f"operation {code} ({operation.name}) is a {operation.method_name!r}; write its parameters as "
            "{parameters: [tx, ty, tz, rx, ry, rz, ds], convention: ..., accuracy_m: ..., source: ...}"
        )
    content = operation.to_json_dict()
    ends = [content[f"{end}_crs"] for end in ("source", "target")]
    codes = [resolve_frame(CRS.from_json_dict(end).to_wkt()).crs for end in ends]
    if operation.accuracy is None or operation.accuracy <= 0 or operation.area_of_use is None:
        raise DefinitionError(f"operation {code} ({operation.name}) states no accuracy or no area; give parameters")
    shift = GivenShift(
        definition=codes[0],
        parameters=tuple(float(parameter.value) for parameter in operation.params),
        convention=convention,
        accuracy_m=float(operation.accuracy),
        source=f"{code} {operation.name}",
        to=codes[1],
        operation=code,
        area=Area(*operation.area_of_use.bounds),
    )
    return shift, Area(*operation.area_of_use.bounds), f"{code} {operation.name} ({operation.area_of_use.name})"


def shifted_datum(shift: GivenShift, *, through: Datum, geographic: CRS) -> Datum:
    """Make the frame of reference of a definition by the parameters that were given for it.

    Parameters
    ----------
    shift : GivenShift
        Parameters, or the name of a published operation.
    through : Datum
        The frame that they lead to.
    geographic : pyproj.CRS
        The geographic frame that they start from, counted from Greenwich.

    Returns
    -------
    Datum
        With one shift throughout: nothing is chosen by place.

    Raises
    ------
    DefinitionError
        If the operation named is not published, or is one of another frame.
    """
    base = resolve_frame(geographic.to_wkt()).crs
    area: Area | None = shift.area
    if shift.operation:
        published, box, name = _published(shift.operation)
        if published.definition != base:
            raise DefinitionError(
                f"operation {name} starts from {published.definition}, not from {base} ({geographic.name})"
            )
        area = box if area is None else area.shared(box)[0]
    else:
        published, name = (
            shift,
            f"{geographic.name} to {shift.to} by {len(shift.parameters)} parameters of {shift.source}",
        )
    return Datum(
        name=f"{base} by {dataclasses.replace(published, definition=base).text}",
        title=geographic.name,
        shift=_steps(published, geographic, CRS.from_user_input(published.to)),
        accuracy_m=published.accuracy_m,
        area=area if area is not None else through.area,
        operation=name,
        references=(published.source,),
        through=through,
    )


def leads_to(shift: GivenShift) -> str:
    """Return the frame that a shift leads to.

    Parameters
    ----------
    shift : GivenShift
        Given or published.

    Returns
    -------
    str
        Authority code.
    """
    return _published(shift.operation)[0].to if shift.operation else shift.to


def _ellipsoid(frame: CRS) -> str:
    ellipsoid = frame.ellipsoid
    if ellipsoid is None:
        raise DefinitionError(f"{frame.name} has no ellipsoid; write a frame that has one")
    return f"+a={ellipsoid.semi_major_metre!r} +rf={ellipsoid.inverse_flattening!r}"


def _steps(shift: GivenShift, source: CRS, target: CRS) -> str:
    """Write a shift in space, on the ellipsoids: what heights it makes are dropped."""
    x, y, z = shift.parameters[:3]
    helmert = f"+proj=helmert +x={x!r} +y={y!r} +z={z!r}"
    if len(shift.parameters) == 7:
        rx, ry, rz, ds = shift.parameters[3:]
        helmert += f" +rx={rx!r} +ry={ry!r} +rz={rz!r} +s={ds!r} +convention={shift.convention}"
    return (
        f"+step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=push +v_3 +step +proj=cart {_ellipsoid(source)} "
        f"+step {helmert} +step +inv +proj=cart {_ellipsoid(target)} +step +proj=pop +v_3 "
        "+step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
