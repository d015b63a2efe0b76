"""Geometries of GeoJSON as arrays of numbers: those of one kind together, what is odd one by one."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.packed import Packed, pack_beside
from layers.readers.binary_kernels import find_doubtful
from layers.readers.records import geometry_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["pack_features"]

_POINT, _LINE, _POLYGON, _MULTILINE, _MULTIPOLYGON = 0, 1, 3, 5, 6
_KINDS = {
    "Point": _POINT,
    "LineString": _LINE,
    "Polygon": _POLYGON,
    "MultiLineString": _MULTILINE,
    "MultiPolygon": _MULTIPOLYGON,
}
#: How deep positions lie in the coordinates of each kind.
_DEPTHS = {_POINT: 0, _LINE: 1, _POLYGON: 2, _MULTILINE: 2, _MULTIPOLYGON: 3}
#: What a geometry that is none may raise while it is built.
_ODD = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RecursionError,
    OverflowError,
    shapely.errors.GEOSException,
)


def pack_features(written: Sequence[Any]) -> tuple[Packed, NDArray[np.object_] | None]:
    """Read the member ``geometry`` of features.

    Parameters
    ----------
    written : sequence, n long
        Parsed; None where a feature has none.

    Returns
    -------
    packed : Packed
        The geometries; None where there is none.
    faults : numpy.ndarray of object, shape (n,), or None
        As of `geometry_faults`; None if all are sound.

    References
    ----------
    RFC 7946, section 3.1.

    Examples
    --------
    >>> packed, faults = pack_features([{"type": "Point", "coordinates": [7.4, 43.7]}, {"type": "Point"}])
    >>> packed.make().tolist(), faults[0]
    ([<POINT (7.4 43.7)>, None], None)
    >>> print(faults[1])
    unreadable_geometry: KeyError('coordinates') in {"type": "Point"}
    """
    rows: dict[int, list[int]] = {kind: [] for kind in _DEPTHS}
    apart: list[int] = []
    for row, geometry in enumerate(written):
        name = geometry.get("type") if isinstance(geometry, dict) and geometry.get("coordinates") else None
        kind = _KINDS.get(name) if isinstance(name, str) else None
        (apart if kind is None else rows[kind]).append(row)
    faults = np.full(len(written), None, dtype=object)
    parts: dict[str, dict[str, Any]] = {}
    for kind, of_kind in rows.items():
        made = _ragged([written[row]["coordinates"] for row in of_kind], kind) if of_kind else None
        if made is None:
            apart += of_kind
            continue
        coordinates, levels, odd = made
        held = {"coordinates": coordinates, **{f"offsets{level}": each for level, each in enumerate(levels)}}
        whole = len(of_kind) == len(written)
        key = f"{kind}{'z' if coordinates.shape[1] > 2 else ''}"
        parts[key] = {"rows": None if whole else np.array(of_kind, dtype=np.int64), **held}
        closer = np.flatnonzero(odd)
        if len(closer):
            shapes = Packed(parts={key: {**parts[key], "rows": None}}, length=len(of_kind)).make()[closer]
            faults[np.array(of_kind)[closer]] = geometry_faults(shapes, np.ones(len(closer), dtype=bool))
    _add_apart(parts, faults, written, sorted(apart))
    packed = Packed(parts=parts, length=len(written))
    return packed, faults if any(why is not None for why in faults) else None


def _add_apart(
    parts: dict[str, dict[str, Any]], faults: NDArray[np.object_], written: Sequence[Any], rows: list[int]
) -> None:
    """Build what does not lie in one array with the others, geometry by geometry."""
    if not rows:
        return
    shapes = np.full(len(rows), None, dtype=object)
    broken = {}
    for k, row in enumerate(rows):
        try:
            shapes[k] = _to_geometry(written[row])
        except _ODD as error:
            broken[row] = f"unreadable_geometry: {error!r} in {json.dumps(written[row])[:200]}"
    faults[rows] = geometry_faults(shapes, np.zeros(len(rows), dtype=bool))
    for row, why in broken.items():
        faults[row] = why
    pack_beside(parts, np.array(rows, dtype=np.int64), shapes)


def _ragged(
    coordinates: list[Any], kind: int
) -> tuple[NDArray[np.float64], list[NDArray[np.int64]], NDArray[np.bool_]] | None:
    """Lay coordinates of one kind out; returns them, shapely's offsets and what needs a closer look.

    None where positions differ in length, are no numbers, or a line or ring is none: each is then built for itself.
    """
    offsets, inner = [], coordinates
    try:
        for _ in range(_DEPTHS[kind]):
            ends = np.zeros(len(inner) + 1, dtype=np.int64)
            np.cumsum(np.fromiter(map(len, inner), dtype=np.int64, count=len(inner)), out=ends[1:])
            offsets.append(ends)
            inner = list(chain.from_iterable(inner))
        numbers = np.array(inner)
    except (TypeError, ValueError):
        return None
    if numbers.ndim != 2 or numbers.shape[1] < 2 or numbers.dtype.kind not in "fi":
        return None
    # Positions may carry more than a height; RFC 7946 says to ignore the rest.
    numbers = np.ascontiguousarray(numbers[:, :3], dtype=np.float64)
    if kind == _POINT:
        return numbers, [], ~np.isfinite(numbers[:, :2]).all(axis=1)
    runs, *outer = reversed(offsets)
    areal = kind in {_POLYGON, _MULTIPOLYGON}
    whole = _closed(numbers, runs) if areal else (np.diff(runs) > 1).all()
    if not whole or any((np.diff(each) < 1).any() for each in outer):
        return None
    return numbers, [runs, *outer], find_doubtful(numbers, *_three(runs, outer, kind), areal)


def _closed(numbers: NDArray[np.float64], rings: NDArray[np.int64]) -> bool:
    """Say whether all rings end where they begin."""
    if (np.diff(rings) < 4).any():
        return False
    return bool((numbers[rings[:-1]] == numbers[rings[1:] - 1]).all())


def _three(runs: NDArray[np.int64], outer: list[NDArray[np.int64]], kind: int) -> list[NDArray[np.int64]]:
    """Return the ends of runs, of polygons and of geometries, those included that are one to one."""
    if kind == _LINE:
        return [runs, np.arange(len(runs)), np.arange(len(runs))]
    if kind == _MULTILINE:
        return [runs, np.arange(len(runs)), *outer]
    return [runs, outer[0], outer[1] if kind == _MULTIPOLYGON else np.arange(len(outer[0]))]


def _to_geometry(geometry: Mapping[str, Any] | None) -> shapely.Geometry | None:
    """Build one geometry; raises one of `_ODD` if it is not one."""
    if geometry is None:
        return None
    kind = geometry["type"]
    if kind == "GeometryCollection":
        return shapely.GeometryCollection([_to_geometry(part) for part in geometry["geometries"]])
    coordinates = geometry["coordinates"]
    return _BUILDERS[kind](coordinates) if coordinates else None


def _array(points: list[list[float]]) -> np.ndarray:
    try:
        array = np.array(points, dtype=np.float64)
    except ValueError:
        narrow = min(len(point) for point in points)
        array = np.array([point[:narrow] for point in points], dtype=np.float64)
    return array[:, :3]


def _line(points: list[list[float]]) -> shapely.LineString:
    return shapely.LineString(_array(points))


def _polygon(rings: list[list[list[float]]]) -> shapely.Polygon:
    shell, *holes = (_array(ring) for ring in rings)
    return shapely.Polygon(shell, holes)


_BUILDERS: Mapping[str, Callable[[list[Any]], shapely.Geometry]] = {
    "Point": lambda point: shapely.Point(point[:3]),
    "MultiPoint": lambda points: shapely.MultiPoint(_array(points)),
    "LineString": _line,
    "MultiLineString": lambda lines: shapely.MultiLineString([_line(line) for line in lines]),
    "Polygon": _polygon,
    "MultiPolygon": lambda polygons: shapely.MultiPolygon([_polygon(rings) for rings in polygons]),
}
