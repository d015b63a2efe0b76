"""Joining uncertain points: the probability of every match, and of none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from crs.local import local_projection
from spatial_join.errors import GeometryError, JoinError
from spatial_join.ground import places_of
from spatial_join.masses import Masses, Odds, line_likelihoods, on_lines, polygon_masses, uncovered
from spatial_join.pieces import named_rows
from spatial_join.records import frame_of, require_degrees, require_one_crs
from spatial_join.side_by_side import side_by_side
from spatial_join.soundness import sound_geometry

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from crs.local import LocalProjection

__all__ = [
    "Points",
    "Probable",
    "Setting",
    "Survey",
    "join_probable",
    "require_share",
    "setting_of",
    "sigma_of",
    "survey_of",
]


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
    require_share(stray)
    there, aside = sound_geometry(right, side="right")
    here = np.asarray(left.geometry, dtype=object)
    setting = setting_of([survey_of(here)], [survey_of(there)])
    points, shapes = setting.points(left, sigma_m), setting.plane.project(there)
    lines = setting.odds(points, shapes), stray
    found, none = setting.settled(points, setting.weighed(points, shapes), shapes, lines)
    matches = side_by_side(left, right, found.at, found.to, how="inner")
    matches["probability"] = found.mass
    if aside:
        matches.attrs["set_aside"] = aside
    return Probable(matches, pd.Series(none, index=left.index, name="none"))


class Survey(NamedTuple):
    """What must be known of a side, or of a part of it, before anything is weighed.

    Attributes
    ----------
    low, high : tuple of float
        Corners of its bounds, degrees; infinite and upside down if there is nothing.
    dimensions : frozenset of int
        Of its geometries.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    dimensions: frozenset[int]


def survey_of(shapes: NDArray[Any]) -> Survey:
    """Survey a side, or a part of it.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        In longitude and latitude.

    Returns
    -------
    Survey
        Its bounds and dimensions.
    """
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    bounds = bounds[~np.isnan(bounds).any(axis=1)]
    low, high = bounds[:, :2].min(axis=0, initial=np.inf), bounds[:, 2:].max(axis=0, initial=-np.inf)
    dimensions = frozenset(np.unique(shapely.get_dimensions(shapes)).tolist()) - {-1}
    return Survey(tuple(low.tolist()), tuple(high.tolist()), dimensions)


class Points(NamedTuple):
    """Uncertain points in a plane.

    Attributes
    ----------
    place : ndarray of float64, shape (n, 2)
        Metres; NaN for none.
    sigma_m : ndarray of float64, shape (n,)
        Standard deviation per axis.
    """

    place: NDArray[np.float64]
    sigma_m: NDArray[np.float64]


class Setting(NamedTuple):
    """The ground that all points are weighed on.

    Attributes
    ----------
    plane : LocalProjection
        Laid in the middle of both sides.
    lines : bool
        Whether they are weighed against lines, not polygons.
    """

    plane: LocalProjection
    lines: bool

    def points(self, frame: gpd.GeoDataFrame, sigma_m: float | None) -> Points:
        """Lay points into the plane.

        Parameters
        ----------
        frame : geopandas.GeoDataFrame
            Points in longitude and latitude.
        sigma_m : float or None
            As of :func:`join_probable`.

        Returns
        -------
        Points
            The points.

        Raises
        ------
        GeometryError
            If something is not a point, or a sigma is negative or, for lines, 0.
        JoinError
            If no sigma is said, or two.
        """
        shapes, sigma = np.asarray(frame.geometry, dtype=object), sigma_of(frame, sigma_m)
        _require_points(shapes)
        exact = np.flatnonzero(~(sigma > 0.0))
        if self.lines and exact.size:
            raise GeometryError(
                f"A point is on a line by chance only if it has an error; sigma_m is 0 in {named_rows(exact)}. "
                "Use predicate='nearest', or state how far the points may be off."
            )
        return Points(np.column_stack(self.plane.forward(*places_of(shapes).T)), sigma)

    def weighed(self, points: Points, shapes: NDArray[Any]) -> Masses:
        """Weigh points against polygons or lines.

        Parameters
        ----------
        points : Points
            The points.
        shapes : ndarray of shapely geometries
            In the plane.

        Returns
        -------
        Masses
            Probabilities for polygons; densities that are not settled yet for lines.
        """
        weigh = line_likelihoods if self.lines else polygon_masses
        return weigh(points.place, points.sigma_m, shapes)

    def odds(self, points: Points, shapes: NDArray[Any]) -> Odds:
        """Measure what lines are weighed by; of polygons nothing is needed.

        Parameters
        ----------
        points : Points
            The points.
        shapes : ndarray of shapely geometries
            In the plane.

        Returns
        -------
        Odds
            Of these.
        """
        nothing = np.empty(0, dtype=object)
        return Odds.of(points.place, shapes if self.lines else nothing)

    def settled(
        self, points: Points, found: Masses, shapes: NDArray[Any], lines: tuple[Odds, float]
    ) -> tuple[Masses, NDArray[np.float64]]:
        """Settle what every point matches, and with what probability nothing.

        Parameters
        ----------
        points : Points
            The points.
        found : Masses
            What they were weighed to, against all of the right.
        shapes : ndarray of shapely geometries
            What they were weighed against, in the plane.
        lines : tuple of Odds and float
            For lines: of all points and lines, and the share of points that are on none.

        Returns
        -------
        found : Masses
            Probabilities.
        none : ndarray of float64, shape (n,)
            Probability of no match; NaN for a point that is nowhere.
        """
        if not self.lines:
            return found, uncovered(points.place, points.sigma_m, shapes, found)
        return on_lines(points.place, found, *lines)


def setting_of(left: Sequence[Survey], right: Sequence[Survey]) -> Setting:
    """Find one plane for two sides, and what is to be weighed.

    Parameters
    ----------
    left, right : sequence of Survey
        Of all parts of both sides.

    Returns
    -------
    Setting
        The same whatever the parts.

    Raises
    ------
    GeometryError
        If the right is not of polygons or lines alone.
    """
    dimensions = frozenset.union(*(part.dimensions for part in right))
    if not (dimensions <= {2} or dimensions == {1}):
        raise GeometryError(
            "Points match polygons or lines by probability; the right side mixes them, or is of points."
        )
    low = np.min([part.low for part in (*left, *right)], axis=0).tolist()
    high = np.max([part.high for part in (*left, *right)], axis=0).tolist()
    if not np.isfinite(low).all():
        low = high = [0.0, 0.0]
    return Setting(local_projection([low[0], high[0]], [low[1], high[1]]), dimensions == {1})


def require_share(stray: float) -> None:
    """Refuse a share of stray points that means nothing.

    Parameters
    ----------
    stray : float
        As of :func:`join_probable`.

    Raises
    ------
    JoinError
        If it is not between 0 and 1.
    """
    if not 0.0 < stray < 1.0:
        raise JoinError(f"stray={stray!r} must be a share between 0 and 1: some points are on no line, and most are.")


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
