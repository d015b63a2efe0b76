"""The registry of definitions: one explicit pipeline each, with its accuracy and the area in which it holds.

What stands in `registry.toml` is taken from there. Any other authority code or WKT is resolved once, before a
single point is moved, under the same rules: the operation must be published, must not be a ballpark, needs no file
that is absent, and must hold in the whole area of use of the definition. Else it is refused.
"""

from __future__ import annotations

import tomllib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from pyproj import CRS, Transformer
from pyproj.transformer import TransformerGroup

from crs.errors import OperationRefusedError
from crs.identify import resolve_frame
from crs.units import is_angle

__all__ = ["Area", "Datum", "Entry", "aliases", "definitions", "entry", "identity_sigma"]

#: EPSG rounds areas to 0.01 degree and cuts them at the coast; a bridge or a raster's rim lies beyond.
_AREA_MARGIN_DEG = 0.1
#: The transverse Mercator stays exact far beyond its zone, and cities straddle the edges of UTM zones.
_UTM_MARGIN_DEG = 3.0
_WORLD_HUB = "OGC:CRS84"
#: Operations on land and definitions that reach out to sea differ at the rim. What holds in less than this share of a
#: definition's area is a regional operation; what holds in more is used, and outside it positions are refused.
_MIN_SHARE = 0.9


@dataclass(frozen=True)
class Area:
    """A box in longitude and latitude, possibly across the antimeridian.

    Parameters
    ----------
    west, south, east, north : float
        Degrees; west may be greater than east.
    """

    west: float
    south: float
    east: float
    north: float

    def __str__(self) -> str:
        return f"lon {self.west:g}..{self.east:g}, lat {self.south:g}..{self.north:g}"

    def shared(self, other: Area) -> tuple[Area, float]:
        """Return what two areas share, and which part of the other that is.

        Parameters
        ----------
        other : Area
            Another area.

        Returns
        -------
        tuple of Area and float
            The shared box (empty if its share is 0) and its share of the other, 0 to 1, in square degrees.

        Examples
        --------
        >>> Area(0, 0, 10, 10).shared(Area(5, 0, 15, 10))
        (Area(west=5, south=0, east=10, north=10), 0.5)
        """
        south, north = max(self.south, other.south), min(self.north, other.north)
        own_east = self.east + (360 if self.west > self.east else 0)
        other_east = other.east + (360 if other.west > other.east else 0)
        spans = [(max(self.west, other.west + turn), min(own_east, other_east + turn)) for turn in (-360, 0, 360)]
        if own_east - self.west >= 360:
            spans = [(other.west, other_east)]
        west, east = max(spans, key=lambda span: span[1] - span[0])
        whole = (other_east - other.west) * (other.north - other.south)
        share = max(0.0, east - west) * max(0.0, north - south) / whole if whole else 0.0
        return Area(west, south, east - (360 if east > 180 else 0), north), share


@dataclass(frozen=True, kw_only=True)
class Datum:
    """A frame of reference and its way to WGS 84.

    Parameters
    ----------
    name, title : str
        Short and long name.
    shift : str
        PROJ steps from longitude, latitude in degrees on the datum to the same on WGS 84; "" for a declared identity.
    accuracy_m : float
        Published accuracy of the shift, taken as sigma per horizontal axis, metres.
    area : Area
        Where the shift holds.
    operation : str
        Name of the operation.
    references : tuple of str
        Where it is published.
    """

    name: str
    title: str
    shift: str
    accuracy_m: float
    area: Area
    operation: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A definition as we can move it.

    Parameters
    ----------
    code : str
        Authority code or WKT.
    title : str
        For people.
    datum : Datum
        The frame of reference.
    unit : str
        Unit of the numbers.
    steps : str
        PROJ steps from x, y in that unit to longitude, latitude in degrees on the datum; "" if they are that already.
    area : Area
        Area of use, longitude and latitude on WGS 84.
    references : tuple of str
        Where it is published.
    """

    code: str
    title: str
    datum: Datum
    unit: str
    steps: str
    area: Area
    references: tuple[str, ...] = ()

    @property
    def pipeline(self) -> str:
        """The PROJ pipeline to WGS 84 longitude, latitude in degrees; "" if there is nothing to do."""
        steps = " ".join(part for part in (self.steps, self.datum.shift) if part)
        return f"+proj=pipeline {steps}" if steps else ""

    @property
    def is_geographic(self) -> bool:
        """True if the numbers are angles."""
        return is_angle(self.unit)


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return tomllib.loads(resources.files("crs").joinpath("registry.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _datums() -> dict[str, Datum]:
    return {
        name: Datum(
            name=name,
            title=row["title"],
            shift=row["shift"],
            accuracy_m=row["accuracy_m"],
            area=Area(*row["area"]),
            operation=row["operation"],
            references=tuple(row.get("references", ())),
        )
        for name, row in _table()["datums"].items()
    }


def definitions() -> tuple[str, ...]:
    """List the definitions that are named in the registry.

    Returns
    -------
    tuple of str
        Canonical names; any other EPSG code with a published operation works as well.

    Examples
    --------
    >>> "EPSG:4807" in definitions()
    True
    """
    return tuple(_table()["definitions"])


@lru_cache(maxsize=1)
def aliases() -> dict[str, str]:
    """List the other names of the registered definitions.

    Returns
    -------
    dict of str to str
        Lower-case alias to canonical name.
    """
    rows = _table()["definitions"].items()
    return {alias.lower(): name for name, row in rows for alias in row.get("aliases", ())}


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
        Authority code or WKT, as in `PositionDefinition.crs`.

    Returns
    -------
    Entry
        From the registry, else resolved under its rules.

    Raises
    ------
    OperationRefusedError
        If no published operation of known accuracy covers the definition.
    """
    row = _table()["definitions"].get(code)
    if row is not None:
        return Entry(
            code=code,
            title=row["title"],
            datum=_datums()[row["datum"]],
            unit=row["unit"],
            steps=row.get("steps", ""),
            area=_widened(Area(*row["area"]), _AREA_MARGIN_DEG),
            references=tuple(row.get("references", ())),
        )
    return _resolve_entry(code)


def _widened(area: Area, margin_deg: float) -> Area:
    """Return an area with a margin in longitude, and the small one in latitude."""
    south, north = max(-90.0, area.south - _AREA_MARGIN_DEG), min(90.0, area.north + _AREA_MARGIN_DEG)
    if area.west > area.east:
        return Area(area.west - margin_deg, south, area.east + margin_deg, north)
    return Area(max(-180.0, area.west - margin_deg), south, min(180.0, area.east + margin_deg), north)


def _resolve_entry(code: str) -> Entry:
    """Resolve a definition that the registry does not name."""
    parsed = CRS.from_user_input(code)
    geographic = parsed.geodetic_crs
    base = resolve_frame(geographic.to_wkt()).crs if geographic is not None else ""
    if base in _table()["refused"]:
        raise OperationRefusedError(f"{parsed.name} ({code[:40]}) is refused: {_table()['refused'][base]}")
    use = parsed.area_of_use
    area = Area(*use.bounds) if use is not None else None
    datum = next((d for d in _datums().values() if base in _table()["datums"][d.name]["geographic"]), None)
    if datum is not None and geographic is not None:
        steps = _steps(Transformer.from_crs(parsed, geographic, always_xy=True).definition)
        area = area or datum.area
    else:
        steps, datum, area = _published_operation(parsed, area)
    margin_deg = _UTM_MARGIN_DEG if "UTM zone" in parsed.name else _AREA_MARGIN_DEG
    return Entry(
        code=code,
        title=parsed.name,
        datum=datum,
        unit=resolve_frame(code).unit,
        steps=steps,
        area=_widened(area, margin_deg),
        references=(code,) if len(code) < 40 else (),
    )


def _published_operation(parsed: CRS, area: Area | None) -> tuple[str, Datum, Area]:
    """Choose the one published operation that holds in the whole area of use, or refuse."""
    with warnings.catch_warnings():
        # pyproj warns of grids that are not installed; what is left is judged here on its own accuracy.
        warnings.simplefilter("ignore", UserWarning)
        group = TransformerGroup(parsed, _WORLD_HUB, always_xy=True, allow_ballpark=False)
    regional = []
    for candidate in group.transformers:
        if candidate.accuracy < 0 or candidate.area_of_use is None:
            continue
        held = Area(*candidate.area_of_use.bounds)
        common, share = held.shared(area) if area is not None else (held, 0.0)
        if share >= _MIN_SHARE:
            datum = Datum(
                name=f"{parsed.geodetic_crs.name if parsed.geodetic_crs else parsed.name} by {candidate.description}",
                title=parsed.geodetic_crs.name if parsed.geodetic_crs else parsed.name,
                shift="",
                accuracy_m=float(candidate.accuracy),
                area=held,
                operation=candidate.description,
            )
            return _steps(candidate.definition), datum, common
        regional.append(f"{candidate.description} ({candidate.accuracy:g} m, {held})")
    found = f"only regional ones: {'; '.join(regional[:3])}" if regional else "none"
    where = f" ({area})" if area is not None else ", which is not stated"
    raise OperationRefusedError(
        f"{parsed.name} is refused: no published operation to WGS 84 with a stated accuracy holds in its area of "
        f"use{where} without files that are absent; found {found}. Give the dataset in a definition that has one"
    )


def _steps(pipeline: str) -> str:
    """Turn PROJ's own text of an operation into steps with plus signs."""
    words = [word if word.startswith("+") else f"+{word}" for word in pipeline.split()]
    if words[0] == "+proj=noop":
        return ""
    if words[0] == "+proj=pipeline":
        return " ".join(words[1:])
    return " ".join(["+step", *words])
