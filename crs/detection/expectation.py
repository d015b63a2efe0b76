"""Which of several readings mix in one file: expectation and maximisation over groups of rows.

A group (a source, a day, a region, or a single row) is in one definition; which, is not known. The shares of the
definitions, the noise of each, and the share of stray rows are those that make the file most likely. Readings enter one
by one, and only where the file is far more likely with them: with forty to choose from, some fit a little by chance.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from crs.coordinates import FloatArray

__all__ = ["SIGMAS_M", "Evidence", "Shares", "estimate", "select", "within_groups"]

#: Noise that sources have, sigma per axis in metres; each definition has a mixture of them.
SIGMAS_M = (2.5, 5.0, 10.0, 20.0)
#: Share of stray rows in a group before it is estimated, and the most that is believed.
_STRAY, _LEAST_STRAY, _MOST_STRAY = 0.08, 0.005, 0.4
#: Log-likelihood that one more definition must bring, beside the logarithm of how many there are to choose from.
_GAIN = 6.0
#: Single rows hardly tell far strays from noise: so much log-likelihood is asked for a file of nothing but strays.
_STRAY_COST = 50.0
#: Rows, and share of the rows, that a definition must explain.
_LEAST_ROWS, _LEAST_SHARE = 5.0, 0.02
#: More definitions in one file are not looked for.
_MOST = 6
_ROUGH, _FINE = 25, 300
#: Readings as close as this are never two parts of a file, and as close as that may be taken for one another.
_ONE_PLACE_M, _NEAR_M = 16.0, 120.0
#: Nor are readings that lie closer than so many sigma of the noise.
_APART_SIGMA = 4.0
#: So many of the likeliest readings are tried; one must do better than this share of its moves.
_TRIED, _CONTROL = 3, 0.75


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the reference says of each row under each reading.

    Parameters
    ----------
    ratios : numpy.ndarray
        Density over that of chance, shape (readings, sigmas, rows).
    owner : numpy.ndarray of int
        Group of each row, shape (rows,).
    counts : numpy.ndarray
        What each row counts, shape (rows,): 1, or 0 where the group said the same before.
    single : bool
        True where every row is its own group: a stray row is then a stray group.
    """

    ratios: FloatArray
    owner: NDArray[np.int64]
    counts: FloatArray
    single: bool

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.owner.max()) + 1 if len(self.owner) else 0

    def taken(self, readings: list[int]) -> Evidence:
        """Keep some readings.

        Parameters
        ----------
        readings : list of int
            Their places.

        Returns
        -------
        Evidence
            In that order.
        """
        return dataclasses.replace(self, ratios=self.ratios[readings])


@dataclass(frozen=True, kw_only=True, eq=False)
class Shares:
    """A mixture as it was estimated.

    Parameters
    ----------
    weights : numpy.ndarray
        Share of the groups in each reading, the last in none of them, shape (readings + 1,).
    noise : numpy.ndarray
        Share of each sigma, shape (readings, sigmas).
    stray : float
        Share of stray rows within groups.
    log_likelihood : float
        Against chance.
    """

    weights: FloatArray
    noise: FloatArray
    stray: float
    log_likelihood: float

    def rows(self, evidence: Evidence) -> FloatArray:
        """Return how likely each row is under each reading, against chance.

        Parameters
        ----------
        evidence : Evidence
            Of the same readings.

        Returns
        -------
        numpy.ndarray
            Shape (readings + 1, rows); of the last, which is chance, 1.
        """
        on = np.einsum("ks,ksn->kn", self.noise, evidence.ratios)
        likely = (1.0 - self.stray) * on + self.stray
        return np.vstack([likely, np.ones(likely.shape[1])])

    def groups(self, evidence: Evidence) -> FloatArray:
        """Return how likely each group is under each reading.

        Parameters
        ----------
        evidence : Evidence
            Of the same readings.

        Returns
        -------
        numpy.ndarray
            Log-likelihood against chance, shape (readings + 1, groups).
        """
        with np.errstate(divide="ignore"):
            each = np.log(self.rows(evidence))
        # Minus infinity times a count of 0 is no number.
        each[:, evidence.counts == 0] = 0.0
        return np.stack([np.bincount(evidence.owner, one, minlength=evidence.groups) for one in each])


def _posterior(logs: FloatArray, weights: FloatArray) -> tuple[FloatArray, float]:
    """Return the probability of each reading by group, and the log-likelihood of all groups."""
    with np.errstate(divide="ignore"):
        joint = logs + np.log(weights)[:, None]
    total = np.logaddexp.reduce(joint, axis=0)
    return np.exp(joint - total), float(total.sum())


def estimate(evidence: Evidence, *, rounds: int = _FINE) -> Shares:
    """Estimate shares, noise and strays from given readings.

    Parameters
    ----------
    evidence : Evidence
        Of the readings that mix.
    rounds : int
        How often expectation and maximisation follow each other.

    Returns
    -------
    Shares
        The most likely.
    """
    readings, sigmas = evidence.ratios.shape[:2]
    shares = Shares(
        weights=np.append(np.full(readings, 0.9 / max(1, readings)), 0.1),
        noise=np.full((readings, sigmas), 1.0 / sigmas),
        stray=0.0 if evidence.single else _STRAY,
        log_likelihood=-np.inf,
    )
    for _ in range(rounds):
        better = _maximised(evidence, shares)
        done = abs(better.log_likelihood - shares.log_likelihood) < 1e-4
        shares = better
        if done:
            break
    return shares


def _maximised(evidence: Evidence, shares: Shares) -> Shares:
    """Take one step of expectation and maximisation; the likelihood is that of the shares before it."""
    member, log_likelihood = _posterior(shares.groups(evidence), shares.weights)
    likely = shares.rows(evidence)[:-1]
    of_row = member[:-1][:, evidence.owner] * evidence.counts
    # Where nothing is likely, nothing is a member.
    on = np.divide((1.0 - shares.stray) * of_row, likely, out=np.zeros_like(likely), where=likely > 0)
    noise = np.einsum("kn,ksn->ks", on, evidence.ratios) * shares.noise
    total = noise.sum(axis=1, keepdims=True)
    stray = shares.stray
    if not evidence.single:
        inside = float(of_row.sum())
        stray = float(np.clip(1.0 - noise.sum() / inside, _LEAST_STRAY, _MOST_STRAY)) if inside > 0 else stray
    used = np.bincount(evidence.owner, evidence.counts, minlength=evidence.groups) > 0
    return Shares(
        weights=_weighed(member[:, used].sum(axis=1), single=evidence.single),
        noise=np.where(total > 0, noise / np.where(total > 0, total, 1.0), shares.noise),
        stray=stray,
        log_likelihood=log_likelihood,
    )


def _weighed(counts: FloatArray, *, single: bool) -> FloatArray:
    """Return the shares that maximise the likelihood of counts, and of what is known before them."""
    if not single:
        # As if one more group had been seen in each: of two groups that agree, the third need not follow.
        return np.asarray((counts + 1.0) / (counts + 1.0).sum())
    inside, outside = float(counts[:-1].sum()), float(counts[-1])
    # The multiplier of the condition that shares sum to 1: inside / m + outside / (m + cost) = 1.
    half = (inside + outside - _STRAY_COST) / 2.0
    multiplier = half + np.sqrt(half**2 + inside * _STRAY_COST)
    if multiplier <= 0:
        return np.asarray((counts + 1.0) / (counts + 1.0).sum())
    return np.append(counts[:-1] / multiplier, outside / (multiplier + _STRAY_COST))


def select(
    evidence: Evidence, apart_m: FloatArray, chosen: list[int], controls: Callable[[int], FloatArray]
) -> list[int]:
    """Choose the readings that mix.

    Parameters
    ----------
    evidence : Evidence
        Of all readings.
    apart_m : numpy.ndarray
        Median distance of the rows under two readings, shape (readings, readings); inf where they read other rows.
    chosen : list of int
        Readings that are known to mix.
    controls : callable
        From a reading to the ratios of its rows moved about in the neighbourhood, shape (moves, sigmas, rows): what a
        reading gains by no more than the density of streets there, they gain as well.

    Returns
    -------
    list of int
        Their places, those known first; empty where chance explains the file as well.
    """
    reached = estimate(evidence.taken(chosen), rounds=_ROUGH).log_likelihood if chosen else 0.0
    least = _GAIN + np.log(max(1, len(evidence.ratios)))
    while len(chosen) < _MOST:
        free = [one for one in range(len(apart_m)) if all(apart_m[one, other] > _ONE_PLACE_M for other in chosen)]
        trials = {one: estimate(evidence.taken([*chosen, one]), rounds=_ROUGH) for one in free}
        likeliest = sorted(free, key=lambda one: -trials[one].log_likelihood)[:_TRIED]
        fitting = (
            one
            for one in likeliest
            if trials[one].log_likelihood - reached >= least
            and _matters(evidence, [*chosen, one], trials[one])
            and _is_apart(trials[one], apart_m[one, chosen])
            and trials[one].log_likelihood >= _control(evidence, [*chosen, one], controls(one)) + _GAIN
        )
        best = next(fitting, None)
        if best is None:
            break
        chosen, reached = _swapped(evidence, [*chosen, best], apart_m)
    return chosen


def _is_apart(shares: Shares, apart_m: FloatArray) -> bool:
    """Say whether the last reading is so far from the others that noise does not explain it."""
    sigma_m = np.sqrt(shares.noise @ np.square(SIGMAS_M))
    return bool((apart_m > _APART_SIGMA * np.maximum(sigma_m[:-1], sigma_m[-1])).all())


def _control(evidence: Evidence, chosen: list[int], moved: FloatArray) -> float:
    """Return the log-likelihood that most moves of the last of the chosen do not reach."""
    taken = evidence.taken(chosen)
    trials = []
    for ratios in moved:
        trial = dataclasses.replace(taken, ratios=np.concatenate([taken.ratios[:-1], ratios[None]]))
        trials.append(estimate(trial, rounds=_ROUGH).log_likelihood)
    return float(np.quantile(trials, _CONTROL))


def _matters(evidence: Evidence, chosen: list[int], shares: Shares) -> bool:
    """Say whether the last of the chosen explains enough rows."""
    member, _ = _posterior(shares.groups(evidence.taken(chosen)), shares.weights)
    rows = float((member[-2][evidence.owner] * evidence.counts).sum())
    return rows >= max(_LEAST_ROWS, _LEAST_SHARE * float(evidence.counts.sum()))


def _swapped(evidence: Evidence, chosen: list[int], apart_m: FloatArray) -> tuple[list[int], float]:
    """Exchange readings for their neighbours while that makes the file more likely: the first came alone."""
    reached = estimate(evidence.taken(chosen), rounds=_ROUGH).log_likelihood
    for place in range(len(chosen)):
        others = chosen[:place] + chosen[place + 1 :]
        for near in np.flatnonzero(apart_m[chosen[place]] < _NEAR_M).tolist():
            if near in chosen or any(apart_m[near, other] <= _ONE_PLACE_M for other in others):
                continue
            trial = [*chosen[:place], near, *chosen[place + 1 :]]
            found = estimate(evidence.taken(trial), rounds=_ROUGH).log_likelihood
            if found > reached:
                chosen, reached = trial, found
    return chosen, reached


def within_groups(evidence: Evidence, shares: Shares) -> tuple[FloatArray, FloatArray]:
    """Let each group mix readings by itself.

    Parameters
    ----------
    evidence : Evidence
        Of the readings that mix.
    shares : Shares
        Their noise, as estimated from single rows; a group has strays of its own.

    Returns
    -------
    weights : numpy.ndarray
        Share of the rows of each group in each reading, the last in none, shape (readings + 1, groups).
    gain : numpy.ndarray
        Log-likelihood above that of the one reading, with strays, that fits the group best, shape (groups,).
    """
    likely = shares.rows(evidence)
    alone = [_own_shares(likely[[place, -1]], evidence)[1] for place in range(len(likely) - 1)]
    weights, together = _own_shares(likely, evidence)
    return weights, together - np.max(alone, axis=0)


def _own_shares(likely: FloatArray, evidence: Evidence, *, rounds: int = 60) -> tuple[FloatArray, FloatArray]:
    """Estimate by expectation and maximisation how each group mixes, and how likely that makes it."""
    owner, groups = evidence.owner, evidence.groups
    size = np.bincount(owner, evidence.counts, minlength=groups)
    weights = np.full((len(likely), groups), 1.0 / len(likely))
    for _ in range(rounds):
        joint = weights[:, owner] * likely
        member = joint / joint.sum(axis=0) * evidence.counts
        summed = np.stack([np.bincount(owner, one, minlength=groups) for one in member])
        weights = np.divide(summed, size, out=np.full_like(summed, 1.0 / len(likely)), where=size > 0)
        # No reading is ruled out for good: a row that only it explains must stay possible.
        weights = np.maximum(weights, 1e-9)
    mixed = np.log((weights[:, owner] * likely).sum(axis=0)) * evidence.counts
    return weights, np.bincount(owner, mixed, minlength=groups).astype(np.float64)
