"""Shares of records with their intervals, the noise floor of cells, and moved mass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatial_join import H3Grid

if TYPE_CHECKING:
    import numpy.typing as npt

    Cells = npt.NDArray[np.uint64]
    Mask = npt.NDArray[np.bool_]

# Probability to cross the outline of a regular hexagon: perimeter / area * sigma / sqrt(2 pi), this over its edge.
_CROSSING = 4.0 / np.sqrt(3.0) / np.sqrt(2.0 * np.pi)
# Seven children have an outline of 18 edges of 1 / sqrt(7) where their parent has six: so much longer it gets a level.
_RAGGED = 3.0 / np.sqrt(7.0)
_CONFIDENCE = 0.95
_RESAMPLES = 1000
# As many blocks are wanted before they are made larger; blocks larger than 6 are whole cities.
_MANY_BLOCKS, _LARGEST_BLOCKS = 100, 6


def share_of(wrong: Mask, counted: Mask) -> float:
    """Return the share of wrong ones.

    Parameters
    ----------
    wrong, counted : ndarray of bool, shape (n,)
        Which are wrong, and which count at all.

    Returns
    -------
    float
        Of 1; NaN if none counts.
    """
    number = int(counted.sum())
    return float((wrong & counted).sum() / number) if number else float("nan")


def choose_blocks(cells: Cells, storage: int) -> npt.NDArray[np.int64]:
    """Divide the ground into blocks that are as large as there remain many of them.

    Neighbouring records err together, a site errs with all of its readings: blocks are what is drawn anew, not records.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        Cell of every record at the storage resolution, 0: nowhere.
    storage : int
        That resolution.

    Returns
    -------
    ndarray of int64, shape (n,)
        Number of its block; those that are nowhere share one.
    """
    known = cells > 0
    found = np.full(cells.size, -1, dtype=np.int64)
    for resolution in range(min(_LARGEST_BLOCKS, storage), storage + 1):
        parents = H3Grid(resolution=resolution).parents(cells[known], resolution)
        numbers, found[known] = np.unique(parents, return_inverse=True)
        if numbers.size >= _MANY_BLOCKS:
            break
    return found


def block_interval(wrong: Mask, counted: Mask, blocks: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return an interval of 95 % for a share, by bootstrap over blocks.

    Parameters
    ----------
    wrong, counted : ndarray of bool, shape (n,)
        Which are wrong, and which count at all.
    blocks : ndarray of int64, shape (n,)
        Number of the block of each.

    Returns
    -------
    low, high : float
        Quantiles of 2.5 and 97.5 %; NaN with fewer than two blocks. Where none is wrong or all are, resampling knows
        no other: the bound is then that of as many independent draws as there are blocks.

    References
    ----------
    B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; C. Clopper, E. Pearson, The use of
    confidence or fiducial limits illustrated in the case of the binomial, Biometrika 26, 1934.

    Examples
    --------
    >>> low, high = block_interval(np.zeros(300, bool), np.ones(300, bool), np.arange(300))
    >>> low, round(high, 4)
    (0.0, 0.0122)
    """
    numbers, at = np.unique(blocks[counted], return_inverse=True)
    if numbers.size < 2:
        return float("nan"), float("nan")
    size = np.bincount(at).astype(np.float64)
    bad = np.bincount(at, weights=wrong[counted].astype(np.float64))
    tail = (1.0 - _CONFIDENCE) / 2.0
    if bad.sum() in {0.0, size.sum()}:
        edge = tail ** (1.0 / numbers.size)
        return (0.0, float(1.0 - edge)) if bad.sum() == 0.0 else (float(edge), 1.0)
    times = np.random.default_rng(0).multinomial(numbers.size, np.full(numbers.size, 1.0 / numbers.size), _RESAMPLES)
    low, high = np.quantile((times @ bad) / (times @ size), [tail, 1.0 - tail])
    return float(low), float(high)


def noise_floor(cells: Cells, sigma_m: npt.NDArray[np.float64], *, resolution: int, storage: int) -> float:
    """Return the share that noise alone puts into another cell, whatever the engine does.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        True cells at the resolution, 0: not known.
    sigma_m : ndarray of float64, shape (n,)
        Standard deviation of each record's error per axis, metres; NaN or 0: not stated.
    resolution : int
        H3 resolution of the cells.
    storage : int
        H3 resolution from which they were made by parent.

    Returns
    -------
    float
        First order in sigma over the edge: 0.921 sigma / e, with the edge e of the cells as large as they are there,
        and 1.134 times as much for every level between storage and resolution, because the outline of parents is
        ragged. NaN if the error of no record is stated.

    Examples
    --------
    >>> cell = H3Grid(resolution=9).index([114.06], [22.54])
    >>> round(noise_floor(cell, np.array([5.0]), resolution=9, storage=9), 4)
    0.0232
    >>> round(noise_floor(cell, np.array([5.0]), resolution=9, storage=11), 4)
    0.0298
    """
    stated = (cells > 0) & (sigma_m > 0.0)
    if not stated.any():
        return float("nan")
    distinct, at = np.unique(cells[stated], return_inverse=True)
    edge_m = np.sqrt(2.0 * H3Grid(resolution=resolution).areas_m2(distinct) / (3.0 * np.sqrt(3.0)))[at]
    ragged = _RAGGED ** (storage - resolution)
    return float(np.minimum(1.0, _CROSSING * ragged * sigma_m[stated] / edge_m).mean())


def moved_mass(placed: Cells, truth: Cells) -> float:
    """Return how much of the true counts of cells stands elsewhere (total variation).

    Parameters
    ----------
    placed, truth : ndarray of uint64, shape (n,)
        Cells of the records; 0 of the first: not placed, of the second: not known, and left out.

    Returns
    -------
    float
        0: all counts are right, though records may have changed places; 1: none is. NaN if no truth is known.

    Examples
    --------
    >>> moved_mass(np.array([1, 1, 2, 0], np.uint64), np.array([1, 1, 1, 2], np.uint64))
    0.25
    """
    known = truth > 0
    if not known.any():
        return float("nan")
    cells, at = np.unique(np.concatenate([placed[known], truth[known]]), return_inverse=True)
    number = int(known.sum())
    change = np.bincount(at[:number], minlength=cells.size) - np.bincount(at[number:], minlength=cells.size)
    return float(0.5 * np.abs(change).sum() / number)
