"""Local grids from control points: least squares, with a named suspect instead of a quiet average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from crs.definition import definition
from crs.engineering.errors import ControlPointError
from crs.engineering.local_grid import LocalGrid, Residual
from crs.units import conversion_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from crs.coordinates import FloatArray

__all__ = ["estimate_affine", "estimate_similarity"]

Kind = Literal["similarity", "affine"]

_PARAMETERS: dict[Kind, int] = {"similarity": 4, "affine": 6}
#: Nobody prints control points finer than this: smaller residuals are rounding, never a gross error.
_FLOOR_M = 1e-4
#: Chance of accusing any point of a faultless set.
_FALSE_ALARM = 1e-3
#: Width of a set over its length below which it is a line, along which a plane cannot be told.
_MIN_WIDTH = 1e-3


@dataclass(frozen=True, eq=False)
class _Fit:
    """Parameters and what is left over."""

    matrix: tuple[float, float, float, float]
    local_origin: tuple[float, float]
    map_origin: tuple[float, float]
    left: FloatArray

    @property
    def sum_of_squares(self) -> float:
        return float(np.sum(self.left**2))


def _fit(kind: Kind, local: FloatArray, on_map: FloatArray) -> _Fit:
    """Fit about the centroids, where shift and matrix do not disturb each other."""
    middle, map_middle = local.mean(axis=0), on_map.mean(axis=0)
    here, there = local - middle, on_map - map_middle
    if kind == "similarity":
        # A turn and a scale are one complex factor.
        z, w = here[:, 0] + 1j * here[:, 1], there[:, 0] + 1j * there[:, 1]
        factor = complex(np.vdot(z, w) / np.vdot(z, z))
        matrix = (factor.real, -factor.imag, factor.imag, factor.real)
    else:
        solved = np.linalg.lstsq(here, there, rcond=None)[0]
        matrix = (float(solved[0, 0]), float(solved[1, 0]), float(solved[0, 1]), float(solved[1, 1]))
    left = there - here @ np.array(matrix).reshape(2, 2).T
    return _Fit(matrix, (float(middle[0]), float(middle[1])), (float(map_middle[0]), float(map_middle[1])), left)


def _points(values: ArrayLike, what: str) -> FloatArray:
    """Return control points as an array of pairs."""
    points = np.asarray(values, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ControlPointError(f"{what} points have shape {points.shape}; write n pairs of finite numbers, x first")
    return points


def _refuse_unusable(kind: Kind, local: FloatArray, on_map: FloatArray) -> None:
    """Refuse sets that do not determine the parameters."""
    needed = _PARAMETERS[kind] // 2
    if len(local) != len(on_map):
        raise ControlPointError(f"{len(local)} local but {len(on_map)} map points; give both for every control point")
    if len(local) < needed:
        raise ControlPointError(f"{len(local)} control points; {kind} needs at least {needed}, and more to be checked")
    for points, what in ((local, "local"), (on_map, "map")):
        lengths = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if lengths[0] <= 1e-9 * max(1.0, float(np.abs(points).max())):
            raise ControlPointError(f"all control points are one {what} point; give points across the whole area")
        if kind == "affine" and lengths[1] < _MIN_WIDTH * lengths[0]:
            raise ControlPointError(
                f"the {what} control points lie on one line, across which an affine grid cannot be told; "
                "give a point beside it, or estimate a similarity"
            )


def _refuse_swapped(fit: _Fit, local: FloatArray, on_map: FloatArray) -> None:
    """Refuse a similarity where x and y of one side were swapped: it fits badly, its mirror image well."""
    size = float(np.linalg.norm(on_map - on_map.mean(axis=0)))
    if np.sqrt(fit.sum_of_squares) < 0.01 * size:
        return
    mirrored = _fit("similarity", local[:, ::-1], on_map)
    if mirrored.sum_of_squares < 0.01 * fit.sum_of_squares:
        raise ControlPointError(
            "the control points fit only as a mirror image: one side is written north first (x north, y east); "
            "swap its two columns"
        )


def _gross_errors(kind: Kind, local: FloatArray, on_map: FloatArray, *, floor: float) -> list[tuple[int, float]]:
    """Find points that do not belong to the others, worst first, each with its distance from where they put it.

    The point without which the rest fits best is tested by the F-test of two more parameters (its own shift), at a
    level shared among all points; the next one among those that remain.
    """
    kept = np.arange(len(local))
    accused: list[tuple[int, float]] = []
    while 2 * (len(kept) - 1) - _PARAMETERS[kind] >= 2:
        rests = [np.delete(kept, place) for place in range(len(kept))]
        fits = [_fit(kind, local[rest], on_map[rest]) for rest in rests]
        best = int(np.argmin([fit.sum_of_squares for fit in fits]))
        freedom = 2 * (len(kept) - 1) - _PARAMETERS[kind]
        rest_squares = max(fits[best].sum_of_squares, freedom * floor**2)
        all_squares = _fit(kind, local[kept], on_map[kept]).sum_of_squares
        ratio = (all_squares - fits[best].sum_of_squares) / 2.0 / (rest_squares / freedom)
        # The quantile of F with 2 and m degrees of freedom has a closed form.
        if ratio <= freedom / 2.0 * ((_FALSE_ALARM / len(kept)) ** (-2.0 / freedom) - 1.0):
            break
        point = int(kept[best])
        fit = fits[best]
        put = np.array(fit.map_origin) + np.array(fit.matrix).reshape(2, 2) @ (local[point] - fit.local_origin)
        accused.append((point, float(np.linalg.norm(on_map[point] - put))))
        kept = rests[best]
    return accused


def _estimate(
    kind: Kind,
    points: tuple[ArrayLike, ArrayLike],
    *,
    names: Sequence[str] | None,
    frame: str | None,
    sigma_m: float | None,
) -> LocalGrid:
    """Estimate a grid of one kind."""
    local, on_map = _points(points[0], "local"), _points(points[1], "map")
    _refuse_unusable(kind, local, on_map)
    labels = [str(number) for number in range(len(local))] if names is None else [str(name) for name in names]
    if len(labels) != len(local):
        raise ControlPointError(f"{len(labels)} names for {len(local)} control points; give one for each")
    metre = 1.0 if frame is None else conversion_factor(definition(frame).unit, "metre")
    fit = _fit(kind, local, on_map)
    redundancy = 2 * len(local) - _PARAMETERS[kind]
    if kind == "similarity" and redundancy:
        _refuse_swapped(fit, local, on_map)
    accused = _gross_errors(kind, local, on_map, floor=_FLOOR_M / metre)
    if accused:
        told = ", ".join(f"{labels[point]} ({distance * metre:.3g} m off)" for point, distance in accused)
        raise ControlPointError(
            f"gross error in control points: {told}, measured from where the others put them; "
            "correct them or leave them out"
        )
    if redundancy:
        spread_m = float(np.sqrt(fit.sum_of_squares / redundancy)) * metre
        sigma = max(spread_m, sigma_m or 0.0)
    else:
        sigma = np.nan if sigma_m is None else sigma_m
    return LocalGrid(
        kind=kind,
        matrix=fit.matrix,
        local_origin=fit.local_origin,
        map_origin=fit.map_origin,
        frame=frame,
        sigma_m=float(sigma),
        redundancy=redundancy,
        residuals=tuple(
            Residual(name=label, east=float(east), north=float(north))
            for label, (east, north) in zip(labels, fit.left, strict=True)
        ),
    )


def estimate_similarity(
    local: ArrayLike,
    on_map: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    frame: str | None = None,
    sigma_m: float | None = None,
) -> LocalGrid:
    """Estimate a local grid of one scale and one turn from control points.

    Parameters
    ----------
    local, on_map : array_like
        The same points in both grids, shape (n, 2), east (x) before north (y), n at least 2.
    names : sequence of str, optional
        Names of the points, for residuals and errors; their numbers from 0 if left out.
    frame : str, optional
        Definition of the map coordinates; without it they are taken as metres.
    sigma_m : float, optional
        Stated accuracy of the points per axis, metres. Never less than what the residuals show.

    Returns
    -------
    LocalGrid
        With a residual for every point and the sigma that these show.

    Raises
    ------
    ControlPointError
        If there are too few points, they are one point, x and y were swapped, or one of them is grossly wrong: then
        with its name and how far off it is. Naming takes four points.

    References
    ----------
    Baarda (1968), A testing procedure for use in geodetic networks: one outlier at a time, as a shift of that point.

    Examples
    --------
    >>> grid = estimate_similarity([(0, 0), (100, 0)], [(500, 700), (500, 800)])
    >>> round(grid.rotation_deg, 6), round(grid.scale, 6), grid.redundancy
    (90.0, 1.0, 0)
    """
    return _estimate("similarity", (local, on_map), names=names, frame=frame, sigma_m=sigma_m)


def estimate_affine(
    local: ArrayLike,
    on_map: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    frame: str | None = None,
    sigma_m: float | None = None,
) -> LocalGrid:
    """Estimate a local grid of six parameters from control points.

    Parameters
    ----------
    local, on_map : array_like
        The same points in both grids, shape (n, 2), n at least 3 and not on one line.
    names : sequence of str, optional
        Names of the points; their numbers from 0 if left out.
    frame : str, optional
        Definition of the map coordinates; without it they are taken as metres.
    sigma_m : float, optional
        Stated accuracy of the points per axis, metres. Never less than what the residuals show.

    Returns
    -------
    LocalGrid
        As from `estimate_similarity`. Swapped axes are an affine grid like any other: see `is_mirrored`.

    Raises
    ------
    ControlPointError
        If there are too few points, they lie on one line, or one of them is grossly wrong. Naming takes five points.

    Examples
    --------
    >>> grid = estimate_affine([(0, 0), (10, 0), (0, 10)], [(5, 5), (5, 15), (15, 5)])
    >>> grid.is_mirrored
    True
    """
    return _estimate("affine", (local, on_map), names=names, frame=frame, sigma_m=sigma_m)
