"""The registry of definitions: one explicit pipeline each, with its accuracy and the area in which it holds.

What stands in `registry.toml` is taken from there. Any other authority code or WKT is resolved once, before a
single point is moved, under the same rules (`crs.published`). Frames with parameters that somebody gave (a datum
shift, a local grid) are texts that `crs.given` reads. Else a definition is refused.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from typing import Any

from pyproj import CRS

from crs.entries import Area, Datum, Entry
from crs.errors import DefinitionError, OperationRefusedError
from crs.families import alias_key, family_code, strips
from crs.given import GivenGrid, GivenShift, ReferredGrid, read_given
from crs.identify import Frame, resolve_frame
from crs.published import own_steps, published_operation, zone_margin_deg
from crs.shifts import leads_to, shifted_datum

__all__ = ["Area", "Datum", "Entry", "aliases", "definitions", "entry", "frame_of", "identity_sigma", "is_portable"]

_UNPROJECTED = "+step +proj=unitconvert +xy_in=rad +xy_out=deg"


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    """Read the registry, the strips of its families written out."""
    table = tomllib.loads(resources.files("crs").joinpath("registry.toml").read_text(encoding="utf-8"))
    for family in table["families"]:
        if "datum" not in family:
            continue
        _, south, _, north = table["datums"][family["datum"]]["area"]
        for strip in strips(family):
            # Half a strip beyond its edges: cities straddle them, and the projection stays exact there.
            table["definitions"][strip.code] = {
                "title": strip.name,
                "datum": family["datum"],
                "unit": "metre",
                "steps": f"+step +inv +proj=tmerc +lat_0=0 +lon_0={strip.meridian_deg} +k=1 "
                f"+x_0={strip.false_easting_m:.0f} +y_0=0 +ellps={family['ellps']} {_UNPROJECTED}",
                "area": [strip.meridian_deg - strip.width_deg, south, strip.meridian_deg + strip.width_deg, north],
                "references": [strip.code],
            }
    return table


@lru_cache(maxsize=1)
def _datums() -> dict[str, Datum]:
    """Make the frames of reference; one that leads through another stands below it."""
    made: dict[str, Datum] = {}
    for name, row in _table()["datums"].items():
        made[name] = Datum(
            name=name,
            title=row["title"],
            shift=row.get("shift", ""),
            accuracy_m=row["accuracy_m"],
            area=Area(*row["area"]),
            operation=row["operation"],
            references=tuple(row.get("references", ())),
            method=row.get("method", ""),
            through=made[row["through"]] if "through" in row else None,
        )
    return made


def definitions() -> tuple[str, ...]:
    """List the definitions that are named in the registry.

    Returns
    -------
    tuple of str
        Canonical names; any other EPSG code with a published operation works as well.

    Examples
    --------
    >>> "EPSG:4807" in definitions(), "EPSG:4547" in definitions(), "GCJ-02" in definitions()
    (True, True, True)
    """
    return tuple(_table()["definitions"])


@lru_cache(maxsize=1)
def aliases() -> dict[str, str]:
    """List the other names of the registered definitions; names of Gauss-Krueger strips are read by rule beside.

    Returns
    -------
    dict of str to str
        Alias without case, spaces and dashes, to canonical name.
    """
    rows = _table()["definitions"].items()
    named = {alias_key(alias): name for name, row in rows for alias in row.get("aliases", ())}
    return named | {alias_key(alias): code for alias, code in _table()["names"].items()}


@lru_cache(maxsize=1024)
def frame_of(text: str) -> Frame:
    """Recognise a frame by a name of the registry, by parameters that were given, by code or by content.

    Parameters
    ----------
    text : str
        Any of these.

    Returns
    -------
    Frame
        Canonical.

    Raises
    ------
    DefinitionError
        If it is none of these.

    Examples
    --------
    >>> frame_of("CGCS2000 3-degree GK CM 114E").name, frame_of("火星坐标").name
    ('EPSG:4547', 'GCJ-02')
    """
    plain = text.strip()
    given = read_given(plain)
    if given is not None:
        base = frame_of(given.definition if isinstance(given, GivenShift) else given.base)
        name = base.name if isinstance(given, GivenShift) else given.name
        return Frame(name, plain, base.vertical, base.unit)
    code = aliases().get(alias_key(plain)) or family_code(plain, _table()["families"]) or plain
    row = _table()["definitions"].get(code, {})
    if "own" in row:
        return Frame(code, code, unit=row["unit"])
    return resolve_frame(code)


def is_portable(code: str) -> bool:
    """Say whether other programs know a frame by its code or text.

    Parameters
    ----------
    code : str
        As in `PositionDefinition.crs`.

    Returns
    -------
    bool
        False for GCJ-02 and its kin, for local grids, and for frames with given parameters.
    """
    return read_given(code) is None and "own" not in _table()["definitions"].get(code, {})


def identity_sigma(first: Datum, second: Datum) -> float | None:
    """Return the sigma of a declared identity between two datums.

    Parameters
    ----------
    first, second : Datum
        In any order.

    Returns
    -------
    float or None
        Sigma per horizontal axis in metres: 0 for one and the same, None if nothing is declared.
    """
    if first == second:
        return 0.0
    for row in _table().get("identities", ()):
        if {first.name, second.name} == set(row["datums"]):
            return float(row["sigma_m"])
    return None


@lru_cache(maxsize=512)
def entry(code: str) -> Entry:
    """Return how a definition is moved.

    Parameters
    ----------
    code : str
        Authority code, WKT or the text of a given frame, as in `PositionDefinition.crs`.

    Returns
    -------
    Entry
        From the registry, else resolved under its rules.

    Raises
    ------
    OperationRefusedError
        If no published operation of known accuracy covers the definition.
    """
    given = read_given(code)
    if isinstance(given, GivenShift):
        return _shifted_entry(given, code)
    if isinstance(given, GivenGrid):
        return _grid_entry(given, code)
    if isinstance(given, ReferredGrid):
        raise OperationRefusedError(
            f"local grid {given.name!r} is told by the control points of dataset {given.points!r}, which are not at "
            f"hand here; crs.harmonise(layer, references={{{given.points!r}: ...}}) works it out"
        )
    row = _table()["definitions"].get(code)
    if row is None:
        return _resolve_entry(code)
    return Entry(
        code=code,
        title=row["title"],
        datum=_datums()[row["datum"]],
        unit=row["unit"],
        steps=row.get("steps", ""),
        area=Area(*row["area"]).widened(),
        references=tuple(row.get("references", ())),
        method=row.get("method", ""),
    )


def _grid_entry(grid: GivenGrid, code: str) -> Entry:
    """Put a local grid on top of its base."""
    base = entry(grid.base)
    if base.is_geographic or base.plane is not None:
        raise OperationRefusedError(
            f"local grid {grid.name!r} stands on {base.title}, which is no published plane grid; write one such as "
            "base: EPSG:4547"
        )
    return Entry(
        code=code,
        title=f"local grid {grid.name} ({grid.note}) on {base.title}",
        datum=base.datum,
        unit=base.unit,
        steps=base.steps,
        area=base.area if grid.area is None else base.area.shared(grid.area)[0],
        references=base.references,
        method=base.method,
        plane=grid.plane,
        accuracy_m=grid.sigma_m,
    )


def _shifted_entry(shift: GivenShift, code: str) -> Entry:
    """Move a frame by the parameters that were given for it, and by nothing else."""
    if shift.definition in _table()["definitions"] and "own" in _table()["definitions"][shift.definition]:
        raise DefinitionError(f"{shift.definition} takes no shift: it has its own")
    parsed = CRS.from_user_input(shift.definition)
    geographic = parsed.geodetic_crs
    if geographic is None or (geographic.prime_meridian is not None and geographic.prime_meridian.longitude != 0):
        raise DefinitionError(f"{parsed.name} is not counted from Greenwich; a shift of it cannot be given here")
    base = resolve_frame(geographic.to_wkt()).crs
    known = next((d for d in _datums().values() if base in _table()["datums"][d.name].get("geographic", ())), None)
    if known is not None and not known.shift:
        raise DefinitionError(
            f"{parsed.name} needs no shift: {known.title} is WGS 84 within {known.accuracy_m:g} m; leave `shift:` out"
        )
    datum = shifted_datum(shift, through=entry(leads_to(shift)).datum, geographic=geographic)
    use = parsed.area_of_use
    area = Area(*use.bounds).widened(zone_margin_deg(parsed.name)) if use is not None else datum.area.widened()
    if shift.operation or shift.area is not None:
        area = area.shared(datum.area)[0]
    return Entry(
        code=code,
        title=parsed.name,
        datum=datum,
        unit=resolve_frame(shift.definition).unit,
        steps=own_steps(parsed),
        area=area,
        references=(shift.definition,) if len(shift.definition) < 40 else (),
    )


def _resolve_entry(code: str) -> Entry:
    """Resolve a definition that the registry does not name."""
    parsed = CRS.from_user_input(code)
    geographic = parsed.geodetic_crs
    base = resolve_frame(geographic.to_wkt()).crs if geographic is not None else ""
    if base in _table()["refused"]:
        raise OperationRefusedError(
            f"{parsed.name} ({code[:40]}) is refused: {_table()['refused'][base]}: {{definition: {code[:40]}, shift: "
            "{parameters: [tx, ty, tz, rx, ry, rz, ds], convention: position_vector, accuracy_m: ..., source: ...}}"
        )
    use = parsed.area_of_use
    area = Area(*use.bounds) if use is not None else None
    datum = next((d for d in _datums().values() if base in _table()["datums"][d.name].get("geographic", ())), None)
    if datum is not None and geographic is not None:
        steps = own_steps(parsed)
        area = area or datum.area
    else:
        steps, datum, area = published_operation(parsed, area)
    return Entry(
        code=code,
        title=parsed.name,
        datum=datum,
        unit=resolve_frame(code).unit,
        steps=steps,
        area=area.widened(zone_margin_deg(parsed.name)),
        references=(code,) if len(code) < 40 else (),
    )
