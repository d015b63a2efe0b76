"""How well positions agree with a reference of the same kind of entity, against chance, and how sure that is.

Positions on a street lie near its line, those of a register near its points, within the noise. How near is measured on
the reference itself: places on it about the records, moved by the noise, and their distance to what is nearest. Chance
is measured by moving the records about in their own neighbourhood, so that a dense centre or an incomplete reference is
no evidence. Neighbours share their errors, so that what counts are blocks of a city and not records.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.detection.nearest import FAR_M, distances_m, feet_m, squares_of
from crs.errors import ReferenceNotHarmonisedError
from crs.local import local_projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray, ObjectArray
    from crs.detection.nearest import Squares
    from crs.local import LocalProjection

__all__ = ["MODELS", "SIGMAS_M", "STRAYS", "Fit", "Reference", "blocks", "fit", "inflation"]

#: Noise that sources have, sigma per axis in metres, and the share of records that are anywhere: errors, records in
#: another definition, entities that the reference lacks. Each pair of both is a model of the same weight before the
#: evidence but for the shares, of which small ones are usual.
SIGMAS_M = (1.5, 3.0, 5.0, 8.0, 12.0, 18.0, 27.0, 40.0)
STRAYS = (0.02, 0.1, 0.25, 0.45)
_STRAY_WEIGHTS = (0.35, 0.35, 0.2, 0.1)
#: Sigma and share of strays of each model, and the logarithm of its weight.
MODELS = tuple((sigma_m, stray) for sigma_m in SIGMAS_M for stray in STRAYS)
_LOG_WEIGHTS = np.log(np.tile(_STRAY_WEIGHTS, len(SIGMAS_M)) / len(SIGMAS_M))
#: What stands beside streets (buildings, shops) is so far from their lines and never on them.
_BESIDE_M = (12.0, 60.0)
#: Distances are told apart by these edges.
_EDGES_M = np.array([0, 1, 2, 3, 4.5, 6, 8, 10, 12.5, 15, 18, 22, 27, 33, 40, 50, 62, 80, 100, 130, 170, FAR_M, np.inf])
#: Bins of half a metre, each with the number of its interval.
_BIN_OF = (np.searchsorted(_EDGES_M, np.arange(0.0, FAR_M + 0.5, 0.5), side="right") - 1).astype(np.uint8)
#: Coarser numbers than this may be cut and not rounded.
_COARSE_M = 8.0
#: Chance: how far positions are moved about, and how many of them are drawn.
_NEAR_M, _FAR_M, _CHANCE_DRAWS, _NOISE_DRAWS = 60.0, 400.0, 2048, 768
#: With fewer places on the reference about the records, nothing is known about how records on it would lie.
_MIN_FEET = 48
#: Blocks of this many metres are what counts as one, the largest of which there are enough.
_BLOCKS_M = (2000.0, 1000.0, 500.0, 250.0, 100.0)
_MIN_BLOCKS = 10
#: Records that share errors count for less, but not for less than this share.
_MOST_INFLATION = 8.0


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference layer in plane metres.

    Parameters
    ----------
    geometry : numpy.ndarray
        Lines (streets, boundaries), or points and polygons (each stands for its centroid), WGS 84 longitude and
        latitude; None is left out.
    name : str
        Of the layer, for messages.

    Raises
    ------
    ReferenceNotHarmonisedError
        If there is nothing, or lines are mixed with other geometries.
    """

    geometry: ObjectArray
    name: str = "reference"

    def __post_init__(self) -> None:
        """Refuse what is not one kind of entity."""
        dimensions = set(np.unique(shapely.get_dimensions(self._present)).tolist())
        if not dimensions or (1 in dimensions and dimensions != {1}):
            raise ReferenceNotHarmonisedError(
                f"reference {self.name!r} holds {'nothing' if not dimensions else 'lines and other geometries'}; "
                "pass lines alone, or points and polygons, harmonised to OGC:CRS84"
            )

    @cached_property
    def _present(self) -> ObjectArray:
        present: ObjectArray = self.geometry[~shapely.is_missing(self.geometry) & ~shapely.is_empty(self.geometry)]
        return present

    @property
    def is_lines(self) -> bool:
        """True where an entity lies anywhere on a line, False where it has one place."""
        return bool(shapely.get_dimensions(self._present)[0] == 1)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees."""
        west, south, east, north = shapely.total_bounds(self._present)
        return float(west), float(south), float(east), float(north)

    @cached_property
    def plane(self) -> LocalProjection:
        """Plane metres around the middle of the reference."""
        west, south, east, north = self.bounds
        return local_projection([west, east], [south, north])

    @cached_property
    def places(self) -> FloatArray:
        """Longitude and latitude of the centroid of every entity, shape (m, 2)."""
        return np.asarray(shapely.get_coordinates(shapely.centroid(self._present)))

    @cached_property
    def segments_m(self) -> FloatArray:
        """Both ends of all segments in `plane`, shape (m, 4); a point is a segment of no length."""
        if self.is_lines:
            # Parts of a multiline are told apart too.
            degrees, owner = shapely.get_coordinates(shapely.get_parts(self._present), return_index=True)
            x, y = self.plane.forward(degrees[:, 0], degrees[:, 1])
            joined = owner[1:] == owner[:-1]
            return np.asarray(np.column_stack([x[:-1], y[:-1], x[1:], y[1:]])[joined])
        degrees = self.places
        x, y = self.plane.forward(degrees[:, 0], degrees[:, 1])
        return np.column_stack([x, y, x, y])

    @cached_property
    def squares(self) -> Squares:
        """The segments, ready to be searched."""
        return squares_of(self.segments_m)

    def distances_m(self, x_m: FloatArray, y_m: FloatArray) -> FloatArray:
        """Measure to the nearest entity.

        Parameters
        ----------
        x_m, y_m : numpy.ndarray
            Positions in `plane`, one shape; NaN for none.

        Returns
        -------
        numpy.ndarray
            Metres, 256 at most and for NaN.
        """
        return distances_m(self.squares, x_m, y_m)


@dataclass(frozen=True, eq=False)
class Fit:
    """Agreement of positions with a reference.

    Parameters
    ----------
    x_m, y_m : numpy.ndarray
        Positions in the reference's plane, shape (n,), NaN for none.
    distances_m : numpy.ndarray
        To the nearest entity, 256 m at most and where there is no position, shape (n,).
    tables : numpy.ndarray
        Log-likelihood ratio to chance of a distance under every model, shape (number of models, number of bins).
    beside : numpy.ndarray
        The same of something that stands beside the reference, for every share of strays.
    covered : numpy.ndarray of bool
        True where the reference has anything within some hundred metres, shape (n,).
    chance_median_m : float
        Median distance to the nearest entity by chance.
    offset_m : tuple of float
        East and north of what was read, half a step of coarse numbers.
    """

    x_m: FloatArray
    y_m: FloatArray
    distances_m: FloatArray
    tables: FloatArray
    beside: FloatArray
    covered: NDArray[np.bool_]
    chance_median_m: float
    offset_m: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def scores(self) -> FloatArray:
        """Log-likelihood ratio to chance of every record under every model, shape (number of models, n)."""
        return np.asarray(self.tables[:, bins_of(self.distances_m)])

    @cached_property
    def totals(self) -> FloatArray:
        """Log-likelihood ratio to chance of all records under every model, shape (number of models,)."""
        return np.asarray(self.scores.sum(axis=1))

    @property
    def best(self) -> int:
        """The model that fits best."""
        return int((self.totals + _LOG_WEIGHTS).argmax())

    @property
    def total(self) -> float:
        """Log-likelihood ratio to chance of all records, averaged over the models."""
        return float(averaged(self.totals))

    @cached_property
    def beside_totals(self) -> FloatArray:
        """Log-likelihood ratio to chance of records that stand beside the reference, shape (number of strays,)."""
        return np.asarray(self.beside[:, bins_of(self.distances_m)].sum(axis=1))

    @property
    def median_m(self) -> float:
        """Median distance to the nearest entity."""
        return float(np.median(self.distances_m))

    @cached_property
    def on_share(self) -> float:
        """Share of the records that lie on the reference, of those about which it has anything.

        By expectation and maximisation under the best noise; 0 where the reference has nothing about any of them.
        """
        if not self.covered.any():
            return 0.0
        stray = MODELS[self.best][1]
        scores = self.scores[self.best, self.covered]
        ratio = np.maximum(0.0, (np.exp(scores) - stray) / (1.0 - stray))
        share = 0.5
        for _ in range(60):
            share = float(np.mean(share * ratio / (share * ratio + 1.0 - share)))
        return share


def bins_of(distances_m: FloatArray) -> NDArray[np.uint8]:
    """Return the interval that each distance lies in.

    Parameters
    ----------
    distances_m : numpy.ndarray
        0 to 256 m.

    Returns
    -------
    numpy.ndarray
        Number of the interval, same shape.
    """
    return np.asarray(_BIN_OF[(distances_m * 2.0).astype(np.int64)])


def averaged(totals: FloatArray, inflation: float = 1.0) -> FloatArray:
    """Average a likelihood over the models.

    Parameters
    ----------
    totals : numpy.ndarray
        Log-likelihood along the first axis, under every model or under every share of strays.
    inflation : float
        How many records count as one.

    Returns
    -------
    numpy.ndarray
        Logarithm of the weighted mean, first axis gone.
    """
    # What stands beside has a row for every share of strays, and no noise.
    log_weights = _LOG_WEIGHTS if len(totals) == len(MODELS) else np.log(_STRAY_WEIGHTS)
    weights = log_weights.reshape((-1,) + (1,) * (totals.ndim - 1))
    return np.asarray(np.logaddexp.reduce(totals / inflation + weights, axis=0))


def _density(distances_m: FloatArray, spread: float) -> FloatArray:
    """Return the probability of each interval; `spread` more draws are spread over the metres: none is impossible."""
    counts = np.bincount(bins_of(distances_m), minlength=len(_EDGES_M) - 1).astype(np.float64)
    widths = np.diff(np.append(_EDGES_M[:-1], 2.0 * FAR_M))
    return np.asarray((counts + spread * widths / widths.sum()) / (counts.sum() + spread))


def fit(reference: Reference, lon: FloatArray, lat: FloatArray, *, steps_m: tuple[float, float] = (0.0, 0.0)) -> Fit:
    """Measure how well positions agree with a reference.

    Parameters
    ----------
    reference : Reference
        Of the same kind of entity.
    lon, lat : numpy.ndarray
        WGS 84 degrees, shape (n,); NaN where a record could not be read, which counts as the worst agreement.
    steps_m : tuple of float
        What the last digit is worth, east and north, metres: where that is much, numbers that were cut and not rounded
        lie half a step to one side, and the side that fits best is taken.

    Returns
    -------
    Fit
        With chance measured in the neighbourhood of the positions themselves.
    """
    x_m, y_m = reference.plane.forward(lon, lat)
    read = np.flatnonzero(np.isfinite(x_m))
    draw = np.random.default_rng(0)
    chosen = np.resize(draw.permutation(read), max(_CHANCE_DRAWS, 2 * len(read)))
    angle = draw.uniform(0.0, 2.0 * np.pi, chosen.shape)
    away = np.sqrt(draw.uniform(_NEAR_M**2, _FAR_M**2, chosen.shape))
    moved = x_m[chosen] + away * np.cos(angle), y_m[chosen] + away * np.sin(angle)
    by_chance = reference.distances_m(*moved)
    tables, beside = _tables(reference, moved, _density(by_chance, 2.0))
    fits = [
        Fit(
            x_m=x_m + east_m,
            y_m=y_m + north_m,
            distances_m=reference.distances_m(x_m + east_m, y_m + north_m),
            tables=tables,
            beside=beside,
            covered=np.bincount(chosen, weights=by_chance < FAR_M, minlength=len(x_m)) > 0,
            chance_median_m=float(np.median(by_chance)),
            offset_m=(east_m, north_m),
        )
        for east_m in _halves(steps_m[0])
        for north_m in _halves(steps_m[1])
    ]
    return max(fits, key=lambda one: one.total)


def _halves(step_m: float) -> tuple[float, ...]:
    """Return by how much cut numbers may be off: nothing first, so that it is kept where others are no better."""
    return (0.0,) if step_m < _COARSE_M else (0.0, 0.5 * step_m, -0.5 * step_m)


def _tables(
    reference: Reference, about: tuple[FloatArray, FloatArray], chance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the log-likelihood ratio of every interval under every model, and of what stands beside the reference."""
    draw = np.random.default_rng(1)
    feet_x, feet_y = feet_m(reference.squares, *about)
    feet = np.flatnonzero(np.isfinite(feet_x))
    ratios = np.zeros((len(SIGMAS_M) + 1, len(chance)))
    if len(feet) >= _MIN_FEET:
        chosen = draw.permutation(feet)[:_NOISE_DRAWS]
        noise = draw.standard_normal((2, len(SIGMAS_M) + 1, len(chosen)))
        noise[:, :-1] *= np.array(SIGMAS_M)[:, None]
        noise[:, -1] *= draw.uniform(*_BESIDE_M, len(chosen)) / np.hypot(*noise[:, -1])
        noisy = reference.distances_m(feet_x[chosen] + noise[0], feet_y[chosen] + noise[1])
        beside = noisy[-1][noisy[-1] >= _BESIDE_M[0]]
        ratios = np.stack([*(_density(one, 0.5) for one in noisy[:-1]), _density(beside, 0.5)]) / chance
    strays = np.array(STRAYS)
    tables = np.log((1.0 - strays)[:, None] * ratios[:, None, :] + strays[:, None])
    return np.asarray(tables[:-1].reshape(len(MODELS), -1)), np.asarray(tables[-1])


def blocks(x_m: FloatArray, y_m: FloatArray) -> NDArray[np.int64]:
    """Say which block of the city each position is in.

    Parameters
    ----------
    x_m, y_m : numpy.ndarray
        Positions, shape (n,); those that are NaN form one block.

    Returns
    -------
    numpy.ndarray
        Number of the block, from 0 without gaps, shape (n,). Blocks are the largest squares of which there are ten; the
        records themselves where even the smallest are fewer.
    """
    read = np.isfinite(x_m)
    owner = np.zeros(len(x_m), dtype=np.int64)
    for side in _BLOCKS_M:
        cells = np.floor(x_m[read] / side) * 1e6 + np.floor(y_m[read] / side)
        _, owner_read = np.unique(cells, return_inverse=True)
        owner[read] = owner_read.ravel() + 1
        if len(np.unique(owner_read)) >= _MIN_BLOCKS:
            break
    else:
        owner = np.arange(len(x_m))
    _, owner = np.unique(owner, return_inverse=True)
    return np.asarray(owner.ravel())


def inflation(scores: FloatArray, owner: NDArray[np.int64]) -> float:
    """Say how many records count as one, since neighbours share their errors.

    Parameters
    ----------
    scores : numpy.ndarray
        What each record says, shape (n,).
    owner : numpy.ndarray
        Block of each record.

    Returns
    -------
    float
        Variance of the total by resampling blocks (in the limit of many draws) over that by resampling records, between
        1 and 8, drawn towards 1 where blocks are few.

    References
    ----------
    Chandler and Bate (2007), Inference for clustered data using the independence loglikelihood, Biometrika 94.
    """
    apart = scores - scores.mean()
    within = float((apart**2).sum())
    if within <= 0.0:
        return 1.0
    sums = np.bincount(owner, weights=apart)
    found = float((sums**2).sum()) / within
    count = len(sums)
    return float(np.clip((_MIN_BLOCKS + count * found) / (_MIN_BLOCKS + count), 1.0, _MOST_INFLATION))
