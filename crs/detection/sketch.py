"""What a picture of a verdict needs: where the first two candidates put the sample, and the reference about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from crs.coordinates import FloatArray, ObjectArray
    from crs.detection.candidates import Reading

__all__ = ["Sketch", "sketch_of"]

#: A sketch is drawn in a notebook: so many geometries of the reference at most, those nearest to the records.
_MOST_SHAPES = 2000
#: The reference is shown this far beyond the records.
_RIM_DEG = 0.005


@dataclass(frozen=True, kw_only=True, eq=False)
class Sketch:
    """Positions and reference of a verdict, all in longitude and latitude; bounded in size, not written to JSON.

    Parameters
    ----------
    labels : tuple of str
        Names of the first candidates, two at most.
    positions : tuple of numpy.ndarray
        For each of them the sample's longitudes and latitudes, shape (n, 2), NaN where it reads none.
    reference : numpy.ndarray
        Geometries of the reference about them, at most 2000; empty without a reference.
    reference_name : str
        Name of the reference, or "".
    """

    labels: tuple[str, ...]
    positions: tuple[FloatArray, ...]
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
    return Sketch(
        labels=tuple(one.members[0].label for one in shown),
        positions=positions,
        reference=_about(positions, geometry),
        reference_name=name,
    )


def _about(positions: tuple[FloatArray, ...], geometry: ObjectArray | None) -> ObjectArray:
    """Choose the geometries about the positions, evenly if there are too many."""
    points = np.concatenate(positions) if positions else np.empty((0, 2))
    points = points[np.isfinite(points).all(axis=1)]
    if geometry is None or not len(points):
        return np.empty(0, dtype=object)
    west, south = points.min(axis=0) - _RIM_DEG
    east, north = points.max(axis=0) + _RIM_DEG
    bounds = shapely.bounds(geometry)
    near = (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
    places = np.flatnonzero(near)
    if len(places) > _MOST_SHAPES:
        places = places[np.linspace(0, len(places) - 1, _MOST_SHAPES).astype(np.int64)]
    chosen: ObjectArray = geometry[places]
    return chosen
