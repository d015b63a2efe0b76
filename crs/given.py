"""Frames with parameters that somebody gave: a datum shift for an old frame, a local grid of a city.

Such a frame has no code. Its canonical text, JSON with sorted keys, stands where a code would, so that equal
parameters are one definition with one Dask token, whoever wrote them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crs.control_points import Plane, check_kind, estimate_plane, read_control_points
from crs.entries import Area
from crs.errors import DefinitionError
from crs.parameters import check_mapping, check_metres, check_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GivenGrid", "GivenShift", "ReferredGrid", "grid_of", "read_given", "shift_of"]

_SHIFT_KEYS = {"parameters", "convention", "accuracy_m", "source", "to", "area", "operation"}
_GRID_KEYS = {"name", "base", "similarity", "affine", "control_points", "sigma_m", "area", "kind"}
_CONVENTIONS = ("position_vector", "coordinate_frame")
#: Beyond these a parameter is in another unit than metres, arc-seconds and parts per million.
_GREATEST = (2000.0, 2000.0, 2000.0, 60.0, 60.0, 60.0, 500.0)


@dataclass(frozen=True, kw_only=True)
class GivenShift:
    """Parameters from a frame to another, as somebody gave them.

    Parameters
    ----------
    definition : str
        Authority code or WKT of the frame whose numbers they are.
    parameters : tuple of float
        tx, ty, tz in metres and perhaps rx, ry, rz in arc-seconds and ds in parts per million; empty where a published
        operation is named.
    convention : str
        "position_vector" or "coordinate_frame", the sign of the rotations; "" where there are none.
    accuracy_m : float
        Sigma per horizontal axis, metres; 0 where a published operation says it.
    source : str
        Who gave them.
    to : str
        The frame that they lead to.
    operation : str
        Authority code of a published operation, or "".
    area : Area or None
        Where they hold, if that was said.
    """

    definition: str
    parameters: tuple[float, ...] = ()
    convention: str = ""
    accuracy_m: float = 0.0
    source: str = ""
    to: str = "EPSG:4490"
    operation: str = ""
    area: Area | None = None

    @property
    def text(self) -> str:
        """Canonical text, in place of a code."""
        shift = {
            "parameters": list(self.parameters),
            "convention": self.convention,
            "accuracy_m": self.accuracy_m,
            "source": self.source,
            "to": self.to,
            "operation": self.operation,
            "area": _box(self.area),
        }
        return _canonical({"definition": self.definition, "shift": shift})


@dataclass(frozen=True, kw_only=True)
class GivenGrid:
    """A local grid on top of a published one.

    Parameters
    ----------
    name : str
        What the city calls it.
    base : str
        Code or canonical text of the grid beneath.
    plane : tuple of float
        (a, b, c, d, e, f): base x = a x + b y + c, base y = d x + e y + f.
    sigma_m : float
        Stated or estimated sigma per axis, metres.
    note : str
        How the parameters came about, residuals included.
    area : Area or None
        Where the grid holds, if that was said.
    """

    name: str
    base: str
    plane: Plane
    sigma_m: float
    note: str
    area: Area | None = None

    @property
    def text(self) -> str:
        """Canonical text, in place of a code."""
        grid = {
            "name": self.name,
            "base": self.base,
            "affine": list(self.plane),
            "sigma_m": self.sigma_m,
            "note": self.note,
            "area": _box(self.area),
        }
        return _canonical({"local_grid": grid})


@dataclass(frozen=True, kw_only=True)
class ReferredGrid:
    """A local grid whose control points are a layer: `crs.harmonise` works it out when it is handed over.

    Parameters
    ----------
    name : str
        What the city calls it.
    base : str
        Code or canonical text of the grid beneath.
    points : str
        Name of the layer of control points.
    x, y : str
        Its columns with the coordinates in the local grid.
    label : str or None
        Its column with the names of the points.
    kind : str
        "similarity" or "affine".
    sigma_m : float or None
        Stated sigma of the points per axis, metres.
    area : Area or None
        Where the grid holds, if that was said.
    """

    name: str
    base: str
    points: str
    x: str
    y: str
    label: str | None = None
    kind: str = "similarity"
    sigma_m: float | None = None
    area: Area | None = None

    @property
    def text(self) -> str:
        """Canonical text, in place of a code."""
        grid = {
            "name": self.name,
            "base": self.base,
            "control_points": {"points": self.points, "x": self.x, "y": self.y, "label": self.label},
            "kind": self.kind,
            "sigma_m": self.sigma_m,
            "area": _box(self.area),
        }
        return _canonical({"local_grid": grid})


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _box(area: Area | None) -> list[float] | None:
    return None if area is None else [area.west, area.south, area.east, area.north]


def read_given(text: str) -> GivenShift | GivenGrid | ReferredGrid | None:
    """Read a canonical text back.

    Parameters
    ----------
    text : str
        Any code or text.

    Returns
    -------
    GivenShift, GivenGrid, ReferredGrid or None
        None if it is something else: a code, WKT, PROJJSON.

    Raises
    ------
    DefinitionError
        If it only looks like one.
    """
    if not text.startswith(('{"definition":', '{"local_grid":')):
        return None
    try:
        content = json.loads(text)
        if "shift" in content:
            shift = dict(content["shift"])
            box = shift.pop("area")
            shift["parameters"] = tuple(shift["parameters"])
            return GivenShift(definition=content["definition"], area=None if box is None else Area(*box), **shift)
        grid = dict(content["local_grid"])
        box = grid.pop("area")
        area = None if box is None else Area(*box)
        if "control_points" in grid:
            return ReferredGrid(area=area, **grid.pop("control_points"), **grid)
        return GivenGrid(plane=tuple(grid.pop("affine")), area=area, **grid)
    except (ValueError, KeyError, TypeError) as fault:
        raise DefinitionError(
            f"{text[:60]!r} is no text that this engine wrote; hand the parameters over as a mapping"
        ) from fault


def shift_of(code: str, spec: object) -> GivenShift:
    """Read the `shift:` of a position.

    Parameters
    ----------
    code : str
        Authority code or WKT of the frame.
    spec : object
        A mapping with `parameters`, `convention`, `accuracy_m` and `source`, or with `operation`.

    Returns
    -------
    GivenShift
        Checked.

    Raises
    ------
    DefinitionError
        If something is missing or is in the wrong unit.

    Examples
    --------
    >>> said = {"parameters": [15.8, -154.4, -82.3], "accuracy_m": 1.0, "source": "survey office"}
    >>> shift_of("EPSG:4214", said).parameters
    (15.8, -154.4, -82.3)
    """
    where = f"shift of {code[:40]}"
    content = check_mapping(spec, _SHIFT_KEYS, where=where)
    area = _area_of(content, where)
    if "operation" in content:
        if set(content) - {"operation", "area"}:
            raise DefinitionError(f"{where}: a published `operation` brings its own parameters; leave the others out")
        return GivenShift(definition=code, operation=str(content["operation"]).upper(), area=area)
    parameters = check_numbers(content.get("parameters"), (3, 7), where=where, what="parameters")
    for number, greatest in zip(parameters, _GREATEST, strict=False):
        if abs(number) > greatest:
            raise DefinitionError(
                f"{where}: {number:g} is too much; write tx, ty, tz in metres, rx, ry, rz in arc-seconds, ds in ppm"
            )
    if not any(parameters):
        raise DefinitionError(f"{where}: parameters that are all 0 move nothing; write those of your city")
    convention = str(content.get("convention", ""))
    if len(parameters) == 7 and convention not in _CONVENTIONS:
        raise DefinitionError(
            f"{where}: seven parameters need `convention:`, {' or '.join(_CONVENTIONS)}: the sign of the rotations"
        )
    source = str(content.get("source", "")).strip()
    if not source:
        raise DefinitionError(f"{where}: says no `source:`; write who gave the parameters")
    return GivenShift(
        definition=code,
        parameters=parameters,
        convention=convention if len(parameters) == 7 else "",
        accuracy_m=check_metres(content.get("accuracy_m"), where=where, what="accuracy_m"),
        source=source,
        to=str(content.get("to", "EPSG:4490")).upper(),
        area=area,
    )


def grid_of(spec: object, base: str) -> GivenGrid | ReferredGrid:
    """Read the `local_grid:` of a position.

    Parameters
    ----------
    spec : object
        A mapping with `name`, `base`, `sigma_m` and one of `similarity` ([dx, dy, rotation_deg, scale]), `affine`
        ([a, b, c, d, e, f], as rasterio writes it) or `control_points` (rows of x, y, base x, base y, a CSV file
        with these columns, or the name of a layer and its columns x and y).
    base : str
        Code or canonical text of the frame that `base` names.

    Returns
    -------
    GivenGrid or ReferredGrid
        Checked, or estimated from the control points; where these are a layer, that is left to `crs.harmonise`.

    Raises
    ------
    DefinitionError
        If something is missing or does not fit.

    Examples
    --------
    >>> said = {"name": "site", "base": "EPSG:4547", "similarity": [500000, 2490000, 0, 1], "sigma_m": 0.05}
    >>> grid_of(said, "EPSG:4547").plane
    (1.0, -0.0, 500000.0, 0.0, 1.0, 2490000.0)
    """
    content = check_mapping(spec, _GRID_KEYS, where="local_grid")
    name = str(content.get("name", "")).strip()
    if not name:
        raise DefinitionError("local_grid: says no `name:`; write what the city calls it")
    where = f"local_grid {name!r}"
    said = [key for key in ("similarity", "affine", "control_points") if key in content]
    if len(said) != 1:
        raise DefinitionError(f"{where}: write exactly one of similarity, affine or control_points, found {said}")
    area = _area_of(content, where)
    if said == ["control_points"]:
        return _from_points(content, base, area, name=name)
    sigma_m = check_metres(content.get("sigma_m"), where=where, what="sigma_m")
    if said == ["similarity"]:
        dx, dy, rotation_deg, scale = check_numbers(content["similarity"], (4,), where=where, what="similarity")
        turn = math.radians(rotation_deg)
        a, d = scale * math.cos(turn), scale * math.sin(turn)
        plane = (a, -d, dx, d, a, dy)
    else:
        a, b, c, d, e, f = check_numbers(content["affine"], (6,), where=where, what="affine")
        plane = (a, b, c, d, e, f)
    if plane[0] * plane[4] - plane[1] * plane[3] == 0:
        raise DefinitionError(f"{where}: {said[0]} {content[said[0]]} has no way back; its scale is 0")
    return GivenGrid(name=name, base=base, plane=plane, sigma_m=sigma_m, note=f"{said[0]} as given", area=area)


def _from_points(content: Mapping[str, Any], base: str, area: Area | None, *, name: str) -> GivenGrid | ReferredGrid:
    """Read a grid that control points tell: estimate it, or say which layer holds them."""
    where = f"local_grid {name!r}"
    said = content["control_points"]
    kind = check_kind(content.get("kind", "similarity"), where=where)
    stated_m = check_metres(content["sigma_m"], where=where, what="sigma_m") if "sigma_m" in content else None
    if isinstance(said, dict):
        inner = f"{where}, control_points"
        words = check_mapping(said, {"points", "x", "y", "name"}, where=inner)
        lacking = [key for key in ("points", "x", "y") if not isinstance(words.get(key), str)]
        if lacking or not isinstance(words.get("name", ""), str):
            raise DefinitionError(
                f"{inner}: {', '.join(lacking) or 'name'} must be text; write {{points: LAYER, x: column, y: column}}, "
                "the columns with the coordinates in the local grid"
            )
        return ReferredGrid(
            name=name,
            base=base,
            points=words["points"],
            x=words["x"],
            y=words["y"],
            label=words.get("name"),
            kind=kind,
            sigma_m=stated_m,
            area=area,
        )
    points = read_control_points(said, where=where)
    found = estimate_plane(points, kind=kind, base=base, sigma_m=stated_m, where=where)
    return GivenGrid(name=name, base=base, plane=found.plane, sigma_m=found.sigma_m, note=found.note, area=area)


def _area_of(content: Mapping[str, Any], where: str) -> Area | None:
    if content.get("area") is None:
        return None
    west, south, east, north = check_numbers(content["area"], (4,), where=where, what="area")
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90):
        raise DefinitionError(f"{where}: area must be [west, south, east, north] in degrees")
    return Area(west, south, east, north)
