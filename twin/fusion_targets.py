"""Links and buildings that records are matched to, and how many are matched to a wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

import crs
from twin.fusion_shares import share_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    Shapes = npt.NDArray[np.object_]
    Mask = npt.NDArray[np.bool_]

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
        bounds = [shapely.total_bounds(shapes) for shapes in (self.links, self.buildings) if shapes is not None]
        west, south, east, north = np.nanmean(bounds, axis=0) if bounds else (0.0, 0.0, 0.0, 0.0)
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
        known = np.isfinite(truth[0]) & np.isfinite(truth[1])
        there = self._points(truth, known)
        standing = np.isfinite(placed[0]) & np.isfinite(placed[1]) & known
        here = self._points(placed, standing)
        return {
            "wrong_link": _wrong_link(self._link_tree, here, there, known),
            "wrong_building": _wrong_building(self._building_tree, here, there, known),
        }

    def _points(self, points: Points, chosen: Mask) -> Shapes:
        """Return points in the plane, None where there are none."""
        found = np.full(chosen.size, None, dtype=object)
        x, y = self._plane.forward(points[0][chosen], points[1][chosen])
        found[chosen] = shapely.points(x, y)
        return found


def _wrong_link(tree: shapely.STRtree | None, here: Shapes, there: Shapes, known: Mask) -> float:
    """Return the share whose own link is not as near to the true place as the nearest."""
    if tree is None or not len(tree) or not known.any():
        return float("nan")
    standing = ~shapely.is_missing(here)
    wrong = known.copy()
    own = tree.geometries[tree.nearest(here[standing])]
    best = tree.geometries[tree.nearest(there[standing])]
    true = there[standing]
    wrong[standing] = shapely.distance(own, true) > shapely.distance(best, true) + _AS_NEAR_M
    return share_of(wrong, known)


def _wrong_building(tree: shapely.STRtree | None, here: Shapes, there: Shapes, known: Mask) -> float:
    """Return the share that is not in the building in which it truly is, of those that are in one."""
    if tree is None or not len(tree) or not known.any():
        return float("nan")
    rows = np.flatnonzero(known)
    best = tree.geometries[tree.nearest(there[rows])]
    inside = shapely.distance(best, there[rows]) == 0.0
    rows, best = rows[inside], best[inside]
    off = shapely.distance(best, here[rows])
    return share_of(~(off <= _AS_NEAR_M), np.ones(rows.size, dtype=bool))
