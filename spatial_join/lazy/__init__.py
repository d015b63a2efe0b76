"""Joins and cells in parts, with Dask: nothing is computed before it is asked for.

`join`, `overlay`, `weights` and `to_h3` do what those of `spatial_join` do, part by part, with the same answer whatever
the number of parts, threads or workers. They take what the eager ones take, Dask DataFrames of GeoDataFrames (`points`
makes one of two columns), and GeoParquet files, whose row groups are read when their turn comes.
"""

from spatial_join.lazy.cells import LazyCellTable, PixelBlock, to_h3
from spatial_join.lazy.frames import GeoFrame
from spatial_join.lazy.joins import join, overlay
from spatial_join.lazy.shares import LazyWeights, weights
from spatial_join.lazy.sources import points

__all__ = ["GeoFrame", "LazyCellTable", "LazyWeights", "PixelBlock", "join", "overlay", "points", "to_h3", "weights"]
