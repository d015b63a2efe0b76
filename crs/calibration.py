"""Chainage between posts: points of known chainage turn metres along a line into the numbers on the road."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.chainage import decode_chainage
from crs.local import local_projection
from crs.routes import Spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray
    from crs.indirect import Calibration
    from crs.keys import Groups
    from crs.references import Reference
    from crs.routes import Lines

__all__ = ["calibrate"]

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
    parts = []
    for route in np.unique(spans.route).tolist():
        mine = np.flatnonzero((of_post == route) & good)
        own = np.flatnonzero(spans.route == route)
        if not len(mine):
            faults[route] = f"bad_calibration: {posts.name} has no point of it with a chainage"
            continue
        spots = shapely.get_coordinates(shapely.centroid(posts.geometry[mine]))
        place_m, away_m = _locate(spots, spans, own, lines)
        known, fault = _checked(place_m, away_m, decoded.values[mine])
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


def _checked(place_m: FloatArray, away_m: FloatArray, chainage_m: FloatArray) -> tuple[FloatArray, str | None]:
    """Return posts in the order of their places, shape (k, 2), and what is wrong with them."""
    if away_m.max() > _MOST_AWAY_M:
        far = float(chainage_m[int(away_m.argmax())])
        return np.zeros((0, 2)), f"the point of {far:.1f} m stands {away_m.max():.0f} m from the line"
    order = np.argsort(place_m, kind="stable")
    known = np.column_stack([place_m, chainage_m])[order]
    again = np.append(False, (np.abs(np.diff(known, axis=0)) < _SAME_PLACE_M).all(axis=1))
    known = known[~again]
    steps = np.diff(known, axis=0)
    if (steps[:, 0] < _SAME_PLACE_M).any() or not ((steps[:, 1] > 0).all() or (steps[:, 1] < 0).all()):
        return known, "its chainages neither rise nor fall along the line"
    return known, None


def _recounted(
    spans: Spans, own: NDArray[np.int64], known: FloatArray
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray, FloatArray]:
    """Cut the spans of a route at its posts and give every end its chainage."""
    sign = 1.0 if len(known) == 1 or known[-1, 1] > known[0, 1] else -1.0
    start, end = float(spans.low[own].min()), float(spans.high[own].max())
    ends = [known]
    if start < known[0, 0]:
        ends.insert(0, np.array([[start, known[0, 1] - sign * (known[0, 0] - start)]]))
    if end > known[-1, 0]:
        ends.append(np.array([[end, known[-1, 1] + sign * (end - known[-1, 0])]]))
    table = np.concatenate(ends)
    rows: list[tuple[int, int]] = []
    chainage, at = [], []
    for span in own:
        low, high = spans.low[span], spans.high[span]
        cuts = np.concatenate([[low], table[(table[:, 0] > low) & (table[:, 0] < high), 0], [high]])
        counted = np.interp(cuts, table[:, 0], table[:, 1])
        along = spans.distances_m(np.full(len(cuts), span), cuts)
        rows += [(int(spans.route[span]), int(spans.line[span]))] * (len(cuts) - 1)
        chainage.append(np.column_stack([counted[:-1], counted[1:]]))
        at.append(np.column_stack([along[:-1], along[1:]]))
    numbers = np.array(rows, dtype=np.int64)
    return numbers[:, 0], numbers[:, 1], np.concatenate(chainage), np.concatenate(at)
