"""Records as they came, kept beside a layer so that what is set aside is entered unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import shapely

from crs import Shapes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crs import Fields, PositionDefinition

__all__ = ["Published", "written_out"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Published:
    """Every record of the files of a layer, before types were given and anything was repaired or moved.

    Parameters
    ----------
    table : pandas.DataFrame
        Attributes, text where the file is text; the index is the number of the record.
    shapes : Shapes or None
        One a row of the table, or None where positions are columns.
    """

    table: pd.DataFrame
    shapes: Shapes | None

    def records(self, rows: NDArray[np.int64]) -> pd.DataFrame:
        """Return some records.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (k,)
            Their numbers.

        Returns
        -------
        pandas.DataFrame
            k lines; geometries as well-known text in the column ``geometry``.
        """
        places = self.table.index.get_indexer(pd.Index(rows))
        found = self.table.iloc[places]
        return found if self.shapes is None else _with_text(found, self.shapes.take(places).geometry)


def _with_text(table: pd.DataFrame, geometry: NDArray[np.object_]) -> pd.DataFrame:
    return table.assign(geometry=shapely.to_wkt(geometry, rounding_precision=-1))


def written_out(
    table: pd.DataFrame, coordinates: Fields | Shapes, position: PositionDefinition, mask: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return some records of a layer with their positions as columns.

    Parameters
    ----------
    table : pandas.DataFrame
        Attributes, n rows.
    coordinates : Fields or Shapes
        One a row.
    position : PositionDefinition
        Names the columns of fields.
    mask : numpy.ndarray of bool, shape (n,)
        True for those wanted.

    Returns
    -------
    pandas.DataFrame
        Geometries as well-known text in the column ``geometry``.
    """
    if isinstance(coordinates, Shapes):
        return _with_text(table[mask], coordinates.geometry[mask])
    written = {
        name: values[mask]
        for name, values in zip(position.columns, coordinates.columns, strict=False)
        if name not in table.columns
    }
    return table[mask].assign(**written)
