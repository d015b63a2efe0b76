"""Running the way from one definition to another, in pieces that fit a core's cache.

The way goes up from the numbers of the source to its datum, along that datum's chain to the first datum that the
target's chain shares (WGS 84 at the latest), and down again. Every step is fixed beforehand, nothing is chosen by
place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Transformer
from pyproj.enums import TransformDirection

from crs import china
from crs.errors import LengthMismatchError
from crs.gauss_kruger import kernel_of
from crs.registry import identity_sigma
from crs.uncertainty import CIRCULAR_95, combine_sigma

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import FloatArray
    from crs.entries import Area, Datum, Entry

    Pair = tuple[FloatArray, FloatArray]

__all__ = ["Moved", "from_hub", "inside", "move", "path", "path_sigma", "run_pipeline", "to_hub"]

#: Positions in one piece: 1 MB of x and y, so that the temporary arrays stay small and near.
_PIECE = 65_536
#: GCJ-02 moves a position by 712 m at most. Where two readings are possible, the region of 95 % reaches the other one.
_AMBIGUOUS_SIGMA_M = 712.0 / CIRCULAR_95

# Steps that PROJ does not know, there (towards WGS 84) and back.
_METHODS: dict[str, tuple[Callable[..., Pair], Callable[..., Pair]]] = {
    "gcj02": (china.wgs84_from_gcj02, china.gcj02_from_wgs84),
    "bd09": (china.gcj02_from_bd09, china.bd09_from_gcj02),
    "bd09mc": (china.bd09_from_bd09mc, china.bd09mc_from_bd09),
    "webmercator": (china.gcj02_from_webmercator, china.webmercator_from_gcj02),
}


@dataclass(frozen=True, eq=False)
class Moved:
    """Numbers after a move.

    Parameters
    ----------
    x, y : numpy.ndarray
        In the target; NaN where the input is NaN or outside.
    outside : numpy.ndarray of bool
        True where a position was given but lies outside the area of use of source or target.
    accuracy_m : numpy.ndarray
        Sigma per axis of the way, position by position; of shape () where it is one for all.
    ambiguous : numpy.ndarray of bool or None
        True where a position may have two origins or none; None where no step of the way knows of such.
    """

    x: FloatArray
    y: FloatArray
    outside: NDArray[np.bool_]
    accuracy_m: FloatArray
    ambiguous: NDArray[np.bool_] | None = None


@lru_cache(maxsize=256)
def _transformer(pipeline: str) -> Transformer:
    return Transformer.from_pipeline(pipeline)


def run_pipeline(
    pipeline: str, x: FloatArray, y: FloatArray, *, inverse: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Run one pipeline, NaN where PROJ has no answer: never inf.

    Parameters
    ----------
    pipeline : str
        A PROJ pipeline, "" for none.
    x, y : numpy.ndarray
        Numbers of one shape.
    inverse : bool
        True to run it backwards.

    Returns
    -------
    tuple of numpy.ndarray
        New numbers.
    """
    if not pipeline:
        return x, y
    direction = TransformDirection.INVERSE if inverse else TransformDirection.FORWARD
    east, north = _transformer(pipeline).transform(x, y, direction=direction)
    bad = ~(np.isfinite(east) & np.isfinite(north))
    return np.where(bad, np.nan, east), np.where(bad, np.nan, north)


def _to_datum(start: Entry, x: FloatArray, y: FloatArray) -> Pair:
    """Turn numbers into longitude and latitude on their own datum."""
    if start.plane is not None:
        a, b, c, d, e, f = start.plane
        x, y = a * x + b * y + c, d * x + e * y + f
    if start.method:
        return _METHODS[start.method][0](x, y)
    kernel = kernel_of(start.steps)
    if kernel is not None:
        return kernel.inverse(x, y)
    return run_pipeline(f"+proj=pipeline {start.steps}" if start.steps else "", x, y)


def _from_datum(end: Entry, lon: FloatArray, lat: FloatArray) -> Pair:
    """Turn longitude and latitude on a definition's datum into its numbers."""
    kernel = kernel_of(end.steps)
    if end.method:
        x, y = _METHODS[end.method][1](lon, lat)
    elif kernel is not None:
        x, y = kernel.forward(lon, lat)
    else:
        x, y = run_pipeline(f"+proj=pipeline {end.steps}" if end.steps else "", lon, lat, inverse=True)
    if end.plane is not None:
        a, b, c, d, e, f = end.plane
        turned = a * e - b * d
        x, y = (e * (x - c) - b * (y - f)) / turned, (a * (y - f) - d * (x - c)) / turned
    return x, y


def _up(datum: Datum, lon: FloatArray, lat: FloatArray) -> Pair:
    """Move from a datum to the next one on its chain."""
    if datum.method:
        return _METHODS[datum.method][0](lon, lat)
    return run_pipeline(f"+proj=pipeline {datum.shift}" if datum.shift else "", lon, lat)


def _down(datum: Datum, lon: FloatArray, lat: FloatArray) -> Pair:
    """Move to a datum from the next one on its chain: the exact inverse of `_up`.

    A shift in space makes a height, which a move in the plane drops; going back without it misses by up to 1 mm. What
    is missed is added once, and the rest is below a nanometre.
    """
    if datum.method:
        return _METHODS[datum.method][1](lon, lat)
    if not datum.shift:
        return lon, lat
    pipeline = f"+proj=pipeline {datum.shift}"
    there = run_pipeline(pipeline, *run_pipeline(pipeline, lon, lat, inverse=True))
    return run_pipeline(pipeline, 2.0 * lon - there[0], 2.0 * lat - there[1], inverse=True)


def path(start: Entry, end: Entry) -> tuple[tuple[Datum, ...], tuple[Datum, ...]]:
    """Return the datums whose shifts lead from one definition to another.

    Parameters
    ----------
    start, end : Entry
        Source and target.

    Returns
    -------
    up, down : tuple of Datum
        Those that are left, and those that are entered, each in the order in which it is run.
    """
    up, down = list(start.datum.chain), list(end.datum.chain)
    while up and down and up[-1] == down[-1]:
        up.pop()
        down.pop()
    return tuple(up), tuple(reversed(down))


def path_sigma(start: Entry, end: Entry) -> float:
    """Return the published accuracy of the way, the greatest where it varies.

    Parameters
    ----------
    start, end : Entry
        Source and target.

    Returns
    -------
    float
        Sigma per horizontal axis, metres; 0 if only numbers are projected.
    """
    return float(combine_sigma(_fixed_sigma(start, end), *(datum.accuracy_m for datum in _varying(start, end))))


def _varying(start: Entry, end: Entry) -> list[Datum]:
    """Return the datums on the way whose accuracy depends on the place."""
    up, down = path(start, end)
    return [datum for datum in (*up, *down) if datum.method == "gcj02"]


def _fixed_sigma(start: Entry, end: Entry) -> float:
    """Return the part of the accuracy that is one for all places."""
    up, down = path(start, end)
    grids = () if start.code == end.code else (start.accuracy_m, end.accuracy_m)
    identity_m = identity_sigma(start.datum, end.datum)
    if identity_m is not None:
        return float(combine_sigma(identity_m, *grids))
    return float(combine_sigma(*grids, *(d.accuracy_m for d in (*up, *down) if d.method != "gcj02")))


def to_hub(start: Entry, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Move numbers of a definition to WGS 84 longitude and latitude.

    Parameters
    ----------
    start : Entry
        The definition.
    x, y : numpy.ndarray
        Its numbers, of one shape of one dimension.

    Returns
    -------
    tuple of numpy.ndarray
        Degrees, NaN where there is no answer.
    """
    lon, lat = _to_datum(start, x, y)
    for datum in start.datum.chain:
        lon, lat = _up(datum, lon, lat)
    return lon, lat


def from_hub(end: Entry, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Move WGS 84 longitude and latitude to numbers of a definition.

    Parameters
    ----------
    end : Entry
        The definition.
    lon, lat : numpy.ndarray
        Degrees, of one shape of one dimension.

    Returns
    -------
    tuple of numpy.ndarray
        Numbers of the definition, NaN where there is no answer.
    """
    return _from_datum(end, *on_datum(end, lon, lat))


def on_datum(end: Entry, lon: FloatArray, lat: FloatArray) -> Pair:
    """Move WGS 84 longitude and latitude to those on the datum of a definition.

    Parameters
    ----------
    end : Entry
        The definition.
    lon, lat : numpy.ndarray
        Degrees, of one shape of one dimension.

    Returns
    -------
    tuple of numpy.ndarray
        Degrees, NaN where there is no answer.
    """
    for datum in reversed(end.datum.chain):
        lon, lat = _down(datum, lon, lat)
    return lon, lat


def inside(area: Area, lon: FloatArray, lat: FloatArray) -> NDArray[np.bool_]:
    """Say which longitudes and latitudes lie in an area.

    Parameters
    ----------
    area : Area
        The box.
    lon, lat : numpy.ndarray
        Degrees.

    Returns
    -------
    numpy.ndarray of bool
        False for NaN.
    """
    across = area.west > area.east
    band = (lon >= area.west) | (lon <= area.east) if across else (lon >= area.west) & (lon <= area.east)
    within: NDArray[np.bool_] = band & (lat >= area.south) & (lat <= area.north)
    return within


def move(start: Entry, end: Entry, x: ArrayLike, y: ArrayLike, *, detailed: bool = False) -> Moved:
    """Move numbers and mark those that cannot be moved.

    Parameters
    ----------
    start, end : Entry
        Source and target.
    x, y : array_like
        Numbers in the unit of the source, x or longitude first, any one shape. NaN means missing.
    detailed : bool
        True to have accuracy and ambiguity of every position.

    Returns
    -------
    Moved
        Numbers in the unit of the target, and what was outside.

    Raises
    ------
    LengthMismatchError
        If x and y differ in shape.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape:
        raise LengthMismatchError(f"x has shape {x.shape} but y has {y.shape}; give one of each for every position")
    way = _Way(start, end, detailed=detailed)
    flat_x, flat_y = x.ravel(), y.ravel()
    out = np.empty_like(flat_x), np.empty_like(flat_y)
    outside = np.empty(flat_x.shape, dtype=bool)
    accuracy_m = np.empty(flat_x.shape if way.varies else (), dtype=np.float64)
    ambiguous = np.zeros(flat_x.shape, dtype=bool) if way.varies else None
    accuracy_m[...] = way.sigma_m
    for first in range(0, flat_x.size, _PIECE):
        piece = slice(first, first + _PIECE)
        lost, certain = way.run(flat_x[piece], flat_y[piece], (out[0][piece], out[1][piece]))
        outside[piece] = lost
        if ambiguous is not None:
            accuracy_m[piece], ambiguous[piece] = certain
    shape = x.shape
    return Moved(
        out[0].reshape(shape),
        out[1].reshape(shape),
        outside.reshape(shape),
        accuracy_m.reshape(shape) if way.varies else accuracy_m,
        None if ambiguous is None else ambiguous.reshape(shape),
    )


class _Way:
    """The steps between two definitions, chosen once."""

    def __init__(self, start: Entry, end: Entry, *, detailed: bool) -> None:
        self.start, self.end = start, end
        self.up, self.down = path(start, end)
        self.same = start.pipeline == end.pipeline
        self.varies = detailed and not self.same and bool(_varying(start, end))
        self.sigma_m = _fixed_sigma(start, end) if self.varies else path_sigma(start, end)
        self.areas = (start.area,) if start.area == end.area else (start.area, end.area)

    def run(
        self, x: FloatArray, y: FloatArray, out: Pair
    ) -> tuple[NDArray[np.bool_], tuple[FloatArray, NDArray[np.bool_]]]:
        """Move one piece into `out`; return what was outside, and accuracy and ambiguity where they vary."""
        stated = np.full(x.shape if self.varies else 0, self.sigma_m)
        doubtful = np.zeros(stated.shape, dtype=bool)
        lon, lat = _to_datum(self.start, x, y)
        for datum in self.up:
            self._judge(datum, (lon, lat), stated, doubtful)
            lon, lat = _up(datum, lon, lat)
        placed = inside(self.areas[0], lon, lat)
        for area in self.areas[1:]:
            placed &= inside(area, lon, lat)
        if self.same:
            lon, lat = x, y
        else:
            for datum in self.down:
                self._judge(datum, (lon, lat), stated, doubtful)
                lon, lat = _down(datum, lon, lat)
            lon, lat = _from_datum(self.end, lon, lat)
        placed &= np.isfinite(lon) & np.isfinite(lat)
        out[0][...], out[1][...] = lon, lat
        if placed.all():
            return ~placed, (stated, doubtful)
        out[0][~placed], out[1][~placed] = np.nan, np.nan
        return ~placed & ~(np.isnan(x) | np.isnan(y)), (stated, doubtful)

    def _judge(self, datum: Datum, at: Pair, stated: FloatArray, doubtful: NDArray[np.bool_]) -> None:
        """Enter accuracy and ambiguity of a step whose accuracy depends on the place."""
        if not self.varies or datum.method != "gcj02":
            return
        edge = china.near_mask_edge(*at)
        stated[...] = combine_sigma(stated, china.accuracy_m(*at), np.where(edge, _AMBIGUOUS_SIGMA_M, 0.0))
        doubtful |= edge
