"""Frames with parameters that somebody gave: a datum shift for an old frame, a local grid of a city.

Such a frame has no code. Its canonical text, JSON with sorted keys, stands where a code would, so that equal
parameters are one definition with one Dask token, whoever wrote them.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crs.entries import Area
from crs.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["GivenGrid", "GivenShift", "grid_of", "read_given", "register_estimators", "shift_of"]

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
    plane: tuple[float, float, float, float, float, float]
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


class _Estimated(Protocol):
    """What an estimator gives."""

    matrix: tuple[float, float, float, float]
    local_origin: tuple[float, float]
    map_origin: tuple[float, float]
    sigma_m: float
    redundancy: int
    residuals: tuple[Any, ...]


_ESTIMATORS: dict[str, Callable[..., Any]] = {}


def register_estimators(**estimators: Callable[..., Any]) -> None:
    """Take the estimators of local grids from the room above, which stands on definitions itself.

    Parameters
    ----------
    **estimators : callable
        "similarity" and "affine", as in `crs.engineering`.
    """
    _ESTIMATORS.update(estimators)


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _box(area: Area | None) -> list[float] | None:
    return None if area is None else [area.west, area.south, area.east, area.north]


def read_given(text: str) -> GivenShift | GivenGrid | None:
    """Read a canonical text back.

    Parameters
    ----------
    text : str
        Any code or text.

    Returns
    -------
    GivenShift, GivenGrid or None
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
            area = shift.pop("area")
            shift["parameters"] = tuple(shift["parameters"])
            return GivenShift(definition=content["definition"], area=None if area is None else Area(*area), **shift)
        grid = dict(content["local_grid"])
        area = grid.pop("area")
        plane = tuple(grid.pop("affine"))
        return GivenGrid(plane=plane, area=None if area is None else Area(*area), **grid)
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
    content = _mapping(spec, _SHIFT_KEYS, where)
    area = _area_of(content, where)
    if "operation" in content:
        if set(content) - {"operation", "area"}:
            raise DefinitionError(f"{where}: a published `operation` brings its own parameters; leave the others out")
        return GivenShift(definition=code, operation=str(content["operation"]).upper(), area=area)
    parameters = _numbers(content.get("parameters"), where, "parameters", (3, 7))
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
        accuracy_m=_positive(content.get("accuracy_m"), where, "accuracy_m"),
        source=source,
        to=str(content.get("to", "EPSG:4490")).upper(),
        area=area,
    )


def grid_of(spec: object, base: str) -> GivenGrid:
    """Read the `local_grid:` of a position.

    Parameters
    ----------
    spec : object
        A mapping with `name`, `base`, `sigma_m` and one of `similarity` ([dx, dy, rotation_deg, scale]), `affine`
        ([a, b, c, d, e, f], as rasterio writes it) or `control_points` (rows of x, y, base x, base y, or a
        CSV file with these columns).
    base : str
        Code or canonical text of the frame that `base` names.

    Returns
    -------
    GivenGrid
        Checked, or estimated from the control points.

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
    content = _mapping(spec, _GRID_KEYS, "local_grid")
    name = str(content.get("name", "")).strip()
    if not name:
        raise DefinitionError("local_grid: says no `name:`; write what the city calls it")
    where = f"local_grid {name!r}"
    said = [key for key in ("similarity", "affine", "control_points") if key in content]
    if len(said) != 1:
        raise DefinitionError(f"{where}: write exactly one of similarity, affine or control_points, found {said}")
    area = _area_of(content, where)
    if said == ["control_points"]:
        plane, sigma_m, note = _estimate(content, where)
        return GivenGrid(name=name, base=base, plane=plane, sigma_m=sigma_m, note=note, area=area)
    sigma_m = _positive(content.get("sigma_m"), where, "sigma_m")
    if said == ["similarity"]:
        dx, dy, rotation_deg, scale = _numbers(content["similarity"], where, "similarity", (4,))
        turn = math.radians(rotation_deg)
        a, d = scale * math.cos(turn), scale * math.sin(turn)
        plane = (a, -d, dx, d, a, dy)
    else:
        a, b, c, d, e, f = _numbers(content["affine"], where, "affine", (6,))
        plane = (a, b, c, d, e, f)
    if plane[0] * plane[4] - plane[1] * plane[3] == 0:
        raise DefinitionError(f"{where}: {said[0]} {content[said[0]]} has no way back; its scale is 0")
    return GivenGrid(name=name, base=base, plane=plane, sigma_m=sigma_m, note=f"{said[0]} as given", area=area)


def _estimate(
    content: Mapping[str, Any], where: str
) -> tuple[tuple[float, float, float, float, float, float], float, str]:
    """Estimate the plane of a local grid from control points, residuals told."""
    kind = str(content.get("kind", "similarity"))
    if kind not in _ESTIMATORS:
        raise DefinitionError(f"{where}: kind {kind!r} is not known; write similarity or affine")
    names, points = _control_points(content["control_points"], where)
    stated = _positive(content["sigma_m"], where, "sigma_m") if "sigma_m" in content else None
    grid: _Estimated = _ESTIMATORS[kind](
        [row[:2] for row in points], [row[2:] for row in points], names=names, sigma_m=stated
    )
    if not grid.sigma_m > 0:
        raise DefinitionError(
            f"{where}: {len(points)} control points leave nothing over to tell an accuracy from; write `sigma_m:` or "
            "give more points"
        )
    a, b, d, e = grid.matrix
    (x, y), (east, north) = grid.local_origin, grid.map_origin
    plane = (a, b, east - a * x - b * y, d, e, north - d * x - e * y)
    worst = max(grid.residuals, key=lambda residual: float(residual.length))
    note = (
        f"{kind} from {len(points)} control points, sigma {grid.sigma_m:.3g} m per axis, greatest residual "
        f"{worst.length:.3g} at point {worst.name}"
    )
    return plane, float(grid.sigma_m), note


def _control_points(said: object, where: str) -> tuple[list[str], list[tuple[float, ...]]]:
    """Return names and rows of control points, from a list or from a CSV file with a header."""
    if isinstance(said, str):
        path = Path(said)
        if not path.is_file():
            raise DefinitionError(
                f"{where}: control_points {said!r} is no file; write its path, or the rows themselves"
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            records = list(csv.DictReader(file))
        columns = ("x", "y", "base_x", "base_y")
        try:
            rows: list[object] = [[float(record[column]) for column in columns] for record in records]
        except (KeyError, TypeError, ValueError) as fault:
            raise DefinitionError(
                f"{where}: {path.name} must have columns {', '.join(columns)} of numbers (and perhaps name)"
            ) from fault
        names = [record.get("name") or str(number) for number, record in enumerate(records, start=1)]
    else:
        rows = list(said) if isinstance(said, list | tuple) else []
        names = [str(number) for number in range(1, len(rows) + 1)]
    if not rows:
        raise DefinitionError(f"{where}: control_points must be rows of [x, y, base x, base y]")
    return names, [
        _numbers(row, f"{where}, control point {n}", "row", (4,)) for n, row in zip(names, rows, strict=True)
    ]


def _mapping(spec: object, known: set[str], where: str) -> dict[str, Any]:
    if not isinstance(spec, dict):
        raise DefinitionError(f"{where}: must be a mapping with some of {', '.join(sorted(known))}")
    unknown = sorted(set(spec) - known)
    if unknown:
        raise DefinitionError(f"{where}: unknown {', '.join(map(repr, unknown))}; known are {', '.join(sorted(known))}")
    return spec


def _numbers(values: object, where: str, what: str, counts: tuple[int, ...]) -> tuple[float, ...]:
    if isinstance(values, list | tuple) and len(values) in counts:
        numbers = [value for value in values if isinstance(value, int | float) and math.isfinite(value)]
        if len(numbers) == len(values):
            return tuple(float(value) for value in numbers)
    wanted = " or ".join(map(str, counts))
    raise DefinitionError(f"{where}: {what} must be {wanted} numbers, found {values!r}")


def _positive(value: object, where: str, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise DefinitionError(f"{where}: {what} {value!r} must be a number of metres above 0; nothing is exact")
    return float(value)


def _area_of(content: Mapping[str, Any], where: str) -> Area | None:
    if content.get("area") is None:
        return None
    west, south, east, north = _numbers(content["area"], where, "area", (4,))
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90):
        raise DefinitionError(f"{where}: area must be [west, south, east, north] in degrees")
    return Area(west, south, east, north)
