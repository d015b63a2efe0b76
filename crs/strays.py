"""Vertices that left their line: a number lost its digits on the way and still is one.

A link of New York's streets runs straight from Brooklyn to midtown and back, since one latitude came as 40.76. No range
catches it, for midtown is in the city. What tells it from a motorway is that a road does not go far off to come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray

__all__ = ["stray_vertices"]

#: Nothing shorter is stray, nor what is shorter than so many typical steps of the column.
_LEAST_M, _TYPICAL = 200.0, 30.0
#: From before a stray vertex to after it is shorter than this share of the way over it: a road does not come back.
_SHORTCUT = 0.2
#: At an end nothing comes back, but others go there: within this share of the step.
_JOINED = 0.1
#: A stray step is so many times as long as any sound one of its line, and as all but one in a thousand of the column.
_OF_LINE, _OF_COLUMN, _QUANTILE = 10.0, 2.0, 0.999


def stray_vertices(lines: list[FloatArray], *, metres_per_unit: float, geographic: bool) -> NDArray[np.int64]:
    """Find the vertex of each line that lies far off it.

    Parameters
    ----------
    lines : list of numpy.ndarray
        x, y of shape (k, 2), k at least 2, distinct: a feed that repeats a line would weigh it by its readings.
    metres_per_unit : float
        What one unit of y is worth; of x too, but for degrees.
    geographic : bool
        True for degrees, whose x shrinks with the latitude.

    Returns
    -------
    numpy.ndarray of int
        Place of the farthest stray vertex in each line, from 0; -1 where there is none.

    Examples
    --------
    >>> road = np.array([[0, 0], [90, 5], [200, 0], [290, 9], [390, 9]], dtype=float)
    >>> spike = np.array([[0, 0], [90, 5], [200, 7000], [290, 9], [390, 9]], dtype=float)
    >>> stray_vertices([road, spike], metres_per_unit=1.0, geographic=False).tolist()
    [-1, 2]
    """
    found = np.full(len(lines), -1, dtype=np.int64)
    if not lines:
        return found
    counts = np.array([len(line) for line in lines])
    owner = np.repeat(np.arange(len(lines)), counts)
    plane = np.concatenate(lines) * metres_per_unit
    if geographic:
        plane[:, 0] *= np.cos(np.radians(plane[:, 1] / metres_per_unit))
    # Step i leads from vertex i to the next; NaN between two lines.
    step_m = np.where(owner[1:] == owner[:-1], np.hypot(*np.diff(plane, axis=0).T), np.nan)
    vertex, reach_m = _suspects(plane, step_m)
    padded = np.concatenate([[np.nan], step_m, [np.nan]])
    sound = np.ones(len(padded), dtype=bool)
    sound[vertex] = sound[vertex + 1] = False
    longest_m = np.zeros(len(lines))
    kept = sound[1:-1] & np.isfinite(step_m)
    np.maximum.at(longest_m, owner[:-1][kept], step_m[kept])
    own_m = longest_m[owner[vertex]]
    far = (own_m > 0) & (reach_m > _OF_LINE * own_m)
    # What its own line clears is sound too: a causeway is a yardstick for the column.
    sound[vertex[~far]] = sound[vertex[~far] + 1] = True
    kept = sound[1:-1] & np.isfinite(step_m)
    far &= reach_m > _OF_COLUMN * np.quantile(step_m[kept], _QUANTILE) if kept.any() else False
    vertex, reach_m = vertex[far], reach_m[far]
    first = np.cumsum(counts) - counts
    order = np.argsort(reach_m, kind="stable")
    found[owner[vertex[order]]] = (vertex - first[owner[vertex]])[order]
    return found


def _suspects(plane: FloatArray, step_m: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Find the vertices that the way goes far to reach and comes back from, and far ends; and how far that is."""
    before, after = np.append(np.nan, step_m), np.append(step_m, np.nan)
    least_m = max(_LEAST_M, _TYPICAL * float(np.nanmedian(step_m)))
    # Of an end there is one step; comparisons with NaN are false.
    reach_m = np.fmin(before, after)
    shortcut = np.full(len(plane), np.nan)
    shortcut[1:-1] = np.hypot(*(plane[2:] - plane[:-2]).T)
    far = reach_m > least_m
    spike = far & (shortcut < _SHORTCUT * (before + after))
    # The way from an end to a spike is long because of the spike.
    is_end = (np.isnan(before) & ~np.append(spike[1:], False)) | (np.isnan(after) & ~np.append(False, spike[:-1]))
    end = far & is_end & ~spike
    if end.any():
        # The nearest is the end itself.
        away_m = np.asarray(scipy.spatial.cKDTree(plane[~spike]).query(plane[end], k=2)[0])
        end[end] = away_m[:, -1] > _JOINED * reach_m[end]
    suspects = np.flatnonzero(spike | end)
    return suspects, reach_m[suspects]
