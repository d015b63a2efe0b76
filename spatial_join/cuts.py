"""The work of an overlay in parts: one part of the left cut by one of the right, and the pieces laid in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spatial_join.blocks import Block, gathered
from spatial_join.errors import GeometryError
from spatial_join.overlay import CutPieces, cut_pieces, laid_pieces, one_dimension

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

__all__ = ["Cut", "cut", "empty_overlay", "lay_cuts"]


class Cut(NamedTuple):
    """Pieces of a part of the left, by positions on both sides, with the records of the right that cut them.

    Attributes
    ----------
    pieces : CutPieces
        The pieces.
    other : Block
        Records of the right.
    """

    pieces: CutPieces
    other: Block


def cut(left: Block, right: Block, dimension: int) -> Cut:
    """Cut a part of the left by one of the right.

    Parameters
    ----------
    left, right : Block
        The parts.
    dimension : int
        Of the left.

    Returns
    -------
    Cut
        The pieces.

    Raises
    ------
    GeometryError
        If the part is of another dimension.
    """
    found = one_dimension(left.shapes)
    if left.extent.filled and found != dimension:
        raise GeometryError(
            f"The left side was said to be of dimension {dimension}, but holds geometries of dimension {found}; "
            "cut points, lines and polygons one after another."
        )
    pieces = cut_pieces(left.shapes, right.shapes, dimension=dimension)
    to = right.position[pieces.to]
    return Cut(pieces._replace(at=left.position[pieces.at], to=to), right.taken(np.unique(to)))


def empty_overlay(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, dimension: int) -> gpd.GeoDataFrame:
    """Make the frame of a result without pieces.

    Parameters
    ----------
    left, right : geopandas.GeoDataFrame
        Without records.
    dimension : int
        Of the left.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns as of :func:`spatial_join.overlay`.
    """
    none = np.empty(0, dtype=object)
    return laid_pieces(left, right, cut_pieces(none, none, dimension=dimension))


def lay_cuts(left: Block, cuts: Sequence[Cut], like: gpd.GeoDataFrame, dimension: int) -> gpd.GeoDataFrame:
    """Lay the pieces of a part of the left beside their records.

    Parameters
    ----------
    left : Block
        The part.
    cuts : sequence of Cut
        With each part of the right.
    like : geopandas.GeoDataFrame
        The right without records.
    dimension : int
        Of the left.

    Returns
    -------
    geopandas.GeoDataFrame
        Lines of :func:`spatial_join.overlay`, in its order.
    """
    other = gathered([Block(like, np.empty(0, np.int64), "right"), *(one.other for one in cuts)])
    none = np.empty(0, dtype=object)
    parts = [cut_pieces(none, none, dimension=dimension), *(one.pieces for one in cuts)]
    at, to = np.concatenate([part.at for part in parts]), np.concatenate([part.to for part in parts])
    order = np.lexsort((to, at))
    pieces = CutPieces(
        np.searchsorted(left.position, at[order]),
        np.searchsorted(other.position, to[order]),
        np.concatenate([part.shapes for part in parts])[order],
        {name: np.concatenate([part.sizes[name] for part in parts])[order] for name in parts[0].sizes},
    )
    return laid_pieces(left.frame, other.frame, pieces)
