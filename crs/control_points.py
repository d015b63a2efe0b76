"""Control points of a local grid, written as rows or as a CSV file, and the plane that they give."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crs.errors import DefinitionError
from crs.parameters import check_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "ControlPoints",
    "EstimatedPlane",
    "Plane",
    "check_kind",
    "estimate_plane",
    "read_control_points",
    "register_estimators",
]

#: (a, b, c, d, e, f): base x = a x + b y + c, base y = d x + e y + f.
Plane = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class ControlPoints:
    """Places that are known in two grids.

    Parameters
    ----------
    names : tuple of str
        What they are called.
    local, on_base : sequence of sequence of float
        x and y in the local grid and in the grid beneath, in its unit.
    """

    names: tuple[str, ...]
    local: Sequence[Sequence[float]]
    on_base: Sequence[Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class EstimatedPlane:
    """What control points give.

    Parameters
    ----------
    plane : tuple of float
        As `Plane`.
    sigma_m : float
        Sigma of a control point per axis, metres.
    note : str
        How it came about, with the greatest residual.
    residuals_m : tuple of (str, float, float)
        Name of each point, and given minus computed, east and north, metres.
    """

    plane: Plane
    sigma_m: float
    note: str
    residuals_m: tuple[tuple[str, float, float], ...]

    @property
    def rms_m(self) -> float:
        """Root of the mean square of the lengths of the residuals, metres."""
        return math.sqrt(sum(east**2 + north**2 for _, east, north in self.residuals_m) / len(self.residuals_m))


class _Estimated(Protocol):
    """What an estimator gives."""

    matrix: tuple[float, float, float, float]
    local_origin: tuple[float, float]
    map_origin: tuple[float, float]
    sigma_m: float
    map_unit_m: float
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


def estimate_plane(points: ControlPoints, *, kind: str, base: str, sigma_m: float | None, where: str) -> EstimatedPlane:
    """Estimate the plane of a local grid from control points.

    Parameters
    ----------
    points : ControlPoints
        In both grids.
    kind : str
        "similarity" or "affine".
    base : str
        Code or canonical text of the grid beneath.
    sigma_m : float or None
        Stated accuracy of the points per axis, metres. The result is never better than what the residuals show.
    where : str
        For messages.

    Returns
    -------
    EstimatedPlane
        With the residual of every point.

    Raises
    ------
    DefinitionError
        If nothing tells how accurate it is.
    ControlPointError
        If the points do not determine it, or one of them does not belong: it is named.
    """
    check_kind(kind, where=where)
    grid: _Estimated = _ESTIMATORS[kind](points.local, points.on_base, names=points.names, frame=base, sigma_m=sigma_m)
    if not grid.sigma_m > 0:
        raise DefinitionError(
            f"{where}: {len(points.names)} control points leave nothing over to tell an accuracy from; write "
            "`sigma_m:` or give more points"
        )
    a, b, d, e = grid.matrix
    (x, y), (east, north) = grid.local_origin, grid.map_origin
    metre = grid.map_unit_m
    residuals_m = tuple((each.name, each.east * metre, each.north * metre) for each in grid.residuals)
    worst = max(grid.residuals, key=lambda residual: float(residual.length))
    note = (
        f"{kind} from {len(points.names)} control points, sigma {grid.sigma_m:.3g} m per axis, greatest residual "
        f"{worst.length * metre:.3g} m at point {worst.name}"
    )
    return EstimatedPlane(
        plane=(a, b, east - a * x - b * y, d, e, north - d * x - e * y),
        sigma_m=float(grid.sigma_m),
        note=note,
        residuals_m=residuals_m,
    )


def check_kind(said: object, *, where: str) -> str:
    """Return the kind of a local grid.

    Parameters
    ----------
    said : object
        What was written.
    where : str
        For messages.

    Returns
    -------
    str
        "similarity" or "affine".

    Raises
    ------
    DefinitionError
        If there is no such kind.
    """
    if said not in _ESTIMATORS:
        raise DefinitionError(f"{where}: kind {said!r} is not known; write similarity or affine")
    return str(said)


def read_control_points(said: object, *, where: str) -> ControlPoints:
    """Read control points, from rows or from a CSV file with a header.

    Parameters
    ----------
    said : object
        Rows of [x, y, base x, base y], or the path of a file with the columns x, y, base_x, base_y and perhaps name.
    where : str
        For messages.

    Returns
    -------
    ControlPoints
        Finite numbers; points without a name bear their number from 1.

    Raises
    ------
    DefinitionError
        If there are none, or one of them is no row of four numbers.
    """
    if isinstance(said, str):
        path = Path(said)
        if not path.is_file():
            raise DefinitionError(
                f"{where}: control_points {said!r} is no file; write its path, or the rows themselves"
            )
        columns = ("x", "y", "base_x", "base_y")
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                records = list(csv.DictReader(file))
            rows: list[object] = [[float(record[column]) for column in columns] for record in records]
        except (KeyError, TypeError, ValueError, csv.Error) as fault:
            raise DefinitionError(
                f"{where}: {path.name} must have columns {', '.join(columns)} of numbers (and perhaps name)"
            ) from fault
        names = [record.get("name") or str(number) for number, record in enumerate(records, start=1)]
    else:
        rows = list(said) if isinstance(said, list | tuple) else []
        names = [str(number) for number in range(1, len(rows) + 1)]
    if not rows:
        raise DefinitionError(
            f"{where}: control_points must be rows of [x, y, base x, base y], the path of a file of them, or "
            "{points: LAYER, x: column, y: column}"
        )
    numbers = [
        check_numbers(row, (4,), where=f"{where}, control point {name}", what="row")
        for name, row in zip(names, rows, strict=True)
    ]
    return ControlPoints(names=tuple(names), local=[row[:2] for row in numbers], on_base=[row[2:] for row in numbers])
