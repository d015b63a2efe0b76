"""On which side of a line a point lies, without ever being wrong.

References
----------
.. [1] J. R. Shewchuk (1997), "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates",
   Discrete & Computational Geometry 18:305-363: the error bound, and sums of doubles that are exact together.
"""

# ruff: noqa: PLR0917
# Compiled functions know neither keyword-only parameters nor a vectorised max() of three; numba infers their types.

from __future__ import annotations

import numba as nb
import numpy as np

__all__ = ["side_of_line"]

_HALF_ULP = 2.0**-53
_BOUND = (3.0 + 16.0 * _HALF_ULP) * _HALF_ULP  # of the rounding error of the determinant, relative to its two terms
_SPLITTER = 2.0**27 + 1.0  # cuts a double into two halves whose products are exact


@nb.njit(nogil=True, cache=True)
def _product(a: float, b: float) -> tuple[float, float]:
    """Return a product and its rounding error, which together are exact."""
    product = a * b
    t = _SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = _SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@nb.njit(nogil=True, cache=True)
def _exact_side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Return the sign of the determinant from six exact products, added without loss."""
    parts = np.zeros(12)  # one number as a sum of parts that do not overlap, the last non-zero one decides
    size = 0
    for a, b in ((ax, by), (-ax, py), (-px, by), (-ay, bx), (ay, px), (py, bx)):
        high, low = _product(a, b)
        for value in (low, high):
            carried = value
            for k in range(size):
                total = carried + parts[k]
                virtual = total - carried
                parts[k] = (carried - (total - virtual)) + (parts[k] - virtual)
                carried = total
            parts[size] = carried
            size += 1
    for k in range(size - 1, -1, -1):
        if parts[k] != 0.0:
            return 1 if parts[k] > 0.0 else -1
    return 0


@nb.njit(nogil=True, cache=True)
def side_of_line(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Say on which side of the line from a to b the point p lies.

    Parameters
    ----------
    ax, ay, bx, by : float
        Two points of the line; 0, or of a magnitude between 1e-140 and 1e140.
    px, py : float
        The point.

    Returns
    -------
    int
        1 to the left, -1 to the right, 0 exactly on the line.

    Examples
    --------
    >>> side_of_line(0.0, 0.0, 3.0, 3.0, 1.0, 1.0)
    0
    >>> side_of_line(0.0, 0.0, 3.0, 3.0, 1.0, 1.0000000000000002)
    1
    """
    left = (ax - px) * (by - py)
    right = (ay - py) * (bx - px)
    determinant = left - right
    if abs(determinant) > _BOUND * (abs(left) + abs(right)):
        return 1 if determinant > 0.0 else -1
    side: int = _exact_side(ax, ay, bx, by, px, py)
    return side
