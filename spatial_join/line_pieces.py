"""Lines as short straight pieces, and how likely a position with an error is if its true place lies on one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
import shapely

from spatial_join.errors import GeometryError
from spatial_join.pieces import named_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LinePieces", "pieces_of"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LinePieces:
    """Straight pieces of lines in a plane.

    Parameters
    ----------
    line : ndarray of int64, shape (m,)
        Line that each piece is of, ascending.
    start, end : ndarray of float64, shape (m, 2)
        Ends of each piece, metres.
    before_m : ndarray of float64, shape (m,)
        Length of the line before the piece.
    length_m : ndarray of float64, shape (m,)
        Length of the piece.
    """

    line: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    before_m: NDArray[np.float64]
    length_m: NDArray[np.float64]

    @cached_property
    def _tree(self) -> shapely.STRtree:
        lines = np.atleast_1d(np.asarray(shapely.linestrings(np.stack([self.start, self.end], axis=1))))
        return shapely.STRtree(lines)

    def near(
        self, place: NDArray[np.float64], radius_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the pieces near positions.

        Parameters
        ----------
        place : ndarray of float64, shape (n, 2)
            Positions in the plane; NaN for none.
        radius_m : ndarray of float64, shape (n,)
            How far a piece may be; NaN for a position that is to find none.

        Returns
        -------
        row, piece : ndarray of int64
            Pairs, sorted by row, then piece.
        """
        asked = np.flatnonzero(np.isfinite(place).all(axis=1) & np.isfinite(radius_m))
        points = np.atleast_1d(np.asarray(shapely.points(place[asked])))
        found, piece = self._tree.query(points, predicate="dwithin", distance=radius_m[asked])
        order = np.lexsort((piece, found))
        return asked[found[order]].astype(np.int64), piece[order].astype(np.int64)

    def likelihood(
        self, place: NDArray[np.float64], sigma_m: NDArray[np.float64], piece: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Integrate the normal density of positions' errors along pieces.

        Parameters
        ----------
        place : ndarray of float64, shape (k, 2)
            Positions.
        sigma_m : ndarray of float64, shape (k,)
            Their standard deviation per axis.
        piece : ndarray of int64, shape (k,)
            Piece that each is measured against.

        Returns
        -------
        ndarray of float64, shape (k,)
            Density per square metre, times metres along the piece.
        """
        along, across = self.frame(place, piece)
        width = scipy.special.ndtr(along / sigma_m) - scipy.special.ndtr((along - self.length_m[piece]) / sigma_m)
        return np.asarray(np.exp(-0.5 * (across / sigma_m) ** 2) / (np.sqrt(2.0 * np.pi) * sigma_m) * width)

    def frame(
        self, place: NDArray[np.float64], piece: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Measure positions along and across pieces.

        Parameters
        ----------
        place : ndarray of float64, shape (k, 2)
            Positions.
        piece : ndarray of int64, shape (k,)
            Piece that each is measured against.

        Returns
        -------
        along_m, across_m : ndarray of float64, shape (k,)
            Metres from the start of the piece in its direction, and to its left.
        """
        step = self.end[piece] - self.start[piece]
        unit = step / np.maximum(self.length_m[piece], 1e-9)[:, None]
        off = place - self.start[piece]
        return (off * unit).sum(axis=1), off[:, 1] * unit[:, 0] - off[:, 0] * unit[:, 1]


def pieces_of(lines: NDArray[Any], *, longest_m: float = np.inf) -> LinePieces:
    """Cut lines at their vertices, and into pieces of at most some length.

    Parameters
    ----------
    lines : ndarray of shapely lines
        In a plane, metres; missing and empty ones have no pieces.
    longest_m : float
        Longest piece.

    Returns
    -------
    LinePieces
        The pieces, in the order of the lines.

    Raises
    ------
    GeometryError
        If something is not a line.
    """
    kind = shapely.get_type_id(lines)
    wrong = np.flatnonzero(~np.isin(kind, (-1, 1, 2, 5)))
    if wrong.size:
        raise GeometryError(f"Only lines have pieces; {lines[wrong[0]].geom_type} in {named_rows(wrong)}.")
    fine = shapely.segmentize(lines, longest_m) if np.isfinite(longest_m) else lines
    parts, owner = shapely.get_parts(fine, return_index=True)
    at, part = shapely.get_coordinates(parts, return_index=True)
    same = part[1:] == part[:-1]
    start, end, line = at[:-1][same], at[1:][same], owner[part[1:][same]]
    length = np.hypot(*(end - start).T)
    total = np.cumsum(length) - length
    first = np.r_[True, np.diff(line) != 0][: line.size]
    before = total - total[np.maximum.accumulate(np.where(first, np.arange(line.size), 0))]
    return LinePieces(line=line.astype(np.int64), start=start, end=end, before_m=before, length_m=length)
