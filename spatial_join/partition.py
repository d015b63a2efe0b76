"""Parting records by where they are, so that no task need hold a whole layer; nothing here knows of Dask.

Two ways to part. Stretches keep the order of the records, and so of what is made of them. Parts by H3 parent lie close
together, so that most pairs of parts need not be looked at; a parent with too much in it is split, and neighbouring
ones with little are put together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from spatial_join.grid import H3Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

__all__ = ["LARGEST_PART", "along_curve", "boxes_of", "by_parent", "degrees_around", "meeting", "packed", "stretches"]

LARGEST_PART = 200_000
"""Records; a part with more is split in the order of its records, so that one dense quarter does not rule the time."""

MOST_VERTICES = 2_000_000
"""Vertices of a part of lines or polygons: 32 MB of coordinates, and an index of some 200 MB."""

_METRES_PER_DEGREE = 110_500.0  # less than any degree of latitude, or of longitude at the equator, is long
_FARTHEST_NORTH = 89.0
_CURVE = (1 << 16) - 1  # steps of the curve in each direction


def stretches(size: int) -> list[Rows]:
    """Cut records into stretches that keep their order.

    Parameters
    ----------
    size : int
        Number of records.

    Returns
    -------
    list of ndarray of int64
        Rows of each stretch; one empty stretch if there are no records.

    Examples
    --------
    >>> [len(rows) for rows in stretches(450_000)]
    [200000, 200000, 50000]
    """
    rows = np.arange(size, dtype=np.int64)
    return [rows[i : i + LARGEST_PART] for i in range(0, max(size, 1), LARGEST_PART)]


def by_parent(lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int) -> list[Rows]:
    """Part records by the H3 parent of a position on each of them.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (n,)
        Positions in degrees; records with NaN are in no part.
    resolution : int
        H3 resolution of the parents.

    Returns
    -------
    list of ndarray of int64
        Rows of each part, parts in the order of their parents; one empty part if no record has a position.

    Examples
    --------
    >>> import numpy as np
    >>> by_parent(np.array([7.42, 2.35, 7.43, np.nan]), np.array([43.73, 48.85, 43.73, 0.0]), 5)
    [array([1]), array([0, 2])]
    """
    placed = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat)).astype(np.int64)
    if not placed.size:
        return [placed]
    parent = H3Grid(resolution).index(lon[placed], lat[placed])
    order = np.argsort(parent, kind="stable")
    bounds = np.flatnonzero(np.diff(parent[order])) + 1
    groups = np.split(placed[order], bounds)
    return [group[i : i + LARGEST_PART] for group in groups for i in range(0, len(group), LARGEST_PART)]


def packed(parts: list[Rows], vertices: NDArray[np.int64]) -> list[Rows]:
    """Put small parts together with those after them, and split those with too many vertices.

    Parameters
    ----------
    parts : list of ndarray of int64
        Rows of each part.
    vertices : ndarray of int64, shape (n,)
        Number of vertices of each record.

    Returns
    -------
    list of ndarray of int64
        Rows of each part, ascending; at most `LARGEST_PART` records and `MOST_VERTICES` vertices in any part of more
        than one record.
    """
    out: list[Rows] = []
    waiting: list[Rows] = []
    records = load = 0
    for part in parts:
        for piece in _light(part, np.cumsum(vertices[part])):
            weight = int(vertices[piece].sum())
            if waiting and (records + len(piece) > LARGEST_PART or load + weight > MOST_VERTICES):
                out.append(np.sort(np.concatenate(waiting)))
                waiting, records, load = [], 0, 0
            waiting.append(piece)
            records, load = records + len(piece), load + weight
    return [*out, np.sort(np.concatenate(waiting))] if waiting else out


def _light(rows: Rows, total: NDArray[np.int64]) -> list[Rows]:
    """Split records so that none of several holds too many vertices; ``total`` counts those of all up to each."""
    pieces, begin = [], 0
    while begin < len(rows):
        before = int(total[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, before + MOST_VERTICES, side="right")))
        pieces.append(rows[begin:end])
        begin = end
    return pieces


def boxes_of(shapes: NDArray[Any], parts: list[Rows]) -> NDArray[np.float64]:
    """Find the bounding box of every part.

    Parameters
    ----------
    shapes : ndarray of shapely geometries, shape (n,)
        All records.
    parts : list of ndarray of int64
        Rows of each part.

    Returns
    -------
    ndarray of float64, shape (parts, 4)
        Least x and y, greatest x and y; upside down (infinite) for a part without geometry, which meets nothing.
    """
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    out = np.tile([np.inf, np.inf, -np.inf, -np.inf], (len(parts), 1))
    for box, rows in zip(out, parts, strict=True):
        known = bounds[rows][~np.isnan(bounds[rows, 0])]
        if len(known):
            box[:2], box[2:] = known[:, :2].min(axis=0), known[:, 2:].max(axis=0)
    return out


def degrees_around(box: NDArray[np.float64], distance_m: float) -> tuple[float, float]:
    """Say how many degrees around a box a distance reaches at most.

    Parameters
    ----------
    box : ndarray of float64, shape (4,)
        Least longitude and latitude, greatest longitude and latitude.
    distance_m : float
        Metres.

    Returns
    -------
    over, up : float
        Degrees of longitude and of latitude.

    Examples
    --------
    >>> import numpy as np
    >>> [round(step, 4) for step in degrees_around(np.array([7.40, 43.72, 7.44, 43.76]), 1000.0)]
    [0.0125, 0.009]
    """
    if not distance_m:
        return 0.0, 0.0
    up = distance_m / _METRES_PER_DEGREE
    north = min(_FARTHEST_NORTH, float(np.nanmax(np.abs(np.append(box[[1, 3]], 0.0))) + up))
    return up / float(np.cos(np.radians(north))), up


def meeting(
    left: NDArray[np.float64], right: NDArray[np.float64], *, distance_m: float | None = 0.0
) -> list[NDArray[np.int64]]:
    """Find which parts of the right may have to do with each part of the left.

    Parameters
    ----------
    left, right : ndarray of float64, shape (parts, 4)
        Bounding boxes; NaN where a box is not known, and then it may meet any other.
    distance_m : float or None, default 0
        How far apart they may be, in metres, for boxes in degrees; None for any distance.

    Returns
    -------
    list of ndarray of int64
        Numbers of the parts of the right, ascending, for each part of the left.

    Examples
    --------
    >>> import numpy as np
    >>> monaco, nice = [7.40, 43.72, 7.44, 43.76], [7.18, 43.65, 7.32, 43.76]
    >>> both = np.array([monaco, nice])
    >>> [near.tolist() for near in meeting(both, both)]
    [[0], [1]]
    >>> [near.tolist() for near in meeting(both, both, distance_m=9_000)]
    [[0, 1], [0, 1]]
    """
    if distance_m is None:
        return [np.arange(len(right), dtype=np.int64) for _ in left]
    found = []
    for box in left:
        over, up = degrees_around(box, distance_m)
        apart = (
            (right[:, 0] > box[2] + over)
            | (right[:, 2] < box[0] - over)
            | (right[:, 1] > box[3] + up)
            | (right[:, 3] < box[1] - up)
        )
        found.append(np.flatnonzero(~apart).astype(np.int64))
    return found


def along_curve(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[Rows]:
    """Part records along a curve that stays close to where it has been, for positions that are not in degrees.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Positions in any plane; records with NaN are in no part.

    Returns
    -------
    list of ndarray of int64
        Rows of each part, in the order of the curve.
    """
    placed = np.flatnonzero(np.isfinite(x) & np.isfinite(y)).astype(np.int64)
    if not placed.size:
        return [placed]
    code = np.zeros(placed.size, dtype=np.int64)
    for shift, values in ((0, x[placed]), (1, y[placed])):
        span = np.ptp(values)
        step = ((values - values.min()) * (_CURVE / span) if span > 0.0 else np.zeros(values.size)).astype(np.int64)
        for bit in range(_CURVE.bit_length()):
            code |= ((step >> bit) & 1) << (2 * bit + shift)
    order = placed[np.argsort(code, kind="stable")]
    return [order[i : i + LARGEST_PART] for i in range(0, len(order), LARGEST_PART)]
