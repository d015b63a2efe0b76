"""The work of a join in parts: what is done with one part of the left and one of the right, and how parts become whole.

A part of the left meets parts of the right one by one, and keeps of each only the records that it matched. So no more
than two parts are ever looked at together, and what comes out does not depend on how the records were parted: the pairs
of a predicate are what they are, and the nearest of the nearest of every part are the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from spatial_join.ground import extent_of
from spatial_join.join import BY_DISTANCE
from spatial_join.nearest import nearest_pairs, pairs_within
from spatial_join.pairs import Predicate, pairs
from spatial_join.side_by_side import How, matched_rows, side_by_side
from spatial_join.soundness import SetAside, sound_geometry

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from spatial_join.ground import Extent
    from spatial_join.surroundings import Surroundings

__all__ = ["Block", "Match", "Words", "empty_join", "gathered", "lay", "match", "settle", "turned"]


class Words(NamedTuple):
    """What is asked of a join; see :func:`spatial_join.join`.

    Attributes
    ----------
    predicate : str
        What the left does to the right.
    how : str
        Which lines come out.
    distance_m : float or None
        How far a match may be.
    k : int
        How many of the nearest.
    """

    predicate: str
    how: How
    distance_m: float | None
    k: int


@dataclass(frozen=True, eq=False)
class Block:
    """A part of one side.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Its records.
    position : ndarray of int64, shape (n,)
        Where each stands on its side; ascending.
    side : {"left", "right"}
        Which side, for messages.
    """

    frame: gpd.GeoDataFrame
    position: NDArray[np.int64]
    side: str

    def __reduce__(self) -> tuple[Any, ...]:
        return Block, (self.frame, self.position, self.side)  # what follows from them need not travel

    @cached_property
    def _sound(self) -> tuple[NDArray[Any], tuple[SetAside, ...]]:
        return sound_geometry(self.frame, side=self.side)

    @property
    def shapes(self) -> NDArray[Any]:
        """Geometries that can be joined, None for the others."""
        return self._sound[0]

    @property
    def aside(self) -> tuple[SetAside, ...]:
        """The others, by their positions."""
        return tuple(one._replace(row=int(self.position[one.row])) for one in self._sound[1])

    @cached_property
    def extent(self) -> Extent:
        """What a search must know of it."""
        return extent_of(self.shapes)

    def taken(self, position: NDArray[np.int64]) -> Block:
        """Return some of its records.

        Parameters
        ----------
        position : ndarray of int64
            Where they stand on the side, ascending, all of this block.

        Returns
        -------
        Block
            The records.
        """
        return Block(self.frame.take(np.searchsorted(self.position, position)), position, self.side)


@dataclass(frozen=True, eq=False)
class Match:
    """Pairs of one part of the left and one or several of the right, by the positions on their sides.

    Parameters
    ----------
    at, to : ndarray of int64, shape (pairs,)
        Positions of left and right.
    metres : ndarray of float64 or None
        How far apart, if that was asked.
    other : Block
        The matched records of the side that is not kept whole: of the right, or of the left in a right join.
    """

    at: NDArray[np.int64]
    to: NDArray[np.int64]
    metres: NDArray[np.float64] | None
    other: Block


def match(
    left: Block, right: Block, words: Words, around: tuple[Surroundings, int, NDArray[np.float64]] | None = None
) -> Match:
    """Match one part of the left with one of the right.

    Parameters
    ----------
    left, right : Block
        The parts.
    words : Words
        What is asked.
    around : tuple of Surroundings, int and ndarray, optional
        For distances: what is known of all parts, the number of this part of the right, and how far the nearest of each
        record of the left can be.

    Returns
    -------
    Match
        All pairs of a predicate; of the nearest, those of this part.
    """
    metres = None
    if around is None:
        at, to = _pairs_of(left, right, words)
    else:
        whole, number, reach = around
        near = whole.near(left.shapes, number, reach)
        shapes = left.shapes[near]
        if words.predicate == "nearest":
            at, to, metres = nearest_pairs(
                shapes, right.shapes, distance_m=words.distance_m, k=words.k, ground=whole.ground
            )
        else:
            at, to, metres = pairs_within(
                shapes, right.shapes, distance_m=float(words.distance_m or 0.0), ground=whole.ground
            )
        at = near[at]
    kept_left = words.how == "right" and words.predicate != "nearest"
    at, to = left.position[at], right.position[to]
    return Match(at, to, metres, left.taken(np.unique(at)) if kept_left else right.taken(np.unique(to)))


def _pairs_of(left: Block, right: Block, words: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pairs of a predicate, without a look at parts that lie apart."""
    one, other = left.extent.bounds, right.extent.bounds
    if one[0] > other[2] or other[0] > one[2] or one[1] > other[3] or other[1] > one[3]:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    predicate: Predicate = words.predicate  # type: ignore[assignment]  # checked before
    return pairs(left.shapes, right.shapes, predicate=predicate)


def settle(left: Block, matches: Sequence[Match], words: Words, whole: Surroundings) -> Match:
    """Find the nearest among the nearest of all parts.

    Parameters
    ----------
    left : Block
        The part of the left.
    matches : sequence of Match
        What was found in each part of the right, at least one.
    words : Words
        What is asked.
    whole : Surroundings
        What is known of all parts.

    Returns
    -------
    Match
        The pairs of the whole.
    """
    found = [one for one in matches if one.at.size]
    if len(found) <= 1:
        return found[0] if found else matches[0]
    other = gathered([one.other for one in found])
    at, to, metres = nearest_pairs(
        left.shapes, other.shapes, distance_m=words.distance_m, k=words.k, ground=whole.ground
    )
    return Match(left.position[at], other.position[to], metres, other)


def turned(left: Block, settled: Match, right: Block) -> Match:
    """Turn the pairs of a part of the left to a part of the right.

    Parameters
    ----------
    left : Block
        The part of the left.
    settled : Match
        Its pairs with all parts of the right.
    right : Block
        The part of the right.

    Returns
    -------
    Match
        The pairs with that part, with the records of the left.
    """
    kept = np.isin(settled.to, right.position)
    at = settled.at[kept]  # noqa: PD008 -- no frame
    metres = None if settled.metres is None else settled.metres[kept]
    return Match(at, settled.to[kept], metres, left.taken(np.unique(at)))


def gathered(blocks: Sequence[Block]) -> Block:
    """Put blocks of one side together.

    Parameters
    ----------
    blocks : sequence of Block
        They may share records.

    Returns
    -------
    Block
        Each record once, in the order of their positions.
    """
    filled = [block for block in blocks if len(block.position)] or blocks[:1]
    position = np.concatenate([block.position for block in filled])
    _, first = np.unique(position, return_index=True)
    frame = filled[0].frame if len(filled) == 1 else pd.concat([block.frame for block in filled])
    return Block(frame.take(first), position[first], filled[0].side)


def empty_join(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, words: Words) -> gpd.GeoDataFrame:
    """Make the frame of a result without lines.

    Parameters
    ----------
    left, right : geopandas.GeoDataFrame
        Frames like both sides.
    words : Words
        What is asked.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns as of :func:`spatial_join.join`; those that may be missing have a dtype that can say so.
    """
    none = np.empty(0, dtype=np.int64)
    empty = side_by_side(left.iloc[:0], right.iloc[:0], none, none, how=words.how)
    if words.how in {"left", "right"}:
        border = len(left.columns) if words.how == "left" else len(empty.columns) - len(right.columns)
        loose = range(border, len(empty.columns)) if words.how == "left" else range(border)
        for column in loose:
            name = empty.columns[column]
            # Of an empty column of truth values pandas does not know that one more makes objects of them.
            loose_dtype = np.dtype(object) if empty[name].dtype == np.bool_ else empty[name].reindex([0]).dtype
            empty[name] = empty[name].astype(loose_dtype)
    if words.predicate in BY_DISTANCE and words.how != "anti":
        empty["distance_m"] = np.empty(0)
    return empty


def lay(kept: Block, matches: Sequence[Match], words: Words, like: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]) -> Any:  # noqa: ANN401 -- pandas does not say what it makes
    """Lay a part of the side that is kept beside all that it matched.

    Parameters
    ----------
    kept : Block
        A part of the left; of the right in a right join.
    matches : sequence of Match
        With each part of the other side.
    words : Words
        What is asked.
    like : tuple of geopandas.GeoDataFrame
        An empty frame of the result, and one of the other side.

    Returns
    -------
    geopandas.GeoDataFrame
        Lines of :func:`spatial_join.join`, in its order, with the dtypes of the result's frame.
    """
    empty, nothing = like
    other = gathered([Block(nothing, np.empty(0, np.int64), "other"), *(one.other for one in matches)])
    left, right = (other, kept) if words.how == "right" else (kept, other)
    at, to = (np.concatenate([np.empty(0, np.int64), *parts]) for parts in _columns(matches))
    order = np.lexsort((to, at))
    here, there = np.searchsorted(left.position, at[order]), np.searchsorted(right.position, to[order])
    rows, others, pair = matched_rows(here, there, (len(left.frame), len(right.frame)), words.how)
    joined = side_by_side(left.frame, right.frame, rows, others, how=words.how)
    if "distance_m" in empty.columns and len(joined.columns) < len(empty.columns):
        metres = np.concatenate([np.empty(0), *(one.metres for one in matches if one.metres is not None)])
        joined["distance_m"] = np.append(metres[order], np.nan)[pair]
    for name, dtype in empty.dtypes.items():
        if joined[name].dtype != dtype:
            joined[name] = joined[name].astype(dtype)
    return joined


def _columns(matches: Sequence[Match]) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    return [one.at for one in matches], [one.to for one in matches]
