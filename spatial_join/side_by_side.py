"""Laying matched records side by side, with the columns, names and order that users of GeoPandas expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial_join.errors import JoinError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["How", "matched_rows", "side_by_side"]

How = Literal["inner", "left", "right", "anti"]
"""Matches only; all of the left; all of the right; those of the left without a match."""


def matched_rows(
    at: NDArray[np.int64], to: NDArray[np.int64], sizes: tuple[int, int], how: How
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Turn the pairs of an inner join into the lines of another.

    Parameters
    ----------
    at, to : ndarray of int64
        Positions in left and right, sorted by left, then right.
    sizes : tuple of int
        Records on the left and on the right.
    how : str
        Kind of join.

    Returns
    -------
    at, to : ndarray of int64
        Positions of every line, -1 for a side that has no match.
    pair : ndarray of int64
        Which pair each line is, -1 for none.
    """
    pair = np.arange(at.size, dtype=np.int64)
    if how == "inner":
        return at, to, pair
    if how == "right":
        order = np.lexsort((at, to))
        to, at, pair = to[order], at[order], pair[order]
        kept, other = _with_missing(to, sizes[1])
        return _taken(at, other), kept, _taken(pair, other)
    kept, other = _with_missing(at, sizes[0])
    if how == "anti":
        alone = other < 0
        return kept[alone], other[alone], other[alone]
    return kept, _taken(to, other), other


def _taken(values: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take values by place, -1 where the place is."""
    return np.append(values, -1)[places]


def _with_missing(rows: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add every row that is not among the sorted ones; return the rows and which of the given ones each is, or -1."""
    alone = np.setdiff1d(np.arange(size), rows)
    where = np.searchsorted(rows, alone)
    return np.insert(rows, where, alone), np.insert(np.arange(rows.size), where, -1)


def side_by_side(
    left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, at: NDArray[np.int64], to: NDArray[np.int64], *, how: How
) -> gpd.GeoDataFrame:
    """Lay records side by side.

    Parameters
    ----------
    left, right : geopandas.GeoDataFrame
        Both sides.
    at, to : ndarray of int64
        Positions of every line, -1 for none.
    how : str
        Kind of join: "right" keeps the right side's index and geometry, the others the left's; "anti" the left alone.

    Returns
    -------
    geopandas.GeoDataFrame
        Index, columns and suffixes as of :func:`geopandas.sjoin`.

    Raises
    ------
    JoinError
        If an index without a name needs a column that is there already.
    """
    if how == "anti":
        return left.take(at)
    kept = right if how == "right" else left
    frames = {
        "left": pd.DataFrame(left.drop(columns=left.geometry.name)) if how == "right" else left,
        "right": right if how == "right" else pd.DataFrame(right.drop(columns=right.geometry.name)),
    }
    levels = {
        "left": _index_columns(frames["left"], "left", frames["right"]),
        "right": _index_columns(frames["right"], "right", frames["left"]),
    }
    names = {side: [*levels[side], *frame.columns] for side, frame in frames.items()}
    shared = set(names["left"]) & set(names["right"])
    parts = []
    for side, rows in (("left", at), ("right", to)):
        frame, geometry = frames[side], kept.geometry.name if frames[side] is kept else None
        renamed = {name: f"{name}_{side}" for name in shared if name != geometry}
        part = frame if frame is kept else frame.reset_index(names=levels[side])
        if frame is kept:
            part = part.take(rows)
            part.index = part.index.set_names(_level_names(kept, levels[side], renamed))
        else:
            part = part.take(rows) if (rows >= 0).all() else part.reindex(np.where(rows < 0, -1, rows))
        parts.append(part.rename(columns=renamed))
    index = parts[1].index if how == "right" else parts[0].index
    for part in parts:
        part.index = index
    return gpd.GeoDataFrame(pd.concat(parts, axis=1), geometry=kept.geometry.name, crs=kept.crs)


def _level_names(frame: pd.DataFrame, columns: list[str], renamed: dict[str, str]) -> list[object]:
    """Name the levels of the index that is kept."""
    return [None if old is None else renamed.get(new, new) for old, new in zip(frame.index.names, columns, strict=True)]


def _index_columns(frame: pd.DataFrame, side: str, other: pd.DataFrame) -> list[str]:
    """Name the columns that an index becomes, as GeoPandas does."""
    levels = frame.index.names
    names = []
    for level, name in enumerate(levels):
        if name is None:
            made = f"index_{side}" + ("" if len(levels) == 1 else str(level))
            if made in frame.columns or made in other.columns:
                raise JoinError(f"{made!r} cannot be a column of either side; it names the {side} index of the result.")
        names.append(str(made if name is None else name))
    return names
