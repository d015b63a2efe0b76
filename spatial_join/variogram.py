"""Fitting a covariance to a handful of stations, and calibrating it.

With a dozen stations the empirical variogram has some sixty pairs in a few noisy bins, and a curve fitted to it follows
the noise. The restricted likelihood [1]_ uses every pair once and needs no bins. It is evaluated on a grid of lengths
and nuggets and averaged over, not maximised: its peak is often a nugget of nothing, only because no two stations stand
side by side to contradict it. The variance is a free factor of every time step.

What a station is off by persists from hour to hour, so a thousand hours of twelve stations are still twelve stations:
the likelihoods of the steps are averaged, not multiplied, and the stated variance is scaled until the stations' own
held-out errors, each with a covariance that has not seen the station, are as large as it says [2]_.

References
----------
.. [1] P. K. Kitanidis, "Statistical estimation of polynomial generalized covariance functions and hydrologic
   applications", Water Resources Research 19(4), 1983, 909-921.
.. [2] O. Dubrule, "Cross validation of kriging in a unique neighborhood", Mathematical Geology 15, 1983, 687-699.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Variogram", "fit_variogram", "step_groups"]

PRACTICAL_RANGES = 3.0
"""Length scales after which an exponential covariance has fallen to 5 %, the usual meaning of "range"."""

NUGGETS = np.linspace(0.025, 0.975, 12)
"""Shares of the variance that two stations side by side do not have in common. Never 0: two monitors at one address
would make the system singular."""

LENGTHS = 16
"""Length scales tried, in equal steps of the logarithm."""

MOST_GROUPS = 12
"""Combinations of reporting stations that are looked at, the most frequent first."""

MOST_STEPS = 400
"""Time steps of one combination that are looked at, evenly spread: more say nothing new about distance."""

NORMAL_95 = 1.959963984540054
"""Half width of the 95 % interval of a normal variable, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class Variogram:
    """An exponential covariance with a nugget.

    Parameters
    ----------
    length_m : float
        Distance at which the correlation has fallen by a factor e, metres.
    nugget : float
        Share of the variance that is not spatial (measurement, the street corner), 0 to 1.
    inflation : float
        Factor on the kriging variance that makes the stations' own held-out errors as large as stated.
    """

    length_m: float
    nugget: float
    inflation: float = 1.0

    @property
    def range_m(self) -> float:
        """Distance in metres beyond which stations say nothing about a place."""
        return PRACTICAL_RANGES * self.length_m

    def correlation(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the correlation of two different places, nugget included.

        Parameters
        ----------
        distance_m : ndarray of float64
            Distances in metres.

        Returns
        -------
        ndarray of float64
            Correlations, 0 to 1.
        """
        return np.asarray((1.0 - self.nugget) * np.exp(-distance_m / self.length_m))


def step_groups(values: NDArray[np.float64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Group time steps by the stations that report in them.

    Parameters
    ----------
    values : ndarray of float64, shape (stations, steps)
        Measurements; NaN where a station is silent.

    Returns
    -------
    list of (stations, steps)
        Positions of the stations and of the steps of each group.
    """
    pattern, group = np.unique(~np.isnan(values), axis=1, return_inverse=True)
    return [(np.flatnonzero(pattern[:, k]), np.flatnonzero(np.ravel(group) == k)) for k in range(pattern.shape[1])]


@dataclass(frozen=True, kw_only=True)
class _Shapes:
    """All covariances of the grid at once."""

    length_m: NDArray[np.float64]
    nugget: NDArray[np.float64]

    @classmethod
    def for_distances(cls, distance_m: NDArray[np.float64]) -> _Shapes:
        apart = distance_m[distance_m > 0.0]
        lengths = np.geomspace(max(apart.min(), apart.max() / 200.0) / PRACTICAL_RANGES, apart.max(), LENGTHS)
        length, nugget = np.meshgrid(lengths, NUGGETS)
        return cls(length_m=length.ravel(), nugget=nugget.ravel())

    def mean(self, weight: NDArray[np.float64]) -> Variogram:
        """Average the grid; lengths by their logarithm."""
        share = np.exp(weight - weight.max())
        share /= share.sum()
        return Variogram(length_m=float(np.exp(share @ np.log(self.length_m))), nugget=float(share @ self.nugget))

    def likelihoods(self, distance_m: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the restricted log-likelihood of every covariance: of all stations, then without each in turn.

        The variance of each step is profiled out. Leaving a station out takes its held-out error away from the
        quadratic form and its held-out variance from the determinant [2]_, so all come from one inversion.
        """
        covariance = np.exp(-distance_m[None] / self.length_m[:, None, None]) * (1.0 - self.nugget)[:, None, None]
        diagonal = np.arange(len(distance_m))
        covariance[:, diagonal, diagonal] = 1.0
        projection, log_determinant = _projection(covariance)
        pull = projection @ values
        whole = np.einsum("it,sit->st", values, pull)
        own = projection[:, diagonal, diagonal]
        left = whole[:, None, :] - pull**2 / own[:, :, None]
        telling = (whole > 0.0).all(axis=0) & (left > 0.0).all(axis=(0, 1))  # not those in which stations agree
        of_all = _restricted(whole[:, telling], log_determinant, len(values) - 1)
        of_rest = _restricted(left[:, :, telling], log_determinant[:, None] + np.log(own), len(values) - 2)
        return np.concatenate([of_all[:, None], of_rest], axis=1)


def _restricted(square: NDArray[np.float64], log_determinant: NDArray[np.float64], free: int) -> NDArray[np.float64]:
    """Return log-likelihoods from quadratic forms per step (the last axis) and their degrees of freedom."""
    return np.asarray(-0.5 * (free * np.log(square / free).sum(axis=-1) + square.shape[-1] * log_determinant))


def _projection(covariance: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrices whose quadratic form removes the unknown mean, and the log-determinants with them."""
    inverse = np.linalg.inv(covariance)
    column = inverse.sum(axis=-1)
    total = column.sum(axis=-1)
    outer = column[..., :, None] * column[..., None, :] / total[..., None, None]
    return inverse - outer, np.linalg.slogdet(covariance)[1] + np.log(total)


def fit_variogram(xy: NDArray[np.float64], values: NDArray[np.float64], *, fewest: int = 4) -> Variogram:
    """Fit length and nugget, and calibrate the variance.

    Parameters
    ----------
    xy : ndarray of float64, shape (stations, 2)
        Positions in plane metres.
    values : ndarray of float64, shape (stations, steps)
        Measurements; NaN where a station is silent.
    fewest : int
        Stations that a time step must have to be counted, at least 4.

    Returns
    -------
    Variogram
        The average of the grid under the likelihood, with the inflation from the stations' own held-out errors.
    """
    distance = scipy.spatial.distance.cdist(xy, xy)
    if not (distance > 0.0).any():
        return Variogram(length_m=1.0, nugget=1.0)
    groups = [group for group in step_groups(values) if group[0].size >= fewest]
    groups = sorted(groups, key=lambda group: -group[1].size)[:MOST_GROUPS]
    shapes = _Shapes.for_distances(distance)
    # Column 0 is of all stations, column i + 1 of all but station i.
    likelihood = np.zeros((shapes.length_m.size, len(xy) + 1))
    steps = np.zeros(len(xy) + 1)
    cases = []
    for at, when in groups:
        sample = when[np.unique(np.linspace(0, when.size - 1, MOST_STEPS).astype(np.int64))]
        case = distance[np.ix_(at, at)], values[np.ix_(at, sample)]
        found = shapes.likelihoods(*case)
        rest = np.setdiff1d(np.arange(len(xy)), at) + 1
        likelihood[:, 0] += found[:, 0]
        likelihood[:, at + 1] += found[:, 1:]
        likelihood[:, rest] += found[:, :1]
        steps += sample.size
        cases.append((at, *case))
    likelihood /= np.maximum(steps, 1.0)
    best = shapes.mean(likelihood[:, 0])
    ratios = [
        _held_out_ratio(inner, measured, where, shapes.mean(likelihood[:, station + 1]))
        for at, inner, measured in cases
        for where, station in enumerate(at.tolist())
    ]
    return Variogram(length_m=best.length_m, nugget=best.nugget, inflation=_inflation(ratios))


def _inflation(ratios: list[NDArray[np.float64]]) -> float:
    """Return the factor on the variance with which 95 % of the held-out errors are in their 95 % intervals."""
    everything = np.concatenate(ratios) if ratios else np.empty(0)
    everything = everything[np.isfinite(everything)]
    return float((np.quantile(everything, 0.95) / NORMAL_95) ** 2) if everything.size else 1.0


def _held_out_ratio(
    distance_m: NDArray[np.float64], values: NDArray[np.float64], station: int, shape: Variogram
) -> NDArray[np.float64]:
    """Return the size of one station's error over its stated size, predicted from the others [2]_."""
    covariance = shape.correlation(distance_m)
    np.fill_diagonal(covariance, 1.0)
    projection, _ = _projection(covariance)
    pull, own = projection @ values, projection[station, station]
    left = np.einsum("it,it->t", values, pull) - pull[station] ** 2 / own
    variance = left / (len(values) - 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(pull[station]) / own / np.sqrt(variance / own))
