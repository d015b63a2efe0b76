"""What unknown shifts of all positions would say: coarse to fine, out to 1.5 km."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numba
import numpy as np

from crs.detection.evidence import MODELS, averaged, bins_of
from crs.detection.nearest import FAR_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray
    from crs.detection.evidence import Fit, Reference

__all__ = ["Scan", "scan"]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")

#: How far shifts are looked for: farther than any map is moved (BD-09, 1.5 km).
_REACH_M = 1500.0
#: Pixels of the coarse search, wider where there would be more than four million.
_PIXEL_M, _MOST_PIXELS = 10.0, 4_000_000
#: So many records are moved about at most, coarsely and finely: shifts move all alike.
_COARSE_RECORDS, _FINE_RECORDS = 120, 160
#: Models of the coarse search: noise and strays, the pixel's own error of some metres included.
_COARSE_MODELS = (MODELS.index((8.0, 0.1)), MODELS.index((18.0, 0.1)), MODELS.index((12.0, 0.45)))
#: A single model says so much more than the average over all, about the best of them.
_ONE_OF_MANY = 2.5
#: Peaks of the coarse search that are looked at finely, and the steps: about no shift, about peaks, about the best.
_PEAKS, _APART = 24, 3
_ABOUT_ZERO, _ABOUT_PEAK, _ABOUT_BEST = (48.0, 6.0), (10.0, 4.0), (8.0, 2.0)
#: One unit of log-likelihood is so many steps of the coarse search's bytes.
_STEPS = 16.0
#: As good as the best: the usual two units of log-likelihood, and one for the grid.
_AS_GOOD = 3.0


@dataclass(frozen=True, eq=False)
class Scan:
    """What unknown shifts of the positions would say.

    Parameters
    ----------
    log_likelihood : float
        Of an unknown shift, against chance: every size of shift from the tolerance to 1.5 km as likely as any other by
        its logarithm, in every direction.
    total : float
        Log-likelihood of the best shift, against chance.
    east_m, north_m : float
        The best shift.
    sigma_m : float
        Its standard deviation per axis.
    extent_m : float
        How far shifts reach that fit as well as the best one: where that is far, the data do not pin a definition.
    """

    log_likelihood: float
    total: float
    east_m: float
    north_m: float
    sigma_m: float
    extent_m: float

    def turned(self) -> Scan:
        """Return the same shift of the others: where the reference was moved and not the records."""
        return replace(self, east_m=-self.east_m, north_m=-self.north_m)


def scan(reference: Reference, found: Fit, *, inflation: float, tolerance_m: float) -> Scan:
    """Move the positions about as one and see where they fit.

    Parameters
    ----------
    reference : Reference
        Of the same kind of entity.
    found : Fit
        The positions under one candidate.
    inflation : float
        How many records count as one.
    tolerance_m : float
        A smaller shift is no shift: definitions and references are no better than that.

    Returns
    -------
    Scan
        The best shift, how well it is known, and the likelihood of any.
    """
    read = np.flatnonzero(np.isfinite(found.x_m))
    chosen = np.random.default_rng(2).permutation(read)
    far = _coarse(reference, found, chosen[:_COARSE_RECORDS])
    near = chosen[:_FINE_RECORDS]
    nowhere = (len(found.x_m) - len(read)) * found.tables[:, -2:-1]

    def totals(offsets: FloatArray) -> FloatArray:
        """Average over the models, for every shift, of all records by those that are moved."""
        x = found.x_m[near] + offsets[:, :1]
        bins = bins_of(reference.distances_m(x, found.y_m[near] + offsets[:, 1:]))
        moved = _summed(bins, np.ascontiguousarray(found.tables.T)).T * (len(read) / len(near))
        return averaged(moved + nowhere, inflation)

    # Those that are moved stand for all: without a shift they are to say what all say.
    unmoved = float(averaged(found.totals, inflation)) - float(totals(np.zeros((1, 2)))[0])
    far_totals = (far[2] - _ONE_OF_MANY) / inflation + unmoved
    zero = _grid((0.0, 0.0), *_ABOUT_ZERO)
    peaks = _peaks(far[0], far[1], far_totals)
    fine = np.concatenate([zero, *(_grid(peak, *_ABOUT_PEAK) for peak in peaks)])
    fine_totals = totals(fine) + unmoved
    top = fine[fine_totals.argmax()]
    last = _grid((float(top[0]), float(top[1])), *_ABOUT_BEST)
    last_totals = totals(last) + unmoved
    best = int(last_totals.argmax())
    share = np.exp(last_totals - last_totals[best])
    middle = (share[:, None] * last).sum(axis=0) / share.sum()
    spread = (share[:, None] * (last - middle) ** 2).sum(axis=0) / share.sum()
    offsets = np.concatenate([np.column_stack([far[0], far[1]]), fine, last])
    every = np.concatenate([far_totals, fine_totals, last_totals])
    good = offsets[every >= last_totals[best] - _AS_GOOD]
    # About no shift the fine grid stands for the coarse one.
    apart = np.maximum(np.abs(far[0]), np.abs(far[1])) > _ABOUT_ZERO[0]
    areas = np.concatenate(
        [
            np.where(apart, far[3] ** 2, 0.0),
            np.full(len(zero), _ABOUT_ZERO[1] ** 2),
            np.full(len(fine) - len(zero), _ABOUT_PEAK[1] ** 2),
        ]
    )
    return Scan(
        log_likelihood=_any_shift(offsets[: len(areas)], every[: len(areas)], areas, tolerance_m),
        total=float(last_totals[best] * inflation),
        east_m=float(middle[0]),
        north_m=float(middle[1]),
        # The grid of two metres has a standard deviation of its own.
        sigma_m=float(np.sqrt(spread.mean() + _ABOUT_BEST[1] ** 2 / 12.0)),
        extent_m=float(np.hypot(*(good - last[best]).T).max()),
    )


def _any_shift(offsets: FloatArray, totals: FloatArray, areas: FloatArray, tolerance_m: float) -> float:
    """Average the likelihood over shifts of unknown size and direction."""
    size = np.hypot(offsets[:, 0], offsets[:, 1])
    beyond = (size > tolerance_m) & (size <= _REACH_M) & (areas > 0.0)
    density = 1.0 / (2.0 * np.pi * size[beyond] ** 2 * np.log(_REACH_M / tolerance_m))
    return float(np.logaddexp.reduce(totals[beyond] + np.log(density * areas[beyond])))


def _grid(middle: tuple[float, float] | FloatArray, reach_m: float, step_m: float) -> FloatArray:
    """Make a square grid of shifts, shape (k, 2)."""
    steps = np.arange(-np.floor(reach_m / step_m), np.floor(reach_m / step_m) + 1) * step_m
    return np.asarray(np.array(np.meshgrid(steps, steps)).reshape(2, -1).T + np.asarray(middle))


def _coarse(
    reference: Reference, found: Fit, chosen: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Return shifts east and north, their log-likelihood by the best of the coarse models, and the step between."""
    x, y = found.x_m[chosen], found.y_m[chosen]
    read = int(np.isfinite(found.x_m).sum())
    span_x, span_y = float(np.ptp(x)) + 2.0 * _REACH_M, float(np.ptp(y)) + 2.0 * _REACH_M
    pixel = max(_PIXEL_M, float(np.sqrt(span_x * span_y / _MOST_PIXELS)))
    reach = int(_REACH_M // pixel)
    nx, ny = int(span_x / pixel) + 3, int(span_y / pixel) + 3
    west, south = float(x.min()) - (reach + 1) * pixel, float(y.min()) - (reach + 1) * pixel
    near = _painted(reference.segments_m, (west, south, pixel), (ny, nx))
    columns, rows = ((x - west) // pixel).astype(np.int64), ((y - south) // pixel).astype(np.int64)
    bins = bins_of(np.minimum(near * pixel, FAR_M))
    best = np.full((2 * reach + 1, 2 * reach + 1), -np.inf)
    for model in _COARSE_MODELS:
        table = np.clip(np.rint(found.tables[model] * _STEPS), -127, 127).astype(np.int8)
        field = _correlated(table[bins], rows, columns, reach)
        nowhere = (len(found.x_m) - read) * found.tables[model, -2]
        best = np.maximum(best, field / _STEPS * (read / len(chosen)) + nowhere)
    steps = np.arange(-reach, reach + 1) * pixel
    east, north = np.meshgrid(steps, steps)
    return east.ravel(), north.ravel(), best.ravel(), pixel


@_jit
def _painted(segments: FloatArray, at: tuple[float, float, float], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the distance of every pixel to the nearest segment, in pixels, by two passes of a chamfer."""
    west, south, pixel = at
    ny, nx = shape
    # A rim of one pixel saves the passes from asking where the edge is.
    near = np.full((ny + 2, nx + 2), np.float32(1e4))
    for k in range(len(segments)):
        ax, ay = (segments[k, 0] - west) / pixel, (segments[k, 1] - south) / pixel
        bx, by = (segments[k, 2] - west) / pixel, (segments[k, 3] - south) / pixel
        count = int(2.0 * max(abs(bx - ax), abs(by - ay))) + 1
        for step in range(count + 1):
            x, y = int(np.floor(ax + (bx - ax) * step / count)), int(np.floor(ay + (by - ay) * step / count))
            if 0 <= x < nx and 0 <= y < ny:
                near[y + 1, x + 1] = 0.0
    _swept(near)
    _swept(near[::-1, ::-1])
    return near[1:-1, 1:-1]


@_jit
def _swept(near: NDArray[np.float32]) -> None:
    """Pass on distances from the first corner to the last."""
    straight, slant = np.float32(0.962), np.float32(1.36)
    for y in range(1, near.shape[0]):
        for x in range(1, near.shape[1] - 1):
            near[y, x] = min(
                near[y, x],
                near[y, x - 1] + straight,
                near[y - 1, x] + straight,
                near[y - 1, x - 1] + slant,
                near[y - 1, x + 1] + slant,
            )


@_jit
def _correlated(
    field: NDArray[np.int8], rows: NDArray[np.int64], columns: NDArray[np.int64], reach: int
) -> NDArray[np.int32]:
    """Add up what the field says about every record, for every shift of whole pixels."""
    side = 2 * reach + 1
    total = np.zeros((side, side), dtype=np.int32)
    for k in range(len(rows)):
        for y in range(side):
            source = field[rows[k] - reach + y, columns[k] - reach : columns[k] + reach + 1]
            target = total[y]
            for x in range(side):
                target[x] += source[x]
    return total


@_jit
def _summed(bins: NDArray[np.uint8], tables: FloatArray) -> FloatArray:
    """Add up the tables, shape (bins, models), over the records, shape (shifts, records): shape (shifts, models)."""
    models = tables.shape[1]
    total = np.zeros((bins.shape[0], models))
    for shift in range(bins.shape[0]):
        counts = np.zeros(tables.shape[0])
        for record in range(bins.shape[1]):
            counts[bins[shift, record]] += 1.0
        for interval in range(tables.shape[0]):
            if counts[interval] > 0.0:
                for model in range(models):
                    total[shift, model] += counts[interval] * tables[interval, model]
    return total


def _peaks(east_m: FloatArray, north_m: FloatArray, totals: FloatArray) -> list[tuple[float, float]]:
    """Choose the best shifts that are some pixels apart."""
    side = int(np.sqrt(len(totals)))
    field = totals.reshape(side, side).copy()
    found = []
    for _ in range(_PEAKS):
        y, x = divmod(int(field.argmax()), side)
        place = y * side + x
        found.append((float(east_m[place]), float(north_m[place])))
        field[max(0, y - _APART) : y + _APART + 1, max(0, x - _APART) : x + _APART + 1] = -np.inf
    return found
