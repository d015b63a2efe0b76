"""Vertices with a measure (M): moved without losing it. GEOS itself forgets M wherever it makes a geometry anew."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    ObjectArray = NDArray[np.object_]

__all__ = ["segmentize", "set_vertices"]

_POINT, _LINE, _POLYGON = 1, 2, 3
#: ISO codes of well-known binary: 2000 is added for M, 3000 for Z and M.
_CODES = {0: _POINT, 1: _LINE, 2: _LINE, 3: _POLYGON, 4: 4, 5: 5, 6: 6, 7: 7}


def set_vertices(geometry: ObjectArray, numbers: FloatArray) -> ObjectArray:
    """Give geometries new coordinates; what has measures keeps them.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries or None, shape (n,), all with heights or all without.
    numbers : numpy.ndarray
        x and y, and z if they have heights, of all vertices in their order.

    Returns
    -------
    numpy.ndarray
        The geometries, shape (n,).

    Examples
    --------
    >>> lines = shapely.from_wkt(np.array(["LINESTRING M (0 0 5, 1 1 7)"], dtype=object))
    >>> shapely.to_wkt(set_vertices(lines, np.array([[2.0, 2.0], [3.0, 3.0]]))[0])
    'LINESTRING M (2 2 5, 3 3 7)'
    """
    measured = np.asarray(shapely.has_m(geometry), dtype=bool)
    if not measured.any():
        return np.asarray(shapely.set_coordinates(geometry, numbers), dtype=object)
    known = shapely.get_coordinates(geometry, include_m=True)[:, -1]
    moved = np.asarray(shapely.set_coordinates(_without(geometry), numbers), dtype=object)
    return _with(moved, known, measured)


def segmentize(geometry: ObjectArray, longest: float) -> ObjectArray:
    """Put vertices into long segments, with measures that run evenly between those that were there.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries or None, shape (n,).
    longest : float
        In the unit of the coordinates.

    Returns
    -------
    numpy.ndarray
        The geometries, shape (n,).
    """
    measured = np.asarray(shapely.has_m(geometry), dtype=bool)
    dense = np.asarray(shapely.segmentize(geometry, longest), dtype=object)
    for row in np.flatnonzero(measured):
        numbers = shapely.get_coordinates(geometry[row], include_m=True)
        bare = _without(geometry[row : row + 1])
        dense[row] = shapely.segmentize(bare, longest)[0]
        there = np.interp(_reached(dense[row]), _reached(bare[0]), numbers[:, -1])
        dense[row] = _with(dense[row : row + 1], there, np.array([True]))[0]
    return dense


def _reached(shape: shapely.Geometry) -> FloatArray:
    """Return how far along its parts each vertex lies; from part to part it is 1."""
    parts = shapely.get_rings(shape) if shapely.get_dimensions(shape) == 2 else shapely.get_parts(shape)
    numbers, owner = shapely.get_coordinates(parts, return_index=True)
    steps = np.where(owner[1:] == owner[:-1], np.hypot(*np.diff(numbers, axis=0).T), 1.0)
    return np.append(0.0, np.cumsum(steps))


def _without(geometry: ObjectArray) -> ObjectArray:
    """Leave the measures out, keep the heights."""
    bare = np.array(geometry, dtype=object, copy=True)
    measured, deep = shapely.has_m(bare), shapely.has_z(bare)
    bare[measured & ~deep] = shapely.force_2d(bare[measured & ~deep])
    # In three dimensions well-known binary has the height, and no place for the measure.
    bare[measured & deep] = shapely.from_wkb(shapely.to_wkb(bare[measured & deep], output_dimension=3))
    return bare


def _with(geometry: ObjectArray, measures: FloatArray, measured: NDArray[np.bool_]) -> ObjectArray:
    """Give geometries their measures, vertex by vertex."""
    result = np.array(geometry, dtype=object, copy=True)
    ends = np.cumsum(shapely.get_num_coordinates(result))
    for row in np.flatnonzero(measured):
        shape = result[row]
        numbers = shapely.get_coordinates(shape, include_z=shape.has_z)
        own = np.column_stack([numbers, measures[ends[row] - len(numbers) : ends[row]]])
        result[row] = shapely.from_wkb(_binary(shape, own, 3000 if shape.has_z else 2000))
    return result


def _binary(shape: shapely.Geometry, numbers: FloatArray, dimensions: int) -> bytes:
    """Write a geometry as ISO well-known binary with the numbers of its vertices."""
    code = _CODES[int(shapely.get_type_id(shape))]
    head = struct.pack("<BI", 1, code + dimensions)
    if code == _POINT:
        return head + numbers.astype("<f8").tobytes()
    if code == _LINE:
        return head + struct.pack("<I", len(numbers)) + numbers.astype("<f8").tobytes()
    parts = shapely.get_rings(shape) if code == _POLYGON else shapely.get_parts(shape)
    ends = np.cumsum(shapely.get_num_coordinates(parts))
    body = b""
    for part, end in zip(parts, ends, strict=True):
        own = numbers[end - shapely.get_num_coordinates(part) : end]
        whole = _binary(part, own, dimensions)
        # A ring is a line without its head.
        body += whole[5:] if code == _POLYGON else whole
    return head + struct.pack("<I", len(parts)) + body
