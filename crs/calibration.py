"""Chainage between posts: points of known chainage turn metres along a line into the numbers on the road."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.chainage import decode_chainage
from crs.local import local_projection
from crs.routes import Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from crs.coordinates import FloatArray
    from crs.indirect import Calibration
    from crs.keys import Groups
    from crs.references import Reference
    from crs.routes import Lines

__all__ = ["break_chains", "calibrate"]

#: A post that stands farther from its line belongs to another one.
_MOST_AWAY_M = 100.0
#: Posts nearer to each other than this stand on one place.
_SAME_PLACE_M = 0.01


def calibrate(
    spans: Spans, lines: Lines, posts: Reference, *, groups: Groups, calibration: Calibration
) -> tuple[Spans, dict[int, str], FloatArray]:
    """Count chainages between posts instead of along the line.

    Between two posts the chainage runs evenly, before the first and after the last in true metres.

    Parameters
    ----------
    spans : Spans
        With true metres as chainages.
    lines : Lines
        What they lie on.
    posts : Reference
        Points of known chainage.
    groups : Groups
        The routes that are asked for.
    calibration : Calibration
        Where the posts say which route they are of, and their chainage.

    Returns
    -------
    spans : Spans
        With the chainages of the posts.
    faults : dict of int to str
        Routes whose posts contradict each other or that have none, with the reason.
    sigma_m : numpy.ndarray
        The largest sigma of the posts of each route, metres.
    """
    faults: dict[int, str] = {}
    sigma_m = np.zeros(groups.count)
    of_post = groups.number(posts.column(calibration.key))
    decoded = decode_chainage(posts.column(calibration.chainage), name=calibration.chainage, unit=calibration.unit)
    good = ~posts.unplaced & np.isfinite(decoded.values)
    counted = np.column_stack([decoded.values, decoded.values])
    if calibration.ahead is not None:
        ahead = decode_chainage(posts.column(calibration.ahead), name=calibration.ahead, unit=calibration.unit)
        counted[:, 1] = np.where(np.isfinite(ahead.values), ahead.values, decoded.values)
        unread = np.array([str(reason).startswith("unreadable") for reason in ahead.reasons], dtype=bool)
        # A jump that cannot be read makes all that follows uncertain.
        faults |= dict.fromkeys(
            of_post[unread & (of_post >= 0)].tolist(),
            f"bad_calibration: {posts.name} has an unreadable {calibration.ahead}",
        )
    parts = []
    for route in np.unique(spans.route).tolist():
        if route in faults:
            continue
        mine = np.flatnonzero((of_post == route) & good)
        own = np.flatnonzero(spans.route == route)
        if not len(mine):
            faults[route] = f"bad_calibration: {posts.name} has no point of it with a chainage"
            continue
        spots = shapely.get_coordinates(shapely.centroid(posts.geometry[mine]))
        place_m, away_m = _locate(spots, spans, own, lines)
        known, fault = _checked(place_m, away_m, counted[mine])
        if fault is not None:
            faults[route] = f"bad_calibration: {posts.name}: {fault}"
            continue
        sigma_m[route] = posts.sigma_m[mine].max()
        parts.append(_recounted(spans, own, known))
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Spans.of(none, none, np.zeros((0, 2)), np.zeros((0, 2))), faults, sigma_m
    route, line, chainage, at = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Spans.of(route, line, chainage, at), faults, sigma_m


def _locate(points: FloatArray, spans: Spans, own: NDArray[np.int64], lines: Lines) -> tuple[FloatArray, FloatArray]:
    """Return the true chainage of the place on a route that is nearest to each point, and the distance there."""
    best_m, away_m = np.full(len(points), np.nan), np.full(len(points), np.inf)
    for span in own:
        first, last = lines.first[spans.line[span]], lines.last[spans.line[span]]
        lon, lat = lines.lon[first : last + 1], lines.lat[first : last + 1]
        plane = local_projection(lon, lat)
        corners = np.column_stack(plane.forward(lon, lat))
        path, spots = shapely.linestrings(corners), shapely.points(np.column_stack(plane.forward(*points.T)))
        distance, reached = shapely.distance(path, spots), shapely.line_locate_point(path, spots)
        flat = np.append(0.0, np.cumsum(np.hypot(*np.diff(corners, axis=0).T)))
        # Metres of the plane and of the ellipsoid differ by parts in a million: each edge is its own scale.
        true_m = np.interp(reached, flat, lines.along[first : last + 1] - lines.along[first])
        nearer = distance < away_m
        away_m = np.where(nearer, distance, away_m)
        best_m = np.where(nearer, spans.low[span] + true_m, best_m)
    return best_m, away_m


def _checked(place_m: FloatArray, away_m: FloatArray, counted: FloatArray) -> tuple[FloatArray, str | None]:
    """Return posts in the order of their places, with the chainage before and after each, and what is wrong.

    Shape (k, 3): place, chainage before it, chainage from it on; the two differ where a chain is broken.
    """
    if away_m.max() > _MOST_AWAY_M:
        far = float(counted[int(away_m.argmax()), 0])
        return np.zeros((0, 3)), f"the point of {far:.1f} m stands {away_m.max():.0f} m from the line"
    order = np.argsort(place_m, kind="stable")
    known = np.column_stack([place_m, counted])[order]
    again = np.append(False, (np.abs(np.diff(known, axis=0)) < _SAME_PLACE_M).all(axis=1))
    known = known[~again]
    steps = known[1:, 1] - known[:-1, 2]
    if (np.diff(known[:, 0]) < _SAME_PLACE_M).any() or not ((steps > 0).all() or (steps < 0).all()):
        return known, "its chainages neither rise nor fall along the line"
    return known, None


_Pieces = tuple["NDArray[np.int64]", "NDArray[np.int64]", "FloatArray", "FloatArray"]


def _recounted(spans: Spans, own: NDArray[np.int64], known: FloatArray) -> _Pieces:
    """Cut the spans of a route at its posts and give every end its chainage."""
    sign = 1.0 if len(known) == 1 or known[1, 1] > known[0, 2] else -1.0
    start, end = float(spans.low[own].min()), float(spans.high[own].max())
    ends = [known]
    if start < known[0, 0]:
        ends.insert(0, np.array([[start, *[known[0, 1] - sign * (known[0, 0] - start)] * 2]]))
    if end > known[-1, 0]:
        ends.append(np.array([[end, *[known[-1, 2] + sign * (end - known[-1, 0])] * 2]]))
    return _cut(spans, own, np.concatenate(ends))


def _cut(spans: Spans, own: NDArray[np.int64], table: FloatArray) -> _Pieces:
    """Cut the spans of a route at places; between two of them the chainage runs evenly."""
    rows: list[tuple[int, int]] = []
    chainage, at = [], []
    for span in own:
        low, high = spans.low[span], spans.high[span]
        cuts = np.concatenate([[low], table[(table[:, 0] > low) & (table[:, 0] < high), 0], [high]])
        before = np.clip(np.searchsorted(table[:, 0], (cuts[:-1] + cuts[1:]) / 2.0) - 1, 0, len(table) - 2)
        width = table[before + 1, 0] - table[before, 0]
        counted = []
        for place in (cuts[:-1], cuts[1:]):
            share = (place - table[before, 0]) / width
            counted.append(table[before, 2] * (1.0 - share) + table[before + 1, 1] * share)
        along = spans.distances_m(np.full(len(cuts), span), cuts)
        rows += [(int(spans.route[span]), int(spans.line[span]))] * (len(cuts) - 1)
        chainage.append(np.column_stack(counted))
        at.append(np.column_stack([along[:-1], along[1:]]))
    numbers = np.array(rows, dtype=np.int64)
    return numbers[:, 0], numbers[:, 1], np.concatenate(chainage), np.concatenate(at)


def break_chains(
    spans: Spans, equations: Sequence[tuple[int, tuple[str, ...]]], *, unit: str
) -> tuple[Spans, dict[int, str]]:
    """Count on at another number where a chain is broken.

    Parameters
    ----------
    spans : Spans
        With true metres as chainages.
    equations : sequence of (int, tuple of str)
        Route and its equations, such as "K12+300 = K12+450", in the order of the road.
    unit : str
        Unit of plain numbers in them.

    Returns
    -------
    spans : Spans
        With the chainages that count on. Where the number jumps ahead (a short chain) some chainages are on no line,
        where it jumps back (a long chain) some are on two places.
    faults : dict of int to str
        Routes whose equations contradict their line, with the reason.
    """
    faults: dict[int, str] = {}
    broken = dict(equations)
    parts: list[_Pieces] = []
    for route in np.unique(spans.route).tolist():
        own = np.flatnonzero(spans.route == route)
        start, end = float(spans.low[own].min()), float(spans.high[own].max())
        table, fault = _sections(broken.get(route, ()), start, end, unit=unit)
        if fault is not None:
            faults[route] = f"bad_calibration: {fault}"
            continue
        parts.append(_cut(spans, own, table))
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Spans.of(none, none, np.zeros((0, 2)), np.zeros((0, 2))), faults
    route, line, chainage, at = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Spans.of(route, line, chainage, at), faults


def _sections(texts: tuple[str, ...], start: float, end: float, *, unit: str) -> tuple[FloatArray, str | None]:
    """Return the places of the equations of a route, with the chainage before and after each, shape (k, 3)."""
    sides = np.array([text.split("=") for text in texts], dtype=object).reshape(-1, 2)
    decoded = [decode_chainage(sides[:, side], name="equation", unit=unit) for side in (0, 1)]
    pairs = np.column_stack([side.values for side in decoded])
    if not np.isfinite(pairs).all():
        bad = int(np.flatnonzero(~np.isfinite(pairs).all(axis=1))[0])
        return np.zeros((0, 3)), f"the equation {texts[bad]!r} cannot be read"
    rows, jumped = [[start, start, start]], 0.0
    for text, (back, ahead) in zip(texts, pairs.tolist(), strict=True):
        place = back - jumped
        if not rows[-1][0] < place < end:
            return np.zeros((0, 3)), f"the equation {text!r} is not on the line, or not in its order"
        rows.append([place, back, ahead])
        jumped += ahead - back
    rows.append([end, end + jumped, end + jumped])
    return np.array(rows), None
