"""What decoding grid codes yields, and the steps that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["IntArray", "Outlines", "boxes", "by_length", "digits_of", "empty_outlines"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Outlines:
    """The cells that codes name.

    Parameters
    ----------
    geometry : numpy.ndarray
        Polygons in WGS 84 longitude and latitude, shape (n,); None where a reason stands.
    lon_deg, lat_deg : numpy.ndarray
        Centres, degrees, shape (n,); NaN where a reason stands.
    reasons : numpy.ndarray
        None, or text that says what is wrong with the code, shape (n,).
    """

    geometry: ObjectArray
    lon_deg: FloatArray
    lat_deg: FloatArray
    reasons: ObjectArray


def empty_outlines(count: int) -> Outlines:
    """Make outlines of which nothing is known yet.

    Parameters
    ----------
    count : int
        Number of codes.

    Returns
    -------
    Outlines
        Its arrays are filled in by the decoder that made it, before anybody else sees them.
    """
    return Outlines(
        geometry=np.full(count, None, dtype=object),
        lon_deg=np.full(count, np.nan),
        lat_deg=np.full(count, np.nan),
        reasons=np.full(count, None, dtype=object),
    )


def by_length(codes: Sequence[str], chosen: IntArray) -> Iterator[tuple[int, IntArray, NDArray[np.str_]]]:
    """Group codes by their number of characters, so that each group is a matrix.

    Parameters
    ----------
    codes : sequence of str
        All codes.
    chosen : numpy.ndarray of int
        Rows to look at.

    Yields
    ------
    tuple
        The length, the rows, and the codes as an array of text.
    """
    lengths = np.array([len(codes[row]) for row in chosen], dtype=np.int64)
    for length in np.unique(lengths).tolist():
        rows = chosen[lengths == length]
        yield length, rows, np.array([codes[row] for row in rows], dtype=f"U{length}")


def digits_of(texts: NDArray[np.str_], alphabet: str) -> IntArray:
    """Look up every character of texts of one length in an alphabet.

    Parameters
    ----------
    texts : numpy.ndarray of str
        Shape (n,), all of the length that the type says.
    alphabet : str
        ASCII characters; the place in it is the digit.

    Returns
    -------
    numpy.ndarray of int
        Shape (n, length); -1 for what is not in the alphabet.

    Examples
    --------
    >>> digits_of(np.array(["20", "1x"]), "012").tolist()
    [[2, 0], [1, -1]]
    """
    table = np.full(128, -1, dtype=np.int64)
    table[[ord(letter) for letter in alphabet]] = np.arange(len(alphabet))
    points = np.ascontiguousarray(texts).view(np.uint32).reshape(len(texts), -1)
    return np.where(points < 128, table[np.minimum(points, 127)], -1)


def boxes(
    outlines: Outlines, rows: IntArray, *, west_south: tuple[FloatArray, FloatArray], size_deg: tuple[float, float]
) -> None:
    """Enter cells that are boxes in longitude and latitude.

    Parameters
    ----------
    outlines : Outlines
        What to enter them in.
    rows : numpy.ndarray of int
        Where.
    west_south : tuple of numpy.ndarray
        Longitude and latitude of the south-west corners, degrees.
    size_deg : tuple of float
        Width and height, degrees.
    """
    west, south = west_south
    width, height = size_deg
    outlines.geometry[rows] = shapely.box(west, south, west + width, south + height)
    outlines.lon_deg[rows] = west + width / 2
    outlines.lat_deg[rows] = south + height / 2
