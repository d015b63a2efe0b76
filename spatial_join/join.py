"""Matching records by where they are, with GeoPandas' answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial_join.errors import CrsMismatchError, JoinError
from spatial_join.nearest import nearest_pairs
from spatial_join.records import LON_LAT, crs_name, frame_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["join", "pairs"]

Predicate = Literal["within", "intersects", "contains", "nearest"]

# A tree is asked whether the query geometry (predicate) the tree's geometries: the prepared side is the query's, so
# the side that contains is the better one to ask with.
_ASKED: dict[str, tuple[str, Literal["contains", "intersects"]]] = {
    "within": ("right", "contains"),
    "contains": ("left", "contains"),
    "intersects": ("left", "intersects"),
}


def join(
    left: Any,  # noqa: ANN401 -- layers and frames share no base class
    right: Any,  # noqa: ANN401
    *,
    predicate: Predicate = "within",
    how: Literal["inner", "left"] = "inner",
    distance_m: float | None = None,
) -> gpd.GeoDataFrame:
    """Join two sets of records by their geometry.

    Parameters
    ----------
    left, right : layers.Layer or geopandas.GeoDataFrame
        Records in one coordinate reference system; for "nearest" in longitude and latitude.
    predicate : {"within", "intersects", "contains", "nearest"}
        What the left geometry must do to the right one.
    how : {"inner", "left"}
        Keep matches only, or all records of the left.
    distance_m : float, optional
        For "nearest": how far a match may be, in metres on the ellipsoid.

    Returns
    -------
    geopandas.GeoDataFrame
        Index, columns and suffixes as of :func:`geopandas.sjoin`; the lines of one left record are in the order of the
        right. "nearest" adds ``distance_m``, metres on the ellipsoid.

    Raises
    ------
    CrsMismatchError
        If the two are in different reference systems, or one declares none; the message names both.
    JoinError
        If the predicate is unknown or ``distance_m`` is given with another than "nearest".

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> stops = gpd.GeoDataFrame({"stop": ["Gare"]}, geometry=shapely.points([[7.419, 43.738]]), crs="OGC:CRS84")
    >>> square = shapely.box(7.41, 43.73, 7.42, 43.74)
    >>> wards = gpd.GeoDataFrame({"ward": ["Moneghetti"]}, geometry=[square], crs="OGC:CRS84")
    >>> join(stops, wards)["ward"].tolist()
    ['Moneghetti']
    """
    if predicate not in (*_ASKED, "nearest"):
        raise JoinError(f"Unknown predicate {predicate!r}; write one of {', '.join((*_ASKED, 'nearest'))}.")
    if how not in ("inner", "left"):
        raise JoinError(f"Unknown kind of join {how!r}; write 'inner' or 'left', or swap the two sides.")
    if distance_m is not None and predicate != "nearest":
        raise JoinError(f"distance_m={distance_m!r} has a meaning only with predicate='nearest', not {predicate!r}.")
    left, right = frame_of(left), frame_of(right)
    _require_one_crs(left, right)
    if predicate != "nearest":
        found = pairs(np.asarray(left.geometry), np.asarray(right.geometry), predicate=predicate)
        return _assembled(left, right, *_with_unmatched(*found, len(left), how))
    _require_degrees(left)
    at, to, metres = nearest_pairs(np.asarray(left.geometry), np.asarray(right.geometry), distance_m=distance_m)
    rows, others = _with_unmatched(at, to, len(left), how)
    joined = _assembled(left, right, rows, others)
    column = np.full(rows.size, np.nan)
    column[others >= 0] = metres
    joined["distance_m"] = column
    return joined


def pairs(
    left: NDArray[Any], right: NDArray[Any], *, predicate: Literal["within", "intersects", "contains"]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find which geometries fulfil a predicate.

    Parameters
    ----------
    left, right : ndarray of shapely geometries
        In one coordinate reference system; missing and empty ones match nothing.
    predicate : {"within", "intersects", "contains"}
        What the left geometry must do to the right one.

    Returns
    -------
    at, to : ndarray of int64
        Positions in left and right, sorted by left, then right.
    """
    side, asked = _ASKED[predicate]
    if side == "left":
        at, to = shapely.STRtree(right).query(left, predicate=asked)
    else:
        to, at = shapely.STRtree(left).query(right, predicate=asked)
    order = np.lexsort((to, at))
    return at[order].astype(np.int64), to[order].astype(np.int64)


def _require_one_crs(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame) -> None:
    names = crs_name(left), crs_name(right)
    if None in names:
        side = "left" if names[0] is None else "right"
        raise CrsMismatchError(
            f"The {side} side does not say which coordinate reference system it is in (left: {names[0]}, right: "
            f"{names[1]}). Read it with its position, or declare it with set_crs."
        )
    if left.crs != right.crs and not left.crs.equals(right.crs, ignore_axis_order=True):
        raise CrsMismatchError(
            f"The left side is in {names[0]}, the right side in {names[1]}. Harmonise both first (crs.harmonise), "
            f"or move one: right.to_crs({names[0]!r})."
        )


def _require_degrees(frame: gpd.GeoDataFrame) -> None:
    if not frame.crs.is_geographic:
        raise CrsMismatchError(
            f"Distances are measured on the ellipsoid, so 'nearest' needs {LON_LAT}, but the data are in "
            f"{crs_name(frame)}. Harmonise both sides first."
        )


def _with_unmatched(
    at: NDArray[np.int64], to: NDArray[np.int64], rows: int, how: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add a line with -1 for every left record without a match, where it belongs."""
    if how == "inner":
        return at, to
    alone = np.setdiff1d(np.arange(rows), at)
    where = np.searchsorted(at, alone)
    return np.insert(at, where, alone), np.insert(to, where, -1)


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


def _assembled(
    left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, at: NDArray[np.int64], to: NDArray[np.int64]
) -> gpd.GeoDataFrame:
    """Lay matched records side by side, named as GeoPandas names them."""
    attributes = pd.DataFrame(right.drop(columns=right.geometry.name))
    left_index, right_index = _index_columns(left, "left", attributes), _index_columns(attributes, "right", left)
    attributes = attributes.reset_index(names=right_index)
    shared = {*left_index, *left.columns} & set(attributes.columns)
    out = left.take(at)
    out.index = out.index.set_names(
        [
            None if old is None else (f"{new}_left" if new in shared else new)
            for old, new in zip(left.index.names, left_index, strict=True)
        ]
    )
    geometry = left.geometry.name
    out = out.rename(columns={name: f"{name}_left" for name in shared if name != geometry})
    matched = attributes.rename(columns={name: f"{name}_right" for name in shared})
    matched = matched.take(to) if (to >= 0).all() else matched.reindex(to)
    matched.index = out.index
    return gpd.GeoDataFrame(pd.concat([out, matched], axis=1), geometry=geometry, crs=left.crs)
