"""Numbers that stand for a missing position: zeros, nines, and the limits of the type that they were stored in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # Coordinates carry what is judged here, and so stand above.
    FloatArray = NDArray[np.float64]

__all__ = ["is_null_island", "is_sentinel", "is_sentinel_pair"]

_LIMITS = (32767, -32768, 65535, 2147483647, -2147483648, 4294967295)
#: "Not available" of ships' transponders, longitude and latitude (ITU-R M.1371).
_TRANSPONDER = (181.0, 91.0)
#: Fill values of scientific files (1e20, 9.969e36, -3.4e38) lie beyond it; no place on earth does.
_FILL = 1e15
#: A number of fourteen nines keeps its last one to a few hundredths.
_NEARLY = 0.05


def is_sentinel(values: FloatArray) -> NDArray[np.bool_]:
    """Say which numbers, as they are written, may stand for a missing value.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers before any unit is applied, any shape. NaN is none.

    Returns
    -------
    numpy.ndarray of bool
        True for numbers of nines only that are 99 or more (999, -9999, 99.9999), the limits of integers and fill
        values. A place may bear such a number: it takes more to refuse it.

    Examples
    --------
    >>> is_sentinel(np.array([-999.0, 99.9999, 116.39, 9.9, 2147483647.0])).tolist()
    [True, True, False, False, True]
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    found = np.isin(values, _LIMITS) | (size >= _FILL)
    middle = (size >= 99.0) & (size < _FILL)
    rest = size[middle]
    # A number of nines lies a power of ten below a power of ten, and that one is a whole unit or less.
    gap = 10.0 ** np.ceil(np.log10(rest)) - rest
    known = gap > 0
    digits = np.round(-np.log10(np.where(known, gap, 1.0)))
    nines = known & (digits >= 0) & (np.abs(gap * 10.0**digits - 1.0) < _NEARLY)
    found[middle] |= nines
    return found


def is_sentinel_pair(first: FloatArray, second: FloatArray) -> NDArray[np.bool_]:
    """Say which pairs, as they are written, stand for a missing position: two such numbers are no chance.

    Parameters
    ----------
    first, second : numpy.ndarray
        Numbers of one shape, in any order of axes.

    Returns
    -------
    numpy.ndarray of bool
        True where both may stand for a missing value, or for a ship without a position (181, 91).

    Examples
    --------
    >>> is_sentinel_pair(np.array([-999.0, 99.9999, 91.0]), np.array([-999.0, 40.0, 181.0])).tolist()
    [True, False, True]
    """
    both = is_sentinel(first) & is_sentinel(second)
    lon, lat = _TRANSPONDER
    found: NDArray[np.bool_] = both | ((first == lon) & (second == lat)) | ((first == lat) & (second == lon))
    return found


def is_null_island(x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    """Say which pairs are exactly zero: the default of an empty number, not a measured place.

    Parameters
    ----------
    x, y : numpy.ndarray
        Numbers of one shape.

    Returns
    -------
    numpy.ndarray of bool
        True where both are zero.
    """
    null: NDArray[np.bool_] = (x == 0) & (y == 0)
    return null
