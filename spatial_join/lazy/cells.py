"""The same aggregation in partitions, with Dask.

Records are parted by the H3 parent of a point on each of them, which depends on the record alone; parts are added up
in the order of their parents. So the result does not depend on how many workers there are, nor on which of them
finishes first: it is the same to the last byte. Nothing is computed before ``compute`` is called.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import pandas as pd
import shapely
from dask.base import tokenize

from spatial_join.aggregate import aggregate, spread_of
from spatial_join.errors import ResolutionError
from spatial_join.grid import H3Grid
from spatial_join.lazy.planned import Planned
from spatial_join.partition import by_parent
from spatial_join.pieces import LatticeLike
from spatial_join.probability import require_normal
from spatial_join.quantity import Quantity, columns_by
from spatial_join.records import Records, records_of
from spatial_join.state import combine
from spatial_join.table import CellTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["LazyCellTable", "PixelBlock", "to_h3"]

PARTITION_RESOLUTION = 5
"""Parents of about 250 km²: a city makes some ten parts."""


class LazyCellTable(Planned["CellTable"]):
    """A table of cells that is not computed yet.

    Parameters
    ----------
    delayed, partitions, token
        As of `Planned`.
    """


@dataclass(frozen=True)
class PixelBlock:
    """Corners of pixels that need not be neighbours: a lattice of one row, each pixel with four corners of its own.

    Parameters
    ----------
    corner_lon, corner_lat : ndarray of float64, shape (n, 4)
        Corners in order around each pixel, degrees.
    """

    corner_lon: NDArray[np.float64]
    corner_lat: NDArray[np.float64]

    def polygons(self) -> NDArray[Any]:
        """Draw the pixels.

        Returns
        -------
        ndarray of shapely.Polygon, shape (n,)
            One quadrilateral per pixel.
        """
        return np.asarray(shapely.polygons(np.stack([self.corner_lon, self.corner_lat], axis=2)))


def to_h3(
    layer: Any,  # noqa: ANN401 -- layers, rasters and frames share no base class
    *,
    resolution: int = 10,
    values: Mapping[str, Quantity | str | Mapping[str, Any]],
    by: str | ArrayLike | None = None,
    partition_resolution: int = PARTITION_RESOLUTION,
    uncertain: bool = False,
) -> LazyCellTable:
    """Plan to take the records of a layer to H3 cells, part by part.

    Parameters
    ----------
    layer : layers.Layer, layers.RasterLayer or geopandas.GeoDataFrame
        Records in longitude and latitude.
    resolution : int
        H3 resolution of the cells.
    values : mapping of str to Quantity or str
        The columns to take, and what kind of quantity each is.
    by : str or array_like of int, optional
        Time step of every record, or the column that holds it.
    partition_resolution : int
        H3 resolution of the parents that part the records.
    uncertain : bool
        Whether points go to cells by probability, as in :func:`spatial_join.to_h3`.

    Returns
    -------
    LazyCellTable
        The plan; equal to :func:`spatial_join.to_h3` up to the order of additions.

    Raises
    ------
    ResolutionError
        If the parts would be finer than the cells.
    """
    if partition_resolution > resolution:
        raise ResolutionError(
            f"Parts of resolution {partition_resolution} are finer than cells of {resolution}; choose a coarser one."
        )
    records = records_of(layer)
    if uncertain:
        require_normal(records.geometry, records.radius_m)
    quantities = {name: Quantity.of(kind) for name, kind in values.items()}
    step = None if by is None else records.column(by) if isinstance(by, str) else np.asarray(by)
    columns = {name: records.column(name) for name in quantities}
    amounts = {name: records.column(name) for name in columns_by(quantities)}
    parts = []
    for rows in by_parent(*_representatives(records), partition_resolution):
        piece = {
            "geometry": _geometry(records, rows),
            "values": {name: column[rows] for name, column in columns.items()},
            "amounts": {name: column[rows] for name, column in amounts.items()},
            "by": None if step is None else step[rows],
            "sigma_m": None if records.sigma_m is None else records.sigma_m[rows],
            "label": records.table.index.to_numpy()[rows],
            "uncertain": uncertain,
        }
        name = f"spatial_join-part-{tokenize(piece, quantities, resolution)}"
        parts.append(dask.delayed(_part, pure=True)(piece, quantities, resolution, dask_key_name=name))
    token = tokenize([part.key for part in parts])
    return LazyCellTable(
        delayed=dask.delayed(_merged)(parts, dask_key_name=f"spatial_join-table-{token}"),
        partitions=len(parts),
        token=token,
    )


def _representatives(records: Records) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return one position per record that depends on nothing but the record; NaN for those without one."""
    if isinstance(records.geometry, LatticeLike):
        lon, lat = records.geometry.corner_x[:-1, :-1].ravel(), records.geometry.corner_y[:-1, :-1].ravel()
        valid = np.ones(lon.size, dtype=bool) if records.valid is None else records.valid.ravel()
        return np.where(valid, lon, np.nan), np.where(valid, lat, np.nan)
    bounds = shapely.bounds(records.geometry)
    return 0.5 * (bounds[:, 0] + bounds[:, 2]), 0.5 * (bounds[:, 1] + bounds[:, 3])


def _geometry(records: Records, rows: NDArray[np.int64]) -> NDArray[Any] | PixelBlock:
    """Return the geometry of some records, as small as it can travel."""
    if not isinstance(records.geometry, LatticeLike):
        return np.asarray(shapely.to_wkb(records.geometry[rows]), dtype=object)
    lon, lat = records.geometry.corner_x, records.geometry.corner_y
    j, i = np.divmod(rows, lon.shape[1] - 1)
    corner = [(j, i), (j, i + 1), (j + 1, i + 1), (j + 1, i)]
    return PixelBlock(np.stack([lon[c] for c in corner], axis=1), np.stack([lat[c] for c in corner], axis=1))


def _part(piece: dict[str, Any], quantities: dict[str, Quantity], resolution: int) -> CellTable:
    """Aggregate one part."""
    geometry = piece["geometry"]
    shapes = geometry.polygons() if isinstance(geometry, PixelBlock) else shapely.from_wkb(geometry)
    records = Records(name="part", geometry=shapes, table=pd.DataFrame(), sigma_m=piece["sigma_m"])
    spread = spread_of(records, H3Grid(resolution), uncertain=piece["uncertain"])
    table = aggregate(
        spread, piece["values"], quantities, by=piece["by"], sigma_m=piece["sigma_m"], amounts=piece["amounts"]
    )
    missing = table.missing.assign(row=piece["label"][table.missing["row"].to_numpy(dtype=np.int64)])
    return replace(table, missing=missing)


def _merged(tables: list[CellTable]) -> CellTable:
    """Add parts up in the order given."""
    filled = [table for table in tables if len(table)] or tables[:1]
    whole = CellTable.from_state(combine([table.to_state() for table in filled]), like=filled[0])
    return replace(whole, missing=pd.concat([table.missing for table in tables], ignore_index=True))
