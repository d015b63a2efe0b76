"""Weights part by part: the shares of every record in every cell, from any number of workers the same to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
import dask.dataframe as dd
import geopandas as gpd
from dask.base import tokenize

from spatial_join.aggregate import spread_of
from spatial_join.errors import JoinError
from spatial_join.grid import H3Grid
from spatial_join.lazy.planned import Planned
from spatial_join.lazy.sources import side_of
from spatial_join.pieces import LatticeLike
from spatial_join.records import LON_LAT, Records, records_of
from spatial_join.weights import together

if TYPE_CHECKING:
    from spatial_join.blocks import Block
    from spatial_join.weights import Weights

__all__ = ["LazyWeights", "weights"]


class LazyWeights(Planned["Weights"]):
    """Weights that are not computed yet.

    Parameters
    ----------
    delayed, partitions, token
        As of `Planned`.
    """


def weights(source: Any, *, resolution: int, uncertain: bool = False) -> LazyWeights:  # noqa: ANN401 -- the sources share no base class
    """Plan to find the share of every record in every cell, part by part.

    Parameters
    ----------
    source : layers.Layer, geopandas.GeoDataFrame, dask.dataframe.DataFrame of these, or path of GeoParquet
        Points, lines or polygons in longitude and latitude, of one dimension.
    resolution : int
        H3 resolution of the cells.
    uncertain : bool
        Whether points go to cells by probability, as in :func:`spatial_join.to_h3`.

    Returns
    -------
    LazyWeights
        Its rows are the positions of the records, over all parts.

    Raises
    ------
    JoinError
        If the source is a raster.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> block = gpd.GeoDataFrame(geometry=[shapely.box(7.42, 43.73, 7.43, 43.74)], crs="OGC:CRS84")
    >>> len(weights(block, resolution=8).compute(scheduler="synchronous"))
    5
    """
    grid = H3Grid(resolution)
    side = side_of(_with_errors(source), side="left", scattered=False)
    token = tokenize("weights", side.token, len(side.blocks), resolution, uncertain)
    parts = [
        dask.delayed(_spread, pure=True)(block, grid, uncertain=uncertain, dask_key_name=f"spread-{token}-{i}")
        for i, block in enumerate(side.blocks)
    ]
    whole = dask.delayed(together, pure=True)(parts, dask_key_name=f"weights-{token}")
    return LazyWeights(delayed=whole, partitions=len(parts), token=token)


def _with_errors(source: Any) -> Any:  # noqa: ANN401
    """Return a source whose records have what is known of the error of their positions in columns."""
    if isinstance(source, dd.DataFrame | gpd.GeoDataFrame | str | Path):
        return source
    records = records_of(source)
    if isinstance(records.geometry, LatticeLike):
        raise JoinError(f"{records.name!r} is a raster; take it to cells with to_h3, or to weights with weights.")
    known = {"sigma_m": records.sigma_m, "radius_m": records.radius_m}
    columns = {name: column for name, column in known.items() if column is not None}
    return gpd.GeoDataFrame(columns, geometry=records.geometry, crs=LON_LAT)


def _spread(block: Block, grid: H3Grid, *, uncertain: bool) -> Weights:
    records: Records = records_of(block.frame)
    return spread_of(records, grid, uncertain=uncertain)
