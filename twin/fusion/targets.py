"""Links and buildings that records are matched to, and how many are matched to a wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

import crs

if TYPE_CHECKING:
    import numpy.typing as npt

    Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    Shapes = npt.NDArray[np.object_]
    Counts = npt.NDArray[np.intp]

# True places are written to 1e-7 degree, a centimetre: what is no farther away is as near.
_AS_NEAR_M = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """What records are matched to.

    Parameters
    ----------
    links : ndarray of shapely geometries or None
        Lines in longitude and latitude.
    buildings : ndarray of shapely geometries or None
        Areas in longitude and latitude.
    """

    links: Shapes | None = None
    buildings: Shapes | None = None

    @cached_property
    def _plane(self) -> crs.LocalProjection:
        parts = [shapes for shapes in (self.links, self.buildings) if shapes is not None and shapes.size]
        if not parts:
            return crs.local_projection(0.0, 0.0)
        west, south, east, north = shapely.total_bounds(np.concatenate(parts))
        return crs.local_projection([west, east], [south, north])

    @cached_property
    def _link_tree(self) -> shapely.STRtree | None:
        return None if self.links is None else shapely.STRtree(self._plane.project(self.links))

    @cached_property
    def _building_tree(self) -> shapely.STRtree | None:
        return None if self.buildings is None else shapely.STRtree(self._plane.project(self.buildings))

    def wrong(self, placed: Points, truth: Points) -> dict[str, float]:
        """Return the shares that are matched to a wrong link or building.

        Parameters
        ----------
        placed, truth : tuple of ndarray
            Longitude and latitude in degrees, shape (n,); NaN of the first: not placed, and wrong; NaN of the second:
            not known, and left out.

        Returns
        -------
        dict
            ``wrong_link`` and ``wrong_building``; NaN where there is nothing to match to.
        """
        # A site stands where it stands with all of its readings: each pair of places is looked at once.
        pairs = np.column_stack([*placed, *truth])
        pairs, times = np.unique(pairs[~np.isnan(pairs[:, 2:]).any(axis=1)], axis=0, return_counts=True)
        there = self._points(pairs[:, 2:])
        here = self._points(pairs[:, :2])
        return {
            "wrong_link": _wrong_link(self._link_tree, here, there, times),
            "wrong_building": _wrong_building(self._building_tree, here, there, times),
        }

    def _points(self, places: npt.NDArray[np.float64]) -> Shapes:
        """Return points in the plane, None where there are none."""
        found = np.full(len(places), None, dtype=object)
        standing = ~np.isnan(places).any(axis=1)
        found[standing] = shapely.points(np.column_stack(self._plane.forward(*places[standing].T)))
        return found


def _wrong_link(tree: shapely.STRtree | None, here: Shapes, there: Shapes, times: Counts) -> float:
    """Return the share whose own link is not as near to the true place as the nearest."""
    if tree is None or not len(tree) or not times.size:
        return float("nan")
    standing = ~shapely.is_missing(here)
    wrong = np.ones(times.size, dtype=bool)
    own = tree.geometries[tree.nearest(here[standing])]
    best = tree.geometries[tree.nearest(there[standing])]
    true = there[standing]
    wrong[standing] = shapely.distance(own, true) > shapely.distance(best, true) + _AS_NEAR_M
    return float(np.average(wrong, weights=times))


def _wrong_building(tree: shapely.STRtree | None, here: Shapes, there: Shapes, times: Counts) -> float:
    """Return the share that is not in the building in which it truly is, of those that are in one."""
    if tree is None or not len(tree) or not times.size:
        return float("nan")
    at, to = tree.query(there, predicate="within")
    rows, first = np.unique(at, return_index=True)
    if not rows.size:
        return float("nan")
    off = shapely.distance(tree.geometries[to[first]], here[rows])
    return float(np.average(~(off <= _AS_NEAR_M), weights=times[rows]))
