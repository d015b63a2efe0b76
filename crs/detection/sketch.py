"""What a picture of a verdict needs: where the first two candidates put the sample, and the reference about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.local import local_projection

if TYPE_CHECKING:
    from crs.coordinates import FloatArray, ObjectArray
    from crs.detection.candidates import Reading

__all__ = ["Sketch", "sketch_of"]

#: A sketch is drawn in a notebook: so many geometries of the reference at most, evenly thinned.
_MOST_SHAPES = 3000
#: The window is so many times as wide as the candidates lie apart, and holds so many positions if there are as many.
_TIMES_APART, _MIN_WIDE_M, _MIN_SHOWN = 5.0, 400.0, 25


@dataclass(frozen=True, kw_only=True, eq=False)
class Sketch:
    """Positions and reference of a verdict, all in longitude and latitude; bounded in size, not written to JSON.

    Parameters
    ----------
    labels : tuple of str
        Names of the first candidates, two at most.
    positions : tuple of numpy.ndarray
        For each of them the sample's longitudes and latitudes, shape (n, 2), NaN where it reads none.
    window : tuple of float
        West, south, east, north in degrees of a square that is worth showing: where positions are many and the
        candidates can be told apart by eye. NaN where there are no positions.
    reference : numpy.ndarray
        Geometries of the reference in it, at most 3000; empty without a reference.
    reference_name : str
        Name of the reference, or "".
    """

    labels: tuple[str, ...]
    positions: tuple[FloatArray, ...]
    window: tuple[float, float, float, float]
    reference: ObjectArray
    reference_name: str


def sketch_of(first: tuple[Reading, ...], geometry: ObjectArray | None, name: str) -> Sketch:
    """Keep what a picture needs.

    Parameters
    ----------
    first : tuple of Reading
        The most probable first; two are kept.
    geometry : numpy.ndarray or None
        Of the reference, longitude and latitude.
    name : str
        Of the reference.

    Returns
    -------
    Sketch
        Bounded in size.
    """
    shown = first[:2]
    positions = tuple(np.column_stack([one.lon, one.lat]) for one in shown)
    window = _window(positions)
    return Sketch(
        labels=tuple(one.members[0].label for one in shown),
        positions=positions,
        window=window,
        reference=_inside(window, geometry),
        reference_name=name,
    )


def _known(places: FloatArray) -> FloatArray:
    known: FloatArray = places[np.isfinite(places).all(axis=1)]
    return known


def _window(positions: tuple[FloatArray, ...]) -> tuple[float, float, float, float]:
    """Choose the square in which the two candidates are best told apart: where positions are many."""
    every = _known(np.concatenate(positions)) if positions else np.empty((0, 2))
    if not len(every):
        return (np.nan, np.nan, np.nan, np.nan)
    plane = local_projection(every[:, 0], every[:, 1])
    places = [np.column_stack(plane.forward(one[:, 0], one[:, 1])) for one in positions]
    first, whole = _known(places[0]), _known(np.concatenate(places))
    extent = 1.1 * float(np.ptp(whole, axis=0).max())
    apart = np.hypot(*_known(places[1] - places[0]).T) if len(places) > 1 else np.empty(0)
    wide = max(_TIMES_APART * float(np.median(apart)) if len(apart) else 0.0, _MIN_WIDE_M)
    middle = (whole.min(axis=0) + whole.max(axis=0)) / 2.0
    while len(first) and wide < extent:
        near = (np.abs(first[:, None] - first[None]) < wide / 2.0).all(axis=2).sum(axis=1)
        if near.max() >= min(_MIN_SHOWN, len(first)):
            middle = first[near.argmax()]
            break
        wide *= 1.3
    else:
        wide = max(extent, _MIN_WIDE_M)
    lon, lat = plane.inverse(middle[0] + np.array([-0.5, 0.5]) * wide, middle[1] + np.array([-0.5, 0.5]) * wide)
    return float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1])


def _inside(window: tuple[float, float, float, float], geometry: ObjectArray | None) -> ObjectArray:
    """Choose the geometries in the window, evenly if there are too many."""
    if geometry is None or not np.isfinite(window).all():
        return np.empty(0, dtype=object)
    west, south, east, north = window
    bounds = shapely.bounds(geometry)
    near = (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
    places = np.flatnonzero(near)
    if len(places) > _MOST_SHAPES:
        places = places[np.linspace(0, len(places) - 1, _MOST_SHAPES).astype(np.int64)]
    chosen: ObjectArray = geometry[places]
    return chosen
