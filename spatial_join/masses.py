"""How much of an uncertain point is in each polygon, on each line, and nowhere: by pairs, so that parts may be weighed.

What a point has in a polygon, or on a line, depends on the two alone. What it has nowhere follows from its own pairs,
and for lines from two numbers of the whole, which parts add up to exactly.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import scipy
import shapely

from spatial_join.kernels.point_in_polygon import locate
from spatial_join.kernels.polygon_grid import polygon_grid_of
from spatial_join.line_pieces import pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["REACH", "Masses", "Odds", "line_likelihoods", "on_lines", "polygon_masses", "uncovered"]

REACH = 6.0
"""Standard deviations: a normal error is farther off once in 65 million times."""

LEAST = 1e-9
"""A probability below this is rounding, and no match."""

OVERLAP = 1e-9
"""Polygons that share less of the smaller one only touch."""

_MICROMETRES = 1e6


class Masses(NamedTuple):
    """What points have in, or on, what they may match: sorted by point, then by the other.

    Attributes
    ----------
    at, to : ndarray of int64, shape (m,)
        Rows of both sides.
    mass : ndarray of float64, shape (m,)
        Probability; for lines that are not settled yet a density, one for each straight piece of a line.
    """

    at: NDArray[np.int64]
    to: NDArray[np.int64]
    mass: NDArray[np.float64]


def polygon_masses(place: NDArray[np.float64], sigma_m: NDArray[np.float64], shapes: NDArray[Any]) -> Masses:
    """Integrate the normal distribution around every point over the polygons.

    A point inside has all its mass in the polygon but for what each edge cuts off, one outside none but that; seen from
    the point, an edge cuts off Owen's T between its ends.

    Parameters
    ----------
    place : ndarray of float64, shape (n, 2)
        Points in a plane, metres; NaN for none.
    sigma_m : ndarray of float64, shape (n,)
        Standard deviation of each per axis; 0 is exact.
    shapes : ndarray of shapely polygons
        In the plane.

    Returns
    -------
    Masses
        Of every point and polygon that it may be in.
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
    cut = scipy.special.owens_t(height, ends[1]) - scipy.special.owens_t(height, ends[0])
    rows = np.concatenate([point.astype(np.int64), row])
    owners = np.concatenate([polygon.astype(np.int64), whose[part[edges.line[edge]]]])
    masses = np.concatenate([np.ones(point.size), np.where(across >= 0.0, -cut, cut)])
    return _summed(Masses(rows, owners, masses))


def _summed(found: Masses) -> Masses:
    """Add masses up per pair and drop what is rounding."""
    order = np.lexsort((found.to, found.at))
    rows, others, masses = found.at[order], found.to[order], found.mass[order]
    first = np.flatnonzero(np.r_[True, (np.diff(rows) != 0) | (np.diff(others) != 0)][: rows.size])
    sums = np.clip(np.add.reduceat(masses, first), 0.0, 1.0) if first.size else masses
    kept = sums > LEAST
    return Masses(rows[first][kept], others[first][kept], sums[kept])


def uncovered(
    place: NDArray[np.float64], sigma_m: NDArray[np.float64], shapes: NDArray[Any], found: Masses
) -> NDArray[np.float64]:
    """Find what every point has outside all polygons; what lies in two of them counts once.

    Parameters
    ----------
    place, sigma_m, shapes
        As of `polygon_masses`.
    found : Masses
        What it found.

    Returns
    -------
    ndarray of float64, shape (n,)
        Probability of no polygon; NaN for a point that is nowhere.
    """
    covered = np.bincount(found.at, weights=found.mass, minlength=len(place))
    for rows, members in _overlapping(place, found, shapes):
        joined = np.array([shapely.union_all(shapes[members])], dtype=object)
        together = polygon_masses(place[rows], sigma_m[rows], joined)
        covered[rows] = np.bincount(together.at, weights=together.mass, minlength=rows.size)
    none: NDArray[np.float64] = np.clip(1.0 - covered, 0.0, 1.0)
    none[np.isnan(place).any(axis=1)] = np.nan
    return none


def _overlapping(
    place: NDArray[np.float64], found: Masses, shapes: NDArray[Any]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the points that may be in the same several polygons of which two overlap, with these."""
    begin = np.searchsorted(found.at, np.arange(len(place) + 1))
    count = np.diff(begin)
    most = np.zeros(len(place))
    np.maximum.at(most, found.at, found.mass)
    open_to = (count > 1) & (most < 1.0 - LEAST)  # what is wholly in one is in no need of others
    known: dict[tuple[int, int], bool] = {}
    for size in np.unique(count[open_to]):
        rows = np.flatnonzero(open_to & (count == size))
        members = found.to[begin[rows][:, None] + np.arange(size)]
        sets, which = np.unique(members, axis=0, return_inverse=True)
        order = np.argsort(which, kind="stable")
        groups = np.split(rows[order], np.flatnonzero(np.diff(which[order])) + 1)
        for some, group in zip(sets, groups, strict=True):
            if any(_overlap(shapes, pair, known) for pair in combinations(some.tolist(), 2)):
                yield group, some


def _overlap(shapes: NDArray[Any], pair: tuple[int, int], known: dict[tuple[int, int], bool]) -> bool:
    if pair not in known:
        one, other = shapes[pair[0]], shapes[pair[1]]
        shared = float(shapely.area(shapely.intersection(one, other)))
        known[pair] = shared > OVERLAP * min(float(shapely.area(one)), float(shapely.area(other)))
    return known[pair]


def line_likelihoods(place: NDArray[np.float64], sigma_m: NDArray[np.float64], shapes: NDArray[Any]) -> Masses:
    """Weigh every point against the straight pieces of the lines near it.

    Parameters
    ----------
    place : ndarray of float64, shape (n, 2)
        Points in a plane, metres; NaN for none.
    sigma_m : ndarray of float64, shape (n,)
        Standard deviation of each per axis, above 0.
    shapes : ndarray of shapely lines
        In the plane.

    Returns
    -------
    Masses
        Densities per square metre times metres along the piece, which `on_lines` settles.
    """
    pieces = pieces_of(shapes)
    row, piece = pieces.near(place, REACH * sigma_m)
    return Masses(row, pieces.line[piece], pieces.likelihood(place[row], sigma_m[row], piece))


class Odds(NamedTuple):
    """How likely it is to be at a place of a line, or astray, before anything was measured.

    Attributes
    ----------
    micrometres : int
        Length of all lines: in whole numbers, so that parts add up to the whole exactly.
    low, high : tuple of float
        Corners of the area.
    """

    micrometres: int
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, place: NDArray[np.float64], shapes: NDArray[Any]) -> Self:
        """Measure points and lines.

        Parameters
        ----------
        place : ndarray of float64, shape (n, 2)
            Points in the plane, NaN for none.
        shapes : ndarray of shapely lines
            In the plane.

        Returns
        -------
        Odds
            Of these.
        """
        pieces = pieces_of(shapes)
        extent = np.concatenate([pieces.start, pieces.end, place[~np.isnan(place).any(axis=1)]])
        low, high = extent.min(axis=0, initial=np.inf), extent.max(axis=0, initial=-np.inf)
        length = int(np.rint(pieces.length_m * _MICROMETRES).astype(np.int64).sum())
        return cls(length, tuple(low.tolist()), tuple(high.tolist()))

    @classmethod
    def together(cls, parts: Sequence[Odds]) -> Self:
        """Put parts together.

        Parameters
        ----------
        parts : sequence of Odds
            At least one.

        Returns
        -------
        Odds
            Of all of them.
        """
        low, high = np.min([part.low for part in parts], axis=0), np.max([part.high for part in parts], axis=0)
        return cls(sum(part.micrometres for part in parts), tuple(low.tolist()), tuple(high.tolist()))

    def on(self, stray: float) -> float:
        """Say how likely a place on a line is.

        Parameters
        ----------
        stray : float
            Share of points on no line.

        Returns
        -------
        float
            Per metre.
        """
        return (1.0 - stray) / max(self.micrometres / _MICROMETRES, 1.0)

    def off(self, stray: float) -> float:
        """Say how likely a place astray is.

        Parameters
        ----------
        stray : float
            Share of points on no line.

        Returns
        -------
        float
            Per square metre.
        """
        sides = np.subtract(self.high, self.low)
        return stray / max(float(np.prod(sides)) if np.isfinite(sides).all() else 0.0, 1.0)


def on_lines(place: NDArray[np.float64], near: Masses, odds: Odds, stray: float) -> tuple[Masses, NDArray[np.float64]]:
    """Weigh all lines near every point against each other and against being on none.

    Parameters
    ----------
    place : ndarray of float64, shape (n, 2)
        Points in the plane, metres; NaN for none.
    near : Masses
        Of `line_likelihoods`, of all lines.
    odds : Odds
        Of all points and lines.
    stray : float
        Share of points on no line.

    Returns
    -------
    found : Masses
        Probability of every line.
    none : ndarray of float64, shape (n,)
        Probability of none; NaN for a point that is nowhere.
    """
    on, off = near.mass * odds.on(stray), odds.off(stray)
    whole = np.bincount(near.at, weights=on, minlength=len(place)) + off
    none = off / whole
    none[np.isnan(place).any(axis=1)] = np.nan
    return _summed(Masses(near.at, near.to, on / whole[near.at])), np.asarray(none, dtype=np.float64)
