"""Joining uncertain points: the probability of every match, and of none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from scipy import special

from crs.local import local_projection
from spatial_join.errors import GeometryError, JoinError
from spatial_join.kernels.point_in_polygon import locate
from spatial_join.kernels.polygon_grid import polygon_grid_of
from spatial_join.line_pieces import pieces_of
from spatial_join.pieces import named_rows
from spatial_join.records import frame_of, require_degrees, require_one_crs
from spatial_join.side_by_side import side_by_side
from spatial_join.soundness import sound_geometry

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = ["Probable", "join_probable", "sigma_of"]

REACH = 6.0
"""Standard deviations: a normal error is farther off once in 65 million times."""

LEAST = 1e-9
"""A probability below this is rounding, and no match."""


class Probable(NamedTuple):
    """Matches of uncertain points.

    Attributes
    ----------
    matches : geopandas.GeoDataFrame
        One line per possible match, as of :func:`spatial_join.join`, with its ``probability``.
    none : pandas.Series
        Per record of the left the probability that it matches nothing; NaN for one without a position. Where the right
        does not overlap, it and the probabilities of a record's matches sum to 1.
    """

    matches: gpd.GeoDataFrame
    none: pd.Series[float]


def join_probable(
    left: Any,  # noqa: ANN401 -- layers, frames and paths share no base class
    right: Any,  # noqa: ANN401
    *,
    sigma_m: float | None = None,
    stray: float = 0.02,
) -> Probable:
    """Join points that are known with an error to polygons that they may be in, or to lines that they may be on.

    Parameters
    ----------
    left : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Points in longitude and latitude, with ``sigma_m``: standard deviation per axis, metres; 0 or NaN is exact.
    right : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Polygons or lines in longitude and latitude.
    sigma_m : float, optional
        Standard deviation of all points, where they have no column for it.
    stray : float, default 0.02
        For lines: the share of points that are truly on none of them, taken to be anywhere in the area.

    Returns
    -------
    Probable
        Matches and the probability of none. In a polygon: the normal distribution around the point integrated over it,
        in closed form. On a line: the same integrated along the line, against all other lines and being astray.

    Raises
    ------
    CrsMismatchError
        If the two sides are not in longitude and latitude.
    GeometryError
        If the left is not of points, the right not of polygons or lines alone, or a sigma is negative or, for lines, 0.

    Notes
    -----
    The true place is taken to be anywhere with equal chance before it was measured.

    References
    ----------
    Owen, D. B. (1956), Tables for computing bivariate normal probabilities, Annals of Mathematical Statistics 27(4).

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> halves = [shapely.box(7.40, 43.72, 7.42, 43.75), shapely.box(7.42, 43.72, 7.45, 43.75)]
    >>> wards = gpd.GeoDataFrame({"ward": ["west", "east"]}, geometry=halves, crs="OGC:CRS84")
    >>> probe = gpd.GeoDataFrame(geometry=shapely.points([[7.4201, 43.735]]), crs="OGC:CRS84")  # 8 m from the border
    >>> join_probable(probe, wards, sigma_m=8).matches[["ward", "probability"]].round(3).to_numpy().tolist()
    [['west', 0.157], ['east', 0.843]]
    """
    left, right = frame_of(left), frame_of(right)
    require_one_crs(left, right)
    require_degrees(left)
    here = np.asarray(left.geometry, dtype=object)
    _require_points(here)
    there, aside = sound_geometry(right, side="right")
    sigma = sigma_of(left, sigma_m)
    plane = local_projection(*_corners(here, there))
    place = np.column_stack(plane.forward(shapely.get_x(here), shapely.get_y(here)))
    shapes = plane.project(there)
    dimensions = set(np.unique(shapely.get_dimensions(shapes)).tolist()) - {-1}
    if dimensions <= {2}:
        at, to, probability, none = _in_polygons(place, sigma, shapes)
    elif dimensions == {1}:
        at, to, probability, none = _on_lines(place, sigma, shapes, stray)
    else:
        raise GeometryError(
            "Points match polygons or lines by probability; the right side mixes them, or is of points."
        )
    matches = side_by_side(left, right, at, to, how="inner")
    matches["probability"] = probability
    if aside:
        matches.attrs["set_aside"] = aside
    return Probable(matches, pd.Series(none, index=left.index, name="none"))


def sigma_of(frame: gpd.GeoDataFrame, sigma_m: float | None) -> NDArray[np.float64]:
    """Return the standard deviation of every record's position.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Records, with a column ``sigma_m`` or without.
    sigma_m : float or None
        Of all records, where there is no column.

    Returns
    -------
    ndarray of float64, shape (n,)
        Metres per axis; 0 for what is exact or not stated.

    Raises
    ------
    JoinError
        If neither says anything, or both do.
    GeometryError
        If one is negative.
    """
    if ("sigma_m" in frame.columns) == (sigma_m is not None):
        found = "both a column sigma_m and sigma_m=" if sigma_m is not None else "no column sigma_m and no sigma_m="
        raise JoinError(f"How far the points may be off must be said once; found {found}.")
    given = frame["sigma_m"].to_numpy(dtype=np.float64) if sigma_m is None else np.full(len(frame), float(sigma_m))
    wrong = np.flatnonzero(given < 0.0)
    if wrong.size:
        raise GeometryError(f"A standard deviation is not negative: {named_rows(wrong)}, first {given[wrong[0]]:g} m.")
    return np.where(np.isnan(given), 0.0, given)


def _require_points(shapes: NDArray[Any]) -> None:
    wrong = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (-1, 0)))
    if wrong.size:
        raise GeometryError(
            f"Only points have an error around them here; {shapes[wrong[0]].geom_type} in {named_rows(wrong)} of the "
            "left."
        )


def _corners(*sides: NDArray[Any]) -> tuple[list[float], list[float]]:
    """Return the extent of both sides, for a plane in its middle."""
    bounds = np.concatenate([shapely.bounds(side).reshape(-1, 4) for side in sides])
    bounds = bounds[~np.isnan(bounds).any(axis=1)]
    if not len(bounds):
        return [0.0, 0.0], [0.0, 0.0]
    low, high = bounds[:, :2].min(axis=0).tolist(), bounds[:, 2:].max(axis=0).tolist()
    return [low[0], high[0]], [low[1], high[1]]


Found = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.float64]", "NDArray[np.float64]"]


def _in_polygons(place: NDArray[np.float64], sigma_m: NDArray[np.float64], shapes: NDArray[Any]) -> Found:
    """Integrate the normal distribution around every point over the polygons."""
    at, to, mass = _masses(place, sigma_m, shapes)
    covered = np.bincount(at, weights=mass, minlength=len(place))
    several = np.bincount(at, minlength=len(place)) > 1
    used = np.unique(to[several[at]])
    joined = shapely.union_all(shapes[used])
    if shapely.area(joined) < shapely.area(shapes[used]).sum() * (1.0 - 1e-9):
        # What lies in two polygons is to count once: against what they cover together.
        rest = shapely.union_all(shapes[np.setdiff1d(np.unique(to), used)])
        point, _, together = _masses(place, sigma_m, np.array([shapely.union(joined, rest)], dtype=object))
        covered = np.bincount(point, weights=together, minlength=len(place))
    none = np.clip(1.0 - covered, 0.0, 1.0)
    none[np.isnan(place).any(axis=1)] = np.nan
    return at, to, mass, none


def _masses(
    place: NDArray[np.float64], sigma_m: NDArray[np.float64], shapes: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return point, polygon and probability, sorted by point, then polygon.

    A point inside has all its mass in the polygon but for what each edge cuts off, one outside none but that; seen from
    the point, an edge cuts off Owen's T between its ends.
    """
    point, polygon = locate(polygon_grid_of(shapes), place[:, 0], place[:, 1], predicate="intersects")
    parts, whose = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    edges = pieces_of(rings)
    row, edge = edges.near(place, np.where(sigma_m > 0.0, REACH * sigma_m, np.nan))
    along, across = edges.frame(place[row], edge)
    unit = sigma_m[row]
    height = np.maximum(np.abs(across) / unit, 1e-12)
    ends = [np.clip(end / unit / height, -1e9, 1e9) for end in (-along, edges.length_m[edge] - along)]
    cut = special.owens_t(height, ends[1]) - special.owens_t(height, ends[0])
    rows = np.concatenate([point.astype(np.int64), row])
    owners = np.concatenate([polygon.astype(np.int64), whose[part[edges.line[edge]]]])
    masses = np.concatenate([np.ones(point.size), np.where(across >= 0.0, -cut, cut)])
    return _summed(rows, owners, masses)


def _summed(
    rows: NDArray[np.int64], others: NDArray[np.int64], masses: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Add masses up per pair and drop what is rounding."""
    order = np.lexsort((others, rows))
    rows, others, masses = rows[order], others[order], masses[order]
    first = np.flatnonzero(np.r_[True, (np.diff(rows) != 0) | (np.diff(others) != 0)][: rows.size])
    sums = np.clip(np.add.reduceat(masses, first), 0.0, 1.0) if first.size else masses
    kept = sums > LEAST
    return rows[first][kept], others[first][kept], sums[kept]


def _on_lines(place: NDArray[np.float64], sigma_m: NDArray[np.float64], shapes: NDArray[Any], stray: float) -> Found:
    """Weigh all lines near every point against each other and against being on none."""
    exact = np.flatnonzero(~(sigma_m > 0.0))
    if exact.size:
        raise GeometryError(
            f"A point is on a line by chance only if it has an error; sigma_m is 0 in {named_rows(exact)}. "
            "Use predicate='nearest', or state how far the points may be off."
        )
    if not 0.0 < stray < 1.0:
        raise JoinError(f"stray={stray!r} must be a share between 0 and 1: some points are on no line, and most are.")
    pieces = pieces_of(shapes)
    row, piece = pieces.near(place, REACH * sigma_m)
    likelihood = pieces.likelihood(place[row], sigma_m[row], piece)
    extent = np.concatenate([pieces.start, pieces.end, place[~np.isnan(place).any(axis=1)]])
    area_m2 = max(float(np.prod(np.ptp(extent, axis=0))), 1.0)
    on = likelihood * (1.0 - stray) / max(float(pieces.length_m.sum()), 1.0)
    off = stray / area_m2
    whole = np.bincount(row, weights=on, minlength=len(place)) + off
    at, to, mass = _summed(row, pieces.line[piece], on / whole[row])
    none: NDArray[np.float64] = np.asarray(off / whole, dtype=np.float64)
    none[np.isnan(place).any(axis=1)] = np.nan
    return at, to, mass, none
