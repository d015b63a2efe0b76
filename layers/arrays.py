"""Between pandas columns and numpy arrays, without losing what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs import Fields, Shapes

__all__ = ["Texts", "given_reasons", "take", "to_array"]


def given_reasons(reasons: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Say which records have a reason.

    Parameters
    ----------
    reasons : numpy.ndarray of object, shape (n,)
        Text or None.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        True where there is one.
    """
    given: NDArray[np.bool_] = pd.notna(reasons)
    return given


def to_array(values: pd.Series) -> NDArray[np.generic]:
    """Leave pandas for numpy without losing what is missing.

    Parameters
    ----------
    values : pandas.Series
        Of n values.

    Returns
    -------
    numpy.ndarray
        Shape (n,); see :meth:`Layer.column`.
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        instants: NDArray[np.generic] = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return instants
    if isinstance(values.dtype, pd.StringDtype):
        text: NDArray[np.generic] = pa.Array.from_pandas(values, type=pa.large_string()).to_numpy(zero_copy_only=False)
        return text
    if pd.api.types.is_extension_array_dtype(values.dtype):
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            kind = (
                np.dtype(np.float64) if values.hasnans else np.dtype(getattr(values.dtype, "numpy_dtype", np.float64))
            )
            return values.to_numpy(dtype=kind, na_value=np.nan) if values.hasnans else values.to_numpy(dtype=kind)
        return values.astype(object).where(values.notna(), None).to_numpy(dtype=object)
    return values.to_numpy()


def take(coordinates: Fields | Shapes, mask: NDArray[np.bool_]) -> Fields | Shapes:
    """Keep the masked positions.

    Parameters
    ----------
    coordinates : Fields or Shapes
        Of n records.
    mask : numpy.ndarray of bool, shape (n,)
        True to keep.

    Returns
    -------
    Fields or Shapes
        Of the kept records.
    """
    return coordinates.take(mask)


@dataclass(frozen=True, eq=False)
class Texts:
    """Columns that leave pandas when somebody asks for them.

    Parameters
    ----------
    columns : tuple of pandas.Series
        Of n values each.
    """

    columns: tuple[pd.Series, ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    def make(self) -> tuple[NDArray[np.generic], ...]:
        """Make arrays of them.

        Returns
        -------
        tuple of numpy.ndarray
            As of `to_array`.
        """
        return tuple(map(to_array, self.columns))

    def take(self, mask: NDArray[np.bool_] | NDArray[np.intp]) -> Texts:
        """Keep some records.

        Parameters
        ----------
        mask : numpy.ndarray of bool or int
            True to keep, shape (n,); or places.

        Returns
        -------
        Texts
            Of those.
        """
        return Texts(tuple(column.iloc[mask] for column in self.columns))
