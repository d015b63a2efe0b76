"""Write docs/reference/positions.md: every definition, tried out.

python docs/make_positions_table.py

Each line is measured when this runs: where a place comes out, how exactly it comes back over the whole area, and what a
bad value gets. A test runs it again and compares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

import crs
from crs import china
from crs.registry import entry

PAGE = Path(__file__).resolve().parent / "reference" / "positions.md"
HUB = "OGC:CRS84"
#: Round trips are told as the bound that they keep, so that the page is the same on every machine.
BOUNDS_M = ((1e-7, "0.1 µm"), (1e-6, "1 µm"), (1e-3, "1 mm"), (1e-2, "1 cm"))
#: The place of a definition of the whole world: Monaco.
WORLDWIDE = (7.42, 43.73)
GIVEN = {"parameters": [15.8, -154.4, -82.3], "accuracy_m": 5, "source": "survey office"}
STRIPS = (
    ("6-degree strips, number in front", range(4491, 4502)),
    ("6-degree strips, by central meridian", range(4502, 4513)),
    ("3-degree strips, number in front", range(4513, 4534)),
    ("3-degree strips, by central meridian", range(4534, 4555)),
)
OLD = (
    ("Beijing 1954", "EPSG:4214", "2401-2442, 21413-21423, 21453-21463", "EPSG:2435"),
    ("Xi'an 1980", "EPSG:4610", "2327-2390", "EPSG:2383"),
)
HEAD = """# Positions: each definition, tried out

Written by `docs/make_positions_table.py`; a test runs it again and compares. The place of a line is the middle of its
area. *Forward* is from WGS 84 longitude, latitude to the numbers of the definition, x or longitude first; *inverse* is
the way back. *Back within* is the worst of 2,500 places over the area, there and back (for GCJ-02 and BD-09 of
those clear of the mask's edge). *Accuracy* is the published sigma per axis of the way to WGS 84. *Bad values* are, in
this order: both numbers swapped, a place outside, an infinite number, a missing one; each gets the code of its reason
([reason codes](reason-codes.md)). Swapped numbers are `placed` only where they are themselves a place in the area,
which no range can tell.

Any other EPSG code, WKT or PROJJSON is taken as it is if one published operation of stated accuracy holds in its whole
area and needs no file; else it is refused.

| definition | what it is | forward | inverse by | back within | accuracy, m | area | bad values |
|---|---|---|---|---|---|---|---|
"""
REFUSED_HEAD = """
## Refused without parameters

| definition | codes | what is said |
|---|---|---|
"""
TAIL = """
## Notes

- A record near the edge of the area that GCJ-02 shifts may have two origins or none. It keeps its place, is marked in
  `Shapes.ambiguous`, and its sigma reaches the other reading
  ([decision 0005](../decisions/0005-ambiguous-records-keep-their-place.md)).
- Lines and areas in GCJ-02 and BD-09 get a vertex every 500 m, because the shift bends them.
- Baidu's polynomials jump where their bands meet: by 3 mm at 15 and 30 degrees of BD-09 latitude, by 1 cm at 45.
- A bounding box is not an area of use. A published operation is used only where it is named, and outside its box
  everything is refused; that a place is inside the box does not make the operation right for it.
- CGCS2000 and WGS 84, NAD83 and NAD83(2011) are declared identities with the sigma above. `epoch:` is carried as a tag.
- Heights are not moved with positions. `crs.move_heights` takes them from one vertical datum to another by a named
  operation or grid file; without one they keep their tag, or `unresolved`, and the record its place.
"""


@dataclass(frozen=True)
class _Records:
    """The least that can be harmonised."""

    position: crs.PositionDefinition
    coordinates: Any
    name: str = "table"
    reasons: list[str | None] = field(default_factory=list)

    def column(self, name: str, /) -> Any:  # noqa: ANN401 - never asked
        raise KeyError(name)

    def with_coordinates(self, placed: crs.Placed, /) -> Self:
        return type(self)(placed.position, placed.coordinates, self.name, placed.reasons.tolist())


def _middle(code: str) -> tuple[float, float]:
    area = entry(crs.definition(code).crs or "").area
    if area.east - area.west == 360:
        return WORLDWIDE
    east = area.east + (360 if area.west > area.east else 0)
    return round(((area.west + east) / 2 + 180) % 360 - 180, 2), round((area.south + area.north) / 2, 2)


def _is_shifted(code: object) -> bool:
    return any(datum.method == "gcj02" for datum in entry(str(crs.definition(code).crs)).datum.chain)


def _round_trip_m(code: object) -> float:
    area = entry(str(crs.definition(code).crs)).area
    east = area.east + (360 if area.west > area.east else 0)
    # Not the poles and not the dateline, where a longitude has two names.
    south, north = max(area.south, -85.0), min(area.north, 85.0)
    lon, lat = np.meshgrid(np.linspace(area.west, east, 52)[1:-1], np.linspace(south, north, 52)[1:-1])
    lon, lat = (lon.ravel() + 180) % 360 - 180, lat.ravel()
    if _is_shifted(code):
        clear = ~china.near_mask_edge(lon, lat)
        lon, lat = lon[clear], lat[clear]
    back = crs.transform(*crs.transform(lon, lat, source=HUB, target=code), source=code, target=HUB)
    return float(crs.geodesy.distances_m(*back, lon, lat).max())


def _bound(metres: float) -> str:
    return next((text for limit, text in BOUNDS_M if metres <= limit), "more")


def _bad(code: object, x: float, y: float) -> str:
    """Harmonise four bad records and return the codes of their reasons."""
    position = crs.definition(code)
    columns = tuple(
        np.array(column, dtype=object) for column in ([y, x * 1.9 + 1.0, math.inf, ""], [x, y * 30.0, y, y])
    )
    position = crs.definition({"definition": position.crs, "columns": ["x", "y"]})
    reasons = crs.harmonise(_Records(position, crs.Fields(columns))).reasons
    return ", ".join("placed" if reason is None else f"`{reason.split(':')[0]}`" for reason in reasons)


def _line(code: str, what: str, codes: tuple[str, ...] = ()) -> str:
    """Try a definition out; `codes` are others of its kind, of which the worst counts."""
    known = entry(str(crs.definition(code).crs))
    lon, lat = _middle(code)
    x, y = (float(part[0]) for part in crs.transform([lon], [lat], source=HUB, target=code))
    digits = 7 if known.is_geographic else 3
    way = crs.operation(code, HUB)
    worst = max(_round_trip_m(one) for one in (code, *codes))
    accuracy = f"{way.accuracy_m:.3g}"
    if _is_shifted(code):
        nearest = math.hypot(1.0, *(datum.accuracy_m for datum in known.datum.chain if datum.method != "gcj02"))
        accuracy = f"{nearest:.3g} (east) to {accuracy} (west)"
    cells = (
        f"`{code}`",
        what,
        f"({lon:g}, {lat:g}) to ({x:.{digits}f}, {y:.{digits}f})",
        way.name,
        _bound(worst),
        accuracy,
        str(known.area),
        _bad(code, x, y),
    )
    return "| " + " | ".join(cells) + " |"


def _given_line(name: str, code: str) -> str:
    spec = {"definition": code, "shift": GIVEN}
    known = entry(str(crs.definition(spec).crs))
    lon, lat = _middle(str(crs.definition(spec).crs))
    x, y = (float(part[0]) for part in crs.transform([lon], [lat], source=HUB, target=spec))
    cells = (
        f"`{{definition: {code}, shift: {{...}}}}`",
        f"{name} by given parameters (here those of EPSG:15921, stated as 5 m)",
        f"({lon:g}, {lat:g}) to ({x:.3f}, {y:.3f})",
        crs.operation(spec, HUB).name,
        _bound(_round_trip_m(spec)),
        f"{crs.operation(spec, HUB).accuracy_m:.3g}",
        str(known.area),
        _bad(spec, x, y),
    )
    return "| " + " | ".join(cells) + " |"


def _refused_line(name: str, code: str, projected: str) -> str:
    try:
        crs.operation(code, HUB)
    except crs.OperationRefusedError as refusal:
        return f"| {name} | {code}, EPSG:{projected} | {refusal} |"
    raise AssertionError(f"{code} is no longer refused")


def write_table() -> str:
    """Try every definition out.

    Returns
    -------
    str
        The page.
    """
    strips = {f"EPSG:{number}" for _, numbers in STRIPS for number in numbers}
    lines = [_line(code, entry(code).title) for code in crs.definitions() if code not in strips]
    for what, numbers in STRIPS:
        codes = [f"EPSG:{number}" for number in numbers]
        middle = codes[len(codes) // 2]
        lines.append(_line(middle, f"CGCS2000 {what}: `{codes[0]}` to `{codes[-1]}`", tuple(codes)))
    lines += [_given_line(name, example) for name, _, _, example in OLD]
    refused = [_refused_line(name, code, projected) for name, code, projected, _ in OLD]
    return HEAD + "\n".join(lines) + "\n" + REFUSED_HEAD + "\n".join(refused) + "\n" + TAIL


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(write_table(), encoding="utf-8")
