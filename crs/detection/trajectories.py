"""Smoothness: what moves does not jump. A notation that is misread does, and so does a track that changes its map.

Degrees and minutes packed as dd.mmss and read as decimals leap from 22.3459 to 22.3500, 450 m, whenever a minute is
full; a feed that changes maps leaps by their shift, one vehicle, from one reading to the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Fields, Positioned, Shapes
from crs.detection.candidates import read_as
from crs.detection.hints import Hint
from crs.detection.indirect import attributes
from crs.errors import LengthMismatchError
from crs.times import decode_times

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import FloatArray
    from crs.detection.candidates import Reading
    from crs.detection.subject import Subject

__all__ = ["smooth_hint", "stretches"]

#: A step (or, where times are known, a speed) is a jump if it is so many times the usual one of its track.
_USUAL = 8.0
#: Tracks are judged that have so many records; so many records are judged in all.
_LEAST, _MOST = 5, 2000
#: What one jump says against a reading under which others go smoothly: 1 in 10.
_JUMP = float(np.log(10.0))
_TRACK = re.compile(r"track|trip|vehicle|taxi|device|plate|车牌|车辆|轨迹|设备", re.IGNORECASE)
_TIME = re.compile(r"^time$|timestamp|date_?time|时间|时刻", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class _Tracks:
    """Records in the order in which they were made: which, of what track, and when."""

    rows: NDArray[np.int64]
    owner: NDArray[np.int64]
    seconds: FloatArray | None


def _jumps(x: FloatArray, y: FloatArray, tracks: _Tracks) -> NDArray[np.bool_]:
    """Mark the records to which their track jumps; positions in the order of the tracks."""
    step = np.hypot(np.diff(x), np.diff(y))
    if tracks.seconds is not None:
        # Two records of one second went as far as one second goes.
        step = step / np.maximum(np.diff(tracks.seconds), 1.0)
    step[tracks.owner[1:] != tracks.owner[:-1]] = np.nan
    jumps = np.zeros(len(x), dtype=bool)
    ends = np.append(np.flatnonzero(tracks.owner[1:] != tracks.owner[:-1]) + 1, len(x))
    for start, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        own = step[start : end - 1]
        moving = own[own > 0]
        if len(moving) + 1 >= _LEAST:
            jumps[start + 1 : end] = own > _USUAL * np.median(moving)
    return jumps


def stretches(x: ArrayLike, y: ArrayLike, tracks: ArrayLike, *, times: ArrayLike | None = None) -> NDArray[np.int64]:
    """Cut tracks where they jump, to find out whether a track changes its definition on the way.

    Parameters
    ----------
    x, y : array_like
        Numbers as written, shape (n,).
    tracks : array_like
        Label of the track of each record: its vehicle, its trip.
    times : array_like, optional
        When each record was made, as `datetime64` or text in ISO 8601; the order of the rows if left out.

    Returns
    -------
    numpy.ndarray of int
        Number of the stretch of each record, shape (n,), to be passed as groups to `crs.detect_groups`. A jump may be a
        gap as well: then two stretches have one definition, and nothing is lost.

    Raises
    ------
    LengthMismatchError
        If there is not one label, and one time, a record.

    Examples
    --------
    >>> x = [0, 1, 2, 3, 4, 50, 51, 52, 53]
    >>> stretches(x, [0] * 9, ["taxi"] * 9).tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1]
    """
    east, north, labels = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), np.asarray(tracks)
    if not len(east) == len(north) == len(labels) or (times is not None and len(np.asarray(times)) != len(east)):
        raise LengthMismatchError(f"{len(east)} records but {len(labels)} tracks or other times; give one a record")
    ordered = _ordered(labels, None if times is None else np.asarray(times), limit=None)
    number = np.empty(len(east), dtype=np.int64)
    starts = _jumps(east[ordered.rows], north[ordered.rows], ordered)
    starts[1:] |= ordered.owner[1:] != ordered.owner[:-1]
    number[ordered.rows] = np.cumsum(starts)
    return number


def _ordered(labels: NDArray[np.generic], times: NDArray[np.generic] | None, *, limit: int | None) -> _Tracks:
    """Bring records into the order of tracks and times, the first tracks only if there is a limit."""
    first: dict[object, int] = {}
    owner = np.array([first.setdefault(value, len(first)) for value in labels.tolist()], dtype=np.int64)
    rows = np.arange(len(owner))
    if limit is not None and len(owner) > limit:
        whole = int(np.searchsorted(np.cumsum(np.bincount(owner)), limit, side="right"))
        rows = np.flatnonzero(owner < max(1, whole))[: 10 * limit]
    seconds = None if times is None else decode_times(times[rows], name="time")[0]
    order = np.argsort(owner[rows], kind="stable") if seconds is None else np.lexsort((seconds, owner[rows]))
    return _Tracks(rows[order], owner[rows][order], None if seconds is None else seconds[order])


def _tracks(subject: Subject) -> _Tracks | None:
    """Find tracks: the vertices of lines, or the records of a vehicle in the order of their times."""
    frame = subject.frame
    coordinates = frame.coordinates if isinstance(frame, Positioned) else frame
    if isinstance(coordinates, Shapes):
        if not (shapely.get_dimensions(coordinates.geometry) == 1).any():
            return None
        counts = shapely.get_num_coordinates(coordinates.geometry)
        whole = max(1, int(np.searchsorted(np.cumsum(counts), _MOST, side="right")))
        owner = np.repeat(np.arange(whole), counts[:whole])
        return _Tracks(np.arange(len(owner)), owner, None)
    named = attributes(frame)
    track = next((name for name in named if _TRACK.search(name)), None)
    time = next((name for name in named if _TIME.search(name)), None)
    if track is None or time is None or not isinstance(frame, Positioned):
        return None
    return _ordered(frame.column(track), frame.column(time), limit=_MOST)


def smooth_hint(subject: Subject, found: tuple[Reading, ...]) -> Hint | None:
    """Count how often tracks jump under each reading.

    Parameters
    ----------
    subject : Subject
        The file: geometries with lines, or a layer with a column of tracks and one of times.
    found : tuple of Reading
        What it may mean.

    Returns
    -------
    Hint or None
        None without tracks, or where they go alike under all readings. Gaps are jumps under every reading and cancel.
    """
    tracks = _tracks(subject)
    if tracks is None or not found or len(tracks.rows) < _LEAST:
        return None
    fields = Fields(tuple(np.asarray(column[tracks.rows]) for column in subject.fields.columns))
    counts = []
    for reading in read_as(fields, tuple(one.members[0] for one in found), subject.region.box):
        read = np.isfinite(reading.lon)
        rest = _Tracks(tracks.rows[read], tracks.owner[read], None if tracks.seconds is None else tracks.seconds[read])
        east = reading.lon[read] * np.cos(np.radians(reading.lat[read]))
        counts.append(int(_jumps(east, reading.lat[read], rest).sum()))
    jumps = np.array(counts)
    if jumps.min() == jumps.max():
        return None
    lines = tuple(f"tracks jump {count} times" if count > jumps.min() else "" for count in jumps.tolist())
    return Hint(name="smoothness", scores=-_JUMP * (jumps - jumps.min()).astype(np.float64), lines=lines)
