"""Arrays of the cube that are read when they are looked at, chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from twin.cube.window import Places


class _Deferred(BackendArray):
    """What xarray asks for the parts that are indexed."""

    def __init__(self, read: Callable[[Places, Places], npt.NDArray[np.float64]], shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.dtype = np.dtype(np.float64)
        self._read_part = read

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:  # noqa: ANN401 - xarray's
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[np.float64]:
        wanted = [np.atleast_1d(np.arange(size)[part]) for part, size in zip(key, self.shape, strict=True)]
        found = [np.unique(places, return_inverse=True) for places in wanted]
        steps = found[1][0] if len(found) > 1 else np.empty(0, np.int64)
        values = self._read_part(found[0][0], steps)
        for axis, (_, back) in enumerate(found):
            values = np.take(values, back, axis=axis)
        single = tuple(axis for axis, part in enumerate(key) if isinstance(part, int | np.integer))
        return np.asarray(np.squeeze(values, axis=single), dtype=self.dtype)


def deferred(
    read: Callable[[Places, Places], npt.NDArray[np.float64]], *, shape: tuple[int, ...], attributes: dict[str, Any]
) -> xr.DataArray:
    """Return an array that xarray reads part by part.

    Parameters
    ----------
    read : callable
        Given ascending numbers of cells and of steps (empty without a time axis), returns the values of those.
    shape : tuple of int
        Cells, or cells and steps.
    attributes : dict
        Of the array.

    Returns
    -------
    xarray.DataArray
        Dims (cell, time) or (cell,); nothing is read before its values are asked for.
    """
    lazy = indexing.LazilyIndexedArray(_Deferred(read, shape))
    return xr.DataArray(xr.Variable(("cell", "time")[: len(shape)], lazy, attrs=attributes))
