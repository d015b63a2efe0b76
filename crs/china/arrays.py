"""Coordinates of any shape as the flat pairs that compiled loops want."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crs.errors import LengthMismatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["as_pair", "map_pair"]


def as_pair(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, ...]]:
    """Return two flat arrays of doubles and the shape that they have in common.

    Parameters
    ----------
    x, y : array_like
        Numbers that broadcast against each other. Arrays of doubles of one shape are not copied.

    Returns
    -------
    x, y : numpy.ndarray
        Contiguous, one dimension.
    shape : tuple of int
        Common shape; () for two scalars.

    Raises
    ------
    LengthMismatchError
        The shapes do not fit each other.
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (x, y))
    if first.shape != second.shape:
        try:
            first, second = np.broadcast_arrays(first, second)
        except ValueError as error:
            raise LengthMismatchError(
                f"first coordinate has shape {first.shape}, second has {second.shape}; give one of each per position"
            ) from error
    return np.ascontiguousarray(first).ravel(), np.ascontiguousarray(second).ravel(), first.shape


def map_pair(
    loop: Callable[..., None],
    x: ArrayLike,
    y: ArrayLike,
    *tables: Any,  # noqa: ANN401 - whatever the loop takes
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Run a compiled loop over two coordinates.

    Parameters
    ----------
    loop : callable
        Takes both coordinates, the tables, and the pair of arrays to write.
    x, y : array_like
        Coordinates of any shape.
    *tables : object
        Handed to the loop as they are.

    Returns
    -------
    x, y : numpy.ndarray
        New arrays of the common shape; zero-dimensional for scalars. NaN where a coordinate was not finite.
    """
    first, second, shape = as_pair(x, y)
    out = np.empty_like(first), np.empty_like(second)
    loop(first, second, *tables, out)
    return out[0].reshape(shape), out[1].reshape(shape)
