"""Weights part by part: shares of every record in every cell (and band), from any number of workers the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
import dask.dataframe as dd
import geopandas as gpd
import numpy as np
from dask.base import tokenize

from spatial_join.aggregate import spread_of
from spatial_join.errors import JoinError
from spatial_join.grid import H3Grid
from spatial_join.lazy.planned import Planned
from spatial_join.lazy.sources import side_of
from spatial_join.pieces import LatticeLike
from spatial_join.records import LON_LAT, Records, frame_of, records_of
from spatial_join.volumes import VolumeWeights, volumes_together
from spatial_join.volumes import volume_weights as prisms_between
from spatial_join.weights import together

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from spatial_join.blocks import Block
    from spatial_join.weights import Weights

__all__ = ["LazyVolumeWeights", "LazyWeights", "volume_weights", "weights"]


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


class LazyVolumeWeights(Planned["VolumeWeights"]):
    """Shares of prisms that are not computed yet.

    Parameters
    ----------
    delayed, partitions, token
        As of `Planned`.
    """


def volume_weights(
    source: Any,  # noqa: ANN401 -- the sources share no base class
    *,
    base_m: str,
    top_m: str,
    resolution: int,
    edges_m: ArrayLike,
) -> LazyVolumeWeights:
    """Plan to find the share of every prism in every cell and band of height, part by part.

    Parameters
    ----------
    source : layers.Layer, geopandas.GeoDataFrame, dask.dataframe.DataFrame of these, or path of GeoParquet
        Footprints in longitude and latitude.
    base_m, top_m : str
        Columns with the heights of floor and roof, as of :func:`spatial_join.volume_weights`.
    resolution : int
        H3 resolution of the cells.
    edges_m : array_like of float
        Heights between the bands, ascending.

    Returns
    -------
    LazyVolumeWeights
        Its rows are the positions of the records, over all parts.

    Raises
    ------
    GeometryError
        If the bands do not ascend; what is wrong with prisms shows when they are computed.
    JoinError
        If a column is missing, or the source is a raster.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> tower = [shapely.box(7.4200, 43.7300, 7.4202, 43.7302)]
    >>> towers = gpd.GeoDataFrame({"floor": [0.0], "roof": [30.0]}, geometry=tower, crs="OGC:CRS84")
    >>> plan = volume_weights(towers, base_m="floor", top_m="roof", resolution=9, edges_m=[0, 10, 100])
    >>> plan.compute(scheduler="synchronous").share.round(3).tolist()
    [0.333, 0.667]
    """
    grid, edges = H3Grid(resolution), np.asarray(edges_m, dtype=np.float64)
    if not isinstance(source, dd.DataFrame | str | Path):
        source = frame_of(source)
    side = side_of(source, side="left", scattered=False)
    missing = [name for name in (base_m, top_m) if name not in side.like.columns]
    if missing:
        raise JoinError(f"There is no column {missing[0]!r}; there are {', '.join(map(str, side.like.columns))}.")
    prisms_between([], [], [], grid=grid, edges_m=edges)  # of no record: only whether the bands ascend
    token = tokenize("volumes", side.token, len(side.blocks), resolution, edges.tolist(), base_m, top_m)
    parts = [
        dask.delayed(_stack, pure=True)(block, (base_m, top_m), grid, edges, dask_key_name=f"stack-{token}-{i}")
        for i, block in enumerate(side.blocks)
    ]
    whole = dask.delayed(volumes_together, pure=True)(parts, dask_key_name=f"volumes-{token}")
    return LazyVolumeWeights(delayed=whole, partitions=len(parts), token=token)


def _stack(block: Block, heights: tuple[str, str], grid: H3Grid, edges_m: NDArray[np.float64]) -> VolumeWeights:
    footprints = np.asarray(records_of(block.frame).geometry, dtype=object)
    base, top = (block.frame[name].to_numpy(dtype=np.float64) for name in heights)
    return prisms_between(footprints, base, top, grid=grid, edges_m=edges_m)


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
