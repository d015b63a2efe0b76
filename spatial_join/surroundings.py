"""What the search for the near must know of all parts of both sides, to look at no more of them than it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from spatial_join.ground import Extent, Ground, ground_of, places_of
from spatial_join.nearest import SLACK, TIE_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from crs.local import LocalProjection

__all__ = ["Surroundings", "surroundings"]

_SAMPLES = 17
_MARGIN = 0.01


class Surroundings(NamedTuple):
    """What the search for the near must know of all parts.

    Attributes
    ----------
    ground : Ground or None
        One plane for all; None if there is nothing.
    boxes : ndarray of float64, shape (parts, 4)
        Bounding boxes of the parts of the right, in the plane, a little too large.
    filled : ndarray of int64, shape (parts,)
        Records with a geometry in each of them.
    """

    ground: Ground | None
    boxes: NDArray[np.float64]
    filled: NDArray[np.int64]

    def reach(self, left: NDArray[Any], *, k: int) -> NDArray[np.float64]:
        """Say how far the k nearest of each record can be, from the boxes of the parts alone.

        Parameters
        ----------
        left : ndarray of shapely geometries, shape (n,)
            Records of the left.
        k : int
            How many are sought.

        Returns
        -------
        ndarray of float64, shape (n,)
            Metres in the plane; infinite where no part holds as many.
        """
        reach = np.full(len(left), np.inf)
        if self.ground is None:
            return reach
        own = self._bounds(left, self.ground.plane)
        for box in self.boxes[self.filled >= k]:
            across = np.maximum(own[:, 2] - box[0], box[2] - own[:, 0])
            up = np.maximum(own[:, 3] - box[1], box[3] - own[:, 1])
            np.fmin(reach, np.hypot(across, up), out=reach)
        return reach

    def near(self, left: NDArray[Any], number: int, reach: NDArray[np.float64]) -> NDArray[np.int64]:
        """Find the records that may have one of their nearest in a part of the right.

        Parameters
        ----------
        left : ndarray of shapely geometries, shape (n,)
            Records of the left.
        number : int
            Number of the part.
        reach : ndarray of float64, shape (n,)
            How far the nearest of each can be.

        Returns
        -------
        ndarray of int64
            Their rows.
        """
        if self.ground is None:
            return np.empty(0, dtype=np.int64)
        own, box = self._bounds(left, self.ground.plane), self.boxes[number]
        across = np.maximum(0.0, np.maximum(box[0] - own[:, 2], own[:, 0] - box[2]))
        up = np.maximum(0.0, np.maximum(box[1] - own[:, 3], own[:, 1] - box[3]))
        return np.flatnonzero(np.hypot(across, up) <= reach * SLACK + TIE_M)

    @staticmethod
    def _bounds(left: NDArray[Any], plane: LocalProjection) -> NDArray[np.float64]:
        """Return the boxes of records in the plane."""
        if np.isin(shapely.get_type_id(left), (-1, 0)).all():
            x, y = plane.forward(*places_of(left).T)
            return np.column_stack([x, y, x, y])
        return np.asarray(shapely.bounds(np.asarray(plane.project(left)))).reshape(-1, 4)


def surroundings(left: Sequence[Extent], right: Sequence[Extent]) -> Surroundings:
    """Put together what the search for the near must know of all parts.

    Parameters
    ----------
    left, right : sequence of Extent
        Of all parts.

    Returns
    -------
    Surroundings
        The same whatever the parts.
    """
    ground = ground_of(list(left), list(right))
    filled = np.array([part.filled for part in right], dtype=np.int64)
    boxes = np.full((len(right), 4), np.nan)
    for box, part in zip(boxes, right, strict=True):
        if ground is None or not part.filled:
            continue
        steps = np.linspace(0.0, 1.0, _SAMPLES)
        lon = part.bounds[0] + steps * (part.bounds[2] - part.bounds[0])
        lat = part.bounds[1] + steps * (part.bounds[3] - part.bounds[1])
        x, y = ground.plane.forward(*(side.ravel() for side in np.meshgrid(lon, lat)))
        # Parallels and meridians are bent in the plane, between the samples too.
        over = _MARGIN * max(np.ptp(x), np.ptp(y)) + 1.0
        box[:] = x.min() - over, y.min() - over, x.max() + over, y.max() + over
    return Surroundings(ground, boxes, filled)
