"""How well positions agree with a reference of the same kind of entity, against chance, and how sure that is.

Positions on a street lie near its line, those of a register near its points, within the noise; chance is measured by
moving the positions about in their own neighbourhood, so that a dense centre or an incomplete reference is no
evidence. Neighbours share their errors, so that what is resampled are blocks of a city and not records.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from crs.errors import ReferenceNotHarmonisedError
from crs.local import local_projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray, ObjectArray
    from crs.local import LocalProjection

__all__ = ["FLOOR", "Fit", "Reference", "Scan", "block_weights", "fit", "scan"]

#: Noise that sources have, sigma per axis in metres; the best fitting one is taken.
SIGMAS_M = (4.0, 8.0, 14.0)
#: Share of records that are anywhere: errors, and entities that the reference lacks.
_STRAY = 0.08
#: The worst that one record can say against a candidate, log-likelihood ratio to chance.
FLOOR = float(np.log(_STRAY))
#: Streets become points this close together; more than so many make it coarser.
_SPACING_M = 2.0
_MOST_NODES = 1_500_000
#: Chance: how far positions are moved about, and how often.
_NEAR_M, _FAR_M, _DRAWS = 60.0, 400.0, 24
_EDGES_M = np.array([0, 3, 6, 10, 15, 20, 30, 40, 55, 75, 100, 140, 200, 300, 450, 1000.0])
#: Unknown shifts that are tried: how far, and how closely.
_REACH_M, _STEP_M, _FINE_M = 240.0, 12.0, 2.0
#: Blocks of this many metres are resampled, the largest of which there are enough.
_BLOCKS_M = (2000.0, 1000.0, 500.0, 250.0, 100.0)
_MIN_BLOCKS = 10


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference layer in plane metres.

    Parameters
    ----------
    geometry : numpy.ndarray
        Lines (streets), or points and polygons (each stands for its centroid), WGS 84 longitude and latitude; None
        is left out.
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
    def _tree(self) -> cKDTree:
        flat = self.plane.project(self._present)
        if self.is_lines:
            spacing = max(_SPACING_M, float(shapely.length(flat).sum()) / _MOST_NODES)
            nodes = shapely.get_coordinates(shapely.segmentize(flat, spacing))
        else:
            nodes = shapely.get_coordinates(shapely.centroid(flat))
        return cKDTree(nodes)

    def distances_m(self, x_m: FloatArray, y_m: FloatArray) -> FloatArray:
        """Measure to the nearest entity.

        Parameters
        ----------
        x_m, y_m : numpy.ndarray
            Positions in `plane`, one shape; NaN for none.

        Returns
        -------
        numpy.ndarray
            Metres, at most 1000; 1000 for NaN.
        """
        read = np.isfinite(x_m) & np.isfinite(y_m)
        distances = np.full(x_m.shape, _EDGES_M[-1])
        found, _ = self._tree.query(np.column_stack([x_m[read], y_m[read]]), distance_upper_bound=_EDGES_M[-1])
        distances[read] = np.minimum(found, _EDGES_M[-1])
        return distances

    def density(self, distances_m: FloatArray, sigma_m: float) -> FloatArray:
        """Return how likely a distance is for an entity of this kind with a noise of so many metres.

        Parameters
        ----------
        distances_m : numpy.ndarray
            Distances to the nearest entity.
        sigma_m : float
            Noise per axis.

        Returns
        -------
        numpy.ndarray
            Half-normal for lines, Rayleigh for points, per metre.
        """
        bell = np.exp(-0.5 * (distances_m / sigma_m) ** 2)
        if self.is_lines:
            return np.asarray(bell * np.sqrt(2.0 / np.pi) / sigma_m)
        # Half a metre keeps a point that lies on its reference from being unlikely.
        return np.asarray(bell * np.maximum(distances_m, 0.5) / sigma_m**2)


@dataclass(frozen=True, eq=False)
class Fit:
    """Agreement of positions with a reference.

    Parameters
    ----------
    x_m, y_m : numpy.ndarray
        Positions in the reference's plane, shape (n,), NaN for none.
    scores : numpy.ndarray
        Log-likelihood ratio to chance of every record under every noise, shape (number of noises, n).
    chance : numpy.ndarray
        Density of distances by chance in the bins of the module, per metre.
    median_m, chance_median_m : float
        Median distance to the nearest entity, and by chance.
    on_share : float
        Share of the records that lie on the reference.
    """

    x_m: FloatArray
    y_m: FloatArray
    scores: FloatArray
    chance: FloatArray
    median_m: float
    chance_median_m: float
    on_share: float

    @property
    def total(self) -> float:
        """Log-likelihood ratio to chance of all records, under the noise that fits best."""
        return float(self.scores.sum(axis=1).max())


def _scores(reference: Reference, distances_m: FloatArray, chance: FloatArray) -> FloatArray:
    """Return the log-likelihood ratio to chance under each noise, noises first."""
    place = np.clip(np.searchsorted(_EDGES_M, distances_m, side="right") - 1, 0, len(chance) - 1)
    ratios = [reference.density(distances_m, sigma) / chance[place] for sigma in SIGMAS_M]
    return np.log((1.0 - _STRAY) * np.stack(ratios) + _STRAY)


def fit(reference: Reference, lon: FloatArray, lat: FloatArray) -> Fit:
    """Measure how well positions agree with a reference.

    Parameters
    ----------
    reference : Reference
        Of the same kind of entity.
    lon, lat : numpy.ndarray
        WGS 84 degrees, shape (n,); NaN where a record could not be read, which counts as the worst agreement.

    Returns
    -------
    Fit
        With chance measured in the neighbourhood of the positions themselves.
    """
    x_m, y_m = reference.plane.forward(lon, lat)
    distances = reference.distances_m(x_m, y_m)
    draw = np.random.default_rng(0)
    shape = (_DRAWS, len(x_m))
    angle = draw.uniform(0.0, 2.0 * np.pi, shape)
    away = np.sqrt(draw.uniform(_NEAR_M**2, _FAR_M**2, shape))
    moved = reference.distances_m(x_m + away * np.cos(angle), y_m + away * np.sin(angle))
    moved = moved[:, np.isfinite(x_m)]
    counts, _ = np.histogram(moved, _EDGES_M)
    widths = np.diff(_EDGES_M)
    # One draw in all, spread evenly over the metres: no bin is impossible.
    chance = (counts + widths / widths.sum()) / (counts.sum() + 1.0) / widths
    scores = _scores(reference, distances, chance)
    return Fit(
        x_m=x_m,
        y_m=y_m,
        scores=scores,
        chance=chance,
        median_m=float(np.median(distances)),
        chance_median_m=float(np.median(moved)) if moved.size else float(_EDGES_M[-1]),
        on_share=_on_share(reference, distances, chance),
    )


def _on_share(reference: Reference, distances_m: FloatArray, chance: FloatArray) -> float:
    """Estimate the share of records on the reference by expectation and maximisation, under the best noise."""
    place = np.clip(np.searchsorted(_EDGES_M, distances_m, side="right") - 1, 0, len(chance) - 1)
    best, share_of_best = -np.inf, 0.0
    for sigma in SIGMAS_M:
        ratio = reference.density(distances_m, sigma) / chance[place]
        share = 0.5
        for _ in range(60):
            share = float(np.mean(share * ratio / (share * ratio + 1.0 - share)))
        likelihood = float(np.log(share * ratio + 1.0 - share).sum())
        if likelihood > best:
            best, share_of_best = likelihood, share
    return share_of_best


def block_weights(x_m: FloatArray, y_m: FloatArray, *, draws: int = 200, seed: int = 0) -> NDArray[np.float64]:
    """Resample blocks of a city with replacement.

    Parameters
    ----------
    x_m, y_m : numpy.ndarray
        Positions, shape (n,); those that are NaN form one block.
    draws : int
        How many times.
    seed : int
        Of the random numbers.

    Returns
    -------
    numpy.ndarray
        How often each record is drawn, shape (draws, n). Blocks are the largest squares of which there are ten.
    """
    read = np.isfinite(x_m)
    owner = np.zeros(len(x_m), dtype=np.int64)
    for side in _BLOCKS_M:
        cells = np.column_stack([np.floor(x_m[read] / side), np.floor(y_m[read] / side)])
        _, owner_read = np.unique(cells, axis=0, return_inverse=True)
        owner[read] = owner_read.ravel() + 1
        if len(np.unique(owner_read)) >= _MIN_BLOCKS:
            break
    else:
        # Too small for blocks: the records themselves, as the only thing that is left.
        owner = np.arange(len(x_m))
    _, owner = np.unique(owner, return_inverse=True)
    count = int(owner.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=draws)
    return np.asarray(drawn[:, owner.ravel()], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Scan:
    """What unknown shifts of the positions would say.

    Parameters
    ----------
    log_likelihood : numpy.ndarray
        Of an unknown shift, against chance, under each resampling, shape (draws,).
    east_m, north_m : float
        The best shift.
    sigma_m : float
        Its standard deviation per axis over the resamplings.
    extent_m : float
        How far shifts reach that fit as well as the best one: where that is far, the data do not pin a definition.
    gain : float
        Log-likelihood of the best shift above that of none.
    """

    log_likelihood: FloatArray
    east_m: float
    north_m: float
    sigma_m: float
    extent_m: float
    gain: float


def _offsets(middle: tuple[float, float], reach_m: float, step_m: float) -> FloatArray:
    """Make a square grid of shifts within a circle, shape (k, 2)."""
    steps = np.arange(-np.floor(reach_m / step_m), np.floor(reach_m / step_m) + 1) * step_m
    grid = np.array(np.meshgrid(steps, steps)).reshape(2, -1).T
    return np.asarray(grid[np.hypot(grid[:, 0], grid[:, 1]) <= reach_m] + middle)


def scan(reference: Reference, found: Fit, weights: FloatArray, *, tolerance_m: float) -> Scan:
    """Move the positions about as one and see where they fit.

    Parameters
    ----------
    reference : Reference
        Of the same kind of entity.
    found : Fit
        The positions under the best candidate.
    weights : numpy.ndarray
        Resamplings, shape (draws, n).
    tolerance_m : float
        A smaller shift is no shift: definitions and references are no better than that.

    Returns
    -------
    Scan
        With the likelihood of a shift of unknown direction, spread evenly over a circle of 240 m.
    """

    def likelihoods(offsets: FloatArray) -> FloatArray:
        """Return the log-likelihood by noise and record, offsets first: shape (offsets, noises, n)."""
        distances = reference.distances_m(found.x_m + offsets[:, :1], found.y_m + offsets[:, 1:])
        return np.moveaxis(_scores(reference, distances, found.chance), 0, 1)

    coarse = _offsets((0.0, 0.0), _REACH_M, _STEP_M)
    rough = likelihoods(coarse)
    top = coarse[rough.sum(axis=2).max(axis=1).argmax()]
    fine = _offsets((float(top[0]), float(top[1])), _STEP_M, _FINE_M)
    offsets = np.concatenate([coarse, fine])
    each = np.concatenate([rough, likelihoods(fine)])
    total = each.sum(axis=2).max(axis=1)
    best = int(total.argmax())
    resampled = np.max([each[:, noise] @ weights.T for noise in range(len(SIGMAS_M))], axis=0)
    tops = offsets[resampled.argmax(axis=0)]
    near = total >= total[best] - 3.0
    extent_m = float(np.hypot(*(offsets[near] - offsets[best]).T).max())
    sizes = np.where(np.arange(len(offsets)) < len(coarse), _STEP_M**2, _FINE_M**2)
    moved = np.hypot(offsets[:, 0], offsets[:, 1]) > tolerance_m
    shares = np.log(sizes[moved] / (np.pi * _REACH_M**2))[:, None]
    sigma_m = float(np.sqrt((tops.std(axis=0) ** 2).mean()))
    return Scan(
        log_likelihood=np.asarray(np.logaddexp.reduce(resampled[moved] + shares, axis=0)),
        east_m=float(offsets[best, 0]),
        north_m=float(offsets[best, 1]),
        sigma_m=sigma_m,
        extent_m=max(extent_m, 2.0 * sigma_m),
        gain=float(total[best] - found.total),
    )
