"""Joins and cells in parts, with Dask: nothing is computed before it is asked for.

`join`, `overlay`, `join_probable`, `match`, `share_out`, `weights`, `volume_weights` and `to_h3` do what those of
`spatial_join` do, part by part, with the same answer whatever the number of parts, threads or workers. They take what
the eager ones take, Dask DataFrames of GeoDataFrames (`points` makes one of two columns), and GeoParquet files, whose
row groups are read when their turn comes.
"""

from spatial_join.lazy.cells import LazyCellTable, PixelBlock, to_h3
from spatial_join.lazy.dasymetric import SharedFrame, share_out
from spatial_join.lazy.frames import GeoFrame
from spatial_join.lazy.joins import join, overlay
from spatial_join.lazy.matching import match
from spatial_join.lazy.probable import LazyProbable, join_probable
from spatial_join.lazy.shares import LazyVolumeWeights, LazyWeights, volume_weights, weights
from spatial_join.lazy.sources import points

__all__ = [
    "GeoFrame",
    "LazyCellTable",
    "LazyProbable",
    "LazyVolumeWeights",
    "LazyWeights",
    "PixelBlock",
    "SharedFrame",
    "join",
    "join_probable",
    "match",
    "overlay",
    "points",
    "share_out",
    "to_h3",
    "volume_weights",
    "weights",
]
