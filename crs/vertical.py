"""What heights refer to, and how they get from one surface to another: by a named operation, or not at all.

A height needs a datum only where it is compared with another: the 3D view draws height above ground. So an unknown
vertical datum does not set a record aside, it is carried as "unresolved", and a height is never copied from one datum
to another.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pyproj import CRS
from pyproj.exceptions import CRSError

from crs.errors import DefinitionError
from crs.families import alias_key
from crs.foreign_files import refuse_foreign_files
from crs.units import conversion_factor, is_angle, resolve_unit

__all__ = ["UNRESOLVED", "VerticalDefinition", "title_of", "vertical_definition"]

#: Tag of heights whose datum nobody stated.
UNRESOLVED = "unresolved"

_TITLES = {
    "EPSG:3855": "EGM2008 height",
    "EPSG:3900": "N2000 height",
    "EPSG:5701": "ODN height",
    "EPSG:5703": "NAVD88 height",
    "EPSG:5709": "NAP height",
    "EPSG:5717": "N60 height",
    "EPSG:5720": "NGF-IGN69 height",
    "EPSG:5736": "Yellow Sea 1956 height",
    "EPSG:5737": "Yellow Sea 1985 height",
    "EPSG:5773": "EGM96 height",
    "EPSG:6360": "NAVD88 height in US survey feet",
    "ellipsoidal": "height above the ellipsoid",
    "above_ground": "height above ground",
    UNRESOLVED: "height above nobody said what",
}
_ALIASES = {
    "1985国家高程基准": "EPSG:5737", "国家85高程": "EPSG:5737", "85高程": "EPSG:5737", "Yellow Sea 1985": "EPSG:5737",
    "1956黄海高程": "EPSG:5736", "1956年黄海高程系": "EPSG:5736", "56黄海": "EPSG:5736", "Yellow Sea 1956": "EPSG:5736",
    "NAP": "EPSG:5709", "NAVD88": "EPSG:5703", "EGM96": "EPSG:5773", "EGM2008": "EPSG:3855", "N2000": "EPSG:3900",
    "ODN": "EPSG:5701", "NGF-IGN69": "EPSG:5720",
    "ellipsoidal": "ellipsoidal", "ellipsoid": "ellipsoidal", "大地高": "ellipsoidal", "椭球高": "ellipsoidal",
    "above ground": "above_ground", "ground": "above_ground", "离地高度": "above_ground", "相对高度": "above_ground",
    "unresolved": UNRESOLVED, "unknown": UNRESOLVED, "vertical unresolved": UNRESOLVED,
}  # fmt: skip
_BY_KEY = {alias_key(alias): name for alias, name in _ALIASES.items()}
_KINDS: dict[str, Literal["ellipsoidal", "ground", "unresolved"]] = {
    "ellipsoidal": "ellipsoidal",
    "above_ground": "ground",
    UNRESOLVED: "unresolved",
}
_WITH_UNIT = re.compile(r"(?P<name>.+?) in (?P<unit>[a-z_ ]+)")


@dataclass(frozen=True, kw_only=True)
class VerticalDefinition:
    """What the heights of a dataset refer to.

    Parameters
    ----------
    name : str
        Authority code, "ellipsoidal", "above_ground" or "unresolved".
    title : str
        For people.
    kind : str
        "gravity" (a levelling or geoid datum), "ellipsoidal", "ground" or "unresolved".
    unit : str
        Unit of the numbers.
    """

    name: str
    title: str
    kind: Literal["gravity", "ellipsoidal", "ground", "unresolved"]
    unit: str = "metre"

    def __str__(self) -> str:
        return self.name if self.unit == _own_unit(self.name) else f"{self.name} in {self.unit}"

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("crs.VerticalDefinition", *dataclasses.astuple(self))

    @property
    def metres(self) -> float:
        """Metres in one unit of the numbers."""
        return conversion_factor(self.unit, "metre")


@lru_cache(maxsize=256)
def _own_unit(name: str) -> str:
    """Return the unit that an authority gives a vertical datum."""
    if ":" not in name:
        return "metre"
    return resolve_unit(CRS.from_user_input(name).axis_info[0].unit_name)[0]


def vertical_definition(spec: object) -> VerticalDefinition:
    """Say what heights refer to, from whatever form it is written in.

    Parameters
    ----------
    spec : str, Mapping, VerticalDefinition or None
        A code ("EPSG:5737"), a name ("NAP", "1985国家高程基准", "ellipsoidal", "above_ground"), either with a unit
        ("EPSG:5703 in foot"), or {datum: ..., unit: ...}. None is "unresolved".

    Returns
    -------
    VerticalDefinition
        Frozen; `str()` of it is read back as the same.

    Raises
    ------
    DefinitionError
        If it is not understood, or counts downwards.

    Examples
    --------
    >>> vertical_definition("1985国家高程基准").name, str(vertical_definition({"datum": "NAVD88", "unit": "foot"}))
    ('EPSG:5737', 'EPSG:5703 in foot')
    """
    if isinstance(spec, VerticalDefinition):
        return spec
    if spec is None:
        return _named(UNRESOLVED)
    if isinstance(spec, dict):
        unknown = sorted(set(spec) - {"datum", "unit"})
        if unknown or "datum" not in spec:
            raise DefinitionError(f"vertical {spec!r} must be {{datum: ..., unit: ...}}; datum is a code or a name")
        plain, unit = str(spec["datum"]), spec.get("unit")
    else:
        match = _WITH_UNIT.fullmatch(str(spec).strip())
        plain, unit = (match["name"], match["unit"]) if match else (str(spec), None)
    found = _named(plain.strip())
    if unit is None:
        return found
    if is_angle(str(unit)):
        raise DefinitionError(f"unit {unit!r} of heights must be a length; write metre or foot")
    return dataclasses.replace(found, unit=resolve_unit(str(unit))[0])


@lru_cache(maxsize=256)
def _named(text: str) -> VerticalDefinition:
    """Recognise a vertical datum by name or code."""
    name = _BY_KEY.get(alias_key(text), text)
    if name in _KINDS:
        return VerticalDefinition(name=name, title=_TITLES[name], kind=_KINDS[name])
    refuse_foreign_files(name)
    try:
        parsed = CRS.from_user_input(name)
    except CRSError as fault:
        raise DefinitionError(
            f"vertical {text!r} is not known; write a code such as 'EPSG:5737', a name such as 'NAP', 'ellipsoidal', "
            "'above_ground', or 'unresolved'"
        ) from fault
    if not parsed.is_vertical or parsed.is_compound or parsed.axis_info[0].direction != "up":
        raise DefinitionError(f"vertical {text!r} ({parsed.name}) is no height upwards; write for instance 'EPSG:5737'")
    code = ":".join(parsed.to_authority(min_confidence=70) or (parsed.name,))
    return VerticalDefinition(
        name=code,
        title=_TITLES.get(code, parsed.name),
        kind="gravity",
        unit=resolve_unit(parsed.axis_info[0].unit_name)[0],
    )


def title_of(tag: str) -> str:
    """Say what heights with a vertical tag refer to.

    Parameters
    ----------
    tag : str
        As `PositionDefinition.vertical` carries it.

    Returns
    -------
    str
        The name of the datum, or "unresolved".

    Examples
    --------
    >>> title_of("EPSG:5720")
    'NGF-IGN69 height (EPSG:5720)'
    """
    if tag == UNRESOLVED:
        return UNRESOLVED
    title = _TITLES.get(tag)
    return f"{title} ({tag})" if title else tag
