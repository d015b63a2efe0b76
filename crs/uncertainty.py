"""How far a position may be off: one circular normal sigma per record, in metres."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["CIRCULAR_95", "combine_sigma", "radius_95", "rounding_sigma"]

#: A circular normal holds 95 % within this many sigma (per axis): sqrt(-2 ln 0.05), the Rayleigh quantile.
CIRCULAR_95 = math.sqrt(-2.0 * math.log(0.05))


@overload
def radius_95(sigma_m: float) -> float: ...
@overload
def radius_95(sigma_m: NDArray[np.float64]) -> NDArray[np.float64]: ...
def radius_95(sigma_m: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    """Return the radius that holds the true position with a probability of 95 %.

    Parameters
    ----------
    sigma_m : float or numpy.ndarray
        Standard deviation per horizontal axis of a circular normal error, metres. NaN stays NaN.

    Returns
    -------
    float or numpy.ndarray
        Radius in metres: 2.4477 times sigma.

    References
    ----------
    The distance from the centre of a circular normal has the Rayleigh distribution, whose quantile at p is
    sigma * sqrt(-2 ln(1 - p)).

    Examples
    --------
    >>> round(radius_95(5.0), 2)
    12.24
    """
    return CIRCULAR_95 * sigma_m


def combine_sigma(*sigma_m: ArrayLike) -> NDArray[np.float64]:
    """Combine independent errors: the root of the sum of squares.

    Parameters
    ----------
    *sigma_m : array_like
        Standard deviations per axis in metres; scalars and arrays of one length mix.

    Returns
    -------
    numpy.ndarray
        The combined standard deviation, metres. NaN where any part is NaN.

    Examples
    --------
    >>> combine_sigma(3.0, [4.0, 0.0]).tolist()
    [5.0, 3.0]
    """
    total = np.zeros((), dtype=np.float64)
    for part in sigma_m:
        total = total + np.square(np.asarray(part, dtype=np.float64))
    return np.asarray(np.sqrt(total), dtype=np.float64)


def rounding_sigma(step_m: ArrayLike) -> NDArray[np.float64]:
    """Return the sigma of a value that was rounded to a step: the step over the root of twelve.

    Parameters
    ----------
    step_m : array_like
        Worth of the last printed digit, metres.

    Returns
    -------
    numpy.ndarray
        Standard deviation of the uniform error of plus or minus half a step, metres.

    Examples
    --------
    >>> round(float(rounding_sigma(1.0)), 4)
    0.2887
    """
    return np.asarray(step_m, dtype=np.float64) / math.sqrt(12.0)
