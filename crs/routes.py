"""Routes: lines on which every place has a chainage, in one piece or many, counted from the start or between posts.

A route is cut into spans. On each of them the chainage runs evenly from one value to another, and a distance along a
line runs evenly with it. Everything that is known of chainages - a line's own length, pieces with a chainage at either
end, posts in between - becomes spans; what is asked of them is one question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import Geod

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["SUMMING_M", "Found", "Lines", "Spans", "find_spans", "measure_lines", "measured_spans"]

_GEOD = Geod(ellps="WGS84")
#: Chainages are sums of many pieces: an end is no sharper than their rounding.
SUMMING_M = 1e-6


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines with the geodesic distance of every vertex from the first, all in one row of numbers.

    Parameters
    ----------
    lon, lat : numpy.ndarray
        Vertices of all lines, degrees.
    along : numpy.ndarray
        Running sum of the lengths of all edges, metres.
    first, last : numpy.ndarray of int
        Vertices at which each line starts and ends, shape (m,).
    """

    lon: FloatArray
    lat: FloatArray
    along: FloatArray
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @property
    def lengths_m(self) -> FloatArray:
        """Length of each line, metres, shape (m,)."""
        return self.along[self.last] - self.along[self.first]

    def places(self, line: NDArray[np.int64], distance_m: FloatArray, *, right_m: FloatArray) -> ObjectArray:
        """Return the points at distances along lines.

        Parameters
        ----------
        line : numpy.ndarray of int
            Line of each point, shape (n,).
        distance_m : numpy.ndarray
            Metres from its first vertex, on the line, shape (n,).
        right_m : numpy.ndarray
            Metres to the right of the line in the direction in which it is drawn; negative to the left. Shape (n,).

        Returns
        -------
        numpy.ndarray
            Points in longitude and latitude, shape (n,).
        """
        first, last = self.first[line], self.last[line]
        wanted = self.along[first] + distance_m
        vertex = np.clip(np.searchsorted(self.along, wanted, side="right") - 1, first, last - 1)
        lon, lat = self.lon[vertex], self.lat[vertex]
        ahead, _, _ = _GEOD.inv(lon, lat, self.lon[vertex + 1], self.lat[vertex + 1])
        east, north, back = _GEOD.fwd(lon, lat, ahead, wanted - self.along[vertex])
        beside = right_m != 0
        if beside.any():
            # At the place itself the line goes on where it came from, turned round.
            side = np.asarray(back)[beside] + 180.0 + 90.0
            east[beside], north[beside], _ = _GEOD.fwd(east[beside], north[beside], side, right_m[beside])
        return np.asarray(shapely.points(np.column_stack([east, north])), dtype=object)


def measure_lines(lines: ObjectArray) -> Lines:
    """Measure lines on the ellipsoid, vertex by vertex.

    Parameters
    ----------
    lines : numpy.ndarray
        LineStrings in longitude and latitude, shape (m,).

    Returns
    -------
    Lines
        With their lengths.
    """
    numbers, owner = shapely.get_coordinates(lines, return_index=True)
    lon, lat = numbers[:, 0].copy(), numbers[:, 1].copy()
    _, _, pieces = _GEOD.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    along = np.concatenate([[0.0], np.cumsum(np.where(owner[1:] == owner[:-1], pieces, 0.0))])
    rows = np.arange(len(lines))
    first = np.searchsorted(owner, rows, side="left")
    last = np.searchsorted(owner, rows, side="right") - 1
    return Lines(lon, lat, along, first.astype(np.int64), last.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Spans:
    """Stretches of lines with the chainage at both ends, sorted by route and lower chainage.

    Parameters
    ----------
    route : numpy.ndarray of int
        Number of the route, shape (k,).
    line : numpy.ndarray of int
        Number of the line that it lies on, shape (k,).
    low, high : numpy.ndarray
        Chainage at its lower and its upper end, metres, shape (k,).
    at_low, at_high : numpy.ndarray
        Distance along the line there, metres, shape (k,).
    """

    route: NDArray[np.int64]
    line: NDArray[np.int64]
    low: FloatArray
    high: FloatArray
    at_low: FloatArray
    at_high: FloatArray

    @classmethod
    def of(cls, route: NDArray[np.int64], line: NDArray[np.int64], chainage: FloatArray, distance: FloatArray) -> Spans:
        """Make spans from their two ends, in any order.

        Parameters
        ----------
        route, line : numpy.ndarray of int
            Shape (k,).
        chainage, distance : numpy.ndarray
            Metres at both ends, shape (k, 2).

        Returns
        -------
        Spans
            Sorted.
        """
        turned = chainage[:, 0] > chainage[:, 1]
        low, high = np.where(turned, 1, 0), np.where(turned, 0, 1)
        rows = np.arange(len(route))
        parts = (chainage[rows, low], chainage[rows, high], distance[rows, low], distance[rows, high])
        order = np.lexsort((parts[1], parts[0], route))
        return cls(route[order], line[order], *(part[order] for part in parts))

    def distances_m(self, span: NDArray[np.int64], chainage_m: FloatArray) -> FloatArray:
        """Return how far along its line each chainage lies.

        Parameters
        ----------
        span : numpy.ndarray of int
            Row of the span, shape (n,).
        chainage_m : numpy.ndarray
            On the span, shape (n,).

        Returns
        -------
        numpy.ndarray
            Metres from the first vertex of the line, shape (n,).
        """
        low, width = self.low[span], self.high[span] - self.low[span]
        share = np.where(width > 0, (chainage_m - low) / np.where(width > 0, width, 1.0), 0.0)
        # Weighting both ends hits each of them exactly.
        distance: FloatArray = self.at_low[span] * (1.0 - share) + self.at_high[span] * share
        return distance

    def extents(self, routes: int) -> tuple[FloatArray, FloatArray]:
        """Return the lowest and the highest chainage of each route.

        Parameters
        ----------
        routes : int
            How many routes there are.

        Returns
        -------
        tuple of numpy.ndarray
            Metres, shape (routes,); inf and -inf for a route without spans.
        """
        lowest, highest = np.full(routes, np.inf), np.full(routes, -np.inf)
        np.minimum.at(lowest, self.route, self.low)
        np.maximum.at(highest, self.route, self.high)
        return lowest, highest


def measured_spans(lines: Lines, measures: FloatArray, route: NDArray[np.int64]) -> Spans:
    """Take the chainages from the measures of vertices; between two that have one they run evenly.

    Parameters
    ----------
    lines : Lines
        As they were measured on the ground.
    measures : numpy.ndarray
        Chainage of every vertex, metres, NaN where it has none, in the order of the lines.
    route : numpy.ndarray of int
        Route of each line, shape (m,).

    Returns
    -------
    Spans
        One for each two vertices that follow one another with a measure.
    """
    owner = np.repeat(np.arange(len(route)), lines.last - lines.first + 1)
    known = np.flatnonzero(np.isfinite(measures))
    here, there = known[:-1], known[1:]
    one = owner[here] == owner[there]
    here, there = here[one], there[one]
    line = owner[here]
    start = lines.along[lines.first[line]]
    chainage = np.column_stack([measures[here], measures[there]])
    at = np.column_stack([lines.along[here] - start, lines.along[there] - start])
    return Spans.of(route[line], line, chainage, at)


@dataclass(frozen=True, eq=False)
class Found:
    """Where chainages lie.

    Parameters
    ----------
    span : numpy.ndarray of int
        Row of the span, shape (n,); only where `code` is None.
    chainage_m : numpy.ndarray
        The chainage, moved onto its span where it missed an end by no more than was allowed, shape (n,).
    code : numpy.ndarray
        None, or the reason code: "beyond_end", "between_pieces", "ambiguous_chainage". Shape (n,).
    """

    span: NDArray[np.int64]
    chainage_m: FloatArray
    code: ObjectArray


@dataclass(frozen=True, eq=False)
class _Below:
    """What lies at and below chainages: the last span that starts there, and how many are open there."""

    last: NDArray[np.int64]
    count: NDArray[np.int64]


def _below(spans: Spans, route: NDArray[np.int64], chainage_m: FloatArray) -> _Below:
    """Sweep over the ends of all spans in their order and read off at each chainage what is open."""
    size, wanted = len(spans.route), len(route)
    kind = np.repeat([0, 1, 2], [size, size, wanted])
    at = np.concatenate([spans.low, spans.high, chainage_m])
    order = np.lexsort((kind, at, np.concatenate([spans.route, spans.route, route])))
    step = np.repeat([1, -1, 0], [size, size, wanted])[order]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    asked = place[2 * size :]
    started = np.cumsum(step > 0) - 1
    return _Below(started[asked], np.cumsum(step)[asked])


def _farthest(spans: Spans) -> NDArray[np.int64]:
    """Return, for each span, which one of it and those before it on its route reaches the highest chainage."""
    rank = np.empty(len(spans.route), dtype=np.int64)
    order = np.lexsort((spans.high, spans.route))
    rank[order] = np.arange(len(order))
    # Ranks grow with the route, so that the running maximum starts anew with each.
    farthest: NDArray[np.int64] = order[np.maximum.accumulate(rank)]
    return farthest


def find_spans(spans: Spans, route: NDArray[np.int64], chainage_m: FloatArray, *, slack_m: FloatArray) -> Found:
    """Find the span on which each chainage lies.

    Parameters
    ----------
    spans : Spans
        Of all routes.
    route : numpy.ndarray of int
        Route of each record, shape (n,).
    chainage_m : numpy.ndarray
        Finite metres, shape (n,).
    slack_m : numpy.ndarray
        How far a chainage may miss an end and still be taken to it, metres, shape (n,).

    Returns
    -------
    Found
        A span or a code for each record.
    """
    code = np.full(len(route), None, dtype=object)
    if not len(spans.route):
        code[:] = "beyond_end"
        return Found(np.zeros(len(route), dtype=np.int64), chainage_m, code)
    end = len(spans.route) - 1
    below = _below(spans, route, chainage_m)
    last, above = np.clip(below.last, 0, end), np.clip(below.last + 1, 0, end)
    has_last = (below.last >= 0) & (spans.route[last] == route)
    has_above = (below.last < end) & (spans.route[above] == route)
    # Where one span is open, it is the one that reaches farthest of those that have started.
    nearest = _farthest(spans)[last]
    over = np.where(has_last, chainage_m - spans.high[nearest], np.inf)
    under = np.where(has_above, spans.low[above] - chainage_m, np.inf)
    to_lower, to_upper = (over <= under) & (over <= slack_m), (under < over) & (under <= slack_m)
    code[~(to_lower | to_upper)] = "beyond_end"
    code[~(to_lower | to_upper) & has_last & has_above] = "between_pieces"
    code[below.count > 0] = None
    span = np.where(to_upper & (below.count == 0), above, nearest)
    # Pieces that follow one another may overlap by a rounding: there the later one holds.
    several = np.flatnonzero(below.count > 1)
    earlier = _farthest(spans)[np.clip(last[several] - 1, 0, end)]
    reach = np.where(spans.route[earlier] == route[several], spans.high[earlier], -np.inf)
    joint = (chainage_m[several] <= spans.high[last[several]]) & (chainage_m[several] >= reach - SUMMING_M)
    span[several] = last[several]
    code[several[~joint]] = "ambiguous_chainage"
    return Found(span, np.clip(chainage_m, spans.low[span], spans.high[span]), code)
