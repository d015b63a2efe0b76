"""How densely the records of a reference lie about a place: its lines or points blurred by the noise of the records.

The distance to the nearest entity is enough to judge a file as a whole. A single row can only be told from another
definition as well as its density is known, so that here it is exact: the noise along every segment nearby.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy
import shapely

if TYPE_CHECKING:
    from crs.coordinates import FloatArray, ObjectArray
    from crs.detection.evidence import Reference

__all__ = ["Blur"]

#: Farther than so many sigma a segment adds nothing.
_REACH = 4.5
#: The reference takes up the squares of this side that it touches: by chance a record is anywhere in them.
_SQUARE_M = 200.0
#: Points of a register that are looked at about a place.
_NEIGHBOURS = 12
#: Pairs of places and segments that are worked out at once.
_PAIRS = 2_000_000
_PLACES = 50_000


@dataclass(frozen=True, eq=False)
class Blur:
    """A reference, blurred.

    Parameters
    ----------
    reference : Reference
        Of the same kind of entity as the records.
    """

    reference: Reference

    @cached_property
    def _flat(self) -> ObjectArray:
        present = self.reference.geometry
        present = present[~shapely.is_missing(present) & ~shapely.is_empty(present)]
        flat = self.reference.plane.project(present)
        return flat if self.reference.is_lines else shapely.centroid(flat)

    @cached_property
    def _ends(self) -> tuple[FloatArray, FloatArray]:
        """Both ends of every segment."""
        points, owner = shapely.get_coordinates(shapely.get_parts(self._flat), return_index=True)
        inner = (owner[1:] == owner[:-1]) & (np.abs(np.diff(points, axis=0)).sum(axis=1) > 0)
        return points[:-1][inner], points[1:][inner]

    @cached_property
    def _segments(self) -> shapely.STRtree:
        return shapely.STRtree(np.asarray(shapely.linestrings(np.stack(self._ends, axis=1))))

    @cached_property
    def _points(self) -> scipy.spatial.cKDTree:
        return scipy.spatial.cKDTree(shapely.get_coordinates(self._flat))

    @cached_property
    def chance_area_m2(self) -> float:
        """Area of the squares of 200 m that the reference touches."""
        flat = shapely.segmentize(self._flat, _SQUARE_M / 2.0) if self.reference.is_lines else self._flat
        cells = np.unique(np.floor(shapely.get_coordinates(flat) / _SQUARE_M), axis=0)
        return len(cells) * _SQUARE_M**2

    def ratios(
        self,
        lon: FloatArray,
        lat: FloatArray,
        sigmas_m: tuple[float, ...],
        *,
        moved_m: tuple[float, float] = (0.0, 0.0),
    ) -> FloatArray:
        """Compare the density at places with that of chance.

        Parameters
        ----------
        lon, lat : numpy.ndarray
            WGS 84 degrees, shape (n,); NaN for none.
        sigmas_m : tuple of float
            Noise per axis, metres.
        moved_m : tuple of float
            How far the places are moved to the east and to the north first, metres.

        Returns
        -------
        numpy.ndarray
            Density of records of the reference over that of records anywhere, shape (sigmas, n); 0 for NaN.
        """
        x_m, y_m = self.reference.plane.forward(lon, lat)
        places = np.column_stack([x_m, y_m]) + moved_m
        found = np.zeros((len(sigmas_m), len(places)))
        read = np.flatnonzero(np.isfinite(places).all(axis=1))
        for start in range(0, len(read), _PLACES):
            rows = read[start : start + _PLACES]
            found[:, rows] = self._about(places[rows], sigmas_m)
        return found * self.chance_area_m2

    def _about(self, places: FloatArray, sigmas_m: tuple[float, ...]) -> FloatArray:
        """Return densities per square metre."""
        if not self.reference.is_lines:
            nearest_m, _ = self._points.query(places, k=min(_NEIGHBOURS, self._points.n))
            away_m = np.reshape(nearest_m, (len(places), -1))
            bells = [np.exp(-0.5 * (away_m / sigma) ** 2).sum(axis=1) / (2.0 * np.pi * sigma**2) for sigma in sigmas_m]
            return np.stack(bells) / self._points.n
        place, segment = self._segments.query(
            shapely.points(places), predicate="dwithin", distance=_REACH * max(sigmas_m)
        )
        found = np.zeros((len(sigmas_m), len(places)))
        start, end = self._ends
        for first in range(0, len(place), _PAIRS):
            some, of = place[first : first + _PAIRS], segment[first : first + _PAIRS]
            way = end[of] - start[of]
            length_m = np.hypot(way[:, 0], way[:, 1])
            from_start = places[some] - start[of]
            along_m = (from_start * way).sum(axis=1) / length_m
            off_m = (from_start[:, 0] * way[:, 1] - from_start[:, 1] * way[:, 0]) / length_m
            for number, sigma in enumerate(sigmas_m):
                bell = np.exp(-0.5 * (off_m / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma)
                share = scipy.special.ndtr((length_m - along_m) / sigma) - scipy.special.ndtr(-along_m / sigma)
                found[number] += np.bincount(some, bell * share, minlength=len(places))
        return found / float(shapely.length(self._flat).sum())
