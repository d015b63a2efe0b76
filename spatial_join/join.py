"""Matching records by where they are, with GeoPandas' answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from spatial_join.errors import JoinError
from spatial_join.nearest import nearest_pairs, pairs_within
from spatial_join.pairs import PREDICATES, Predicate, pairs
from spatial_join.records import frame_of, require_degrees, require_one_crs
from spatial_join.side_by_side import How, matched_rows, side_by_side
from spatial_join.soundness import sound_geometry

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = ["BY_DISTANCE", "join", "require_known"]

BY_DISTANCE = ("dwithin", "nearest")
"""Predicates that measure metres."""


def join(
    left: Any,  # noqa: ANN401 -- layers, frames and paths share no base class
    right: Any,  # noqa: ANN401
    *,
    predicate: Predicate | Literal["dwithin", "nearest"] = "within",
    how: How = "inner",
    distance_m: float | None = None,
    k: int = 1,
) -> gpd.GeoDataFrame:
    """Join two sets of records by their geometry.

    Parameters
    ----------
    left, right : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Records in one coordinate reference system; for distances in longitude and latitude.
    predicate : str
        What the left geometry must do to the right one: "within", "contains", "intersects", "covers", "covered_by",
        "touches", "crosses", "overlaps", "contains_properly"; "dwithin" (at most ``distance_m`` away) or "nearest".
    how : {"inner", "left", "right", "anti"}
        Matches only, all records of the left or of the right, or the records of the left without a match.
    distance_m : float, optional
        For "dwithin" and "nearest": how far a match may be, in metres on the ellipsoid.
    k : int, default 1
        For "nearest": how many of the right each of the left gets; more where several are equally far away.

    Returns
    -------
    geopandas.GeoDataFrame
        Index, columns and suffixes as of :func:`geopandas.sjoin`; the lines of one left record are in the order of the
        right. Distances add ``distance_m``, metres on the ellipsoid, NaN where there is no match.
        ``attrs["set_aside"]`` lists the invalid geometries, which match nothing.

    Raises
    ------
    CrsMismatchError
        If the two are in different reference systems, or one declares none; the message names both.
    GeometryError
        If geometries cross the antimeridian or surround a pole.
    JoinError
        If a word is unknown, or a distance or k is given where it has no meaning.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> stops = gpd.GeoDataFrame({"stop": ["Gare"]}, geometry=shapely.points([[7.419, 43.738]]), crs="OGC:CRS84")
    >>> square = shapely.box(7.41, 43.73, 7.42, 43.74)
    >>> wards = gpd.GeoDataFrame({"ward": ["Moneghetti"]}, geometry=[square], crs="OGC:CRS84")
    >>> join(stops, wards)["ward"].tolist()
    ['Moneghetti']
    """
    require_known(predicate, how, distance_m, k)
    left, right = frame_of(left), frame_of(right)
    require_one_crs(left, right)
    here, left_aside = sound_geometry(left, side="left")
    there, right_aside = sound_geometry(right, side="right")
    metres: NDArray[np.float64] | None = None
    if predicate == "nearest" or predicate == "dwithin":  # noqa: PLR1714 -- mypy narrows by equality only
        require_degrees(left)
        if predicate == "nearest":
            at, to, metres = nearest_pairs(here, there, distance_m=distance_m, k=k)
        else:
            at, to, metres = pairs_within(here, there, distance_m=float(distance_m or 0.0))
    else:
        at, to = pairs(here, there, predicate=predicate)
    rows, others, pair = matched_rows(at, to, (len(left), len(right)), how)
    joined = side_by_side(left, right, rows, others, how=how)
    if metres is not None and how != "anti":
        joined["distance_m"] = np.append(metres, np.nan)[pair]
    if left_aside or right_aside:
        joined.attrs["set_aside"] = (*left_aside, *right_aside)
    return joined


def require_known(predicate: str, how: str, distance_m: float | None, k: int) -> None:
    """Refuse words of a join that mean nothing.

    Parameters
    ----------
    predicate, how : str
        As written.
    distance_m : float, optional
        As written.
    k : int
        As written.

    Raises
    ------
    JoinError
        If a word is unknown, or a distance or k is given where it has no meaning.
    """
    known = (*PREDICATES, *BY_DISTANCE)
    if predicate not in known:
        raise JoinError(f"Unknown predicate {predicate!r}; write one of {', '.join(known)}.")
    if how not in get_args(How):
        raise JoinError(f"Unknown kind of join {how!r}; write one of {', '.join(get_args(How))}.")
    if distance_m is not None and predicate not in BY_DISTANCE:
        raise JoinError(
            f"distance_m={distance_m!r} has a meaning only with predicate='dwithin' or 'nearest', not {predicate!r}."
        )
    if predicate == "dwithin" and distance_m is None:
        raise JoinError("predicate='dwithin' needs a distance: write distance_m=, in metres.")
    if k != 1 and predicate != "nearest":
        raise JoinError(f"k={k!r} has a meaning only with predicate='nearest', not {predicate!r}.")
