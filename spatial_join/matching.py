"""Matching trajectories to streets: a hidden Markov model over short pieces of the network.

A record's true place is on some piece of a street near it, or astray. Between two records a vehicle moves along the
network about as far as its records say it moves; forward and backward sums over all ways give every record the
probability of each street, and of none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from crs.local import local_projection
from spatial_join.line_pieces import pieces_of
from spatial_join.network import Courses, Network
from spatial_join.records import frame_of, require_degrees, require_one_crs
from spatial_join.trajectories import Said, fixes_of, sigma_counts, tracks_of, typical_sigma_m

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

    from crs.local import LocalProjection
    from spatial_join.line_pieces import LinePieces
    from spatial_join.trajectories import Track

__all__ = ["NUMBERS", "Found", "Streets", "found_streets", "match", "streets_of", "table_of"]

NUMBERS = ("probability", "none", "along_m", "distance_m")
"""Columns of a match after its street."""

REACH = 4.0
"""Standard deviations around a record in which its street is looked for."""

PIECES_PER_SIGMA, SHORTEST_PIECE_M = 0.5, 3.0
"""Pieces are about as long as the error, so that where on a street a record is counts too."""

MARGIN_M = 200.0
"""So much wider and higher than the network the area is in which records may be astray."""

_AT_ONCE = 64
"""Steps whose routes are found together: neighbours share their crossings."""

ASTRAY, BACK = 0.01, 0.3
"""Probability that a record on the network is followed by one astray, and that one astray is followed by one on it."""

TURN = 0.02
"""How much less likely it is to turn about on a street than to go on."""

FIRST_SPREAD, SPREAD = (0.5, 5.0), (0.2, 2.5)
"""How much a step differs from what is expected, a share of it and at least so many metres: before and after speeds are
judged by the ways that were found. Chosen so that probabilities come true on walks of other seeds than the tests'."""


def match(
    points: Any,  # noqa: ANN401 -- layers, frames and paths share no base class
    streets: Any,  # noqa: ANN401
    *,
    track: str | None = None,
    time: str | None = None,
    sigma_m: float | None = None,
) -> pd.DataFrame:
    """Find the street of every record of trajectories.

    Parameters
    ----------
    points : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Records in longitude and latitude, with ``sigma_m``: standard deviation per axis, metres, above 0.
    streets : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Lines in longitude and latitude that meet at their ends; all may be driven both ways.
    track : str, optional
        Column that tells trajectories apart; all records are one if left out.
    time : str, optional
        Column that orders a trajectory's records, and by whose steps speeds are judged; as they stand, evenly, if left
        out.
    sigma_m : float, optional
        Standard deviation of all records, where they have no column for it.

    Returns
    -------
    pandas.DataFrame
        By the index of ``points``: ``street`` (index of the most probable street; missing if it is more probable that
        the record is on none), ``probability`` of that street, ``none`` (probability of being on no street),
        ``along_m`` (mean place on the street, metres from its start) and ``distance_m`` (from the record to that
        place). NaN for a record without a position.

    Raises
    ------
    CrsMismatchError
        If the two sides are not in longitude and latitude.
    GeometryError
        If the points are not points, or the streets not lines.
    JoinError
        If a column is missing, or a standard deviation is not above 0.

    References
    ----------
    Newson, P. and Krumm, J. (2009), Hidden Markov map matching through noise and sparseness, ACM SIGSPATIAL GIS.
    Rabiner, L. R. (1989), A tutorial on hidden Markov models, Proceedings of the IEEE 77(2): forward-backward.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> lines = [shapely.LineString([(7.42, lat), (7.43, lat)]) for lat in (43.730, 43.731)]
    >>> roads = gpd.GeoDataFrame({"name": ["low", "high"]}, geometry=lines, crs="OGC:CRS84")
    >>> trip = gpd.GeoDataFrame(geometry=shapely.points([[7.422, 43.7303], [7.424, 43.7301]]), crs="OGC:CRS84")
    >>> match(trip, roads, sigma_m=15)["street"].tolist()
    [0, 0]
    """
    points, streets = frame_of(points), frame_of(streets)
    require_one_crs(points, streets)
    require_degrees(points)
    fixes = fixes_of(points, Said(track, time, sigma_m))
    model = streets_of(streets, sigma_counts(fixes))
    found = found_streets(model, fixes, timed=time is not None)
    return table_of(found, points.index, streets.index)


@dataclass(frozen=True, eq=False, kw_only=True)
class Streets:
    """The network that records are matched to, all of it: ways lead through every part.

    Parameters
    ----------
    plane : LocalProjection
        Laid in its middle.
    pieces : LinePieces
        Short pieces of the streets.
    network : Network
        How they meet.
    """

    plane: LocalProjection
    pieces: LinePieces
    network: Network

    @cached_property
    def on_density(self) -> float:
        """Chance per metre of being at a place of the network, before anything was measured."""
        return (1.0 - ASTRAY) / max(float(self.pieces.length_m.sum()), 1.0)

    @cached_property
    def off_density(self) -> float:
        """Chance per square metre of being astray."""
        low, high = self.pieces.start.min(axis=0), self.pieces.start.max(axis=0)
        return ASTRAY / float(np.prod(high - low + MARGIN_M))


def streets_of(streets: gpd.GeoDataFrame, counts: NDArray[np.int64]) -> Streets:
    """Make streets ready to be matched to.

    Parameters
    ----------
    streets : geopandas.GeoDataFrame
        Lines in longitude and latitude.
    counts : ndarray of int64
        Of :func:`spatial_join.trajectories.sigma_counts`, of all records.

    Returns
    -------
    Streets
        The network.

    Raises
    ------
    GeometryError
        If something is not a line.
    """
    bounds = streets.total_bounds
    plane = local_projection([bounds[0], bounds[2]], [bounds[1], bounds[3]])
    lines = plane.project(np.asarray(streets.geometry, dtype=object))
    longest_m = max(SHORTEST_PIECE_M, PIECES_PER_SIGMA * typical_sigma_m(counts))
    return Streets(plane=plane, pieces=pieces_of(lines, longest_m=longest_m), network=Network.of(lines))


class Found(NamedTuple):
    """What was found for every record; filled track by track.

    Attributes
    ----------
    street : ndarray of int64, shape (n,)
        Position of the street, -1 for none.
    numbers : ndarray of float64, shape (n, 4)
        The columns of :func:`match` after it.
    """

    street: NDArray[np.int64]
    numbers: NDArray[np.float64]


def found_streets(model: Streets, fixes: pd.DataFrame, *, timed: bool) -> Found:
    """Match whole trajectories.

    Parameters
    ----------
    model : Streets
        The network.
    fixes : pandas.DataFrame
        Of :func:`spatial_join.trajectories.fixes_of`.
    timed : bool
        Whether the time of records was said.

    Returns
    -------
    Found
        What each record got, which depends on those of its own trajectory only.
    """
    found = Found(np.full(len(fixes), -1, dtype=np.int64), np.full((len(fixes), len(NUMBERS)), np.nan))
    for track in tracks_of(fixes, model.plane, timed=timed):
        _match_track(model, track, found)
    return found


def table_of(found: Found, index: pd.Index[Any], streets: pd.Index[Any]) -> pd.DataFrame:
    """Lay what was found out by the labels of both sides.

    Parameters
    ----------
    found : Found
        Of every record.
    index, streets : pandas.Index
        Labels of the records and of all streets.

    Returns
    -------
    pandas.DataFrame
        As of :func:`match`.
    """
    street = pd.Series(streets.take(np.maximum(found.street, 0)) if len(streets) else pd.NA, index=index)
    columns = dict(zip(NUMBERS, found.numbers.T, strict=True))
    return pd.DataFrame({"street": street.where(found.street >= 0), **columns}, index=index)


def _match_track(model: Streets, track: Track, found: Found) -> None:
    """Match one trajectory, judge its speeds by the ways that were found, and match it again."""
    row, piece = model.pieces.near(track.place, REACH * track.sigma_m)
    likelihood = model.pieces.likelihood(track.place[row], track.sigma_m[row], piece)
    bounds = np.searchsorted(row, np.arange(len(track.rows) + 1))
    both = np.tile([True, False], len(piece))
    states = [Courses(np.repeat(piece[a:b], 2), both[2 * a : 2 * b]) for a, b in pairwise(bounds)]
    # What a record says of each state: on the pieces near it, in both directions, and, last, astray.
    said = [np.append(np.repeat(likelihood[a:b], 2), 1.0) for a, b in pairwise(bounds)]
    steps_m = track.steps_m()
    chances, steps_m = _sums(model, states, said, list(_moves(model, states, steps_m, FIRST_SPREAD)))
    chances, _ = _sums(model, states, said, list(_moves(model, states, track.smoothed(steps_m), SPREAD)))
    for step, (state, chance) in enumerate(zip(states, chances, strict=True)):
        _write(model, (track.rows[step], track.place[step]), (state.piece, chance), found)


def _sums(
    model: Streets, states: list[Courses], said: list[NDArray[np.float64]], moves: list[_Move]
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Run forward and backward; return the chances of every record's states, and the mean metres between records.

    By einsum, not by BLAS, which rounds as its threads share the work: a match is not to depend on them.
    """
    prior = np.append(np.full(states[0].piece.size, 0.5 * model.on_density), model.off_density)
    forward = [_scaled(prior * said[0])]
    for step, move in enumerate(moves):
        forward.append(_scaled(np.einsum("i,ij->j", forward[-1], move.chance) * said[step + 1]))
    after = np.ones(states[-1].piece.size + 1)
    chances, steps_m = [_scaled(forward[-1])], np.full(len(moves), np.nan)
    for step in range(len(moves) - 1, -1, -1):
        seen = said[step + 1] * after
        both = forward[step][:-1, None] * moves[step].chance[:-1, :-1] * seen[None, :-1]
        if both.sum() > 0.0:
            steps_m[step] = (both * moves[step].metres).sum() / both.sum()
        after = _scaled(np.einsum("ij,j->i", moves[step].chance, seen))
        chances.append(_scaled(forward[step] * after))
    return chances[::-1], steps_m


def _scaled(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale weights to a sum of 1; only their ratios matter."""
    total = weights.sum()
    return weights / total if total > 0.0 else np.full_like(weights, 1.0 / weights.size)


class _Move(NamedTuple):
    """One step between two records."""

    chance: NDArray[np.float64]
    metres: NDArray[np.float64]


def _moves(
    model: Streets, states: list[Courses], steps_m: NDArray[np.float64], spread: tuple[float, float]
) -> Iterator[_Move]:
    """Yield, step by step, how likely each state is followed by each, astray last, and how far apart they are."""
    spreads = np.maximum(spread[1], spread[0] * steps_m)
    for step, (expected_m, spread_m) in enumerate(zip(steps_m, spreads, strict=True)):
        if step % _AT_ONCE == 0:
            near = model.pieces.line[np.concatenate([state.piece for state in states[step : step + _AT_ONCE + 1]])]
            part = slice(step, step + _AT_ONCE)
            routes = model.network.among(np.unique(near), limit_m=float((steps_m[part] + 6.0 * spreads[part]).max()))
        here, there = states[step], states[step + 1]
        apart = routes.distances_m(model.pieces, here, there)
        on = np.exp(-np.abs(apart - expected_m) / spread_m) / (2.0 * spread_m) * model.pieces.length_m[there.piece]
        on *= np.where(_about(model, here, there), TURN, 1.0)
        move = np.empty((here.piece.size + 1, there.piece.size + 1))
        move[:-1, :-1] = (1.0 - ASTRAY) * on
        # A record astray is anywhere in the area; the next one on the network anywhere on it.
        move[:-1, -1] = model.off_density
        move[-1, :-1] = 0.5 * BACK * model.on_density * model.pieces.length_m[there.piece]
        move[-1, -1] = (1.0 - BACK) * model.off_density / ASTRAY
        yield _Move(move, np.where(np.isfinite(apart), apart, 0.0))


def _about(model: Streets, here: Courses, there: Courses) -> NDArray[np.bool_]:
    """Mark the moves that turn about on a street."""
    line = model.pieces.line
    same = line[here.piece][:, None] == line[there.piece][None, :]
    return np.asarray(same & (here.forth[:, None] != there.forth[None, :]))


def _write(
    model: Streets,
    record: tuple[int, NDArray[np.float64]],
    states: tuple[NDArray[np.int64], NDArray[np.float64]],
    found: Found,
) -> None:
    """Write the most probable street of one record."""
    (at, place), (piece, chance) = record, states
    found.numbers[at, 1] = chance[-1]
    if not piece.size:
        return
    line = model.pieces.line[piece]
    names, which = np.unique(line, return_inverse=True)
    by_street = np.bincount(which, weights=chance[:-1])
    best = int(by_street.argmax())
    if by_street[best] <= chance[-1]:
        return
    on = line == names[best]
    chosen, weight = piece[on], chance[:-1][on]
    along, _ = model.pieces.frame(np.broadcast_to(place, (chosen.size, 2)), chosen)
    along = np.clip(along, 0.0, model.pieces.length_m[chosen])
    share = along / np.maximum(model.pieces.length_m[chosen], 1e-9)
    spot = model.pieces.start[chosen] + share[:, None] * (model.pieces.end[chosen] - model.pieces.start[chosen])
    found.street[at] = names[best]
    found.numbers[at, 0] = by_street[best]
    found.numbers[at, 2] = np.average(model.pieces.before_m[chosen] + along, weights=weight)
    found.numbers[at, 3] = np.average(np.hypot(*(spot - place).T), weights=weight)
