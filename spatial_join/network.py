"""Distances along a network of streets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import scipy
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatial_join.line_pieces import LinePieces

__all__ = ["Courses", "Network", "Routes"]

MEETING_M = 0.1
"""Ends of streets closer than this are one crossing."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Streets between crossings, driven both ways.

    Parameters
    ----------
    ends : ndarray of int64, shape (streets, 2)
        Crossing at the start and at the end of each street; -1 for a street without geometry.
    length_m : ndarray of float64, shape (streets,)
        Length of each.
    graph : scipy.sparse.csr_array
        Lengths between crossings.
    """

    ends: NDArray[np.int64]
    length_m: NDArray[np.float64]
    graph: scipy.sparse.csr_array

    @classmethod
    def of(cls, lines: NDArray[Any]) -> Self:
        """Make a network of lines that meet at their ends.

        Parameters
        ----------
        lines : ndarray of shapely lines
            In a plane, metres; a multiline counts from the start of its first part to the end of its last.

        Returns
        -------
        Network
            The network.
        """
        at, line = shapely.get_coordinates(lines, return_index=True)
        first = np.searchsorted(line, np.arange(len(lines)))
        last = np.searchsorted(line, np.arange(len(lines)), side="right") - 1
        there = last >= first
        ends = np.full((len(lines), 2), -1, dtype=np.int64)
        both = np.round(np.concatenate([at[first[there]], at[last[there]]]) / MEETING_M).astype(np.int64)
        crossings, which = np.unique(both, axis=0, return_inverse=True)
        ends[there] = which.reshape(2, -1).T
        length = shapely.length(lines)
        u, v, metres = ends[there, 0], ends[there, 1], np.maximum(length[there], 1e-6)
        # Of two streets between the same crossings the shorter one leads there.
        order = np.argsort(metres, kind="stable")
        key = np.minimum(u, v)[order] * len(crossings) + np.maximum(u, v)[order]
        keep = order[np.unique(key, return_index=True)[1]]
        shape = (len(crossings), len(crossings))
        graph = scipy.sparse.csr_array((metres[keep], (u[keep], v[keep])), shape=shape)
        return cls(ends=ends, length_m=length, graph=graph)

    def among(self, streets: NDArray[np.int64], *, limit_m: float) -> Routes:
        """Find the ways between the crossings of some streets.

        Parameters
        ----------
        streets : ndarray of int64
            Rows of streets.
        limit_m : float
            Farther is not searched.

        Returns
        -------
        Routes
            What `Routes.distances_m` measures by.
        """
        crossings = np.unique(self.ends[streets])
        metres = scipy.sparse.csgraph.dijkstra(self.graph, directed=False, indices=crossings, limit=limit_m)[
            :, crossings
        ]
        return Routes(network=self, crossings=crossings, metres=metres)


@dataclass(frozen=True, eq=False, kw_only=True)
class Routes:
    """Distances between some crossings of a network.

    Parameters
    ----------
    network : Network
        The network.
    crossings : ndarray of int64, shape (k,)
        Crossings, ascending.
    metres : ndarray of float64, shape (k, k)
        Distances; infinite beyond the limit.
    """

    network: Network
    crossings: NDArray[np.int64]
    metres: NDArray[np.float64]

    def distances_m(self, pieces: LinePieces, here: Courses, there: Courses) -> NDArray[np.float64]:
        """Measure along the network between the middles of pieces, without turning about on a street.

        Parameters
        ----------
        pieces : LinePieces
            Pieces of the streets.
        here, there : Courses
            Pieces from and to with directions, of the streets that the routes were found for.

        Returns
        -------
        ndarray of float64, shape (here, there)
            Metres; infinite where there is no way within the limit.
        """
        street, at, leave = self._placed(pieces, here, leaving=True)
        other, to, enter = self._placed(pieces, there, leaving=False)
        ahead = at[:, None] + to[None, :]
        length = self.network.length_m[street][:, None]
        # On one street and in one direction: what is left of it, plus what is behind the other, is one length too much.
        same = (street[:, None] == other[None, :]) & (here.forth[:, None] == there.forth[None, :])
        direct = np.where(same & (ahead >= length - 1e-6), ahead - length, np.inf)
        return np.asarray(np.minimum(ahead + self.metres[leave[:, None], enter[None, :]], direct))

    def _placed(
        self, pieces: LinePieces, courses: Courses, *, leaving: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Return the streets, the metres to the crossing ahead (or behind), and that crossing."""
        street = pieces.line[courses.piece]
        along = pieces.before_m[courses.piece] + 0.5 * pieces.length_m[courses.piece]
        to_end = courses.forth == leaving
        metres = np.where(to_end, self.network.length_m[street] - along, along)
        crossing = self.network.ends[street, to_end.astype(np.int64)]
        return street, metres, np.searchsorted(self.crossings, crossing)


class Courses(NamedTuple):
    """Pieces of streets, and whether each is driven from the street's start to its end.

    Attributes
    ----------
    piece : ndarray of int64, shape (n,)
        Rows of pieces.
    forth : ndarray of bool, shape (n,)
        True towards the end of the street.
    """

    piece: NDArray[np.int64]
    forth: NDArray[np.bool_]
